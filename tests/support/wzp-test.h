/* wzp-test: what every test program starts with: a watchdog that ends a test
 * which hangs, a main context of its own per test, a folder of its own, a
 * seed that can be given again, and no file of the user's.
 *
 *   static void
 *   test_answer (WzpTest *test, gconstpointer data)
 *   {
 *     WzpThing *thing = thing_new (test->context);
 *
 *     wzp_test_assert_until (test, thing_is_ready (thing), 2000);
 *   }
 *
 *   int
 *   main (int argc, char **argv)
 *   {
 *     wzp_test_init (&argc, &argv);
 *     wzp_test_add ("/thing/answer", NULL, test_answer);
 *     return wzp_test_run ();
 *   }
 *
 * Plain g_test_add_func() goes with it: the watchdog and the main context are
 * then the program's own to start, with wzp_test_watchdog_start() or not. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Seconds that one test of wzp_test_add() may take. WZP_TEST_SLOWER in the
 * environment multiplies it, as it does every time out here (valgrind and
 * the sanitizers want it). */
#define WZP_TEST_SECONDS 20u

typedef struct {
  GMainContext *context; /* owned; thread-default in the test's thread */
  char *dir;             /* owned; an empty folder, gone after the test */
} WzpTest;

typedef void (*WzpTestFunc) (WzpTest *test, gconstpointer data);
typedef gboolean (*WzpTestCondition) (gpointer data);

/* g_test_init() with the XDG folders and the home folder moved to a folder of
 * this process: call it first in main(). wzp_test_run() removes the folder
 * and returns what main() should. */
void wzp_test_init (int *argc, char ***argv);
int wzp_test_run (void);

/* Adds a test that gets a fixture and is guarded for WZP_TEST_SECONDS; the
 * second form says how many. @data is passed on; not owned. */
void wzp_test_add (const char *path, gconstpointer data, WzpTestFunc func);
void wzp_test_add_full (const char *path, guint seconds, gconstpointer data,
    WzpTestFunc func);

/* Aborts the process with a message that names @what unless
 * wzp_test_watchdog_stop() is called within @seconds. One at a time: a second
 * start replaces the first. Any thread. */
void wzp_test_watchdog_start (const char *what, guint seconds);
void wzp_test_watchdog_stop (void);

/* Iterates @context (NULL: the default one) until @condition says TRUE or
 * @timeout_ms have passed. The condition is asked after every dispatch, and
 * every few milliseconds besides, so it may be about another thread's work.
 * Returns: what the condition said last. */
gboolean wzp_test_run_until (GMainContext *context,
    WzpTestCondition condition, gpointer data, guint timeout_ms);

/* The same as a statement over an expression; fails the test with the
 * expression's text. */
#define wzp_test_assert_until(test, expression, timeout_ms)                   \
  G_STMT_START                                                                \
  {                                                                           \
    WzpTestWait *_wait = wzp_test_wait_new ((test)->context, (timeout_ms));   \
    while (!(expression))                                                     \
      if (!wzp_test_wait_step (_wait)) {                                      \
        if (expression)                                                       \
          break;                                                              \
        g_error ("%s:%d: after %u ms still not: %s", __FILE__, __LINE__,      \
            (guint) (timeout_ms), #expression);                               \
      }                                                                       \
    wzp_test_wait_free (_wait);                                               \
  }                                                                           \
  G_STMT_END

/* What wzp_test_assert_until() is made of. A step iterates the context once
 * and returns FALSE once the time is up. */
typedef struct _WzpTestWait WzpTestWait;
WzpTestWait *wzp_test_wait_new (GMainContext *context, guint timeout_ms);
gboolean wzp_test_wait_step (WzpTestWait *self);
void wzp_test_wait_free (WzpTestWait *self);

/* Dispatches what is ready in @context and returns. */
void wzp_test_drain (GMainContext *context);

/* A new empty folder; the caller removes it with wzp_test_dir_remove(), which
 * takes all that is in it along and frees @path. */
char *wzp_test_dir_new (void);
void wzp_test_dir_remove (char *path);

/* A generator seeded from g_test's seed (`--seed` repeats it); the number is
 * printed. Free with g_rand_free(). */
GRand *wzp_test_rand_new (void);

/* @seconds or milliseconds times WZP_TEST_SLOWER (1 when unset). */
guint wzp_test_slower (guint time);

G_END_DECLS
