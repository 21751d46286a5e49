/* How calls come about: through the relay's signalling (caller and listener),
 * or by descriptions that the application carries (mode APP). */
#include "wzp-clock.h"
#include "wzp-interfaces.h"
#include "wzp-node-private.h"

#include <string.h>

/* ---- what we tell of ourselves ---- */

static gboolean
reveals_addresses (const WzpNode *self)
{
  return self->config.accept_mode != WZP_ACCEPT_GENERIC &&
      self->config.policy != WZP_POLICY_RELAY;
}

char **
wzp_node_dup_host_candidates (WzpNode *self)
{
  GPtrArray *texts;
  WzpCandidateList list;
  g_autoptr (GError) error = NULL;

  if (self->config.no_host_candidates || !reveals_addresses (self))
    return NULL;
  if (!wzp_interfaces_gather (wzp_endpoint_get_port (self->endpoint, 4),
          wzp_endpoint_get_port (self->endpoint, 6),
          wzp_endpoint_get_bound (self->endpoint), &list, &error)) {
    wzp_node_emit_warning (self, error->message);
    return NULL;
  }

  texts = g_ptr_array_new ();
  g_mutex_lock (&self->lock);
  self->stats->n_local_candidates = list.n;
  for (guint i = 0; i < list.n; i++) {
    char buf[WZP_ADDR_MAX_STRLEN];

    wzp_addr_to_string (&list.items[i].addr, buf);
    g_strlcpy (self->stats->local_candidates[i], buf, sizeof buf);
    g_ptr_array_add (texts, g_strdup (buf));
  }
  g_mutex_unlock (&self->lock);
  g_ptr_array_add (texts, NULL);
  return (char **) g_ptr_array_free (texts, FALSE);
}

static char *
dup_own_reflexive (WzpNode *self)
{
  const char *reflexive = self->signal != NULL
      ? wzp_signal_client_get_reflexive (self->signal)
      : NULL;

  return reveals_addresses (self) ? g_strdup (reflexive) : NULL;
}

static char *
new_nonce (void)
{
  /* A version 4 UUID has 122 random bits from the system. */
  g_autofree char *uuid = g_uuid_string_random ();
  g_auto (GStrv) parts = g_strsplit (uuid, "-", -1);

  return g_strjoinv ("", parts);
}

static void
set_key (guint8 *to, gboolean *has, const guint8 *from)
{
  memcpy (to, from, WZP_PUBLIC_KEY_LEN);
  *has = TRUE;
}

static void
fill_features (WzpMessage *message)
{
  static const char *const features[] = { "control", "sealed", "flows", NULL };

  message->has_wzp = TRUE;
  message->features = g_strdupv ((char **) features);
}

static void
sign_call (WzpNode *self, WzpMessage *message, const WzpEphemeral *ephemeral,
    const WzpFingerprint *to)
{
  g_autoptr (GBytes) data = NULL;

  set_key (message->identity_pub, &message->has_identity_pub,
      wzp_identity_get_public_key (self->identity));
  set_key (message->ephemeral_pub, &message->has_ephemeral_pub,
      wzp_ephemeral_get_public_key (ephemeral));
  data = wzp_message_signed_call (message->ephemeral_pub, to, message->call_id);
  wzp_identity_sign (self->identity, data, message->signature);
  message->has_signature = TRUE;
}

void
wzp_node_send_hangup (
    WzpNode *self, const char *call_id, WzpHangupReason reason)
{
  g_autoptr (WzpMessage) message = wzp_message_new (WZP_MESSAGE_HANGUP);

  if (self->signal == NULL || !wzp_signal_client_is_ready (self->signal))
    return;
  message->call_id = g_strdup (call_id);
  message->reason = reason;
  wzp_signal_client_send (self->signal, message, NULL);
}

/* ---- caller ---- */

void
wzp_node_clear_offer (WzpNode *self)
{
  g_clear_pointer (&self->offer.call_id, g_free);
  g_clear_pointer (&self->offer.ephemeral, wzp_ephemeral_free);
  g_clear_pointer (&self->offer.own_reflexive, g_free);
  g_clear_pointer (&self->offer.early_setup, g_free);
}

