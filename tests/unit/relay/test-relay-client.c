#include "relay-test-node.h"

#include "wzp-channel.h"
#include "wzp-stream-frame.h"

#include <string.h>

static WzpRelayStats
stats (const WzpRelay *relay)
{
  WzpRelayStats result;

  wzp_relay_get_stats (relay, &result);
  return result;
}

static void
test_call (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);
  WzpMessage *message;
  char text[WZP_ADDR_MAX_STRLEN];
  WzpAddr addr;

  test_node_register (a, "anna");
  test_node_register (b, "bert");
  test_relay_get_addr (relay, &addr);
  wzp_addr_to_string (&addr, text);

  test_node_send (a, test_peer_offer (a->peer, b->peer->fp, "c1"));
  message = test_node_expect (b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_cmpstr (message->alias, ==, "anna");
  g_assert_false (test_peer_is_exposed (a->peer, message));
  wzp_message_free (message);
  test_node_send (b, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  wzp_message_free (test_node_expect (a, WZP_MESSAGE_CALL_RINGING));
  test_node_send (
      b, test_peer_answer (b->peer, a->peer->fp, "c1", WZP_ACCEPT_TRUSTED));
  wzp_message_free (test_node_expect (a, WZP_MESSAGE_DIRECT_CALL_ANSWER));
  message = test_node_expect (a, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->room, ==, "call-c1");
  g_assert_cmpstr (message->relay_addr, ==, text);
  g_assert_cmpstr (message->reflexive_addr, ==, b->peer->reflexive);
  wzp_message_free (message);
  message = test_node_expect (b, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->relay_addr, ==, text);
  g_assert_cmpstr (message->reflexive_addr, ==, a->peer->reflexive);
  wzp_message_free (message);

  g_assert_cmpuint (stats (relay).registry.active_calls, ==, 1);
  test_node_send (b, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_node_expect_hangup (a, "c1", WZP_HANGUP_NORMAL, NULL);
  g_assert_cmpuint (stats (relay).registry.calls, ==, 0);
  test_node_free (a);
  test_node_free (b);
}

static void
test_reflexive (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  g_autofree char *own = NULL;

  test_node_register (a, NULL);
  own =
      g_strdup_printf ("127.0.0.1:%u", wzp_endpoint_get_port (a->endpoint, 4));
  g_assert_cmpstr (wzp_signal_client_get_reflexive (a->client), ==, own);
  test_node_free (a);
}

static void
test_alias_taken (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);

  test_node_register (a, "cam");
  test_node_start (b, "cam");
  wzp_test_assert_until (test, b->n_failed == 1, 5000);
  g_assert_error (b->error, WZP_ERROR, WZP_ERROR_BUSY);
  g_assert_nonnull (strstr (b->error->message, "\"cam\" is taken"));

  /* It is free again as soon as its holder is gone. */
  g_clear_pointer (&a->client, wzp_signal_client_free);
  wzp_test_assert_until (test, stats (relay).registry.registered == 0, 5000);
  g_clear_error (&b->error);
  b->n_failed = 0;
  test_node_register (b, "cam");
  test_node_free (a);
  test_node_free (b);
}

typedef struct {
  WzpFingerprint fp;
  int code; /* 0: found */
  guint n;
} Resolved;

static void
on_resolved (WzpSignalClient *client, const WzpFingerprint *fingerprint,
    const GError *error, gpointer user_data)
{
  Resolved *resolved = user_data;

  resolved->n++;
  resolved->code = error != NULL ? error->code : 0;
  if (fingerprint != NULL)
    resolved->fp = *fingerprint;
}

static void
test_resolve (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);
  Resolved resolved = { .n = 0 };

  test_node_register (a, "cam");
  test_node_register (b, NULL);
  wzp_signal_client_resolve (b->client, "cam", on_resolved, &resolved);
  wzp_test_assert_until (test, resolved.n == 1, 5000);
  g_assert_cmpint (resolved.code, ==, 0);
  g_assert_true (wzp_fingerprint_equal (&resolved.fp, a->peer->fp));
  wzp_signal_client_resolve (b->client, "Cam", on_resolved, &resolved);
  wzp_test_assert_until (test, resolved.n == 2, 5000);
  g_assert_cmpint (resolved.code, ==, WZP_ERROR_NOT_FOUND);
  test_node_free (a);
  test_node_free (b);
}

