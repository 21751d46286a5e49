#include "wzp-identity.h"

#include "wzp-hkdf.h"
#include "wzp-identity-file.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <nettle/eddsa.h>
#include <string.h>

#define INFO_PEER "warzone-ed25519"

struct _WzpIdentity {
  gatomicrefcount ref_count;
  guint8 key_seed[WZP_SEED_LEN]; /* wiped with the last reference */
  guint8 public_key[WZP_PUBLIC_KEY_LEN];
  WzpFingerprint fingerprint;
};

static const guint8 *
get_bytes (GBytes *bytes, gsize *ret_len)
{
  const guint8 *data = g_bytes_get_data (bytes, ret_len);

  return data != NULL ? data : (const guint8 *) "";
}

/* Wipes @key_seed. */
static WzpIdentity *
take_key (guint8 key_seed[WZP_SEED_LEN])
{
  WzpIdentity *self = wzp_identity_new_from_key (key_seed);

  gnutls_memset (key_seed, 0, WZP_SEED_LEN);
  return self;
}

static WzpIdentity *
read_identity (const char *path, GError **error)
{
  guint8 seed[WZP_SEED_LEN];
  WzpIdentityFileKind kind;
  WzpIdentity *self;

  if (!wzp_identity_file_read (path, seed, &kind, error))
    return NULL;
  if (kind == WZP_IDENTITY_FILE_KEY)
    return take_key (seed);

  self = wzp_identity_new_from_seed (seed, INFO_PEER);
  gnutls_memset (seed, 0, sizeof seed);
  return self;
}

WzpIdentity *
wzp_identity_new_from_key (const guint8 key_seed[WZP_SEED_LEN])
{
  WzpIdentity *self;

  g_return_val_if_fail (key_seed != NULL, NULL);

  self = g_new0 (WzpIdentity, 1);
  g_atomic_ref_count_init (&self->ref_count);
  memcpy (self->key_seed, key_seed, sizeof self->key_seed);
  ed25519_sha512_public_key (self->public_key, self->key_seed);
  wzp_fingerprint_of_key (self->public_key, &self->fingerprint);
  return self;
}

WzpIdentity *
wzp_identity_new_from_seed (const guint8 master[WZP_SEED_LEN], const char *info)
{
  guint8 key_seed[WZP_SEED_LEN];

  g_return_val_if_fail (master != NULL && info != NULL, NULL);

  wzp_hkdf_sha256 (
      NULL, 0, master, WZP_SEED_LEN, info, key_seed, sizeof key_seed);
  return take_key (key_seed);
}

WzpIdentity *
wzp_identity_new_ephemeral (void)
{
  guint8 key_seed[WZP_SEED_LEN];
  int code = gnutls_rnd (GNUTLS_RND_KEY, key_seed, sizeof key_seed);

  /* Without random numbers there is no safe way on. */
  if (code < 0)
    g_error ("No random numbers: %s", gnutls_strerror (code));
  return take_key (key_seed);
}

WzpIdentity *
wzp_identity_load (const char *path, gboolean create_missing, GError **error)
{
  g_autoptr (WzpIdentity) fresh = NULL;
  g_autoptr (GError) local_error = NULL;
  WzpIdentity *self;

  g_return_val_if_fail (path != NULL, NULL);

  self = read_identity (path, &local_error);
  if (self != NULL)
    return self;
  if (!create_missing ||
      !g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
    g_propagate_error (error, g_steal_pointer (&local_error));
    return NULL;
  }

  g_clear_error (&local_error);
  fresh = wzp_identity_new_ephemeral ();
  if (wzp_identity_file_create (
          path, fresh->key_seed, fresh->public_key, &local_error))
    return g_steal_pointer (&fresh);

  /* Another process was faster: its key is the one that stays. */
  if (g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_EXIST))
    return read_identity (path, error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

WzpIdentity *
wzp_identity_ref (WzpIdentity *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
wzp_identity_unref (WzpIdentity *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  gnutls_memset (self, 0, sizeof *self);
  g_free (self);
}

const guint8 *
wzp_identity_get_public_key (const WzpIdentity *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->public_key;
}

const WzpFingerprint *
wzp_identity_get_fingerprint (const WzpIdentity *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return &self->fingerprint;
}

const guint8 *
wzp_identity_get_key_seed (const WzpIdentity *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->key_seed;
}

void
wzp_identity_sign (const WzpIdentity *self, GBytes *data,
    guint8 ret_signature[WZP_SIGNATURE_LEN])
{
  const guint8 *bytes;
  gsize len;

  g_return_if_fail (self != NULL && data != NULL && ret_signature != NULL);

  bytes = get_bytes (data, &len);
  ed25519_sha512_sign (
      self->public_key, self->key_seed, len, bytes, ret_signature);
}

gboolean
wzp_identity_verify (const guint8 public_key[WZP_PUBLIC_KEY_LEN], GBytes *data,
    const guint8 signature[WZP_SIGNATURE_LEN])
{
  const guint8 *bytes;
  gsize len;

  g_return_val_if_fail (public_key != NULL && data != NULL, FALSE);
  g_return_val_if_fail (signature != NULL, FALSE);

  bytes = get_bytes (data, &len);
  return ed25519_sha512_verify (public_key, len, bytes, signature) == 1;
}
