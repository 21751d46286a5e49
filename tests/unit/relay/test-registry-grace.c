/* Signalling connections that are lost, and return or not. */
#include "relay-test-sim.h"
#include "wzp-test.h"

#define SECOND ((gint64) G_USEC_PER_SEC)

typedef struct {
  TestSim sim;
  TestClient *a, *b, *c;
} Fixture;

static void
set_up (Fixture *f, const WzpRegistryLimits *limits)
{
  test_sim_init (&f->sim, limits);
  f->a = test_client_new_registered (&f->sim, 1, "anna");
  f->b = test_client_new_registered (&f->sim, 2, "bert");
  f->c = test_client_new_registered (&f->sim, 3, NULL);
}

static void
tear_down (Fixture *f)
{
  test_sim_expect_nothing (&f->sim);
  test_client_free (&f->sim, f->a);
  test_client_free (&f->sim, f->b);
  test_client_free (&f->sim, f->c);
  wzp_registry_free (f->sim.registry);
}

static gint64
advance (Fixture *f, gint64 us)
{
  f->sim.now_us += us;
  return wzp_registry_advance (f->sim.registry, f->sim.now_us);
}

static void
expect_gone (Fixture *f, const TestClient *client, const char *call_id)
{
  test_client_expect_hangup (&f->sim, client, call_id, WZP_HANGUP_ERROR,
      WZP_HANGUP_DETAIL_DISCONNECTED);
}

static WzpCallState
state_of (const Fixture *f, const char *call_id)
{
  return wzp_registry_get_call_state (f->sim.registry, call_id);
}

static void
test_return (void)
{
  Fixture f;
  WzpMessage *message;

  g_test_summary ("Who returns in time has its calls, and hears in order what "
                  "was sent meanwhile");

  set_up (&f, NULL);
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_offer (&f.sim, f.b, f.c, "c2");
  test_client_skip (&f.sim, f.c, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_leave (&f.sim, f.b);
  g_assert_cmpuint (test_sim_stats (&f.sim).registered, ==, 2);
  g_assert_cmpuint (test_sim_stats (&f.sim).in_grace, ==, 1);
  g_assert_cmpint (wzp_registry_get_deadline (f.sim.registry), ==,
      f.sim.now_us + WZP_REGISTRY_GRACE_US);

  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 1));
  test_client_send (&f.sim, f.c, test_message (WZP_MESSAGE_CALL_RINGING, "c2"));
  test_client_answer (&f.sim, f.c, f.b, "c2", WZP_ACCEPT_TRUSTED);
  test_client_skip (&f.sim, f.c, WZP_MESSAGE_CALL_SETUP);
  test_client_send (
      &f.sim, f.a, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c1"));
  g_assert_cmpint (
      advance (&f, WZP_REGISTRY_GRACE_US - 1), ==, f.sim.now_us + 1);
  test_sim_expect_nothing (&f.sim);

  /* From elsewhere: it sees another address of the relay. */
  g_free (f.b->peer->reflexive);
  f.b->peer->reflexive = g_strdup ("198.51.100.2:9000");
  test_client_return (&f.sim, f.b);
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_CANDIDATE_UPDATE);
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_CALL_RINGING);
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_DIRECT_CALL_ANSWER);
  message = test_client_expect (&f.sim, f.b, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (message->relay_addr, ==, "192.0.2.1:13433");
  g_assert_true (test_peer_is_exposed (f.c->peer, message));
  wzp_message_free (message);
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_MEDIA_PATH_REPORT);
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpuint (test_sim_stats (&f.sim).in_grace, ==, 0);
  g_assert_cmpint (wzp_registry_get_deadline (f.sim.registry), ==, -1);

  test_client_send (&f.sim, f.b, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&f.sim, f.a, "c1", WZP_HANGUP_NORMAL, NULL);
  tear_down (&f);
}

