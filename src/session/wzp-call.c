#include "wzp-call-private.h"

#define TICK_BUSY_US    (50 * 1000) /* health of the paths, media flowing */
#define TICK_IDLE_US    (250 * 1000)
#define MEDIA_RECENT_US (G_USEC_PER_SEC)
/* A datagram is pulled, then sent: a little later. */
#define KEPT_SLACK_US (5 * 1000)

/* ---- small things ---- */

static void
set_state (WzpCall *self, CallState to)
{
  g_debug ("call %s: state %d -> %d", self->call_id, self->state, to);
  g_assert (to > self->state);
  self->state = to;
}

void
wzp_call_step_soon (WzpCall *self)
{
  wzp_timer_set_earlier (self->timer, 0);
}

void
wzp_call_end (
    WzpCall *self, GError *error, const WzpCloseInfo *info, WzpPath path)
{
  g_autoptr (GError) taken = error;

  if (self->state == CALL_ENDED)
    return;
  set_state (self, CALL_ENDED);
  wzp_call_note_end (self, taken != NULL ? taken->message : "The peer hung up");
  self->error = g_steal_pointer (&taken);
  self->end_path = path;
  self->has_info = info != NULL;
  if (info != NULL) {
    self->info = *info;
    self->info.reason = NULL;
    self->info.error = NULL;
  }
  self->n_last_paths = wzp_call_collect_paths (self, self->last_paths);
  wzp_receiver_end (self->receiver);
  wzp_call_step_soon (self);
}

/* ---- nomination ---- */

void
wzp_call_change_path (
    WzpCall *self, WzpPath old_path, WzpPath new_path, char *why, gint64 now_us)
{
  WzpLink *link = wzp_call_link_of (self, new_path);

  g_free (self->why);
  self->why = why;
  wzp_call_note (self,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_PATH,
          .at_us = now_us,
          .old_path = old_path,
          .path = new_path,
          .text = why });
  self->path = new_path;
  self->path_us = now_us;
  if (link != NULL)
    wzp_link_want_pull (link);
  if (new_path != WZP_PATH_NONE && self->state == CALL_RACING) {
    set_state (self, CALL_UP);
    self->connect_us = now_us - self->started_us;
    self->handler->connected (self, self->user_data);
  }
  /* Falling back, something was lost on the way: begin at a key frame. */
  if (old_path == WZP_PATH_DIRECT && new_path == WZP_PATH_RELAY)
    wzp_sender_key_request_all (self->sender, now_us);
  self->handler->path_changed (
      self, old_path, new_path, self->why, self->user_data);
}

static void
run_nominate (WzpCall *self, gint64 now_us)
{
  WzpNominateAction action;
  WzpLink *link;

  while (self->state != CALL_ENDED &&
      wzp_nominate_step (self->nominate, now_us, &action)) {
    switch (action.type) {
      case WZP_NOMINATE_ACTION_SEND:
        wzp_call_note_control (self, &action.control, TRUE);
        wzp_call_send_control (self, &action.control);
        break;
      case WZP_NOMINATE_ACTION_PROBE:
      case WZP_NOMINATE_ACTION_PROBE_ACK:
        link = wzp_call_link_of (self, action.path);
        if (link != NULL)
          wzp_call_send_probe (self, link, &action.control);
        break;
      case WZP_NOMINATE_ACTION_CHANGED:
        wzp_call_change_path (self, action.old_path, action.path,
            wzp_call_describe_change (self, &action), now_us);
        break;
    }
  }
}

/* What has arrived need not be kept; and the next look is no later than when
 * the path turns suspect, if nothing is acknowledged until then. */
static void
watch_direct (WzpCall *self, const WzpConnInfo *info, gint64 now_us)
{
  const gint64 oldest_us = info->oldest_unacked_us;
  gint64 suspect_us;

  wzp_sender_forget (
      self->sender, oldest_us > 0 ? oldest_us - KEPT_SLACK_US : now_us);
  if (oldest_us == 0)
    return;
  suspect_us = oldest_us +
      wzp_nominate_get_patience_us (self->nominate, WZP_PATH_DIRECT);
  if (suspect_us > now_us)
    self->next_tick_us = MIN (self->next_tick_us, suspect_us);
}

