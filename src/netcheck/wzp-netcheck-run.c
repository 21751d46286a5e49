#include "wzp-netcheck-run.h"

#include "wzp-channel.h"
#include "wzp-clock.h"
#include "wzp-relay-lookup.h"
#include "wzp-sni.h"
#include "wzp-sockaddr.h"

#include <string.h>

/* One name. */
typedef struct {
  WzpNetcheckRun *run;      /* not owned */
  WzpNetcheckRelay *result; /* of the result */
  WzpRelayRule *rule;       /* owned */
  WzpRelayLookup *lookup;   /* owned; NULL: it is over */
  GSource *timeout;         /* owned; of the lookup */
} Target;

/* One question under way. */
typedef struct {
  Target *target;
  WzpNetcheckProbe *result; /* of the result */
  WzpRelayRule *rule;       /* owned */
  WzpConn *conn;            /* owned */
  WzpChannel *channel;      /* owned; NULL: not connected yet */
  GSource *timeout;         /* owned */
  gint64 dialled_us, asked_us;
} Question;

struct _WzpNetcheckRun {
  WzpEndpoint *endpoint; /* not owned */
  guint timeout_ms;
  WzpNetcheckDoneFunc done;
  gpointer user_data;
  GPtrArray *targets;        /* owned, of Target */
  GPtrArray *questions;      /* owned, of Question: those under way */
  WzpNetcheckResult *result; /* owned */
  GSource *finish;           /* owned: done() will be called; NULL: not yet */
};

static void
ask (Target *target, WzpNetcheckProbe *result, const WzpRelayRule *rule);

static GSource *
add_source (guint timeout_ms, GSourceFunc func, gpointer user_data)
{
  GSource *source =
      timeout_ms > 0 ? g_timeout_source_new (timeout_ms) : g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, user_data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
free_target (gpointer data)
{
  Target *target = data;

  clear_source (&target->timeout);
  wzp_relay_lookup_free (target->lookup);
  wzp_relay_rule_free (target->rule);
  g_free (target);
}

static void
free_question (gpointer data)
{
  Question *question = data;

  clear_source (&question->timeout);
  wzp_channel_free (question->channel);
  if (question->conn != NULL) {
    wzp_conn_set_handler (question->conn, NULL, NULL);
    wzp_conn_close (question->conn,
        question->channel != NULL ? WZP_CLOSE_NORMAL : WZP_CLOSE_ABORTED, NULL);
    wzp_conn_unref (question->conn);
  }
  wzp_relay_rule_free (question->rule);
  g_free (question);
}

static gboolean
on_finish (gpointer user_data)
{
  WzpNetcheckRun *self = user_data;

  clear_source (&self->finish);
  wzp_netcheck_result_judge (self->result);
  self->done (self, self->user_data);
  return G_SOURCE_REMOVE;
}

static void
finish_if_all_done (WzpNetcheckRun *self)
{
  if (self->questions->len > 0 || self->finish != NULL)
    return;
  for (guint i = 0; i < self->targets->len; i++) {
    const Target *target = self->targets->pdata[i];

    if (target->lookup != NULL)
      return;
  }
  self->finish = add_source (0, on_finish, self);
}

/* Ends @question; takes @error, NULL: answered. Nothing of it may be touched
 * after. */
static void
finish_question (Question *question, WzpNatAnswer answer, GError *error)
{
  WzpNetcheckRun *self = question->target->run;

  question->result->answer = answer;
  question->result->error = error;
  g_ptr_array_remove_fast (self->questions, question);
  finish_if_all_done (self);
}

static gboolean
on_question_timeout (gpointer user_data)
{
  Question *question = user_data;
  const guint seconds = question->target->run->timeout_ms / 1000;

  if (question->channel == NULL)
    finish_question (question, WZP_NAT_NO_ANSWER,
        g_error_new (WZP_ERROR, WZP_ERROR_TIMED_OUT,
            "No answer over UDP within %u s", seconds));
  else
    finish_question (question, WZP_NAT_REFUSED,
        g_error_new (WZP_ERROR, WZP_ERROR_TIMED_OUT,
            "It took the connection, but did not answer within %u s", seconds));
  return G_SOURCE_REMOVE;
}

/* The port is asked with the certificate that the first one showed. */
static void
ask_second_port (Question *question, guint16 port)
{
  Target *target = question->target;
  WzpAddr addr = question->result->addr;
  WzpNetcheckProbe *second;
  g_autoptr (WzpRelayRule) rule = wzp_relay_rule_copy (target->rule);

  addr.port = port;
  second =
      wzp_netcheck_relay_add_probe (target->result, question->result, &addr);
  second->is_second = TRUE;
  rule->trust = WZP_RELAY_TRUST_PIN;
  memcpy (rule->pin, question->result->cert_sha256, sizeof rule->pin);
  ask (target, second, rule);
}

static void
on_reflect_response (Question *question, const WzpMessage *message)
{
  WzpNetcheckProbe *result = question->result;
  WzpAddr observed;
  GError *error = NULL;

  result->reflect_us = wzp_clock_now_us () - question->asked_us;
  /* Known by now: a socket of any address learns it from what comes in. */
  result->local = *wzp_conn_get_local (question->conn);
  if (!wzp_addr_parse (message->observed_addr, &observed, &error)) {
    finish_question (question, WZP_NAT_REFUSED, error);
    return;
  }
  if (observed.family != result->addr.family) {
    finish_question (question, WZP_NAT_REFUSED,
        g_error_new (WZP_ERROR, WZP_ERROR_PROTOCOL,
            "It sees %s, which is of the other address family",
            message->observed_addr));
    return;
  }
  result->observed = observed;
  if (!result->is_second && result->has_certificate &&
      message->second_port != 0 && message->second_port != result->addr.port)
    ask_second_port (question, (guint16) message->second_port);
  finish_question (question, WZP_NAT_ANSWERED, NULL);
}

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  if (message->type == WZP_MESSAGE_REFLECT_RESPONSE)
    on_reflect_response (user_data, message);
}

