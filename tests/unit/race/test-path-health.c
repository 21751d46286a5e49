/* What a side knows of one path. How it is used: test-nominate.c. */
#include "wzp-path-health.h"
#include "wzp-test.h"

#define T0  ((gint64) 3000000000)
#define MS  ((gint64) 1000)
#define SEC ((gint64) G_USEC_PER_SEC)

static void
bring_up (WzpPathHealth *health, gboolean is_direct)
{
  wzp_path_health_init (health);
  wzp_path_health_up (health, is_direct, T0);
  wzp_path_health_set_pace (health, WZP_PACE_PROVE, T0);
}

static void
test_down (void)
{
  WzpPathHealth health;

  wzp_path_health_init (&health);
  g_assert_cmpint (wzp_path_health_next_probe (&health), ==, -1);
  g_assert_cmpint (wzp_path_health_next_turn (&health, T0), ==, -1);
  g_assert_false (wzp_path_health_is_dead (&health, T0));
  g_assert_false (wzp_path_health_is_suspect (&health, T0));
  g_assert_false (wzp_path_health_is_proved (&health, T0));
  g_assert_false (wzp_path_health_is_held (&health, T0));
  g_assert_false (wzp_path_health_is_answering (&health, T0));
}

static void
test_has_rtt (void)
{
  WzpPathHealth health;

  g_test_summary ("A relay's connection does not measure the path behind it");
  for (int is_direct = 0; is_direct < 2; is_direct++) {
    bring_up (&health, is_direct);
    g_assert_false (wzp_path_health_has_rtt (&health));
    wzp_path_health_sample (&health, 40 * MS, 70 * MS, 0);
    g_assert_cmpint (wzp_path_health_has_rtt (&health), ==, is_direct);
    wzp_path_health_probe (&health, 1, T0);
    wzp_path_health_answer (&health, 1, T0 + 50 * MS);
    g_assert_true (wzp_path_health_has_rtt (&health));
  }
}

static void
test_paces (void)
{
  static const struct {
    WzpPace pace;
    gboolean padded;
    int every_ms;
  } paces[] = {
    { WZP_PACE_CURRENT, FALSE, 1000 }, { WZP_PACE_URGENT, FALSE, 200 },
    { WZP_PACE_BACK, TRUE, 1000 }, { WZP_PACE_HOLD, TRUE, 1000 },
    { WZP_PACE_STANDBY, TRUE, 1000 }, /* unanswered */
    { WZP_PACE_PROVE, TRUE, 500 },    /* behind its schedule */
  };

  for (guint i = 0; i < G_N_ELEMENTS (paces); i++) {
    WzpPathHealth health;

    bring_up (&health, FALSE);
    wzp_path_health_set_pace (&health, paces[i].pace, T0);
    g_assert_true (
        wzp_path_health_probe (&health, 1, T0 + 10 * SEC) == paces[i].padded);
    g_assert_cmpint (wzp_path_health_next_probe (&health), ==,
        T0 + 10 * SEC + paces[i].every_ms * MS);
  }
}

static void
test_standby_and_back (void)
{
  WzpPathHealth health;

  bring_up (&health, FALSE);
  wzp_path_health_set_pace (&health, WZP_PACE_STANDBY, T0);
  wzp_path_health_probe (&health, 1, T0);
  g_assert_true (wzp_path_health_answer (&health, 1, T0 + MS));
  g_assert_cmpint (wzp_path_health_next_probe (&health), ==, T0 + 5 * SEC);

  wzp_path_health_set_pace (&health, WZP_PACE_NONE, T0);
  g_assert_cmpint (wzp_path_health_next_probe (&health), ==, -1);

  /* Every 200 ms once it answers, until five are missing. */
  wzp_path_health_died (&health, T0, T0 + SEC);
  wzp_path_health_set_pace (&health, WZP_PACE_BACK, T0 + SEC);
  for (guint64 seq = 2; seq < 8; seq++) {
    wzp_path_health_probe (&health, seq, T0 + 2 * SEC + (gint64) seq);
    if (seq == 2)
      g_assert_true (wzp_path_health_answer (&health, 2, T0 + 2 * SEC + 3));
    g_assert_cmpint (
        wzp_path_health_next_probe (&health) - T0 - 2 * SEC - (gint64) seq, ==,
        seq < 7 ? 200 * MS : SEC);
  }
}

