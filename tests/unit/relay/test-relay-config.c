#include "wzp-relay-config.h"
#include "wzp-test.h"

#include <glib/gstdio.h>
#include <string.h>

#define FP_A                                                                   \
  "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"                           \
  "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"
#define FP_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define WHO  "aaaa:0000:0000:0000:0000:0000:0000:0001"

static WzpRelaySettings *
parse (const char *text, GError **error)
{
  return wzp_relay_settings_parse ("/etc/f", text, strlen (text), error);
}

static void
test_defaults (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelaySettings) settings = parse ("", NULL);
  WzpRelayConfig config;

  g_assert_cmpstr (settings->path, ==, "/etc/f");
  g_assert_cmpuint (settings->port, ==, 4433);
  g_assert_cmpuint (settings->second_port, ==, WZP_RELAY_NO_PORT);
  g_assert_cmpint (settings->log_level, ==, WZP_LOG_INFO);
  g_assert_cmpuint (settings->drain_timeout_s, ==, 30);
  g_assert_null (settings->metrics_listen);
  wzp_relay_settings_fill (settings, &config);
  g_assert_null (config.listen);
  g_assert_cmpuint (config.port, ==, 4433);
  g_assert_cmpuint (config.second_port, ==, 0);
  g_assert_false (config.any_second_port);
  g_assert_false (config.no_open_rooms);
  g_assert_cmpuint (config.limits.max_clients, ==, 0);
  g_assert_cmpuint (config.quotas.address.calls_per_minute, ==, 0);
  g_assert_cmpint (
      wzp_relay_access_get_kind (config.access), ==, WZP_ACCESS_OPEN);
  g_assert_cmpuint (config.n_peers, ==, 0);
}

static const char everything[] =
    "\xef\xbb\xbf# all of it\r\n"
    "[relay]\r\n"
    "listen=::1\r\n"
    "port = 0 \r\n"
    "second-port=0\r\n"
    "key-file=keys/relay.key\r\n"
    "public-address=[2001:db8::1]:443\r\n"
    "idle-timeout-ms=5000\r\n"
    "log-level=warning\r\n"
    "[limits]\n"
    "clients=1\ncalls=2\ncalls-per-client=3\nringing=4\ncall-timeout-s=5\n"
    "return-grace-s=6\nrooms=7\nroom-members=8\nopen-rooms=false\n"
    "[quota identity]\n"
    "connections=9\nconnections-per-minute=10\ncalls-per-minute=11\n"
    "rooms=12\nbytes-per-second=13\n"
    "[quota address]\n"
    "connections=14\nconnections-per-minute=15\ncalls-per-minute=16\n"
    "rooms=17\nbytes-per-second=1000000000000\n"
    "[metrics]\nlisten=[::1]:0\n"
    "[peer north]\nfingerprint=" FP_A "\n"
    "[drain]\ntimeout-s=0\n"
    "[peer so.uth_2]\naddress=relay.example\nfingerprint=" FP_B;

