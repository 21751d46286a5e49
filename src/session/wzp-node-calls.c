/* The calls of a node: made, fed, ended; connections that come in; attempts
 * that failed. */
#include "wzp-clock.h"
#include "wzp-media-offer.h"
#include "wzp-node-private.h"

#include <string.h>

static void
call_entry_free (gpointer data)
{
  WzpCallEntry *entry = data;

  wzp_call_free (entry->call);
  g_free (entry->alias);
  g_free (entry->own_reflexive);
  g_free (entry->peer_nat);
  g_free (entry->told);
  g_free (entry);
}

static WzpCallEntry *
entry_of (const WzpNode *self, const WzpCall *call)
{
  for (guint i = 0; i < self->calls->len; i++) {
    WzpCallEntry *entry = self->calls->pdata[i];

    if (entry->call == call)
      return entry;
  }
  g_return_val_if_reached (NULL);
}

WzpCallEntry *
wzp_node_find_call (const WzpNode *self, const char *call_id)
{
  for (guint i = 0; i < self->calls->len; i++) {
    WzpCallEntry *entry = self->calls->pdata[i];

    if (g_strcmp0 (wzp_call_get_id (entry->call), call_id) == 0)
      return entry;
  }
  return NULL;
}

guint
wzp_node_max_calls (const WzpNode *self)
{
  /* A receive flow has one sender at a time; only who just sends may serve
   * several. */
  if (self->config.mode != WZP_MODE_LISTENER || self->recv_flows->len > 0)
    return 1;
  return WZP_NODE_MAX_CALLS;
}

void
wzp_node_fill_candidate_filter (WzpNode *self, WzpCandidateFilter *ret_filter)
{
  const WzpAddr *relay = self->signal != NULL
      ? wzp_signal_client_get_relay_addr (self->signal)
      : NULL;

  ret_filter->relay = relay;
  ret_filter->allow_loopback = self->bound_to_loopback ||
      (relay != NULL && wzp_addr_scope (relay) == WZP_ADDR_LOOPBACK);
}

/* ---- events of calls ---- */

static void
fill_peer_info (const WzpCallEntry *entry, WzpPeerInfo *ret_info)
{
  *ret_info = (WzpPeerInfo){ .fingerprint = *wzp_call_get_peer (entry->call),
    .alias = entry->alias,
    .role = wzp_call_get_role (entry->call),
    .path = wzp_call_get_path (entry->call) };
}

static void
emit_caller (WzpNode *self, const WzpCallEntry *entry, gboolean is_added)
{
  g_autoptr (GPtrArray) listeners = wzp_node_dup_listeners (self);
  WzpPeerInfo info;

  fill_peer_info (entry, &info);
  for (guint i = 0; i < listeners->len; i++) {
    const WzpNodeListener *l = listeners->pdata[i];

    if (g_atomic_int_get (&l->removed))
      continue;
    if (is_added && l->events->caller_added != NULL)
      l->events->caller_added (self, &info, l->user_data);
    if (!is_added && l->events->caller_removed != NULL)
      l->events->caller_removed (self, &info, l->user_data);
  }
}

void
wzp_node_update_connected (WzpNode *self)
{
  gboolean connected = FALSE;
  WzpPath path = WZP_PATH_NONE;
  guint latency_ms = self->config.latency_ms;

  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    if (!wzp_call_is_up (entry->call))
      continue;
    connected = TRUE;
    if (path == WZP_PATH_NONE)
      path = wzp_call_get_path (entry->call);
    latency_ms = MAX (latency_ms, wzp_call_get_latency_ms (entry->call));
  }

  if (self->room != NULL && wzp_room_is_joined (self->room)) {
    connected = TRUE;
    path = WZP_PATH_RELAY;
  }

  for (guint i = 0; i < self->send_flows->len; i++) {
    WzpSendFlow *flow = self->send_flows->pdata[i];
    WzpSendItem item;

    wzp_send_flow_set_connected (flow, connected);
    while (!connected && wzp_send_flow_take (flow, &item))
      wzp_send_item_clear (&item);
  }

  g_mutex_lock (&self->lock);
  self->path = path;
  self->latency_ms = latency_ms;
  g_mutex_unlock (&self->lock);
}

