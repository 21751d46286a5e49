#include "puncher-rig.h"

/* ---- a round ---- */

static void
test_near (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, HOST_TEXT);

  g_test_summary ("On the same network: no opener, no wait");
  rig_run (&rig, 60 * SEC);
  rig_assert_done (&rig, NULL,
      "p@0 dial@0 p@33 p@66 p@133 p@266 p@533 p@1000 p@2000 p@3500");
}

static void
test_far (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  const WzpCandidate candidate = { .addr = rig_addr (FAR_TEXT),
    .type = WZP_CANDIDATE_SERVER_REFLEXIVE };

  g_test_summary ("Openers, and the rest when the peer's are out for sure");
  g_assert_true (wzp_puncher_holds (rig.puncher, &candidate));
  rig_run (&rig, 60 * SEC);
  rig_assert_done (&rig, NULL,
      "3@0 4@5 p@175 dial@175 p@208 p@241 p@308 p@441 p@708 p@1175 p@2175 "
      "p@3675");
}

static void
test_open_peer (void)
{
  WzpCandidateList list = { 0 };
  g_autoptr (WzpPuncher) puncher = wzp_puncher_new (WZP_ROLE_DIALER, TRUE, 1);
  WzpPuncherAction action;

  g_test_summary ("No NAT in front of the peer: nothing is held back");
  rig_add_candidate (&list, FAR_TEXT);
  wzp_puncher_start (puncher, &list, T0);
  g_assert_false (wzp_puncher_holds (puncher, &list.items[0]));
  g_assert_true (wzp_puncher_step (puncher, T0, &action));
  g_assert_cmpint (action.type, ==, WZP_PUNCHER_ACTION_SEND);
  g_assert_cmpuint (action.ttl, ==, 0);
}

static void
test_go (void)
{
  g_auto (Rig) dialer = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  g_auto (Rig) acceptor = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);

  g_test_summary ("The Dialer says GO and begins half a round trip later");
  rig_run (&dialer, 60 * MS);
  rig_assert_done (&dialer, NULL, "3@0 4@5");
  wzp_puncher_set_rtt (dialer.puncher, 40 * MS);
  wzp_puncher_relay_heard (dialer.puncher, dialer.now_us);
  rig_run (&dialer, 400 * MS);
  rig_assert_done (&dialer, NULL,
      "go1@60 p@80 dial@80 go1@100 p@113 p@146 go1@180 p@213 go1@340 p@346");

  rig_run (&acceptor, 80 * MS);
  wzp_puncher_take_go (acceptor.puncher, 1, acceptor.now_us);
  wzp_puncher_take_go (acceptor.puncher, 1, acceptor.now_us);
  rig_run (&acceptor, 120 * MS);
  wzp_puncher_take_go (acceptor.puncher, 1, acceptor.now_us);
  rig_run (&acceptor, 150 * MS);
  rig_assert_done (&acceptor, NULL, "3@0 4@5 p@80 p@113 p@146");
}

static void
test_late_go (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);

  g_test_summary ("What went out in vain long before goes out again");
  rig_run (&rig, 400 * MS);
  rig_assert_done (&rig, NULL, "3@0 4@5 p@175 p@208 p@241 p@308");
  wzp_puncher_take_go (rig.puncher, 1, rig.now_us);
  rig_run (&rig, 440 * MS);
  rig_assert_done (&rig, NULL, "p@400 p@433");
}

