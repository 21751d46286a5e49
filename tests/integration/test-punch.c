/* Direct paths that only punches find, over loopback: each side reaches the
 * other by a proxy that the test can cut. */
#include "wzp-clock.h"
#include "wzp-party.h"
#include "wzp-puncher.h"
#include "wzp-test-proxy.h"

#include <gio/gio.h>
#include <string.h>

#define SIZE        2000
#define INTERVAL_US 20000

typedef struct {
  WzpTestRelay *relay;
  WzpParty *dialer, *acceptor;
  WzpTestProxy *to_dialer, *to_acceptor;
  GSocket *nowhere;  /* owned: bound, never read */
  WzpSendFlow *send; /* of the Dialer */
  WzpRecvFlow *recv;
  WzpTestSinkhole *hole;
  WzpTestSource *source;
} Call;

static const WzpFingerprint *
fingerprint_of (const WzpParty *party)
{
  return wzp_identity_get_fingerprint (wzp_node_get_identity (party->node));
}

/* Two nodes; without reflexive addresses the fingerprints give the roles. */
static void
make_parties (Call *call)
{
  WzpNodeConfig config;
  WzpParty *a, *b;

  wzp_party_config (&config, call->relay);
  config.mode = WZP_MODE_APP;
  a = wzp_party_new (&config);
  b = wzp_party_new (&config);
  call->dialer = a;
  call->acceptor = b;
  if (wzp_role_decide (NULL, NULL, fingerprint_of (a), fingerprint_of (b)) ==
      WZP_ROLE_ACCEPTOR) {
    call->dialer = b;
    call->acceptor = a;
  }
  wzp_party_start (a);
  wzp_party_start (b);
}

/* What @party told, with only a proxy to it for an address. */
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
  g_clear_pointer (&local->reflexive, g_free);
  return local;
}

static char *
bind_nowhere (Call *call)
{
  g_autoptr (GSocketAddress) any =
      g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;

  call->nowhere = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM,
      G_SOCKET_PROTOCOL_UDP, NULL);
  g_assert_nonnull (call->nowhere);
  g_assert_true (g_socket_bind (call->nowhere, any, FALSE, NULL));
  bound = g_socket_get_local_address (call->nowhere, NULL);
  return g_strdup_printf ("127.0.0.1:%u",
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
}

static void
begin (WzpTest *test, Call *call, gboolean is_cut, gboolean is_unlisted)
{
  g_autoptr (WzpDescription) of_dialer = NULL;
  g_autoptr (WzpDescription) of_acceptor = NULL;

  call->relay = wzp_test_relay_new (0);
  make_parties (call);
  of_dialer = reroute (test, call->dialer, &call->to_dialer);
  of_acceptor = reroute (test, call->acceptor, &call->to_acceptor);
  wzp_test_proxy_set_blackhole (call->to_dialer, is_cut);
  wzp_test_proxy_set_blackhole (call->to_acceptor, is_cut);
  if (is_unlisted) {
    g_free (of_acceptor->local[0]);
    of_acceptor->local[0] = bind_nowhere (call);
  }
  call->send = wzp_node_add_send_flow (
      call->dialer->node, "video", NULL, NULL, NULL, NULL);
  call->recv = wzp_node_add_recv_flow (call->acceptor->node, NULL, NULL);
  call->hole = wzp_test_sinkhole_new (call->recv, SIZE, 0);
  call->source = wzp_test_source_new (
      call->send, "x/y", 5000, SIZE, INTERVAL_US, 0, FALSE);
  g_assert_true (wzp_node_set_remote (call->dialer->node, of_acceptor, NULL));
  g_assert_true (wzp_node_set_remote (call->acceptor->node, of_dialer, NULL));
}

static void
finish (Call *call)
{
  wzp_send_flow_set_flushing (call->send, TRUE);
  wzp_test_source_join (call->source);
  wzp_test_sinkhole_free (call->hole);
  wzp_send_flow_unref (call->send);
  wzp_recv_flow_unref (call->recv);
  wzp_party_free (call->dialer);
  wzp_party_free (call->acceptor);
  wzp_test_proxy_free (call->to_dialer);
  wzp_test_proxy_free (call->to_acceptor);
  wzp_test_relay_free (call->relay);
  g_clear_object (&call->nowhere);
}

static void
wait_for_path (WzpTest *test, Call *call, WzpPath path)
{
  wzp_test_assert_until (test, wzp_party_path (call->dialer) == path, 15000);
  wzp_test_assert_until (test, wzp_party_path (call->acceptor) == path, 15000);
}

static void
assert_no_loss (WzpTest *test, Call *call)
{
  const guint n = wzp_test_sinkhole_get (call->hole, &call->hole->frames);

  wzp_test_assert_until (test,
      wzp_test_sinkhole_get (call->hole, &call->hole->frames) >= n + 20, 10000);
  g_assert_cmpuint (
      wzp_test_sinkhole_get (call->hole, &call->hole->wrong), ==, 0);
  g_assert_cmpuint (
      wzp_test_sinkhole_get (call->hole, &call->hole->disordered), ==, 0);
}