static void
test_everything (WzpTest *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpRelaySettings) settings = parse (everything, &error);
  WzpRelayConfig config;

  g_assert_no_error (error);
  g_assert_cmpstr (settings->key_file, ==, "/etc/keys/relay.key");
  g_assert_cmpint (settings->log_level, ==, WZP_LOG_WARNING);
  g_assert_cmpstr (settings->metrics_listen, ==, "[::1]:0");
  g_assert_cmpuint (settings->drain_timeout_s, ==, 0);

  wzp_relay_settings_fill (settings, &config);
  g_assert_cmpstr (config.listen, ==, "::1");
  g_assert_cmpuint (config.port, ==, 0);
  g_assert_true (config.any_second_port);
  g_assert_cmpstr (config.public_address, ==, "[2001:db8::1]:443");
  g_assert_cmpuint (config.idle_timeout_ms, ==, 5000);
  g_assert_cmpuint (config.limits.max_clients, ==, 1);
  g_assert_cmpuint (config.limits.max_calls, ==, 2);
  g_assert_cmpuint (config.limits.max_calls_per_client, ==, 3);
  g_assert_cmpuint (config.limits.max_ringing, ==, 4);
  g_assert_cmpint (config.limits.call_timeout_us, ==, 5000000);
  g_assert_cmpint (config.limits.grace_us, ==, 6000000);
  g_assert_cmpuint (config.max_rooms, ==, 7);
  g_assert_cmpuint (config.max_room_members, ==, 8);
  g_assert_true (config.no_open_rooms);
  g_assert_cmpuint (config.quotas.identity.connections, ==, 9);
  g_assert_cmpuint (config.quotas.identity.connections_per_minute, ==, 10);
  g_assert_cmpuint (config.quotas.identity.calls_per_minute, ==, 11);
  g_assert_cmpuint (config.quotas.identity.rooms, ==, 12);
  g_assert_cmpuint (config.quotas.identity.bytes_per_second, ==, 13);
  g_assert_cmpuint (config.quotas.address.connections, ==, 14);
  g_assert_cmpuint (config.quotas.address.connections_per_minute, ==, 15);
  g_assert_cmpuint (config.quotas.address.calls_per_minute, ==, 16);
  g_assert_cmpuint (config.quotas.address.rooms, ==, 17);
  g_assert_cmpuint (config.quotas.address.bytes_per_second, ==, 1000000000000);
  g_assert_cmpuint (config.n_peers, ==, 2);
  g_assert_cmpstr (config.peers[0].label, ==, "north");
  g_assert_cmpstr (config.peers[0].address, ==, NULL);
  g_assert_cmpstr (config.peers[0].fingerprint, ==, FP_A);
  g_assert_cmpstr (config.peers[1].label, ==, "so.uth_2");
  g_assert_cmpstr (config.peers[1].address, ==, "relay.example");
  g_assert_true (
      g_str_has_prefix (config.peers[1].fingerprint, "ff:ee:dd:cc:"));
}

static void
test_keys_are_all_read (WzpTest *test, gconstpointer data)
{
  g_autofree char *list = wzp_relay_settings_list_keys ();
  g_auto (GStrv) lines = g_strsplit (list, "\n", -1);
  guint n = 0;

  g_test_summary ("test_everything forgets no key: its text names each of the "
                  "list but those of [access]");

  for (char **line = lines; **line != '\0'; line++) {
    const char *key = strstr (*line, "] ");

    g_assert_nonnull (key);
    n++;
    if (!g_str_has_prefix (*line, "[access]")) {
      g_autofree char *equals = g_strconcat ("\n", key + 2, NULL);

      if (strstr (everything, equals) == NULL)
        g_error ("%s is not in the text", *line);
    }
  }
  g_assert_cmpuint (n, ==, 34);
}

