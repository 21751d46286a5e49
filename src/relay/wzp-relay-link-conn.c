#include "wzp-relay-link-conn.h"

#include "wzp-channel.h"
#include "wzp-relay-trust.h"

#include <string.h>

struct _WzpRelayLinkConn {
  WzpConn *conn;       /* owned */
  WzpChannel *channel; /* owned */
  guint8 peer[32];
  const WzpRelayLinkConnHandler *handler;
  gpointer user_data;
  GQueue early; /* of WzpMessage, that came before the hello */
  gboolean is_up;
  gboolean is_freed;
  guint depth; /* of calls that may reach the handler */
};

static void
leave (WzpRelayLinkConn *self)
{
  if (--self->depth == 0 && self->is_freed)
    g_free (self);
}

void
wzp_relay_link_conn_free (
    WzpRelayLinkConn *self, WzpCloseCode code, const char *text)
{
  if (self == NULL)
    return;

  self->is_freed = TRUE;
  wzp_channel_free (self->channel);
  wzp_conn_set_handler (self->conn, NULL, NULL);
  wzp_conn_close (self->conn, code, text);
  wzp_conn_unref (self->conn);
  g_queue_clear_full (&self->early, (GDestroyNotify) wzp_message_free);
  self->depth++;
  leave (self);
}

/* The peer broke the protocol: the end is told to it when the handler frees
 * @self. The last statement of its callers. */
static void
fail (WzpRelayLinkConn *self, const char *text)
{
  g_autoptr (GError) error =
      g_error_new_literal (WZP_ERROR, WZP_ERROR_PROTOCOL, text);

  wzp_conn_close (self->conn, WZP_CLOSE_PROTOCOL, text);
  self->handler->closed (self, error, FALSE, self->user_data);
}

static void
take_hello (WzpRelayLinkConn *self, const WzpMessage *hello)
{
  WzpMessage *message;
  guint8 sha256[32];

  if (self->is_up)
    return;
  if (!wzp_relay_fingerprint_parse (hello->tls_fingerprint, sha256, NULL) ||
      memcmp (sha256, self->peer, sizeof sha256) != 0) {
    fail (self, "the hello names another certificate");
    return;
  }
  self->is_up = TRUE;
  self->handler->up (self, self->user_data);
  /* Freed, it has none. */
  while ((message = g_queue_pop_head (&self->early)) != NULL) {
    self->handler->message (self, message, self->user_data);
    wzp_message_free (message);
  }
}

static void
hold (WzpRelayLinkConn *self, const WzpMessage *message)
{
  if (self->early.length >= WZP_RELAY_LINK_CONN_MAX_EARLY)
    fail (self, "too many messages before the hello");
  else
    g_queue_push_tail (&self->early, wzp_message_copy (message));
}

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  WzpRelayLinkConn *self = user_data;

  self->depth++;
  if (message->type == WZP_MESSAGE_FEDERATION_HELLO)
    take_hello (self, message);
  else if (self->is_up)
    self->handler->message (self, message, self->user_data);
  else
    hold (self, message);
  leave (self);
}

static void
on_malformed (WzpChannel *channel, const GError *error, gpointer user_data)
{
  WzpRelayLinkConn *self = user_data;

  self->depth++;
  self->handler->malformed (self, self->user_data);
  leave (self);
}

static const WzpChannelHandler channel_handler = {
  .message = on_message,
  .malformed = on_malformed,
};

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  WzpRelayLinkConn *self = user_data;

  wzp_channel_stream_data (self->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  WzpRelayLinkConn *self = user_data;

  wzp_channel_stream_closed (self->channel, stream_id);
}

static void
on_datagram (WzpConn *conn, const guint8 *data, gsize len, gpointer user_data)
{
  WzpRelayLinkConn *self = user_data;
  guint64 tag;

  if (!self->is_up || len < WZP_RELAY_LINK_CONN_TAG_LEN)
    return;
  memcpy (&tag, data, sizeof tag);
  self->depth++;
  self->handler->datagram (self, GUINT64_FROM_BE (tag),
      data + WZP_RELAY_LINK_CONN_TAG_LEN, len - WZP_RELAY_LINK_CONN_TAG_LEN,
      self->user_data);
  leave (self);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  WzpRelayLinkConn *self = user_data;

  self->depth++;
  self->handler->closed (self, info->error,
      info->is_remote && info->is_application &&
          info->code == WZP_CLOSE_REFUSED,
      self->user_data);
  leave (self);
}

static const WzpConnHandler conn_handler = {
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .datagram = on_datagram,
  .closed = on_closed,
};

static void
send_hello (WzpRelayLinkConn *self, const char *own)
{
  g_autoptr (WzpMessage) hello = wzp_message_new (WZP_MESSAGE_FEDERATION_HELLO);

  hello->tls_fingerprint = g_strdup (own);
  /* On a connection that has sent nothing it fails only when that is closed,
   * and then closed() tells. */
  wzp_channel_send (self->channel, hello, NULL);
}

WzpRelayLinkConn *
wzp_relay_link_conn_new (WzpConn *conn, const char *own, const guint8 peer[32],
    const WzpRelayLinkConnHandler *handler, gpointer user_data)
{
  WzpRelayLinkConn *self = g_new0 (WzpRelayLinkConn, 1);

  self->conn = wzp_conn_ref (conn);
  memcpy (self->peer, peer, sizeof self->peer);
  self->handler = handler;
  self->user_data = user_data;
  g_queue_init (&self->early);
  self->channel = wzp_channel_new (conn, &channel_handler, self);
  wzp_conn_set_handler (conn, &conn_handler, self);
  send_hello (self, own);
  return self;
}

gboolean
wzp_relay_link_conn_is_up (const WzpRelayLinkConn *self)
{
  return self->is_up;
}

gboolean
wzp_relay_link_conn_is_dialled (const WzpRelayLinkConn *self)
{
  return !wzp_conn_is_server (self->conn);
}

WzpConn *
wzp_relay_link_conn_get_conn (const WzpRelayLinkConn *self)
{
  return self->conn;
}

gboolean
wzp_relay_link_conn_send (
    WzpRelayLinkConn *self, const WzpMessage *message, GError **error)
{
  return wzp_channel_send (self->channel, message, error);
}

gboolean
wzp_relay_link_conn_send_datagram (
    WzpRelayLinkConn *self, guint64 tag, const guint8 *data, gsize len)
{
  guint64 head = GUINT64_TO_BE (tag);
  struct iovec iov[2] = {
    { .iov_base = &head, .iov_len = sizeof head },
    { .iov_base = (guint8 *) data, .iov_len = len },
  };

  return wzp_conn_send_datagram (self->conn, iov, G_N_ELEMENTS (iov));
}

gsize
wzp_relay_link_conn_get_max_datagram (const WzpRelayLinkConn *self)
{
  gsize max = wzp_conn_get_max_datagram (self->conn);

  return max > WZP_RELAY_LINK_CONN_TAG_LEN ? max - WZP_RELAY_LINK_CONN_TAG_LEN
                                           : 0;
}
