#include "relay-test-node.h"

#include "wzp-datagram.h"
#include "wzp-relay-private.h"

#include <string.h>

typedef struct {
  WzpTest *test;
  WzpRelay *relay;
  TestNode *a, *b;
  TestConn *ra, *rb; /* in the room of their call "c1" */
} Fixture;

static WzpRelayStats
stats (const WzpRelay *relay)
{
  WzpRelayStats result;

  wzp_relay_get_stats (relay, &result);
  return result;
}

static void
fixture_init (Fixture *f, WzpTest *test)
{
  /* Whoever loses its connection is soon gone. */
  const WzpRelayConfig config = { .limits.grace_us = 200 * 1000 };

  memset (f, 0, sizeof *f);
  f->test = test;
  f->relay = test_relay_new (test, &config);
  f->a = test_node_new (test, f->relay, 1);
  f->b = test_node_new (test, f->relay, 2);
  test_node_register (f->a, NULL);
  test_node_register (f->b, NULL);
  test_node_call (f->a, f->b, "c1");
}

static void
fixture_enter (Fixture *f)
{
  f->ra = test_conn_new (f->a, f->relay, "call-c1");
  f->rb = test_conn_new (f->b, f->relay, "call-c1");
  test_conn_wait (f->ra);
  test_conn_wait (f->rb);
  wzp_test_assert_until (f->test, stats (f->relay).guests == 2, 5000);
}

static void
fixture_clear (Fixture *f)
{
  g_clear_pointer (&f->ra, test_conn_free);
  g_clear_pointer (&f->rb, test_conn_free);
  g_clear_pointer (&f->a, test_node_free);
  g_clear_pointer (&f->b, test_node_free);
  wzp_relay_free (f->relay);
}

/* A datagram that a relay takes, with @number in it. */
static GBytes *
make_datagram (gsize len, guint8 number)
{
  guint8 *data = g_malloc (len);

  g_assert_cmpuint (len, >=, 3);
  for (gsize i = 0; i < len; i++)
    data[i] = (guint8) (i * 7 + number);
  data[0] = WZP_DATAGRAM_BYTE0;
  data[1] = 0;
  data[2] = number;
  return g_bytes_new_take (data, len);
}

static gboolean
send_bytes (TestConn *conn, GBytes *bytes)
{
  gsize len;
  const void *data = g_bytes_get_data (bytes, &len);

  return test_conn_send (conn, data, len);
}

/* Sends one and waits until it has come out, unchanged. */
static void
check_passes (Fixture *f, TestConn *from, TestConn *to, gsize len)
{
  g_autoptr (GBytes) bytes = make_datagram (len, (guint8) len);
  guint before = to->datagrams->len;

  g_assert_true (send_bytes (from, bytes));
  wzp_test_assert_until (f->test, to->datagrams->len > before, 5000);
  g_assert_cmpuint (to->datagrams->len, ==, before + 1);
  g_assert_true (g_bytes_equal (bytes, to->datagrams->pdata[before]));
}

static void
test_forward (WzpTest *test, gconstpointer data)
{
  Fixture f;
  gsize max;

  fixture_init (&f, test);
  fixture_enter (&f);
  check_passes (&f, f.ra, f.rb, WZP_DATAGRAM_MIN_RELAYED);
  check_passes (&f, f.rb, f.ra, WZP_DATAGRAM_MIN_RELAYED);
  max = wzp_conn_get_max_datagram (f.ra->conn);
  g_assert_cmpuint (max, >, 1000);
  check_passes (&f, f.ra, f.rb, 1000);
  check_passes (&f, f.rb, f.ra, 1000);
  /* Nobody hears himself. */
  g_assert_cmpuint (f.ra->datagrams->len, ==, 2);
  g_assert_cmpuint (f.rb->datagrams->len, ==, 2);
  g_assert_cmpuint (stats (f.relay).forwarded, ==, 4);
  g_assert_cmpuint (stats (f.relay).forwarded_bytes, ==, 2024);
  fixture_clear (&f);
}

