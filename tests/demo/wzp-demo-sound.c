#include "wzp-demo-sound.h"

#include <math.h>
#include <string.h>

#define MIN_PURITY   0.95
#define MAX_LEVEL_DB 2.0 /* away from the sender's */

void
demo_sound_init (DemoSound *self, double tone_hz)
{
  memset (self, 0, sizeof *self);
  self->tone_hz = tone_hz;
  self->worst_purity = 1.0;
}

/* Goertzel: the power that a window has at one frequency, as the mean square
 * of a sine of that power. */
static double
tone_power (const gint16 *samples, double tone_hz)
{
  const double n = DEMO_SOUND_WINDOW;
  const double turn = 2.0 * cos (2.0 * G_PI * tone_hz / DEMO_SOUND_RATE);
  double last = 0.0, before = 0.0;

  for (guint i = 0; i < DEMO_SOUND_WINDOW; i++) {
    const double now = samples[i] + turn * last - before;

    before = last;
    last = now;
  }
  return 2.0 * (last * last + before * before - turn * last * before) / (n * n);
}

static double
mean_square (const gint16 *samples)
{
  double sum = 0.0;

  for (guint i = 0; i < DEMO_SOUND_WINDOW; i++)
    sum += (double) samples[i] * samples[i];
  return sum / DEMO_SOUND_WINDOW;
}

static void
check_window (DemoSound *self, const gint16 *samples)
{
  const double amplitude = DEMO_SOUND_VOLUME * G_MAXINT16;
  const double all = mean_square (samples);
  const double purity =
      all > 0.0 ? tone_power (samples, self->tone_hz) / all : 0.0;
  const double level_db =
      10.0 * log10 ((all + 1e-9) / (amplitude * amplitude / 2.0));

  self->n_windows++;
  if (purity >= MIN_PURITY && fabs (level_db) <= MAX_LEVEL_DB)
    self->n_right++;
  self->worst_purity = MIN (self->worst_purity, purity);
  if (fabs (level_db) > fabs (self->worst_level_db))
    self->worst_level_db = level_db;
}

static void
end_window (DemoSound *self)
{
  /* A window is judged when the one behind it is full. */
  if (self->n_full >= 2)
    check_window (self, self->windows[1]);
  memcpy (self->windows[1], self->windows[0], sizeof self->windows[1]);
  self->n_full++;
  self->n_samples = 0;
}

void
demo_sound_add (DemoSound *self, const gint16 *samples, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    self->windows[0][self->n_samples++] = samples[i];
    if (self->n_samples == DEMO_SOUND_WINDOW)
      end_window (self);
  }
}
