#include "puncher-rig.h"

/* The most packets, of those that @matches, in any minute. */
static guint
most_in_a_minute (const Rig *rig, const WzpAddr *ip, gint64 since_us)
{
  guint most = 0;

  for (guint i = 0; i < rig->done->len; i++) {
    const gint64 from = g_array_index (rig->done, Done, i).at_us;
    guint n = 0;

    if (from < T0 + since_us)
      continue;
    for (guint j = i; j < rig->done->len; j++) {
      const Done *done = &g_array_index (rig->done, Done, j);

      if (done->at_us - from >= 60 * SEC)
        break;
      n += done->action.type == WZP_PUNCHER_ACTION_SEND &&
          (ip == NULL || wzp_addr_equal_ip (&done->action.addr, ip));
    }
    most = MAX (most, n);
  }
  return most;
}

static guint
count_dials (const Rig *rig)
{
  return rig_count (rig, WZP_PUNCHER_ACTION_DIAL);
}

static WzpCandidateList
many_candidates (guint first_port, gboolean same_ip)
{
  WzpCandidateList list = { 0 };

  for (guint i = 0; i < WZP_CANDIDATES_MAX; i++) {
    g_autofree char *text = g_strdup_printf ("203.0.113.%u:%u",
        same_ip ? 66 : (first_port + i) % 250 + 1, first_port + i);

    rig_add_candidate (&list, text);
  }
  return list;
}

static void
test_idle_limit (void)
{
  const WzpCandidateList list = many_candidates (4000, FALSE);
  g_auto (Rig) rig = rig_new (WZP_ROLE_DIALER, &list);
  WzpPuncherStats stats;

  g_test_summary ("Sixteen candidates: 60 packets in any minute when idle");
  wzp_puncher_relay_heard (rig.puncher, T0);
  rig_run (&rig, 1800 * SEC);
  g_assert_cmpuint (most_in_a_minute (&rig, NULL, WZP_PUNCH_BURST_US), ==,
      WZP_PUNCH_MAX_A_MINUTE);
  wzp_puncher_get_stats (rig.puncher, &stats);
  g_assert_cmpuint (stats.suppressed, >, 0);
  g_assert_cmpuint (count_dials (&rig), ==, WZP_PUNCHER_MAX_PAIRS);
}

static void
test_kick_limit (void)
{
  const WzpCandidateList list = many_candidates (4000, FALSE);
  g_auto (Rig) rig = rig_new (WZP_ROLE_DIALER, &list);

  g_test_summary ("A network that changes all the time");
  wzp_puncher_relay_heard (rig.puncher, T0);
  for (guint i = 1; i < 600; i++) {
    rig_run (&rig, i * SEC);
    wzp_puncher_kick (rig.puncher, rig.now_us);
  }
  g_assert_cmpuint (most_in_a_minute (&rig, NULL, 0), <=,
      2 * WZP_PUNCH_MAX_BURST + WZP_PUNCH_MAX_A_MINUTE);
}

static void
test_victim (void)
{
  static const WzpRole roles[] = { WZP_ROLE_DIALER, WZP_ROLE_ACCEPTOR };
  const WzpAddr victim = rig_addr ("203.0.113.66:1");

  g_test_summary (
      "A peer that has somebody else in mind: lists him sixteen "
      "times, again with other ports, in punches, asking for rounds");
  for (guint r = 0; r < G_N_ELEMENTS (roles); r++) {
    const WzpCandidateList list = many_candidates (4000, TRUE);
    g_auto (Rig) rig = rig_new (roles[r], &list);
    guint32 number = 0;

    wzp_puncher_relay_heard (rig.puncher, T0);
    for (guint i = 1; i < 3000; i++) {
      const WzpCandidateList more = many_candidates (4000 + 16 * i, TRUE);
      const WzpPunch punch = {
        .kind = WZP_PUNCH_KIND_PUNCH, .role = roles[1 - r], .number = ++number
      };
      WzpAddr from = victim;

      rig_run (&rig, i * 100 * MS);
      wzp_puncher_add_candidates (rig.puncher, &more, rig.now_us);
      wzp_puncher_take_go (
          rig.puncher, roles[r] == WZP_ROLE_DIALER ? 0 : i, rig.now_us);
      from.port = (guint16) (1 + g_test_rand_int_range (0, 60000));
      wzp_puncher_take_punch (rig.puncher, &punch, &from, FALSE, rig.now_us);
    }
    g_assert_cmpuint (
        most_in_a_minute (&rig, &victim, 0), <=, WZP_PUNCH_MAX_TO_ADDRESS);
    g_assert_cmpuint (most_in_a_minute (&rig, NULL, WZP_PUNCH_BURST_US), <=,
        WZP_PUNCH_MAX_A_MINUTE);
    g_assert_cmpuint (
        count_dials (&rig), <=, 5 * WZP_PUNCH_MAX_DIALS_TO_ADDRESS);
    g_assert_cmpuint (rig_count (&rig, WZP_PUNCHER_ACTION_GO), <=,
        150 * WZP_PUNCHER_GO_COPIES);
    g_test_message ("%s: %u packets and %u dials in 300 s",
        wzp_role_to_string (roles[r]), rig.done->len, count_dials (&rig));
  }
}

static void
test_many_reflexive (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  WzpPuncherStats stats;

  g_test_summary ("Punches from everywhere: eight places a minute are learnt");
  for (guint i = 0; i < 1000; i++) {
    g_autofree char *from =
        g_strdup_printf ("198.51.100.%u:%u", i % 250 + 1, i + 1);

    rig_run (&rig, i * 50 * MS);
    g_assert_true (rig_hear (&rig, WZP_PUNCH_KIND_PUNCH, i + 1, from));
  }
  wzp_puncher_get_stats (rig.puncher, &stats);
  g_assert_cmpuint (stats.n_reflexive, ==, WZP_PUNCHER_MAX_REFLEXIVE);
  g_assert_cmpuint (count_dials (&rig), <=, 1 + WZP_PUNCHER_MAX_REFLEXIVE);
  /* A minute later there is room for others, in the place of the oldest. */
  rig_run (&rig, 200 * SEC);
  g_array_set_size (rig.done, 0);
  g_assert_true (
      rig_hear (&rig, WZP_PUNCH_KIND_PUNCH, 2000, "198.51.100.251:1"));
  rig_run (&rig, 201 * SEC);
  g_assert_cmpuint (count_dials (&rig), ==, 1);
  wzp_puncher_get_stats (rig.puncher, &stats);
  g_assert_cmpuint (stats.n_reflexive, ==, WZP_PUNCHER_MAX_REFLEXIVE);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/puncher-limits/idle-limit", test_idle_limit);
  g_test_add_func ("/puncher-limits/kick-limit", test_kick_limit);
  g_test_add_func ("/puncher-limits/victim", test_victim);
  g_test_add_func ("/puncher-limits/many-reflexive", test_many_reflexive);
  return wzp_test_run ();
}
