/* The rules of wzp-nominate.h one by one, one side at a time: probes and the
 * Dialer. The Acceptor: test-nominate-acceptor.c. Both sides together:
 * test-nominate-schedules.c. */
#include "nominate-rig.h"
#include "wzp-test.h"

static void
test_nothing (void)
{
  for (int role = WZP_ROLE_ACCEPTOR; role <= WZP_ROLE_DIALER; role++) {
    g_autoptr (WzpNominate) nominate = wzp_nominate_new ((WzpRole) role);

    assert_actions (nominate, T0, "");
    assert_paths (nominate, WZP_PATH_NONE, WZP_PATH_NONE);
    g_assert_cmpint (wzp_nominate_get_deadline (nominate), ==, -1);
    g_assert_cmpint (wzp_nominate_get_nominated (nominate, NULL, NULL, NULL),
        ==, WZP_PATH_NONE);
    /* Not up: nothing is heard, sampled, answered or gone. */
    wzp_nominate_heard (nominate, DIRECT, T0);
    nominate_rig_sample (nominate, DIRECT, 9 * SEC, T0);
    nominate_rig_receive (nominate, WZP_CONTROL_PROBE, DIRECT, 1, 2000, T0);
    wzp_nominate_path_down (nominate, RELAY, T0);
    assert_actions (nominate, T0, "");
    g_assert_false (wzp_nominate_is_proved (nominate, DIRECT, T0));
  }
}

static void
test_probe_times (void)
{
  static const int at_ms[] = { 0, 20, 50, 100, 200, 700, 1200, 1700 };
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_DIALER);

  g_test_summary ("0, 20, 50, 100, 200 ms, then every 500 ms, padded");
  wzp_nominate_path_up (nominate, RELAY, T0);
  for (guint i = 0; i < G_N_ELEMENTS (at_ms); i++) {
    if (i > 0)
      assert_actions (nominate, T0 + at_ms[i] * MS - 1, "");
    g_assert_cmpint (
        wzp_nominate_get_deadline (nominate), ==, T0 + at_ms[i] * MS);
    assert_actions (nominate, T0 + at_ms[i] * MS, "PROBE:relay");
  }
}

static void
test_probes_are_not_made_up_for (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_DIALER);

  wzp_nominate_path_up (nominate, RELAY, T0);
  assert_actions (nominate, T0 + 90 * MS, "PROBE:relay");
  assert_actions (nominate, T0 + 99 * MS, "");
  assert_actions (nominate, T0 + 5 * SEC, "PROBE:relay");
  assert_actions (nominate, T0 + 5400 * MS, "");
}

static void
test_probe_size (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_DIALER);
  WzpNominateAction action;
  guint n = 0;

  g_test_summary ("A padded PROBE is WZP_NOMINATE_PROOF_TEXT bytes");
  wzp_nominate_path_up (nominate, RELAY, T0);
  for (gint64 now = T0; n < 100; now += 20 * MS)
    while (wzp_nominate_step (nominate, now, &action)) {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = wzp_control_write (&action.control, &error);

      g_assert_no_error (error);
      g_assert_true (action.padded);
      g_assert_cmpuint (g_bytes_get_size (bytes), ==, WZP_NOMINATE_PROOF_TEXT);
      n++;
    }
  g_assert_cmpuint (WZP_NOMINATE_PROOF_TEXT, ==, 1086);
}

static void
test_first_heard (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_DIALER);

  g_test_summary ("Relay: when the peer is heard; then direct is no longer "
                  "first");
  wzp_nominate_path_up (nominate, RELAY, T0);
  assert_decisions (nominate, T0, "");
  assert_paths (nominate, WZP_PATH_NONE, WZP_PATH_NONE);
  wzp_nominate_heard (nominate, RELAY, T0 + SEC);
  assert_decisions (nominate, T0 + SEC, "none>relay NOMINATE:1.1:relay");
  wzp_nominate_path_up (nominate, DIRECT, T0 + SEC);
  assert_decisions (nominate, T0 + SEC, "");
  assert_paths (nominate, RELAY, WZP_PATH_NONE);
}

