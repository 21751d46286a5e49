/* Two UDP sockets on loopback, and what the second one received. */
#pragma once

#include "wzp-udp.h"

G_BEGIN_DECLS

#define UDP_PAIR_TIMEOUT_MS 5000

typedef struct {
  gsize len;
  guint8 *data; /* owned */
  WzpAddr local, remote;
  guint8 ecn;
} Datagram;

/* Binds a socket to an address given as text. */
WzpUdp *udp_open (const char *addr, const WzpUdpOptions *options);
/* Whether ::1 is there. */
gboolean udp_have_ipv6 (void);
WzpAddr udp_addr (const char *text);

GArray *udp_datagrams_new (void); /* of Datagram */
void udp_append (const WzpUdpPacket *packet, gpointer array);
/* Receives until there are @n of them; fails after UDP_PAIR_TIMEOUT_MS. */
void udp_receive (WzpUdp *udp, GArray *datagrams, guint n);
/* Waits for something to read. */
void udp_wait (WzpUdp *udp);

/* The byte at @offset of what is sent in these tests. */
static inline guint8
udp_pattern (gsize offset)
{
  return (guint8) (offset * 31 + (offset >> 8) * 7);
}
guint8 *udp_make_data (gsize len);
/* Asserts that the datagrams are @len bytes of the pattern in pieces of
 * @segment. */
void udp_assert_data (GArray *datagrams, gsize len, gsize segment);

G_END_DECLS
