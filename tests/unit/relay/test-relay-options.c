#include "wzp-error.h"
#include "wzp-relay-http.h"
#include "wzp-relay-options.h"
#include "wzp-test.h"

#include <glib/gstdio.h>
#include <stdlib.h>
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
  g_assert_null (options.config);
  g_assert_null (options.listen);
  g_assert_cmpuint (options.port, ==, WZP_RELAY_NO_PORT);
  g_assert_cmpuint (options.second_port, ==, WZP_RELAY_NO_PORT);
  g_assert_cmpint (options.drain_timeout_s, ==, -1);
  g_assert_null (options.key_file);
  g_assert_null (options.public_address);
  g_assert_null (options.metrics);
  g_assert_false (options.ephemeral_key || options.print_address ||
      options.quiet || options.verbose || options.version ||
      options.no_config || options.check_config || options.list_config_keys);
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
  wzp_relay_options_clear (&other);
  g_assert_true (parse ("wzp-relay -c /c --second-port 0 --drain-timeout 0 "
                        "--public-address 192.0.2.1:1 --metrics [::1]:0 "
                        "--check-config --list-config-keys",
      &other, NULL));
  g_assert_cmpstr (other.config, ==, "/c");
  g_assert_cmpuint (other.second_port, ==, 0);
  g_assert_cmpint (other.drain_timeout_s, ==, 0);
  g_assert_cmpstr (other.public_address, ==, "192.0.2.1:1");
  g_assert_cmpstr (other.metrics, ==, "[::1]:0");
  g_assert_true (other.check_config && other.list_config_keys);
  wzp_relay_options_clear (&other);
  g_assert_true (parse ("wzp-relay --no-config", &other, NULL));
  g_assert_true (other.no_config);
}

static void
test_bad (WzpTest *test, gconstpointer data)
{
  static const char *const bad[] = { "wzp-relay --port 65536",
    "wzp-relay --port -1", "wzp-relay --listen localhost",
    "wzp-relay --listen 127.0.0.1:4433", "wzp-relay --listen",
    "wzp-relay --port x", "wzp-relay --nonsense", "wzp-relay something",
    "wzp-relay -e --key-file k", "wzp-relay -q -v",
    "wzp-relay --no-config -c c", "wzp-relay --second-port 65536",
    "wzp-relay --drain-timeout 86401", "wzp-relay --drain-timeout -2",
    "wzp-relay --public-address 192.0.2.1",
    "wzp-relay --public-address 192.0.2.1:0", "wzp-relay --metrics 9464",
    "wzp-relay mint-tokens" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    WzpRelayOptions options = { NULL };
    g_autoptr (GError) error = NULL;

    g_assert_false (parse (bad[i], &options, &error));
    g_assert_nonnull (error);
    g_assert_null (options.listen);
    g_assert_null (options.key_file);
  }
}

static WzpRelaySettings *
load_settings (const char *line, GError **error)
{
  g_auto (WzpRelayOptions) options = { NULL };

  g_assert_true (parse (line, &options, NULL));
  return wzp_relay_options_load_settings (&options, error);
}

