/* wzp-deadlines: things that wait, in the order of their time. A queue is for
 * one kind of them: all wait equally long, so that adding one is O(1); where
 * they do not (a limit was changed meanwhile) it is still right, but slower.
 *
 * A queue is a GQueue of its own things' WzpDeadline; it owns nothing. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A field of what waits. */
typedef struct {
  GList link; /* data: what waits */
  gint64 at_us;
  gboolean is_queued;
} WzpDeadline;

void wzp_deadline_init (WzpDeadline *deadline, gpointer owner);
/* @deadline must not be queued. */
void wzp_deadlines_add (GQueue *queue, WzpDeadline *deadline, gint64 at_us);
/* Nothing when it is not queued. */
void wzp_deadlines_remove (GQueue *queue, WzpDeadline *deadline);
/* The first of all; -1: nothing waits. */
gint64 wzp_deadlines_get (const GQueue *queue);
/* Takes the first out of the queue: what waits; NULL: nothing does. */
gpointer wzp_deadlines_take (GQueue *queue);

G_END_DECLS
