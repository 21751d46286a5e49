/* A call when the network is another one: which of its links have lost the
 * address that they leave from, and a direct connection made anew. */
#include "wzp-call-private.h"
#include "wzp-network-monitor.h"

/* Dials of one moment come in within so long. The Dialer begins no others until
 * twice that has passed. */
#define SAME_MOMENT_US (500 * 1000)

/* A connection that we dialled has no address of its own: the kernel gives its
 * packets another one, and the other side follows. One that came in answers
 * from where it was asked. */
static gboolean
has_lost_address (const WzpLink *link, const WzpNetworkState *network)
{
  return !wzp_network_state_has (
      network, wzp_conn_get_local (wzp_link_get_conn (link)));
}

gint64
wzp_call_get_unacked_us (
    WzpCall *self, WzpPath path, const WzpConnInfo *info, gint64 now_us)
{
  if (path == WZP_PATH_DIRECT && self->direct_lost_us > 0) {
    if (info->last_received_us <= self->direct_lost_us)
      return WZP_NOMINATE_SEND_ERROR;
    self->direct_lost_us = 0; /* it found its way */
  }
  return info->oldest_unacked_us > 0 ? MAX (now_us - info->oldest_unacked_us, 1)
                                     : 0;
}

/* ---- a direct connection anew ---- */

static void
on_again_won (
    WzpRaceRunner *runner, WzpPath path, WzpConn *conn, gpointer user_data)
{
  WzpCall *self = user_data;

  wzp_call_note_again_over (self);
  g_clear_pointer (&self->again, wzp_race_runner_free);
  wzp_call_attach_link (self, WZP_PATH_DIRECT, conn);
}

static void
on_again_failed (WzpRaceRunner *runner, const GError *error, gpointer user_data)
{
  WzpCall *self = user_data;

  g_debug ("call %s: no direct path again: %s", self->call_id, error->message);
  wzp_call_note_again_over (self);
  g_clear_pointer (&self->again, wzp_race_runner_free);
}

static void
on_again_dial_changed (WzpRaceRunner *runner, gpointer user_data)
{
  wzp_call_note_dials (user_data);
}

static const WzpRaceRunnerHandler again_handler = {
  .dial_changed = on_again_dial_changed,
  .won = on_again_won,
  .failed = on_again_failed,
};

static gboolean
is_race_over (const WzpCall *self)
{
  return wzp_race_get_direct (wzp_race_runner_get_race (self->runner), NULL,
             NULL) != WZP_DIAL_PENDING;
}

/* Whether the peer still says that it can be reached where the link goes to. */
static gboolean
is_listed (const WzpCall *self, const WzpLink *link)
{
  const WzpAddr *remote = wzp_conn_get_remote (wzp_link_get_conn (link));

  for (guint i = 0; i < self->candidates.n; i++)
    if (wzp_addr_equal (&self->candidates.items[i].addr, remote))
      return TRUE;
  return FALSE;
}

static gboolean
needs_direct (const WzpCall *self)
{
  return self->direct == NULL || self->direct_lost_us > 0 ||
      self->path != WZP_PATH_DIRECT || !is_listed (self, self->direct);
}

static void
dial_again (
    WzpCall *self, const WzpCandidateList *candidates, WzpFreshSocket *fresh)
{
  WzpRaceRunnerConfig config = { .race = self->race_config,
    .call_id = self->call_id,
    .peer_key = self->peer_key,
    .context = self->context,
    .holds = wzp_call_holds_dial };

  config.race.role = self->role;
  config.race.relay_allowed = FALSE;
  wzp_call_note_again_over (self);
  g_clear_pointer (&self->again, wzp_race_runner_free);
  self->again = wzp_race_runner_new (
      wzp_call_get_socket (self, fresh), &config, &again_handler, self);
  self->again_by = fresh;
  wzp_race_runner_start (self->again, candidates);
}

void
wzp_call_dial_punched (
    WzpCall *self, const WzpCandidate *candidate, WzpFreshSocket *fresh)
{
  WzpCandidateList list = { .n = 1 };

  if ((fresh == NULL && wzp_race_runner_dial (self->runner, candidate)) ||
      !is_race_over (self) || self->state != CALL_UP)
    return;
  if (self->again != NULL && self->again_by == fresh &&
      wzp_race_runner_dial (self->again, candidate))
    return;
  list.items[0] = *candidate;
  dial_again (self, &list, fresh);
}

/* One that is under way may have begun from an address that is gone: a
 * handshake does not move. */
void
wzp_call_seek_direct (WzpCall *self)
{
  gint64 now_us = wzp_clock_now_us ();

  self->seek_at_us = -1;
  if (self->state != CALL_UP || self->role != WZP_ROLE_DIALER ||
      !self->direct_allowed || self->plain != NULL || !is_race_over (self) ||
      self->candidates.n == 0 || !needs_direct (self))
    return;
  if (self->direct != NULL &&
      now_us - self->direct_up_us < 2 * SAME_MOMENT_US) {
    self->seek_at_us = self->direct_up_us + 2 * SAME_MOMENT_US;
    return;
  }
  g_debug ("call %s: dials the peer again", self->call_id);
  dial_again (self, &self->candidates, NULL);
}

