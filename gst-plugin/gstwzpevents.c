#include "gstwzpevents.h"

#include "gstwzpcandidates.h"
#include "gstwzpenums.h"

GST_DEBUG_CATEGORY_EXTERN (gst_wzp_debug);
#define GST_CAT_DEFAULT gst_wzp_debug

enum {
  SIGNAL_LOCAL_CANDIDATES,
  SIGNAL_SET_REMOTE_CANDIDATES,
  SIGNAL_CALLER_CONNECTING,
  SIGNAL_CALLER_ADDED,
  SIGNAL_CALLER_REMOVED,
  SIGNAL_PATH_CHANGED,
  N_SIGNALS,
};

static guint signals[2][N_SIGNALS]; /* by is_sink; written in class_init */

/* User data of a listener. */
typedef struct {
  GWeakRef element;
  GstWzpClient *client; /* part of the element */
} Listener;

static void
listener_free (gpointer data)
{
  Listener *listener = data;

  g_weak_ref_clear (&listener->element);
  g_free (listener);
}

/* The client, whose element is kept until end_event(); NULL: it is gone, or
 * uses @node no more. */
static GstWzpClient *
begin_event (WzpNode *node, gpointer user_data)
{
  Listener *listener = user_data;
  g_autoptr (GstElement) element = g_weak_ref_get (&listener->element);
  gboolean is_current;

  if (element == NULL)
    return NULL;
  GST_OBJECT_LOCK (element);
  is_current = listener->client->node == node;
  GST_OBJECT_UNLOCK (element);
  if (!is_current)
    return NULL;
  gst_wzp_session_begin_event ();
  g_steal_pointer (&element);
  return listener->client;
}

static void
end_event (GstWzpClient *client)
{
  gst_object_unref (client->element);
  gst_wzp_session_end_event ();
}

static void
emit (GstWzpClient *client, guint signal, const GstStructure *s)
{
  g_signal_emit (
      client->element, signals[client->settings.is_sink][signal], 0, s);
}

/* Takes @s. */
static void
post_element (GstWzpClient *client, GstStructure *s)
{
  gst_element_post_message (client->element,
      gst_message_new_element (GST_OBJECT (client->element), s));
}

static void
post_progress (GstWzpClient *client, GstProgressType type, const char *code,
    const char *text)
{
  gst_element_post_message (client->element,
      gst_message_new_progress (
          GST_OBJECT (client->element), type, code, text));
}

/* Makes @code (static, nullable) the progress under way; returns the last. */
static const char *
swap_progress (GstWzpClient *client, const char *code)
{
  const char *last;

  GST_OBJECT_LOCK (client->element);
  last = client->progress;
  client->progress = code;
  GST_OBJECT_UNLOCK (client->element);
  return last;
}

void
gst_wzp_events_end_progress (
    GstWzpClient *client, GstProgressType type, const char *text)
{
  const char *code = swap_progress (client, NULL);

  if (code != NULL)
    post_progress (client, type, code, text);
}

void
gst_wzp_events_set_state (GstWzpClient *client, WzpConnectionState state)
{
  gboolean is_new;

  GST_OBJECT_LOCK (client->element);
  is_new = client->state != state;
  client->state = state;
  client->was_connected |= state == WZP_STATE_CONNECTED;
  GST_OBJECT_UNLOCK (client->element);
  if (is_new)
    g_object_notify (G_OBJECT (client->element), "connection-state");
}

void
gst_wzp_events_set_path (GstWzpClient *client, WzpPath path)
{
  gboolean is_new;

  GST_OBJECT_LOCK (client->element);
  is_new = client->path != path;
  client->path = path;
  GST_OBJECT_UNLOCK (client->element);
  if (is_new)
    g_object_notify (G_OBJECT (client->element), "path");
}

