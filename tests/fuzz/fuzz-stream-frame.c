/* A signalling stream: the frames are the same however the stream is cut (the
 * first byte says how), and written again they are the stream. */
#include "fuzz.h"

#include <string.h>

#include "wzp-stream-frame.h"

/* Appends all whole frames to @out, as they were on the wire. FALSE: refused.
 */
static gboolean
drain (WzpFrameReader *reader, GByteArray *out)
{
  g_autoptr (GError) error = NULL;
  GBytes *payload;

  while ((payload = wzp_frame_reader_pop (reader, &error)) != NULL) {
    gsize len, frame_len;
    const void *data = g_bytes_get_data (payload, &len);
    g_autoptr (GBytes) frame = NULL;

    g_assert (len <= WZP_STREAM_FRAME_MAX_PAYLOAD);
    frame = wzp_stream_frame_new (data, len);
    data = g_bytes_get_data (frame, &frame_len);
    g_byte_array_append (out, data, (guint) frame_len);
    g_bytes_unref (payload);
  }
  return error == NULL;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (WzpFrameReader) whole = wzp_frame_reader_new ();
  g_autoptr (WzpFrameReader) pieces = wzp_frame_reader_new ();
  g_autoptr (GByteArray) from_whole = g_byte_array_new ();
  g_autoptr (GByteArray) from_pieces = g_byte_array_new ();
  gboolean ok, pieces_ok = TRUE;
  gsize step;

  if (size < 1)
    return 0;
  step = 1 + data[0];
  data++;
  size--;

  wzp_frame_reader_push (whole, data, size);
  ok = drain (whole, from_whole);
  for (gsize at = 0; at < size; at += step) {
    wzp_frame_reader_push (pieces, data + at, MIN (step, size - at));
    pieces_ok = drain (pieces, from_pieces);
  }
  g_assert (ok == pieces_ok);
  g_assert (from_whole->len == from_pieces->len && from_whole->len <= size);
  if (from_whole->len > 0) {
    g_assert (
        memcmp (from_whole->data, from_pieces->data, from_whole->len) == 0);
    g_assert (memcmp (from_whole->data, data, from_whole->len) == 0);
  }
  g_assert (
      wzp_frame_reader_is_partial (whole) == (ok && from_whole->len < size));
  return 0;
}
