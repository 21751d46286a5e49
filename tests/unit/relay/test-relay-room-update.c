#include "relay-test-room.h"
#include "wzp-relay-guest-private.h"

#include <string.h>

#define MAX_MEMBERS 300u

typedef struct {
  WzpTest *test;
  WzpRelay *relay;
  TestNode *nodes[3];
  TestConn *conns[MAX_MEMBERS];
  guint n_conns;
} Fixture;

static void
fixture_init (Fixture *f, WzpTest *test)
{
  memset (f, 0, sizeof *f);
  f->test = test;
  f->relay = test_relay_new (test, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (f->nodes); i++)
    f->nodes[i] = test_node_new (test, f->relay, i);
}

static void
fixture_clear (Fixture *f)
{
  for (guint i = 0; i < f->n_conns; i++)
    test_conn_free (f->conns[i]);
  for (guint i = 0; i < G_N_ELEMENTS (f->nodes); i++)
    test_node_free (f->nodes[i]);
  wzp_relay_free (f->relay);
}

static TestConn *
enter (Fixture *f, guint node)
{
  TestConn *conn = test_room_enter (f->nodes[node], f->relay, "stage");

  f->conns[f->n_conns++] = conn;
  return conn;
}

/* Waits until what @conn was told last is of @count; the messages before it
 * are gone, their number is returned. */
static guint
await_count (TestConn *conn, guint count, WzpMessage **ret_last)
{
  guint n = 0;

  for (;;) {
    g_autoptr (WzpMessage) message =
        test_conn_expect (conn, WZP_MESSAGE_ROOM_UPDATE);

    n++;
    if (message->count != count)
      continue;
    if (ret_last != NULL)
      *ret_last = g_steal_pointer (&message);
    return n;
  }
}

/* How often @node is listed. */
static guint
count_listed (const WzpMessage *update, const TestNode *node)
{
  guint n = 0;

  for (guint i = 0; i < update->n_participants; i++)
    n += wzp_fingerprint_equal (
        &update->participants[i].fingerprint, node->peer->fp);
  return n;
}

static void
test_contents (WzpTest *test, gconstpointer data)
{
  Fixture f;

  fixture_init (&f, test);
  for (guint i = 0; i < 3; i++) {
    enter (&f, i / 2); /* the first identity twice */
    for (guint j = 0; j <= i; j++) {
      g_autoptr (WzpMessage) update = NULL;

      await_count (f.conns[j], i + 1, &update);
      g_assert_cmpuint (update->n_participants, ==, i + 1);
      g_assert_cmpuint (count_listed (update, f.nodes[0]), ==, MIN (i + 1, 2));
      g_assert_cmpuint (count_listed (update, f.nodes[1]), ==, i / 2);
      g_assert_cmpstr (update->participants[0].alias, ==, NULL);
      g_assert_cmpstr (update->participants[0].relay_label, ==, NULL);
    }
  }
  test_conn_free (f.conns[--f.n_conns]);
  await_count (f.conns[0], 2, NULL);
  await_count (f.conns[1], 2, NULL);
  fixture_clear (&f);
}

static gboolean
is_named (const WzpMessage *update, const char *alias)
{
  for (guint i = 0; i < update->n_participants; i++)
    if (g_strcmp0 (update->participants[i].alias, alias) == 0)
      return TRUE;
  return FALSE;
}

static void
test_names (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpMessage) named = NULL;
  g_autoptr (WzpMessage) nameless = NULL;
  TestConn *a, *b;
  Fixture f;

  g_test_summary ("Who shows no certificate counts, and may name itself");

  fixture_init (&f, test);
  test_node_hide (f.nodes[1]);
  a = enter (&f, 0);
  await_count (a, 1, NULL);
  b = enter (&f, 1);
  await_count (a, 2, &nameless);
  await_count (b, 2, NULL);
  g_assert_cmpuint (nameless->n_participants, ==, 1);
  g_assert_cmpuint (count_listed (nameless, f.nodes[0]), ==, 1);

  test_conn_send_message (b, test_call_offer (f.nodes[1]->identity, "cam1"));
  wzp_message_free (test_conn_expect (b, WZP_MESSAGE_CALL_ANSWER));
  await_count (a, 2, &named);
  g_assert_cmpuint (named->n_participants, ==, 2);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpstr (named->participants[i].alias, ==,
        wzp_fingerprint_equal (
            &named->participants[i].fingerprint, f.nodes[1]->peer->fp)
            ? "cam1"
            : NULL);

  /* One with a certificate may say what it is called, too. */
  test_conn_send_message (a, test_call_offer (f.nodes[0]->identity, "desk"));
  for (;;) {
    g_autoptr (WzpMessage) update =
        test_conn_expect (b, WZP_MESSAGE_ROOM_UPDATE);

    if (update->n_participants == 2 && is_named (update, "desk") &&
        is_named (update, "cam1"))
      break;
  }
  fixture_clear (&f);
}

static WzpRelayGuest *
guest_at (const Fixture *f, guint index)
{
  return g_queue_peek_nth (&f->relay->guests, index);
}

static WzpRelayRoom *
room_of (const Fixture *f)
{
  return wzp_room_get_data (wzp_room_member_get_room (guest_at (f, 0)->member));
}

