#include "wzp-partial.h"
#include "wzp-test.h"

#include <string.h>

/* What a fragment [offset, offset + len) of byte values says. */
typedef struct {
  guint32 offset;
  gsize len;
  gboolean is_start, is_end;
  guint32 size; /* with is_start */
} Piece;

static guint8 bytes[WZP_FRAME_SIZE_MAX + 1];

static WzpReassemblyResult
try_piece (WzpPartial *partial, Piece piece, WzpPartialPlan *ret_plan)
{
  WzpFrameMeta meta = { .size = piece.size, .pts = 1, .dts = 2 };
  WzpFragment fragment = {
    .meta = piece.is_start ? &meta : NULL,
    .offset = piece.offset,
    .is_end = piece.is_end,
    .payload = bytes + MIN (piece.offset, WZP_FRAME_SIZE_MAX),
    .len = piece.len,
  };
  gsize before = wzp_partial_footprint (partial);
  WzpReassemblyResult result = wzp_partial_plan (partial, &fragment, ret_plan);

  if (result == WZP_REASSEMBLY_TAKEN) {
    wzp_partial_apply (partial, &fragment, ret_plan, 7);
    g_assert_cmpint ((gssize) wzp_partial_footprint (partial), ==,
        (gssize) before + ret_plan->growth);
    g_assert_cmpint (partial->last_us, ==, 7);
  } else {
    g_assert_cmpuint (wzp_partial_footprint (partial), ==, before);
  }
  return result;
}

static WzpReassemblyResult
add (WzpPartial *partial, Piece piece)
{
  WzpPartialPlan plan;

  return try_piece (partial, piece, &plan);
}

static void
assert_complete (WzpPartial *partial, gsize size)
{
  WzpFrame *frame;

  g_assert_true (wzp_partial_is_complete (partial));
  g_assert_cmpuint (wzp_partial_received (partial), ==, size);
  g_assert_cmpuint (partial->allocated, ==, size);
  frame = wzp_partial_steal (partial);
  g_assert_cmpuint (frame->meta.size, ==, size);
  g_assert_cmpuint (frame->meta.dts, ==, 2);
  g_assert_cmpmem (frame->iov[0].iov_base, frame->iov[0].iov_len, bytes, size);
  wzp_frame_unref (frame);
  wzp_partial_clear (partial);
}

static void
test_start_first (WzpTest *test, gconstpointer data)
{
  WzpPartial partial = { 0 };
  guint8 *memory;

  g_assert_cmpint (add (&partial, (Piece){ 0, 100, TRUE, FALSE, 300 }), ==,
      WZP_REASSEMBLY_TAKEN);
  memory = partial.data;
  g_assert_cmpuint (partial.allocated, ==, 300);
  g_assert_cmpint (add (&partial, (Piece){ 100, 100, FALSE, FALSE, 0 }), ==,
      WZP_REASSEMBLY_TAKEN);
  g_assert_false (wzp_partial_is_complete (&partial));
  g_assert_cmpint (add (&partial, (Piece){ 200, 100, FALSE, TRUE, 0 }), ==,
      WZP_REASSEMBLY_TAKEN);
  g_assert_true (partial.data == memory);
  assert_complete (&partial, 300);
}

static void
test_end_first (WzpTest *test, gconstpointer data)
{
  WzpPartial partial = { 0 };

  g_assert_cmpint (add (&partial, (Piece){ 9000, 1000, FALSE, TRUE, 0 }), ==,
      WZP_REASSEMBLY_TAKEN);
  g_assert_cmpuint (partial.allocated, ==, 10000);
  g_assert_cmpint (add (&partial, (Piece){ 0, 9000, FALSE, FALSE, 0 }), ==,
      WZP_REASSEMBLY_TAKEN);
  /* All bytes, but not what they mean: the start has no bytes that are new. */
  g_assert_false (wzp_partial_is_complete (&partial));
  g_assert_cmpint (add (&partial, (Piece){ 0, 10, TRUE, FALSE, 10000 }), ==,
      WZP_REASSEMBLY_TAKEN);
  g_assert_cmpint (add (&partial, (Piece){ 0, 10, TRUE, FALSE, 10000 }), ==,
      WZP_REASSEMBLY_DUPLICATE);
  assert_complete (&partial, 10000);
}

