#include "wzp-interfaces.h"

#include "wzp-sockaddr.h"

#include <errno.h>
#include <gio/gio.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* One place is kept for the server-reflexive candidate. */
#define MAX_CHOSEN (WZP_CANDIDATES_MAX - 1)

/* Bytes; the kernel's largest part of a dump (NLMSG_GOODSIZE and above). */
#define NETLINK_BUFFER_LEN 32768u

/* The kernel answers a dump at once. */
#define NETLINK_TIMEOUT_S 1

#define UNUSABLE_ADDR_FLAGS                                                    \
  (IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED)

typedef struct {
  struct nlmsghdr header;
  struct ifaddrmsg body;
} DumpRequest;

static void
set_errno_error (GError **error, const char *what)
{
  int code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "Cannot %s: %s",
      what, g_strerror (code));
}

static gboolean
is_unspecified (const WzpAddr *addr)
{
  return addr->family == 0 || wzp_addr_scope (addr) == WZP_ADDR_UNSPECIFIED;
}

/* Adds @addr with the port of its family. */
static void
choose (WzpCandidateList *list, const WzpAddr *addr, guint16 port4,
    guint16 port6, gboolean bound_to_loopback)
{
  WzpCandidate candidate = { .addr = *addr, .type = WZP_CANDIDATE_HOST };

  candidate.addr.port = addr->family == 4 ? port4 : port6;
  if (candidate.addr.port == 0 ||
      !wzp_candidate_host_is_usable (addr, bound_to_loopback))
    return;
  for (guint i = 0; i < list->n; i++)
    if (wzp_addr_equal (&list->items[i].addr, &candidate.addr))
      return;

  if (list->n < MAX_CHOSEN)
    list->items[list->n++] = candidate;
  else
    list->refused++;
}

void
wzp_interfaces_choose (const WzpInterfaceAddr *addrs, gsize n_addrs,
    guint16 port4, guint16 port6, const WzpAddr *bound,
    WzpCandidateList *ret_list)
{
  const guint needed = IFF_UP | IFF_RUNNING;

  g_return_if_fail (addrs != NULL || n_addrs == 0);
  g_return_if_fail (ret_list != NULL);

  memset (ret_list, 0, sizeof *ret_list);

  /* Not looked for in the list: 127.0.0.2 may be bound, but is not listed. */
  if (bound != NULL && !is_unspecified (bound)) {
    choose (ret_list, bound, port4, port6,
        wzp_addr_scope (bound) == WZP_ADDR_LOOPBACK);
    return;
  }

  for (gsize i = 0; i < n_addrs; i++)
    if ((addrs[i].link_flags & needed) == needed &&
        (addrs[i].addr_flags & UNUSABLE_ADDR_FLAGS) == 0)
      choose (ret_list, &addrs[i].addr, port4, port6, FALSE);
}

/* Reading */

static GArray *
list_addresses (GError **error)
{
  GArray *addrs = g_array_new (FALSE, TRUE, sizeof (WzpInterfaceAddr));
  struct ifaddrs *all = NULL;

  if (getifaddrs (&all) < 0) {
    set_errno_error (error, "list the network interfaces");
    g_array_unref (addrs);
    return NULL;
  }

  for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
    WzpInterfaceAddr entry = { .link_flags = i->ifa_flags };

    /* The length is that of the family; other families are passed over. */
    if (i->ifa_addr == NULL ||
        !wzp_sockaddr_to_addr (
            i->ifa_addr, sizeof (struct sockaddr_in6), &entry.addr))
      continue;
    entry.addr.port = 0;
    entry.ifindex = if_nametoindex (i->ifa_name);
    g_array_append_val (addrs, entry);
  }

  freeifaddrs (all);
  return addrs;
}

