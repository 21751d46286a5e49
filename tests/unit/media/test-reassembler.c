#include "wzp-reassembler.h"
#include "wzp-test.h"

#include <string.h>

#define MS   G_TIME_SPAN_MILLISECOND
#define HOLD (100 * MS)

#define START WZP_DATAGRAM_FRAME_START
#define END   WZP_DATAGRAM_FRAME_END
#define WHOLE (START | END)

static guint8 bytes[WZP_FRAME_SIZE_MAX];

typedef struct {
  WzpReassemblyBudget budget;
  WzpReassembler *reassembler;
  gint64 now;
} Fixture;

static void
set_up (Fixture *f)
{
  f->budget = (WzpReassemblyBudget){ .max = WZP_REASSEMBLY_MAX_BYTES };
  f->reassembler = wzp_reassembler_new (&f->budget);
  f->now = 1000000;
  wzp_reassembler_set_hold (f->reassembler, HOLD);
}

static void
tear_down (Fixture *f)
{
  wzp_reassembler_free (f->reassembler);
  g_assert_cmpuint (f->budget.used, ==, 0);
}

/* Bytes [@offset, @offset + @len) of frame @frame of @size. */
static WzpReassemblyResult
push (Fixture *f, guint64 frame, guint8 flags, guint32 offset, gsize len,
    guint32 size)
{
  WzpMediaHead head = {
    .frame = frame,
    .is_start = (flags & START) != 0,
    .offset = offset,
    .meta = { .size = size, .pts = frame * 1000, .dts = WZP_TIME_NONE },
  };
  WzpReassemblyResult result = wzp_reassembler_push (
      f->reassembler, &head, flags, bytes + offset, len, f->now);

  g_assert_cmpuint (f->budget.used, <=, f->budget.max);
  return result;
}

