#include "wzp-reflect-probe.h"

#include "wzp-channel.h"

struct _WzpReflectProbe {
  WzpReflectFunc func;
  gpointer user_data;
  WzpConn *conn;       /* owned; NULL: not dialled yet */
  WzpChannel *channel; /* owned; NULL: not established yet */
};

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  WzpReflectProbe *self = user_data;
  WzpAddr seen;

  if (message->type != WZP_MESSAGE_REFLECT_RESPONSE)
    return;
  if (wzp_addr_parse (message->observed_addr, &seen, NULL))
    self->func (self, &seen, self->user_data);
  else
    self->func (self, NULL, self->user_data);
}

static const WzpChannelHandler channel_handler = { .message = on_message };

static void
on_established (WzpConn *conn, gpointer user_data)
{
  static const WzpMessage reflect = { .type = WZP_MESSAGE_REFLECT };
  WzpReflectProbe *self = user_data;

  self->channel = wzp_channel_new (conn, &channel_handler, self);
  wzp_channel_send (self->channel, &reflect, NULL);
}

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  WzpReflectProbe *self = user_data;

  if (self->channel != NULL)
    wzp_channel_stream_data (self->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  WzpReflectProbe *self = user_data;

  if (self->channel != NULL)
    wzp_channel_stream_closed (self->channel, stream_id);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  WzpReflectProbe *self = user_data;

  self->func (self, NULL, self->user_data);
}

const WzpConnHandler *
wzp_reflect_probe_get_handler (void)
{
  static const WzpConnHandler handler = {
    .established = on_established,
    .stream_data = on_stream_data,
    .stream_closed = on_stream_closed,
    .closed = on_closed,
  };

  return &handler;
}

WzpReflectProbe *
wzp_reflect_probe_new (WzpReflectFunc func, gpointer user_data)
{
  WzpReflectProbe *self = g_new0 (WzpReflectProbe, 1);

  self->func = func;
  self->user_data = user_data;
  return self;
}

void
wzp_reflect_probe_free (WzpReflectProbe *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->channel, wzp_channel_free);
  if (self->conn != NULL) {
    wzp_conn_set_handler (self->conn, NULL, NULL);
    wzp_conn_close (self->conn, WZP_CLOSE_NORMAL, NULL);
    wzp_conn_unref (self->conn);
  }
  g_free (self);
}

void
wzp_reflect_probe_take (WzpReflectProbe *self, WzpConn *conn)
{
  g_return_if_fail (self != NULL && self->conn == NULL);

  self->conn = conn;
}
