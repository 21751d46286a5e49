/* The handshake, and who the other side is. */
#include "conn-pair.h"

#include "wzp-test.h"

#define SOME_KEY    "0123456789abcdef0123456789abcdef"
#define SELF_NAMING "call-call-" SOME_KEY "." SOME_KEY "." SOME_KEY

static void
test_handshake (void)
{
  g_autoptr (Pair) pair = pair_new (1);

  pair_dial (pair, NULL);
  g_assert_false (wzp_conn_is_established (pair->client.conn));
  g_assert_cmpuint (wzp_conn_get_max_datagram (pair->client.conn), ==, 0);
  g_assert_false (side_send (&pair->client, "x", 1));
  pair_connect (pair);

  g_assert_true (wzp_conn_is_established (pair->client.conn));
  g_assert_true (wzp_conn_is_established (pair->server.conn));
  g_assert_false (wzp_conn_is_server (pair->client.conn));
  g_assert_true (wzp_conn_is_server (pair->server.conn));
  g_assert_cmpstr (pair->admitted_name, ==, "_signal");
  g_assert_cmpstr (wzp_conn_get_server_name (pair->client.conn), ==, "_signal");
  g_assert_cmpuint (pair->client.n_handshake_over, ==, 1);
  g_assert_cmpmem (wzp_conn_get_peer_key (pair->client.conn),
      WZP_PUBLIC_KEY_LEN, wzp_identity_get_public_key (pair->server_identity),
      WZP_PUBLIC_KEY_LEN);
  g_assert_cmpmem (wzp_conn_get_peer_key (pair->server.conn),
      WZP_PUBLIC_KEY_LEN, wzp_identity_get_public_key (pair->client_identity),
      WZP_PUBLIC_KEY_LEN);
  g_assert_true (
      wzp_fingerprint_equal (wzp_conn_get_peer_fingerprint (pair->server.conn),
          wzp_identity_get_fingerprint (pair->client_identity)));
  g_assert_true (wzp_addr_equal (
      wzp_conn_get_remote (pair->server.conn), &pair->client.addr));
  g_assert_true (wzp_addr_equal (
      wzp_conn_get_local (pair->server.conn), &pair->server.addr));
  /* One round trip to the client, one and a half to the server. */
  g_assert_cmpuint (pair->now_ns, <, 1000 * PAIR_MS + 45 * PAIR_MS);
}

static void
test_server_names (void)
{
  static const char *const names[] = { "_signal", "_federation", "room",
    "call-abc_DEF-1.2", SELF_NAMING, "a..b", "10.0.0.1", "x" };

  g_test_summary ("Names that are no host names arrive as they were said");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (Pair) pair = pair_new (i);
    const WzpDialOptions options = {
      .server_name = names[i],
      .expect_key = wzp_identity_get_public_key (pair->server_identity),
    };

    pair_dial (pair, &options);
    pair_connect (pair);
    g_assert_cmpstr (pair->admitted_name, ==, names[i]);
    g_assert_cmpstr (
        wzp_conn_get_server_name (pair->server.conn), ==, names[i]);
  }
}

static void
assert_refused_by_client (Pair *pair, const WzpDialOptions *options)
{
  pair_dial (pair, options);
  pair_run_until (
      pair, pair->client.n_closed == 1 && pair->server.is_gone, 10000);

  g_assert_cmpuint (pair->client.n_established, ==, 0);
  g_assert_cmpuint (pair->server.n_established, ==, 0);
  g_assert_error (pair->client.closed.error, WZP_ERROR, WZP_ERROR_IDENTITY);
  g_assert_cmpuint (pair->client.closed.tls_alert, ==, 42);
  g_assert_cmpuint (pair->client.closed.code, ==, 0x100 + 42);
  g_assert_false (pair->client.closed.is_remote);
  g_assert_true (g_str_has_prefix (
      pair->client.closed.reason, "TLS alert 42 (bad certificate): "));
  g_assert_cmpuint (pair->server.n_handshake_over, ==, 1);
}

static void
test_wrong_key (void)
{
  g_autoptr (Pair) pair = pair_new (2);
  const WzpDialOptions options = {
    .server_name = "_signal",
    .expect_key = wzp_identity_get_public_key (pair->client_identity),
  };

  assert_refused_by_client (pair, &options);
}

static void
test_wrong_fingerprint (void)
{
  g_autoptr (Pair) pair = pair_new (3);
  const WzpDialOptions options = {
    .server_name = "_signal",
    .expect_fingerprint = wzp_identity_get_fingerprint (pair->client_identity),
  };

  assert_refused_by_client (pair, &options);
}