static void
test_stream_of_datagrams (WzpTest *test, gconstpointer data)
{
  const guint n = 200;
  Fixture f;

  g_test_summary ("Many both ways, each as it was and for the right one");

  fixture_init (&f, test);
  fixture_enter (&f);
  for (guint i = 0; i < n; i++) {
    g_autoptr (GBytes) a = make_datagram (500 + i, (guint8) i);
    g_autoptr (GBytes) b = make_datagram (300 + i, (guint8) i);

    g_assert_true (send_bytes (f.ra, a));
    g_assert_true (send_bytes (f.rb, b));
  }
  wzp_test_assert_until (
      test, f.ra->datagrams->len == n && f.rb->datagrams->len == n, 10000);
  for (guint i = 0; i < n; i++) {
    GBytes *at_a = f.ra->datagrams->pdata[i];
    GBytes *at_b = f.rb->datagrams->pdata[i];
    guint from_b = (guint) g_bytes_get_size (at_a) - 300;
    guint from_a = (guint) g_bytes_get_size (at_b) - 500;
    g_autoptr (GBytes) a = make_datagram (500 + from_a, (guint8) from_a);
    g_autoptr (GBytes) b = make_datagram (300 + from_b, (guint8) from_b);

    g_assert_true (g_bytes_equal (at_b, a));
    g_assert_true (g_bytes_equal (at_a, b));
  }
  g_assert_cmpuint (stats (f.relay).forwarded, ==, 2 * n);
  fixture_clear (&f);
}

static void
test_malformed (WzpTest *test, gconstpointer data)
{
  static const guint8 other_kind[20] = { 0x40 };
  g_autoptr (GBytes) shorter = NULL;
  Fixture f;

  fixture_init (&f, test);
  fixture_enter (&f);
  shorter = make_datagram (WZP_DATAGRAM_MIN_RELAYED - 1, 1);
  g_assert_true (send_bytes (f.ra, shorter));
  g_assert_true (test_conn_send (f.ra, other_kind, sizeof other_kind));
  wzp_test_assert_until (test, stats (f.relay).dropped_malformed == 2, 5000);
  check_passes (&f, f.ra, f.rb, 20);
  g_assert_cmpuint (stats (f.relay).forwarded, ==, 1);
  fixture_clear (&f);
}

static void
test_alone (WzpTest *test, gconstpointer data)
{
  g_autoptr (GBytes) bytes = make_datagram (50, 1);
  Fixture f;

  fixture_init (&f, test);
  f.ra = test_conn_new (f.a, f.relay, "call-c1");
  test_conn_wait (f.ra);
  g_assert_true (send_bytes (f.ra, bytes));
  wzp_test_assert_until (test, stats (f.relay).dropped_alone == 1, 5000);
  fixture_clear (&f);
}

static void
test_too_large (WzpTest *test, gconstpointer data)
{
  g_autoptr (GBytes) bytes = NULL;
  Fixture f = { .test = test };
  gsize narrow;

  g_test_summary ("What the receiver's path does not take is counted");

  f.relay = test_relay_new (test, NULL);
  f.a = test_node_new (test, f.relay, 1);
  f.b = test_node_new_narrow (test, f.relay, 2, 1200);
  test_node_register (f.a, NULL);
  test_node_register (f.b, NULL);
  test_node_call (f.a, f.b, "c1");
  fixture_enter (&f);
  wzp_test_assert_until (test,
      wzp_conn_get_max_datagram (f.ra->conn) >
          wzp_conn_get_max_datagram (f.rb->conn) + 100,
      5000);
  narrow = wzp_conn_get_max_datagram (f.rb->conn);
  bytes = make_datagram (narrow + 100, 1);
  g_assert_true (send_bytes (f.ra, bytes));
  wzp_test_assert_until (test, stats (f.relay).dropped_too_large == 1, 5000);
  /* What fits the narrower path passes. */
  check_passes (&f, f.ra, f.rb, 1000);
  check_passes (&f, f.rb, f.ra, 1000);
  g_assert_cmpuint (stats (f.relay).forwarded, ==, 2);
  fixture_clear (&f);
}

static void
test_strangers (WzpTest *test, gconstpointer data)
{
  TestNode *c;
  TestConn *conn;
  Fixture f;

  fixture_init (&f, test);
  fixture_enter (&f);
  c = test_node_new (test, f.relay, 3);
  test_node_register (c, NULL);
  conn = test_conn_new (c, f.relay, "call-c1");
  test_conn_wait_closed (conn, WZP_CLOSE_REFUSED, "not a party of this call");
  test_conn_free (conn);
  conn = test_conn_new (f.a, f.relay, "call-c2");
  test_conn_wait_closed (conn, WZP_CLOSE_REFUSED, "not a party of this call");
  test_conn_free (conn);

  /* A call that is not answered has no room yet. */
  test_node_send (c, test_peer_offer (c->peer, f.a->peer->fp, "c3"));
  wzp_message_free (test_node_expect (f.a, WZP_MESSAGE_DIRECT_CALL_OFFER));
  conn = test_conn_new (c, f.relay, "call-c3");
  test_conn_wait_closed (conn, WZP_CLOSE_REFUSED, "not a party of this call");
  test_conn_free (conn);

  g_assert_cmpuint (stats (f.relay).refused, ==, 3);
  g_assert_cmpuint (stats (f.relay).guests, ==, 2);
  check_passes (&f, f.ra, f.rb, 100);
  check_passes (&f, f.rb, f.ra, 100);
  test_node_free (c);
  fixture_clear (&f);
}

