/* A link on one end of two connections that are wired in memory; at the other
 * end a link too, or the bare connection. */
#include "conn-pair.h"
#include "flow-test.h"
#include "wzp-link.h"

#include <string.h>

#define RELAY_OVERHEAD (WZP_DATAGRAM_MAX_PREFIX + WZP_SEAL_TAG_LEN)

/* One end and what its handler wrote down. */
typedef struct {
  WzpLink *link; /* owned, nullable */
  WzpSeal *seal_out, *seal_in;
  guint n_received, n_closed;
  WzpDatagramPrefix prefix; /* of the last datagram */
  GByteArray *text;         /* of it */
  WzpCloseInfo closed;      /* only the numbers */
  WzpPacketizer *packetizer;
  guint64 number;
  guint n_pulls;
  gsize max_pulled; /* bytes of the largest datagram offered */
} End;

typedef struct {
  Pair *pair;
  End a, b;
} Rig;

static void
on_received (WzpLink *link, const WzpDatagramPrefix *prefix, const guint8 *text,
    gsize len, gpointer user_data)
{
  End *end = user_data;

  g_assert_true (link == end->link);
  end->n_received++;
  end->prefix = *prefix;
  g_byte_array_set_size (end->text, 0);
  g_byte_array_append (end->text, text, len);
}

static gboolean
on_pull (
    WzpLink *link, gsize max_size, WzpPacket *ret_packet, gpointer user_data)
{
  End *end = user_data;

  end->n_pulls++;
  if (wzp_packetizer_is_idle (end->packetizer) ||
      !wzp_packetizer_next (end->packetizer, end->number, max_size, ret_packet))
    return FALSE;
  end->number++;
  end->max_pulled =
      MAX (end->max_pulled, ret_packet->head_len + ret_packet->payload_len);
  g_assert_cmpuint (
      ret_packet->head_len + ret_packet->payload_len, <=, max_size);
  return TRUE;
}

static void
on_closed (WzpLink *link, const WzpCloseInfo *info, gpointer user_data)
{
  End *end = user_data;

  end->n_closed++;
  end->closed = *info;
  end->closed.reason = NULL;
  end->closed.error = NULL;
}

static const WzpLinkHandler link_handler = {
  .received = on_received,
  .pull = on_pull,
  .closed = on_closed,
};

static WzpSeal *
new_seal (guint8 which)
{
  guint8 key[WZP_SEAL_KEY_LEN], iv[WZP_SEAL_IV_LEN];

  memset (key, which, sizeof key);
  memset (iv, which + 1, sizeof iv);
  return wzp_seal_new (key, iv);
}

static void
end_init (End *end, guint8 key_out, guint8 key_in)
{
  end->seal_out = new_seal (key_out);
  end->seal_in = new_seal (key_in);
  end->text = g_byte_array_new ();
  end->packetizer = wzp_packetizer_new (1);
}

static void
end_attach (End *end, Side *side, WzpPath path)
{
  gboolean sealed = path == WZP_PATH_RELAY;

  end->link = wzp_link_new (path, wzp_conn_ref (side->conn),
      sealed ? end->seal_out : NULL, sealed ? end->seal_in : NULL,
      &link_handler, end);
}

/* Connected, the largest datagram found; a link at A, and at B if @both. */
static void
rig_init (Rig *rig, WzpPath path, gboolean both)
{
  memset (rig, 0, sizeof *rig);
  rig->pair = pair_new (7);
  pair_connect (rig->pair);
  pair_run (rig->pair, 2000);
  end_init (&rig->a, 1, 2);
  end_init (&rig->b, 2, 1);
  end_attach (&rig->a, &rig->pair->client, path);
  if (both)
    end_attach (&rig->b, &rig->pair->server, path);
}

static void
end_clear (End *end)
{
  g_clear_pointer (&end->link, wzp_link_free);
  wzp_seal_free (end->seal_out);
  wzp_seal_free (end->seal_in);
  g_byte_array_unref (end->text);
  wzp_packetizer_free (end->packetizer);
}

static void
rig_clear (Rig *rig)
{
  end_clear (&rig->a);
  end_clear (&rig->b);
  pair_free (rig->pair);
}

static guint8 *
new_text (gsize len)
{
  guint8 *text = g_malloc (len);

  for (gsize i = 0; i < len; i++)
    text[i] = (guint8) (i * 7 + 3);
  return text;
}

static gsize
max_datagram (Rig *rig)
{
  return wzp_conn_get_max_datagram (rig->pair->client.conn);
}

