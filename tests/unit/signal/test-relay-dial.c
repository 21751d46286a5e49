#include "signal-test-relay.h"
#include "wzp-relay-dial.h"
#include "wzp-test.h"

#include <gio/gio.h>
#include <string.h>

/* --- a resolver that does what a test says; no test asks a real one ------- */

#define TEST_TYPE_RESOLVER (test_resolver_get_type ())
G_DECLARE_FINAL_TYPE (TestResolver, test_resolver, TEST, RESOLVER, GResolver)

struct _TestResolver {
  GResolver parent_instance;
  const char *const *answers; /* addresses; NULL: fails */
  gboolean never;             /* answers only when it is cancelled */
  gboolean ignores_cancel;    /* holds the answer until release() */
  GTask *held;                /* owned */
  guint n_asked;
};

G_DEFINE_FINAL_TYPE (TestResolver, test_resolver, G_TYPE_RESOLVER)

static void
free_addresses (gpointer data)
{
  g_resolver_free_addresses (data);
}

static void
return_answers (TestResolver *self, GTask *task)
{
  GList *list = NULL;

  if (self->answers == NULL) {
    g_task_return_new_error (
        task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "No such host");
    return;
  }
  for (const char *const *a = self->answers; *a != NULL; a++)
    list = g_list_append (list, g_inet_address_new_from_string (*a));
  g_task_return_pointer (task, list, free_addresses);
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_task_return_error_if_cancelled (user_data);
}

static void
test_resolver_lookup_async (GResolver *resolver, const char *name,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  TestResolver *self = TEST_RESOLVER (resolver);
  GTask *task = g_task_new (resolver, cancellable, callback, user_data);

  self->n_asked++;
  g_assert_cmpstr (name, ==, "relay.test");
  if (self->ignores_cancel) {
    g_task_set_check_cancellable (task, FALSE);
    self->held = task;
  } else if (self->never) {
    self->held = task;
    g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), task, NULL);
  } else {
    return_answers (self, task);
    g_object_unref (task);
  }
}

static GList *
test_resolver_lookup_finish (
    GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
test_resolver_class_init (TestResolverClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  resolver_class->lookup_by_name_async = test_resolver_lookup_async;
  resolver_class->lookup_by_name_finish = test_resolver_lookup_finish;
}

static void
test_resolver_init (TestResolver *self)
{
}

/* ------------------------------------------------------------------------- */

typedef struct {
  WzpTest *test;
  TestRelay *relay;
  WzpIdentity *identity;
  WzpEndpoint *endpoint;
  GResolver *default_resolver; /* owned */
  TestResolver *resolver;      /* owned */
  WzpRelayRule rule;
  WzpRelayDial *dial;
  guint n_connecting, n_done;
  gboolean free_when_connecting;
  WzpConn *conn; /* owned */
  GError *error;
} Fixture;

static void
on_connecting (WzpRelayDial *dial, gpointer user_data)
{
  Fixture *f = user_data;

  f->n_connecting++;
  if (f->free_when_connecting)
    g_clear_pointer (&f->dial, wzp_relay_dial_free);
}

static void
on_done (
    WzpRelayDial *dial, WzpConn *conn, const GError *error, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_true ((conn == NULL) == (error != NULL));
  f->n_done++;
  f->conn = conn;
  f->error = error != NULL ? g_error_copy (error) : NULL;
  g_clear_pointer (&f->dial, wzp_relay_dial_free);
}

static const WzpRelayDialHandler handler = {
  .connecting = on_connecting,
  .done = on_done,
};

static void
fixture_init (Fixture *f, WzpTest *test)
{
  memset (f, 0, sizeof *f);
  f->test = test;
  f->relay = test_relay_new (test->context, NULL, 0);
  f->identity = wzp_identity_new_ephemeral ();
  f->endpoint = test_client_endpoint_new (test->context, f->identity);
  f->default_resolver = g_resolver_get_default ();
  f->resolver = g_object_new (TEST_TYPE_RESOLVER, NULL);
  g_resolver_set_default (G_RESOLVER (f->resolver));
  f->rule.trust = WZP_RELAY_TRUST_NONE;
  f->rule.host = g_strdup ("relay.test");
  f->rule.port = f->relay->addr.port;
}

static void
fixture_start (Fixture *f, guint timeout_ms)
{
  f->dial = wzp_relay_dial_new (
      f->endpoint, WZP_SNI_SIGNAL, &f->rule, timeout_ms, &handler, f);
  g_assert_cmpuint (f->n_connecting + f->n_done, ==, 0);
}

static void
fixture_run (Fixture *f, guint timeout_ms)
{
  fixture_start (f, timeout_ms);
  wzp_test_assert_until (f->test, f->n_done == 1, 8000);
}

static void
fixture_clear (Fixture *f)
{
  wzp_relay_dial_free (f->dial);
  g_clear_pointer (&f->conn, wzp_conn_unref);
  wzp_endpoint_free (f->endpoint);
  wzp_identity_unref (f->identity);
  test_relay_free (f->relay);
  g_resolver_set_default (f->default_resolver);
  g_object_unref (f->default_resolver);
  wzp_test_drain (f->test->context);
  g_assert_finalize_object (f->resolver);
  g_free (f->rule.host);
  g_free (f->rule.known_path);
  g_clear_error (&f->error);
}

static void
test_name (WzpTest *test, gconstpointer data)
{
  static const char *const answers[] = { "127.0.0.1", NULL };
  Fixture f;

  fixture_init (&f, test);
  f.resolver->answers = answers;
  fixture_run (&f, 0);
  g_assert_no_error (f.error);
  g_assert_true (wzp_conn_is_established (f.conn));
  g_assert_cmpuint (f.n_connecting, ==, 1);
  g_assert_cmpuint (f.resolver->n_asked, ==, 1);
  g_assert_true (wzp_addr_equal (wzp_conn_get_remote (f.conn), &f.relay->addr));
  fixture_clear (&f);
}

static void
test_literals (WzpTest *test, gconstpointer data)
{
  static const char *const hosts[] = { "127.0.0.1", "localhost", "LOCALHOST",
    "::ffff:127.0.0.1" };

  g_test_summary ("Addresses and localhost ask no resolver");

  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++) {
    Fixture f;

    fixture_init (&f, test);
    g_free (f.rule.host);
    f.rule.host = g_strdup (hosts[i]);
    fixture_run (&f, 0);
    g_assert_no_error (f.error);
    g_assert_cmpuint (f.resolver->n_asked, ==, 0);
    fixture_clear (&f);
  }
}

