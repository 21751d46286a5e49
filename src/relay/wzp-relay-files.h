/* wzp-relay-files: the files that a relay's configuration names, read with
 * bounds and with a look at who may read them. Blocking, small. Any thread. */
#pragma once

#include "wzp-error.h"

G_BEGIN_DECLS

#define WZP_ALLOW_FILE_MAX_LEN (8u * 1024u * 1024u) /* bytes */

/* All of a regular file of at most @max_len bytes. @is_secret: refused when its
 * group or others have any permission; a file that systemd keeps for us (below
 * $CREDENTIALS_DIRECTORY) may be readable by its group, for that is how the
 * access list which lets us in looks. G_FILE_ERROR, WZP_ERROR_INVALID,
 * WZP_ERROR_TOO_LARGE; each names the file. Wiped when freed. */
GBytes *wzp_relay_file_read (
    const char *path, gsize max_len, gboolean is_secret, GError **error);

/* The key in a file of wzp_relay_token_key_create(), or of any other: its bytes
 * without white space at the end. A secret. WZP_ERROR_INVALID: shorter than
 * WZP_TOKEN_MIN_KEY_LEN; others as above. */
GBytes *wzp_relay_token_key_read (const char *path, GError **error);
/* Makes a new file, 0600, with a random key: 64 hexadecimal digits and a line
 * end. G_FILE_ERROR_EXIST: there is one. */
gboolean wzp_relay_token_key_create (const char *path, GError **error);

/* Appends to @fingerprints (of char *, which it frees) what stands in a file:
 * one fingerprint a line; what is behind it on the line, empty lines and lines
 * that begin with '#' are for people. WZP_ERROR_INVALID names file and line. */
gboolean wzp_relay_allow_file_read (
    const char *path, GPtrArray *fingerprints, GError **error);

G_END_DECLS