static void
test_unlisted (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  g_test_summary ("The Dialer is told of no address that works: it dials where "
                  "the Acceptor's punches come from");
  begin (test, &call, FALSE, TRUE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  assert_no_loss (test, &call);
  finish (&call);
}

static void
test_later (WzpTest *test, gconstpointer data)
{
  Call call = { 0 };

  g_test_summary ("Direct becomes possible when the race is long over: a later "
                  "round finds it");
  begin (test, &call, TRUE, FALSE);
  wait_for_path (test, &call, WZP_PATH_RELAY);
  /* The direct attempt has ended. */
  wzp_test_assert_until (
      test, wzp_party_count (call.dialer, &call.dialer->races) >= 2, 10000);
  wzp_test_proxy_set_blackhole (call.to_dialer, FALSE);
  wzp_test_proxy_set_blackhole (call.to_acceptor, FALSE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  assert_no_loss (test, &call);
  g_assert_cmpuint (
      wzp_test_sinkhole_get (call.hole, &call.hole->discont), ==, 1);
  finish (&call);
}

static void
test_strangers (WzpTest *test, gconstpointer data)
{
  static const guint8 junk[] = { 7, 1, 1, 0, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 1,
    0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
  Call call = { 0 };
  WzpNodeStats stats;
  g_autoptr (WzpDescription) local = NULL;
  g_autoptr (GSocketAddress) to = NULL;
  WzpAddr addr;

  g_test_summary ("What looks like a punch, and is of no call, is counted");
  begin (test, &call, FALSE, FALSE);
  wait_for_path (test, &call, WZP_PATH_DIRECT);
  g_free (bind_nowhere (&call));
  local = wzp_party_dup_local (call.acceptor);
  g_assert_true (wzp_addr_parse (local->local[0], &addr, NULL));
  to = g_inet_socket_address_new_from_string ("127.0.0.1", addr.port);
  for (gsize len = 1; len <= sizeof junk; len++)
    g_assert_cmpint (g_socket_send_to (call.nowhere, to, (const char *) junk,
                         len, NULL, NULL),
        ==, (gssize) len);
  wzp_test_assert_until (test,
      (wzp_node_get_stats (call.acceptor->node, &stats),
          stats.bad_packets >= sizeof junk),
      5000);
  assert_no_loss (test, &call);
  finish (&call);
}

/* Packets that have come to the socket; reads them off. */
static guint
count_received (GSocket *socket)
{
  char bytes[2048];
  guint n = 0;

  g_socket_set_blocking (socket, FALSE);
  while (g_socket_receive (socket, bytes, sizeof bytes, NULL, NULL) >= 0)
    n++;
  return n;
}

static void
test_victim (WzpTest *test, gconstpointer data)
{
  Call call = { .relay = wzp_test_relay_new (0) };
  g_autoptr (WzpDescription) of_dialer = NULL;
  g_autoptr (WzpDescription) of_acceptor = NULL;
  g_auto (GStrv) victim = NULL;
  gint64 until_us;
  guint n = 0;

  g_test_summary ("A peer lists somebody else sixteen times: what he gets is "
                  "bounded");
  make_parties (&call);
  of_acceptor = reroute (test, call.acceptor, &call.to_acceptor);
  of_dialer = reroute (test, call.dialer, &call.to_dialer);
  wzp_test_proxy_set_blackhole (call.to_dialer, TRUE);
  victim = g_new0 (char *, WZP_CANDIDATES_MAX + 1);
  victim[0] = bind_nowhere (&call);
  /* By its name, and by others for it: all are the same socket. */
  for (guint i = 1; i < WZP_CANDIDATES_MAX; i++)
    victim[i] = i % 2 == 0 ? g_strdup (victim[0])
                           : g_strdup_printf ("[::ffff:127.0.0.1]:%s",
                                 strrchr (victim[0], ':') + 1);
  g_strfreev (of_dialer->local);
  of_dialer->local = g_steal_pointer (&victim);
  g_assert_true (wzp_node_set_remote (call.acceptor->node, of_dialer, NULL));
  wzp_test_assert_until (test, (n += count_received (call.nowhere)) > 0, 10000);
  until_us = wzp_clock_now_us () + 7 * G_USEC_PER_SEC;
  wzp_test_assert_until (test, wzp_clock_now_us () >= until_us, 9000);
  n += count_received (call.nowhere);
  g_test_message ("%u packets in 7 s", n);
  g_assert_cmpuint (n, <=, WZP_PUNCH_MAX_TO_ADDRESS);
  g_assert_cmpuint (n, <=, 2 * WZP_PUNCHER_TIMES); /* he is one candidate */
  wzp_party_free (call.dialer);
  wzp_party_free (call.acceptor);
  wzp_test_proxy_free (call.to_dialer);
  wzp_test_proxy_free (call.to_acceptor);
  wzp_test_relay_free (call.relay);
  g_clear_object (&call.nowhere);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add_full ("/punch/unlisted", 60, NULL, test_unlisted);
  wzp_test_add_full ("/punch/later", 60, NULL, test_later);
  wzp_test_add_full ("/punch/victim", 60, NULL, test_victim);
  wzp_test_add_full ("/punch/strangers", 60, NULL, test_strangers);
  return wzp_test_run ();
}
