/* wzp-udp: a UDP socket that moves batches: recvmmsg with UDP_GRO, sendmsg
 * with UDP_SEGMENT, ECN bits and local addresses both ways.
 *
 * Non-blocking. One thread. One socket per family: an IPv6 one has
 * IPV6_V6ONLY. Path MTU discovery is on without fragmentation
 * (IP_PMTUDISC_PROBE). */
#pragma once

#include "wzp-addr.h"

G_BEGIN_DECLS

#define WZP_UDP_MAX_PAYLOAD  65535u
#define WZP_UDP_RECV_BATCH   32u /* messages per recvmmsg */
#define WZP_UDP_MAX_SEGMENTS 64u /* UDP_MAX_SEGMENTS of the kernel */
#define WZP_UDP_BUFFER       (4u * 1024u * 1024u) /* bytes asked for */

typedef struct _WzpUdp WzpUdp;

typedef struct {
  gboolean no_gso; /* send one datagram per system call message */
  gboolean no_gro;
} WzpUdpOptions;

/* @addr: what to bind (port 0: any). G_IO_ERROR (ADDRESS_IN_USE and so on) with
 * the address in the message. @options nullable. */
WzpUdp *wzp_udp_new (
    const WzpAddr *addr, const WzpUdpOptions *options, GError **error);
/* Takes a bound, unconnected UDP socket that somebody else made (socket
 * activation); an IPv6 one must have IPV6_V6ONLY. @fd is closed by
 * wzp_udp_free(), and also when NULL is returned. G_IO_ERROR_INVALID_ARGUMENT
 * names what is wrong with it. */
WzpUdp *wzp_udp_new_from_fd (
    int fd, const WzpUdpOptions *options, GError **error);
void wzp_udp_free (WzpUdp *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpUdp, wzp_udp_free)

int wzp_udp_get_fd (const WzpUdp *self);
const WzpAddr *wzp_udp_get_local (const WzpUdp *self); /* as bound */
gboolean wzp_udp_has_gso (const WzpUdp *self);
gboolean wzp_udp_has_gro (const WzpUdp *self);
guint wzp_udp_get_recv_buffer (const WzpUdp *self); /* bytes the kernel gave */

/* One datagram received (a GRO batch is cut apart before). */
typedef struct {
  const guint8 *data; /* valid during the callback */
  gsize len;
  WzpAddr local;      /* address it was sent to; port: the socket's */
  WzpAddr remote;
  guint8 ecn;         /* the two ECN bits */
} WzpUdpPacket;

typedef void (*WzpUdpRecvFunc) (
    const WzpUdpPacket *packet, gpointer user_data);

/* Reads at most @max_messages messages (each maybe a GRO batch); returns how
 * many datagrams were handed out, 0 when there was nothing. Errors queued by
 * ICMP are taken off, counted and passed over. @func may not free @self. */
guint wzp_udp_recv (
    WzpUdp *self, guint max_messages, WzpUdpRecvFunc func, gpointer user_data);

typedef enum {
  WZP_UDP_SENT,
  WZP_UDP_BLOCKED,  /* EAGAIN: poll for writing, send the same again */
  WZP_UDP_TOO_BIG,  /* EMSGSIZE: larger than the path's MTU; dropped */
  WZP_UDP_FAILED,   /* ENETUNREACH and the like; dropped */
} WzpUdpResult;

/* Sends @len bytes at @data as datagrams of @segment bytes each (the last may
 * be shorter). One system call takes at most WZP_UDP_MAX_SEGMENTS and an IPv4
 * packet's worth of bytes; more is split into several. @remote is of the
 * socket's family. @local: nullable or unspecified: let the kernel choose the
 * source. When GSO is refused by the kernel at run time it is turned off and
 * the batch sent singly. @ret_sent (nullable): bytes sent, always whole
 * segments; less than @len unless SENT. After TOO_BIG and FAILED the rest is
 * dropped. */
WzpUdpResult wzp_udp_send (WzpUdp *self, const WzpAddr *local,
    const WzpAddr *remote, guint8 ecn, const guint8 *data, gsize len,
    gsize segment, gsize *ret_sent);

/* Sends one datagram that dies after @ttl hops (1 to 255). */
WzpUdpResult wzp_udp_send_ttl (WzpUdp *self, const WzpAddr *remote, guint8 ttl,
    const guint8 *data, gsize len);

typedef struct {
  guint64 datagrams_sent, bytes_sent, send_calls, send_errors;
  guint64 datagrams_received, bytes_received, recv_calls, icmp_errors;
  guint64 datagrams_dropped; /* received from where no answer can go: port 0,
                              * or an IPv4-mapped source over IPv6 */
} WzpUdpStats;
void wzp_udp_get_stats (const WzpUdp *self, WzpUdpStats *ret_stats);

G_END_DECLS
