#include "wzp-loop.h"

#include "wzp-test.h"

#include <sys/prctl.h>

#define N_CALLS   2000u
#define N_CALLERS 4u

/* What several threads tell each other. */
typedef struct {
  WzpLoop *loop; /* not owned */
  GMutex lock;
  GCond cond;
  guint calls; /* with lock, as all below */
  guint notified;
  gboolean wrong_thread;
  gboolean done;
  GThread *thread; /* the loop's; not owned, only compared */
  GString *order;  /* owned */
} Shared;

static void
shared_init (Shared *shared, WzpLoop *loop)
{
  *shared = (Shared){ .loop = loop, .order = g_string_new (NULL) };
  g_mutex_init (&shared->lock);
  g_cond_init (&shared->cond);
}

static void
shared_clear (Shared *shared)
{
  g_mutex_clear (&shared->lock);
  g_cond_clear (&shared->cond);
  g_string_free (shared->order, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Shared, shared_clear)

static void
tell_done (Shared *shared)
{
  g_mutex_lock (&shared->lock);
  shared->done = TRUE;
  g_cond_signal (&shared->cond);
  g_mutex_unlock (&shared->lock);
}

/* The watchdog ends a wait in vain. */
static void
wait_done (Shared *shared)
{
  g_mutex_lock (&shared->lock);
  while (!shared->done)
    g_cond_wait (&shared->cond, &shared->lock);
  shared->done = FALSE;
  g_mutex_unlock (&shared->lock);
}

static gboolean
count_call (gpointer data)
{
  Shared *shared = data;

  g_mutex_lock (&shared->lock);
  shared->calls++;
  shared->wrong_thread |= !wzp_loop_is_current (shared->loop);
  g_mutex_unlock (&shared->lock);
  return G_SOURCE_REMOVE;
}

static void
count_notify (gpointer data)
{
  Shared *shared = data;

  g_mutex_lock (&shared->lock);
  shared->notified++;
  shared->wrong_thread |= !wzp_loop_is_current (shared->loop);
  g_mutex_unlock (&shared->lock);
}

static void
look_around (gpointer data)
{
  Shared *shared = data;
  char name[16] = "";

  prctl (PR_GET_NAME, name);
  g_string_append_printf (shared->order, "%s %d %d %d", name,
      wzp_loop_is_current (shared->loop),
      g_main_context_get_thread_default () ==
          wzp_loop_get_context (shared->loop),
      g_main_context_get_thread_default () != NULL);
}

static void
test_thread (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpLoop) loop = wzp_loop_new ("fifteen-bytes!!");
  g_auto (Shared) shared;

  g_test_summary ("A thread with that name, whose default context is the "
                  "loop's");

  shared_init (&shared, loop);
  g_assert_false (wzp_loop_is_current (loop));
  wzp_loop_invoke_sync (loop, look_around, &shared);
  g_assert_cmpstr (shared.order->str, ==, "fifteen-bytes!! 1 1 1");
}

static gpointer
call_often (gpointer data)
{
  Shared *shared = data;

  for (guint i = 0; i < N_CALLS; i++)
    wzp_loop_invoke (shared->loop, count_call, shared, count_notify);
  return NULL;
}

static void
do_nothing (gpointer data)
{
}

static void
test_invoke (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpLoop) loop = wzp_loop_new ("loop");
  GThread *threads[N_CALLERS];
  g_auto (Shared) shared;

  g_test_summary ("What many threads invoke runs once each, in the loop, and "
                  "is freed there");

  shared_init (&shared, loop);
  for (guint i = 0; i < N_CALLERS; i++)
    threads[i] = g_thread_new ("caller", call_often, &shared);
  for (guint i = 0; i < N_CALLERS; i++)
    g_thread_join (threads[i]);
  wzp_loop_invoke_sync (loop, do_nothing, NULL);
  g_assert_cmpuint (shared.calls, ==, N_CALLERS * N_CALLS);
  g_assert_cmpuint (shared.notified, ==, N_CALLERS * N_CALLS);
  g_assert_false (shared.wrong_thread);
}

typedef struct {
  Shared *shared;
  char letter;
} Letter;

static gboolean
append_letter (gpointer data)
{
  const Letter *letter = data;

  g_string_append_c (letter->shared->order, letter->letter);
  return G_SOURCE_REMOVE;
}