static void
test_heard (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  WzpPuncherStats stats;

  g_test_summary ("A punch from elsewhere: answered, dialled, punched");
  rig_run (&rig, 50 * MS);
  rig_assert_done (&rig, NULL, "3@0 4@5");
  g_assert_true (rig_hear (&rig, WZP_PUNCH_KIND_PUNCH, 7, "203.0.113.7:9999"));
  g_assert_false (rig_hear (&rig, WZP_PUNCH_KIND_PUNCH, 7, "203.0.113.7:8888"));
  rig_run (&rig, 80 * MS);
  g_assert_cmpuint (g_array_index (rig.done, Done, 1).action.punch.echo, ==, 7);
  g_assert_cmpint (g_array_index (rig.done, Done, 0).action.candidate, ==,
      WZP_CANDIDATE_PEER_REFLEXIVE);
  {
    g_autofree char *got = rig_describe (&rig, "203.0.113.7:9999");

    g_assert_cmpstr (got, ==, "dial@50 a@50 p@60");
  }
  rig_assert_done (&rig, FAR_TEXT, "p@55 dial@55");

  /* An answer is not answered; the same place is not dialled again at once. */
  g_assert_true (rig_hear (&rig, WZP_PUNCH_KIND_ANSWER, 8, "203.0.113.7:9999"));
  rig_run (&rig, 149 * MS);
  {
    g_autofree char *got = rig_describe (&rig, "203.0.113.7:9999");

    g_assert_cmpstr (got, ==, "p@88 p@121");
  }
  g_array_set_size (rig.done, 0);
  rig_run (&rig, 150 * MS);
  rig_assert_done (&rig, "203.0.113.7:9999", "dial@150");
  wzp_puncher_get_stats (rig.puncher, &stats);
  g_assert_cmpuint (stats.heard, ==, 2);
  g_assert_cmpuint (stats.repeated, ==, 1);
  g_assert_cmpuint (stats.n_reflexive, ==, 1);
}

static void
test_own_punch (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);

  g_test_summary ("One's own, sent back by a mirror, is nothing");
  rig_run (&rig, 10 * MS);
  g_assert_false (rig_hear (&rig, WZP_PUNCH_KIND_PUNCH, 1, FAR_TEXT));
  g_array_set_size (rig.done, 0);
  rig_run (&rig, 100 * MS);
  rig_assert_done (&rig, NULL, "");
}

static void
test_best_pairs (void)
{
  WzpCandidateList list = { 0 };
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  g_test_summary ("Eight of sixteen, the reflexive one among them");
  for (guint i = 0; i < WZP_CANDIDATES_MAX - 1; i++) {
    g_autofree char *text = g_strdup_printf ("192.168.1.%u:4000", i + 1);

    rig_add_candidate (&list, text);
  }
  rig_add_candidate (&list, "203.0.113.77:4000");
  {
    g_auto (Rig) rig = rig_new (WZP_ROLE_ACCEPTOR, &list);
    gboolean has_far = FALSE;

    rig_run (&rig, 60 * SEC);
    for (guint i = 0; i < rig.done->len; i++) {
      const Done *done = &g_array_index (rig.done, Done, i);
      const WzpAddr *addr = &done->action.addr;

      g_hash_table_add (seen, GUINT_TO_POINTER (addr->ip[3]));
      has_far |= addr->ip[0] == 203;
      if (i > 0)
        g_assert_cmpint (
            done->at_us - g_array_index (rig.done, Done, i - 1).at_us, >=,
            WZP_PUNCHER_SPACING_US);
    }
    g_assert_cmpuint (g_hash_table_size (seen), ==, WZP_PUNCHER_MAX_PAIRS);
    g_assert_true (has_far);
    g_assert_cmpuint (rig.done->len, ==,
        WZP_PUNCHER_MAX_PAIRS * WZP_PUNCHER_TIMES + WZP_PUNCHER_OPENERS);
  }
}

/* ---- rounds ---- */

static void
collect_rounds (const Rig *rig, GArray *times)
{
  guint64 last = 0;

  for (guint i = 0; i < rig->done->len; i++) {
    const Done *done = &g_array_index (rig->done, Done, i);
    const gint64 at = done->at_us - T0;

    if (done->action.type != WZP_PUNCHER_ACTION_GO ||
        done->action.round == last)
      continue;
    last = done->action.round;
    g_array_append_val (times, at);
  }
}

