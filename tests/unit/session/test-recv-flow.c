#include "flow-test.h"

#include <string.h>

static void
push_frame (WzpRecvFlow *flow, guint32 seed, gsize size, guint64 lost)
{
  WzpRecvItem item = { .kind = WZP_RECV_FRAME,
    .frame = flow_test_frame (seed, size),
    .lost = lost,
    .discont = lost > 0,
    .offset_ns = 77 };

  wzp_recv_flow_push (flow, &item);
}

static void
push_counted (WzpRecvFlow *flow, int *n_freed, gsize size)
{
  WzpRecvItem item = { .kind = WZP_RECV_FRAME,
    .frame = flow_test_counted_frame (n_freed, size) };

  wzp_recv_flow_push (flow, &item);
}

static void
push_text (WzpRecvFlow *flow, const char *caps)
{
  WzpRecvItem item = { .kind = WZP_RECV_DESCRIPTION,
    .caps = g_strdup (caps),
    .tags = g_strdup ("tags") };

  wzp_recv_flow_push (flow, &item);
}

static void
push_end (WzpRecvFlow *flow, WzpRecvKind kind)
{
  WzpRecvItem item = { .kind = kind };

  wzp_recv_flow_push (flow, &item);
}

static void
test_order (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new ("video");
  WzpRecvFlowStats stats;
  WzpRecvItem item;

  g_test_summary ("Items come out as they were put in, once");
  g_assert_cmpstr (wzp_recv_flow_get_name (flow), ==, "video");
  push_text (flow, "a/b");
  push_frame (flow, 1, 100, 0);
  push_frame (flow, 2, 200, 3);
  push_end (flow, WZP_RECV_EOS);
  wzp_recv_flow_get_stats (flow, &stats);
  g_assert_cmpuint (stats.queued_bytes, ==, 300);
  g_assert_cmpuint (stats.queued_frames, ==, 2);
  g_assert_cmpuint (stats.frames_lost, ==, 3);

  g_assert_true (wzp_recv_flow_pop (flow, -1, &item));
  g_assert_cmpint (item.kind, ==, WZP_RECV_DESCRIPTION);
  g_assert_cmpstr (item.caps, ==, "a/b");
  g_assert_cmpstr (item.tags, ==, "tags");
  wzp_recv_item_clear (&item);
  g_assert_true (wzp_recv_flow_pop (flow, -1, &item));
  g_assert_cmpint (item.kind, ==, WZP_RECV_FRAME);
  flow_test_assert_frame (item.frame, 1, 100);
  g_assert_cmpint (item.offset_ns, ==, 77);
  g_assert_false (item.discont);
  wzp_recv_item_clear (&item);
  flow_test_assert_spells (flow, "f200+3! eos");

  wzp_recv_flow_get_stats (flow, &stats);
  g_assert_cmpuint (stats.frames_out, ==, 2);
  g_assert_cmpuint (stats.bytes_out, ==, 300);
  g_assert_cmpuint (stats.queued_bytes, ==, 0);
  g_assert_cmpuint (stats.frames_dropped, ==, 0);
}

static void
test_bound_frames (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new (NULL);
  WzpRecvFlowStats stats;
  WzpRecvItem item;

  g_test_summary ("The oldest goes at the bound, not before it, and what was "
                  "lost before a dropped frame is not forgotten");
  g_assert_null (wzp_recv_flow_get_name (flow));
  push_text (flow, "a/b");
  for (guint i = 0; i < WZP_RECV_QUEUE_FRAMES; i++)
    push_frame (flow, i, 2, i == 1 ? 10 : 0);
  wzp_recv_flow_get_stats (flow, &stats);
  g_assert_cmpuint (stats.frames_dropped, ==, 0);
  g_assert_cmpuint (stats.queued_frames, ==, WZP_RECV_QUEUE_FRAMES);
  for (guint i = 0; i < 3; i++)
    push_frame (flow, WZP_RECV_QUEUE_FRAMES + i, 2, 0);
  wzp_recv_flow_get_stats (flow, &stats);
  g_assert_cmpuint (stats.frames_dropped, ==, 3);
  g_assert_cmpuint (stats.queued_frames, ==, WZP_RECV_QUEUE_FRAMES);
  g_assert_cmpuint (stats.frames_lost, ==, 10);

  g_assert_true (wzp_recv_flow_pop (flow, 0, &item));
  g_assert_cmpint (item.kind, ==, WZP_RECV_DESCRIPTION);
  wzp_recv_item_clear (&item);
  g_assert_true (wzp_recv_flow_pop (flow, 0, &item));
  flow_test_assert_frame (item.frame, 3, 2);
  g_assert_true (item.discont);
  g_assert_cmpuint (item.lost, ==, 13);
  wzp_recv_item_clear (&item);
  g_assert_true (wzp_recv_flow_pop (flow, 0, &item));
  flow_test_assert_frame (item.frame, 4, 2);
  g_assert_false (item.discont);
  g_assert_cmpuint (item.lost, ==, 0);
  wzp_recv_item_clear (&item);
}