static void
test_answers (void)
{
  WzpPathHealth health;

  g_test_summary ("Known once; an older one is over with a later one's answer");
  bring_up (&health, FALSE);
  g_assert_false (wzp_path_health_answer (&health, 0, T0));
  for (guint64 seq = 0; seq < 4; seq++)
    wzp_path_health_probe (&health, seq, T0 + (gint64) seq * MS);
  g_assert_cmpuint (health.n_unanswered, ==, 4);
  g_assert_cmpint (health.unanswered_since_us, ==, T0);
  g_assert_true (wzp_path_health_answer (&health, 2, T0 + 40 * MS));
  g_assert_cmpuint (health.n_unanswered, ==, 1);
  g_assert_cmpint (health.unanswered_since_us, ==, T0 + 3 * MS);
  g_assert_cmpint (wzp_path_health_rtt (&health), ==, 38 * MS);
  g_assert_false (wzp_path_health_answer (&health, 2, T0 + 40 * MS));
  g_assert_false (wzp_path_health_answer (&health, 1, T0 + 40 * MS));
  g_assert_true (wzp_path_health_answer (&health, 3, T0 + 41 * MS));
  g_assert_cmpint (health.unanswered_since_us, ==, -1);
  g_assert_true (wzp_path_health_is_answering (&health, T0 + 41 * MS));
  g_assert_false (
      wzp_path_health_is_answering (&health, T0 + 3 * MS + SEC + 1));
}

static void
test_outstanding_bound (void)
{
  WzpPathHealth health;
  const guint64 n = 3 * WZP_PATH_MAX_OUTSTANDING;

  bring_up (&health, FALSE);
  for (guint64 seq = 0; seq < n; seq++)
    wzp_path_health_probe (&health, seq, T0 + (gint64) seq);
  g_assert_cmpuint (health.n_sent, ==, WZP_PATH_MAX_OUTSTANDING);
  g_assert_cmpuint (health.n_unanswered, ==, n);
  g_assert_false (wzp_path_health_answer (
      &health, n - WZP_PATH_MAX_OUTSTANDING - 1, T0 + SEC));
  g_assert_true (
      wzp_path_health_answer (&health, n - WZP_PATH_MAX_OUTSTANDING, T0 + SEC));
}

static void
test_rtt (void)
{
  WzpPathHealth health;

  bring_up (&health, FALSE);
  g_assert_cmpint (wzp_path_health_rtt (&health), ==, WZP_PATH_RTT_DEFAULT_US);
  wzp_path_health_sample (&health, 30 * MS, 60 * MS, 0);
  g_assert_cmpint (wzp_path_health_rtt (&health), ==, 30 * MS);
  wzp_path_health_probe (&health, 1, T0);
  wzp_path_health_answer (&health, 1, T0 + 80 * MS);
  g_assert_cmpint (wzp_path_health_rtt (&health), ==, 80 * MS);
  wzp_path_health_probe (&health, 2, T0 + SEC);
  wzp_path_health_answer (&health, 2, T0 + SEC + 160 * MS);
  g_assert_cmpint (wzp_path_health_rtt (&health), ==, 90 * MS);
  /* Nobody can make it more than a second. */
  wzp_path_health_sample (&health, G_MAXINT64, 0, 0);
  g_assert_cmpint (wzp_path_health_rtt (&health), ==, SEC);
}

