#include "wzp-udp.h"

#include "wzp-sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

/* The largest UDP payload in an IPv4 packet: 65535 - 20 - 8. The kernel holds a
 * GSO batch to it too; with IPv6 it would take 20 bytes more. */
#define MAX_CHUNK 65507u

/* Room for one received message. With GRO it may be that large whatever the
 * MTU; pages that are never written to cost nothing. */
#define SLOT_LEN 65536u
/* Bytes that each slot begins further on than a whole number of pages: else the
 * beginnings of all packets share the same few places of the CPU's caches. */
#define SLOT_SKEW 192u

#define ECN_MASK 0x03u /* RFC 3168, section 5 */

/* Bytes of the control messages received: packet info, traffic class, segment
 * size; twice that, since a kernel may add some that nobody asked for. */
#define RECV_CONTROL_LEN                                                       \
  (2 *                                                                         \
      (CMSG_SPACE (sizeof (struct in6_pktinfo)) +                              \
          2 * CMSG_SPACE (sizeof (int))))
#define SEND_CONTROL_LEN                                                       \
  (CMSG_SPACE (sizeof (struct in6_pktinfo)) + 2 * CMSG_SPACE (sizeof (int)))

typedef struct {
  _Alignas(struct cmsghdr) guint8 bytes[RECV_CONTROL_LEN];
} RecvControl;

typedef struct {
  _Alignas(struct cmsghdr) guint8 bytes[SEND_CONTROL_LEN];
} SendControl;

struct _WzpUdp {
  int fd;
  WzpAddr local;    /* as bound */
  gboolean has_gso; /* cleared when the kernel refuses it at run time */
  gboolean has_gro;
  guint recv_buffer; /* bytes */
  WzpUdpStats stats;

  guint8 *arena; /* WZP_UDP_RECV_BATCH slots of SLOT_LEN */
  struct mmsghdr messages[WZP_UDP_RECV_BATCH];
  struct iovec iov[WZP_UDP_RECV_BATCH];
  struct sockaddr_storage names[WZP_UDP_RECV_BATCH];
  RecvControl controls[WZP_UDP_RECV_BATCH];
};

/* What all datagrams of one wzp_udp_send() share. */
typedef struct {
  struct sockaddr_storage name;
  socklen_t name_len;
  SendControl control;
  gsize control_len; /* without the segment size */
} Envelope;

static gboolean
set_option (int fd, int level, int option, int value)
{
  return setsockopt (fd, level, option, &value, sizeof value) == 0;
}

/* The privileged option passes net.core.rmem_max, the other does not. */
static void
set_buffer (int fd, int forced_option, int option)
{
  if (!set_option (fd, SOL_SOCKET, forced_option, WZP_UDP_BUFFER) &&
      !set_option (fd, SOL_SOCKET, option, WZP_UDP_BUFFER))
    g_debug ("Socket buffer not set: %s", g_strerror (errno));
}

static guint
get_buffer (int fd)
{
  int value = 0;
  socklen_t len = sizeof value;

  if (getsockopt (fd, SOL_SOCKET, SO_RCVBUF, &value, &len) < 0)
    return 0;
  return value;
}

/* The options without which packets still flow: a kernel that lacks one costs
 * a feature (path MTU discovery, the source address of answers, ECN). */