static gboolean
check_peer_pin (WzpNode *self, const WzpFingerprint *peer, GError **error)
{
  WzpFingerprint wanted;
  char text[WZP_FINGERPRINT_STRLEN];

  if (self->config.peer_fingerprint == NULL)
    return TRUE;
  if (!wzp_fingerprint_parse (self->config.peer_fingerprint, &wanted, error))
    return FALSE;
  if (wzp_fingerprint_equal (&wanted, peer))
    return TRUE;
  g_set_error (error, WZP_ERROR, WZP_ERROR_IDENTITY,
      "The peer's fingerprint is %s, not %s as peer-fingerprint asks",
      wzp_fingerprint_to_string (peer, text), self->config.peer_fingerprint);
  return FALSE;
}

static void
send_offer (WzpNode *self, const WzpFingerprint *target)
{
  g_autoptr (WzpMessage) offer =
      wzp_message_new (WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_autoptr (GError) error = NULL;

  if (!check_peer_pin (self, target, &error)) {
    wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
    return;
  }
  if (wzp_fingerprint_equal (
          target, wzp_identity_get_fingerprint (self->identity))) {
    g_set_error_literal (
        &error, WZP_ERROR, WZP_ERROR_INVALID, "The peer is this node itself");
    wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
    return;
  }

  wzp_node_clear_offer (self);
  self->offer.call_id = new_nonce ();
  self->offer.target = *target;
  self->offer.ephemeral = wzp_ephemeral_new ();
  self->offer.own_reflexive = dup_own_reflexive (self);
  self->offer.deadline_us = wzp_clock_now_us () + WZP_NODE_ANSWER_TIMEOUT_US;

  offer->call_id = g_strdup (self->offer.call_id);
  offer->caller_fp = *wzp_identity_get_fingerprint (self->identity);
  offer->has_caller_fp = TRUE;
  offer->target_fp = *target;
  offer->has_target_fp = TRUE;
  offer->alias = g_strdup (self->config.alias);
  offer->reflexive_addr = g_strdup (self->offer.own_reflexive);
  offer->local_addrs = wzp_node_dup_host_candidates (self);
  fill_features (offer);
  sign_call (self, offer, self->offer.ephemeral, target);

  wzp_node_emit_progress (self, "call");
  if (!wzp_signal_client_send (self->signal, offer, &error)) {
    wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
    return;
  }
  wzp_node_schedule (self, self->offer.deadline_us);
}

static void
on_resolved (WzpSignalClient *client, const WzpFingerprint *fingerprint,
    const GError *error, gpointer user_data)
{
  WzpNode *self = user_data;

  if (fingerprint == NULL)
    wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
  else
    send_offer (self, fingerprint);
}

static void
place_call (WzpNode *self)
{
  WzpFingerprint target;

  if (self->calls->len > 0 || self->offer.call_id != NULL)
    return;
  if (wzp_fingerprint_parse (self->config.peer, &target, NULL))
    send_offer (self, &target);
  else
    wzp_signal_client_resolve (
        self->signal, self->config.peer, on_resolved, self);
}

static void
begin_race (WzpNode *self, WzpCallEntry *entry, const WzpMessage *setup)
{
  wzp_node_start_call (self, entry, (const char *const *) setup->local_addrs,
      setup->reflexive_addr);
}

static gboolean
take_answer (WzpNode *self, const WzpMessage *answer, GError **error)
{
  g_autoptr (GBytes) data = NULL;
  WzpFingerprint peer;
  WzpCallEntry *entry;

  if (answer->accept_mode == WZP_ACCEPT_REJECT) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_REJECTED, "The peer rejected the call");
    return FALSE;
  }
  if (!answer->has_identity_pub || !answer->has_ephemeral_pub ||
      !answer->has_signature || !answer->has_wzp) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "The peer's answer has no keys of ours to agree on");
    return FALSE;
  }
  wzp_fingerprint_of_key (answer->identity_pub, &peer);
  data = wzp_message_signed_call (answer->ephemeral_pub,
      wzp_identity_get_fingerprint (self->identity), answer->call_id);
  if (!wzp_fingerprint_equal (&peer, &self->offer.target) ||
      !wzp_identity_verify (answer->identity_pub, data, answer->signature)) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_IDENTITY,
        "The answer is not signed by the peer that was called");
    return FALSE;
  }

  entry = wzp_node_add_call (self, answer->call_id, answer->identity_pub,
      self->offer.ephemeral, answer->ephemeral_pub, error);
  if (entry == NULL)
    return FALSE;
  entry->own_reflexive = g_steal_pointer (&self->offer.own_reflexive);
  entry->is_private = answer->accept_mode == WZP_ACCEPT_GENERIC;
  if (self->offer.early_setup != NULL) {
    g_autoptr (WzpMessage) setup = wzp_message_parse (
        self->offer.early_setup, strlen (self->offer.early_setup), NULL);

    if (setup != NULL)
      begin_race (self, entry, setup);
  }
  wzp_node_clear_offer (self);
  return TRUE;
}

