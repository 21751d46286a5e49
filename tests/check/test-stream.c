/* A wzpsink and a wzpsrc of one process, mode=app, over 127.0.0.1: what goes in
 * comes out. */
#include "wzp-check.h"

#define N_BUFFERS 200u
#define CAPS      "application/x-test, rate=(int)90000, n=(int)1"

static void
check_times (GstBuffer *out, GstClockTime in_pts, GstClockTime *first_in,
    GstClockTime *first_out)
{
  gint64 difference;

  fail_unless (GST_BUFFER_PTS_IS_VALID (out));
  if (!GST_CLOCK_TIME_IS_VALID (*first_in)) {
    *first_in = in_pts;
    *first_out = GST_BUFFER_PTS (out);
  }
  difference = (gint64) (GST_BUFFER_PTS (out) - *first_out) -
      (gint64) (in_pts - *first_in);
  /* In real time both clocks go alike; the map settles in the beginning. */
  fail_unless (ABS (difference) < (gint64) (300 * GST_MSECOND),
      "PTS is off by %" G_GINT64_FORMAT " ns", difference);
}

GST_START_TEST (test_buffers)
{
  GstClockTime first_in = GST_CLOCK_TIME_NONE, first_out = 0;
  gint64 start_us;
  CheckPair pair;

  check_pair_init (&pair);
  check_pair_start (&pair, CAPS);
  start_us = g_get_monotonic_time ();
  for (guint i = 0; i < N_BUFFERS; i++) {
    g_autoptr (GstBuffer) in = check_buffer_new (1 + i * 37 % 5000, i);
    g_autoptr (GstBuffer) out = NULL;

    GST_BUFFER_PTS (in) = (g_get_monotonic_time () - start_us) * 1000;
    GST_BUFFER_DTS (in) = i % 2 ? GST_CLOCK_TIME_NONE : GST_BUFFER_PTS (in);
    GST_BUFFER_DURATION (in) = 20 * GST_MSECOND;
    if (i % 3)
      GST_BUFFER_FLAG_SET (in, GST_BUFFER_FLAG_DELTA_UNIT);
    if (i % 5 == 0)
      GST_BUFFER_FLAG_SET (in, GST_BUFFER_FLAG_MARKER);
    if (i % 7 == 0)
      GST_BUFFER_FLAG_SET (in, GST_BUFFER_FLAG_HEADER);
    if (i % 11 == 0)
      GST_BUFFER_FLAG_SET (in, GST_BUFFER_FLAG_DROPPABLE);
    check_push (&pair, gst_buffer_ref (in));
    out = check_pull (&pair);

    check_same_bytes (in, out);
    check_times (out, GST_BUFFER_PTS (in), &first_in, &first_out);
    fail_unless_equals_int (
        GST_BUFFER_DTS_IS_VALID (out), GST_BUFFER_DTS_IS_VALID (in));
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), 20 * GST_MSECOND);
    fail_unless_equals_int (
        GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DELTA_UNIT), i % 3 != 0);
    fail_unless_equals_int (
        GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_MARKER), i % 5 == 0);
    fail_unless_equals_int (
        GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_HEADER), i % 7 == 0);
    fail_unless_equals_int (
        GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DROPPABLE), i % 11 == 0);
    fail_unless_equals_int (
        GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DISCONT), i == 0);
  }
  check_pair_clear (&pair);
}
GST_END_TEST

static void
send_and_compare (CheckPair *pair, GstBuffer *in)
{
  g_autoptr (GstBuffer) out = NULL;

  check_push (pair, gst_buffer_ref (in));
  out = check_pull (pair);
  check_same_bytes (in, out);
  gst_buffer_unref (in);
}

static void
expect_caps (CheckPair *pair, const char *text)
{
  g_autoptr (GstEvent) event = check_pull_event (pair->src, GST_EVENT_CAPS);
  g_autoptr (GstCaps) expected = gst_caps_from_string (text);
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  fail_unless (gst_caps_is_equal (caps, expected), "%" GST_PTR_FORMAT, caps);
}

