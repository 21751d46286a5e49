/* What an endpoint does for its connections, and the turn of its main loop. */
#include "wzp-endpoint-private.h"

#include "wzp-clock.h"

/* recvmmsg() calls per socket before what was read is answered. */
#define READ_ROUNDS 2u

/* Dispatch again as soon as the main loop runs. */
void
wzp_endpoint_schedule (WzpEndpoint *self)
{
  if (self->in_dispatch || self->is_scheduled)
    return;
  self->is_scheduled = TRUE;
  wzp_udp_source_set_deadline (self->source, wzp_clock_now_us ());
}

void
wzp_endpoint_set_deadline (WzpEndpoint *self, gboolean more)
{
  const WzpTimer *first = wzp_timer_heap_peek (&self->timers);
  gint64 deadline = -1;

  if (more)
    deadline = wzp_clock_now_us ();
  else if (first != NULL)
    deadline = (first->when + 999) / 1000;
  self->is_scheduled = more;
  wzp_udp_source_set_deadline (self->source, deadline);
}

/* Connections */

void
wzp_endpoint_add_conn (WzpEndpoint *self, WzpConn *conn)
{
  g_queue_push_tail_link (&self->all, &conn->all_link);
  wzp_endpoint_mark_dirty (self, conn);
}

/* Of one that is in no list of conns any more. */
static void
release_conn (WzpEndpoint *self, WzpConn *conn)
{
  if (conn->is_dirty) {
    conn->is_dirty = FALSE;
    g_queue_unlink (&self->dirty, &conn->dirty_link);
  }
  wzp_timer_heap_set (&self->timers, &conn->timer, WZP_TIMER_NEVER);
  wzp_endpoint_drop_batches (self, conn);
  wzp_conn_disown (conn);
  wzp_conn_unref (conn);
}

static void
on_wake (WzpConn *conn, gboolean urgent, gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

  wzp_endpoint_mark_dirty (self, conn);
  if (urgent && !self->in_dispatch) {
    self->now_ns = wzp_clock_now_ns ();
    self->in_dispatch = TRUE;
    wzp_endpoint_write_conn (self, conn);
    self->in_dispatch = FALSE;
  }
  wzp_endpoint_schedule (self);
}

static gboolean
on_add_cid (WzpConn *conn, const ngtcp2_cid *cid, gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

  return wzp_cid_table_add (self->cids, cid->data, cid->datalen, conn);
}

static void
on_remove_cid (WzpConn *conn, const ngtcp2_cid *cid, gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

  wzp_cid_table_remove (self->cids, cid->data, cid->datalen, conn);
}

static void
on_make_reset_token (const ngtcp2_cid *cid,
    guint8 ret_token[NGTCP2_STATELESS_RESET_TOKENLEN], gpointer owner_data)
{
  wzp_endpoint_make_reset_token (owner_data, cid, ret_token);
}

static void
on_add_reset_token (WzpConn *conn, const guint8 *token, gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

  wzp_cid_table_add (
      self->tokens, token, NGTCP2_STATELESS_RESET_TOKENLEN, conn);
}

static void
on_remove_reset_token (WzpConn *conn, const guint8 *token, gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

  wzp_cid_table_remove (
      self->tokens, token, NGTCP2_STATELESS_RESET_TOKENLEN, conn);
}

static gboolean
on_admit (WzpConn *conn, const char *server_name, guint *ret_max_receive,
    gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

  if (self->handler->admit != NULL &&
      !self->handler->admit (
          self, server_name, wzp_conn_get_remote (conn), self->handler_data)) {
    self->stats.refused++;
    return FALSE;
  }
  if (self->handler->get_max_receive != NULL)
    *ret_max_receive =
        self->handler->get_max_receive (self, server_name, self->handler_data);
  return TRUE;
}

static gboolean
on_accept (WzpConn *conn, gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

  return self->handler->accept != NULL &&
      self->handler->accept (self, conn, self->handler_data);
}

static void
on_handshake_over (WzpConn *conn, gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

  if (!wzp_conn_is_server (conn))
    return;
  self->n_handshakes--;
  if (wzp_conn_is_established (conn))
    g_queue_unlink (&self->unproved, &conn->unproved_link);
}

static void
on_gone (WzpConn *conn, gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

  if (conn->unproved_link.prev != NULL || conn->unproved_link.next != NULL ||
      self->unproved.head == &conn->unproved_link)
    g_queue_unlink (&self->unproved, &conn->unproved_link);
  g_queue_unlink (&self->all, &conn->all_link);
  g_queue_push_tail_link (&self->gone, &conn->all_link);
}

