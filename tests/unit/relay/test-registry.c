#include "relay-test-sim.h"
#include "wzp-test.h"

#include <string.h>

static void
test_register (void)
{
  TestSim sim;
  TestClient *a;

  test_sim_init (&sim, NULL);
  a = test_client_new (&sim, 1);
  g_assert_null (wzp_registry_client_get_fingerprint (a->client));
  test_client_send (&sim, a, test_peer_register (a->peer, "cam"));
  test_client_expect_ack (&sim, a, NULL);
  test_sim_expect_nothing (&sim);
  g_assert_true (wzp_fingerprint_equal (
      wzp_registry_client_get_fingerprint (a->client), a->peer->fp));
  g_assert_cmpuint (test_sim_stats (&sim).registered, ==, 1);

  /* Again, and without the name. */
  test_client_send (&sim, a, test_peer_register (a->peer, NULL));
  test_client_expect_ack (&sim, a, NULL);
  g_assert_cmpuint (test_sim_stats (&sim).registered, ==, 1);

  test_client_leave (&sim, a);
  g_assert_cmpuint (test_sim_stats (&sim).registered, ==, 0);
  g_assert_cmpuint (test_sim_stats (&sim).clients, ==, 0);
  test_client_free (&sim, a);
  wzp_registry_free (sim.registry);
}

static void
test_proof (void)
{
  TestSim sim;
  TestClient *a, *b;
  WzpMessage *message;

  test_sim_init (&sim, NULL);
  a = test_client_new (&sim, 1);
  b = test_client_new (&sim, 2);

  message = test_peer_register (a->peer, NULL);
  message->signature[5] ^= 1;
  test_client_send (&sim, a, message);
  test_client_expect_ack (&sim, a, "the signature is wrong");

  /* A signature of somebody else, over the right text. */
  message = test_peer_register (b->peer, NULL);
  memcpy (message->identity_pub,
      wzp_identity_get_public_key (a->peer->identity), WZP_PUBLIC_KEY_LEN);
  test_client_send (&sim, a, message);
  test_client_expect_ack (&sim, a, "the signature is wrong");

  /* What anybody may have overheard. */
  test_client_send (&sim, a, test_peer_register (b->peer, NULL));
  test_client_expect_ack (
      &sim, a, "the identity is not that of the client's certificate");
  g_assert_cmpuint (test_sim_stats (&sim).registered, ==, 0);
  g_assert_cmpuint (test_sim_stats (&sim).refused, ==, 3);

  /* Without a certificate the signature counts; but one connection is one
   * identity. */
  test_client_leave (&sim, a);
  a->client = wzp_registry_add (sim.registry, NULL, a, NULL);
  test_client_send (&sim, a, test_peer_register (a->peer, NULL));
  test_client_expect_ack (&sim, a, NULL);
  test_client_send (&sim, a, test_peer_register (b->peer, NULL));
  test_client_expect_ack (
      &sim, a, "the connection belongs to another identity already");

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
expect_resolved (TestSim *sim, TestClient *asking, const char *alias,
    const TestClient *found)
{
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_RESOLVE_ALIAS);
  g_autoptr (WzpMessage) reply = NULL;

  message->alias = g_strdup (alias);
  test_client_send (sim, asking, message);
  reply = test_client_expect (sim, asking, WZP_MESSAGE_ALIAS_RESOLVED);
  g_assert_cmpstr (reply->alias, ==, alias);
  g_assert_cmpint (reply->has_target_fp, ==, found != NULL);
  if (found != NULL)
    g_assert_true (wzp_fingerprint_equal (&reply->target_fp, found->peer->fp));
}

