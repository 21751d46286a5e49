#include "flow-test.h"
#include "wzp-control.h"
#include "wzp-error.h"

#include <string.h>

#define LONG_MS 60000u

typedef struct {
  WzpSendFlow *flow;
  FlowTestNode node;
  int n_keys;
  gboolean is_notified;
} Rig;

static void
on_key_request (WzpSendFlow *flow, gpointer user_data)
{
  ((Rig *) user_data)->n_keys++;
}

static void
on_notify (gpointer user_data)
{
  ((Rig *) user_data)->is_notified = TRUE;
}

static const WzpSendFlowHandler handler = { .key_request = on_key_request };

static void
rig_init (Rig *rig, guint latency_ms, gboolean connected)
{
  memset (rig, 0, sizeof *rig);
  rig->flow = wzp_send_flow_new ("video", latency_ms, &handler, rig, on_notify);
  wzp_send_flow_attach (
      rig->flow, &rig->node, flow_test_wake, flow_test_detach);
  wzp_send_flow_set_connected (rig->flow, connected);
}

static void
rig_clear (Rig *rig)
{
  wzp_send_flow_unref (rig->flow);
  g_assert_true (rig->is_notified);
}

static guint
queued (Rig *rig)
{
  WzpSendFlowStats stats;

  wzp_send_flow_get_stats (rig->flow, &stats);
  return stats.queued_frames;
}

static int
wakes (Rig *rig)
{
  return g_atomic_int_get (&rig->node.n_wakes);
}

static void
test_order (WzpTest *test, gconstpointer data)
{
  Rig rig;
  WzpSendItem item;
  WzpSendFlowStats stats;

  g_test_summary ("Frames leave in order with the generation of their caps");
  rig_init (&rig, LONG_MS, TRUE);
  g_assert_cmpstr (wzp_send_flow_get_name (rig.flow), ==, "video");
  g_assert_cmpint (wzp_send_flow_push (rig.flow, flow_test_frame (0, 10), TRUE),
      ==, WZP_PUSH_OK);
  for (guint i = 1; i <= 3; i++) {
    g_autofree char *caps = g_strdup_printf ("caps/%u", i);

    g_assert_true (
        wzp_send_flow_describe (rig.flow, caps, i == 2 ? "tag" : NULL, NULL));
    /* The same again says nothing. */
    g_assert_true (
        wzp_send_flow_describe (rig.flow, caps, i == 2 ? "tag" : NULL, NULL));
    g_assert_cmpint (
        wzp_send_flow_push (rig.flow, flow_test_frame (i, 10 * i), FALSE), ==,
        WZP_PUSH_OK);
  }
  wzp_send_flow_get_stats (rig.flow, &stats);
  g_assert_cmpuint (stats.frames_in, ==, 4);
  g_assert_cmpuint (stats.bytes_in, ==, 70);
  g_assert_cmpuint (stats.queued_bytes, ==, 70);

  g_assert_true (wzp_send_flow_take (rig.flow, &item));
  g_assert_cmpuint (item.frame->meta.generation, ==, 0);
  wzp_send_item_clear (&item);
  for (guint i = 1; i <= 3; i++) {
    g_autofree char *caps = g_strdup_printf ("caps/%u", i);

    g_assert_true (wzp_send_flow_take (rig.flow, &item));
    g_assert_cmpint (item.kind, ==, WZP_SEND_ITEM_DESCRIPTION);
    g_assert_cmpuint (item.generation, ==, i);
    g_assert_cmpstr (item.caps, ==, caps);
    g_assert_cmpstr (item.tags, ==, i == 2 ? "tag" : NULL);
    wzp_send_item_clear (&item);
    g_assert_true (wzp_send_flow_take (rig.flow, &item));
    g_assert_cmpint (item.kind, ==, WZP_SEND_ITEM_FRAME);
    g_assert_cmpuint (item.frame->meta.generation, ==, i);
    flow_test_assert_frame (item.frame, i, 10 * i);
    wzp_send_item_clear (&item);
  }
  g_assert_false (wzp_send_flow_take (rig.flow, &item));
  g_assert_cmpuint (queued (&rig), ==, 0);
  rig_clear (&rig);
}

