/* A call between two nodes: by both paths, by the relay only, by the
 * application's own signalling; two ways with two flows. */
#include "wzp-party.h"

#define N_FRAMES    100
#define FRAME_SIZE  20000
#define INTERVAL_US 5000
#define CAPS        "video/x-test, width=(int)320"

static WzpParty *
new_listener (WzpTestRelay *relay, WzpTransportPolicy policy)
{
  WzpNodeConfig config;

  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_LISTENER;
  config.policy = policy;
  config.alias = "cam1";
  return wzp_party_new (&config);
}

static WzpParty *
new_caller (WzpTestRelay *relay, WzpTransportPolicy policy)
{
  WzpNodeConfig config;

  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_CALLER;
  config.policy = policy;
  config.peer = "cam1";
  config.retry_backoff_factor = 0.1;
  return wzp_party_new (&config);
}

/* Sends N_FRAMES from @from to @to and checks every byte of what comes. */
static void
check_media (WzpTest *test, WzpParty *from, WzpParty *to)
{
  g_autoptr (WzpSendFlow) send =
      wzp_node_add_send_flow (from->node, "video", NULL, NULL, NULL, NULL);
  g_autoptr (WzpRecvFlow) recv = wzp_node_add_recv_flow (to->node, NULL, NULL);
  WzpTestSinkhole *sinkhole = wzp_test_sinkhole_new (recv, FRAME_SIZE, 1);
  WzpTestSource *source = wzp_test_source_new (
      send, CAPS, N_FRAMES, FRAME_SIZE, INTERVAL_US, 1, TRUE);

  g_assert_true (wzp_test_source_join (source));
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (sinkhole, &sinkhole->eos) == 1, 5000);
  g_assert_cmpuint (sinkhole->frames, ==, N_FRAMES);
  g_assert_cmpuint (sinkhole->wrong, ==, 0);
  g_assert_cmpuint (sinkhole->disordered, ==, 0);
  g_assert_cmpuint (sinkhole->lost, ==, 0);
  g_assert_cmpuint (sinkhole->discont, ==, 1);
  g_assert_cmpstr (sinkhole->caps, ==, CAPS);
  wzp_test_sinkhole_free (sinkhole);
}

static void
test_direct (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *listener = new_listener (relay, WZP_POLICY_ALL);
  WzpParty *caller = new_caller (relay, WZP_POLICY_ALL);
  WzpNodeStats stats;

  g_test_summary ("A call by name comes up, goes direct, loses nothing");
  wzp_party_start (listener);
  wzp_party_start (caller);
  check_media (test, caller, listener);
  wzp_test_assert_until (
      test, wzp_party_path (caller) == WZP_PATH_DIRECT, 5000);
  wzp_test_assert_until (
      test, wzp_party_path (listener) == WZP_PATH_DIRECT, 5000);
  wzp_node_get_stats (caller->node, &stats);
  g_assert_cmpuint (stats.n_calls, ==, 1);
  wzp_party_free (caller);
  wzp_test_assert_until (
      test, wzp_party_count (listener, &listener->callers_removed) == 1, 5000);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
}

static void
test_relay_only (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *listener = new_listener (relay, WZP_POLICY_RELAY);
  WzpParty *caller = new_caller (relay, WZP_POLICY_RELAY);

  g_test_summary ("transport-policy=relay stays on the relay");
  wzp_party_start (listener);
  wzp_party_start (caller);
  check_media (test, caller, listener);
  g_assert_cmpint (wzp_party_path (caller), ==, WZP_PATH_RELAY);
  g_assert_cmpint (wzp_party_path (listener), ==, WZP_PATH_RELAY);
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
}

static void
exchange (WzpTest *test, WzpParty *a, WzpParty *b)
{
  g_autoptr (WzpDescription) of_a = NULL;
  g_autoptr (WzpDescription) of_b = NULL;
  g_autoptr (GError) error = NULL;

  wzp_test_assert_until (test, (of_a = wzp_party_dup_local (a)) != NULL, 5000);
  wzp_test_assert_until (test, (of_b = wzp_party_dup_local (b)) != NULL, 5000);
  g_assert_true (wzp_node_set_remote (a->node, of_b, &error));
  g_assert_no_error (error);
  g_assert_true (wzp_node_set_remote (b->node, of_a, &error));
  g_assert_no_error (error);
}

