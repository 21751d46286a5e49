/* wzp-load-histogram: latencies, counted by the microsecond. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One of a second or more counts as this. */
#define LOAD_HISTOGRAM_US 1000000u

typedef struct {
  guint32 *counts; /* owned, LOAD_HISTOGRAM_US + 1; NULL: empty */
  guint64 n;
} LoadHistogram;

void load_histogram_add (LoadHistogram *self, gint64 us);
void load_histogram_clear (LoadHistogram *self);
/* @share: 0 to 1. 0 without any. */
double load_histogram_get_us (const LoadHistogram *self, double share);

G_END_DECLS
