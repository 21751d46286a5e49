/* Calls, rooms and names that are somebody else's. */
#include "wzp-abuse.h"
#include "wzp-registry.h"

#include <string.h>

/* ---- call floods ---- */

#define N_CALLERS 8
#define N_OFFERS  120 /* of each, to each of two callees */

static void
test_call_flood (WzpTest *test, gconstpointer data)
{
  g_autofree char *happened = NULL;
  Attacker *callers[N_CALLERS];
  AttackConn *conns[N_CALLERS];
  guint answers = 0;
  Attacker *callee;
  AttackConn *rings;
  AbuseCase abuse;
  double calls;

  abuse_case_begin (&abuse, test, "call flood", NULL);
  callee = attacker_new (test, abuse.target);
  rings = attack_conn_new (callee, WZP_SNI_SIGNAL);
  attack_register (callee, rings, "carol");
  for (guint i = 0; i < N_CALLERS; i++) {
    callers[i] = attacker_new (test, abuse.target);
    conns[i] = attack_conn_new (callers[i], WZP_SNI_SIGNAL);
    attack_register (callers[i], conns[i], NULL);
  }
  for (guint k = 0; k < N_OFFERS * 2; k++)
    for (guint i = 0; i < N_CALLERS; i++) {
      g_autofree char *id = g_strdup_printf ("flood-%u-%u", i, k);
      g_autoptr (WzpMessage) offer = test_peer_offer (callers[i]->peer,
          k % 2 == 0 ? callee->peer->fp : abuse_call_get_callee (abuse.call),
          id);

      wzp_test_assert_until (test,
          attack_send (conns[i], offer) || conns[i]->is_closed, ABUSE_WAIT_MS);
    }
  for (guint i = 0; i < N_CALLERS; i++) {
    attack_ping (callers[i], conns[i]);
    answers += conns[i]->n_messages;
  }
  attack_ping (callee, rings);
  /* The first few ring, nobody else gets through to carol. */
  g_assert_cmpuint (rings->messages->len, >=, 1);
  g_assert_cmpuint (rings->messages->len, <=, WZP_REGISTRY_MAX_RINGING);
  calls = abuse_target_get_metric (abuse.target, "calls");
  g_assert_cmpfloat (calls, <=, 1 + 2 * WZP_REGISTRY_MAX_RINGING);
  happened = g_strdup_printf (
      "%u rang at one callee that does not answer; %u answers to the callers, "
      "%.0f calls left",
      rings->messages->len, answers, calls);
  for (guint i = 0; i < N_CALLERS; i++) {
    attack_conn_free (conns[i]);
    attacker_free (callers[i]);
  }
  attack_conn_free (rings);
  attacker_free (callee);
  abuse_case_end (&abuse,
      G_STRINGIFY (N_CALLERS) " callers, " G_STRINGIFY (
          N_OFFERS) " offers each to a callee and to the call's callee",
      happened);
}

/* ---- rooms ---- */

#define N_GUESSES 300

/* A call between two others, with an id that the test knows. */
static void
place_call (Attacker *from, AttackConn *caller, Attacker *to,
    AttackConn *callee, const char *id)
{
  g_autoptr (WzpMessage) offer = test_peer_offer (from->peer, to->peer->fp, id);
  g_autoptr (WzpMessage) answer =
      test_peer_answer (to->peer, from->peer->fp, id, WZP_ACCEPT_TRUSTED);

  g_assert_true (attack_send (caller, offer));
  wzp_message_free (attack_expect (to, callee, WZP_MESSAGE_DIRECT_CALL_OFFER));
  g_assert_true (attack_send (callee, answer));
  wzp_message_free (
      attack_expect (from, caller, WZP_MESSAGE_DIRECT_CALL_ANSWER));
  wzp_message_free (attack_expect (from, caller, WZP_MESSAGE_CALL_SETUP));
  wzp_message_free (attack_expect (to, callee, WZP_MESSAGE_CALL_SETUP));
}

/* What the relay says to who wants into @room (transfer full). */
static char *
knock (Attacker *stranger, const char *room)
{
  AttackConn *conn = attack_conn_new (stranger, room);
  char *said;

  attack_conn_wait_closed (stranger, conn);
  said = g_strdup_printf ("%s %" G_GUINT64_FORMAT ": %s",
      conn->close_is_application ? "code" : "QUIC error", conn->close_code,
      conn->close_reason);
  attack_conn_free (conn);
  return said;
}

static char *
guess_room (GRand *rand)
{
  return g_strdup_printf ("call-%08x%08x%08x%08x", g_rand_int (rand),
      g_rand_int (rand), g_rand_int (rand), g_rand_int (rand));
}

static void
test_rooms (WzpTest *test, gconstpointer data)
{
  g_autofree char *said = NULL;
  g_autofree char *happened = NULL;
  g_autofree char *naming = NULL;
  g_autofree char *naming_room = NULL;
  GRand *rand = wzp_test_rand_new ();
  Attacker *parties[2], *stranger;
  AttackConn *conns[2];
  AbuseCase abuse;

  abuse_case_begin (&abuse, test, "room-name guessing", NULL);
  for (guint i = 0; i < 2; i++) {
    parties[i] = attacker_new (test, abuse.target);
    conns[i] = attack_conn_new (parties[i], WZP_SNI_SIGNAL);
    attack_register (parties[i], conns[i], NULL);
  }
  place_call (parties[0], conns[0], parties[1], conns[1], "known");
  naming = wzp_call_id_new_self_naming (
      "abcd", parties[0]->peer->fp, parties[1]->peer->fp);
  naming_room = wzp_sni_for_call_room (naming);

  stranger = attacker_new (test, abuse.target);
  said = knock (stranger, "call-known");
  for (guint i = 0; i < N_GUESSES; i++) {
    g_autofree char *room = i == 0 ? g_strdup (naming_room)
        : i % 50 == 0              ? g_strdup ("call-known")
                                   : guess_room (rand);
    g_autofree char *other = knock (stranger, room);

    g_assert_cmpstr (other, ==, said);
  }
  happened = g_strdup_printf ("the same for all, also for the room of a call "
                              "that goes on: %s",
      said);
  for (guint i = 0; i < 2; i++) {
    attack_conn_free (conns[i]);
    attacker_free (parties[i]);
  }
  attacker_free (stranger);
  g_rand_free (rand);
  abuse_case_end (&abuse, G_STRINGIFY (N_GUESSES) " names of rooms", happened);
}

