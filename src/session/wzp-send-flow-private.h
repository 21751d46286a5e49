/* wzp-send-flow-private: the session thread's side of a send flow. */
#pragma once

#include "wzp-flow-core.h"
#include "wzp-send-flow.h"

G_BEGIN_DECLS

typedef enum {
  WZP_SEND_ITEM_FRAME = WZP_ITEM_FRAME,
  WZP_SEND_ITEM_DESCRIPTION = WZP_ITEM_DESCRIPTION,
  WZP_SEND_ITEM_EOS = WZP_ITEM_END,
} WzpSendItemKind;

/* What leaves the queue; owned by whoever took it. Begins as a WzpItem. */
typedef struct {
  WzpSendItemKind kind;
  WzpFrame *frame;    /* FRAME */
  char *caps, *tags;  /* DESCRIPTION; tags nullable */
  guint32 generation; /* DESCRIPTION */
  guint64 eos_serial; /* EOS: for wzp_send_flow_eos_given() and _done() */
} WzpSendItem;

void wzp_send_item_clear (WzpSendItem *item);

WzpSendFlow *wzp_send_flow_new (const char *name, guint latency_ms,
    const WzpSendFlowHandler *handler, gpointer user_data,
    GDestroyNotify notify);
/* As wzp-flow-core says; @wake when the session thread was found to sleep on an
 * empty queue. */
void wzp_send_flow_attach (WzpSendFlow *self, gpointer node,
    WzpFlowWakeFunc wake, WzpFlowDetachFunc detach);
/* The node is going: no more wake or detach; push() returns CLOSED. FALSE: it
 * was detached or orphaned before. */
gboolean wzp_send_flow_orphan (WzpSendFlow *self);
const char *wzp_send_flow_get_name (const WzpSendFlow *self);

/* Session thread: takes the first item. FALSE: empty; the next push() wakes. */
gboolean wzp_send_flow_take (WzpSendFlow *self, WzpSendItem *ret_item);
/* Session thread: whether any peer is connected (else push() drops or waits). */
void wzp_send_flow_set_connected (WzpSendFlow *self, gboolean connected);
/* Session thread: a call has queued the EOS @serial, and that it is done with
 * it: acknowledged, or (@acked FALSE) the call went first. eos() waits for all. */
void wzp_send_flow_eos_given (WzpSendFlow *self, guint64 serial);
void wzp_send_flow_eos_done (
    WzpSendFlow *self, guint64 serial, gboolean acked);
/* Session thread: a key frame is wanted. FALSE: too soon after the last
 * request, the handler was not called. */
gboolean wzp_send_flow_key_request (WzpSendFlow *self, gint64 now_us);

/* The description in force; FALSE: none yet. For a call that joins. */
gboolean wzp_send_flow_dup_description (
    WzpSendFlow *self, WzpSendItem *ret_item);

G_END_DECLS
