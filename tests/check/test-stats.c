/* Snapshots of a node as structures, and failures as codes. */
#include <gio/gio.h>
#include <gst/check/gstcheck.h>

#include "gstwzpenums.h"
#include "gstwzpfailure.h"
#include "gstwzpstats.h"

static WzpNodeStats *
stats_new (guint n_calls)
{
  WzpNodeStats *stats = g_new0 (WzpNodeStats, 1);

  stats->n_calls = n_calls;
  for (guint i = 0; i < n_calls; i++) {
    WzpCallStats *call = &stats->calls[i];

    call->role = "dialer";
    call->packets_sent = 100 + i;
    call->bytes_sent = 1000;
    call->packets_received_lost = 3;
    call->frames_dropped = 2;
    call->winner = WZP_PATH_RELAY;
    call->path = WZP_PATH_DIRECT;
    call->time_to_connect_us = 1500;
    call->time_to_first_media_us = 2500;
    call->time_to_direct_us = -1;
    call->n_paths = 2;
    call->paths[0].path = WZP_PATH_RELAY;
    call->paths[0].is_up = TRUE;
    call->paths[0].srtt_us = 50000;
    call->paths[0].packets_lost = 4;
    call->paths[1].path = WZP_PATH_DIRECT;
    call->paths[1].is_up = TRUE;
    call->paths[1].in_use = TRUE;
    call->paths[1].srtt_us = 20000;
    call->paths[1].cwnd = 25000;
    call->paths[1].packets_lost = 1;
    g_strlcpy (call->path_reason, "first proof", sizeof call->path_reason);
    call->n_dials = 2;
    call->dials[0].type = "host";
    call->dials[0].state = "failed";
    g_strlcpy (call->dials[0].reason, "no route", sizeof call->dials[0].reason);
    call->dials[1].type = "srflx";
    call->dials[1].state = "up";
    call->dials[1].took_us = -1;
  }
  return stats;
}

static double
get_double (const GstStructure *s, const char *field)
{
  double value;

  fail_unless (gst_structure_get_double (s, field, &value), "%s", field);
  return value;
}

static gint64
get_int64 (const GstStructure *s, const char *field)
{
  gint64 value;

  fail_unless (gst_structure_get_int64 (s, field, &value), "%s", field);
  return value;
}

static const GstStructure *
get_entry (const GstStructure *s, const char *field, guint index)
{
  const GValue *array = gst_structure_get_value (s, field);

  fail_unless (array != NULL && index < gst_value_array_get_size (array));
  return gst_value_get_structure (gst_value_array_get_value (array, index));
}

GST_START_TEST (test_one_call)
{
  g_autofree WzpNodeStats *stats = stats_new (1);
  const GstWzpRates rates = { .send_mbps = 1.5 };
  g_autoptr (GstStructure) s = gst_wzp_stats_new (stats, &rates, 130, 5);
  const GstStructure *race;
  const GstStructure *dial;
  guint64 dropped;
  int latency;

  fail_unless_equals_int64 (get_int64 (s, "packets-sent"), 100);
  fail_unless_equals_int64 (get_int64 (s, "packets-sent-lost"), 5);
  fail_unless_equals_int64 (get_int64 (s, "packets-received-lost"), 3);
  fail_unless (gst_structure_get_uint64 (s, "frames-dropped", &dropped));
  fail_unless_equals_uint64 (dropped, 7); /* the call's and the element's */
  fail_unless_equals_float (get_double (s, "send-rate-mbps"), 1.5);
  fail_unless_equals_float (get_double (s, "rtt-ms"), 20.0);
  fail_unless_equals_float (get_double (s, "bandwidth-mbps"), 10.0);
  fail_unless (gst_structure_get_int (s, "negotiated-latency-ms", &latency));
  fail_unless_equals_int (latency, 130);
  fail_unless_equals_string (
      gst_structure_get_string (get_entry (s, "paths", 0), "state"), "standby");
  fail_unless_equals_string (
      gst_structure_get_string (get_entry (s, "paths", 1), "state"), "in-use");
  race = gst_value_get_structure (gst_structure_get_value (s, "race"));
  fail_unless_equals_float (get_double (race, "time-to-first-media-ms"), 2.5);
  fail_unless_equals_float (get_double (race, "time-to-direct-ms"), -1.0);
  dial = get_entry (race, "candidates", 0);
  fail_unless_equals_string (
      gst_structure_get_string (dial, "reason"), "no route");
  dial = get_entry (race, "candidates", 1);
  fail_unless (!gst_structure_has_field (dial, "reason"));
  fail_unless_equals_string (
      gst_structure_get_string (s, "path-reason"), "first proof");
  fail_unless (!gst_structure_has_field (s, "callers"));
}
GST_END_TEST

GST_START_TEST (test_many_calls)
{
  g_autofree WzpNodeStats *stats = stats_new (WZP_NODE_MAX_CALLS);
  const GstWzpRates rates = { 0 };
  g_autoptr (GstStructure) s = gst_wzp_stats_new (stats, &rates, 125, 0);
  const GstStructure *last = get_entry (s, "callers", WZP_NODE_MAX_CALLS - 1);

  fail_unless_equals_int64 (get_int64 (s, "packets-sent"),
      WZP_NODE_MAX_CALLS * 100 +
          WZP_NODE_MAX_CALLS * (WZP_NODE_MAX_CALLS - 1) / 2);
  fail_unless_equals_int64 (
      get_int64 (last, "packets-sent"), 100 + WZP_NODE_MAX_CALLS - 1);
  fail_unless (gst_structure_has_field (last, "fingerprint"));
  fail_unless_equals_string (
      gst_structure_get_string (last, "path-reason"), "first proof");
}
GST_END_TEST

