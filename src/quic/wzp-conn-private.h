/* wzp-conn-private: what the endpoint and the parts of a connection share.
 *
 * A connection has no socket and no clock: packets and the time (nanoseconds,
 * never running backwards) are passed in, packets are written into a batch.
 *
 *   HANDSHAKE -> ESTABLISHED    the handshake is done
 *   HANDSHAKE, ESTABLISHED -> CLOSING   own close, or an error found here
 *   HANDSHAKE, ESTABLISHED -> DRAINING  the peer closed
 *   HANDSHAKE, ESTABLISHED -> GONE      timeout, stateless reset
 *   CLOSING  -> GONE            3 PTO after the close packet (RFC 9000, 10.2)
 *   DRAINING -> GONE            the same
 *
 * From CLOSING on no callback but closed() is called. ngtcp2 and TLS state are
 * freed as soon as the close packet is written: what is left is that packet. */
#pragma once

#include "wzp-batch.h"
#include "wzp-conn.h"
#include "wzp-datagram-log.h"
#include "wzp-datagram-queue.h"
#include "wzp-stream.h"
#include "wzp-timer-heap.h"
#include "wzp-tls.h"
#include "wzp-udp.h"

#include <ngtcp2/ngtcp2.h>

G_BEGIN_DECLS

#define WZP_CONN_CID_LEN           8u    /* bytes of the ids that we give out */
#define WZP_CONN_MAX_CIDS          16u   /* live ids of one connection */
#define WZP_CONN_MAX_TOKENS        4u    /* of the peer's ids in use */
#define WZP_CONN_MAX_REASON        128u  /* bytes of text in a close packet */
#define WZP_CONN_SERVER_TIMEOUT_MS 10000u /* handshake, as server */
#define WZP_CONN_DIAL_TIMEOUT_MS   10000u /* handshake, as client, default */
/* The largest packet that a server takes before it knows what the client
 * wants: nobody sends more than 1500 then. */
#define WZP_CONN_MAX_FIRST_RECEIVE 4096u
#define WZP_CONN_STREAM_WINDOW     (256u * 1024u)
#define WZP_CONN_WINDOW            (1024u * 1024u)

typedef enum {
  WZP_CONN_HANDSHAKE,
  WZP_CONN_ESTABLISHED,
  WZP_CONN_CLOSING,
  WZP_CONN_DRAINING,
  WZP_CONN_GONE,
} WzpConnState;

/* What a connection asks of the one that owns it; all are set. */
typedef struct {
  /* There is something to write. @urgent: before the caller goes on, unless a
   * write is under way anyway. */
  void (*wake) (WzpConn *conn, gboolean urgent, gpointer owner_data);
  /* FALSE: that id is taken. */
  gboolean (*add_cid) (
      WzpConn *conn, const ngtcp2_cid *cid, gpointer owner_data);
  void (*remove_cid) (
      WzpConn *conn, const ngtcp2_cid *cid, gpointer owner_data);
  void (*make_reset_token) (const ngtcp2_cid *cid,
      guint8 ret_token[NGTCP2_STATELESS_RESET_TOKENLEN], gpointer owner_data);
  /* A stateless reset that ends in this is for the connection: its id is
   * random. */
  void (*add_reset_token) (
      WzpConn *conn, const guint8 *token, gpointer owner_data);
  void (*remove_reset_token) (
      WzpConn *conn, const guint8 *token, gpointer owner_data);
  /* @ret_max_receive: 0: as configured. */
  gboolean (*admit) (WzpConn *conn, const char *server_name,
      guint *ret_max_receive, gpointer owner_data);
  /* A server's handshake is done; FALSE: not wanted. */
  gboolean (*accept) (WzpConn *conn, gpointer owner_data);
  /* It left HANDSHAKE, whichever way. */
  void (*handshake_over) (WzpConn *conn, gpointer owner_data);
  /* It reached GONE: to be disowned, but not inside this call. */
  void (*gone) (WzpConn *conn, gpointer owner_data);
} WzpConnOwner;

typedef struct {
  WzpTlsContext *tls;
  gsize max_payload;          /* largest UDP payload to send, 1200..65527 */
  gsize max_receive;          /* largest that the peer may send; 0: any */
  guint idle_timeout_ms;
  guint keep_alive_ms;        /* G_MAXUINT: none */
  guint handshake_timeout_ms;
} WzpConnConfig;

/* A client's first packet, decoded. */
typedef struct {
  guint32 version;
  ngtcp2_cid client_scid;   /* the client's own id */
  ngtcp2_cid client_dcid;   /* the id it sent to */
  ngtcp2_cid original_dcid; /* before a Retry; else as client_dcid */
  gboolean after_retry;
  const guint8 *token;      /* with after_retry */
  gsize token_len;
} WzpConnInitial;