/* The bare datagrams that came to B. */
static const guint8 *
raw_datagram (Rig *rig, guint index, gsize *ret_len)
{
  GPtrArray *datagrams = rig->pair->server.datagrams;

  g_assert_cmpuint (index, <, datagrams->len);
  return g_bytes_get_data (datagrams->pdata[index], ret_len);
}

static void
check_text (const End *end, const guint8 *text, gsize len, guint64 number)
{
  g_assert_cmpuint (end->prefix.number, ==, number);
  g_assert_cmpuint (end->prefix.flow, ==, 0);
  g_assert_cmpuint (end->prefix.flags, ==, WZP_DATAGRAM_CONTROL);
  g_assert_cmpmem (end->text->data, end->text->len, text, len);
}

static void
test_control (WzpTest *test, gconstpointer data)
{
  WzpPath path = GPOINTER_TO_INT (data);
  const gsize overhead =
      path == WZP_PATH_RELAY ? RELAY_OVERHEAD : WZP_DATAGRAM_MAX_PREFIX;
  g_autofree guint8 *text = new_text (4000);
  gsize sizes[3] = { 0, 1 };
  Rig rig;

  g_test_summary ("Control text arrives as it was, up to the largest that is "
                  "said to fit, which fits with the largest number");
  rig_init (&rig, path, TRUE);
  g_assert_cmpint (wzp_link_get_path (rig.a.link), ==, path);
  g_assert_true (wzp_link_get_conn (rig.a.link) == rig.pair->client.conn);
  sizes[2] = wzp_link_get_max_text (rig.a.link);
  g_assert_cmpuint (sizes[2], ==,
      path == WZP_PATH_RELAY ? WZP_LINK_RELAY_SAFE_SIZE - overhead
                             : max_datagram (&rig) - overhead);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    guint64 number = WZP_VARINT_MAX - i;

    g_assert_true (wzp_link_send_control (rig.a.link, number, text, sizes[i]));
    pair_settle (rig.pair);
    g_assert_cmpuint (rig.b.n_received, ==, i + 1);
    check_text (&rig.b, text, sizes[i], number);
  }
  g_assert_false (wzp_link_send_control (rig.a.link, 9, text, 4000));
  /* And back, under the other key. */
  g_assert_true (wzp_link_send_control (rig.b.link, 4711, text, 100));
  pair_settle (rig.pair);
  check_text (&rig.a, text, 100, 4711);
  g_assert_cmpuint (rig.b.n_received, ==, 3);
  g_assert_cmpuint (
      wzp_link_get_bad (rig.a.link) + wzp_link_get_bad (rig.b.link), ==, 0);
  rig_clear (&rig);
}

static void
test_sealed (WzpTest *test, gconstpointer data)
{
  g_autofree guint8 *text = new_text (500);
  WzpDatagramPrefix prefix;
  const guint8 *raw;
  gsize len;
  Rig rig;

  g_test_summary ("What a relay sees: the prefix and nothing of the text");
  rig_init (&rig, WZP_PATH_RELAY, FALSE);
  g_assert_true (wzp_link_send_control (rig.a.link, 77, text, 500));
  pair_settle (rig.pair);
  raw = raw_datagram (&rig, 0, &len);
  g_assert_true (wzp_datagram_parse_prefix (raw, len, &prefix));
  g_assert_cmpuint (prefix.number, ==, 77);
  g_assert_cmpuint (len, ==, prefix.prefix_len + 500 + WZP_SEAL_TAG_LEN);
  for (gsize at = prefix.prefix_len; at + 8 <= len; at++)
    for (gsize i = 0; i + 8 <= 500; i++)
      g_assert_true (memcmp (raw + at, text + i, 8) != 0);
  rig_clear (&rig);
}

