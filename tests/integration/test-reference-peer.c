/* Calls between two nodes that have in common only some of what ours can, down
 * to nothing at all: what a node does with a reference peer. (A peer that is
 * really of another make: tests/foreign.) */
#include "wzp-message.h"
#include "wzp-party.h"
#include "wzp-test-proxy.h"

#define N_FRAMES    60
#define FRAME_SIZE  9000
#define INTERVAL_US 5000
#define CAPS        "video/x-test, width=(int)320"

/* What both nodes of a test say of themselves; NULL: no wzp object at all. */
static const char *features; /* comma-separated */

void __wrap_wzp_node_fill_features (WzpMessage *message, const char *nat);
gboolean
__wrap_wzp_ephemeral_key_seals (const guint8 public_key[WZP_PUBLIC_KEY_LEN]);

/* Such a peer does not say by its key that it seals. */
gboolean
__wrap_wzp_ephemeral_key_seals (const guint8 public_key[WZP_PUBLIC_KEY_LEN])
{
  return FALSE;
}

void
__wrap_wzp_node_fill_features (WzpMessage *message, const char *nat)
{
  if (features == NULL)
    return;
  message->has_wzp = TRUE;
  message->features = g_strsplit (features, ",", -1);
}

/* While set, direct connections go through a wire that can be cut: each side
 * tells the address of its proxy and nothing else. Session threads. */
static gboolean use_proxies;
static GMutex proxy_lock;
static WzpTestProxy *proxies[2]; /* with the lock */

char **__real_wzp_node_dup_host_candidates (WzpNode *node);
char **__wrap_wzp_node_dup_host_candidates (WzpNode *node);
char *__real_wzp_node_dup_own_reflexive (WzpNode *node);
char *__wrap_wzp_node_dup_own_reflexive (WzpNode *node);

char **
__wrap_wzp_node_dup_host_candidates (WzpNode *node)
{
  char **candidates = __real_wzp_node_dup_host_candidates (node);
  WzpTestProxy *proxy;
  WzpAddr own;

  if (!use_proxies)
    return candidates;
  g_assert_true (wzp_addr_parse (candidates[0], &own, NULL));
  g_strfreev (candidates);
  proxy = wzp_test_proxy_new (&own);
  g_mutex_lock (&proxy_lock);
  g_assert_null (proxies[1]);
  proxies[proxies[0] != NULL] = proxy;
  g_mutex_unlock (&proxy_lock);
  candidates = g_new0 (char *, 2);
  candidates[0] = g_strdup (wzp_test_proxy_get_address (proxy));
  return candidates;
}

char *
__wrap_wzp_node_dup_own_reflexive (WzpNode *node)
{
  return use_proxies ? NULL : __real_wzp_node_dup_own_reflexive (node);
}

typedef struct {
  WzpTestRelay *relay;
  WzpParty *listener, *caller;
} Pair;

static WzpParty *
new_party (WzpTestRelay *relay, WzpMode mode, WzpTransportPolicy policy)
{
  WzpNodeConfig config;

  wzp_party_config (&config, relay);
  config.mode = mode;
  config.policy = policy;
  if (mode == WZP_MODE_LISTENER)
    config.alias = "cam1";
  else
    config.peer = "cam1";
  config.retry_backoff_factor = 0.1;
  return wzp_party_new (&config);
}

static Pair
start_pair (WzpTransportPolicy of_listener, WzpTransportPolicy of_caller)
{
  Pair pair = { .relay = wzp_test_relay_new (0) };

  pair.listener = new_party (pair.relay, WZP_MODE_LISTENER, of_listener);
  pair.caller = new_party (pair.relay, WZP_MODE_CALLER, of_caller);
  wzp_party_start (pair.listener);
  wzp_party_start (pair.caller);
  return pair;
}

static void
free_pair (Pair *pair)
{
  g_clear_pointer (&pair->caller, wzp_party_free);
  g_clear_pointer (&pair->listener, wzp_party_free);
  g_clear_pointer (&pair->relay, wzp_test_relay_free);
}

static gboolean
has (const char *feature)
{
  g_auto (GStrv) list = g_strsplit (features != NULL ? features : "", ",", -1);

  return g_strv_contains ((const char *const *) list, feature);
}

