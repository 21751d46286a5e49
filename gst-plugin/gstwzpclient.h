/* gstwzpclient: what wzpsink and wzpsrc have in common beside their settings:
 * the session's node while the element is in PAUSED or PLAYING, its events as
 * properties, signals and messages, and its failure.
 *
 * Threads and locks: the settings have their own lock; the fields under the
 * line are used with the element's OBJECT_LOCK. Nothing is emitted or posted
 * with it held. */
#pragma once

#include <gst/gst.h>

#include "gstwzpfailure.h"
#include "gstwzpsession.h"
#include "gstwzpstats.h"

G_BEGIN_DECLS

/* Property ids behind those of the settings. */
enum {
  GST_WZP_PROP_URI = GST_WZP_N_SETTINGS,
  GST_WZP_PROP_FINGERPRINT,
  GST_WZP_PROP_CONNECTION_STATE,
  GST_WZP_PROP_PATH,
  GST_WZP_PROP_STATS,
};

typedef struct {
  GstElement *element; /* the one this is a part of */
  GstWzpSettings settings;
  GstWzpSession *session; /* from READY on; state changes only */
  int dropped;            /* atomic: frames that the element dropped */
  /* ---- */
  WzpNode *node; /* owned; NULL below PAUSED */
  guint listener_id;
  WzpConnectionState state;
  WzpPath path;
  guint latency_ms; /* negotiated when last looked at */
  gboolean was_connected;
  GstWzpFailure *failure; /* owned, nullable: why it is FAILED */
  gboolean is_reported;   /* the one error was posted, or is being */
  const char *progress;   /* static, nullable: the code that is under way */
  gint64 warnings_since_us; /* when n_warnings began; 0: never */
  guint n_warnings;
  WzpDescription *pending_remote; /* owned, nullable: came before the node */
  GstWzpRates rates;
  GstStructure *last_stats; /* owned, nullable: of the last stop */
} GstWzpClient;

/* In class_init: properties, signals, metadata that both share. */
void gst_wzp_client_install (GObjectClass *klass, gboolean is_sink);
void gst_wzp_client_init (
    GstWzpClient *self, GstElement *element, gboolean is_sink);
void gst_wzp_client_clear (GstWzpClient *self); /* in finalize */

void gst_wzp_client_set_property (
    GstWzpClient *self, guint id, const GValue *value, GParamSpec *pspec);
void gst_wzp_client_get_property (
    GstWzpClient *self, guint id, GValue *value, GParamSpec *pspec);
/* GstURIHandler; GST_URI_ERROR_BAD_STATE when started. */
gboolean gst_wzp_client_set_uri (
    GstWzpClient *self, const char *uri, GError **error);

/* NULL->READY and READY->NULL. FALSE: an error was posted. */
gboolean gst_wzp_client_join (GstWzpClient *self);
void gst_wzp_client_leave (GstWzpClient *self);
/* READY->PAUSED: the node, borrowed until close(), not started if it is new.
 * NULL: an error was posted. */
WzpNode *gst_wzp_client_open (GstWzpClient *self);
void gst_wzp_client_start (GstWzpClient *self);
/* PAUSED->READY, or when something between open() and start() failed. */
void gst_wzp_client_close (GstWzpClient *self);
/* Posts @error about the settings or the start. Takes it. */
void gst_wzp_client_refuse (GstWzpClient *self, GError *error);

/* The action signal "set-remote-candidates". Kept for the start when there is
 * no node yet. FALSE: malformed, or the mode is not app. Any thread. */
gboolean gst_wzp_client_set_remote (
    GstElement *element, const GstStructure *candidates);

/* The session has closed the flow: posts the failure, once. Streaming thread.
 * FALSE: nothing has failed (the element is being stopped). */
gboolean gst_wzp_client_report (GstWzpClient *self);
gboolean gst_wzp_client_is_connected (GstWzpClient *self);
guint gst_wzp_client_get_latency_ms (GstWzpClient *self);

G_END_DECLS
