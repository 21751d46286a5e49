#include "relay-test-peer.h"

#include <string.h>

TestPeer *
test_peer_new (guint index)
{
  TestPeer *peer = g_new0 (TestPeer, 1);

  peer->identity = wzp_identity_new_ephemeral ();
  peer->fp = wzp_identity_get_fingerprint (peer->identity);
  peer->reflexive = g_strdup_printf ("198.51.100.%u:1%03u", index, index);
  peer->local[0] = g_strdup_printf ("10.1.2.%u:2%03u", index, index);
  peer->local[1] = g_strdup_printf ("[fd00::%x]:3%03u", index + 1, index);
  return peer;
}

void
test_peer_free (TestPeer *peer)
{
  if (peer == NULL)
    return;
  wzp_identity_unref (peer->identity);
  g_free (peer->reflexive);
  g_free (peer->local[0]);
  g_free (peer->local[1]);
  g_free (peer);
}

static void
sign (const TestPeer *peer, WzpMessage *message, GBytes *text)
{
  message->has_identity_pub = TRUE;
  memcpy (message->identity_pub, wzp_identity_get_public_key (peer->identity),
      WZP_PUBLIC_KEY_LEN);
  message->has_signature = TRUE;
  wzp_identity_sign (peer->identity, text, message->signature);
}

static void
sign_call (const TestPeer *peer, WzpMessage *message, const WzpFingerprint *to)
{
  g_autoptr (GBytes) text = NULL;

  message->has_ephemeral_pub = TRUE;
  memset (message->ephemeral_pub, 7, WZP_PUBLIC_KEY_LEN);
  text = wzp_message_signed_call (message->ephemeral_pub, to, message->call_id);
  sign (peer, message, text);
}

static void
add_addrs (const TestPeer *peer, WzpMessage *message)
{
  message->reflexive_addr = g_strdup (peer->reflexive);
  message->local_addrs = g_strdupv ((char **) peer->local);
}

WzpMessage *
test_peer_register (const TestPeer *peer, const char *alias)
{
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_REGISTER_PRESENCE);
  g_autoptr (GBytes) text = wzp_message_signed_register (
      wzp_identity_get_public_key (peer->identity));

  sign (peer, message, text);
  message->alias = g_strdup (alias);
  return message;
}

WzpMessage *
test_message (WzpMessageType type, const char *call_id)
{
  WzpMessage *message = wzp_message_new (type);

  message->call_id = g_strdup (call_id);
  return message;
}

WzpMessage *
test_hangup (const char *call_id, WzpHangupReason reason)
{
  WzpMessage *message = test_message (WZP_MESSAGE_HANGUP, call_id);

  message->reason = reason;
  return message;
}

WzpMessage *
test_peer_offer (
    const TestPeer *peer, const WzpFingerprint *target, const char *call_id)
{
  WzpMessage *message = test_message (WZP_MESSAGE_DIRECT_CALL_OFFER, call_id);

  message->has_caller_fp = TRUE;
  message->caller_fp = *peer->fp;
  message->has_target_fp = TRUE;
  message->target_fp = *target;
  add_addrs (peer, message);
  sign_call (peer, message, target);
  return message;
}

WzpMessage *
test_peer_answer (const TestPeer *peer, const WzpFingerprint *caller,
    const char *call_id, WzpAcceptMode mode)
{
  WzpMessage *message = test_message (WZP_MESSAGE_DIRECT_CALL_ANSWER, call_id);

  message->accept_mode = mode;
  add_addrs (peer, message);
  sign_call (peer, message, caller);
  return message;
}

WzpMessage *
test_peer_update (const TestPeer *peer, const char *call_id, guint64 generation)
{
  WzpMessage *message = test_message (WZP_MESSAGE_CANDIDATE_UPDATE, call_id);

  message->generation = generation;
  message->mapped_addr = g_strdup (peer->reflexive);
  add_addrs (peer, message);
  return message;
}

gboolean
test_peer_is_exposed (const TestPeer *peer, const WzpMessage *message)
{
  g_autofree char *json = wzp_message_to_json (message);

  return strstr (json, peer->reflexive) != NULL ||
      strstr (json, peer->local[0]) != NULL ||
      strstr (json, peer->local[1]) != NULL;
}
