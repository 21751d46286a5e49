#include "wzp-clock.h"

#include <time.h>

gint64
wzp_clock_now_us (void)
{
  return g_get_monotonic_time ();
}

guint64
wzp_clock_now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (guint64) now.tv_sec * G_GUINT64_CONSTANT (1000000000) +
      (guint64) now.tv_nsec;
}

static gint64
read_us (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

gint64
wzp_clock_asleep_us (void)
{
  return read_us (CLOCK_BOOTTIME) - read_us (CLOCK_MONOTONIC);
}
