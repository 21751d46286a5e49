#include "wzp-relay-private.h"

#include "wzp-channel.h"
#include "wzp-clock.h"
#include "wzp-relay-log.h"

struct _WzpRelayClient {
  WzpRelay *relay;               /* not owned */
  WzpConn *conn;                 /* owned */
  WzpChannel *channel;           /* owned */
  WzpRegistryClient *registered; /* owned by the registry */
  WzpQuotaUse *use;              /* owned by the quota */
  GList link;                    /* of relay->clients */
  char *token;        /* owned: an AuthToken not judged yet, or NULL */
  gboolean is_second; /* at the second port */
  gboolean is_authorized;
  gboolean has_claimed;   /* a registration came: ... */
  WzpFingerprint claimed; /* ... of this identity */
  double messages;        /* that it may send now */
  gint64 messages_us;     /* as of then */
};

void
wzp_relay_client_drop (
    WzpRelayClient *self, WzpCloseCode code, const char *text)
{
  WzpRelay *relay = self->relay;
  gint64 now_us = wzp_clock_now_us ();

  wzp_registry_remove (relay->registry, self->registered, now_us);
  wzp_quota_release (relay->quota, self->use, now_us);
  g_queue_unlink (&relay->clients, &self->link);
  wzp_channel_free (self->channel);
  wzp_conn_set_handler (self->conn, NULL, NULL);
  wzp_conn_close (self->conn, code, text);
  wzp_conn_unref (self->conn);
  g_free (self->token);
  g_free (self);
}

gboolean
wzp_relay_client_has_calls (const WzpRelayClient *self)
{
  return wzp_registry_client_has_calls (self->registered);
}

void
wzp_relay_client_send (WzpRelayClient *self, const WzpMessage *message)
{
  g_autoptr (GError) error = NULL;

  if (wzp_channel_send (self->channel, message, &error))
    return;
  wzp_log_debug (WZP_ABOUT (.addr = wzp_conn_get_remote (self->conn)),
      "client dropped: %s", error->message);
  wzp_relay_client_drop (self, WZP_CLOSE_BUSY, "messages are not taken off");
}

/* ---- who may register ---- */

static void
send_not_authorized (WzpRelayClient *self, const char *why)
{
  g_autoptr (WzpMessage) ack =
      wzp_message_new (WZP_MESSAGE_REGISTER_PRESENCE_ACK);

  self->relay->stats.unauthorized++;
  ack->error = g_strdup (why);
  wzp_relay_client_send (self, ack);
}

static void
authorize (WzpRelayClient *self)
{
  self->is_authorized = TRUE;
  g_clear_pointer (&self->token, g_free);
  wzp_registry_authorize (
      self->relay->registry, self->registered, wzp_clock_now_us ());
}

/* FALSE: refused with words, and @self may be gone. */
static gboolean
judge_token (WzpRelayClient *self, const WzpFingerprint *who)
{
  g_autoptr (GError) error = NULL;

  if (wzp_relay_access_check_token (self->relay->access, self->token, who, NULL,
          g_get_real_time () / G_USEC_PER_SEC, &error)) {
    authorize (self);
    return TRUE;
  }
  g_clear_pointer (&self->token, g_free);
  send_not_authorized (self, error->message);
  return FALSE;
}

/* The token may be for one identity, which one without a certificate names only
 * as it registers. */
static gboolean
on_token (WzpRelayClient *self, const WzpMessage *message)
{
  const WzpFingerprint *who = wzp_conn_get_peer_fingerprint (self->conn);

  if (self->is_authorized ||
      wzp_relay_access_get_kind (self->relay->access) != WZP_ACCESS_TOKEN)
    return TRUE;
  g_free (self->token);
  self->token = g_strndup (message->token, WZP_TOKEN_MAX_LEN + 1);
  if (who == NULL && self->has_claimed)
    who = &self->claimed;
  return who == NULL || judge_token (self, who);
}

/* One connection is one identity: who is let in by what it claims, with a token
 * that is somebody else's, must not then be somebody who was held back. */
static gboolean
take_claim (WzpRelayClient *self, const WzpFingerprint *who)
{
  if (self->has_claimed)
    return wzp_fingerprint_equal (who, &self->claimed);
  self->has_claimed = TRUE;
  self->claimed = *who;
  return TRUE;
}

/* Whoever has no certificate is who the registration says, or the registry
 * finds its signature wrong. FALSE: refused with words. */
static gboolean
on_register (WzpRelayClient *self, const WzpMessage *message)
{
  WzpFingerprint who;

  if (self->is_authorized)
    return TRUE;
  wzp_fingerprint_of_key (message->identity_pub, &who);
  if (!take_claim (self, &who)) {
    send_not_authorized (
        self, "the connection belongs to another identity already");
    return FALSE;
  }
  switch (wzp_relay_access_get_kind (self->relay->access)) {
    case WZP_ACCESS_OPEN:
      return TRUE;
    case WZP_ACCESS_TOKEN:
      /* Without one the registry waits a little: it may have been overtaken. */
      return self->token == NULL || judge_token (self, &who);
    case WZP_ACCESS_ALLOW_LIST:
      if (wzp_relay_access_admits (self->relay->access, &who)) {
        authorize (self);
        return TRUE;
      }
      send_not_authorized (self, "this identity is not on the relay's list");
      return FALSE;
  }
  g_return_val_if_reached (FALSE);
}

