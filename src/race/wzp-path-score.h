/* wzp-path-score: which of two paths that both work is the better one, and
 * since when. For wzp-nominate. Pure.
 *
 * A score is a time, less is better: smoothed round trip + 4 times its
 * variation (what RFC 9002, section 6.2.1, waits for an acknowledgement) + 20 ms
 * for each percent of datagrams lost + 50 ms for the relay, which somebody
 * pays for - 3 ms for IPv6, which has no NAT to forget it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_PATH_SCORE_LOSS_US    (20 * 1000) /* for each percent */
#define WZP_PATH_SCORE_RELAY_US   (50 * 1000)
#define WZP_PATH_SCORE_IPV6_US    (3 * 1000)
/* Better is better by the larger of these two. */
#define WZP_PATH_SCORE_MARGIN_US  (10 * 1000)
#define WZP_PATH_SCORE_MARGIN_PCT 20
/* For how long without interruption before a path that works is left for it,
 * and how long after the last nomination at the earliest. */
#define WZP_PATH_SCORE_BETTER_US  ((gint64) 2 * G_USEC_PER_SEC)
#define WZP_PATH_SCORE_SETTLE_US  ((gint64) 5 * G_USEC_PER_SEC)
/* A connection that is newer has no score: its variation is still a guess (RFC
 * 9002, section 5.3). */
#define WZP_PATH_SCORE_YOUNG_US   ((gint64) 2 * G_USEC_PER_SEC)

/* Datagrams that a rate is taken from, at least; and how often. */
#define WZP_LOSS_METER_MIN     20u
#define WZP_LOSS_METER_US      (G_USEC_PER_SEC)
/* Where nothing is sent half of what is remembered goes in so long. */
#define WZP_LOSS_METER_HALF_US (30 * G_USEC_PER_SEC)

typedef struct {
  gint64 rtt_us; /* smoothed; 0: not known */
  gint64 rttvar_us;
  double loss; /* 0 to 1 */
  gboolean is_relay, is_ipv6;
} WzpPathQuality;

/* Microseconds, never negative; -1: not known. */
gint64 wzp_path_score (const WzpPathQuality *quality);
/* Whether the score @a is better than @b by the margin; FALSE where one is not
 * known. */
gboolean wzp_path_score_is_better (gint64 a, gint64 b);

/* The share of datagrams that were lost lately. Zero: as it begins. */
typedef struct {
  gboolean has_begun;
  guint64 total, lost; /* as last taken */
  gint64 at_us;
  double rate;
} WzpLossMeter;

/* @total, @lost: of all since the counters began; where they went back (another
 * connection) they are taken as a new beginning. */
void wzp_loss_meter_update (
    WzpLossMeter *self, guint64 total, guint64 lost, gint64 now_us);

G_END_DECLS
