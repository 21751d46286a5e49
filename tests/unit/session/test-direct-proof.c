/* Connections that prove themselves by CallOffer, wired in memory. */
#include "conn-pair.h"
#include "wzp-channel.h"
#include "wzp-direct-proof.h"
#include "wzp-media-offer.h"
#include "wzp-stream-frame.h"
#include "wzp-test.h"

#include <string.h>

#define CALL_ID "c1"
#define NOW     ((gint64) 1000000)

typedef struct {
  WzpDirectProof *proof;
  WzpIdentity *own, *peer, *other;
  WzpEphemeral *ephemeral;
  gboolean take; /* what proved() answers */
  guint n_proved;
  char *call_id; /* of the last */
} Rig;

static gboolean
on_proved (WzpConn *conn, const char *call_id, gpointer user_data)
{
  Rig *rig = user_data;

  rig->n_proved++;
  g_free (rig->call_id);
  rig->call_id = g_strdup (call_id);
  return rig->take;
}

static const WzpDirectProofHandler proof_handler = { .proved = on_proved };

static void
rig_init (Rig *rig)
{
  *rig = (Rig){ .own = wzp_identity_new_ephemeral (),
    .peer = wzp_identity_new_ephemeral (),
    .other = wzp_identity_new_ephemeral (),
    .ephemeral = wzp_ephemeral_new (),
    .take = TRUE };
  rig->proof = wzp_direct_proof_new (rig->own, &proof_handler, rig);
}

static void
rig_clear (Rig *rig)
{
  g_clear_pointer (&rig->proof, wzp_direct_proof_free);
  wzp_identity_unref (rig->own);
  wzp_identity_unref (rig->peer);
  wzp_identity_unref (rig->other);
  wzp_ephemeral_free (rig->ephemeral);
  g_free (rig->call_id);
}

/* A connection whose server's side is to be proved. */
static Pair *
new_unproved (Rig *rig)
{
  Pair *pair = pair_new (3);

  pair_connect (pair);
  pair_settle (pair);
  g_assert_true (wzp_direct_proof_add (rig->proof, pair->server.conn, CALL_ID,
      wzp_identity_get_public_key (rig->peer), NOW));
  return pair;
}

static void
send_bytes (Pair *pair, GBytes *bytes)
{
  gsize len;
  const guint8 *data = g_bytes_get_data (bytes, &len);

  side_push_stream (&pair->client, data, len);
  pair_run (pair, 200);
}

static void
send_offer (Rig *rig, Pair *pair, WzpMessageType type, WzpIdentity *signer)
{
  g_autoptr (GBytes) bytes =
      wzp_media_offer_new_bytes (type, signer, rig->ephemeral);

  send_bytes (pair, bytes);
}

static void
send_json (Pair *pair, const char *json)
{
  g_autoptr (GBytes) bytes = wzp_stream_frame_new (json, strlen (json));

  send_bytes (pair, bytes);
}

static void
assert_refused (Rig *rig, Pair *pair)
{
  g_assert_cmpuint (rig->n_proved, ==, 0);
  g_assert_cmpuint (pair->client.n_closed, ==, 1);
  g_assert_true (pair->client.closed.is_application);
  g_assert_cmpuint (pair->client.closed.code, ==, WZP_CLOSE_REFUSED);
  g_assert_cmpint (wzp_direct_proof_get_deadline (rig->proof), ==, -1);
}

/* What the server has answered with. */
static WzpMessage *
parse_answer (Pair *pair)
{
  GHashTableIter iter;
  gpointer value;
  const GByteArray *bytes;
  WzpMessage *message;

  g_assert_cmpuint (g_hash_table_size (pair->client.streams), ==, 1);
  g_hash_table_iter_init (&iter, pair->client.streams);
  g_hash_table_iter_next (&iter, NULL, &value);
  bytes = value;
  g_assert_cmpuint (bytes->len, >, 4);
  message =
      wzp_message_parse ((const char *) bytes->data + 4, bytes->len - 4, NULL);
  g_assert_nonnull (message);
  return message;
}

static void
test_proved (WzpTest *test, gconstpointer data)
{
  Rig rig;
  Pair *pair;
  g_autoptr (WzpMessage) answer = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A CallOffer of the peer is answered, and the connection is "
                  "handed over");
  rig_init (&rig);
  pair = new_unproved (&rig);
  g_assert_cmpint (
      wzp_direct_proof_get_deadline (rig.proof), ==, NOW + WZP_DIRECT_PROOF_US);
  send_json (pair, "{\"Telepathy\":{\"range\":3}}"); /* skipped */
  g_assert_cmpuint (rig.n_proved, ==, 0);
  send_offer (&rig, pair, WZP_MESSAGE_CALL_OFFER, rig.peer);
  g_assert_cmpuint (rig.n_proved, ==, 1);
  g_assert_cmpstr (rig.call_id, ==, CALL_ID);
  g_assert_cmpuint (pair->client.n_closed, ==, 0);
  g_assert_cmpint (wzp_direct_proof_get_deadline (rig.proof), ==, -1);
  answer = parse_answer (pair);
  wzp_media_offer_check (answer, WZP_MESSAGE_CALL_ANSWER,
      wzp_identity_get_public_key (rig.own), &error);
  g_assert_no_error (error);
  pair_free (pair);
  rig_clear (&rig);
}

