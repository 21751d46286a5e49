#include "relay-test-room.h"
#include "wzp-relay-guest-private.h"

#include <string.h>

#define S WZP_DATAGRAM_FRAME_START
#define E WZP_DATAGRAM_FRAME_END
#define K WZP_DATAGRAM_KEY_FRAME
#define C WZP_DATAGRAM_CONTROL

#define MAX_VIEWERS 8u

/* A publisher and its viewers in the room "stage". */
typedef struct {
  WzpTest *test;
  WzpRelay *relay;
  TestNode *node, *viewer_node;
  TestConn *publisher;
  TestConn *viewers[MAX_VIEWERS];
  guint n_viewers;
  guint64 number; /* of the next datagram */
} Fixture;

static void
fixture_init (
    Fixture *f, WzpTest *test, const WzpRelayConfig *config, guint n_viewers)
{
  memset (f, 0, sizeof *f);
  f->test = test;
  f->relay = test_relay_new (test, config);
  f->node = test_node_new (test, f->relay, 1);
  f->viewer_node = test_node_new (test, f->relay, 2);
  f->publisher = test_room_enter (f->node, f->relay, "stage");
  for (; f->n_viewers < n_viewers; f->n_viewers++)
    f->viewers[f->n_viewers] =
        test_room_enter (f->viewer_node, f->relay, "stage");
}

static void
fixture_clear (Fixture *f)
{
  for (guint i = 0; i < f->n_viewers; i++)
    test_conn_free (f->viewers[i]);
  test_conn_free (f->publisher);
  test_node_free (f->node);
  test_node_free (f->viewer_node);
  wzp_relay_free (f->relay);
}

/* Sends one that all viewers get. */
static void
publish (Fixture *f, guint8 flags, gsize len)
{
  g_autoptr (GBytes) bytes = test_room_datagram (
      flags, f->number++, 77, (flags & C) != 0 ? 0 : 1, len);

  test_room_check_passes (f->publisher, bytes, f->viewers, f->n_viewers);
}

/* The relay's side of the connection that entered as number @index. */
static WzpRelayGuest *
guest_at (const Fixture *f, guint index)
{
  return g_queue_peek_nth (&f->relay->guests, index);
}

static void
test_fan_out (WzpTest *test, gconstpointer data)
{
  Fixture f;

  g_test_summary ("Each gets the same bytes, and nobody hears himself");

  fixture_init (&f, test, NULL, 5);
  publish (&f, S | E | K, 16);
  publish (&f, S | K, 1000);
  publish (&f, E | K, 500);
  publish (&f, C, 100);
  g_assert_cmpuint (f.publisher->datagrams->len, ==, 0);
  g_assert_cmpuint (test_relay_stats (f.relay).forwarded, ==, 20);
  g_assert_cmpuint (test_relay_stats (f.relay).forwarded_bytes, ==, 5 * 1616);
  g_assert_cmpuint (test_relay_stats (f.relay).rooms, ==, 1);
  g_assert_cmpuint (test_relay_stats (f.relay).open_rooms, ==, 1);
  g_assert_cmpuint (test_relay_stats (f.relay).open_guests, ==, 6);
  fixture_clear (&f);
}

static void
test_many_send (WzpTest *test, gconstpointer data)
{
  TestConn *to[3];
  Fixture f;

  g_test_summary ("Everybody may send; also the same identity twice");

  fixture_init (&f, test, NULL, 3);
  for (guint i = 0; i < f.n_viewers; i++) {
    g_autoptr (GBytes) bytes =
        test_room_datagram (S | E | K, 0, 100 + i, 1, 300 + i);

    to[0] = f.publisher;
    to[1] = f.viewers[(i + 1) % 3];
    to[2] = f.viewers[(i + 2) % 3];
    test_room_check_passes (f.viewers[i], bytes, to, 3);
    g_assert_cmpuint (f.viewers[i]->datagrams->len, ==, i);
  }
  fixture_clear (&f);
}