static void
test_no_return (void)
{
  Fixture f;

  set_up (&f, NULL);
  test_client_offer (&f.sim, f.a, f.b, "c1");
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_call (&f.sim, f.b, f.c, "c2");
  test_client_call (&f.sim, f.b, f.c, "c3");
  wzp_registry_set_in_room (f.sim.registry, "c2", f.b->peer->fp, TRUE);
  wzp_registry_set_in_room (f.sim.registry, "c3", f.c->peer->fp, TRUE);
  test_client_leave (&f.sim, f.b);
  advance (&f, WZP_REGISTRY_GRACE_US - 1);
  test_sim_expect_nothing (&f.sim);

  /* The call that goes on in its room stays, until the room is left. */
  advance (&f, 1);
  expect_gone (&f, f.c, "c3");
  expect_gone (&f, f.a, "c1");
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpuint (test_sim_stats (&f.sim).in_grace, ==, 0);
  g_assert_true (wzp_registry_may_join (f.sim.registry, "c2", f.b->peer->fp));
  wzp_registry_set_in_room (f.sim.registry, "c2", f.b->peer->fp, FALSE);
  expect_gone (&f, f.c, "c2");
  g_assert_cmpuint (test_sim_stats (&f.sim).calls, ==, 0);
  g_assert_cmpint (wzp_registry_get_deadline (f.sim.registry), ==, -1);
  /* It is not to be called in a room only, nor when it is gone. */
  test_client_offer (&f.sim, f.a, f.b, "c4");
  test_client_expect_hangup (
      &f.sim, f.a, "c4", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  tear_down (&f);
}

static void
test_room (void)
{
  Fixture f;

  g_test_summary ("Who comes back while in the room still has the call; a room "
                  "that is left in the grace ends nothing yet");

  set_up (&f, NULL);
  test_client_call (&f.sim, f.a, f.b, "c1");
  wzp_registry_set_in_room (f.sim.registry, "c1", f.b->peer->fp, TRUE);
  test_client_leave (&f.sim, f.b);
  advance (&f, WZP_REGISTRY_GRACE_US);
  /* Nothing is kept for it any more. */
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 1));
  test_client_return (&f.sim, f.b);
  test_sim_expect_nothing (&f.sim);
  test_client_leave (&f.sim, f.b);
  wzp_registry_set_in_room (f.sim.registry, "c1", f.b->peer->fp, FALSE);
  test_sim_expect_nothing (&f.sim);
  test_client_return (&f.sim, f.b);
  test_client_send (&f.sim, f.a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&f.sim, f.b, "c1", WZP_HANGUP_NORMAL, NULL);

  /* Both are gone but for the room. */
  test_client_call (&f.sim, f.a, f.c, "c4");
  wzp_registry_set_in_room (f.sim.registry, "c4", f.a->peer->fp, TRUE);
  wzp_registry_set_in_room (f.sim.registry, "c4", f.c->peer->fp, TRUE);
  test_client_leave (&f.sim, f.a);
  test_client_leave (&f.sim, f.c);
  advance (&f, WZP_REGISTRY_GRACE_US);
  g_assert_cmpuint (test_sim_stats (&f.sim).calls, ==, 1);
  wzp_registry_set_in_room (f.sim.registry, "c4", f.a->peer->fp, FALSE);
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpuint (test_sim_stats (&f.sim).calls, ==, 0);
  wzp_registry_set_in_room (f.sim.registry, "c4", f.c->peer->fp, FALSE);
  tear_down (&f);
}

static void
test_peer_hangs_up (void)
{
  Fixture f;

  set_up (&f, NULL);
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_offer (&f.sim, f.c, f.b, "c2");
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_leave (&f.sim, f.b);
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 1));
  test_client_send (&f.sim, f.a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_client_send (&f.sim, f.c, test_hangup ("c2", WZP_HANGUP_BUSY));
  g_assert_cmpuint (test_sim_stats (&f.sim).calls, ==, 0);

  /* The end is all that is left to say of a call. */
  test_client_return (&f.sim, f.b);
  test_client_expect_hangup (&f.sim, f.b, "c1", WZP_HANGUP_NORMAL, NULL);
  test_client_expect_hangup (&f.sim, f.b, "c2", WZP_HANGUP_BUSY, NULL);
  test_sim_expect_nothing (&f.sim);

  /* Nobody returns for it. */
  test_client_call (&f.sim, f.a, f.b, "c3");
  test_client_leave (&f.sim, f.b);
  test_client_send (&f.sim, f.a, test_hangup ("c3", WZP_HANGUP_NORMAL));
  g_assert_cmpint (advance (&f, WZP_REGISTRY_GRACE_US), ==, -1);
  g_assert_cmpuint (test_sim_stats (&f.sim).in_grace, ==, 0);
  test_client_return (&f.sim, f.b);
  tear_down (&f);
}

