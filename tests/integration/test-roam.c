/* Calls whose network changes under them, in namespaces of their own. */
#include "wzp-call.h"
#include "wzp-clock.h"
#include "wzp-party.h"
#include "wzp-test-hosts.h"

#include <string.h>

#define FRAME_SIZE  1000
#define INTERVAL_US 10000
#define N_FRAMES    6000 /* never all of them */

/* The linker puts these in between: candidates that come during a call, and
 * how long the machine has slept. */
static int n_updates;       /* atomic */
static int asleep_s = 1000; /* atomic */

void __real_wzp_call_add_candidates (
    WzpCall *self, const WzpCandidateList *candidates);
void __wrap_wzp_call_add_candidates (
    WzpCall *self, const WzpCandidateList *candidates);
gint64 __wrap_wzp_clock_asleep_us (void);

void
__wrap_wzp_call_add_candidates (
    WzpCall *self, const WzpCandidateList *candidates)
{
  if (candidates->n > 0)
    g_atomic_int_inc (&n_updates);
  __real_wzp_call_add_candidates (self, candidates);
}

gint64
__wrap_wzp_clock_asleep_us (void)
{
  return g_atomic_int_get (&asleep_s) * G_USEC_PER_SEC;
}

static gboolean is_possible;

typedef enum {
  WITH_RELAY,
  DROPS_RELAY, /* no standby beside the direct path */
  BY_APP,      /* no relay at all: the application carries the candidates */
  IS_PATIENT,  /* with a relay; what fails is tried again after a minute */
} Kind;

/* A caller and a listener, each with a host of its own; media both ways. */
typedef struct {
  Kind kind;
  WzpTestRelay *relay;   /* nullable */
  WzpTestHost *hosts[2]; /* of caller, listener */
  WzpParty *parties[2];
  WzpSendFlow *sends[2];
  WzpRecvFlow *recvs[2];
  WzpTestSource *sources[2];
  WzpTestSinkhole *holes[2]; /* what the caller, the listener got */
} Call;

static void
fill_config (Call *call, guint i, WzpNodeConfig *config)
{
  wzp_party_config (config, call->relay);
  config->bind_address = NULL;
  config->retry_backoff_factor = call->kind == IS_PATIENT ? 60 : 0.1;
  config->retry_backoff_max = 60;
  config->drop_relay = call->kind == DROPS_RELAY;
  if (call->kind == BY_APP) {
    config->mode = WZP_MODE_APP;
    return;
  }
  config->relay_trust = WZP_RELAY_TRUST_PIN;
  config->relay_fingerprint = wzp_test_relay_get_fingerprint (call->relay);
  config->mode = i == 0 ? WZP_MODE_CALLER : WZP_MODE_LISTENER;
  if (i == 0)
    config->peer = "cam1";
  else
    config->alias = "cam1";
}

static void
add_party (Call *call, guint i)
{
  WzpNodeConfig config;

  call->hosts[i] = wzp_test_host_new (i + 1);
  fill_config (call, i, &config);
  call->parties[i] =
      wzp_party_new_in (&config, wzp_test_host_get_context (call->hosts[i]));
  call->sends[i] = wzp_node_add_send_flow (
      call->parties[i]->node, "video", NULL, NULL, NULL, NULL);
  call->recvs[i] = wzp_node_add_recv_flow (call->parties[i]->node, NULL, NULL);
  call->holes[i] =
      wzp_test_sinkhole_new (call->recvs[i], FRAME_SIZE, (guint32) (1 - i));
}

static gboolean
both_on (Call *call, WzpPath path)
{
  return wzp_party_path (call->parties[0]) == path &&
      wzp_party_path (call->parties[1]) == path;
}

static guint
frames (Call *call, guint i)
{
  return wzp_test_sinkhole_get (call->holes[i], &call->holes[i]->frames);
}

static void
wait_for_media (WzpTest *test, Call *call, guint more)
{
  guint n[2] = { frames (call, 0), frames (call, 1) };

  wzp_test_assert_until (test,
      frames (call, 0) >= n[0] + more && frames (call, 1) >= n[1] + more,
      15000);
}

static void
forget_gaps (Call *call)
{
  for (guint i = 0; i < 2; i++) {
    g_mutex_lock (&call->holes[i]->lock);
    call->holes[i]->max_gap_us = 0;
    g_mutex_unlock (&call->holes[i]->lock);
  }
}

