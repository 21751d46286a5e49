#include "wzp-node-private.h"

#include "wzp-clock.h"

#include <string.h>

/* ---- listeners and events ---- */

static void
listener_unref (gpointer data)
{
  WzpNodeListener *listener = data;

  if (!g_atomic_ref_count_dec (&listener->refs))
    return;
  if (listener->notify != NULL)
    listener->notify (listener->user_data);
  g_free (listener);
}

GPtrArray *
wzp_node_dup_listeners (WzpNode *self)
{
  GPtrArray *copy = g_ptr_array_new_with_free_func (listener_unref);

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->listeners->len; i++) {
    WzpNodeListener *listener = self->listeners->pdata[i];

    g_atomic_ref_count_inc (&listener->refs);
    g_ptr_array_add (copy, listener);
  }
  g_mutex_unlock (&self->lock);
  return copy;
}

guint
wzp_node_add_listener (WzpNode *self, const WzpNodeEvents *events,
    gpointer user_data, GDestroyNotify notify)
{
  WzpNodeListener *listener = g_new0 (WzpNodeListener, 1);
  guint id;

  g_atomic_ref_count_init (&listener->refs);
  listener->events = events;
  listener->user_data = user_data;
  listener->notify = notify;
  g_mutex_lock (&self->lock);
  id = listener->id = ++self->next_listener_id;
  g_ptr_array_add (self->listeners, listener);
  g_mutex_unlock (&self->lock);
  return id;
}

void
wzp_node_remove_listener (WzpNode *self, guint id)
{
  WzpNodeListener *found = NULL;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->listeners->len && found == NULL; i++) {
    WzpNodeListener *listener = self->listeners->pdata[i];

    if (listener->id == id)
      found = g_ptr_array_steal_index (self->listeners, i);
  }
  g_mutex_unlock (&self->lock);
  if (found == NULL)
    return;
  g_atomic_int_set (&found->removed, TRUE);
  listener_unref (found);
}

void
wzp_node_set_state (
    WzpNode *self, WzpConnectionState state, const WzpFailure *failure)
{
  g_autoptr (GPtrArray) listeners = NULL;
  gboolean changed;

  g_mutex_lock (&self->lock);
  changed = self->state != state;
  self->state = state;
  g_mutex_unlock (&self->lock);
  if (!changed)
    return;

  wzp_node_refresh_stats (self);
  listeners = wzp_node_dup_listeners (self);
  for (guint i = 0; i < listeners->len; i++) {
    const WzpNodeListener *l = listeners->pdata[i];

    if (!g_atomic_int_get (&l->removed) && l->events->state != NULL)
      l->events->state (self, state, failure, l->user_data);
  }
}

void
wzp_node_emit_progress (WzpNode *self, const char *step)
{
  g_autoptr (GPtrArray) listeners = wzp_node_dup_listeners (self);

  for (guint i = 0; i < listeners->len; i++) {
    const WzpNodeListener *l = listeners->pdata[i];

    if (!g_atomic_int_get (&l->removed) && l->events->progress != NULL)
      l->events->progress (self, step, l->user_data);
  }
}

void
wzp_node_emit_warning (WzpNode *self, const char *text)
{
  g_autoptr (GPtrArray) listeners = wzp_node_dup_listeners (self);

  for (guint i = 0; i < listeners->len; i++) {
    const WzpNodeListener *l = listeners->pdata[i];

    if (!g_atomic_int_get (&l->removed) && l->events->warning != NULL)
      l->events->warning (self, text, l->user_data);
  }
}

const char *
wzp_connection_state_to_string (WzpConnectionState state)
{
  switch (state) {
    case WZP_STATE_NEW:
      return "new";
    case WZP_STATE_CONNECTING:
      return "connecting";
    case WZP_STATE_CONNECTED:
      return "connected";
    case WZP_STATE_DISCONNECTED:
      return "disconnected";
    case WZP_STATE_FAILED:
      return "failed";
    case WZP_STATE_CLOSED:
      return "closed";
  }
  g_return_val_if_reached ("unknown");
}

/* ---- statistics ---- */

