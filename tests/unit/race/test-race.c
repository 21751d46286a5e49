/* The rules of wzp-race.h, one by one; its limits: test-race-limits.c. */
#include "race-rig.h"
#include "wzp-test.h"

static void
test_defaults (void)
{
  WzpRaceConfig config;

  wzp_race_config_init (&config);
  g_assert_cmpint (config.direct_timeout_us, ==, 2 * SEC);
  g_assert_cmpint (config.relay_timeout_us, ==, 10 * SEC);
  g_assert_cmpint (config.relay_grace_us, ==, 5 * SEC);
  g_assert_cmpint (config.direct_grace_us, ==, 1500 * MS);
  g_assert_true (config.keep_relay);
  g_assert_true (config.direct_allowed);
  g_assert_true (config.relay_allowed);
}

static void
test_idle (void)
{
  WzpRaceConfig config = race_rig_config_for (WZP_ROLE_DIALER);
  g_autoptr (WzpRace) race = wzp_race_new (&config);
  WzpCandidate c = race_rig_candidate (0);

  g_test_summary ("Before start() nothing happens, whatever comes");
  wzp_race_dial_up (race, 0, T0);
  wzp_race_dial_failed (race, 0, "x", T0);
  wzp_race_relay_up (race, T0);
  wzp_race_relay_failed (race, "x", T0);
  g_assert_false (wzp_race_accept (race, T0));
  g_assert_cmpint (wzp_race_add_candidate (race, &c, T0), ==, -1);
  assert_actions (race, T0 + 100 * SEC, "");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, -1);
  g_assert_cmpint (wzp_race_get_state (race), ==, WZP_RACE_IDLE);
}

static void
test_dialer_dials_all (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 3);

  g_assert_cmpint (wzp_race_get_deadline (race), <=, T0);
  assert_actions (race, T0, "dial-relay dial:0 dial:1 dial:2");
  g_assert_cmpint (wzp_race_get_state (race), ==, WZP_RACE_RACING);
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 2 * SEC);
  g_assert_cmpuint (wzp_race_get_n_dials (race), ==, 3);
  g_assert_false (wzp_race_accept (race, T0));
}

static void
test_start_twice (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 1);
  WzpCandidateList list = race_rig_candidates (5);

  assert_actions (race, T0, "dial-relay dial:0");
  wzp_race_start (race, &list, T0 + SEC);
  assert_actions (race, T0 + SEC, "");
  g_assert_cmpuint (wzp_race_get_n_dials (race), ==, 1);
}

static void
test_first_dial_wins (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 4);
  const char *reason;
  gint64 took;

  assert_actions (race, T0, "dial-relay dial:0 dial:1 dial:2 dial:3");
  wzp_race_dial_failed (race, 1, "refused", T0 + 5 * MS);
  assert_actions (race, T0 + 5 * MS, "");
  /* Two in one turn: the first event, not the lower index. */
  wzp_race_dial_up (race, 2, T0 + 40 * MS);
  wzp_race_dial_up (race, 0, T0 + 40 * MS);
  assert_actions (race, T0 + 40 * MS, "won:direct:2 abort:0 abort:3");
  g_assert_cmpint (wzp_race_get_state (race), ==, WZP_RACE_WON);
  g_assert_cmpint (wzp_race_get_winner (race), ==, WZP_PATH_DIRECT);
  g_assert_null (wzp_race_get_error (race));

  g_assert_cmpint (
      wzp_race_get_dial (race, 2, &reason, &took), ==, WZP_DIAL_UP);
  g_assert_null (reason);
  g_assert_cmpint (took, ==, 40 * MS);
  g_assert_cmpint (
      wzp_race_get_dial (race, 1, &reason, &took), ==, WZP_DIAL_FAILED);
  g_assert_cmpstr (reason, ==, "refused");
  g_assert_cmpint (took, ==, 5 * MS);
  g_assert_cmpint (
      wzp_race_get_dial (race, 0, NULL, NULL), ==, WZP_DIAL_ABORTED);
  g_assert_cmpint (
      wzp_race_get_dial (race, 3, NULL, NULL), ==, WZP_DIAL_ABORTED);
  g_assert_cmpint (
      wzp_race_get_dial (race, 4, &reason, &took), ==, WZP_DIAL_NONE);
  g_assert_null (reason);
  g_assert_cmpint (took, ==, -1);
  g_assert_null (wzp_race_get_candidate (race, 4));
  g_assert_cmpuint (wzp_race_get_candidate (race, 3)->addr.port, ==, 4003);

  /* The relay goes on as standby, to its whole limit. */
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 10 * SEC);
  wzp_race_relay_up (race, T0 + 80 * MS);
  assert_actions (race, T0 + 80 * MS, "");
  g_assert_cmpint (
      wzp_race_get_relay_dial (race, NULL, &took), ==, WZP_DIAL_UP);
  g_assert_cmpint (took, ==, 80 * MS);
  g_assert_cmpint (wzp_race_get_deadline (race), ==, -1);
}

