/* wzp-relay: the relay server as an object: signalling, rooms and links to
 * other relays on one endpoint. The program wzp-relay is this and a main loop.
 *
 *   wzp-relay          accepts, and owns what follows
 *   wzp-relay-client   one signalling connection: messages to the registry
 *   wzp-relay-guest    one media connection, in a call's room or an open one
 *   wzp-relay-links    the connections to federated relays
 *   wzp-registry       who may call whom (pure)
 *   wzp-rooms          who is in which room (pure)
 *   wzp-relay-access   who may use the relay at all (pure)
 *   wzp-quota          how much of it (pure)
 *
 * A media datagram passes unchanged or not at all: shorter than
 * WZP_DATAGRAM_MIN_RELAYED or of another first byte, nobody else in the room,
 * larger than what the receiver's path takes, or the receiver's queue full: it
 * is dropped and counted. The two paths of a room may take different sizes, and
 * a sender is not told of the receiver's: what is to get through for sure is at
 * most what a path of 1200 bytes takes.
 *
 * Everything in the thread of the GMainContext given. */
#pragma once

#include "wzp-endpoint.h"
#include "wzp-quota.h"
#include "wzp-registry.h"
#include "wzp-relay-access.h"

G_BEGIN_DECLS

typedef struct _WzpRelay WzpRelay;

/* A relay to federate with. */
typedef struct {
  const char *address;     /* host[:port] to dial; NULL: it dials us */
  const char *fingerprint; /* of its TLS certificate, required */
  const char *label;       /* for people: RoomUpdate's relay_label, logs, metrics;
                            * NULL: the fingerprint's beginning */
} WzpRelayPeer;

typedef struct {
  WzpIdentity *identity;    /* nullable: an ephemeral one */
  const char *listen;       /* IP text; NULL: any address, both families */
  guint16 port;             /* 0: any */
  const int *fds;           /* bound UDP sockets to take (socket activation),
                             * instead of the two above; owned by the relay
                             * from then on, whatever is returned */
  guint n_fds;
  guint16 second_port;      /* another port, where Reflect only is answered: so
                             * wzp-netcheck tells kinds of NAT apart. 0: none */
  gboolean any_second_port; /* take any free one */

  /* from here on: wzp_relay_reconfigure() takes them anew */
  const char *public_address; /* "IP:port" told in CallSetup; NULL: what each
                               * client sees */
  WzpRegistryLimits limits;
  guint max_rooms;          /* 0: WZP_ROOMS_MAX */
  guint max_room_members;   /* of an open room; 0: WZP_ROOMS_MAX_OPEN_MEMBERS */
  gboolean no_open_rooms;
  guint idle_timeout_ms;    /* of a connection; 0: 30000; not taken anew */
  WzpRelayAccess *access;   /* nullable: open to all; a reference is taken */
  WzpQuotaLimits quotas;
  const WzpRelayPeer *peers; /* copied */
  guint n_peers;             /* at most WZP_REGISTRY_MAX_LINKS */
} WzpRelayConfig;

/* @context: nullable: the default one. G_IO_ERROR when the port is taken,
 * WZP_ERROR_INVALID for a bad address. */
WzpRelay *wzp_relay_new (
    GMainContext *context, const WzpRelayConfig *config, GError **error);
/* Closes every connection (WZP_CLOSE_SHUTDOWN). Not from inside a callback. */
void wzp_relay_free (WzpRelay *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelay, wzp_relay_free)

/* Takes what may change while it runs, all of it or (with @error) nothing.
 * Connections and calls stay, also those that are over a new limit; clients
 * that may not use the relay any more stay until they leave; a link to a relay
 * that is not a peer any more is closed. */
gboolean wzp_relay_reconfigure (
    WzpRelay *self, const WzpRelayConfig *config, GError **error);
/* Takes no new connection and no new call any more; clients without a call are
 * sent away (WZP_CLOSE_SHUTDOWN, "the relay drains"), those with one and rooms
 * are left to end. @done is called once, never from inside, when nothing is
 * left. A second call only replaces @done. */
void wzp_relay_drain (
    WzpRelay *self, void (*done) (gpointer user_data), gpointer user_data);

/* The port bound: of IPv4 where that is open. */
guint16 wzp_relay_get_port (const WzpRelay *self);
guint16 wzp_relay_get_second_port (const WzpRelay *self); /* 0: none */
/* The addresses bound, 0.0.0.0 and :: for any; returns how many. */
guint wzp_relay_get_addresses (const WzpRelay *self, WzpAddr ret_addrs[2]);
/* SHA-256 of the certificate, "aa:bb:...". */
const char *wzp_relay_get_fingerprint (const WzpRelay *self);
/* The same of a relay that would have @identity (transfer full). */
char *wzp_relay_identity_fingerprint (WzpIdentity *identity, GError **error);

typedef struct {
  const char *label; /* borrowed, until the next reconfigure */
  gboolean is_up;
  gint64 rtt_us;     /* -1: not up */
  guint64 datagrams_sent, datagrams_received;
} WzpRelayLinkStats;

typedef struct {
  WzpRegistryStats registry;
  WzpQuotaStats quota;
  WzpEndpointStats endpoint;
  guint rooms, guests;       /* all; of these in open rooms: */
  guint open_rooms, open_guests;
  guint64 malformed;         /* signalling messages that could not be read */
  guint64 refused;           /* connections: wrong name or key, or a limit */
  guint64 unauthorized;      /* of these: by wzp-relay-access */
  guint64 forwarded, forwarded_bytes; /* datagrams sent on, once for each
                              * receiver */
  guint64 dropped_malformed; /* datagrams: not of our making */
  guint64 dropped_alone;     /* nobody else in the room */
  guint64 dropped_too_large; /* for the receiver's path */
  guint64 dropped_full;      /* the receiver's queue was, or the rest of a frame
                              * of which that had taken a part */
  guint64 dropped_quota;     /* over the sender's bytes per second */
  guint64 key_requests_merged; /* asked for again too soon: not sent on */
  WzpRelayLinkStats links[WZP_REGISTRY_MAX_LINKS];
  guint n_links;
} WzpRelayStats;
void wzp_relay_get_stats (const WzpRelay *self, WzpRelayStats *ret_stats);

G_END_DECLS
