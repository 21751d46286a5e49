#include "conn-pair.h"

#include <ngtcp2/ngtcp2.h>
#include <string.h>

typedef struct {
  guint64 arrival_ns;
  Side *to;
  WzpAddr from, at;
  guint8 ecn;
  gsize len;
  guint8 data[];
} Packet;

/* Handler */

static void
tell (Side *side, WzpConn *conn, const char *event)
{
  g_assert_cmpuint (side->n_closed, ==, 0);
  if (side->on_event != NULL)
    side->on_event (conn, event, side->on_event_data);
}

static void
on_established (WzpConn *conn, gpointer user_data)
{
  Side *side = user_data;

  side->n_established++;
  tell (side, conn, "established");
}

static void
on_datagram (WzpConn *conn, const guint8 *data, gsize len, gpointer user_data)
{
  Side *side = user_data;

  g_ptr_array_add (side->datagrams, g_bytes_new (data, len));
  tell (side, conn, "datagram");
}

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  Side *side = user_data;
  GByteArray *bytes = g_hash_table_lookup (side->streams, &stream_id);

  if (bytes == NULL) {
    bytes = g_byte_array_new ();
    g_hash_table_insert (
        side->streams, g_memdup2 (&stream_id, sizeof stream_id), bytes);
  }
  g_byte_array_append (bytes, data, len);
  side->n_fins += fin;
  tell (side, conn, "stream-data");
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  Side *side = user_data;

  side->n_stream_closed++;
  tell (side, conn, "stream-closed");
}

static int
on_pull (WzpConn *conn, gsize max_size, struct iovec *iov, gpointer user_data)
{
  Side *side = user_data;
  g_autoptr (GBytes) bytes = g_queue_pop_head (side->offers);
  gsize len;
  const guint8 *data;

  tell (side, conn, "pull");
  if (bytes == NULL)
    return 0;
  data = g_bytes_get_data (bytes, &len);
  memcpy (side->pull_memory, data, len);
  side->n_pulled++;
  iov[0] = (struct iovec){ .iov_base = side->pull_memory, .iov_len = len / 3 };
  iov[1] = (struct iovec){ .iov_base = side->pull_memory + len / 3,
    .iov_len = len - len / 3 };
  return 2;
}

static void
on_pull_done (WzpConn *conn, gpointer user_data)
{
  Side *side = user_data;

  side->n_pull_done++;
  memset (side->pull_memory, 0xdd, 65536);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  Side *side = user_data;

  g_assert_true (wzp_conn_is_closed (conn));
  tell (side, conn, "closed");
  side->n_closed++;
  side->closed = *info;
  side->closed.reason = g_strdup (info->reason);
  side->closed.error = g_error_copy (info->error);
}

static const WzpConnHandler handler = {
  .established = on_established,
  .datagram = on_datagram,
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .pull = on_pull,
  .pull_done = on_pull_done,
  .closed = on_closed,
};

/* Owner */

static void
on_wake (WzpConn *conn, gboolean urgent, gpointer owner_data)
{
  ((Side *) owner_data)->is_dirty = TRUE;
}

static gboolean
on_add_cid (WzpConn *conn, const ngtcp2_cid *cid, gpointer owner_data)
{
  return TRUE;
}

static void
on_remove_cid (WzpConn *conn, const ngtcp2_cid *cid, gpointer owner_data)
{
}

static void
on_make_reset_token (const ngtcp2_cid *cid,
    guint8 ret_token[NGTCP2_STATELESS_RESET_TOKENLEN], gpointer owner_data)
{
  memset (ret_token, 0x5a, NGTCP2_STATELESS_RESET_TOKENLEN);
}

static void
on_reset_token (WzpConn *conn, const guint8 *token, gpointer owner_data)
{
}

static gboolean
on_admit (WzpConn *conn, const char *server_name, guint *ret_max_receive,
    gpointer owner_data)
{
  Pair *pair = ((Side *) owner_data)->pair;

  *ret_max_receive = pair->max_receive;

  g_free (pair->admitted_name);
  pair->admitted_name = g_strdup (server_name);
  return !pair->refuse_admit;
}

static gboolean
on_accept (WzpConn *conn, gpointer owner_data)
{
  Side *side = owner_data;

  if (side->pair->refuse_accept)
    return FALSE;
  wzp_conn_set_handler (conn, &handler, side);
  on_established (conn, side);
  return TRUE;
}