static void
test_bad (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *text, *message;
  } cases[] = {
    { "[relais]\n", "/etc/f:1: [relais]: there is no such group" },
    { "[relay]\nport=1\n[relay ]\n",
        "/etc/f:3: [relay ]: there is no such group" },
    { "[quota]\n", "/etc/f:1: [quota]: there is no such group" },
    { "[relay]\n\nPort=1\n", "/etc/f:3: [relay] Port: there is no such key" },
    { "[metrics]\nport=1\n", "/etc/f:2: [metrics] port: there is no such key" },
    { "[relay]\nlisten[de]=::1\n",
        "/etc/f:2: [relay] listen[de]: there is no such key" },
    { "[relay]\nport=65536\n",
        "/etc/f:2: [relay] port: \"65536\" is no number from 0 to 65535" },
    { "[relay]\nport=-1\n",
        "/etc/f:2: [relay] port: \"-1\" is no number from 0 to 65535" },
    { "[relay]\nport=\n",
        "/etc/f:2: [relay] port: \"\" is no number from 0 to 65535" },
    { "[relay]\nport=44 33\n",
        "/etc/f:2: [relay] port: \"44 33\" is no number from 0 to 65535" },
    { "[relay]\nidle-timeout-ms=999\n",
        "/etc/f:2: [relay] idle-timeout-ms: \"999\" is no number from 1000 to "
        "600000" },
    { "[limits]\nclients=65537\n",
        "/etc/f:2: [limits] clients: \"65537\" is no number from 1 to 65536" },
    { "[limits]\nclients=0\n",
        "/etc/f:2: [limits] clients: \"0\" is no number from 1 to 65536" },
    { "[limits]\nopen-rooms=yes\n",
        "/etc/f:2: [limits] open-rooms: \"yes\" is none of: false, true" },
    { "# c\n\n[quota address]\ncalls-per-minute=many\n",
        "/etc/f:4: [quota address] calls-per-minute: \"many\" is no number "
        "from 0 to 1000000" },
    { "[quota identity]\nbytes-per-second=1000000000001\n",
        "/etc/f:2: [quota identity] bytes-per-second: \"1000000000001\" is no "
        "number from 0 to 1000000000000" },
    { "[relay]\nlog-level=loud\n",
        "/etc/f:2: [relay] log-level: \"loud\" is none of: warning, notice, "
        "info, debug" },
    { "[relay]\nkey-file=\n", "/etc/f:2: [relay] key-file: it is empty" },
    { "[relay]\nkey-file=a\\nb\n",
        "/etc/f:2: [relay] key-file: a control character is in it" },
    { "[access]\nmode=closed\n",
        "/etc/f:2: [access] mode: \"closed\" is none of: open, allow-list, "
        "token" },
    { "[access]\nmode=allow-list\n",
        "/etc/f:2: [access] mode: allow-list needs the key allow or "
        "allow-file" },
    { "[access]\nmode=token\n",
        "/etc/f:2: [access] mode: token needs the key token-key-file" },
    { "[access]\nallow=" WHO "\n",
        "/etc/f:2: [access] allow: is for mode=allow-list only" },
    { "[access]\nmode=allow-list\nallow=" WHO "\ntoken-key-file=a\n",
        "/etc/f:4: [access] token-key-file: is for mode=token only" },
    { "[access]\nmode=allow-list\nallow= ; ;\n",
        "/etc/f:3: [access] allow: the list is empty" },
    { "[peer a]\naddress=relay.example\n",
        "/etc/f:1: [peer a]: the key fingerprint is missing" },
    { "[peer a]\nfingerprint=" FP_A "\n[peer b]\nfingerprint=" FP_A "\n",
        "/etc/f:3: [peer b]: [peer a] has the same fingerprint" },
    { "[peer a b]\n",
        "/etc/f:1: [peer a b]: a peer's name is 1 to 32 letters, digits, '.', "
        "'-' and '_'" },
    { "[peer ]\n",
        "/etc/f:1: [peer ]: a peer's name is 1 to 32 letters, digits, '.', "
        "'-' and '_'" },
    { "[peer 123456789012345678901234567890123]\n",
        "/etc/f:1: [peer 123456789012345678901234567890123]: a peer's name is "
        "1 to 32 letters, digits, '.', '-' and '_'" },
    { "[relay]\nport=1\nport=2\n", "/etc/f:3: \"port\" is in line 2 already" },
    { "[relay]\n[drain]\n[relay]\n",
        "/etc/f:3: \"relay\" is in line 1 already" },
    { "port=1\n", "/etc/f:1: \"port=1\" stands before any [group]" },
    { "[relay]\nport=1\n\xff\n",
        "/etc/f:3: a byte of value 0xff is no text in UTF-8" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    WzpRelaySettings *settings = parse (cases[i].text, &error);

    g_assert_null (settings);
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==, cases[i].message);
  }
}

