/* The links of a call: what comes and goes by them, and the relay dialled
 * again. */
#include "wzp-call-private.h"

WzpLink *
wzp_call_link_of (const WzpCall *self, WzpPath path)
{
  switch (path) {
    case WZP_PATH_RELAY:
      return self->relay;
    case WZP_PATH_DIRECT:
      return self->direct;
    case WZP_PATH_NONE:
      return NULL;
  }
  g_return_val_if_reached (NULL);
}

WzpPath
wzp_call_get_duplicate (const WzpCall *self)
{
  return self->nominate != NULL ? wzp_nominate_get_duplicate (self->nominate)
                                : WZP_PATH_NONE;
}

void
wzp_call_drop_link (WzpCall *self, WzpPath path, gint64 now_us)
{
  WzpLink **slot = path == WZP_PATH_RELAY ? &self->relay : &self->direct;

  if (self->nominate != NULL)
    wzp_nominate_path_down (self->nominate, path, now_us);
  else
    wzp_plain_nominate_path_down (self->plain, path);
  g_clear_pointer (slot, wzp_link_free);
  wzp_call_step_soon (self);
}

static void
abort_redial (WzpCall *self, const char *reason)
{
  if (self->redial == NULL)
    return;
  wzp_conn_set_handler (self->redial, NULL, NULL);
  wzp_conn_close (self->redial, WZP_CLOSE_ABORTED, reason);
  g_clear_pointer (&self->redial, wzp_conn_unref);
}

static guint
retired_index (WzpPath path)
{
  return path == WZP_PATH_DIRECT;
}

/* Whoever closes a direct connection in order hangs up: this is no end. */
static void
free_retired (WzpCall *self, guint i)
{
  if (self->retired[i] == NULL)
    return;
  wzp_link_close (self->retired[i], WZP_CLOSE_REPLACED,
      "A newer connection took its place");
  g_clear_pointer (&self->retired[i], wzp_link_free);
}

/* Takes @link, nullable. */
static void
retire (WzpCall *self, WzpPath path, WzpLink *link, gint64 now_us)
{
  guint i = retired_index (path);

  if (link == NULL)
    return;
  free_retired (self, i);
  self->retired[i] = link;
  self->retired_us[i] = now_us;
}

void
wzp_call_expire_retired (WzpCall *self, gint64 now_us)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->retired); i++)
    if (now_us - self->retired_us[i] >= WZP_CALL_RETIRED_US)
      free_retired (self, i);
}

static gboolean
is_retired (const WzpCall *self, const WzpLink *link)
{
  return self->retired[retired_index (wzp_link_get_path (link))] == link;
}

void
wzp_call_close_links (WzpCall *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->retired); i++)
    free_retired (self, i);
  g_clear_pointer (&self->relay, wzp_link_free);
  g_clear_pointer (&self->direct, wzp_link_free);
  g_clear_pointer (&self->again, wzp_race_runner_free);
  abort_redial (self, "The call is over");
  if (self->early != NULL) {
    wzp_conn_close (self->early, WZP_CLOSE_ABORTED, "The call is over");
    g_clear_pointer (&self->early, wzp_conn_unref);
  }
  self->redial_at_us = -1;
}

/* Media that comes by another path than before may overtake what is still
 * under way there: wait longer for gaps. */
static void
note_rx_path (WzpCall *self, WzpPath path, gint64 now_us)
{
  if (path == self->rx_path)
    return;
  if (self->rx_path != WZP_PATH_NONE) {
    gint64 hold_us = (gint64) self->latency_ms * 1000;

    self->hold_until_us = now_us + 2 * hold_us;
    wzp_receiver_set_hold (self->receiver, MAX (hold_us, WZP_RECEIVER_HOLD_US));
    wzp_timer_set_earlier (self->timer, self->hold_until_us);
  }
  self->rx_path = path;
}

/* Media came by the relay path: the sender must hear of it. */
static void
count_relayed (
    WzpCall *self, const WzpDatagramPrefix *prefix, gsize len, gint64 now_us)
{
  self->relay_highest = MAX (self->relay_highest, prefix->number);
  self->relay_bytes += prefix->prefix_len + len;
  self->relay_unreported += prefix->prefix_len + len;
  if (self->feedback_at_us < 0)
    self->feedback_at_us = now_us + WZP_FEEDBACK_US;
  wzp_call_send_feedback (self, now_us);
  wzp_timer_set_earlier (self->timer, self->feedback_at_us);
}

