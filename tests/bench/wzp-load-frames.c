#include "wzp-bench-pin.h"
#include "wzp-bench-run.h"
#include "wzp-load-parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PART    "frames"
#define SIZE    262144u
#define REPEATS 3u
#define WARM_MS 200u
/* Of the direct path's goodput. */
#define MIN_RATIO 0.5

static int
compare (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

typedef struct {
  double mbps[REPEATS], relay_cpu[REPEATS]; /* one a run */
} Runs;

/* FALSE: said in @report. */
static gboolean
run_one (const BenchSetup *setup, BenchTransport transport, Runs *runs, guint i,
    LoadReport *report)
{
  const BenchCase c = { .transport = transport, .size = SIZE };
  g_autoptr (GError) error = NULL;
  BenchFigures figures;

  if (isatty (STDERR_FILENO))
    fprintf (stderr, "\r  %s, run %u of %u ", bench_transport_name (transport),
        i + 1, REPEATS);
  if (!bench_run (setup, &c, &figures, &error)) {
    load_report_fail (report, PART, error->message);
    return FALSE;
  }
  runs->mbps[i] = figures.values[BENCH_GOODPUT];
  runs->relay_cpu[i] = figures.values[BENCH_CPU_RELAY];
  return TRUE;
}

static void
measure (const LoadOptions *options, LoadReport *report, gboolean is_pinned)
{
  const BenchSetup setup = { .self = options->bench,
    .relay = options->relay,
    .warm_ms = WARM_MS,
    .ms = MIN (options->ms, 2000u),
    .is_pinned = is_pinned };
  const char *where = is_pinned ? "both ends on one core" : "on all cores";
  g_autofree char *direct_name = g_strdup_printf ("direct, %s", where);
  g_autofree char *relay_name = g_strdup_printf ("relayed, %s", where);
  g_autofree char *ratio_name = g_strdup_printf ("ratio, %s", where);
  Runs direct, relay;
  double ratio;

  for (guint i = 0; i < REPEATS; i++)
    if (!run_one (&setup, BENCH_DIRECT, &direct, i, report) ||
        !run_one (&setup, BENCH_RELAY, &relay, i, report))
      return;
  if (isatty (STDERR_FILENO))
    fprintf (stderr, "\r%40s\r", "");
  qsort (direct.mbps, REPEATS, sizeof (double), compare);
  qsort (relay.mbps, REPEATS, sizeof (double), compare);
  qsort (relay.relay_cpu, REPEATS, sizeof (double), compare);
  ratio = relay.mbps[REPEATS / 2] / direct.mbps[REPEATS / 2];
  load_report_add (report, PART, direct_name, direct.mbps[REPEATS / 2] / 1000.0,
      2, "Gbit/s");
  load_report_add (
      report, PART, relay_name, relay.mbps[REPEATS / 2] / 1000.0, 2, "Gbit/s");
  if (is_pinned)
    load_report_add_aim (
        report, PART, ratio_name, ratio, 2, "", LOAD_AT_LEAST, MIN_RATIO);
  else
    load_report_add (report, PART, ratio_name, ratio, 2, "");
  load_report_add (report, PART, "relay's CPU for a Gbit",
      relay.relay_cpu[REPEATS / 2], 3, "s");
}

void
load_measure_frames (const LoadOptions *options, LoadReport *report)
{
  if (bench_pin (BENCH_CORE_ENDS))
    measure (options, report, TRUE);
  bench_pin (BENCH_CORE_ANY);
  measure (options, report, FALSE);
}
