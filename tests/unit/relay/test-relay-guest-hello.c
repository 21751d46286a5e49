/* Who may enter a room, and what is said on the way in. */
#include "relay-test-room.h"
#include "wzp-relay-guest-private.h"

#include <string.h>

#define NOT_A_PARTY "not a party of this call"
/* Names two parties that nobody here is. */
#define OTHERS                                                                 \
  "call-0.00000000000000000000000000000001."                                   \
  "00000000000000000000000000000002"

static const char secret[] = "a secret of 32 bytes or even more";

typedef struct {
  WzpTest *test;
  WzpIdentity *relay_identity;
  WzpRelay *relay;
  TestNode *a, *b, *stranger;
  char *self_naming; /* of a and b: the room's server name */
} Fixture;

/* Takes @access (nullable). */
static void
fixture_init (Fixture *f, WzpTest *test, WzpRelayAccess *access)
{
  g_autofree char *call_id = NULL;
  WzpRelayConfig config = { .access = access };

  memset (f, 0, sizeof *f);
  f->test = test;
  f->relay_identity = config.identity = wzp_identity_new_ephemeral ();
  f->relay = test_relay_new (test, &config);
  f->a = test_node_new (test, f->relay, 1);
  f->b = test_node_new (test, f->relay, 2);
  f->stranger = test_node_new (test, f->relay, 3);
  call_id = wzp_call_id_new_self_naming ("1a", f->a->peer->fp, f->b->peer->fp);
  f->self_naming = wzp_sni_for_call_room (call_id);
  g_clear_pointer (&access, wzp_relay_access_unref);
}

static void
fixture_call (Fixture *f)
{
  test_node_register (f->a, NULL);
  test_node_register (f->b, NULL);
  test_node_call (f->a, f->b, "c1");
}

static void
fixture_clear (Fixture *f)
{
  test_node_free (f->a);
  test_node_free (f->b);
  test_node_free (f->stranger);
  wzp_relay_free (f->relay);
  wzp_identity_unref (f->relay_identity);
  g_free (f->self_naming);
}

static WzpRelayAccess *
make_allow_list (const WzpFingerprint *who)
{
  char text[WZP_FINGERPRINT_STRLEN];
  const char *const allowed[] = { wzp_fingerprint_to_string (who, text), NULL };

  return wzp_relay_access_new_allow_list (allowed, NULL);
}

static GBytes *
make_key (void)
{
  return g_bytes_new_static (secret, sizeof secret - 1);
}

static WzpRelayAccess *
make_token_access (void)
{
  g_autoptr (GBytes) key = make_key ();

  return wzp_relay_access_new_token (&key, 1, NULL);
}

static WzpMessage *
make_token (const WzpFingerprint *who, const char *room, int seconds)
{
  g_autoptr (GBytes) key = make_key ();
  g_autoptr (GError) error = NULL;
  g_autofree char *token = wzp_token_mint (
      key, g_get_real_time () / G_USEC_PER_SEC + seconds, who, room, &error);

  g_assert_no_error (error);
  return test_auth_token (token);
}

/* Connects, and waits until the relay has it in no room. */
static TestConn *
hold (TestNode *node, WzpRelay *relay, const char *name)
{
  guint before = relay->guests.length;
  TestConn *conn = test_conn_new (node, relay, name);

  test_conn_wait (conn);
  wzp_test_assert_until (node->test, relay->guests.length > before, 5000);
  return conn;
}

/* The last one that came in has waited long enough. */
static void
end_hold (WzpRelay *relay)
{
  WzpRelayGuest *guest = g_queue_peek_tail (&relay->guests);

  g_assert_null (guest->member);
  wzp_relay_lobby_set (relay, &guest->held, 0);
}

static void
check_guests (Fixture *f, guint n)
{
  wzp_test_assert_until (
      f->test, test_relay_stats (f->relay).guests == n, 5000);
}

static void
check_refused (
    TestNode *node, WzpRelay *relay, const char *name, const char *reason)
{
  TestConn *conn = test_conn_new (node, relay, name);

  test_conn_wait_closed (conn, WZP_CLOSE_REFUSED, reason);
  g_assert_true (g_str_has_suffix (conn->close_reason, reason));
  test_conn_free (conn);
}

/* ---- CallOffer in a call's room ---- */

