/* What comes out of a connection: packets. */
#include "wzp-conn-private.h"

#include "wzp-path-mtu.h"
#include "wzp-sockaddr.h"

#include <string.h>

/* Bytes: as much as goes in one packet on any path. */
#define SMALL_BATCH 1200u
/* As much longer than a pause of the pacer mostly is. */
#define LAST_WORDS_NS (10 * NGTCP2_MILLISECONDS)

/* Writing: datagrams */

/* Adds up the pieces and leaves empty ones out: ngtcp2 asserts that there are
 * none. */
static void
measure_datagram (WzpConn *conn)
{
  int n = 0;

  conn->iov_len = 0;
  for (int i = 0; i < conn->n_iov; i++) {
    conn->iov_len += conn->iov[i].iov_len;
    if (conn->iov[i].iov_len > 0)
      conn->iov[n++] = conn->iov[i];
  }
  conn->n_iov = n;
}

/* Where the next one comes from: the own queue, the copy of a pulled one that
 * did not go, the handler. FALSE: there is none. */
static gboolean
load_datagram (WzpConn *conn, gsize max)
{
  const WzpConnHandler *handler = conn->handler;

  conn->n_iov = wzp_datagram_queue_peek (conn->queue, conn->iov);
  if (conn->n_iov > 0) {
    conn->current = WZP_CONN_DATAGRAM_QUEUED;
  } else if (conn->has_pending) {
    conn->iov[0] = (struct iovec){ .iov_base = conn->pending,
      .iov_len = conn->pending_len };
    conn->n_iov = 1;
    conn->current = WZP_CONN_DATAGRAM_PENDING;
  } else if (conn->want_pull && handler->pull != NULL &&
      wzp_conn_is_open (conn)) {
    conn->has_pulled = TRUE;
    conn->n_iov = handler->pull (conn, max, conn->iov, conn->handler_data);
    if (conn->n_iov <= 0)
      conn->want_pull = FALSE;
    if (conn->n_iov <= 0 || !wzp_conn_is_open (conn))
      return FALSE;
    conn->current = WZP_CONN_DATAGRAM_PULLED;
  } else {
    return FALSE;
  }

  measure_datagram (conn);
  return TRUE;
}

static void
finish_datagram (WzpConn *conn)
{
  if (conn->current == WZP_CONN_DATAGRAM_QUEUED)
    wzp_datagram_queue_pop (conn->queue);
  else if (conn->current == WZP_CONN_DATAGRAM_PENDING)
    conn->has_pending = FALSE;
  conn->current = WZP_CONN_DATAGRAM_NONE;
}

/* Makes conn->iov the next datagram that fits @max. */
static gboolean
fetch_datagram (WzpConn *conn, gsize max)
{
  while (conn->current != WZP_CONN_DATAGRAM_NONE || load_datagram (conn, max)) {
    if (conn->iov_len <= max)
      return TRUE;
    /* The path got narrower since it was made. */
    conn->info.datagrams_dropped++;
    finish_datagram (conn);
  }
  return FALSE;
}

/* The handler's memory is good only until now: keeps a copy of what did not
 * go. */
static void
settle_pulled (WzpConn *conn)
{
  if (conn->current == WZP_CONN_DATAGRAM_PULLED) {
    if (conn->pending_size < conn->iov_len) {
      g_free (conn->pending);
      conn->pending = g_malloc (conn->iov_len);
      conn->pending_size = conn->iov_len;
    }
    conn->pending_len = 0;
    for (int i = 0; i < conn->n_iov; i++) {
      memcpy (conn->pending + conn->pending_len, conn->iov[i].iov_base,
          conn->iov[i].iov_len);
      conn->pending_len += conn->iov[i].iov_len;
    }
    conn->has_pending = TRUE;
  }
  conn->current = WZP_CONN_DATAGRAM_NONE;

  if (conn->has_pulled) {
    conn->has_pulled = FALSE;
    if (conn->handler->pull_done != NULL)
      conn->handler->pull_done (conn, conn->handler_data);
  }
}

