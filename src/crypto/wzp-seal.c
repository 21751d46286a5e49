#include "wzp-seal.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

/* GnuTLS rather than nettle, and a copy before sealing in place rather than
 * gnutls_aead_cipher_encryptv(): of 1350 bytes in two pieces, nettle 3.8 seals
 * one in 560 ns, encryptv in 430 ns, this in 380 ns. */
struct _WzpSeal {
  gnutls_aead_cipher_hd_t cipher; /* owned */
  guint8 iv[WZP_SEAL_IV_LEN];     /* wiped on free */
};

/* RFC 9001, section 5.3: the number, big-endian, left-padded, XOR the IV. */
static void
make_nonce (const WzpSeal *self, guint64 number, guint8 nonce[WZP_SEAL_IV_LEN])
{
  memcpy (nonce, self->iv, WZP_SEAL_IV_LEN);
  for (guint i = 0; i < sizeof number; i++)
    nonce[WZP_SEAL_IV_LEN - 1 - i] ^= (guint8) (number >> (8 * i));
}

WzpSeal *
wzp_seal_new (
    const guint8 key[WZP_SEAL_KEY_LEN], const guint8 iv[WZP_SEAL_IV_LEN])
{
  const gnutls_datum_t datum = { .data = (guint8 *) key,
    .size = WZP_SEAL_KEY_LEN };
  WzpSeal *self;
  int code;

  g_return_val_if_fail (key != NULL && iv != NULL, NULL);

  self = g_new0 (WzpSeal, 1);
  code = gnutls_aead_cipher_init (
      &self->cipher, GNUTLS_CIPHER_AES_128_GCM, &datum);
  /* Always there; without it nothing could be sent. */
  if (code < 0)
    g_error ("No AES-128-GCM: %s", gnutls_strerror (code));
  memcpy (self->iv, iv, sizeof self->iv);
  return self;
}

void
wzp_seal_free (WzpSeal *self)
{
  if (self == NULL)
    return;

  gnutls_aead_cipher_deinit (self->cipher);
  gnutls_memset (self->iv, 0, sizeof self->iv);
  g_free (self);
}

gsize
wzp_seal_seal (WzpSeal *self, guint64 number, const guint8 *prefix,
    gsize prefix_len, const struct iovec *iov, int n_iov, guint8 *out)
{
  const guint8 *text = out;
  guint8 nonce[WZP_SEAL_IV_LEN];
  gsize len = 0, sealed_len;
  int code;

  g_return_val_if_fail (self != NULL && out != NULL, 0);
  g_return_val_if_fail (iov != NULL || n_iov == 0, 0);

  if (n_iov == 1) {
    text = iov[0].iov_base;
    len = iov[0].iov_len;
  } else {
    for (int i = 0; i < n_iov; i++) {
      if (iov[i].iov_len > 0) /* else the base may be NULL */
        memcpy (out + len, iov[i].iov_base, iov[i].iov_len);
      len += iov[i].iov_len;
    }
  }

  make_nonce (self, number, nonce);
  sealed_len = len + WZP_SEAL_TAG_LEN;
  code = gnutls_aead_cipher_encrypt (self->cipher, nonce, sizeof nonce, prefix,
      prefix_len, WZP_SEAL_TAG_LEN, text, len, out, &sealed_len);
  g_return_val_if_fail (code >= 0, 0);
  return sealed_len;
}

gboolean
wzp_seal_open (WzpSeal *self, guint64 number, const guint8 *prefix,
    gsize prefix_len, const guint8 *sealed, gsize len, guint8 *out)
{
  guint8 nonce[WZP_SEAL_IV_LEN];
  gsize text_len;

  g_return_val_if_fail (self != NULL && sealed != NULL && out != NULL, FALSE);

  if (len < WZP_SEAL_TAG_LEN)
    return FALSE;

  make_nonce (self, number, nonce);
  text_len = len - WZP_SEAL_TAG_LEN;
  return gnutls_aead_cipher_decrypt (self->cipher, nonce, sizeof nonce, prefix,
             prefix_len, WZP_SEAL_TAG_LEN, sealed, len, out, &text_len) >= 0;
}
