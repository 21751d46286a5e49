#include "wzp-timer-heap.h"

#define MIN_SIZE 16u

void
wzp_timer_heap_init (WzpTimerHeap *self)
{
  g_return_if_fail (self != NULL);
  *self = (WzpTimerHeap){ 0 };
}

void
wzp_timer_heap_clear (WzpTimerHeap *self)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < self->n_nodes; i++)
    self->nodes[i].timer->index = 0;
  g_clear_pointer (&self->nodes, g_free);
  self->n_nodes = self->size = 0;
}

static void
put (WzpTimerHeap *self, guint place, WzpTimerNode node)
{
  self->nodes[place] = node;
  node.timer->index = place + 1;
}

/* Brings @node from @place to where it belongs. */
static void
settle (WzpTimerHeap *self, guint place, WzpTimerNode node)
{
  const WzpTimerNode *nodes = self->nodes;

  while (place > 0 && nodes[(place - 1) / 2].when > node.when) {
    put (self, place, nodes[(place - 1) / 2]);
    place = (place - 1) / 2;
  }
  for (;;) {
    guint child = 2 * place + 1;

    if (child >= self->n_nodes)
      break;
    if (child + 1 < self->n_nodes && nodes[child + 1].when < nodes[child].when)
      child++;
    if (nodes[child].when >= node.when)
      break;
    put (self, place, nodes[child]);
    place = child;
  }
  put (self, place, node);
}

static void
take_out (WzpTimerHeap *self, WzpTimer *timer)
{
  guint place = timer->index - 1;
  WzpTimerNode last = self->nodes[--self->n_nodes];

  timer->index = 0;
  if (last.timer != timer)
    settle (self, place, last);
}

static void
add (WzpTimerHeap *self, WzpTimer *timer)
{
  if (self->n_nodes == self->size) {
    self->size = MAX (2 * self->size, MIN_SIZE);
    self->nodes = g_renew (WzpTimerNode, self->nodes, self->size);
  }
  settle (self, self->n_nodes++, (WzpTimerNode){ timer->when, timer });
}

void
wzp_timer_heap_set (WzpTimerHeap *self, WzpTimer *timer, guint64 when)
{
  g_return_if_fail (self != NULL && timer != NULL);

  timer->when = when;
  if (when == WZP_TIMER_NEVER) {
    if (timer->index != 0)
      take_out (self, timer);
  } else if (timer->index == 0) {
    add (self, timer);
  } else if (when < self->nodes[timer->index - 1].when) {
    settle (self, timer->index - 1, (WzpTimerNode){ when, timer });
  }
}

WzpTimer *
wzp_timer_heap_peek (WzpTimerHeap *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  while (self->n_nodes > 0) {
    WzpTimer *first = self->nodes[0].timer;

    if (first->when == self->nodes[0].when)
      return first;
    settle (self, 0, (WzpTimerNode){ first->when, first });
  }
  return NULL;
}
