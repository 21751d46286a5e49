/* wzp-bench-verdict: the figures beside what they are to be. */
#pragma once

#include "wzp-bench-report.h"

G_BEGIN_DECLS

/* Prints a line for each aim that was measured. */
void bench_verdict_print (const BenchNetwork *network);

G_END_DECLS
