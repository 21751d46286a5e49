#include "wzp-bench-report.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const value_names[BENCH_N_VALUES] = {
  [BENCH_GOODPUT] = "goodput-mbps",
  [BENCH_LOSS] = "loss-percent",
  [BENCH_P50] = "latency-p50-us",
  [BENCH_P99] = "latency-p99-us",
  [BENCH_CPU_SENDER] = "cpu-sender-s-per-gbit",
  [BENCH_CPU_RECEIVER] = "cpu-receiver-s-per-gbit",
  [BENCH_CPU_RELAY] = "cpu-relay-s-per-gbit",
  [BENCH_CPU_ENDS] = "cpu-ends-s-per-gbit",
};

void
bench_network_init (BenchNetwork *self, guint mtu)
{
  *self = (BenchNetwork){ .mtu = mtu };
  for (guint i = 0; i < BENCH_N_ROWS; i++) {
    BenchCase *c = &self->rows[i].c;

    c->transport = i % BENCH_N_TRANSPORTS;
    c->size = bench_sizes[i / BENCH_N_TRANSPORTS % BENCH_N_SIZES];
    if (i >= BENCH_N_ROWS / 2)
      c->rate = bench_paced_rate (c->size);
    self->rows[i].obstacle = bench_case_obstacle (c);
  }
}

const BenchRow *
bench_network_find (const BenchNetwork *self, BenchTransport transport,
    guint size, gboolean is_paced)
{
  for (guint i = 0; i < BENCH_N_ROWS; i++) {
    const BenchCase *c = &self->rows[i].c;

    if (c->transport == transport && c->size == size &&
        (c->rate != 0) == is_paced)
      return &self->rows[i];
  }
  return NULL;
}

static int
compare_values (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static void
sort_values (const BenchRow *row, BenchValue value, double *ret_sorted)
{
  for (guint i = 0; i < row->n; i++)
    ret_sorted[i] = row->runs[i].values[value];
  qsort (ret_sorted, row->n, sizeof *ret_sorted, compare_values);
}

double
bench_row_median (const BenchRow *row, BenchValue value)
{
  double sorted[BENCH_MAX_REPEATS];

  if (row->n == 0)
    return 0.0;
  sort_values (row, value, sorted);
  return (sorted[(row->n - 1) / 2] + sorted[row->n / 2]) / 2.0;
}

double
bench_row_min (const BenchRow *row, BenchValue value)
{
  double sorted[BENCH_MAX_REPEATS] = { 0.0 };

  sort_values (row, value, sorted);
  return sorted[0];
}

double
bench_row_max (const BenchRow *row, BenchValue value)
{
  double sorted[BENCH_MAX_REPEATS] = { 0.0 };

  sort_values (row, value, sorted);
  return sorted[MAX (row->n, 1) - 1];
}

static void
print_row (const BenchRow *row)
{
  g_autofree char *goodput = g_strdup_printf ("%.0f (%.0f-%.0f)",
      bench_row_median (row, BENCH_GOODPUT), bench_row_min (row, BENCH_GOODPUT),
      bench_row_max (row, BENCH_GOODPUT));
  g_autofree char *p50 =
      g_strdup_printf ("%.0f (%.0f-%.0f)", bench_row_median (row, BENCH_P50),
          bench_row_min (row, BENCH_P50), bench_row_max (row, BENCH_P50));
  g_autofree char *relay = row->c.transport == BENCH_RELAY
      ? g_strdup_printf ("%.3f", bench_row_median (row, BENCH_CPU_RELAY))
      : g_strdup ("");

  printf ("| %-7s | %-10s ", bench_size_name (row->c.size),
      bench_transport_name (row->c.transport));
  if (row->n == 0)
    printf ("| %19s | %6s | %22s | %7s | %6s | %8s | %6s |\n",
        row->obstacle != NULL ? row->obstacle : "failed", "", "", "", "", "",
        "");
  else
    printf ("| %19s | %6.2f | %22s | %7.0f | %6.3f | %8.3f | %6s |%s\n",
        goodput, bench_row_median (row, BENCH_LOSS), p50,
        bench_row_median (row, BENCH_P99),
        bench_row_median (row, BENCH_CPU_SENDER),
        bench_row_median (row, BENCH_CPU_RECEIVER), relay,
        row->n_failed > 0 ? " some runs failed" : "");
}

static void
print_half (const BenchNetwork *self, gboolean is_paced)
{
  printf ("| buffer  | path       |      goodput Mbit/s | loss %% |"
          "         latency p50 us |  p99 us | sender | receiver |  relay |\n"
          "|---------|------------|--------------------:|-------:|"
          "-----------------------:|--------:|-------:|---------:|-------:|\n");
  for (guint i = 0; i < BENCH_N_ROWS; i++) {
    if ((self->rows[i].c.rate != 0) == is_paced)
      print_row (&self->rows[i]);
  }
}

void
bench_network_print (const BenchNetwork *self)
{
  printf ("\nLoopback with MTU %u, as fast as the elements take it "
          "(CPU: s for a Gbit):\n\n",
      self->mtu);
  print_half (self, FALSE);
  printf ("\nLoopback with MTU %u, paced: 10 Mbit/s, 256 KiB at 100 Mbit/s:\n"
          "\n",
      self->mtu);
  print_half (self, TRUE);
}

static void
add_member (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_row (const BenchRow *row, JsonBuilder *builder)
{
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "path");
  json_builder_add_string_value (
      builder, bench_transport_name (row->c.transport));
  add_member (builder, "buffer-bytes", row->c.size);
  add_member (builder, "pace-bps", (gint64) row->c.rate);
  if (row->obstacle != NULL) {
    json_builder_set_member_name (builder, "not-measured");
    json_builder_add_string_value (builder, row->obstacle);
  }
  add_member (builder, "failed-runs", row->n_failed);
  for (guint v = 0; v < BENCH_N_VALUES; v++) {
    json_builder_set_member_name (builder, value_names[v]);
    json_builder_begin_array (builder);
    for (guint i = 0; i < row->n; i++)
      json_builder_add_double_value (builder, row->runs[i].values[v]);
    json_builder_end_array (builder);
  }
  json_builder_end_object (builder);
}

void
bench_network_add_json (const BenchNetwork *self, JsonBuilder *builder)
{
  json_builder_begin_object (builder);
  add_member (builder, "mtu", self->mtu);
  json_builder_set_member_name (builder, "rows");
  json_builder_begin_array (builder);
  for (guint i = 0; i < BENCH_N_ROWS; i++)
    add_row (&self->rows[i], builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}
