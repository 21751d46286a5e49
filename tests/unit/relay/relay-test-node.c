#include "relay-test-node.h"

#include "wzp-uri.h"

#include <string.h>

#define WAIT_MS 5000u

WzpRelay *
test_relay_new (WzpTest *test, const WzpRelayConfig *config)
{
  WzpRelayConfig copy = { NULL };
  g_autoptr (GError) error = NULL;
  WzpRelay *relay;

  if (config != NULL)
    copy = *config;
  if (copy.listen == NULL)
    copy.listen = "127.0.0.1";
  relay = wzp_relay_new (test->context, &copy, &error);
  g_assert_no_error (error);
  return relay;
}

void
test_relay_get_addr (const WzpRelay *relay, WzpAddr *ret_addr)
{
  WzpAddr addrs[2];

  g_assert_cmpuint (wzp_relay_get_addresses (relay, addrs), ==, 1);
  *ret_addr = addrs[0];
  g_assert_cmpuint (addrs[0].port, ==, wzp_relay_get_port (relay));
}

static void
on_ready (WzpSignalClient *client, gpointer user_data)
{
  TestNode *node = user_data;

  node->n_ready++;
}

static void
on_message (
    WzpSignalClient *client, const WzpMessage *message, gpointer user_data)
{
  TestNode *node = user_data;

  g_ptr_array_add (node->messages, wzp_message_copy (message));
}

static void
on_failed (WzpSignalClient *client, const GError *error, gpointer user_data)
{
  TestNode *node = user_data;

  node->n_failed++;
  g_clear_error (&node->error);
  node->error = g_error_copy (error);
}

static const WzpSignalHandler signal_handler = {
  .ready = on_ready,
  .message = on_message,
  .failed = on_failed,
};

TestNode *
test_node_new_narrow (
    WzpTest *test, WzpRelay *relay, guint index, guint max_udp_payload)
{
  const WzpEndpointConfig config = { .bind_address = "127.0.0.1",
    .max_udp_payload = max_udp_payload,
    .accept_none = TRUE };
  TestNode *node = g_new0 (TestNode, 1);
  g_autoptr (GError) error = NULL;
  char text[WZP_ADDR_MAX_STRLEN];
  WzpAddr addr;

  node->test = test;
  if (relay != NULL) {
    test_relay_get_addr (relay, &addr);
    node->relay = g_strdup (wzp_addr_to_string (&addr, text));
  }
  node->peer = test_peer_new (index);
  node->identity = node->peer->identity;
  node->messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) wzp_message_free);
  node->endpoint = wzp_endpoint_new (
      test->context, node->peer->identity, &config, NULL, NULL, &error);
  g_assert_no_error (error);
  node->config.relay = node->relay;
  node->config.timeout_ms = wzp_test_slower (WAIT_MS);
  return node;
}

TestNode *
test_node_new (WzpTest *test, WzpRelay *relay, guint index)
{
  return test_node_new_narrow (test, relay, index, 0);
}

void
test_node_free (TestNode *node)
{
  wzp_signal_client_free (node->client);
  wzp_endpoint_free (node->endpoint);
  test_peer_free (node->peer);
  g_ptr_array_unref (node->messages);
  g_clear_error (&node->error);
  g_free (node->relay);
  g_free (node);
}

void
test_node_start (TestNode *node, const char *alias)
{
  node->config.alias = alias;
  g_clear_pointer (&node->client, wzp_signal_client_free);
  node->client = wzp_signal_client_new (
      node->endpoint, node->identity, &node->config, &signal_handler, node);
  wzp_signal_client_start (node->client);
}

void
test_node_register (TestNode *node, const char *alias)
{
  test_node_start (node, alias);
  wzp_test_assert_until (node->test,
      wzp_signal_client_is_ready (node->client) || node->n_failed > 0, WAIT_MS);
  g_assert_no_error (node->error);
}

void
test_node_send (TestNode *node, WzpMessage *message)
{
  g_autoptr (GError) error = NULL;

  wzp_signal_client_send (node->client, message, &error);
  g_assert_no_error (error);
  wzp_message_free (message);
}

WzpMessage *
test_node_expect (TestNode *node, WzpMessageType type)
{
  WzpMessage *message;

  wzp_test_assert_until (node->test, node->messages->len > 0, WAIT_MS);
  message = g_ptr_array_steal_index (node->messages, 0);
  g_assert_cmpstr (wzp_message_type_to_string (message->type), ==,
      wzp_message_type_to_string (type));
  return message;
}

void
test_node_expect_hangup (TestNode *node, const char *call_id,
    WzpHangupReason reason, const char *detail)
{
  g_autoptr (WzpMessage) message = test_node_expect (node, WZP_MESSAGE_HANGUP);

  g_assert_cmpstr (message->call_id, ==, call_id);
  g_assert_cmpint (message->reason, ==, reason);
  g_assert_cmpstr (message->detail, ==, detail);
}