void
wzp_node_refresh_stats (WzpNode *self)
{
  WzpEndpointStats endpoint = { 0 };
  guint n = MIN (self->calls->len, WZP_NODE_MAX_CALLS);

  if (self->endpoint != NULL)
    wzp_endpoint_get_stats (self->endpoint, &endpoint);
  self->stats_at_us = wzp_clock_now_us ();

  g_mutex_lock (&self->lock);
  self->stats->state = self->state;
  self->stats->n_total = self->n_total_calls;
  if (self->endpoint != NULL) {
    self->stats->bad_packets = endpoint.bad_packets;
    self->stats->refused = endpoint.refused;
  }
  for (guint i = 0; i < n; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    wzp_call_get_stats (entry->call, &self->stats->calls[i]);
  }
  if (self->room != NULL) {
    wzp_room_get_stats (self->room, &self->stats->calls[0]);
    self->stats->room_members = wzp_room_get_members (self->room);
    n = 1;
  }
  if (n == 0 && self->last_call != NULL) {
    self->stats->calls[0] = *self->last_call;
    n = 1;
  }
  self->stats->n_calls = n;
  g_mutex_unlock (&self->lock);
}

void
wzp_node_get_stats (WzpNode *self, WzpNodeStats *ret_stats)
{
  g_mutex_lock (&self->lock);
  *ret_stats = *self->stats;
  g_mutex_unlock (&self->lock);
}

/* ---- the session thread's own work ---- */

void
wzp_node_schedule (WzpNode *self, gint64 deadline_us)
{
  wzp_timer_set_earlier (self->timer, deadline_us);
}

static gboolean
any_call_up (const WzpNode *self)
{
  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    if (wzp_call_is_up (entry->call))
      return TRUE;
  }
  return self->room != NULL && wzp_room_is_joined (self->room);
}

static void
on_timer (gpointer user_data)
{
  WzpNode *self = user_data;
  gint64 now_us = wzp_clock_now_us ();

  wzp_node_housekeep_calls (self, now_us);
  wzp_node_housekeep_signal (self, now_us);
  wzp_node_housekeep_network (self, now_us);
  if (self->retry_at_us >= 0 && now_us >= self->retry_at_us)
    wzp_node_try_again (self);
  else if (self->retry_at_us >= 0)
    wzp_node_schedule (self, self->retry_at_us);
  if (any_call_up (self)) {
    if (now_us - self->stats_at_us >= WZP_NODE_STATS_US)
      wzp_node_refresh_stats (self);
    wzp_node_schedule (self, now_us + WZP_NODE_STATS_US);
  }
}

typedef struct {
  WzpNode *node; /* owned */
  void (*func) (WzpNode *node, gpointer data);
  gpointer data;
  GDestroyNotify notify;
} Command;

static void
command_free (gpointer user_data)
{
  Command *command = user_data;

  if (command->notify != NULL)
    command->notify (command->data);
  wzp_node_unref (command->node);
  g_free (command);
}

static gboolean
run_command (gpointer user_data)
{
  Command *command = user_data;

  command->func (command->node, command->data);
  return G_SOURCE_REMOVE;
}

void
wzp_node_invoke (WzpNode *self, void (*func) (WzpNode *node, gpointer data),
    gpointer data, GDestroyNotify notify)
{
  Command *command = g_new0 (Command, 1);
  GSource *source = g_idle_source_new ();

  command->node = wzp_node_ref (self);
  command->func = func;
  command->data = data;
  command->notify = notify;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, run_command, command, command_free);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

static void
set_wake_target (WzpNode *self, WzpEndpoint *endpoint)
{
  g_mutex_lock (&self->lock);
  self->wake_target = endpoint;
  g_mutex_unlock (&self->lock);
}

void
wzp_node_wake (gpointer user_data)
{
  WzpNode *self = user_data;

  g_mutex_lock (&self->lock);
  if (self->wake_target != NULL)
    wzp_endpoint_wake (self->wake_target);
  g_mutex_unlock (&self->lock);
}

