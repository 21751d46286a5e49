/* wzp-endpoint-private: what the parts of an endpoint share. */
#pragma once

#include "wzp-batch.h"
#include "wzp-cid-table.h"
#include "wzp-conn-private.h"
#include "wzp-endpoint.h"
#include "wzp-timer-heap.h"
#include "wzp-udp-source.h"

G_BEGIN_DECLS

#define WZP_ENDPOINT_SECRET_LEN 32u /* bytes */
/* RFC 9443: the first byte of QUIC is at least this, below is ours. */
#define WZP_ENDPOINT_FIRST_QUIC_BYTE 64u
/* Stateless resets and version negotiations in a second, each. */
#define WZP_ENDPOINT_REPLIES_PER_S 100u

/* One socket and the batch that is on its way through it. */
typedef struct {
  WzpUdp *udp;    /* owned, or NULL: that family is not open */
  WzpBatch batch; /* what is not sent yet */
  guint next_run; /* of @batch */
  WzpConn *conn;  /* owned, or NULL: whose batch it is */
  gboolean is_blocked; /* waits for the socket to be writable */
} WzpEndpointSocket;

/* At most so many in a second. */
typedef struct {
  gint64 second; /* which one @n is about */
  guint n;
} WzpEndpointLimit;

struct _WzpEndpoint {
  GMainContext *context; /* owned */
  GSource *source;       /* owned */
  WzpTlsContext *tls;    /* owned */
  WzpEndpointSocket sockets[2]; /* IPv4, IPv6 */
  WzpAddr bound;
  gboolean is_bound_to_address;
  WzpEndpointConfig config; /* bind_address is not kept */
  const WzpEndpointHandler *handler; /* static, never NULL */
  gpointer handler_data;

  guint8 retry_secret[WZP_ENDPOINT_SECRET_LEN]; /* random */
  guint8 reset_secret[WZP_ENDPOINT_SECRET_LEN]; /* from key and port, so that
                                                 * it outlives the process */

  WzpCidTable *cids;   /* owned */
  WzpCidTable *tokens; /* owned; stateless reset tokens of the peers */
  WzpTimerHeap timers;
  GQueue all;   /* of WzpConn by all_link; each holds a reference */
  GQueue gone;  /* of WzpConn by all_link: they left @all, the same reference */
  GQueue dirty; /* of WzpConn by dirty_link: those with something to write */
  guint n_handshakes; /* of @all: servers not established yet */
  GQueue unproved; /* of WzpConn by unproved_link: these, and those that ended
                    * before they were; by age */

  gboolean in_dispatch; /* or in a flush: no second write inside */
  gboolean is_scheduled; /* the deadline is now already */
  guint64 now_ns;        /* of this dispatch */
  WzpEndpointLimit reset_limit, version_limit;
  WzpEndpointStats stats;
};

/* Endpoint */
WzpEndpointSocket *wzp_endpoint_get_socket (
    WzpEndpoint *self, const WzpAddr *remote);
void wzp_endpoint_fill_config (WzpEndpoint *self, const WzpAddr *remote,
    guint handshake_timeout_ms, WzpConnConfig *ret_config);
/* Sends one packet that no connection stands behind; may be dropped. */
gboolean wzp_endpoint_send_raw (WzpEndpoint *self, const WzpAddr *local,
    const WzpAddr *remote, const guint8 *data, gsize len);

/* Connections and the main loop (wzp-endpoint-dispatch) */
const WzpConnOwner *wzp_endpoint_get_owner (void);
/* Takes over the reference. */
void wzp_endpoint_add_conn (WzpEndpoint *self, WzpConn *conn);
/* Lets go of those that are gone. */
void wzp_endpoint_reap (WzpEndpoint *self);
/* Dispatch again as soon as the main loop runs. */
void wzp_endpoint_schedule (WzpEndpoint *self);
/* @more: now; else at the earliest timer. */
void wzp_endpoint_set_deadline (WzpEndpoint *self, gboolean more);
gboolean wzp_endpoint_dispatch (
    WzpUdpSourceEvents events, gpointer user_data);

/* Strangers (wzp-endpoint-accept) */
/* A packet of QUIC's that is for no connection. */
void wzp_endpoint_on_unknown (WzpEndpoint *self, const WzpUdpPacket *packet,
    const ngtcp2_version_cid *ids, gboolean is_unknown_version);
void wzp_endpoint_make_reset_token (const WzpEndpoint *self,
    const ngtcp2_cid *cid, guint8 ret_token[NGTCP2_STATELESS_RESET_TOKENLEN]);
/* The client's first packet was not all of the ClientHello. */
void wzp_endpoint_send_retry (
    WzpEndpoint *self, const WzpUdpPacket *packet);

/* Writing (wzp-endpoint-write) */
void wzp_endpoint_mark_dirty (WzpEndpoint *self, WzpConn *conn);
/* To when the connection wants to be called. */
void wzp_endpoint_set_timer (WzpEndpoint *self, WzpConn *conn);
/* Writes what may go, at most some rounds; TRUE: more might go at once. */
gboolean wzp_endpoint_write_all (WzpEndpoint *self);
void wzp_endpoint_write_conn (WzpEndpoint *self, WzpConn *conn);
/* A socket may be writable again. */
void wzp_endpoint_resume_sockets (WzpEndpoint *self);
void wzp_endpoint_drop_batches (WzpEndpoint *self, const WzpConn *conn);

G_END_DECLS
