/* wzp-packetizer: cuts the frames of one flow into datagrams. Pure, no copy:
 * payload iovecs point into the frame. */
#pragma once

#include "wzp-frame.h"

G_BEGIN_DECLS

typedef struct _WzpPacketizer WzpPacketizer;

typedef struct {
  guint8 head[WZP_DATAGRAM_MAX_HEADER];
  gsize prefix_len; /* of head: clear on every path */
  gsize head_len;   /* bytes of head in all */
  struct iovec payload[WZP_FRAME_MAX_IOV];
  guint n_payload;
  gsize payload_len;
  gboolean starts_frame, ends_frame;
} WzpPacket;

/* @flow: 1 to WZP_FLOW_ID_MAX, or in an open room wzp_datagram_room_flow(). */
WzpPacketizer *wzp_packetizer_new (guint64 flow);
void wzp_packetizer_free (WzpPacketizer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpPacketizer, wzp_packetizer_free)

/* Begins @frame (transfer full); only when idle. Gives it the next number. */
void wzp_packetizer_begin (WzpPacketizer *self, WzpFrame *frame);
gboolean wzp_packetizer_is_idle (const WzpPacketizer *self);
/* The next datagram of at most @max_size bytes (head and payload; at least
 * WZP_DATAGRAM_MAX_HEADER + 1), with call-wide @number. FALSE when idle. The
 * payload points into the frame, which stays until the call after the last. */
gboolean wzp_packetizer_next (WzpPacketizer *self, guint64 number,
    gsize max_size, WzpPacket *ret_packet);
/* The frame of the last datagram, borrowed; NULL: none. */
WzpFrame *wzp_packetizer_get_frame (const WzpPacketizer *self);
/* Gives up the rest of the frame under way: the receiver sees it as lost. */
void wzp_packetizer_abandon (WzpPacketizer *self);
/* The number that the next frame will get. */
guint64 wzp_packetizer_get_next_frame (const WzpPacketizer *self);
/* Only when idle: for a frame that is sent again. */
void wzp_packetizer_set_next_frame (WzpPacketizer *self, guint64 number);

G_END_DECLS