static void
test_offer (WzpTest *test, gconstpointer data)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("\200\0\1\1abcdefgh", 12);
  TestConn *ra, *rb;
  Fixture f;

  g_test_summary ("Without a certificate, a CallOffer opens the door");

  fixture_init (&f, test, NULL);
  fixture_call (&f);
  test_node_hide (f.a);
  rb = test_conn_new (f.b, f.relay, "call-c1");
  check_guests (&f, 1);
  ra = hold (f.a, f.relay, "call-c1");
  /* Until then it is not there, in either direction. */
  g_assert_true (test_conn_send_bytes (ra, bytes));
  g_assert_true (test_conn_send_bytes (rb, bytes));
  wzp_test_assert_until (
      test, test_relay_stats (f.relay).dropped_alone == 2, 5000);
  g_assert_cmpuint (ra->datagrams->len + rb->datagrams->len, ==, 0);

  test_conn_send_message (ra, test_call_offer (f.a->identity, "a"));
  test_conn_expect_answer (ra, f.relay_identity);
  g_assert_cmpuint (test_relay_stats (f.relay).guests, ==, 2);
  test_room_check_passes (ra, bytes, &rb, 1);
  test_room_check_passes (rb, bytes, &ra, 1);
  test_conn_free (ra);
  test_conn_free (rb);
  fixture_clear (&f);
}

static void
test_offer_with_certificate (WzpTest *test, gconstpointer data)
{
  TestConn *conn;
  Fixture f;

  g_test_summary ("Each offer is answered, up to a bound");

  fixture_init (&f, test, NULL);
  conn = test_conn_new (f.a, f.relay, f.self_naming);
  check_guests (&f, 1);
  for (guint i = 0; i < WZP_GUEST_MAX_OFFERS; i++) {
    test_conn_send_message (conn, test_call_offer (f.a->identity, NULL));
    test_conn_expect_answer (conn, f.relay_identity);
  }
  test_conn_send_message (conn, test_call_offer (f.a->identity, NULL));
  wzp_test_assert_until (test, test_relay_stats (f.relay).malformed == 1, 5000);
  g_assert_cmpuint (conn->messages->len, ==, 0);
  g_assert_cmpuint (test_relay_stats (f.relay).guests, ==, 1);
  test_conn_free (conn);
  fixture_clear (&f);
}

static void
test_fresh_keys (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpIdentity) relay = wzp_identity_new_ephemeral ();
  g_autoptr (WzpMessage) one = wzp_relay_call_answer_new (relay);
  g_autoptr (WzpMessage) two = wzp_relay_call_answer_new (relay);
  g_autofree char *json = wzp_message_to_json (one);
  g_autoptr (WzpMessage) again = wzp_message_parse (json, strlen (json), NULL);

  g_assert_cmpint (
      memcmp (one->ephemeral_pub, two->ephemeral_pub, WZP_PUBLIC_KEY_LEN), !=,
      0);
  g_assert_nonnull (again);
  g_assert_cmpmem (
      again->signature, WZP_SIGNATURE_LEN, one->signature, WZP_SIGNATURE_LEN);
}

static void
test_offer_wrong (WzpTest *test, gconstpointer data)
{
  WzpMessage *offer;
  TestConn *conn;
  Fixture f;

  fixture_init (&f, test, NULL);
  /* Another than the certificate. */
  conn = test_conn_new (f.a, f.relay, f.self_naming);
  check_guests (&f, 1);
  test_conn_send_message (conn, test_call_offer (f.b->identity, NULL));
  test_conn_wait_closed (conn, WZP_CLOSE_REFUSED,
      "the CallOffer is of another key than the certificate");
  test_conn_free (conn);

  /* A wrong signature, whatever call it is. */
  test_node_hide (f.a);
  for (guint i = 0; i < 2; i++) {
    conn = hold (f.a, f.relay, i == 0 ? f.self_naming : "call-none");
    offer = test_call_offer (f.a->identity, NULL);
    offer->ephemeral_pub[31] ^= 1;
    test_conn_send_message (conn, offer);
    test_conn_wait_closed (
        conn, WZP_CLOSE_REFUSED, "the CallOffer's signature is wrong");
    test_conn_free (conn);
  }

  /* Somebody else than before. */
  conn = hold (f.a, f.relay, f.self_naming);
  test_conn_send_message (conn, test_call_offer (f.a->identity, NULL));
  test_conn_expect_answer (conn, f.relay_identity);
  test_conn_send_message (conn, test_call_offer (f.b->identity, NULL));
  test_conn_wait_closed (
      conn, WZP_CLOSE_REFUSED, "a second CallOffer of another key");
  test_conn_free (conn);
  check_guests (&f, 0);
  g_assert_cmpuint (test_relay_stats (f.relay).refused, ==, 4);
  fixture_clear (&f);
}

