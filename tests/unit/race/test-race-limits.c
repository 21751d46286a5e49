/* The numbers of wzp-race.h: how long each path is waited for, and the bounds
 * of what comes from outside. */
#include "race-rig.h"
#include "wzp-test.h"

static void
test_direct_timeout_moves_relay (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 2);
  const char *reason;
  gint64 took;

  g_test_summary ("2 s for direct, then the relay gets 5 s more");
  assert_actions (race, T0, "dial-relay dial:0 dial:1");
  assert_actions (race, T0 + 2 * SEC - 1, "");
  assert_actions (race, T0 + 2 * SEC, "abort:0 abort:1");
  g_assert_cmpint (
      wzp_race_get_dial (race, 0, &reason, &took), ==, WZP_DIAL_ABORTED);
  g_assert_cmpstr (reason, ==, "no answer within 2000 ms");
  g_assert_cmpint (took, ==, 2 * SEC);
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 7 * SEC);
  assert_actions (race, T0 + 7 * SEC - 1, "");
  assert_actions (race, T0 + 7 * SEC, "abort-relay failed");
  g_assert_cmpint (wzp_race_get_state (race), ==, WZP_RACE_FAILED);
  g_assert_error (wzp_race_get_error (race), WZP_ERROR, WZP_ERROR_TIMED_OUT);
  g_assert_cmpstr (wzp_race_get_error (race)->message, ==,
      "No path to the peer: direct: no answer within 2000 ms, 2 dialled; "
      "relay: no answer within 7000 ms");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, -1);
}

static void
test_one_late_step (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 1);
  gint64 took;

  g_test_summary ("However late the step, times are those of the rules");
  assert_actions (race, T0, "dial-relay dial:0");
  assert_actions (race, T0 + 3600 * SEC, "abort:0 abort-relay failed");
  wzp_race_get_relay_dial (race, NULL, &took);
  g_assert_cmpint (took, ==, 7 * SEC);
}

static void
test_up_at_the_deadline (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 1);

  assert_actions (race, T0, "dial-relay dial:0");
  wzp_race_dial_up (race, 0, T0 + 2 * SEC);
  assert_actions (race, T0 + 2 * SEC, "won:direct:0");
}

static void
test_direct_failed_moves_relay (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 2);

  g_test_summary ("Only when all dials have failed has direct failed");
  assert_actions (race, T0, "dial-relay dial:0 dial:1");
  wzp_race_dial_failed (race, 1, "refused", T0 + 100 * MS);
  g_assert_cmpint (wzp_race_get_deadline (race), <=, T0 + 100 * MS);
  assert_actions (race, T0 + 100 * MS, "");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 2 * SEC);
  wzp_race_dial_failed (race, 0, NULL, T0 + 300 * MS);
  assert_actions (race, T0 + 300 * MS, "");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 5300 * MS);
  assert_actions (race, T0 + 5300 * MS - 1, "");
  assert_actions (race, T0 + 5300 * MS, "abort-relay failed");
  g_assert_error (wzp_race_get_error (race), WZP_ERROR, WZP_ERROR_UNREACHABLE);
  g_assert_cmpstr (wzp_race_get_error (race)->message, ==,
      "No path to the peer: direct: 2 of 2 dials failed: 10.0.0.1:4000: no "
      "reason given, 10.0.0.2:4001: refused; relay: no answer within 5300 ms");
}

static void
test_relay_timeout_alone (void)
{
  WzpRaceConfig config = race_rig_config_for (WZP_ROLE_DIALER);

  g_test_summary ("10 s where direct was never begun");
  for (guint i = 0; i < 2; i++) {
    g_autoptr (WzpRace) race = NULL;

    config.direct_allowed = i == 0;
    race = race_rig_start_with (&config, i == 0 ? 0 : 3);
    assert_actions (race, T0, "dial-relay");
    g_assert_cmpuint (wzp_race_get_n_dials (race), ==, 0);
    assert_actions (race, T0 + 10 * SEC - 1, "");
    assert_actions (race, T0 + 10 * SEC, "abort-relay failed");
    g_assert_error (wzp_race_get_error (race), WZP_ERROR, WZP_ERROR_TIMED_OUT);
    g_assert_cmpstr (wzp_race_get_error (race)->message, ==,
        i == 0 ? "No path to the peer: direct: nothing to dial; relay: no "
                 "answer within 10000 ms"
               : "No path to the peer: direct: not allowed; relay: no answer "
                 "within 10000 ms");
  }
}

