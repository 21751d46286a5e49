/* wzp-relay-private: what the parts of the relay share. */
#pragma once

#include "wzp-relay.h"
#include "wzp-rooms.h"

G_BEGIN_DECLS

struct _WzpRelay {
  GMainContext *context; /* owned */
  WzpIdentity *identity; /* owned */
  WzpEndpoint *endpoint; /* owned */
  WzpRegistry *registry; /* owned */
  WzpRooms *rooms;       /* owned */
  GQueue clients;        /* links of the clients, which it owns */
  GQueue guests;         /* the same */
  GSource *timer;        /* owned: the registry's deadline */
  char *fingerprint;     /* owned */
  WzpRelayStats stats;   /* counters only */
};

/* Says why in the close packet, and counts. @text: static. */
void wzp_relay_refuse (WzpRelay *self, WzpConn *conn, WzpCloseCode code,
    const char *text);
/* Sends what the registry has to say, and sets the timer. The last statement
 * of a callback: clients may be gone after. */
void wzp_relay_pump (WzpRelay *self);

/* wzp-relay-client */
typedef struct _WzpRelayClient WzpRelayClient;
/* Takes a reference to @conn; FALSE: refused and closed. */
gboolean wzp_relay_client_accept (WzpRelay *relay, WzpConn *conn);
/* Closes the connection and frees @self. Leaves something to pump. */
void wzp_relay_client_drop (
    WzpRelayClient *self, WzpCloseCode code, const char *text);
/* Drops it when the message cannot be sent. */
void wzp_relay_client_send (WzpRelayClient *self, const WzpMessage *message);

/* wzp-relay-guest */
typedef struct _WzpRelayGuest WzpRelayGuest;
gboolean wzp_relay_guest_accept (
    WzpRelay *relay, WzpConn *conn, const char *call_id);
/* The same. */
void wzp_relay_guest_drop (
    WzpRelayGuest *self, WzpCloseCode code, const char *text);

G_END_DECLS
