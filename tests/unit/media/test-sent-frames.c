#include "wzp-sent-frames.h"
#include "wzp-test.h"

static guint n_freed;

static void
on_free (gpointer data)
{
  n_freed++;
}

static WzpFrame *
new_frame (gsize size)
{
  static guint8 byte;
  struct iovec iov = { &byte, size };

  return wzp_frame_new_wrapped (&iov, 1, &byte, on_free);
}

static void
add (WzpSentFrames *frames, guint64 flow, guint64 number, gsize size,
    gint64 end_us)
{
  g_autoptr (WzpFrame) frame = new_frame (size);

  wzp_sent_frames_add (frames, flow, number, frame);
  if (end_us > 0)
    wzp_sent_frames_end (frames, flow, end_us);
}

static void
assert_taken (WzpSentFrames *frames, guint64 flow, guint64 number)
{
  WzpSentFrame sent;

  g_assert_true (wzp_sent_frames_take (frames, &sent));
  g_assert_cmpuint (sent.flow, ==, flow);
  g_assert_cmpuint (sent.number, ==, number);
  wzp_frame_unref (sent.frame);
}

static void
test_forget (void)
{
  g_autoptr (WzpSentFrames) frames = wzp_sent_frames_new ();

  g_test_summary ("What left before a time is forgotten; what has not left "
                  "whole, and what follows it, is not");
  wzp_sent_frames_forget (frames, G_MAXINT64);
  wzp_sent_frames_end (frames, 1, 5);
  add (frames, 1, 0, 10, 100);
  add (frames, 1, 1, 10, 200);
  add (frames, 2, 0, 10, 0);
  add (frames, 1, 2, 10, 300);
  g_assert_cmpuint (wzp_sent_frames_get_count (frames), ==, 4);
  g_assert_cmpuint (wzp_sent_frames_get_bytes (frames), ==, 40);
  n_freed = 0;
  wzp_sent_frames_forget (frames, 200);
  g_assert_cmpuint (n_freed, ==, 1);
  wzp_sent_frames_forget (frames, 1000);
  g_assert_cmpuint (n_freed, ==, 2);
  wzp_sent_frames_end (frames, 2, 400);
  wzp_sent_frames_end (frames, 2, 900); /* it ended already */
  wzp_sent_frames_forget (frames, 401);
  g_assert_cmpuint (wzp_sent_frames_get_count (frames), ==, 0);
  g_assert_cmpuint (wzp_sent_frames_get_bytes (frames), ==, 0);
  g_assert_cmpuint (n_freed, ==, 4);
}

static void
test_bounds (void)
{
  g_autoptr (WzpSentFrames) frames = wzp_sent_frames_new ();

  g_test_summary ("At a bound the oldest goes; what is larger is not kept");
  for (guint i = 0; i <= WZP_SENT_FRAMES_MAX; i++)
    add (frames, 1, i, 1, i + 1);
  g_assert_cmpuint (
      wzp_sent_frames_get_count (frames), ==, WZP_SENT_FRAMES_MAX);
  assert_taken (frames, 1, 1);
  add (frames, 1, 1000, WZP_SENT_FRAMES_BYTES + 1, 1);
  g_assert_cmpuint (
      wzp_sent_frames_get_count (frames), ==, WZP_SENT_FRAMES_MAX - 1);
  add (frames, 1, 1001, WZP_SENT_FRAMES_BYTES, 1);
  g_assert_cmpuint (wzp_sent_frames_get_count (frames), ==, 1);
  g_assert_cmpuint (
      wzp_sent_frames_get_bytes (frames), ==, WZP_SENT_FRAMES_BYTES);
  add (frames, 1, 1002, 1, 1);
  assert_taken (frames, 1, 1002);
}

static void
test_flow (void)
{
  g_autoptr (WzpSentFrames) frames = wzp_sent_frames_new ();

  g_test_summary ("One flow is forgotten, the order of the others stays");
  for (guint i = 0; i < 3 * WZP_SENT_FRAMES_MAX / 2; i++)
    add (frames, i % 3, i, 1, i + 1);
  wzp_sent_frames_forget_flow (frames, 1);
  for (guint i = WZP_SENT_FRAMES_MAX / 2; i < 3 * WZP_SENT_FRAMES_MAX / 2; i++)
    if (i % 3 != 1)
      assert_taken (frames, i % 3, i);
  g_assert_cmpuint (wzp_sent_frames_get_bytes (frames), ==, 0);
  n_freed = 0;
  add (frames, 1, 7, 1, 0);
  wzp_sent_frames_clear (frames);
  g_assert_cmpuint (n_freed, ==, 1);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/sent-frames/forget", test_forget);
  g_test_add_func ("/sent-frames/bounds", test_bounds);
  g_test_add_func ("/sent-frames/flow", test_flow);
  return g_test_run ();
}