static void
test_app (WzpTest *test, gconstpointer data)
{
  gboolean with_relay = GPOINTER_TO_INT (data);
  WzpTestRelay *relay = with_relay ? wzp_test_relay_new (0) : NULL;
  WzpNodeConfig config;
  WzpParty *a, *b;

  g_test_summary ("The application carries the candidates");
  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_APP;
  a = wzp_party_new (&config);
  b = wzp_party_new (&config);
  wzp_party_start (a);
  wzp_party_start (b);
  exchange (test, a, b);
  check_media (test, a, b);
  wzp_test_assert_until (test, wzp_party_path (a) == WZP_PATH_DIRECT, 5000);
  wzp_party_free (a);
  wzp_party_free (b);
  g_clear_pointer (&relay, wzp_test_relay_free);
}

static void
test_app_remote_first (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  g_autoptr (WzpDescription) of_a = NULL;
  g_autoptr (WzpDescription) of_b = NULL;
  WzpNodeConfig config;
  WzpParty *a, *b;

  g_test_summary (
      "The peer's candidates come before the own ones are gathered: "
      "they are kept, not lost");
  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_APP;
  a = wzp_party_new (&config);
  wzp_party_start (a);
  wzp_test_assert_until (test, (of_a = wzp_party_dup_local (a)) != NULL, 5000);
  b = wzp_party_new (&config);
  wzp_party_start (b);
  g_assert_true (wzp_node_set_remote (b->node, of_a, NULL));
  wzp_test_assert_until (test, (of_b = wzp_party_dup_local (b)) != NULL, 5000);
  g_assert_true (wzp_node_set_remote (a->node, of_b, NULL));
  check_media (test, a, b);
  wzp_party_free (a);
  wzp_party_free (b);
  wzp_test_relay_free (relay);
}

static void
test_app_ipv6 (WzpTest *test, gconstpointer data)
{
  WzpNodeConfig config;
  WzpParty *a, *b;

  g_test_summary ("The same over IPv6");
  wzp_party_config (&config, NULL);
  config.mode = WZP_MODE_APP;
  config.bind_address = "::1";
  a = wzp_party_new (&config);
  b = wzp_party_new (&config);
  wzp_party_start (a);
  wzp_party_start (b);
  exchange (test, a, b);
  check_media (test, a, b);
  wzp_party_free (a);
  wzp_party_free (b);
}

static void
test_same_pair_again (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpDescription) of_a = NULL;
  g_autoptr (WzpDescription) of_b = NULL;
  g_autoptr (WzpDescription) next = NULL;
  WzpNodeConfig config;
  WzpParty *a, *b, *c;

  g_test_summary ("The same two descriptions never make two calls: their keys "
                  "would seal two texts under one number");
  wzp_party_config (&config, NULL);
  config.mode = WZP_MODE_APP;
  a = wzp_party_new (&config);
  b = wzp_party_new (&config);
  c = wzp_party_new (&config);
  wzp_party_start (a);
  wzp_party_start (b);
  wzp_party_start (c);
  wzp_test_assert_until (test, (of_a = wzp_party_dup_local (a)) != NULL, 5000);
  wzp_test_assert_until (test, (of_b = wzp_party_dup_local (b)) != NULL, 5000);
  wzp_test_assert_until (test, (next = wzp_party_dup_local (c)) != NULL, 5000);
  g_assert_true (wzp_node_set_remote (a->node, of_b, NULL));
  g_assert_true (wzp_node_set_remote (b->node, of_a, NULL));
  wzp_test_assert_until (
      test, wzp_party_state (a) == WZP_STATE_CONNECTED, 5000);
  /* Away from the first peer, and back with what was used already. */
  g_assert_true (wzp_node_set_remote (a->node, next, NULL));
  g_assert_true (wzp_node_set_remote (a->node, of_b, NULL));
  wzp_test_assert_until (
      test, wzp_party_log_has (a, "have made a call before"), 5000);
  wzp_party_free (a);
  wzp_party_free (b);
  wzp_party_free (c);
}

