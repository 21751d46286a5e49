/* wzp-relay-trust: whether a relay's certificate is the one to trust, as
 * `relay-trust` says; and the file of relays seen before. */
#pragma once

#include "wzp-addr.h"
#include "wzp-error.h"

G_BEGIN_DECLS

#define WZP_KNOWN_RELAYS_MAX 4096u /* lines of the file that are read */

/* "aa:bb:...", 32 bytes, with the NUL */
#define WZP_RELAY_FINGERPRINT_STRLEN 96u

typedef enum {
  WZP_RELAY_TRUST_TOFU, /* remember at first sight, refuse a changed one */
  WZP_RELAY_TRUST_CA,   /* system certificate authorities, the relay's host */
  WZP_RELAY_TRUST_PIN,  /* relay-fingerprint only */
  WZP_RELAY_TRUST_NONE, /* any; a warning each time */
} WzpRelayTrust;

/* Reads and prints "aa:bb:..." (32 lower-case hex bytes); upper case and no
 * colons are read too. WZP_ERROR_INVALID; @ret_sha256 is then untouched. */
gboolean wzp_relay_fingerprint_parse (
    const char *text, guint8 ret_sha256[32], GError **error);
char *wzp_relay_fingerprint_to_string (const guint8 sha256[32]);

/* $XDG_CONFIG_HOME/gst-wzp/known_relays (newly allocated). */
char *wzp_known_relays_default_path (void);

/* Looks @host:@port up in the file at @path, one "host:port fingerprint" a
 * line (an IPv6 host in brackets; upper and lower case are one; lines that
 * begin with '#' are comments). Known and equal: TRUE. Unknown: appended (file
 * and folder made, 0600, atomically) and TRUE, *@ret_is_new (nullable) set.
 * Different: WZP_ERROR_IDENTITY with both fingerprints, the file and the line
 * to delete. A line of this relay that is malformed, or a file of over
 * WZP_KNOWN_RELAYS_MAX lines: WZP_ERROR_INVALID, WZP_ERROR_TOO_LARGE. A file
 * that cannot be read or written: G_FILE_ERROR. Blocking; small. Several
 * processes may use one file. */
gboolean wzp_known_relays_check (const char *path, const char *host,
    guint16 port, const guint8 sha256[32], gboolean *ret_is_new,
    GError **error);

G_END_DECLS
