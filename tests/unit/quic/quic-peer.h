/* quic-peer: an endpoint on loopback with handlers that write down what
 * happens, for the tests of the QUIC layer. */
#pragma once

#include "wzp-endpoint.h"

#include "wzp-test.h"

G_BEGIN_DECLS

/* How long a test waits for what must happen. */
#define PEER_WAIT_MS 10000

typedef struct _Peer Peer;

/* One connection and what came over it. */
typedef struct {
  Peer *peer;
  WzpConn *conn; /* owned */
  guint n_established, n_closed;
  guint n_datagrams, n_stream_closed, n_fins;
  GByteArray *stream_bytes; /* owned; of all streams, as they came */
  GByteArray *last_datagram; /* owned */
  guint64 datagram_bytes;
  WzpCloseInfo closed; /* reason and error are owned copies */
  guint n_pulls;       /* datagrams left to be pulled */
  gsize pull_size;     /* bytes of each; 0: as large as may be */
  gboolean echo;       /* datagrams go back */
} PeerConn;

struct _Peer {
  WzpIdentity *identity;  /* owned */
  WzpEndpoint *endpoint;  /* owned, or NULL after peer_stop() */
  GPtrArray *conns;       /* owned, of PeerConn: accepted and dialled */
  GPtrArray *names;       /* owned, of char *: what admit() was asked */
  guint n_packets, n_woken;
  GByteArray *last_packet; /* owned */
  gboolean refuse_admit, refuse_accept, echo;
  guint max_receive;       /* of each client; 0: any */
  WzpAddr addr;            /* where it can be dialled */
};

/* @config: nullable. Bound to loopback of @family unless @config says where.
 * @identity: nullable, a new one; not taken. */
Peer *peer_new (GMainContext *context, int family, WzpIdentity *identity,
    const WzpEndpointConfig *config);
void peer_free (Peer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Peer, peer_free)
void peer_stop (Peer *self); /* frees the endpoint only */

/* Dials @to with its key pinned and the name "_signal". */
PeerConn *peer_dial (Peer *self, const Peer *to);
PeerConn *peer_dial_full (Peer *self, const WzpAddr *to,
    const WzpDialOptions *options, GError **error);
/* The @nth that was accepted, NULL: none yet. */
PeerConn *peer_accepted (const Peer *self, guint nth);
gboolean peer_conn_send (PeerConn *pc, const void *data, gsize len);
gboolean peer_conn_send_stream (PeerConn *pc, const char *text);
/* @n datagrams to be pulled. */
void peer_conn_offer (PeerConn *pc, guint n, gsize size);

/* @client dials @server; until both ends are there. */
void peer_connect (WzpTest *test, Peer *client, Peer *server,
    PeerConn **ret_out, PeerConn **ret_in);
/* One more connection, and a datagram over it. */
void peer_assert_serves (WzpTest *test, Peer *client, Peer *server);

G_END_DECLS
