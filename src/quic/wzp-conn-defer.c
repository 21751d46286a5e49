/* What ngtcp2 would do soon, and what is better done later or never: each timer
 * that fires is a turn of the main loop, each packet that only acknowledges
 * costs both sides as much as one with data.
 *
 * ngtcp2 tells the earliest of its times and not whose it is. So one is put off
 * only while it is the same as when it was recognised, and by no more than what
 * an acknowledgement may be late anyway: nothing breaks when the guess was
 * wrong. */
#include "wzp-conn-private.h"

/* The 20 ms between two voice packets, a little more, and within the 25 ms that
 * peers allow for (RFC 9000, section 18.2: max_ack_delay, which we leave at its
 * default). */
#define DEFER_NS (23 * NGTCP2_MILLISECONDS)
/* ngtcp2's own delay while ACKs are held here. */
#define HELD_ACK_DELAY_NS NGTCP2_MILLISECONDS
/* A datagram of ours is likely to go soon when the last went no longer ago. */
#define COMPANY_NS (50 * NGTCP2_MILLISECONDS)

static gboolean
is_quiet (const WzpConn *conn)
{
  return conn->state == WZP_CONN_ESTABLISHED && !conn->want_pull &&
      !wzp_conn_has_words (conn) &&
      wzp_streams_get_backlog (conn->streams) == 0;
}

/* What ngtcp2 waits before it acknowledges a single packet. */
static ngtcp2_duration
get_ack_delay (const WzpConn *conn)
{
  const ngtcp2_transport_params *params =
      ngtcp2_conn_get_local_transport_params (conn->ng);
  ngtcp2_conn_info info;

  ngtcp2_conn_get_conn_info (conn->ng, &info);
  return MIN (info.smoothed_rtt / 8, params->max_ack_delay);
}

/* Before that time ngtcp2 puts no ACK into a packet, not even one of ours that
 * goes anyway: an eighth of a round trip may be a third of the time between two
 * voice packets. There is no call to make it shorter, but our own transport
 * parameters, told to the peer long ago, are where it looks. */
void
wzp_conn_set_hold_acks (WzpConn *conn, gboolean hold)
{
  ngtcp2_transport_params *params;

  g_return_if_fail (conn != NULL);

  if (conn->ng == NULL || conn->state != WZP_CONN_ESTABLISHED)
    return;
  conn->may_hold = hold;
  params = (ngtcp2_transport_params *) ngtcp2_conn_get_local_transport_params (
      conn->ng);
  params->max_ack_delay =
      hold ? HELD_ACK_DELAY_NS : NGTCP2_DEFAULT_MAX_ACK_DELAY;
}

static void
defer (WzpConn *conn, WzpConnDeferred what, guint64 expiry)
{
  conn->deferred = what;
  conn->deferred_expiry = expiry;
  conn->deferred_until = MAX (expiry, conn->now_ns + DEFER_NS);
}

/* ngtcp2 puts an ACK into a packet only when its delay is over. */
static gboolean
is_ack_left (const WzpConn *conn)
{
  return conn->n_unanswered > 0 &&
      conn->now_ns - conn->unanswered_since_ns < get_ack_delay (conn);
}

/* The pacer asks to be called when the next packet may go, also when there is
 * none: that is put off, and mostly the next datagram goes before. */
void
wzp_conn_defer_after_write (WzpConn *conn, guint64 expiry, gboolean is_small)
{
  gboolean is_idle = is_small && is_quiet (conn);

  if (!is_ack_left (conn)) {
    conn->n_unanswered = 0;
    conn->deferred = WZP_CONN_DEFERRED_NONE;
    if (is_idle)
      defer (conn, WZP_CONN_DEFERRED_PACER, expiry);
  } else if (conn->deferred == WZP_CONN_DEFERRED_ACK && is_idle) {
    conn->deferred_expiry = expiry; /* it waits on, and with it the pacer */
  } else {
    conn->deferred = WZP_CONN_DEFERRED_NONE;
  }
}

int
wzp_conn_undefer_pacer (WzpConn *conn)
{
  if (conn->deferred != WZP_CONN_DEFERRED_PACER)
    return 0;

  conn->deferred = WZP_CONN_DEFERRED_NONE;
  if (conn->now_ns < conn->deferred_expiry)
    return 0;
  return ngtcp2_conn_handle_expiry (conn->ng, conn->now_ns);
}

/* In a call packets go both ways, each alone and some 20 ms apart, and an
 * eighth of a round trip after each would come a packet that only acknowledges:
 * nearly as many again. So the acknowledgement of a single packet of datagrams
 * waits a little: mostly a datagram of ours takes it along. */
static void
hold_ack (WzpConn *conn)
{
  guint64 expiry;

  if (conn->n_unanswered != 1 || conn->got_more ||
      conn->datagram_sent_ns + COMPANY_NS < conn->now_ns || !is_quiet (conn))
    return;

  expiry = ngtcp2_conn_get_expiry (conn->ng);
  if (expiry == conn->now_ns + get_ack_delay (conn))
    defer (conn, WZP_CONN_DEFERRED_ACK, expiry);
}

void
wzp_conn_defer_after_read (
    WzpConn *conn, guint64 n_packets, guint64 n_datagrams)
{
  if (n_packets == 0 || (n_datagrams == 0 && !conn->got_more))
    return; /* nothing that is to be acknowledged, or at most a PING */

  if (conn->n_unanswered == 0)
    conn->unanswered_since_ns = conn->now_ns;
  conn->n_unanswered += n_packets;
  /* The next of a call, shortly before the wait is over: it goes on. */
  if (conn->deferred == WZP_CONN_DEFERRED_ACK && conn->n_unanswered == 2 &&
      !conn->got_more &&
      conn->now_ns - conn->unanswered_since_ns > DEFER_NS / 2)
    return;
  conn->deferred = WZP_CONN_DEFERRED_NONE;
  if (conn->may_hold)
    hold_ack (conn);
}

guint64
wzp_conn_defer_expiry (const WzpConn *conn, guint64 expiry)
{
  return conn->deferred != WZP_CONN_DEFERRED_NONE &&
          conn->deferred_expiry == expiry && is_quiet (conn)
      ? conn->deferred_until
      : expiry;
}

gboolean
wzp_conn_is_holding (const WzpConn *conn)
{
  return conn->deferred == WZP_CONN_DEFERRED_ACK && is_quiet (conn);
}
