/* What needs no more than a UDP socket: Initials, handshakes, connections. */
#include "wzp-abuse.h"
#include "wzp-sockaddr.h"

#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define INITIAL_LEN 1200 /* RFC 9000, section 14.1 */

/* ---- sockets ---- */

static int
open_socket (WzpAddr *ret_bound)
{
  struct sockaddr_storage sa;
  socklen_t len;
  WzpAddr addr;
  int fd;

  g_assert_true (wzp_addr_parse_ip (ABUSE_ADDRESS, 0, &addr, NULL));
  len = wzp_sockaddr_from_addr (&addr, &sa);
  fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &sa, len), ==, 0);
  len = sizeof sa;
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &sa, &len), ==, 0);
  wzp_sockaddr_to_addr ((struct sockaddr *) &sa, len, ret_bound);
  return fd;
}

static void
send_to (int fd, const WzpAddr *to, const void *data, gsize len)
{
  struct sockaddr_storage sa;
  socklen_t sa_len = wzp_sockaddr_from_addr (to, &sa);

  /* A full buffer is a packet lost: that is the attacker's loss. */
  (void) !sendto (fd, data, len, 0, (struct sockaddr *) &sa, sa_len);
}

/* A Retry packet (RFC 9000, section 17.2.5): long header, type 3. */
static gboolean
is_retry (const guint8 *data, gssize len)
{
  return len > 0 && (data[0] & 0xf0) == 0xf0;
}

/* ---- Initials ---- */

#define N_INITIALS 2500u
#define N_ROUNDS   4u
#define N_PORTS    250u
#define PACE       10u /* Initials in a millisecond */

/* First packets of as many connections, dialled to where nobody answers;
 * @is_close: those that end them, before anything was answered. */
static GPtrArray *
collect_initials (WzpTest *test, guint n, gboolean is_close)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  const WzpEndpointConfig config = { .bind_address = ABUSE_ADDRESS,
    .accept_none = TRUE };
  g_autoptr (WzpEndpoint) endpoint =
      wzp_endpoint_new (test->context, identity, &config, NULL, NULL, NULL);
  GPtrArray *initials =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  guint8 key[WZP_PUBLIC_KEY_LEN] = { 1 };
  const WzpDialOptions options = { .server_name = WZP_SNI_SIGNAL,
    .expect_key = key };
  WzpAddr addr;
  int fd = open_socket (&addr);

  for (guint i = 0; i < n; i++) {
    g_autoptr (WzpConn) conn =
        wzp_endpoint_dial (endpoint, &addr, &options, NULL, NULL, NULL);
    g_autoptr (GBytes) last = NULL;
    guint8 data[2048];
    gssize len;

    g_assert_nonnull (conn);
    wzp_endpoint_flush (endpoint);
    if (is_close)
      wzp_conn_close (conn, WZP_CLOSE_ABORTED, NULL);
    while ((len = recv (fd, data, sizeof data, 0)) > 0)
      if (len >= INITIAL_LEN && (is_close || last == NULL)) {
        g_clear_pointer (&last, g_bytes_unref);
        last = g_bytes_new (data, (gsize) len);
      }
    g_assert_nonnull (last);
    g_ptr_array_add (initials, g_steal_pointer (&last));
  }
  close (fd);
  return initials;
}

typedef struct {
  guint sent, retries, others;
  guint64 bytes_sent, bytes_back;
} Flood;

static void
read_answers (const int *fds, Flood *flood)
{
  guint8 data[2048];
  gssize len;

  for (guint i = 0; i < N_PORTS; i++)
    while ((len = recv (fds[i], data, sizeof data, 0)) > 0) {
      flood->bytes_back += (guint64) len;
      if (is_retry (data, len))
        flood->retries++;
      else
        flood->others++;
    }
}

static void
flood_initials (const AbuseTarget *target, GPtrArray *initials, Flood *flood)
{
  int fds[N_PORTS];
  WzpAddr addr;

  for (guint i = 0; i < N_PORTS; i++)
    fds[i] = open_socket (&addr);
  for (guint round = 0; round < N_ROUNDS; round++)
    for (guint i = 0; i < initials->len; i++) {
      gsize len;
      const void *data = g_bytes_get_data (initials->pdata[i], &len);

      send_to (fds[(i + round) % N_PORTS], abuse_target_get_addr (target), data,
          len);
      flood->sent++;
      flood->bytes_sent += len;
      if (flood->sent % PACE == 0)
        g_usleep (1000);
      if (flood->sent % (PACE * 20) == 0)
        read_answers (fds, flood);
    }
  g_usleep (100 * 1000);
  read_answers (fds, flood);
  for (guint i = 0; i < N_PORTS; i++)
    close (fds[i]);
}

