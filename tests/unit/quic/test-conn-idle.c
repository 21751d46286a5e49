/* What is left of a connection after the handshake: no TLS, little memory, and
 * what keeps it alive. */
#include "conn-pair.h"

#include "wzp-endpoint.h"
#include "wzp-test.h"

#include <string.h>

#define BIG_PACKET 8952 /* UDP payload of a link with jumbo frames */

/* Without TLS */

static void
assert_carries_both_ways (Pair *pair)
{
  const guint client_had = pair->client.datagrams->len;
  const guint server_had = pair->server.datagrams->len;

  g_assert_true (side_send (&pair->client, "to the server", 13));
  g_assert_true (side_send (&pair->server, "to the client", 13));
  pair_run_until (pair,
      pair->client.datagrams->len == client_had + 1 &&
          pair->server.datagrams->len == server_had + 1,
      1000);
}

static void
test_key_update (void)
{
  g_autoptr (Pair) pair = pair_new (1);
  Side *sides[] = { &pair->client, &pair->server };

  g_test_summary ("Keys are updated from either side after TLS is gone");

  pair_connect (pair);
  pair_run (pair, 1000);
  g_assert_null (pair->client.conn->tls);
  g_assert_null (pair->server.conn->tls);
  for (guint i = 0; i < 6; i++) {
    WzpConn *conn = sides[i % 2]->conn;

    g_assert_cmpint (
        ngtcp2_conn_initiate_key_update (conn->ng, pair->now_ns), ==, 0);
    sides[i % 2]->is_dirty = TRUE;
    for (guint k = 0; k < 3; k++)
      assert_carries_both_ways (pair);
    side_push_stream (sides[i % 2], "over the new keys", 17);
    pair_run_until (pair, sides[(i + 1) % 2]->n_fins == (i / 2) + 1, 1000);
    pair_run (pair, 1000); /* the old keys are thrown away */
  }
  g_assert_cmpuint (pair->client.n_closed + pair->server.n_closed, ==, 0);
}

/* A handshake message in a packet of 1-RTT. */
static void
say_tls (Pair *pair, Side *side)
{
  static const guint8 key_update[] = { 24, 0, 0, 1, 0 };

  g_assert_cmpint (
      ngtcp2_conn_submit_crypto_data (side->conn->ng,
          NGTCP2_ENCRYPTION_LEVEL_1RTT, key_update, sizeof key_update),
      ==, 0);
  side->is_dirty = TRUE;
}

static void
test_client_says_tls (void)
{
  g_autoptr (Pair) pair = pair_new (2);

  g_test_summary (
      "A client that goes on with TLS is closed: unexpected_message");

  pair_connect (pair);
  pair_run (pair, 1000);
  say_tls (pair, &pair->client);
  pair_run_until (
      pair, pair->client.n_closed == 1 && pair->server.n_closed == 1, 1000);
  g_assert_cmpuint (pair->server.closed.code, ==, 0x100 + 10);
  g_assert_cmpuint (pair->server.closed.tls_alert, ==, 10);
  g_assert_false (pair->server.closed.is_remote);
  g_assert_cmpuint (pair->client.closed.code, ==, 0x100 + 10);
  g_assert_true (pair->client.closed.is_remote);
}

static void
test_server_says_tls (void)
{
  g_autoptr (Pair) pair = pair_new (3);

  g_test_summary ("What a server says after the handshake (tickets) is passed "
                  "over");

  pair_connect (pair);
  pair_run (pair, 1000);
  for (guint i = 0; i < 10; i++) {
    say_tls (pair, &pair->server);
    assert_carries_both_ways (pair);
  }
  g_assert_cmpuint (pair->client.n_closed + pair->server.n_closed, ==, 0);
}

static void
test_lossy_handshakes (void)
{
  g_test_summary (
      "Late and repeated handshake packets find no TLS, and that is "
      "fine");

  for (guint32 seed = 0; seed < 40; seed++) {
    g_autoptr (Pair) pair = pair_new (seed);

    g_test_message ("seed %u", seed);
    pair->loss = 0.2;
    pair->duplicate = 0.5;
    pair->jitter_ns = 40 * PAIR_MS;
    pair_connect (pair);
    pair_run (pair, 2000);
    pair->loss = 0;
    assert_carries_both_ways (pair);
    g_assert_null (pair->client.conn->tls);
    g_assert_null (pair->server.conn->tls);
  }
}

/* Who keeps it alive */

static void
test_client_keeps_alive (void)
{
  g_autoptr (Pair) pair = pair_new (4);
  guint from_client, from_server;

  g_test_summary (
      "A server without keep-alive lives on the client's, and sends "
      "no more than answers");

  pair->server_keep_alive_ms = G_MAXUINT;
  pair_connect (pair);
  pair_run (pair, 10000); /* all probes of the path's width are over */
  from_client = pair->client.n_packets_sent;
  from_server = pair->server.n_packets_sent;
  pair_run (pair, 300000);
  g_assert_cmpuint (pair->client.n_closed + pair->server.n_closed, ==, 0);
  from_client = pair->client.n_packets_sent - from_client;
  from_server = pair->server.n_packets_sent - from_server;
  g_test_message ("client %u, server %u", from_client, from_server);
  g_assert_cmpuint (from_server, >=, 55);
  g_assert_cmpuint (from_server, <=, 61);
  /* ngtcp2 asks for an answer to every so many acknowledgements too. */
  g_assert_cmpuint (from_client, <=, 92);
}

