#include "wzp-network-monitor.h"

#include "wzp-clock.h"
#include "wzp-sockaddr.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NETLINK_GROUPS                                                         \
  (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | \
      RTMGRP_IPV6_ROUTE)

/* Bytes; the kernel's largest message (NLMSG_GOODSIZE and above). */
#define NETLINK_BUFFER_LEN 32768u

/* Messages read before other sources have their turn. */
#define MAX_READS 64u

/* Seconds since 1970, in 2242; the kernel counts to 2262. */
#define NEVER_S (G_GINT64_CONSTANT (1) << 33)

typedef struct {
  GSource parent;
  WzpNetworkMonitor *monitor; /* which owns it */
} MonitorSource;

struct _WzpNetworkMonitor {
  GSource *source; /* owned */
  int netlink;     /* owned, rtnetlink */
  int timer;       /* owned, a timerfd, or -1: sleep is not told by itself */
  gpointer netlink_tag, timer_tag; /* owned by the source */
  guint16 port4, port6;
  WzpAddr bound; /* family 0: none */
  WzpNetworkChanged changed;
  gpointer user_data;

  WzpNetworkRule rule;
  WzpNetworkState *state; /* owned */
  guint8 *buf;            /* owned, aligned for struct nlmsghdr */
};

/* ---- looking ---- */

gboolean
wzp_network_find_source (const WzpAddr *remote, WzpAddr *ret_source)
{
  struct sockaddr_storage sa;
  socklen_t len = wzp_sockaddr_from_addr (remote, &sa);
  gboolean found;
  int fd;

  fd = len > 0 ? socket (sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
  if (fd < 0)
    return FALSE;
  /* Connecting sends nothing; it finds the route. */
  found = connect (fd, (struct sockaddr *) &sa, len) == 0;
  len = sizeof sa;
  found = found && getsockname (fd, (struct sockaddr *) &sa, &len) == 0 &&
      wzp_sockaddr_to_addr ((struct sockaddr *) &sa, len, ret_source);
  close (fd);
  if (found)
    ret_source->port = 0;
  return found;
}

/* The same for the world, of which an address of documentation (RFC 5737, RFC
 * 3849) is as good as any: nothing routes it otherwise than by default. */
static WzpAddr
find_source_outside (const char *outside)
{
  WzpAddr remote, source;

  if (wzp_addr_parse_ip (outside, 9, &remote, NULL) &&
      wzp_network_find_source (&remote, &source))
    return source;
  return (WzpAddr){ 0 };
}

static WzpNetworkState *
read_state (const WzpNetworkMonitor *self, GError **error)
{
  g_autoptr (GArray) addrs = wzp_interfaces_read (error);
  WzpAddr source4, source6;

  if (addrs == NULL)
    return NULL;
  source4 = find_source_outside ("192.0.2.1");
  source6 = find_source_outside ("2001:db8::1");
  return wzp_network_state_new ((const WzpInterfaceAddr *) addrs->data,
      addrs->len, &source4, &source6, self->port4, self->port6, &self->bound);
}

/* The monitor may be gone after. */
static void
look (WzpNetworkMonitor *self, gint64 slept_us)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpNetworkState) before = NULL;
  WzpNetworkState *now = read_state (self, &error);
  WzpNetworkChange change;

  if (now == NULL) {
    g_debug ("network monitor: %s", error->message);
    return;
  }
  if (slept_us == 0 && wzp_network_state_equal (self->state, now)) {
    wzp_network_state_free (now);
    return;
  }
  before = g_steal_pointer (&self->state);
  self->state = now;
  change =
      (WzpNetworkChange){ .before = before, .now = now, .slept_us = slept_us };
  self->changed (self, &change, self->user_data);
}

/* ---- what wakes it ---- */

/* Only the kernel is listened to: a process may write to the socket too. */
static gssize
receive (WzpNetworkMonitor *self)
{
  struct sockaddr_nl from = { 0 };
  socklen_t from_len = sizeof from;
  gssize n = recvfrom (self->netlink, self->buf, NETLINK_BUFFER_LEN,
      MSG_DONTWAIT, (struct sockaddr *) &from, &from_len);

  return n > 0 && from.nl_pid != 0 ? 0 : n;
}

/* Messages that were lost may have been anything. */
static WzpNetworkNews
read_netlink (WzpNetworkMonitor *self)
{
  WzpNetworkNews news = WZP_NETWORK_NEWS_NONE;

  for (guint i = 0; i < MAX_READS; i++) {
    gssize n = receive (self);

    if (n >= 0)
      news = MAX (news, wzp_network_news_parse (self->buf, (gsize) n));
    else if (errno == ENOBUFS)
      news = WZP_NETWORK_NEWS_LOSS;
    else if (errno != EINTR)
      break;
  }
  return news;
}

