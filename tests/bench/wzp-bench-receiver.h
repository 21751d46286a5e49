/* wzp-bench-receiver: counts and times what comes out of an element. */
#pragma once

#include "wzp-bench-role.h"

G_BEGIN_DECLS

typedef struct _BenchReceiver BenchReceiver;

/* @pipeline has an element named "out", whose sink pad is listened to. */
BenchReceiver *bench_receiver_new (GstElement *pipeline);
/* After the pipeline was stopped. */
void bench_receiver_free (BenchReceiver *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchReceiver, bench_receiver_free)

/* Says the result once @n_sent have come, or nothing has for a while. Thread:
 * that of the default main context. */
void bench_receiver_report (BenchReceiver *self, guint64 n_sent);

G_END_DECLS
