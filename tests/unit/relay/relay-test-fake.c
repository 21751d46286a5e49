#include "relay-test-fake.h"

#include "wzp-relay-trust.h"
#include "wzp-tls.h"

#include <string.h>

#define WAIT_MS 8000u

static char *
make_fingerprint (WzpIdentity *identity)
{
  g_autoptr (WzpTlsContext) tls =
      wzp_tls_context_new (identity, WZP_ALPN, NULL);
  g_autofree char *hex = g_compute_checksum_for_bytes (
      G_CHECKSUM_SHA256, wzp_tls_context_get_certificate (tls));
  guint8 sha256[32];

  g_assert_true (wzp_relay_fingerprint_parse (hex, sha256, NULL));
  return wzp_relay_fingerprint_to_string (sha256);
}

static void
on_fake_message (
    WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  FakeConn *conn = user_data;

  g_ptr_array_add (conn->messages, wzp_message_copy (message));
}

static void
on_fake_stream_data (WzpConn *wzp_conn, gint64 stream_id, const guint8 *data,
    gsize len, gboolean fin, gpointer user_data)
{
  FakeConn *conn = user_data;

  wzp_channel_stream_data (conn->channel, stream_id, data, len, fin);
}

static void
on_fake_stream_closed (WzpConn *wzp_conn, gint64 stream_id, gpointer user_data)
{
  FakeConn *conn = user_data;

  wzp_channel_stream_closed (conn->channel, stream_id);
}

static void
on_fake_closed (WzpConn *wzp_conn, const WzpCloseInfo *info, gpointer user_data)
{
  FakeConn *conn = user_data;

  conn->is_closed = TRUE;
  conn->code = info->code;
  conn->reason = g_strdup (info->reason);
}

static const WzpConnHandler fake_handler = {
  .stream_data = on_fake_stream_data,
  .stream_closed = on_fake_stream_closed,
  .closed = on_fake_closed,
};

static FakeConn *
fake_conn_new (WzpConn *wzp_conn)
{
  static const WzpChannelHandler handler = { .message = on_fake_message };
  FakeConn *conn = g_new0 (FakeConn, 1);

  conn->messages =
      g_ptr_array_new_with_free_func ((GDestroyNotify) wzp_message_free);
  conn->conn = wzp_conn;
  conn->channel = wzp_channel_new (wzp_conn, &handler, conn);
  wzp_conn_set_handler (wzp_conn, &fake_handler, conn);
  return conn;
}

void
fake_conn_free (FakeConn *conn)
{
  wzp_channel_free (conn->channel);
  wzp_conn_set_handler (conn->conn, NULL, NULL);
  wzp_conn_close (conn->conn, WZP_CLOSE_NORMAL, NULL);
  wzp_conn_unref (conn->conn);
  g_ptr_array_unref (conn->messages);
  g_free (conn->reason);
  g_free (conn);
}

static gboolean
on_fake_accept (WzpEndpoint *endpoint, WzpConn *conn, gpointer user_data)
{
  Fake *fake = user_data;

  if (fake->accepted != NULL)
    return FALSE;
  fake->accepted = fake_conn_new (wzp_conn_ref (conn));
  return TRUE;
}

Fake *
fake_new_with (WzpTest *test, WzpIdentity *identity)
{
  static const WzpEndpointConfig config = { .bind_address = "127.0.0.1" };
  static const WzpEndpointHandler handler = { .accept = on_fake_accept };
  Fake *fake = g_new0 (Fake, 1);

  fake->test = test;
  fake->identity = identity;
  fake->fingerprint = make_fingerprint (identity);
  fake->endpoint =
      wzp_endpoint_new (test->context, identity, &config, &handler, fake, NULL);
  g_assert_nonnull (fake->endpoint);
  return fake;
}

Fake *
fake_new (WzpTest *test)
{
  return fake_new_with (test, wzp_identity_new_ephemeral ());
}

void
fake_free (Fake *fake)
{
  g_clear_pointer (&fake->accepted, fake_conn_free);
  wzp_endpoint_free (fake->endpoint);
  wzp_identity_unref (fake->identity);
  g_free (fake->fingerprint);
  g_free (fake);
}

Fake *
fake_new_larger (WzpTest *test, const WzpRelay *relay)
{
  for (;;) {
    g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
    g_autofree char *fingerprint = make_fingerprint (identity);

    if (strcmp (fingerprint, wzp_relay_get_fingerprint (relay)) > 0)
      return fake_new_with (test, g_steal_pointer (&identity));
  }
}

char *
fake_dup_address (const Fake *fake)
{
  return g_strdup_printf (
      "127.0.0.1:%u", wzp_endpoint_get_port (fake->endpoint, 4));
}

static gboolean
trust_any (const guint8 cert_sha256[32], const guint8 *key_or_null,
    gpointer user_data, GError **error)
{
  return TRUE;
}

FakeConn *
fake_dial (Fake *fake, const WzpRelay *relay)
{
  const WzpDialOptions options = { .server_name = WZP_SNI_FEDERATION,
    .verify = trust_any };
  WzpConn *conn;
  WzpAddr addr;

  test_relay_get_addr (relay, &addr);
  conn = wzp_endpoint_dial (fake->endpoint, &addr, &options, NULL, NULL, NULL);
  g_assert_nonnull (conn);
  return fake_conn_new (conn);
}

void
fake_hello (FakeConn *conn, const char *fingerprint)
{
  g_autoptr (WzpMessage) hello = wzp_message_new (WZP_MESSAGE_FEDERATION_HELLO);

  hello->tls_fingerprint = g_strdup (fingerprint);
  g_assert_true (wzp_channel_send (conn->channel, hello, NULL));
}

void
fake_ping (FakeConn *conn, guint64 number)
{
  g_autoptr (WzpMessage) ping = wzp_message_new (WZP_MESSAGE_PING);

  ping->timestamp_ms = number;
  g_assert_true (wzp_channel_send (conn->channel, ping, NULL));
}

void
fake_expect_closed (
    Fake *fake, FakeConn *conn, guint64 code, const char *reason)
{
  g_autofree char *all = g_strdup_printf ("the peer said: %s", reason);

  wzp_test_assert_until (fake->test, conn->is_closed, WAIT_MS);
  g_assert_cmpuint (conn->code, ==, code);
  g_assert_cmpstr (conn->reason, ==, all);
}