static void
on_handshake_over (WzpConn *conn, gpointer owner_data)
{
  ((Side *) owner_data)->n_handshake_over++;
}

static void
on_gone (WzpConn *conn, gpointer owner_data)
{
  ((Side *) owner_data)->is_gone = TRUE;
}

static const WzpConnOwner owner = {
  .wake = on_wake,
  .add_cid = on_add_cid,
  .remove_cid = on_remove_cid,
  .make_reset_token = on_make_reset_token,
  .add_reset_token = on_reset_token,
  .remove_reset_token = on_reset_token,
  .admit = on_admit,
  .accept = on_accept,
  .handshake_over = on_handshake_over,
  .gone = on_gone,
};

/* Pair */

static void
init_side (Pair *pair, Side *side, const char *addr)
{
  side->pair = pair;
  side->streams = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) g_byte_array_unref);
  side->datagrams =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  side->offers = g_queue_new ();
  side->pull_memory = g_malloc (65536);
  g_assert_true (wzp_addr_parse (addr, &side->addr, NULL));
}

static void
clear_side (Side *side)
{
  if (side->conn != NULL)
    wzp_conn_disown (side->conn);
  g_clear_pointer (&side->conn, wzp_conn_unref);
  g_hash_table_unref (side->streams);
  g_ptr_array_unref (side->datagrams);
  g_queue_free_full (side->offers, (GDestroyNotify) g_bytes_unref);
  g_free (side->pull_memory);
  g_free (side->closed.reason);
  g_clear_error (&side->closed.error);
}

Pair *
pair_new (guint32 seed)
{
  Pair *self = g_new0 (Pair, 1);

  self->now_ns = 1000 * PAIR_MS;
  self->rand = g_rand_new_with_seed (seed);
  init_side (self, &self->client, "192.0.2.1:1000");
  init_side (self, &self->server, "192.0.2.2:2000");
  self->client_identity = wzp_identity_new_ephemeral ();
  self->server_identity = wzp_identity_new_ephemeral ();
  self->client_tls =
      wzp_tls_context_new (self->client_identity, WZP_ALPN, NULL);
  self->server_tls =
      wzp_tls_context_new (self->server_identity, WZP_ALPN, NULL);
  self->delay_ns = 10 * PAIR_MS;
  self->max_payload = 1452;
  self->idle_timeout_ms = 30000;
  self->handshake_timeout_ms = 10000;
  self->keep_alive_ms = 5000;
  return self;
}

void
pair_free (Pair *self)
{
  clear_side (&self->client);
  clear_side (&self->server);
  g_queue_clear_full (&self->packets, g_free);
  g_free (self->first_packet);
  wzp_tls_context_unref (self->client_tls);
  wzp_tls_context_unref (self->server_tls);
  wzp_identity_unref (self->client_identity);
  wzp_identity_unref (self->server_identity);
  g_rand_free (self->rand);
  g_free (self->admitted_name);
  g_free (self);
}

static void
fill_config (const Pair *self, WzpTlsContext *tls, WzpConnConfig *ret_config)
{
  *ret_config = (WzpConnConfig){
    .tls = tls,
    .max_payload = self->max_payload,
    .idle_timeout_ms = self->idle_timeout_ms,
    .keep_alive_ms = self->keep_alive_ms,
    .handshake_timeout_ms = self->handshake_timeout_ms,
  };
}

void
pair_dial (Pair *self, const WzpDialOptions *options)
{
  const WzpDialOptions defaults = {
    .server_name = "_signal",
    .expect_key = wzp_identity_get_public_key (self->server_identity),
  };
  g_autoptr (GError) error = NULL;
  WzpConnConfig config;

  fill_config (self, self->client_tls, &config);
  self->client.conn = wzp_conn_new_client (&owner, &self->client, &config,
      options != NULL ? options : &defaults, &self->client.addr,
      &self->server.addr, self->now_ns, &error);
  g_assert_no_error (error);
  wzp_conn_set_handler (self->client.conn, &handler, &self->client);
  self->client.is_dirty = TRUE;
}