static void
do_start (WzpNode *self, gpointer data)
{
  WzpEndpointConfig config = { .bind_address = self->config.bind_address,
    .bind_port = self->config.bind_port };
  g_autoptr (GError) error = NULL;

  if (g_atomic_int_get (&self->is_stopping))
    return;
  wzp_node_set_state (self, WZP_STATE_CONNECTING, NULL);
  self->endpoint = wzp_endpoint_new (self->context, self->identity, &config,
      &wzp_node_endpoint_handler, self, &error);
  if (self->endpoint == NULL) {
    self->config.no_reconnect = TRUE; /* a taken port stays taken */
    wzp_node_fail_attempt (self, error, "bind", WZP_PATH_NONE, NULL);
    return;
  }
  self->proof =
      wzp_direct_proof_new (self->identity, &wzp_node_proof_handler, self);
  set_wake_target (self, self->endpoint);
  wzp_node_watch_network (self);
  wzp_node_begin (self);
}

static void
do_stop (WzpNode *self, gpointer data)
{
  while (self->calls->len > 0)
    wzp_node_drop_call (
        self, self->calls->pdata[0], WZP_HANGUP_NORMAL, "The peer hung up");
  if (self->offer.call_id != NULL)
    wzp_node_send_hangup (self, self->offer.call_id, WZP_HANGUP_NORMAL);
  wzp_node_clear_offer (self);
  wzp_node_drop_room (self);
  self->retry_at_us = -1;
  wzp_node_orphan_flows (self);
  set_wake_target (self, NULL);
  for (guint i = 0; i < WZP_NODE_MAX_EARLY; i++)
    g_clear_pointer (&self->early[i].conn, wzp_conn_unref);
  g_clear_pointer (&self->proof, wzp_direct_proof_free);
  g_clear_pointer (&self->monitor, wzp_network_monitor_free);
  if (self->endpoint != NULL)
    wzp_endpoint_flush (self->endpoint);
  wzp_node_drop_nat_probe (self);
  g_clear_pointer (&self->signal, wzp_signal_client_free);
  wzp_node_refresh_stats (self);
  g_clear_pointer (&self->endpoint, wzp_endpoint_free);
  g_clear_pointer (&self->timer, wzp_timer_free);
  if (!self->has_failed)
    wzp_node_set_state (self, WZP_STATE_CLOSED, NULL);

  g_mutex_lock (&self->lock);
  self->is_stopped = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* ---- life ---- */

WzpNode *
wzp_node_new (
    const WzpNodeConfig *config, GMainContext *context, GError **error)
{
  WzpNode *self;
  WzpAddr bound;

  if (!wzp_node_config_check (config, error))
    return NULL;

  self = g_new0 (WzpNode, 1);
  g_atomic_ref_count_init (&self->refs);
  wzp_node_config_copy (&self->config, config);
  self->identity = config->identity != NULL
      ? wzp_identity_ref (config->identity)
      : wzp_identity_new_ephemeral ();
  self->bound_to_loopback = config->bind_address != NULL &&
      wzp_addr_parse_ip (config->bind_address, 0, &bound, NULL) &&
      wzp_addr_scope (&bound) == WZP_ADDR_LOOPBACK;
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->listeners = g_ptr_array_new_with_free_func (listener_unref);
  self->flow_names = g_ptr_array_new_with_free_func (g_free);
  self->calls =
      g_ptr_array_new_with_free_func (wzp_node_call_entry_free_func ());
  self->send_flows =
      g_ptr_array_new_with_free_func ((GDestroyNotify) wzp_send_flow_unref);
  self->recv_flows = g_ptr_array_new_with_free_func (wzp_node_recv_entry_free);
  self->latency_ms = self->config.latency_ms;
  self->stats = g_new0 (WzpNodeStats, 1);
  self->app_used =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->retry_at_us = -1;
  if (context != NULL) {
    self->context = g_main_context_ref (context);
  } else {
    self->loop = wzp_loop_new ("wzp-session");
    self->context = g_main_context_ref (wzp_loop_get_context (self->loop));
  }
  self->timer = wzp_timer_new (self->context, on_timer, self);
  return self;
}

WzpNode *
wzp_node_ref (WzpNode *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static void
node_free (WzpNode *self)
{
  g_clear_pointer (&self->loop, wzp_loop_free);
  g_clear_pointer (&self->timer, wzp_timer_free);
  g_main_context_unref (self->context);
  g_ptr_array_unref (self->calls);
  g_ptr_array_unref (self->send_flows);
  g_ptr_array_unref (self->recv_flows);
  g_ptr_array_unref (self->listeners);
  g_ptr_array_unref (self->flow_names);
  g_clear_pointer (&self->room_key, wzp_room_key_free);
  g_clear_pointer (&self->app_ephemeral, wzp_ephemeral_free);
  g_clear_pointer (&self->app_used, g_hash_table_unref);
  g_clear_pointer (&self->early_remote, wzp_description_free);
  g_clear_pointer (&self->local, wzp_description_free);
  g_clear_pointer (&self->identity, wzp_identity_unref);
  g_free (self->stats);
  g_free (self->last_call);
  wzp_node_config_clear (&self->config);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
wzp_node_unref (WzpNode *self)
{
  gboolean must_stop;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_mutex_lock (&self->lock);
  must_stop = self->is_started && !self->is_stopped;
  g_mutex_unlock (&self->lock);
  if (must_stop) {
    /* Nobody else has a reference: revive it until the stop is done. */
    g_atomic_ref_count_init (&self->refs);
    wzp_node_stop (self);
    wzp_node_unref (self);
    return;
  }
  /* Never started: what was added would still call on it. */
  wzp_node_orphan_flows (self);
  node_free (self);
}

void
wzp_node_start (WzpNode *self)
{
  gboolean was_started;

  g_mutex_lock (&self->lock);
  was_started = self->is_started;
  self->is_started = TRUE;
  g_mutex_unlock (&self->lock);
  g_return_if_fail (!was_started);
  wzp_node_invoke (self, do_start, NULL, NULL);
}

void
wzp_node_stop (WzpNode *self)
{
  gint64 deadline = g_get_monotonic_time () + WZP_NODE_STOP_WAIT_US;

  if (!g_atomic_int_compare_and_exchange (&self->is_stopping, FALSE, TRUE))
    return;
  if (g_main_context_is_owner (self->context)) {
    do_stop (self, NULL);
    return;
  }
  wzp_node_invoke (self, do_stop, NULL, NULL);
  g_mutex_lock (&self->lock);
  while (!self->is_stopped &&
      g_cond_wait_until (&self->cond, &self->lock, deadline))
    ;
  g_mutex_unlock (&self->lock);
}

/* ---- mode APP ---- */

static void
do_set_remote (WzpNode *self, gpointer data)
{
  if (!g_atomic_int_get (&self->is_stopping))
    wzp_node_take_remote (self, data);
}

gboolean
wzp_node_set_remote (
    WzpNode *self, const WzpDescription *remote, GError **error)
{
  if (self->config.mode != WZP_MODE_APP) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
        "Candidates of the application are for mode=app");
    return FALSE;
  }
  if (!wzp_description_check (remote, error))
    return FALSE;
  if (memcmp (remote->identity, wzp_identity_get_public_key (self->identity),
          WZP_PUBLIC_KEY_LEN) == 0) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
        "These candidates are this node's own");
    return FALSE;
  }
  wzp_node_invoke (self, do_set_remote, wzp_description_copy (remote),
      (GDestroyNotify) wzp_description_free);
  return TRUE;
}

WzpDescription *
wzp_node_dup_local (WzpNode *self)
{
  WzpDescription *copy;

  g_mutex_lock (&self->lock);
  copy = self->local != NULL ? wzp_description_copy (self->local) : NULL;
  g_mutex_unlock (&self->lock);
  return copy;
}

/* ---- snapshots ---- */

WzpConnectionState
wzp_node_get_state (WzpNode *self)
{
  WzpConnectionState state;

  g_mutex_lock (&self->lock);
  state = self->state;
  g_mutex_unlock (&self->lock);
  return state;
}

WzpPath
wzp_node_get_path (WzpNode *self)
{
  WzpPath path;

  g_mutex_lock (&self->lock);
  path = self->path;
  g_mutex_unlock (&self->lock);
  return path;
}

guint
wzp_node_get_latency_ms (WzpNode *self)
{
  guint latency_ms;

  g_mutex_lock (&self->lock);
  latency_ms = self->latency_ms;
  g_mutex_unlock (&self->lock);
  return latency_ms;
}

const WzpIdentity *
wzp_node_get_identity (const WzpNode *self)
{
  return self->identity;
}