static void
test_up_then_failed_in_one_turn (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 2);

  assert_actions (race, T0, "dial-relay dial:0 dial:1");
  wzp_race_dial_up (race, 0, T0 + MS);
  wzp_race_dial_up (race, 1, T0 + MS);
  wzp_race_dial_failed (race, 0, "closed", T0 + MS);
  assert_actions (race, T0 + MS, "won:direct:1");
}

static void
test_relay_wins_then_direct_late (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 2);

  assert_actions (race, T0, "dial-relay dial:0 dial:1");
  wzp_race_relay_up (race, T0 + 30 * MS);
  assert_actions (race, T0 + 30 * MS, "won:relay");
  g_assert_cmpint (wzp_race_get_winner (race), ==, WZP_PATH_RELAY);
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 2 * SEC);
  wzp_race_relay_failed (race, "late", T0 + 31 * MS);
  g_assert_cmpint (wzp_race_get_relay_dial (race, NULL, NULL), ==, WZP_DIAL_UP);
  wzp_race_dial_up (race, 1, T0 + 90 * MS);
  assert_actions (race, T0 + 90 * MS, "late:1 abort:0");
  g_assert_cmpint (wzp_race_get_winner (race), ==, WZP_PATH_RELAY);
  g_assert_cmpint (wzp_race_get_deadline (race), ==, -1);
  wzp_race_dial_up (race, 0, T0 + 91 * MS);
  assert_actions (race, T0 + 20 * SEC, "");
}

static void
test_relay_wins_then_direct_gives_up (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 2);

  assert_actions (race, T0, "dial-relay dial:0 dial:1");
  wzp_race_relay_up (race, T0 + 30 * MS);
  assert_actions (race, T0 + 30 * MS, "won:relay");
  assert_actions (race, T0 + 2 * SEC - 1, "");
  assert_actions (race, T0 + 2 * SEC, "abort:0 abort:1 gave-up");
  wzp_race_dial_up (race, 0, T0 + 2 * SEC);
  assert_actions (race, T0 + 2 * SEC, "");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, -1);
}

static void
test_relay_wins_after_direct_failed (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 1);

  assert_actions (race, T0, "dial-relay dial:0");
  wzp_race_dial_failed (race, 0, "refused", T0 + 10 * MS);
  assert_actions (race, T0 + 10 * MS, "");
  wzp_race_relay_up (race, T0 + 30 * MS);
  assert_actions (race, T0 + 30 * MS, "won:relay gave-up");
}

static void
test_tie (void)
{
  for (guint order = 0; order < 2; order++) {
    g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 1);

    assert_actions (race, T0, "dial-relay dial:0");
    if (order == 0)
      wzp_race_relay_up (race, T0 + MS);
    wzp_race_dial_up (race, 0, T0 + MS);
    if (order == 1)
      wzp_race_relay_up (race, T0 + MS);
    assert_actions (race, T0 + MS, "won:direct:0");
    g_assert_cmpint (
        wzp_race_get_relay_dial (race, NULL, NULL), ==, WZP_DIAL_UP);
  }
}