static void
on_malformed (WzpChannel *channel, const GError *error, gpointer user_data)
{
  finish_question (user_data, WZP_NAT_REFUSED, g_error_copy (error));
}

static const WzpChannelHandler channel_handler = {
  .message = on_message,
  .malformed = on_malformed,
};

static void
on_established (WzpConn *conn, gpointer user_data)
{
  static const WzpMessage reflect = { .type = WZP_MESSAGE_REFLECT };
  Question *question = user_data;
  WzpNetcheckProbe *result = question->result;
  const guint8 *certificate = wzp_conn_get_peer_cert_sha256 (conn);
  GError *error = NULL;

  question->asked_us = wzp_clock_now_us ();
  result->handshake_us = question->asked_us - question->dialled_us;
  if (certificate != NULL) {
    memcpy (result->cert_sha256, certificate, sizeof result->cert_sha256);
    result->has_certificate = TRUE;
  }
  question->channel = wzp_channel_new (conn, &channel_handler, question);
  if (!wzp_channel_send (question->channel, &reflect, &error))
    finish_question (question, WZP_NAT_REFUSED, error);
}

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  Question *question = user_data;

  if (question->channel != NULL)
    wzp_channel_stream_data (question->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  Question *question = user_data;

  if (question->channel != NULL)
    wzp_channel_stream_closed (question->channel, stream_id);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  finish_question (user_data,
      info->is_timeout ? WZP_NAT_NO_ANSWER : WZP_NAT_REFUSED,
      g_error_copy (info->error));
}