/* Those whose reason another module words. */
static void
test_bad_values (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *text, *begin;
  } cases[] = {
    { "[relay]\nlisten=localhost\n", "/etc/f:2: [relay] listen: " },
    { "[relay]\nlisten=127.0.0.1:1\n", "/etc/f:2: [relay] listen: " },
    { "[relay]\npublic-address=192.0.2.1\n",
        "/etc/f:2: [relay] public-address: " },
    { "[relay]\npublic-address=192.0.2.1:0\n",
        "/etc/f:2: [relay] public-address: port 0" },
    { "[relay]\npublic-address=a.example:1\n",
        "/etc/f:2: [relay] public-address: " },
    { "[relay]\n#\nkey-file=a\\qb\n", "/etc/f:3: [relay] key-file: " },
    { "[relay]\nkey-file=a\\\n", "/etc/f:2: [relay] key-file: " },
    { "[metrics]\nlisten=9464\n", "/etc/f:2: [metrics] listen: " },
    { "[metrics]\nlisten=localhost:9464\n", "/etc/f:2: [metrics] listen: " },
    { "[peer a]\nfingerprint=aa:bb\n", "/etc/f:2: [peer a] fingerprint: " },
    { "[peer a]\n\naddress=relay.example:65536\nfingerprint=" FP_A,
        "/etc/f:3: [peer a] address: " },
    { "[access]\nmode=allow-list\nallow=" WHO ";x\n",
        "/etc/f:3: [access] allow: " },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (parse (cases[i].text, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    if (!g_str_has_prefix (error->message, cases[i].begin))
      g_error (
          "\"%s\" does not begin with: %s", error->message, cases[i].begin);
  }
}

static void
test_bytes (WzpTest *test, gconstpointer data)
{
  static const char nul[] = "[relay]\nport=1\0\n";
  g_autofree char *huge = g_strnfill (WZP_RELAY_CONFIG_MAX_LEN + 1, '\n');
  g_autoptr (WzpRelaySettings) settings = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (wzp_relay_settings_parse ("f", nul, sizeof nul - 1, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_assert_cmpstr (
      error->message, ==, "f:2: a byte of value 0x00 is no text in UTF-8");
  g_clear_error (&error);
  g_assert_null (wzp_relay_settings_parse (
      "f", huge, WZP_RELAY_CONFIG_MAX_LEN + 1, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
  g_clear_error (&error);
  settings =
      wzp_relay_settings_parse ("f", huge, WZP_RELAY_CONFIG_MAX_LEN, &error);
  g_assert_no_error (error);
}

static void
test_peers_bound (WzpTest *test, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (WzpRelaySettings) settings = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < WZP_REGISTRY_MAX_LINKS; i++)
    g_string_append_printf (text, "[peer p%u]\nfingerprint=%064x\n", i, i + 1);
  settings = parse (text->str, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (settings->peers->len, ==, WZP_REGISTRY_MAX_LINKS);
  g_string_append (text, "[peer more]\nfingerprint=" FP_A "\n");
  g_assert_null (parse (text->str, &error));
  g_assert_cmpstr (error->message, ==,
      "/etc/f:33: [peer more]: there are as many peers as can be already");
}

static char *
write_file (WzpTest *test, const char *name, const char *text, int mode)
{
  char *path = g_build_filename (test->dir, name, NULL);

  g_assert_true (g_file_set_contents_full (
      path, text, -1, G_FILE_SET_CONTENTS_NONE, mode, NULL));
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
  return path;
}

static void
test_access (WzpTest *test, gconstpointer data)
{
  const WzpFingerprint listed = { { 0xaa, 0xaa, [15] = 1 } };
  const WzpFingerprint in_file = { { 0xbb, 0xbb, [15] = 2 } };
  const WzpFingerprint other = { { 0xcc } };
  g_autofree char *path = write_file (test, "relay.conf",
      "[access]\nmode=allow-list\nallow=" WHO "\nallow-file=allow\n", 0644);
  g_autofree char *allow = write_file (
      test, "allow", "bbbb:0000:0000:0000:0000:0000:0000:0002 bert\n", 0644);
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpRelaySettings) settings =
      wzp_relay_settings_read (path, &error);

  g_test_summary ("The list in the file and the one beside it, together");

  g_assert_no_error (error);
  g_assert_true (wzp_relay_access_admits (settings->access, &listed));
  g_assert_true (wzp_relay_access_admits (settings->access, &in_file));
  g_assert_false (wzp_relay_access_admits (settings->access, &other));
  g_assert_cmpint (g_unlink (allow), ==, 0);
  g_assert_null (wzp_relay_settings_read (path, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message,
      "relay.conf:4: [access] allow-file: "
      "Cannot open "));
}

static void
test_token (WzpTest *test, gconstpointer data)
{
  static const char old_key[] = "11111111111111111111111111111111";
  static const char new_key[] = "22222222222222222222222222222222";
  g_autofree char *path = write_file (test, "relay.conf",
      "[access]\nmode=token\ntoken-key-file = old; new ;\n", 0644);
  g_autofree char *new = write_file (test, "new", new_key, 0600);
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpRelaySettings) settings = NULL;

  g_free (write_file (test, "old", old_key, 0600));
  settings = wzp_relay_settings_read (path, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GBytes) key =
        g_bytes_new_static (i == 0 ? old_key : new_key, 32);
    g_autofree char *token = wzp_token_mint (key, 2000, NULL, NULL, NULL);

    g_assert_true (wzp_relay_access_check_token (
        settings->access, token, NULL, NULL, 1000, NULL));
  }
  g_assert_cmpint (g_chmod (new, 0640), ==, 0);
  g_assert_null (wzp_relay_settings_read (path, &error));
  g_assert_nonnull (
      strstr (error->message, "relay.conf:3: [access] token-key-file: "));
  g_assert_nonnull (strstr (error->message, "mode 0640"));
}

static void
test_many_token_keys (WzpTest *test, gconstpointer data)
{
  g_autoptr (GString) text =
      g_string_new ("[access]\nmode=token\ntoken-key-file=");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i <= WZP_ACCESS_MAX_TOKEN_KEYS; i++) {
    g_autofree char *name = g_strdup_printf ("k%u", i);

    g_free (write_file (test, name, "11111111111111111111111111111111", 0600));
    g_string_append_printf (text, "%s/%s;", test->dir, name);
  }
  g_assert_null (parse (text->str, &error));
  g_assert_true (
      g_str_has_prefix (error->message, "/etc/f:3: [access] token-key-file: "));
}

static void
test_read (WzpTest *test, gconstpointer data)
{
  g_autofree char *missing = g_build_filename (test->dir, "no", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (wzp_relay_settings_read (missing, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_nonnull (strstr (error->message, missing));
  g_clear_error (&error);
  g_assert_null (wzp_relay_settings_read (test->dir, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
}

static void
test_fixed (WzpTest *test, gconstpointer data)
{
  g_autoptr (WzpRelaySettings) before = parse ("", NULL);
  g_autoptr (WzpRelaySettings) after = parse (everything, NULL);
  g_autoptr (WzpRelaySettings) same = parse (everything, NULL);
  g_auto (GStrv) changed = wzp_relay_settings_list_fixed (before, after);
  g_auto (GStrv) unchanged = wzp_relay_settings_list_fixed (same, after);
  g_autofree char *all = g_strjoinv (" ", changed);

  g_assert_cmpstr (all, ==,
      "[relay] listen [relay] port [relay] second-port [relay] key-file "
      "[relay] idle-timeout-ms [metrics] listen");
  g_assert_cmpuint (g_strv_length (unchanged), ==, 0);
}

static void
test_random (WzpTest *test, gconstpointer data)
{
  g_autoptr (GRand) rand = wzp_test_rand_new ();
  guint n_bad = 0;

  g_test_summary ("Broken anywhere it is read or refused with a line's number");

  for (guint i = 0; i < 3000; i++) {
    g_autofree char *text = g_strdup (everything);
    g_autoptr (WzpRelaySettings) settings = NULL;
    g_autoptr (GError) error = NULL;
    const gsize len = strlen (text);

    for (int n = g_rand_int_range (rand, 1, 4); n > 0; n--)
      text[g_rand_int_range (rand, 0, (int) len)] =
          (char) g_rand_int_range (rand, 0, 256);
    settings = wzp_relay_settings_parse (
        "/etc/f", text, g_rand_int_range (rand, 0, (int) len + 1), &error);
    if (settings != NULL)
      continue;
    n_bad++;
    g_assert_true (g_str_has_prefix (error->message, "/etc/f:"));
    if (!g_ascii_isdigit (error->message[strlen ("/etc/f:")]))
      g_error ("no line: %s", error->message);
  }
  g_assert_cmpuint (n_bad, >, 500);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-config/defaults", NULL, test_defaults);
  wzp_test_add ("/relay-config/everything", NULL, test_everything);
  wzp_test_add (
      "/relay-config/keys-are-all-read", NULL, test_keys_are_all_read);
  wzp_test_add ("/relay-config/bad", NULL, test_bad);
  wzp_test_add ("/relay-config/bad-values", NULL, test_bad_values);
  wzp_test_add ("/relay-config/bytes", NULL, test_bytes);
  wzp_test_add ("/relay-config/peers-bound", NULL, test_peers_bound);
  wzp_test_add ("/relay-config/access", NULL, test_access);
  wzp_test_add ("/relay-config/token", NULL, test_token);
  wzp_test_add ("/relay-config/many-token-keys", NULL, test_many_token_keys);
  wzp_test_add ("/relay-config/read", NULL, test_read);
  wzp_test_add ("/relay-config/fixed", NULL, test_fixed);
  wzp_test_add ("/relay-config/random", NULL, test_random);
  return wzp_test_run ();
}
