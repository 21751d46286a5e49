/* wzp-bench-role: one end of a measurement, a process of its own, which is told
 * by lines what to do and answers by lines.
 *
 *   it says                      when
 *   candidates STRUCTURE         wzpsink, wzpsrc without a relay: for the other
 *   ready                        receiver: it can be sent to
 *   hearing                      receiver: the first buffer came
 *   measuring                    sender: from now on buffers count
 *   sent N                       sender: N buffers were given to the element
 *   result ...                   receiver: BENCH_RESULT_FORMAT
 *   cpu N                        sender: microseconds since "measuring"
 *   error TEXT
 *
 *   it hears
 *   candidates STRUCTURE
 *   go                           sender: the receiver hears it, begin
 *   report N                     receiver: N were sent, give the result
 *   cpu                          sender: say it
 *   end of file                  end */
#pragma once

#include <gst/gst.h>

#include "wzp-bench-case.h"

G_BEGIN_DECLS

typedef struct {
  gboolean is_sender;
  BenchCase c;
  const char *address; /* of the relay, nullable */
  guint port;          /* for udp and srt */
  guint warm_ms;       /* sent before buffers count */
  guint ms;            /* for which they do */
} BenchRoleOptions;

/* Received whole, bytes of them, nanoseconds between the first and the last,
 * latency p50 and p99 in nanoseconds, CPU microseconds of the process. */
#define BENCH_RESULT_FORMAT                                                   \
  "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT            \
  " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT

/* The exit code. */
int bench_role_main (const BenchRoleOptions *options);

/* Any thread. Says a line. */
void bench_say (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* CPU time of this process so far, microseconds. */
gint64 bench_cpu_us (void);

G_END_DECLS
