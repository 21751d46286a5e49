/* wzp-call: one call: a peer, the race for a path, up to two links, the control
 * channel, the nominated path and the media both ways.
 *
 *   IDLE -> RACING -> UP -> ENDED
 *             |              ^
 *             +--------------+
 *
 *   IDLE   -> RACING  [wzp_call_start]
 *   RACING -> UP      a path was heard: media may be sent
 *   any    -> ENDED   race failed, every path lost, BYE, wzp_call_hang_up
 *
 * The session thread. */
#pragma once

#include "wzp-call-keys.h"
#include "wzp-endpoint.h"
#include "wzp-fresh-socket.h"
#include "wzp-network-rule.h"
#include "wzp-node.h"
#include "wzp-race.h"
#include "wzp-send-flow-private.h"

G_BEGIN_DECLS

/* Nothing authentic of the peer for so long: it is gone. */
#define WZP_CALL_SILENCE_US (15 * G_USEC_PER_SEC)
/* Control messages waiting for room in the channel. */
#define WZP_CALL_MAX_PENDING_CONTROL 256u
/* A peer without a control channel cannot ask for key frames: it gets one so
 * often, and at each change of path. */
#define WZP_CALL_PLAIN_KEY_US (5 * G_USEC_PER_SEC)
/* Without keep_relay the relay's link is closed when direct has been in use for
 * so long: by then the peer's media comes that way too. */
#define WZP_CALL_RELAY_DROP_US (2 * G_USEC_PER_SEC)
/* A connection that another took the place of is kept so long, for what is
 * still under way: a round trip or two. */
#define WZP_CALL_RETIRED_US (G_USEC_PER_SEC)
/* Fresh sockets at a time: one that is tried, and one that carries media. One
 * that did not help is closed so long after it was seen. */
#define WZP_CALL_MAX_FRESH      2u
#define WZP_CALL_FRESH_TRIAL_US (5 * G_USEC_PER_SEC)
/* A lost relay link is dialled again at once (wzp-redial), and if that fails
 * after this, doubled up to the maximum. */
#define WZP_CALL_RELAY_RETRY_US     (G_USEC_PER_SEC)
#define WZP_CALL_RELAY_RETRY_MAX_US (30 * G_USEC_PER_SEC)

typedef struct _WzpCall WzpCall;

/* What both sides can (the `features` of offer and answer that both have). */
typedef struct {
  gboolean has_control; /* "control": the control channel, probes, NOMINATE;
                         * FALSE: a plain call, see wzp-plain-nominate */
  gboolean is_sealed;   /* "sealed": what the relay passes on */
  gboolean has_flows;   /* "flows": flows are described before they are used */
  gboolean has_punch;   /* "punch": punches, GO; needs has_control */
  gboolean peer_is_open; /* the peer's `nat` is "none" */
} WzpCallFeatures;

typedef struct {
  WzpEndpoint *endpoint; /* not owned */
  GMainContext *context;
  const char *call_id;
  WzpFingerprint peer;
  guint8 peer_key[WZP_PUBLIC_KEY_LEN];
  WzpCallFeatures features;
  WzpCallKeys keys; /* copied */
  WzpRaceConfig race; /* role is set by start() */
  guint latency_ms;
  guint window; /* receive buffer to tell the peer, bytes */
  /* A CallOffer of ours, as bytes of a stream (a reference is taken): first
   * thing on the relay's room, and on a direct connection that a plain call has
   * dialled. */
  GBytes *media_offer;
  /* Where to write the call's timeline when it ends; NULL: keep none. */
  const char *timeline_folder;
} WzpCallConfig;

typedef struct {
  /* Media can flow; once. */
  void (*connected) (WzpCall *call, gpointer user_data);
  /* @why: in words. */
  void (*path_changed) (WzpCall *call, WzpPath old_path, WzpPath new_path,
      const char *why, gpointer user_data);
  /* The race was decided, or a dial ended after that. */
  void (*race_news) (WzpCall *call, gpointer user_data);
  /* Over, for good; the last callback, never from inside a function of this
   * header. @error NULL: the peer hung up in order. */
  void (*ended) (WzpCall *call, const GError *error, const WzpCloseInfo *info,
      WzpPath path, gpointer user_data);
  /* Dials the call's room on the relay: a new reference, or NULL. */
  WzpConn *(*dial_relay) (WzpCall *call, const WzpConnHandler *handler,
      gpointer conn_data, GError **error, gpointer user_data);
  WzpRecvFlow *(*claim) (
      WzpCall *call, const char *name, gpointer user_data);
  void (*unclaimed) (WzpCall *call, WzpRecvFlow *flow, gpointer user_data);
  gboolean (*refill) (WzpCall *call, WzpSendFlow *flow, gpointer user_data);
  /* Another socket for punches, with @data for @fresh; NULL: none can be had.
   * NULL callback: there are none. */
  WzpFreshSocket *(*open_fresh) (WzpCall *call, const WzpFreshHandler *fresh,
      gpointer data, GError **error, gpointer user_data);
  /* With open_fresh(): to tell the peer that we are seen at @reflexive; NULL:
   * where we always are. */
  void (*tell_reflexive) (
      WzpCall *call, const WzpAddr *reflexive, gpointer user_data);
  /* Tell the peer by MediaPathReport. A plain call: see wzp-plain-nominate.h;
   * another one says FALSE when it has come to the relay, before it is up. */
  void (*report) (WzpCall *call, gboolean direct_ok, gpointer user_data);
  /* Something that does not disturb the call. */
  void (*warning) (WzpCall *call, const char *text, gpointer user_data);
} WzpCallHandler;