/* Gives what @from tells to the other. */
static void
carry (WzpTest *test, Call *call, guint from)
{
  WzpDescription *local = NULL;
  g_autoptr (GError) error = NULL;

  wzp_test_assert_until (
      test, (local = wzp_party_dup_local (call->parties[from])) != NULL, 5000);
  g_assert_true (
      wzp_node_set_remote (call->parties[1 - from]->node, local, &error));
  g_assert_no_error (error);
  wzp_description_free (local);
}

static void
connect_parties (WzpTest *test, Call *call)
{
  wzp_party_start (call->parties[1]);
  if (call->kind != BY_APP)
    wzp_test_assert_until (
        test, wzp_party_log_has (call->parties[1], "listening"), 10000);
  wzp_party_start (call->parties[0]);
  if (call->kind == BY_APP) {
    carry (test, call, 0);
    carry (test, call, 1);
  }
}

static gboolean
has_no_relay_link (Call *call)
{
  WzpRelayStats stats;

  wzp_test_relay_get_stats (call->relay, &stats);
  return stats.guests == 0;
}

/* On the direct path, media flowing both ways. */
static void
begin (WzpTest *test, Call *call, Kind kind)
{
  call->kind = kind;
  if (kind != BY_APP)
    call->relay = wzp_test_relay_new_at (WZP_TEST_HUB_ADDRESS, 0);
  add_party (call, 1);
  add_party (call, 0);
  connect_parties (test, call);
  wzp_test_assert_until (test, both_on (call, WZP_PATH_DIRECT), 10000);
  if (kind == DROPS_RELAY)
    wzp_test_assert_until (test, has_no_relay_link (call), 10000);
  for (guint i = 0; i < 2; i++)
    call->sources[i] = wzp_test_source_new (call->sends[i], "x/y", N_FRAMES,
        FRAME_SIZE, INTERVAL_US, (guint32) i, FALSE);
  wait_for_media (test, call, 100);
  g_atomic_int_set (&n_updates, 0);
  forget_gaps (call);
}

static void
print_gaps (Call *call)
{
  for (guint i = 0; i < 2; i++) {
    WzpTestSinkhole *hole = call->holes[i];

    g_mutex_lock (&hole->lock);
    g_test_message ("%s: to the %s: gap %d ms, %" G_GUINT64_FORMAT
                    " of %u frames lost",
        g_test_get_path (), i == 0 ? "caller" : "listener",
        (int) (hole->max_gap_us / 1000), hole->lost, hole->frames);
    g_mutex_unlock (&hole->lock);
  }
}

static void
finish (Call *call)
{
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpuint (
        wzp_test_sinkhole_get (call->holes[i], &call->holes[i]->wrong), ==, 0);
    wzp_send_flow_set_flushing (call->sends[i], TRUE);
    wzp_test_source_join (call->sources[i]);
  }
  for (guint i = 0; i < 2; i++) {
    wzp_test_sinkhole_free (call->holes[i]);
    wzp_send_flow_unref (call->sends[i]);
    wzp_recv_flow_unref (call->recvs[i]);
    wzp_party_free (call->parties[i]);
    wzp_test_host_free (call->hosts[i]);
  }
  g_clear_pointer (&call->relay, wzp_test_relay_free);
}

static gboolean
has_registered (Call *call, guint n)
{
  WzpRelayStats stats;

  wzp_test_relay_get_stats (call->relay, &stats);
  return stats.registry.registered == n && stats.registry.calls_total == 1;
}

/* The call goes on, directly, and nobody called anew. */
static void
assert_healed (WzpTest *test, Call *call)
{
  wzp_test_assert_until (test, both_on (call, WZP_PATH_DIRECT), 20000);
  wait_for_media (test, call, 50);
  print_gaps (call);
  g_assert_true (both_on (call, WZP_PATH_DIRECT));
  if (call->kind != BY_APP)
    wzp_test_assert_until (test, has_registered (call, 2), 10000);
  g_assert_cmpuint (
      wzp_party_count (call->parties[1], &call->parties[1]->callers_removed),
      ==, 0);
}

/* ---- tests ---- */

static gboolean
must_skip (void)
{
  if (!is_possible)
    g_test_skip ("No network namespaces here");
  return !is_possible;
}

static const char *const moves[] = {
  "ip address del 10.1.0.2/24 dev eth; ip address add 10.1.0.3/24 dev eth; "
  "ip route add default via 10.1.0.1",
  "ip address del 10.2.0.2/24 dev eth; ip address add 10.2.0.3/24 dev eth; "
  "ip route add default via 10.2.0.1",
};

typedef struct {
  guint who; /* 0: the caller, which is the Acceptor; 1: the listener */
  Kind kind;
} Move;

