/* wzp-node-private: what the files of the node share. Everything but what is
 * said to be used "with lock" belongs to the session thread. */
#pragma once

#include "wzp-call.h"
#include "wzp-direct-proof.h"
#include "wzp-loop.h"
#include "wzp-nat.h"
#include "wzp-network-monitor.h"
#include "wzp-node.h"
#include "wzp-recv-flow-private.h"
#include "wzp-redial.h"
#include "wzp-reflect-probe.h"
#include "wzp-room.h"
#include "wzp-signal-client.h"
#include "wzp-timer.h"

G_BEGIN_DECLS

#define WZP_NODE_ANSWER_TIMEOUT_US (30 * G_USEC_PER_SEC) /* offer to answer */
#define WZP_NODE_SETUP_TIMEOUT_US  (10 * G_USEC_PER_SEC) /* answer to setup */
/* A caller is let in for one that has been silent so long. */
#define WZP_NODE_REPLACE_US     (3 * G_USEC_PER_SEC)
#define WZP_NODE_STATS_US       (200 * 1000) /* how old a snapshot gets */
#define WZP_NODE_MAX_EARLY      4u /* direct connections before their call */
#define WZP_NODE_EARLY_US       (10 * G_USEC_PER_SEC)
/* Calls with one description of ours; then a new one is published. */
#define WZP_NODE_MAX_APP_USES 64u
/* How often the relay is asked where it sees us. */
#define WZP_NODE_REFLECT_US     (30 * G_USEC_PER_SEC)
/* A relay that is lost so soon after the network changed is lost by that. */
#define WZP_NODE_NETWORK_NEW_US (5 * G_USEC_PER_SEC)
#define WZP_NODE_STOP_WAIT_US   (100 * 1000)

typedef struct {
  WzpCall *call;
  char *alias;         /* owned, nullable: what the caller calls itself */
  char *own_reflexive; /* owned, nullable: as we told the peer */
  const char *own_nat; /* static, nullable: the same */
  char *peer_nat;      /* owned, nullable: as the peer told us */
  char *told;          /* owned: all that we told of our addresses */
  guint64 generation;  /* of the last CandidateUpdate */
  gboolean is_private; /* one side reveals no address: relay only */
  gboolean is_incoming;
  gint64 setup_deadline_us; /* -1: the race has begun */
  gboolean was_up;     /* media could flow once */
} WzpCallEntry;

/* An offer that waits for its answer. */
typedef struct {
  char *call_id; /* NULL: none */
  WzpFingerprint target;
  WzpEphemeral *ephemeral;
  char *own_reflexive;
  const char *own_nat;
  char *message; /* JSON of the offer, to say it again */
  char *early_setup; /* JSON of a CallSetup that overtook the answer, or NULL */
  gboolean has_early_report, early_direct_ok; /* of a MediaPathReport */
  gint64 deadline_us;
} WzpPendingOffer;

typedef struct {
  WzpConn *conn; /* owned, NULL: free */
  gint64 deadline_us;
} WzpEarlyConn;

typedef struct {
  WzpRecvFlow *flow; /* owned */
  gconstpointer claimed; /* the call or room that has it; NULL: free */
} WzpRecvEntry;

typedef struct {
  gatomicrefcount refs;
  guint id;
  int removed; /* atomic */
  const WzpNodeEvents *events;
  gpointer user_data;
  GDestroyNotify notify;
} WzpNodeListener;

struct _WzpNode {
  gatomicrefcount refs;

  int is_stopping; /* atomic */

  /* constant */
  WzpNodeConfig config; /* strings owned */
  WzpLoop *loop;        /* owned; NULL: the context was given */
  GMainContext *context;
  WzpIdentity *identity;
  gboolean bound_to_loopback;

  GMutex lock;
  GCond cond; /* is_stopped */
  /* with lock */
  GPtrArray *listeners; /* of WzpNodeListener */
  guint next_listener_id;
  GPtrArray *flow_names; /* of char *: send flows, to keep them apart */
  guint n_recv_flows;
  gboolean is_started, is_stopped;
  WzpConnectionState state;
  WzpPath path;
  guint latency_ms;
  WzpDescription *local; /* mode APP, nullable */
  WzpNodeStats *stats;
  WzpEndpoint *wake_target; /* the endpoint while it exists */

