/* wzp-udp-source: the GSource that drives an endpoint: up to two UDP sockets,
 * one deadline, and one wake-up from other threads. */
#pragma once

#include "wzp-udp.h"

G_BEGIN_DECLS

typedef enum {
  WZP_UDP_SOURCE_READABLE = 1 << 0,
  WZP_UDP_SOURCE_WRITABLE = 1 << 1, /* a socket that was blocked may go on */
  WZP_UDP_SOURCE_EXPIRED = 1 << 2,  /* the deadline came */
  WZP_UDP_SOURCE_WOKEN = 1 << 3,    /* wzp_udp_source_wake() was called */
} WzpUdpSourceEvents;

typedef gboolean (*WzpUdpSourceFunc) (
    WzpUdpSourceEvents events, gpointer user_data);

/* @v4, @v6: nullable, not owned, must outlive the source. Set the callback by
 * g_source_set_callback ((GSourceFunc) a WzpUdpSourceFunc); it may destroy the
 * source. NULL with errno when there is no file descriptor left. */
GSource *wzp_udp_source_new (WzpUdp *v4, WzpUdp *v6);
/* Monotonic microseconds; -1: none. The deadline is cleared before each
 * dispatch that it caused. One less than WZP_UDP_SOURCE_FINE_US away is kept to
 * the microsecond by a timer of its own, others to GLib's millisecond (never
 * early). Cheapest inside the callback. Owner thread. */
#define WZP_UDP_SOURCE_FINE_US 2000
void wzp_udp_source_set_deadline (GSource *source, gint64 deadline_us);
/* Poll @udp for writing until it is writable. Owner thread. */
void wzp_udp_source_want_write (GSource *source, WzpUdp *udp);
/* Any thread that holds a reference. Cheap when a wake-up is already pending: one atomic exchange and
 * no system call. */
void wzp_udp_source_wake (GSource *source);

G_END_DECLS