static void
accept_first (Pair *self, const Packet *packet)
{
  WzpConnInitial initial = { 0 };
  WzpConnConfig config;
  ngtcp2_pkt_hd header;

  if (ngtcp2_accept (&header, packet->data, packet->len) != 0)
    return;
  initial.version = header.version;
  initial.client_scid = header.scid;
  initial.client_dcid = initial.original_dcid = header.dcid;
  fill_config (self, self->server_tls, &config);
  if (self->server_keep_alive_ms > 0)
    config.keep_alive_ms = self->server_keep_alive_ms;
  self->server.conn = wzp_conn_new_server (&owner, &self->server, &config,
      &initial, &packet->at, &packet->from, self->now_ns);
  g_assert_nonnull (self->server.conn);
}

static gboolean
keep_first (Pair *self, const Packet *packet)
{
  if (!self->prepare_server_only)
    return FALSE;
  if (self->first_packet == NULL)
    self->first_packet = g_memdup2 (packet, sizeof *packet + packet->len);
  return TRUE;
}

static void
deliver (Pair *self, const Packet *packet)
{
  const WzpUdpPacket udp = { .data = packet->data,
    .len = packet->len,
    .local = packet->at,
    .remote = packet->from,
    .ecn = packet->ecn };
  Side *side = packet->to;

  if (side->conn == NULL && side == &self->server)
    accept_first (self, packet);
  if (side->conn == NULL || side->is_gone)
    return;
  if (side == &self->server && keep_first (self, packet))
    return;
  wzp_conn_read (side->conn, &udp, self->now_ns);
  side->is_dirty = side->is_dirty || !wzp_conn_is_holding (side->conn);
}

void
pair_resume_server (Pair *self)
{
  g_autofree Packet *packet = g_steal_pointer (&self->first_packet);

  self->prepare_server_only = FALSE;
  deliver (self, packet);
}

static int
compare_arrival (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Packet *x = a, *y = b;

  return x->arrival_ns < y->arrival_ns ? -1 : x->arrival_ns > y->arrival_ns;
}

static void
put_on_wire (Pair *self, Side *to, const WzpAddr *from, const WzpAddr *at,
    guint8 ecn, const guint8 *data, gsize len)
{
  Packet *packet = g_malloc (sizeof *packet + len);

  *packet =
      (Packet){ .to = to, .from = *from, .at = *at, .ecn = ecn, .len = len };
  memcpy (packet->data, data, len);
  packet->arrival_ns = self->now_ns + self->delay_ns;
  if (self->jitter_ns > 0)
    packet->arrival_ns += g_rand_double (self->rand) * self->jitter_ns;
  if (g_queue_is_empty (&self->packets) ||
      ((Packet *) self->packets.tail->data)->arrival_ns <= packet->arrival_ns)
    g_queue_push_tail (&self->packets, packet);
  else
    g_queue_insert_sorted (&self->packets, packet, compare_arrival, NULL);
}

static void
send_packet (Pair *self, Side *side, const WzpBatchRun *run, const guint8 *data,
    gsize len)
{
  Side *to = side == &self->client ? &self->server : &self->client;

  side->n_packets_sent++;
  if (self->is_dead || (self->mtu > 0 && len > self->mtu) ||
      !wzp_addr_equal (&run->remote, &to->addr) ||
      g_rand_double (self->rand) < self->loss) {
    self->n_lost++;
    return;
  }
  put_on_wire (self, to, &side->addr, &run->remote, run->ecn, data, len);
  if (g_rand_double (self->rand) < self->duplicate)
    put_on_wire (self, to, &side->addr, &run->remote, run->ecn, data, len);
}

/* TRUE: something went out. */
static gboolean
write_side (Pair *self, Side *side)
{
  static WzpBatch batch;
  gboolean more;
  gboolean any = FALSE;

  if (batch.data == NULL)
    wzp_batch_init (&batch);
  do {
    side->is_dirty = FALSE;
    wzp_batch_reset (&batch);
    more = wzp_conn_write (side->conn, &batch, self->now_ns);
    side->n_writes++;
    for (guint i = 0; i < batch.n_runs; i++) {
      const WzpBatchRun *run = &batch.runs[i];

      for (gsize at = 0; at < run->len; at += run->segment)
        send_packet (self, side, run, batch.data + run->offset + at,
            MIN (run->segment, run->len - at));
      any = TRUE;
    }
  } while (more);
  return any;
}

