#include "wzp-send-flow-private.h"

#include "wzp-control.h"
#include "wzp-error.h"

/* Room for a FLOW_OPEN's other fields beside caps, tags and name. */
#define DESCRIPTION_OVERHEAD 64u

struct _WzpSendFlow {
  WzpFlowCore core;   /* its queue is of WzpSendItem */
  gint64 max_wait_us; /* age of the first frame at which the queue is full */
  const WzpSendFlowHandler *handler;
  gpointer user_data;
  GDestroyNotify notify;
  gint64 last_key_request_us; /* session thread only; 0: never */

  /* with the core's lock */
  gboolean session_sleeps; /* it found the queue empty */
  gboolean connected;
  guint waiters;
  guint32 generation; /* of the description in force; 0: none */
  char *caps, *tags;
  guint64 eos_serial;          /* of the last eos() */
  guint eos_pending, eos_acks; /* calls that have it; that acknowledged it */
  guint64 frames_in, bytes_in, frames_dropped;
};

WZP_ITEM_ASSERT (WzpSendItem);

void
wzp_send_item_clear (WzpSendItem *item)
{
  wzp_item_clear (item);
}

WzpSendFlow *
wzp_send_flow_new (const char *name, guint latency_ms,
    const WzpSendFlowHandler *handler, gpointer user_data,
    GDestroyNotify notify)
{
  WzpSendFlow *self = g_new0 (WzpSendFlow, 1);

  wzp_flow_core_init (&self->core, name, sizeof (WzpSendItem));
  self->max_wait_us = (gint64) latency_ms * 1000;
  self->handler = handler;
  self->user_data = user_data;
  self->notify = notify;
  self->session_sleeps = TRUE;
  return self;
}

WzpSendFlow *
wzp_send_flow_ref (WzpSendFlow *self)
{
  g_atomic_ref_count_inc (&self->core.refs);
  return self;
}

void
wzp_send_flow_unref (WzpSendFlow *self)
{
  if (!g_atomic_ref_count_dec (&self->core.refs))
    return;
  wzp_flow_core_clear (&self->core);
  g_clear_pointer (&self->caps, g_free);
  g_clear_pointer (&self->tags, g_free);
  if (self->notify != NULL)
    self->notify (self->user_data);
  g_free (self);
}

void
wzp_send_flow_attach (WzpSendFlow *self, gpointer node, WzpFlowWakeFunc wake,
    WzpFlowDetachFunc detach)
{
  wzp_flow_core_attach (&self->core, node, wake, detach);
}

gboolean
wzp_send_flow_orphan (WzpSendFlow *self)
{
  return wzp_flow_core_orphan (&self->core);
}

void
wzp_send_flow_detach (WzpSendFlow *self)
{
  wzp_flow_core_detach (&self->core, self);
}

const char *
wzp_send_flow_get_name (const WzpSendFlow *self)
{
  return self->core.name;
}

/* With the lock. The wake itself is one atomic exchange and at most one write
 * to an eventfd, so it may be done under this leaf lock; that keeps the node
 * alive without a reference per push. */
static void
wake_session (WzpSendFlow *self)
{
  if (!self->session_sleeps)
    return;
  self->session_sleeps = FALSE;
  wzp_flow_core_wake (&self->core);
}

static void
append_item (WzpSendFlow *self, const WzpSendItem *item)
{
  wzp_item_queue_push (&self->core.queue, item);
  wake_session (self);
}

/* With the lock. */
static gboolean
is_full (WzpSendFlow *self)
{
  const WzpFrame *first = wzp_item_queue_peek_frame (&self->core.queue);

  if (first == NULL)
    return FALSE;
  if (self->core.queue.bytes >= WZP_SEND_QUEUE_BYTES ||
      self->core.queue.frames >= WZP_SEND_QUEUE_FRAMES)
    return TRUE;
  return g_get_monotonic_time () - first->queued_us > self->max_wait_us;
}

/* With the lock. Whether to wake who waits for room: woken for each frame that
 * leaves a full queue, it would push one and wait again. */
static gboolean
has_drained (WzpSendFlow *self)
{
  return self->core.queue.bytes <= WZP_SEND_QUEUE_BYTES / 2 &&
      self->core.queue.frames <= WZP_SEND_QUEUE_FRAMES / 2 && !is_full (self);
}

/* With the lock; may let it go meanwhile. */
static void
wait_for_change (WzpSendFlow *self)
{
  self->waiters++;
  g_cond_wait (&self->core.cond, &self->core.lock);
  self->waiters--;
}

gboolean
wzp_send_flow_describe (
    WzpSendFlow *self, const char *caps, const char *tags, GError **error)
{
  gsize size = strlen (caps) + (tags != NULL ? strlen (tags) : 0) +
      strlen (self->core.name) + DESCRIPTION_OVERHEAD;

  if (size > WZP_CONTROL_MAX_MESSAGE) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "Caps and tags take %" G_GSIZE_FORMAT " bytes, at most %u are allowed",
        size, WZP_CONTROL_MAX_MESSAGE);
    return FALSE;
  }

  g_mutex_lock (&self->core.lock);
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
  g_mutex_unlock (&self->core.lock);
  return TRUE;
}