static void
test_direct_is_heard_at_once (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_DIALER);
  guint64 seq = 0;

  g_test_summary ("It carries media from its handshake on, with the relay, and "
                  "is nominated with its proof");
  wzp_nominate_path_up (nominate, DIRECT, T0);
  assert_decisions (nominate, T0, "none>direct");
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  wzp_nominate_path_up (nominate, RELAY, T0);
  assert_decisions (nominate, T0, "");
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  wzp_nominate_heard (nominate, RELAY, T0 + 10 * MS);
  assert_decisions (nominate, T0 + 10 * MS, "");
  assert_paths (nominate, DIRECT, RELAY);
  g_free (nominate_rig_drain (nominate, T0 + 20 * MS, &seq));
  nominate_rig_prove (nominate, DIRECT, seq, T0 + 40 * MS);
  assert_decisions (nominate, T0 + 40 * MS, "NOMINATE:1.1:direct ack:direct:7");
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
}

static void
test_unproved_direct_is_not_nominated (void)
{
  for (gint64 pto = 0; pto <= 200 * MS; pto += 200 * MS) {
    g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_DIALER);
    const gint64 end = T0 + MAX (2 * pto, WZP_NOMINATE_SUSPECT_MIN_US);

    g_test_summary ("The relay, once direct had its time and gave no proof, "
                    "though its connection acknowledges");
    wzp_nominate_path_up (nominate, DIRECT, T0);
    wzp_nominate_path_up (nominate, RELAY, T0);
    wzp_nominate_heard (nominate, RELAY, T0);
    wzp_nominate_sample (nominate, DIRECT, pto / 2, pto, 0, T0);
    nominate_rig_receive (nominate, WZP_CONTROL_PROBE, DIRECT, 1,
        WZP_NOMINATE_PROOF_TEXT, T0 + MS);
    assert_decisions (nominate, T0 + MS, "none>direct ack:direct:1");
    assert_decisions (nominate, end - 1, "");
    assert_paths (nominate, DIRECT, RELAY);
    assert_decisions (nominate, end, "direct>relay NOMINATE:1.1:relay");
    assert_paths (nominate, RELAY, DIRECT);
    wzp_nominate_heard (nominate, RELAY, T0 + WZP_NOMINATE_PROOF_US - 1);
    g_assert_false (wzp_nominate_is_proof_overdue (nominate, DIRECT));
    wzp_nominate_heard (nominate, RELAY, T0 + WZP_NOMINATE_PROOF_US);
    g_assert_true (wzp_nominate_is_proof_overdue (nominate, DIRECT));
  }
}

static void
test_trial_ends_by_itself (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_DIALER);
  gint64 now = T0;

  g_test_summary ("The deadlines lead there");
  wzp_nominate_path_up (nominate, DIRECT, T0);
  wzp_nominate_path_up (nominate, RELAY, T0);
  wzp_nominate_heard (nominate, RELAY, T0);
  while (wzp_nominate_get_path (nominate) != RELAY) {
    g_free (nominate_rig_drain (nominate, now, NULL));
    now = wzp_nominate_get_deadline (nominate);
    g_assert_cmpint (now, >, T0);
    g_assert_cmpint (now, <=, T0 + WZP_NOMINATE_SUSPECT_MIN_US);
    g_assert_cmpint (now, !=, -1);
    wzp_nominate_sample (nominate, DIRECT, 0, 0, 0, now);
  }
}

static void
test_late_proof (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_DIALER);
  guint64 seq = 0;

  g_test_summary (
      "Answered, but nothing large is heard for seconds: probed on, "
      "for the answer has to be fresh");
  wzp_nominate_path_up (nominate, DIRECT, T0);
  g_free (nominate_rig_drain (nominate, T0, &seq));
  nominate_rig_receive (
      nominate, WZP_CONTROL_PROBE_ACK, DIRECT, seq, 12, T0 + 40 * MS);
  for (gint64 now = T0 + 40 * MS; now <= T0 + 3 * SEC; now += 20 * MS)
    g_free (nominate_rig_drain (nominate, now, &seq));
  nominate_rig_prove (nominate, DIRECT, seq, T0 + 3 * SEC);
  assert_decisions (nominate, T0 + 3 * SEC, "NOMINATE:1.1:direct ack:direct:7");
}

