/* What an endpoint says to strangers. */
#include "wzp-endpoint-private.h"

#include "wzp-sockaddr.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <string.h>

#define RETRY_TIMEOUT (10 * NGTCP2_SECONDS) /* a token is good for */
/* Large enough for each packet written here. */
#define REPLY_LEN 1200u

/* A stateless reset is no larger than what asked for it, one byte less, so
 * that two endpoints do not answer each other for ever (RFC 9000, section
 * 10.3.3), and needs 5 random bytes and the token. */
#define RESET_MAX_LEN 42u
#define RESET_MIN_LEN                                                          \
  (NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN)

static gboolean
take (WzpEndpoint *self, WzpEndpointLimit *limit)
{
  gint64 second = self->now_ns / NGTCP2_SECONDS;

  if (limit->second != second) {
    limit->second = second;
    limit->n = 0;
  }
  if (limit->n >= WZP_ENDPOINT_REPLIES_PER_S)
    return FALSE;
  limit->n++;
  return TRUE;
}

static gboolean
reply (WzpEndpoint *self, const WzpUdpPacket *packet, const guint8 *data,
    gssize len)
{
  return len > 0 &&
      wzp_endpoint_send_raw (self, &packet->local, &packet->remote, data, len);
}

static void
send_version_negotiation (WzpEndpoint *self, const WzpUdpPacket *packet,
    const ngtcp2_version_cid *ids)
{
  static const guint32 versions[] = { NGTCP2_PROTO_VER_V1 };
  guint8 data[REPLY_LEN], random;
  ngtcp2_ssize len;

  /* A smaller one is not a first packet (RFC 9000, section 5.2.2). */
  if (packet->len < NGTCP2_MAX_UDP_PAYLOAD_SIZE ||
      !take (self, &self->version_limit) ||
      gnutls_rnd (GNUTLS_RND_NONCE, &random, 1) < 0)
    return;

  len = ngtcp2_pkt_write_version_negotiation (data, sizeof data, random,
      ids->scid, ids->scidlen, ids->dcid, ids->dcidlen, versions,
      G_N_ELEMENTS (versions));
  if (reply (self, packet, data, len))
    self->stats.version_negotiations_sent++;
}

void
wzp_endpoint_make_reset_token (const WzpEndpoint *self, const ngtcp2_cid *cid,
    guint8 ret_token[NGTCP2_STATELESS_RESET_TOKENLEN])
{
  if (ngtcp2_crypto_generate_stateless_reset_token (
          ret_token, self->reset_secret, sizeof self->reset_secret, cid) != 0)
    memset (ret_token, 0, NGTCP2_STATELESS_RESET_TOKENLEN);
}

static void
send_stateless_reset (WzpEndpoint *self, const WzpUdpPacket *packet,
    const ngtcp2_version_cid *ids)
{
  guint8 data[RESET_MAX_LEN], token[NGTCP2_STATELESS_RESET_TOKENLEN];
  guint8 random[RESET_MAX_LEN];
  gsize len = MIN (packet->len - 1, RESET_MAX_LEN);
  ngtcp2_cid cid;

  if (packet->len <= RESET_MIN_LEN || !take (self, &self->reset_limit) ||
      gnutls_rnd (GNUTLS_RND_NONCE, random, sizeof random) < 0)
    return;

  ngtcp2_cid_init (&cid, ids->dcid, ids->dcidlen);
  wzp_endpoint_make_reset_token (self, &cid, token);
  len = ngtcp2_pkt_write_stateless_reset (
      data, sizeof data, token, random, len - NGTCP2_STATELESS_RESET_TOKENLEN);
  if (reply (self, packet, data, len))
    self->stats.resets_sent++;
}

static void
send_refusal (WzpEndpoint *self, const WzpUdpPacket *packet,
    const ngtcp2_pkt_hd *header, guint64 code)
{
  guint8 data[REPLY_LEN];
  ngtcp2_ssize len = ngtcp2_crypto_write_connection_close (data, sizeof data,
      header->version, &header->scid, &header->dcid, code, NULL, 0);

  reply (self, packet, data, len);
}

static void
write_retry (
    WzpEndpoint *self, const WzpUdpPacket *packet, const ngtcp2_pkt_hd *header)
{
  guint8 token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2], data[REPLY_LEN];
  struct sockaddr_storage remote;
  socklen_t remote_len = wzp_sockaddr_from_addr (&packet->remote, &remote);
  ngtcp2_cid scid = { .datalen = WZP_CONN_CID_LEN };
  ngtcp2_ssize len;

  if (gnutls_rnd (GNUTLS_RND_RANDOM, scid.data, scid.datalen) < 0)
    return;
  len = ngtcp2_crypto_generate_retry_token2 (token, self->retry_secret,
      sizeof self->retry_secret, header->version, (struct sockaddr *) &remote,
      remote_len, &scid, &header->dcid, self->now_ns);
  if (len < 0)
    return;
  len = ngtcp2_crypto_write_retry (data, sizeof data, header->version,
      &header->scid, &scid, &header->dcid, token, len);
  if (reply (self, packet, data, len))
    self->stats.retries_sent++;
}