GST_START_TEST (test_caps_tags_eos)
{
  static const char other_caps[] = "application/x-other, n=(int)2, "
                                   "streamheader=(buffer)<0102, 030405>";
  g_autoptr (GstEvent) tag_event = NULL;
  g_autoptr (GstEvent) eos = NULL;
  g_autofree char *title = NULL;
  GstTagList *tags;
  CheckPair pair;

  check_pair_init (&pair);
  check_pair_start (&pair, CAPS);
  gst_harness_push_event (pair.sink,
      gst_event_new_tag (gst_tag_list_new (
          GST_TAG_TITLE, "a \"title\", {[<(", GST_TAG_BITRATE, 1234u, NULL)));
  send_and_compare (&pair, check_buffer_new (100, 1));
  expect_caps (&pair, CAPS);
  tag_event = check_pull_event (pair.src, GST_EVENT_TAG);
  gst_event_parse_tag (tag_event, &tags);
  fail_unless (gst_tag_list_get_string (tags, GST_TAG_TITLE, &title));
  fail_unless_equals_string (title, "a \"title\", {[<(");

  gst_harness_set_src_caps_str (pair.sink, other_caps);
  send_and_compare (&pair, check_buffer_new (100, 2));
  expect_caps (&pair, other_caps);

  fail_unless (gst_harness_push_event (pair.sink, gst_event_new_eos ()));
  eos = check_pull_event (pair.src, GST_EVENT_EOS);
  gst_message_unref (check_wait_message (pair.sink_bus, GST_MESSAGE_EOS));
  check_pair_clear (&pair);
}
GST_END_TEST

/* Whether a GstForceKeyUnit is among the upstream events that have come. */
static gboolean
took_key_request (CheckPair *pair)
{
  GstEvent *event;
  gboolean found = FALSE;

  while (!found &&
      (event = gst_harness_try_pull_upstream_event (pair->sink)) != NULL) {
    found = gst_event_has_name (event, "GstForceKeyUnit");
    fail_unless (!found || GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_UPSTREAM);
    gst_event_unref (event);
  }
  return found;
}

/* @ask: from the receiver too. Requests within 200 ms of another are ignored on
 * the way, so a receiver asks again, as decoders do. */
static void
expect_key_request (CheckPair *pair, gboolean ask)
{
  const gint64 deadline = g_get_monotonic_time () + CHECK_TIMEOUT_MS * 1000;

  while (!took_key_request (pair)) {
    fail_unless (g_get_monotonic_time () < deadline, "no key request");
    if (ask)
      fail_unless (gst_harness_push_upstream_event (pair->src,
          gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
              gst_structure_new_empty ("GstForceKeyUnit"))));
    g_usleep (20000);
  }
}

GST_START_TEST (test_force_key_unit)
{
  CheckPair pair;

  check_pair_init (&pair);
  check_pair_start (&pair, CAPS);
  send_and_compare (&pair, check_buffer_new (100, 1));
  /* One because the receiver has joined, then those that it asks for. */
  expect_key_request (&pair, FALSE);
  expect_key_request (&pair, TRUE);
  check_pair_clear (&pair);
}
GST_END_TEST

static GstBuffer *
buffer_of_memories (guint n)
{
  GstBuffer *buffer = gst_buffer_new ();

  for (guint i = 0; i < n; i++) {
    g_autoptr (GstBuffer) part = check_buffer_new (10 + i * 700, i);

    gst_buffer_append_memory (buffer, gst_buffer_get_memory (part, 0));
  }
  return buffer;
}

GST_START_TEST (test_memories_and_sizes)
{
  /* 1..8 pieces go as they are, 9 and more are merged. */
  static const guint memories[] = { 1, 2, 8, 9, 15 };
  CheckPair pair;

  check_pair_init (&pair);
  check_pair_start (&pair, CAPS);
  for (guint i = 0; i < G_N_ELEMENTS (memories); i++)
    send_and_compare (&pair, buffer_of_memories (memories[i]));
  send_and_compare (&pair, gst_buffer_new ());
  send_and_compare (&pair, check_buffer_new (0, 0));
  send_and_compare (&pair, check_buffer_new (1, 0));
  check_pair_clear (&pair);
}
GST_END_TEST

GST_START_TEST (test_large_buffer)
{
  const gsize size = 3 * 1024 * 1024;
  CheckPair pair;
  GstBuffer *out = NULL;

  check_pair_init (&pair);
  check_pair_start (&pair, CAPS);
  /* Datagrams that the kernel drops are not sent again yet: several tries. */
  for (guint i = 0; i < 10 && out == NULL; i++) {
    g_autoptr (GstBuffer) in = check_buffer_new (size, 5);

    check_push (&pair, gst_buffer_ref (in));
    out = gst_harness_pull (pair.src);
    if (out != NULL)
      check_same_bytes (in, out);
  }
  fail_unless (out != NULL, "3 MiB never came whole");
  gst_buffer_unref (out);
  check_pair_clear (&pair);
}
GST_END_TEST