static void
test_relay_not_kept (void)
{
  WzpRaceConfig config = race_rig_config_for (WZP_ROLE_DIALER);

  config.keep_relay = FALSE;
  for (guint is_up = 0; is_up < 2; is_up++) {
    g_autoptr (WzpRace) race = race_rig_start_with (&config, 1);
    const char *reason;

    assert_actions (race, T0, "dial-relay dial:0");
    if (is_up)
      wzp_race_relay_up (race, T0 + MS);
    wzp_race_dial_up (race, 0, T0 + MS);
    assert_actions (race, T0 + MS, "won:direct:0 abort-relay");
    g_assert_cmpint (
        wzp_race_get_relay_dial (race, &reason, NULL), ==, WZP_DIAL_ABORTED);
    g_assert_nonnull (reason);
    wzp_race_relay_up (race, T0 + 2 * MS);
    assert_actions (race, T0 + 20 * SEC, "");
  }
}

static void
test_relay_won_is_never_aborted (void)
{
  WzpRaceConfig config = race_rig_config_for (WZP_ROLE_DIALER);
  g_autoptr (WzpRace) race = NULL;

  config.keep_relay = FALSE;
  race = race_rig_start_with (&config, 1);
  assert_actions (race, T0, "dial-relay dial:0");
  wzp_race_relay_up (race, T0 + MS);
  assert_actions (race, T0 + MS, "won:relay");
  wzp_race_dial_up (race, 0, T0 + 2 * MS);
  assert_actions (race, T0 + 2 * MS, "late:0");
}

static void
test_acceptor (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_ACCEPTOR, 3);
  gint64 took;

  g_test_summary ("Listens, takes the first, refuses the rest, dials nobody");
  assert_actions (race, T0, "dial-relay listen");
  g_assert_cmpuint (wzp_race_get_n_dials (race), ==, 0);
  g_assert_true (wzp_race_accept (race, T0 + 50 * MS));
  g_assert_false (wzp_race_accept (race, T0 + 50 * MS));
  assert_actions (race, T0 + 60 * MS, "won:direct:-1 stop-listen");
  g_assert_false (wzp_race_accept (race, T0 + 70 * MS));
  g_assert_cmpint (wzp_race_get_direct (race, NULL, &took), ==, WZP_DIAL_UP);
  g_assert_cmpint (took, ==, 50 * MS);
}

static void
test_acceptor_late (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_ACCEPTOR, 0);

  assert_actions (race, T0, "dial-relay listen");
  wzp_race_relay_up (race, T0 + MS);
  assert_actions (race, T0 + MS, "won:relay");
  g_assert_true (wzp_race_accept (race, T0 + 2 * MS));
  assert_actions (race, T0 + 2 * MS, "late:-1 stop-listen");
}

static void
test_acceptor_times_out (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_ACCEPTOR, 0);

  assert_actions (race, T0, "dial-relay listen");
  assert_actions (race, T0 + 2 * SEC - 1, "");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 2 * SEC);
  assert_actions (race, T0 + 2 * SEC, "stop-listen");
  g_assert_false (wzp_race_accept (race, T0 + 2 * SEC));
  wzp_race_relay_failed (race, "gone", T0 + 3 * SEC);
  assert_actions (race, T0 + 3 * SEC, "failed");
  g_assert_cmpstr (wzp_race_get_error (race)->message, ==,
      "No path to the peer: direct: the peer did not connect within 2000 ms; "
      "relay: gone");
}

static void
test_relay_only (void)
{
  WzpRaceConfig config = race_rig_config_for (WZP_ROLE_ACCEPTOR);
  g_autoptr (WzpRace) race = NULL;

  config.direct_allowed = FALSE;
  race = race_rig_start_with (&config, 0);
  assert_actions (race, T0, "dial-relay");
  g_assert_false (wzp_race_accept (race, T0));
  wzp_race_relay_up (race, T0 + MS);
  assert_actions (race, T0 + MS, "won:relay");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, -1);
  assert_actions (race, T0 + 20 * SEC, "");
}

