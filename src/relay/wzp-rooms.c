#include "wzp-rooms.h"

#include <string.h>

#define CALL_PREFIX     "call-"
#define CALL_PREFIX_LEN 5u

struct _WzpRoom {
  char *name; /* owned; key of `rooms` */
  gboolean is_open;
  guint64 tag;        /* of a call's */
  GPtrArray *members; /* of WzpRoomMember, owned */
  gpointer data;
  GDestroyNotify destroy_data;
};

struct _WzpRoomMember {
  WzpRoom *room; /* not owned */
  guint index;   /* its place in the room */
  gpointer owner;
  /* in a call's room */
  WzpFingerprint who;
  gboolean is_proved;
};

struct _WzpRooms {
  GHashTable *rooms; /* name to WzpRoom, owns them */
  GHashTable *tags;  /* tag to WzpRoom, of calls' rooms */
  guint max_rooms;
  guint n_members;
  guint n_open_rooms, n_open_members;
};

static void
free_room (gpointer data)
{
  WzpRoom *room = data;

  wzp_room_set_data (room, NULL, NULL);
  g_ptr_array_unref (room->members);
  g_free (room->name);
  g_free (room);
}

WzpRooms *
wzp_rooms_new (guint max_rooms)
{
  WzpRooms *self = g_new0 (WzpRooms, 1);

  wzp_rooms_set_max (self, max_rooms);
  self->rooms =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_room);
  self->tags = g_hash_table_new (g_int64_hash, g_int64_equal);
  return self;
}

void
wzp_rooms_set_max (WzpRooms *self, guint max_rooms)
{
  g_return_if_fail (self != NULL);

  self->max_rooms = max_rooms > 0 ? max_rooms : WZP_ROOMS_MAX;
}

void
wzp_rooms_free (WzpRooms *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->tags);
  g_hash_table_unref (self->rooms);
  g_free (self);
}

static guint64
compute_tag (const char *name)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 sha256[32];
  gsize len = sizeof sha256;
  guint64 tag;

  g_checksum_update (checksum, (const guchar *) name, -1);
  g_checksum_get_digest (checksum, sha256, &len);
  memcpy (&tag, sha256, sizeof tag);
  return GUINT64_FROM_BE (tag);
}

guint64
wzp_room_compute_tag (const char *call_id)
{
  g_autofree char *name = g_strconcat (CALL_PREFIX, call_id, NULL);

  return compute_tag (name);
}

/* Takes @name. */
static WzpRoom *
add_room (WzpRooms *self, char *name, gboolean is_open)
{
  WzpRoom *room = g_new0 (WzpRoom, 1);

  room->name = name;
  room->is_open = is_open;
  room->members = g_ptr_array_new_with_free_func (g_free);
  g_hash_table_insert (self->rooms, room->name, room);
  if (is_open) {
    self->n_open_rooms++;
  } else {
    room->tag = compute_tag (name);
    if (!g_hash_table_contains (self->tags, &room->tag))
      g_hash_table_insert (self->tags, &room->tag, room);
  }
  return room;
}

static void
remove_room (WzpRooms *self, WzpRoom *room)
{
  if (room->is_open)
    self->n_open_rooms--;
  else if (g_hash_table_lookup (self->tags, &room->tag) == room)
    g_hash_table_remove (self->tags, &room->tag);
  g_hash_table_remove (self->rooms, room->name);
}

static gboolean
has_place (const WzpRooms *self, const WzpRoom *room, guint max_members)
{
  if (room != NULL)
    return room->members->len < max_members;
  return g_hash_table_size (self->rooms) < self->max_rooms;
}

static WzpRoomMember *
add_member (WzpRooms *self, WzpRoom *room, gpointer owner)
{
  WzpRoomMember *member = g_new0 (WzpRoomMember, 1);

  member->room = room;
  member->index = room->members->len;
  member->owner = owner;
  g_ptr_array_add (room->members, member);
  self->n_members++;
  if (room->is_open)
    self->n_open_members++;
  return member;
}

/* Leaves an empty room where it is. */
static void
remove_member (WzpRooms *self, WzpRoomMember *member)
{
  WzpRoom *room = member->room;
  WzpRoomMember *last = room->members->pdata[room->members->len - 1];

  self->n_members--;
  if (room->is_open)
    self->n_open_members--;
  last->index = member->index;
  g_ptr_array_remove_index_fast (room->members, member->index);
}

static WzpRoomMember *
find_same (const WzpRoom *room, const WzpFingerprint *who)
{
  for (guint i = 0; i < room->members->len; i++) {
    WzpRoomMember *member = room->members->pdata[i];

    if (wzp_fingerprint_equal (&member->who, who))
      return member;
  }
  return NULL;
}

