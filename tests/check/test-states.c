/* State changes, waits that must end, settings, shared sessions. */
#include <glib/gstdio.h>

#include "wzp-check.h"

#define N_CYCLES 20u

static GstElement *
pipeline_new (const char *text, GstElement **ret_wzp)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error);

  fail_unless (error == NULL, "%s", error != NULL ? error->message : "");
  *ret_wzp = gst_bin_get_by_name (GST_BIN (pipeline), "wzp");
  fail_unless (*ret_wzp != NULL);
  return pipeline;
}

/* Comes back at once, whatever the relay does. */
static void
set_state (GstElement *element, GstState state)
{
  GstStateChangeReturn ret = gst_element_set_state (element, state);

  fail_unless (ret != GST_STATE_CHANGE_FAILURE);
}

GST_START_TEST (test_cycle)
{
  static const char *const texts[] = {
    "fakesrc is-live=true format=time sizetype=fixed ! wzpsink name=wzp peer=x",
    "wzpsrc name=wzp alias=me ! fakesink",
    "wzpsrc name=wzp mode=app ! fakesink",
  };
  g_autoptr (GSocket) socket = NULL;
  g_autofree char *relay = check_dead_relay (&socket);
  GstElement *pipeline, *wzp;

  pipeline = pipeline_new (texts[__i__], &wzp);
  g_object_set (wzp, "relay", relay, "bind-address", "127.0.0.1", NULL);
  for (guint i = 0; i < N_CYCLES; i++) {
    g_autofree char *fingerprint = NULL;

    set_state (pipeline, GST_STATE_PLAYING);
    if (i % 3 == 0)
      gst_element_get_state (pipeline, NULL, NULL, 0);
    g_object_get (wzp, "fingerprint", &fingerprint, NULL);
    fail_unless_equals_int (strlen (fingerprint), 39);
    if (i % 4 == 1)
      set_state (pipeline, GST_STATE_PAUSED);
    if (i % 4 == 2)
      set_state (pipeline, GST_STATE_READY);
    set_state (pipeline, GST_STATE_NULL);
  }
  gst_object_unref (wzp);
  gst_object_unref (pipeline);
}
GST_END_TEST

