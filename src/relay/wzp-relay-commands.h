/* wzp-relay-commands: what wzp-relay does besides serving: "wzp-relay
 * mint-token ...". Blocking, small. */
#pragma once

#include "wzp-error.h"

G_BEGIN_DECLS

#define WZP_TOKEN_DEFAULT_VALID_S 3600u
#define WZP_TOKEN_MAX_VALID_S     (366u * 86400u)

/* mint-token, make-token-key, show-peer. */
gboolean wzp_relay_is_command (const char *name);
/* @argv: the command's name and its arguments, changed by it; "--help" prints
 * and exits. Returns what goes to standard output (transfer full).
 * G_OPTION_ERROR or WZP_ERROR_INVALID: the command line is not in order; others
 * as they come. */
char *wzp_relay_command_run (char ***argv, GError **error);

/* "90", "90s", "15m", "12h", "7d" as seconds, at least one and at most
 * WZP_TOKEN_MAX_VALID_S. WZP_ERROR_INVALID. */
gboolean wzp_relay_parse_duration (
    const char *text, guint *ret_seconds, GError **error);

G_END_DECLS
