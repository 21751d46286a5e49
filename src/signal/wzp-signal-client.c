#include "wzp-signal-client.h"

#include "wzp-channel.h"
#include "wzp-clock.h"
#include "wzp-relay-proof.h"

#include <string.h>

typedef enum {
  STATE_IDLE,
  STATE_RESOLVING,
  STATE_CONNECTING,
  STATE_REGISTERING,
  STATE_READY,
} State;

/* One wzp_signal_client_resolve() under way. */
typedef struct {
  WzpSignalClient *client; /* not owned */
  char *alias;
  WzpResolveFunc func;
  gpointer user_data;
  GSource *timeout; /* owned */
  GError *error;    /* owned; what the timeout will say */
} Resolve;

struct _WzpSignalClient {
  guint refs; /* one for the owner, one for each callback under way */
  gboolean is_freed;

  WzpEndpoint *endpoint; /* not owned */
  WzpIdentity *identity; /* owned */
  const WzpSignalHandler *handler;
  gpointer user_data;
  char *relay, *relay_fingerprint, *alias, *token; /* owned */
  WzpRelayRule rule; /* its host, port and pin are read at start() */
  guint timeout_ms;

  State state;
  GSource *start;           /* owned: start() goes on outside of itself */
  GSource *timeout;         /* owned; from start() to READY */
  GSource *reflect_timeout; /* owned */
  GSource *check_timeout;   /* owned; from check() to the last answer */
  gint64 check_us;          /* since when it is to be heard */
  guint n_unanswered;       /* of what check() asked */
  WzpRelayDial *dial;       /* owned; RESOLVING and CONNECTING */
  WzpConn *conn;            /* owned; REGISTERING and READY */
  WzpChannel *channel;      /* owned; with conn */
  gboolean is_registered;
  char *reflexive;     /* owned */
  guint16 second_port; /* 0: none */
  GQueue early;        /* of WzpMessage: for message(), before READY */
  GList *resolves;     /* of Resolve */

  WzpRelayProof *proof; /* owned: of the last connection */
};

