/* How a connection comes to be, and how its memory goes. */
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
  wzp_conn_set_handler (conn, NULL, NULL);
  conn->local = conn->path_local = *local;
  conn->remote = *remote;
  wzp_conn_make_path (local, remote, &conn->path);
  conn->queue = wzp_datagram_queue_new (
      WZP_DATAGRAM_QUEUE_BYTES, WZP_DATAGRAM_QUEUE_COUNT);
  conn->log = wzp_datagram_log_new ();
  conn->streams = wzp_streams_new (WZP_CONN_MAX_STREAM_BACKLOG);
  conn->handshake_timeout_ms = config->handshake_timeout_ms;
  conn->max_receive_later = config->max_receive > 0
      ? MAX (config->max_receive, WZP_PATH_MTU_MIN)
      : G_MAXSIZE;
  conn->max_receive = conn->max_receive_later;
  conn->timer.owner = conn;
  conn->timer.when = WZP_TIMER_NEVER;
  conn->dirty_link.data = conn;
  conn->all_link.data = conn;
  conn->unproved_link.data = conn;
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
  if (config->keep_alive_ms != G_MAXUINT)
    ngtcp2_conn_set_keep_alive_timeout (
        ng, config->keep_alive_ms * NGTCP2_MILLISECONDS);
}

WzpConn *
wzp_conn_new_client (const WzpConnOwner *owner, gpointer owner_data,
    const WzpConnConfig *config, const WzpDialOptions *options,
    const WzpAddr *local, const WzpAddr *remote, guint64 now_ns, GError **error)
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

/* The client is told in the transport parameters, which are not written yet. */
static void
limit_receive (WzpConn *conn, guint max_receive)
{
  ngtcp2_transport_params params =
      *ngtcp2_conn_get_local_transport_params (conn->ng);

  params.max_udp_payload_size = MAX (max_receive, WZP_PATH_MTU_MIN);
  if (ngtcp2_conn_set_local_transport_params (conn->ng, &params) == 0)
    conn->max_receive_later =
        MIN (conn->max_receive_later, params.max_udp_payload_size);
}

static gboolean
on_admit (const char *server_name, gpointer user_data)
{
  WzpConn *conn = user_data;
  guint max_receive = 0;

  g_free (conn->server_name);
  conn->server_name = g_strdup (server_name);
  if (conn->owner == NULL ||
      !conn->owner->admit (conn, server_name, &max_receive, conn->owner_data))
    return FALSE;

  if (max_receive > 0 && max_receive < conn->max_receive_later)
    limit_receive (conn, max_receive);
  conn->max_receive = conn->max_receive_later;
  return TRUE;
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

  conn->max_receive = MIN (conn->max_receive, WZP_CONN_MAX_FIRST_RECEIVE);
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
    owner->make_reset_token (&scid, params.stateless_reset_token, owner_data);
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
  wzp_conn_drop_early (conn);
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
  while (conn->n_tokens > 0)
    wzp_conn_remove_token (conn, conn->tokens[0]);
  conn->is_notified = TRUE;
  conn->owner = NULL;
  if (conn->state != WZP_CONN_GONE)
    wzp_conn_set_state (conn, WZP_CONN_GONE);
  wzp_conn_free_engine (conn);
}