static void
sample_link (WzpCall *self, WzpLink *link, gint64 now_us)
{
  WzpConnInfo info;

  if (link == NULL)
    return;
  wzp_conn_get_info (wzp_link_get_conn (link), &info);
  if (self->nominate != NULL)
    wzp_nominate_sample (self->nominate, wzp_link_get_path (link), info.srtt_us,
        info.pto_us,
        wzp_call_get_unacked_us (self, wzp_link_get_path (link), &info, now_us),
        now_us);
  if (self->nominate != NULL)
    wzp_call_rate_link (self, link, &info, now_us);
  if (wzp_link_get_path (link) == WZP_PATH_DIRECT && self->nominate != NULL)
    watch_direct (self, &info, now_us);
  if (wzp_link_get_path (link) == WZP_PATH_DIRECT)
    self->last_heard_us = MAX (self->last_heard_us, info.last_received_us);
  /* A relay's acknowledgement says nothing of the leg behind it: allow for
   * twice the way. */
  if (wzp_link_get_path (link) == self->path)
    wzp_control_channel_set_rtt (self->control,
        self->path == WZP_PATH_RELAY ? 2 * info.srtt_us : info.srtt_us);
}

static gboolean
is_busy (const WzpCall *self, gint64 now_us)
{
  return wzp_sender_awaits_ack (self->sender) ||
      (self->last_media_us > 0 &&
          now_us - self->last_media_us < MEDIA_RECENT_US);
}

static void
check_eos (WzpCall *self)
{
  WzpLink *link = wzp_call_link_of (self, self->path);
  WzpConnInfo info;

  if (!wzp_sender_awaits_ack (self->sender) || link == NULL ||
      self->pending_control.length > 0 ||
      !wzp_control_channel_is_idle (self->control))
    return;
  wzp_conn_get_info (wzp_link_get_conn (link), &info);
  if (info.oldest_unacked_us == 0 &&
      wzp_conn_get_queued_bytes (wzp_link_get_conn (link)) == 0)
    wzp_sender_all_acked (self->sender);
}

/* A plain peer that only receives says nothing on the relay path. */
static gboolean
is_silent (const WzpCall *self, gint64 now_us)
{
  return now_us - self->last_heard_us > WZP_CALL_SILENCE_US &&
      (self->plain == NULL || self->path == WZP_PATH_DIRECT);
}

/* The race drops a relay that comes second by itself. */
static void
drop_spare_relay (WzpCall *self, gint64 now_us)
{
  if (!self->race_config.keep_relay && self->relay != NULL &&
      self->path == WZP_PATH_DIRECT &&
      now_us - self->path_us >= WZP_CALL_RELAY_DROP_US) {
    wzp_call_note_down (self, WZP_PATH_RELAY, "It is not kept");
    wzp_call_drop_link (self, WZP_PATH_RELAY, now_us);
  }
}

static void
tick (WzpCall *self, gint64 now_us)
{
  if (now_us < self->next_tick_us)
    return;
  self->next_tick_us =
      now_us + (is_busy (self, now_us) ? TICK_BUSY_US : TICK_IDLE_US);
  sample_link (self, self->relay, now_us);
  sample_link (self, self->direct, now_us);
  wzp_call_note_rtts (self, now_us);
  if (self->plain != NULL)
    wzp_call_tick_plain (self, now_us);
  else
    wzp_call_probe_mtu (self, now_us);
  drop_spare_relay (self, now_us);
  wzp_call_redial_relay (self, now_us);
  wzp_call_expire_retired (self, now_us);
  wzp_call_seek_proved (self, now_us);
  if (self->seek_at_us >= 0 && now_us >= self->seek_at_us)
    wzp_call_seek_direct (self);
  if (self->hold_until_us != 0 && now_us >= self->hold_until_us) {
    self->hold_until_us = 0;
    wzp_receiver_set_hold (self->receiver, WZP_RECEIVER_HOLD_US);
  }
  if (self->state == CALL_UP && is_silent (self, now_us))
    wzp_call_end (self,
        g_error_new (WZP_ERROR, WZP_ERROR_TIMED_OUT,
            "Nothing was heard from the peer for %d s",
            (int) (WZP_CALL_SILENCE_US / G_USEC_PER_SEC)),
        NULL, self->path);
}