static const WzpConnHandler conn_handler = {
  .established = on_established,
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

/* Whether the kernel has a route there: without one nothing would leave, which
 * is no sign of a firewall. Sends nothing. */
static gboolean
check_route (const WzpAddr *addr, GError **error)
{
  struct sockaddr_storage storage;
  const socklen_t len = wzp_sockaddr_from_addr (addr, &storage);
  g_autoptr (GSocketAddress) address =
      g_socket_address_new_from_native (&storage, len);
  g_autoptr (GSocket) socket = g_socket_new (
      addr->family == 4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6,
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, error);

  return socket != NULL && g_socket_connect (socket, address, NULL, error);
}

static void
ask (Target *target, WzpNetcheckProbe *result, const WzpRelayRule *rule)
{
  WzpNetcheckRun *self = target->run;
  WzpDialOptions options = { .server_name = WZP_SNI_SIGNAL };
  Question *question;

  if (!check_route (&result->addr, &result->error)) {
    result->answer = WZP_NAT_NOT_SENT;
    return;
  }
  /* Ours is the only clock: its words are the same for both steps. */
  options.timeout_ms = 2 * self->timeout_ms;
  question = g_new0 (Question, 1);
  question->target = target;
  question->result = result;
  question->rule = wzp_relay_rule_copy (rule);
  question->rule->is_loopback =
      wzp_addr_scope (&result->addr) == WZP_ADDR_LOOPBACK;
  wzp_relay_rule_apply (question->rule, &options);
  question->dialled_us = wzp_clock_now_us ();
  question->conn = wzp_endpoint_dial (self->endpoint, &result->addr, &options,
      &conn_handler, question, &result->error);
  if (question->conn == NULL) {
    result->answer = WZP_NAT_NOT_SENT;
    free_question (question);
    return;
  }
  question->timeout =
      add_source (self->timeout_ms, on_question_timeout, question);
  g_ptr_array_add (self->questions, question);
}

static void
finish_lookup (Target *target)
{
  clear_source (&target->timeout);
  g_clear_pointer (&target->lookup, wzp_relay_lookup_free);
  finish_if_all_done (target->run);
}

static void
on_looked_up (WzpRelayLookup *lookup, const WzpAddr *addrs, guint n,
    const GError *error, gpointer user_data)
{
  Target *target = user_data;

  if (error != NULL)
    target->result->error = g_error_copy (error);
  for (guint i = 0; i < n; i++)
    ask (target, wzp_netcheck_relay_add_probe (target->result, NULL, &addrs[i]),
        target->rule);
  finish_lookup (target);
}

static gboolean
on_lookup_timeout (gpointer user_data)
{
  Target *target = user_data;

  target->result->error = g_error_new (WZP_ERROR, WZP_ERROR_TIMED_OUT,
      "The name was not looked up within %u s", target->run->timeout_ms / 1000);
  finish_lookup (target);
  return G_SOURCE_REMOVE;
}

WzpNetcheckRun *
wzp_netcheck_run_new (WzpEndpoint *endpoint, guint timeout_ms,
    WzpNetcheckDoneFunc done, gpointer user_data)
{
  WzpNetcheckRun *self;

  g_return_val_if_fail (endpoint != NULL && done != NULL, NULL);

  self = g_new0 (WzpNetcheckRun, 1);
  self->endpoint = endpoint;
  self->timeout_ms = timeout_ms;
  self->done = done;
  self->user_data = user_data;
  self->targets = g_ptr_array_new_with_free_func (free_target);
  self->questions = g_ptr_array_new_with_free_func (free_question);
  self->result = wzp_netcheck_result_new ();
  self->result->port4 = wzp_endpoint_get_port (endpoint, 4);
  self->result->port6 = wzp_endpoint_get_port (endpoint, 6);
  return self;
}

void
wzp_netcheck_run_add (
    WzpNetcheckRun *self, const char *name, const WzpRelayRule *rule)
{
  Target *target = g_new0 (Target, 1);

  target->run = self;
  target->result = wzp_netcheck_result_add_relay (self->result, name);
  target->rule = wzp_relay_rule_copy (rule);
  target->lookup =
      wzp_relay_lookup_new (rule->host, rule->port, on_looked_up, target);
  target->timeout = add_source (self->timeout_ms, on_lookup_timeout, target);
  g_ptr_array_add (self->targets, target);
}

const WzpNetcheckResult *
wzp_netcheck_run_get_result (const WzpNetcheckRun *self)
{
  return self->result;
}

void
wzp_netcheck_run_free (WzpNetcheckRun *self)
{
  if (self == NULL)
    return;
  clear_source (&self->finish);
  g_ptr_array_unref (self->questions);
  g_ptr_array_unref (self->targets);
  wzp_netcheck_result_free (self->result);
  g_free (self);
}
