/* wzp-lab-wire: the internet of a lab run. One process holds a TUN device in
 * each namespace that is connected to it and passes IP packets between them,
 * late, thinned out or not at all, as it is told on its standard input.
 *
 * It needs no sch_netem, which not every kernel has, and its losses come of the
 * run's seed. This header: the parts that know no policy. */
#pragma once

#include <glib.h>
#include <net/if.h>
#include <stdio.h>

G_BEGIN_DECLS

#define LAB_WIRE_MTU     65535u /* what a TUN device may hand over, bytes */
#define LAB_WIRE_SNAPLEN 256u   /* bytes of a packet kept in a capture */

/* An IP address as 16 bytes; IPv4 in the first four. */
typedef struct {
  int family; /* 4, 6 */
  guint8 ip[16];
} LabWireAddr;

/* Enters the namespace at @netns, opens there a TUN device called @name, and
 * comes back. The descriptor, -1: said on stderr why not. */
int lab_wire_open_tun (const char *netns, const char *name);
/* The same for a packet socket that sees all of @device. */
int lab_wire_open_tap (const char *netns, const char *device);

/* FALSE: not a whole IP packet. Destination in @ret_to. */
gboolean lab_wire_parse (
    const guint8 *packet, gsize len, LabWireAddr *ret_to, gboolean *ret_udp);
/* Takes @hops from the packet's time to live. FALSE: it does not reach so far. */
gboolean lab_wire_age (guint8 *packet, guint hops);
/* "Time exceeded" for @packet, from the router @from. Its length, 0: none is
 * to be sent (RFC 1122, section 3.2.2: not about ICMP itself). */
gsize lab_wire_time_exceeded (const guint8 *packet, gsize len,
    const LabWireAddr *from, guint8 ret_packet[1280]);

/* "198.51.100.0/24", and whether @addr is in it. */
gboolean lab_wire_parse_prefix (
    const char *text, LabWireAddr *ret_addr, guint *ret_bits);
gboolean lab_wire_in_prefix (
    const LabWireAddr *addr, const LabWireAddr *prefix, guint bits);

/* A capture in pcap's format; @link_type 1: Ethernet, 101: bare IP. NULL: said
 * on stderr why not. */
FILE *lab_wire_open_capture (const char *path, guint link_type);
void lab_wire_capture (FILE *capture, const guint8 *packet, gsize len);

G_END_DECLS
