/* Relays and peers that are killed at each stage, and come back. */
#include "wzp-party.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static WzpParty *
new_party (WzpTestRelay *relay, WzpMode mode, WzpTransportPolicy policy)
{
  WzpNodeConfig config;

  wzp_party_config (&config, relay);
  config.mode = mode;
  config.policy = policy;
  config.alias = mode == WZP_MODE_LISTENER ? "cam1" : NULL;
  config.peer = mode == WZP_MODE_CALLER ? "cam1" : NULL;
  config.retry_backoff_factor = 0.1;
  config.retry_backoff_max = 1;
  return wzp_party_new (&config);
}

/* Frames flow from @caller to @listener. */
static void
check_flow (WzpTest *test, WzpParty *caller, WzpParty *listener)
{
  g_autoptr (WzpSendFlow) send =
      wzp_node_add_send_flow (caller->node, "video", NULL, NULL, NULL, NULL);
  g_autoptr (WzpRecvFlow) recv =
      wzp_node_add_recv_flow (listener->node, NULL, NULL);
  WzpTestSinkhole *hole = wzp_test_sinkhole_new (recv, 5000, 0);
  WzpTestSource *source =
      wzp_test_source_new (send, "x/y", 400, 5000, 5000, 0, FALSE);

  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (hole, &hole->frames) >= 30, 15000);
  g_assert_cmpuint (wzp_test_sinkhole_get (hole, &hole->wrong), ==, 0);
  wzp_send_flow_set_flushing (send, TRUE);
  wzp_test_source_join (source);
  wzp_test_sinkhole_free (hole);
  wzp_send_flow_detach (send);
  wzp_recv_flow_detach (recv);
}

static void
test_relay_first_absent (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  guint16 port = wzp_test_relay_get_port (relay);
  WzpParty *listener, *caller;

  g_test_summary ("The relay comes after its clients");
  listener = new_party (relay, WZP_MODE_LISTENER, WZP_POLICY_ALL);
  caller = new_party (relay, WZP_MODE_CALLER, WZP_POLICY_ALL);
  wzp_test_relay_free (relay);
  wzp_party_start (listener);
  wzp_party_start (caller);
  wzp_test_assert_until (
      test, wzp_party_count (caller, &caller->retries) >= 1, 15000);
  relay = wzp_test_relay_new (port);
  wzp_test_assert_until (
      test, wzp_party_state (caller) == WZP_STATE_CONNECTED, 25000);
  check_flow (test, caller, listener);
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
}

static void
test_relay_killed_before_call (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  guint16 port = wzp_test_relay_get_port (relay);
  WzpParty *listener = new_party (relay, WZP_MODE_LISTENER, WZP_POLICY_ALL);
  WzpParty *caller = new_party (relay, WZP_MODE_CALLER, WZP_POLICY_ALL);

  g_test_summary ("Killed after registration and restarted: the listener "
                  "registers again, a call goes through");
  wzp_party_start (listener);
  wzp_test_assert_until (
      test, wzp_party_log_has (listener, "progress listening"), 5000);
  wzp_test_relay_free (relay);
  wzp_test_assert_until (
      test, wzp_party_count (listener, &listener->retries) >= 1, 15000);
  relay = wzp_test_relay_new (port);
  wzp_party_start (caller);
  wzp_test_assert_until (
      test, wzp_party_state (caller) == WZP_STATE_CONNECTED, 25000);
  check_flow (test, caller, listener);
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
}

static void
test_relay_restarted (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  guint16 port = wzp_test_relay_get_port (relay);
  WzpNodeConfig config;
  WzpRelayStats stats = { 0 };
  WzpParty *listener;

  g_test_summary ("Restarted: a listener registers again at once, whatever "
                  "it waits after a failure");
  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_LISTENER;
  config.alias = "cam1";
  config.retry_backoff_factor = config.retry_backoff_max = 600;
  listener = wzp_party_new (&config);
  wzp_party_start (listener);
  wzp_test_assert_until (
      test, wzp_party_log_has (listener, "progress listening"), 5000);
  wzp_test_relay_free (relay);
  relay = wzp_test_relay_new (port);
  wzp_test_assert_until (test,
      (wzp_test_relay_get_stats (relay, &stats),
          stats.registry.registered == 1),
      25000);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
}

static void
test_relay_killed_in_call (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  guint16 port = wzp_test_relay_get_port (relay);
  WzpParty *listener = new_party (relay, WZP_MODE_LISTENER, WZP_POLICY_RELAY);
  WzpParty *caller = new_party (relay, WZP_MODE_CALLER, WZP_POLICY_RELAY);

  g_test_summary (
      "Killed during a relayed call and restarted: the caller calls "
      "again");
  wzp_party_start (listener);
  wzp_party_start (caller);
  wzp_test_assert_until (
      test, wzp_party_state (caller) == WZP_STATE_CONNECTED, 15000);
  check_flow (test, caller, listener);
  wzp_test_relay_free (relay);
  wzp_test_assert_until (
      test, wzp_party_state (caller) != WZP_STATE_CONNECTED, 25000);
  relay = wzp_test_relay_new (port);
  wzp_test_assert_until (test,
      wzp_party_count (caller, &caller->states[WZP_STATE_CONNECTED]) == 2,
      30000);
  check_flow (test, caller, listener);
  wzp_party_free (caller);
  wzp_party_free (listener);
  wzp_test_relay_free (relay);
}

