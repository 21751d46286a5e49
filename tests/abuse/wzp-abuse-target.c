#include "wzp-abuse.h"

#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define METRICS "metrics on http://"

struct _AbuseTarget {
  GSubprocess *process;     /* owned */
  GDataInputStream *output; /* owned */
  char *address;            /* owned */
  char *metrics;            /* owned: "ip:port"; NULL: not in this build */
  WzpAddr addr;
};

/* FALSE: it has ended without saying "ready". */
static gboolean
read_addresses (AbuseTarget *self)
{
  for (;;) {
    g_autofree char *line =
        g_data_input_stream_read_line (self->output, NULL, NULL, NULL);

    if (line == NULL)
      return FALSE;
    if (strcmp (line, "ready") == 0)
      return TRUE;
    if (g_str_has_prefix (line, "listening on "))
      self->address = g_strdup (line + strlen ("listening on "));
    if (g_str_has_prefix (line, METRICS))
      self->metrics = g_strndup (
          line + strlen (METRICS), strcspn (line + strlen (METRICS), "/"));
  }
}

/* A test that is killed leaves no relay behind. */
static void
die_with_parent (gpointer unused)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static gboolean
start (AbuseTarget *self, const char *config, gboolean has_metrics)
{
  const char *args[16] = { g_getenv ("WZP_RELAY"), "--listen", "127.0.0.1",
    "--port", "0", "--ephemeral-key", "--quiet", "--drain-timeout", "0" };
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GError) error = NULL;
  guint n = 9;

  if (config != NULL) {
    args[n++] = "--config";
    args[n++] = config;
  } else {
    args[n++] = "--no-config";
  }
  if (has_metrics) {
    args[n++] = "--metrics";
    args[n++] = "127.0.0.1:0";
  }
  g_clear_object (&self->process);
  g_clear_object (&self->output);
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  self->process = g_subprocess_launcher_spawnv (launcher, args, &error);
  g_assert_no_error (error);
  self->output =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  return read_addresses (self);
}

AbuseTarget *
abuse_target_new (WzpTest *test, const char *config)
{
  AbuseTarget *self = g_new0 (AbuseTarget, 1);
  g_autofree char *path = NULL;

  if (config != NULL) {
    path = g_build_filename (test->dir, "relay.conf", NULL);
    g_assert_true (g_file_set_contents (path, config, -1, NULL));
  }
  /* A build without an HTTP library refuses --metrics. */
  if (!start (self, path, TRUE))
    g_assert_true (start (self, path, FALSE));
  g_assert_true (wzp_addr_parse (self->address, &self->addr, NULL));
  return self;
}

void
abuse_target_free (AbuseTarget *self)
{
  g_subprocess_send_signal (self->process, SIGTERM);
  g_assert_true (g_subprocess_wait (self->process, NULL, NULL));
  g_assert_true (g_subprocess_get_if_exited (self->process));
  g_assert_cmpint (g_subprocess_get_exit_status (self->process), ==, 0);
  g_object_unref (self->output);
  g_object_unref (self->process);
  g_free (self->address);
  g_free (self->metrics);
  g_free (self);
}

const char *
abuse_target_get_address (const AbuseTarget *self)
{
  return self->address;
}

const WzpAddr *
abuse_target_get_addr (const AbuseTarget *self)
{
  return &self->addr;
}

gsize
abuse_target_get_rss (const AbuseTarget *self)
{
  g_autofree char *path = g_strdup_printf (
      "/proc/%s/statm", g_subprocess_get_identifier (self->process));
  g_autofree char *text = NULL;
  gsize size, resident;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpint (
      sscanf (text, "%" G_GSIZE_FORMAT " %" G_GSIZE_FORMAT, &size, &resident),
      ==, 2);
  return resident * (gsize) sysconf (_SC_PAGESIZE);
}

static char *
fetch (const AbuseTarget *self)
{
  static const char request[] = "GET /metrics HTTP/1.1\r\nHost: relay\r\n"
                                "Connection: close\r\n\r\n";
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  char *text = g_malloc0 (256 * 1024);

  connection =
      g_socket_client_connect_to_host (client, self->metrics, 80, NULL, &error);
  g_assert_no_error (error);
  g_output_stream_write_all (
      g_io_stream_get_output_stream (G_IO_STREAM (connection)), request,
      strlen (request), NULL, NULL, &error);
  g_assert_no_error (error);
  g_input_stream_read_all (
      g_io_stream_get_input_stream (G_IO_STREAM (connection)), text,
      256 * 1024 - 1, NULL, NULL, NULL);
  return text;
}

double
abuse_target_get_metric (const AbuseTarget *self, const char *name)
{
  g_autofree char *line = g_strdup_printf ("\nwzp_relay_%s ", name);
  g_autofree char *text = NULL;
  const char *at;

  if (self->metrics == NULL)
    return -1;
  text = fetch (self);
  at = strstr (text, line);
  if (at == NULL)
    g_error ("no metric wzp_relay_%s", name);
  return g_ascii_strtod (at + strlen (line), NULL);
}
