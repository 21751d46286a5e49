#include "wzp-conn-private.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto.h>

/* ngtcp2 says nothing when a packet was not authentic, and its decrypt callback
 * gets no connection: so all of a thread are counted here, and who reads a
 * packet compares before and after. */
static __thread guint64 n_authentic;

guint64
wzp_conn_count_authentic (void)
{
  return n_authentic;
}

static int
on_decrypt (uint8_t *dest, const ngtcp2_crypto_aead *aead,
    const ngtcp2_crypto_aead_ctx *aead_ctx, const uint8_t *ciphertext,
    size_t ciphertext_len, const uint8_t *nonce, size_t nonce_len,
    const uint8_t *aad, size_t aad_len)
{
  int rv = ngtcp2_crypto_decrypt_cb (dest, aead, aead_ctx, ciphertext,
      ciphertext_len, nonce, nonce_len, aad, aad_len);

  if (rv == 0)
    n_authentic++;
  return rv;
}

static void
on_rand (uint8_t *dest, size_t len, const ngtcp2_rand_ctx *context)
{
  if (gnutls_rnd (GNUTLS_RND_NONCE, dest, len) < 0)
    g_error ("no random numbers");
}

/* Connection ids */

static int
on_new_cid (ngtcp2_conn *ng, ngtcp2_cid *cid, uint8_t *token, size_t len,
    void *user_data)
{
  WzpConn *conn = user_data;

  cid->datalen = len;
  for (guint attempt = 0; attempt < 4; attempt++) {
    if (conn->owner == NULL ||
        gnutls_rnd (GNUTLS_RND_RANDOM, cid->data, len) < 0)
      break;
    if (wzp_conn_add_cid (conn, cid)) {
      conn->owner->make_reset_token (cid, token, conn->owner_data);
      return 0;
    }
  }
  return NGTCP2_ERR_CALLBACK_FAILURE;
}

static int
on_remove_cid (ngtcp2_conn *ng, const ngtcp2_cid *cid, void *user_data)
{
  ((WzpConn *) user_data)->got_more = TRUE;
  wzp_conn_remove_cid (user_data, cid);
  return 0;
}

static int
on_peer_cid (ngtcp2_conn *ng, ngtcp2_connection_id_status_type type,
    uint64_t seq, const ngtcp2_cid *cid, const uint8_t *token, void *user_data)
{
  ((WzpConn *) user_data)->got_more = TRUE;
  if (token == NULL)
    return 0;
  if (type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE)
    wzp_conn_add_token (user_data, token);
  else
    wzp_conn_remove_token (user_data, token);
  return 0;
}

/* Handshake */

/* Once the handshake is done TLS is gone. What a server may still say (session
 * tickets) is of no use; a client that says anything breaks the protocol (RFC
 * 9001, sections 4.4 and 6). */
static int
on_crypto_data (ngtcp2_conn *ng, ngtcp2_encryption_level level, uint64_t offset,
    const uint8_t *data, size_t len, void *user_data)
{
  WzpConn *conn = user_data;

  conn->got_more = TRUE;
  if (conn->tls == NULL && conn->is_server) {
    ngtcp2_conn_set_tls_alert (ng, GNUTLS_A_UNEXPECTED_MESSAGE);
    return NGTCP2_ERR_CRYPTO;
  }
  if (conn->tls == NULL)
    return 0;
  return ngtcp2_crypto_recv_crypto_data_cb (
      ng, level, offset, data, len, user_data);
}

static int
on_handshake_completed (ngtcp2_conn *ng, void *user_data)
{
  WzpConn *conn = user_data;

  /* A callback may have closed it while this packet was read. */
  if (conn->state != WZP_CONN_HANDSHAKE)
    return 0;

  conn->peer = *wzp_tls_get_peer (conn->tls);
  if (conn->peer.has_key)
    wzp_fingerprint_of_key (conn->peer.key, &conn->peer_fingerprint);
  wzp_conn_set_state (conn, WZP_CONN_ESTABLISHED);

  /* Here and not after the call: the same packet may hold stream data. */
  if (conn->is_server) {
    if (!conn->owner->accept (conn, conn->owner_data) &&
        wzp_conn_is_open (conn))
      wzp_conn_close (conn, WZP_CLOSE_REFUSED, "not expected here");
  } else if (conn->handler->established != NULL) {
    conn->handler->established (conn, conn->handler_data);
  }
  return 0;
}

static int
on_stateless_reset (
    ngtcp2_conn *ng, const ngtcp2_pkt_stateless_reset *reset, void *user_data)
{
  ((WzpConn *) user_data)->was_reset = TRUE;
  return 0;
}

/* Datagrams */

static int
on_datagram (ngtcp2_conn *ng, uint32_t flags, const uint8_t *data, size_t len,
    void *user_data)
{
  WzpConn *conn = user_data;

  if (!wzp_conn_is_open (conn))
    return 0;
  conn->info.datagrams_received++;
  if (!wzp_conn_keep_early (conn, data, len) && conn->handler->datagram != NULL)
    conn->handler->datagram (conn, data, len, conn->handler_data);
  return 0;
}

static int
on_datagram_acked (ngtcp2_conn *ng, uint64_t id, void *user_data)
{
  wzp_datagram_log_acked (((WzpConn *) user_data)->log, id);
  return 0;
}