static void
test_no_oracle (WzpTest *test, gconstpointer data)
{
  static const char *const rooms[] = { "call-c1", "call-c2", OTHERS };
  Fixture f;

  g_test_summary ("A call of others and no call at all look the same");

  fixture_init (&f, test, NULL);
  fixture_call (&f);
  for (gsize i = 0; i < G_N_ELEMENTS (rooms); i++)
    check_refused (f.stranger, f.relay, rooms[i], NOT_A_PARTY);

  test_node_hide (f.stranger);
  for (gsize i = 0; i < G_N_ELEMENTS (rooms); i++) {
    TestConn *conn = hold (f.stranger, f.relay, rooms[i]);

    test_conn_send_message (conn, test_call_offer (f.stranger->identity, NULL));
    test_conn_wait_closed (conn, WZP_CLOSE_REFUSED, NOT_A_PARTY);
    g_assert_cmpuint (conn->messages->len, ==, 0);
    test_conn_free (conn);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (rooms); i++) {
    TestConn *conn = hold (f.stranger, f.relay, rooms[i]);

    end_hold (f.relay);
    test_conn_wait_closed (
        conn, WZP_CLOSE_REFUSED, "neither a certificate nor a CallOffer");
    test_conn_free (conn);
  }
  fixture_clear (&f);
}

static void
test_claim_and_proof (WzpTest *test, gconstpointer data)
{
  TestConn *claimed, *proved, *again;
  TestNode *replayer;
  Fixture f;

  g_test_summary ("A repeated CallOffer takes nobody's proved place");

  fixture_init (&f, test, NULL);
  replayer = test_node_new (test, f.relay, 4);
  test_node_hide (replayer);
  claimed = hold (replayer, f.relay, f.self_naming);
  test_conn_send_message (claimed, test_call_offer (f.a->identity, NULL));
  test_conn_expect_answer (claimed, f.relay_identity);

  proved = test_conn_new (f.a, f.relay, f.self_naming);
  test_conn_wait_closed (
      claimed, WZP_CLOSE_REPLACED, "a newer connection took its place");
  again = hold (replayer, f.relay, f.self_naming);
  test_conn_send_message (again, test_call_offer (f.a->identity, NULL));
  test_conn_wait_closed (again, WZP_CLOSE_BUSY, "no room is free");
  g_assert_true (proved->is_established);
  g_assert_false (proved->is_closed);
  check_guests (&f, 1);
  test_conn_free (claimed);
  test_conn_free (proved);
  test_conn_free (again);
  test_node_free (replayer);
  fixture_clear (&f);
}

static void
test_leaves_while_held (WzpTest *test, gconstpointer data)
{
  TestConn *conn;
  Fixture f;

  fixture_init (&f, test, NULL);
  test_node_hide (f.a);
  conn = hold (f.a, f.relay, f.self_naming);
  test_conn_free (conn);
  wzp_test_assert_until (test, f.relay->guests.length == 0, 5000);
  g_assert_null (f.relay->lobby);
  /* And the relay ends with one in the lobby. */
  conn = hold (f.a, f.relay, f.self_naming);
  g_clear_pointer (&f.relay, wzp_relay_free);
  test_conn_wait_closed (conn, WZP_CLOSE_SHUTDOWN, "the relay ends");
  test_conn_free (conn);
  fixture_clear (&f);
}

/* ---- access ---- */

static void
test_allow_list (WzpTest *test, gconstpointer data)
{
  static const char not_listed[] = "this identity is not on the relay's list";
  g_autoptr (WzpRelayAccess) access = NULL;
  WzpRelayConfig config = { NULL };
  TestNode *claims;
  TestConn *conn;
  Fixture f;

  g_test_summary ("By certificate only, and whether the room is there or not");

  fixture_init (&f, test, NULL);
  access = config.access = make_allow_list (f.a->peer->fp);
  g_assert_true (wzp_relay_reconfigure (f.relay, &config, NULL));
  claims = test_node_new (test, f.relay, 6);
  test_node_hide (claims);
  check_refused (f.stranger, f.relay, "stage", not_listed);
  check_refused (claims, f.relay, "stage", not_listed);
  conn = test_room_enter (f.a, f.relay, "stage");
  check_refused (f.stranger, f.relay, "stage", not_listed);
  check_refused (claims, f.relay, "stage", not_listed);
  check_guests (&f, 1);
  test_conn_free (conn);

  /* A call that the relay has not set up. */
  conn = test_conn_new (f.a, f.relay, f.self_naming);
  check_guests (&f, 1);
  check_refused (f.b, f.relay, f.self_naming, not_listed);
  g_assert_cmpuint (test_relay_stats (f.relay).unauthorized, ==, 5);
  g_assert_cmpuint (test_relay_stats (f.relay).refused, ==, 5);
  check_refused (f.stranger, f.relay, f.self_naming, NOT_A_PARTY);
  test_conn_free (conn);
  check_guests (&f, 0);

  /* A claim to be one on the list. */
  conn = hold (claims, f.relay, f.self_naming);
  test_conn_send_message (conn, test_call_offer (f.a->identity, NULL));
  test_conn_wait_closed (conn, WZP_CLOSE_REFUSED, not_listed);
  test_conn_free (conn);
  test_node_free (claims);
  fixture_clear (&f);
}

