#include "wzp-party.h"

#include "wzp-loop.h"
#include "wzp-relay-private.h"

#include <string.h>

/* ---- relay ---- */

struct _WzpTestRelay {
  WzpLoop *loop;
  WzpRelay *relay; /* belongs to the loop's thread */
  const char *listen;
  guint16 port;
  char *address;
  char *fingerprint;
};

static void
make_relay (gpointer data)
{
  WzpTestRelay *self = data;
  WzpRelayConfig config = { .listen = self->listen, .port = self->port };
  g_autoptr (GError) error = NULL;

  self->relay =
      wzp_relay_new (wzp_loop_get_context (self->loop), &config, &error);
  g_assert_no_error (error);
  self->port = wzp_relay_get_port (self->relay);
  self->fingerprint = g_strdup (wzp_relay_get_fingerprint (self->relay));
}

static void
end_relay (gpointer data)
{
  WzpTestRelay *self = data;

  g_clear_pointer (&self->relay, wzp_relay_free);
}

WzpTestRelay *
wzp_test_relay_new_at (const char *listen, guint16 port)
{
  WzpTestRelay *self = g_new0 (WzpTestRelay, 1);

  self->port = port;
  self->listen = listen;
  self->loop = wzp_loop_new ("test-relay");
  wzp_loop_invoke_sync (self->loop, make_relay, self);
  self->address = g_strdup_printf ("%s:%u", self->listen, self->port);
  return self;
}

WzpTestRelay *
wzp_test_relay_new (guint16 port)
{
  return wzp_test_relay_new_at ("127.0.0.1", port);
}

void
wzp_test_relay_free (WzpTestRelay *self)
{
  wzp_loop_invoke_sync (self->loop, end_relay, self);
  wzp_loop_free (self->loop);
  g_free (self->address);
  g_free (self->fingerprint);
  g_free (self);
}

guint16
wzp_test_relay_get_port (WzpTestRelay *self)
{
  return self->port;
}

const char *
wzp_test_relay_get_address (WzpTestRelay *self)
{
  return self->address;
}

const char *
wzp_test_relay_get_fingerprint (WzpTestRelay *self)
{
  return self->fingerprint;
}

typedef struct {
  WzpTestRelay *relay;
  WzpRelayConfig config;
  WzpRelayStats *stats;
} RelayRequest;

static void
reconfigure (gpointer data)
{
  RelayRequest *request = data;
  g_autoptr (GError) error = NULL;

  wzp_relay_reconfigure (request->relay->relay, &request->config, &error);
  g_assert_no_error (error);
}

void
wzp_test_relay_set_peers (
    WzpTestRelay *self, const WzpRelayPeer *peers, guint n_peers)
{
  RelayRequest request = { .relay = self,
    .config = { .peers = peers, .n_peers = n_peers } };

  wzp_loop_invoke_sync (self->loop, reconfigure, &request);
}

void
wzp_test_relay_set_limits (WzpTestRelay *self, const WzpRegistryLimits *limits)
{
  RelayRequest request = { .relay = self, .config = { .limits = *limits } };

  wzp_loop_invoke_sync (self->loop, reconfigure, &request);
}

static void
drop_clients (gpointer data)
{
  WzpTestRelay *self = data;

  while (self->relay->clients.head != NULL)
    wzp_relay_client_drop (
        self->relay->clients.head->data, WZP_CLOSE_NORMAL, "for a test");
  wzp_relay_pump (self->relay);
}

void
wzp_test_relay_drop_clients (WzpTestRelay *self)
{
  wzp_loop_invoke_sync (self->loop, drop_clients, self);
}

static void
read_stats (gpointer data)
{
  RelayRequest *request = data;

  wzp_relay_get_stats (request->relay->relay, request->stats);
}

void
wzp_test_relay_get_stats (WzpTestRelay *self, WzpRelayStats *ret_stats)
{
  RelayRequest request = { .relay = self, .stats = ret_stats };

  wzp_loop_invoke_sync (self->loop, read_stats, &request);
}

/* ---- party ---- */

