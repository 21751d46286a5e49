#include "wzp-udp.h"

#include "netns.h"
#include "udp-pair.h"
#include "wzp-sockaddr.h"
#include "wzp-test.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Each way to send and receive, for both families. */
typedef struct {
  const char *name;
  const char *addr;
  WzpUdpOptions sender, receiver;
} Way;

static const Way ways[] = {
  { "4/gso/gro", "127.0.0.1:0", { FALSE, FALSE }, { FALSE, FALSE } },
  { "4/gso/single", "127.0.0.1:0", { FALSE, FALSE }, { TRUE, TRUE } },
  { "4/single/gro", "127.0.0.1:0", { TRUE, TRUE }, { FALSE, FALSE } },
  { "4/single/single", "127.0.0.1:0", { TRUE, TRUE }, { TRUE, TRUE } },
  { "6/gso/gro", "[::1]:0", { FALSE, FALSE }, { FALSE, FALSE } },
  { "6/gso/single", "[::1]:0", { FALSE, FALSE }, { TRUE, TRUE } },
  { "6/single/gro", "[::1]:0", { TRUE, TRUE }, { FALSE, FALSE } },
  { "6/single/single", "[::1]:0", { TRUE, TRUE }, { TRUE, TRUE } },
};

/* Bytes in all, bytes of each. */
static const gsize batches[][2] = {
  { 1, 1 },
  { 1, 1200 },
  { 1200, 1200 },
  { 1200, 5000 },
  { 2400, 1200 },
  { 2401, 1200 },
  { 4799, 1200 },
  { 64 * 100, 100 },      /* the most segments that one call takes */
  { 65 * 100, 100 },      /* one more */
  { 130 * 100 + 1, 100 }, /* three calls */
  { 45 * 1452, 1452 },    /* under 65507 bytes */
  { 46 * 1452 + 3, 1452 },
  { 63 * 1056, 1056 }, /* 62 of them are 65472 */
  { 65400, 65400 },    /* one that nearly fills the MTU of loopback */
  { 65535, 1400 },
};

static gboolean
skip_without_ipv6 (const char *addr)
{
  if (addr[0] != '[' || udp_have_ipv6 ())
    return FALSE;
  g_test_skip ("No IPv6 here");
  return TRUE;
}

static void
assert_sent (WzpUdp *from, WzpUdp *to, guint8 ecn, gsize len, gsize segment)
{
  g_autofree guint8 *data = udp_make_data (len);
  gsize sent = 0;

  g_assert_cmpint (wzp_udp_send (from, NULL, wzp_udp_get_local (to), ecn, data,
                       len, segment, &sent),
      ==, WZP_UDP_SENT);
  g_assert_cmpuint (sent, ==, len);
}

static void
check_batch (WzpUdp *from, WzpUdp *to, gsize len, gsize segment, guint8 ecn)
{
  g_autoptr (GArray) datagrams = udp_datagrams_new ();

  assert_sent (from, to, ecn, len, segment);
  udp_receive (to, datagrams, (len + segment - 1) / segment);
  udp_assert_data (datagrams, len, segment);
  for (guint i = 0; i < datagrams->len; i++) {
    const Datagram *datagram = &g_array_index (datagrams, Datagram, i);

    g_assert_cmpuint (datagram->ecn, ==, ecn);
    g_assert_true (wzp_addr_equal (&datagram->local, wzp_udp_get_local (to)));
    g_assert_true (
        wzp_addr_equal (&datagram->remote, wzp_udp_get_local (from)));
  }
}

