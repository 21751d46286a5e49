/**
 * SECTION:element-wzpsink
 * @title: wzpsink
 * @see_also: wzpsrc
 *
 * Sends a stream to a peer over QUIC, directly or through a relay, whichever is
 * there first, and moves between the two without a glitch. Caps, buffer
 * boundaries, times, flags, tags and EOS arrive as they were.
 *
 * As a caller (default) it calls the name in the URI; as a listener it sends to
 * each peer that calls it; with mode=app the application carries the
 * candidates between #GstWzpSink::local-candidates and
 * #GstWzpSink::set-remote-candidates of both sides, and no relay is needed.
 *
 * ## Example
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,format=I420 ! x264enc
 * tune=zerolatency ! h264parse ! wzpsink uri=wzp://localhost/cam1
 * ]|
 */
#include "gstwzpsink.h"

#include <gst/base/gstbasesink.h>

#include "gstwzpcaps.h"
#include "gstwzpclient.h"
#include "gstwzpframe.h"

GST_DEBUG_CATEGORY_STATIC (gst_wzp_sink_debug);
#define GST_CAT_DEFAULT gst_wzp_sink_debug

#define DEFAULT_FLOW_NAME "default"
/* Time that the peers get to acknowledge the end of the stream. */
#define EOS_TIMEOUT_MS 2000u
/* push() makes the pipeline wait for a slow network. What has become this late
 * by then is dropped instead of growing a delay that never goes away: longer
 * than any hiccup of a scheduler, shorter than a viewer's patience. */
#define MAX_LATENESS GST_SECOND
/* QOS messages about what was dropped, at most one in this time. */
#define QOS_INTERVAL_US G_USEC_PER_SEC

typedef struct {
  GstBaseSink parent;

  GstWzpClient client;

  /* with OBJECT_LOCK; set between READY and PAUSED */
  WzpSendFlow *flow; /* owned; NULL below PAUSED */

  /* streaming thread */
  char *caps;            /* owned, nullable: as text */
  GstTagList *tags;      /* owned, nullable */
  gboolean is_described; /* the flow has both */
  gboolean want_discont; /* the next frame does not follow the last */
  guint64 n_late;        /* buffers that the base class has dropped */
  gint64 last_qos_us;
} GstWzpSink;

typedef struct {
  GstBaseSinkClass parent_class;
} GstWzpSinkClass;

#define GST_WZP_SINK(obj) ((GstWzpSink *) (obj))

static void uri_handler_init (gpointer iface, gpointer data);

G_DEFINE_TYPE_WITH_CODE (GstWzpSink, gst_wzp_sink, GST_TYPE_BASE_SINK,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, uri_handler_init))
GST_ELEMENT_REGISTER_DEFINE (
    wzpsink, "wzpsink", GST_RANK_PRIMARY, GST_TYPE_WZP_SINK)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static WzpSendFlow *
ref_flow (GstWzpSink *self)
{
  WzpSendFlow *flow;

  GST_OBJECT_LOCK (self);
  flow = self->flow != NULL ? wzp_send_flow_ref (self->flow) : NULL;
  GST_OBJECT_UNLOCK (self);
  return flow;
}

/* As gst_video_event_new_upstream_force_key_unit(), without its library. */
static void
push_key_request (GstElement *element, gpointer user_data)
{
  GstStructure *s = gst_structure_new ("GstForceKeyUnit", "running-time",
      GST_TYPE_CLOCK_TIME, GST_CLOCK_TIME_NONE, "all-headers", G_TYPE_BOOLEAN,
      TRUE, "count", G_TYPE_UINT, 0u, NULL);

  gst_pad_push_event (GST_BASE_SINK_PAD (element),
      gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, s));
}

/* Session thread, which must not wait for what an encoder does with the event:
 * another thread carries it up. */
static void
on_key_request (WzpSendFlow *flow, gpointer user_data)
{
  g_autoptr (GstElement) element = g_weak_ref_get (user_data);

  if (element != NULL)
    gst_element_call_async (element, push_key_request, NULL, NULL);
}

