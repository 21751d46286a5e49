#include "quic-peer.h"

#include <string.h>

static guint8 pattern[65536];

static void
free_conn (gpointer data)
{
  PeerConn *pc = data;

  if (pc->conn != NULL)
    wzp_conn_set_handler (pc->conn, NULL, NULL);
  g_clear_pointer (&pc->conn, wzp_conn_unref);
  g_byte_array_unref (pc->stream_bytes);
  g_byte_array_unref (pc->last_datagram);
  g_free (pc->closed.reason);
  g_clear_error (&pc->closed.error);
  g_free (pc);
}

static PeerConn *
add_conn (Peer *self)
{
  PeerConn *pc = g_new0 (PeerConn, 1);

  pc->peer = self;
  pc->echo = self->echo;
  pc->stream_bytes = g_byte_array_new ();
  pc->last_datagram = g_byte_array_new ();
  g_ptr_array_add (self->conns, pc);
  return pc;
}

static void
on_established (WzpConn *conn, gpointer user_data)
{
  PeerConn *pc = user_data;

  g_assert_true (conn == pc->conn);
  pc->n_established++;
}

static void
on_datagram (WzpConn *conn, const guint8 *data, gsize len, gpointer user_data)
{
  PeerConn *pc = user_data;
  struct iovec iov = { .iov_base = (void *) data, .iov_len = len };

  g_assert_cmpuint (pc->n_closed, ==, 0);
  pc->n_datagrams++;
  pc->datagram_bytes += len;
  g_byte_array_set_size (pc->last_datagram, 0);
  g_byte_array_append (pc->last_datagram, data, len);
  if (pc->echo)
    wzp_conn_send_datagram (conn, &iov, 1);
}

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  PeerConn *pc = user_data;

  g_assert_cmpuint (pc->n_closed, ==, 0);
  g_byte_array_append (pc->stream_bytes, data, len);
  pc->n_fins += fin;
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  ((PeerConn *) user_data)->n_stream_closed++;
}

static int
on_pull (WzpConn *conn, gsize max_size, struct iovec *iov, gpointer user_data)
{
  PeerConn *pc = user_data;
  gsize size = pc->pull_size > 0 ? pc->pull_size : max_size;

  if (pc->n_pulls == 0)
    return 0;
  g_assert_cmpuint (size, <=, max_size);
  pc->n_pulls--;
  iov[0] = (struct iovec){ .iov_base = pattern, .iov_len = size / 2 };
  iov[1] = (struct iovec){ .iov_base = pattern + size / 2,
    .iov_len = size - size / 2 };
  return 2;
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  PeerConn *pc = user_data;

  g_assert_true (wzp_conn_is_closed (conn));
  g_assert_nonnull (info->reason);
  g_assert_nonnull (info->error);
  pc->n_closed++;
  pc->closed = *info;
  pc->closed.reason = g_strdup (info->reason);
  pc->closed.error = g_error_copy (info->error);
}

static const WzpConnHandler conn_handler = {
  .established = on_established,
  .datagram = on_datagram,
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .pull = on_pull,
  .closed = on_closed,
};

static gboolean
on_admit (WzpEndpoint *endpoint, const char *server_name, const WzpAddr *remote,
    gpointer user_data)
{
  Peer *self = user_data;

  g_ptr_array_add (self->names, g_strdup (server_name));
  return !self->refuse_admit;
}

static guint
on_get_max_receive (
    WzpEndpoint *endpoint, const char *server_name, gpointer user_data)
{
  return ((Peer *) user_data)->max_receive;
}

static gboolean
on_accept (WzpEndpoint *endpoint, WzpConn *conn, gpointer user_data)
{
  Peer *self = user_data;
  PeerConn *pc;

  if (self->refuse_accept)
    return FALSE;
  pc = add_conn (self);
  pc->conn = wzp_conn_ref (conn);
  wzp_conn_set_handler (conn, &conn_handler, pc);
  return TRUE;
}

static void
on_packet (
    WzpEndpoint *endpoint, const WzpUdpPacket *packet, gpointer user_data)
{
  Peer *self = user_data;

  self->n_packets++;
  g_byte_array_set_size (self->last_packet, 0);
  g_byte_array_append (self->last_packet, packet->data, packet->len);
}

static void
on_woken (WzpEndpoint *endpoint, gpointer user_data)
{
  ((Peer *) user_data)->n_woken++;
}

