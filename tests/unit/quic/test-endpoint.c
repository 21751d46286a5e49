#include "quic-peer.h"
#include "udp-relay.h"

#include "wzp-path-mtu.h"

#include <string.h>

#define WAIT_MS 10000

static void
connect_pair (WzpTest *test, Peer *client, Peer *server, PeerConn **ret_out,
    PeerConn **ret_in)
{
  guint nth = 0;

  while (peer_accepted (server, nth) != NULL)
    nth++;
  *ret_out = peer_dial (client, server);
  wzp_test_assert_until (test,
      (*ret_out)->n_established == 1 && peer_accepted (server, nth) != NULL,
      WAIT_MS);
  *ret_in = peer_accepted (server, nth);
}

static WzpUdp *
open_stranger (void)
{
  g_autoptr (GError) error = NULL;
  WzpAddr any;
  WzpUdp *udp;

  g_assert_true (wzp_addr_parse ("127.0.0.1:0", &any, NULL));
  udp = wzp_udp_new (&any, NULL, &error);
  g_assert_no_error (error);
  return udp;
}

static void
send_as_stranger (WzpUdp *udp, const Peer *to, const guint8 *data, gsize len)
{
  wzp_udp_send (udp, NULL, &to->addr, 0, data, len, len, NULL);
}

static void
assert_still_serves (WzpTest *test, Peer *client, Peer *server)
{
  PeerConn *out, *in;

  connect_pair (test, client, server, &out, &in);
  g_assert_true (peer_conn_send (out, "alive", 5));
  wzp_test_assert_until (test, in->n_datagrams == 1, WAIT_MS);
}

/* Dialling */

static void
test_dial (WzpTest *test, gconstpointer data)
{
  int family = GPOINTER_TO_INT (data);
  g_autoptr (Peer) server = peer_new (test->context, family, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, family, NULL, NULL);
  PeerConn *out, *in;

  connect_pair (test, client, server, &out, &in);
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
      WAIT_MS);
  g_assert_cmpmem (in->last_datagram->data, in->last_datagram->len, "hello", 5);
  g_assert_cmpmem (
      out->last_datagram->data, out->last_datagram->len, "world!", 6);
  g_assert_cmpmem (
      in->stream_bytes->data, in->stream_bytes->len, "from the client", 15);
  g_assert_cmpmem (
      out->stream_bytes->data, out->stream_bytes->len, "from the server", 15);

  wzp_conn_close (out->conn, WZP_CLOSE_BUSY, "no more");
  wzp_test_assert_until (test, in->n_closed == 1, WAIT_MS);
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

  connect_pair (test, client, server, &out, &in);
  g_assert_true (peer_conn_send (out, "x", 1));
  wzp_test_assert_until (test, in->n_datagrams == 1, WAIT_MS);
  g_assert_true (
      wzp_addr_equal (wzp_conn_get_local (out->conn), &client->addr));
  g_assert_true (wzp_addr_equal (wzp_conn_get_local (in->conn), &server->addr));
}

static void
test_dial_self (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) peer = peer_new (test->context, 4, NULL, NULL);
  PeerConn *out, *in;

  connect_pair (test, peer, peer, &out, &in);
  g_assert_true (peer_conn_send (out, "to me", 5));
  g_assert_true (peer_conn_send (in, "and back", 8));
  wzp_test_assert_until (
      test, in->n_datagrams == 1 && out->n_datagrams == 1, WAIT_MS);
  wzp_conn_close (in->conn, WZP_CLOSE_NORMAL, "enough");
  wzp_test_assert_until (test, out->n_closed == 1, WAIT_MS);
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
  WzpUdp *nobody = open_stranger ();
  const WzpDialOptions options = {
    .server_name = "x",
    .timeout_ms = 300,
    .expect_key = wzp_identity_get_public_key (client->identity),
  };
  WzpAddr to = *wzp_udp_get_local (nobody);
  PeerConn *out;

  wzp_udp_free (nobody); /* the port is closed: ICMP says so */
  out = peer_dial_full (client, &to, &options, NULL);
  wzp_test_assert_until (test, out->n_closed == 1, WAIT_MS);
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

  wzp_test_assert_until (test, out->n_closed == 1, WAIT_MS);
  g_assert_error (out->closed.error, WZP_ERROR, WZP_ERROR_IDENTITY);
  g_assert_cmpuint (out->closed.tls_alert, ==, 42);
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (server->endpoint, &stats),
          stats.handshakes == 0),
      WAIT_MS);
  g_assert_null (peer_accepted (server, 0));
  assert_still_serves (test, client, server);
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
  wzp_test_assert_until (test, out->n_closed == 1, WAIT_MS);
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
  wzp_test_assert_until (test, out->n_closed == 1, WAIT_MS);
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

  wzp_test_assert_until (test, out->n_closed == 1, WAIT_MS);
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

  assert_still_serves (test, client, server);
  wzp_endpoint_get_stats (server->endpoint, &stats);
  g_assert_cmpuint (stats.retries_sent, >=, 1);
}

