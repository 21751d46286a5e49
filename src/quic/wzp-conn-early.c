/* Datagrams of a connection that nobody takes yet. */
#include "wzp-conn-private.h"

void
wzp_conn_keep_datagrams (WzpConn *conn)
{
  g_return_if_fail (conn != NULL);

  if (conn->early == NULL)
    conn->early =
        g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
}

void
wzp_conn_drop_early (WzpConn *conn)
{
  g_clear_pointer (&conn->early, g_ptr_array_unref);
  conn->early_bytes = 0;
}

gboolean
wzp_conn_keep_early (WzpConn *conn, const guint8 *data, gsize len)
{
  if (conn->early == NULL)
    return FALSE;
  if (conn->early->len < WZP_CONN_EARLY_DATAGRAMS &&
      conn->early_bytes + len <= WZP_CONN_EARLY_BYTES) {
    g_ptr_array_add (conn->early, g_bytes_new (data, len));
    conn->early_bytes += len;
  }
  return TRUE;
}

void
wzp_conn_replay_datagrams (WzpConn *conn)
{
  g_autoptr (GPtrArray) early = NULL;
  g_autoptr (WzpConn) kept = NULL;

  g_return_if_fail (conn != NULL);

  if (conn->early == NULL)
    return;
  kept = wzp_conn_ref (conn);
  early = g_steal_pointer (&conn->early);
  conn->early_bytes = 0;
  for (guint i = 0; i < early->len; i++) {
    gsize len;
    const guint8 *data = g_bytes_get_data (early->pdata[i], &len);

    if (wzp_conn_is_open (conn) && conn->handler->datagram != NULL)
      conn->handler->datagram (conn, data, len, conn->handler_data);
  }
}
