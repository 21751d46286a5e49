#include "wzp-loop.h"

struct _WzpLoop {
  GMainContext *context; /* owned by the thread, which drops it last */
  GMainLoop *loop;       /* owned by the thread */
  GThread *thread;       /* owned; NULL once detached */
  gboolean is_detached;  /* the thread frees @self */
};

typedef struct {
  void (*func) (gpointer);
  gpointer data;
  GMutex lock;
  GCond cond;
  gboolean done; /* with lock */
} SyncCall;

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
    g_free (self);
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

  call->func (call->data);
  g_mutex_lock (&call->lock);
  call->done = TRUE;
  g_cond_signal (&call->cond);
  g_mutex_unlock (&call->lock);
  return G_SOURCE_REMOVE;
}

WzpLoop *
wzp_loop_new (const char *name)
{
  WzpLoop *self = g_new0 (WzpLoop, 1);

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
  SyncCall call = { .func = func, .data = data };

  g_return_if_fail (self != NULL && func != NULL);

  if (wzp_loop_is_current (self)) {
    func (data);
    return;
  }

  g_mutex_init (&call.lock);
  g_cond_init (&call.cond);
  wzp_loop_invoke (self, run_sync_call, &call, NULL);
  g_mutex_lock (&call.lock);
  while (!call.done)
    g_cond_wait (&call.cond, &call.lock);
  g_mutex_unlock (&call.lock);
  g_cond_clear (&call.cond);
  g_mutex_clear (&call.lock);
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
  g_free (self);
}