static void
test_privacy (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *listener, *caller;
  WzpNodeConfig config;
  WzpNodeStats stats;

  g_test_summary ("accept-mode=generic: no candidate of either side is tried");
  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_LISTENER;
  config.accept_mode = WZP_ACCEPT_GENERIC;
  config.alias = "cam1";
  listener = wzp_party_new (&config);
  caller = new_caller (relay, WZP_POLICY_ALL);
  wzp_party_start (listener);
  wzp_party_start (caller);
  check_media (test, caller, listener);
  g_assert_cmpint (wzp_party_path (caller), ==, WZP_PATH_RELAY);
  g_assert_cmpint (wzp_party_path (listener), ==, WZP_PATH_RELAY);
  wzp_node_get_stats (caller->node, &stats);
  g_assert_cmpuint (stats.calls[0].n_dials, ==, 1);
  g_assert_cmpstr (stats.calls[0].dials[0].type, ==, "relay");
  wzp_node_get_stats (listener->node, &stats);
  g_assert_cmpuint (stats.n_local_candidates, ==, 0);
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
}

static void
test_several_viewers (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *camera = new_listener (relay, WZP_POLICY_ALL);
  g_autoptr (WzpSendFlow) send =
      wzp_node_add_send_flow (camera->node, "video", NULL, NULL, NULL, NULL);
  WzpTestSource *source;
  WzpParty *viewers[3];
  WzpTestSinkhole *holes[3];

  g_test_summary ("A camera that listens serves three viewers; one of them "
                  "leaves, the others see every frame");
  wzp_party_start (camera);
  wzp_test_assert_until (
      test, wzp_party_log_has (camera, "progress listening"), 5000);
  for (guint i = 0; i < G_N_ELEMENTS (viewers); i++) {
    g_autoptr (WzpRecvFlow) recv = NULL;

    viewers[i] = new_caller (relay, WZP_POLICY_ALL);
    recv = wzp_node_add_recv_flow (viewers[i]->node, NULL, NULL);
    holes[i] = wzp_test_sinkhole_new (recv, 3000, 0);
    wzp_party_start (viewers[i]);
    wzp_test_assert_until (
        test, wzp_party_state (viewers[i]) == WZP_STATE_CONNECTED, 5000);
  }
  wzp_test_assert_until (
      test, wzp_party_count (camera, &camera->callers_added) == 3, 5000);
  source = wzp_test_source_new (send, CAPS, 200, 3000, 5000, 0, TRUE);
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (holes[0], &holes[0]->frames) >= 50, 5000);
  wzp_test_sinkhole_free (holes[0]);
  wzp_party_free (viewers[0]);
  g_assert_true (wzp_test_source_join (source));
  for (guint i = 1; i < G_N_ELEMENTS (viewers); i++) {
    wzp_test_assert_until (
        test, wzp_test_sinkhole_get (holes[i], &holes[i]->eos) == 1, 5000);
    g_assert_cmpuint (holes[i]->frames, ==, 200);
    g_assert_cmpuint (holes[i]->wrong + holes[i]->disordered, ==, 0);
    wzp_test_sinkhole_free (holes[i]);
    wzp_party_free (viewers[i]);
  }
  wzp_party_free (camera);
  wzp_test_relay_free (relay);
}