/* The relay's window may have opened by time alone, and a path that gets copies
 * from now on has not been asked yet. */
static void
resume_pulling (WzpCall *self)
{
  WzpPath duplicate = wzp_call_get_duplicate (self);

  if (self->relay != NULL &&
      (self->path == WZP_PATH_RELAY || duplicate == WZP_PATH_RELAY))
    wzp_link_want_pull (self->relay);
  if (self->direct != NULL && duplicate == WZP_PATH_DIRECT)
    wzp_link_want_pull (self->direct);
}

static gint64
earlier (gint64 a, gint64 b)
{
  if (a < 0)
    return b;
  return b < 0 ? a : MIN (a, b);
}

static void
set_timer (WzpCall *self)
{
  gint64 deadline = self->next_tick_us;

  deadline = earlier (deadline,
      self->plain != NULL ? wzp_plain_nominate_get_deadline (self->plain)
                          : wzp_nominate_get_deadline (self->nominate));
  if (self->puncher != NULL)
    deadline = earlier (deadline, wzp_puncher_get_deadline (self->puncher));
  if (self->relay != NULL || self->direct != NULL)
    deadline =
        earlier (deadline, wzp_control_channel_get_deadline (self->control));
  deadline = earlier (deadline, wzp_receiver_get_deadline (self->receiver));
  deadline = earlier (deadline, self->feedback_at_us);
  if (self->path == WZP_PATH_RELAY && self->plain == NULL)
    deadline =
        earlier (deadline, wzp_relay_window_get_deadline (self->relay_window));
  wzp_timer_set (self->timer, deadline);
}

void
wzp_call_step (WzpCall *self)
{
  gint64 now_us = wzp_clock_now_us ();

  if (self->in_step || self->state == CALL_IDLE || self->state == CALL_ENDED)
    return;
  self->in_step = TRUE;
  tick (self, now_us);
  wzp_call_pop_control (self, now_us);
  if (self->plain != NULL)
    wzp_call_run_plain (self, now_us);
  else
    run_nominate (self, now_us);
  wzp_call_repeat_unacked (self, now_us);
  wzp_call_run_punching (self, now_us);
  wzp_call_note_health (self, now_us);
  wzp_call_note_dials (self);
  wzp_call_send_feedback (self, now_us);
  resume_pulling (self);
  wzp_receiver_advance (self->receiver, now_us);
  wzp_call_write_control (self, now_us);
  check_eos (self);
  self->in_step = FALSE;
  if (self->state != CALL_ENDED)
    set_timer (self);
}

static void
on_timer (gpointer user_data)
{
  WzpCall *self = user_data;

  /* What came before the call took it. */
  if (self->state != CALL_ENDED && self->direct != NULL)
    wzp_conn_replay_datagrams (wzp_link_get_conn (self->direct));
  if (self->state != CALL_ENDED) {
    wzp_call_expire_fresh (self, wzp_clock_now_us ());
    wzp_call_step (self);
    return;
  }
  if (self->told_ended)
    return;
  self->told_ended = TRUE;
  wzp_call_close_links (self);
  wzp_call_write_timeline (self);
  self->handler->ended (self, self->error, self->has_info ? &self->info : NULL,
      self->end_path, self->user_data);
}

/* ---- the race ---- */

static void
on_race_won (
    WzpRaceRunner *runner, WzpPath path, WzpConn *conn, gpointer user_data)
{
  WzpCall *self = user_data;

  wzp_call_note_dials (self);
  wzp_call_attach_link (self, path, conn);
  self->handler->race_news (self, self->user_data);
}

static void
on_race_direct_late (WzpRaceRunner *runner, WzpConn *conn, gpointer user_data)
{
  on_race_won (runner, WZP_PATH_DIRECT, conn, user_data);
}

