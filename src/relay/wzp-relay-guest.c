#include "wzp-relay-private.h"

#include "wzp-datagram.h"

struct _WzpRelayGuest {
  WzpRelay *relay;       /* not owned */
  WzpConn *conn;         /* owned */
  WzpRoomMember *member; /* owned by the rooms; NULL: another took its place */
  GList link;            /* of relay->guests */
};

static void
leave_room (WzpRelayGuest *self)
{
  WzpRelay *relay = self->relay;
  WzpFingerprint who = *wzp_room_member_get_fingerprint (self->member);
  g_autofree char *call_id =
      g_strdup (wzp_room_member_get_call_id (self->member));

  wzp_rooms_leave (relay->rooms, self->member);
  g_info ("call %s: a party has left the room", call_id);
  wzp_registry_set_in_room (relay->registry, call_id, &who, FALSE);
}

void
wzp_relay_guest_drop (WzpRelayGuest *self, WzpCloseCode code, const char *text)
{
  if (self->member != NULL)
    leave_room (self);
  g_queue_unlink (&self->relay->guests, &self->link);
  wzp_conn_set_handler (self->conn, NULL, NULL);
  wzp_conn_close (self->conn, code, text);
  wzp_conn_unref (self->conn);
  g_free (self);
}

static void
on_datagram (WzpConn *conn, const guint8 *data, gsize len, gpointer user_data)
{
  WzpRelayGuest *self = user_data;
  WzpRelayStats *stats = &self->relay->stats;
  WzpRelayGuest *other = wzp_room_member_get_other (self->member);
  struct iovec iov = { .iov_base = (guint8 *) data, .iov_len = len };

  if (len < WZP_DATAGRAM_MIN_RELAYED || data[0] != WZP_DATAGRAM_BYTE0) {
    stats->dropped_malformed++;
  } else if (other == NULL) {
    stats->dropped_alone++;
  } else if (len > wzp_conn_get_max_datagram (other->conn)) {
    stats->dropped_too_large++;
  } else if (!wzp_conn_send_datagram (other->conn, &iov, 1)) {
    stats->dropped_full++;
  } else {
    stats->forwarded++;
    stats->forwarded_bytes += len;
  }
}

/* A room has no streams. */
static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  wzp_conn_reset_stream (conn, stream_id, WZP_CLOSE_PROTOCOL);
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
  .closed = on_closed,
};

static void
drop_replaced (WzpRelayGuest *old)
{
  old->member = NULL; /* it is gone already */
  wzp_relay_guest_drop (
      old, WZP_CLOSE_REPLACED, "a newer connection took its place");
}

gboolean
wzp_relay_guest_accept (WzpRelay *relay, WzpConn *conn, const char *call_id)
{
  const WzpFingerprint *who = wzp_conn_get_peer_fingerprint (conn);
  WzpRelayGuest *self;
  gpointer replaced;

  if (who == NULL || !wzp_registry_may_join (relay->registry, call_id, who)) {
    wzp_relay_refuse (relay, conn, WZP_CLOSE_REFUSED,
        who == NULL ? "a client certificate is needed"
                    : "not a party of this call");
    return FALSE;
  }
  self = g_new0 (WzpRelayGuest, 1);
  self->member =
      wzp_rooms_join (relay->rooms, call_id, who, self, &replaced, NULL);
  if (self->member == NULL) {
    g_free (self);
    wzp_relay_refuse (relay, conn, WZP_CLOSE_BUSY, "no room is free");
    return FALSE;
  }
  self->relay = relay;
  self->conn = wzp_conn_ref (conn);
  self->link.data = self;
  g_queue_push_tail_link (&relay->guests, &self->link);
  wzp_conn_set_handler (conn, &conn_handler, self);
  if (replaced != NULL)
    drop_replaced (replaced);
  g_info ("call %s: a party has entered the room", call_id);
  wzp_registry_set_in_room (relay->registry, call_id, who, TRUE);
  return TRUE;
}
