/* What NAT is in front of the node, as far as its relay can tell: it sees our
 * address at its first port when we register, and in the background we ask at
 * its second one. */
#include "wzp-nat.h"
#include "wzp-node-private.h"
#include "wzp-reflect-probe.h"

void
wzp_node_drop_nat_probe (WzpNode *self)
{
  g_clear_pointer (&self->nat_probe, wzp_reflect_probe_free);
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
on_second_port (WzpReflectProbe *probe, const WzpAddr *seen, gpointer user_data)
{
  WzpNode *self = user_data;
  WzpNatObservation both[2] = { self->nat_seen, self->nat_seen };

  both[1].server.port = wzp_signal_client_get_second_port (self->signal);
  if (seen != NULL) {
    both[1].observed = *seen;
    judge (self, both, 2);
  }
  wzp_node_drop_nat_probe (self);
}

static void
ask_second_port (WzpNode *self)
{
  g_autoptr (GError) error = NULL;
  WzpConn *conn;

  self->nat_probe = wzp_reflect_probe_new (on_second_port, self);
  conn = wzp_signal_client_dial_second_port (self->signal,
      WZP_REFLECT_PROBE_TIMEOUT_MS, wzp_reflect_probe_get_handler (),
      self->nat_probe, &error);
  if (conn != NULL) {
    wzp_reflect_probe_take (self->nat_probe, conn);
    return;
  }
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
  self->nat_seen = first;
  judge (self, &first, 1);
  if (!wzp_addr_equal (&first.local, &first.observed) &&
      wzp_signal_client_get_second_port (self->signal) != 0)
    ask_second_port (self);
}
