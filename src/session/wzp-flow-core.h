/* wzp-flow-core: what send and receive flows have in common: a name, a lock, a
 * queue, and the node that they belong to until one of both leaves.
 *
 * The lock is a leaf: nothing is called with it held but GLib, and the node's
 * two functions below. */
#pragma once

#include "wzp-item-queue.h"

G_BEGIN_DECLS

/* A key frame is asked for no more often than this, at either end. */
#define WZP_KEY_REQUEST_INTERVAL_US (200 * 1000)

/* Any thread, with the flow's lock held, which keeps the node alive: they must
 * not call into the flow. */
typedef void (*WzpFlowWakeFunc) (gpointer node);
typedef void (*WzpFlowDetachFunc) (gpointer node, gpointer flow);

typedef struct {
  gatomicrefcount refs;
  char *name; /* owned, nullable */

  GMutex lock;
  GCond cond; /* anything below changed in a way that a waiter may want */
  /* with lock */
  gpointer node; /* not owned; NULL: not attached, or one of both has left */
  WzpFlowWakeFunc wake;
  WzpFlowDetachFunc detach;
  WzpItemQueue queue;
  gboolean flushing, closed;
} WzpFlowCore;

/* @item_size: of what the queue holds. One reference. */
void wzp_flow_core_init (
    WzpFlowCore *self, const char *name, gsize item_size);
void wzp_flow_core_clear (WzpFlowCore *self);
/* @node is not owned: orphan() or detach() take it back. */
void wzp_flow_core_attach (WzpFlowCore *self, gpointer node,
    WzpFlowWakeFunc wake, WzpFlowDetachFunc detach);
/* The node is going. FALSE: one of both had left before. */
gboolean wzp_flow_core_orphan (WzpFlowCore *self);
/* The flow (@flow is what the node knows it by) is going: tells the node,
 * once. */
void wzp_flow_core_detach (WzpFlowCore *self, gpointer flow);
/* With the lock. */
void wzp_flow_core_wake (WzpFlowCore *self);

G_END_DECLS