static void
on_race_relay_up (WzpRaceRunner *runner, WzpConn *conn, gpointer user_data)
{
  on_race_won (runner, WZP_PATH_RELAY, conn, user_data);
}

static void
on_race_direct_gave_up (WzpRaceRunner *runner, gpointer user_data)
{
  WzpCall *self = user_data;

  self->handler->race_news (self, self->user_data);
  if (self->relay == NULL && self->direct == NULL)
    wzp_call_end (self,
        g_error_new_literal (WZP_ERROR, WZP_ERROR_CLOSED,
            "The relay path was lost and no direct path came up"),
        NULL, WZP_PATH_RELAY);
  wzp_call_step_soon (self);
}

static void
on_race_failed (WzpRaceRunner *runner, const GError *error, gpointer user_data)
{
  WzpCall *self = user_data;

  self->handler->race_news (self, self->user_data);
  wzp_call_end (self, g_error_copy (error), NULL, WZP_PATH_NONE);
}

static WzpConn *
on_race_dial_relay (WzpRaceRunner *runner, const WzpConnHandler *handler,
    gpointer conn_data, gpointer user_data, GError **error)
{
  WzpCall *self = user_data;

  return self->handler->dial_relay (
      self, handler, conn_data, error, self->user_data);
}

static void
on_race_dial_changed (WzpRaceRunner *runner, gpointer user_data)
{
  wzp_call_note_dials (user_data);
}

static const WzpRaceRunnerHandler race_handler = {
  .dial_changed = on_race_dial_changed,
  .won = on_race_won,
  .direct_late = on_race_direct_late,
  .relay_up = on_race_relay_up,
  .direct_gave_up = on_race_direct_gave_up,
  .failed = on_race_failed,
};

/* ---- media halves ---- */

static void
on_control_from_half (const WzpControl *control, gpointer user_data)
{
  wzp_call_send_control (user_data, control);
}

static gboolean
on_refill (WzpSendFlow *flow, gpointer user_data)
{
  WzpCall *self = user_data;

  return self->handler->refill (self, flow, self->user_data);
}

static const WzpSenderHandler sender_handler = {
  .refill = on_refill,
  .control = on_control_from_half,
};

static WzpRecvFlow *
on_claim (const char *name, gpointer user_data)
{
  WzpCall *self = user_data;

  return self->handler->claim (self, name, self->user_data);
}

static void
on_unclaimed (WzpRecvFlow *flow, gpointer user_data)
{
  WzpCall *self = user_data;

  self->handler->unclaimed (self, flow, self->user_data);
}

static const WzpReceiverHandler receiver_handler = {
  .claim = on_claim,
  .unclaimed = on_unclaimed,
  .control = on_control_from_half,
};

/* ---- entry points ---- */

WzpCall *
wzp_call_new (const WzpCallConfig *config, const WzpCallHandler *handler,
    gpointer user_data)
{
  WzpCall *self = g_new0 (WzpCall, 1);

  self->endpoint = config->endpoint;
  self->context = config->context;
  self->call_id = g_strdup (config->call_id);
  self->peer = config->peer;
  memcpy (self->peer_key, config->peer_key, sizeof self->peer_key);
  self->features = config->features;
  self->media_offer = g_bytes_ref (config->media_offer);
  self->race_config = config->race;
  self->latency_ms = config->latency_ms;
  self->handler = handler;
  self->user_data = user_data;
  self->redial_at_us = -1;
  self->seek_at_us = -1;
  self->feedback_at_us = -1;
  self->relay_window = wzp_relay_window_new ();
  self->connect_us = self->first_media_us = self->direct_us = -1;
  self->seal_out = wzp_seal_new (config->keys.send_key, config->keys.send_iv);
  self->seal_in = wzp_seal_new (config->keys.recv_key, config->keys.recv_iv);
  wzp_punch_key_init (&self->punch_key, config->keys.punch_key);
  self->seen = wzp_call_seen_new (config);
  self->timer = wzp_timer_new (config->context, on_timer, self);
  self->control = wzp_control_channel_new ();
  g_queue_init (&self->pending_control);
  self->sender = wzp_sender_new (&sender_handler, self);
  self->receiver = wzp_receiver_new (&receiver_handler, self);
  if (!self->features.has_control) {
    self->plain = wzp_plain_nominate_new ();
    wzp_receiver_set_joins_late (self->receiver);
  }
  if (!self->features.has_control || !self->features.has_flows)
    wzp_receiver_set_implied_flows (self->receiver);
  wzp_call_send_hello (self, config->window);
  return self;
}

