#include "sender-rig.h"

static void
assert_control (SenderRig *rig, const char *expected)
{
  g_autofree char *text = sender_rig_spell_control (rig);

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_frames (SenderRig *rig, const char *expected)
{
  g_autofree char *text = sender_rig_spell_frames (rig);

  g_assert_cmpstr (text, ==, expected);
}

/* Moves an item from a flow to the sender, as the pull of another call does. */
static void
give_all (SenderRig *rig, guint flow)
{
  WzpSendItem item;

  while (wzp_send_flow_take (rig->flows[flow], &item)) {
    wzp_sender_give (rig->sender, rig->flows[flow], &item, rig->now_us);
    wzp_send_item_clear (&item);
  }
}

static void
give_frame (SenderRig *rig, guint flow, WzpFrame *frame)
{
  sender_rig_push (rig, flow, frame);
  give_all (rig, flow);
}

static guint64
dropped (SenderRig *rig)
{
  WzpSenderStats stats;

  wzp_sender_get_stats (rig->sender, &stats);
  return stats.frames_dropped;
}

static void
test_open (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  g_auto (WzpControl) control = { 0 };

  g_test_summary (
      "FLOW_OPEN comes once a flow is described, before its frames, "
      "and again when its caps change");
  sender_rig_init (&rig, 2);
  for (guint i = 0; i < 2; i++)
    g_assert_true (wzp_sender_add_flow (rig.sender, rig.flows[i], rig.now_us));
  g_assert_true (wzp_sender_add_flow (rig.sender, rig.flows[0], rig.now_us));
  assert_control (&rig, "");
  sender_rig_describe (&rig, 1, "a/b");
  assert_frames (&rig, "");
  g_assert_true (sender_rig_pop_control (&rig, &control));
  g_assert_cmpint (control.type, ==, WZP_CONTROL_FLOW_OPEN);
  g_assert_cmpuint (control.flow, ==, 2);
  g_assert_cmpuint (control.generation, ==, 1);
  g_assert_cmpstr (control.name, ==, "flow1");
  g_assert_cmpstr (control.caps, ==, "a/b");
  g_assert_null (control.tags);

  sender_rig_describe (&rig, 0, "x/1");
  sender_rig_push (&rig, 0, flow_test_frame (0, 10));
  sender_rig_describe (&rig, 0, "x/2");
  sender_rig_push (&rig, 0, flow_test_frame (1, 10));
  sender_rig_push (&rig, 1, flow_test_frame (0, 10));
  assert_frames (&rig, "1:0 2:0 1:1");
  assert_control (&rig, "open1/1 open1/2");
  sender_rig_clear (&rig);
}

static void
test_open_waits (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  SenderPacket packet;

  g_test_summary ("New caps are told when their frames are next, so that the "
                  "peer need not remember many");
  sender_rig_init (&rig, 1);
  sender_rig_add_all (&rig);
  for (guint i = 1; i <= 6; i++) {
    g_autofree char *caps = g_strdup_printf ("caps/%u", i);

    sender_rig_describe (&rig, 0, caps);
    sender_rig_push (&rig, 0, flow_test_frame (i, 10));
  }
  give_all (&rig, 0);
  assert_control (&rig, "open1/1 open1/2");
  for (guint i = 1; i <= 6; i++) {
    g_autofree char *expected =
        i > 1 ? g_strdup_printf ("open1/%u", i + 1) : g_strdup ("");

    g_assert_true (sender_rig_next (&rig, 1200, &packet));
    g_assert_cmpuint (packet.head.meta.generation, ==, i + 1);
    assert_control (&rig, expected);
  }
  sender_rig_clear (&rig);
}

static void
test_undescribed (WzpTest *test, gconstpointer data)
{
  SenderRig rig;

  g_test_summary ("Frames without caps go nowhere; caps that this call missed "
                  "are made good");
  sender_rig_init (&rig, 1);
  g_assert_true (wzp_sender_add_flow (rig.sender, rig.flows[0], rig.now_us));
  sender_rig_push (&rig, 0, flow_test_frame (0, 10));
  assert_frames (&rig, "");
  g_assert_cmpuint (dropped (&rig), ==, 1);
  assert_control (&rig, "");

  sender_rig_describe (&rig, 0, "a/b");
  {
    WzpSendItem item;

    /* Taken while nobody was connected. */
    g_assert_true (wzp_send_flow_take (rig.flows[0], &item));
    wzp_send_item_clear (&item);
  }
  sender_rig_push (&rig, 0, flow_test_frame (1, 10));
  assert_frames (&rig, "1:0");
  assert_control (&rig, "open1/1");
  sender_rig_clear (&rig);
}

static void
test_round_robin (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  SenderPacket packet;
  guint order[6];

  g_test_summary ("A large frame does not keep the other flows waiting");
  sender_rig_init (&rig, 3);
  sender_rig_add_all (&rig);
  sender_rig_push (&rig, 0, flow_test_frame (0, 100000));
  for (guint i = 0; i < 6; i++) {
    g_assert_true (sender_rig_next (&rig, SENDER_RIG_MTU, &packet));
    order[i] = packet.prefix.flow;
    if (i == 1) {
      sender_rig_push (&rig, 1, flow_test_frame (1, 100));
      sender_rig_push (&rig, 2, flow_test_frame (2, 100));
    }
  }
  g_assert_cmpuint (order[0], ==, 1);
  g_assert_cmpuint (order[1], ==, 1);
  g_assert_cmpuint (order[2], ==, 2);
  g_assert_cmpuint (order[3], ==, 3);
  g_assert_cmpuint (order[4], ==, 1);
  g_assert_cmpuint (order[5], ==, 1);
  sender_rig_clear (&rig);
}

static void
test_join (WzpTest *test, gconstpointer data)
{
  SenderRig rig;

  g_test_summary ("A call that joins begins at a key frame, of the caps it was "
                  "told, and asks for one");
  sender_rig_init (&rig, 1);
  sender_rig_describe (&rig, 0, "a/1");
  sender_rig_push (&rig, 0, flow_test_frame (0, 10));
  sender_rig_describe (&rig, 0, "a/2");
  g_assert_true (wzp_sender_add_flow (rig.sender, rig.flows[0], rig.now_us));
  g_assert_cmpuint (rig.n_keys[0], ==, 1);
  for (guint i = 0; i < 3; i++)
    sender_rig_push (&rig, 0, flow_test_delta_frame (i, 10));
  assert_frames (&rig, "");
  g_assert_cmpuint (dropped (&rig), ==, 4);
  assert_control (&rig, "open1/2");

  /* Asked for again, for the first may have come to nothing. */
  rig.now_us += WZP_KEY_REQUEST_INTERVAL_US;
  sender_rig_push (&rig, 0, flow_test_delta_frame (3, 10));
  assert_frames (&rig, "");
  g_assert_cmpuint (rig.n_keys[0], ==, 2);
  sender_rig_push (&rig, 0, flow_test_frame (4, 10));
  sender_rig_push (&rig, 0, flow_test_delta_frame (5, 10));
  assert_frames (&rig, "1:0 1:1");
  rig.now_us += WZP_KEY_REQUEST_INTERVAL_US;
  sender_rig_push (&rig, 0, flow_test_delta_frame (6, 10));
  assert_frames (&rig, "1:2");
  g_assert_cmpuint (rig.n_keys[0], ==, 2);
  sender_rig_clear (&rig);
}

static void
test_no_key_frames (WzpTest *test, gconstpointer data)
{
  SenderRig rig;

  g_test_summary ("A stream without key frames is not waited for for ever");
  sender_rig_init (&rig, 1);
  sender_rig_add_all (&rig);
  rig.now_us += WZP_SENDER_SKIP_MAX_US - 1;
  sender_rig_push (&rig, 0, flow_test_delta_frame (0, 10));
  assert_frames (&rig, "");
  rig.now_us += 1;
  sender_rig_push (&rig, 0, flow_test_delta_frame (1, 10));
  sender_rig_push (&rig, 0, flow_test_delta_frame (2, 10));
  assert_frames (&rig, "1:0 1:1");
  g_assert_cmpuint (dropped (&rig), ==, 1);
  sender_rig_clear (&rig);
}

static void
test_key_requests (WzpTest *test, gconstpointer data)
{
  SenderRig rig;

  g_test_summary ("A request that comes too soon is made up for, unless a key "
                  "frame comes first");
  sender_rig_init (&rig, 2);
  sender_rig_add_all (&rig);
  for (guint i = 0; i < 2; i++) {
    sender_rig_push (&rig, i, flow_test_frame (0, 10));
    g_assert_cmpuint (rig.n_keys[i], ==, 1);
  }
  assert_frames (&rig, "1:0 2:0");
  rig.now_us += 1000;
  wzp_sender_key_request (rig.sender, 1, rig.now_us);
  wzp_sender_key_request (rig.sender, 2, rig.now_us);
  wzp_sender_key_request (rig.sender, 0, rig.now_us);
  wzp_sender_key_request (rig.sender, 3, rig.now_us);
  wzp_sender_key_request (rig.sender, G_MAXUINT32, rig.now_us);
  g_assert_cmpuint (rig.n_keys[0], ==, 1);
  sender_rig_push (&rig, 1, flow_test_frame (1, 10));
  assert_frames (&rig, "2:1");

  rig.now_us += WZP_KEY_REQUEST_INTERVAL_US;
  for (guint i = 0; i < 2; i++)
    sender_rig_push (&rig, i, flow_test_delta_frame (2, 10));
  assert_frames (&rig, "1:1 2:2");
  g_assert_cmpuint (rig.n_keys[0], ==, 2);
  g_assert_cmpuint (rig.n_keys[1], ==, 1);

  rig.now_us += WZP_KEY_REQUEST_INTERVAL_US;
  wzp_sender_key_request_all (rig.sender, rig.now_us);
  g_assert_cmpuint (rig.n_keys[0], ==, 3);
  g_assert_cmpuint (rig.n_keys[1], ==, 2);
  sender_rig_clear (&rig);
}

static void
test_overflow_frames (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  const guint group = 16; /* a key frame and 15 that need it */
  guint64 n = 0;

  g_test_summary ("A call that is slower than others loses whole groups of "
                  "frames, the oldest first, none at the bound");
  sender_rig_init (&rig, 1);
  sender_rig_add_all (&rig);
  rig.is_dry = TRUE;
  for (; n < WZP_SENDER_QUEUE_FRAMES; n++)
    give_frame (&rig, 0,
        n % group == 0 ? flow_test_frame (n, 2) : flow_test_delta_frame (n, 2));
  g_assert_cmpuint (dropped (&rig), ==, 0);
  give_frame (&rig, 0, flow_test_frame (n, 2));
  g_assert_cmpuint (dropped (&rig), ==, group);
  {
    SenderPacket packet;

    for (guint64 i = group; i <= n; i++) {
      g_assert_true (sender_rig_next (&rig, 1200, &packet));
      /* Numbers are given when a frame is sent: nothing is lost for the peer.
       */
      g_assert_cmpuint (packet.head.frame, ==, i - group);
      g_assert_cmpint (packet.head.meta.flags & WZP_FRAME_DELTA_UNIT, ==,
          i % group == 0 ? 0 : WZP_FRAME_DELTA_UNIT);
    }
    g_assert_false (sender_rig_next (&rig, 1200, &packet));
  }
  sender_rig_clear (&rig);
}

static void
test_overflow_all (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  guint keys;

  g_test_summary ("One long group: all of it goes, and a key frame is waited "
                  "for");
  sender_rig_init (&rig, 1);
  sender_rig_add_all (&rig);
  rig.is_dry = TRUE;
  give_frame (&rig, 0, flow_test_frame (0, 2));
  for (guint i = 0; i < WZP_SENDER_QUEUE_FRAMES; i++)
    give_frame (&rig, 0, flow_test_delta_frame (i, 2));
  g_assert_cmpuint (dropped (&rig), ==, WZP_SENDER_QUEUE_FRAMES + 1);
  keys = rig.n_keys[0];
  rig.now_us += WZP_KEY_REQUEST_INTERVAL_US;
  give_frame (&rig, 0, flow_test_delta_frame (1, 2));
  g_assert_cmpuint (rig.n_keys[0], ==, keys + 1);
  give_frame (&rig, 0, flow_test_frame (2, 2));
  assert_frames (&rig, "1:0");
  sender_rig_clear (&rig);
}

static void
test_overflow_bytes (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  int n_freed = 0;

  g_test_summary ("Bytes are bounded, whatever the sizes before were");
  sender_rig_init (&rig, 1);
  sender_rig_add_all (&rig);
  rig.is_dry = TRUE;
  for (guint i = 0; i < 4; i++)
    give_frame (&rig, 0,
        flow_test_counted_frame (&n_freed, WZP_SENDER_QUEUE_BYTES / 4));
  g_assert_cmpint (n_freed, ==, 0);
  give_frame (&rig, 0, flow_test_counted_frame (&n_freed, 1));
  g_assert_cmpint (n_freed, ==, 1);
  for (guint i = 0; i < 200; i++)
    give_frame (&rig, 0, flow_test_counted_frame (&n_freed, 1));
  g_assert_cmpint (n_freed, ==, 1);
  /* One frame above the bound alone: everything before it goes. */
  give_frame (&rig, 0, flow_test_counted_frame (&n_freed, WZP_FRAME_SIZE_MAX));
  g_assert_cmpint (n_freed, ==, 205);
  give_frame (&rig, 0, flow_test_counted_frame (&n_freed, WZP_FRAME_SIZE_MAX));
  g_assert_cmpint (n_freed, ==, 206);
  sender_rig_clear (&rig);
  g_assert_cmpint (n_freed, ==, 207);
}

/* eos() in a thread, so that it can be acknowledged. */
typedef struct {
  WzpSendFlow *flow;
  gboolean acked;
} EosCall;

static gpointer
run_eos (gpointer data)
{
  EosCall *call = data;

  call->acked = wzp_send_flow_eos (call->flow, 60000);
  return NULL;
}

static void
test_eos (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  EosCall call;
  GThread *thread;
  SenderPacket packet;

  g_test_summary ("FLOW_EOS follows the last frame, with the number after it, "
                  "and its acknowledgement is passed on");
  sender_rig_init (&rig, 2);
  sender_rig_add_all (&rig);
  assert_control (&rig, "open1/1 open2/1");
  sender_rig_push (&rig, 1, flow_test_frame (0, 10));
  for (guint i = 0; i < 3; i++)
    sender_rig_push (&rig, 0, flow_test_frame (i, 3000));
  g_assert_false (wzp_sender_awaits_ack (rig.sender));
  call = (EosCall){ .flow = rig.flows[0] };
  thread = g_thread_new ("eos", run_eos, &call);
  while (sender_rig_next (&rig, SENDER_RIG_MTU, &packet))
    if (packet.prefix.flow == 1 && packet.head.frame < 2)
      g_assert_false (wzp_sender_awaits_ack (rig.sender));
  wzp_test_assert_until (test,
      sender_rig_next (&rig, SENDER_RIG_MTU, &packet) ||
          wzp_sender_awaits_ack (rig.sender),
      5000);
  assert_control (&rig, "eos1@3");
  wzp_sender_all_acked (rig.sender);
  g_assert_false (wzp_sender_awaits_ack (rig.sender));
  g_thread_join (thread);
  g_assert_true (call.acked);
  sender_rig_clear (&rig);
}

static void
test_eos_at_once (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  SenderPacket packet;

  g_test_summary ("An end that waits behind a frame goes with its last "
                  "datagram, not with the next pull");
  sender_rig_init (&rig, 1);
  sender_rig_add_all (&rig);
  sender_rig_push (&rig, 0, flow_test_frame (0, 1500));
  sender_rig_eos (&rig, 0);
  give_all (&rig, 0);
  assert_control (&rig, "open1/1");
  g_assert_true (sender_rig_next (&rig, 1200, &packet));
  assert_control (&rig, "");
  g_assert_true (sender_rig_next (&rig, 1200, &packet));
  assert_control (&rig, "eos1@1");
  sender_rig_clear (&rig);

  /* Without a frame. */
  sender_rig_init (&rig, 1);
  sender_rig_add_all (&rig);
  sender_rig_eos (&rig, 0);
  assert_frames (&rig, "");
  assert_control (&rig, "open1/1 eos1@0");
  sender_rig_clear (&rig);
}

static void
test_anew (WzpTest *test, gconstpointer data)
{
  SenderRig rig;

  g_test_summary ("A frame after the end begins a new flow; an end after an "
                  "end says nothing new; each end keeps its place");
  sender_rig_init (&rig, 2);
  sender_rig_add_all (&rig);
  sender_rig_push (&rig, 0, flow_test_frame (0, 10));
  sender_rig_push (&rig, 0, flow_test_frame (1, 10));
  sender_rig_eos (&rig, 0);
  sender_rig_eos (&rig, 0);
  give_all (&rig, 0);
  sender_rig_eos (&rig, 0);
  sender_rig_push (&rig, 0, flow_test_frame (2, 10));
  sender_rig_describe (&rig, 0, "new/caps");
  sender_rig_push (&rig, 0, flow_test_frame (3, 10));
  sender_rig_eos (&rig, 0);
  give_all (&rig, 0);
  assert_frames (&rig, "1:0 1:1 3:0 3:1");
  assert_control (&rig, "open1/1 open2/1 eos1@2 open3/1 open3/2 eos3@2");
  sender_rig_describe (&rig, 0, "newer/caps");
  sender_rig_eos (&rig, 0);
  assert_frames (&rig, "");
  assert_control (&rig, "");
  sender_rig_push (&rig, 0, flow_test_frame (4, 10));
  assert_frames (&rig, "4:0");
  assert_control (&rig, "open4/3");
  /* The peer asks by the id that it knows. */
  rig.now_us += WZP_KEY_REQUEST_INTERVAL_US;
  wzp_sender_key_request (rig.sender, 4, rig.now_us);
  g_assert_cmpuint (rig.n_keys[0], ==, 2);
  wzp_sender_remove_flow (rig.sender, rig.flows[0]);
  assert_control (&rig, "close4");
  sender_rig_clear (&rig);
}

static void
test_flow_ids (WzpTest *test, gconstpointer data)
{
  SenderRig rig;

  g_test_summary ("A call has 64 flow ids; then no flow opens or begins anew");
  sender_rig_init (&rig, 2);
  sender_rig_add_all (&rig);
  for (guint i = 2; i < WZP_FLOW_ID_MAX; i++) {
    sender_rig_push (&rig, 0, flow_test_frame (i, 10));
    sender_rig_eos (&rig, 0);
    sender_rig_push (&rig, 0, flow_test_frame (i, 10));
    give_all (&rig, 0);
  }
  {
    g_autofree char *frames = sender_rig_spell_frames (&rig);

    g_assert_true (g_str_has_suffix (frames, " 64:0"));
  }
  g_assert_cmpuint (dropped (&rig), ==, 0);
  wzp_sender_remove_flow (rig.sender, rig.flows[1]);
  g_assert_false (wzp_sender_add_flow (rig.sender, rig.flows[1], rig.now_us));
  sender_rig_eos (&rig, 0);
  sender_rig_push (&rig, 0, flow_test_frame (9, 10));
  assert_frames (&rig, "");
  g_assert_cmpuint (dropped (&rig), ==, 1);
  sender_rig_clear (&rig);
}

static void
test_remove (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  SenderPacket packet;
  WzpFrame *frame = flow_test_frame (0, 10000);
  WzpSendItem item = { .kind = WZP_SEND_ITEM_FRAME, .frame = frame };

  g_test_summary ("A flow removed in mid-frame leaves the others as they were");
  sender_rig_init (&rig, 3);
  sender_rig_add_all (&rig);
  for (guint i = 0; i < 3; i++)
    sender_rig_push (&rig, i, flow_test_frame (i, 3000));
  g_assert_true (sender_rig_next (&rig, SENDER_RIG_MTU, &packet));
  g_assert_true (sender_rig_next (&rig, SENDER_RIG_MTU, &packet));
  g_assert_cmpuint (packet.prefix.flow, ==, 2);
  g_free (sender_rig_spell_control (&rig));
  wzp_sender_remove_flow (rig.sender, rig.flows[1]);
  assert_control (&rig, "close2");
  wzp_sender_remove_flow (rig.sender, rig.flows[1]);
  wzp_sender_give (rig.sender, rig.flows[1], &item, rig.now_us);
  assert_control (&rig, "");
  assert_frames (&rig, "3:0");

  /* A flow that ended is not closed as well; it may come again. */
  sender_rig_eos (&rig, 0);
  assert_frames (&rig, "");
  wzp_sender_remove_flow (rig.sender, rig.flows[0]);
  assert_control (&rig, "eos1@1");
  rig.now_us += WZP_KEY_REQUEST_INTERVAL_US;
  g_assert_true (wzp_sender_add_flow (rig.sender, rig.flows[1], rig.now_us));
  assert_control (&rig, "open4/1");
  g_assert_cmpuint (rig.n_keys[1], ==, 2);
  wzp_frame_unref (frame);
  sender_rig_clear (&rig);
}

static void
test_remove_frees_eos (WzpTest *test, gconstpointer data)
{
  gboolean is_sent = GPOINTER_TO_INT (data);
  SenderRig rig, second;
  EosCall call;
  GThread *thread;
  WzpSendItem item;

  g_test_summary ("A call that goes with an end unacknowledged is not waited "
                  "for, those that are left are");
  sender_rig_init (&rig, 1);
  sender_rig_init (&second, 0);
  sender_rig_add_all (&rig);
  g_assert_true (
      wzp_sender_add_flow (second.sender, rig.flows[0], second.now_us));
  give_all (&rig, 0);
  call = (EosCall){ .flow = rig.flows[0] };
  thread = g_thread_new ("eos", run_eos, &call);
  wzp_test_assert_until (test, wzp_send_flow_take (rig.flows[0], &item), 5000);
  wzp_sender_give (rig.sender, rig.flows[0], &item, rig.now_us);
  wzp_sender_give (second.sender, rig.flows[0], &item, rig.now_us);
  if (is_sent)
    assert_frames (&rig, "");
  g_assert_cmpint (wzp_sender_awaits_ack (rig.sender), ==, is_sent);
  assert_frames (&second, "");
  wzp_sender_all_acked (second.sender);
  wzp_sender_remove_flow (rig.sender, rig.flows[0]);
  g_thread_join (thread);
  g_assert_true (call.acked);
  sender_rig_clear (&second);
  sender_rig_clear (&rig);
}

static void
test_numbers (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  SenderPacket packet;
  WzpSenderStats stats;

  g_test_summary ("Numbers are shared with what is not media, none twice");
  sender_rig_init (&rig, 1);
  sender_rig_add_all (&rig);
  for (guint64 i = 0; i < 20; i += 2) {
    sender_rig_push (&rig, 0, flow_test_frame (i, 10));
    g_assert_cmpuint (wzp_sender_peek_number (rig.sender), ==, i);
    g_assert_cmpuint (wzp_sender_take_number (rig.sender), ==, i);
    g_assert_true (sender_rig_next (&rig, 1200, &packet));
    g_assert_cmpuint (packet.prefix.number, ==, i + 1);
  }
  wzp_sender_get_stats (rig.sender, &stats);
  g_assert_cmpuint (stats.packets, ==, 10);
  g_assert_cmpuint (stats.bytes, ==, 100);
  g_assert_cmpuint (stats.frames, ==, 10);
  g_assert_cmpuint (stats.frames_dropped, ==, 0);
  sender_rig_clear (&rig);
}

/* What is sent once more: "1:0 1:1", with new numbers. */
static char *
spell_again (SenderRig *rig, gsize max_size)
{
  GString *text = g_string_new (NULL);
  guint64 number = wzp_sender_peek_number (rig->sender);
  WzpPacket packet;

  while (wzp_sender_next_again (rig->sender, max_size, &packet)) {
    WzpDatagramPrefix prefix;
    WzpMediaHead head;
    gsize head_len;

    g_assert_cmpuint (packet.head_len + packet.payload_len, <=, max_size);
    g_assert_true (
        wzp_datagram_parse_prefix (packet.head, packet.head_len, &prefix));
    g_assert_cmpuint (prefix.number, ==, number++);
    g_assert_true (
        wzp_datagram_parse_media (&prefix, packet.head + packet.prefix_len,
            packet.head_len - packet.prefix_len, &head, &head_len));
    if (head.is_start)
      g_string_append_printf (
          text, "%u:%" G_GUINT64_FORMAT " ", (guint) prefix.flow, head.frame);
  }
  return g_string_free (text, FALSE);
}

static void
assert_again (SenderRig *rig, gsize max_size, const char *expected)
{
  g_autofree char *text = spell_again (rig, max_size);

  g_assert_cmpstr (text, ==, expected);
}

static void
send_kept (SenderRig *rig, gint64 now_us)
{
  WzpPacket packet;

  while (wzp_sender_next_kept (rig->sender, SENDER_RIG_MTU, now_us, &packet))
    ;
}

static void
test_repeat (WzpTest *test, gconstpointer data)
{
  SenderRig rig;

  g_test_summary ("What has not arrived is sent once more, in order, as the "
                  "same frames, cut for another path");
  sender_rig_init (&rig, 2);
  sender_rig_add_all (&rig);
  g_assert_false (wzp_sender_repeat (rig.sender));
  for (guint i = 0; i < 4; i++) {
    sender_rig_push (&rig, 0, flow_test_frame (i, 3000));
    send_kept (&rig, 100 + i);
  }
  sender_rig_push (&rig, 1, flow_test_frame (0, 10));
  send_kept (&rig, 200);
  wzp_sender_forget (rig.sender, 101);
  assert_again (&rig, SENDER_RIG_MTU, "");
  g_assert_true (wzp_sender_repeat (rig.sender));
  assert_again (&rig, 500, "1:1 1:2 1:3 2:0 ");
  g_assert_false (wzp_sender_repeat (rig.sender));

  sender_rig_push (&rig, 0, flow_test_frame (4, 10));
  sender_rig_push (&rig, 1, flow_test_frame (1, 10));
  send_kept (&rig, 300);
  g_assert_true (wzp_sender_repeat (rig.sender));
  wzp_sender_remove_flow (rig.sender, rig.flows[0]);
  assert_again (&rig, SENDER_RIG_MTU, "2:1 ");

  sender_rig_push (&rig, 1, flow_test_frame (2, 10));
  send_kept (&rig, 400);
  g_assert_true (wzp_sender_repeat (rig.sender));
  wzp_sender_cancel_repeat (rig.sender);
  assert_again (&rig, SENDER_RIG_MTU, "");
  sender_rig_clear (&rig);
}

static void
test_empty (WzpTest *test, gconstpointer data)
{
  SenderRig rig;
  SenderPacket packet;

  g_test_summary ("Nothing to send: each flow is asked once a pull");
  sender_rig_init (&rig, 3);
  g_assert_false (sender_rig_next (&rig, 1200, &packet));
  g_assert_cmpuint (rig.n_refills, ==, 0);
  sender_rig_add_all (&rig);
  g_assert_false (sender_rig_next (&rig, 1200, &packet));
  /* One more each, for the description. */
  g_assert_cmpuint (rig.n_refills, ==, 6);
  g_assert_false (sender_rig_next (&rig, 1200, &packet));
  g_assert_cmpuint (rig.n_refills, ==, 9);
  sender_rig_push (&rig, 1, flow_test_frame (0, 0));
  g_assert_true (sender_rig_next (&rig, 1200, &packet));
  g_assert_cmpuint (packet.len, ==, 0);
  g_assert_true (packet.head.is_start);
  g_assert_cmpint (packet.prefix.flags & WZP_DATAGRAM_FRAME_END, !=, 0);
  sender_rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/sender/open", NULL, test_open);
  wzp_test_add ("/sender/open-waits", NULL, test_open_waits);
  wzp_test_add ("/sender/undescribed", NULL, test_undescribed);
  wzp_test_add ("/sender/round-robin", NULL, test_round_robin);
  wzp_test_add ("/sender/join", NULL, test_join);
  wzp_test_add ("/sender/no-key-frames", NULL, test_no_key_frames);
  wzp_test_add ("/sender/key-requests", NULL, test_key_requests);
  wzp_test_add ("/sender/overflow/frames", NULL, test_overflow_frames);
  wzp_test_add ("/sender/overflow/all", NULL, test_overflow_all);
  wzp_test_add ("/sender/overflow/bytes", NULL, test_overflow_bytes);
  wzp_test_add ("/sender/eos", NULL, test_eos);
  wzp_test_add ("/sender/eos-at-once", NULL, test_eos_at_once);
  wzp_test_add ("/sender/anew", NULL, test_anew);
  wzp_test_add ("/sender/flow-ids", NULL, test_flow_ids);
  wzp_test_add ("/sender/remove", NULL, test_remove);
  wzp_test_add ("/sender/remove-frees-eos/queued", GINT_TO_POINTER (FALSE),
      test_remove_frees_eos);
  wzp_test_add ("/sender/remove-frees-eos/sent", GINT_TO_POINTER (TRUE),
      test_remove_frees_eos);
  wzp_test_add ("/sender/numbers", NULL, test_numbers);
  wzp_test_add ("/sender/repeat", NULL, test_repeat);
  wzp_test_add ("/sender/empty", NULL, test_empty);
  return wzp_test_run ();
}