static void
set_busy (GError **error, const char *name)
{
  g_set_error (error, WZP_ERROR, WZP_ERROR_BUSY, "No place in room %s", name);
}

WzpRoomMember *
wzp_rooms_join_call (WzpRooms *self, const char *call_id,
    const WzpFingerprint *who, gboolean is_proved, gpointer owner,
    gpointer *ret_replaced, GError **error)
{
  g_autofree char *name = NULL;
  WzpRoomMember *same, *member;
  WzpRoom *room;

  g_return_val_if_fail (self != NULL && call_id != NULL, NULL);
  g_return_val_if_fail (who != NULL && ret_replaced != NULL, NULL);

  *ret_replaced = NULL;
  name = g_strconcat (CALL_PREFIX, call_id, NULL);
  room = g_hash_table_lookup (self->rooms, name);
  same = room != NULL ? find_same (room, who) : NULL;
  if (same != NULL ? same->is_proved && !is_proved
                   : !has_place (self, room, WZP_ROOMS_MAX_CALL_MEMBERS)) {
    set_busy (error, name);
    return NULL;
  }

  if (same != NULL) {
    *ret_replaced = same->owner;
    remove_member (self, same);
  }
  if (room == NULL)
    room = add_room (self, g_steal_pointer (&name), FALSE);
  member = add_member (self, room, owner);
  member->who = *who;
  member->is_proved = is_proved;
  return member;
}

WzpRoomMember *
wzp_rooms_join_open (WzpRooms *self, const char *name, guint max_members,
    gpointer owner, GError **error)
{
  WzpRoom *room;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (wzp_room_name_is_valid (name), NULL);

  room = g_hash_table_lookup (self->rooms, name);
  if (!has_place (self, room, max_members)) {
    set_busy (error, name);
    return NULL;
  }
  if (room == NULL)
    room = add_room (self, g_strdup (name), TRUE);
  return add_member (self, room, owner);
}

void
wzp_rooms_leave (WzpRooms *self, WzpRoomMember *member)
{
  WzpRoom *room;

  g_return_if_fail (self != NULL && member != NULL);

  room = member->room;
  remove_member (self, member);
  if (room->members->len == 0)
    remove_room (self, room);
}

WzpRoom *
wzp_rooms_find_tag (const WzpRooms *self, guint64 tag)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_hash_table_lookup (self->tags, &tag);
}

void
wzp_rooms_get_counts (const WzpRooms *self, guint *ret_rooms,
    guint *ret_members, guint *ret_open_rooms, guint *ret_open_members)
{
  g_return_if_fail (self != NULL);

  if (ret_rooms != NULL)
    *ret_rooms = g_hash_table_size (self->rooms);
  if (ret_members != NULL)
    *ret_members = self->n_members;
  if (ret_open_rooms != NULL)
    *ret_open_rooms = self->n_open_rooms;
  if (ret_open_members != NULL)
    *ret_open_members = self->n_open_members;
}

const char *
wzp_room_get_call_id (const WzpRoom *room)
{
  return room->is_open ? NULL : room->name + CALL_PREFIX_LEN;
}

const char *
wzp_room_get_name (const WzpRoom *room)
{
  return room->name;
}

guint64
wzp_room_get_tag (const WzpRoom *room)
{
  return room->tag;
}

guint
wzp_room_get_size (const WzpRoom *room)
{
  return room->members->len;
}

gpointer
wzp_room_get_owner (const WzpRoom *room, guint index)
{
  const WzpRoomMember *member;

  g_return_val_if_fail (index < room->members->len, NULL);

  member = room->members->pdata[index];
  return member->owner;
}

void
wzp_room_set_data (WzpRoom *room, gpointer data, GDestroyNotify destroy)
{
  gpointer old = g_steal_pointer (&room->data);

  if (old != NULL && room->destroy_data != NULL)
    room->destroy_data (old);
  room->data = data;
  room->destroy_data = destroy;
}

gpointer
wzp_room_get_data (const WzpRoom *room)
{
  return room->data;
}

WzpRoom *
wzp_room_member_get_room (const WzpRoomMember *member)
{
  return member->room;
}

gpointer
wzp_room_member_get_other (const WzpRoomMember *member)
{
  const WzpRoom *room = member->room;
  const WzpRoomMember *other;

  if (room->members->len < WZP_ROOMS_MAX_CALL_MEMBERS)
    return NULL;
  other = room->members->pdata[WZP_ROOMS_MAX_CALL_MEMBERS - 1 - member->index];
  return other->owner;
}