static void
test_middle_first (WzpTest *test, gconstpointer data)
{
  WzpPartial partial = { 0 };

  for (guint32 i = 1; i < 100; i++) {
    g_assert_cmpint (add (&partial, (Piece){ i * 1000, 1000, FALSE, FALSE, 0 }),
        ==, WZP_REASSEMBLY_TAKEN);
    /* Not more than double of what was heard of, or a page. */
    g_assert_cmpuint (partial.allocated, <=, MAX (4096, (i + 1) * 2000));
    g_assert_cmpuint (partial.allocated, >=, (i + 1) * 1000);
  }
  g_assert_cmpint (add (&partial, (Piece){ 0, 1000, TRUE, FALSE, 100001 }), ==,
      WZP_REASSEMBLY_TAKEN);
  g_assert_cmpuint (partial.allocated, ==, 100001);
  g_assert_cmpint (add (&partial, (Piece){ 100000, 1, FALSE, TRUE, 0 }), ==,
      WZP_REASSEMBLY_TAKEN);
  assert_complete (&partial, 100001);
}

static void
test_empty (WzpTest *test, gconstpointer data)
{
  WzpPartial partial = { 0 };

  g_assert_cmpint (
      add (&partial, (Piece){ 0, 0, TRUE, TRUE, 0 }), ==, WZP_REASSEMBLY_TAKEN);
  g_assert_cmpint (add (&partial, (Piece){ 0, 0, TRUE, TRUE, 0 }), ==,
      WZP_REASSEMBLY_DUPLICATE);
  g_assert_cmpint (
      add (&partial, (Piece){ 0, 1, FALSE, FALSE, 0 }), ==, WZP_REASSEMBLY_BAD);
  assert_complete (&partial, 0);
}

static void
test_bad_alone (WzpTest *test, gconstpointer data)
{
  const Piece pieces[] = {
    { 0, 0, FALSE, FALSE, 0 },                     /* says nothing */
    { 5, 0, FALSE, TRUE, 0 },                      /* no bytes */
    { 1, 10, TRUE, FALSE, 20 },                    /* start not at 0 */
    { 0, 11, TRUE, FALSE, 10 },                    /* beyond its own size */
    { 0, 9, TRUE, TRUE, 10 },                      /* ends too early */
    { 0, 9, TRUE, FALSE, WZP_FRAME_SIZE_MAX + 1 }, /* too large */
    { WZP_FRAME_SIZE_MAX, 1, FALSE, FALSE, 0 },    /* too far */
    { WZP_FRAME_SIZE_MAX, 1, FALSE, TRUE, 0 },     /* too far */
    { G_MAXUINT32, 1, FALSE, FALSE, 0 },           /* wraps round */
    { 0, G_MAXSIZE, FALSE, FALSE, 0 },             /* wraps round */
    { 1, WZP_FRAME_SIZE_MAX, FALSE, TRUE, 0 },     /* one too large */
  };
  WzpPartial partial = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    g_test_message ("piece %u", i);
    g_assert_cmpint (add (&partial, pieces[i]), ==, WZP_REASSEMBLY_BAD);
    g_assert_null (partial.data);
  }
  g_assert_cmpint (
      add (&partial, (Piece){ WZP_FRAME_SIZE_MAX - 1, 1, FALSE, TRUE, 0 }), ==,
      WZP_REASSEMBLY_TAKEN);
  g_assert_cmpuint (partial.size, ==, WZP_FRAME_SIZE_MAX);
  wzp_partial_clear (&partial);
}

static void
test_bad_with_others (WzpTest *test, gconstpointer data)
{
  /* After [0, 100) of 300 with a start. */
  const Piece pieces[] = {
    { 0, 100, TRUE, FALSE, 301 }, /* other size */
    { 0, 100, TRUE, FALSE, 299 }, /* other size */
    { 250, 51, FALSE, FALSE, 0 }, /* beyond the size */
    { 250, 49, FALSE, TRUE, 0 },  /* ends elsewhere */
    { 250, 51, FALSE, TRUE, 0 },  /* ends elsewhere */
    { 0, 100, FALSE, TRUE, 0 },   /* ends elsewhere */
  };
  WzpPartial partial = { 0 };

  add (&partial, (Piece){ 0, 100, TRUE, FALSE, 300 });
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    g_test_message ("piece %u", i);
    g_assert_cmpint (add (&partial, pieces[i]), ==, WZP_REASSEMBLY_BAD);
    g_assert_cmpuint (partial.extents.have, ==, 100);
    g_assert_cmpuint (partial.size, ==, 300);
  }
  wzp_partial_clear (&partial);

  /* A size below what has come already. */
  add (&partial, (Piece){ 200, 100, FALSE, FALSE, 0 });
  g_assert_cmpint (add (&partial, (Piece){ 0, 1, TRUE, FALSE, 299 }), ==,
      WZP_REASSEMBLY_BAD);
  g_assert_cmpint (add (&partial, (Piece){ 0, 299, FALSE, TRUE, 0 }), ==,
      WZP_REASSEMBLY_BAD);
  g_assert_false (partial.has_size);
  g_assert_cmpint (add (&partial, (Piece){ 0, 1, TRUE, FALSE, 300 }), ==,
      WZP_REASSEMBLY_TAKEN);
  wzp_partial_clear (&partial);
}