GST_START_TEST (test_race_message)
{
  g_autofree WzpNodeStats *none = stats_new (0);
  g_autofree WzpNodeStats *stats = stats_new (1);
  g_autoptr (GstStructure) s = gst_wzp_stats_new_race (stats);

  fail_unless (gst_wzp_stats_new_race (none) == NULL);
  fail_unless (gst_structure_has_name (s, "wzp-race"));
  fail_unless_equals_string (gst_structure_get_string (s, "role"), "dialer");
}
GST_END_TEST

GST_START_TEST (test_path_message)
{
  g_autofree WzpNodeStats *stats = stats_new (1);
  g_autoptr (GstStructure) before = NULL;
  g_autoptr (GstStructure) s = NULL;
  int path;

  before = gst_wzp_stats_new_path (stats, WZP_PATH_NONE, WZP_PATH_RELAY);
  fail_unless (!gst_structure_has_field (before, "reason"));
  g_strlcpy (stats->path_reason, "the direct path was silent for 163 ms",
      sizeof stats->path_reason);
  s = gst_wzp_stats_new_path (stats, WZP_PATH_DIRECT, WZP_PATH_RELAY);
  fail_unless (gst_structure_has_name (s, "wzp-path"));
  fail_unless (
      gst_structure_get_enum (s, "old", gst_wzp_path_get_type (), &path));
  fail_unless_equals_int (path, WZP_PATH_DIRECT);
  fail_unless (
      gst_structure_get_enum (s, "new", gst_wzp_path_get_type (), &path));
  fail_unless_equals_int (path, WZP_PATH_RELAY);
  fail_unless_equals_string (gst_structure_get_string (s, "reason"),
      "the direct path was silent for 163 ms");
}
GST_END_TEST

GST_START_TEST (test_rates)
{
  g_autofree WzpNodeStats *stats = stats_new (1);
  GstWzpRates rates = { 0 };

  gst_wzp_rates_update (&rates, stats, G_USEC_PER_SEC);
  fail_unless_equals_float (rates.send_mbps, 0.0);
  stats->calls[0].bytes_sent += 125000;
  /* Too soon: as before. */
  gst_wzp_rates_update (
      &rates, stats, G_USEC_PER_SEC + GST_WZP_RATE_INTERVAL_US - 1);
  fail_unless_equals_float (rates.send_mbps, 0.0);
  gst_wzp_rates_update (&rates, stats, 2 * G_USEC_PER_SEC);
  fail_unless_equals_float (rates.send_mbps, 1.0);
  /* A call ended and took its bytes along. */
  stats->n_calls = 0;
  gst_wzp_rates_update (&rates, stats, 3 * G_USEC_PER_SEC);
  fail_unless_equals_float (rates.send_mbps, 0.0);
}
GST_END_TEST

GST_START_TEST (test_failure_codes)
{
  const struct {
    GQuark domain;
    int code;
    gboolean is_sink, was_connected;
    GstResourceError expected;
  } cases[] = {
    { WZP_ERROR, WZP_ERROR_NOT_FOUND, 0, 0, GST_RESOURCE_ERROR_NOT_FOUND },
    { WZP_ERROR, WZP_ERROR_IDENTITY, 0, 0, GST_RESOURCE_ERROR_NOT_AUTHORIZED },
    { WZP_ERROR, WZP_ERROR_REJECTED, 1, 1, GST_RESOURCE_ERROR_NOT_AUTHORIZED },
    { WZP_ERROR, WZP_ERROR_BUSY, 0, 0, GST_RESOURCE_ERROR_BUSY },
    { WZP_ERROR, WZP_ERROR_INVALID, 0, 0, GST_RESOURCE_ERROR_SETTINGS },
    { WZP_ERROR, WZP_ERROR_TIMED_OUT, 0, 0, GST_RESOURCE_ERROR_OPEN_READ },
    { WZP_ERROR, WZP_ERROR_TIMED_OUT, 1, 0, GST_RESOURCE_ERROR_OPEN_WRITE },
    { WZP_ERROR, WZP_ERROR_CLOSED, 0, 1, GST_RESOURCE_ERROR_READ },
    { WZP_ERROR, WZP_ERROR_CLOSED, 1, 1, GST_RESOURCE_ERROR_WRITE },
    { G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE, 0, 0, GST_RESOURCE_ERROR_BUSY },
    { G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, 0, 0,
        GST_RESOURCE_ERROR_OPEN_READ },
    { G_FILE_ERROR, G_FILE_ERROR_ACCES, 0, 0,
        GST_RESOURCE_ERROR_NOT_AUTHORIZED },
    { G_FILE_ERROR, G_FILE_ERROR_NOENT, 0, 0, GST_RESOURCE_ERROR_SETTINGS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error =
        g_error_new_literal (cases[i].domain, cases[i].code, "x");

    fail_unless (gst_wzp_failure_code (error, cases[i].is_sink,
                     cases[i].was_connected) == cases[i].expected,
        "case %u", i);
  }
}
GST_END_TEST

static Suite *
wzp_stats_suite (void)
{
  Suite *s = suite_create ("wzp-stats");
  TCase *tc = tcase_create ("stats");

  tcase_set_timeout (tc, 60);
  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_one_call);
  tcase_add_test (tc, test_many_calls);
  tcase_add_test (tc, test_race_message);
  tcase_add_test (tc, test_path_message);
  tcase_add_test (tc, test_rates);
  tcase_add_test (tc, test_failure_codes);
  return s;
}

GST_CHECK_MAIN (wzp_stats)
