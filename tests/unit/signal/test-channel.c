#include "signal-test-relay.h"
#include "wzp-channel.h"
#include "wzp-stream-frame.h"
#include "wzp-test.h"

#include <string.h>

typedef struct {
  TestRelay *relay;
  WzpIdentity *identity;
  WzpEndpoint *endpoint;
  WzpConn *conn; /* to the relay */
  gboolean is_established, is_closed;
} Fixture;

static void
on_established (WzpConn *conn, gpointer user_data)
{
  Fixture *f = user_data;

  f->is_established = TRUE;
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  Fixture *f = user_data;

  f->is_closed = TRUE;
}

static const WzpConnHandler conn_handler = {
  .established = on_established,
  .closed = on_closed,
};

static void
fixture_init (Fixture *f, WzpTest *test)
{
  WzpDialOptions options = { .server_name = WZP_SNI_SIGNAL };
  g_autoptr (GError) error = NULL;

  memset (f, 0, sizeof *f);
  f->relay = test_relay_new (test->context, NULL, 0);
  f->relay->is_silent = TRUE;
  f->identity = wzp_identity_new_ephemeral ();
  f->endpoint = test_client_endpoint_new (test->context, f->identity);
  options.expect_key = wzp_identity_get_public_key (f->relay->identity);
  f->conn = wzp_endpoint_dial (
      f->endpoint, &f->relay->addr, &options, &conn_handler, f, &error);
  g_assert_no_error (error);
  wzp_test_assert_until (
      test, f->is_established && test_relay_peer (f->relay) != NULL, 5000);
}

static void
fixture_clear (Fixture *f)
{
  wzp_conn_unref (f->conn);
  wzp_endpoint_free (f->endpoint);
  wzp_identity_unref (f->identity);
  test_relay_free (f->relay);
}

static void
send_raw (Fixture *f, const void *data, gsize len)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, len);
  g_autoptr (GError) error = NULL;

  wzp_conn_send_stream (f->conn, bytes, &error);
  g_assert_no_error (error);
}

static void
send_json (Fixture *f, const char *json)
{
  g_autoptr (GBytes) frame = wzp_stream_frame_new (json, strlen (json));
  gsize len;
  const guint8 *data = g_bytes_get_data (frame, &len);

  send_raw (f, data, len);
}

static guint64
malformed (const Fixture *f)
{
  return wzp_channel_get_malformed (test_relay_peer (f->relay)->channel);
}

static guint
arrived (const Fixture *f)
{
  return test_relay_peer (f->relay)->messages->len;
}

static void
test_messages (WzpTest *test, gconstpointer data)
{
  static const guint n = 300;
  g_autoptr (WzpChannel) channel = NULL;
  static const WzpChannelHandler no_handler = { NULL };
  gboolean seen[300] = { FALSE };
  Fixture f;

  g_test_summary ("More messages than streams at once, each once and whole");

  fixture_init (&f, test);
  channel = wzp_channel_new (f.conn, &no_handler, NULL);
  for (guint i = 0; i < n; i++) {
    g_autoptr (WzpMessage) message = wzp_message_new (WZP_MESSAGE_PING);
    g_autoptr (GError) error = NULL;

    message->timestamp_ms = i;
    wzp_channel_send (channel, message, &error);
    g_assert_no_error (error);
  }
  wzp_test_assert_until (test, arrived (&f) == n, 10000);
  for (guint i = 0; i < n; i++) {
    const WzpMessage *message = test_relay_peer (f.relay)->messages->pdata[i];

    g_assert_cmpint (message->type, ==, WZP_MESSAGE_PING);
    g_assert_cmpuint (message->timestamp_ms, <, n);
    g_assert_false (seen[message->timestamp_ms]);
    seen[message->timestamp_ms] = TRUE;
  }
  g_assert_cmpuint (malformed (&f), ==, 0);
  g_assert_false (f.is_closed);
  g_clear_pointer (&channel, wzp_channel_free);
  fixture_clear (&f);
}