static void
test_relay_needs_answers (void)
{
  WzpPathHealth health;
  gint64 now = T0;

  g_test_summary ("The relay acknowledges, the peer does not answer: suspect "
                  "at 150 ms, dead at 1 s with 5 probes");
  bring_up (&health, FALSE);
  for (guint64 seq = 0; seq < 4; seq++, now += 10 * MS)
    wzp_path_health_probe (&health, seq, now);
  wzp_path_health_sample (&health, 20 * MS, 50 * MS, 0);
  g_assert_false (wzp_path_health_is_suspect (&health, T0 + 150 * MS - 1));
  g_assert_cmpint (
      wzp_path_health_next_turn (&health, T0 + 40 * MS), ==, T0 + 150 * MS);
  g_assert_true (wzp_path_health_is_suspect (&health, T0 + 150 * MS));
  g_assert_false (wzp_path_health_is_dead (&health, T0 + 9 * SEC));
  wzp_path_health_probe (&health, 4, T0 + 200 * MS);
  g_assert_false (wzp_path_health_is_dead (&health, T0 + SEC - 1));
  g_assert_cmpint (
      wzp_path_health_next_turn (&health, T0 + 200 * MS), ==, T0 + SEC);
  g_assert_true (wzp_path_health_is_dead (&health, T0 + SEC));

  /* Heard since: only if the peer says that it does not hear us. */
  wzp_path_health_heard (&health, FALSE, T0 + SEC);
  for (guint64 seq = 5; seq < 10; seq++)
    wzp_path_health_probe (&health, seq, T0 + SEC);
  wzp_path_health_heard (&health, FALSE, T0 + 2 * SEC);
  g_assert_true (wzp_path_health_is_suspect (&health, T0 + 2 * SEC));
  g_assert_false (wzp_path_health_is_dead (&health, T0 + 3 * SEC - 1));
  g_assert_true (wzp_path_health_is_dead (&health, T0 + 3 * SEC));
  wzp_path_health_accuse (&health, T0 + 2 * SEC);
  g_assert_true (wzp_path_health_is_dead (&health, T0 + 2 * SEC));
}

static void
test_direct_by_samples (void)
{
  WzpPathHealth health;

  g_test_summary ("On direct the samples decide, where there are any");
  bring_up (&health, TRUE);
  for (guint64 seq = 0; seq < 6; seq++)
    wzp_path_health_probe (&health, seq, T0);
  g_assert_true (wzp_path_health_is_suspect (&health, T0 + SEC));
  g_assert_true (wzp_path_health_is_dead (&health, T0 + SEC));
  wzp_path_health_sample (&health, 20 * MS, 50 * MS, 0);
  g_assert_false (wzp_path_health_is_suspect (&health, T0 + SEC));
  g_assert_false (wzp_path_health_is_dead (&health, T0 + SEC));
  wzp_path_health_sample (&health, 20 * MS, 50 * MS, 150 * MS);
  g_assert_true (wzp_path_health_is_suspect (&health, T0 + SEC));
  g_assert_true (wzp_path_health_is_dead (&health, T0 + SEC));
  g_assert_true (wzp_path_health_next_turn (&health, T0) > T0);
}

static void
test_accused (void)
{
  WzpPathHealth health;

  bring_up (&health, TRUE);
  wzp_path_health_probe (&health, 0, T0);
  wzp_path_health_accuse (&health, T0 + MS);
  wzp_path_health_accuse (&health, T0 + 2 * MS);
  g_assert_true (wzp_path_health_is_suspect (&health, T0 + MS));
  wzp_path_health_answer (&health, 0, T0 + 3 * MS); /* sent before */
  g_assert_true (wzp_path_health_is_suspect (&health, T0 + 3 * MS));
  wzp_path_health_probe (&health, 1, T0 + MS);
  wzp_path_health_answer (&health, 1, T0 + 4 * MS);
  g_assert_false (wzp_path_health_is_suspect (&health, T0 + 4 * MS));
}

