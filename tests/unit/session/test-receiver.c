#include "receiver-rig.h"

static WzpReceiverStats
get_stats (ReceiverRig *rig)
{
  WzpReceiverStats stats;

  wzp_receiver_get_stats (rig->receiver, &stats);
  return stats;
}

static void
test_plain (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *video, *audio;
  WzpReceiverStats stats;

  g_test_summary ("Flows go to those who named them; counts");
  receiver_rig_init (&rig);
  video = receiver_rig_add_target (&rig, "video");
  audio = receiver_rig_add_target (&rig, "audio");
  g_assert_cmpint (wzp_receiver_get_deadline (rig.receiver), ==, -1);
  receiver_rig_open (&rig, 7, 1, "audio");
  receiver_rig_open (&rig, 3, 1, "video");
  receiver_rig_send (&rig, 3, 1, 5000);
  receiver_rig_send (&rig, 7, 1, 50);
  receiver_rig_send (&rig, 3, 1, 10);
  flow_test_assert_spells (video, "d(caps/1) f5000! f10");
  flow_test_assert_spells (audio, "d(caps/1) f50!");
  receiver_rig_eos (&rig, 3, 2);
  flow_test_assert_spells (video, "eos");
  receiver_rig_close (&rig, 7);
  flow_test_assert_spells (audio, "ended");
  g_assert_false (rig.targets[0].is_claimed);
  g_assert_false (rig.targets[1].is_claimed);

  stats = get_stats (&rig);
  g_assert_cmpuint (stats.packets, ==, rig.number);
  g_assert_cmpuint (stats.bytes, ==, 5060);
  g_assert_cmpuint (stats.frames, ==, 3);
  g_assert_cmpuint (stats.lost + stats.repeated + stats.bad, ==, 0);
  receiver_rig_assert_control (&rig, "");
  receiver_rig_clear (&rig);
}

static void
test_frames_first (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *any;

  g_test_summary ("Frames that overtake their FLOW_OPEN are kept, however long "
                  "it takes, and no more than the budget");
  receiver_rig_init (&rig);
  any = receiver_rig_add_target (&rig, NULL);
  receiver_rig_send (&rig, 1, 1, 100);
  receiver_rig_send (&rig, 1, 1, 200);
  receiver_rig_pass (&rig, 60 * G_USEC_PER_SEC);
  flow_test_assert_spells (any, "");
  g_assert_cmpint (wzp_receiver_get_deadline (rig.receiver), ==, -1);
  receiver_rig_open (&rig, 1, 1, "x");
  flow_test_assert_spells (any, "d(caps/1) f100! f200");
  receiver_rig_assert_control (&rig, "");
  receiver_rig_close (&rig, 1);
  flow_test_assert_spells (any, "ended");

  /* Of a flow that is never opened only so much is held. */
  for (guint i = 0; i < 70; i++)
    receiver_rig_send (&rig, 2, 1, 1024 * 1024);
  receiver_rig_send (&rig, 3, 1, 1000);
  receiver_rig_open (&rig, 3, 1, "y");
  flow_test_assert_spells (any, "d(caps/1) f1000!");
  receiver_rig_close (&rig, 3);
  flow_test_assert_spells (any, "ended");
  receiver_rig_open (&rig, 2, 1, "x");
  {
    WzpRecvFlowStats stats;

    wzp_recv_flow_get_stats (any, &stats);
    g_assert_cmpuint (stats.queued_bytes, <=, 64 * 1024 * 1024);
    g_assert_cmpuint (stats.queued_bytes, >, 16 * 1024 * 1024);
  }
  receiver_rig_clear (&rig);
}