static const WzpEndpointHandler endpoint_handler = {
  .admit = on_admit,
  .get_max_receive = on_get_max_receive,
  .accept = on_accept,
  .packet = on_packet,
  .woken = on_woken,
};

Peer *
peer_new (GMainContext *context, int family, WzpIdentity *identity,
    const WzpEndpointConfig *config)
{
  Peer *self = g_new0 (Peer, 1);
  WzpEndpointConfig own = { 0 };
  const char *loopback = family == 6 ? "::1" : "127.0.0.1";
  g_autoptr (GError) error = NULL;

  if (config != NULL)
    own = *config;
  if (own.bind_address == NULL)
    own.bind_address = loopback;
  self->identity = identity != NULL ? wzp_identity_ref (identity)
                                    : wzp_identity_new_ephemeral ();
  self->conns = g_ptr_array_new_with_free_func (free_conn);
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->last_packet = g_byte_array_new ();
  self->endpoint = wzp_endpoint_new (
      context, self->identity, &own, &endpoint_handler, self, &error);
  g_assert_no_error (error);
  wzp_addr_parse_ip (loopback, wzp_endpoint_get_port (self->endpoint, family),
      &self->addr, &error);
  g_assert_no_error (error);
  return self;
}

void
peer_stop (Peer *self)
{
  g_clear_pointer (&self->endpoint, wzp_endpoint_free);
}

void
peer_free (Peer *self)
{
  if (self == NULL)
    return;

  peer_stop (self);
  g_ptr_array_unref (self->conns);
  g_ptr_array_unref (self->names);
  g_byte_array_unref (self->last_packet);
  wzp_identity_unref (self->identity);
  g_free (self);
}

PeerConn *
peer_dial_full (Peer *self, const WzpAddr *to, const WzpDialOptions *options,
    GError **error)
{
  PeerConn *pc = add_conn (self);

  pc->conn =
      wzp_endpoint_dial (self->endpoint, to, options, &conn_handler, pc, error);
  if (pc->conn == NULL) {
    g_ptr_array_remove (self->conns, pc);
    return NULL;
  }
  g_assert_cmpuint (pc->n_established + pc->n_closed, ==, 0);
  return pc;
}

PeerConn *
peer_dial (Peer *self, const Peer *to)
{
  WzpDialOptions options = {
    .server_name = "_signal",
    .expect_key = wzp_identity_get_public_key (to->identity),
  };
  g_autoptr (GError) error = NULL;
  PeerConn *pc = peer_dial_full (self, &to->addr, &options, &error);

  g_assert_no_error (error);
  return pc;
}

PeerConn *
peer_accepted (const Peer *self, guint nth)
{
  for (guint i = 0; i < self->conns->len; i++) {
    PeerConn *pc = self->conns->pdata[i];

    if (wzp_conn_is_server (pc->conn) && nth-- == 0)
      return pc;
  }
  return NULL;
}

gboolean
peer_conn_send (PeerConn *pc, const void *data, gsize len)
{
  const struct iovec iov = { .iov_base = (void *) data, .iov_len = len };

  return wzp_conn_send_datagram (pc->conn, &iov, 1);
}

gboolean
peer_conn_send_stream (PeerConn *pc, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;
  gboolean taken = wzp_conn_send_stream (pc->conn, bytes, &error);

  g_assert_no_error (error);
  return taken;
}

void
peer_conn_offer (PeerConn *pc, guint n, gsize size)
{
  pc->n_pulls += n;
  pc->pull_size = size;
  wzp_conn_want_pull (pc->conn);
}

void
peer_connect (WzpTest *test, Peer *client, Peer *server, PeerConn **ret_out,
    PeerConn **ret_in)
{
  guint nth = 0;

  while (peer_accepted (server, nth) != NULL)
    nth++;
  *ret_out = peer_dial (client, server);
  wzp_test_assert_until (test,
      (*ret_out)->n_established == 1 && peer_accepted (server, nth) != NULL,
      PEER_WAIT_MS);
  *ret_in = peer_accepted (server, nth);
}

void
peer_assert_serves (WzpTest *test, Peer *client, Peer *server)
{
  PeerConn *out, *in;

  peer_connect (test, client, server, &out, &in);
  g_assert_true (peer_conn_send (out, "alive", 5));
  wzp_test_assert_until (test, in->n_datagrams == 1, PEER_WAIT_MS);
}
