/* What is put off in a call: acknowledgements that can go along, timers with
 * nothing to do. */
#include "conn-pair.h"

#include "wzp-test.h"

#define INTERVAL_MS  20u /* between two datagrams of one side */
#define N_DATAGRAMS  500u
#define DATAGRAM_LEN 172u

/* A voice call: @phase_ms after each datagram of the client's goes one of the
 * server's. */
static void
run_call (Pair *pair, guint n, guint phase_ms)
{
  static const guint8 voice[DATAGRAM_LEN];

  for (guint i = 0; i < n; i++) {
    g_assert_true (side_send (&pair->client, voice, sizeof voice));
    pair_run (pair, phase_ms);
    g_assert_true (side_send (&pair->server, voice, sizeof voice));
    pair_run (pair, INTERVAL_MS - phase_ms);
  }
}

static Pair *
new_call (guint delay_us, gboolean hold)
{
  Pair *pair = pair_new (1);

  pair->delay_ns = delay_us * 1000;
  pair_connect (pair);
  pair_run (pair, 5000);
  wzp_conn_set_hold_acks (pair->client.conn, hold);
  wzp_conn_set_hold_acks (pair->server.conn, hold);
  run_call (pair, 50, 10); /* until both know that it is one */
  pair_run (pair, 200);
  pair->client.n_packets_sent = pair->server.n_packets_sent = 0;
  pair->client.n_writes = pair->server.n_writes = 0;
  g_ptr_array_set_size (pair->client.datagrams, 0);
  g_ptr_array_set_size (pair->server.datagrams, 0);
  return pair;
}

static void
test_call (void)
{
  static const guint delays_us[] = { 50, 1000, 15000, 60000 };
  static const guint phases_ms[] = { 0, 1, 5, 10, 15, 19 };

  g_test_summary ("In a call most acknowledgements go along, whatever the path "
                  "and the phase");

  for (guint d = 0; d < G_N_ELEMENTS (delays_us); d++) {
    guint n = 0, n_packets = 0, n_writes = 0;

    for (guint p = 0; p < G_N_ELEMENTS (phases_ms); p++) {
      g_autoptr (Pair) pair = new_call (delays_us[d], TRUE);
      const Side *sides[] = { &pair->client, &pair->server };

      run_call (pair, N_DATAGRAMS, phases_ms[p]);
      pair_run (pair, 200);
      for (guint i = 0; i < 2; i++) {
        g_test_message ("%u us, phase %u ms: %u packets, %u writes",
            delays_us[d], phases_ms[p], sides[i]->n_packets_sent,
            sides[i]->n_writes);
        g_assert_cmpuint (sides[i]->datagrams->len, ==, N_DATAGRAMS);
        g_assert_cmpuint (sides[i]->n_packets_sent, >=, N_DATAGRAMS);
        n += N_DATAGRAMS;
        n_packets += sides[i]->n_packets_sent;
        n_writes += sides[i]->n_writes;
      }
    }
    g_assert_cmpuint (n_packets, <=, n + n / 4);
    g_assert_cmpuint (n_writes, <=, 2 * n); /* each is a turn of the loop */
  }
}

static void
test_call_without_hold (void)
{
  g_autoptr (Pair) pair = new_call (1000, FALSE);

  g_test_summary ("Without being told so a connection acknowledges as ever");

  run_call (pair, N_DATAGRAMS, 10);
  g_test_message ("%u packets, %u writes", pair->client.n_packets_sent,
      pair->client.n_writes);
  g_assert_cmpuint (pair->client.n_packets_sent, >, N_DATAGRAMS * 3 / 2);
}

/* When the client's datagram was acknowledged, from now on, ms; the clock
 * stands there then. */
static double
measure_ack (Pair *pair)
{
  const guint64 start = pair->now_ns;
  WzpConnInfo info;

  wzp_conn_get_info (pair->client.conn, &info);
  g_assert_cmpint (info.oldest_unacked_us, ==, 0);
  g_assert_true (side_send (&pair->client, "x", 1));
  do {
    g_assert_true (pair_step (pair));
    wzp_conn_get_info (pair->client.conn, &info);
  } while (info.datagrams_sent == 0 || info.oldest_unacked_us != 0);
  return (double) (pair->now_ns - start) / PAIR_MS;
}

