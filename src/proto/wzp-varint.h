/* wzp-varint: QUIC variable-length integers (RFC 9000, section 16) and the
 * bounded cursors that every wire format of ours is read and written with.
 *
 * A cursor never reads or writes past its end: a step that does not fit sets
 * `failed`, and every later step does nothing (and reads 0), so a parser
 * checks once, at its end. The steps of the media path are inline. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_VARINT_MAX     G_GUINT64_CONSTANT (0x3fffffffffffffff)
#define WZP_VARINT_MAX_LEN 8u /* bytes */

typedef struct {
  const guint8 *pos;
  const guint8 *end;
  gboolean failed;
} WzpReader;

typedef struct {
  guint8 *pos;
  guint8 *end;
  gboolean failed;
} WzpWriter;

/* Bytes that @value takes: 1, 2, 4 or 8. */
static inline gsize
wzp_varint_len (guint64 value)
{
  if (value < 0x40)
    return 1;
  if (value < 0x4000)
    return 2;
  return value < 0x40000000 ? 4 : 8;
}

/* @data may be NULL when @len is 0. It must outlive the cursor. */
void wzp_reader_init (WzpReader *r, const void *data, gsize len);
/* Bytes not read yet; 0 once a step has failed. */
gsize wzp_reader_left (const WzpReader *r);
guint16 wzp_reader_u16 (WzpReader *r); /* big-endian */
guint32 wzp_reader_u32 (WzpReader *r);
/* Points into the input; NULL when fewer than @len are left. */
const guint8 *wzp_reader_bytes (WzpReader *r, gsize len);

void wzp_writer_init (WzpWriter *w, void *buf, gsize size);
void wzp_writer_u16 (WzpWriter *w, guint16 v);
void wzp_writer_u32 (WzpWriter *w, guint32 v);
void wzp_writer_bytes (WzpWriter *w, const void *data, gsize len);

static inline gboolean
wzp_reader_has (WzpReader *r, gsize len)
{
  if (G_LIKELY (!r->failed && (gsize) (r->end - r->pos) >= len))
    return TRUE;
  r->failed = TRUE;
  return FALSE;
}

static inline gboolean
wzp_writer_has (WzpWriter *w, gsize len)
{
  if (G_LIKELY (!w->failed && (gsize) (w->end - w->pos) >= len))
    return TRUE;
  w->failed = TRUE;
  return FALSE;
}

static inline guint8
wzp_reader_u8 (WzpReader *r)
{
  return wzp_reader_has (r, 1) ? *r->pos++ : 0;
}

static inline guint64
wzp_reader_varint (WzpReader *r)
{
  guint64 value;
  gsize len;

  if (!wzp_reader_has (r, 1))
    return 0;
  len = (gsize) 1 << (r->pos[0] >> 6);
  if (!wzp_reader_has (r, len))
    return 0;

  value = r->pos[0] & 0x3f;
  for (gsize i = 1; i < len; i++)
    value = value << 8 | r->pos[i];
  r->pos += len;
  return value;
}

static inline void
wzp_writer_u8 (WzpWriter *w, guint8 v)
{
  if (wzp_writer_has (w, 1))
    *w->pos++ = v;
}

/* @v above WZP_VARINT_MAX sets failed. */
static inline void
wzp_writer_varint (WzpWriter *w, guint64 v)
{
  const gsize len = wzp_varint_len (v);

  if (G_UNLIKELY (v > WZP_VARINT_MAX))
    w->failed = TRUE;
  if (!wzp_writer_has (w, len))
    return;

  for (gsize i = len; i-- > 0; v >>= 8)
    w->pos[i] = (guint8) v;
  /* The length, as a power of two, is in the upper two bits. */
  w->pos[0] |= (guint8) ((len == 1 ? 0 : len == 2 ? 1 : len == 4 ? 2 : 3) << 6);
  w->pos += len;
}

G_END_DECLS