static void
test_expected_relay (void)
{
  for (int role = WZP_ROLE_ACCEPTOR; role <= WZP_ROLE_DIALER; role++)
    for (guint early = 0; early < 2; early++) {
      g_autoptr (WzpNominate) nominate = wzp_nominate_new ((WzpRole) role);

      g_test_summary ("The relay says that the peer is there: not waited for");
      if (early)
        wzp_nominate_expect_relay (nominate, T0);
      assert_paths (nominate, WZP_PATH_NONE, WZP_PATH_NONE);
      wzp_nominate_path_up (nominate, RELAY, T0);
      if (!early)
        wzp_nominate_expect_relay (nominate, T0);
      assert_decisions (nominate, T0,
          role == WZP_ROLE_DIALER ? "none>relay NOMINATE:1.1:relay"
                                  : "none>relay");
    }
}

static void
test_heard_starts_probes_anew (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_ACCEPTOR);

  g_test_summary ("The peer came into the room: probe it at once");
  wzp_nominate_path_up (nominate, RELAY, T0);
  for (gint64 t = 0; t <= 10000; t += 10)
    g_free (nominate_rig_drain (nominate, T0 + t * MS, NULL));
  assert_actions (nominate, T0 + 10050 * MS, "");
  nominate_rig_receive (nominate, WZP_CONTROL_PROBE, RELAY, 3,
      WZP_NOMINATE_PROOF_TEXT, T0 + 10050 * MS);
  assert_actions (
      nominate, T0 + 10050 * MS, "none>relay ack:relay:3 PROBE:relay");
  assert_actions (nominate, T0 + 10070 * MS, "PROBE:relay");
}

static void
test_proof (void)
{
  guint64 seq = 0;
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_relay (&seq);

  g_test_summary ("Answered, and something large heard: then direct, at once");
  nominate_rig_receive (
      nominate, WZP_CONTROL_PROBE_ACK, DIRECT, seq + 1, 12, T0 + MS);
  nominate_rig_receive (
      nominate, WZP_CONTROL_PROBE_ACK, RELAY, seq, 12, T0 + MS);
  nominate_rig_receive (nominate, WZP_CONTROL_PROBE, DIRECT, 1,
      WZP_NOMINATE_PROOF_TEXT - 1, T0 + MS);
  assert_decisions (nominate, T0 + MS, "ack:direct:1");
  nominate_rig_receive (
      nominate, WZP_CONTROL_PROBE_ACK, DIRECT, seq, 12, T0 + 2 * MS);
  assert_decisions (nominate, T0 + 2 * MS, "");
  g_assert_false (wzp_nominate_is_proved (nominate, DIRECT, T0 + 2 * MS));
  nominate_rig_receive (nominate, WZP_CONTROL_PROBE, DIRECT, 2,
      WZP_NOMINATE_PROOF_TEXT, T0 + 3 * MS);
  g_assert_true (wzp_nominate_is_proved (nominate, DIRECT, T0 + 3 * MS));
  assert_decisions (
      nominate, T0 + 3 * MS, "relay>direct NOMINATE:1.2:direct ack:direct:2");
  g_assert_true (wzp_nominate_is_proved (nominate, DIRECT, T0 + 2 * MS + SEC));
  g_assert_false (
      wzp_nominate_is_proved (nominate, DIRECT, T0 + 2 * MS + SEC + 1));
}

static void
test_proof_must_be_fresh (void)
{
  guint64 seq = 0;
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_relay (&seq);

  nominate_rig_receive (
      nominate, WZP_CONTROL_PROBE_ACK, DIRECT, seq, 12, T0 + 2 * MS);
  nominate_rig_receive (nominate, WZP_CONTROL_PROBE, DIRECT, 2,
      WZP_NOMINATE_PROOF_TEXT, T0 + 2 * MS + SEC + 1);
  assert_decisions (nominate, T0 + 2 * MS + SEC + 1, "ack:direct:2");
  g_assert_cmpint (wzp_nominate_get_path (nominate), ==, RELAY);
}

