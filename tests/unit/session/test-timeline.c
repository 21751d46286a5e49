#include "wzp-json.h"
#include "wzp-test.h"
#include "wzp-timeline.h"

#include <string.h>

#define BEGAN_US G_GINT64_CONSTANT (5000000)
#define WALL_US  G_GINT64_CONSTANT (1767225600000000)

static WzpAddr
addr_of (const char *text)
{
  WzpAddr addr;

  g_assert_true (wzp_addr_parse (text, &addr, NULL));
  return addr;
}

/* Not wzp_json_parse(): a full record is longer than what a stranger may
 * send. */
static JsonNode *
to_tree (const WzpTimeline *timeline)
{
  g_autofree char *text = wzp_timeline_to_json (timeline);
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (text, &error);

  g_assert_no_error (error);
  g_assert_nonnull (node);
  return node;
}

static JsonArray *
events_of (JsonNode *node)
{
  return json_object_get_array_member (json_node_get_object (node), "events");
}

static void
add (WzpTimeline *timeline, WzpTimelineKind kind, gint64 at_us)
{
  wzp_timeline_add (
      timeline, &(WzpTimelineEvent){ .kind = kind, .at_us = at_us });
}

static void
test_whole (void)
{
  g_autoptr (WzpTimeline) timeline = wzp_timeline_new (BEGAN_US, WALL_US);
  const WzpAddr addr = addr_of ("192.0.2.1:4000");
  g_autofree char *text = NULL;

  g_test_summary ("What was given comes out, and nothing else");
  wzp_timeline_set (timeline, "call", "abc");
  wzp_timeline_set (timeline, "role", "none");
  wzp_timeline_set (timeline, "role", "dialer");
  wzp_timeline_set (timeline, "nat", NULL);
  wzp_timeline_add (timeline,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_DIALLED,
          .at_us = BEGAN_US + 1500,
          .path = WZP_PATH_DIRECT,
          .addr = &addr,
          .type = "failed",
          .text = "no answer",
          .took_us = 1200 });
  wzp_timeline_add (timeline,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_PATH,
          .at_us = BEGAN_US + 1600,
          .path = WZP_PATH_NONE,
          .old_path = WZP_PATH_RELAY,
          .n = 7 });
  text = wzp_timeline_to_json (timeline);
  g_assert_cmpstr (text, ==,
      "{\"version\":1,\"call\":\"abc\",\"role\":\"dialer\","
      "\"began\":1767225600000000,\"monotonic\":5000000,\"events\":["
      "{\"t\":1500,\"e\":\"dialled\",\"path\":\"direct\","
      "\"addr\":\"192.0.2.1:4000\",\"type\":\"failed\",\"text\":\"no answer\","
      "\"took\":1200},"
      "{\"t\":1600,\"e\":\"path\",\"path\":\"none\",\"old\":\"relay\",\"n\":7}"
      "],\"left_out\":{}}");
}

static void
test_order (void)
{
  g_autoptr (WzpTimeline) timeline = wzp_timeline_new (BEGAN_US, WALL_US);
  g_autoptr (JsonNode) node = NULL;
  gint64 last = G_MININT64;
  JsonArray *events;

  g_test_summary ("Ascending, whatever the order in which they came");
  for (guint i = 0; i < 200; i++)
    add (timeline, WZP_TIMELINE_RTT,
        BEGAN_US + g_test_rand_int_range (-1000, 1000));
  node = to_tree (timeline);
  events = events_of (node);
  g_assert_cmpuint (json_array_get_length (events), ==, 200);
  for (guint i = 0; i < 200; i++) {
    const gint64 t = json_object_get_int_member (
        json_array_get_object_element (events, i), "t");

    g_assert_cmpint (t, >=, last);
    last = t;
  }
}

static void
test_bound (void)
{
  g_autoptr (WzpTimeline) timeline = wzp_timeline_new (BEGAN_US, WALL_US);
  g_autoptr (JsonNode) node = NULL;
  JsonObject *left_out, *event;

  g_test_summary ("The kind with the most gives up its oldest, and it is told");
  add (timeline, WZP_TIMELINE_RACE, BEGAN_US);
  for (guint i = 0; i < WZP_TIMELINE_MAX_EVENTS - 1; i++)
    add (timeline, WZP_TIMELINE_RTT, BEGAN_US + 1 + i);
  g_assert_cmpuint (
      wzp_timeline_get_n_events (timeline), ==, WZP_TIMELINE_MAX_EVENTS);
  for (guint i = 0; i < 3; i++)
    add (timeline, WZP_TIMELINE_GAP, BEGAN_US + 5000000 + i);
  g_assert_cmpuint (
      wzp_timeline_get_n_events (timeline), ==, WZP_TIMELINE_MAX_EVENTS);

  node = to_tree (timeline);
  left_out =
      json_object_get_object_member (json_node_get_object (node), "left_out");
  g_assert_cmpint (json_object_get_int_member (left_out, "rtt"), ==, 3);
  g_assert_cmpuint (json_object_get_size (left_out), ==, 1);
  event = json_array_get_object_element (events_of (node), 0);
  g_assert_cmpstr (json_object_get_string_member (event, "e"), ==, "race");
  event = json_array_get_object_element (events_of (node), 1);
  g_assert_cmpint (json_object_get_int_member (event, "t"), ==, 4);
}

