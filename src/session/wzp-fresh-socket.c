#include "wzp-fresh-socket.h"

#include "wzp-reflect-probe.h"
#include "wzp-sni.h"

struct _WzpFreshSocket {
  WzpEndpoint *endpoint;  /* owned */
  WzpReflectProbe *probe; /* owned; NULL: answered */
  const WzpFreshHandler *handler;
  gpointer user_data;
};

static void
on_packet (
    WzpEndpoint *endpoint, const WzpUdpPacket *packet, gpointer user_data)
{
  WzpFreshSocket *self = user_data;

  if (!self->handler->packet (self, packet, self->user_data))
    wzp_endpoint_count_bad (endpoint);
}

static gboolean
on_admit (WzpEndpoint *endpoint, const char *server_name, const WzpAddr *remote,
    gpointer user_data)
{
  return wzp_sni_classify (server_name, NULL) == WZP_SNI_KIND_DIRECT;
}

static gboolean
on_accept (WzpEndpoint *endpoint, WzpConn *conn, gpointer user_data)
{
  WzpFreshSocket *self = user_data;

  return self->handler->accept (self, conn, self->user_data);
}

static const WzpEndpointHandler endpoint_handler = {
  .admit = on_admit,
  .accept = on_accept,
  .packet = on_packet,
};

static void
on_seen (WzpReflectProbe *probe, const WzpAddr *seen, gpointer user_data)
{
  WzpFreshSocket *self = user_data;
  WzpAddr reflexive;

  if (seen != NULL)
    reflexive = *seen;
  g_clear_pointer (&self->probe, wzp_reflect_probe_free);
  self->handler->seen (self, seen != NULL ? &reflexive : NULL, self->user_data);
}

static gboolean
ask_relay (WzpFreshSocket *self, WzpSignalClient *signal, GError **error)
{
  WzpConn *conn;

  self->probe = wzp_reflect_probe_new (on_seen, self);
  conn = wzp_signal_client_dial_from (signal, self->endpoint,
      WZP_REFLECT_PROBE_TIMEOUT_MS, wzp_reflect_probe_get_handler (),
      self->probe, error);
  if (conn == NULL)
    return FALSE;
  wzp_reflect_probe_take (self->probe, conn);
  return TRUE;
}

WzpFreshSocket *
wzp_fresh_socket_new (GMainContext *context, WzpIdentity *identity,
    const char *bind_address, WzpSignalClient *signal,
    const WzpFreshHandler *handler, gpointer user_data, GError **error)
{
  const WzpEndpointConfig config = { .bind_address = bind_address };
  g_autoptr (WzpFreshSocket) self = g_new0 (WzpFreshSocket, 1);

  g_return_val_if_fail (signal != NULL && handler != NULL, NULL);

  self->handler = handler;
  self->user_data = user_data;
  self->endpoint = wzp_endpoint_new (
      context, identity, &config, &endpoint_handler, self, error);
  if (self->endpoint == NULL || !ask_relay (self, signal, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
wzp_fresh_socket_free (WzpFreshSocket *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->probe, wzp_reflect_probe_free);
  wzp_endpoint_free (self->endpoint);
  g_free (self);
}

WzpEndpoint *
wzp_fresh_socket_get_endpoint (const WzpFreshSocket *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->endpoint;
}

gboolean
wzp_fresh_socket_has (const WzpFreshSocket *self, const WzpConn *conn)
{
  const WzpAddr *local;

  g_return_val_if_fail (self != NULL && conn != NULL, FALSE);

  local = wzp_conn_get_local (conn);
  return local->port == wzp_endpoint_get_port (self->endpoint, local->family);
}
