/* Buffers as frames and back: times, flags, sizes, memory. */
#include "gstwzpframe.h"
#include "wzp-check.h"
#include "wzp-error.h"

static GstBuffer *
timed_buffer (GstClockTime pts, GstClockTime dts)
{
  GstBuffer *buffer = check_buffer_new (10, 1);

  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DTS (buffer) = dts;
  return buffer;
}

typedef struct {
  GstFormat format;
  GstClockTime start, base, pts, dts; /* of segment and buffer */
  guint64 expected_pts, expected_dts;
} Times;

static const Times times[] = {
  { GST_FORMAT_TIME, 0, 0, 5, 3, 5, 3 },
  { GST_FORMAT_TIME, 1000, 0, 1005, 1003, 5, 3 },
  { GST_FORMAT_TIME, 1000, 70, 1005, 1003, 75, 73 },
  /* a DTS before the segment */
  { GST_FORMAT_TIME, 1000, 0, 1005, 990, 5, 0 },
  { GST_FORMAT_TIME, 0, 0, GST_CLOCK_TIME_NONE, 3, WZP_TIME_NONE, 3 },
  { GST_FORMAT_TIME, 0, 0, 5, GST_CLOCK_TIME_NONE, 5, WZP_TIME_NONE },
  { GST_FORMAT_BYTES, 0, 0, 5, 3, WZP_TIME_NONE, WZP_TIME_NONE },
  { GST_FORMAT_TIME, 0, 0, G_MAXINT64, 3, WZP_TIME_MAX, 3 },
};

GST_START_TEST (test_times)
{
  const Times *t = &times[__i__];
  g_autoptr (GstBuffer) buffer = timed_buffer (t->pts, t->dts);
  g_autoptr (WzpFrame) frame = NULL;
  GstSegment segment;

  gst_segment_init (&segment, t->format);
  segment.start = t->start;
  segment.base = t->base;
  frame = gst_wzp_frame_new (buffer, &segment, NULL);
  fail_unless_equals_uint64 (frame->meta.pts, t->expected_pts);
  fail_unless_equals_uint64 (frame->meta.dts, t->expected_dts);
  fail_unless_equals_uint64 (frame->meta.duration, WZP_TIME_NONE);
  fail_unless_equals_int (frame->meta.size, 10);
}
GST_END_TEST

/* The frame holds the buffer's own bytes, and lets go of it with its last
 * reference. */
GST_START_TEST (test_no_copy)
{
  static const guint memories[] = { 0, 1, 8, 9 };
  GstBuffer *buffer = gst_buffer_new ();
  g_autoptr (WzpFrame) frame = NULL;
  GstSegment segment;
  GstMapInfo map;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  for (guint i = 0; i < memories[__i__]; i++) {
    g_autoptr (GstBuffer) part = check_buffer_new (100, i);

    gst_buffer_append_memory (buffer, gst_buffer_get_memory (part, 0));
  }
  frame = gst_wzp_frame_new (buffer, &segment, NULL);
  fail_unless_equals_int (
      frame->n_iov, memories[__i__] % 9 + memories[__i__] / 9);
  fail_unless_equals_int (frame->meta.size, memories[__i__] * 100);
  fail_unless_equals_int (GST_MINI_OBJECT_REFCOUNT (buffer), 2);
  if (memories[__i__] == 1) {
    fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
    fail_unless (frame->iov[0].iov_base == map.data);
    gst_buffer_unmap (buffer, &map);
  }
  g_clear_pointer (&frame, wzp_frame_unref);
  fail_unless_equals_int (GST_MINI_OBJECT_REFCOUNT (buffer), 1);
  gst_buffer_unref (buffer);
}
GST_END_TEST

GST_START_TEST (test_size_limit)
{
  g_autoptr (GstBuffer) at = check_buffer_new (WZP_FRAME_SIZE_MAX, 0);
  g_autoptr (GstBuffer) over = check_buffer_new (WZP_FRAME_SIZE_MAX + 1, 0);
  g_autoptr (WzpFrame) frame = NULL;
  g_autoptr (GError) error = NULL;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  frame = gst_wzp_frame_new (at, &segment, NULL);
  fail_unless (frame != NULL);
  fail_unless (gst_wzp_frame_new (over, &segment, &error) == NULL);
  fail_unless (g_error_matches (error, WZP_ERROR, WZP_ERROR_TOO_LARGE));
  fail_unless_equals_int (GST_MINI_OBJECT_REFCOUNT (over), 1);
}
GST_END_TEST

GST_START_TEST (test_to_buffer)
{
  guint8 *data = g_malloc (5);
  WzpFrame *frame = wzp_frame_new_take (data, 5);
  GstBuffer *buffer;
  GstMapInfo map;

  frame->meta.pts = 100;
  frame->meta.dts = 40;
  frame->meta.duration = 7;
  frame->meta.flags = WZP_FRAME_FLAGS_ALL;
  buffer = gst_wzp_frame_to_buffer (frame, -50);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), 50);
  fail_unless_equals_uint64 (GST_BUFFER_DTS (buffer), 0); /* not below */
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), 7);
  fail_unless (GST_BUFFER_FLAG_IS_SET (buffer,
      GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_DISCONT |
          GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_MARKER |
          GST_BUFFER_FLAG_DROPPABLE));
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READWRITE));
  fail_unless (map.data == data);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);

  frame = wzp_frame_new_take (NULL, 0);
  buffer = gst_wzp_frame_to_buffer (frame, 1000);
  fail_unless_equals_uint64 (gst_buffer_get_size (buffer), 0);
  fail_unless (!GST_BUFFER_PTS_IS_VALID (buffer));
  gst_buffer_unref (buffer);
}
GST_END_TEST

static Suite *
wzp_frame_suite (void)
{
  Suite *s = suite_create ("wzp-frame");
  TCase *tc = tcase_create ("frame");

  tcase_set_timeout (tc, 60);
  suite_add_tcase (s, tc);
  tcase_add_loop_test (tc, test_times, 0, G_N_ELEMENTS (times));
  tcase_add_loop_test (tc, test_no_copy, 0, 4);
  tcase_add_test (tc, test_size_limit);
  tcase_add_test (tc, test_to_buffer);
  return s;
}

GST_CHECK_MAIN (wzp_frame)
