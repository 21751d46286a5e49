#include "wzp-loop.h"

struct _WzpLoop {
  GMainContext *context; /* owned by the thread, which drops it last */
  GMainLoop *loop;       /* owned by the thread */
  GThread *thread;       /* owned, until detached */
  gboolean is_detached;  /* the thread frees @self; used only there */

  GMutex lock; /* for is_done of every SyncCall */
  GCond cond;  /* one of them was done */
};

typedef struct {
  WzpLoop *loop;
  void (*func) (gpointer);
  gpointer data;
  gboolean is_done; /* with the loop's lock */
} SyncCall;

static void
free_self (WzpLoop *self)
{
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static gpointer
run_loop (gpointer data)
{
  WzpLoop *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);

  /* Here, so that what was never run is freed in this thread. */
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  if (self->is_detached)
    free_self (self);
  return NULL;
}

static gboolean
quit_loop (gpointer data)
{
  WzpLoop *self = data;

  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
run_sync_call (gpointer data)
{
  SyncCall *call = data;
  WzpLoop *self = call->loop;

  call->func (call->data);
  /* @call is gone once the lock is given back. */
  g_mutex_lock (&self->lock);
  call->is_done = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  return G_SOURCE_REMOVE;
}

WzpLoop *
wzp_loop_new (const char *name)
{
  WzpLoop *self = g_new0 (WzpLoop, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->thread = g_thread_new (name, run_loop, self);
  return self;
}

GMainContext *
wzp_loop_get_context (const WzpLoop *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->context;
}

gboolean
wzp_loop_is_current (const WzpLoop *self)
{
  g_return_val_if_fail (self != NULL, FALSE);
  return g_main_context_is_owner (self->context);
}

void
wzp_loop_invoke (
    WzpLoop *self, GSourceFunc func, gpointer data, GDestroyNotify notify)
{
  g_return_if_fail (self != NULL && func != NULL);
  g_main_context_invoke_full (
      self->context, G_PRIORITY_DEFAULT, func, data, notify);
}

void
wzp_loop_invoke_sync (WzpLoop *self, void (*func) (gpointer), gpointer data)
{
  SyncCall call = { .loop = self, .func = func, .data = data };

  g_return_if_fail (self != NULL && func != NULL);

  if (wzp_loop_is_current (self)) {
    func (data);
    return;
  }

  wzp_loop_invoke (self, run_sync_call, &call, NULL);
  g_mutex_lock (&self->lock);
  while (!call.is_done)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);
}

void
wzp_loop_free (WzpLoop *self)
{
  if (self == NULL)
    return;

  if (wzp_loop_is_current (self)) {
    self->is_detached = TRUE;
    g_thread_unref (self->thread);
    g_main_loop_quit (self->loop);
    return;
  }

  /* Queued behind what was invoked before, so that all of it runs. */
  wzp_loop_invoke (self, quit_loop, self, NULL);
  g_thread_join (self->thread);
  free_self (self);
}