static void
test_too_large_to_send (WzpTest *test, gconstpointer data)
{
  static const WzpChannelHandler no_handler = { NULL };
  g_autoptr (WzpChannel) channel = NULL;
  g_autoptr (WzpMessage) message = wzp_message_new (WZP_MESSAGE_AUTH_TOKEN);
  g_autoptr (GError) error = NULL;
  Fixture f;

  fixture_init (&f, test);
  channel = wzp_channel_new (f.conn, &no_handler, NULL);
  message->token = g_strnfill (WZP_STREAM_FRAME_MAX_PAYLOAD, 'x');
  g_assert_false (wzp_channel_send (channel, message, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
  g_clear_pointer (&channel, wzp_channel_free);
  fixture_clear (&f);
}

static void
test_send_closed (WzpTest *test, gconstpointer data)
{
  static const WzpChannelHandler no_handler = { NULL };
  g_autoptr (WzpChannel) channel = NULL;
  g_autoptr (WzpMessage) message = wzp_message_new (WZP_MESSAGE_REFLECT);
  g_autoptr (GError) error = NULL;
  Fixture f;

  fixture_init (&f, test);
  channel = wzp_channel_new (f.conn, &no_handler, NULL);
  wzp_conn_close (f.conn, WZP_CLOSE_NORMAL, NULL);
  g_assert_false (wzp_channel_send (channel, message, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_CLOSED);
  g_clear_pointer (&channel, wzp_channel_free);
  fixture_clear (&f);
}

static void
test_garbage (WzpTest *test, gconstpointer data)
{
  static const char *const bad[] = { "", "{", "nonsense", "[]", "7", "{}",
    "{\"Ping\":{}}", "{\"Ping\":{\"timestamp_ms\":-1}}", "{\"Ping\":[]}",
    "{\"RegisterPresence\":{\"identity_pub\":[1,2]}}", "\xff\xfe",
    "{\"CallRinging\":{\"call_id\":\"a b\"}}" };
  Fixture f;

  g_test_summary ("Each is counted; the connection and the next message live");

  fixture_init (&f, test);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    send_json (&f, bad[i]);
  wzp_test_assert_until (test, malformed (&f) == G_N_ELEMENTS (bad), 5000);
  g_assert_cmpuint (arrived (&f), ==, 0);

  send_json (&f, "{\"Tomorrow\":{\"x\":1}}");
  send_json (&f, "\"Reflect\"");
  wzp_test_assert_until (test, arrived (&f) == 2, 5000);
  g_assert_nonnull (
      test_relay_find (test_relay_peer (f.relay), WZP_MESSAGE_UNKNOWN));
  g_assert_nonnull (
      test_relay_find (test_relay_peer (f.relay), WZP_MESSAGE_REFLECT));
  g_assert_cmpuint (malformed (&f), ==, G_N_ELEMENTS (bad));
  g_assert_false (f.is_closed);
  fixture_clear (&f);
}

static void
test_bad_frames (WzpTest *test, gconstpointer data)
{
  static const guint8 cut_header[] = { 0, 0 };
  static const guint8 cut_payload[] = { 0, 0, 0, 9, '"', 'R' };
  static const guint8 two[] = { 0, 0, 0, 9, '"', 'R', 'e', 'f', 'l', 'e', 'c',
    't', '"', 0 };
  static const guint8 huge[] = { 0xff, 0xff, 0xff, 0xff, 1, 2, 3 };
  Fixture f;

  fixture_init (&f, test);
  send_raw (&f, cut_header, sizeof cut_header);
  send_raw (&f, cut_payload, sizeof cut_payload);
  send_raw (&f, two, sizeof two);
  send_raw (&f, huge, sizeof huge);
  send_raw (&f, "", 0);
  wzp_test_assert_until (test, malformed (&f) == 5, 5000);
  g_assert_cmpuint (arrived (&f), ==, 0);
  send_json (&f, "\"Reflect\"");
  wzp_test_assert_until (test, arrived (&f) == 1, 5000);
  g_assert_false (f.is_closed);
  fixture_clear (&f);
}

static void
test_oversized (WzpTest *test, gconstpointer data)
{
  gsize len = 1000u * 1000u;
  g_autofree guint8 *big = g_malloc0 (len);
  Fixture f;

  g_test_summary ("A message of a megabyte, twice: refused at its head");

  fixture_init (&f, test);
  big[1] = 0x0f; /* 983,040 bytes and more */
  send_raw (&f, big, len);
  wzp_test_assert_until (test, malformed (&f) == 1, 5000);
  send_json (&f, "\"Reflect\"");
  wzp_test_assert_until (test, arrived (&f) == 1, 5000);
  /* What was unsent of it is given up: there is place for another. */
  wzp_test_assert_until (test, ({
    g_autoptr (GBytes) bytes = g_bytes_new (big, len);

    wzp_conn_send_stream (f.conn, bytes, NULL);
  }),
      5000);
  wzp_test_assert_until (test, malformed (&f) == 2, 5000);
  g_assert_false (f.is_closed);
  fixture_clear (&f);
}

/* --- streams that the connection itself would not make ---------------- */

typedef struct {
  guint messages, malformed;
  gboolean free_it;
  int last_code;
} Log;

static void
log_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  Log *log = user_data;

  log->messages++;
  if (log->free_it)
    wzp_channel_free (channel);
}

static void
log_malformed (WzpChannel *channel, const GError *error, gpointer user_data)
{
  Log *log = user_data;

  g_assert_true (error->domain == WZP_ERROR);
  log->malformed++;
  log->last_code = error->code;
  if (log->free_it)
    wzp_channel_free (channel);
}

static const WzpChannelHandler log_handler = { .message = log_message,
  .malformed = log_malformed };

static const guint8 reflect[] = { 0, 0, 0, 9, '"', 'R', 'e', 'f', 'l', 'e', 'c',
  't', '"' };

static void
test_half_open (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpChannel) channel = NULL;
  Log log = { 0 };
  Fixture f;

  fixture_init (&f, test);
  channel = wzp_channel_new (f.conn, &log_handler, &log);
  for (guint i = 0; i < WZP_CHANNEL_MAX_STREAMS; i++)
    wzp_channel_stream_data (channel, i, reflect, 5, FALSE);
  g_assert_cmpuint (log.malformed, ==, 0);
  wzp_channel_stream_data (channel, 1000, reflect, sizeof reflect, TRUE);
  g_assert_cmpuint (log.malformed, ==, 1);
  g_assert_cmpint (log.last_code, ==, WZP_ERROR_TOO_LARGE);
  g_assert_cmpuint (log.messages, ==, 0);

  /* One that is reset makes place, and is told of. */
  wzp_channel_stream_closed (channel, 7);
  g_assert_cmpuint (log.malformed, ==, 2);
  g_assert_cmpint (log.last_code, ==, WZP_ERROR_PROTOCOL);
  wzp_channel_stream_closed (channel, 7);
  wzp_channel_stream_closed (channel, 5000);
  g_assert_cmpuint (log.malformed, ==, 2);
  wzp_channel_stream_data (channel, 1001, reflect, sizeof reflect, TRUE);
  wzp_channel_stream_closed (channel, 1001);
  g_assert_cmpuint (log.messages, ==, 1);

  /* The others can still be finished, byte by byte. */
  for (guint i = 5; i < sizeof reflect; i++)
    wzp_channel_stream_data (channel, 8, reflect + i, 1, FALSE);
  g_assert_cmpuint (log.messages, ==, 2);
  wzp_channel_stream_data (channel, 8, NULL, 0, TRUE);
  wzp_channel_stream_closed (channel, 8);
  g_assert_cmpuint (log.malformed, ==, 2);
  g_assert_cmpuint (wzp_channel_get_malformed (channel), ==, 2);
  g_clear_pointer (&channel, wzp_channel_free);
  fixture_clear (&f);
}

static void
test_held_bytes (WzpTest *test, gconstpointer data)
{
  /* Frames of the greatest length, all but their last byte. */
  const gsize len = WZP_STREAM_FRAME_HEADER_LEN + WZP_STREAM_FRAME_MAX_PAYLOAD;
  const guint fit = (guint) (WZP_CHANNEL_MAX_HELD / (len - 1));
  g_autofree guint8 *frame = g_malloc0 (len);
  g_autoptr (WzpChannel) channel = NULL;
  Log log = { 0 };
  Fixture f;

  fixture_init (&f, test);
  channel = wzp_channel_new (f.conn, &log_handler, &log);
  frame[1] = 1; /* 65,536 */
  for (guint i = 0; i < fit; i++)
    wzp_channel_stream_data (channel, i, frame, len - 1, FALSE);
  g_assert_cmpuint (log.malformed, ==, 0);
  wzp_channel_stream_data (channel, 50, frame, len - 1, FALSE);
  g_assert_cmpuint (log.malformed, ==, 1);
  g_assert_cmpint (log.last_code, ==, WZP_ERROR_TOO_LARGE);
  /* What comes late on it changes nothing. */
  wzp_channel_stream_data (channel, 50, frame, 1, TRUE);
  wzp_channel_stream_closed (channel, 50);
  g_assert_cmpuint (log.malformed, ==, 1);

  /* An end gives the bytes back: zeros are no JSON, but they are read. */
  wzp_channel_stream_data (channel, 0, frame, 1, TRUE);
  wzp_channel_stream_closed (channel, 0);
  g_assert_cmpuint (log.malformed, ==, 2);
  g_assert_cmpint (log.last_code, ==, WZP_ERROR_PROTOCOL);
  wzp_channel_stream_data (channel, 51, frame, len - 1, FALSE);
  g_assert_cmpuint (log.malformed, ==, 2);
  g_clear_pointer (&channel, wzp_channel_free);
  fixture_clear (&f);
}

static void
test_free_inside (WzpTest *test, gconstpointer data)
{
  WzpChannel *channel;
  Log log = { .free_it = TRUE };
  Fixture f;

  g_test_summary ("Freed in each callback; a sanitizer sees what is wrong");

  fixture_init (&f, test);
  channel = wzp_channel_new (f.conn, &log_handler, &log);
  wzp_channel_stream_data (channel, 1, reflect, sizeof reflect, TRUE);
  g_assert_cmpuint (log.messages, ==, 1);

  channel = wzp_channel_new (f.conn, &log_handler, &log);
  wzp_channel_stream_data (channel, 1, reflect, 3, TRUE);
  g_assert_cmpuint (log.malformed, ==, 1);

  channel = wzp_channel_new (f.conn, &log_handler, &log);
  wzp_channel_stream_data (channel, 1, reflect, 3, FALSE);
  wzp_channel_stream_closed (channel, 1);
  g_assert_cmpuint (log.malformed, ==, 2);
  fixture_clear (&f);
}

static void
test_random (WzpTest *test, gconstpointer data)
{
  g_autoptr (GRand) rand = wzp_test_rand_new ();
  g_autoptr (WzpChannel) channel = NULL;
  Log log = { 0 };
  Fixture f;

  g_test_summary ("Any bytes, cut anywhere, on any stream");

  fixture_init (&f, test);
  channel = wzp_channel_new (f.conn, &log_handler, &log);
  for (guint step = 0; step < 20000; step++) {
    gint64 id = g_rand_int_range (rand, 0, 150);
    guint8 buf[64];
    gsize len = (gsize) g_rand_int_range (rand, 0, sizeof buf);

    for (gsize i = 0; i < len; i++)
      buf[i] = reflect[i % sizeof reflect];
    /* One byte in half of them is another. */
    if (len > 0 && g_rand_boolean (rand))
      buf[g_rand_int_range (rand, 0, (gint32) len)] =
          (guint8) g_rand_int_range (rand, 0, 256);
    wzp_channel_stream_data (
        channel, id, buf, len, g_rand_int_range (rand, 0, 8) == 0);
    if (g_rand_int_range (rand, 0, 5) == 0)
      wzp_channel_stream_closed (channel, id);
  }
  for (gint64 id = 0; id < 150; id++)
    wzp_channel_stream_closed (channel, id);
  g_assert_cmpuint (log.messages, >, 0);
  g_assert_cmpuint (log.malformed, ==, wzp_channel_get_malformed (channel));
  /* Everything was given back. */
  wzp_channel_stream_data (channel, 1, reflect, sizeof reflect, TRUE);
  log.messages = 0;
  wzp_channel_stream_data (channel, 2, reflect, sizeof reflect, TRUE);
  g_assert_cmpuint (log.messages, ==, 1);
  g_clear_pointer (&channel, wzp_channel_free);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/channel/messages", NULL, test_messages);
  wzp_test_add ("/channel/too-large-to-send", NULL, test_too_large_to_send);
  wzp_test_add ("/channel/send-closed", NULL, test_send_closed);
  wzp_test_add ("/channel/garbage", NULL, test_garbage);
  wzp_test_add ("/channel/bad-frames", NULL, test_bad_frames);
  wzp_test_add ("/channel/oversized", NULL, test_oversized);
  wzp_test_add ("/channel/half-open", NULL, test_half_open);
  wzp_test_add ("/channel/held-bytes", NULL, test_held_bytes);
  wzp_test_add ("/channel/free-inside", NULL, test_free_inside);
  wzp_test_add ("/channel/random", NULL, test_random);
  return wzp_test_run ();
}
