/* wzp-lab-peer: one end of a call in the lab. Sends numbered frames at a steady
 * pace, notes what comes, and tells all of it on its standard output, one
 * object of JSON a line; "t" is CLOCK_MONOTONIC in microseconds, which all
 * processes of a machine share.
 *
 *   state, progress, path, race, warning, retrying    as the node tells them
 *   heard      the first frame has come
 *   frames     "a": [number, arrival, how late in µs, ...], once a second
 *   eos, ended as the receiving flow tells them
 *   summary    the last line: frames sent, and the call's statistics
 *
 * Commands on the standard input: "stats" (a race line now), "quiet" (send no
 * more), "stop" (or the end of the input): hang up and end. */
#include "wzp-node.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAME_CAPS  "application/x-lab"
#define FRAME_HEAD  16u /* number and time */
#define FRAMES_LINE 50u
#define MAX_LINE    256u

typedef struct {
  char *relay, *relay_fingerprint, *alias, *peer, *policy, *bind;
  gboolean no_host_candidates, private_mode;
  int interval_ms, size;
} Options;

static void
clear_options (Options *options)
{
  g_free (options->relay);
  g_free (options->relay_fingerprint);
  g_free (options->alias);
  g_free (options->peer);
  g_free (options->policy);
  g_free (options->bind);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, clear_options)

typedef struct {
  WzpNode *node;
  WzpSendFlow *out;
  WzpRecvFlow *in;
  int is_quiet; /* atomic */
  int interval_us;
  gsize size;
  guint64 n_sent, n_refused; /* the sending thread's, until it is joined */
} Peer;

/* ---- what it says ---- */

static JsonBuilder *
begin_line (const char *event)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "t");
  json_builder_add_int_value (builder, g_get_monotonic_time ());
  json_builder_set_member_name (builder, "e");
  json_builder_add_string_value (builder, event);
  return builder;
}

static void
add_text (JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text != NULL ? text : "");
}

static void
add_number (JsonBuilder *builder, const char *name, gint64 number)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, number);
}

/* Any thread. Takes @builder. */
static void
end_line (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  g_object_unref (builder);
  flockfile (stdout);
  fputs (text, stdout);
  fputc ('\n', stdout);
  fflush (stdout);
  funlockfile (stdout);
}

static void
say (const char *event, const char *name, const char *text)
{
  JsonBuilder *builder = begin_line (event);

  add_text (builder, name, text);
  end_line (builder);
}