  /* session thread */
  WzpEndpoint *endpoint;
  WzpSignalClient *signal;
  WzpNetworkMonitor *monitor; /* with the endpoint; nullable */
  gint64 network_us;    /* when the network last changed; 0: never, or used */
  const char *nat;      /* static, for offers; NULL: nothing is known */
  WzpNatObservation nat_seen; /* by the relay's first port */
  WzpReflectProbe *nat_probe; /* at its second one, under way; nullable */
  guint16 next_port;    /* that the NAT will give, where it does so in a row;
                         * 0: not known */
  guint port_step;
  gint64 reflect_at_us; /* when the relay is asked again where it sees us */
  WzpTimer *timer;
  GPtrArray *calls;      /* of WzpCallEntry, owned */
  GPtrArray *send_flows; /* of WzpSendFlow, owned */
  GPtrArray *recv_flows; /* of WzpRecvEntry, owned */
  WzpRoom *room;         /* mode ROOM; NULL: between two attempts */
  WzpRoomKey *room_key;  /* made at the first attempt; nullable */
  WzpPendingOffer offer;
  WzpEarlyConn early[WZP_NODE_MAX_EARLY];
  WzpDirectProof *proof; /* with the endpoint */
  WzpEphemeral *app_ephemeral; /* mode APP: of `local` */
  WzpDescription *early_remote; /* came before `local` was there, or NULL */
  GHashTable *app_used; /* ids of the calls that `local` has made already */
  gint64 retry_at_us;    /* -1: none */
  guint attempts;        /* since the last success */
  WzpRedial retry_rule;  /* of attempts, */
  WzpRedial signal_rule; /* and of signalling during a call */
  gboolean signal_stood; /* it was ready, and its loss not told of yet */
  guint n_total_calls;
  gint64 stats_at_us;
  WzpCallStats *last_call; /* of the newest call that ended; NULL: none */
  gboolean has_failed;
  gboolean has_told_timeline; /* that it cannot be written */
};

#define wzp_node_assert_session(self) \
  g_assert (g_main_context_is_owner ((self)->context))

/* wzp-node-config.c */
/* Strings are owned by the copy; the identity is left out. */
void wzp_node_config_copy (WzpNodeConfig *to, const WzpNodeConfig *from);
void wzp_node_config_clear (WzpNodeConfig *config);
gboolean wzp_node_config_check (const WzpNodeConfig *config, GError **error);

/* wzp-node-flows.c */
void wzp_node_orphan_flows (WzpNode *self);
void wzp_node_recv_entry_free (gpointer data);

/* wzp-node.c */
/* Runs @func later in the session thread, in the order of the calls. Not
 * g_main_context_invoke(): that may run it here when the thread has not taken
 * its context yet. Any thread. */
void wzp_node_invoke (WzpNode *self, void (*func) (WzpNode *node, gpointer data),
    gpointer data, GDestroyNotify notify);
/* Any thread: the flows' wake-up; @user_data is the node. */
void wzp_node_wake (gpointer user_data);
void wzp_node_set_state (WzpNode *self, WzpConnectionState state,
    const WzpFailure *failure);
void wzp_node_emit_progress (WzpNode *self, const char *step);
void wzp_node_emit_warning (WzpNode *self, const char *text);
void wzp_node_schedule (WzpNode *self, gint64 deadline_us);
void wzp_node_refresh_stats (WzpNode *self);
GPtrArray *wzp_node_dup_listeners (WzpNode *self); /* of WzpNodeListener */

/* wzp-node-calls.c */
extern const WzpEndpointHandler wzp_node_endpoint_handler;
extern const WzpDirectProofHandler wzp_node_proof_handler;
GDestroyNotify wzp_node_call_entry_free_func (void);
guint wzp_node_max_calls (const WzpNode *self);
WzpCallEntry *wzp_node_find_call (const WzpNode *self, const char *call_id);
/* Makes the call and its entry. NULL and @error when the keys do not agree. */
WzpCallEntry *wzp_node_add_call (WzpNode *self, const char *call_id,
    const guint8 peer_key[WZP_PUBLIC_KEY_LEN],
    const WzpCallFeatures *features, const WzpEphemeral *own,
    const guint8 peer_ephemeral[WZP_PUBLIC_KEY_LEN], GError **error);
/* Starts its race with what the peer told. */
void wzp_node_start_call (WzpNode *self, WzpCallEntry *entry,
    const char *const *peer_local, const char *peer_reflexive);
/* Hangs up and frees it. */
void wzp_node_drop_call (WzpNode *self, WzpCallEntry *entry,
    WzpHangupReason reason, const char *text);
void wzp_node_update_connected (WzpNode *self);
/* @why: in words. */
void wzp_node_emit_path (
    WzpNode *self, WzpPath old_path, WzpPath new_path, const char *why);
/* The receive flow for a peer's flow of this name, for @claimant (a call, a
 * room): a new reference, or NULL. And that it is free again. */
WzpRecvFlow *wzp_node_claim_recv_flow (
    WzpNode *self, const char *name, gconstpointer claimant);