static void
on_call_connected (WzpCall *call, gpointer user_data)
{
  WzpNode *self = user_data;
  WzpCallEntry *entry = entry_of (self, call);

  self->attempts = 0;
  wzp_node_update_connected (self);
  entry->was_up = TRUE;
  if (entry->is_incoming)
    emit_caller (self, entry, TRUE);
  wzp_node_set_state (self, WZP_STATE_CONNECTED, NULL);
  wzp_node_schedule (self, 0);
}

void
wzp_node_emit_path (
    WzpNode *self, WzpPath old_path, WzpPath new_path, const char *why)
{
  g_autoptr (GPtrArray) listeners = wzp_node_dup_listeners (self);

  wzp_node_update_connected (self);
  g_mutex_lock (&self->lock);
  g_strlcpy (self->stats->path_reason, why, sizeof self->stats->path_reason);
  g_mutex_unlock (&self->lock);
  wzp_node_refresh_stats (self);
  for (guint i = 0; i < listeners->len; i++) {
    const WzpNodeListener *l = listeners->pdata[i];

    if (!g_atomic_int_get (&l->removed) && l->events->path != NULL)
      l->events->path (self, old_path, new_path, l->user_data);
  }
}

static void
on_call_path_changed (WzpCall *call, WzpPath old_path, WzpPath new_path,
    const char *why, gpointer user_data)
{
  wzp_node_emit_path (user_data, old_path, new_path, why);
}

static void
on_call_race_news (WzpCall *call, gpointer user_data)
{
  WzpNode *self = user_data;
  g_autoptr (GPtrArray) listeners = wzp_node_dup_listeners (self);

  wzp_node_refresh_stats (self);
  for (guint i = 0; i < listeners->len; i++) {
    const WzpNodeListener *l = listeners->pdata[i];

    if (!g_atomic_int_get (&l->removed) && l->events->race != NULL)
      l->events->race (self, l->user_data);
  }
}

/* Takes the entry out of the table and frees it; keeps its last figures. */
static void
remove_call (WzpNode *self, WzpCallEntry *entry)
{
  if (self->last_call == NULL)
    self->last_call = g_new (WzpCallStats, 1);
  wzp_call_get_stats (entry->call, self->last_call);
  for (guint i = 0; i < self->recv_flows->len; i++) {
    WzpRecvEntry *recv = self->recv_flows->pdata[i];

    if (recv->claimed == entry->call)
      recv->claimed = NULL;
  }
  if (entry->was_up && entry->is_incoming)
    emit_caller (self, entry, FALSE);
  g_ptr_array_remove_fast (self->calls, entry);
  wzp_node_update_connected (self);
  /* It may have been the one that fetched frames for all. */
  for (guint i = 0; i < self->calls->len; i++)
    wzp_call_woken (((WzpCallEntry *) self->calls->pdata[i])->call);
  wzp_node_refresh_stats (self);
}

static void
on_call_ended (WzpCall *call, const GError *error, const WzpCloseInfo *info,
    WzpPath path, gpointer user_data)
{
  WzpNode *self = user_data;
  WzpCallEntry *entry = entry_of (self, call);
  g_autoptr (GError) kept = error != NULL ? g_error_copy (error) : NULL;
  gboolean was_up = entry->was_up;
  /* It belongs to the call, which goes before the attempt is judged. */
  WzpCloseInfo kept_info = info != NULL ? *info : (WzpCloseInfo){ 0 };

  if (error != NULL)
    wzp_node_send_hangup (self, wzp_call_get_id (call), WZP_HANGUP_ERROR);
  remove_call (self, entry);

  if (self->config.mode == WZP_MODE_LISTENER) {
    if (kept != NULL)
      wzp_node_emit_warning (self, kept->message);
    if (self->calls->len == 0)
      wzp_node_set_state (self, WZP_STATE_DISCONNECTED, NULL);
    return;
  }
  if (self->config.mode == WZP_MODE_APP)
    wzp_node_publish_local (self);
  if (self->config.mode == WZP_MODE_APP && kept == NULL) {
    wzp_node_set_state (self, WZP_STATE_DISCONNECTED, NULL);
    return;
  }
  /* Nothing went wrong: what was received is whole, and that was all. Who
   * sends has still something to say. */
  if (kept == NULL && self->config.no_reconnect && self->send_flows->len == 0) {
    wzp_node_set_state (self, WZP_STATE_DISCONNECTED, NULL);
    return;
  }
  if (kept == NULL)
    kept = g_error_new_literal (
        WZP_ERROR, WZP_ERROR_CLOSED, "The peer ended the call");
  wzp_node_fail_attempt (self, kept, was_up ? "media" : "race", path,
      info != NULL ? &kept_info : NULL);
}

