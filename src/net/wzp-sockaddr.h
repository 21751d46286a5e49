/* wzp-sockaddr: WzpAddr to and from struct sockaddr. */
#pragma once

#include "wzp-addr.h"

#include <sys/socket.h>

G_BEGIN_DECLS

/* Bytes of the sockaddr written; 0 (and AF_UNSPEC) when @addr is unset. */
socklen_t wzp_sockaddr_from_addr (
    const WzpAddr *addr, struct sockaddr_storage *ret_sockaddr);
/* Canonicalises. FALSE: neither AF_INET nor AF_INET6, or too short; @ret_addr is
 * then untouched. */
gboolean wzp_sockaddr_to_addr (
    const struct sockaddr *sockaddr, socklen_t len, WzpAddr *ret_addr);

G_END_DECLS
