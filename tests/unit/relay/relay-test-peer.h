/* relay-test-peer: an identity that makes the messages a client sends. */
#pragma once

#include "wzp-identity.h"
#include "wzp-message.h"

typedef struct {
  WzpIdentity *identity; /* owned */
  const WzpFingerprint *fp;
  char *reflexive; /* owned: an address that nobody else has */
  char *local[3];  /* owned: the same; NULL-terminated */
} TestPeer;

/* @index, 0 to 200, is in its addresses. */
TestPeer *test_peer_new (guint index);
void test_peer_free (TestPeer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestPeer, test_peer_free)

WzpMessage *test_peer_register (const TestPeer *peer, const char *alias);
/* With addresses, as all below that can have some. */
WzpMessage *test_peer_offer (
    const TestPeer *peer, const WzpFingerprint *target, const char *call_id);
WzpMessage *test_peer_answer (const TestPeer *peer,
    const WzpFingerprint *caller, const char *call_id, WzpAcceptMode mode);
WzpMessage *test_peer_update (
    const TestPeer *peer, const char *call_id, guint64 generation);
WzpMessage *test_message (WzpMessageType type, const char *call_id);
WzpMessage *test_hangup (const char *call_id, WzpHangupReason reason);
/* Whether the JSON of @message has any address of @peer in it. */
gboolean test_peer_is_exposed (const TestPeer *peer, const WzpMessage *message);
