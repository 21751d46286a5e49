/* wzp-load-pacer: does something so and so often in a second, evenly spread. */
#pragma once

#include "wzp-load-histogram.h"

G_BEGIN_DECLS

typedef struct _LoadPacer LoadPacer;

/* @n times, from the @slot'th on, are due. */
typedef void (*LoadPacerFunc) (guint64 slot, guint n, gpointer user_data);

/* In the default context. */
LoadPacer *load_pacer_new (
    double per_second, LoadPacerFunc func, gpointer user_data);
void load_pacer_free (LoadPacer *self);
/* How late it was with the last slot, microseconds. */
gint64 load_pacer_get_lag_us (const LoadPacer *self);

G_END_DECLS
