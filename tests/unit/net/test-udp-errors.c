/* What the kernel may say and loopback never does: this program puts its own
 * sendmsg(), sendmmsg() and recvmmsg() in the place of the C library's, which
 * fail as a script says. */
#include "wzp-udp.h"

#include "udp-pair.h"
#include "wzp-test.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_STEPS 8u

/* One call's fate. A script that has ended leaves the calls alone. */
typedef struct {
  int code;    /* errno to fail with, 0: let it through */
  guint limit; /* sendmmsg(): at most so many messages; 0: all */
} Step;

static struct {
  Step steps[MAX_STEPS];
  guint n, next;
  gboolean is_sticky; /* the last step is repeated for ever */
} script;

/* What recvmmsg() writes over the source of each message, when set. */
static const struct sockaddr *forged_source;
static socklen_t forged_len;

static void
play (const Step *steps, guint n, gboolean is_sticky)
{
  g_assert_cmpuint (n, <=, MAX_STEPS);
  for (guint i = 0; i < n; i++)
    script.steps[i] = steps[i];
  script.n = n;
  script.next = 0;
  script.is_sticky = is_sticky;
}

static Step
next_step (void)
{
  if (script.next < script.n)
    return script.steps[script.next++];
  if (script.is_sticky)
    return script.steps[script.n - 1];
  return (Step){ 0 };
}

ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  Step step = next_step ();

  if (step.code != 0) {
    errno = step.code;
    return -1;
  }
  return syscall (SYS_sendmsg, fd, message, flags);
}

int
sendmmsg (int fd, struct mmsghdr *messages, unsigned int n, int flags)
{
  Step step = next_step ();

  if (step.code != 0) {
    errno = step.code;
    return -1;
  }
  if (step.limit != 0)
    n = MIN (n, step.limit);
  return (int) syscall (SYS_sendmmsg, fd, messages, n, flags);
}

int
recvmmsg (int fd, struct mmsghdr *messages, unsigned int n, int flags,
    struct timespec *timeout)
{
  Step step = next_step ();
  int got;

  if (step.code != 0) {
    errno = step.code;
    return -1;
  }
  got = (int) syscall (SYS_recvmmsg, fd, messages, n, flags, timeout);
  if (forged_source != NULL)
    for (int i = 0; i < got; i++) {
      memcpy (messages[i].msg_hdr.msg_name, forged_source, forged_len);
      messages[i].msg_hdr.msg_namelen = forged_len;
    }
  return got;
}

#define PLAY(...)                                                              \
  G_STMT_START                                                                 \
  {                                                                            \
    const Step _steps[] = { __VA_ARGS__ };                                     \
    play (_steps, G_N_ELEMENTS (_steps), FALSE);                               \
  }                                                                            \
  G_STMT_END

#define PLAY_FOR_EVER(...)                                                     \
  G_STMT_START                                                                 \
  {                                                                            \
    const Step _steps[] = { __VA_ARGS__ };                                     \
    play (_steps, G_N_ELEMENTS (_steps), TRUE);                                \
  }                                                                            \
  G_STMT_END

typedef struct {
  WzpUdp *from, *to; /* owned */
  GArray *datagrams; /* owned: what was received */
} Pair;

static void
pair_clear (Pair *pair)
{
  forged_source = NULL;
  play (NULL, 0, FALSE);
  wzp_udp_free (pair->from);
  wzp_udp_free (pair->to);
  g_array_unref (pair->datagrams);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)

static void
pair_init (Pair *pair, gboolean no_gso)
{
  const WzpUdpOptions options = { .no_gso = no_gso };

  pair->from = udp_open ("127.0.0.1:0", &options);
  pair->to = udp_open ("127.0.0.1:0", NULL);
  pair->datagrams = udp_datagrams_new ();
}

/* Sends the pattern's bytes from @offset to @len. */
static WzpUdpResult
send_part (Pair *pair, gsize offset, gsize len, gsize segment, gsize *ret_sent)
{
  g_autofree guint8 *data = udp_make_data (len);

  return wzp_udp_send (pair->from, NULL, wzp_udp_get_local (pair->to), 0,
      data + offset, len - offset, segment, ret_sent);
}

