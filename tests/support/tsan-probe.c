/* tsan-probe: two threads that agree through every lock of GLib's that the
 * shim knows. Without an argument ThreadSanitizer must find nothing; with
 * "race" one counter is touched without a lock and must be found. */
#include <glib.h>
#include <string.h>

#define ROUNDS 500

typedef struct {
  GMutex lock;
  GCond cond;
  GRWLock rw_lock;
  GRecMutex rec_lock;
  GAsyncQueue *queue;
  gboolean is_done; /* with lock */
  int by_lock;
  int by_rw_lock;
  int by_rec_lock;
  int by_nothing;
} Shared;

static void
count (Shared *shared)
{
  for (int i = 0; i < ROUNDS; i++) {
    g_mutex_lock (&shared->lock);
    shared->by_lock++;
    g_mutex_unlock (&shared->lock);
    g_rw_lock_writer_lock (&shared->rw_lock);
    shared->by_rw_lock++;
    g_rw_lock_writer_unlock (&shared->rw_lock);
    g_rec_mutex_lock (&shared->rec_lock);
    shared->by_rec_lock++;
    g_rec_mutex_unlock (&shared->rec_lock);
  }
}

static gpointer
work (gpointer data)
{
  Shared *shared = data;
  int *item = g_new0 (int, 1);

  count (shared);
  *item = 5;
  g_async_queue_push (shared->queue, item);
  g_mutex_lock (&shared->lock);
  shared->is_done = TRUE;
  g_cond_signal (&shared->cond);
  g_mutex_unlock (&shared->lock);
  shared->by_nothing++;
  return NULL;
}

static gboolean
increment (gpointer data)
{
  (*(int *) data)++;
  return G_SOURCE_REMOVE;
}

static gboolean
quit (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

static gpointer
run_loop (gpointer data)
{
  GMainContext *context = g_main_loop_get_context (data);

  g_main_context_push_thread_default (context);
  g_main_loop_run (data);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
send_to_loop (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);
  GThread *thread = g_thread_new ("loop", run_loop, loop);

  for (int i = 0; i < ROUNDS; i++) {
    int *item = g_new0 (int, 1);

    *item = i;
    g_main_context_invoke_full (
        context, G_PRIORITY_DEFAULT, increment, item, g_free);
  }
  g_main_context_invoke (context, quit, loop);
  g_thread_join (thread);
}

int
main (int argc, char **argv)
{
  Shared shared = { .queue = g_async_queue_new_full (g_free) };
  GThread *thread = g_thread_new ("work", work, &shared);
  g_autofree int *item = NULL;

  count (&shared);
  g_mutex_lock (&shared.lock);
  while (!shared.is_done)
    g_cond_wait (&shared.cond, &shared.lock);
  g_mutex_unlock (&shared.lock);
  item = g_async_queue_pop (shared.queue);
  g_assert_cmpint (*item, ==, 5);
  if (argc > 1 && strcmp (argv[1], "race") == 0)
    shared.by_nothing++;
  g_thread_join (thread);
  g_async_queue_unref (shared.queue);
  send_to_loop ();
  return shared.by_lock == 2 * ROUNDS ? 0 : 1;
}
