/* Asking relays that do what a test says, over loopback. What they say of the
 * address that they see makes the NAT. */
#include "signal-test-relay.h"
#include "wzp-netcheck-run.h"
#include "wzp-test.h"

#include <string.h>

#define SHORT_MS 400u /* to wait for what never comes */
#define LONG_MS  10000u

typedef struct {
  WzpTest *test;
  WzpIdentity *identity;
  WzpEndpoint *endpoint;
  WzpNetcheckRun *run;
  guint n_done;
} Fixture;

static void
on_done (WzpNetcheckRun *run, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_true (run == f->run);
  f->n_done++;
}

static void
fixture_init (Fixture *f, WzpTest *test, guint timeout_ms)
{
  memset (f, 0, sizeof *f);
  f->test = test;
  f->identity = wzp_identity_new_ephemeral ();
  f->endpoint = test_client_endpoint_new (test->context, f->identity);
  f->run = wzp_netcheck_run_new (
      f->endpoint, wzp_test_slower (timeout_ms), on_done, f);
}

static void
fixture_clear (Fixture *f)
{
  wzp_netcheck_run_free (f->run);
  wzp_endpoint_free (f->endpoint);
  wzp_identity_unref (f->identity);
}

static void
add (Fixture *f, const char *host, guint16 port)
{
  g_autoptr (WzpRelayRule) rule = g_new0 (WzpRelayRule, 1);
  g_autofree char *name = g_strdup_printf ("%s port %u", host, port);

  rule->trust = WZP_RELAY_TRUST_NONE;
  rule->host = g_strdup (host);
  rule->port = port;
  wzp_netcheck_run_add (f->run, name, rule);
}

static const WzpNetcheckResult *
finish (Fixture *f)
{
  wzp_test_assert_until (f->test, f->n_done == 1, 30000);
  return wzp_netcheck_run_get_result (f->run);
}

static const WzpNetcheckProbe *
probe_at (const WzpNetcheckResult *result, guint relay, guint i)
{
  const WzpNetcheckRelay *at = result->relays->pdata[relay];

  g_assert_cmpuint (i, <, at->probes->len);
  return at->probes->pdata[i];
}

static guint
count_probes (const WzpNetcheckResult *result, guint relay)
{
  const WzpNetcheckRelay *at = result->relays->pdata[relay];

  return at->probes->len;
}

static void
test_two (WzpTest *test, gconstpointer data)
{
  g_autoptr (TestRelay) one = test_relay_new (test->context, NULL, 0);
  g_autoptr (TestRelay) two = test_relay_new (test->context, NULL, 0);
  const WzpNetcheckResult *result;
  Fixture f;

  g_test_summary ("Each relay is asked once, by nothing but Reflect");

  fixture_init (&f, test, LONG_MS);
  add (&f, "127.0.0.1", one->addr.port);
  add (&f, "127.0.0.1", two->addr.port);
  result = finish (&f);

  g_assert_true (wzp_netcheck_result_is_complete (result));
  g_assert_cmpuint (result->port4, ==, wzp_endpoint_get_port (f.endpoint, 4));
  g_assert_cmpuint (result->port6, ==, 0);
  for (guint i = 0; i < 2; i++) {
    TestRelay *relay = i == 0 ? one : two;
    const WzpNetcheckProbe *probe = probe_at (result, i, 0);
    TestRelayPeer *peer = test_relay_peer (relay);

    g_assert_cmpuint (count_probes (result, i), ==, 1);
    g_assert_cmpint (probe->answer, ==, WZP_NAT_ANSWERED);
    g_assert_no_error (probe->error);
    g_assert_true (wzp_addr_equal (&probe->addr, &relay->addr));
    g_assert_true (wzp_addr_equal (&probe->local, &probe->observed));
    g_assert_cmpuint (probe->local.port, ==, result->port4);
    g_assert_cmpint (probe->handshake_us, >, 0);
    g_assert_cmpint (probe->reflect_us, >, 0);
    g_assert_true (probe->has_certificate);
    g_assert_cmpuint (relay->peers->len, ==, 1);
    g_assert_cmpstr (peer->server_name, ==, "_signal");
    g_assert_cmpuint (peer->messages->len, ==, 1);
    /* It leaves in order. */
    wzp_test_assert_until (test, peer->is_closed, 5000);
    g_assert_true (peer->info.is_application);
    g_assert_cmpuint (peer->info.code, ==, WZP_CLOSE_NORMAL);
  }
  g_assert_cmpint (memcmp (probe_at (result, 0, 0)->cert_sha256,
                       probe_at (result, 1, 0)->cert_sha256, 32),
      !=, 0);
  g_assert_cmpint (result->ipv4.type, ==, WZP_NAT_NONE);
  g_assert_true (result->ipv4.is_local_only);
  g_assert_cmpint (result->ipv6.type, ==, WZP_NAT_UNAVAILABLE);
  fixture_clear (&f);
}

