#include "flow-test.h"

static guint8 *
new_content (guint32 seed, gsize size)
{
  guint8 *data = g_malloc (size);
  guint32 x = seed * 2654435761u + 1;

  for (gsize i = 0; i < size; i++) {
    x = x * 1664525u + 1013904223u;
    data[i] = (guint8) (x >> 24);
  }
  return data;
}

WzpFrame *
flow_test_frame (guint32 seed, gsize size)
{
  return wzp_frame_new_take (new_content (seed, size), size);
}

WzpFrame *
flow_test_delta_frame (guint32 seed, gsize size)
{
  WzpFrame *frame = flow_test_frame (seed, size);

  frame->meta.flags |= WZP_FRAME_DELTA_UNIT;
  return frame;
}

void
flow_test_assert_frame (const WzpFrame *frame, guint32 seed, gsize size)
{
  g_autofree guint8 *expected = new_content (seed, size);

  g_assert_nonnull (frame);
  g_assert_cmpuint (frame->meta.size, ==, size);
  if (size > 0) {
    g_assert_cmpuint (frame->n_iov, ==, 1);
    g_assert_cmpmem (
        frame->iov[0].iov_base, frame->iov[0].iov_len, expected, size);
  }
}

static void
count_freed (gpointer data)
{
  g_atomic_int_inc ((int *) data);
}

WzpFrame *
flow_test_counted_frame (int *n_freed, gsize size)
{
  /* Never read: the size is what counts. */
  static guint8 byte;
  struct iovec iov = { .iov_base = &byte, .iov_len = size };

  return wzp_frame_new_wrapped (&iov, 1, n_freed, count_freed);
}

void
flow_test_wake (gpointer node)
{
  g_atomic_int_inc (&((FlowTestNode *) node)->n_wakes);
}

void
flow_test_detach (gpointer node, gpointer flow)
{
  g_atomic_int_inc (&((FlowTestNode *) node)->n_detaches);
}

static gpointer
run_pusher (gpointer data)
{
  FlowTestPusher *self = data;

  for (guint i = 0; i < self->n; i++) {
    WzpFrame *frame = flow_test_frame (i, self->size);

    g_atomic_int_inc (&self->n_begun);
    self->result = wzp_send_flow_push (self->flow, frame, self->wait);
    if (self->result != WZP_PUSH_OK)
      break;
    g_atomic_int_inc (&self->n_ok);
  }
  return NULL;
}

FlowTestPusher *
flow_test_pusher_new (WzpSendFlow *flow, guint n, gsize size, gboolean wait)
{
  FlowTestPusher *self = g_new0 (FlowTestPusher, 1);

  self->flow = wzp_send_flow_ref (flow);
  self->n = n;
  self->size = size;
  self->wait = wait;
  self->thread = g_thread_new ("pusher", run_pusher, self);
  return self;
}

WzpPushResult
flow_test_pusher_join (FlowTestPusher *self)
{
  WzpPushResult result;

  g_thread_join (self->thread);
  result = self->result;
  wzp_send_flow_unref (self->flow);
  g_free (self);
  return result;
}

gboolean
flow_test_take_frame (WzpSendFlow *flow, guint32 seed, gsize size)
{
  WzpSendItem item;
  gboolean is_frame;

  if (!wzp_send_flow_take (flow, &item))
    return FALSE;
  is_frame = item.kind == WZP_SEND_ITEM_FRAME;
  if (is_frame)
    flow_test_assert_frame (item.frame, seed, size);
  wzp_send_item_clear (&item);
  return is_frame;
}

char *
flow_test_spell (WzpRecvFlow *flow)
{
  static const char *const names[] = { "f", "d", "eos", "ended", "flushing",
    "closed" };
  g_autoptr (GString) text = g_string_new (NULL);
  WzpRecvItem item;
  gboolean more = TRUE;

  while (more && wzp_recv_flow_pop (flow, 0, &item)) {
    g_string_append_printf (
        text, "%s%s", text->len > 0 ? " " : "", names[item.kind]);
    if (item.kind == WZP_RECV_FRAME)
      g_string_append_printf (text, "%u", item.frame->meta.size);
    if (item.kind == WZP_RECV_DESCRIPTION)
      g_string_append_printf (text, "(%s)", item.caps);
    if (item.lost > 0)
      g_string_append_printf (text, "+%" G_GUINT64_FORMAT, item.lost);
    if (item.discont)
      g_string_append_c (text, '!');
    /* These two would come for ever. */
    more = item.kind != WZP_RECV_FLUSHING && item.kind != WZP_RECV_CLOSED;
    wzp_recv_item_clear (&item);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
flow_test_assert_spells (WzpRecvFlow *flow, const char *expected)
{
  g_autofree char *text = flow_test_spell (flow);

  g_assert_cmpstr (text, ==, expected);
}
