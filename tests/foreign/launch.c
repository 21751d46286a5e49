/* gst-launch-1.0 as a test wants it: runs the pipeline of its arguments until
 * it ends, and says on standard output, one line each, what its element named
 * "wzp" does. Built with the sanitizers where the plugin is, so that both go
 * together.
 *
 *   launch wzpsrc name=wzp uri=wzp://... ! fakesink
 *   launch appsrc name=feed format=time ! wzpsink name=wzp uri=wzp://...
 *
 * An element named "feed" gets the files $WZP_FEED/in-00000, in-00001 ... as
 * buffers, 50 a second from the moment on that "wzp" is connected, every tenth
 * a key frame; then EOS.
 *
 * Ends by itself at EOS and ERROR; by SIGINT or SIGTERM at once (hanging up).
 */
#include <glib-unix.h>
#include <gst/gst.h>
#include <stdio.h>

#define FEED_INTERVAL_MS 20
#define KEY_INTERVAL     10

static GMainLoop *loop;
static int status;
static GstElement *feed; /* nullable */
static guint n_fed;

static gboolean
feed_next (gpointer user_data)
{
  g_autofree char *path =
      g_strdup_printf ("%s/in-%05u", g_getenv ("WZP_FEED"), n_fed);
  const GstClockTime interval = FEED_INTERVAL_MS * GST_MSECOND;
  GstFlowReturn ret;
  GstBuffer *buffer;
  char *data;
  gsize len;

  if (!g_file_get_contents (path, &data, &len, NULL)) {
    g_signal_emit_by_name (feed, "end-of-stream", &ret);
    return G_SOURCE_REMOVE;
  }
  buffer = gst_buffer_new_wrapped (data, len);
  GST_BUFFER_PTS (buffer) = n_fed * interval;
  GST_BUFFER_DURATION (buffer) = interval;
  if (n_fed++ % KEY_INTERVAL != 0)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  g_signal_emit_by_name (feed, "push-buffer", buffer, &ret);
  gst_buffer_unref (buffer);
  return ret == GST_FLOW_OK ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
begin_feed (void)
{
  static gsize begun;

  if (feed != NULL && g_once_init_enter (&begun)) {
    g_timeout_add (FEED_INTERVAL_MS, feed_next, NULL);
    g_once_init_leave (&begun, 1);
  }
}

static void
print_enum (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  GValue value = G_VALUE_INIT;
  g_autofree char *text = NULL;

  g_value_init (&value, pspec->value_type);
  g_object_get_property (object, pspec->name, &value);
  text = gst_value_serialize (&value);
  printf ("%s: %s\n", pspec->name, text);
  fflush (stdout);
  if (g_str_equal (text, "connected"))
    begin_feed ();
  g_value_unset (&value);
}

static GstPadProbeReturn
on_upstream_event (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  const GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);

  if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_UPSTREAM &&
      gst_event_has_name ((GstEvent *) event, "GstForceKeyUnit")) {
    printf ("key-unit\n");
    fflush (stdout);
  }
  return GST_PAD_PROBE_OK;
}

static void
watch_element (GstElement *element)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (element, "sink");

  g_signal_connect (
      element, "notify::connection-state", G_CALLBACK (print_enum), NULL);
  g_signal_connect (element, "notify::path", G_CALLBACK (print_enum), NULL);
  if (sink != NULL)
    gst_pad_add_probe (
        sink, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_upstream_event, NULL, NULL);
}

static void
print_trouble (GstMessage *message)
{
  gboolean is_error = GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR;
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  if (is_error)
    gst_message_parse_error (message, &error, &debug);
  else
    gst_message_parse_warning (message, &error, &debug);
  printf ("%s: %s (%s)\n", is_error ? "error" : "warning", error->message,
      debug != NULL ? debug : "");
  fflush (stdout);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      print_trouble (message);
      status = 1;
      g_main_loop_quit (loop);
      break;
    case GST_MESSAGE_WARNING:
      print_trouble (message);
      break;
    case GST_MESSAGE_EOS:
      printf ("eos\n");
      g_main_loop_quit (loop);
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_signal (gpointer user_data)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstElement) element = NULL;
  g_autoptr (GstBus) bus = NULL;

  gst_init (&argc, &argv);
  pipeline = gst_parse_launchv ((const char **) argv + 1, &error);
  if (error != NULL) {
    fprintf (stderr, "%s\n", error->message);
    return 2;
  }
  element = gst_bin_get_by_name (GST_BIN (pipeline), "wzp");
  feed = gst_bin_get_by_name (GST_BIN (pipeline), "feed");
  if (element != NULL)
    watch_element (element);
  loop = g_main_loop_new (NULL, FALSE);
  bus = gst_element_get_bus (pipeline);
  gst_bus_add_watch (bus, on_message, NULL);
  g_unix_signal_add (SIGINT, on_signal, NULL);
  g_unix_signal_add (SIGTERM, on_signal, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_main_loop_run (loop);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_bus_remove_watch (bus);
  gst_clear_object (&feed);
  g_main_loop_unref (loop);
  return status;
}
