/* What another relay must not do, though it is trusted: it may be broken
 * into. And how much of what it may. */
#include "relay-test-links.h"
#include "wzp-test.h"

#include <string.h>

static void
test_forwards_refused (void)
{
  static const WzpMessageType inner[] = { WZP_MESSAGE_AUTH_TOKEN,
    WZP_MESSAGE_REGISTER_PRESENCE, WZP_MESSAGE_REGISTER_PRESENCE_ACK,
    WZP_MESSAGE_REFLECT, WZP_MESSAGE_REFLECT_RESPONSE, WZP_MESSAGE_CALL_SETUP,
    WZP_MESSAGE_PING, WZP_MESSAGE_PONG, WZP_MESSAGE_CALL_OFFER,
    WZP_MESSAGE_CALL_ANSWER, WZP_MESSAGE_ROOM_UPDATE,
    WZP_MESSAGE_FEDERATION_HELLO, WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD,
    WZP_MESSAGE_PRESENCE_UPDATE, WZP_MESSAGE_HANGUP };
  guint n_refused = 0;
  TestLinks f;

  test_links_set_up (&f, NULL);
  test_links_call_in_active (&f, "c1");
  for (gsize i = 0; i < G_N_ELEMENTS (inner); i++) {
    test_link_send (&f.sim, f.l, test_message (inner[i], NULL));
    g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, ++n_refused);
  }
  /* Plain, as from a client. */
  for (gsize i = 0; i < G_N_ELEMENTS (inner); i++) {
    g_autoptr (WzpMessage) message = test_message (inner[i], "c1");

    wzp_registry_link_message (
        f.sim.registry, f.l->link, message, f.sim.now_us);
    if (inner[i] != WZP_MESSAGE_PRESENCE_UPDATE)
      n_refused++;
    g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, n_refused);
  }
  test_link_send (&f.sim, f.l, NULL);
  test_link_send_as (&f.sim, f.l, test_hangup ("c1", WZP_HANGUP_NORMAL), NULL);
  test_link_send_as (
      &f.sim, f.l, test_hangup ("c1", WZP_HANGUP_NORMAL), f.m->relay_fp);
  g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, n_refused + 3);

  /* Our own, come back: a loop. */
  g_assert_cmpuint (test_sim_stats (&f.sim).loops, ==, 0);
  test_link_send_as (
      &f.sim, f.l, test_hangup ("c1", WZP_HANGUP_NORMAL), TEST_SIM_RELAY_FP);
  g_assert_cmpuint (test_sim_stats (&f.sim).loops, ==, 1);
  g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, n_refused + 3);
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpint (test_links_state (&f, "c1"), ==, WZP_CALL_ACTIVE);

  /* A fingerprint is one however it is written. */
  test_link_send_as (
      &f.sim, f.l, test_hangup ("c1", WZP_HANGUP_NORMAL), "AA:AA");
  test_client_expect_hangup (&f.sim, f.a, "c1", WZP_HANGUP_NORMAL, NULL);
  test_links_tear_down (&f);
}

