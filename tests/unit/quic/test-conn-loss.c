/* Paths that change, lose, reorder and make up packets. */
#include "conn-pair.h"

#include "wzp-test.h"

/* Path */

static void
test_pmtu_lost_probe (void)
{
  g_autoptr (Pair) pair = pair_new (40);
  g_autoptr (GBytes) bytes = pair_make_bytes (1000, 0);

  g_test_summary ("A link that takes 9000 bytes and a path that takes 1500");

  pair->max_payload = 8972;
  pair->mtu = 1472;
  pair_connect (pair);
  for (guint i = 0; i < 300; i++) {
    g_assert_true (
        side_send (&pair->client, g_bytes_get_data (bytes, NULL), 1000));
    pair_run (pair, 10);
  }
  pair_run (pair, 200);
  g_assert_cmpuint (pair->server.datagrams->len, ==, 300);
  g_assert_cmpuint (
      wzp_conn_get_max_datagram (pair->client.conn), ==, 1452 - 29 - 3);
}

static void
test_link_shrinks (void)
{
  g_autoptr (Pair) pair = pair_new (41);
  gsize max;

  pair_connect (pair);
  pair_run (pair, 500);
  max = wzp_conn_get_max_datagram (pair->client.conn);
  g_assert_cmpuint (max, >, 1400);
  wzp_conn_on_too_big (pair->client.conn, 9000); /* a probe: no matter */
  g_assert_cmpuint (wzp_conn_get_max_datagram (pair->client.conn), ==, max);
  wzp_conn_on_too_big (pair->client.conn, 1452);
  max = wzp_conn_get_max_datagram (pair->client.conn);
  g_assert_cmpuint (max, ==, 1200 - 29 - 3);
  {
    g_autoptr (GBytes) bytes = pair_make_bytes (max, 0);

    pair->mtu = 1200;
    g_assert_true (
        side_send (&pair->client, g_bytes_get_data (bytes, NULL), max));
    pair_run (pair, 100);
    g_assert_cmpuint (pair->server.datagrams->len, ==, 1);
  }
}

static void
test_black_hole (void)
{
  g_autoptr (Pair) pair = pair_new (44);
  guint before;

  g_test_summary ("The path takes less than it did, and nobody says so");

  pair_connect (pair);
  pair_run (pair, 500);
  g_assert_cmpuint (wzp_conn_get_max_datagram (pair->client.conn), >, 1400);
  pair->mtu = 1300;
  for (guint i = 0; i < 100; i++) {
    g_autoptr (GBytes) bytes =
        pair_make_bytes (wzp_conn_get_max_datagram (pair->client.conn), i);

    side_send (&pair->client, g_bytes_get_data (bytes, NULL),
        g_bytes_get_size (bytes));
    pair_run (pair, 20);
  }
  /* The full size was tried once more, and did not pass. */
  g_assert_cmpuint (wzp_conn_get_max_datagram (pair->client.conn), ==, 1168);
  /* Two seconds in all; the stall was a fraction of one. */
  g_assert_cmpuint (pair->server.datagrams->len, >, 70);

  /* The path is good again: the full size comes back. */
  pair->mtu = 0;
  before = pair->server.datagrams->len;
  pair_run (pair, 15000);
  g_assert_cmpuint (wzp_conn_get_max_datagram (pair->client.conn), >, 1400);
  for (guint i = 0; i < 10; i++) {
    g_autoptr (GBytes) bytes =
        pair_make_bytes (wzp_conn_get_max_datagram (pair->client.conn), i);

    side_send (&pair->client, g_bytes_get_data (bytes, NULL),
        g_bytes_get_size (bytes));
    pair_run (pair, 20);
  }
  pair_run (pair, 100);
  g_assert_cmpuint (pair->server.datagrams->len - before, ==, 10);
  g_assert_cmpuint (wzp_conn_get_max_datagram (pair->client.conn), >, 1400);
}

