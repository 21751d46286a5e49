#include "wzp-bench-child.h"

#include <errno.h>
#include <gio/gunixinputstream.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* What a child gets to end in order before it is forced. */
#define END_MS 3000u

struct _BenchChild {
  char *name;           /* owned */
  GSubprocess *process; /* owned; NULL: ended */
  GString *text;        /* owned: read, but no whole line yet */
};

/* In the child, between fork and exec: it dies with its parent. */
static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

BenchChild *
bench_child_new (const char *name, const char *const *argv, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  GSubprocess *process;
  BenchChild *self;

  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, argv, error);
  if (process == NULL)
    return NULL;
  self = g_new0 (BenchChild, 1);
  self->name = g_strdup (name);
  self->process = process;
  self->text = g_string_new (NULL);
  return self;
}

void
bench_child_send (BenchChild *self, const char *line)
{
  g_autofree char *text = g_strconcat (line, "\n", NULL);

  g_output_stream_write_all (g_subprocess_get_stdin_pipe (self->process), text,
      strlen (text), NULL, NULL, NULL);
}

static char *
take_line (BenchChild *self)
{
  const char *end = strchr (self->text->str, '\n');
  char *line;

  if (end == NULL)
    return NULL;
  line = g_strndup (self->text->str, (gsize) (end - self->text->str));
  g_string_erase (self->text, 0, end - self->text->str + 1);
  return line;
}

/* FALSE: nothing came until @deadline_us (@is_over FALSE), or nothing more
 * will. */
static gboolean
read_some (BenchChild *self, gint64 deadline_us, gboolean *is_over)
{
  GInputStream *pipe = g_subprocess_get_stdout_pipe (self->process);
  struct pollfd fd = {
    .fd = g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (pipe)),
    .events = POLLIN,
  };
  const gint64 left_us = deadline_us - g_get_monotonic_time ();
  char bytes[4096];
  gssize n;

  *is_over = FALSE;
  if (poll (&fd, 1, (int) (MAX (left_us, 0) / 1000 + 1)) <= 0)
    return errno == EINTR && left_us > 0;
  n = read (fd.fd, bytes, sizeof bytes);
  *is_over = n <= 0;
  if (n > 0)
    g_string_append_len (self->text, bytes, n);
  return n > 0;
}

char *
bench_child_expect (
    BenchChild *self, const char *word, guint timeout_ms, GError **error)
{
  const gint64 deadline_us =
      g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  gboolean is_over = FALSE;

  do {
    for (;;) {
      g_autofree char *line = take_line (self);

      if (line == NULL)
        break;
      if (g_str_has_prefix (line, word))
        return g_strdup (g_strchug (line + strlen (word)));
      if (!g_str_has_prefix (line, "error "))
        continue;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", self->name,
          line + strlen ("error "));
      return NULL;
    }
  } while (read_some (self, deadline_us, &is_over));
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
      is_over ? "%s ended before \"%s\"" : "%s has not said \"%s\" in time",
      self->name, word);
  return NULL;
}

gint64
bench_child_get_cpu_us (const BenchChild *self)
{
  const char *id = g_subprocess_get_identifier (self->process);
  struct timespec time;
  clockid_t clock;

  if (id == NULL || clock_getcpuclockid (atoi (id), &clock) != 0 ||
      clock_gettime (clock, &time) < 0)
    return 0;
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

guint64
bench_child_get_rss_kib (const BenchChild *self)
{
  const char *id = g_subprocess_get_identifier (self->process);
  g_autofree char *path =
      g_strdup_printf ("/proc/%s/status", id != NULL ? id : "0");
  g_autofree char *status = NULL;
  const char *line;

  if (!g_file_get_contents (path, &status, NULL, NULL))
    return 0;
  line = strstr (status, "\nVmRSS:");
  return line != NULL ? g_ascii_strtoull (line + strlen ("\nVmRSS:"), NULL, 10)
                      : 0;
}

void
bench_child_end (BenchChild *self, int signal)
{
  const gint64 deadline_us = g_get_monotonic_time () + END_MS * 1000;
  gboolean is_over;

  if (self->process == NULL)
    return;
  g_output_stream_close (
      g_subprocess_get_stdin_pipe (self->process), NULL, NULL);
  if (signal != 0)
    g_subprocess_send_signal (self->process, signal);
  /* Its end closes its output. */
  while (read_some (self, deadline_us, &is_over))
    g_string_truncate (self->text, 0);
  if (!is_over)
    g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_clear_object (&self->process);
}

void
bench_child_free (BenchChild *self)
{
  bench_child_end (self, SIGTERM);
  g_string_free (self->text, TRUE);
  g_free (self->name);
  g_free (self);
}
