#include "wzp-demo-child.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

/* What a child gets to end in order before it is forced. */
#define END_SECONDS 3

struct _DemoChild {
  GSubprocess *process;      /* owned */
  GDataInputStream *output;  /* owned */
  GCancellable *cancellable; /* owned */
  DemoLineFunc func;
  gpointer user_data;
  gboolean is_reading; /* a callback of the stream is to come */
  gboolean is_running;
};

static gboolean is_stopped;

void
demo_stop_waiting (void)
{
  is_stopped = TRUE;
}

gboolean
demo_is_stopped (void)
{
  return is_stopped;
}

static gboolean
on_deadline (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_CONTINUE;
}

gboolean
demo_wait (DemoCondition condition, gpointer data, guint seconds)
{
  gboolean is_late = FALSE;
  const guint deadline = g_timeout_add (seconds * 1000, on_deadline, &is_late);

  while (!condition (data) && !is_late && !is_stopped)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (deadline);
  return condition (data);
}

static void read_line (DemoChild *self);

static void
on_line (GObject *source, GAsyncResult *result, gpointer user_data)
{
  DemoChild *self = user_data;
  g_autofree char *line = g_data_input_stream_read_line_finish (
      G_DATA_INPUT_STREAM (source), result, NULL, NULL);

  self->is_reading = FALSE;
  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  if (line != NULL)
    read_line (self);
  self->func (line, self->user_data);
}

static void
read_line (DemoChild *self)
{
  self->is_reading = TRUE;
  g_data_input_stream_read_line_async (
      self->output, G_PRIORITY_DEFAULT, self->cancellable, on_line, self);
}

static void
on_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  DemoChild *self = user_data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  self->is_running = FALSE;
}

/* In the child, between fork and exec: it dies with its parent. */
static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

DemoChild *
demo_child_new (const char *const *argv, DemoLineFunc func, gpointer user_data,
    GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  GSubprocess *process;
  DemoChild *self;

  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, argv, error);
  if (process == NULL)
    return NULL;
  self = g_new0 (DemoChild, 1);
  self->process = process;
  self->output =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  self->cancellable = g_cancellable_new ();
  self->func = func;
  self->user_data = user_data;
  self->is_running = TRUE;
  g_subprocess_wait_async (process, NULL, on_ended, self);
  read_line (self);
  return self;
}

void
demo_child_send (DemoChild *self, const char *line)
{
  g_autofree char *text = g_strconcat (line, "\n", NULL);

  g_output_stream_write_all (g_subprocess_get_stdin_pipe (self->process), text,
      strlen (text), NULL, NULL, NULL);
}

static gboolean
on_patience_over (gpointer user_data)
{
  DemoChild *self = user_data;

  g_subprocess_force_exit (self->process);
  return G_SOURCE_CONTINUE;
}

gboolean
demo_child_end (DemoChild *self, int signal)
{
  const guint patience =
      g_timeout_add_seconds (END_SECONDS, on_patience_over, self);

  g_cancellable_cancel (self->cancellable);
  g_output_stream_close (
      g_subprocess_get_stdin_pipe (self->process), NULL, NULL);
  if (signal != 0)
    g_subprocess_send_signal (self->process, signal);
  while (self->is_running || self->is_reading)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (patience);
  return g_subprocess_get_successful (self->process);
}

void
demo_child_free (DemoChild *self)
{
  demo_child_end (self, SIGTERM);
  g_clear_object (&self->output);
  g_clear_object (&self->process);
  g_clear_object (&self->cancellable);
  g_free (self);
}
