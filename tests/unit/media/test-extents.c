#include "wzp-extents.h"
#include "wzp-test.h"

#include <string.h>

#define SPAN 64u

static void
assert_equal (const WzpExtents *extents, const gboolean *bits)
{
  g_autofree gboolean *got = g_new0 (gboolean, SPAN);
  guint32 last_end = extents->have;

  for (guint32 i = 0; i < extents->have; i++)
    got[i] = TRUE;
  for (guint i = 0; i < extents->n_islands; i++) {
    const WzpExtent *island = &extents->islands[i];

    g_assert_cmpuint (island->start, >, last_end);
    g_assert_cmpuint (island->end, >, island->start);
    for (guint32 k = island->start; k < island->end; k++)
      got[k] = TRUE;
    last_end = island->end;
  }
  g_assert_cmpmem (
      got, SPAN * sizeof (gboolean), bits, SPAN * sizeof (gboolean));
}

static void
test_random (WzpTest *test, gconstpointer data)
{
  GRand *rand = wzp_test_rand_new ();

  for (guint round = 0; round < 3000; round++) {
    WzpExtents extents = { 0 };
    gboolean bits[SPAN] = { 0 };

    for (guint i = 0; i < 30; i++) {
      guint32 start = (guint32) g_rand_int_range (rand, 0, SPAN + 1);
      guint32 len = (guint32) g_rand_int_range (rand, 0, 8);
      guint32 end = MIN (start + len, SPAN);
      gsize before = wzp_extents_footprint (&extents);
      gboolean is_known = TRUE;
      WzpExtentsPlace place;
      guint n_islands = extents.n_islands;
      gsize growth;

      for (guint32 k = start; k < end; k++)
        is_known &= bits[k];
      wzp_extents_find (&extents, start, end, &place);
      g_assert_cmpint (place.is_known, ==, is_known);
      growth = wzp_extents_growth (&extents, &place);
      wzp_extents_add (&extents, &place);
      for (guint32 k = start; k < end; k++)
        bits[k] = TRUE;
      assert_equal (&extents, bits);
      g_assert_cmpuint (wzp_extents_footprint (&extents), ==, before + growth);
      if (place.is_new)
        g_assert_cmpuint (extents.n_islands, ==, n_islands + 1);
      else
        g_assert_cmpuint (extents.n_islands, <=, n_islands);
    }
    wzp_extents_clear (&extents);
    g_assert_cmpuint (wzp_extents_footprint (&extents), ==, 0);
  }
  g_rand_free (rand);
}

static void
test_in_order_allocates_nothing (WzpTest *test, gconstpointer data)
{
  WzpExtents extents = { 0 };

  for (guint32 i = 0; i < 1000; i++) {
    WzpExtentsPlace place;

    wzp_extents_find (&extents, i * 1300, (i + 1) * 1300, &place);
    g_assert_false (place.is_known);
    g_assert_cmpuint (wzp_extents_growth (&extents, &place), ==, 0);
    wzp_extents_add (&extents, &place);
  }
  g_assert_cmpuint (extents.have, ==, 1300000);
  g_assert_cmpuint (wzp_extents_footprint (&extents), ==, 0);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/extents/random", NULL, test_random);
  wzp_test_add ("/extents/in-order-allocates-nothing", NULL,
      test_in_order_allocates_nothing);
  return wzp_test_run ();
}
