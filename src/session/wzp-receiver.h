/* wzp-receiver: the media half of a call that receives: numbers, flows,
 * reassembly, timing, and the hand-over to the receive flows of the node. No
 * I/O; the session thread; time is passed in. */
#pragma once

#include "wzp-control.h"
#include "wzp-recv-flow-private.h"

G_BEGIN_DECLS

/* Reordering allowance while one path is in use, and descriptions of a flow
 * that are remembered for frames still under way. */
#define WZP_RECEIVER_HOLD_US          (20 * 1000)
#define WZP_RECEIVER_MAX_DESCRIPTIONS 4u
/* A flow that nobody takes keeps what comes for so long (within the bounds of
 * reassembly), then discards it. */
#define WZP_RECEIVER_CLAIM_US (500 * 1000)
#define WZP_RECEIVER_SKIP_MAX_US (5 * G_USEC_PER_SEC)

typedef struct _WzpReceiver WzpReceiver;

typedef struct {
  /* Who takes the peer's flow of this name: a new reference, or NULL. */
  WzpRecvFlow *(*claim) (const char *name, gpointer user_data);
  /* A claimed flow has ended; the receive flow is free for another. */
  void (*unclaimed) (WzpRecvFlow *flow, gpointer user_data);
  /* Sends a message over the reliable channel. */
  void (*control) (const WzpControl *control, gpointer user_data);
} WzpReceiverHandler;

WzpReceiver *wzp_receiver_new (
    const WzpReceiverHandler *handler, gpointer user_data);
/* Does not tell the receive flows anything: wzp_receiver_end() does. */
void wzp_receiver_free (WzpReceiver *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpReceiver, wzp_receiver_free)

/* In an open room, before anything else: what the others send has begun long
 * ago. A flow is handed out from the first frame on that comes, but not before
 * a key frame, which is asked for; streams without any are not waited for
 * longer than WZP_RECEIVER_SKIP_MAX_US. */
void wzp_receiver_set_joins_late (WzpReceiver *self);
/* Where the peer describes no flows (FLOW_OPEN), before anything else: a flow
 * is open with the first frame that comes of it. It has the empty name, which
 * only a receive flow without a name takes, and empty caps; generations of its
 * frames mean nothing until a FLOW_OPEN comes after all. One that has been
 * quiet for WZP_RECEIVER_CLAIM_US is claimed when it speaks again. */
void wzp_receiver_set_implied_flows (WzpReceiver *self);
/* An authentic media datagram: @prefix, and @len bytes behind it. */
void wzp_receiver_push (WzpReceiver *self, const WzpDatagramPrefix *prefix,
    const guint8 *data, gsize len, gint64 now_us);
/* A control datagram used up this number. FALSE: it came before. */
gboolean wzp_receiver_mark_number (WzpReceiver *self, guint64 number);
/* FLOW_OPEN, FLOW_EOS, FLOW_CLOSE; others are ignored. */
void wzp_receiver_control (
    WzpReceiver *self, const WzpControl *control, gint64 now_us);
/* How long a gap is waited for; the reordering allowance by default, longer
 * around a change of path. */
void wzp_receiver_set_hold (WzpReceiver *self, gint64 hold_us);
/* Hands out what time alone has made ready. */
void wzp_receiver_advance (WzpReceiver *self, gint64 now_us);
gint64 wzp_receiver_get_deadline (const WzpReceiver *self); /* -1: none */

/* A receive flow has appeared: unclaimed flows may be for it. */
void wzp_receiver_claim (WzpReceiver *self, gint64 now_us);
/* @flow leaves; what comes for it is discarded until claimed again. */
void wzp_receiver_release (WzpReceiver *self, WzpRecvFlow *flow);
/* Sends a KEY_REQUEST where the streaming thread asked for one. */
void wzp_receiver_collect_key_requests (WzpReceiver *self);
/* The call is over: what is whole is handed out to flows that are known to end
 * with it, then EOS; ENDED to every other. */
void wzp_receiver_end (WzpReceiver *self);

typedef struct {
  guint64 packets, bytes, lost, repeated, bad;
  guint64 frames, frames_lost, frames_dropped; /* dropped: nobody claimed */
} WzpReceiverStats;
void wzp_receiver_get_stats (
    const WzpReceiver *self, WzpReceiverStats *ret_stats);

G_END_DECLS