/* A datagram on its way into a packet. */
typedef enum {
  WZP_CONN_DATAGRAM_NONE,
  WZP_CONN_DATAGRAM_QUEUED,  /* head of the queue */
  WZP_CONN_DATAGRAM_PENDING, /* the copy kept of a pulled one */
  WZP_CONN_DATAGRAM_PULLED,  /* the handler's memory */
} WzpConnDatagramSource;

/* Whose time is put off. */
typedef enum {
  WZP_CONN_DEFERRED_NONE,
  WZP_CONN_DEFERRED_ACK,   /* waits for a datagram of ours */
  WZP_CONN_DEFERRED_PACER, /* has nothing to pace */
} WzpConnDeferred;

struct _WzpConn {
  gatomicrefcount refs;
  WzpConnState state;
  gboolean is_server;

  const WzpConnOwner *owner; /* NULL once the owner is gone */
  gpointer owner_data;
  const WzpConnHandler *handler; /* static, or NULL */
  gpointer handler_data;
  GPtrArray *early; /* of GBytes: datagrams kept for who takes it; nullable */
  gsize early_bytes;
  gboolean is_notified; /* closed() was called, or is not to be */

  ngtcp2_conn *ng; /* owned, or NULL after the end */
  WzpTls *tls;     /* owned, or NULL after the handshake */
  gboolean in_ngtcp2; /* inside a call of ngtcp2 (or between those that make
                       * one packet): only some others are allowed */

  /* Addresses. A client's own address is whatever the kernel chooses, but
   * ngtcp2 compares it: it always sees @path_local. */
  WzpAddr local, remote;
  WzpAddr path_local;
  ngtcp2_path_storage path; /* of (path_local, remote) */

  ngtcp2_cid cids[WZP_CONN_MAX_CIDS]; /* those that lead here */
  guint n_cids;
  guint8 tokens[WZP_CONN_MAX_TOKENS][NGTCP2_STATELESS_RESET_TOKENLEN];
  guint n_tokens; /* the peer's, for the ids that we use */

  /* The peer, once the handshake is done. */
  char *server_name; /* owned, or NULL */
  WzpTlsPeer peer;
  WzpFingerprint peer_fingerprint;

  /* Sending */
  WzpDatagramQueue *queue; /* owned */
  WzpDatagramLog *log;     /* owned */
  WzpStreams *streams;     /* owned */
  gboolean want_pull;
  gboolean has_pulled;    /* pull_done() is due */
  WzpConnDatagramSource current; /* what @iov holds */
  struct iovec iov[WZP_CONN_MAX_PULL_IOV];
  int n_iov;
  gsize iov_len;          /* bytes in all */
  guint8 *pending;        /* owned, or NULL */
  gsize pending_len, pending_size;
  gboolean has_pending;
  guint64 hold_until;     /* pacing: nothing but ACKs goes before; ns */
  gsize max_in_flight;    /* 0: no cap */
  gsize max_receive;      /* larger packets are dropped */
  gsize max_receive_later; /* a server's, once it knows what the client wants */
  gsize payload_cap;      /* 0: none; else the path got narrower than probed */
  guint64 cap_until_ns;   /* when the full size is tried again; NEVER: not
                           * before something is acknowledged */
  guint cap_hold_s;       /* how long the last cap held that was no mere
                           * suspicion; 0: none yet */
  guint64 uncapped_ns;    /* when the last one was lifted; 0: none was */
  guint64 busy_since_ns;  /* since when something is in flight; 0: nothing is */

  /* What is put off (wzp-conn-defer) */
  gboolean may_hold;        /* wzp_conn_set_hold_acks() */
  guint n_unanswered;       /* packets read whose ACK may not have gone */
  guint64 unanswered_since_ns; /* when the first of them came */
  gboolean got_more;        /* than datagrams, in the packet that is read */
  guint64 datagram_sent_ns; /* when the last datagram of ours went; 0: never */
  WzpConnDeferred deferred; /* what ngtcp2 would do at @deferred_expiry */
  guint64 deferred_expiry, deferred_until;

  /* The end */
  gboolean said_last_words; /* what was queued before the close went */
  gboolean was_reset;       /* a stateless reset came */
  guint64 close_code;       /* of an own close */
  gboolean close_is_app;
  char close_reason[WZP_CONN_MAX_REASON + 1];
  GBytes *close_packet;     /* owned, or NULL: to answer late packets */
  guint late_packets;       /* that came after the close */
  gboolean late_answer_due;
  guint64 end_ns;           /* when CLOSING or DRAINING ends; 0: not begun */
  WzpCloseInfo close_info;

  guint handshake_timeout_ms;
  guint64 now_ns; /* of the call that runs */
  WzpConnInfo info; /* counters; the rest is filled in when asked */
  guint32 packet_number; /* of packets written, for the log */

  /* The endpoint's */
  WzpTimer timer;
  GList dirty_link;   /* in the endpoint's queue */
  gboolean is_dirty;
  GList all_link;     /* in the endpoint's list of all, or of those gone */
  GList unproved_link; /* server: in its list of those never established */
};

