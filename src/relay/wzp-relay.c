#include "wzp-relay-private.h"

#include "wzp-clock.h"
#include "wzp-relay-trust.h"
#include "wzp-sni.h"
#include "wzp-tls.h"

void
wzp_relay_refuse (
    WzpRelay *self, WzpConn *conn, WzpCloseCode code, const char *text)
{
  char buf[WZP_ADDR_MAX_STRLEN];

  self->stats.refused++;
  g_debug ("%s refused: %s",
      wzp_addr_to_string (wzp_conn_get_remote (conn), buf), text);
  wzp_conn_close (conn, code, text);
}

void
wzp_relay_pump (WzpRelay *self)
{
  WzpRegistryOutput output;

  while (wzp_registry_pop (self->registry, &output)) {
    g_autoptr (WzpMessage) message = output.message;

    if (message != NULL)
      wzp_relay_client_send (output.owner, message);
    else
      wzp_relay_client_drop (output.owner, WZP_CLOSE_REPLACED,
          "a newer connection took its place");
  }
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
on_timer (gpointer user_data)
{
  WzpRelay *self = user_data;

  wzp_registry_advance (self->registry, wzp_clock_now_us ());
  wzp_relay_pump (self);
  return G_SOURCE_CONTINUE;
}

/* What has no place here at all is not worth a handshake; what may have one
 * some day is told so afterwards. */
static gboolean
on_admit (WzpEndpoint *endpoint, const char *server_name, const WzpAddr *remote,
    gpointer user_data)
{
  switch (wzp_sni_classify (server_name, NULL)) {
    case WZP_SNI_KIND_SIGNAL:
    case WZP_SNI_KIND_CALL_ROOM:
    case WZP_SNI_KIND_OPEN_ROOM:
    case WZP_SNI_KIND_FEDERATION:
      return TRUE;
    case WZP_SNI_KIND_DIRECT:
    case WZP_SNI_INVALID:
      return FALSE;
  }
  g_return_val_if_reached (FALSE);
}

static gboolean
on_accept (WzpEndpoint *endpoint, WzpConn *conn, gpointer user_data)
{
  WzpRelay *self = user_data;
  const char *name = NULL;

  switch (wzp_sni_classify (wzp_conn_get_server_name (conn), &name)) {
    case WZP_SNI_KIND_SIGNAL:
      return wzp_relay_client_accept (self, conn);
    case WZP_SNI_KIND_CALL_ROOM:
      return wzp_relay_guest_accept (self, conn, name);
    case WZP_SNI_KIND_OPEN_ROOM:
      wzp_relay_refuse (
          self, conn, WZP_CLOSE_REFUSED, "open rooms are not there yet");
      return FALSE;
    case WZP_SNI_KIND_FEDERATION:
      wzp_relay_refuse (
          self, conn, WZP_CLOSE_REFUSED, "federation is not there yet");
      return FALSE;
    case WZP_SNI_KIND_DIRECT:
    case WZP_SNI_INVALID:
      wzp_relay_refuse (self, conn, WZP_CLOSE_REFUSED, "not a relay's name");
      return FALSE;
  }
  g_return_val_if_reached (FALSE);
}

static const WzpEndpointHandler endpoint_handler = {
  .admit = on_admit,
  .accept = on_accept,
};

/* What clients see of us, as relay-fingerprint wants it. */
static char *
make_fingerprint (WzpIdentity *identity, GError **error)
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

WzpRelay *
wzp_relay_new (
    GMainContext *context, const WzpRelayConfig *config, GError **error)
{
  g_autoptr (WzpRelay) self = NULL;
  WzpEndpointConfig endpoint_config = {
    .bind_address = config->listen,
    .bind_port = config->port,
    .idle_timeout_ms = config->idle_timeout_ms,
  };

  self = g_new0 (WzpRelay, 1);
  self->context = g_main_context_ref (
      context != NULL ? context : g_main_context_default ());
  self->identity = config->identity != NULL
      ? wzp_identity_ref (config->identity)
      : wzp_identity_new_ephemeral ();
  self->registry = wzp_registry_new (&config->limits);
  self->rooms = wzp_rooms_new (config->max_rooms);
  g_queue_init (&self->clients);
  g_queue_init (&self->guests);
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, self->context);

  self->fingerprint = make_fingerprint (self->identity, error);
  if (self->fingerprint == NULL)
    return NULL;
  self->endpoint = wzp_endpoint_new (self->context, self->identity,
      &endpoint_config, &endpoint_handler, self, error);
  if (self->endpoint == NULL)
    return NULL;
  return g_steal_pointer (&self);
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
  g_clear_pointer (&self->endpoint, wzp_endpoint_free);
  wzp_rooms_free (self->rooms);
  wzp_registry_free (self->registry);
  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  wzp_identity_unref (self->identity);
  g_main_context_unref (self->context);
  g_free (self->fingerprint);
  g_free (self);
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
  ret_stats->rooms = wzp_rooms_get_count (self->rooms);
  ret_stats->guests = wzp_rooms_get_members (self->rooms);
}
