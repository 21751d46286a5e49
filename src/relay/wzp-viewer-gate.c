#include "wzp-viewer-gate.h"

/* One datagram costs 1/rate of a second, and a second may be owed. */
static gboolean
can_take (const WzpViewerGate *gate, guint per_s, gint64 now_us)
{
  return MAX (gate->due_us, now_us) + G_USEC_PER_SEC / per_s <=
      now_us + G_USEC_PER_SEC;
}

static void
take (WzpViewerGate *gate, guint per_s, gint64 now_us)
{
  gate->due_us = MAX (gate->due_us, now_us) + G_USEC_PER_SEC / per_s;
}

gboolean
wzp_viewer_gate_pass (WzpViewerGate *viewer, WzpViewerGate *room, gint64 now_us)
{
  g_return_val_if_fail (viewer != NULL && room != NULL, FALSE);

  if (!can_take (viewer, WZP_VIEWER_GATE_VIEWER_PER_S, now_us) ||
      !can_take (room, WZP_VIEWER_GATE_ROOM_PER_S, now_us))
    return FALSE;
  take (viewer, WZP_VIEWER_GATE_VIEWER_PER_S, now_us);
  take (room, WZP_VIEWER_GATE_ROOM_PER_S, now_us);
  return TRUE;
}