static void
test_same_again (WzpTest *test, gconstpointer data)
{
  TestConn *newer;
  Fixture f;

  g_test_summary ("A party that comes again takes its own place");

  fixture_init (&f, test);
  fixture_enter (&f);
  newer = test_conn_new (f.a, f.relay, "call-c1");
  test_conn_wait (newer);
  test_conn_wait_closed (
      f.ra, WZP_CLOSE_REPLACED, "a newer connection took its place");
  g_assert_cmpuint (stats (f.relay).guests, ==, 2);
  check_passes (&f, newer, f.rb, 100);
  check_passes (&f, f.rb, newer, 100);
  g_assert_cmpuint (f.ra->datagrams->len, ==, 0);
  test_conn_free (f.ra);
  f.ra = newer;
  fixture_clear (&f);
}

static void
test_two_rooms (WzpTest *test, gconstpointer data)
{
  TestConn *a2, *b2;
  Fixture f;

  fixture_init (&f, test);
  fixture_enter (&f);
  test_node_call (f.b, f.a, "c2");
  a2 = test_conn_new (f.a, f.relay, "call-c2");
  b2 = test_conn_new (f.b, f.relay, "call-c2");
  test_conn_wait (a2);
  test_conn_wait (b2);
  wzp_test_assert_until (test, stats (f.relay).rooms == 2, 5000);
  check_passes (&f, f.ra, f.rb, 100);
  check_passes (&f, a2, b2, 101);
  g_assert_cmpuint (f.rb->datagrams->len, ==, 1);
  g_assert_cmpuint (b2->datagrams->len, ==, 1);
  test_conn_free (a2);
  test_conn_free (b2);
  fixture_clear (&f);
}

static void
test_signalling_drops (WzpTest *test, gconstpointer data)
{
  Fixture f;

  g_test_summary ("The room outlives signalling; its end is the call's");

  fixture_init (&f, test);
  fixture_enter (&f);
  g_clear_pointer (&f.a->client, wzp_signal_client_free);
  wzp_test_assert_until (test, stats (f.relay).registry.clients == 1, 5000);
  check_passes (&f, f.ra, f.rb, 100);
  check_passes (&f, f.rb, f.ra, 100);
  g_assert_cmpuint (f.b->messages->len, ==, 0);
  g_clear_pointer (&f.ra, test_conn_free);
  test_node_expect_hangup (
      f.b, "c1", WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  g_assert_cmpuint (stats (f.relay).registry.calls, ==, 0);
  g_assert_cmpuint (stats (f.relay).guests, ==, 1);
  fixture_clear (&f);
}

static void
test_hung_up (WzpTest *test, gconstpointer data)
{
  TestConn *conn;
  Fixture f;

  fixture_init (&f, test);
  fixture_enter (&f);
  test_node_send (f.a, test_hangup ("c1", WZP_HANGUP_NORMAL));
  test_node_expect_hangup (f.b, "c1", WZP_HANGUP_NORMAL, NULL);
  /* Who is inside may say a last word; nobody comes in any more. */
  check_passes (&f, f.ra, f.rb, 100);
  g_clear_pointer (&f.ra, test_conn_free);
  wzp_test_assert_until (test, stats (f.relay).guests == 1, 5000);
  conn = test_conn_new (f.a, f.relay, "call-c1");
  test_conn_wait_closed (conn, WZP_CLOSE_REFUSED, "not a party of this call");
  test_conn_free (conn);
  fixture_clear (&f);
}

static void
test_self_naming (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelay) relay = test_relay_new (test, NULL);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);
  TestNode *c = test_node_new (test, relay, 3);
  Fixture f = { .test = test, .relay = relay };
  g_autofree char *call_id =
      wzp_call_id_new_self_naming ("0011aa", a->peer->fp, b->peer->fp);
  g_autofree char *room = wzp_sni_for_call_room (call_id);
  TestConn *conn;

  g_test_summary ("A room for two whose call the relay has not heard of");

  f.ra = test_conn_new (a, relay, room);
  f.rb = test_conn_new (b, relay, room);
  conn = test_conn_new (c, relay, room);
  test_conn_wait (f.ra);
  test_conn_wait (f.rb);
  test_conn_wait_closed (conn, WZP_CLOSE_REFUSED, "not a party of this call");
  wzp_test_assert_until (test, stats (relay).guests == 2, 5000);
  check_passes (&f, f.ra, f.rb, 100);
  check_passes (&f, f.rb, f.ra, 100);
  test_conn_free (conn);
  test_conn_free (f.ra);
  test_conn_free (f.rb);
  wzp_test_assert_until (test, stats (relay).rooms == 0, 5000);
  test_node_free (a);
  test_node_free (b);
  test_node_free (c);
}