GST_START_TEST (test_src_no_preroll)
{
  GstElement *src = check_element_new ("wzpsrc");

  g_object_set (src, "mode", 2, NULL);
  fail_unless_equals_int (gst_element_set_state (src, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  gst_element_set_state (src, GST_STATE_NULL);
  gst_object_unref (src);
}
GST_END_TEST

/* create() waits for a peer that never comes. */
GST_START_TEST (test_unlock_create)
{
  GstElement *wzp;
  GstElement *pipeline = pipeline_new (
      "wzpsrc name=wzp bind-address=127.0.0.1 mode=app ! fakesink", &wzp);

  set_state (pipeline, GST_STATE_PLAYING);
  check_wait_state (wzp, "connecting");
  set_state (pipeline, GST_STATE_PAUSED);
  set_state (pipeline, GST_STATE_PLAYING);
  set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (wzp);
  gst_object_unref (pipeline);
}
GST_END_TEST

/* render() waits for a connection that never comes. */
static gpointer
push_and_wait (gpointer data)
{
  GstHarness *h = data;

  return GINT_TO_POINTER (gst_harness_push (h, check_buffer_new (10, 0)));
}

static GstHarness *
waiting_sink_new (void)
{
  GstElement *sink = check_element_new ("wzpsink");
  GstHarness *h;

  g_object_set (
      sink, "mode", 2, "sync", FALSE, "wait-for-connection", TRUE, NULL);
  h = gst_harness_new_with_element (sink, "sink", NULL);
  gst_harness_set_src_caps_str (h, "application/x-test");
  gst_object_unref (sink);
  return h;
}

GST_START_TEST (test_unlock_render)
{
  GstHarness *h = waiting_sink_new ();
  GThread *thread = g_thread_new ("push", push_and_wait, h);

  check_wait_state (h->element, "connecting");
  /* Whether the buffer waits already or comes too late: FLUSHING. */
  gst_element_set_state (h->element, GST_STATE_NULL);
  fail_unless_equals_int (
      GPOINTER_TO_INT (g_thread_join (thread)), GST_FLOW_FLUSHING);
  gst_harness_teardown (h);
}
GST_END_TEST

GST_START_TEST (test_flush_render)
{
  GstHarness *h = waiting_sink_new ();
  GThread *thread = g_thread_new ("push", push_and_wait, h);

  check_wait_state (h->element, "connecting");
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless_equals_int (
      GPOINTER_TO_INT (g_thread_join (thread)), GST_FLOW_FLUSHING);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  gst_harness_teardown (h);
}
GST_END_TEST

/* Without wait-for-connection it is dropped, counted, and told by QOS. */
GST_START_TEST (test_drop_unconnected)
{
  GstElement *sink = check_element_new ("wzpsink");
  GstHarness *h;
  GstBus *bus = gst_bus_new ();
  g_autoptr (GstStructure) stats = NULL;
  g_autoptr (GstMessage) qos = NULL;
  GstFormat format;
  guint64 processed, dropped;

  g_object_set (sink, "mode", 2, "sync", FALSE, NULL);
  h = gst_harness_new_with_element (sink, "sink", NULL);
  gst_element_set_bus (sink, bus);
  gst_harness_set_src_caps_str (h, "application/x-test");
  for (guint i = 0; i < 7; i++)
    fail_unless_equals_int (
        gst_harness_push (h, check_buffer_new (10, i)), GST_FLOW_OK);
  qos = check_wait_message (bus, GST_MESSAGE_QOS);
  gst_message_parse_qos_stats (qos, &format, &processed, &dropped);
  fail_unless_equals_int (format, GST_FORMAT_BUFFERS);
  fail_unless_equals_uint64 (dropped, 1);
  g_object_get (sink, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, "frames-dropped", &dropped));
  fail_unless_equals_uint64 (dropped, 7);
  gst_element_set_bus (sink, NULL);
  gst_object_unref (bus);
  gst_object_unref (sink);
  gst_harness_teardown (h);
}
GST_END_TEST

GST_START_TEST (test_latency_query)
{
  GstElement *src = check_element_new ("wzpsrc");
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  GstClockTime min, max;
  gboolean live;

  g_object_set (src, "mode", 2, "latency", 321u, NULL);
  gst_element_set_state (src, GST_STATE_PAUSED);
  fail_unless (gst_element_query (src, query));
  gst_query_parse_latency (query, &live, &min, &max);
  fail_unless (live);
  fail_unless_equals_uint64 (min, 321 * GST_MSECOND);
  fail_unless_equals_uint64 (max, GST_CLOCK_TIME_NONE);
  gst_element_set_state (src, GST_STATE_NULL);
  gst_object_unref (src);
}
GST_END_TEST

GST_START_TEST (test_uri_after_start)
{
  GstElement *src = check_element_new ("wzpsrc");
  g_autoptr (GError) error = NULL;

  g_object_set (src, "uri", "wzp://?mode=app", NULL);
  gst_element_set_state (src, GST_STATE_PAUSED);
  fail_unless (!gst_uri_handler_set_uri (
      GST_URI_HANDLER (src), "wzp://r/other", &error));
  fail_unless (g_error_matches (error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE));
  gst_element_set_state (src, GST_STATE_NULL);
  fail_unless (
      gst_uri_handler_set_uri (GST_URI_HANDLER (src), "wzp://r/other", NULL));
  gst_object_unref (src);
}
GST_END_TEST

/* Mixes of settings that cannot work: the change to PAUSED fails at once. */
typedef struct {
  const char *factory;
  const char *settings; /* properties as in gst-launch */
  const char *named;    /* in the message */
} BadSettings;

static const BadSettings bad_settings[] = {
  { "wzpsink", "", "relay" },
  { "wzpsink", "relay=127.0.0.1:9", "peer" },
  { "wzpsink", "relay=127.0.0.1:9 peer=\"a b\"", "peer" },
  { "wzpsink", "relay=\"a b\" peer=x", "relay" },
  { "wzpsrc", "relay=127.0.0.1:9 alias=\"a/b\"", "alias" },
  { "wzpsrc", "mode=app transport-policy=relay", "relay" },
  { "wzpsrc", "mode=app bind-address=localhost", "bind-address" },
  { "wzpsrc", "mode=app peer-fingerprint=00", "peer-fingerprint" },
  { "wzpsrc", "relay=127.0.0.1:9 relay-trust=pin", "relay-fingerprint" },
  { "wzpsrc", "relay=127.0.0.1:9 relay-fingerprint=00", "relay-fingerprint" },
  { "wzpsrc",
      "relay=127.0.0.1:9 relay-fingerprint="
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
      "relay-trust=ca",
      "relay-fingerprint" },
  { "wzpsrc", "mode=app accept-mode=generic transport-policy=direct",
      "direct" },
  { "wzpsrc", "uri=wzp://r/c?colour=red", "colour" },
  { "wzpsrc",
      "mode=app flow="
      "1234567890123456789012345678901234567890123456789012345678901234",
      "flow" },
  { "wzpsrc", "mode=app identity-file=no-such-folder/key", "no-such-folder" },
};

GST_START_TEST (test_bad_settings)
{
  const BadSettings *bad = &bad_settings[__i__];
  g_autofree char *text = g_strdup_printf (
      "%s name=wzp bind-address=127.0.0.1 %s", bad->factory, bad->settings);
  g_autoptr (GError) parse_error = NULL;
  GstElement *wzp = gst_parse_launch (text, &parse_error);
  GstBus *bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  fail_unless (parse_error == NULL);
  gst_element_set_bus (wzp, bus);
  fail_unless_equals_int (
      gst_element_set_state (wzp, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  message = check_wait_message (bus, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (
      g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS),
      "%s", error->message);
  fail_unless (strstr (error->message, bad->named) != NULL,
      "%s does not name %s", error->message, bad->named);
  gst_bus_set_flushing (bus, TRUE);
  gst_element_set_bus (wzp, NULL);
  gst_element_set_state (wzp, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (wzp);
}
GST_END_TEST

/* The other way round: what was refused can be put right and started. */
GST_START_TEST (test_put_right)
{
  GstElement *src = check_element_new ("wzpsrc");

  g_object_set (src, "uri", "wzp://r/c?colour=red", NULL);
  fail_unless_equals_int (
      gst_element_set_state (src, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (src, GST_STATE_NULL);
  g_object_set (src, "uri", "wzp://?mode=app", NULL);
  fail_unless_equals_int (gst_element_set_state (src, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  gst_element_set_state (src, GST_STATE_NULL);
  gst_object_unref (src);
}
GST_END_TEST

/* The file is made, keeps the identity, and is refused when others can read
 * it. */
GST_START_TEST (test_identity_file)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("wzp-check-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "key.pem", NULL);
  GstElement *src = check_element_new ("wzpsrc");
  GstBus *bus = gst_bus_new ();
  g_autofree char *none = NULL;
  g_autofree char *started = NULL;
  g_autofree char *before = NULL;
  g_autoptr (GstStructure) details = NULL;
  GStatBuf info;

  g_object_set (src, "mode", 2, "identity-file", path, NULL);
  gst_element_set_bus (src, bus);
  g_object_get (src, "fingerprint", &none, NULL);
  fail_unless (none == NULL);
  gst_element_set_state (src, GST_STATE_PAUSED);
  g_object_get (src, "fingerprint", &started, NULL);
  gst_element_set_state (src, GST_STATE_NULL);
  fail_unless_equals_int (g_stat (path, &info), 0);
  fail_unless_equals_int (info.st_mode & 0777, 0600);
  g_object_get (src, "fingerprint", &before, NULL);
  fail_unless_equals_string (before, started);

  fail_unless_equals_int (g_chmod (path, 0644), 0);
  fail_unless_equals_int (
      gst_element_set_state (src, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  details = check_resource_error (bus, GST_RESOURCE_ERROR_SETTINGS);
  gst_element_set_state (src, GST_STATE_NULL);
  gst_element_set_bus (src, NULL);
  gst_object_unref (bus);
  gst_object_unref (src);
  g_remove (path);
  g_rmdir (folder);
}
GST_END_TEST

static GstElement *
member_new (const char *factory, const char *session)
{
  GstElement *element = check_element_new (factory);

  g_object_set (element, "session", session, "bind-address", NULL, NULL);
  return element;
}

/* One element with the settings is enough; they share the identity. */
GST_START_TEST (test_session)
{
  GstElement *a = member_new ("wzpsrc", "shared");
  GstElement *b = member_new ("wzpsrc", "shared");
  g_autofree char *print_a = NULL;
  g_autofree char *print_b = NULL;

  g_object_set (
      b, "bind-address", "127.0.0.1", "mode", 2, "latency", 200u, NULL);
  g_object_set (a, "flow", "a", NULL);
  g_object_set (b, "flow", "b", NULL);
  gst_element_set_state (a, GST_STATE_READY);
  gst_element_set_state (b, GST_STATE_READY);
  fail_unless_equals_int (
      gst_element_set_state (a, GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  fail_unless_equals_int (
      gst_element_set_state (b, GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  g_object_get (a, "fingerprint", &print_a, NULL);
  g_object_get (b, "fingerprint", &print_b, NULL);
  fail_unless (print_a != NULL);
  fail_unless_equals_string (print_a, print_b);

  /* The node lives as long as one of them does. */
  gst_element_set_state (a, GST_STATE_NULL);
  g_clear_pointer (&print_b, g_free);
  g_object_get (b, "fingerprint", &print_b, NULL);
  fail_unless_equals_string (print_a, print_b);
  gst_element_set_state (b, GST_STATE_NULL);
  gst_object_unref (a);
  gst_object_unref (b);
}
GST_END_TEST

static void
on_candidates (GstElement *element, GstStructure *candidates, gpointer data)
{
  g_atomic_int_inc ((int *) data);
}

/* One that comes to a session later is told what it has missed. */
GST_START_TEST (test_session_catches_up)
{
  const gint64 deadline = g_get_monotonic_time () + CHECK_TIMEOUT_MS * 1000;
  GstElement *elements[2];
  int n[2] = { 0, 0 };

  for (guint i = 0; i < 2; i++) {
    elements[i] = member_new ("wzpsrc", "late");
    g_object_set (elements[i], "bind-address", "127.0.0.1", "mode", 2, "flow",
        i == 0 ? "a" : "b", NULL);
    g_signal_connect (
        elements[i], "local-candidates", G_CALLBACK (on_candidates), &n[i]);
    gst_element_set_state (elements[i], GST_STATE_PAUSED);
    while (g_atomic_int_get (&n[i]) == 0) {
      fail_unless (g_get_monotonic_time () < deadline, "element %u", i);
      g_usleep (1000);
    }
    check_wait_state (elements[i], "connecting");
  }
  for (guint i = 0; i < 2; i++) {
    gst_element_set_state (elements[i], GST_STATE_NULL);
    gst_object_unref (elements[i]);
  }
}
GST_END_TEST

typedef struct {
  const char *first, *second; /* settings */
  const char *named;
} Conflict;

static const Conflict conflicts[] = {
  { "latency=200", "latency=300", "latency" },
  { "latency=200", "latency=125", "latency" },
  { "", "latency=200", "latency" }, /* the first runs with 125 already */
  { "uri=wzp://?retries=1", "retries=2", "retries" },
  { "", "mode=listener", "mode" },
  { "flow=same", "flow=same", "same" },
};

GST_START_TEST (test_session_conflict)
{
  const Conflict *conflict = &conflicts[__i__];
  GstElement *elements[2];
  GstBus *bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++) {
    g_autofree char *text = g_strdup_printf (
        "wzpsink session=conflict bind-address=127.0.0.1 %s %s",
        i == 0 ? "mode=app" : "", i == 0 ? conflict->first : conflict->second);

    elements[i] = gst_parse_launch (text, NULL);
    gst_element_set_bus (elements[i], bus);
    fail_unless_equals_int (
        gst_element_set_state (elements[i], GST_STATE_PAUSED),
        i == 0 ? GST_STATE_CHANGE_SUCCESS : GST_STATE_CHANGE_FAILURE);
  }
  message = check_wait_message (bus, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (
      strstr (error->message, conflict->named) != NULL, "%s", error->message);
  fail_unless (error->code == GST_RESOURCE_ERROR_SETTINGS ||
          error->code == GST_RESOURCE_ERROR_BUSY,
      "%d", error->code);
  for (guint i = 0; i < 2; i++) {
    gst_element_set_state (elements[i], GST_STATE_NULL);
    gst_element_set_bus (elements[i], NULL);
    gst_object_unref (elements[i]);
  }
  gst_object_unref (bus);
}
GST_END_TEST

/* A sink would call and a source listen: who was told a name decides, and
 * where both were it must be said. */
GST_START_TEST (test_session_mode)
{
  g_autoptr (GSocket) socket = NULL;
  g_autofree char *relay = check_dead_relay (&socket);
  GstElement *sink = member_new ("wzpsink", "mode");
  GstElement *src = member_new ("wzpsrc", "mode");
  GstBus *bus = gst_bus_new ();
  g_autoptr (GstStructure) details = NULL;

  gst_element_set_bus (src, bus);
  g_object_set (sink, "bind-address", "127.0.0.1", "relay", relay, "peer",
      "nobody", NULL);
  gst_element_set_state (sink, GST_STATE_READY);
  fail_unless_equals_int (gst_element_set_state (src, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  gst_element_set_state (src, GST_STATE_NULL);

  g_object_set (src, "alias", "me", NULL);
  fail_unless_equals_int (
      gst_element_set_state (src, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  details = check_resource_error (bus, GST_RESOURCE_ERROR_SETTINGS);
  gst_element_set_state (src, GST_STATE_NULL);
  gst_element_set_state (sink, GST_STATE_NULL);
  gst_element_set_bus (src, NULL);
  gst_object_unref (bus);
  gst_object_unref (sink);
  gst_object_unref (src);
}
GST_END_TEST

GST_START_TEST (test_set_remote_refused)
{
  GstElement *src = check_element_new ("wzpsrc");
  g_autoptr (GstStructure) s = gst_structure_new_empty ("nonsense");
  gboolean taken = TRUE;

  g_object_set (src, "mode", 2, NULL);
  g_signal_emit_by_name (src, "set-remote-candidates", s, &taken);
  fail_unless (!taken);
  taken = TRUE;
  g_signal_emit_by_name (src, "set-remote-candidates", NULL, &taken);
  fail_unless (!taken);
  gst_object_unref (src);
}
GST_END_TEST

static gboolean
refuse (GstElement *element, GstStructure *peer, gpointer user_data)
{
  (*(guint *) user_data)++;
  return FALSE;
}

static gboolean
agree (GstElement *element, GstStructure *peer, gpointer user_data)
{
  (*(guint *) user_data)++;
  return TRUE;
}

/* The first FALSE wins and nobody is asked after it; without handlers: TRUE. */
GST_START_TEST (test_caller_connecting)
{
  GstElement *src = check_element_new ("wzpsrc");
  g_autoptr (GstStructure) peer = gst_structure_new_empty ("peer");
  guint n_asked = 0;
  gboolean accept = FALSE;

  g_signal_emit_by_name (src, "caller-connecting", peer, &accept);
  fail_unless (accept);
  g_signal_connect (src, "caller-connecting", G_CALLBACK (agree), &n_asked);
  g_signal_emit_by_name (src, "caller-connecting", peer, &accept);
  fail_unless (accept);
  fail_unless_equals_int (n_asked, 1);
  g_signal_connect (src, "caller-connecting", G_CALLBACK (refuse), &n_asked);
  g_signal_connect (src, "caller-connecting", G_CALLBACK (agree), &n_asked);
  g_signal_emit_by_name (src, "caller-connecting", peer, &accept);
  fail_unless (!accept);
  fail_unless_equals_int (n_asked, 3);
  gst_object_unref (src);
}
GST_END_TEST

/* An application may stop the element in one of its own signals. */
static void
stop_it (GstElement *element, GParamSpec *pspec, gpointer user_data)
{
  int state;

  g_object_get (element, "connection-state", &state, NULL);
  if (state == 1 && g_atomic_int_compare_and_exchange ((int *) user_data, 0, 1))
    gst_element_set_state (element, GST_STATE_NULL);
}

GST_START_TEST (test_stop_in_signal)
{
  GstElement *src = check_element_new ("wzpsrc");
  int is_stopped = 0;

  g_object_set (src, "mode", 2, NULL);
  g_signal_connect (
      src, "notify::connection-state", G_CALLBACK (stop_it), &is_stopped);
  gst_element_set_state (src, GST_STATE_READY);
  gst_element_set_state (src, GST_STATE_PAUSED);
  check_wait_state (src, "closed");
  gst_element_set_state (src, GST_STATE_NULL);
  fail_unless_equals_int (is_stopped, 1);
  gst_object_unref (src);
}
GST_END_TEST

static void
add_settings_tests (Suite *s)
{
  TCase *tc = tcase_create ("settings");

  tcase_set_timeout (tc, 120);
  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_uri_after_start);
  tcase_add_loop_test (tc, test_bad_settings, 0, G_N_ELEMENTS (bad_settings));
  tcase_add_test (tc, test_put_right);
  tcase_add_test (tc, test_identity_file);
  tcase_add_test (tc, test_session);
  tcase_add_test (tc, test_session_catches_up);
  tcase_add_loop_test (tc, test_session_conflict, 0, G_N_ELEMENTS (conflicts));
  tcase_add_test (tc, test_session_mode);
  tcase_add_test (tc, test_set_remote_refused);
  tcase_add_test (tc, test_caller_connecting);
}

static Suite *
wzp_states_suite (void)
{
  Suite *s = suite_create ("wzp-states");
  TCase *tc = tcase_create ("states");

  tcase_set_timeout (tc, 120);
  suite_add_tcase (s, tc);
  tcase_add_loop_test (tc, test_cycle, 0, 3);
  tcase_add_test (tc, test_src_no_preroll);
  tcase_add_test (tc, test_unlock_create);
  tcase_add_test (tc, test_unlock_render);
  tcase_add_test (tc, test_flush_render);
  tcase_add_test (tc, test_drop_unconnected);
  tcase_add_test (tc, test_latency_query);
  tcase_add_test (tc, test_stop_in_signal);
  add_settings_tests (s);
  return s;
}

GST_CHECK_MAIN (wzp_states)
