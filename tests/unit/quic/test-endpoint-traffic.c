/* Much traffic, and the end of it. */
#include "quic-peer.h"

#include "wzp-path-mtu.h"

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

  peer_connect (test, client, server, &out, &in);
  wzp_conn_set_max_in_flight (out->conn, 60000);
  peer_conn_offer (out, 1000, bulk->size);
  peer_conn_send_stream (out, "beside it");
  wzp_test_assert_until (test,
      (wzp_conn_get_info (out->conn, &info),
          in->n_datagrams + info.datagrams_lost >= 1000),
      PEER_WAIT_MS);
  g_assert_cmpuint (out->n_pulls, ==, 0);
  g_assert_cmpuint (info.datagrams_sent, ==, 1000);
  g_assert_cmpuint (info.datagrams_lost, <, 100);
  wzp_test_assert_until (test, in->n_fins == 1, PEER_WAIT_MS);
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
  peer_connect (test, client, server, &out, &in);
  wzp_test_assert_until (
      test, wzp_conn_get_max_datagram (out->conn) >= link - 40, PEER_WAIT_MS);
  peer_conn_offer (out, 20, 0);
  wzp_test_assert_until (test, in->n_datagrams == 20, PEER_WAIT_MS);
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

  peer_connect (test, client, server, &out, &in);
  for (guint i = 0; i < 20; i++) {
    peer_conn_offer (out, 1, 0);
    wzp_test_assert_until (test, in->n_datagrams == i + 1, PEER_WAIT_MS);
    wzp_conn_get_info (out->conn, &info);
    g_assert_cmpuint (info.max_udp_payload, <=, 1400);
  }
}

/* Sends datagrams as large as may be until what was found out about the path
 * had time to grow; asserts that no larger packet is sent by @out, nor by @in
 * where @both. */
static void
assert_packets_at_most (
    WzpTest *test, PeerConn *out, PeerConn *in, guint max, gboolean both)
{
  WzpConnInfo info;

  for (guint i = 0; i < 20; i++) {
    peer_conn_offer (out, 1, 0);
    peer_conn_offer (in, 1, 0);
    wzp_test_assert_until (test,
        in->n_datagrams == i + 1 && out->n_datagrams == i + 1, PEER_WAIT_MS);
    wzp_conn_get_info (out->conn, &info);
    g_assert_cmpuint (info.max_udp_payload, <=, max);
    wzp_conn_get_info (in->conn, &info);
    if (both)
      g_assert_cmpuint (info.max_udp_payload, <=, max);
  }
}

static void
test_limit_by_name (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  PeerConn *out, *in;

  g_test_summary ("A server tells a client of one name to send small packets");

  server->max_receive = 1400;
  peer_connect (test, client, server, &out, &in);
  assert_packets_at_most (test, out, in, 1400, FALSE);
}

static void
test_limit_of_dial (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  const WzpDialOptions options = {
    .server_name = "x",
    .max_udp_payload = 1300,
    .expect_key = wzp_identity_get_public_key (server->identity),
  };
  PeerConn *out = peer_dial_full (client, &server->addr, &options, NULL);

  g_test_summary ("A dial with a limit holds for what both sides send");

  wzp_test_assert_until (test,
      out->n_established == 1 && peer_accepted (server, 0) != NULL,
      PEER_WAIT_MS);
  assert_packets_at_most (test, out, peer_accepted (server, 0), 1300, TRUE);
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
      PEER_WAIT_MS);
  for (guint i = 0; i < n; i++) {
    PeerConn *pc = client->conns->pdata[i];

    wzp_test_assert_until (test, pc->n_established == 1, PEER_WAIT_MS);
    g_assert_true (peer_conn_send (pc, &i, sizeof i));
  }
  for (guint i = 0; i < n; i++) {
    PeerConn *pc = client->conns->pdata[i];

    wzp_test_assert_until (test, pc->n_datagrams == 1, PEER_WAIT_MS);
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

  peer_connect (test, client, server, &out, &in);
  wzp_test_drain (test->context);
  wzp_endpoint_get_stats (client->endpoint, &before);
  wzp_conn_close (out->conn, WZP_CLOSE_NORMAL, "now");
  wzp_endpoint_get_stats (client->endpoint, &after);
  g_assert_cmpuint (after.udp.datagrams_sent, >, before.udp.datagrams_sent);
  wzp_test_assert_until (test, in->n_closed == 1, PEER_WAIT_MS);

  /* Three PTO later nothing is left. */
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (client->endpoint, &after),
          after.connections == 0),
      PEER_WAIT_MS);
  wzp_test_assert_until (test,
      (wzp_endpoint_get_stats (server->endpoint, &after),
          after.connections == 0),
      PEER_WAIT_MS);
}

static void
test_flush_and_free (WzpTest *test, gconstpointer data)
{
  /* A probe for the largest packet would fill the congestion window. */
  const WzpEndpointConfig config = { .max_udp_payload = 1452 };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, &config);
  PeerConn *out, *in;

  peer_connect (test, client, server, &out, &in);
  wzp_test_drain (test->context);
  peer_conn_send_stream (out, "a last word");
  wzp_endpoint_flush (client->endpoint);
  peer_stop (client);
  g_assert_cmpuint (out->n_closed, ==, 0);
  wzp_test_assert_until (test, in->n_closed == 1, PEER_WAIT_MS);
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

  peer_connect (test, client, server, &out, &in);
  peer_conn_offer (out, G_MAXUINT, 1100);
  peer_conn_offer (in, G_MAXUINT, 0);
  wzp_test_assert_until (
      test, in->n_datagrams > 100 && out->n_datagrams > 100, PEER_WAIT_MS);
  peer_stop (free_server ? server : client);
  left = free_server ? out : in;
  wzp_test_assert_until (test, left->n_closed == 1, PEER_WAIT_MS);
  g_assert_cmpuint (left->closed.code, ==, WZP_CLOSE_SHUTDOWN);
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
  for (guint i = 0; i < G_N_ELEMENTS (bulks); i++) {
    g_autofree char *path = g_strdup_printf ("/endpoint/bulk-%u", i);

    wzp_test_add (path, &bulks[i], test_bulk);
  }
  wzp_test_add ("/endpoint/large-packets", NULL, test_large_packets);
  wzp_test_add ("/endpoint/limit-by-name", NULL, test_limit_by_name);
  wzp_test_add ("/endpoint/limit-of-dial", NULL, test_limit_of_dial);
  wzp_test_add (
      "/endpoint/peer-limits-packets", NULL, test_peer_limits_packets);
  wzp_test_add ("/endpoint/many", NULL, test_many);
  wzp_test_add ("/endpoint/close-is-prompt", NULL, test_close_is_prompt);
  wzp_test_add ("/endpoint/flush-and-free", NULL, test_flush_and_free);
  wzp_test_add ("/endpoint/free-server-during-traffic", GINT_TO_POINTER (TRUE),
      test_free_during_traffic);
  wzp_test_add ("/endpoint/free-client-during-traffic", GINT_TO_POINTER (FALSE),
      test_free_during_traffic);
  return wzp_test_run ();
}
