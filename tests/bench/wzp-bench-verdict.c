#include "wzp-bench-verdict.h"

#include <stdio.h>

#define SMALL 1316u
#define LARGE 262144u
/* What is to be reached. */
#define MIN_LARGE_MBPS 1500.0
#define MAX_ADDED_US   150.0

static gboolean
were_measured (const BenchRow *a, const BenchRow *b)
{
  return a->n > 0 && b->n > 0;
}

static const char *
word (gboolean is_reached)
{
  return is_reached ? "reached" : "MISSED ";
}

static void
judge_small (const BenchNetwork *network)
{
  const BenchRow *ours =
      bench_network_find (network, BENCH_DIRECT, SMALL, FALSE);
  const BenchRow *srt = bench_network_find (network, BENCH_SRT, SMALL, FALSE);
  double goodput, cpu;

  if (!were_measured (ours, srt))
    return;
  goodput = bench_row_median (ours, BENCH_GOODPUT) /
      bench_row_median (srt, BENCH_GOODPUT);
  cpu = bench_row_median (ours, BENCH_CPU_ENDS) /
      bench_row_median (srt, BENCH_CPU_ENDS);
  printf ("  %s  1316 B, goodput direct: %.2f times srt's (aim: 1 or more)\n",
      word (goodput >= 1.0), goodput);
  printf ("  %s  1316 B, CPU for a Gbit direct: %.2f times srt's (aim: 1 or "
          "less)\n",
      word (cpu <= 1.0), cpu);
}

static void
judge_large (const BenchNetwork *network)
{
  const BenchRow *ours =
      bench_network_find (network, BENCH_DIRECT, LARGE, FALSE);
  const double mbps = bench_row_median (ours, BENCH_GOODPUT);

  if (ours->n > 0)
    printf ("  %s  256 KiB, goodput direct: %.0f Mbit/s (aim: %.0f or more)\n",
        word (mbps >= MIN_LARGE_MBPS), mbps, MIN_LARGE_MBPS);
}

static void
judge_latency (const BenchNetwork *network)
{
  const BenchRow *ours =
      bench_network_find (network, BENCH_DIRECT, SMALL, TRUE);
  const BenchRow *udp = bench_network_find (network, BENCH_UDP, SMALL, TRUE);
  double added;

  if (!were_measured (ours, udp))
    return;
  added =
      bench_row_median (ours, BENCH_P50) - bench_row_median (udp, BENCH_P50);
  printf ("  %s  1316 B at 10 Mbit/s, latency p50 direct: %+.0f us against "
          "udp's (aim: +%.0f or less)\n",
      word (added <= MAX_ADDED_US), added, MAX_ADDED_US);
}

void
bench_verdict_print (const BenchNetwork *network)
{
  printf ("\nAims, at MTU %u:\n", network->mtu);
  judge_small (network);
  judge_large (network);
  judge_latency (network);
}
