#include "signal-test-relay.h"
#include "wzp-relay-proof.h"
#include "wzp-test.h"

#include <string.h>

#define MAX_OTHERS 3u

typedef struct {
  WzpTest *test;
  TestRelay *relay;
  WzpIdentity *identity;
  WzpEndpoint *endpoint;
  WzpRelayProof *proof;
  WzpRelayRule rule;
  guint n_established, n_closed;
  int code; /* of the last error */
} Fixture;

static void
on_established (WzpConn *conn, gpointer user_data)
{
  Fixture *f = user_data;

  f->n_established++;
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  Fixture *f = user_data;

  f->n_closed++;
  f->code = info->error->code;
}

static const WzpConnHandler conn_handler = {
  .established = on_established,
  .closed = on_closed,
};

static void
fixture_init (Fixture *f, WzpTest *test)
{
  WzpDialOptions options = { .server_name = WZP_SNI_SIGNAL };
  g_autoptr (WzpConn) conn = NULL;

  memset (f, 0, sizeof *f);
  f->test = test;
  f->relay = test_relay_new (test->context, NULL, 0);
  f->identity = wzp_identity_new_ephemeral ();
  f->endpoint = test_client_endpoint_new (test->context, f->identity);
  f->proof = wzp_relay_proof_new (MAX_OTHERS);
  f->rule.trust = WZP_RELAY_TRUST_PIN;
  f->rule.host = (char *) "127.0.0.1";
  f->rule.port = f->relay->addr.port;
  g_assert_null (wzp_relay_proof_get_addr (f->proof));

  options.expect_key = wzp_identity_get_public_key (f->relay->identity);
  conn = wzp_endpoint_dial (
      f->endpoint, &f->relay->addr, &options, NULL, NULL, NULL);
  wzp_test_assert_until (test, wzp_conn_is_established (conn), 5000);
  wzp_relay_proof_set (f->proof, conn, &f->rule);
  wzp_conn_close (conn, WZP_CLOSE_NORMAL, NULL);
  g_assert_true (
      wzp_addr_equal (wzp_relay_proof_get_addr (f->proof), &f->relay->addr));
}

static void
fixture_clear (Fixture *f)
{
  wzp_endpoint_free (f->endpoint);
  wzp_relay_proof_free (f->proof);
  wzp_identity_unref (f->identity);
  test_relay_free (f->relay);
}

static WzpConn *
dial (Fixture *f, const WzpAddr *addr, GError **error)
{
  return wzp_relay_proof_dial_room (
      f->proof, f->endpoint, "call-c1", addr, 5000, &conn_handler, f, error);
}

static void
test_same (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpConn) a = NULL;
  g_autoptr (WzpConn) b = NULL;
  Fixture f;

  fixture_init (&f, test);
  a = dial (&f, NULL, NULL);
  b = dial (&f, &f.relay->addr, NULL);
  g_assert_cmpuint (f.n_established, ==, 0);
  wzp_test_assert_until (test, f.n_established == 2, 5000);
  wzp_test_assert_until (test, f.relay->peers->len == 3, 5000);
  g_assert_cmpstr (test_relay_peer (f.relay)->server_name, ==, "call-c1");
  fixture_clear (&f);
}

static void
test_impostor (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpConn) conn = NULL;
  guint16 port;
  Fixture f;

  g_test_summary ("At the same address another key: not the relay any more");

  fixture_init (&f, test);
  port = f.relay->addr.port;
  test_relay_free (f.relay);
  f.relay = test_relay_new (test->context, NULL, port);
  conn = dial (&f, NULL, NULL);
  wzp_test_assert_until (test, f.n_closed == 1, 5000);
  g_assert_cmpint (f.code, ==, WZP_ERROR_IDENTITY);
  g_assert_cmpuint (f.n_established, ==, 0);
  fixture_clear (&f);
}

static void
test_other (WzpTest *test, gconstpointer data)
{
  g_autoptr (TestRelay) other = test_relay_new (test->context, NULL, 0);
  g_autoptr (WzpConn) a = NULL;
  g_autoptr (WzpConn) b = NULL;
  Fixture f;

  /* The pin is of the first one. */
  fixture_init (&f, test);
  a = dial (&f, &other->addr, NULL);
  wzp_test_assert_until (test, f.n_closed == 1, 5000);
  g_assert_cmpint (f.code, ==, WZP_ERROR_IDENTITY);
  fixture_clear (&f);

  /* Loopback is taken as it is. */
  fixture_init (&f, test);
  g_clear_pointer (&f.proof, wzp_relay_proof_free);
  f.proof = wzp_relay_proof_new (MAX_OTHERS);
  f.rule.trust = WZP_RELAY_TRUST_TOFU;
  b = wzp_endpoint_dial (f.endpoint, &f.relay->addr,
      &(WzpDialOptions){ .server_name = WZP_SNI_SIGNAL,
          .expect_key = wzp_identity_get_public_key (f.relay->identity) },
      NULL, NULL, NULL);
  wzp_test_assert_until (test, wzp_conn_is_established (b), 5000);
  wzp_relay_proof_set (f.proof, b, &f.rule);
  g_clear_pointer (&a, wzp_conn_unref);
  a = dial (&f, &other->addr, NULL);
  wzp_test_assert_until (test, f.n_established == 1, 5000);
  fixture_clear (&f);
}

static void
test_refusals (WzpTest *test, gconstpointer data)
{
  static const char *const bad[] = { "0.0.0.0:1", "224.0.0.1:1",
    "255.255.255.255:1", "127.0.0.1:0", "169.254.0.1:1", "[fe80::1]:1" };
  g_autoptr (WzpRelayProof) empty = wzp_relay_proof_new (MAX_OTHERS);
  g_autoptr (GError) none = NULL;
  WzpAddr addr;
  Fixture f;

  fixture_init (&f, test);
  g_assert_null (wzp_relay_proof_dial_room (
      empty, f.endpoint, "call-c1", NULL, 0, &conn_handler, &f, &none));
  g_assert_error (none, WZP_ERROR, WZP_ERROR_CLOSED);

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_true (wzp_addr_parse (bad[i], &addr, NULL));
    g_assert_null (dial (&f, &addr, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  }
  fixture_clear (&f);
}

static void
test_limit (WzpTest *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  WzpAddr addr;
  Fixture f;

  fixture_init (&f, test);
  addr = f.relay->addr;
  /* Ports of which nothing is to come; the same one counts once. */
  for (guint i = 0; i < 2 * MAX_OTHERS; i++) {
    g_autoptr (WzpConn) conn = NULL;

    addr.port = (guint16) (1 + i / 2);
    conn = dial (&f, &addr, NULL);
    g_assert_nonnull (conn);
    wzp_conn_close (conn, WZP_CLOSE_ABORTED, NULL);
  }
  addr.port = 1 + MAX_OTHERS;
  g_assert_null (dial (&f, &addr, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-proof/same", NULL, test_same);
  wzp_test_add ("/relay-proof/impostor", NULL, test_impostor);
  wzp_test_add ("/relay-proof/other", NULL, test_other);
  wzp_test_add ("/relay-proof/refusals", NULL, test_refusals);
  wzp_test_add ("/relay-proof/limit", NULL, test_limit);
  return wzp_test_run ();
}
