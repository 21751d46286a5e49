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
