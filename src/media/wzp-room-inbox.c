#include "wzp-room-inbox.h"

#include "wzp-extents.h"

#include <string.h>

typedef struct {
  guint8 *data; /* owned; NULL: free */
  guint64 id, to;
  guint32 size;
  WzpExtents extents;
} Partial;

struct _WzpRoomInbox {
  Partial partials[WZP_ROOM_INBOX_MAX_PARTIAL];
  guint64 next_id; /* below: begun once, if it is not in the table: over */
};

typedef struct {
  guint64 to, id;
  guint32 size, offset;
  const guint8 *payload;
  guint32 len;
} Fragment;

gsize
wzp_room_fragment_write (guint8 *buf, gsize size, guint64 to, guint64 id,
    GBytes *message, gsize *offset)
{
  gsize total, chunk;
  const guint8 *data = g_bytes_get_data (message, &total);
  WzpWriter w;

  g_return_val_if_fail (size > WZP_ROOM_FRAGMENT_MAX_HEAD, 0);
  g_return_val_if_fail (*offset < total, 0);

  wzp_writer_init (&w, buf, size);
  wzp_writer_varint (&w, to);
  wzp_writer_varint (&w, id);
  wzp_writer_varint (&w, total);
  wzp_writer_varint (&w, *offset);
  chunk = MIN (total - *offset, (gsize) (w.end - w.pos));
  wzp_writer_bytes (&w, data + *offset, chunk);
  *offset += chunk;
  return (gsize) (w.pos - buf);
}

WzpRoomInbox *
wzp_room_inbox_new (void)
{
  return g_new0 (WzpRoomInbox, 1);
}

static void
clear_partial (Partial *partial)
{
  g_clear_pointer (&partial->data, g_free);
  wzp_extents_clear (&partial->extents);
}

void
wzp_room_inbox_free (WzpRoomInbox *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < WZP_ROOM_INBOX_MAX_PARTIAL; i++)
    clear_partial (&self->partials[i]);
  g_free (self);
}

static gboolean
parse_fragment (const guint8 *data, gsize len, Fragment *ret)
{
  guint64 size, offset;
  WzpReader r;

  wzp_reader_init (&r, data, len);
  ret->to = wzp_reader_varint (&r);
  ret->id = wzp_reader_varint (&r);
  size = wzp_reader_varint (&r);
  offset = wzp_reader_varint (&r);
  if (r.failed || size == 0 || size > WZP_CONTROL_MAX_MESSAGE ||
      ret->to > WZP_ROOM_TAG_MAX || ret->id == WZP_VARINT_MAX)
    return FALSE;
  len = wzp_reader_left (&r);
  if (len == 0 || offset >= size || len > size - offset)
    return FALSE;
  ret->size = (guint32) size;
  ret->offset = (guint32) offset;
  ret->payload = r.pos;
  ret->len = (guint32) len;
  return TRUE;
}

static Partial *
find_partial (WzpRoomInbox *self, guint64 id)
{
  for (guint i = 0; i < WZP_ROOM_INBOX_MAX_PARTIAL; i++) {
    Partial *partial = &self->partials[i];

    if (partial->data != NULL && partial->id == id)
      return partial;
  }
  return NULL;
}

/* A free place, else that of the oldest. */
static Partial *
begin_partial (WzpRoomInbox *self, const Fragment *fragment)
{
  Partial *place = &self->partials[0];

  for (guint i = 0; i < WZP_ROOM_INBOX_MAX_PARTIAL; i++) {
    Partial *partial = &self->partials[i];

    if (partial->data == NULL) {
      place = partial;
      break;
    }
    if (partial->id < place->id)
      place = partial;
  }
  clear_partial (place);
  place->data = g_malloc (fragment->size);
  place->id = fragment->id;
  place->to = fragment->to;
  place->size = fragment->size;
  self->next_id = fragment->id + 1;
  return place;
}

static WzpRoomInboxResult
add_fragment (Partial *partial, const Fragment *fragment)
{
  WzpExtentsPlace place;

  if (partial->size != fragment->size || partial->to != fragment->to)
    return WZP_ROOM_INBOX_BAD;
  wzp_extents_find (&partial->extents, fragment->offset,
      fragment->offset + fragment->len, &place);
  if (place.is_known)
    return WZP_ROOM_INBOX_TAKEN;
  if (place.is_new && partial->extents.n_islands >= WZP_ROOM_INBOX_MAX_HOLES)
    return WZP_ROOM_INBOX_BAD;
  memcpy (partial->data + fragment->offset, fragment->payload, fragment->len);
  wzp_extents_add (&partial->extents, &place);
  return partial->extents.have == partial->size ? WZP_ROOM_INBOX_WHOLE
                                                : WZP_ROOM_INBOX_TAKEN;
}

WzpRoomInboxResult
wzp_room_inbox_push (WzpRoomInbox *self, const guint8 *data, gsize len,
    GBytes **ret_message, guint64 *ret_to)
{
  Fragment fragment;
  Partial *partial;
  WzpRoomInboxResult result;

  if (!parse_fragment (data, len, &fragment))
    return WZP_ROOM_INBOX_BAD;
  partial = find_partial (self, fragment.id);
  if (partial == NULL && fragment.id < self->next_id)
    return WZP_ROOM_INBOX_LATE;
  if (partial == NULL)
    partial = begin_partial (self, &fragment);
  result = add_fragment (partial, &fragment);
  if (result == WZP_ROOM_INBOX_WHOLE) {
    *ret_message =
        g_bytes_new_take (g_steal_pointer (&partial->data), partial->size);
    *ret_to = partial->to;
    clear_partial (partial);
  }
  return result;
}
