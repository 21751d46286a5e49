#include "signal-test-relay.h"

static void
free_peer (gpointer data)
{
  TestRelayPeer *peer = data;

  wzp_channel_free (peer->channel);
  wzp_conn_set_handler (peer->conn, NULL, NULL);
  wzp_conn_close (peer->conn, WZP_CLOSE_SHUTDOWN, NULL);
  wzp_conn_unref (peer->conn);
  g_ptr_array_unref (peer->messages);
  g_free (peer->server_name);
  g_free (peer);
}

void
test_relay_send (TestRelayPeer *peer, const WzpMessage *message)
{
  g_autoptr (GError) error = NULL;

  wzp_channel_send (peer->channel, message, &error);
  g_assert_no_error (error);
}

static void
answer_register (TestRelayPeer *peer)
{
  g_autoptr (WzpMessage) ack =
      wzp_message_new (WZP_MESSAGE_REGISTER_PRESENCE_ACK);

  ack->success = peer->relay->ack_error == NULL;
  ack->error = g_strdup (peer->relay->ack_error);
  if (peer->relay->before_ack != NULL)
    peer->relay->before_ack (peer);
  test_relay_send (peer, ack);
}

static void
answer_reflect (TestRelayPeer *peer)
{
  g_autoptr (WzpMessage) reply = wzp_message_new (WZP_MESSAGE_REFLECT_RESPONSE);
  char text[WZP_ADDR_MAX_STRLEN];

  reply->observed_addr = g_strdup (peer->relay->observed != NULL
          ? peer->relay->observed
          : wzp_addr_to_string (wzp_conn_get_remote (peer->conn), text));
  reply->second_port = peer->relay->second_port;
  test_relay_send (peer, reply);
}

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  TestRelayPeer *peer = user_data;

  g_ptr_array_add (peer->messages, wzp_message_copy (message));
  if (peer->relay->is_silent)
    return;
  if (message->type == WZP_MESSAGE_REGISTER_PRESENCE)
    answer_register (peer);
  else if (message->type == WZP_MESSAGE_REFLECT && !peer->relay->no_reflect)
    answer_reflect (peer);
}

static const WzpChannelHandler channel_handler = { .message = on_message };

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  TestRelayPeer *peer = user_data;

  wzp_channel_stream_data (peer->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  TestRelayPeer *peer = user_data;

  wzp_channel_stream_closed (peer->channel, stream_id);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  TestRelayPeer *peer = user_data;

  peer->is_closed = TRUE;
  peer->info = *info;
  peer->info.reason = NULL;
  peer->info.error = NULL;
}

static const WzpConnHandler conn_handler = {
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

static gboolean
on_accept (WzpEndpoint *endpoint, WzpConn *conn, gpointer user_data)
{
  TestRelay *relay = user_data;
  TestRelayPeer *peer = g_new0 (TestRelayPeer, 1);

  peer->relay = relay;
  peer->conn = wzp_conn_ref (conn);
  peer->channel = wzp_channel_new (conn, &channel_handler, peer);
  peer->server_name = g_strdup (wzp_conn_get_server_name (conn));
  peer->messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) wzp_message_free);
  wzp_conn_set_handler (conn, &conn_handler, peer);
  g_ptr_array_add (relay->peers, peer);
  return TRUE;
}

static const WzpEndpointHandler endpoint_handler = { .accept = on_accept };

TestRelay *
test_relay_new (GMainContext *context, WzpIdentity *identity, guint16 port)
{
  const WzpEndpointConfig config = { .bind_address = "127.0.0.1",
    .bind_port = port };
  TestRelay *relay = g_new0 (TestRelay, 1);
  g_autoptr (GError) error = NULL;
  char text[WZP_ADDR_MAX_STRLEN];

  relay->identity = identity != NULL ? wzp_identity_ref (identity)
                                     : wzp_identity_new_ephemeral ();
  relay->peers = g_ptr_array_new_with_free_func (free_peer);
  relay->endpoint = wzp_endpoint_new (
      context, relay->identity, &config, &endpoint_handler, relay, &error);
  g_assert_no_error (error);
  g_assert_true (wzp_addr_parse_ip ("127.0.0.1",
      wzp_endpoint_get_port (relay->endpoint, 4), &relay->addr, NULL));
  relay->host_port = g_strdup (wzp_addr_to_string (&relay->addr, text));
  return relay;
}

void
test_relay_free (TestRelay *relay)
{
  if (relay == NULL)
    return;
  g_ptr_array_unref (relay->peers);
  wzp_endpoint_free (relay->endpoint);
  wzp_identity_unref (relay->identity);
  g_free (relay->host_port);
  g_free (relay);
}

TestRelayPeer *
test_relay_peer (TestRelay *relay)
{
  return relay->peers->len > 0 ? relay->peers->pdata[relay->peers->len - 1]
                               : NULL;
}

const WzpMessage *
test_relay_find (const TestRelayPeer *peer, WzpMessageType type)
{
  for (guint i = 0; peer != NULL && i < peer->messages->len; i++) {
    const WzpMessage *message = peer->messages->pdata[i];

    if (message->type == type)
      return message;
  }
  return NULL;
}

WzpEndpoint *
test_client_endpoint_new (GMainContext *context, WzpIdentity *identity)
{
  const WzpEndpointConfig config = { .bind_address = "127.0.0.1",
    .accept_none = TRUE };
  g_autoptr (GError) error = NULL;
  WzpEndpoint *endpoint =
      wzp_endpoint_new (context, identity, &config, NULL, NULL, &error);

  g_assert_no_error (error);
  return endpoint;
}
