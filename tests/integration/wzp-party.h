/* wzp-party: a relay in a thread of its own, and nodes whose events are
 * recorded, for tests of whole calls over loopback. */
#pragma once

#include "wzp-node.h"
#include "wzp-relay.h"
#include "wzp-test.h"

typedef struct _WzpTestRelay WzpTestRelay;

/* On 127.0.0.1, at @port (0: any). */
WzpTestRelay *wzp_test_relay_new (guint16 port);
/* On another address of this machine. */
WzpTestRelay *wzp_test_relay_new_at (const char *listen, guint16 port);
/* Kills it: every connection is closed. */
void wzp_test_relay_free (WzpTestRelay *relay);
guint16 wzp_test_relay_get_port (WzpTestRelay *relay);
const char *wzp_test_relay_get_address (WzpTestRelay *relay); /* host:port */
const char *wzp_test_relay_get_fingerprint (WzpTestRelay *relay);
/* The relays that it federates with from now on. */
void wzp_test_relay_set_peers (
    WzpTestRelay *relay, const WzpRelayPeer *peers, guint n_peers);
void wzp_test_relay_set_limits (
    WzpTestRelay *relay, const WzpRegistryLimits *limits);
/* Closes every signalling connection, as a network that was down would. */
void wzp_test_relay_drop_clients (WzpTestRelay *relay);
/* The labels of links are not valid any more. */
void wzp_test_relay_get_stats (
    WzpTestRelay *relay, WzpRelayStats *ret_stats);

/* What was told of a node; read it with the lock. */
typedef struct {
  WzpNode *node; /* owned */
  guint listener;
  GMutex lock;
  WzpConnectionState state;
  guint states[WZP_STATE_CLOSED + 1]; /* how often each was entered */
  WzpPath path;
  guint path_changes;
  GString *log; /* one line an event */
  int error_code; /* of the last failure; -1: none */
  char *error_text;
  char *error_phase;
  WzpDescription *local;
  guint callers_added, callers_removed, races, retries;
  gboolean declines; /* what caller_connecting answers */
} WzpParty;

/* Defaults for a test: bound to 127.0.0.1, @relay's address unless NULL. */
void wzp_party_config (WzpNodeConfig *ret_config, WzpTestRelay *relay);
WzpParty *wzp_party_new (const WzpNodeConfig *config);
/* In @context, which somebody else runs. */
WzpParty *wzp_party_new_in (
    const WzpNodeConfig *config, GMainContext *context);
void wzp_party_start (WzpParty *party);
void wzp_party_free (WzpParty *party);

WzpConnectionState wzp_party_state (WzpParty *party);
WzpPath wzp_party_path (WzpParty *party);
guint wzp_party_count (WzpParty *party, const guint *counter);
int wzp_party_error (WzpParty *party);
gboolean wzp_party_log_has (WzpParty *party, const char *text);
/* NULL until it was told. Transfer full. */
WzpDescription *wzp_party_dup_local (WzpParty *party);

/* A frame of @size bytes whose content follows from @seed, and the check. */
WzpFrame *wzp_party_frame_new (guint32 seed, gsize size);
gboolean wzp_party_frame_is (const WzpFrame *frame, guint32 seed, gsize size);

/* Pushes @n frames of @size at @interval_us from a thread of its own, PTS from
 * @interval_us too; frame i has seed @first_seed + i. Then EOS if @eos. */
typedef struct _WzpTestSource WzpTestSource;
WzpTestSource *wzp_test_source_new (WzpSendFlow *flow, const char *caps,
    guint n, gsize size, guint interval_us, guint32 first_seed, gboolean eos);
/* Joins. Returns whether EOS was acknowledged (FALSE without @eos). */
gboolean wzp_test_source_join (WzpTestSource *source);

/* Collects what a receive flow gives, in a thread of its own. */
typedef struct {
  WzpRecvFlow *flow;
  GThread *thread;
  GMutex lock;
  gsize size;         /* of each frame */
  guint32 first_seed;
  guint frames, wrong, disordered, discont, eos, ended, closed, descriptions;
  guint64 lost;
  gint64 last_seed;   /* -1: none */
  gint64 max_gap_us;  /* between two frames */
  gint64 last_us;
  char *caps;
} WzpTestSinkhole;
WzpTestSinkhole *wzp_test_sinkhole_new (
    WzpRecvFlow *flow, gsize size, guint32 first_seed);
void wzp_test_sinkhole_free (WzpTestSinkhole *sinkhole);
guint wzp_test_sinkhole_get (WzpTestSinkhole *sinkhole, const guint *counter);
