#include "wzp-rx-numbers.h"
#include "wzp-test.h"

#define REORDER WZP_RX_NUMBERS_REORDER
#define WINDOW  WZP_RX_NUMBERS_WINDOW

static void
assert_counts (const WzpRxNumbers *numbers, guint64 received, guint64 repeated,
    guint64 lost)
{
  g_assert_cmpuint (wzp_rx_numbers_received (numbers), ==, received);
  g_assert_cmpuint (wzp_rx_numbers_repeated (numbers), ==, repeated);
  g_assert_cmpuint (wzp_rx_numbers_lost (numbers), ==, lost);
}

static void
test_allowance (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRxNumbers) numbers = wzp_rx_numbers_new ();

  assert_counts (numbers, 0, 0, 0);
  for (guint64 n = 0; n < 10; n++)
    g_assert_true (wzp_rx_numbers_mark (numbers, n));
  g_assert_false (wzp_rx_numbers_mark (numbers, 9));
  g_assert_false (wzp_rx_numbers_mark (numbers, 0));
  assert_counts (numbers, 10, 2, 0);

  /* 10 is missing: lost when it is more than the allowance behind. */
  for (guint64 n = 11; n <= 10 + REORDER; n++)
    g_assert_true (wzp_rx_numbers_mark (numbers, n));
  assert_counts (numbers, 9 + 1 + REORDER, 2, 0);
  g_assert_true (wzp_rx_numbers_mark (numbers, 11 + REORDER));
  assert_counts (numbers, 11 + REORDER, 2, 1);
  g_assert_true (wzp_rx_numbers_mark (numbers, 10));
  assert_counts (numbers, 12 + REORDER, 2, 0);
  g_assert_false (wzp_rx_numbers_mark (numbers, 10));
  assert_counts (numbers, 12 + REORDER, 3, 0);
}

static void
test_window (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRxNumbers) numbers = wzp_rx_numbers_new ();

  g_assert_true (wzp_rx_numbers_mark (numbers, 0));
  g_assert_true (wzp_rx_numbers_mark (numbers, WINDOW));
  assert_counts (numbers, 2, 0, WINDOW - REORDER - 1);
  /* 0 came, but is out of the window: not known to be a repeat. */
  g_assert_false (wzp_rx_numbers_mark (numbers, 0));
  assert_counts (numbers, 2, 0, WINDOW - REORDER - 1);
  g_assert_true (wzp_rx_numbers_mark (numbers, 1));
  assert_counts (numbers, 3, 0, WINDOW - REORDER - 2);
}

static void
test_late_start (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRxNumbers) numbers = wzp_rx_numbers_new ();

  g_assert_true (wzp_rx_numbers_mark (numbers, 1000000));
  g_assert_true (wzp_rx_numbers_mark (numbers, 1000000 + REORDER + 3));
  assert_counts (numbers, 2, 0, 2);
  /* Reordered over the beginning: it came, and never counted as lost. */
  g_assert_true (wzp_rx_numbers_mark (numbers, 999999));
  g_assert_false (wzp_rx_numbers_mark (numbers, 999999));
  assert_counts (numbers, 3, 1, 2);
}

static void
test_far_jump (WzpTest *test, gconstpointer data)
{
  const guint64 far = (G_GUINT64_CONSTANT (1) << 62) - 1;
  g_autoptr (WzpRxNumbers) numbers = wzp_rx_numbers_new ();

  g_assert_true (wzp_rx_numbers_mark (numbers, 5));
  g_assert_true (wzp_rx_numbers_mark (numbers, far));
  assert_counts (numbers, 2, 0, far - REORDER - 6);
  g_assert_false (wzp_rx_numbers_mark (numbers, 6));
  g_assert_true (wzp_rx_numbers_mark (numbers, far - WINDOW + 1));
  g_assert_false (wzp_rx_numbers_mark (numbers, far - WINDOW));
  assert_counts (numbers, 3, 0, far - REORDER - 7);
}

/* Against a plain table of everything. */
static void
test_random (WzpTest *test, gconstpointer data)
{
  enum {
    SPAN = 30000
  };
  GRand *rand = wzp_test_rand_new ();

  for (guint round = 0; round < 40; round++) {
    g_autoptr (WzpRxNumbers) numbers = wzp_rx_numbers_new ();
    g_autofree gboolean *came = g_new0 (gboolean, SPAN);
    guint64 first = (guint64) g_rand_int_range (rand, 0, 5000);
    guint64 highest = first, received = 0, repeated = 0;
    gint spread = g_rand_int_range (rand, 1, 2 * WINDOW);

    for (guint64 base = first; base < SPAN;
         base += (guint64) g_rand_int_range (rand, 0, spread / 4 + 3)) {
      guint64 back = (guint64) g_rand_int_range (rand, 0, spread);
      guint64 n = received == 0 ? first : base - MIN (base, back);
      gboolean is_old = highest >= n && highest - n >= WINDOW;
      gboolean is_fresh = !is_old && !came[n];
      guint64 lost = 0;

      g_assert_cmpint (wzp_rx_numbers_mark (numbers, n), ==, is_fresh);
      repeated += !is_old && came[n];
      received += is_fresh;
      came[n] |= is_fresh;
      highest = MAX (highest, n);
      if (g_rand_int_range (rand, 0, 100) != 0)
        continue;
      for (guint64 k = first; k + REORDER < highest; k++)
        lost += !came[k];
      assert_counts (numbers, received, repeated, lost);
    }
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/rx-numbers/allowance", NULL, test_allowance);
  wzp_test_add ("/rx-numbers/window", NULL, test_window);
  wzp_test_add ("/rx-numbers/late-start", NULL, test_late_start);
  wzp_test_add ("/rx-numbers/far-jump", NULL, test_far_jump);
  wzp_test_add ("/rx-numbers/random", NULL, test_random);
  return wzp_test_run ();
}