static void
test_called_meanwhile (void)
{
  Fixture f;

  set_up (&f, NULL);
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_leave (&f.sim, f.b);
  test_client_offer (&f.sim, f.c, f.b, "c2");
  test_client_offer (&f.sim, f.c, f.b, "c3");
  test_client_send (&f.sim, f.c, test_peer_update (f.c->peer, "c3", 1));
  test_client_send (&f.sim, f.c, test_hangup ("c3", WZP_HANGUP_NORMAL));
  test_sim_expect_nothing (&f.sim);
  g_assert_cmpint (state_of (&f, "c2"), ==, WZP_CALL_PENDING);

  /* Of the one that is over it never hears. */
  test_client_return (&f.sim, f.b);
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_sim_expect_nothing (&f.sim);

  /* Without calls there is no grace: it is not here. */
  test_client_send (&f.sim, f.b, test_hangup (NULL, WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&f.sim, f.c, "c2", WZP_HANGUP_NORMAL, NULL);
  test_client_expect_hangup (&f.sim, f.a, "c1", WZP_HANGUP_NORMAL, NULL);
  test_client_leave (&f.sim, f.b);
  g_assert_cmpint (wzp_registry_get_deadline (f.sim.registry), ==, -1);
  test_client_offer (&f.sim, f.c, f.b, "c4");
  test_client_expect_hangup (
      &f.sim, f.c, "c4", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
  tear_down (&f);
}

static void
test_both_gone (void)
{
  Fixture f;

  set_up (&f, NULL);
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_call (&f.sim, f.a, f.b, "c2");
  test_client_leave (&f.sim, f.a);
  advance (&f, SECOND);
  test_client_leave (&f.sim, f.b);
  advance (&f, WZP_REGISTRY_GRACE_US - SECOND); /* the end of a's */
  g_assert_cmpuint (test_sim_stats (&f.sim).calls, ==, 0);
  test_client_return (&f.sim, f.b);
  expect_gone (&f, f.b, "c2");
  expect_gone (&f, f.b, "c1");

  /* Both return. */
  test_client_return (&f.sim, f.a);
  test_client_call (&f.sim, f.a, f.b, "c3");
  test_client_leave (&f.sim, f.a);
  test_client_leave (&f.sim, f.b);
  test_client_return (&f.sim, f.a);
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c3", 1));
  test_client_return (&f.sim, f.b);
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_CANDIDATE_UPDATE);
  g_assert_cmpint (advance (&f, 100 * SECOND), ==, -1);
  g_assert_cmpint (state_of (&f, "c3"), ==, WZP_CALL_ACTIVE);
  tear_down (&f);
}

static void
test_call_timeout (void)
{
  Fixture f;
  gint64 start_us;

  g_test_summary ("The time to answer goes on in the grace");

  set_up (&f, NULL);
  start_us = f.sim.now_us;
  test_client_offer (&f.sim, f.a, f.b, "c1");
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  f.sim.now_us = start_us + 25 * SECOND;
  test_client_leave (&f.sim, f.b);
  g_assert_cmpint (
      wzp_registry_get_deadline (f.sim.registry), ==, start_us + 30 * SECOND);
  g_assert_cmpint (advance (&f, 5 * SECOND), ==, start_us + 35 * SECOND);
  test_client_expect_hangup (&f.sim, f.a, "c1", WZP_HANGUP_TIMEOUT, NULL);
  test_sim_expect_nothing (&f.sim);
  test_client_return (&f.sim, f.b);
  test_client_expect_hangup (&f.sim, f.b, "c1", WZP_HANGUP_TIMEOUT, NULL);

  /* And the grace's end comes before that of the call. */
  test_client_offer (&f.sim, f.a, f.b, "c2");
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_DIRECT_CALL_OFFER);
  test_client_leave (&f.sim, f.a);
  g_assert_cmpint (advance (&f, WZP_REGISTRY_GRACE_US), ==, -1);
  expect_gone (&f, f.b, "c2");
  tear_down (&f);
}

