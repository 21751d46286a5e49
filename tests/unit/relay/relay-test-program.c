#include "relay-test-program.h"

#include <string.h>

static TestProgram *
wrap (GSubprocess *process)
{
  TestProgram *self = g_new0 (TestProgram, 1);

  self->process = process;
  self->output =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  self->errors =
      g_data_input_stream_new (g_subprocess_get_stderr_pipe (process));
  return self;
}

TestProgram *
test_program_new_in (
    GSubprocessLauncher *launcher, const char *prefix, const char *options)
{
  const gboolean is_bare =
      options[0] == '-' && strstr (options, "--config ") == NULL;
  g_autofree char *line =
      g_strdup_printf ("%s %s %s%s", prefix != NULL ? prefix : "exec",
          g_getenv ("WZP_RELAY"), options, is_bare ? " --no-config" : "");
  const char *const args[] = { "sh", "-c", line, NULL };
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_subprocess_launcher_set_flags (launcher,
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  process = g_subprocess_launcher_spawnv (launcher, args, &error);
  g_assert_no_error (error);
  return wrap (process);
}

TestProgram *
test_program_new (const char *options)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);

  return test_program_new_in (launcher, NULL, options);
}

int
test_program_finish (TestProgram *self)
{
  int status;

  g_assert_true (g_subprocess_wait (self->process, NULL, NULL));
  status = g_subprocess_get_if_exited (self->process)
      ? g_subprocess_get_exit_status (self->process)
      : -1;
  g_object_unref (self->output);
  g_object_unref (self->errors);
  g_object_unref (self->process);
  g_free (self->address);
  g_free (self->fingerprint);
  g_free (self->metrics);
  g_free (self->second_port);
  g_free (self);
  return status;
}

static char *
read_line (GDataInputStream *stream)
{
  g_autoptr (GError) error = NULL;
  char *line = g_data_input_stream_read_line (stream, NULL, NULL, &error);

  g_assert_no_error (error);
  return line;
}

char *
test_program_read_line (TestProgram *self)
{
  return read_line (self->output);
}

char *
test_program_expect_line (TestProgram *self, const char *prefix)
{
  g_autofree char *line = read_line (self->output);

  if (line == NULL) {
    g_autofree char *errors = test_program_read_errors (self);

    g_error ("no line but the end, and: %s", errors);
  }
  if (!g_str_has_prefix (line, prefix))
    g_error ("\"%s\" does not begin with: %s", line, prefix);
  return g_strdup (line + strlen (prefix));
}

/* The rest of @line when it begins with @prefix. */
static void
take_rest (const char *line, const char *prefix, char **field)
{
  if (g_str_has_prefix (line, prefix) && *field == NULL)
    *field = g_strdup (line + strlen (prefix));
}

void
test_program_wait_ready (TestProgram *self)
{
  for (;;) {
    g_autofree char *line = test_program_expect_line (self, "");

    if (strcmp (line, "ready") == 0)
      break;
    take_rest (line, "listening on ", &self->address);
    take_rest (line, "fingerprint ", &self->fingerprint);
    take_rest (line, "metrics on ", &self->metrics);
    take_rest (line, "second port ", &self->second_port);
  }
  g_assert_nonnull (self->address);
  g_assert_nonnull (self->fingerprint);
}

char *
test_program_expect_log (TestProgram *self, const char *text)
{
  for (;;) {
    char *line = read_line (self->errors);

    if (line == NULL)
      g_error ("the log ends without: %s", text);
    if (strstr (line, text) != NULL)
      return line;
    g_free (line);
  }
}

char *
test_program_read_errors (TestProgram *self)
{
  GString *all = g_string_new (NULL);

  for (;;) {
    g_autofree char *line = read_line (self->errors);

    if (line == NULL)
      return g_string_free (all, FALSE);
    g_string_append_printf (all, "%s\n", line);
  }
}

void
test_program_signal (TestProgram *self, int number)
{
  g_subprocess_send_signal (self->process, number);
}

TestNode *
test_program_add_node (
    TestProgram *self, WzpTest *test, guint index, const char *alias)
{
  TestNode *node = test_node_new (test, NULL, index);

  node->relay = g_strdup (self->address);
  node->config.relay = node->relay;
  node->config.trust = WZP_RELAY_TRUST_PIN;
  node->config.relay_fingerprint = self->fingerprint;
  test_node_register (node, alias);
  return node;
}
