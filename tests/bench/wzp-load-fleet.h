/* wzp-load-fleet: many clients of a relay in one process, each with an identity
 * and a signalling connection of its own; several share a UDP socket, as
 * clients behind one NAT would. */
#pragma once

#include "wzp-endpoint.h"
#include "wzp-message.h"

G_BEGIN_DECLS

typedef struct _LoadFleet LoadFleet;
typedef struct _LoadClient LoadClient;

typedef struct {
  /* A call's message for @client. */
  void (*message) (LoadClient *client, const WzpMessage *message,
      gpointer user_data);
  /* Not QUIC. */
  void (*packet) (const WzpUdpPacket *packet, gpointer user_data);
} LoadFleetHandler;

/* @handler static; either may be NULL. */
LoadFleet *load_fleet_new (const WzpAddr *relay, guint n_sockets,
    const LoadFleetHandler *handler, gpointer user_data, GError **error);
/* Closes every connection. */
void load_fleet_free (LoadFleet *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadFleet, load_fleet_free)

/* Connects and registers @n more clients, @at_once of them unfinished at a
 * time; TRUE when all are registered. The identities are made before the first
 * one connects, and do not count in *@ret_us. */
gboolean load_fleet_register (LoadFleet *self, guint n, guint at_once,
    guint timeout_ms, gint64 *ret_us);
guint load_fleet_get_registered (const LoadFleet *self);
/* Those that were lost after they had registered. */
guint load_fleet_get_lost (const LoadFleet *self);
/* 0 to registered - 1. */
LoadClient *load_fleet_get_client (const LoadFleet *self, guint index);

const WzpFingerprint *load_client_get_fingerprint (const LoadClient *self);
WzpEndpoint *load_client_get_endpoint (const LoadClient *self);
/* Takes @message. */
void load_client_send (LoadClient *self, WzpMessage *message);
/* An offer or answer of @call_id to @to, signed. */
void load_client_send_call (LoadClient *self, WzpMessageType type,
    const char *call_id, const WzpFingerprint *to);
/* To a room of the relay; its identity is the client's. NULL: refused here. */
WzpConn *load_client_dial (LoadClient *self, const char *server_name,
    const WzpConnHandler *handler, gpointer user_data);

G_END_DECLS