static int
on_datagram_lost (ngtcp2_conn *ng, uint64_t id, void *user_data)
{
  WzpConn *conn = user_data;

  conn->info.datagrams_lost++;
  if (wzp_datagram_log_lost (conn->log, id))
    conn->info.packets_lost++;
  return 0;
}

/* Streams */

static void
tell_stream_closed (WzpConn *conn, WzpStream *stream)
{
  if (wzp_stream_get_told (stream))
    return;

  wzp_stream_set_told (stream);
  if (wzp_conn_is_open (conn) && conn->handler->stream_closed != NULL)
    conn->handler->stream_closed (
        conn, wzp_stream_get_id (stream), conn->handler_data);
}

static int
on_stream_open (ngtcp2_conn *ng, int64_t id, void *user_data)
{
  WzpConn *conn = user_data;

  conn->got_more = TRUE;
  ngtcp2_conn_set_stream_user_data (
      ng, id, wzp_streams_add_peer (conn->streams, id));
  return 0;
}

static int
on_stream_data (ngtcp2_conn *ng, uint32_t flags, int64_t id, uint64_t offset,
    const uint8_t *data, size_t len, void *user_data, void *stream_user_data)
{
  WzpConn *conn = user_data;
  WzpStream *stream = stream_user_data;
  gboolean fin = (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0;

  conn->got_more = TRUE;
  /* What a peer says on a stream of ours has no meaning; it is passed over. */
  if (stream != NULL && wzp_stream_is_peer (stream) &&
      !wzp_stream_get_refused (stream) && wzp_conn_is_open (conn)) {
    if (conn->handler->stream_data != NULL)
      conn->handler->stream_data (conn, id, data, len, fin, conn->handler_data);
    if (fin) {
      tell_stream_closed (conn, stream);
      if (!wzp_stream_get_refused (stream))
        wzp_streams_finish_peer (conn->streams, stream);
    }
  }

  ngtcp2_conn_extend_max_stream_offset (ng, id, len);
  ngtcp2_conn_extend_max_offset (ng, len);
  return 0;
}

static int
on_stream_acked (ngtcp2_conn *ng, int64_t id, uint64_t offset, uint64_t len,
    void *user_data, void *stream_user_data)
{
  WzpConn *conn = user_data;

  if (stream_user_data != NULL)
    wzp_streams_acked (conn->streams, stream_user_data, offset + len);
  return 0;
}

static int
on_stream_reset (ngtcp2_conn *ng, int64_t id, uint64_t final_size,
    uint64_t code, void *user_data, void *stream_user_data)
{
  WzpConn *conn = user_data;
  WzpStream *stream = stream_user_data;

  conn->got_more = TRUE;
  if (stream == NULL || !wzp_stream_is_peer (stream))
    return 0;

  tell_stream_closed (conn, stream);
  if (!wzp_stream_get_refused (stream))
    wzp_streams_finish_peer (conn->streams, stream);
  return 0;
}

static int
on_stream_close (ngtcp2_conn *ng, uint32_t flags, int64_t id, uint64_t code,
    void *user_data, void *stream_user_data)
{
  WzpConn *conn = user_data;
  WzpStream *stream = stream_user_data;

  conn->got_more = TRUE;
  if (stream != NULL && wzp_stream_is_peer (stream))
    tell_stream_closed (conn, stream);
  if (!ngtcp2_conn_is_local_stream (ng, id))
    ngtcp2_conn_extend_max_streams_bidi (ng, 1);
  if (stream != NULL)
    wzp_streams_close (conn->streams, stream);
  return 0;
}

static int
on_stream_credit (ngtcp2_conn *ng, int64_t id, uint64_t max_data,
    void *user_data, void *stream_user_data)
{
  WzpConn *conn = user_data;

  if (stream_user_data != NULL)
    wzp_streams_unblock (conn->streams, stream_user_data);
  return 0;
}

#define COMMON_CALLBACKS                                                       \
  .recv_crypto_data = on_crypto_data,                                          \
  .handshake_completed = on_handshake_completed,                               \
  .encrypt = ngtcp2_crypto_encrypt_cb, .decrypt = on_decrypt,                  \
  .hp_mask = ngtcp2_crypto_hp_mask_cb, .recv_stream_data = on_stream_data,     \
  .acked_stream_data_offset = on_stream_acked, .stream_open = on_stream_open,  \
  .stream_close = on_stream_close, .stream_reset = on_stream_reset,            \
  .extend_max_stream_data = on_stream_credit,                                  \
  .recv_stateless_reset = on_stateless_reset, .rand = on_rand,                 \
  .get_new_connection_id = on_new_cid, .remove_connection_id = on_remove_cid,  \
  .dcid_status = on_peer_cid, .update_key = ngtcp2_crypto_update_key_cb,       \
  .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,           \
  .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,       \
  .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,         \
  .version_negotiation = ngtcp2_crypto_version_negotiation_cb,                 \
  .recv_datagram = on_datagram, .ack_datagram = on_datagram_acked,             \
  .lost_datagram = on_datagram_lost

static const ngtcp2_callbacks client_callbacks = {
  COMMON_CALLBACKS,
  .client_initial = ngtcp2_crypto_client_initial_cb,
  .recv_retry = ngtcp2_crypto_recv_retry_cb,
};

static const ngtcp2_callbacks server_callbacks = {
  COMMON_CALLBACKS,
  .recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
};

const ngtcp2_callbacks *
wzp_conn_get_callbacks (gboolean is_server)
{
  return is_server ? &server_callbacks : &client_callbacks;
}
