/* The support library itself: what a test relies on must be able to fail. */
#include "wzp-test.h"

#include <glib/gstdio.h>
#include <unistd.h>

static gboolean
set_flag (gpointer data)
{
  gboolean *flag = data;

  *flag = TRUE;
  return G_SOURCE_REMOVE;
}

static gpointer
set_flag_in_thread (gpointer data)
{
  g_atomic_int_set ((int *) data, 1);
  return NULL;
}

static gboolean
never (gpointer data)
{
  int *asked = data;

  (*asked)++;
  return FALSE;
}

static void
test_until_source (WzpTest *test, gconstpointer data)
{
  gboolean flag = FALSE;
  g_autoptr (GSource) source = g_timeout_source_new (1);

  g_source_set_callback (source, set_flag, &flag, NULL);
  g_source_attach (source, test->context);
  wzp_test_assert_until (test, flag, 5000);
  g_assert_true (flag);
}

static void
test_until_thread (WzpTest *test, gconstpointer data)
{
  int flag = 0;
  GThread *thread = g_thread_new ("setter", set_flag_in_thread, &flag);

  wzp_test_assert_until (test, g_atomic_int_get (&flag) == 1, 5000);
  g_thread_join (thread);
}

static void
test_until_gives_up (WzpTest *test, gconstpointer data)
{
  int asked = 0;

  g_assert_false (wzp_test_run_until (test->context, never, &asked, 20));
  g_assert_cmpint (asked, >=, 2);
}

static void
test_until_fails (WzpTest *test, gconstpointer data)
{
  int asked_for_nothing = 0;

  if (g_test_subprocess ()) {
    wzp_test_assert_until (test, asked_for_nothing == 1, 20);
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*after 20 ms still not: asked_for_nothing == 1*");
}

static void
test_watchdog_bites (WzpTest *test, gconstpointer data)
{
  if (g_test_subprocess ()) {
    wzp_test_watchdog_start ("the sleeper", 1);
    for (;;)
      g_usleep (G_USEC_PER_SEC);
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*watchdog: the sleeper did not end within*");
}

static void
test_dir (WzpTest *test, gconstpointer data)
{
  char *dir = wzp_test_dir_new ();
  g_autofree char *copy = g_strdup (dir);
  g_autofree char *sub = g_build_filename (dir, "a", "b", NULL);
  g_autofree char *file = g_build_filename (sub, "c", NULL);
  g_autofree char *link = g_build_filename (dir, "link", NULL);
  g_autofree char *kept = g_build_filename (test->dir, "kept", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (sub, 0700), ==, 0);
  g_file_set_contents (file, "x", 1, &error);
  g_assert_no_error (error);
  g_file_set_contents (kept, "x", 1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (symlink (test->dir, link), ==, 0);

  wzp_test_dir_remove (dir);
  g_assert_false (g_file_test (copy, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
}

static void
test_home (WzpTest *test, gconstpointer data)
{
  g_assert_cmpstr (g_get_user_config_dir (), ==, g_getenv ("HOME"));
  g_assert_true (g_str_has_prefix (test->dir, g_getenv ("HOME")));
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/test/until/source", NULL, test_until_source);
  wzp_test_add ("/test/until/thread", NULL, test_until_thread);
  wzp_test_add ("/test/until/gives-up", NULL, test_until_gives_up);
  wzp_test_add ("/test/until/fails", NULL, test_until_fails);
  wzp_test_add ("/test/watchdog/bites", NULL, test_watchdog_bites);
  wzp_test_add ("/test/dir", NULL, test_dir);
  wzp_test_add ("/test/home", NULL, test_home);
  return wzp_test_run ();
}
