/* gstwzpevents: what a node tells, as an element's properties, signals and
 * messages. Called in the session thread, but for the ones that say so. */
#pragma once

#include "gstwzpclient.h"

G_BEGIN_DECLS

/* Warnings that reach the bus, so many in so long; the rest is logged. */
#define GST_WZP_MAX_WARNINGS        5u
#define GST_WZP_WARNING_INTERVAL_US (10 * G_USEC_PER_SEC)

/* The signals; once per class. */
void gst_wzp_events_install (GObjectClass *klass, gboolean is_sink);

/* Any thread. Listens to @node for @client, whose element may go meanwhile. */
guint gst_wzp_events_listen (WzpNode *node, GstWzpClient *client);
/* Any thread. A node that was started before @client came: tells it what it
 * has missed. */
void gst_wzp_events_catch_up (WzpNode *node, GstWzpClient *client);
/* Any thread. */
void gst_wzp_events_set_state (
    GstWzpClient *client, WzpConnectionState state);
void gst_wzp_events_set_path (GstWzpClient *client, WzpPath path);
/* Any thread. Ends the PROGRESS under way, if any, by a message of @type. */
void gst_wzp_events_end_progress (
    GstWzpClient *client, GstProgressType type, const char *text);

G_END_DECLS
