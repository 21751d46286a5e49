#include "wzp-bench-net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK "lo"

static gboolean
set_error (GError **error, const char *what)
{
  const int code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", what,
      g_strerror (code));
  return FALSE;
}

static void
write_file (const char *path, const char *text)
{
  const int fd = open (path, O_WRONLY | O_CLOEXEC);

  if (fd < 0 || write (fd, text, strlen (text)) < 0)
    g_debug ("%s: %s", path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
}

/* Files keep their owner for the programs in the user namespace. */
static void
map_ids (uid_t uid, gid_t gid)
{
  g_autofree char *uids = g_strdup_printf ("%u %u 1", uid, uid);
  g_autofree char *gids = g_strdup_printf ("%u %u 1", gid, gid);

  write_file ("/proc/self/setgroups", "deny");
  write_file ("/proc/self/gid_map", gids);
  write_file ("/proc/self/uid_map", uids);
}

static gboolean
leave_network (GError **error)
{
  const uid_t uid = geteuid ();
  const gid_t gid = getegid ();

  if (unshare (CLONE_NEWNET) == 0)
    return TRUE;
  if (unshare (CLONE_NEWUSER | CLONE_NEWNET) < 0)
    return set_error (error, "no network namespace");
  map_ids (uid, gid);
  return TRUE;
}

static gboolean
set_up_loopback (guint mtu, GError **error)
{
  struct ifreq request = { .ifr_name = LOOPBACK, .ifr_mtu = (int) mtu };
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean ok;

  if (fd < 0)
    return set_error (error, "socket");
  ok = ioctl (fd, SIOCSIFMTU, &request) == 0;
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  ok = ok && ioctl (fd, SIOCSIFFLAGS, &request) == 0;
  if (!ok)
    set_error (error, "the loopback's MTU");
  close (fd);
  return ok;
}

gboolean
bench_net_enter (guint mtu, GError **error)
{
  return leave_network (error) && set_up_loopback (mtu, error);
}

guint
bench_net_get_mtu (void)
{
  struct ifreq request = { .ifr_name = LOOPBACK };
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  guint mtu = 0;

  if (fd >= 0 && ioctl (fd, SIOCGIFMTU, &request) == 0)
    mtu = (guint) request.ifr_mtu;
  if (fd >= 0)
    close (fd);
  return mtu;
}

guint
bench_net_free_port (void)
{
  struct sockaddr_in addr = {
    .sin_family = AF_INET,
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
  socklen_t len = sizeof addr;
  const int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  guint port = 0;

  if (fd >= 0 && bind (fd, (struct sockaddr *) &addr, len) == 0 &&
      getsockname (fd, (struct sockaddr *) &addr, &len) == 0)
    port = ntohs (addr.sin_port);
  if (fd >= 0)
    close (fd);
  return port;
}
