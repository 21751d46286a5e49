/* Flows that nobody describes: of a peer without a control channel. */
#include "receiver-rig.h"

static void
rig_init (ReceiverRig *rig)
{
  receiver_rig_init (rig);
  wzp_receiver_set_joins_late (rig->receiver);
  wzp_receiver_set_implied_flows (rig->receiver);
}

static void
test_first_frame (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *named, *any;

  g_test_summary (
      "The first frame opens the flow, for who named none; whatever "
      "generation it says");
  rig_init (&rig);
  named = receiver_rig_add_target (&rig, "video");
  any = receiver_rig_add_target (&rig, NULL);
  receiver_rig_send (&rig, 5, 0, 100);
  receiver_rig_send (&rig, 5, 3, 5000);
  receiver_rig_send (&rig, 5, 1, 1);
  flow_test_assert_spells (any, "d() f100! f5000 f1");
  flow_test_assert_spells (named, "");
  receiver_rig_assert_control (&rig, "");
  wzp_receiver_end (rig.receiver);
  flow_test_assert_spells (any, "ended");
  receiver_rig_clear (&rig);
}

static void
test_begun_before (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *any;

  g_test_summary ("A peer that has begun long ago: no frame before counts as "
                  "lost");
  rig_init (&rig);
  any = receiver_rig_add_target (&rig, NULL);
  for (guint i = 0; i < 100; i++)
    receiver_rig_lose (&rig, 1);
  receiver_rig_send (&rig, 1, 1, 10);
  receiver_rig_send (&rig, 1, 1, 20);
  flow_test_assert_spells (any, "d() f10! f20");
  receiver_rig_clear (&rig);
}

static void
test_all_ids (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *targets[RECEIVER_RIG_TARGETS];
  WzpReceiverStats stats;

  g_test_summary ("As many flows as there are ids; the first ones find takers, "
                  "the rest is kept for a while and dropped");
  rig_init (&rig);
  for (guint i = 0; i < RECEIVER_RIG_TARGETS; i++)
    targets[i] = receiver_rig_add_target (&rig, NULL);
  for (guint32 flow = 1; flow <= WZP_FLOW_ID_MAX; flow++)
    receiver_rig_send (&rig, flow, 1, flow);
  for (guint i = 0; i < RECEIVER_RIG_TARGETS; i++) {
    g_autofree char *expected = g_strdup_printf ("d() f%u!", i + 1);

    flow_test_assert_spells (targets[i], expected);
  }
  receiver_rig_pass (&rig, WZP_RECEIVER_CLAIM_US + 1);
  wzp_receiver_get_stats (rig.receiver, &stats);
  g_assert_cmpuint (stats.frames, ==, RECEIVER_RIG_TARGETS);
  g_assert_cmpuint (
      stats.frames_dropped, ==, WZP_FLOW_ID_MAX - RECEIVER_RIG_TARGETS);
  receiver_rig_clear (&rig);
}

static void
test_taken_late (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *any;

  g_test_summary ("Who comes within the time that a flow is kept gets all");
  rig_init (&rig);
  receiver_rig_send (&rig, 1, 1, 10);
  receiver_rig_pass (&rig, WZP_RECEIVER_CLAIM_US - 1);
  any = receiver_rig_add_target (&rig, NULL);
  wzp_receiver_claim (rig.receiver, rig.now_us);
  flow_test_assert_spells (any, "d() f10!");
  receiver_rig_clear (&rig);
}

static void
test_quiet (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *first, *second;

  g_test_summary ("A flow that has gone quiet is not given to the next taker, "
                  "but the one that speaks is");
  rig_init (&rig);
  first = receiver_rig_add_target (&rig, NULL);
  receiver_rig_send (&rig, 1, 1, 10);
  flow_test_assert_spells (first, "d() f10!");
  wzp_receiver_release (rig.receiver, first);
  receiver_rig_pass (&rig, WZP_RECEIVER_CLAIM_US + 1);
  second = receiver_rig_add_target (&rig, NULL);
  wzp_receiver_claim (rig.receiver, rig.now_us);
  flow_test_assert_spells (second, "");
  receiver_rig_send (&rig, 2, 1, 20);
  receiver_rig_send (&rig, 1, 1, 30);
  flow_test_assert_spells (second, "d() f20!");
  receiver_rig_clear (&rig);
}

static void
test_described_after_all (WzpTest *test, gconstpointer data)
{
  ReceiverRig rig;
  WzpRecvFlow *any;

  g_test_summary ("A FLOW_OPEN that comes after all holds from there on");
  rig_init (&rig);
  any = receiver_rig_add_target (&rig, NULL);
  receiver_rig_send (&rig, 1, 1, 10);
  receiver_rig_open (&rig, 1, 2, "video");
  receiver_rig_send (&rig, 1, 2, 20);
  flow_test_assert_spells (any, "d() f10! d(caps/2) f20");
  receiver_rig_eos (&rig, 1, 2);
  flow_test_assert_spells (any, "eos");
  receiver_rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/receiver-implied/first-frame", NULL, test_first_frame);
  wzp_test_add ("/receiver-implied/begun-before", NULL, test_begun_before);
  wzp_test_add ("/receiver-implied/all-ids", NULL, test_all_ids);
  wzp_test_add ("/receiver-implied/taken-late", NULL, test_taken_late);
  wzp_test_add ("/receiver-implied/quiet", NULL, test_quiet);
  wzp_test_add (
      "/receiver-implied/described-after-all", NULL, test_described_after_all);
  return wzp_test_run ();
}
