/* A call's room: two parties, one of which may be at another relay. */
#include "wzp-relay-guest-private.h"

#include "wzp-clock.h"
#include "wzp-relay-log.h"

/* The same words for a call that there is not and for one of others. */
#define NOT_A_PARTY "not a party of this call"

static void
drop_replaced (WzpRelayGuest *old)
{
  old->member = NULL; /* it is gone already */
  wzp_relay_guest_drop (
      old, WZP_CLOSE_REPLACED, "a newer connection took its place");
}

/* A call that was set up by signalling was authorized there. */
static gboolean
is_authorized (WzpRelayGuest *self, WzpGuestVerdict *verdict)
{
  if (wzp_registry_get_call_state (self->relay->registry, self->name) !=
      WZP_CALL_NONE)
    return TRUE;
  return wzp_relay_guest_is_authorized (self, NULL, verdict);
}

static void
join (WzpRelayGuest *self, gint64 now_us, WzpGuestVerdict *verdict)
{
  WzpRelay *relay = self->relay;
  gpointer replaced = NULL;

  if (!wzp_quota_use_room (relay->quota, self->use, now_us)) {
    wzp_relay_guest_set_verdict (
        verdict, WZP_CLOSE_BUSY, "in too many rooms at once");
    return;
  }
  self->member = wzp_rooms_join_call (relay->rooms, self->name, &self->who,
      self->is_proved, self, &replaced, NULL);
  if (self->member == NULL) {
    wzp_relay_guest_set_verdict (verdict, WZP_CLOSE_BUSY, "no room is free");
    return;
  }
  if (replaced != NULL)
    drop_replaced (replaced);
  wzp_conn_set_hold_acks (self->conn, TRUE);
  wzp_log_info (WZP_ABOUT (.call_id = self->name, .who = &self->who),
      "call %s: a party has entered the room", self->name);
  wzp_registry_set_in_room (relay->registry, self->name, &self->who, TRUE);
}

void
wzp_relay_guest_enter_call (WzpRelayGuest *self, WzpGuestVerdict *verdict)
{
  if (!self->has_who)
    return; /* HELD: whether there is such a call or not */
  if (!wzp_registry_may_join (self->relay->registry, self->name, &self->who)) {
    wzp_relay_guest_set_verdict (verdict, WZP_CLOSE_REFUSED, NOT_A_PARTY);
    return;
  }
  if (is_authorized (self, verdict))
    join (self, wzp_clock_now_us (), verdict);
}

void
wzp_relay_guest_leave_call (WzpRelayGuest *self)
{
  WzpRelay *relay = self->relay;

  wzp_rooms_leave (relay->rooms, self->member);
  wzp_log_debug (WZP_ABOUT (.call_id = self->name, .who = &self->who),
      "call %s: a party has left the room", self->name);
  wzp_registry_set_in_room (relay->registry, self->name, &self->who, FALSE);
}

static void
forward_to_link (WzpRelayGuest *self, const guint8 *data, gsize len)
{
  WzpRelayStats *stats = &self->relay->stats;
  WzpRelayLink *link =
      wzp_registry_get_room_link (self->relay->registry, self->name);
  guint64 tag = wzp_room_get_tag (wzp_room_member_get_room (self->member));

  if (link == NULL) {
    stats->dropped_alone++;
  } else if (len > wzp_relay_link_get_max_datagram (link)) {
    stats->dropped_too_large++;
  } else if (!wzp_relay_link_send_datagram (link, tag, data, len)) {
    stats->dropped_full++;
  } else {
    stats->forwarded++;
    stats->forwarded_bytes += len;
  }
}

void
wzp_relay_guest_forward (WzpRelayGuest *self, const guint8 *data, gsize len)
{
  WzpRelayGuest *other = wzp_room_member_get_other (self->member);

  if (other != NULL)
    wzp_relay_guest_send (other, data, len);
  else
    forward_to_link (self, data, len);
}

void
wzp_relay_guest_deliver (WzpRelay *relay, WzpRelayLink *link, guint64 tag,
    const guint8 *data, gsize len)
{
  const WzpRoom *room = wzp_rooms_find_tag (relay->rooms, tag);

  if (len < WZP_DATAGRAM_MIN_RELAYED || data[0] != WZP_DATAGRAM_BYTE0) {
    relay->stats.dropped_malformed++;
  } else if (room == NULL || wzp_room_get_size (room) != 1 ||
      wzp_registry_get_room_link (
          relay->registry, wzp_room_get_call_id (room)) != link) {
    /* Nobody is here, or both are, or the call is none of that relay's. */
    relay->stats.dropped_alone++;
  } else {
    wzp_relay_guest_send (wzp_room_get_owner (room, 0), data, len);
  }
}
