#include "wzp-timer-heap.h"

void
wzp_timer_heap_init (WzpTimerHeap *self)
{
  g_return_if_fail (self != NULL);
  self->nodes = g_ptr_array_new ();
}

void
wzp_timer_heap_clear (WzpTimerHeap *self)
{
  g_return_if_fail (self != NULL);

  for (guint i = 0; i < self->nodes->len; i++)
    ((WzpTimer *) self->nodes->pdata[i])->index = 0;
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
}

static void
put (WzpTimerHeap *self, guint place, WzpTimer *timer)
{
  self->nodes->pdata[place] = timer;
  timer->index = place + 1;
}

static guint64
when_at (const WzpTimerHeap *self, guint place)
{
  return ((const WzpTimer *) self->nodes->pdata[place])->when;
}

/* Brings @timer from @place to where it belongs. */
static void
settle (WzpTimerHeap *self, guint place, WzpTimer *timer)
{
  guint n = self->nodes->len;

  while (place > 0 && when_at (self, (place - 1) / 2) > timer->when) {
    put (self, place, self->nodes->pdata[(place - 1) / 2]);
    place = (place - 1) / 2;
  }
  for (;;) {
    guint child = 2 * place + 1;

    if (child >= n)
      break;
    if (child + 1 < n && when_at (self, child + 1) < when_at (self, child))
      child++;
    if (when_at (self, child) >= timer->when)
      break;
    put (self, place, self->nodes->pdata[child]);
    place = child;
  }
  put (self, place, timer);
}

static void
take_out (WzpTimerHeap *self, WzpTimer *timer)
{
  guint place = timer->index - 1;
  WzpTimer *last = self->nodes->pdata[self->nodes->len - 1];

  g_ptr_array_set_size (self->nodes, self->nodes->len - 1);
  timer->index = 0;
  if (last != timer)
    settle (self, place, last);
}

void
wzp_timer_heap_set (WzpTimerHeap *self, WzpTimer *timer, guint64 when)
{
  g_return_if_fail (self != NULL && timer != NULL);

  if (when == WZP_TIMER_NEVER) {
    if (timer->index != 0)
      take_out (self, timer);
    timer->when = when;
    return;
  }

  if (timer->index == 0) {
    g_ptr_array_add (self->nodes, timer);
    timer->index = self->nodes->len;
  } else if (timer->when == when) {
    return;
  }
  timer->when = when;
  settle (self, timer->index - 1, timer);
}

WzpTimer *
wzp_timer_heap_peek (const WzpTimerHeap *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->nodes->len > 0 ? self->nodes->pdata[0] : NULL;
}
