#include "wzp-flow-core.h"

void
wzp_flow_core_init (WzpFlowCore *self, const char *name, gsize item_size)
{
  g_atomic_ref_count_init (&self->refs);
  self->name = g_strdup (name);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  wzp_item_queue_init (&self->queue, item_size);
}

void
wzp_flow_core_clear (WzpFlowCore *self)
{
  wzp_item_queue_clear (&self->queue);
  g_clear_pointer (&self->name, g_free);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
}

void
wzp_flow_core_attach (WzpFlowCore *self, gpointer node, WzpFlowWakeFunc wake,
    WzpFlowDetachFunc detach)
{
  g_mutex_lock (&self->lock);
  self->node = node;
  self->wake = wake;
  self->detach = detach;
  g_mutex_unlock (&self->lock);
}

/* With the lock. The node, NULL: there was none any more. */
static gpointer
close_flow (WzpFlowCore *self)
{
  self->closed = TRUE;
  g_cond_broadcast (&self->cond);
  return g_steal_pointer (&self->node);
}

gboolean
wzp_flow_core_orphan (WzpFlowCore *self)
{
  gboolean was_attached;

  g_mutex_lock (&self->lock);
  was_attached = close_flow (self) != NULL;
  g_mutex_unlock (&self->lock);
  return was_attached;
}

void
wzp_flow_core_detach (WzpFlowCore *self, gpointer flow)
{
  gpointer node;

  g_mutex_lock (&self->lock);
  node = close_flow (self);
  if (node != NULL)
    self->detach (node, flow);
  g_mutex_unlock (&self->lock);
}

void
wzp_flow_core_wake (WzpFlowCore *self)
{
  if (self->node != NULL)
    self->wake (self->node);
}
