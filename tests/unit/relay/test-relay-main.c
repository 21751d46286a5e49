/* The program itself, as its users start it. */
#include "relay-test-program.h"
#include "wzp-relay-http.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

static void
test_serves (WzpTest *test, gconstpointer data)
{
  TestProgram *program = test_program_new (
      "--listen 127.0.0.1 --port 0 --ephemeral-key --print-address");
  g_autofree char *address =
      test_program_expect_line (program, "listening on ");
  g_autofree char *fingerprint =
      test_program_expect_line (program, "fingerprint ");
  g_autofree char *for_scripts = test_program_expect_line (program, "relay=");
  g_autofree char *ready = test_program_expect_line (program, "ready");
  g_autofree char *expected =
      g_strdup_printf ("%s fingerprint=%s", address, fingerprint);
  g_autofree char *end = NULL;
  TestNode *a;

  g_assert_cmpstr (for_scripts, ==, expected);
  g_assert_cmpstr (ready, ==, "");
  g_assert_true (g_str_has_prefix (address, "127.0.0.1:"));
  program->address = g_steal_pointer (&address);
  program->fingerprint = g_steal_pointer (&fingerprint);
  a = test_program_add_node (program, test, 1, "anna");

  /* In order: the client is told, and the program ends well. */
  test_program_signal (program, SIGTERM);
  wzp_test_assert_until (test, a->n_failed == 1, 5000);
  g_assert_error (a->error, WZP_ERROR, WZP_ERROR_CLOSED);
  end = test_program_read_line (program);
  g_assert_null (end);
  test_node_free (a);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

static void
test_ports_taken (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  const guint port = wzp_relay_get_port (relay);
  g_autofree char *options[3] = { NULL };

  options[0] = g_strdup_printf ("-l 127.0.0.1 -e --port %u", port);
  options[1] =
      g_strdup_printf ("-l 127.0.0.1 -e --port 0 --second-port %u", port);
  if (wzp_relay_http_is_there ())
    options[2] = g_strdup ("-l 127.0.0.1 -e --port 0 --metrics 192.0.2.1:1");

  for (guint i = 0; i < G_N_ELEMENTS (options) && options[i] != NULL; i++) {
    TestProgram *program = test_program_new (options[i]);
    g_autofree char *output = test_program_read_line (program);
    g_autofree char *errors = test_program_read_errors (program);

    g_assert_cmpint (test_program_finish (program), ==, 1);
    g_assert_null (output);
    g_assert_true (g_str_has_prefix (errors, "wzp-relay: "));
    g_assert_true (
        strchr (errors, '\n') == errors + strlen (errors) - 1); /* one line */
    g_clear_pointer (&options[i], g_free);
  }
}

static void
test_key_stays (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "relay.key", NULL);
  g_autofree char *options = g_strdup_printf (
      "--listen 127.0.0.1 --port 0 --quiet --key-file %s", path);
  g_autofree char *first = NULL;

  for (guint i = 0; i < 2; i++) {
    TestProgram *program = test_program_new (options);
    g_autofree char *errors = NULL;

    test_program_wait_ready (program);
    g_assert_true (g_str_has_prefix (program->address, "127.0.0.1:"));
    test_program_signal (program, SIGINT);
    errors = test_program_read_errors (program);
    g_assert_cmpstr (errors, ==, "");
    if (first != NULL)
      g_assert_cmpstr (first, ==, program->fingerprint);
    g_free (first);
    first = g_steal_pointer (&program->fingerprint);
    g_assert_cmpint (test_program_finish (program), ==, 0);
  }
}

static void
test_words (WzpTest *test, gconstpointer data)
{
  TestProgram *program = test_program_new ("--version");
  g_autofree char *version = test_program_expect_line (program, "wzp-relay ");
  g_autofree char *errors = NULL;

  g_assert_cmpstr (version, ==, WZP_VERSION);
  g_assert_cmpint (test_program_finish (program), ==, 0);

  program = test_program_new ("--port 99999");
  errors = test_program_read_errors (program);
  g_assert_nonnull (strstr (errors, "99999"));
  g_assert_cmpint (test_program_finish (program), ==, 2);
}