static void
test_batches (WzpTest *test, gconstpointer data)
{
  const Way *way = data;
  g_autoptr (WzpUdp) from = NULL;
  g_autoptr (WzpUdp) to = NULL;
  WzpUdpStats sent, received;

  g_test_summary ("Batches of every shape come out as the datagrams they are, "
                  "with addresses and ECN");
  if (skip_without_ipv6 (way->addr))
    return;

  from = udp_open (way->addr, &way->sender);
  to = udp_open (way->addr, &way->receiver);
  if (way->sender.no_gso)
    g_assert_false (wzp_udp_has_gso (from));
  if (way->receiver.no_gro)
    g_assert_false (wzp_udp_has_gro (to));

  for (guint i = 0; i < G_N_ELEMENTS (batches); i++)
    check_batch (from, to, batches[i][0], batches[i][1], i % 4);

  wzp_udp_get_stats (from, &sent);
  wzp_udp_get_stats (to, &received);
  g_assert_cmpuint (sent.datagrams_sent, ==, received.datagrams_received);
  g_assert_cmpuint (sent.bytes_sent, ==, received.bytes_received);
  g_assert_cmpuint (sent.send_errors, ==, 0);
  g_assert_cmpuint (received.icmp_errors, ==, 0);
  g_assert_cmpuint (received.datagrams_dropped, ==, 0);
}

static void
test_calls (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpUdp) from = udp_open ("127.0.0.1:0", NULL);
  g_autoptr (WzpUdp) to = udp_open ("127.0.0.1:0", NULL);
  WzpUdpStats stats;

  g_test_summary ("A batch is one system call, and a larger one two, each way");
  if (!wzp_udp_has_gso (from) || !wzp_udp_has_gro (to)) {
    g_test_skip ("No GSO or GRO in this kernel");
    return;
  }

  check_batch (from, to, 40 * 1200, 1200, 0);
  wzp_udp_get_stats (from, &stats);
  g_assert_cmpuint (stats.send_calls, ==, 1);
  g_assert_cmpuint (stats.datagrams_sent, ==, 40);
  wzp_udp_get_stats (to, &stats);
  g_assert_cmpuint (stats.recv_calls, ==, 1);

  check_batch (from, to, 65 * 100, 100, 0);
  wzp_udp_get_stats (from, &stats);
  g_assert_cmpuint (stats.send_calls, ==, 3);
}

static void
test_max_messages (WzpTest *test, gconstpointer data)
{
  const WzpUdpOptions no_gro = { .no_gro = TRUE };
  g_autoptr (WzpUdp) from = udp_open ("127.0.0.1:0", NULL);
  g_autoptr (WzpUdp) to = udp_open ("127.0.0.1:0", &no_gro);
  g_autoptr (GArray) datagrams = udp_datagrams_new ();

  g_test_summary ("No more messages are read than asked for, above and below "
                  "the size of a batch");

  g_assert_cmpuint (wzp_udp_recv (to, 10, udp_append, datagrams), ==, 0);
  for (guint i = 0; i < 50; i++)
    assert_sent (from, to, 0, 10, 10);
  g_assert_cmpuint (wzp_udp_recv (to, 0, udp_append, datagrams), ==, 0);
  g_assert_cmpuint (wzp_udp_recv (to, 3, udp_append, datagrams), ==, 3);
  g_assert_cmpuint (wzp_udp_recv (to, 40, udp_append, datagrams), ==, 40);
  g_assert_cmpuint (wzp_udp_recv (to, 1000, udp_append, datagrams), ==, 7);
  g_assert_cmpuint (wzp_udp_recv (to, 1000, udp_append, datagrams), ==, 0);
}

static void
test_empty_datagram (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpUdp) to = udp_open ("127.0.0.1:0", NULL);
  g_autoptr (WzpUdp) from = udp_open ("127.0.0.1:0", NULL);
  g_autoptr (GArray) datagrams = udp_datagrams_new ();
  const struct sockaddr_in name = {
    .sin_family = AF_INET,
    .sin_port = g_htons (wzp_udp_get_local (to)->port),
    .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK),
  };

  g_test_summary ("A stranger's empty datagram is one datagram");

  g_assert_cmpint (sendto (wzp_udp_get_fd (from), "", 0, 0,
                       (const struct sockaddr *) &name, sizeof name),
      ==, 0);
  udp_receive (to, datagrams, 1);
  g_assert_cmpuint (g_array_index (datagrams, Datagram, 0).len, ==, 0);
}

