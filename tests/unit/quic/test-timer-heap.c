#include "wzp-timer-heap.h"

#include "wzp-test.h"

static void
test_basics (void)
{
  WzpTimerHeap heap;
  WzpTimer a = { 0 }, b = { 0 };

  wzp_timer_heap_init (&heap);
  g_assert_null (wzp_timer_heap_peek (&heap));
  wzp_timer_heap_set (&heap, &a, WZP_TIMER_NEVER); /* not in it */
  wzp_timer_heap_set (&heap, &a, 20);
  wzp_timer_heap_set (&heap, &b, 10);
  g_assert_true (wzp_timer_heap_peek (&heap) == &b);
  wzp_timer_heap_set (&heap, &b, 30);
  g_assert_true (wzp_timer_heap_peek (&heap) == &a);
  wzp_timer_heap_set (&heap, &a, WZP_TIMER_NEVER);
  g_assert_true (wzp_timer_heap_peek (&heap) == &b);
  g_assert_cmpuint (a.index, ==, 0);
  wzp_timer_heap_clear (&heap);
  g_assert_cmpuint (b.index, ==, 0);
}

static void
test_random (void)
{
  enum {
    N = 300
  };
  g_autoptr (GRand) rand = wzp_test_rand_new ();
  WzpTimerHeap heap;
  WzpTimer timers[N] = { 0 };

  wzp_timer_heap_init (&heap);
  for (guint i = 0; i < N; i++)
    timers[i].when = WZP_TIMER_NEVER;
  for (guint round = 0; round < 50000; round++) {
    guint64 least = WZP_TIMER_NEVER;
    const WzpTimer *first;

    wzp_timer_heap_set (&heap, &timers[g_rand_int_range (rand, 0, N)],
        g_rand_int_range (rand, 0, 4) == 0
            ? WZP_TIMER_NEVER
            : (guint64) g_rand_int_range (rand, 0, 1000));
    for (guint i = 0; i < N; i++)
      least = MIN (least, timers[i].when);
    first = wzp_timer_heap_peek (&heap);
    g_assert_cmpuint (first != NULL ? first->when : WZP_TIMER_NEVER, ==, least);
  }
  wzp_timer_heap_clear (&heap);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/timer-heap/basics", test_basics);
  g_test_add_func ("/timer-heap/random", test_random);
  return wzp_test_run ();
}
