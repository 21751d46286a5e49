#include "wzp-stream.h"

#include "wzp-error.h"

#include "wzp-test.h"

#include <string.h>

static void
push (WzpStreams *streams, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;

  g_assert_true (wzp_streams_push (streams, bytes, &error));
  g_assert_no_error (error);
}

static WzpStream *
push_open (WzpStreams *streams, const char *text, gint64 id)
{
  WzpStream *stream;

  push (streams, text);
  stream = wzp_streams_peek_waiting (streams);
  wzp_streams_opened (streams, stream, id);
  return stream;
}

static void
assert_unsent (const WzpStream *stream, const char *text)
{
  gsize len;
  const guint8 *data = wzp_stream_get_unsent (stream, &len);

  g_assert_cmpmem (data, len, text, strlen (text));
}

static void
test_life (void)
{
  g_autoptr (WzpStreams) streams = wzp_streams_new (1000);
  WzpStream *stream;

  g_assert_null (wzp_streams_peek_waiting (streams));
  g_assert_null (wzp_streams_peek_sendable (streams));
  push (streams, "hello");
  g_assert_cmpuint (
      wzp_streams_get_backlog (streams), ==, 5 + WZP_STREAM_OVERHEAD);
  stream = wzp_streams_peek_waiting (streams);
  g_assert_cmpint (wzp_stream_get_id (stream), ==, -1);
  g_assert_null (wzp_streams_peek_sendable (streams));
  wzp_streams_unblock (streams, stream); /* not open: changes nothing */
  g_assert_null (wzp_streams_peek_sendable (streams));

  wzp_streams_opened (streams, stream, 4);
  g_assert_null (wzp_streams_peek_waiting (streams));
  g_assert_true (wzp_streams_peek_sendable (streams) == stream);
  g_assert_cmpint (wzp_stream_get_id (stream), ==, 4);
  assert_unsent (stream, "hello");
  wzp_streams_sent (streams, stream, 2);
  assert_unsent (stream, "llo");
  wzp_streams_acked (streams, stream, 1);
  wzp_streams_acked (streams, stream, 1);
  g_assert_cmpuint (
      wzp_streams_get_backlog (streams), ==, 4 + WZP_STREAM_OVERHEAD);
  wzp_streams_sent (streams, stream, 3);
  g_assert_null (wzp_streams_peek_sendable (streams));
  wzp_streams_unblock (streams, stream); /* all is sent */
  g_assert_null (wzp_streams_peek_sendable (streams));
  wzp_streams_acked (streams, stream, 99); /* a FIN counts, too */
  g_assert_cmpuint (wzp_streams_get_backlog (streams), ==, WZP_STREAM_OVERHEAD);
  wzp_streams_close (streams, stream);
  g_assert_cmpuint (wzp_streams_get_backlog (streams), ==, 0);
}

static void
test_turns (void)
{
  g_autoptr (WzpStreams) streams = wzp_streams_new (1000);
  WzpStream *a = push_open (streams, "aaaa", 0);
  WzpStream *b = push_open (streams, "bbbb", 4);

  g_assert_true (wzp_streams_peek_sendable (streams) == a);
  wzp_streams_sent (streams, a, 1);
  g_assert_true (wzp_streams_peek_sendable (streams) == b);
  wzp_streams_sent (streams, b, 1);
  g_assert_true (wzp_streams_peek_sendable (streams) == a);
  wzp_streams_block (streams, a);
  g_assert_true (wzp_streams_peek_sendable (streams) == b);
  wzp_streams_sent (streams, b, 3);
  g_assert_null (wzp_streams_peek_sendable (streams));
  wzp_streams_unblock (streams, a);
  wzp_streams_unblock (streams, a);
  g_assert_true (wzp_streams_peek_sendable (streams) == a);
  assert_unsent (a, "aaa");
  wzp_streams_stop (streams, a);
  g_assert_null (wzp_streams_peek_sendable (streams));
  wzp_streams_unblock (streams, a);
  g_assert_null (wzp_streams_peek_sendable (streams));
}