static void
test_joins (WzpTest *test, gconstpointer data)
{
  const guint n = 60;
  Fixture f;

  g_test_summary ("Many at once: each is told of all in the end");

  fixture_init (&f, test);
  for (guint i = 0; i < n; i++)
    f.conns[f.n_conns++] = test_conn_new (f.nodes[i % 2], f.relay, "stage");
  for (guint i = 0; i < n; i++)
    await_count (f.conns[i], n, NULL);
  fixture_clear (&f);
}

static void
test_burst (WzpTest *test, gconstpointer data)
{
  const guint n = 500;
  gint64 began_us;
  TestConn *conn;
  Fixture f;

  g_test_summary ("Changes that come together are one message");

  fixture_init (&f, test);
  conn = enter (&f, 0);
  began_us = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++) {
    wzp_relay_room_changed (room_of (&f));
    wzp_test_drain (test->context);
  }
  wzp_test_assert_until (
      test, guest_at (&f, 0)->told == room_of (&f)->version, 5000);
  wzp_test_assert_until (test, conn->messages->len > 0, 5000);
  /* One each 200 ms, and one more at either end. */
  g_assert_cmpuint (conn->messages->len, <=,
      (guint) ((g_get_monotonic_time () - began_us) / 200000 + 2));
  fixture_clear (&f);
}

static void
test_listed_at_most (WzpTest *test, gconstpointer data)
{
  const guint n = WZP_MESSAGE_MAX_LISTED + 4;
  g_autoptr (WzpMessage) update = NULL;
  Fixture f;

  g_test_summary ("All are counted, and as many listed as a message takes");

  fixture_init (&f, test);
  for (guint i = 0; i < n; i++)
    f.conns[f.n_conns++] = test_conn_new (f.nodes[i % 3], f.relay, "stage");
  wzp_test_assert_until (test, test_relay_stats (f.relay).guests == n, 20000);
  /* Who comes last is told at once, however many there are. */
  await_count (enter (&f, 0), n + 1, &update);
  g_assert_cmpuint (update->n_participants, ==, WZP_MESSAGE_MAX_LISTED);
  await_count (f.conns[0], n + 1, NULL);
  fixture_clear (&f);
}

/* ---- who is told when ---- */

static void
test_paced (WzpTest *test, gconstpointer data)
{
  TestConn *publisher, *viewer, *newcomer;
  g_autoptr (GBytes) media = NULL;
  Fixture f;

  g_test_summary ("Viewers wait their turn; publishers and newcomers do not");

  fixture_init (&f, test);
  publisher = enter (&f, 0);
  viewer = enter (&f, 1);
  await_count (publisher, 2, NULL);
  await_count (viewer, 2, NULL);
  media = test_room_datagram (
      WZP_DATAGRAM_FRAME_START | WZP_DATAGRAM_FRAME_END, 0, 7, 1, 100);
  test_room_check_passes (publisher, media, &viewer, 1);

  /* As if there had been much to tell. */
  room_of (&f)->all_us = G_MAXINT64;
  newcomer = enter (&f, 2);
  await_count (newcomer, 3, NULL);
  await_count (publisher, 3, NULL);
  g_assert_cmpuint (viewer->messages->len, ==, 0);
  room_of (&f)->all_us = 0;
  wzp_relay_lobby_set (f.relay, &room_of (&f)->update, 0);
  g_assert_cmpuint (await_count (viewer, 3, NULL), ==, 1);
  g_assert_cmpuint (publisher->messages->len, ==, 0);
  fixture_clear (&f);
}

static void
test_behind (WzpTest *test, gconstpointer data)
{
  /* The member's channel passes over it: it is no message. */
  g_autofree char *junk = g_malloc0 (100000);
  g_autoptr (GBytes) bytes = g_bytes_new (junk, 100000);
  TestConn *a, *b;
  Fixture f;

  g_test_summary ("Who is behind is passed over, and then told the newest");

  fixture_init (&f, test);
  a = enter (&f, 0);
  b = enter (&f, 1);
  await_count (b, 2, NULL);
  await_count (a, 2, NULL);
  wzp_test_assert_until (
      test, wzp_conn_get_stream_backlog (guest_at (&f, 1)->conn) == 0, 5000);
  g_assert_true (wzp_conn_send_stream (guest_at (&f, 1)->conn, bytes, NULL));
  room_of (&f)->told_us = 0;
  wzp_relay_room_changed (room_of (&f));
  room_of (&f)->update.due (room_of (&f), g_get_monotonic_time ());
  g_assert_cmpuint (guest_at (&f, 1)->told, <, room_of (&f)->version);
  g_assert_cmpuint (guest_at (&f, 0)->told, ==, room_of (&f)->version);
  /* It takes everything off while we wait, and is told. */
  wzp_test_assert_until (
      test, guest_at (&f, 1)->told == room_of (&f)->version, 5000);
  wzp_test_assert_until (test, b->messages->len > 0, 5000);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/room-update/contents", NULL, test_contents);
  wzp_test_add ("/room-update/names", NULL, test_names);
  wzp_test_add ("/room-update/joins", NULL, test_joins);
  wzp_test_add ("/room-update/burst", NULL, test_burst);
  wzp_test_add_full (
      "/room-update/listed-at-most", 60, NULL, test_listed_at_most);
  wzp_test_add ("/room-update/paced", NULL, test_paced);
  wzp_test_add ("/room-update/behind", NULL, test_behind);
  return wzp_test_run ();
}