/* The latency is negotiated with each peer: have the pipeline ask again. */
static void
check_latency (WzpNode *node, GstWzpClient *client)
{
  const guint latency_ms = wzp_node_get_latency_ms (node);
  gboolean is_new;

  GST_OBJECT_LOCK (client->element);
  is_new = client->latency_ms != latency_ms;
  client->latency_ms = latency_ms;
  GST_OBJECT_UNLOCK (client->element);
  if (is_new && !client->settings.is_sink)
    gst_element_post_message (client->element,
        gst_message_new_latency (GST_OBJECT (client->element)));
}

/* The streaming thread reports a failure when it meets the closed flow; one
 * that never gets there (no buffer comes) has this. */
static void
report_later (GstElement *element, gpointer user_data)
{
  gst_wzp_client_report (user_data);
}

static void
take_failure (GstWzpClient *client, const WzpFailure *failure)
{
  GST_OBJECT_LOCK (client->element);
  g_clear_pointer (&client->failure, gst_wzp_failure_free);
  client->failure = gst_wzp_failure_new (failure);
  GST_OBJECT_UNLOCK (client->element);
  gst_wzp_events_end_progress (
      client, GST_PROGRESS_TYPE_ERROR, failure->error->message);
  gst_element_call_async (client->element, report_later, client, NULL);
}

static void
on_state (WzpNode *node, WzpConnectionState state, const WzpFailure *failure,
    gpointer user_data)
{
  GstWzpClient *client = begin_event (node, user_data);

  if (client == NULL)
    return;
  GST_INFO_OBJECT (client->element, "connection state %s",
      wzp_connection_state_to_string (state));
  gst_wzp_events_set_state (client, state);
  if (state == WZP_STATE_CONNECTED) {
    gst_wzp_events_end_progress (
        client, GST_PROGRESS_TYPE_COMPLETE, "Connected");
    check_latency (node, client);
  } else if (state == WZP_STATE_FAILED) {
    take_failure (client, failure);
  }
  end_event (client);
}

/* Only these are open as PROGRESS for a while: they end by themselves soon.
 * Who waits for progress to finish before it goes on to PLAYING (gst-launch-1.0
 * does) must not wait for a peer, so the steps behind them are no PROGRESS, not
 * even CONTINUE, which it takes for one that is open. */
static const struct {
  const char *code, *text;
} waited_steps[] = {
  { "name-lookup", "Looking up the relay's address" },
  { "connect", "Connecting to the relay" },
  { "register", "Registering at the relay" },
};

static void
on_progress (WzpNode *node, const char *step, gpointer user_data)
{
  GstWzpClient *client = begin_event (node, user_data);

  if (client == NULL)
    return;
  gst_wzp_events_end_progress (client, GST_PROGRESS_TYPE_COMPLETE, "Done");
  for (guint i = 0; i < G_N_ELEMENTS (waited_steps); i++) {
    if (g_str_equal (step, waited_steps[i].code)) {
      swap_progress (client, waited_steps[i].code);
      post_progress (client, GST_PROGRESS_TYPE_START, waited_steps[i].code,
          waited_steps[i].text);
      end_event (client);
      return;
    }
  }
  end_event (client);
}

static void
on_path (WzpNode *node, WzpPath old_path, WzpPath new_path, gpointer user_data)
{
  GstWzpClient *client = begin_event (node, user_data);
  g_autofree WzpNodeStats *stats = NULL;

  if (client == NULL)
    return;
  stats = g_new (WzpNodeStats, 1);
  wzp_node_get_stats (node, stats);
  gst_wzp_events_set_path (client, new_path);
  g_signal_emit (client->element,
      signals[client->settings.is_sink][SIGNAL_PATH_CHANGED], 0, old_path,
      new_path);
  post_element (client, gst_wzp_stats_new_path (stats, old_path, new_path));
  end_event (client);
}

static void
emit_local_candidates (GstWzpClient *client, const WzpDescription *description)
{
  g_autoptr (GstStructure) s = gst_wzp_candidates_new (description);

  emit (client, SIGNAL_LOCAL_CANDIDATES, s);
}

