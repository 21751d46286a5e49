#include "signal-test-relay.h"
#include "wzp-signal-client.h"
#include "wzp-test.h"

#include <string.h>

typedef struct {
  WzpTest *test;
  TestRelay *relay;
  WzpIdentity *identity;
  WzpEndpoint *endpoint;
  WzpSignalConfig config;
  WzpSignalClient *client;
  GString *log;        /* "name-lookup connect register ready " ... */
  GError *error;       /* the last one of failed() */
  const char *free_at; /* frees the client when this is logged */
  guint n_ready, n_failed, n_resolved;
  GQuark resolve_domain; /* of the last answer; 0: it was found */
  int resolve_code;
  WzpFingerprint resolved;
} Fixture;

/* The last statement of a callback. */
static void
note (Fixture *f, const char *what)
{
  g_string_append_printf (f->log, "%s ", what);
  if (g_strcmp0 (f->free_at, what) == 0)
    g_clear_pointer (&f->client, wzp_signal_client_free);
}

static void
on_progress (WzpSignalClient *client, const char *step, gpointer user_data)
{
  note (user_data, step);
}

static void
on_ready (WzpSignalClient *client, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_true (wzp_signal_client_is_ready (client));
  f->n_ready++;
  note (f, "ready");
}

static void
on_message (
    WzpSignalClient *client, const WzpMessage *message, gpointer user_data)
{
  note (user_data, wzp_message_type_to_string (message->type));
}

static void
on_warning (WzpSignalClient *client, const char *text, gpointer user_data)
{
  note (user_data, "warning");
}

static void
on_failed (WzpSignalClient *client, const GError *error, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_false (wzp_signal_client_is_ready (client));
  g_clear_error (&f->error);
  f->error = g_error_copy (error);
  f->n_failed++;
  note (f, "failed");
}

static const WzpSignalHandler handler = {
  .progress = on_progress,
  .ready = on_ready,
  .message = on_message,
  .warning = on_warning,
  .failed = on_failed,
};

static void
fixture_init (Fixture *f, WzpTest *test)
{
  memset (f, 0, sizeof *f);
  f->test = test;
  f->relay = test_relay_new (test->context, NULL, 0);
  f->identity = wzp_identity_new_ephemeral ();
  f->endpoint = test_client_endpoint_new (test->context, f->identity);
  f->config.relay = f->relay->host_port;
  f->config.timeout_ms = wzp_test_slower (5000);
  f->log = g_string_new (NULL);
}

static void
fixture_start (Fixture *f)
{
  f->client =
      wzp_signal_client_new (f->endpoint, f->identity, &f->config, &handler, f);
  wzp_signal_client_start (f->client);
  g_assert_cmpstr (f->log->str, ==, "");
}

static void
fixture_ready (Fixture *f)
{
  fixture_start (f);
  wzp_test_assert_until (f->test, f->n_ready == 1, 5000);
}

static void
fixture_failed (Fixture *f, GQuark domain, int code)
{
  fixture_start (f);
  wzp_test_assert_until (f->test, f->n_failed == 1, 5000);
  g_assert_error (f->error, domain, code);
  g_assert_cmpuint (f->n_ready, ==, 0);
}

static void
fixture_clear (Fixture *f)
{
  wzp_signal_client_free (f->client);
  wzp_endpoint_free (f->endpoint);
  wzp_identity_unref (f->identity);
  test_relay_free (f->relay);
  g_string_free (f->log, TRUE);
  g_clear_error (&f->error);
}