static void
test_rooms_apart (WzpTest *test, gconstpointer data)
{
  TestConn *other;
  Fixture f;

  fixture_init (&f, test, NULL, 2);
  other = test_room_enter (f.viewer_node, f.relay, "Stage");
  publish (&f, S | E | K, 100);
  publish (&f, C, 100);
  g_assert_cmpuint (other->datagrams->len, ==, 0);
  g_assert_cmpuint (test_relay_stats (f.relay).rooms, ==, 2);
  test_conn_free (other);
  wzp_test_assert_until (test, test_relay_stats (f.relay).rooms == 1, 5000);
  fixture_clear (&f);
}

static void
test_late_joiner (WzpTest *test, gconstpointer data)
{
  Fixture f;

  g_test_summary ("From when it has entered on it hears what the others do");

  fixture_init (&f, test, NULL, 1);
  publish (&f, S | E | K, 100);
  f.viewers[f.n_viewers++] = test_room_enter (f.node, f.relay, "stage");
  publish (&f, S | E, 200);
  g_assert_cmpuint (f.viewers[0]->datagrams->len, ==, 2);
  g_assert_cmpuint (f.viewers[1]->datagrams->len, ==, 1);
  fixture_clear (&f);
}

static void
test_alone (WzpTest *test, gconstpointer data)
{
  Fixture f;

  fixture_init (&f, test, NULL, 0);
  publish (&f, C, 100);
  publish (&f, S | E, 100);
  publish (&f, C, 100);
  wzp_test_assert_until (
      test, test_relay_stats (f.relay).dropped_alone >= 3, 5000);
  /* It counts as a publisher all the same, as soon as somebody is there. */
  f.viewers[f.n_viewers++] = test_room_enter (f.node, f.relay, "stage");
  publish (&f, C, 100);
  fixture_clear (&f);
}

static void
test_malformed (WzpTest *test, gconstpointer data)
{
  /* In a call's form: without a sender's tag. */
  static const guint8 of_a_call[16] = { 0x80, S | E, 1, 1 };
  static const guint8 low_bits[16] = { 0x80, S | 1, 1, 0x41, 1 };
  static const guint8 other_kind[16] = { 0x40 };
  Fixture f;

  fixture_init (&f, test, NULL, 1);
  g_assert_true (test_conn_send (f.publisher, of_a_call, sizeof of_a_call));
  g_assert_true (test_conn_send (f.publisher, low_bits, sizeof low_bits));
  g_assert_true (test_conn_send (f.publisher, other_kind, sizeof other_kind));
  g_assert_true (test_conn_send (f.publisher, of_a_call, 11));
  wzp_test_assert_until (
      test, test_relay_stats (f.relay).dropped_malformed == 4, 5000);
  publish (&f, S | E, 100);
  g_assert_cmpuint (f.viewers[0]->datagrams->len, ==, 1);
  fixture_clear (&f);
}

static void
test_viewers_control (WzpTest *test, gconstpointer data)
{
  g_autoptr (GBytes) asks = test_room_datagram (C, 0, 5, 0, 60);
  Fixture f;

  g_test_summary ("What viewers say is for those who send");

  fixture_init (&f, test, NULL, 3);
  /* Nobody sends yet. */
  g_assert_true (test_conn_send_bytes (f.viewers[0], asks));
  wzp_test_assert_until (
      test, test_relay_stats (f.relay).dropped_alone == 1, 5000);
  publish (&f, S | E, 100);
  test_room_check_passes (f.viewers[0], asks, &f.publisher, 1);
  publish (&f, S | E, 100);
  g_assert_cmpuint (f.viewers[1]->datagrams->len, ==, 2);
  g_assert_cmpuint (f.viewers[2]->datagrams->len, ==, 2);

  /* One who has been silent for long is not asked, but heard. */
  guest_at (&f, 0)->published_us -= WZP_GUEST_PUBLISHES_US + G_USEC_PER_SEC;
  g_assert_true (test_conn_send_bytes (f.viewers[1], asks));
  wzp_test_assert_until (
      test, test_relay_stats (f.relay).dropped_alone == 2, 5000);
  publish (&f, C, 100);
  g_assert_cmpuint (f.publisher->datagrams->len, ==, 1);
  publish (&f, S | E, 100);
  test_room_check_passes (f.viewers[2], asks, &f.publisher, 1);
  fixture_clear (&f);
}