static void
test_first_wins (WzpTest *test, gconstpointer data)
{
  /* The endpoint of the client has no IPv6 socket. */
  static const char *const answers[] = { "::1", "127.0.0.1", "127.0.0.1",
    "::ffff:127.0.0.1", NULL };
  Fixture f;

  fixture_init (&f, test);
  f.resolver->answers = answers;
  fixture_run (&f, 0);
  g_assert_no_error (f.error);
  g_assert_nonnull (f.conn);
  wzp_test_assert_until (test, f.relay->peers->len > 0, 5000);
  /* The same address is dialled once. */
  wzp_test_drain (test->context);
  g_assert_cmpuint (f.relay->peers->len, ==, 1);
  fixture_clear (&f);
}

static void
test_no_such_name (WzpTest *test, gconstpointer data)
{
  static const char *const none[] = { NULL };
  Fixture f;

  fixture_init (&f, test);
  fixture_run (&f, 0);
  g_assert_error (f.error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (f.error->message, "relay.test"));
  g_assert_cmpuint (f.n_connecting, ==, 0);
  fixture_clear (&f);

  fixture_init (&f, test);
  f.resolver->answers = none;
  fixture_run (&f, 0);
  g_assert_error (f.error, WZP_ERROR, WZP_ERROR_UNREACHABLE);
  fixture_clear (&f);
}

static void
test_all_fail (WzpTest *test, gconstpointer data)
{
  static const char *const answers[] = { "::1", "127.0.0.1", NULL };
  Fixture f;

  g_test_summary ("The error names each address and why");

  fixture_init (&f, test);
  f.resolver->answers = answers;
  f.rule.trust = WZP_RELAY_TRUST_PIN;
  fixture_run (&f, 0);
  /* That the key is wrong says more than that a family is not there. */
  g_assert_error (f.error, WZP_ERROR, WZP_ERROR_IDENTITY);
  g_assert_nonnull (strstr (f.error->message, "[::1]:"));
  g_assert_nonnull (strstr (f.error->message, "127.0.0.1:"));
  g_assert_nonnull (strstr (f.error->message, "relay.test"));
  fixture_clear (&f);
}

static void
test_address_limit (WzpTest *test, gconstpointer data)
{
  /* The client's endpoint has no IPv6 socket: these fail at once. */
  const char *answers[WZP_RELAY_DIAL_MAX_ADDRS + 2] = { NULL };
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (guint before = WZP_RELAY_DIAL_MAX_ADDRS - 1;
       before <= WZP_RELAY_DIAL_MAX_ADDRS; before++) {
    Fixture f;

    for (guint i = 0; i < before; i++) {
      g_ptr_array_add (texts, g_strdup_printf ("fd00::%x", i + 1));
      answers[i] = texts->pdata[texts->len - 1];
    }
    answers[before] = "127.0.0.1";
    fixture_init (&f, test);
    f.resolver->answers = answers;
    fixture_run (&f, 0);
    g_assert_cmpint (f.conn != NULL, ==, before < WZP_RELAY_DIAL_MAX_ADDRS);
    fixture_clear (&f);
  }
}

