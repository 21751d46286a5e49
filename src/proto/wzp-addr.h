/* wzp-addr: an IP address and a UDP port, as a value.
 *
 * Plain memory, compared by wzp_addr_equal(). Never a host name. Pure: the
 * conversion to struct sockaddr is net/wzp-sockaddr. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint8 ip[16];    /* network order; IPv4 in the first 4, the rest 0 */
  guint32 scope_id; /* IPv6 link-local only, else 0 */
  guint16 port;     /* host order */
  guint8 family;    /* 0 unset, 4, 6 */
} WzpAddr;

#define WZP_ADDR_MAX_STRLEN 64u /* bytes with the NUL */

typedef enum {
  WZP_ADDR_UNSPECIFIED, /* 0/8, ::, and family 0 */
  WZP_ADDR_LOOPBACK,   /* 127/8, ::1 */
  WZP_ADDR_LINK_LOCAL, /* 169.254/16, fe80::/10 */
  WZP_ADDR_MULTICAST,  /* 224/4, ff00::/8 */
  WZP_ADDR_BROADCAST,  /* 255.255.255.255, and 240/4 (reserved) */
  WZP_ADDR_PRIVATE,    /* RFC 1918 */
  WZP_ADDR_CGNAT,      /* 100.64/10, RFC 6598 */
  WZP_ADDR_ULA,        /* fc00::/7, RFC 4193 */
  WZP_ADDR_GLOBAL,     /* IPv4: all the rest; IPv6: 2000::/3 */
  WZP_ADDR_OTHER,      /* IPv6 outside 2000::/3 and the above */
} WzpAddrScope;

/* Parses "a.b.c.d:p" or "[v6]:p" (port 0..65535), strictly: no host name, no
 * white space, nothing behind. Canonicalises. WZP_ERROR_INVALID otherwise;
 * @ret_addr is then untouched. */
gboolean wzp_addr_parse (const char *text, WzpAddr *ret_addr, GError **error);
/* The same without a port: "a.b.c.d" or "v6" (no brackets). */
gboolean wzp_addr_parse_ip (
    const char *text, guint16 port, WzpAddr *ret_addr, GError **error);
/* Writes "a.b.c.d:p" or "[v6]:p" (RFC 5952 text) into @buf; returns @buf. A
 * link-local one with a scope is "[v6%scope]:p", which wzp_addr_parse()
 * refuses: it means nothing on another host. Family 0 is "unset". */
const char *wzp_addr_to_string (
    const WzpAddr *addr, char buf[WZP_ADDR_MAX_STRLEN]);
/* ::ffff:a.b.c.d becomes a.b.c.d, in place; a scope_id that does not belong
 * to a link-local address becomes 0. */
void wzp_addr_canonicalise (WzpAddr *addr);
gboolean wzp_addr_equal (const WzpAddr *a, const WzpAddr *b);
gboolean wzp_addr_equal_ip (const WzpAddr *a, const WzpAddr *b);
guint wzp_addr_hash (const WzpAddr *addr);
WzpAddrScope wzp_addr_scope (const WzpAddr *addr);

G_END_DECLS
