#include "wzp-hkdf.h"

#include <gnutls/gnutls.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <string.h>

void
wzp_hkdf_sha256 (const guint8 *salt, gsize salt_len, const guint8 *secret,
    gsize secret_len, const char *info, guint8 *out, gsize len)
{
  /* No salt is the same as a block of zeros (RFC 5869, section 2.2). */
  static const guint8 zero[SHA256_DIGEST_SIZE];
  struct hmac_sha256_ctx hmac;
  guint8 prk[SHA256_DIGEST_SIZE];

  g_return_if_fail (secret != NULL && info != NULL && out != NULL);
  g_return_if_fail (len <= WZP_HKDF_MAX_LEN);

  if (salt == NULL || salt_len == 0)
    hmac_sha256_set_key (&hmac, sizeof zero, zero);
  else
    hmac_sha256_set_key (&hmac, salt_len, salt);
  hkdf_extract (&hmac, (nettle_hash_update_func *) hmac_sha256_update,
      (nettle_hash_digest_func *) hmac_sha256_digest, sizeof prk, secret_len,
      secret, prk);

  hmac_sha256_set_key (&hmac, sizeof prk, prk);
  hkdf_expand (&hmac, (nettle_hash_update_func *) hmac_sha256_update,
      (nettle_hash_digest_func *) hmac_sha256_digest, sizeof prk, strlen (info),
      (const guint8 *) info, len, out);

  gnutls_memset (prk, 0, sizeof prk);
  gnutls_memset (&hmac, 0, sizeof hmac);
}
