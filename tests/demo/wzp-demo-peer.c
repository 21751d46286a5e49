#include "wzp-demo-peer.h"

#include <gio/gunixinputstream.h>
#include <gst/app/gstappsink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wzp-demo-facts.h"
#include "wzp-demo-picture.h"
#include "wzp-demo-sound.h"

#define NOTE_INTERVAL 30u /* pictures */
/* Statistics are snapshots: this old at most. */
#define STATS_MS 250u
/* As long as the pictures: 20 ms each. */
#define SOUND_BUFFERS (DEMO_PICTURES * 50u / DEMO_FPS)

/* What each side sends. */
static const struct {
  const char *pattern;
  guint tone_hz;
} sides[2] = { { "ball", 440 },
  { "ball motion=hsweep background-color=0xff203060", 1000 } };

typedef struct {
  const DemoPeerOptions *options;
  GMainLoop *loop;          /* owned */
  GDataInputStream *input;  /* owned */
  GstElement *pipelines[2]; /* owned, nullable: sending, receiving */
  guint watches[2];
  guint n_running; /* pipelines before their EOS */
  GstElement *wzp; /* owned: one of the elements, they share the call */
  gint64 start_us;
  gboolean is_ready;
  gboolean has_failed;
  char *role; /* owned, nullable */
  char *path; /* owned, nullable: at the end of the streams */

  /* its own streaming thread's; the main thread's after EOS */
  DemoPictures *pictures; /* owned, nullable */
  DemoSound sound;

  GMutex lock;
  gint64 connected_us, picture_us; /* with lock; 0: not yet */
} Peer;

/* ---- what it says ---- */

/* Any thread. */
static void G_GNUC_PRINTF (2, 3) say (const char *word, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_strdelimit (text, "\n", ' ');
  printf (*text != '\0' ? "%s %s\n" : "%s\n", word, text);
  fflush (stdout);
}

static void
fail (Peer *self, const char *text)
{
  if (!self->has_failed)
    say ("error", "%s", text);
  self->has_failed = TRUE;
  g_main_loop_quit (self->loop);
}

static void
add_pictures (Peer *self, GstStructure *result)
{
  DemoPictureCounts c;
  g_autoptr (GError) error = NULL;

  demo_pictures_get (self->pictures, &c);
  gst_structure_set (result, "compared", G_TYPE_UINT64, (guint64) c.n_compared,
      "right", G_TYPE_UINT64, (guint64) c.n_right, "unreadable", G_TYPE_UINT64,
      (guint64) c.n_unreadable, "disordered", G_TYPE_UINT64,
      (guint64) c.n_disordered, "first", G_TYPE_UINT64, (guint64) c.first,
      "last", G_TYPE_UINT64, (guint64) c.last, "worst-db", G_TYPE_DOUBLE,
      c.worst_db, "mean-db", G_TYPE_DOUBLE,
      c.n_compared > 0 ? c.sum_db / c.n_compared : 0.0, "moved-db",
      G_TYPE_DOUBLE, c.moved_db, "time-ms", G_TYPE_DOUBLE, c.worst_time_ms,
      NULL);
  if (self->options->png == NULL)
    return;
  if (demo_pictures_write_png (self->pictures, self->options->png, &error))
    gst_structure_set (result, "png", G_TYPE_STRING, self->options->png, NULL);
  else
    say ("note", "no picture written: %s", error->message);
}

static void
add_sound (Peer *self, GstStructure *result)
{
  gst_structure_set (result, "tone-hz", G_TYPE_DOUBLE, self->sound.tone_hz,
      "windows", G_TYPE_UINT64, (guint64) self->sound.n_windows,
      "windows-right", G_TYPE_UINT64, (guint64) self->sound.n_right, "purity",
      G_TYPE_DOUBLE, self->sound.worst_purity, "level-db", G_TYPE_DOUBLE,
      self->sound.worst_level_db, NULL);
}

static double
since_start_ms (const Peer *self, gint64 time_us)
{
  return time_us == 0 ? -1.0 : (double) (time_us - self->start_us) / 1000.0;
}

