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
  test_sim_init_relay (sim, limits, TEST_SIM_RELAY_FP);
}

void
test_sim_init_relay (
    TestSim *sim, const WzpRegistryLimits *limits, const char *relay_fp)
{
  sim->registry = wzp_registry_new (limits, relay_fp);
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
  wzp_registry_remove (sim->registry, client->client, sim->now_us);
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
  g_assert_false (output.is_link);
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

void
test_client_return (TestSim *sim, TestClient *client)
{
  g_assert_null (client->client);
  client->client = wzp_registry_add (sim->registry,
      wzp_identity_get_public_key (client->peer->identity), client, NULL);
  test_client_send (sim, client, test_peer_register (client->peer, NULL));
  test_client_expect_ack (sim, client, NULL);
}

TestLink *
test_link_new (TestSim *sim, const char *relay_fp)
{
  TestLink *link = g_new0 (TestLink, 1);

  link->relay_fp = g_strdup (relay_fp);
  test_link_up (sim, link);
  return link;
}

void
test_link_up (TestSim *sim, TestLink *link)
{
  g_assert_null (link->link);
  link->link = wzp_registry_add_link (
      sim->registry, link->relay_fp, link, sim->now_us, NULL);
  g_assert_nonnull (link->link);
}

void
test_link_down (TestSim *sim, TestLink *link)
{
  wzp_registry_remove_link (sim->registry, link->link, sim->now_us);
  link->link = NULL;
}

void
test_link_free (TestSim *sim, TestLink *link)
{
  if (link->link != NULL)
    test_link_down (sim, link);
  g_free (link->relay_fp);
  g_free (link);
}

void
test_link_send_as (TestSim *sim, TestLink *link, WzpMessage *inner,
    const char *origin_relay_fp)
{
  g_autoptr (WzpMessage) forward =
      wzp_message_new (WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD);

  forward->inner = inner;
  forward->origin_relay_fp = g_strdup (origin_relay_fp);
  wzp_registry_link_message (sim->registry, link->link, forward, sim->now_us);
}

void
test_link_send (TestSim *sim, TestLink *link, WzpMessage *inner)
{
  test_link_send_as (sim, link, inner, link->relay_fp);
}

WzpMessage *
test_link_expect (TestSim *sim, const TestLink *link, WzpMessageType type)
{
  WzpRegistryOutput output;
  g_autoptr (WzpMessage) forward = NULL;
  WzpMessage *inner;

  g_assert_true (wzp_registry_pop (sim->registry, &output));
  forward = output.message;
  g_assert_true (output.is_link);
  g_assert_true (output.owner == link);
  g_assert_cmpint (forward->type, ==, WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD);
  g_assert_cmpstr (forward->origin_relay_fp, ==, TEST_SIM_RELAY_FP);
  inner = g_steal_pointer (&forward->inner);
  g_assert_cmpstr (wzp_message_type_to_string (inner->type), ==,
      wzp_message_type_to_string (type));
  return inner;
}

void
test_link_skip (TestSim *sim, const TestLink *link, WzpMessageType type)
{
  wzp_message_free (test_link_expect (sim, link, type));
}

void
test_link_expect_hangup (TestSim *sim, const TestLink *link,
    const char *call_id, WzpHangupReason reason, const char *detail)
{
  g_autoptr (WzpMessage) message =
      test_link_expect (sim, link, WZP_MESSAGE_HANGUP);

  g_assert_cmpstr (message->call_id, ==, call_id);
  g_assert_cmpint (message->reason, ==, reason);
  g_assert_cmpstr (message->detail, ==, detail);
}
