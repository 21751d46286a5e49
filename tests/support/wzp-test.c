#include "wzp-test.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* How often a condition about another thread's work is asked. */
#define TICK_MS 5u

#define SLOWER_MAX 100u

struct _WzpTestWait {
  GMainContext *context; /* owned */
  GSource *tick;         /* owned */
  gint64 deadline_us;
};

typedef struct {
  WzpTestFunc func;
  gconstpointer data;
  guint seconds;
} TestCase;

/* Tells a test's subprocess where its parent's folder is, so that a process
 * which is meant to abort leaves nothing behind. */
#define HOME_VARIABLE "WZP_TEST_HOME"

/* The folder that stands for the user's home and holds every other; set once
 * in wzp_test_init(). */
static char *home_dir;
static gboolean is_home_ours;

/* The watchdog. Lock order: none is held with this one. */
static GMutex watchdog_lock;
static GCond watchdog_cond;
static GThread *watchdog_thread; /* started once, for the process's life */
static char *watchdog_what;      /* owned, or NULL while nothing is guarded */
static guint watchdog_seconds;
static gint64 watchdog_deadline_us;

guint
wzp_test_slower (guint time)
{
  const char *text = g_getenv ("WZP_TEST_SLOWER");
  guint64 factor = 1;

  if (text != NULL)
    g_ascii_string_to_unsigned (text, 10, 1, SLOWER_MAX, &factor, NULL);
  return time * (guint) MAX (factor, 1);
}

static gpointer
watch (gpointer unused)
{
  g_mutex_lock (&watchdog_lock);
  for (;;) {
    if (watchdog_what == NULL)
      g_cond_wait (&watchdog_cond, &watchdog_lock);
    else if (!g_cond_wait_until (
                 &watchdog_cond, &watchdog_lock, watchdog_deadline_us) &&
        watchdog_what != NULL &&
        g_get_monotonic_time () >= watchdog_deadline_us) {
      g_printerr ("# watchdog: %s did not end within %u s\n", watchdog_what,
          watchdog_seconds);
      abort ();
    }
  }
  return NULL;
}

void
wzp_test_watchdog_start (const char *what, guint seconds)
{
  g_return_if_fail (what != NULL);

  g_mutex_lock (&watchdog_lock);
  g_free (watchdog_what);
  watchdog_what = g_strdup (what);
  watchdog_seconds = wzp_test_slower (seconds);
  watchdog_deadline_us =
      g_get_monotonic_time () + (gint64) watchdog_seconds * G_USEC_PER_SEC;
  if (watchdog_thread == NULL)
    watchdog_thread = g_thread_new ("watchdog", watch, NULL);
  g_cond_signal (&watchdog_cond);
  g_mutex_unlock (&watchdog_lock);
}

void
wzp_test_watchdog_stop (void)
{
  g_mutex_lock (&watchdog_lock);
  g_clear_pointer (&watchdog_what, g_free);
  g_cond_signal (&watchdog_cond);
  g_mutex_unlock (&watchdog_lock);
}

static gboolean
tick (gpointer unused)
{
  return G_SOURCE_CONTINUE;
}

WzpTestWait *
wzp_test_wait_new (GMainContext *context, guint timeout_ms)
{
  WzpTestWait *self = g_new0 (WzpTestWait, 1);

  if (context == NULL)
    context = g_main_context_default ();
  self->context = g_main_context_ref (context);
  self->deadline_us = g_get_monotonic_time () +
      (gint64) wzp_test_slower (timeout_ms) * G_TIME_SPAN_MILLISECOND;
  self->tick = g_timeout_source_new (TICK_MS);
  g_source_set_callback (self->tick, tick, NULL, NULL);
  g_source_attach (self->tick, context);
  return self;
}

gboolean
wzp_test_wait_step (WzpTestWait *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  g_main_context_iteration (self->context, TRUE);
  return g_get_monotonic_time () < self->deadline_us;
}

