#include "netns.h"

#include "wzp-addr.h"
#include "wzp-test.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_NOT_ALLOWED  77
#define TIMEOUT_S         20u
#define MAX_ATTRIBUTE_LEN 32u

typedef struct {
  struct nlmsghdr header;
  struct ifaddrmsg body;
  guint8 attributes[4 * RTA_SPACE (MAX_ATTRIBUTE_LEN)];
} AddressRequest;

typedef struct {
  struct nlmsghdr header;
  struct nlmsgerr body;
} Answer;

static void
set_loopback (unsigned long request, struct ifreq *ifr)
{
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  strcpy (ifr->ifr_name, "lo");
  g_assert_cmpint (ioctl (fd, request, ifr), ==, 0);
  close (fd);
}

void
netns_set_up (gboolean is_up)
{
  struct ifreq ifr = { .ifr_flags = is_up ? IFF_UP : 0 };

  set_loopback (SIOCSIFFLAGS, &ifr);
}

void
netns_set_mtu (int mtu)
{
  struct ifreq ifr = { .ifr_mtu = mtu };

  set_loopback (SIOCSIFMTU, &ifr);
}

static void
append_attribute (
    AddressRequest *request, int type, const void *data, gsize len)
{
  struct rtattr *attribute =
      (struct rtattr *) ((guint8 *) request + request->header.nlmsg_len);

  g_assert_cmpuint (len, <=, MAX_ATTRIBUTE_LEN);
  attribute->rta_type = type;
  attribute->rta_len = RTA_LENGTH (len);
  memcpy (RTA_DATA (attribute), data, len);
  request->header.nlmsg_len += RTA_SPACE (len);
}

void
netns_add_address (const char *text, gboolean is_deprecated)
{
  const struct ifa_cacheinfo lifetime = { .ifa_prefered = 0,
    .ifa_valid = G_MAXUINT32 };
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  AddressRequest request = { 0 };
  Answer answer = { 0 };
  WzpAddr addr;
  gsize len;

  g_assert_true (wzp_addr_parse_ip (text, 0, &addr, NULL));
  len = addr.family == 4 ? 4 : 16;
  request.header.nlmsg_len = NLMSG_LENGTH (sizeof request.body);
  request.header.nlmsg_type = RTM_NEWADDR;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
  request.body.ifa_family = addr.family == 4 ? AF_INET : AF_INET6;
  request.body.ifa_prefixlen = 8 * len;
  /* Else it is tentative until the kernel's worker has had its turn. */
  request.body.ifa_flags = addr.family == 4 ? 0 : IFA_F_NODAD;
  request.body.ifa_index = if_nametoindex ("lo");
  append_attribute (&request, IFA_LOCAL, addr.ip, len);
  append_attribute (&request, IFA_ADDRESS, addr.ip, len);
  if (is_deprecated)
    append_attribute (&request, IFA_CACHEINFO, &lifetime, sizeof lifetime);

  g_assert_cmpint (send (fd, &request, request.header.nlmsg_len, 0), ==,
      request.header.nlmsg_len);
  g_assert_cmpint (recv (fd, &answer, sizeof answer, 0), >, 0);
  g_assert_cmpint (answer.header.nlmsg_type, ==, NLMSG_ERROR);
  g_assert_cmpint (answer.body.error, ==, 0);
  close (fd);
}

static gboolean
write_text (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean done = fd >= 0 && write (fd, text, strlen (text)) > 0;

  if (fd >= 0)
    close (fd);
  return done;
}

gboolean
netns_enter (void)
{
  g_autofree char *uids = g_strdup_printf ("0 %u 1", geteuid ());
  g_autofree char *gids = g_strdup_printf ("0 %u 1", getegid ());

  /* Without a user namespace only root may. */
  if (unshare (CLONE_NEWNET) == 0)
    return TRUE;
  return unshare (CLONE_NEWUSER | CLONE_NEWNET) == 0 &&
      write_text ("/proc/self/uid_map", uids) &&
      write_text ("/proc/self/setgroups", "deny") &&
      write_text ("/proc/self/gid_map", gids);
}

void
netns_skip (void)
{
  _exit (EXIT_NOT_ALLOWED);
}

void
netns_run (void (*func) (void))
{
  pid_t pid = fork ();
  int status = 0;

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0) {
    if (!netns_enter ())
      _exit (EXIT_NOT_ALLOWED);
    alarm (wzp_test_slower (TIMEOUT_S));
    netns_set_up (TRUE);
    func ();
    _exit (0);
  }

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  if (WIFEXITED (status) && WEXITSTATUS (status) == EXIT_NOT_ALLOWED)
    g_test_skip ("No network namespaces here, or not what is needed in them");
  else
    g_assert_cmpint (status, ==, 0);
}