/* The offer is refused with words to the relay. Takes @offer. */
static void
check_refused (TestLinks *f, WzpMessage *offer)
{
  g_autofree char *call_id = g_strdup (offer->call_id);
  guint64 refused = test_sim_stats (&f->sim).refused;

  test_link_send (&f->sim, f->l, offer);
  test_link_expect_hangup (
      &f->sim, f->l, call_id, WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
  test_sim_expect_nothing (&f->sim);
  g_assert_cmpuint (test_sim_stats (&f->sim).refused, ==, refused + 1);
}

static void
test_hostile_offers (void)
{
  TestLinks f;
  WzpMessage *message;
  const WzpFingerprint *to;
  g_autofree char *others = NULL;

  test_links_set_up (&f, NULL);
  to = f.a->peer->fp;
  message = test_peer_offer (f.far, to, "c1");
  message->signature[0] ^= 1;
  check_refused (&f, message);
  message = test_peer_offer (f.far, to, "c1");
  message->ephemeral_pub[0] ^= 1;
  check_refused (&f, message);
  message = test_peer_offer (f.far, to, "c1");
  message->has_signature = FALSE;
  check_refused (&f, message);
  /* In another's name: of one who is here, with the own key. */
  message = test_peer_offer (f.far, to, "c1");
  message->caller_fp = *f.b->peer->fp;
  check_refused (&f, message);
  message = test_peer_offer (f.far, to, "c1");
  memcpy (message->identity_pub,
      wzp_identity_get_public_key (f.b->peer->identity), WZP_PUBLIC_KEY_LEN);
  message->caller_fp = *f.b->peer->fp;
  check_refused (&f, message);
  check_refused (&f, test_peer_offer (f.far, to, "call-1"));
  check_refused (&f, test_peer_offer (f.a->peer, to, "c1"));
  others = wzp_call_id_new_self_naming ("aa", to, f.b->peer->fp);
  check_refused (&f, test_peer_offer (f.far, to, others));

  /* An id that is in use, here or of another link. */
  test_client_offer (&f.sim, f.b, f.a, "c1");
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_OFFER);
  check_refused (&f, test_peer_offer (f.far, to, "c1"));
  test_link_send (&f.sim, f.m, test_peer_offer (f.far, to, "c2"));
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_OFFER);
  check_refused (&f, test_peer_offer (f.far, to, "c2"));
  /* Of its own: a Hangup would end that. */
  test_link_send (&f.sim, f.m, test_peer_offer (f.far, to, "c2"));
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpuint (test_sim_stats (&f.sim).calls, ==, 2);

  /* Who is not here is not sought further: one hop. */
  test_link_send (&f.sim, f.l, test_peer_offer (f.b->peer, f.far->fp, "c3"));
  test_link_expect_hangup (
      &f.sim, f.l, "c3", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);

  /* A name of somebody here is not for one elsewhere; nor is nonsense one. */
  test_link_send (&f.sim, f.m, test_hangup ("c2", WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&f.sim, f.a, "c2", WZP_HANGUP_NORMAL, NULL);
  for (guint i = 0; i < 2; i++) {
    message = test_peer_offer (f.far, to, i == 0 ? "c4" : "c5");
    message->alias = g_strdup (i == 0 ? "bert" : "b \"q\"");
    test_link_send (&f.sim, f.l, message);
    message = test_client_expect (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_OFFER);
    g_assert_null (message->alias);
    wzp_message_free (message);
  }
  /* It is the same one, also at another relay. */
  message = test_peer_offer (f.b->peer, to, "c6");
  message->alias = g_strdup ("bert");
  test_link_send (&f.sim, f.l, message);
  message = test_client_expect (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_OFFER);
  g_assert_cmpstr (message->alias, ==, "bert");
  wzp_message_free (message);

  f.sim.now_us += WZP_REGISTRY_CALL_TIMEOUT_US;
  wzp_registry_advance (f.sim.registry, f.sim.now_us);
  for (guint i = 0; i < 8; i++) {
    WzpRegistryOutput output;

    g_assert_true (wzp_registry_pop (f.sim.registry, &output));
    wzp_message_free (output.message);
  }
  test_links_tear_down (&f);
}

