#include "wzp-clock-map.h"
#include "wzp-test.h"

#define MS  G_GUINT64_CONSTANT (1000000)
#define SEC G_GUINT64_CONSTANT (1000000000)

#define FRAME (SEC / 50)

/* A sender whose clock runs @ppm fast against ours, and the way to us. */
typedef struct {
  WzpClockMap *map;
  GRand *rand;
  double ppm;
  guint64 began; /* ours, when the sender's clock was 0 */
  guint64 delay; /* of the way, without queues */
  guint64 jitter;
  guint64 now; /* ours, when the latest frame came */
  guint64 sent;
  gint64 worst_step; /* of the offset, against what the drift asks for */
} Sender;

static void
set_up (Sender *s, double ppm)
{
  *s = (Sender){
    .map = wzp_clock_map_new (),
    .rand = wzp_test_rand_new (),
    .ppm = ppm,
    .began = 1000 * SEC,
    .delay = 20 * MS,
  };
}

static void
tear_down (Sender *s)
{
  wzp_clock_map_free (s->map);
  g_rand_free (s->rand);
}

/* When, by our clock, the sender's shows @sent. */
static guint64
ours (const Sender *s, guint64 sent)
{
  return s->began + (guint64) ((double) sent / (1 + s->ppm / 1e6));
}

/* A frame that is kept for @queue more than the way and the jitter takes. */
static void
frame (Sender *s, guint64 queue)
{
  guint64 jitter = s->jitter == 0
      ? 0
      : (guint64) g_rand_double_range (s->rand, 0, (double) s->jitter);
  gint64 before = wzp_clock_map_get_offset (s->map);
  gint64 step;

  s->sent += FRAME;
  s->now = MAX (s->now, ours (s, s->sent) + s->delay + jitter + queue);
  wzp_clock_map_observe (s->map, s->sent, s->now);
  step = wzp_clock_map_get_offset (s->map) - before;
  s->worst_step = MAX (s->worst_step, ABS (step));
}

/* How much later than on the fastest way the latest frame is presented. */
static gint64
lateness (const Sender *s)
{
  return (gint64) wzp_clock_map_apply (s->map, s->sent) -
      (gint64) (ours (s, s->sent) + s->delay);
}

static void
test_identity_at_first (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpClockMap) map = wzp_clock_map_new ();

  g_assert_cmpuint (wzp_clock_map_apply (map, 0), ==, 0);
  g_assert_cmpuint (wzp_clock_map_apply (map, 5 * SEC), ==, 5 * SEC);
  g_assert_cmpint (wzp_clock_map_get_offset (map), ==, 0);

  wzp_clock_map_observe (map, 5 * SEC, 3 * SEC);
  g_assert_cmpint (wzp_clock_map_get_offset (map), ==, -2 * (gint64) SEC);
  g_assert_cmpuint (wzp_clock_map_apply (map, 5 * SEC), ==, 3 * SEC);
  g_assert_cmpuint (wzp_clock_map_apply (map, SEC), ==, 0);

  wzp_clock_map_reset (map);
  g_assert_cmpuint (wzp_clock_map_apply (map, 5 * SEC), ==, 5 * SEC);
}

/* @data: parts per million. Ten minutes. */
static void
test_drift (WzpTest *test, gconstpointer data)
{
  Sender s;

  set_up (&s, GPOINTER_TO_INT (data));
  s.jitter = 10 * MS;
  for (guint i = 0; i < 50; i++)
    frame (&s, 0);
  s.worst_step = 0;
  for (guint i = 0; i < 10 * 60 * 50; i++) {
    frame (&s, 0);
    /* Ten seconds of 200 ppm are 2 ms; at first few samples were fast. */
    g_assert_cmpint (ABS (lateness (&s)), <=, (i < 500 ? 5 : 3) * MS);
  }
  g_assert_cmpint (s.worst_step, <=, 1 * MS);
  tear_down (&s);
}

static void
test_queues_do_not_move_it (WzpTest *test, gconstpointer data)
{
  Sender s;

  set_up (&s, 50);
  s.jitter = 5 * MS;
  for (guint i = 0; i < 200; i++)
    frame (&s, 0);
  s.worst_step = 0;
  for (guint burst = 0; burst < 40; burst++) {
    guint64 length = (guint64) g_rand_int_range (s.rand, 50, 900) * MS;

    /* A queue that is there at once, and drains. */
    for (guint64 left = length; left > 3 * FRAME; left -= FRAME / 2) {
      frame (&s, left);
      g_assert_cmpint (ABS (lateness (&s)), <=, 3 * MS);
    }
    for (guint i = 0; i < 30; i++)
      frame (&s, 0);
  }
  g_assert_cmpint (s.worst_step, <=, 1 * MS);
  tear_down (&s);
}

