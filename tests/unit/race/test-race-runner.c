/* The runner over loopback. */
#include "race-peers.h"
#include "wzp-sni.h"

static gboolean
hold_all (
    WzpRaceRunner *runner, const WzpCandidate *candidate, gpointer user_data)
{
  return TRUE;
}

static void
test_held (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_auto (Side) dialer = { 0 };
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config;
  WzpCandidateList list = { 0 };
  WzpEndpointStats stats;

  g_test_summary ("What is held is dialled when it is said to be open");
  config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  side_start (&acceptor, b, NULL, &config, NULL);
  add (&list, peer_addr (b));
  config = config_for (test, WZP_ROLE_DIALER, b);
  config.holds = hold_all;
  side_start (&dialer, a, NULL, &config, &list);
  wzp_test_drain (test->context);
  g_assert_cmpint (dial_state (&dialer, 0), ==, WZP_DIAL_PENDING);
  wzp_endpoint_get_stats (a->endpoint, &stats);
  g_assert_cmpuint (stats.udp.datagrams_sent, ==, 0);
  g_assert_true (wzp_race_runner_dial (dialer.runner, &list.items[0]));
  g_assert_cmpstr (dialer.told->str, ==, "");
  assert_told (&dialer, "won-direct");
  assert_told (&acceptor, "won-direct");
  g_assert_false (wzp_race_runner_dial (dialer.runner, &list.items[0]));
}

static void
test_dial_again (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_autoptr (GSocket) silent = NULL;
  g_auto (Side) dialer = { 0 };
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config;
  WzpCandidateList list = { 0 };

  g_test_summary ("Dialled anew where nothing came; new ones join");
  config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  side_start (&acceptor, b, NULL, &config, NULL);
  add (&list, silent_addr (&silent));
  config = config_for (test, WZP_ROLE_DIALER, b);
  side_start (&dialer, a, NULL, &config, &list);
  wzp_test_assert_until (
      test, g_socket_get_available_bytes (silent) > 0, WAIT_MS);
  for (guint i = 0; i < 3; i++) {
    g_assert_true (wzp_race_runner_dial (dialer.runner, &list.items[0]));
    g_assert_cmpint (dial_state (&dialer, 0), ==, WZP_DIAL_PENDING);
    wzp_test_drain (test->context);
  }
  add (&list, peer_addr (b));
  g_assert_true (wzp_race_runner_dial (dialer.runner, &list.items[1]));
  assert_told (&dialer, "won-direct");
  assert_told (&acceptor, "won-direct");
}

static void
test_both_sides (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_auto (Side) dialer = { 0 };
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config;
  WzpCandidateList list = { 0 };
  g_autofree char *name = wzp_sni_for_direct (CALL_ID);

  /* No relay: it fails at once, and direct wins. */
  config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  side_start (&acceptor, b, NULL, &config, NULL);
  add (&list, peer_addr (b));
  config = config_for (test, WZP_ROLE_DIALER, b);
  side_start (&dialer, a, NULL, &config, &list);
  assert_told (&dialer, "won-direct");
  assert_told (&acceptor, "won-direct");

  g_assert_cmpstr (wzp_conn_get_server_name (acceptor.direct), ==, name);
  g_assert_cmpmem (wzp_conn_get_peer_key (dialer.direct), WZP_PUBLIC_KEY_LEN,
      wzp_identity_get_public_key (b->identity), WZP_PUBLIC_KEY_LEN);
  g_assert_cmpmem (wzp_conn_get_peer_key (acceptor.direct), WZP_PUBLIC_KEY_LEN,
      wzp_identity_get_public_key (a->identity), WZP_PUBLIC_KEY_LEN);
  g_assert_cmpint (dial_state (&dialer, 0), ==, WZP_DIAL_UP);
  g_assert_cmpuint (dialer.n_changed, >=, 1);
  g_assert_false (wzp_race_runner_is_listening (acceptor.runner));
  {
    const char *reason;

    g_assert_cmpint (
        wzp_race_get_relay_dial (
            wzp_race_runner_get_race (dialer.runner), &reason, NULL),
        ==, WZP_DIAL_FAILED);
    g_assert_cmpstr (reason, ==, "The relay is away");
  }
}

