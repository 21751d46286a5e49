#include "wzp-relay-guest-private.h"

#include "wzp-clock.h"
#include "wzp-relay-log.h"

/* ---- the lobby: one timer for all ---- */

static gboolean
dispatch_lobby (GSource *source, GSourceFunc func, gpointer user_data)
{
  return func (user_data);
}

static GSourceFuncs lobby_funcs = { .dispatch = dispatch_lobby };

static void
set_lobby_deadline (WzpRelayLobby *self)
{
  const WzpTimer *first = wzp_timer_heap_peek (&self->timers);

  g_source_set_ready_time (
      self->source, first != NULL ? (gint64) (first->when / 1000) : -1);
}

void
wzp_relay_lobby_set (WzpRelay *relay, WzpLobbyTimer *timer, gint64 when_us)
{
  WzpRelayLobby *self = relay->lobby;

  timer->timer.owner = timer;
  wzp_timer_heap_set (&self->timers, &timer->timer,
      when_us >= 0 ? (guint64) when_us * 1000 : WZP_TIMER_NEVER);
  set_lobby_deadline (self);
}

/* What is due may end guests, and with the last of them the lobby. */
static gboolean
on_lobby (gpointer user_data)
{
  WzpRelay *relay = user_data;
  gint64 now_us = wzp_clock_now_us ();
  WzpTimer *first;

  while (relay->lobby != NULL &&
      (first = wzp_timer_heap_peek (&relay->lobby->timers)) != NULL &&
      first->when <= (guint64) now_us * 1000) {
    WzpLobbyTimer *timer = first->owner;

    wzp_relay_lobby_set (relay, timer, -1);
    timer->due (timer->owner, now_us);
  }
  wzp_relay_pump (relay);
  return G_SOURCE_CONTINUE;
}

static void
open_lobby (WzpRelay *relay)
{
  WzpRelayLobby *self;

  if (relay->lobby != NULL)
    return;
  self = relay->lobby = g_new0 (WzpRelayLobby, 1);
  wzp_timer_heap_init (&self->timers);
  self->source = g_source_new (&lobby_funcs, sizeof (GSource));
  g_source_set_callback (self->source, on_lobby, relay, NULL);
  g_source_attach (self->source, relay->context);
}

static void
close_lobby (WzpRelay *relay)
{
  WzpRelayLobby *self = g_steal_pointer (&relay->lobby);

  wzp_timer_heap_clear (&self->timers);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_free (self);
}

/* ---- the end ---- */

static void
leave_room (WzpRelayGuest *self)
{
  if (self->is_open)
    wzp_relay_guest_leave_open (self);
  else
    wzp_relay_guest_leave_call (self);
  self->member = NULL;
}

void
wzp_relay_guest_drop (WzpRelayGuest *self, WzpCloseCode code, const char *text)
{
  WzpRelay *relay = self->relay;

  if (self->member != NULL)
    leave_room (self);
  wzp_relay_lobby_set (relay, &self->held, -1);
  wzp_quota_release (relay->quota, self->use, wzp_clock_now_us ());
  g_queue_unlink (&relay->guests, &self->link);
  wzp_channel_free (self->channel);
  wzp_conn_set_handler (self->conn, NULL, NULL);
  wzp_conn_close (self->conn, code, text);
  wzp_conn_unref (self->conn);
  wzp_frame_flows_free (self->flows);
  wzp_frame_gate_free (self->gate);
  g_queue_clear_full (&self->early, (GDestroyNotify) g_bytes_unref);
  g_free (self->name);
  g_free (self->alias);
  g_free (self->token);
  g_free (self);
  if (relay->guests.length == 0)
    close_lobby (relay);
}

static void
refuse (WzpRelayGuest *self, const WzpGuestVerdict *verdict)
{
  if (verdict->is_unauthorized)
    self->relay->stats.unauthorized++;
  wzp_relay_refuse (self->relay, self->conn, verdict->code, verdict->text);
  wzp_relay_guest_drop (self, verdict->code, verdict->text);
}

/* ---- who may enter ---- */

void
wzp_relay_guest_set_verdict (
    WzpGuestVerdict *verdict, WzpCloseCode code, const char *text)
{
  verdict->is_refused = TRUE;
  verdict->code = code;
  g_strlcpy (verdict->text, text, sizeof verdict->text);
}

static void
set_unauthorized (WzpGuestVerdict *verdict, const char *text)
{
  wzp_relay_guest_set_verdict (verdict, WZP_CLOSE_REFUSED, text);
  verdict->is_unauthorized = TRUE;
}