static void
test_room_limit (WzpTest *test, gconstpointer data)
{
  const WzpRelayConfig config = { .max_rooms = 1 };
  g_autoptr (WzpRelay) relay = test_relay_new (test, &config);
  TestNode *a = test_node_new (test, relay, 1);
  TestNode *b = test_node_new (test, relay, 2);
  g_autofree char *one =
      wzp_call_id_new_self_naming ("1", a->peer->fp, b->peer->fp);
  g_autofree char *two =
      wzp_call_id_new_self_naming ("2", a->peer->fp, b->peer->fp);
  g_autofree char *room_one = wzp_sni_for_call_room (one);
  g_autofree char *room_two = wzp_sni_for_call_room (two);
  TestConn *first, *second;

  first = test_conn_new (a, relay, room_one);
  test_conn_wait (first);
  wzp_test_assert_until (test, stats (relay).rooms == 1, 5000);
  second = test_conn_new (a, relay, room_two);
  test_conn_wait_closed (second, WZP_CLOSE_BUSY, "no room is free");
  test_conn_free (first);
  test_conn_free (second);
  test_node_free (a);
  test_node_free (b);
}

static void
test_streams (WzpTest *test, gconstpointer data)
{
  g_autofree guint8 *big = g_malloc0 (300000);
  g_autoptr (GBytes) bytes = g_bytes_new (big, 300000);
  Fixture f;

  g_test_summary ("Nothing comes of a stream that holds no message");

  fixture_init (&f, test);
  fixture_enter (&f);
  for (guint i = 0; i < 3; i++)
    g_assert_true (wzp_conn_send_stream (f.ra->conn, bytes, NULL));
  check_passes (&f, f.ra, f.rb, 100);
  g_assert_false (f.ra->is_closed);
  fixture_clear (&f);
}

/* ---- the other party at another relay ---- */

/* Instead of a link of a registry that has one. */
static struct {
  WzpRelayLink *link; /* of call "c1"; NULL: as the registry says */
  gsize max_datagram;
  gboolean is_full;
  guint64 tag;
  GBytes *sent; /* owned: the last one */
} fake;

gpointer __real_wzp_registry_get_room_link (
    const WzpRegistry *self, const char *call_id);
gpointer __wrap_wzp_registry_get_room_link (
    const WzpRegistry *self, const char *call_id);
gsize __wrap_wzp_relay_link_get_max_datagram (const WzpRelayLink *self);
gboolean __wrap_wzp_relay_link_send_datagram (
    WzpRelayLink *self, guint64 tag, const guint8 *datagram, gsize len);

gpointer
__wrap_wzp_registry_get_room_link (const WzpRegistry *self, const char *call_id)
{
  if (fake.link != NULL && g_str_equal (call_id, "c1"))
    return fake.link;
  return __real_wzp_registry_get_room_link (self, call_id);
}

gsize
__wrap_wzp_relay_link_get_max_datagram (const WzpRelayLink *self)
{
  g_assert_true (self == fake.link);
  return fake.max_datagram;
}

gboolean
__wrap_wzp_relay_link_send_datagram (
    WzpRelayLink *self, guint64 tag, const guint8 *datagram, gsize len)
{
  g_assert_true (self == fake.link);
  if (fake.is_full)
    return FALSE;
  fake.tag = tag;
  g_clear_pointer (&fake.sent, g_bytes_unref);
  fake.sent = g_bytes_new (datagram, len);
  return TRUE;
}

