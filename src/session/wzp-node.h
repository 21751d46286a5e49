/* wzp-node: one identity, one UDP socket per family, one signalling connection,
 * the calls made over them, and the flows that the calls carry. The only API
 * that the elements use, with the two flow headers.
 *
 * Threads: every function here may be called from any thread and returns at
 * once; the work happens in the session thread (one of its own, or that of the
 * GMainContext given). Events are called in the session thread, with no lock
 * held. Reference counted by atomics. */
#pragma once

#include "wzp-control.h"
#include "wzp-description.h"
#include "wzp-identity.h"
#include "wzp-message.h"
#include "wzp-recv-flow.h"
#include "wzp-relay-trust.h"
#include "wzp-role.h"
#include "wzp-send-flow.h"

G_BEGIN_DECLS

#define WZP_NODE_MAX_CALLS      16u /* of a listener that only sends */
#define WZP_NODE_MAX_FLOWS      32u /* per direction */
#define WZP_DEFAULT_LATENCY_MS  125u

typedef enum {
  WZP_MODE_CALLER,
  WZP_MODE_LISTENER,
  WZP_MODE_APP, /* the application carries the candidates */
  WZP_MODE_ROOM, /* no call: an open room on the relay, one to many */
} WzpMode;

typedef enum {
  WZP_POLICY_ALL,
  WZP_POLICY_RELAY,
  WZP_POLICY_DIRECT,
} WzpTransportPolicy;

typedef enum {
  WZP_STATE_NEW,
  WZP_STATE_CONNECTING,
  WZP_STATE_CONNECTED,
  WZP_STATE_DISCONNECTED, /* lost, another attempt will follow; or a listener
                           * that waits for the next caller */
  WZP_STATE_FAILED,       /* for good */
  WZP_STATE_CLOSED,
} WzpConnectionState;

const char *wzp_connection_state_to_string (WzpConnectionState state);

/* Strings are copied by wzp_node_new(); NULL or 0: the default. */
typedef struct {
  WzpMode mode;
  WzpTransportPolicy policy;
  WzpAcceptMode accept_mode; /* TRUSTED or GENERIC */
  const char *relay;         /* host[:port]; NULL only in mode APP */
  WzpRelayTrust relay_trust;
  const char *relay_fingerprint;
  const char *known_relays_path;
  const char *token;
  const char *alias;         /* name to register */
  const char *peer;          /* CALLER: name or fingerprint text to call; ROOM:
                              * the room's name */
  const char *room_key;      /* ROOM, nullable: passphrase to seal with */
  const char *peer_fingerprint; /* nullable: refuse any other peer */
  WzpIdentity *identity;     /* nullable: an ephemeral one is made */
  gboolean no_host_candidates;
  const char *bind_address;
  guint16 bind_port;
  guint direct_timeout_ms, relay_timeout_ms, relay_grace_ms, direct_grace_ms;
  gboolean drop_relay;       /* do not keep the losing relay as standby */
  guint latency_ms;          /* 0: WZP_DEFAULT_LATENCY_MS */
  gboolean no_reconnect;
  int retries;               /* -1: no limit; 0 means 0 */
  double retry_backoff_factor, retry_backoff_max; /* seconds */
  const char *timeline_folder; /* where each call's timeline is written; NULL:
                                * what WZP_TIMELINE_DIR names, or nowhere */
} WzpNodeConfig;

void wzp_node_config_init (WzpNodeConfig *ret_config); /* all defaults */

typedef struct {
  WzpFingerprint fingerprint;
  const char *alias;   /* nullable, what the caller calls itself: not proved */
  WzpRole role;
  WzpPath path;
} WzpPeerInfo;

/* Why something failed, beyond the GError. */
typedef struct {
  const GError *error;
  const char *phase;   /* "bind", "name-lookup", "connect", "register", "call",
                        * "race", "media" */
  WzpPath path;        /* NONE: not of one path */
  guint64 quic_error;  /* 0: none */
  guint8 tls_alert;    /* 0: none */
  guint attempts;
} WzpFailure;

typedef struct _WzpNode WzpNode;

typedef struct {
  /* @failure: with DISCONNECTED (may be NULL) and FAILED (never NULL). */
  void (*state) (WzpNode *node, WzpConnectionState state,
      const WzpFailure *failure, gpointer user_data);
  /* A step began: "name-lookup", "connect", "register", "call", "race". */
  void (*progress) (WzpNode *node, const char *step, gpointer user_data);
  /* What media is sent over changed. */
  void (*path) (
      WzpNode *node, WzpPath old_path, WzpPath new_path, gpointer user_data);
  /* Mode APP: gathered, or changed. Borrowed. */
  void (*local_candidates) (WzpNode *node, const WzpDescription *description,
      gpointer user_data);
  /* A caller: FALSE declines. All listeners must agree. */
  gboolean (*caller_connecting) (
      WzpNode *node, const WzpPeerInfo *peer, gpointer user_data);
  void (*caller_added) (
      WzpNode *node, const WzpPeerInfo *peer, gpointer user_data);
  void (*caller_removed) (
      WzpNode *node, const WzpPeerInfo *peer, gpointer user_data);
  /* The race of a call is decided, or a dial of it ended after that. */
  void (*race) (WzpNode *node, gpointer user_data);
  void (*warning) (WzpNode *node, const char *text, gpointer user_data);
  /* Trouble that is being retried. */
  void (*retrying) (WzpNode *node, const WzpFailure *failure,
      guint delay_ms, gpointer user_data);
} WzpNodeEvents;

