#include "relay-test-node.h"

#include "wzp-relay-trust.h"

#include <string.h>

static WzpRelayStats
stats (const WzpRelay *relay)
{
  WzpRelayStats result;

  wzp_relay_get_stats (relay, &result);
  return result;
}

static void
test_addresses (WzpTest *test, gconstpointer data)
{
  WzpRelayConfig config = { .listen = "127.0.0.1" };
  g_autoptr (WzpRelay) relay = test_relay_new (test, &config);
  g_autoptr (WzpRelay) second = NULL;
  g_autoptr (GError) error = NULL;
  WzpAddr addrs[2];
  guint16 port = wzp_relay_get_port (relay);

  g_assert_cmpuint (port, >, 0);
  g_assert_cmpuint (wzp_relay_get_addresses (relay, addrs), ==, 1);
  g_assert_cmpint (wzp_addr_scope (&addrs[0]), ==, WZP_ADDR_LOOPBACK);

  config.port = port;
  second = wzp_relay_new (test->context, &config, &error);
  g_assert_null (second);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_clear_error (&error);

  config.listen = "localhost";
  g_assert_null (wzp_relay_new (test->context, &config, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
}

static void
test_fingerprint (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  const WzpRelayConfig config = { .identity = identity };
  g_autoptr (WzpRelay) relay = test_relay_new (test, &config);
  g_autoptr (WzpRelay) other = test_relay_new (test, NULL);
  g_autofree char *seen = NULL;
  TestNode *a = test_node_new (test, relay, 1);
  TestConn *conn = test_conn_new (a, relay, WZP_SNI_SIGNAL);

  g_test_summary ("It is what clients see, and stays with the key");

  test_conn_wait (conn);
  seen = wzp_relay_fingerprint_to_string (
      wzp_conn_get_peer_cert_sha256 (conn->conn));
  g_assert_cmpstr (wzp_relay_get_fingerprint (relay), ==, seen);
  g_assert_cmpstr (wzp_relay_get_fingerprint (other), !=, seen);
  test_conn_free (conn);

  /* As relay-fingerprint it lets the client in, and only here. */
  a->config.trust = WZP_RELAY_TRUST_PIN;
  a->config.relay_fingerprint = seen;
  test_node_register (a, NULL);
  test_node_free (a);
  a = test_node_new (test, other, 2);
  a->config.trust = WZP_RELAY_TRUST_PIN;
  a->config.relay_fingerprint = seen;
  test_node_start (a, NULL);
  wzp_test_assert_until (test, a->n_failed == 1, 5000);
  g_assert_error (a->error, WZP_ERROR, WZP_ERROR_IDENTITY);
  test_node_free (a);
}

static void
test_restart (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  WzpRelayConfig config = { .identity = identity };
  WzpRelay *relay = test_relay_new (test, &config);
  g_autofree char *fingerprint = g_strdup (wzp_relay_get_fingerprint (relay));
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);
  TestConn *room;

  g_test_summary ("Freed while all are there; the same key comes back");

  a->config.trust = WZP_RELAY_TRUST_PIN;
  a->config.relay_fingerprint = fingerprint;
  test_node_register (a, "anna");
  test_node_register (b, "bert");
  test_node_call (a, b, "c1");
  room = test_conn_new (a, relay, "call-c1");
  test_conn_wait (room);
  wzp_test_assert_until (test, stats (relay).guests == 1, 5000);

  config.port = wzp_relay_get_port (relay);
  wzp_relay_free (relay);
  wzp_test_assert_until (
      test, a->n_failed == 1 && b->n_failed == 1 && room->is_closed, 5000);
  g_assert_error (a->error, WZP_ERROR, WZP_ERROR_CLOSED);
  test_conn_wait_closed (room, WZP_CLOSE_SHUTDOWN, "the relay ends");

  relay = test_relay_new (test, &config);
  g_assert_cmpstr (wzp_relay_get_fingerprint (relay), ==, fingerprint);
  wzp_signal_client_start (a->client);
  wzp_signal_client_start (b->client);
  wzp_test_assert_until (test, a->n_ready == 2 && b->n_ready == 2, 5000);
  test_node_call (a, b, "c2");
  test_conn_free (room);
  test_node_free (a);
  test_node_free (b);
  wzp_relay_free (relay);
}

static void
test_names (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *name, *reason;
  } refused[] = {
    { "_federation", "this relay is not a peer here" },
  };
  static const char *const unknown[] = { "call-call-c1", "_other", "call-" };
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestConn *conn;

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++) {
    conn = test_conn_new (a, relay, refused[i].name);
    test_conn_wait_closed (conn, WZP_CLOSE_REFUSED, refused[i].reason);
    test_conn_free (conn);
  }
  g_assert_cmpuint (stats (relay).refused, ==, G_N_ELEMENTS (refused));
  /* No handshake at all for these. */
  for (gsize i = 0; i < G_N_ELEMENTS (unknown); i++) {
    conn = test_conn_new (a, relay, unknown[i]);
    wzp_test_assert_until (test, conn->is_closed, 8000);
    g_assert_false (conn->is_established);
    test_conn_free (conn);
  }
  g_assert_cmpuint (stats (relay).registry.clients, ==, 0);
  test_node_free (a);
}

static void
test_free_at_once (WzpTest *test, gconstpointer data)
{
  g_test_summary ("Freed after any number of turns of its clients' arrival");

  for (guint n = 0; n < 12; n++) {
    WzpRelay *relay = test_relay_new (test, NULL);
    TestNode *a = test_node_new (test, relay, 1);
    TestNode *b = test_node_new (test, relay, 2);

    test_node_start (a, "anna");
    test_node_start (b, "bert");
    for (guint i = 0; i < n; i++)
      g_main_context_iteration (test->context, TRUE);
    wzp_relay_free (relay);
    test_node_free (a);
    test_node_free (b);
  }
}

static void
test_many_clients (WzpTest *test, gconstpointer data)
{
  const WzpRelayConfig config = { .limits.grace_us = 200 * 1000 };
  g_autoptr (WzpRelay) relay = test_relay_new (test, &config);
  TestNode *nodes[40];

  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++) {
    nodes[i] = test_node_new (test, relay, i);
    test_node_start (nodes[i], NULL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    wzp_test_assert_until (test, nodes[i]->n_ready == 1, 10000);
  g_assert_cmpuint (
      stats (relay).registry.registered, ==, G_N_ELEMENTS (nodes));
  for (guint i = 0; i < G_N_ELEMENTS (nodes); i += 2) {
    g_autofree char *call_id = g_strdup_printf ("c%u", i);

    test_node_call (nodes[i], nodes[i + 1], call_id);
  }
  g_assert_cmpuint (
      stats (relay).registry.active_calls, ==, G_N_ELEMENTS (nodes) / 2);
  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    test_node_free (nodes[i]);
  wzp_test_assert_until (test, stats (relay).registry.clients == 0, 10000);
  wzp_test_assert_until (test, stats (relay).registry.calls == 0, 10000);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay/addresses", NULL, test_addresses);
  wzp_test_add ("/relay/fingerprint", NULL, test_fingerprint);
  wzp_test_add ("/relay/restart", NULL, test_restart);
  wzp_test_add ("/relay/names", NULL, test_names);
  wzp_test_add ("/relay/free-at-once", NULL, test_free_at_once);
  wzp_test_add ("/relay/many-clients", NULL, test_many_clients);
  return wzp_test_run ();
}