static gboolean
has_addr (const WzpCandidateList *list, const WzpAddr *addr)
{
  for (guint i = 0; i < list->n; i++)
    if (wzp_addr_equal (&list->items[i].addr, addr))
      return TRUE;
  return FALSE;
}

/* What a family's network swallows of one address it swallows of the next: the
 * other family first. */
static void
list_untried (
    const WzpCall *self, const WzpAddr *failed, WzpCandidateList *ret_list)
{
  for (guint pass = 0; pass < 2; pass++) {
    ret_list->n = 0;
    for (guint i = 0; i < self->candidates.n; i++) {
      const WzpCandidate *candidate = &self->candidates.items[i];

      if (!has_addr (&self->unproved, &candidate->addr) &&
          (pass > 0 || candidate->addr.family != failed->family))
        ret_list->items[ret_list->n++] = *candidate;
    }
    if (ret_list->n > 0)
      return;
  }
}

static gboolean
has_disappointed (const WzpCall *self, gint64 now_us)
{
  return wzp_nominate_is_proof_overdue (self->nominate, WZP_PATH_DIRECT) ||
      wzp_nominate_is_dead (self->nominate, WZP_PATH_DIRECT, now_us);
}

void
wzp_call_seek_proved (WzpCall *self, gint64 now_us)
{
  WzpCandidateList *unproved = &self->unproved;
  WzpCandidateList list = { 0 };
  const WzpAddr *failed;

  if (self->state != CALL_UP || self->role != WZP_ROLE_DIALER ||
      self->direct == NULL || self->nominate == NULL || !is_race_over (self) ||
      !has_disappointed (self, now_us))
    return;
  failed = wzp_conn_get_remote (wzp_link_get_conn (self->direct));
  if (has_addr (unproved, failed) || unproved->n == WZP_CANDIDATES_MAX)
    return;
  unproved->items[unproved->n++].addr = *failed;
  list_untried (self, failed, &list);
  if (list.n == 0)
    return;
  g_debug ("call %s: the direct path swallows packets, dials %u others",
      self->call_id, list.n);
  dial_again (self, &list, NULL);
}

/* The Dialer dials all candidates at once and keeps the first that is up: the
 * others of the same moment are refused, as in the race. */
gboolean
wzp_call_take_again (WzpCall *self, WzpConn *conn)
{
  gint64 now_us = wzp_clock_now_us ();

  if (self->state != CALL_UP || self->role != WZP_ROLE_ACCEPTOR ||
      !self->direct_allowed || self->plain != NULL || !is_race_over (self) ||
      wzp_conn_is_closed (conn))
    return FALSE;
  if (self->direct != NULL && now_us - self->direct_up_us < SAME_MOMENT_US)
    return FALSE;
  g_debug ("call %s: the peer has dialled again", self->call_id);
  wzp_call_attach_link (self, WZP_PATH_DIRECT, wzp_conn_ref (conn));
  return TRUE;
}

/* ---- the network ---- */

/* Beside the old connection, which may find its way too. */
static void
check_relay (WzpCall *self, const WzpNetworkState *network, gint64 now_us)
{
  WzpAddr source;

  if (self->relay == NULL && self->redial_at_us < 0 && self->redial == NULL)
    return; /* the race has it, or it is not wanted */
  if (self->relay != NULL && !has_lost_address (self->relay, network))
    return;
  if (self->relay != NULL &&
      !wzp_network_find_source (
          wzp_conn_get_remote (wzp_link_get_conn (self->relay)), &source))
    return; /* no way to it yet: there will be more news */
  wzp_call_redial_now (self, now_us);
}

static void
check_direct (WzpCall *self, const WzpNetworkState *network, gint64 now_us)
{
  if (self->direct != NULL && self->direct_lost_us == 0 &&
      has_lost_address (self->direct, network)) {
    g_debug ("call %s: the direct path has lost its address", self->call_id);
    self->direct_lost_us = now_us;
  }
  wzp_call_seek_direct (self);
  if (self->puncher != NULL)
    wzp_puncher_kick (self->puncher, now_us);
}

void
wzp_call_network_changed (
    WzpCall *self, const WzpNetworkState *network, gint64 slept_us)
{
  gint64 now_us = wzp_clock_now_us ();

  if (self->state == CALL_IDLE || self->state == CALL_ENDED)
    return;
  /* The peer has given us up, and its clock went on. */
  if (slept_us > WZP_CALL_SILENCE_US) {
    wzp_call_end (self,
        g_error_new (WZP_ERROR, WZP_ERROR_TIMED_OUT,
            "This machine slept for %d s", (int) (slept_us / G_USEC_PER_SEC)),
        NULL, self->path);
    return;
  }
  wzp_call_note (self,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_NETWORK,
          .at_us = now_us,
          .took_us = MAX (slept_us, 0),
          .text = slept_us > 0 ? "this machine slept"
                               : "the network is another one" });
  self->unproved.n = 0;
  check_relay (self, network, now_us);
  check_direct (self, network, now_us);
  self->next_tick_us = now_us;
  wzp_control_channel_kick (self->control);
  wzp_call_step_soon (self);
}
