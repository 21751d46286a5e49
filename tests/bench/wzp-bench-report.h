/* wzp-bench-report: what was measured, for people (tables that are Markdown
 * too) and for programs (JSON). */
#pragma once

#include <json-glib/json-glib.h>

#include "wzp-bench-run.h"

G_BEGIN_DECLS

#define BENCH_MAX_REPEATS 9u
/* Each path with each size, paced and not. */
#define BENCH_N_ROWS (BENCH_N_TRANSPORTS * BENCH_N_SIZES * 2u)

typedef struct {
  BenchCase c;
  const char *obstacle; /* static, nullable: why it was not measured */
  guint n;              /* runs that went well */
  guint n_failed;
  BenchFigures runs[BENCH_MAX_REPEATS];
} BenchRow;

typedef struct {
  guint mtu; /* of the loopback */
  BenchRow rows[BENCH_N_ROWS];
} BenchNetwork;

void bench_network_init (BenchNetwork *self, guint mtu);
/* NULL: no such row. */
const BenchRow *bench_network_find (const BenchNetwork *self,
    BenchTransport transport, guint size, gboolean is_paced);

/* Over the runs; 0 without any. */
double bench_row_median (const BenchRow *row, BenchValue value);
double bench_row_min (const BenchRow *row, BenchValue value);
double bench_row_max (const BenchRow *row, BenchValue value);

void bench_network_print (const BenchNetwork *self);
void bench_network_add_json (const BenchNetwork *self, JsonBuilder *builder);

G_END_DECLS
