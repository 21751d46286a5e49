#include "wzp-relay-notify.h"

#include "wzp-error.h"
#include "wzp-test.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A service manager's socket; *@ret_name is what $NOTIFY_SOCKET says. */
static int
open_manager (WzpTest *test, gboolean is_abstract, char **ret_name)
{
  const int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  struct sockaddr_un addr = { .sun_family = AF_UNIX };
  socklen_t len;

  *ret_name = is_abstract ? g_strdup_printf ("@%s", test->dir)
                          : g_build_filename (test->dir, "notify", NULL);
  len = (socklen_t) (G_STRUCT_OFFSET (struct sockaddr_un, sun_path) +
      strlen (*ret_name) + (is_abstract ? 0 : 1));
  memcpy (addr.sun_path, *ret_name, strlen (*ret_name));
  if (is_abstract)
    addr.sun_path[0] = '\0';
  g_assert_cmpint (bind (fd, (struct sockaddr *) &addr, len), ==, 0);
  return fd;
}

static void
assert_told (int fd, const char *text)
{
  char buf[512] = { 0 };
  const gssize n = recv (fd, buf, sizeof buf - 1, 0);

  g_assert_cmpint (n, >=, 0);
  g_assert_cmpstr (buf, ==, text);
}

static void
test_tells (WzpTest *test, gconstpointer data)
{
  for (guint i = 0; i < 2; i++) {
    g_autofree char *name = NULL;
    const int fd = open_manager (test, i == 1, &name);
    g_autoptr (WzpRelayNotify) notify = NULL;

    setenv ("NOTIFY_SOCKET", name, 1);
    notify = wzp_relay_notify_new ();
    g_assert_null (g_getenv ("NOTIFY_SOCKET"));
    g_assert_true (wzp_relay_notify_is_on (notify));
    g_assert_cmpint (wzp_relay_notify_get_watchdog_us (notify), ==, 0);
    wzp_relay_notify_send (notify, "READY=1");
    wzp_relay_notify_send (notify, "STATUS=%u of %s", 3u, "them");
    assert_told (fd, "READY=1");
    assert_told (fd, "STATUS=3 of them");
    /* Nobody's error. */
    close (fd);
    wzp_relay_notify_send (notify, "STOPPING=1");
  }
}

static void
test_nobody (WzpTest *test, gconstpointer data)
{
  g_autofree char *long_name = g_strnfill (200, '/');
  const char *const names[] = { NULL, "", "/", "@", "relative", "vsock:1:2",
    long_name };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (WzpRelayNotify) notify = NULL;

    unsetenv ("NOTIFY_SOCKET");
    if (names[i] != NULL)
      setenv ("NOTIFY_SOCKET", names[i], 1);
    setenv ("WATCHDOG_USEC", "1000000", 1);
    notify = wzp_relay_notify_new ();
    g_assert_false (wzp_relay_notify_is_on (notify));
    g_assert_cmpint (wzp_relay_notify_get_watchdog_us (notify), ==, 0);
    wzp_relay_notify_send (notify, "READY=1");
  }
}

static void
test_watchdog (WzpTest *test, gconstpointer data)
{
  g_autofree char *own = g_strdup_printf ("%d", (int) getpid ());
  const struct {
    const char *usec, *pid;
    gint64 watchdog_us;
  } cases[] = {
    { NULL, NULL, 0 },
    { "1000000", NULL, 1000000 },
    { "1000000", own, 1000000 },
    { "1000000", "1", 0 },
    { "-5", own, 0 },
    { "x", own, 0 },
    { "99999999999999999999", own, 0 },
  };
  g_autofree char *name = NULL;
  const int fd = open_manager (test, FALSE, &name);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WzpRelayNotify) notify = NULL;

    setenv ("NOTIFY_SOCKET", name, 1);
    if (cases[i].usec != NULL)
      setenv ("WATCHDOG_USEC", cases[i].usec, 1);
    if (cases[i].pid != NULL)
      setenv ("WATCHDOG_PID", cases[i].pid, 1);
    notify = wzp_relay_notify_new ();
    g_assert_cmpint (
        wzp_relay_notify_get_watchdog_us (notify), ==, cases[i].watchdog_us);
    g_assert_null (g_getenv ("WATCHDOG_USEC"));
    g_assert_null (g_getenv ("WATCHDOG_PID"));
  }
  close (fd);
}