static void
on_link_received (WzpLink *link, const WzpDatagramPrefix *prefix,
    const guint8 *text, gsize len, gpointer user_data)
{
  WzpCall *self = user_data;
  WzpPath path = wzp_link_get_path (link);
  gint64 now_us = wzp_clock_now_us ();

  if (self->state == CALL_ENDED)
    return;
  self->last_heard_us = now_us;
  if (self->nominate != NULL)
    wzp_nominate_heard (self->nominate, path, now_us);
  if (path == WZP_PATH_RELAY) {
    /* What was said before went into an empty room. */
    if (!self->relay_heard)
      wzp_control_channel_kick (self->control);
    wzp_call_note_relay_heard (self);
  }
  if (prefix->flags & WZP_DATAGRAM_CONTROL) {
    if (wzp_receiver_mark_number (self->receiver, prefix->number))
      wzp_call_receive_control (self, link, text, len, now_us);
    return;
  }
  if (self->first_media_us < 0)
    self->first_media_us = now_us - self->started_us;
  wzp_call_note_media_heard (self, path, now_us);
  note_rx_path (self, path, now_us);
  if (path == WZP_PATH_RELAY && self->features.has_control)
    count_relayed (self, prefix, len, now_us);
  wzp_receiver_push (self->receiver, prefix, text, len, now_us);
  wzp_timer_set_earlier (
      self->timer, wzp_receiver_get_deadline (self->receiver));
}

/* Whether the relay path's window has room; if not, its end is waited for.
 * There is none without the peer's FEEDBACK. */
static gboolean
may_relay (WzpCall *self, gint64 now_us)
{
  if (!self->features.has_control)
    return TRUE;
  if (wzp_relay_window_may_send (self->relay_window, now_us))
    return TRUE;
  wzp_timer_set_earlier (
      self->timer, wzp_relay_window_get_deadline (self->relay_window));
  return FALSE;
}

static void
count_sent (WzpCall *self, const WzpLink *link, const WzpPacket *packet,
    guint64 number, gint64 now_us)
{
  if (wzp_link_get_path (link) == WZP_PATH_RELAY && self->features.has_control)
    wzp_relay_window_sent (self->relay_window, number,
        packet->head_len + packet->payload_len, now_us);
}

/* Whether @link carries media now: the path in use, or the one that gets a copy
 * while that is suspect or was just left. The copy's may pull too: a path that
 * swallows everything fills its congestion window and pulls no more. */
static gboolean
carries_media (WzpCall *self, const WzpLink *link, gint64 now_us)
{
  WzpPath path = wzp_link_get_path (link);

  if (self->state == CALL_ENDED || is_retired (self, link) ||
      (path != self->path && path != wzp_call_get_duplicate (self)))
    return FALSE;
  return path != WZP_PATH_RELAY || may_relay (self, now_us);
}

/* The link that gets a copy of what @link sends; NULL: none. */
static WzpLink *
second_link (const WzpCall *self, const WzpLink *link)
{
  WzpPath duplicate = wzp_call_get_duplicate (self);

  if (duplicate == WZP_PATH_NONE)
    return NULL;
  return wzp_call_link_of (
      self, wzp_link_get_path (link) == self->path ? duplicate : self->path);
}

/* What goes by the direct path alone is kept until it is acknowledged: the
 * relay path takes it if that one falls silent. */
static gboolean
next_packet (WzpCall *self, const WzpLink *link, const WzpLink *second,
    gsize max_size, gint64 now_us, WzpPacket *ret_packet)
{
  if (second == NULL && self->nominate != NULL &&
      wzp_link_get_path (link) == WZP_PATH_DIRECT)
    return wzp_sender_next_kept (self->sender, max_size, now_us, ret_packet);
  return wzp_sender_next (self->sender, max_size, ret_packet);
}

/* Whether what is on its way by the direct path alone may be lost: it is
 * suspect, was left, or was never proved. */
static gboolean
may_lose_direct (const WzpCall *self, gint64 now_us)
{
  return self->path == WZP_PATH_RELAY ||
      wzp_nominate_is_suspect (self->nominate, WZP_PATH_DIRECT, now_us) ||
      (wzp_call_get_duplicate (self) == WZP_PATH_RELAY &&
          wzp_nominate_get_nominated (self->nominate, NULL, NULL, NULL) ==
              WZP_PATH_NONE);
}

