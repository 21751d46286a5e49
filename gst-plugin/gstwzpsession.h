/* gstwzpsession: the process-wide table of sessions: which node an element
 * uses, alone or with the elements that name the same `session`.
 *
 * An element joins in NULL->READY, so that in READY->PAUSED, when the first one
 * opens the node, the settings of all are known: one element with the URI is
 * enough. The last one to close stops the node. Threads: those of state
 * changes. */
#pragma once

#include "gstwzpsettings.h"

G_BEGIN_DECLS

#define GST_WZP_SESSION_MAX_MEMBERS 64u

typedef struct _GstWzpSession GstWzpSession;

/* @name: NULL for one of its own. @member: the element's settings, which stay
 * where they are until it leaves. WZP_ERROR_TOO_LARGE: too many members. */
GstWzpSession *gst_wzp_session_join (
    const char *name, GstWzpSettings *member, GError **error);
void gst_wzp_session_leave (GstWzpSession *self, GstWzpSettings *member);
const char *gst_wzp_session_get_name (GstWzpSession *self); /* nullable */

/* The node, a new reference; not started yet when it is new. WZP_ERROR_INVALID:
 * settings that do not fit each other, or that a node cannot work with; errors
 * of the identity file. Every success is followed by one close(). */
WzpNode *gst_wzp_session_open (
    GstWzpSession *self, GstWzpSettings *member, GError **error);
/* What the open node does. */
WzpMode gst_wzp_session_get_mode (GstWzpSession *self);
/* Starts the node. FALSE: another member has. */
gboolean gst_wzp_session_start (GstWzpSession *self);
/* The last user's stops the node, which may wait up to 100 ms. In an event of a
 * node (see below) a thread of its own does that. */
void gst_wzp_session_close (GstWzpSession *self);

/* Around all that an event of a node does, in the session thread: applications
 * do change states in signal handlers, and no node can be stopped there. */
void gst_wzp_session_begin_event (void);
void gst_wzp_session_end_event (void);

G_END_DECLS