/* Two relays of one key are one relay with two ports. */
static void
run_second_port (WzpTest *test, const char *first, const char *second,
    WzpNatType type, gboolean same_key)
{
  g_autoptr (TestRelay) one = test_relay_new (test->context, NULL, 0);
  g_autoptr (TestRelay) two =
      test_relay_new (test->context, same_key ? one->identity : NULL, 0);
  const WzpNetcheckResult *result;
  const WzpNetcheckProbe *probe;
  Fixture f;

  one->observed = first;
  two->observed = second;
  one->second_port = two->addr.port;
  two->second_port = one->addr.port; /* leads nowhere */
  fixture_init (&f, test, LONG_MS);
  add (&f, "127.0.0.1", one->addr.port);
  result = finish (&f);

  g_assert_cmpuint (count_probes (result, 0), ==, 2);
  g_assert_cmpuint (one->peers->len, ==, 1);
  g_assert_false (probe_at (result, 0, 0)->is_second);
  g_assert_cmpint (probe_at (result, 0, 0)->answer, ==, WZP_NAT_ANSWERED);
  probe = probe_at (result, 0, 1);
  g_assert_true (probe->is_second);
  g_assert_true (wzp_addr_equal (&probe->addr, &two->addr));
  g_assert_true (wzp_netcheck_result_is_complete (result));
  g_assert_cmpstr (wzp_nat_type_to_string (result->ipv4.type), ==,
      wzp_nat_type_to_string (type));
  if (same_key) {
    g_assert_cmpint (probe->answer, ==, WZP_NAT_ANSWERED);
  } else {
    g_assert_cmpint (probe->answer, ==, WZP_NAT_REFUSED);
    g_assert_error (probe->error, WZP_ERROR, WZP_ERROR_IDENTITY);
  }
  fixture_clear (&f);
}

static void
test_second_port (WzpTest *test, gconstpointer data)
{
  run_second_port (
      test, "198.51.100.7:5", "198.51.100.7:5", WZP_NAT_INDEPENDENT, TRUE);
  run_second_port (
      test, "198.51.100.7:5", "198.51.100.7:9000", WZP_NAT_BY_PORT, TRUE);
}

static void
test_second_port_of_another (WzpTest *test, gconstpointer data)
{
  g_test_summary ("Who has another certificate there is not believed");

  run_second_port (
      test, "198.51.100.7:5", "198.51.100.7:9000", WZP_NAT_UNKNOWN, FALSE);
}

static void
test_second_port_is_the_first (WzpTest *test, gconstpointer data)
{
  g_autoptr (TestRelay) relay = test_relay_new (test->context, NULL, 0);
  Fixture f;

  relay->second_port = relay->addr.port;
  fixture_init (&f, test, LONG_MS);
  add (&f, "127.0.0.1", relay->addr.port);
  g_assert_cmpuint (count_probes (finish (&f), 0), ==, 1);
  fixture_clear (&f);
}

static void
test_silence (WzpTest *test, gconstpointer data)
{
  g_autoptr (TestRelay) mute = test_relay_new (test->context, NULL, 0);
  g_autoptr (TestRelay) gone = test_relay_new (test->context, NULL, 0);
  const guint16 port = gone->addr.port;
  const WzpNetcheckResult *result;
  Fixture f;

  g_test_summary ("Nobody there, and one that takes the connection only");

  g_clear_pointer (&gone, test_relay_free);
  mute->is_silent = TRUE;
  fixture_init (&f, test, SHORT_MS);
  add (&f, "127.0.0.1", port);
  add (&f, "127.0.0.1", mute->addr.port);
  result = finish (&f);

  g_assert_false (wzp_netcheck_result_is_complete (result));
  g_assert_cmpint (probe_at (result, 0, 0)->answer, ==, WZP_NAT_NO_ANSWER);
  g_assert_error (
      probe_at (result, 0, 0)->error, WZP_ERROR, WZP_ERROR_TIMED_OUT);
  g_assert_cmpint (probe_at (result, 0, 0)->handshake_us, ==, -1);
  g_assert_cmpint (probe_at (result, 1, 0)->answer, ==, WZP_NAT_REFUSED);
  g_assert_nonnull (
      strstr (probe_at (result, 1, 0)->error->message, "took the connection"));
  g_assert_cmpint (probe_at (result, 1, 0)->handshake_us, >, 0);
  g_assert_cmpint (probe_at (result, 1, 0)->reflect_us, ==, -1);
  g_assert_cmpint (result->ipv4.type, ==, WZP_NAT_UNKNOWN);
  fixture_clear (&f);
}

static void
test_blocked (WzpTest *test, gconstpointer data)
{
  g_autoptr (TestRelay) gone = test_relay_new (test->context, NULL, 0);
  const guint16 port = gone->addr.port;
  Fixture f;

  g_clear_pointer (&gone, test_relay_free);
  fixture_init (&f, test, SHORT_MS);
  add (&f, "127.0.0.1", port);
  g_assert_cmpint (finish (&f)->ipv4.type, ==, WZP_NAT_BLOCKED);
  fixture_clear (&f);
}

