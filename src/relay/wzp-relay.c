#include "wzp-relay-private.h"

#include "wzp-clock.h"
#include "wzp-relay-log.h"
#include "wzp-relay-trust.h"
#include "wzp-sni.h"
#include "wzp-tls.h"

/* Bytes: what an Ethernet carries. */
#define MAX_SIGNALLING_PACKET 1452u
/* Clients keep their connections alive, every 5 s as the protocol has it; this
 * is for those that do not, and below the idle timeout of 30 s. */
#define KEEP_ALIVE_MS 20000u

void
wzp_relay_refuse (
    WzpRelay *self, WzpConn *conn, WzpCloseCode code, const char *text)
{
  char buf[WZP_ADDR_MAX_STRLEN];

  self->stats.refused++;
  wzp_log_debug (WZP_ABOUT (.addr = wzp_conn_get_remote (conn)),
      "%s refused: %s", wzp_addr_to_string (wzp_conn_get_remote (conn), buf),
      text);
  wzp_conn_close (conn, code, text);
}

static void
send_output (WzpRelay *self, const WzpRegistryOutput *output)
{
  WzpMessage *message = output->message;

  if (message == NULL) {
    wzp_relay_client_drop (
        output->owner, WZP_CLOSE_REPLACED, "a newer connection took its place");
    return;
  }
  if (output->is_link) {
    wzp_relay_link_send (output->owner, message);
    return;
  }
  /* Whoever is told of another port knows that it is this relay's. */
  if (message->type == WZP_MESSAGE_REFLECT_RESPONSE)
    message->second_port = wzp_relay_get_second_port (self);
  wzp_relay_client_send (output->owner, message);
}

/* While it drains: who has no call goes, and so does the relay when nobody is
 * left. */
static void
drain_more (WzpRelay *self)
{
  GList *next;

  for (GList *l = self->clients.head; l != NULL; l = next) {
    next = l->next;
    if (!wzp_relay_client_has_calls (l->data))
      wzp_relay_client_drop (l->data, WZP_CLOSE_SHUTDOWN, "the relay drains");
  }
  if (self->clients.length == 0 && self->guests.length == 0)
    g_source_set_ready_time (self->drained_source, 0);
}

