#include "wzp-abuse.h"

#include <ngtcp2/ngtcp2.h>
#include <string.h>

#define MAX_KEPT 64u /* messages of one connection */

static __thread gboolean endless;

/* The linker puts the first in the place of the second. */
ngtcp2_ssize __wrap_ngtcp2_conn_writev_stream_versioned (ngtcp2_conn *conn,
    ngtcp2_path *path, int pkt_info_version, ngtcp2_pkt_info *pi, uint8_t *dest,
    size_t destlen, ngtcp2_ssize *pdatalen, uint32_t flags, int64_t stream_id,
    const ngtcp2_vec *datav, size_t datavcnt, ngtcp2_tstamp ts);
ngtcp2_ssize __real_ngtcp2_conn_writev_stream_versioned (ngtcp2_conn *conn,
    ngtcp2_path *path, int pkt_info_version, ngtcp2_pkt_info *pi, uint8_t *dest,
    size_t destlen, ngtcp2_ssize *pdatalen, uint32_t flags, int64_t stream_id,
    const ngtcp2_vec *datav, size_t datavcnt, ngtcp2_tstamp ts);

ngtcp2_ssize
__wrap_ngtcp2_conn_writev_stream_versioned (ngtcp2_conn *conn,
    ngtcp2_path *path, int pkt_info_version, ngtcp2_pkt_info *pi, uint8_t *dest,
    size_t destlen, ngtcp2_ssize *pdatalen, uint32_t flags, int64_t stream_id,
    const ngtcp2_vec *datav, size_t datavcnt, ngtcp2_tstamp ts)
{
  if (endless && stream_id >= 0)
    flags &= ~(uint32_t) NGTCP2_WRITE_STREAM_FLAG_FIN;
  return __real_ngtcp2_conn_writev_stream_versioned (conn, path,
      pkt_info_version, pi, dest, destlen, pdatalen, flags, stream_id, datav,
      datavcnt, ts);
}

void
attack_set_endless (gboolean is_endless)
{
  endless = is_endless;
}

Attacker *
attacker_new (WzpTest *test, const AbuseTarget *target)
{
  static const WzpEndpointConfig config = { .bind_address = ABUSE_ADDRESS,
    .accept_none = TRUE };
  Attacker *self = g_new0 (Attacker, 1);
  g_autoptr (GError) error = NULL;

  self->test = test;
  self->peer = test_peer_new (1);
  self->target = *abuse_target_get_addr (target);
  self->endpoint = wzp_endpoint_new (
      test->context, self->peer->identity, &config, NULL, NULL, &error);
  g_assert_no_error (error);
  return self;
}

void
attacker_free (Attacker *self)
{
  wzp_endpoint_free (self->endpoint);
  test_peer_free (self->peer);
  g_free (self);
}

static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  AttackConn *conn = user_data;

  conn->n_messages++;
  if (message->type == WZP_MESSAGE_PONG)
    conn->n_pongs++;
  else if (conn->messages->len < MAX_KEPT)
    g_ptr_array_add (conn->messages, wzp_message_copy (message));
}

static const WzpChannelHandler channel_handler = { .message = on_message };

static void
on_established (WzpConn *wzp_conn, gpointer user_data)
{
  AttackConn *conn = user_data;

  conn->is_established = TRUE;
}

static void
on_datagram (
    WzpConn *wzp_conn, const guint8 *data, gsize len, gpointer user_data)
{
  AttackConn *conn = user_data;

  conn->n_datagrams++;
}

static void
on_stream_data (WzpConn *wzp_conn, gint64 stream_id, const guint8 *data,
    gsize len, gboolean fin, gpointer user_data)
{
  AttackConn *conn = user_data;

  wzp_channel_stream_data (conn->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *wzp_conn, gint64 stream_id, gpointer user_data)
{
  AttackConn *conn = user_data;

  wzp_channel_stream_closed (conn->channel, stream_id);
}

static void
on_closed (WzpConn *wzp_conn, const WzpCloseInfo *info, gpointer user_data)
{
  AttackConn *conn = user_data;

  conn->is_closed = TRUE;
  conn->close_is_application = info->is_application;
  conn->close_code = info->code;
  conn->close_reason = g_strdup (info->reason);
}

static const WzpConnHandler conn_handler = {
  .established = on_established,
  .datagram = on_datagram,
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .closed = on_closed,
};

static gboolean
trust_any (const guint8 cert_sha256[32], const guint8 *key_or_null,
    gpointer user_data, GError **error)
{
  return TRUE;
}

AttackConn *
attack_conn_new (Attacker *self, const char *server_name)
{
  const WzpDialOptions options = { .server_name = server_name,
    .verify = trust_any };
  AttackConn *conn = g_new0 (AttackConn, 1);
  g_autoptr (GError) error = NULL;

  conn->messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) wzp_message_free);
  conn->conn = wzp_endpoint_dial (
      self->endpoint, &self->target, &options, &conn_handler, conn, &error);
  g_assert_no_error (error);
  conn->channel = wzp_channel_new (conn->conn, &channel_handler, conn);
  return conn;
}

