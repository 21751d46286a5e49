#include "wzp-redial.h"
#include "wzp-test.h"

#define FIRST_US ((gint64) G_USEC_PER_SEC)
#define MAX_US   ((gint64) 30 * G_USEC_PER_SEC)

static void
test_at_once (WzpTest *test, gconstpointer data)
{
  WzpRedial redial = { 0 };
  gint64 most_us = 0, wait_us;

  /* Also for one that is lost right after the clock began. */
  g_assert_cmpint (wzp_redial_lost (&redial, FIRST_US, MAX_US, 0, 0), ==, 0);
  for (guint i = 1; i <= 1000; i++) {
    wzp_redial_up (&redial);
    wait_us = wzp_redial_lost (&redial, FIRST_US, MAX_US,
        i * WZP_REDIAL_QUICK_EVERY_US, (guint32) g_test_rand_int ());
    g_assert_cmpint (wait_us, >=, 0);
    g_assert_cmpint (wait_us, <, WZP_REDIAL_SPREAD_US);
    most_us = MAX (most_us, wait_us);
  }
  /* They are spread: of 1000 one comes late. */
  g_assert_cmpint (most_us, >, WZP_REDIAL_SPREAD_US / 2);
}

static void
test_doubles (WzpTest *test, gconstpointer data)
{
  static const gint64 seconds[] = { 1, 2, 4, 8, 16, 30, 30, 30 };
  WzpRedial redial = { 0 };

  wzp_redial_lost (&redial, FIRST_US, MAX_US, 7, 99);
  for (guint i = 0; i < G_N_ELEMENTS (seconds); i++)
    g_assert_cmpint (wzp_redial_failed (&redial, FIRST_US, MAX_US, 0), ==,
        seconds[i] * G_USEC_PER_SEC);
  wzp_redial_up (&redial);
  g_assert_cmpint (
      wzp_redial_failed (&redial, FIRST_US, MAX_US, 0), ==, FIRST_US);
}

static void
test_spread (WzpTest *test, gconstpointer data)
{
  for (guint i = 0; i < 1000; i++) {
    WzpRedial redial = { 0 };
    gint64 wait_us = wzp_redial_failed (
        &redial, FIRST_US, MAX_US, (guint32) g_test_rand_int ());

    g_assert_cmpint (wait_us, >=, FIRST_US);
    g_assert_cmpint (wait_us, <=, FIRST_US * 11 / 10);
  }
}

/* What comes up and goes over and over is not dialled in haste each time. */
static void
test_flapping (WzpTest *test, gconstpointer data)
{
  WzpRedial redial = { 0 };

  wzp_redial_lost (&redial, FIRST_US, MAX_US, 1000, 0);
  wzp_redial_up (&redial);
  g_assert_cmpint (
      wzp_redial_lost (&redial, FIRST_US, MAX_US, 1000 + WZP_REDIAL_SAME_US, 0),
      ==, FIRST_US);
  wzp_redial_up (&redial);
  g_assert_cmpint (wzp_redial_lost (&redial, FIRST_US, MAX_US,
                       1000 + WZP_REDIAL_QUICK_EVERY_US - 1, 0),
      ==, FIRST_US);
  wzp_redial_up (&redial);
  g_assert_cmpint (wzp_redial_lost (&redial, FIRST_US, MAX_US,
                       1000 + WZP_REDIAL_QUICK_EVERY_US, 0),
      ==, 0);
}

/* The call goes, then its signalling: haste still. */
static void
test_one_cause (WzpTest *test, gconstpointer data)
{
  WzpRedial redial = { 0 };

  g_assert_cmpint (wzp_redial_lost (&redial, FIRST_US, MAX_US, 1000, 3), ==, 3);
  g_assert_cmpint (wzp_redial_lost (&redial, FIRST_US, MAX_US,
                       1000 + WZP_REDIAL_SAME_US - 1, 4),
      ==, 4);
  g_assert_cmpint (
      wzp_redial_failed (&redial, FIRST_US, MAX_US, 0), ==, FIRST_US);
}

static void
test_bounds (WzpTest *test, gconstpointer data)
{
  WzpRedial redial = { .n_waits = G_MAXUINT - 1 };

  g_assert_cmpint (wzp_redial_failed (&redial, 1, MAX_US, 0), ==, MAX_US);
  redial = (WzpRedial){ 0 };
  g_assert_cmpint (wzp_redial_failed (&redial, MAX_US, 5, 0), ==, 5);
  redial = (WzpRedial){ .n_waits = 1000 };
  g_assert_cmpint (wzp_redial_failed (&redial, 0, MAX_US, G_MAXUINT32), ==, 0);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/redial/at-once", NULL, test_at_once);
  wzp_test_add ("/redial/doubles", NULL, test_doubles);
  wzp_test_add ("/redial/spread", NULL, test_spread);
  wzp_test_add ("/redial/flapping", NULL, test_flapping);
  wzp_test_add ("/redial/one-cause", NULL, test_one_cause);
  wzp_test_add ("/redial/bounds", NULL, test_bounds);
  return wzp_test_run ();
}