static void
test_two_ways (WzpTest *test, gconstpointer data)
{
  static const char *const names[] = { "audio", "video" };
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *parties[2] = { new_listener (relay, WZP_POLICY_ALL),
    new_caller (relay, WZP_POLICY_ALL) };
  WzpTestSinkhole *holes[2][2];
  WzpTestSource *sources[2][2];

  g_test_summary ("Two flows each way in one call, told apart by name");
  for (guint p = 0; p < 2; p++) {
    for (guint f = 0; f < 2; f++) {
      g_autoptr (WzpRecvFlow) recv =
          wzp_node_add_recv_flow (parties[1 - p]->node, names[f], NULL);
      g_autoptr (WzpSendFlow) send = wzp_node_add_send_flow (
          parties[p]->node, names[f], NULL, NULL, NULL, NULL);

      holes[p][f] = wzp_test_sinkhole_new (recv, 1000 + f * 30000, 0);
      sources[p][f] = wzp_test_source_new (send, names[f], 60, 1000 + f * 30000,
          10000, 1000 * (p * 2 + f + 1), TRUE);
    }
    wzp_party_start (parties[p]);
  }
  for (guint p = 0; p < 2; p++) {
    for (guint f = 0; f < 2; f++) {
      WzpTestSinkhole *hole = holes[p][f];

      g_assert_true (wzp_test_source_join (sources[p][f]));
      wzp_test_assert_until (
          test, wzp_test_sinkhole_get (hole, &hole->eos) == 1, 5000);
      g_assert_cmpuint (hole->frames, ==, 60);
      g_assert_cmpuint (hole->wrong + hole->disordered, ==, 0);
      g_assert_cmpint (hole->last_seed, ==, 1000 * (p * 2 + f + 1) + 59);
      g_assert_cmpstr (hole->caps, ==, names[f]);
    }
  }
  for (guint p = 0; p < 2; p++) {
    for (guint f = 0; f < 2; f++)
      wzp_test_sinkhole_free (holes[p][f]);
    wzp_party_free (parties[p]);
  }
  wzp_test_relay_free (relay);
}

/* Who only receives and does not call again is not told of a failure when the
 * other side hangs up in order. */
static void
test_orderly_end (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *listener = new_listener (relay, WZP_POLICY_ALL);
  g_autoptr (WzpSendFlow) send =
      wzp_node_add_send_flow (listener->node, "video", NULL, NULL, NULL, NULL);
  g_autoptr (WzpRecvFlow) recv = NULL;
  WzpTestSinkhole *hole;
  WzpNodeConfig config;
  WzpParty *caller;

  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_CALLER;
  config.peer = "cam1";
  config.no_reconnect = TRUE;
  caller = wzp_party_new (&config);
  recv = wzp_node_add_recv_flow (caller->node, NULL, NULL);
  hole = wzp_test_sinkhole_new (recv, FRAME_SIZE, 1);
  wzp_party_start (listener);
  wzp_test_assert_until (
      test, wzp_party_log_has (listener, "progress listening"), 5000);
  wzp_party_start (caller);
  wzp_test_assert_until (
      test, wzp_party_state (listener) == WZP_STATE_CONNECTED, 5000);
  wzp_test_source_join (wzp_test_source_new (
      send, CAPS, N_FRAMES, FRAME_SIZE, INTERVAL_US, 1, FALSE));
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (hole, &hole->frames) == N_FRAMES, 5000);
  wzp_party_free (listener);
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (hole, &hole->ended) == 1, 5000);
  wzp_test_assert_until (
      test, wzp_party_state (caller) == WZP_STATE_DISCONNECTED, 5000);
  g_assert_cmpint (wzp_party_error (caller), ==, -1);
  g_assert_cmpuint (wzp_test_sinkhole_get (hole, &hole->closed), ==, 0);
  wzp_test_sinkhole_free (hole);
  wzp_party_free (caller);
  wzp_test_relay_free (relay);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/call/direct", NULL, test_direct);
  wzp_test_add ("/call/relay-only", NULL, test_relay_only);
  wzp_test_add ("/call/app", GINT_TO_POINTER (FALSE), test_app);
  wzp_test_add ("/call/app-with-relay", GINT_TO_POINTER (TRUE), test_app);
  wzp_test_add ("/call/app-remote-first", NULL, test_app_remote_first);
  wzp_test_add ("/call/app-ipv6", NULL, test_app_ipv6);
  wzp_test_add ("/call/same-pair-again", NULL, test_same_pair_again);
  wzp_test_add ("/call/privacy", NULL, test_privacy);
  wzp_test_add ("/call/several-viewers", NULL, test_several_viewers);
  wzp_test_add ("/call/two-ways", NULL, test_two_ways);
  wzp_test_add ("/call/orderly-end", NULL, test_orderly_end);
  return wzp_test_run ();
}