static void
test_memory_back (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *any;

  g_test_summary ("A flow that is over gives back what it held: the next ones "
                  "are not starved");
  receiver_rig_init (&rig);
  any = receiver_rig_add_target (&rig, NULL);
  for (guint32 id = 1; id <= WZP_FLOW_ID_MAX; id++) {
    /* Those before fill the budget if nothing is given back: one as large as a
     * frame may be would not go in. */
    gsize size = id == 9 ? WZP_FRAME_SIZE_MAX : 10;
    gboolean by_close = id < 9 || id % 2 == 0;
    g_autofree char *expected = g_strdup_printf (
        "d(caps/1) f%" G_GSIZE_FORMAT "! %s", size, by_close ? "ended" : "eos");

    receiver_rig_open (&rig, id, 1, "x");
    receiver_rig_send (&rig, id, 1, size);
    receiver_rig_send_part (&rig, id, 1, 1024 * 1024 * 8, 3);
    if (by_close)
      receiver_rig_close (&rig, id);
    else
      receiver_rig_eos (&rig, id, 2);
    receiver_rig_pass (&rig, G_USEC_PER_SEC);
    flow_test_assert_spells (any, expected);
    /* What comes after it is not taken for something new. */
    receiver_rig_send (&rig, id, 1, 10);
    receiver_rig_open (&rig, id, 2, "x");
    receiver_rig_eos (&rig, id, 0);
    receiver_rig_close (&rig, id);
    flow_test_assert_spells (any, "");
  }
  wzp_receiver_set_hold (rig.receiver, 1000);
  g_assert_cmpint (wzp_receiver_get_deadline (rig.receiver), ==, -1);
  receiver_rig_clear (&rig);
}

static void
test_unclaimed (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("What nobody takes is kept for a moment, then discarded; who "
                  "comes then begins at a key frame");
  receiver_rig_init (&rig);
  receiver_rig_open (&rig, 1, 1, "video");
  receiver_rig_send (&rig, 1, 1, 10);
  flow = receiver_rig_add_target (&rig, "audio");
  wzp_receiver_claim (rig.receiver, rig.now_us);
  flow_test_assert_spells (flow, "");
  receiver_rig_pass (&rig, WZP_RECEIVER_CLAIM_US - 1);
  g_assert_cmpuint (get_stats (&rig).frames_dropped, ==, 0);
  flow = receiver_rig_add_target (&rig, "video");
  wzp_receiver_claim (rig.receiver, rig.now_us);
  flow_test_assert_spells (flow, "d(caps/1) f10!");
  receiver_rig_assert_control (&rig, "");

  receiver_rig_open (&rig, 2, 1, "other");
  receiver_rig_send (&rig, 2, 1, 20);
  receiver_rig_pass (&rig, WZP_RECEIVER_CLAIM_US);
  receiver_rig_open (&rig, 2, 2, "other");
  receiver_rig_send (&rig, 2, 2, 30);
  g_assert_cmpuint (get_stats (&rig).frames_dropped, ==, 2);
  flow = receiver_rig_add_target (&rig, "other");
  wzp_receiver_claim (rig.receiver, rig.now_us);
  receiver_rig_assert_control (&rig, "key2");
  receiver_rig_send (&rig, 2, 2, 40);
  flow_test_assert_spells (flow, "d(caps/2) f40!");
  receiver_rig_clear (&rig);
}

static void
test_release (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *first, *second;

  g_test_summary ("A target that leaves gets nothing more; the next one gets "
                  "the caps again and a key frame");
  receiver_rig_init (&rig);
  first = receiver_rig_add_target (&rig, "v");
  receiver_rig_open (&rig, 1, 1, "v");
  receiver_rig_send (&rig, 1, 1, 10);
  flow_test_assert_spells (first, "d(caps/1) f10!");
  receiver_rig_pass (&rig, WZP_RECEIVER_CLAIM_US);
  wzp_receiver_release (rig.receiver, first);
  wzp_receiver_release (rig.receiver, first);
  receiver_rig_send (&rig, 1, 1, 20);
  flow_test_assert_spells (first, "");
  second = receiver_rig_add_target (&rig, NULL);
  wzp_receiver_claim (rig.receiver, rig.now_us);
  receiver_rig_send (&rig, 1, 1, 30);
  flow_test_assert_spells (second, "d(caps/1) f30!");
  receiver_rig_assert_control (&rig, "key1");
  wzp_receiver_end (rig.receiver);
  flow_test_assert_spells (first, "");
  flow_test_assert_spells (second, "ended");
  receiver_rig_clear (&rig);
}

static void
test_next_flow (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("A flow that found its target taken gets it, with its first "
                  "frames, when the one before ends late");
  receiver_rig_init (&rig);
  flow = receiver_rig_add_target (&rig, NULL);
  receiver_rig_open (&rig, 1, 1, "v");
  receiver_rig_send (&rig, 1, 1, 10);
  receiver_rig_lose (&rig, 1);
  receiver_rig_send (&rig, 1, 1, 12);
  receiver_rig_eos (&rig, 1, 3);
  receiver_rig_open (&rig, 2, 5, "v");
  receiver_rig_send (&rig, 2, 5, 20);
  receiver_rig_send (&rig, 2, 5, 21);
  flow_test_assert_spells (flow, "d(caps/1) f10!");
  receiver_rig_pass (&rig, WZP_RECEIVER_HOLD_US);
  flow_test_assert_spells (flow, "f12+1! eos d(caps/5) f20! f21");
  receiver_rig_assert_control (&rig, "");

  /* By FLOW_CLOSE as well. */
  receiver_rig_open (&rig, 3, 1, "v");
  receiver_rig_close (&rig, 2);
  flow_test_assert_spells (flow, "ended d(caps/1)");
  receiver_rig_clear (&rig);
}

