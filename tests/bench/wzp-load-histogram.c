#include "wzp-load-histogram.h"

void
load_histogram_add (LoadHistogram *self, gint64 us)
{
  if (self->counts == NULL)
    self->counts = g_new0 (guint32, LOAD_HISTOGRAM_US + 1);
  self->counts[CLAMP (us, 0, LOAD_HISTOGRAM_US)]++;
  self->n++;
}

void
load_histogram_clear (LoadHistogram *self)
{
  g_clear_pointer (&self->counts, g_free);
  self->n = 0;
}

double
load_histogram_get_us (const LoadHistogram *self, double share)
{
  const guint64 rank = (guint64) (share * (double) self->n);
  guint64 n = 0;

  for (guint us = 0; self->counts != NULL && us <= LOAD_HISTOGRAM_US; us++) {
    n += self->counts[us];
    if (n > rank || n == self->n)
      return us;
  }
  return 0.0;
}
