/* The registry under random messages of random clients. Ids of calls are used
 * again and again, so that nobody has a grace that is worth the name: of that
 * see test-registry-world. */
#include "relay-test-sim.h"
#include "wzp-test.h"

#include <string.h>

#define SECOND ((gint64) G_USEC_PER_SEC)

#define RANDOM_CLIENTS 9u
#define RANDOM_CALLS   12u
#define RANDOM_STEPS   40000u

typedef struct {
  TestSim sim;
  GRand *rand;
  TestClient *clients[RANDOM_CLIENTS];
  /* Who last got a call with this id through; -1: nobody. */
  int caller[RANDOM_CALLS], callee[RANDOM_CALLS];
  gboolean is_generic[RANDOM_CALLS];
  guint64 setups;
} Random;

static guint
pick (Random *r, guint n)
{
  return (guint) g_rand_int_range (r->rand, 0, (gint32) n);
}

static int
index_of (const Random *r, gpointer owner)
{
  for (guint i = 0; i < RANDOM_CLIENTS; i++)
    if (r->clients[i] == owner)
      return (int) i;
  return -1;
}

static void
check_call_output (Random *r, int to, const WzpMessage *message)
{
  guint call = (guint) (message->call_id[1] - 'a');
  gboolean is_refusal = message->type == WZP_MESSAGE_HANGUP &&
      message->detail != NULL &&
      strcmp (message->detail, WZP_HANGUP_DETAIL_DISCONNECTED) != 0;
  int other;

  g_assert_cmpuint (call, <, RANDOM_CALLS);
  /* The answer to an own offer. */
  if (is_refusal)
    return;
  if (message->type == WZP_MESSAGE_DIRECT_CALL_OFFER) {
    r->callee[call] = to;
    for (guint i = 0; i < RANDOM_CLIENTS; i++)
      if (wzp_fingerprint_equal (&message->caller_fp, r->clients[i]->peer->fp))
        r->caller[call] = (int) i;
  }
  /* Nobody but the two. */
  g_assert_true (to == r->caller[call] || to == r->callee[call]);
  other = to == r->caller[call] ? r->callee[call] : r->caller[call];
  if (message->type == WZP_MESSAGE_DIRECT_CALL_ANSWER)
    r->is_generic[call] = message->accept_mode == WZP_ACCEPT_GENERIC;

  for (int i = 0; i < (int) RANDOM_CLIENTS; i++)
    if (test_peer_is_exposed (r->clients[i]->peer, message)) {
      g_assert_cmpint (i, ==, other);
      g_assert_cmpint (message->type, !=, WZP_MESSAGE_DIRECT_CALL_OFFER);
      g_assert_false (r->is_generic[call]);
    }
  if (message->type == WZP_MESSAGE_CALL_SETUP) {
    r->setups++;
    if (!r->is_generic[call])
      g_assert_true (test_peer_is_exposed (r->clients[other]->peer, message));
  }
}

static void
check_outputs (Random *r)
{
  WzpRegistryOutput output;

  while (wzp_registry_pop (r->sim.registry, &output)) {
    int to = index_of (r, output.owner);

    /* Somebody who is here. */
    g_assert_cmpint (to, >=, 0);
    g_assert_nonnull (r->clients[to]->client);
    if (output.message != NULL && output.message->call_id != NULL)
      check_call_output (r, to, output.message);
    wzp_message_free (output.message);
  }
}

static void
random_call_message (Random *r, TestClient *client, const char *id)
{
  static const WzpMessageType types[] = { WZP_MESSAGE_CALL_RINGING,
    WZP_MESSAGE_DIRECT_CALL_ANSWER, WZP_MESSAGE_DIRECT_CALL_ANSWER,
    WZP_MESSAGE_CANDIDATE_UPDATE, WZP_MESSAGE_MEDIA_PATH_REPORT,
    WZP_MESSAGE_HANGUP };
  WzpMessageType type = types[pick (r, G_N_ELEMENTS (types))];

  if (type == WZP_MESSAGE_DIRECT_CALL_ANSWER)
    test_client_answer (&r->sim, client, r->clients[pick (r, RANDOM_CLIENTS)],
        id, (WzpAcceptMode) pick (r, 3));
  else if (type == WZP_MESSAGE_CANDIDATE_UPDATE)
    test_client_send (
        &r->sim, client, test_peer_update (client->peer, id, pick (r, 5)));
  else if (type == WZP_MESSAGE_HANGUP && pick (r, 3) == 0)
    test_client_send (
        &r->sim, client, test_hangup (id, (WzpHangupReason) pick (r, 5)));
  else if (type == WZP_MESSAGE_HANGUP && pick (r, 10) == 0)
    test_client_send (&r->sim, client, test_hangup (NULL, WZP_HANGUP_NORMAL));
  else if (type != WZP_MESSAGE_HANGUP)
    test_client_send (&r->sim, client, test_message (type, id));
}