static void
on_state (WzpNode *node, WzpConnectionState state, const WzpFailure *failure,
    gpointer user_data)
{
  WzpParty *self = user_data;

  g_mutex_lock (&self->lock);
  self->state = state;
  self->states[state]++;
  g_string_append_printf (
      self->log, "state %s\n", wzp_connection_state_to_string (state));
  if (failure != NULL) {
    g_free (self->error_text);
    g_free (self->error_phase);
    self->error_code = failure->error->code;
    self->error_text = g_strdup (failure->error->message);
    self->error_phase = g_strdup (failure->phase);
    g_string_append_printf (self->log, "failure in %s: %s\n", failure->phase,
        failure->error->message);
  }
  g_mutex_unlock (&self->lock);
}

static void
on_progress (WzpNode *node, const char *step, gpointer user_data)
{
  WzpParty *self = user_data;

  g_mutex_lock (&self->lock);
  g_string_append_printf (self->log, "progress %s\n", step);
  g_mutex_unlock (&self->lock);
}

static void
on_path (WzpNode *node, WzpPath old_path, WzpPath new_path, gpointer user_data)
{
  WzpParty *self = user_data;

  g_mutex_lock (&self->lock);
  self->path = new_path;
  self->path_changes++;
  g_string_append_printf (self->log, "path %s -> %s\n",
      wzp_path_to_string (old_path), wzp_path_to_string (new_path));
  g_mutex_unlock (&self->lock);
}

static void
on_local (WzpNode *node, const WzpDescription *local, gpointer user_data)
{
  WzpParty *self = user_data;

  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->local, wzp_description_free);
  self->local = wzp_description_copy (local);
  g_mutex_unlock (&self->lock);
}

static gboolean
on_caller_connecting (
    WzpNode *node, const WzpPeerInfo *peer, gpointer user_data)
{
  WzpParty *self = user_data;
  gboolean declines;

  g_mutex_lock (&self->lock);
  declines = self->declines;
  g_mutex_unlock (&self->lock);
  return !declines;
}

static void
count (WzpParty *self, guint *counter, const char *line)
{
  g_mutex_lock (&self->lock);
  (*counter)++;
  g_string_append_printf (self->log, "%s\n", line);
  g_mutex_unlock (&self->lock);
}

static void
on_caller_added (WzpNode *node, const WzpPeerInfo *peer, gpointer user_data)
{
  WzpParty *self = user_data;

  count (self, &self->callers_added, "caller added");
}

static void
on_caller_removed (WzpNode *node, const WzpPeerInfo *peer, gpointer user_data)
{
  WzpParty *self = user_data;

  count (self, &self->callers_removed, "caller removed");
}

static void
on_race (WzpNode *node, gpointer user_data)
{
  WzpParty *self = user_data;

  count (self, &self->races, "race news");
}

static void
on_warning (WzpNode *node, const char *text, gpointer user_data)
{
  WzpParty *self = user_data;

  g_mutex_lock (&self->lock);
  g_string_append_printf (self->log, "warning: %s\n", text);
  g_mutex_unlock (&self->lock);
}

static void
on_retrying (WzpNode *node, const WzpFailure *failure, guint delay_ms,
    gpointer user_data)
{
  WzpParty *self = user_data;

  count (self, &self->retries, failure->error->message);
}

static const WzpNodeEvents events = {
  .state = on_state,
  .progress = on_progress,
  .path = on_path,
  .local_candidates = on_local,
  .caller_connecting = on_caller_connecting,
  .caller_added = on_caller_added,
  .caller_removed = on_caller_removed,
  .race = on_race,
  .warning = on_warning,
  .retrying = on_retrying,
};

void
wzp_party_config (WzpNodeConfig *ret_config, WzpTestRelay *relay)
{
  wzp_node_config_init (ret_config);
  ret_config->bind_address = "127.0.0.1";
  if (relay != NULL)
    ret_config->relay = wzp_test_relay_get_address (relay);
}

/* Once no event can come any more; stop() does not wait for slow ones. */
static void
destroy_party (gpointer data)
{
  WzpParty *self = data;

  g_clear_pointer (&self->local, wzp_description_free);
  g_string_free (self->log, TRUE);
  g_free (self->error_text);
  g_free (self->error_phase);
  g_mutex_clear (&self->lock);
  g_free (self);
}