static void
test_describe (WzpTest *test, gconstpointer data)
{
  Rig rig;
  WzpSendItem item;
  g_autoptr (GError) error = NULL;
  g_autofree char *huge = g_strnfill (WZP_CONTROL_MAX_MESSAGE, 'a');

  g_test_summary ("Bounds of a description; many cost as much as one");
  rig_init (&rig, LONG_MS, FALSE);
  g_assert_false (wzp_send_flow_dup_description (rig.flow, &item));
  g_assert_false (wzp_send_flow_describe (rig.flow, huge, NULL, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
  g_clear_error (&error);
  g_assert_false (wzp_send_flow_describe (rig.flow, "a", huge, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
  g_assert_false (wzp_send_flow_dup_description (rig.flow, &item));
  g_assert_false (wzp_send_flow_take (rig.flow, &item));

  /* Nobody takes them: only the last one is kept. */
  huge[WZP_CONTROL_MAX_MESSAGE - 100] = '\0';
  for (guint i = 0; i < 5000; i++) {
    huge[0] = 'a' + i % 26;
    g_assert_true (wzp_send_flow_describe (rig.flow, huge, NULL, NULL));
  }
  g_assert_true (wzp_send_flow_dup_description (rig.flow, &item));
  g_assert_cmpuint (item.generation, ==, 5000);
  g_assert_cmpstr (item.caps, ==, huge);
  wzp_send_item_clear (&item);
  g_assert_true (wzp_send_flow_take (rig.flow, &item));
  g_assert_cmpuint (item.generation, ==, 5000);
  wzp_send_item_clear (&item);
  g_assert_false (wzp_send_flow_take (rig.flow, &item));
  rig_clear (&rig);
}

/* The largest that describe() takes must fit a message with the longest name.
 */
static void
test_describe_fits (WzpTest *test, gconstpointer data)
{
  g_autofree char *name = g_strnfill (WZP_FLOW_NAME_MAX, 'n');
  g_autofree char *caps = g_strnfill (WZP_CONTROL_MAX_MESSAGE, 'c');
  g_autoptr (WzpSendFlow) flow =
      wzp_send_flow_new (name, LONG_MS, NULL, NULL, NULL);
  g_autoptr (GBytes) message = NULL;
  g_autoptr (GError) error = NULL;
  gsize len = WZP_CONTROL_MAX_MESSAGE;

  while (!wzp_send_flow_describe (flow, caps, "t", NULL))
    caps[--len] = '\0';
  g_assert_cmpuint (len, >, WZP_CONTROL_MAX_MESSAGE - 256);
  message = wzp_control_write (&(WzpControl){ .type = WZP_CONTROL_FLOW_OPEN,
                                   .flow = WZP_FLOW_ID_MAX,
                                   .generation = G_MAXUINT32,
                                   .name = name,
                                   .caps = caps,
                                   .tags = (char *) "t" },
      &error);
  g_assert_no_error (error);
  g_assert_nonnull (message);
}

static void
test_nobody_connected (WzpTest *test, gconstpointer data)
{
  Rig rig;
  WzpSendFlowStats stats;
  int n_freed = 0;

  g_test_summary ("Frames are dropped, counted and freed at once");
  rig_init (&rig, LONG_MS, FALSE);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (wzp_send_flow_push (rig.flow,
                         flow_test_counted_frame (&n_freed, 5), FALSE),
        ==, WZP_PUSH_DROPPED);
  wzp_send_flow_get_stats (rig.flow, &stats);
  g_assert_cmpint (n_freed, ==, 3);
  g_assert_cmpuint (stats.frames_dropped, ==, 3);
  g_assert_cmpuint (stats.frames_in, ==, 0);
  g_assert_cmpuint (stats.queued_frames, ==, 0);
  g_assert_cmpint (wakes (&rig), ==, 0);
  g_assert_false (wzp_send_flow_eos (rig.flow, 1000000));
  rig_clear (&rig);
}

static void
test_wait_for_connection (WzpTest *test, gconstpointer data)
{
  Rig rig;
  FlowTestPusher *pusher;
  WzpSendItem item;
  gint64 before_us;

  g_test_summary ("A push waits until somebody is connected, and its wait does "
                  "not count as time in the queue");
  rig_init (&rig, LONG_MS, FALSE);
  pusher = flow_test_pusher_new (rig.flow, 3, 10, TRUE);
  wzp_test_assert_until (test, g_atomic_int_get (&pusher->n_begun) == 1, 5000);
  g_assert_cmpuint (queued (&rig), ==, 0);
  before_us = g_get_monotonic_time ();
  wzp_send_flow_set_connected (rig.flow, TRUE);
  wzp_test_assert_until (test, g_atomic_int_get (&pusher->n_ok) == 3, 5000);
  g_assert_true (wzp_send_flow_take (rig.flow, &item));
  g_assert_cmpint (item.frame->queued_us, >=, before_us);
  wzp_send_item_clear (&item);
  g_assert_cmpint (flow_test_pusher_join (pusher), ==, WZP_PUSH_OK);

  /* The connection goes while a push waits. */
  wzp_send_flow_set_connected (rig.flow, FALSE);
  pusher = flow_test_pusher_new (rig.flow, 1, 10, TRUE);
  wzp_test_assert_until (test, g_atomic_int_get (&pusher->n_begun) == 1, 5000);
  wzp_send_flow_orphan (rig.flow);
  g_assert_cmpint (flow_test_pusher_join (pusher), ==, WZP_PUSH_CLOSED);
  rig_clear (&rig);
}

typedef struct {
  const char *path;
  guint n;    /* frames that fill it */
  gsize size; /* of each */
} Bound;

static const Bound bounds[] = {
  { "/send-flow/bound/frames", WZP_SEND_QUEUE_FRAMES, 1 },
  { "/send-flow/bound/bytes", 4, WZP_SEND_QUEUE_BYTES / 4 },
  { "/send-flow/bound/one-frame", 1, WZP_SEND_QUEUE_BYTES + 1 },
};

static void
test_bound (WzpTest *test, gconstpointer data)
{
  const Bound *bound = data;
  const guint n = 2 * bound->n + 5;
  FlowTestPusher *pusher;
  guint taken = 0;
  Rig rig;

  g_test_summary (
      "A push waits at the bound, not before, and goes on when half "
      "of it is free");
  rig_init (&rig, LONG_MS, TRUE);
  pusher = flow_test_pusher_new (rig.flow, n, bound->size, FALSE);
  while (taken + bound->n < n) {
    wzp_test_assert_until (test,
        g_atomic_int_get (&pusher->n_ok) >= (int) (taken + bound->n), 10000);
    g_assert_cmpuint (queued (&rig), ==, bound->n);
    g_assert_cmpint (g_atomic_int_get (&pusher->n_ok), ==, taken + bound->n);
    /* By what is queued, not by a count: the pusher may not wait yet, and put
     * one in between. */
    while (queued (&rig) > bound->n / 2)
      g_assert_true (flow_test_take_frame (rig.flow, taken++, bound->size));
  }
  g_assert_cmpint (flow_test_pusher_join (pusher), ==, WZP_PUSH_OK);
  rig_clear (&rig);
}

static void
test_age (WzpTest *test, gconstpointer data)
{
  Rig rig;
  FlowTestPusher *pusher;
  WzpFrame *old = flow_test_frame (100, 10);
  gboolean described = GPOINTER_TO_INT (data);

  g_test_summary ("A first frame older than the latency makes it full, "
                  "also behind a description");
  rig_init (&rig, LONG_MS, TRUE);
  if (described)
    g_assert_true (wzp_send_flow_describe (rig.flow, "a/b", NULL, NULL));
  g_assert_cmpint (
      wzp_send_flow_push (rig.flow, wzp_frame_ref (old), FALSE), ==, 0);
  old->queued_us -= (gint64) LONG_MS * 1000 + 1;
  pusher = flow_test_pusher_new (rig.flow, 3, 10, FALSE);
  wzp_test_assert_until (test, g_atomic_int_get (&pusher->n_begun) == 1, 5000);
  g_assert_cmpuint (queued (&rig), ==, 1);
  wzp_send_flow_set_flushing (rig.flow, TRUE);
  g_assert_cmpint (flow_test_pusher_join (pusher), ==, WZP_PUSH_FLUSHING);
  wzp_send_flow_set_flushing (rig.flow, FALSE);

  /* Not old: all go in. */
  pusher = flow_test_pusher_new (rig.flow, 3, 10, FALSE);
  g_assert_cmpint (flow_test_pusher_join (pusher), ==, WZP_PUSH_OK);
  g_assert_cmpuint (queued (&rig), ==, 3);
  wzp_frame_unref (old);
  rig_clear (&rig);
}

static void
test_flush (WzpTest *test, gconstpointer data)
{
  Rig rig;
  FlowTestPusher *pusher;
  WzpSendItem item;
  int n_freed = 0;

  g_test_summary ("Flushing frees every wait and frame, and keeps the caps");
  rig_init (&rig, LONG_MS, TRUE);
  for (guint i = 0; i < 3; i++) {
    g_autofree char *caps = g_strdup_printf ("caps/%u", i);

    g_assert_true (wzp_send_flow_describe (rig.flow, caps, NULL, NULL));
    g_assert_cmpint (wzp_send_flow_push (rig.flow,
                         flow_test_counted_frame (&n_freed, 10), FALSE),
        ==, WZP_PUSH_OK);
  }
  pusher =
      flow_test_pusher_new (rig.flow, WZP_SEND_QUEUE_FRAMES + 10, 1, FALSE);
  wzp_test_assert_until (test, queued (&rig) == WZP_SEND_QUEUE_FRAMES, 10000);
  wzp_send_flow_set_flushing (rig.flow, TRUE);
  g_assert_cmpint (flow_test_pusher_join (pusher), ==, WZP_PUSH_FLUSHING);
  g_assert_cmpint (n_freed, ==, 3);
  g_assert_cmpuint (queued (&rig), ==, 0);
  g_assert_cmpint (wzp_send_flow_push (rig.flow, flow_test_frame (0, 1), TRUE),
      ==, WZP_PUSH_FLUSHING);
  g_assert_false (wzp_send_flow_eos (rig.flow, 1000000));

  wzp_send_flow_set_flushing (rig.flow, FALSE);
  g_assert_cmpint (wzp_send_flow_push (rig.flow, flow_test_frame (9, 7), FALSE),
      ==, WZP_PUSH_OK);
  g_assert_true (wzp_send_flow_take (rig.flow, &item));
  g_assert_cmpint (item.kind, ==, WZP_SEND_ITEM_DESCRIPTION);
  g_assert_cmpstr (item.caps, ==, "caps/2");
  g_assert_cmpuint (item.generation, ==, 3);
  wzp_send_item_clear (&item);
  g_assert_true (flow_test_take_frame (rig.flow, 9, 7));
  g_assert_false (wzp_send_flow_take (rig.flow, &item));
  rig_clear (&rig);
}

/* eos() in a thread. */
typedef struct {
  WzpSendFlow *flow;
  guint timeout_ms;
  gboolean acked;
} EosCall;

static gpointer
run_eos (gpointer data)
{
  EosCall *call = data;

  call->acked = wzp_send_flow_eos (call->flow, call->timeout_ms);
  return NULL;
}

static guint64
take_eos (WzpTest *test, WzpSendFlow *flow)
{
  WzpSendItem item;

  wzp_test_assert_until (test, wzp_send_flow_take (flow, &item), 5000);
  g_assert_cmpint (item.kind, ==, WZP_SEND_ITEM_EOS);
  return item.eos_serial;
}

static void
test_eos (WzpTest *test, gconstpointer data)
{
  Rig rig;
  EosCall call;
  GThread *thread;
  guint64 serial;

  g_test_summary ("eos() waits for every call that has it");
  rig_init (&rig, LONG_MS, TRUE);
  call = (EosCall){ .flow = rig.flow, .timeout_ms = 60000 };
  for (guint round = 0; round < 3; round++) {
    thread = g_thread_new ("eos", run_eos, &call);
    serial = take_eos (test, rig.flow);
    g_assert_cmpuint (serial, ==, round + 1);
    /* One of before does not count. */
    wzp_send_flow_eos_done (rig.flow, serial - 1, TRUE);
    wzp_send_flow_eos_given (rig.flow, serial);
    wzp_send_flow_eos_given (rig.flow, serial);
    wzp_send_flow_eos_given (rig.flow, serial - 1);
    wzp_send_flow_eos_done (rig.flow, serial, round != 2);
    if (round == 1)
      wzp_send_flow_eos_done (rig.flow, serial, FALSE);
    else
      wzp_send_flow_eos_done (rig.flow, serial, TRUE);
    g_thread_join (thread);
    g_assert_true (call.acked);
  }

  /* Two calls have it, one acknowledges: not yet. */
  thread = g_thread_new ("eos", run_eos, &call);
  serial = take_eos (test, rig.flow);
  wzp_send_flow_eos_given (rig.flow, serial);
  wzp_send_flow_eos_given (rig.flow, serial);
  wzp_send_flow_eos_done (rig.flow, serial, TRUE);
  wzp_send_flow_set_connected (rig.flow, FALSE);
  g_thread_join (thread);
  g_assert_false (call.acked);
  rig_clear (&rig);
}

static void
test_eos_unacked (WzpTest *test, gconstpointer data)
{
  Rig rig;
  EosCall call;
  GThread *thread;
  guint64 serial;

  g_test_summary ("eos() ends by time, flush, loss of the peers, or the node");
  rig_init (&rig, LONG_MS, TRUE);
  g_assert_false (wzp_send_flow_eos (rig.flow, 1));
  /* Its item still stands there, for whoever comes. */
  take_eos (test, rig.flow);

  call = (EosCall){ .flow = rig.flow, .timeout_ms = G_MAXUINT };
  thread = g_thread_new ("eos", run_eos, &call);
  serial = take_eos (test, rig.flow);
  wzp_send_flow_eos_given (rig.flow, serial);
  wzp_send_flow_set_flushing (rig.flow, TRUE);
  g_thread_join (thread);
  g_assert_false (call.acked);
  wzp_send_flow_set_flushing (rig.flow, FALSE);
  wzp_send_flow_eos_done (rig.flow, serial, TRUE);

  thread = g_thread_new ("eos", run_eos, &call);
  serial = take_eos (test, rig.flow);
  /* The call that had it went: nobody has acknowledged. */
  wzp_send_flow_eos_given (rig.flow, serial);
  wzp_send_flow_eos_done (rig.flow, serial, FALSE);
  wzp_send_flow_set_connected (rig.flow, FALSE);
  g_thread_join (thread);
  g_assert_false (call.acked);

  wzp_send_flow_set_connected (rig.flow, TRUE);
  thread = g_thread_new ("eos", run_eos, &call);
  take_eos (test, rig.flow);
  wzp_send_flow_orphan (rig.flow);
  g_thread_join (thread);
  g_assert_false (call.acked);
  g_assert_false (wzp_send_flow_eos (rig.flow, G_MAXUINT));
  rig_clear (&rig);
}

static void
test_wake (WzpTest *test, gconstpointer data)
{
  Rig rig;
  WzpSendItem item;

  g_test_summary ("The session is woken only when it found the queue empty");
  rig_init (&rig, LONG_MS, TRUE);
  for (guint round = 1; round <= 3; round++) {
    for (guint i = 0; i < 4; i++)
      g_assert_cmpint (
          wzp_send_flow_push (rig.flow, flow_test_frame (i, 1), FALSE), ==,
          WZP_PUSH_OK);
    g_assert_cmpint (wakes (&rig), ==, round);
    for (guint i = 0; i < 4; i++)
      g_assert_true (flow_test_take_frame (rig.flow, i, 1));
    /* Empty, but not found to be: it will look again. */
    g_assert_cmpint (
        wzp_send_flow_push (rig.flow, flow_test_frame (4, 1), FALSE), ==,
        WZP_PUSH_OK);
    g_assert_cmpint (wakes (&rig), ==, round);
    g_assert_true (flow_test_take_frame (rig.flow, 4, 1));
    g_assert_false (wzp_send_flow_take (rig.flow, &item));
  }
  rig_clear (&rig);
}

static void
test_wake_on_connection (WzpTest *test, gconstpointer data)
{
  Rig rig;

  g_test_summary ("A wake-up that found nobody connected is made good");
  rig_init (&rig, LONG_MS, FALSE);
  g_assert_true (wzp_send_flow_describe (rig.flow, "a/b", NULL, NULL));
  g_assert_cmpint (wakes (&rig), ==, 1);
  wzp_send_flow_set_connected (rig.flow, TRUE);
  g_assert_cmpint (wakes (&rig), ==, 2);
  wzp_send_flow_set_connected (rig.flow, TRUE);
  g_assert_cmpint (wakes (&rig), ==, 2);
  rig_clear (&rig);

  /* Nothing queued: the next push wakes. */
  rig_init (&rig, LONG_MS, TRUE);
  g_assert_cmpint (wakes (&rig), ==, 0);
  g_assert_cmpint (wzp_send_flow_push (rig.flow, flow_test_frame (0, 1), FALSE),
      ==, WZP_PUSH_OK);
  g_assert_cmpint (wakes (&rig), ==, 1);
  rig_clear (&rig);
}

static void
test_key_request (WzpTest *test, gconstpointer data)
{
  Rig rig;
  const gint64 t = 1000000;

  g_test_summary ("Key requests are coalesced, and it is told when they are");
  rig_init (&rig, LONG_MS, TRUE);
  g_assert_true (wzp_send_flow_key_request (rig.flow, t));
  g_assert_false (wzp_send_flow_key_request (
      rig.flow, t + WZP_KEY_REQUEST_INTERVAL_US - 1));
  g_assert_cmpint (rig.n_keys, ==, 1);
  g_assert_true (
      wzp_send_flow_key_request (rig.flow, t + WZP_KEY_REQUEST_INTERVAL_US));
  g_assert_cmpint (rig.n_keys, ==, 2);
  rig_clear (&rig);
}

static void
test_detach (WzpTest *test, gconstpointer data)
{
  Rig rig;
  gboolean orphan_first = GPOINTER_TO_INT (data);

  g_test_summary ("detach() is passed on once, and not after orphan()");
  rig_init (&rig, LONG_MS, TRUE);
  if (orphan_first)
    g_assert_true (wzp_send_flow_orphan (rig.flow));
  wzp_send_flow_detach (rig.flow);
  wzp_send_flow_detach (rig.flow);
  g_assert_false (wzp_send_flow_orphan (rig.flow));
  g_assert_cmpint (rig.node.n_detaches, ==, orphan_first ? 0 : 1);
  g_assert_cmpint (wzp_send_flow_push (rig.flow, flow_test_frame (0, 1), TRUE),
      ==, WZP_PUSH_CLOSED);
  g_assert_true (wzp_send_flow_describe (rig.flow, "a/b", NULL, NULL));
  g_assert_false (wzp_send_flow_eos (rig.flow, G_MAXUINT));
  g_assert_cmpint (wakes (&rig), ==, 0);
  rig_clear (&rig);
}

typedef struct {
  WzpSendFlow *flow;
  int *go;
} DetachCall;

static gpointer
run_detach (gpointer data)
{
  DetachCall *call = data;

  while (!g_atomic_int_get (call->go))
    g_thread_yield ();
  wzp_send_flow_detach (call->flow);
  return NULL;
}

static void
test_detach_race (WzpTest *test, gconstpointer data)
{
  g_test_summary ("A thread that pushes, one that detaches, a node that goes: "
                  "after orphan() the node is not called any more");
  for (guint round = 0; round < 200; round++) {
    FlowTestNode *node = g_new0 (FlowTestNode, 1);
    g_autoptr (WzpSendFlow) flow =
        wzp_send_flow_new ("race", LONG_MS, NULL, NULL, NULL);
    int go = FALSE;
    DetachCall call = { .flow = flow, .go = &go };
    FlowTestPusher *pusher;
    GThread *thread;

    wzp_send_flow_attach (flow, node, flow_test_wake, flow_test_detach);
    wzp_send_flow_set_connected (flow, TRUE);
    thread = g_thread_new ("detach", run_detach, &call);
    pusher = flow_test_pusher_new (flow, G_MAXUINT, 1, round % 2 == 0);
    g_atomic_int_set (&go, TRUE);
    wzp_test_assert_until (test, g_atomic_int_get (&pusher->n_begun) > 0, 5000);
    wzp_send_flow_orphan (flow);
    /* A use after this is found by the sanitizers. */
    g_assert_cmpint (node->n_detaches, <=, 1);
    g_free (node);
    g_thread_join (thread);
    g_assert_cmpint (flow_test_pusher_join (pusher), ==, WZP_PUSH_CLOSED);
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/send-flow/order", NULL, test_order);
  wzp_test_add ("/send-flow/describe", NULL, test_describe);
  wzp_test_add ("/send-flow/describe-fits", NULL, test_describe_fits);
  wzp_test_add ("/send-flow/nobody-connected", NULL, test_nobody_connected);
  wzp_test_add (
      "/send-flow/wait-for-connection", NULL, test_wait_for_connection);
  for (guint i = 0; i < G_N_ELEMENTS (bounds); i++)
    wzp_test_add (bounds[i].path, &bounds[i], test_bound);
  wzp_test_add ("/send-flow/age", GINT_TO_POINTER (FALSE), test_age);
  wzp_test_add ("/send-flow/age-described", GINT_TO_POINTER (TRUE), test_age);
  wzp_test_add ("/send-flow/flush", NULL, test_flush);
  wzp_test_add ("/send-flow/eos", NULL, test_eos);
  wzp_test_add ("/send-flow/eos-unacked", NULL, test_eos_unacked);
  wzp_test_add ("/send-flow/wake", NULL, test_wake);
  wzp_test_add ("/send-flow/wake-on-connection", NULL, test_wake_on_connection);
  wzp_test_add ("/send-flow/key-request", NULL, test_key_request);
  wzp_test_add ("/send-flow/detach", GINT_TO_POINTER (FALSE), test_detach);
  wzp_test_add (
      "/send-flow/detach-orphaned", GINT_TO_POINTER (TRUE), test_detach);
  wzp_test_add ("/send-flow/detach-race", NULL, test_detach_race);
  return wzp_test_run ();
}
