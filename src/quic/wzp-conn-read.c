/* What goes into a connection: packets and time. */
#include "wzp-conn-private.h"

#include "wzp-path-mtu.h"

#include <string.h>

/* Probe timeouts without an acknowledgement after which large packets are
 * suspected. */
#define BLACK_HOLE_PTOS  3u
#define FIRST_CAP_HOLD_S 10u
#define MAX_CAP_HOLD_S   640u
/* The first time, from when something is acknowledged again. */
#define SUSPECT_HOLD_NS (1 * NGTCP2_SECONDS)

/* Without an acknowledgement, after which memory is given back. */
#define IDLE_US (2 * G_USEC_PER_SEC)

/* Reading */

/* After the close only the packet that says so is left (RFC 9000, section
 * 10.2.1): the answers get rarer, 1, 2, 4, 8 late packets apart. */
static void
count_late_packet (WzpConn *conn)
{
  if (conn->close_packet == NULL)
    return;

  conn->late_packets++;
  if ((conn->late_packets & (conn->late_packets - 1)) == 0) {
    conn->late_answer_due = TRUE;
    wzp_conn_wake (conn);
  }
}

/* The path that ngtcp2 is to see; @storage: for one that is not the current. */
static const ngtcp2_path *
choose_path (
    WzpConn *conn, const WzpUdpPacket *packet, ngtcp2_path_storage *storage)
{
  const WzpAddr *local = conn->is_server ? &packet->local : &conn->path_local;

  if (wzp_addr_equal (&packet->remote, &conn->remote) &&
      wzp_addr_equal (local, &conn->path_local))
    return &conn->path.path;

  wzp_conn_make_path (local, &packet->remote, storage);
  return &storage->path;
}

guint64
wzp_conn_get_bytes_in_flight (const WzpConn *conn)
{
  ngtcp2_conn_info info;

  ngtcp2_conn_get_conn_info (conn->ng, &info);
  return info.bytes_in_flight;
}

/* When nothing is in flight nothing is owed. Not every datagram's fate is
 * reported: the loss of a packet whose stream data went again on a probe is
 * not. */
static void
settle (WzpConn *conn)
{
  if (conn->busy_since_ns == 0 || conn->ng == NULL ||
      wzp_conn_get_bytes_in_flight (conn) > 0)
    return;
  conn->busy_since_ns = 0;
  wzp_datagram_log_settle (conn->log);
}

static void
count_received (WzpConn *conn, const WzpUdpPacket *packet, guint64 authentic,
    guint64 in_flight_before)
{
  gint64 now_us = conn->now_ns / 1000;

  if (authentic == 0)
    return;

  conn->info.packets_received += authentic;
  conn->info.bytes_received += packet->len;
  conn->info.last_received_us = now_us;
  if (!conn->is_server)
    conn->local = packet->local;
  /* Nothing is sent while reading, so less in flight means acknowledged (or
   * lost, which only an acknowledgement of something later tells). */
  if (conn->ng != NULL &&
      wzp_conn_get_bytes_in_flight (conn) < in_flight_before) {
    conn->info.last_ack_us = now_us;
    if (conn->payload_cap > 0 && conn->cap_until_ns == WZP_TIMER_NEVER)
      conn->cap_until_ns = conn->now_ns + SUSPECT_HOLD_NS;
  }
  settle (conn);
}

WzpConnReadResult
wzp_conn_read (WzpConn *conn, const WzpUdpPacket *packet, guint64 now_ns)
{
  ngtcp2_pkt_info info = { .ecn = packet->ecn };
  ngtcp2_path_storage storage;
  const ngtcp2_path *path;
  guint64 authentic, in_flight, n_datagrams;
  int rv;

  if (conn->ng == NULL || !wzp_conn_is_open (conn)) {
    count_late_packet (conn);
    return WZP_CONN_READ_DONE;
  }
  /* ngtcp2 would take it, and keep a buffer of that size for ever. */
  if (packet->len > conn->max_receive)
    return WZP_CONN_READ_TOO_LARGE;

  conn->now_ns = MAX (conn->now_ns, now_ns);
  path = choose_path (conn, packet, &storage);
  authentic = wzp_conn_count_authentic ();
  in_flight = wzp_conn_get_bytes_in_flight (conn);
  n_datagrams = conn->info.datagrams_received;
  conn->got_more = FALSE;
  conn->in_ngtcp2 = TRUE;
  rv = wzp_conn_undefer_pacer (conn);
  if (rv == 0)
    rv = ngtcp2_conn_read_pkt (
        conn->ng, path, &info, packet->data, packet->len, conn->now_ns);
  conn->in_ngtcp2 = FALSE;
  authentic = wzp_conn_count_authentic () - authentic;
  count_received (conn, packet, authentic, in_flight);

  if (rv == 0 && path != &conn->path.path)
    wzp_conn_update_path (conn);
  if (rv == NGTCP2_ERR_RETRY)
    return WZP_CONN_READ_RETRY;
  if (rv != 0 || conn->was_reset)
    wzp_conn_fail (conn, rv != 0 ? rv : NGTCP2_ERR_DRAINING);
  if (conn->state == WZP_CONN_ESTABLISHED && conn->tls != NULL) {
    /* It has done its part: keys are updated without it. */
    ngtcp2_conn_set_tls_native_handle (conn->ng, NULL);
    g_clear_pointer (&conn->tls, wzp_tls_free);
  }
  if (rv == 0)
    wzp_conn_defer_after_read (
        conn, authentic, conn->info.datagrams_received - n_datagrams);
  wzp_conn_notify (conn);
  return WZP_CONN_READ_DONE;
}

