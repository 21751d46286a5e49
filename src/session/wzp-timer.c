#include "wzp-timer.h"

struct _WzpTimer {
  GSource *source;
  gint64 deadline_us; /* -1: none */
  gint64 armed_us; /* the source's ready time, no later than that; -1: none */
  void (*func) (gpointer);
  gpointer user_data;
};

static void
arm (WzpTimer *self, gint64 deadline_us)
{
  self->armed_us = deadline_us;
  g_source_set_ready_time (self->source, deadline_us);
}

static gboolean
dispatch (GSource *source, GSourceFunc func, gpointer user_data)
{
  WzpTimer *self = user_data;

  /* It stays due until it is moved: clear it first. */
  self->armed_us = -1;
  g_source_set_ready_time (source, -1);
  if (self->deadline_us < 0)
    return G_SOURCE_CONTINUE;
  if (self->deadline_us > g_source_get_time (source)) {
    arm (self, self->deadline_us);
    return G_SOURCE_CONTINUE;
  }
  self->deadline_us = -1;
  self->func (self->user_data);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch };

static gboolean
never (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

WzpTimer *
wzp_timer_new (
    GMainContext *context, void (*func) (gpointer), gpointer user_data)
{
  WzpTimer *self = g_new0 (WzpTimer, 1);

  self->func = func;
  self->user_data = user_data;
  self->deadline_us = -1;
  self->armed_us = -1;
  self->source = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (self->source, never, self, NULL);
  g_source_attach (self->source, context);
  return self;
}

void
wzp_timer_free (WzpTimer *self)
{
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_free (self);
}

void
wzp_timer_set (WzpTimer *self, gint64 deadline_us)
{
  self->deadline_us = deadline_us;
  /* GLib wakes the thread's poll for every change, its own too. A deadline that
   * only moves on, as most do with every packet, waits for the old one. */
  if (deadline_us >= 0 && (self->armed_us < 0 || deadline_us < self->armed_us))
    arm (self, deadline_us);
}

void
wzp_timer_set_earlier (WzpTimer *self, gint64 deadline_us)
{
  if (deadline_us >= 0 &&
      (self->deadline_us < 0 || deadline_us < self->deadline_us))
    wzp_timer_set (self, deadline_us);
}
