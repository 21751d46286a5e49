/* Who is dialled, who is let in, and the rest of the interface. */
#include "quic-peer.h"
#include "udp-relay.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Dialling */

static void
test_dial (WzpTest *test, gconstpointer data)
{
  int family = GPOINTER_TO_INT (data);
  g_autoptr (Peer) server = peer_new (test->context, family, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, family, NULL, NULL);
  PeerConn *out, *in;

  peer_connect (test, client, server, &out, &in);
  g_assert_cmpmem (wzp_conn_get_peer_key (in->conn), WZP_PUBLIC_KEY_LEN,
      wzp_identity_get_public_key (client->identity), WZP_PUBLIC_KEY_LEN);
  g_assert_cmpmem (wzp_conn_get_peer_key (out->conn), WZP_PUBLIC_KEY_LEN,
      wzp_identity_get_public_key (server->identity), WZP_PUBLIC_KEY_LEN);
  g_assert_cmpstr (wzp_conn_get_server_name (in->conn), ==, "_signal");
  g_assert_true (
      wzp_addr_equal (wzp_conn_get_remote (in->conn), &client->addr));
  g_assert_true (
      wzp_addr_equal (wzp_conn_get_remote (out->conn), &server->addr));
  g_assert_true (wzp_addr_equal (wzp_conn_get_local (in->conn), &server->addr));
  g_assert_true (
      wzp_addr_equal (wzp_conn_get_local (out->conn), &client->addr));

  g_assert_true (peer_conn_send (out, "hello", 5));
  g_assert_true (peer_conn_send (in, "world!", 6));
  peer_conn_send_stream (out, "from the client");
  peer_conn_send_stream (in, "from the server");
  wzp_test_assert_until (test,
      in->n_datagrams == 1 && out->n_datagrams == 1 && in->n_fins == 1 &&
          out->n_fins == 1,
      PEER_WAIT_MS);
  g_assert_cmpmem (in->last_datagram->data, in->last_datagram->len, "hello", 5);
  g_assert_cmpmem (
      out->last_datagram->data, out->last_datagram->len, "world!", 6);
  g_assert_cmpmem (
      in->stream_bytes->data, in->stream_bytes->len, "from the client", 15);
  g_assert_cmpmem (
      out->stream_bytes->data, out->stream_bytes->len, "from the server", 15);

  wzp_conn_close (out->conn, WZP_CLOSE_BUSY, "no more");
  wzp_test_assert_until (test, in->n_closed == 1, PEER_WAIT_MS);
  g_assert_cmpstr (in->closed.reason, ==, "the peer said: no more");
  g_assert_cmpuint (out->n_closed, ==, 0);
}

static void
test_any_address (WzpTest *test, gconstpointer data)
{
  const WzpEndpointConfig config = { .bind_address = NULL };
  static const WzpEndpointHandler none;
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpEndpoint) endpoint =
      wzp_endpoint_new (test->context, identity, &config, &none, NULL, &error);

  g_assert_no_error (error);
  g_assert_null (wzp_endpoint_get_bound (endpoint));
  g_assert_cmpuint (wzp_endpoint_get_port (endpoint, 4), !=, 0);
  g_assert_cmpuint (wzp_endpoint_get_recv_buffer (endpoint), >, 0);
  /* The same port for both families, where the machine has both. */
  if (wzp_endpoint_get_port (endpoint, 6) != 0)
    g_assert_cmpuint (wzp_endpoint_get_port (endpoint, 6), ==,
        wzp_endpoint_get_port (endpoint, 4));
  g_assert_cmpuint (wzp_endpoint_get_port (endpoint, 5), ==, 0);
}

static void
test_dial_from_any (WzpTest *test, gconstpointer data)
{
  const WzpEndpointConfig any = { .bind_address = "0.0.0.0" };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &any);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, &any);
  PeerConn *out, *in;

  g_test_summary ("Neither is bound to an address: both find out theirs");

  peer_connect (test, client, server, &out, &in);
  g_assert_true (peer_conn_send (out, "x", 1));
  wzp_test_assert_until (test, in->n_datagrams == 1, PEER_WAIT_MS);
  g_assert_true (
      wzp_addr_equal (wzp_conn_get_local (out->conn), &client->addr));
  g_assert_true (wzp_addr_equal (wzp_conn_get_local (in->conn), &server->addr));
}

