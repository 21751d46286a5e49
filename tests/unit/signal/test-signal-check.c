/* A signalling client that asks its relay again whether it is there, and where
 * it sees us. */
#include "signal-test-relay.h"
#include "wzp-signal-client.h"
#include "wzp-test.h"

#include <string.h>

typedef struct {
  WzpTest *test;
  GMainContext *elsewhere; /* the relay's: it is dead while nobody runs it */
  TestRelay *relay;
  WzpIdentity *identity;
  WzpEndpoint *endpoint;
  WzpSignalClient *client;
  guint n_ready, n_changed, n_failed, n_messages;
  GError *error;  /* of failed() */
  gboolean frees; /* in reflexive_changed() */
} Fixture;

static void
on_ready (WzpSignalClient *client, gpointer user_data)
{
  Fixture *f = user_data;

  f->n_ready++;
}

static void
on_reflexive_changed (WzpSignalClient *client, gpointer user_data)
{
  Fixture *f = user_data;

  f->n_changed++;
  if (f->frees)
    g_clear_pointer (&f->client, wzp_signal_client_free);
}

static void
on_message (
    WzpSignalClient *client, const WzpMessage *message, gpointer user_data)
{
  Fixture *f = user_data;

  f->n_messages++;
}

static void
on_failed (WzpSignalClient *client, const GError *error, gpointer user_data)
{
  Fixture *f = user_data;

  f->n_failed++;
  g_clear_error (&f->error);
  f->error = g_error_copy (error);
}

static const WzpSignalHandler handler = {
  .ready = on_ready,
  .message = on_message,
  .reflexive_changed = on_reflexive_changed,
  .failed = on_failed,
};

/* The relay's turn. */
static gboolean
pump (Fixture *f)
{
  while (g_main_context_iteration (f->elsewhere, FALSE))
    ;
  return TRUE;
}

static guint
count_reflects (Fixture *f)
{
  TestRelayPeer *peer = test_relay_peer (f->relay);
  guint n = 0;

  for (guint i = 0; i < peer->messages->len; i++) {
    const WzpMessage *message = peer->messages->pdata[i];

    n += message->type == WZP_MESSAGE_REFLECT;
  }
  return n;
}

static void
begin (Fixture *f, WzpTest *test)
{
  WzpSignalConfig config = { 0 };

  memset (f, 0, sizeof *f);
  f->test = test;
  f->elsewhere = g_main_context_new ();
  f->relay = test_relay_new (f->elsewhere, NULL, 0);
  f->identity = wzp_identity_new_ephemeral ();
  f->endpoint = test_client_endpoint_new (test->context, f->identity);
  config.relay = f->relay->host_port;
  f->client =
      wzp_signal_client_new (f->endpoint, f->identity, &config, &handler, f);
  wzp_signal_client_start (f->client);
}

static void
end (Fixture *f)
{
  wzp_signal_client_free (f->client);
  wzp_endpoint_free (f->endpoint);
  wzp_identity_unref (f->identity);
  test_relay_free (f->relay);
  g_main_context_unref (f->elsewhere);
  g_clear_error (&f->error);
}

#define wait_until(f, condition)                                               \
  wzp_test_assert_until ((f)->test, pump (f) && (condition), 5000)

static void
test_changed (WzpTest *test, gconstpointer data)
{
  Fixture f;

  begin (&f, test);
  f.relay->observed = "192.0.2.7:1234";
  wzp_signal_client_check (f.client); /* nothing: it is not READY */
  wait_until (&f, f.n_ready == 1);
  g_assert_cmpuint (count_reflects (&f), ==, 1);

  /* The same answer is told to nobody. */
  wzp_signal_client_check (f.client);
  wait_until (&f, count_reflects (&f) == 2);
  f.relay->observed = "192.0.2.7:4321";
  wzp_signal_client_check (f.client);
  wait_until (&f, f.n_changed == 1);
  g_assert_cmpstr (
      wzp_signal_client_get_reflexive (f.client), ==, "192.0.2.7:4321");

  /* What is no address changes nothing. */
  f.relay->observed = "localhost:1";
  wzp_signal_client_check (f.client);
  wait_until (&f, count_reflects (&f) == 4);
  f.relay->observed = "192.0.2.8:1";
  wzp_signal_client_check (f.client);
  wait_until (&f, f.n_changed == 2);
  g_assert_cmpuint (f.n_ready, ==, 1);
  g_assert_cmpuint (f.n_failed, ==, 0);
  end (&f);
}