static void
test_with_standby (WzpTest *test, gconstpointer data)
{
  const gboolean keep_relay = GPOINTER_TO_INT (data);
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_autoptr (Peer) relay = peer_new (test, NULL);
  g_auto (Side) dialer = { 0 };
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config;
  WzpCandidateList list = { 0 };

  g_test_summary ("Whichever is first, each side ends with direct, and with "
                  "the relay where it is kept");
  config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  config.race.keep_relay = keep_relay;
  side_start (&acceptor, b, relay, &config, NULL);
  add (&list, peer_addr (b));
  config = config_for (test, WZP_ROLE_DIALER, b);
  config.race.keep_relay = keep_relay;
  side_start (&dialer, a, relay, &config, &list);
  wzp_test_assert_until (
      test, dialer.direct != NULL && acceptor.direct != NULL, WAIT_MS);
  if (keep_relay)
    wzp_test_assert_until (test,
        dialer.relay_conn != NULL && acceptor.relay_conn != NULL, WAIT_MS);

  for (guint i = 0; i < 2; i++) {
    const Side *side = i == 0 ? &dialer : &acceptor;

    if (g_strcmp0 (side->told->str, "won-relay late") == 0)
      continue;
    g_assert_cmpstr (
        side->told->str, ==, keep_relay ? "won-direct relay-up" : "won-direct");
  }
}

static void
test_loser_is_closed (WzpTest *test, gconstpointer data)
{
  const gboolean keep_relay = GPOINTER_TO_INT (data);
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_autoptr (GSocket) silent = NULL;
  g_auto (Side) dialer = { 0 };
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config;
  WzpCandidateList list = { 0 };

  g_test_summary ("Direct wins: the relay's dial goes on, or is closed; with "
                  "the runner it ends in any case");
  config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  side_start (&acceptor, b, NULL, &config, NULL);
  add (&list, peer_addr (b));
  config = config_for (test, WZP_ROLE_DIALER, b);
  config.race.keep_relay = keep_relay;
  dialer.silent_relay = silent_addr (&silent);
  side_start (&dialer, a, NULL, &config, &list);
  assert_told (&dialer, "won-direct");
  wzp_test_assert_until (test, dialer.n_changed > 0, WAIT_MS);
  g_assert_true (wzp_conn_is_closed (dialer.relay_dialled) == !keep_relay);
  g_clear_pointer (&dialer.runner, wzp_race_runner_free);
  g_assert_true (wzp_conn_is_closed (dialer.relay_dialled));
  g_assert_false (wzp_conn_is_closed (dialer.direct));
}

static void
test_relay_only (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) relay = peer_new (test, NULL);
  g_auto (Side) dialer = { 0 };
  WzpRaceRunnerConfig config = config_for (test, WZP_ROLE_DIALER, a);
  WzpCandidateList list = { 0 };

  config.race.direct_allowed = FALSE;
  add (&list, peer_addr (a));
  side_start (&dialer, a, relay, &config, &list);
  assert_told (&dialer, "won-relay");
  g_assert_cmpuint (
      wzp_race_get_n_dials (wzp_race_runner_get_race (dialer.runner)), ==, 0);
  wzp_test_assert_until (test, relay->accepted->len == 1, WAIT_MS);
}

static void
test_one_of_several (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_autoptr (GSocket) silent = NULL;
  g_auto (Side) dialer = { 0 };
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config;
  WzpCandidateList list = { 0 };

  g_test_summary ("Silent, closed, of another family; one works");
  config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  side_start (&acceptor, b, NULL, &config, NULL);
  add (&list, silent_addr (&silent));
  add (&list, closed_addr ());
  add (&list, (WzpAddr){ .family = 6, .port = 9, .ip[15] = 1 });
  add (&list, peer_addr (b));
  config = config_for (test, WZP_ROLE_DIALER, b);
  side_start (&dialer, a, NULL, &config, &list);
  assert_told (&dialer, "won-direct");
  assert_told (&acceptor, "won-direct");
  g_assert_cmpint (dial_state (&dialer, 0), ==, WZP_DIAL_ABORTED);
  g_assert_cmpint (dial_state (&dialer, 1), !=, WZP_DIAL_UP);
  g_assert_cmpint (dial_state (&dialer, 1), !=, WZP_DIAL_PENDING);
  g_assert_cmpint (dial_state (&dialer, 2), ==, WZP_DIAL_FAILED);
  g_assert_cmpint (dial_state (&dialer, 3), ==, WZP_DIAL_UP);
}