static void
test_viewers_flood (WzpTest *test, gconstpointer data)
{
  const guint n = 4 * WZP_VIEWER_GATE_VIEWER_PER_S;
  WzpRelayStats stats;
  Fixture f;

  g_test_summary ("A viewer that asks all the time is heard sometimes");

  fixture_init (&f, test, NULL, 2);
  publish (&f, S | E, 100);
  for (guint i = 0; i < n; i++) {
    g_autoptr (GBytes) asks = test_room_datagram (C, i, 5, 0, 60);

    g_assert_true (test_conn_send_bytes (f.viewers[0], asks));
  }
  wzp_test_assert_until (test,
      test_relay_stats (f.relay).key_requests_merged +
              test_relay_stats (f.relay).forwarded ==
          n + 2,
      5000);
  stats = test_relay_stats (f.relay);
  g_assert_cmpuint (stats.forwarded, >=, 2 + WZP_VIEWER_GATE_VIEWER_PER_S);
  g_assert_cmpuint (stats.key_requests_merged, >, 0);
  fixture_clear (&f);
}

static void
test_early_words (WzpTest *test, gconstpointer data)
{
  const guint n = WZP_GUEST_MAX_EARLY + 3;
  Fixture f;

  g_test_summary ("What is said before the first media comes with it");

  fixture_init (&f, test, NULL, 2);
  for (guint i = 0; i < n; i++) {
    g_autoptr (GBytes) opens =
        test_room_datagram (C, f.number++, 77, 0, 100 + i);

    g_assert_true (test_conn_send_bytes (f.publisher, opens));
  }
  wzp_test_assert_until (
      test, test_relay_stats (f.relay).dropped_alone == n, 5000);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GBytes) bytes =
        test_room_datagram (S | E, f.number++, 77, 1, 200);

    g_assert_true (test_conn_send_bytes (f.publisher, bytes));
  }
  for (guint v = 0; v < f.n_viewers; v++) {
    GPtrArray *got = f.viewers[v]->datagrams;

    wzp_test_assert_until (test, got->len == WZP_GUEST_MAX_EARLY + 2, 5000);
    for (guint i = 0; i < WZP_GUEST_MAX_EARLY; i++)
      g_assert_cmpuint (g_bytes_get_size (got->pdata[i]), ==, 103 + i);
  }
  fixture_clear (&f);
}

/* ---- a slow receiver ---- */

/* One whose endpoint is in a context that nobody iterates unless told to. */
typedef struct {
  WzpTest test;
  TestNode *node;
  TestConn *conn;
} Slow;

static void
slow_enter (Slow *slow, Fixture *f)
{
  guint before = test_relay_stats (f->relay).guests;

  slow->test = *f->test;
  slow->test.context = g_main_context_new ();
  slow->node = test_node_new (&slow->test, f->relay, 9);
  slow->conn = test_conn_new (slow->node, f->relay, "stage");
  while (!slow->conn->is_established ||
      test_relay_stats (f->relay).guests == before) {
    g_main_context_iteration (slow->test.context, FALSE);
    g_main_context_iteration (f->test->context, FALSE);
  }
}

static void
slow_leave (Slow *slow)
{
  test_conn_free (slow->conn);
  test_node_free (slow->node);
  g_main_context_unref (slow->test.context);
}

#define PARTS    8u /* of a frame */
#define PART_LEN 1000u
#define GOP      10u /* frames from one key frame to the next */

static void
send_frame (Fixture *f, guint index)
{
  guint8 key = index % GOP == 0 ? K : 0;

  for (guint i = 0; i < PARTS; i++)
    publish (f, key | (i == 0 ? S : 0) | (i == PARTS - 1 ? E : 0), PART_LEN);
}

