#include "wzp-probe-times.h"

void
wzp_probe_times_sent (WzpProbeTimes *self, guint64 seq, gint64 now_us)
{
  self->seqs[self->next] = seq;
  self->sent_us[self->next] = now_us;
  self->next = (self->next + 1) % WZP_PROBE_TIMES;
}

gint64
wzp_probe_times_answered (WzpProbeTimes *self, guint64 seq, gint64 now_us)
{
  for (guint i = 0; i < WZP_PROBE_TIMES; i++) {
    const gint64 sent_us = self->sent_us[i];

    if (sent_us == 0 || self->seqs[i] != seq)
      continue;
    self->sent_us[i] = 0;
    return MAX (now_us - sent_us, 1);
  }
  return 0;
}