static void
test_unsealed (WzpTest *test, gconstpointer data)
{
  static const guint8 text[] = { 0x21, 0x02, 0x05 };
  WzpMediaHead head;
  gsize head_len;
  Rig rig;

  g_test_summary ("A relay path that is not sealed: as small as a relay passes "
                  "on, and not larger than is safe");
  memset (&rig, 0, sizeof rig);
  rig.pair = pair_new (7);
  pair_connect (rig.pair);
  pair_run (rig.pair, 2000);
  end_init (&rig.a, 1, 2);
  end_init (&rig.b, 2, 1);
  rig.a.link = wzp_link_new (WZP_PATH_RELAY,
      wzp_conn_ref (rig.pair->client.conn), NULL, NULL, &link_handler, &rig.a);
  g_assert_cmpuint (wzp_link_get_max_text (rig.a.link), ==,
      WZP_LINK_RELAY_SAFE_SIZE - WZP_DATAGRAM_MAX_PREFIX);
  for (guint64 number = 0; number < 3; number++) {
    WzpDatagramPrefix prefix;
    const guint8 *raw;
    gsize len;

    g_assert_true (
        wzp_link_send_control (rig.a.link, number * 100, text, sizeof text));
    pair_settle (rig.pair);
    raw = raw_datagram (&rig, (guint) number, &len);
    g_assert_cmpuint (len, >=, WZP_DATAGRAM_MIN_RELAYED);
    g_assert_true (wzp_datagram_parse_prefix (raw, len, &prefix));
    g_assert_cmpuint (prefix.number, ==, number * 100);
    g_assert_cmpmem (
        raw + prefix.prefix_len, len - prefix.prefix_len, text, sizeof text);
  }

  /* The smallest media there is. */
  wzp_packetizer_begin (rig.a.packetizer, wzp_frame_new_take (NULL, 0));
  wzp_link_want_pull (rig.a.link);
  pair_settle (rig.pair);
  {
    WzpDatagramPrefix prefix;
    gsize len;
    const guint8 *raw = raw_datagram (&rig, 3, &len);

    g_assert_cmpuint (len, >=, WZP_DATAGRAM_MIN_RELAYED);
    g_assert_true (wzp_datagram_parse_prefix (raw, len, &prefix));
    g_assert_true (wzp_datagram_parse_media (&prefix, raw + prefix.prefix_len,
        len - prefix.prefix_len, &head, &head_len));
    g_assert_true (head.is_start);
    g_assert_cmpuint (head.meta.size, ==, 0);
    g_assert_cmpuint (len, ==, prefix.prefix_len + head_len);
  }
  rig_clear (&rig);
}

static gsize
push_frame (End *end, guint n_pieces, gsize piece)
{
  g_autofree guint8 *text = new_text (n_pieces * piece);
  struct iovec iov[WZP_FRAME_MAX_IOV];
  guint8 *kept = g_memdup2 (text, n_pieces * piece);
  WzpFrame *frame;

  for (guint i = 0; i < n_pieces; i++)
    iov[i] = (struct iovec){ .iov_base = kept + i * piece, .iov_len = piece };
  frame = wzp_frame_new_wrapped (iov, n_pieces, kept, g_free);
  g_assert_nonnull (frame);
  wzp_packetizer_begin (end->packetizer, frame);
  wzp_link_want_pull (end->link);
  return n_pieces * piece;
}

/* Puts together what came at B. */
typedef struct {
  Rig *rig;
  GByteArray *frame;
  guint n;
} Collector;

static void
on_server_event (WzpConn *conn, const char *event, gpointer data)
{
  Collector *self = data;
  End *b = &self->rig->b;
  WzpDatagramPrefix prefix;
  WzpMediaHead head;
  guint8 opened[2000];
  const guint8 *raw, *text;
  gsize len, head_len;

  if (strcmp (event, "datagram") != 0)
    return;
  raw = raw_datagram (self->rig, self->n, &len);
  g_assert_true (wzp_datagram_parse_prefix (raw, len, &prefix));
  g_assert_cmpuint (prefix.number, ==, self->n);
  g_assert_cmpuint (prefix.flow, ==, 1);
  text = raw + prefix.prefix_len;
  len -= prefix.prefix_len;
  if (wzp_link_get_path (self->rig->a.link) == WZP_PATH_RELAY) {
    g_assert_true (wzp_seal_open (
        b->seal_in, prefix.number, raw, prefix.prefix_len, text, len, opened));
    text = opened;
    len -= WZP_SEAL_TAG_LEN;
  }
  g_assert_true (
      wzp_datagram_parse_media (&prefix, text, len, &head, &head_len));
  g_assert_cmpuint (head.offset, ==, self->frame->len);
  g_byte_array_append (self->frame, text + head_len, len - head_len);
  self->n++;
}