/* Nobody asked: a relay does not choose when we tell our peers what. */
static void
test_unasked (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpMessage) response =
      wzp_message_new (WZP_MESSAGE_REFLECT_RESPONSE);
  g_autoptr (WzpMessage) hangup = wzp_message_new (WZP_MESSAGE_HANGUP);
  Fixture f;

  begin (&f, test);
  f.relay->observed = "192.0.2.7:1234";
  wait_until (&f, f.n_ready == 1);
  response->observed_addr = g_strdup ("192.0.2.9:9");
  test_relay_send (test_relay_peer (f.relay), response);
  test_relay_send (test_relay_peer (f.relay), hangup);
  wait_until (&f, f.n_messages == 1); /* which came behind it */
  g_assert_cmpuint (f.n_changed, ==, 0);
  g_assert_cmpstr (
      wzp_signal_client_get_reflexive (f.client), ==, "192.0.2.7:1234");
  end (&f);
}

/* It has acknowledged, so it is there: a relay need not know Reflect. */
static void
test_no_answer (WzpTest *test, gconstpointer data)
{
  const guint limit_ms = WZP_SIGNAL_CHECK_TIMEOUT_MS + 500;
  gint64 until_us;
  Fixture f;

  begin (&f, test);
  wait_until (&f, f.n_ready == 1);
  f.relay->no_reflect = TRUE;
  wzp_signal_client_check (f.client);
  until_us = g_get_monotonic_time () + limit_ms * 1000;
  wait_until (&f, g_get_monotonic_time () > until_us);
  g_assert_cmpuint (f.n_failed, ==, 0);
  g_assert_true (wzp_signal_client_is_ready (f.client));
  end (&f);
}

static void
test_dead (WzpTest *test, gconstpointer data)
{
  gint64 asked_us;
  Fixture f;

  begin (&f, test);
  wait_until (&f, f.n_ready == 1);
  asked_us = g_get_monotonic_time ();
  wzp_signal_client_check (f.client);
  wzp_test_assert_until (test, f.n_failed == 1, 5000);
  g_assert_cmpint (g_get_monotonic_time () - asked_us, >=,
      WZP_SIGNAL_CHECK_TIMEOUT_MS * 1000);
  g_assert_error (f.error, WZP_ERROR, WZP_ERROR_TIMED_OUT);
  g_assert_false (wzp_signal_client_is_ready (f.client));

  /* And it may be asked to begin anew. */
  wzp_signal_client_start (f.client);
  wait_until (&f, f.n_ready == 2);
  end (&f);
}

static void
test_free (WzpTest *test, gconstpointer data)
{
  Fixture f;

  begin (&f, test);
  f.relay->observed = "192.0.2.7:1234";
  f.frees = TRUE;
  wait_until (&f, f.n_ready == 1);
  f.relay->observed = "192.0.2.7:4321";
  wzp_signal_client_check (f.client);
  wait_until (&f, f.n_changed == 1);
  g_assert_null (f.client);
  end (&f);

  /* With a question open. */
  begin (&f, test);
  wait_until (&f, f.n_ready == 1);
  wzp_signal_client_check (f.client);
  g_clear_pointer (&f.client, wzp_signal_client_free);
  end (&f);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/signal-check/changed", NULL, test_changed);
  wzp_test_add ("/signal-check/unasked", NULL, test_unasked);
  wzp_test_add ("/signal-check/no-answer", NULL, test_no_answer);
  wzp_test_add ("/signal-check/dead", NULL, test_dead);
  wzp_test_add ("/signal-check/free", NULL, test_free);
  return wzp_test_run ();
}