static void
test_nonsense (WzpTest *test, gconstpointer data)
{
  static const char *const observed[] = { "somewhere", "198.51.100.7",
    "198.51.100.7:70000", "[2001:db8::1]:5", "\x1b[2J" };

  for (gsize i = 0; i < G_N_ELEMENTS (observed); i++) {
    g_autoptr (TestRelay) relay = test_relay_new (test->context, NULL, 0);
    const WzpNetcheckResult *result;
    Fixture f;

    relay->observed = observed[i];
    relay->second_port = 9;
    fixture_init (&f, test, LONG_MS);
    add (&f, "127.0.0.1", relay->addr.port);
    result = finish (&f);
    g_assert_cmpint (probe_at (result, 0, 0)->answer, ==, WZP_NAT_REFUSED);
    g_test_message ("%s", probe_at (result, 0, 0)->error->message);
    g_assert_null (strchr (probe_at (result, 0, 0)->error->message, '\x1b'));
    g_assert_cmpint (probe_at (result, 0, 0)->observed.family, ==, 0);
    g_assert_cmpuint (count_probes (result, 0), ==, 1);
    fixture_clear (&f);
  }
}

static void
test_no_way (WzpTest *test, gconstpointer data)
{
  g_autoptr (TestRelay) relay = test_relay_new (test->context, NULL, 0);
  const WzpNetcheckResult *result;
  Fixture f;

  g_test_summary ("An address of the family that the socket has not");

  fixture_init (&f, test, LONG_MS);
  add (&f, "localhost", relay->addr.port);
  add (&f, "::1", relay->addr.port);
  result = finish (&f);
  g_assert_cmpuint (count_probes (result, 0), ==, 2);
  g_assert_cmpint (probe_at (result, 0, 0)->answer, ==, WZP_NAT_ANSWERED);
  g_assert_cmpint (probe_at (result, 0, 1)->answer, ==, WZP_NAT_NOT_SENT);
  g_assert_nonnull (probe_at (result, 0, 1)->error);
  g_assert_true (wzp_netcheck_relay_has_answered (result->relays->pdata[0]));
  g_assert_false (wzp_netcheck_result_is_complete (result));
  g_assert_cmpint (result->ipv6.type, ==, WZP_NAT_UNAVAILABLE);
  fixture_clear (&f);
}

static void
test_pin (WzpTest *test, gconstpointer data)
{
  g_autoptr (TestRelay) relay = test_relay_new (test->context, NULL, 0);
  g_autoptr (WzpRelayRule) rule = g_new0 (WzpRelayRule, 1);
  const WzpNetcheckResult *result;
  Fixture f;

  rule->trust = WZP_RELAY_TRUST_PIN;
  rule->host = g_strdup ("127.0.0.1");
  rule->port = relay->addr.port;
  fixture_init (&f, test, LONG_MS);
  wzp_netcheck_run_add (f.run, "pinned", rule);
  result = finish (&f);
  g_assert_cmpint (probe_at (result, 0, 0)->answer, ==, WZP_NAT_REFUSED);
  g_assert_error (
      probe_at (result, 0, 0)->error, WZP_ERROR, WZP_ERROR_IDENTITY);
  fixture_clear (&f);
}

static void
test_free_early (WzpTest *test, gconstpointer data)
{
  g_autoptr (TestRelay) relay = test_relay_new (test->context, NULL, 0);
  Fixture f;

  relay->is_silent = TRUE;
  for (guint step = 0; step < 3; step++) {
    fixture_init (&f, test, LONG_MS);
    add (&f, "127.0.0.1", relay->addr.port);
    if (step > 0)
      wzp_test_drain (test->context);
    if (step > 1)
      wzp_test_assert_until (test, relay->peers->len > 0, 5000);
    fixture_clear (&f);
    g_assert_cmpuint (f.n_done, ==, 0);
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/netcheck-run/two", NULL, test_two);
  wzp_test_add ("/netcheck-run/second-port", NULL, test_second_port);
  wzp_test_add ("/netcheck-run/second-port-of-another", NULL,
      test_second_port_of_another);
  wzp_test_add ("/netcheck-run/second-port-is-the-first", NULL,
      test_second_port_is_the_first);
  wzp_test_add ("/netcheck-run/silence", NULL, test_silence);
  wzp_test_add ("/netcheck-run/blocked", NULL, test_blocked);
  wzp_test_add ("/netcheck-run/nonsense", NULL, test_nonsense);
  wzp_test_add ("/netcheck-run/no-way", NULL, test_no_way);
  wzp_test_add ("/netcheck-run/pin", NULL, test_pin);
  wzp_test_add ("/netcheck-run/free-early", NULL, test_free_early);
  return wzp_test_run ();
}
