/* wzp-network-monitor: tells when this machine's network is another one, and
 * when the machine has slept.
 *
 * Listens to rtnetlink (links, addresses, routes of both families) and to the
 * kernel's word that its clock was set, which it also says at the end of a
 * sleep: so it costs nothing while nothing happens, and wakes no idle machine.
 * When to look and what is another network: wzp-network-rule. In the thread of
 * the GMainContext given. */
#pragma once

#include "wzp-network-rule.h"

G_BEGIN_DECLS

typedef struct _WzpNetworkMonitor WzpNetworkMonitor;

typedef struct {
  const WzpNetworkState *before, *now; /* equal after a mere sleep */
  gint64 slept_us; /* 0: it has not slept */
} WzpNetworkChange;

/* May free the monitor. What @change points at is valid during the call. */
typedef void (*WzpNetworkChanged) (WzpNetworkMonitor *monitor,
    const WzpNetworkChange *change, gpointer user_data);

/* @context: nullable: the default one. The ports and @bound are as for
 * wzp_interfaces_gather(). Reads the state once. G_IO_ERROR: there is no
 * rtnetlink here, or the interfaces cannot be listed. */
WzpNetworkMonitor *wzp_network_monitor_new (GMainContext *context,
    guint16 port4, guint16 port6, const WzpAddr *bound,
    WzpNetworkChanged changed, gpointer user_data, GError **error);
void wzp_network_monitor_free (WzpNetworkMonitor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpNetworkMonitor, wzp_network_monitor_free)

/* As it was told last. */
const WzpNetworkState *wzp_network_monitor_get_state (
    const WzpNetworkMonitor *self);

/* The own address that packets to @remote would have now, port 0; FALSE: there
 * is no route to it. Sends nothing. */
gboolean wzp_network_find_source (const WzpAddr *remote, WzpAddr *ret_source);

G_END_DECLS
