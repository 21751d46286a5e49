#include "wzp-udp-source.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define N_SOCKETS 2

typedef struct {
  WzpUdp *udp;  /* not owned, or NULL */
  gpointer tag; /* owned by the source */
} Watch;

typedef struct {
  GSource parent;
  Watch watches[N_SOCKETS];
  int wake_fd;        /* owned, an eventfd */
  gpointer wake_tag;  /* owned by the source */
  int wake_pending;   /* atomic: whether wake_fd was written to and not read */
  int timer_fd;       /* owned, or -1: only GLib's milliseconds then */
  gpointer timer_tag; /* owned by the source */
  gint64 timer_us;    /* what timer_fd was last set to, monotonic */
  gint64 deadline_us; /* monotonic; -1: none */
  gboolean in_dispatch; /* the callback runs: not again inside it */
} WzpUdpSource;

/* Reads the counter of an eventfd or timerfd away. */
static void
drain (int fd)
{
  guint64 count;

  while (read (fd, &count, sizeof count) < 0 && errno == EINTR)
    ;
}

static WzpUdpSourceEvents
query_socket (GSource *source, Watch *watch)
{
  WzpUdpSourceEvents events = 0;
  GIOCondition got;

  if (watch->udp == NULL)
    return 0;

  got = g_source_query_unix_fd (source, watch->tag);
  if (got & (G_IO_IN | G_IO_ERR)) /* reading takes an error off */
    events |= WZP_UDP_SOURCE_READABLE;
  if (got & G_IO_OUT) {
    g_source_modify_unix_fd (source, watch->tag, G_IO_IN);
    events |= WZP_UDP_SOURCE_WRITABLE;
  }
  return events;
}

/* The eventfd is read before the flag is cleared: a wake() in between writes
 * nothing, but what its caller did before is seen by the callback that now
 * runs; one after it writes again. */
static WzpUdpSourceEvents
query_wake (WzpUdpSource *self)
{
  if (g_source_query_unix_fd (&self->parent, self->wake_tag) == 0)
    return 0;

  drain (self->wake_fd);
  g_atomic_int_set (&self->wake_pending, 0);
  return WZP_UDP_SOURCE_WOKEN;
}

static gboolean
is_expired (WzpUdpSource *self)
{
  return self->deadline_us >= 0 &&
      self->deadline_us <= g_source_get_time (&self->parent);
}

/* The timer only ends the poll; whether the deadline came is GLib's clock. */
static WzpUdpSourceEvents
query_deadline (WzpUdpSource *self)
{
  if (self->timer_fd >= 0 &&
      g_source_query_unix_fd (&self->parent, self->timer_tag) != 0)
    drain (self->timer_fd);

  if (!is_expired (self))
    return 0;

  /* It stays due until it is moved: a callback that sets none must not spin. */
  self->deadline_us = -1;
  return WZP_UDP_SOURCE_EXPIRED;
}

/* The deadline is told here and not by g_source_set_ready_time(), which wakes
 * the poll of the thread that calls it. */
static gboolean
prepare_source (GSource *source, int *ret_timeout_ms)
{
  WzpUdpSource *self = (WzpUdpSource *) source;
  gint64 left_us;

  *ret_timeout_ms = -1;
  if (self->deadline_us < 0)
    return FALSE;
  left_us = self->deadline_us - g_source_get_time (source);
  if (left_us <= 0)
    return TRUE;
  *ret_timeout_ms = (int) MIN ((left_us + 999) / 1000, G_MAXINT);
  return FALSE;
}

/* GLib itself looks at the file descriptors. */
static gboolean
check_source (GSource *source)
{
  return is_expired ((WzpUdpSource *) source);
}

