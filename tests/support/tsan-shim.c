/* tsan-shim: tells ThreadSanitizer about the locks inside GLib.
 *
 * GLib is not built with ThreadSanitizer and makes its locks of futexes, so
 * what two threads agree on through a GMutex looks like a race. This library
 * is preloaded (LD_PRELOAD) into test programs of a -Db_sanitize=thread build
 * and says before and after each of these functions what they promise:
 * whatever was done before a release of an address has happened before what
 * follows an acquire of it. It hides no race of ours: no access is ignored.
 *
 * GLib's calls inside itself do not come by here; what still shows of them is
 * named in tests/tsan.supp. Not part of the library or the plugin. */
#include <dlfcn.h>
#include <glib-object.h>
#include <pthread.h>

/* With a weak reference the library may be loaded into any program. */
extern void __tsan_acquire (void *addr) __attribute__ ((weak));
extern void __tsan_release (void *addr) __attribute__ ((weak));

/* GStreamer's, for the programs that have it; the shim is not linked with it.
 */
void gst_mini_object_unref (gpointer object);

#define EXPORT __attribute__ ((visibility ("default")))

static void
acquire (gconstpointer addr)
{
  if (__tsan_acquire != NULL && addr != NULL)
    __tsan_acquire ((void *) addr);
}

static void
release (gconstpointer addr)
{
  if (__tsan_release != NULL && addr != NULL)
    __tsan_release ((void *) addr);
}

/* The next definition of the function @name, of the type of the wrapper that
 * it is written in. */
#define REAL(name)                                                             \
  static __typeof__ (&name) real;                                              \
  if (__atomic_load_n (&real, __ATOMIC_RELAXED) == NULL)                       \
  __atomic_store_n (                                                           \
      &real, (__typeof__ (&name)) dlsym (RTLD_NEXT, #name), __ATOMIC_RELAXED)

#define LOCK(name, Type)                                                       \
  EXPORT void name (Type *lock)                                                \
  {                                                                            \
    REAL (name);                                                               \
    real (lock);                                                               \
    acquire (lock);                                                            \
  }

#define TRYLOCK(name, Type)                                                    \
  EXPORT gboolean name (Type *lock)                                            \
  {                                                                            \
    REAL (name);                                                               \
    gboolean taken = real (lock);                                              \
    if (taken)                                                                 \
      acquire (lock);                                                          \
    return taken;                                                              \
  }

#define UNLOCK(name, Type)                                                     \
  EXPORT void name (Type *lock)                                                \
  {                                                                            \
    REAL (name);                                                               \
    release (lock);                                                            \
    real (lock);                                                               \
  }

/* Gives one reference up; the last one frees, after all that the others did. */
#define UNREF(name, Type) UNREF_LIKE (name, Type *)
#define UNREF_LIKE(name, Type)                                                 \
  EXPORT void name (Type object)                                               \
  {                                                                            \
    REAL (name);                                                               \
    release (object);                                                          \
    acquire (object);                                                          \
    real (object);                                                             \
  }

#define POP(name)                                                              \
  EXPORT gpointer name (GAsyncQueue *queue)                                    \
  {                                                                            \
    REAL (name);                                                               \
    gpointer item = real (queue);                                              \
    acquire (queue);                                                           \
    return item;                                                               \
  }

#define PUSH(name)                                                             \
  EXPORT void name (GAsyncQueue *queue, gpointer item)                         \
  {                                                                            \
    REAL (name);                                                               \
    release (queue);                                                           \
    real (queue, item);                                                        \
  }

LOCK (g_mutex_lock, GMutex)
TRYLOCK (g_mutex_trylock, GMutex)
UNLOCK (g_mutex_unlock, GMutex)
LOCK (g_rec_mutex_lock, GRecMutex)
TRYLOCK (g_rec_mutex_trylock, GRecMutex)
UNLOCK (g_rec_mutex_unlock, GRecMutex)
LOCK (g_rw_lock_writer_lock, GRWLock)
TRYLOCK (g_rw_lock_writer_trylock, GRWLock)
UNLOCK (g_rw_lock_writer_unlock, GRWLock)
LOCK (g_rw_lock_reader_lock, GRWLock)
TRYLOCK (g_rw_lock_reader_trylock, GRWLock)
UNLOCK (g_rw_lock_reader_unlock, GRWLock)

UNREF_LIKE (g_object_unref, gpointer)
UNREF_LIKE (gst_mini_object_unref, gpointer)
UNREF (g_bytes_unref, GBytes)
UNREF (g_source_unref, GSource)
UNREF (g_main_context_unref, GMainContext)
UNREF (g_main_loop_unref, GMainLoop)
UNREF (g_variant_unref, GVariant)
UNREF (g_ptr_array_unref, GPtrArray)
UNREF (g_byte_array_unref, GByteArray)
UNREF (g_hash_table_unref, GHashTable)
UNREF (g_async_queue_unref, GAsyncQueue)
UNREF_LIKE (g_atomic_rc_box_release, gpointer)

EXPORT void
g_atomic_rc_box_release_full (gpointer box, GDestroyNotify clear)
{
  REAL (g_atomic_rc_box_release_full);

  release (box);
  acquire (box);
  real (box, clear);
}

/* The parentheses keep the macros of such names away. */
EXPORT
gboolean (g_atomic_ref_count_dec) (gatomicrefcount *count)
{
  REAL (g_atomic_ref_count_dec);

  release (count);
  acquire (count);
  return real (count);
}

/* A string that the first caller makes and all others read. */
EXPORT const char *
g_get_user_config_dir (void)
{
  REAL (g_get_user_config_dir);
  const char *dir = real ();

  release (dir);
  acquire (dir);
  return dir;
}

PUSH (g_async_queue_push)
PUSH (g_async_queue_push_front)
POP (g_async_queue_pop)
POP (g_async_queue_try_pop)

EXPORT gpointer
g_async_queue_timeout_pop (GAsyncQueue *queue, guint64 timeout)
{
  REAL (g_async_queue_timeout_pop);
  gpointer item = real (queue, timeout);

  acquire (queue);
  return item;
}

EXPORT void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  REAL (g_cond_wait);

  release (mutex);
  real (cond, mutex);
  acquire (mutex);
}

EXPORT gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  REAL (g_cond_wait_until);
  gboolean signalled;

  release (mutex);
  signalled = real (cond, mutex, end_time);
  acquire (mutex);
  return signalled;
}

