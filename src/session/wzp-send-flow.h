/* wzp-send-flow: one outgoing media stream of a node: a bounded, locked queue
 * between a streaming thread and the session thread.
 *
 * Full means WZP_SEND_QUEUE_BYTES, or a first frame that has waited longer than
 * the node's latency: then push() waits, so that a pipeline feels a slow
 * network at once. Reference counted by atomics. */
#pragma once

#include "wzp-frame.h"

G_BEGIN_DECLS

#define WZP_SEND_QUEUE_BYTES  (2u * 1024u * 1024u) /* or one frame */
#define WZP_SEND_QUEUE_FRAMES 1024u

typedef struct _WzpSendFlow WzpSendFlow;

typedef enum {
  WZP_PUSH_OK,
  WZP_PUSH_DROPPED,  /* nobody is connected and wait was not asked for */
  WZP_PUSH_FLUSHING, /* set_flushing() */
  WZP_PUSH_CLOSED,   /* the node has failed for good: see its state event */
} WzpPushResult;

typedef struct {
  /* Session thread: a receiver wants a key frame (already coalesced: at most
   * one per 200 ms), or one has just joined. */
  void (*key_request) (WzpSendFlow *flow, gpointer user_data);
} WzpSendFlowHandler;

WzpSendFlow *wzp_send_flow_ref (WzpSendFlow *self);
void wzp_send_flow_unref (WzpSendFlow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpSendFlow, wzp_send_flow_unref)

/* Streaming thread. Caps and tags (nullable) as text; frames pushed after it
 * belong to it. Cheap when nothing changed. WZP_ERROR_TOO_LARGE when they do
 * not fit a control message. */
gboolean wzp_send_flow_describe (WzpSendFlow *self, const char *caps,
    const char *tags, GError **error);
/* Streaming thread. Takes @frame in every case. @wait_for_connection: wait
 * while nobody is connected. Waits while full. */
WzpPushResult wzp_send_flow_push (
    WzpSendFlow *self, WzpFrame *frame, gboolean wait_for_connection);
/* Streaming thread. Queues the end of the stream and waits until every peer
 * has acknowledged it, at most @timeout_ms. FALSE: not acknowledged in time,
 * or flushing. A push() after it begins anew. */
gboolean wzp_send_flow_eos (WzpSendFlow *self, guint timeout_ms);
/* Any thread. TRUE frees every wait and empties the queue. */
void wzp_send_flow_set_flushing (WzpSendFlow *self, gboolean flushing);
/* Any thread. Leaves the node (peers get FLOW_CLOSE). */
void wzp_send_flow_detach (WzpSendFlow *self);

typedef struct {
  guint64 frames_in, bytes_in, frames_dropped;
  gsize queued_bytes;
  guint queued_frames;
} WzpSendFlowStats;
void wzp_send_flow_get_stats (WzpSendFlow *self, WzpSendFlowStats *ret_stats);

G_END_DECLS
