#include "conn-pair.h"

#include "wzp-tls-certificate.h"
#include "wzp-tls-server-name.h"

#include "wzp-test.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <string.h>

/* The certificate */

static GBytes *
make_certificate (WzpIdentity *identity)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpTlsContext) context =
      wzp_tls_context_new (identity, WZP_ALPN, &error);

  g_assert_no_error (error);
  return g_bytes_ref (wzp_tls_context_get_certificate (context));
}

static gboolean
get_key (GBytes *der, guint8 ret_key[WZP_PUBLIC_KEY_LEN])
{
  const gnutls_datum_t datum = {
    .data = (guint8 *) g_bytes_get_data (der, NULL),
    .size = g_bytes_get_size (der),
  };

  return wzp_tls_certificate_get_key (&datum, ret_key);
}

static void
test_certificate (void)
{
  static const guint8 seed[WZP_SEED_LEN] = { 1, 2, 3 };
  g_autoptr (WzpIdentity) identity = wzp_identity_new_from_key (seed);
  g_autoptr (WzpIdentity) again = wzp_identity_new_from_key (seed);
  g_autoptr (WzpIdentity) other = wzp_identity_new_ephemeral ();
  g_autoptr (GBytes) a = make_certificate (identity);
  g_autoptr (GBytes) b = make_certificate (again);
  g_autoptr (GBytes) c = make_certificate (other);
  guint8 key[WZP_PUBLIC_KEY_LEN];

  g_test_summary ("One key, one certificate, down to the byte");

  g_assert_true (g_bytes_equal (a, b));
  g_assert_false (g_bytes_equal (a, c));
  g_assert_true (get_key (a, key));
  g_assert_cmpmem (
      key, sizeof key, wzp_identity_get_public_key (identity), sizeof key);
  g_assert_true (get_key (c, key));
  g_assert_cmpmem (
      key, sizeof key, wzp_identity_get_public_key (other), sizeof key);
}

static void
test_bad_certificates (void)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (GBytes) good = make_certificate (identity);
  g_autoptr (GRand) rand = wzp_test_rand_new ();
  gsize len;
  const guint8 *data = g_bytes_get_data (good, &len);
  guint8 key[WZP_PUBLIC_KEY_LEN];

  for (gsize cut = 0; cut < len; cut++) {
    g_autoptr (GBytes) bytes = g_bytes_new (data, cut);

    g_assert_false (get_key (bytes, key));
  }
  for (guint i = 0; i < 3000; i++) {
    guint8 *changed = g_memdup2 (data, len);
    g_autoptr (GBytes) bytes = NULL;

    changed[g_rand_int_range (rand, 0, len)] = g_rand_int (rand);
    bytes = g_bytes_new_take (changed, len);
    get_key (bytes, key); /* may be good or not */
  }
}

/* Credentials with an ECDSA key, as a relay behind a CA has. */
static gnutls_certificate_credentials_t
make_ecdsa_credentials (void)
{
  gnutls_certificate_credentials_t credentials;
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t crt;

  g_assert_cmpint (gnutls_x509_privkey_init (&key), ==, 0);
  g_assert_cmpint (gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA,
                       GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0),
      ==, 0);
  g_assert_cmpint (gnutls_x509_crt_init (&crt), ==, 0);
  gnutls_x509_crt_set_version (crt, 3);
  gnutls_x509_crt_set_serial (crt, "\1", 1);
  gnutls_x509_crt_set_activation_time (crt, 1577836800);
  gnutls_x509_crt_set_expiration_time (crt, 4102444800);
  gnutls_x509_crt_set_dn (crt, "CN=relay.example", NULL);
  gnutls_x509_crt_set_key (crt, key);
  g_assert_cmpint (
      gnutls_x509_crt_sign2 (crt, crt, key, GNUTLS_DIG_SHA256, 0), ==, 0);
  gnutls_certificate_allocate_credentials (&credentials);
  g_assert_cmpint (
      gnutls_certificate_set_x509_key (credentials, &crt, 1, key), ==, 0);
  gnutls_x509_crt_deinit (crt);
  gnutls_x509_privkey_deinit (key);
  return credentials;
}

/* What may be different on the other side */

static void
set_credentials (Side *side, gnutls_certificate_credentials_t credentials)
{
  gnutls_credentials_clear (wzp_tls_get_session (side->conn->tls));
  gnutls_credentials_set (wzp_tls_get_session (side->conn->tls),
      GNUTLS_CRD_CERTIFICATE, credentials);
}

static void
test_client_without_certificate (void)
{
  g_autoptr (Pair) pair = pair_new (1);
  gnutls_certificate_credentials_t none;

  gnutls_certificate_allocate_credentials (&none);
  pair_dial (pair, NULL);
  set_credentials (&pair->client, none);
  pair_connect (pair);
  g_assert_null (wzp_conn_get_peer_key (pair->server.conn));
  g_assert_null (wzp_conn_get_peer_fingerprint (pair->server.conn));
  g_assert_null (wzp_conn_get_peer_cert_sha256 (pair->server.conn));
  gnutls_certificate_free_credentials (none);
}