static void
test_settings (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "relay.conf", NULL);
  g_autofree char *plain = g_strdup_printf ("wzp-relay --config %s", path);
  g_autofree char *over = g_strdup_printf (
      "wzp-relay --config %s -l ::1 -p 1 --second-port 2 -k /k "
      "--public-address 192.0.2.2:2 --metrics 127.0.0.1:2 --drain-timeout 2 -q",
      path);
  g_autoptr (WzpRelaySettings) none =
      load_settings ("wzp-relay --no-config", NULL);
  g_autoptr (WzpRelaySettings) file = NULL;
  g_autoptr (WzpRelaySettings) both = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("The command line's word is the last");

  if (!wzp_relay_http_is_there ()) {
    g_test_skip ("built without metrics");
    return;
  }

  g_assert_null (load_settings (plain, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_true (g_file_set_contents (path,
      "[relay]\nlisten=127.0.0.1\nport=7\nsecond-port=8\nkey-file=/f\n"
      "public-address=192.0.2.1:1\nlog-level=notice\n[drain]\ntimeout-s=9\n"
      "[metrics]\nlisten=127.0.0.1:1\n[limits]\nclients=10\n",
      -1, NULL));
  g_assert_null (none->path);
  g_assert_cmpuint (none->port, ==, 4433);

  file = load_settings (plain, NULL);
  g_assert_cmpstr (file->path, ==, path);
  g_assert_cmpstr (file->listen, ==, "127.0.0.1");
  g_assert_cmpuint (file->port, ==, 7);
  g_assert_cmpuint (file->second_port, ==, 8);
  g_assert_cmpstr (file->key_file, ==, "/f");
  g_assert_cmpint (file->log_level, ==, WZP_LOG_NOTICE);
  g_assert_cmpuint (file->drain_timeout_s, ==, 9);

  both = load_settings (over, NULL);
  g_assert_cmpstr (both->listen, ==, "::1");
  g_assert_cmpuint (both->port, ==, 1);
  g_assert_cmpuint (both->second_port, ==, 2);
  g_assert_cmpstr (both->key_file, ==, "/k");
  g_assert_cmpstr (both->public_address, ==, "192.0.2.2:2");
  g_assert_cmpstr (both->metrics_listen, ==, "127.0.0.1:2");
  g_assert_cmpint (both->log_level, ==, WZP_LOG_WARNING);
  g_assert_cmpuint (both->drain_timeout_s, ==, 2);
  g_assert_cmpuint (both->clients, ==, 10);
}

static WzpIdentity *
load_with (gboolean is_ephemeral, const char *path, GError **error)
{
  const WzpRelayOptions options = { .ephemeral_key = is_ephemeral };
  g_autoptr (WzpRelaySettings) settings = wzp_relay_settings_new ();

  settings->key_file = g_strdup (path);
  return wzp_relay_options_load_identity (&options, settings, TRUE, error);
}

static WzpIdentity *
load (const char *path, GError **error)
{
  return load_with (FALSE, path, error);
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

  fleeting = load_with (TRUE, NULL, NULL);
  g_assert_cmpstr (standard, ==, expected);
  g_assert_false (g_file_test (standard, G_FILE_TEST_EXISTS));
  by_default = load (NULL, NULL);
  g_assert_true (g_file_test (standard, G_FILE_TEST_EXISTS));
  g_assert_false (is_same (fleeting, by_default));
}

static void
test_no_key (WzpTest *test, gconstpointer data)
{
  const WzpRelayOptions options = { NULL };
  g_autofree char *path = g_build_filename (test->dir, "key", NULL);
  g_autoptr (WzpRelaySettings) settings = wzp_relay_settings_new ();
  g_autoptr (GError) error = NULL;

  g_test_summary ("Who only looks makes none");

  settings->key_file = g_strdup (path);
  g_assert_null (
      wzp_relay_options_load_identity (&options, settings, FALSE, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_state_directory (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *value, *path;
  } cases[] = { { "/var/lib/wzp-relay", "/var/lib/wzp-relay/relay.key" },
    { "/a:/b", "/a/relay.key" } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = NULL;

    setenv ("STATE_DIRECTORY", cases[i].value, 1);
    path = wzp_relay_default_key_file ();
    g_assert_cmpstr (path, ==, cases[i].path);
  }
  unsetenv ("STATE_DIRECTORY");
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
  wzp_test_add ("/relay-options/settings", NULL, test_settings);
  wzp_test_add ("/relay-options/key-file", NULL, test_key_file);
  wzp_test_add ("/relay-options/no-key", NULL, test_no_key);
  wzp_test_add ("/relay-options/state-directory", NULL, test_state_directory);
  wzp_test_add ("/relay-options/seed-file", NULL, test_seed_file);
  wzp_test_add ("/relay-options/bad-key-files", NULL, test_bad_key_files);
  return wzp_test_run ();
}