static void
test_relay_limit_before_grace (void)
{
  WzpRaceConfig config = race_rig_config_for (WZP_ROLE_DIALER);
  g_autoptr (WzpRace) race = NULL;

  config.relay_timeout_us = 3 * SEC;
  race = race_rig_start_with (&config, 1);
  assert_actions (race, T0 + 2 * SEC, "dial-relay dial:0 abort:0");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 3 * SEC);
}

static void
test_relay_failed_moves_direct (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 1);

  g_test_summary ("1.5 s more for direct once the relay failed");
  assert_actions (race, T0, "dial-relay dial:0");
  wzp_race_relay_failed (race, "no such room", T0 + 200 * MS);
  assert_actions (race, T0 + 200 * MS, "");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 1700 * MS);
  assert_actions (race, T0 + 1700 * MS - 1, "");
  assert_actions (race, T0 + 1700 * MS, "abort:0 failed");
  g_assert_cmpstr (wzp_race_get_error (race)->message, ==,
      "No path to the peer: direct: no answer within 1700 ms, 1 dialled; "
      "relay: no such room");
}

static void
test_direct_grace_within_its_limit (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 1);

  assert_actions (race, T0, "dial-relay dial:0");
  wzp_race_relay_failed (race, "x", T0 + 1900 * MS);
  assert_actions (race, T0 + 1900 * MS, "");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 2 * SEC);
  wzp_race_dial_up (race, 0, T0 + 1950 * MS);
  assert_actions (race, T0 + 1950 * MS, "won:direct:0");
}

static void
test_relay_timeout_moves_direct (void)
{
  WzpRaceConfig config = race_rig_config_for (WZP_ROLE_DIALER);
  g_autoptr (WzpRace) race = NULL;

  config.relay_timeout_us = 100 * MS;
  race = race_rig_start_with (&config, 1);
  assert_actions (race, T0 + 100 * MS, "dial-relay dial:0 abort-relay");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 1600 * MS);
}

static void
test_bounds (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 0);
  WzpCandidateList list = { 0 };
  WzpRaceAction action;
  guint n = 0;

  g_test_summary ("At most WZP_RACE_MAX_DIALS, and no action is lost of them");
  for (guint i = 0; i < WZP_RACE_MAX_DIALS; i++) {
    WzpCandidate c = race_rig_candidate (i);

    g_assert_cmpint (wzp_race_add_candidate (race, &c, T0), ==, (int) i);
  }
  {
    WzpCandidate c = race_rig_candidate (WZP_RACE_MAX_DIALS);

    g_assert_cmpint (wzp_race_add_candidate (race, &c, T0), ==, -1);
  }
  wzp_race_relay_up (race, T0);
  while (wzp_race_step (race, T0 + 3 * SEC, &action))
    n++;
  /* dial relay, 16 dials, 16 aborts, won, gave up */
  g_assert_cmpuint (n, ==, 2 * WZP_RACE_MAX_DIALS + 3);

  /* A list that says it is longer than it can be. */
  {
    WzpRaceConfig config = race_rig_config_for (WZP_ROLE_DIALER);
    g_autoptr (WzpRace) lied = wzp_race_new (&config);

    list = race_rig_candidates (WZP_CANDIDATES_MAX);
    list.items[3] = list.items[2]; /* and the same twice */
    list.n = 1000;
    wzp_race_start (lied, &list, T0);
    g_assert_cmpuint (wzp_race_get_n_dials (lied), ==, WZP_CANDIDATES_MAX - 1);
  }
}