void
wzp_call_free (WzpCall *self)
{
  wzp_receiver_end (self->receiver);
  g_clear_pointer (&self->runner, wzp_race_runner_free);
  g_clear_pointer (&self->again, wzp_race_runner_free);
  wzp_call_close_links (self);
  wzp_timer_free (self->timer);
  g_clear_pointer (&self->nominate, wzp_nominate_free);
  g_clear_pointer (&self->plain, wzp_plain_nominate_free);
  wzp_control_channel_free (self->control);
  g_queue_clear_full (&self->pending_control, (GDestroyNotify) g_bytes_unref);
  wzp_sender_free (self->sender);
  wzp_receiver_free (self->receiver);
  wzp_relay_window_free (self->relay_window);
  g_bytes_unref (self->media_offer);
  wzp_seal_free (self->seal_out);
  wzp_seal_free (self->seal_in);
  wzp_call_close_fresh (self);
  g_clear_pointer (&self->puncher, wzp_puncher_free);
  wzp_punch_key_wipe (&self->punch_key);
  g_clear_error (&self->error);
  wzp_call_seen_free (self->seen);
  g_free (self->why);
  for (guint i = 0; i < G_N_ELEMENTS (self->down_reasons); i++)
    g_free (self->down_reasons[i]);
  g_free (self->call_id);
  g_free (self);
}

void
wzp_call_start (WzpCall *self, WzpRole role, gboolean direct_allowed,
    const WzpCandidateList *candidates)
{
  WzpRaceRunnerConfig config = { .race = self->race_config,
    .call_id = self->call_id,
    .peer_key = self->peer_key,
    .context = self->context,
    .dial_relay = on_race_dial_relay,
    .holds = wzp_call_holds_dial };

  g_return_if_fail (self->state == CALL_IDLE);

  self->role = role;
  self->started_us = wzp_clock_now_us ();
  self->last_heard_us = self->started_us;
  config.race.role = role;
  config.race.direct_allowed &= direct_allowed;
  self->direct_allowed = config.race.direct_allowed;
  if (candidates != NULL)
    self->candidates = *candidates;
  wzp_call_note_start (self);
  if (self->plain == NULL)
    self->nominate = wzp_nominate_new (role);
  if (self->nominate != NULL && self->is_peer_on_relay)
    wzp_nominate_expect_relay (self->nominate, self->started_us);
  self->runner =
      wzp_race_runner_new (self->endpoint, &config, &race_handler, self);
  set_state (self, CALL_RACING);
  wzp_call_begin_punching (self, candidates, self->started_us);
  wzp_race_runner_start (self->runner, candidates);
  if (self->early != NULL) {
    g_autoptr (WzpConn) early = g_steal_pointer (&self->early);

    if (!wzp_race_runner_offer_conn (self->runner, early))
      wzp_conn_close (early, WZP_CLOSE_REFUSED, "Not expected here");
  }
  wzp_call_step_soon (self);
}

void
wzp_call_add_candidates (WzpCall *self, const WzpCandidateList *candidates)
{
  if (self->state != CALL_RACING && self->state != CALL_UP)
    return;
  self->candidates = *candidates;
  wzp_call_note_candidates (self, candidates);
  for (guint i = 0; i < candidates->n; i++)
    wzp_race_runner_add_candidate (self->runner, &candidates->items[i]);
  if (self->puncher != NULL)
    wzp_puncher_add_candidates (self->puncher, candidates, wzp_clock_now_us ());
  wzp_call_seek_direct (self);
  wzp_call_step_soon (self);
}

