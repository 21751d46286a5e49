/* wzp-relay-notify: the service manager's side of the program: sd_notify(3) by
 * its protocol (datagrams to $NOTIFY_SOCKET), sd_watchdog_enabled(3), and
 * sd_listen_fds(3), without libsystemd. What changes the environment is to be
 * called before the process has a second thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_RELAY_MAX_SOCKETS 2u /* one of each family */

typedef struct _WzpRelayNotify WzpRelayNotify;

/* Reads and unsets $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID: children
 * are not to speak for us. Without a manager nothing is ever sent. */
WzpRelayNotify *wzp_relay_notify_new (void);
void wzp_relay_notify_free (WzpRelayNotify *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelayNotify, wzp_relay_notify_free)

/* Whether somebody listens. */
gboolean wzp_relay_notify_is_on (const WzpRelayNotify *self);
/* How often at least the manager wants a WATCHDOG=1; 0: not at all. */
gint64 wzp_relay_notify_get_watchdog_us (const WzpRelayNotify *self);
/* "READY=1\nSTATUS=...". A manager that is not there any more is nobody's
 * error; one that does not read is waited for for a second. */
void wzp_relay_notify_send (WzpRelayNotify *self, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* The sockets that were passed ($LISTEN_FDS, from descriptor 3 on), bound UDP
 * sockets of IPv4 and IPv6, at most one of each; *@ret_n 0: none. The caller
 * owns them. Unsets the variables. WZP_ERROR_INVALID: something else was
 * passed. */
gboolean wzp_relay_take_sockets (
    int ret_fds[WZP_RELAY_MAX_SOCKETS], guint *ret_n, GError **error);

G_END_DECLS
