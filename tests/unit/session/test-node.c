/* A node that finds no peer: its life, its flows, its listeners. Whole calls
 * are in tests/integration. */
#include "flow-test.h"
#include "wzp-node.h"

#include <string.h>

/* Nobody answers there. */
#define DEAD_RELAY "127.0.0.1:9"

typedef struct {
  GMutex lock;
  guint states[WZP_STATE_CLOSED + 1];
  WzpConnectionState last;
  guint n_after_closed, n_local;
  gboolean is_notified;
  int error_code;        /* of the last failure; -1: none */
  guint remove_in_event; /* id, 0: none */
} Log;

static void
on_state (WzpNode *node, WzpConnectionState state, const WzpFailure *failure,
    gpointer user_data)
{
  Log *log = user_data;

  g_mutex_lock (&log->lock);
  g_assert_false (log->is_notified);
  log->n_after_closed += log->last == WZP_STATE_CLOSED;
  log->states[state]++;
  log->last = state;
  if (failure != NULL && failure->error != NULL)
    log->error_code = failure->error->code;
  g_mutex_unlock (&log->lock);
  if (log->remove_in_event != 0)
    wzp_node_remove_listener (node, log->remove_in_event);
}

static void
on_local (WzpNode *node, const WzpDescription *description, gpointer user_data)
{
  Log *log = user_data;

  g_mutex_lock (&log->lock);
  log->n_local++;
  g_mutex_unlock (&log->lock);
}

static void
on_notify (gpointer user_data)
{
  Log *log = user_data;

  g_mutex_lock (&log->lock);
  g_assert_false (log->is_notified);
  log->is_notified = TRUE;
  g_mutex_unlock (&log->lock);
}

static const WzpNodeEvents events = {
  .state = on_state,
  .local_candidates = on_local,
};

static guint
count (Log *log, const guint *counter)
{
  guint n;

  g_mutex_lock (&log->lock);
  n = *counter;
  g_mutex_unlock (&log->lock);
  return n;
}

static gboolean
is_notified (Log *log)
{
  gboolean notified;

  g_mutex_lock (&log->lock);
  notified = log->is_notified;
  g_mutex_unlock (&log->lock);
  return notified;
}

static void
log_init (Log *log)
{
  memset (log, 0, sizeof *log);
  g_mutex_init (&log->lock);
  log->last = WZP_STATE_NEW;
  log->error_code = -1;
}

static WzpNode *
new_node (WzpMode mode, GMainContext *context)
{
  WzpNodeConfig config;
  g_autoptr (GError) error = NULL;
  WzpNode *node;

  wzp_node_config_init (&config);
  config.mode = mode;
  config.relay = mode != WZP_MODE_APP ? DEAD_RELAY : NULL;
  config.peer = mode == WZP_MODE_CALLER ? "cam1" : NULL;
  config.bind_address = "127.0.0.1";
  node = wzp_node_new (&config, context, &error);
  g_assert_no_error (error);
  g_assert_nonnull (node);
  return node;
}