static void
test_first_of_several (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_autoptr (Peer) b2 = peer_new (test, b->identity);
  g_autoptr (Peer) b3 = peer_new (test, b->identity);
  g_auto (Side) dialer = { 0 };
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config;
  WzpCandidateList list = { 0 };
  guint n_up = 0;

  g_test_summary ("Three ways to the same peer: both sides take the same one, "
                  "and it stays");
  config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  side_start (&acceptor, b, NULL, &config, NULL);
  b2->runner = b3->runner = acceptor.runner;
  add (&list, peer_addr (b));
  add (&list, peer_addr (b2));
  add (&list, peer_addr (b3));
  config = config_for (test, WZP_ROLE_DIALER, b);
  side_start (&dialer, a, NULL, &config, &list);
  assert_told (&dialer, "won-direct");
  assert_told (&acceptor, "won-direct");
  for (guint i = 0; i < 3; i++)
    n_up += dial_state (&dialer, i) == WZP_DIAL_UP;
  g_assert_cmpuint (n_up, ==, 1);
  g_assert_cmpuint (b->n_taken + b2->n_taken + b3->n_taken, ==, 1);
  g_assert_cmpuint (wzp_conn_get_remote (dialer.direct)->port, ==,
      wzp_conn_get_local (acceptor.direct)->port);

  /* Whatever else was under way ends; these do not. */
  {
    WzpEndpointStats stats;

    wzp_test_assert_until (test,
        (wzp_endpoint_get_stats (b->endpoint, &stats), stats.handshakes == 0),
        WAIT_MS);
  }
  g_assert_false (wzp_conn_is_closed (dialer.direct));
  g_assert_false (wzp_conn_is_closed (acceptor.direct));
}

static void
test_wrong_key (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_auto (Side) dialer = { 0 };
  WzpRaceRunnerConfig config = config_for (test, WZP_ROLE_DIALER, a);
  WzpCandidateList list = { 0 };
  char text[WZP_FINGERPRINT_STRLEN];
  WzpFingerprint expected;
  const char *reason;
  gint64 begun_us;

  g_test_summary ("Somebody else answers there");
  wzp_fingerprint_of_key (wzp_identity_get_public_key (a->identity), &expected);
  config.race.relay_allowed = FALSE;
  add (&list, peer_addr (b));
  side_start (&dialer, a, NULL, &config, &list);
  assert_told (&dialer, "failed");
  g_assert_true (g_str_has_prefix (
      dialer.error, "No path to the peer: direct: 1 of 1 dials failed: "));
  g_assert_true (g_str_has_suffix (dialer.error, "; relay: not allowed"));
  g_assert_null (dialer.direct);
  wzp_race_get_dial (
      wzp_race_runner_get_race (dialer.runner), 0, &reason, NULL);
  g_test_message ("%s", reason);
  g_assert_nonnull (strstr (reason, ": Not the expected key: it is "));
  g_assert_true (
      g_str_has_suffix (reason, wzp_fingerprint_to_string (&expected, text)));
  g_assert_cmpuint (
      wzp_race_runner_get_begun (dialer.runner, 0, &begun_us), ==, 1);
  g_assert_cmpint (begun_us, >, 0);
  g_assert_cmpuint (
      wzp_race_runner_get_begun (dialer.runner, -1, &begun_us), ==, 0);
  g_assert_cmpint (begun_us, ==, 0);
}

static void
test_refused (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  const WzpAddr addr = peer_addr (b);
  g_autofree char *name = wzp_sni_for_direct (CALL_ID);
  const WzpDialOptions options = {
    .server_name = name,
    .expect_key = wzp_identity_get_public_key (b->identity),
  };
  g_autoptr (GError) error = NULL;

  g_test_summary ("One connection is taken, the next one is refused");
  config.race.relay_allowed = FALSE;
  side_start (&acceptor, b, NULL, &config, NULL);
  g_assert_true (wzp_race_runner_is_listening (acceptor.runner));
  for (guint i = 0; i < 2; i++) {
    g_autoptr (WzpConn) conn =
        wzp_endpoint_dial (a->endpoint, &addr, &options, NULL, NULL, &error);

    g_assert_no_error (error);
    wzp_test_assert_until (test, b->n_offered == i + 1, WAIT_MS);
    g_assert_cmpuint (b->n_taken, ==, 1);
    g_assert_false (wzp_race_runner_is_listening (acceptor.runner));
    if (i == 1)
      wzp_test_assert_until (test, wzp_conn_is_closed (conn), WAIT_MS);
  }
  g_assert_cmpstr (acceptor.told->str, ==, "won-direct");
}

