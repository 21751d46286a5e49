#include "wzp-packetizer.h"
#include "wzp-test.h"

#include <string.h>

#define FLOW 7u

static guint n_dropped;

static void
on_drop (gpointer owner)
{
  n_dropped++;
}

/* A frame of @size bytes of @bytes, in @n_pieces. */
static WzpFrame *
new_frame (guint8 *bytes, gsize size, guint n_pieces)
{
  struct iovec iov[WZP_FRAME_MAX_IOV];
  gsize from = 0;
  WzpFrame *frame;

  for (guint i = 0; i < n_pieces; i++) {
    gsize to = size * (i + 1) / n_pieces;

    iov[i] = (struct iovec){ bytes + from, to - from };
    from = to;
  }
  frame = wzp_frame_new_wrapped (iov, n_pieces, bytes, on_drop);
  frame->meta.pts = 1000 + size;
  return frame;
}

static void
flatten (const WzpPacket *packet, GByteArray *out)
{
  gsize payload_len = 0;

  g_byte_array_set_size (out, 0);
  g_byte_array_append (out, packet->head, (guint) packet->head_len);
  for (guint i = 0; i < packet->n_payload; i++) {
    g_byte_array_append (
        out, packet->payload[i].iov_base, (guint) packet->payload[i].iov_len);
    payload_len += packet->payload[i].iov_len;
  }
  g_assert_cmpuint (payload_len, ==, packet->payload_len);
}

/* Cuts @frame (transfer full) with sizes from @min to @max and puts it
 * together again. Returns the datagrams that it took. */
static guint
check_cutting (WzpPacketizer *packetizer, WzpFrame *frame, GRand *rand,
    guint min, guint max, const guint8 *bytes)
{
  const guint64 index = wzp_packetizer_get_next_frame (packetizer);
  const WzpFrameMeta meta = frame->meta;
  g_autoptr (GByteArray) flat = g_byte_array_new ();
  WzpPacket packet;
  gsize offset = 0;
  guint n = 0;

  wzp_packetizer_begin (packetizer, frame);
  while (!wzp_packetizer_is_idle (packetizer)) {
    const guint64 number = 5000 + n * 1000000;
    gsize size = (gsize) g_rand_int_range (rand, (gint) min, (gint) max + 1);
    WzpDatagramPrefix prefix;
    WzpMediaHead head;
    gsize head_len;

    g_assert_true (wzp_packetizer_next (packetizer, number, size, &packet));
    flatten (&packet, flat);
    g_assert_cmpuint (flat->len, <=, size);
    if (!packet.ends_frame)
      g_assert_cmpuint (flat->len, ==, size);
    g_assert_true (wzp_datagram_parse_prefix (flat->data, flat->len, &prefix));
    g_assert_cmpuint (prefix.number, ==, number);
    g_assert_cmpuint (prefix.flow, ==, FLOW);
    g_assert_cmpuint (prefix.prefix_len, ==, packet.prefix_len);
    g_assert_cmpint (
        (prefix.flags & WZP_DATAGRAM_FRAME_START) != 0, ==, n == 0);
    g_assert_cmpint (
        (prefix.flags & WZP_DATAGRAM_FRAME_END) != 0, ==, packet.ends_frame);
    g_assert_cmpint ((prefix.flags & WZP_DATAGRAM_KEY_FRAME) != 0, ==,
        (meta.flags & WZP_FRAME_DELTA_UNIT) == 0);
    g_assert_true (
        wzp_datagram_parse_media (&prefix, flat->data + prefix.prefix_len,
            flat->len - prefix.prefix_len, &head, &head_len));
    g_assert_cmpuint (prefix.prefix_len + head_len, ==, packet.head_len);
    g_assert_cmpuint (head.frame, ==, index);
    g_assert_cmpuint (head.offset, ==, offset);
    if (n == 0) {
      g_assert_cmpuint (head.meta.size, ==, meta.size);
      g_assert_cmpuint (head.meta.pts, ==, meta.pts);
      g_assert_cmpuint (head.meta.flags, ==, meta.flags);
    }
    g_assert_cmpmem (flat->data + packet.head_len, packet.payload_len,
        bytes + offset, packet.payload_len);
    offset += packet.payload_len;
    n++;
    g_assert_cmpint (
        wzp_packetizer_is_idle (packetizer), ==, packet.ends_frame);
  }
  g_assert_cmpuint (offset, ==, meta.size);
  return n;
}

static void
test_sizes (WzpTest *test, gconstpointer data)
{
  static const gsize sizes[] = { 1, 2, 81, 1300, 1301, 5000, 65536, 300000 };
  g_autofree guint8 *bytes = g_malloc (300000);
  g_autoptr (WzpPacketizer) packetizer = wzp_packetizer_new (FLOW);
  GRand *rand = wzp_test_rand_new ();

  for (gsize i = 0; i < 300000; i++)
    bytes[i] = (guint8) g_rand_int (rand);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (guint n_pieces = 1; n_pieces <= WZP_FRAME_MAX_IOV; n_pieces++) {
      WzpFrame *frame = new_frame (bytes, sizes[i], n_pieces);

      if (n_pieces % 2 == 0)
        frame->meta.flags = WZP_FRAME_DELTA_UNIT | WZP_FRAME_MARKER;
      check_cutting (
          packetizer, frame, rand, WZP_DATAGRAM_MAX_HEADER + 1, 1452, bytes);
    }
  g_assert_cmpuint (wzp_packetizer_get_next_frame (packetizer), ==,
      G_N_ELEMENTS (sizes) * WZP_FRAME_MAX_IOV);
  g_rand_free (rand);
}

