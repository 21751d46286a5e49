#include "wzp-conn-private.h"

#include "wzp-path-mtu.h"
#include "wzp-sockaddr.h"

#include <gnutls/crypto.h>
#include <string.h>

/* Frames in which a peer may send a datagram: as large as UDP allows. */
#define MAX_DATAGRAM_FRAME 65535u

/* Spare ids that a peer may give us: one for each path it could move to. */
#define ACTIVE_CID_LIMIT 4u

/* Packets that the peer may send before it is answered at once; in between an
 * eighth of a round trip decides. Saves most ACK packets of a media flow. */
#define ACK_THRESHOLD 10u

/* BBR, not CUBIC. Measured on a simulated path of 20 Mbit/s and 40 ms with 5
 * Mbit/s of video: at 1 % random loss (a usual radio link) a frame takes 34 ms
 * at the 95th percentile with BBR; CUBIC, which takes each loss for congestion,
 * falls to 3.4 Mbit/s and is seconds behind. On a full bottleneck BBR keeps the
 * queue at 4 ms where CUBIC fills all 200 ms of it. The price: about 18 % of a
 * bottleneck are left unused. */
#define CONGESTION_CONTROL NGTCP2_CC_ALGO_BBR

static const WzpConnHandler no_handler;

/* Life */

static void
fill_settings (ngtcp2_settings *settings, const WzpConnConfig *config,
    guint16 probes[WZP_PATH_MTU_PROBES], guint64 now_ns)
{
  ngtcp2_settings_default (settings);
  settings->initial_ts = now_ns;
  settings->cc_algo = CONGESTION_CONTROL;
  settings->handshake_timeout =
      config->handshake_timeout_ms * NGTCP2_MILLISECONDS;
  settings->ack_thresh = ACK_THRESHOLD;
  settings->max_tx_udp_payload_size =
      MAX (config->max_payload, WZP_PATH_MTU_MIN);
  settings->pmtud_probeslen =
      wzp_path_mtu_plan (settings->max_tx_udp_payload_size, probes);
  settings->pmtud_probes = probes;
  settings->no_pmtud = settings->pmtud_probeslen == 0;
}

static void
fill_params (ngtcp2_transport_params *params, const WzpConnConfig *config)
{
  ngtcp2_transport_params_default (params);
  params->initial_max_stream_data_bidi_local = WZP_CONN_STREAM_WINDOW;
  params->initial_max_stream_data_bidi_remote = WZP_CONN_STREAM_WINDOW;
  params->initial_max_data = WZP_CONN_WINDOW;
  params->initial_max_streams_bidi = WZP_CONN_MAX_PEER_STREAMS;
  params->max_idle_timeout = config->idle_timeout_ms * NGTCP2_MILLISECONDS;
  params->active_connection_id_limit = ACTIVE_CID_LIMIT;
  params->max_datagram_frame_size = MAX_DATAGRAM_FRAME;
  if (config->max_receive > 0)
    params->max_udp_payload_size = MAX (config->max_receive, WZP_PATH_MTU_MIN);
}

static void
fill_random_cid (ngtcp2_cid *cid, gsize len)
{
  cid->datalen = len;
  if (gnutls_rnd (GNUTLS_RND_RANDOM, cid->data, len) < 0)
    g_error ("no random numbers");
}

static WzpConn *
new_conn (const WzpConnOwner *owner, gpointer owner_data, gboolean is_server,
    const WzpConnConfig *config, const WzpAddr *local, const WzpAddr *remote)
{
  WzpConn *conn = g_new0 (WzpConn, 1);

  g_atomic_ref_count_init (&conn->refs);
  conn->is_server = is_server;
  conn->owner = owner;
  conn->owner_data = owner_data;
  conn->handler = &no_handler;
  conn->local = conn->path_local = *local;
  conn->remote = *remote;
  wzp_conn_make_path (local, remote, &conn->path);
  conn->queue = wzp_datagram_queue_new (
      WZP_DATAGRAM_QUEUE_BYTES, WZP_DATAGRAM_QUEUE_COUNT);
  conn->log = wzp_datagram_log_new ();
  conn->streams = wzp_streams_new (WZP_CONN_MAX_STREAM_BACKLOG);
  conn->handshake_timeout_ms = config->handshake_timeout_ms;
  conn->timer.owner = conn;
  conn->timer.when = WZP_TIMER_NEVER;
  conn->dirty_link.data = conn;
  conn->all_link.data = conn;
  return conn;
}

/* An own id that nobody uses, registered. */
static gboolean
choose_cid (WzpConn *conn, ngtcp2_cid *ret_cid)
{
  for (guint attempt = 0; attempt < 4; attempt++) {
    fill_random_cid (ret_cid, WZP_CONN_CID_LEN);
    if (wzp_conn_add_cid (conn, ret_cid))
      return TRUE;
  }
  return FALSE;
}

static void
set_engine (WzpConn *conn, ngtcp2_conn *ng, const WzpConnConfig *config)
{
  conn->ng = ng;
  wzp_tls_bind (conn->tls, ng);
  ngtcp2_conn_set_keep_alive_timeout (
      ng, config->keep_alive_ms * NGTCP2_MILLISECONDS);
}