static void
test_ready (WzpTest *test, gconstpointer data)
{
  Fixture f;
  const WzpMessage *message;
  g_autoptr (GBytes) text = NULL;
  char remote[WZP_ADDR_MAX_STRLEN];

  fixture_init (&f, test);
  f.config.alias = "cam.1";
  f.config.token = "secret";
  fixture_start (&f);
  g_assert_null (wzp_signal_client_get_relay_addr (f.client));
  g_assert_null (wzp_signal_client_get_reflexive (f.client));
  wzp_test_assert_until (test, f.n_ready == 1, 5000);
  g_assert_cmpstr (f.log->str, ==, "name-lookup connect register ready ");
  g_assert_cmpstr (wzp_signal_client_get_reflexive (f.client), ==,
      wzp_addr_to_string (
          wzp_conn_get_remote (test_relay_peer (f.relay)->conn), remote));
  g_assert_true (wzp_addr_equal (
      wzp_signal_client_get_relay_addr (f.client), &f.relay->addr));

  g_assert_cmpstr (test_relay_peer (f.relay)->server_name, ==, WZP_SNI_SIGNAL);
  message = test_relay_find (test_relay_peer (f.relay), WZP_MESSAGE_AUTH_TOKEN);
  g_assert_cmpstr (message->token, ==, "secret");
  message = test_relay_find (
      test_relay_peer (f.relay), WZP_MESSAGE_REGISTER_PRESENCE);
  g_assert_cmpstr (message->alias, ==, "cam.1");
  g_assert_cmpmem (message->identity_pub, WZP_PUBLIC_KEY_LEN,
      wzp_identity_get_public_key (f.identity), WZP_PUBLIC_KEY_LEN);
  text = wzp_message_signed_register (message->identity_pub);
  g_assert_true (
      wzp_identity_verify (message->identity_pub, text, message->signature));

  /* The certificate is that of the identity; the end is told. */
  g_assert_true (wzp_fingerprint_equal (
      wzp_conn_get_peer_fingerprint (test_relay_peer (f.relay)->conn),
      wzp_identity_get_fingerprint (f.identity)));
  g_clear_pointer (&f.client, wzp_signal_client_free);
  wzp_test_assert_until (test, test_relay_peer (f.relay)->is_closed, 5000);
  g_assert_true (test_relay_peer (f.relay)->info.is_application);
  g_assert_cmpuint (test_relay_peer (f.relay)->info.code, ==, WZP_CLOSE_NORMAL);
  g_assert_cmpuint (f.n_failed, ==, 0);
  fixture_clear (&f);
}

static void
test_localhost (WzpTest *test, gconstpointer data)
{
  g_autofree char *relay = NULL;
  Fixture f;

  g_test_summary ("One of its addresses has nobody: the other one is taken");

  fixture_init (&f, test);
  relay = g_strdup_printf ("LocalHost:%u", f.relay->addr.port);
  f.config.relay = relay;
  fixture_ready (&f);
  g_assert_true (wzp_addr_equal (
      wzp_signal_client_get_relay_addr (f.client), &f.relay->addr));
  fixture_clear (&f);
}

static void
test_refused (WzpTest *test, gconstpointer data)
{
  Fixture f;

  fixture_init (&f, test);
  f.relay->ack_error = "alias \"cam\" is taken";
  fixture_failed (&f, WZP_ERROR, WZP_ERROR_BUSY);
  g_assert_nonnull (strstr (f.error->message, f.relay->ack_error));
  fixture_clear (&f);

  fixture_init (&f, test);
  f.relay->ack_error = "members only";
  fixture_failed (&f, WZP_ERROR, WZP_ERROR_REJECTED);
  g_assert_nonnull (strstr (f.error->message, "members only"));
  /* The connection does not stay. */
  wzp_test_assert_until (test, test_relay_peer (f.relay)->is_closed, 5000);
  fixture_clear (&f);
}

static void
test_silent (WzpTest *test, gconstpointer data)
{
  Fixture f;

  fixture_init (&f, test);
  f.relay->is_silent = TRUE;
  f.config.timeout_ms = 300;
  fixture_failed (&f, WZP_ERROR, WZP_ERROR_TIMED_OUT);
  g_assert_cmpstr (f.log->str, ==, "name-lookup connect register failed ");
  fixture_clear (&f);
}

static void
test_nobody (WzpTest *test, gconstpointer data)
{
  g_autofree char *relay = NULL;
  Fixture f;

  fixture_init (&f, test);
  relay = g_strdup (f.relay->host_port);
  test_relay_free (g_steal_pointer (&f.relay));
  f.config.relay = relay;
  f.config.timeout_ms = 300;
  fixture_start (&f);
  wzp_test_assert_until (test, f.n_failed == 1, 5000);
  g_assert_true (f.error->domain == WZP_ERROR);
  g_assert_true (f.error->code == WZP_ERROR_TIMED_OUT ||
      f.error->code == WZP_ERROR_UNREACHABLE);
  fixture_clear (&f);
}

