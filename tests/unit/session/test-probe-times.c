#include "wzp-probe-times.h"

#include "wzp-test.h"

#define T0 ((gint64) 1000000)

static void
test_long_way (void)
{
  WzpProbeTimes times = { 0 };

  g_test_summary ("The way is longer than from probe to probe");
  for (guint i = 1; i <= 8; i++)
    wzp_probe_times_sent (&times, i, T0 + i * 250000);
  g_assert_cmpint (
      wzp_probe_times_answered (&times, 3, T0 + 3 * 250000 + 1280000), ==,
      1280000);
  g_assert_cmpint (wzp_probe_times_answered (&times, 3, T0 + 9000000), ==, 0);
  g_assert_cmpint (wzp_probe_times_answered (&times, 9, T0 + 9000000), ==, 0);
  g_assert_cmpint (
      wzp_probe_times_answered (&times, 8, T0 + 8 * 250000), ==, 1);
}

static void
test_bound (void)
{
  WzpProbeTimes times = { 0 };

  g_test_summary ("The oldest makes room");
  for (guint i = 1; i <= WZP_PROBE_TIMES + 1; i++)
    wzp_probe_times_sent (&times, i, T0);
  g_assert_cmpint (wzp_probe_times_answered (&times, 1, T0 + 5), ==, 0);
  g_assert_cmpint (wzp_probe_times_answered (&times, 2, T0 + 5), ==, 5);
  g_assert_cmpint (
      wzp_probe_times_answered (&times, WZP_PROBE_TIMES + 1, T0 + 5), ==, 5);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/probe-times/long-way", test_long_way);
  g_test_add_func ("/probe-times/bound", test_bound);
  return wzp_test_run ();
}
