/* How a connection ends, and what is heard of it. */
#include "conn-pair.h"

#include "wzp-test.h"

#include <string.h>

static void
test_close (void)
{
  g_autoptr (Pair) pair = pair_new (60);

  pair_connect (pair);
  pair_run (pair, 100);
  wzp_conn_close (pair->client.conn, WZP_CLOSE_BUSY, "too\nmany");
  g_assert_true (wzp_conn_is_closed (pair->client.conn));
  wzp_conn_close (pair->client.conn, WZP_CLOSE_NORMAL, "again");
  g_assert_cmpuint (wzp_conn_get_max_datagram (pair->client.conn), ==, 0);
  g_assert_false (side_send (&pair->client, "x", 1));

  pair_run_until (pair, pair->server.n_closed == 1, 100);
  g_assert_true (pair->server.closed.is_remote);
  g_assert_true (pair->server.closed.is_application);
  g_assert_cmpuint (pair->server.closed.code, ==, WZP_CLOSE_BUSY);
  g_assert_cmpstr (pair->server.closed.reason, ==, "the peer said: too many");
  g_assert_error (pair->server.closed.error, WZP_ERROR, WZP_ERROR_BUSY);

  /* Three PTO later both have forgotten it. */
  pair_run (pair, 1000);
  g_assert_true (pair->client.is_gone);
  g_assert_true (pair->server.is_gone);
  g_assert_cmpuint (pair->client.n_closed, ==, 0);
  g_assert_cmpuint (pair->server.n_closed, ==, 1);
}

static void
test_last_words (void)
{
  g_autoptr (Pair) pair = pair_new (80);
  g_autoptr (GBytes) bytes = pair_make_bytes (5000, 3);

  g_test_summary ("What was said before the close is heard before it");

  pair_connect (pair);
  pair_run (pair, 100);
  side_push_stream (&pair->client, g_bytes_get_data (bytes, NULL), 5000);
  g_assert_true (side_send (&pair->client, "bye", 3));
  wzp_conn_close (pair->client.conn, WZP_CLOSE_NORMAL, "done");
  pair_run_until (pair, pair->server.n_closed == 1, 100);
  side_assert_stream (&pair->server, 0, 5000, 3);
  g_assert_cmpuint (pair->server.datagrams->len, ==, 1);
  g_assert_cmpstr (pair->server.closed.reason, ==, "the peer said: done");
}

static void
test_close_during_handshake (void)
{
  g_autoptr (Pair) pair = pair_new (61);

  g_test_summary ("A dial that lost the race");

  pair_dial (pair, NULL);
  pair_run (pair, 5);
  wzp_conn_close (pair->client.conn, WZP_CLOSE_ABORTED, "lost the race");
  pair_run (pair, 20);
  g_assert_nonnull (pair->server.conn);
  g_assert_true (wzp_conn_is_closed (pair->server.conn));
  g_assert_cmpuint (pair->server.n_handshake_over, ==, 1);
  pair_run (pair, 5000); /* three PTO of an unknown round trip */
  g_assert_true (pair->client.is_gone);
  g_assert_true (pair->server.is_gone);
  g_assert_cmpuint (pair->client.n_closed, ==, 0);

  /* Before a packet left there is nothing to say. */
  {
    g_autoptr (Pair) other = pair_new (62);

    pair_dial (other, NULL);
    wzp_conn_close (other->client.conn, WZP_CLOSE_ABORTED, NULL);
    pair_run (other, 10);
    g_assert_true (other->client.is_gone);
    g_assert_cmpuint (other->client.n_packets_sent, ==, 0);
  }
}

static void
test_late_packets (void)
{
  g_autoptr (Pair) pair = pair_new (63);
  guint before;

  g_test_summary ("A closed end answers late packets, ever more rarely");

  pair_connect (pair);
  pair_run (pair, 100);
  pair->loss = 1; /* the close is not heard */
  wzp_conn_close (pair->client.conn, WZP_CLOSE_NORMAL, "bye");
  pair_settle (pair);
  before = pair->client.n_packets_sent;
  for (guint i = 0; i < 32; i++) {
    side_inject (&pair->client, (const guint8 *) "\x40garbage", 8);
    pair_settle (pair);
    if (pair->client.is_gone)
      break;
  }
  g_assert_cmpuint (pair->client.n_packets_sent - before, >=, 2);
  g_assert_cmpuint (pair->client.n_packets_sent - before, <=, 6);

  pair->loss = 0;
}

static void
test_close_heard_late (void)
{
  g_autoptr (Pair) pair = pair_new (64);

  g_test_summary ("The close packet is lost, the answer to the next is not");

  pair_connect (pair);
  pair_run (pair, 100);
  pair->loss = 1;
  wzp_conn_close (pair->client.conn, WZP_CLOSE_NORMAL, "bye");
  pair_run (pair, 1);
  pair->loss = 0;
  side_send (&pair->server, "abc", 3);
  pair_run (pair, 60);
  g_assert_cmpuint (pair->server.n_closed, ==, 1);
  g_assert_cmpstr (pair->server.closed.reason, ==, "the peer said: bye");
}

