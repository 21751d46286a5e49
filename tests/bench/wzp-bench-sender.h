/* wzp-bench-sender: gives buffers to an element, from the streaming thread of
 * an appsrc that keeps none: as fast as they are taken, or at a pace. */
#pragma once

#include "wzp-bench-role.h"

G_BEGIN_DECLS

typedef struct _BenchSender BenchSender;

/* @pipeline has an appsrc named "in", which is borrowed. */
BenchSender *bench_sender_new (
    GstElement *pipeline, const BenchRoleOptions *options);
/* After the pipeline was stopped. */
void bench_sender_free (BenchSender *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchSender, bench_sender_free)

/* Until then only now and then a buffer is sent. Any thread. */
void bench_sender_go (BenchSender *self);
/* Says what the process has used since "measuring". */
void bench_sender_say_cpu (BenchSender *self);

G_END_DECLS
