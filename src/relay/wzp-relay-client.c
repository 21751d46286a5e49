#include "wzp-relay-private.h"

#include "wzp-channel.h"
#include "wzp-clock.h"

struct _WzpRelayClient {
  WzpRelay *relay;               /* not owned */
  WzpConn *conn;                 /* owned */
  WzpChannel *channel;           /* owned */
  WzpRegistryClient *registered; /* owned by the registry */
  GList link;                    /* of relay->clients */
};

void
wzp_relay_client_drop (
    WzpRelayClient *self, WzpCloseCode code, const char *text)
{
  WzpRelay *relay = self->relay;

  wzp_registry_remove (relay->registry, self->registered);
  g_queue_unlink (&relay->clients, &self->link);
  wzp_channel_free (self->channel);
  wzp_conn_set_handler (self->conn, NULL, NULL);
  wzp_conn_close (self->conn, code, text);
  wzp_conn_unref (self->conn);
  g_free (self);
}

void
wzp_relay_client_send (WzpRelayClient *self, const WzpMessage *message)
{
  g_autoptr (GError) error = NULL;

  if (wzp_channel_send (self->channel, message, &error))
    return;
  g_debug ("client dropped: %s", error->message);
  wzp_relay_client_drop (self, WZP_CLOSE_BUSY, "messages are not taken off");
}

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  WzpRelayClient *self = user_data;
  WzpRelay *relay = self->relay;

  wzp_registry_message (relay->registry, self->registered, message,
      wzp_conn_get_remote (self->conn), wzp_conn_get_local (self->conn),
      wzp_clock_now_us ());
  wzp_relay_pump (relay);
}

static void
on_malformed (WzpChannel *channel, const GError *error, gpointer user_data)
{
  WzpRelayClient *self = user_data;

  self->relay->stats.malformed++;
}

static const WzpChannelHandler channel_handler = {
  .message = on_message,
  .malformed = on_malformed,
};

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  WzpRelayClient *self = user_data;

  wzp_channel_stream_data (self->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  WzpRelayClient *self = user_data;

  wzp_channel_stream_closed (self->channel, stream_id);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  WzpRelayClient *self = user_data;
  WzpRelay *relay = self->relay;

  g_debug ("client gone: %s", info->error->message);
  wzp_relay_client_drop (self, WZP_CLOSE_NORMAL, NULL);
  wzp_relay_pump (relay);
}

static const WzpConnHandler conn_handler = {
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

gboolean
wzp_relay_client_accept (WzpRelay *relay, WzpConn *conn)
{
  WzpRelayClient *self = g_new0 (WzpRelayClient, 1);

  self->registered = wzp_registry_add (
      relay->registry, wzp_conn_get_peer_key (conn), self, NULL);
  if (self->registered == NULL) {
    g_free (self);
    wzp_relay_refuse (relay, conn, WZP_CLOSE_BUSY, "too many clients");
    return FALSE;
  }
  self->relay = relay;
  self->conn = wzp_conn_ref (conn);
  self->channel = wzp_channel_new (conn, &channel_handler, self);
  self->link.data = self;
  g_queue_push_tail_link (&relay->clients, &self->link);
  wzp_conn_set_handler (conn, &conn_handler, self);
  return TRUE;
}
