/* wzp-frame-gate: which datagrams of an open room a slow receiver gets: whole
 * frames, or nothing of them. By the clear prefix alone.
 *
 *   WzpFrameFlows  one for each sender: where its frames begin and end
 *   WzpFrameGate   one for each receiver: what it did not get
 *
 * A frame begins to pass while less than a limit is queued for the receiver
 * (wzp_frame_gate_compute_limit()), and what has begun goes on until
 * WZP_FRAME_GATE_MAX_QUEUED: so a key frame larger than the limit passes too. A
 * frame that is all of one datagram and decodes alone (audio) may pass
 * WZP_FRAME_GATE_EXTRA more, so that a picture too many does not cost the
 * sound. Once a datagram of a frame was dropped the rest of it is; then the
 * flow's next key frame begins to pass, or, where the flow has shown no key
 * frame, its next frame. A flow whose frames are all key frames goes on with
 * the next one, that is. Control datagrams are not asked about.
 *
 * The order that counts is that of the sender's numbers, not of arrival: what
 * was dropped is a stretch of a flow's numbers, from the beginning of a frame
 * as far as it is known to the beginning of the frame that passed again. A
 * datagram that comes late is dropped inside of it and passes outside; and a
 * frame that began before anything dropped is never the one to go on with.
 *
 * Bounds: WZP_FRAME_GATE_MAX_FLOWS of a sender (one more takes the place of the
 * one not used for longest, and what its receivers lost), and
 * WZP_FRAME_GATE_MAX_GAPS of a receiver (what is lost beyond is not remembered:
 * the frame's rest may pass). Pure. */
#pragma once

#include "wzp-datagram.h"

G_BEGIN_DECLS

#define WZP_FRAME_GATE_MAX_FLOWS  64u   /* of one sender */
#define WZP_FRAME_GATE_MAX_GAPS   1024u /* flows with a loss, of one receiver */
#define WZP_FRAME_GATE_REORDER    64u   /* numbers, after a gap */
#define WZP_FRAME_GATE_MIN_LIMIT  (192u * 1024u)  /* bytes */
#define WZP_FRAME_GATE_MAX_LIMIT  (1024u * 1024u) /* bytes */
#define WZP_FRAME_GATE_EXTRA      (64u * 1024u)   /* bytes */
#define WZP_FRAME_GATE_MAX_QUEUED (1920u * 1024u) /* bytes */
#define WZP_FRAME_GATE_LIMIT_US   (250 * 1000) /* what the limit lets wait */

typedef struct _WzpFrameFlows WzpFrameFlows;
typedef struct _WzpFrameGate WzpFrameGate;

/* What is known of one datagram, for every receiver of it. */
typedef struct {
  guint64 flow;   /* of all flows of all senders */
  guint64 number;
  guint64 first;  /* the frame's first number, as far as is known */
  gboolean is_start, is_end, is_key;
  gboolean has_keys; /* the flow has shown a key frame */
} WzpFrameMark;

/* @sender: another for each of those that share a gate. */
WzpFrameFlows *wzp_frame_flows_new (guint32 sender);
void wzp_frame_flows_free (WzpFrameFlows *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpFrameFlows, wzp_frame_flows_free)
/* A media datagram of the sender; once for each, in the order of arrival. */
void wzp_frame_flows_mark (WzpFrameFlows *self,
    const WzpDatagramPrefix *prefix, WzpFrameMark *ret_mark);

WzpFrameGate *wzp_frame_gate_new (void);
void wzp_frame_gate_free (WzpFrameGate *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpFrameGate, wzp_frame_gate_free)
/* Whether a datagram of @len bytes may pass to the receiver, for which @queued
 * bytes wait. FALSE is remembered. */
gboolean wzp_frame_gate_pass (WzpFrameGate *self, const WzpFrameMark *mark,
    gsize len, gsize queued, gsize limit);
/* One that might have passed was lost after all. */
void wzp_frame_gate_lose (WzpFrameGate *self, const WzpFrameMark *mark);
/* @sender is gone. */
void wzp_frame_gate_forget (WzpFrameGate *self, guint32 sender);
guint wzp_frame_gate_get_gaps (const WzpFrameGate *self);

/* What a path that has @cwnd bytes under way in a round trip of @srtt_us takes
 * in WZP_FRAME_GATE_LIMIT_US, within MIN_LIMIT and MAX_LIMIT. */
gsize wzp_frame_gate_compute_limit (guint64 cwnd, gint64 srtt_us);

G_END_DECLS
