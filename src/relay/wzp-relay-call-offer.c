#include "wzp-relay-guest-private.h"

#include "wzp-call-keys.h"

#include <string.h>

/* The signature covers a key of the sender's own choice and nothing of this
 * connection: whoever has seen an offer can send it again. It proves that
 * somebody once signed it, so the identity is a claim, which a certificate
 * overrules. */
gboolean
wzp_relay_call_offer_check (const WzpMessage *offer, const guint8 *proved_key,
    WzpFingerprint *ret_who, GError **error)
{
  g_autoptr (GBytes) text =
      wzp_message_signed_media (offer->ephemeral_pub, WZP_MESSAGE_CALL_OFFER);

  if (proved_key != NULL &&
      memcmp (proved_key, offer->identity_pub, WZP_PUBLIC_KEY_LEN) != 0) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_IDENTITY,
        "the CallOffer is of another key than the certificate");
    return FALSE;
  }
  if (!wzp_identity_verify (offer->identity_pub, text, offer->signature)) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_IDENTITY,
        "the CallOffer's signature is wrong");
    return FALSE;
  }
  wzp_fingerprint_of_key (offer->identity_pub, ret_who);
  return TRUE;
}

WzpMessage *
wzp_relay_call_answer_new (const WzpIdentity *relay)
{
  g_autoptr (WzpEphemeral) ephemeral = wzp_ephemeral_new ();
  WzpMessage *answer = wzp_message_new (WZP_MESSAGE_CALL_ANSWER);
  g_autoptr (GBytes) text = NULL;

  answer->has_identity_pub = TRUE;
  memcpy (answer->identity_pub, wzp_identity_get_public_key (relay),
      WZP_PUBLIC_KEY_LEN);
  answer->has_ephemeral_pub = TRUE;
  memcpy (answer->ephemeral_pub, wzp_ephemeral_get_public_key (ephemeral),
      WZP_PUBLIC_KEY_LEN);
  text =
      wzp_message_signed_media (answer->ephemeral_pub, WZP_MESSAGE_CALL_ANSWER);
  answer->has_signature = TRUE;
  wzp_identity_sign (relay, text, answer->signature);
  return answer;
}
