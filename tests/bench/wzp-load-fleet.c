#include "wzp-load-fleet.h"

#include <string.h>

#include "wzp-channel.h"
#include "wzp-load-wait.h"

/* Behind a busy relay a handshake may take long. */
#define DIAL_MS 30000u

struct _LoadClient {
  LoadFleet *fleet;      /* not owned */
  WzpIdentity *identity; /* owned */
  WzpEndpoint *endpoint; /* not owned */
  WzpConn *conn;         /* owned; NULL: not dialled, or lost */
  WzpChannel *channel;   /* owned; with conn */
  gboolean is_registered;
};

struct _LoadFleet {
  WzpAddr relay;
  const LoadFleetHandler *handler;
  gpointer user_data;
  WzpIdentity *identity; /* owned: of the endpoints; shown to nobody */
  GPtrArray *endpoints;  /* of WzpEndpoint, owned */
  GPtrArray *clients;    /* of LoadClient, owned */
  guint n_dialled, n_registered, n_failed, n_lost;
  guint at_once;
};

static gboolean
trust_any (const guint8 cert_sha256[32], const guint8 *key_or_null,
    gpointer user_data, GError **error)
{
  return TRUE;
}

static void dial_more (LoadFleet *self);

static void
hang_up (LoadClient *client)
{
  if (client->conn == NULL)
    return;
  g_clear_pointer (&client->channel, wzp_channel_free);
  wzp_conn_set_handler (client->conn, NULL, NULL);
  wzp_conn_close (client->conn, WZP_CLOSE_NORMAL, NULL);
  g_clear_pointer (&client->conn, wzp_conn_unref);
}

static void
lose (LoadClient *client, const char *why)
{
  LoadFleet *self = client->fleet;

  g_debug ("client lost: %s", why);
  hang_up (client);
  if (client->is_registered)
    self->n_lost++;
  else
    self->n_failed++;
  client->is_registered = FALSE;
  dial_more (self);
}

static void
on_channel_message (
    WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  LoadClient *client = user_data;
  LoadFleet *self = client->fleet;

  if (message->type != WZP_MESSAGE_REGISTER_PRESENCE_ACK) {
    if (self->handler->message != NULL)
      self->handler->message (client, message, self->user_data);
    return;
  }
  if (client->is_registered)
    return;
  if (!message->success) {
    lose (client, message->error != NULL ? message->error : "refused");
    return;
  }
  client->is_registered = TRUE;
  self->n_registered++;
  dial_more (self);
}

static const WzpChannelHandler channel_handler = {
  .message = on_channel_message,
};

static void
sign (const LoadClient *client, WzpMessage *message, GBytes *text)
{
  message->has_identity_pub = TRUE;
  memcpy (message->identity_pub, wzp_identity_get_public_key (client->identity),
      WZP_PUBLIC_KEY_LEN);
  message->has_signature = TRUE;
  wzp_identity_sign (client->identity, text, message->signature);
}

static void
on_established (WzpConn *conn, gpointer user_data)
{
  LoadClient *client = user_data;
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_REGISTER_PRESENCE);
  g_autoptr (GBytes) text = wzp_message_signed_register (
      wzp_identity_get_public_key (client->identity));

  sign (client, message, text);
  load_client_send (client, message);
  /* As every client does. */
  load_client_send (client, wzp_message_new (WZP_MESSAGE_REFLECT));
}

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  LoadClient *client = user_data;

  wzp_channel_stream_data (client->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  LoadClient *client = user_data;

  wzp_channel_stream_closed (client->channel, stream_id);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  lose (user_data, info->error->message);
}

