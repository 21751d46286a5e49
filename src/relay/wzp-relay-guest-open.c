/* An open room: what one member sends goes to all others.
 *
 * A member that has sent media is a publisher, and what it says goes to
 * everybody; one that has not is a viewer, and what it says goes to the
 * publishers, as much as wzp-viewer-gate lets it. Publishers that have been
 * silent for WZP_GUEST_PUBLISHES_US do not get it any more: there is nothing of
 * theirs to ask for. What a viewer said last before its first media goes to
 * everybody with that: it is what describes it. */
#include "wzp-relay-guest-private.h"

#include "wzp-clock.h"
#include "wzp-relay-log.h"

static void
free_room (gpointer data)
{
  WzpRelayRoom *self = data;

  wzp_relay_lobby_set (self->relay, &self->update, -1);
  g_ptr_array_unref (self->publishers);
  g_free (self);
}

static WzpRelayRoom *
get_room (const WzpRelayGuest *self)
{
  return wzp_room_get_data (wzp_room_member_get_room (self->member));
}

static WzpRelayRoom *
make_room (WzpRelayGuest *self)
{
  WzpRoom *room = wzp_room_member_get_room (self->member);
  WzpRelayRoom *made = wzp_room_get_data (room);

  if (made != NULL)
    return made;
  made = g_new0 (WzpRelayRoom, 1);
  made->relay = self->relay;
  made->room = room;
  made->publishers = g_ptr_array_new ();
  wzp_relay_room_init_update (made);
  wzp_room_set_data (room, made, free_room);
  return made;
}

/* ---- in and out ---- */

/* Nothing here depends on whether the room is there already. */
void
wzp_relay_guest_enter_open (WzpRelayGuest *self, WzpGuestVerdict *verdict)
{
  WzpRelay *relay = self->relay;

  if (!wzp_relay_guest_is_authorized (self, self->name, verdict))
    return;
  if (!wzp_quota_use_room (relay->quota, self->use, wzp_clock_now_us ())) {
    wzp_relay_guest_set_verdict (
        verdict, WZP_CLOSE_BUSY, "in too many rooms at once");
    return;
  }
  self->member = wzp_rooms_join_open (
      relay->rooms, self->name, relay->max_room_members, self, NULL);
  if (self->member == NULL) {
    wzp_relay_guest_set_verdict (verdict, WZP_CLOSE_BUSY, "no room is free");
    return;
  }
  self->gate = wzp_frame_gate_new ();
  self->limit = WZP_FRAME_GATE_MIN_LIMIT;
  wzp_relay_room_changed (make_room (self));
  wzp_log_info_limited (
      WZP_ABOUT (.room = self->name, .who = self->has_who ? &self->who : NULL),
      "room %s: a member has entered", self->name);
}

static void
stop_asking (WzpRelayRoom *room, WzpRelayGuest *publisher)
{
  publisher->is_asked = FALSE;
  g_ptr_array_remove_fast (room->publishers, publisher);
}

/* Whoever lost something of it has nothing to wait for any more. */
static void
forget_sender (WzpRelayGuest *self)
{
  const WzpRoom *room = wzp_room_member_get_room (self->member);

  for (guint i = 0; i < wzp_room_get_size (room); i++) {
    WzpRelayGuest *other = wzp_room_get_owner (room, i);

    wzp_frame_gate_forget (other->gate, self->serial);
  }
}

void
wzp_relay_guest_leave_open (WzpRelayGuest *self)
{
  WzpRelayRoom *room = get_room (self);

  if (self->is_asked)
    stop_asking (room, self);
  if (self->flows != NULL)
    forget_sender (self);
  wzp_relay_room_changed (room);
  wzp_log_info_limited (
      WZP_ABOUT (.room = self->name, .who = self->has_who ? &self->who : NULL),
      "room %s: a member has left", self->name);
  wzp_rooms_leave (self->relay->rooms, self->member);
}

/* ---- what is sent ---- */

static void
send_to_all (WzpRelayGuest *self, const guint8 *data, gsize len)
{
  const WzpRoom *room = wzp_room_member_get_room (self->member);

  if (wzp_room_get_size (room) == 1)
    self->relay->stats.dropped_alone++;
  for (guint i = 0; i < wzp_room_get_size (room); i++) {
    WzpRelayGuest *other = wzp_room_get_owner (room, i);

    if (other != self)
      wzp_relay_guest_send (other, data, len);
  }
}