static void
test_alias (void)
{
  Fixture f;

  g_test_summary ("The name of one in its grace is not free");

  set_up (&f, NULL);
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_leave (&f.sim, f.b);
  test_client_send (&f.sim, f.c, test_peer_register (f.c->peer, "bert"));
  test_client_expect_ack (&f.sim, f.c, "alias \"bert\" is taken");
  f.b->client = wzp_registry_add (f.sim.registry,
      wzp_identity_get_public_key (f.b->peer->identity), f.b, NULL);
  test_client_send (&f.sim, f.b, test_peer_register (f.b->peer, "bert"));
  test_client_expect_ack (&f.sim, f.b, NULL);

  test_client_leave (&f.sim, f.b);
  advance (&f, WZP_REGISTRY_GRACE_US);
  expect_gone (&f, f.a, "c1");
  test_client_send (&f.sim, f.c, test_peer_register (f.c->peer, "bert"));
  test_client_expect_ack (&f.sim, f.c, NULL);
  tear_down (&f);
}

static void
test_not_popped (void)
{
  Fixture f;

  g_test_summary ("What was not taken off when it was lost is not lost, as far "
                  "as it is of calls");

  set_up (&f, NULL);
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_send (&f.sim, f.b, test_message (WZP_MESSAGE_PING, NULL));
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 1));
  test_client_send (&f.sim, f.c, test_message (WZP_MESSAGE_PING, NULL));
  test_client_leave (&f.sim, f.b);
  test_client_skip (&f.sim, f.c, WZP_MESSAGE_PONG);
  test_sim_expect_nothing (&f.sim);
  test_client_return (&f.sim, f.b);
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_CANDIDATE_UPDATE);
  test_client_send (&f.sim, f.b, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_client_expect_hangup (&f.sim, f.a, "c1", WZP_HANGUP_NORMAL, NULL);

  /* The Hangup of its last call: nothing waits any more. */
  test_client_call (&f.sim, f.a, f.b, "c2");
  test_client_send (&f.sim, f.a, test_hangup ("c2", WZP_HANGUP_NORMAL));
  test_client_leave (&f.sim, f.b);
  test_sim_expect_nothing (&f.sim);
  test_client_return (&f.sim, f.b);
  tear_down (&f);
}

static void
test_held_limit (void)
{
  const WzpRegistryLimits limits = { .max_calls_per_client = 40,
    .max_ringing = 40 };
  Fixture f;
  char id[8];

  g_test_summary ("At most WZP_REGISTRY_MAX_HELD are kept: the newest are "
                  "dropped, but not the end of a call");

  set_up (&f, &limits);
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_leave (&f.sim, f.b);
  for (guint i = 0; i < WZP_REGISTRY_MAX_HELD; i++) {
    g_snprintf (id, sizeof id, "d%u", i);
    test_client_offer (&f.sim, f.c, f.b, id);
  }
  g_assert_cmpuint (test_sim_stats (&f.sim).held_dropped, ==, 0);
  test_client_offer (&f.sim, f.a, f.b, "c2");
  test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", 1));
  g_assert_cmpuint (test_sim_stats (&f.sim).held_dropped, ==, 2);
  test_client_send (&f.sim, f.a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  g_assert_cmpuint (test_sim_stats (&f.sim).held_dropped, ==, 3);

  test_client_return (&f.sim, f.b);
  for (guint i = 0; i < WZP_REGISTRY_MAX_HELD - 1; i++) {
    g_autoptr (WzpMessage) message =
        test_client_expect (&f.sim, f.b, WZP_MESSAGE_DIRECT_CALL_OFFER);

    g_snprintf (id, sizeof id, "d%u", i);
    g_assert_cmpstr (message->call_id, ==, id);
  }
  test_client_expect_hangup (&f.sim, f.b, "c1", WZP_HANGUP_NORMAL, NULL);
  tear_down (&f);
}

static void
test_held_flood (void)
{
  Fixture f;
  WzpMessage *message;

  g_test_summary ("However many updates come, the newest one is kept");

  set_up (&f, NULL);
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_call (&f.sim, f.a, f.b, "c2");
  test_client_leave (&f.sim, f.b);
  for (guint i = 1; i <= 100; i++) {
    test_client_send (&f.sim, f.a, test_peer_update (f.a->peer, "c1", i));
    test_client_send (
        &f.sim, f.a, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, "c2"));
  }
  g_assert_cmpuint (test_sim_stats (&f.sim).held_dropped, ==, 0);
  test_client_return (&f.sim, f.b);
  message = test_client_expect (&f.sim, f.b, WZP_MESSAGE_CANDIDATE_UPDATE);
  g_assert_cmpuint (message->generation, ==, 100);
  wzp_message_free (message);
  test_client_skip (&f.sim, f.b, WZP_MESSAGE_MEDIA_PATH_REPORT);
  tear_down (&f);
}

