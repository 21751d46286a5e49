#include "wzp-path-stats.h"

void
wzp_path_stats_fill (
    WzpPathStats *ret_stats, WzpConn *conn, WzpPath path, gboolean in_use)
{
  WzpConnInfo info;

  wzp_conn_get_info (conn, &info);
  *ret_stats = (WzpPathStats){ .path = path,
    .is_up = !wzp_conn_is_closed (conn),
    .in_use = in_use,
    .srtt_us = info.srtt_us,
    .rttvar_us = info.rttvar_us,
    .cwnd = info.cwnd,
    .packets_sent = info.packets_sent,
    .packets_received = info.packets_received,
    .packets_lost = info.packets_lost,
    .bytes_sent = info.bytes_sent,
    .bytes_received = info.bytes_received,
    .mtu = (guint) info.max_udp_payload };
  wzp_addr_to_string (wzp_conn_get_local (conn), ret_stats->local);
  wzp_addr_to_string (wzp_conn_get_remote (conn), ret_stats->remote);
}
