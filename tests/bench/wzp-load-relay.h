/* wzp-load-relay: the relay under load: a process of its own, on a core of its
 * own where there are two. */
#pragma once

#include "wzp-addr.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _LoadRelay LoadRelay;

/* @path: the program. Moves this process to another core. */
LoadRelay *load_relay_new (const char *path, GError **error);
/* Ends it and waits for that. */
void load_relay_free (LoadRelay *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadRelay, load_relay_free)
const WzpAddr *load_relay_get_addr (const LoadRelay *self);
/* What it has in memory now, KiB; 0: it is gone. */
guint64 load_relay_get_rss_kib (const LoadRelay *self);

/* CPU time used so far. */
typedef struct {
  gint64 at_us, relay_us, own_us;
} LoadCpu;

void load_cpu_take (LoadCpu *ret_cpu, const LoadRelay *relay);
/* Shares of a core since @from: 0 to 1, for each thread. */
double load_cpu_relay_share (const LoadCpu *from, const LoadCpu *to);
double load_cpu_own_share (const LoadCpu *from, const LoadCpu *to);

G_END_DECLS
