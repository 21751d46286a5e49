#include "wzp-conn-private.h"

#include "wzp-sockaddr.h"

#include <string.h>

static const WzpConnHandler no_handler;

/* For the other parts */

gboolean
wzp_conn_has_words (const WzpConn *conn)
{
  return conn->has_pending || wzp_datagram_queue_get_count (conn->queue) > 0 ||
      wzp_streams_peek_waiting (conn->streams) != NULL ||
      wzp_streams_peek_sendable (conn->streams) != NULL;
}

gboolean
wzp_conn_is_open (const WzpConn *conn)
{
  return conn->state == WZP_CONN_HANDSHAKE ||
      conn->state == WZP_CONN_ESTABLISHED;
}

static gboolean
transition_is_valid (WzpConnState from, WzpConnState to)
{
  switch (from) {
    case WZP_CONN_HANDSHAKE:
      return to != WZP_CONN_HANDSHAKE;
    case WZP_CONN_ESTABLISHED:
      return to != WZP_CONN_HANDSHAKE && to != WZP_CONN_ESTABLISHED;
    case WZP_CONN_CLOSING:
    case WZP_CONN_DRAINING:
      return to == WZP_CONN_GONE;
    case WZP_CONN_GONE:
      return FALSE;
  }
  g_return_val_if_reached (FALSE);
}

/* The only writer of conn->state. */
void
wzp_conn_set_state (WzpConn *conn, WzpConnState state)
{
  WzpConnState before = conn->state;

  g_assert (transition_is_valid (before, state));
  conn->state = state;
  if (before == WZP_CONN_HANDSHAKE && conn->owner != NULL)
    conn->owner->handshake_over (conn, conn->owner_data);
  if (state == WZP_CONN_GONE && conn->owner != NULL)
    conn->owner->gone (conn, conn->owner_data);
}

void
wzp_conn_wake (WzpConn *conn)
{
  if (conn->owner != NULL)
    conn->owner->wake (conn, FALSE, conn->owner_data);
}

void
wzp_conn_make_path (
    const WzpAddr *local, const WzpAddr *remote, ngtcp2_path_storage *ret_path)
{
  struct sockaddr_storage from, to;
  socklen_t from_len = wzp_sockaddr_from_addr (local, &from);
  socklen_t to_len = wzp_sockaddr_from_addr (remote, &to);

  ngtcp2_path_storage_init (ret_path, (struct sockaddr *) &from, from_len,
      (struct sockaddr *) &to, to_len, NULL);
}

void
wzp_conn_update_path (WzpConn *conn)
{
  const ngtcp2_path *path = ngtcp2_conn_get_path (conn->ng);

  if (ngtcp2_path_eq (path, &conn->path.path))
    return;

  ngtcp2_path_copy (&conn->path.path, path);
  wzp_sockaddr_to_addr (
      path->local.addr, path->local.addrlen, &conn->path_local);
  wzp_sockaddr_to_addr (path->remote.addr, path->remote.addrlen, &conn->remote);
  conn->local = conn->path_local;
  conn->payload_cap = 0; /* another link */
}

gboolean
wzp_conn_add_cid (WzpConn *conn, const ngtcp2_cid *cid)
{
  if (conn->n_cids >= WZP_CONN_MAX_CIDS || conn->owner == NULL ||
      !conn->owner->add_cid (conn, cid, conn->owner_data))
    return FALSE;

  conn->cids[conn->n_cids++] = *cid;
  return TRUE;
}

void
wzp_conn_remove_cid (WzpConn *conn, const ngtcp2_cid *cid)
{
  for (guint i = 0; i < conn->n_cids; i++) {
    if (!ngtcp2_cid_eq (&conn->cids[i], cid))
      continue;
    if (conn->owner != NULL)
      conn->owner->remove_cid (conn, cid, conn->owner_data);
    conn->cids[i] = conn->cids[--conn->n_cids];
    return;
  }
}

