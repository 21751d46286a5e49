/* wzp-relay-private: what the parts of the relay share. */
#pragma once

#include "wzp-relay.h"
#include "wzp-rooms.h"

G_BEGIN_DECLS

typedef struct _WzpRelayClient WzpRelayClient;
typedef struct _WzpRelayGuest WzpRelayGuest;
typedef struct _WzpRelayLobby WzpRelayLobby;
typedef struct _WzpRelayLink WzpRelayLink;
typedef struct _WzpRelayLinks WzpRelayLinks;

struct _WzpRelay {
  GMainContext *context; /* owned */
  WzpIdentity *identity; /* owned */
  WzpEndpoint *endpoint; /* owned */
  WzpEndpoint *second;   /* owned, nullable: Reflect only */
  WzpRegistry *registry; /* owned */
  WzpRooms *rooms;       /* owned */
  WzpQuota *quota;       /* owned */
  WzpRelayAccess *access; /* owned */
  WzpRelayLinks *links;  /* owned */
  GQueue clients;        /* links of the clients, which it owns */
  GQueue guests;         /* the same */
  WzpRelayLobby *lobby;  /* wzp-relay-guest's own; NULL: there is no guest */
  GSource *timer;        /* owned: the registry's deadline */
  char *fingerprint;     /* owned */
  gboolean has_public_address;
  WzpAddr public_address;
  gboolean no_open_rooms;
  guint max_room_members;
  gboolean is_draining;
  GSource *drained_source; /* owned: ready when nothing is left */
  void (*drained) (gpointer user_data);
  gpointer drained_data;
  WzpRelayStats stats;   /* counters only */
};

/* Says why in the close packet, and counts. @text: static. */
void wzp_relay_refuse (WzpRelay *self, WzpConn *conn, WzpCloseCode code,
    const char *text);
/* Sends what the registry has to say, and sets the timer. The last statement
 * of a callback: clients may be gone after. */
void wzp_relay_pump (WzpRelay *self);

/* wzp-relay-client */
/* Messages of one signalling connection; over that it is closed. A client with
 * all its WZP_REGISTRY_MAX_CALLS_PER_CLIENT calls sends a few a second. */
#define WZP_RELAY_CLIENT_MESSAGES_PER_S 200.0
#define WZP_RELAY_CLIENT_BURST          1000.0
/* Takes a reference to @conn; FALSE: refused and closed. @is_second: it came to
 * the second port: Reflect and Ping only. */
gboolean wzp_relay_client_accept (
    WzpRelay *relay, WzpConn *conn, gboolean is_second);
/* Closes the connection and frees @self. Leaves something to pump. */
void wzp_relay_client_drop (
    WzpRelayClient *self, WzpCloseCode code, const char *text);
gboolean wzp_relay_client_has_calls (const WzpRelayClient *self);
/* Drops it when the message cannot be sent. */
void wzp_relay_client_send (WzpRelayClient *self, const WzpMessage *message);

/* wzp-relay-guest: media connections. Each takes a reference to @conn, and
 * sees to access and quotas; FALSE: refused and closed. */
gboolean wzp_relay_guest_accept_call (
    WzpRelay *relay, WzpConn *conn, const char *call_id);
gboolean wzp_relay_guest_accept_open (
    WzpRelay *relay, WzpConn *conn, const char *room);
/* Closes the connection and frees @self. Leaves something to pump. */
void wzp_relay_guest_drop (
    WzpRelayGuest *self, WzpCloseCode code, const char *text);
/* A datagram from a link, for the call room of @tag: to the guest who is here.
 * Dropped and counted unless that call goes over @link. */
void wzp_relay_guest_deliver (WzpRelay *relay, WzpRelayLink *link, guint64 tag,
    const guint8 *data, gsize len);

/* wzp-relay-links: one connection to each federated relay, `_federation`.
 * Owners in the registry's outputs of links are WzpRelayLink. */
WzpRelayLinks *wzp_relay_links_new (WzpRelay *relay);
/* Closes all. */
void wzp_relay_links_free (WzpRelayLinks *self);
/* Whom to dial and whom to take from now on; those that are no peer any more
 * are closed. WZP_ERROR_INVALID names the bad one, and nothing is changed. */
gboolean wzp_relay_links_set_peers (WzpRelayLinks *self,
    const WzpRelayPeer *peers, guint n_peers, GError **error);
/* A connection that came in: takes a reference; FALSE: refused and closed. */
gboolean wzp_relay_links_accept (WzpRelayLinks *self, WzpConn *conn);
void wzp_relay_links_get_stats (
    const WzpRelayLinks *self, WzpRelayStats *ret_stats);
/* Drops the link when it cannot be sent: it will be dialled again. */
void wzp_relay_link_send (WzpRelayLink *self, const WzpMessage *message);
/* A media datagram of the call room of @tag; @datagram without the tag. FALSE:
 * too large or no room, not sent. */
gboolean wzp_relay_link_send_datagram (WzpRelayLink *self, guint64 tag,
    const guint8 *datagram, gsize len);
/* What a media datagram may have at most now, without the tag; 0: down. */
gsize wzp_relay_link_get_max_datagram (const WzpRelayLink *self);
const char *wzp_relay_link_get_label (const WzpRelayLink *self);

G_END_DECLS