static void
on_answer (WzpNode *self, const WzpMessage *answer)
{
  g_autoptr (GError) error = NULL;

  if (g_strcmp0 (answer->call_id, self->offer.call_id) != 0)
    return;
  if (take_answer (self, answer, &error))
    return;
  if (answer->accept_mode != WZP_ACCEPT_REJECT)
    wzp_node_send_hangup (self, answer->call_id, WZP_HANGUP_ERROR);
  wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
}

/* ---- listener ---- */

static gboolean
check_offer (WzpNode *self, const WzpMessage *offer, GError **error)
{
  g_autoptr (GBytes) data = NULL;
  WzpFingerprint caller;

  if (!offer->has_identity_pub || !offer->has_ephemeral_pub ||
      !offer->has_signature || !offer->has_wzp ||
      !wzp_call_id_is_valid (offer->call_id)) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "A caller's offer lacks keys or a valid call id");
    return FALSE;
  }
  wzp_fingerprint_of_key (offer->identity_pub, &caller);
  data = wzp_message_signed_call (offer->ephemeral_pub,
      wzp_identity_get_fingerprint (self->identity), offer->call_id);
  if (!wzp_fingerprint_equal (&caller, &offer->caller_fp) ||
      !wzp_identity_verify (offer->identity_pub, data, offer->signature)) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_IDENTITY,
        "A caller's offer is not signed by the identity it names");
    return FALSE;
  }
  return check_peer_pin (self, &caller, error);
}

static gboolean
ask_application (WzpNode *self, const WzpMessage *offer)
{
  g_autoptr (GPtrArray) listeners = wzp_node_dup_listeners (self);
  WzpPeerInfo info = { .fingerprint = offer->caller_fp, .alias = offer->alias };

  for (guint i = 0; i < listeners->len; i++) {
    const WzpNodeListener *l = listeners->pdata[i];

    if (!g_atomic_int_get (&l->removed) &&
        l->events->caller_connecting != NULL &&
        !l->events->caller_connecting (self, &info, l->user_data))
      return FALSE;
  }
  return TRUE;
}

/* Room for one more call; a caller that came back, or one that has gone silent,
 * makes room for the new one. */
static gboolean
make_room (WzpNode *self, const WzpFingerprint *caller)
{
  for (guint i = self->calls->len; i > 0; i--) {
    WzpCallEntry *entry = self->calls->pdata[i - 1];

    if (wzp_fingerprint_equal (wzp_call_get_peer (entry->call), caller))
      wzp_node_drop_call (self, entry, WZP_HANGUP_NORMAL, "Called again");
  }
  for (guint i = self->calls->len;
       i > 0 && self->calls->len >= wzp_node_max_calls (self); i--) {
    WzpCallEntry *entry = self->calls->pdata[i - 1];

    if (wzp_call_is_started (entry->call) &&
        wzp_call_get_silence_us (entry->call) > WZP_NODE_REPLACE_US)
      wzp_node_drop_call (self, entry, WZP_HANGUP_TIMEOUT, "Gone silent");
  }
  return self->calls->len < wzp_node_max_calls (self);
}