static void
test_bound_bytes (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new (NULL);
  WzpRecvFlowStats stats;
  int n_freed = 0;

  g_test_summary ("Bytes are bounded, those of caps with them");
  for (guint i = 0; i < 4; i++)
    push_counted (flow, &n_freed, WZP_RECV_QUEUE_BYTES / 4);
  g_assert_cmpint (n_freed, ==, 0);
  push_counted (flow, &n_freed, 1);
  g_assert_cmpint (n_freed, ==, 1);
  push_counted (flow, &n_freed, WZP_RECV_QUEUE_BYTES / 4);
  g_assert_cmpint (n_freed, ==, 2);
  /* Four quarters less one byte, with the caps, would be over. */
  push_text (flow, "a/b");
  push_counted (flow, &n_freed, WZP_RECV_QUEUE_BYTES / 4 - 1);
  g_assert_cmpint (n_freed, ==, 3);
  /* As large as a frame may be: takes the place of most. */
  push_counted (flow, &n_freed, WZP_FRAME_SIZE_MAX);
  wzp_recv_flow_get_stats (flow, &stats);
  g_assert_cmpuint (stats.queued_bytes, <=, WZP_RECV_QUEUE_BYTES);
  g_assert_cmpuint (stats.frames_dropped, ==, n_freed);
  g_clear_pointer (&flow, wzp_recv_flow_unref);
  g_assert_cmpint (n_freed, ==, 8);
}

static void
test_descriptions (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new (NULL);
  g_autofree char *caps = g_strnfill (60000, 'c');
  WzpRecvFlowStats stats;

  g_test_summary ("Caps that no frame is left of go, the others stay");
  push_text (flow, "a");
  push_text (flow, "b");
  push_end (flow, WZP_RECV_ENDED);
  push_text (flow, "c");
  push_end (flow, WZP_RECV_EOS);
  flow_test_assert_spells (flow, "d(c) eos");

  /* Caps of 60000 bytes for each frame of 1: the frames give way. */
  for (guint i = 0; i < 3 * WZP_RECV_QUEUE_FRAMES; i++) {
    caps[0] = 'a' + i % 26;
    push_text (flow, caps);
    push_frame (flow, i, 1, 0);
  }
  wzp_recv_flow_get_stats (flow, &stats);
  g_assert_cmpuint (stats.queued_frames, <=, WZP_RECV_QUEUE_BYTES / 60000 + 1);
  g_assert_cmpuint (stats.queued_frames, >, 500);
  g_assert_cmpuint (stats.frames_dropped + stats.queued_frames, ==,
      3 * WZP_RECV_QUEUE_FRAMES);
}

static void
test_timeout (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new (NULL);
  WzpRecvItem item = { .kind = WZP_RECV_CLOSED, .lost = 5 };

  g_test_summary ("A pop that times out fills in nothing");
  g_assert_false (wzp_recv_flow_pop (flow, 0, &item));
  g_assert_false (wzp_recv_flow_pop (flow, 1000, &item));
  g_assert_cmpint (item.kind, ==, WZP_RECV_CLOSED);
  g_assert_cmpuint (item.lost, ==, 5);
  push_frame (flow, 1, 1, 0);
  g_assert_true (wzp_recv_flow_pop (flow, 0, &item));
  g_assert_cmpint (item.kind, ==, WZP_RECV_FRAME);
  wzp_recv_item_clear (&item);
}

typedef struct {
  WzpRecvFlow *flow;
  int n_begun; /* atomic */
  WzpRecvItem item;
} PopCall;