static void
test_dial_self (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) peer = peer_new (test->context, 4, NULL, NULL);
  PeerConn *out, *in;

  peer_connect (test, peer, peer, &out, &in);
  g_assert_true (peer_conn_send (out, "to me", 5));
  g_assert_true (peer_conn_send (in, "and back", 8));
  wzp_test_assert_until (
      test, in->n_datagrams == 1 && out->n_datagrams == 1, PEER_WAIT_MS);
  wzp_conn_close (in->conn, WZP_CLOSE_NORMAL, "enough");
  wzp_test_assert_until (test, out->n_closed == 1, PEER_WAIT_MS);
}

static void
test_no_way (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  const WzpDialOptions options = {
    .server_name = "x",
    .expect_key = wzp_identity_get_public_key (client->identity),
  };
  static const char *const addrs[] = { "[::1]:4433", "127.0.0.1:0" };

  for (guint i = 0; i < G_N_ELEMENTS (addrs); i++) {
    g_autoptr (GError) error = NULL;
    WzpAddr to;

    g_assert_true (wzp_addr_parse (addrs[i], &to, NULL));
    g_assert_null (peer_dial_full (client, &to, &options, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_UNREACHABLE);
  }
}

static void
test_bad_options (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  const guint8 *key = wzp_identity_get_public_key (client->identity);
  g_autofree char *long_name = g_strnfill (256, 'a');
  const WzpDialOptions options[] = {
    { .server_name = NULL, .expect_key = key },
    { .server_name = "", .expect_key = key },
    { .server_name = "a b", .expect_key = key },
    { .server_name = "\xc3\xa9", .expect_key = key },
    { .server_name = long_name, .expect_key = key },
    { .server_name = "x" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (peer_dial_full (client, &client->addr, &options[i], &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  }
}

static void
test_closed_port (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  WzpUdp *nobody = udp_open_stranger ();
  const WzpDialOptions options = {
    .server_name = "x",
    .timeout_ms = 300,
    .expect_key = wzp_identity_get_public_key (client->identity),
  };
  WzpAddr to = *wzp_udp_get_local (nobody);
  PeerConn *out;

  wzp_udp_free (nobody); /* the port is closed: ICMP says so */
  out = peer_dial_full (client, &to, &options, NULL);
  wzp_test_assert_until (test, out->n_closed == 1, PEER_WAIT_MS);
  g_assert_error (out->closed.error, WZP_ERROR, WZP_ERROR_TIMED_OUT);
  g_assert_cmpstr (out->closed.reason, ==, "handshake timed out after 300 ms");
}

static void
test_port_in_use (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) first = peer_new (test->context, 4, NULL, NULL);
  const WzpEndpointConfig configs[] = {
    { .bind_address = "127.0.0.1", .bind_port = first->addr.port },
    { .bind_address = NULL, .bind_port = first->addr.port },
  };

  for (guint i = 0; i < G_N_ELEMENTS (configs); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (wzp_endpoint_new (
        test->context, first->identity, &configs[i], NULL, NULL, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  }
}

static void
test_bad_bind_address (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  const WzpEndpointConfig config = { .bind_address = "localhost" };
  g_autoptr (GError) error = NULL;

  g_assert_null (
      wzp_endpoint_new (test->context, identity, &config, NULL, NULL, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
}

/* Sockets of the caller's */

static int
make_socket (const char *text)
{
  WzpUdp *udp;
  WzpAddr addr;
  int fd;

  g_assert_true (wzp_addr_parse (text, &addr, NULL));
  udp = wzp_udp_new (&addr, NULL, NULL);
  g_assert_nonnull (udp);
  fd = dup (wzp_udp_get_fd (udp));
  g_assert_cmpint (fd, >=, 0);
  wzp_udp_free (udp);
  return fd;
}

static void
test_given_socket (WzpTest *test, gconstpointer data)
{
  const int fds[] = { make_socket ("127.0.0.1:0") };
  const WzpEndpointConfig config = {
    .fds = fds, .n_fds = 1, .bind_address = "192.0.2.1", .bind_port = 1
  };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);

  g_test_summary ("A given socket is used and nothing is bound");
  g_assert_cmpuint (wzp_endpoint_get_port (server->endpoint, 6), ==, 0);
  g_assert_true (wzp_addr_equal (
      wzp_endpoint_get_bound (server->endpoint), &server->addr));
  peer_assert_serves (test, client, server);
  peer_stop (server);
  g_assert_cmpint (fcntl (fds[0], F_GETFD), ==, -1);
}

static void
test_given_both (WzpTest *test, gconstpointer data)
{
  const int fds[] = { make_socket ("[::1]:0"), make_socket ("127.0.0.1:0") };
  const WzpEndpointConfig config = { .fds = fds, .n_fds = 2 };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) v4 = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) v6 = peer_new (test->context, 6, NULL, NULL);

  g_test_summary ("One of each family, in any order");
  g_assert_null (wzp_endpoint_get_bound (server->endpoint));
  peer_assert_serves (test, v4, server);
  wzp_addr_parse_ip (
      "::1", wzp_endpoint_get_port (server->endpoint, 6), &server->addr, NULL);
  peer_assert_serves (test, v6, server);
}

static void
test_given_wrong (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  const int wrong[][3] = {
    { make_socket ("127.0.0.1:0"), make_socket ("127.0.0.1:0"),
        make_socket ("127.0.0.1:0") },
    { socket (AF_INET, SOCK_STREAM, 0), make_socket ("127.0.0.1:0"),
        make_socket ("127.0.0.1:0") },
  };

  g_test_summary ("Two of a family, or one of no use: all are closed");
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    const WzpEndpointConfig config = { .fds = wrong[i], .n_fds = 3 };
    g_autoptr (GError) error = NULL;

    g_assert_null (wzp_endpoint_new (
        test->context, identity, &config, NULL, NULL, &error));
    if (i == 0)
      g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    else
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    for (guint k = 0; k < 3; k++)
      g_assert_cmpint (fcntl (wrong[i][k], F_GETFD), ==, -1);
  }
}

/* Who keeps a connection alive */

static void
test_keep_alive (WzpTest *test, gconstpointer data)
{
  const WzpEndpointConfig config = {
    .server_keep_alive_ms = WZP_ENDPOINT_NO_KEEP_ALIVE, .idle_timeout_ms = 2000
  };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  const WzpDialOptions options = {
    .server_name = "x",
    .keep_alive_ms = 20,
    .expect_key = wzp_identity_get_public_key (server->identity),
  };
  PeerConn *out = peer_dial_full (client, &server->addr, &options, NULL);
  WzpConnInfo info;
  guint64 before;

  g_test_summary ("A dial with a keep-alive of its own, to a server without");

  wzp_test_assert_until (test,
      out->n_established == 1 && peer_accepted (server, 0) != NULL,
      PEER_WAIT_MS);
  wzp_conn_get_info (peer_accepted (server, 0)->conn, &info);
  before = info.packets_received;
  /* With the 5 s of the endpoint it would take over a minute. */
  wzp_test_assert_until (test,
      (wzp_conn_get_info (peer_accepted (server, 0)->conn, &info),
          info.packets_received >= before + 20),
      PEER_WAIT_MS);
  g_assert_cmpuint (out->n_closed, ==, 0);
}

/* Another identity for one dial */

static void
test_dial_as (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);

  g_test_summary ("One endpoint is somebody else on each connection");
  for (guint i = 0; i < 4; i++) {
    g_autoptr (WzpIdentity) other = wzp_identity_new_ephemeral ();
    const WzpDialOptions options = {
      .server_name = "_signal",
      .identity = i < 3 ? other : NULL,
      .expect_key = wzp_identity_get_public_key (server->identity),
    };
    PeerConn *out = peer_dial_full (client, &server->addr, &options, NULL);
    g_autofree guint8 *expected = g_memdup2 (
        wzp_identity_get_public_key (i < 3 ? other : client->identity),
        WZP_PUBLIC_KEY_LEN);

    g_clear_pointer (&other, wzp_identity_unref); /* it is not kept */
    wzp_test_assert_until (test,
        out->n_established == 1 && peer_accepted (server, i) != NULL,
        PEER_WAIT_MS);
    g_assert_cmpmem (wzp_conn_get_peer_key (peer_accepted (server, i)->conn),
        WZP_PUBLIC_KEY_LEN, expected, WZP_PUBLIC_KEY_LEN);
  }
}

/* Refusals */

static void
test_wrong_key (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  const WzpDialOptions options = {
    .server_name = "_signal",
    .expect_key = wzp_identity_get_public_key (client->identity),
  };
  PeerConn *out = peer_dial_full (client, &server->addr, &options, NULL);
  WzpEndpointStats stats;

  wzp_test_assert_until (test, out->n_closed == 1, PEER_WAIT_MS);
  g_assert_error (out->closed.error, WZP_ERROR, WZP_ERROR_IDENTITY);
  g_assert_cmpuint (out->closed.tls_alert, ==, 42);
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (server->endpoint, &stats),
          stats.handshakes == 0),
      PEER_WAIT_MS);
  g_assert_null (peer_accepted (server, 0));
  peer_assert_serves (test, client, server);
}