WzpCall *wzp_call_new (const WzpCallConfig *config,
    const WzpCallHandler *handler, gpointer user_data);
/* Closes what is open; no callback. Not from inside one, but ended(). */
void wzp_call_free (WzpCall *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpCall, wzp_call_free)

const char *wzp_call_get_id (const WzpCall *self);
const WzpFingerprint *wzp_call_get_peer (const WzpCall *self);
const guint8 *wzp_call_get_peer_key (const WzpCall *self);
/* No control channel: see WzpCallFeatures. */
gboolean wzp_call_is_plain (const WzpCall *self);
gboolean wzp_call_is_started (const WzpCall *self);
gboolean wzp_call_is_up (const WzpCall *self);
gboolean wzp_call_is_ended (const WzpCall *self);
WzpRole wzp_call_get_role (const WzpCall *self);
WzpPath wzp_call_get_path (const WzpCall *self);
guint wzp_call_get_latency_ms (const WzpCall *self); /* negotiated */

/* For the timeline, if one is kept; before start(). A candidate of ours as text
 * (nullable), and from whom we have it; the kinds of NAT, nullable. */
void wzp_call_note_local (WzpCall *self, const char *text,
    WzpCandidateType type, const char *from);
void wzp_call_note_nat (WzpCall *self, const char *own, const char *peer);
/* Begins the race. @direct_allowed: our policy and the peer's acceptance. */
void wzp_call_start (WzpCall *self, WzpRole role, gboolean direct_allowed,
    const WzpCandidateList *candidates);
/* Our NAT gives ports in a row, and @port should be the next: the peer is told.
 * Before start(). */
void wzp_call_set_ports (WzpCall *self, guint16 port, guint step);
/* More candidates of the peer: what it tells now is all that it has. During the
 * race they join it; after it the Dialer dials again where the direct path is
 * not in use or leads to where the peer no longer is. */
void wzp_call_add_candidates (
    WzpCall *self, const WzpCandidateList *candidates);
/* A direct connection whose name and key are this call's came in. TRUE: taken
 * (or kept until start()). */
gboolean wzp_call_offer_conn (WzpCall *self, WzpConn *conn);
/* A packet that is not QUIC came. TRUE: it is, or claims to be, a punch of this
 * call. */
gboolean wzp_call_take_packet (WzpCall *self, const WzpUdpPacket *packet);
/* This machine's network is another one, or it slept: what has lost its address
 * is given up or dialled again at once. A sleep longer than
 * WZP_CALL_SILENCE_US ends the call. */
void wzp_call_network_changed (
    WzpCall *self, const WzpNetworkState *network, gint64 slept_us);
/* Says BYE on every path and is over: no ended() follows. Not from inside a
 * callback of a connection. */
void wzp_call_hang_up (
    WzpCall *self, WzpHangupReason reason, const char *text);

/* The relay passed on that the peer hung up (NULL) or was lost: ended() will
 * follow. */
void wzp_call_peer_hung_up (WzpCall *self, const GError *error);
/* The peer's MediaPathReport, at any time; ignored with a control channel. */
void wzp_call_take_report (WzpCall *self, gboolean direct_ok);
/* Calls report() again with the last one, if there was one: it may have been
 * lost with the connection to the relay. */
void wzp_call_repeat_report (WzpCall *self);
/* How long nothing authentic of the peer has come. */
gint64 wzp_call_get_silence_us (const WzpCall *self);

void wzp_call_add_send_flow (WzpCall *self, WzpSendFlow *flow);
void wzp_call_remove_send_flow (WzpCall *self, WzpSendFlow *flow);
/* To every call of the node, by refill() or on wake-up. */
void wzp_call_give (
    WzpCall *self, WzpSendFlow *flow, const WzpSendItem *item);
/* Another thread has queued something: frames, key requests. */
void wzp_call_woken (WzpCall *self);
void wzp_call_recv_flow_added (WzpCall *self);
void wzp_call_recv_flow_removed (WzpCall *self, WzpRecvFlow *flow);

void wzp_call_get_stats (const WzpCall *self, WzpCallStats *ret_stats);

G_END_DECLS
