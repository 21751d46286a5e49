/* wzp-clock-map: maps the sender's running time to the receiver's.
 *
 * Fastest-transit estimate: the offset is the smallest (arrival - sent) of a
 * sliding window, and follows the sender's clock drift slowly, so that queueing
 * does not move the timestamps: in the first second it is that smallest one,
 * afterwards it moves by 5 ms a second at most, and 1 ms at once. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Samples of the minimum filter: each the fastest of 20 ms, 10 s in all. */
#define WZP_CLOCK_MAP_WINDOW 512u

typedef struct _WzpClockMap WzpClockMap;

WzpClockMap *wzp_clock_map_new (void);
void wzp_clock_map_free (WzpClockMap *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpClockMap, wzp_clock_map_free)
void wzp_clock_map_reset (WzpClockMap *self);
/* Observes that what the sender stamped @sent_ns came at @arrival_ns of the
 * receiver's running time. A jump of more than 1 s that lasts (the sender
 * seeked or restarted: eight observations in a row, over 200 ms, that agree
 * within 100 ms) begins anew. Times above 2^61 ns are ignored. */
void wzp_clock_map_observe (
    WzpClockMap *self, guint64 sent_ns, guint64 arrival_ns);
/* Local running time of @sent_ns (never below 0). Before the first observation
 * it returns @sent_ns. Several flows of a call share one map, so that audio and
 * video stay together. */
guint64 wzp_clock_map_apply (const WzpClockMap *self, guint64 sent_ns);
gint64 wzp_clock_map_get_offset (const WzpClockMap *self);

G_END_DECLS