/* Writing: one packet */

typedef struct {
  guint8 *dest;
  gsize room;
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  gsize max_datagram; /* 0: none may go */
  gsize left;         /* about what is free in the packet */
  gboolean streams_blocked;
  gboolean has_payload;   /* of ours went in, in this batch */
  gboolean took_datagram; /* the last packet */
  gboolean is_last;       /* what is said before the close */
} Writer;

static gboolean
may_send_datagrams (WzpConn *conn)
{
  if (conn->state == WZP_CONN_HANDSHAKE || conn->now_ns < conn->hold_until ||
      ngtcp2_conn_get_cwnd_left (conn->ng) == 0)
    return FALSE;
  return conn->max_in_flight == 0 ||
      wzp_conn_get_bytes_in_flight (conn) < conn->max_in_flight;
}

/* What ngtcp2_conn_writev_stream() returns; a code that asks to go on with the
 * packet is handled. */
static ngtcp2_ssize
write_stream (WzpConn *conn, Writer *writer, WzpStream *stream)
{
  gsize len;
  const guint8 *data = wzp_stream_get_unsent (stream, &len);
  const ngtcp2_vec vec = { .base = (guint8 *) data, .len = len };
  ngtcp2_ssize taken = -1;
  ngtcp2_ssize n = ngtcp2_conn_writev_stream (conn->ng, &writer->path.path,
      &writer->info, writer->dest, writer->room, &taken,
      NGTCP2_WRITE_STREAM_FLAG_MORE | NGTCP2_WRITE_STREAM_FLAG_FIN,
      wzp_stream_get_id (stream), &vec, len > 0 ? 1 : 0, conn->now_ns);

  if (taken >= 0) {
    wzp_streams_sent (conn->streams, stream, taken);
    writer->has_payload = TRUE;
    writer->left -= MIN (writer->left, (gsize) taken);
  } else if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
    if (ngtcp2_conn_get_max_data_left (conn->ng) == 0)
      writer->streams_blocked = TRUE;
    else
      wzp_streams_block (conn->streams, stream);
  } else if (n == NGTCP2_ERR_STREAM_NOT_FOUND ||
      n == NGTCP2_ERR_STREAM_SHUT_WR) {
    wzp_streams_stop (conn->streams, stream);
  }
  return n;
}

/* Another datagram may follow the current one. */
static gboolean
may_follow (const WzpConn *conn)
{
  const guint n = wzp_datagram_queue_get_count (conn->queue);

  return conn->want_pull ||
      (conn->current == WZP_CONN_DATAGRAM_QUEUED ? n > 1 || conn->has_pending
                                                 : n > 0);
}

static ngtcp2_ssize
write_datagram (WzpConn *conn, Writer *writer)
{
  gsize frame = conn->iov_len + 5; /* at most */
  gboolean more = writer->left >= 2 * frame && may_follow (conn);
  int accepted = 0;
  ngtcp2_ssize n;

  G_STATIC_ASSERT (sizeof (ngtcp2_vec) == sizeof (struct iovec));
  n = ngtcp2_conn_writev_datagram (conn->ng, &writer->path.path, &writer->info,
      writer->dest, writer->room, &accepted,
      more ? NGTCP2_WRITE_DATAGRAM_FLAG_MORE : NGTCP2_WRITE_DATAGRAM_FLAG_NONE,
      wzp_datagram_log_next_id (conn->log), (const ngtcp2_vec *) conn->iov,
      conn->n_iov, conn->now_ns);
  if (accepted) {
    wzp_datagram_log_sent (conn->log, conn->now_ns / 1000, conn->packet_number);
    conn->info.datagrams_sent++;
    finish_datagram (conn);
    writer->has_payload = writer->took_datagram = TRUE;
    writer->left -= MIN (writer->left, frame);
    conn->datagram_sent_ns = conn->now_ns;
  }
  return n;
}