const WzpConnOwner *
wzp_endpoint_get_owner (void)
{
  static const WzpConnOwner owner = {
    .wake = on_wake,
    .add_cid = on_add_cid,
    .remove_cid = on_remove_cid,
    .make_reset_token = on_make_reset_token,
    .add_reset_token = on_add_reset_token,
    .remove_reset_token = on_remove_reset_token,
    .admit = on_admit,
    .accept = on_accept,
    .handshake_over = on_handshake_over,
    .gone = on_gone,
  };

  return &owner;
}

/* Dispatch */

/* The connection that a packet of no known id resets, NULL: none (RFC 9000,
 * section 10.3.1). */
static WzpConn *
find_reset (const WzpEndpoint *self, const WzpUdpPacket *packet)
{
  const gsize len = NGTCP2_STATELESS_RESET_TOKENLEN;

  if (packet->len < NGTCP2_MIN_STATELESS_RESET_RANDLEN + len)
    return NULL;
  return wzp_cid_table_lookup (
      self->tokens, packet->data + packet->len - len, len);
}

static void
on_quic (WzpEndpoint *self, const WzpUdpPacket *packet)
{
  ngtcp2_version_cid ids;
  int rv = ngtcp2_pkt_decode_version_cid (
      &ids, packet->data, packet->len, WZP_CONN_CID_LEN);
  WzpConn *conn;

  if (rv != 0 && rv != NGTCP2_ERR_VERSION_NEGOTIATION) {
    self->stats.bad_packets++;
    return;
  }

  conn = wzp_cid_table_lookup (self->cids, ids.dcid, ids.dcidlen);
  if (conn == NULL && rv == 0 && ids.version == 0)
    conn = find_reset (self, packet);
  if (conn == NULL) {
    wzp_endpoint_on_unknown (
        self, packet, &ids, rv == NGTCP2_ERR_VERSION_NEGOTIATION);
    return;
  }
  switch (wzp_conn_read (conn, packet, self->now_ns)) {
    case WZP_CONN_READ_DONE:
      break;
    case WZP_CONN_READ_RETRY:
      wzp_endpoint_send_retry (self, packet);
      wzp_conn_fail (conn, NGTCP2_ERR_DROP_CONN);
      break;
    case WZP_CONN_READ_TOO_LARGE:
      self->stats.bad_packets++;
      return;
  }
  if (wzp_conn_is_holding (conn) && !conn->is_dirty)
    wzp_endpoint_set_timer (self, conn);
  else if (!wzp_conn_is_closed (conn))
    wzp_endpoint_mark_dirty (self, conn);
}

static void
on_packet (const WzpUdpPacket *packet, gpointer user_data)
{
  WzpEndpoint *self = user_data;

  if (packet->len == 0)
    self->stats.bad_packets++;
  else if (packet->data[0] >= WZP_ENDPOINT_FIRST_QUIC_BYTE)
    on_quic (self, packet);
  else if (self->handler->packet != NULL)
    self->handler->packet (self, packet, self->handler_data);
  else
    self->stats.bad_packets++;
}

static void
read_all (WzpEndpoint *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->sockets); i++)
    for (guint round = 0; round < READ_ROUNDS; round++) {
      if (self->sockets[i].udp == NULL ||
          wzp_udp_recv (self->sockets[i].udp, WZP_UDP_RECV_BATCH, on_packet,
              self) < WZP_UDP_RECV_BATCH)
        break;
      self->now_ns = wzp_clock_now_ns ();
    }
}

static void
handle_timers (WzpEndpoint *self)
{
  WzpTimer *first;

  while ((first = wzp_timer_heap_peek (&self->timers)) != NULL &&
      first->when <= self->now_ns) {
    WzpConn *conn = first->owner;

    /* Back in the heap after it has written; a connection whose socket is
     * blocked waits for that. */
    wzp_timer_heap_set (&self->timers, first, WZP_TIMER_NEVER);
    wzp_conn_handle_expiry (conn, self->now_ns);
    wzp_endpoint_mark_dirty (self, conn);
  }
}

void
wzp_endpoint_reap (WzpEndpoint *self)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&self->gone)) != NULL)
    release_conn (self, link->data);
}

/* Order: read all, timers, write all, one deadline. */
gboolean
wzp_endpoint_dispatch (WzpUdpSourceEvents events, gpointer user_data)
{
  WzpEndpoint *self = user_data;
  gboolean more;

  self->in_dispatch = TRUE;
  self->now_ns = wzp_clock_now_ns ();
  if (events & WZP_UDP_SOURCE_READABLE)
    read_all (self);
  if (events & WZP_UDP_SOURCE_WRITABLE)
    wzp_endpoint_resume_sockets (self);
  handle_timers (self);
  if ((events & WZP_UDP_SOURCE_WOKEN) && self->handler->woken != NULL)
    self->handler->woken (self, self->handler_data);
  more = wzp_endpoint_write_all (self);
  wzp_endpoint_reap (self);
  self->in_dispatch = FALSE;
  wzp_endpoint_set_deadline (self, more);
  return G_SOURCE_CONTINUE;
}
