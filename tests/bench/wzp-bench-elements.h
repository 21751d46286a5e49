/* wzp-bench-elements: which GStreamer and which of its elements are here.
 * Another process looks for them: the one that measures needs no GStreamer. */
#pragma once

#include "wzp-bench-case.h"

G_BEGIN_DECLS

typedef struct {
  char *version; /* owned: GStreamer's */
  char *missing; /* owned: names with a space before each */
} BenchElements;

/* @program: this one; it runs itself with --role elements. */
gboolean bench_elements_look_up (
    const char *program, BenchElements *ret_elements, GError **error);
void bench_elements_clear (BenchElements *self);
/* NULL: those of @transport are here; else what to say (static). */
const char *bench_elements_obstacle (
    const BenchElements *self, BenchTransport transport);

/* The other process's side: says what is here. */
void bench_elements_say (void);

G_END_DECLS