static const WzpSendFlowHandler flow_handler = {
  .key_request = on_key_request,
};

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static gboolean
open_flow (GstWzpSink *self, WzpNode *node)
{
  g_autofree char *name = gst_wzp_settings_dup_string (
      &self->client.settings, GST_WZP_SETTING_FLOW);
  GWeakRef *weak = g_new0 (GWeakRef, 1);
  GError *error = NULL;
  WzpSendFlow *flow;

  g_weak_ref_init (weak, self);
  flow = wzp_node_add_send_flow (node, name != NULL ? name : DEFAULT_FLOW_NAME,
      &flow_handler, weak, weak_ref_free, &error);
  if (flow == NULL) {
    gst_wzp_client_refuse (&self->client, error);
    return FALSE;
  }
  GST_OBJECT_LOCK (self);
  self->flow = flow;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
open_sink (GstElement *element, WzpNode *node)
{
  GstWzpSink *self = GST_WZP_SINK (element);

  if (!open_flow (self, node))
    return FALSE;
  self->is_described = FALSE;
  self->want_discont = FALSE;
  self->n_late = 0;
  self->last_qos_us = 0;
  return TRUE;
}

static void
close_sink (GstElement *element)
{
  GstWzpSink *self = GST_WZP_SINK (element);
  g_autoptr (WzpSendFlow) flow = NULL;

  GST_OBJECT_LOCK (self);
  flow = g_steal_pointer (&self->flow);
  GST_OBJECT_UNLOCK (self);
  if (flow != NULL)
    wzp_send_flow_detach (flow);
  g_clear_pointer (&self->caps, g_free);
  g_clear_pointer (&self->tags, gst_tag_list_unref);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  return gst_wzp_client_change_state (element, transition,
      GST_ELEMENT_CLASS (gst_wzp_sink_parent_class), open_sink, close_sink);
}

static gboolean
set_flushing (GstBaseSink *sink, gboolean flushing)
{
  g_autoptr (WzpSendFlow) flow = ref_flow (GST_WZP_SINK (sink));

  if (flow != NULL)
    wzp_send_flow_set_flushing (flow, flushing);
  return TRUE;
}

static gboolean
unlock (GstBaseSink *sink)
{
  return set_flushing (sink, TRUE);
}

static gboolean
unlock_stop (GstBaseSink *sink)
{
  return set_flushing (sink, FALSE);
}

/* Not what lies in special memory: only bytes travel. */
static GstCaps *
get_caps (GstBaseSink *sink, GstCaps *filter)
{
  return filter != NULL ? gst_wzp_caps_filter_plain (gst_caps_copy (filter))
                        : gst_caps_new_any ();
}

static gboolean
set_caps (GstBaseSink *sink, GstCaps *caps)
{
  GstWzpSink *self = GST_WZP_SINK (sink);

  if (!gst_wzp_caps_are_plain (caps)) {
    GST_ERROR_OBJECT (
        self, "%" GST_PTR_FORMAT " are not of plain memory", caps);
    return FALSE;
  }
  g_free (self->caps);
  self->caps = gst_caps_to_string (caps);
  self->is_described = FALSE;
  return TRUE;
}

static void
take_tags (GstWzpSink *self, GstEvent *event)
{
  GstTagList *tags, *merged;

  gst_event_parse_tag (event, &tags);
  merged = gst_tag_list_merge (self->tags, tags, GST_TAG_MERGE_REPLACE);
  g_clear_pointer (&self->tags, gst_tag_list_unref);
  self->tags = merged;
  self->is_described = FALSE;
}

static gboolean
handle_event (GstBaseSink *sink, GstEvent *event)
{
  GstWzpSink *self = GST_WZP_SINK (sink);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      /* Tags are of a stream: a new one begins without. */
      g_clear_pointer (&self->tags, gst_tag_list_unref);
      self->is_described = FALSE;
      break;
    case GST_EVENT_TAG:
      take_tags (self, event);
      break;
    case GST_EVENT_FLUSH_STOP:
      self->want_discont = TRUE;
      break;
    default:
      break;
  }
  return GST_BASE_SINK_CLASS (gst_wzp_sink_parent_class)->event (sink, event);
}

