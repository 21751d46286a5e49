/* The program itself, as its users start it. */
#include "relay-test-node.h"

#include <signal.h>
#include <string.h>

typedef struct {
  GSubprocess *process;     /* owned */
  GDataInputStream *output; /* owned */
} Program;

static Program
start (const char *options)
{
  g_autofree char *line =
      g_strdup_printf ("%s %s", g_getenv ("WZP_RELAY"), options);
  g_auto (GStrv) args = g_strsplit (line, " ", -1);
  g_autoptr (GError) error = NULL;
  Program program;

  program.process = g_subprocess_newv ((const char *const *) args,
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
  g_assert_no_error (error);
  program.output =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (program.process));
  return program;
}

static char *
read_line (Program *program)
{
  g_autoptr (GError) error = NULL;
  char *line =
      g_data_input_stream_read_line (program->output, NULL, NULL, &error);

  g_assert_no_error (error);
  return line;
}

/* The rest of a line that begins with @prefix. */
static char *
expect_line (Program *program, const char *prefix)
{
  g_autofree char *line = read_line (program);

  g_assert_nonnull (line);
  if (!g_str_has_prefix (line, prefix))
    g_error ("\"%s\" does not begin with: %s", line, prefix);
  return g_strdup (line + strlen (prefix));
}

static char *
read_errors (Program *program)
{
  GInputStream *stream = g_subprocess_get_stderr_pipe (program->process);
  char *text = g_malloc0 (65536);
  gsize len = 0;

  g_input_stream_read_all (stream, text, 65535, &len, NULL, NULL);
  return text;
}

static int
finish (Program *program)
{
  int status;

  g_assert_true (g_subprocess_wait (program->process, NULL, NULL));
  status = g_subprocess_get_if_exited (program->process)
      ? g_subprocess_get_exit_status (program->process)
      : -1;
  g_object_unref (program->output);
  g_object_unref (program->process);
  return status;
}

static void
test_serves (WzpTest *test, gconstpointer data)
{
  Program program =
      start ("--listen 127.0.0.1 --port 0 --ephemeral-key --print-address");
  g_autofree char *address = expect_line (&program, "listening on ");
  g_autofree char *fingerprint = expect_line (&program, "fingerprint ");
  g_autofree char *for_scripts = expect_line (&program, "relay=");
  g_autofree char *ready = expect_line (&program, "ready");
  g_autofree char *expected =
      g_strdup_printf ("%s fingerprint=%s", address, fingerprint);
  g_autofree char *end = NULL;
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);

  g_assert_cmpstr (for_scripts, ==, expected);
  g_assert_cmpstr (ready, ==, "");
  g_assert_true (g_str_has_prefix (address, "127.0.0.1:"));
  g_free (a->relay);
  a->relay = g_strdup (address);
  a->config.relay = a->relay;
  a->config.trust = WZP_RELAY_TRUST_PIN;
  a->config.relay_fingerprint = fingerprint;
  test_node_register (a, "anna");

  /* In order: the client is told, and the program ends well. */
  g_subprocess_send_signal (program.process, SIGTERM);
  wzp_test_assert_until (test, a->n_failed == 1, 5000);
  g_assert_error (a->error, WZP_ERROR, WZP_ERROR_CLOSED);
  end = read_line (&program);
  g_assert_null (end);
  g_assert_cmpint (finish (&program), ==, 0);
  test_node_free (a);
}

static void
test_port_taken (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  g_autofree char *options =
      g_strdup_printf ("--listen 127.0.0.1 --ephemeral-key --port %u",
          wzp_relay_get_port (relay));
  Program program = start (options);
  g_autofree char *output = read_line (&program);
  g_autofree char *errors = read_errors (&program);

  g_assert_cmpint (finish (&program), ==, 1);
  g_assert_null (output);
  g_assert_true (g_str_has_prefix (errors, "wzp-relay: "));
  g_assert_true (
      strchr (errors, '\n') == errors + strlen (errors) - 1); /* one line */
}

static void
test_key_stays (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "relay.key", NULL);
  g_autofree char *options = g_strdup_printf (
      "--listen 127.0.0.1 --port 0 --quiet --key-file %s", path);
  g_autofree char *first = NULL;

  for (guint i = 0; i < 2; i++) {
    Program program = start (options);
    g_autofree char *address = expect_line (&program, "listening on ");
    g_autofree char *fingerprint = expect_line (&program, "fingerprint ");
    g_autofree char *ready = expect_line (&program, "ready");
    g_autofree char *errors = NULL;

    g_assert_true (g_str_has_prefix (address, "127.0.0.1:"));
    g_assert_cmpstr (ready, ==, "");
    g_subprocess_send_signal (program.process, SIGINT);
    errors = read_errors (&program);
    g_assert_cmpstr (errors, ==, "");
    g_assert_cmpint (finish (&program), ==, 0);
    if (first != NULL)
      g_assert_cmpstr (first, ==, fingerprint);
    g_free (first);
    first = g_steal_pointer (&fingerprint);
  }
}

static void
test_words (WzpTest *test, gconstpointer data)
{
  Program program = start ("--version");
  g_autofree char *version = expect_line (&program, "wzp-relay ");
  g_autofree char *errors = NULL;

  g_assert_cmpstr (version, ==, WZP_VERSION);
  g_assert_cmpint (finish (&program), ==, 0);

  program = start ("--port 99999");
  errors = read_errors (&program);
  g_assert_nonnull (strstr (errors, "99999"));
  g_assert_cmpint (finish (&program), ==, 2);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-main/serves", NULL, test_serves);
  wzp_test_add ("/relay-main/port-taken", NULL, test_port_taken);
  wzp_test_add ("/relay-main/key-stays", NULL, test_key_stays);
  wzp_test_add ("/relay-main/words", NULL, test_words);
  return wzp_test_run ();
}