static void
test_not_wanted (WzpTest *test, gconstpointer data)
{
  Rig rig;
  Pair *pair;

  g_test_summary ("The call is gone by then: refused");
  rig_init (&rig);
  rig.take = FALSE;
  pair = new_unproved (&rig);
  send_offer (&rig, pair, WZP_MESSAGE_CALL_OFFER, rig.peer);
  g_assert_cmpuint (rig.n_proved, ==, 1);
  g_assert_cmpuint (pair->client.closed.code, ==, WZP_CLOSE_REFUSED);
  pair_free (pair);
  rig_clear (&rig);
}

static void
test_refused (WzpTest *test, gconstpointer data)
{
  g_test_summary ("Another key, another message, nonsense");
  for (guint i = 0; i < 4; i++) {
    Rig rig;
    Pair *pair;

    rig_init (&rig);
    pair = new_unproved (&rig);
    if (i == 0)
      send_offer (&rig, pair, WZP_MESSAGE_CALL_OFFER, rig.other);
    else if (i == 1)
      send_offer (&rig, pair, WZP_MESSAGE_CALL_ANSWER, rig.peer);
    else if (i == 2)
      send_json (pair, "\"Reflect\"");
    else
      send_json (pair, "{\"CallOffer\":");
    assert_refused (&rig, pair);
    pair_free (pair);
    rig_clear (&rig);
  }
}

static void
test_silent (WzpTest *test, gconstpointer data)
{
  Rig rig;
  Pair *pair;

  g_test_summary ("Nothing within the time, only datagrams: refused");
  rig_init (&rig);
  pair = new_unproved (&rig);
  side_send (&pair->client, "datagram", 8);
  pair_run (pair, 100);
  wzp_direct_proof_expire (rig.proof, NOW + WZP_DIRECT_PROOF_US - 1);
  pair_run (pair, 100);
  g_assert_cmpuint (pair->client.n_closed, ==, 0);
  wzp_direct_proof_expire (rig.proof, NOW + WZP_DIRECT_PROOF_US);
  pair_run (pair, 100);
  assert_refused (&rig, pair);
  pair_free (pair);
  rig_clear (&rig);
}

static void
test_gone (WzpTest *test, gconstpointer data)
{
  Rig rig;
  Pair *pair;

  g_test_summary ("Closed by the other side before it has proved anything; and "
                  "the table goes while one is in it");
  rig_init (&rig);
  pair = new_unproved (&rig);
  wzp_conn_close (pair->client.conn, WZP_CLOSE_ABORTED, "lost the race");
  pair_run (pair, 200);
  g_assert_cmpint (wzp_direct_proof_get_deadline (rig.proof), ==, -1);
  pair_free (pair);

  pair = new_unproved (&rig);
  g_clear_pointer (&rig.proof, wzp_direct_proof_free);
  pair_run (pair, 200);
  g_assert_cmpuint (pair->client.closed.code, ==, WZP_CLOSE_REFUSED);
  pair_free (pair);
  rig_clear (&rig);
}

static void
test_bound (WzpTest *test, gconstpointer data)
{
  Rig rig;
  Pair *pairs[WZP_DIRECT_PROOF_MAX], *more;

  g_test_summary (
      "Not more than the table holds; a place that is free again is "
      "given again");
  rig_init (&rig);
  for (guint i = 0; i < WZP_DIRECT_PROOF_MAX; i++)
    pairs[i] = new_unproved (&rig);
  more = pair_new (4);
  pair_connect (more);
  g_assert_false (wzp_direct_proof_add (rig.proof, more->server.conn, CALL_ID,
      wzp_identity_get_public_key (rig.peer), NOW));
  send_offer (&rig, pairs[3], WZP_MESSAGE_CALL_OFFER, rig.peer);
  g_assert_cmpuint (rig.n_proved, ==, 1);
  g_assert_true (wzp_direct_proof_add (rig.proof, more->server.conn, CALL_ID,
      wzp_identity_get_public_key (rig.peer), NOW));
  g_clear_pointer (&rig.proof, wzp_direct_proof_free);
  for (guint i = 0; i < WZP_DIRECT_PROOF_MAX; i++)
    pair_free (pairs[i]);
  pair_free (more);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/direct-proof/proved", NULL, test_proved);
  wzp_test_add ("/direct-proof/not-wanted", NULL, test_not_wanted);
  wzp_test_add ("/direct-proof/refused", NULL, test_refused);
  wzp_test_add ("/direct-proof/silent", NULL, test_silent);
  wzp_test_add ("/direct-proof/gone", NULL, test_gone);
  wzp_test_add ("/direct-proof/bound", NULL, test_bound);
  return wzp_test_run ();
}