static WzpConn *
on_call_dial_relay (WzpCall *call, const WzpConnHandler *handler,
    gpointer conn_data, GError **error, gpointer user_data)
{
  WzpNode *self = user_data;
  g_autofree char *name = wzp_sni_for_call_room (wzp_call_get_id (call));

  if (self->signal == NULL ||
      wzp_signal_client_get_relay_addr (self->signal) == NULL) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_UNREACHABLE,
        "There is no connection to the relay");
    return NULL;
  }
  return wzp_signal_client_dial_room (self->signal, name, NULL,
      self->config.relay_timeout_ms, handler, conn_data, error);
}

WzpRecvFlow *
wzp_node_claim_recv_flow (
    WzpNode *self, const char *name, gconstpointer claimant)
{
  WzpRecvEntry *found = NULL;

  for (guint i = 0; i < self->recv_flows->len; i++) {
    WzpRecvEntry *entry = self->recv_flows->pdata[i];
    const char *own = wzp_recv_flow_get_name (entry->flow);

    if (entry->claimed != NULL)
      continue;
    if (own == NULL) {
      found = found != NULL ? found : entry;
    } else if (g_strcmp0 (own, name) == 0) {
      found = entry;
      break;
    }
  }
  if (found == NULL)
    return NULL;
  found->claimed = claimant;
  return wzp_recv_flow_ref (found->flow);
}

void
wzp_node_unclaim_recv_flow (WzpNode *self, const WzpRecvFlow *flow)
{
  for (guint i = 0; i < self->recv_flows->len; i++) {
    WzpRecvEntry *entry = self->recv_flows->pdata[i];

    if (entry->flow == flow)
      entry->claimed = NULL;
  }
}

static WzpRecvFlow *
on_call_claim (WzpCall *call, const char *name, gpointer user_data)
{
  return wzp_node_claim_recv_flow (user_data, name, call);
}

static void
on_call_unclaimed (WzpCall *call, WzpRecvFlow *flow, gpointer user_data)
{
  wzp_node_unclaim_recv_flow (user_data, flow);
}

static gboolean
on_call_refill (WzpCall *call, WzpSendFlow *flow, gpointer user_data)
{
  WzpNode *self = user_data;
  WzpSendItem item;

  if (!wzp_send_flow_take (flow, &item))
    return FALSE;
  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    wzp_call_give (entry->call, flow, &item);
    if (entry->call != call)
      wzp_call_woken (entry->call);
  }
  wzp_send_item_clear (&item);
  return TRUE;
}

static WzpFreshSocket *
on_call_open_fresh (WzpCall *call, const WzpFreshHandler *fresh, gpointer data,
    GError **error, gpointer user_data)
{
  WzpNode *self = user_data;

  /* In mode APP nobody passes its address on. */
  if (self->signal == NULL || self->config.mode == WZP_MODE_APP) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_UNREACHABLE,
        "The peer cannot be told of it");
    return NULL;
  }
  return wzp_fresh_socket_new (self->context, self->identity,
      self->config.bind_address, self->signal, fresh, data, error);
}