static void
test_silence (WzpTest *test, gconstpointer data)
{
  static const char *const answers[] = { "127.0.0.1", NULL };
  Fixture f;

  fixture_init (&f, test);
  f.resolver->answers = answers;
  test_relay_free (g_steal_pointer (&f.relay));
  fixture_run (&f, 300);
  g_assert_true (f.error->domain == WZP_ERROR);
  g_assert_true (f.error->code == WZP_ERROR_TIMED_OUT ||
      f.error->code == WZP_ERROR_UNREACHABLE);
  fixture_clear (&f);
}

static void
test_free (WzpTest *test, gconstpointer data)
{
  static const char *const answers[] = { "127.0.0.1", NULL };
  Fixture f;

  /* Before the lookup is over: one that listens, and one that does not. */
  for (guint deaf = 0; deaf < 2; deaf++) {
    fixture_init (&f, test);
    f.resolver->answers = answers;
    f.resolver->never = !deaf;
    f.resolver->ignores_cancel = deaf;
    fixture_start (&f, 0);
    wzp_test_assert_until (test, f.resolver->n_asked == 1, 5000);
    g_clear_pointer (&f.dial, wzp_relay_dial_free);
    if (deaf)
      return_answers (f.resolver, f.resolver->held);
    g_clear_object (&f.resolver->held);
    wzp_test_drain (test->context);
    g_assert_cmpuint (f.n_done + f.n_connecting, ==, 0);
    fixture_clear (&f);
  }

  /* Between the two steps, and while it dials. */
  for (guint inside = 0; inside < 2; inside++) {
    fixture_init (&f, test);
    f.resolver->answers = answers;
    f.free_when_connecting = inside;
    fixture_start (&f, 0);
    wzp_test_assert_until (test, f.n_connecting == 1, 5000);
    wzp_test_drain (test->context);
    g_clear_pointer (&f.dial, wzp_relay_dial_free);
    g_clear_pointer (&f.conn, wzp_conn_unref);
    wzp_test_drain (test->context);
    if (inside)
      g_assert_cmpuint (f.n_done, ==, 0);
    fixture_clear (&f);
  }
}

/* --- the rule itself -------------------------------------------------------
 */

static gboolean
judge (WzpRelayRule *rule, guint8 seed, GError **error)
{
  WzpDialOptions options = { NULL };
  guint8 sha256[32];

  memset (sha256, seed, sizeof sha256);
  wzp_relay_rule_apply (rule, &options);
  g_assert_null (options.ca_host_name);
  return options.verify (sha256, NULL, options.verify_data, error);
}

static void
test_tofu (WzpTest *test, gconstpointer data)
{
  WzpRelayRule rule = { .trust = WZP_RELAY_TRUST_TOFU, .port = 4433 };
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;

  rule.host = (char *) "relay.test";
  rule.known_path = g_build_filename (test->dir, "known_relays", NULL);

  rule.is_loopback = TRUE;
  g_assert_true (judge (&rule, 1, NULL));
  g_assert_true (judge (&rule, 2, NULL));
  g_assert_false (g_file_test (rule.known_path, G_FILE_TEST_EXISTS));

  rule.is_loopback = FALSE;
  g_assert_true (judge (&rule, 1, NULL));
  g_assert_true (judge (&rule, 1, NULL));
  g_assert_false (judge (&rule, 2, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_IDENTITY);
  g_assert_true (g_file_get_contents (rule.known_path, &content, NULL, NULL));
  g_assert_true (g_str_has_prefix (content, "relay.test:4433 01:01:"));
  g_free (rule.known_path);
}

static void
test_other_rules (WzpTest *test, gconstpointer data)
{
  WzpRelayRule rule = { .trust = WZP_RELAY_TRUST_PIN };
  WzpDialOptions options = { NULL };
  g_autoptr (GError) error = NULL;

  memset (rule.pin, 3, sizeof rule.pin);
  g_assert_true (judge (&rule, 3, NULL));
  g_assert_false (judge (&rule, 4, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_IDENTITY);
  rule.trust = WZP_RELAY_TRUST_NONE;
  g_assert_true (judge (&rule, 4, NULL));

  rule.trust = WZP_RELAY_TRUST_CA;
  rule.host = (char *) "relay.test";
  wzp_relay_rule_apply (&rule, &options);
  g_assert_cmpstr (options.ca_host_name, ==, "relay.test");
  g_assert_null (options.verify);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-dial/name", NULL, test_name);
  wzp_test_add ("/relay-dial/literals", NULL, test_literals);
  wzp_test_add ("/relay-dial/first-wins", NULL, test_first_wins);
  wzp_test_add ("/relay-dial/no-such-name", NULL, test_no_such_name);
  wzp_test_add ("/relay-dial/all-fail", NULL, test_all_fail);
  wzp_test_add ("/relay-dial/address-limit", NULL, test_address_limit);
  wzp_test_add ("/relay-dial/silence", NULL, test_silence);
  wzp_test_add ("/relay-dial/free", NULL, test_free);
  wzp_test_add ("/relay-dial/tofu", NULL, test_tofu);
  wzp_test_add ("/relay-dial/other-rules", NULL, test_other_rules);
  return wzp_test_run ();
}
