/* What cannot be reached or opened: errors, warnings and progress on the bus.
 */
#include "wzp-check.h"

static GstElement *
caller_new (const char *factory, const char *relay)
{
  GstElement *wzp = check_element_new (factory);

  g_object_set (wzp, "mode", 0, "peer", "nobody", "relay", relay,
      "auto-reconnect", FALSE, "relay-timeout", 300u, NULL);
  return wzp;
}

/* The relay is not there: one error, with details, at the first attempt. The
 * sink gets no buffer and must tell all the same. */
GST_START_TEST (test_no_relay)
{
  static const char *const factories[] = { "wzpsink", "wzpsrc" };
  const gboolean is_sink = __i__ == 0;
  g_autoptr (GSocket) socket = NULL;
  g_autofree char *relay = check_dead_relay (&socket);
  GstElement *wzp = caller_new (factories[__i__], relay);
  GstHarness *h = is_sink ? gst_harness_new_with_element (wzp, "sink", NULL)
                          : gst_harness_new_with_element (wzp, NULL, "src");
  GstBus *bus = gst_bus_new ();
  g_autoptr (GstStructure) details = NULL;
  g_autoptr (GstMessage) another = NULL;
  const char *phase;
  guint attempts;

  gst_element_set_state (wzp, GST_STATE_NULL);
  gst_element_set_bus (wzp, bus);
  gst_element_set_state (wzp, GST_STATE_PLAYING);
  details = check_resource_error (bus,
      is_sink ? GST_RESOURCE_ERROR_OPEN_WRITE : GST_RESOURCE_ERROR_OPEN_READ);
  phase = gst_structure_get_string (details, "phase");
  fail_unless (phase != NULL);
  fail_unless (gst_structure_get_uint (details, "attempts", &attempts));
  fail_unless_equals_int (attempts, 1);
  fail_unless (gst_structure_has_field (details, "path") &&
      gst_structure_has_field (details, "quic-error") &&
      gst_structure_has_field (details, "tls-alert"));
  check_wait_state (wzp, "failed");
  if (!is_sink)
    gst_event_unref (check_pull_event (h, GST_EVENT_EOS));

  gst_element_set_state (wzp, GST_STATE_NULL);
  another = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (another == NULL, "a second error");
  gst_element_set_bus (wzp, NULL);
  gst_object_unref (bus);
  gst_object_unref (wzp);
  gst_harness_teardown (h);
}
GST_END_TEST

/* Retried: warnings, connection-state, and no error. */
GST_START_TEST (test_retry_warns)
{
  g_autoptr (GSocket) socket = NULL;
  g_autofree char *relay = check_dead_relay (&socket);
  GstElement *src = caller_new ("wzpsrc", relay);
  GstBus *bus = gst_bus_new ();
  g_autoptr (GError) error = NULL;
  GstMessage *message;

  g_object_set (src, "auto-reconnect", TRUE, "retry-backoff-factor", 0.01,
      "retries", 2, NULL);
  gst_element_set_bus (src, bus);
  gst_element_set_state (src, GST_STATE_PLAYING);
  message = check_wait_message (bus, GST_MESSAGE_WARNING);
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (strstr (error->message, "again") != NULL, "%s", error->message);
  gst_message_unref (message);
  gst_message_unref (check_wait_message (bus, GST_MESSAGE_WARNING));
  /* Two retries were allowed. */
  gst_message_unref (check_wait_message (bus, GST_MESSAGE_ERROR));
  gst_element_set_state (src, GST_STATE_NULL);
  gst_element_set_bus (src, NULL);
  gst_object_unref (bus);
  gst_object_unref (src);
}
GST_END_TEST

/* PROGRESS that was begun ends: gst-launch waits for that. */
GST_START_TEST (test_progress_ends)
{
  g_autoptr (GSocket) socket = NULL;
  g_autofree char *relay = check_dead_relay (&socket);
  GstElement *src = caller_new ("wzpsrc", relay);
  GstBus *bus = gst_bus_new ();
  int n_open = 0;
  guint n_begun = 0;
  GstMessage *message;

  gst_element_set_bus (src, bus);
  gst_element_set_state (src, GST_STATE_PLAYING);
  check_wait_state (src, "failed");
  gst_element_set_state (src, GST_STATE_NULL);
  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_PROGRESS)) != NULL) {
    GstProgressType type;

    gst_message_parse_progress (message, &type, NULL, NULL);
    n_begun += type == GST_PROGRESS_TYPE_START;
    n_open += type == GST_PROGRESS_TYPE_START;
    n_open -= type == GST_PROGRESS_TYPE_COMPLETE ||
        type == GST_PROGRESS_TYPE_CANCELED || type == GST_PROGRESS_TYPE_ERROR;
    gst_message_unref (message);
  }
  fail_unless (n_begun >= 1);
  fail_unless_equals_int (n_open, 0);
  gst_element_set_bus (src, NULL);
  gst_object_unref (bus);
  gst_object_unref (src);
}
GST_END_TEST

GST_START_TEST (test_port_taken)
{
  g_autoptr (GSocket) socket = NULL;
  g_autofree char *relay = check_dead_relay (&socket);
  GstElement *src = check_element_new ("wzpsrc");
  GstBus *bus = gst_bus_new ();
  g_autoptr (GstStructure) details = NULL;

  g_object_set (src, "mode", 2, "auto-reconnect", FALSE, "bind-port",
      (guint) g_ascii_strtoull (strchr (relay, ':') + 1, NULL, 10), NULL);
  gst_element_set_bus (src, bus);
  gst_element_set_state (src, GST_STATE_PLAYING);
  details = check_resource_error (bus, GST_RESOURCE_ERROR_BUSY);
  gst_element_set_state (src, GST_STATE_NULL);
  gst_element_set_bus (src, NULL);
  gst_object_unref (bus);
  gst_object_unref (src);
}
GST_END_TEST

static Suite *
wzp_errors_suite (void)
{
  Suite *s = suite_create ("wzp-errors");
  TCase *tc = tcase_create ("errors");

  tcase_set_timeout (tc, 120);
  suite_add_tcase (s, tc);
  tcase_add_loop_test (tc, test_no_relay, 0, 2);
  tcase_add_test (tc, test_retry_warns);
  tcase_add_test (tc, test_progress_ends);
  tcase_add_test (tc, test_port_taken);
  return s;
}

GST_CHECK_MAIN (wzp_errors)
