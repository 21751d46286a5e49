#include "wzp-relay-window.h"

#include "wzp-test.h"

/* A relay path: a bottleneck of a rate behind a queue of a size, and a one-way
 * delay each way. */
typedef struct {
  guint64 number;
  gsize bytes;
  gint64 done_us; /* when it has left the bottleneck */
} Packet;

typedef struct {
  WzpRelayWindow *window;
  double bytes_per_us;
  gsize queue_max;
  gint64 delay_us;
  GQueue under_way; /* of Packet */
  gint64 busy_until_us;
  gsize queued;
  guint64 dropped, delivered, received;
  guint64 highest;
  gsize unreported;
  gint64 report_us; /* -1: nothing to report */
  gint64 max_queue_us;
  GQueue feedback; /* of Packet: number = highest, bytes unused */
} Path;

typedef struct {
  guint64 highest, received;
  gint64 at_us;
} Feedback;

static void
path_send (Path *path, guint64 number, gsize bytes, gint64 now_us)
{
  Packet *packet;

  wzp_relay_window_sent (path->window, number, bytes, now_us);
  if (path->queued + bytes > path->queue_max) {
    path->dropped += bytes;
    return;
  }
  packet = g_new0 (Packet, 1);
  packet->number = number;
  packet->bytes = bytes;
  path->busy_until_us =
      MAX (path->busy_until_us, now_us) + (gint64) (bytes / path->bytes_per_us);
  packet->done_us = path->busy_until_us + path->delay_us;
  path->max_queue_us = MAX (path->max_queue_us, path->busy_until_us - now_us);
  path->queued += bytes;
  g_queue_push_tail (&path->under_way, packet);
}

static void
path_report (Path *path, gint64 now_us)
{
  Feedback *feedback = g_new0 (Feedback, 1);

  feedback->highest = path->highest;
  feedback->received = path->received;
  feedback->at_us = now_us + path->delay_us;
  g_queue_push_tail (&path->feedback, feedback);
  path->unreported = 0;
  path->report_us = -1;
}

static void
path_advance (Path *path, gint64 now_us)
{
  Packet *packet;
  Feedback *feedback;

  while ((packet = g_queue_peek_head (&path->under_way)) != NULL &&
      packet->done_us <= now_us) {
    path->highest = packet->number;
    path->received += packet->bytes;
    path->queued -= packet->bytes;
    path->unreported += packet->bytes;
    if (path->report_us < 0)
      path->report_us = now_us + WZP_FEEDBACK_US;
    g_free (g_queue_pop_head (&path->under_way));
    if (path->unreported >= WZP_FEEDBACK_BYTES)
      path_report (path, now_us);
  }
  if (path->report_us >= 0 && now_us >= path->report_us)
    path_report (path, now_us);
  while ((feedback = g_queue_peek_head (&path->feedback)) != NULL &&
      feedback->at_us <= now_us) {
    wzp_relay_window_feedback (
        path->window, feedback->highest, feedback->received, now_us);
    g_free (g_queue_pop_head (&path->feedback));
  }
}

/* A sender that always has something, for @seconds; bytes received. */
static guint64
run (Path *path, gsize packet, double seconds)
{
  guint64 number = 0;
  gint64 end_us = (gint64) (seconds * 1e6);

  path->window = wzp_relay_window_new ();
  path->report_us = -1;
  g_queue_init (&path->under_way);
  g_queue_init (&path->feedback);
  for (gint64 now_us = 1; now_us < end_us; now_us += 100) {
    path_advance (path, now_us);
    for (guint i = 0; i < 64; i++) {
      if (!wzp_relay_window_may_send (path->window, now_us))
        break;
      path_send (path, number++, packet, now_us);
    }
  }
  g_queue_clear_full (&path->under_way, g_free);
  g_queue_clear_full (&path->feedback, g_free);
  return path->received;
}

static void
test_bottlenecks (void)
{
  static const struct {
    double mbit;
    gint64 delay_us;
  } cases[] = { { 5, 10000 }, { 5, 50000 }, { 50, 5000 }, { 50, 30000 },
    { 500, 1000 }, { 1000, 500 }, { 200, 20000 } };

  g_test_summary ("The far leg is used well, its queue stays short, and almost "
                  "nothing is dropped");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    Path path = { .bytes_per_us = cases[i].mbit / 8,
      .queue_max = 2u * 1024u * 1024u,
      .delay_us = cases[i].delay_us };
    guint64 possible = (guint64) (cases[i].mbit / 8 * 20e6);
    guint64 received = run (&path, 1200, 20);
    double used = (double) received / (double) possible;

    g_test_message ("%g Mbit/s, %" G_GINT64_FORMAT
                    " us: used %.2f, dropped %" G_GUINT64_FORMAT
                    ", queue %" G_GINT64_FORMAT " us",
        cases[i].mbit, cases[i].delay_us, used, path.dropped,
        path.max_queue_us);
    g_assert_cmpfloat (used, >, 0.8);
    g_assert_cmpuint (path.dropped, ==, 0);
    g_assert_cmpint (path.max_queue_us, <, 250000);
    wzp_relay_window_free (path.window);
  }
}

static void
test_small_queue (void)
{
  Path path = { .bytes_per_us = 12.5, /* 100 Mbit/s */
    .queue_max = 200 * 1024,
    .delay_us = 10000 };
  guint64 received = run (&path, 1200, 20);

  g_test_summary ("A queue that overflows is found out by what is missing");
  g_assert_cmpuint (received, >, (guint64) (0.5 * 12.5 * 20e6));
  g_test_message ("received %" G_GUINT64_FORMAT ", dropped %" G_GUINT64_FORMAT,
      received, path.dropped);
  g_assert_cmpuint (path.dropped, <, received / 20);
  wzp_relay_window_free (path.window);
}