static void
test_descriptions (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("A frame waits for its own caps, whatever the order");
  receiver_rig_init (&rig);
  flow = receiver_rig_add_target (&rig, NULL);
  receiver_rig_open (&rig, 1, 1, "v");
  receiver_rig_send (&rig, 1, 1, 10);
  receiver_rig_send (&rig, 1, 2, 20);
  receiver_rig_send (&rig, 1, 2, 21);
  flow_test_assert_spells (flow, "d(caps/1) f10!");
  g_assert_cmpint (wzp_receiver_get_deadline (rig.receiver), ==, -1);
  receiver_rig_pass (&rig, 10 * G_USEC_PER_SEC);
  flow_test_assert_spells (flow, "");
  receiver_rig_open (&rig, 1, 2, "ignored");
  flow_test_assert_spells (flow, "d(caps/2) f20 f21");

  /* Known early, told when the first frame needs it. */
  receiver_rig_open (&rig, 1, 3, "v");
  receiver_rig_open (&rig, 1, 4, "v");
  receiver_rig_send (&rig, 1, 2, 22);
  receiver_rig_send (&rig, 1, 4, 40);
  flow_test_assert_spells (flow, "f22 d(caps/4) f40");
  receiver_rig_clear (&rig);
}

static void
test_generation_never_comes (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("Caps that are missing between others, or at the end of the "
                  "stream, block nothing");
  receiver_rig_init (&rig);
  flow = receiver_rig_add_target (&rig, NULL);
  receiver_rig_open (&rig, 1, 1, "v");
  receiver_rig_send (&rig, 1, 2, 20);
  receiver_rig_send (&rig, 1, 3, 30);
  flow_test_assert_spells (flow, "d(caps/1)");
  receiver_rig_open (&rig, 1, 3, "v");
  flow_test_assert_spells (flow, "d(caps/3) f20! f30");

  receiver_rig_send (&rig, 1, G_MAXUINT32, 40);
  receiver_rig_send (&rig, 1, 9, 50);
  flow_test_assert_spells (flow, "");
  receiver_rig_eos (&rig, 1, 4);
  flow_test_assert_spells (flow, "f40 f50 eos");
  receiver_rig_clear (&rig);
}

static void
test_description_bound (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("Only so many caps are remembered; frames of older ones get "
                  "the oldest that are");
  receiver_rig_init (&rig);
  flow = receiver_rig_add_target (&rig, NULL);
  for (guint i = 1; i <= WZP_RECEIVER_MAX_DESCRIPTIONS; i++)
    receiver_rig_open (&rig, 1, i, "v");
  receiver_rig_send (&rig, 1, 1, 10);
  flow_test_assert_spells (flow, "d(caps/1) f10!");
  receiver_rig_close (&rig, 1);
  flow_test_assert_spells (flow, "ended");

  for (guint i = 1; i <= WZP_RECEIVER_MAX_DESCRIPTIONS + 2; i++)
    receiver_rig_open (&rig, 2, i, "v");
  receiver_rig_send (&rig, 2, 2, 22);
  receiver_rig_send (&rig, 2, 3, 23);
  receiver_rig_send (&rig, 2, 6, 26);
  flow_test_assert_spells (flow, "d(caps/3) f22! f23 d(caps/6) f26");
  receiver_rig_clear (&rig);
}

static void
test_hostile_generations (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("Generations that go back neither change caps nor cost any");
  receiver_rig_init (&rig);
  flow = receiver_rig_add_target (&rig, NULL);
  receiver_rig_open (&rig, 1, 5, "v");
  receiver_rig_open (&rig, 1, 5, "v");
  receiver_rig_open (&rig, 1, 4, "v");
  receiver_rig_open (&rig, 1, 0, "v");
  receiver_rig_open (&rig, 1, 6, "v");
  receiver_rig_send (&rig, 1, 5, 50);
  receiver_rig_send (&rig, 1, 6, 60);
  for (guint i = 0; i < 3; i++) {
    receiver_rig_send (&rig, 1, 5, 51);
    receiver_rig_send (&rig, 1, 6, 61);
    receiver_rig_send (&rig, 1, 0, 62);
  }
  flow_test_assert_spells (
      flow, "d(caps/5) f50! d(caps/6) f60 f51 f61 f62 f51 f61 f62 f51 f61 f62");
  receiver_rig_clear (&rig);
}

