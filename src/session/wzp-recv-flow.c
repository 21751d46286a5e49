#include "wzp-recv-flow-private.h"

struct _WzpRecvFlow {
  WzpFlowCore core; /* its queue is of WzpRecvItem */
  int key_wanted;   /* atomic */

  /* with the core's lock */
  gboolean discont;      /* frames were dropped: mark the next one */
  guint64 dropped_here;  /* since the last frame handed out */
  gint64 key_request_us; /* when one was last asked for; 0: never */
  guint64 frames_out, bytes_out, frames_dropped, frames_lost;
};

WZP_ITEM_ASSERT (WzpRecvItem);
G_STATIC_ASSERT ((int) WZP_RECV_FRAME == WZP_ITEM_FRAME);
G_STATIC_ASSERT ((int) WZP_RECV_DESCRIPTION == WZP_ITEM_DESCRIPTION);
G_STATIC_ASSERT ((int) WZP_RECV_EOS == WZP_ITEM_END);

void
wzp_recv_item_clear (WzpRecvItem *item)
{
  wzp_item_clear (item);
}

WzpRecvFlow *
wzp_recv_flow_new (const char *name)
{
  WzpRecvFlow *self = g_new0 (WzpRecvFlow, 1);

  wzp_flow_core_init (&self->core, name, sizeof (WzpRecvItem));
  return self;
}

WzpRecvFlow *
wzp_recv_flow_ref (WzpRecvFlow *self)
{
  g_atomic_ref_count_inc (&self->core.refs);
  return self;
}

void
wzp_recv_flow_unref (WzpRecvFlow *self)
{
  if (!g_atomic_ref_count_dec (&self->core.refs))
    return;
  wzp_flow_core_clear (&self->core);
  g_free (self);
}

void
wzp_recv_flow_attach (WzpRecvFlow *self, gpointer node, WzpFlowWakeFunc wake,
    WzpFlowDetachFunc detach)
{
  wzp_flow_core_attach (&self->core, node, wake, detach);
}

gboolean
wzp_recv_flow_orphan (WzpRecvFlow *self)
{
  return wzp_flow_core_orphan (&self->core);
}

void
wzp_recv_flow_detach (WzpRecvFlow *self)
{
  wzp_flow_core_detach (&self->core, self);
}

const char *
wzp_recv_flow_get_name (const WzpRecvFlow *self)
{
  return self->core.name;
}

/* With the lock. */
static gboolean
has_room (const WzpRecvFlow *self, const WzpRecvItem *item)
{
  const WzpItemQueue *queue = &self->core.queue;

  return item->kind != WZP_RECV_FRAME || queue->frames == 0 ||
      (queue->frames < WZP_RECV_QUEUE_FRAMES &&
          queue->bytes + queue->text_bytes + item->frame->meta.size <=
              WZP_RECV_QUEUE_BYTES);
}

/* With the lock: drops the oldest frame into @ret_old. */
static void
drop_oldest (WzpRecvFlow *self, WzpRecvItem *ret_old)
{
  if (!wzp_item_queue_drop_frame (&self->core.queue, ret_old))
    return;
  self->frames_dropped++;
  self->dropped_here += 1 + ret_old->lost;
  self->discont = TRUE;
}

/* With the lock. FALSE: it is not for the queue, or not yet: @ret_old was
 * dropped, try again. */
static gboolean
try_push (WzpRecvFlow *self, const WzpRecvItem *item, WzpRecvItem *ret_old)
{
  gboolean is_frame = item->kind == WZP_RECV_FRAME;

  if (self->core.closed || (self->core.flushing && is_frame)) {
    self->frames_dropped += is_frame;
    self->discont |= !self->core.closed;
    *ret_old = *item;
    return TRUE;
  }
  if (!has_room (self, item)) {
    drop_oldest (self, ret_old);
    return FALSE;
  }
  wzp_item_queue_push (&self->core.queue, item);
  /* One consumer: it waits only on an empty queue. */
  if (self->core.queue.len == 1)
    g_cond_signal (&self->core.cond);
  return TRUE;
}

