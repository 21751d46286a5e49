/* Who writes when, and what becomes of a batch. */
#include "wzp-endpoint-private.h"

#include "wzp-udp-source.h"

/* Batches written before the sockets are read again: acknowledgements wait
 * there, and what they allow. */
#define MAX_BATCHES 16u

void
wzp_endpoint_mark_dirty (WzpEndpoint *self, WzpConn *conn)
{
  if (conn->is_dirty)
    return;

  conn->is_dirty = TRUE;
  g_queue_push_tail_link (&self->dirty, &conn->dirty_link);
}

static void
unmark_dirty (WzpEndpoint *self, WzpConn *conn)
{
  if (!conn->is_dirty)
    return;

  conn->is_dirty = FALSE;
  g_queue_unlink (&self->dirty, &conn->dirty_link);
}

static void
forget_batch (WzpEndpointSocket *socket)
{
  wzp_batch_reset (&socket->batch);
  socket->next_run = 0;
  g_clear_pointer (&socket->conn, wzp_conn_unref);
}

/* FALSE: the socket takes no more now. */
static gboolean
send_run (WzpEndpointSocket *socket, WzpBatchRun *run)
{
  gsize sent = 0;

  switch (wzp_udp_send (socket->udp, &run->local, &run->remote, run->ecn,
      socket->batch.data + run->offset, run->len, run->segment, &sent)) {
    case WZP_UDP_BLOCKED:
      run->offset += sent;
      run->len -= sent;
      return FALSE;
    case WZP_UDP_TOO_BIG:
      if (socket->conn != NULL)
        wzp_conn_on_too_big (socket->conn, run->segment);
      return TRUE;
    case WZP_UDP_SENT:
    case WZP_UDP_FAILED: /* as if lost on the way */
      return TRUE;
  }
  g_return_val_if_reached (TRUE);
}

static void
flush_socket (WzpEndpoint *self, WzpEndpointSocket *socket)
{
  socket->is_blocked = FALSE;
  while (socket->next_run < socket->batch.n_runs) {
    if (!send_run (socket, &socket->batch.runs[socket->next_run])) {
      socket->is_blocked = TRUE;
      wzp_udp_source_want_write (self->source, socket->udp);
      return;
    }
    socket->next_run++;
  }
  forget_batch (socket);
}

void
wzp_endpoint_resume_sockets (WzpEndpoint *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->sockets); i++)
    if (self->sockets[i].is_blocked)
      flush_socket (self, &self->sockets[i]);
}

void
wzp_endpoint_set_timer (WzpEndpoint *self, WzpConn *conn)
{
  wzp_timer_heap_set (&self->timers, &conn->timer, wzp_conn_get_expiry (conn));
}

/* TRUE: it has more to write. */
static gboolean
write_batch (WzpEndpoint *self, WzpConn *conn, WzpEndpointSocket *socket)
{
  gboolean more = wzp_conn_write (conn, &socket->batch, self->now_ns);

  if (!wzp_batch_is_empty (&socket->batch)) {
    socket->conn = wzp_conn_ref (conn);
    flush_socket (self, socket);
  }
  wzp_endpoint_set_timer (self, conn);
  return more;
}

void
wzp_endpoint_write_conn (WzpEndpoint *self, WzpConn *conn)
{
  WzpEndpointSocket *socket =
      wzp_endpoint_get_socket (self, wzp_conn_get_remote (conn));

  if (socket == NULL || socket->is_blocked)
    return;
  unmark_dirty (self, conn);
  if (write_batch (self, conn, socket))
    wzp_endpoint_mark_dirty (self, conn);
}

gboolean
wzp_endpoint_write_all (WzpEndpoint *self)
{
  guint budget = MAX_BATCHES + self->dirty.length;
  guint skipped = 0;

  /* Each in turn writes a batch; those of a blocked socket stay behind. */
  while (self->dirty.length > skipped && budget > 0) {
    WzpConn *conn = self->dirty.head->data;
    WzpEndpointSocket *socket =
        wzp_endpoint_get_socket (self, wzp_conn_get_remote (conn));

    unmark_dirty (self, conn);
    if (socket == NULL)
      continue;
    if (socket->is_blocked) {
      wzp_endpoint_mark_dirty (self, conn);
      skipped++;
      continue;
    }
    if (write_batch (self, conn, socket))
      wzp_endpoint_mark_dirty (self, conn);
    budget--;
  }
  return self->dirty.length > skipped;
}

void
wzp_endpoint_drop_batches (WzpEndpoint *self, const WzpConn *conn)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->sockets); i++) {
    WzpEndpointSocket *socket = &self->sockets[i];

    if (socket->conn == conn)
      g_clear_pointer (&socket->conn, wzp_conn_unref);
  }
}