static void
keep_early (WzpRelayGuest *self, const guint8 *data, gsize len)
{
  if (len > WZP_GUEST_MAX_EARLY_LEN)
    return;
  g_queue_push_tail (&self->early, g_bytes_new (data, len));
  if (self->early.length > WZP_GUEST_MAX_EARLY)
    g_bytes_unref (g_queue_pop_head (&self->early));
}

static void
begin_to_publish (WzpRelayGuest *self)
{
  GBytes *bytes;

  self->flows = wzp_frame_flows_new (self->serial);
  while ((bytes = g_queue_pop_head (&self->early)) != NULL) {
    gsize len;
    const guint8 *data = g_bytes_get_data (bytes, &len);

    send_to_all (self, data, len);
    g_bytes_unref (bytes);
  }
}

static void
note_published (WzpRelayGuest *self, gint64 now_us)
{
  self->published_us = now_us;
  if (self->flows == NULL)
    begin_to_publish (self);
  if (!self->is_asked) {
    self->is_asked = TRUE;
    g_ptr_array_add (get_room (self)->publishers, self);
  }
}

static void
send_to_publishers (
    WzpRelayGuest *self, const guint8 *data, gsize len, gint64 now_us)
{
  WzpRelayRoom *room = get_room (self);
  WzpRelayStats *stats = &self->relay->stats;

  keep_early (self, data, len);
  for (guint i = room->publishers->len; i > 0; i--) {
    WzpRelayGuest *publisher = room->publishers->pdata[i - 1];

    if (now_us - publisher->published_us > WZP_GUEST_PUBLISHES_US)
      stop_asking (room, publisher);
  }
  if (room->publishers->len == 0) {
    stats->dropped_alone++;
    return;
  }
  if (!wzp_viewer_gate_pass (&self->viewer, &room->viewers, now_us)) {
    stats->key_requests_merged++;
    return;
  }
  for (guint i = 0; i < room->publishers->len; i++)
    wzp_relay_guest_send (room->publishers->pdata[i], data, len);
}

static gsize
get_limit (WzpRelayGuest *self, gint64 now_us)
{
  WzpConnInfo info;

  if (now_us - self->limit_us >= WZP_GUEST_LIMIT_US) {
    wzp_conn_get_info (self->conn, &info);
    self->limit = wzp_frame_gate_compute_limit (info.cwnd, info.srtt_us);
    self->limit_us = now_us;
  }
  return self->limit;
}

static void
send_frame_part (WzpRelayGuest *to, const WzpFrameMark *mark,
    const guint8 *data, gsize len, gint64 now_us)
{
  if (!wzp_frame_gate_pass (to->gate, mark, len,
          wzp_conn_get_queued_bytes (to->conn), get_limit (to, now_us)))
    to->relay->stats.dropped_full++;
  else if (!wzp_relay_guest_send (to, data, len))
    wzp_frame_gate_lose (to->gate, mark);
}

static void
send_media (WzpRelayGuest *self, const WzpDatagramPrefix *prefix,
    const guint8 *data, gsize len, gint64 now_us)
{
  const WzpRoom *room = wzp_room_member_get_room (self->member);
  WzpFrameMark mark;

  /* Also when nobody hears it: who comes next is to be told of its flows. */
  note_published (self, now_us);
  wzp_frame_flows_mark (self->flows, prefix, &mark);
  if (wzp_room_get_size (room) == 1)
    self->relay->stats.dropped_alone++;
  for (guint i = 0; i < wzp_room_get_size (room); i++) {
    WzpRelayGuest *other = wzp_room_get_owner (room, i);

    if (other != self)
      send_frame_part (other, &mark, data, len, now_us);
  }
}

void
wzp_relay_guest_fan_out (
    WzpRelayGuest *self, const guint8 *data, gsize len, gint64 now_us)
{
  WzpDatagramPrefix prefix;

  if (!wzp_datagram_parse_room_prefix (data, len, &prefix))
    self->relay->stats.dropped_malformed++;
  else if ((prefix.flags & WZP_DATAGRAM_CONTROL) == 0)
    send_media (self, &prefix, data, len, now_us);
  else if (self->flows != NULL)
    send_to_all (self, data, len);
  else
    send_to_publishers (self, data, len, now_us);
}
