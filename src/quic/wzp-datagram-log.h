/* wzp-datagram-log: when each datagram was sent and whether its fate is known,
 * by sequential id, in a ring. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In flight at once; when more are, the oldest count as settled. */
#define WZP_DATAGRAM_LOG_MAX 65536u
/* An unsettled one that was sent this long before one that is acknowledged now
 * counts as settled: the library below does not report every loss (a packet
 * whose stream data was sent again on a probe). Microseconds. */
#define WZP_DATAGRAM_LOG_STALE_US (2 * G_USEC_PER_SEC)

typedef struct _WzpDatagramLog WzpDatagramLog;

WzpDatagramLog *wzp_datagram_log_new (void);
void wzp_datagram_log_free (WzpDatagramLog *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpDatagramLog, wzp_datagram_log_free)

/* The id that wzp_datagram_log_sent() will give next. */
guint64 wzp_datagram_log_next_id (const WzpDatagramLog *self);
/* The next datagram left in the packet with this (wrapping) number. */
void wzp_datagram_log_sent (
    WzpDatagramLog *self, gint64 now_us, guint32 packet);
void wzp_datagram_log_acked (WzpDatagramLog *self, guint64 id);
/* Returns whether it is the first datagram lost of its packet. Unknown and
 * settled ids are passed over by both. */
gboolean wzp_datagram_log_lost (WzpDatagramLog *self, guint64 id);
/* 0: none is unsettled. */
gint64 wzp_datagram_log_oldest_us (const WzpDatagramLog *self);
/* Nothing is in flight: all are settled. */
void wzp_datagram_log_settle (WzpDatagramLog *self);
/* Gives the memory back when all are settled. */
void wzp_datagram_log_trim (WzpDatagramLog *self);

G_END_DECLS
