#include "wzp-sockaddr.h"

#include <netinet/in.h>
#include <string.h>

socklen_t
wzp_sockaddr_from_addr (
    const WzpAddr *addr, struct sockaddr_storage *ret_sockaddr)
{
  g_return_val_if_fail (addr != NULL && ret_sockaddr != NULL, 0);

  memset (ret_sockaddr, 0, sizeof *ret_sockaddr);

  if (addr->family == 4) {
    struct sockaddr_in *in = (struct sockaddr_in *) ret_sockaddr;

    in->sin_family = AF_INET;
    in->sin_port = g_htons (addr->port);
    memcpy (&in->sin_addr, addr->ip, sizeof in->sin_addr);
    return sizeof *in;
  }
  if (addr->family == 6) {
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) ret_sockaddr;

    in6->sin6_family = AF_INET6;
    in6->sin6_port = g_htons (addr->port);
    in6->sin6_scope_id = addr->scope_id;
    memcpy (&in6->sin6_addr, addr->ip, sizeof in6->sin6_addr);
    return sizeof *in6;
  }

  return 0;
}

gboolean
wzp_sockaddr_to_addr (
    const struct sockaddr *sockaddr, socklen_t len, WzpAddr *ret_addr)
{
  WzpAddr addr = { 0 };

  g_return_val_if_fail (sockaddr != NULL && ret_addr != NULL, FALSE);

  if (len < sizeof (sa_family_t))
    return FALSE;

  if (sockaddr->sa_family == AF_INET && len >= sizeof (struct sockaddr_in)) {
    struct sockaddr_in in;

    memcpy (&in, sockaddr, sizeof in);
    addr.family = 4;
    addr.port = g_ntohs (in.sin_port);
    memcpy (addr.ip, &in.sin_addr, sizeof in.sin_addr);
  } else if (sockaddr->sa_family == AF_INET6 &&
      len >= sizeof (struct sockaddr_in6)) {
    struct sockaddr_in6 in6;

    memcpy (&in6, sockaddr, sizeof in6);
    addr.family = 6;
    addr.port = g_ntohs (in6.sin6_port);
    memcpy (addr.ip, &in6.sin6_addr, sizeof in6.sin6_addr);
    if (IN6_IS_ADDR_LINKLOCAL (&in6.sin6_addr))
      addr.scope_id = in6.sin6_scope_id;
  } else {
    return FALSE;
  }

  wzp_addr_canonicalise (&addr);
  *ret_addr = addr;
  return TRUE;
}