static char *
write_config (WzpTest *test, const char *text)
{
  char *path = g_build_filename (test->dir, "relay.conf", NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static void
test_config (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = write_config (test,
      "[relay]\nlisten=127.0.0.1\nport=0\nsecond-port=0\n"
      "key-file=relay.key\nlog-level=warning\n");
  g_autofree char *key = g_build_filename (test->dir, "relay.key", NULL);
  g_autofree char *options = g_strdup_printf ("--config %s", path);
  g_autofree char *errors = NULL;
  TestProgram *program = test_program_new (options);

  test_program_wait_ready (program);
  g_assert_true (g_str_has_prefix (program->address, "127.0.0.1:"));
  g_assert_nonnull (program->second_port);
  g_assert_true (g_file_test (key, G_FILE_TEST_EXISTS));
  test_program_signal (program, SIGTERM);
  errors = test_program_read_errors (program);
  g_assert_cmpstr (errors, ==, "");
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

static void
test_bad_config (WzpTest *test, gconstpointer data)
{
  g_autofree char *path =
      write_config (test, "[relay]\nport=0\n[quota address]\nrooms=many\n");
  static const char *const more[] = { "", " --check-config", " -e -p 0" };

  g_test_summary ("With and without --check-config: the line, and status 2");

  for (gsize i = 0; i < G_N_ELEMENTS (more); i++) {
    g_autofree char *options = g_strdup_printf ("--config %s%s", path, more[i]);
    g_autofree char *expected = g_strdup_printf (
        "wzp-relay: %s:4: [quota address] rooms: \"many\" is no number from 0 "
        "to 65536\n",
        path);
    TestProgram *program = test_program_new (options);
    g_autofree char *errors = test_program_read_errors (program);

    g_assert_cmpstr (errors, ==, expected);
    g_assert_cmpint (test_program_finish (program), ==, 2);
  }
}

static void
test_check_config (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = write_config (test, "[relay]\nkey-file=relay.key\n");
  g_autofree char *key = g_build_filename (test->dir, "relay.key", NULL);
  g_autofree char *options =
      g_strdup_printf ("--check-config --config %s", path);
  TestProgram *program = test_program_new (options);
  g_autofree char *rest = test_program_expect_line (program, path);
  g_autofree char *errors = NULL;

  g_assert_cmpstr (rest, ==, " is in order");
  g_assert_cmpint (test_program_finish (program), ==, 0);
  /* It makes nothing, and it looks at what is there. */
  g_assert_false (g_file_test (key, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_set_contents (key, "no key", -1, NULL));
  g_assert_cmpint (g_chmod (key, 0644), ==, 0);
  program = test_program_new (options);
  errors = test_program_read_errors (program);
  g_assert_nonnull (strstr (errors, "mode 0644"));
  g_assert_cmpint (test_program_finish (program), ==, 2);
}

static void
test_commands (WzpTest *test, gconstpointer data)
{
  g_autofree char *key = g_build_filename (test->dir, "token.key", NULL);
  g_autofree char *make = g_strdup_printf ("make-token-key %s", key);
  g_autofree char *mint = g_strdup_printf ("mint-token --key-file %s", key);
  g_autofree char *errors = NULL;
  g_autofree char *rest = NULL;
  TestProgram *program = test_program_new (make);

  g_assert_cmpint (test_program_finish (program), ==, 0);
  program = test_program_new (mint);
  rest = test_program_expect_line (program, "wzp1.");
  g_assert_cmpint (test_program_finish (program), ==, 0);
  program = test_program_new (make);
  errors = test_program_read_errors (program);
  g_assert_true (g_str_has_prefix (errors, "wzp-relay: Cannot create "));
  g_assert_cmpint (test_program_finish (program), ==, 1);
  program = test_program_new ("mint-token");
  g_assert_cmpint (test_program_finish (program), ==, 2);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-main/serves", NULL, test_serves);
  wzp_test_add ("/relay-main/ports-taken", NULL, test_ports_taken);
  wzp_test_add ("/relay-main/key-stays", NULL, test_key_stays);
  wzp_test_add ("/relay-main/words", NULL, test_words);
  wzp_test_add ("/relay-main/config", NULL, test_config);
  wzp_test_add ("/relay-main/bad-config", NULL, test_bad_config);
  wzp_test_add ("/relay-main/check-config", NULL, test_check_config);
  wzp_test_add ("/relay-main/commands", NULL, test_commands);
  return wzp_test_run ();
}
