/* wzp-probe-times: when probes were sent, so that an answer tells how long the
 * way there and back is, also where that is longer than from probe to probe.
 * Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_PROBE_TIMES 32u /* probes remembered */

typedef struct {
  guint64 seqs[WZP_PROBE_TIMES];
  gint64 sent_us[WZP_PROBE_TIMES]; /* 0: none, or answered */
  guint next;
} WzpProbeTimes;

void wzp_probe_times_sent (
    WzpProbeTimes *self, guint64 seq, gint64 now_us);
/* Microseconds, at least 1; 0: not one of them, or answered before. */
gint64 wzp_probe_times_answered (
    WzpProbeTimes *self, guint64 seq, gint64 now_us);

G_END_DECLS
