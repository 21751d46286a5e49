/* wzp-loop: a thread that runs a GMainContext of its own. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _WzpLoop WzpLoop;

/* The thread has its context as thread-default. @name: for debuggers, at most
 * 15 bytes. */
WzpLoop *wzp_loop_new (const char *name);
GMainContext *wzp_loop_get_context (const WzpLoop *self);
gboolean wzp_loop_is_current (const WzpLoop *self);
/* Runs @func in the loop's thread, later and again until it returns
 * G_SOURCE_REMOVE; directly when called there. Calls of one thread run in their
 * order. Any thread. @notify (nullable) frees @data in the loop's thread. */
void wzp_loop_invoke (
    WzpLoop *self, GSourceFunc func, gpointer data, GDestroyNotify notify);
/* Runs @func once and waits until it ran. A func that itself waits for the
 * caller never ends: not to be called with a lock held that @func takes. */
void wzp_loop_invoke_sync (WzpLoop *self, void (*func) (gpointer),
    gpointer data);
/* Stops and joins the thread, after it ran what was invoked before; called in
 * the thread itself it detaches instead and frees itself when the loop has
 * ended. Sources still attached are destroyed in the thread, unless someone
 * else holds a reference to the context. */
void wzp_loop_free (WzpLoop *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpLoop, wzp_loop_free)

G_END_DECLS
