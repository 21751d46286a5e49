#include "wzp-stream-frame.h"

#include <string.h>

#include "wzp-error.h"
#include "wzp-varint.h"

struct _WzpFrameReader {
  GByteArray *buf;     /* owned: bytes from `taken` on are not popped yet */
  gsize taken;         /* bytes of `buf` that were popped */
  guint32 refused_len; /* of the frame that was too large; 0: none was */
};

static gsize
bytes_held (const WzpFrameReader *self)
{
  return self->buf->len - self->taken;
}

WzpFrameReader *
wzp_frame_reader_new (void)
{
  WzpFrameReader *self = g_new0 (WzpFrameReader, 1);

  self->buf = g_byte_array_new ();
  return self;
}

void
wzp_frame_reader_free (WzpFrameReader *self)
{
  if (self == NULL)
    return;
  g_byte_array_unref (self->buf);
  g_free (self);
}

void
wzp_frame_reader_push (WzpFrameReader *self, const void *data, gsize len)
{
  g_return_if_fail (self != NULL);

  if (self->refused_len != 0 || len == 0)
    return;
  /* Once a push and not once a frame: a flood of empty frames costs no more
   * than its bytes. */
  g_byte_array_remove_range (self->buf, 0, (guint) self->taken);
  self->taken = 0;
  g_byte_array_append (self->buf, data, (guint) len);
}

GBytes *
wzp_frame_reader_pop (WzpFrameReader *self, GError **error)
{
  const guint8 *payload;
  WzpReader r;
  guint32 len;

  g_return_val_if_fail (self != NULL, NULL);

  wzp_reader_init (&r, self->buf->data, self->buf->len);
  wzp_reader_bytes (&r, self->taken);
  len = wzp_reader_u32 (&r);
  if (len > WZP_STREAM_FRAME_MAX_PAYLOAD) {
    self->refused_len = len;
    g_byte_array_set_size (self->buf, 0);
    self->taken = 0;
  }
  if (self->refused_len != 0) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "Frame of %u bytes, at most %u are allowed", self->refused_len,
        WZP_STREAM_FRAME_MAX_PAYLOAD);
    return NULL;
  }

  payload = wzp_reader_bytes (&r, len);
  if (r.failed)
    return NULL;
  self->taken += WZP_STREAM_FRAME_HEADER_LEN + len;
  return g_bytes_new (payload, len);
}

gboolean
wzp_frame_reader_is_partial (const WzpFrameReader *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return bytes_held (self) > 0;
}

GBytes *
wzp_stream_frame_new (const void *payload, gsize len)
{
  const gsize size = WZP_STREAM_FRAME_HEADER_LEN + len;
  guint8 *frame;
  WzpWriter w;

  g_return_val_if_fail (len <= WZP_STREAM_FRAME_MAX_PAYLOAD, NULL);

  frame = g_malloc (size);
  wzp_writer_init (&w, frame, size);
  wzp_writer_u32 (&w, (guint32) len);
  wzp_writer_bytes (&w, payload, len);
  return g_bytes_new_take (frame, size);
}