/* How many parts of each frame @conn has got. */
static guint *
count_parts (const TestConn *conn, guint n_frames)
{
  guint *parts = g_new0 (guint, n_frames);

  for (guint i = 0; i < conn->datagrams->len; i++) {
    WzpDatagramPrefix prefix;
    gsize len;
    const guint8 *data = g_bytes_get_data (conn->datagrams->pdata[i], &len);

    g_assert_true (wzp_datagram_parse_room_prefix (data, len, &prefix));
    g_assert_cmpuint (prefix.number, <, n_frames * PARTS);
    parts[prefix.number / PARTS]++;
  }
  return parts;
}

/* Each frame is whole or not there, and what leans on one that is not there is
 * not there either. Returns how often it went on after a loss. */
static guint
check_whole_frames (const TestConn *conn, guint n_frames)
{
  g_autofree guint *parts = count_parts (conn, n_frames);
  guint n_resumed = 0;

  for (guint i = 0; i < n_frames; i++) {
    if (parts[i] == 0)
      continue;
    g_assert_cmpuint (parts[i], ==, PARTS);
    if (i > 0 && parts[i - 1] == 0) {
      g_assert_cmpuint (i % GOP, ==, 0);
      n_resumed++;
    }
  }
  return n_resumed;
}

/* Until the last that it gets is the last that was sent. */
static void
slow_catch_up (Slow *slow, Fixture *f)
{
  GPtrArray *sent = f->viewers[0]->datagrams, *got = slow->conn->datagrams;

  while (got->len == 0 ||
      !g_bytes_equal (got->pdata[got->len - 1], sent->pdata[sent->len - 1])) {
    g_main_context_iteration (slow->test.context, FALSE);
    g_main_context_iteration (f->test->context, FALSE);
  }
}

static void
test_slow_receiver (WzpTest *test, gconstpointer data)
{
  const guint n_frames = 400; /* 3.2 MB */
  const WzpConn *conn;
  Slow slow;
  Fixture f;

  g_test_summary ("It loses whole frames, and the others lose nothing");

  fixture_init (&f, test, NULL, 2);
  slow_enter (&slow, &f);
  conn = guest_at (&f, 3)->conn;
  wzp_conn_set_max_in_flight ((WzpConn *) conn, 3 * PARTS * PART_LEN);
  for (guint i = 0; i < n_frames; i++) {
    send_frame (&f, i); /* each part has come to every viewer */
    /* It takes a third of what comes, at most. */
    if (i % GOP == 0)
      while (g_main_context_iteration (slow.test.context, FALSE))
        ;
    g_assert_cmpuint (wzp_conn_get_queued_bytes (conn), <=,
        WZP_FRAME_GATE_MAX_LIMIT + PARTS * PART_LEN);
  }
  g_assert_cmpuint (f.viewers[0]->datagrams->len, ==, n_frames * PARTS);
  g_assert_cmpuint (test_relay_stats (f.relay).dropped_full, >, 0);
  g_assert_cmpuint (slow.conn->datagrams->len, <, n_frames * PARTS / 2);

  /* It wakes up, and takes part again from the next key frame on. */
  while (wzp_conn_get_queued_bytes (conn) > 0) {
    g_main_context_iteration (slow.test.context, FALSE);
    g_main_context_iteration (test->context, FALSE);
  }
  for (guint i = n_frames; i < n_frames + 2 * GOP; i++)
    send_frame (&f, i);
  slow_catch_up (&slow, &f);
  g_assert_cmpuint (check_whole_frames (slow.conn, n_frames + 2 * GOP), >, 2);
  slow_leave (&slow);
  fixture_clear (&f);
}

