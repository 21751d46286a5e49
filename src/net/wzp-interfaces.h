/* wzp-interfaces: the host candidates of this machine. */
#pragma once

#include "wzp-candidate.h"

G_BEGIN_DECLS

/* Every usable address (wzp_candidate_host_is_usable) of every interface that
 * is up, deprecated and tentative IPv6 left out; @port4/@port6: the ports of
 * the sockets, 0: leave that family out. @bound (nullable): the socket is bound
 * to this address, so only it is offered. At most WZP_CANDIDATES_MAX - 1. */
gboolean wzp_interfaces_gather (guint16 port4, guint16 port6,
    const WzpAddr *bound, WzpCandidateList *ret_list, GError **error);

G_END_DECLS