static void
unref (WzpSignalClient *self)
{
  if (--self->refs > 0)
    return;
  wzp_relay_proof_free (self->proof);
  wzp_identity_unref (self->identity);
  g_free (self->relay);
  g_free (self->relay_fingerprint);
  g_free (self->alias);
  g_free (self->token);
  g_free (self->rule.host);
  g_free (self->rule.known_path);
  g_free (self->reflexive);
  g_free (self);
}

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static GSource *
add_timeout (guint timeout_ms, GSourceFunc func, gpointer user_data)
{
  GSource *source =
      timeout_ms > 0 ? g_timeout_source_new (timeout_ms) : g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, user_data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

/* Takes @resolve off its client and answers it. The client may be gone
 * after. */
static void
finish_resolve (
    Resolve *resolve, const WzpFingerprint *fingerprint, const GError *error)
{
  WzpSignalClient *self = resolve->client;

  self->resolves = g_list_remove (self->resolves, resolve);
  clear_source (&resolve->timeout);
  resolve->func (self, fingerprint, error, resolve->user_data);
  g_clear_error (&resolve->error);
  g_free (resolve->alias);
  g_free (resolve);
}

/* Those that a callback begins are put behind, and wait for their own end. */
static void
close_resolves (WzpSignalClient *self)
{
  for (guint n = g_list_length (self->resolves);
       n > 0 && self->resolves != NULL; n--) {
    g_autoptr (GError) error = g_error_new_literal (
        WZP_ERROR, WZP_ERROR_CLOSED, "The connection to the relay was closed");

    finish_resolve (self->resolves->data, NULL, error);
  }
}

/* Back to IDLE: drops all that belongs to one connection but what it
 * proved. */
static void
reset (WzpSignalClient *self, WzpCloseCode code)
{
  WzpMessage *message;

  self->state = STATE_IDLE;
  self->is_registered = FALSE;
  clear_source (&self->start);
  clear_source (&self->timeout);
  clear_source (&self->reflect_timeout);
  clear_source (&self->check_timeout);
  self->n_unanswered = 0;
  g_clear_pointer (&self->dial, wzp_relay_dial_free);
  g_clear_pointer (&self->channel, wzp_channel_free);
  if (self->conn != NULL) {
    wzp_conn_set_handler (self->conn, NULL, NULL);
    wzp_conn_close (self->conn, code, NULL);
    g_clear_pointer (&self->conn, wzp_conn_unref);
  }
  while ((message = g_queue_pop_head (&self->early)) != NULL)
    wzp_message_free (message);
  g_clear_pointer (&self->reflexive, g_free);
}

/* The only way to the end. Takes @error; the last statement of its callers:
 * the client may be gone after. */
static void
fail (WzpSignalClient *self, WzpCloseCode code, GError *error)
{
  g_autoptr (GError) owned = error;

  self->refs++;
  reset (self, code);
  close_resolves (self);
  if (!self->is_freed && self->state == STATE_IDLE &&
      self->handler->failed != NULL)
    self->handler->failed (self, owned, self->user_data);
  unref (self);
}

static void
tell_progress (WzpSignalClient *self, const char *step)
{
  if (self->handler->progress != NULL)
    self->handler->progress (self, step, self->user_data);
}

static gboolean
on_timeout (gpointer user_data)
{
  WzpSignalClient *self = user_data;
  const char *what = self->state == STATE_RESOLVING ? "be found"
      : self->state == STATE_CONNECTING             ? "be reached"
                                                    : "answer";

  fail (self, WZP_CLOSE_ABORTED,
      g_error_new (WZP_ERROR, WZP_ERROR_TIMED_OUT,
          "The relay %s did not %s within %u ms", self->relay, what,
          self->timeout_ms));
  return G_SOURCE_REMOVE;
}

/* The last statement of its callers. */
static void
become_ready (WzpSignalClient *self)
{
  WzpMessage *message;

  clear_source (&self->timeout);
  clear_source (&self->reflect_timeout);
  self->state = STATE_READY;

  self->refs++;
  if (self->handler->ready != NULL)
    self->handler->ready (self, self->user_data);
  /* A callback that ends the connection empties the queue. */
  while ((message = g_queue_pop_head (&self->early)) != NULL) {
    if (self->handler->message != NULL)
      self->handler->message (self, message, self->user_data);
    wzp_message_free (message);
  }
  unref (self);
}

static gboolean
on_reflect_timeout (gpointer user_data)
{
  WzpSignalClient *self = user_data;

  g_debug ("relay %s does not answer Reflect", self->relay);
  become_ready (self);
  return G_SOURCE_REMOVE;
}

static gboolean
send_simple (WzpSignalClient *self, WzpMessageType type, GError **error)
{
  g_autoptr (WzpMessage) message = wzp_message_new (type);

  return wzp_channel_send (self->channel, message, error);
}

static void
on_register_ack (WzpSignalClient *self, const WzpMessage *message)
{
  GError *error = NULL;

  if (self->state != STATE_REGISTERING || self->is_registered)
    return;
  if (!message->success) {
    const char *why = message->error != NULL ? message->error : "no reason";

    /* The protocol has no code for it. */
    fail (self, WZP_CLOSE_NORMAL,
        g_error_new (WZP_ERROR,
            strstr (why, "taken") != NULL ? WZP_ERROR_BUSY : WZP_ERROR_REJECTED,
            "The relay %s refused to register us: %s", self->relay, why));
    return;
  }
  self->is_registered = TRUE;
  self->reflect_timeout =
      add_timeout (WZP_SIGNAL_REFLECT_TIMEOUT_MS, on_reflect_timeout, self);
  if (!send_simple (self, WZP_MESSAGE_REFLECT, &error))
    fail (self, WZP_CLOSE_NORMAL, error);
}

/* TRUE: it is another one than before. */
static gboolean
take_observed (WzpSignalClient *self, const WzpMessage *message)
{
  char buf[WZP_ADDR_MAX_STRLEN];
  WzpAddr addr;

  self->second_port = (guint16) message->second_port;
  if (!wzp_addr_parse (message->observed_addr, &addr, NULL)) {
    g_debug ("relay %s: bad observed_addr", self->relay);
    return FALSE;
  }
  wzp_addr_to_string (&addr, buf);
  if (g_strcmp0 (buf, self->reflexive) == 0)
    return FALSE;
  g_free (self->reflexive);
  self->reflexive = g_strdup (buf);
  return TRUE;
}

/* One that nobody asked for is not taken. */
static void
on_reflect_response (WzpSignalClient *self, const WzpMessage *message)
{
  if (self->state == STATE_REGISTERING && self->is_registered) {
    take_observed (self, message);
    become_ready (self);
  } else if (self->state == STATE_READY && self->n_unanswered > 0) {
    if (--self->n_unanswered == 0)
      clear_source (&self->check_timeout);
    if (take_observed (self, message) &&
        self->handler->reflexive_changed != NULL)
      self->handler->reflexive_changed (self, self->user_data);
  }
}

static Resolve *
find_resolve (WzpSignalClient *self, const char *alias)
{
  for (GList *l = self->resolves; l != NULL; l = l->next) {
    Resolve *resolve = l->data;

    if (resolve->error == NULL && strcmp (resolve->alias, alias) == 0)
      return resolve;
  }
  return NULL;
}

static void
on_alias_resolved (WzpSignalClient *self, const WzpMessage *message)
{
  g_autoptr (GError) error = NULL;
  Resolve *resolve;

  if (!message->has_target_fp)
    error = g_error_new (WZP_ERROR, WZP_ERROR_NOT_FOUND,
        "\"%s\" is not registered at the relay %s", message->alias,
        self->relay);
  self->refs++;
  for (guint n = g_list_length (self->resolves);
       n > 0 && (resolve = find_resolve (self, message->alias)) != NULL; n--)
    finish_resolve (resolve, error == NULL ? &message->target_fp : NULL, error);
  unref (self);
}

static void
answer_ping (WzpSignalClient *self, const WzpMessage *ping)
{
  g_autoptr (WzpMessage) pong = wzp_message_new (WZP_MESSAGE_PONG);

  pong->timestamp_ms = ping->timestamp_ms;
  wzp_channel_send (self->channel, pong, NULL);
}

static void
take_call_message (WzpSignalClient *self, const WzpMessage *message)
{
  if (self->state == STATE_READY) {
    if (self->handler->message != NULL)
      self->handler->message (self, message, self->user_data);
  } else if (self->early.length < WZP_SIGNAL_MAX_EARLY) {
    g_queue_push_tail (&self->early, wzp_message_copy (message));
  } else {
    g_debug ("relay %s: too many messages before READY", self->relay);
  }
}

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  WzpSignalClient *self = user_data;

  switch (message->type) {
    case WZP_MESSAGE_REGISTER_PRESENCE_ACK:
      on_register_ack (self, message);
      break;
    case WZP_MESSAGE_REFLECT_RESPONSE:
      on_reflect_response (self, message);
      break;
    case WZP_MESSAGE_ALIAS_RESOLVED:
      on_alias_resolved (self, message);
      break;
    case WZP_MESSAGE_PING:
      answer_ping (self, message);
      break;
    case WZP_MESSAGE_DIRECT_CALL_OFFER:
    case WZP_MESSAGE_CALL_RINGING:
    case WZP_MESSAGE_DIRECT_CALL_ANSWER:
    case WZP_MESSAGE_CALL_SETUP:
    case WZP_MESSAGE_MEDIA_PATH_REPORT:
    case WZP_MESSAGE_CANDIDATE_UPDATE:
    case WZP_MESSAGE_HANGUP:
      take_call_message (self, message);
      break;
    case WZP_MESSAGE_UNKNOWN:
      g_debug ("relay %s: unknown message %s", self->relay, message->name);
      break;
    case WZP_MESSAGE_AUTH_TOKEN:
    case WZP_MESSAGE_REGISTER_PRESENCE:
    case WZP_MESSAGE_REFLECT:
    case WZP_MESSAGE_RESOLVE_ALIAS:
    case WZP_MESSAGE_PONG:
    case WZP_MESSAGE_CALL_OFFER:
    case WZP_MESSAGE_CALL_ANSWER:
    case WZP_MESSAGE_ROOM_UPDATE:
    case WZP_MESSAGE_FEDERATION_HELLO:
    case WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD:
    case WZP_MESSAGE_PRESENCE_UPDATE:
      g_debug ("relay %s: %s is not for a client", self->relay,
          wzp_message_type_to_string (message->type));
      break;
  }
}

