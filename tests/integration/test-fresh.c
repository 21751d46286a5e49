/* What the same sockets again do not heal: fresh sockets, in namespaces. */
#include "wzp-clock.h"
#include "wzp-party.h"
#include "wzp-test-hosts.h"

#define FRAME_SIZE  1000
#define INTERVAL_US 10000
#define N_FRAMES    6000 /* never all of them */

#define PORT_TEXT "5000"
#define PORT      5000

static gboolean is_possible;

/* A caller and a listener, each with a host of its own. */
typedef struct {
  WzpTestRelay *relay;
  WzpTestHost *hosts[2];
  WzpParty *parties[2];
  WzpSendFlow *send;
  WzpRecvFlow *recv;
  WzpTestSource *source;
  WzpTestSinkhole *hole;
} Call;

/* Packets between the two ports of the call, as if a router had got something
 * wrong about them. */
static const char ports_lost[] =
    "nft -f - <<E\n"
    "table ip wall {\n"
    "chain f { type filter hook forward priority 0;\n"
    " udp sport " PORT_TEXT " udp dport " PORT_TEXT " drop; }\n"
    "}\nE\n:";

/* All between the two. */
static const char all_lost[] =
    "nft -f - <<E\n"
    "table ip wall {\n"
    "chain f { type filter hook forward priority 0; meta l4proto udp drop; }\n"
    "}\nE\n:";

static gboolean
must_skip (void)
{
  g_autofree char *nft = g_find_program_in_path ("nft");

  if (is_possible && nft != NULL)
    return FALSE;
  g_test_skip ("No network namespaces, or no nft command, here");
  return TRUE;
}

static void
add_party (Call *call, guint i)
{
  WzpNodeConfig config;

  call->hosts[i] = wzp_test_host_new (i + 1);
  wzp_party_config (&config, call->relay);
  config.bind_address = i == 0 ? "10.1.0.2" : "10.2.0.2";
  config.bind_port = PORT;
  config.relay_trust = WZP_RELAY_TRUST_PIN;
  config.relay_fingerprint = wzp_test_relay_get_fingerprint (call->relay);
  config.mode = i == 0 ? WZP_MODE_CALLER : WZP_MODE_LISTENER;
  if (i == 0)
    config.peer = "cam1";
  else
    config.alias = "cam1";
  call->parties[i] =
      wzp_party_new_in (&config, wzp_test_host_get_context (call->hosts[i]));
}

static gboolean
both_on (Call *call, WzpPath path)
{
  return wzp_party_path (call->parties[0]) == path &&
      wzp_party_path (call->parties[1]) == path;
}

/* What the party's call says of its role. */
static char *
dup_role (Call *call, guint i)
{
  g_autofree WzpNodeStats *stats = g_new0 (WzpNodeStats, 1);

  wzp_node_get_stats (call->parties[i]->node, stats);
  g_assert_cmpuint (stats->n_calls, ==, 1);
  return g_strdup (stats->calls[0].role);
}

/* They are those that were agreed on at the beginning, and opposite. */
static void
assert_roles (Call *call, const char *of_caller)
{
  g_autofree char *first = dup_role (call, 0);
  g_autofree char *second = dup_role (call, 1);

  g_assert_cmpstr (first, ==, of_caller);
  g_assert_cmpstr (first, !=, second);
}

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
begin (WzpTest *test, Call *call, const char *wall)
{
  call->relay = wzp_test_relay_new_at (WZP_TEST_HUB_ADDRESS, 0);
  add_party (call, 1);
  add_party (call, 0);
  wzp_test_host_run (NULL, wall);
  call->send = wzp_node_add_send_flow (
      call->parties[0]->node, "video", NULL, NULL, NULL, NULL);
  call->recv = wzp_node_add_recv_flow (call->parties[1]->node, NULL, NULL);
  call->hole = wzp_test_sinkhole_new (call->recv, FRAME_SIZE, 0);
  call->source = wzp_test_source_new (
      call->send, "x/y", N_FRAMES, FRAME_SIZE, INTERVAL_US, 0, FALSE);
  wzp_party_start (call->parties[1]);
  wzp_test_assert_until (
      test, wzp_party_log_has (call->parties[1], "listening"), 10000);
  wzp_party_start (call->parties[0]);
  wzp_test_assert_until (test, both_on (call, WZP_PATH_RELAY), 10000);
}

static void
finish (Call *call)
{
  wzp_send_flow_set_flushing (call->send, TRUE);
  wzp_test_source_join (call->source);
  wzp_test_sinkhole_free (call->hole);
  wzp_send_flow_unref (call->send);
  wzp_recv_flow_unref (call->recv);
  for (guint i = 0; i < 2; i++) {
    wzp_party_free (call->parties[i]);
    wzp_test_host_free (call->hosts[i]);
  }
  wzp_test_relay_free (call->relay);
  wzp_test_host_run (NULL, "nft delete table ip wall");
}

static guint
frames (Call *call)
{
  return wzp_test_sinkhole_get (call->hole, &call->hole->frames);
}

static void
test_heals (WzpTest *test, gconstpointer data)
{
  const guint fds = count_fds ();
  g_autofree char *role = NULL;
  Call call = { 0 };
  guint n;

  g_test_summary ("A router has lost the ports of a call: direct by others, "
                  "and nothing of them is left");
  if (must_skip ())
    return;
  begin (test, &call, ports_lost);
  role = dup_role (&call, 0);
  assert_roles (&call, role);
  wzp_test_assert_until (test, both_on (&call, WZP_PATH_DIRECT), 25000);
  /* The address that was told on the way changes nothing of that. */
  assert_roles (&call, role);
  n = frames (&call);
  wzp_test_assert_until (test, frames (&call) >= n + 100, 10000);
  g_assert_cmpuint (
      wzp_test_sinkhole_get (call.hole, &call.hole->wrong), ==, 0);
  g_assert_cmpuint (
      wzp_test_sinkhole_get (call.hole, &call.hole->disordered), ==, 0);
  finish (&call);
  g_assert_cmpuint (count_fds (), ==, fds);
}

static void
test_closed (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };
  guint fds;

  g_test_summary ("One that did not help is closed");
  if (must_skip ())
    return;
  begin (test, &call, all_lost);
  fds = count_fds ();
  wzp_test_assert_until (test, count_fds () > fds, 15000);
  wzp_test_assert_until (test, count_fds () == fds, 20000);
  g_assert_true (both_on (&call, WZP_PATH_RELAY));
  finish (&call);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  is_possible = wzp_test_hosts_init ();
  wzp_test_add_full ("/fresh/heals", 60, NULL, test_heals);
  wzp_test_add_full ("/fresh/closed", 60, NULL, test_closed);
  return wzp_test_run ();
}
