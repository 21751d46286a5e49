/* Calls between clients of different relays: by both paths, by the relays only;
 * links that break, relays that are in the way. */
#include "wzp-party.h"
#include "wzp-test-proxy.h"

#define WAIT_MS     8000u
#define N_FRAMES    100u
#define FRAME_SIZE  6000u
#define INTERVAL_US 5000u
#define CAPS        "x/y"
#define MAX_RELAYS  3u

typedef struct {
  WzpTestRelay *relays[MAX_RELAYS];
  guint n;
} Net;

/* ---- the relays ---- */

/* @from takes all of @to as its peers, and dials them. */
static void
link_to (Net *net, guint from, const guint *to, guint n)
{
  WzpRelayPeer peers[MAX_RELAYS];

  for (guint i = 0; i < n; i++) {
    WzpTestRelay *other = net->relays[to[i]];

    peers[i] = (WzpRelayPeer){
      .address = wzp_test_relay_get_address (other),
      .fingerprint = wzp_test_relay_get_fingerprint (other),
    };
  }
  wzp_test_relay_set_peers (net->relays[from], peers, n);
}

static guint
count_links (WzpTestRelay *relay)
{
  WzpRelayStats stats;

  wzp_test_relay_get_stats (relay, &stats);
  return stats.registry.links;
}

/* Every relay with every other one; or each with its neighbours only. */
static void
net_init (WzpTest *test, Net *net, guint n, gboolean is_chain)
{
  guint n_links[MAX_RELAYS];

  net->n = n;
  for (guint i = 0; i < n; i++)
    net->relays[i] = wzp_test_relay_new (0);
  for (guint i = 0; i < n; i++) {
    guint to[MAX_RELAYS];

    n_links[i] = 0;
    for (guint j = 0; j < n; j++)
      if (j != i && (!is_chain || j + 1 == i || i + 1 == j))
        to[n_links[i]++] = j;
    link_to (net, i, to, n_links[i]);
  }
  for (guint i = 0; i < n; i++)
    wzp_test_assert_until (
        test, count_links (net->relays[i]) == n_links[i], WAIT_MS);
}

static void
net_clear (Net *net)
{
  for (guint i = 0; i < net->n; i++)
    wzp_test_relay_free (net->relays[i]);
}

static WzpRelayStats
stats_of (Net *net, guint i)
{
  WzpRelayStats stats;

  wzp_test_relay_get_stats (net->relays[i], &stats);
  return stats;
}

/* ---- the parties ---- */

static WzpParty *
new_listener (WzpTest *test, WzpTestRelay *relay, WzpTransportPolicy policy)
{
  WzpNodeConfig config;
  WzpParty *party;

  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_LISTENER;
  config.policy = policy;
  config.alias = "cam1";
  party = wzp_party_new (&config);
  wzp_party_start (party);
  wzp_test_assert_until (
      test, wzp_party_log_has (party, "progress listening"), WAIT_MS);
  return party;
}

/* @peer: a name or a fingerprint. */
static WzpParty *
new_caller (WzpTestRelay *relay, WzpTransportPolicy policy, const char *peer,
    gboolean reconnect)
{
  WzpNodeConfig config;
  WzpParty *party;

  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_CALLER;
  config.policy = policy;
  config.peer = peer;
  config.no_reconnect = !reconnect;
  config.retry_backoff_factor = 0.1;
  party = wzp_party_new (&config);
  wzp_party_start (party);
  return party;
}

/* ---- media ---- */

typedef struct {
  WzpSendFlow *send;
  WzpRecvFlow *recv;
  WzpTestSource *source;
  WzpTestSinkhole *hole;
} Stream;

static void
stream_begin (Stream *stream, WzpParty *from, WzpParty *to, guint n_frames)
{
  stream->send =
      wzp_node_add_send_flow (from->node, "video", NULL, NULL, NULL, NULL);
  stream->recv = wzp_node_add_recv_flow (to->node, NULL, NULL);
  stream->hole = wzp_test_sinkhole_new (stream->recv, FRAME_SIZE, 1);
  stream->source = wzp_test_source_new (
      stream->send, CAPS, n_frames, FRAME_SIZE, INTERVAL_US, 1, TRUE);
}

static guint
stream_frames (Stream *stream)
{
  return wzp_test_sinkhole_get (stream->hole, &stream->hole->frames);
}

