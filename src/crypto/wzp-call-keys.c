#include "wzp-call-keys.h"

#include "wzp-error.h"
#include "wzp-hkdf.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <nettle/curve25519.h>
#include <string.h>

#define KEY_LEN   WZP_PUBLIC_KEY_LEN
#define SEALS_BIT 0x80u /* of the last byte */

struct _WzpEphemeral {
  guint8 private_key[KEY_LEN]; /* wiped on free */
  guint8 public_key[KEY_LEN];
};

/* The most significant bit of a u-coordinate is ignored (RFC 7748, section 5),
 * so two texts may be one key. */
static gboolean
is_same_key (const guint8 a[KEY_LEN], const guint8 b[KEY_LEN])
{
  return memcmp (a, b, KEY_LEN - 1) == 0 &&
      ((a[KEY_LEN - 1] ^ b[KEY_LEN - 1]) & ~SEALS_BIT) == 0;
}

/* Without branches that depend on the secret. */
static gboolean
is_all_zero (const guint8 secret[KEY_LEN])
{
  guint8 any = 0;

  for (guint i = 0; i < KEY_LEN; i++)
    any |= secret[i];
  return any == 0;
}

static void
expand (const guint8 secret[KEY_LEN], const char *call_id, const char *label,
    guint8 *out, gsize len)
{
  wzp_hkdf_sha256 ((const guint8 *) call_id, strlen (call_id), secret, KEY_LEN,
      label, out, len);
}

static void
expand_all (const guint8 secret[KEY_LEN], const char *call_id, gboolean is_a,
    WzpCallKeys *keys)
{
  guint8 *key_a = is_a ? keys->send_key : keys->recv_key;
  guint8 *key_b = is_a ? keys->recv_key : keys->send_key;
  guint8 *iv_a = is_a ? keys->send_iv : keys->recv_iv;
  guint8 *iv_b = is_a ? keys->recv_iv : keys->send_iv;

  expand (secret, call_id, "wzp punch", keys->punch_key, WZP_PUNCH_KEY_LEN);
  expand (secret, call_id, "wzp seal key a", key_a, WZP_SEAL_KEY_LEN);
  expand (secret, call_id, "wzp seal iv a", iv_a, WZP_SEAL_IV_LEN);
  expand (secret, call_id, "wzp seal key b", key_b, WZP_SEAL_KEY_LEN);
  expand (secret, call_id, "wzp seal iv b", iv_b, WZP_SEAL_IV_LEN);
}

WzpEphemeral *
wzp_ephemeral_new_from_key (const guint8 private_key[KEY_LEN])
{
  WzpEphemeral *self;

  g_return_val_if_fail (private_key != NULL, NULL);

  self = g_new0 (WzpEphemeral, 1);
  memcpy (self->private_key, private_key, KEY_LEN);
  curve25519_mul_g (self->public_key, self->private_key);
  return self;
}

WzpEphemeral *
wzp_ephemeral_new (void)
{
  guint8 private_key[KEY_LEN];
  WzpEphemeral *self;
  int code = gnutls_rnd (GNUTLS_RND_KEY, private_key, sizeof private_key);

  /* Without random numbers there is no safe way on. */
  if (code < 0)
    g_error ("No random numbers: %s", gnutls_strerror (code));
  self = wzp_ephemeral_new_from_key (private_key);
  gnutls_memset (private_key, 0, sizeof private_key);
  self->public_key[KEY_LEN - 1] |= SEALS_BIT;
  return self;
}

gboolean
wzp_ephemeral_key_seals (const guint8 public_key[KEY_LEN])
{
  return (public_key[KEY_LEN - 1] & SEALS_BIT) != 0;
}

void
wzp_ephemeral_free (WzpEphemeral *self)
{
  if (self == NULL)
    return;

  gnutls_memset (self, 0, sizeof *self);
  g_free (self);
}

const guint8 *
wzp_ephemeral_get_public_key (const WzpEphemeral *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->public_key;
}

gboolean
wzp_call_keys_derive (const WzpEphemeral *own,
    const guint8 peer_public[WZP_PUBLIC_KEY_LEN], const char *call_id,
    WzpCallKeys *ret_keys, GError **error)
{
  guint8 secret[KEY_LEN];
  gboolean is_a;

  g_return_val_if_fail (own != NULL && peer_public != NULL, FALSE);
  g_return_val_if_fail (call_id != NULL && ret_keys != NULL, FALSE);

  if (is_same_key (own->public_key, peer_public)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "The peer sent our own ephemeral key back");
    return FALSE;
  }

  curve25519_mul (secret, own->private_key, peer_public);
  if (is_all_zero (secret)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "The peer's ephemeral key is of small order");
    return FALSE;
  }

  is_a = memcmp (own->public_key, peer_public, KEY_LEN) < 0;
  expand_all (secret, call_id, is_a, ret_keys);
  gnutls_memset (secret, 0, sizeof secret);
  return TRUE;
}

void
wzp_call_keys_wipe (WzpCallKeys *keys)
{
  g_return_if_fail (keys != NULL);
  gnutls_memset (keys, 0, sizeof *keys);
}
