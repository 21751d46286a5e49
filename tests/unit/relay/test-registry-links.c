/* Calls over links to other relays. What those say is up to the test. */
#include "relay-test-links.h"
#include "wzp-test.h"

static void
test_call_out (void)
{
  TestLinks f;
  WzpMessage *message;

  test_links_set_up (&f, NULL);
  message = test_peer_offer (f.a->peer, f.far->fp, "c1");
  message->alias = g_strdup ("the-bank");
  test_client_send (&f.sim, f.a, message);
  message = test_link_expect (&f.sim, f.l, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_cmpstr (message->alias, ==, "anna");
  g_assert_cmpstr (message->reflexive_addr, ==, f.a->peer->reflexive);
  g_assert_cmpstr (message->local_addrs[1], ==, f.a->peer->local[1]);
  g_assert_true (message->has_identity_pub && message->has_signature);
  wzp_message_free (message);
  test_link_skip (&f.sim, f.m, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_cmpint (test_links_state (&f, "c1"), ==, WZP_CALL_PENDING);

  /* It goes to all of those that may have to make a CallSetup. */
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 1));
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_CANDIDATE_UPDATE);
  test_link_skip (&f.sim, f.m, WZP_MESSAGE_CANDIDATE_UPDATE);

  test_link_send (&f.sim, f.l, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  test_link_expect_hangup (&f.sim, f.m, "c1", WZP_HANGUP_NORMAL, NULL);
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_CALL_RINGING);
  g_assert_cmpint (test_links_state (&f, "c1"), ==, WZP_CALL_RINGING);
  g_assert_null (test_links_room_link (&f, "c1"));

  test_link_send (
      &f.sim, f.l, test_links_answer (&f, "c1", WZP_ACCEPT_TRUSTED));
  message = test_client_expect (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  g_assert_true (test_peer_is_exposed (f.far, message));
  wzp_message_free (message);
  message = test_client_expect (&f.sim, f.a, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->relay_addr, ==, "192.0.2.1:5434");
  g_assert_cmpstr (message->room, ==, "call-c1");
  g_assert_cmpstr (message->reflexive_addr, ==, f.far->reflexive);
  g_assert_cmpstr (message->local_addrs[0], ==, f.far->local[0]);
  wzp_message_free (message);
  test_sim_expect_nothing (&f.sim);
  g_assert_true (test_links_room_link (&f, "c1") == f.l);
  g_assert_true (wzp_registry_may_join (f.sim.registry, "c1", f.a->peer->fp));
  g_assert_false (wzp_registry_may_join (f.sim.registry, "c1", f.b->peer->fp));

  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 2));
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_CANDIDATE_UPDATE);
  test_link_send (&f.sim, f.l, test_peer_update (f.far, "c1", 1));
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_CANDIDATE_UPDATE);
  test_client_send (
      &f.sim, f.a, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c1"));
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_MEDIA_PATH_REPORT);
  test_link_send (
      &f.sim, f.l, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c1"));
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_MEDIA_PATH_REPORT);

  test_client_send (&f.sim, f.a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_link_expect_hangup (&f.sim, f.l, "c1", WZP_HANGUP_NORMAL, NULL);
  g_assert_cmpint (test_links_state (&f, "c1"), ==, WZP_CALL_NONE);
  g_assert_null (test_links_room_link (&f, "c1"));
  g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, 0);
  g_assert_cmpuint (test_sim_stats (&f.sim).calls_total, ==, 1);
  test_links_tear_down (&f);
}

