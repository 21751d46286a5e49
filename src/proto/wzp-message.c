#include "wzp-message.h"

#include <string.h>

#define REGISTER_CONTEXT "register-presence"
#define OFFER_CONTEXT    "call-offer"
#define ANSWER_CONTEXT   "call-answer"

WzpMessage *
wzp_message_new (WzpMessageType type)
{
  WzpMessage *message = g_new0 (WzpMessage, 1);

  message->type = type;
  return message;
}

static WzpParticipant *
copy_participants (const WzpParticipant *participants, guint n)
{
  WzpParticipant *copy = g_memdup2 (participants, n * sizeof *participants);

  for (guint i = 0; i < n; i++) {
    copy[i].alias = g_strdup (participants[i].alias);
    copy[i].relay_label = g_strdup (participants[i].relay_label);
  }
  return copy;
}

static void
free_participants (WzpParticipant *participants, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_free (participants[i].alias);
    g_free (participants[i].relay_label);
  }
  g_free (participants);
}

WzpMessage *
wzp_message_copy (const WzpMessage *message)
{
  WzpMessage *copy = g_memdup2 (message, sizeof *message);

  copy->call_id = g_strdup (message->call_id);
  copy->alias = g_strdup (message->alias);
  copy->token = g_strdup (message->token);
  copy->error = g_strdup (message->error);
  copy->observed_addr = g_strdup (message->observed_addr);
  copy->reflexive_addr = g_strdup (message->reflexive_addr);
  copy->local_addrs = g_strdupv (message->local_addrs);
  copy->room = g_strdup (message->room);
  copy->relay_addr = g_strdup (message->relay_addr);
  copy->mapped_addr = g_strdup (message->mapped_addr);
  copy->detail = g_strdup (message->detail);
  copy->features = g_strdupv (message->features);
  copy->nat = g_strdup (message->nat);
  copy->participants =
      copy_participants (message->participants, message->n_participants);
  copy->tls_fingerprint = g_strdup (message->tls_fingerprint);
  copy->origin_relay_fp = g_strdup (message->origin_relay_fp);
  if (message->inner != NULL)
    copy->inner = wzp_message_copy (message->inner);
  copy->fingerprints = g_strdupv (message->fingerprints);
  copy->name = g_strdup (message->name);
  return copy;
}

void
wzp_message_free (WzpMessage *message)
{
  if (message == NULL)
    return;
  g_free (message->call_id);
  g_free (message->alias);
  g_free (message->token);
  g_free (message->error);
  g_free (message->observed_addr);
  g_free (message->reflexive_addr);
  g_strfreev (message->local_addrs);
  g_free (message->room);
  g_free (message->relay_addr);
  g_free (message->mapped_addr);
  g_free (message->detail);
  g_strfreev (message->features);
  g_free (message->nat);
  free_participants (message->participants, message->n_participants);
  g_free (message->tls_fingerprint);
  g_free (message->origin_relay_fp);
  wzp_message_free (message->inner);
  g_strfreev (message->fingerprints);
  g_free (message->name);
  g_free (message);
}

