#include "wzp-recv-flow-private.h"

/* Threads and locks: all below the line is used with `lock` held, a leaf. */
struct _WzpRecvFlow {
  gatomicrefcount refs;
  char *name;     /* nullable */
  int key_wanted; /* atomic */

  GMutex lock;
  GCond cond;
  /* ---- */
  gpointer node; /* not owned */
  WzpFlowWakeFunc wake;
  WzpFlowDetachFunc detach;
  GQueue items; /* of WzpRecvItem, owned */
  gsize bytes;
  guint frames;
  gboolean flushing, closed;
  gboolean discont;     /* frames were dropped: mark the next one */
  guint64 dropped_here; /* since the last frame handed out */
  guint64 frames_out, bytes_out, frames_dropped, frames_lost;
};

void
wzp_recv_item_clear (WzpRecvItem *item)
{
  g_clear_pointer (&item->frame, wzp_frame_unref);
  g_clear_pointer (&item->caps, g_free);
  g_clear_pointer (&item->tags, g_free);
}

static void
recv_item_free (gpointer data)
{
  wzp_recv_item_clear (data);
  g_free (data);
}

WzpRecvFlow *
wzp_recv_flow_new (const char *name)
{
  WzpRecvFlow *self = g_new0 (WzpRecvFlow, 1);

  g_atomic_ref_count_init (&self->refs);
  self->name = g_strdup (name);
  g_queue_init (&self->items);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  return self;
}

WzpRecvFlow *
wzp_recv_flow_ref (WzpRecvFlow *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
wzp_recv_flow_unref (WzpRecvFlow *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_queue_clear_full (&self->items, recv_item_free);
  g_free (self->name);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
wzp_recv_flow_attach (WzpRecvFlow *self, gpointer node, WzpFlowWakeFunc wake,
    WzpFlowDetachFunc detach)
{
  g_mutex_lock (&self->lock);
  self->node = node;
  self->wake = wake;
  self->detach = detach;
  g_mutex_unlock (&self->lock);
}

void
wzp_recv_flow_orphan (WzpRecvFlow *self)
{
  g_mutex_lock (&self->lock);
  self->node = NULL;
  self->closed = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

const char *
wzp_recv_flow_get_name (const WzpRecvFlow *self)
{
  return self->name;
}

/* With the lock. The frame at @l goes: of two descriptions that then touch only
 * the newer is of use, so there are never more of them than frames. */
static void
forget_old_description (WzpRecvFlow *self, GList *l)
{
  WzpRecvItem *before = l->prev != NULL ? l->prev->data : NULL;
  WzpRecvItem *after = l->next != NULL ? l->next->data : NULL;

  if (before == NULL || before->kind != WZP_RECV_DESCRIPTION || after == NULL ||
      after->kind != WZP_RECV_DESCRIPTION)
    return;
  recv_item_free (before);
  g_queue_delete_link (&self->items, l->prev);
}

/* With the lock. Drops the oldest frame; what is not a frame stays, for the
 * frames behind it need it. */
static WzpRecvItem *
drop_oldest (WzpRecvFlow *self)
{
  for (GList *l = self->items.head; l != NULL; l = l->next) {
    WzpRecvItem *item = l->data;

    if (item->kind != WZP_RECV_FRAME)
      continue;
    self->bytes -= item->frame->meta.size;
    self->frames--;
    self->frames_dropped++;
    self->dropped_here++;
    self->dropped_here += item->lost;
    self->discont = TRUE;
    forget_old_description (self, l);
    g_queue_delete_link (&self->items, l);
    return item;
  }
  return NULL;
}

void
wzp_recv_flow_push (WzpRecvFlow *self, const WzpRecvItem *item)
{
  WzpRecvItem *copy = g_new (WzpRecvItem, 1);
  GQueue dropped = G_QUEUE_INIT;

  *copy = *item;
  g_mutex_lock (&self->lock);
  if (self->flushing || self->closed) {
    g_queue_push_tail (&dropped, copy);
  } else {
    if (copy->kind == WZP_RECV_FRAME) {
      gsize size = copy->frame->meta.size;

      self->frames_lost += copy->lost;
      while (self->frames > 0 &&
          (self->frames >= WZP_RECV_QUEUE_FRAMES ||
              self->bytes + size > WZP_RECV_QUEUE_BYTES))
        g_queue_push_tail (&dropped, drop_oldest (self));
      self->bytes += size;
      self->frames++;
    }
    g_queue_push_tail (&self->items, copy);
    /* One consumer: it waits only on an empty queue. */
    if (self->items.length == 1)
      g_cond_signal (&self->cond);
  }
  g_mutex_unlock (&self->lock);
  g_queue_clear_full (&dropped, recv_item_free);
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
  while (!self->flushing && !self->closed && self->items.length == 0) {
    if (deadline_us < 0)
      g_cond_wait (&self->cond, &self->lock);
    else if (!g_cond_wait_until (&self->cond, &self->lock, deadline_us))
      return FALSE;
  }
  return TRUE;
}

gboolean
wzp_recv_flow_pop (WzpRecvFlow *self, gint64 timeout_us, WzpRecvItem *ret_item)
{
  gint64 deadline_us =
      timeout_us < 0 ? -1 : g_get_monotonic_time () + timeout_us;
  WzpRecvItem *item = NULL;
  gboolean in_time;

  g_mutex_lock (&self->lock);
  in_time = wait_for_item (self, deadline_us);
  if (!in_time) {
    g_mutex_unlock (&self->lock);
    return FALSE;
  }
  memset (ret_item, 0, sizeof *ret_item);
  if (self->flushing) {
    ret_item->kind = WZP_RECV_FLUSHING;
  } else if ((item = g_queue_pop_head (&self->items)) == NULL) {
    ret_item->kind = WZP_RECV_CLOSED;
  } else {
    *ret_item = *item;
    if (item->kind == WZP_RECV_FRAME) {
      self->bytes -= item->frame->meta.size;
      self->frames--;
      self->frames_out++;
      self->bytes_out += item->frame->meta.size;
      ret_item->discont |= self->discont;
      ret_item->lost += self->dropped_here;
      self->discont = FALSE;
      self->dropped_here = 0;
    }
  }
  g_mutex_unlock (&self->lock);
  g_free (item);
  return TRUE;
}

void
wzp_recv_flow_request_key (WzpRecvFlow *self)
{
  g_atomic_int_set (&self->key_wanted, TRUE);
  g_mutex_lock (&self->lock);
  if (self->node != NULL)
    self->wake (self->node);
  g_mutex_unlock (&self->lock);
}

void
wzp_recv_flow_set_flushing (WzpRecvFlow *self, gboolean flushing)
{
  GQueue dropped = G_QUEUE_INIT;
  WzpRecvItem *item;

  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  while (flushing && (item = drop_oldest (self)) != NULL)
    g_queue_push_tail (&dropped, item);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  g_queue_clear_full (&dropped, recv_item_free);
}

void
wzp_recv_flow_detach (WzpRecvFlow *self)
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

void
wzp_recv_flow_get_stats (WzpRecvFlow *self, WzpRecvFlowStats *ret_stats)
{
  g_mutex_lock (&self->lock);
  *ret_stats = (WzpRecvFlowStats){ .frames_out = self->frames_out,
    .bytes_out = self->bytes_out,
    .frames_dropped = self->frames_dropped,
    .frames_lost = self->frames_lost,
    .queued_bytes = self->bytes,
    .queued_frames = self->frames };
  g_mutex_unlock (&self->lock);
}