static void
test_wrong_identity (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  g_autoptr (WzpIdentity) other = wzp_identity_new_ephemeral ();
  TestNode *a = test_node_new (test, relay, 1);

  g_test_summary ("A right signature by another key than the certificate's");

  a->identity = other;
  test_node_start (a, "cam");
  wzp_test_assert_until (test, a->n_failed == 1, 5000);
  g_assert_error (a->error, WZP_ERROR, WZP_ERROR_REJECTED);
  g_assert_nonnull (strstr (a->error->message, "certificate"));
  g_assert_cmpuint (stats (relay).registry.registered, ==, 0);
  test_node_free (a);
}

static void
test_newer_connection (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);
  g_autoptr (WzpSignalClient) second = NULL;
  static const WzpSignalHandler handler = { NULL };

  test_node_register (a, "cam");
  test_node_register (b, NULL);
  test_node_send (b, test_peer_offer (b->peer, a->peer->fp, "c1"));
  wzp_message_free (test_node_expect (a, WZP_MESSAGE_DIRECT_CALL_OFFER));

  second = wzp_signal_client_new (
      a->endpoint, a->identity, &a->config, &handler, NULL);
  wzp_signal_client_start (second);
  wzp_test_assert_until (test, a->n_failed == 1, 5000);
  g_assert_error (a->error, WZP_ERROR, WZP_ERROR_CLOSED);
  g_assert_nonnull (strstr (a->error->message, "newer connection"));
  wzp_test_assert_until (test, wzp_signal_client_is_ready (second), 5000);
  /* The call is that of the newer one now. */
  g_assert_cmpuint (stats (relay).registry.calls, ==, 1);
  g_assert_cmpuint (b->messages->len, ==, 0);
  g_assert_cmpuint (stats (relay).registry.registered, ==, 2);
  g_assert_cmpuint (stats (relay).registry.clients, ==, 2);
  g_clear_pointer (&second, wzp_signal_client_free);
  test_node_free (a);
  test_node_free (b);
}

static void
test_refusals (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);
  WzpMessage *message;

  test_node_register (a, NULL);
  test_node_send (a, test_peer_offer (a->peer, b->peer->fp, "c1"));
  test_node_expect_hangup (
      a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);

  test_node_register (b, NULL);
  test_node_send (a, test_peer_offer (a->peer, b->peer->fp, "c2"));
  message = test_node_expect (b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  wzp_message_free (message);
  test_node_send (
      b, test_peer_answer (b->peer, a->peer->fp, "c2", WZP_ACCEPT_REJECT));
  message = test_node_expect (a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  g_assert_cmpint (message->accept_mode, ==, WZP_ACCEPT_REJECT);
  g_assert_false (test_peer_is_exposed (b->peer, message));
  wzp_message_free (message);
  test_node_expect_hangup (a, "c2", WZP_HANGUP_DECLINED, NULL);
  test_node_free (a);
  test_node_free (b);
}

static void
test_expiry (WzpTest *test, gconstpointer data)
{
  const WzpRelayConfig config = {
    .limits = { .call_timeout_us = 50 * G_TIME_SPAN_MILLISECOND },
  };
  g_autoptr (WzpRelay) relay = test_relay_new (test, &config);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);

  test_node_register (a, NULL);
  test_node_register (b, NULL);
  for (guint i = 0; i < 2; i++) {
    g_autofree char *call_id = g_strdup_printf ("c%u", i);

    test_node_send (a, test_peer_offer (a->peer, b->peer->fp, call_id));
    wzp_message_free (test_node_expect (b, WZP_MESSAGE_DIRECT_CALL_OFFER));
    test_node_expect_hangup (a, call_id, WZP_HANGUP_TIMEOUT, NULL);
    test_node_expect_hangup (b, call_id, WZP_HANGUP_TIMEOUT, NULL);
  }
  test_node_free (a);
  test_node_free (b);
}

static void
test_return (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);

  g_test_summary ("Signalling that is lost and returns has its calls, and what "
                  "was sent meanwhile");

  test_node_register (a, NULL);
  test_node_register (b, "cam");
  test_node_call (b, a, "c1");
  g_clear_pointer (&b->client, wzp_signal_client_free);
  wzp_test_assert_until (test, stats (relay).registry.in_grace == 1, 5000);
  test_node_send (a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  wzp_test_assert_until (test, stats (relay).registry.calls == 0, 5000);
  test_node_register (b, "cam");
  test_node_expect_hangup (b, "c1", WZP_HANGUP_NORMAL, NULL);
  g_assert_cmpuint (stats (relay).registry.in_grace, ==, 0);
  test_node_free (a);
  test_node_free (b);
}

