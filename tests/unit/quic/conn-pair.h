/* conn-pair: a client's and a server's connection wired in memory, with a clock
 * and a network that the test owns. Deterministic for one seed. */
#pragma once

#include "wzp-conn-private.h"

G_BEGIN_DECLS

#define PAIR_MS  1000000ull /* nanoseconds */
#define PAIR_BIG 100000     /* bytes of a stream that takes many packets */

typedef struct _Pair Pair;

/* One end and what its handler wrote down. */
typedef struct {
  Pair *pair;
  WzpConn *conn; /* owned, or NULL: the server before the first packet */
  gboolean is_dirty, is_gone;
  gboolean is_mute; /* reads, but does not write */
  WzpAddr addr;
  guint n_packets_sent, n_handshake_over;
  guint n_writes; /* calls of wzp_conn_write() */

  guint n_established; /* for the server: accept() */
  guint n_closed, n_stream_closed, n_fins, n_pulled, n_pull_done;
  WzpCloseInfo closed;    /* reason and error owned */
  GHashTable *streams;    /* id to GByteArray, owned: bytes that came */
  GPtrArray *datagrams;   /* owned, of GBytes */
  GQueue *offers;         /* owned, of GBytes: what pull() hands out */
  guint8 *pull_memory;    /* owned; scribbled over in pull_done() */
  /* Called in place of nothing at each callback, nullable. */
  void (*on_event) (WzpConn *conn, const char *event, gpointer data);
  gpointer on_event_data;
} Side;

struct _Pair {
  guint64 now_ns;
  GRand *rand; /* owned */
  Side client, server;
  WzpIdentity *client_identity, *server_identity; /* owned */
  WzpTlsContext *client_tls, *server_tls;         /* owned */
  GQueue packets; /* in flight, by time of arrival */

  /* The network */
  guint64 delay_ns;   /* one way */
  guint64 jitter_ns;  /* added at random: reorders */
  double loss;        /* 0..1 */
  double duplicate;
  gsize mtu;          /* larger packets are lost on the way; 0: none is */
  gboolean is_dead;   /* everything is lost */
  guint n_lost;

  /* What the connections are made with. */
  gsize max_payload;
  guint idle_timeout_ms, handshake_timeout_ms, keep_alive_ms;
  guint server_keep_alive_ms; /* 0: as keep_alive_ms */
  guint max_receive; /* the server's answer to a client's name; 0: any */
  gboolean refuse_admit, refuse_accept;
  /* The first packet makes the server and is kept: for what is to be changed in
   * it before pair_resume_server(). */
  gboolean prepare_server_only;
  gpointer first_packet; /* owned, or NULL */
  char *admitted_name; /* owned */
};

/* @seed: the network's. Fill in the fields, then pair_dial(). */
Pair *pair_new (guint32 seed);
void pair_free (Pair *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

/* @options: NULL: the server's key, "_signal". */
void pair_dial (Pair *self, const WzpDialOptions *options);
void pair_resume_server (Pair *self);
/* Until both are established; fails the test after 10 s of the clock. */
void pair_connect (Pair *self);
/* The next thing happens; FALSE: nothing ever will. */
gboolean pair_step (Pair *self);
/* Lets @ms pass. */
void pair_run (Pair *self, guint64 ms);
/* Until nothing is in flight and nothing is to be written now. */
void pair_settle (Pair *self);
/* A statement: until @expression; fails after @ms of the clock. */
#define pair_run_until(pair, expression, ms)                                  \
  G_STMT_START                                                                \
  {                                                                           \
    guint64 _end = (pair)->now_ns + (ms) *PAIR_MS;                            \
    while (!(expression) && (pair)->now_ns < _end && pair_step (pair))        \
      ;                                                                       \
    if (!(expression))                                                        \
      g_error ("%s:%d: not after %u ms: %s", __FILE__, __LINE__,              \
          (guint) (ms), #expression);                                         \
  }                                                                           \
  G_STMT_END

void side_push_stream (Side *side, gconstpointer data, gsize len);
gboolean side_send (Side *side, gconstpointer data, gsize len);
/* To be pulled. */
void side_offer (Side *side, GBytes *bytes);
/* All that came over streams, in all. */
gsize side_stream_bytes (const Side *side);
/* A packet as if it came from the other side. */
void side_inject (Side *side, const guint8 *data, gsize len);

/* Bytes that differ by place and by @salt; transfer full. */
GBytes *pair_make_bytes (gsize len, guint8 salt);
/* @data is what pair_make_bytes() makes. */
void pair_assert_bytes (const guint8 *data, gsize len, guint8 salt);
/* Such bytes, and no more, came to @side over the stream @id. */
void side_assert_stream (
    const Side *side, gint64 id, gsize len, guint8 salt);

G_END_DECLS
