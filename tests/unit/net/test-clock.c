#include "wzp-clock.h"

static void
test_one_clock (void)
{
  g_test_summary ("Both units are of the clock that GLib's sources use");

  for (guint i = 0; i < 1000; i++) {
    gint64 before = g_get_monotonic_time ();
    gint64 us = wzp_clock_now_us ();
    guint64 ns = wzp_clock_now_ns ();
    gint64 after = g_get_monotonic_time ();

    g_assert_cmpint (before, <=, us);
    g_assert_cmpint (us, <=, (gint64) (ns / 1000));
    g_assert_cmpint ((gint64) (ns / 1000), <=, after);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/clock/one-clock", test_one_clock);

  return g_test_run ();
}