static void
test_not_admitted (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  WzpEndpointStats stats;
  PeerConn *out;

  server->refuse_admit = TRUE;
  out = peer_dial (client, server);
  wzp_test_assert_until (test, out->n_closed == 1, PEER_WAIT_MS);
  g_assert_cmpuint (out->closed.tls_alert, ==, 112);
  g_assert_error (out->closed.error, WZP_ERROR, WZP_ERROR_REJECTED);
  g_assert_cmpuint (server->names->len, ==, 1);
  wzp_endpoint_get_stats (server->endpoint, &stats);
  g_assert_cmpuint (stats.refused, ==, 1);
  g_assert_cmpuint (stats.handshakes, ==, 0);
}

static void
test_not_accepted (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  PeerConn *out;

  server->refuse_accept = TRUE;
  out = peer_dial (client, server);
  wzp_test_assert_until (test, out->n_closed == 1, PEER_WAIT_MS);
  g_assert_true (out->closed.is_application);
  g_assert_cmpuint (out->closed.code, ==, WZP_CLOSE_REFUSED);
  g_assert_error (out->closed.error, WZP_ERROR, WZP_ERROR_REJECTED);
}

static void
test_accept_none (WzpTest *test, gconstpointer data)
{
  const WzpEndpointConfig config = { .accept_none = TRUE };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  const WzpDialOptions options = {
    .server_name = "x",
    .timeout_ms = 300,
    .expect_key = wzp_identity_get_public_key (server->identity),
  };
  PeerConn *out = peer_dial_full (client, &server->addr, &options, NULL);

  wzp_test_assert_until (test, out->n_closed == 1, PEER_WAIT_MS);
  g_assert_true (out->closed.is_timeout);
  g_assert_cmpuint (server->names->len, ==, 0);
}