static void
test_no_reflect (WzpTest *test, gconstpointer data)
{
  Fixture f;

  g_test_summary ("A relay that does not reflect is good enough for a call");

  fixture_init (&f, test);
  f.relay->no_reflect = TRUE;
  fixture_ready (&f);
  g_assert_null (wzp_signal_client_get_reflexive (f.client));
  fixture_clear (&f);

  fixture_init (&f, test);
  f.relay->observed = "localhost:1";
  fixture_ready (&f);
  g_assert_null (wzp_signal_client_get_reflexive (f.client));
  fixture_clear (&f);
}

static void
send_hangups (TestRelayPeer *peer)
{
  g_autoptr (WzpMessage) hangup = wzp_message_new (WZP_MESSAGE_HANGUP);

  for (guint i = 0; i < WZP_SIGNAL_MAX_EARLY + 5; i++)
    test_relay_send (peer, hangup);
}

static void
test_early (WzpTest *test, gconstpointer data)
{
  const char *pos;
  guint n = 0;
  Fixture f;

  g_test_summary ("Messages that overtake the ack wait for ready(), bounded");

  fixture_init (&f, test);
  f.relay->before_ack = send_hangups;
  fixture_ready (&f);
  pos = strstr (f.log->str, "ready ");
  g_assert_null (strstr (f.log->str, "Hangup ready"));
  for (; (pos = strstr (pos, "Hangup ")) != NULL; pos++)
    n++;
  g_assert_cmpuint (n, >=, WZP_SIGNAL_MAX_EARLY);
  fixture_clear (&f);
}

static void
test_messages (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpMessage) ringing = wzp_message_new (WZP_MESSAGE_CALL_RINGING);
  g_autoptr (WzpMessage) setup = wzp_message_new (WZP_MESSAGE_CALL_SETUP);
  g_autoptr (WzpMessage) ping = wzp_message_new (WZP_MESSAGE_PING);
  g_autoptr (WzpMessage) token = wzp_message_new (WZP_MESSAGE_AUTH_TOKEN);
  g_autoptr (WzpMessage) ack =
      wzp_message_new (WZP_MESSAGE_REGISTER_PRESENCE_ACK);
  g_autoptr (GError) error = NULL;
  const WzpMessage *pong;
  Fixture f;

  fixture_init (&f, test);
  fixture_ready (&f);
  g_string_truncate (f.log, 0);
  ringing->call_id = g_strdup ("c1");
  setup->call_id = g_strdup ("c1");
  setup->room = g_strdup ("call-c1");
  setup->relay_addr = g_strdup ("127.0.0.1:1");
  ping->timestamp_ms = 12;
  token->token = g_strdup ("x");
  test_relay_send (test_relay_peer (f.relay), token);
  test_relay_send (test_relay_peer (f.relay), ack);
  test_relay_send (test_relay_peer (f.relay), ping);
  test_relay_send (test_relay_peer (f.relay), ringing);
  test_relay_send (test_relay_peer (f.relay), setup);
  wzp_test_assert_until (test, strstr (f.log->str, "CallSetup") != NULL, 5000);
  g_assert_cmpstr (f.log->str, ==, "CallRinging CallSetup ");
  wzp_test_assert_until (test,
      test_relay_find (test_relay_peer (f.relay), WZP_MESSAGE_PONG) != NULL,
      5000);
  pong = test_relay_find (test_relay_peer (f.relay), WZP_MESSAGE_PONG);
  g_assert_cmpuint (pong->timestamp_ms, ==, 12);

  g_assert_true (wzp_signal_client_send (f.client, ringing, &error));
  g_assert_no_error (error);
  wzp_test_assert_until (test,
      test_relay_find (test_relay_peer (f.relay), WZP_MESSAGE_CALL_RINGING) !=
          NULL,
      5000);
  fixture_clear (&f);
}

static void
test_lost_and_again (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpMessage) hangup = wzp_message_new (WZP_MESSAGE_HANGUP);
  g_autoptr (GError) error = NULL;
  Fixture f;

  fixture_init (&f, test);
  fixture_ready (&f);
  wzp_conn_close (test_relay_peer (f.relay)->conn, WZP_CLOSE_REPLACED, "newer");
  wzp_test_assert_until (test, f.n_failed == 1, 5000);
  g_assert_error (f.error, WZP_ERROR, WZP_ERROR_CLOSED);
  g_assert_nonnull (strstr (f.error->message, "newer"));
  g_assert_null (wzp_signal_client_get_reflexive (f.client));
  g_assert_false (wzp_signal_client_send (f.client, hangup, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_CLOSED);

  wzp_signal_client_start (f.client);
  wzp_test_assert_until (test, f.n_ready == 2, 5000);
  g_assert_nonnull (wzp_signal_client_get_reflexive (f.client));
  fixture_clear (&f);
}