/* ---- messages ---- */

static gboolean
on_offer (WzpRelayClient *self, const WzpMessage *message)
{
  WzpRelay *relay = self->relay;
  g_autoptr (WzpMessage) hangup = NULL;

  if (!relay->is_draining &&
      wzp_quota_use_call (relay->quota, self->use, wzp_clock_now_us ()))
    return TRUE;
  hangup = wzp_message_new (WZP_MESSAGE_HANGUP);
  hangup->call_id = g_strdup (message->call_id);
  hangup->reason = WZP_HANGUP_BUSY;
  hangup->detail = g_strdup (WZP_HANGUP_DETAIL_LIMIT);
  wzp_relay_client_send (self, hangup);
  return FALSE;
}

/* Each costs the relay something, a registration a signature's check. */
static gboolean
may_send (WzpRelayClient *self)
{
  gint64 now_us = wzp_clock_now_us ();

  self->messages = MIN (WZP_RELAY_CLIENT_BURST,
      self->messages +
          (double) (now_us - self->messages_us) *
              WZP_RELAY_CLIENT_MESSAGES_PER_S / G_USEC_PER_SEC);
  self->messages_us = now_us;
  if (self->messages < 1)
    return FALSE;
  self->messages -= 1;
  return TRUE;
}

/* Whether it is for the registry; FALSE: dealt with, and @self may be gone. */
static gboolean
is_for_registry (WzpRelayClient *self, const WzpMessage *message)
{
  switch (message->type) {
    case WZP_MESSAGE_REFLECT:
    case WZP_MESSAGE_PING:
      return TRUE;
    case WZP_MESSAGE_AUTH_TOKEN:
      return !self->is_second && on_token (self, message);
    case WZP_MESSAGE_REGISTER_PRESENCE:
      return !self->is_second && on_register (self, message);
    case WZP_MESSAGE_DIRECT_CALL_OFFER:
      return !self->is_second && on_offer (self, message);
    default:
      return !self->is_second;
  }
}

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  WzpRelayClient *self = user_data;
  WzpRelay *relay = self->relay;

  if (!may_send (self)) {
    relay->stats.refused++;
    wzp_relay_client_drop (self, WZP_CLOSE_BUSY, "too many messages");
    wzp_relay_pump (relay);
    return;
  }
  if (is_for_registry (self, message))
    wzp_registry_message (relay->registry, self->registered, message,
        wzp_conn_get_remote (self->conn),
        relay->has_public_address ? &relay->public_address
                                  : wzp_conn_get_local (self->conn),
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

/* ---- the connection ---- */

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

  wzp_log_debug (WZP_ABOUT (.addr = wzp_conn_get_remote (conn)),
      "client gone: %s", info->error->message);
  wzp_relay_client_drop (self, WZP_CLOSE_NORMAL, NULL);
  wzp_relay_pump (relay);
}

static const WzpConnHandler conn_handler = {
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

static gboolean
refuse_busy (WzpRelay *relay, WzpConn *conn, const char *text)
{
  wzp_relay_refuse (relay, conn, WZP_CLOSE_BUSY, text);
  return FALSE;
}

gboolean
wzp_relay_client_accept (WzpRelay *relay, WzpConn *conn, gboolean is_second)
{
  const WzpFingerprint *who = wzp_conn_get_peer_fingerprint (conn);
  gint64 now_us = wzp_clock_now_us ();
  WzpRelayClient *self = g_new0 (WzpRelayClient, 1);

  self->use = wzp_quota_connect (
      relay->quota, wzp_conn_get_remote (conn), who, now_us, NULL);
  if (self->use == NULL) {
    g_free (self);
    return refuse_busy (relay, conn, "too many connections");
  }
  self->registered = wzp_registry_add (
      relay->registry, wzp_conn_get_peer_key (conn), self, NULL);
  if (self->registered == NULL) {
    wzp_quota_release (relay->quota, self->use, now_us);
    g_free (self);
    return refuse_busy (relay, conn, "too many clients");
  }
  self->relay = relay;
  self->is_second = is_second;
  self->messages = WZP_RELAY_CLIENT_BURST;
  self->messages_us = now_us;
  self->conn = wzp_conn_ref (conn);
  self->channel = wzp_channel_new (conn, &channel_handler, self);
  self->link.data = self;
  g_queue_push_tail_link (&relay->clients, &self->link);
  wzp_conn_set_handler (conn, &conn_handler, self);
  if (who != NULL && wzp_relay_access_admits (relay->access, who))
    authorize (self);
  return TRUE;
}
