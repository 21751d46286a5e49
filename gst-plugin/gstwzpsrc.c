/**
 * SECTION:element-wzpsrc
 * @title: wzpsrc
 * @see_also: wzpsink
 *
 * Receives the stream of a peer over QUIC, directly or through a relay,
 * whichever is there first, and moves between the two without a glitch. Caps,
 * buffer boundaries, flags, tags and EOS come out as the sender put them in;
 * its times are mapped to this pipeline's running time.
 *
 * As a listener (default) it waits under the name in the URI, for one caller
 * after the other; as a caller it calls that name; with mode=app the
 * application carries the candidates between #GstWzpSrc::local-candidates and
 * #GstWzpSrc::set-remote-candidates of both sides, and no relay is needed.
 *
 * ## Example
 * |[
 * gst-launch-1.0 wzpsrc uri=wzp://localhost/cam1 ! decodebin ! autovideosink
 * ]|
 */
#include "gstwzpsrc.h"

#include <gst/base/gstpushsrc.h>

#include "gstwzpcaps.h"
#include "gstwzpclient.h"
#include "gstwzpframe.h"

GST_DEBUG_CATEGORY_STATIC (gst_wzp_src_debug);
#define GST_CAT_DEFAULT gst_wzp_src_debug

/* The pipeline's clock and the machine's drift apart by parts per million. The
 * times of frames follow only a difference that means something. */
#define CLOCK_STEP_NS ((gint64) GST_MSECOND)
/* While the peer is gone, downstream is told about the silence so often. */
#define GAP_INTERVAL_US (500 * 1000)

typedef struct {
  GstPushSrc parent;

  GstWzpClient client;

  /* with OBJECT_LOCK; set between READY and PAUSED */
  WzpRecvFlow *flow; /* owned; NULL below PAUSED */

  /* streaming thread */
  gboolean has_clock_offset;
  gint64 clock_offset_ns; /* running time minus the machine's monotonic clock */
  GstClockTime next_time; /* end of the last buffer; NONE: none was pushed */
  gboolean want_discont;
  char *caps_text; /* owned, nullable: the sender's, as last taken */
} GstWzpSrc;

typedef struct {
  GstPushSrcClass parent_class;
} GstWzpSrcClass;

#define GST_WZP_SRC(obj) ((GstWzpSrc *) (obj))

static void uri_handler_init (gpointer iface, gpointer data);

G_DEFINE_TYPE_WITH_CODE (GstWzpSrc, gst_wzp_src, GST_TYPE_PUSH_SRC,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, uri_handler_init))
GST_ELEMENT_REGISTER_DEFINE (
    wzpsrc, "wzpsrc", GST_RANK_PRIMARY, GST_TYPE_WZP_SRC)

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static WzpRecvFlow *
ref_flow (GstWzpSrc *self)
{
  WzpRecvFlow *flow;

  GST_OBJECT_LOCK (self);
  flow = self->flow != NULL ? wzp_recv_flow_ref (self->flow) : NULL;
  GST_OBJECT_UNLOCK (self);
  return flow;
}

static gboolean
open_src (GstElement *element, WzpNode *node)
{
  GstWzpSrc *self = GST_WZP_SRC (element);
  g_autofree char *name = gst_wzp_settings_dup_string (
      &self->client.settings, GST_WZP_SETTING_FLOW);
  GError *error = NULL;
  WzpRecvFlow *flow = wzp_node_add_recv_flow (node, name, &error);

  if (flow == NULL) {
    gst_wzp_client_refuse (&self->client, error);
    return FALSE;
  }
  GST_OBJECT_LOCK (self);
  self->flow = flow;
  GST_OBJECT_UNLOCK (self);
  self->has_clock_offset = FALSE;
  self->next_time = GST_CLOCK_TIME_NONE;
  self->want_discont = TRUE;
  return TRUE;
}