GST_START_TEST (test_too_large_buffer)
{
  GstElement *sink = check_element_new ("wzpsink");
  GstHarness *h;
  GstBus *bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;

  g_object_set (sink, "mode", 2, "sync", FALSE, NULL);
  h = gst_harness_new_with_element (sink, "sink", NULL);
  gst_element_set_bus (sink, bus);
  gst_harness_set_src_caps_str (h, CAPS);
  fail_unless_equals_int (
      gst_harness_push (h, check_buffer_new (16 * 1024 * 1024 + 1, 1)),
      GST_FLOW_ERROR);
  message = check_wait_message (bus, GST_MESSAGE_ERROR);
  gst_element_set_bus (sink, NULL);
  gst_object_unref (bus);
  gst_object_unref (sink);
  gst_harness_teardown (h);
}
GST_END_TEST

GST_START_TEST (test_stats_and_path)
{
  g_autoptr (GstStructure) stats = NULL;
  g_autoptr (GstStructure) last = NULL;
  const GstStructure *race;
  const GValue *paths;
  gint64 sent, sent_after;
  CheckPair pair;
  int path;

  check_pair_init (&pair);
  check_pair_start (&pair, CAPS);
  for (guint i = 0; i < 10; i++)
    send_and_compare (&pair, check_buffer_new (2000, i));
  g_object_get (pair.sink->element, "path", &path, NULL);
  fail_unless_equals_int (path, 2); /* direct */

  gst_element_set_state (pair.sink->element, GST_STATE_NULL);
  g_object_get (pair.sink->element, "stats", &last, NULL);
  fail_unless (gst_structure_get_int64 (last, "packets-sent", &sent_after));
  fail_unless (sent_after >= 10, "%" G_GINT64_FORMAT, sent_after);
  g_object_get (pair.src->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_int64 (stats, "packets-received", &sent));
  paths = gst_structure_get_value (last, "paths");
  fail_unless (paths != NULL && gst_value_array_get_size (paths) >= 1);
  race = gst_value_get_structure (gst_structure_get_value (last, "race"));
  fail_unless (gst_structure_has_field (race, "winner"));
  g_object_get (pair.sink->element, "path", &path, NULL);
  fail_unless_equals_int (path, 0);
  check_pair_clear (&pair);
}
GST_END_TEST

static GstClockTime
running_time (GstElement *element)
{
  g_autoptr (GstClock) clock = gst_element_get_clock (element);

  return gst_clock_get_time (clock) - gst_element_get_base_time (element);
}

/* What was too late to be sent is a gap: the next buffer says so, and a key
 * frame is asked for. */
GST_START_TEST (test_late_is_discont)
{
  static const gboolean is_late[] = { FALSE, TRUE, TRUE, FALSE };
  GstBuffer *out = NULL;
  GstElement *sink;
  CheckPair pair;

  check_pair_init (&pair);
  sink = pair.sink->element;
  g_object_set (sink, "sync", TRUE, NULL);
  check_pair_start (&pair, CAPS);
  gst_element_set_base_time (sink,
      gst_element_get_base_time (sink) + running_time (sink) - 10 * GST_SECOND);
  for (guint i = 0; i < G_N_ELEMENTS (is_late); i++) {
    GstBuffer *in = check_buffer_new (10 + i, i);

    GST_BUFFER_PTS (in) =
        is_late[i] ? 5 * GST_SECOND : running_time (sink) + 10 * GST_MSECOND;
    check_push (&pair, in);
  }
  do {
    /* The base class lets the first of many late ones through. */
    g_clear_pointer (&out, gst_buffer_unref);
    out = check_pull (&pair);
  } while (gst_buffer_get_size (out) < 10 + G_N_ELEMENTS (is_late) - 1);
  fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DISCONT));
  gst_buffer_unref (out);
  expect_key_request (&pair, FALSE);
  check_pair_clear (&pair);
}
GST_END_TEST

