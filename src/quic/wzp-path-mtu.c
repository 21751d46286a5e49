#include "wzp-path-mtu.h"

#include "wzp-sockaddr.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <unistd.h>

#define IPV4_OVERHEAD 28 /* IPv4 and UDP headers, bytes */
#define IPV6_OVERHEAD 48
/* The most that an IPv4 total length and that an IPv6 payload length hold. */
#define IPV4_MAX_PAYLOAD (65535 - IPV4_OVERHEAD)
#define IPV6_MAX_PAYLOAD (65535 - 8)

/* Ethernet with IPv6 or PPPoE, what fits almost everywhere. */
#define COMMON_PAYLOAD 1452u

/* Bytes more that are worth a probe. */
#define MIN_DIFFERENCE 32

gsize
wzp_path_mtu_query (const WzpAddr *remote)
{
  gboolean is_v6 = remote->family == 6;
  struct sockaddr_storage addr;
  socklen_t len = wzp_sockaddr_from_addr (remote, &addr);
  int mtu = 0, fd, overhead = is_v6 ? IPV6_OVERHEAD : IPV4_OVERHEAD;
  socklen_t mtu_len = sizeof mtu;

  fd = socket (is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return 0;
  /* Connecting sends nothing; it finds the route. */
  if (connect (fd, (struct sockaddr *) &addr, len) != 0 ||
      getsockopt (fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
          is_v6 ? IPV6_MTU : IP_MTU, &mtu, &mtu_len) != 0)
    mtu = 0;
  close (fd);

  if (mtu <= overhead)
    return 0;
  return MIN (mtu - overhead, is_v6 ? IPV6_MAX_PAYLOAD : IPV4_MAX_PAYLOAD);
}

guint
wzp_path_mtu_plan (gsize max, guint16 ret_sizes[WZP_PATH_MTU_PROBES])
{
  /* After the common size the largest, and when that is lost on the way (a
   * jumbo link at home, not beyond) what is between; then what tunnels leave.
   */
  const guint16 sizes[] = { COMMON_PAYLOAD, MIN (max, G_MAXUINT16), 8952, 4312,
    1406, 1342, 1232 };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    gboolean is_new = sizes[i] <= max && sizes[i] > WZP_PATH_MTU_MIN;

    for (guint k = 0; k < n; k++)
      is_new = is_new && ABS (ret_sizes[k] - sizes[i]) >= MIN_DIFFERENCE;
    if (is_new)
      ret_sizes[n++] = sizes[i];
  }
  return n;
}
