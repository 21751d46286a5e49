#include "wzp-deadlines.h"

/* The link is its first field. */
static WzpDeadline *
of_link (GList *link)
{
  return (WzpDeadline *) link;
}

void
wzp_deadline_init (WzpDeadline *deadline, gpointer owner)
{
  *deadline = (WzpDeadline){ .link.data = owner };
}

void
wzp_deadlines_add (GQueue *queue, WzpDeadline *deadline, gint64 at_us)
{
  GList *before = queue->tail;

  g_return_if_fail (!deadline->is_queued);

  deadline->at_us = at_us;
  deadline->is_queued = TRUE;
  while (before != NULL && of_link (before)->at_us > at_us)
    before = before->prev;
  if (before == NULL)
    g_queue_push_head_link (queue, &deadline->link);
  else
    g_queue_insert_after_link (queue, before, &deadline->link);
}

void
wzp_deadlines_remove (GQueue *queue, WzpDeadline *deadline)
{
  if (!deadline->is_queued)
    return;
  deadline->is_queued = FALSE;
  g_queue_unlink (queue, &deadline->link);
}

gint64
wzp_deadlines_get (const GQueue *queue)
{
  return queue->head != NULL ? of_link (queue->head)->at_us : -1;
}

gpointer
wzp_deadlines_take (GQueue *queue)
{
  WzpDeadline *first;

  if (queue->head == NULL)
    return NULL;
  first = of_link (queue->head);
  wzp_deadlines_remove (queue, first);
  return first->link.data;
}
