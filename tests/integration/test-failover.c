/* Paths that come late, die and come back, under a running stream. The direct
 * path goes through a proxy that the test can cut. */
#include "wzp-party.h"
#include "wzp-test-proxy.h"

#define SIZE        4000
#define INTERVAL_US 10000

typedef struct {
  WzpTestRelay *relay;
  WzpParty *a, *b;
  WzpTestProxy *proxies[2]; /* to a, to b */
  WzpSendFlow *send;        /* of a */
  WzpRecvFlow *recv;        /* of b */
  WzpTestSinkhole *hole;
  WzpTestSource *source;
} Call;

/* What @party told, with the proxy to it in place of its own addresses. */
static WzpDescription *
reroute (WzpTest *test, WzpParty *party, WzpTestProxy **ret_proxy)
{
  WzpDescription *local = NULL;
  WzpAddr addr;

  wzp_test_assert_until (
      test, (local = wzp_party_dup_local (party)) != NULL, 5000);
  g_assert_true (wzp_addr_parse (local->local[0], &addr, NULL));
  *ret_proxy = wzp_test_proxy_new (&addr);
  g_strfreev (local->local);
  local->local = g_new0 (char *, 2);
  local->local[0] = g_strdup (wzp_test_proxy_get_address (*ret_proxy));
  return local;
}

static void
set_blackhole (Call *call, gboolean blackhole)
{
  wzp_test_proxy_set_blackhole (call->proxies[0], blackhole);
  wzp_test_proxy_set_blackhole (call->proxies[1], blackhole);
}

static void
begin (WzpTest *test, Call *call, gboolean with_relay, guint n_frames,
    gboolean blackhole)
{
  g_autoptr (WzpDescription) of_a = NULL;
  g_autoptr (WzpDescription) of_b = NULL;
  WzpNodeConfig config;

  call->relay = with_relay ? wzp_test_relay_new (0) : NULL;
  wzp_party_config (&config, call->relay);
  config.mode = WZP_MODE_APP;
  call->a = wzp_party_new (&config);
  call->b = wzp_party_new (&config);
  wzp_party_start (call->a);
  wzp_party_start (call->b);
  of_a = reroute (test, call->a, &call->proxies[0]);
  of_b = reroute (test, call->b, &call->proxies[1]);
  set_blackhole (call, blackhole);
  /* Not their reflexive addresses either: those would go past the proxy. */
  g_clear_pointer (&of_a->reflexive, g_free);
  g_clear_pointer (&of_b->reflexive, g_free);

  call->send =
      wzp_node_add_send_flow (call->a->node, "video", NULL, NULL, NULL, NULL);
  call->recv = wzp_node_add_recv_flow (call->b->node, NULL, NULL);
  call->hole = wzp_test_sinkhole_new (call->recv, SIZE, 0);
  call->source = wzp_test_source_new (
      call->send, "x/y", n_frames, SIZE, INTERVAL_US, 0, TRUE);
  g_assert_true (wzp_node_set_remote (call->a->node, of_b, NULL));
  g_assert_true (wzp_node_set_remote (call->b->node, of_a, NULL));
}

static void
finish (Call *call)
{
  wzp_send_flow_set_flushing (call->send, TRUE);
  wzp_test_source_join (call->source);
  wzp_test_sinkhole_free (call->hole);
  wzp_send_flow_unref (call->send);
  wzp_recv_flow_unref (call->recv);
  wzp_party_free (call->a);
  wzp_party_free (call->b);
  wzp_test_proxy_free (call->proxies[0]);
  wzp_test_proxy_free (call->proxies[1]);
  g_clear_pointer (&call->relay, wzp_test_relay_free);
}

static void
wait_for_path (WzpTest *test, Call *call, WzpPath path)
{
  wzp_test_assert_until (test, wzp_party_path (call->a) == path, 10000);
  wzp_test_assert_until (test, wzp_party_path (call->b) == path, 10000);
}

static void
wait_for_frames (WzpTest *test, Call *call, guint more)
{
  guint n = wzp_test_sinkhole_get (call->hole, &call->hole->frames);

  wzp_test_assert_until (test,
      wzp_test_sinkhole_get (call->hole, &call->hole->frames) >= n + more,
      10000);
}