static void
stream_end (WzpTest *test, Stream *stream)
{
  g_assert_true (wzp_test_source_join (stream->source));
  wzp_test_assert_until (test,
      wzp_test_sinkhole_get (stream->hole, &stream->hole->eos) == 1, WAIT_MS);
  g_assert_cmpuint (stream->hole->wrong + stream->hole->disordered, ==, 0);
}

static void
stream_clear (Stream *stream)
{
  wzp_test_sinkhole_free (stream->hole);
  wzp_send_flow_unref (stream->send);
  wzp_recv_flow_unref (stream->recv);
}

/* N_FRAMES from @from to @to, every byte of them. */
static void
check_media (WzpTest *test, WzpParty *from, WzpParty *to)
{
  Stream stream;

  stream_begin (&stream, from, to, N_FRAMES);
  stream_end (test, &stream);
  g_assert_cmpuint (stream.hole->frames, ==, N_FRAMES);
  g_assert_cmpuint (stream.hole->lost, ==, 0);
  g_assert_cmpstr (stream.hole->caps, ==, CAPS);
  stream_clear (&stream);
}

/* ---- tests ---- */

static void
test_direct (WzpTest *test, gconstpointer data)
{
  Net net;
  WzpParty *listener, *caller;

  g_test_summary ("By name across two relays; direct at last");
  net_init (test, &net, 2, FALSE);
  listener = new_listener (test, net.relays[1], WZP_POLICY_ALL);
  caller = new_caller (net.relays[0], WZP_POLICY_ALL, "cam1", TRUE);
  check_media (test, caller, listener);
  wzp_test_assert_until (
      test, wzp_party_path (caller) == WZP_PATH_DIRECT, WAIT_MS);
  wzp_test_assert_until (
      test, wzp_party_path (listener) == WZP_PATH_DIRECT, WAIT_MS);
  /* The caller hangs up: the other relay's client hears of it. */
  wzp_party_free (caller);
  wzp_test_assert_until (test,
      wzp_party_count (listener, &listener->callers_removed) == 1, WAIT_MS);
  for (guint i = 0; i < net.n; i++)
    wzp_test_assert_until (
        test, stats_of (&net, i).registry.calls == 0, WAIT_MS);
  wzp_party_free (listener);
  net_clear (&net);
}

static void
test_relayed (WzpTest *test, gconstpointer data)
{
  gboolean by_fingerprint = GPOINTER_TO_INT (data);
  char fingerprint[WZP_FINGERPRINT_STRLEN];
  Net net;
  WzpParty *listener, *caller;
  WzpRelayStats stats;
  WzpNodeStats of_node;

  g_test_summary ("Through both relays only, both ways");
  net_init (test, &net, 2, FALSE);
  listener = new_listener (test, net.relays[1], WZP_POLICY_RELAY);
  wzp_fingerprint_to_string (
      wzp_identity_get_fingerprint (wzp_node_get_identity (listener->node)),
      fingerprint);
  caller = new_caller (net.relays[0], WZP_POLICY_RELAY,
      by_fingerprint ? fingerprint : "cam1", TRUE);
  check_media (test, caller, listener);
  check_media (test, listener, caller);
  g_assert_cmpint (wzp_party_path (caller), ==, WZP_PATH_RELAY);
  g_assert_cmpint (wzp_party_path (listener), ==, WZP_PATH_RELAY);
  /* Each is in the room of its own relay. */
  for (guint i = 0; i < net.n; i++) {
    stats = stats_of (&net, i);
    g_assert_cmpuint (stats.guests, ==, 1);
    g_assert_cmpuint (stats.links[0].datagrams_sent, >, N_FRAMES);
    g_assert_cmpuint (stats.links[0].datagrams_received, >, N_FRAMES);
    g_assert_cmpuint (stats.registry.active_calls, ==, 1);
  }
  wzp_node_get_stats (caller->node, &of_node);
  g_assert_cmpuint (of_node.calls[0].n_paths, ==, 1);
  g_assert_cmpstr (of_node.calls[0].paths[0].remote, ==,
      wzp_test_relay_get_address (net.relays[0]));
  wzp_party_free (listener);
  wzp_test_assert_until (
      test, wzp_party_state (caller) != WZP_STATE_CONNECTED, WAIT_MS);
  wzp_test_assert_until (test, stats_of (&net, 0).registry.calls == 0, WAIT_MS);
  wzp_party_free (caller);
  net_clear (&net);
}