static void
test_retry (WzpTest *test, gconstpointer data)
{
  const WzpEndpointConfig config = { .always_retry = TRUE };
  int family = GPOINTER_TO_INT (data);
  g_autoptr (Peer) server = peer_new (test->context, family, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, family, NULL, NULL);
  WzpEndpointStats stats;

  peer_assert_serves (test, client, server);
  wzp_endpoint_get_stats (server->endpoint, &stats);
  g_assert_cmpuint (stats.retries_sent, >=, 1);
}

/* Own packets */

static void
test_packets (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) a = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) b = peer_new (test->context, 4, NULL, NULL);
  static const guint8 punch[] = { 63, 1, 2, 3 };

  g_assert_true (
      wzp_endpoint_send_packet (a->endpoint, &b->addr, punch, sizeof punch));
  wzp_test_assert_until (test, b->n_packets == 1, PEER_WAIT_MS);
  g_assert_cmpmem (
      b->last_packet->data, b->last_packet->len, punch, sizeof punch);
  {
    WzpAddr v6;

    g_assert_true (wzp_addr_parse ("[::1]:9", &v6, NULL));
    g_assert_false (
        wzp_endpoint_send_packet (a->endpoint, &v6, punch, sizeof punch));
    g_assert_false (wzp_endpoint_send_packet_ttl (
        a->endpoint, &v6, 3, punch, sizeof punch));
  }
  /* Few hops are enough here. */
  g_assert_true (wzp_endpoint_send_packet_ttl (
      a->endpoint, &b->addr, 3, punch, sizeof punch));
  wzp_test_assert_until (test, b->n_packets == 2, PEER_WAIT_MS);
}