WzpConn *
wzp_conn_new_client (const WzpConnOwner *owner, gpointer owner_data,
    const WzpConnConfig *config, const WzpDialOptions *options,
    const WzpAddr *local, const WzpAddr *remote, guint64 now_ns,
    GError **error)
{
  g_autoptr (WzpTls) tls = wzp_tls_new_client (config->tls, options, error);
  g_autoptr (WzpConn) conn = NULL;
  guint16 probes[WZP_PATH_MTU_PROBES];
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_cid dcid, scid;
  ngtcp2_conn *ng;

  if (tls == NULL)
    return NULL;

  conn = new_conn (owner, owner_data, FALSE, config, local, remote);
  conn->tls = g_steal_pointer (&tls);
  conn->server_name = g_strdup (options->server_name);
  fill_settings (&settings, config, probes, now_ns);
  fill_params (&params, config);
  fill_random_cid (&dcid, NGTCP2_MAX_CIDLEN);
  if (!choose_cid (conn, &scid) ||
      ngtcp2_conn_client_new (&ng, &dcid, &scid, &conn->path.path,
          NGTCP2_PROTO_VER_V1, wzp_conn_get_callbacks (FALSE), &settings,
          &params, NULL, conn) != 0) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_FAILED, "QUIC could not be set up");
    wzp_conn_disown (conn);
    return NULL;
  }
  set_engine (conn, ng, config);
  return g_steal_pointer (&conn);
}

static gboolean
on_admit (const char *server_name, gpointer user_data)
{
  WzpConn *conn = user_data;

  g_free (conn->server_name);
  conn->server_name = g_strdup (server_name);
  return conn->owner != NULL &&
      conn->owner->admit (conn, server_name, conn->owner_data);
}

WzpConn *
wzp_conn_new_server (const WzpConnOwner *owner, gpointer owner_data,
    const WzpConnConfig *config, const WzpConnInitial *initial,
    const WzpAddr *local, const WzpAddr *remote, guint64 now_ns)
{
  g_autoptr (WzpConn) conn =
      new_conn (owner, owner_data, TRUE, config, local, remote);
  guint16 probes[WZP_PATH_MTU_PROBES];
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_cid scid;
  ngtcp2_conn *ng;

  conn->tls = wzp_tls_new_server (config->tls, on_admit, conn);
  fill_settings (&settings, config, probes, now_ns);
  fill_params (&params, config);
  params.original_dcid = initial->original_dcid;
  params.original_dcid_present = 1;
  if (initial->after_retry) {
    settings.token = initial->token;
    settings.tokenlen = initial->token_len;
    settings.token_type = NGTCP2_TOKEN_TYPE_RETRY;
    params.retry_scid = initial->client_dcid;
    params.retry_scid_present = 1;
  }

  if (conn->tls != NULL && wzp_conn_add_cid (conn, &initial->client_dcid) &&
      choose_cid (conn, &scid)) {
    owner->make_reset_token (
        &scid, params.stateless_reset_token, owner_data);
    params.stateless_reset_token_present = 1;
    if (ngtcp2_conn_server_new (&ng, &initial->client_scid, &scid,
            &conn->path.path, initial->version, wzp_conn_get_callbacks (TRUE),
            &settings, &params, NULL, conn) == 0) {
      set_engine (conn, ng, config);
      return g_steal_pointer (&conn);
    }
  }
  wzp_conn_disown (conn);
  return NULL;
}

WzpConn *
wzp_conn_ref (WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, NULL);

  g_atomic_ref_count_inc (&conn->refs);
  return conn;
}

void
wzp_conn_unref (WzpConn *conn)
{
  if (conn == NULL || !g_atomic_ref_count_dec (&conn->refs))
    return;

  wzp_conn_free_engine (conn);
  wzp_datagram_queue_free (conn->queue);
  wzp_datagram_log_free (conn->log);
  wzp_streams_free (conn->streams);
  g_free (conn->server_name);
  g_free (conn->close_info.reason);
  g_clear_error (&conn->close_info.error);
  g_free (conn);
}

void
wzp_conn_disown (WzpConn *conn)
{
  if (conn->owner == NULL)
    return;

  for (guint i = 0; i < conn->n_cids; i++)
    conn->owner->remove_cid (conn, &conn->cids[i], conn->owner_data);
  conn->n_cids = 0;
  conn->is_notified = TRUE;
  conn->owner = NULL;
  if (conn->state != WZP_CONN_GONE)
    wzp_conn_set_state (conn, WZP_CONN_GONE);
  wzp_conn_free_engine (conn);
}

/* Shared */

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
wzp_conn_make_path (const WzpAddr *local, const WzpAddr *remote,
    ngtcp2_path_storage *ret_path)
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
wzp_conn_compute_max_datagram (
    gsize payload, gsize dcid_len, guint64 max_frame)
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
wzp_conn_get_max_datagram (const WzpConn *conn)
{
  const ngtcp2_transport_params *params;
  gsize payload;

  g_return_val_if_fail (conn != NULL, 0);

  if (conn->state != WZP_CONN_ESTABLISHED || conn->ng == NULL)
    return 0;
  params = ngtcp2_conn_get_remote_transport_params (conn->ng);
  if (params == NULL)
    return 0;

  payload = ngtcp2_conn_get_path_max_tx_udp_payload_size (conn->ng);
  if (conn->payload_cap > 0)
    payload = MIN (payload, conn->payload_cap);
  return wzp_conn_compute_max_datagram (payload,
      ngtcp2_conn_get_dcid (conn->ng)->datalen,
      params->max_datagram_frame_size);
}

gsize
wzp_conn_get_queued_bytes (const WzpConn *conn)
{
  g_return_val_if_fail (conn != NULL, 0);
  return wzp_datagram_queue_get_bytes (conn->queue);
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