static void
test_rejected (WzpTest *test, gconstpointer data)
{
  Net net;
  WzpParty *listener, *caller;

  g_test_summary ("The callee at the other relay declines");
  net_init (test, &net, 2, FALSE);
  listener = new_listener (test, net.relays[1], WZP_POLICY_ALL);
  listener->declines = TRUE;
  caller = new_caller (net.relays[0], WZP_POLICY_ALL, "cam1", TRUE);
  wzp_test_assert_until (
      test, wzp_party_state (caller) == WZP_STATE_FAILED, WAIT_MS);
  g_assert_cmpint (wzp_party_error (caller), ==, WZP_ERROR_REJECTED);
  g_assert_cmpuint (stats_of (&net, 0).registry.calls, ==, 0);
  g_assert_cmpuint (stats_of (&net, 1).registry.calls, ==, 0);
  wzp_party_free (caller);
  wzp_party_free (listener);
  net_clear (&net);
}

static void
test_nowhere (WzpTest *test, gconstpointer data)
{
  static const char *const unknown[] = { "nobody",
    "0000:1111:2222:3333:4444:5555:6666:7777" };
  Net net;

  g_test_summary ("No relay has it: said at once when all have answered, by "
                  "name and by fingerprint; and no forward goes round");
  net_init (test, &net, 3, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++) {
    WzpParty *caller =
        new_caller (net.relays[0], WZP_POLICY_ALL, unknown[i], FALSE);

    wzp_test_assert_until (
        test, wzp_party_state (caller) == WZP_STATE_FAILED, WAIT_MS);
    g_assert_cmpint (wzp_party_error (caller), ==, WZP_ERROR_NOT_FOUND);
    wzp_party_free (caller);
  }
  /* A forward back to where it came from would have been counted there. */
  for (guint i = 0; i < net.n; i++) {
    g_assert_cmpuint (stats_of (&net, i).registry.loops, ==, 0);
    g_assert_cmpuint (stats_of (&net, i).registry.calls, ==, 0);
  }
  net_clear (&net);
}

static void
test_third (WzpTest *test, gconstpointer data)
{
  Net net;
  WzpParty *listener, *caller;

  g_test_summary ("Three relays, all linked: the callee at the third, the "
                  "second has neither and keeps nothing of it");
  net_init (test, &net, 3, FALSE);
  listener = new_listener (test, net.relays[2], WZP_POLICY_RELAY);
  caller = new_caller (net.relays[0], WZP_POLICY_RELAY, "cam1", TRUE);
  check_media (test, caller, listener);
  g_assert_cmpuint (stats_of (&net, 1).registry.calls, ==, 0);
  g_assert_cmpuint (stats_of (&net, 1).registry.loops, ==, 0);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (stats_of (&net, 1).links[i].datagrams_received, ==, 0);
  g_assert_cmpuint (stats_of (&net, 0).registry.active_calls, ==, 1);
  g_assert_cmpuint (stats_of (&net, 2).registry.active_calls, ==, 1);
  wzp_party_free (caller);
  wzp_party_free (listener);
  net_clear (&net);
}

static void
test_one_hop (WzpTest *test, gconstpointer data)
{
  Net net;
  WzpParty *listener, *caller, *near;

  g_test_summary ("A chain of three: a forward goes one hop and not two");
  net_init (test, &net, 3, TRUE);
  listener = new_listener (test, net.relays[2], WZP_POLICY_ALL);
  caller = new_caller (net.relays[0], WZP_POLICY_ALL, "cam1", FALSE);
  wzp_test_assert_until (
      test, wzp_party_state (caller) == WZP_STATE_FAILED, WAIT_MS);
  g_assert_cmpint (wzp_party_error (caller), ==, WZP_ERROR_NOT_FOUND);
  wzp_party_free (caller);
  near = new_caller (net.relays[1], WZP_POLICY_ALL, "cam1", TRUE);
  wzp_test_assert_until (
      test, wzp_party_state (near) == WZP_STATE_CONNECTED, WAIT_MS);
  wzp_party_free (near);
  wzp_party_free (listener);
  net_clear (&net);
}

/* The link between the two is taken away, and given back. */
static void
cut_link (WzpTest *test, Net *net)
{
  wzp_test_relay_set_peers (net->relays[0], NULL, 0);
  wzp_test_assert_until (test, count_links (net->relays[1]) == 0, WAIT_MS);
  g_assert_cmpuint (count_links (net->relays[0]), ==, 0);
}