void
test_node_call (TestNode *a, TestNode *b, const char *call_id)
{
  static const WzpMessageType to_caller[] = { WZP_MESSAGE_DIRECT_CALL_ANSWER,
    WZP_MESSAGE_CALL_SETUP };

  test_node_send (a, test_peer_offer (a->peer, b->peer->fp, call_id));
  wzp_message_free (test_node_expect (b, WZP_MESSAGE_DIRECT_CALL_OFFER));
  test_node_send (
      b, test_peer_answer (b->peer, a->peer->fp, call_id, WZP_ACCEPT_TRUSTED));
  for (gsize i = 0; i < G_N_ELEMENTS (to_caller); i++)
    wzp_message_free (test_node_expect (a, to_caller[i]));
  wzp_message_free (test_node_expect (b, WZP_MESSAGE_CALL_SETUP));
}

static void
on_established (WzpConn *wzp_conn, gpointer user_data)
{
  TestConn *conn = user_data;

  conn->is_established = TRUE;
}

static void
on_datagram (
    WzpConn *wzp_conn, const guint8 *data, gsize len, gpointer user_data)
{
  TestConn *conn = user_data;

  g_ptr_array_add (conn->datagrams, g_bytes_new (data, len));
}

static void
on_stream_data (WzpConn *wzp_conn, gint64 stream_id, const guint8 *data,
    gsize len, gboolean fin, gpointer user_data)
{
  TestConn *conn = user_data;

  wzp_channel_stream_data (conn->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *wzp_conn, gint64 stream_id, gpointer user_data)
{
  TestConn *conn = user_data;

  wzp_channel_stream_closed (conn->channel, stream_id);
}

static void
on_conn_message (
    WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  TestConn *conn = user_data;

  g_ptr_array_add (conn->messages, wzp_message_copy (message));
}

static const WzpChannelHandler channel_handler = {
  .message = on_conn_message,
};

static void
on_closed (WzpConn *wzp_conn, const WzpCloseInfo *info, gpointer user_data)
{
  TestConn *conn = user_data;

  conn->is_closed = TRUE;
  conn->close_code = info->code;
  conn->close_is_application = info->is_application;
  conn->close_reason = g_strdup (info->reason);
}

static const WzpConnHandler conn_handler = {
  .established = on_established,
  .datagram = on_datagram,
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

static gboolean
trust_any (const guint8 cert_sha256[32], const guint8 *key_or_null,
    gpointer user_data, GError **error)
{
  return TRUE;
}

TestConn *
test_conn_new (TestNode *node, WzpRelay *relay, const char *server_name)
{
  const WzpDialOptions options = { .server_name = server_name,
    .timeout_ms = wzp_test_slower (WAIT_MS),
    .verify = trust_any };
  TestConn *conn = g_new0 (TestConn, 1);
  g_autoptr (GError) error = NULL;
  WzpAddr addr;

  if (relay != NULL)
    test_relay_get_addr (relay, &addr);
  else
    g_assert_true (wzp_addr_parse (node->relay, &addr, NULL));
  conn->node = node;
  conn->datagrams =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  conn->conn = wzp_endpoint_dial (
      node->endpoint, &addr, &options, &conn_handler, conn, &error);
  g_assert_no_error (error);
  conn->channel = wzp_channel_new (conn->conn, &channel_handler, conn);
  conn->messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) wzp_message_free);
  return conn;
}

void
test_conn_free (TestConn *conn)
{
  wzp_conn_set_handler (conn->conn, NULL, NULL);
  wzp_channel_free (conn->channel);
  wzp_conn_close (conn->conn, WZP_CLOSE_NORMAL, NULL);
  wzp_conn_unref (conn->conn);
  g_ptr_array_unref (conn->datagrams);
  g_ptr_array_unref (conn->messages);
  g_free (conn->close_reason);
  g_free (conn);
}

void
test_conn_wait (TestConn *conn)
{
  wzp_test_assert_until (
      conn->node->test, conn->is_established || conn->is_closed, WAIT_MS);
  g_assert_cmpstr (conn->close_reason, ==, NULL);
  g_assert_true (conn->is_established);
}

void
test_conn_wait_closed (TestConn *conn, guint64 code, const char *reason)
{
  wzp_test_assert_until (conn->node->test, conn->is_closed, WAIT_MS);
  g_assert_true (conn->close_is_application);
  g_assert_cmpuint (conn->close_code, ==, code);
  if (conn->close_reason == NULL || strstr (conn->close_reason, reason) == NULL)
    g_error ("\"%s\" does not say: %s", conn->close_reason, reason);
}

gboolean
test_conn_send (TestConn *conn, const void *data, gsize len)
{
  struct iovec iov = { .iov_base = (void *) data, .iov_len = len };

  return wzp_conn_send_datagram (conn->conn, &iov, 1);
}

void
test_conn_send_message (TestConn *conn, WzpMessage *message)
{
  g_autoptr (GError) error = NULL;

  wzp_channel_send (conn->channel, message, &error);
  g_assert_no_error (error);
  wzp_message_free (message);
}

WzpMessage *
test_conn_expect (TestConn *conn, WzpMessageType type)
{
  WzpMessage *message;

  wzp_test_assert_until (
      conn->node->test, conn->messages->len > 0 || conn->is_closed, WAIT_MS);
  g_assert_cmpstr (conn->close_reason, ==, NULL);
  message = g_ptr_array_steal_index (conn->messages, 0);
  g_assert_cmpstr (wzp_message_type_to_string (message->type), ==,
      wzp_message_type_to_string (type));
  return message;
}