/* Strangers */

/* A long header with @version, ids of 8 and 8 bytes, an empty token. */
static void
fill_initial (guint8 *packet, gsize len, guint32 version, guint8 salt)
{
  memset (packet, salt, len);
  packet[0] = 0xc3;
  packet[1] = version >> 24;
  packet[2] = version >> 16;
  packet[3] = version >> 8;
  packet[4] = version;
  packet[5] = 8;
  memset (packet + 6, 0xd0, 8);
  packet[14] = 8;
  memset (packet + 15, 0x50, 8);
  packet[23] = 0; /* token */
  packet[24] = 0x40 | ((len - 26) >> 8);
  packet[25] = len - 26;
}

static void
test_version_negotiation (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (WzpUdp) udp = open_stranger ();
  guint8 packet[1200], reply[1500];
  WzpEndpointStats stats;
  gsize len;

  fill_initial (packet, sizeof packet, 0x1a2a3a4a, 0);
  send_as_stranger (udp, server, packet, 1199);
  send_as_stranger (udp, server, packet, 1200);
  len = udp_receive (udp, test->context, WAIT_MS, reply, sizeof reply);
  g_assert_cmpuint (len, ==, 7 + 8 + 8 + 4);
  g_assert_true (reply[0] & 0x80);
  g_assert_cmpmem (reply + 1, 4, "\0\0\0\0", 4);
  g_assert_cmpmem (reply + 6, 8, packet + 15, 8);
  g_assert_cmpmem (reply + 15, 8, packet + 6, 8);
  g_assert_cmpmem (reply + 23, 4, "\0\0\0\1", 4);
  wzp_endpoint_get_stats (server->endpoint, &stats);
  g_assert_cmpuint (stats.version_negotiations_sent, ==, 1);
  g_assert_cmpuint (stats.connections, ==, 0);
}

static void
test_other_version (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (WzpUdp) server = open_stranger ();
  const WzpDialOptions options = {
    .server_name = "x",
    .expect_key = wzp_identity_get_public_key (client->identity),
  };
  PeerConn *out =
      peer_dial_full (client, wzp_udp_get_local (server), &options, NULL);
  g_autoptr (GByteArray) answer = g_byte_array_new ();
  guint8 initial[1500];
  guint dcid_len, scid_len;

  g_test_summary ("A server that speaks another QUIC says so");

  g_assert_cmpuint (
      udp_receive (server, test->context, WAIT_MS, initial, sizeof initial), >=,
      1200);
  dcid_len = initial[5];
  scid_len = initial[6 + dcid_len];
  g_byte_array_append (answer, (const guint8 *) "\x80\0\0\0\0", 5);
  g_byte_array_append (answer, initial + 6 + dcid_len, 1 + scid_len);
  g_byte_array_append (answer, initial + 5, 1 + dcid_len);
  g_byte_array_append (answer, (const guint8 *) "\x1a\x2a\x3a\x4a", 4);
  wzp_udp_send (server, NULL, &client->addr, 0, answer->data, answer->len,
      answer->len, NULL);
  wzp_test_assert_until (test, out->n_closed == 1, WAIT_MS);
  g_assert_error (out->closed.error, WZP_ERROR, WZP_ERROR_PROTOCOL);
  g_assert_cmpstr (
      out->closed.reason, ==, "the other side speaks another version of QUIC");
}

