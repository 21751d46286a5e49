/* wzp-interfaces: the host candidates of this machine.
 *
 * Reading what the kernel lists and choosing from it are apart: the choice is
 * pure. */
#pragma once

#include "wzp-candidate.h"

G_BEGIN_DECLS

/* One address as the kernel lists it. */
typedef struct {
  WzpAddr addr;     /* port 0 */
  guint ifindex;
  guint link_flags; /* IFF_UP, IFF_RUNNING, … (netdevice(7)) */
  guint addr_flags; /* IPv6: IFA_F_DEPRECATED, … (rtnetlink(7)); IPv4: 0 */
} WzpInterfaceAddr;

/* Every usable address (wzp_candidate_host_is_usable) of every interface that
 * is up and has a carrier, in the kernel's order, deprecated and tentative IPv6
 * left out; @port4/@port6: the ports of the sockets, 0: leave that family out.
 * @bound (nullable): the socket is bound to this address, so only it is
 * offered; an unspecified one is as NULL. At most WZP_CANDIDATES_MAX - 1; how
 * many usable ones found no room is counted in refused. G_IO_ERROR. */
gboolean wzp_interfaces_gather (guint16 port4, guint16 port6,
    const WzpAddr *bound, WzpCandidateList *ret_list, GError **error);

/* The two parts of it. */
GArray *wzp_interfaces_read (GError **error); /* of WzpInterfaceAddr */
/* Pure. Initialises @ret_list. */
void wzp_interfaces_choose (const WzpInterfaceAddr *addrs, gsize n_addrs,
    guint16 port4, guint16 port6, const WzpAddr *bound,
    WzpCandidateList *ret_list);

G_END_DECLS