void
wzp_endpoint_send_retry (WzpEndpoint *self, const WzpUdpPacket *packet)
{
  ngtcp2_pkt_hd header;

  if (ngtcp2_accept (&header, packet->data, packet->len) == 0)
    write_retry (self, packet, &header);
}

/* FALSE: the token is not good, what there was to say is said. */
static gboolean
check_token (WzpEndpoint *self, const WzpUdpPacket *packet,
    const ngtcp2_pkt_hd *header, WzpConnInitial *initial)
{
  gboolean is_wanted = self->config.always_retry ||
      self->unproved.length >= WZP_ENDPOINT_RETRY_ABOVE;
  struct sockaddr_storage remote;
  socklen_t remote_len = wzp_sockaddr_from_addr (&packet->remote, &remote);
  int rv = NGTCP2_CRYPTO_ERR_UNREADABLE_TOKEN;

  if (header->tokenlen > 0)
    rv = ngtcp2_crypto_verify_retry_token2 (&initial->original_dcid,
        header->token, header->tokenlen, self->retry_secret,
        sizeof self->retry_secret, header->version, (struct sockaddr *) &remote,
        remote_len, &header->dcid, RETRY_TIMEOUT, self->now_ns);
  if (rv == 0) {
    initial->after_retry = TRUE;
    initial->token = header->token;
    initial->token_len = header->tokenlen;
    return TRUE;
  }

  if (rv == NGTCP2_CRYPTO_ERR_VERIFY_TOKEN) {
    send_refusal (self, packet, header, NGTCP2_INVALID_TOKEN);
    return FALSE;
  }
  if (is_wanted)
    write_retry (self, packet, header);
  return !is_wanted;
}

/* For one whose address is proved, which Retry saw to long before this. The
 * oldest goes: an honest client needs some round trips, so that whoever begins
 * and never goes on must begin WZP_ENDPOINT_MAX_HANDSHAKES in that time to keep
 * it out. */
static void
make_place (WzpEndpoint *self)
{
  WzpConn *oldest;

  if (self->unproved.length < WZP_ENDPOINT_MAX_HANDSHAKES)
    return;
  self->stats.refused++;
  oldest = self->unproved.head->data;
  if (wzp_conn_is_open (oldest))
    wzp_conn_fail (oldest, NGTCP2_ERR_DROP_CONN);
  else
    wzp_conn_set_state (oldest, WZP_CONN_GONE);
}

static void
on_initial (
    WzpEndpoint *self, const WzpUdpPacket *packet, const ngtcp2_pkt_hd *header)
{
  WzpConnInitial initial = { .version = header->version,
    .client_scid = header->scid,
    .client_dcid = header->dcid,
    .original_dcid = header->dcid };
  WzpConnConfig config;
  WzpConn *conn;

  if (packet->len > WZP_CONN_MAX_FIRST_RECEIVE) {
    self->stats.bad_packets++;
    return;
  }
  if (self->all.length >= WZP_ENDPOINT_MAX_CONNS) {
    self->stats.refused++;
    return;
  }
  if (!check_token (self, packet, header, &initial))
    return;

  make_place (self);
  wzp_endpoint_fill_config (
      self, &packet->remote, WZP_CONN_SERVER_TIMEOUT_MS, &config);
  config.keep_alive_ms = self->config.server_keep_alive_ms;
  conn = wzp_conn_new_server (wzp_endpoint_get_owner (), self, &config,
      &initial, &packet->local, &packet->remote, self->now_ns);
  if (conn == NULL) {
    self->stats.refused++;
    return;
  }

  self->n_handshakes++;
  g_queue_push_tail_link (&self->unproved, &conn->unproved_link);
  wzp_endpoint_add_conn (self, conn);
  if (wzp_conn_read (conn, packet, self->now_ns) == WZP_CONN_READ_RETRY) {
    write_retry (self, packet, header);
    wzp_conn_fail (conn, NGTCP2_ERR_DROP_CONN);
  }
}

void
wzp_endpoint_on_unknown (WzpEndpoint *self, const WzpUdpPacket *packet,
    const ngtcp2_version_cid *ids, gboolean is_unknown_version)
{
  ngtcp2_pkt_hd header;

  if (self->config.accept_none)
    self->stats.bad_packets++;
  else if (is_unknown_version)
    send_version_negotiation (self, packet, ids);
  else if (ngtcp2_accept (&header, packet->data, packet->len) == 0)
    on_initial (self, packet, &header);
  else
    self->stats.bad_packets++;

  if (ids->version == 0 && !(packet->data[0] & 0x80))
    send_stateless_reset (self, packet, ids);
}
