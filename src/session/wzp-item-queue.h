/* wzp-item-queue: what waits in a flow, in order: frames, and between them
 * descriptions and ends of a stream.
 *
 * A ring that grows and stays: no allocation per item. Behind each frame at
 * most one description and one end stand, the newest of each, so that what is
 * not a frame is bounded by the frames, which the owner bounds. Not
 * thread-safe. */
#pragma once

#include "wzp-frame.h"

G_BEGIN_DECLS

/* An item is a struct of the owner's that begins with these fields. */
typedef struct {
  int kind;          /* WZP_ITEM_*; from WZP_ITEM_END on: an end of some sort */
  WzpFrame *frame;   /* FRAME, owned */
  char *caps, *tags; /* DESCRIPTION, owned; tags nullable */
} WzpItem;

enum {
  WZP_ITEM_FRAME,
  WZP_ITEM_DESCRIPTION,
  WZP_ITEM_END,
};

#define WZP_ITEM_ASSERT(type)                                                 \
  G_STATIC_ASSERT (G_STRUCT_OFFSET (type, kind) == 0 &&                       \
      sizeof (((type *) NULL)->kind) == sizeof (int) &&                       \
      G_STRUCT_OFFSET (type, frame) == G_STRUCT_OFFSET (WzpItem, frame) &&    \
      G_STRUCT_OFFSET (type, caps) == G_STRUCT_OFFSET (WzpItem, caps) &&      \
      G_STRUCT_OFFSET (type, tags) == G_STRUCT_OFFSET (WzpItem, tags))

typedef struct {
  guint len, frames;       /* items, frames among them */
  gsize bytes, text_bytes; /* of the frames, of the descriptions */

  /*< private >*/
  guint8 *ring;
  gsize item_size;
  guint size; /* places in the ring; a power of two */
  guint head;
} WzpItemQueue;

void wzp_item_queue_init (WzpItemQueue *self, gsize item_size);
/* Frees the items and the ring; usable again. */
void wzp_item_queue_clear (WzpItemQueue *self);
void wzp_item_clear (gpointer item);

/* Takes what is in @item. */
void wzp_item_queue_push (WzpItemQueue *self, gconstpointer item);
/* FALSE: empty. */
gboolean wzp_item_queue_pop (WzpItemQueue *self, gpointer ret_item);
/* The first item, NULL: none. Valid until the next change. */
const WzpItem *wzp_item_queue_peek (const WzpItemQueue *self);
/* The first frame, NULL: none. */
const WzpFrame *wzp_item_queue_peek_frame (const WzpItemQueue *self);
/* Takes out the first frame, whatever stands before it. FALSE: none. */
gboolean wzp_item_queue_drop_frame (WzpItemQueue *self, gpointer ret_item);
/* Hands the frames to @ret_rest (not initialised; clear it) and keeps the last
 * description and, with @keep_ends, the last end. */
void wzp_item_queue_flush (
    WzpItemQueue *self, gboolean keep_ends, WzpItemQueue *ret_rest);

G_END_DECLS