static void
say_result (Peer *self)
{
  g_autoptr (GstStructure) result = gst_structure_new_empty (DEMO_RESULT_NAME);
  g_autoptr (GstStructure) stats = NULL;
  g_autofree char *text = NULL;

  g_object_get (self->wzp, "stats", &stats, NULL);
  demo_facts_add_stats (result, stats);
  g_mutex_lock (&self->lock);
  gst_structure_set (result, "role", G_TYPE_STRING,
      self->role != NULL ? self->role : "unknown", "path", G_TYPE_STRING,
      self->path != NULL ? self->path : "none", "up-ms", G_TYPE_DOUBLE,
      since_start_ms (self, self->connected_us), "picture-ms", G_TYPE_DOUBLE,
      since_start_ms (self, self->picture_us), NULL);
  g_mutex_unlock (&self->lock);
  if (self->pictures != NULL)
    add_pictures (self, result);
  if (self->pictures != NULL && self->options->with_sound)
    add_sound (self, result);
  text = gst_structure_to_string (result);
  say ("result", "%s", text);
}

/* ---- what the elements tell ---- */

static char *
dup_enum_property (GstElement *element, const char *name)
{
  GValue value = G_VALUE_INIT;
  char *text;

  g_object_get_property (G_OBJECT (element), name, &value);
  text = gst_value_serialize (&value);
  g_value_unset (&value);
  return text;
}

/* Session thread, as the two below. */
static void
on_state (GstElement *element, GParamSpec *pspec, gpointer user_data)
{
  Peer *self = user_data;
  g_autofree char *state = dup_enum_property (element, "connection-state");

  g_mutex_lock (&self->lock);
  if (g_str_equal (state, "connected") && self->connected_us == 0)
    self->connected_us = g_get_monotonic_time ();
  g_mutex_unlock (&self->lock);
  say ("note", "%s", state);
}

static void
on_path (GstElement *element, GParamSpec *pspec, gpointer user_data)
{
  g_autofree char *path = dup_enum_property (element, "path");

  say ("note", "path %s", path);
}

static void
on_candidates (
    GstElement *element, const GstStructure *candidates, gpointer user_data)
{
  g_autofree char *text = gst_structure_to_string (candidates);

  say ("candidates", "%s", text);
}

static void
on_progress (Peer *self, GstMessage *message)
{
  g_autofree char *code = NULL;
  GstProgressType type;

  gst_message_parse_progress (message, &type, &code, NULL);
  if (type != GST_PROGRESS_TYPE_COMPLETE || !g_str_equal (code, "register") ||
      self->is_ready)
    return;
  self->is_ready = TRUE;
  say ("ready", "%s", "");
}

static void
on_element_message (Peer *self, const GstStructure *s)
{
  if (s == NULL || !gst_structure_has_name (s, "wzp-race"))
    return;
  g_free (self->role);
  self->role = g_strdup (demo_facts_string (s, "role"));
}

static void
on_trouble (Peer *self, GstMessage *message)
{
  const gboolean is_error = GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR;
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;
  g_autofree char *text = NULL;

  if (is_error)
    gst_message_parse_error (message, &error, &debug);
  else
    gst_message_parse_warning (message, &error, &debug);
  text = g_strdup_printf (
      "%s: %s", GST_MESSAGE_SRC_NAME (message), error->message);
  if (is_error)
    fail (self, text);
  else
    say ("note", "warning: %s", text);
}

static void
on_eos (Peer *self)
{
  if (--self->n_running > 0)
    return;
  self->path = dup_enum_property (self->wzp, "path");
  g_signal_handlers_disconnect_by_data (self->wzp, self);
  say ("done", "%s", "");
}

static void
on_latency (Peer *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->pipelines); i++) {
    if (self->pipelines[i] != NULL)
      gst_bin_recalculate_latency (GST_BIN (self->pipelines[i]));
  }
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Peer *self = user_data;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_PROGRESS:
      on_progress (self, message);
      break;
    case GST_MESSAGE_ELEMENT:
      on_element_message (self, gst_message_get_structure (message));
      break;
    case GST_MESSAGE_ERROR:
    case GST_MESSAGE_WARNING:
      on_trouble (self, message);
      break;
    case GST_MESSAGE_EOS:
      on_eos (self);
      break;
    case GST_MESSAGE_LATENCY:
      on_latency (self);
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

/* ---- what comes out ---- */

static void
note_picture (Peer *self)
{
  DemoPictureCounts counts;

  g_mutex_lock (&self->lock);
  if (self->picture_us == 0)
    self->picture_us = g_get_monotonic_time ();
  g_mutex_unlock (&self->lock);
  demo_pictures_get (self->pictures, &counts);
  if (counts.n_compared % NOTE_INTERVAL == 0 && counts.n_compared > 0)
    say ("note", "%u pictures", counts.n_compared);
}