static void
mend_link (WzpTest *test, Net *net)
{
  const guint other = 1;

  link_to (net, 0, &other, 1);
  for (guint i = 0; i < 2; i++)
    wzp_test_assert_until (test, count_links (net->relays[i]) == 1, WAIT_MS);
}

static void
test_break (WzpTest *test, gconstpointer data)
{
  WzpTransportPolicy policy = GPOINTER_TO_INT (data);
  const guint n = 600;
  Net net;
  WzpParty *listener, *caller;
  Stream stream;
  guint before;

  g_test_summary ("The link breaks during a call and returns: what is direct "
                  "does not notice, what is relayed goes on");
  net_init (test, &net, 2, FALSE);
  listener = new_listener (test, net.relays[1], policy);
  caller = new_caller (net.relays[0], policy, "cam1", TRUE);
  stream_begin (&stream, caller, listener, n);
  wzp_test_assert_until (test, stream_frames (&stream) >= 20, WAIT_MS);
  if (policy == WZP_POLICY_ALL)
    wzp_test_assert_until (
        test, wzp_party_path (listener) == WZP_PATH_DIRECT, WAIT_MS);
  cut_link (test, &net);
  before = stream_frames (&stream);
  if (policy == WZP_POLICY_RELAY)
    wzp_test_assert_until (
        test, stats_of (&net, 0).dropped_alone >= 50, WAIT_MS);
  else
    wzp_test_assert_until (
        test, stream_frames (&stream) >= before + 20, WAIT_MS);
  mend_link (test, &net);
  before = stream_frames (&stream);
  wzp_test_assert_until (
      test, stream_frames (&stream) >= MIN (before + 50, n), WAIT_MS);
  stream_end (test, &stream);
  if (policy == WZP_POLICY_ALL)
    g_assert_cmpuint (stream.hole->lost, ==, 0);
  g_test_message ("%u of %u frames came, the longest gap was %" G_GINT64_FORMAT
                  " ms",
      stream.hole->frames, n, stream.hole->max_gap_us / 1000);
  stream_clear (&stream);
  /* The same call, and it still can be hung up. */
  g_assert_cmpuint (
      wzp_party_count (caller, &caller->states[WZP_STATE_CONNECTED]), ==, 1);
  wzp_party_free (caller);
  wzp_test_assert_until (test,
      wzp_party_count (listener, &listener->callers_removed) == 1, WAIT_MS);
  wzp_party_free (listener);
  net_clear (&net);
}

static void
test_hang_up_while_broken (WzpTest *test, gconstpointer data)
{
  Net net;
  WzpParty *listener, *caller;

  g_test_summary ("Hung up while the link is down: the other hears of it when "
                  "it is back");
  net_init (test, &net, 2, FALSE);
  listener = new_listener (test, net.relays[1], WZP_POLICY_RELAY);
  caller = new_caller (net.relays[0], WZP_POLICY_RELAY, "cam1", TRUE);
  check_media (test, caller, listener);
  cut_link (test, &net);
  wzp_party_free (caller);
  wzp_test_assert_until (
      test, stats_of (&net, 0).registry.clients == 0, WAIT_MS);
  g_assert_cmpuint (stats_of (&net, 1).registry.active_calls, ==, 1);
  g_assert_cmpuint (
      wzp_party_count (listener, &listener->callers_removed), ==, 0);
  mend_link (test, &net);
  wzp_test_assert_until (test,
      wzp_party_count (listener, &listener->callers_removed) == 1, WAIT_MS);
  g_assert_cmpuint (stats_of (&net, 1).registry.calls, ==, 0);
  wzp_party_free (listener);
  net_clear (&net);
}

