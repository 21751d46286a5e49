/* wzp-fingerprint: the short name of a public key: the first 16 bytes of
 * SHA-256 over the 32 bytes, printed as eight colon-separated groups of four
 * lower-case hex digits. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_PUBLIC_KEY_LEN         32u /* bytes, Ed25519 or X25519 */
#define WZP_SIGNATURE_LEN          64u /* bytes, Ed25519 */
#define WZP_FINGERPRINT_LEN        16u /* bytes */
#define WZP_FINGERPRINT_STRLEN     40u /* bytes with the NUL: 8*4 + 7 + 1 */
#define WZP_FINGERPRINT_HEX_STRLEN 33u /* bytes with the NUL, no colons */

typedef struct {
  guint8 bytes[WZP_FINGERPRINT_LEN];
} WzpFingerprint;

void wzp_fingerprint_of_key (const guint8 public_key[WZP_PUBLIC_KEY_LEN],
    WzpFingerprint *ret_fingerprint);
/* Accepts upper and lower case, with all colons or none. WZP_ERROR_INVALID. */
gboolean wzp_fingerprint_parse (
    const char *text, WzpFingerprint *ret_fingerprint, GError **error);
const char *wzp_fingerprint_to_string (
    const WzpFingerprint *fp, char buf[WZP_FINGERPRINT_STRLEN]);
const char *wzp_fingerprint_to_hex (
    const WzpFingerprint *fp, char buf[WZP_FINGERPRINT_HEX_STRLEN]);
gboolean wzp_fingerprint_equal (
    const WzpFingerprint *a, const WzpFingerprint *b);
guint wzp_fingerprint_hash (const WzpFingerprint *fp);
int wzp_fingerprint_compare (
    const WzpFingerprint *a, const WzpFingerprint *b); /* by bytes */

G_END_DECLS