static void
test_waiting_order (void)
{
  g_autoptr (WzpStreams) streams = wzp_streams_new (10000);

  for (guint i = 0; i < 10; i++) {
    g_autofree char *text = g_strdup_printf ("%u", i);

    push (streams, text);
  }
  for (guint i = 0; i < 10; i++) {
    g_autofree char *text = g_strdup_printf ("%u", i);
    WzpStream *stream = wzp_streams_peek_waiting (streams);

    assert_unsent (stream, text);
    wzp_streams_opened (streams, stream, 4 * i);
  }
}

static void
test_empty (void)
{
  g_autoptr (WzpStreams) streams = wzp_streams_new (1000);
  WzpStream *stream = push_open (streams, "", 0);

  assert_unsent (stream, "");
  g_assert_true (wzp_streams_peek_sendable (streams) == stream);
  wzp_streams_sent (streams, stream, 0);
  g_assert_null (wzp_streams_peek_sendable (streams));
}

static void
test_backlog (void)
{
  const gsize max = 1000;
  g_autoptr (WzpStreams) streams = wzp_streams_new (max);
  g_autoptr (GBytes) whole =
      g_bytes_new_take (g_malloc0 (max), max - WZP_STREAM_OVERHEAD);
  g_autoptr (GBytes) more =
      g_bytes_new_take (g_malloc0 (max), max - WZP_STREAM_OVERHEAD + 1);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (GError) error = NULL;
  guint n = 0;

  g_assert_false (wzp_streams_push (streams, more, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
  g_assert_cmpuint (wzp_streams_get_backlog (streams), ==, 0);
  g_assert_true (wzp_streams_push (streams, whole, NULL));
  g_assert_false (wzp_streams_push (streams, empty, NULL));
  wzp_streams_close (streams, wzp_streams_peek_waiting (streams));
  g_assert_null (wzp_streams_peek_waiting (streams));

  /* Streams without bytes are not free either. */
  while (wzp_streams_push (streams, empty, NULL))
    n++;
  g_assert_cmpuint (n, ==, max / WZP_STREAM_OVERHEAD);
}

static void
test_peer (void)
{
  g_autoptr (WzpStreams) streams = wzp_streams_new (1000);
  WzpStream *stream = wzp_streams_add_peer (streams, 8);

  g_assert_true (wzp_stream_is_peer (stream));
  g_assert_true (wzp_streams_find_peer (streams, 8) == stream);
  g_assert_null (wzp_streams_find_peer (streams, 4));
  g_assert_cmpuint (wzp_streams_get_backlog (streams), ==, 0);
  g_assert_null (wzp_streams_peek_sendable (streams));
  wzp_streams_unblock (streams, stream); /* nothing to send yet */
  g_assert_null (wzp_streams_peek_sendable (streams));

  wzp_streams_finish_peer (streams, stream);
  wzp_streams_finish_peer (streams, stream);
  g_assert_true (wzp_streams_peek_sendable (streams) == stream);
  assert_unsent (stream, "");
  wzp_streams_sent (streams, stream, 0);
  wzp_streams_finish_peer (streams, stream);
  g_assert_null (wzp_streams_peek_sendable (streams));
  wzp_streams_acked (streams, stream, 0);

  g_assert_false (wzp_stream_get_told (stream));
  wzp_stream_set_told (stream);
  g_assert_true (wzp_stream_get_told (stream));
  g_assert_false (wzp_stream_get_refused (stream));
  wzp_stream_set_refused (stream);
  g_assert_true (wzp_stream_get_refused (stream));
  wzp_streams_close (streams, stream);
  g_assert_null (wzp_streams_find_peer (streams, 8));
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/stream/life", test_life);
  g_test_add_func ("/stream/turns", test_turns);
  g_test_add_func ("/stream/waiting-order", test_waiting_order);
  g_test_add_func ("/stream/empty", test_empty);
  g_test_add_func ("/stream/backlog", test_backlog);
  g_test_add_func ("/stream/peer", test_peer);
  return wzp_test_run ();
}