static void
test_hostile_control (WzpTest *test, gconstpointer data)
{
  static const guint32 ids[] = { 0, WZP_FLOW_ID_MAX + 1, 1000, G_MAXUINT32 };
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("Flow ids out of range and unknown ones are ignored");
  receiver_rig_init (&rig);
  flow = receiver_rig_add_target (&rig, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    receiver_rig_open (&rig, ids[i], 1, "v");
    receiver_rig_eos (&rig, ids[i], 0);
    receiver_rig_close (&rig, ids[i]);
  }
  receiver_rig_eos (&rig, 5, 0);
  receiver_rig_close (&rig, 5);
  wzp_receiver_control (rig.receiver,
      &(WzpControl){ .type = WZP_CONTROL_KEY_REQUEST, .flow = 1 }, 0);
  wzp_receiver_control (
      rig.receiver, &(WzpControl){ .type = 4711, .flow = 1 }, 0);
  flow_test_assert_spells (flow, "");
  g_assert_false (rig.targets[0].is_claimed);
  receiver_rig_open (&rig, WZP_FLOW_ID_MAX, 1, "v");
  receiver_rig_send (&rig, WZP_FLOW_ID_MAX, 1, 10);
  flow_test_assert_spells (flow, "d(caps/1) f10!");
  receiver_rig_clear (&rig);
}

static void
test_eos (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("The end waits for what is missing, for so long; one that "
                  "is lower than what has come is no end; repeats");
  receiver_rig_init (&rig);
  flow = receiver_rig_add_target (&rig, NULL);
  receiver_rig_open (&rig, 1, 1, "v");
  receiver_rig_send (&rig, 1, 1, 10);
  receiver_rig_eos (&rig, 1, 3);
  receiver_rig_pass (&rig, WZP_RECEIVER_HOLD_US - 1);
  flow_test_assert_spells (flow, "d(caps/1) f10!");
  g_assert_cmpint (
      wzp_receiver_get_deadline (rig.receiver), ==, rig.now_us + 1);
  receiver_rig_eos (&rig, 1, 3);
  receiver_rig_pass (&rig, 1);
  flow_test_assert_spells (flow, "eos");
  g_assert_cmpuint (get_stats (&rig).frames_lost, ==, 0);

  receiver_rig_open (&rig, 2, 1, "v");
  for (guint i = 0; i < 5; i++)
    receiver_rig_send (&rig, 2, 1, 20 + i);
  receiver_rig_eos (&rig, 2, 2);
  receiver_rig_pass (&rig, 10 * G_USEC_PER_SEC);
  receiver_rig_send (&rig, 2, 1, 25);
  flow_test_assert_spells (flow, "d(caps/1) f20! f21 f22 f23 f24 f25");
  receiver_rig_eos (&rig, 2, 6);
  flow_test_assert_spells (flow, "eos");

  /* Far beyond: given up in one go. */
  receiver_rig_open (&rig, 3, 1, "v");
  receiver_rig_eos (&rig, 3, G_GUINT64_CONSTANT (1) << 62);
  receiver_rig_pass (&rig, WZP_RECEIVER_HOLD_US);
  flow_test_assert_spells (flow, "d(caps/1) eos");
  receiver_rig_clear (&rig);
}

static void
test_close_after_eos (WzpTest *test, gconstpointer data)
{
  gboolean by_end = GPOINTER_TO_INT (data);
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("When flow or call go while the end waits for something "
                  "lost, what is whole is handed out, and EOS");
  receiver_rig_init (&rig);
  flow = receiver_rig_add_target (&rig, NULL);
  receiver_rig_open (&rig, 1, 1, "v");
  receiver_rig_send (&rig, 1, 1, 10);
  receiver_rig_lose (&rig, 1);
  receiver_rig_send (&rig, 1, 1, 12);
  receiver_rig_send_part (&rig, 1, 1, 5000, 2);
  receiver_rig_send (&rig, 1, 1, 14);
  receiver_rig_lose (&rig, 1);
  receiver_rig_eos (&rig, 1, 6);
  flow_test_assert_spells (flow, "d(caps/1) f10!");
  if (by_end)
    wzp_receiver_end (rig.receiver);
  else
    receiver_rig_close (&rig, 1);
  flow_test_assert_spells (flow, "f12+1! f14+1! eos");
  g_assert_false (rig.targets[0].is_claimed);
  receiver_rig_clear (&rig);
}

