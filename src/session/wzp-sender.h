/* wzp-sender: the media half of a call that sends: its flows, their frames and
 * the call-wide datagram numbers. Which connection the datagrams leave by is
 * the call's business (wzp-call). No I/O; the session thread.
 *
 * A frame that follows an end of stream begins a new flow of the same name,
 * under the next flow id. */
#pragma once

#include "wzp-control.h"
#include "wzp-packetizer.h"
#include "wzp-send-flow-private.h"

G_BEGIN_DECLS

/* What a call keeps of a flow that others take faster than it; then the oldest
 * frame goes, and all that follow it up to the next key frame. */
#define WZP_SENDER_QUEUE_BYTES  (4u * 1024u * 1024u) /* or one frame */
#define WZP_SENDER_QUEUE_FRAMES 512u
/* A stream without key frames is not waited for longer than this. */
#define WZP_SENDER_SKIP_MAX_US (5 * G_USEC_PER_SEC)

typedef struct _WzpSender WzpSender;

typedef struct {
  /* The queue of @flow is empty here: take the next item of the flow and
   * wzp_sender_give() it to every call. FALSE: there is none. Must not remove a
   * flow. */
  gboolean (*refill) (WzpSendFlow *flow, gpointer user_data);
  /* Sends a message over the reliable channel. */
  void (*control) (const WzpControl *control, gpointer user_data);
} WzpSenderHandler;

WzpSender *wzp_sender_new (
    const WzpSenderHandler *handler, gpointer user_data);
void wzp_sender_free (WzpSender *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpSender, wzp_sender_free)

/* In an open room, before any flow: the tag that is written with the flow ids,
 * of which there are WZP_ROOM_FLOW_ID_MAX then. */
void wzp_sender_set_tag (WzpSender *self, guint64 tag);
/* Opens @flow in this call: FLOW_OPEN once it is described, a key frame is
 * asked for, and frames are sent from the first key frame on that belongs to
 * this description or a later one. FALSE: more than WZP_FLOW_ID_MAX flows were
 * opened in this call. */
gboolean wzp_sender_add_flow (
    WzpSender *self, WzpSendFlow *flow, gint64 now_us);
void wzp_sender_remove_flow (WzpSender *self, WzpSendFlow *flow);
/* Takes references, not the item. An item of a flow not added is ignored. */
void wzp_sender_give (WzpSender *self, WzpSendFlow *flow,
    const WzpSendItem *item, gint64 now_us);

/* The next media datagram, round robin over the flows. FALSE: nothing. */
gboolean wzp_sender_next (
    WzpSender *self, gsize max_size, WzpPacket *ret_packet);
/* The same; the frame is kept until it is forgotten, within the bounds of
 * wzp-sent-frames.h. */
gboolean wzp_sender_next_kept (
    WzpSender *self, gsize max_size, gint64 now_us, WzpPacket *ret_packet);
/* What was sent whole before @before_us has arrived. */
void wzp_sender_forget (WzpSender *self, gint64 before_us);
/* What is kept is to be sent once more. FALSE: there is nothing. */
gboolean wzp_sender_repeat (WzpSender *self);
/* The next datagram of that, under a new number, cut anew: a receiver that has
 * the frame drops it. FALSE: nothing is left. */
gboolean wzp_sender_next_again (
    WzpSender *self, gsize max_size, WzpPacket *ret_packet);
/* Nothing is to be sent once more. */
void wzp_sender_cancel_repeat (WzpSender *self);
/* The number that the next datagram will get. */
guint64 wzp_sender_peek_number (const WzpSender *self);
/* For a datagram that is not media. */
guint64 wzp_sender_take_number (WzpSender *self);
/* Everything sent so far has been acknowledged: tells the flows whose end of
 * stream was among it. */
void wzp_sender_all_acked (WzpSender *self);
/* Whether all_acked() would tell anybody anything. */
gboolean wzp_sender_awaits_ack (const WzpSender *self);
/* KEY_REQUEST of the peer; an unknown flow id is ignored. */
void wzp_sender_key_request (WzpSender *self, guint32 flow_id, gint64 now_us);
/* The path changed or a gap is likely: key frames of all flows. */
void wzp_sender_key_request_all (WzpSender *self, gint64 now_us);

typedef struct {
  guint64 packets, bytes; /* media datagrams, their payload */
  guint64 frames, frames_dropped;
} WzpSenderStats;
void wzp_sender_get_stats (const WzpSender *self, WzpSenderStats *ret_stats);

G_END_DECLS