gboolean
wzp_call_offer_conn (WzpCall *self, WzpConn *conn)
{
  if (self->state == CALL_ENDED)
    return FALSE;
  if (self->state != CALL_IDLE)
    return wzp_race_runner_offer_conn (self->runner, conn) ||
        wzp_call_take_again (self, conn);
  if (self->early != NULL && !wzp_conn_is_closed (self->early))
    return FALSE;
  g_clear_pointer (&self->early, wzp_conn_unref);
  self->early = wzp_conn_ref (conn);
  return TRUE;
}

void
wzp_call_hang_up (WzpCall *self, WzpHangupReason reason, const char *text)
{
  WzpControl bye = {
    .type = WZP_CONTROL_BYE, .reason = reason, .text = (char *) text
  };

  if (self->state == CALL_ENDED)
    return;
  wzp_call_note_end (self, reason == WZP_HANGUP_NORMAL ? "Hung up here" : text);
  wzp_call_send_control (self, &bye);
  wzp_call_step (self);
  wzp_endpoint_flush (self->endpoint);
  if (self->state != CALL_ENDED)
    wzp_call_end (self, NULL, NULL, self->path);
  self->told_ended = TRUE;
  wzp_call_close_links (self);
  wzp_call_write_timeline (self);
}

void
wzp_call_peer_hung_up (WzpCall *self, const GError *error)
{
  wzp_call_end (
      self, error != NULL ? g_error_copy (error) : NULL, NULL, self->path);
}

gint64
wzp_call_get_silence_us (const WzpCall *self)
{
  return wzp_clock_now_us () - self->last_heard_us;
}

void
wzp_call_add_send_flow (WzpCall *self, WzpSendFlow *flow)
{
  if (self->state != CALL_ENDED)
    wzp_sender_add_flow (self->sender, flow, wzp_clock_now_us ());
}

void
wzp_call_remove_send_flow (WzpCall *self, WzpSendFlow *flow)
{
  wzp_sender_remove_flow (self->sender, flow);
}

void
wzp_call_give (WzpCall *self, WzpSendFlow *flow, const WzpSendItem *item)
{
  if (self->state == CALL_ENDED ||
      (self->state != CALL_UP && item->kind != WZP_SEND_ITEM_DESCRIPTION))
    return;
  wzp_sender_give (self->sender, flow, item, wzp_clock_now_us ());
}

void
wzp_call_woken (WzpCall *self)
{
  WzpLink *link = wzp_call_link_of (self, self->path);

  if (self->state == CALL_ENDED)
    return;
  wzp_receiver_collect_key_requests (self->receiver);
  if (link != NULL)
    wzp_link_want_pull (link);
}

void
wzp_call_recv_flow_added (WzpCall *self)
{
  if (self->state != CALL_ENDED)
    wzp_receiver_claim (self->receiver, wzp_clock_now_us ());
}

void
wzp_call_recv_flow_removed (WzpCall *self, WzpRecvFlow *flow)
{
  wzp_receiver_release (self->receiver, flow);
}

const char *
wzp_call_get_id (const WzpCall *self)
{
  return self->call_id;
}

const WzpFingerprint *
wzp_call_get_peer (const WzpCall *self)
{
  return &self->peer;
}

const guint8 *
wzp_call_get_peer_key (const WzpCall *self)
{
  return self->peer_key;
}

gboolean
wzp_call_is_plain (const WzpCall *self)
{
  return self->plain != NULL;
}

gboolean
wzp_call_is_started (const WzpCall *self)
{
  return self->state != CALL_IDLE;
}

gboolean
wzp_call_is_up (const WzpCall *self)
{
  return self->state == CALL_UP;
}

gboolean
wzp_call_is_ended (const WzpCall *self)
{
  return self->state == CALL_ENDED;
}

WzpRole
wzp_call_get_role (const WzpCall *self)
{
  return self->role;
}

WzpPath
wzp_call_get_path (const WzpCall *self)
{
  return self->path;
}

guint
wzp_call_get_latency_ms (const WzpCall *self)
{
  return self->latency_ms;
}