static void
test_closed_is_not_taken (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_autoptr (WzpConn) conn = NULL;
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  const WzpAddr addr = peer_addr (b);
  const WzpDialOptions options = {
    .server_name = "x",
    .expect_key = wzp_identity_get_public_key (b->identity),
  };
  g_autoptr (GError) error = NULL;

  conn = wzp_endpoint_dial (a->endpoint, &addr, &options, NULL, NULL, &error);
  g_assert_no_error (error);
  wzp_conn_close (conn, WZP_CLOSE_NORMAL, "test");
  config.race.relay_allowed = FALSE;
  side_start (&acceptor, b, NULL, &config, NULL);
  g_assert_false (wzp_race_runner_offer_conn (acceptor.runner, conn));
  g_assert_true (wzp_race_runner_is_listening (acceptor.runner));
}

static void
test_times_out (WzpTest *test, gconstpointer data)
{
  const WzpRole role = (WzpRole) GPOINTER_TO_INT (data);
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_autoptr (GSocket) silent = NULL;
  g_auto (Side) side = { 0 };
  WzpRaceRunnerConfig config = config_for (test, role, b);
  WzpCandidateList list = { 0 };

  g_test_summary ("Nobody answers, and the relay is away: both reasons");
  config.race.direct_timeout_us = 120 * MS;
  add (&list, silent_addr (&silent));
  side_start (&side, a, NULL, &config, &list);
  assert_told (&side, "failed");
  g_assert_cmpstr (side.error, ==,
      role == WZP_ROLE_DIALER
          ? "No path to the peer: direct: no answer within 120 ms, 1 dialled; "
            "relay: The relay is away"
          : "No path to the peer: direct: the peer did not connect within 120 "
            "ms; relay: The relay is away");
  if (role == WZP_ROLE_DIALER)
    g_assert_cmpint (dial_state (&side, 0), ==, WZP_DIAL_ABORTED);
}

static void
test_relay_times_out (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) relay = peer_new (test, NULL);
  g_auto (Side) side = { 0 };
  WzpRaceRunnerConfig config = config_for (test, WZP_ROLE_DIALER, a);

  g_test_summary ("The relay's dial ends by the race's own limit");
  config.race.relay_timeout_us = 0;
  config.race.direct_allowed = FALSE;
  side_start (&side, a, relay, &config, NULL);
  assert_told (&side, "failed");
  g_assert_cmpstr (side.error, ==,
      "No path to the peer: direct: not allowed; relay: no answer within 0 "
      "ms");
}

static void
test_gives_up (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_autoptr (Peer) relay = peer_new (test, NULL);
  g_autoptr (GSocket) silent = NULL;
  g_auto (Side) dialer = { 0 };
  WzpRaceRunnerConfig config = config_for (test, WZP_ROLE_DIALER, b);
  WzpCandidateList list = { 0 };

  config.race.direct_timeout_us = 1000 * MS;
  add (&list, silent_addr (&silent));
  side_start (&dialer, a, relay, &config, &list);
  assert_told (&dialer, "won-relay gave-up");
  g_assert_false (wzp_conn_is_closed (dialer.relay_conn));
}

static void
test_late (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_autoptr (Peer) relay = peer_new (test, NULL);
  g_auto (Side) dialer = { 0 };
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config;
  WzpCandidate candidate = { .type = WZP_CANDIDATE_PEER_REFLEXIVE };

  g_test_summary ("A candidate that is learnt after the relay has won");
  config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  side_start (&acceptor, b, relay, &config, NULL);
  config = config_for (test, WZP_ROLE_DIALER, b);
  side_start (&dialer, a, relay, &config, NULL);
  assert_told (&dialer, "won-relay");
  assert_told (&acceptor, "won-relay");
  candidate.addr = peer_addr (b);
  g_assert_true (wzp_race_runner_add_candidate (dialer.runner, &candidate));
  g_assert_false (wzp_race_runner_add_candidate (dialer.runner, &candidate));
  assert_told (&dialer, "won-relay late");
  assert_told (&acceptor, "won-relay late");
}