static void
set_family_options (int fd, guint8 family)
{
  gboolean ok;

  if (family == 4)
    ok = set_option (fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE) &
        set_option (fd, IPPROTO_IP, IP_PKTINFO, 1) &
        set_option (fd, IPPROTO_IP, IP_RECVTOS, 1);
  else
    ok = set_option (fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE) &
        set_option (fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &
        set_option (fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);

  if (!ok)
    g_debug ("A socket option of IPv%u is missing", family);
}

static gboolean
kernel_has_gso (int fd)
{
  int value;
  socklen_t len = sizeof value;

  return getsockopt (fd, SOL_UDP, UDP_SEGMENT, &value, &len) == 0;
}

/* FALSE: neither IPv4 nor IPv6, or (with errno) no socket. */
static gboolean
get_local (int fd, WzpAddr *ret_local)
{
  struct sockaddr_storage name;
  socklen_t len = sizeof name;

  errno = 0;
  return getsockname (fd, (struct sockaddr *) &name, &len) == 0 &&
      wzp_sockaddr_to_addr ((struct sockaddr *) &name, len, ret_local);
}

static gboolean
bind_to (int fd, const WzpAddr *addr, WzpAddr *ret_local)
{
  struct sockaddr_storage name;
  socklen_t len = wzp_sockaddr_from_addr (addr, &name);

  if (addr->family == 6 && !set_option (fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
    return FALSE;
  return bind (fd, (struct sockaddr *) &name, len) == 0 &&
      get_local (fd, ret_local);
}

static void
allocate_receiver (WzpUdp *self)
{
  self->arena = g_malloc ((gsize) WZP_UDP_RECV_BATCH * (SLOT_LEN + SLOT_SKEW));

  for (guint i = 0; i < WZP_UDP_RECV_BATCH; i++) {
    struct msghdr *header = &self->messages[i].msg_hdr;

    self->iov[i].iov_base = self->arena + (gsize) i * (SLOT_LEN + SLOT_SKEW);
    self->iov[i].iov_len = SLOT_LEN;
    header->msg_iov = &self->iov[i];
    header->msg_iovlen = 1;
    header->msg_name = &self->names[i];
    header->msg_control = &self->controls[i];
  }
}

/* The socket is bound; the rest. */
static void
set_up (WzpUdp *self, const WzpUdpOptions *options)
{
  set_buffer (self->fd, SO_RCVBUFFORCE, SO_RCVBUF);
  set_buffer (self->fd, SO_SNDBUFFORCE, SO_SNDBUF);
  set_family_options (self->fd, self->local.family);
  self->recv_buffer = get_buffer (self->fd);
  self->has_gso =
      (options == NULL || !options->no_gso) && kernel_has_gso (self->fd);
  self->has_gro = (options == NULL || !options->no_gro) &&
      set_option (self->fd, SOL_UDP, UDP_GRO, 1);
  allocate_receiver (self);
}

WzpUdp *
wzp_udp_new (const WzpAddr *addr, const WzpUdpOptions *options, GError **error)
{
  g_autoptr (WzpUdp) self = NULL;
  char text[WZP_ADDR_MAX_STRLEN];

  g_return_val_if_fail (addr != NULL, NULL);
  g_return_val_if_fail (addr->family == 4 || addr->family == 6, NULL);

  self = g_new0 (WzpUdp, 1);
  self->fd = socket (addr->family == 4 ? AF_INET : AF_INET6,
      SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  if (self->fd < 0 || !bind_to (self->fd, addr, &self->local)) {
    int code = errno;

    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
        "Cannot open UDP %s: %s", wzp_addr_to_string (addr, text),
        g_strerror (code));
    return NULL;
  }

  set_up (self, options);
  return g_steal_pointer (&self);
}

static gboolean
has_option (int fd, int level, int option, int wanted)
{
  int value = 0;
  socklen_t len = sizeof value;

  return getsockopt (fd, level, option, &value, &len) == 0 && value == wanted;
}

/* Why a socket that somebody else made is of no use, NULL: it is. */
static const char *
find_fault (int fd, const WzpAddr *local)
{
  struct sockaddr_storage name;
  socklen_t len = sizeof name;

  if (!has_option (fd, SOL_SOCKET, SO_TYPE, SOCK_DGRAM) ||
      !has_option (fd, SOL_SOCKET, SO_PROTOCOL, IPPROTO_UDP))
    return "not a UDP socket";
  if (local->port == 0)
    return "not bound to a port";
  if (getpeername (fd, (struct sockaddr *) &name, &len) == 0)
    return "connected";
  /* It cannot be changed once it is bound. */
  if (local->family == 6 && !has_option (fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
    return "for IPv4 and IPv6 at once (systemd: BindIPv6Only=ipv6-only, and a "
           "second ListenDatagram= for IPv4)";
  return NULL;
}

WzpUdp *
wzp_udp_new_from_fd (int fd, const WzpUdpOptions *options, GError **error)
{
  g_autoptr (WzpUdp) self = g_new0 (WzpUdp, 1);
  const char *fault;

  self->fd = fd;
  if (!get_local (fd, &self->local))
    fault = errno != 0 ? g_strerror (errno) : "neither IPv4 nor IPv6";
  else
    fault = find_fault (fd, &self->local);
  if (fault == NULL &&
      (fcntl (fd, F_SETFD, FD_CLOEXEC) < 0 ||
          !g_unix_set_fd_nonblocking (fd, TRUE, NULL)))
    fault = g_strerror (errno);
  if (fault != NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "Cannot use file descriptor %d: %s", fd, fault);
    return NULL;
  }

  set_up (self, options);
  return g_steal_pointer (&self);
}

void
wzp_udp_free (WzpUdp *self)
{
  if (self == NULL)
    return;

  if (self->fd >= 0)
    close (self->fd);
  g_free (self->arena);
  g_free (self);
}

int
wzp_udp_get_fd (const WzpUdp *self)
{
  g_return_val_if_fail (self != NULL, -1);
  return self->fd;
}

const WzpAddr *
wzp_udp_get_local (const WzpUdp *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return &self->local;
}

gboolean
wzp_udp_has_gso (const WzpUdp *self)
{
  g_return_val_if_fail (self != NULL, FALSE);
  return self->has_gso;
}

gboolean
wzp_udp_has_gro (const WzpUdp *self)
{
  g_return_val_if_fail (self != NULL, FALSE);
  return self->has_gro;
}

guint
wzp_udp_get_recv_buffer (const WzpUdp *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->recv_buffer;
}

void
wzp_udp_get_stats (const WzpUdp *self, WzpUdpStats *ret_stats)
{
  g_return_if_fail (self != NULL && ret_stats != NULL);
  *ret_stats = self->stats;
}

/* Receiving */

static int
get_int (struct cmsghdr *cmsg)
{
  int value = 0;

  if (cmsg->cmsg_len >= CMSG_LEN (sizeof value))
    memcpy (&value, CMSG_DATA (cmsg), sizeof value);
  return value;
}

static void
read_pktinfo4 (struct cmsghdr *cmsg, WzpUdpPacket *packet)
{
  struct in_pktinfo info;

  if (cmsg->cmsg_len < CMSG_LEN (sizeof info))
    return;
  memcpy (&info, CMSG_DATA (cmsg), sizeof info);
  /* Not ipi_addr: for a broadcast that is no address to answer from. */
  memcpy (packet->local.ip, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
}

static void
read_pktinfo6 (struct cmsghdr *cmsg, WzpUdpPacket *packet)
{
  struct in6_pktinfo info;

  if (cmsg->cmsg_len < CMSG_LEN (sizeof info))
    return;
  memcpy (&info, CMSG_DATA (cmsg), sizeof info);
  memcpy (packet->local.ip, &info.ipi6_addr, sizeof info.ipi6_addr);
  packet->local.scope_id =
      IN6_IS_ADDR_LINKLOCAL (&info.ipi6_addr) ? info.ipi6_ifindex : 0;
}

/* Fills local and ecn; returns the bytes of a segment, 0 for no batch. */
static gsize
read_control (struct msghdr *header, WzpUdpPacket *packet)
{
  int segment = 0;

  for (struct cmsghdr *cmsg = CMSG_FIRSTHDR (header); cmsg != NULL;
       cmsg = CMSG_NXTHDR (header, cmsg)) {
    int level = cmsg->cmsg_level, type = cmsg->cmsg_type;

    if (level == IPPROTO_IP && type == IP_PKTINFO)
      read_pktinfo4 (cmsg, packet);
    else if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO)
      read_pktinfo6 (cmsg, packet);
    else if (level == IPPROTO_IP && type == IP_TOS) /* one byte, not an int */
      packet->ecn = *CMSG_DATA (cmsg) & ECN_MASK;
    else if (level == IPPROTO_IPV6 && type == IPV6_TCLASS)
      packet->ecn = get_int (cmsg) & ECN_MASK;
    else if (level == SOL_UDP && type == UDP_GRO)
      segment = get_int (cmsg);
  }

  return MAX (segment, 0);
}

/* Cuts one message apart; returns the datagrams handed out. */
static guint
hand_out (WzpUdp *self, const struct mmsghdr *message, WzpUdpRecvFunc func,
    gpointer user_data)
{
  struct msghdr header = message->msg_hdr;
  WzpUdpPacket packet = { .local = self->local };
  const guint8 *data = header.msg_iov->iov_base;
  gsize left = message->msg_len;
  gsize segment;
  guint n = 0;

  /* An IPv4-mapped source on an IPv6 socket, or port 0: nothing that could be
   * answered. */
  if (!wzp_sockaddr_to_addr (
          header.msg_name, header.msg_namelen, &packet.remote) ||
      packet.remote.family != self->local.family || packet.remote.port == 0) {
    self->stats.datagrams_dropped++;
    return 0;
  }

  segment = read_control (&header, &packet);
  if (segment == 0)
    segment = left;
  do {
    packet.data = data;
    packet.len = MIN (segment, left);
    data += packet.len;
    left -= packet.len;
    n++;
    self->stats.datagrams_received++;
    self->stats.bytes_received += packet.len;
    func (&packet, user_data);
  } while (left > 0);

  return n;
}

static int
receive_batch (WzpUdp *self, guint n)
{
  for (guint i = 0; i < n; i++) {
    self->messages[i].msg_hdr.msg_namelen = sizeof self->names[i];
    self->messages[i].msg_hdr.msg_controllen = sizeof self->controls[i];
  }
  self->stats.recv_calls++;
  return recvmmsg (self->fd, self->messages, n, MSG_DONTWAIT, NULL);
}

guint
wzp_udp_recv (
    WzpUdp *self, guint max_messages, WzpUdpRecvFunc func, gpointer user_data)
{
  guint handed_out = 0;

  g_return_val_if_fail (self != NULL && func != NULL, 0);

  while (max_messages > 0) {
    guint batch = MIN (max_messages, WZP_UDP_RECV_BATCH);
    int n = receive_batch (self, batch);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      break;
    if (n < 0) {
      /* Reading took it off the socket. It counts as a message, so that an
       * error which stays does not keep us here. */
      if (errno != EINTR)
        self->stats.icmp_errors++;
      max_messages--;
      continue;
    }

    for (int i = 0; i < n; i++)
      handed_out += hand_out (self, &self->messages[i], func, user_data);
    max_messages -= n;
    if ((guint) n < batch)
      break; /* empty: spares the call that would say so */
  }

  return handed_out;
}

/* Sending */

static gboolean
is_unspecified (const WzpAddr *addr)
{
  static const guint8 zero[sizeof addr->ip];

  return addr->family == 0 || memcmp (addr->ip, zero, sizeof zero) == 0;
}

static void
append_control (
    Envelope *envelope, int level, int type, const void *data, gsize len)
{
  struct cmsghdr *cmsg =
      (struct cmsghdr *) (envelope->control.bytes + envelope->control_len);

  cmsg->cmsg_level = level;
  cmsg->cmsg_type = type;
  cmsg->cmsg_len = CMSG_LEN (len);
  memcpy (CMSG_DATA (cmsg), data, len);
  envelope->control_len += CMSG_SPACE (len);
}

static void
append_source (Envelope *envelope, const WzpAddr *local)
{
  if (local->family == 4) {
    struct in_pktinfo info = { 0 };

    memcpy (&info.ipi_spec_dst, local->ip, sizeof info.ipi_spec_dst);
    append_control (envelope, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  } else {
    struct in6_pktinfo info = { .ipi6_ifindex = local->scope_id };

    memcpy (&info.ipi6_addr, local->ip, sizeof info.ipi6_addr);
    append_control (envelope, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
  }
}

static void
fill_envelope (
    Envelope *envelope, const WzpAddr *local, const WzpAddr *remote, guint8 ecn)
{
  int traffic_class = ecn & ECN_MASK;

  memset (&envelope->control, 0, sizeof envelope->control);
  envelope->control_len = 0;
  envelope->name_len = wzp_sockaddr_from_addr (remote, &envelope->name);

  if (local != NULL && local->family == remote->family &&
      !is_unspecified (local))
    append_source (envelope, local);
  if (traffic_class != 0 && remote->family == 4)
    append_control (
        envelope, IPPROTO_IP, IP_TOS, &traffic_class, sizeof traffic_class);
  else if (traffic_class != 0)
    append_control (envelope, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class,
        sizeof traffic_class);
}

static void
fill_header (struct msghdr *header, Envelope *envelope, struct iovec *iov,
    const guint8 *data, gsize len)
{
  *iov = (struct iovec){ .iov_base = (void *) data, .iov_len = len };
  *header = (struct msghdr){
    .msg_name = &envelope->name,
    .msg_namelen = envelope->name_len,
    .msg_iov = iov,
    .msg_iovlen = 1,
    .msg_control = envelope->control_len > 0 ? &envelope->control : NULL,
    .msg_controllen = envelope->control_len,
  };
}

static void
count_sent (WzpUdp *self, gsize bytes, gsize segment)
{
  self->stats.bytes_sent += bytes;
  self->stats.datagrams_sent += (bytes + segment - 1) / segment;
}

static WzpUdpResult
result_of_errno (int code)
{
  switch (code) {
    case EAGAIN:
      return WZP_UDP_BLOCKED;
    case EMSGSIZE:
      return WZP_UDP_TOO_BIG;
    default:
      return WZP_UDP_FAILED;
  }
}

/* One system call for all; FALSE with errno. */
static gboolean
send_segmented (WzpUdp *self, const Envelope *envelope, const guint8 *data,
    gsize len, gsize segment)
{
  Envelope own = *envelope;
  guint16 size = segment;
  struct msghdr header;
  struct iovec iov;
  gssize n;

  if (len > segment)
    append_control (&own, SOL_UDP, UDP_SEGMENT, &size, sizeof size);
  fill_header (&header, &own, &iov, data, len);
  do {
    self->stats.send_calls++;
    n = sendmsg (self->fd, &header, MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  return n >= 0;
}

/* One message per datagram; 0 or an errno. @ret_sent: bytes, in any case. */
static int
send_singly (WzpUdp *self, Envelope *envelope, const guint8 *data, gsize len,
    gsize segment, gsize *ret_sent)
{
  struct mmsghdr messages[WZP_UDP_MAX_SEGMENTS];
  struct iovec iov[WZP_UDP_MAX_SEGMENTS];
  guint n = 0, done = 0;
  int code = 0;

  for (gsize offset = 0; offset < len; offset += segment, n++)
    fill_header (&messages[n].msg_hdr, envelope, &iov[n], data + offset,
        MIN (segment, len - offset));

  while (done < n && code == 0) {
    int sent;

    self->stats.send_calls++;
    sent = sendmmsg (self->fd, messages + done, n - done, MSG_DONTWAIT);
    if (sent > 0)
      done += sent;
    else if (errno != EINTR)
      code = errno;
  }

  *ret_sent = MIN (done * segment, len);
  return code;
}

/* Sends a part that the kernel takes as one GSO batch; 0 or an errno. */
static int
send_chunk (WzpUdp *self, Envelope *envelope, const guint8 *data, gsize len,
    gsize segment, gsize *ret_sent)
{
  int code, gso_code = 0;

  if (self->has_gso || len <= segment) {
    if (send_segmented (self, envelope, data, len, segment)) {
      *ret_sent = len;
      return 0;
    }
    *ret_sent = 0;
    gso_code = errno;
    if (len <= segment ||
        (gso_code != EIO && gso_code != EINVAL && gso_code != ENOPROTOOPT))
      return gso_code;
  }

  /* Without a path that offloads checksums the kernel says EIO, before 6.13 it
   * says EINVAL to a segment above the MTU: only what goes through without GSO
   * shows that GSO was at fault. */
  code = send_singly (self, envelope, data, len, segment, ret_sent);
  if (gso_code != 0 && *ret_sent > 0) {
    g_debug ("GSO turned off: %s", g_strerror (gso_code));
    self->has_gso = FALSE;
  }
  return code;
}

WzpUdpResult
wzp_udp_send (WzpUdp *self, const WzpAddr *local, const WzpAddr *remote,
    guint8 ecn, const guint8 *data, gsize len, gsize segment, gsize *ret_sent)
{
  Envelope envelope;
  gsize max_chunk, sent = 0;
  int code = 0;

  g_return_val_if_fail (self != NULL && remote != NULL, WZP_UDP_FAILED);
  g_return_val_if_fail (remote->family == self->local.family, WZP_UDP_FAILED);
  g_return_val_if_fail (data != NULL && len > 0, WZP_UDP_FAILED);
  g_return_val_if_fail (segment > 0, WZP_UDP_FAILED);

  segment = MIN (segment, len);
  max_chunk =
      MIN (WZP_UDP_MAX_SEGMENTS, MAX (MAX_CHUNK / segment, 1)) * segment;
  fill_envelope (&envelope, local, remote, ecn);

  while (sent < len && code == 0) {
    gsize chunk = MIN (max_chunk, len - sent), part = 0;

    code = send_chunk (self, &envelope, data + sent, chunk, segment, &part);
    count_sent (self, part, segment);
    sent += part;
  }

  if (ret_sent != NULL)
    *ret_sent = sent;
  if (code == 0)
    return WZP_UDP_SENT;
  if (result_of_errno (code) != WZP_UDP_BLOCKED)
    self->stats.send_errors++;
  return result_of_errno (code);
}

WzpUdpResult
wzp_udp_send_ttl (WzpUdp *self, const WzpAddr *remote, guint8 ttl,
    const guint8 *data, gsize len)
{
  const int hops = ttl;
  Envelope envelope;

  g_return_val_if_fail (self != NULL && remote != NULL, WZP_UDP_FAILED);
  g_return_val_if_fail (remote->family == self->local.family, WZP_UDP_FAILED);
  g_return_val_if_fail (data != NULL && len > 0 && ttl > 0, WZP_UDP_FAILED);

  fill_envelope (&envelope, NULL, remote, 0);
  if (remote->family == 4)
    append_control (&envelope, IPPROTO_IP, IP_TTL, &hops, sizeof hops);
  else
    append_control (&envelope, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof hops);
  if (send_segmented (self, &envelope, data, len, len)) {
    count_sent (self, len, len);
    return WZP_UDP_SENT;
  }
  if (result_of_errno (errno) != WZP_UDP_BLOCKED)
    self->stats.send_errors++;
  return result_of_errno (errno);
}