static void
test_stopped_receiver (WzpTest *test, gconstpointer data)
{
  const guint n_frames = 200; /* 1.6 MB, and a limit of 1 MiB at most */
  gsize queued;
  Slow slow;
  Fixture f;

  g_test_summary ("One that reads nothing more costs what the limit says");

  fixture_init (&f, test, NULL, 2);
  slow_enter (&slow, &f);
  for (guint i = 0; i < n_frames; i++)
    send_frame (&f, i);
  g_assert_cmpuint (f.viewers[1]->datagrams->len, ==, n_frames * PARTS);
  queued = wzp_conn_get_queued_bytes (guest_at (&f, 3)->conn);
  g_assert_cmpuint (queued, >, 0);
  g_assert_cmpuint (queued, <=, WZP_FRAME_GATE_MAX_LIMIT + PARTS * PART_LEN);
  g_assert_cmpuint (test_relay_stats (f.relay).dropped_full, >, 0);
  slow_leave (&slow);
  fixture_clear (&f);
}

static void
test_narrow_receiver (WzpTest *test, gconstpointer data)
{
  TestNode *narrow;
  TestConn *conn;
  Fixture f;

  g_test_summary ("A frame with a part too large for a path passes in no part");

  fixture_init (&f, test, NULL, 1);
  narrow = test_node_new_narrow (test, f.relay, 3, 1200);
  conn = test_room_enter (narrow, f.relay, "stage");
  wzp_test_assert_until (
      test, wzp_conn_get_max_datagram (f.publisher->conn) > 1300, 5000);
  wzp_test_assert_until (
      test, wzp_conn_get_max_datagram (guest_at (&f, 1)->conn) > 1300, 5000);
  publish (&f, S, 1300);
  publish (&f, 0, 500);
  publish (&f, E, 500);
  publish (&f, S | E, 600);
  wzp_test_assert_until (test, conn->datagrams->len == 1, 5000);
  g_assert_cmpuint (g_bytes_get_size (conn->datagrams->pdata[0]), ==, 600);
  g_assert_cmpuint (test_relay_stats (f.relay).dropped_too_large, ==, 1);
  g_assert_cmpuint (test_relay_stats (f.relay).dropped_full, ==, 2);
  test_conn_free (conn);
  test_node_free (narrow);
  fixture_clear (&f);
}

static void
test_sender_leaves (WzpTest *test, gconstpointer data)
{
  const WzpRelayGuest *viewer;
  Fixture f;

  g_test_summary ("What was lost of one who left is forgotten");

  fixture_init (&f, test, NULL, 1);
  viewer = guest_at (&f, 1);
  publish (&f, S | E | K, 100);
  wzp_frame_gate_lose (viewer->gate,
      &(WzpFrameMark){ .flow = (guint64) guest_at (&f, 0)->serial << 32 });
  g_assert_cmpuint (wzp_frame_gate_get_gaps (viewer->gate), ==, 1);
  test_conn_free (f.publisher);
  wzp_test_assert_until (test, test_relay_stats (f.relay).guests == 1, 5000);
  g_assert_cmpuint (wzp_frame_gate_get_gaps (viewer->gate), ==, 0);
  /* The last one is not asked any more either. */
  f.publisher = test_room_enter (f.node, f.relay, "stage");
  publish (&f, S | E, 50);
  fixture_clear (&f);
}

/* ---- limits ---- */

static void
test_member_limit (WzpTest *test, gconstpointer data)
{
  const WzpRelayConfig config = { .max_room_members = 3 };
  TestConn *conn;
  Fixture f;

  fixture_init (&f, test, &config, 2);
  conn = test_conn_new (f.node, f.relay, "stage");
  test_conn_wait_closed (conn, WZP_CLOSE_BUSY, "no room is free");
  test_conn_free (conn);
  publish (&f, S | E, 100);
  test_conn_free (f.viewers[--f.n_viewers]);
  wzp_test_assert_until (test, test_relay_stats (f.relay).guests == 2, 5000);
  f.viewers[f.n_viewers++] = test_room_enter (f.node, f.relay, "stage");
  publish (&f, S | E, 100);
  g_assert_cmpuint (test_relay_stats (f.relay).refused, ==, 1);
  fixture_clear (&f);
}

