#include "wzp-replay.h"

#include <string.h>

#define WORD_BITS 64u

struct _WzpReplay {
  gboolean has_any;
  guint64 highest; /* marked; valid with has_any */
  /* A ring of bits: that of a number is at number modulo the window. Only the
   * bits from highest - window + 1 to highest mean anything, which is all. */
  guint64 words[WZP_REPLAY_WINDOW / WORD_BITS];
};

G_STATIC_ASSERT (WZP_REPLAY_WINDOW % WORD_BITS == 0);
/* So that the ring goes on evenly where the number wraps. */
G_STATIC_ASSERT ((WZP_REPLAY_WINDOW & (WZP_REPLAY_WINDOW - 1)) == 0);

static guint64
mask_of (guint64 number)
{
  return G_GUINT64_CONSTANT (1) << (number % WORD_BITS);
}

static gsize
word_of (guint64 number)
{
  return number % WZP_REPLAY_WINDOW / WORD_BITS;
}

/* Clears the bits of @n numbers from @first on, whole words where it can. */
static void
clear_bits (WzpReplay *self, guint64 first, guint64 n)
{
  while (n > 0) {
    guint64 step = 1;

    if (first % WORD_BITS == 0 && n >= WORD_BITS) {
      self->words[word_of (first)] = 0;
      step = WORD_BITS;
    } else {
      self->words[word_of (first)] &= ~mask_of (first);
    }
    first += step;
    n -= step;
  }
}

static void
advance (WzpReplay *self, guint64 number)
{
  guint64 distance = number - self->highest;

  if (!self->has_any || distance >= WZP_REPLAY_WINDOW)
    memset (self->words, 0, sizeof self->words);
  else
    clear_bits (self, self->highest + 1, distance);
  self->has_any = TRUE;
  self->highest = number;
}

WzpReplay *
wzp_replay_new (void)
{
  return g_new0 (WzpReplay, 1);
}

void
wzp_replay_free (WzpReplay *self)
{
  g_free (self);
}

gboolean
wzp_replay_was_seen (const WzpReplay *self, guint64 number)
{
  g_return_val_if_fail (self != NULL, TRUE);

  if (!self->has_any || number > self->highest)
    return FALSE;
  if (self->highest - number >= WZP_REPLAY_WINDOW)
    return TRUE;
  return (self->words[word_of (number)] & mask_of (number)) != 0;
}

void
wzp_replay_mark (WzpReplay *self, guint64 number)
{
  g_return_if_fail (self != NULL);

  if (!self->has_any || number > self->highest)
    advance (self, number);
  else if (self->highest - number >= WZP_REPLAY_WINDOW)
    return;
  self->words[word_of (number)] |= mask_of (number);
}

guint64
wzp_replay_highest (const WzpReplay *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->highest;
}