static void
test_empty_frame (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpPacketizer) packetizer = wzp_packetizer_new (FLOW);
  GRand *rand = wzp_test_rand_new ();

  g_assert_cmpuint (check_cutting (packetizer, wzp_frame_new_take (NULL, 0),
                        rand, 1200, 1200, (const guint8 *) ""),
      ==, 1);
  g_assert_cmpuint (
      check_cutting (packetizer, wzp_frame_new_wrapped (NULL, 0, NULL, NULL),
          rand, 1200, 1200, (const guint8 *) ""),
      ==, 1);
  g_rand_free (rand);
}

static void
test_full_datagrams (WzpTest *test, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc0 (256 * 1024);
  g_autoptr (WzpPacketizer) packetizer = wzp_packetizer_new (FLOW);
  GRand *rand = wzp_test_rand_new ();

  /* 256 KiB by 1200 bytes less a head of at most 20. */
  g_assert_cmpuint (check_cutting (packetizer, new_frame (bytes, 256 * 1024, 3),
                        rand, 1200, 1200, bytes),
      <=, (256 * 1024 + 1179) / 1180);
  g_rand_free (rand);
}

static void
test_lifetime (WzpTest *test, gconstpointer data)
{
  guint8 bytes[200] = { 0 };
  WzpPacketizer *packetizer = wzp_packetizer_new (FLOW);
  WzpPacket packet;

  n_dropped = 0;
  g_assert_true (wzp_packetizer_is_idle (packetizer));
  g_assert_false (wzp_packetizer_next (packetizer, 0, 1200, &packet));
  wzp_packetizer_begin (packetizer, new_frame (bytes, 200, 1));
  g_assert_cmpuint (wzp_packetizer_get_next_frame (packetizer), ==, 1);
  g_assert_true (wzp_packetizer_next (packetizer, 0, 1200, &packet));
  g_assert_true (packet.ends_frame);
  g_assert_true (packet.payload[0].iov_base == bytes);
  g_assert_true (wzp_packetizer_is_idle (packetizer));
  g_assert_cmpuint (n_dropped, ==, 0);

  /* Dropped by the call after the last, whichever it is. */
  g_assert_false (wzp_packetizer_next (packetizer, 1, 1200, &packet));
  g_assert_cmpuint (n_dropped, ==, 1);
  wzp_packetizer_begin (packetizer, new_frame (bytes, 200, 1));
  g_assert_true (wzp_packetizer_next (packetizer, 1, 1200, &packet));
  wzp_packetizer_begin (packetizer, new_frame (bytes, 200, 1));
  g_assert_cmpuint (n_dropped, ==, 2);
  wzp_packetizer_free (packetizer);
  g_assert_cmpuint (n_dropped, ==, 3);
}

static void
test_abandon (WzpTest *test, gconstpointer data)
{
  guint8 bytes[5000] = { 0 };
  g_autoptr (WzpPacketizer) packetizer = wzp_packetizer_new (FLOW);
  WzpPacket packet;

  n_dropped = 0;
  wzp_packetizer_begin (packetizer, new_frame (bytes, 5000, 1));
  g_assert_true (wzp_packetizer_next (packetizer, 0, 1200, &packet));
  g_assert_false (packet.ends_frame);
  g_assert_false (wzp_packetizer_is_idle (packetizer));
  wzp_packetizer_abandon (packetizer);
  g_assert_cmpuint (n_dropped, ==, 1);
  g_assert_true (wzp_packetizer_is_idle (packetizer));
  g_assert_false (wzp_packetizer_next (packetizer, 1, 1200, &packet));

  /* The number is used up: that is how the receiver sees the loss. */
  g_assert_cmpuint (wzp_packetizer_get_next_frame (packetizer), ==, 1);
  wzp_packetizer_abandon (packetizer);
}

/* Not a test of time: the body that callgrind counts. */
static void
test_hot_path (WzpTest *test, gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc0 (256 * 1024);
  g_autoptr (WzpPacketizer) packetizer = wzp_packetizer_new (FLOW);
  WzpPacket packet;
  guint64 number = 0;

  for (guint i = 0; i < 100; i++) {
    wzp_packetizer_begin (packetizer, new_frame (bytes, 256 * 1024, 1));
    while (wzp_packetizer_next (packetizer, number, 1300 + 17, &packet))
      number++;
  }
  g_test_message ("%" G_GUINT64_FORMAT " datagrams", number);
  g_assert_cmpuint (number, >, 20000);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/packetizer/sizes", NULL, test_sizes);
  wzp_test_add ("/packetizer/empty-frame", NULL, test_empty_frame);
  wzp_test_add ("/packetizer/full-datagrams", NULL, test_full_datagrams);
  wzp_test_add ("/packetizer/lifetime", NULL, test_lifetime);
  wzp_test_add ("/packetizer/abandon", NULL, test_abandon);
  wzp_test_add ("/packetizer/hot-path", NULL, test_hot_path);
  return wzp_test_run ();
}