static void
close_src (GstElement *element)
{
  GstWzpSrc *self = GST_WZP_SRC (element);
  g_autoptr (WzpRecvFlow) flow = NULL;

  GST_OBJECT_LOCK (self);
  flow = g_steal_pointer (&self->flow);
  GST_OBJECT_UNLOCK (self);
  if (flow != NULL)
    wzp_recv_flow_detach (flow);
  g_clear_pointer (&self->caps_text, g_free);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  return gst_wzp_client_change_state (element, transition,
      GST_ELEMENT_CLASS (gst_wzp_src_parent_class), open_src, close_src);
}

static gboolean
set_flushing (GstBaseSrc *src, gboolean flushing)
{
  g_autoptr (WzpRecvFlow) flow = ref_flow (GST_WZP_SRC (src));

  if (flow != NULL)
    wzp_recv_flow_set_flushing (flow, flushing);
  return TRUE;
}

static gboolean
unlock (GstBaseSrc *src)
{
  return set_flushing (src, TRUE);
}

static gboolean
unlock_stop (GstBaseSrc *src)
{
  GST_WZP_SRC (src)->want_discont = TRUE;
  return set_flushing (src, FALSE);
}

static gboolean
is_seekable (GstBaseSrc *src)
{
  return FALSE;
}

/* The caps are the sender's, and come with the stream. */
static gboolean
negotiate (GstBaseSrc *src)
{
  return TRUE;
}

static GstCaps *
get_caps (GstBaseSrc *src, GstCaps *filter)
{
  GstCaps *caps = gst_wzp_settings_ref_caps (
      &GST_WZP_SRC (src)->client.settings, GST_WZP_SETTING_CAPS);
  GstCaps *both;

  if (filter == NULL)
    return caps;
  both = gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (caps);
  return both;
}