/* Life */
WzpConn *wzp_conn_new_client (const WzpConnOwner *owner, gpointer owner_data,
    const WzpConnConfig *config, const WzpDialOptions *options,
    const WzpAddr *local, const WzpAddr *remote, guint64 now_ns,
    GError **error);
WzpConn *wzp_conn_new_server (const WzpConnOwner *owner, gpointer owner_data,
    const WzpConnConfig *config, const WzpConnInitial *initial,
    const WzpAddr *local, const WzpAddr *remote, guint64 now_ns);
/* The owner goes: no more calls to it, all ids are given back. */
void wzp_conn_disown (WzpConn *conn);

/* Input */
typedef enum {
  WZP_CONN_READ_DONE,
  WZP_CONN_READ_RETRY, /* server, first packet: a Retry is to be sent */
  WZP_CONN_READ_TOO_LARGE, /* larger than was agreed: dropped */
} WzpConnReadResult;
WzpConnReadResult wzp_conn_read (
    WzpConn *conn, const WzpUdpPacket *packet, guint64 now_ns);
void wzp_conn_handle_expiry (WzpConn *conn, guint64 now_ns);
/* WZP_TIMER_NEVER when there is none. */
guint64 wzp_conn_get_expiry (const WzpConn *conn);
/* A packet of this size did not fit the link. */
void wzp_conn_on_too_big (WzpConn *conn, gsize len);

/* Output: one batch at most; TRUE: there is more to write at once. */
gboolean wzp_conn_write (WzpConn *conn, WzpBatch *batch, guint64 now_ns);

/* Shared by the parts */
/* Something of ours waits to be sent. */
gboolean wzp_conn_has_words (const WzpConn *conn);
void wzp_conn_wake (WzpConn *conn);
gboolean wzp_conn_is_open (const WzpConn *conn); /* not closed in any way */
/* wzp_conn_get_max_datagram(), whether it is established or not. */
gsize wzp_conn_measure_datagram (const WzpConn *conn);
void wzp_conn_set_state (WzpConn *conn, WzpConnState state);
/* Frames of a datagram: what a packet of @payload bytes has room for. */
gsize wzp_conn_compute_max_datagram (
    gsize payload, gsize dcid_len, guint64 max_frame);
/* The current path is another now. */
void wzp_conn_update_path (WzpConn *conn);
void wzp_conn_make_path (const WzpAddr *local, const WzpAddr *remote,
    ngtcp2_path_storage *ret_path);
const ngtcp2_callbacks *wzp_conn_get_callbacks (gboolean is_server);
gboolean wzp_conn_add_cid (WzpConn *conn, const ngtcp2_cid *cid);
void wzp_conn_remove_cid (WzpConn *conn, const ngtcp2_cid *cid);
void wzp_conn_add_token (WzpConn *conn, const guint8 *token);
void wzp_conn_remove_token (WzpConn *conn, const guint8 *token);
/* Packets that were authentic, of all connections of this thread. */
guint64 wzp_conn_count_authentic (void);

guint64 wzp_conn_get_bytes_in_flight (const WzpConn *conn); /* it has ngtcp2 */

/* What is put off (wzp-conn-defer) */
/* ngtcp2 has read @n_packets, in them @n_datagrams. */
void wzp_conn_defer_after_read (
    WzpConn *conn, guint64 n_packets, guint64 n_datagrams);
/* Something was written, @is_small: little; @expiry: ngtcp2's now. */
void wzp_conn_defer_after_write (
    WzpConn *conn, guint64 expiry, gboolean is_small);
/* Before a read; below 0: what ngtcp2 says. */
int wzp_conn_undefer_pacer (WzpConn *conn);
/* When to call, where ngtcp2 says @expiry. */
guint64 wzp_conn_defer_expiry (const WzpConn *conn, guint64 expiry);
/* After a read: nothing is to be written, only the timer to be set. */
gboolean wzp_conn_is_holding (const WzpConn *conn);

/* The end (wzp-conn-close) */
/* @code: what ngtcp2 returned, below zero. */
void wzp_conn_fail (WzpConn *conn, int code);
/* Writes the close packet that is due; the bytes, or 0. */
gsize wzp_conn_write_close (WzpConn *conn, guint8 *dest, gsize room);
/* Calls closed() when it is due. The last statement of a call. */
void wzp_conn_notify (WzpConn *conn);
/* Frees ngtcp2 and TLS and keeps the last numbers. */
void wzp_conn_free_engine (WzpConn *conn);

/* wzp-conn-early.c. TRUE: it was kept, or dropped as one too many. */
gboolean wzp_conn_keep_early (
    WzpConn *conn, const guint8 *data, gsize len);
void wzp_conn_drop_early (WzpConn *conn);

G_END_DECLS
