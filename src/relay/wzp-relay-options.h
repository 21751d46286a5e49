/* wzp-relay-options: the command line of wzp-relay, and the files that it
 * names. */
#pragma once

#include "wzp-identity.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *listen;       /* owned; NULL: any address */
  guint16 port;
  char *key_file;     /* owned; NULL: wzp_relay_default_key_file() */
  gboolean ephemeral_key;
  gboolean print_address;
  gboolean quiet, verbose, version;
} WzpRelayOptions;

/* Reads argv (as a UTF-8 array, changed by it). "--help" prints and exits.
 * G_OPTION_ERROR, or WZP_ERROR_INVALID for a bad value. */
gboolean wzp_relay_options_parse (
    char ***argv, WzpRelayOptions *ret_options, GError **error);
void wzp_relay_options_clear (WzpRelayOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WzpRelayOptions, wzp_relay_options_clear)

/* gst-wzp/relay.key in the user's state folder (transfer full). */
char *wzp_relay_default_key_file (void);
/* The relay's identity as the options say; makes the file, 0600, and its
 * folder when they are missing. Errors as wzp_identity_load(). */
WzpIdentity *wzp_relay_options_load_identity (
    const WzpRelayOptions *options, GError **error);

G_END_DECLS
