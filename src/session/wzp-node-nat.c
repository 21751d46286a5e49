/* What NAT is in front of the node, as far as its relay can tell: it sees our
 * address at its first port when we register, and in the background we ask at
 * its second one. */
#include "wzp-channel.h"
#include "wzp-nat.h"
#include "wzp-node-private.h"

#include <string.h>

#define PROBE_TIMEOUT_MS 5000u

struct _WzpNatProbe {
  WzpNode *node;
  WzpConn *conn;             /* owned */
  WzpChannel *channel;       /* owned; NULL: not established yet */
  WzpNatObservation seen[2]; /* by the first port and the second */
};

static void
free_probe (WzpNatProbe *probe)
{
  g_clear_pointer (&probe->channel, wzp_channel_free);
  if (probe->conn != NULL) {
    wzp_conn_set_handler (probe->conn, NULL, NULL);
    wzp_conn_close (probe->conn, WZP_CLOSE_NORMAL, NULL);
    wzp_conn_unref (probe->conn);
  }
  g_free (probe);
}

void
wzp_node_drop_nat_probe (WzpNode *self)
{
  g_clear_pointer (&self->nat_probe, free_probe);
}

static void
judge (WzpNode *self, const WzpNatObservation *seen, guint n)
{
  const WzpAddrScope scope = wzp_addr_scope (&seen[0].observed);
  WzpNatVerdict verdict;

  wzp_nat_classify (seen, n, seen[0].server.family, &verdict);
  if (verdict.type != WZP_NAT_NONE)
    self->nat = wzp_nat_to_extension (&verdict);
  else
    /* A relay in our own network cannot see the NAT behind it. */
    self->nat = scope == WZP_ADDR_GLOBAL || scope == WZP_ADDR_LOOPBACK
        ? "none"
        : "unknown";
  self->next_port = 0;
  if (n == 2 && verdict.is_sequential &&
      seen[1].observed.port > seen[0].observed.port) {
    self->port_step = verdict.min_step;
    self->next_port = (guint16) (seen[1].observed.port + verdict.min_step);
  }
  g_debug ("NAT as the relay sees it: %s (%s)",
      wzp_nat_type_to_string (verdict.type), self->nat);
}

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  WzpNatProbe *probe = user_data;
  WzpNode *self = probe->node;

  if (message->type != WZP_MESSAGE_REFLECT_RESPONSE)
    return;
  if (wzp_addr_parse (message->observed_addr, &probe->seen[1].observed, NULL)) {
    probe->seen[1].answer = WZP_NAT_ANSWERED;
    judge (self, probe->seen, 2);
  }
  wzp_node_drop_nat_probe (self);
}

static const WzpChannelHandler channel_handler = { .message = on_message };

static void
on_established (WzpConn *conn, gpointer user_data)
{
  static const WzpMessage reflect = { .type = WZP_MESSAGE_REFLECT };
  WzpNatProbe *probe = user_data;

  probe->channel = wzp_channel_new (conn, &channel_handler, probe);
  wzp_channel_send (probe->channel, &reflect, NULL);
}

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  WzpNatProbe *probe = user_data;

  if (probe->channel != NULL)
    wzp_channel_stream_data (probe->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  WzpNatProbe *probe = user_data;

  if (probe->channel != NULL)
    wzp_channel_stream_closed (probe->channel, stream_id);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  WzpNatProbe *probe = user_data;

  wzp_node_drop_nat_probe (probe->node);
}

static const WzpConnHandler conn_handler = {
  .established = on_established,
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

static void
ask_second_port (WzpNode *self, const WzpNatObservation *first)
{
  WzpNatProbe *probe = g_new0 (WzpNatProbe, 1);
  g_autoptr (GError) error = NULL;

  probe->node = self;
  probe->seen[0] = probe->seen[1] = *first;
  probe->seen[1].server.port = wzp_signal_client_get_second_port (self->signal);
  probe->seen[1].answer = WZP_NAT_NO_ANSWER;
  self->nat_probe = probe;
  probe->conn = wzp_signal_client_dial_second_port (
      self->signal, PROBE_TIMEOUT_MS, &conn_handler, probe, &error);
  if (probe->conn != NULL)
    return;
  g_debug ("The relay's second port: %s", error->message);
  wzp_node_drop_nat_probe (self);
}

void
wzp_node_learn_nat (WzpNode *self)
{
  const char *reflexive = wzp_signal_client_get_reflexive (self->signal);
  const WzpAddr *relay = wzp_signal_client_get_relay_addr (self->signal);
  WzpNatObservation first = { .answer = WZP_NAT_ANSWERED };

  wzp_node_drop_nat_probe (self);
  self->nat = NULL;
  self->next_port = 0;
  if (reflexive == NULL || relay == NULL ||
      !wzp_addr_parse (reflexive, &first.observed, NULL) ||
      !wzp_network_find_source (relay, &first.local))
    return;
  first.server = *relay;
  first.local.port = wzp_endpoint_get_port (self->endpoint, relay->family);
  judge (self, &first, 1);
  if (!wzp_addr_equal (&first.local, &first.observed) &&
      wzp_signal_client_get_second_port (self->signal) != 0)
    ask_second_port (self, &first);
}
