/* Signalling is lost and comes back while calls are there. */
#include "wzp-call.h"
#include "wzp-party.h"
#include "wzp-test-proxy.h"

#define FRAME_SIZE 2000

/* The linker puts these in between: candidates that come during a call. */
static int n_updates; /* atomic */

void __real_wzp_call_add_candidates (
    WzpCall *self, const WzpCandidateList *candidates);
void __wrap_wzp_call_add_candidates (
    WzpCall *self, const WzpCandidateList *candidates);

void
__wrap_wzp_call_add_candidates (
    WzpCall *self, const WzpCandidateList *candidates)
{
  if (candidates->n > 0)
    g_atomic_int_inc (&n_updates);
  __real_wzp_call_add_candidates (self, candidates);
}

typedef struct {
  WzpTestRelay *relay;
  WzpTestProxy *proxy; /* between the listener and the relay */
  WzpParty *caller, *listener;
  WzpSendFlow *send;
  WzpRecvFlow *recv;
  WzpTestSinkhole *hole;
  WzpTestSource *source;
} Call;

static void
begin (WzpTest *test, Call *call, gboolean drop_relay, guint n_frames)
{
  WzpNodeConfig config;
  WzpAddr addr;

  call->relay = wzp_test_relay_new (0);
  g_assert_true (
      wzp_addr_parse (wzp_test_relay_get_address (call->relay), &addr, NULL));
  call->proxy = wzp_test_proxy_new (&addr);
  wzp_party_config (&config, call->relay);
  config.mode = WZP_MODE_LISTENER;
  config.drop_relay = drop_relay;
  config.alias = "cam1";
  config.relay = wzp_test_proxy_get_address (call->proxy);
  config.retry_backoff_factor = 0.1;
  call->listener = wzp_party_new (&config);
  wzp_party_config (&config, call->relay);
  config.mode = WZP_MODE_CALLER;
  config.drop_relay = drop_relay;
  config.peer = "cam1";
  config.retry_backoff_factor = 0.1;
  call->caller = wzp_party_new (&config);
  call->send = wzp_node_add_send_flow (
      call->caller->node, "video", NULL, NULL, NULL, NULL);
  call->recv = wzp_node_add_recv_flow (call->listener->node, NULL, NULL);
  call->hole = wzp_test_sinkhole_new (call->recv, FRAME_SIZE, 1);
  wzp_party_start (call->listener);
  wzp_party_start (call->caller);
  wzp_test_assert_until (test,
      wzp_party_path (call->caller) == WZP_PATH_DIRECT &&
          wzp_party_path (call->listener) == WZP_PATH_DIRECT,
      10000);
  call->source = wzp_test_source_new (
      call->send, "video/x-test", n_frames, FRAME_SIZE, 5000, 1, TRUE);
}

static void
finish (Call *call)
{
  g_clear_pointer (&call->caller, wzp_party_free);
  wzp_test_sinkhole_free (call->hole);
  wzp_send_flow_unref (call->send);
  wzp_recv_flow_unref (call->recv);
  wzp_party_free (call->listener);
  wzp_test_proxy_free (call->proxy);
  wzp_test_relay_free (call->relay);
}

static gboolean
has_registered (Call *call, guint n)
{
  WzpRelayStats stats;

  wzp_test_relay_get_stats (call->relay, &stats);
  return stats.registry.registered == n;
}

static void
assert_one_call (Call *call)
{
  WzpRelayStats stats;

  wzp_test_relay_get_stats (call->relay, &stats);
  g_assert_cmpuint (stats.registry.active_calls, ==, 1);
  g_assert_cmpuint (stats.registry.calls_total, ==, 1);
}

/* Both lose it, several times over; the media does not notice, and the relay
 * still knows of the call. */
static void
test_returns (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  begin (test, &call, FALSE, 400);
  for (guint i = 0; i < 3; i++) {
    wzp_test_relay_drop_clients (call.relay);
    g_assert_true (has_registered (&call, 0));
    assert_one_call (&call);
    wzp_test_assert_until (test, has_registered (&call, 2), 10000);
    assert_one_call (&call);
  }
  g_assert_true (wzp_test_source_join (call.source));
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (call.hole, &call.hole->eos) == 1, 5000);
  g_assert_cmpuint (call.hole->frames, ==, 400);
  g_assert_cmpuint (call.hole->lost, ==, 0);
  g_assert_cmpuint (
      wzp_party_count (call.listener, &call.listener->callers_removed), ==, 0);
  assert_one_call (&call);
  finish (&call);
}

/* The address that the relay sees is another one afterwards: the peer is told,
 * and told once. */
static void
test_changed_address (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };
  int before;

  begin (test, &call, FALSE, 10);
  g_assert_true (wzp_test_source_join (call.source));
  before = g_atomic_int_get (&n_updates);
  wzp_test_proxy_rebind (call.proxy);
  wzp_test_relay_drop_clients (call.relay);
  wzp_test_assert_until (
      test, g_atomic_int_get (&n_updates) == before + 1, 10000);

  wzp_test_relay_drop_clients (call.relay);
  wzp_test_assert_until (test, has_registered (&call, 2), 10000);
  assert_one_call (&call);
  g_assert_cmpint (g_atomic_int_get (&n_updates), ==, before + 1);
  finish (&call);
}

static gboolean
has_no_call (Call *call)
{
  WzpRelayStats stats;

  wzp_test_relay_get_stats (call->relay, &stats);
  return stats.registry.calls == 0;
}

static gboolean
has_empty_room (Call *call)
{
  WzpRelayStats stats;

  wzp_test_relay_get_stats (call->relay, &stats);
  return stats.guests == 0;
}

/* The listener does not return, so that the relay takes it for gone and says
 * so; but it is heard on the direct path, and the call goes on. */
static void
test_hearsay (WzpTest *test, gconstpointer data)
{
  const WzpRegistryLimits short_grace = { .grace_us = 50 * 1000 };
  Call call = { 0 };

  begin (test, &call, TRUE, 300);
  wzp_test_assert_until (test, has_empty_room (&call), 10000);
  wzp_test_relay_set_limits (call.relay, &short_grace);
  wzp_test_proxy_set_blackhole (call.proxy, TRUE);
  wzp_test_relay_drop_clients (call.relay);
  wzp_test_assert_until (test, has_no_call (&call), 10000);
  g_assert_true (wzp_test_source_join (call.source));
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (call.hole, &call.hole->eos) == 1, 5000);
  g_assert_cmpuint (call.hole->frames, ==, 300);
  g_assert_cmpuint (call.hole->lost, ==, 0);
  g_assert_cmpint (wzp_party_state (call.caller), ==, WZP_STATE_CONNECTED);
  finish (&call);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add_full ("/signal-loss/returns", 60, NULL, test_returns);
  wzp_test_add_full (
      "/signal-loss/changed-address", 60, NULL, test_changed_address);
  wzp_test_add_full ("/signal-loss/hearsay", 60, NULL, test_hearsay);
  return wzp_test_run ();
}