static void
test_disconnect (WzpTest *test, gconstpointer data)
{
  const WzpRelayConfig config = {
    .limits = { .grace_us = 50 * G_TIME_SPAN_MILLISECOND },
  };
  g_autoptr (WzpRelay) relay = test_relay_new (test, &config);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);

  test_node_register (a, NULL);
  test_node_register (b, NULL);
  test_node_send (a, test_peer_offer (a->peer, b->peer->fp, "c1"));
  wzp_message_free (test_node_expect (b, WZP_MESSAGE_DIRECT_CALL_OFFER));
  test_node_call (b, a, "c2");
  test_node_free (b);
  test_node_expect_hangup (
      a, "c2", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_node_expect_hangup (
      a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  g_assert_cmpuint (stats (relay).registry.clients, ==, 1);
  test_node_free (a);
}

/* --- hostile clients ------------------------------------------------------
 */

static void
send_raw (TestConn *conn, const void *bytes, gsize len)
{
  g_autoptr (GBytes) all = g_bytes_new (bytes, len);
  g_autoptr (GError) error = NULL;

  wzp_conn_send_stream (conn->conn, all, &error);
  g_assert_no_error (error);
}

static void
send_json (TestConn *conn, const char *json)
{
  g_autoptr (GBytes) frame = wzp_stream_frame_new (json, strlen (json));
  gsize len;
  const void *bytes = g_bytes_get_data (frame, &len);

  send_raw (conn, bytes, len);
}

/* The relay serves others as before. */
static void
check_alive (WzpTest *test, WzpRelay *relay)
{
  TestNode *c = test_node_new (test, relay, 101);
  TestNode *d = test_node_new (test, relay, 102);

  test_node_register (c, "carl");
  test_node_register (d, "dora");
  test_node_call (c, d, "alive");
  test_node_free (c);
  test_node_free (d);
}

static void
test_garbage (WzpTest *test, gconstpointer data)
{
  static const char *const bad[] = { "", "{", "[[[[[[", "{\"Ping\":7}",
    "{\"RegisterPresence\":{}}", "null", "\x80" };
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestConn *conn = test_conn_new (a, relay, WZP_SNI_SIGNAL);

  test_conn_wait (conn);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    send_json (conn, bad[i]);
  send_raw (conn, "\0\0", 2);
  send_raw (conn, "\xff\xff\xff\xff", 4);
  wzp_test_assert_until (
      test, stats (relay).malformed == G_N_ELEMENTS (bad) + 2, 5000);

  /* Unknown messages are no fault. */
  send_json (conn, "{\"QualityReport\":{}}");
  send_json (conn, "\"Hold\"");
  wzp_test_assert_until (test, stats (relay).registry.messages == 2, 5000);
  g_assert_cmpuint (stats (relay).malformed, ==, G_N_ELEMENTS (bad) + 2);
  g_assert_cmpuint (stats (relay).registry.refused, ==, 0);
  g_assert_false (conn->is_closed);
  check_alive (test, relay);
  test_conn_free (conn);
  test_node_free (a);
}

static void
test_unregistered (WzpTest *test, gconstpointer data)
{
  static const WzpChannelHandler no_handler = { NULL };
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);
  TestConn *conn = test_conn_new (a, relay, WZP_SNI_SIGNAL);
  g_autoptr (WzpChannel) channel = NULL;

  g_test_summary ("Offers of whom nobody knows reach nobody");

  test_node_register (b, "bert");
  test_conn_wait (conn);
  channel = wzp_channel_new (conn->conn, &no_handler, NULL);
  for (guint i = 0; i < 50; i++) {
    g_autofree char *call_id = g_strdup_printf ("c%u", i);
    g_autoptr (WzpMessage) offer =
        test_peer_offer (a->peer, b->peer->fp, call_id);

    g_assert_true (wzp_channel_send (channel, offer, NULL));
  }
  wzp_test_assert_until (test, stats (relay).registry.refused == 50, 5000);
  g_assert_cmpuint (stats (relay).registry.calls_total, ==, 0);
  g_assert_cmpuint (b->messages->len, ==, 0);
  check_alive (test, relay);
  g_clear_pointer (&channel, wzp_channel_free);
  test_conn_free (conn);
  test_node_free (a);
  test_node_free (b);
}