static void
test_blocked_singly (WzpTest *test, gconstpointer data)
{
  g_auto (Pair) pair;
  gsize sent = 0;

  g_test_summary ("Blocked within a batch: what is left can be sent later");

  pair_init (&pair, TRUE);
  PLAY ({ .limit = 3 }, { .limit = 2 }, { .code = EAGAIN });
  g_assert_cmpint (
      send_part (&pair, 0, 10 * 100 + 1, 100, &sent), ==, WZP_UDP_BLOCKED);
  g_assert_cmpuint (sent, ==, 500);
  g_assert_cmpint (
      send_part (&pair, 500, 10 * 100 + 1, 100, &sent), ==, WZP_UDP_SENT);
  g_assert_cmpuint (sent, ==, 501);
  udp_receive (pair.to, pair.datagrams, 11);
  udp_assert_data (pair.datagrams, 1001, 100);
}

static void
test_blocked_between_chunks (WzpTest *test, gconstpointer data)
{
  g_auto (Pair) pair;
  WzpUdpStats stats;
  gsize sent = 0;

  g_test_summary ("Blocked after the first of two GSO batches");

  pair_init (&pair, FALSE);
  if (!wzp_udp_has_gso (pair.from)) {
    g_test_skip ("No GSO in this kernel");
    return;
  }

  PLAY ({ 0 }, { .code = EAGAIN });
  g_assert_cmpint (
      send_part (&pair, 0, 100 * 100, 100, &sent), ==, WZP_UDP_BLOCKED);
  g_assert_cmpuint (sent, ==, 6400);
  wzp_udp_get_stats (pair.from, &stats);
  g_assert_cmpuint (stats.datagrams_sent, ==, 64);
  g_assert_cmpuint (stats.bytes_sent, ==, 6400);
  g_assert_cmpuint (stats.send_errors, ==, 0);

  g_assert_cmpint (
      send_part (&pair, 6400, 100 * 100, 100, &sent), ==, WZP_UDP_SENT);
  udp_receive (pair.to, pair.datagrams, 100);
  udp_assert_data (pair.datagrams, 10000, 100);
}

static void
test_blocked_at_once (WzpTest *test, gconstpointer data)
{
  g_auto (Pair) pair;
  gsize sent = 77;

  g_test_summary ("Blocked before anything went");

  for (guint no_gso = 0; no_gso < 2; no_gso++) {
    g_auto (Pair) each;

    pair_init (&each, no_gso);
    PLAY ({ .code = EAGAIN });
    g_assert_cmpint (
        send_part (&each, 0, 1000, 100, &sent), ==, WZP_UDP_BLOCKED);
    g_assert_cmpuint (sent, ==, 0);
  }
  pair_init (&pair, FALSE);
  PLAY ({ .code = EAGAIN });
  g_assert_cmpint (send_part (&pair, 0, 1000, 100, NULL), ==, WZP_UDP_BLOCKED);
}

static void
test_interrupted (WzpTest *test, gconstpointer data)
{
  g_test_summary ("A signal only repeats the call, both ways");

  for (guint no_gso = 0; no_gso < 2; no_gso++) {
    g_auto (Pair) pair;
    WzpUdpStats stats;

    pair_init (&pair, no_gso);
    PLAY ({ .code = EINTR }, { .code = EINTR });
    g_assert_cmpint (send_part (&pair, 0, 1000, 100, NULL), ==, WZP_UDP_SENT);
    PLAY ({ .code = EINTR });
    udp_receive (pair.to, pair.datagrams, 10);
    udp_assert_data (pair.datagrams, 1000, 100);
    wzp_udp_get_stats (pair.to, &stats);
    g_assert_cmpuint (stats.icmp_errors, ==, 0);
  }
}

static void
test_gso_errors (WzpTest *test, gconstpointer data)
{
  static const int codes[] = { EIO, EINVAL, ENOPROTOOPT };

  g_test_summary ("GSO is turned off where only GSO fails");

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++) {
    g_auto (Pair) pair;

    pair_init (&pair, FALSE);
    if (!wzp_udp_has_gso (pair.from)) {
      g_test_skip ("No GSO in this kernel");
      return;
    }
    PLAY ({ .code = codes[i] });
    g_assert_cmpint (send_part (&pair, 0, 1001, 100, NULL), ==, WZP_UDP_SENT);
    g_assert_false (wzp_udp_has_gso (pair.from));
    udp_receive (pair.to, pair.datagrams, 11);
    udp_assert_data (pair.datagrams, 1001, 100);
  }
}

