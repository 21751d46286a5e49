#include "wzp-endpoint-private.h"

#include "wzp-clock.h"
#include "wzp-path-mtu.h"
#include "wzp-udp-source.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <string.h>

#define DEFAULT_IDLE_TIMEOUT_MS 30000u
#define DEFAULT_KEEP_ALIVE_MS   5000u

/* Largest UDP payload that is probed for without a word from the
 * configuration. */
#define DEFAULT_MAX_PAYLOAD 65527u

/* recvmmsg() calls per socket before what was read is answered. */
#define READ_ROUNDS 2u

/* RFC 9443: the first byte of QUIC is at least this, below is ours. */
#define FIRST_QUIC_BYTE 64u

#define RESET_LABEL "wzp stateless reset"

static const WzpEndpointHandler no_handler;

/* Helpers */

WzpEndpointSocket *
wzp_endpoint_get_socket (WzpEndpoint *self, const WzpAddr *remote)
{
  WzpEndpointSocket *socket;

  if (remote->family != 4 && remote->family != 6)
    return NULL;
  socket = &self->sockets[remote->family == 6];
  return socket->udp != NULL ? socket : NULL;
}

void
wzp_endpoint_fill_config (WzpEndpoint *self, const WzpAddr *remote,
    guint handshake_timeout_ms, WzpConnConfig *ret_config)
{
  gsize link = wzp_path_mtu_query (remote);
  gsize max = self->config.max_udp_payload > 0 ? self->config.max_udp_payload
                                               : DEFAULT_MAX_PAYLOAD;

  max = MIN (max, DEFAULT_MAX_PAYLOAD);
  *ret_config = (WzpConnConfig){
    .tls = self->tls,
    .max_payload = link > 0 ? MIN (link, max) : max,
    .max_receive = self->config.max_udp_payload,
    .idle_timeout_ms = self->config.idle_timeout_ms,
    .keep_alive_ms = self->config.keep_alive_ms,
    .handshake_timeout_ms = handshake_timeout_ms,
  };
}

gboolean
wzp_endpoint_send_raw (WzpEndpoint *self, const WzpAddr *local,
    const WzpAddr *remote, const guint8 *data, gsize len)
{
  WzpEndpointSocket *socket = wzp_endpoint_get_socket (self, remote);

  return socket != NULL &&
      wzp_udp_send (socket->udp, local, remote, 0, data, len, len, NULL) ==
      WZP_UDP_SENT;
}

/* Dispatch again as soon as the main loop runs. */
static void
schedule (WzpEndpoint *self)
{
  if (self->in_dispatch || self->is_scheduled)
    return;
  self->is_scheduled = TRUE;
  wzp_udp_source_set_deadline (self->source, wzp_clock_now_us ());
}

static void
set_deadline (WzpEndpoint *self, gboolean more)
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
  schedule (self);
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

static gboolean
on_admit (WzpConn *conn, const char *server_name, gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

  if (self->handler->admit == NULL ||
      self->handler->admit (self, server_name, wzp_conn_get_remote (conn),
          self->handler_data))
    return TRUE;
  self->stats.refused++;
  return FALSE;
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

  if (wzp_conn_is_server (conn))
    self->n_handshakes--;
}

static void
on_gone (WzpConn *conn, gpointer owner_data)
{
  WzpEndpoint *self = owner_data;

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
    .admit = on_admit,
    .accept = on_accept,
    .handshake_over = on_handshake_over,
    .gone = on_gone,
  };

  return &owner;
}

/* Dispatch */

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
  if (conn == NULL) {
    wzp_endpoint_on_unknown (
        self, packet, &ids, rv == NGTCP2_ERR_VERSION_NEGOTIATION);
    return;
  }
  if (wzp_conn_read (conn, packet, self->now_ns) == WZP_CONN_READ_RETRY) {
    wzp_endpoint_send_retry (self, packet);
    wzp_conn_fail (conn, NGTCP2_ERR_DROP_CONN);
  }
  if (!wzp_conn_is_closed (conn))
    wzp_endpoint_mark_dirty (self, conn);
}

