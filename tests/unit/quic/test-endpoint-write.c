/* What becomes of a batch that the socket does not take: the program is linked
 * with --wrap=wzp_udp_send. */
#include "quic-peer.h"

#include <string.h>

#define WAIT_MS 15000

WzpUdpResult
__real_wzp_udp_send (WzpUdp *self, const WzpAddr *local, const WzpAddr *remote,
    guint8 ecn, const guint8 *data, gsize len, gsize segment, gsize *ret_sent);
WzpUdpResult
__wrap_wzp_udp_send (WzpUdp *self, const WzpAddr *local, const WzpAddr *remote,
    guint8 ecn, const guint8 *data, gsize len, gsize segment, gsize *ret_sent);

/* How the socket misbehaves; percent. */
static struct {
  GRand *rand;
  int blocked, failed;
  gsize mtu; /* larger ones are too big; 0: none is */
  guint n_blocked, n_partial, n_too_big;
} fake;

WzpUdpResult
__wrap_wzp_udp_send (WzpUdp *self, const WzpAddr *local, const WzpAddr *remote,
    guint8 ecn, const guint8 *data, gsize len, gsize segment, gsize *ret_sent)
{
  int dice =
      fake.rand != NULL ? g_rand_int_range (fake.rand, 0, 100) : G_MAXINT;

  if (fake.mtu > 0 && segment > fake.mtu) {
    fake.n_too_big++;
    return WZP_UDP_TOO_BIG;
  }
  if (dice < fake.failed)
    return WZP_UDP_FAILED;
  if (dice < fake.failed + fake.blocked) {
    gsize part = len > segment
        ? segment * g_rand_int_range (fake.rand, 0, (len - 1) / segment + 1)
        : 0;

    fake.n_blocked++;
    if (part > 0) {
      fake.n_partial++;
      g_assert_cmpint (__real_wzp_udp_send (
                           self, local, remote, ecn, data, part, segment, NULL),
          ==, WZP_UDP_SENT);
    }
    if (ret_sent != NULL)
      *ret_sent = part;
    return WZP_UDP_BLOCKED;
  }
  return __real_wzp_udp_send (
      self, local, remote, ecn, data, len, segment, ret_sent);
}

static void
behave (void)
{
  g_clear_pointer (&fake.rand, g_rand_free);
  memset (&fake, 0, sizeof fake);
}

static void
connect_pair (WzpTest *test, Peer *client, Peer *server, PeerConn **ret_out,
    PeerConn **ret_in)
{
  *ret_out = peer_dial (client, server);
  wzp_test_assert_until (test,
      (*ret_out)->n_established == 1 && peer_accepted (server, 0) != NULL,
      WAIT_MS);
  *ret_in = peer_accepted (server, 0);
}

static void
test_blocked (WzpTest *test, gconstpointer data)
{
  const WzpEndpointConfig config = { .max_udp_payload = 1452 };
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, &config);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, &config);
  PeerConn *out, *in, *second;
  WzpConnInfo info;

  g_test_summary ("A socket that takes some of a batch, and then again none");

  fake.rand = wzp_test_rand_new ();
  fake.blocked = 40;
  connect_pair (test, client, server, &out, &in);
  second = peer_dial (client, server);
  wzp_conn_set_max_in_flight (out->conn, 200000);
  peer_conn_offer (out, 2000, 1000);
  peer_conn_send_stream (out, "beside it");
  wzp_test_assert_until (test,
      (wzp_conn_get_info (out->conn, &info),
          in->n_datagrams + info.datagrams_lost >= 2000 && in->n_fins == 1),
      WAIT_MS);
  wzp_test_assert_until (test, second->n_established == 1, WAIT_MS);
  /* Nothing was skipped or said twice: all of it came. */
  g_assert_cmpuint (info.datagrams_sent, ==, 2000);
  g_assert_cmpuint (info.datagrams_lost, <, 40);
  g_assert_cmpuint (fake.n_blocked, >, 0);
  g_assert_cmpuint (fake.n_partial, >, 0);
  behave ();
}

static void
test_failing (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  PeerConn *out, *in;

  g_test_summary ("Errors of the socket are losses");

  fake.rand = wzp_test_rand_new ();
  fake.failed = 20;
  connect_pair (test, client, server, &out, &in);
  for (guint i = 0; i < 50; i++)
    peer_conn_send_stream (out, "abc");
  wzp_test_assert_until (test, in->n_fins == 50, WAIT_MS);
  behave ();
}

static void
test_too_big (WzpTest *test, gconstpointer data)
{
  g_autoptr (Peer) server = peer_new (test->context, 4, NULL, NULL);
  g_autoptr (Peer) client = peer_new (test->context, 4, NULL, NULL);
  PeerConn *out, *in;

  g_test_summary ("Probes that the kernel refuses do no harm; when the link "
                  "shrinks later, packets shrink, too");

  fake.mtu = 1460;
  connect_pair (test, client, server, &out, &in);
  wzp_test_assert_until (
      test, wzp_conn_get_max_datagram (out->conn) > 1400, WAIT_MS);
  peer_conn_offer (out, 100, 0);
  wzp_test_assert_until (test, in->n_datagrams == 100, WAIT_MS);
  g_assert_cmpuint (wzp_conn_get_max_datagram (out->conn), <=, 1460);

  fake.mtu = 1300;
  peer_conn_offer (out, 1000, 0);
  wzp_test_assert_until (test, in->n_datagrams >= 900, WAIT_MS);
  g_assert_cmpuint (wzp_conn_get_max_datagram (out->conn), ==, 1168);
  g_assert_cmpuint (fake.n_too_big, >, 0);
  behave ();
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/endpoint-write/blocked", NULL, test_blocked);
  wzp_test_add ("/endpoint-write/failing", NULL, test_failing);
  wzp_test_add ("/endpoint-write/too-big", NULL, test_too_big);
  return wzp_test_run ();
}
