/* Calls that come to this node through the relay's signalling. */
#include "wzp-node-private.h"

static gboolean
check_offer (WzpNode *self, const WzpMessage *offer,
    const WzpCallFeatures *features, GError **error)
{
  g_autoptr (GBytes) data = NULL;
  WzpFingerprint caller;

  if (!offer->has_identity_pub || !offer->has_ephemeral_pub ||
      !offer->has_signature || !wzp_call_id_is_valid (offer->call_id)) {
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
  return wzp_node_check_features (offer, features, error) &&
      wzp_node_check_peer_pin (self, &caller, error);
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
  entry->own_reflexive = wzp_node_dup_own_reflexive (self);
  answer->reflexive_addr = g_strdup (entry->own_reflexive);
  answer->local_addrs = wzp_node_dup_host_candidates (self);
  /* Only together can the two decide anything. */
  entry->own_nat = entry->peer_nat != NULL ? wzp_node_get_nat (self) : NULL;
  wzp_node_fill_features (answer, entry->own_nat);
  wzp_node_sign_call (self, answer, ephemeral, &offer->caller_fp);
  if (!wzp_signal_client_send (self->signal, answer, &error)) {
    wzp_node_emit_warning (self, error->message);
    wzp_node_drop_call (self, entry, WZP_HANGUP_ERROR, error->message);
  }
}

void
wzp_node_take_offer (WzpNode *self, const WzpMessage *offer)
{
  const WzpCallFeatures features = wzp_node_common_features (offer);
  g_autoptr (WzpMessage) ringing = wzp_message_new (WZP_MESSAGE_CALL_RINGING);
  g_autoptr (WzpEphemeral) ephemeral = NULL;
  g_autoptr (GError) error = NULL;
  WzpCallEntry *entry;

  if (self->config.mode != WZP_MODE_LISTENER) {
    wzp_node_send_hangup (self, offer->call_id, WZP_HANGUP_BUSY);
    return;
  }
  if (!check_offer (self, offer, &features, &error)) {
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
      &features, ephemeral, offer->ephemeral_pub, &error);
  if (entry == NULL) {
    wzp_node_emit_warning (self, error->message);
    wzp_node_send_hangup (self, offer->call_id, WZP_HANGUP_ERROR);
    return;
  }
  entry->is_incoming = TRUE;
  entry->alias = g_strdup (offer->alias);
  entry->peer_nat = g_strdup (offer->nat);
  entry->is_private = self->config.accept_mode == WZP_ACCEPT_GENERIC;
  if (self->config.mode == WZP_MODE_LISTENER && self->calls->len == 1)
    wzp_node_set_state (self, WZP_STATE_CONNECTING, NULL);
  wzp_node_warn_of_features (self, &offer->caller_fp, &features);
  send_answer (self, offer, entry, ephemeral);
}
