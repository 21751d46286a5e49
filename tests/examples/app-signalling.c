/* app-signalling: a call without a relay; the application carries the
 * candidates itself. Here by hand, or by whatever joins two programs' input and
 * output: each prints one line and reads that of the other side.
 *
 *   app-signalling receive          in one terminal,
 *   app-signalling send             in another: paste each line into the other
 *
 *   gcc app-signalling.c -o app-signalling \
 *     $(pkg-config --cflags --libs gstreamer-1.0 gio-unix-2.0)
 */
#include <gio/gunixinputstream.h>
#include <gst/gst.h>

#define SEND                                                                   \
  "videotestsrc is-live=true pattern=ball name=source ! "                      \
  "video/x-raw,format=I420,framerate=30/1 ! "                                  \
  "x264enc tune=zerolatency key-int-max=60 ! h264parse ! "                     \
  "wzpsink name=wzp mode=app"
#define RECEIVE "wzpsrc name=wzp mode=app ! decodebin ! videoconvert ! "

static int seconds = -1;
static char *bind_address, *sink;

static const GOptionEntry options[] = {
  { "seconds", 's', 0, G_OPTION_ARG_INT, &seconds, "Send for so long", "N" },
  { "bind-address", 'b', 0, G_OPTION_ARG_STRING, &bind_address,
      "Local address to use", "ADDR" },
  { "sink", 0, 0, G_OPTION_ARG_STRING, &sink, "Where pictures go", "ELEMENT" },
  { NULL },
};

/* Our addresses and keys are known. A GstStructure survives being made text; it
 * is one line. Comes from the call's own thread. */
static void
on_local_candidates (
    GstElement *wzp, const GstStructure *candidates, gpointer user_data)
{
  g_autofree char *text = gst_structure_to_string (candidates);

  g_print ("%s\n", text);
}

/* The peer's line: with it the call begins. */
static void
on_line (GObject *input, GAsyncResult *result, gpointer user_data)
{
  g_autofree char *line = g_data_input_stream_read_line_finish (
      G_DATA_INPUT_STREAM (input), result, NULL, NULL);
  GstElement *wzp = user_data;
  GstStructure *candidates;
  gboolean taken = FALSE;

  if (line == NULL)
    return;
  candidates = gst_structure_from_string (line, NULL);
  if (candidates != NULL) {
    g_signal_emit_by_name (wzp, "set-remote-candidates", candidates, &taken);
    gst_structure_free (candidates);
  }
  if (!taken)
    g_printerr ("these are no candidates, or not of this call\n");
  g_data_input_stream_read_line_async (
      G_DATA_INPUT_STREAM (input), G_PRIORITY_DEFAULT, NULL, on_line, wzp);
}

/* The state and the path can be asked for, and are told when they change. */
static void
on_notify (GstElement *wzp, GParamSpec *pspec, gpointer user_data)
{
  GValue value = G_VALUE_INIT;
  g_autofree char *text = NULL;

  g_object_get_property (G_OBJECT (wzp), pspec->name, &value);
  text = gst_value_serialize (&value);
  g_value_unset (&value);
  g_printerr ("%s: %s\n", pspec->name, text);
}

/* Runs until the end of the stream. FALSE: an error. */
static gboolean
run (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (message == NULL) {
    /* The lines are read in this thread's main context. */
    g_main_context_iteration (NULL, FALSE);
    message = gst_bus_timed_pop_filtered (
        bus, 20 * GST_MSECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  }
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return TRUE;
  gst_message_parse_error (message, &error, NULL);
  g_printerr ("%s: %s\n", GST_MESSAGE_SRC_NAME (message), error->message);
  return FALSE;
}

/* How many frames went the way that this program is for. */
static guint64
count_frames (GstElement *wzp, const char *field)
{
  GstStructure *stats = NULL;
  guint64 n = 0;

  g_object_get (wzp, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, field, &n);
  gst_structure_free (stats);
  g_printerr ("%s: %" G_GUINT64_FORMAT "\n", field, n);
  return n;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("send|receive");
  g_autoptr (GInputStream) input = g_unix_input_stream_new (0, FALSE);
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (input);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = NULL, wzp = NULL, source = NULL;
  g_autofree char *text = NULL;
  gboolean sends, ok;

  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2) {
    g_printerr ("%s\n", error != NULL ? error->message : "send or receive?");
    return 2;
  }
  sends = g_str_equal (argv[1], "send");
  text = sends
      ? g_strdup (SEND)
      : g_strconcat (RECEIVE, sink != NULL ? sink : "autovideosink", NULL);
  pipeline = gst_parse_launch (text, &error);
  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }

  wzp = gst_bin_get_by_name (GST_BIN (pipeline), "wzp");
  g_object_set (wzp, "bind-address", bind_address, NULL);
  g_signal_connect (
      wzp, "local-candidates", G_CALLBACK (on_local_candidates), NULL);
  g_signal_connect (
      wzp, "notify::connection-state", G_CALLBACK (on_notify), NULL);
  g_signal_connect (wzp, "notify::path", G_CALLBACK (on_notify), NULL);
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  if (source != NULL && seconds > 0)
    g_object_set (source, "num-buffers", seconds * 30, NULL);
  g_data_input_stream_read_line_async (
      lines, G_PRIORITY_DEFAULT, NULL, on_line, wzp);

  ok = run (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return ok && count_frames (wzp, sends ? "frames-sent" : "frames-received") > 0
      ? 0
      : 1;
}