void
wzp_recv_flow_push (WzpRecvFlow *self, const WzpRecvItem *item)
{
  gboolean done;

  /* Frames are freed without the lock. */
  do {
    WzpRecvItem old = { 0 };

    g_mutex_lock (&self->core.lock);
    done = try_push (self, item, &old);
    self->frames_lost += done ? item->lost : 0;
    g_mutex_unlock (&self->core.lock);
    wzp_recv_item_clear (&old);
  } while (!done);
}

gboolean
wzp_recv_flow_take_key_request (WzpRecvFlow *self)
{
  return g_atomic_int_compare_and_exchange (&self->key_wanted, TRUE, FALSE);
}

/* With the lock. FALSE: the deadline passed. */
static gboolean
wait_for_item (WzpRecvFlow *self, gint64 deadline_us)
{
  while (
      !self->core.flushing && !self->core.closed && self->core.queue.len == 0) {
    if (deadline_us < 0)
      g_cond_wait (&self->core.cond, &self->core.lock);
    else if (!g_cond_wait_until (
                 &self->core.cond, &self->core.lock, deadline_us))
      return FALSE;
  }
  return TRUE;
}

/* With the lock: @item, a frame, leaves the queue. */
static void
hand_out (WzpRecvFlow *self, WzpRecvItem *item)
{
  self->frames_out++;
  self->bytes_out += item->frame->meta.size;
  item->discont |= self->discont;
  item->lost += self->dropped_here;
  self->discont = FALSE;
  self->dropped_here = 0;
}

gboolean
wzp_recv_flow_pop (WzpRecvFlow *self, gint64 timeout_us, WzpRecvItem *ret_item)
{
  gint64 deadline_us =
      timeout_us < 0 ? -1 : g_get_monotonic_time () + timeout_us;
  gboolean in_time;

  g_mutex_lock (&self->core.lock);
  in_time = wait_for_item (self, deadline_us);
  if (in_time) {
    memset (ret_item, 0, sizeof *ret_item);
    if (self->core.flushing)
      ret_item->kind = WZP_RECV_FLUSHING;
    else if (!wzp_item_queue_pop (&self->core.queue, ret_item))
      ret_item->kind = WZP_RECV_CLOSED;
    else if (ret_item->kind == WZP_RECV_FRAME)
      hand_out (self, ret_item);
  }
  g_mutex_unlock (&self->core.lock);
  return in_time;
}

void
wzp_recv_flow_request_key (WzpRecvFlow *self)
{
  gint64 now_us = g_get_monotonic_time ();

  g_mutex_lock (&self->core.lock);
  if (self->key_request_us == 0 ||
      now_us - self->key_request_us >= WZP_KEY_REQUEST_INTERVAL_US) {
    self->key_request_us = now_us;
    g_atomic_int_set (&self->key_wanted, TRUE);
    wzp_flow_core_wake (&self->core);
  }
  g_mutex_unlock (&self->core.lock);
}

void
wzp_recv_flow_set_flushing (WzpRecvFlow *self, gboolean flushing)
{
  WzpItemQueue frames;

  wzp_item_queue_init (&frames, sizeof (WzpRecvItem));
  g_mutex_lock (&self->core.lock);
  self->core.flushing = flushing;
  if (flushing) {
    wzp_item_queue_flush (&self->core.queue, TRUE, &frames);
    self->frames_dropped += frames.frames;
    self->discont |= frames.frames > 0;
    self->dropped_here = 0;
  }
  g_cond_broadcast (&self->core.cond);
  g_mutex_unlock (&self->core.lock);
  wzp_item_queue_clear (&frames);
}

void
wzp_recv_flow_get_stats (WzpRecvFlow *self, WzpRecvFlowStats *ret_stats)
{
  g_mutex_lock (&self->core.lock);
  *ret_stats = (WzpRecvFlowStats){ .frames_out = self->frames_out,
    .bytes_out = self->bytes_out,
    .frames_dropped = self->frames_dropped,
    .frames_lost = self->frames_lost,
    .queued_bytes = self->core.queue.bytes,
    .queued_frames = self->core.queue.frames };
  g_mutex_unlock (&self->core.lock);
}
