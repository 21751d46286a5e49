/* wzp-relay-metrics: a relay's statistics as Prometheus reads them: its text
 * format, version 0.0.4. */
#pragma once

#include "wzp-relay.h"

G_BEGIN_DECLS

#define WZP_RELAY_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What the system says about this process; -1: it did not say. */
typedef struct {
  gint64 resident_bytes;
  gint64 cpu_us;     /* user and system */
  gint64 start_us;   /* since 1970 */
  gint64 open_fds, max_fds;
} WzpRelayProcess;

/* Reads /proc. Any thread. */
void wzp_relay_process_read (WzpRelayProcess *ret_process);

/* Newly allocated. Pure. */
char *wzp_relay_metrics_format (const WzpRelayStats *stats,
    const WzpRelayProcess *process, gboolean is_draining);

G_END_DECLS