static guint64
get_next_time (const Pair *self)
{
  guint64 next = WZP_TIMER_NEVER;
  const Side *sides[] = { &self->client, &self->server };

  if (!g_queue_is_empty ((GQueue *) &self->packets))
    next = ((const Packet *) self->packets.head->data)->arrival_ns;
  for (guint i = 0; i < 2; i++) {
    if (sides[i]->conn == NULL || sides[i]->is_gone || sides[i]->is_mute)
      continue;
    next = MIN (next, wzp_conn_get_expiry (sides[i]->conn));
    if (sides[i]->is_dirty)
      next = MIN (next, self->now_ns);
  }
  return next;
}

static void
do_side (Pair *self, Side *side)
{
  if (side->conn == NULL || side->is_gone || side->is_mute)
    return;
  if (wzp_conn_get_expiry (side->conn) <= self->now_ns) {
    wzp_conn_handle_expiry (side->conn, self->now_ns);
    side->is_dirty = TRUE;
  }
  if (side->is_dirty && !side->is_gone)
    write_side (self, side);
}

gboolean
pair_step (Pair *self)
{
  guint64 next = get_next_time (self);

  if (next == WZP_TIMER_NEVER)
    return FALSE;
  self->now_ns = MAX (self->now_ns, next);
  while (!g_queue_is_empty (&self->packets) &&
      ((Packet *) self->packets.head->data)->arrival_ns <= self->now_ns) {
    g_autofree Packet *packet = g_queue_pop_head (&self->packets);

    deliver (self, packet);
  }
  do_side (self, &self->client);
  do_side (self, &self->server);
  return TRUE;
}

void
pair_run (Pair *self, guint64 ms)
{
  guint64 end = self->now_ns + ms * PAIR_MS;

  while (get_next_time (self) <= end && pair_step (self))
    ;
  self->now_ns = MAX (self->now_ns, end);
}

void
pair_settle (Pair *self)
{
  while (!g_queue_is_empty (&self->packets) || self->client.is_dirty ||
      self->server.is_dirty)
    if (!pair_step (self))
      break;
}

void
pair_connect (Pair *self)
{
  if (self->client.conn == NULL)
    pair_dial (self, NULL);
  pair_run_until (self,
      self->client.n_established == 1 && self->server.n_established == 1,
      10000);
}

void
side_push_stream (Side *side, gconstpointer data, gsize len)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, len);
  g_autoptr (GError) error = NULL;

  wzp_conn_send_stream (side->conn, bytes, &error);
  g_assert_no_error (error);
}

gboolean
side_send (Side *side, gconstpointer data, gsize len)
{
  const struct iovec iov = { .iov_base = (void *) data, .iov_len = len };

  return wzp_conn_send_datagram (side->conn, &iov, 1);
}

void
side_offer (Side *side, GBytes *bytes)
{
  g_queue_push_tail (side->offers, g_bytes_ref (bytes));
  wzp_conn_want_pull (side->conn);
}

gsize
side_stream_bytes (const Side *side)
{
  GHashTableIter iter;
  gpointer value;
  gsize len = 0;

  g_hash_table_iter_init (&iter, side->streams);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    len += ((GByteArray *) value)->len;
  return len;
}

void
side_inject (Side *side, const guint8 *data, gsize len)
{
  Pair *pair = side->pair;
  Side *from = side == &pair->client ? &pair->server : &pair->client;

  put_on_wire (pair, side, &from->addr, &side->addr, 0, data, len);
}

GBytes *
pair_make_bytes (gsize len, guint8 salt)
{
  guint8 *data = g_malloc (MAX (len, 1));

  for (gsize i = 0; i < len; i++)
    data[i] = (guint8) (i * 31 + (i >> 8) + salt);
  return g_bytes_new_take (data, len);
}

void
pair_assert_bytes (const guint8 *data, gsize len, guint8 salt)
{
  g_autoptr (GBytes) expected = pair_make_bytes (len, salt);

  g_assert_cmpmem (data, len, g_bytes_get_data (expected, NULL), len);
}

void
side_assert_stream (const Side *side, gint64 id, gsize len, guint8 salt)
{
  GByteArray *bytes = g_hash_table_lookup (side->streams, &id);

  g_assert_nonnull (bytes);
  g_assert_cmpuint (bytes->len, ==, len);
  pair_assert_bytes (bytes->data, len, salt);
}