static const WzpChannelHandler channel_handler = { .message = on_message };

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  WzpSignalClient *self = user_data;

  wzp_channel_stream_data (self->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  WzpSignalClient *self = user_data;

  wzp_channel_stream_closed (self->channel, stream_id);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  WzpSignalClient *self = user_data;
  GError *error = g_error_copy (info->error);

  g_prefix_error (&error, "Relay %s: ", self->relay);
  fail (self, WZP_CLOSE_NORMAL, error);
}

static const WzpConnHandler conn_handler = {
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

static gboolean
send_register (WzpSignalClient *self, GError **error)
{
  g_autoptr (WzpMessage) message =
      wzp_message_new (WZP_MESSAGE_REGISTER_PRESENCE);
  const guint8 *key = wzp_identity_get_public_key (self->identity);
  g_autoptr (GBytes) text = wzp_message_signed_register (key);

  message->has_identity_pub = TRUE;
  memcpy (message->identity_pub, key, WZP_PUBLIC_KEY_LEN);
  message->has_signature = TRUE;
  wzp_identity_sign (self->identity, text, message->signature);
  message->alias = g_strdup (self->alias);
  return wzp_channel_send (self->channel, message, error);
}

static gboolean
send_token (WzpSignalClient *self, GError **error)
{
  g_autoptr (WzpMessage) message = wzp_message_new (WZP_MESSAGE_AUTH_TOKEN);

  message->token = g_strdup (self->token);
  return wzp_channel_send (self->channel, message, error);
}

static void
begin_registering (WzpSignalClient *self)
{
  GError *error = NULL;

  self->state = STATE_REGISTERING;
  wzp_relay_proof_set (self->proof, self->conn, &self->rule);
  self->channel = wzp_channel_new (self->conn, &channel_handler, self);
  wzp_conn_set_handler (self->conn, &conn_handler, self);
  if ((self->token != NULL && !send_token (self, &error)) ||
      !send_register (self, &error)) {
    fail (self, WZP_CLOSE_NORMAL, error);
    return;
  }
  self->refs++;
  tell_progress (self, "register");
  if (self->state == STATE_REGISTERING &&
      self->rule.trust == WZP_RELAY_TRUST_NONE &&
      self->handler->warning != NULL) {
    g_autofree char *text = g_strdup_printf (
        "The certificate of the relay %s is not checked (relay-trust=none)",
        self->relay);

    self->handler->warning (self, text, self->user_data);
  }
  unref (self);
}

static void
on_connecting (WzpRelayDial *dial, gpointer user_data)
{
  WzpSignalClient *self = user_data;

  self->state = STATE_CONNECTING;
  tell_progress (self, "connect");
}

static void
on_dialled (
    WzpRelayDial *dial, WzpConn *conn, const GError *error, gpointer user_data)
{
  WzpSignalClient *self = user_data;
  g_autoptr (GError) copy = error != NULL ? g_error_copy (error) : NULL;

  g_clear_pointer (&self->dial, wzp_relay_dial_free);
  if (conn == NULL) {
    fail (self, WZP_CLOSE_NORMAL, g_steal_pointer (&copy));
    return;
  }
  self->conn = conn;
  begin_registering (self);
}

static const WzpRelayDialHandler dial_handler = {
  .connecting = on_connecting,
  .done = on_dialled,
};

/* Reads the configuration's texts into the rule. */
static gboolean
read_config (WzpSignalClient *self, GError **error)
{
  if (!wzp_relay_rule_read (
          &self->rule, self->relay, self->relay_fingerprint, error))
    return FALSE;
  if (self->alias == NULL || wzp_alias_is_valid (self->alias))
    return TRUE;
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "\"%.100s\" is not an alias (1 to %u of letters, digits, '.', '-', "
      "'_')",
      self->alias, WZP_ALIAS_MAX_LEN);
  return FALSE;
}