static void
on_packet (const WzpUdpPacket *packet, gpointer user_data)
{
  WzpEndpoint *self = user_data;

  if (packet->len == 0)
    self->stats.bad_packets++;
  else if (packet->data[0] >= FIRST_QUIC_BYTE)
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
              self) == 0)
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

static void
reap (WzpEndpoint *self)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&self->gone)) != NULL)
    release_conn (self, link->data);
}

/* Order: read all, timers, write all, one deadline. */
static gboolean
on_dispatch (WzpUdpSourceEvents events, gpointer user_data)
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
  reap (self);
  self->in_dispatch = FALSE;
  set_deadline (self, more);
  return G_SOURCE_CONTINUE;
}

/* Life */

static gboolean
is_fatal (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
}

/* Any address of both families, on one port where it can be. A family that the
 * machine lacks is left out; FALSE: both failed, or the port is taken. */
static gboolean
open_both (WzpEndpoint *self, guint16 port, GError **error)
{
  WzpAddr any = { .family = 4, .port = port };
  g_autoptr (GError) first = NULL, second = NULL;
  WzpUdp *v4, *v6;

  v4 = wzp_udp_new (&any, &self->config.udp, &first);
  if (v4 == NULL && is_fatal (first)) {
    g_propagate_error (error, g_steal_pointer (&first));
    return FALSE;
  }
  self->sockets[0].udp = v4;

  any.family = 6;
  if (v4 != NULL)
    any.port = wzp_udp_get_local (v4)->port;
  v6 = wzp_udp_new (&any, &self->config.udp, &second);
  if (v6 == NULL && port == 0 && is_fatal (second)) {
    g_clear_error (&second);
    any.port = 0;
    v6 = wzp_udp_new (&any, &self->config.udp, &second);
  }
  self->sockets[1].udp = v6;
  if (v6 != NULL || (v4 != NULL && !is_fatal (second)))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&second));
  return FALSE;
}

static gboolean
open_sockets (
    WzpEndpoint *self, const WzpEndpointConfig *config, GError **error)
{
  WzpEndpointSocket *socket;

  if (config->bind_address == NULL)
    return open_both (self, config->bind_port, error);

  if (!wzp_addr_parse_ip (
          config->bind_address, config->bind_port, &self->bound, error))
    return FALSE;
  self->is_bound_to_address =
      wzp_addr_scope (&self->bound) != WZP_ADDR_UNSPECIFIED;
  socket = &self->sockets[self->bound.family == 6];
  socket->udp = wzp_udp_new (&self->bound, &config->udp, error);
  if (socket->udp == NULL)
    return FALSE;
  self->bound = *wzp_udp_get_local (socket->udp);
  return TRUE;
}

/* The port is part of it: else one of two endpoints of one key could be made to
 * end the connections of the other (RFC 9000, section 21.11). */
static gboolean
make_secrets (WzpEndpoint *self, WzpIdentity *identity)
{
  g_autofree char *label = g_strdup_printf (RESET_LABEL " %u %u",
      wzp_endpoint_get_port (self, 4), wzp_endpoint_get_port (self, 6));

  G_STATIC_ASSERT (WZP_ENDPOINT_SECRET_LEN == 32);
  return gnutls_hmac_fast (GNUTLS_MAC_SHA256,
             wzp_identity_get_key_seed (identity), WZP_SEED_LEN, label,
             strlen (label), self->reset_secret) == 0 &&
      gnutls_rnd (GNUTLS_RND_KEY, self->retry_secret,
          sizeof self->retry_secret) == 0;
}

static void
fill_defaults (WzpEndpoint *self, const WzpEndpointConfig *config)
{
  self->config = *config;
  self->config.bind_address = NULL; /* the caller's */
  if (self->config.idle_timeout_ms == 0)
    self->config.idle_timeout_ms = DEFAULT_IDLE_TIMEOUT_MS;
  if (self->config.keep_alive_ms == 0)
    self->config.keep_alive_ms = DEFAULT_KEEP_ALIVE_MS;
}