/* Another address in the same network. */
static void
test_address (WzpTest *test, gconstpointer data)
{
  const Move *move = data;
  Call call = { 0 };

  if (must_skip ())
    return;
  begin (test, &call, move->kind);
  wzp_test_host_run (call.hosts[move->who], moves[move->who]);
  wzp_test_assert_until (test, g_atomic_int_get (&n_updates) > 0, 10000);
  wait_for_media (test, &call, 20);
  assert_healed (test, &call);
  finish (&call);
}

/* Out of one network, nowhere for a second, then in another one. */
static void
test_network (WzpTest *test, gconstpointer data)
{
  const Move *move = data;
  Call call = { 0 };

  if (must_skip ())
    return;
  begin (test, &call, move->kind);
  wzp_test_host_run (NULL,
      move->who == 0 ? "ip address add 10.3.0.1/24 dev h1"
                     : "ip address add 10.3.0.1/24 dev h2");
  wzp_test_host_run (call.hosts[move->who],
      "ip address flush dev eth; sleep 1; ip address add 10.3.0.7/24 dev eth; "
      "ip route add default via 10.3.0.1");
  wzp_test_assert_until (test, g_atomic_int_get (&n_updates) > 0, 10000);
  wait_for_media (test, &call, 20);
  assert_healed (test, &call);
  finish (&call);
}

/* The same with nothing beside the direct path, and longer than what waits to
 * be sent may queue: the application has to stand still, and must not for good.
 */
static void
test_standstill (WzpTest *test, gconstpointer data)
{
  const Move *move = data;
  Call call = { 0 };

  if (must_skip ())
    return;
  begin (test, &call, move->kind);
  wzp_test_host_run (NULL, "ip address add 10.3.0.1/24 dev h2");
  wzp_test_host_run (call.hosts[1],
      "ip address flush dev eth; sleep 3; ip address add 10.3.0.7/24 dev eth; "
      "ip route add default via 10.3.0.1");
  wait_for_media (test, &call, 20);
  assert_healed (test, &call);
  finish (&call);
}

/* The cable out for a second and in again: the address is the same. */
static void
test_cable (WzpTest *test, gconstpointer data)
{
  const Move *move = data;
  Call call = { 0 };

  if (must_skip ())
    return;
  begin (test, &call, move->kind);
  wzp_test_host_run (NULL,
      move->who == 0 ? "ip link set h1 down; sleep 1; ip link set h1 up"
                     : "ip link set h2 down; sleep 1; ip link set h2 up");
  wait_for_media (test, &call, 20);
  assert_healed (test, &call);
  finish (&call);
}

static char *
dup_nonce (Call *call, guint i)
{
  g_autoptr (WzpDescription) local = wzp_party_dup_local (call->parties[i]);

  return g_strdup (local->nonce);
}

static gboolean
tells (WzpParty *party, const char *ip)
{
  g_autoptr (WzpDescription) local = wzp_party_dup_local (party);

  return local->local != NULL && local->local[0] != NULL &&
      g_str_has_prefix (local->local[0], ip);
}

/* No relay: the application is told, and tells the peer. The keys stay. */
static void
test_app (WzpTest *test, gconstpointer data)
{
  const Move *move = data;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  Call call = { 0 };

  if (must_skip ())
    return;
  begin (test, &call, BY_APP);
  before = dup_nonce (&call, move->who);
  wzp_test_host_run (call.hosts[move->who], moves[move->who]);
  wzp_test_assert_until (test,
      tells (
          call.parties[move->who], move->who == 0 ? "10.1.0.3:" : "10.2.0.3:"),
      10000);
  after = dup_nonce (&call, move->who);
  g_assert_cmpstr (before, ==, after);
  carry (test, &call, move->who);
  wait_for_media (test, &call, 20);
  assert_healed (test, &call);
  finish (&call);
}

/* What the relay sees changes: it is told as one more candidate, and what the
 * roles follow from stays as it was. */