static void
on_local_candidates (
    WzpNode *node, const WzpDescription *description, gpointer user_data)
{
  GstWzpClient *client = begin_event (node, user_data);

  if (client == NULL)
    return;
  emit_local_candidates (client, description);
  end_event (client);
}

static GstStructure *
new_peer (const char *name, const WzpPeerInfo *peer)
{
  char text[WZP_FINGERPRINT_STRLEN];
  GstStructure *s = gst_structure_new (name, "fingerprint", G_TYPE_STRING,
      wzp_fingerprint_to_string (&peer->fingerprint, text), "role",
      G_TYPE_STRING, wzp_role_to_string (peer->role), "path",
      gst_wzp_path_get_type (), peer->path, NULL);

  if (peer->alias != NULL)
    gst_structure_set (s, "alias", G_TYPE_STRING, peer->alias, NULL);
  return s;
}

static gboolean
on_caller_connecting (
    WzpNode *node, const WzpPeerInfo *peer, gpointer user_data)
{
  GstWzpClient *client = begin_event (node, user_data);
  g_autoptr (GstStructure) s = NULL;
  gboolean accept = TRUE;

  if (client == NULL)
    return TRUE;
  s = new_peer ("application/x-wzp-peer", peer);
  g_signal_emit (client->element,
      signals[client->settings.is_sink][SIGNAL_CALLER_CONNECTING], 0, s,
      &accept);
  end_event (client);
  return accept;
}

static void
tell_caller (WzpNode *node, const WzpPeerInfo *peer, gpointer user_data,
    guint signal, const char *event)
{
  GstWzpClient *client = begin_event (node, user_data);
  g_autoptr (GstStructure) s = NULL;
  GstStructure *message;

  if (client == NULL)
    return;
  s = new_peer ("application/x-wzp-peer", peer);
  emit (client, signal, s);
  message = new_peer ("wzp-peer", peer);
  gst_structure_set (message, "event", G_TYPE_STRING, event, NULL);
  post_element (client, message);
  end_event (client);
}

static void
on_caller_added (WzpNode *node, const WzpPeerInfo *peer, gpointer user_data)
{
  tell_caller (node, peer, user_data, SIGNAL_CALLER_ADDED, "added");
}

static void
on_caller_removed (WzpNode *node, const WzpPeerInfo *peer, gpointer user_data)
{
  tell_caller (node, peer, user_data, SIGNAL_CALLER_REMOVED, "removed");
}

static void
on_race (WzpNode *node, gpointer user_data)
{
  GstWzpClient *client = begin_event (node, user_data);
  g_autofree WzpNodeStats *stats = NULL;
  GstStructure *s;

  if (client == NULL)
    return;
  stats = g_new (WzpNodeStats, 1);
  wzp_node_get_stats (node, stats);
  s = gst_wzp_stats_new_race (stats);
  if (s != NULL)
    post_element (client, s);
  end_event (client);
}

/* Anyone on the network may cause a warning: not all of them reach the bus. */
static gboolean
may_warn (GstWzpClient *client)
{
  const gint64 now_us = g_get_monotonic_time ();
  gboolean may;

  GST_OBJECT_LOCK (client->element);
  if (client->warnings_since_us == 0 ||
      now_us - client->warnings_since_us > GST_WZP_WARNING_INTERVAL_US) {
    client->warnings_since_us = now_us;
    client->n_warnings = 0;
  }
  may = client->n_warnings < GST_WZP_MAX_WARNINGS;
  client->n_warnings += may;
  GST_OBJECT_UNLOCK (client->element);
  return may;
}

