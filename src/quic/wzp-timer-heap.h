/* wzp-timer-heap: the earliest of many deadlines: a binary heap of nodes that
 * name timers, which live inside their owners.
 *
 * A deadline that only moves on, as most do with every packet, leaves its node
 * where it is: the node is put right when it comes to the top. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_TIMER_NEVER G_MAXUINT64

typedef struct {
  guint64 when; /* nanoseconds */
  guint index;  /* place in the heap + 1; 0: not in it */
  gpointer owner;
} WzpTimer;

typedef struct {
  guint64 when; /* no later than the timer's: that is not looked up */
  WzpTimer *timer; /* not owned */
} WzpTimerNode;

typedef struct {
  WzpTimerNode *nodes; /* owned */
  guint n_nodes, size; /* in use, allocated */
} WzpTimerHeap;

void wzp_timer_heap_init (WzpTimerHeap *self);
void wzp_timer_heap_clear (WzpTimerHeap *self);
/* Adds, moves, or (@when WZP_TIMER_NEVER) removes. */
void wzp_timer_heap_set (WzpTimerHeap *self, WzpTimer *timer, guint64 when);
/* NULL: there is none. */
WzpTimer *wzp_timer_heap_peek (WzpTimerHeap *self);

G_END_DECLS