static void
test_app_reflexive (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay;
  WzpTestHost *host;
  WzpNodeConfig config;
  WzpParty *party;
  g_autoptr (WzpDescription) before = NULL;
  g_autoptr (WzpDescription) after = NULL;

  if (must_skip ())
    return;
  relay = wzp_test_relay_new_at (WZP_TEST_HUB_ADDRESS, 0);
  host = wzp_test_host_new (1);
  wzp_party_config (&config, relay);
  config.bind_address = NULL;
  config.mode = WZP_MODE_APP;
  config.no_host_candidates = TRUE;
  config.relay_trust = WZP_RELAY_TRUST_PIN;
  config.relay_fingerprint = wzp_test_relay_get_fingerprint (relay);
  party = wzp_party_new_in (&config, wzp_test_host_get_context (host));
  wzp_party_start (party);
  wzp_test_assert_until (
      test, (before = wzp_party_dup_local (party)) != NULL, 5000);
  g_assert_true (g_str_has_prefix (before->reflexive, "10.1.0.2:"));
  g_assert_null (before->local);

  wzp_test_host_run (host, moves[0]);
  wzp_test_assert_until (test, tells (party, "10.1.0.3:"), 10000);
  after = wzp_party_dup_local (party);
  g_assert_null (after->local[1]);
  g_assert_cmpstr (after->reflexive, ==, before->reflexive);
  g_assert_cmpstr (after->nonce, ==, before->nonce);
  g_assert_cmpmem (after->ephemeral, sizeof after->ephemeral, before->ephemeral,
      sizeof before->ephemeral);
  g_assert_true (wzp_description_check (after, NULL));
  wzp_party_free (party);
  wzp_test_host_free (host);
  wzp_test_relay_free (relay);
}

/* The machine sleeps: what woke it is looked at with the next news. */
static void
sleep_for (Call *call, guint who, int seconds)
{
  g_atomic_int_add (&asleep_s, seconds);
  wzp_test_host_run (call->hosts[who], "ip link set lo mtu 9000");
}

/* Of both sides: the race may have taken more than one. */
static guint
count_changes (Call *call)
{
  return wzp_party_count (call->parties[0], &call->parties[0]->path_changes) +
      wzp_party_count (call->parties[1], &call->parties[1]->path_changes);
}

static void
test_short_sleep (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };
  guint changes;

  if (must_skip ())
    return;
  begin (test, &call, WITH_RELAY);
  changes = count_changes (&call);
  sleep_for (&call, 0, 5);
  wait_for_media (test, &call, 100);
  assert_healed (test, &call);
  g_assert_cmpuint (count_changes (&call), ==, changes);
  finish (&call);
}

/* Longer than the peer waits: it begins anew, at once. */
static void
test_long_sleep (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  if (must_skip ())
    return;
  begin (test, &call, WITH_RELAY);
  sleep_for (&call, 0, 90);
  wzp_test_assert_until (test,
      wzp_party_log_has (call.parties[0], "This machine slept for 90 s"),
      10000);
  wzp_test_assert_until (test,
      wzp_party_count (call.parties[1], &call.parties[1]->callers_added) == 2,
      10000);
  wzp_test_assert_until (test, both_on (&call, WZP_PATH_DIRECT), 10000);
  wait_for_media (test, &call, 20);
  finish (&call);
}

/* The relay's side forgets us, as one does that was restarted elsewhere: what
 * the network's change begins is not waited for. */
static void
test_relay_gone (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  if (must_skip ())
    return;
  begin (test, &call, WITH_RELAY);
  wzp_test_host_run (call.hosts[1], moves[1]);
  wzp_test_relay_drop_clients (call.relay);
  assert_healed (test, &call);
  finish (&call);
}

static gboolean
are_all_back (Call *call)
{
  WzpRelayStats stats;

  wzp_test_relay_get_stats (call->relay, &stats);
  return stats.registry.registered == 2 && stats.guests == 2;
}

/* The relay throws everybody out: what stood is dialled again at once, before
 * any wait, and the call does not notice. */
static void
test_relay_drops (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };
  guint changes;

  if (must_skip ())
    return;
  begin (test, &call, IS_PATIENT);
  wzp_test_assert_until (test, are_all_back (&call), 10000);
  changes = count_changes (&call);
  wzp_test_relay_drop_clients (call.relay);
  wzp_test_assert_until (test, are_all_back (&call), 10000);
  wait_for_media (test, &call, 20);
  assert_healed (test, &call);
  g_assert_cmpuint (count_changes (&call), ==, changes);
  finish (&call);
}

/* Nothing passes to and from the caller any more. Counted: what the listener
 * sends to it, and what it sends to the relay. */
static const char wall[] =
    "nft -f - <<E\n"
    "table ip wall {\n"
    "chain f { type filter hook forward priority 0;\n"
    " ip daddr 10.1.0.0/24 counter drop; ip saddr 10.1.0.0/24 drop; }\n"
    "chain i { type filter hook input priority 0;\n"
    " ip saddr 10.1.0.0/24 drop; ip saddr 10.2.0.0/24 counter; }\n"
    "chain o { type filter hook output priority 0;\n"
    " ip daddr 10.1.0.0/24 drop; }\n"
    "}\nE\n:";