/* Writes the flags of one address to the entry that has it. */
static void
apply_address (GArray *addrs, const struct nlmsghdr *header)
{
  struct ifaddrmsg *body = NLMSG_DATA (header);
  const guint8 *ip = NULL;
  guint32 flags;
  int len;

  if (header->nlmsg_len < NLMSG_LENGTH (sizeof *body))
    return;
  len = IFA_PAYLOAD (header);
  flags = body->ifa_flags; /* the low 8 bits of IFA_FLAGS */
  for (struct rtattr *attr = IFA_RTA (body); RTA_OK (attr, len);
       attr = RTA_NEXT (attr, len)) {
    if (attr->rta_type == IFA_ADDRESS && RTA_PAYLOAD (attr) >= 16 && ip == NULL)
      ip = RTA_DATA (attr);
    else if (attr->rta_type == IFA_LOCAL && RTA_PAYLOAD (attr) >= 16)
      ip = RTA_DATA (attr); /* with a peer's address IFA_ADDRESS is that one */
    else if (attr->rta_type == IFA_FLAGS && RTA_PAYLOAD (attr) >= sizeof flags)
      memcpy (&flags, RTA_DATA (attr), sizeof flags);
  }
  if (ip == NULL)
    return;

  for (guint i = 0; i < addrs->len; i++) {
    WzpInterfaceAddr *entry = &g_array_index (addrs, WzpInterfaceAddr, i);

    if (entry->addr.family == 6 && entry->ifindex == body->ifa_index &&
        memcmp (entry->addr.ip, ip, sizeof entry->addr.ip) == 0)
      entry->addr_flags = flags;
  }
}

/* Takes one read's messages: TRUE when there are more to come; else @ret_errno
 * is set, to 0 at the end of the dump. */
static gboolean
apply_messages (GArray *addrs, guint8 *buf, gsize len, int *ret_errno)
{
  const struct nlmsghdr *header;

  /* NLMSG_OK() and NLMSG_NEXT() want a signed length from some compilers and
   * an unsigned one from others. */
  for (gsize offset = 0; offset + sizeof *header <= len;
       offset += NLMSG_ALIGN (header->nlmsg_len)) {
    const struct nlmsgerr *refusal;

    header = (const struct nlmsghdr *) (buf + offset);
    if (header->nlmsg_len < sizeof *header || header->nlmsg_len > len - offset)
      break;

    switch (header->nlmsg_type) {
      case NLMSG_DONE:
        *ret_errno = 0;
        return FALSE;
      case NLMSG_ERROR:
        refusal = NLMSG_DATA (header);
        *ret_errno = header->nlmsg_len >= NLMSG_LENGTH (sizeof *refusal)
            ? -refusal->error
            : EPROTO;
        return FALSE;
      case RTM_NEWADDR:
        apply_address (addrs, header);
        break;
    }
  }
  return TRUE;
}

static gboolean
dump_flags (int fd, GArray *addrs)
{
  const DumpRequest request = {
    .header = { .nlmsg_len = sizeof request,
        .nlmsg_type = RTM_GETADDR,
        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
    .body = { .ifa_family = AF_INET6 },
  };
  const struct timeval timeout = { .tv_sec = NETLINK_TIMEOUT_S };
  g_autofree guint8 *buf = g_malloc (NETLINK_BUFFER_LEN);

  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  if (send (fd, &request, sizeof request, 0) < 0)
    return FALSE;

  for (;;) {
    gssize n = recv (fd, buf, NETLINK_BUFFER_LEN, 0);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    if (!apply_messages (addrs, buf, n, &errno))
      return errno == 0;
  }
}

/* getifaddrs() tells everything but these. */
static gboolean
read_ipv6_flags (GArray *addrs, GError **error)
{
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  gboolean ok = fd >= 0 && dump_flags (fd, addrs);

  if (!ok)
    set_errno_error (error, "read the flags of IPv6 addresses");
  if (fd >= 0)
    close (fd);
  return ok;
}

GArray *
wzp_interfaces_read (GError **error)
{
  g_autoptr (GArray) addrs = list_addresses (error);

  if (addrs == NULL || !read_ipv6_flags (addrs, error))
    return NULL;
  return g_steal_pointer (&addrs);
}

gboolean
wzp_interfaces_gather (guint16 port4, guint16 port6, const WzpAddr *bound,
    WzpCandidateList *ret_list, GError **error)
{
  g_autoptr (GArray) addrs = wzp_interfaces_read (error);

  g_return_val_if_fail (ret_list != NULL, FALSE);

  if (addrs == NULL)
    return FALSE;
  wzp_interfaces_choose ((const WzpInterfaceAddr *) addrs->data, addrs->len,
      port4, port6, bound, ret_list);
  return TRUE;
}
