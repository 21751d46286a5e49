/* What a node tells the other side of a call about itself: addresses, keys,
 * features; and whom it wants to talk to at all. */
#include "wzp-interfaces.h"
#include "wzp-node-private.h"

#include <string.h>

#define FEATURE_CONTROL "control"
#define FEATURE_SEALED  "sealed"
#define FEATURE_FLOWS   "flows"
#define FEATURE_PUNCH   "punch"

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

char *
wzp_node_dup_own_reflexive (WzpNode *self)
{
  const char *reflexive = self->signal != NULL
      ? wzp_signal_client_get_reflexive (self->signal)
      : NULL;

  return reveals_addresses (self) ? g_strdup (reflexive) : NULL;
}

const char *
wzp_node_get_nat (const WzpNode *self)
{
  return reveals_addresses (self) ? self->nat : NULL;
}

char *
wzp_node_new_nonce (void)
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

void
wzp_node_fill_features (WzpMessage *message, const char *nat)
{
  static const char *const features[] = { FEATURE_CONTROL, FEATURE_SEALED,
    FEATURE_FLOWS, FEATURE_PUNCH, NULL };

  message->has_wzp = TRUE;
  message->nat = g_strdup (nat);
  message->features = g_strdupv ((char **) features);
}

WzpCallFeatures
wzp_node_common_features (const WzpMessage *message)
{
  WzpCallFeatures features = {
    .has_control = wzp_message_has_feature (message, FEATURE_CONTROL),
    .is_sealed = wzp_message_has_feature (message, FEATURE_SEALED),
    .has_flows = wzp_message_has_feature (message, FEATURE_FLOWS),
    .has_punch = wzp_message_has_feature (message, FEATURE_PUNCH),
    .peer_is_open = g_strcmp0 (message->nat, "none") == 0,
  };

  features.has_punch &= features.has_control;
  return features;
}

gboolean
wzp_node_check_features (
    const WzpMessage *message, const WzpCallFeatures *features, GError **error)
{
  if ((features->is_sealed && features->has_control) ||
      !wzp_ephemeral_key_seals (message->ephemeral_pub))
    return TRUE;
  g_set_error (error, WZP_ERROR, WZP_ERROR_IDENTITY,
      "The %s was changed on its way: what seals the media was taken out",
      message->type == WZP_MESSAGE_DIRECT_CALL_OFFER ? "offer" : "answer");
  return FALSE;
}

void
wzp_node_warn_of_features (
    WzpNode *self, const WzpFingerprint *peer, const WzpCallFeatures *features)
{
  char text[WZP_FINGERPRINT_STRLEN];
  g_autofree char *warning = NULL;

  if (features->is_sealed || self->config.policy == WZP_POLICY_DIRECT)
    return;
  warning = g_strdup_printf (
      "The peer %s cannot seal media: where the call goes by the relay, the "
      "relay can read it",
      wzp_fingerprint_to_string (peer, text));
  wzp_node_emit_warning (self, warning);
}

void
wzp_node_sign_call (WzpNode *self, WzpMessage *message,
    const WzpEphemeral *ephemeral, const WzpFingerprint *to)
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

gboolean
wzp_node_check_peer_pin (
    WzpNode *self, const WzpFingerprint *peer, GError **error)
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

char *
wzp_node_dup_told (WzpNode *self)
{
  g_auto (GStrv) hosts = wzp_node_dup_host_candidates (self);
  g_autofree char *reflexive = wzp_node_dup_own_reflexive (self);
  g_autofree char *list = hosts != NULL ? g_strjoinv (" ", hosts) : NULL;

  return g_strjoin (
      " ", reflexive != NULL ? reflexive : "-", list != NULL ? list : "", NULL);
}

void
wzp_node_note_call (WzpNode *self, const WzpCallEntry *entry)
{
  wzp_call_note_nat (entry->call, entry->own_nat, entry->peer_nat);
  if (entry->is_private)
    return;
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->stats->n_local_candidates; i++)
    wzp_call_note_local (entry->call, self->stats->local_candidates[i],
        WZP_CANDIDATE_HOST, "an interface of ours");
  g_mutex_unlock (&self->lock);
  wzp_call_note_local (entry->call, entry->own_reflexive,
      WZP_CANDIDATE_SERVER_REFLEXIVE, "the relay sees us there");
}

/* Takes @reflexive, nullable. */
static gboolean
send_update (WzpNode *self, WzpCallEntry *entry, char *reflexive)
{
  g_autoptr (WzpMessage) update =
      wzp_message_new (WZP_MESSAGE_CANDIDATE_UPDATE);

  update->call_id = g_strdup (wzp_call_get_id (entry->call));
  update->reflexive_addr = reflexive;
  update->local_addrs = wzp_node_dup_host_candidates (self);
  update->generation = ++entry->generation;
  return wzp_signal_client_send (self->signal, update, NULL);
}

void
wzp_node_tell_reflexive (
    WzpNode *self, WzpCallEntry *entry, const WzpAddr *reflexive)
{
  char text[WZP_ADDR_MAX_STRLEN];

  if (entry->is_private || self->signal == NULL)
    return;
  g_clear_pointer (&entry->told, g_free);
  if (reflexive == NULL)
    wzp_node_tell_changes (self);
  else if (send_update (
               self, entry, g_strdup (wzp_addr_to_string (reflexive, text))))
    entry->told = wzp_node_dup_told (self); /* until that changes */
}

void
wzp_node_tell_changes (WzpNode *self)
{
  g_autofree char *told = NULL;

  if (self->config.mode == WZP_MODE_APP || self->calls->len == 0)
    return;
  told = wzp_node_dup_told (self);
  for (guint i = 0; i < self->calls->len; i++) {
    WzpCallEntry *entry = self->calls->pdata[i];

    if (entry->is_private || g_strcmp0 (entry->told, told) == 0)
      continue;
    if (send_update (self, entry, wzp_node_dup_own_reflexive (self))) {
      g_free (entry->told);
      entry->told = g_strdup (told);
    }
  }
}