static gboolean
begin (gpointer user_data)
{
  WzpSignalClient *self = user_data;
  GError *error = NULL;

  g_clear_pointer (&self->start, g_source_unref);
  if (!read_config (self, &error)) {
    fail (self, WZP_CLOSE_NORMAL, error);
    return G_SOURCE_REMOVE;
  }
  self->dial = wzp_relay_dial_new (self->endpoint, WZP_SNI_SIGNAL, &self->rule,
      self->timeout_ms, &dial_handler, self);
  tell_progress (self, "name-lookup");
  return G_SOURCE_REMOVE;
}

void
wzp_signal_client_start (WzpSignalClient *self)
{
  g_return_if_fail (self != NULL && !self->is_freed);
  g_return_if_fail (self->state == STATE_IDLE);

  self->state = STATE_RESOLVING;
  self->timeout = add_timeout (self->timeout_ms, on_timeout, self);
  self->start = add_timeout (0, begin, self);
}

WzpSignalClient *
wzp_signal_client_new (WzpEndpoint *endpoint, WzpIdentity *identity,
    const WzpSignalConfig *config, const WzpSignalHandler *handler,
    gpointer user_data)
{
  WzpSignalClient *self;

  g_return_val_if_fail (endpoint != NULL && identity != NULL, NULL);
  g_return_val_if_fail (config != NULL && handler != NULL, NULL);

  self = g_new0 (WzpSignalClient, 1);
  self->refs = 1;
  self->endpoint = endpoint;
  self->identity = wzp_identity_ref (identity);
  self->handler = handler;
  self->user_data = user_data;
  self->relay = g_strdup (config->relay);
  self->relay_fingerprint = g_strdup (config->relay_fingerprint);
  self->alias = g_strdup (config->alias);
  self->token = g_strdup (config->token);
  self->rule.trust = config->trust;
  self->rule.known_path = config->known_relays_path != NULL
      ? g_strdup (config->known_relays_path)
      : wzp_known_relays_default_path ();
  self->timeout_ms =
      config->timeout_ms > 0 ? config->timeout_ms : WZP_SIGNAL_TIMEOUT_MS;
  self->proof = wzp_relay_proof_new (WZP_SIGNAL_MAX_OTHER_RELAYS);
  g_queue_init (&self->early);
  return self;
}

