#include "wzp-stream-frame.h"

#include <string.h>

#include "wzp-error.h"

/* Appends the sizes of all whole frames to @sizes. */
static void
drain (WzpFrameReader *reader, GString *sizes)
{
  g_autoptr (GError) error = NULL;
  GBytes *frame;

  while ((frame = wzp_frame_reader_pop (reader, &error)) != NULL) {
    g_string_append_printf (
        sizes, "%" G_GSIZE_FORMAT ",", g_bytes_get_size (frame));
    g_bytes_unref (frame);
  }
  g_assert_no_error (error);
}

static void
test_cut_anywhere (void)
{
  static const guint8 wire[] = "\0\0\0\2hi\0\0\0\0\0\0\0\3bye";
  const gsize len = sizeof wire - 1;

  g_test_summary ("The same frames come out wherever the stream is cut");

  for (gsize cut = 0; cut <= len; cut++) {
    g_autoptr (WzpFrameReader) reader = wzp_frame_reader_new ();
    g_autoptr (GString) sizes = g_string_new (NULL);

    wzp_frame_reader_push (reader, wire, cut);
    drain (reader, sizes);
    g_assert_cmpint (wzp_frame_reader_is_partial (reader), ==,
        cut != 0 && cut != 6 && cut != 10 && cut != len);
    wzp_frame_reader_push (reader, wire + cut, len - cut);
    drain (reader, sizes);

    g_assert_cmpstr (sizes->str, ==, "2,0,3,");
    g_assert_false (wzp_frame_reader_is_partial (reader));
  }
}

static void
test_byte_by_byte (void)
{
  static const guint8 wire[] = "\0\0\0\2hi\0\0\0\3bye";
  g_autoptr (WzpFrameReader) reader = wzp_frame_reader_new ();
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < sizeof wire - 1; i++) {
    g_autoptr (GBytes) frame = NULL;
    gsize len;
    const char *data;

    wzp_frame_reader_push (reader, wire + i, 1);
    frame = wzp_frame_reader_pop (reader, NULL);
    if (frame == NULL)
      continue;
    data = g_bytes_get_data (frame, &len);
    g_string_append_len (text, data, (gssize) len);
    g_string_append_c (text, '.');
  }
  g_assert_cmpstr (text->str, ==, "hi.bye.");
}

static void
test_largest (void)
{
  const gsize max = WZP_STREAM_FRAME_MAX_PAYLOAD;
  g_autoptr (WzpFrameReader) reader = wzp_frame_reader_new ();
  g_autofree guint8 *payload = g_malloc (max);
  g_autoptr (GBytes) frame = NULL;
  g_autoptr (GBytes) got = NULL;
  gsize len;
  const guint8 *wire;

  memset (payload, 'x', max);
  frame = wzp_stream_frame_new (payload, max);
  wire = g_bytes_get_data (frame, &len);
  g_assert_cmpuint (len, ==, max + WZP_STREAM_FRAME_HEADER_LEN);
  g_assert_cmpmem (wire, 4, "\0\1\0\0", 4);
  g_assert_cmpmem (wire + 4, max, payload, max);

  wzp_frame_reader_push (reader, wire, len);
  got = wzp_frame_reader_pop (reader, NULL);
  g_assert_nonnull (got);
  g_assert_cmpmem (
      g_bytes_get_data (got, NULL), g_bytes_get_size (got), payload, max);
}

static void
test_empty_frame (void)
{
  g_autoptr (GBytes) frame = wzp_stream_frame_new (NULL, 0);

  g_assert_cmpmem (
      g_bytes_get_data (frame, NULL), g_bytes_get_size (frame), "\0\0\0\0", 4);
}

static void
test_too_large (void)
{
  static const char *const headers[] = { "\0\1\0\1", "\x7f\xff\xff\xff",
    "\xff\xff\xff\xff" };

  g_test_summary ("A frame over the limit is refused at its header, for good");

  for (guint i = 0; i < G_N_ELEMENTS (headers); i++) {
    g_autoptr (WzpFrameReader) reader = wzp_frame_reader_new ();
    g_autoptr (GBytes) first = NULL;
    char wire[] = "\0\0\0\2hi....";

    memcpy (wire + 6, headers[i], 4);
    wzp_frame_reader_push (reader, wire, sizeof wire - 1);
    first = wzp_frame_reader_pop (reader, NULL);
    g_assert_nonnull (first);
    for (guint again = 0; again < 3; again++) {
      g_autoptr (GError) error = NULL;

      g_assert_null (wzp_frame_reader_pop (reader, &error));
      g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
      g_assert_false (wzp_frame_reader_is_partial (reader));
      wzp_frame_reader_push (reader, "\0\0\0\2hi", 6);
    }
  }
}

static void
test_flood (void)
{
  const gsize n = 1000000;
  g_autoptr (WzpFrameReader) reader = wzp_frame_reader_new ();
  g_autofree guint8 *zeros = g_malloc0 (n * 4);
  gsize popped = 0;
  GBytes *frame;

  g_test_summary ("A million empty frames at once cost no more than their "
                  "bytes (quadratic work would pass the time limit)");

  wzp_frame_reader_push (reader, zeros, n * 4);
  for (; (frame = wzp_frame_reader_pop (reader, NULL)) != NULL; popped++)
    g_bytes_unref (frame);
  g_assert_cmpuint (popped, ==, n);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/stream-frame/cut-anywhere", test_cut_anywhere);
  g_test_add_func ("/stream-frame/byte-by-byte", test_byte_by_byte);
  g_test_add_func ("/stream-frame/largest", test_largest);
  g_test_add_func ("/stream-frame/empty-frame", test_empty_frame);
  g_test_add_func ("/stream-frame/too-large", test_too_large);
  g_test_add_func ("/stream-frame/flood", test_flood);

  return g_test_run ();
}