static void
test_bad_indices (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 2);

  assert_actions (race, T0, "dial-relay dial:0 dial:1");
  wzp_race_dial_up (race, -1, T0);
  wzp_race_dial_up (race, 2, T0);
  wzp_race_dial_up (race, G_MAXINT, T0);
  wzp_race_dial_failed (race, -1, "x", T0);
  wzp_race_dial_failed (race, G_MAXINT, "x", T0);
  assert_actions (race, T0, "");
}

static void
test_reasons (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 7);
  g_autofree char *huge = g_strnfill (100000, 'x');
  const char *reason;

  g_test_summary ("A hostile reason is cut and made text; few are named");
  assert_actions (
      race, T0, "dial-relay dial:0 dial:1 dial:2 dial:3 dial:4 dial:5 dial:6");
  for (int i = 0; i < 7; i++)
    wzp_race_dial_failed (race, i, i == 0 ? "a\xff\xfe" : huge, T0);
  wzp_race_relay_failed (race, huge, T0);
  assert_actions (race, T0, "failed");
  wzp_race_get_dial (race, 0, &reason, NULL);
  g_assert_true (g_utf8_validate (reason, -1, NULL));
  wzp_race_get_dial (race, 1, &reason, NULL);
  g_assert_cmpuint (strlen (reason), ==, WZP_RACE_MAX_REASON);
  g_assert_true (
      g_utf8_validate (wzp_race_get_error (race)->message, -1, NULL));
  g_assert_nonnull (
      strstr (wzp_race_get_error (race)->message, " and 3 more; relay: "));
  g_assert_cmpuint (strlen (wzp_race_get_error (race)->message), <, 1000);
}

static void
test_wild_numbers (void)
{
  WzpRaceConfig config = race_rig_config_for (WZP_ROLE_DIALER);
  g_autoptr (WzpRace) zero = NULL;
  g_autoptr (WzpRace) huge = NULL;

  config.direct_timeout_us = config.relay_timeout_us = -5;
  config.relay_grace_us = config.direct_grace_us = G_MININT64;
  zero = race_rig_start_with (&config, 1);
  assert_actions (zero, T0, "dial-relay dial:0 abort:0 abort-relay failed");

  config.direct_timeout_us = config.relay_timeout_us = G_MAXINT64;
  config.relay_grace_us = config.direct_grace_us = G_MAXINT64;
  huge = race_rig_start_with (&config, 1);
  assert_actions (huge, T0, "dial-relay dial:0");
  g_assert_cmpint (
      wzp_race_get_deadline (huge), ==, T0 + WZP_RACE_MAX_TIMEOUT_US);
}

static void
test_clock_goes_back (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 1);
  gint64 took;

  assert_actions (race, T0 + SEC, "dial-relay dial:0");
  wzp_race_relay_up (race, T0 - SEC);
  assert_actions (race, T0 - SEC, "won:relay");
  wzp_race_get_relay_dial (race, NULL, &took);
  g_assert_cmpint (took, ==, SEC);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func (
      "/race/limits/direct-timeout", test_direct_timeout_moves_relay);
  g_test_add_func ("/race/limits/one-late-step", test_one_late_step);
  g_test_add_func ("/race/limits/up-at-deadline", test_up_at_the_deadline);
  g_test_add_func (
      "/race/limits/direct-failed", test_direct_failed_moves_relay);
  g_test_add_func ("/race/limits/relay-alone", test_relay_timeout_alone);
  g_test_add_func (
      "/race/limits/relay-before-grace", test_relay_limit_before_grace);
  g_test_add_func ("/race/limits/relay-failed", test_relay_failed_moves_direct);
  g_test_add_func (
      "/race/limits/direct-grace", test_direct_grace_within_its_limit);
  g_test_add_func (
      "/race/limits/relay-timeout", test_relay_timeout_moves_direct);
  g_test_add_func ("/race/bad/bounds", test_bounds);
  g_test_add_func ("/race/bad/indices", test_bad_indices);
  g_test_add_func ("/race/bad/reasons", test_reasons);
  g_test_add_func ("/race/bad/numbers", test_wild_numbers);
  g_test_add_func ("/race/bad/clock", test_clock_goes_back);
  return wzp_test_run ();
}
