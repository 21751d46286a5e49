#include "wzp-room-key.h"

#include "wzp-error.h"
#include "wzp-hkdf.h"

#include <nettle/pbkdf2.h>
#include <string.h>

#define MASTER_LEN 32u

struct _WzpRoomKey {
  guint8 master[MASTER_LEN];
};

WzpRoomKey *
wzp_room_key_new (const char *passphrase, const char *room, GError **error)
{
  gsize len = strlen (passphrase);
  g_autofree char *salt = g_strconcat ("wzp room ", room, NULL);
  WzpRoomKey *self;

  if (len == 0 || len > WZP_ROOM_KEY_MAX_LEN) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "A room's key is 1 to %u bytes of text", WZP_ROOM_KEY_MAX_LEN);
    return NULL;
  }
  self = g_new0 (WzpRoomKey, 1);
  pbkdf2_hmac_sha256 (len, (const guint8 *) passphrase, WZP_ROOM_KEY_ROUNDS,
      strlen (salt), (const guint8 *) salt, sizeof self->master, self->master);
  return self;
}

void
wzp_room_key_free (WzpRoomKey *self)
{
  if (self == NULL)
    return;
  explicit_bzero (self, sizeof *self);
  g_free (self);
}

WzpSeal *
wzp_room_key_new_seal (const WzpRoomKey *self, guint64 tag)
{
  guint64 salt = GUINT64_TO_BE (tag);
  guint8 key[WZP_SEAL_KEY_LEN], iv[WZP_SEAL_IV_LEN];
  WzpSeal *seal;

  wzp_hkdf_sha256 ((const guint8 *) &salt, sizeof salt, self->master,
      sizeof self->master, "wzp room seal key", key, sizeof key);
  wzp_hkdf_sha256 ((const guint8 *) &salt, sizeof salt, self->master,
      sizeof self->master, "wzp room seal iv", iv, sizeof iv);
  seal = wzp_seal_new (key, iv);
  explicit_bzero (key, sizeof key);
  explicit_bzero (iv, sizeof iv);
  return seal;
}
