/* What a client may say on its signalling connection. */
#include "wzp-abuse.h"

#include "wzp-stream-frame.h"

#include <string.h>

#define MIB (1024u * 1024u)

/* Sends as soon as there is place for it. */
static void
send_raw_patiently (
    Attacker *self, AttackConn *conn, const void *data, gsize len)
{
  wzp_test_assert_until (self->test,
      conn->is_closed || attack_send_raw (conn, data, len), ABUSE_WAIT_MS);
  g_assert_cmpstr (conn->close_reason, ==, NULL);
}

static guint64
sum_bytes_sent (AttackConn *const *conns, guint n)
{
  guint64 sum = 0;

  for (guint i = 0; i < n; i++) {
    WzpConnInfo info;

    wzp_conn_get_info (conns[i]->conn, &info);
    sum += info.bytes_sent;
  }
  return sum;
}

static void
expect_malformed (const AbuseTarget *target, double at_least)
{
  double metric = abuse_target_get_metric (target, "messages_malformed_total");

  if (metric >= 0)
    g_assert_cmpfloat (metric, >=, at_least);
}

/* ---- large messages ---- */

#define N_LARGE 60

static void
test_large (WzpTest *test, gconstpointer data)
{
  /* What fits a connection's queue with what each stream counts besides. */
  const gsize len = WZP_CONN_MAX_STREAM_BACKLOG - 1024;
  g_autofree guint8 *message = g_malloc0 (len);
  const guint32 head = GUINT32_TO_BE (MIB);
  g_autofree char *happened = NULL;
  Attacker *attacker;
  AttackConn *conn;
  AbuseCase abuse;

  abuse_case_begin (&abuse, test, "1 MiB messages", NULL);
  attacker = attacker_new (test, abuse.target);
  conn = attack_conn_new (attacker, WZP_SNI_SIGNAL);
  attack_conn_wait (attacker, conn);
  memset (message, ' ', len);
  memcpy (message, &head, sizeof head);
  for (guint i = 0; i < N_LARGE; i++) {
    send_raw_patiently (attacker, conn, message, len);
    attack_run (attacker, 10);
  }
  attack_ping (attacker, conn);
  expect_malformed (abuse.target, N_LARGE);
  happened = g_strdup_printf (
      "each reset at its length, %.1f MiB came over before; it is still served",
      (double) sum_bytes_sent (&conn, 1) / MIB);
  attack_conn_free (conn);
  attacker_free (attacker);
  abuse_case_end (&abuse, G_STRINGIFY (N_LARGE) " messages of 1 MiB", happened);
}

/* ---- streams that do not end ---- */

#define N_CONNS   20u
#define N_ENDLESS 30u /* streams of each */

/* A message of 64 KiB of which the last byte never comes. */
static void
test_held (WzpTest *test, gconstpointer data)
{
  const gsize len = 4 + WZP_STREAM_FRAME_MAX_PAYLOAD - 1;
  const guint32 head = GUINT32_TO_BE (WZP_STREAM_FRAME_MAX_PAYLOAD);
  g_autofree guint8 *message = g_malloc0 (len);
  g_autofree char *sent = NULL;
  g_autofree char *happened = NULL;
  AttackConn *conns[N_CONNS];
  Attacker *attacker;
  AbuseCase abuse;

  abuse_case_begin (&abuse, test, "unfinished messages", NULL);
  attacker = attacker_new (test, abuse.target);
  memcpy (message, &head, sizeof head);
  attack_set_endless (TRUE);
  for (guint i = 0; i < N_CONNS; i++) {
    conns[i] = attack_conn_new (attacker, WZP_SNI_SIGNAL);
    attack_conn_wait (attacker, conns[i]);
  }
  for (guint k = 0; k < N_ENDLESS; k++)
    for (guint i = 0; i < N_CONNS; i++)
      send_raw_patiently (attacker, conns[i], message, len);
  attack_run (attacker, 500);
  attack_set_endless (FALSE);
  /* Of each connection WZP_CHANNEL_MAX_HELD is kept, the rest was reset. */
  expect_malformed (abuse.target,
      N_CONNS * (N_ENDLESS - WZP_CHANNEL_MAX_HELD / (gsize) len - 1));
  for (guint i = 0; i < N_CONNS; i++)
    attack_ping (attacker, conns[i]);
  sent = g_strdup_printf ("%u connections, %u messages each of 64 KiB less one "
                          "byte, %.0f MiB in all",
      N_CONNS, N_ENDLESS, (double) sum_bytes_sent (conns, N_CONNS) / MIB);
  happened = g_strdup_printf (
      "%u KiB kept of each connection, the rest reset; all still served",
      WZP_CHANNEL_MAX_HELD / 1024);
  for (guint i = 0; i < N_CONNS; i++)
    attack_conn_free (conns[i]);
  attacker_free (attacker);
  abuse_case_end (&abuse, sent, happened);
}

