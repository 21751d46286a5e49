#include "wzp-varint.h"

#include <string.h>

/* The examples of RFC 9000, appendix A.1, and the bounds of each length. */
static const struct {
  guint64 value;
  guint8 len;
  guint8 bytes[8];
} samples[] = {
  { G_GUINT64_CONSTANT (151288809941952652), 8,
      { 0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c } },
  { 494878333, 4, { 0x9d, 0x7f, 0x3e, 0x7d } },
  { 15293, 2, { 0x7b, 0xbd } },
  { 37, 1, { 0x25 } },
  { 0, 1, { 0x00 } },
  { 63, 1, { 0x3f } },
  { 64, 2, { 0x40, 0x40 } },
  { 16383, 2, { 0x7f, 0xff } },
  { 16384, 4, { 0x80, 0x00, 0x40, 0x00 } },
  { 1073741823, 4, { 0xbf, 0xff, 0xff, 0xff } },
  { 1073741824, 8, { 0xc0, 0, 0, 0, 0x40, 0, 0, 0 } },
  { WZP_VARINT_MAX, 8, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
};

static void
test_samples (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    guint8 buf[WZP_VARINT_MAX_LEN] = { 0 };
    WzpWriter w;
    WzpReader r;

    g_assert_cmpuint (wzp_varint_len (samples[i].value), ==, samples[i].len);
    wzp_writer_init (&w, buf, samples[i].len);
    wzp_writer_varint (&w, samples[i].value);
    g_assert_false (w.failed);
    g_assert_cmpmem (
        buf, (gsize) (w.pos - buf), samples[i].bytes, samples[i].len);

    wzp_reader_init (&r, samples[i].bytes, samples[i].len);
    g_assert_cmpuint (wzp_reader_varint (&r), ==, samples[i].value);
    g_assert_cmpuint (wzp_reader_left (&r), ==, 0);
    g_assert_false (r.failed);
  }
}

static void
test_too_short (void)
{
  g_test_summary ("Every cut of every sample fails on both sides");

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    for (gsize len = 0; len < samples[i].len; len++) {
      guint8 buf[WZP_VARINT_MAX_LEN] = { 0 };
      WzpWriter w;
      WzpReader r;

      wzp_writer_init (&w, buf, len);
      wzp_writer_varint (&w, samples[i].value);
      g_assert_true (w.failed);
      g_assert_true (w.pos == buf);
      for (gsize j = 0; j < sizeof buf; j++)
        g_assert_cmphex (buf[j], ==, 0);

      wzp_reader_init (&r, samples[i].bytes, len);
      g_assert_cmpuint (wzp_reader_varint (&r), ==, 0);
      g_assert_true (r.failed);
    }
  }
}

static void
test_longer_than_needed (void)
{
  static const guint8 bytes[] = { 0x40, 0x25, 0x80, 0, 0, 0x25, 0xc0, 0, 0, 0,
    0, 0, 0, 0x25 };
  WzpReader r;

  g_test_summary ("RFC 9000 allows any of the four lengths");

  wzp_reader_init (&r, bytes, sizeof bytes);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (wzp_reader_varint (&r), ==, 37);
  g_assert_cmpuint (wzp_reader_left (&r), ==, 0);
  g_assert_false (r.failed);
}

static void
test_too_large (void)
{
  guint8 buf[32];
  WzpWriter w;

  wzp_writer_init (&w, buf, sizeof buf);
  wzp_writer_varint (&w, WZP_VARINT_MAX + 1);
  g_assert_true (w.failed);
  wzp_writer_u8 (&w, 1);
  wzp_writer_varint (&w, 1);
  g_assert_true (w.pos == buf);
}

static void
test_fixed (void)
{
  static const guint8 expected[] = { 0xab, 0x12, 0x34, 0x89, 0xab, 0xcd, 0xef,
    'h', 'i' };
  guint8 buf[sizeof expected];
  const guint8 *bytes;
  WzpWriter w;
  WzpReader r;

  wzp_writer_init (&w, buf, sizeof buf);
  wzp_writer_u8 (&w, 0xab);
  wzp_writer_u16 (&w, 0x1234);
  wzp_writer_u32 (&w, 0x89abcdef);
  wzp_writer_bytes (&w, "hi", 2);
  wzp_writer_bytes (&w, NULL, 0);
  g_assert_false (w.failed);
  g_assert_cmpmem (buf, (gsize) (w.pos - buf), expected, sizeof expected);

  wzp_reader_init (&r, buf, sizeof buf);
  g_assert_cmphex (wzp_reader_u8 (&r), ==, 0xab);
  g_assert_cmphex (wzp_reader_u16 (&r), ==, 0x1234);
  g_assert_cmphex (wzp_reader_u32 (&r), ==, 0x89abcdef);
  bytes = wzp_reader_bytes (&r, 2);
  g_assert_true (bytes == buf + 7);
  g_assert_nonnull (wzp_reader_bytes (&r, 0));
  g_assert_false (r.failed);
}

static void
test_failed_stays (void)
{
  static const guint8 bytes[] = { 1, 2, 3 };
  guint8 buf[3] = { 0 };
  WzpReader r;
  WzpWriter w;

  g_test_summary ("After a step that does not fit, nothing moves any more");

  wzp_reader_init (&r, bytes, sizeof bytes);
  g_assert_cmphex (wzp_reader_u32 (&r), ==, 0);
  g_assert_true (r.failed);
  g_assert_cmpuint (wzp_reader_left (&r), ==, 0);
  g_assert_cmphex (wzp_reader_u8 (&r), ==, 0);
  g_assert_cmphex (wzp_reader_u16 (&r), ==, 0);
  g_assert_cmpuint (wzp_reader_varint (&r), ==, 0);
  g_assert_null (wzp_reader_bytes (&r, 0));
  g_assert_null (wzp_reader_bytes (&r, G_MAXSIZE));
  g_assert_true (r.pos == bytes);

  wzp_writer_init (&w, buf, sizeof buf);
  wzp_writer_u32 (&w, G_MAXUINT32);
  g_assert_true (w.failed);
  wzp_writer_u8 (&w, 1);
  wzp_writer_u16 (&w, 1);
  wzp_writer_bytes (&w, "x", 1);
  g_assert_true (w.pos == buf);
  g_assert_cmphex (buf[0], ==, 0);
}

static void
test_empty (void)
{
  WzpReader r;

  wzp_reader_init (&r, NULL, 0);
  g_assert_cmpuint (wzp_reader_left (&r), ==, 0);
  g_assert_nonnull (wzp_reader_bytes (&r, 0));
  g_assert_false (r.failed);
  g_assert_cmphex (wzp_reader_u8 (&r), ==, 0);
  g_assert_true (r.failed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/varint/samples", test_samples);
  g_test_add_func ("/varint/too-short", test_too_short);
  g_test_add_func ("/varint/longer-than-needed", test_longer_than_needed);
  g_test_add_func ("/varint/too-large", test_too_large);
  g_test_add_func ("/varint/fixed", test_fixed);
  g_test_add_func ("/varint/failed-stays", test_failed_stays);
  g_test_add_func ("/varint/empty", test_empty);

  return g_test_run ();
}
