#include "wzp-rooms.h"

typedef struct {
  char *call_id;                                 /* owned; key of `rooms` */
  WzpRoomMember *members[WZP_ROOMS_MAX_MEMBERS]; /* owned, or NULL */
} Room;

struct _WzpRoomMember {
  Room *room; /* not owned */
  guint slot; /* its place in the room */
  WzpFingerprint who;
  gpointer owner;
};

struct _WzpRooms {
  GHashTable *rooms; /* call id to Room, owns them */
  guint max_rooms;
  guint n_members;
};

static void
free_room (gpointer data)
{
  Room *room = data;

  for (guint i = 0; i < WZP_ROOMS_MAX_MEMBERS; i++)
    g_free (room->members[i]);
  g_free (room->call_id);
  g_free (room);
}

WzpRooms *
wzp_rooms_new (guint max_rooms)
{
  WzpRooms *self = g_new0 (WzpRooms, 1);

  self->max_rooms = max_rooms > 0 ? max_rooms : WZP_ROOMS_MAX;
  self->rooms =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_room);
  return self;
}

void
wzp_rooms_free (WzpRooms *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->rooms);
  g_free (self);
}

static Room *
get_room (WzpRooms *self, const char *call_id, GError **error)
{
  Room *room = g_hash_table_lookup (self->rooms, call_id);

  if (room != NULL)
    return room;
  if (g_hash_table_size (self->rooms) >= self->max_rooms) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_BUSY, "There are %u rooms already",
        self->max_rooms);
    return NULL;
  }
  room = g_new0 (Room, 1);
  room->call_id = g_strdup (call_id);
  g_hash_table_insert (self->rooms, room->call_id, room);
  return room;
}

/* The place of the same identity, else a free one; -1: there is none. */
static int
find_slot (const Room *room, const WzpFingerprint *who)
{
  int slot = -1;

  for (guint i = 0; i < WZP_ROOMS_MAX_MEMBERS; i++) {
    if (room->members[i] == NULL)
      slot = (int) i;
    else if (wzp_fingerprint_equal (&room->members[i]->who, who))
      return (int) i;
  }
  return slot;
}

WzpRoomMember *
wzp_rooms_join (WzpRooms *self, const char *call_id, const WzpFingerprint *who,
    gpointer owner, gpointer *ret_replaced, GError **error)
{
  WzpRoomMember *member;
  Room *room;
  int slot;

  g_return_val_if_fail (self != NULL && call_id != NULL, NULL);
  g_return_val_if_fail (who != NULL && ret_replaced != NULL, NULL);

  *ret_replaced = NULL;
  room = get_room (self, call_id, error);
  if (room == NULL)
    return NULL;
  slot = find_slot (room, who);
  if (slot < 0) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_BUSY,
        "The room of call %s is full", call_id);
    return NULL;
  }
  if (room->members[slot] != NULL) {
    *ret_replaced = room->members[slot]->owner;
    wzp_rooms_leave (self, room->members[slot]);
    /* It may have been the last one. */
    room = get_room (self, call_id, error);
  }

  member = g_new0 (WzpRoomMember, 1);
  member->room = room;
  member->slot = (guint) slot;
  member->who = *who;
  member->owner = owner;
  room->members[slot] = member;
  self->n_members++;
  return member;
}

void
wzp_rooms_leave (WzpRooms *self, WzpRoomMember *member)
{
  Room *room;

  g_return_if_fail (self != NULL && member != NULL);

  room = member->room;
  room->members[member->slot] = NULL;
  g_free (member);
  self->n_members--;
  for (guint i = 0; i < WZP_ROOMS_MAX_MEMBERS; i++)
    if (room->members[i] != NULL)
      return;
  g_hash_table_remove (self->rooms, room->call_id);
}

gpointer
wzp_room_member_get_other (const WzpRoomMember *member)
{
  const WzpRoomMember *other =
      member->room->members[WZP_ROOMS_MAX_MEMBERS - 1 - member->slot];

  return other != NULL ? other->owner : NULL;
}

const char *
wzp_room_member_get_call_id (const WzpRoomMember *member)
{
  return member->room->call_id;
}

const WzpFingerprint *
wzp_room_member_get_fingerprint (const WzpRoomMember *member)
{
  return &member->who;
}

guint
wzp_rooms_get_count (const WzpRooms *self)
{
  return g_hash_table_size (self->rooms);
}

guint
wzp_rooms_get_members (const WzpRooms *self)
{
  return self->n_members;
}