static void
start (WzpEndpoint *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->sockets); i++)
    if (self->sockets[i].udp != NULL)
      wzp_batch_init (&self->sockets[i].batch);
  self->source =
      wzp_udp_source_new (self->sockets[0].udp, self->sockets[1].udp);
  g_source_set_callback (self->source,
      (GSourceFunc) (void (*) (void)) on_dispatch, self, NULL);
  g_source_attach (self->source, self->context);
}

WzpEndpoint *
wzp_endpoint_new (GMainContext *context, WzpIdentity *identity,
    const WzpEndpointConfig *config, const WzpEndpointHandler *handler,
    gpointer user_data, GError **error)
{
  static const WzpEndpointConfig defaults;
  g_autoptr (WzpEndpoint) self = g_new0 (WzpEndpoint, 1);
  guint64 seed;

  g_return_val_if_fail (identity != NULL, NULL);

  if (config == NULL)
    config = &defaults;
  self->context =
      g_main_context_ref (context != NULL ? context : g_main_context_default ());
  self->handler = handler != NULL ? handler : &no_handler;
  self->handler_data = user_data;
  wzp_timer_heap_init (&self->timers);
  fill_defaults (self, config);

  self->tls = wzp_tls_context_new (identity, error);
  if (self->tls == NULL || !open_sockets (self, config, error))
    return NULL;
  if (!make_secrets (self, identity) ||
      gnutls_rnd (GNUTLS_RND_RANDOM, &seed, sizeof seed) < 0) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_FAILED, "No random numbers");
    return NULL;
  }
  self->cids = wzp_cid_table_new (seed);
  start (self);
  return g_steal_pointer (&self);
}

static void
close_all (WzpEndpoint *self)
{
  GList *next;

  self->in_dispatch = TRUE;
  self->now_ns = wzp_clock_now_ns ();
  for (GList *l = self->all.head; l != NULL; l = next) {
    WzpConn *conn = l->data;

    next = l->next;
    conn->is_notified = TRUE;
    wzp_conn_close (conn, WZP_CLOSE_SHUTDOWN, "shutting down");
    wzp_endpoint_write_conn (self, conn);
  }
}

static void
release_all (WzpEndpoint *self)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&self->all)) != NULL) {
    g_queue_push_tail_link (&self->gone, link);
    ((WzpConn *) link->data)->is_notified = TRUE;
  }
  reap (self);
}

void
wzp_endpoint_free (WzpEndpoint *self)
{
  if (self == NULL)
    return;

  if (self->source != NULL) {
    close_all (self);
    release_all (self);
    g_source_destroy (self->source);
    g_source_unref (self->source);
  }
  for (guint i = 0; i < G_N_ELEMENTS (self->sockets); i++) {
    g_clear_pointer (&self->sockets[i].conn, wzp_conn_unref);
    wzp_batch_clear (&self->sockets[i].batch);
    wzp_udp_free (self->sockets[i].udp);
  }
  wzp_timer_heap_clear (&self->timers);
  wzp_cid_table_free (self->cids);
  wzp_tls_context_unref (self->tls);
  g_main_context_unref (self->context);
  gnutls_memset (self->reset_secret, 0, sizeof self->reset_secret);
  g_free (self);
}

/* Calls */

guint16
wzp_endpoint_get_port (const WzpEndpoint *self, int family)
{
  const WzpUdp *udp;

  g_return_val_if_fail (self != NULL, 0);

  udp = family == 4 || family == 6 ? self->sockets[family == 6].udp : NULL;
  return udp != NULL ? wzp_udp_get_local (udp)->port : 0;
}

const WzpAddr *
wzp_endpoint_get_bound (const WzpEndpoint *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->is_bound_to_address ? &self->bound : NULL;
}

