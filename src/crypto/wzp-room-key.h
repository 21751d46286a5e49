/* wzp-room-key: the keys of an open room that are made of a passphrase, so that
 * the relay cannot read what it fans out.
 *
 *   master  PBKDF2-HMAC-SHA256 (RFC 8018, 5.2) of the passphrase, salt
 *           "wzp room " and the room's name, WZP_ROOM_KEY_ROUNDS, 32 bytes
 *   key     HKDF-SHA256 of the master, salt: the sender's tag, 8 bytes big
 *           endian, info "wzp room seal key", 16 bytes
 *   iv      the same with "wzp room seal iv", 12 bytes
 *
 * A sender takes a new random tag each time it joins, so that no number seals
 * two texts under one key. Whoever has the passphrase can speak as any sender.
 */
#pragma once

#include "wzp-seal.h"

G_BEGIN_DECLS

/* As OWASP's password storage cheat sheet of 2023 has it for HMAC-SHA256. */
#define WZP_ROOM_KEY_ROUNDS  600000u
#define WZP_ROOM_KEY_MAX_LEN 256u /* bytes of the passphrase */

typedef struct _WzpRoomKey WzpRoomKey;

/* Takes some tenths of a second, on purpose: once for a room. NULL and
 * WZP_ERROR_INVALID when @passphrase is empty or too long. */
WzpRoomKey *wzp_room_key_new (
    const char *passphrase, const char *room, GError **error);
/* Wipes it. */
void wzp_room_key_free (WzpRoomKey *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRoomKey, wzp_room_key_free)
/* For what the sender @tag sends: to seal there, to open elsewhere. */
WzpSeal *wzp_room_key_new_seal (const WzpRoomKey *self, guint64 tag);

G_END_DECLS
