#include "wzp-bench-sender.h"

#include <gst/app/gstappsrc.h>

#include "wzp-bench-stamp.h"

#define NS_PER_MS 1000000u
/* Until the receiver hears a buffer they are sent at this pace at most: what
 * nobody takes yet must not fill a queue. */
#define PROBE_RATE   (50u * 1000u * 1000u) /* bit/s */
#define PROBE_MIN_NS (2u * NS_PER_MS)      /* between buffers */
/* Buffers that the pool begins with. */
#define POOL_MIN 8u

typedef enum {
  PROBING,
  WARMING, /* at the pace to be measured, not counted */
  MEASURING,
  DONE,
} Phase;

struct _BenchSender {
  const BenchRoleOptions *options;
  GstBufferPool *pool; /* owned */
  int is_told;         /* atomic: to go */
  gint64 cpu_us;       /* when it began to measure; then constant */

  /* streaming thread */
  Phase phase;
  guint64 phase_end_ns;
  guint64 next_ns; /* when the next buffer is due */
  guint64 n_sent;
};

static GstBufferPool *
pool_new (guint size)
{
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, NULL, size, POOL_MIN, 0);
  gst_buffer_pool_set_config (pool, config);
  gst_buffer_pool_set_active (pool, TRUE);
  return pool;
}

static void
enter_phase (BenchSender *self, Phase phase, guint64 now_ns, guint64 ms)
{
  self->phase = phase;
  self->phase_end_ns = now_ns + ms * NS_PER_MS;
  if (phase == WARMING)
    self->next_ns = now_ns;
  if (phase == MEASURING) {
    self->cpu_us = bench_cpu_us ();
    bench_say ("measuring");
  }
  if (phase == DONE)
    bench_say ("sent %" G_GUINT64_FORMAT, self->n_sent);
}

static void
advance_phase (BenchSender *self, guint64 now_ns)
{
  if (self->phase == PROBING) {
    if (g_atomic_int_get (&self->is_told))
      enter_phase (self, WARMING, now_ns, self->options->warm_ms);
  } else if (now_ns >= self->phase_end_ns) {
    if (self->phase == WARMING)
      enter_phase (self, MEASURING, now_ns, self->options->ms);
    else if (self->phase == MEASURING)
      enter_phase (self, DONE, now_ns, 0);
  }
}

/* Nanoseconds that @size bytes take at @rate bit/s. */
static guint64
time_for (guint size, guint64 rate)
{
  return (guint64) size * 8u * 1000000000u / rate;
}

static void
wait_for_turn (BenchSender *self)
{
  const BenchCase *c = &self->options->c;
  const struct timespec due = {
    .tv_sec = (time_t) (self->next_ns / 1000000000u),
    .tv_nsec = (long) (self->next_ns % 1000000000u),
  };

  if (self->phase != PROBING && c->rate == 0)
    return;
  clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
  if (self->phase == PROBING)
    self->next_ns =
        bench_now_ns () + MAX (PROBE_MIN_NS, time_for (c->size, PROBE_RATE));
  else
    self->next_ns += time_for (c->size, c->rate);
}

static GstBuffer *
make_buffer (BenchSender *self)
{
  BenchStamp stamp = {
    .magic = BENCH_STAMP_MAGIC,
    .size = self->options->c.size,
  };
  GstBuffer *buffer = NULL;

  if (gst_buffer_pool_acquire_buffer (self->pool, &buffer, NULL) != GST_FLOW_OK)
    return NULL;
  if (self->phase == MEASURING)
    stamp.number = ++self->n_sent;
  stamp.time_ns = bench_now_ns ();
  gst_buffer_fill (buffer, 0, &stamp, sizeof stamp);
  return buffer;
}

/* Called with an empty queue, in the thread that then pushes what is put
 * there: nothing lies between this and the element. */
static void
on_need_data (GstAppSrc *src, guint length, gpointer user_data)
{
  BenchSender *self = user_data;
  GstBuffer *buffer;

  wait_for_turn (self);
  advance_phase (self, bench_now_ns ());
  /* The appsrc waits for more, and is stopped. */
  if (self->phase == DONE)
    return;
  buffer = make_buffer (self);
  if (buffer != NULL)
    gst_app_src_push_buffer (src, buffer);
}

BenchSender *
bench_sender_new (GstElement *pipeline, const BenchRoleOptions *options)
{
  static const GstAppSrcCallbacks callbacks = { .need_data = on_need_data };
  g_autoptr (GstElement) src = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  BenchSender *self = g_new0 (BenchSender, 1);

  self->options = options;
  self->pool = pool_new (options->c.size);
  self->next_ns = bench_now_ns ();
  gst_app_src_set_callbacks (
      GST_APP_SRC (src), (GstAppSrcCallbacks *) &callbacks, self, NULL);
  return self;
}

void
bench_sender_free (BenchSender *self)
{
  gst_buffer_pool_set_active (self->pool, FALSE);
  gst_object_unref (self->pool);
  g_free (self);
}

void
bench_sender_go (BenchSender *self)
{
  g_atomic_int_set (&self->is_told, TRUE);
}

void
bench_sender_say_cpu (BenchSender *self)
{
  bench_say ("cpu %" G_GINT64_FORMAT, bench_cpu_us () - self->cpu_us);
}
