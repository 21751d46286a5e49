/* wzp-room-inbox: control messages in an open room, where nothing is
 * acknowledged: cut into fragments that fit a datagram, and put together again.
 * A message that lost a fragment is lost; its sender says it again, under
 * another id. Pure.
 *
 * The text of a control datagram in an open room is one fragment:
 *
 *   varint     tag of the sender that it is for; 0: for everybody
 *   varint     message id: per sender, counts up
 *   varint     size of the message, bytes
 *   varint     offset of these bytes in it
 *   the rest   bytes of the message (proto/wzp-control) */
#pragma once

#include "wzp-control.h"

G_BEGIN_DECLS

/* Of one sender; the oldest id makes room for a newer one. */
#define WZP_ROOM_INBOX_MAX_PARTIAL 4u
#define WZP_ROOM_INBOX_MAX_HOLES   64u /* in one message */
#define WZP_ROOM_FRAGMENT_MAX_HEAD 24u /* bytes */

/* Writes the fragment of @message from *@offset on into @buf of @size bytes
 * (more than the head) and moves *@offset behind it; returns the bytes
 * written. */
gsize wzp_room_fragment_write (guint8 *buf, gsize size, guint64 to, guint64 id,
    GBytes *message, gsize *offset);

/* What comes from one sender. */
typedef struct _WzpRoomInbox WzpRoomInbox;

WzpRoomInbox *wzp_room_inbox_new (void);
void wzp_room_inbox_free (WzpRoomInbox *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRoomInbox, wzp_room_inbox_free)

typedef enum {
  WZP_ROOM_INBOX_TAKEN,
  WZP_ROOM_INBOX_WHOLE, /* a message is whole: *@ret_message */
  WZP_ROOM_INBOX_LATE,  /* of a message that was given up, or whole already */
  WZP_ROOM_INBOX_BAD,   /* malformed, or contradicts an earlier fragment */
} WzpRoomInboxResult;

/* @ret_message (transfer full) and @ret_to are set with WHOLE only. */
WzpRoomInboxResult wzp_room_inbox_push (WzpRoomInbox *self, const guint8 *data,
    gsize len, GBytes **ret_message, guint64 *ret_to);

G_END_DECLS