static void
test_alias (void)
{
  char hex[WZP_FINGERPRINT_HEX_STRLEN];
  TestSim sim;
  TestClient *a, *b;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, "cam");
  b = test_client_new (&sim, 2);
  test_client_send (&sim, b, test_peer_register (b->peer, "cam"));
  test_client_expect_ack (&sim, b, "alias \"cam\" is taken");
  g_assert_cmpuint (test_sim_stats (&sim).registered, ==, 1);
  test_client_send (&sim, b, test_peer_register (b->peer, "Cam"));
  test_client_expect_ack (&sim, b, NULL);
  expect_resolved (&sim, b, "cam", a);
  expect_resolved (&sim, b, "Cam", b);
  expect_resolved (&sim, b, "CAM", NULL);

  /* Another name frees the first; a taken one leaves all as it was. */
  test_client_send (&sim, a, test_peer_register (a->peer, "Cam"));
  test_client_expect_ack (&sim, a, "alias \"Cam\" is taken");
  expect_resolved (&sim, b, "cam", a);
  test_client_send (&sim, a, test_peer_register (a->peer, "door"));
  test_client_expect_ack (&sim, a, NULL);
  expect_resolved (&sim, b, "cam", NULL);
  expect_resolved (&sim, b, "door", a);

  /* A name that reads like somebody's key. */
  wzp_fingerprint_to_hex (a->peer->fp, hex);
  test_client_send (&sim, b, test_peer_register (b->peer, hex));
  g_assert_cmpuint (test_sim_stats (&sim).registered, ==, 2);
  wzp_message_free (test_client_pop (&sim, b));
  expect_resolved (&sim, b, hex, NULL);

  test_client_leave (&sim, a);
  expect_resolved (&sim, b, "door", NULL);
  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_replaced (void)
{
  TestSim sim;
  TestClient *a, *b;
  WzpRegistryClient *old;

  g_test_summary ("A newer connection of an identity takes the older's place, "
                  "and its calls");

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, "cam");
  b = test_client_new_registered (&sim, 2, NULL);
  test_client_offer (&sim, b, a, "call1");
  test_client_skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_OFFER);

  old = a->client;
  a->client = wzp_registry_add (
      sim.registry, wzp_identity_get_public_key (a->peer->identity), a, NULL);
  test_client_send (&sim, a, test_peer_register (a->peer, "cam"));
  g_assert_null (test_client_pop (&sim, a)); /* close, for the old one */
  test_client_expect_ack (&sim, a, NULL);
  test_sim_expect_nothing (&sim);
  g_assert_null (wzp_registry_client_get_fingerprint (old));
  g_assert_cmpuint (test_sim_stats (&sim).registered, ==, 1 + 1);
  g_assert_cmpuint (test_sim_stats (&sim).in_grace, ==, 0);

  /* The end of the old one is nothing to the new one. */
  wzp_registry_remove (sim.registry, old, sim.now_us);
  test_sim_expect_nothing (&sim);
  expect_resolved (&sim, b, "cam", a);

  /* What is of calls, and not yet taken off for the old one, comes over the
   * new one. */
  old = a->client;
  test_client_send (&sim, a, test_message (WZP_MESSAGE_PING, NULL));
  test_client_offer (&sim, b, a, "call3");
  a->client = wzp_registry_add (
      sim.registry, wzp_identity_get_public_key (a->peer->identity), a, NULL);
  test_client_send (&sim, a, test_peer_register (a->peer, "cam"));
  g_assert_null (test_client_pop (&sim, a));
  test_client_expect_ack (&sim, a, NULL);
  test_client_skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_sim_expect_nothing (&sim);
  wzp_registry_remove (sim.registry, old, sim.now_us);
  test_client_answer (&sim, a, b, "call1", WZP_ACCEPT_TRUSTED);
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_skip (&sim, b, WZP_MESSAGE_CALL_SETUP);
  test_client_skip (&sim, a, WZP_MESSAGE_CALL_SETUP);
  test_client_call (&sim, b, a, "call2");

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

/* A connection for @client without a certificate, in the place of what it has,
 * registering. */
static void
register_unproved (TestSim *sim, TestClient *client)
{
  client->client = wzp_registry_add (sim->registry, NULL, client, NULL);
  test_client_send (sim, client, test_peer_register (client->peer, NULL));
}

