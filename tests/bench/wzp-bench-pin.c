#include "wzp-bench-pin.h"

#include <sched.h>

/* Where this process may run, read once. */
static const cpu_set_t *
get_all (void)
{
  static cpu_set_t all;
  static gboolean is_read;

  if (!is_read && sched_getaffinity (0, sizeof all, &all) < 0)
    CPU_ZERO (&all);
  is_read = TRUE;
  return &all;
}

/* The @index'th core of @all; -1: there are fewer. */
static int
find_core (const cpu_set_t *all, guint index)
{
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET (cpu, all) && index-- == 0)
      return cpu;
  return -1;
}

gboolean
bench_pin (BenchCore core)
{
  const cpu_set_t *all = get_all ();
  const int second = find_core (all, 1);
  cpu_set_t set;

  if (second < 0)
    return FALSE;
  CPU_ZERO (&set);
  switch (core) {
    case BENCH_CORE_ANY:
      set = *all;
      break;
    case BENCH_CORE_RELAY:
      CPU_SET (find_core (all, 0), &set);
      break;
    case BENCH_CORE_ENDS:
      CPU_SET (second, &set);
      break;
  }
  return sched_setaffinity (0, sizeof set, &set) == 0;
}
