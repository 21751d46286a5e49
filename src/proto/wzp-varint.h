/* wzp-varint: QUIC variable-length integers (RFC 9000, section 16) and the
 * bounded cursors that every wire format of ours is read and written with.
 *
 * A cursor never reads or writes past its end: a step that does not fit sets
 * `failed`, and every later step does nothing, so a parser checks once, at
 * its end. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_VARINT_MAX     G_GUINT64_CONSTANT (0x3fffffffffffffff)
#define WZP_VARINT_MAX_LEN 8u /* bytes */

/* Bytes that @value takes: 1, 2, 4 or 8. */
gsize wzp_varint_len (guint64 value);

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

void wzp_reader_init (WzpReader *r, const void *data, gsize len);
gsize wzp_reader_left (const WzpReader *r);
guint8 wzp_reader_u8 (WzpReader *r);
guint16 wzp_reader_u16 (WzpReader *r); /* big-endian */
guint32 wzp_reader_u32 (WzpReader *r);
guint64 wzp_reader_varint (WzpReader *r);
/* Points into the input; NULL when fewer than @len are left. */
const guint8 *wzp_reader_bytes (WzpReader *r, gsize len);

void wzp_writer_init (WzpWriter *w, void *buf, gsize size);
void wzp_writer_u8 (WzpWriter *w, guint8 v);
void wzp_writer_u16 (WzpWriter *w, guint16 v);
void wzp_writer_u32 (WzpWriter *w, guint32 v);
/* @v above WZP_VARINT_MAX sets failed. */
void wzp_writer_varint (WzpWriter *w, guint64 v);
void wzp_writer_bytes (WzpWriter *w, const void *data, gsize len);

G_END_DECLS