static void
test_to_link (WzpTest *test, gconstpointer data)
{
  g_autoptr (GBytes) bytes = make_datagram (100, 1);
  g_autoptr (GBytes) larger = make_datagram (101, 2);
  int link;
  Fixture f;

  g_test_summary ("What is for a party at another relay goes over the link");

  fixture_init (&f, test);
  f.ra = test_conn_new (f.a, f.relay, "call-c1");
  test_conn_wait (f.ra);
  fake.link = (WzpRelayLink *) &link;
  fake.max_datagram = 100;
  g_assert_true (send_bytes (f.ra, bytes));
  wzp_test_assert_until (test, fake.sent != NULL, 5000);
  g_assert_true (g_bytes_equal (fake.sent, bytes));
  g_assert_cmphex (fake.tag, ==, wzp_room_compute_tag ("c1"));
  g_assert_true (send_bytes (f.ra, larger));
  wzp_test_assert_until (test, stats (f.relay).dropped_too_large == 1, 5000);
  fake.is_full = TRUE;
  g_assert_true (send_bytes (f.ra, bytes));
  wzp_test_assert_until (test, stats (f.relay).dropped_full == 1, 5000);
  g_assert_cmpuint (stats (f.relay).forwarded, ==, 1);
  g_assert_cmpuint (stats (f.relay).forwarded_bytes, ==, 100);
  fake.is_full = FALSE;
  fake.link = NULL;
  g_clear_pointer (&fake.sent, g_bytes_unref);
  fixture_clear (&f);
}

static void
deliver (Fixture *f, gpointer link, guint64 tag, GBytes *bytes)
{
  gsize len;
  const guint8 *data = g_bytes_get_data (bytes, &len);

  wzp_relay_guest_deliver (f->relay, link, tag, data, len);
}

static void
test_from_link (WzpTest *test, gconstpointer data)
{
  const guint64 tag = wzp_room_compute_tag ("c1");
  g_autoptr (GBytes) bytes = make_datagram (100, 1);
  g_autoptr (GBytes) shorter = make_datagram (11, 1);
  int links[2];
  Fixture f;

  g_test_summary ("From the link of the call, and from no other");

  fixture_init (&f, test);
  fake.link = (WzpRelayLink *) &links[0];
  deliver (&f, &links[0], tag, bytes); /* nobody is here */
  f.ra = test_conn_new (f.a, f.relay, "call-c1");
  test_conn_wait (f.ra);
  wzp_test_assert_until (test, stats (f.relay).guests == 1, 5000);
  deliver (&f, &links[1], tag, bytes);
  deliver (&f, &links[0], tag + 1, bytes);
  g_assert_cmpuint (stats (f.relay).dropped_alone, ==, 3);
  deliver (&f, &links[0], tag, shorter);
  g_assert_cmpuint (stats (f.relay).dropped_malformed, ==, 1);
  deliver (&f, &links[0], tag, bytes);
  wzp_test_assert_until (test, f.ra->datagrams->len == 1, 5000);
  g_assert_true (g_bytes_equal (f.ra->datagrams->pdata[0], bytes));
  g_assert_cmpuint (stats (f.relay).forwarded, ==, 1);

  /* Both are here after all. */
  f.rb = test_conn_new (f.b, f.relay, "call-c1");
  wzp_test_assert_until (test, stats (f.relay).guests == 2, 5000);
  deliver (&f, &links[0], tag, bytes);
  g_assert_cmpuint (stats (f.relay).dropped_alone, ==, 4);
  check_passes (&f, f.ra, f.rb, 100);
  fake.link = NULL;
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-guest/forward", NULL, test_forward);
  wzp_test_add (
      "/relay-guest/stream-of-datagrams", NULL, test_stream_of_datagrams);
  wzp_test_add ("/relay-guest/malformed", NULL, test_malformed);
  wzp_test_add ("/relay-guest/alone", NULL, test_alone);
  wzp_test_add ("/relay-guest/too-large", NULL, test_too_large);
  wzp_test_add ("/relay-guest/strangers", NULL, test_strangers);
  wzp_test_add ("/relay-guest/same-again", NULL, test_same_again);
  wzp_test_add ("/relay-guest/two-rooms", NULL, test_two_rooms);
  wzp_test_add ("/relay-guest/signalling-drops", NULL, test_signalling_drops);
  wzp_test_add ("/relay-guest/hung-up", NULL, test_hung_up);
  wzp_test_add ("/relay-guest/self-naming", NULL, test_self_naming);
  wzp_test_add ("/relay-guest/room-limit", NULL, test_room_limit);
  wzp_test_add ("/relay-guest/streams", NULL, test_streams);
  wzp_test_add ("/relay-guest/to-link", NULL, test_to_link);
  wzp_test_add ("/relay-guest/from-link", NULL, test_from_link);
  return wzp_test_run ();
}
