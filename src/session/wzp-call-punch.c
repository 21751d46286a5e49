/* The punches of a call: WzpPuncher's wishes carried out, and what it must know
 * told. */
#include "wzp-call-private.h"

/* A direct link that was dropped from use is looked after for so long before
 * another way is sought. */
#define DIRECT_TRIAL_US (3 * G_USEC_PER_SEC)
#define DIRECT_QUIET_US (2 * G_USEC_PER_SEC)

gboolean
wzp_call_holds_dial (
    WzpRaceRunner *runner, const WzpCandidate *candidate, gpointer user_data)
{
  const WzpCall *self = user_data;

  return self->puncher != NULL && wzp_puncher_holds (self->puncher, candidate);
}

/* Whether a direct way need not be sought: there is one, and it is in use, new,
 * or at least alive. */
static gboolean
is_direct_well (const WzpCall *self, gint64 now_us)
{
  WzpConnInfo info;

  if (self->direct == NULL || self->direct_lost_us > 0)
    return FALSE;
  if (self->path == WZP_PATH_DIRECT ||
      now_us - self->direct_up_us < DIRECT_TRIAL_US)
    return TRUE;
  wzp_conn_get_info (wzp_link_get_conn (self->direct), &info);
  return now_us - info.last_received_us < DIRECT_QUIET_US;
}

/* The leg to the relay is half of it, as long as nothing better is known. */
static gint64
get_relay_rtt_us (const WzpCall *self)
{
  WzpConnInfo info;

  if (self->relay_rtt_us > 0)
    return self->relay_rtt_us;
  wzp_conn_get_info (wzp_link_get_conn (self->relay), &info);
  return 2 * info.srtt_us;
}

void
wzp_call_note_probe (WzpCall *self, const WzpControl *probe, gint64 now_us)
{
  if (probe->type == WZP_CONTROL_PROBE && probe->path == WZP_PATH_RELAY &&
      probe->seq < WZP_LINK_MTU_SEQ)
    wzp_probe_times_sent (&self->probes, probe->seq, now_us);
}

void
wzp_call_note_probe_ack (WzpCall *self, const WzpControl *ack, gint64 now_us)
{
  gint64 rtt_us;

  if (ack->type != WZP_CONTROL_PROBE_ACK || ack->path != WZP_PATH_RELAY)
    return;
  rtt_us = wzp_probe_times_answered (&self->probes, ack->seq, now_us);
  if (rtt_us > 0)
    self->relay_rtt_us = rtt_us;
}

void
wzp_call_note_relay_heard (WzpCall *self)
{
  self->relay_heard = TRUE;
}

/* Whether to begin together with the peer. It must have been told of our ports
 * before: to be punched by one that it did not punch makes some routers take
 * the other for a stranger. */
static gboolean
may_begin (const WzpCall *self)
{
  if (!self->relay_heard || self->relay == NULL)
    return FALSE;
  return self->next_port == 0 ||
      (self->relay_rtt_us > 0 && self->pending_control.length == 0 &&
          wzp_control_channel_is_idle (self->control));
}

void
wzp_call_take_go (WzpCall *self, const WzpControl *go, gint64 now_us)
{
  wzp_call_note_control (self, go, FALSE);
  if (self->puncher == NULL)
    return;
  wzp_puncher_take_go (self->puncher, go->n, now_us);
}

void
wzp_call_take_ports (WzpCall *self, const WzpControl *ports, gint64 now_us)
{
  WzpControl exact = {
    .type = WZP_CONTROL_PORTS, .step = self->port_step, .is_exact = TRUE
  };

  if (self->puncher == NULL)
    return;
  if (self->next_port == 0) {
    wzp_puncher_expect_ports (
        self->puncher, (guint16) ports->port, ports->step, now_us);
    return;
  }
  /* Both give ports in a row: each packet to a new place takes one of ours, so
   * there is one try. */
  if (ports->is_exact) {
    wzp_puncher_expect_port (self->puncher, (guint16) ports->port, now_us);
    return;
  }
  exact.port = self->next_port +
      wzp_puncher_count_used (self->puncher) * self->port_step;
  if (exact.port <= G_MAXUINT16)
    wzp_call_send_control (self, &exact);
}

