/* wzp-netcheck-options: the command line of wzp-netcheck. */
#pragma once

#include "wzp-relay-dial.h"

G_BEGIN_DECLS

#define WZP_NETCHECK_MAX_RELAYS      8u
#define WZP_NETCHECK_DEFAULT_SECONDS 5
#define WZP_NETCHECK_MAX_SECONDS     60

typedef struct {
  GPtrArray *relays;  /* owned, of char *: as given */
  GPtrArray *rules;   /* owned, of WzpRelayRule: one for each of them */
  guint timeout_ms;   /* of a step: looking up, or asking at an address */
  char *bind_address; /* owned; NULL: any */
  guint16 bind_port;  /* 0: any */
  gboolean json, version;
} WzpNetcheckOptions;

/* Reads argv (as a UTF-8 array, changed by it). "--help" prints and exits.
 * G_OPTION_ERROR, or WZP_ERROR_INVALID for a bad value. No relay is needed
 * with `version`. */
gboolean wzp_netcheck_options_parse (
    char ***argv, WzpNetcheckOptions *ret_options, GError **error);
void wzp_netcheck_options_clear (WzpNetcheckOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (
    WzpNetcheckOptions, wzp_netcheck_options_clear)

G_END_DECLS
