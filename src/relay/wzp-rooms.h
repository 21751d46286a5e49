/* wzp-rooms: who is in which media room of the relay.
 *
 * A call's room holds at most one member of each of two identities. Who may
 * enter is decided elsewhere (wzp_registry_may_join()). A room exists as long
 * as somebody is in it. Pure. */
#pragma once

#include "wzp-error.h"
#include "wzp-sni.h"

G_BEGIN_DECLS

#define WZP_ROOMS_MAX         16384u
#define WZP_ROOMS_MAX_MEMBERS 2u /* of one room */

typedef struct _WzpRooms WzpRooms;
typedef struct _WzpRoomMember WzpRoomMember;

/* @max_rooms: 0: WZP_ROOMS_MAX. */
WzpRooms *wzp_rooms_new (guint max_rooms);
/* Frees the members too. */
void wzp_rooms_free (WzpRooms *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRooms, wzp_rooms_free)

/* Owned by @self until wzp_rooms_leave(). When the same identity is in the
 * room already, its older member is gone by this and its owner is in
 * *@ret_replaced (else NULL). WZP_ERROR_BUSY: two others are in it, or there
 * are too many rooms. */
WzpRoomMember *wzp_rooms_join (WzpRooms *self, const char *call_id,
    const WzpFingerprint *who, gpointer owner, gpointer *ret_replaced,
    GError **error);
void wzp_rooms_leave (WzpRooms *self, WzpRoomMember *member);

/* The owner of the other one in the room; NULL: it is alone. */
gpointer wzp_room_member_get_other (const WzpRoomMember *member);
const char *wzp_room_member_get_call_id (const WzpRoomMember *member);
const WzpFingerprint *wzp_room_member_get_fingerprint (
    const WzpRoomMember *member);
guint wzp_rooms_get_count (const WzpRooms *self);
guint wzp_rooms_get_members (const WzpRooms *self); /* of all rooms */

G_END_DECLS
