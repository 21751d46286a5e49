/* The running program: reload, drain, what it tells the service manager, and
 * the sockets that it is given. */
#include "relay-test-program.h"
#include "wzp-relay-http.h"

#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define LISTEN "[relay]\nlisten=127.0.0.1\nport=0\nkey-file=relay.key\n"

static char *
config_path (WzpTest *test)
{
  return g_build_filename (test->dir, "relay.conf", NULL);
}

static void
write_config (WzpTest *test, const char *text)
{
  g_autofree char *path = config_path (test);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static TestProgram *
start (WzpTest *test, const char *text)
{
  g_autofree char *path = config_path (test);
  g_autofree char *options = g_strdup_printf ("--config %s", path);
  TestProgram *program;

  write_config (test, text);
  program = test_program_new (options);
  test_program_wait_ready (program);
  return program;
}

/* Reloads with a new text and waits for what the log says to it. */
static char *
reload (WzpTest *test, TestProgram *program, const char *text)
{
  write_config (test, text);
  test_program_signal (program, SIGHUP);
  return test_program_expect_log (program, "the configuration ");
}

/* ---- a call that must not notice ---- */

typedef struct {
  TestNode *a, *b;
  TestConn *ra, *rb;
  guint n_sent;
} Call;

static void
call_start (Call *call, WzpTest *test, TestProgram *program)
{
  call->a = test_program_add_node (program, test, 1, "anna");
  call->b = test_program_add_node (program, test, 2, "bert");
  test_node_call (call->a, call->b, "c1");
  call->ra = test_conn_new (call->a, NULL, "call-c1");
  call->rb = test_conn_new (call->b, NULL, "call-c1");
  test_conn_wait (call->ra);
  test_conn_wait (call->rb);
}

/* Media passes. The first may come before the relay knows both. */
static void
call_use (Call *call)
{
  const guint8 datagram[64] = { 0x80 };
  const guint before = call->rb->datagrams->len;

  while (call->rb->datagrams->len == before) {
    WzpTestWait *wait = wzp_test_wait_new (call->a->test->context, 5000);

    g_assert_true (test_conn_send (call->ra, datagram, sizeof datagram));
    g_assert_true (wzp_test_wait_step (wait));
    wzp_test_wait_free (wait);
    g_assert_cmpuint (++call->n_sent, <, 10000);
  }
  g_assert_false (call->ra->is_closed || call->rb->is_closed);
  g_assert_cmpuint (call->a->n_failed + call->b->n_failed, ==, 0);
}

static void
call_hang_up (Call *call)
{
  test_node_send (call->a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_node_expect_hangup (call->b, "c1", WZP_HANGUP_NORMAL, NULL);
}

static void
call_free (Call *call)
{
  test_conn_free (call->ra);
  test_conn_free (call->rb);
  test_node_free (call->a);
  test_node_free (call->b);
}

static void
test_reload_keeps_call (WzpTest *test, gconstpointer data)
{
  TestProgram *program = start (test, LISTEN);
  Call call = { NULL };

  call_start (&call, test, program);
  call_use (&call);
  for (guint i = 0; i < 5; i++) {
    g_autofree char *text = g_strdup_printf (LISTEN
        "[limits]\nclients=%u\n[quota address]\nconnections=%u\n",
        1 + i, 1 + i);
    g_autofree char *said = reload (test, program, text);

    g_assert_nonnull (strstr (said, " was read anew: "));
    call_use (&call);
  }
  call_hang_up (&call);
  call_free (&call);
  test_program_signal (program, SIGTERM);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

/* A client that is not let in. */
static void
assert_refused (WzpTest *test, TestProgram *program, guint index)
{
  TestNode *node = test_node_new (test, NULL, index);

  node->relay = g_strdup (program->address);
  node->config.relay = node->relay;
  node->config.trust = WZP_RELAY_TRUST_PIN;
  node->config.relay_fingerprint = program->fingerprint;
  test_node_start (node, NULL);
  wzp_test_assert_until (test, node->n_failed > 0, 5000);
  g_assert_cmpuint (node->n_ready, ==, 0);
  test_node_free (node);
}

static void
test_reload_takes (WzpTest *test, gconstpointer data)
{
  TestProgram *program = start (test, LISTEN);
  TestNode *a = test_program_add_node (program, test, 1, "anna");
  g_autofree char *said = NULL;
  g_autofree char *again = NULL;

  g_test_summary ("Who may not use it any more stays, and cannot come");

  said = reload (test, program,
      LISTEN "[access]\nmode=allow-list\n"
             "allow=aaaa:0000:0000:0000:0000:0000:0000:0001\n");
  g_assert_nonnull (strstr (said, " was read anew: "));
  assert_refused (test, program, 2);
  g_assert_true (wzp_signal_client_is_ready (a->client));
  g_assert_cmpuint (a->n_failed, ==, 0);

  again = reload (test, program, LISTEN "log-level=notice\n");
  g_assert_nonnull (strstr (again, " was read anew: "));
  test_node_free (test_program_add_node (program, test, 3, "carl"));
  test_node_free (a);
  test_program_signal (program, SIGTERM);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

static void
test_bad_reload (WzpTest *test, gconstpointer data)
{
  TestProgram *program = start (test, LISTEN);
  g_autofree char *path = config_path (test);
  g_autofree char *said = NULL;
  g_autofree char *gone = NULL;
  g_autofree char *expected = g_strdup_printf (
      "warning: the configuration stays as it was: %s:5: [relais]: there is no "
      "such group",
      path);
  Call call = { NULL };

  call_start (&call, test, program);
  said = reload (test, program,
      LISTEN "[relais]\n[access]\nmode=token\ntoken-key-file=none\n");
  g_assert_nonnull (strstr (said, expected));
  call_use (&call);
  g_assert_cmpint (g_unlink (path), ==, 0);
  test_program_signal (program, SIGHUP);
  gone = test_program_expect_log (program, "the configuration ");
  g_assert_nonnull (strstr (gone, "stays as it was: Cannot open "));
  call_use (&call);
  /* It is as open as before. */
  test_node_free (test_program_add_node (program, test, 3, "carl"));
  call_hang_up (&call);
  call_free (&call);
  test_program_signal (program, SIGTERM);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

static void
test_reload_fixed (WzpTest *test, gconstpointer data)
{
  static const char other[] =
      "[relay]\nlisten=127.0.0.2\nport=1\nsecond-port=0\nkey-file=other.key\n"
      "idle-timeout-ms=5000\n[metrics]\nlisten=127.0.0.1:0\n";
  static const char *const keys[] = { "[relay] listen", "[relay] port",
    "[relay] second-port", "[relay] key-file", "[relay] idle-timeout-ms",
    "[metrics] listen" };
  TestProgram *program;

  if (!wzp_relay_http_is_there ()) {
    g_test_skip ("built without metrics");
    return;
  }
  program = start (test, LISTEN);
  /* And once more: it is not forgotten. */
  for (guint i = 0; i < 2; i++) {
    write_config (test, other);
    test_program_signal (program, SIGHUP);
    for (gsize j = 0; j < G_N_ELEMENTS (keys); j++) {
      g_autofree char *line = test_program_expect_log (program, keys[j]);

      g_assert_nonnull (strstr (line, " warning: "));
    }
    g_free (test_program_expect_log (program, " was read anew: "));
  }
  test_node_free (test_program_add_node (program, test, 1, "anna"));
  test_program_signal (program, SIGTERM);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

static void
test_reload_without_file (WzpTest *test, gconstpointer data)
{
  TestProgram *program = test_program_new ("-l 127.0.0.1 -p 0 -e");
  g_autofree char *said = NULL;

  test_program_wait_ready (program);
  test_program_signal (program, SIGHUP);
  said = test_program_expect_log (program, "the configuration ");
  g_assert_nonnull (strstr (said, "was read anew: no file"));
  test_program_signal (program, SIGTERM);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

/* ---- drain ---- */

static void
test_drain (WzpTest *test, gconstpointer data)
{
  TestProgram *program = start (test, LISTEN);
  TestNode *idle = test_program_add_node (program, test, 3, "carl");
  Call call = { NULL };

  g_test_summary ("Who has no call is sent away, a call goes on to its end");

  call_start (&call, test, program);
  test_program_signal (program, SIGTERM);
  g_free (test_program_expect_log (program, "the relay drains: 1 calls"));
  wzp_test_assert_until (test, idle->n_failed == 1, 5000);
  g_assert_error (idle->error, WZP_ERROR, WZP_ERROR_CLOSED);
  call_use (&call);

  assert_refused (test, program, 4);
  call_use (&call);

  call_hang_up (&call);
  call_free (&call);
  test_node_free (idle);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

static void
test_drain_lost (WzpTest *test, gconstpointer data)
{
  TestProgram *program = start (test, LISTEN "[limits]\nreturn-grace-s=3600\n");
  Call call = { NULL };

  g_test_summary ("Who leaves a draining relay cannot return to it: nobody is "
                  "waited for");

  call_start (&call, test, program);
  test_program_signal (program, SIGTERM);
  g_free (test_program_expect_log (program, "the relay drains: 1 calls"));
  call_free (&call);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

static void
test_drain_timeout (WzpTest *test, gconstpointer data)
{
  TestProgram *program = start (test, LISTEN "[drain]\ntimeout-s=1\n");
  Call call = { NULL };

  call_start (&call, test, program);
  test_program_signal (program, SIGTERM);
  g_free (test_program_expect_log (program,
      "the drain timeout of 1 s is over: 1 calls and 2 connections in rooms "
      "are cut off"));
  wzp_test_assert_until (test, call.ra->is_closed && call.rb->is_closed, 5000);
  call_free (&call);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

static void
test_second_signal (WzpTest *test, gconstpointer data)
{
  TestProgram *program = start (test, LISTEN);
  Call call = { NULL };

  call_start (&call, test, program);
  test_program_signal (program, SIGINT);
  g_free (test_program_expect_log (program, "the relay drains: 1 calls"));
  call_use (&call);
  test_program_signal (program, SIGHUP);
  g_free (test_program_expect_log (program, "not reloaded: "));
  test_program_signal (program, SIGINT);
  g_free (test_program_expect_log (program, "a second time: at once"));
  wzp_test_assert_until (test, call.ra->is_closed && call.rb->is_closed, 5000);
  call_free (&call);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

/* ---- the service manager ---- */

static GSocket *
open_manager (const char *path)
{
  g_autoptr (GSocketAddress) addr = g_unix_socket_address_new (path);
  g_autoptr (GError) error = NULL;
  GSocket *socket =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM, 0, &error);

  g_assert_no_error (error);
  g_assert_true (g_socket_bind (socket, addr, FALSE, &error));
  return socket;
}

/* Passes over STATUS= and WATCHDOG= (counting these) up to another message. */
static char *
receive (GSocket *socket, guint *n_watchdog)
{
  for (;;) {
    char buf[512] = { 0 };
    g_autoptr (GError) error = NULL;

    g_socket_receive (socket, buf, sizeof buf - 1, NULL, &error);
    g_assert_no_error (error);
    if (strcmp (buf, "WATCHDOG=1") == 0)
      ++*n_watchdog;
    else if (!g_str_has_prefix (buf, "STATUS="))
      return g_strdup (buf);
  }
}

static void
test_notifies (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "notify", NULL);
  g_autoptr (GSocket) manager = open_manager (path);
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  const gint64 before_us = g_get_monotonic_time ();
  static const char reloading[] = "RELOADING=1\nMONOTONIC_USEC=";
  TestProgram *program;
  guint n_watchdog = 0;
  char *said;

  g_subprocess_launcher_setenv (launcher, "NOTIFY_SOCKET", path, TRUE);
  g_subprocess_launcher_setenv (launcher, "WATCHDOG_USEC", "20000", TRUE);
  program = test_program_new_in (launcher, NULL, "-l 127.0.0.1 -p 0 -e");
  said = receive (manager, &n_watchdog);
  g_assert_cmpstr (said, ==, "READY=1");
  g_free (said);
  test_program_wait_ready (program);

  while (n_watchdog < 3) {
    char buf[512] = { 0 };

    g_assert_cmpint (
        g_socket_receive (manager, buf, sizeof buf - 1, NULL, NULL), >, 0);
    if (strcmp (buf, "WATCHDOG=1") == 0)
      n_watchdog++;
    else
      g_assert_cmpstr (
          buf, ==, "STATUS=0 clients, 0 calls, 0 connections in rooms");
  }
  test_program_signal (program, SIGHUP);
  said = receive (manager, &n_watchdog);
  g_assert_true (g_str_has_prefix (said, reloading));
  g_assert_cmpint (
      g_ascii_strtoll (said + strlen (reloading), NULL, 10), >=, before_us);
  g_free (said);
  said = receive (manager, &n_watchdog);
  g_assert_cmpstr (said, ==, "READY=1");
  g_free (said);
  test_program_signal (program, SIGTERM);
  said = receive (manager, &n_watchdog);
  g_assert_cmpstr (said, ==, "STOPPING=1");
  g_free (said);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

static GSocket *
open_udp (const char *ip, guint16 *ret_port)
{
  g_autoptr (GSocketAddress) addr =
      g_inet_socket_address_new_from_string (ip, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;
  GSocket *socket = g_socket_new (g_socket_address_get_family (addr),
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &error);

  if (socket == NULL || !g_socket_bind (socket, addr, FALSE, &error)) {
    g_clear_object (&socket);
    return NULL;
  }
  bound = g_socket_get_local_address (socket, NULL);
  *ret_port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  return socket;
}

static void
test_sockets (WzpTest *test, gconstpointer data)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  guint16 port = 0, port6 = 0;
  g_autoptr (GSocket) socket = open_udp ("127.0.0.1", &port);
  g_autoptr (GSocket) socket6 = open_udp ("::1", &port6);
  g_autofree char *prefix = g_strdup_printf (
      "export LISTEN_PID=$$ LISTEN_FDS=%d; exec", socket6 != NULL ? 2 : 1);
  TestProgram *program;

  g_test_summary ("Its own port is not opened: that one is not possible");

  g_assert_nonnull (socket);
  g_subprocess_launcher_take_fd (launcher, dup (g_socket_get_fd (socket)), 3);
  if (socket6 != NULL)
    g_subprocess_launcher_take_fd (
        launcher, dup (g_socket_get_fd (socket6)), 4);
  program = test_program_new_in (launcher, prefix, "-l 192.0.2.1 -p 1 -e");
  g_clear_object (&launcher);
  test_program_wait_ready (program);
  g_free (program->address);
  program->address = g_strdup_printf ("127.0.0.1:%u", port);
  test_node_free (test_program_add_node (program, test, 1, "anna"));
  test_program_signal (program, SIGTERM);
  g_assert_cmpint (test_program_finish (program), ==, 0);
}

static void
test_wrong_sockets (WzpTest *test, gconstpointer data)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *errors = NULL;
  TestProgram *program;

  g_subprocess_launcher_take_fd (
      launcher, g_open ("/dev/null", O_RDONLY, 0), 3);
  program = test_program_new_in (launcher,
      "export LISTEN_PID=$$ LISTEN_FDS=1; exec", "-l 127.0.0.1 -p 0 -e");
  errors = test_program_read_errors (program);
  g_assert_cmpstr (
      errors, ==, "wzp-relay: The passed descriptor 3 is not a UDP socket\n");
  g_assert_cmpint (test_program_finish (program), ==, 1);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add (
      "/relay-service/reload-keeps-call", NULL, test_reload_keeps_call);
  wzp_test_add ("/relay-service/reload-takes", NULL, test_reload_takes);
  wzp_test_add ("/relay-service/bad-reload", NULL, test_bad_reload);
  wzp_test_add ("/relay-service/reload-fixed", NULL, test_reload_fixed);
  wzp_test_add (
      "/relay-service/reload-without-file", NULL, test_reload_without_file);
  wzp_test_add ("/relay-service/drain", NULL, test_drain);
  wzp_test_add ("/relay-service/drain-lost", NULL, test_drain_lost);
  wzp_test_add ("/relay-service/drain-timeout", NULL, test_drain_timeout);
  wzp_test_add ("/relay-service/second-signal", NULL, test_second_signal);
  wzp_test_add ("/relay-service/notifies", NULL, test_notifies);
  wzp_test_add ("/relay-service/sockets", NULL, test_sockets);
  wzp_test_add ("/relay-service/wrong-sockets", NULL, test_wrong_sockets);
  return wzp_test_run ();
}