static void
test_direct_only (void)
{
  WzpRaceConfig config = race_rig_config_for (WZP_ROLE_DIALER);
  g_autoptr (WzpRace) race = NULL;

  config.relay_allowed = FALSE;
  race = race_rig_start_with (&config, 1);
  assert_actions (race, T0, "dial:0");
  wzp_race_relay_up (race, T0);
  assert_actions (race, T0 + 2 * SEC - 1, "");
  assert_actions (race, T0 + 2 * SEC, "abort:0 failed");
  g_assert_cmpstr (wzp_race_get_error (race)->message, ==,
      "No path to the peer: direct: no answer within 2000 ms, 1 dialled; "
      "relay: not allowed");
}

static void
test_nothing_allowed (void)
{
  WzpRaceConfig config = race_rig_config_for (WZP_ROLE_DIALER);
  g_autoptr (WzpRace) race = NULL;

  config.relay_allowed = config.direct_allowed = FALSE;
  race = race_rig_start_with (&config, 1);
  assert_actions (race, T0, "failed");
  g_assert_error (wzp_race_get_error (race), WZP_ERROR, WZP_ERROR_UNREACHABLE);
  g_assert_cmpstr (wzp_race_get_error (race)->message, ==,
      "No path to the peer: direct: not allowed; relay: not allowed");
}

static void
test_add_candidate (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 1);
  WzpCandidate known = race_rig_candidate (0), c1 = race_rig_candidate (1),
               c2 = race_rig_candidate (2);

  assert_actions (race, T0, "dial-relay dial:0");
  g_assert_cmpint (wzp_race_add_candidate (race, &known, T0 + MS), ==, -1);
  g_assert_cmpint (wzp_race_add_candidate (race, &c1, T0 + MS), ==, 1);
  assert_actions (race, T0 + MS, "dial:1");

  /* After all had failed: anew, and the relay's limit is the old one. */
  wzp_race_dial_failed (race, 0, "x", T0 + 2 * MS);
  wzp_race_dial_failed (race, 1, "x", T0 + 2 * MS);
  assert_actions (race, T0 + 2 * MS, "");
  g_assert_cmpint (wzp_race_get_direct (race, NULL, NULL), ==, WZP_DIAL_FAILED);
  g_assert_cmpint (wzp_race_add_candidate (race, &c2, T0 + 3 * MS), ==, 2);
  assert_actions (race, T0 + 3 * MS, "dial:2");
  g_assert_cmpint (
      wzp_race_get_direct (race, NULL, NULL), ==, WZP_DIAL_PENDING);
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 2 * SEC);
  wzp_race_dial_up (race, 2, T0 + 4 * MS);
  assert_actions (race, T0 + 4 * MS, "won:direct:2");
}

static void
test_add_candidate_to_nothing (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 0);
  WzpCandidate c = race_rig_candidate (0), c2 = race_rig_candidate (1);

  g_test_summary ("A Dialer without candidates waits for them for 2 s");
  assert_actions (race, T0, "dial-relay");
  wzp_race_relay_up (race, T0 + MS);
  assert_actions (race, T0 + MS, "won:relay");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, T0 + 2 * SEC);
  g_assert_cmpint (wzp_race_add_candidate (race, &c, T0 + 2 * SEC - 1), ==, 0);
  g_assert_cmpint (wzp_race_add_candidate (race, &c2, T0 + 2 * SEC), ==, -1);
  assert_actions (race, T0 + 2 * SEC, "dial:0 abort:0 gave-up");
}