static GstFlowReturn
on_picture (GstAppSink *sink, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);

  if (sample == NULL)
    return GST_FLOW_EOS;
  demo_pictures_add (self->pictures, sample);
  note_picture (self);
  return GST_FLOW_OK;
}

static GstFlowReturn
on_sound (GstAppSink *sink, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  GstMapInfo map;

  if (sample == NULL)
    return GST_FLOW_EOS;
  gst_buffer_map (gst_sample_get_buffer (sample), &map, GST_MAP_READ);
  demo_sound_add (&self->sound, (const gint16 *) (gconstpointer) map.data,
      map.size / sizeof (gint16));
  gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  return GST_FLOW_OK;
}

/* ---- pipelines ---- */

static gboolean
has_element (const char *name)
{
  GstElementFactory *factory = gst_element_factory_find (name);
  const gboolean has = factory != NULL;

  gst_clear_object (&factory);
  return has;
}

static const char *
decoder (void)
{
  return has_element ("avdec_h264") ? "avdec_h264" : "openh264dec";
}

char *
demo_peer_missing_elements (void)
{
  static const char *const names[] = { "videotestsrc", "timeoverlay", "x264enc",
    "h264parse", "videoconvert", "appsink", "pngenc", "audiotestsrc", "opusenc",
    "opusdec", "audioconvert", "audioresample" };
  g_autoptr (GString) missing = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (!has_element (names[i]))
      g_string_append_printf (
          missing, "%s%s", missing->len > 0 ? ", " : "", names[i]);
  }
  if (!has_element (decoder ()))
    g_string_append_printf (
        missing, "%savdec_h264 or openh264dec", missing->len > 0 ? ", " : "");
  if (missing->len == 0)
    return NULL;
  return g_string_free (g_steal_pointer (&missing), FALSE);
}

/* The settings of an element; @flow counts only where there are several. */
static char *
wzp_settings (const DemoPeerOptions *options, const char *flow)
{
  return options->with_sound
      ? g_strdup_printf (
            "name=%s session=call flow=%s %s", flow, flow, options->settings)
      : g_strdup_printf ("name=%s %s", flow, options->settings);
}

static char *
send_pipeline (const DemoPeerOptions *options)
{
  g_autofree char *source =
      demo_picture_source (sides[options->side].pattern, DEMO_PICTURES, TRUE);
  g_autofree char *video = wzp_settings (options, "video");
  g_autofree char *audio = wzp_settings (options, "audio");
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text,
      "%s ! queue ! x264enc tune=zerolatency speed-preset=superfast "
      "bitrate=2500 key-int-max=60 ! h264parse ! wzpsink %s",
      source, video);
  if (options->with_sound)
    g_string_append_printf (text,
        " audiotestsrc is-live=true samplesperbuffer=%u num-buffers=%u "
        "freq=%u volume=%g ! audio/x-raw,rate=%u,channels=1 ! audioconvert ! "
        "opusenc ! wzpsink %s",
        DEMO_SOUND_RATE / 50, SOUND_BUFFERS, sides[options->side].tone_hz,
        DEMO_SOUND_VOLUME, DEMO_SOUND_RATE, audio);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
receive_pipeline (const DemoPeerOptions *options)
{
  g_autofree char *video = wzp_settings (options, "video");
  g_autofree char *audio = wzp_settings (options, "audio");
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text,
      "wzpsrc keep-listening=false %s ! h264parse ! %s ! videoconvert ! "
      "video/x-raw,format=I420 ! appsink name=pictures qos=false",
      video, decoder ());
  if (options->with_sound)
    g_string_append_printf (text,
        " wzpsrc keep-listening=false %s ! opusdec ! audioconvert ! "
        "audioresample ! audio/x-raw,format=S16LE,rate=%u,channels=1 ! "
        "appsink name=sound",
        audio, DEMO_SOUND_RATE);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
set_callback (GstElement *pipeline, const char *name,
    GstFlowReturn (*on_sample) (GstAppSink *sink, gpointer user_data),
    Peer *self)
{
  GstAppSinkCallbacks callbacks = { .new_sample = on_sample };
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), name);

  if (sink != NULL)
    gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, self, NULL);
}

static void
attach_element (Peer *self, GstElement *element)
{
  self->wzp = element;
  g_signal_connect (
      element, "notify::connection-state", G_CALLBACK (on_state), self);
  g_signal_connect (element, "notify::path", G_CALLBACK (on_path), self);
  if (self->options->is_app)
    g_signal_connect (
        element, "local-candidates", G_CALLBACK (on_candidates), self);
}