static void
test_no_open_rooms (WzpTest *test, gconstpointer data)
{
  const WzpRelayConfig config = { .no_open_rooms = TRUE };
  g_autoptr (WzpRelay) relay = test_relay_new (test, &config);
  TestNode *node = test_node_new (test, relay, 1);
  TestConn *conn = test_conn_new (node, relay, "stage");

  test_conn_wait_closed (
      conn, WZP_CLOSE_REFUSED, "this relay has no open rooms");
  test_conn_free (conn);
  test_node_free (node);
}

static void
test_quotas (WzpTest *test, gconstpointer data)
{
  const WzpRelayConfig config = {
    .quotas.identity = { .rooms = 2, .bytes_per_second = 5000 },
  };
  TestConn *conn;
  Fixture f;

  g_test_summary ("Bytes and rooms of one identity are bounded");

  fixture_init (&f, test, &config, 1);
  for (guint i = 0; i < 20; i++) {
    g_autoptr (GBytes) bytes = test_room_datagram (S | E, i, 77, 1, 1000);

    g_assert_true (test_conn_send_bytes (f.publisher, bytes));
  }
  wzp_test_assert_until (test,
      test_relay_stats (f.relay).dropped_quota +
              test_relay_stats (f.relay).forwarded ==
          20,
      5000);
  g_assert_cmpuint (test_relay_stats (f.relay).dropped_quota, >=, 10);
  g_assert_cmpuint (test_relay_stats (f.relay).forwarded, >=, 5);

  conn = test_room_enter (f.node, f.relay, "other");
  f.viewers[f.n_viewers] = test_conn_new (f.node, f.relay, "third");
  test_conn_wait_closed (
      f.viewers[f.n_viewers++], WZP_CLOSE_BUSY, "in too many rooms at once");
  test_conn_free (conn);
  wzp_test_assert_until (test, test_relay_stats (f.relay).rooms == 1, 5000);
  conn = test_room_enter (f.node, f.relay, "other");
  test_conn_free (conn);
  fixture_clear (&f);
}

static void
test_connection_quota (WzpTest *test, gconstpointer data)
{
  const WzpRelayConfig config = { .quotas.identity.connections = 1 };
  TestConn *conn;
  Fixture f;

  fixture_init (&f, test, &config, 1);
  conn = test_conn_new (f.node, f.relay, "other");
  test_conn_wait_closed (conn, WZP_CLOSE_BUSY, "");
  test_conn_free (conn);
  g_assert_cmpuint (test_relay_stats (f.relay).guests, ==, 2);
  fixture_clear (&f);
}

/* ---- anything at any time ---- */

static void
send_random (Fixture *f, GRand *rand, TestConn *conn)
{
  guint8 data[64];
  struct iovec iov = { .iov_base = data, .iov_len = sizeof data };

  /* Half of them in order, half anything. */
  for (gsize i = 0; i < sizeof data; i++)
    data[i] = (guint8) g_rand_int (rand);
  data[0] = WZP_DATAGRAM_BYTE0;
  if (g_rand_boolean (rand))
    wzp_datagram_write_prefix (data, (guint8) g_rand_int (rand), f->number++,
        wzp_datagram_room_flow (1 + g_rand_int (rand) % 3, 1));
  iov.iov_len = (gsize) g_rand_int_range (rand, 1, sizeof data + 1);
  wzp_conn_send_datagram (conn->conn, &iov, 1);
}

static void
send_random_message (GRand *rand, TestConn *conn)
{
  TestNode *node = conn->node;

  switch (g_rand_int_range (rand, 0, 3)) {
    case 0:
      test_conn_send_message (conn, test_call_offer (node->identity, "me"));
      break;
    case 1:
      test_conn_send_message (conn, test_auth_token ("x"));
      break;
    default:
      test_conn_send_message (conn, test_hangup (NULL, WZP_HANGUP_NORMAL));
      break;
  }
}