static void
test_upgrade (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  g_test_summary ("Direct comes up after the relay has won: the call moves, no "
                  "frame is lost or repeated");
  begin (test, &call, TRUE, 300, TRUE);
  wait_for_path (test, &call, WZP_PATH_RELAY);
  wait_for_frames (test, &call, 20);
  set_blackhole (&call, FALSE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  wait_for_frames (test, &call, 20);
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (call.hole, &call.hole->eos) == 1, 10000);
  g_assert_cmpuint (call.hole->frames, ==, 300);
  g_assert_cmpuint (call.hole->lost, ==, 0);
  g_assert_cmpuint (call.hole->wrong + call.hole->disordered, ==, 0);
  g_assert_cmpuint (call.hole->discont, ==, 1);
  finish (&call);
}

/* Who nominates saw it; the other may have had nothing unanswered. */
static void
assert_silence_is_told (Call *call)
{
  g_autofree WzpNodeStats *a = g_new0 (WzpNodeStats, 1);
  g_autofree WzpNodeStats *b = g_new0 (WzpNodeStats, 1);
  gboolean a_leads;

  wzp_node_get_stats (call->a->node, a);
  wzp_node_get_stats (call->b->node, b);
  g_test_message ("%s / %s", a->path_reason, b->path_reason);
  a_leads = g_str_equal (a->calls[0].role, "dialer");
  g_assert_true (g_str_has_prefix (
      (a_leads ? a : b)->path_reason, "the direct path was silent for "));
  g_assert_true (g_str_has_prefix (
      (a_leads ? b : a)->path_reason, "the peer chose the relay path"));
}

