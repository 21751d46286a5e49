#include "wzp-fingerprint.h"

#include <string.h>

#include "wzp-error.h"

#define GROUP_DIGITS 4u /* hex digits between two colons */

void
wzp_fingerprint_of_key (const guint8 public_key[WZP_PUBLIC_KEY_LEN],
    WzpFingerprint *ret_fingerprint)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize len = sizeof digest;

  g_checksum_update (sum, public_key, WZP_PUBLIC_KEY_LEN);
  g_checksum_get_digest (sum, digest, &len);
  memcpy (ret_fingerprint->bytes, digest, WZP_FINGERPRINT_LEN);
}

gboolean
wzp_fingerprint_parse (
    const char *text, WzpFingerprint *ret_fingerprint, GError **error)
{
  g_autofree char *excerpt = NULL;
  WzpFingerprint fp;
  const char *p = text;
  gboolean has_colons;
  guint i;

  g_return_val_if_fail (text != NULL, FALSE);

  has_colons = strchr (text, ':') != NULL;
  for (i = 0; i < 2 * WZP_FINGERPRINT_LEN; i++, p++) {
    if (has_colons && i > 0 && i % GROUP_DIGITS == 0 && *p++ != ':')
      break;
    if (!g_ascii_isxdigit (*p))
      break;
    if (i % 2 == 0)
      fp.bytes[i / 2] = (guint8) (g_ascii_xdigit_value (*p) << 4);
    else
      fp.bytes[i / 2] |= (guint8) g_ascii_xdigit_value (*p);
  }
  if (i < 2 * WZP_FINGERPRINT_LEN || *p != '\0') {
    excerpt = wzp_error_excerpt (text);
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "\"%s\" is not a fingerprint", excerpt);
    return FALSE;
  }
  *ret_fingerprint = fp;
  return TRUE;
}

const char *
wzp_fingerprint_to_string (
    const WzpFingerprint *fp, char buf[WZP_FINGERPRINT_STRLEN])
{
  for (guint i = 0; i < WZP_FINGERPRINT_LEN; i += 2) {
    const gsize at = i / 2 * (GROUP_DIGITS + 1);

    /* The last colon does not fit, as it should. */
    g_snprintf (buf + at, WZP_FINGERPRINT_STRLEN - at,
        "%02x%02x:", fp->bytes[i], fp->bytes[i + 1]);
  }
  return buf;
}

const char *
wzp_fingerprint_to_hex (
    const WzpFingerprint *fp, char buf[WZP_FINGERPRINT_HEX_STRLEN])
{
  for (guint i = 0; i < WZP_FINGERPRINT_LEN; i++)
    g_snprintf (buf + 2 * i, 3, "%02x", fp->bytes[i]);
  return buf;
}

gboolean
wzp_fingerprint_equal (const WzpFingerprint *a, const WzpFingerprint *b)
{
  return wzp_fingerprint_compare (a, b) == 0;
}

guint
wzp_fingerprint_hash (const WzpFingerprint *fp)
{
  guint32 hash;

  /* It is a part of a cryptographic hash already. */
  memcpy (&hash, fp->bytes, sizeof hash);
  return hash;
}

int
wzp_fingerprint_compare (const WzpFingerprint *a, const WzpFingerprint *b)
{
  return memcmp (a->bytes, b->bytes, WZP_FINGERPRINT_LEN);
}
