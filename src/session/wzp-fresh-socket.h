/* wzp-fresh-socket: another UDP socket of a node, with ports that no router has
 * seen before, and the address that the relay sees it at. The session thread. */
#pragma once

#include "wzp-endpoint.h"
#include "wzp-signal-client.h"

G_BEGIN_DECLS

typedef struct _WzpFreshSocket WzpFreshSocket;

typedef struct {
  /* Where the relay sees it; NULL: it did not tell. Once. */
  void (*seen) (
      WzpFreshSocket *fresh, const WzpAddr *reflexive, gpointer user_data);
  /* A direct connection came in: as WzpEndpointHandler's. */
  gboolean (*accept) (
      WzpFreshSocket *fresh, WzpConn *conn, gpointer user_data);
  /* Not QUIC: TRUE: it was ours. */
  gboolean (*packet) (WzpFreshSocket *fresh, const WzpUdpPacket *packet,
      gpointer user_data);
} WzpFreshHandler;

/* Opens it and asks the relay. @bind_address: nullable. @signal: READY, and not
 * freed before it. G_IO_ERROR, WZP_ERROR_CLOSED. */
WzpFreshSocket *wzp_fresh_socket_new (GMainContext *context,
    WzpIdentity *identity, const char *bind_address, WzpSignalClient *signal,
    const WzpFreshHandler *handler, gpointer user_data, GError **error);
/* Closes it and its connections; not from inside a callback of theirs or of
 * its own. */
void wzp_fresh_socket_free (WzpFreshSocket *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpFreshSocket, wzp_fresh_socket_free)

WzpEndpoint *wzp_fresh_socket_get_endpoint (const WzpFreshSocket *self);
/* Whether @conn leaves from it. */
gboolean wzp_fresh_socket_has (
    const WzpFreshSocket *self, const WzpConn *conn);

G_END_DECLS
