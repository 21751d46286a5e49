#include "wzp-clock-map.h"

#include <string.h>

/* One sample of the window is the fastest of so much arrival time: the window
 * is about ten seconds long, however many frames a second there are. */
#define SAMPLE_NS (20 * G_GUINT64_CONSTANT (1000000))

/* At first the offset is the fastest transit itself, so that a start behind a
 * queue does not stay in the timestamps; later it moves towards it by one part
 * in SLEW (5 ms a second; a bad clock drifts by 0.2), MAX_STEP_NS at once. */
#define LEARN_NS    G_GUINT64_CONSTANT (1000000000)
#define SLEW        200
#define MAX_STEP_NS G_GINT64_CONSTANT (1000000)

/* A jump lasts when so many observations in a row, over so much time, agree
 * on it. A queue of a second that drains does not: its transit falls. */
#define JUMP_NS        G_GINT64_CONSTANT (1000000000)
#define JUMP_SPREAD_NS G_GINT64_CONSTANT (100000000)
#define JUMP_LASTS_NS  G_GUINT64_CONSTANT (200000000)
#define JUMP_SAMPLES   8u

/* Times above are nobody's running time; below, no difference overflows. */
#define TIME_MAX_NS (G_GUINT64_CONSTANT (1) << 61)

typedef struct {
  guint64 number; /* arrival / SAMPLE_NS */
  gint64 transit; /* arrival - sent: offset of the clocks and the way, ns */
} Sample;

struct _WzpClockMap {
  gboolean has_any;
  guint64 began_ns;  /* arrival of the first observation */
  guint64 latest_ns; /* and of the latest */
  gint64 offset;     /* ns; what apply() adds */

  /* Minimum filter: transits rise from first to last, one per number. */
  Sample samples[WZP_CLOCK_MAP_WINDOW];
  guint first, n_samples;

  guint n_jumped; /* observations that agree on a jump, in a row */
  guint64 jump_began_ns;
  gint64 jump_transit, jump_fastest;
};

WzpClockMap *
wzp_clock_map_new (void)
{
  return g_new0 (WzpClockMap, 1);
}

void
wzp_clock_map_free (WzpClockMap *self)
{
  g_free (self);
}

void
wzp_clock_map_reset (WzpClockMap *self)
{
  memset (self, 0, sizeof *self);
}

static Sample *
sample_at (WzpClockMap *self, guint i)
{
  return &self->samples[(self->first + i) % WZP_CLOCK_MAP_WINDOW];
}

static void
add_sample (WzpClockMap *self, guint64 arrival_ns, gint64 transit)
{
  guint64 number = arrival_ns / SAMPLE_NS;

  while (self->n_samples > 0 &&
      number - sample_at (self, 0)->number >= WZP_CLOCK_MAP_WINDOW) {
    self->first = (self->first + 1) % WZP_CLOCK_MAP_WINDOW;
    self->n_samples--;
  }
  while (self->n_samples > 0 &&
      sample_at (self, self->n_samples - 1)->transit >= transit)
    self->n_samples--;
  /* A slower one of the same number would leave the window no later. */
  if (self->n_samples > 0 &&
      sample_at (self, self->n_samples - 1)->number == number)
    return;
  *sample_at (self, self->n_samples++) =
      (Sample){ .number = number, .transit = transit };
}

static void
begin (WzpClockMap *self, guint64 arrival_ns, gint64 transit)
{
  wzp_clock_map_reset (self);
  self->has_any = TRUE;
  self->began_ns = self->latest_ns = arrival_ns;
  self->offset = transit;
  add_sample (self, arrival_ns, transit);
}

/* TRUE while @transit is too far off to be the network's doing; begins anew
 * when that lasts. */
static gboolean
is_jump (WzpClockMap *self, guint64 arrival_ns, gint64 transit)
{
  if (ABS (transit - self->offset) <= JUMP_NS) {
    self->n_jumped = 0;
    return FALSE;
  }
  if (self->n_jumped == 0 ||
      ABS (transit - self->jump_transit) > JUMP_SPREAD_NS) {
    self->n_jumped = 0;
    self->jump_began_ns = arrival_ns;
    self->jump_transit = self->jump_fastest = transit;
  }
  self->n_jumped++;
  self->jump_fastest = MIN (self->jump_fastest, transit);
  if (self->n_jumped >= JUMP_SAMPLES &&
      arrival_ns - self->jump_began_ns >= JUMP_LASTS_NS)
    begin (self, arrival_ns, self->jump_fastest);
  return TRUE;
}

void
wzp_clock_map_observe (WzpClockMap *self, guint64 sent_ns, guint64 arrival_ns)
{
  gint64 transit, step, most;

  if (sent_ns > TIME_MAX_NS || arrival_ns > TIME_MAX_NS)
    return;
  if (self->has_any)
    arrival_ns = MAX (arrival_ns, self->latest_ns);
  transit = (gint64) arrival_ns - (gint64) sent_ns;
  if (!self->has_any) {
    begin (self, arrival_ns, transit);
    return;
  }
  most = (gint64) MIN (
      (arrival_ns - self->latest_ns) / SLEW, (guint64) MAX_STEP_NS);
  self->latest_ns = arrival_ns;
  if (is_jump (self, arrival_ns, transit))
    return;

  add_sample (self, arrival_ns, transit);
  step = sample_at (self, 0)->transit - self->offset;
  if (arrival_ns - self->began_ns > LEARN_NS)
    step = CLAMP (step, -most, most);
  self->offset += step;
}

guint64
wzp_clock_map_apply (const WzpClockMap *self, guint64 sent_ns)
{
  gint64 mapped;

  if (sent_ns > TIME_MAX_NS)
    return sent_ns;
  mapped = (gint64) sent_ns + self->offset;
  return (guint64) MAX (mapped, 0);
}

gint64
wzp_clock_map_get_offset (const WzpClockMap *self)
{
  return self->offset;
}