static gpointer
run_pop (gpointer data)
{
  PopCall *call = data;

  g_atomic_int_inc (&call->n_begun);
  g_assert_true (wzp_recv_flow_pop (call->flow, -1, &call->item));
  return NULL;
}

static GThread *
begin_pop (WzpTest *test, PopCall *call, WzpRecvFlow *flow)
{
  GThread *thread;

  *call = (PopCall){ .flow = flow };
  thread = g_thread_new ("pop", run_pop, call);
  wzp_test_assert_until (test, g_atomic_int_get (&call->n_begun) == 1, 5000);
  return thread;
}

static void
test_wait (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new (NULL);
  PopCall call;
  GThread *thread;

  g_test_summary ("What frees a pop that waits");
  thread = begin_pop (test, &call, flow);
  push_frame (flow, 5, 50, 0);
  g_thread_join (thread);
  flow_test_assert_frame (call.item.frame, 5, 50);
  wzp_recv_item_clear (&call.item);

  thread = begin_pop (test, &call, flow);
  wzp_recv_flow_set_flushing (flow, TRUE);
  g_thread_join (thread);
  g_assert_cmpint (call.item.kind, ==, WZP_RECV_FLUSHING);
  wzp_recv_flow_set_flushing (flow, FALSE);

  thread = begin_pop (test, &call, flow);
  wzp_recv_flow_orphan (flow);
  g_thread_join (thread);
  g_assert_cmpint (call.item.kind, ==, WZP_RECV_CLOSED);
}

static void
test_flush (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new (NULL);
  WzpRecvFlowStats stats;

  g_test_summary ("Frames go, before and while it flushes; caps and ends that "
                  "come then are not lost");
  push_text (flow, "a");
  push_frame (flow, 1, 1, 0);
  push_frame (flow, 2, 2, 0);
  wzp_recv_flow_set_flushing (flow, TRUE);
  flow_test_assert_spells (flow, "flushing");
  flow_test_assert_spells (flow, "flushing");
  push_frame (flow, 3, 3, 0);
  push_text (flow, "b");
  push_frame (flow, 4, 4, 0);
  wzp_recv_flow_set_flushing (flow, FALSE);
  push_frame (flow, 5, 5, 0);
  push_frame (flow, 6, 6, 0);
  flow_test_assert_spells (flow, "d(b) f5! f6");
  wzp_recv_flow_get_stats (flow, &stats);
  g_assert_cmpuint (stats.frames_dropped, ==, 4);
  g_assert_cmpuint (stats.frames_lost, ==, 0);

  wzp_recv_flow_set_flushing (flow, TRUE);
  push_end (flow, WZP_RECV_EOS);
  wzp_recv_flow_set_flushing (flow, FALSE);
  flow_test_assert_spells (flow, "eos");

  /* A long pause with many calls in it costs little. */
  wzp_recv_flow_set_flushing (flow, TRUE);
  for (guint i = 0; i < 1000; i++) {
    push_text (flow, i == 999 ? "last" : "x");
    push_frame (flow, i, 1, 0);
    push_end (flow, WZP_RECV_ENDED);
  }
  wzp_recv_flow_set_flushing (flow, FALSE);
  flow_test_assert_spells (flow, "d(last) ended");
}

static void
test_orphan (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new (NULL);
  int n_freed = 0;

  g_test_summary ("What is queued comes first, then CLOSED for ever");
  push_text (flow, "a");
  push_frame (flow, 1, 1, 0);
  push_end (flow, WZP_RECV_ENDED);
  wzp_recv_flow_orphan (flow);
  push_counted (flow, &n_freed, 1);
  push_end (flow, WZP_RECV_EOS);
  g_assert_cmpint (n_freed, ==, 1);
  flow_test_assert_spells (flow, "d(a) f1 ended closed");
  flow_test_assert_spells (flow, "closed");
  wzp_recv_flow_set_flushing (flow, TRUE);
  flow_test_assert_spells (flow, "flushing");
  wzp_recv_flow_set_flushing (flow, FALSE);
  flow_test_assert_spells (flow, "closed");
}

