#include "wzp-datagram.h"

#include <string.h>

static const WzpDatagramPrefix start_prefix = {
  .flags = WZP_DATAGRAM_FRAME_START, .flow = 1
};
static const WzpDatagramPrefix later_prefix = { .flow = 1 };

static void
assert_prefix (guint8 flags, guint64 number, guint32 flow, const char *wire,
    gsize wire_len)
{
  guint8 buf[WZP_DATAGRAM_MAX_PREFIX];
  const gsize len = wzp_datagram_write_prefix (buf, flags, number, flow);
  WzpDatagramPrefix prefix;

  g_assert_cmpmem (buf, len, wire, wire_len);
  g_assert_true (wzp_datagram_parse_prefix (buf, len, &prefix));
  g_assert_cmphex (prefix.flags, ==, flags);
  g_assert_cmpuint (prefix.number, ==, number);
  g_assert_cmpuint (prefix.flow, ==, flow);
  g_assert_cmpuint (prefix.prefix_len, ==, len);
  while (--wire_len > 0)
    g_assert_false (wzp_datagram_parse_prefix (buf, wire_len, &prefix));
}

static void
test_prefix (void)
{
  assert_prefix (0, 0, 1, "\x80\x00\x00\x01", 4);
  assert_prefix (WZP_DATAGRAM_CONTROL, 5, 0, "\x80\x10\x05\x00", 4);
  assert_prefix (WZP_DATAGRAM_FRAME_START | WZP_DATAGRAM_FRAME_END |
          WZP_DATAGRAM_KEY_FRAME,
      494878333, 63, "\x80\xe0\x9d\x7f\x3e\x7d\x3f", 7);
  assert_prefix (WZP_DATAGRAM_FRAME_END, WZP_VARINT_MAX, WZP_FLOW_ID_MAX,
      "\x80\x40\xff\xff\xff\xff\xff\xff\xff\xff\x40\x40", 12);
}