static void
test_probe_answers (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_ACCEPTOR);
  WzpControl wrong = { .type = WZP_CONTROL_PROBE, .path = RELAY, .seq = 1 };
  WzpNominateAction action;
  guint n = 0;

  g_test_summary ("By the path it names only, and not without bound");
  wzp_nominate_path_up (nominate, DIRECT, T0);
  g_free (nominate_rig_drain (nominate, T0, NULL));
  wzp_nominate_receive (nominate, &wrong, DIRECT, 12, T0);
  wzp_nominate_receive (nominate, &wrong, RELAY, 12, T0);
  wzp_nominate_receive (nominate, &wrong, WZP_PATH_NONE, 12, T0);
  wzp_nominate_receive (nominate, &wrong, (WzpPath) 99, 12, T0);
  assert_actions (nominate, T0, "");
  for (guint64 i = 0; i < 10 * WZP_NOMINATE_MAX_ANSWERS; i++)
    nominate_rig_receive (nominate, WZP_CONTROL_PROBE, DIRECT, i, 12, T0);
  while (wzp_nominate_step (nominate, T0, &action)) {
    g_assert_cmpint (action.type, ==, WZP_NOMINATE_ACTION_PROBE_ACK);
    g_assert_cmpuint (action.seq, ==, n++);
  }
  g_assert_cmpuint (n, ==, WZP_NOMINATE_MAX_ANSWERS);

  /* Down before it was answered. */
  nominate_rig_receive (nominate, WZP_CONTROL_PROBE, DIRECT, 1, 12, T0);
  wzp_nominate_path_down (nominate, DIRECT, T0);
  assert_actions (nominate, T0, "direct>none");
}

static void
test_duplicate_until_ack (void)
{
  guint64 seq = 0;
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_relay (&seq);

  g_test_summary ("From NOMINATE until NOMINATE_ACK + 1 RTT, which is 40 ms");
  nominate_rig_sample (nominate, DIRECT, 0, T0);
  nominate_rig_sample (nominate, RELAY, 0, T0);
  nominate_rig_prove (nominate, DIRECT, seq, T0 + 30 * MS);
  assert_paths (nominate, DIRECT, RELAY);
  g_free (nominate_rig_drain (nominate, T0 + 30 * MS, NULL));
  nominate_rig_receive_ack (nominate, 1, 1, T0 + 50 * MS); /* an old one */
  nominate_rig_receive_ack (nominate, 2, 2, T0 + 50 * MS); /* a senseless one */
  g_free (nominate_rig_drain (nominate, T0 + 10 * SEC, NULL));
  assert_paths (nominate, DIRECT, RELAY);
  nominate_rig_receive_ack (nominate, 1, 2, T0 + 10 * SEC);
  nominate_rig_sample (nominate, DIRECT, 0, T0 + 10 * SEC);
  g_free (nominate_rig_drain (nominate, T0 + 10 * SEC + 40 * MS - 1, NULL));
  assert_paths (nominate, DIRECT, RELAY);
  g_assert_cmpint (
      wzp_nominate_get_deadline (nominate), ==, T0 + 10 * SEC + 40 * MS);
  g_free (nominate_rig_drain (nominate, T0 + 10 * SEC + 40 * MS, NULL));
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
}

static void
test_nominate_again (void)
{
  static const int at_ms[] = { 300, 900, 2100, 4500, 9300, 18900, 38100, 68100,
    98100 };
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_DIALER);
  gboolean acked;

  g_test_summary ("Unacknowledged: the same again after 0.3, 0.6 ... 30 s");
  wzp_nominate_path_up (nominate, RELAY, T0);
  wzp_nominate_heard (nominate, RELAY, T0);
  assert_decisions (nominate, T0, "none>relay NOMINATE:1.1:relay");
  for (guint i = 0; i < G_N_ELEMENTS (at_ms); i++) {
    wzp_nominate_heard (nominate, RELAY, T0 + at_ms[i] * MS - 1);
    assert_decisions (nominate, T0 + at_ms[i] * MS - 1, "");
    assert_decisions (nominate, T0 + at_ms[i] * MS, "NOMINATE:1.1:relay");
  }
  wzp_nominate_get_nominated (nominate, NULL, NULL, &acked);
  g_assert_false (acked);
  nominate_rig_receive_ack (nominate, 1, 1, T0 + 100 * SEC);
  wzp_nominate_get_nominated (nominate, NULL, NULL, &acked);
  g_assert_true (acked);
  assert_decisions (nominate, T0 + 500 * SEC, "");
}