const char *
wzp_message_type_to_string (WzpMessageType type)
{
  switch (type) {
    case WZP_MESSAGE_UNKNOWN:
      return "unknown";
    case WZP_MESSAGE_AUTH_TOKEN:
      return "AuthToken";
    case WZP_MESSAGE_REGISTER_PRESENCE:
      return "RegisterPresence";
    case WZP_MESSAGE_REGISTER_PRESENCE_ACK:
      return "RegisterPresenceAck";
    case WZP_MESSAGE_REFLECT:
      return "Reflect";
    case WZP_MESSAGE_REFLECT_RESPONSE:
      return "ReflectResponse";
    case WZP_MESSAGE_DIRECT_CALL_OFFER:
      return "DirectCallOffer";
    case WZP_MESSAGE_CALL_RINGING:
      return "CallRinging";
    case WZP_MESSAGE_DIRECT_CALL_ANSWER:
      return "DirectCallAnswer";
    case WZP_MESSAGE_CALL_SETUP:
      return "CallSetup";
    case WZP_MESSAGE_MEDIA_PATH_REPORT:
      return "MediaPathReport";
    case WZP_MESSAGE_CANDIDATE_UPDATE:
      return "CandidateUpdate";
    case WZP_MESSAGE_HANGUP:
      return "Hangup";
    case WZP_MESSAGE_PING:
      return "Ping";
    case WZP_MESSAGE_PONG:
      return "Pong";
    case WZP_MESSAGE_RESOLVE_ALIAS:
      return "ResolveAlias";
    case WZP_MESSAGE_ALIAS_RESOLVED:
      return "AliasResolved";
    case WZP_MESSAGE_CALL_OFFER:
      return "CallOffer";
    case WZP_MESSAGE_CALL_ANSWER:
      return "CallAnswer";
    case WZP_MESSAGE_ROOM_UPDATE:
      return "RoomUpdate";
    case WZP_MESSAGE_FEDERATION_HELLO:
      return "FederationHello";
    case WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD:
      return "FederatedSignalForward";
    case WZP_MESSAGE_PRESENCE_UPDATE:
      return "PresenceUpdate";
  }
  g_return_val_if_reached ("unknown");
}

const char *
wzp_hangup_reason_to_string (WzpHangupReason reason)
{
  switch (reason) {
    case WZP_HANGUP_NORMAL:
      return "Normal";
    case WZP_HANGUP_BUSY:
      return "Busy";
    case WZP_HANGUP_DECLINED:
      return "Declined";
    case WZP_HANGUP_TIMEOUT:
      return "Timeout";
    case WZP_HANGUP_ERROR:
      return "Error";
  }
  g_return_val_if_reached ("Error");
}

gboolean
wzp_message_has_feature (const WzpMessage *message, const char *feature)
{
  return message->features != NULL &&
      g_strv_contains ((const char *const *) message->features, feature);
}

GBytes *
wzp_message_signed_register (const guint8 identity_pub[WZP_PUBLIC_KEY_LEN])
{
  g_autoptr (GByteArray) text = g_byte_array_new ();

  g_byte_array_append (text, (const guint8 *) REGISTER_CONTEXT,
      (guint) strlen (REGISTER_CONTEXT));
  g_byte_array_append (text, identity_pub, WZP_PUBLIC_KEY_LEN);
  return g_byte_array_free_to_bytes (g_steal_pointer (&text));
}

GBytes *
wzp_message_signed_call (const guint8 ephemeral_pub[WZP_PUBLIC_KEY_LEN],
    const WzpFingerprint *to, const char *call_id)
{
  g_autoptr (GByteArray) text = g_byte_array_new ();
  char fp[WZP_FINGERPRINT_STRLEN];

  g_return_val_if_fail (call_id != NULL, NULL);

  wzp_fingerprint_to_string (to, fp);
  g_byte_array_append (text, ephemeral_pub, WZP_PUBLIC_KEY_LEN);
  g_byte_array_append (text, (const guint8 *) fp, (guint) strlen (fp));
  g_byte_array_append (
      text, (const guint8 *) call_id, (guint) strlen (call_id));
  return g_byte_array_free_to_bytes (g_steal_pointer (&text));
}

GBytes *
wzp_message_signed_media (
    const guint8 ephemeral_pub[WZP_PUBLIC_KEY_LEN], WzpMessageType type)
{
  const char *context =
      type == WZP_MESSAGE_CALL_OFFER ? OFFER_CONTEXT : ANSWER_CONTEXT;
  g_autoptr (GByteArray) text = g_byte_array_new ();

  g_return_val_if_fail (
      type == WZP_MESSAGE_CALL_OFFER || type == WZP_MESSAGE_CALL_ANSWER, NULL);

  g_byte_array_append (text, ephemeral_pub, WZP_PUBLIC_KEY_LEN);
  g_byte_array_append (
      text, (const guint8 *) context, (guint) strlen (context));
  return g_byte_array_free_to_bytes (g_steal_pointer (&text));
}
