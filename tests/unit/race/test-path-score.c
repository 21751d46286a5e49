#include "wzp-path-score.h"
#include "wzp-test.h"

#define MS G_GINT64_CONSTANT (1000)
#define S  (1000 * MS)

static void
test_score (void)
{
  WzpPathQuality quality = { .rtt_us = 40 * MS, .rttvar_us = 5 * MS };

  g_assert_cmpint (wzp_path_score (&quality), ==, 60 * MS);
  quality.loss = 0.02;
  g_assert_cmpint (wzp_path_score (&quality), ==, 100 * MS);
  quality.is_relay = TRUE;
  g_assert_cmpint (wzp_path_score (&quality), ==, 150 * MS);
  quality.is_ipv6 = TRUE;
  g_assert_cmpint (wzp_path_score (&quality), ==, 147 * MS);
}

static void
test_limits (void)
{
  WzpPathQuality quality = { .rttvar_us = 5 * MS, .loss = 1 };

  g_assert_cmpint (wzp_path_score (&quality), ==, -1);
  quality.rtt_us = 1;
  quality.loss = 7;
  quality.rttvar_us = -1;
  g_assert_cmpint (wzp_path_score (&quality), ==, 1 + 2 * S);
  quality.loss = -1;
  quality.is_ipv6 = TRUE;
  g_assert_cmpint (wzp_path_score (&quality), ==, 0);
}

static void
test_better (void)
{
  g_test_summary ("Better by a fifth and by 10 ms");

  g_assert_true (wzp_path_score_is_better (80 * MS, 100 * MS));
  g_assert_false (wzp_path_score_is_better (80 * MS + 1, 100 * MS));
  g_assert_true (wzp_path_score_is_better (0, 10 * MS));
  g_assert_false (wzp_path_score_is_better (1, 10 * MS));
  g_assert_false (wzp_path_score_is_better (100 * MS, 80 * MS));
  g_assert_false (wzp_path_score_is_better (-1, 80 * MS));
  g_assert_false (wzp_path_score_is_better (10 * MS, -1));
}

static void
test_loss (void)
{
  WzpLossMeter meter = { 0 };

  wzp_loss_meter_update (&meter, 1000, 900, 5 * S); /* before our time */
  g_assert_cmpfloat (meter.rate, ==, 0);
  wzp_loss_meter_update (&meter, 1100, 910, 6 * S - 1); /* too soon */
  g_assert_cmpfloat (meter.rate, ==, 0);
  wzp_loss_meter_update (&meter, 1100, 910, 6 * S);
  g_assert_cmpfloat_with_epsilon (meter.rate, 0.025, 1e-9);
  for (guint i = 1; i <= 30; i++)
    wzp_loss_meter_update (
        &meter, 1100 + i * 100, 910 + i * 10, (gint64) (6 + i) * S);
  g_assert_cmpfloat_with_epsilon (meter.rate, 0.1, 1e-4);
  /* Taken back: nothing was lost. */
  wzp_loss_meter_update (&meter, 4200, 1200, 37 * S);
  g_assert_cmpfloat_with_epsilon (meter.rate, 0.075, 1e-4);
}

static void
test_loss_remembered (void)
{
  WzpLossMeter meter = { .rate = 0.08 };

  g_test_summary ("Where nothing is sent it fades; another connection is "
                  "another beginning");

  wzp_loss_meter_update (&meter, 500, 0, 0);
  for (gint64 i = 1; i <= 30; i++)
    wzp_loss_meter_update (&meter, 500, 0, i * S);
  g_assert_cmpfloat_with_epsilon (meter.rate, 0.04, 1e-6);
  wzp_loss_meter_update (
      &meter, 500 + WZP_LOSS_METER_MIN - 1, WZP_LOSS_METER_MIN - 1, 60 * S);
  g_assert_cmpfloat_with_epsilon (meter.rate, 0.02, 1e-6);
  wzp_loss_meter_update (&meter, 20, 20, 61 * S);
  g_assert_cmpfloat_with_epsilon (meter.rate, 0.02, 1e-6);
  wzp_loss_meter_update (&meter, 40, 40, 62 * S);
  g_assert_cmpfloat_with_epsilon (meter.rate, 0.265, 1e-6);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/path-score/score", test_score);
  g_test_add_func ("/path-score/limits", test_limits);
  g_test_add_func ("/path-score/better", test_better);
  g_test_add_func ("/path-score/loss", test_loss);
  g_test_add_func ("/path-score/loss-remembered", test_loss_remembered);
  return wzp_test_run ();
}