static void
test_dialer_ignores (void)
{
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_direct ();
  WzpControl hello = { .type = WZP_CONTROL_HELLO };
  WzpControl unknown = { .type = (WzpControlType) 77777 };
  guint64 n;

  g_test_summary ("A NOMINATE to the Dialer, and what is not for us");
  nominate_rig_receive_nominate (nominate, 9, 9, RELAY, T0 + SEC);
  wzp_nominate_receive (nominate, &hello, RELAY, 100, T0 + SEC);
  wzp_nominate_receive (nominate, &unknown, RELAY, 100, T0 + SEC);
  nominate_rig_receive_suspect (nominate, RELAY, T0 + SEC); /* not in use */
  nominate_rig_receive_suspect (nominate, WZP_PATH_NONE, T0 + SEC);
  nominate_rig_receive_suspect (nominate, (WzpPath) -1, T0 + SEC);
  assert_actions (nominate, T0 + SEC, "");
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  g_assert_cmpint (
      wzp_nominate_get_nominated (nominate, NULL, &n, NULL), ==, DIRECT);
  g_assert_cmpuint (n, ==, 2);
}

static void
test_direct_down (void)
{
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_direct ();

  wzp_nominate_path_down (nominate, DIRECT, T0 + 2 * SEC);
  assert_decisions (nominate, T0 + 2 * SEC, "direct>relay NOMINATE:1.3:relay");
  assert_paths (nominate, RELAY, WZP_PATH_NONE);
}

static void
test_relay_unheard_is_all_there_is (void)
{
  g_autoptr (WzpNominate) nominate = wzp_nominate_new (WZP_ROLE_DIALER);

  wzp_nominate_path_up (nominate, DIRECT, T0);
  assert_decisions (nominate, T0, "none>direct");
  wzp_nominate_path_down (nominate, DIRECT, T0 + SEC);
  assert_decisions (nominate, T0 + SEC, "direct>none");
  assert_paths (nominate, WZP_PATH_NONE, WZP_PATH_NONE);
  wzp_nominate_path_up (nominate, RELAY, T0 + 2 * SEC);
  assert_decisions (nominate, T0 + 2 * SEC, "none>relay NOMINATE:1.1:relay");
}

static void
test_suspect_and_dead_by_sample (void)
{
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_direct ();

  g_test_summary ("PTO 70 ms: SUSPECT at 150 ms, DEAD at 1 s");
  wzp_nominate_heard (nominate, DIRECT, T0 + 2 * SEC);
  g_free (nominate_rig_drain (nominate, T0 + 2 * SEC, NULL));
  nominate_rig_sample (nominate, DIRECT, 150 * MS - 1, T0 + 2 * SEC);
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  nominate_rig_sample (nominate, DIRECT, 150 * MS, T0 + 2 * SEC);
  assert_paths (nominate, DIRECT, RELAY);
  assert_with_suspect (nominate, T0 + 2 * SEC, "SUSPECT:direct");
  assert_with_suspect (nominate, T0 + 2200 * MS - 1, "");
  assert_with_suspect (nominate, T0 + 2200 * MS, "SUSPECT:direct");
  wzp_nominate_heard (nominate, RELAY, T0 + 2200 * MS);
  nominate_rig_sample (nominate, DIRECT, 10 * MS, T0 + 2 * SEC);
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  nominate_rig_sample (nominate, DIRECT, SEC - 1, T0 + 2 * SEC);
  assert_decisions (nominate, T0 + 2 * SEC, "");
  nominate_rig_sample (nominate, DIRECT, SEC, T0 + 2 * SEC);
  assert_decisions (nominate, T0 + 2 * SEC, "direct>relay NOMINATE:1.3:relay");
  assert_paths (nominate, RELAY, DIRECT);
}

