/* wzp-clock: the one clock: microseconds of CLOCK_MONOTONIC. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gint64 wzp_clock_now_us (void);
guint64 wzp_clock_now_ns (void);
/* How long the machine has slept since its boot, when that clock stood still,
 * microseconds; a few off either way. */
gint64 wzp_clock_asleep_us (void);

G_END_DECLS
