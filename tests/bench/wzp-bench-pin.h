/* wzp-bench-pin: which core a process runs on: the relay has one to itself, the
 * ends have another, so that neither is measured by what the other leaves it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  BENCH_CORE_ANY,   /* wherever this process might run at first */
  BENCH_CORE_RELAY, /* the first of these */
  BENCH_CORE_ENDS,  /* the second */
} BenchCore;

/* Moves the calling thread, and the processes that it starts from now on.
 * FALSE, and nothing is changed: there is one core only, or it was refused. */
gboolean bench_pin (BenchCore core);

G_END_DECLS
