/* wzp-bench-run: measures one case once: starts the processes, lets them talk,
 * ends them. */
#pragma once

#include "wzp-bench-case.h"

G_BEGIN_DECLS

typedef enum {
  BENCH_GOODPUT, /* Mbit/s of whole buffers that came out */
  BENCH_LOSS,    /* percent of the buffers that were sent */
  BENCH_P50,     /* one-way latency, microseconds */
  BENCH_P99,
  BENCH_CPU_SENDER, /* seconds for a Gbit that came out */
  BENCH_CPU_RECEIVER,
  BENCH_CPU_RELAY, /* 0 without one */
  BENCH_CPU_ENDS,  /* sender and receiver */
  BENCH_N_VALUES,
} BenchValue;

typedef struct {
  double values[BENCH_N_VALUES];
} BenchFigures;

typedef struct {
  const char *self;  /* this program */
  const char *relay; /* wzp-relay */
  guint warm_ms, ms;
  gboolean is_pinned; /* the relay on a core, both ends on another */
} BenchSetup;

/* FALSE: something went wrong, or nothing came out. */
gboolean bench_run (const BenchSetup *setup, const BenchCase *c,
    BenchFigures *ret_figures, GError **error);

G_END_DECLS