static void
test_unknown_short_packets (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (WzpUdp) udp = open_stranger ();
  guint8 packet[1200], reply[1500];
  WzpEndpointStats stats;
  gsize len;

  g_test_summary ("A reset is smaller than what asked for it, and there are "
                  "not many");

  memset (packet, 0x77, sizeof packet);
  packet[0] = 0x40;
  for (gsize size = 22; size < 60; size++) {
    send_as_stranger (udp, server, packet, size);
    len = udp_receive (udp, test->context, WAIT_MS, reply, sizeof reply);
    g_assert_cmpuint (len, <, size);
    g_assert_cmpuint (len, >=, 21);
    g_assert_cmpuint (reply[0] & 0xc0, ==, 0x40);
  }
  send_as_stranger (udp, server, packet, 21);
  for (guint i = 0; i < 500; i++)
    send_as_stranger (udp, server, packet, sizeof packet);
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (server->endpoint, &stats),
          stats.udp.datagrams_received == 38 + 501),
      WAIT_MS);
  /* 100 in a second; the seconds may have changed on the way. */
  g_assert_cmpuint (stats.resets_sent, <=, 300);
  g_assert_cmpuint (stats.bad_packets, ==, 38 + 501);
}

static void
test_garbage (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (WzpUdp) udp = open_stranger ();
  g_autoptr (GRand) rand = wzp_test_rand_new ();
  WzpEndpointStats stats;

  for (guint i = 0; i < 3000; i++) {
    guint8 packet[1500];
    gsize len = g_rand_int_range (rand, 1, sizeof packet);

    if (i % 3 == 0) {
      fill_initial (packet, sizeof packet, 1, i);
      packet[g_rand_int_range (rand, 0, 40)] = g_rand_int (rand);
    } else {
      for (gsize k = 0; k < len; k++)
        packet[k] = g_rand_int (rand);
    }
    send_as_stranger (udp, server, packet, len);
    if (i % 100 == 0)
      wzp_test_drain (test->context);
  }
  wzp_test_drain (test->context);
  assert_still_serves (test, client, server);
  wzp_endpoint_get_stats (server->endpoint, &stats);
  g_assert_cmpuint (stats.connections, ==, 1);
  g_assert_cmpuint (stats.handshakes, ==, 0);
  g_assert_cmpuint (stats.bad_packets, >, 0);
}

static void
test_bogus_initials (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (WzpUdp) udp = open_stranger ();
  WzpEndpointStats stats;

  g_test_summary ("2000 Initials that no key fits leave nothing behind");

  for (guint i = 0; i < 2000; i++) {
    guint8 packet[1200];

    fill_initial (packet, sizeof packet, 1, i);
    memcpy (packet + 6, &i, sizeof i);
    send_as_stranger (udp, server, packet, sizeof packet);
    if (i % 50 == 0) {
      wzp_test_drain (test->context);
      wzp_endpoint_get_stats (server->endpoint, &stats);
      g_assert_cmpuint (stats.handshakes, <=, WZP_ENDPOINT_RETRY_ABOVE);
    }
  }
  assert_still_serves (test, client, server);
  wzp_endpoint_get_stats (server->endpoint, &stats);
  g_assert_cmpuint (stats.connections, ==, 1);
}

static void
test_handshake_bound (WzpTest *test, gconstpointer data)
{
  const WzpEndpointConfig config = { .keep_alive_ms = 1000 };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (UdpRelay) relay = udp_relay_new (test->context, &server->addr);
  const WzpDialOptions options = {
    .server_name = "x",
    .timeout_ms = 60000,
    .expect_key = wzp_identity_get_public_key (server->identity),
  };
  WzpEndpointStats stats;

  g_test_summary ("Clients that begin and never go on: Retry from the 65th on");

  relay->drop_large_answers = TRUE;
  for (guint i = 0; i < WZP_ENDPOINT_RETRY_ABOVE + 20; i++)
    g_assert_nonnull (
        peer_dial_full (client, udp_relay_get_addr (relay), &options, NULL));
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (server->endpoint, &stats),
          stats.handshakes == WZP_ENDPOINT_RETRY_ABOVE + 20),
      WAIT_MS);
  g_assert_cmpuint (stats.retries_sent, >=, 20);

  /* With the token they are let in, up to the bound. */
  for (guint i = stats.handshakes; i < WZP_ENDPOINT_MAX_HANDSHAKES + 30; i++) {
    g_assert_nonnull (
        peer_dial_full (client, udp_relay_get_addr (relay), &options, NULL));
    if (i % 20 == 0)
      wzp_test_drain (test->context);
  }
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (server->endpoint, &stats), stats.refused > 30),
      WAIT_MS);
  g_assert_cmpuint (stats.handshakes, ==, WZP_ENDPOINT_MAX_HANDSHAKES);
  g_assert_cmpuint (stats.connections, ==, WZP_ENDPOINT_MAX_HANDSHAKES);
}

