/* wzp-demo-sound: is what was received the tone that was sent? Windows of
 * samples are right when nearly all of their power is at the tone's frequency
 * and the level is the sender's.
 *
 * Pure; one streaming thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DEMO_SOUND_RATE   48000u /* samples a second, mono, 16 bits */
#define DEMO_SOUND_VOLUME 0.5    /* amplitude of full scale that is sent */
/* Ten a second: a tone of a multiple of 10 Hz has whole waves in each. */
#define DEMO_SOUND_WINDOW 4800u  /* samples */

typedef struct {
  double tone_hz;
  gint16 windows[2][DEMO_SOUND_WINDOW]; /* the one that fills, the last full */
  guint n_samples; /* of the one that fills */
  guint n_full;
  guint n_windows; /* judged: not the first, not the last, where a codec starts
                    * up and fills up its last packet */
  guint n_right;
  double worst_purity;   /* power at the tone to all power; 1: nothing else */
  double worst_level_db; /* the one that is furthest from the sender's */
} DemoSound;

/* @tone_hz: a multiple of 10 Hz. */
void demo_sound_init (DemoSound *self, double tone_hz);
void demo_sound_add (DemoSound *self, const gint16 *samples, gsize n);

G_END_DECLS