/* Every frame, byte by byte; caps and the end only where they can be told. */
static void
check_media (WzpTest *test, WzpParty *from, WzpParty *to)
{
  gboolean is_described = has ("control");
  g_autoptr (WzpSendFlow) send =
      wzp_node_add_send_flow (from->node, "video", NULL, NULL, NULL, NULL);
  g_autoptr (WzpRecvFlow) recv = wzp_node_add_recv_flow (to->node, NULL, NULL);
  WzpTestSinkhole *sinkhole = wzp_test_sinkhole_new (recv, FRAME_SIZE, 1);
  WzpTestSource *source = wzp_test_source_new (
      send, CAPS, N_FRAMES, FRAME_SIZE, INTERVAL_US, 1, TRUE);

  g_assert_true (wzp_test_source_join (source));
  wzp_test_assert_until (test,
      wzp_test_sinkhole_get (sinkhole, &sinkhole->frames) == N_FRAMES, 5000);
  if (is_described)
    wzp_test_assert_until (
        test, wzp_test_sinkhole_get (sinkhole, &sinkhole->eos) == 1, 5000);
  g_assert_cmpuint (sinkhole->wrong, ==, 0);
  g_assert_cmpuint (sinkhole->disordered, ==, 0);
  g_assert_cmpuint (sinkhole->lost, ==, 0);
  if (!is_described) {
    g_assert_cmpuint (wzp_test_sinkhole_get (sinkhole, &sinkhole->eos), ==, 0);
    g_assert_cmpstr (sinkhole->caps, ==, "");
  }
  wzp_test_sinkhole_free (sinkhole);
  wzp_send_flow_detach (send);
  wzp_recv_flow_detach (recv);
}

static const char *const subsets[] = { NULL, "", "control", "sealed", "flows",
  "control,sealed", "control,flows", "sealed,flows", "control,sealed,flows" };

static void
test_subset (WzpTest *test, gconstpointer data)
{
  const guint n = GPOINTER_TO_UINT (data);
  WzpTransportPolicy policy = n % 2 == 0 ? WZP_POLICY_ALL : WZP_POLICY_RELAY;
  WzpPath path = policy == WZP_POLICY_ALL ? WZP_PATH_DIRECT : WZP_PATH_RELAY;
  Pair pair;

  g_test_summary ("Any set of features makes a call, direct and by the relay; "
                  "what is not sealed there is said");
  features = subsets[n / 2];
  pair = start_pair (policy, policy);
  wzp_test_assert_until (test,
      wzp_party_path (pair.caller) == path &&
          wzp_party_path (pair.listener) == path,
      8000);
  check_media (test, pair.caller, pair.listener);
  check_media (test, pair.listener, pair.caller);
  g_assert_true (
      wzp_party_log_has (pair.caller, "cannot seal") == !has ("sealed"));
  g_assert_true (
      wzp_party_log_has (pair.listener, "cannot seal") == !has ("sealed"));
  g_clear_pointer (&pair.caller, wzp_party_free);
  wzp_test_assert_until (test,
      wzp_party_count (pair.listener, &pair.listener->callers_removed) == 1,
      5000);
  free_pair (&pair);
}

static void
test_one_forbids_direct (WzpTest *test, gconstpointer data)
{
  Pair pair;

  g_test_summary ("One side without a direct path: both on the relay, at once "
                  "when the report comes, not when time is up");
  features = NULL;
  pair = start_pair (WZP_POLICY_RELAY, WZP_POLICY_ALL);
  wzp_test_assert_until (test,
      wzp_party_path (pair.caller) == WZP_PATH_RELAY &&
          wzp_party_path (pair.listener) == WZP_PATH_RELAY,
      2500);
  check_media (test, pair.caller, pair.listener);
  free_pair (&pair);
}