static void
test_media (WzpTest *test, gconstpointer data)
{
  WzpPath path = GPOINTER_TO_INT (data);
  g_autofree guint8 *expected = new_text (80000);
  Collector collector;
  gsize size;
  Rig rig;

  g_test_summary ("Media is pulled at the largest size that is safe, of frames "
                  "in many pieces; nothing is pulled when there is none");
  rig_init (&rig, path, FALSE);
  collector = (Collector){ .rig = &rig, .frame = g_byte_array_new () };
  rig.pair->server.on_event = on_server_event;
  rig.pair->server.on_event_data = &collector;
  size = push_frame (&rig.a, WZP_FRAME_MAX_IOV, 10000);
  pair_run (rig.pair, 3000);
  g_assert_cmpmem (collector.frame->data, collector.frame->len, expected, size);
  g_assert_cmpuint (rig.a.max_pulled, ==,
      path == WZP_PATH_RELAY ? WZP_LINK_RELAY_SAFE_SIZE - WZP_SEAL_TAG_LEN
                             : max_datagram (&rig));
  /* Asked once too often, and then not again. */
  g_assert_cmpuint (rig.a.n_pulls, ==, collector.n + 1);
  pair_run (rig.pair, 1000);
  g_assert_cmpuint (rig.a.n_pulls, ==, collector.n + 1);

  /* Pieces so small that a datagram has as many as it can. */
  g_byte_array_set_size (collector.frame, 0);
  size = push_frame (&rig.a, WZP_FRAME_MAX_IOV, 100);
  pair_run (rig.pair, 1000);
  g_assert_cmpmem (collector.frame->data, collector.frame->len, expected, size);
  g_byte_array_unref (collector.frame);
  rig_clear (&rig);
}

static void
fill_packet (WzpPacket *packet, guint64 number, const guint8 *text, gsize len)
{
  WzpMediaHead head = { .frame = 3, .offset = 10 };

  packet->prefix_len = wzp_datagram_write_prefix (packet->head, 0, number, 1);
  packet->head_len = packet->prefix_len +
      wzp_datagram_write_media (packet->head + packet->prefix_len, &head);
  packet->payload[0].iov_base = (void *) text;
  packet->payload[0].iov_len = len / 2;
  packet->payload[1].iov_base = (void *) (text + len / 2);
  packet->payload[1].iov_len = len - len / 2;
  packet->n_payload = 2;
  packet->payload_len = len;
}

static void
test_copy (WzpTest *test, gconstpointer data)
{
  WzpPath path = GPOINTER_TO_INT (data);
  g_autofree guint8 *text = new_text (2000);
  WzpPacket packet;
  gsize max;
  Rig rig;

  g_test_summary ("A packet of another link is sent if it fits, to the byte");
  rig_init (&rig, path, TRUE);
  max = path == WZP_PATH_RELAY ? WZP_LINK_RELAY_SAFE_SIZE - WZP_SEAL_TAG_LEN
                               : max_datagram (&rig);
  fill_packet (&packet, 5, text, 0);
  max -= packet.head_len;
  fill_packet (&packet, 5, text, max);
  g_assert_true (wzp_link_send_copy (rig.a.link, &packet));
  fill_packet (&packet, 6, text, max + 1);
  g_assert_false (wzp_link_send_copy (rig.a.link, &packet));
  pair_settle (rig.pair);
  g_assert_cmpuint (rig.b.n_received, ==, 1);
  g_assert_cmpuint (rig.b.prefix.number, ==, 5);
  g_assert_cmpuint (
      rig.b.text->len, ==, packet.head_len - packet.prefix_len + max);
  g_assert_cmpmem (rig.b.text->data + rig.b.text->len - max, max, text, max);
  rig_clear (&rig);
}

static void
send_raw (Rig *rig, gconstpointer data, gsize len)
{
  g_assert_true (side_send (&rig->pair->server, data, len));
  pair_settle (rig->pair);
}

/* A sealed datagram as B would send it; returns its length. */
static gsize
make_sealed (Rig *rig, guint64 number, guint8 *buf, gsize len)
{
  g_autofree guint8 *text = new_text (len);
  const struct iovec iov = { .iov_base = text, .iov_len = len };
  gsize prefix_len =
      wzp_datagram_write_prefix (buf, WZP_DATAGRAM_CONTROL, number, 0);

  return prefix_len +
      wzp_seal_seal (
          rig->b.seal_out, number, buf, prefix_len, &iov, 1, buf + prefix_len);
}