static void
test_nobody_keeps_alive (void)
{
  g_autoptr (Pair) pair = pair_new (5);
  guint64 start;

  g_test_summary (
      "With no keep-alive on either side it ends by the idle timeout");

  pair->keep_alive_ms = G_MAXUINT;
  pair_connect (pair);
  pair_run (pair, 10000);
  start = pair->now_ns;
  pair_run_until (
      pair, pair->client.n_closed == 1 && pair->server.n_closed == 1, 40000);
  g_assert_cmpuint (pair->now_ns - start, <=, 30000 * PAIR_MS);
  g_assert_cmpstr (pair->server.closed.reason, ==, "idle timeout");
  g_assert_true (pair->client.closed.is_timeout);
}

static void
test_client_is_gone (void)
{
  g_autoptr (Pair) pair = pair_new (6);
  guint64 start;
  guint sent;

  g_test_summary ("A server without keep-alive forgets a client that is gone");

  pair->server_keep_alive_ms = G_MAXUINT;
  pair_connect (pair);
  pair_run (pair, 10000);
  pair->is_dead = TRUE;
  start = pair->now_ns;
  sent = pair->server.n_packets_sent;
  pair_run_until (pair, pair->server.is_gone, 40000);
  g_assert_cmpuint (pair->now_ns - start, >=, 24000 * PAIR_MS);
  g_assert_cmpuint (pair->now_ns - start, <=, 30000 * PAIR_MS);
  g_assert_cmpuint (pair->server.n_packets_sent, ==, sent);
}

/* The largest packet */

static void
test_max_receive (void)
{
  g_autoptr (Pair) pair = pair_new (7);
  g_autofree guint8 *packet = g_malloc0 (1301);
  WzpUdpPacket udp = { .data = packet };
  WzpConnInfo info;

  g_test_summary (
      "A client is told what the server takes, and more is dropped");

  pair->max_payload = BIG_PACKET;
  pair->max_receive = 1300;
  pair_connect (pair);
  pair_run (pair, 5000);
  wzp_conn_get_info (pair->client.conn, &info);
  g_assert_cmpuint (info.max_udp_payload, <=, 1300);
  wzp_conn_get_info (pair->server.conn, &info);
  g_assert_cmpuint (info.max_udp_payload, ==, BIG_PACKET);

  packet[0] = 0x40;
  udp.local = pair->server.addr;
  udp.remote = pair->client.addr;
  udp.len = 1301;
  g_assert_cmpint (wzp_conn_read (pair->server.conn, &udp, pair->now_ns), ==,
      WZP_CONN_READ_TOO_LARGE);
  udp.len = 1300;
  g_assert_cmpint (wzp_conn_read (pair->server.conn, &udp, pair->now_ns), ==,
      WZP_CONN_READ_DONE);
  assert_carries_both_ways (pair);
}

static void
test_max_receive_is_a_limit (void)
{
  g_test_summary ("A name's limit never widens what is configured, and is no "
                  "less than QUIC's smallest packet");

  for (guint i = 0; i < 2; i++) {
    g_autoptr (Pair) pair = pair_new (8);

    pair->max_receive = i == 0 ? 0 : 1;
    pair_connect (pair);
    g_assert_cmpuint (
        pair->server.conn->max_receive, ==, i == 0 ? G_MAXSIZE : 1200);
    assert_carries_both_ways (pair);
  }
}

static void
test_first_receive (void)
{
  g_autoptr (Pair) pair = pair_new (9);
  g_autofree guint8 *packet = g_malloc0 (WZP_CONN_MAX_FIRST_RECEIVE + 1);
  WzpUdpPacket udp = { .data = packet };

  g_test_summary (
      "Before a server knows what the client wants it takes no large "
      "packet");

  pair->max_payload = BIG_PACKET;
  pair->prepare_server_only = TRUE;
  pair_dial (pair, NULL);
  pair_run_until (pair, pair->first_packet != NULL, 1000);
  packet[0] = 0xc3;
  udp.local = pair->server.addr;
  udp.remote = pair->client.addr;
  udp.len = WZP_CONN_MAX_FIRST_RECEIVE + 1;
  g_assert_cmpint (wzp_conn_read (pair->server.conn, &udp, pair->now_ns), ==,
      WZP_CONN_READ_TOO_LARGE);
  pair_resume_server (pair);
  pair_connect (pair);
  pair_run (pair, 5000);
  g_assert_cmpuint (
      wzp_conn_get_max_datagram (pair->client.conn), >, BIG_PACKET - 50);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_watchdog_start ("test-conn-idle", 300);

  g_test_add_func ("/conn-idle/key-update", test_key_update);
  g_test_add_func ("/conn-idle/client-says-tls", test_client_says_tls);
  g_test_add_func ("/conn-idle/server-says-tls", test_server_says_tls);
  g_test_add_func ("/conn-idle/lossy-handshakes", test_lossy_handshakes);
  g_test_add_func ("/conn-idle/client-keeps-alive", test_client_keeps_alive);
  g_test_add_func ("/conn-idle/nobody-keeps-alive", test_nobody_keeps_alive);
  g_test_add_func ("/conn-idle/client-is-gone", test_client_is_gone);
  g_test_add_func ("/conn-idle/max-receive", test_max_receive);
  g_test_add_func (
      "/conn-idle/max-receive-is-a-limit", test_max_receive_is_a_limit);
  g_test_add_func ("/conn-idle/first-receive", test_first_receive);

  return wzp_test_run ();
}
