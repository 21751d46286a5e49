#include "relay-test-room.h"

#include <string.h>

#define WAIT_MS 5000u

/* Ports of those who show no certificate. */
static GHashTable *hidden;

const guint8 *__real_wzp_conn_get_peer_key (const WzpConn *conn);
const WzpFingerprint *
__real_wzp_conn_get_peer_fingerprint (const WzpConn *conn);
const guint8 *__wrap_wzp_conn_get_peer_key (const WzpConn *conn);
const WzpFingerprint *
__wrap_wzp_conn_get_peer_fingerprint (const WzpConn *conn);

static gboolean
is_hidden (const WzpConn *conn)
{
  guint port = wzp_conn_get_remote (conn)->port;

  return hidden != NULL && wzp_conn_is_server (conn) &&
      g_hash_table_contains (hidden, GUINT_TO_POINTER (port));
}

const guint8 *
__wrap_wzp_conn_get_peer_key (const WzpConn *conn)
{
  return is_hidden (conn) ? NULL : __real_wzp_conn_get_peer_key (conn);
}

const WzpFingerprint *
__wrap_wzp_conn_get_peer_fingerprint (const WzpConn *conn)
{
  return is_hidden (conn) ? NULL : __real_wzp_conn_get_peer_fingerprint (conn);
}

void
test_node_hide (TestNode *node)
{
  guint port = wzp_endpoint_get_port (node->endpoint, 4);

  if (hidden == NULL)
    hidden = g_hash_table_new (NULL, NULL);
  g_hash_table_add (hidden, GUINT_TO_POINTER (port));
}

WzpRelayStats
test_relay_stats (const WzpRelay *relay)
{
  WzpRelayStats result;

  wzp_relay_get_stats (relay, &result);
  return result;
}

TestConn *
test_room_enter (TestNode *node, WzpRelay *relay, const char *room)
{
  guint before = test_relay_stats (relay).guests;
  TestConn *conn = test_conn_new (node, relay, room);

  test_conn_wait (conn);
  wzp_test_assert_until (
      node->test, test_relay_stats (relay).guests > before, WAIT_MS);
  return conn;
}

GBytes *
test_room_datagram (
    guint8 flags, guint64 number, guint64 sender, guint32 flow, gsize len)
{
  guint8 *data = g_malloc (MAX (len, WZP_DATAGRAM_MAX_PREFIX));
  gsize head = wzp_datagram_write_prefix (
      data, flags, number, wzp_datagram_room_flow (sender, flow));

  g_assert_cmpuint (head, >, 0);
  g_assert_cmpuint (len, >=, head);
  for (gsize i = head; i < len; i++)
    data[i] = (guint8) (i * 7 + number);
  return g_bytes_new_take (data, len);
}

gboolean
test_conn_send_bytes (TestConn *conn, GBytes *bytes)
{
  gsize len;
  const void *data = g_bytes_get_data (bytes, &len);

  return test_conn_send (conn, data, len);
}

void
test_room_check_passes (
    TestConn *from, GBytes *bytes, TestConn *const *to, guint n_to)
{
  guint before[64];

  g_assert_cmpuint (n_to, <=, G_N_ELEMENTS (before));
  for (guint i = 0; i < n_to; i++)
    before[i] = to[i]->datagrams->len;
  g_assert_true (test_conn_send_bytes (from, bytes));
  for (guint i = 0; i < n_to; i++) {
    wzp_test_assert_until (
        from->node->test, to[i]->datagrams->len > before[i], WAIT_MS);
    g_assert_cmpuint (to[i]->datagrams->len, ==, before[i] + 1);
    g_assert_true (g_bytes_equal (to[i]->datagrams->pdata[before[i]], bytes));
  }
}

WzpMessage *
test_call_offer (const WzpIdentity *identity, const char *alias)
{
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_CALL_OFFER);
  g_autoptr (GBytes) text = NULL;

  message->has_identity_pub = message->has_ephemeral_pub =
      message->has_signature = TRUE;
  memcpy (message->identity_pub, wzp_identity_get_public_key (identity),
      WZP_PUBLIC_KEY_LEN);
  memset (message->ephemeral_pub, 9, WZP_PUBLIC_KEY_LEN);
  text =
      wzp_message_signed_media (message->ephemeral_pub, WZP_MESSAGE_CALL_OFFER);
  wzp_identity_sign (identity, text, message->signature);
  message->alias = g_strdup (alias);
  return message;
}

void
test_conn_expect_answer (TestConn *conn, const WzpIdentity *relay)
{
  g_autoptr (WzpMessage) answer =
      test_conn_expect (conn, WZP_MESSAGE_CALL_ANSWER);
  g_autoptr (GBytes) text =
      wzp_message_signed_media (answer->ephemeral_pub, WZP_MESSAGE_CALL_ANSWER);

  g_assert_cmpmem (answer->identity_pub, WZP_PUBLIC_KEY_LEN,
      wzp_identity_get_public_key (relay), WZP_PUBLIC_KEY_LEN);
  g_assert_true (
      wzp_identity_verify (answer->identity_pub, text, answer->signature));
}

WzpMessage *
test_auth_token (const char *token)
{
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_AUTH_TOKEN);

  message->token = g_strdup (token);
  return message;
}