static void
test_limits_follow_pto (void)
{
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_direct ();
  const gint64 now = T0 + 2 * SEC;

  g_test_summary ("PTO 300 ms: 600 ms and 1.5 s; a wild one: 1 s and 5 s");
  wzp_nominate_heard (nominate, DIRECT, now);
  g_free (nominate_rig_drain (nominate, now, NULL));
  wzp_nominate_sample (nominate, DIRECT, 1, 300 * MS, 600 * MS - 1, now);
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  wzp_nominate_sample (nominate, DIRECT, 1, 300 * MS, 600 * MS, now);
  assert_paths (nominate, DIRECT, RELAY);
  wzp_nominate_sample (nominate, DIRECT, 1, 300 * MS, 1500 * MS - 1, now);
  assert_decisions (nominate, now, "");
  wzp_nominate_sample (nominate, DIRECT, G_MAXINT64, G_MAXINT64, SEC - 1, now);
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  wzp_nominate_sample (
      nominate, DIRECT, G_MININT64, G_MAXINT64, 5 * SEC - 1, now);
  assert_paths (nominate, DIRECT, RELAY);
  assert_decisions (nominate, now, "");
  wzp_nominate_sample (
      nominate, DIRECT, G_MININT64, G_MININT64, G_MININT64, now);
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
  wzp_nominate_sample (
      nominate, DIRECT, 0, G_MAXINT64, WZP_NOMINATE_SEND_ERROR, now);
  assert_decisions (nominate, now, "direct>relay NOMINATE:1.3:relay");
}

static void
test_dead_without_relay (void)
{
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_direct ();

  g_test_summary ("Dead, but all there is; or no worse than the relay");
  nominate_rig_sample (nominate, RELAY, 9 * SEC, T0 + 2 * SEC);
  nominate_rig_sample (nominate, DIRECT, 9 * SEC, T0 + 2 * SEC);
  assert_decisions (nominate, T0 + 2 * SEC, "");
  assert_paths (nominate, DIRECT, RELAY);
  wzp_nominate_path_down (nominate, RELAY, T0 + 2 * SEC);
  assert_decisions (nominate, T0 + 3 * SEC, "");
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
}

static void
test_relay_dead_goes_to_direct (void)
{
  guint64 seq = 0;
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_relay (&seq);

  g_test_summary ("Even unproved: it is better than a dead relay");
  nominate_rig_sample (nominate, RELAY, SEC, T0 + 5 * MS);
  assert_decisions (nominate, T0 + 5 * MS, "relay>direct NOMINATE:1.2:direct");
}

static void
test_accused (void)
{
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_direct ();
  guint64 seq = 0;
  const gint64 now = T0 + 2 * SEC;

  g_test_summary ("SUSPECT from the Acceptor: duplicate and probe, until an "
                  "answer to a probe sent since");
  wzp_nominate_heard (nominate, DIRECT, now);
  nominate_rig_sample (nominate, DIRECT, 0, now);
  g_free (nominate_rig_drain (nominate, now, NULL));
  nominate_rig_receive_suspect (nominate, DIRECT, now);
  assert_paths (nominate, DIRECT, RELAY);
  g_free (nominate_rig_drain (nominate, now + 200 * MS, &seq));
  nominate_rig_receive (
      nominate, WZP_CONTROL_PROBE_ACK, DIRECT, seq, 12, now + 240 * MS);
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
}

static void
test_accused_unanswered (void)
{
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_direct ();
  const gint64 begin = T0 + 2 * SEC;
  gint64 now;

  g_test_summary ("SUSPECT and no answer: dead after 1 s");
  for (now = begin; now < begin + 3 * SEC; now += 10 * MS) {
    g_autofree char *text = NULL;

    wzp_nominate_heard (nominate, DIRECT, now);
    wzp_nominate_heard (nominate, RELAY, now);
    if (now == begin)
      nominate_rig_receive_suspect (nominate, DIRECT, now);
    text = nominate_rig_drain (nominate, now, NULL);
    if (strstr (text, "NOMINATE:1.3:relay") != NULL)
      break;
  }
  g_assert_cmpint (now - begin, >=, SEC);
  g_assert_cmpint (now - begin, <=, SEC + 300 * MS);
}

static void
test_quiet_path_is_probed (void)
{
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_direct ();

  g_test_summary ("In use and 500 ms of silence: a small probe each second");
  nominate_rig_sample (nominate, DIRECT, 0, T0 + SEC);
  for (gint64 t = 0; t < 480; t += 20)
    wzp_nominate_heard (nominate, DIRECT, T0 + SEC + t * MS);
  /* the last at 460 */
  assert_actions (nominate, T0 + SEC + 960 * MS - 1, "");
  assert_actions (nominate, T0 + SEC + 960 * MS, "probe:direct");
  /* the standby's last one was not answered: each second too */
  assert_actions (nominate, T0 + SEC + 1960 * MS - 1, "PROBE:relay");
  assert_actions (nominate, T0 + SEC + 1960 * MS, "probe:direct");
}

