#include "wzp-link.h"

#define MAX_DATAGRAM 65536u /* bytes; more than QUIC can carry */

struct _WzpLink {
  WzpPath path;
  WzpConn *conn;               /* owned */
  WzpSeal *seal_out, *seal_in; /* borrowed; NULL: not sealed */
  const WzpLinkHandler *handler;
  gpointer user_data;
  WzpPacket
      packet;      /* the one pulled last; its iovecs are with the connection */
  guint8 *out;     /* sealed, the one pulled last */
  guint8 *in;      /* opened */
  gsize confirmed; /* bytes of datagram that the whole relay path takes */
  gsize probed;    /* size of the PROBE under way */
  guint probes;    /* of that size so far */
  gint64 probe_us; /* when the last was sent */
  guint64 bad;
};

static gsize
max_datagram (const WzpLink *self)
{
  gsize max = wzp_conn_get_max_datagram (self->conn);

  return self->path == WZP_PATH_RELAY ? MIN (max, self->confirmed) : max;
}

int
wzp_link_lay_out (const WzpPacket *packet, WzpSeal *seal, guint8 *out,
    struct iovec iov[WZP_CONN_MAX_PULL_IOV])
{
  guint n = packet->n_payload;
  struct iovec text[WZP_CONN_MAX_PULL_IOV];
  WzpReader r;
  guint64 number;

  iov[0].iov_base = (void *) packet->head;
  iov[0].iov_len = packet->head_len;
  memcpy (iov + 1, packet->payload, n * sizeof *iov);
  if (seal == NULL)
    return (int) n + 1;

  /* The text begins behind the prefix, with the rest of the head. */
  memcpy (text, iov, (n + 1) * sizeof *iov);
  text[0].iov_base = (guint8 *) packet->head + packet->prefix_len;
  text[0].iov_len = packet->head_len - packet->prefix_len;
  wzp_reader_init (&r, packet->head + 2, packet->prefix_len - 2);
  number = wzp_reader_varint (&r);
  iov[0].iov_len = packet->prefix_len;
  iov[1].iov_base = out;
  iov[1].iov_len = wzp_seal_seal (
      seal, number, packet->head, packet->prefix_len, text, (int) n + 1, out);
  return 2;
}

/* A relay drops what is shorter; a seal's tag makes everything long enough. */
static gboolean
is_too_short (const WzpLink *self, const WzpPacket *packet)
{
  return self->path == WZP_PATH_RELAY && self->seal_out == NULL &&
      packet->head_len + packet->payload_len < WZP_DATAGRAM_MIN_RELAYED;
}

/* Writes the number with eight bytes, which every reader of a varint takes (RFC
 * 9000, section 16): the shortest datagram has twelve then. */
static void
widen_number (WzpPacket *packet)
{
  guint8 *at = packet->head + 2;
  WzpReader r;
  guint64 wide;
  gsize len;

  wzp_reader_init (&r, at, packet->prefix_len - 2);
  wide = GUINT64_TO_BE (wzp_reader_varint (&r) | G_GUINT64_CONSTANT (3) << 62);
  len = (gsize) (r.pos - at);
  memmove (at + sizeof wide, at + len, packet->head_len - 2 - len);
  memcpy (at, &wide, sizeof wide);
  packet->prefix_len += sizeof wide - len;
  packet->head_len += sizeof wide - len;
}

static int
on_pull (WzpConn *conn, gsize max_size, struct iovec *iov, gpointer user_data)
{
  WzpLink *self = user_data;

  if (self->path == WZP_PATH_RELAY)
    max_size = MIN (max_size, self->confirmed);
  if (self->seal_out != NULL && max_size > WZP_SEAL_TAG_LEN)
    max_size -= WZP_SEAL_TAG_LEN;
  if (max_size <= WZP_DATAGRAM_MAX_HEADER)
    return 0;
  if (!self->handler->pull (self, max_size, &self->packet, self->user_data))
    return 0;
  if (is_too_short (self, &self->packet))
    widen_number (&self->packet);
  return wzp_link_lay_out (&self->packet, self->seal_out, self->out, iov);
}

static void
on_datagram (WzpConn *conn, const guint8 *data, gsize len, gpointer user_data)
{
  WzpLink *self = user_data;
  WzpDatagramPrefix prefix;
  const guint8 *text;

  if (!wzp_datagram_parse_prefix (data, len, &prefix)) {
    self->bad++;
    return;
  }
  text = data + prefix.prefix_len;
  len -= prefix.prefix_len;
  if (self->seal_in != NULL) {
    if (len < WZP_SEAL_TAG_LEN ||
        !wzp_seal_open (self->seal_in, prefix.number, data, prefix.prefix_len,
            text, len, self->in)) {
      self->bad++;
      return;
    }
    text = self->in;
    len -= WZP_SEAL_TAG_LEN;
  }
  self->handler->received (self, &prefix, text, len, self->user_data);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  WzpLink *self = user_data;

  self->handler->closed (self, info, self->user_data);
}

static const WzpConnHandler conn_handler = {
  .datagram = on_datagram,
  .pull = on_pull,
  .closed = on_closed,
};