void
wzp_conn_add_token (WzpConn *conn, const guint8 *token)
{
  if (conn->n_tokens >= WZP_CONN_MAX_TOKENS || conn->owner == NULL)
    return;

  memcpy (
      conn->tokens[conn->n_tokens++], token, NGTCP2_STATELESS_RESET_TOKENLEN);
  conn->owner->add_reset_token (conn, token, conn->owner_data);
}

void
wzp_conn_remove_token (WzpConn *conn, const guint8 *token)
{
  for (guint i = 0; i < conn->n_tokens; i++) {
    if (memcmp (conn->tokens[i], token, NGTCP2_STATELESS_RESET_TOKENLEN) != 0)
      continue;
    if (conn->owner != NULL)
      conn->owner->remove_reset_token (conn, token, conn->owner_data);
    memmove (conn->tokens[i], conn->tokens[--conn->n_tokens],
        NGTCP2_STATELESS_RESET_TOKENLEN);
    return;
  }
}

/* Getters */

void
wzp_conn_set_handler (
    WzpConn *conn, const WzpConnHandler *handler, gpointer user_data)
{
  g_return_if_fail (conn != NULL);

  conn->handler = handler != NULL ? handler : &no_handler;
  conn->handler_data = user_data;
}

gboolean
wzp_conn_is_server (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, FALSE);
  return conn->is_server;
}

gboolean
wzp_conn_is_established (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, FALSE);
  return conn->state == WZP_CONN_ESTABLISHED;
}

gboolean
wzp_conn_is_closed (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, TRUE);
  return !wzp_conn_is_open (conn);
}

const char *
wzp_conn_get_server_name (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, NULL);
  return conn->server_name;
}

const guint8 *
wzp_conn_get_peer_key (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, NULL);
  return conn->peer.has_key ? conn->peer.key : NULL;
}

const WzpFingerprint *
wzp_conn_get_peer_fingerprint (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, NULL);
  return conn->peer.has_key ? &conn->peer_fingerprint : NULL;
}

const guint8 *
wzp_conn_get_peer_cert_sha256 (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, NULL);
  return conn->peer.has_certificate ? conn->peer.sha256 : NULL;
}

const WzpAddr *
wzp_conn_get_remote (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, NULL);
  return &conn->remote;
}

const WzpAddr *
wzp_conn_get_local (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, NULL);
  return &conn->local;
}

/* Short header: a byte of flags, the id, at most four bytes of packet number
 * (RFC 9000, section 17.3.1), the AEAD's tag. */
#define TAG_LEN           16u
#define PACKET_NUMBER_LEN 4u

gsize
wzp_conn_compute_max_datagram (gsize payload, gsize dcid_len, guint64 max_frame)
{
  gsize overhead = 1 + dcid_len + PACKET_NUMBER_LEN + TAG_LEN;
  gsize room = payload > overhead ? payload - overhead : 0;

  room = MIN (room, max_frame);
  /* A type byte and the length as a varint (RFC 9221, section 4). */
  if (room < 2)
    return 0;
  if (room <= 2 + 63)
    return room - 2;
  if (room <= 3 + 16383)
    return MAX (room - 3, 63);
  return MAX (room - 5, 16383);
}

gsize
wzp_conn_measure_datagram (const WzpConn *conn)
{
  const ngtcp2_transport_params *params =
      ngtcp2_conn_get_remote_transport_params (conn->ng);
  gsize payload = ngtcp2_conn_get_path_max_tx_udp_payload_size (conn->ng);

  if (params == NULL)
    return 0;
  if (conn->payload_cap > 0)
    payload = MIN (payload, conn->payload_cap);
  return wzp_conn_compute_max_datagram (payload,
      ngtcp2_conn_get_dcid (conn->ng)->datalen,
      params->max_datagram_frame_size);
}

gsize
wzp_conn_get_max_datagram (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, 0);

  if (conn->state != WZP_CONN_ESTABLISHED || conn->ng == NULL)
    return 0;
  return wzp_conn_measure_datagram (conn);
}