static void
test_other_meta (WzpTest *test, gconstpointer data)
{
  const WzpFrameMeta metas[] = {
    { .size = 10, .pts = 5, .dts = 6, .duration = 7, .flags = 1 },
    { .size = 10, .pts = 4, .dts = 6, .duration = 7, .flags = 1 },
    { .size = 10, .pts = 5, .dts = 5, .duration = 7, .flags = 1 },
    { .size = 10, .pts = 5, .dts = 6, .duration = 8, .flags = 1 },
    { .size = 10, .pts = 5, .dts = 6, .duration = 7, .flags = 0 },
    { .size = 10,
        .pts = 5,
        .dts = 6,
        .duration = 7,
        .flags = 1,
        .generation = 1 },
  };
  WzpPartial partial = { 0 };
  WzpPartialPlan plan;
  WzpFragment fragment = { .meta = metas, .payload = bytes, .len = 5 };

  g_assert_cmpint (
      wzp_partial_plan (&partial, &fragment, &plan), ==, WZP_REASSEMBLY_TAKEN);
  wzp_partial_apply (&partial, &fragment, &plan, 0);
  for (guint i = 1; i < G_N_ELEMENTS (metas); i++) {
    g_test_message ("meta %u", i);
    fragment.meta = &metas[i];
    g_assert_cmpint (
        wzp_partial_plan (&partial, &fragment, &plan), ==, WZP_REASSEMBLY_BAD);
  }
  fragment.meta = metas;
  g_assert_cmpint (wzp_partial_plan (&partial, &fragment, &plan), ==,
      WZP_REASSEMBLY_DUPLICATE);
  wzp_partial_clear (&partial);
}

static void
test_intervals (WzpTest *test, gconstpointer data)
{
  const guint32 n = WZP_REASSEMBLY_MAX_INTERVALS;
  WzpPartial partial = { 0 };

  for (guint32 i = 1; i <= n; i++)
    g_assert_cmpint (add (&partial, (Piece){ i * 2, 1, FALSE, FALSE, 0 }), ==,
        WZP_REASSEMBLY_TAKEN);
  g_assert_cmpuint (partial.extents.n_islands, ==, n);
  g_assert_cmpint (add (&partial, (Piece){ n * 2 + 2, 1, FALSE, FALSE, 0 }), ==,
      WZP_REASSEMBLY_FULL);
  /* What makes no further one is taken. */
  g_assert_cmpint (add (&partial, (Piece){ n * 2 + 1, 1, FALSE, FALSE, 0 }), ==,
      WZP_REASSEMBLY_TAKEN);
  g_assert_cmpint (add (&partial, (Piece){ 3, 1, FALSE, FALSE, 0 }), ==,
      WZP_REASSEMBLY_TAKEN);
  g_assert_cmpint (add (&partial, (Piece){ n * 2 + 3, 1, FALSE, TRUE, 0 }), ==,
      WZP_REASSEMBLY_TAKEN);
  g_assert_cmpint (
      add (&partial, (Piece){ 0, n * 2 + 4, TRUE, TRUE, n * 2 + 4 }), ==,
      WZP_REASSEMBLY_TAKEN);
  assert_complete (&partial, n * 2 + 4);
}

int
main (int argc, char **argv)
{
  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 7 + i / 251);

  wzp_test_init (&argc, &argv);
  wzp_test_add ("/partial/start-first", NULL, test_start_first);
  wzp_test_add ("/partial/end-first", NULL, test_end_first);
  wzp_test_add ("/partial/middle-first", NULL, test_middle_first);
  wzp_test_add ("/partial/empty", NULL, test_empty);
  wzp_test_add ("/partial/bad-alone", NULL, test_bad_alone);
  wzp_test_add ("/partial/bad-with-others", NULL, test_bad_with_others);
  wzp_test_add ("/partial/other-meta", NULL, test_other_meta);
  wzp_test_add ("/partial/intervals", NULL, test_intervals);
  return wzp_test_run ();
}
