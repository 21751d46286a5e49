/* wzp-control-channel: small ordered reliable messages over datagrams, the
 * same on every path: what it writes is sent on each live one.
 *
 * Text of its datagrams (behind the prefix with the control flag):
 *   varint 0         kind: channel (a type of wzp-control.h otherwise: a PROBE)
 *   varint ack       messages received in order so far
 *   varint[] sack    count (<= WZP_CONTROL_MAX_SACK) and later messages that
 *                    are whole, as differences to ack
 *   segments, until the end:
 *     varint seq     message number, from 0
 *     varint offset, varint total, varint len, bytes
 *
 * A datagram with segments is acknowledged at once, also one that is repeated;
 * one without is not. A message is written again when its timer ends, or when
 * one that was written after it has come and it has not. At most 64 KiB of
 * messages (or one) are under way, so that a burst does not flood a path.
 * Pure; time is passed in, microseconds of any monotonic clock, from 0. */
#pragma once

#include "wzp-control.h"

G_BEGIN_DECLS

#define WZP_CONTROL_MAX_UNACKED 64u /* messages; also the receive window */
#define WZP_CONTROL_MAX_SACK    16u
#define WZP_CONTROL_MAX_BYTES   (1024u * 1024u) /* held per direction */
#define WZP_CONTROL_KIND_CHANNEL 0u

typedef struct _WzpControlChannel WzpControlChannel;

WzpControlChannel *wzp_control_channel_new (void);
void wzp_control_channel_free (WzpControlChannel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpControlChannel, wzp_control_channel_free)

/* Queues a message of at most WZP_CONTROL_MAX_MESSAGE bytes (a reference is
 * taken). FALSE: WZP_CONTROL_MAX_UNACKED messages or _MAX_BYTES are
 * unacknowledged; nothing was taken. */
gboolean wzp_control_channel_send (WzpControlChannel *self, GBytes *message);
/* A message of any size would be taken. */
gboolean wzp_control_channel_has_room (const WzpControlChannel *self);
/* Everything that was sent has been acknowledged. */
gboolean wzp_control_channel_is_idle (const WzpControlChannel *self);
/* Of the path in use; the retransmission timer is twice that (doubled at each
 * loss, 20 ms to 1 s). 0: unknown (initial 100 ms). */
void wzp_control_channel_set_rtt (WzpControlChannel *self, gint64 srtt_us);
/* A new path came up: whatever is unacknowledged is due at once. */
void wzp_control_channel_kick (WzpControlChannel *self);
/* A received text, kind included. FALSE: malformed, acknowledging what was not
 * sent, or outside the window; nothing changed then. A message that there is no
 * room for until others are popped is left out, for the peer to repeat. */
gboolean wzp_control_channel_receive (WzpControlChannel *self,
    const guint8 *data, gsize len, gint64 now_us);
/* Next message in order (transfer full); NULL: none. */
GBytes *wzp_control_channel_pop (WzpControlChannel *self);
/* Writes the text of the next datagram due, at most @size bytes (>= 256);
 * returns its length, 0: nothing is due. Call until 0. */
gsize wzp_control_channel_write (
    WzpControlChannel *self, gint64 now_us, guint8 *buf, gsize size);
/* When write() will have something (0: now); -1: not before another call. */
gint64 wzp_control_channel_get_deadline (const WzpControlChannel *self);

G_END_DECLS