static void
test_holds (void)
{
  static const int seconds[] = { 2, 4, 8, 16, 32, 60, 60 };
  WzpPathHealth health;
  gint64 now = T0;

  g_test_summary ("10 answers, over 2 s at least, then 2, 4, 8 ... 60 s");
  bring_up (&health, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (seconds); i++) {
    guint64 seq = 100 * i;

    now += 10 * SEC;
    wzp_path_health_died (&health, now - 59 * SEC, now);
    wzp_path_health_set_pace (&health, WZP_PACE_BACK, now);
    g_assert_true (wzp_path_health_is_held (&health, now + 1000 * SEC));
    for (guint n = 0; n < WZP_PATH_BACK_PROBES; n++, now += 200 * MS) {
      wzp_path_health_probe (&health, seq, now);
      wzp_path_health_answer (&health, seq++, now);
    }
    /* Ten, but over 1.8 s. */
    g_assert_true (health.needs_back);
    wzp_path_health_probe (&health, seq, now);
    wzp_path_health_answer (&health, seq, now);
    g_assert_false (health.needs_back);
    g_assert_true (
        wzp_path_health_is_held (&health, now + seconds[i] * SEC - 1));
    g_assert_cmpint (
        wzp_path_health_next_turn (&health, now), ==, now + seconds[i] * SEC);
    g_assert_false (wzp_path_health_is_held (&health, now + seconds[i] * SEC));
  }
  wzp_path_health_died (&health, now - 60 * SEC, now);
  g_assert_cmpint (health.hold_us, ==, 2 * SEC);
}

static void
test_back_is_in_a_row (void)
{
  WzpPathHealth health;
  guint64 seq = 0;

  g_test_summary ("A second without an answer and the count begins anew");
  bring_up (&health, TRUE);
  wzp_path_health_died (&health, T0, T0);
  for (gint64 now = T0; now < T0 + 60 * SEC; now += SEC + 1) {
    wzp_path_health_probe (&health, seq, now);
    wzp_path_health_answer (&health, seq++, now);
  }
  g_assert_true (health.needs_back);
  g_assert_cmpuint (health.n_back, ==, 1);
}

static void
test_reset (void)
{
  WzpPathHealth health;

  g_test_summary ("A new connection starts blank, but for the deaths");
  bring_up (&health, TRUE);
  wzp_path_health_probe (&health, 1, T0);
  wzp_path_health_heard (&health, TRUE, T0);
  wzp_path_health_answer (&health, 1, T0 + MS);
  wzp_path_health_sample (&health, 30 * MS, 60 * MS, 9 * SEC);
  wzp_path_health_accuse (&health, T0);
  wzp_path_health_died (&health, T0, T0);
  g_assert_true (wzp_path_health_is_proved (&health, T0 + MS));
  g_assert_true (wzp_path_health_is_dead (&health, T0 + MS));

  wzp_path_health_down (&health);
  g_assert_cmpint (wzp_path_health_next_probe (&health), ==, -1);
  wzp_path_health_up (&health, FALSE, T0 + SEC);
  g_assert_false (wzp_path_health_is_proved (&health, T0 + SEC));
  g_assert_false (wzp_path_health_is_suspect (&health, T0 + SEC));
  g_assert_cmpint (health.heard_us, ==, -1);
  g_assert_false (wzp_path_health_answer (&health, 1, T0 + SEC));
  g_assert_true (wzp_path_health_is_held (&health, T0 + 100 * SEC));
  g_assert_cmpint (wzp_path_health_rtt (&health), ==, WZP_PATH_RTT_DEFAULT_US);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/path-health/down", test_down);
  g_test_add_func ("/path-health/has-rtt", test_has_rtt);
  g_test_add_func ("/path-health/paces", test_paces);
  g_test_add_func ("/path-health/standby-and-back", test_standby_and_back);
  g_test_add_func ("/path-health/answers", test_answers);
  g_test_add_func ("/path-health/bound", test_outstanding_bound);
  g_test_add_func ("/path-health/rtt", test_rtt);
  g_test_add_func ("/path-health/relay", test_relay_needs_answers);
  g_test_add_func ("/path-health/direct", test_direct_by_samples);
  g_test_add_func ("/path-health/accused", test_accused);
  g_test_add_func ("/path-health/holds", test_holds);
  g_test_add_func ("/path-health/in-a-row", test_back_is_in_a_row);
  g_test_add_func ("/path-health/reset", test_reset);
  return wzp_test_run ();
}