static void
test_silence (void)
{
  g_autoptr (WzpRelayWindow) window = wzp_relay_window_new ();
  guint64 number = 0;
  gint64 now_us = 1000;
  gsize burst = 0;

  g_test_summary ("Without feedback it stops at the window, and tries again by "
                  "the smallest one after a time");
  while (wzp_relay_window_may_send (window, now_us)) {
    wzp_relay_window_sent (window, number++, 1000, now_us);
    g_assert_cmpuint (++burst, <=, WZP_RELAY_WINDOW_INITIAL / 1000 + 1);
  }
  g_assert_cmpuint (burst, ==, WZP_RELAY_WINDOW_INITIAL / 1000 + 1);
  g_assert_cmpint (wzp_relay_window_get_deadline (window), ==,
      now_us + WZP_RELAY_WINDOW_TIMEOUT_US);
  now_us = wzp_relay_window_get_deadline (window);
  g_assert_false (wzp_relay_window_may_send (window, now_us - 1));
  g_assert_false (wzp_relay_window_is_failing (window, now_us - 1));
  g_assert_true (wzp_relay_window_is_failing (window, now_us));
  g_assert_true (wzp_relay_window_may_send (window, now_us));
  g_assert_cmpuint (
      wzp_relay_window_get_size (window), ==, WZP_RELAY_WINDOW_MIN);
  for (burst = 0; wzp_relay_window_may_send (window, now_us); burst++)
    wzp_relay_window_sent (window, number++, 1000, now_us);
  g_assert_cmpuint (burst, ==, WZP_RELAY_WINDOW_MIN / 1000 + 1);
}

/* Of ten datagrams in turn the first @n_passing pass. */
static guint64
run_block (WzpRelayWindow *window, guint64 *number, guint n_passing,
    guint64 received, gint64 now_us)
{
  for (guint i = 0; i < WZP_FEEDBACK_BYTES / 1000 + 1; i++) {
    wzp_relay_window_sent (window, (*number)++, 1000, now_us);
    received += i % 10 < n_passing ? 1000 : 0;
  }
  wzp_relay_window_feedback (window, *number - 1, received, now_us + 1000);
  return received;
}

static void
test_failing (void)
{
  g_autoptr (WzpRelayWindow) window = wzp_relay_window_new ();
  guint64 number = 0, received = 0;
  gint64 now_us = 1000;

  g_test_summary ("Only some get through: failing until most do; and what "
                  "is given up for the window's sake is still not heard of");

  g_assert_false (wzp_relay_window_is_failing (window, G_USEC_PER_SEC));
  received = run_block (window, &number, 6, received, now_us);
  g_assert_false (wzp_relay_window_is_failing (window, now_us + 1000));
  received = run_block (window, &number, 2, received, now_us);
  g_assert_true (wzp_relay_window_is_failing (window, now_us + 1000));
  received = run_block (window, &number, 10, received, now_us);
  g_assert_false (wzp_relay_window_is_failing (window, now_us + 1000));

  for (guint i = 0; i < 4; i++) {
    while (wzp_relay_window_may_send (window, now_us))
      wzp_relay_window_sent (window, number++, 1000, now_us);
    now_us += WZP_RELAY_WINDOW_TIMEOUT_US;
    g_assert_true (wzp_relay_window_is_failing (window, now_us));
  }
  received = run_block (window, &number, 10, received, now_us);
  g_assert_true (wzp_relay_window_is_failing (window, now_us + 1000));
  received = run_block (window, &number, 10, received, now_us);
  g_assert_false (wzp_relay_window_is_failing (window, now_us + 1000));
}

static void
test_hostile (void)
{
  g_autoptr (WzpRelayWindow) window = wzp_relay_window_new ();
  gsize before;

  g_test_summary ("Feedback about what was never sent changes nothing");
  wzp_relay_window_feedback (window, 5, 5, 10);
  wzp_relay_window_sent (window, 1, 60000, 20);
  wzp_relay_window_sent (window, 2, 60000, 20);
  before = wzp_relay_window_get_in_flight (window);
  wzp_relay_window_feedback (window, 3, 60000, 30);
  wzp_relay_window_feedback (window, 2, 120001, 30);
  wzp_relay_window_feedback (window, G_MAXUINT64, G_MAXUINT64, 30);
  g_assert_cmpuint (wzp_relay_window_get_in_flight (window), ==, before);
  wzp_relay_window_feedback (window, 1, 60000, 40);
  g_assert_cmpuint (wzp_relay_window_get_in_flight (window), ==, 60000);
  wzp_relay_window_feedback (window, 0, 0, 50);
  wzp_relay_window_feedback (window, 1, 60000, 50);
  g_assert_cmpuint (wzp_relay_window_get_in_flight (window), ==, 60000);
  wzp_relay_window_feedback (window, 2, 120000, 60);
  g_assert_cmpuint (wzp_relay_window_get_in_flight (window), ==, 0);
  g_assert_cmpuint (
      wzp_relay_window_get_size (window), ==, WZP_RELAY_WINDOW_INITIAL);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/relay-window/bottlenecks", test_bottlenecks);
  g_test_add_func ("/relay-window/small-queue", test_small_queue);
  g_test_add_func ("/relay-window/silence", test_silence);
  g_test_add_func ("/relay-window/failing", test_failing);
  g_test_add_func ("/relay-window/hostile", test_hostile);
  return wzp_test_run ();
}
