#include "relay-test-peer.h"
#include "wzp-registry.h"
#include "wzp-test.h"

#include <string.h>

#define SECOND ((gint64) G_USEC_PER_SEC)

/* The clients' owners are the peers themselves. */
typedef struct {
  WzpRegistry *registry;
  gint64 now_us;
} Sim;

typedef struct {
  TestPeer *peer;
  WzpRegistryClient *client;
} Client;

static WzpAddr
addr (const char *text)
{
  WzpAddr result;

  g_assert_true (wzp_addr_parse (text, &result, NULL));
  return result;
}

static void
sim_init (Sim *sim, const WzpRegistryLimits *limits)
{
  sim->registry = wzp_registry_new (limits);
  sim->now_us = 1000;
}

static Client *
client_new (Sim *sim, guint index)
{
  Client *client = g_new0 (Client, 1);

  client->peer = test_peer_new (index);
  client->client = wzp_registry_add (sim->registry,
      wzp_identity_get_public_key (client->peer->identity), client, NULL);
  g_assert_nonnull (client->client);
  return client;
}

static void
client_leave (Sim *sim, Client *client)
{
  wzp_registry_remove (sim->registry, client->client);
  client->client = NULL;
}

static void
client_free (Sim *sim, Client *client)
{
  if (client->client != NULL)
    client_leave (sim, client);
  test_peer_free (client->peer);
  g_free (client);
}

/* Takes @message. Each client sees the relay at an address of its own. */
static void
send (Sim *sim, Client *client, WzpMessage *message)
{
  WzpAddr observed = addr (client->peer->reflexive);
  WzpAddr local = addr ("192.0.2.1:4433");

  local.port = (guint16) (local.port + observed.port);
  wzp_registry_message (
      sim->registry, client->client, message, &observed, &local, sim->now_us);
  wzp_message_free (message);
}

static WzpMessage *
pop_for (Sim *sim, const Client *client)
{
  WzpRegistryOutput output;

  g_assert_true (wzp_registry_pop (sim->registry, &output));
  g_assert_true (output.owner == client);
  return output.message;
}

/* The next output is for @client and of @type. */
static WzpMessage *
expect (Sim *sim, const Client *client, WzpMessageType type)
{
  WzpMessage *message = pop_for (sim, client);

  g_assert_nonnull (message);
  g_assert_cmpstr (wzp_message_type_to_string (message->type), ==,
      wzp_message_type_to_string (type));
  return message;
}

static void
expect_nothing (Sim *sim)
{
  WzpRegistryOutput output;

  g_assert_false (wzp_registry_pop (sim->registry, &output));
}

static void
expect_hangup (Sim *sim, const Client *client, const char *call_id,
    WzpHangupReason reason, const char *detail)
{
  g_autoptr (WzpMessage) message = expect (sim, client, WZP_MESSAGE_HANGUP);

  g_assert_cmpstr (message->call_id, ==, call_id);
  g_assert_cmpint (message->reason, ==, reason);
  g_assert_cmpstr (message->detail, ==, detail);
}

static void
skip (Sim *sim, const Client *client, WzpMessageType type)
{
  wzp_message_free (expect (sim, client, type));
}

static void
expect_ack (Sim *sim, const Client *client, const char *error)
{
  g_autoptr (WzpMessage) ack =
      expect (sim, client, WZP_MESSAGE_REGISTER_PRESENCE_ACK);

  g_assert_cmpstr (ack->error, ==, error);
  g_assert_cmpint (ack->success, ==, error == NULL);
}

static Client *
registered_new (Sim *sim, guint index, const char *alias)
{
  Client *client = client_new (sim, index);

  send (sim, client, test_peer_register (client->peer, alias));
  expect_ack (sim, client, NULL);
  return client;
}

static void
offer (Sim *sim, Client *from, const Client *to, const char *call_id)
{
  send (sim, from, test_peer_offer (from->peer, to->peer->fp, call_id));
}

static void
answer (Sim *sim, Client *from, const Client *to, const char *call_id,
    WzpAcceptMode mode)
{
  send (sim, from, test_peer_answer (from->peer, to->peer->fp, call_id, mode));
}