static void
test_replayed (void)
{
  const char *held = "the identity is held with a certificate";
  TestSim sim;
  TestClient *a, *b;
  WzpRegistryClient *proved;

  g_test_summary ("A registration that was overheard does not take the place "
                  "of one with a certificate, here, in its grace or in a room");

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  test_client_call (&sim, a, b, "c1");
  proved = a->client;

  register_unproved (&sim, a);
  test_client_expect_ack (&sim, a, held);
  test_client_leave (&sim, a);

  a->client = proved;
  test_client_leave (&sim, a);
  register_unproved (&sim, a);
  test_client_expect_ack (&sim, a, held);

  wzp_registry_set_in_room (sim.registry, "c1", a->peer->fp, TRUE);
  sim.now_us += WZP_REGISTRY_GRACE_US;
  wzp_registry_advance (sim.registry, sim.now_us);
  g_assert_cmpuint (test_sim_stats (&sim).calls, ==, 1);
  test_client_send (&sim, a, test_peer_register (a->peer, NULL));
  test_client_expect_ack (&sim, a, held);

  /* Nobody has it: the signature is all there is to go by. */
  wzp_registry_set_in_room (sim.registry, "c1", a->peer->fp, FALSE);
  test_client_expect_hangup (
      &sim, b, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_client_send (&sim, a, test_peer_register (a->peer, NULL));
  test_client_expect_ack (&sim, a, NULL);
  g_assert_cmpuint (test_sim_stats (&sim).registered, ==, 2);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_proof_wins (void)
{
  TestSim sim;
  TestClient *a, *b;
  WzpRegistryClient *unproved, *newer;

  g_test_summary ("A certificate takes the identity from one without, but "
                  "nothing of what that has begun");

  test_sim_init (&sim, NULL);
  a = test_client_new (&sim, 1);
  test_client_leave (&sim, a);
  b = test_client_new_registered (&sim, 2, NULL);
  register_unproved (&sim, a);
  test_client_expect_ack (&sim, a, NULL);
  test_client_call (&sim, a, b, "c1");

  /* The same again without one: a reference peer that returns. */
  unproved = a->client;
  register_unproved (&sim, a);
  g_assert_null (test_client_pop (&sim, a));
  test_client_expect_ack (&sim, a, NULL);
  test_sim_expect_nothing (&sim);
  wzp_registry_remove (sim.registry, unproved, sim.now_us);
  g_assert_cmpuint (test_sim_stats (&sim).active_calls, ==, 1);

  unproved = a->client;
  newer = wzp_registry_add (
      sim.registry, wzp_identity_get_public_key (a->peer->identity), a, NULL);
  a->client = newer;
  test_client_send (&sim, a, test_peer_register (a->peer, NULL));
  g_assert_null (test_client_pop (&sim, a));
  test_client_expect_hangup (
      &sim, b, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_client_expect_ack (&sim, a, NULL);
  wzp_registry_remove (sim.registry, unproved, sim.now_us);

  /* In its grace too: what was held for it is not for the other. */
  test_client_leave (&sim, a);
  register_unproved (&sim, a);
  test_client_expect_ack (&sim, a, NULL);
  test_client_call (&sim, b, a, "c2");
  test_client_leave (&sim, a);
  test_client_send (&sim, b, test_peer_update (b->peer, "c2", 1));
  a->client = wzp_registry_add (
      sim.registry, wzp_identity_get_public_key (a->peer->identity), a, NULL);
  test_client_send (&sim, a, test_peer_register (a->peer, NULL));
  test_client_expect_hangup (
      &sim, b, "c2", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_client_expect_ack (&sim, a, NULL);
  test_sim_expect_nothing (&sim);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

/* Takes @message and spoils its signature. */
static WzpMessage *
forge (WzpMessage *message)
{
  message->signature[9] ^= 1;
  return message;
}

static void
test_unproved_signs (void)
{
  TestSim sim;
  TestClient *a, *b;

  g_test_summary ("Without a certificate each call is signed, so that who "
                  "replays a registration hears no address");

  test_sim_init (&sim, NULL);
  a = test_client_new (&sim, 1);
  test_client_leave (&sim, a);
  b = test_client_new_registered (&sim, 2, NULL);
  register_unproved (&sim, a);
  test_client_expect_ack (&sim, a, NULL);

  test_client_send (
      &sim, a, forge (test_peer_offer (a->peer, b->peer->fp, "c1")));
  test_client_expect_hangup (
      &sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  test_client_offer (&sim, a, b, "c1");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_send (&sim, a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&sim, b, "c1", WZP_HANGUP_NORMAL, NULL);

  test_client_offer (&sim, b, a, "c2");
  test_client_skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_send (&sim, a,
      forge (
          test_peer_answer (a->peer, b->peer->fp, "c2", WZP_ACCEPT_TRUSTED)));
  test_client_send (&sim, a,
      forge (
          test_peer_answer (a->peer, b->peer->fp, "c2", WZP_ACCEPT_GENERIC)));
  test_sim_expect_nothing (&sim);
  g_assert_cmpuint (test_sim_stats (&sim).refused, ==, 3);
  /* A rejection gives nothing away. */
  test_client_send (&sim, a,
      forge (test_peer_answer (a->peer, b->peer->fp, "c2", WZP_ACCEPT_REJECT)));
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_expect_hangup (&sim, b, "c2", WZP_HANGUP_DECLINED, NULL);

  /* With one the connection is the proof; the other party looks for itself. */
  test_client_send (
      &sim, b, forge (test_peer_offer (b->peer, a->peer->fp, "c3")));
  test_client_skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_OFFER);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_authorization (void)
{
  gint64 deadline_us;
  TestSim sim;
  TestClient *a, *b;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  wzp_registry_set_needs_auth (sim.registry, TRUE);
  /* Those from now on. */
  test_client_send (&sim, a, test_peer_register (a->peer, "anna"));
  test_client_expect_ack (&sim, a, NULL);
  b = test_client_new (&sim, 2);
  test_client_send (&sim, b, test_message (WZP_MESSAGE_REFLECT, NULL));
  test_client_skip (&sim, b, WZP_MESSAGE_REFLECT_RESPONSE);
  test_client_send (&sim, b, test_message (WZP_MESSAGE_PING, NULL));
  test_client_skip (&sim, b, WZP_MESSAGE_PONG);

  /* It has overtaken the token. */
  test_client_send (&sim, b, test_peer_register (b->peer, "bert"));
  test_sim_expect_nothing (&sim);
  deadline_us = sim.now_us + WZP_REGISTRY_AUTH_US;
  g_assert_cmpint (wzp_registry_get_deadline (sim.registry), ==, deadline_us);
  test_client_offer (&sim, b, a, "c1");
  test_client_expect_hangup (
      &sim, b, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  sim.now_us = deadline_us - 1;
  wzp_registry_advance (sim.registry, sim.now_us);
  wzp_registry_authorize (sim.registry, b->client, sim.now_us);
  test_client_expect_ack (&sim, b, NULL);
  expect_resolved (&sim, a, "bert", b);
  g_assert_cmpint (wzp_registry_get_deadline (sim.registry), ==, -1);
  wzp_registry_authorize (sim.registry, b->client, sim.now_us);
  test_sim_expect_nothing (&sim);
  test_client_leave (&sim, b);

  /* The token does not come. One registration is held, not more. */
  b->client = wzp_registry_add (sim.registry, NULL, b, NULL);
  test_client_send (&sim, b, test_peer_register (b->peer, NULL));
  test_client_send (&sim, b, test_peer_register (b->peer, NULL));
  test_client_expect_ack (&sim, b, "not authorized");
  sim.now_us += WZP_REGISTRY_AUTH_US;
  g_assert_cmpint (wzp_registry_advance (sim.registry, sim.now_us), ==, -1);
  test_client_expect_ack (&sim, b, "not authorized");
  g_assert_cmpuint (test_sim_stats (&sim).registered, ==, 1);
  /* It comes after all, and before the registration. */
  wzp_registry_authorize (sim.registry, b->client, sim.now_us);
  test_client_send (&sim, b, test_peer_register (b->peer, NULL));
  test_client_expect_ack (&sim, b, NULL);
  test_client_leave (&sim, b);

  /* Authorized for the name of another, it does not become itself. */
  b->client = wzp_registry_add (sim.registry, NULL, b, NULL);
  wzp_registry_authorize (sim.registry, b->client, sim.now_us);
  test_client_send (&sim, b, forge (test_peer_register (a->peer, NULL)));
  test_client_expect_ack (&sim, b, "the signature is wrong");
  test_client_send (&sim, b, test_peer_register (b->peer, NULL));
  test_client_expect_ack (
      &sim, b, "the connection belongs to another identity already");
  test_client_leave (&sim, b);

  /* It goes while it waits. */
  b->client = wzp_registry_add (sim.registry, NULL, b, NULL);
  test_client_send (&sim, b, test_peer_register (b->peer, NULL));
  test_client_leave (&sim, b);
  g_assert_cmpint (wzp_registry_get_deadline (sim.registry), ==, -1);

  wzp_registry_set_needs_auth (sim.registry, FALSE);
  b->client = wzp_registry_add (sim.registry, NULL, b, NULL);
  test_client_send (&sim, b, test_peer_register (b->peer, NULL));
  test_client_expect_ack (&sim, b, NULL);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_before_registration (void)
{
  static const WzpMessageType refused[] = { WZP_MESSAGE_CALL_RINGING,
    WZP_MESSAGE_DIRECT_CALL_ANSWER, WZP_MESSAGE_MEDIA_PATH_REPORT,
    WZP_MESSAGE_CANDIDATE_UPDATE, WZP_MESSAGE_HANGUP,
    WZP_MESSAGE_REGISTER_PRESENCE_ACK, WZP_MESSAGE_REFLECT_RESPONSE,
    WZP_MESSAGE_CALL_SETUP, WZP_MESSAGE_ALIAS_RESOLVED, WZP_MESSAGE_CALL_OFFER,
    WZP_MESSAGE_CALL_ANSWER, WZP_MESSAGE_ROOM_UPDATE,
    WZP_MESSAGE_FEDERATION_HELLO, WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD,
    WZP_MESSAGE_PRESENCE_UPDATE };
  TestSim sim;
  TestClient *a, *b;
  WzpMessage *message;

  test_sim_init (&sim, NULL);
  a = test_client_new (&sim, 1);
  b = test_client_new_registered (&sim, 2, "bert");

  test_client_send (&sim, a, test_message (WZP_MESSAGE_REFLECT, NULL));
  message = test_client_expect (&sim, a, WZP_MESSAGE_REFLECT_RESPONSE);
  g_assert_cmpstr (message->observed_addr, ==, a->peer->reflexive);
  wzp_message_free (message);

  message = test_message (WZP_MESSAGE_PING, NULL);
  message->timestamp_ms = 77;
  test_client_send (&sim, a, message);
  message = test_client_expect (&sim, a, WZP_MESSAGE_PONG);
  g_assert_cmpuint (message->timestamp_ms, ==, 77);
  wzp_message_free (message);

  message = test_message (WZP_MESSAGE_RESOLVE_ALIAS, NULL);
  message->alias = g_strdup ("bert");
  test_client_send (&sim, a, message);
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    test_client_send (&sim, a, test_message (refused[i], "c1"));
  test_client_send (&sim, a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  test_sim_expect_nothing (&sim);
  g_assert_cmpuint (
      test_sim_stats (&sim).refused, ==, G_N_ELEMENTS (refused) + 2);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_client_limit (void)
{
  const WzpRegistryLimits fewer = { .max_clients = 2 };
  const WzpRegistryLimits more = { .max_clients =
                                       WZP_REGISTRY_MAX_CLIENTS + 1 };
  g_autoptr (WzpRegistry) registry = wzp_registry_new (NULL, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < WZP_REGISTRY_MAX_CLIENTS; i++)
    g_assert_nonnull (wzp_registry_add (registry, NULL, NULL, NULL));
  g_assert_null (wzp_registry_add (registry, NULL, NULL, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);

  /* Those that are here stay. */
  wzp_registry_set_limits (registry, &fewer);
  g_assert_null (wzp_registry_add (registry, NULL, NULL, NULL));
  wzp_registry_set_limits (registry, &more);
  g_assert_nonnull (wzp_registry_add (registry, NULL, NULL, NULL));
  g_assert_null (wzp_registry_add (registry, NULL, NULL, NULL));
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/registry/register", test_register);
  g_test_add_func ("/registry/proof", test_proof);
  g_test_add_func ("/registry/alias", test_alias);
  g_test_add_func ("/registry/replaced", test_replaced);
  g_test_add_func ("/registry/replayed", test_replayed);
  g_test_add_func ("/registry/proof-wins", test_proof_wins);
  g_test_add_func ("/registry/unproved-signs", test_unproved_signs);
  g_test_add_func ("/registry/authorization", test_authorization);
  g_test_add_func ("/registry/before-registration", test_before_registration);
  g_test_add_func ("/registry/client-limit", test_client_limit);
  return wzp_test_run ();
}