static void
test_hostile_messages (void)
{
  TestLinks f;
  WzpMessage *message;

  g_test_summary ("A relay that was broken into has no say in calls that are "
                  "not its own");

  test_links_set_up (&f, NULL);
  test_links_call_in_active (&f, "c1");
  test_client_call (&f.sim, f.a, f.b, "c2");
  for (guint i = 0; i < 2; i++) {
    const char *call_id = i == 0 ? "c1" : "c2";

    test_link_send (&f.sim, f.m, test_hangup (call_id, WZP_HANGUP_NORMAL));
    test_link_send (&f.sim, f.m, test_peer_update (f.far, call_id, 9));
    test_sim_expect_nothing (&f.sim);
    test_link_send (
        &f.sim, f.m, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, call_id));
    test_link_expect_hangup (
        &f.sim, f.m, call_id, WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  }
  g_assert_cmpuint (test_sim_stats (&f.sim).refused, ==, 6);
  g_assert_cmpuint (test_sim_stats (&f.sim).active_calls, ==, 2);

  /* The caller's relay does not answer, nor does the callee's place a call
   * again; the caller cannot answer for who is called. */
  test_links_call_in (&f, "c3");
  test_link_send (&f.sim, f.l, test_message (WZP_MESSAGE_CALL_RINGING, "c3"));
  test_link_send (&f.sim, f.l,
      test_peer_answer (f.a->peer, f.far->fp, "c3", WZP_ACCEPT_TRUSTED));
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpint (test_links_state (&f, "c3"), ==, WZP_CALL_PENDING);
  test_client_send (&f.sim, f.a, test_hangup ("c3", WZP_HANGUP_NORMAL));
  test_link_expect_hangup (&f.sim, f.l, "c3", WZP_HANGUP_NORMAL, NULL);

  /* Somebody else answers: the others are still asked. */
  test_links_ask (&f, "c4");
  message =
      test_peer_answer (f.b->peer, f.a->peer->fp, "c4", WZP_ACCEPT_TRUSTED);
  test_link_send (&f.sim, f.m, message);
  test_link_send (&f.sim, f.m, test_peer_update (f.far, "c4", 1));
  test_link_send (
      &f.sim, f.m, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c4"));
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpint (test_links_state (&f, "c4"), ==, WZP_CALL_PENDING);
  test_link_send (
      &f.sim, f.l, test_links_answer (&f, "c4", WZP_ACCEPT_TRUSTED));
  test_link_expect_hangup (&f.sim, f.m, "c4", WZP_HANGUP_NORMAL, NULL);
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_CALL_SETUP);

  test_client_send (&f.sim, f.a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  test_link_expect_hangup (&f.sim, f.l, "c4", WZP_HANGUP_NORMAL, NULL);
  test_client_expect_hangup (&f.sim, f.b, "c2", WZP_HANGUP_NORMAL, NULL);
  test_link_expect_hangup (&f.sim, f.l, "c1", WZP_HANGUP_NORMAL, NULL);
  test_links_tear_down (&f);
}

static void
test_calls_limit (void)
{
  const WzpRegistryLimits limits = {
    .max_calls_per_client = WZP_REGISTRY_MAX_CALLS_PER_LINK + 2,
    .max_ringing = WZP_REGISTRY_MAX_CALLS_PER_LINK + 2,
  };
  TestLinks f;
  char id[16];
  guint n = WZP_REGISTRY_MAX_CALLS_PER_LINK, n_l = 0, n_m = 0;

  test_links_set_up (&f, &limits);
  for (guint i = 0; i < n; i++) {
    g_snprintf (id, sizeof id, "c%u", i);
    test_links_call_in (&f, id);
  }
  test_link_send (&f.sim, f.l, test_peer_offer (f.far, f.a->peer->fp, "d1"));
  test_link_expect_hangup (
      &f.sim, f.l, "d1", WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);
  /* Another link has its own; an end makes room. */
  test_link_send (&f.sim, f.m, test_peer_offer (f.far, f.a->peer->fp, "d2"));
  test_client_skip (&f.sim, f.a, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_link_send (&f.sim, f.l, test_hangup ("c7", WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&f.sim, f.a, "c7", WZP_HANGUP_NORMAL, NULL);
  test_links_call_in (&f, "d3");
  g_assert_cmpuint (test_sim_stats (&f.sim).calls, ==, n + 1);

  /* And of what is kept for a link that is down there is a bound. */
  test_link_down (&f.sim, f.l);
  for (guint i = 100; i <= 100 + WZP_REGISTRY_MAX_HELD_LINK; i++) {
    g_snprintf (id, sizeof id, "c%u", i);
    test_client_send (&f.sim, f.a, test_message (WZP_MESSAGE_CALL_RINGING, id));
  }
  g_assert_cmpuint (test_sim_stats (&f.sim).held_dropped, ==, 1);
  test_client_send (&f.sim, f.a, test_hangup ("c99", WZP_HANGUP_NORMAL));
  g_assert_cmpuint (test_sim_stats (&f.sim).held_dropped, ==, 2);
  test_link_up (&f.sim, f.l);
  for (guint i = 0; i < WZP_REGISTRY_MAX_HELD_LINK - 1; i++)
    test_link_skip (&f.sim, f.l, WZP_MESSAGE_CALL_RINGING);
  test_link_expect_hangup (&f.sim, f.l, "c99", WZP_HANGUP_NORMAL, NULL);
  test_sim_expect_nothing (&f.sim);
  test_client_leave (&f.sim, f.a);
  f.sim.now_us += WZP_REGISTRY_GRACE_US;
  wzp_registry_advance (f.sim.registry, f.sim.now_us);
  for (guint i = 0; i < n; i++) {
    WzpRegistryOutput output;

    g_assert_true (wzp_registry_pop (f.sim.registry, &output));
    n_l += output.owner == f.l;
    n_m += output.owner == f.m;
    wzp_message_free (output.message);
  }
  g_assert_cmpuint (n_l, ==, n - 1);
  g_assert_cmpuint (n_m, ==, 1);
  test_links_tear_down (&f);
}

static void
test_callee_limits (void)
{
  const WzpRegistryLimits limits = { .max_calls = 3, .max_ringing = 2 };
  TestLinks f;

  test_links_set_up (&f, &limits);
  test_links_call_in (&f, "c1");
  test_links_call_in (&f, "c2");
  test_link_send (&f.sim, f.l, test_peer_offer (f.far, f.a->peer->fp, "c3"));
  test_link_expect_hangup (
      &f.sim, f.l, "c3", WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);
  test_links_ask (&f, "c4");
  test_client_send (&f.sim, f.b, test_peer_offer (f.b->peer, f.far->fp, "c5"));
  test_client_expect_hangup (
      &f.sim, f.b, "c5", WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);
  test_link_send (&f.sim, f.l, test_peer_offer (f.far, f.b->peer->fp, "c6"));
  test_link_expect_hangup (
      &f.sim, f.l, "c6", WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);
  test_client_send (&f.sim, f.a, test_hangup (NULL, WZP_HANGUP_NORMAL));
  test_link_expect_hangup (&f.sim, f.l, "c4", WZP_HANGUP_NORMAL, NULL);
  test_link_expect_hangup (&f.sim, f.m, "c4", WZP_HANGUP_NORMAL, NULL);
  test_link_expect_hangup (&f.sim, f.l, "c2", WZP_HANGUP_NORMAL, NULL);
  test_link_expect_hangup (&f.sim, f.l, "c1", WZP_HANGUP_NORMAL, NULL);
  test_links_tear_down (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func (
      "/registry-links-hostile/forwards-refused", test_forwards_refused);
  g_test_add_func (
      "/registry-links-hostile/hostile-offers", test_hostile_offers);
  g_test_add_func (
      "/registry-links-hostile/hostile-messages", test_hostile_messages);
  g_test_add_func ("/registry-links-hostile/calls-limit", test_calls_limit);
  g_test_add_func ("/registry-links-hostile/callee-limits", test_callee_limits);
  return wzp_test_run ();
}