/* A peer that goes without EOS: no EOS here, GAP events, and a state to see. */
GST_START_TEST (test_peer_goes)
{
  CheckPair pair;
  GstEvent *event;
  GstEventType type;

  check_pair_init (&pair);
  check_pair_start (&pair, CAPS);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *in = check_buffer_new (10, i);

    GST_BUFFER_PTS (in) = i * GST_MSECOND;
    send_and_compare (&pair, in);
  }
  gst_element_set_state (pair.sink->element, GST_STATE_NULL);
  do {
    event = gst_harness_pull_event (pair.src);
    fail_unless (event != NULL, "no GAP");
    type = GST_EVENT_TYPE (event);
    fail_unless (type != GST_EVENT_EOS);
    gst_event_unref (event);
  } while (type != GST_EVENT_GAP);
  check_pair_clear (&pair);
}
GST_END_TEST

static GstElement *
member_new (const char *factory, const char *session, const char *flow)
{
  GstElement *element = check_element_new (factory);

  g_object_set (element, "session", session, "flow", flow, "mode", 2, NULL);
  if (element->sinkpads != NULL)
    g_object_set (element, "sync", FALSE, "wait-for-connection", TRUE, NULL);
  return element;
}

/* Two streams one way and one the other way, by name, in one call; only one
 * element of each side carries the candidates. */
GST_START_TEST (test_flows_of_a_session)
{
  static const char *const flows[] = { "sound", "picture", "back" };
  GstElement *elements[6];
  GstHarness *sinks[3], *srcs[3];

  for (guint i = 0; i < 3; i++) {
    elements[i] = member_new ("wzpsink", i < 2 ? "here" : "there", flows[i]);
    elements[3 + i] = member_new ("wzpsrc", i < 2 ? "there" : "here", flows[i]);
  }
  check_exchange_candidates (elements[0], elements[3]);
  for (guint i = 0; i < 3; i++) {
    /* A harness starts a sink at once, a source when told. */
    srcs[i] = check_harness_new (elements[3 + i]);
    gst_harness_play (srcs[i]);
    sinks[i] = check_harness_new (elements[i]);
    gst_harness_set_src_caps_str (sinks[i], CAPS);
  }
  for (guint i = 0; i < 3; i++)
    check_wait_state (srcs[i]->element, "connected");
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GstBuffer) in = check_buffer_new (1000 + i, i);
    g_autoptr (GstBuffer) out = NULL;

    fail_unless_equals_int (
        gst_harness_push (sinks[i], gst_buffer_ref (in)), GST_FLOW_OK);
    out = gst_harness_pull (srcs[i]);
    fail_unless (out != NULL, "nothing of %s", flows[i]);
    check_same_bytes (in, out);
  }
  for (guint i = 0; i < 3; i++) {
    gst_harness_teardown (sinks[i]);
    gst_harness_teardown (srcs[i]);
  }
}
GST_END_TEST

typedef struct {
  GMutex lock;
  GCond cond;
  guint n;
} Counter;

static void
on_handoff (GstElement *element, GstBuffer *buffer, GstPad *pad, Counter *seen)
{
  g_mutex_lock (&seen->lock);
  seen->n++;
  g_cond_signal (&seen->cond);
  g_mutex_unlock (&seen->lock);
}

static void
wait_for_count (Counter *seen, guint n)
{
  const gint64 deadline = g_get_monotonic_time () + CHECK_TIMEOUT_MS * 1000;
  gboolean in_time = TRUE;

  g_mutex_lock (&seen->lock);
  while (in_time && seen->n < n)
    in_time = g_cond_wait_until (&seen->cond, &seen->lock, deadline);
  g_mutex_unlock (&seen->lock);
  fail_unless (in_time, "only %u of %u buffers", seen->n, n);
}

static GstElement *
pipeline_new (const char *text, const char *wzp, GstElement **ret_wzp)
{
  GstElement *pipeline = gst_parse_launch (text, NULL);

  fail_unless (pipeline != NULL);
  *ret_wzp = gst_bin_get_by_name (GST_BIN (pipeline), wzp);
  g_object_set (*ret_wzp, "bind-address", "127.0.0.1", "mode", 2, NULL);
  return pipeline;
}

