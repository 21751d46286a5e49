#include "wzp-bench-role.h"

#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wzp-bench-receiver.h"
#include "wzp-bench-sender.h"

typedef struct {
  const BenchRoleOptions *options;
  GMainLoop *loop;         /* owned */
  GDataInputStream *input; /* owned */
  GstElement *pipeline;    /* owned */
  GstElement *io;          /* owned: the element that is measured */
  BenchSender *sender;     /* owned, NULL: receiver */
  BenchReceiver *receiver; /* owned, NULL: sender */
  gboolean is_ready;
  gboolean has_failed;
} Role;

void
bench_say (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_strdelimit (text, "\n", ' ');
  printf ("%s\n", text);
  fflush (stdout);
}

gint64
bench_cpu_us (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (gint64) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
      G_USEC_PER_SEC +
      usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void
fail (Role *self, const char *text)
{
  bench_say ("error %s", text);
  self->has_failed = TRUE;
  g_main_loop_quit (self->loop);
}

static void
say_ready (Role *self)
{
  if (!self->options->is_sender && !self->is_ready)
    bench_say ("ready");
  self->is_ready = TRUE;
}

/* ---- what the elements tell ---- */

/* Session thread. */
static void
on_candidates (
    GstElement *element, const GstStructure *candidates, gpointer user_data)
{
  g_autofree char *text = gst_structure_to_string (candidates);

  bench_say ("candidates %s", text);
}

/* Connected to the relay, a listener registers; that is over before a sender
 * that starts only now can call. */
static void
on_progress (Role *self, GstMessage *message)
{
  g_autofree char *code = NULL;
  GstProgressType type;

  gst_message_parse_progress (message, &type, &code, NULL);
  if (type == GST_PROGRESS_TYPE_COMPLETE && g_str_equal (code, "connect") &&
      self->options->c.transport == BENCH_RELAY)
    say_ready (self);
}

static void
on_error (Role *self, GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  gst_message_parse_error (message, &error, NULL);
  text = g_strdup_printf (
      "%s: %s", GST_MESSAGE_SRC_NAME (message), error->message);
  fail (self, text);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Role *self = user_data;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_PROGRESS:
      on_progress (self, message);
      break;
    case GST_MESSAGE_ERROR:
      on_error (self, message);
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

/* ---- what it hears ---- */

static void
take_candidates (Role *self, const char *text)
{
  g_autoptr (GstStructure) candidates = gst_structure_from_string (text, NULL);
  gboolean ok = FALSE;

  if (candidates != NULL)
    g_signal_emit_by_name (self->io, "set-remote-candidates", candidates, &ok);
  if (!ok)
    fail (self, "the peer's candidates were not taken");
}

static void
obey (Role *self, const char *line)
{
  if (g_str_has_prefix (line, "candidates "))
    take_candidates (self, line + strlen ("candidates "));
  else if (self->sender != NULL && g_str_equal (line, "go"))
    bench_sender_go (self->sender);
  else if (self->sender != NULL && g_str_equal (line, "cpu"))
    bench_sender_say_cpu (self->sender);
  else if (self->receiver != NULL && g_str_has_prefix (line, "report "))
    bench_receiver_report (
        self->receiver, g_ascii_strtoull (line + strlen ("report "), NULL, 10));
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Role *self = user_data;
  g_autofree char *line =
      g_data_input_stream_read_line_finish (self->input, result, NULL, NULL);

  if (line == NULL) {
    g_main_loop_quit (self->loop);
    return;
  }
  obey (self, line);
  g_data_input_stream_read_line_async (
      self->input, G_PRIORITY_DEFAULT, NULL, on_line, self);
}

/* ---- */

static char *
pipeline_text (const BenchRoleOptions *options)
{
  g_autofree char *io = options->is_sender
      ? bench_case_sink (&options->c, options->address, options->port)
      : bench_case_src (&options->c, options->address, options->port);

  return options->is_sender
      ? g_strdup_printf ("appsrc name=in format=time is-live=true "
                         "do-timestamp=true ! %s",
            io)
      : g_strdup_printf ("%s ! fakesink name=out sync=false async=false", io);
}

static gboolean
make_pipeline (Role *self)
{
  g_autofree char *text = pipeline_text (self->options);
  g_autoptr (GError) error = NULL;

  self->pipeline = gst_parse_launch (text, &error);
  if (error != NULL) {
    fail (self, error->message);
    return FALSE;
  }
  self->io = gst_bin_get_by_name (GST_BIN (self->pipeline), "io");
  if (self->options->c.transport == BENCH_DIRECT)
    g_signal_connect (
        self->io, "local-candidates", G_CALLBACK (on_candidates), self);
  if (self->options->is_sender)
    self->sender = bench_sender_new (self->pipeline, self->options);
  else
    self->receiver = bench_receiver_new (self->pipeline);
  return TRUE;
}

static void
run (Role *self)
{
  g_autoptr (GInputStream) input =
      g_unix_input_stream_new (STDIN_FILENO, FALSE);
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
  const guint watch = gst_bus_add_watch (bus, on_message, self);
  GstStateChangeReturn ret;

  self->input = g_data_input_stream_new (input);
  g_data_input_stream_read_line_async (
      self->input, G_PRIORITY_DEFAULT, NULL, on_line, self);
  ret = gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  /* These two listen as soon as they run. */
  if (ret != GST_STATE_CHANGE_FAILURE &&
      self->options->c.transport != BENCH_DIRECT &&
      self->options->c.transport != BENCH_RELAY)
    say_ready (self);
  g_main_loop_run (self->loop);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_source_remove (watch);
}

int
bench_role_main (const BenchRoleOptions *options)
{
  Role self = { .options = options };

  self.loop = g_main_loop_new (NULL, FALSE);
  if (make_pipeline (&self))
    run (&self);
  if (self.io != NULL)
    g_signal_handlers_disconnect_by_data (self.io, &self);
  gst_clear_object (&self.io);
  gst_clear_object (&self.pipeline);
  g_clear_pointer (&self.sender, bench_sender_free);
  g_clear_pointer (&self.receiver, bench_receiver_free);
  g_clear_object (&self.input);
  g_main_loop_unref (self.loop);
  return self.has_failed ? 1 : 0;
}
