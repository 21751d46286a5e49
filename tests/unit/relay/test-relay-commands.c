#include "wzp-relay-commands.h"

#include "wzp-identity.h"
#include "wzp-relay-access.h"
#include "wzp-relay-config.h"
#include "wzp-relay-files.h"
#include "wzp-test.h"

#include <string.h>

#define WHO "aaaa:0000:0000:0000:0000:0000:0000:0001"

/* @line: words with a blank between; %s: @path. */
static char *
run (const char *line, const char *path, GError **error)
{
  g_auto (GStrv) args = g_strsplit (line, " ", -1);

  for (char **arg = args; *arg != NULL; arg++)
    if (strcmp (*arg, "%s") == 0) {
      g_free (*arg);
      *arg = g_strdup (path);
    }
  g_assert_true (wzp_relay_is_command (args[0]));
  return wzp_relay_command_run (&args, error);
}

static void
test_names (WzpTest *test, gconstpointer data)
{
  static const char *const not [] = { "", "mint", "mint-token ", "--help",
    "serve" };

  for (gsize i = 0; i < G_N_ELEMENTS (not ); i++)
    g_assert_false (wzp_relay_is_command (not [i]));
  g_assert_true (wzp_relay_is_command ("mint-token"));
  g_assert_true (wzp_relay_is_command ("make-token-key"));
  g_assert_true (wzp_relay_is_command ("show-peer"));
}

static void
test_duration (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *text;
    guint seconds; /* 0: bad */
  } cases[] = { { "1", 1 }, { "90s", 90 }, { "15m", 900 }, { "12h", 43200 },
    { "7d", 604800 }, { "366d", WZP_TOKEN_MAX_VALID_S },
    { "31622400", WZP_TOKEN_MAX_VALID_S }, { "31622401", 0 }, { "367d", 0 },
    { "0", 0 }, { "0h", 0 }, { "-1h", 0 }, { "", 0 }, { "h", 0 }, { "1.5h", 0 },
    { "1 h", 0 }, { "1w", 0 }, { "1hh", 0 }, { "99999999999999999999d", 0 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    guint seconds = 7;
    const gboolean ok =
        wzp_relay_parse_duration (cases[i].text, &seconds, &error);

    g_assert_cmpint (ok, ==, cases[i].seconds > 0);
    g_assert_cmpuint (seconds, ==, ok ? cases[i].seconds : 7);
    if (!ok)
      g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  }
}

static WzpRelayAccess *
read_access (const char *path)
{
  GBytes *key = wzp_relay_token_key_read (path, NULL);
  WzpRelayAccess *access = wzp_relay_access_new_token (&key, 1, NULL);

  g_bytes_unref (key);
  return access;
}

static void
test_mint (WzpTest *test, gconstpointer data)
{
  const gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  const WzpFingerprint who = { { 0xaa, 0xaa, [15] = 1 } };
  const WzpFingerprint other = { { 1 } };
  static const struct {
    const char *line;
    gboolean is_for, is_room;
    guint valid_s;
  } cases[] = {
    { "mint-token --key-file %s", FALSE, FALSE, 3600 },
    { "mint-token -k %s --for " WHO " --valid 90s", TRUE, FALSE, 90 },
    { "mint-token -k %s --room cam --valid 2d", FALSE, TRUE, 172800 },
    { "mint-token -k %s -f " WHO " -r cam", TRUE, TRUE, 3600 },
  };
  g_autofree char *path = g_build_filename (test->dir, "key", NULL);
  g_autofree char *nothing = run ("make-token-key %s", path, NULL);
  g_autoptr (WzpRelayAccess) access = read_access (path);

  g_assert_cmpstr (nothing, ==, "");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    const char *room = cases[i].is_room ? "cam" : NULL;
    g_autoptr (GError) error = NULL;
    g_autofree char *token = run (cases[i].line, path, &error);
    const gsize len = strcspn (token, "\n");

    g_assert_no_error (error);
    g_assert_cmpstr (token + len, ==, "\n");
    token[len] = '\0';
    g_assert_true (wzp_relay_access_check_token (
        access, token, &who, room, now_s + cases[i].valid_s - 1, NULL));
    /* Some seconds more: the clock went on since @now_s. */
    g_assert_false (wzp_relay_access_check_token (
        access, token, &who, room, now_s + cases[i].valid_s + 60, NULL));
    g_assert_cmpint (
        wzp_relay_access_check_token (access, token, &other, room, now_s, NULL),
        ==, !cases[i].is_for);
    g_assert_false (wzp_relay_access_check_token (
                        access, token, &who, "else", now_s, NULL) &&
        cases[i].is_room);
  }
}