#define assert_push(f, result, ...)                                            \
  g_assert_cmpint (push ((f), __VA_ARGS__), ==, WZP_REASSEMBLY_##result)

/* Frame @frame, whole, in one datagram. */
#define assert_push_whole(f, result, frame)                                    \
  assert_push ((f), result, (frame), WHOLE, 0, 10, 10)

static void
assert_pop (Fixture *f, guint64 frame, guint64 lost)
{
  guint64 got_lost = 12345;
  g_autoptr (WzpFrame) got =
      wzp_reassembler_pop (f->reassembler, f->now, &got_lost);

  g_assert_nonnull (got);
  g_assert_cmpuint (got->meta.pts, ==, frame * 1000);
  g_assert_cmpuint (got_lost, ==, lost);
  g_assert_cmpuint (got->n_iov, ==, 1);
  g_assert_cmpmem (
      got->iov[0].iov_base, got->iov[0].iov_len, bytes, got->meta.size);
}

static void
assert_none (Fixture *f)
{
  guint64 lost = 12345;

  g_assert_null (wzp_reassembler_pop (f->reassembler, f->now, &lost));
  g_assert_cmpuint (lost, ==, 12345);
}

/* Nothing comes before now + @later_us, and the deadline says so. */
static void
assert_waits (Fixture *f, gint64 later_us)
{
  assert_none (f);
  g_assert_cmpint (
      wzp_reassembler_get_deadline (f->reassembler), ==, f->now + later_us);
  f->now += later_us - 1;
  assert_none (f);
  f->now += 1;
}

static void
assert_no_deadline (Fixture *f)
{
  g_assert_cmpint (wzp_reassembler_get_deadline (f->reassembler), ==, -1);
}

static void
test_in_order (WzpTest *test, gconstpointer data)
{
  Fixture f;
  WzpReassemblyStats stats;

  set_up (&f);
  assert_none (&f);
  assert_no_deadline (&f);
  for (guint64 n = 0; n < 1000; n++) {
    assert_push (&f, TAKEN, n, START, 0, 1000, 2500);
    assert_none (&f);
    assert_push (&f, TAKEN, n, 0, 1000, 1000, 0);
    assert_push (&f, TAKEN, n, END, 2000, 500, 0);
    assert_pop (&f, n, 0);
    assert_none (&f);
    assert_no_deadline (&f);
  }
  wzp_reassembler_get_stats (f.reassembler, &stats);
  g_assert_cmpuint (stats.frames_out, ==, 1000);
  g_assert_cmpuint (stats.frames_lost, ==, 0);
  g_assert_cmpuint (stats.fragments_late + stats.fragments_duplicate +
          stats.fragments_bad + stats.fragments_full,
      ==, 0);
  tear_down (&f);
}

static void
test_any_order (WzpTest *test, gconstpointer data)
{
  Fixture f;
  WzpReassemblyStats stats;

  set_up (&f);
  assert_push_whole (&f, TAKEN, 2);
  assert_push_whole (&f, TAKEN, 1);
  assert_push (&f, TAKEN, 0, END, 20, 10, 0);
  assert_push (&f, TAKEN, 0, START, 0, 15, 30);
  assert_push (&f, DUPLICATE, 0, START, 0, 12, 30);
  assert_none (&f);
  assert_push (&f, TAKEN, 0, 0, 10, 15, 0);
  assert_push (&f, DUPLICATE, 0, 0, 10, 15, 0);
  assert_push_whole (&f, DUPLICATE, 1);
  for (guint64 n = 0; n < 3; n++)
    assert_pop (&f, n, 0);
  assert_none (&f);
  assert_push_whole (&f, LATE, 1);
  assert_push (&f, LATE, 2, 0, 5, 5, 0);
  wzp_reassembler_get_stats (f.reassembler, &stats);
  g_assert_cmpuint (stats.fragments_duplicate, ==, 3);
  g_assert_cmpuint (stats.fragments_late, ==, 2);
  tear_down (&f);
}

static void
test_empty_frames (WzpTest *test, gconstpointer data)
{
  Fixture f;

  set_up (&f);
  for (guint64 n = 0; n < 3; n++)
    assert_push (&f, TAKEN, n, WHOLE, 0, 0, 0);
  assert_push (&f, DUPLICATE, 1, WHOLE, 0, 0, 0);
  for (guint64 n = 0; n < 3; n++)
    assert_pop (&f, n, 0);
  tear_down (&f);
}

static void
test_handed_out_without_copy (WzpTest *test, gconstpointer data)
{
  Fixture f;
  WzpFrame *frame;
  guint8 *memory;

  set_up (&f);
  assert_push_whole (&f, TAKEN, 0);
  frame = wzp_reassembler_pop (f.reassembler, f.now, NULL);
  memory = wzp_frame_steal_data (frame);
  g_assert_nonnull (memory);
  g_assert_cmpmem (memory, 10, bytes, 10);
  g_free (memory);
  tear_down (&f);
}

static void
test_bad_changes_nothing (WzpTest *test, gconstpointer data)
{
  Fixture f;
  WzpReassemblyStats stats;
  gsize used;

  set_up (&f);
  assert_push (&f, BAD, 3, START, 0, 11, 10);
  assert_push (&f, BAD, 3, 0, 3, 0, 0);
  g_assert_cmpuint (f.budget.used, ==, 0);
  assert_no_deadline (&f);

  assert_push (&f, TAKEN, 0, START, 0, 10, 30);
  used = f.budget.used;
  assert_push (&f, BAD, 0, START, 0, 10, 31);
  assert_push (&f, BAD, 0, END, 10, 19, 0);
  assert_push (&f, BAD, 0, 0, 20, 11, 0);
  assert_push (&f, BAD, 0, 0, WZP_FRAME_SIZE_MAX - 1, 2, 0);
  g_assert_cmpuint (f.budget.used, ==, used);
  assert_push (&f, TAKEN, 0, END, 10, 20, 0);
  assert_pop (&f, 0, 0);
  wzp_reassembler_get_stats (f.reassembler, &stats);
  g_assert_cmpuint (stats.fragments_bad, ==, 6);
  tear_down (&f);
}

static void
test_gap (WzpTest *test, gconstpointer data)
{
  Fixture f;
  WzpReassemblyStats stats;

  set_up (&f);
  assert_push_whole (&f, TAKEN, 0);
  assert_pop (&f, 0, 0);
  /* 1 begun, 2 and 3 missing, 4 whole: the wait is from the first sign of a
   * later one, not from the latest, and not from when 2 became the head. */
  assert_push (&f, TAKEN, 1, START, 0, 10, 30);
  f.now += 10 * MS;
  assert_push_whole (&f, TAKEN, 4);
  f.now += 10 * MS;
  assert_push_whole (&f, TAKEN, 5);
  assert_push (&f, TAKEN, 1, 0, 10, 10, 0);
  assert_waits (&f, HOLD - 10 * MS);
  assert_pop (&f, 4, 3);
  assert_pop (&f, 5, 0);
  assert_none (&f);
  assert_no_deadline (&f);
  assert_push (&f, LATE, 1, END, 20, 10, 0);
  assert_push_whole (&f, LATE, 2);
  wzp_reassembler_get_stats (f.reassembler, &stats);
  g_assert_cmpuint (stats.frames_lost, ==, 3);
  g_assert_cmpuint (stats.frames_out, ==, 3);
  tear_down (&f);
}

/* A frame that came late says nothing about when a later one was heard of. */
static void
test_gap_is_per_frame (WzpTest *test, gconstpointer data)
{
  Fixture f;

  set_up (&f);
  assert_push_whole (&f, TAKEN, 3);
  f.now += 30 * MS;
  assert_push_whole (&f, TAKEN, 1);
  f.now += 30 * MS;
  assert_push (&f, TAKEN, 4, START, 0, 10, 20);
  f.now += 10 * MS;
  assert_push_whole (&f, TAKEN, 6);
  /* 0 and 2 wait for 3's sign; 4 and 5 for 6's. */
  assert_waits (&f, HOLD - 70 * MS);
  assert_pop (&f, 1, 1);
  assert_pop (&f, 3, 1);
  assert_waits (&f, 70 * MS);
  assert_pop (&f, 6, 2);
  assert_no_deadline (&f);
  tear_down (&f);
}

static void
test_hold_may_change (WzpTest *test, gconstpointer data)
{
  Fixture f;

  set_up (&f);
  assert_push_whole (&f, TAKEN, 1);
  wzp_reassembler_set_hold (f.reassembler, G_MAXINT64);
  g_assert_cmpint (wzp_reassembler_get_deadline (f.reassembler), ==,
      f.now + WZP_REASSEMBLY_MAX_HOLD_US);
  assert_none (&f);
  wzp_reassembler_set_hold (f.reassembler, -5);
  g_assert_cmpint (wzp_reassembler_get_deadline (f.reassembler), ==, f.now);
  assert_pop (&f, 1, 1);

  /* Without hold, only what is in order comes out. */
  assert_push_whole (&f, TAKEN, 3);
  assert_pop (&f, 3, 1);
  assert_push_whole (&f, LATE, 2);
  tear_down (&f);
}

static void
test_tail (WzpTest *test, gconstpointer data)
{
  Fixture f;

  set_up (&f);
  assert_push (&f, TAKEN, 0, START, 0, 10000, 300000);
  f.now += 399 * MS;
  assert_none (&f);
  assert_push (&f, TAKEN, 0, 0, 10000, 10000, 0);
  f.now += 300 * MS;
  /* No news. */
  assert_push (&f, DUPLICATE, 0, 0, 10000, 10000, 0);
  assert_waits (&f, 4 * HOLD - 300 * MS);
  assert_none (&f);
  assert_no_deadline (&f);
  assert_push (&f, LATE, 0, 0, 20000, 10000, 0);

  /* The next one says what was lost. */
  assert_push_whole (&f, TAKEN, 1);
  assert_pop (&f, 1, 1);

  /* A short hold does not make it shorter than this. */
  wzp_reassembler_set_hold (f.reassembler, 0);
  assert_push (&f, TAKEN, 2, START, 0, 10, 30);
  assert_waits (&f, 200 * MS);
  assert_none (&f);
  assert_no_deadline (&f);
  tear_down (&f);
}

/* One byte before each time out does not keep a frame for ever. */
static void
test_tail_trickle (WzpTest *test, gconstpointer data)
{
  Fixture f;
  gint64 began;
  guint32 n = 1;

  set_up (&f);
  began = f.now;
  assert_push (&f, TAKEN, 0, START, 0, 1, WZP_FRAME_SIZE_MAX);
  while (push (&f, 0, 0, n, 1, 0) == WZP_REASSEMBLY_TAKEN) {
    n++;
    f.now += 50 * MS;
    assert_none (&f);
  }
  g_assert_cmpint (f.now - began, <, 500 * MS);
  g_assert_cmpuint (f.budget.used, <, 10000);
  tear_down (&f);
}

static void
test_join_late (WzpTest *test, gconstpointer data)
{
  const guint64 far = (G_GUINT64_CONSTANT (1) << 62) - 1000;
  Fixture f;
  WzpReassemblyStats stats;

  set_up (&f);
  wzp_reassembler_set_join_late (f.reassembler, TRUE);
  /* Not held back, and what was before is not lost. */
  assert_push_whole (&f, TAKEN, far);
  assert_pop (&f, far, 0);
  assert_push_whole (&f, LATE, far - 1);
  assert_push_whole (&f, TAKEN, far + 1);
  assert_pop (&f, far + 1, 0);
  wzp_reassembler_get_stats (f.reassembler, &stats);
  g_assert_cmpuint (stats.frames_lost, ==, 0);
  tear_down (&f);
}

static void
test_join_late_reordered (WzpTest *test, gconstpointer data)
{
  Fixture f;

  set_up (&f);
  wzp_reassembler_set_join_late (f.reassembler, TRUE);
  assert_push (&f, BAD, 7, 0, 3, 0, 0);
  assert_push (&f, TAKEN, 100000, START, 0, 10, 30);
  assert_push_whole (&f, TAKEN, 100001);
  f.now += HOLD - 1;
  /* Within hold, and nothing handed out. Not farther than the window. */
  assert_push (&f, BAD, 99998, START, 0, 11, 10);
  assert_push_whole (&f, TAKEN, 99998);
  assert_push_whole (&f, LATE, 100002 - WZP_REASSEMBLY_MAX_AHEAD - 1);
  assert_pop (&f, 99998, 0);
  assert_push_whole (&f, LATE, 99997);
  f.now += 1;
  /* 99999 and 100000: the sign was 100000 and 100001 respectively. */
  assert_pop (&f, 100001, 2);
  tear_down (&f);

  set_up (&f);
  wzp_reassembler_set_join_late (f.reassembler, TRUE);
  assert_push (&f, TAKEN, 100000, START, 0, 10, 30);
  f.now += HOLD;
  assert_push_whole (&f, LATE, 99999);
  assert_push (&f, TAKEN, 100000, END, 10, 20, 0);
  assert_pop (&f, 100000, 0);
  tear_down (&f);

  /* What was heard first is then the first sign of a later one. */
  set_up (&f);
  wzp_reassembler_set_join_late (f.reassembler, TRUE);
  assert_push (&f, TAKEN, 100000, START, 0, 10, 30);
  f.now += 10 * MS;
  assert_push_whole (&f, TAKEN, 100001);
  f.now += 10 * MS;
  assert_push (&f, TAKEN, 99999, START, 0, 10, 30);
  assert_waits (&f, HOLD - 20 * MS);
  assert_waits (&f, 10 * MS);
  assert_pop (&f, 100001, 2);
  tear_down (&f);

  /* Down to the edge of the window. */
  set_up (&f);
  wzp_reassembler_set_join_late (f.reassembler, TRUE);
  assert_push (&f, TAKEN, 100000, START, 0, 10, 30);
  assert_push_whole (&f, TAKEN, 100001 - WZP_REASSEMBLY_MAX_AHEAD);
  assert_pop (&f, 100001 - WZP_REASSEMBLY_MAX_AHEAD, 0);
  tear_down (&f);
}

static void
test_end (WzpTest *test, gconstpointer data)
{
  Fixture f;
  WzpReassemblyStats stats;

  set_up (&f);
  g_assert_false (wzp_reassembler_is_ended (f.reassembler));
  assert_push_whole (&f, TAKEN, 0);
  assert_push_whole (&f, TAKEN, 1);
  assert_pop (&f, 0, 0);
  assert_push (&f, TAKEN, 2, START, 0, 10, 30);
  wzp_reassembler_set_end (f.reassembler, 0); /* ignored */
  wzp_reassembler_set_end (f.reassembler, 5);
  assert_push_whole (&f, BAD, 5);
  assert_pop (&f, 1, 0);
  g_assert_false (wzp_reassembler_is_ended (f.reassembler));
  /* The end is a sign of a later frame. */
  assert_waits (&f, HOLD);
  assert_none (&f);
  g_assert_true (wzp_reassembler_is_ended (f.reassembler));
  assert_no_deadline (&f);
  wzp_reassembler_get_stats (f.reassembler, &stats);
  g_assert_cmpuint (stats.frames_lost, ==, 3);

  /* It may go on after all. */
  wzp_reassembler_set_end (f.reassembler, 6);
  g_assert_false (wzp_reassembler_is_ended (f.reassembler));
  assert_push_whole (&f, TAKEN, 5);
  assert_pop (&f, 5, 3);
  g_assert_true (wzp_reassembler_is_ended (f.reassembler));
  tear_down (&f);
}

static void
test_end_asks_for_pop (WzpTest *test, gconstpointer data)
{
  Fixture f;

  set_up (&f);
  /* Nothing ever heard of, and an end that no memory reaches to. */
  wzp_reassembler_set_end (f.reassembler, G_GUINT64_CONSTANT (1) << 61);
  g_assert_cmpint (wzp_reassembler_get_deadline (f.reassembler), ==, 0);
  assert_waits (&f, HOLD);
  assert_none (&f);
  g_assert_true (wzp_reassembler_is_ended (f.reassembler));
  tear_down (&f);

  set_up (&f);
  wzp_reassembler_set_end (f.reassembler, 0);
  g_assert_true (wzp_reassembler_is_ended (f.reassembler));
  assert_push_whole (&f, BAD, 0);
  tear_down (&f);
}

/* What was begun counts more than an end before it. */
static void
test_end_before_heard (WzpTest *test, gconstpointer data)
{
  Fixture f;

  set_up (&f);
  assert_push (&f, TAKEN, 3, START, 0, 10, 30);
  wzp_reassembler_set_end (f.reassembler, 2);
  assert_push (&f, TAKEN, 3, END, 10, 20, 0);
  assert_push_whole (&f, BAD, 4);
  assert_waits (&f, HOLD);
  assert_pop (&f, 3, 3);
  g_assert_true (wzp_reassembler_is_ended (f.reassembler));
  tear_down (&f);
}

static void
test_end_of_late_joiner (WzpTest *test, gconstpointer data)
{
  Fixture f;
  WzpReassemblyStats stats;

  set_up (&f);
  wzp_reassembler_set_join_late (f.reassembler, TRUE);
  wzp_reassembler_set_end (f.reassembler, 1000);
  assert_waits (&f, HOLD);
  assert_none (&f);
  g_assert_true (wzp_reassembler_is_ended (f.reassembler));
  wzp_reassembler_get_stats (f.reassembler, &stats);
  g_assert_cmpuint (stats.frames_lost, ==, 0);
  tear_down (&f);
}

static void
test_bound_frames (WzpTest *test, gconstpointer data)
{
  const guint64 n = WZP_REASSEMBLY_MAX_FRAMES;
  Fixture f;

  set_up (&f);
  for (guint64 i = 1; i <= n; i++)
    assert_push_whole (&f, TAKEN, i);
  assert_push_whole (&f, FULL, n + 1);
  assert_push_whole (&f, FULL, 0);
  assert_push_whole (&f, DUPLICATE, n);
  /* Holes are not waited for any more. */
  assert_pop (&f, 1, 1);
  assert_push_whole (&f, TAKEN, n + 1);
  tear_down (&f);
}

static void
test_pressure (WzpTest *test, gconstpointer data)
{
  const guint64 n = WZP_REASSEMBLY_MAX_FRAMES / 4 * 3;
  Fixture f;

  set_up (&f);
  for (guint64 i = 1; i < n; i++)
    assert_push_whole (&f, TAKEN, i);
  assert_none (&f);
  g_assert_cmpint (
      wzp_reassembler_get_deadline (f.reassembler), ==, f.now + HOLD);
  assert_push_whole (&f, TAKEN, n + 1); /* another hole, at n */
  g_assert_cmpint (wzp_reassembler_get_deadline (f.reassembler), <=, f.now);
  for (guint64 i = 1; i < n; i++)
    assert_pop (&f, i, i == 1);
  /* The second one is waited for again. */
  assert_waits (&f, HOLD);
  assert_pop (&f, n + 1, 1);
  tear_down (&f);
}

static void
test_bound_ahead (WzpTest *test, gconstpointer data)
{
  const guint64 n = WZP_REASSEMBLY_MAX_AHEAD;
  Fixture f;

  set_up (&f);
  assert_push_whole (&f, FULL, n);
  assert_push_whole (&f, TAKEN, n - 1);
  /* The refused one was a sign of both. */
  assert_waits (&f, HOLD);
  assert_pop (&f, n - 1, n - 1);
  assert_push_whole (&f, TAKEN, n);
  assert_pop (&f, n, 0);
  /* The long ring is not kept. */
  g_assert_cmpuint (f.budget.used, <, 4096);
  tear_down (&f);
}

/* After an outage longer than the window the flow is taken up again. */
static void
test_far_ahead (WzpTest *test, gconstpointer data)
{
  const guint64 far = G_GUINT64_CONSTANT (1) << 61;
  Fixture f;
  WzpReassemblyStats stats;

  set_up (&f);
  assert_push_whole (&f, TAKEN, 0);
  assert_pop (&f, 0, 0);
  assert_push (&f, TAKEN, 1, START, 0, 10, 30);
  assert_push_whole (&f, FULL, far + 2);
  f.now += 10 * MS;
  assert_push_whole (&f, FULL, far);
  assert_push_whole (&f, FULL, far + 4);
  assert_waits (&f, HOLD - 10 * MS);
  assert_none (&f);
  assert_no_deadline (&f);
  assert_push_whole (&f, TAKEN, far + 1);
  assert_push_whole (&f, TAKEN, far);
  assert_pop (&f, far, far - 1);
  assert_pop (&f, far + 1, 0);
  wzp_reassembler_get_stats (f.reassembler, &stats);
  g_assert_cmpuint (stats.frames_lost, ==, far - 1);
  g_assert_cmpuint (stats.fragments_full, ==, 3);
  tear_down (&f);
}

/* An end between what is there and what was refused. */
static void
test_end_before_refused (WzpTest *test, gconstpointer data)
{
  Fixture f;

  set_up (&f);
  assert_push_whole (&f, TAKEN, 0);
  assert_push_whole (&f, FULL, WZP_REASSEMBLY_MAX_AHEAD + 10);
  wzp_reassembler_set_end (f.reassembler, 1);
  assert_pop (&f, 0, 0);
  assert_none (&f);
  f.now += 10 * HOLD;
  assert_none (&f);
  g_assert_true (wzp_reassembler_is_ended (f.reassembler));
  tear_down (&f);
}

static void
test_bound_bytes (WzpTest *test, gconstpointer data)
{
  const guint32 size = WZP_FRAME_SIZE_MAX;
  Fixture f;
  WzpReassembler *other;
  WzpMediaHead head = { .is_start = TRUE, .meta = { .size = 1000000 } };

  set_up (&f);
  other = wzp_reassembler_new (&f.budget);
  /* Four fifths of 64 MiB: three starts of 16 MiB. */
  assert_push (&f, TAKEN, 0, START, 0, 1, size);
  g_assert_cmpuint (f.budget.used, >=, size);
  assert_push (&f, TAKEN, 1, START, 0, 1, size);
  assert_push (&f, TAKEN, 2, START, 0, 1, size);
  assert_push (&f, FULL, 3, START, 0, 1, size);
  assert_push (&f, FULL, 3, 0, size - 10, 10, 0);
  g_assert_cmpuint (f.budget.used, <, WZP_REASSEMBLY_MAX_BYTES / 5 * 4);

  /* There is room for the other flows, and for what is begun. */
  g_assert_cmpint (
      wzp_reassembler_push (other, &head, WHOLE, bytes, 1000000, f.now), ==,
      WZP_REASSEMBLY_TAKEN);
  assert_push (&f, TAKEN, 0, 0, 1, 1000, 0);

  /* It is not held for ever. */
  f.now += HOLD;
  assert_none (&f);
  g_assert_cmpuint (f.budget.used, <, size + 2000000);
  f.now += 4 * HOLD;
  assert_none (&f);
  g_assert_cmpuint (f.budget.used, <, 2000000);
  wzp_reassembler_free (other);
  tear_down (&f);
}

static void
test_small_budget (WzpTest *test, gconstpointer data)
{
  Fixture f;

  set_up (&f);
  f.budget.max = 10000;
  assert_push (&f, FULL, 0, WHOLE, 0, 9000, 9000);
  assert_push (&f, FULL, 1, 0, 5000, 5000, 0);
  assert_none (&f);
  assert_push (&f, TAKEN, 2, START, 0, 1000, 5000);
  assert_waits (&f, HOLD);
  assert_none (&f);
  assert_push (&f, LATE, 1, 0, 0, 100, 0);
  assert_push (&f, TAKEN, 2, END, 1000, 4000, 0);
  assert_pop (&f, 2, 2);
  f.budget.max = f.budget.used;
  assert_push_whole (&f, FULL, 3);
  tear_down (&f);
}

/* The memory of a frame grows behind a hole; not beyond the budget. */
static void
test_growth_is_charged (WzpTest *test, gconstpointer data)
{
  Fixture f;
  gsize used;

  set_up (&f);
  f.budget.max = 100000;
  assert_push (&f, TAKEN, 0, 0, 1000, 1000, 0);
  used = f.budget.used;
  g_assert_cmpuint (used, >=, 4096);
  assert_push (&f, FULL, 0, 0, 90000, 1000, 0);
  g_assert_cmpuint (f.budget.used, ==, used);
  assert_push (&f, TAKEN, 0, 0, 20000, 1000, 0);
  g_assert_cmpuint (f.budget.used, >=, 42000);
  assert_push (&f, TAKEN, 0, START, 0, 1000, 21000);
  g_assert_cmpuint (f.budget.used, <, 23000);
  assert_push (&f, TAKEN, 0, 0, 1000, 20000, 0);
  assert_pop (&f, 0, 0);
  tear_down (&f);
}

/* Not a test of time: the body that callgrind counts. */
static void
test_hot_path (WzpTest *test, gconstpointer data)
{
  const guint32 size = 256 * 1024;
  Fixture f;
  guint64 n = 0;

  set_up (&f);
  for (guint64 frame = 0; frame < 100; frame++) {
    for (guint32 offset = 0; offset < size; offset += 1300) {
      guint32 len = MIN (1300, size - offset);
      guint8 flags =
          (offset == 0 ? START : 0) | (offset + len == size ? END : 0);

      assert_push (&f, TAKEN, frame, flags, offset, len, size);
      n++;
      f.now += 7;
    }
    assert_pop (&f, frame, 0);
  }
  g_test_message ("%" G_GUINT64_FORMAT " datagrams", n);
  g_assert_cmpuint (n, ==, 20200);
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 7 + i / 251);

  wzp_test_init (&argc, &argv);
#define ADD(name, func) wzp_test_add ("/reassembler/" name, NULL, func)
  ADD ("in-order", test_in_order);
  ADD ("any-order", test_any_order);
  ADD ("empty-frames", test_empty_frames);
  ADD ("handed-out-without-copy", test_handed_out_without_copy);
  ADD ("bad-changes-nothing", test_bad_changes_nothing);
  ADD ("gap", test_gap);
  ADD ("gap-is-per-frame", test_gap_is_per_frame);
  ADD ("hold-may-change", test_hold_may_change);
  ADD ("tail", test_tail);
  ADD ("tail-trickle", test_tail_trickle);
  ADD ("join-late", test_join_late);
  ADD ("join-late-reordered", test_join_late_reordered);
  ADD ("end", test_end);
  ADD ("end-asks-for-pop", test_end_asks_for_pop);
  ADD ("end-before-heard", test_end_before_heard);
  ADD ("end-of-late-joiner", test_end_of_late_joiner);
  ADD ("bound-frames", test_bound_frames);
  ADD ("pressure", test_pressure);
  ADD ("bound-ahead", test_bound_ahead);
  ADD ("far-ahead", test_far_ahead);
  ADD ("end-before-refused", test_end_before_refused);
  ADD ("bound-bytes", test_bound_bytes);
  ADD ("small-budget", test_small_budget);
  ADD ("growth-is-charged", test_growth_is_charged);
  ADD ("hot-path", test_hot_path);
#undef ADD
  return wzp_test_run ();
}