static void
test_replaced_connection (void)
{
  g_autoptr (WzpNominate) nominate = nominate_rig_dialer_on_direct ();

  g_test_summary ("Up while up: no death, but nothing is proved any more");
  g_assert_true (wzp_nominate_is_proved (nominate, DIRECT, T0 + SEC));
  wzp_nominate_path_up (nominate, DIRECT, T0 + SEC);
  g_assert_false (wzp_nominate_is_proved (nominate, DIRECT, T0 + SEC));
  assert_actions (nominate, T0 + SEC, "PROBE:direct");
  assert_paths (nominate, DIRECT, WZP_PATH_NONE);
}

static void
test_epoch (void)
{
  g_autoptr (WzpNominate) dialer = wzp_nominate_new (WZP_ROLE_DIALER);
  g_autoptr (WzpNominate) acceptor = wzp_nominate_new (WZP_ROLE_ACCEPTOR);

  wzp_nominate_set_epoch (dialer, 5);
  wzp_nominate_path_up (dialer, RELAY, T0);
  wzp_nominate_heard (dialer, RELAY, T0);
  assert_decisions (dialer, T0, "none>relay NOMINATE:5.1:relay");

  wzp_nominate_set_epoch (acceptor, 5);
  wzp_nominate_path_up (acceptor, DIRECT, T0);
  nominate_rig_receive_nominate (acceptor, 4, 100, DIRECT, T0);
  assert_decisions (acceptor, T0, "none>direct");
  nominate_rig_receive_nominate (acceptor, 5, 1, DIRECT, T0);
  assert_decisions (acceptor, T0, "ACK:5.1");
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/nominate/nothing", test_nothing);
  g_test_add_func ("/nominate/probe/times", test_probe_times);
  g_test_add_func ("/nominate/probe/no-burst", test_probes_are_not_made_up_for);
  g_test_add_func ("/nominate/probe/size", test_probe_size);
  g_test_add_func ("/nominate/probe/anew", test_heard_starts_probes_anew);
  g_test_add_func ("/nominate/probe/answers", test_probe_answers);
  g_test_add_func ("/nominate/probe/quiet", test_quiet_path_is_probed);
  g_test_add_func ("/nominate/dialer/first-heard", test_first_heard);
  g_test_add_func (
      "/nominate/dialer/direct-is-heard", test_direct_is_heard_at_once);
  g_test_add_func (
      "/nominate/first/unproved", test_unproved_direct_is_not_nominated);
  g_test_add_func ("/nominate/first/trial-ends", test_trial_ends_by_itself);
  g_test_add_func ("/nominate/first/late-proof", test_late_proof);
  g_test_add_func ("/nominate/first/expected", test_expected_relay);
  g_test_add_func ("/nominate/dialer/proof", test_proof);
  g_test_add_func ("/nominate/dialer/proof-is-fresh", test_proof_must_be_fresh);
  g_test_add_func ("/nominate/dialer/duplicate", test_duplicate_until_ack);
  g_test_add_func ("/nominate/dialer/again", test_nominate_again);
  g_test_add_func ("/nominate/dialer/ignores", test_dialer_ignores);
  g_test_add_func ("/nominate/dialer/direct-down", test_direct_down);
  g_test_add_func (
      "/nominate/dialer/relay-unheard", test_relay_unheard_is_all_there_is);
  g_test_add_func ("/nominate/dialer/sample", test_suspect_and_dead_by_sample);
  g_test_add_func ("/nominate/dialer/pto", test_limits_follow_pto);
  g_test_add_func ("/nominate/dialer/all-dead", test_dead_without_relay);
  g_test_add_func (
      "/nominate/dialer/relay-dead", test_relay_dead_goes_to_direct);
  g_test_add_func ("/nominate/dialer/accused", test_accused);
  g_test_add_func (
      "/nominate/dialer/accused-unanswered", test_accused_unanswered);
  g_test_add_func ("/nominate/dialer/replaced", test_replaced_connection);
  g_test_add_func ("/nominate/epoch", test_epoch);
  return wzp_test_run ();
}