/* By hand, with the white space that Python's json puts. */
static void
test_other_minter (WzpTest *test, gconstpointer data)
{
  static const char claims[] = "{\"exp\": 2000, \"room\": \"cam\"}";
  g_autofree char *path = g_build_filename (test->dir, "key", NULL);
  g_autofree char *payload = NULL;
  g_autofree char *body = NULL;
  g_autofree char *mac = NULL;
  g_autofree char *token = NULL;
  g_autofree char *key = NULL;
  g_autoptr (WzpRelayAccess) access = NULL;
  g_autoptr (GHmac) hmac = NULL;
  guint8 digest[32];
  gsize len = sizeof digest;

  g_test_summary ("What docs/relay.md shows to other programs");

  g_assert_true (wzp_relay_token_key_create (path, NULL));
  access = read_access (path);
  g_assert_true (g_file_get_contents (path, &key, NULL, NULL));
  g_strchomp (key);
  payload = g_base64_encode ((const guchar *) claims, strlen (claims));
  body = g_strconcat ("wzp1.", payload, NULL);
  body[5 + strcspn (body + 5, "=")] = '\0';
  hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guchar *) key, strlen (key));
  g_hmac_update (hmac, (const guchar *) body, -1);
  g_hmac_get_digest (hmac, digest, &len);
  mac = g_base64_encode (digest, len);
  mac[strcspn (mac, "=")] = '\0';
  g_strdelimit (g_strdelimit (mac, "+", '-'), "/", '_');
  token = g_strconcat (body, ".", mac, NULL);
  g_assert_true (
      wzp_relay_access_check_token (access, token, NULL, "cam", 1000, NULL));
}

static void
test_bad_lines (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *line, *says;
  } cases[] = {
    { "mint-token", "--key-file is missing" },
    { "mint-token -k %s --for anna", "--for: " },
    { "mint-token -k %s --valid 1y", "--valid: " },
    { "mint-token -k %s --room a/b", "" },
    { "mint-token -k %s more", "nothing but options" },
    { "mint-token --wrong", "--wrong" },
    { "mint-token -k %s.missing", "" },
    { "make-token-key", "one file" },
    { "make-token-key a b", "one file" },
    { "show-peer more", "nothing but options" },
    { "show-peer --no-config -k %s.missing", "" },
  };
  g_autofree char *path = g_build_filename (test->dir, "key", NULL);

  g_assert_true (wzp_relay_token_key_create (path, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *text = run (cases[i].line, path, &error);

    g_assert_null (text);
    g_assert_nonnull (error);
    if (strstr (error->message, cases[i].says) == NULL)
      g_error ("%s: %s", cases[i].line, error->message);
  }
}

static void
test_open_key (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "key", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (
      g_file_set_contents_full (path, "11111111111111111111111111111111", -1,
          G_FILE_SET_CONTENTS_NONE, 0644, NULL));
  g_assert_null (run ("mint-token -k %s", path, &error));
  g_assert_nonnull (strstr (error->message, "may be used by others"));
}

static void
test_show_peer (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "relay.key", NULL);
  g_autoptr (WzpIdentity) identity = wzp_identity_load (path, TRUE, NULL);
  g_autofree char *fingerprint =
      wzp_relay_identity_fingerprint (identity, NULL);
  g_autofree char *full = g_strdup_printf (
      "[peer north]\naddress=relay.example:4433\nfingerprint=%s\n",
      fingerprint);
  g_autofree char *bare = g_strdup_printf (
      "[peer NAME]\n# address=HOST:PORT\nfingerprint=%s\n", fingerprint);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = run ("show-peer --no-config -k %s --name north "
                               "--address relay.example:4433",
      path, &error);
  g_autofree char *short_text = run ("show-peer --no-config -k %s", path, NULL);

  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, full);
  g_assert_cmpstr (short_text, ==, bare);
  /* What the other relay would refuse is not printed. */
  g_assert_null (run ("show-peer --no-config -k %s --name ]", path, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_null (
      run ("show-peer --no-config -k %s --address a:99999", path, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
}

static void
test_show_peer_config (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "relay.conf", NULL);
  g_autofree char *key = g_build_filename (test->dir, "relay.key", NULL);
  g_autoptr (WzpIdentity) identity = wzp_identity_load (key, TRUE, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  g_assert_nonnull (identity);
  g_assert_true (g_file_set_contents (path,
      "[relay]\nkey-file=relay.key\npublic-address=192.0.2.1:443\n", -1, NULL));
  text = run ("show-peer --config %s", path, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (
      text, "[peer NAME]\naddress=192.0.2.1:443\nfingerprint="));
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-commands/names", NULL, test_names);
  wzp_test_add ("/relay-commands/duration", NULL, test_duration);
  wzp_test_add ("/relay-commands/mint", NULL, test_mint);
  wzp_test_add ("/relay-commands/other-minter", NULL, test_other_minter);
  wzp_test_add ("/relay-commands/bad-lines", NULL, test_bad_lines);
  wzp_test_add ("/relay-commands/open-key", NULL, test_open_key);
  wzp_test_add ("/relay-commands/show-peer", NULL, test_show_peer);
  wzp_test_add (
      "/relay-commands/show-peer-config", NULL, test_show_peer_config);
  return wzp_test_run ();
}
