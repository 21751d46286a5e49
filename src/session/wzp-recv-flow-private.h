/* wzp-recv-flow-private: the session thread's side of a receive flow. */
#pragma once

#include "wzp-item-queue.h"
#include "wzp-recv-flow.h"
#include "wzp-send-flow-private.h" /* the wake and detach types */

G_BEGIN_DECLS

WzpRecvFlow *wzp_recv_flow_new (const char *name);
void wzp_recv_flow_attach (WzpRecvFlow *self, gpointer node,
    WzpFlowWakeFunc wake, WzpFlowDetachFunc detach);
/* The node is going: pop() gives what is queued, then CLOSED for ever. FALSE:
 * it was detached or orphaned before. */
gboolean wzp_recv_flow_orphan (WzpRecvFlow *self);
const char *wzp_recv_flow_get_name (const WzpRecvFlow *self); /* nullable */

/* Session thread; each takes what is in the item. */
void wzp_recv_flow_push (WzpRecvFlow *self, const WzpRecvItem *item);
/* Session thread: whether a key frame was asked for since the last call. */
gboolean wzp_recv_flow_take_key_request (WzpRecvFlow *self);

G_END_DECLS
