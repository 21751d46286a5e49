#include "wzp-error.h"
#include "wzp-relay-options.h"
#include "wzp-test.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static gboolean
parse (const char *line, WzpRelayOptions *options, GError **error)
{
  g_auto (GStrv) args = g_strsplit (line, " ", -1);

  return wzp_relay_options_parse (&args, options, error);
}

static void
test_defaults (WzpTest *test, gconstpointer data)
{
  g_auto (WzpRelayOptions) options = { NULL };

  g_assert_true (parse ("wzp-relay", &options, NULL));
  g_assert_null (options.listen);
  g_assert_cmpuint (options.port, ==, 4433);
  g_assert_null (options.key_file);
  g_assert_false (options.ephemeral_key || options.print_address ||
      options.quiet || options.verbose || options.version);
}

static void
test_all (WzpTest *test, gconstpointer data)
{
  g_auto (WzpRelayOptions) options = { NULL };
  g_auto (WzpRelayOptions) other = { NULL };

  g_assert_true (parse ("wzp-relay --listen ::1 --port 0 --key-file /k "
                        "--print-address --quiet",
      &options, NULL));
  g_assert_cmpstr (options.listen, ==, "::1");
  g_assert_cmpuint (options.port, ==, 0);
  g_assert_cmpstr (options.key_file, ==, "/k");
  g_assert_true (options.print_address && options.quiet);
  g_assert_true (parse ("wzp-relay -p 65535 -e -v --version", &other, NULL));
  g_assert_cmpuint (other.port, ==, 65535);
  g_assert_true (other.ephemeral_key && other.verbose && other.version);
}

static void
test_bad (WzpTest *test, gconstpointer data)
{
  static const char *const bad[] = { "wzp-relay --port 65536",
    "wzp-relay --port -1", "wzp-relay --listen localhost",
    "wzp-relay --listen 127.0.0.1:4433", "wzp-relay --listen",
    "wzp-relay --port x", "wzp-relay --nonsense", "wzp-relay something",
    "wzp-relay -e --key-file k", "wzp-relay -q -v" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    WzpRelayOptions options = { NULL };
    g_autoptr (GError) error = NULL;

    g_assert_false (parse (bad[i], &options, &error));
    g_assert_nonnull (error);
    g_assert_null (options.listen);
    g_assert_null (options.key_file);
  }
}

static WzpIdentity *
load (const char *path, GError **error)
{
  const WzpRelayOptions options = { .key_file = (char *) path };

  return wzp_relay_options_load_identity (&options, error);
}

static gboolean
is_same (WzpIdentity *a, WzpIdentity *b)
{
  return memcmp (wzp_identity_get_public_key (a),
             wzp_identity_get_public_key (b), WZP_PUBLIC_KEY_LEN) == 0;
}

static void
test_key_file (WzpTest *test, gconstpointer data)
{
  const WzpRelayOptions ephemeral = { .ephemeral_key = TRUE };
  const WzpRelayOptions none = { NULL };
  g_autofree char *path = g_build_filename (test->dir, "a", "b", "key", NULL);
  g_autofree char *standard = wzp_relay_default_key_file ();
  g_autofree char *expected = g_build_filename (
      g_getenv ("XDG_STATE_HOME"), "gst-wzp", "relay.key", NULL);
  g_autoptr (WzpIdentity) first = load (path, NULL);
  g_autoptr (WzpIdentity) again = load (path, NULL);
  g_autoptr (WzpIdentity) by_default = NULL;
  g_autoptr (WzpIdentity) fleeting = NULL;
  GStatBuf info;

  g_assert_nonnull (first);
  g_assert_true (is_same (first, again));
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 07777, ==, 0600);

  fleeting = wzp_relay_options_load_identity (&ephemeral, NULL);
  g_assert_cmpstr (standard, ==, expected);
  g_assert_false (g_file_test (standard, G_FILE_TEST_EXISTS));
  by_default = wzp_relay_options_load_identity (&none, NULL);
  g_assert_true (g_file_test (standard, G_FILE_TEST_EXISTS));
  g_assert_false (is_same (fleeting, by_default));
}

static void
test_seed_file (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "seed", NULL);
  g_autoptr (WzpIdentity) loaded = NULL;
  g_autoptr (WzpIdentity) derived = NULL;
  guint8 seed[WZP_SEED_LEN];

  g_test_summary ("32 bytes are a seed, with a relay's derivation");

  memset (seed, 9, sizeof seed);
  g_assert_true (g_file_set_contents_full (path, (const char *) seed,
      sizeof seed, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  loaded = load (path, NULL);
  derived = wzp_identity_new_from_seed (seed, "wzp-tls-ed25519");
  g_assert_true (is_same (loaded, derived));
}

static void
test_bad_key_files (WzpTest *test, gconstpointer data)
{
  g_autofree char *open_to_all = g_build_filename (test->dir, "open", NULL);
  g_autofree char *garbage = g_build_filename (test->dir, "garbage", NULL);
  g_autofree char *below = g_build_filename (garbage, "key", NULL);
  g_autoptr (GError) error = NULL;
  char seed[WZP_SEED_LEN] = { 1 };

  g_assert_true (g_file_set_contents_full (
      open_to_all, seed, sizeof seed, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
  g_assert_null (load (open_to_all, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_clear_error (&error);

  g_assert_true (g_file_set_contents_full (
      garbage, "no key", -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_assert_null (load (garbage, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_clear_error (&error);

  g_assert_null (load (below, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_null (load (test->dir, &error));
  g_assert_nonnull (error);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-options/defaults", NULL, test_defaults);
  wzp_test_add ("/relay-options/all", NULL, test_all);
  wzp_test_add ("/relay-options/bad", NULL, test_bad);
  wzp_test_add ("/relay-options/key-file", NULL, test_key_file);
  wzp_test_add ("/relay-options/seed-file", NULL, test_seed_file);
  wzp_test_add ("/relay-options/bad-key-files", NULL, test_bad_key_files);
  return wzp_test_run ();
}
