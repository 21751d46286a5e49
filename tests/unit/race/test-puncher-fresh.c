#include "puncher-rig.h"

/* A Dialer that has had one round and asks for a fresh socket. */
static Rig
rig_for_fresh (void)
{
  WzpCandidateList list = { 0 };
  Rig rig = { .puncher = wzp_puncher_new (WZP_ROLE_DIALER, FALSE, 1),
    .done = g_array_new (FALSE, FALSE, sizeof (Done)),
    .now_us = T0 };

  rig_add_candidate (&list, FAR_TEXT);
  wzp_puncher_allow_fresh (rig.puncher);
  wzp_puncher_start (rig.puncher, &list, T0);
  wzp_puncher_relay_heard (rig.puncher, T0);
  rig_run (&rig, 4900 * MS);
  g_assert_cmpuint (rig_count (&rig, WZP_PUNCHER_ACTION_FRESH), ==, 0);
  g_array_set_size (rig.done, 0);
  rig_run (&rig, 5 * SEC);
  rig_assert_done (&rig, NULL, "fresh@5000");
  return rig;
}

static void
test_fresh (void)
{
  g_auto (Rig) rig = rig_for_fresh ();
  WzpPuncherStats stats;

  g_test_summary ("The second round is by a fresh socket, once that is there");
  rig_run (&rig, 5300 * MS);
  rig_assert_done (&rig, NULL, "");
  wzp_puncher_set_fresh (rig.puncher, TRUE, rig.now_us);
  rig_run (&rig, 5310 * MS);
  rig_assert_done (&rig, NULL, "go2@5300 f3@5300 f4@5305");
  rig_run (&rig, 5500 * MS);
  rig_assert_done (&rig, NULL, "go2@5340 go2@5420 fp@5475");
  /* Who hears of the address asks for a round: that is this one. */
  wzp_puncher_take_go (rig.puncher, 0, rig.now_us);
  rig_hear_by (&rig, 1, FAR_TEXT, TRUE);
  rig_run (&rig, 5510 * MS);
  rig_assert_done (&rig, NULL, "fdial@5500 fa@5500 fp@5508");
  rig_run (&rig, 9 * SEC);
  g_array_set_size (rig.done, 0);
  rig_run (&rig, 10010 * MS);
  rig_assert_done (&rig, NULL, "go3@10000 3@10000 4@10005");
  /* And every second one from there. */
  rig_run (&rig, 20 * SEC);
  g_assert_cmpuint (rig_count (&rig, WZP_PUNCHER_ACTION_FRESH), ==, 1);
  wzp_puncher_get_stats (rig.puncher, &stats);
  g_assert_cmpuint (stats.fresh_rounds, ==, 1);
}

static void
test_no_fresh (void)
{
  g_auto (Rig) late = rig_for_fresh ();
  g_auto (Rig) never = rig_for_fresh ();
  g_auto (Rig) up = rig_for_fresh ();
  WzpPuncherStats stats;

  g_test_summary ("None is to be had: the round is an ordinary one");
  wzp_puncher_set_fresh (never.puncher, FALSE, never.now_us);
  rig_run (&never, 5010 * MS);
  rig_assert_done (&never, NULL, "go2@5000 3@5000 4@5005");
  rig_run (&late, 10010 * MS);
  rig_assert_done (&late, NULL, "go2@10000 3@10000 4@10005");
  wzp_puncher_set_fresh (late.puncher, TRUE, late.now_us);
  rig_run (&late, 11 * SEC);
  rig_assert_done (&late, NULL,
      "go2@10040 go2@10120 p@10175 p@10208 p@10241 go2@10280 p@10308 p@10441 "
      "p@10708");
  /* Direct came up meanwhile, and went. */
  wzp_puncher_set_direct (up.puncher, TRUE, up.now_us);
  wzp_puncher_set_fresh (up.puncher, TRUE, up.now_us);
  wzp_puncher_set_direct (up.puncher, FALSE, up.now_us);
  rig_run (&up, 5010 * MS);
  rig_assert_done (&up, NULL, "go2@5000 3@5000 4@5005");
  wzp_puncher_get_stats (up.puncher, &stats);
  g_assert_cmpuint (stats.fresh_rounds, ==, 0);
}

