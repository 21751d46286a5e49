/* wzp-bench-stamp: what stands at the beginning of each buffer. */
#pragma once

#include <glib.h>
#include <time.h>

G_BEGIN_DECLS

#define BENCH_STAMP_MAGIC G_GUINT64_CONSTANT (0x777a702d62656e63)

typedef struct {
  guint64 magic;
  guint64 size;    /* of the whole buffer, bytes */
  guint64 number;  /* from 1 on; 0: sent before the measurement */
  guint64 time_ns; /* when the element was given it */
} BenchStamp;

/* The clock that all processes of a machine share, nanoseconds. */
static inline guint64
bench_now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (guint64) now.tv_sec * 1000000000u + (guint64) now.tv_nsec;
}

G_END_DECLS
