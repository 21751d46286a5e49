#include "wzp-endpoint-private.h"

#include "wzp-clock.h"
#include "wzp-path-mtu.h"
#include "wzp-udp-source.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_IDLE_TIMEOUT_MS 30000u
#define DEFAULT_KEEP_ALIVE_MS   5000u

/* Largest UDP payload that is probed for without a word from the
 * configuration. */
#define DEFAULT_MAX_PAYLOAD 65527u

/* The same when the route tells nothing. */
#define UNKNOWN_LINK_PAYLOAD 1452u

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
  gsize max = DEFAULT_MAX_PAYLOAD;

  if (self->config.max_udp_payload > 0)
    max = MIN (self->config.max_udp_payload, max);
  *ret_config = (WzpConnConfig){
    .tls = self->tls,
    .max_payload = MIN (link > 0 ? link : UNKNOWN_LINK_PAYLOAD, max),
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

/* Closes those of @fds that are no one's. */
static void
close_rest (const int *fds, guint n_fds)
{
  for (guint i = 0; i < n_fds; i++)
    if (fds[i] >= 0)
      close (fds[i]);
}

/* Takes the sockets that the caller brought; all of them, or closes all. */
static gboolean
adopt_sockets (WzpEndpoint *self, const int *fds, guint n_fds, GError **error)
{
  for (guint i = 0; i < n_fds; i++) {
    g_autoptr (WzpUdp) udp = NULL;
    const WzpAddr *local;

    udp = wzp_udp_new_from_fd (fds[i], &self->config.udp, error);
    if (udp == NULL) {
      close_rest (fds + i + 1, n_fds - i - 1);
      return FALSE;
    }
    local = wzp_udp_get_local (udp);
    if (self->sockets[local->family == 6].udp != NULL) {
      g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
          "Two of the sockets given are for IPv%u", local->family);
      close_rest (fds + i + 1, n_fds - i - 1);
      return FALSE;
    }
    self->bound = *local;
    self->is_bound_to_address =
        n_fds == 1 && wzp_addr_scope (local) != WZP_ADDR_UNSPECIFIED;
    self->sockets[local->family == 6].udp = g_steal_pointer (&udp);
  }
  return TRUE;
}

static gboolean
open_sockets (
    WzpEndpoint *self, const WzpEndpointConfig *config, GError **error)
{
  WzpEndpointSocket *socket;

  if (config->n_fds > 0)
    return adopt_sockets (self, config->fds, config->n_fds, error);
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
      gnutls_rnd (
          GNUTLS_RND_KEY, self->retry_secret, sizeof self->retry_secret) == 0;
}

static void
fill_defaults (WzpEndpoint *self, const WzpEndpointConfig *config)
{
  self->config = *config;
  self->config.bind_address = NULL; /* the caller's */
  self->config.fds = NULL;
  self->config.n_fds = 0;
  if (self->config.idle_timeout_ms == 0)
    self->config.idle_timeout_ms = DEFAULT_IDLE_TIMEOUT_MS;
  if (self->config.keep_alive_ms == 0)
    self->config.keep_alive_ms = DEFAULT_KEEP_ALIVE_MS;
  if (self->config.server_keep_alive_ms == 0)
    self->config.server_keep_alive_ms = self->config.keep_alive_ms;
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
      (GSourceFunc) (void (*) (void)) wzp_endpoint_dispatch, self, NULL);
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
  self->context = g_main_context_ref (
      context != NULL ? context : g_main_context_default ());
  self->handler = handler != NULL ? handler : &no_handler;
  self->handler_data = user_data;
  wzp_timer_heap_init (&self->timers);
  fill_defaults (self, config);

  if (!open_sockets (self, config, error))
    return NULL;
  self->tls = wzp_tls_context_new (identity, WZP_ALPN, error);
  if (self->tls == NULL)
    return NULL;
  if (!make_secrets (self, identity) ||
      gnutls_rnd (GNUTLS_RND_RANDOM, &seed, sizeof seed) < 0) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_FAILED, "No random numbers");
    return NULL;
  }
  self->cids = wzp_cid_table_new (seed);
  self->tokens = wzp_cid_table_new (seed);
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
  wzp_endpoint_reap (self);
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
  wzp_cid_table_free (self->tokens);
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

