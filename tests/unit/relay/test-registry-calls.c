#include "relay-test-sim.h"
#include "wzp-test.h"

#include <string.h>

#define SECOND ((gint64) G_USEC_PER_SEC)

static void
test_cross_wired (void)
{
  TestSim sim;
  TestClient *a, *b;
  WzpMessage *message;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, "anna");
  b = test_client_new_registered (&sim, 2, NULL);

  test_client_offer (&sim, a, b, "c1");
  message = test_client_expect (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
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

  test_client_send (&sim, b, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  test_client_skip (&sim, a, WZP_MESSAGE_CALL_RINGING);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_RINGING);

  test_client_answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  message = test_client_expect (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  g_assert_cmpstr (message->reflexive_addr, ==, b->peer->reflexive);
  g_assert_true (message->has_ephemeral_pub && message->has_signature);
  wzp_message_free (message);

  message = test_client_expect (&sim, a, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->room, ==, "call-c1");
  g_assert_cmpstr (message->relay_addr, ==, "192.0.2.1:5434");
  g_assert_cmpstr (message->reflexive_addr, ==, b->peer->reflexive);
  g_assert_cmpuint (g_strv_length (message->local_addrs), ==, 2);
  g_assert_cmpstr (message->local_addrs[0], ==, b->peer->local[0]);
  g_assert_cmpstr (message->local_addrs[1], ==, b->peer->local[1]);
  g_assert_false (test_peer_is_exposed (a->peer, message));
  wzp_message_free (message);

  message = test_client_expect (&sim, b, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->room, ==, "call-c1");
  g_assert_cmpstr (message->relay_addr, ==, "192.0.2.1:5435");
  g_assert_cmpstr (message->reflexive_addr, ==, a->peer->reflexive);
  g_assert_cmpstr (message->local_addrs[1], ==, a->peer->local[1]);
  g_assert_false (test_peer_is_exposed (b->peer, message));
  wzp_message_free (message);
  test_sim_expect_nothing (&sim);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_ACTIVE);
  g_assert_cmpuint (test_sim_stats (&sim).active_calls, ==, 1);
  g_assert_cmpint (wzp_registry_get_deadline (sim.registry), ==, -1);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

/* Pops everything: nobody's address may be in it. */
static guint
check_nothing_exposed (TestSim *sim, const TestClient *a, const TestClient *b)
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
  TestSim sim;
  TestClient *a, *b;
  guint n = 0;

  g_test_summary ("With AcceptGeneric no address leaves, whatever was sent");

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, "anna");
  b = test_client_new_registered (&sim, 2, "bert");
  test_client_offer (&sim, a, b, "c1");
  test_client_send (&sim, a, test_peer_update (a->peer, "c1", 1));
  test_client_send (&sim, b, test_peer_update (b->peer, "c1", 1));
  test_client_send (&sim, b, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  test_client_answer (&sim, b, a, "c1", WZP_ACCEPT_GENERIC);
  n += check_nothing_exposed (&sim, a, b);
  test_client_send (&sim, a, test_peer_update (a->peer, "c1", 2));
  test_client_send (&sim, b, test_peer_update (b->peer, "c1", 2));
  test_client_send (
      &sim, a, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c1"));
  test_client_send (&sim, b, test_hangup ("c1", WZP_HANGUP_NORMAL));
  n += check_nothing_exposed (&sim, a, b);
  /* Offer, ringing, answer, two setups, report, hang-up. */
  g_assert_cmpuint (n, ==, 7);

  /* And a caller learns nothing of a callee that rejects, nor the reverse. */
  test_client_offer (&sim, a, b, "c2");
  test_client_answer (&sim, b, a, "c2", WZP_ACCEPT_REJECT);
  g_assert_cmpuint (check_nothing_exposed (&sim, a, b), ==, 3);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_reject (void)
{
  TestSim sim;
  TestClient *a, *b;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  test_client_offer (&sim, a, b, "c1");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_answer (&sim, b, a, "c1", WZP_ACCEPT_REJECT);
  test_client_skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_expect_hangup (&sim, a, "c1", WZP_HANGUP_DECLINED, NULL);
  test_sim_expect_nothing (&sim);
  g_assert_cmpuint (test_sim_stats (&sim).calls, ==, 0);
  g_assert_cmpint (wzp_registry_get_deadline (sim.registry), ==, -1);

  /* An answer to what is over. */
  test_client_answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  test_sim_expect_nothing (&sim);
  g_assert_cmpuint (test_sim_stats (&sim).refused, ==, 1);
  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_expiry (void)
{
  TestSim sim;
  TestClient *a, *b;
  gint64 start_us;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  start_us = sim.now_us;
  g_assert_cmpint (wzp_registry_advance (sim.registry, start_us), ==, -1);

  test_client_offer (&sim, a, b, "c1");
  sim.now_us += 10 * SECOND;
  test_client_offer (&sim, b, a, "c2");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_OFFER);
  /* Ringing is no answer. */
  test_client_send (&sim, b, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  test_client_skip (&sim, a, WZP_MESSAGE_CALL_RINGING);

  g_assert_cmpint (
      wzp_registry_get_deadline (sim.registry), ==, start_us + 30 * SECOND);
  g_assert_cmpint (
      wzp_registry_advance (sim.registry, start_us + 30 * SECOND - 1), ==,
      start_us + 30 * SECOND);
  test_sim_expect_nothing (&sim);
  g_assert_cmpint (wzp_registry_advance (sim.registry, start_us + 30 * SECOND),
      ==, start_us + 40 * SECOND);
  test_client_expect_hangup (&sim, b, "c1", WZP_HANGUP_TIMEOUT, NULL);
  test_client_expect_hangup (&sim, a, "c1", WZP_HANGUP_TIMEOUT, NULL);
  test_sim_expect_nothing (&sim);

  /* An accepted call has no time. */
  test_client_answer (&sim, a, b, "c2", WZP_ACCEPT_TRUSTED);
  g_assert_cmpint (
      wzp_registry_advance (sim.registry, start_us + 9000 * SECOND), ==, -1);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c2"), ==, WZP_CALL_ACTIVE);
  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_hangup_ends (void)
{
  TestSim sim;
  TestClient *a, *b, *c;
  WzpMessage *message;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  c = test_client_new_registered (&sim, 3, NULL);

  /* By the callee, while it rings; the reason is passed on, words are not. */
  test_client_offer (&sim, a, b, "c1");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  message = test_hangup ("c1", WZP_HANGUP_BUSY);
  message->detail = g_strdup (WZP_HANGUP_DETAIL_NOT_FOUND);
  test_client_send (&sim, b, message);
  test_client_expect_hangup (&sim, a, "c1", WZP_HANGUP_BUSY, NULL);

  /* Not by a stranger. */
  test_client_call (&sim, a, b, "c2");
  test_client_send (&sim, c, test_hangup ("c2", WZP_HANGUP_NORMAL));
  test_sim_expect_nothing (&sim);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c2"), ==, WZP_CALL_ACTIVE);
  test_client_send (&sim, a, test_hangup ("c2", WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&sim, b, "c2", WZP_HANGUP_NORMAL, NULL);

  /* All at once. */
  test_client_call (&sim, a, b, "c3");
  test_client_call (&sim, c, a, "c4");
  test_client_call (&sim, b, c, "c5");
  test_client_send (&sim, a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&sim, c, "c4", WZP_HANGUP_NORMAL, NULL);
  test_client_expect_hangup (&sim, b, "c3", WZP_HANGUP_NORMAL, NULL);
  test_sim_expect_nothing (&sim);
  g_assert_cmpuint (test_sim_stats (&sim).calls, ==, 1);
  test_client_send (&sim, a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  test_sim_expect_nothing (&sim);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  test_client_free (&sim, c);
  wzp_registry_free (sim.registry);
}

static void
test_refused_offers (void)
{
  TestSim sim;
  TestClient *a, *b, *c;
  g_autofree char *others = NULL;
  g_autofree char *own = NULL;
  WzpMessage *message;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, "anna");
  b = test_client_new_registered (&sim, 2, NULL);
  c = test_client_new (&sim, 3);

  test_client_offer (&sim, a, c, "c1");
  test_client_expect_hangup (
      &sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  test_client_offer (&sim, c, a, "c1");
  test_client_expect_hangup (
      &sim, c, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  test_client_offer (&sim, a, a, "c1");
  test_client_expect_hangup (
      &sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);

  /* In another's name, or with another's key. */
  message = test_peer_offer (a->peer, b->peer->fp, "c1");
  message->caller_fp = *c->peer->fp;
  test_client_send (&sim, a, message);
  test_client_expect_hangup (
      &sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  message = test_peer_offer (a->peer, b->peer->fp, "c1");
  message->identity_pub[0] ^= 1;
  test_client_send (&sim, a, message);
  test_client_expect_hangup (
      &sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);

  /* An id that is in use; the same offer again changes nothing. */
  test_client_offer (&sim, a, b, "c1");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_offer (&sim, b, a, "c1");
  test_client_expect_hangup (
      &sim, b, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  test_client_offer (&sim, a, b, "c1");
  test_sim_expect_nothing (&sim);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_PENDING);

  /* An id that names two others would lock them out of their room. */
  others = wzp_call_id_new_self_naming ("aa", c->peer->fp, b->peer->fp);
  test_client_offer (&sim, a, b, others);
  test_client_expect_hangup (
      &sim, a, others, WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  own = wzp_call_id_new_self_naming ("aa", a->peer->fp, b->peer->fp);
  test_client_offer (&sim, a, b, own);
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_sim_expect_nothing (&sim);
  g_assert_cmpuint (test_sim_stats (&sim).calls, ==, 2);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  test_client_free (&sim, c);
  wzp_registry_free (sim.registry);
}

static void
test_caller_alias (void)
{
  TestSim sim;
  TestClient *a, *b;
  WzpMessage *message;

  g_test_summary ("A caller is called by the name that it registered");

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  message = test_peer_offer (a->peer, b->peer->fp, "c1");
  message->alias = g_strdup ("the-bank");
  test_client_send (&sim, a, message);
  message = test_client_expect (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_null (message->alias);
  wzp_message_free (message);
  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_out_of_order (void)
{
  TestSim sim;
  TestClient *a, *b, *c;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  c = test_client_new_registered (&sim, 3, NULL);
  test_client_offer (&sim, a, b, "c1");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);

  /* The caller cannot answer itself, nor can a stranger. */
  test_client_send (&sim, a, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  test_client_answer (&sim, a, b, "c1", WZP_ACCEPT_TRUSTED);
  test_client_answer (&sim, c, a, "c1", WZP_ACCEPT_TRUSTED);
  test_client_send (
      &sim, b, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c1"));
  test_sim_expect_nothing (&sim);
  g_assert_cmpuint (test_sim_stats (&sim).refused, ==, 4);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_PENDING);

  /* Streams may overtake each other: ringing after the answer, twice. */
  test_client_answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  test_client_skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_skip (&sim, a, WZP_MESSAGE_CALL_SETUP);
  test_client_skip (&sim, b, WZP_MESSAGE_CALL_SETUP);
  test_client_send (&sim, b, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  test_client_answer (&sim, b, a, "c1", WZP_ACCEPT_REJECT);
  test_sim_expect_nothing (&sim);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_ACTIVE);
  test_client_send (
      &sim, a, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c1"));
  test_client_skip (&sim, b, WZP_MESSAGE_MEDIA_PATH_REPORT);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  test_client_free (&sim, c);
  wzp_registry_free (sim.registry);
}

static void
test_answer_of_another_key (void)
{
  TestSim sim;
  TestClient *a, *b;
  WzpMessage *message;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  test_client_offer (&sim, a, b, "c1");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  message = test_peer_answer (b->peer, a->peer->fp, "c1", WZP_ACCEPT_TRUSTED);
  message->identity_pub[3] ^= 1;
  test_client_send (&sim, b, message);
  test_sim_expect_nothing (&sim);
  g_assert_cmpint (
      wzp_registry_get_call_state (sim.registry, "c1"), ==, WZP_CALL_PENDING);
  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_updates (void)
{
  TestSim sim;
  TestClient *a, *b;
  WzpMessage *message;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  test_client_offer (&sim, a, b, "c1");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);

  /* Before the answer the relay keeps it for CallSetup. */
  message = test_peer_update (a->peer, "c1", 3);
  g_free (message->reflexive_addr);
  message->reflexive_addr = g_strdup ("198.51.100.99:9");
  test_client_send (&sim, a, message);
  test_sim_expect_nothing (&sim);
  test_client_answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  test_client_skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_skip (&sim, a, WZP_MESSAGE_CALL_SETUP);
  message = test_client_expect (&sim, b, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->reflexive_addr, ==, "198.51.100.99:9");
  wzp_message_free (message);

  /* Then it is passed on, but not an older one. */
  test_client_send (&sim, a, test_peer_update (a->peer, "c1", 2));
  test_sim_expect_nothing (&sim);
  test_client_send (&sim, a, test_peer_update (a->peer, "c1", 4));
  message = test_client_expect (&sim, b, WZP_MESSAGE_CANDIDATE_UPDATE);
  g_assert_cmpuint (message->generation, ==, 4);
  g_assert_cmpstr (message->mapped_addr, ==, a->peer->reflexive);
  g_assert_cmpuint (g_strv_length (message->local_addrs), ==, 2);
  wzp_message_free (message);
  /* Each side counts for itself. */
  test_client_send (&sim, b, test_peer_update (b->peer, "c1", 1));
  test_client_skip (&sim, a, WZP_MESSAGE_CANDIDATE_UPDATE);

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_bad_addresses (void)
{
  TestSim sim;
  TestClient *a, *b;
  WzpMessage *message;
  g_autoptr (GPtrArray) many = g_ptr_array_new ();

  g_test_summary ("What is not an address is left out, and there are bounds");

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
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
  test_client_send (&sim, a, message);
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  test_client_skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_skip (&sim, a, WZP_MESSAGE_CALL_SETUP);
  message = test_client_expect (&sim, b, WZP_MESSAGE_CALL_SETUP);
  g_assert_null (message->reflexive_addr);
  g_assert_cmpuint (
      g_strv_length (message->local_addrs), ==, WZP_CALL_RECORD_MAX_ADDRS);
  g_assert_cmpstr (message->local_addrs[0], ==, "10.0.0.0:1");
  wzp_message_free (message);
  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_may_join (void)
{
  g_autofree char *own = NULL;
  TestSim sim;
  TestClient *a, *b, *c;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  c = test_client_new_registered (&sim, 3, NULL);
  g_assert_false (wzp_registry_may_join (sim.registry, "c1", a->peer->fp));
  test_client_offer (&sim, a, b, "c1");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_false (wzp_registry_may_join (sim.registry, "c1", a->peer->fp));
  test_client_answer (&sim, b, a, "c1", WZP_ACCEPT_GENERIC);
  g_assert_true (wzp_registry_may_join (sim.registry, "c1", a->peer->fp));
  g_assert_true (wzp_registry_may_join (sim.registry, "c1", b->peer->fp));
  g_assert_false (wzp_registry_may_join (sim.registry, "c1", c->peer->fp));
  g_assert_false (wzp_registry_may_join (sim.registry, "c2", a->peer->fp));
  test_client_send (&sim, a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  g_assert_false (wzp_registry_may_join (sim.registry, "c1", a->peer->fp));

  /* A call that the relay has not seen. */
  own = wzp_call_id_new_self_naming ("0f", a->peer->fp, b->peer->fp);
  g_assert_true (wzp_registry_may_join (sim.registry, own, a->peer->fp));
  g_assert_true (wzp_registry_may_join (sim.registry, own, b->peer->fp));
  g_assert_false (wzp_registry_may_join (sim.registry, own, c->peer->fp));

  test_client_free (&sim, a);
  test_client_free (&sim, b);
  test_client_free (&sim, c);
  wzp_registry_free (sim.registry);
}

static void
test_call_limits (void)
{
  const WzpRegistryLimits limits = { .max_calls = 5,
    .max_calls_per_client = 2 };
  TestSim sim;
  TestClient *clients[6];

  test_sim_init (&sim, &limits);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    clients[i] = test_client_new_registered (&sim, i, NULL);

  test_client_call (&sim, clients[0], clients[1], "c1");
  test_client_call (&sim, clients[0], clients[1], "c2");
  test_client_offer (
      &sim, clients[0], clients[2], "c3"); /* the caller has enough */
  test_client_expect_hangup (&sim, clients[0], "c3", WZP_HANGUP_BUSY, "limit");
  test_client_offer (&sim, clients[2], clients[1], "c3"); /* the callee */
  test_client_expect_hangup (&sim, clients[2], "c3", WZP_HANGUP_BUSY, "limit");

  test_client_call (&sim, clients[2], clients[3], "c3");
  test_client_call (&sim, clients[2], clients[3], "c4");
  test_client_call (&sim, clients[4], clients[5], "c5");
  test_client_offer (&sim, clients[4], clients[5], "c6"); /* the relay */
  test_client_expect_hangup (&sim, clients[4], "c6", WZP_HANGUP_BUSY, "limit");
  test_client_send (&sim, clients[0], test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&sim, clients[1], "c1", WZP_HANGUP_NORMAL, NULL);
  test_client_call (&sim, clients[4], clients[5], "c6");

  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    test_client_free (&sim, clients[i]);
  wzp_registry_free (sim.registry);
}

static void
test_ringing_limit (void)
{
  TestSim sim;
  TestClient *callee, *callers[WZP_REGISTRY_MAX_RINGING + 1];
  const WzpRegistryLimits limits = { .max_ringing = 1 };
  char id[] = "c0";

  g_test_summary ("A flood of callers does not fill one callee's phone");

  test_sim_init (&sim, NULL);
  callee = test_client_new_registered (&sim, 9, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++) {
    callers[i] = test_client_new_registered (&sim, i, NULL);
    id[1] = (char) ('0' + i);
    test_client_offer (&sim, callers[i], callee, id);
    if (i < WZP_REGISTRY_MAX_RINGING)
      test_client_skip (&sim, callee, WZP_MESSAGE_DIRECT_CALL_OFFER);
    else
      test_client_expect_hangup (
          &sim, callers[i], id, WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);
  }
  /* It may call itself, and an answer or an end makes room. */
  test_client_offer (&sim, callee, callers[4], "d0");
  test_client_skip (&sim, callers[4], WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_answer (&sim, callee, callers[0], "c0", WZP_ACCEPT_TRUSTED);
  test_client_send (&sim, callers[1], test_hangup ("c1", WZP_HANGUP_NORMAL));
  for (guint i = 0; i < 4; i++) {
    WzpRegistryOutput output;

    g_assert_true (wzp_registry_pop (sim.registry, &output));
    wzp_message_free (output.message);
  }
  test_sim_expect_nothing (&sim);
  test_client_offer (&sim, callers[4], callee, "d1");
  test_client_skip (&sim, callee, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_offer (&sim, callers[4], callee, "d2");
  test_client_skip (&sim, callee, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_offer (&sim, callers[4], callee, "d3");
  test_client_expect_hangup (
      &sim, callers[4], "d3", WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);

  /* Another limit is for those to come: 4 ring on, 0 ring on. */
  wzp_registry_set_limits (sim.registry, &limits);
  g_assert_cmpuint (test_sim_stats (&sim).calls, ==, 6);
  test_client_offer (&sim, callers[4], callers[3], "d4");
  test_client_skip (&sim, callers[3], WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_offer (&sim, callers[2], callers[3], "d5");
  test_client_expect_hangup (
      &sim, callers[2], "d5", WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);

  test_client_free (&sim, callee);
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    test_client_free (&sim, callers[i]);
  wzp_registry_free (sim.registry);
}

static void
test_timeout_changed (void)
{
  const WzpRegistryLimits shorter = { .call_timeout_us = 5 * SECOND };
  TestSim sim;
  TestClient *a, *b;
  gint64 start_us;

  g_test_summary ("A shorter time for calls to come does not wait for the "
                  "longer one of calls before");

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  start_us = sim.now_us;
  test_client_offer (&sim, a, b, "c1");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  wzp_registry_set_limits (sim.registry, &shorter);
  test_client_offer (&sim, a, b, "c2");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_cmpint (
      wzp_registry_get_deadline (sim.registry), ==, start_us + 5 * SECOND);
  g_assert_cmpint (wzp_registry_advance (sim.registry, start_us + 5 * SECOND),
      ==, start_us + 30 * SECOND);
  test_client_expect_hangup (&sim, b, "c2", WZP_HANGUP_TIMEOUT, NULL);
  test_client_expect_hangup (&sim, a, "c2", WZP_HANGUP_TIMEOUT, NULL);
  test_sim_expect_nothing (&sim);
  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

static void
test_update_overtakes (void)
{
  TestSim sim;
  TestClient *a, *b;
  WzpMessage *message;

  g_test_summary ("An update that overtakes the answer is newer than it");

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  b = test_client_new_registered (&sim, 2, NULL);
  test_client_offer (&sim, a, b, "c1");
  test_client_skip (&sim, b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  message = test_peer_update (b->peer, "c1", 1);
  g_free (message->reflexive_addr);
  message->reflexive_addr = g_strdup ("198.51.100.99:9");
  test_client_send (&sim, b, message);
  test_sim_expect_nothing (&sim);
  test_client_answer (&sim, b, a, "c1", WZP_ACCEPT_TRUSTED);
  test_client_skip (&sim, a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  message = test_client_expect (&sim, a, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->reflexive_addr, ==, "198.51.100.99:9");
  wzp_message_free (message);
  test_client_skip (&sim, b, WZP_MESSAGE_CALL_SETUP);
  /* The same generation again is passed on: who has it passes it over. */
  for (guint i = 0; i < 2; i++) {
    test_client_send (&sim, b, test_peer_update (b->peer, "c1", 1));
    test_client_skip (&sim, a, WZP_MESSAGE_CANDIDATE_UPDATE);
  }
  test_sim_expect_nothing (&sim);
  test_client_free (&sim, a);
  test_client_free (&sim, b);
  wzp_registry_free (sim.registry);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/registry-calls/cross-wired", test_cross_wired);
  g_test_add_func ("/registry-calls/generic", test_generic);
  g_test_add_func ("/registry-calls/reject", test_reject);
  g_test_add_func ("/registry-calls/expiry", test_expiry);
  g_test_add_func ("/registry-calls/hang-up", test_hangup_ends);
  g_test_add_func ("/registry-calls/refused-offers", test_refused_offers);
  g_test_add_func ("/registry-calls/caller-alias", test_caller_alias);
  g_test_add_func ("/registry-calls/out-of-order", test_out_of_order);
  g_test_add_func (
      "/registry-calls/answer-of-another-key", test_answer_of_another_key);
  g_test_add_func ("/registry-calls/updates", test_updates);
  g_test_add_func ("/registry-calls/bad-addresses", test_bad_addresses);
  g_test_add_func ("/registry-calls/may-join", test_may_join);
  g_test_add_func ("/registry-calls/call-limits", test_call_limits);
  g_test_add_func ("/registry-calls/ringing-limit", test_ringing_limit);
  g_test_add_func ("/registry-calls/timeout-changed", test_timeout_changed);
  g_test_add_func ("/registry-calls/update-overtakes", test_update_overtakes);
  return wzp_test_run ();
}