void
attack_conn_free (AttackConn *conn)
{
  wzp_channel_free (conn->channel);
  wzp_conn_set_handler (conn->conn, NULL, NULL);
  wzp_conn_close (conn->conn, WZP_CLOSE_NORMAL, NULL);
  wzp_conn_unref (conn->conn);
  g_ptr_array_unref (conn->messages);
  g_free (conn->close_reason);
  g_free (conn);
}

void
attack_conn_wait (Attacker *self, AttackConn *conn)
{
  wzp_test_assert_until (
      self->test, conn->is_established || conn->is_closed, ABUSE_WAIT_MS);
  g_assert_cmpstr (conn->close_reason, ==, NULL);
  g_assert_true (conn->is_established);
}

void
attack_conn_wait_closed (Attacker *self, AttackConn *conn)
{
  wzp_test_assert_until (self->test, conn->is_closed, ABUSE_WAIT_MS);
}

gboolean
attack_send_raw (AttackConn *conn, const void *data, gsize len)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, len);

  return wzp_conn_send_stream (conn->conn, bytes, NULL);
}

gboolean
attack_send (AttackConn *conn, const WzpMessage *message)
{
  return wzp_channel_send (conn->channel, message, NULL);
}

gboolean
attack_send_json (AttackConn *conn, const void *json, gsize len)
{
  g_autofree guint8 *all = g_malloc (4 + len);
  guint32 head = GUINT32_TO_BE ((guint32) len);

  memcpy (all, &head, 4);
  if (len > 0)
    memcpy (all + 4, json, len);
  return attack_send_raw (conn, all, 4 + len);
}

WzpMessage *
attack_expect (Attacker *self, AttackConn *conn, WzpMessageType type)
{
  WzpMessage *message;

  wzp_test_assert_until (
      self->test, conn->messages->len > 0 || conn->is_closed, ABUSE_WAIT_MS);
  g_assert_cmpstr (conn->close_reason, ==, NULL);
  message = g_ptr_array_steal_index (conn->messages, 0);
  g_assert_cmpstr (wzp_message_type_to_string (message->type), ==,
      wzp_message_type_to_string (type));
  return message;
}

char *
attack_try_register (
    Attacker *self, AttackConn *conn, const WzpMessage *message)
{
  g_autoptr (WzpMessage) ack = NULL;

  g_assert_true (attack_send (conn, message));
  ack = attack_expect (self, conn, WZP_MESSAGE_REGISTER_PRESENCE_ACK);
  if (ack->success)
    return NULL;
  g_assert_nonnull (ack->error);
  return g_strdup (ack->error);
}

void
attack_register (Attacker *self, AttackConn *conn, const char *alias)
{
  g_autoptr (WzpMessage) message = test_peer_register (self->peer, alias);
  g_autofree char *why = NULL;

  attack_conn_wait (self, conn);
  why = attack_try_register (self, conn, message);
  g_assert_cmpstr (why, ==, NULL);
}

void
attack_ping (Attacker *self, AttackConn *conn)
{
  g_autoptr (WzpMessage) ping = wzp_message_new (WZP_MESSAGE_PING);
  guint before = conn->n_pongs;

  wzp_test_assert_until (
      self->test, attack_send (conn, ping) || conn->is_closed, ABUSE_WAIT_MS);
  wzp_test_assert_until (
      self->test, conn->n_pongs > before || conn->is_closed, ABUSE_WAIT_MS);
  g_assert_cmpstr (conn->close_reason, ==, NULL);
}

static gboolean
never (gpointer unused)
{
  return FALSE;
}

void
attack_run (Attacker *self, guint ms)
{
  wzp_test_run_until (self->test->context, never, NULL, ms);
}
