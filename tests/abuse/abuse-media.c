/* Datagrams, as many as go. */
#include "wzp-abuse.h"

#include "wzp-datagram.h"

#define QUOTA      65536u /* bytes a second of one identity */
#define QUOTA_TEXT "65536"
#define SECONDS    3
#define DATAGRAM   1000u
#define CALL_ID    "flood"

typedef struct {
  Attacker *parties[2];
  AttackConn *signals[2], *rooms[2];
} Pair;

/* Two of the attacker's own, in a call and in its room. */
static void
pair_init (Pair *self, WzpTest *test, const AbuseTarget *target)
{
  g_autoptr (WzpMessage) offer = NULL;
  g_autoptr (WzpMessage) answer = NULL;

  for (guint i = 0; i < 2; i++) {
    self->parties[i] = attacker_new (test, target);
    self->signals[i] = attack_conn_new (self->parties[i], WZP_SNI_SIGNAL);
    attack_register (self->parties[i], self->signals[i], NULL);
  }
  offer = test_peer_offer (
      self->parties[0]->peer, self->parties[1]->peer->fp, CALL_ID);
  answer = test_peer_answer (self->parties[1]->peer, self->parties[0]->peer->fp,
      CALL_ID, WZP_ACCEPT_TRUSTED);
  g_assert_true (attack_send (self->signals[0], offer));
  wzp_message_free (attack_expect (
      self->parties[1], self->signals[1], WZP_MESSAGE_DIRECT_CALL_OFFER));
  g_assert_true (attack_send (self->signals[1], answer));
  for (guint i = 0; i < 2; i++) {
    wzp_test_assert_until (
        test, self->signals[i]->messages->len >= 2 - i, ABUSE_WAIT_MS);
    self->rooms[i] = attack_conn_new (self->parties[i], "call-" CALL_ID);
    attack_conn_wait (self->parties[i], self->rooms[i]);
  }
}

static void
pair_clear (Pair *self)
{
  for (guint i = 0; i < 2; i++) {
    attack_conn_free (self->rooms[i]);
    attack_conn_free (self->signals[i]);
    attacker_free (self->parties[i]);
  }
}

static gboolean
send_datagram (AttackConn *conn, guint8 first, gsize len)
{
  guint8 data[DATAGRAM] = { first };
  struct iovec iov = { .iov_base = data, .iov_len = len };

  return wzp_conn_send_datagram (conn->conn, &iov, 1);
}

/* As fast as the connection takes them; returns how many. */
static guint
flood (Pair *pair)
{
  const gint64 end_us = g_get_monotonic_time () + SECONDS * G_USEC_PER_SEC;
  guint n = 0;

  while (g_get_monotonic_time () < end_us) {
    for (guint i = 0; i < 50; i++)
      n += send_datagram (pair->rooms[0], WZP_DATAGRAM_BYTE0, DATAGRAM);
    g_main_context_iteration (pair->parties[0]->test->context, TRUE);
  }
  attack_run (pair->parties[0], 300);
  return n;
}

static void
test_quota (WzpTest *test, gconstpointer data)
{
  g_autofree char *sent = NULL;
  g_autofree char *happened = NULL;
  AbuseCase abuse;
  double dropped;
  Pair pair;
  guint n;

  abuse_case_begin (&abuse, test, "datagram flood, quota",
      "[quota identity]\nbytes-per-second = " QUOTA_TEXT "\n");
  pair_init (&pair, test, abuse.target);
  n = flood (&pair);
  g_assert_false (pair.rooms[0]->is_closed);
  /* The bucket is one second full at the beginning. */
  g_assert_cmpuint (pair.rooms[1]->n_datagrams * DATAGRAM, <=,
      (SECONDS + 2 * wzp_test_slower (1)) * QUOTA);
  g_assert_cmpuint (pair.rooms[1]->n_datagrams, >, 0);
  g_assert_cmpuint (n * DATAGRAM, >, 10 * QUOTA);
  dropped = abuse_target_get_metric (
      abuse.target, "dropped_datagrams_total{reason=\"quota\"}");
  g_assert_cmpfloat (dropped, !=, 0);
  sent = g_strdup_printf (
      "%u datagrams of %u bytes in %u s into a room", n, DATAGRAM, SECONDS);
  happened = g_strdup_printf ("%u came out, %.0f dropped by the quota of %u "
                              "KiB a second",
      pair.rooms[1]->n_datagrams, dropped, QUOTA / 1024);
  pair_clear (&pair);
  abuse_case_end (&abuse, sent, happened);
}

static void
test_no_quota (WzpTest *test, gconstpointer data)
{
  g_autofree char *sent = NULL;
  g_autofree char *happened = NULL;
  AbuseCase abuse;
  Pair pair;
  guint n;

  abuse_case_begin (&abuse, test, "datagram flood, no quota", NULL);
  pair_init (&pair, test, abuse.target);
  n = flood (&pair);
  g_assert_false (pair.rooms[0]->is_closed);
  sent = g_strdup_printf (
      "%u datagrams of %u bytes in %u s into a room", n, DATAGRAM, SECONDS);
  happened = g_strdup_printf (
      "%u came out, as fast as the path takes", pair.rooms[1]->n_datagrams);
  pair_clear (&pair);
  abuse_case_end (&abuse, sent, happened);
}

#define N_BAD 5000u

static void
test_bad_datagrams (WzpTest *test, gconstpointer data)
{
  AbuseCase abuse;
  double dropped;
  Pair pair;

  abuse_case_begin (&abuse, test, "malformed datagrams", NULL);
  pair_init (&pair, test, abuse.target);
  for (guint i = 0; i < N_BAD; i++) {
    send_datagram (pair.rooms[0], (guint8) (i % 128), DATAGRAM);
    send_datagram (
        pair.rooms[0], WZP_DATAGRAM_BYTE0, i % WZP_DATAGRAM_MIN_RELAYED);
    if (i % 50 == 0)
      attack_run (pair.parties[0], 5);
  }
  attack_run (pair.parties[0], 300);
  g_assert_cmpuint (pair.rooms[1]->n_datagrams, ==, 0);
  dropped = abuse_target_get_metric (
      abuse.target, "dropped_datagrams_total{reason=\"malformed\"}");
  g_assert_cmpfloat (dropped, !=, 0);
  pair_clear (&pair);
  abuse_case_end (&abuse,
      "10,000 datagrams too short or of another first byte, into a room",
      "none came out");
}

void
abuse_add_media (void)
{
  wzp_test_add ("/abuse/datagrams/quota", NULL, test_quota);
  wzp_test_add ("/abuse/datagrams/no-quota", NULL, test_no_quota);
  wzp_test_add ("/abuse/datagrams/malformed", NULL, test_bad_datagrams);
}