static gboolean
wants_more (ngtcp2_ssize n)
{
  return n == NGTCP2_ERR_WRITE_MORE || n == NGTCP2_ERR_STREAM_DATA_BLOCKED ||
      n == NGTCP2_ERR_STREAM_NOT_FOUND || n == NGTCP2_ERR_STREAM_SHUT_WR;
}

/* Fills one packet; its length, 0: nothing may go now, below 0: an error. */
static ngtcp2_ssize
write_packet (WzpConn *conn, Writer *writer)
{
  ngtcp2_ssize n;

  do {
    WzpStream *stream = writer->streams_blocked
        ? NULL
        : wzp_streams_peek_sendable (conn->streams);

    if (stream != NULL)
      n = write_stream (conn, writer, stream);
    else if (writer->max_datagram > 0 &&
        fetch_datagram (conn, writer->max_datagram))
      n = write_datagram (conn, writer);
    else
      return ngtcp2_conn_writev_stream (conn->ng, &writer->path.path,
          &writer->info, writer->dest, writer->room, NULL,
          NGTCP2_WRITE_STREAM_FLAG_NONE, -1, NULL, 0, conn->now_ns);
  } while (wants_more (n));
  return n;
}

/* Writing: a batch */

static void
open_streams (WzpConn *conn)
{
  WzpStream *stream;
  gint64 id;

  if (conn->state == WZP_CONN_HANDSHAKE)
    return;

  while ((stream = wzp_streams_peek_waiting (conn->streams)) != NULL &&
      ngtcp2_conn_open_bidi_stream (conn->ng, &id, stream) == 0)
    wzp_streams_opened (conn->streams, stream, id);
}

static void
add_packet (WzpConn *conn, WzpBatch *batch, const Writer *writer, gsize len,
    gboolean *was_current)
{
  const ngtcp2_path *path = &writer->path.path;

  conn->info.packets_sent++;
  conn->info.bytes_sent += len;
  conn->packet_number++;
  if (ngtcp2_path_eq (path, &conn->path.path)) {
    wzp_batch_add (batch, len, *was_current, &conn->path_local, &conn->remote,
        writer->info.ecn);
    *was_current = TRUE;
  } else { /* a probe of a path that the peer may have moved to */
    WzpAddr local, remote;

    wzp_sockaddr_to_addr (path->local.addr, path->local.addrlen, &local);
    wzp_sockaddr_to_addr (path->remote.addr, path->remote.addrlen, &remote);
    wzp_batch_add (batch, len, FALSE, &local, &remote, writer->info.ecn);
    *was_current = FALSE;
  }
}

/* A packet with room left took the last that there was to say: ngtcp2 has put
 * its own frames into it, and what goes into packets of their own (probes,
 * answers to probes) goes before. What it may have to repeat are streams. */
static gboolean
is_done (const WzpConn *conn, gsize len, gsize payload)
{
  return len < payload / 2 && conn->state == WZP_CONN_ESTABLISHED &&
      conn->current == WZP_CONN_DATAGRAM_NONE && !conn->want_pull &&
      !wzp_conn_has_words (conn) &&
      wzp_streams_get_backlog (conn->streams) == 0;
}

/* TRUE: the batch is full and more might go. */
static gboolean
fill_batch (WzpConn *conn, WzpBatch *batch, Writer *writer)
{
  gsize payload = ngtcp2_conn_get_path_max_tx_udp_payload_size (conn->ng);
  gsize quantum = ngtcp2_conn_get_send_quantum (conn->ng);
  gboolean was_current = FALSE;

  if (conn->payload_cap > 0)
    payload = MIN (payload, conn->payload_cap);

  while (wzp_conn_is_open (conn) || writer->is_last) {
    ngtcp2_ssize n;

    writer->dest = wzp_batch_get_room (batch, &writer->room);
    if (writer->room < payload || batch->len >= quantum)
      return TRUE;
    if (conn->payload_cap > 0)
      writer->room = payload;
    writer->max_datagram =
        may_send_datagrams (conn) ? wzp_conn_measure_datagram (conn) : 0;
    writer->left = writer->max_datagram;
    writer->info.ecn = 0;
    writer->took_datagram = FALSE;

    n = write_packet (conn, writer);
    if (n < 0)
      wzp_conn_fail (conn, n);
    if (n <= 0)
      return FALSE;
    add_packet (conn, batch, writer, n, &was_current);
    if (writer->took_datagram && is_done (conn, n, payload))
      return FALSE;
  }
  return FALSE;
}