WzpParty *
wzp_party_new_in (const WzpNodeConfig *config, GMainContext *context)
{
  WzpParty *self = g_new0 (WzpParty, 1);
  g_autoptr (GError) error = NULL;

  g_mutex_init (&self->lock);
  self->log = g_string_new (NULL);
  self->error_code = -1;
  self->node = wzp_node_new (config, context, &error);
  g_assert_no_error (error);
  self->listener =
      wzp_node_add_listener (self->node, &events, self, destroy_party);
  return self;
}

WzpParty *
wzp_party_new (const WzpNodeConfig *config)
{
  return wzp_party_new_in (config, NULL);
}

void
wzp_party_start (WzpParty *self)
{
  wzp_node_start (self->node);
}

void
wzp_party_free (WzpParty *self)
{
  g_autoptr (WzpNode) node = self->node;

  wzp_node_stop (node);
  g_mutex_lock (&self->lock);
  g_test_message ("%s", self->log->str);
  g_mutex_unlock (&self->lock);
  wzp_node_remove_listener (node, self->listener);
}

WzpConnectionState
wzp_party_state (WzpParty *self)
{
  WzpConnectionState state;

  g_mutex_lock (&self->lock);
  state = self->state;
  g_mutex_unlock (&self->lock);
  return state;
}

WzpPath
wzp_party_path (WzpParty *self)
{
  WzpPath path;

  g_mutex_lock (&self->lock);
  path = self->path;
  g_mutex_unlock (&self->lock);
  return path;
}

guint
wzp_party_count (WzpParty *self, const guint *counter)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = *counter;
  g_mutex_unlock (&self->lock);
  return n;
}

int
wzp_party_error (WzpParty *self)
{
  int code;

  g_mutex_lock (&self->lock);
  code = self->error_code;
  g_mutex_unlock (&self->lock);
  return code;
}

gboolean
wzp_party_log_has (WzpParty *self, const char *text)
{
  gboolean has;

  g_mutex_lock (&self->lock);
  has = strstr (self->log->str, text) != NULL;
  g_mutex_unlock (&self->lock);
  return has;
}

WzpDescription *
wzp_party_dup_local (WzpParty *self)
{
  WzpDescription *copy;

  g_mutex_lock (&self->lock);
  copy = self->local != NULL ? wzp_description_copy (self->local) : NULL;
  g_mutex_unlock (&self->lock);
  return copy;
}

/* ---- frames ---- */