gsize
wzp_conn_get_queued_bytes (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, 0);
  return wzp_datagram_queue_get_bytes (conn->queue) +
      (conn->has_pending ? conn->pending_len : 0);
}

static gint64
to_us (ngtcp2_duration duration)
{
  return duration == UINT64_MAX ? 0 : (gint64) (duration / 1000);
}

void
wzp_conn_get_info (const WzpConn *conn, WzpConnInfo *ret_info)
{
  ngtcp2_conn_info now;

  g_return_if_fail (conn != NULL && ret_info != NULL);

  *ret_info = conn->info;
  if (conn->ng == NULL)
    return;

  ngtcp2_conn_get_conn_info (conn->ng, &now);
  ret_info->srtt_us = to_us (now.smoothed_rtt);
  ret_info->rttvar_us = to_us (now.rttvar);
  ret_info->min_rtt_us = to_us (now.min_rtt);
  ret_info->latest_rtt_us = to_us (now.latest_rtt);
  ret_info->pto_us = to_us (ngtcp2_conn_get_pto (conn->ng));
  ret_info->cwnd = now.cwnd;
  ret_info->bytes_in_flight = now.bytes_in_flight;
  ret_info->oldest_unacked_us = wzp_datagram_log_oldest_us (conn->log);
  ret_info->max_udp_payload =
      ngtcp2_conn_get_path_max_tx_udp_payload_size (conn->ng);
}

/* Sending */

gboolean
wzp_conn_send_datagram (WzpConn *conn, const struct iovec *iov, int n_iov)
{
  gsize len = 0;

  g_return_val_if_fail (conn != NULL, FALSE);

  for (int i = 0; i < n_iov; i++)
    len += iov[i].iov_len;
  if (conn->state != WZP_CONN_ESTABLISHED)
    return FALSE;
  if (len > wzp_conn_get_max_datagram (conn) ||
      !wzp_datagram_queue_push (conn->queue, iov, n_iov)) {
    conn->info.datagrams_dropped++;
    return FALSE;
  }
  wzp_conn_wake (conn);
  return TRUE;
}

void
wzp_conn_want_pull (WzpConn *conn)
{
  g_return_if_fail (conn != NULL);

  if (!wzp_conn_is_open (conn))
    return;
  conn->want_pull = TRUE;
  wzp_conn_wake (conn);
}

gboolean
wzp_conn_send_stream (WzpConn *conn, GBytes *bytes, GError **error)
{
  g_return_val_if_fail (conn != NULL && bytes != NULL, FALSE);

  if (!wzp_conn_is_open (conn)) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_CLOSED, "The connection is closed");
    return FALSE;
  }
  if (!wzp_streams_push (conn->streams, bytes, error))
    return FALSE;
  wzp_conn_wake (conn);
  return TRUE;
}

gsize
wzp_conn_get_stream_backlog (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, 0);
  return wzp_streams_get_backlog (conn->streams);
}

void
wzp_conn_reset_stream (WzpConn *conn, gint64 stream_id, guint64 code)
{
  WzpStream *stream;

  g_return_if_fail (conn != NULL);

  if (!wzp_conn_is_open (conn) || conn->ng == NULL)
    return;
  stream = wzp_streams_find_peer (conn->streams, stream_id);
  if (stream == NULL || wzp_stream_get_refused (stream))
    return;

  wzp_stream_set_refused (stream);
  wzp_streams_stop (conn->streams, stream);
  ngtcp2_conn_shutdown_stream (conn->ng, 0, stream_id, code);
  wzp_conn_wake (conn);
}

void
wzp_conn_set_max_in_flight (WzpConn *conn, gsize bytes)
{
  g_return_if_fail (conn != NULL);

  conn->max_in_flight = bytes;
  if (wzp_conn_is_open (conn))
    wzp_conn_wake (conn);
}