static void
on_call_tell_reflexive (
    WzpCall *call, const WzpAddr *reflexive, gpointer user_data)
{
  wzp_node_tell_reflexive (user_data, entry_of (user_data, call), reflexive);
}

static void
on_call_report (WzpCall *call, gboolean direct_ok, gpointer user_data)
{
  WzpNode *self = user_data;
  g_autoptr (WzpMessage) report =
      wzp_message_new (WZP_MESSAGE_MEDIA_PATH_REPORT);

  if (self->signal == NULL || !wzp_signal_client_is_ready (self->signal))
    return; /* repeated once it is */
  report->call_id = g_strdup (wzp_call_get_id (call));
  report->direct_ok = report->winner_is_direct = direct_ok;
  wzp_signal_client_send (self->signal, report, NULL);
}

static void
on_call_warning (WzpCall *call, const char *text, gpointer user_data)
{
  WzpNode *self = user_data;

  if (!self->has_told_timeline)
    wzp_node_emit_warning (self, text);
  self->has_told_timeline = TRUE;
}

static const WzpCallHandler call_handler = {
  .connected = on_call_connected,
  .path_changed = on_call_path_changed,
  .race_news = on_call_race_news,
  .ended = on_call_ended,
  .dial_relay = on_call_dial_relay,
  .claim = on_call_claim,
  .unclaimed = on_call_unclaimed,
  .refill = on_call_refill,
  .open_fresh = on_call_open_fresh,
  .tell_reflexive = on_call_tell_reflexive,
  .report = on_call_report,
  .warning = on_call_warning,
};

/* ---- making and dropping ---- */

static void
fill_race_config (const WzpNode *self, WzpRaceConfig *ret_config)
{
  const WzpNodeConfig *config = &self->config;

  wzp_race_config_init (ret_config);
  ret_config->relay_allowed =
      config->policy != WZP_POLICY_DIRECT && config->relay != NULL;
  ret_config->direct_allowed = config->policy != WZP_POLICY_RELAY &&
      config->accept_mode != WZP_ACCEPT_GENERIC;
  ret_config->keep_relay = !config->drop_relay;
  ret_config->direct_timeout_us = (gint64) config->direct_timeout_ms * 1000;
  ret_config->relay_timeout_us = (gint64) config->relay_timeout_ms * 1000;
  ret_config->relay_grace_us = (gint64) config->relay_grace_ms * 1000;
  ret_config->direct_grace_us = (gint64) config->direct_grace_ms * 1000;
}

WzpCallEntry *
wzp_node_add_call (WzpNode *self, const char *call_id,
    const guint8 peer_key[WZP_PUBLIC_KEY_LEN], const WzpCallFeatures *features,
    const WzpEphemeral *own, const guint8 peer_ephemeral[WZP_PUBLIC_KEY_LEN],
    GError **error)
{
  WzpCallConfig config = { .endpoint = self->endpoint,
    .context = self->context,
    .call_id = call_id,
    .features = *features,
    .latency_ms = self->config.latency_ms,
    .window = wzp_endpoint_get_recv_buffer (self->endpoint),
    .timeline_folder = self->config.timeline_folder };
  g_autoptr (GBytes) media_offer = NULL;
  WzpCallEntry *entry;

  if (!wzp_call_keys_derive (own, peer_ephemeral, call_id, &config.keys, error))
    return NULL;
  wzp_fingerprint_of_key (peer_key, &config.peer);
  memcpy (config.peer_key, peer_key, WZP_PUBLIC_KEY_LEN);
  fill_race_config (self, &config.race);
  media_offer =
      wzp_media_offer_new_bytes (WZP_MESSAGE_CALL_OFFER, self->identity, own);
  config.media_offer = media_offer;

  entry = g_new0 (WzpCallEntry, 1);
  entry->call = wzp_call_new (&config, &call_handler, self);
  entry->setup_deadline_us = wzp_clock_now_us () + WZP_NODE_SETUP_TIMEOUT_US;
  entry->told = wzp_node_dup_told (self);
  wzp_call_keys_wipe (&config.keys);
  g_ptr_array_add (self->calls, entry);
  self->n_total_calls++;
  for (guint i = 0; i < self->send_flows->len; i++)
    wzp_call_add_send_flow (entry->call, self->send_flows->pdata[i]);
  wzp_node_schedule (self, entry->setup_deadline_us);
  return entry;
}