static GstFlowReturn
fail (GstWzpSink *self, const GError *error)
{
  GST_ELEMENT_ERROR (self, RESOURCE, WRITE, ("%s", error->message), (NULL));
  return GST_FLOW_ERROR;
}

/* Caps that do not fit a message are an error; tags that do not are left out.
 */
static gboolean
describe (GstWzpSink *self, WzpSendFlow *flow)
{
  const char *caps = self->caps != NULL ? self->caps : "";
  g_autofree char *tags =
      self->tags != NULL ? gst_tag_list_to_string (self->tags) : NULL;
  g_autoptr (GError) error = NULL;

  if (wzp_send_flow_describe (flow, caps, tags, &error) ||
      (tags != NULL && wzp_send_flow_describe (flow, caps, NULL, NULL))) {
    if (error != NULL)
      GST_WARNING_OBJECT (self, "without tags: %s", error->message);
    self->is_described = TRUE;
    return TRUE;
  }
  fail (self, error);
  return FALSE;
}

static void
post_qos (GstWzpSink *self, GstBuffer *buffer)
{
  const gint64 now_us = g_get_monotonic_time ();
  const GstSegment *segment = &GST_BASE_SINK (self)->segment;
  const GstClockTime time = GST_BUFFER_PTS (buffer);
  const gboolean is_timed =
      segment->format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID (time);
  GstMessage *message;

  g_atomic_int_inc (&self->client.dropped);
  self->want_discont = TRUE;
  if (self->last_qos_us != 0 && now_us - self->last_qos_us < QOS_INTERVAL_US)
    return;
  self->last_qos_us = now_us;
  message = gst_message_new_qos (GST_OBJECT (self), FALSE,
      is_timed ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, time)
               : GST_CLOCK_TIME_NONE,
      is_timed ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, time)
               : GST_CLOCK_TIME_NONE,
      time, GST_BUFFER_DURATION (buffer));
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS,
      GST_BUFFER_OFFSET_NONE, (guint) g_atomic_int_get (&self->client.dropped));
  gst_element_post_message (GST_ELEMENT (self), message);
}

/* Buffers that the base class found too late never get here: its own count is
 * the only trace of them. */
static void
check_late_drops (GstWzpSink *self)
{
  GstBaseSink *sink = GST_BASE_SINK (self);
  g_autoptr (GstStructure) stats = NULL;
  guint64 n_late = 0;

  if (!gst_base_sink_get_sync (sink))
    return;
  stats = gst_base_sink_get_stats (sink);
  gst_structure_get_uint64 (stats, "dropped", &n_late);
  if (n_late > self->n_late) {
    g_atomic_int_add (&self->client.dropped, (int) (n_late - self->n_late));
    self->want_discont = TRUE;
    gst_element_call_async (GST_ELEMENT (self), push_key_request, NULL, NULL);
  }
  self->n_late = n_late;
}

/* One try. FLUSHING: the wait was broken off. */
static GstFlowReturn
push_once (GstWzpSink *self, WzpSendFlow *flow, GstBuffer *buffer)
{
  g_autoptr (GError) error = NULL;
  WzpFrame *frame;

  if (!self->is_described && !describe (self, flow))
    return GST_FLOW_ERROR;
  frame = gst_wzp_frame_new (buffer, &GST_BASE_SINK (self)->segment, &error);
  if (frame == NULL)
    return fail (self, error);
  if (self->want_discont)
    frame->meta.flags |= WZP_FRAME_DISCONT;

  switch (wzp_send_flow_push (flow, frame,
      gst_wzp_settings_get_boolean (
          &self->client.settings, GST_WZP_SETTING_WAIT_FOR_CONNECTION))) {
    case WZP_PUSH_OK:
      self->want_discont = FALSE;
      return GST_FLOW_OK;
    case WZP_PUSH_DROPPED:
      post_qos (self, buffer);
      return GST_FLOW_OK;
    case WZP_PUSH_FLUSHING:
      return GST_FLOW_FLUSHING;
    case WZP_PUSH_CLOSED:
      gst_wzp_client_report (&self->client);
      return GST_FLOW_ERROR;
  }
  g_return_val_if_reached (GST_FLOW_ERROR);
}

