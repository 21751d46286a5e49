#include "wzp-send-flow-private.h"

#include "wzp-control.h"
#include "wzp-error.h"

/* Room for a FLOW_OPEN's other fields beside caps, tags and name. */
#define DESCRIPTION_OVERHEAD 64u

/* Threads and locks: everything below the line is used with `lock` held. The
 * lock is a leaf: nothing is called with it held but GLib. */
struct _WzpSendFlow {
  gatomicrefcount refs;
  char *name;
  gint64 max_wait_us; /* age of the first frame at which the queue is full */
  const WzpSendFlowHandler *handler;
  gpointer user_data;
  GDestroyNotify notify;
  gint64 last_key_request_us; /* session thread only; 0: never */

  GMutex lock;
  GCond cond; /* anything below changed in a way that a waiter may want */
  /* ---- */
  gpointer node; /* not owned; NULL: not attached, or orphaned */
  WzpFlowWakeFunc wake;
  WzpFlowDetachFunc detach;
  GQueue items; /* of WzpSendItem, owned */
  gsize bytes;  /* of the frames in items */
  guint frames;
  gboolean session_sleeps; /* it found the queue empty */
  gboolean connected, flushing, closed;
  guint waiters;
  guint32 generation; /* of the description in force; 0: none */
  char *caps, *tags;
  guint64 eos_serial, eos_acked;
  guint64 frames_in, bytes_in, frames_dropped;
};

void
wzp_send_item_clear (WzpSendItem *item)
{
  g_clear_pointer (&item->frame, wzp_frame_unref);
  g_clear_pointer (&item->caps, g_free);
  g_clear_pointer (&item->tags, g_free);
}

static void
send_item_free (gpointer data)
{
  wzp_send_item_clear (data);
  g_free (data);
}

WzpSendFlow *
wzp_send_flow_new (const char *name, guint latency_ms,
    const WzpSendFlowHandler *handler, gpointer user_data,
    GDestroyNotify notify)
{
  WzpSendFlow *self = g_new0 (WzpSendFlow, 1);

  g_atomic_ref_count_init (&self->refs);
  self->name = g_strdup (name);
  self->max_wait_us = (gint64) latency_ms * 1000;
  self->handler = handler;
  self->user_data = user_data;
  self->notify = notify;
  self->session_sleeps = TRUE;
  g_queue_init (&self->items);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  return self;
}

WzpSendFlow *
wzp_send_flow_ref (WzpSendFlow *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
wzp_send_flow_unref (WzpSendFlow *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_queue_clear_full (&self->items, send_item_free);
  g_clear_pointer (&self->caps, g_free);
  g_clear_pointer (&self->tags, g_free);
  g_clear_pointer (&self->name, g_free);
  if (self->notify != NULL)
    self->notify (self->user_data);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
wzp_send_flow_attach (WzpSendFlow *self, gpointer node, WzpFlowWakeFunc wake,
    WzpFlowDetachFunc detach)
{
  g_mutex_lock (&self->lock);
  self->node = node;
  self->wake = wake;
  self->detach = detach;
  g_mutex_unlock (&self->lock);
}

void
wzp_send_flow_orphan (WzpSendFlow *self)
{
  g_mutex_lock (&self->lock);
  self->node = NULL;
  self->closed = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

const char *
wzp_send_flow_get_name (const WzpSendFlow *self)
{
  return self->name;
}

/* With the lock. The wake itself is one atomic exchange and at most one write
 * to an eventfd, so it may be done under this leaf lock; that keeps the node
 * alive without a reference per push. */
static void
append_item (WzpSendFlow *self, const WzpSendItem *item)
{
  WzpSendItem *copy = g_new (WzpSendItem, 1);

  *copy = *item;
  g_queue_push_tail (&self->items, copy);
  if (item->frame != NULL) {
    self->bytes += item->frame->meta.size;
    self->frames++;
  }
  if (self->session_sleeps && self->node != NULL) {
    self->session_sleeps = FALSE;
    self->wake (self->node);
  }
}

/* With the lock. */
static gboolean
is_full (WzpSendFlow *self)
{
  const WzpSendItem *first = g_queue_peek_head (&self->items);

  if (self->frames == 0)
    return FALSE;
  if (self->bytes >= WZP_SEND_QUEUE_BYTES ||
      self->frames >= WZP_SEND_QUEUE_FRAMES)
    return TRUE;
  return first != NULL && first->frame != NULL &&
      g_get_monotonic_time () - first->frame->queued_us > self->max_wait_us;
}

/* With the lock; may let it go meanwhile. */
static void
wait_for_change (WzpSendFlow *self)
{
  self->waiters++;
  g_cond_wait (&self->cond, &self->lock);
  self->waiters--;
}

gboolean
wzp_send_flow_describe (
    WzpSendFlow *self, const char *caps, const char *tags, GError **error)
{
  gsize size = strlen (caps) + (tags != NULL ? strlen (tags) : 0) +
      strlen (self->name) + DESCRIPTION_OVERHEAD;

  if (size > WZP_CONTROL_MAX_MESSAGE) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "Caps and tags take %" G_GSIZE_FORMAT " bytes, at most %u are allowed",
        size, WZP_CONTROL_MAX_MESSAGE);
    return FALSE;
  }

  g_mutex_lock (&self->lock);
  if (self->generation == 0 || g_strcmp0 (caps, self->caps) != 0 ||
      g_strcmp0 (tags, self->tags) != 0) {
    WzpSendItem item = { .kind = WZP_SEND_ITEM_DESCRIPTION };

    self->generation++;
    g_free (self->caps);
    g_free (self->tags);
    self->caps = g_strdup (caps);
    self->tags = g_strdup (tags);
    item.generation = self->generation;
    item.caps = g_strdup (caps);
    item.tags = g_strdup (tags);
    append_item (self, &item);
  }
  g_mutex_unlock (&self->lock);
  return TRUE;
}

WzpPushResult
wzp_send_flow_push (
    WzpSendFlow *self, WzpFrame *frame, gboolean wait_for_connection)
{
  WzpSendItem item = { .kind = WZP_SEND_ITEM_FRAME, .frame = frame };
  WzpPushResult result = WZP_PUSH_OK;

  frame->queued_us = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  while (!self->flushing && !self->closed &&
      ((self->connected && is_full (self)) ||
          (!self->connected && wait_for_connection)))
    wait_for_change (self);

  if (self->flushing)
    result = WZP_PUSH_FLUSHING;
  else if (self->closed)
    result = WZP_PUSH_CLOSED;
  else if (!self->connected)
    result = WZP_PUSH_DROPPED;

  if (result == WZP_PUSH_OK) {
    frame->meta.generation = self->generation;
    self->frames_in++;
    self->bytes_in += frame->meta.size;
    append_item (self, &item);
  } else if (result == WZP_PUSH_DROPPED) {
    self->frames_dropped++;
  }
  g_mutex_unlock (&self->lock);

  if (result != WZP_PUSH_OK)
    wzp_frame_unref (frame);
  return result;
}

gboolean
wzp_send_flow_eos (WzpSendFlow *self, guint timeout_ms)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  WzpSendItem item = { .kind = WZP_SEND_ITEM_EOS };
  gboolean acked;

  g_mutex_lock (&self->lock);
  item.eos_serial = ++self->eos_serial;
  if (self->connected && !self->closed && !self->flushing)
    append_item (self, &item);
  while (self->connected && !self->closed && !self->flushing &&
      self->eos_acked < item.eos_serial) {
    if (!g_cond_wait_until (&self->cond, &self->lock, deadline))
      break;
  }
  acked = self->eos_acked >= item.eos_serial;
  g_mutex_unlock (&self->lock);
  return acked;
}