void
wzp_node_start_call (WzpNode *self, WzpCallEntry *entry,
    const char *const *peer_local, const char *peer_reflexive)
{
  const WzpFingerprint *own = wzp_identity_get_fingerprint (self->identity);
  WzpRole role = wzp_role_decide_by_nat (entry->own_nat, entry->peer_nat,
      entry->own_reflexive, peer_reflexive, own,
      wzp_call_get_peer (entry->call));
  WzpCandidateList candidates;
  WzpCandidateFilter filter;

  wzp_node_fill_candidate_filter (self, &filter);
  wzp_candidate_list_from_remote (
      &candidates, peer_local, peer_reflexive, &filter);
  g_debug ("call %s: %s, %u candidates, %u refused",
      wzp_call_get_id (entry->call), wzp_role_to_string (role), candidates.n,
      candidates.refused);
  entry->setup_deadline_us = -1;
  wzp_node_emit_progress (self, "race");
  wzp_node_note_call (self, entry);
  if (!entry->is_private && wzp_node_get_nat (self) != NULL)
    wzp_call_set_ports (entry->call, self->next_port, self->port_step);
  wzp_call_start (entry->call, role, !entry->is_private, &candidates);
  /* A direct connection may have been earlier than the call. */
  for (guint i = 0; i < WZP_NODE_MAX_EARLY; i++) {
    WzpEarlyConn *early = &self->early[i];
    const char *id;

    if (early->conn == NULL)
      continue;
    wzp_sni_classify (wzp_conn_get_server_name (early->conn), &id);
    if (g_strcmp0 (id, wzp_call_get_id (entry->call)) == 0) {
      if (wzp_conn_is_closed (early->conn) ||
          !wzp_call_offer_conn (entry->call, early->conn))
        wzp_conn_close (early->conn, WZP_CLOSE_REFUSED, "Not expected here");
      g_clear_pointer (&early->conn, wzp_conn_unref);
    }
  }
}

void
wzp_node_drop_call (WzpNode *self, WzpCallEntry *entry, WzpHangupReason reason,
    const char *text)
{
  wzp_node_send_hangup (self, wzp_call_get_id (entry->call), reason);
  wzp_call_hang_up (entry->call, reason, text);
  remove_call (self, entry);
}

static void
housekeep_proofs (WzpNode *self, gint64 now_us)
{
  gint64 deadline_us;

  if (self->proof == NULL)
    return;
  wzp_direct_proof_expire (self->proof, now_us);
  deadline_us = wzp_direct_proof_get_deadline (self->proof);
  if (deadline_us >= 0)
    wzp_node_schedule (self, deadline_us);
}

void
wzp_node_housekeep_calls (WzpNode *self, gint64 now_us)
{
  g_autoptr (GError) error = NULL;

  housekeep_proofs (self, now_us);
  for (guint i = 0; i < WZP_NODE_MAX_EARLY; i++) {
    WzpEarlyConn *early = &self->early[i];

    if (early->conn == NULL)
      continue;
    if (now_us >= early->deadline_us) {
      wzp_conn_close (early->conn, WZP_CLOSE_REFUSED, "No call came of it");
      g_clear_pointer (&early->conn, wzp_conn_unref);
    } else {
      wzp_node_schedule (self, early->deadline_us);
    }
  }
  for (guint i = 0; i < self->calls->len; i++) {
    WzpCallEntry *entry = self->calls->pdata[i];

    if (entry->setup_deadline_us < 0)
      continue;
    if (now_us < entry->setup_deadline_us) {
      wzp_node_schedule (self, entry->setup_deadline_us);
      continue;
    }
    wzp_node_drop_call (self, entry, WZP_HANGUP_TIMEOUT, "No call set-up came");
    g_set_error_literal (&error, WZP_ERROR, WZP_ERROR_TIMED_OUT,
        "The relay sent no CallSetup within 10 s");
    break;
  }
  if (error == NULL)
    return;
  if (self->config.mode == WZP_MODE_LISTENER)
    wzp_node_emit_warning (self, error->message);
  else
    wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
}