static void
test_stateless_reset (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (Peer) server = peer_new (test->context, 4, identity, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (UdpRelay) relay = udp_relay_new (test->context, &server->addr);
  const WzpDialOptions options = {
    .server_name = "x",
    .expect_key = wzp_identity_get_public_key (identity),
  };
  const WzpEndpointConfig same_port = { .bind_port = server->addr.port };
  PeerConn *out =
      peer_dial_full (client, udp_relay_get_addr (relay), &options, NULL);
  WzpEndpointStats stats;

  g_test_summary ("A server that died and came back ends old connections");

  wzp_test_assert_until (test,
      out->n_established == 1 && peer_accepted (server, 0) != NULL, WAIT_MS);
  relay->is_cut = TRUE; /* its last words are not heard */
  g_clear_pointer (&server, peer_free);
  wzp_test_drain (test->context);
  relay->is_cut = FALSE;
  server = peer_new (test->context, 4, identity, &same_port);

  g_assert_true (peer_conn_send (out, "are you there", 13));
  wzp_test_assert_until (test, out->n_closed == 1, WAIT_MS);
  g_assert_true (g_str_has_prefix (out->closed.reason, "stateless reset"));
  wzp_endpoint_get_stats (server->endpoint, &stats);
  g_assert_cmpuint (stats.resets_sent, >=, 1);
}

static void
test_rebinding (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (UdpRelay) relay = udp_relay_new (test->context, &server->addr);
  const WzpDialOptions options = {
    .server_name = "x",
    .expect_key = wzp_identity_get_public_key (server->identity),
  };
  PeerConn *out =
      peer_dial_full (client, udp_relay_get_addr (relay), &options, NULL);
  PeerConn *in;
  guint16 before;

  wzp_test_assert_until (test,
      out->n_established == 1 && peer_accepted (server, 0) != NULL, WAIT_MS);
  in = peer_accepted (server, 0);
  g_assert_true (peer_conn_send (out, "1", 1));
  wzp_test_assert_until (test, in->n_datagrams == 1, WAIT_MS);

  before = wzp_conn_get_remote (in->conn)->port;
  udp_relay_rebind (relay);
  g_assert_true (peer_conn_send (out, "2", 1));
  wzp_test_assert_until (test,
      in->n_datagrams == 2 && wzp_conn_get_remote (in->conn)->port != before,
      WAIT_MS);
  g_assert_true (peer_conn_send (in, "3", 1));
  wzp_test_assert_until (test, out->n_datagrams == 1, WAIT_MS);
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
  wzp_test_assert_until (test, b->n_packets == 1, WAIT_MS);
  g_assert_cmpmem (
      b->last_packet->data, b->last_packet->len, punch, sizeof punch);
  {
    WzpAddr v6;

    g_assert_true (wzp_addr_parse ("[::1]:9", &v6, NULL));
    g_assert_false (
        wzp_endpoint_send_packet (a->endpoint, &v6, punch, sizeof punch));
  }
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

  wzp_test_assert_until (test, peer->n_woken > 0, WAIT_MS);
  g_thread_join (thread);
  wzp_test_drain (test->context);
  g_assert_cmpuint (peer->n_woken, <=, 1000);
  peer->n_woken = 0;
  wzp_endpoint_wake (peer->endpoint);
  wzp_test_assert_until (test, peer->n_woken == 1, WAIT_MS);
}

/* Bulk */

typedef struct {
  gboolean no_gso, no_gro;
  guint max_udp_payload;
  gsize size;
} Bulk;

static void
test_bulk (WzpTest *test, gconstpointer data)
{
  const Bulk *bulk = data;
  const WzpEndpointConfig config = {
    .udp = { .no_gso = bulk->no_gso, .no_gro = bulk->no_gro },
    .max_udp_payload = bulk->max_udp_payload,
  };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, &config);
  PeerConn *out, *in;
  WzpConnInfo info;

  connect_pair (test, client, server, &out, &in);
  wzp_conn_set_max_in_flight (out->conn, 60000);
  peer_conn_offer (out, 1000, bulk->size);
  peer_conn_send_stream (out, "beside it");
  wzp_test_assert_until (test,
      (wzp_conn_get_info (out->conn, &info),
          in->n_datagrams + info.datagrams_lost >= 1000),
      WAIT_MS);
  g_assert_cmpuint (out->n_pulls, ==, 0);
  g_assert_cmpuint (info.datagrams_sent, ==, 1000);
  g_assert_cmpuint (info.datagrams_lost, <, 100);
  wzp_test_assert_until (test, in->n_fins == 1, WAIT_MS);
  if (bulk->max_udp_payload > 0)
    g_assert_cmpuint (info.max_udp_payload, <=, bulk->max_udp_payload);
  if (bulk->size > 0)
    g_assert_cmpuint (in->last_datagram->len, ==, bulk->size);
}