static void
random_step (Fixture *f, GRand *rand, GPtrArray *conns)
{
  guint at = (guint) g_rand_int_range (rand, 0, 12);
  guint what = (guint) g_rand_int_range (rand, 0, 20);
  TestConn *conn = at < conns->len ? conns->pdata[at] : NULL;

  if (conn == NULL) {
    conn = test_conn_new (g_rand_boolean (rand) ? f->node : f->viewer_node,
        f->relay, g_rand_boolean (rand) ? "stage" : "other");
    g_ptr_array_add (conns, conn);
  } else if (what == 0) {
    g_ptr_array_remove_index_fast (conns, at);
  } else if (conn->is_established && what == 1) {
    send_random_message (rand, conn);
  } else if (conn->is_established) {
    send_random (f, rand, conn);
  }
  g_main_context_iteration (f->test->context, FALSE);
}

/* The publisher's next one is the last that comes to the first viewer: behind
 * what of others is still on its way. */
static void
assert_comes_last (Fixture *f)
{
  g_autoptr (GBytes) bytes =
      test_room_datagram (S | E | K, f->number++, 77, 1, 100);
  const GPtrArray *got = f->viewers[0]->datagrams;

  g_assert_true (test_conn_send_bytes (f->publisher, bytes));
  wzp_test_assert_until (f->test,
      got->len > 0 && g_bytes_equal (got->pdata[got->len - 1], bytes), 5000);
}

static void
test_random (WzpTest *test, gconstpointer data)
{
  g_autoptr (GPtrArray) conns =
      g_ptr_array_new_with_free_func ((GDestroyNotify) test_conn_free);
  GRand *rand = wzp_test_rand_new ();
  Fixture f;

  g_test_summary ("Whatever comes and whoever goes, the room goes on");

  fixture_init (&f, test, NULL, 1);
  f.number = 1000000;
  for (guint i = 0; i < 5000; i++)
    random_step (&f, rand, conns);
  g_ptr_array_set_size (conns, 0);
  wzp_test_assert_until (test, test_relay_stats (f.relay).guests == 2, 5000);
  wzp_test_assert_until (test, f.relay->guests.length == 2, 5000);
  assert_comes_last (&f);
  g_rand_free (rand);
  fixture_clear (&f);
}

static void
test_freed_with_members (WzpTest *test, gconstpointer data)
{
  Fixture f;

  g_test_summary ("The relay may end at any time");

  fixture_init (&f, test, NULL, 3);
  publish (&f, S | E, 100);
  g_clear_pointer (&f.relay, wzp_relay_free);
  for (guint i = 0; i < f.n_viewers; i++)
    test_conn_wait_closed (f.viewers[i], WZP_CLOSE_SHUTDOWN, "the relay ends");
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/open-room/fan-out", NULL, test_fan_out);
  wzp_test_add ("/open-room/many-send", NULL, test_many_send);
  wzp_test_add ("/open-room/rooms-apart", NULL, test_rooms_apart);
  wzp_test_add ("/open-room/late-joiner", NULL, test_late_joiner);
  wzp_test_add ("/open-room/alone", NULL, test_alone);
  wzp_test_add ("/open-room/malformed", NULL, test_malformed);
  wzp_test_add ("/open-room/viewers-control", NULL, test_viewers_control);
  wzp_test_add ("/open-room/viewers-flood", NULL, test_viewers_flood);
  wzp_test_add ("/open-room/early-words", NULL, test_early_words);
  wzp_test_add ("/open-room/slow-receiver", NULL, test_slow_receiver);
  wzp_test_add ("/open-room/stopped-receiver", NULL, test_stopped_receiver);
  wzp_test_add ("/open-room/narrow-receiver", NULL, test_narrow_receiver);
  wzp_test_add ("/open-room/sender-leaves", NULL, test_sender_leaves);
  wzp_test_add ("/open-room/member-limit", NULL, test_member_limit);
  wzp_test_add ("/open-room/no-open-rooms", NULL, test_no_open_rooms);
  wzp_test_add ("/open-room/quotas", NULL, test_quotas);
  wzp_test_add ("/open-room/connection-quota", NULL, test_connection_quota);
  wzp_test_add ("/open-room/random", NULL, test_random);
  wzp_test_add ("/open-room/freed-with-members", NULL, test_freed_with_members);
  return wzp_test_run ();
}