/* ---- connections that come in ---- */

/* In mode APP the call's id names both parties. */
static gboolean
is_named_in (
    const WzpNode *self, const WzpFingerprint *peer, const char *call_id)
{
  const WzpFingerprint *own = wzp_identity_get_fingerprint (self->identity);
  WzpFingerprint a, b;

  if (!wzp_call_id_get_parties (call_id, &a, &b))
    return FALSE;
  return (wzp_fingerprint_equal (&a, own) &&
             wzp_fingerprint_equal (&b, peer)) ||
      (wzp_fingerprint_equal (&b, own) && wzp_fingerprint_equal (&a, peer));
}

static gboolean
is_offered_to (
    const WzpNode *self, const WzpFingerprint *peer, const char *call_id)
{
  return g_strcmp0 (call_id, self->offer.call_id) == 0 &&
      wzp_fingerprint_equal (peer, &self->offer.target);
}

/* Keeps a direct connection whose call is yet to come: the other side may have
 * had our candidates before we had theirs, or be nearer to the relay that the
 * answer to our offer comes by. The key was proved. */
static gboolean
keep_early (WzpNode *self, WzpConn *conn, const char *call_id)
{
  const WzpFingerprint *peer = wzp_conn_get_peer_fingerprint (conn);

  if (peer == NULL ||
      !(self->config.mode == WZP_MODE_APP
              ? is_named_in (self, peer, call_id)
              : is_offered_to (self, peer, call_id)))
    return FALSE;
  for (guint i = 0; i < WZP_NODE_MAX_EARLY; i++) {
    WzpEarlyConn *early = &self->early[i];

    if (early->conn != NULL && wzp_conn_is_closed (early->conn))
      g_clear_pointer (&early->conn, wzp_conn_unref);
    if (early->conn != NULL)
      continue;
    early->conn = wzp_conn_ref (conn);
    wzp_conn_keep_datagrams (conn);
    early->deadline_us = wzp_clock_now_us () + WZP_NODE_EARLY_US;
    wzp_node_schedule (self, early->deadline_us);
    return TRUE;
  }
  return FALSE;
}

static gboolean
on_admit (WzpEndpoint *endpoint, const char *server_name, const WzpAddr *remote,
    gpointer user_data)
{
  return wzp_sni_classify (server_name, NULL) == WZP_SNI_KIND_DIRECT;
}

/* Without a certificate: only for a call whose peer may be of another make, and
 * only once it has proved itself in the connection. */
static gboolean
await_proof (WzpNode *self, WzpConn *conn, const char *call_id)
{
  const WzpCallEntry *entry = wzp_node_find_call (self, call_id);

  if (entry == NULL || entry->is_private || !wzp_call_is_plain (entry->call) ||
      !wzp_direct_proof_add (self->proof, conn, call_id,
          wzp_call_get_peer_key (entry->call), wzp_clock_now_us ()))
    return FALSE;
  wzp_node_schedule (self, wzp_direct_proof_get_deadline (self->proof));
  return TRUE;
}

static gboolean
on_proved (WzpConn *conn, const char *call_id, gpointer user_data)
{
  const WzpCallEntry *entry = wzp_node_find_call (user_data, call_id);

  return entry != NULL && wzp_call_offer_conn (entry->call, conn);
}

const WzpDirectProofHandler wzp_node_proof_handler = {
  .proved = on_proved,
};