/* @context: nullable: a thread of its own is made. Checks the configuration
 * (WZP_ERROR_INVALID that names the field); no I/O yet. */
WzpNode *wzp_node_new (
    const WzpNodeConfig *config, GMainContext *context, GError **error);
WzpNode *wzp_node_ref (WzpNode *self);
/* The last one stops it. */
void wzp_node_unref (WzpNode *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpNode, wzp_node_unref)

/* @events: static. @notify frees @user_data once no event can come any more.
 * The id for remove, which does not wait: events under way may still end. */
guint wzp_node_add_listener (WzpNode *self, const WzpNodeEvents *events,
    gpointer user_data, GDestroyNotify notify);
void wzp_node_remove_listener (WzpNode *self, guint id);

/* Opens the sockets, registers, calls or waits. Once. */
void wzp_node_start (WzpNode *self);
/* Hangs up, tells the relay, closes everything; last event is CLOSED. The last
 * words leave the socket before this returns or within @linger_ms (at most
 * 100 ms are waited for, only when media is connected). Not from an event. */
void wzp_node_stop (WzpNode *self);

/* Mode APP. Checks, then starts the race; with the same identity again: adds
 * candidates. */
gboolean wzp_node_set_remote (
    WzpNode *self, const WzpDescription *remote, GError **error);
/* Mode APP: the last local_candidates (transfer full), NULL: not yet. */
WzpDescription *wzp_node_dup_local (WzpNode *self);

/* @name: 1..WZP_FLOW_NAME_MAX bytes UTF-8. WZP_ERROR_BUSY: the name is taken,
 * WZP_ERROR_TOO_LARGE: WZP_NODE_MAX_FLOWS. @handler static, nullable;
 * @notify as above. New reference. May be called before or after start. */
WzpSendFlow *wzp_node_add_send_flow (WzpNode *self, const char *name,
    const WzpSendFlowHandler *handler, gpointer user_data,
    GDestroyNotify notify, GError **error);
/* @name: NULL takes the first flow of the peer that no named one claims. */
WzpRecvFlow *wzp_node_add_recv_flow (
    WzpNode *self, const char *name, GError **error);

WzpConnectionState wzp_node_get_state (WzpNode *self);
WzpPath wzp_node_get_path (WzpNode *self);
const WzpIdentity *wzp_node_get_identity (const WzpNode *self);
guint wzp_node_get_latency_ms (WzpNode *self); /* negotiated: the larger */

/* Snapshots; plain values. */
#define WZP_STATS_MAX_DIALS  (WZP_CANDIDATES_MAX + 1u)
#define WZP_STATS_MAX_REASON 192u

typedef struct {
  WzpPath path;
  gboolean is_up;
  gboolean in_use;
  char local[WZP_ADDR_MAX_STRLEN], remote[WZP_ADDR_MAX_STRLEN];
  gint64 srtt_us, rttvar_us;
  guint64 cwnd, packets_sent, packets_received, packets_lost;
  guint64 bytes_sent, bytes_received; /* UDP payload */
  guint mtu;
} WzpPathStats;

typedef struct {
  char address[WZP_ADDR_MAX_STRLEN]; /* the candidate, or the relay */
  const char *type;  /* static: "host", "srflx", "prflx", "relay" */
  const char *state; /* static: wzp_dial_state_to_string() */
  char reason[WZP_STATS_MAX_REASON]; /* why it failed, or was not tried; empty */
  gint64 took_us;    /* -1: pending */
} WzpDialStats;

typedef struct {
  WzpFingerprint peer;
  const char *role;   /* static */
  WzpPath path;       /* in use for sending */
  char path_reason[WZP_STATS_MAX_REASON]; /* why it changed last; empty */
  WzpPathStats paths[2];
  guint n_paths;
  WzpPath winner;     /* of the race */
  WzpDialStats dials[WZP_STATS_MAX_DIALS];
  guint n_dials;
  /* microseconds from the start of the race; -1: not yet */
  gint64 time_to_connect_us, time_to_first_media_us, time_to_direct_us;
  /* media datagrams and payload bytes of this call */
  guint64 packets_sent, bytes_sent, packets_received, bytes_received,
      packets_received_lost, packets_received_repeated, packets_bad;
  guint64 frames_sent, frames_received, frames_lost, frames_dropped;
} WzpCallStats;

typedef struct {
  WzpConnectionState state;
  guint n_calls;     /* live ones; entries of `calls` */
  guint n_total;     /* calls so far */
  WzpCallStats calls[WZP_NODE_MAX_CALLS]; /* after stop: the last one, n 1 */
  char path_reason[WZP_STATS_MAX_REASON]; /* of the last change of path of any
                                           * call; empty: none yet */
  guint64 bad_packets, refused; /* of the endpoint */
  guint room_members; /* mode ROOM: with us; 0: not told */
  char local_candidates[WZP_CANDIDATES_MAX][WZP_ADDR_MAX_STRLEN];
  guint n_local_candidates;
  char reflexive[WZP_ADDR_MAX_STRLEN]; /* empty: unknown */
} WzpNodeStats;

void wzp_node_get_stats (WzpNode *self, WzpNodeStats *ret_stats);

G_END_DECLS