static void
test_outage (void)
{
  g_autoptr (Pair) pair = pair_new (46);
  const guint n = 200;
  gsize full;

  g_test_summary ("Nothing passes for seconds, then everything: the size was "
                  "not to blame");

  pair_connect (pair);
  pair_run (pair, 500);
  full = wzp_conn_get_max_datagram (pair->client.conn);
  g_assert_cmpuint (full, >, 1400);
  for (guint i = 0; i < n; i++) {
    g_autoptr (GBytes) bytes =
        pair_make_bytes (wzp_conn_get_max_datagram (pair->client.conn), i);

    pair->mtu = i >= 20 && i < n / 2 ? 1 : 0;
    side_send (&pair->client, g_bytes_get_data (bytes, NULL),
        g_bytes_get_size (bytes));
    pair_run (pair, 20);
  }
  g_assert_cmpuint (wzp_conn_get_max_datagram (pair->client.conn), ==, full);
  /* Two seconds since then; it took half of one at most. */
  g_assert_cmpuint (pair->server.datagrams->len, >, 20 + n / 2 - 25);
}

static void
test_black_hole_streams (void)
{
  g_autoptr (Pair) pair = pair_new (45);
  g_autoptr (GBytes) bytes = pair_make_bytes (PAIR_BIG, 0);

  pair_connect (pair);
  pair_run (pair, 500);
  pair->mtu = 1300;
  side_push_stream (&pair->client, g_bytes_get_data (bytes, NULL), PAIR_BIG);
  pair_run_until (pair, pair->server.n_stream_closed == 1, 5000);
}

static void
test_rebinding (void)
{
  g_autoptr (Pair) pair = pair_new (42);

  g_test_summary ("The client's NAT gives it another port");

  pair_connect (pair);
  pair_run (pair, 500);
  pair->client.addr.port = 4711;
  side_send (&pair->client, "abc", 3);
  pair_run (pair, 1000);
  g_assert_cmpuint (wzp_conn_get_remote (pair->server.conn)->port, ==, 4711);
  side_send (&pair->server, "def", 3);
  side_push_stream (&pair->server, "xyz", 3);
  pair_run (pair, 500);
  g_assert_cmpuint (pair->client.datagrams->len, ==, 1);
  g_assert_cmpuint (side_stream_bytes (&pair->client), ==, 3);
}

static void
test_stranger_address (void)
{
  g_autoptr (Pair) pair = pair_new (43);
  WzpAddr true_addr = pair->server.addr;

  g_test_summary ("A client ignores packets from elsewhere");

  pair_connect (pair);
  pair_run (pair, 500);
  pair->server.addr.port = 1; /* what the server sends comes from there */
  side_send (&pair->server, "abc", 3);
  pair_run (pair, 300);
  g_assert_cmpuint (pair->client.datagrams->len, ==, 0);
  g_assert_cmpuint (
      wzp_conn_get_remote (pair->client.conn)->port, ==, true_addr.port);
}

/* Noise, and random schedules */

static void
test_garbage (void)
{
  g_autoptr (Pair) pair = pair_new (68);
  g_autoptr (GRand) rand = wzp_test_rand_new ();

  g_test_summary ("Noise in the middle of a connection changes nothing");

  pair_connect (pair);
  for (guint i = 0; i < 2000; i++) {
    guint8 packet[1500];
    gsize len = g_rand_int_range (rand, 1, sizeof packet);

    for (gsize k = 0; k < len; k++)
      packet[k] = g_rand_int (rand);
    side_inject (i % 2 ? &pair->client : &pair->server, packet, len);
  }
  pair_run (pair, 200);
  side_send (&pair->client, "abc", 3);
  side_push_stream (&pair->server, "xyz", 3);
  pair_run (pair, 300);
  g_assert_cmpuint (pair->server.datagrams->len, ==, 1);
  g_assert_cmpuint (side_stream_bytes (&pair->client), ==, 3);
  g_assert_cmpuint (pair->client.n_closed + pair->server.n_closed, ==, 0);
}