/* What comes out never goes back while what comes in does not, whatever the
 * network does short of a jump. */
static void
test_monotone (WzpTest *test, gconstpointer data)
{
  GRand *rand = wzp_test_rand_new ();

  for (guint round = 0; round < 100; round++) {
    Sender s;
    guint64 last = 0;

    set_up (&s, g_rand_double_range (rand, -200, 200));
    s.jitter = (guint64) g_rand_int_range (rand, 1, 200) * MS;
    for (guint i = 0; i < 1500; i++) {
      guint64 mapped;

      if (g_rand_int_range (rand, 0, 300) == 0)
        s.delay = (guint64) g_rand_int_range (rand, 5, 300) * MS;
      frame (&s,
          g_rand_int_range (rand, 0, 50) == 0
              ? (guint64) g_rand_int_range (rand, 0, 400) * MS
              : 0);
      mapped = wzp_clock_map_apply (s.map, s.sent);
      /* After the first second, by 19 ms at least for each 20. That second
       * begins with the first arrival, which may be 900 ms late itself. */
      if (i > 100) {
        g_assert_cmpuint (mapped, >=, last + 19 * MS);
        g_assert_cmpuint (mapped, <=, last + 21 * MS);
      }
      last = mapped;
    }
    tear_down (&s);
  }
  g_rand_free (rand);
}

static void
test_start_behind_queue (WzpTest *test, gconstpointer data)
{
  Sender s;

  set_up (&s, 0);
  for (guint i = 0; i < 25; i++)
    frame (&s, 400 * MS - i * 16 * MS);
  frame (&s, 0);
  g_assert_cmpint (lateness (&s), ==, 0);
  tear_down (&s);
}

/* The way became longer for good, or shorter (another path). */
static void
test_other_path (WzpTest *test, gconstpointer data)
{
  Sender s;

  set_up (&s, 0);
  for (guint i = 0; i < 200; i++)
    frame (&s, 0);
  s.worst_step = 0;
  s.delay = 80 * MS;
  for (guint i = 0; i < 400; i++)
    frame (&s, 0);
  g_assert_cmpint (lateness (&s), ==, -60 * (gint64) MS);
  for (guint i = 0; i < 900; i++)
    frame (&s, 0);
  g_assert_cmpint (lateness (&s), ==, 0);
  s.delay = 20 * MS;
  frame (&s, 0);
  g_assert_cmpint (lateness (&s), >, 59 * (gint64) MS);
  for (guint i = 0; i < 620; i++)
    frame (&s, 0);
  g_assert_cmpint (lateness (&s), ==, 0);
  g_assert_cmpint (s.worst_step, <=, 1 * MS);
  tear_down (&s);
}

/* @data: whether the sender's clock went back to 0 or far ahead. */
static void
test_jump (WzpTest *test, gconstpointer data)
{
  const gboolean is_ahead = GPOINTER_TO_INT (data);
  guint n = 0;
  Sender s;

  set_up (&s, 0);
  for (guint i = 0; i < 2000; i++)
    frame (&s, 0);
  if (is_ahead) {
    s.began -= 3600 * SEC;
    s.sent += 3600 * SEC;
  } else {
    s.began += s.sent + 50 * MS;
    s.sent = 0;
  }
  do {
    frame (&s, 0);
    n++;
  } while (ABS (lateness (&s)) > (gint64) SEC);
  g_assert_cmpuint (n, >=, 8);
  g_assert_cmpuint (n, <=, 12);
  g_assert_cmpint (lateness (&s), ==, 0);
  for (guint i = 0; i < 100; i++)
    frame (&s, 0);
  g_assert_cmpint (lateness (&s), ==, 0);
  tear_down (&s);
}