static gboolean
is_token_good (WzpRelayGuest *self, const char *room, WzpGuestVerdict *verdict)
{
  g_autoptr (GError) error = NULL;

  if (self->token == NULL)
    return FALSE; /* HELD */
  if (wzp_relay_access_check_token (self->relay->access, self->token,
          self->has_who ? &self->who : NULL, room,
          g_get_real_time () / G_USEC_PER_SEC, &error))
    return TRUE;
  set_unauthorized (verdict, error->message);
  return FALSE;
}

gboolean
wzp_relay_guest_is_authorized (
    WzpRelayGuest *self, const char *room, WzpGuestVerdict *verdict)
{
  const WzpRelayAccess *access = self->relay->access;

  switch (wzp_relay_access_get_kind (access)) {
    case WZP_ACCESS_OPEN:
      return TRUE;
    case WZP_ACCESS_ALLOW_LIST:
      /* A claim is not enough here. */
      if (wzp_relay_access_admits (access, self->is_proved ? &self->who : NULL))
        return TRUE;
      set_unauthorized (verdict, "this identity is not on the relay's list");
      return FALSE;
    case WZP_ACCESS_TOKEN:
      return is_token_good (self, room, verdict);
  }
  g_return_val_if_reached (FALSE);
}

/* FALSE: refused, and @self is gone. */
static gboolean
try_enter (WzpRelayGuest *self)
{
  WzpGuestVerdict verdict = { 0 };

  if (self->member != NULL)
    return TRUE;
  if (self->is_open)
    wzp_relay_guest_enter_open (self, &verdict);
  else
    wzp_relay_guest_enter_call (self, &verdict);
  if (verdict.is_refused) {
    refuse (self, &verdict);
    return FALSE;
  }
  if (self->member != NULL) {
    wzp_relay_lobby_set (self->relay, &self->held, -1);
    g_clear_pointer (&self->token, g_free);
  }
  return TRUE;
}

static void
on_held_too_long (gpointer owner, gint64 now_us)
{
  WzpRelayGuest *self = owner;
  WzpGuestVerdict verdict = { 0 };

  if (self->is_open || self->has_who)
    set_unauthorized (&verdict, "no AuthToken came");
  else
    wzp_relay_guest_set_verdict (
        &verdict, WZP_CLOSE_REFUSED, "neither a certificate nor a CallOffer");
  refuse (self, &verdict);
}

/* ---- messages ---- */

static void
on_token (WzpRelayGuest *self, const WzpMessage *message)
{
  if (self->member != NULL)
    return;
  g_free (self->token);
  self->token = g_strndup (message->token, WZP_TOKEN_MAX_LEN + 1);
  try_enter (self);
}

static void
take_name (WzpRelayGuest *self, const WzpMessage *offer)
{
  if (self->is_open && wzp_alias_is_valid (offer->alias)) {
    g_free (self->alias);
    self->alias = g_strdup (offer->alias);
  }
  if (self->is_open && self->member != NULL)
    wzp_relay_room_changed (
        wzp_room_get_data (wzp_room_member_get_room (self->member)));
}

/* Whether it says who @self is, and nothing else than before; FALSE: @error. */
static gboolean
take_identity (WzpRelayGuest *self, const WzpMessage *offer, GError **error)
{
  WzpFingerprint who;

  if (!wzp_relay_call_offer_check (
          offer, wzp_conn_get_peer_key (self->conn), &who, error))
    return FALSE;
  if (self->has_who && !wzp_fingerprint_equal (&self->who, &who)) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_IDENTITY,
        "a second CallOffer of another key");
    return FALSE;
  }
  self->has_who = TRUE;
  self->who = who;
  return TRUE;
}

/* A signature made for each is work: no more than a peer has use for. */
static void
on_offer (WzpRelayGuest *self, const WzpMessage *message)
{
  g_autoptr (WzpMessage) answer = NULL;
  g_autoptr (GError) error = NULL;

  if (++self->n_offers > WZP_GUEST_MAX_OFFERS) {
    self->relay->stats.malformed++;
    return;
  }
  if (!take_identity (self, message, &error)) {
    WzpGuestVerdict verdict = { 0 };

    wzp_relay_guest_set_verdict (&verdict, WZP_CLOSE_REFUSED, error->message);
    refuse (self, &verdict);
    return;
  }
  take_name (self, message);
  if (!try_enter (self))
    return;
  answer = wzp_relay_call_answer_new (self->relay->identity);
  if (!wzp_channel_send (self->channel, answer, &error))
    g_debug ("CallAnswer not sent: %s", error->message);
}

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  WzpRelayGuest *self = user_data;
  WzpRelay *relay = self->relay;

  if (message->type == WZP_MESSAGE_AUTH_TOKEN)
    on_token (self, message);
  else if (message->type == WZP_MESSAGE_CALL_OFFER)
    on_offer (self, message);
  else
    g_debug (
        "%s is not for a room", wzp_message_type_to_string (message->type));
  wzp_relay_pump (relay);
}

