/* What needs no resolver; test-relay-dial has those that do. */
#include "wzp-error.h"
#include "wzp-relay-lookup.h"
#include "wzp-test.h"

#include <string.h>

typedef struct {
  WzpRelayLookup *lookup; /* owned */
  guint n_called;
  GString *found; /* owned */
} Fixture;

static void
on_found (WzpRelayLookup *lookup, const WzpAddr *addrs, guint n,
    const GError *error, gpointer user_data)
{
  Fixture *f = user_data;
  char text[WZP_ADDR_MAX_STRLEN];

  g_assert_true (lookup == f->lookup);
  g_assert_no_error (error);
  f->n_called++;
  for (guint i = 0; i < n; i++)
    g_string_append_printf (
        f->found, "%s ", wzp_addr_to_string (&addrs[i], text));
  g_clear_pointer (&f->lookup, wzp_relay_lookup_free);
}

static void
test_literals (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *host, *found;
  } cases[] = {
    { "192.0.2.1", "192.0.2.1:4433 " },
    { "2001:db8::1", "[2001:db8::1]:4433 " },
    { "::ffff:192.0.2.1", "192.0.2.1:4433 " },
    { "localhost", "127.0.0.1:4433 [::1]:4433 " },
    { "LocalHost", "127.0.0.1:4433 [::1]:4433 " },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    Fixture f = { .found = g_string_new (NULL) };

    f.lookup = wzp_relay_lookup_new (cases[i].host, 4433, on_found, &f);
    g_assert_cmpuint (f.n_called, ==, 0);
    wzp_test_assert_until (test, f.n_called == 1, 2000);
    g_assert_cmpstr (f.found->str, ==, cases[i].found);
    g_string_free (f.found, TRUE);
  }
}

static void
test_given_up (WzpTest *test, gconstpointer data)
{
  Fixture f = { .found = g_string_new (NULL) };

  f.lookup = wzp_relay_lookup_new ("localhost", 1, on_found, &f);
  g_clear_pointer (&f.lookup, wzp_relay_lookup_free);
  wzp_test_drain (test->context);
  g_assert_cmpuint (f.n_called, ==, 0);
  g_string_free (f.found, TRUE);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-lookup/literals", NULL, test_literals);
  wzp_test_add ("/relay-lookup/given-up", NULL, test_given_up);
  return wzp_test_run ();
}