/* Two relays; the first dials the second over a wire that the test holds. */
static WzpTestProxy *
net_init_proxied (WzpTest *test, Net *net, guint loss_per_mille)
{
  WzpRelayPeer peer = { NULL };
  WzpTestProxy *proxy;
  WzpAddr addr;

  net->n = 2;
  for (guint i = 0; i < net->n; i++)
    net->relays[i] = wzp_test_relay_new (0);
  g_assert_true (wzp_addr_parse (
      wzp_test_relay_get_address (net->relays[1]), &addr, NULL));
  proxy = wzp_test_proxy_new (&addr);
  wzp_test_proxy_set_loss (proxy, loss_per_mille);
  peer.fingerprint = wzp_test_relay_get_fingerprint (net->relays[0]);
  wzp_test_relay_set_peers (net->relays[1], &peer, 1);
  peer.fingerprint = wzp_test_relay_get_fingerprint (net->relays[1]);
  peer.address = wzp_test_proxy_get_address (proxy);
  wzp_test_relay_set_peers (net->relays[0], &peer, 1);
  for (guint i = 0; i < net->n; i++)
    wzp_test_assert_until (test, count_links (net->relays[i]) == 1, WAIT_MS);
  return proxy;
}

static void
test_lossy_link (WzpTest *test, gconstpointer data)
{
  Net net;
  WzpTestProxy *proxy = net_init_proxied (test, &net, 20);
  WzpParty *listener, *caller;
  Stream stream;

  g_test_summary ("A link that loses one packet in fifty: the call is set up, "
                  "and what is lost of media is repeated from end to end");
  listener = new_listener (test, net.relays[1], WZP_POLICY_RELAY);
  caller = new_caller (net.relays[0], WZP_POLICY_RELAY, "cam1", TRUE);
  stream_begin (&stream, caller, listener, N_FRAMES);
  stream_end (test, &stream);
  g_assert_cmpuint (stream.hole->frames, >=, N_FRAMES * 9 / 10);
  g_assert_cmpuint (stream.hole->frames + stream.hole->lost, <=, N_FRAMES);
  stream_clear (&stream);
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_proxy_free (proxy);
  net_clear (&net);
}

static void
test_silent_link (WzpTest *test, gconstpointer data)
{
  const guint n = 500;
  Net net;
  WzpTestProxy *proxy = net_init_proxied (test, &net, 0);
  WzpParty *listener, *caller;
  Stream stream;
  guint64 sent;
  guint before;

  g_test_summary ("The link's packets vanish for a while: it is not given up, "
                  "and the call goes on over it");
  listener = new_listener (test, net.relays[1], WZP_POLICY_RELAY);
  caller = new_caller (net.relays[0], WZP_POLICY_RELAY, "cam1", TRUE);
  stream_begin (&stream, caller, listener, n);
  wzp_test_assert_until (test, stream_frames (&stream) >= 50, WAIT_MS);
  wzp_test_proxy_set_blackhole (proxy, TRUE);
  sent = stats_of (&net, 0).links[0].datagrams_sent;
  wzp_test_assert_until (
      test, stats_of (&net, 0).links[0].datagrams_sent >= sent + 100, WAIT_MS);
  wzp_test_proxy_set_blackhole (proxy, FALSE);
  before = stream_frames (&stream);
  wzp_test_assert_until (
      test, stream_frames (&stream) >= MIN (before + 50, n), WAIT_MS);
  stream_end (test, &stream);
  stream_clear (&stream);
  for (guint i = 0; i < net.n; i++)
    g_assert_cmpuint (count_links (net.relays[i]), ==, 1);
  g_assert_cmpuint (
      wzp_party_count (caller, &caller->states[WZP_STATE_CONNECTED]), ==, 1);
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_proxy_free (proxy);
  net_clear (&net);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/federation/direct", NULL, test_direct);
  wzp_test_add ("/federation/relayed/name", NULL, test_relayed);
  wzp_test_add (
      "/federation/relayed/fingerprint", GINT_TO_POINTER (TRUE), test_relayed);
  wzp_test_add ("/federation/rejected", NULL, test_rejected);
  wzp_test_add ("/federation/nowhere", NULL, test_nowhere);
  wzp_test_add ("/federation/third", NULL, test_third);
  wzp_test_add ("/federation/one-hop", NULL, test_one_hop);
  wzp_test_add_full ("/federation/break/direct", 40,
      GINT_TO_POINTER (WZP_POLICY_ALL), test_break);
  wzp_test_add_full ("/federation/break/relayed", 40,
      GINT_TO_POINTER (WZP_POLICY_RELAY), test_break);
  wzp_test_add ("/federation/break/hang-up", NULL, test_hang_up_while_broken);
  wzp_test_add ("/federation/lossy-link", NULL, test_lossy_link);
  wzp_test_add ("/federation/silent-link", NULL, test_silent_link);
  return wzp_test_run ();
}
