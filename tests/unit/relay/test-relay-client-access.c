/* Who may register with a relay, by its list or by tokens; how much a client
 * may send; the second port; the drain. */
#include "relay-test-room.h"
#include "wzp-relay-private.h"
#include "wzp-token.h"

#include <string.h>

#define KEY "0123456789abcdef0123456789abcdef"

static WzpRelayAccess *
new_token_access (void)
{
  g_autoptr (GBytes) key = g_bytes_new_static (KEY, strlen (KEY));

  return wzp_relay_access_new_token (&key, 1, NULL);
}

/* Good for an hour, or since an hour not any more. */
static WzpMessage *
new_token (const WzpFingerprint *who, const char *room, int hours)
{
  g_autoptr (GBytes) key = g_bytes_new_static (KEY, strlen (KEY));
  g_autofree char *token = wzp_token_mint (
      key, g_get_real_time () / G_USEC_PER_SEC + hours * 3600, who, room, NULL);

  g_assert_nonnull (token);
  return test_auth_token (token);
}

/* @why NULL: registered. */
static void
expect_ack (TestConn *conn, const char *why)
{
  g_autoptr (WzpMessage) ack =
      test_conn_expect (conn, WZP_MESSAGE_REGISTER_PRESENCE_ACK);

  if (why == NULL)
    g_assert_null (ack->error);
  else
    g_assert_nonnull (strstr (ack->error != NULL ? ack->error : "", why));
  g_assert_cmpint (ack->success, ==, why == NULL);
}

typedef struct {
  WzpRelay *relay;
  TestNode *nodes[2];
  TestConn *conns[2]; /* signalling */
} Fixture;

static void
set_up (Fixture *f, WzpTest *test, WzpRelayAccess *access)
{
  WzpRelayConfig config = { .listen = "127.0.0.1", .access = access };

  f->relay = test_relay_new (test, &config);
  for (guint i = 0; i < 2; i++) {
    f->nodes[i] = test_node_new (test, f->relay, 1 + i);
    f->conns[i] = test_conn_new (f->nodes[i], f->relay, WZP_SNI_SIGNAL);
    test_conn_wait (f->conns[i]);
  }
}

static void
tear_down (Fixture *f)
{
  for (guint i = 0; i < 2; i++) {
    test_conn_free (f->conns[i]);
    test_node_free (f->nodes[i]);
  }
  wzp_relay_free (f->relay);
}

static void
test_list (WzpTest *test, gconstpointer data)
{
  char text[WZP_FINGERPRINT_STRLEN];
  const char *allowed[] = { text, NULL };
  g_autoptr (WzpRelayAccess) access = NULL;
  g_autoptr (WzpMessage) reflected = NULL;
  Fixture f;

  /* Who connected before it was closed to others stays. */
  set_up (&f, test, NULL);
  wzp_fingerprint_to_string (f.nodes[0]->peer->fp, text);
  access = wzp_relay_access_new_allow_list (allowed, NULL);
  g_assert_nonnull (access);
  g_assert_true (wzp_relay_reconfigure (
      f.relay, &(WzpRelayConfig){ .access = access }, NULL));
  for (guint i = 0; i < 2; i++) {
    test_conn_free (f.conns[i]);
    f.conns[i] = test_conn_new (f.nodes[i], f.relay, WZP_SNI_SIGNAL);
    test_conn_wait (f.conns[i]);
    test_conn_send_message (
        f.conns[i], test_peer_register (f.nodes[i]->peer, NULL));
    expect_ack (f.conns[i], i == 0 ? NULL : "not on the relay's list");
  }
  g_assert_cmpuint (test_relay_stats (f.relay).unauthorized, ==, 1);
  /* What it sees of us it tells everybody. */
  test_conn_send_message (f.conns[1], wzp_message_new (WZP_MESSAGE_REFLECT));
  reflected = test_conn_expect (f.conns[1], WZP_MESSAGE_REFLECT_RESPONSE);
  tear_down (&f);
}

