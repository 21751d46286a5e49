#include "wzp-cid-table.h"

#include "wzp-test.h"

#include <string.h>

static void
test_basics (void)
{
  g_autoptr (WzpCidTable) table = wzp_cid_table_new (7);
  int a, b;
  const guint8 cid[21] = "0123456789abcdefghij";

  g_assert_null (wzp_cid_table_lookup (table, cid, 8));
  g_assert_true (wzp_cid_table_add (table, cid, 8, &a));
  g_assert_false (wzp_cid_table_add (table, cid, 8, &b));
  g_assert_true (wzp_cid_table_lookup (table, cid, 8) == &a);
  /* The length is part of it. */
  g_assert_null (wzp_cid_table_lookup (table, cid, 9));
  g_assert_true (wzp_cid_table_add (table, cid, 9, &b));
  g_assert_true (wzp_cid_table_add (table, cid, 20, &b));
  g_assert_true (wzp_cid_table_add (table, cid, 0, &b));
  g_assert_true (wzp_cid_table_lookup (table, cid, 0) == &b);
  g_assert_false (wzp_cid_table_add (table, cid, 21, &b));
  g_assert_null (wzp_cid_table_lookup (table, cid, 21));
  wzp_cid_table_remove (table, cid, 21, &b);
  g_assert_cmpuint (wzp_cid_table_get_size (table), ==, 4);

  wzp_cid_table_remove (table, cid, 8, &b); /* not its own */
  g_assert_true (wzp_cid_table_lookup (table, cid, 8) == &a);
  wzp_cid_table_remove (table, cid, 8, &a);
  g_assert_null (wzp_cid_table_lookup (table, cid, 8));
  wzp_cid_table_remove (table, cid, 8, &a);
  g_assert_cmpuint (wzp_cid_table_get_size (table), ==, 3);
}

static void
test_random (void)
{
  g_autoptr (GRand) rand = wzp_test_rand_new ();
  g_autoptr (WzpCidTable) table =
      wzp_cid_table_new (g_rand_int (rand) * 2654435761ull);
  g_autoptr (GHashTable) model = g_hash_table_new_full (
      g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);

  g_test_summary ("Like a hash table, through all its holes");

  for (guint i = 0; i < 300000; i++) {
    guint8 cid[8] = { 0 };
    gsize len = g_rand_int_range (rand, 2, 5);
    g_autoptr (GBytes) key = NULL;
    gpointer known;

    cid[0] = g_rand_int_range (rand, 0, 60);
    cid[1] = g_rand_int_range (rand, 0, i < 150000 ? 60 : 4);
    key = g_bytes_new (cid, len);
    known = g_hash_table_lookup (model, key);
    g_assert_true (wzp_cid_table_lookup (table, cid, len) == known);
    if (known != NULL && g_rand_boolean (rand)) {
      wzp_cid_table_remove (table, cid, len, known);
      g_hash_table_remove (model, key);
    } else {
      gpointer value = GUINT_TO_POINTER (i + 1);

      g_assert_true (
          wzp_cid_table_add (table, cid, len, value) == (known == NULL));
      if (known == NULL)
        g_hash_table_insert (model, g_steal_pointer (&key), value);
    }
    g_assert_cmpuint (
        wzp_cid_table_get_size (table), ==, g_hash_table_size (model));
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/cid-table/basics", test_basics);
  g_test_add_func ("/cid-table/random", test_random);
  return wzp_test_run ();
}