static void
test_bad_config (WzpTest *test, gconstpointer data)
{
  const WzpSignalConfig configs[] = {
    { .relay = NULL },
    { .relay = "" },
    { .relay = "host:70000" },
    { .relay = "host:x" },
    { .relay = "a b" },
    { .relay = "localhost", .trust = WZP_RELAY_TRUST_PIN },
    { .relay = "localhost",
        .trust = WZP_RELAY_TRUST_PIN,
        .relay_fingerprint = "12:34" },
    { .relay = "localhost", .alias = "not an alias" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (configs); i++) {
    Fixture f;

    fixture_init (&f, test);
    f.config = configs[i];
    fixture_failed (&f, WZP_ERROR, WZP_ERROR_INVALID);
    g_assert_cmpstr (f.log->str, ==, "failed ");
    fixture_clear (&f);
  }
}

/* --- trust ------------------------------------------------------------- */

static char *
relay_fingerprint (Fixture *f)
{
  WzpDialOptions options = { .server_name = WZP_SNI_SIGNAL };
  g_autoptr (WzpConn) conn = NULL;
  char *text;

  options.expect_key = wzp_identity_get_public_key (f->relay->identity);
  conn = wzp_endpoint_dial (
      f->endpoint, &f->relay->addr, &options, NULL, NULL, NULL);
  wzp_test_assert_until (f->test, wzp_conn_is_established (conn), 5000);
  text = wzp_relay_fingerprint_to_string (wzp_conn_get_peer_cert_sha256 (conn));
  wzp_conn_close (conn, WZP_CLOSE_NORMAL, NULL);
  return text;
}

static void
test_pin (WzpTest *test, gconstpointer data)
{
  g_autofree char *fingerprint = NULL;
  Fixture f;

  fixture_init (&f, test);
  fingerprint = relay_fingerprint (&f);
  f.config.trust = WZP_RELAY_TRUST_PIN;
  f.config.relay_fingerprint = fingerprint;
  fixture_ready (&f);
  g_assert_null (strstr (f.log->str, "warning"));
  fixture_clear (&f);

  fixture_init (&f, test);
  f.config.trust = WZP_RELAY_TRUST_PIN;
  f.config.relay_fingerprint = fingerprint; /* of the other relay */
  fixture_failed (&f, WZP_ERROR, WZP_ERROR_IDENTITY);
  g_assert_nonnull (strstr (f.error->message, fingerprint));
  fixture_clear (&f);
}

static void
test_none (WzpTest *test, gconstpointer data)
{
  Fixture f;

  fixture_init (&f, test);
  f.config.trust = WZP_RELAY_TRUST_NONE;
  fixture_ready (&f);
  g_assert_cmpstr (
      f.log->str, ==, "name-lookup connect register warning ready ");
  wzp_conn_close (test_relay_peer (f.relay)->conn, WZP_CLOSE_NORMAL, NULL);
  wzp_test_assert_until (test, f.n_failed == 1, 5000);
  g_string_truncate (f.log, 0);
  wzp_signal_client_start (f.client);
  wzp_test_assert_until (test, f.n_ready == 2, 5000);
  g_assert_nonnull (strstr (f.log->str, "warning "));
  fixture_clear (&f);
}

static void
test_tofu_loopback (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "known_relays", NULL);
  Fixture f;

  g_test_summary ("A relay on loopback is taken as it is and not remembered");

  fixture_init (&f, test);
  f.config.known_relays_path = path;
  fixture_ready (&f);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_null (strstr (f.log->str, "warning"));
  fixture_clear (&f);
}

static void
test_ca (WzpTest *test, gconstpointer data)
{
  Fixture f;

  fixture_init (&f, test);
  f.config.trust = WZP_RELAY_TRUST_CA;
  fixture_failed (&f, WZP_ERROR, WZP_ERROR_IDENTITY);
  fixture_clear (&f);
}