static void
test_call_in (void)
{
  TestLinks f;
  WzpMessage *message;

  test_links_set_up (&f, NULL);
  message = test_peer_offer (f.far, f.a->peer->fp, "c1");
  message->alias = g_strdup ("far-one");
  test_link_send (&f.sim, f.l, message);
  message = test_client_expect (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_cmpstr (message->alias, ==, "far-one");
  g_assert_true (wzp_fingerprint_equal (&message->caller_fp, f.far->fp));
  g_assert_false (test_peer_is_exposed (f.far, message));
  wzp_message_free (message);

  /* For the CallSetup here. */
  message = test_peer_update (f.far, "c1", 1);
  g_free (message->reflexive_addr);
  message->reflexive_addr = g_strdup ("198.51.100.99:9");
  test_link_send (&f.sim, f.l, message);
  /* Its own addresses stay here until it has accepted. */
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 1));
  test_sim_expect_nothing (&f.sim);

  test_client_send (&f.sim, f.a, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_CALL_RINGING);
  test_client_send (&f.sim, f.a,
      test_peer_answer (f.a->peer, f.far->fp, "c1", WZP_ACCEPT_TRUSTED));
  message = test_link_expect (&f.sim, f.l, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  g_assert_true (test_peer_is_exposed (f.a->peer, message));
  wzp_message_free (message);
  /* The caller's CallSetup is its own relay's business. */
  message = test_client_expect (&f.sim, f.a, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->relay_addr, ==, "192.0.2.1:5434");
  g_assert_cmpstr (message->reflexive_addr, ==, "198.51.100.99:9");
  g_assert_cmpstr (message->local_addrs[0], ==, f.far->local[0]);
  wzp_message_free (message);
  test_sim_expect_nothing (&f.sim);
  g_assert_true (test_links_room_link (&f, "c1") == f.l);

  /* A word of a relay's own passes, if it is one of ours. */
  message = test_hangup ("c1", WZP_HANGUP_ERROR);
  message->detail = g_strdup (WZP_HANGUP_DETAIL_DISCONNECTED);
  test_link_send (&f.sim, f.l, message);
  test_client_expect_hangup (
      &f.sim, f.a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_links_call_in (&f, "c2");
  message = test_hangup ("c2", WZP_HANGUP_NORMAL);
  message->detail = g_strdup ("call this number instead");
  test_link_send (&f.sim, f.l, message);
  test_client_expect_hangup (&f.sim, f.a, "c2", WZP_HANGUP_NORMAL, NULL);
  g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, 0);
  test_links_tear_down (&f);
}

