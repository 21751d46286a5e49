/* wzp-recv-flow: one incoming media stream of a node: a bounded, locked queue
 * between the session thread and a streaming thread.
 *
 * The session thread never waits: when the queue is full the oldest whole frame
 * is dropped and the next one is marked. Of several descriptions, or several
 * ends, with no frame between them only the last is kept. Reference counted by
 * atomics. */
#pragma once

#include "wzp-frame.h"

G_BEGIN_DECLS

#define WZP_RECV_QUEUE_BYTES  (32u * 1024u * 1024u) /* caps and tags too */
#define WZP_RECV_QUEUE_FRAMES 16384u

typedef struct _WzpRecvFlow WzpRecvFlow;

typedef enum {
  WZP_RECV_FRAME,
  WZP_RECV_DESCRIPTION, /* caps and tags of the frames that follow */
  WZP_RECV_EOS,         /* the sender's stream ended in order */
  WZP_RECV_ENDED,       /* the call is over without an EOS: the peer hung up or
                         * was lost; another caller may come */
  WZP_RECV_FLUSHING,    /* set_flushing() */
  WZP_RECV_CLOSED,      /* the node has failed or stopped for good */
} WzpRecvKind;

typedef struct {
  WzpRecvKind kind;
  WzpFrame *frame;   /* FRAME, owned; meta times are the sender's running time */
  char *caps, *tags; /* DESCRIPTION, owned; tags nullable */
  gboolean discont;  /* FRAME: frames were lost or dropped before it, or it is
                      * the first of a call */
  guint64 lost;      /* FRAME: how many */
  gint64 offset_ns;  /* FRAME: add to meta.pts/dts for this machine's monotonic
                      * clock, nanoseconds */
} WzpRecvItem;

void wzp_recv_item_clear (WzpRecvItem *item);

WzpRecvFlow *wzp_recv_flow_ref (WzpRecvFlow *self);
void wzp_recv_flow_unref (WzpRecvFlow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRecvFlow, wzp_recv_flow_unref)

/* Streaming thread. Waits for the next item. @timeout_us: -1 for ever; FALSE
 * when it passed (an item was not filled in). */
gboolean wzp_recv_flow_pop (
    WzpRecvFlow *self, gint64 timeout_us, WzpRecvItem *ret_item);
/* Any thread. Asks the sender for a key frame; once in 200 ms at most, the
 * rest is ignored. */
void wzp_recv_flow_request_key (WzpRecvFlow *self);
/* Any thread. TRUE frees the wait and drops the frames that are queued and that
 * come meanwhile; the last description and the last end stay. */
void wzp_recv_flow_set_flushing (WzpRecvFlow *self, gboolean flushing);
/* Any thread. Leaves the node. */
void wzp_recv_flow_detach (WzpRecvFlow *self);

typedef struct {
  guint64 frames_out, bytes_out, frames_dropped, frames_lost;
  gsize queued_bytes;
  guint queued_frames;
} WzpRecvFlowStats;
void wzp_recv_flow_get_stats (WzpRecvFlow *self, WzpRecvFlowStats *ret_stats);

G_END_DECLS
