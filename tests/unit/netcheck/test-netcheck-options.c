#include "wzp-netcheck-options.h"
#include "wzp-test.h"

#include <string.h>

#define FP_HALF "00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f"
#define FP      FP_HALF ":" FP_HALF

static gboolean
parse (const char *line, WzpNetcheckOptions *options, GError **error)
{
  g_auto (GStrv) args = g_strsplit (line, " ", -1);

  return wzp_netcheck_options_parse (&args, options, error);
}

static const WzpRelayRule *
rule_at (const WzpNetcheckOptions *options, guint i)
{
  return options->rules->pdata[i];
}

static void
test_defaults (WzpTest *test, gconstpointer data)
{
  g_auto (WzpNetcheckOptions) options = { NULL };
  g_autoptr (GError) error = NULL;

  g_assert_true (
      parse ("wzp-netcheck relay.example.org [::1]:5000", &options, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (options.relays->len, ==, 2);
  g_assert_cmpuint (options.rules->len, ==, 2);
  g_assert_cmpstr (options.relays->pdata[1], ==, "[::1]:5000");
  g_assert_cmpstr (rule_at (&options, 0)->host, ==, "relay.example.org");
  g_assert_cmpuint (rule_at (&options, 0)->port, ==, 4433);
  g_assert_cmpstr (rule_at (&options, 1)->host, ==, "::1");
  g_assert_cmpuint (rule_at (&options, 1)->port, ==, 5000);
  g_assert_cmpint (rule_at (&options, 0)->trust, ==, WZP_RELAY_TRUST_NONE);
  g_assert_cmpuint (options.timeout_ms, ==, 5000);
  g_assert_null (options.bind_address);
  g_assert_cmpuint (options.bind_port, ==, 0);
  g_assert_false (options.json || options.version);
}

static void
test_all (WzpTest *test, gconstpointer data)
{
  g_auto (WzpNetcheckOptions) options = { NULL };
  g_auto (WzpNetcheckOptions) tofu = { NULL };
  g_auto (WzpNetcheckOptions) ca = { NULL };
  g_autoptr (GError) error = NULL;

  g_assert_true (parse ("wzp-netcheck -t 60 --trust pin -f " FP
                        " --fingerprint=" FP " --bind-address ::1 "
                        "--bind-port 65535 -j a b",
      &options, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (options.timeout_ms, ==, 60000);
  g_assert_cmpstr (options.bind_address, ==, "::1");
  g_assert_cmpuint (options.bind_port, ==, 65535);
  g_assert_true (options.json);
  g_assert_cmpint (rule_at (&options, 1)->trust, ==, WZP_RELAY_TRUST_PIN);
  g_assert_cmpuint (rule_at (&options, 1)->pin[31], ==, 0x0f);

  g_assert_true (parse ("wzp-netcheck --trust tofu a", &tofu, NULL));
  g_assert_cmpint (rule_at (&tofu, 0)->trust, ==, WZP_RELAY_TRUST_TOFU);
  g_assert_true (
      g_str_has_suffix (rule_at (&tofu, 0)->known_path, "known_relays"));
  g_assert_true (parse ("wzp-netcheck --trust ca a", &ca, NULL));
  g_assert_cmpint (rule_at (&ca, 0)->trust, ==, WZP_RELAY_TRUST_CA);
}

static void
test_version (WzpTest *test, gconstpointer data)
{
  g_auto (WzpNetcheckOptions) options = { NULL };

  g_assert_true (parse ("wzp-netcheck --version", &options, NULL));
  g_assert_true (options.version);
  g_assert_cmpuint (options.relays->len, ==, 0);
}

static void
test_fingerprint_means_pin (WzpTest *test, gconstpointer data)
{
  g_auto (WzpNetcheckOptions) options = { NULL };

  g_assert_true (parse ("wzp-netcheck -f " FP " a", &options, NULL));
  g_assert_cmpint (rule_at (&options, 0)->trust, ==, WZP_RELAY_TRUST_PIN);
}

static void
test_bad (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *line, *says;
  } bad[] = {
    { "wzp-netcheck", "0 relays" },
    { "wzp-netcheck a b c d e f g h i", "9 relays" },
    { "wzp-netcheck a --timeout 0", "--timeout is 0" },
    { "wzp-netcheck a --timeout 61", "--timeout is 61" },
    { "wzp-netcheck a --bind-port -1", "--bind-port is -1" },
    { "wzp-netcheck a --bind-port 65536", "--bind-port is 65536" },
    { "wzp-netcheck a --bind-address localhost", "--bind-address: " },
    { "wzp-netcheck a --trust all", "--trust is \"all\"" },
    { "wzp-netcheck a --trust pin", "0 --fingerprint for 1 relays" },
    { "wzp-netcheck a b -f " FP, "1 --fingerprint for 2 relays" },
    { "wzp-netcheck a --trust tofu -f " FP, "--trust=pin only" },
    { "wzp-netcheck a -f 00", "32 hexadecimal bytes" },
    { "wzp-netcheck a:0x1", "a:0x1" },
    { "wzp-netcheck a --nonsense", "--nonsense" },
  };
  g_auto (WzpNetcheckOptions) most = { NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    WzpNetcheckOptions options = { NULL };
    g_autoptr (GError) error = NULL;

    g_assert_false (parse (bad[i].line, &options, &error));
    g_test_message ("%s: %s", bad[i].line, error->message);
    g_assert_nonnull (strstr (error->message, bad[i].says));
    g_assert_null (options.relays);
  }
  g_assert_true (parse ("wzp-netcheck a b c d e f g h", &most, NULL));
  g_assert_cmpuint (most.rules->len, ==, WZP_NETCHECK_MAX_RELAYS);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/netcheck-options/defaults", NULL, test_defaults);
  wzp_test_add ("/netcheck-options/all", NULL, test_all);
  wzp_test_add ("/netcheck-options/version", NULL, test_version);
  wzp_test_add ("/netcheck-options/fingerprint-means-pin", NULL,
      test_fingerprint_means_pin);
  wzp_test_add ("/netcheck-options/bad", NULL, test_bad);
  return wzp_test_run ();
}