static void
test_token (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelayAccess) access = new_token_access ();
  Fixture f;
  const TestPeer *own, *other;

  set_up (&f, test, access);
  own = f.nodes[0]->peer;
  other = f.nodes[1]->peer;
  test_conn_send_message (f.conns[0], test_auth_token ("nonsense"));
  expect_ack (f.conns[0], "");
  test_conn_send_message (f.conns[0], new_token (own->fp, NULL, -1));
  expect_ack (f.conns[0], "expired");
  test_conn_send_message (f.conns[0], new_token (other->fp, NULL, 1));
  expect_ack (f.conns[0], "identity");
  test_conn_send_message (f.conns[0], new_token (own->fp, "stage", 1));
  expect_ack (f.conns[0], "room");
  g_assert_cmpuint (test_relay_stats (f.relay).unauthorized, ==, 4);

  /* The registration may overtake the token. */
  test_conn_send_message (f.conns[0], test_peer_register (own, NULL));
  test_conn_send_message (f.conns[0], new_token (own->fp, NULL, 1));
  expect_ack (f.conns[0], NULL);
  /* For whoever has it. */
  test_conn_send_message (f.conns[1], new_token (NULL, NULL, 1));
  test_conn_send_message (f.conns[1], test_peer_register (other, NULL));
  expect_ack (f.conns[1], NULL);
  tear_down (&f);
}

/* Without a certificate one is who one claims to be and signs for. A token of
 * somebody else, with his name but not his signature, must not let in a
 * registration of one's own that was held back. */
static void
test_borrowed_token (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelayAccess) access = new_token_access ();
  const TestPeer *thief, *victim;
  Fixture f;

  set_up (&f, test, access);
  thief = f.nodes[0]->peer;
  victim = f.nodes[1]->peer;
  test_conn_free (f.conns[0]);
  test_node_hide (f.nodes[0]);
  f.conns[0] = test_conn_new (f.nodes[0], f.relay, WZP_SNI_SIGNAL);
  test_conn_wait (f.conns[0]);

  test_conn_send_message (f.conns[0], test_peer_register (thief, NULL));
  test_conn_send_message (f.conns[0], new_token (victim->fp, NULL, 1));
  expect_ack (f.conns[0], "");
  test_conn_send_message (f.conns[0], new_token (victim->fp, NULL, 1));
  expect_ack (f.conns[0], "");
  test_conn_send_message (f.conns[0], test_peer_register (victim, NULL));
  expect_ack (f.conns[0], "another identity");
  g_assert_cmpuint (test_relay_stats (f.relay).registry.registered, ==, 0);
  tear_down (&f);
}

/* The same, the token first, when nobody is claimed yet. */
static void
test_token_without_certificate (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelayAccess) access = new_token_access ();
  Fixture f;

  set_up (&f, test, access);
  for (guint i = 0; i < 2; i++) {
    test_conn_free (f.conns[i]);
    test_node_hide (f.nodes[i]);
    f.conns[i] = test_conn_new (f.nodes[i], f.relay, WZP_SNI_SIGNAL);
    test_conn_wait (f.conns[i]);
    test_conn_send_message (
        f.conns[i], new_token (f.nodes[0]->peer->fp, NULL, 1));
    test_conn_send_message (
        f.conns[i], test_peer_register (f.nodes[i]->peer, NULL));
    expect_ack (f.conns[i], i == 0 ? NULL : "");
  }
  tear_down (&f);
}

/* A client that never stops is sent away; another does not notice. */
static void
test_flood (WzpTest *test, gconstpointer data)
{
  Fixture f;

  set_up (&f, test, NULL);
  for (guint i = 0; i < 3 * (guint) WZP_RELAY_CLIENT_BURST / 100; i++) {
    for (guint j = 0; j < 100 && !f.conns[0]->is_closed; j++)
      test_conn_send_message (f.conns[0], wzp_message_new (WZP_MESSAGE_PING));
    g_main_context_iteration (test->context, FALSE);
  }
  test_conn_wait_closed (f.conns[0], WZP_CLOSE_BUSY, "too many messages");
  test_conn_send_message (
      f.conns[1], test_peer_register (f.nodes[1]->peer, NULL));
  expect_ack (f.conns[1], NULL);
  tear_down (&f);
}