/* It is never to expire: only the setting of the clock ends it. */
static void
arm_timer (WzpNetworkMonitor *self)
{
  const struct itimerspec never = { .it_value.tv_sec = NEVER_S };

  if (self->timer >= 0 &&
      timerfd_settime (self->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
          &never, NULL) != 0)
    g_debug ("network monitor: timerfd: %s", g_strerror (errno));
}

static void
read_timer (WzpNetworkMonitor *self)
{
  guint64 count;

  while (read (self->timer, &count, sizeof count) < 0 && errno == EINTR)
    ;
  arm_timer (self);
}

static gboolean
dispatch_monitor (GSource *source, GSourceFunc func, gpointer user_data)
{
  WzpNetworkMonitor *self = ((MonitorSource *) source)->monitor;
  gint64 now_us = wzp_clock_now_us ();
  gint64 slept_us;
  gboolean is_due;

  g_source_set_ready_time (source, -1);
  if (self->timer >= 0 && g_source_query_unix_fd (source, self->timer_tag) != 0)
    read_timer (self);
  wzp_network_rule_news (&self->rule, read_netlink (self), now_us);
  is_due = wzp_network_rule_take (&self->rule, now_us);
  slept_us = wzp_network_rule_slept (&self->rule, wzp_clock_asleep_us ());
  g_source_set_ready_time (source, wzp_network_rule_get_deadline (&self->rule));
  if (is_due || slept_us > 0)
    look (self, slept_us);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs monitor_funcs = {
  .dispatch = dispatch_monitor,
};

/* ---- life ---- */

static int
open_netlink (GError **error)
{
  const struct sockaddr_nl local = { .nl_family = AF_NETLINK,
    .nl_groups = NETLINK_GROUPS };
  int fd = socket (
      AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  int code;

  if (fd >= 0 && bind (fd, (struct sockaddr *) &local, sizeof local) == 0)
    return fd;
  code = errno;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
      "Cannot listen to changes of the network: %s", g_strerror (code));
  if (fd >= 0)
    close (fd);
  return -1;
}

static void
attach (WzpNetworkMonitor *self, GMainContext *context)
{
  self->source = g_source_new (&monitor_funcs, sizeof (MonitorSource));
  ((MonitorSource *) self->source)->monitor = self;
  g_source_set_static_name (self->source, "wzp-network-monitor");
  self->netlink_tag =
      g_source_add_unix_fd (self->source, self->netlink, G_IO_IN);
  if (self->timer >= 0)
    self->timer_tag = g_source_add_unix_fd (self->source, self->timer, G_IO_IN);
  g_source_attach (self->source, context);
}

WzpNetworkMonitor *
wzp_network_monitor_new (GMainContext *context, guint16 port4, guint16 port6,
    const WzpAddr *bound, WzpNetworkChanged changed, gpointer user_data,
    GError **error)
{
  g_autoptr (WzpNetworkMonitor) self = NULL;

  g_return_val_if_fail (changed != NULL, NULL);

  self = g_new0 (WzpNetworkMonitor, 1);
  self->netlink = self->timer = -1;
  self->port4 = port4;
  self->port6 = port6;
  if (bound != NULL)
    self->bound = *bound;
  self->changed = changed;
  self->user_data = user_data;
  wzp_network_rule_init (&self->rule);

  /* Listening before looking, so that nothing is missed in between. */
  self->netlink = open_netlink (error);
  if (self->netlink < 0)
    return NULL;
  self->state = read_state (self, error);
  if (self->state == NULL)
    return NULL;
  self->buf = g_malloc (NETLINK_BUFFER_LEN);
  self->timer = timerfd_create (CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  arm_timer (self);
  wzp_network_rule_slept (&self->rule, wzp_clock_asleep_us ());
  attach (self, context);
  return g_steal_pointer (&self);
}

void
wzp_network_monitor_free (WzpNetworkMonitor *self)
{
  if (self == NULL)
    return;
  if (self->source != NULL) {
    g_source_destroy (self->source);
    g_source_unref (self->source);
  }
  if (self->netlink >= 0)
    close (self->netlink);
  if (self->timer >= 0)
    close (self->timer);
  wzp_network_state_free (self->state);
  g_free (self->buf);
  g_free (self);
}

const WzpNetworkState *
wzp_network_monitor_get_state (const WzpNetworkMonitor *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->state;
}
