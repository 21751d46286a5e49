/* wzp-bench-net: a network of its own: a loopback whose MTU is chosen. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Moves the calling thread, and the processes that it starts from now on, to a
 * new network namespace whose loopback has @mtu. Without root the first call
 * makes a user namespace too, which the kernel refuses a program that has
 * threads by then. */
gboolean bench_net_enter (guint mtu, GError **error);
/* The MTU of the loopback that the calling thread sees; 0: unknown. */
guint bench_net_get_mtu (void);
/* A UDP port of the loopback's that is free now; 0: none. */
guint bench_net_free_port (void);

G_END_DECLS
