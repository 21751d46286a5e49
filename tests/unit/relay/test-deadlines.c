#include "wzp-deadlines.h"
#include "wzp-test.h"

#define N 64u

static void
test_order (void)
{
  static const gint64 at_us[] = { 50, 50, 20, 70, 50, 0, 60 };
  static const guint order[] = { 5, 2, 0, 1, 4, 6, 3 };
  WzpDeadline deadlines[G_N_ELEMENTS (at_us)];
  GQueue queue = G_QUEUE_INIT;

  g_test_summary ("By time, and equal ones as they came");

  g_assert_cmpint (wzp_deadlines_get (&queue), ==, -1);
  g_assert_null (wzp_deadlines_take (&queue));
  for (guint i = 0; i < G_N_ELEMENTS (at_us); i++) {
    wzp_deadline_init (&deadlines[i], &deadlines[i]);
    wzp_deadlines_add (&queue, &deadlines[i], at_us[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
    g_assert_cmpint (wzp_deadlines_get (&queue), ==, at_us[order[i]]);
    g_assert_true (wzp_deadlines_take (&queue) == &deadlines[order[i]]);
    g_assert_false (deadlines[order[i]].is_queued);
  }
  g_assert_cmpint (wzp_deadlines_get (&queue), ==, -1);
}

static void
test_random (void)
{
  GRand *rand = wzp_test_rand_new ();
  WzpDeadline deadlines[N];
  GQueue queue = G_QUEUE_INIT;

  for (guint i = 0; i < N; i++)
    wzp_deadline_init (&deadlines[i], &deadlines[i]);
  for (guint step = 0; step < 20000; step++) {
    WzpDeadline *deadline = &deadlines[g_rand_int_range (rand, 0, N)];
    gint64 first_us = -1;
    guint n = 0;

    if (g_rand_boolean (rand))
      wzp_deadlines_remove (&queue, deadline); /* queued or not */
    else if (!deadline->is_queued)
      wzp_deadlines_add (&queue, deadline, g_rand_int_range (rand, 0, 1000));
    for (guint i = 0; i < N; i++)
      if (deadlines[i].is_queued) {
        n++;
        if (first_us < 0 || deadlines[i].at_us < first_us)
          first_us = deadlines[i].at_us;
      }
    g_assert_cmpuint (queue.length, ==, n);
    g_assert_cmpint (wzp_deadlines_get (&queue), ==, first_us);
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/deadlines/order", test_order);
  g_test_add_func ("/deadlines/random", test_random);
  return wzp_test_run ();
}