static void
test_no_company (void)
{
  g_autoptr (Pair) pair = new_call (1000, TRUE);

  g_test_summary (
      "Who sends nothing acknowledges at once; the last "
      "acknowledgement of a call is late by no more than QUIC allows");

  g_assert_true (side_send (&pair->server, "x", 1));
  pair_run (pair, 30);
  g_assert_cmpfloat (measure_ack (pair), <=, 2 + 25);
  pair_run (pair, 100);
  for (guint i = 0; i < 20; i++) {
    g_assert_cmpfloat (measure_ack (pair), <=, 2 + 4);
    pair_run (pair, INTERVAL_MS);
  }
}

static void
test_burst (void)
{
  static const guint8 large[1000]; /* a packet of its own */
  g_autoptr (Pair) pair = new_call (1000, TRUE);
  WzpConnInfo info;
  guint64 start;

  g_test_summary ("More than one packet is acknowledged as ever");

  g_assert_true (side_send (&pair->server, "x", 1));
  pair_run (pair, 25);
  start = pair->now_ns;
  for (guint i = 0; i < 3; i++)
    g_assert_true (side_send (&pair->client, large, sizeof large));
  do {
    g_assert_true (pair_step (pair));
    wzp_conn_get_info (pair->client.conn, &info);
  } while (info.oldest_unacked_us != 0);
  g_assert_cmpuint (pair->now_ns - start, <=, 12 * PAIR_MS);
}

static void
test_stream_is_not_held (void)
{
  g_autoptr (Pair) pair = new_call (1000, TRUE);

  g_test_summary ("Nothing of a stream waits");

  for (guint i = 0; i < 20; i++) {
    guint64 start;

    g_assert_true (side_send (&pair->server, "x", 1));
    pair_run (pair, 5);
    start = pair->now_ns;
    side_push_stream (&pair->client, "message", 7);
    pair_run_until (
        pair, wzp_streams_get_backlog (pair->client.conn->streams) == 0, 100);
    g_assert_cmpuint (pair->now_ns - start, <=, 6 * PAIR_MS);
    pair_run (pair, 15);
  }
}

static void
test_pacer_does_not_delay (void)
{
  g_autoptr (Pair) pair = new_call (1000, TRUE);

  g_test_summary (
      "What is given behind a packet goes as soon as the pacer lets "
      "it");

  for (guint i = 0; i < 50; i++) {
    const guint had = pair->server.datagrams->len;

    for (guint k = 0; k < 3; k++) {
      g_assert_true (side_send (&pair->client, "x", 1));
      while (pair->client.is_dirty)
        g_assert_true (pair_step (pair));
    }
    pair_run (pair, 3);
    g_assert_cmpuint (pair->server.datagrams->len, ==, had + 3);
    pair_run (pair, INTERVAL_MS);
  }
}

static void
test_loss (void)
{
  g_test_summary ("A call over a path that loses, doubles and reorders");

  for (guint32 seed = 0; seed < 10; seed++) {
    g_autoptr (Pair) pair = pair_new (seed);

    g_test_message ("seed %u", seed);
    pair_connect (pair);
    pair_run (pair, 5000);
    wzp_conn_set_hold_acks (pair->client.conn, TRUE);
    wzp_conn_set_hold_acks (pair->server.conn, TRUE);
    pair->loss = 0.1;
    pair->duplicate = 0.1;
    pair->jitter_ns = 30 * PAIR_MS;
    run_call (pair, N_DATAGRAMS, seed * 2);
    for (guint i = 0; i < 5; i++)
      side_push_stream (&pair->client, "message", 7);
    pair_run_until (pair, pair->server.n_fins == 5, 5000);
    pair->loss = 0;
    pair_run (pair, 1000);
    g_assert_cmpuint (pair->server.datagrams->len, >, N_DATAGRAMS * 3 / 4);
    g_assert_cmpuint (pair->client.n_closed + pair->server.n_closed, ==, 0);
    /* A keep-alive may be under way at any one moment. */
    pair_run_until (
        pair, wzp_conn_get_bytes_in_flight (pair->client.conn) == 0, 5000);
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_watchdog_start ("test-conn-defer", 300);

  g_test_add_func ("/conn-defer/call", test_call);
  g_test_add_func ("/conn-defer/call-without-hold", test_call_without_hold);
  g_test_add_func ("/conn-defer/no-company", test_no_company);
  g_test_add_func ("/conn-defer/burst", test_burst);
  g_test_add_func ("/conn-defer/stream-is-not-held", test_stream_is_not_held);
  g_test_add_func (
      "/conn-defer/pacer-does-not-delay", test_pacer_does_not_delay);
  g_test_add_func ("/conn-defer/loss", test_loss);

  return wzp_test_run ();
}