/* The two roles that this program plays in processes of their own, so that they
 * can be killed: test-restart --caller ADDRESS, test-restart --relay. */
static int
run_caller (const char *address)
{
  WzpNodeConfig config;
  WzpParty *caller;
  WzpSendFlow *send;

  wzp_party_config (&config, NULL);
  config.relay = address;
  config.peer = "cam1";
  config.retry_backoff_factor = 0.1;
  caller = wzp_party_new (&config);
  send = wzp_node_add_send_flow (caller->node, "video", NULL, NULL, NULL, NULL);
  wzp_party_start (caller);
  wzp_test_source_join (
      wzp_test_source_new (send, "x/y", G_MAXINT, 300 * 1000, 5000, 0, FALSE));
  return 0;
}

static G_GNUC_NORETURN void
run_relay (void)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);

  printf ("%s\n", wzp_test_relay_get_address (relay));
  fflush (stdout);
  for (;;)
    pause ();
}

static void
die_with_parent (gpointer unused)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GPid
spawn_role (const char *role, const char *argument, int *ret_stdout)
{
  const char *argv[] = { "/proc/self/exe", role, argument, NULL };
  g_autoptr (GError) error = NULL;
  GPid pid;

  g_spawn_async_with_pipes (NULL, (char **) argv, NULL,
      G_SPAWN_DO_NOT_REAP_CHILD, die_with_parent, NULL, &pid, NULL, ret_stdout,
      NULL, &error);
  g_assert_no_error (error);
  return pid;
}

static void
kill_role (GPid pid)
{
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

/* The line that the relay's process prints. */
static void
read_address (int fd, char *address, gsize size)
{
  gsize n = 0;

  while (n + 1 < size && read (fd, address + n, 1) == 1 && address[n] != '\n')
    n++;
  address[n] = '\0';
  g_assert_cmpuint (n, >, 0);
}

static void
test_peer_killed (WzpTest *test, gconstpointer data)
{
  char address[64];
  GPid relay_pid, caller_pid;
  int relay_stdout;
  WzpNodeConfig config;
  WzpParty *listener, *second;
  WzpRecvFlow *recv;
  g_autoptr (WzpSendFlow) send = NULL;
  WzpTestSource *source;
  WzpTestSinkhole *hole;

  g_test_summary ("A peer killed in mid-frame: the listener is told, and the "
                  "next caller, of another key, is let in");
  relay_pid = spawn_role ("--relay", NULL, &relay_stdout);
  read_address (relay_stdout, address, sizeof address);
  caller_pid = spawn_role ("--caller", address, NULL);

  wzp_party_config (&config, NULL);
  config.mode = WZP_MODE_LISTENER;
  config.relay = address;
  config.alias = "cam1";
  listener = wzp_party_new (&config);
  recv = wzp_node_add_recv_flow (listener->node, NULL, NULL);
  hole = wzp_test_sinkhole_new (recv, 300 * 1000, 0);
  wzp_party_start (listener);
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (hole, &hole->frames) >= 5, 15000);
  kill_role (caller_pid);

  wzp_party_config (&config, NULL);
  config.relay = address;
  config.peer = "cam1";
  config.retry_backoff_factor = 0.5;
  config.retry_backoff_max = 1;
  second = wzp_party_new (&config);
  send = wzp_node_add_send_flow (second->node, "video", NULL, NULL, NULL, NULL);
  wzp_party_start (second);
  source =
      wzp_test_source_new (send, "x/y", 100000, 300 * 1000, 5000, 0, FALSE);
  /* What is left of the first caller's frames does not count. */
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (hole, &hole->ended) >= 1, 30000);
  g_mutex_lock (&hole->lock);
  hole->frames = 0;
  hole->last_seed = -1;
  g_mutex_unlock (&hole->lock);
  wzp_test_assert_until (
      test, wzp_test_sinkhole_get (hole, &hole->frames) >= 5, 30000);
  wzp_send_flow_set_flushing (send, TRUE);
  wzp_test_source_join (source);
  wzp_party_free (second);
  g_assert_cmpuint (wzp_test_sinkhole_get (hole, &hole->wrong), ==, 0);
  wzp_test_sinkhole_free (hole);
  wzp_recv_flow_unref (recv);
  wzp_party_free (listener);
  kill_role (relay_pid);
  close (relay_stdout);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--caller") == 0)
    return run_caller (argv[2]);
  if (argc == 2 && strcmp (argv[1], "--relay") == 0)
    run_relay ();
  wzp_test_init (&argc, &argv);
  wzp_test_add_full ("/restart/peer-killed", 60, NULL, test_peer_killed);
  wzp_test_add_full (
      "/restart/relay-first-absent", 60, NULL, test_relay_first_absent);
  wzp_test_add_full ("/restart/relay-killed-before-call", 60, NULL,
      test_relay_killed_before_call);
  wzp_test_add_full (
      "/restart/relay-restarted", 60, NULL, test_relay_restarted);
  wzp_test_add_full (
      "/restart/relay-killed-in-call", 90, NULL, test_relay_killed_in_call);
  return wzp_test_run ();
}