static gpointer
wake_often (gpointer data)
{
  for (guint i = 0; i < 1000; i++)
    wzp_endpoint_wake (data);
  return NULL;
}

static void
test_wake (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) peer = peer_new (test->context, 4, NULL, NULL);
  GThread *thread = g_thread_new ("waker", wake_often, peer->endpoint);

  wzp_test_assert_until (test, peer->n_woken > 0, PEER_WAIT_MS);
  g_thread_join (thread);
  wzp_test_drain (test->context);
  g_assert_cmpuint (peer->n_woken, <=, 1000);
  peer->n_woken = 0;
  wzp_endpoint_wake (peer->endpoint);
  wzp_test_assert_until (test, peer->n_woken == 1, PEER_WAIT_MS);
}

/* From inside a callback */

static void
dial_in_callback (WzpConn *conn, gpointer user_data)
{
  Peer **peers = user_data;

  peer_dial (peers[0], peers[1]);
  wzp_endpoint_flush (peers[0]->endpoint); /* nothing, and harmless */
  wzp_conn_close (conn, WZP_CLOSE_NORMAL, "one is enough");
}

static void
test_dial_in_callback (WzpTest *test, gconstpointer data)
{
  static const WzpConnHandler handler = { .established = dial_in_callback };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  Peer *peers[] = { client, server };
  const WzpDialOptions options = {
    .server_name = "x",
    .expect_key = wzp_identity_get_public_key (server->identity),
  };
  g_autoptr (WzpConn) conn = wzp_endpoint_dial (
      client->endpoint, &server->addr, &options, &handler, peers, NULL);

  wzp_test_assert_until (test,
      client->conns->len == 1 &&
          ((PeerConn *) client->conns->pdata[0])->n_established == 1,
      PEER_WAIT_MS);
  g_assert_true (wzp_conn_is_closed (conn));
  wzp_conn_set_handler (conn, NULL, NULL);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/endpoint/dial-4", GINT_TO_POINTER (4), test_dial);
  wzp_test_add ("/endpoint/dial-6", GINT_TO_POINTER (6), test_dial);
  wzp_test_add ("/endpoint/any-address", NULL, test_any_address);
  wzp_test_add ("/endpoint/dial-from-any", NULL, test_dial_from_any);
  wzp_test_add ("/endpoint/dial-self", NULL, test_dial_self);
  wzp_test_add ("/endpoint/no-way", NULL, test_no_way);
  wzp_test_add ("/endpoint/bad-options", NULL, test_bad_options);
  wzp_test_add ("/endpoint/closed-port", NULL, test_closed_port);
  wzp_test_add ("/endpoint/port-in-use", NULL, test_port_in_use);
  wzp_test_add ("/endpoint/bad-bind-address", NULL, test_bad_bind_address);
  wzp_test_add ("/endpoint/given-socket", NULL, test_given_socket);
  wzp_test_add ("/endpoint/given-both", NULL, test_given_both);
  wzp_test_add ("/endpoint/given-wrong", NULL, test_given_wrong);
  wzp_test_add ("/endpoint/keep-alive", NULL, test_keep_alive);
  wzp_test_add ("/endpoint/dial-as", NULL, test_dial_as);
  wzp_test_add ("/endpoint/wrong-key", NULL, test_wrong_key);
  wzp_test_add ("/endpoint/not-admitted", NULL, test_not_admitted);
  wzp_test_add ("/endpoint/not-accepted", NULL, test_not_accepted);
  wzp_test_add ("/endpoint/accept-none", NULL, test_accept_none);
  wzp_test_add ("/endpoint/retry-4", GINT_TO_POINTER (4), test_retry);
  wzp_test_add ("/endpoint/retry-6", GINT_TO_POINTER (6), test_retry);
  wzp_test_add ("/endpoint/packets", NULL, test_packets);
  wzp_test_add ("/endpoint/wake", NULL, test_wake);
  wzp_test_add ("/endpoint/dial-in-callback", NULL, test_dial_in_callback);
  return wzp_test_run ();
}
