#include "wzp-rx-numbers.h"

#include <string.h>

#define WORD_BITS 64u

struct _WzpRxNumbers {
  gboolean has_any;
  guint64 first;   /* the first that came: none below it counts as lost */
  guint64 highest; /* with has_any */
  guint64 received, repeated, lost;
  /* Bit n % WZP_RX_NUMBERS_WINDOW: n came; for the numbers in
   * (highest - WZP_RX_NUMBERS_WINDOW, highest]. */
  guint64 came[WZP_RX_NUMBERS_WINDOW / WORD_BITS];
};

G_STATIC_ASSERT (WZP_RX_NUMBERS_WINDOW % WORD_BITS == 0);
G_STATIC_ASSERT ((WZP_RX_NUMBERS_WINDOW & (WZP_RX_NUMBERS_WINDOW - 1)) == 0);
G_STATIC_ASSERT (WZP_RX_NUMBERS_REORDER < WZP_RX_NUMBERS_WINDOW);

WzpRxNumbers *
wzp_rx_numbers_new (void)
{
  return g_new0 (WzpRxNumbers, 1);
}

void
wzp_rx_numbers_free (WzpRxNumbers *self)
{
  g_free (self);
}

static guint64 *
word_of (WzpRxNumbers *self, guint64 number, guint64 *ret_bit)
{
  guint64 place = number % WZP_RX_NUMBERS_WINDOW;

  *ret_bit = G_GUINT64_CONSTANT (1) << (place % WORD_BITS);
  return &self->came[place / WORD_BITS];
}

/* Makes highest one more. The number that falls out of the reordering
 * allowance by that is lost when it has not come. */
static void
step (WzpRxNumbers *self)
{
  guint64 bit;
  guint64 *word;

  if (self->highest - self->first >= WZP_RX_NUMBERS_REORDER) {
    word = word_of (self, self->highest - WZP_RX_NUMBERS_REORDER, &bit);
    if ((*word & bit) == 0)
      self->lost++;
  }
  self->highest++;
  word = word_of (self, self->highest, &bit);
  *word &= ~bit;
}

static void
advance (WzpRxNumbers *self, guint64 number)
{
  for (guint i = 0; i < WZP_RX_NUMBERS_WINDOW && self->highest < number; i++)
    step (self);

  /* After a whole window of steps nothing is marked any more, and each
   * further number up to here adds a lost one. */
  self->lost += number - self->highest;
  self->highest = number;
}

gboolean
wzp_rx_numbers_mark (WzpRxNumbers *self, guint64 number)
{
  guint64 bit;
  guint64 *word;

  if (!self->has_any) {
    self->has_any = TRUE;
    self->first = self->highest = number;
  } else if (number > self->highest) {
    advance (self, number);
  } else if (self->highest - number >= WZP_RX_NUMBERS_WINDOW) {
    return FALSE;
  }

  word = word_of (self, number, &bit);
  if ((*word & bit) != 0) {
    self->repeated++;
    return FALSE;
  }
  *word |= bit;
  self->received++;
  if (number >= self->first && self->highest - number > WZP_RX_NUMBERS_REORDER)
    self->lost--;
  return TRUE;
}

guint64
wzp_rx_numbers_received (const WzpRxNumbers *self)
{
  return self->received;
}

guint64
wzp_rx_numbers_repeated (const WzpRxNumbers *self)
{
  return self->repeated;
}

guint64
wzp_rx_numbers_lost (const WzpRxNumbers *self)
{
  return self->lost;
}
