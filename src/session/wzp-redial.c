#include "wzp-redial.h"

/* A wait is longer by up to this part of it, so that those who failed together
 * do not come back together. */
#define SPREAD_SHARE 10

void
wzp_redial_up (WzpRedial *self)
{
  g_return_if_fail (self != NULL);

  self->n_waits = 0;
}

gint64
wzp_redial_failed (
    WzpRedial *self, gint64 first_us, gint64 max_us, guint32 random)
{
  gint64 wait_us = MIN (first_us, max_us);

  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (first_us >= 0 && max_us >= 0, 0);

  for (guint i = 0; i < self->n_waits && wait_us > 0 && wait_us < max_us; i++)
    wait_us = MIN (wait_us * 2, max_us);
  self->n_waits++;
  return wait_us + random % (wait_us / SPREAD_SHARE + 1);
}

gint64
wzp_redial_lost (WzpRedial *self, gint64 first_us, gint64 max_us, gint64 now_us,
    guint32 random)
{
  g_return_val_if_fail (self != NULL, 0);

  if (!self->was_quick ||
      now_us - self->quick_us >= WZP_REDIAL_QUICK_EVERY_US) {
    self->was_quick = TRUE;
    self->quick_us = now_us;
  } else if (now_us - self->quick_us >= WZP_REDIAL_SAME_US) {
    return wzp_redial_failed (self, first_us, max_us, random);
  }
  return random % WZP_REDIAL_SPREAD_US;
}