static void
test_too_big (WzpTest *test, gconstpointer data)
{
  const Way *way = data;
  g_autofree guint8 *bytes = udp_make_data (2 * 65535);
  g_autoptr (WzpUdp) from = NULL;
  g_autoptr (WzpUdp) to = NULL;
  gboolean had_gso;
  WzpUdpStats stats;
  gsize sent = 1;

  g_test_summary ("A datagram above the MTU is dropped and said so, and the "
                  "socket goes on");
  if (skip_without_ipv6 (way->addr))
    return;

  from = udp_open (way->addr, &way->sender);
  to = udp_open (way->addr, &way->receiver);
  had_gso = wzp_udp_has_gso (from);
  g_assert_cmpint (wzp_udp_send (from, NULL, wzp_udp_get_local (to), 0, bytes,
                       65535, 65535, &sent),
      ==, WZP_UDP_TOO_BIG);
  g_assert_cmpuint (sent, ==, 0);
  g_assert_cmpint (wzp_udp_send (from, NULL, wzp_udp_get_local (to), 0, bytes,
                       2 * 65535, 65535, NULL),
      ==, WZP_UDP_TOO_BIG);
  wzp_udp_get_stats (from, &stats);
  g_assert_cmpuint (stats.send_errors, ==, 2);
  g_assert_cmpuint (stats.datagrams_sent, ==, 0);
  g_assert_cmpint (wzp_udp_has_gso (from), ==, had_gso);

  check_batch (from, to, 2500, 1200, 0);
}

static void
send_above_small_mtu (void)
{
  g_autoptr (WzpUdp) from = udp_open ("127.0.0.1:0", NULL);
  g_autoptr (WzpUdp) to = udp_open ("127.0.0.1:0", NULL);
  const gboolean had_gso = wzp_udp_has_gso (from);
  g_autofree guint8 *bytes = udp_make_data (20000);

  netns_set_mtu (1400);
  check_batch (from, to, 20 * 1372, 1372, 0);
  g_assert_cmpint (wzp_udp_send (from, NULL, wzp_udp_get_local (to), 0, bytes,
                       20000, 1373, NULL),
      ==, WZP_UDP_TOO_BIG);
  g_assert_cmpint (wzp_udp_send (from, NULL, wzp_udp_get_local (to), 0, bytes,
                       1373, 1373, NULL),
      ==, WZP_UDP_TOO_BIG);
  g_assert_cmpint (wzp_udp_has_gso (from), ==, had_gso);
  check_batch (from, to, 20 * 1372, 1372, 0);
}

static void
test_small_mtu (WzpTest *test, gconstpointer data)
{
  g_test_summary ("Segments that just fit an MTU of 1400, and one byte more");

  netns_run (send_above_small_mtu);
}

/* SO_NO_CHECK is one of the things that make the kernel refuse GSO. */
static void
test_gso_refused (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpUdp) from = udp_open ("127.0.0.1:0", NULL);
  g_autoptr (WzpUdp) to = udp_open ("127.0.0.1:0", NULL);
  const int on = 1;

  g_test_summary ("When the kernel refuses GSO the batch goes singly");
  if (!wzp_udp_has_gso (from)) {
    g_test_skip ("No GSO in this kernel");
    return;
  }

  g_assert_cmpint (setsockopt (wzp_udp_get_fd (from), SOL_SOCKET, SO_NO_CHECK,
                       &on, sizeof on),
      ==, 0);
  check_batch (from, to, 40 * 1200 + 7, 1200, 2);
  g_assert_false (wzp_udp_has_gso (from));
  check_batch (from, to, 40 * 1200 + 7, 1200, 1);
}

/* Sends one datagram from @local and asserts how that went. */
static void
send_from (
    WzpUdp *udp, const char *local, const WzpAddr *remote, WzpUdpResult wanted)
{
  const WzpAddr addr = udp_addr (local);

  g_assert_cmpint (
      wzp_udp_send (udp, &addr, remote, 0, (const guint8 *) "x", 1, 1, NULL),
      ==, wanted);
}