static void
test_free (WzpTest *test, gconstpointer data)
{
  const char *free_at = data;
  g_autoptr (Peer) a = peer_new (test, NULL);
  g_autoptr (Peer) b = peer_new (test, NULL);
  g_autoptr (Peer) b2 = peer_new (test, b->identity);
  g_autoptr (GSocket) silent = NULL;
  g_auto (Side) dialer = { 0 };
  g_auto (Side) acceptor = { 0 };
  WzpRaceRunnerConfig config;
  WzpCandidateList list = { 0 };
  WzpEndpointStats stats;

  g_test_summary ("Freed in its own callback, or with dials under way: what it "
                  "had opened ends");
  config = config_for (test, WZP_ROLE_ACCEPTOR, a);
  acceptor.free_at = free_at;
  side_start (&acceptor, b, NULL, &config, NULL);
  add (&list, silent_addr (&silent));
  add (&list, peer_addr (b));
  add (&list, peer_addr (b2));
  config = config_for (test, WZP_ROLE_DIALER, b);
  config.race.direct_timeout_us =
      g_strcmp0 (free_at, "failed") == 0 ? 0 : 6000 * MS;
  dialer.free_at = free_at;
  side_start (&dialer, a, NULL, &config, &list);
  if (free_at == NULL) {
    /* Long enough for the dials to have been begun. */
    wzp_test_assert_until (test,
        (wzp_endpoint_get_stats (a->endpoint, &stats), stats.connections >= 3),
        WAIT_MS);
    g_clear_pointer (&dialer.runner, wzp_race_runner_free);
  } else {
    wzp_test_assert_until (test, dialer.runner == NULL, WAIT_MS);
  }
  g_clear_pointer (&dialer.direct, wzp_conn_unref);
  wzp_test_drain (test->context);
  g_assert_null (dialer.runner);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/race-runner/held", NULL, test_held);
  wzp_test_add ("/race-runner/dial-again", NULL, test_dial_again);
  wzp_test_add ("/race-runner/both-sides", NULL, test_both_sides);
  wzp_test_add (
      "/race-runner/standby/kept", GINT_TO_POINTER (TRUE), test_with_standby);
  wzp_test_add ("/race-runner/standby/dropped", GINT_TO_POINTER (FALSE),
      test_with_standby);
  wzp_test_add (
      "/race-runner/loser/kept", GINT_TO_POINTER (TRUE), test_loser_is_closed);
  wzp_test_add ("/race-runner/loser/closed", GINT_TO_POINTER (FALSE),
      test_loser_is_closed);
  wzp_test_add ("/race-runner/relay-only", NULL, test_relay_only);
  wzp_test_add ("/race-runner/one-of-several", NULL, test_one_of_several);
  wzp_test_add ("/race-runner/first-of-several", NULL, test_first_of_several);
  wzp_test_add ("/race-runner/wrong-key", NULL, test_wrong_key);
  wzp_test_add ("/race-runner/refused", NULL, test_refused);
  wzp_test_add ("/race-runner/closed", NULL, test_closed_is_not_taken);
  wzp_test_add ("/race-runner/times-out/dialer",
      GINT_TO_POINTER (WZP_ROLE_DIALER), test_times_out);
  wzp_test_add ("/race-runner/times-out/acceptor",
      GINT_TO_POINTER (WZP_ROLE_ACCEPTOR), test_times_out);
  wzp_test_add ("/race-runner/times-out/relay", NULL, test_relay_times_out);
  wzp_test_add ("/race-runner/gives-up", NULL, test_gives_up);
  wzp_test_add ("/race-runner/late", NULL, test_late);
  wzp_test_add ("/race-runner/free/under-way", NULL, test_free);
  wzp_test_add ("/race-runner/free/won", "won-direct", test_free);
  wzp_test_add ("/race-runner/free/changed", "changed", test_free);
  wzp_test_add ("/race-runner/free/failed", "failed", test_free);
  return wzp_test_run ();
}
