/* wzp-path-stats: the figures of one path, as a call and a room tell them. */
#pragma once

#include "wzp-conn.h"
#include "wzp-node.h"

G_BEGIN_DECLS

void wzp_path_stats_fill (WzpPathStats *ret_stats, WzpConn *conn, WzpPath path,
    gboolean in_use);

G_END_DECLS
