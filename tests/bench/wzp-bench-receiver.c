#include "wzp-bench-receiver.h"

#include "wzp-bench-stamp.h"

/* Silence after which nothing more is waited for; srtsrc holds what it has for
 * 125 ms. */
#define QUIET_NS (300u * 1000000u)
/* Between looks at whether all has come. */
#define LOOK_MS 5u

struct _BenchReceiver {
  /* main thread */
  guint look;       /* source; 0: none */
  guint64 n_sent;   /* what to wait for */
  guint64 asked_ns; /* since when */

  GMutex lock;
  /* with lock, up to the end */
  gboolean is_heard;
  BenchStamp stamp; /* of the buffer that is being received */
  gsize n_missing;  /* bytes of it that have not come; 0: none is */
  guint64 n_bytes;  /* of whole buffers that count */
  guint64 first_ns, last_ns;
  gint64 cpu_us;     /* when the first came */
  GArray *latencies; /* owned, of guint32: nanoseconds, of whole buffers */
};

static void
end_buffer (BenchReceiver *self, guint64 now_ns)
{
  guint32 latency_ns;

  if (self->stamp.number == 0)
    return;
  latency_ns = (guint32) MIN (now_ns - self->stamp.time_ns, G_MAXUINT32);
  if (self->latencies->len == 0) {
    self->first_ns = now_ns;
    self->cpu_us = bench_cpu_us ();
  }
  self->last_ns = now_ns;
  self->n_bytes += self->stamp.size;
  g_array_append_val (self->latencies, latency_ns);
}

/* Buffers come whole, except through srt, whose messages are of 1316 bytes: it
 * cuts what is longer, and forgets where. One that lacks a piece is lost. */
static void
take_piece (BenchReceiver *self, GstBuffer *buffer, guint64 now_ns)
{
  const gsize size = gst_buffer_get_size (buffer);
  BenchStamp stamp;

  if (!self->is_heard) {
    self->is_heard = TRUE;
    bench_say ("hearing");
  }
  if (gst_buffer_extract (buffer, 0, &stamp, sizeof stamp) == sizeof stamp &&
      stamp.magic == BENCH_STAMP_MAGIC) {
    self->stamp = stamp;
    self->n_missing = stamp.size;
  }
  if (self->n_missing == 0)
    return;
  self->n_missing -= MIN (size, self->n_missing);
  if (self->n_missing == 0)
    end_buffer (self, now_ns);
}

static GstPadProbeReturn
on_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  BenchReceiver *self = user_data;
  const guint64 now_ns = bench_now_ns ();

  g_mutex_lock (&self->lock);
  take_piece (self, GST_PAD_PROBE_INFO_BUFFER (info), now_ns);
  g_mutex_unlock (&self->lock);
  return GST_PAD_PROBE_OK;
}

BenchReceiver *
bench_receiver_new (GstElement *pipeline)
{
  g_autoptr (GstElement) out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (out, "sink");
  BenchReceiver *self = g_new0 (BenchReceiver, 1);

  g_mutex_init (&self->lock);
  self->latencies = g_array_new (FALSE, FALSE, sizeof (guint32));
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, self, NULL);
  return self;
}

void
bench_receiver_free (BenchReceiver *self)
{
  if (self->look != 0)
    g_source_remove (self->look);
  g_array_unref (self->latencies);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static int
compare_latencies (gconstpointer a, gconstpointer b)
{
  const guint32 x = *(const guint32 *) a, y = *(const guint32 *) b;

  return (x > y) - (x < y);
}

/* With lock; they are sorted. */
static guint64
get_percentile (const BenchReceiver *self, guint percent)
{
  const guint n = self->latencies->len;

  return n > 0 ? g_array_index (self->latencies, guint32,
                     (guint64) (n - 1) * percent / 100)
               : 0;
}

/* With lock. */
static void
say_result (BenchReceiver *self)
{
  g_array_sort (self->latencies, compare_latencies);
  bench_say ("result " BENCH_RESULT_FORMAT, (guint64) self->latencies->len,
      self->n_bytes, self->last_ns - self->first_ns, get_percentile (self, 50),
      get_percentile (self, 99), bench_cpu_us () - self->cpu_us);
}

static gboolean
on_look (gpointer user_data)
{
  BenchReceiver *self = user_data;
  const guint64 now_ns = bench_now_ns ();
  gboolean is_over;

  g_mutex_lock (&self->lock);
  is_over = self->latencies->len >= self->n_sent ||
      now_ns - MIN (MAX (self->last_ns, self->asked_ns), now_ns) > QUIET_NS;
  if (is_over)
    say_result (self);
  g_mutex_unlock (&self->lock);
  if (is_over)
    self->look = 0;
  return is_over ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

void
bench_receiver_report (BenchReceiver *self, guint64 n_sent)
{
  self->n_sent = n_sent;
  self->asked_ns = bench_now_ns ();
  if (self->look == 0)
    self->look = g_timeout_add (LOOK_MS, on_look, self);
}