void
wzp_call_repeat_unacked (WzpCall *self, gint64 now_us)
{
  if (self->nominate == NULL || self->relay == NULL)
    return;
  if (may_lose_direct (self, now_us))
    wzp_sender_repeat (self->sender);
  else
    wzp_sender_cancel_repeat (self->sender);
}

static gboolean
on_link_pull (
    WzpLink *link, gsize max_size, WzpPacket *ret_packet, gpointer user_data)
{
  WzpCall *self = user_data;
  gint64 now_us = wzp_clock_now_us ();
  WzpLink *second;
  guint64 number;

  if (!carries_media (self, link, now_us))
    return FALSE;
  number = wzp_sender_peek_number (self->sender);
  if (wzp_link_get_path (link) == WZP_PATH_RELAY &&
      wzp_sender_next_again (self->sender, max_size, ret_packet)) {
    count_sent (self, link, ret_packet, number, now_us);
    return TRUE;
  }
  /* What is sent twice must fit both. */
  second = second_link (self, link);
  if (second != NULL &&
      wzp_link_get_max_text (second) > WZP_DATAGRAM_MAX_HEADER)
    max_size = MIN (max_size, wzp_link_get_max_text (second));
  if (!next_packet (self, link, second, max_size, now_us, ret_packet))
    return FALSE;
  self->last_media_us = now_us;
  wzp_call_note_media_sent (self);
  if (self->first_media_us < 0)
    self->first_media_us = now_us - self->started_us;
  count_sent (self, link, ret_packet, number, now_us);
  if (second != NULL && wzp_link_send_copy (second, ret_packet))
    count_sent (self, second, ret_packet, number, now_us);
  return TRUE;
}

static gboolean
peer_hung_up (const WzpCloseInfo *info)
{
  return info->is_remote && info->is_application &&
      (info->code == WZP_CLOSE_NORMAL || info->code == WZP_CLOSE_SHUTDOWN);
}

static gboolean
wants_relay (const WzpCall *self)
{
  return self->race_config.relay_allowed && self->race_config.keep_relay;
}

/* The link that there was is gone. */
static void
replace_relay (WzpCall *self, gint64 now_us)
{
  if (!wants_relay (self))
    return;
  self->redial_at_us = now_us +
      wzp_redial_lost (&self->redial_rule, WZP_CALL_RELAY_RETRY_US,
          WZP_CALL_RELAY_RETRY_MAX_US, now_us, g_random_int ());
  self->next_tick_us = MIN (self->next_tick_us, self->redial_at_us);
}

/* Dialling it again has failed. */
static void
retry_relay (WzpCall *self, gint64 now_us)
{
  if (!wants_relay (self))
    return;
  self->redial_at_us = now_us +
      wzp_redial_failed (&self->redial_rule, WZP_CALL_RELAY_RETRY_US,
          WZP_CALL_RELAY_RETRY_MAX_US, g_random_int ());
}

/* The newer one may still be on its way to us. */
static gboolean
was_replaced (const WzpCloseInfo *info)
{
  return info->is_remote && info->is_application &&
      info->code == WZP_CLOSE_REPLACED;
}

static gboolean
direct_may_come (const WzpCall *self)
{
  return wzp_race_get_direct (wzp_race_runner_get_race (self->runner), NULL,
             NULL) == WZP_DIAL_PENDING;
}

static void
on_link_closed (WzpLink *link, const WzpCloseInfo *info, gpointer user_data)
{
  WzpCall *self = user_data;
  WzpPath path = wzp_link_get_path (link);
  WzpLink *other = path == WZP_PATH_RELAY ? self->direct : self->relay;
  gint64 now_us = wzp_clock_now_us ();

  if (self->state == CALL_ENDED)
    return;
  if (is_retired (self, link)) {
    g_clear_pointer (&self->retired[retired_index (path)], wzp_link_free);
    return;
  }
  g_debug ("call %s: %s path closed: %s", self->call_id,
      wzp_path_to_string (path), info->reason);
  wzp_call_note_down (self, path, info->reason);
  /* A plain peer may just not want two connections: it hangs up by the relay.
   */
  if (path == WZP_PATH_DIRECT && peer_hung_up (info) &&
      (self->plain == NULL || other == NULL)) {
    wzp_call_end (self, NULL, info, path);
    return;
  }
  if (other == NULL && !direct_may_come (self) && !was_replaced (info)) {
    wzp_call_end (self, g_error_copy (info->error), info, path);
    return;
  }
  if (path == WZP_PATH_RELAY)
    replace_relay (self, now_us);
  wzp_call_drop_link (self, path, now_us);
}

