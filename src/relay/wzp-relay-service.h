/* wzp-relay-service: the relay as a service: from the settings to the end, with
 * its signals, its metrics and its service manager.
 *
 *   SIGHUP            reads the configuration anew; a bad one changes nothing
 *   SIGTERM, SIGINT   drains: no new connection and no new call; ends when the
 *                     last call has, at the latest after the drain timeout
 *   a second of them  ends at once */
#pragma once

#include "wzp-relay-options.h"

G_BEGIN_DECLS

/* Serves in the default main context until it is to end. Takes @settings. What
 * others read goes to standard output: where it listens, its fingerprint,
 * "ready". */
gboolean wzp_relay_service_run (const WzpRelayOptions *options,
    WzpRelaySettings *settings, GError **error);

G_END_DECLS
