#include "wzp-varint.h"

#include <string.h>

void
wzp_reader_init (WzpReader *r, const void *data, gsize len)
{
  static const guint8 nothing[1];

  r->pos = data != NULL ? data : nothing;
  r->end = data != NULL ? r->pos + len : nothing;
  r->failed = FALSE;
}

gsize
wzp_reader_left (const WzpReader *r)
{
  return r->failed ? 0 : (gsize) (r->end - r->pos);
}

guint16
wzp_reader_u16 (WzpReader *r)
{
  const guint8 *p = wzp_reader_bytes (r, 2);

  return p != NULL ? (guint16) (p[0] << 8 | p[1]) : 0;
}

guint32
wzp_reader_u32 (WzpReader *r)
{
  const guint8 *p = wzp_reader_bytes (r, 4);

  return p != NULL
      ? (guint32) p[0] << 24 | (guint32) p[1] << 16 | (guint32) p[2] << 8 | p[3]
      : 0;
}

const guint8 *
wzp_reader_bytes (WzpReader *r, gsize len)
{
  const guint8 *p = r->pos;

  if (!wzp_reader_has (r, len))
    return NULL;
  r->pos += len;
  return p;
}

void
wzp_writer_init (WzpWriter *w, void *buf, gsize size)
{
  w->pos = buf;
  w->end = w->pos + size;
  w->failed = FALSE;
}

void
wzp_writer_u16 (WzpWriter *w, guint16 v)
{
  const guint8 bytes[2] = { (guint8) (v >> 8), (guint8) v };

  wzp_writer_bytes (w, bytes, sizeof bytes);
}

void
wzp_writer_u32 (WzpWriter *w, guint32 v)
{
  const guint32 be = GUINT32_TO_BE (v);

  wzp_writer_bytes (w, &be, sizeof be);
}

void
wzp_writer_bytes (WzpWriter *w, const void *data, gsize len)
{
  if (len == 0 || !wzp_writer_has (w, len))
    return;
  memcpy (w->pos, data, len);
  w->pos += len;
}
