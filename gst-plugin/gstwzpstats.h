/* gstwzpstats: a node's snapshot as the GstStructure application/x-wzp-stats of
 * the property `stats`: srt's names and units where it has one. Pure, but for
 * the rates, which the caller keeps between two readings. */
#pragma once

#include <gst/gst.h>

#include "wzp-node.h"

G_BEGIN_DECLS

#define GST_WZP_STATS_NAME "application/x-wzp-stats"
/* Readings closer together than this get the rates of the one before. */
#define GST_WZP_RATE_INTERVAL_US (200 * 1000)

/* Bytes at the reading before, for the rates since then. All zero: none yet. */
typedef struct {
  gint64 at_us;
  guint64 sent, received;
  double send_mbps, receive_mbps;
} GstWzpRates;

/* @now_us: monotonic. Counts from @bytes_* in the structure; call it once per
 * reading. */
void gst_wzp_rates_update (
    GstWzpRates *self, const WzpNodeStats *stats, gint64 now_us);

/* @stats: NULL before the first start: all zeros. @dropped: frames that the
 * element itself dropped, beside those of the calls. */
GstStructure *gst_wzp_stats_new (const WzpNodeStats *stats,
    const GstWzpRates *rates, guint latency_ms, guint64 dropped);

/* The structure "wzp-race" of an element message: field `race` of the stats
 * with the peer and the role. NULL: there is no call. */
GstStructure *gst_wzp_stats_new_race (const WzpNodeStats *stats);

/* The structure "wzp-path" of an element message. */
GstStructure *gst_wzp_stats_new_path (
    const WzpNodeStats *stats, WzpPath old_path, WzpPath new_path);

G_END_DECLS