static void
test_end (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *a, *b;

  g_test_summary ("The end of the call is told once to each flow that has not "
                  "ended, and nobody takes another then");
  receiver_rig_init (&rig);
  a = receiver_rig_add_target (&rig, "a");
  b = receiver_rig_add_target (&rig, "b");
  receiver_rig_open (&rig, 1, 1, "a");
  receiver_rig_open (&rig, 2, 1, "b");
  receiver_rig_open (&rig, 3, 1, "a");
  receiver_rig_eos (&rig, 2, 0);
  flow_test_assert_spells (b, "d(caps/1) eos");
  wzp_receiver_end (rig.receiver);
  wzp_receiver_end (rig.receiver);
  wzp_receiver_claim (rig.receiver, rig.now_us);
  flow_test_assert_spells (a, "d(caps/1) ended");
  flow_test_assert_spells (b, "");
  g_assert_false (rig.targets[0].is_claimed);
  receiver_rig_clear (&rig);
}

static void
test_end_at_control (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("A message too many that ends the call from inside a claim");
  receiver_rig_init (&rig);
  for (guint32 id = 1; id <= 3; id++) {
    receiver_rig_open (&rig, id, 1, "v");
    receiver_rig_send (&rig, id, 1, 10);
  }
  receiver_rig_pass (&rig, WZP_RECEIVER_CLAIM_US);
  flow = receiver_rig_add_target (&rig, NULL);
  receiver_rig_add_target (&rig, NULL);
  rig.end_at_control = TRUE;
  wzp_receiver_claim (rig.receiver, rig.now_us);
  flow_test_assert_spells (flow, "d(caps/1) ended");
  receiver_rig_assert_control (&rig, "key1");
  g_assert_false (rig.targets[1].is_claimed);
  receiver_rig_clear (&rig);
}

static void
test_key_requests (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *a, *b;

  g_test_summary ("A streaming thread's request goes out under the flow's id");
  receiver_rig_init (&rig);
  a = receiver_rig_add_target (&rig, "a");
  b = receiver_rig_add_target (&rig, "b");
  receiver_rig_open (&rig, 4, 1, "a");
  wzp_recv_flow_request_key (a);
  wzp_recv_flow_request_key (b);
  wzp_receiver_collect_key_requests (rig.receiver);
  wzp_receiver_collect_key_requests (rig.receiver);
  receiver_rig_assert_control (&rig, "key4");
  /* Asked for before its flow was there: told when it is. */
  receiver_rig_open (&rig, 9, 1, "b");
  wzp_receiver_collect_key_requests (rig.receiver);
  receiver_rig_assert_control (&rig, "key9");
  receiver_rig_clear (&rig);
}

static void
test_bad (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *flow;
  WzpDatagramPrefix prefix = {
    .flags = WZP_DATAGRAM_FRAME_START, .number = 5, .flow = 1
  };
  const guint8 text[] = { 0xff, 0xff };
  WzpReceiverStats stats;

  g_test_summary ("Malformed media is counted and uses up no number; numbers "
                  "that repeat are discarded");
  receiver_rig_init (&rig);
  flow = receiver_rig_add_target (&rig, NULL);
  receiver_rig_open (&rig, 1, 1, "v");
  wzp_receiver_push (rig.receiver, &prefix, text, sizeof text, rig.now_us);
  wzp_receiver_push (rig.receiver, &prefix, text, 0, rig.now_us);
  stats = get_stats (&rig);
  g_assert_cmpuint (stats.bad, ==, 2);
  g_assert_cmpuint (stats.packets, ==, 0);
  for (guint i = 0; i < 6; i++)
    receiver_rig_send (&rig, 1, 1, 10 + i);
  flow_test_assert_spells (flow, "d(caps/1) f10! f11 f12 f13 f14 f15");

  g_assert_false (wzp_receiver_mark_number (rig.receiver, 5));
  g_assert_true (wzp_receiver_mark_number (rig.receiver, 6));
  rig.number = 3;
  receiver_rig_send (&rig, 1, 1, 99);
  stats = get_stats (&rig);
  g_assert_cmpuint (stats.repeated, ==, 2);
  g_assert_cmpuint (stats.packets, ==, 6);
  flow_test_assert_spells (flow, "");
  receiver_rig_clear (&rig);
}

