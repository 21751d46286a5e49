#include "wzp-addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "wzp-error.h"

static const guint8 mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static gboolean
fail (GError **error, const char *text, const char *what)
{
  g_autofree char *excerpt = wzp_error_excerpt (text);

  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID, "\"%s\" is not an %s",
      excerpt, what);
  return FALSE;
}

/* Only digits, no leading zero, 0..65535. */
static gboolean
parse_port (const char *text, guint16 *ret_port)
{
  guint value = 0;

  if (!g_ascii_isdigit (text[0]) || (text[0] == '0' && text[1] != '\0'))
    return FALSE;
  for (; g_ascii_isdigit (*text); text++) {
    value = value * 10 + (guint) (*text - '0');
    if (value > G_MAXUINT16)
      return FALSE;
  }
  if (*text != '\0')
    return FALSE;
  *ret_port = (guint16) value;
  return TRUE;
}

static WzpAddrScope
scope_of_ipv4 (const guint8 ip[4])
{
  if (ip[0] == 0)
    return WZP_ADDR_UNSPECIFIED;
  if (ip[0] == 127)
    return WZP_ADDR_LOOPBACK;
  if (ip[0] == 169 && ip[1] == 254)
    return WZP_ADDR_LINK_LOCAL;
  if ((ip[0] & 0xf0) == 224)
    return WZP_ADDR_MULTICAST;
  if (ip[0] >= 240)
    return WZP_ADDR_BROADCAST;
  if (ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
      (ip[0] == 192 && ip[1] == 168))
    return WZP_ADDR_PRIVATE;
  if (ip[0] == 100 && (ip[1] & 0xc0) == 64)
    return WZP_ADDR_CGNAT;
  return WZP_ADDR_GLOBAL;
}

static WzpAddrScope
scope_of_ipv6 (const guint8 ip[16])
{
  static const guint8 zeros[15];

  if (memcmp (ip, zeros, 15) == 0 && ip[15] <= 1)
    return ip[15] == 0 ? WZP_ADDR_UNSPECIFIED : WZP_ADDR_LOOPBACK;
  if (ip[0] == 0xff)
    return WZP_ADDR_MULTICAST;
  if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80)
    return WZP_ADDR_LINK_LOCAL;
  if ((ip[0] & 0xfe) == 0xfc)
    return WZP_ADDR_ULA;
  if ((ip[0] & 0xe0) == 0x20)
    return WZP_ADDR_GLOBAL;
  return WZP_ADDR_OTHER;
}

gboolean
wzp_addr_parse (const char *text, WzpAddr *ret_addr, GError **error)
{
  char ip[WZP_ADDR_MAX_STRLEN];
  const char *begin = text, *end, *colon;
  guint16 port = 0;
  WzpAddr addr;
  gboolean ok;

  g_return_val_if_fail (text != NULL, FALSE);

  if (text[0] == '[') {
    begin = text + 1;
    end = strchr (text, ']');
    colon = end != NULL && end[1] == ':' ? end + 1 : NULL;
  } else {
    end = colon = strchr (text, ':');
  }

  ok = colon != NULL && (gsize) (end - begin) < sizeof ip &&
      parse_port (colon + 1, &port);
  if (ok) {
    memcpy (ip, begin, (gsize) (end - begin));
    ip[end - begin] = '\0';
    /* The brackets say which family it is: "[1.2.3.4]:5" is malformed. */
    ok = (text[0] == '[') == (strchr (ip, ':') != NULL) &&
        wzp_addr_parse_ip (ip, port, &addr, NULL);
  }
  if (!ok) {
    return fail (error, text, "address and port");
  }
  *ret_addr = addr;
  return TRUE;
}

gboolean
wzp_addr_parse_ip (
    const char *text, guint16 port, WzpAddr *ret_addr, GError **error)
{
  WzpAddr addr = { .port = port };

  g_return_val_if_fail (text != NULL, FALSE);

  /* inet_pton() takes no white space, no leading zeros and no zone. */
  if (inet_pton (AF_INET, text, addr.ip) == 1) {
    addr.family = 4;
  } else if (inet_pton (AF_INET6, text, addr.ip) == 1) {
    addr.family = 6;
  } else {
    return fail (error, text, "IP address");
  }
  wzp_addr_canonicalise (&addr);
  *ret_addr = addr;
  return TRUE;
}

const char *
wzp_addr_to_string (const WzpAddr *addr, char buf[WZP_ADDR_MAX_STRLEN])
{
  char ip[INET6_ADDRSTRLEN];

  if (addr->family == 4 && inet_ntop (AF_INET, addr->ip, ip, sizeof ip))
    g_snprintf (buf, WZP_ADDR_MAX_STRLEN, "%s:%u", ip, addr->port);
  else if (addr->family == 6 && inet_ntop (AF_INET6, addr->ip, ip, sizeof ip) &&
      addr->scope_id != 0)
    g_snprintf (buf, WZP_ADDR_MAX_STRLEN, "[%s%%%u]:%u", ip, addr->scope_id,
        addr->port);
  else if (addr->family == 6)
    g_snprintf (buf, WZP_ADDR_MAX_STRLEN, "[%s]:%u", ip, addr->port);
  else
    g_strlcpy (buf, "unset", WZP_ADDR_MAX_STRLEN);
  return buf;
}

void
wzp_addr_canonicalise (WzpAddr *addr)
{
  if (addr->family == 6 &&
      memcmp (addr->ip, mapped_prefix, sizeof mapped_prefix) == 0) {
    addr->family = 4;
    memcpy (addr->ip, addr->ip + 12, 4);
    memset (addr->ip + 4, 0, 12);
  }
  if (addr->scope_id != 0 && wzp_addr_scope (addr) != WZP_ADDR_LINK_LOCAL)
    addr->scope_id = 0;
}

gboolean
wzp_addr_equal (const WzpAddr *a, const WzpAddr *b)
{
  return wzp_addr_equal_ip (a, b) && a->port == b->port;
}

gboolean
wzp_addr_equal_ip (const WzpAddr *a, const WzpAddr *b)
{
  return a->family == b->family && a->scope_id == b->scope_id &&
      memcmp (a->ip, b->ip, sizeof a->ip) == 0;
}

guint
wzp_addr_hash (const WzpAddr *addr)
{
  guint32 words[4], hash;

  memcpy (words, addr->ip, sizeof words);
  hash = (guint32) addr->port << 8 | addr->family;
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    hash = (hash ^ words[i]) * 0x9e3779b1u; /* 2^32 / golden ratio */
  return hash ^ addr->scope_id ^ hash >> 16;
}

WzpAddrScope
wzp_addr_scope (const WzpAddr *addr)
{
  if (addr->family == 4)
    return scope_of_ipv4 (addr->ip);
  if (addr->family != 6)
    return WZP_ADDR_UNSPECIFIED;
  if (memcmp (addr->ip, mapped_prefix, sizeof mapped_prefix) == 0)
    return scope_of_ipv4 (addr->ip + 12);
  return scope_of_ipv6 (addr->ip);
}