static void
test_local_address (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpUdp) from = udp_open ("0.0.0.0:0", NULL);
  g_autoptr (WzpUdp) to = udp_open ("0.0.0.0:0", NULL);
  g_autoptr (GArray) datagrams = udp_datagrams_new ();
  WzpAddr remote = udp_addr ("127.0.0.7:0");
  WzpAddr seven = udp_addr ("127.0.0.7:0"), five = udp_addr ("127.0.0.5:0");
  const Datagram *got;

  g_test_summary ("The source address is as asked for, and the address a "
                  "datagram was sent to is told");

  remote.port = wzp_udp_get_local (to)->port;
  send_from (from, "127.0.0.5:0", &remote, WZP_UDP_SENT);
  send_from (from, "0.0.0.0:0", &remote, WZP_UDP_SENT);
  udp_receive (to, datagrams, 2);

  got = &g_array_index (datagrams, Datagram, 0);
  g_assert_true (wzp_addr_equal_ip (&got->remote, &five));
  g_assert_cmpuint (got->remote.port, ==, wzp_udp_get_local (from)->port);
  g_assert_true (wzp_addr_equal_ip (&got->local, &seven));
  g_assert_cmpuint (got->local.port, ==, wzp_udp_get_local (to)->port);
  got = &g_array_index (datagrams, Datagram, 1);
  g_assert_false (wzp_addr_equal_ip (&got->remote, &five));
}

static void
test_local_address_gone (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpUdp) from = udp_open ("0.0.0.0:0", NULL);
  g_autoptr (WzpUdp) to = udp_open ("127.0.0.1:0", NULL);
  const WzpAddr nowhere = udp_addr ("203.0.113.77:0");
  const gboolean had_gso = wzp_udp_has_gso (from);
  g_autofree guint8 *bytes = udp_make_data (3000);
  WzpUdpStats stats;

  g_test_summary ("A source address that is not ours fails, and GSO stays on");

  g_assert_cmpint (wzp_udp_send (from, &nowhere, wzp_udp_get_local (to), 0,
                       bytes, 3000, 1000, NULL),
      ==, WZP_UDP_FAILED);
  g_assert_cmpint (wzp_udp_has_gso (from), ==, had_gso);
  wzp_udp_get_stats (from, &stats);
  g_assert_cmpuint (stats.send_errors, ==, 1);
  check_batch (to, to, 3000, 1000, 0);
}

static void
test_port_zero (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpUdp) from = udp_open ("127.0.0.1:0", NULL);
  const WzpAddr nowhere = udp_addr ("127.0.0.1:0");
  const gboolean had_gso = wzp_udp_has_gso (from);
  g_autofree guint8 *bytes = udp_make_data (3000);

  g_test_summary ("Sending to port 0 fails");

  g_assert_cmpint (
      wzp_udp_send (from, NULL, &nowhere, 0, bytes, 3000, 1000, NULL), ==,
      WZP_UDP_FAILED);
  g_assert_cmpint (wzp_udp_has_gso (from), ==, had_gso);
}

static void
test_nobody_there (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpUdp) from = udp_open ("127.0.0.1:0", NULL);
  g_autoptr (WzpUdp) to = udp_open ("127.0.0.1:0", NULL);
  g_autoptr (GArray) datagrams = udp_datagrams_new ();
  g_autoptr (WzpUdp) gone = udp_open ("127.0.0.1:0", NULL);
  const WzpAddr nobody = *wzp_udp_get_local (gone);

  g_test_summary ("A port nobody listens on costs nothing but the datagram");

  g_clear_pointer (&gone, wzp_udp_free);
  for (guint i = 0; i < 10; i++)
    g_assert_cmpint (
        wzp_udp_send (from, NULL, &nobody, 0, (const guint8 *) "x", 1, 1, NULL),
        ==, WZP_UDP_SENT);
  g_assert_cmpuint (wzp_udp_recv (from, 10, udp_append, datagrams), ==, 0);
  check_batch (from, to, 100, 100, 0);
}