static void
test_hold (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *flow;

  g_test_summary ("A gap is waited for as long as was said last, also by flows "
                  "that come later");
  receiver_rig_init (&rig);
  flow = receiver_rig_add_target (&rig, NULL);
  receiver_rig_open (&rig, 1, 1, "v");
  receiver_rig_lose (&rig, 1);
  receiver_rig_send (&rig, 1, 1, 10);
  g_assert_cmpint (wzp_receiver_get_deadline (rig.receiver), ==,
      rig.now_us + WZP_RECEIVER_HOLD_US);
  wzp_receiver_set_hold (rig.receiver, 100000);
  g_assert_cmpint (
      wzp_receiver_get_deadline (rig.receiver), ==, rig.now_us + 100000);
  receiver_rig_pass (&rig, 99999);
  flow_test_assert_spells (flow, "d(caps/1)");
  receiver_rig_pass (&rig, 1);
  flow_test_assert_spells (flow, "f10+1!");
  g_assert_cmpuint (get_stats (&rig).frames_lost, ==, 1);
  receiver_rig_close (&rig, 1);

  receiver_rig_open (&rig, 2, 1, "v");
  receiver_rig_lose (&rig, 2);
  receiver_rig_send (&rig, 2, 1, 10);
  g_assert_cmpint (
      wzp_receiver_get_deadline (rig.receiver), ==, rig.now_us + 100000);
  receiver_rig_clear (&rig);
}

static void
test_unclaimed_deadline (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;

  g_test_summary ("A flow that nobody takes asks for no time before it is "
                  "discarded");
  receiver_rig_init (&rig);
  receiver_rig_open (&rig, 1, 1, "v");
  receiver_rig_lose (&rig, 1);
  receiver_rig_send (&rig, 1, 1, 10);
  receiver_rig_eos (&rig, 1, 5);
  g_assert_cmpint (wzp_receiver_get_deadline (rig.receiver), ==,
      rig.now_us + WZP_RECEIVER_CLAIM_US);
  receiver_rig_pass (&rig, WZP_RECEIVER_CLAIM_US);
  receiver_rig_pass (&rig, WZP_RECEIVER_HOLD_US);
  g_assert_cmpint (wzp_receiver_get_deadline (rig.receiver), ==, -1);
  g_assert_cmpuint (get_stats (&rig).frames_dropped, ==, 1);
  receiver_rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/receiver/plain", NULL, test_plain);
  wzp_test_add ("/receiver/frames-first", NULL, test_frames_first);
  wzp_test_add ("/receiver/memory-back", NULL, test_memory_back);
  wzp_test_add ("/receiver/unclaimed", NULL, test_unclaimed);
  wzp_test_add ("/receiver/unclaimed-deadline", NULL, test_unclaimed_deadline);
  wzp_test_add ("/receiver/release", NULL, test_release);
  wzp_test_add ("/receiver/next-flow", NULL, test_next_flow);
  wzp_test_add ("/receiver/descriptions", NULL, test_descriptions);
  wzp_test_add (
      "/receiver/generation-never-comes", NULL, test_generation_never_comes);
  wzp_test_add ("/receiver/description-bound", NULL, test_description_bound);
  wzp_test_add (
      "/receiver/hostile-generations", NULL, test_hostile_generations);
  wzp_test_add ("/receiver/hostile-control", NULL, test_hostile_control);
  wzp_test_add ("/receiver/eos", NULL, test_eos);
  wzp_test_add ("/receiver/close-after-eos", GINT_TO_POINTER (FALSE),
      test_close_after_eos);
  wzp_test_add (
      "/receiver/end-after-eos", GINT_TO_POINTER (TRUE), test_close_after_eos);
  wzp_test_add ("/receiver/end", NULL, test_end);
  wzp_test_add ("/receiver/end-at-control", NULL, test_end_at_control);
  wzp_test_add ("/receiver/key-requests", NULL, test_key_requests);
  wzp_test_add ("/receiver/bad", NULL, test_bad);
  wzp_test_add ("/receiver/hold", NULL, test_hold);
  return wzp_test_run ();
}