static void
test_blackhole (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  g_test_summary ("The direct path goes silent: the relay takes over; it comes "
                  "back: the call returns");
  begin (test, &call, TRUE, 3000, FALSE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  wait_for_frames (test, &call, 20);
  set_blackhole (&call, TRUE);
  wait_for_path (test, &call, WZP_PATH_RELAY);
  assert_silence_is_told (&call);
  wait_for_frames (test, &call, 50);
  g_mutex_lock (&call.hole->lock);
  g_test_message ("gap %" G_GINT64_FORMAT " ms, lost %" G_GUINT64_FORMAT,
      call.hole->max_gap_us / 1000, call.hole->lost);
  g_mutex_unlock (&call.hole->lock);
  set_blackhole (&call, FALSE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  wait_for_frames (test, &call, 20);
  g_assert_cmpuint (
      wzp_test_sinkhole_get (call.hole, &call.hole->wrong), ==, 0);
  g_assert_cmpuint (
      wzp_test_sinkhole_get (call.hole, &call.hole->disordered), ==, 0);
  finish (&call);
}

/* The routers forget. A Dialer that was at one port and now is at another is
 * followed; an Acceptor is not (RFC 9000, section 9: a server does not move)
 * and is dialled again. By which proxy the call goes, as a candidate of the
 * Acceptor's or as where its punches come from, is chance. */
static void
test_rebinding (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  g_test_summary (
      "A NAT gives the call another port: it follows, or falls back "
      "and comes again");
  begin (test, &call, TRUE, 3000, FALSE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  wait_for_frames (test, &call, 50);
  g_mutex_lock (&call.hole->lock);
  call.hole->max_gap_us = 0;
  g_mutex_unlock (&call.hole->lock);
  wzp_test_proxy_rebind (call.proxies[0]);
  wzp_test_proxy_rebind (call.proxies[1]);
  /* Longer than a dead path may stay unnoticed. */
  wait_for_frames (test, &call, 150);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  wait_for_frames (test, &call, 50);
  g_mutex_lock (&call.hole->lock);
  g_test_message ("gap %" G_GINT64_FORMAT " ms, lost %" G_GUINT64_FORMAT
                  " of %u frames, %u changes of path",
      call.hole->max_gap_us / 1000, call.hole->lost, call.hole->frames,
      wzp_party_count (call.a, &call.a->path_changes));
  g_mutex_unlock (&call.hole->lock);
  g_assert_cmpuint (
      wzp_test_sinkhole_get (call.hole, &call.hole->wrong), ==, 0);
  finish (&call);
}

static void
test_relay_dies (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  g_test_summary ("The relay dies during a direct call: nobody notices");
  begin (test, &call, TRUE, 300, FALSE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  wait_for_frames (test, &call, 20);
  g_clear_pointer (&call.relay, wzp_test_relay_free);
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (call.hole, &call.hole->eos) == 1, 10000);
  g_assert_cmpuint (call.hole->frames, ==, 300);
  g_assert_cmpuint (call.hole->lost, ==, 0);
  g_assert_cmpint (wzp_party_path (call.a), ==, WZP_PATH_DIRECT);
  finish (&call);
}

static void
test_both_die (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  g_test_summary ("Both paths die: an error that says so, on both sides");
  begin (test, &call, TRUE, 3000, FALSE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  wait_for_frames (test, &call, 20);
  set_blackhole (&call, TRUE);
  wait_for_path (test, &call, WZP_PATH_RELAY);
  g_clear_pointer (&call.relay, wzp_test_relay_free);
  wzp_test_assert_until (
      test, wzp_party_state (call.a) == WZP_STATE_FAILED, 30000);
  wzp_test_assert_until (
      test, wzp_party_state (call.b) == WZP_STATE_FAILED, 30000);
  g_assert_nonnull (call.a->error_text);
  g_test_message ("%s / %s", call.a->error_text, call.b->error_text);
  finish (&call);
}

static void
test_lossy (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  g_test_summary (
      "Loss on the direct path: control goes through, what comes is "
      "right, what is missing is counted");
  begin (test, &call, FALSE, 300, FALSE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  wzp_test_proxy_set_loss (call.proxies[0], 100);
  wzp_test_proxy_set_loss (call.proxies[1], 100);
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (call.hole, &call.hole->eos) == 1, 15000);
  g_test_message ("%u frames, %" G_GUINT64_FORMAT " lost", call.hole->frames,
      call.hole->lost);
  g_assert_cmpuint (call.hole->wrong + call.hole->disordered, ==, 0);
  g_assert_cmpuint (call.hole->frames + call.hole->lost, <=, 300);
  g_assert_cmpuint (call.hole->frames, >, 100);
  finish (&call);
}

static void
test_direct_loses (WzpTest *test, gconstpointer data)
{
  g_autofree WzpNodeStats *stats = g_new0 (WzpNodeStats, 1);
  WzpParty *dialer;
  Call call = { 0 };

  g_test_summary ("The direct path lives, but loses much, and the relay does "
                  "not: the call moves there, and says why");
  begin (test, &call, TRUE, 6000, FALSE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  wait_for_frames (test, &call, 20);
  wzp_test_proxy_set_loss (call.proxies[0], 150);
  wzp_test_proxy_set_loss (call.proxies[1], 150);
  wzp_test_assert_until (
      test, wzp_party_path (call.a) == WZP_PATH_RELAY, 30000);
  wzp_test_assert_until (
      test, wzp_party_path (call.b) == WZP_PATH_RELAY, 10000);
  wzp_node_get_stats (call.a->node, stats);
  dialer = g_str_equal (stats->calls[0].role, "dialer") ? call.a : call.b;
  wzp_node_get_stats (dialer->node, stats);
  g_test_message ("%s", stats->path_reason);
  g_assert_true (
      g_str_has_prefix (stats->path_reason, "the relay path is better"));
  wait_for_frames (test, &call, 50);
  g_assert_cmpuint (call.hole->wrong + call.hole->disordered, ==, 0);
  finish (&call);
}

static void
test_neither (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  g_test_summary ("No path at all: one error that names the direct one");
  begin (test, &call, FALSE, 3000, TRUE);
  wzp_test_assert_until (
      test, wzp_party_state (call.a) == WZP_STATE_FAILED, 10000);
  wzp_test_assert_until (
      test, wzp_party_state (call.b) == WZP_STATE_FAILED, 10000);
  g_test_message ("%s / %s", call.a->error_text, call.b->error_text);
  g_assert_nonnull (strstr (call.a->error_text, "irect"));
  g_assert_cmpstr (call.a->error_phase, ==, "race");
  finish (&call);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/failover/upgrade", NULL, test_upgrade);
  wzp_test_add_full ("/failover/blackhole", 60, NULL, test_blackhole);
  wzp_test_add_full ("/failover/rebinding", 60, NULL, test_rebinding);
  wzp_test_add ("/failover/relay-dies", NULL, test_relay_dies);
  wzp_test_add_full ("/failover/both-die", 60, NULL, test_both_die);
  wzp_test_add_full ("/failover/lossy", 40, NULL, test_lossy);
  wzp_test_add_full ("/failover/direct-loses", 60, NULL, test_direct_loses);
  wzp_test_add_full ("/failover/neither", 40, NULL, test_neither);
  return wzp_test_run ();
}