static void
test_long_reason (void)
{
  g_autoptr (Pair) pair = pair_new (65);
  g_autofree char *text = g_strnfill (400, 'a');
  g_autofree char *expected = NULL;

  /* 127 bytes and then a character of two. */
  memcpy (text + 127, "\xc3\xa9", 2);
  pair_connect (pair);
  wzp_conn_close (pair->client.conn, 99, text);
  pair_run_until (pair, pair->server.n_closed == 1, 100);
  expected = g_strdup_printf ("the peer said: %.127s", text);
  g_assert_cmpstr (pair->server.closed.reason, ==, expected);
  g_assert_cmpuint (pair->server.closed.code, ==, 99);
}

static void
test_idle_timeout (void)
{
  g_autoptr (Pair) pair = pair_new (66);

  pair->idle_timeout_ms = 4000;
  pair->keep_alive_ms = 1000;
  pair_connect (pair);
  pair_run (pair, 60000);
  g_assert_cmpuint (pair->client.n_closed + pair->server.n_closed, ==, 0);

  pair->is_dead = TRUE;
  pair_run (pair, 8000);
  g_assert_cmpuint (pair->client.n_closed, ==, 1);
  g_assert_cmpuint (pair->server.n_closed, ==, 1);
  g_assert_cmpstr (pair->client.closed.reason, ==, "idle timeout");
  g_assert_true (pair->client.closed.is_timeout);
  g_assert_error (pair->client.closed.error, WZP_ERROR, WZP_ERROR_TIMED_OUT);
  g_assert_true (pair->client.is_gone);
}

static void
test_stateless_reset (void)
{
  g_autoptr (Pair) pair = pair_new (67);
  guint8 packet[40];

  pair_connect (pair);
  pair_run (pair, 200);
  memset (packet, 0x5a, sizeof packet); /* ends in the server's token */
  packet[0] = 0x41;
  side_inject (&pair->client, packet, sizeof packet);
  pair_run_until (pair, pair->client.n_closed == 1, 100);
  g_assert_true (
      g_str_has_prefix (pair->client.closed.reason, "stateless reset"));
  g_assert_true (pair->client.is_gone);
}

typedef struct {
  const char *event;
  guint n;
} CloseAt;

static void
close_at (WzpConn *conn, const char *event, gpointer data)
{
  CloseAt *at = data;

  if (strcmp (event, at->event) != 0)
    return;
  at->n++;
  wzp_conn_close (conn, WZP_CLOSE_NORMAL, "in a callback");
  g_assert_true (wzp_conn_is_closed (conn));
  /* All of these are harmless now. */
  wzp_conn_want_pull (conn);
  wzp_conn_reset_stream (conn, 0, 1);
  wzp_conn_set_max_in_flight (conn, 1);
}

static void
test_close_in_callbacks (void)
{
  static const char *const events[] = { "established", "datagram",
    "stream-data", "stream-closed", "pull" };

  for (guint side = 0; side < 2; side++)
    for (guint i = 0; i < G_N_ELEMENTS (events); i++) {
      g_autoptr (Pair) pair = pair_new (70 + i);
      Side *closer = side == 0 ? &pair->client : &pair->server;
      Side *other = side == 0 ? &pair->server : &pair->client;
      g_autoptr (GBytes) bytes = pair_make_bytes (PAIR_BIG, 0);
      CloseAt at = { .event = events[i] };

      closer->on_event = close_at;
      closer->on_event_data = &at;
      pair_dial (pair, NULL);
      pair_run_until (pair,
          other->n_established == 1 || other->n_closed == 1 || at.n > 0, 1000);
      if (i > 0) {
        pair_connect (pair);
        for (guint k = 0; k < 20; k++)
          side_send (other, "abc", 3);
        side_push_stream (other, g_bytes_get_data (bytes, NULL), PAIR_BIG);
        side_push_stream (other, "x", 1);
        for (guint k = 0; k < 5; k++) {
          g_autoptr (GBytes) small = pair_make_bytes (100, k);

          side_offer (closer, small);
        }
      }
      /* A server that was not accepted yet has nobody to tell. */
      pair_run_until (
          pair, other->conn != NULL && wzp_conn_is_closed (other->conn), 5000);
      pair_run (pair, 5000);
      g_assert_cmpuint (at.n, ==, 1);
      g_assert_cmpuint (closer->n_closed, ==, 0);
      if (i > 0)
        g_assert_cmpstr (
            other->closed.reason, ==, "the peer said: in a callback");
      g_assert_true (closer->is_gone && other->is_gone);
      if (strcmp (events[i], "pull") == 0)
        g_assert_cmpuint (closer->n_pull_done, ==, 1);
    }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_watchdog_start ("test-conn-close", 300);

  g_test_add_func ("/conn/close", test_close);
  g_test_add_func ("/conn/last-words", test_last_words);
  g_test_add_func ("/conn/close-during-handshake", test_close_during_handshake);
  g_test_add_func ("/conn/late-packets", test_late_packets);
  g_test_add_func ("/conn/close-heard-late", test_close_heard_late);
  g_test_add_func ("/conn/long-reason", test_long_reason);
  g_test_add_func ("/conn/idle-timeout", test_idle_timeout);
  g_test_add_func ("/conn/stateless-reset", test_stateless_reset);
  g_test_add_func ("/conn/close-in-callbacks", test_close_in_callbacks);
  return wzp_test_run ();
}