/* The reader's side is an atomic load of the same address, made inline. */
EXPORT void (g_once_init_leave) (volatile void *location, gsize result)
{
  static void (*real) (volatile void *, gsize);

  if (__atomic_load_n (&real, __ATOMIC_RELAXED) == NULL)
    __atomic_store_n (&real,
        (void (*) (volatile void *, gsize)) dlsym (
            RTLD_NEXT, "g_once_init_leave"),
        __ATOMIC_RELAXED);
  release ((gconstpointer) location);
  real (location, result);
}

/* Main contexts. One is handed from thread to thread under its own lock, and a
 * source is seen under that lock by the thread that runs it: the source's
 * functions are wrapped when it is attached. */

#define MAX_SOURCE_KINDS 128

typedef struct {
  GSourceFuncs funcs; /* first: stands in a GSource's source_funcs */
  const GSourceFuncs *original;
} WrappedFuncs;

static WrappedFuncs wrapped[MAX_SOURCE_KINDS];
static int n_wrapped;
static pthread_mutex_t wrapped_lock = PTHREAD_MUTEX_INITIALIZER;

static gboolean
source_prepare (GSource *source, int *timeout)
{
  WrappedFuncs *self = (WrappedFuncs *) source->source_funcs;

  acquire (g_source_get_context (source));
  return self->original->prepare (source, timeout);
}