static void
test_wrong_signature (WzpTest *test, gconstpointer data)
{
  static const WzpChannelHandler no_handler = { NULL };
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestConn *conn = test_conn_new (a, relay, WZP_SNI_SIGNAL);
  g_autoptr (WzpMessage) message = test_peer_register (a->peer, "cam");
  g_autoptr (WzpChannel) channel = NULL;

  test_conn_wait (conn);
  channel = wzp_channel_new (conn->conn, &no_handler, NULL);
  message->signature[0] ^= 0x80;
  g_assert_true (wzp_channel_send (channel, message, NULL));
  wzp_test_assert_until (test, stats (relay).registry.refused == 1, 5000);
  g_assert_cmpuint (stats (relay).registry.registered, ==, 0);
  g_clear_pointer (&channel, wzp_channel_free);
  test_conn_free (conn);
  test_node_free (a);
}

static void
test_oversized (WzpTest *test, gconstpointer data)
{
  const gsize len = 1000u * 1000u;
  g_autofree guint8 *big = g_malloc0 (len);
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestConn *conn = test_conn_new (a, relay, WZP_SNI_SIGNAL);

  test_conn_wait (conn);
  big[1] = 0x0f;
  big[2] = 0x40;
  send_raw (conn, big, len);
  wzp_test_assert_until (test, stats (relay).malformed == 1, 5000);
  check_alive (test, relay);
  g_assert_false (conn->is_closed);
  test_conn_free (conn);
  test_node_free (a);
}

static void
test_many_streams (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestConn *conn = test_conn_new (a, relay, WZP_SNI_SIGNAL);

  test_conn_wait (conn);
  for (guint i = 0; i < 1000; i++)
    send_json (conn, "\"Reflect\"");
  wzp_test_assert_until (test, stats (relay).registry.messages == 1000, 10000);
  g_assert_cmpuint (stats (relay).malformed, ==, 0);
  check_alive (test, relay);
  test_conn_free (conn);
  test_node_free (a);
}

static void
test_client_limit (WzpTest *test, gconstpointer data)
{
  const WzpRelayConfig config = { .limits = { .max_clients = 2 } };
  g_autoptr (WzpRelay) relay = test_relay_new (test, &config);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);
  TestNode *c = test_node_new (test, relay, 3);

  test_node_register (a, NULL);
  test_node_register (b, NULL);
  test_node_start (c, NULL);
  wzp_test_assert_until (test, c->n_failed == 1, 5000);
  g_assert_nonnull (strstr (c->error->message, "too many clients"));
  g_assert_cmpuint (stats (relay).refused, ==, 1);

  test_node_free (a);
  wzp_test_assert_until (test, stats (relay).registry.clients == 1, 5000);
  g_clear_error (&c->error);
  c->n_failed = 0;
  test_node_register (c, NULL);
  test_node_free (b);
  test_node_free (c);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-client/call", NULL, test_call);
  wzp_test_add ("/relay-client/reflexive", NULL, test_reflexive);
  wzp_test_add ("/relay-client/alias-taken", NULL, test_alias_taken);
  wzp_test_add ("/relay-client/resolve", NULL, test_resolve);
  wzp_test_add ("/relay-client/wrong-identity", NULL, test_wrong_identity);
  wzp_test_add ("/relay-client/newer-connection", NULL, test_newer_connection);
  wzp_test_add ("/relay-client/refusals", NULL, test_refusals);
  wzp_test_add ("/relay-client/expiry", NULL, test_expiry);
  wzp_test_add ("/relay-client/return", NULL, test_return);
  wzp_test_add ("/relay-client/disconnect", NULL, test_disconnect);
  wzp_test_add ("/relay-client/garbage", NULL, test_garbage);
  wzp_test_add ("/relay-client/unregistered", NULL, test_unregistered);
  wzp_test_add ("/relay-client/wrong-signature", NULL, test_wrong_signature);
  wzp_test_add ("/relay-client/oversized", NULL, test_oversized);
  wzp_test_add ("/relay-client/many-streams", NULL, test_many_streams);
  wzp_test_add ("/relay-client/client-limit", NULL, test_client_limit);
  return wzp_test_run ();
}