static void
test_nothing_came (void)
{
  g_autoptr (WzpRace) race = race_rig_start (WZP_ROLE_DIALER, 0);

  assert_actions (race, T0, "dial-relay");
  wzp_race_relay_up (race, T0 + MS);
  assert_actions (race, T0 + MS, "won:relay");
  assert_actions (race, T0 + 2 * SEC - 1, "");
  assert_actions (race, T0 + 2 * SEC, "gave-up");
  g_assert_cmpint (wzp_race_get_deadline (race), ==, -1);
}

static void
test_add_candidate_over (void)
{
  g_autoptr (WzpRace) won = race_rig_start (WZP_ROLE_DIALER, 1);
  g_autoptr (WzpRace) acceptor = race_rig_start (WZP_ROLE_ACCEPTOR, 0);
  WzpCandidate c = race_rig_candidate (9);

  assert_actions (won, T0, "dial-relay dial:0");
  wzp_race_dial_up (won, 0, T0);
  g_assert_cmpint (wzp_race_add_candidate (won, &c, T0), ==, -1);
  assert_actions (won, T0, "won:direct:0");
  g_assert_cmpint (wzp_race_add_candidate (won, &c, T0), ==, -1);
  g_assert_cmpint (wzp_race_add_candidate (acceptor, &c, T0), ==, -1);
}

static void
test_names (void)
{
  g_assert_cmpstr (wzp_dial_state_to_string (WZP_DIAL_NONE), ==, "none");
  g_assert_cmpstr (wzp_dial_state_to_string (WZP_DIAL_PENDING), ==, "pending");
  g_assert_cmpstr (wzp_dial_state_to_string (WZP_DIAL_UP), ==, "up");
  g_assert_cmpstr (wzp_dial_state_to_string (WZP_DIAL_FAILED), ==, "failed");
  g_assert_cmpstr (wzp_dial_state_to_string (WZP_DIAL_ABORTED), ==, "aborted");
  g_assert_cmpstr (wzp_race_state_to_string (WZP_RACE_IDLE), ==, "idle");
  g_assert_cmpstr (wzp_race_state_to_string (WZP_RACE_RACING), ==, "racing");
  g_assert_cmpstr (wzp_race_state_to_string (WZP_RACE_WON), ==, "won");
  g_assert_cmpstr (wzp_race_state_to_string (WZP_RACE_FAILED), ==, "failed");
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/race/defaults", test_defaults);
  g_test_add_func ("/race/idle", test_idle);
  g_test_add_func ("/race/dialer/dials-all", test_dialer_dials_all);
  g_test_add_func ("/race/start-twice", test_start_twice);
  g_test_add_func ("/race/dialer/first-wins", test_first_dial_wins);
  g_test_add_func (
      "/race/dialer/up-then-failed", test_up_then_failed_in_one_turn);
  g_test_add_func ("/race/relay/then-late", test_relay_wins_then_direct_late);
  g_test_add_func (
      "/race/relay/then-gave-up", test_relay_wins_then_direct_gives_up);
  g_test_add_func (
      "/race/relay/after-direct-failed", test_relay_wins_after_direct_failed);
  g_test_add_func ("/race/tie", test_tie);
  g_test_add_func ("/race/relay/not-kept", test_relay_not_kept);
  g_test_add_func (
      "/race/relay/won-is-never-aborted", test_relay_won_is_never_aborted);
  g_test_add_func ("/race/acceptor/first", test_acceptor);
  g_test_add_func ("/race/acceptor/late", test_acceptor_late);
  g_test_add_func ("/race/acceptor/times-out", test_acceptor_times_out);
  g_test_add_func ("/race/policy/relay-only", test_relay_only);
  g_test_add_func ("/race/policy/direct-only", test_direct_only);
  g_test_add_func ("/race/policy/nothing", test_nothing_allowed);
  g_test_add_func ("/race/add/during", test_add_candidate);
  g_test_add_func ("/race/add/to-nothing", test_add_candidate_to_nothing);
  g_test_add_func ("/race/add/nothing-came", test_nothing_came);
  g_test_add_func ("/race/add/over", test_add_candidate_over);
  g_test_add_func ("/race/names", test_names);
  return wzp_test_run ();
}