static gboolean
query (GstBaseSrc *src, GstQuery *query_)
{
  GstWzpSrc *self = GST_WZP_SRC (src);
  GstClockTime latency;

  if (GST_QUERY_TYPE (query_) != GST_QUERY_LATENCY)
    return GST_BASE_SRC_CLASS (gst_wzp_src_parent_class)->query (src, query_);
  latency = gst_wzp_client_get_latency_ms (&self->client) * GST_MSECOND;
  /* No maximum: the queue below holds far more than any latency. */
  gst_query_set_latency (query_, TRUE, latency, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static gboolean
handle_event (GstBaseSrc *src, GstEvent *event)
{
  g_autoptr (WzpRecvFlow) flow = NULL;

  if (GST_EVENT_TYPE (event) != GST_EVENT_CUSTOM_UPSTREAM ||
      !gst_event_has_name (event, "GstForceKeyUnit"))
    return GST_BASE_SRC_CLASS (gst_wzp_src_parent_class)->event (src, event);
  flow = ref_flow (GST_WZP_SRC (src));
  if (flow == NULL)
    return FALSE;
  wzp_recv_flow_request_key (flow);
  return TRUE;
}

/* What to add to the machine's monotonic time for the running time. */
static gint64
get_clock_offset (GstWzpSrc *self)
{
  g_autoptr (GstClock) clock = gst_element_get_clock (GST_ELEMENT (self));
  const gint64 base = (gint64) gst_element_get_base_time (GST_ELEMENT (self));
  gint64 offset_ns;

  if (clock == NULL)
    return self->clock_offset_ns;
  offset_ns = (gint64) gst_clock_get_time (clock) - base -
      g_get_monotonic_time () * 1000;
  if (!self->has_clock_offset ||
      ABS (offset_ns - self->clock_offset_ns) > CLOCK_STEP_NS)
    self->clock_offset_ns = offset_ns;
  self->has_clock_offset = TRUE;
  return self->clock_offset_ns;
}

static void
note_end (GstWzpSrc *self, GstBuffer *buffer)
{
  GstClockTime end = GST_BUFFER_PTS (buffer);

  if (!GST_CLOCK_TIME_IS_VALID (end))
    return;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    end += GST_BUFFER_DURATION (buffer);
  self->next_time = end;
}

static GstBuffer *
take_frame (GstWzpSrc *self, WzpRecvItem *item)
{
  GstBuffer *buffer = gst_wzp_frame_to_buffer (g_steal_pointer (&item->frame),
      item->offset_ns + get_clock_offset (self));

  if (item->lost > 0)
    GST_DEBUG_OBJECT (
        self, "%" G_GUINT64_FORMAT " frames were lost", item->lost);
  if (item->discont || self->want_discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  self->want_discont = FALSE;
  note_end (self, buffer);
  return buffer;
}

/* The sender's caps as far as the property lets them; NULL: they do not go
 * together. */
static GstCaps *
choose_caps (GstWzpSrc *self, const char *text, GError **error)
{
  g_autoptr (GstCaps) wanted =
      gst_wzp_settings_ref_caps (&self->client.settings, GST_WZP_SETTING_CAPS);
  g_autoptr (GstCaps) sent = NULL;
  g_autoptr (GstCaps) both = NULL;

  /* A sender without caps: those of the property, or none. */
  if (*text == '\0')
    return gst_caps_is_fixed (wanted) ? g_steal_pointer (&wanted)
                                      : gst_caps_new_any ();
  sent = gst_wzp_caps_parse (text, error);
  if (sent == NULL)
    return NULL;
  both = gst_caps_intersect (sent, wanted);
  if (!gst_caps_is_empty (both))
    return gst_caps_fixate (g_steal_pointer (&both));
  g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
      "The peer's caps are not among those of the property caps: %.200s", text);
  return NULL;
}

static GstFlowReturn
take_description (GstWzpSrc *self, const WzpRecvItem *item)
{
  const char *text = item->caps != NULL ? item->caps : "";
  GstTagList *tags =
      item->tags != NULL ? gst_wzp_tags_parse (item->tags) : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps = NULL;

  /* Goes out behind caps and segment. */
  if (tags != NULL)
    gst_element_send_event (GST_ELEMENT (self), gst_event_new_tag (tags));
  /* A description is repeated. What its text means may change meanwhile, as
   * libraries register types; a decoder must not be opened anew for that. */
  if (g_strcmp0 (text, self->caps_text) == 0)
    return GST_FLOW_OK;
  caps = choose_caps (self, text, &error);
  if (caps == NULL) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", error->message), (NULL));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (!gst_caps_is_any (caps) &&
      !gst_base_src_set_caps (GST_BASE_SRC (self), caps))
    return GST_FLOW_NOT_NEGOTIATED;
  g_free (self->caps_text);
  self->caps_text = g_strdup (text);
  return GST_FLOW_OK;
}

/* Nothing came for a while. A peer that is there may just be silent; of one
 * that is gone nothing will come, and downstream should not wait for it. */
static void
push_gap (GstWzpSrc *self)
{
  const gint64 now_ns =
      g_get_monotonic_time () * 1000 + get_clock_offset (self);
  GstClockTime from = self->next_time;

  if (!GST_CLOCK_TIME_IS_VALID (from) || now_ns <= (gint64) from ||
      gst_wzp_client_is_connected (&self->client))
    return;
  self->next_time = (GstClockTime) now_ns;
  self->want_discont = TRUE;
  gst_pad_push_event (GST_BASE_SRC_PAD (self),
      gst_event_new_gap (from, (GstClockTime) now_ns - from));
}

/* A listener waits for the next caller, and in a room another may send next; a
 * caller's node calls again unless it
 * was told not to, and then closes the flow. */
static gboolean
goes_on_after (GstWzpSrc *self, WzpRecvKind kind)
{
  GstWzpSettings *settings = &self->client.settings;
  const WzpMode mode = gst_wzp_client_get_mode (&self->client);

  self->want_discont = TRUE;
  if (mode == WZP_MODE_LISTENER || mode == WZP_MODE_ROOM)
    return gst_wzp_settings_get_boolean (
        settings, GST_WZP_SETTING_KEEP_LISTENING);
  return kind == WZP_RECV_ENDED &&
      gst_wzp_settings_get_boolean (settings, GST_WZP_SETTING_AUTO_RECONNECT);
}

/* GST_FLOW_CUSTOM_SUCCESS: nothing to push yet. */
static GstFlowReturn
take_item (GstWzpSrc *self, WzpRecvItem *item, GstBuffer **ret_buffer)
{
  GstFlowReturn ret;

  switch (item->kind) {
    case WZP_RECV_FRAME:
      *ret_buffer = take_frame (self, item);
      return GST_FLOW_OK;
    case WZP_RECV_DESCRIPTION:
      ret = take_description (self, item);
      return ret == GST_FLOW_OK ? GST_FLOW_CUSTOM_SUCCESS : ret;
    case WZP_RECV_EOS:
    case WZP_RECV_ENDED:
      return goes_on_after (self, item->kind) ? GST_FLOW_CUSTOM_SUCCESS
                                              : GST_FLOW_EOS;
    case WZP_RECV_FLUSHING:
      return GST_FLOW_FLUSHING;
    case WZP_RECV_CLOSED:
      /* Not ERROR: the base class would post a second error of its own. */
      gst_wzp_client_report (&self->client);
      return GST_FLOW_EOS;
  }
  g_return_val_if_reached (GST_FLOW_ERROR);
}

static GstFlowReturn
create (GstPushSrc *src, GstBuffer **ret_buffer)
{
  GstWzpSrc *self = GST_WZP_SRC (src);
  g_autoptr (WzpRecvFlow) flow = ref_flow (self);
  GstFlowReturn ret = GST_FLOW_CUSTOM_SUCCESS;

  if (flow == NULL)
    return GST_FLOW_FLUSHING;
  while (ret == GST_FLOW_CUSTOM_SUCCESS) {
    WzpRecvItem item = { 0 };

    if (!wzp_recv_flow_pop (flow, GAP_INTERVAL_US, &item)) {
      push_gap (self);
      continue;
    }
    ret = take_item (self, &item, ret_buffer);
    wzp_recv_item_clear (&item);
  }
  return ret;
}

static void
finalize (GObject *object)
{
  g_free (GST_WZP_SRC (object)->caps_text);
  gst_wzp_client_clear (&GST_WZP_SRC (object)->client);
  G_OBJECT_CLASS (gst_wzp_src_parent_class)->finalize (object);
}

static void
gst_wzp_src_class_init (GstWzpSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSrcClass *src_class = GST_BASE_SRC_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_wzp_src_debug, "wzpsrc", 0, "WZP source");

  object_class->finalize = finalize;
  gst_wzp_client_install (object_class, FALSE);

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "WZP source",
      "Source/Network",
      "Receives media from a peer over QUIC, directly or through a relay",
      "The gst-wzp authors");
  element_class->change_state = change_state;

  src_class->is_seekable = is_seekable;
  src_class->negotiate = negotiate;
  src_class->get_caps = get_caps;
  src_class->query = query;
  src_class->event = handle_event;
  src_class->unlock = unlock;
  src_class->unlock_stop = unlock_stop;
  GST_PUSH_SRC_CLASS (klass)->create = create;
}

static void
gst_wzp_src_init (GstWzpSrc *self)
{
  GstBaseSrc *src = GST_BASE_SRC (self);

  gst_wzp_client_init (&self->client, GST_ELEMENT (self), FALSE);
  gst_base_src_set_live (src, TRUE);
  gst_base_src_set_format (src, GST_FORMAT_TIME);
  gst_base_src_set_do_timestamp (src, FALSE);
}

static GstURIType
get_uri_type (GType type)
{
  return GST_URI_SRC;
}

static void
uri_handler_init (gpointer iface, gpointer data)
{
  gst_wzp_client_install_uri (iface, get_uri_type);
}
