/* What a call leaves behind for people: its timeline, and why it took which
 * path. */
#include "wzp-party.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define SIZE        200
#define INTERVAL_US 10000

typedef struct {
  WzpTestRelay *relay;
  WzpParty *listener, *caller;
  WzpSendFlow *send;
  WzpRecvFlow *recv;
  WzpTestSinkhole *hole;
  WzpTestSource *source;
} Call;

/* Media flows directly, and each side is where the other sends. */
static void
begin (WzpTest *test, Call *call, const char *folder)
{
  WzpNodeConfig config;

  call->relay = wzp_test_relay_new (0);
  wzp_party_config (&config, call->relay);
  config.timeline_folder = folder;
  config.mode = WZP_MODE_LISTENER;
  config.alias = "cam1";
  call->listener = wzp_party_new (&config);
  wzp_party_config (&config, call->relay);
  config.timeline_folder = folder;
  config.mode = WZP_MODE_CALLER;
  config.peer = "cam1";
  call->caller = wzp_party_new (&config);
  call->send = wzp_node_add_send_flow (
      call->caller->node, "video", NULL, NULL, NULL, NULL);
  call->recv = wzp_node_add_recv_flow (call->listener->node, NULL, NULL);
  call->hole = wzp_test_sinkhole_new (call->recv, SIZE, 0);
  call->source = wzp_test_source_new (
      call->send, "x/y", 1000, SIZE, INTERVAL_US, 0, FALSE);
  wzp_party_start (call->listener);
  wzp_party_start (call->caller);
  wzp_test_assert_until (
      test, wzp_party_path (call->caller) == WZP_PATH_DIRECT, 10000);
  wzp_test_assert_until (
      test, wzp_party_path (call->listener) == WZP_PATH_DIRECT, 10000);
  wzp_test_assert_until (test,
      wzp_test_sinkhole_get (call->hole, &call->hole->frames) > 60, 10000);
}

/* The caller hangs up; the listener hears it. */
static void
finish (WzpTest *test, Call *call)
{
  wzp_send_flow_set_flushing (call->send, TRUE);
  wzp_test_source_join (call->source);
  wzp_party_free (call->caller);
  wzp_test_assert_until (test,
      wzp_party_count (call->listener, &call->listener->callers_removed) == 1,
      10000);
  wzp_test_sinkhole_free (call->hole);
  wzp_send_flow_unref (call->send);
  wzp_recv_flow_unref (call->recv);
  wzp_party_free (call->listener);
  wzp_test_relay_free (call->relay);
}

/* The only file of @folder whose name ends so. */
static JsonNode *
read_timeline (const char *folder, const char *suffix)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  const char *name;
  JsonNode *node;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_assert_true (g_str_has_suffix (name, ".json"));
    if (!g_str_has_suffix (name, suffix))
      continue;
    g_assert_null (path);
    path = g_build_filename (folder, name, NULL);
  }
  g_assert_nonnull (path);
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  g_test_message ("%s", text);
  node = json_from_string (text, &error);
  g_assert_no_error (error);
  return node;
}

static gboolean
is_event (JsonObject *event, const char *name, const char *path)
{
  return g_str_equal (json_object_get_string_member (event, "e"), name) &&
      (path == NULL ||
          g_strcmp0 (
              json_object_get_string_member_with_default (event, "path", NULL),
              path) == 0);
}

/* Where the first of them is; "name" or "name path". */
static guint
find (JsonObject *timeline, const char *what)
{
  JsonArray *events = json_object_get_array_member (timeline, "events");
  g_auto (GStrv) words = g_strsplit (what, " ", 2);

  for (guint i = 0; i < json_array_get_length (events); i++)
    if (is_event (
            json_array_get_object_element (events, i), words[0], words[1]))
      return i;
  g_error ("no %s", what);
}

static JsonObject *
first_of (JsonObject *timeline, const char *what)
{
  return json_array_get_object_element (
      json_object_get_array_member (timeline, "events"), find (timeline, what));
}

static void
assert_order (JsonObject *timeline, const char *const *names)
{
  for (guint i = 1; names[i] != NULL; i++)
    if (find (timeline, names[i - 1]) >= find (timeline, names[i]))
      g_error ("%s is not before %s", names[i - 1], names[i]);
}

static void
assert_sorted (JsonObject *timeline)
{
  JsonArray *events = json_object_get_array_member (timeline, "events");
  gint64 last = 0;

  for (guint i = 0; i < json_array_get_length (events); i++) {
    const gint64 t = json_object_get_int_member (
        json_array_get_object_element (events, i), "t");

    g_assert_cmpint (t, >=, last);
    last = t;
  }
}

