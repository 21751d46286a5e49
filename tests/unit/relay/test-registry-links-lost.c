/* Links that are lost, and return or not; how many there may be. */
#include "relay-test-links.h"
#include "wzp-test.h"

#include <string.h>

static void
test_link_returns (void)
{
  TestLinks f;

  g_test_summary ("A link that returns in time has its calls, and what was "
                  "sent over it meanwhile, in order");

  test_links_set_up (&f, NULL);
  test_links_call_in_active (&f, "c1");
  test_links_call_in (&f, "c2");
  test_links_call_out_active (&f, "c3");
  test_links_ask (&f, "c4");
  /* One message is not taken off yet. */
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 1));
  test_link_down (&f.sim, f.l);
  g_assert_cmpuint (test_sim_stats (&f.sim).links, ==, 1);
  g_assert_null (test_links_room_link (&f, "c1"));
  test_client_send (&f.sim, f.a, test_message (WZP_MESSAGE_CALL_RINGING, "c2"));
  test_client_send (&f.sim, f.a, test_hangup ("c3", WZP_HANGUP_NORMAL));
  /* It is not asked for others now; the one before is still its own to
   * answer. */
  test_client_send (&f.sim, f.b, test_peer_offer (f.b->peer, f.far->fp, "c5"));
  test_link_skip (&f.sim, f.m, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_links_say_no (
      &f, f.m, "c5", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  test_client_expect_hangup (
      &f.sim, f.b, "c5", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  test_links_say_no (
      &f, f.m, "c4", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  f.sim.now_us += WZP_REGISTRY_GRACE_US - 1;
  wzp_registry_advance (f.sim.registry, f.sim.now_us);
  test_sim_expect_nothing (&f.sim);

  test_link_up (&f.sim, f.l);
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_CANDIDATE_UPDATE);
  test_link_skip (&f.sim, f.l, WZP_MESSAGE_CALL_RINGING);
  test_link_expect_hangup (&f.sim, f.l, "c3", WZP_HANGUP_NORMAL, NULL);
  test_sim_expect_nothing (&f.sim);
  g_assert_true (test_links_room_link (&f, "c1") == f.l);
  test_link_send (&f.sim, f.l, test_message (WZP_MESSAGE_CALL_RINGING, "c4"));
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_CALL_RINGING);
  test_client_send (&f.sim, f.a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  test_link_expect_hangup (&f.sim, f.l, "c4", WZP_HANGUP_NORMAL, NULL);
  test_link_expect_hangup (&f.sim, f.l, "c2", WZP_HANGUP_NORMAL, NULL);
  test_link_expect_hangup (&f.sim, f.l, "c1", WZP_HANGUP_NORMAL, NULL);
  test_links_tear_down (&f);
}

static void
test_link_gone (void)
{
  TestLinks f;
  guint n_c1 = 0, n_c2 = 0;

  test_links_set_up (&f, NULL);
  test_links_call_in_active (&f, "c1");
  test_links_call_out_active (&f, "c2");
  test_links_ask (&f, "c3");
  test_links_ask (&f, "c4");
  test_links_say_no (
      &f, f.m, "c3", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  test_link_down (&f.sim, f.l);
  /* The room does not help: nothing comes over the link. */
  wzp_registry_set_in_room (f.sim.registry, "c1", f.a->peer->fp, TRUE);
  f.sim.now_us += WZP_REGISTRY_GRACE_US;
  wzp_registry_advance (f.sim.registry, f.sim.now_us);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (WzpMessage) message =
        test_client_expect (&f.sim, f.a, WZP_MESSAGE_HANGUP);

    g_assert_cmpint (message->reason, ==, WZP_HANGUP_ERROR);
    g_assert_cmpstr (message->detail, ==, WZP_HANGUP_DETAIL_DISCONNECTED);
    n_c1 += strcmp (message->call_id, "c1") == 0;
    n_c2 += strcmp (message->call_id, "c2") == 0;
  }
  g_assert_cmpuint (n_c1, ==, 1);
  g_assert_cmpuint (n_c2, ==, 1);
  test_client_expect_hangup (
      &f.sim, f.a, "c3", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  test_sim_expect_nothing (&f.sim);
  /* The other one that was asked may still have it. */
  g_assert_cmpint (test_links_state (&f, "c4"), ==, WZP_CALL_PENDING);

  /* When it returns it knows of nothing; what it says of those is refused. */
  test_link_up (&f.sim, f.l);
  test_sim_expect_nothing (&f.sim);
  test_link_send (&f.sim, f.l, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_link_send (
      &f.sim, f.l, test_links_answer (&f, "c4", WZP_ACCEPT_TRUSTED));
  test_link_expect_hangup (
      &f.sim, f.l, "c4", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_link_send (
      &f.sim, f.m, test_links_answer (&f, "c4", WZP_ACCEPT_TRUSTED));
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_CALL_SETUP);
  test_client_send (&f.sim, f.a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  test_link_expect_hangup (&f.sim, f.m, "c4", WZP_HANGUP_NORMAL, NULL);
  test_links_tear_down (&f);
}

static void
test_links_limit (void)
{
  TestLink *links[WZP_REGISTRY_MAX_LINKS];
  TestSim sim;
  TestClient *a;
  g_autoptr (TestPeer) far = test_peer_new (3);
  g_autoptr (GError) error = NULL;
  TestLink *extra;

  test_sim_init (&sim, NULL);
  a = test_client_new_registered (&sim, 1, NULL);
  g_assert_null (
      wzp_registry_add_link (sim.registry, TEST_SIM_RELAY_FP, &sim, 0, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_clear_error (&error);
  for (guint i = 0; i < G_N_ELEMENTS (links); i++) {
    g_autofree char *fp = g_strdup_printf ("a%x", i);

    links[i] = test_link_new (&sim, fp);
    g_assert_cmpuint (test_sim_stats (&sim).links, ==, i + 1);
  }
  g_assert_null (wzp_registry_add_link (sim.registry, "A3", &sim, 0, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_null (wzp_registry_add_link (sim.registry, "ff", &sim, 0, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_BUSY);

  /* All are asked; one in its grace gives way to a new relay. */
  test_client_send (&sim, a, test_peer_offer (a->peer, far->fp, "c1"));
  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    test_link_skip (&sim, links[i], WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_link_send (
      &sim, links[4], test_message (WZP_MESSAGE_CALL_RINGING, "c1"));
  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    if (i != 4)
      test_link_expect_hangup (&sim, links[i], "c1", WZP_HANGUP_NORMAL, NULL);
  test_client_skip (&sim, a, WZP_MESSAGE_CALL_RINGING);
  test_link_down (&sim, links[4]);
  test_link_down (&sim, links[5]);
  extra = test_link_new (&sim, "ff");
  test_client_expect_hangup (
      &sim, a, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  test_link_up (&sim, links[5]);
  test_sim_expect_nothing (&sim);
  g_assert_null (wzp_registry_add_link (sim.registry, "a4", &sim, 0, NULL));

  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    test_link_free (&sim, links[i]);
  test_link_free (&sim, extra);
  test_client_free (&sim, a);
  wzp_registry_free (sim.registry);
}

static void
test_no_links (void)
{
  TestSim sim;

  test_sim_init_relay (&sim, NULL, NULL);
  g_assert_null (wzp_registry_add_link (sim.registry, "aa", &sim, 0, NULL));
  wzp_registry_free (sim.registry);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/registry-links-lost/link-returns", test_link_returns);
  g_test_add_func ("/registry-links-lost/link-gone", test_link_gone);
  g_test_add_func ("/registry-links-lost/links-limit", test_links_limit);
  g_test_add_func ("/registry-links-lost/no-links", test_no_links);
  return wzp_test_run ();
}
