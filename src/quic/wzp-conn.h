/* wzp-conn: one QUIC connection: handshake, datagrams, streams. No sockets:
 * the endpoint feeds packets in and sends what it writes.
 *
 * Everything here is called in the endpoint's thread. Reference counted; the
 * endpoint holds one reference until the connection is gone. */
#pragma once

#include "wzp-addr.h"
#include "wzp-error.h"
#include "wzp-fingerprint.h"

#include <sys/uio.h>

G_BEGIN_DECLS

typedef struct _WzpConn WzpConn;

/* Why a connection ended. */
typedef struct {
  gboolean is_remote;      /* the other side said so */
  gboolean is_application; /* code is one of ours (WzpCloseCode), else QUIC's */
  gboolean is_timeout;     /* idle or handshake timeout, stateless reset */
  guint64 code;            /* QUIC error, CRYPTO_ERROR 0x100+alert, or ours */
  guint8 tls_alert;        /* 0: none */
  char *reason;            /* for people; owned by the connection */
  GError *error;           /* the same as an error (WZP_ERROR); owned by it */
} WzpCloseInfo;

/* Application close codes (docs/protocol.md). */
typedef enum {
  WZP_CLOSE_NORMAL = 0,
  WZP_CLOSE_ABORTED = 1,     /* this dial lost the race */
  WZP_CLOSE_REFUSED = 2,     /* not expected here: wrong name or key */
  WZP_CLOSE_BUSY = 3,        /* a limit was reached */
  WZP_CLOSE_PROTOCOL = 4,    /* the peer broke the protocol */
  WZP_CLOSE_SHUTDOWN = 5,    /* the process ends */
  WZP_CLOSE_REPLACED = 6,    /* a newer connection took its place */
} WzpCloseCode;

#define WZP_CONN_MAX_PULL_IOV 12 /* iovecs of one pulled datagram */

/* Callbacks; each may be NULL. A callback may close the connection, never free
 * the endpoint. After closed() nothing more is called. */
typedef struct {
  /* Handshake done, keys proved: streams and datagrams may be sent. (Not for a
   * connection that accept() was called for: that is its established.) */
  void (*established) (WzpConn *conn, gpointer user_data);
  void (*datagram) (
      WzpConn *conn, const guint8 *data, gsize len, gpointer user_data);
  /* Bytes of a peer's stream, in order. Window is given back at once. The
   * receiver bounds what it keeps; wzp_conn_reset_stream() refuses the rest. */
  void (*stream_data) (WzpConn *conn, gint64 stream_id, const guint8 *data,
      gsize len, gboolean fin, gpointer user_data);
  /* A peer's stream is over (fin, reset, or refused here): forget it. Once for
   * each, but not when the connection ends. */
  void (*stream_closed) (WzpConn *conn, gint64 stream_id, gpointer user_data);
  /* The next datagram to send, asked for while the congestion window has room
   * and the connection's own queue is empty; only after wzp_conn_want_pull().
   * Fills at most WZP_CONN_MAX_PULL_IOV of @iov with at most @max_size bytes in
   * all and returns how many iovecs; 0: nothing to send now (call
   * wzp_conn_want_pull() when there is again). The memory must stay valid until
   * the next pull() or pull_done(): when the window closes in between, the
   * connection keeps a copy and sends it first later. */
  int (*pull) (WzpConn *conn, gsize max_size, struct iovec *iov,
      gpointer user_data);
  void (*pull_done) (WzpConn *conn, gpointer user_data);
  void (*closed) (
      WzpConn *conn, const WzpCloseInfo *info, gpointer user_data);
} WzpConnHandler;

WzpConn *wzp_conn_ref (WzpConn *conn);
void wzp_conn_unref (WzpConn *conn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpConn, wzp_conn_unref)

/* @handler must stay valid (static); NULL: none. */
void wzp_conn_set_handler (
    WzpConn *conn, const WzpConnHandler *handler, gpointer user_data);

/* For a connection that nobody takes yet: datagrams that come are kept, at most
 * so many, later ones are dropped; until wzp_conn_replay_datagrams() has given
 * them to datagram() of the handler there is then, in order. */
#define WZP_CONN_EARLY_DATAGRAMS 256u
#define WZP_CONN_EARLY_BYTES     (256u * 1024u)
void wzp_conn_keep_datagrams (WzpConn *conn);
void wzp_conn_replay_datagrams (WzpConn *conn);

gboolean wzp_conn_is_server (const WzpConn *conn);
gboolean wzp_conn_is_established (const WzpConn *conn);
gboolean wzp_conn_is_closed (const WzpConn *conn);
const char *wzp_conn_get_server_name (const WzpConn *conn); /* nullable */
/* The key proved by the peer's certificate; NULL: it showed none, or a
 * certificate that is not Ed25519 (a relay behind a CA). */