WzpLink *
wzp_link_new (WzpPath path, WzpConn *conn, WzpSeal *seal_out, WzpSeal *seal_in,
    const WzpLinkHandler *handler, gpointer user_data)
{
  WzpLink *self = g_new0 (WzpLink, 1);

  self->path = path;
  self->conn = conn;
  self->seal_out = seal_out;
  self->seal_in = seal_in;
  self->handler = handler;
  self->user_data = user_data;
  if (seal_out != NULL) {
    self->out = g_malloc (MAX_DATAGRAM + WZP_SEAL_TAG_LEN);
    self->in = g_malloc (MAX_DATAGRAM);
  }
  self->confirmed = WZP_LINK_RELAY_SAFE_SIZE;
  wzp_conn_set_handler (conn, &conn_handler, self);
  return self;
}

void
wzp_link_free (WzpLink *self)
{
  wzp_conn_set_handler (self->conn, NULL, NULL);
  wzp_conn_close (self->conn, WZP_CLOSE_NORMAL, "The call is over");
  wzp_conn_unref (self->conn);
  g_free (self->out);
  g_free (self->in);
  g_free (self);
}

WzpPath
wzp_link_get_path (const WzpLink *self)
{
  return self->path;
}

WzpConn *
wzp_link_get_conn (const WzpLink *self)
{
  return self->conn;
}

void
wzp_link_close (WzpLink *self, WzpCloseCode code, const char *reason)
{
  wzp_conn_close (self->conn, code, reason);
}

gsize
wzp_link_get_max_text (const WzpLink *self)
{
  gsize overhead =
      WZP_DATAGRAM_MAX_PREFIX + (self->seal_out != NULL ? WZP_SEAL_TAG_LEN : 0);
  gsize max = max_datagram (self);

  return max > overhead ? max - overhead : 0;
}

/* Not through self->out: the connection may still hold what was pulled. */
static gboolean
send_now (WzpLink *self, const WzpPacket *packet)
{
  g_autofree guint8 *sealed = NULL;
  struct iovec iov[WZP_CONN_MAX_PULL_IOV];
  WzpPacket wide;
  int n;

  if (is_too_short (self, packet)) {
    wide = *packet;
    widen_number (&wide);
    packet = &wide;
  }
  if (self->seal_out != NULL)
    sealed =
        g_malloc (packet->head_len + packet->payload_len + WZP_SEAL_TAG_LEN);
  n = wzp_link_lay_out (packet, self->seal_out, sealed, iov);
  return wzp_conn_send_datagram (self->conn, iov, n);
}

gboolean
wzp_link_send_control (
    WzpLink *self, guint64 number, const guint8 *text, gsize len)
{
  WzpPacket packet;

  packet.prefix_len =
      wzp_datagram_write_prefix (packet.head, WZP_DATAGRAM_CONTROL, number, 0);
  packet.head_len = packet.prefix_len;
  packet.payload[0].iov_base = (void *) text;
  packet.payload[0].iov_len = len;
  packet.n_payload = 1;
  packet.payload_len = len;
  return send_now (self, &packet);
}

gboolean
wzp_link_send_copy (WzpLink *self, const WzpPacket *packet)
{
  gsize size = packet->head_len + packet->payload_len +
      (self->seal_out != NULL ? WZP_SEAL_TAG_LEN : 0);

  return size <= max_datagram (self) && send_now (self, packet);
}

void
wzp_link_want_pull (WzpLink *self)
{
  wzp_conn_want_pull (self->conn);
}

gsize
wzp_link_next_mtu_probe (WzpLink *self, gint64 now_us)
{
  gsize own = wzp_conn_get_max_datagram (self->conn);
  gsize size = own;

  if (own != self->probed) {
    self->probed = own;
    self->probes = 0;
  } else if (self->probes > 0 &&
      now_us - self->probe_us < WZP_LINK_MTU_PROBE_US) {
    return 0;
  }
  if (self->probes >= WZP_LINK_MTU_PROBES)
    size -= MIN (size, WZP_LINK_FEDERATION_TAG);
  if (self->path != WZP_PATH_RELAY || size <= self->confirmed ||
      self->probes >= 2 * WZP_LINK_MTU_PROBES)
    return 0;
  self->probes++;
  self->probe_us = now_us;
  return size - WZP_DATAGRAM_MAX_PREFIX - WZP_SEAL_TAG_LEN;
}

void
wzp_link_confirm_mtu (WzpLink *self, guint64 seq)
{
  guint64 size =
      seq - WZP_LINK_MTU_SEQ + WZP_DATAGRAM_MAX_PREFIX + WZP_SEAL_TAG_LEN;

  /* Only what was tried; the number came from the peer. */
  if (seq >= WZP_LINK_MTU_SEQ && size <= self->probed && size > self->confirmed)
    self->confirmed = size;
}

void
wzp_link_doubt_mtu (WzpLink *self)
{
  if (self->path != WZP_PATH_RELAY)
    return;
  self->confirmed = WZP_LINK_RELAY_SAFE_SIZE;
  self->probed = 0;
}

guint64
wzp_link_get_bad (const WzpLink *self)
{
  return self->bad;
}