static void
test_large_packets (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  PeerConn *out, *in;
  gsize link = wzp_path_mtu_query (&server->addr);

  g_test_summary ("Loopback takes packets as large as its MTU");

  if (link < 9000) {
    g_test_skip ("loopback has a small MTU here");
    return;
  }
  connect_pair (test, client, server, &out, &in);
  wzp_test_assert_until (
      test, wzp_conn_get_max_datagram (out->conn) >= link - 40, WAIT_MS);
  peer_conn_offer (out, 20, 0);
  wzp_test_assert_until (test, in->n_datagrams == 20, WAIT_MS);
  g_assert_cmpuint (in->datagram_bytes, >=, 20 * (link - 40));
}

static void
test_peer_limits_packets (WzpTest *test, gconstpointer data)
{
  const WzpEndpointConfig config = { .max_udp_payload = 1400 };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  PeerConn *out, *in;
  WzpConnInfo info;

  g_test_summary ("A limit of the server's holds for what the client sends");

  connect_pair (test, client, server, &out, &in);
  for (guint i = 0; i < 20; i++) {
    peer_conn_offer (out, 1, 0);
    wzp_test_assert_until (test, in->n_datagrams == i + 1, WAIT_MS);
    wzp_conn_get_info (out->conn, &info);
    g_assert_cmpuint (info.max_udp_payload, <=, 1400);
  }
}

static void
test_many (WzpTest *test, gconstpointer data)
{
  /* 200 probes for the largest packet would not fit the sockets. */
  const WzpEndpointConfig config = { .max_udp_payload = 1452 };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, &config);
  const guint n = 200;
  guint done = 0;
  WzpEndpointStats stats;

  g_test_summary ("200 connections between the same two sockets");

  server->echo = TRUE;
  for (guint i = 0; i < n; i++)
    peer_dial (client, server);
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (server->endpoint, &stats),
          stats.connections == n && stats.handshakes == 0),
      WAIT_MS);
  for (guint i = 0; i < n; i++) {
    PeerConn *pc = client->conns->pdata[i];

    wzp_test_assert_until (test, pc->n_established == 1, WAIT_MS);
    g_assert_true (peer_conn_send (pc, &i, sizeof i));
  }
  for (guint i = 0; i < n; i++) {
    PeerConn *pc = client->conns->pdata[i];

    wzp_test_assert_until (test, pc->n_datagrams == 1, WAIT_MS);
    g_assert_cmpmem (
        pc->last_datagram->data, pc->last_datagram->len, &i, sizeof i);
    done++;
  }
  g_assert_cmpuint (done, ==, n);
}

/* The end */

static void
test_close_is_prompt (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  WzpEndpointStats before, after;
  PeerConn *out, *in;

  g_test_summary ("A close outside a callback has left when it returns");

  connect_pair (test, client, server, &out, &in);
  wzp_test_drain (test->context);
  wzp_endpoint_get_stats (client->endpoint, &before);
  wzp_conn_close (out->conn, WZP_CLOSE_NORMAL, "now");
  wzp_endpoint_get_stats (client->endpoint, &after);
  g_assert_cmpuint (after.udp.datagrams_sent, >, before.udp.datagrams_sent);
  wzp_test_assert_until (test, in->n_closed == 1, WAIT_MS);

  /* Three PTO later nothing is left. */
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (client->endpoint, &after),
          after.connections == 0),
      WAIT_MS);
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (server->endpoint, &after),
          after.connections == 0),
      WAIT_MS);
}

static void
test_flush_and_free (WzpTest *test, gconstpointer data)
{
  /* A probe for the largest packet would fill the congestion window. */
  const WzpEndpointConfig config = { .max_udp_payload = 1452 };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, &config);
  PeerConn *out, *in;

  connect_pair (test, client, server, &out, &in);
  wzp_test_drain (test->context);
  peer_conn_send_stream (out, "a last word");
  wzp_endpoint_flush (client->endpoint);
  peer_stop (client);
  g_assert_cmpuint (out->n_closed, ==, 0);
  wzp_test_assert_until (test, in->n_closed == 1, WAIT_MS);
  g_assert_cmpstr (in->closed.reason, ==, "the peer said: shutting down");
  g_assert_cmpuint (in->closed.code, ==, WZP_CLOSE_SHUTDOWN);
  g_assert_cmpuint (in->n_fins, ==, 1);

  /* What is left of a connection can still be asked. */
  g_assert_true (wzp_conn_is_closed (out->conn));
  g_assert_nonnull (wzp_conn_get_peer_key (out->conn));
  g_assert_cmpuint (wzp_conn_get_max_datagram (out->conn), ==, 0);
  g_assert_false (peer_conn_send (out, "x", 1));
  wzp_conn_want_pull (out->conn);
  wzp_conn_close (out->conn, WZP_CLOSE_NORMAL, "late");
}