static void
test_bad (WzpTest *test, gconstpointer data)
{
  guint8 buf[256];
  gsize len;
  Rig rig;

  g_test_summary ("Every byte of a sealed datagram counts; what is not "
                  "authentic is counted and goes no further");
  rig_init (&rig, WZP_PATH_RELAY, FALSE);
  len = make_sealed (&rig, 300, buf, 40);
  send_raw (&rig, buf, len);
  g_assert_cmpuint (rig.a.n_received, ==, 1);
  for (gsize i = 0; i < len; i++) {
    buf[i] ^= 0x40;
    send_raw (&rig, buf, len);
    g_assert_cmpuint (rig.a.n_received, ==, 1);
    g_assert_cmpuint (wzp_link_get_bad (rig.a.link), ==, i + 1);
    buf[i] ^= 0x40;
  }
  for (gsize cut = 0; cut < len; cut++)
    send_raw (&rig, buf, cut);
  g_assert_cmpuint (rig.a.n_received, ==, 1);
  g_assert_cmpuint (wzp_link_get_bad (rig.a.link), ==, 2 * len);
  /* An empty text is a text. */
  len = make_sealed (&rig, 301, buf, 0);
  send_raw (&rig, buf, len);
  g_assert_cmpuint (rig.a.n_received, ==, 2);
  g_assert_cmpuint (rig.a.text->len, ==, 0);
  rig_clear (&rig);

  /* Direct: only the prefix can be wrong. */
  rig_init (&rig, WZP_PATH_DIRECT, FALSE);
  memset (buf, 0xff, sizeof buf);
  send_raw (&rig, buf, sizeof buf);
  send_raw (&rig, buf, 0);
  g_assert_cmpuint (wzp_link_get_bad (rig.a.link), ==, 2);
  g_assert_cmpuint (rig.a.n_received, ==, 0);
  rig_clear (&rig);
}

static void
test_mtu (WzpTest *test, gconstpointer data)
{
  static const guint64 hostile[] = { 0, 1, WZP_LINK_MTU_SEQ - 1,
    WZP_LINK_MTU_SEQ, WZP_LINK_MTU_SEQ + 1, WZP_LINK_MTU_SEQ + 1000,
    WZP_LINK_MTU_SEQ + 65536, WZP_VARINT_MAX, G_MAXUINT64,
    G_MAXUINT64 - RELAY_OVERHEAD, WZP_LINK_MTU_SEQ - RELAY_OVERHEAD };
  const gsize safe = WZP_LINK_RELAY_SAFE_SIZE - RELAY_OVERHEAD;
  g_autofree guint8 *text = new_text (2000);
  gint64 now_us = 1000000;
  gsize size;
  Rig rig;

  g_test_summary ("The relay path grows only by an answer to a PROBE that was "
                  "sent, which has the size in question");
  rig_init (&rig, WZP_PATH_RELAY, TRUE);
  g_assert_cmpuint (max_datagram (&rig), >, WZP_LINK_RELAY_SAFE_SIZE);
  /* None was sent. */
  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    wzp_link_confirm_mtu (rig.a.link, hostile[i]);
  wzp_link_confirm_mtu (
      rig.a.link, WZP_LINK_MTU_SEQ + max_datagram (&rig) - RELAY_OVERHEAD);
  g_assert_cmpuint (wzp_link_get_max_text (rig.a.link), ==, safe);

  /* At last, what gets through between two relays. */
  for (guint i = 0; i < 2 * WZP_LINK_MTU_PROBES; i++) {
    size = wzp_link_next_mtu_probe (rig.a.link, now_us);
    g_assert_cmpuint (size, ==,
        max_datagram (&rig) - RELAY_OVERHEAD -
            (i < WZP_LINK_MTU_PROBES ? 0 : WZP_LINK_FEDERATION_TAG));
    g_assert_cmpuint (wzp_link_next_mtu_probe (rig.a.link, now_us), ==, 0);
    now_us += WZP_LINK_MTU_PROBE_US;
    g_assert_cmpuint (wzp_link_next_mtu_probe (rig.a.link, now_us - 1), ==, 0);
  }
  g_assert_cmpuint (wzp_link_next_mtu_probe (rig.a.link, now_us), ==, 0);
  size += WZP_LINK_FEDERATION_TAG; /* the first was only slow */
  g_assert_true (
      wzp_link_send_control (rig.a.link, WZP_VARINT_MAX, text, size));
  pair_settle (rig.pair);
  g_assert_cmpuint (rig.b.n_received, ==, 1);

  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    wzp_link_confirm_mtu (rig.a.link, hostile[i]);
  wzp_link_confirm_mtu (rig.a.link, WZP_LINK_MTU_SEQ + size + 1);
  g_assert_cmpuint (wzp_link_get_max_text (rig.a.link), ==, safe);
  wzp_link_confirm_mtu (rig.a.link, WZP_LINK_MTU_SEQ + size);
  g_assert_cmpuint (wzp_link_get_max_text (rig.a.link), ==, size);
  /* An old answer does not shrink it; all is known now. */
  wzp_link_confirm_mtu (rig.a.link, WZP_LINK_MTU_SEQ + size - 100);
  g_assert_cmpuint (wzp_link_get_max_text (rig.a.link), ==, size);
  now_us += 10 * WZP_LINK_MTU_PROBE_US;
  g_assert_cmpuint (wzp_link_next_mtu_probe (rig.a.link, now_us), ==, 0);
  push_frame (&rig.a, 1, 10000);
  pair_run (rig.pair, 1000);
  g_assert_cmpuint (
      rig.a.max_pulled, ==, max_datagram (&rig) - WZP_SEAL_TAG_LEN);

  /* Is it still so? Back to what always gets through, and asked anew. */
  wzp_link_doubt_mtu (rig.a.link);
  g_assert_cmpuint (wzp_link_get_max_text (rig.a.link), ==, safe);
  g_assert_cmpuint (wzp_link_next_mtu_probe (rig.a.link, now_us), ==, size);
  wzp_link_confirm_mtu (rig.a.link, WZP_LINK_MTU_SEQ + size);
  g_assert_cmpuint (wzp_link_get_max_text (rig.a.link), ==, size);
  rig_clear (&rig);

  /* QUIC knows a direct path's. */
  rig_init (&rig, WZP_PATH_DIRECT, FALSE);
  g_assert_cmpuint (wzp_link_next_mtu_probe (rig.a.link, now_us), ==, 0);
  rig_clear (&rig);
}