static gboolean
write_open (WzpConn *conn, WzpBatch *batch)
{
  Writer writer = { 0 };
  gboolean more;
  guint64 expiry;

  ngtcp2_path_storage_zero (&writer.path);
  open_streams (conn);
  conn->in_ngtcp2 = TRUE;
  more = fill_batch (conn, batch, &writer);
  conn->in_ngtcp2 = FALSE;
  settle_pulled (conn);
  if (wzp_batch_is_empty (batch))
    return FALSE;

  ngtcp2_conn_update_pkt_tx_time (conn->ng, conn->now_ns);
  expiry = ngtcp2_conn_get_expiry (conn->ng);
  wzp_conn_defer_after_write (conn, expiry, batch->len < SMALL_BATCH);
  if (writer.has_payload) {
    /* The pacer's next time is one of those that this is the least of: before
     * it, nothing of ours would be taken, so nothing needs to be pulled. */
    conn->hold_until = expiry;
    if (conn->busy_since_ns == 0)
      conn->busy_since_ns = conn->now_ns;
  }
  return more && conn->hold_until <= conn->now_ns;
}

/* What was given to send before the close goes out first, as far as the
 * congestion window lets it, but not held back by the pacer: the last message
 * of a call is said and then all is freed. Once. */
static void
write_last_words (WzpConn *conn, WzpBatch *batch)
{
  Writer writer = { .is_last = TRUE };

  if (conn->said_last_words || !conn->close_is_app ||
      !wzp_conn_has_words (conn) ||
      !ngtcp2_conn_get_handshake_completed (conn->ng))
    return;

  conn->said_last_words = TRUE;
  conn->now_ns += LAST_WORDS_NS;
  ngtcp2_path_storage_zero (&writer.path);
  open_streams (conn);
  fill_batch (conn, batch, &writer);
  conn->current = WZP_CONN_DATAGRAM_NONE;
}

static void
answer_late (WzpConn *conn, WzpBatch *batch)
{
  gsize room, len;
  const guint8 *packet = g_bytes_get_data (conn->close_packet, &len);
  guint8 *dest = wzp_batch_get_room (batch, &room);

  conn->late_answer_due = FALSE;
  if (room < len)
    return;
  memcpy (dest, packet, len);
  wzp_batch_add (batch, len, FALSE, &conn->path_local, &conn->remote, 0);
}

static void
write_closing (WzpConn *conn, WzpBatch *batch)
{
  gsize room, len;
  guint8 *dest;

  if (conn->ng == NULL) {
    if (conn->late_answer_due && conn->close_packet != NULL)
      answer_late (conn, batch);
    return;
  }
  if (wzp_batch_is_empty (batch))
    write_last_words (conn, batch);
  dest = wzp_batch_get_room (batch, &room);
  if (room < WZP_PATH_MTU_MIN) { /* behind data; next time */
    wzp_conn_wake (conn);
    return;
  }
  len = wzp_conn_write_close (conn, dest, room);
  if (len > 0) {
    conn->info.packets_sent++;
    conn->info.bytes_sent += len;
    wzp_batch_add (batch, len, FALSE, &conn->path_local, &conn->remote, 0);
  }
}

gboolean
wzp_conn_write (WzpConn *conn, WzpBatch *batch, guint64 now_ns)
{
  gboolean more = FALSE;

  conn->now_ns = MAX (conn->now_ns, now_ns);
  if (wzp_conn_is_open (conn) && conn->ng != NULL)
    more = write_open (conn, batch);
  if (conn->state == WZP_CONN_CLOSING)
    write_closing (conn, batch);
  wzp_conn_notify (conn);
  return more && wzp_conn_is_open (conn);
}