static void
test_prefix_malformed (void)
{
  static const struct {
    const char *wire;
    gsize len;
    const char *what;
  } cases[] = {
    { "", 0, "empty" },
    { "\x81\x00\x00\x01", 4, "byte 0" },
    { "\x00\x00\x00\x01", 4, "byte 0" },
    { "\xc0\x00\x00\x01", 4, "byte 0, a QUIC long header" },
    { "\x80\x01\x00\x01", 4, "reserved bit" },
    { "\x80\x02\x00\x01", 4, "reserved bit" },
    { "\x80\x00\x00\x40\x41", 5, "flow 65" },
    { "\x80\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff", 11, "huge flow" },
    { "\x80\x00\x00\xc0\x00\x00\x01\x00\x00\x00\x01", 11, "flow 2^32 + 1" },
    { "\x80\x10\x00\x01", 4, "control with a flow" },
    { "\x80\x00\x00\x00", 4, "neither control nor flow" },
    { "\x80\x00\xff\xff", 4, "cut number" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WzpDatagramPrefix prefix = { .number = 77 };

    g_test_message ("%s", cases[i].what);
    g_assert_false (wzp_datagram_parse_prefix (
        (const guint8 *) cases[i].wire, cases[i].len, &prefix));
    g_assert_cmpuint (prefix.number, ==, 77);
  }
}

static void
test_prefix_tolerated (void)
{
  WzpDatagramPrefix prefix;
  guint8 buf[WZP_DATAGRAM_MAX_PREFIX];

  /* Spare bits of a later version. */
  g_assert_true (wzp_datagram_parse_prefix (
      (const guint8 *) "\x80\x8c\x07\x01", 4, &prefix));
  g_assert_cmphex (prefix.flags, ==, 0x8c);
  /* The longest spelling of small numbers: the whole of MAX_PREFIX. */
  g_assert_true (wzp_datagram_parse_prefix (
      (const guint8 *) "\x80\x00\xc0\0\0\0\0\0\0\x07\xc0\0\0\0\0\0\0\x01", 18,
      &prefix));
  g_assert_cmpuint (prefix.prefix_len, ==, WZP_DATAGRAM_MAX_PREFIX);
  g_assert_cmpuint (prefix.number, ==, 7);
  /* We do not write reserved bits. */
  g_assert_cmpuint (wzp_datagram_write_prefix (buf, 0xff, 1, 0), ==, 4);
  g_assert_cmphex (buf[1], ==, 0xf0);
  g_assert_cmpuint (
      wzp_datagram_write_prefix (buf, 0, WZP_VARINT_MAX + 1, 1), ==, 0);
}

/* In an open room the flow id is behind the sender's tag. */
static void
test_room_prefix (void)
{
  static const struct {
    guint64 sender;
    guint32 flow;
    guint8 flags;
    gboolean is_good;
  } cases[] = {
    { 1, 1, 0, TRUE },
    { WZP_ROOM_TAG_MAX, WZP_ROOM_FLOW_ID_MAX, WZP_DATAGRAM_KEY_FRAME, TRUE },
    { WZP_ROOM_TAG_MAX, 0, WZP_DATAGRAM_CONTROL, TRUE },
    { 0, 1, 0, FALSE }, /* no sender */
    { 1, 0, 0, FALSE }, /* neither control nor flow */
    { 1, 1, WZP_DATAGRAM_CONTROL, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WzpDatagramPrefix prefix = { .number = 77 };
    guint8 buf[WZP_DATAGRAM_MAX_PREFIX];
    gsize len = wzp_datagram_write_prefix (buf, cases[i].flags, 5,
        wzp_datagram_room_flow (cases[i].sender, cases[i].flow));

    g_test_message ("case %u", i);
    g_assert_cmpint (wzp_datagram_parse_room_prefix (buf, len, &prefix), ==,
        cases[i].is_good);
    if (!cases[i].is_good) {
      g_assert_cmpuint (prefix.number, ==, 77);
      continue;
    }
    g_assert_cmpuint (prefix.sender, ==, cases[i].sender);
    g_assert_cmpuint (prefix.flow, ==, cases[i].flow);
    g_assert_cmpuint (prefix.number, ==, 5);
    g_assert_cmpuint (prefix.prefix_len, ==, len);
    for (gsize cut = 0; cut < len; cut++)
      g_assert_false (wzp_datagram_parse_room_prefix (buf, cut, &prefix));
  }
}

static void
assert_meta_equal (const WzpFrameMeta *a, const WzpFrameMeta *b)
{
  g_assert_cmphex (a->flags, ==, b->flags);
  g_assert_cmpuint (a->generation, ==, b->generation);
  g_assert_cmpuint (a->size, ==, b->size);
  g_assert_cmpuint (a->pts, ==, b->pts);
  g_assert_cmpuint (a->dts, ==, b->dts);
  g_assert_cmpuint (a->duration, ==, b->duration);
}

/* Writes, parses back and compares; no cut of it is accepted. */
static void
assert_media (const WzpMediaHead *head, const char *wire, gsize wire_len)
{
  const WzpDatagramPrefix *prefix =
      head->is_start ? &start_prefix : &later_prefix;
  guint8 buf[WZP_DATAGRAM_MAX_HEADER];
  gsize head_len = 0, len = wzp_datagram_write_media (buf, head);
  WzpMediaHead back;

  if (wire != NULL)
    g_assert_cmpmem (buf, len, wire, wire_len);
  g_assert_cmpuint (len, >, 0);
  g_assert_true (wzp_datagram_parse_media (prefix, buf, len, &back, &head_len));
  g_assert_cmpuint (head_len, ==, len);
  g_assert_cmpuint (back.frame, ==, head->frame);
  g_assert_cmpint (back.is_start, ==, head->is_start);
  g_assert_cmpuint (back.offset, ==, head->is_start ? 0 : head->offset);
  if (head->is_start)
    assert_meta_equal (&back.meta, &head->meta);
  while (len-- > 0)
    g_assert_false (
        wzp_datagram_parse_media (prefix, buf, len, &back, &head_len));
}

static void
test_media (void)
{
  const WzpMediaHead none = { .frame = 3,
    .is_start = TRUE,
    .meta = { .flags = WZP_FRAME_MARKER,
        .generation = 1,
        .size = 5,
        .pts = WZP_TIME_NONE,
        .dts = WZP_TIME_NONE,
        .duration = WZP_TIME_NONE } };
  const WzpMediaHead times = { .frame = 0,
    .is_start = TRUE,
    .meta = { .flags = WZP_FRAME_FLAGS_ALL,
        .generation = G_MAXUINT32,
        .size = WZP_FRAME_SIZE_MAX,
        .pts = 15,
        .dts = 10,
        .duration = 62 } };
  const WzpMediaHead dts_later = { .frame = 0,
    .is_start = TRUE,
    .meta = { .pts = 10, .dts = 15, .duration = 0 } };
  const WzpMediaHead dts_only = { .frame = 0,
    .is_start = TRUE,
    .meta = { .pts = WZP_TIME_NONE, .dts = 0, .duration = WZP_TIME_NONE } };
  const WzpMediaHead later = { .frame = 300, .offset = 1200 };
  const WzpMediaHead furthest = { .frame = WZP_VARINT_MAX,
    .offset = WZP_FRAME_SIZE_MAX };

  assert_media (&none, "\x03\x08\x01\x05\0\0\0", 7);
  assert_media (
      &times, "\0\x1f\xc0\0\0\0\xff\xff\xff\xff\x81\0\0\0\x10\x0b\x3f", 17);
  assert_media (&dts_later, "\0\0\0\0\x0b\x0a\x01", 7);
  assert_media (&dts_only, "\0\0\0\0\0\x01\0", 7);
  assert_media (&later, "\x41\x2c\x44\xb0", 4);
  assert_media (&furthest, "\xff\xff\xff\xff\xff\xff\xff\xff\x81\0\0\0", 12);
}

static void
test_time_limits (void)
{
  /* pts, dts, as given and as they arrive */
  static const guint64 cases[][4] = {
    { WZP_TIME_MAX, WZP_TIME_MAX, WZP_TIME_MAX, WZP_TIME_MAX },
    { 0, 0, 0, 0 },
    { WZP_TIME_MAX, 1, WZP_TIME_MAX, 1 },
    { 1, WZP_TIME_MAX, 1, WZP_TIME_MAX },
    /* the difference does not fit: no DTS */
    { WZP_TIME_MAX, 0, WZP_TIME_MAX, WZP_TIME_NONE },
    { 0, WZP_TIME_MAX, 0, WZP_TIME_NONE },
    { WZP_TIME_MAX + 1, 5, WZP_TIME_NONE, 5 },
    { 5, WZP_TIME_MAX + 1, 5, WZP_TIME_NONE },
    { WZP_TIME_NONE - 1, WZP_TIME_NONE - 1, WZP_TIME_NONE, WZP_TIME_NONE },
    { WZP_TIME_NONE, WZP_TIME_MAX, WZP_TIME_NONE, WZP_TIME_MAX },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WzpMediaHead head = { .is_start = TRUE }, back;
    guint8 buf[WZP_DATAGRAM_MAX_HEADER];
    gsize len, head_len;

    head.meta.pts = cases[i][0];
    head.meta.dts = cases[i][1];
    head.meta.duration = cases[i][0];
    len = wzp_datagram_write_media (buf, &head);
    g_assert_true (
        wzp_datagram_parse_media (&start_prefix, buf, len, &back, &head_len));
    g_assert_cmpuint (back.meta.pts, ==, cases[i][2]);
    g_assert_cmpuint (back.meta.dts, ==, cases[i][3]);
    g_assert_cmpuint (back.meta.duration, ==, cases[i][2]);
  }
}

static gsize
write_varints (guint8 *buf, gsize size, const guint64 *values, guint n)
{
  WzpWriter w;

  wzp_writer_init (&w, buf, size);
  for (guint i = 0; i < n; i++)
    wzp_writer_varint (&w, values[i]);
  g_assert_false (w.failed);
  return (gsize) (w.pos - buf);
}

static void
test_start_malformed (void)
{
  /* frame, flags, generation, size, pts + 1, dts, duration + 1 */
  static const struct {
    guint64 values[7];
    gboolean ok;
  } cases[] = {
    { { 1, 0, 0, 0, 0, 0, 0 }, TRUE },
    { { 1, 0, G_MAXUINT32, 0, 0, 0, 0 }, TRUE },
    { { 1, 0, G_MAXUINT32 + G_GUINT64_CONSTANT (1), 0, 0, 0, 0 }, FALSE },
    { { 1, 0, 0, WZP_FRAME_SIZE_MAX, 0, 0, 0 }, TRUE },
    { { 1, 0, 0, WZP_FRAME_SIZE_MAX + 1, 0, 0, 0 }, FALSE },
    { { 1, 0, 0, G_GUINT64_CONSTANT (1) << 32, 0, 0, 0 }, FALSE },
    { { 1, 0, 0, 0, WZP_TIME_MAX + 1, 0, 0 }, TRUE },
    { { 1, 0, 0, 0, WZP_TIME_MAX + 2, 0, 0 }, FALSE },
    { { 1, 0, 0, 0, WZP_VARINT_MAX, 0, 0 }, FALSE },
    { { 1, 0, 0, 0, 0, WZP_TIME_MAX + 1, 0 }, TRUE },
    { { 1, 0, 0, 0, 0, WZP_TIME_MAX + 2, 0 }, FALSE },
    { { 1, 0, 0, 0, 0, 0, WZP_TIME_MAX + 1 }, TRUE },
    { { 1, 0, 0, 0, 0, 0, WZP_TIME_MAX + 2 }, FALSE },
    /* PTS 4: DTS 0 is 4 before, DTS -1 is 5 before */
    { { 1, 0, 0, 0, 5, 4 * 2 + 1, 0 }, TRUE },
    { { 1, 0, 0, 0, 5, 5 * 2 + 1, 0 }, FALSE },
    /* PTS at the maximum: DTS 1 behind it */
    { { 1, 0, 0, 0, WZP_TIME_MAX + 1, 2, 0 }, FALSE },
    { { 1, 0, 0, 0, 5, WZP_VARINT_MAX, 0 }, FALSE },
    { { 1, 0, 0, 0, 5, WZP_VARINT_MAX - 1, 0 }, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    guint8 buf[7 * WZP_VARINT_MAX_LEN];
    WzpMediaHead head = { .frame = 77 };
    gsize head_len = 88;
    const gsize len = write_varints (buf, sizeof buf, cases[i].values, 7);

    g_test_message ("case %u", i);
    g_assert_cmpint (
        wzp_datagram_parse_media (&start_prefix, buf, len, &head, &head_len),
        ==, cases[i].ok);
    g_assert_cmpuint (head.frame, ==, cases[i].ok ? 1 : 77);
    g_assert_cmpuint (head_len, ==, cases[i].ok ? len : 88);
  }
}

static void
test_unknown_frame_flags (void)
{
  static const guint64 values[7] = { 1, WZP_VARINT_MAX, 2, 3, 0, 0, 0 };
  guint8 buf[7 * WZP_VARINT_MAX_LEN];
  const gsize len = write_varints (buf, sizeof buf, values, 7);
  WzpMediaHead head;
  gsize head_len;

  g_assert_true (
      wzp_datagram_parse_media (&start_prefix, buf, len, &head, &head_len));
  g_assert_cmphex (head.meta.flags, ==, WZP_FRAME_FLAGS_ALL);
}

static void
test_offset_limits (void)
{
  static const struct {
    guint64 offset;
    gsize payload;
    gboolean ok;
  } cases[] = {
    { 0, 0, TRUE },
    { 0, 1000, TRUE },
    { WZP_FRAME_SIZE_MAX - 1000, 1000, TRUE },
    { WZP_FRAME_SIZE_MAX - 999, 1000, FALSE },
    { WZP_FRAME_SIZE_MAX, 0, TRUE },
    { WZP_FRAME_SIZE_MAX, 1, FALSE },
    { WZP_FRAME_SIZE_MAX + 1, 0, FALSE },
    { G_MAXUINT32, 1, FALSE },
    { G_GUINT64_CONSTANT (1) << 32, 0, FALSE },
    { WZP_VARINT_MAX, 0, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const guint64 values[2] = { 9, cases[i].offset };
    guint8 buf[2 * WZP_VARINT_MAX_LEN + 1000] = { 0 };
    const gsize len = write_varints (buf, sizeof buf, values, 2);
    WzpMediaHead head;
    gsize head_len = 0;

    g_test_message ("case %u", i);
    g_assert_cmpint (wzp_datagram_parse_media (&later_prefix, buf,
                         len + cases[i].payload, &head, &head_len),
        ==, cases[i].ok);
    if (cases[i].ok) {
      g_assert_cmpuint (head_len, ==, len);
      g_assert_cmpuint (head.offset, ==, cases[i].offset);
    }
  }
}

static guint64
random_time (void)
{
  if (g_test_rand_int () % 5 == 0)
    return WZP_TIME_NONE;
  return ((guint64) (guint32) g_test_rand_int () << 32 |
             (guint32) g_test_rand_int ()) >>
      (g_test_rand_int_range (4, 60));
}

static void
test_round_trip (void)
{
  g_test_summary ("Any head is the same after write and parse");

  for (guint i = 0; i < 20000; i++) {
    const WzpMediaHead head = { .frame = random_time () >> 3,
      .is_start = g_test_rand_bit (),
      .offset = (guint32) g_test_rand_int () % WZP_FRAME_SIZE_MAX,
      .meta = { .flags = (guint32) g_test_rand_int () & WZP_FRAME_FLAGS_ALL,
          .generation = (guint32) g_test_rand_int (),
          .size = (guint32) g_test_rand_int () % WZP_FRAME_SIZE_MAX,
          .pts = random_time (),
          .dts = random_time (),
          .duration = random_time () } };

    assert_media (&head, NULL, 0);
  }
}

static void
test_frame_number_limit (void)
{
  const WzpMediaHead head = { .frame = WZP_VARINT_MAX + 1 };
  guint8 buf[WZP_DATAGRAM_MAX_HEADER];

  g_assert_cmpuint (wzp_datagram_write_media (buf, &head), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/datagram/prefix", test_prefix);
  g_test_add_func ("/datagram/prefix-malformed", test_prefix_malformed);
  g_test_add_func ("/datagram/prefix-tolerated", test_prefix_tolerated);
  g_test_add_func ("/datagram/room-prefix", test_room_prefix);
  g_test_add_func ("/datagram/media", test_media);
  g_test_add_func ("/datagram/time-limits", test_time_limits);
  g_test_add_func ("/datagram/start-malformed", test_start_malformed);
  g_test_add_func ("/datagram/unknown-frame-flags", test_unknown_frame_flags);
  g_test_add_func ("/datagram/offset-limits", test_offset_limits);
  g_test_add_func ("/datagram/round-trip", test_round_trip);
  g_test_add_func ("/datagram/frame-number-limit", test_frame_number_limit);

  return g_test_run ();
}
