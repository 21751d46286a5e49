/* wzp-relay: the relay server as an object: signalling and calls' media rooms
 * on one endpoint. The program wzp-relay is this and a main loop.
 *
 *   wzp-relay          accepts, and owns what follows
 *   wzp-relay-client   one signalling connection: messages to the registry
 *   wzp-relay-guest    one media connection: datagrams to the other guest
 *   wzp-registry       who may call whom (pure)
 *   wzp-rooms          who is in which room (pure)
 *
 * Open rooms and federation are refused with words (WZP_CLOSE_REFUSED).
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
#include "wzp-registry.h"

G_BEGIN_DECLS

typedef struct _WzpRelay WzpRelay;

typedef struct {
  WzpIdentity *identity;    /* nullable: an ephemeral one */
  const char *listen;       /* IP text; NULL: any address, both families */
  guint16 port;             /* 0: any */
  WzpRegistryLimits limits;
  guint max_rooms;          /* 0: WZP_ROOMS_MAX */
  guint idle_timeout_ms;    /* of a connection; 0: 30000 */
} WzpRelayConfig;

/* @context: nullable: the default one. G_IO_ERROR when the port is taken,
 * WZP_ERROR_INVALID for a bad address. */
WzpRelay *wzp_relay_new (
    GMainContext *context, const WzpRelayConfig *config, GError **error);
/* Closes every connection (WZP_CLOSE_SHUTDOWN). Not from inside a callback. */
void wzp_relay_free (WzpRelay *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelay, wzp_relay_free)

/* The port bound: of IPv4 where that is open. */
guint16 wzp_relay_get_port (const WzpRelay *self);
/* The addresses bound, 0.0.0.0 and :: for any; returns how many. */
guint wzp_relay_get_addresses (const WzpRelay *self, WzpAddr ret_addrs[2]);
/* SHA-256 of the certificate, "aa:bb:...". */
const char *wzp_relay_get_fingerprint (const WzpRelay *self);

typedef struct {
  WzpRegistryStats registry;
  guint rooms, guests;
  guint64 malformed;         /* signalling messages that could not be read */
  guint64 refused;           /* connections: wrong name or key, or a limit */
  guint64 forwarded, forwarded_bytes; /* datagrams */
  guint64 dropped_malformed; /* datagrams: not of our making */
  guint64 dropped_alone;     /* nobody else in the room */
  guint64 dropped_too_large; /* for the receiver's path */
  guint64 dropped_full;      /* the receiver's queue was */
} WzpRelayStats;
void wzp_relay_get_stats (const WzpRelay *self, WzpRelayStats *ret_stats);

G_END_DECLS