static void
test_timetable (void)
{
  static const gint64 first[] = { 0, 5, 10, 20, 40 };
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));

  wzp_puncher_relay_heard (rig.puncher, T0);
  rig_run (&rig, 3600 * SEC);
  collect_rounds (&rig, times);
  g_assert_cmpuint (times->len, >, 45);
  g_assert_cmpuint (times->len, <, 80);
  for (guint i = 0; i < times->len; i++) {
    const gint64 at = g_array_index (times, gint64, i);
    const gint64 before = i > 0 ? g_array_index (times, gint64, i - 1) : 0;

    if (i < G_N_ELEMENTS (first)) {
      g_assert_cmpint (at, ==, first[i] * SEC);
    } else {
      g_assert_cmpint (at - before, >=, 48 * SEC);
      g_assert_cmpint (at - before, <=, 72 * SEC);
    }
  }
}

static void
test_later_round (void)
{
  g_auto (Rig) dialer = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  g_auto (Rig) acceptor = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);

  g_test_summary ("Openers anew; dialled is what was heard");
  wzp_puncher_relay_heard (dialer.puncher, T0);
  wzp_puncher_set_rtt (dialer.puncher, 40 * MS);
  rig_run (&dialer, 4900 * MS);
  g_array_set_size (dialer.done, 0);
  rig_run (&dialer, 5400 * MS);
  rig_assert_done (&dialer, NULL,
      "go2@5000 3@5020 4@5025 go2@5040 go2@5120 p@5195 p@5228 p@5261 "
      "go2@5280 p@5328");
  g_assert_true (rig_hear (&dialer, WZP_PUNCH_KIND_PUNCH, 1, FAR_TEXT));
  rig_run (&dialer, 5410 * MS);
  rig_assert_done (&dialer, NULL, "dial@5400 a@5400");

  rig_run (&acceptor, 5020 * MS);
  g_array_set_size (acceptor.done, 0);
  wzp_puncher_take_go (acceptor.puncher, 2, acceptor.now_us);
  rig_run (&acceptor, 5300 * MS);
  rig_assert_done (&acceptor, NULL, "3@5020 4@5025 p@5195 p@5228 p@5261");
}

static void
test_kick (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  g_auto (Rig) acceptor = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));

  g_test_summary ("At once, but not twice in two seconds; then as at first");
  wzp_puncher_relay_heard (rig.puncher, T0);
  rig_run (&rig, 100 * SEC);
  g_array_set_size (rig.done, 0);
  wzp_puncher_kick (rig.puncher, rig.now_us);
  rig_run (&rig, 100500 * MS);
  wzp_puncher_kick (rig.puncher, rig.now_us);
  rig_run (&rig, 120 * SEC);
  collect_rounds (&rig, times);
  g_assert_cmpuint (times->len, ==, 4);
  g_assert_cmpint (g_array_index (times, gint64, 0), ==, 100 * SEC);
  g_assert_cmpint (g_array_index (times, gint64, 1), ==, 102 * SEC);
  g_assert_cmpint (g_array_index (times, gint64, 2), ==, 105500 * MS);
  g_assert_cmpint (g_array_index (times, gint64, 3), ==, 110500 * MS);

  /* The Acceptor asks; who is asked follows. */
  rig_run (&acceptor, 10 * SEC);
  g_array_set_size (acceptor.done, 0);
  wzp_puncher_kick (acceptor.puncher, acceptor.now_us);
  rig_run (&acceptor, 11 * SEC);
  rig_assert_done (&acceptor, NULL, "");
  wzp_puncher_relay_heard (acceptor.puncher, acceptor.now_us);
  wzp_puncher_kick (acceptor.puncher, acceptor.now_us);
  rig_run (&acceptor, 12 * SEC);
  rig_assert_done (&acceptor, NULL, "go0@11000 go0@11040 go0@11120 go0@11280");
  g_array_set_size (rig.done, 0);
  wzp_puncher_take_go (rig.puncher, 0, rig.now_us);
  rig_run (&rig, 120010 * MS);
  rig_assert_done (&rig, NULL, "go10@120000 3@120000 4@120005");
}