/* A call that is ACTIVE, with nothing left to pop. */
static void
make_call (Sim *sim, Client *a, Client *b, const char *call_id)
{
  offer (sim, a, b, call_id);
  skip (sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  answer (sim, b, a, call_id, WZP_ACCEPT_TRUSTED);
  skip (sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  skip (sim, a, WZP_MESSAGE_CALL_SETUP);
  skip (sim, b, WZP_MESSAGE_CALL_SETUP);
  expect_nothing (sim);
}

static WzpRegistryStats
stats (const Sim *sim)
{
  WzpRegistryStats result;

  wzp_registry_get_stats (sim->registry, &result);
  return result;
}

static void
test_register (void)
{
  Sim sim;
  Client *a;

  sim_init (&sim, NULL);
  a = client_new (&sim, 1);
  g_assert_null (wzp_registry_client_get_fingerprint (a->client));
  send (&sim, a, test_peer_register (a->peer, "cam"));
  expect_ack (&sim, a, NULL);
  expect_nothing (&sim);
  g_assert_true (wzp_fingerprint_equal (
      wzp_registry_client_get_fingerprint (a->client), a->peer->fp));
  g_assert_cmpuint (stats (&sim).registered, ==, 1);

  /* Again, and without the name. */
  send (&sim, a, test_peer_register (a->peer, NULL));
  expect_ack (&sim, a, NULL);
  g_assert_cmpuint (stats (&sim).registered, ==, 1);

  client_leave (&sim, a);
  g_assert_cmpuint (stats (&sim).registered, ==, 0);
  g_assert_cmpuint (stats (&sim).clients, ==, 0);
  client_free (&sim, a);
  wzp_registry_free (sim.registry);
}

static void
test_proof (void)
{
  Sim sim;
  Client *a, *b;
  WzpMessage *message;

  sim_init (&sim, NULL);
  a = client_new (&sim, 1);
  b = client_new (&sim, 2);

  message = test_peer_register (a->peer, NULL);
  message->signature[5] ^= 1;
  send (&sim, a, message);
  expect_ack (&sim, a, "the signature is wrong");

  /* A signature of somebody else, over the right text. */
  message = test_peer_register (b->peer, NULL);
  memcpy (message->identity_pub,
      wzp_identity_get_public_key (a->peer->identity), WZP_PUBLIC_KEY_LEN);
  send (&sim, a, message);
  expect_ack (&sim, a, "the signature is wrong");

  /* What anybody may have overheard. */
  send (&sim, a, test_peer_register (b->peer, NULL));
  expect_ack (&sim, a, "the identity is not that of the client's certificate");
  g_assert_cmpuint (stats (&sim).registered, ==, 0);
  g_assert_cmpuint (stats (&sim).refused, ==, 3);

  /* Without a certificate the signature counts; but one connection is one
   * identity. */
  client_leave (&sim, a);
  a->client = wzp_registry_add (sim.registry, NULL, a, NULL);
  send (&sim, a, test_peer_register (a->peer, NULL));
  expect_ack (&sim, a, NULL);
  send (&sim, a, test_peer_register (b->peer, NULL));
  expect_ack (&sim, a, "the connection belongs to another identity already");

  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
expect_resolved (
    Sim *sim, Client *asking, const char *alias, const Client *found)
{
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_RESOLVE_ALIAS);
  g_autoptr (WzpMessage) reply = NULL;

  message->alias = g_strdup (alias);
  send (sim, asking, message);
  reply = expect (sim, asking, WZP_MESSAGE_ALIAS_RESOLVED);
  g_assert_cmpstr (reply->alias, ==, alias);
  g_assert_cmpint (reply->has_target_fp, ==, found != NULL);
  if (found != NULL)
    g_assert_true (wzp_fingerprint_equal (&reply->target_fp, found->peer->fp));
}

static void
test_alias (void)
{
  char hex[WZP_FINGERPRINT_HEX_STRLEN];
  Sim sim;
  Client *a, *b;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, "cam");
  b = client_new (&sim, 2);
  send (&sim, b, test_peer_register (b->peer, "cam"));
  expect_ack (&sim, b, "alias \"cam\" is taken");
  g_assert_cmpuint (stats (&sim).registered, ==, 1);
  send (&sim, b, test_peer_register (b->peer, "Cam"));
  expect_ack (&sim, b, NULL);
  expect_resolved (&sim, b, "cam", a);
  expect_resolved (&sim, b, "Cam", b);
  expect_resolved (&sim, b, "CAM", NULL);

  /* Another name frees the first; a taken one leaves all as it was. */
  send (&sim, a, test_peer_register (a->peer, "Cam"));
  expect_ack (&sim, a, "alias \"Cam\" is taken");
  expect_resolved (&sim, b, "cam", a);
  send (&sim, a, test_peer_register (a->peer, "door"));
  expect_ack (&sim, a, NULL);
  expect_resolved (&sim, b, "cam", NULL);
  expect_resolved (&sim, b, "door", a);

  /* A name that reads like somebody's key. */
  wzp_fingerprint_to_hex (a->peer->fp, hex);
  send (&sim, b, test_peer_register (b->peer, hex));
  g_assert_cmpuint (stats (&sim).registered, ==, 2);
  wzp_message_free (pop_for (&sim, b));
  expect_resolved (&sim, b, hex, NULL);

  client_leave (&sim, a);
  expect_resolved (&sim, b, "door", NULL);
  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_replaced (void)
{
  Sim sim;
  Client *a, *b;
  WzpRegistryClient *old;

  g_test_summary ("A newer connection of an identity takes the older's place");

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, "cam");
  b = registered_new (&sim, 2, NULL);
  offer (&sim, b, a, "call1");
  skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_OFFER);

  old = a->client;
  a->client = wzp_registry_add (
      sim.registry, wzp_identity_get_public_key (a->peer->identity), a, NULL);
  send (&sim, a, test_peer_register (a->peer, "cam"));
  expect_hangup (
      &sim, b, "call1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  g_assert_null (pop_for (&sim, a)); /* close, for the old one */
  expect_ack (&sim, a, NULL);
  expect_nothing (&sim);
  g_assert_null (wzp_registry_client_get_fingerprint (old));
  g_assert_cmpuint (stats (&sim).registered, ==, 1 + 1);

  /* The end of the old one is nothing to the new one. */
  wzp_registry_remove (sim.registry, old);
  expect_resolved (&sim, b, "cam", a);
  make_call (&sim, b, a, "call2");

  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_cross_wired (void)
{
  Sim sim;
  Client *a, *b;
  WzpMessage *message;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, "anna");
  b = registered_new (&sim, 2, NULL);

  offer (&sim, a, b, "c1");
  message = expect (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_cmpstr (message->call_id, ==, "c1");
  g_assert_cmpstr (message->alias, ==, "anna");
  g_assert_true (wzp_fingerprint_equal (&message->caller_fp, a->peer->fp));
  g_assert_true (wzp_fingerprint_equal (&message->target_fp, b->peer->fp));
  g_assert_cmpmem (message->identity_pub, WZP_PUBLIC_KEY_LEN,
      wzp_identity_get_public_key (a->peer->identity), WZP_PUBLIC_KEY_LEN);
  g_assert_true (message->has_ephemeral_pub && message->has_signature);
  g_assert_false (test_peer_is_exposed (a->peer, message));
  wzp_message_free (message);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_PENDING);

  send (&sim, b, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  skip (&sim, a, WZP_MESSAGE_CALL_RINGING);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_RINGING);

  answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  message = expect (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  g_assert_cmpstr (message->reflexive_addr, ==, b->peer->reflexive);
  g_assert_true (message->has_ephemeral_pub && message->has_signature);
  wzp_message_free (message);

  message = expect (&sim, a, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->room, ==, "call-c1");
  g_assert_cmpstr (message->relay_addr, ==, "192.0.2.1:5434");
  g_assert_cmpstr (message->reflexive_addr, ==, b->peer->reflexive);
  g_assert_cmpuint (g_strv_length (message->local_addrs), ==, 2);
  g_assert_cmpstr (message->local_addrs[0], ==, b->peer->local[0]);
  g_assert_cmpstr (message->local_addrs[1], ==, b->peer->local[1]);
  g_assert_false (test_peer_is_exposed (a->peer, message));
  wzp_message_free (message);

  message = expect (&sim, b, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->room, ==, "call-c1");
  g_assert_cmpstr (message->relay_addr, ==, "192.0.2.1:5435");
  g_assert_cmpstr (message->reflexive_addr, ==, a->peer->reflexive);
  g_assert_cmpstr (message->local_addrs[1], ==, a->peer->local[1]);
  g_assert_false (test_peer_is_exposed (b->peer, message));
  wzp_message_free (message);
  expect_nothing (&sim);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_ACTIVE);
  g_assert_cmpuint (stats (&sim).active_calls, ==, 1);
  g_assert_cmpint (wzp_registry_get_deadline (sim.registry), ==, -1);

  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

/* Pops everything: nobody's address may be in it. */
static guint
check_nothing_exposed (Sim *sim, const Client *a, const Client *b)
{
  WzpRegistryOutput output;
  guint n = 0;

  while (wzp_registry_pop (sim->registry, &output)) {
    g_assert_nonnull (output.message);
    g_assert_false (test_peer_is_exposed (a->peer, output.message));
    g_assert_false (test_peer_is_exposed (b->peer, output.message));
    wzp_message_free (output.message);
    n++;
  }
  return n;
}

static void
test_generic (void)
{
  Sim sim;
  Client *a, *b;
  guint n = 0;

  g_test_summary ("With AcceptGeneric no address leaves, whatever was sent");

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, "anna");
  b = registered_new (&sim, 2, "bert");
  offer (&sim, a, b, "c1");
  send (&sim, a, test_peer_update (a->peer, "c1", 1));
  send (&sim, b, test_peer_update (b->peer, "c1", 1));
  send (&sim, b, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  answer (&sim, b, a, "c1", WZP_ACCEPT_GENERIC);
  n += check_nothing_exposed (&sim, a, b);
  send (&sim, a, test_peer_update (a->peer, "c1", 2));
  send (&sim, b, test_peer_update (b->peer, "c1", 2));
  send (&sim, a, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c1"));
  send (&sim, b, test_hangup ("c1", WZP_HANGUP_NORMAL));
  n += check_nothing_exposed (&sim, a, b);
  /* Offer, ringing, answer, two setups, report, hang-up. */
  g_assert_cmpuint (n, ==, 7);

  /* And a caller learns nothing of a callee that rejects, nor the reverse. */
  offer (&sim, a, b, "c2");
  answer (&sim, b, a, "c2", WZP_ACCEPT_REJECT);
  g_assert_cmpuint (check_nothing_exposed (&sim, a, b), ==, 3);

  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_reject (void)
{
  Sim sim;
  Client *a, *b;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  offer (&sim, a, b, "c1");
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  answer (&sim, b, a, "c1", WZP_ACCEPT_REJECT);
  skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  expect_hangup (&sim, a, "c1", WZP_HANGUP_DECLINED, NULL);
  expect_nothing (&sim);
  g_assert_cmpuint (stats (&sim).calls, ==, 0);
  g_assert_cmpint (wzp_registry_get_deadline (sim.registry), ==, -1);

  /* An answer to what is over. */
  answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  expect_nothing (&sim);
  g_assert_cmpuint (stats (&sim).refused, ==, 1);
  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_expiry (void)
{
  Sim sim;
  Client *a, *b;
  gint64 start_us;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  start_us = sim.now_us;
  g_assert_cmpint (wzp_registry_advance (sim.registry, start_us), ==, -1);

  offer (&sim, a, b, "c1");
  sim.now_us += 10 * SECOND;
  offer (&sim, b, a, "c2");
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_OFFER);
  /* Ringing is no answer. */
  send (&sim, b, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  skip (&sim, a, WZP_MESSAGE_CALL_RINGING);

  g_assert_cmpint (
      wzp_registry_get_deadline (sim.registry), ==, start_us + 30 * SECOND);
  g_assert_cmpint (
      wzp_registry_advance (sim.registry, start_us + 30 * SECOND - 1), ==,
      start_us + 30 * SECOND);
  expect_nothing (&sim);
  g_assert_cmpint (wzp_registry_advance (sim.registry, start_us + 30 * SECOND),
      ==, start_us + 40 * SECOND);
  expect_hangup (&sim, b, "c1", WZP_HANGUP_TIMEOUT, NULL);
  expect_hangup (&sim, a, "c1", WZP_HANGUP_TIMEOUT, NULL);
  expect_nothing (&sim);

  /* An accepted call has no time. */
  answer (&sim, a, b, "c2", WZP_ACCEPT_TRUSTED);
  g_assert_cmpint (
      wzp_registry_advance (sim.registry, start_us + 9000 * SECOND), ==, -1);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c2"), ==, WZP_CALL_ACTIVE);
  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_hangup_ends (void)
{
  Sim sim;
  Client *a, *b, *c;
  WzpMessage *message;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  c = registered_new (&sim, 3, NULL);

  /* By the callee, while it rings; the reason is passed on, words are not. */
  offer (&sim, a, b, "c1");
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  message = test_hangup ("c1", WZP_HANGUP_BUSY);
  message->detail = g_strdup (WZP_HANGUP_DETAIL_NOT_FOUND);
  send (&sim, b, message);
  expect_hangup (&sim, a, "c1", WZP_HANGUP_BUSY, NULL);

  /* Not by a stranger. */
  make_call (&sim, a, b, "c2");
  send (&sim, c, test_hangup ("c2", WZP_HANGUP_NORMAL));
  expect_nothing (&sim);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c2"), ==, WZP_CALL_ACTIVE);
  send (&sim, a, test_hangup ("c2", WZP_HANGUP_NORMAL));
  expect_hangup (&sim, b, "c2", WZP_HANGUP_NORMAL, NULL);

  /* All at once. */
  make_call (&sim, a, b, "c3");
  make_call (&sim, c, a, "c4");
  make_call (&sim, b, c, "c5");
  send (&sim, a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  expect_hangup (&sim, c, "c4", WZP_HANGUP_NORMAL, NULL);
  expect_hangup (&sim, b, "c3", WZP_HANGUP_NORMAL, NULL);
  expect_nothing (&sim);
  g_assert_cmpuint (stats (&sim).calls, ==, 1);
  send (&sim, a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  expect_nothing (&sim);

  client_free (&sim, a);
  client_free (&sim, b);
  client_free (&sim, c);
  wzp_registry_free (sim.registry);
}

static void
test_disconnect (void)
{
  Sim sim;
  Client *a, *b, *c;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  c = registered_new (&sim, 3, NULL);
  offer (&sim, a, b, "c1");
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  make_call (&sim, b, c, "c2");
  make_call (&sim, b, c, "c3");
  wzp_registry_set_in_room (sim.registry, "c2", b->peer->fp, TRUE);
  wzp_registry_set_in_room (sim.registry, "c3", c->peer->fp, TRUE);

  /* The call that goes on in its room stays, until the room is left. */
  client_leave (&sim, b);
  expect_hangup (
      &sim, c, "c3", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  expect_hangup (
      &sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  expect_nothing (&sim);
  g_assert_true (wzp_registry_may_join (sim.registry, "c2", b->peer->fp));
  wzp_registry_set_in_room (sim.registry, "c2", b->peer->fp, FALSE);
  expect_hangup (
      &sim, c, "c2", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  g_assert_cmpuint (stats (&sim).calls, ==, 0);

  /* Both are gone but for the room. */
  make_call (&sim, a, c, "c4");
  wzp_registry_set_in_room (sim.registry, "c4", a->peer->fp, TRUE);
  wzp_registry_set_in_room (sim.registry, "c4", c->peer->fp, TRUE);
  client_leave (&sim, a);
  client_leave (&sim, c);
  g_assert_cmpuint (stats (&sim).calls, ==, 1);
  wzp_registry_set_in_room (sim.registry, "c4", a->peer->fp, FALSE);
  expect_nothing (&sim);
  g_assert_cmpuint (stats (&sim).calls, ==, 0);
  wzp_registry_set_in_room (sim.registry, "c4", c->peer->fp, FALSE);

  client_free (&sim, a);
  client_free (&sim, b);
  client_free (&sim, c);
  wzp_registry_free (sim.registry);
}

static void
test_back_in_call (void)
{
  Sim sim;
  Client *a, *b;

  g_test_summary ("Who comes back while in the room still has the call");

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  make_call (&sim, a, b, "c1");
  wzp_registry_set_in_room (sim.registry, "c1", b->peer->fp, TRUE);
  client_leave (&sim, b);
  b->client = wzp_registry_add (sim.registry, NULL, b, NULL);
  send (&sim, b, test_peer_register (b->peer, NULL));
  expect_ack (&sim, b, NULL);
  send (&sim, a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  expect_hangup (&sim, b, "c1", WZP_HANGUP_NORMAL, NULL);
  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_refused_offers (void)
{
  Sim sim;
  Client *a, *b, *c;
  g_autofree char *others = NULL;
  g_autofree char *own = NULL;
  WzpMessage *message;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, "anna");
  b = registered_new (&sim, 2, NULL);
  c = client_new (&sim, 3);

  offer (&sim, a, c, "c1");
  expect_hangup (&sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  offer (&sim, c, a, "c1");
  expect_hangup (&sim, c, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  offer (&sim, a, a, "c1");
  expect_hangup (&sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);

  /* In another's name, or with another's key. */
  message = test_peer_offer (a->peer, b->peer->fp, "c1");
  message->caller_fp = *c->peer->fp;
  send (&sim, a, message);
  expect_hangup (&sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  message = test_peer_offer (a->peer, b->peer->fp, "c1");
  message->identity_pub[0] ^= 1;
  send (&sim, a, message);
  expect_hangup (&sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);

  /* An id that is in use; the same offer again changes nothing. */
  offer (&sim, a, b, "c1");
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  offer (&sim, b, a, "c1");
  expect_hangup (&sim, b, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  offer (&sim, a, b, "c1");
  expect_nothing (&sim);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_PENDING);

  /* An id that names two others would lock them out of their room. */
  others = wzp_call_id_new_self_naming ("aa", c->peer->fp, b->peer->fp);
  offer (&sim, a, b, others);
  expect_hangup (&sim, a, others, WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  own = wzp_call_id_new_self_naming ("aa", a->peer->fp, b->peer->fp);
  offer (&sim, a, b, own);
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  expect_nothing (&sim);
  g_assert_cmpuint (stats (&sim).calls, ==, 2);

  client_free (&sim, a);
  client_free (&sim, b);
  client_free (&sim, c);
  wzp_registry_free (sim.registry);
}

static void
test_caller_alias (void)
{
  Sim sim;
  Client *a, *b;
  WzpMessage *message;

  g_test_summary ("A caller is called by the name that it registered");

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  message = test_peer_offer (a->peer, b->peer->fp, "c1");
  message->alias = g_strdup ("the-bank");
  send (&sim, a, message);
  message = expect (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_null (message->alias);
  wzp_message_free (message);
  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_before_registration (void)
{
  static const WzpMessageType refused[] = { WZP_MESSAGE_CALL_RINGING,
    WZP_MESSAGE_DIRECT_CALL_ANSWER, WZP_MESSAGE_MEDIA_PATH_REPORT,
    WZP_MESSAGE_CANDIDATE_UPDATE, WZP_MESSAGE_HANGUP,
    WZP_MESSAGE_REGISTER_PRESENCE_ACK, WZP_MESSAGE_REFLECT_RESPONSE,
    WZP_MESSAGE_CALL_SETUP, WZP_MESSAGE_ALIAS_RESOLVED };
  Sim sim;
  Client *a, *b;
  WzpMessage *message;

  sim_init (&sim, NULL);
  a = client_new (&sim, 1);
  b = registered_new (&sim, 2, "bert");

  send (&sim, a, test_message (WZP_MESSAGE_REFLECT, NULL));
  message = expect (&sim, a, WZP_MESSAGE_REFLECT_RESPONSE);
  g_assert_cmpstr (message->observed_addr, ==, a->peer->reflexive);
  wzp_message_free (message);

  message = test_message (WZP_MESSAGE_PING, NULL);
  message->timestamp_ms = 77;
  send (&sim, a, message);
  message = expect (&sim, a, WZP_MESSAGE_PONG);
  g_assert_cmpuint (message->timestamp_ms, ==, 77);
  wzp_message_free (message);

  message = test_message (WZP_MESSAGE_RESOLVE_ALIAS, NULL);
  message->alias = g_strdup ("bert");
  send (&sim, a, message);
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    send (&sim, a, test_message (refused[i], "c1"));
  send (&sim, a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  expect_nothing (&sim);
  g_assert_cmpuint (stats (&sim).refused, ==, G_N_ELEMENTS (refused) + 2);

  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_out_of_order (void)
{
  Sim sim;
  Client *a, *b, *c;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  c = registered_new (&sim, 3, NULL);
  offer (&sim, a, b, "c1");
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);

  /* The caller cannot answer itself, nor can a stranger. */
  send (&sim, a, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  answer (&sim, a, b, "c1", WZP_ACCEPT_TRUSTED);
  answer (&sim, c, a, "c1", WZP_ACCEPT_TRUSTED);
  send (&sim, b, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c1"));
  expect_nothing (&sim);
  g_assert_cmpuint (stats (&sim).refused, ==, 4);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_PENDING);

  /* Streams may overtake each other: ringing after the answer, twice. */
  answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  skip (&sim, a, WZP_MESSAGE_CALL_SETUP);
  skip (&sim, b, WZP_MESSAGE_CALL_SETUP);
  send (&sim, b, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  answer (&sim, b, a, "c1", WZP_ACCEPT_REJECT);
  expect_nothing (&sim);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_ACTIVE);
  send (&sim, a, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c1"));
  skip (&sim, b, WZP_MESSAGE_MEDIA_PATH_REPORT);

  client_free (&sim, a);
  client_free (&sim, b);
  client_free (&sim, c);
  wzp_registry_free (sim.registry);
}

static void
test_answer_of_another_key (void)
{
  Sim sim;
  Client *a, *b;
  WzpMessage *message;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  offer (&sim, a, b, "c1");
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  message = test_peer_answer (b->peer, a->peer->fp, "c1", WZP_ACCEPT_TRUSTED);
  message->identity_pub[3] ^= 1;
  send (&sim, b, message);
  expect_nothing (&sim);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_PENDING);
  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_updates (void)
{
  Sim sim;
  Client *a, *b;
  WzpMessage *message;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  offer (&sim, a, b, "c1");
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);

  /* Before the answer the relay keeps it for CallSetup. */
  message = test_peer_update (a->peer, "c1", 3);
  g_free (message->reflexive_addr);
  message->reflexive_addr = g_strdup ("198.51.100.99:9");
  send (&sim, a, message);
  expect_nothing (&sim);
  answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  skip (&sim, a, WZP_MESSAGE_CALL_SETUP);
  message = expect (&sim, b, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->reflexive_addr, ==, "198.51.100.99:9");
  wzp_message_free (message);

  /* Then it is passed on, but not an older one. */
  send (&sim, a, test_peer_update (a->peer, "c1", 2));
  expect_nothing (&sim);
  send (&sim, a, test_peer_update (a->peer, "c1", 4));
  message = expect (&sim, b, WZP_MESSAGE_CANDIDATE_UPDATE);
  g_assert_cmpuint (message->generation, ==, 4);
  g_assert_cmpstr (message->mapped_addr, ==, a->peer->reflexive);
  g_assert_cmpuint (g_strv_length (message->local_addrs), ==, 2);
  wzp_message_free (message);
  /* Each side counts for itself. */
  send (&sim, b, test_peer_update (b->peer, "c1", 1));
  skip (&sim, a, WZP_MESSAGE_CANDIDATE_UPDATE);

  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_bad_addresses (void)
{
  Sim sim;
  Client *a, *b;
  WzpMessage *message;
  g_autoptr (GPtrArray) many = g_ptr_array_new ();

  g_test_summary ("What is not an address is left out, and there are bounds");

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  message = test_peer_offer (a->peer, b->peer->fp, "c1");
  g_free (message->reflexive_addr);
  message->reflexive_addr = g_strdup ("evil.example:1");
  g_strfreev (message->local_addrs);
  g_ptr_array_add (many, g_strdup ("evil.example:1"));
  for (guint i = 0; i < WZP_CALL_RECORD_MAX_ADDRS + 5; i++)
    g_ptr_array_add (many, g_strdup_printf ("10.0.0.%u:1", i));
  g_ptr_array_add (many, NULL);
  message->local_addrs =
      (char **) g_ptr_array_free (g_steal_pointer (&many), FALSE);
  send (&sim, a, message);
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  skip (&sim, a, WZP_MESSAGE_CALL_SETUP);
  message = expect (&sim, b, WZP_MESSAGE_CALL_SETUP);
  g_assert_null (message->reflexive_addr);
  g_assert_cmpuint (
      g_strv_length (message->local_addrs), ==, WZP_CALL_RECORD_MAX_ADDRS);
  g_assert_cmpstr (message->local_addrs[0], ==, "10.0.0.0:1");
  wzp_message_free (message);
  client_free (&sim, a);
  client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_may_join (void)
{
  g_autofree char *own = NULL;
  Sim sim;
  Client *a, *b, *c;

  sim_init (&sim, NULL);
  a = registered_new (&sim, 1, NULL);
  b = registered_new (&sim, 2, NULL);
  c = registered_new (&sim, 3, NULL);
  g_assert_false (wzp_registry_may_join (sim.registry, "c1", a->peer->fp));
  offer (&sim, a, b, "c1");
  skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_false (wzp_registry_may_join (sim.registry, "c1", a->peer->fp));
  answer (&sim, b, a, "c1", WZP_ACCEPT_GENERIC);
  g_assert_true (wzp_registry_may_join (sim.registry, "c1", a->peer->fp));
  g_assert_true (wzp_registry_may_join (sim.registry, "c1", b->peer->fp));
  g_assert_false (wzp_registry_may_join (sim.registry, "c1", c->peer->fp));
  g_assert_false (wzp_registry_may_join (sim.registry, "c2", a->peer->fp));
  send (&sim, a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  g_assert_false (wzp_registry_may_join (sim.registry, "c1", a->peer->fp));

  /* A call that the relay has not seen. */
  own = wzp_call_id_new_self_naming ("0f", a->peer->fp, b->peer->fp);
  g_assert_true (wzp_registry_may_join (sim.registry, own, a->peer->fp));
  g_assert_true (wzp_registry_may_join (sim.registry, own, b->peer->fp));
  g_assert_false (wzp_registry_may_join (sim.registry, own, c->peer->fp));

  client_free (&sim, a);
  client_free (&sim, b);
  client_free (&sim, c);
  wzp_registry_free (sim.registry);
}

static void
test_call_limits (void)
{
  const WzpRegistryLimits limits = { .max_calls = 5,
    .max_calls_per_client = 2 };
  Sim sim;
  Client *clients[6];

  sim_init (&sim, &limits);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    clients[i] = registered_new (&sim, i, NULL);

  make_call (&sim, clients[0], clients[1], "c1");
  make_call (&sim, clients[0], clients[1], "c2");
  offer (&sim, clients[0], clients[2], "c3"); /* the caller has enough */
  expect_hangup (&sim, clients[0], "c3", WZP_HANGUP_BUSY, "limit");
  offer (&sim, clients[2], clients[1], "c3"); /* the callee */
  expect_hangup (&sim, clients[2], "c3", WZP_HANGUP_BUSY, "limit");

  make_call (&sim, clients[2], clients[3], "c3");
  make_call (&sim, clients[2], clients[3], "c4");
  make_call (&sim, clients[4], clients[5], "c5");
  offer (&sim, clients[4], clients[5], "c6"); /* the relay */
  expect_hangup (&sim, clients[4], "c6", WZP_HANGUP_BUSY, "limit");
  send (&sim, clients[0], test_hangup ("c1", WZP_HANGUP_NORMAL));
  expect_hangup (&sim, clients[1], "c1", WZP_HANGUP_NORMAL, NULL);
  make_call (&sim, clients[4], clients[5], "c6");

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    client_free (&sim, clients[i]);
  g_assert_cmpuint (stats (&sim).calls, ==, 0);
  wzp_registry_free (sim.registry);
}

static void
test_client_limit (void)
{
  g_autoptr (WzpRegistry) registry = wzp_registry_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < WZP_REGISTRY_MAX_CLIENTS; i++)
    g_assert_nonnull (wzp_registry_add (registry, NULL, NULL, NULL));
  g_assert_null (wzp_registry_add (registry, NULL, NULL, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);
}

/* --- at random ------------------------------------------------------- */

#define RANDOM_CLIENTS 9u
#define RANDOM_CALLS   12u
#define RANDOM_STEPS   40000u

typedef struct {
  Sim sim;
  GRand *rand;
  Client *clients[RANDOM_CLIENTS];
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
random_call_message (Random *r, Client *client, const char *id)
{
  static const WzpMessageType types[] = { WZP_MESSAGE_CALL_RINGING,
    WZP_MESSAGE_DIRECT_CALL_ANSWER, WZP_MESSAGE_DIRECT_CALL_ANSWER,
    WZP_MESSAGE_CANDIDATE_UPDATE, WZP_MESSAGE_MEDIA_PATH_REPORT,
    WZP_MESSAGE_HANGUP };
  WzpMessageType type = types[pick (r, G_N_ELEMENTS (types))];

  if (type == WZP_MESSAGE_DIRECT_CALL_ANSWER)
    answer (&r->sim, client, r->clients[pick (r, RANDOM_CLIENTS)], id,
        (WzpAcceptMode) pick (r, 3));
  else if (type == WZP_MESSAGE_CANDIDATE_UPDATE)
    send (&r->sim, client, test_peer_update (client->peer, id, pick (r, 5)));
  else if (type == WZP_MESSAGE_HANGUP && pick (r, 3) == 0)
    send (&r->sim, client, test_hangup (id, (WzpHangupReason) pick (r, 5)));
  else if (type == WZP_MESSAGE_HANGUP && pick (r, 10) == 0)
    send (&r->sim, client, test_hangup (NULL, WZP_HANGUP_NORMAL));
  else if (type != WZP_MESSAGE_HANGUP)
    send (&r->sim, client, test_message (type, id));
}

static void
random_step (Random *r)
{
  Client *client = r->clients[pick (r, RANDOM_CLIENTS)];
  char id[] = "ca";

  id[1] = (char) ('a' + pick (r, RANDOM_CALLS));
  r->sim.now_us += pick (r, SECOND);
  /* Mostly one that has to do with the call. */
  if (pick (r, 3) != 0 && r->callee[id[1] - 'a'] >= 0)
    client = r->clients[pick (r, 2) == 0 ? r->callee[id[1] - 'a']
                                         : r->caller[id[1] - 'a']];
  if (client->client == NULL) {
    client->client = wzp_registry_add (r->sim.registry, NULL, client, NULL);
    g_assert_nonnull (client->client);
    return;
  }
  switch (pick (r, 24)) {
    case 0:
      client_leave (&r->sim, client);
      break;
    case 1:
      send (&r->sim, client, test_peer_register (client->peer, NULL));
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
      offer (&r->sim, client, r->clients[pick (r, RANDOM_CLIENTS)], id);
      break;
    default:
      random_call_message (r, client, id);
      break;
  }
}

static void
test_random (void)
{
  const WzpRegistryLimits limits = { .max_calls = 8,
    .max_calls_per_client = 3 };
  Random r = { .rand = wzp_test_rand_new () };
  WzpRegistryStats end;

  g_test_summary ("Only the two of a call hear of it, each of the other, and "
                  "with AcceptGeneric of no address");

  sim_init (&r.sim, &limits);
  memset (r.callee, -1, sizeof r.callee);
  memset (r.caller, -1, sizeof r.caller);
  for (guint i = 0; i < RANDOM_CLIENTS; i++)
    r.clients[i] = client_new (&r.sim, i);
  for (guint step = 0; step < RANDOM_STEPS; step++) {
    random_step (&r);
    check_outputs (&r);
    end = stats (&r.sim);
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
      client_leave (&r.sim, r.clients[i]);
    for (guint call = 0; call < RANDOM_CALLS; call++) {
      id[1] = (char) ('a' + call);
      wzp_registry_set_in_room (
          r.sim.registry, id, r.clients[i]->peer->fp, FALSE);
    }
    check_outputs (&r);
  }
  end = stats (&r.sim);
  g_assert_cmpuint (end.calls, ==, 0);
  g_assert_cmpuint (end.active_calls, ==, 0);
  g_assert_cmpuint (end.registered, ==, 0);
  g_assert_cmpint (wzp_registry_get_deadline (r.sim.registry), ==, -1);

  for (guint i = 0; i < RANDOM_CLIENTS; i++)
    client_free (&r.sim, r.clients[i]);
  wzp_registry_free (r.sim.registry);
  g_rand_free (r.rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/registry/register", test_register);
  g_test_add_func ("/registry/proof", test_proof);
  g_test_add_func ("/registry/alias", test_alias);
  g_test_add_func ("/registry/replaced", test_replaced);
  g_test_add_func ("/registry/cross-wired", test_cross_wired);
  g_test_add_func ("/registry/generic", test_generic);
  g_test_add_func ("/registry/reject", test_reject);
  g_test_add_func ("/registry/expiry", test_expiry);
  g_test_add_func ("/registry/hang-up", test_hangup_ends);
  g_test_add_func ("/registry/disconnect", test_disconnect);
  g_test_add_func ("/registry/back-in-call", test_back_in_call);
  g_test_add_func ("/registry/refused-offers", test_refused_offers);
  g_test_add_func ("/registry/caller-alias", test_caller_alias);
  g_test_add_func ("/registry/before-registration", test_before_registration);
  g_test_add_func ("/registry/out-of-order", test_out_of_order);
  g_test_add_func (
      "/registry/answer-of-another-key", test_answer_of_another_key);
  g_test_add_func ("/registry/updates", test_updates);
  g_test_add_func ("/registry/bad-addresses", test_bad_addresses);
  g_test_add_func ("/registry/may-join", test_may_join);
  g_test_add_func ("/registry/call-limits", test_call_limits);
  g_test_add_func ("/registry/client-limit", test_client_limit);
  g_test_add_func ("/registry/random", test_random);
  return wzp_test_run ();
}