WzpPushResult
wzp_send_flow_push (
    WzpSendFlow *self, WzpFrame *frame, gboolean wait_for_connection)
{
  WzpSendItem item = { .kind = WZP_SEND_ITEM_FRAME, .frame = frame };
  WzpPushResult result = WZP_PUSH_OK;

  g_mutex_lock (&self->core.lock);
  while (!self->core.flushing && !self->core.closed &&
      ((self->connected && is_full (self)) ||
          (!self->connected && wait_for_connection)))
    wait_for_change (self);

  if (self->core.flushing)
    result = WZP_PUSH_FLUSHING;
  else if (self->core.closed)
    result = WZP_PUSH_CLOSED;
  else if (!self->connected)
    result = WZP_PUSH_DROPPED;

  if (result == WZP_PUSH_OK) {
    frame->queued_us = g_get_monotonic_time ();
    frame->meta.generation = self->generation;
    self->frames_in++;
    self->bytes_in += frame->meta.size;
    append_item (self, &item);
  } else if (result == WZP_PUSH_DROPPED) {
    self->frames_dropped++;
  }
  g_mutex_unlock (&self->core.lock);

  if (result != WZP_PUSH_OK)
    wzp_frame_unref (frame);
  return result;
}

/* With the lock. */
static gboolean
eos_is_acked (const WzpSendFlow *self)
{
  return self->eos_acks > 0 && self->eos_pending == 0;
}

gboolean
wzp_send_flow_eos (WzpSendFlow *self, guint timeout_ms)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  WzpSendItem item = { .kind = WZP_SEND_ITEM_EOS };
  gboolean acked;

  g_mutex_lock (&self->core.lock);
  item.eos_serial = ++self->eos_serial;
  self->eos_pending = 0;
  self->eos_acks = 0;
  if (self->connected && !self->core.closed && !self->core.flushing)
    append_item (self, &item);
  while (self->connected && !self->core.closed && !self->core.flushing &&
      !eos_is_acked (self)) {
    if (!g_cond_wait_until (&self->core.cond, &self->core.lock, deadline))
      break;
  }
  acked = eos_is_acked (self);
  g_mutex_unlock (&self->core.lock);
  return acked;
}

void
wzp_send_flow_set_flushing (WzpSendFlow *self, gboolean flushing)
{
  WzpItemQueue frames;

  wzp_item_queue_init (&frames, sizeof (WzpSendItem));
  g_mutex_lock (&self->core.lock);
  self->core.flushing = flushing;
  /* The description stays: later frames belong to it. */
  if (flushing)
    wzp_item_queue_flush (&self->core.queue, FALSE, &frames);
  g_cond_broadcast (&self->core.cond);
  g_mutex_unlock (&self->core.lock);
  wzp_item_queue_clear (&frames);
}

gboolean
wzp_send_flow_take (WzpSendFlow *self, WzpSendItem *ret_item)
{
  gboolean taken;

  g_mutex_lock (&self->core.lock);
  taken = wzp_item_queue_pop (&self->core.queue, ret_item);
  if (!taken)
    self->session_sleeps = TRUE;
  if (self->waiters > 0 && has_drained (self))
    g_cond_broadcast (&self->core.cond);
  g_mutex_unlock (&self->core.lock);
  return taken;
}

void
wzp_send_flow_set_connected (WzpSendFlow *self, gboolean connected)
{
  g_mutex_lock (&self->core.lock);
  if (self->connected != connected) {
    self->connected = connected;
    /* A wake-up from before may have found nobody to take what is queued. */
    self->session_sleeps = TRUE;
    if (connected && self->core.queue.len > 0)
      wake_session (self);
    g_cond_broadcast (&self->core.cond);
  }
  g_mutex_unlock (&self->core.lock);
}

void
wzp_send_flow_eos_given (WzpSendFlow *self, guint64 serial)
{
  g_mutex_lock (&self->core.lock);
  if (serial == self->eos_serial)
    self->eos_pending++;
  g_mutex_unlock (&self->core.lock);
}

void
wzp_send_flow_eos_done (WzpSendFlow *self, guint64 serial, gboolean acked)
{
  g_mutex_lock (&self->core.lock);
  if (serial == self->eos_serial && self->eos_pending > 0) {
    self->eos_pending--;
    self->eos_acks += acked ? 1 : 0;
    g_cond_broadcast (&self->core.cond);
  }
  g_mutex_unlock (&self->core.lock);
}

gboolean
wzp_send_flow_key_request (WzpSendFlow *self, gint64 now_us)
{
  if (self->last_key_request_us != 0 &&
      now_us - self->last_key_request_us < WZP_KEY_REQUEST_INTERVAL_US)
    return FALSE;
  self->last_key_request_us = now_us;
  if (self->handler != NULL && self->handler->key_request != NULL)
    self->handler->key_request (self, self->user_data);
  return TRUE;
}

gboolean
wzp_send_flow_dup_description (WzpSendFlow *self, WzpSendItem *ret_item)
{
  gboolean known;

  g_mutex_lock (&self->core.lock);
  known = self->generation != 0;
  if (known)
    *ret_item = (WzpSendItem){ .kind = WZP_SEND_ITEM_DESCRIPTION,
      .generation = self->generation,
      .caps = g_strdup (self->caps),
      .tags = g_strdup (self->tags) };
  g_mutex_unlock (&self->core.lock);
  return known;
}

void
wzp_send_flow_get_stats (WzpSendFlow *self, WzpSendFlowStats *ret_stats)
{
  g_mutex_lock (&self->core.lock);
  *ret_stats = (WzpSendFlowStats){ .frames_in = self->frames_in,
    .bytes_in = self->bytes_in,
    .frames_dropped = self->frames_dropped,
    .queued_bytes = self->core.queue.bytes,
    .queued_frames = self->core.queue.frames };
  g_mutex_unlock (&self->core.lock);
}