/* ---- names and identities ---- */

#define N_TRIES 100

static void
expect_refused (Attacker *self, AttackConn *conn, const WzpMessage *message)
{
  g_autofree char *why = attack_try_register (self, conn, message);

  g_assert_nonnull (why);
}

/* Everything that would make the relay take @self for @victim. */
static void
try_to_be (Attacker *self, AttackConn *conn, const Attacker *victim,
    const WzpMessage *captured)
{
  g_autoptr (WzpMessage) forged = test_peer_register (self->peer, NULL);
  g_autoptr (WzpMessage) alias = test_peer_register (self->peer, "victor");
  g_autoptr (WzpMessage) other = test_peer_register (self->peer, "cam1");
  char fingerprint[WZP_FINGERPRINT_STRLEN];
  g_autoptr (WzpMessage) as_name = NULL;

  /* Its own message, once more, from another connection. */
  expect_refused (self, conn, captured);
  /* Its key, our signature. */
  memcpy (forged->identity_pub,
      wzp_identity_get_public_key (victim->peer->identity), WZP_PUBLIC_KEY_LEN);
  expect_refused (self, conn, forged);
  /* Its name, and that of the call's callee. */
  expect_refused (self, conn, alias);
  expect_refused (self, conn, other);
  /* Its fingerprint as a name. */
  wzp_fingerprint_to_hex (victim->peer->fp, fingerprint);
  as_name = test_peer_register (self->peer, fingerprint);
  expect_refused (self, conn, as_name);
}

/* Whom the relay holds "victor" for, and who gets a call to it. */
static void
check_victim (WzpTest *test, const AbuseTarget *target, Attacker *victim,
    AttackConn *at_victim)
{
  Attacker *third = attacker_new (test, target);
  AttackConn *conn = attack_conn_new (third, WZP_SNI_SIGNAL);
  g_autoptr (WzpMessage) ask = wzp_message_new (WZP_MESSAGE_RESOLVE_ALIAS);
  g_autoptr (WzpMessage) answer = NULL;
  g_autoptr (WzpMessage) offer = NULL;

  attack_register (third, conn, NULL);
  ask->alias = g_strdup ("victor");
  g_assert_true (attack_send (conn, ask));
  answer = attack_expect (third, conn, WZP_MESSAGE_ALIAS_RESOLVED);
  g_assert_true (answer->has_target_fp);
  g_assert_true (wzp_fingerprint_equal (&answer->target_fp, victim->peer->fp));
  offer = test_peer_offer (third->peer, victim->peer->fp, "to-victor");
  g_assert_true (attack_send (conn, offer));
  wzp_message_free (
      attack_expect (victim, at_victim, WZP_MESSAGE_DIRECT_CALL_OFFER));
  attack_conn_free (conn);
  attacker_free (third);
}

static void
test_identity (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpMessage) captured = NULL;
  g_autoptr (WzpMessage) call = NULL;
  Attacker *victim, *attacker;
  AttackConn *at_victim, *conn;
  AbuseCase abuse;

  abuse_case_begin (&abuse, test, "another's identity, alias; replays", NULL);
  victim = attacker_new (test, abuse.target);
  at_victim = attack_conn_new (victim, WZP_SNI_SIGNAL);
  attack_register (victim, at_victim, "victor");
  captured = test_peer_register (victim->peer, "victor");
  attacker = attacker_new (test, abuse.target);
  conn = attack_conn_new (attacker, WZP_SNI_SIGNAL);
  attack_conn_wait (attacker, conn);
  for (guint i = 0; i < N_TRIES; i++)
    try_to_be (attacker, conn, victim, captured);
  /* Registered as itself, it calls in the victim's name. */
  attack_register (attacker, conn, NULL);
  call = test_peer_offer (
      victim->peer, abuse_call_get_callee (abuse.call), "forged");
  g_assert_true (attack_send (conn, call));
  wzp_message_free (attack_expect (attacker, conn, WZP_MESSAGE_HANGUP));
  try_to_be (attacker, conn, victim, captured);

  g_assert_false (at_victim->is_closed);
  g_assert_cmpuint (at_victim->messages->len, ==, 0);
  check_victim (test, abuse.target, victim, at_victim);
  attack_conn_free (conn);
  attacker_free (attacker);
  attack_conn_free (at_victim);
  attacker_free (victim);
  abuse_case_end (&abuse,
      G_STRINGIFY (N_TRIES) " times each: a captured RegisterPresence from "
                            "another connection, another's key, two taken "
                            "names, a fingerprint as a name; a forged offer",
      "all refused; the victim keeps its name and its calls");
}

void
abuse_add_calls (void)
{
  wzp_test_add ("/abuse/call-flood", NULL, test_call_flood);
  wzp_test_add ("/abuse/room-names", NULL, test_rooms);
  wzp_test_add ("/abuse/identity", NULL, test_identity);
}