/* Sends @token (taken) from one that is held. */
static TestConn *
present (TestNode *node, WzpRelay *relay, const char *name, WzpMessage *token)
{
  TestConn *conn = hold (node, relay, name);

  g_assert_cmpuint (test_relay_stats (relay).guests, ==, 0);
  test_conn_send_message (conn, token);
  return conn;
}

static void
check_token (Fixture *f, TestNode *node, const char *name, WzpMessage *token,
    gboolean is_good)
{
  guint64 before = test_relay_stats (f->relay).unauthorized;
  TestConn *conn = present (node, f->relay, name, token);

  wzp_test_assert_until (f->test,
      conn->is_closed || test_relay_stats (f->relay).guests == 1, 5000);
  g_assert_cmpint (conn->is_closed, ==, !is_good);
  if (!is_good) {
    g_assert_cmpuint (conn->close_code, ==, WZP_CLOSE_REFUSED);
    g_assert_cmpstr (conn->close_reason, !=, NULL);
  }
  g_assert_cmpuint (
      test_relay_stats (f->relay).unauthorized, ==, before + !is_good);
  test_conn_free (conn);
  check_guests (f, 0);
}

static void
test_token_open_room (WzpTest *test, gconstpointer data)
{
  Fixture f;

  fixture_init (&f, test, make_token_access ());
  check_token (&f, f.a, "stage", make_token (NULL, NULL, 60), TRUE);
  check_token (&f, f.a, "stage", make_token (NULL, "stage", 60), TRUE);
  check_token (&f, f.a, "stage", make_token (f.a->peer->fp, NULL, 60), TRUE);
  check_token (&f, f.a, "stage", make_token (NULL, "other", 60), FALSE);
  check_token (&f, f.a, "stage", make_token (f.b->peer->fp, NULL, 60), FALSE);
  check_token (&f, f.a, "stage", make_token (NULL, NULL, -60), FALSE);
  check_token (&f, f.a, "stage", test_auth_token ("wzp1.e30.AAAA"), FALSE);
  test_node_hide (f.a);
  check_token (&f, f.a, "stage", make_token (NULL, "stage", 60), TRUE);
  check_token (&f, f.a, "stage", make_token (f.a->peer->fp, NULL, 60), FALSE);
  fixture_clear (&f);
}

static void
test_no_token (WzpTest *test, gconstpointer data)
{
  g_autoptr (GBytes) bytes = NULL;
  TestConn *held, *inside;
  Fixture f;

  g_test_summary ("Held out of the room, and then sent away");

  fixture_init (&f, test, make_token_access ());
  held = hold (f.a, f.relay, "stage");
  bytes = test_room_datagram (
      WZP_DATAGRAM_FRAME_START | WZP_DATAGRAM_FRAME_END, 0, 7, 1, 100);
  g_assert_true (test_conn_send_bytes (held, bytes));
  wzp_test_assert_until (
      test, test_relay_stats (f.relay).dropped_alone == 1, 5000);
  end_hold (f.relay);
  test_conn_wait_closed (held, WZP_CLOSE_REFUSED, "no AuthToken came");
  test_conn_free (held);

  /* The same with somebody in the room. */
  inside = present (f.b, f.relay, "stage", make_token (NULL, NULL, 60));
  check_guests (&f, 1);
  held = hold (f.a, f.relay, "stage");
  g_assert_true (test_conn_send_bytes (inside, bytes));
  wzp_test_assert_until (
      test, test_relay_stats (f.relay).dropped_alone == 2, 5000);
  end_hold (f.relay);
  test_conn_wait_closed (held, WZP_CLOSE_REFUSED, "no AuthToken came");
  g_assert_cmpuint (held->datagrams->len + held->messages->len, ==, 0);
  g_assert_cmpuint (test_relay_stats (f.relay).unauthorized, ==, 2);
  test_conn_free (held);
  test_conn_free (inside);
  fixture_clear (&f);
}