static void
test_free_during_traffic (WzpTest *test, gconstpointer data)
{
  gboolean free_server = GPOINTER_TO_INT (data);
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  PeerConn *out, *in, *left;

  connect_pair (test, client, server, &out, &in);
  peer_conn_offer (out, G_MAXUINT, 1100);
  peer_conn_offer (in, G_MAXUINT, 0);
  wzp_test_assert_until (
      test, in->n_datagrams > 100 && out->n_datagrams > 100, WAIT_MS);
  peer_stop (free_server ? server : client);
  left = free_server ? out : in;
  wzp_test_assert_until (test, left->n_closed == 1, WAIT_MS);
  g_assert_cmpuint (left->closed.code, ==, WZP_CLOSE_SHUTDOWN);
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
      WAIT_MS);
  g_assert_true (wzp_conn_is_closed (conn));
  wzp_conn_set_handler (conn, NULL, NULL);
}

int
main (int argc, char **argv)
{
  static const Bulk bulks[] = {
    { FALSE, FALSE, 0, 1100 },
    { TRUE, FALSE, 0, 1100 },
    { FALSE, TRUE, 1452, 1100 },
    { TRUE, TRUE, 1452, 1100 },
    { FALSE, FALSE, 1452, 0 },
    { FALSE, FALSE, 9000, 0 },
    { TRUE, TRUE, 9000, 160 },
  };

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
  wzp_test_add ("/endpoint/wrong-key", NULL, test_wrong_key);
  wzp_test_add ("/endpoint/not-admitted", NULL, test_not_admitted);
  wzp_test_add ("/endpoint/not-accepted", NULL, test_not_accepted);
  wzp_test_add ("/endpoint/accept-none", NULL, test_accept_none);
  wzp_test_add ("/endpoint/retry-4", GINT_TO_POINTER (4), test_retry);
  wzp_test_add ("/endpoint/retry-6", GINT_TO_POINTER (6), test_retry);
  wzp_test_add (
      "/endpoint/version-negotiation", NULL, test_version_negotiation);
  wzp_test_add ("/endpoint/other-version", NULL, test_other_version);
  wzp_test_add (
      "/endpoint/unknown-short-packets", NULL, test_unknown_short_packets);
  wzp_test_add ("/endpoint/garbage", NULL, test_garbage);
  wzp_test_add ("/endpoint/bogus-initials", NULL, test_bogus_initials);
  wzp_test_add_full (
      "/endpoint/handshake-bound", 60, NULL, test_handshake_bound);
  wzp_test_add ("/endpoint/stateless-reset", NULL, test_stateless_reset);
  wzp_test_add ("/endpoint/rebinding", NULL, test_rebinding);
  wzp_test_add ("/endpoint/packets", NULL, test_packets);
  wzp_test_add ("/endpoint/wake", NULL, test_wake);
  for (guint i = 0; i < G_N_ELEMENTS (bulks); i++) {
    g_autofree char *path = g_strdup_printf ("/endpoint/bulk-%u", i);

    wzp_test_add (path, &bulks[i], test_bulk);
  }
  wzp_test_add ("/endpoint/large-packets", NULL, test_large_packets);
  wzp_test_add (
      "/endpoint/peer-limits-packets", NULL, test_peer_limits_packets);
  wzp_test_add ("/endpoint/many", NULL, test_many);
  wzp_test_add ("/endpoint/close-is-prompt", NULL, test_close_is_prompt);
  wzp_test_add ("/endpoint/flush-and-free", NULL, test_flush_and_free);
  wzp_test_add ("/endpoint/free-server-during-traffic", GINT_TO_POINTER (TRUE),
      test_free_during_traffic);
  wzp_test_add ("/endpoint/free-client-during-traffic", GINT_TO_POINTER (FALSE),
      test_free_during_traffic);
  wzp_test_add ("/endpoint/dial-in-callback", NULL, test_dial_in_callback);
  return wzp_test_run ();
}