static void
send_answer (WzpNode *self, const WzpMessage *offer, WzpCallEntry *entry,
    const WzpEphemeral *ephemeral)
{
  g_autoptr (WzpMessage) answer =
      wzp_message_new (WZP_MESSAGE_DIRECT_CALL_ANSWER);
  g_autoptr (GError) error = NULL;

  answer->call_id = g_strdup (offer->call_id);
  answer->accept_mode = self->config.accept_mode;
  entry->own_reflexive = dup_own_reflexive (self);
  answer->reflexive_addr = g_strdup (entry->own_reflexive);
  answer->local_addrs = wzp_node_dup_host_candidates (self);
  fill_features (answer);
  sign_call (self, answer, ephemeral, &offer->caller_fp);
  if (!wzp_signal_client_send (self->signal, answer, &error)) {
    wzp_node_emit_warning (self, error->message);
    wzp_node_drop_call (self, entry, WZP_HANGUP_ERROR, error->message);
  }
}

static void
on_offer (WzpNode *self, const WzpMessage *offer)
{
  g_autoptr (WzpMessage) ringing = wzp_message_new (WZP_MESSAGE_CALL_RINGING);
  g_autoptr (WzpEphemeral) ephemeral = NULL;
  g_autoptr (GError) error = NULL;
  WzpCallEntry *entry;

  if (self->config.mode != WZP_MODE_LISTENER) {
    wzp_node_send_hangup (self, offer->call_id, WZP_HANGUP_BUSY);
    return;
  }
  if (!check_offer (self, offer, &error)) {
    wzp_node_emit_warning (self, error->message);
    wzp_node_send_hangup (self, offer->call_id, WZP_HANGUP_DECLINED);
    return;
  }
  if (wzp_node_find_call (self, offer->call_id) != NULL)
    return;
  ringing->call_id = g_strdup (offer->call_id);
  wzp_signal_client_send (self->signal, ringing, NULL);
  if (!make_room (self, &offer->caller_fp)) {
    wzp_node_send_hangup (self, offer->call_id, WZP_HANGUP_BUSY);
    return;
  }
  if (!ask_application (self, offer)) {
    wzp_node_send_hangup (self, offer->call_id, WZP_HANGUP_DECLINED);
    return;
  }

  ephemeral = wzp_ephemeral_new ();
  entry = wzp_node_add_call (self, offer->call_id, offer->identity_pub,
      ephemeral, offer->ephemeral_pub, &error);
  if (entry == NULL) {
    wzp_node_emit_warning (self, error->message);
    wzp_node_send_hangup (self, offer->call_id, WZP_HANGUP_ERROR);
    return;
  }
  entry->is_incoming = TRUE;
  entry->alias = g_strdup (offer->alias);
  entry->is_private = self->config.accept_mode == WZP_ACCEPT_GENERIC;
  if (self->config.mode == WZP_MODE_LISTENER && self->calls->len == 1)
    wzp_node_set_state (self, WZP_STATE_CONNECTING, NULL);
  send_answer (self, offer, entry, ephemeral);
}

/* ---- both ---- */

static void
on_setup (WzpNode *self, const WzpMessage *setup)
{
  WzpCallEntry *entry = wzp_node_find_call (self, setup->call_id);

  if (entry != NULL && !wzp_call_is_started (entry->call)) {
    begin_race (self, entry, setup);
  } else if (entry == NULL &&
      g_strcmp0 (setup->call_id, self->offer.call_id) == 0) {
    /* Streams may overtake each other: the answer is still under way. */
    g_free (self->offer.early_setup);
    self->offer.early_setup = wzp_message_to_json (setup);
  }
}