static void
test_port_taken (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpUdp) first = udp_open ("127.0.0.1:0", NULL);
  g_autoptr (GError) error = NULL;
  char text[WZP_ADDR_MAX_STRLEN];

  g_test_summary ("A port that is taken is an error that names it");

  g_assert_null (wzp_udp_new (wzp_udp_get_local (first), NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  wzp_addr_to_string (wzp_udp_get_local (first), text);
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_not_our_address (WzpTest *test, gconstpointer data)
{
  const WzpAddr addr = udp_addr ("203.0.113.77:0");
  g_autoptr (GError) error = NULL;

  g_test_summary ("An address that is not ours is an error that names it");

  g_assert_null (wzp_udp_new (&addr, NULL, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (error->domain, ==, G_IO_ERROR);
  g_assert_nonnull (strstr (error->message, "203.0.113.77:0"));
}

static void
test_same_port_both_families (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpUdp) v6 = NULL;
  g_autoptr (WzpUdp) v4 = NULL;
  WzpAddr addr = udp_addr ("0.0.0.0:0");
  g_autoptr (GError) error = NULL;

  g_test_summary ("The port of an IPv6 socket is free for IPv4");
  if (skip_without_ipv6 ("["))
    return;

  v6 = udp_open ("[::]:0", NULL);
  addr.port = wzp_udp_get_local (v6)->port;
  v4 = wzp_udp_new (&addr, NULL, &error);
  /* Another program may have it: only our own IPv6 socket must not. */
  if (v4 == NULL)
    g_test_skip (error->message);
  else
    g_assert_cmpuint (wzp_udp_get_local (v4)->port, ==, addr.port);
}

static int
get_option (WzpUdp *udp, int level, int option)
{
  int value = -1;
  socklen_t len = sizeof value;

  g_assert_cmpint (
      getsockopt (wzp_udp_get_fd (udp), level, option, &value, &len), ==, 0);
  return value;
}

static void
test_options (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpUdp) v4 = udp_open ("127.0.0.1:0", NULL);
  const int fd = wzp_udp_get_fd (v4);

  g_test_summary ("The socket does not block, is not inherited, never lets a "
                  "packet be fragmented");

  g_assert_true (fcntl (fd, F_GETFL) & O_NONBLOCK);
  g_assert_true (fcntl (fd, F_GETFD) & FD_CLOEXEC);
  g_assert_cmpint (
      get_option (v4, IPPROTO_IP, IP_MTU_DISCOVER), ==, IP_PMTUDISC_PROBE);
  g_assert_cmpint (
      get_option (v4, SOL_SOCKET, SO_RCVBUF), ==, wzp_udp_get_recv_buffer (v4));
  g_assert_cmpuint (wzp_udp_get_recv_buffer (v4), >, 65536);
  g_assert_cmpuint (wzp_udp_get_local (v4)->port, !=, 0);
  g_assert_cmpuint (wzp_udp_get_local (v4)->family, ==, 4);

  if (udp_have_ipv6 ()) {
    g_autoptr (WzpUdp) v6 = udp_open ("[::1]:0", NULL);

    g_assert_cmpint (get_option (v6, IPPROTO_IPV6, IPV6_V6ONLY), ==, 1);
    g_assert_cmpint (get_option (v6, IPPROTO_IPV6, IPV6_MTU_DISCOVER), ==,
        IPV6_PMTUDISC_PROBE);
    g_assert_cmpuint (wzp_udp_get_local (v6)->family, ==, 6);
  }
}

/* A socket that somebody else made, on loopback where it is @bound. */
static int
make_socket (int domain, int type, gboolean bound)
{
  const int fd = socket (domain, type, 0), on = 1;
  WzpAddr addr = udp_addr (domain == AF_INET6 ? "[::1]:0" : "127.0.0.1:0");
  struct sockaddr_storage name;
  socklen_t len = wzp_sockaddr_from_addr (&addr, &name);

  g_assert_cmpint (fd, >=, 0);
  if (domain == AF_INET6)
    g_assert_cmpint (
        setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), ==, 0);
  if (bound)
    g_assert_cmpint (bind (fd, (struct sockaddr *) &name, len), ==, 0);
  return fd;
}

static void
assert_is_closed (int fd)
{
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, -1);
  g_assert_cmpint (errno, ==, EBADF);
}