static void
on_malformed (WzpChannel *channel, const GError *error, gpointer user_data)
{
  WzpRelayGuest *self = user_data;

  self->relay->stats.malformed++;
}

static const WzpChannelHandler channel_handler = {
  .message = on_message,
  .malformed = on_malformed,
};

/* ---- the connection ---- */

gboolean
wzp_relay_guest_send (WzpRelayGuest *self, const guint8 *data, gsize len)
{
  WzpRelayStats *stats = &self->relay->stats;
  struct iovec iov = { .iov_base = (guint8 *) data, .iov_len = len };

  if (!wzp_conn_send_datagram (self->conn, &iov, 1)) {
    if (len > wzp_conn_get_max_datagram (self->conn))
      stats->dropped_too_large++;
    else
      stats->dropped_full++;
    return FALSE;
  }
  stats->forwarded++;
  stats->forwarded_bytes += len;
  return TRUE;
}

static void
on_datagram (WzpConn *conn, const guint8 *data, gsize len, gpointer user_data)
{
  WzpRelayGuest *self = user_data;
  WzpRelay *relay = self->relay;
  gint64 now_us = wzp_clock_now_us ();

  if (!wzp_quota_use_bytes (relay->quota, self->use, len, now_us))
    relay->stats.dropped_quota++;
  else if (len < WZP_DATAGRAM_MIN_RELAYED || data[0] != WZP_DATAGRAM_BYTE0)
    relay->stats.dropped_malformed++;
  else if (self->member == NULL)
    relay->stats.dropped_alone++;
  else if (self->is_open)
    wzp_relay_guest_fan_out (self, data, len, now_us);
  else
    wzp_relay_guest_forward (self, data, len);
}

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  WzpRelayGuest *self = user_data;

  wzp_channel_stream_data (self->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  WzpRelayGuest *self = user_data;

  wzp_channel_stream_closed (self->channel, stream_id);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  WzpRelayGuest *self = user_data;
  WzpRelay *relay = self->relay;

  wzp_relay_guest_drop (self, WZP_CLOSE_NORMAL, NULL);
  wzp_relay_pump (relay);
}

static const WzpConnHandler conn_handler = {
  .datagram = on_datagram,
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

static WzpRelayGuest *
add_guest (WzpRelay *relay, WzpConn *conn, const char *name, gboolean is_open,
    WzpQuotaUse *use)
{
  const WzpFingerprint *who = wzp_conn_get_peer_fingerprint (conn);
  WzpRelayGuest *self = g_new0 (WzpRelayGuest, 1);

  open_lobby (relay);
  self->relay = relay;
  self->conn = wzp_conn_ref (conn);
  self->channel = wzp_channel_new (conn, &channel_handler, self);
  self->use = use;
  self->name = g_strdup (name);
  self->is_open = is_open;
  self->serial = ++relay->lobby->n_guests;
  self->held.due = on_held_too_long;
  self->held.owner = self;
  self->has_who = self->is_proved = who != NULL;
  if (who != NULL)
    self->who = *who;
  self->link.data = self;
  g_queue_push_tail_link (&relay->guests, &self->link);
  wzp_conn_set_handler (conn, &conn_handler, self);
  return self;
}

static gboolean
accept_guest (
    WzpRelay *relay, WzpConn *conn, const char *name, gboolean is_open)
{
  gint64 now_us = wzp_clock_now_us ();
  g_autoptr (GError) error = NULL;
  WzpRelayGuest *self;
  WzpQuotaUse *use;

  use = wzp_quota_connect (relay->quota, wzp_conn_get_remote (conn),
      wzp_conn_get_peer_fingerprint (conn), now_us, &error);
  if (use == NULL) {
    wzp_relay_refuse (relay, conn, WZP_CLOSE_BUSY, error->message);
    return FALSE;
  }
  self = add_guest (relay, conn, name, is_open, use);
  wzp_relay_lobby_set (relay, &self->held, now_us + WZP_GUEST_HELD_US);
  return try_enter (self);
}

gboolean
wzp_relay_guest_accept_call (
    WzpRelay *relay, WzpConn *conn, const char *call_id)
{
  return accept_guest (relay, conn, call_id, FALSE);
}

gboolean
wzp_relay_guest_accept_open (WzpRelay *relay, WzpConn *conn, const char *room)
{
  if (relay->no_open_rooms) {
    wzp_relay_refuse (
        relay, conn, WZP_CLOSE_REFUSED, "this relay has no open rooms");
    return FALSE;
  }
  return accept_guest (relay, conn, room, TRUE);
}