static void
test_closed (WzpTest *test, gconstpointer data)
{
  WzpPath path = GPOINTER_TO_INT (data);
  g_autofree guint8 *text = new_text (100);
  WzpPacket packet;
  Rig rig;

  g_test_summary ("A link that is closed takes nothing; its peer hears why");
  rig_init (&rig, path, TRUE);
  wzp_link_close (rig.a.link, WZP_CLOSE_REPLACED, "A newer one");
  g_assert_cmpuint (wzp_link_get_max_text (rig.a.link), ==, 0);
  g_assert_false (wzp_link_send_control (rig.a.link, 1, text, 10));
  fill_packet (&packet, 2, text, 100);
  g_assert_false (wzp_link_send_copy (rig.a.link, &packet));
  push_frame (&rig.a, 1, 100);
  g_assert_cmpuint (wzp_link_next_mtu_probe (rig.a.link, 0), ==, 0);
  pair_settle (rig.pair);
  g_assert_cmpuint (rig.a.n_closed, ==, 0);
  g_assert_cmpuint (rig.a.n_pulls, ==, 0);
  g_assert_cmpuint (rig.b.n_closed, ==, 1);
  g_assert_true (rig.b.closed.is_remote && rig.b.closed.is_application);
  g_assert_cmpuint (rig.b.closed.code, ==, WZP_CLOSE_REPLACED);
  rig_clear (&rig);

  /* Freed: a normal end. */
  rig_init (&rig, path, TRUE);
  g_clear_pointer (&rig.a.link, wzp_link_free);
  pair_settle (rig.pair);
  g_assert_cmpuint (rig.b.n_closed, ==, 1);
  g_assert_cmpuint (rig.b.closed.code, ==, WZP_CLOSE_NORMAL);
  g_assert_cmpuint (wzp_link_get_max_text (rig.b.link), ==, 0);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    WzpTestFunc func;
  } both[] = {
    { "control", test_control },
    { "media", test_media },
    { "copy", test_copy },
    { "closed", test_closed },
  };

  wzp_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (both); i++) {
    for (WzpPath p = WZP_PATH_RELAY; p <= WZP_PATH_DIRECT; p++) {
      g_autofree char *path =
          g_strdup_printf ("/link/%s/%s", both[i].name, wzp_path_to_string (p));

      wzp_test_add (path, GINT_TO_POINTER (p), both[i].func);
    }
  }
  wzp_test_add ("/link/sealed", NULL, test_sealed);
  wzp_test_add ("/link/unsealed", NULL, test_unsealed);
  wzp_test_add ("/link/bad", NULL, test_bad);
  wzp_test_add ("/link/mtu", NULL, test_mtu);
  return wzp_test_run ();
}