void
wzp_signal_client_free (WzpSignalClient *self)
{
  if (self == NULL)
    return;
  self->is_freed = TRUE;
  reset (self, WZP_CLOSE_NORMAL);
  close_resolves (self);
  unref (self);
}

gboolean
wzp_signal_client_is_ready (const WzpSignalClient *self)
{
  return self->state == STATE_READY;
}

const char *
wzp_signal_client_get_reflexive (const WzpSignalClient *self)
{
  return self->reflexive;
}

const WzpAddr *
wzp_signal_client_get_relay_addr (const WzpSignalClient *self)
{
  return wzp_relay_proof_get_addr (self->proof);
}

guint16
wzp_signal_client_get_second_port (const WzpSignalClient *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->second_port;
}

WzpConn *
wzp_signal_client_dial_second_port (WzpSignalClient *self, guint timeout_ms,
    const WzpConnHandler *handler, gpointer user_data, GError **error)
{
  g_return_val_if_fail (self != NULL && self->second_port != 0, NULL);

  return wzp_relay_proof_dial_port (self->proof, self->endpoint, WZP_SNI_SIGNAL,
      self->second_port, timeout_ms, handler, user_data, error);
}

WzpConn *
wzp_signal_client_dial_from (WzpSignalClient *self, WzpEndpoint *endpoint,
    guint timeout_ms, const WzpConnHandler *handler, gpointer user_data,
    GError **error)
{
  const WzpAddr *relay;

  g_return_val_if_fail (self != NULL && endpoint != NULL, NULL);

  relay = wzp_relay_proof_get_addr (self->proof);
  if (relay == NULL || !wzp_signal_client_is_ready (self)) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_CLOSED,
        "There is no connection to the relay");
    return NULL;
  }
  return wzp_relay_proof_dial_port (self->proof, endpoint, WZP_SNI_SIGNAL,
      self->second_port != 0 ? self->second_port : relay->port, timeout_ms,
      handler, user_data, error);
}

/* A relay that knows no Reflect has acknowledged it at least. What came may
 * have been under way when the network changed: then once more. */
