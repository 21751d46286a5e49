#include "wzp-path-score.h"

#include <math.h>

gint64
wzp_path_score (const WzpPathQuality *quality)
{
  gint64 score_us;

  g_return_val_if_fail (quality != NULL, -1);

  if (quality->rtt_us <= 0)
    return -1;
  score_us = quality->rtt_us + 4 * MAX (quality->rttvar_us, 0) +
      (gint64) (CLAMP (quality->loss, 0, 1) * 100 * WZP_PATH_SCORE_LOSS_US);
  if (quality->is_relay)
    score_us += WZP_PATH_SCORE_RELAY_US;
  if (quality->is_ipv6)
    score_us -= WZP_PATH_SCORE_IPV6_US;
  return MAX (score_us, 0);
}

gboolean
wzp_path_score_is_better (gint64 a, gint64 b)
{
  return a >= 0 && b >= 0 &&
      b - a >=
      MAX (b * WZP_PATH_SCORE_MARGIN_PCT / 100, WZP_PATH_SCORE_MARGIN_US);
}

static void
begin (WzpLossMeter *self, guint64 total, guint64 lost, gint64 now_us)
{
  self->has_begun = TRUE;
  self->total = total;
  self->lost = lost;
  self->at_us = now_us;
}

/* A second counts a quarter: a burst is not yet a bad path. Losses that were
 * taken back make less than nothing lost. */
static double
take_in (const WzpLossMeter *self, guint64 total, guint64 lost)
{
  const double fresh = lost > self->lost
      ? (double) (lost - self->lost) / (double) (total - self->total)
      : 0;

  return 0.75 * self->rate + 0.25 * MIN (fresh, 1.0);
}

void
wzp_loss_meter_update (
    WzpLossMeter *self, guint64 total, guint64 lost, gint64 now_us)
{
  const gint64 past_us = now_us - self->at_us;

  g_return_if_fail (self != NULL);

  if (!self->has_begun || total < self->total) {
    begin (self, total, lost, now_us);
    return;
  }
  if (past_us < WZP_LOSS_METER_US)
    return;
  if (total - self->total >= WZP_LOSS_METER_MIN)
    self->rate = take_in (self, total, lost);
  else
    self->rate *= exp2 (-(double) past_us / (double) WZP_LOSS_METER_HALF_US);
  begin (self, total, lost, now_us);
}