/* A message, and then more and more on the same stream. */
static void
test_endless (WzpTest *test, gconstpointer data)
{
  static const char reflect[] = "\0\0\0\x9\"Reflect\"";
  const gsize len = WZP_CONN_MAX_STREAM_BACKLOG / 2;
  g_autofree guint8 *stream = g_malloc0 (len);
  const gint64 end_us = g_get_monotonic_time () + 4 * G_USEC_PER_SEC;
  g_autofree char *sent = NULL;
  AttackConn *conns[4];
  Attacker *attacker;
  AbuseCase abuse;
  guint n = 0;

  abuse_case_begin (&abuse, test, "endless streams", NULL);
  attacker = attacker_new (test, abuse.target);
  for (guint i = 0; i < G_N_ELEMENTS (conns); i++) {
    conns[i] = attack_conn_new (attacker, WZP_SNI_SIGNAL);
    attack_conn_wait (attacker, conns[i]);
  }
  memset (stream, 'x', len);
  memcpy (stream, reflect, sizeof reflect - 1);
  attack_set_endless (TRUE);
  while (g_get_monotonic_time () < end_us) {
    for (guint i = 0; i < G_N_ELEMENTS (conns); i++)
      n += attack_send_raw (conns[i], stream, len);
    attack_run (attacker, 5);
  }
  attack_set_endless (FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (conns); i++) {
    attack_ping (attacker, conns[i]);
    g_assert_cmpuint (conns[i]->n_messages, >, 0);
  }
  sent = g_strdup_printf ("%u streams of 512 KiB that never end, in 4 s, %.0f "
                          "MiB came over",
      n, (double) sum_bytes_sent (conns, G_N_ELEMENTS (conns)) / MIB);
  for (guint i = 0; i < G_N_ELEMENTS (conns); i++)
    attack_conn_free (conns[i]);
  attacker_free (attacker);
  abuse_case_end (&abuse, sent, "each reset behind its message; still served");
}

#define N_OPENERS 40u

/* As many streams as the credit lets be opened, of two bytes each. */
static void
test_open_streams (WzpTest *test, gconstpointer data)
{
  g_autofree char *sent = NULL;
  AttackConn *conns[N_OPENERS];
  Attacker *attacker, *other;
  AttackConn *honest;
  AbuseCase abuse;

  abuse_case_begin (&abuse, test, "streams opened without end", NULL);
  attacker = attacker_new (test, abuse.target);
  attack_set_endless (TRUE);
  for (guint i = 0; i < N_OPENERS; i++) {
    conns[i] = attack_conn_new (attacker, WZP_SNI_SIGNAL);
    attack_conn_wait (attacker, conns[i]);
    for (guint k = 0; k < WZP_CONN_MAX_PEER_STREAMS * 4; k++)
      attack_send_raw (conns[i], "\0\0", 2);
  }
  attack_run (attacker, 2000);
  for (guint i = 0; i < N_OPENERS; i++)
    g_assert_false (conns[i]->is_closed);
  attack_set_endless (FALSE);
  other = attacker_new (test, abuse.target);
  honest = attack_conn_new (other, WZP_SNI_SIGNAL);
  attack_register (other, honest, NULL);
  sent = g_strdup_printf ("%u connections, %u streams each, none of them ended",
      N_OPENERS, WZP_CONN_MAX_PEER_STREAMS * 4);
  attack_conn_free (honest);
  attacker_free (other);
  for (guint i = 0; i < N_OPENERS; i++)
    attack_conn_free (conns[i]);
  attacker_free (attacker);
  abuse_case_end (&abuse, sent, "128 of each let in, no more");
}

/* ---- malformed ones ---- */

#define N_MUTATIONS 12u

typedef struct {
  Attacker *attacker;
  AttackConn *conn;
  GRand *rand;
  guint n;
} Corpus;

static void
mutate (GRand *rand, guint8 *data, gsize len)
{
  guint n = (guint) g_rand_int_range (rand, 1, 9);

  for (guint i = 0; i < n && len > 0; i++)
    data[(gsize) g_rand_int_range (rand, 0, (gint32) len)] =
        (guint8) g_rand_int (rand);
}

static void
send_one (Corpus *self, gboolean is_framed, const void *data, gsize len)
{
  if (len > WZP_CONN_MAX_STREAM_BACKLOG / 2)
    return;
  wzp_test_assert_until (self->attacker->test,
      self->conn->is_closed ||
          (is_framed ? attack_send_raw (self->conn, data, len)
                     : attack_send_json (self->conn, data, len)),
      ABUSE_WAIT_MS);
  g_assert_cmpstr (self->conn->close_reason, ==, NULL);
  self->n++;
}

