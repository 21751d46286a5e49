/* wzp-timer: one deadline on a GMainContext, moved as often as one likes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _WzpTimer WzpTimer;

/* @func is called in @context's thread when the deadline has come; it may free
 * the timer. */
WzpTimer *wzp_timer_new (
    GMainContext *context, void (*func) (gpointer), gpointer user_data);
void wzp_timer_free (WzpTimer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpTimer, wzp_timer_free)

/* Fires at @deadline_us (monotonic; in the past: at the next turn); -1: not at
 * all. */
void wzp_timer_set (WzpTimer *self, gint64 deadline_us);
/* The same, but leaves an earlier deadline alone: cheap to call per packet. */
void wzp_timer_set_earlier (WzpTimer *self, gint64 deadline_us);

G_END_DECLS