static const WzpConnHandler conn_handler = {
  .established = on_established,
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

static void
dial (LoadClient *client)
{
  client->conn =
      load_client_dial (client, WZP_SNI_SIGNAL, &conn_handler, client);
  if (client->conn == NULL) {
    client->fleet->n_failed++;
    return;
  }
  client->channel = wzp_channel_new (client->conn, &channel_handler, client);
}

static void
dial_more (LoadFleet *self)
{
  while (self->n_dialled < self->clients->len &&
      self->n_dialled - self->n_registered - self->n_failed < self->at_once)
    dial (g_ptr_array_index (self->clients, self->n_dialled++));
}

static void
free_client (gpointer data)
{
  LoadClient *client = data;

  hang_up (client);
  wzp_identity_unref (client->identity);
  g_free (client);
}

static void
on_packet (
    WzpEndpoint *endpoint, const WzpUdpPacket *packet, gpointer user_data)
{
  LoadFleet *self = user_data;

  if (self->handler->packet != NULL)
    self->handler->packet (packet, self->user_data);
}

static const WzpEndpointHandler endpoint_handler = {
  .packet = on_packet,
};

LoadFleet *
load_fleet_new (const WzpAddr *relay, guint n_sockets,
    const LoadFleetHandler *handler, gpointer user_data, GError **error)
{
  const WzpEndpointConfig config = { .bind_address = "127.0.0.1",
    .accept_none = TRUE };
  g_autoptr (LoadFleet) self = g_new0 (LoadFleet, 1);

  self->relay = *relay;
  self->handler = handler;
  self->user_data = user_data;
  self->identity = wzp_identity_new_ephemeral ();
  self->endpoints =
      g_ptr_array_new_with_free_func ((GDestroyNotify) wzp_endpoint_free);
  self->clients = g_ptr_array_new_with_free_func (free_client);
  for (guint i = 0; i < n_sockets; i++) {
    WzpEndpoint *endpoint = wzp_endpoint_new (
        NULL, self->identity, &config, &endpoint_handler, self, error);

    if (endpoint == NULL)
      return NULL;
    g_ptr_array_add (self->endpoints, endpoint);
  }
  return g_steal_pointer (&self);
}

void
load_fleet_free (LoadFleet *self)
{
  g_ptr_array_unref (self->clients);
  g_ptr_array_unref (self->endpoints);
  wzp_identity_unref (self->identity);
  g_free (self);
}

static gboolean
is_done (gpointer user_data)
{
  const LoadFleet *self = user_data;

  return self->n_registered + self->n_failed >= self->clients->len;
}

static char *
tell (gpointer user_data)
{
  const LoadFleet *self = user_data;

  return g_strdup_printf (
      "%u of %u clients registered", self->n_registered, self->clients->len);
}

gboolean
load_fleet_register (
    LoadFleet *self, guint n, guint at_once, guint timeout_ms, gint64 *ret_us)
{
  gint64 start_us;

  for (guint i = 0; i < n; i++) {
    LoadClient *client = g_new0 (LoadClient, 1);

    client->fleet = self;
    client->identity = wzp_identity_new_ephemeral ();
    client->endpoint = g_ptr_array_index (
        self->endpoints, self->clients->len % self->endpoints->len);
    g_ptr_array_add (self->clients, client);
  }
  self->at_once = at_once;
  start_us = g_get_monotonic_time ();
  dial_more (self);
  load_wait (is_done, tell, self, timeout_ms);
  *ret_us = g_get_monotonic_time () - start_us;
  return self->n_registered == self->clients->len;
}

guint
load_fleet_get_registered (const LoadFleet *self)
{
  return self->n_registered;
}

guint
load_fleet_get_lost (const LoadFleet *self)
{
  return self->n_lost;
}

LoadClient *
load_fleet_get_client (const LoadFleet *self, guint index)
{
  return g_ptr_array_index (self->clients, index);
}

const WzpFingerprint *
load_client_get_fingerprint (const LoadClient *self)
{
  return wzp_identity_get_fingerprint (self->identity);
}

WzpEndpoint *
load_client_get_endpoint (const LoadClient *self)
{
  return self->endpoint;
}

void
load_client_send (LoadClient *self, WzpMessage *message)
{
  g_autoptr (GError) error = NULL;

  if (self->channel != NULL &&
      !wzp_channel_send (self->channel, message, &error))
    g_debug ("%s", error->message);
  wzp_message_free (message);
}

/* With as many addresses as a client with two networks has. */
static void
add_addrs (WzpMessage *message)
{
  static const char *const local[] = { "10.1.2.3:40000", "192.168.1.7:40000",
    "[fd00::1:2:3]:40000", NULL };

  message->reflexive_addr = g_strdup ("198.51.100.7:40000");
  message->local_addrs = g_strdupv ((char **) local);
}

void
load_client_send_call (LoadClient *self, WzpMessageType type,
    const char *call_id, const WzpFingerprint *to)
{
  WzpMessage *message = wzp_message_new (type);
  g_autoptr (GBytes) text = NULL;

  message->call_id = g_strdup (call_id);
  if (type == WZP_MESSAGE_DIRECT_CALL_OFFER) {
    message->has_caller_fp = TRUE;
    message->caller_fp = *load_client_get_fingerprint (self);
    message->has_target_fp = TRUE;
    message->target_fp = *to;
  } else {
    message->accept_mode = WZP_ACCEPT_TRUSTED;
  }
  add_addrs (message);
  message->has_ephemeral_pub = TRUE;
  memset (message->ephemeral_pub, 7, WZP_PUBLIC_KEY_LEN);
  text = wzp_message_signed_call (message->ephemeral_pub, to, call_id);
  sign (self, message, text);
  load_client_send (self, message);
}

WzpConn *
load_client_dial (LoadClient *self, const char *server_name,
    const WzpConnHandler *handler, gpointer user_data)
{
  const WzpDialOptions options = { .server_name = server_name,
    .timeout_ms = DIAL_MS,
    .identity = self->identity,
    .verify = trust_any };
  g_autoptr (GError) error = NULL;
  WzpConn *conn = wzp_endpoint_dial (self->endpoint, &self->fleet->relay,
      &options, handler, user_data, &error);

  if (conn == NULL)
    g_debug ("%s", error->message);
  return conn;
}