static gboolean
dispatch_source (GSource *source, GSourceFunc func, gpointer user_data)
{
  WzpUdpSource *self = (WzpUdpSource *) source;
  WzpUdpSourceFunc callback = (WzpUdpSourceFunc) (void (*) (void)) func;
  WzpUdpSourceEvents events;
  gboolean again;

  if (callback == NULL)
    return G_SOURCE_REMOVE;
  if (self->in_dispatch)
    return G_SOURCE_CONTINUE; /* it is left for the next turn */

  events = query_wake (self) | query_deadline (self);
  for (guint i = 0; i < N_SOCKETS; i++)
    events |= query_socket (source, &self->watches[i]);

  /* A timer that was set for a deadline which has moved away. */
  if (events == 0)
    return G_SOURCE_CONTINUE;

  self->in_dispatch = TRUE;
  again = callback (events, user_data);
  self->in_dispatch = FALSE;
  return again;
}

static void
finalize_source (GSource *source)
{
  WzpUdpSource *self = (WzpUdpSource *) source;

  if (self->timer_fd >= 0)
    close (self->timer_fd);
  if (self->wake_fd >= 0)
    close (self->wake_fd);
}

static GSourceFuncs source_funcs = {
  .prepare = prepare_source,
  .check = check_source,
  .dispatch = dispatch_source,
  .finalize = finalize_source,
};

static void
watch_socket (GSource *source, Watch *watch, WzpUdp *udp)
{
  watch->udp = udp;
  if (udp != NULL)
    watch->tag = g_source_add_unix_fd (source, wzp_udp_get_fd (udp), G_IO_IN);
}

GSource *
wzp_udp_source_new (WzpUdp *v4, WzpUdp *v6)
{
  int wake_fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  GSource *source;
  WzpUdpSource *self;

  if (wake_fd < 0)
    return NULL;

  source = g_source_new (&source_funcs, sizeof (WzpUdpSource));
  g_source_set_static_name (source, "WzpUdpSource");
  self = (WzpUdpSource *) source;
  self->deadline_us = -1;
  /* Else GLib takes the file descriptors out of the poll during a dispatch and
   * wakes it to put them back: a turn of the loop more for each. */
  g_source_set_can_recurse (source, TRUE);
  self->wake_fd = wake_fd;
  self->wake_tag = g_source_add_unix_fd (source, wake_fd, G_IO_IN);
  self->timer_fd = timerfd_create (CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (self->timer_fd >= 0)
    self->timer_tag = g_source_add_unix_fd (source, self->timer_fd, G_IO_IN);
  watch_socket (source, &self->watches[0], v4);
  watch_socket (source, &self->watches[1], v6);

  return source;
}

static void
arm_timer (WzpUdpSource *self, gint64 deadline_us)
{
  const struct itimerspec when = {
    .it_value = { .tv_sec = deadline_us / G_USEC_PER_SEC,
        .tv_nsec = deadline_us % G_USEC_PER_SEC * 1000 },
  };

  if (deadline_us == self->timer_us)
    return;
  self->timer_us = deadline_us;
  timerfd_settime (self->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void
wzp_udp_source_set_deadline (GSource *source, gint64 deadline_us)
{
  WzpUdpSource *self = (WzpUdpSource *) source;
  gint64 left;

  g_return_if_fail (source != NULL);

  if (deadline_us < 0)
    deadline_us = -1;

  /* GLib rounds its poll timeout up to milliseconds, which is too coarse for
   * the pacing of packets. */
  left = deadline_us < 0 ? 0 : deadline_us - g_get_monotonic_time ();
  if (left > 0 && left < WZP_UDP_SOURCE_FINE_US && self->timer_fd >= 0)
    arm_timer (self, deadline_us);
  self->deadline_us = deadline_us;
}

void
wzp_udp_source_want_write (GSource *source, WzpUdp *udp)
{
  WzpUdpSource *self = (WzpUdpSource *) source;

  g_return_if_fail (source != NULL && udp != NULL);

  for (guint i = 0; i < N_SOCKETS; i++)
    if (self->watches[i].udp == udp)
      g_source_modify_unix_fd (
          source, self->watches[i].tag, G_IO_IN | G_IO_OUT);
}

void
wzp_udp_source_wake (GSource *source)
{
  WzpUdpSource *self = (WzpUdpSource *) source;
  const guint64 one = 1;

  g_return_if_fail (source != NULL);

  if (g_atomic_int_exchange (&self->wake_pending, 1) != 0)
    return;
  while (write (self->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
    ;
}