static void
test_fresh_and_old (void)
{
  g_auto (Rig) rig = rig_for_fresh ();

  g_test_summary ("The peer is heard by the old socket: that is the way");
  wzp_puncher_set_fresh (rig.puncher, TRUE, rig.now_us);
  rig_run (&rig, 5100 * MS);
  g_array_set_size (rig.done, 0);
  rig_hear_by (&rig, 1, FAR_TEXT, FALSE);
  rig_hear_by (&rig, 2, FAR_TEXT, TRUE);
  rig_run (&rig, 5110 * MS);
  rig_assert_done (&rig, NULL, "dial@5100 a@5100 p@5105");
}

static void
test_acceptor (void)
{
  WzpCandidateList list = { 0 };
  g_auto (Rig) rig = { .puncher = wzp_puncher_new (WZP_ROLE_ACCEPTOR, FALSE, 1),
    .done = g_array_new (FALSE, FALSE, sizeof (Done)),
    .now_us = T0 };
  guint asked = 0;

  g_test_summary ("After the second round, by the Dialer's next; then more and "
                  "more seldom");
  rig_add_candidate (&list, FAR_TEXT);
  wzp_puncher_allow_fresh (rig.puncher);
  wzp_puncher_start (rig.puncher, &list, T0);
  wzp_puncher_take_go (rig.puncher, 1, rig.now_us);
  rig_run (&rig, 5 * SEC);
  wzp_puncher_take_go (rig.puncher, 2, rig.now_us);
  rig_run (&rig, 7400 * MS);
  g_array_set_size (rig.done, 0);
  rig_run (&rig, 8 * SEC);
  rig_assert_done (&rig, NULL, "fresh@7500");
  wzp_puncher_set_fresh (rig.puncher, TRUE, rig.now_us);
  rig_run (&rig, 8100 * MS);
  g_array_set_size (rig.done, 0);
  wzp_puncher_take_go (rig.puncher, 3, rig.now_us);
  rig_run (&rig, 8290 * MS);
  rig_assert_done (&rig, NULL, "f3@8100 f4@8105 fp@8275");
  /* An ordinary one, and so on for hours. */
  rig_run (&rig, 60 * SEC);
  g_array_set_size (rig.done, 0);
  wzp_puncher_take_go (rig.puncher, 4, rig.now_us);
  rig_run (&rig, 60010 * MS);
  rig_assert_done (&rig, NULL, "3@60000 4@60005");
  for (guint i = 5; i <= 100; i++) {
    rig_run (&rig, i * 20 * SEC);
    wzp_puncher_take_go (rig.puncher, i, rig.now_us);
    wzp_puncher_set_fresh (rig.puncher, FALSE, rig.now_us);
  }
  asked = rig_count (&rig, WZP_PUNCHER_ACTION_FRESH);
  g_assert_cmpuint (asked, ==, 2); /* at 8 and 32 */
}

static void
test_past_candidates (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);
  g_autofree char *last = NULL;

  g_test_summary ("A peer that has been seen elsewhere again and again is "
                  "punched where it is now");
  for (guint i = 1; i <= 100; i++) {
    WzpCandidateList list = { 0 };

    g_free (last);
    last = g_strdup_printf ("203.0.113.7:%u", 5000 + i);
    rig_add_candidate (&list, last);
    rig_add_candidate (&list, HOST_TEXT);
    rig_run (&rig, i * 120 * SEC);
    g_assert_true (wzp_puncher_add_candidates (rig.puncher, &list, rig.now_us));
  }
  rig_run (&rig, 13000 * SEC);
  g_array_set_size (rig.done, 0);
  wzp_puncher_take_go (rig.puncher, 1, rig.now_us);
  wzp_puncher_take_go (rig.puncher, 2, rig.now_us + 2 * SEC);
  rig_run (&rig, 13002 * SEC);
  g_array_set_size (rig.done, 0);
  rig_run (&rig, 13003 * SEC);
  rig_assert_punched (&rig, last);
  rig_assert_punched (&rig, HOST_TEXT);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/puncher-fresh/round", test_fresh);
  g_test_add_func ("/puncher-fresh/none", test_no_fresh);
  g_test_add_func ("/puncher-fresh/and-old", test_fresh_and_old);
  g_test_add_func ("/puncher-fresh/acceptor", test_acceptor);
  g_test_add_func ("/puncher-fresh/past-candidates", test_past_candidates);
  return wzp_test_run ();
}
