/* wzp-rooms: who is in which media room of the relay.
 *
 * A call's room holds at most one member of each of two identities. An open
 * room holds any number up to its limit, whoever they are, the same one as
 * often as it likes. A room exists as long as somebody is in it. Who may enter
 * is decided elsewhere (wzp_registry_may_join(), wzp-relay-access). Pure. */
#pragma once

#include "wzp-error.h"
#include "wzp-sni.h"

G_BEGIN_DECLS

#define WZP_ROOMS_MAX              16384u
#define WZP_ROOMS_MAX_CALL_MEMBERS 2u
#define WZP_ROOMS_MAX_OPEN_MEMBERS 1024u /* of one open room */

typedef struct _WzpRooms WzpRooms;
typedef struct _WzpRoom WzpRoom;
typedef struct _WzpRoomMember WzpRoomMember;

/* @max_rooms: 0: WZP_ROOMS_MAX. */
WzpRooms *wzp_rooms_new (guint max_rooms);
/* Of rooms from now on; those that are there stay. */
void wzp_rooms_set_max (WzpRooms *self, guint max_rooms);
/* Frees the members too. */
void wzp_rooms_free (WzpRooms *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRooms, wzp_rooms_free)

/* Into a call's room. Owned by @self until wzp_rooms_leave(). When the same
 * identity is in the room already, its older member is gone by this and its
 * owner is in *@ret_replaced (else NULL); but one that has not proved its key
 * (@is_proved) never takes the place of one that has. WZP_ERROR_BUSY: that, or
 * two others are in it, or there are too many rooms. */
WzpRoomMember *wzp_rooms_join_call (WzpRooms *self, const char *call_id,
    const WzpFingerprint *who, gboolean is_proved, gpointer owner,
    gpointer *ret_replaced, GError **error);
/* Into an open room. WZP_ERROR_BUSY: @max_members are in it, or there are too
 * many rooms; the words do not say which. */
WzpRoomMember *wzp_rooms_join_open (WzpRooms *self, const char *name,
    guint max_members, gpointer owner, GError **error);
void wzp_rooms_leave (WzpRooms *self, WzpRoomMember *member);

/* The number by which a call's room is known between relays: the first 8 bytes,
 * big-endian, of SHA-256 over "call-<id>". */
guint64 wzp_room_compute_tag (const char *call_id);
/* A call's room; NULL: nobody is in it. Of two with one tag the older. */
WzpRoom *wzp_rooms_find_tag (const WzpRooms *self, guint64 tag);
/* Each nullable. All rooms and members, and of these the open ones. */
void wzp_rooms_get_counts (const WzpRooms *self, guint *ret_rooms,
    guint *ret_members, guint *ret_open_rooms, guint *ret_open_members);

/* NULL: an open room. */
const char *wzp_room_get_call_id (const WzpRoom *room);
/* The server name that leads there: "call-<id>", or the open room's. */
const char *wzp_room_get_name (const WzpRoom *room);
guint64 wzp_room_get_tag (const WzpRoom *room); /* of a call's */
guint wzp_room_get_size (const WzpRoom *room);
/* @index below the size; in no order that is kept when somebody leaves. */
gpointer wzp_room_get_owner (const WzpRoom *room, guint index);
/* What the user keeps with the room; freed by @destroy (nullable) when the room
 * ends or other data is set. */
void wzp_room_set_data (WzpRoom *room, gpointer data, GDestroyNotify destroy);
gpointer wzp_room_get_data (const WzpRoom *room);

WzpRoom *wzp_room_member_get_room (const WzpRoomMember *member);
/* The owner of the other one in a call's room; NULL: it is alone. */
gpointer wzp_room_member_get_other (const WzpRoomMember *member);

G_END_DECLS
