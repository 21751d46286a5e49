/* wzp-timer-heap: the earliest of many deadlines: a binary heap of nodes that
 * live inside their owners. Pure. */
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
  GPtrArray *nodes; /* owned array of WzpTimer, not owned */
} WzpTimerHeap;

void wzp_timer_heap_init (WzpTimerHeap *self);
void wzp_timer_heap_clear (WzpTimerHeap *self);
/* Adds, moves, or (@when WZP_TIMER_NEVER) removes. */
void wzp_timer_heap_set (WzpTimerHeap *self, WzpTimer *timer, guint64 when);
/* NULL: there is none. */
WzpTimer *wzp_timer_heap_peek (const WzpTimerHeap *self);

G_END_DECLS