static void
test_initials (WzpTest *test, gconstpointer data)
{
  gboolean is_close = GPOINTER_TO_INT (data);
  g_autoptr (GPtrArray) initials =
      collect_initials (test, N_INITIALS, is_close);
  g_autofree char *sent = NULL;
  g_autofree char *happened = NULL;
  Flood flood = { 0 };
  AbuseCase abuse;
  double metric;

  abuse_case_begin (&abuse, test,
      is_close ? "Initials that close at once" : "Initial flood", NULL);
  flood_initials (abuse.target, initials, &flood);
  sent = g_strdup_printf (
      "%u Initials from %u ports, 10,000 a second", flood.sent, N_PORTS);
  happened = g_strdup_printf (
      "%u Retry, %u other answers, %.2f bytes back for one sent", flood.retries,
      flood.others, (double) flood.bytes_back / (double) flood.bytes_sent);

  g_test_message ("%s: %s", sent, happened);
  /* The first WZP_ENDPOINT_RETRY_ABOVE get an answer, with its repeats; of the
   * others some are lost on the way. */
  g_assert_cmpuint (flood.retries, >=, flood.sent / 2);
  g_assert_cmpuint (flood.others, <=, WZP_ENDPOINT_RETRY_ABOVE * 20);
  g_assert_cmpuint (flood.bytes_back, <=, flood.bytes_sent);
  metric = abuse_target_get_metric (abuse.target, "connections");
  g_assert_cmpfloat (metric, <=, WZP_ENDPOINT_RETRY_ABOVE + 4);
  metric = abuse_target_get_metric (abuse.target, "handshakes");
  g_assert_cmpfloat (metric, <=, WZP_ENDPOINT_RETRY_ABOVE);
  metric = abuse_target_get_metric (abuse.target, "retries_sent_total");
  if (metric >= 0)
    g_assert_cmpfloat (metric, >=, flood.retries);
  abuse_case_end (&abuse, sent, happened);
}

/* ---- handshakes that are begun and left ---- */

#define N_SLOW 1400u /* more than WZP_ENDPOINT_MAX_HANDSHAKES */

/* Between the attacker and the relay: of what the relay says only Retry gets
 * through, so that the client's address is proved and it then falls silent. */
typedef struct {
  GSource *sources[2]; /* owned */
  int front, back;
  WzpAddr front_addr, client, relay;
  guint n_retries, n_swallowed;
} Wire;