static gboolean
on_accept (WzpEndpoint *endpoint, WzpConn *conn, gpointer user_data)
{
  WzpNode *self = user_data;
  const guint8 *key = wzp_conn_get_peer_key (conn);
  WzpCallEntry *entry;
  const char *call_id;

  if (wzp_sni_classify (wzp_conn_get_server_name (conn), &call_id) !=
      WZP_SNI_KIND_DIRECT)
    return FALSE;
  if (key == NULL)
    return await_proof (self, conn, call_id);
  entry = wzp_node_find_call (self, call_id);
  if (entry == NULL)
    return keep_early (self, conn, call_id);
  if (memcmp (key, wzp_call_get_peer_key (entry->call), WZP_PUBLIC_KEY_LEN) !=
          0 ||
      entry->is_private)
    return FALSE;
  return wzp_call_offer_conn (entry->call, conn);
}

static void
on_woken (WzpEndpoint *endpoint, gpointer user_data)
{
  WzpNode *self = user_data;

  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    wzp_call_woken (entry->call);
  }
  if (self->room != NULL)
    wzp_room_woken (self->room);
}

static void
on_packet (
    WzpEndpoint *endpoint, const WzpUdpPacket *packet, gpointer user_data)
{
  WzpNode *self = user_data;

  for (guint i = 0; i < self->calls->len; i++) {
    const WzpCallEntry *entry = self->calls->pdata[i];

    if (wzp_call_take_packet (entry->call, packet))
      return;
  }
  wzp_endpoint_count_bad (endpoint);
}

const WzpEndpointHandler wzp_node_endpoint_handler = {
  .admit = on_admit,
  .accept = on_accept,
  .packet = on_packet,
  .woken = on_woken,
};

/* ---- failure ---- */

static gboolean
is_fatal (const WzpNode *self, const GError *error)
{
  if (self->config.mode == WZP_MODE_APP || self->config.no_reconnect)
    return TRUE;
  if (self->config.retries >= 0 &&
      self->attempts > (guint) self->config.retries)
    return TRUE;
  return g_error_matches (error, WZP_ERROR, WZP_ERROR_IDENTITY) ||
      g_error_matches (error, WZP_ERROR, WZP_ERROR_REJECTED) ||
      g_error_matches (error, WZP_ERROR, WZP_ERROR_INVALID);
}

static void
emit_retrying (WzpNode *self, const WzpFailure *failure, guint delay_ms)
{
  g_autoptr (GPtrArray) listeners = wzp_node_dup_listeners (self);

  for (guint i = 0; i < listeners->len; i++) {
    const WzpNodeListener *l = listeners->pdata[i];

    if (!g_atomic_int_get (&l->removed) && l->events->retrying != NULL)
      l->events->retrying (self, failure, delay_ms, l->user_data);
  }
}

void
wzp_node_fail_attempt (WzpNode *self, const GError *error, const char *phase,
    WzpPath path, const WzpCloseInfo *info)
{
  WzpFailure failure = { .error = error,
    .phase = phase,
    .path = path,
    .quic_error = info != NULL && !info->is_application ? info->code : 0,
    .tls_alert = info != NULL ? info->tls_alert : 0,
    .attempts = ++self->attempts };
  guint delay_ms;

  if (self->has_failed)
    return;
  wzp_node_clear_offer (self);
  if (!is_fatal (self, error)) {
    delay_ms = wzp_node_get_retry_ms (self, &failure, info);
    self->retry_at_us = wzp_clock_now_us () + (gint64) delay_ms * 1000;
    wzp_node_schedule (self, self->retry_at_us);
    if (self->calls->len == 0)
      wzp_node_set_state (self, WZP_STATE_DISCONNECTED, &failure);
    emit_retrying (self, &failure, delay_ms);
    return;
  }

  self->has_failed = TRUE;
  self->retry_at_us = -1;
  while (self->calls->len > 0)
    wzp_node_drop_call (
        self, self->calls->pdata[0], WZP_HANGUP_ERROR, error->message);
  /* Whoever waits in a flow must hear of it after the state has changed, so
   * that the reason is known by then. */
  wzp_node_set_state (self, WZP_STATE_FAILED, &failure);
  wzp_node_orphan_flows (self);
}

/* Used by wzp-node.c to make the table. */
GDestroyNotify
wzp_node_call_entry_free_func (void)
{
  return call_entry_free;
}