/* --- resolve ------------------------------------------------------------ */

static void
on_resolved (WzpSignalClient *client, const WzpFingerprint *fingerprint,
    const GError *error, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_true ((fingerprint == NULL) == (error != NULL));
  f->n_resolved++;
  f->resolve_domain = error != NULL ? error->domain : 0;
  f->resolve_code = error != NULL ? error->code : 0;
  if (fingerprint != NULL)
    f->resolved = *fingerprint;
  note (f, "resolved");
}

static void
send_resolved (Fixture *f, const char *alias, const WzpFingerprint *found)
{
  g_autoptr (WzpMessage) message = wzp_message_new (WZP_MESSAGE_ALIAS_RESOLVED);

  message->alias = g_strdup (alias);
  message->has_target_fp = found != NULL;
  if (found != NULL)
    message->target_fp = *found;
  test_relay_send (test_relay_peer (f->relay), message);
}

static void
test_resolve (WzpTest *test, gconstpointer data)
{
  const WzpFingerprint *fp;
  const WzpMessage *asked;
  Fixture f;

  fixture_init (&f, test);
  fixture_ready (&f);
  fp = wzp_identity_get_fingerprint (f.identity);
  wzp_signal_client_resolve (f.client, "cam", on_resolved, &f);
  wzp_signal_client_resolve (f.client, "door", on_resolved, &f);
  wzp_signal_client_resolve (f.client, "cam", on_resolved, &f);
  g_assert_cmpuint (f.n_resolved, ==, 0);
  wzp_test_assert_until (test,
      test_relay_find (test_relay_peer (f.relay), WZP_MESSAGE_RESOLVE_ALIAS) !=
          NULL,
      5000);
  asked =
      test_relay_find (test_relay_peer (f.relay), WZP_MESSAGE_RESOLVE_ALIAS);
  g_assert_true (
      g_str_equal (asked->alias, "cam") || g_str_equal (asked->alias, "door"));

  send_resolved (&f, "nobody-asked", fp);
  send_resolved (&f, "cam", fp);
  wzp_test_assert_until (test, f.n_resolved == 2, 5000);
  g_assert_true (wzp_fingerprint_equal (&f.resolved, fp));
  g_assert_cmpuint (f.resolve_domain, ==, 0);
  send_resolved (&f, "cam", fp);
  send_resolved (&f, "door", NULL);
  wzp_test_assert_until (test, f.n_resolved == 3, 5000);
  g_assert_true (f.resolve_domain == WZP_ERROR);
  g_assert_cmpint (f.resolve_code, ==, WZP_ERROR_NOT_FOUND);

  wzp_signal_client_resolve (f.client, "no alias", on_resolved, &f);
  g_assert_cmpuint (f.n_resolved, ==, 3);
  wzp_test_assert_until (test, f.n_resolved == 4, 5000);
  g_assert_cmpint (f.resolve_code, ==, WZP_ERROR_INVALID);
  fixture_clear (&f);
  g_assert_cmpuint (f.n_resolved, ==, 4);
}

static void
test_resolve_limit (WzpTest *test, gconstpointer data)
{
  Fixture f;

  fixture_init (&f, test);
  fixture_ready (&f);
  for (guint i = 0; i < WZP_SIGNAL_MAX_RESOLVES; i++)
    wzp_signal_client_resolve (f.client, "cam", on_resolved, &f);
  wzp_signal_client_resolve (f.client, "cam", on_resolved, &f);
  wzp_test_assert_until (test, f.n_resolved == 1, 5000);
  g_assert_cmpint (f.resolve_code, ==, WZP_ERROR_BUSY);

  /* The others hear of the end, each once. */
  wzp_conn_close (test_relay_peer (f.relay)->conn, WZP_CLOSE_NORMAL, NULL);
  wzp_test_assert_until (test, f.n_failed == 1, 5000);
  g_assert_cmpuint (f.n_resolved, ==, 1 + WZP_SIGNAL_MAX_RESOLVES);
  g_assert_cmpint (f.resolve_code, ==, WZP_ERROR_CLOSED);

  wzp_signal_client_resolve (f.client, "cam", on_resolved, &f);
  wzp_test_assert_until (
      test, f.n_resolved == 2 + WZP_SIGNAL_MAX_RESOLVES, 5000);
  g_assert_cmpint (f.resolve_code, ==, WZP_ERROR_CLOSED);
  fixture_clear (&f);
}

