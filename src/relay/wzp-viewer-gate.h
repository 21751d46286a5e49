/* wzp-viewer-gate: how much the members of an open room that send no media may
 * say to those that do.
 *
 * What viewers send is control datagrams: requests for a key frame, mostly, and
 * when a frame is lost on its way in, all of them ask at once. A relay cannot
 * read them, so it cannot tell two requests for the same flow; but one of many
 * is as good as all. So it lets through a few of each viewer and not too many
 * of a room, and who was not heard asks again. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_VIEWER_GATE_VIEWER_PER_S 20u
#define WZP_VIEWER_GATE_ROOM_PER_S   200u
/* Either may be taken at once after a second of silence. */

/* All zero: nothing was said yet. */
typedef struct {
  gint64 due_us; /* when all that was taken is paid back */
} WzpViewerGate;

/* Whether one more may pass: @viewer is the sender's, @room the room's. TRUE
 * takes it of both, FALSE of none. */
gboolean wzp_viewer_gate_pass (
    WzpViewerGate *viewer, WzpViewerGate *room, gint64 now_us);

G_END_DECLS