static void
test_generic (void)
{
  TestLinks f;
  WzpMessage *message;

  g_test_summary ("With AcceptGeneric neither relay passes an address on, "
                  "whatever it was sent");

  test_links_set_up (&f, NULL);
  /* As the callee's relay: to the other relay, and to the callee. */
  test_links_call_in (&f, "c1");
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 1));
  test_link_send (&f.sim, f.l, test_peer_update (f.far, "c1", 1));
  test_client_send (&f.sim, f.a,
      test_peer_answer (f.a->peer, f.far->fp, "c1", WZP_ACCEPT_GENERIC));
  message = test_link_expect (&f.sim, f.l, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  g_assert_false (test_peer_is_exposed (f.a->peer, message));
  wzp_message_free (message);
  message = test_client_expect (&f.sim, f.a, WZP_MESSAGE_CALL_SETUP);
  g_assert_false (test_peer_is_exposed (f.far, message));
  wzp_message_free (message);
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 2));
  test_link_send (&f.sim, f.l, test_peer_update (f.far, "c1", 2));
  test_sim_expect_nothing (&f.sim);

  /* As the caller's, of a relay that takes out nothing. */
  test_links_ask (&f, "c2");
  test_link_send (&f.sim, f.l, test_message (WZP_MESSAGE_CALL_RINGING, "c2"));
  test_link_expect_hangup (&f.sim, f.m, "c2", WZP_HANGUP_NORMAL, NULL);
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_CALL_RINGING);
  test_link_send (&f.sim, f.l, test_peer_update (f.far, "c2", 1));
  test_sim_expect_nothing (&f.sim);
  test_link_send (
      &f.sim, f.l, test_links_answer (&f, "c2", WZP_ACCEPT_GENERIC));
  message = test_client_expect (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  g_assert_false (test_peer_is_exposed (f.far, message));
  wzp_message_free (message);
  message = test_client_expect (&f.sim, f.a, WZP_MESSAGE_CALL_SETUP);
  g_assert_false (test_peer_is_exposed (f.far, message));
  wzp_message_free (message);
  test_link_send (&f.sim, f.l, test_peer_update (f.far, "c2", 1));
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c2", 1));
  test_sim_expect_nothing (&f.sim);

  /* Nor by a rejection. */
  test_links_ask (&f, "c3");
  test_link_send (&f.sim, f.l, test_links_answer (&f, "c3", WZP_ACCEPT_REJECT));
  test_link_expect_hangup (&f.sim, f.m, "c3", WZP_HANGUP_NORMAL, NULL);
  message = test_client_expect (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  g_assert_false (test_peer_is_exposed (f.far, message));
  wzp_message_free (message);
  test_client_expect_hangup (&f.sim, f.a, "c3", WZP_HANGUP_DECLINED, NULL);

  test_client_send (&f.sim, f.a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  test_link_expect_hangup (&f.sim, f.l, "c2", WZP_HANGUP_NORMAL, NULL);
  test_link_expect_hangup (&f.sim, f.l, "c1", WZP_HANGUP_NORMAL, NULL);
  test_links_tear_down (&f);
}

static void
test_reject_in (void)
{
  TestLinks f;

  test_links_set_up (&f, NULL);
  test_links_call_in (&f, "c1");
  test_client_send (&f.sim, f.a,
      test_peer_answer (f.a->peer, f.far->fp, "c1", WZP_ACCEPT_REJECT));
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpuint (test_sim_stats (&f.sim).calls, ==, 0);
  test_links_tear_down (&f);
}

static void
test_nobody_has_it (void)
{
  TestLinks f;

  test_links_set_up (&f, NULL);
  test_links_ask (&f, "c1");
  test_links_say_no (
      &f, f.l, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  /* Once is enough, and another cannot speak for it. */
  test_links_say_no (
      &f, f.l, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpint (test_links_state (&f, "c1"), ==, WZP_CALL_PENDING);
  test_links_say_no (
      &f, f.m, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  test_client_expect_hangup (
      &f.sim, f.a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  g_assert_cmpuint (test_sim_stats (&f.sim).calls, ==, 0);

  /* One that has it, but for whom it is busy, says more. */
  test_links_ask (&f, "c2");
  test_links_say_no (&f, f.m, "c2", WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);
  test_links_say_no (
      &f, f.l, "c2", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  test_client_expect_hangup (
      &f.sim, f.a, "c2", WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);
  test_links_ask (&f, "c3");
  test_links_say_no (&f, f.m, "c3", WZP_HANGUP_BUSY, NULL);
  test_links_say_no (
      &f, f.l, "c3", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  test_client_expect_hangup (&f.sim, f.a, "c3", WZP_HANGUP_BUSY, NULL);
  test_links_ask (&f, "c4");
  test_links_say_no (&f, f.m, "c4", WZP_HANGUP_ERROR, "what do I know");
  test_links_say_no (&f, f.l, "c4", WZP_HANGUP_ERROR, NULL);
  test_client_expect_hangup (
      &f.sim, f.a, "c4", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);

  /* One does not answer at all. */
  test_links_ask (&f, "c5");
  test_links_say_no (
      &f, f.l, "c5", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  f.sim.now_us += WZP_REGISTRY_CALL_TIMEOUT_US;
  wzp_registry_advance (f.sim.registry, f.sim.now_us);
  test_link_expect_hangup (&f.sim, f.m, "c5", WZP_HANGUP_TIMEOUT, NULL);
  test_client_expect_hangup (&f.sim, f.a, "c5", WZP_HANGUP_TIMEOUT, NULL);

  /* The caller does not wait for them. */
  test_links_ask (&f, "c6");
  test_client_send (&f.sim, f.a, test_hangup ("c6", WZP_HANGUP_NORMAL));
  test_link_expect_hangup (&f.sim, f.l, "c6", WZP_HANGUP_NORMAL, NULL);
  test_link_expect_hangup (&f.sim, f.m, "c6", WZP_HANGUP_NORMAL, NULL);
  test_links_tear_down (&f);
}

static void
test_first_wins (void)
{
  TestLinks f;

  g_test_summary ("The first relay that rings or answers has the call");

  test_links_set_up (&f, NULL);
  test_links_ask (&f, "c1");
  test_link_send (&f.sim, f.m, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  test_link_expect_hangup (&f.sim, f.l, "c1", WZP_HANGUP_NORMAL, NULL);
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_CALL_RINGING);

  /* Too late, and told so again; its end ends nothing. */
  test_link_send (&f.sim, f.l, test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  test_link_expect_hangup (
      &f.sim, f.l, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_link_send (
      &f.sim, f.l, test_links_answer (&f, "c1", WZP_ACCEPT_TRUSTED));
  test_link_expect_hangup (
      &f.sim, f.l, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_link_send (&f.sim, f.l, test_peer_update (f.far, "c1", 7));
  test_link_send (&f.sim, f.l, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, 4);
  g_assert_cmpint (test_links_state (&f, "c1"), ==, WZP_CALL_RINGING);

  test_link_send (
      &f.sim, f.m, test_links_answer (&f, "c1", WZP_ACCEPT_TRUSTED));
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_CALL_SETUP);
  g_assert_true (test_links_room_link (&f, "c1") == f.m);
  test_link_send (&f.sim, f.m, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&f.sim, f.a, "c1", WZP_HANGUP_NORMAL, NULL);
  test_links_tear_down (&f);
}

static void
test_here_first (void)
{
  TestLinks f;

  g_test_summary ("Who is here is called here, also while it is away shortly");

  test_links_set_up (&f, NULL);
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_leave (&f.sim, f.b);
  test_client_offer (&f.sim, f.a, f.b, "c2");
  test_sim_expect_nothing (&f.sim);
  test_client_return (&f.sim, f.b);
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  /* In a room only it may be anywhere. */
  wzp_registry_set_in_room (f.sim.registry, "c1", f.b->peer->fp, TRUE);
  test_client_leave (&f.sim, f.b);
  f.sim.now_us += WZP_REGISTRY_GRACE_US;
  wzp_registry_advance (f.sim.registry, f.sim.now_us);
  test_client_expect_hangup (
      &f.sim, f.a, "c2", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_client_offer (&f.sim, f.a, f.b, "c3");
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_link_skip (&f.sim, f.m, WZP_MESSAGE_DIRECT_CALL_OFFER);
  wzp_registry_set_in_room (f.sim.registry, "c1", f.b->peer->fp, FALSE);
  test_client_expect_hangup (
      &f.sim, f.a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_client_send (&f.sim, f.a, test_hangup ("c3", WZP_HANGUP_NORMAL));
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_HANGUP);
  test_link_skip (&f.sim, f.m, WZP_MESSAGE_HANGUP);
  test_links_tear_down (&f);
}

static void
test_party_gone (void)
{
  TestLinks f;

  g_test_summary ("The grace of a client is also for who is far");

  test_links_set_up (&f, NULL);
  test_links_call_in_active (&f, "c1");
  test_client_leave (&f.sim, f.a);
  test_link_send (&f.sim, f.l, test_peer_update (f.far, "c1", 1));
  test_link_send (&f.sim, f.l, test_peer_offer (f.far, f.a->peer->fp, "c2"));
  test_sim_expect_nothing (&f.sim);
  test_client_return (&f.sim, f.a);
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_CANDIDATE_UPDATE);
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_leave (&f.sim, f.a);
  f.sim.now_us += WZP_REGISTRY_GRACE_US;
  wzp_registry_advance (f.sim.registry, f.sim.now_us);
  test_link_expect_hangup (
      &f.sim, f.l, "c2", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_link_expect_hangup (
      &f.sim, f.l, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_links_tear_down (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/registry-links/call-out", test_call_out);
  g_test_add_func ("/registry-links/call-in", test_call_in);
  g_test_add_func ("/registry-links/generic", test_generic);
  g_test_add_func ("/registry-links/reject-in", test_reject_in);
  g_test_add_func ("/registry-links/nobody-has-it", test_nobody_has_it);
  g_test_add_func ("/registry-links/first-wins", test_first_wins);
  g_test_add_func ("/registry-links/here-first", test_here_first);
  g_test_add_func ("/registry-links/party-gone", test_party_gone);
  return wzp_test_run ();
}