static void
fill_dial_config (WzpEndpoint *self, const WzpAddr *remote,
    const WzpDialOptions *options, WzpConnConfig *ret_config)
{
  const guint max = options->max_udp_payload;

  wzp_endpoint_fill_config (self, remote,
      options->timeout_ms > 0 ? options->timeout_ms : WZP_CONN_DIAL_TIMEOUT_MS,
      ret_config);
  if (options->keep_alive_ms > 0)
    ret_config->keep_alive_ms = options->keep_alive_ms;
  if (max == 0)
    return;
  ret_config->max_payload = MIN (ret_config->max_payload, max);
  if (ret_config->max_receive == 0 || ret_config->max_receive > max)
    ret_config->max_receive = max;
}

WzpConn *
wzp_endpoint_dial (WzpEndpoint *self, const WzpAddr *remote,
    const WzpDialOptions *options, const WzpConnHandler *handler,
    gpointer user_data, GError **error)
{
  g_autoptr (WzpTlsContext) own = NULL;
  char text[WZP_ADDR_MAX_STRLEN];
  WzpEndpointSocket *socket;
  WzpConnConfig config;
  WzpConn *conn;
  guint64 now_ns;

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

  fill_dial_config (self, remote, options, &config);
  if (options->identity != NULL) {
    own = wzp_tls_context_new (options->identity, WZP_ALPN, error);
    if (own == NULL)
      return NULL;
    config.tls = own;
  }
  /* The time of a connection never runs back: in a dispatch it is that one's.
   */
  now_ns = self->in_dispatch ? self->now_ns : wzp_clock_now_ns ();
  conn = wzp_conn_new_client (wzp_endpoint_get_owner (), self, &config, options,
      wzp_udp_get_local (socket->udp), remote, now_ns, error);
  if (conn == NULL)
    return NULL;

  wzp_conn_set_handler (conn, handler, user_data);
  wzp_endpoint_add_conn (self, wzp_conn_ref (conn));
  wzp_endpoint_schedule (self);
  return conn;
}

gboolean
wzp_endpoint_send_packet (
    WzpEndpoint *self, const WzpAddr *remote, const guint8 *data, gsize len)
{
  return wzp_endpoint_send_packet_ttl (self, remote, 0, data, len);
}

gboolean
wzp_endpoint_send_packet_ttl (WzpEndpoint *self, const WzpAddr *remote,
    guint8 ttl, const guint8 *data, gsize len)
{
  WzpEndpointSocket *socket;

  g_return_val_if_fail (self != NULL && remote != NULL, FALSE);
  g_return_val_if_fail (
      len > 0 && data[0] < WZP_ENDPOINT_FIRST_QUIC_BYTE, FALSE);

  if (ttl == 0)
    return wzp_endpoint_send_raw (self, NULL, remote, data, len);
  socket = wzp_endpoint_get_socket (self, remote);
  return socket != NULL &&
      wzp_udp_send_ttl (socket->udp, remote, ttl, data, len) == WZP_UDP_SENT;
}

void
wzp_endpoint_count_bad (WzpEndpoint *self)
{
  g_return_if_fail (self != NULL);

  self->stats.bad_packets++;
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
  wzp_endpoint_reap (self);
  self->in_dispatch = FALSE;
  wzp_endpoint_set_deadline (self, more);
}

void
wzp_endpoint_wake (WzpEndpoint *self)
{
  g_return_if_fail (self != NULL);
  wzp_udp_source_wake (self->source);
}

void
wzp_endpoint_get_stats (const WzpEndpoint *self, WzpEndpointStats *ret_stats)
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