static void
test_resolve_free (WzpTest *test, gconstpointer data)
{
  Fixture f;

  fixture_init (&f, test);
  fixture_ready (&f);
  wzp_signal_client_resolve (f.client, "cam", on_resolved, &f);
  wzp_signal_client_resolve (f.client, "door", on_resolved, &f);
  g_clear_pointer (&f.client, wzp_signal_client_free);
  g_assert_cmpuint (f.n_resolved, ==, 2);
  g_assert_cmpint (f.resolve_code, ==, WZP_ERROR_CLOSED);
  g_assert_cmpuint (f.n_failed, ==, 0);
  fixture_clear (&f);
}

/* --- the end, anywhere --------------------------------------------------- */

static void
test_free_inside (WzpTest *test, gconstpointer data)
{
  static const char *const places[] = { "name-lookup", "connect", "register",
    "warning", "ready", "Hangup", "resolved", "failed" };
  const WzpFingerprint *fp;

  g_test_summary ("Freed in each callback: nothing is called after");

  for (gsize i = 0; i < G_N_ELEMENTS (places); i++) {
    Fixture f;

    fixture_init (&f, test);
    f.free_at = places[i];
    f.config.trust = WZP_RELAY_TRUST_NONE;
    f.relay->before_ack = send_hangups;
    if (g_str_equal (places[i], "failed"))
      f.relay->ack_error = "no";
    fixture_start (&f);
    if (g_str_equal (places[i], "resolved")) {
      wzp_test_assert_until (test, f.n_ready == 1, 5000);
      fp = wzp_identity_get_fingerprint (f.identity);
      for (guint n = 0; n < 3; n++)
        wzp_signal_client_resolve (f.client, "cam", on_resolved, &f);
      send_resolved (&f, "cam", fp);
    }
    wzp_test_assert_until (test, f.client == NULL, 5000);
    if (g_str_equal (places[i], "resolved"))
      g_assert_cmpuint (f.n_resolved, ==, 3);
    else
      g_assert_true (strstr (f.log->str, places[i]) ==
          f.log->str + f.log->len - strlen (places[i]) - 1);
    fixture_clear (&f);
  }
}

static void
test_free_early (WzpTest *test, gconstpointer data)
{
  Fixture f;

  fixture_init (&f, test);
  fixture_start (&f);
  fixture_clear (&f);

  /* After any number of turns. */
  for (guint n = 1; n < 12; n++) {
    fixture_init (&f, test);
    fixture_start (&f);
    for (guint i = 0; i < n; i++)
      g_main_context_iteration (test->context, TRUE);
    fixture_clear (&f);
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/signal-client/ready", NULL, test_ready);
  wzp_test_add ("/signal-client/localhost", NULL, test_localhost);
  wzp_test_add ("/signal-client/refused", NULL, test_refused);
  wzp_test_add ("/signal-client/silent", NULL, test_silent);
  wzp_test_add ("/signal-client/nobody", NULL, test_nobody);
  wzp_test_add ("/signal-client/no-reflect", NULL, test_no_reflect);
  wzp_test_add ("/signal-client/early", NULL, test_early);
  wzp_test_add ("/signal-client/messages", NULL, test_messages);
  wzp_test_add ("/signal-client/lost-and-again", NULL, test_lost_and_again);
  wzp_test_add ("/signal-client/bad-config", NULL, test_bad_config);
  wzp_test_add ("/signal-client/pin", NULL, test_pin);
  wzp_test_add ("/signal-client/none", NULL, test_none);
  wzp_test_add ("/signal-client/tofu-loopback", NULL, test_tofu_loopback);
  wzp_test_add ("/signal-client/ca", NULL, test_ca);
  wzp_test_add ("/signal-client/resolve", NULL, test_resolve);
  wzp_test_add ("/signal-client/resolve-limit", NULL, test_resolve_limit);
  wzp_test_add ("/signal-client/resolve-free", NULL, test_resolve_free);
  wzp_test_add ("/signal-client/free-inside", NULL, test_free_inside);
  wzp_test_add ("/signal-client/free-early", NULL, test_free_early);
  return wzp_test_run ();
}