static void
test_gso_not_at_fault (WzpTest *test, gconstpointer data)
{
  static const struct {
    int gso, single;
    WzpUdpResult result;
  } cases[] = {
    { EINVAL, EMSGSIZE, WZP_UDP_TOO_BIG }, /* a kernel before 6.13 */
    { EINVAL, EINVAL, WZP_UDP_FAILED },
    { EIO, EAGAIN, WZP_UDP_BLOCKED },
    { EIO, ENETUNREACH, WZP_UDP_FAILED },
  };

  g_test_summary ("GSO stays on where the datagrams fail singly too");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Pair) pair;
    gsize sent = 77;

    pair_init (&pair, FALSE);
    if (!wzp_udp_has_gso (pair.from)) {
      g_test_skip ("No GSO in this kernel");
      return;
    }
    PLAY ({ .code = cases[i].gso }, { .code = cases[i].single });
    g_assert_cmpint (
        send_part (&pair, 0, 1000, 100, &sent), ==, cases[i].result);
    g_assert_cmpuint (sent, ==, 0);
    g_assert_true (wzp_udp_has_gso (pair.from));
  }
}

static void
test_gso_refused_then_blocked (WzpTest *test, gconstpointer data)
{
  g_auto (Pair) pair;
  gsize sent = 0;

  g_test_summary ("GSO refused, and the batch blocked when sent singly");

  pair_init (&pair, FALSE);
  if (!wzp_udp_has_gso (pair.from)) {
    g_test_skip ("No GSO in this kernel");
    return;
  }
  PLAY ({ .code = EIO }, { .limit = 4 }, { .code = EAGAIN });
  g_assert_cmpint (send_part (&pair, 0, 1000, 100, &sent), ==, WZP_UDP_BLOCKED);
  g_assert_cmpuint (sent, ==, 400);
  g_assert_false (wzp_udp_has_gso (pair.from));
  g_assert_cmpint (send_part (&pair, 400, 1000, 100, NULL), ==, WZP_UDP_SENT);
  udp_receive (pair.to, pair.datagrams, 10);
  udp_assert_data (pair.datagrams, 1000, 100);
}

static void
test_send_failures (WzpTest *test, gconstpointer data)
{
  static const int codes[] = { ENETUNREACH, EHOSTUNREACH, EPERM, ENOBUFS,
    ENOMEM, ECONNREFUSED, EACCES, EADDRNOTAVAIL, EBADF };

  g_test_summary ("Any other error drops the batch and is counted once");

  for (guint i = 0; i < 2 * G_N_ELEMENTS (codes); i++) {
    g_auto (Pair) pair;
    WzpUdpStats stats;

    pair_init (&pair, i % 2);
    PLAY_FOR_EVER ({ .code = codes[i / 2] });
    g_assert_cmpint (send_part (&pair, 0, 1000, 100, NULL), ==, WZP_UDP_FAILED);
    wzp_udp_get_stats (pair.from, &stats);
    g_assert_cmpuint (stats.send_errors, ==, 1);
    g_assert_cmpuint (stats.datagrams_sent, ==, 0);
  }
}

static void
test_receive_errors (WzpTest *test, gconstpointer data)
{
  g_auto (Pair) pair;
  WzpUdpStats stats;

  g_test_summary ("Errors are passed over to the datagrams behind them");

  pair_init (&pair, FALSE);
  g_assert_cmpint (send_part (&pair, 0, 1000, 100, NULL), ==, WZP_UDP_SENT);
  PLAY ({ .code = ECONNREFUSED }, { .code = EHOSTUNREACH });
  udp_receive (pair.to, pair.datagrams, 10);
  wzp_udp_get_stats (pair.to, &stats);
  g_assert_cmpuint (stats.icmp_errors, ==, 2);
}

static void
test_receive_error_stays (WzpTest *test, gconstpointer data)
{
  g_auto (Pair) pair;
  WzpUdpStats stats;

  g_test_summary ("An error that never goes away does not keep us");

  pair_init (&pair, FALSE);
  PLAY_FOR_EVER ({ .code = EBADF });
  g_assert_cmpuint (
      wzp_udp_recv (pair.to, 64, udp_append, pair.datagrams), ==, 0);
  wzp_udp_get_stats (pair.to, &stats);
  g_assert_cmpuint (stats.icmp_errors, ==, 64);
}