void
wzp_relay_pump (WzpRelay *self)
{
  WzpRegistryOutput output;

  do {
    while (wzp_registry_pop (self->registry, &output)) {
      send_output (self, &output);
      wzp_message_free (output.message);
    }
    if (self->is_draining)
      drain_more (self);
  } while (wzp_registry_has_output (self->registry));
  g_source_set_ready_time (
      self->timer, wzp_registry_get_deadline (self->registry));
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc func, gpointer user_data)
{
  return func (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };

static gboolean
on_drained (gpointer user_data)
{
  WzpRelay *self = user_data;
  void (*done) (gpointer) = self->drained;

  g_source_set_ready_time (self->drained_source, -1);
  self->drained = NULL;
  if (done != NULL)
    done (self->drained_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_timer (gpointer user_data)
{
  WzpRelay *self = user_data;

  wzp_registry_advance (self->registry, wzp_clock_now_us ());
  wzp_relay_pump (self);
  return G_SOURCE_CONTINUE;
}

/* What has no place here at all is not worth a handshake; what may have one
 * under another name or key is told so afterwards. */
static gboolean
on_admit (WzpEndpoint *endpoint, const char *server_name, const WzpAddr *remote,
    gpointer user_data)
{
  WzpRelay *self = user_data;

  switch (wzp_sni_classify (server_name, NULL)) {
    case WZP_SNI_KIND_SIGNAL:
    case WZP_SNI_KIND_OPEN_ROOM:
    case WZP_SNI_KIND_FEDERATION:
      if (self->is_draining)
        return FALSE;
      break;
    case WZP_SNI_KIND_CALL_ROOM: /* also of a call that goes on */
      break;
    case WZP_SNI_KIND_DIRECT:
    case WZP_SNI_INVALID:
      return FALSE;
  }
  return wzp_quota_may_connect (self->quota, remote, wzp_clock_now_us ());
}

static gboolean
on_accept (WzpEndpoint *endpoint, WzpConn *conn, gpointer user_data)
{
  WzpRelay *self = user_data;
  const char *name = NULL;

  switch (wzp_sni_classify (wzp_conn_get_server_name (conn), &name)) {
    case WZP_SNI_KIND_SIGNAL:
      return wzp_relay_client_accept (self, conn, FALSE);
    case WZP_SNI_KIND_CALL_ROOM:
      return wzp_relay_guest_accept_call (self, conn, name);
    case WZP_SNI_KIND_OPEN_ROOM:
      return wzp_relay_guest_accept_open (self, conn, name);
    case WZP_SNI_KIND_FEDERATION:
      return wzp_relay_links_accept (self->links, conn);
    case WZP_SNI_KIND_DIRECT:
    case WZP_SNI_INVALID:
      wzp_relay_refuse (self, conn, WZP_CLOSE_REFUSED, "not a relay's name");
      return FALSE;
  }
  g_return_val_if_reached (FALSE);
}

/* Signalling is small: without that each of ten thousand clients would cost a
 * buffer for the largest packet that its link takes. */
static guint
on_get_max_receive (
    WzpEndpoint *endpoint, const char *server_name, gpointer user_data)
{
  return wzp_sni_classify (server_name, NULL) == WZP_SNI_KIND_SIGNAL
      ? MAX_SIGNALLING_PACKET
      : 0;
}

static const WzpEndpointHandler endpoint_handler = {
  .admit = on_admit,
  .get_max_receive = on_get_max_receive,
  .accept = on_accept,
};

/* ---- the second port ---- */

static gboolean
on_second_admit (WzpEndpoint *endpoint, const char *server_name,
    const WzpAddr *remote, gpointer user_data)
{
  WzpRelay *self = user_data;

  return !self->is_draining &&
      wzp_sni_classify (server_name, NULL) == WZP_SNI_KIND_SIGNAL &&
      wzp_quota_may_connect (self->quota, remote, wzp_clock_now_us ());
}

static gboolean
on_second_accept (WzpEndpoint *endpoint, WzpConn *conn, gpointer user_data)
{
  return wzp_relay_client_accept (user_data, conn, TRUE);
}

static const WzpEndpointHandler second_handler = {
  .admit = on_second_admit,
  .get_max_receive = on_get_max_receive,
  .accept = on_second_accept,
};

/* ---- making ---- */

char *
wzp_relay_identity_fingerprint (WzpIdentity *identity, GError **error)
{
  g_autoptr (WzpTlsContext) tls =
      wzp_tls_context_new (identity, WZP_ALPN, error);
  g_autoptr (GChecksum) checksum = NULL;
  guint8 sha256[32];
  gsize len = sizeof sha256;
  GBytes *der;

  if (tls == NULL)
    return NULL;
  der = wzp_tls_context_get_certificate (tls);
  checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_checksum_update (
      checksum, g_bytes_get_data (der, NULL), (gssize) g_bytes_get_size (der));
  g_checksum_get_digest (checksum, sha256, &len);
  return wzp_relay_fingerprint_to_string (sha256);
}

static gboolean
parse_public_address (
    const WzpRelayConfig *config, WzpAddr *ret_addr, GError **error)
{
  if (config->public_address == NULL)
    return TRUE;
  if (!wzp_addr_parse (config->public_address, ret_addr, error)) {
    g_prefix_error (error, "public address: ");
    return FALSE;
  }
  return TRUE;
}

static void
set_access (WzpRelay *self, WzpRelayAccess *access)
{
  WzpRelayAccess *taken = access != NULL ? wzp_relay_access_ref (access)
                                         : wzp_relay_access_new_open ();

  g_clear_pointer (&self->access, wzp_relay_access_unref);
  self->access = taken;
  wzp_registry_set_needs_auth (
      self->registry, wzp_relay_access_get_kind (taken) != WZP_ACCESS_OPEN);
}

/* In this order: what can fail comes before what changes anything. */
gboolean
wzp_relay_reconfigure (
    WzpRelay *self, const WzpRelayConfig *config, GError **error)
{
  WzpAddr public_address;

  if (!parse_public_address (config, &public_address, error))
    return FALSE;
  if (!wzp_relay_links_set_peers (
          self->links, config->peers, config->n_peers, error))
    return FALSE;

  self->has_public_address = config->public_address != NULL;
  if (self->has_public_address)
    self->public_address = public_address;
  self->no_open_rooms = config->no_open_rooms;
  self->max_room_members = config->max_room_members > 0
      ? config->max_room_members
      : WZP_ROOMS_MAX_OPEN_MEMBERS;
  wzp_registry_set_limits (self->registry, &config->limits);
  wzp_rooms_set_max (self->rooms, config->max_rooms);
  wzp_quota_set_limits (self->quota, &config->quotas);
  set_access (self, config->access);
  return TRUE;
}

static GSource *
add_timer (WzpRelay *self, GSourceFunc func)
{
  GSource *source = g_source_new (&timer_funcs, sizeof (GSource));

  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, self->context);
  return source;
}

static gboolean
open_endpoints (WzpRelay *self, const WzpRelayConfig *config, GError **error)
{
  WzpEndpointConfig first = {
    .bind_address = config->listen,
    .bind_port = config->port,
    .fds = config->fds,
    .n_fds = config->n_fds,
    .idle_timeout_ms = config->idle_timeout_ms,
    .server_keep_alive_ms = KEEP_ALIVE_MS,
  };
  WzpEndpointConfig second = {
    .bind_address = config->listen,
    .bind_port = config->second_port,
    .idle_timeout_ms = config->idle_timeout_ms,
    .server_keep_alive_ms = KEEP_ALIVE_MS,
  };

  self->endpoint = wzp_endpoint_new (
      self->context, self->identity, &first, &endpoint_handler, self, error);
  if (self->endpoint == NULL)
    return FALSE;
  if (config->second_port == 0 && !config->any_second_port)
    return TRUE;
  self->second = wzp_endpoint_new (
      self->context, self->identity, &second, &second_handler, self, error);
  return self->second != NULL;
}

WzpRelay *
wzp_relay_new (
    GMainContext *context, const WzpRelayConfig *config, GError **error)
{
  g_autoptr (WzpRelay) self = g_new0 (WzpRelay, 1);

  self->context = g_main_context_ref (
      context != NULL ? context : g_main_context_default ());
  self->identity = config->identity != NULL
      ? wzp_identity_ref (config->identity)
      : wzp_identity_new_ephemeral ();
  g_queue_init (&self->clients);
  g_queue_init (&self->guests);
  self->timer = add_timer (self, on_timer);
  self->drained_source = add_timer (self, on_drained);
  self->rooms = wzp_rooms_new (config->max_rooms);
  self->quota = wzp_quota_new (&config->quotas);
  self->links = wzp_relay_links_new (self);

  /* The sockets first, for they are to be taken or closed in any case. */
  if (!open_endpoints (self, config, error))
    return NULL;
  self->fingerprint = wzp_relay_identity_fingerprint (self->identity, error);
  if (self->fingerprint == NULL)
    return NULL;
  self->registry = wzp_registry_new (&config->limits, self->fingerprint);
  if (!wzp_relay_reconfigure (self, config, error))
    return NULL;
  return g_steal_pointer (&self);
}

static void
free_source (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

void
wzp_relay_free (WzpRelay *self)
{
  if (self == NULL)
    return;

  while (self->clients.head != NULL)
    wzp_relay_client_drop (
        self->clients.head->data, WZP_CLOSE_SHUTDOWN, "the relay ends");
  while (self->guests.head != NULL)
    wzp_relay_guest_drop (
        self->guests.head->data, WZP_CLOSE_SHUTDOWN, "the relay ends");
  g_clear_pointer (&self->links, wzp_relay_links_free);
  g_clear_pointer (&self->endpoint, wzp_endpoint_free);
  g_clear_pointer (&self->second, wzp_endpoint_free);
  wzp_rooms_free (self->rooms);
  wzp_registry_free (self->registry);
  wzp_quota_free (self->quota);
  g_clear_pointer (&self->access, wzp_relay_access_unref);
  free_source (self->timer);
  free_source (self->drained_source);
  wzp_identity_unref (self->identity);
  g_main_context_unref (self->context);
  g_free (self->fingerprint);
  g_free (self);
}

void
wzp_relay_drain (
    WzpRelay *self, void (*done) (gpointer user_data), gpointer user_data)
{
  self->drained = done;
  self->drained_data = user_data;
  self->is_draining = TRUE;
  wzp_relay_pump (self);
}

guint
wzp_relay_get_addresses (const WzpRelay *self, WzpAddr ret_addrs[2])
{
  static const struct {
    int family;
    const char *any;
  } families[2] = { { 4, "0.0.0.0" }, { 6, "::" } };
  const WzpAddr *bound = wzp_endpoint_get_bound (self->endpoint);
  guint n = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (families); i++) {
    guint16 port = wzp_endpoint_get_port (self->endpoint, families[i].family);

    if (port == 0)
      continue;
    if (bound != NULL)
      ret_addrs[n] = *bound;
    else
      wzp_addr_parse_ip (families[i].any, port, &ret_addrs[n], NULL);
    ret_addrs[n++].port = port;
  }
  return n;
}

guint16
wzp_relay_get_port (const WzpRelay *self)
{
  WzpAddr addrs[2];

  return wzp_relay_get_addresses (self, addrs) > 0 ? addrs[0].port : 0;
}

guint16
wzp_relay_get_second_port (const WzpRelay *self)
{
  guint16 port;

  if (self->second == NULL)
    return 0;
  port = wzp_endpoint_get_port (self->second, 4);
  return port != 0 ? port : wzp_endpoint_get_port (self->second, 6);
}

const char *
wzp_relay_get_fingerprint (const WzpRelay *self)
{
  return self->fingerprint;
}

void
wzp_relay_get_stats (const WzpRelay *self, WzpRelayStats *ret_stats)
{
  *ret_stats = self->stats;
  wzp_registry_get_stats (self->registry, &ret_stats->registry);
  wzp_quota_get_stats (self->quota, &ret_stats->quota);
  wzp_endpoint_get_stats (self->endpoint, &ret_stats->endpoint);
  wzp_relay_links_get_stats (self->links, ret_stats);
  wzp_rooms_get_counts (self->rooms, &ret_stats->rooms, &ret_stats->guests,
      &ret_stats->open_rooms, &ret_stats->open_guests);
}