static GError *
error_of_hangup (const WzpMessage *hangup)
{
  const char *detail = hangup->detail;

  switch (hangup->reason) {
    case WZP_HANGUP_NORMAL:
      return NULL;
    case WZP_HANGUP_BUSY:
      return g_error_new_literal (
          WZP_ERROR, WZP_ERROR_BUSY, "The peer is busy");
    case WZP_HANGUP_DECLINED:
      return g_error_new_literal (
          WZP_ERROR, WZP_ERROR_REJECTED, "The peer declined the call");
    case WZP_HANGUP_TIMEOUT:
      return g_error_new_literal (
          WZP_ERROR, WZP_ERROR_TIMED_OUT, "The peer did not answer the call");
    case WZP_HANGUP_ERROR:
      if (g_strcmp0 (detail, WZP_HANGUP_DETAIL_NOT_FOUND) == 0)
        return g_error_new_literal (WZP_ERROR, WZP_ERROR_NOT_FOUND,
            "The peer is not registered at the relay");
      return g_error_new (WZP_ERROR, WZP_ERROR_CLOSED,
          "The call was ended by an error of the other side%s%s",
          detail != NULL ? ": " : "", detail != NULL ? detail : "");
  }
  g_return_val_if_reached (NULL);
}

static void
on_hangup (WzpNode *self, const WzpMessage *hangup)
{
  g_autoptr (GError) error = error_of_hangup (hangup);

  if (self->offer.call_id != NULL &&
      (hangup->call_id == NULL ||
          g_strcmp0 (hangup->call_id, self->offer.call_id) == 0)) {
    if (error == NULL)
      error = g_error_new_literal (
          WZP_ERROR, WZP_ERROR_CLOSED, "The peer ended the call");
    wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
    return;
  }
  for (guint i = 0; i < self->calls->len; i++) {
    WzpCallEntry *entry = self->calls->pdata[i];

    if (hangup->call_id == NULL ||
        g_strcmp0 (hangup->call_id, wzp_call_get_id (entry->call)) == 0)
      wzp_call_peer_hung_up (entry->call, error);
  }
}

static void
on_candidate_update (WzpNode *self, const WzpMessage *update)
{
  WzpCallEntry *entry = wzp_node_find_call (self, update->call_id);
  WzpCandidateList list;
  WzpCandidateFilter filter;

  if (entry == NULL || entry->is_private)
    return;
  wzp_node_fill_candidate_filter (self, &filter);
  wzp_candidate_list_from_remote (&list,
      (const char *const *) update->local_addrs, update->reflexive_addr,
      &filter);
  wzp_call_add_candidates (entry->call, &list);
}

static void
on_signal_message (
    WzpSignalClient *client, const WzpMessage *message, gpointer user_data)
{
  WzpNode *self = user_data;

  switch (message->type) {
    case WZP_MESSAGE_DIRECT_CALL_OFFER:
      on_offer (self, message);
      break;
    case WZP_MESSAGE_DIRECT_CALL_ANSWER:
      on_answer (self, message);
      break;
    case WZP_MESSAGE_CALL_SETUP:
      on_setup (self, message);
      break;
    case WZP_MESSAGE_HANGUP:
      on_hangup (self, message);
      break;
    case WZP_MESSAGE_CANDIDATE_UPDATE:
      on_candidate_update (self, message);
      break;
    default:
      /* Ringing and the like: nothing follows from them. */
      break;
  }
}

static void
on_signal_progress (
    WzpSignalClient *client, const char *step, gpointer user_data)
{
  WzpNode *self = user_data;

  if (self->calls->len == 0)
    wzp_node_emit_progress (self, step);
}

static void
on_signal_ready (WzpSignalClient *client, gpointer user_data)
{
  WzpNode *self = user_data;
  const char *reflexive = wzp_signal_client_get_reflexive (client);

  g_mutex_lock (&self->lock);
  g_strlcpy (self->stats->reflexive, reflexive != NULL ? reflexive : "",
      sizeof self->stats->reflexive);
  g_mutex_unlock (&self->lock);

  switch (self->config.mode) {
    case WZP_MODE_CALLER:
      place_call (self);
      break;
    case WZP_MODE_LISTENER:
      self->attempts = 0;
      wzp_node_emit_progress (self, "listening");
      break;
    case WZP_MODE_APP:
      /* With a call, what was told stays valid. */
      if (self->calls->len == 0)
        wzp_node_publish_local (self);
      break;
  }
}

