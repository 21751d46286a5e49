#include "relay-test-links.h"

void
test_links_set_up (TestLinks *f, const WzpRegistryLimits *limits)
{
  test_sim_init (&f->sim, limits);
  f->a = test_client_new_registered (&f->sim, 1, "anna");
  f->b = test_client_new_registered (&f->sim, 2, "bert");
  f->far = test_peer_new (3);
  f->l = test_link_new (&f->sim, "aa:aa");
  f->m = test_link_new (&f->sim, "bb:bb");
}

void
test_links_tear_down (TestLinks *f)
{
  test_sim_expect_nothing (&f->sim);
  test_client_free (&f->sim, f->a);
  test_client_free (&f->sim, f->b);
  test_link_free (&f->sim, f->l);
  test_link_free (&f->sim, f->m);
  /* Nothing outlives the grace. */
  wzp_registry_advance (
      f->sim.registry, f->sim.now_us + WZP_REGISTRY_CALL_TIMEOUT_US);
  g_assert_cmpint (wzp_registry_get_deadline (f->sim.registry), ==, -1);
  g_assert_cmpuint (test_sim_stats (&f->sim).calls, ==, 0);
  g_assert_cmpuint (test_sim_stats (&f->sim).active_calls, ==, 0);
  test_sim_expect_nothing (&f->sim);
  wzp_registry_free (f->sim.registry);
  test_peer_free (f->far);
}

WzpCallState
test_links_state (const TestLinks *f, const char *call_id)
{
  return wzp_registry_get_call_state (f->sim.registry, call_id);
}

gpointer
test_links_room_link (const TestLinks *f, const char *call_id)
{
  return wzp_registry_get_room_link (f->sim.registry, call_id);
}

void
test_links_ask (TestLinks *f, const char *call_id)
{
  test_client_send (
      &f->sim, f->a, test_peer_offer (f->a->peer, f->far->fp, call_id));
  test_link_skip (&f->sim, f->l, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_link_skip (&f->sim, f->m, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_sim_expect_nothing (&f->sim);
}

WzpMessage *
test_links_answer (const TestLinks *f, const char *call_id, WzpAcceptMode mode)
{
  return test_peer_answer (f->far, f->a->peer->fp, call_id, mode);
}

void
test_links_call_in (TestLinks *f, const char *call_id)
{
  test_link_send (
      &f->sim, f->l, test_peer_offer (f->far, f->a->peer->fp, call_id));
  test_client_skip (&f->sim, f->a, WZP_MESSAGE_DIRECT_CALL_OFFER);
}

void
test_links_call_in_active (TestLinks *f, const char *call_id)
{
  test_links_call_in (f, call_id);
  test_client_send (&f->sim, f->a,
      test_peer_answer (f->a->peer, f->far->fp, call_id, WZP_ACCEPT_TRUSTED));
  test_link_skip (&f->sim, f->l, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_skip (&f->sim, f->a, WZP_MESSAGE_CALL_SETUP);
  test_sim_expect_nothing (&f->sim);
}

void
test_links_call_out_active (TestLinks *f, const char *call_id)
{
  test_links_ask (f, call_id);
  test_link_send (
      &f->sim, f->l, test_links_answer (f, call_id, WZP_ACCEPT_TRUSTED));
  test_link_expect_hangup (&f->sim, f->m, call_id, WZP_HANGUP_NORMAL, NULL);
  test_client_skip (&f->sim, f->a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_skip (&f->sim, f->a, WZP_MESSAGE_CALL_SETUP);
  test_sim_expect_nothing (&f->sim);
}

void
test_links_say_no (TestLinks *f, TestLink *link, const char *call_id,
    WzpHangupReason reason, const char *detail)
{
  WzpMessage *message = test_hangup (call_id, reason);

  message->detail = g_strdup (detail);
  test_link_send (&f->sim, link, message);
}