/* Asserts that a datagram from @name is dropped and counted. */
static void
assert_dropped (const void *name, socklen_t len)
{
  g_auto (Pair) pair;
  WzpUdpStats stats;

  pair_init (&pair, FALSE);
  g_assert_cmpint (send_part (&pair, 0, 100, 100, NULL), ==, WZP_UDP_SENT);
  forged_source = name;
  forged_len = len;
  udp_wait (pair.to);
  g_assert_cmpuint (
      wzp_udp_recv (pair.to, 10, udp_append, pair.datagrams), ==, 0);
  wzp_udp_get_stats (pair.to, &stats);
  g_assert_cmpuint (stats.datagrams_dropped, ==, 1);
  g_assert_cmpuint (stats.datagrams_received, ==, 0);

  forged_source = NULL;
  g_assert_cmpint (send_part (&pair, 0, 100, 100, NULL), ==, WZP_UDP_SENT);
  udp_receive (pair.to, pair.datagrams, 1);
}

static void
test_forged_sources (WzpTest *test, gconstpointer data)
{
  const struct sockaddr_in port_zero = { .sin_family = AF_INET,
    .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  const struct sockaddr_in6 other_family = { .sin6_family = AF_INET6,
    .sin6_port = g_htons (1234),
    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  const struct sockaddr none = { .sa_family = AF_UNSPEC };

  g_test_summary ("Datagrams from where no answer can go are dropped");

  assert_dropped (&port_zero, sizeof port_zero);
  assert_dropped (&other_family, sizeof other_family);
  assert_dropped (&none, sizeof none);
  assert_dropped (&none, 0);
}

static void
test_mapped_source (WzpTest *test, gconstpointer data)
{
  struct sockaddr_in6 mapped = { .sin6_family = AF_INET6,
    .sin6_port = g_htons (1234) };
  g_autoptr (WzpUdp) udp = NULL;
  g_autoptr (GArray) datagrams = udp_datagrams_new ();
  WzpUdpStats stats;

  g_test_summary ("An IPv4-mapped source over IPv6 is dropped");
  if (!udp_have_ipv6 ()) {
    g_test_skip ("No IPv6 here");
    return;
  }

  memcpy (&mapped.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
  udp = udp_open ("[::1]:0", NULL);
  g_assert_cmpint (wzp_udp_send (udp, NULL, wzp_udp_get_local (udp), 0,
                       (const guint8 *) "x", 1, 1, NULL),
      ==, WZP_UDP_SENT);
  forged_source = (const struct sockaddr *) &mapped;
  forged_len = sizeof mapped;
  udp_wait (udp);
  g_assert_cmpuint (wzp_udp_recv (udp, 10, udp_append, datagrams), ==, 0);
  forged_source = NULL;
  wzp_udp_get_stats (udp, &stats);
  g_assert_cmpuint (stats.datagrams_dropped, ==, 1);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);

  wzp_test_add ("/udp-errors/blocked-singly", NULL, test_blocked_singly);
  wzp_test_add (
      "/udp-errors/blocked-between-chunks", NULL, test_blocked_between_chunks);
  wzp_test_add ("/udp-errors/blocked-at-once", NULL, test_blocked_at_once);
  wzp_test_add ("/udp-errors/interrupted", NULL, test_interrupted);
  wzp_test_add ("/udp-errors/gso-errors", NULL, test_gso_errors);
  wzp_test_add ("/udp-errors/gso-not-at-fault", NULL, test_gso_not_at_fault);
  wzp_test_add ("/udp-errors/gso-refused-then-blocked", NULL,
      test_gso_refused_then_blocked);
  wzp_test_add ("/udp-errors/send-failures", NULL, test_send_failures);
  wzp_test_add ("/udp-errors/receive-errors", NULL, test_receive_errors);
  wzp_test_add (
      "/udp-errors/receive-error-stays", NULL, test_receive_error_stays);
  wzp_test_add ("/udp-errors/forged-sources", NULL, test_forged_sources);
  wzp_test_add ("/udp-errors/mapped-source", NULL, test_mapped_source);

  return wzp_test_run ();
}