static void
test_files (WzpTest *test, gconstpointer data)
{
  static const char *const dialer[] = { "remote-candidate", "race",
    "dial direct", "dialled direct", "nominate-sent direct", "ack-heard", "end",
    NULL };
  static const char *const acceptor[] = { "remote-candidate", "race",
    "up direct", "nominate-heard direct", "ack-sent", "end", NULL };
  static const char *const both[] = { "local-candidate", "race", "dial relay",
    "dialled relay", "up relay", "end", NULL };
  g_autofree char *folder = g_build_filename (test->dir, "new", "deep", NULL);
  Call call = { 0 };

  g_test_summary ("Both sides leave one file with what happened, in order");
  begin (test, &call, folder);
  finish (test, &call);
  {
    g_autoptr (JsonNode) a = read_timeline (folder, "-dialer.json");
    g_autoptr (JsonNode) b = read_timeline (folder, "-acceptor.json");
    JsonObject *sides[] = { json_node_get_object (a),
      json_node_get_object (b) };

    assert_order (sides[0], dialer);
    assert_order (sides[1], acceptor);
    for (guint i = 0; i < 2; i++) {
      assert_order (sides[i], both);
      assert_sorted (sides[i]);
      g_assert_cmpint (json_object_get_int_member (sides[i], "version"), ==, 1);
      g_assert_cmpint (json_object_get_int_member (sides[i], "began"), >, 0);
      find (sides[i], "up direct");
      find (sides[i], "proved direct");
      find (sides[i], "path direct");
      find (sides[i], "media");
      find (sides[i], "rtt direct");
    }
    g_assert_cmpstr (json_object_get_string_member (sides[0], "call"), ==,
        json_object_get_string_member (sides[1], "call"));
    g_assert_cmpstr (json_object_get_string_member (
                         first_of (sides[0], "dialled direct"), "type"),
        ==, "up");
  }
}

static void
test_off (WzpTest *test, gconstpointer data)
{
  g_autoptr (GDir) dir = NULL;
  Call call = { 0 };

  g_test_summary ("Nobody asked: nothing is written");
  g_assert_null (g_getenv ("WZP_TIMELINE_DIR"));
  begin (test, &call, NULL);
  finish (test, &call);
  dir = g_dir_open (test->dir, 0, NULL);
  g_assert_null (g_dir_read_name (dir));
}

static guint
count_lines (WzpParty *party, const char *part)
{
  guint n = 0;

  g_mutex_lock (&party->lock);
  for (const char *at = party->log->str; (at = strstr (at, part)) != NULL; at++)
    n++;
  g_mutex_unlock (&party->lock);
  return n;
}

static void
test_unwritable (WzpTest *test, gconstpointer data)
{
  g_autofree char *file = g_build_filename (test->dir, "file", NULL);
  g_autofree char *folder = g_build_filename (file, "x", NULL);
  Call call = { 0 };

  g_test_summary ("A folder that cannot be: one warning, the call is as ever");
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  begin (test, &call, folder);
  wzp_send_flow_set_flushing (call.send, TRUE);
  wzp_node_stop (call.caller->node);
  wzp_test_assert_until (
      test, count_lines (call.listener, "timeline is lost") == 1, 10000);
  g_assert_cmpuint (count_lines (call.caller, "timeline is lost"), ==, 1);
  finish (test, &call);
}

static void
test_reasons (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };
  WzpNodeStats stats;
  guint n_up = 0;

  g_test_summary ("Statistics say why: of the path, and of each candidate");
  begin (test, &call, NULL);
  for (guint side = 0; side < 2; side++) {
    wzp_node_get_stats (
        side == 0 ? call.caller->node : call.listener->node, &stats);
    g_test_message ("%s", stats.path_reason);
    g_assert_nonnull (strstr (stats.path_reason, "the direct path"));
    g_assert_cmpstr (stats.path_reason, ==, stats.calls[0].path_reason);
    g_assert_cmpuint (stats.calls[0].n_dials, >=, 2);
    n_up = 0;
    for (guint i = 0; i < stats.calls[0].n_dials; i++) {
      const WzpDialStats *dial = &stats.calls[0].dials[i];

      g_test_message (
          "%s %s %s: %s", dial->address, dial->type, dial->state, dial->reason);
      n_up +=
          g_str_equal (dial->state, "up") && !g_str_equal (dial->type, "relay");
      g_assert_true (g_str_equal (dial->state, "up") ||
          g_str_equal (dial->state, "pending") || dial->reason[0] != '\0');
    }
    g_assert_cmpuint (n_up, ==, 1);
  }
  finish (test, &call);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/seen/files", NULL, test_files);
  wzp_test_add ("/seen/off", NULL, test_off);
  wzp_test_add ("/seen/unwritable", NULL, test_unwritable);
  wzp_test_add ("/seen/reasons", NULL, test_reasons);
  return wzp_test_run ();
}
