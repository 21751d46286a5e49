/* wzp-relay-scan: which line of a configuration text says what, for GKeyFile
 * does not tell. It is also stricter: a group or a key that is there twice is
 * an error, where GKeyFile would silently take the later one. Pure. */
#pragma once

#include "wzp-error.h"

G_BEGIN_DECLS

typedef struct {
  guint line;  /* from 1 */
  char *group; /* owned */
  char *key;   /* owned; NULL: the group begins here */
} WzpRelayEntry;

void wzp_relay_entry_free (WzpRelayEntry *entry);

/* What is in @text (UTF-8, without a byte order mark), in order: of
 * WzpRelayEntry (transfer full). WZP_ERROR_INVALID "NAME:LINE: ...". */
GPtrArray *wzp_relay_scan (const char *name, const char *text, GError **error);

G_END_DECLS