static guint64
count_packets (WzpTest *test, const char *chain)
{
  g_autofree char *path = g_build_filename (test->dir, "count", NULL);
  g_autofree char *words = g_strdup_printf ("nft list chain ip wall %s | "
                                            "grep -o 'packets [0-9]*' >%s",
      chain, path);
  g_autofree char *text = NULL;

  wzp_test_host_run (NULL, words);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return g_ascii_strtoull (text + strlen ("packets "), NULL, 10);
}

static gboolean
has_nft (void)
{
  g_autofree char *path = g_find_program_in_path ("nft");

  return path != NULL;
}

/* The peer falls silent: after 15 s nothing is sent to it any more, on neither
 * path, though there is media to send (RFC 7675). */
static void
test_consent (WzpTest *test, gconstpointer data)
{
  guint64 direct, relay;
  gint64 begin_us, until_us;
  Call call = { 0 };

  if (must_skip ())
    return;
  if (!has_nft ()) {
    g_test_skip ("No nft command here");
    return;
  }
  begin (test, &call, WITH_RELAY);
  wzp_test_host_run (NULL, wall);
  begin_us = wzp_clock_now_us ();
  wzp_test_assert_until (
      test, wzp_party_state (call.parties[1]) == WZP_STATE_DISCONNECTED, 25000);
  g_test_message (
      "given up after %d ms", (int) ((wzp_clock_now_us () - begin_us) / 1000));
  g_assert_cmpint (
      wzp_clock_now_us () - begin_us, >=, WZP_CALL_SILENCE_US - 1000000);
  direct = count_packets (test, "f");
  relay = count_packets (test, "i");
  until_us = wzp_clock_now_us () + 2 * G_USEC_PER_SEC;
  wzp_test_assert_until (test, wzp_clock_now_us () >= until_us, 5000);
  g_test_message ("%" G_GUINT64_FORMAT
                  " packets by the direct path, %" G_GUINT64_FORMAT
                  " to the relay",
      direct, relay);
  g_assert_cmpuint (direct, >, 10);
  g_assert_cmpuint (count_packets (test, "f"), ==, direct);
  /* Signalling stays; media would be 200. */
  g_assert_cmpuint (count_packets (test, "i"), <=, relay + 20);
  wzp_test_host_run (NULL, "nft delete table ip wall");
  finish (&call);
}

static const Move caller = { 0, WITH_RELAY };
static const Move listener = { 1, WITH_RELAY };
static const Move caller_alone = { 0, DROPS_RELAY };
static const Move listener_alone = { 1, DROPS_RELAY };
static const Move first_by_app = { 0, BY_APP };
static const Move second_by_app = { 1, BY_APP };

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  is_possible = wzp_test_hosts_init ();
  wzp_test_add_full ("/roam/address/acceptor", 60, &caller, test_address);
  wzp_test_add_full ("/roam/address/dialer", 60, &listener, test_address);
  wzp_test_add_full (
      "/roam/address/acceptor-alone", 60, &caller_alone, test_address);
  wzp_test_add_full (
      "/roam/address/dialer-alone", 60, &listener_alone, test_address);
  wzp_test_add_full ("/roam/network/acceptor", 60, &caller, test_network);
  wzp_test_add_full ("/roam/network/dialer", 60, &listener, test_network);
  wzp_test_add_full (
      "/roam/network/standstill", 60, &listener_alone, test_standstill);
  wzp_test_add_full ("/roam/cable/acceptor", 60, &caller, test_cable);
  wzp_test_add_full ("/roam/cable/dialer", 60, &listener, test_cable);
  wzp_test_add_full ("/roam/app/first", 60, &first_by_app, test_app);
  wzp_test_add_full ("/roam/app/second", 60, &second_by_app, test_app);
  wzp_test_add ("/roam/app/reflexive", NULL, test_app_reflexive);
  wzp_test_add_full ("/roam/sleep/short", 60, NULL, test_short_sleep);
  wzp_test_add_full ("/roam/sleep/long", 60, NULL, test_long_sleep);
  wzp_test_add_full ("/roam/consent", 60, NULL, test_consent);
  wzp_test_add_full ("/roam/relay-gone", 60, NULL, test_relay_gone);
  wzp_test_add_full ("/roam/relay-drops", 60, NULL, test_relay_drops);
  return wzp_test_run ();
}
