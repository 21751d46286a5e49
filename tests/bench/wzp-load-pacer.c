#include "wzp-load-pacer.h"

/* Slots that are done before sockets are looked at again. */
#define BURST 16u

typedef struct {
  GSource source;
  LoadPacer *pacer;
} PacerSource;

struct _LoadPacer {
  GSource *source; /* owned */
  double per_second;
  LoadPacerFunc func;
  gpointer user_data;
  gint64 start_us, lag_us;
  guint64 n;
};

static gint64
get_due_us (const LoadPacer *self, guint64 slot)
{
  return self->start_us +
      (gint64) ((double) slot * G_USEC_PER_SEC / self->per_second);
}

static gboolean
dispatch (GSource *source, GSourceFunc func, gpointer user_data)
{
  LoadPacer *self = ((PacerSource *) source)->pacer;
  const gint64 now_us = g_get_monotonic_time ();
  const guint64 first = self->n;

  while (self->n < first + BURST && get_due_us (self, self->n) <= now_us)
    self->lag_us = now_us - get_due_us (self, self->n++);
  if (self->n > first)
    self->func (first, (guint) (self->n - first), self->user_data);
  g_source_set_ready_time (source, get_due_us (self, self->n));
  return G_SOURCE_CONTINUE;
}

LoadPacer *
load_pacer_new (double per_second, LoadPacerFunc func, gpointer user_data)
{
  static GSourceFuncs funcs = { .dispatch = dispatch };
  LoadPacer *self = g_new0 (LoadPacer, 1);

  self->per_second = per_second;
  self->func = func;
  self->user_data = user_data;
  self->start_us = g_get_monotonic_time ();
  self->source = g_source_new (&funcs, sizeof (PacerSource));
  ((PacerSource *) self->source)->pacer = self;
  g_source_set_ready_time (self->source, self->start_us);
  g_source_attach (self->source, NULL);
  return self;
}

void
load_pacer_free (LoadPacer *self)
{
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_free (self);
}

gint64
load_pacer_get_lag_us (const LoadPacer *self)
{
  return self->lag_us;
}
