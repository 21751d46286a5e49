#include "wzp-item-queue.h"

#include <string.h>

#define FIRST_SIZE 16u /* places; a power of two */

static gpointer
item_at (const WzpItemQueue *self, guint index)
{
  return self->ring +
      ((self->head + index) & (self->size - 1)) * self->item_size;
}

/* Descriptions are of one class, all ends of another. */
static gboolean
is_same_class (const WzpItem *a, const WzpItem *b)
{
  return MIN (a->kind, WZP_ITEM_END) == MIN (b->kind, WZP_ITEM_END);
}

static gsize
text_size (const WzpItem *item)
{
  return (item->caps != NULL ? strlen (item->caps) : 0) +
      (item->tags != NULL ? strlen (item->tags) : 0);
}

/* Counts @item in, or out when @sign is -1. */
static void
account (WzpItemQueue *self, const WzpItem *item, int sign)
{
  if (item->kind == WZP_ITEM_FRAME) {
    self->frames += sign;
    self->bytes += sign * (gssize) item->frame->meta.size;
  } else {
    self->text_bytes += sign * (gssize) text_size (item);
  }
}

static void
grow (WzpItemQueue *self)
{
  guint size = MAX (self->size * 2, FIRST_SIZE);
  guint8 *ring = g_malloc (size * self->item_size);

  for (guint i = 0; i < self->len; i++)
    memcpy (ring + i * self->item_size, item_at (self, i), self->item_size);
  g_free (self->ring);
  self->ring = ring;
  self->size = size;
  self->head = 0;
}

/* Takes out the item at @index; those on the shorter side of it move. */
static void
remove_at (WzpItemQueue *self, guint index, gpointer ret_item)
{
  memcpy (ret_item, item_at (self, index), self->item_size);
  account (self, ret_item, -1);
  if (index < self->len / 2) {
    for (guint i = index; i > 0; i--)
      memcpy (item_at (self, i), item_at (self, i - 1), self->item_size);
    self->head = (self->head + 1) & (self->size - 1);
  } else {
    for (guint i = index; i + 1 < self->len; i++)
      memcpy (item_at (self, i), item_at (self, i + 1), self->item_size);
  }
  self->len--;
}

/* The items around @index, up to the frames on both sides: of each class only
 * the last one is of use. */
static void
tidy (WzpItemQueue *self, guint index)
{
  g_autofree WzpItem *old = g_malloc (self->item_size);
  guint first = MIN (index, self->len);
  guint end = first;

  while (first > 0 &&
      ((WzpItem *) item_at (self, first - 1))->kind != WZP_ITEM_FRAME)
    first--;
  while (end < self->len &&
      ((WzpItem *) item_at (self, end))->kind != WZP_ITEM_FRAME)
    end++;
  for (guint i = end; i-- > first;) {
    for (guint j = i; j-- > first;) {
      if (!is_same_class (item_at (self, i), item_at (self, j)))
        continue;
      remove_at (self, j, old);
      wzp_item_clear (old);
      i--;
    }
  }
}

void
wzp_item_queue_init (WzpItemQueue *self, gsize item_size)
{
  *self = (WzpItemQueue){ .item_size = item_size };
}

void
wzp_item_clear (gpointer item)
{
  WzpItem *self = item;

  g_clear_pointer (&self->frame, wzp_frame_unref);
  g_clear_pointer (&self->caps, g_free);
  g_clear_pointer (&self->tags, g_free);
}

void
wzp_item_queue_clear (WzpItemQueue *self)
{
  for (guint i = 0; i < self->len; i++)
    wzp_item_clear (item_at (self, i));
  g_free (self->ring);
  wzp_item_queue_init (self, self->item_size);
}

void
wzp_item_queue_push (WzpItemQueue *self, gconstpointer item)
{
  if (self->len == self->size)
    grow (self);
  memcpy (item_at (self, self->len), item, self->item_size);
  self->len++;
  account (self, item, 1);
  if (((const WzpItem *) item)->kind != WZP_ITEM_FRAME)
    tidy (self, self->len);
}

gboolean
wzp_item_queue_pop (WzpItemQueue *self, gpointer ret_item)
{
  if (self->len == 0)
    return FALSE;
  remove_at (self, 0, ret_item);
  return TRUE;
}

const WzpItem *
wzp_item_queue_peek (const WzpItemQueue *self)
{
  return self->len > 0 ? item_at (self, 0) : NULL;
}

const WzpFrame *
wzp_item_queue_peek_frame (const WzpItemQueue *self)
{
  for (guint i = 0; i < self->len; i++) {
    const WzpItem *item = item_at (self, i);

    if (item->kind == WZP_ITEM_FRAME)
      return item->frame;
  }
  return NULL;
}

gboolean
wzp_item_queue_drop_frame (WzpItemQueue *self, gpointer ret_item)
{
  for (guint i = 0; i < self->len; i++) {
    const WzpItem *item = item_at (self, i);

    if (item->kind != WZP_ITEM_FRAME)
      continue;
    remove_at (self, i, ret_item);
    tidy (self, i);
    return TRUE;
  }
  return FALSE;
}

void
wzp_item_queue_flush (
    WzpItemQueue *self, gboolean keep_ends, WzpItemQueue *ret_rest)
{
  g_autofree WzpItem *item = g_malloc (self->item_size);

  *ret_rest = *self;
  wzp_item_queue_init (self, self->item_size);
  for (guint left = ret_rest->len; left > 0; left--) {
    wzp_item_queue_pop (ret_rest, item);
    if (item->kind == WZP_ITEM_FRAME)
      wzp_item_queue_push (ret_rest, item);
    else if (keep_ends || item->kind == WZP_ITEM_DESCRIPTION)
      wzp_item_queue_push (self, item);
    else
      wzp_item_clear (item);
  }
}