/* Every file as it is, then changed at some places. */
static void
send_corpus (Corpus *self, const char *name, gboolean is_framed)
{
  g_autofree char *folder =
      g_build_filename (g_getenv ("WZP_FUZZ_CORPUS"), name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  const char *file;

  g_assert_no_error (error);
  while ((file = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, file, NULL);
    g_autofree char *content = NULL;
    gsize len;

    g_file_get_contents (path, &content, &len, &error);
    g_assert_no_error (error);
    send_one (self, is_framed, content, len);
    for (guint i = 0; i < N_MUTATIONS; i++) {
      g_autofree guint8 *changed = g_memdup2 (content, len);

      mutate (self->rand, changed, len);
      send_one (self, is_framed, changed, len);
    }
    attack_ping (self->attacker, self->conn);
  }
}

static void
test_malformed (WzpTest *test, gconstpointer data)
{
  g_autofree char *sent = NULL;
  g_autofree char *happened = NULL;
  Corpus corpus = { .rand = wzp_test_rand_new () };
  AbuseCase abuse;
  double metric;

  abuse_case_begin (&abuse, test, "malformed messages", NULL);
  corpus.attacker = attacker_new (test, abuse.target);
  corpus.conn = attack_conn_new (corpus.attacker, WZP_SNI_SIGNAL);
  attack_conn_wait (corpus.attacker, corpus.conn);
  send_corpus (&corpus, "message", FALSE);
  send_corpus (&corpus, "message", TRUE);
  send_corpus (&corpus, "stream-frame", TRUE);
  for (guint i = 0; i < 500; i++) {
    struct iovec iov = { .iov_base = (void *) "datagram", .iov_len = 8 };

    wzp_conn_send_datagram (corpus.conn->conn, &iov, 1);
  }
  attack_ping (corpus.attacker, corpus.conn);
  metric = abuse_target_get_metric (abuse.target, "messages_malformed_total");
  g_assert_cmpuint (corpus.n, >, 500);
  expect_malformed (abuse.target, corpus.n / 4);
  sent = g_strdup_printf (
      "%u messages: the fuzz corpus, each whole and changed at random",
      corpus.n);
  happened = g_strdup_printf (
      "%.0f counted as malformed, the others refused or answered; the "
      "connection is still served",
      metric);
  attack_conn_free (corpus.conn);
  attacker_free (corpus.attacker);
  g_rand_free (corpus.rand);
  abuse_case_end (&abuse, sent, happened);
}

/* ---- too many good ones ---- */

#define N_REFLECTS 30000

static void
test_messages (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpMessage) reflect = wzp_message_new (WZP_MESSAGE_REFLECT);
  g_autofree char *happened = NULL;
  guint answered = 0, n_conns = 0, sent = 0;
  Attacker *attacker;
  AbuseCase abuse;

  abuse_case_begin (&abuse, test, "message flood", NULL);
  attacker = attacker_new (test, abuse.target);
  while (sent < N_REFLECTS) {
    AttackConn *conn = attack_conn_new (attacker, WZP_SNI_SIGNAL);

    attack_conn_wait (attacker, conn);
    for (n_conns++; !conn->is_closed; sent++)
      wzp_test_assert_until (
          test, attack_send (conn, reflect) || conn->is_closed, ABUSE_WAIT_MS);
    g_assert_cmpuint (conn->close_code, ==, WZP_CLOSE_BUSY);
    g_assert_cmpstr (
        conn->close_reason, ==, "the peer said: too many messages");
    answered += conn->n_messages;
    attack_conn_free (conn);
  }
  g_assert_cmpuint (answered, >, 0);
  happened = g_strdup_printf ("%u answered, each connection closed at its "
                              "limit; %u connections made",
      answered, n_conns);
  attacker_free (attacker);
  abuse_case_end (&abuse,
      G_STRINGIFY (N_REFLECTS) " Reflect, with a new connection for each "
                               "that is closed",
      happened);
}

void
abuse_add_streams (void)
{
  wzp_test_add ("/abuse/large-messages", NULL, test_large);
  wzp_test_add ("/abuse/unfinished-messages", NULL, test_held);
  wzp_test_add ("/abuse/endless-streams", NULL, test_endless);
  wzp_test_add ("/abuse/open-streams", NULL, test_open_streams);
  wzp_test_add ("/abuse/malformed", NULL, test_malformed);
  wzp_test_add ("/abuse/message-flood", NULL, test_messages);
}