static void
on_signal_warning (
    WzpSignalClient *client, const char *text, gpointer user_data)
{
  wzp_node_emit_warning (user_data, text);
}

static void
on_signal_failed (
    WzpSignalClient *client, const GError *error, gpointer user_data)
{
  WzpNode *self = user_data;

  /* A call that is up does without; registration is tried again behind it. */
  if (self->calls->len > 0) {
    self->retry_at_us = wzp_clock_now_us () +
        (gint64) (self->config.retry_backoff_factor * G_USEC_PER_SEC);
    wzp_node_schedule (self, self->retry_at_us);
    wzp_node_emit_warning (self, error->message);
    return;
  }
  /* The application carries the candidates: direct calls are still possible. */
  if (self->config.mode == WZP_MODE_APP &&
      self->config.policy != WZP_POLICY_RELAY) {
    wzp_node_emit_warning (self, error->message);
    wzp_node_publish_local (self);
    return;
  }
  wzp_node_fail_attempt (self, error, "connect", WZP_PATH_RELAY, NULL);
}

static const WzpSignalHandler signal_handler = {
  .progress = on_signal_progress,
  .ready = on_signal_ready,
  .message = on_signal_message,
  .warning = on_signal_warning,
  .failed = on_signal_failed,
};

void
wzp_node_begin (WzpNode *self)
{
  const WzpNodeConfig *config = &self->config;
  WzpSignalConfig signal = { .relay = config->relay,
    .trust = config->relay_trust,
    .relay_fingerprint = config->relay_fingerprint,
    .known_relays_path = config->known_relays_path,
    .alias = config->mode == WZP_MODE_APP ? NULL : config->alias,
    .token = config->token,
    .timeout_ms = config->relay_timeout_ms };

  if (config->relay == NULL) {
    wzp_node_publish_local (self);
    return;
  }
  self->signal = wzp_signal_client_new (
      self->endpoint, self->identity, &signal, &signal_handler, self);
  wzp_signal_client_start (self->signal);
}

void
wzp_node_try_again (WzpNode *self)
{
  self->retry_at_us = -1;
  if (self->signal == NULL)
    return;
  if (self->calls->len == 0)
    wzp_node_set_state (self, WZP_STATE_CONNECTING, NULL);
  if (!wzp_signal_client_is_ready (self->signal))
    wzp_signal_client_start (self->signal);
  else if (self->config.mode == WZP_MODE_CALLER)
    place_call (self);
}

void
wzp_node_housekeep_signal (WzpNode *self, gint64 now_us)
{
  g_autoptr (GError) error = NULL;

  if (self->offer.call_id == NULL)
    return;
  if (now_us < self->offer.deadline_us) {
    wzp_node_schedule (self, self->offer.deadline_us);
    return;
  }
  wzp_node_send_hangup (self, self->offer.call_id, WZP_HANGUP_TIMEOUT);
  g_set_error (&error, WZP_ERROR, WZP_ERROR_TIMED_OUT,
      "The peer did not answer within %d s",
      (int) (WZP_NODE_ANSWER_TIMEOUT_US / G_USEC_PER_SEC));
  wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
}

/* ---- mode APP ---- */

void
wzp_node_publish_local (WzpNode *self)
{
  g_autoptr (GPtrArray) listeners = NULL;
  g_autoptr (WzpDescription) local = wzp_description_new ();
  g_autoptr (WzpDescription) waiting = NULL;
  g_autoptr (GBytes) data = NULL;

  /* New keys for each call; the same ones while more candidates come. */
  g_clear_pointer (&self->app_ephemeral, wzp_ephemeral_free);
  self->app_ephemeral = wzp_ephemeral_new ();
  g_hash_table_remove_all (self->app_used);
  memcpy (local->identity, wzp_identity_get_public_key (self->identity),
      WZP_PUBLIC_KEY_LEN);
  memcpy (local->ephemeral, wzp_ephemeral_get_public_key (self->app_ephemeral),
      WZP_PUBLIC_KEY_LEN);
  local->nonce = new_nonce ();
  local->reflexive = dup_own_reflexive (self);
  local->local = wzp_node_dup_host_candidates (self);
  local->relay = g_strdup (self->config.relay);
  data = wzp_description_signed (local);
  wzp_identity_sign (self->identity, data, local->signature);

  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->local, wzp_description_free);
  self->local = wzp_description_copy (local);
  g_mutex_unlock (&self->lock);

  /* After it was set: who listens from now on can ask for it. */
  listeners = wzp_node_dup_listeners (self);
  for (guint i = 0; i < listeners->len; i++) {
    const WzpNodeListener *l = listeners->pdata[i];

    if (!g_atomic_int_get (&l->removed) && l->events->local_candidates != NULL)
      l->events->local_candidates (self, local, l->user_data);
  }
  waiting = g_steal_pointer (&self->early_remote);
  if (waiting != NULL)
    wzp_node_take_remote (self, waiting);
}

