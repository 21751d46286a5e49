/* Namespaces, devices, packets and captures of wzp-lab-wire. */
#include "wzp-lab-wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PCAP_MAGIC 0xa1b2c3d4u
/* RFC 792 and RFC 4443: the head of the packet that it is about. */
#define QUOTED_LEN 64u
#define ROUTER_TTL 64u

typedef struct {
  guint32 magic;
  guint16 major, minor;
  guint32 zone, accuracy, snaplen, link_type;
} PcapHeader;

typedef struct {
  guint32 s, us, kept, len;
} PcapRecord;

static int
complain (const char *what, const char *name)
{
  fprintf (stderr, "%s %s: %s\n", what, name, g_strerror (errno));
  return -1;
}

/* Returns a descriptor of the namespace that was left, -1: not entered. */
static int
enter (const char *netns)
{
  int own = open ("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int other = open (netns, O_RDONLY | O_CLOEXEC);

  if (own < 0 || other < 0 || setns (other, CLONE_NEWNET) != 0) {
    complain ("namespace", netns);
    if (own >= 0)
      close (own);
    own = -1;
  }
  if (other >= 0)
    close (other);
  return own;
}

static void
leave (int own)
{
  if (setns (own, CLONE_NEWNET) != 0)
    g_error ("cannot come back from a namespace: %s", g_strerror (errno));
  close (own);
}

int
lab_wire_open_tun (const char *netns, const char *name)
{
  struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
  int fd, own = enter (netns);

  if (own < 0)
    return -1;
  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  fd = open ("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    complain ("open", "/dev/net/tun");
  } else if (ioctl (fd, TUNSETIFF, &request) != 0) {
    complain ("TUN device", name);
    close (fd);
    fd = -1;
  }
  leave (own);
  return fd;
}

int
lab_wire_open_tap (const char *netns, const char *device)
{
  struct sockaddr_ll addr = { .sll_family = AF_PACKET,
    .sll_protocol = htons (ETH_P_ALL) };
  int fd, own = enter (netns);

  if (own < 0)
    return -1;
  fd = socket (AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  addr.sll_ifindex = (int) if_nametoindex (device);
  if (fd < 0 || bind (fd, (struct sockaddr *) &addr, sizeof addr) != 0) {
    complain ("packet socket", device);
    if (fd >= 0)
      close (fd);
    fd = -1;
  }
  leave (own);
  return fd;
}

gboolean
lab_wire_parse (
    const guint8 *packet, gsize len, LabWireAddr *ret_to, gboolean *ret_udp)
{
  memset (ret_to, 0, sizeof *ret_to);
  if (len >= sizeof (struct ip) && packet[0] >> 4 == 4) {
    const struct ip *head = (const struct ip *) packet;

    ret_to->family = 4;
    memcpy (ret_to->ip, &head->ip_dst, 4);
    *ret_udp = head->ip_p == IPPROTO_UDP;
    return TRUE;
  }
  if (len >= sizeof (struct ip6_hdr) && packet[0] >> 4 == 6) {
    const struct ip6_hdr *head = (const struct ip6_hdr *) packet;

    ret_to->family = 6;
    memcpy (ret_to->ip, &head->ip6_dst, 16);
    *ret_udp = head->ip6_nxt == IPPROTO_UDP;
    return TRUE;
  }
  return FALSE;
}

/* RFC 1071, over what @sum has already. */
static guint32
add_words (guint32 sum, const guint8 *data, gsize len)
{
  for (gsize i = 0; i + 1 < len; i += 2)
    sum += (guint32) data[i] << 8 | data[i + 1];
  if (len % 2 != 0)
    sum += (guint32) data[len - 1] << 8;
  return sum;
}

static guint16
fold (guint32 sum)
{
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return htons ((guint16) ~sum);
}

gboolean
lab_wire_age (guint8 *packet, guint hops)
{
  if (packet[0] >> 4 == 4) {
    struct ip *head = (struct ip *) packet;

    if (head->ip_ttl <= hops)
      return FALSE;
    head->ip_ttl = (guint8) (head->ip_ttl - hops);
    head->ip_sum = 0;
    head->ip_sum = fold (add_words (0, packet, head->ip_hl * 4u));
  } else {
    struct ip6_hdr *head = (struct ip6_hdr *) packet;

    if (head->ip6_hlim <= hops)
      return FALSE;
    head->ip6_hlim = (guint8) (head->ip6_hlim - hops);
  }
  return TRUE;
}

static gsize
exceeded_v4 (const guint8 *packet, gsize len, const LabWireAddr *from,
    guint8 *ret_packet)
{
  const struct ip *about = (const struct ip *) packet;
  struct ip *head = (struct ip *) ret_packet;
  struct icmphdr *icmp = (struct icmphdr *) (head + 1);
  gsize quoted = MIN (len, QUOTED_LEN);
  gsize total = sizeof *head + sizeof *icmp + quoted;

  if (about->ip_p == IPPROTO_ICMP)
    return 0;
  *head = (struct ip){ .ip_v = 4,
    .ip_hl = 5,
    .ip_len = htons ((guint16) total),
    .ip_ttl = ROUTER_TTL,
    .ip_p = IPPROTO_ICMP,
    .ip_dst = about->ip_src };
  memcpy (&head->ip_src, from->ip, 4);
  head->ip_sum = fold (add_words (0, ret_packet, sizeof *head));
  *icmp = (struct icmphdr){ .type = ICMP_TIME_EXCEEDED };
  memcpy (icmp + 1, packet, quoted);
  icmp->checksum =
      fold (add_words (0, (const guint8 *) icmp, sizeof *icmp + quoted));
  return total;
}

static gsize
exceeded_v6 (const guint8 *packet, gsize len, const LabWireAddr *from,
    guint8 *ret_packet)
{
  const struct ip6_hdr *about = (const struct ip6_hdr *) packet;
  struct ip6_hdr *head = (struct ip6_hdr *) ret_packet;
  struct icmp6_hdr *icmp = (struct icmp6_hdr *) (head + 1);
  gsize quoted = MIN (len, QUOTED_LEN);
  gsize payload = sizeof *icmp + quoted;
  guint32 sum;

  if (about->ip6_nxt == IPPROTO_ICMPV6)
    return 0;
  memset (head, 0, sizeof *head);
  head->ip6_flow = htonl (6u << 28);
  head->ip6_plen = htons ((guint16) payload);
  head->ip6_nxt = IPPROTO_ICMPV6;
  head->ip6_hlim = ROUTER_TTL;
  memcpy (&head->ip6_src, from->ip, 16);
  head->ip6_dst = about->ip6_src;
  memset (icmp, 0, sizeof *icmp);
  icmp->icmp6_type = ICMP6_TIME_EXCEEDED;
  memcpy (icmp + 1, packet, quoted);
  /* With the pseudo-header of RFC 8200, section 8.1. */
  sum = add_words (0, (const guint8 *) &head->ip6_src, 32);
  sum += (guint32) payload + IPPROTO_ICMPV6;
  icmp->icmp6_cksum = fold (add_words (sum, (const guint8 *) icmp, payload));
  return sizeof *head + payload;
}

gsize
lab_wire_time_exceeded (const guint8 *packet, gsize len,
    const LabWireAddr *from, guint8 ret_packet[1280])
{
  return packet[0] >> 4 == 4 ? exceeded_v4 (packet, len, from, ret_packet)
                             : exceeded_v6 (packet, len, from, ret_packet);
}

gboolean
lab_wire_parse_prefix (const char *text, LabWireAddr *ret_addr, guint *ret_bits)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", 2);
  guint64 bits;

  memset (ret_addr, 0, sizeof *ret_addr);
  if (parts[0] != NULL && inet_pton (AF_INET, parts[0], ret_addr->ip) == 1)
    ret_addr->family = 4;
  else if (parts[0] != NULL &&
      inet_pton (AF_INET6, parts[0], ret_addr->ip) == 1)
    ret_addr->family = 6;
  else
    return FALSE;
  bits = ret_addr->family == 4 ? 32 : 128;
  if (parts[1] != NULL &&
      !g_ascii_string_to_unsigned (parts[1], 10, 0, bits, &bits, NULL))
    return FALSE;
  *ret_bits = (guint) bits;
  return TRUE;
}

gboolean
lab_wire_in_prefix (
    const LabWireAddr *addr, const LabWireAddr *prefix, guint bits)
{
  const guint whole = bits / 8, rest = bits % 8;

  return addr->family == prefix->family &&
      memcmp (addr->ip, prefix->ip, whole) == 0 &&
      (rest == 0 || (addr->ip[whole] ^ prefix->ip[whole]) >> (8 - rest) == 0);
}

FILE *
lab_wire_open_capture (const char *path, guint link_type)
{
  const PcapHeader header = { PCAP_MAGIC, 2, 4, 0, 0, LAB_WIRE_SNAPLEN,
    link_type };
  FILE *capture = fopen (path, "we");

  if (capture == NULL) {
    complain ("capture", path);
    return NULL;
  }
  fwrite (&header, sizeof header, 1, capture);
  return capture;
}

void
lab_wire_capture (FILE *capture, const guint8 *packet, gsize len)
{
  const gint64 now_us = g_get_real_time ();
  const PcapRecord record = { (guint32) (now_us / G_USEC_PER_SEC),
    (guint32) (now_us % G_USEC_PER_SEC), (guint32) MIN (len, LAB_WIRE_SNAPLEN),
    (guint32) len };

  fwrite (&record, sizeof record, 1, capture);
  fwrite (packet, record.kept, 1, capture);
}