static gboolean
take (const char *pid, const char *fds, guint *ret_n, GError **error)
{
  int taken[WZP_RELAY_MAX_SOCKETS];

  setenv ("LISTEN_PID", pid, 1);
  setenv ("LISTEN_FDS", fds, 1);
  setenv ("LISTEN_FDNAMES", "a:b", 1);
  if (!wzp_relay_take_sockets (taken, ret_n, error))
    return FALSE;
  g_assert_null (g_getenv ("LISTEN_PID"));
  g_assert_null (g_getenv ("LISTEN_FDS"));
  g_assert_null (g_getenv ("LISTEN_FDNAMES"));
  for (guint i = 0; i < *ret_n; i++) {
    g_assert_cmpint (taken[i], ==, 3 + (int) i);
    g_assert_true (fcntl (taken[i], F_GETFD) & FD_CLOEXEC);
  }
  return TRUE;
}

/* In the test's own process descriptors 3 and 4 may be anything: they are put
 * aside and back. */
static void
test_sockets (WzpTest *test, gconstpointer data)
{
  g_autofree char *own = g_strdup_printf ("%d", (int) getpid ());
  const int saved[2] = { fcntl (3, F_DUPFD_CLOEXEC, 10),
    fcntl (4, F_DUPFD_CLOEXEC, 10) };
  const int kinds[][2] = { { AF_INET, SOCK_DGRAM }, { AF_INET6, SOCK_DGRAM },
    { AF_INET, SOCK_STREAM }, { AF_UNIX, SOCK_DGRAM } };
  const struct {
    int first, second; /* of kinds */
    const char *fds;
    guint n; /* 0: refused */
  } cases[] = { { 0, 1, "2", 2 }, { 1, 0, "2", 2 }, { 0, 1, "1", 1 },
    { 0, 0, "2", 0 }, { 2, 0, "1", 0 }, { 0, 2, "2", 0 }, { 3, 0, "1", 0 },
    { 0, 1, "3", 0 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    const int pair[2] = { cases[i].first, cases[i].second };
    g_autoptr (GError) error = NULL;
    guint n = 99;

    for (guint j = 0; j < 2; j++) {
      const int any = socket (kinds[pair[j]][0], kinds[pair[j]][1], 0);
      const int fd = fcntl (any, F_DUPFD, 10);

      close (any);
      g_assert_cmpint (dup2 (fd, 3 + (int) j), ==, 3 + (int) j);
      close (fd);
    }
    if (cases[i].n > 0) {
      g_assert_true (take (own, cases[i].fds, &n, &error));
      g_assert_cmpuint (n, ==, cases[i].n);
    } else {
      g_assert_false (take (own, cases[i].fds, &n, &error));
      g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    }
  }
  for (guint j = 0; j < 2; j++) {
    close (3 + (int) j);
    if (saved[j] >= 0) {
      dup2 (saved[j], 3 + (int) j);
      close (saved[j]);
    }
  }
}

static void
test_not_ours (WzpTest *test, gconstpointer data)
{
  g_autofree char *own = g_strdup_printf ("%d", (int) getpid ());
  guint n = 99;

  g_assert_true (take ("1", "2", &n, NULL));
  g_assert_cmpuint (n, ==, 0);
  g_assert_true (take (own, "0", &n, NULL));
  g_assert_cmpuint (n, ==, 0);
  g_assert_true (take (own, "two", &n, NULL));
  g_assert_cmpuint (n, ==, 0);
  g_assert_true (take ("", "2", &n, NULL));
  g_assert_cmpuint (n, ==, 0);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-notify/tells", NULL, test_tells);
  wzp_test_add ("/relay-notify/nobody", NULL, test_nobody);
  wzp_test_add ("/relay-notify/watchdog", NULL, test_watchdog);
  wzp_test_add ("/relay-notify/sockets", NULL, test_sockets);
  wzp_test_add ("/relay-notify/not-ours", NULL, test_not_ours);
  return wzp_test_run ();
}