guint
wzp_endpoint_get_recv_buffer (const WzpEndpoint *self)
{
  guint least = G_MAXUINT;

  g_return_val_if_fail (self != NULL, 0);

  for (guint i = 0; i < G_N_ELEMENTS (self->sockets); i++)
    if (self->sockets[i].udp != NULL)
      least = MIN (least, wzp_udp_get_recv_buffer (self->sockets[i].udp));
  return least;
}

WzpConn *
wzp_endpoint_dial (WzpEndpoint *self, const WzpAddr *remote,
    const WzpDialOptions *options, const WzpConnHandler *handler,
    gpointer user_data, GError **error)
{
  char text[WZP_ADDR_MAX_STRLEN];
  WzpEndpointSocket *socket;
  WzpConnConfig config;
  WzpConn *conn;

  g_return_val_if_fail (self != NULL && remote != NULL, NULL);
  g_return_val_if_fail (options != NULL, NULL);

  socket = wzp_endpoint_get_socket (self, remote);
  if (socket == NULL || remote->port == 0) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_UNREACHABLE,
        "There is no way to %s from here", wzp_addr_to_string (remote, text));
    return NULL;
  }
  if (self->all.length >= WZP_ENDPOINT_MAX_CONNS) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "There are %u connections already", self->all.length);
    return NULL;
  }

  wzp_endpoint_fill_config (self, remote,
      options->timeout_ms > 0 ? options->timeout_ms : WZP_CONN_DIAL_TIMEOUT_MS,
      &config);
  conn = wzp_conn_new_client (wzp_endpoint_get_owner (), self, &config, options,
      wzp_udp_get_local (socket->udp), remote, wzp_clock_now_ns (), error);
  if (conn == NULL)
    return NULL;

  wzp_conn_set_handler (conn, handler, user_data);
  wzp_endpoint_add_conn (self, wzp_conn_ref (conn));
  schedule (self);
  return conn;
}

gboolean
wzp_endpoint_send_packet (
    WzpEndpoint *self, const WzpAddr *remote, const guint8 *data, gsize len)
{
  g_return_val_if_fail (self != NULL && remote != NULL, FALSE);
  g_return_val_if_fail (len > 0 && data[0] < FIRST_QUIC_BYTE, FALSE);

  return wzp_endpoint_send_raw (self, NULL, remote, data, len);
}

void
wzp_endpoint_flush (WzpEndpoint *self)
{
  gboolean more;

  g_return_if_fail (self != NULL);

  if (self->in_dispatch)
    return; /* it is being written anyway */
  self->in_dispatch = TRUE;
  self->now_ns = wzp_clock_now_ns ();
  more = wzp_endpoint_write_all (self);
  reap (self);
  self->in_dispatch = FALSE;
  set_deadline (self, more);
}

void
wzp_endpoint_wake (WzpEndpoint *self)
{
  g_return_if_fail (self != NULL);
  wzp_udp_source_wake (self->source);
}

void
wzp_endpoint_get_stats (
    const WzpEndpoint *self, WzpEndpointStats *ret_stats)
{
  g_return_if_fail (self != NULL && ret_stats != NULL);

  *ret_stats = self->stats;
  ret_stats->connections = self->all.length;
  ret_stats->handshakes = self->n_handshakes;
  for (guint i = 0; i < G_N_ELEMENTS (self->sockets); i++) {
    WzpUdpStats udp;

    if (self->sockets[i].udp == NULL)
      continue;
    wzp_udp_get_stats (self->sockets[i].udp, &udp);
    ret_stats->udp.datagrams_sent += udp.datagrams_sent;
    ret_stats->udp.bytes_sent += udp.bytes_sent;
    ret_stats->udp.send_calls += udp.send_calls;
    ret_stats->udp.send_errors += udp.send_errors;
    ret_stats->udp.datagrams_received += udp.datagrams_received;
    ret_stats->udp.bytes_received += udp.bytes_received;
    ret_stats->udp.recv_calls += udp.recv_calls;
    ret_stats->udp.icmp_errors += udp.icmp_errors;
  }
}