static void
test_grace_limit (void)
{
  const WzpRegistryLimits limits = { .max_clients = 3 };
  Fixture f;

  g_test_summary ("As many may wait as may be here: the oldest is gone early");

  set_up (&f, &limits);
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_call (&f.sim, f.b, f.c, "c2");
  test_client_leave (&f.sim, f.a);
  test_client_leave (&f.sim, f.b);
  test_client_leave (&f.sim, f.c);
  g_assert_cmpuint (test_sim_stats (&f.sim).in_grace, ==, 3);
  /* Others in their place, and they go too. */
  {
    TestClient *d = test_client_new_registered (&f.sim, 4, NULL);
    TestClient *e = test_client_new_registered (&f.sim, 5, NULL);

    test_client_call (&f.sim, d, e, "c3");
    test_client_leave (&f.sim, d);
    g_assert_cmpuint (test_sim_stats (&f.sim).in_grace, ==, 3);
    g_assert_cmpint (state_of (&f, "c1"), ==, WZP_CALL_NONE);
    g_assert_cmpint (state_of (&f, "c2"), ==, WZP_CALL_ACTIVE);
    test_client_free (&f.sim, d);
    test_client_free (&f.sim, e);
  }
  tear_down (&f);
}

static void
test_grace_changed (void)
{
  const WzpRegistryLimits shorter = { .grace_us = 2 * SECOND };
  Fixture f;
  gint64 start_us;

  set_up (&f, NULL);
  start_us = f.sim.now_us;
  test_client_call (&f.sim, f.a, f.b, "c1");
  test_client_call (&f.sim, f.a, f.c, "c2");
  test_client_leave (&f.sim, f.b);
  wzp_registry_set_limits (f.sim.registry, &shorter);
  test_client_leave (&f.sim, f.c);
  g_assert_cmpint (
      advance (&f, 2 * SECOND), ==, start_us + WZP_REGISTRY_GRACE_US);
  expect_gone (&f, f.a, "c2");
  g_assert_cmpint (advance (&f, 8 * SECOND), ==, -1);
  expect_gone (&f, f.a, "c1");
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/registry-grace/return", test_return);
  g_test_add_func ("/registry-grace/no-return", test_no_return);
  g_test_add_func ("/registry-grace/room", test_room);
  g_test_add_func ("/registry-grace/peer-hangs-up", test_peer_hangs_up);
  g_test_add_func ("/registry-grace/called-meanwhile", test_called_meanwhile);
  g_test_add_func ("/registry-grace/both-gone", test_both_gone);
  g_test_add_func ("/registry-grace/call-timeout", test_call_timeout);
  g_test_add_func ("/registry-grace/alias", test_alias);
  g_test_add_func ("/registry-grace/not-popped", test_not_popped);
  g_test_add_func ("/registry-grace/held-limit", test_held_limit);
  g_test_add_func ("/registry-grace/held-flood", test_held_flood);
  g_test_add_func ("/registry-grace/grace-limit", test_grace_limit);
  g_test_add_func ("/registry-grace/grace-changed", test_grace_changed);
  return wzp_test_run ();
}