static void
on_warning (WzpNode *node, const char *text, gpointer user_data)
{
  GstWzpClient *client = begin_event (node, user_data);

  if (client == NULL)
    return;
  if (may_warn (client))
    GST_ELEMENT_WARNING (
        client->element, RESOURCE, FAILED, ("%s", text), (NULL));
  else
    GST_WARNING_OBJECT (client->element, "%s", text);
  end_event (client);
}

static void
on_retrying (WzpNode *node, const WzpFailure *failure, guint delay_ms,
    gpointer user_data)
{
  GstWzpClient *client = begin_event (node, user_data);
  g_autoptr (GstWzpFailure) kept = NULL;
  g_autofree char *text = NULL;

  if (client == NULL)
    return;
  kept = gst_wzp_failure_new (failure);
  text = g_strdup_printf (
      "%s; trying again in %.1f s", kept->error->message, delay_ms / 1000.0);
  gst_wzp_events_end_progress (client, GST_PROGRESS_TYPE_CANCELED, text);
  if (may_warn (client))
    gst_wzp_failure_post (kept, client->element, client->settings.is_sink,
        client->was_connected, text);
  else
    GST_WARNING_OBJECT (client->element, "%s", text);
  end_event (client);
}

static const WzpNodeEvents events = {
  .state = on_state,
  .progress = on_progress,
  .path = on_path,
  .local_candidates = on_local_candidates,
  .caller_connecting = on_caller_connecting,
  .caller_added = on_caller_added,
  .caller_removed = on_caller_removed,
  .race = on_race,
  .warning = on_warning,
  .retrying = on_retrying,
};

guint
gst_wzp_events_listen (WzpNode *node, GstWzpClient *client)
{
  Listener *listener = g_new0 (Listener, 1);

  g_weak_ref_init (&listener->element, client->element);
  listener->client = client;
  return wzp_node_add_listener (node, &events, listener, listener_free);
}

void
gst_wzp_events_catch_up (WzpNode *node, GstWzpClient *client)
{
  g_autoptr (WzpDescription) local = wzp_node_dup_local (node);

  gst_wzp_events_set_state (client, wzp_node_get_state (node));
  gst_wzp_events_set_path (client, wzp_node_get_path (node));
  if (local != NULL)
    emit_local_candidates (client, local);
}

/* "caller-connecting": the first FALSE is the answer. */
static gboolean
accumulate_consent (GSignalInvocationHint *hint, GValue *accumulated,
    const GValue *returned, gpointer data)
{
  const gboolean accepts = g_value_get_boolean (returned);

  g_value_set_boolean (accumulated, accepts);
  return accepts;
}

static gboolean
accept_caller (GstElement *element, const GstStructure *peer)
{
  return TRUE;
}

void
gst_wzp_events_install (GObjectClass *klass, gboolean is_sink)
{
  const GType type = G_OBJECT_CLASS_TYPE (klass);
  guint *ids = signals[is_sink];

  ids[SIGNAL_LOCAL_CANDIDATES] =
      g_signal_new ("local-candidates", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
          NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  ids[SIGNAL_SET_REMOTE_CANDIDATES] = g_signal_new_class_handler (
      "set-remote-candidates", type, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_wzp_client_set_remote), NULL, NULL, NULL, G_TYPE_BOOLEAN,
      1, GST_TYPE_STRUCTURE);
  ids[SIGNAL_CALLER_CONNECTING] = g_signal_new_class_handler (
      "caller-connecting", type, G_SIGNAL_RUN_LAST, G_CALLBACK (accept_caller),
      accumulate_consent, NULL, NULL, G_TYPE_BOOLEAN, 1, GST_TYPE_STRUCTURE);
  ids[SIGNAL_CALLER_ADDED] =
      g_signal_new ("caller-added", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
          NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  ids[SIGNAL_CALLER_REMOVED] =
      g_signal_new ("caller-removed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
          NULL, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  ids[SIGNAL_PATH_CHANGED] = g_signal_new ("path-changed", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
      gst_wzp_path_get_type (), gst_wzp_path_get_type ());
}