void
wzp_test_wait_free (WzpTestWait *self)
{
  g_source_destroy (self->tick);
  g_source_unref (self->tick);
  g_main_context_unref (self->context);
  g_free (self);
}

gboolean
wzp_test_run_until (GMainContext *context, WzpTestCondition condition,
    gpointer data, guint timeout_ms)
{
  WzpTestWait *wait = wzp_test_wait_new (context, timeout_ms);
  gboolean done;

  while (!(done = condition (data)))
    if (!wzp_test_wait_step (wait)) {
      done = condition (data);
      break;
    }
  wzp_test_wait_free (wait);
  return done;
}

void
wzp_test_drain (GMainContext *context)
{
  while (g_main_context_iteration (context, FALSE))
    ;
}

char *
wzp_test_dir_new (void)
{
  const char *parent = home_dir != NULL ? home_dir : g_get_tmp_dir ();
  char *path = g_build_filename (parent, "wzp-test-XXXXXX", NULL);

  g_assert_nonnull (g_mkdtemp (path));
  return path;
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  /* A link is removed, never followed. */
  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK) &&
      (dir = g_dir_open (path, 0, NULL)) != NULL)
    while ((name = g_dir_read_name (dir)) != NULL) {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  if (g_remove (path) != 0 && errno != ENOENT)
    g_printerr ("# cannot remove %s: %s\n", path, g_strerror (errno));
}

void
wzp_test_dir_remove (char *path)
{
  g_return_if_fail (path != NULL);

  remove_tree (path);
  g_free (path);
}

GRand *
wzp_test_rand_new (void)
{
  guint32 seed = (guint32) g_test_rand_int ();

  g_test_message ("seed %u", seed);
  return g_rand_new_with_seed (seed);
}

static void
run_case (gconstpointer data)
{
  const TestCase *test_case = data;
  WzpTest test = { 0 };

  wzp_test_watchdog_start (g_test_get_path (), test_case->seconds);
  test.context = g_main_context_new ();
  test.dir = wzp_test_dir_new ();
  g_main_context_push_thread_default (test.context);

  test_case->func (&test, test_case->data);

  /* What was left to run in idle, frees above all, runs before the context
   * goes. */
  wzp_test_drain (test.context);
  g_main_context_pop_thread_default (test.context);
  g_main_context_unref (test.context);
  wzp_test_dir_remove (test.dir);
  wzp_test_watchdog_stop ();
}

void
wzp_test_add_full (
    const char *path, guint seconds, gconstpointer data, WzpTestFunc func)
{
  TestCase *test_case;

  g_return_if_fail (path != NULL && func != NULL && seconds > 0);

  test_case = g_new0 (TestCase, 1);
  test_case->func = func;
  test_case->data = data;
  test_case->seconds = seconds;
  g_test_add_data_func_full (path, test_case, run_case, g_free);
}

void
wzp_test_add (const char *path, gconstpointer data, WzpTestFunc func)
{
  wzp_test_add_full (path, WZP_TEST_SECONDS, data, func);
}

void
wzp_test_init (int *argc, char ***argv)
{
  static const char *const names[] = { "HOME", "XDG_CONFIG_HOME",
    "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR" };

  g_return_if_fail (home_dir == NULL);

  /* Not G_TEST_OPTION_ISOLATE_DIRS: it leaks inside GLib 2.74
   * (g_set_user_dirs), so that every leak checker would fail. */
  home_dir = g_strdup (g_getenv (HOME_VARIABLE));
  is_home_ours = home_dir == NULL;
  if (is_home_ours) {
    home_dir = wzp_test_dir_new ();
    g_setenv (HOME_VARIABLE, home_dir, TRUE);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_setenv (names[i], home_dir, TRUE);
  g_test_init (argc, argv, NULL);
}

int
wzp_test_run (void)
{
  int result = g_test_run ();

  wzp_test_watchdog_stop ();
  if (is_home_ours)
    remove_tree (home_dir);
  g_clear_pointer (&home_dir, g_free);
  return result;
}