static void
test_jump_that_does_not_last (WzpTest *test, gconstpointer data)
{
  Sender s;

  set_up (&s, 0);
  for (guint i = 0; i < 200; i++)
    frame (&s, 0);
  s.worst_step = 0;
  /* A few; every second one; many at one time; a backlog of 3 s that drains
   * at double speed. */
  for (guint i = 0; i < 7; i++)
    frame (&s, 1500 * MS);
  for (guint i = 0; i < 100; i++)
    frame (&s, 0);
  for (guint i = 0; i < 100; i++) {
    frame (&s, 0);
    wzp_clock_map_observe (s.map, s.sent + 2 * SEC, s.now);
  }
  for (guint i = 0; i < 100; i++)
    wzp_clock_map_observe (s.map, s.sent, s.now + 2 * SEC);
  s.now += 2 * SEC;
  for (guint64 left = 3 * SEC; left > FRAME; left -= FRAME / 2)
    frame (&s, left);
  for (guint i = 0; i < 20; i++)
    frame (&s, 0);
  g_assert_cmpint (ABS (lateness (&s)), <=, 1 * MS);
  g_assert_cmpint (s.worst_step, <=, 1 * MS);
  tear_down (&s);
}

/* The receiver was away: what is old says nothing any more. */
static void
test_after_long_silence (WzpTest *test, gconstpointer data)
{
  Sender s;

  set_up (&s, 200);
  for (guint i = 0; i < 200; i++)
    frame (&s, 0);
  s.sent += 600 * SEC;
  s.worst_step = 0;
  for (guint i = 0; i < 3000; i++)
    frame (&s, 0);
  g_assert_cmpint (ABS (lateness (&s)), <=, 3 * MS);
  g_assert_cmpint (s.worst_step, <=, 1 * MS);
  tear_down (&s);
}

/* A window is so much time, not so many frames. */
static void
test_many_frames (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpClockMap) map = wzp_clock_map_new ();

  wzp_clock_map_observe (map, 0, 10 * MS);
  for (guint64 i = 1; i < 40000; i++)
    wzp_clock_map_observe (map, i * MS / 10, i * MS / 10 + 60 * MS);
  g_assert_cmpint (wzp_clock_map_get_offset (map), ==, 10 * (gint64) MS);
}

static void
test_hostile (WzpTest *test, gconstpointer data)
{
  const guint64 max = G_GUINT64_CONSTANT (1) << 61;
  g_autoptr (WzpClockMap) map = wzp_clock_map_new ();
  GRand *rand = wzp_test_rand_new ();

  wzp_clock_map_observe (map, 0, G_MAXUINT64);
  wzp_clock_map_observe (map, G_MAXUINT64, 0);
  g_assert_cmpuint (wzp_clock_map_apply (map, G_MAXUINT64), ==, G_MAXUINT64);
  g_assert_cmpuint (wzp_clock_map_apply (map, 7), ==, 7);

  for (guint i = 0; i < 100000; i++) {
    guint64 sent = ((guint64) g_rand_int (rand) << 32) | g_rand_int (rand);
    guint64 arrival = ((guint64) g_rand_int (rand) << 32) | g_rand_int (rand);
    guint64 mapped;

    sent >>= g_rand_int_range (rand, 0, 64);
    arrival >>= g_rand_int_range (rand, 0, 64);
    wzp_clock_map_observe (map, sent, arrival);
    mapped = wzp_clock_map_apply (map, sent);
    if (sent <= max)
      g_assert_cmpuint (mapped, <=, 2 * max);
    else
      g_assert_cmpuint (mapped, ==, sent);
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
#define ADD(name, func) wzp_test_add ("/clock-map/" name, NULL, func)
  ADD ("identity-at-first", test_identity_at_first);
  wzp_test_add ("/clock-map/drift/fast", GINT_TO_POINTER (200), test_drift);
  wzp_test_add ("/clock-map/drift/slow", GINT_TO_POINTER (-200), test_drift);
  ADD ("queues-do-not-move-it", test_queues_do_not_move_it);
  ADD ("monotone", test_monotone);
  ADD ("start-behind-queue", test_start_behind_queue);
  ADD ("other-path", test_other_path);
  wzp_test_add ("/clock-map/jump/back", GINT_TO_POINTER (FALSE), test_jump);
  wzp_test_add ("/clock-map/jump/ahead", GINT_TO_POINTER (TRUE), test_jump);
  ADD ("jump-that-does-not-last", test_jump_that_does_not_last);
  ADD ("after-long-silence", test_after_long_silence);
  ADD ("many-frames", test_many_frames);
  ADD ("hostile", test_hostile);
#undef ADD
  return wzp_test_run ();
}