void wzp_node_unclaim_recv_flow (WzpNode *self, const WzpRecvFlow *flow);
void wzp_node_housekeep_calls (WzpNode *self, gint64 now_us);
/* An attempt is over: try again later, or fail for good. */
void wzp_node_fail_attempt (WzpNode *self, const GError *error,
    const char *phase, WzpPath path, const WzpCloseInfo *info);
void wzp_node_fill_candidate_filter (
    WzpNode *self, WzpCandidateFilter *ret_filter);

/* wzp-node-signal.c */
void wzp_node_begin (WzpNode *self);   /* endpoint is open: register or gather */
void wzp_node_try_again (WzpNode *self); /* the retry time has come */
void wzp_node_begin_race (
    WzpNode *self, WzpCallEntry *entry, const WzpMessage *setup);

/* wzp-node-tell.c */
/* What we offer as host candidates, as text (transfer full; NULL: nothing). */
char **wzp_node_dup_host_candidates (WzpNode *self);
char *wzp_node_dup_own_reflexive (WzpNode *self); /* NULL: not told */
char *wzp_node_new_nonce (void); /* 32 random hex digits */
/* What we can; and @nat: the kind of NAT that we say is in front of us. */
void wzp_node_fill_features (WzpMessage *message, const char *nat);
const char *wzp_node_get_nat (const WzpNode *self); /* NULL: not told */
/* What we have in common with the sender of an offer or answer. */
WzpCallFeatures wzp_node_common_features (const WzpMessage *message);
/* Says what a call without them means for its user. */
void wzp_node_warn_of_features (WzpNode *self, const WzpFingerprint *peer,
    const WzpCallFeatures *features);
/* Puts in our keys and signs them for a call with @to. */
void wzp_node_sign_call (WzpNode *self, WzpMessage *message,
    const WzpEphemeral *ephemeral, const WzpFingerprint *to);
/* WZP_ERROR_IDENTITY: offer or answer says by its signed key that its sender
 * seals, and by its features that it does not: the relay has changed it. */
gboolean wzp_node_check_features (const WzpMessage *message,
    const WzpCallFeatures *features, GError **error);
gboolean wzp_node_check_peer_pin (
    WzpNode *self, const WzpFingerprint *peer, GError **error);
void wzp_node_send_hangup (
    WzpNode *self, const char *call_id, WzpHangupReason reason);
/* All that we tell of our addresses now, to compare (transfer full). */
char *wzp_node_dup_told (WzpNode *self);
/* What the call's timeline has of our side. */
void wzp_node_note_call (WzpNode *self, const WzpCallEntry *entry);
/* That we are seen at @reflexive, to one of them; NULL: where we always are. */
void wzp_node_tell_reflexive (
    WzpNode *self, WzpCallEntry *entry, const WzpAddr *reflexive);
/* CandidateUpdate to each peer who was told something else. */
void wzp_node_tell_changes (WzpNode *self);

/* wzp-node-caller.c */
void wzp_node_place_call (WzpNode *self);
/* Signalling was lost and is back: the relay may have lost the offer too, and
 * takes one that it has for what it is. */
void wzp_node_repeat_offer (WzpNode *self);
void wzp_node_take_answer (WzpNode *self, const WzpMessage *answer);
void wzp_node_clear_offer (WzpNode *self);
void wzp_node_housekeep_signal (WzpNode *self, gint64 now_us);

/* wzp-node-listener.c */
void wzp_node_take_offer (WzpNode *self, const WzpMessage *offer);

/* wzp-node-room.c: mode ROOM */
void wzp_node_begin_room (WzpNode *self);
void wzp_node_drop_room (WzpNode *self);

/* wzp-node-nat.c: of what the relay sees of us */
void wzp_node_learn_nat (WzpNode *self);
void wzp_node_drop_nat_probe (WzpNode *self);

/* wzp-node-network.c: the network is another one */
void wzp_node_watch_network (WzpNode *self);
void wzp_node_housekeep_network (WzpNode *self, gint64 now_us);
/* What the relay sees of us, to the statistics. */
void wzp_node_take_reflexive (WzpNode *self);
/* Tells the peers, or the application, what is new of our addresses. */
void wzp_node_tell_network (WzpNode *self);
/* When to connect again to a relay that was lost during a call. */
gint64 wzp_node_get_signal_retry_us (WzpNode *self);
/* How long to wait after a failure, ms. At once where the connection to the
 * relay was lost that the attempt stood on, or a call that was up. */
guint wzp_node_get_retry_ms (
    WzpNode *self, const WzpFailure *failure, const WzpCloseInfo *info);

/* wzp-node-app.c: mode APP */
void wzp_node_publish_local (WzpNode *self);
/* The same keys with other addresses, if they are others: calls made with the
 * description before this one and with this one are the same. */
void wzp_node_republish_local (WzpNode *self);
void wzp_node_take_remote (WzpNode *self, const WzpDescription *remote);

G_END_DECLS