static void
test_new (WzpTest *test, gconstpointer data)
{
  WzpNodeConfig config;
  g_autoptr (GError) error = NULL;
  WzpNodeStats *stats = g_new (WzpNodeStats, 1);
  WzpNode *node;

  g_test_summary ("A wrong configuration is refused; a new node is at rest");
  wzp_node_config_init (&config);
  g_assert_null (wzp_node_new (&config, NULL, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);

  node = new_node (WZP_MODE_CALLER, NULL);
  g_assert_cmpint (wzp_node_get_state (node), ==, WZP_STATE_NEW);
  g_assert_cmpint (wzp_node_get_path (node), ==, WZP_PATH_NONE);
  g_assert_cmpuint (wzp_node_get_latency_ms (node), ==, WZP_DEFAULT_LATENCY_MS);
  g_assert_nonnull (wzp_node_get_identity (node));
  g_assert_null (wzp_node_dup_local (node));
  memset (stats, 0xff, sizeof *stats);
  wzp_node_get_stats (node, stats);
  g_assert_cmpint (stats->state, ==, WZP_STATE_NEW);
  g_assert_cmpuint (stats->n_calls + stats->n_total, ==, 0);
  wzp_node_unref (node);
  g_free (stats);
}

static void
test_state_names (WzpTest *test, gconstpointer data)
{
  static const char *const names[] = { "new", "connecting", "connected",
    "disconnected", "failed", "closed" };

  g_test_summary ("Each state has its name");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpstr (wzp_connection_state_to_string (i), ==, names[i]);
}

static void
test_send_flows (WzpTest *test, gconstpointer data)
{
  WzpNode *node = new_node (WZP_MODE_CALLER, NULL);
  g_autofree char *longest = g_strnfill (WZP_FLOW_NAME_MAX, 'x');
  g_autofree char *longer = g_strnfill (WZP_FLOW_NAME_MAX + 1, 'x');
  const char *const bad[] = { "", longer, "\xff" };
  WzpSendFlow *flows[WZP_NODE_MAX_FLOWS];
  g_autoptr (GError) error = NULL;

  g_test_summary ("Names are unique and bounded, so are flows; a flow that "
                  "leaves makes room");
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_null (
        wzp_node_add_send_flow (node, bad[i], NULL, NULL, NULL, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    g_clear_error (&error);
  }
  for (guint i = 0; i < WZP_NODE_MAX_FLOWS; i++) {
    g_autofree char *name = g_strdup_printf ("flow%u", i);

    flows[i] = wzp_node_add_send_flow (
        node, i == 0 ? longest : name, NULL, NULL, NULL, &error);
    g_assert_no_error (error);
    g_assert_null (wzp_node_add_send_flow (
        node, i == 0 ? longest : name, NULL, NULL, NULL, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);
    g_clear_error (&error);
  }
  g_assert_null (
      wzp_node_add_send_flow (node, "more", NULL, NULL, NULL, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
  g_clear_error (&error);

  wzp_send_flow_detach (flows[5]);
  wzp_send_flow_detach (flows[5]);
  wzp_send_flow_unref (flows[5]);
  flows[5] = wzp_node_add_send_flow (node, "flow5", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (flows[5]);
  for (guint i = 0; i < WZP_NODE_MAX_FLOWS; i++) {
    wzp_send_flow_detach (flows[i]);
    wzp_send_flow_unref (flows[i]);
  }
  wzp_node_unref (node);
}

static void
test_recv_flows (WzpTest *test, gconstpointer data)
{
  WzpNode *node = new_node (WZP_MODE_LISTENER, NULL);
  WzpRecvFlow *flows[WZP_NODE_MAX_FLOWS];
  g_autoptr (GError) error = NULL;

  g_test_summary ("Flows are bounded; several may have the same name, or none");
  g_assert_null (wzp_node_add_recv_flow (node, "", &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_clear_error (&error);
  for (guint i = 0; i < WZP_NODE_MAX_FLOWS; i++) {
    flows[i] = wzp_node_add_recv_flow (node, i % 2 == 0 ? "x" : NULL, &error);
    g_assert_no_error (error);
  }
  g_assert_null (wzp_node_add_recv_flow (node, NULL, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
  g_clear_error (&error);
  wzp_recv_flow_detach (flows[0]);
  wzp_recv_flow_detach (flows[0]);
  wzp_recv_flow_unref (flows[0]);
  flows[0] = wzp_node_add_recv_flow (node, "y", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < WZP_NODE_MAX_FLOWS; i++) {
    wzp_recv_flow_detach (flows[i]);
    flow_test_assert_spells (flows[i], "closed");
    wzp_recv_flow_unref (flows[i]);
  }
  wzp_node_unref (node);
}

static void
test_stop (WzpTest *test, gconstpointer data)
{
  const WzpMode mode = GPOINTER_TO_INT (data);
  WzpNode *node = new_node (mode, NULL);
  g_autoptr (WzpSendFlow) send =
      wzp_node_add_send_flow (node, "s", NULL, NULL, NULL, NULL);
  g_autoptr (WzpRecvFlow) recv = wzp_node_add_recv_flow (node, NULL, NULL);
  g_autoptr (WzpSendFlow) late = NULL;
  g_autoptr (WzpRecvFlow) late_recv = NULL;
  FlowTestPusher *pusher;
  Log log;

  g_test_summary ("Stopped while it connects: CLOSED is the last event, every "
                  "wait ends, flows added later are closed");
  log_init (&log);
  wzp_node_add_listener (node, &events, &log, on_notify);
  wzp_node_start (node);
  wzp_test_assert_until (
      test, count (&log, &log.states[WZP_STATE_CONNECTING]) >= 1, 5000);
  pusher = flow_test_pusher_new (send, 1, 10, TRUE);
  wzp_test_assert_until (test, g_atomic_int_get (&pusher->n_begun) == 1, 5000);
  wzp_node_stop (node);
  wzp_node_stop (node);
  g_assert_cmpint (flow_test_pusher_join (pusher), ==, WZP_PUSH_CLOSED);
  flow_test_assert_spells (recv, "closed");
  wzp_test_assert_until (
      test, count (&log, &log.states[WZP_STATE_CLOSED]) == 1, 5000);
  g_assert_cmpint (wzp_node_get_state (node), ==, WZP_STATE_CLOSED);

  late = wzp_node_add_send_flow (node, "late", NULL, NULL, NULL, NULL);
  late_recv = wzp_node_add_recv_flow (node, NULL, NULL);
  g_assert_cmpint (wzp_send_flow_push (late, flow_test_frame (0, 1), TRUE), ==,
      WZP_PUSH_CLOSED);
  {
    WzpRecvItem item;

    g_assert_true (wzp_recv_flow_pop (late_recv, -1, &item));
    g_assert_cmpint (item.kind, ==, WZP_RECV_CLOSED);
  }
  wzp_send_flow_detach (send);
  wzp_recv_flow_detach (recv);
  wzp_node_unref (node);
  wzp_test_assert_until (test, is_notified (&log), 5000);
  g_assert_cmpuint (log.n_after_closed, ==, 0);
}

static void
test_stop_unstarted (WzpTest *test, gconstpointer data)
{
  WzpNode *node = new_node (WZP_MODE_CALLER, NULL);
  g_autoptr (WzpRecvFlow) recv = wzp_node_add_recv_flow (node, NULL, NULL);
  Log log;

  g_test_summary ("A node that was never started can be stopped");
  log_init (&log);
  wzp_node_add_listener (node, &events, &log, on_notify);
  wzp_node_stop (node);
  wzp_test_assert_until (
      test, count (&log, &log.states[WZP_STATE_CLOSED]) == 1, 5000);
  flow_test_assert_spells (recv, "closed");
  wzp_node_unref (node);
  wzp_test_assert_until (test, is_notified (&log), 5000);
}

static void
test_unref_started (WzpTest *test, gconstpointer data)
{
  g_test_summary ("The last reference stops a node, at whatever moment");
  for (guint i = 0; i < 20; i++) {
    WzpNode *node = new_node (i % 2 ? WZP_MODE_CALLER : WZP_MODE_APP, NULL);
    g_autoptr (WzpRecvFlow) recv = wzp_node_add_recv_flow (node, NULL, NULL);
    WzpRecvItem item;
    Log log;

    log_init (&log);
    wzp_node_add_listener (node, &events, &log, on_notify);
    wzp_node_start (node);
    if (i % 4 < 2)
      wzp_test_assert_until (
          test, count (&log, &log.states[WZP_STATE_CONNECTING]) >= 1, 5000);
    wzp_node_unref (node);
    g_assert_true (wzp_recv_flow_pop (recv, -1, &item));
    g_assert_cmpint (item.kind, ==, WZP_RECV_CLOSED);
    wzp_test_assert_until (test, is_notified (&log), 5000);
    g_assert_cmpuint (log.states[WZP_STATE_CLOSED], ==, 1);
  }
}

static void
test_unref_unstarted (WzpTest *test, gconstpointer data)
{
  gboolean own_context = GPOINTER_TO_INT (data);

  g_test_summary ("A node that goes before it was started closes its flows");
  for (guint i = 0; i < 50; i++) {
    WzpNode *node =
        new_node (WZP_MODE_CALLER, own_context ? test->context : NULL);
    g_autoptr (WzpSendFlow) send =
        wzp_node_add_send_flow (node, "s", NULL, NULL, NULL, NULL);
    g_autoptr (WzpRecvFlow) recv = wzp_node_add_recv_flow (node, NULL, NULL);
    WzpRecvItem item;

    wzp_node_unref (node);
    if (own_context)
      wzp_test_drain (test->context);
    g_assert_true (wzp_recv_flow_pop (recv, -1, &item));
    g_assert_cmpint (item.kind, ==, WZP_RECV_CLOSED);
    g_assert_cmpint (wzp_send_flow_push (send, flow_test_frame (0, 1), TRUE),
        ==, WZP_PUSH_CLOSED);
    wzp_send_flow_detach (send);
    wzp_recv_flow_detach (recv);
  }
}

static void
test_listeners (WzpTest *test, gconstpointer data)
{
  WzpNode *node = new_node (WZP_MODE_CALLER, NULL);
  Log kept, removed, own;
  guint id;

  g_test_summary ("A listener that was removed hears nothing more; one may "
                  "remove itself from an event");
  log_init (&kept);
  log_init (&removed);
  log_init (&own);
  id = wzp_node_add_listener (node, &events, &removed, on_notify);
  own.remove_in_event = wzp_node_add_listener (node, &events, &own, on_notify);
  wzp_node_add_listener (node, &events, &kept, on_notify);
  g_assert_cmpuint (id, !=, 0);
  g_assert_cmpuint (own.remove_in_event, !=, id);
  wzp_node_remove_listener (node, id);
  wzp_node_remove_listener (node, id);
  wzp_node_remove_listener (node, 4711);
  g_assert_true (removed.is_notified);
  wzp_node_start (node);
  wzp_test_assert_until (
      test, count (&kept, &kept.states[WZP_STATE_CONNECTING]) == 1, 5000);
  wzp_test_assert_until (test, is_notified (&own), 5000);
  wzp_node_stop (node);
  wzp_node_unref (node);
  wzp_test_assert_until (test, is_notified (&kept), 5000);
  g_assert_cmpuint (kept.states[WZP_STATE_CLOSED], ==, 1);
  g_assert_cmpuint (own.states[WZP_STATE_CONNECTING], ==, 1);
  g_assert_cmpuint (own.states[WZP_STATE_CLOSED], ==, 0);
}

static void
test_own_context (WzpTest *test, gconstpointer data)
{
  WzpNode *node = new_node (WZP_MODE_APP, test->context);
  g_autoptr (WzpDescription) local = NULL;
  g_autoptr (GError) error = NULL;
  Log log;

  g_test_summary ("On a context of the user's: nothing happens but there; the "
                  "own description is told, and refused as the peer's");
  log_init (&log);
  wzp_node_add_listener (node, &events, &log, on_notify);
  wzp_node_start (node);
  g_assert_cmpint (log.last, ==, WZP_STATE_NEW);
  wzp_test_assert_until (test, log.n_local == 1, 5000);
  local = wzp_node_dup_local (node);
  g_assert_nonnull (local);
  g_assert_true (wzp_description_check (local, &error));
  g_assert_false (wzp_node_set_remote (node, local, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_clear_error (&error);
  local->ephemeral[0] ^= 1;
  g_assert_false (wzp_node_set_remote (node, local, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_IDENTITY);
  wzp_node_stop (node);
  g_assert_cmpint (log.last, ==, WZP_STATE_CLOSED);
  wzp_node_unref (node);
  wzp_test_drain (test->context);
  g_assert_true (log.is_notified);
}

static void
test_wrong_mode (WzpTest *test, gconstpointer data)
{
  WzpNode *node = new_node (WZP_MODE_CALLER, NULL);
  g_autoptr (WzpDescription) remote = wzp_description_new ();
  g_autoptr (GError) error = NULL;

  g_test_summary ("Candidates of the application are for mode APP only");
  g_assert_false (wzp_node_set_remote (node, remote, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  wzp_node_unref (node);
}

static void
test_port_taken (WzpTest *test, gconstpointer data)
{
  WzpNode *first = new_node (WZP_MODE_APP, NULL);
  g_autoptr (WzpDescription) local = NULL;
  g_autoptr (WzpRecvFlow) recv = NULL;
  g_autoptr (WzpRecvFlow) late = NULL;
  WzpNodeConfig config;
  WzpRecvItem item;
  WzpAddr addr;
  WzpNode *second;
  Log log;

  g_test_summary ("A port that is taken is a failure for good, told once, and "
                  "flows are closed, also later ones");
  wzp_node_start (first);
  wzp_test_assert_until (
      test, (local = wzp_node_dup_local (first)) != NULL, 5000);
  g_assert_true (wzp_addr_parse (local->local[0], &addr, NULL));
  wzp_node_config_init (&config);
  config.mode = WZP_MODE_APP;
  config.bind_address = "127.0.0.1";
  config.bind_port = addr.port;
  second = wzp_node_new (&config, NULL, NULL);
  log_init (&log);
  wzp_node_add_listener (second, &events, &log, on_notify);
  recv = wzp_node_add_recv_flow (second, NULL, NULL);
  wzp_node_start (second);
  wzp_test_assert_until (
      test, count (&log, &log.states[WZP_STATE_FAILED]) == 1, 5000);
  g_assert_cmpint (log.error_code, !=, -1);
  g_assert_true (wzp_recv_flow_pop (recv, -1, &item));
  g_assert_cmpint (item.kind, ==, WZP_RECV_CLOSED);
  late = wzp_node_add_recv_flow (second, NULL, NULL);
  g_assert_true (wzp_recv_flow_pop (late, -1, &item));
  g_assert_cmpint (item.kind, ==, WZP_RECV_CLOSED);
  wzp_node_unref (second);
  wzp_test_assert_until (test, is_notified (&log), 5000);
  wzp_node_unref (first);
}

/* Adds and removes flows as fast as it can. */
typedef struct {
  WzpNode *node;
  guint index;
} Churner;

static gpointer
run_churner (gpointer data)
{
  Churner *self = data;
  g_autofree char *name = g_strdup_printf ("churn%u", self->index);

  for (guint i = 0; i < 200; i++) {
    g_autoptr (WzpSendFlow) send =
        wzp_node_add_send_flow (self->node, name, NULL, NULL, NULL, NULL);
    g_autoptr (WzpRecvFlow) recv =
        wzp_node_add_recv_flow (self->node, name, NULL);

    /* While a node stops, a name that is given back may still be taken. */
    if (send == NULL || recv == NULL)
      continue;
    g_assert_true (wzp_send_flow_describe (send, "a/b", NULL, NULL));
    wzp_send_flow_push (send, flow_test_frame (i, 10), FALSE);
    wzp_recv_flow_request_key (recv);
    wzp_send_flow_detach (send);
    wzp_recv_flow_detach (recv);
  }
  wzp_node_unref (self->node);
  return NULL;
}

static void
test_churn (WzpTest *test, gconstpointer data)
{
  WzpNode *node = new_node (WZP_MODE_APP, NULL);
  Churner churners[4];
  GThread *threads[4];

  g_test_summary ("Threads that add and remove flows while the node starts and "
                  "stops");
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    churners[i] = (Churner){ .node = wzp_node_ref (node), .index = i };
    threads[i] = g_thread_new ("churner", run_churner, &churners[i]);
  }
  wzp_node_start (node);
  wzp_node_stop (node);
  wzp_node_unref (node);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/node/new", NULL, test_new);
  wzp_test_add ("/node/state-names", NULL, test_state_names);
  wzp_test_add ("/node/send-flows", NULL, test_send_flows);
  wzp_test_add ("/node/recv-flows", NULL, test_recv_flows);
  wzp_test_add (
      "/node/stop/caller", GINT_TO_POINTER (WZP_MODE_CALLER), test_stop);
  wzp_test_add (
      "/node/stop/listener", GINT_TO_POINTER (WZP_MODE_LISTENER), test_stop);
  wzp_test_add ("/node/stop/app", GINT_TO_POINTER (WZP_MODE_APP), test_stop);
  wzp_test_add ("/node/stop/unstarted", NULL, test_stop_unstarted);
  wzp_test_add ("/node/unref/started", NULL, test_unref_started);
  wzp_test_add (
      "/node/unref/unstarted", GINT_TO_POINTER (FALSE), test_unref_unstarted);
  wzp_test_add ("/node/unref/unstarted-own-context", GINT_TO_POINTER (TRUE),
      test_unref_unstarted);
  wzp_test_add ("/node/listeners", NULL, test_listeners);
  wzp_test_add ("/node/own-context", NULL, test_own_context);
  wzp_test_add ("/node/wrong-mode", NULL, test_wrong_mode);
  wzp_test_add ("/node/port-taken", NULL, test_port_taken);
  wzp_test_add ("/node/churn", NULL, test_churn);
  return wzp_test_run ();
}
