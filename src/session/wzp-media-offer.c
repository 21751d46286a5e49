#include "wzp-media-offer.h"

#include "wzp-error.h"
#include "wzp-stream-frame.h"

#include <string.h>

WzpMessage *
wzp_media_offer_new (WzpMessageType type, const WzpIdentity *identity,
    const WzpEphemeral *ephemeral)
{
  WzpMessage *message;
  g_autoptr (GBytes) data = NULL;

  g_return_val_if_fail (
      type == WZP_MESSAGE_CALL_OFFER || type == WZP_MESSAGE_CALL_ANSWER, NULL);

  message = wzp_message_new (type);
  memcpy (message->identity_pub, wzp_identity_get_public_key (identity),
      WZP_PUBLIC_KEY_LEN);
  memcpy (message->ephemeral_pub, wzp_ephemeral_get_public_key (ephemeral),
      WZP_PUBLIC_KEY_LEN);
  data = wzp_message_signed_media (message->ephemeral_pub, type);
  wzp_identity_sign (identity, data, message->signature);
  message->has_identity_pub = TRUE;
  message->has_ephemeral_pub = TRUE;
  message->has_signature = TRUE;
  return message;
}

GBytes *
wzp_media_offer_new_bytes (WzpMessageType type, const WzpIdentity *identity,
    const WzpEphemeral *ephemeral)
{
  g_autoptr (WzpMessage) message =
      wzp_media_offer_new (type, identity, ephemeral);
  g_autofree char *json = wzp_message_to_json (message);

  return wzp_stream_frame_new (json, strlen (json));
}

gboolean
wzp_media_offer_check (const WzpMessage *message, WzpMessageType type,
    const guint8 key[WZP_PUBLIC_KEY_LEN], GError **error)
{
  g_autoptr (GBytes) data = NULL;

  if (message->type != type || !message->has_identity_pub ||
      !message->has_ephemeral_pub || !message->has_signature) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "%s is due first on a media connection, not %s",
        wzp_message_type_to_string (type),
        wzp_message_type_to_string (message->type));
    return FALSE;
  }
  data = wzp_message_signed_media (message->ephemeral_pub, type);
  if (memcmp (message->identity_pub, key, WZP_PUBLIC_KEY_LEN) != 0 ||
      !wzp_identity_verify (message->identity_pub, data, message->signature)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_IDENTITY,
        "The %s is not signed by the call's peer",
        wzp_message_type_to_string (type));
    return FALSE;
  }
  return TRUE;
}