/* The same pipelines again and again, with new candidates each time. */
GST_START_TEST (test_restart)
{
  GstElement *sink, *src;
  GstElement *sending = pipeline_new (
      "fakesrc is-live=true do-timestamp=true format=time sizetype=fixed "
      "sizemax=500 datarate=100000 ! wzpsink name=wzp",
      "wzp", &sink);
  GstElement *receiving = pipeline_new (
      "wzpsrc name=wzp ! fakesink name=end signal-handoffs=true", "wzp", &src);
  GstElement *end = gst_bin_get_by_name (GST_BIN (receiving), "end");
  Counter seen = { .n = 0 };

  g_mutex_init (&seen.lock);
  g_cond_init (&seen.cond);
  g_signal_connect (end, "handoff", G_CALLBACK (on_handoff), &seen);
  for (guint i = 0; i < 5; i++) {
    seen.n = 0;
    check_exchange_candidates (sink, src);
    fail_unless (gst_element_set_state (receiving, GST_STATE_PLAYING) !=
        GST_STATE_CHANGE_FAILURE);
    fail_unless (gst_element_set_state (sending, GST_STATE_PLAYING) !=
        GST_STATE_CHANGE_FAILURE);
    wait_for_count (&seen, 20);
    /* The one that stays tells new candidates for another call, which are
     * worth nothing once it is stopped too. */
    check_exchange_no_more (sink, src);
    gst_element_set_state (i % 2 ? sending : receiving, GST_STATE_NULL);
    gst_element_set_state (i % 2 ? receiving : sending, GST_STATE_NULL);
  }
  gst_object_unref (end);
  gst_object_unref (sink);
  gst_object_unref (src);
  gst_object_unref (sending);
  gst_object_unref (receiving);
  g_mutex_clear (&seen.lock);
  g_cond_clear (&seen.cond);
}
GST_END_TEST

/* The next element message of that name. */
static GstMessage *
wait_element_message (GstBus *bus, const char *name)
{
  for (;;) {
    g_autoptr (GstMessage) message =
        check_wait_message (bus, GST_MESSAGE_ELEMENT);

    if (gst_message_has_name (message, name))
      return g_steal_pointer (&message);
  }
}

/* Each candidate, but the one that is in use, with why it is not. */
static void
check_race (const GstStructure *s)
{
  const GValue *array = gst_structure_get_value (s, "candidates");
  guint n_up = 0;

  fail_unless (array != NULL && gst_value_array_get_size (array) > 0);
  for (guint i = 0; i < gst_value_array_get_size (array); i++) {
    const GstStructure *dial =
        gst_value_get_structure (gst_value_array_get_value (array, i));
    const char *state = gst_structure_get_string (dial, "state");
    const char *reason = gst_structure_get_string (dial, "reason");

    fail_unless (gst_structure_has_field (dial, "address"));
    fail_unless (gst_structure_has_field (dial, "type"));
    n_up += g_str_equal (state, "up");
    fail_unless (g_str_equal (state, "up") || g_str_equal (state, "pending") ||
            (reason != NULL && strlen (reason) > 10),
        "%s without a reason", state);
  }
  fail_unless (n_up > 0);
}

static void
check_path (const GstStructure *s)
{
  const char *reason = gst_structure_get_string (s, "reason");

  fail_unless (reason != NULL && strstr (reason, "path") != NULL, "%s",
      reason != NULL ? reason : "no reason");
}

GST_START_TEST (test_messages)
{
  static const struct {
    const char *name;
    void (*check) (const GstStructure *s);
  } messages[] = { { "wzp-race", check_race }, { "wzp-path", check_path } };
  CheckPair pair;

  for (guint i = 0; i < 2 * G_N_ELEMENTS (messages); i++) {
    g_autoptr (GstMessage) message = NULL;

    check_pair_init (&pair);
    check_pair_start (&pair, CAPS);
    message = wait_element_message (
        i < 2 ? pair.src_bus : pair.sink_bus, messages[i % 2].name);
    messages[i % 2].check (gst_message_get_structure (message));
    check_pair_clear (&pair);
  }
}
GST_END_TEST

static Suite *
wzp_stream_suite (void)
{
  Suite *s = suite_create ("wzp-stream");
  TCase *tc = tcase_create ("app");

  tcase_set_timeout (tc, 120);
  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_buffers);
  tcase_add_test (tc, test_caps_tags_eos);
  tcase_add_test (tc, test_force_key_unit);
  tcase_add_test (tc, test_memories_and_sizes);
  tcase_add_test (tc, test_large_buffer);
  tcase_add_test (tc, test_too_large_buffer);
  tcase_add_test (tc, test_stats_and_path);
  tcase_add_test (tc, test_late_is_discont);
  tcase_add_test (tc, test_peer_goes);
  tcase_add_test (tc, test_flows_of_a_session);
  tcase_add_test (tc, test_restart);
  tcase_add_test (tc, test_messages);
  return s;
}

GST_CHECK_MAIN (wzp_stream)