static void
test_direct (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);

  g_test_summary ("Direct is up: silence. Lost: at once anew");
  wzp_puncher_relay_heard (rig.puncher, T0);
  rig_run (&rig, 100 * MS);
  wzp_puncher_set_direct (rig.puncher, TRUE, rig.now_us);
  g_array_set_size (rig.done, 0);
  g_assert_cmpint (wzp_puncher_get_deadline (rig.puncher), ==, -1);
  g_assert_true (rig_hear (&rig, WZP_PUNCH_KIND_PUNCH, 1, FAR_TEXT));
  rig_run (&rig, 100 * SEC);
  rig_assert_done (&rig, NULL, "");
  wzp_puncher_set_direct (rig.puncher, FALSE, rig.now_us);
  rig_run (&rig, 100010 * MS);
  rig_assert_done (&rig, NULL, "go2@100000 3@100000 4@100005");
}

static void
test_direct_refused (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);

  g_test_summary ("Up for a moment in the first round: the round goes on");
  rig_run (&rig, 40 * MS);
  wzp_puncher_set_direct (rig.puncher, TRUE, rig.now_us);
  wzp_puncher_relay_heard (rig.puncher, rig.now_us);
  rig_run (&rig, 300 * MS);
  rig_assert_done (&rig, NULL, "3@0 4@5");
  wzp_puncher_set_direct (rig.puncher, FALSE, rig.now_us);
  rig_run (&rig, 1200 * MS);
  rig_assert_done (&rig, NULL,
      "go1@300 p@300 dial@300 p@333 go1@340 p@366 go1@420 p@433 p@566 go1@580 "
      "p@833");
  rig_run (&rig, 2010 * MS);
  rig_assert_done (&rig, NULL, "p@1300 go2@2000 3@2000 4@2005");
}

static void
test_new_candidates (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  WzpCandidateList list = { 0 };

  wzp_puncher_relay_heard (rig.puncher, T0);
  rig_run (&rig, 30 * SEC);
  g_array_set_size (rig.done, 0);
  rig_add_candidate (&list, FAR_TEXT);
  g_assert_false (wzp_puncher_add_candidates (rig.puncher, &list, rig.now_us));
  rig_add_candidate (&list, HOST_TEXT);
  g_assert_true (wzp_puncher_add_candidates (rig.puncher, &list, rig.now_us));
  rig_run (&rig, 30010 * MS);
  rig_assert_done (&rig, NULL, "go5@30000 3@30000 p@30005 4@30010");
}

/* ---- NATs that give ports in a row ---- */

static void
test_expected_ports (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);

  g_test_summary ("Six ports from what the peer said, dialled when heard");
  rig_run (&rig, 50 * MS);
  wzp_puncher_expect_ports (rig.puncher, 0, 1, rig.now_us);
  wzp_puncher_expect_ports (rig.puncher, 40001, 0, rig.now_us);
  wzp_puncher_expect_ports (
      rig.puncher, 40001, WZP_NAT_MAX_PORT_STEP + 1, rig.now_us);
  rig_run (&rig, 60 * MS);
  rig_assert_done (&rig, NULL, "3@0 4@5");
  wzp_puncher_expect_ports (rig.puncher, 40001, 2, rig.now_us);
  rig_run (&rig, 170 * MS);
  rig_assert_done (&rig, NULL, "p@60 p@65 p@70 p@75 p@80 p@85");
  rig_run (&rig, 4 * SEC);
  rig_assert_done (&rig, "203.0.113.7:40011", "p@218 p@618 p@2085");
  g_assert_true (rig_hear (&rig, WZP_PUNCH_KIND_PUNCH, 1, "203.0.113.7:40005"));
  rig_run (&rig, 4100 * MS);
  rig_assert_done (&rig, "203.0.113.7:40005", "dial@4000 a@4000");

  /* Others take their place, and none is beyond the last port. */
  wzp_puncher_expect_ports (rig.puncher, 65535, 1, rig.now_us);
  wzp_puncher_expect_ports (rig.puncher, 50000, 16, rig.now_us);
  rig_run (&rig, 4200 * MS);
  for (guint i = 0; i < rig.done->len; i++)
    g_assert_cmpuint (
        g_array_index (rig.done, Done, i).action.addr.port, >=, 50000);
}