static const WzpLinkHandler link_handler = {
  .received = on_link_received,
  .pull = on_link_pull,
  .closed = on_link_closed,
};

/* The answer, if one comes, is passed over: a relay proves itself by its
 * certificate, and so does a peer that we dial. */
static void
send_media_offer (WzpCall *self, WzpConn *conn)
{
  g_autoptr (GError) error = NULL;

  if (!wzp_conn_send_stream (conn, self->media_offer, &error))
    g_debug ("call %s: CallOffer: %s", self->call_id, error->message);
}

void
wzp_call_attach_link (WzpCall *self, WzpPath path, WzpConn *conn)
{
  gboolean is_relay = path == WZP_PATH_RELAY;
  gboolean is_sealed = is_relay && self->features.is_sealed;
  WzpLink **slot = is_relay ? &self->relay : &self->direct;
  gint64 now_us = wzp_clock_now_us ();

  retire (self, path, g_steal_pointer (slot), now_us);
  wzp_call_forget_quality (self, path);
  if (is_relay || (self->plain != NULL && self->role == WZP_ROLE_DIALER))
    send_media_offer (self, conn);
  *slot = wzp_link_new (path, conn, is_sealed ? self->seal_out : NULL,
      is_sealed ? self->seal_in : NULL, &link_handler, self);
  if (!is_relay && self->peer_window > 0)
    wzp_conn_set_max_in_flight (
        conn, self->peer_window / WZP_CALL_WINDOW_SHARE);
  if (!is_relay && self->direct_us < 0)
    self->direct_us = now_us - self->started_us;
  if (!is_relay) {
    self->last_heard_us = now_us;
    self->direct_up_us = now_us;
    self->direct_lost_us = 0;
  }
  if (is_relay) {
    wzp_conn_set_hold_acks (conn, TRUE);
    self->redial_at_us = -1;
    wzp_redial_up (&self->redial_rule);
  }
  wzp_call_note_up (self, path, conn);
  if (self->nominate != NULL)
    wzp_nominate_path_up (self->nominate, path, now_us);
  else
    wzp_plain_nominate_path_up (self->plain, path);
  self->next_tick_us = now_us; /* its round trip is known */
  if (is_relay && self->nominate != NULL && self->state == CALL_RACING)
    self->handler->report (self, FALSE, self->user_data);
  /* In the place of the one in use it changes no path: what is queued, and
   * whoever waits for room there, would wait for ever. */
  wzp_link_want_pull (*slot);
  wzp_control_channel_kick (self->control);
  wzp_call_step_soon (self);
}

/* ---- the relay again ---- */

static void
on_redial_established (WzpConn *conn, gpointer user_data)
{
  WzpCall *self = user_data;

  wzp_call_attach_link (self, WZP_PATH_RELAY, g_steal_pointer (&self->redial));
}

static void
on_redial_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  WzpCall *self = user_data;

  g_clear_pointer (&self->redial, wzp_conn_unref);
  retry_relay (self, wzp_clock_now_us ());
  wzp_call_step_soon (self);
}

static const WzpConnHandler redial_handler = {
  .established = on_redial_established,
  .closed = on_redial_closed,
};

void
wzp_call_redial_relay (WzpCall *self, gint64 now_us)
{
  g_autoptr (GError) error = NULL;

  if (self->redial_at_us < 0 || now_us < self->redial_at_us ||
      self->redial != NULL)
    return;
  self->redial_at_us = -1;
  self->redial = self->handler->dial_relay (
      self, &redial_handler, self, &error, self->user_data);
  if (self->redial == NULL)
    retry_relay (self, now_us);
}

void
wzp_call_redial_now (WzpCall *self, gint64 now_us)
{
  if (!wants_relay (self))
    return;
  abort_redial (self, "The network is another one");
  wzp_redial_up (&self->redial_rule);
  self->redial_at_us = now_us;
  wzp_call_redial_relay (self, now_us);
}