/* Takes @text. */
static gboolean
add_pipeline (Peer *self, char *text)
{
  g_autofree char *launch = text;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstBus) bus = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);
  const guint i = self->n_running;

  if (error != NULL) {
    gst_clear_object (&pipeline);
    fail (self, error->message);
    return FALSE;
  }
  self->pipelines[i] = pipeline;
  bus = gst_element_get_bus (pipeline);
  self->watches[i] = gst_bus_add_watch (bus, on_message, self);
  self->n_running++;
  if (self->wzp == NULL)
    attach_element (self, gst_bin_get_by_name (GST_BIN (pipeline), "video"));
  return TRUE;
}

static gboolean
make_pipelines (Peer *self)
{
  const DemoPeerOptions *options = self->options;
  const guint other = 1 - (guint) options->side;

  if (options->sends) {
    if (!add_pipeline (self, send_pipeline (options)))
      return FALSE;
    demo_picture_stamp (self->pipelines[0], (guint) options->side);
  }
  if (options->receives) {
    const guint i = self->n_running;

    if (!add_pipeline (self, receive_pipeline (options)))
      return FALSE;
    self->pictures =
        demo_pictures_new (sides[other].pattern, DEMO_PICTURES, other);
    demo_sound_init (&self->sound, sides[other].tone_hz);
    set_callback (self->pipelines[i], "pictures", on_picture, self);
    set_callback (self->pipelines[i], "sound", on_sound, self);
  }
  return TRUE;
}

/* ---- what it hears ---- */

static void
take_candidates (Peer *self, const char *text)
{
  g_autoptr (GstStructure) candidates = gst_structure_from_string (text, NULL);
  gboolean ok = FALSE;

  if (candidates != NULL)
    g_signal_emit_by_name (self->wzp, "set-remote-candidates", candidates, &ok);
  if (!ok)
    fail (self, "the peer's candidates were not taken");
}

static gboolean
on_stats_fresh (gpointer user_data)
{
  g_main_loop_quit (((Peer *) user_data)->loop);
  return G_SOURCE_REMOVE;
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autofree char *line =
      g_data_input_stream_read_line_finish (self->input, result, NULL, NULL);

  if (line == NULL || g_str_equal (line, "end")) {
    g_timeout_add (STATS_MS, on_stats_fresh, self);
    return;
  }
  if (g_str_has_prefix (line, "candidates "))
    take_candidates (self, line + strlen ("candidates "));
  g_data_input_stream_read_line_async (
      self->input, G_PRIORITY_DEFAULT, NULL, on_line, self);
}

static void
run (Peer *self)
{
  g_autoptr (GInputStream) input =
      g_unix_input_stream_new (STDIN_FILENO, FALSE);

  self->input = g_data_input_stream_new (input);
  g_data_input_stream_read_line_async (
      self->input, G_PRIORITY_DEFAULT, NULL, on_line, self);
  self->start_us = g_get_monotonic_time ();
  for (guint i = 0; i < self->n_running; i++)
    gst_element_set_state (self->pipelines[i], GST_STATE_READY);
  for (guint i = 0; i < self->n_running; i++)
    gst_element_set_state (self->pipelines[i], GST_STATE_PLAYING);
  g_main_loop_run (self->loop);
}

static void
clear (Peer *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->pipelines); i++) {
    if (self->pipelines[i] == NULL)
      continue;
    gst_element_set_state (self->pipelines[i], GST_STATE_NULL);
    g_source_remove (self->watches[i]);
  }
  if (self->wzp != NULL)
    g_signal_handlers_disconnect_by_data (self->wzp, self);
  if (self->path != NULL)
    say_result (self);
  gst_clear_object (&self->wzp);
  for (guint i = 0; i < G_N_ELEMENTS (self->pipelines); i++)
    gst_clear_object (&self->pipelines[i]);
  g_clear_pointer (&self->pictures, demo_pictures_free);
  g_clear_object (&self->input);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_free (self->role);
  g_free (self->path);
  g_mutex_clear (&self->lock);
}

int
demo_peer_main (const DemoPeerOptions *options)
{
  Peer self = { .options = options };
  int code;

  g_mutex_init (&self.lock);
  self.loop = g_main_loop_new (NULL, FALSE);
  if (make_pipelines (&self))
    run (&self);
  code = self.has_failed ? 1 : 0;
  clear (&self);
  return code;
}
