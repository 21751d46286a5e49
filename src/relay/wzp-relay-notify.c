#include "wzp-relay-notify.h"

#include "wzp-error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD     3 /* SD_LISTEN_FDS_START */
#define SEND_TIMEOUT 1 /* seconds */

struct _WzpRelayNotify {
  int fd; /* -1: nobody listens */
  struct sockaddr_un addr;
  socklen_t addr_len;
  gint64 watchdog_us;
};

/* The value of a variable as a number; 0: not there, or none. */
static guint64
get_number (const char *name)
{
  const char *text = g_getenv (name);
  guint64 number = 0;

  if (text == NULL ||
      !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &number, NULL))
    return 0;
  return number;
}

/* A path, or with '@' in front a name in the abstract name space. */
static gboolean
parse_socket (WzpRelayNotify *self, const char *text)
{
  const gsize len = strlen (text);

  if ((text[0] != '/' && text[0] != '@') || len < 2 ||
      len >= sizeof self->addr.sun_path)
    return FALSE;
  self->addr.sun_family = AF_UNIX;
  memcpy (self->addr.sun_path, text, len);
  if (text[0] == '@')
    self->addr.sun_path[0] = '\0';
  /* A path is passed with its NUL. */
  self->addr_len = (socklen_t) (G_STRUCT_OFFSET (struct sockaddr_un, sun_path) +
      len + (text[0] == '/' ? 1 : 0));
  return TRUE;
}

static void
open_socket (WzpRelayNotify *self)
{
  const struct timeval timeout = { .tv_sec = SEND_TIMEOUT };

  self->fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (self->fd >= 0)
    setsockopt (self->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

WzpRelayNotify *
wzp_relay_notify_new (void)
{
  WzpRelayNotify *self = g_new0 (WzpRelayNotify, 1);
  const char *path = g_getenv ("NOTIFY_SOCKET");
  const guint64 pid = get_number ("WATCHDOG_PID");

  self->fd = -1;
  if (path != NULL && parse_socket (self, path))
    open_socket (self);
  if (self->fd >= 0 && (pid == 0 || pid == (guint64) getpid ()))
    self->watchdog_us = (gint64) get_number ("WATCHDOG_USEC");
  unsetenv ("NOTIFY_SOCKET");
  unsetenv ("WATCHDOG_USEC");
  unsetenv ("WATCHDOG_PID");
  return self;
}

void
wzp_relay_notify_free (WzpRelayNotify *self)
{
  if (self == NULL)
    return;
  if (self->fd >= 0)
    close (self->fd);
  g_free (self);
}

gboolean
wzp_relay_notify_is_on (const WzpRelayNotify *self)
{
  return self->fd >= 0;
}

gint64
wzp_relay_notify_get_watchdog_us (const WzpRelayNotify *self)
{
  return self->watchdog_us;
}

void
wzp_relay_notify_send (WzpRelayNotify *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  if (self->fd < 0)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  if (sendto (self->fd, text, strlen (text), MSG_NOSIGNAL,
          (struct sockaddr *) &self->addr, self->addr_len) < 0)
    g_debug ("the service manager was not told: %s", g_strerror (errno));
}

/* 4 or 6 for a bound UDP socket, else 0. */
static int
get_family (int fd)
{
  struct sockaddr_storage addr = { 0 };
  socklen_t addr_len = sizeof addr, type_len = sizeof (int);
  int type = 0;

  if (getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0 ||
      type != SOCK_DGRAM ||
      getsockname (fd, (struct sockaddr *) &addr, &addr_len) < 0)
    return 0;
  return addr.ss_family == AF_INET ? 4 : addr.ss_family == AF_INET6 ? 6 : 0;
}

static gboolean
check_sockets (guint n, GError **error)
{
  guint seen = 0;

  for (guint i = 0; i < n; i++) {
    const int fd = FIRST_FD + (int) i;
    const int family = get_family (fd);

    if (family == 0 || (seen & (1u << family)) != 0) {
      g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
          "The passed descriptor %d is %s", fd,
          family == 0 ? "not a UDP socket" : "a second one of its family");
      return FALSE;
    }
    seen |= 1u << family;
    fcntl (fd, F_SETFD, FD_CLOEXEC);
  }
  return TRUE;
}

gboolean
wzp_relay_take_sockets (
    int ret_fds[WZP_RELAY_MAX_SOCKETS], guint *ret_n, GError **error)
{
  const gboolean are_ours = get_number ("LISTEN_PID") == (guint64) getpid ();
  const guint64 n = are_ours ? get_number ("LISTEN_FDS") : 0;

  unsetenv ("LISTEN_PID");
  unsetenv ("LISTEN_FDS");
  unsetenv ("LISTEN_FDNAMES");
  if (n > WZP_RELAY_MAX_SOCKETS) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "%" G_GUINT64_FORMAT " sockets were passed, at most %u are possible", n,
        WZP_RELAY_MAX_SOCKETS);
    return FALSE;
  }
  if (!check_sockets ((guint) n, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    ret_fds[i] = FIRST_FD + (int) i;
  *ret_n = (guint) n;
  return TRUE;
}