static void
test_client_with_ecdsa (void)
{
  g_autoptr (Pair) pair = pair_new (2);
  gnutls_certificate_credentials_t ecdsa = make_ecdsa_credentials ();

  pair_dial (pair, NULL);
  set_credentials (&pair->client, ecdsa);
  pair_connect (pair);
  g_assert_null (wzp_conn_get_peer_key (pair->server.conn));
  g_assert_nonnull (wzp_conn_get_peer_cert_sha256 (pair->server.conn));
  gnutls_certificate_free_credentials (ecdsa);
}

/* Lets the server's connection come to be, and nothing of it happen yet. */
static void
dial_and_wait_for_server (Pair *pair, const WzpDialOptions *options)
{
  pair->prepare_server_only = TRUE;
  pair_dial (pair, options);
  pair_run_until (pair, pair->server.conn != NULL, 1000);
}

static gboolean
on_verify_ecdsa (const guint8 cert_sha256[32], const guint8 *key_or_null,
    gpointer user_data, GError **error)
{
  memcpy (user_data, cert_sha256, 32);
  return key_or_null == NULL;
}

static void
test_server_with_ecdsa (void)
{
  gnutls_certificate_credentials_t ecdsa = make_ecdsa_credentials ();

  g_test_summary ("A relay's certificate can be pinned by its SHA-256; no "
                  "Ed25519 key can be expected of it");

  for (guint i = 0; i < 2; i++) {
    g_autoptr (Pair) pair = pair_new (3 + i);
    guint8 sha256[32] = { 0 };
    const WzpDialOptions by_rule = {
      .server_name = "x", .verify = on_verify_ecdsa, .verify_data = sha256
    };

    dial_and_wait_for_server (pair, i == 0 ? NULL : &by_rule);
    set_credentials (&pair->server, ecdsa);
    pair_resume_server (pair);
    if (i == 0) {
      pair_run_until (pair, pair->client.n_closed == 1, 10000);
      g_assert_error (pair->client.closed.error, WZP_ERROR, WZP_ERROR_IDENTITY);
    } else {
      pair_connect (pair);
      g_assert_cmpmem (
          wzp_conn_get_peer_cert_sha256 (pair->client.conn), 32, sha256, 32);
      g_assert_null (wzp_conn_get_peer_key (pair->client.conn));
    }
  }
  gnutls_certificate_free_credentials (ecdsa);
}

static void
test_no_common_alpn (void)
{
  for (guint i = 0; i < 2; i++) {
    g_autoptr (Pair) pair = pair_new (5 + i);

    wzp_tls_context_unref (pair->client_tls);
    pair->client_tls =
        wzp_tls_context_new (pair->client_identity, i == 0 ? "h3" : NULL, NULL);
    pair_dial (pair, NULL);
    pair_run_until (pair, pair->client.n_closed == 1, 10000);
    g_assert_cmpuint (pair->client.closed.tls_alert, ==, 120);
    g_assert_cmpuint (pair->server.n_established, ==, 0);
  }
}

static void
test_server_without_alpn (void)
{
  g_autoptr (Pair) pair = pair_new (7);

  wzp_tls_context_unref (pair->server_tls);
  pair->server_tls = wzp_tls_context_new (pair->server_identity, NULL, NULL);
  pair_dial (pair, NULL);
  pair_run_until (pair, pair->client.n_closed == 1, 10000);
  g_assert_error (pair->client.closed.error, WZP_ERROR, WZP_ERROR_PROTOCOL);
  g_assert_cmpuint (pair->client.n_established, ==, 0);
}

static void
test_no_server_name (void)
{
  g_autoptr (Pair) pair = pair_new (7);

  pair_dial (pair, NULL);
  gnutls_server_name_set (
      wzp_tls_get_session (pair->client.conn->tls), GNUTLS_NAME_DNS, NULL, 0);
  pair_run_until (pair, pair->client.n_closed == 1, 10000);
  g_assert_cmpuint (pair->client.closed.tls_alert, ==, 112);
  g_assert_null (pair->admitted_name);
}

static void
test_unknown_ca (void)
{
  g_autoptr (Pair) pair = pair_new (8);
  const WzpDialOptions options = { .server_name = "relay.example",
    .ca_host_name = "relay.example" };

  g_test_summary ("A self-signed certificate is none of the system's CAs'");

  pair_dial (pair, &options);
  pair_run_until (pair, pair->client.n_closed == 1, 10000);
  g_assert_error (pair->client.closed.error, WZP_ERROR, WZP_ERROR_IDENTITY);
  g_assert_nonnull (strstr (pair->client.closed.reason, "relay.example"));
}

/* The server name */

