#include "relay-test-sim.h"

static WzpAddr
addr (const char *text)
{
  WzpAddr result;

  g_assert_true (wzp_addr_parse (text, &result, NULL));
  return result;
}

void
test_sim_init (TestSim *sim, const WzpRegistryLimits *limits)
{
  sim->registry = wzp_registry_new (limits);
  sim->now_us = 1000;
}

TestClient *
test_client_new (TestSim *sim, guint index)
{
  TestClient *client = g_new0 (TestClient, 1);

  client->peer = test_peer_new (index);
  client->client = wzp_registry_add (sim->registry,
      wzp_identity_get_public_key (client->peer->identity), client, NULL);
  g_assert_nonnull (client->client);
  return client;
}

void
test_client_leave (TestSim *sim, TestClient *client)
{
  wzp_registry_remove (sim->registry, client->client);
  client->client = NULL;
}

void
test_client_free (TestSim *sim, TestClient *client)
{
  if (client->client != NULL)
    test_client_leave (sim, client);
  test_peer_free (client->peer);
  g_free (client);
}

/* Takes @message. Each client sees the relay at an address of its own. */
void
test_client_send (TestSim *sim, TestClient *client, WzpMessage *message)
{
  WzpAddr observed = addr (client->peer->reflexive);
  WzpAddr local = addr ("192.0.2.1:4433");

  local.port = (guint16) (local.port + observed.port);
  wzp_registry_message (
      sim->registry, client->client, message, &observed, &local, sim->now_us);
  wzp_message_free (message);
}

WzpMessage *
test_client_pop (TestSim *sim, const TestClient *client)
{
  WzpRegistryOutput output;

  g_assert_true (wzp_registry_pop (sim->registry, &output));
  g_assert_true (output.owner == client);
  return output.message;
}

/* The next output is for @client and of @type. */
WzpMessage *
test_client_expect (TestSim *sim, const TestClient *client, WzpMessageType type)
{
  WzpMessage *message = test_client_pop (sim, client);

  g_assert_nonnull (message);
  g_assert_cmpstr (wzp_message_type_to_string (message->type), ==,
      wzp_message_type_to_string (type));
  return message;
}

void
test_sim_expect_nothing (TestSim *sim)
{
  WzpRegistryOutput output;

  g_assert_false (wzp_registry_pop (sim->registry, &output));
}

void
test_client_expect_hangup (TestSim *sim, const TestClient *client,
    const char *call_id, WzpHangupReason reason, const char *detail)
{
  g_autoptr (WzpMessage) message =
      test_client_expect (sim, client, WZP_MESSAGE_HANGUP);

  g_assert_cmpstr (message->call_id, ==, call_id);
  g_assert_cmpint (message->reason, ==, reason);
  g_assert_cmpstr (message->detail, ==, detail);
}

void
test_client_skip (TestSim *sim, const TestClient *client, WzpMessageType type)
{
  wzp_message_free (test_client_expect (sim, client, type));
}

void
test_client_expect_ack (
    TestSim *sim, const TestClient *client, const char *error)
{
  g_autoptr (WzpMessage) ack =
      test_client_expect (sim, client, WZP_MESSAGE_REGISTER_PRESENCE_ACK);

  g_assert_cmpstr (ack->error, ==, error);
  g_assert_cmpint (ack->success, ==, error == NULL);
}

TestClient *
test_client_new_registered (TestSim *sim, guint index, const char *alias)
{
  TestClient *client = test_client_new (sim, index);

  test_client_send (sim, client, test_peer_register (client->peer, alias));
  test_client_expect_ack (sim, client, NULL);
  return client;
}

void
test_client_offer (
    TestSim *sim, TestClient *from, const TestClient *to, const char *call_id)
{
  test_client_send (
      sim, from, test_peer_offer (from->peer, to->peer->fp, call_id));
}

void
test_client_answer (TestSim *sim, TestClient *from, const TestClient *to,
    const char *call_id, WzpAcceptMode mode)
{
  test_client_send (
      sim, from, test_peer_answer (from->peer, to->peer->fp, call_id, mode));
}

/* A call that is ACTIVE, with nothing left to pop. */
void
test_client_call (
    TestSim *sim, TestClient *a, TestClient *b, const char *call_id)
{
  test_client_offer (sim, a, b, call_id);
  test_client_skip (sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_answer (sim, b, a, call_id, WZP_ACCEPT_TRUSTED);
  test_client_skip (sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_skip (sim, a, WZP_MESSAGE_CALL_SETUP);
  test_client_skip (sim, b, WZP_MESSAGE_CALL_SETUP);
  test_sim_expect_nothing (sim);
}

WzpRegistryStats
test_sim_stats (const TestSim *sim)
{
  WzpRegistryStats result;

  wzp_registry_get_stats (sim->registry, &result);
  return result;
}