static gboolean
on_check_timeout (gpointer user_data)
{
  WzpSignalClient *self = user_data;
  WzpConnInfo info;

  if (wzp_conn_get_stream_backlog (self->conn) == 0) {
    clear_source (&self->check_timeout);
    return G_SOURCE_REMOVE;
  }
  wzp_conn_get_info (self->conn, &info);
  if (info.last_received_us >= self->check_us) {
    self->check_us = wzp_clock_now_us ();
    return G_SOURCE_CONTINUE;
  }
  fail (self, WZP_CLOSE_ABORTED,
      g_error_new (WZP_ERROR, WZP_ERROR_TIMED_OUT,
          "The relay %s has not been heard for %u ms", self->relay,
          WZP_SIGNAL_CHECK_TIMEOUT_MS));
  return G_SOURCE_REMOVE;
}

void
wzp_signal_client_check (WzpSignalClient *self)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (self != NULL && !self->is_freed);

  if (self->state != STATE_READY)
    return;
  clear_source (&self->check_timeout);
  self->check_us = wzp_clock_now_us ();
  self->check_timeout =
      add_timeout (WZP_SIGNAL_CHECK_TIMEOUT_MS, on_check_timeout, self);
  if (send_simple (self, WZP_MESSAGE_REFLECT, &error))
    self->n_unanswered++;
  else
    g_debug ("relay %s: Reflect: %s", self->relay, error->message);
}

gboolean
wzp_signal_client_send (
    WzpSignalClient *self, const WzpMessage *message, GError **error)
{
  g_return_val_if_fail (self != NULL && message != NULL, FALSE);

  if (self->state != STATE_READY) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_CLOSED,
        "There is no connection to the relay");
    return FALSE;
  }
  return wzp_channel_send (self->channel, message, error);
}

static gboolean
on_resolve_timeout (gpointer user_data)
{
  Resolve *resolve = user_data;

  if (resolve->error == NULL)
    resolve->error = g_error_new (WZP_ERROR, WZP_ERROR_TIMED_OUT,
        "The relay did not say who \"%s\" is within %u ms", resolve->alias,
        WZP_SIGNAL_RESOLVE_TIMEOUT_MS);
  finish_resolve (resolve, NULL, resolve->error);
  return G_SOURCE_REMOVE;
}

static gboolean
send_resolve (WzpSignalClient *self, const char *alias, GError **error)
{
  g_autoptr (WzpMessage) message = wzp_message_new (WZP_MESSAGE_RESOLVE_ALIAS);

  if (!wzp_alias_is_valid (alias)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "\"%.100s\" cannot be an alias", alias);
    return FALSE;
  }
  if (g_list_length (self->resolves) >= WZP_SIGNAL_MAX_RESOLVES) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_BUSY,
        "%u names are being resolved already", WZP_SIGNAL_MAX_RESOLVES);
    return FALSE;
  }
  message->alias = g_strdup (alias);
  return wzp_signal_client_send (self, message, error);
}

void
wzp_signal_client_resolve (WzpSignalClient *self, const char *alias,
    WzpResolveFunc func, gpointer user_data)
{
  Resolve *resolve;

  g_return_if_fail (self != NULL && alias != NULL && func != NULL);
  g_return_if_fail (!self->is_freed);

  resolve = g_new0 (Resolve, 1);
  resolve->client = self;
  resolve->alias = g_strdup (alias);
  resolve->func = func;
  resolve->user_data = user_data;
  send_resolve (self, alias, &resolve->error);
  resolve->timeout =
      add_timeout (resolve->error != NULL ? 0 : WZP_SIGNAL_RESOLVE_TIMEOUT_MS,
          on_resolve_timeout, resolve);
  self->resolves = g_list_append (self->resolves, resolve);
}

WzpConn *
wzp_signal_client_dial_room (WzpSignalClient *self, const char *server_name,
    const WzpAddr *relay_addr, guint timeout_ms, const WzpConnHandler *handler,
    gpointer user_data, GError **error)
{
  g_return_val_if_fail (self != NULL && server_name != NULL, NULL);

  return wzp_relay_proof_dial_room (self->proof, self->endpoint, server_name,
      relay_addr, timeout_ms, handler, user_data, error);
}
