/* wzp-path-mtu: how large a packet the way to an address takes as far as this
 * machine knows (its own link, and what ICMP told the kernel), and which sizes
 * are worth a probe. */
#pragma once

#include "wzp-addr.h"

G_BEGIN_DECLS

#define WZP_PATH_MTU_MIN    1200u /* RFC 9000, section 14 */
#define WZP_PATH_MTU_PROBES 8u    /* at most */

/* UDP payload bytes; 0: not known. */
gsize wzp_path_mtu_query (const WzpAddr *remote);
/* The sizes to probe, in order, all above WZP_PATH_MTU_MIN and at most @max;
 * returns how many. */
guint wzp_path_mtu_plan (
    gsize max, guint16 ret_sizes[WZP_PATH_MTU_PROBES]);

G_END_DECLS