static void
random_step (Random *r)
{
  TestClient *client = r->clients[pick (r, RANDOM_CLIENTS)];
  char id[] = "ca";

  id[1] = (char) ('a' + pick (r, RANDOM_CALLS));
  r->sim.now_us += pick (r, SECOND);
  /* Mostly one that has to do with the call. */
  if (pick (r, 3) != 0 && r->callee[id[1] - 'a'] >= 0)
    client = r->clients[pick (r, 2) == 0 ? r->callee[id[1] - 'a']
                                         : r->caller[id[1] - 'a']];
  if (client->client == NULL) {
    client->client = wzp_registry_add (r->sim.registry,
        wzp_identity_get_public_key (client->peer->identity), client, NULL);
    g_assert_nonnull (client->client);
    return;
  }
  switch (pick (r, 24)) {
    case 0:
      test_client_leave (&r->sim, client);
      r->sim.now_us++;
      wzp_registry_advance (r->sim.registry, r->sim.now_us);
      break;
    case 1:
      test_client_send (
          &r->sim, client, test_peer_register (client->peer, NULL));
      break;
    case 2:
      wzp_registry_advance (r->sim.registry, r->sim.now_us);
      break;
    case 3:
    case 4:
      wzp_registry_set_in_room (
          r->sim.registry, id, client->peer->fp, pick (r, 2) == 0);
      break;
    case 5:
    case 6:
    case 7:
    case 8:
      test_client_offer (
          &r->sim, client, r->clients[pick (r, RANDOM_CLIENTS)], id);
      break;
    default:
      random_call_message (r, client, id);
      break;
  }
}

static void
test_random (void)
{
  const WzpRegistryLimits limits = {
    .max_calls = 8, .max_calls_per_client = 3, .grace_us = 1
  };
  Random r = { .rand = wzp_test_rand_new () };
  WzpRegistryStats end;

  g_test_summary ("Only the two of a call hear of it, each of the other, and "
                  "with AcceptGeneric of no address");

  test_sim_init (&r.sim, &limits);
  memset (r.callee, -1, sizeof r.callee);
  memset (r.caller, -1, sizeof r.caller);
  for (guint i = 0; i < RANDOM_CLIENTS; i++)
    r.clients[i] = test_client_new (&r.sim, i);
  for (guint step = 0; step < RANDOM_STEPS; step++) {
    random_step (&r);
    check_outputs (&r);
    end = test_sim_stats (&r.sim);
    g_assert_cmpuint (end.calls, <=, limits.max_calls);
    g_assert_cmpuint (end.active_calls, <=, end.calls);
    g_assert_cmpuint (end.registered, <=, end.clients);
  }
  g_test_message ("%" G_GUINT64_FORMAT " calls, %" G_GUINT64_FORMAT
                  " setups, %" G_GUINT64_FORMAT " refused",
      end.calls_total, r.setups, end.refused);
  g_assert_cmpuint (r.setups, >, 100);

  /* Nothing is left when all are gone. */
  for (guint i = 0; i < RANDOM_CLIENTS; i++) {
    char id[] = "ca";

    if (r.clients[i]->client != NULL)
      test_client_leave (&r.sim, r.clients[i]);
    for (guint call = 0; call < RANDOM_CALLS; call++) {
      id[1] = (char) ('a' + call);
      wzp_registry_set_in_room (
          r.sim.registry, id, r.clients[i]->peer->fp, FALSE);
    }
    wzp_registry_advance (r.sim.registry, ++r.sim.now_us);
    check_outputs (&r);
  }
  end = test_sim_stats (&r.sim);
  g_assert_cmpuint (end.calls, ==, 0);
  g_assert_cmpuint (end.active_calls, ==, 0);
  g_assert_cmpuint (end.registered, ==, 0);
  g_assert_cmpint (wzp_registry_get_deadline (r.sim.registry), ==, -1);

  for (guint i = 0; i < RANDOM_CLIENTS; i++)
    test_client_free (&r.sim, r.clients[i]);
  wzp_registry_free (r.sim.registry);
  g_rand_free (r.rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/registry/random", test_random);
  return wzp_test_run ();
}
