/* wzp-recv-flow-private: the session thread's side of a receive flow. */
#pragma once

#include "wzp-flow-core.h"
#include "wzp-recv-flow.h"

G_BEGIN_DECLS

WzpRecvFlow *wzp_recv_flow_new (const char *name);
/* As wzp-flow-core says; @wake when a key frame is asked for. */
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