static GstFlowReturn
render (GstBaseSink *sink, GstBuffer *buffer)
{
  GstWzpSink *self = GST_WZP_SINK (sink);
  g_autoptr (WzpSendFlow) flow = ref_flow (self);
  GstFlowReturn ret;

  if (flow == NULL)
    return GST_FLOW_FLUSHING;
  check_late_drops (self);
  while ((ret = push_once (self, flow, buffer)) == GST_FLOW_FLUSHING) {
    /* What was queued is gone. Paused: wait for PLAYING and try again. */
    self->want_discont = TRUE;
    ret = gst_base_sink_wait_preroll (sink);
    if (ret != GST_FLOW_OK)
      return ret;
  }
  return ret;
}

/* The end of the stream travels when its time has come, and the pipeline's EOS
 * message means that the peers have it, or have had time to. */
static GstFlowReturn
wait_event (GstBaseSink *sink, GstEvent *event)
{
  GstWzpSink *self = GST_WZP_SINK (sink);
  g_autoptr (WzpSendFlow) flow = ref_flow (self);
  const GstFlowReturn ret =
      GST_BASE_SINK_CLASS (gst_wzp_sink_parent_class)->wait_event (sink, event);

  if (ret == GST_FLOW_OK && GST_EVENT_TYPE (event) == GST_EVENT_EOS &&
      flow != NULL && !wzp_send_flow_eos (flow, EOS_TIMEOUT_MS))
    GST_INFO_OBJECT (self, "no peer acknowledged the end of the stream");
  return ret;
}

static void
finalize (GObject *object)
{
  GstWzpSink *self = GST_WZP_SINK (object);

  g_clear_pointer (&self->caps, g_free);
  g_clear_pointer (&self->tags, gst_tag_list_unref);
  gst_wzp_client_clear (&self->client);
  G_OBJECT_CLASS (gst_wzp_sink_parent_class)->finalize (object);
}

static void
gst_wzp_sink_class_init (GstWzpSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *sink_class = GST_BASE_SINK_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_wzp_sink_debug, "wzpsink", 0, "WZP sink");

  object_class->finalize = finalize;
  gst_wzp_client_install (object_class, TRUE);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "WZP sink",
      "Sink/Network",
      "Sends media to a peer over QUIC, directly or through a relay",
      "The gst-wzp authors");
  element_class->change_state = change_state;

  sink_class->get_caps = get_caps;
  sink_class->set_caps = set_caps;
  sink_class->event = handle_event;
  sink_class->render = render;
  sink_class->wait_event = wait_event;
  sink_class->unlock = unlock;
  sink_class->unlock_stop = unlock_stop;
}

static void
gst_wzp_sink_init (GstWzpSink *self)
{
  GstBaseSink *sink = GST_BASE_SINK (self);

  gst_wzp_client_init (&self->client, GST_ELEMENT (self), TRUE);
  gst_base_sink_set_max_lateness (sink, MAX_LATENESS);
  gst_base_sink_set_qos_enabled (sink, TRUE);
  /* Nothing is shown here, so there is nothing to preroll for; and in a
   * pipeline that also receives, the other sinks preroll only once there is a
   * call. The property turns it on again. */
  gst_base_sink_set_async_enabled (sink, FALSE);
  /* It would keep a buffer of the pipeline's for nobody. */
  gst_base_sink_set_last_sample_enabled (sink, FALSE);
}

static GstURIType
get_uri_type (GType type)
{
  return GST_URI_SINK;
}

static void
uri_handler_init (gpointer iface, gpointer data)
{
  gst_wzp_client_install_uri (iface, get_uri_type);
}
