/* wzp-datagram: the head of every media datagram (QUIC DATAGRAM payload).
 *
 *   byte 0     0x80
 *   byte 1     flags in the upper six bits, the low two zero
 *   varint     number: call-wide per direction, one per datagram
 *   varint     flow id (0: control channel); in an open room, where many send,
 *              the sender's tag (56 bits, random) times 64 and the flow id
 *   --- on the relay path all that follows is sealed (crypto/wzp-seal), with
 *       the bytes above as additional data ---
 *   media:     varint frame number
 *     FRAME_START set:   varint frame flags (WZP_FRAME_*)
 *                        varint description generation
 *                        varint frame size, bytes
 *                        varint PTS + 1 (0: none), ns of running time
 *                        varint zigzag (PTS - DTS) + 1 (0: no DTS; without a
 *                               PTS: DTS + 1)
 *                        varint duration + 1 (0: none), ns
 *     else:              varint offset of the payload in the frame
 *   the rest:  payload
 *
 * A FRAME_START fragment is at offset 0 of its frame. Every fragment describes
 * itself, so any order works. Pure. */
#pragma once

#include "wzp-varint.h"

G_BEGIN_DECLS

#define WZP_DATAGRAM_BYTE0 0x80u

/* byte 1 */
#define WZP_DATAGRAM_FRAME_START 0x80u
#define WZP_DATAGRAM_FRAME_END   0x40u
#define WZP_DATAGRAM_KEY_FRAME   0x20u
#define WZP_DATAGRAM_CONTROL     0x10u
#define WZP_DATAGRAM_RESERVED    0x0fu /* written as 0; the low two must be */

#define WZP_DATAGRAM_MIN_PREFIX  4u  /* bytes */
#define WZP_DATAGRAM_MAX_PREFIX  18u /* bytes */
#define WZP_DATAGRAM_MAX_HEADER  80u /* bytes, prefix and media head */
#define WZP_DATAGRAM_MIN_RELAYED 12u /* bytes; a shorter one is not relayed */

#define WZP_FLOW_ID_MAX     64u
#define WZP_ROOM_FLOW_ID_MAX 63u /* in an open room */
#define WZP_ROOM_TAG_MAX    ((G_GUINT64_CONSTANT (1) << 56) - 1)
#define WZP_FRAME_SIZE_MAX  (16u * 1024u * 1024u) /* bytes */
#define WZP_TIME_NONE       G_MAXUINT64 /* ns */
#define WZP_TIME_MAX        (G_GUINT64_CONSTANT (1) << 61) /* ns */

/* frame flags, on the wire */
#define WZP_FRAME_DELTA_UNIT 0x01u
#define WZP_FRAME_DISCONT    0x02u
#define WZP_FRAME_HEADER     0x04u
#define WZP_FRAME_MARKER     0x08u
#define WZP_FRAME_DROPPABLE  0x10u
#define WZP_FRAME_FLAGS_ALL  0x1fu

typedef struct {
  guint8 flags;     /* WZP_DATAGRAM_* */
  guint64 number;
  guint32 flow;
  guint64 sender;   /* tag in an open room; 0: in a call */
  gsize prefix_len; /* bytes up to here */
} WzpDatagramPrefix;

typedef struct {
  guint32 flags;      /* WZP_FRAME_* */
  guint32 generation; /* of the flow's description (caps) */
  guint32 size;       /* bytes */
  guint64 pts, dts, duration; /* ns of running time, WZP_TIME_NONE */
} WzpFrameMeta;

typedef struct {
  guint64 frame;     /* number, per flow, from 0 */
  gboolean is_start; /* meta is valid, offset is 0 */
  guint32 offset;
  WzpFrameMeta meta;
} WzpMediaHead;

/* Returns the bytes written into @buf (of WZP_DATAGRAM_MAX_PREFIX at least);
 * 0 when @number or @flow is over WZP_VARINT_MAX. Reserved bits of @flags are
 * not written. @flow: in an open room wzp_datagram_room_flow(). */
gsize wzp_datagram_write_prefix (
    guint8 *buf, guint8 flags, guint64 number, guint64 flow);
/* @sender: 1 to WZP_ROOM_TAG_MAX; @flow: 0 to WZP_ROOM_FLOW_ID_MAX. */
guint64 wzp_datagram_room_flow (guint64 sender, guint32 flow);
/* Returns the bytes written into @buf (WZP_DATAGRAM_MAX_HEADER at least); 0
 * when head->frame is over WZP_VARINT_MAX. A time over WZP_TIME_MAX is written
 * as none. */
gsize wzp_datagram_write_media (guint8 *buf, const WzpMediaHead *head);

/* FALSE on anything malformed: short, byte 0, reserved low bits, flow id over
 * the limit, control flag with a flow or the reverse. */
gboolean wzp_datagram_parse_prefix (
    const guint8 *data, gsize len, WzpDatagramPrefix *ret_prefix);
/* The same in an open room; FALSE without a sender's tag too. */
gboolean wzp_datagram_parse_room_prefix (
    const guint8 *data, gsize len, WzpDatagramPrefix *ret_prefix);
/* @data: what follows the prefix (opened). FALSE on malformed, sizes over the
 * limit, offset + payload > WZP_FRAME_SIZE_MAX. Unknown frame flags are left
 * out. @ret_len: bytes of the head. */
gboolean wzp_datagram_parse_media (const WzpDatagramPrefix *prefix,
    const guint8 *data, gsize len, WzpMediaHead *ret_head, gsize *ret_len);

G_END_DECLS