static void
run_schedule (guint32 seed)
{
  g_autoptr (Pair) pair = pair_new (seed);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  guint n_streams[2] = { 0, 0 }, sent[2] = { 0, 0 };
  gsize sizes[2][16];
  Side *sides[2];

  sides[0] = &pair->client;
  sides[1] = &pair->server;
  pair->loss = g_rand_double_range (rand, 0, 0.25);
  pair->duplicate = g_rand_double_range (rand, 0, 0.1);
  pair->delay_ns = g_rand_int_range (rand, 0, 100) * PAIR_MS;
  pair->jitter_ns = g_rand_int_range (rand, 0, 60) * PAIR_MS;
  pair->handshake_timeout_ms = 60000;
  pair->max_payload = g_rand_int_range (rand, 1200, 9000);
  pair->mtu = g_rand_int_range (rand, 1200, 9000);
  pair_dial (pair, NULL);
  pair_run_until (pair,
      sides[0]->n_established == 1 && sides[1]->n_established == 1, 60000);

  for (guint i = 0; i < 16; i++) {
    guint who = g_rand_int_range (rand, 0, 2);
    gsize size = g_rand_int_range (rand, 0, 5000);
    g_autoptr (GBytes) bytes = pair_make_bytes (size, n_streams[who]);

    sizes[who][n_streams[who]++] = size;
    side_push_stream (sides[who], g_bytes_get_data (bytes, NULL), size);
    for (guint k = 0; k < 5; k++) {
      guint32 number = sent[who];

      if (side_send (sides[who], &number, sizeof number))
        sent[who]++;
    }
    pair_run (pair, g_rand_int_range (rand, 0, 50));
  }
  pair_run_until (pair,
      sides[0]->n_stream_closed == n_streams[1] &&
          sides[1]->n_stream_closed == n_streams[0] &&
          wzp_conn_get_queued_bytes (sides[0]->conn) == 0 &&
          wzp_conn_get_queued_bytes (sides[1]->conn) == 0,
      120000);

  for (guint who = 0; who < 2; who++) {
    const Side *to = sides[1 - who];
    g_autofree guint8 *seen = g_new0 (guint8, sent[who] + 1);
    WzpConnInfo info;

    for (guint i = 0; i < n_streams[who]; i++)
      side_assert_stream (to, 4 * i + who, sizes[who][i], i);
    g_assert_cmpuint (to->n_fins, ==, n_streams[who]);
    for (guint i = 0; i < to->datagrams->len; i++) {
      gsize len;
      const guint32 *number = g_bytes_get_data (to->datagrams->pdata[i], &len);

      g_assert_cmpuint (len, ==, sizeof *number);
      g_assert_cmpuint (*number, <, sent[who]);
      g_assert_cmpuint (seen[*number]++, ==, 0);
    }
    wzp_conn_get_info (sides[who]->conn, &info);
    g_assert_cmpuint (info.datagrams_sent, ==, sent[who]);
    if (pair->loss == 0)
      g_assert_cmpuint (to->datagrams->len, ==, sent[who]);
  }

  /* At rest nothing is owed. */
  pair->loss = 0;
  side_send (sides[0], "end", 3);
  side_send (sides[1], "end", 3);
  pair_run (pair, 20000);
  for (guint who = 0; who < 2; who++) {
    WzpConnInfo info;

    wzp_conn_get_info (sides[who]->conn, &info);
    g_assert_cmpint (info.oldest_unacked_us, ==, 0);
    g_assert_cmpuint (
        wzp_streams_get_backlog (sides[who]->conn->streams), ==, 0);
    g_assert_cmpuint (sides[who]->n_closed, ==, 0);
  }
}

static void
test_schedules (void)
{
  guint n = g_test_slow () ? 20000 : 1000;
  guint32 first = g_test_rand_int ();

  g_test_summary ("Random loss, reordering, duplication and path sizes");

  for (guint i = 0; i < n; i++) {
    if (i % 100 == 0)
      g_test_message ("schedules from seed %u", first + i);
    run_schedule (first + i);
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_watchdog_start ("test-conn-loss", 300);

  g_test_add_func ("/conn/pmtu-lost-probe", test_pmtu_lost_probe);
  g_test_add_func ("/conn/link-shrinks", test_link_shrinks);
  g_test_add_func ("/conn/black-hole", test_black_hole);
  g_test_add_func ("/conn/black-hole-streams", test_black_hole_streams);
  g_test_add_func ("/conn/outage", test_outage);
  g_test_add_func ("/conn/rebinding", test_rebinding);
  g_test_add_func ("/conn/stranger-address", test_stranger_address);
  g_test_add_func ("/conn/garbage", test_garbage);
  g_test_add_func ("/conn/schedules", test_schedules);
  return wzp_test_run ();
}
