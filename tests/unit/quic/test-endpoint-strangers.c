/* Packets of no connection: strangers, floods, a server that came back. */
#include "quic-peer.h"
#include "udp-relay.h"
#include "wzp-conn-private.h"

#include <string.h>

static void
send_as_stranger (WzpUdp *udp, const Peer *to, const guint8 *data, gsize len)
{
  wzp_udp_send (udp, NULL, &to->addr, 0, data, len, len, NULL);
}

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
  g_autoptr (WzpUdp) udp = udp_open_stranger ();
  guint8 packet[1200], reply[1500];
  WzpEndpointStats stats;
  gsize len;

  fill_initial (packet, sizeof packet, 0x1a2a3a4a, 0);
  send_as_stranger (udp, server, packet, 1199);
  send_as_stranger (udp, server, packet, 1200);
  len = udp_receive (udp, test->context, PEER_WAIT_MS, reply, sizeof reply);
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
  g_autoptr (WzpUdp) server = udp_open_stranger ();
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

  g_assert_cmpuint (udp_receive (server, test->context, PEER_WAIT_MS, initial,
                        sizeof initial),
      >=, 1200);
  dcid_len = initial[5];
  scid_len = initial[6 + dcid_len];
  g_byte_array_append (answer, (const guint8 *) "\x80\0\0\0\0", 5);
  g_byte_array_append (answer, initial + 6 + dcid_len, 1 + scid_len);
  g_byte_array_append (answer, initial + 5, 1 + dcid_len);
  g_byte_array_append (answer, (const guint8 *) "\x1a\x2a\x3a\x4a", 4);
  wzp_udp_send (server, NULL, &client->addr, 0, answer->data, answer->len,
      answer->len, NULL);
  wzp_test_assert_until (test, out->n_closed == 1, PEER_WAIT_MS);
  g_assert_error (out->closed.error, WZP_ERROR, WZP_ERROR_PROTOCOL);
  g_assert_cmpstr (
      out->closed.reason, ==, "the other side speaks another version of QUIC");
}

static void
test_unknown_short_packets (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (WzpUdp) udp = udp_open_stranger ();
  guint8 packet[1200], reply[1500];
  WzpEndpointStats stats;
  gsize len;

  g_test_summary ("A reset is smaller than what asked for it, and there are "
                  "not many");

  memset (packet, 0x77, sizeof packet);
  packet[0] = 0x40;
  for (gsize size = 22; size < 60; size++) {
    send_as_stranger (udp, server, packet, size);
    len = udp_receive (udp, test->context, PEER_WAIT_MS, reply, sizeof reply);
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
      PEER_WAIT_MS);
  /* 100 in a second; the seconds may have changed on the way. */
  g_assert_cmpuint (stats.resets_sent, <=, 300);
  g_assert_cmpuint (stats.bad_packets, ==, 38 + 501);
}

static void
test_garbage (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (WzpUdp) udp = udp_open_stranger ();
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
  peer_assert_serves (test, client, server);
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
  g_autoptr (WzpUdp) udp = udp_open_stranger ();
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
  peer_assert_serves (test, client, server);
  wzp_endpoint_get_stats (server->endpoint, &stats);
  g_assert_cmpuint (stats.connections, ==, 1);
}

static void
test_large_initial (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (WzpUdp) udp = udp_open_stranger ();
  guint8 packet[WZP_CONN_MAX_FIRST_RECEIVE + 1];
  WzpEndpointStats stats;

  g_test_summary ("A first packet of a size that nobody sends is dropped");

  fill_initial (packet, sizeof packet, 1, 0);
  send_as_stranger (udp, server, packet, sizeof packet);
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (server->endpoint, &stats),
          stats.bad_packets == 1),
      PEER_WAIT_MS);
  g_assert_cmpuint (stats.connections, ==, 0);
  send_as_stranger (udp, server, packet, sizeof packet - 1);
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (server->endpoint, &stats),
          stats.udp.datagrams_received == 2),
      PEER_WAIT_MS);
  g_assert_cmpuint (stats.bad_packets, ==, 1); /* that one was looked at */
  peer_assert_serves (test, client, server);
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
      PEER_WAIT_MS);
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
      PEER_WAIT_MS);
  g_assert_cmpuint (stats.handshakes, ==, WZP_ENDPOINT_MAX_HANDSHAKES);
  g_assert_cmpuint (stats.connections, ==, WZP_ENDPOINT_MAX_HANDSHAKES);
  /* The oldest makes place for who goes on. */
  peer_assert_serves (test, client, server);
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
      out->n_established == 1 && peer_accepted (server, 0) != NULL,
      PEER_WAIT_MS);
  relay->is_cut = TRUE; /* its last words are not heard */
  g_clear_pointer (&server, peer_free);
  wzp_test_drain (test->context);
  relay->is_cut = FALSE;
  server = peer_new (test->context, 4, identity, &same_port);

  g_assert_true (peer_conn_send (out, "are you there", 13));
  wzp_test_assert_until (test, out->n_closed == 1, PEER_WAIT_MS);
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
      out->n_established == 1 && peer_accepted (server, 0) != NULL,
      PEER_WAIT_MS);
  in = peer_accepted (server, 0);
  g_assert_true (peer_conn_send (out, "1", 1));
  wzp_test_assert_until (test, in->n_datagrams == 1, PEER_WAIT_MS);

  before = wzp_conn_get_remote (in->conn)->port;
  udp_relay_rebind (relay);
  g_assert_true (peer_conn_send (out, "2", 1));
  wzp_test_assert_until (test,
      in->n_datagrams == 2 && wzp_conn_get_remote (in->conn)->port != before,
      PEER_WAIT_MS);
  g_assert_true (peer_conn_send (in, "3", 1));
  wzp_test_assert_until (test, out->n_datagrams == 1, PEER_WAIT_MS);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add (
      "/endpoint/version-negotiation", NULL, test_version_negotiation);
  wzp_test_add ("/endpoint/other-version", NULL, test_other_version);
  wzp_test_add (
      "/endpoint/unknown-short-packets", NULL, test_unknown_short_packets);
  wzp_test_add ("/endpoint/garbage", NULL, test_garbage);
  wzp_test_add ("/endpoint/large-initial", NULL, test_large_initial);
  wzp_test_add ("/endpoint/bogus-initials", NULL, test_bogus_initials);
  wzp_test_add_full (
      "/endpoint/handshake-bound", 60, NULL, test_handshake_bound);
  wzp_test_add ("/endpoint/stateless-reset", NULL, test_stateless_reset);
  wzp_test_add ("/endpoint/rebinding", NULL, test_rebinding);
  return wzp_test_run ();
}