static void
test_from_fd (WzpTest *test, gconstpointer data)
{
  const char *text = data;
  const int fd =
      make_socket (text[0] == '[' ? AF_INET6 : AF_INET, SOCK_DGRAM, TRUE);
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpUdp) sender = NULL;
  g_autoptr (GArray) got = udp_datagrams_new ();
  g_autofree guint8 *bytes = udp_make_data (5000);
  WzpUdp *udp;

  g_test_summary ("A socket made by somebody else works as an own one");
  udp = wzp_udp_new_from_fd (fd, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (wzp_udp_get_fd (udp), ==, fd);
  g_assert_true (fcntl (fd, F_GETFL) & O_NONBLOCK);
  g_assert_true (fcntl (fd, F_GETFD) & FD_CLOEXEC);
  g_assert_cmpuint (wzp_udp_get_recv_buffer (udp), >, 65536);
  g_assert_cmpuint (wzp_udp_get_local (udp)->port, !=, 0);

  sender = udp_open (text, NULL);
  g_assert_cmpint (wzp_udp_send (sender, NULL, wzp_udp_get_local (udp), 2,
                       bytes, 5000, 1200, NULL),
      ==, WZP_UDP_SENT);
  udp_receive (udp, got, 5);
  udp_assert_data (got, 5000, 1200);
  g_assert_cmpuint (g_array_index (got, Datagram, 0).ecn, ==, 2);
  g_assert_true (wzp_addr_equal (
      &g_array_index (got, Datagram, 0).local, wzp_udp_get_local (udp)));
  wzp_udp_free (udp);
  assert_is_closed (fd);
}

static void
assert_no_use (int fd, const char *why)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (wzp_udp_new_from_fd (fd, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, why));
  if (fd >= 0)
    assert_is_closed (fd);
}

static void
test_from_wrong_fd (WzpTest *test, gconstpointer data)
{
  int fd, pair[2];

  g_test_summary ("What is no bound UDP socket is refused by name, and closed");
  assert_no_use (-1, g_strerror (EBADF));
  g_assert_cmpint (pipe (pair), ==, 0);
  close (pair[1]);
  assert_no_use (pair[0], g_strerror (ENOTSOCK));
  assert_no_use (make_socket (AF_INET, SOCK_STREAM, TRUE), "not a UDP socket");
  assert_no_use (make_socket (AF_INET, SOCK_DGRAM, FALSE), "not bound");
  assert_no_use (socket (AF_UNIX, SOCK_DGRAM, 0), "neither IPv4 nor IPv6");

  fd = make_socket (AF_INET, SOCK_DGRAM, TRUE);
  {
    struct sockaddr_storage name;
    socklen_t len = sizeof name;

    g_assert_cmpint (getsockname (fd, (struct sockaddr *) &name, &len), ==, 0);
    g_assert_cmpint (connect (fd, (struct sockaddr *) &name, len), ==, 0);
  }
  assert_no_use (fd, "connected");
}

static void
test_from_dual_stack_fd (WzpTest *test, gconstpointer data)
{
  const int fd = socket (AF_INET6, SOCK_DGRAM, 0), off = 0;
  struct sockaddr_in6 any = { .sin6_family = AF_INET6 };

  g_test_summary ("A socket for both families at once is refused with the line "
                  "that helps");
  if (skip_without_ipv6 ("[")) {
    if (fd >= 0)
      close (fd);
    return;
  }
  g_assert_cmpint (
      setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), ==, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &any, sizeof any), ==, 0);
  assert_no_use (fd, "BindIPv6Only=ipv6-only");
}

static void
add_for_each_way (const char *name, WzpTestFunc func)
{
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_autofree char *path = g_strdup_printf ("/udp/%s/%s", name, ways[i].name);

    wzp_test_add (path, &ways[i], func);
  }
}