static void
test_second_port (WzpTest *test, gconstpointer data)
{
  WzpRelayConfig config = { .listen = "127.0.0.1", .any_second_port = TRUE };
  g_autoptr (WzpRelay) relay = test_relay_new (test, &config);
  TestNode *node = test_node_new (test, relay, 1);
  TestConn *conn = test_conn_new (node, relay, WZP_SNI_SIGNAL);
  g_autoptr (WzpMessage) reflected = NULL;
  guint16 second = wzp_relay_get_second_port (relay);

  g_assert_cmpuint (second, !=, 0);
  g_assert_cmpuint (second, !=, wzp_relay_get_port (relay));
  test_conn_wait (conn);
  test_conn_send_message (conn, wzp_message_new (WZP_MESSAGE_REFLECT));
  reflected = test_conn_expect (conn, WZP_MESSAGE_REFLECT_RESPONSE);
  g_assert_cmpuint (reflected->second_port, ==, second);
  test_conn_free (conn);
  test_node_free (node);
}

static void
on_drained (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

/* Who has no call is told; a call goes on until it ends; nobody new comes. */
static void
test_drain (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *nodes[4];
  gboolean is_drained = FALSE;
  TestConn *late;

  for (guint i = 0; i < 4; i++)
    nodes[i] = test_node_new (test, relay, 1 + i);
  for (guint i = 0; i < 3; i++)
    test_node_register (nodes[i], NULL);
  test_node_call (nodes[0], nodes[1], "c1");

  wzp_relay_drain (relay, on_drained, &is_drained);
  wzp_test_assert_until (test, nodes[2]->n_failed == 1, 5000);
  g_assert_nonnull (strstr (nodes[2]->error->message, "the relay drains"));
  late = test_conn_new (nodes[3], relay, WZP_SNI_SIGNAL);
  wzp_test_assert_until (test, late->is_closed, 5000);
  test_conn_free (late);
  /* No new call either. */
  test_node_send (
      nodes[0], test_peer_offer (nodes[0]->peer, nodes[2]->peer->fp, "c2"));
  test_node_expect_hangup (
      nodes[0], "c2", WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);

  g_assert_false (is_drained);
  test_node_send (nodes[0], test_hangup ("c1", WZP_HANGUP_NORMAL));
  wzp_test_assert_until (test, is_drained, 5000);
  g_assert_cmpuint (test_relay_stats (relay).registry.clients, ==, 0);
  for (guint i = 0; i < 4; i++)
    test_node_free (nodes[i]);
}

static void
test_drain_empty (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  gboolean is_drained = FALSE;

  wzp_relay_drain (relay, on_drained, &is_drained);
  g_assert_false (is_drained);
  wzp_test_assert_until (test, is_drained, 5000);
}

/* What is wrong changes nothing. */
static void
test_reconfigure (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  const WzpRelayConfig good = { .public_address = "198.51.100.1:4433" };
  const WzpRelayConfig bad = { .public_address = "relay.example.org:4433" };
  g_autoptr (GError) error = NULL;
  WzpMessage *setup;
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);

  g_assert_true (wzp_relay_reconfigure (relay, &good, &error));
  g_assert_no_error (error);
  g_assert_false (wzp_relay_reconfigure (relay, &bad, &error));
  g_assert_nonnull (strstr (error->message, "public address"));
  test_node_register (a, NULL);
  test_node_register (b, NULL);
  test_node_send (a, test_peer_offer (a->peer, b->peer->fp, "c1"));
  wzp_message_free (test_node_expect (b, WZP_MESSAGE_DIRECT_CALL_OFFER));
  test_node_send (
      b, test_peer_answer (b->peer, a->peer->fp, "c1", WZP_ACCEPT_TRUSTED));
  setup = test_node_expect (b, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (setup->relay_addr, ==, good.public_address);
  wzp_message_free (setup);
  test_node_free (a);
  test_node_free (b);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/client-access/list", NULL, test_list);
  wzp_test_add ("/client-access/token", NULL, test_token);
  wzp_test_add ("/client-access/borrowed-token", NULL, test_borrowed_token);
  wzp_test_add ("/client-access/token-without-certificate", NULL,
      test_token_without_certificate);
  wzp_test_add ("/client-access/flood", NULL, test_flood);
  wzp_test_add ("/client-access/second-port", NULL, test_second_port);
  wzp_test_add ("/client-access/drain", NULL, test_drain);
  wzp_test_add ("/client-access/drain-empty", NULL, test_drain_empty);
  wzp_test_add ("/client-access/reconfigure", NULL, test_reconfigure);
  return wzp_test_run ();
}