static void
test_expected_port (void)
{
  WzpCandidateList list = { 0 };

  g_test_summary ("Both NATs in a row: one port, and how many are gone");
  rig_add_candidate (&list, HOST_TEXT);
  rig_add_candidate (&list, FAR_TEXT);
  rig_add_candidate (&list, "[fd00::1]:4000");
  {
    g_auto (Rig) rig = rig_new (WZP_ROLE_ACCEPTOR, &list);

    g_assert_cmpuint (wzp_puncher_count_used (rig.puncher), ==, 0);
    rig_run (&rig, 50 * MS);
    g_assert_cmpuint (wzp_puncher_count_used (rig.puncher), ==, 2);
    g_array_set_size (rig.done, 0);
    wzp_puncher_expect_port (rig.puncher, 0, rig.now_us);
    wzp_puncher_expect_port (rig.puncher, 40002, rig.now_us);
    rig_run (&rig, 60 * MS);
    rig_assert_done (&rig, "203.0.113.7:40002", "p@50");
  }
}

static void
test_sequential (void)
{
  WzpCandidateList list = { 0 };
  Rig rig = { .puncher = wzp_puncher_new (WZP_ROLE_DIALER, FALSE, 1),
    .done = g_array_new (FALSE, FALSE, sizeof (Done)),
    .now_us = T0 };

  g_test_summary ("Behind one: the opener first of all, and more patience");
  rig_add_candidate (&list, HOST_TEXT);
  rig_add_candidate (&list, FAR_TEXT);
  wzp_puncher_set_sequential (rig.puncher);
  wzp_puncher_start (rig.puncher, &list, T0);
  rig_run (&rig, 10 * MS);
  rig_assert_done (&rig, NULL, "3@0 p@5 dial@5 4@10");
  rig_run (&rig, 1600 * MS);
  rig_assert_done (&rig, FAR_TEXT, "p@1500 dial@1500 p@1533 p@1566");
  rig_clear (&rig);
}

static void
test_nothing (void)
{
  g_autoptr (WzpPuncher) puncher = wzp_puncher_new (WZP_ROLE_DIALER, FALSE, 1);
  const WzpPunch punch = { .kind = WZP_PUNCH_KIND_PUNCH, .number = 1 };
  const WzpAddr from = rig_addr (FAR_TEXT);
  WzpPuncherAction action;

  g_test_summary ("Before the start, and with nothing to punch");
  wzp_puncher_kick (puncher, T0);
  wzp_puncher_take_go (puncher, 1, T0);
  g_assert_false (wzp_puncher_take_punch (puncher, &punch, &from, FALSE, T0));
  g_assert_false (wzp_puncher_step (puncher, T0, &action));
  g_assert_cmpint (wzp_puncher_get_deadline (puncher), ==, -1);
  wzp_puncher_start (puncher, NULL, T0);
  g_assert_false (wzp_puncher_step (puncher, T0, &action));
  g_assert_cmpint (wzp_puncher_get_deadline (puncher), ==, -1);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/puncher/near", test_near);
  g_test_add_func ("/puncher/far", test_far);
  g_test_add_func ("/puncher/open-peer", test_open_peer);
  g_test_add_func ("/puncher/go", test_go);
  g_test_add_func ("/puncher/late-go", test_late_go);
  g_test_add_func ("/puncher/heard", test_heard);
  g_test_add_func ("/puncher/own-punch", test_own_punch);
  g_test_add_func ("/puncher/best-pairs", test_best_pairs);
  g_test_add_func ("/puncher/timetable", test_timetable);
  g_test_add_func ("/puncher/later-round", test_later_round);
  g_test_add_func ("/puncher/kick", test_kick);
  g_test_add_func ("/puncher/direct", test_direct);
  g_test_add_func ("/puncher/direct-refused", test_direct_refused);
  g_test_add_func ("/puncher/new-candidates", test_new_candidates);
  g_test_add_func ("/puncher/expected-ports", test_expected_ports);
  g_test_add_func ("/puncher/expected-port", test_expected_port);
  g_test_add_func ("/puncher/sequential", test_sequential);
  g_test_add_func ("/puncher/nothing", test_nothing);
  return wzp_test_run ();
}