/* The hops that a datagram in the queue of @udp has left; -1: not told. */
static int
receive_hops (WzpUdp *udp)
{
  guint8 data[64], control[256];
  struct iovec iov = { .iov_base = data, .iov_len = sizeof data };
  struct msghdr header = { .msg_iov = &iov,
    .msg_iovlen = 1,
    .msg_control = control,
    .msg_controllen = sizeof control };
  int hops = -1;

  g_assert_cmpint (recvmsg (wzp_udp_get_fd (udp), &header, 0), ==, 5);
  for (struct cmsghdr *cmsg = CMSG_FIRSTHDR (&header); cmsg != NULL;
       cmsg = CMSG_NXTHDR (&header, cmsg))
    if ((cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_TTL) ||
        (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_HOPLIMIT))
      memcpy (&hops, CMSG_DATA (cmsg), sizeof hops);
  return hops;
}

static void
test_ttl (WzpTest *test, gconstpointer data)
{
  const char *addr = data;
  const int on = 1;
  g_autoptr (WzpUdp) from = NULL;
  g_autoptr (WzpUdp) to = NULL;
  WzpUdpStats stats;

  g_test_summary ("One datagram with few hops to live, the next as usual");
  if (skip_without_ipv6 (addr))
    return;
  from = udp_open (addr, NULL);
  to = udp_open (addr, NULL);
  if (addr[0] == '[')
    setsockopt (
        wzp_udp_get_fd (to), IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on);
  else
    setsockopt (wzp_udp_get_fd (to), IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
  g_assert_cmpint (wzp_udp_send_ttl (from, wzp_udp_get_local (to), 3,
                       (const guint8 *) "hello", 5),
      ==, WZP_UDP_SENT);
  g_assert_cmpint (wzp_udp_send (from, NULL, wzp_udp_get_local (to), 0,
                       (const guint8 *) "hello", 5, 5, NULL),
      ==, WZP_UDP_SENT);
  fcntl (wzp_udp_get_fd (to), F_SETFL, 0); /* waits */
  g_assert_cmpint (receive_hops (to), ==, 3);
  g_assert_cmpint (receive_hops (to), >, 3);
  wzp_udp_get_stats (from, &stats);
  g_assert_cmpuint (stats.datagrams_sent, ==, 2);
  g_assert_cmpuint (stats.bytes_sent, ==, 10);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);

  add_for_each_way ("batches", test_batches);
  add_for_each_way ("too-big", test_too_big);
  wzp_test_add ("/udp/calls", NULL, test_calls);
  wzp_test_add ("/udp/max-messages", NULL, test_max_messages);
  wzp_test_add ("/udp/empty-datagram", NULL, test_empty_datagram);
  wzp_test_add ("/udp/small-mtu", NULL, test_small_mtu);
  wzp_test_add ("/udp/gso-refused", NULL, test_gso_refused);
  wzp_test_add ("/udp/local-address", NULL, test_local_address);
  wzp_test_add ("/udp/local-address-gone", NULL, test_local_address_gone);
  wzp_test_add ("/udp/port-zero", NULL, test_port_zero);
  wzp_test_add ("/udp/nobody-there", NULL, test_nobody_there);
  wzp_test_add ("/udp/port-taken", NULL, test_port_taken);
  wzp_test_add ("/udp/not-our-address", NULL, test_not_our_address);
  wzp_test_add (
      "/udp/same-port-both-families", NULL, test_same_port_both_families);
  wzp_test_add ("/udp/options", NULL, test_options);
  wzp_test_add ("/udp/ttl/4", "127.0.0.1:0", test_ttl);
  wzp_test_add ("/udp/ttl/6", "[::1]:0", test_ttl);
  wzp_test_add ("/udp/from-fd-4", "127.0.0.1:0", test_from_fd);
  if (udp_have_ipv6 ())
    wzp_test_add ("/udp/from-fd-6", "[::1]:0", test_from_fd);
  wzp_test_add ("/udp/from-wrong-fd", NULL, test_from_wrong_fd);
  wzp_test_add ("/udp/from-dual-stack-fd", NULL, test_from_dual_stack_fd);

  return wzp_test_run ();
}