static GByteArray *
make_hello (const char *names, gsize len)
{
  GByteArray *hello = g_byte_array_new ();
  guint8 head[2 + 32 + 1 + 4 + 2] = { 3, 3 };
  guint8 extension[] = { 0, 0, 0, len >> 8, len };
  guint8 total[] = { (len + 4) >> 8, len + 4 };

  head[35] = 0; /* no session id: 34 is its length */
  head[36] = 2; /* two bytes of cipher suites */
  head[35] = 0;
  head[37] = 0x13;
  head[38] = 1;
  head[39] = 1; /* one compression method, null */
  g_byte_array_append (hello, head, sizeof head);
  g_byte_array_append (hello, total, 2);
  g_byte_array_append (hello, extension + 1, 4);
  g_byte_array_append (hello, (const guint8 *) names, len);
  return hello;
}

static void
assert_name (
    const char *list, gsize len, const char *expected, const char *masked)
{
  g_autoptr (GByteArray) hello = make_hello (list, len);
  const gnutls_datum_t datum = { .data = hello->data, .size = hello->len };
  WzpTlsServerName name = { 0 };

  wzp_tls_server_name_read (&name, &datum);
  g_assert_cmpstr (name.name, ==, expected);
  wzp_tls_server_name_mask (&name, hello->data + hello->len); /* not inside */
  if (expected != NULL)
    g_assert_cmpmem (
        datum.data + name.offset, name.len, expected, strlen (expected));
  wzp_tls_server_name_mask (&name, hello->data + 3);
  if (expected != NULL)
    g_assert_cmpmem (
        datum.data + name.offset, name.len, masked, strlen (masked));
  wzp_tls_server_name_clear (&name);
}

#define NAMES(text) text, sizeof text - 1

static void
test_server_name (void)
{
  assert_name (NAMES ("\0\x0a\0\0\7_signal"), "_signal", "-signal");
  assert_name (NAMES ("\0\x08\0\0\5a.b-c"), "a.b-c", "a.b-c");
  assert_name (NAMES ("\0\x0c\0\0\3a_b\0\0\3xyz"), "a_b", "a-b");
  assert_name (NAMES ("\0\x09\1\0\2qq\0\0\1z"), "z", "z");
  /* Bad ones. */
  assert_name (NAMES (""), NULL, NULL);
  assert_name (NAMES ("\0"), NULL, NULL);
  assert_name (NAMES ("\0\0"), NULL, NULL);
  assert_name (NAMES ("\0\x03\0\0\0"), NULL, NULL);
  assert_name (NAMES ("\0\x05\0\0\3ab"), NULL, NULL);
  assert_name (NAMES ("\0\x0b\0\0\7_signal"), NULL, NULL);
  assert_name (NAMES ("\0\x06\0\0\3a b"), NULL, NULL);
  assert_name (NAMES ("\0\x06\0\0\3a\0b"), NULL, NULL);
  assert_name (NAMES ("\0\x06\0\0\3a\xff"
                      "b"),
      NULL, NULL);
}

static void
test_server_name_noise (void)
{
  g_autoptr (GRand) rand = wzp_test_rand_new ();

  for (guint i = 0; i < 20000; i++) {
    g_autoptr (GByteArray) hello =
        make_hello (NAMES ("\0\x0c\0\0\3a_b\0\0\3xyz"));
    gsize len = g_rand_int_range (rand, 0, hello->len + 1);
    g_autofree guint8 *exact = g_memdup2 (hello->data, hello->len);
    gnutls_datum_t datum;
    WzpTlsServerName name = { 0 };

    for (guint k = 0; k < 3; k++)
      exact[g_rand_int_range (rand, 0, hello->len)] = g_rand_int (rand);
    exact = g_realloc (exact, MAX (len, 1)); /* so that ASan sees the end */
    datum = (gnutls_datum_t){ .data = exact, .size = len };
    wzp_tls_server_name_read (&name, &datum);
    wzp_tls_server_name_mask (&name, exact);
    wzp_tls_server_name_clear (&name);
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_watchdog_start ("test-tls", 120);

  g_test_add_func ("/tls/certificate", test_certificate);
  g_test_add_func ("/tls/bad-certificates", test_bad_certificates);
  g_test_add_func (
      "/tls/client-without-certificate", test_client_without_certificate);
  g_test_add_func ("/tls/client-with-ecdsa", test_client_with_ecdsa);
  g_test_add_func ("/tls/server-with-ecdsa", test_server_with_ecdsa);
  g_test_add_func ("/tls/no-common-alpn", test_no_common_alpn);
  g_test_add_func ("/tls/server-without-alpn", test_server_without_alpn);
  g_test_add_func ("/tls/no-server-name", test_no_server_name);
  g_test_add_func ("/tls/unknown-ca", test_unknown_ca);
  g_test_add_func ("/tls/server-name", test_server_name);
  g_test_add_func ("/tls/server-name-noise", test_server_name_noise);
  return wzp_test_run ();
}