static void
test_key_request (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new (NULL);
  FlowTestNode node = { 0 };
  guint n_taken = 0;

  g_test_summary ("A key request wakes the node, is taken once, and a stream "
                  "of them is thinned");
  g_assert_false (wzp_recv_flow_take_key_request (flow));
  wzp_recv_flow_attach (flow, &node, flow_test_wake, flow_test_detach);
  wzp_recv_flow_request_key (flow);
  g_assert_cmpint (node.n_wakes, ==, 1);
  g_assert_true (wzp_recv_flow_take_key_request (flow));
  g_assert_false (wzp_recv_flow_take_key_request (flow));
  /* However slow the machine is: not each of these waits 200 ms. */
  for (guint i = 0; i < 200; i++) {
    wzp_recv_flow_request_key (flow);
    n_taken += wzp_recv_flow_take_key_request (flow);
  }
  g_assert_cmpuint (n_taken, <, 100);
  g_assert_cmpint (node.n_wakes, ==, 1 + n_taken);
  g_assert_true (wzp_recv_flow_orphan (flow));
  g_assert_false (wzp_recv_flow_orphan (flow));
}

static void
test_detach (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new (NULL);
  FlowTestNode node = { 0 };

  g_test_summary ("detach() is passed on once, and the node not called after");
  wzp_recv_flow_attach (flow, &node, flow_test_wake, flow_test_detach);
  push_frame (flow, 1, 1, 0);
  wzp_recv_flow_detach (flow);
  wzp_recv_flow_detach (flow);
  wzp_recv_flow_request_key (flow);
  g_assert_false (wzp_recv_flow_orphan (flow));
  g_assert_cmpint (node.n_detaches, ==, 1);
  g_assert_cmpint (node.n_wakes, ==, 0);
  flow_test_assert_spells (flow, "f1 closed");
}

/* Pops until CLOSED, as a source element does. */
typedef struct {
  WzpRecvFlow *flow;
  guint64 frames, lost;
  guint disorders;
} Reader;

static gpointer
run_reader (gpointer data)
{
  Reader *self = data;
  WzpRecvItem item = { 0 };
  guint64 last = 0;

  do {
    g_assert_true (wzp_recv_flow_pop (self->flow, -1, &item));
    if (item.kind == WZP_RECV_FRAME) {
      guint64 seed = item.frame->meta.pts;

      /* Exactly what was dropped is missing. */
      self->disorders += seed != last + 1 + item.lost;
      self->disorders += (item.lost > 0) != item.discont;
      last = seed;
      self->frames++;
      self->lost += item.lost;
    }
    wzp_recv_item_clear (&item);
  } while (item.kind != WZP_RECV_CLOSED);
  return NULL;
}

static void
test_threads (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRecvFlow) flow = wzp_recv_flow_new (NULL);
  Reader reader = { .flow = flow };
  const guint n = 20000;
  WzpRecvFlowStats stats;
  GThread *thread;

  g_test_summary ("20000 frames past a reader: each comes or is counted");
  thread = g_thread_new ("reader", run_reader, &reader);
  for (guint i = 1; i <= n; i++) {
    WzpRecvItem item = { .kind = WZP_RECV_FRAME,
      .frame = flow_test_frame (i, 4) };

    item.frame->meta.pts = i;
    wzp_recv_flow_push (flow, &item);
  }
  wzp_recv_flow_orphan (flow);
  g_thread_join (thread);
  wzp_recv_flow_get_stats (flow, &stats);
  g_assert_cmpuint (reader.disorders, ==, 0);
  g_assert_cmpuint (reader.frames, ==, stats.frames_out);
  g_assert_cmpuint (stats.frames_out + stats.frames_dropped, ==, n);
  g_assert_cmpuint (reader.lost, ==, stats.frames_dropped);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/recv-flow/order", NULL, test_order);
  wzp_test_add ("/recv-flow/bound/frames", NULL, test_bound_frames);
  wzp_test_add ("/recv-flow/bound/bytes", NULL, test_bound_bytes);
  wzp_test_add ("/recv-flow/bound/descriptions", NULL, test_descriptions);
  wzp_test_add ("/recv-flow/timeout", NULL, test_timeout);
  wzp_test_add ("/recv-flow/wait", NULL, test_wait);
  wzp_test_add ("/recv-flow/flush", NULL, test_flush);
  wzp_test_add ("/recv-flow/orphan", NULL, test_orphan);
  wzp_test_add ("/recv-flow/key-request", NULL, test_key_request);
  wzp_test_add ("/recv-flow/detach", NULL, test_detach);
  wzp_test_add ("/recv-flow/threads", NULL, test_threads);
  return wzp_test_run ();
}