static gboolean
source_check (GSource *source)
{
  WrappedFuncs *self = (WrappedFuncs *) source->source_funcs;

  acquire (g_source_get_context (source));
  return self->original->check (source);
}

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  WrappedFuncs *self = (WrappedFuncs *) source->source_funcs;

  acquire (g_source_get_context (source));
  return self->original->dispatch (source, callback, data);
}

static void
wrap_source (GSource *source)
{
  const GSourceFuncs *original = source->source_funcs;
  WrappedFuncs *found = NULL;

  pthread_mutex_lock (&wrapped_lock);
  for (int i = 0; i < n_wrapped && found == NULL; i++)
    if (wrapped[i].original == original || &wrapped[i].funcs == original)
      found = &wrapped[i];
  if (found == NULL && n_wrapped < MAX_SOURCE_KINDS) {
    found = &wrapped[n_wrapped++];
    found->original = original;
    found->funcs = *original;
    if (original->prepare != NULL)
      found->funcs.prepare = source_prepare;
    if (original->check != NULL)
      found->funcs.check = source_check;
    found->funcs.dispatch = source_dispatch;
  }
  if (found != NULL)
    source->source_funcs = &found->funcs;
  pthread_mutex_unlock (&wrapped_lock);
}

EXPORT guint
g_source_attach (GSource *source, GMainContext *context)
{
  REAL (g_source_attach);

  wrap_source (source);
  release (context != NULL ? context : g_main_context_default ());
  return real (source, context);
}

static guint
attach_callback (GSource *source, GMainContext *context, int priority,
    GSourceFunc function, gpointer data, GDestroyNotify notify)
{
  guint id;

  g_source_set_priority (source, priority);
  g_source_set_callback (source, function, data, notify);
  id = g_source_attach (source, context);
  g_source_unref (source);
  return id;
}

EXPORT guint
g_idle_add_full (
    int priority, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
  return attach_callback (
      g_idle_source_new (), NULL, priority, function, data, notify);
}

EXPORT guint
g_idle_add (GSourceFunc function, gpointer data)
{
  return g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, function, data, NULL);
}

EXPORT guint
g_timeout_add_full (int priority, guint interval, GSourceFunc function,
    gpointer data, GDestroyNotify notify)
{
  return attach_callback (
      g_timeout_source_new (interval), NULL, priority, function, data, notify);
}

EXPORT guint
g_timeout_add (guint interval, GSourceFunc function, gpointer data)
{
  return g_timeout_add_full (
      G_PRIORITY_DEFAULT, interval, function, data, NULL);
}

/* As GLib has it, but by the g_source_attach() above. */
EXPORT void
g_main_context_invoke_full (GMainContext *context, int priority,
    GSourceFunc function, gpointer data, GDestroyNotify notify)
{
  GMainContext *target = context != NULL ? context : g_main_context_default ();
  GMainContext *own = g_main_context_get_thread_default ();
  gboolean is_taken = FALSE;

  if (own == NULL)
    own = g_main_context_default ();
  if (!g_main_context_is_owner (target) &&
      !(own == target && (is_taken = g_main_context_acquire (target)))) {
    attach_callback (
        g_idle_source_new (), target, priority, function, data, notify);
    return;
  }
  acquire (target);
  while (function (data))
    ;
  if (is_taken)
    g_main_context_release (target);
  if (notify != NULL)
    notify (data);
  release (target);
}

EXPORT void
g_main_context_invoke (
    GMainContext *context, GSourceFunc function, gpointer data)
{
  g_main_context_invoke_full (
      context, G_PRIORITY_DEFAULT, function, data, NULL);
}

EXPORT void
g_main_loop_run (GMainLoop *loop)
{
  REAL (g_main_loop_run);
  GMainContext *context = g_main_loop_get_context (loop);

  acquire (context);
  real (loop);
  release (context);
}

EXPORT gboolean
g_main_context_iteration (GMainContext *context, gboolean may_block)
{
  REAL (g_main_context_iteration);
  GMainContext *target = context != NULL ? context : g_main_context_default ();
  gboolean dispatched;

  acquire (target);
  dispatched = real (context, may_block);
  release (target);
  return dispatched;
}