static void
test_hang_up_by_listener (WzpTest *test, gconstpointer data)
{
  Pair pair;

  g_test_summary ("Without BYE the relay's Hangup ends a call");
  features = NULL;
  pair = start_pair (WZP_POLICY_RELAY, WZP_POLICY_RELAY);
  wzp_test_assert_until (
      test, wzp_party_path (pair.caller) == WZP_PATH_RELAY, 8000);
  g_clear_pointer (&pair.listener, wzp_party_free);
  wzp_test_assert_until (
      test, wzp_party_state (pair.caller) == WZP_STATE_DISCONNECTED, 5000);
  g_assert_true (wzp_party_log_has (pair.caller, "The peer ended the call"));
  free_pair (&pair);
}

static void
test_direct_dies (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpSendFlow) send = NULL;
  g_autoptr (WzpRecvFlow) recv = NULL;
  WzpTestSinkhole *sinkhole;
  WzpTestSource *source;
  Pair pair;
  guint n;

  g_test_summary (
      "The direct path goes silent: both go to the relay, for good");
  features = NULL;
  use_proxies = TRUE;
  pair = start_pair (WZP_POLICY_ALL, WZP_POLICY_ALL);
  wzp_test_assert_until (test,
      wzp_party_path (pair.caller) == WZP_PATH_DIRECT &&
          wzp_party_path (pair.listener) == WZP_PATH_DIRECT,
      8000);
  send = wzp_node_add_send_flow (
      pair.caller->node, "video", NULL, NULL, NULL, NULL);
  recv = wzp_node_add_recv_flow (pair.listener->node, NULL, NULL);
  sinkhole = wzp_test_sinkhole_new (recv, FRAME_SIZE, 0);
  source =
      wzp_test_source_new (send, CAPS, 4000, FRAME_SIZE, INTERVAL_US, 0, FALSE);
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (sinkhole, &sinkhole->frames) >= 20, 5000);
  for (guint i = 0; i < G_N_ELEMENTS (proxies); i++)
    wzp_test_proxy_set_blackhole (proxies[i], TRUE);
  wzp_test_assert_until (test,
      wzp_party_path (pair.caller) == WZP_PATH_RELAY &&
          wzp_party_path (pair.listener) == WZP_PATH_RELAY,
      10000);
  n = wzp_test_sinkhole_get (sinkhole, &sinkhole->frames);
  wzp_test_assert_until (test,
      wzp_test_sinkhole_get (sinkhole, &sinkhole->frames) >= n + 50, 5000);
  wzp_send_flow_set_flushing (send, TRUE);
  wzp_test_source_join (source);
  g_assert_cmpuint (wzp_test_sinkhole_get (sinkhole, &sinkhole->wrong), ==, 0);
  wzp_test_sinkhole_free (sinkhole);
  free_pair (&pair);
  use_proxies = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (proxies); i++)
    g_clear_pointer (&proxies[i], wzp_test_proxy_free);
}

static void
test_relay_killed (WzpTest *test, gconstpointer data)
{
  Pair pair;

  g_test_summary (
      "The relay dies under a plain call that is direct: it goes on");
  features = NULL;
  pair = start_pair (WZP_POLICY_ALL, WZP_POLICY_ALL);
  wzp_test_assert_until (test,
      wzp_party_path (pair.caller) == WZP_PATH_DIRECT &&
          wzp_party_path (pair.listener) == WZP_PATH_DIRECT,
      8000);
  g_clear_pointer (&pair.relay, wzp_test_relay_free);
  check_media (test, pair.caller, pair.listener);
  g_assert_cmpint (wzp_party_path (pair.caller), ==, WZP_PATH_DIRECT);
  free_pair (&pair);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (subsets); i++) {
    g_autofree char *path = g_strdup_printf ("/reference-peer/%s/%s",
        subsets[i / 2] == NULL        ? "no-object"
            : *subsets[i / 2] == '\0' ? "no-features"
                                      : subsets[i / 2],
        i % 2 == 0 ? "direct" : "relay");

    wzp_test_add (path, GUINT_TO_POINTER (i), test_subset);
  }
  wzp_test_add (
      "/reference-peer/one-forbids-direct", NULL, test_one_forbids_direct);
  wzp_test_add (
      "/reference-peer/hang-up-by-listener", NULL, test_hang_up_by_listener);
  wzp_test_add ("/reference-peer/direct-dies", NULL, test_direct_dies);
  wzp_test_add ("/reference-peer/relay-killed", NULL, test_relay_killed);
  return wzp_test_run ();
}