static void
test_order (WzpTest *test, gconstpointer data)
{
  WzpLoop *loop = wzp_loop_new ("loop");
  g_auto (Shared) shared;

  g_test_summary ("In the order of the calls, and all of it before free() "
                  "returns");

  shared_init (&shared, loop);
  for (char c = 'a'; c <= 'z'; c++) {
    Letter *letter = g_new (Letter, 1);

    *letter = (Letter){ .shared = &shared, .letter = c };
    wzp_loop_invoke (loop, append_letter, letter, g_free);
  }
  wzp_loop_free (loop);
  g_assert_cmpstr (shared.order->str, ==, "abcdefghijklmnopqrstuvwxyz");
}

static void
invoke_nested (gpointer data)
{
  Shared *shared = data;

  wzp_loop_invoke (shared->loop, count_call, shared, count_notify);
  g_string_append_printf (
      shared->order, "%u %u ", shared->calls, shared->notified);
  wzp_loop_invoke_sync (shared->loop, look_around, shared);
}

static void
test_inside (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpLoop) loop = wzp_loop_new ("loop");
  g_auto (Shared) shared;

  g_test_summary ("Called in the loop both run at once");

  shared_init (&shared, loop);
  wzp_loop_invoke_sync (loop, invoke_nested, &shared);
  g_assert_cmpstr (shared.order->str, ==, "1 1 loop 1 1 1");
}

static void
count_sync_call (gpointer data)
{
  count_call (data);
}

static gpointer
call_sync_often (gpointer data)
{
  Shared *shared = data;

  for (guint i = 0; i < 200; i++)
    wzp_loop_invoke_sync (shared->loop, count_sync_call, shared);
  return NULL;
}

static void
test_sync_from_threads (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpLoop) loop = wzp_loop_new ("loop");
  GThread *threads[N_CALLERS];
  g_auto (Shared) shared;

  g_test_summary ("Several threads wait for their calls at once");

  shared_init (&shared, loop);
  for (guint i = 0; i < N_CALLERS; i++)
    threads[i] = g_thread_new ("caller", call_sync_often, &shared);
  for (guint i = 0; i < N_CALLERS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (shared.calls, ==, N_CALLERS * 200);
  g_assert_false (shared.wrong_thread);
}

static void
notify_done (gpointer data)
{
  Shared *shared = data;

  g_string_append (shared->order,
      g_thread_self () == shared->thread ? "freed" : "freed elsewhere");
  tell_done (shared);
}

static gboolean
never_called (gpointer data)
{
  g_assert_not_reached ();
}

/* A source that is still waiting when the loop ends. */
static void
add_waiting (gpointer data)
{
  g_autoptr (GSource) source = g_timeout_source_new_seconds (3600);

  ((Shared *) data)->thread = g_thread_self ();
  g_source_set_callback (source, never_called, data, notify_done);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
test_free_with_waiting (WzpTest *test, gconstpointer data)
{
  WzpLoop *loop = wzp_loop_new ("loop");
  g_auto (Shared) shared;

  g_test_summary ("What still waits when the loop is freed is freed too");

  shared_init (&shared, loop);
  wzp_loop_invoke_sync (loop, add_waiting, &shared);
  wzp_loop_free (loop);
  g_assert_cmpstr (shared.order->str, ==, "freed");
}

static gboolean
free_loop (gpointer data)
{
  Shared *shared = data;

  add_waiting (shared);
  wzp_loop_free (shared->loop);
  return G_SOURCE_REMOVE;
}

static void
test_free_inside (WzpTest *test, gconstpointer data)
{
  g_test_summary ("Freed in its own thread it ends by itself");

  for (guint i = 0; i < 20; i++) {
    WzpLoop *loop = wzp_loop_new ("loop");
    g_auto (Shared) shared;

    shared_init (&shared, loop);
    wzp_loop_invoke (loop, free_loop, &shared, NULL);
    wait_done (&shared);
    g_assert_cmpstr (shared.order->str, ==, "freed");
  }
}

static void
test_free_at_once (WzpTest *test, gconstpointer data)
{
  g_test_summary ("Freed before the thread had time to start");

  for (guint i = 0; i < 200; i++)
    wzp_loop_free (wzp_loop_new ("loop"));
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);

  wzp_test_add ("/loop/thread", NULL, test_thread);
  wzp_test_add ("/loop/invoke", NULL, test_invoke);
  wzp_test_add ("/loop/order", NULL, test_order);
  wzp_test_add ("/loop/inside", NULL, test_inside);
  wzp_test_add ("/loop/sync-from-threads", NULL, test_sync_from_threads);
  wzp_test_add ("/loop/free-with-waiting", NULL, test_free_with_waiting);
  wzp_test_add ("/loop/free-inside", NULL, test_free_inside);
  wzp_test_add ("/loop/free-at-once", NULL, test_free_at_once);

  return wzp_test_run ();
}