static void
test_token_call_room (WzpTest *test, gconstpointer data)
{
  TestConn *conn;
  Fixture f;

  g_test_summary ("A self-naming call needs a token, in whatever order");

  fixture_init (&f, test, make_token_access ());
  check_refused (f.stranger, f.relay, f.self_naming, NOT_A_PARTY);
  check_token (&f, f.a, f.self_naming, make_token (NULL, NULL, 60), TRUE);
  check_token (&f, f.a, f.self_naming, make_token (NULL, "stage", 60), FALSE);

  test_node_hide (f.a);
  for (guint i = 0; i < 2; i++) {
    conn = hold (f.a, f.relay, f.self_naming);
    if (i == 0)
      test_conn_send_message (conn, test_call_offer (f.a->identity, NULL));
    test_conn_send_message (conn, make_token (f.a->peer->fp, NULL, 60));
    if (i == 1) {
      wzp_test_assert_until (test,
          ((WzpRelayGuest *) f.relay->guests.head->data)->token != NULL, 5000);
      test_conn_send_message (conn, test_call_offer (f.a->identity, NULL));
    }
    test_conn_expect_answer (conn, f.relay_identity);
    check_guests (&f, 1);
    test_conn_free (conn);
    check_guests (&f, 0);
  }
  conn = hold (f.a, f.relay, f.self_naming);
  test_conn_send_message (conn, test_call_offer (f.a->identity, NULL));
  test_conn_expect_answer (conn, f.relay_identity);
  end_hold (f.relay);
  test_conn_wait_closed (conn, WZP_CLOSE_REFUSED, "no AuthToken came");
  test_conn_free (conn);
  fixture_clear (&f);
}

static void
test_known_call_needs_none (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelayAccess) access = make_token_access ();
  WzpRelayConfig config = { .access = access };
  TestConn *conn;
  Fixture f;

  g_test_summary ("Who was authorized to call needs no token for the room");

  fixture_init (&f, test, NULL);
  fixture_call (&f);
  g_assert_true (wzp_relay_reconfigure (f.relay, &config, NULL));
  conn = test_conn_new (f.a, f.relay, "call-c1");
  check_guests (&f, 1);
  check_refused (f.stranger, f.relay, "call-c1", NOT_A_PARTY);
  check_refused (f.stranger, f.relay, "call-c2", NOT_A_PARTY);
  test_conn_free (conn);
  fixture_clear (&f);
}

static void
test_other_messages (WzpTest *test, gconstpointer data)
{
  TestConn *conn;
  Fixture f;

  g_test_summary ("What is not for a room changes nothing");

  fixture_init (&f, test, NULL);
  conn = test_conn_new (f.a, f.relay, f.self_naming);
  check_guests (&f, 1);
  test_conn_send_message (conn, test_hangup (NULL, WZP_HANGUP_NORMAL));
  test_conn_send_message (conn, test_message (WZP_MESSAGE_REFLECT, NULL));
  test_conn_send_message (conn, test_auth_token ("x"));
  test_conn_send_message (conn, test_call_offer (f.a->identity, NULL));
  test_conn_expect_answer (conn, f.relay_identity);
  g_assert_cmpuint (test_relay_stats (f.relay).guests, ==, 1);
  test_conn_free (conn);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/guest-hello/offer", NULL, test_offer);
  wzp_test_add (
      "/guest-hello/offer-with-certificate", NULL, test_offer_with_certificate);
  wzp_test_add ("/guest-hello/fresh-keys", NULL, test_fresh_keys);
  wzp_test_add ("/guest-hello/offer-wrong", NULL, test_offer_wrong);
  wzp_test_add ("/guest-hello/no-oracle", NULL, test_no_oracle);
  wzp_test_add ("/guest-hello/claim-and-proof", NULL, test_claim_and_proof);
  wzp_test_add ("/guest-hello/leaves-while-held", NULL, test_leaves_while_held);
  wzp_test_add ("/guest-hello/allow-list", NULL, test_allow_list);
  wzp_test_add ("/guest-hello/token-open-room", NULL, test_token_open_room);
  wzp_test_add ("/guest-hello/no-token", NULL, test_no_token);
  wzp_test_add ("/guest-hello/token-call-room", NULL, test_token_call_room);
  wzp_test_add (
      "/guest-hello/known-call-needs-none", NULL, test_known_call_needs_none);
  wzp_test_add ("/guest-hello/other-messages", NULL, test_other_messages);
  return wzp_test_run ();
}