static void
add_dials (JsonBuilder *builder, const WzpCallStats *call)
{
  json_builder_set_member_name (builder, "dials");
  json_builder_begin_array (builder);
  for (guint i = 0; i < call->n_dials; i++) {
    const WzpDialStats *dial = &call->dials[i];

    json_builder_begin_object (builder);
    add_text (builder, "address", dial->address);
    add_text (builder, "type", dial->type);
    add_text (builder, "state", dial->state);
    add_text (builder, "reason", dial->reason);
    add_number (builder, "took_us", dial->took_us);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

static void
add_paths (JsonBuilder *builder, const WzpCallStats *call)
{
  json_builder_set_member_name (builder, "paths");
  json_builder_begin_array (builder);
  for (guint i = 0; i < call->n_paths; i++) {
    const WzpPathStats *path = &call->paths[i];

    json_builder_begin_object (builder);
    add_text (builder, "path", wzp_path_to_string (path->path));
    add_text (builder, "local", path->local);
    add_text (builder, "remote", path->remote);
    add_text (builder, "state",
        !path->is_up       ? "down"
            : path->in_use ? "in-use"
                           : "standby");
    add_number (builder, "srtt_us", path->srtt_us);
    add_number (builder, "mtu", path->mtu);
    add_number (builder, "bytes_sent", (gint64) path->bytes_sent);
    add_number (builder, "bytes_received", (gint64) path->bytes_received);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

static void
add_call (JsonBuilder *builder, const WzpCallStats *call)
{
  add_text (builder, "role", call->role);
  add_text (builder, "path", wzp_path_to_string (call->path));
  add_text (builder, "winner", wzp_path_to_string (call->winner));
  add_number (builder, "connect_us", call->time_to_connect_us);
  add_number (builder, "first_media_us", call->time_to_first_media_us);
  add_number (builder, "direct_us", call->time_to_direct_us);
  add_number (builder, "bytes_payload_sent", (gint64) call->bytes_sent);
  add_number (builder, "lost", (gint64) call->packets_received_lost);
  add_number (builder, "repeated", (gint64) call->packets_received_repeated);
  add_number (builder, "bad", (gint64) call->packets_bad);
  add_dials (builder, call);
  add_paths (builder, call);
}

static void
tell_stats (WzpNode *node, JsonBuilder *builder)
{
  g_autofree WzpNodeStats *stats = g_new0 (WzpNodeStats, 1);

  wzp_node_get_stats (node, stats);
  add_text (builder, "state", wzp_connection_state_to_string (stats->state));
  add_number (builder, "calls", stats->n_total);
  add_number (builder, "bad_packets", (gint64) stats->bad_packets);
  add_text (builder, "reflexive", stats->reflexive);
  json_builder_set_member_name (builder, "local");
  json_builder_begin_array (builder);
  for (guint i = 0; i < stats->n_local_candidates; i++)
    json_builder_add_string_value (builder, stats->local_candidates[i]);
  json_builder_end_array (builder);
  if (stats->n_calls > 0)
    add_call (builder, &stats->calls[0]);
  end_line (builder);
}

/* ---- events, the session thread ---- */

static void
add_failure (JsonBuilder *builder, const WzpFailure *failure)
{
  add_text (builder, "phase", failure->phase);
  add_text (builder, "error", failure->error->message);
}

static void
on_state (WzpNode *node, WzpConnectionState state, const WzpFailure *failure,
    gpointer user_data)
{
  JsonBuilder *builder = begin_line ("state");

  add_text (builder, "state", wzp_connection_state_to_string (state));
  if (failure != NULL)
    add_failure (builder, failure);
  end_line (builder);
}

static void
on_progress (WzpNode *node, const char *step, gpointer user_data)
{
  say ("progress", "step", step);
}

static void
on_path (WzpNode *node, WzpPath old_path, WzpPath new_path, gpointer user_data)
{
  JsonBuilder *builder = begin_line ("path");

  add_text (builder, "old", wzp_path_to_string (old_path));
  add_text (builder, "new", wzp_path_to_string (new_path));
  end_line (builder);
}

static void
on_race (WzpNode *node, gpointer user_data)
{
  tell_stats (node, begin_line ("race"));
}

static void
on_warning (WzpNode *node, const char *text, gpointer user_data)
{
  say ("warning", "text", text);
}

static void
on_retrying (WzpNode *node, const WzpFailure *failure, guint delay_ms,
    gpointer user_data)
{
  JsonBuilder *builder = begin_line ("retrying");

  add_failure (builder, failure);
  add_number (builder, "delay_ms", delay_ms);
  end_line (builder);
}

static const WzpNodeEvents events = {
  .state = on_state,
  .progress = on_progress,
  .path = on_path,
  .race = on_race,
  .warning = on_warning,
  .retrying = on_retrying,
};

/* ---- media ---- */

static WzpFrame *
make_frame (guint64 number, gsize size)
{
  guint8 *data = g_malloc0 (size);
  gint64 now_us = g_get_monotonic_time ();

  memcpy (data, &number, sizeof number);
  memcpy (data + sizeof number, &now_us, sizeof now_us);
  return wzp_frame_new_take (data, size);
}

/* A number is used up by a frame that the flow took: what is missing at the
 * other side was lost on the way. */
static gpointer
run_sender (gpointer data)
{
  Peer *self = data;
  gint64 due_us = g_get_monotonic_time ();

  wzp_send_flow_describe (self->out, FRAME_CAPS, NULL, NULL);
  while (!g_atomic_int_get (&self->is_quiet)) {
    WzpFrame *frame = make_frame (self->n_sent, self->size);
    gint64 now_us;

    frame->meta.pts = self->n_sent * (guint64) self->interval_us * 1000;
    switch (wzp_send_flow_push (self->out, frame, FALSE)) {
      case WZP_PUSH_OK:
        self->n_sent++;
        break;
      case WZP_PUSH_DROPPED:
        self->n_refused++;
        break;
      default:
        return NULL;
    }
    now_us = g_get_monotonic_time ();
    due_us = MAX (due_us + self->interval_us, now_us - self->interval_us);
    if (due_us > now_us)
      g_usleep ((gulong) (due_us - now_us));
  }
  return NULL;
}

static void
note_frame (JsonBuilder *builder, const WzpFrame *frame)
{
  const gint64 now_us = g_get_monotonic_time ();
  guint8 head[FRAME_HEAD] = { 0 };
  gsize len = 0;
  guint64 number;
  gint64 sent_us;

  for (guint i = 0; i < frame->n_iov && len < sizeof head; i++) {
    gsize n = MIN (frame->iov[i].iov_len, sizeof head - len);

    memcpy (head + len, frame->iov[i].iov_base, n);
    len += n;
  }
  memcpy (&number, head, sizeof number);
  memcpy (&sent_us, head + sizeof number, sizeof sent_us);
  json_builder_add_int_value (builder, (gint64) number);
  json_builder_add_int_value (builder, now_us);
  json_builder_add_int_value (builder, now_us - sent_us);
}

static JsonBuilder *
begin_frames (void)
{
  JsonBuilder *builder = begin_line ("frames");

  json_builder_set_member_name (builder, "a");
  json_builder_begin_array (builder);
  return builder;
}

static gpointer
run_receiver (gpointer data)
{
  Peer *self = data;
  JsonBuilder *builder = begin_frames ();
  gboolean heard = FALSE, done = FALSE;
  guint n = 0;

  while (!done) {
    WzpRecvItem item;

    wzp_recv_flow_pop (self->in, -1, &item);
    if (item.kind == WZP_RECV_FRAME) {
      if (!heard)
        end_line (begin_line ("heard"));
      heard = TRUE;
      note_frame (builder, item.frame);
      n++;
    } else if (item.kind == WZP_RECV_EOS || item.kind == WZP_RECV_ENDED) {
      say (item.kind == WZP_RECV_EOS ? "eos" : "ended", "flow", "media");
    } else if (item.kind != WZP_RECV_DESCRIPTION) {
      done = TRUE;
    }
    wzp_recv_item_clear (&item);
    if (n == FRAMES_LINE || done) {
      json_builder_end_array (builder);
      end_line (builder);
      builder = done ? NULL : begin_frames ();
      n = 0;
    }
  }
  return NULL;
}

/* ---- the whole ---- */

static void
obey (Peer *self)
{
  char line[MAX_LINE];

  while (fgets (line, sizeof line, stdin) != NULL) {
    g_strchomp (line);
    if (g_str_equal (line, "stop"))
      return;
    if (g_str_equal (line, "quiet"))
      g_atomic_int_set (&self->is_quiet, TRUE);
    else if (g_str_equal (line, "stats"))
      tell_stats (self->node, begin_line ("stats"));
    else
      say ("warning", "text", "unknown command");
  }
}

static gboolean
open_flows (Peer *self, GError **error)
{
  self->out =
      wzp_node_add_send_flow (self->node, "media", NULL, NULL, NULL, error);
  if (self->out == NULL)
    return FALSE;
  self->in = wzp_node_add_recv_flow (self->node, NULL, error);
  return self->in != NULL;
}

static void
tell_summary (const Peer *self, JsonBuilder *builder)
{
  add_number (builder, "sent", (gint64) self->n_sent);
  add_number (builder, "refused", (gint64) self->n_refused);
  tell_stats (self->node, builder);
}

static void
carry (Peer *self)
{
  GThread *sender = g_thread_new ("sender", run_sender, self);
  GThread *receiver = g_thread_new ("receiver", run_receiver, self);
  JsonBuilder *builder;

  wzp_node_start (self->node);
  obey (self);
  g_atomic_int_set (&self->is_quiet, TRUE);
  wzp_send_flow_set_flushing (self->out, TRUE);
  g_thread_join (sender);
  builder = begin_line ("summary");
  wzp_node_stop (self->node);
  wzp_recv_flow_set_flushing (self->in, TRUE);
  g_thread_join (receiver);
  tell_summary (self, builder);
}

static gboolean
run (const Options *options, GError **error)
{
  WzpNodeConfig config;
  Peer self = { .interval_us = options->interval_ms * 1000,
    .size = MAX ((gsize) options->size, FRAME_HEAD) };

  wzp_node_config_init (&config);
  config.mode = options->peer != NULL ? WZP_MODE_CALLER : WZP_MODE_LISTENER;
  config.relay = options->relay;
  config.alias = options->alias;
  config.peer = options->peer;
  config.bind_address = options->bind;
  config.no_host_candidates = options->no_host_candidates;
  if (options->private_mode)
    config.accept_mode = WZP_ACCEPT_GENERIC;
  if (g_strcmp0 (options->policy, "relay") == 0)
    config.policy = WZP_POLICY_RELAY;
  else if (g_strcmp0 (options->policy, "direct") == 0)
    config.policy = WZP_POLICY_DIRECT;
  config.relay_trust = WZP_RELAY_TRUST_PIN;
  config.relay_fingerprint = options->relay_fingerprint;
  self.node = wzp_node_new (&config, NULL, error);
  if (self.node == NULL)
    return FALSE;
  wzp_node_add_listener (self.node, &events, NULL, NULL);
  if (open_flows (&self, error))
    carry (&self);
  g_clear_pointer (&self.out, wzp_send_flow_unref);
  g_clear_pointer (&self.in, wzp_recv_flow_unref);
  wzp_node_unref (self.node);
  return *error == NULL;
}

/* clang-format off */
static gboolean
parse (int *argc, char ***argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "relay", 0, 0, G_OPTION_ARG_STRING, &options->relay, "", "HOST:PORT" },
    { "relay-fingerprint", 0, 0, G_OPTION_ARG_STRING,
        &options->relay_fingerprint, "", "FINGERPRINT" },
    { "alias", 0, 0, G_OPTION_ARG_STRING, &options->alias, "", "NAME" },
    { "peer", 0, 0, G_OPTION_ARG_STRING, &options->peer,
        "Call it; else listen", "NAME" },
    { "policy", 0, 0, G_OPTION_ARG_STRING, &options->policy, "",
        "all|relay|direct" },
    { "bind", 0, 0, G_OPTION_ARG_STRING, &options->bind, "", "ADDRESS" },
    { "no-host-candidates", 0, 0, G_OPTION_ARG_NONE,
        &options->no_host_candidates, "", NULL },
    { "private", 0, 0, G_OPTION_ARG_NONE, &options->private_mode,
        "accept-mode=generic", NULL },
    { "interval", 0, 0, G_OPTION_ARG_INT, &options->interval_ms,
        "Between two frames", "MS" },
    { "size", 0, 0, G_OPTION_ARG_INT, &options->size, "Of a frame", "BYTES" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, argc, argv, error);
}
/* clang-format on */

int
main (int argc, char **argv)
{
  g_auto (Options) options = { .interval_ms = 20, .size = 160 };
  g_autoptr (GError) error = NULL;

  if (!parse (&argc, &argv, &options, &error) || !run (&options, &error)) {
    say ("error", "text", error->message);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
