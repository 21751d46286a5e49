/* Calls that this node makes through the relay's signalling. */
#include "wzp-clock.h"
#include "wzp-node-private.h"

#include <string.h>

void
wzp_node_clear_offer (WzpNode *self)
{
  g_clear_pointer (&self->offer.call_id, g_free);
  g_clear_pointer (&self->offer.ephemeral, wzp_ephemeral_free);
  g_clear_pointer (&self->offer.own_reflexive, g_free);
  g_clear_pointer (&self->offer.message, g_free);
  g_clear_pointer (&self->offer.early_setup, g_free);
  self->offer.has_early_report = FALSE;
}

static void
send_offer (WzpNode *self, const WzpFingerprint *target)
{
  g_autoptr (WzpMessage) offer =
      wzp_message_new (WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_autoptr (GError) error = NULL;

  if (!wzp_node_check_peer_pin (self, target, &error)) {
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
  self->offer.call_id = wzp_node_new_nonce ();
  self->offer.target = *target;
  self->offer.ephemeral = wzp_ephemeral_new ();
  self->offer.own_reflexive = wzp_node_dup_own_reflexive (self);
  self->offer.own_nat = wzp_node_get_nat (self);
  self->offer.deadline_us = wzp_clock_now_us () + WZP_NODE_ANSWER_TIMEOUT_US;

  offer->call_id = g_strdup (self->offer.call_id);
  offer->caller_fp = *wzp_identity_get_fingerprint (self->identity);
  offer->has_caller_fp = TRUE;
  offer->target_fp = *target;
  offer->has_target_fp = TRUE;
  offer->alias = g_strdup (self->config.alias);
  offer->reflexive_addr = g_strdup (self->offer.own_reflexive);
  offer->local_addrs = wzp_node_dup_host_candidates (self);
  wzp_node_fill_features (offer, self->offer.own_nat);
  wzp_node_sign_call (self, offer, self->offer.ephemeral, target);

  self->offer.message = wzp_message_to_json (offer);
  wzp_node_emit_progress (self, "call");
  if (!wzp_signal_client_send (self->signal, offer, &error)) {
    wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
    return;
  }
  wzp_node_schedule (self, self->offer.deadline_us);
}

void
wzp_node_repeat_offer (WzpNode *self)
{
  g_autoptr (WzpMessage) offer = NULL;

  if (self->offer.message == NULL)
    return;
  offer = wzp_message_parse (
      self->offer.message, strlen (self->offer.message), NULL);
  if (offer != NULL)
    wzp_signal_client_send (self->signal, offer, NULL);
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

void
wzp_node_place_call (WzpNode *self)
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

/* What overtook the answer. */
static void
take_early (WzpNode *self, WzpCallEntry *entry)
{
  if (self->offer.has_early_report)
    wzp_call_take_report (entry->call, self->offer.early_direct_ok);
  if (self->offer.early_setup != NULL) {
    g_autoptr (WzpMessage) setup = wzp_message_parse (
        self->offer.early_setup, strlen (self->offer.early_setup), NULL);

    if (setup != NULL)
      wzp_node_begin_race (self, entry, setup);
  }
}

static gboolean
take_answer (WzpNode *self, const WzpMessage *answer, GError **error)
{
  const WzpCallFeatures features = wzp_node_common_features (answer);
  g_autoptr (GBytes) data = NULL;
  WzpFingerprint peer;
  WzpCallEntry *entry;

  if (answer->accept_mode == WZP_ACCEPT_REJECT) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_REJECTED, "The peer rejected the call");
    return FALSE;
  }
  if (!answer->has_identity_pub || !answer->has_ephemeral_pub ||
      !answer->has_signature) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "The peer's answer has no keys to agree on");
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
  if (!wzp_node_check_features (answer, &features, error))
    return FALSE;

  entry = wzp_node_add_call (self, answer->call_id, answer->identity_pub,
      &features, self->offer.ephemeral, answer->ephemeral_pub, error);
  if (entry == NULL)
    return FALSE;
  entry->own_reflexive = g_steal_pointer (&self->offer.own_reflexive);
  entry->own_nat = self->offer.own_nat;
  entry->peer_nat = g_strdup (answer->nat);
  entry->is_private = answer->accept_mode == WZP_ACCEPT_GENERIC;
  wzp_node_warn_of_features (self, &peer, &features);
  take_early (self, entry);
  wzp_node_clear_offer (self);
  return TRUE;
}

void
wzp_node_take_answer (WzpNode *self, const WzpMessage *answer)
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
