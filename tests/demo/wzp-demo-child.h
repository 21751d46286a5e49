/* wzp-demo-child: another process, spoken to by lines of text over its
 * standard input and output. It does not outlive this one, whatever happens.
 * Thread: that of the default main context. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _DemoChild DemoChild;

/* @line: without its end, borrowed. NULL: no more will come. */
typedef void (*DemoLineFunc) (const char *line, gpointer user_data);

DemoChild *demo_child_new (const char *const *argv, DemoLineFunc func,
    gpointer user_data, GError **error);
/* Closes its input, sends @signal unless that is 0, and forces it when that does
 * not help; returns when it is gone. FALSE: it did not end by itself and with
 * exit code 0. Nothing more is read. */
gboolean demo_child_end (DemoChild *self, int signal);
/* Ends it with SIGTERM if it was not. */
void demo_child_free (DemoChild *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DemoChild, demo_child_free)

/* Writes @line and its end. One that has gone by then is no error. */
void demo_child_send (DemoChild *self, const char *line);

/* Iterates the default main context until @condition holds. FALSE: @seconds
 * have passed, or demo_stop_waiting() was called. */
typedef gboolean (*DemoCondition) (gpointer data);
gboolean demo_wait (DemoCondition condition, gpointer data, guint seconds);

/* From now on every wait is over at once: somebody wants the program to end. */
void demo_stop_waiting (void);
gboolean demo_is_stopped (void);

G_END_DECLS