const guint8 *wzp_conn_get_peer_key (const WzpConn *conn);
const WzpFingerprint *wzp_conn_get_peer_fingerprint (const WzpConn *conn);
/* SHA-256 over the peer's DER certificate; NULL: none. 32 bytes. */
const guint8 *wzp_conn_get_peer_cert_sha256 (const WzpConn *conn);
const WzpAddr *wzp_conn_get_remote (const WzpConn *conn);
const WzpAddr *wzp_conn_get_local (const WzpConn *conn);

/* Largest datagram that fits now, bytes: PMTU less overhead, and never above
 * what the peer accepts; 0 before it is established, after the end, or when the
 * peer takes none. Grows by PMTUD. Shrinks to 1168 when large packets begin to
 * vanish: what is queued or pulled and larger is then dropped and counted. */
gsize wzp_conn_get_max_datagram (const WzpConn *conn);
/* Copies @iov into the bounded queue (WZP_DATAGRAM_QUEUE_BYTES and _COUNT);
 * FALSE: closed, too large for the path or the queue is full (counted). Sent
 * before anything pulled. */
gboolean wzp_conn_send_datagram (
    WzpConn *conn, const struct iovec *iov, int n_iov);
/* What was taken and not sent yet: the queue, and a datagram pulled before the
 * congestion window closed. */
gsize wzp_conn_get_queued_bytes (const WzpConn *conn);
/* There is something to pull (sticky until pull returns 0). */
void wzp_conn_want_pull (WzpConn *conn);
/* Sends @bytes, then FIN, on a new bidirectional stream; waits inside for
 * the handshake and for stream credit. WZP_ERROR_CLOSED, or _TOO_LARGE when
 * over WZP_CONN_MAX_STREAM_BACKLOG bytes are unsent or unacknowledged (each
 * stream counts 64 bytes more than it has). What the peer says on the other
 * half is passed over. */
gboolean wzp_conn_send_stream (
    WzpConn *conn, GBytes *bytes, GError **error);
/* What of all streams is unsent or unacknowledged, counted as above. */
gsize wzp_conn_get_stream_backlog (const WzpConn *conn);
/* Refuses the rest of a peer's stream; no more of its stream_data() comes. */
void wzp_conn_reset_stream (WzpConn *conn, gint64 stream_id, guint64 code);
/* For calls, where small datagrams go both ways every 20 ms: the acknowledgement
 * of a single packet may wait up to 23 ms for a datagram that takes it along,
 * where else nearly as many packets again would only acknowledge. Off at the
 * beginning; nothing happens before it is established. The price: the peer's
 * srtt_us may contain that wait. */
void wzp_conn_set_hold_acks (WzpConn *conn, gboolean hold);
/* Never send more than this much unacknowledged (0: no cap of ours): the
 * peer's receive buffer, so that a fast sender does not overrun it. */
void wzp_conn_set_max_in_flight (WzpConn *conn, gsize bytes);

/* Ends it: CONNECTION_CLOSE with the code and text (cut to 128 bytes). What was
 * queued before (streams, datagrams; nothing is pulled) goes out first as far
 * as the congestion window lets it, once and without a repeat. All of it leaves
 * before this returns; when called in a callback, at the end of that dispatch.
 * closed() is NOT called for an own close. Idempotent. */
void wzp_conn_close (WzpConn *conn, WzpCloseCode code, const char *reason);

typedef struct {
  gint64 srtt_us, rttvar_us, min_rtt_us, latest_rtt_us, pto_us;
  guint64 cwnd, bytes_in_flight;
  /* received: authentic ones; lost: of those that carried datagrams, and both
   * losses may turn out to be none */
  guint64 packets_sent, packets_received, packets_lost;
  guint64 bytes_sent, bytes_received; /* UDP payload */
  guint64 datagrams_sent, datagrams_received, datagrams_lost,
      datagrams_dropped;              /* dropped: by our own full queue */
  gint64 last_ack_us;      /* monotonic; when the peer last acknowledged
                            * anything new; 0: never */
  gint64 oldest_unacked_us;/* when the oldest still unacknowledged datagram was
                            * sent; 0: none is */
  gint64 last_received_us; /* last authenticated packet */
  gsize max_udp_payload;   /* PMTU found so far */
} WzpConnInfo;
void wzp_conn_get_info (const WzpConn *conn, WzpConnInfo *ret_info);

#define WZP_DATAGRAM_QUEUE_BYTES    (2u * 1024u * 1024u)
#define WZP_DATAGRAM_QUEUE_COUNT    4096u
#define WZP_CONN_MAX_STREAM_BACKLOG (1024u * 1024u) /* bytes */
#define WZP_CONN_MAX_PEER_STREAMS   128u /* concurrent bidirectional */

G_END_DECLS