static gboolean
on_verify (const guint8 cert_sha256[32], const guint8 *key_or_null,
    gpointer user_data, GError **error)
{
  Pair *pair = user_data;

  g_assert_cmpmem (key_or_null, WZP_PUBLIC_KEY_LEN,
      wzp_identity_get_public_key (pair->server_identity), WZP_PUBLIC_KEY_LEN);
  return pair->delay_ns < 20 * PAIR_MS;
}

static void
test_own_rule (void)
{
  for (guint i = 0; i < 2; i++) {
    g_autoptr (Pair) pair = pair_new (4 + i);
    const WzpDialOptions options = {
      .server_name = "_signal",
      .verify = on_verify,
      .verify_data = pair,
    };

    if (i == 0) {
      pair_dial (pair, &options);
      pair_connect (pair);
    } else {
      pair->delay_ns = 20 * PAIR_MS;
      assert_refused_by_client (pair, &options);
    }
  }
}

static void
test_no_rule (void)
{
  g_autoptr (Pair) pair = pair_new (6);
  const WzpDialOptions options = { .server_name = "_signal" };
  g_autoptr (GError) error = NULL;

  g_assert_null (wzp_tls_new_client (pair->client_tls, &options, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
}

static void
test_not_admitted (void)
{
  g_autoptr (Pair) pair = pair_new (7);

  pair->refuse_admit = TRUE;
  pair_dial (pair, NULL);
  pair_run_until (pair, pair->client.n_closed == 1, 10000);
  g_assert_true (pair->client.closed.is_remote);
  g_assert_cmpuint (pair->client.closed.tls_alert, ==, 112);
  g_assert_cmpstr (pair->client.closed.reason, ==,
      "the peer sent TLS alert 112 (unrecognized name)");
  g_assert_error (pair->client.closed.error, WZP_ERROR, WZP_ERROR_REJECTED);
}

static void
test_not_accepted (void)
{
  g_autoptr (Pair) pair = pair_new (8);

  pair->refuse_accept = TRUE;
  pair_dial (pair, NULL);
  pair_run_until (pair, pair->client.n_closed == 1, 10000);
  g_assert_true (pair->client.closed.is_application);
  g_assert_cmpuint (pair->client.closed.code, ==, WZP_CLOSE_REFUSED);
  g_assert_cmpstr (
      pair->client.closed.reason, ==, "the peer said: not expected here");
  g_assert_error (pair->client.closed.error, WZP_ERROR, WZP_ERROR_REJECTED);
}

static void
test_handshake_timeout (void)
{
  g_autoptr (Pair) pair = pair_new (9);
  guint64 start = pair->now_ns;

  pair->is_dead = TRUE;
  pair->handshake_timeout_ms = 2000;
  pair_dial (pair, NULL);
  pair_run_until (pair, pair->client.n_closed == 1, 10000);
  g_assert_cmpuint (pair->now_ns, ==, start + 2000 * PAIR_MS);
  g_assert_true (pair->client.closed.is_timeout);
  g_assert_cmpstr (
      pair->client.closed.reason, ==, "handshake timed out after 2000 ms");
  g_assert_error (pair->client.closed.error, WZP_ERROR, WZP_ERROR_TIMED_OUT);
  g_assert_true (pair->client.is_gone);
}

static void
test_server_handshake_timeout (void)
{
  g_autoptr (Pair) pair = pair_new (10);

  g_test_summary ("A client that says nothing more is forgotten");

  pair->handshake_timeout_ms = 3000;
  pair_dial (pair, NULL);
  pair_run_until (pair, pair->server.conn != NULL, 1000);
  pair->is_dead = TRUE;
  pair_run (pair, 4000);
  g_assert_true (pair->server.is_gone);
  g_assert_cmpuint (pair->server.n_handshake_over, ==, 1);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_watchdog_start ("test-conn", 300);

  g_test_add_func ("/conn/handshake", test_handshake);
  g_test_add_func ("/conn/server-names", test_server_names);
  g_test_add_func ("/conn/wrong-key", test_wrong_key);
  g_test_add_func ("/conn/wrong-fingerprint", test_wrong_fingerprint);
  g_test_add_func ("/conn/own-rule", test_own_rule);
  g_test_add_func ("/conn/no-rule", test_no_rule);
  g_test_add_func ("/conn/not-admitted", test_not_admitted);
  g_test_add_func ("/conn/not-accepted", test_not_accepted);
  g_test_add_func ("/conn/handshake-timeout", test_handshake_timeout);
  g_test_add_func (
      "/conn/server-handshake-timeout", test_server_handshake_timeout);
  return wzp_test_run ();
}