void
wzp_send_flow_set_flushing (WzpSendFlow *self, gboolean flushing)
{
  GQueue dropped = G_QUEUE_INIT;

  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  if (flushing) {
    /* Descriptions stay: later frames belong to them. */
    for (GList *l = self->items.head; l != NULL;) {
      GList *next = l->next;
      WzpSendItem *item = l->data;

      if (item->kind != WZP_SEND_ITEM_DESCRIPTION) {
        g_queue_unlink (&self->items, l);
        g_queue_push_tail_link (&dropped, l);
      }
      l = next;
    }
    self->bytes = 0;
    self->frames = 0;
  }
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  g_queue_clear_full (&dropped, send_item_free);
}

void
wzp_send_flow_detach (WzpSendFlow *self)
{
  gpointer node;

  g_mutex_lock (&self->lock);
  node = self->node;
  self->node = NULL;
  self->closed = TRUE;
  g_cond_broadcast (&self->cond);
  if (node != NULL)
    self->detach (node, self);
  g_mutex_unlock (&self->lock);
}

gboolean
wzp_send_flow_take (WzpSendFlow *self, WzpSendItem *ret_item)
{
  WzpSendItem *item;

  g_mutex_lock (&self->lock);
  item = g_queue_pop_head (&self->items);
  if (item == NULL)
    self->session_sleeps = TRUE;
  else if (item->frame != NULL) {
    self->bytes -= item->frame->meta.size;
    self->frames--;
  }
  if (self->waiters > 0)
    g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  if (item == NULL)
    return FALSE;
  *ret_item = *item;
  g_free (item);
  return TRUE;
}

void
wzp_send_flow_set_connected (WzpSendFlow *self, gboolean connected)
{
  g_mutex_lock (&self->lock);
  if (self->connected != connected) {
    self->connected = connected;
    g_cond_broadcast (&self->cond);
  }
  g_mutex_unlock (&self->lock);
}

void
wzp_send_flow_eos_acked (WzpSendFlow *self, guint64 serial)
{
  g_mutex_lock (&self->lock);
  self->eos_acked = MAX (self->eos_acked, serial);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
wzp_send_flow_key_request (WzpSendFlow *self, gint64 now_us)
{
  if (self->last_key_request_us != 0 &&
      now_us - self->last_key_request_us < WZP_KEY_REQUEST_INTERVAL_US)
    return;
  self->last_key_request_us = now_us;
  if (self->handler != NULL && self->handler->key_request != NULL)
    self->handler->key_request (self, self->user_data);
}

gboolean
wzp_send_flow_dup_description (WzpSendFlow *self, WzpSendItem *ret_item)
{
  gboolean known;

  g_mutex_lock (&self->lock);
  known = self->generation != 0;
  if (known)
    *ret_item = (WzpSendItem){ .kind = WZP_SEND_ITEM_DESCRIPTION,
      .generation = self->generation,
      .caps = g_strdup (self->caps),
      .tags = g_strdup (self->tags) };
  g_mutex_unlock (&self->lock);
  return known;
}

void
wzp_send_flow_get_stats (WzpSendFlow *self, WzpSendFlowStats *ret_stats)
{
  g_mutex_lock (&self->lock);
  *ret_stats = (WzpSendFlowStats){ .frames_in = self->frames_in,
    .bytes_in = self->bytes_in,
    .frames_dropped = self->frames_dropped,
    .queued_bytes = self->bytes,
    .queued_frames = self->frames };
  g_mutex_unlock (&self->lock);
}