static WzpCallEntry *
add_app_call (WzpNode *self, const WzpDescription *remote, const char *call_id,
    GError **error)
{
  WzpFingerprint peer;
  WzpCallEntry *entry;

  wzp_fingerprint_of_key (remote->identity, &peer);
  if (!check_peer_pin (self, &peer, error))
    return NULL;
  while (self->calls->len > 0)
    wzp_node_drop_call (
        self, self->calls->pdata[0], WZP_HANGUP_NORMAL, "Another call begins");
  entry = wzp_node_add_call (self, call_id, remote->identity,
      self->app_ephemeral, remote->ephemeral, error);
  if (entry != NULL)
    entry->own_reflexive = g_strdup (self->local->reflexive);
  return entry;
}

/* Both sides' nonces in one, so that either side's new description means a new
 * call: what SHA-256 makes of them, the smaller first. */
static char *
app_call_nonce (const char *a, const char *b)
{
  gboolean is_a_first = strcmp (a, b) < 0;
  g_autofree char *both =
      g_strconcat (is_a_first ? a : b, is_a_first ? b : a, NULL);
  char *nonce = g_compute_checksum_for_string (G_CHECKSUM_SHA256, both, -1);

  nonce[WZP_DESCRIPTION_NONCE_LEN] = '\0';
  return nonce;
}

/* The same two descriptions give the same keys, and a number must never seal
 * two texts: a pair is used once. */
static gboolean
use_once (WzpNode *self, const char *call_id)
{
  if (!g_hash_table_add (self->app_used, g_strdup (call_id))) {
    wzp_node_emit_warning (
        self, "These candidates have made a call before; new ones are needed");
    return FALSE;
  }
  return TRUE;
}

void
wzp_node_take_remote (WzpNode *self, const WzpDescription *remote)
{
  g_autofree char *call_id = NULL;
  g_autoptr (GError) error = NULL;
  WzpFingerprint peer;
  WzpCallEntry *entry;
  g_autofree char *nonce = NULL;

  if (self->has_failed)
    return;
  if (self->local == NULL) {
    /* The relay has not told our address yet; the newest is kept. */
    g_clear_pointer (&self->early_remote, wzp_description_free);
    self->early_remote = wzp_description_copy (remote);
    return;
  }
  wzp_fingerprint_of_key (remote->identity, &peer);
  nonce = app_call_nonce (remote->nonce, self->local->nonce);
  call_id = wzp_call_id_new_self_naming (
      nonce, wzp_identity_get_fingerprint (self->identity), &peer);
  entry = wzp_node_find_call (self, call_id);
  if (entry != NULL) {
    WzpCandidateList list;
    WzpCandidateFilter filter;

    wzp_node_fill_candidate_filter (self, &filter);
    wzp_candidate_list_from_remote (
        &list, (const char *const *) remote->local, remote->reflexive, &filter);
    wzp_call_add_candidates (entry->call, &list);
    return;
  }

  if (!use_once (self, call_id))
    return;
  wzp_node_set_state (self, WZP_STATE_CONNECTING, NULL);
  entry = add_app_call (self, remote, call_id, &error);
  if (entry == NULL) {
    wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
    return;
  }
  wzp_node_start_call (
      self, entry, (const char *const *) remote->local, remote->reflexive);
}
