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
  WzpMode mode;  /* of the node */
  gboolean is_started; /* node takes the peer's candidates */
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

/* In class_init: properties with their functions, and signals. */
void gst_wzp_client_install (GObjectClass *klass, gboolean is_sink);
/* In the interface_init of GstURIHandler. */
void gst_wzp_client_install_uri (
    GstURIHandlerInterface *iface, GstURIType (*get_uri_type) (GType type));
void gst_wzp_client_init (
    GstWzpClient *self, GstElement *element, gboolean is_sink);
void gst_wzp_client_clear (GstWzpClient *self); /* in finalize */

/* READY->PAUSED: @node is borrowed until the element closes, and not started
 * yet if it is new. FALSE: an error was posted. */
typedef gboolean (*GstWzpClientOpenFunc) (GstElement *element, WzpNode *node);

/* The whole change_state() of an element: session and node around the parent's
 * and the element's own part. */
GstStateChangeReturn gst_wzp_client_change_state (GstElement *element,
    GstStateChange transition, GstElementClass *parent_class,
    GstWzpClientOpenFunc open_func, void (*close_func) (GstElement *element));
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
WzpMode gst_wzp_client_get_mode (GstWzpClient *self); /* the session's */
guint gst_wzp_client_get_latency_ms (GstWzpClient *self);

G_END_DECLS