static void
test_groups (void)
{
  g_autoptr (WzpTimeline) timeline = wzp_timeline_new (BEGAN_US, WALL_US);
  const WzpAddr addr = addr_of ("[2001:db8::1]:4000");
  const WzpAddr other = addr_of ("[2001:db8::1]:4001");
  g_autoptr (JsonNode) node = NULL;
  JsonObject *event;
  const guint n = WZP_TIMELINE_SINGLE + 1;

  g_test_summary ("Many punches to one place are put together, a second each");
  for (guint i = 0; i < n + 9; i++)
    wzp_timeline_add (timeline,
        &(WzpTimelineEvent){ .kind = WZP_TIMELINE_PUNCH_SENT,
            .at_us = BEGAN_US + i,
            .addr = &addr,
            .type = "punch" });
  g_assert_cmpuint (wzp_timeline_get_n_events (timeline), ==, n);
  g_assert_true (wzp_timeline_has (timeline, WZP_TIMELINE_PUNCH_SENT, &addr));
  g_assert_false (wzp_timeline_has (timeline, WZP_TIMELINE_PUNCH_SENT, &other));
  g_assert_false (wzp_timeline_has (timeline, WZP_TIMELINE_PUNCH_HEARD, &addr));
  /* Another place, another kind, a second later: each a new one. */
  wzp_timeline_add (timeline,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_PUNCH_SENT,
          .at_us = BEGAN_US + n + 10,
          .addr = &other,
          .type = "punch" });
  wzp_timeline_add (timeline,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_PUNCH_SENT,
          .at_us = BEGAN_US + n + 11,
          .addr = &addr,
          .type = "answer" });
  wzp_timeline_add (timeline,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_PUNCH_SENT,
          .at_us = BEGAN_US + n - 1 + WZP_TIMELINE_GROUP_US,
          .addr = &addr,
          .type = "punch" });
  g_assert_cmpuint (wzp_timeline_get_n_events (timeline), ==, n + 3);
  node = to_tree (timeline);
  event = json_array_get_object_element (events_of (node), n - 1);
  g_assert_cmpint (json_object_get_int_member (event, "count"), ==, 10);
  g_assert_cmpint (json_object_get_int_member (event, "until"), ==, n + 8);
}

static void
test_hostile_text (void)
{
  g_autoptr (WzpTimeline) timeline = wzp_timeline_new (BEGAN_US, WALL_US);
  const char *const bad = "\"}],\\ \x01\n\xff\xfe</script>\xf0\x9f";
  g_autofree char *longer = g_strnfill (WZP_TIMELINE_MAX_TEXT + 50, 'x');
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  JsonObject *event;

  g_test_summary ("A stranger's words stay a string, valid and short");
  wzp_timeline_set (timeline, "nat", bad);
  wzp_timeline_add (timeline,
      &(WzpTimelineEvent){
          .kind = WZP_TIMELINE_END, .at_us = BEGAN_US, .text = bad });
  wzp_timeline_add (timeline,
      &(WzpTimelineEvent){
          .kind = WZP_TIMELINE_END, .at_us = BEGAN_US, .text = longer });
  text = wzp_timeline_to_json (timeline);
  node = wzp_json_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  event = json_array_get_object_element (events_of (node), 0);
  g_assert_true (g_str_has_prefix (
      json_object_get_string_member (event, "text"), "\"}],\\ \x01\n"));
  event = json_array_get_object_element (events_of (node), 1);
  g_assert_cmpuint (strlen (json_object_get_string_member (event, "text")), ==,
      WZP_TIMELINE_MAX_TEXT);
}

static void
test_off (void)
{
  const WzpAddr addr = addr_of ("192.0.2.1:1");

  g_test_summary ("No record: nothing happens");
  wzp_timeline_set (NULL, "call", "abc");
  add (NULL, WZP_TIMELINE_RACE, 0);
  g_assert_false (wzp_timeline_has (NULL, WZP_TIMELINE_RACE, &addr));
  g_assert_cmpuint (wzp_timeline_get_n_events (NULL), ==, 0);
  g_assert_null (wzp_timeline_to_json (NULL));
  wzp_timeline_free (NULL);
}

static void
test_file_name (void)
{
  g_autofree char *plain = wzp_timeline_file_name ("a-B_9", "dialer");
  g_autofree char *hostile =
      wzp_timeline_file_name ("../../etc/x\n\xc3\xa4.", "none");
  g_autofree char *id = g_strnfill (500, 'a');
  g_autofree char *longer = wzp_timeline_file_name (id, "acceptor");

  g_test_summary ("A call's id cannot name another place");
  g_assert_cmpstr (plain, ==, "a-B_9-dialer.json");
  g_assert_cmpstr (hostile, ==, "______etc_x____-none.json");
  g_assert_cmpuint (strlen (longer), ==, 100 + strlen ("-acceptor.json"));
}

static void
test_names (void)
{
  g_test_summary ("Every kind has a name of its own");
  for (guint a = 0; a < WZP_TIMELINE_N_KINDS; a++)
    for (guint b = 0; b < a; b++)
      g_assert_cmpstr (
          wzp_timeline_kind_to_string (a), !=, wzp_timeline_kind_to_string (b));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/timeline/whole", test_whole);
  g_test_add_func ("/timeline/order", test_order);
  g_test_add_func ("/timeline/bound", test_bound);
  g_test_add_func ("/timeline/groups", test_groups);
  g_test_add_func ("/timeline/hostile-text", test_hostile_text);
  g_test_add_func ("/timeline/off", test_off);
  g_test_add_func ("/timeline/file-name", test_file_name);
  g_test_add_func ("/timeline/names", test_names);
  return g_test_run ();
}