static void
send_punch (WzpCall *self, const WzpPuncherAction *action)
{
  guint8 bytes[WZP_PUNCH_LEN];

  wzp_call_note_punch_sent (self, action);
  wzp_punch_write (&self->punch_key, &action->punch, bytes);
  wzp_endpoint_send_packet_ttl (
      wzp_call_get_socket (self, action->is_fresh ? self->tried : NULL),
      &action->addr, (guint8) action->ttl, bytes, sizeof bytes);
}

static void
send_go (WzpCall *self, guint64 round)
{
  const WzpControl go = { .type = WZP_CONTROL_GO, .n = round };

  if (self->relay == NULL)
    return;
  wzp_call_note_control (self, &go, TRUE);
  wzp_call_send_probe (self, self->relay, &go);
}

void
wzp_call_run_punching (WzpCall *self, gint64 now_us)
{
  WzpPuncherAction action;

  if (self->puncher == NULL)
    return;
  wzp_puncher_set_direct (self->puncher, is_direct_well (self, now_us), now_us);
  if (self->relay == NULL) {
    self->relay_heard = FALSE;
    wzp_puncher_relay_lost (self->puncher);
  }
  if (may_begin (self)) {
    wzp_puncher_set_rtt (self->puncher, get_relay_rtt_us (self));
    wzp_puncher_relay_heard (self->puncher, now_us);
  }
  while (self->state != CALL_ENDED &&
      wzp_puncher_step (self->puncher, now_us, &action)) {
    switch (action.type) {
      case WZP_PUNCHER_ACTION_SEND:
        send_punch (self, &action);
        break;
      case WZP_PUNCHER_ACTION_DIAL:
        wzp_call_dial_punched (self,
            &(WzpCandidate){ .addr = action.addr, .type = action.candidate },
            action.is_fresh ? self->tried : NULL);
        break;
      case WZP_PUNCHER_ACTION_GO:
        send_go (self, action.round);
        break;
      case WZP_PUNCHER_ACTION_FRESH:
        wzp_call_open_fresh (self, now_us);
        break;
    }
  }
}

void
wzp_call_begin_punching (
    WzpCall *self, const WzpCandidateList *candidates, gint64 now_us)
{
  if (!self->features.has_punch || !self->direct_allowed)
    return;
  self->puncher = wzp_puncher_new (
      self->role, self->features.peer_is_open, g_random_int ());
  if (self->next_port != 0) {
    const WzpControl ports = { .type = WZP_CONTROL_PORTS,
      .port = self->next_port,
      .step = self->port_step };

    wzp_puncher_set_sequential (self->puncher);
    wzp_call_send_control (self, &ports);
  } else if (self->handler->open_fresh != NULL) {
    wzp_puncher_allow_fresh (self->puncher);
  }
  wzp_puncher_start (self->puncher, candidates, now_us);
  /* Openers before any dial: they get the port that was told. */
  wzp_call_run_punching (self, now_us);
}

void
wzp_call_set_ports (WzpCall *self, guint16 port, guint step)
{
  self->next_port = port;
  self->port_step = step;
}

gboolean
wzp_call_take_packet_by (
    WzpCall *self, const WzpUdpPacket *packet, WzpFreshSocket *fresh)
{
  const gint64 now_us = wzp_clock_now_us ();
  WzpCandidateFilter filter = { .allow_loopback = TRUE };
  WzpPunch punch;

  if (!wzp_punch_is_of (&self->punch_key, packet->data, packet->len))
    return FALSE;
  if (self->puncher == NULL || self->state == CALL_ENDED ||
      !wzp_punch_parse (&self->punch_key, packet->data, packet->len, &punch) ||
      wzp_candidate_refusal (&packet->remote, &filter) != NULL)
    return TRUE;
  wzp_call_note_punch_heard (self, &punch, &packet->remote);
  if (wzp_puncher_take_punch (self->puncher, &punch, &packet->remote,
          fresh != NULL && fresh == self->tried, now_us))
    wzp_call_step (self);
  return TRUE;
}

gboolean
wzp_call_take_packet (WzpCall *self, const WzpUdpPacket *packet)
{
  return wzp_call_take_packet_by (self, packet, NULL);
}