/* Memory of a connection that does nothing but stay alive. */
static void
trim_when_idle (WzpConn *conn)
{
  if (conn->busy_since_ns != 0 ||
      (gint64) (conn->now_ns / 1000) - conn->info.last_ack_us < IDLE_US)
    return;
  wzp_datagram_queue_trim (conn->queue);
  wzp_datagram_log_trim (conn->log);
}

/* Time, and what too much of it without an answer means */

/* Falls back to what every path takes, for a while: then it is tried again,
 * ever more rarely. */
static void
cap_payload (WzpConn *conn)
{
  conn->cap_hold_s = conn->cap_hold_s == 0
      ? FIRST_CAP_HOLD_S
      : MIN (2 * conn->cap_hold_s, MAX_CAP_HOLD_S);
  conn->payload_cap = WZP_PATH_MTU_MIN;
  conn->cap_until_ns = conn->now_ns + conn->cap_hold_s * NGTCP2_SECONDS;
}

/* Nothing is acknowledged. Is it the size, or is nothing passing at all? The
 * full size is tried again soon after something is; if that brings the silence
 * back, it is the size. */
static void
suspect_size (WzpConn *conn)
{
  const guint64 window_ns = FIRST_CAP_HOLD_S * NGTCP2_SECONDS;

  g_debug ("conn %p: large packets seem to vanish", (void *) conn);
  if (conn->uncapped_ns > 0 && conn->now_ns - conn->uncapped_ns < window_ns) {
    cap_payload (conn);
    return;
  }
  conn->cap_hold_s = 0;
  conn->cap_until_ns = WZP_TIMER_NEVER;
  conn->payload_cap = WZP_PATH_MTU_MIN;
}

/* Large packets that vanish while nobody says so (RFC 8899, section 4.3):
 * ngtcp2 never goes back to smaller ones, and its probes are as large as what
 * is to be sent. */
static void
check_black_hole (WzpConn *conn)
{
  guint64 since_ns;

  if (conn->payload_cap > 0) {
    if (conn->now_ns >= conn->cap_until_ns) {
      conn->payload_cap = 0;
      conn->uncapped_ns = conn->now_ns;
    }
    return;
  }
  if (conn->busy_since_ns == 0 || conn->state != WZP_CONN_ESTABLISHED ||
      ngtcp2_conn_get_path_max_tx_udp_payload_size (conn->ng) <=
          WZP_PATH_MTU_MIN)
    return;

  since_ns = MAX (conn->busy_since_ns, (guint64) conn->info.last_ack_us * 1000);
  if (conn->now_ns - since_ns >
      BLACK_HOLE_PTOS * ngtcp2_conn_get_pto (conn->ng))
    suspect_size (conn);
}

guint64
wzp_conn_get_expiry (const WzpConn *conn)
{
  if (conn->state == WZP_CONN_GONE)
    return WZP_TIMER_NEVER;
  if (conn->end_ns > 0)
    return conn->end_ns;
  if (conn->ng == NULL || conn->state == WZP_CONN_CLOSING)
    return WZP_TIMER_NEVER; /* it waits for its turn to write */
  return wzp_conn_defer_expiry (conn, ngtcp2_conn_get_expiry (conn->ng));
}

void
wzp_conn_handle_expiry (WzpConn *conn, guint64 now_ns)
{
  int rv;

  conn->now_ns = MAX (conn->now_ns, now_ns);
  if (conn->end_ns > 0) {
    if (now_ns >= conn->end_ns && conn->state != WZP_CONN_GONE)
      wzp_conn_set_state (conn, WZP_CONN_GONE);
    return;
  }
  if (conn->ng == NULL || !wzp_conn_is_open (conn))
    return;

  conn->deferred = WZP_CONN_DEFERRED_NONE;
  trim_when_idle (conn);
  conn->in_ngtcp2 = TRUE;
  rv = ngtcp2_conn_handle_expiry (conn->ng, conn->now_ns);
  conn->in_ngtcp2 = FALSE;
  if (rv != 0) {
    wzp_conn_fail (conn, rv);
  } else {
    settle (conn);
    check_black_hole (conn);
  }
  wzp_conn_notify (conn);
}

void
wzp_conn_on_too_big (WzpConn *conn, gsize len)
{
  /* A probe: ngtcp2 finds out by itself. */
  if (conn->ng == NULL || len <= WZP_PATH_MTU_MIN ||
      len > ngtcp2_conn_get_path_max_tx_udp_payload_size (conn->ng))
    return;

  g_debug ("conn %p: %" G_GSIZE_FORMAT " bytes do not fit the link any more",
      (void *) conn, len);
  cap_payload (conn);
}