/* xorshift32: the content of a frame, made anew for the check. */
static guint32
next_word (guint32 *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static void
fill (guint8 *data, guint32 seed, gsize size)
{
  guint32 state = seed * 2654435761u + 1;

  for (gsize i = 0; i < size; i += 4) {
    guint32 word = next_word (&state);

    memcpy (data + i, &word, MIN (4, size - i));
  }
  if (size >= 4)
    memcpy (data, &seed, 4);
}

WzpFrame *
wzp_party_frame_new (guint32 seed, gsize size)
{
  guint8 *data = g_malloc (size);

  fill (data, seed, size);
  return wzp_frame_new_take (data, size);
}

gboolean
wzp_party_frame_is (const WzpFrame *frame, guint32 seed, gsize size)
{
  g_autofree guint8 *expected = g_malloc (size);

  if (frame->meta.size != size || frame->n_iov != 1)
    return FALSE;
  fill (expected, seed, size);
  return memcmp (expected, frame->iov[0].iov_base, size) == 0;
}

/* ---- source ---- */

struct _WzpTestSource {
  GThread *thread;
  WzpSendFlow *flow;
  char *caps;
  guint n;
  gsize size;
  guint interval_us;
  guint32 first_seed;
  gboolean eos;
  gboolean acked;
};

static gpointer
run_source (gpointer data)
{
  WzpTestSource *self = data;
  gint64 start_us = g_get_monotonic_time ();

  g_assert_true (wzp_send_flow_describe (self->flow, self->caps, NULL, NULL));
  for (guint i = 0; i < self->n; i++) {
    WzpFrame *frame = wzp_party_frame_new (self->first_seed + i, self->size);
    gint64 due_us = start_us + (gint64) i * self->interval_us;
    gint64 now_us = g_get_monotonic_time ();

    /* The pace of a camera, not a wait for something. */
    if (due_us > now_us)
      g_usleep ((gulong) (due_us - now_us));
    frame->meta.pts = (guint64) i * self->interval_us * 1000;
    if (wzp_send_flow_push (self->flow, frame, TRUE) != WZP_PUSH_OK)
      return NULL;
  }
  if (self->eos)
    self->acked = wzp_send_flow_eos (self->flow, wzp_test_slower (5000));
  return NULL;
}

WzpTestSource *
wzp_test_source_new (WzpSendFlow *flow, const char *caps, guint n, gsize size,
    guint interval_us, guint32 first_seed, gboolean eos)
{
  WzpTestSource *self = g_new0 (WzpTestSource, 1);

  self->flow = wzp_send_flow_ref (flow);
  self->caps = g_strdup (caps);
  self->n = n;
  self->size = size;
  self->interval_us = interval_us;
  self->first_seed = first_seed;
  self->eos = eos;
  self->thread = g_thread_new ("test-source", run_source, self);
  return self;
}

gboolean
wzp_test_source_join (WzpTestSource *self)
{
  gboolean acked;

  g_thread_join (self->thread);
  acked = self->acked;
  wzp_send_flow_unref (self->flow);
  g_free (self->caps);
  g_free (self);
  return acked;
}

/* ---- sinkhole ---- */

static void
take_frame (WzpTestSinkhole *self, const WzpRecvItem *item)
{
  gint64 now_us = g_get_monotonic_time ();
  guint32 seed = 0;

  if (item->frame->meta.size >= 4)
    memcpy (&seed, item->frame->iov[0].iov_base, 4);
  if (!wzp_party_frame_is (item->frame, seed, self->size))
    self->wrong++;
  if ((gint64) seed <= self->last_seed)
    self->disordered++;
  if (self->last_us != 0)
    self->max_gap_us = MAX (self->max_gap_us, now_us - self->last_us);
  self->last_us = now_us;
  self->last_seed = seed;
  self->frames++;
  self->lost += item->lost;
  self->discont += item->discont ? 1 : 0;
}

static gpointer
run_sinkhole (gpointer data)
{
  WzpTestSinkhole *self = data;
  gboolean done = FALSE;

  while (!done) {
    WzpRecvItem item;

    wzp_recv_flow_pop (self->flow, -1, &item);
    g_mutex_lock (&self->lock);
    switch (item.kind) {
      case WZP_RECV_FRAME:
        take_frame (self, &item);
        break;
      case WZP_RECV_DESCRIPTION:
        g_free (self->caps);
        self->caps = g_strdup (item.caps);
        self->descriptions++;
        break;
      case WZP_RECV_EOS:
        self->eos++;
        break;
      case WZP_RECV_ENDED:
        self->ended++;
        break;
      case WZP_RECV_FLUSHING:
      case WZP_RECV_CLOSED:
        self->closed++;
        done = TRUE;
        break;
    }
    g_mutex_unlock (&self->lock);
    wzp_recv_item_clear (&item);
  }
  return NULL;
}

WzpTestSinkhole *
wzp_test_sinkhole_new (WzpRecvFlow *flow, gsize size, guint32 first_seed)
{
  WzpTestSinkhole *self = g_new0 (WzpTestSinkhole, 1);

  g_mutex_init (&self->lock);
  self->flow = wzp_recv_flow_ref (flow);
  self->size = size;
  self->first_seed = first_seed;
  self->last_seed = -1;
  self->thread = g_thread_new ("test-sinkhole", run_sinkhole, self);
  return self;
}

void
wzp_test_sinkhole_free (WzpTestSinkhole *self)
{
  wzp_recv_flow_set_flushing (self->flow, TRUE);
  g_thread_join (self->thread);
  wzp_recv_flow_unref (self->flow);
  g_free (self->caps);
  g_mutex_clear (&self->lock);
  g_free (self);
}

guint
wzp_test_sinkhole_get (WzpTestSinkhole *self, const guint *counter)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = *counter;
  g_mutex_unlock (&self->lock);
  return n;
}