static gboolean
on_front (gint fd, GIOCondition condition, gpointer user_data)
{
  Wire *wire = user_data;
  struct sockaddr_storage sa;
  socklen_t len = sizeof sa;
  guint8 data[2048];
  gssize n;

  while ((n = recvfrom (
              fd, data, sizeof data, 0, (struct sockaddr *) &sa, &len)) > 0) {
    wzp_sockaddr_to_addr ((struct sockaddr *) &sa, len, &wire->client);
    send_to (wire->back, &wire->relay, data, (gsize) n);
    len = sizeof sa;
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_back (gint fd, GIOCondition condition, gpointer user_data)
{
  Wire *wire = user_data;
  guint8 data[2048];
  gssize n;

  while ((n = recv (fd, data, sizeof data, 0)) > 0) {
    if (is_retry (data, n)) {
      wire->n_retries++;
      send_to (wire->front, &wire->client, data, (gsize) n);
    } else {
      wire->n_swallowed++;
    }
  }
  return G_SOURCE_CONTINUE;
}

static GSource *
watch (WzpTest *test, int fd, GUnixFDSourceFunc func, Wire *wire)
{
  GSource *source = g_unix_fd_source_new (fd, G_IO_IN);

  g_source_set_callback (source, G_SOURCE_FUNC (func), wire, NULL);
  g_source_attach (source, test->context);
  return source;
}

static void
wire_init (Wire *wire, WzpTest *test, const AbuseTarget *target)
{
  WzpAddr unused;

  memset (wire, 0, sizeof *wire);
  wire->relay = *abuse_target_get_addr (target);
  wire->front = open_socket (&wire->front_addr);
  wire->back = open_socket (&unused);
  wire->sources[0] = watch (test, wire->front, on_front, wire);
  wire->sources[1] = watch (test, wire->back, on_back, wire);
}

static void
wire_clear (Wire *wire)
{
  for (guint i = 0; i < 2; i++) {
    g_source_destroy (wire->sources[i]);
    g_source_unref (wire->sources[i]);
  }
  close (wire->front);
  close (wire->back);
}

static void
test_slow (WzpTest *test, gconstpointer data)
{
  g_autofree char *sent = NULL;
  g_autofree char *happened = NULL;
  AttackConn *conns[N_SLOW];
  AttackConn *honest;
  Attacker *slow, *other;
  AbuseCase abuse;
  gint64 start_us;
  double pending;
  Wire wire;

  abuse_case_begin (&abuse, test, "slow handshakes", NULL);
  /* What TLS and QUIC keep of each that is not finished is some 60 KiB. */
  abuse.max_growth_mib = WZP_ENDPOINT_MAX_HANDSHAKES * 96 / 1024;
  wire_init (&wire, test, abuse.target);
  slow = attacker_new (test, abuse.target);
  slow->target = wire.front_addr;
  for (guint i = 0; i < N_SLOW; i++) {
    conns[i] = attack_conn_new (slow, WZP_SNI_SIGNAL);
    if (i % 20 == 0)
      attack_run (slow, 10);
  }
  attack_run (slow, 1000);
  pending = abuse_target_get_metric (abuse.target, "handshakes");
  g_assert_cmpfloat (pending, <=, WZP_ENDPOINT_MAX_HANDSHAKES);
  g_assert_cmpuint (wire.n_retries, >, 0);

  /* Somebody from elsewhere still gets in. */
  other = attacker_new (test, abuse.target);
  start_us = g_get_monotonic_time ();
  honest = attack_conn_new (other, WZP_SNI_SIGNAL);
  attack_register (other, honest, NULL);
  sent = g_strdup_printf ("%u handshakes begun and left", N_SLOW);
  happened = g_strdup_printf ("%u Retry, %.0f kept waiting; another client "
                              "registered within %" G_GINT64_FORMAT " ms",
      wire.n_retries, pending, (g_get_monotonic_time () - start_us) / 1000);
  attack_conn_free (honest);
  attacker_free (other);
  abuse_case_end (&abuse, sent, happened);
  for (guint i = 0; i < N_SLOW; i++)
    attack_conn_free (conns[i]);
  attacker_free (slow);
  wire_clear (&wire);
}

/* ---- connections that come and go ---- */

#define N_CHURN 1000u
#define AT_ONCE 16u

static void
test_churn (WzpTest *test, gconstpointer data)
{
  g_autofree char *sent = NULL;
  g_autofree char *happened = NULL;
  AttackConn *conns[AT_ONCE] = { NULL };
  guint begun = 0, done = 0, failed = 0;
  Attacker *attacker;
  AbuseCase abuse;
  double left;

  abuse_case_begin (&abuse, test, "connection churn", NULL);
  attacker = attacker_new (test, abuse.target);
  while (done + failed < N_CHURN) {
    for (guint i = 0; i < AT_ONCE; i++) {
      AttackConn *conn = conns[i];

      if (conn == NULL && begun < N_CHURN) {
        conns[i] = attack_conn_new (attacker, WZP_SNI_SIGNAL);
        begun++;
      } else if (conn != NULL && (conn->is_established || conn->is_closed)) {
        g_autoptr (WzpMessage) message =
            test_peer_register (attacker->peer, NULL);

        /* Gone before the answer. */
        if (conn->is_established)
          done++;
        else
          failed++;
        attack_send (conn, message);
        attack_conn_free (conn);
        conns[i] = NULL;
      }
    }
    g_main_context_iteration (test->context, TRUE);
  }
  attack_run (attacker, 300);
  g_assert_cmpuint (failed, ==, 0);
  left = abuse_target_get_metric (abuse.target, "clients");
  g_assert_cmpfloat (left, <=, 2);
  sent = g_strdup_printf (
      "%u connections of one identity, %u at once, each registered and closed",
      N_CHURN, AT_ONCE);
  happened = g_strdup_printf ("all taken; clients left: %.0f", left);
  attacker_free (attacker);
  abuse_case_end (&abuse, sent, happened);
}

void
abuse_add_handshakes (void)
{
  wzp_test_add ("/abuse/initials/open", NULL, test_initials);
  wzp_test_add ("/abuse/initials/close", GINT_TO_POINTER (TRUE), test_initials);
  wzp_test_add ("/abuse/slow-handshakes", NULL, test_slow);
  wzp_test_add ("/abuse/churn", NULL, test_churn);
}
