#include "wzp-relay-trust.h"
#include "wzp-test.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define REST                                                                   \
  ":02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:"                                \
  "f0:f1:f2:f3:f4:f5:f6:f7:f8:f9:fa:fb:fc:fd:fe:ff"
#define TEXT "00:01" REST

static void
make_sha (guint8 seed, guint8 ret_sha256[32])
{
  for (guint i = 0; i < 32; i++)
    ret_sha256[i] = (guint8) (seed + i);
}

static void
test_fingerprint (WzpTest *test, gconstpointer data)
{
  static const char *const good[] = { TEXT,
    "000102030405060708090a0b0c0d0e0ff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
    "000102030405060708090A0B0C0D0E0FF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF" };
  static const char *const bad[] = { "", "00", ":", TEXT ":", TEXT ":00",
    ":" TEXT, " " TEXT, TEXT " ", "0001" REST,
    "g00102030405060708090a0b0c0d0e0ff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
    "000102030405060708090a0b0c0d0e0ff0f1f2f3f4f5f6f7f8f9fafbfcfdfef",
    "000102030405060708090a0b0c0d0e0ff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff0" };
  g_autofree char *text = NULL;
  guint8 sha256[32];

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    memset (sha256, 0x55, sizeof sha256);
    g_assert_true (wzp_relay_fingerprint_parse (good[i], sha256, NULL));
    g_assert_cmpuint (sha256[1], ==, 1);
    g_assert_cmpuint (sha256[31], ==, 0xff);
  }
  text = wzp_relay_fingerprint_to_string (sha256);
  g_assert_cmpstr (text, ==, TEXT);
  g_assert_cmpuint (strlen (text) + 1, ==, WZP_RELAY_FINGERPRINT_STRLEN);

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    memset (sha256, 0x55, sizeof sha256);
    g_assert_false (wzp_relay_fingerprint_parse (bad[i], sha256, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    for (guint j = 0; j < sizeof sha256; j++)
      g_assert_cmpuint (sha256[j], ==, 0x55);
  }
}

static guint
mode_of (const char *path)
{
  GStatBuf info;

  g_assert_cmpint (g_stat (path, &info), ==, 0);
  return info.st_mode & 07777;
}

static void
check (const char *path, const char *host, guint16 port, guint8 seed,
    gboolean expect_new)
{
  g_autoptr (GError) error = NULL;
  gboolean is_new = 2;
  guint8 sha256[32];

  make_sha (seed, sha256);
  g_assert_true (
      wzp_known_relays_check (path, host, port, sha256, &is_new, &error));
  g_assert_no_error (error);
  g_assert_cmpint (is_new, ==, expect_new);
}

static void
check_fails (const char *path, const char *host, guint16 port, guint8 seed,
    GQuark domain, int code, const char *word)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL, *after = NULL;
  guint8 sha256[32];

  g_file_get_contents (path, &before, NULL, NULL);
  make_sha (seed, sha256);
  g_assert_false (
      wzp_known_relays_check (path, host, port, sha256, NULL, &error));
  g_assert_error (error, domain, code);
  if (word != NULL && strstr (error->message, word) == NULL)
    g_error ("\"%s\" not in: %s", word, error->message);
  g_file_get_contents (path, &after, NULL, NULL);
  g_assert_cmpstr (before, ==, after);
}

static void
test_first_and_again (WzpTest *test, gconstpointer data)
{
  g_autofree char *folder = g_build_filename (test->dir, "a", "b", NULL);
  g_autofree char *path = g_build_filename (folder, "known_relays", NULL);
  g_autofree char *content = NULL;

  check (path, "relay.example", 4433, 1, TRUE);
  check (path, "relay.example", 4433, 1, FALSE);
  check (path, "RELAY.Example", 4433, 1, FALSE);
  check (path, "relay.example", 443, 2, TRUE);
  check (path, "relay.example", 44331, 3, TRUE);
  check (path, "relay.exampl", 4433, 3, TRUE);
  check (path, "2001:db8::1", 4433, 4, TRUE);
  check (path, "2001:DB8:0::1", 4433, 4, FALSE);
  check (path, "192.0.2.1", 4433, 5, TRUE);
  check (path, "192.0.2.1", 4433, 5, FALSE);
  g_assert_cmpuint (mode_of (path), ==, 0600);
  g_assert_cmpuint (mode_of (folder), ==, 0700);

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_true (g_str_has_prefix (content, "relay.example:4433 01:02:03:"));
  g_assert_nonnull (strstr (content, "\n[2001:db8::1]:4433 04:05:"));
}

static void
test_changed (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "known", NULL);

  check (path, "other", 4433, 9, TRUE);
  check (path, "relay", 4433, 1, TRUE);
  check_fails (
      path, "relay", 4433, 2, WZP_ERROR, WZP_ERROR_IDENTITY, "01:02:03:04");
  check_fails (
      path, "relay", 4433, 2, WZP_ERROR, WZP_ERROR_IDENTITY, "02:03:04:05");
  check_fails (path, "relay", 4433, 2, WZP_ERROR, WZP_ERROR_IDENTITY, "line 2");
  check_fails (path, "relay", 4433, 2, WZP_ERROR, WZP_ERROR_IDENTITY, path);
  check (path, "relay", 4433, 1, FALSE);
}

static void
test_edited (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "known", NULL);
  g_autofree char *content = NULL;

  g_assert_true (g_file_set_contents (path,
      "# mine\n\n  \nnonsense\nbroken:1 12:34\nempty:1\n"
      "relay:4433\t" TEXT "  \r\nlast:1 " TEXT,
      -1, NULL));
  /* A line of that relay that cannot be read is not taken for none. */
  check_fails (path, "broken", 1, 1, WZP_ERROR, WZP_ERROR_INVALID, "line 5");
  check_fails (path, "empty", 1, 1, WZP_ERROR, WZP_ERROR_INVALID, "line 6");
  check_fails (path, "relay", 4433, 9, WZP_ERROR, WZP_ERROR_IDENTITY, "line 7");
  check_fails (path, "last", 1, 9, WZP_ERROR, WZP_ERROR_IDENTITY, "line 8");
  check (path, "new", 1, 1, TRUE);
  check (path, "new", 1, 1, FALSE);
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_true (g_str_has_prefix (content, "# mine\n\n  \nnonsense\n"));
  g_assert_nonnull (strstr (content, "ff\nnew:1 01:"));
}

static void
test_bad_hosts (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "known", NULL);
  g_autofree char *long_host = g_strnfill (300, 'a');
  const char *const bad[] = { "", "#a", "a b", "a\nb", "a\tb", "a\x7f",
    long_host };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    check_fails (path, bad[i], 1, 1, WZP_ERROR, WZP_ERROR_INVALID, NULL);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_bad_files (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "known", NULL);
  g_autofree char *below = g_build_filename (path, "known", NULL);
  g_autofree char *fifo = g_build_filename (test->dir, "fifo", NULL);

  check_fails (
      test->dir, "relay", 1, 1, G_FILE_ERROR, G_FILE_ERROR_INVAL, NULL);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  /* Nobody writes into it: this must not wait. */
  g_assert_false (wzp_known_relays_check (
      fifo, "relay", 1, (const guint8 *) TEXT, NULL, NULL));
  g_assert_true (g_file_set_contents (path, "a\0b", 3, NULL));
  check_fails (path, "relay", 1, 1, WZP_ERROR, WZP_ERROR_INVALID, "text");
  check_fails (below, "relay", 1, 1, G_FILE_ERROR, G_FILE_ERROR_NOTDIR, NULL);
}

static void
test_limit (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "known", NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < WZP_KNOWN_RELAYS_MAX - 1; i++)
    g_string_append_printf (text, "r%u:1 " TEXT "\n", i);
  g_assert_true (g_file_set_contents (path, text->str, -1, NULL));
  check (path, "relay", 1, 1, TRUE); /* the last line */
  check (path, "relay", 1, 1, FALSE);
  check_fails (path, "more", 1, 1, WZP_ERROR, WZP_ERROR_TOO_LARGE, "full");
  check_fails (path, "relay", 1, 2, WZP_ERROR, WZP_ERROR_IDENTITY, NULL);

  /* What stands behind the limit is not read, so it must not be there. */
  g_string_append (text, "x\nrelay:1 " TEXT "\n");
  g_assert_true (g_file_set_contents (path, text->str, -1, NULL));
  check_fails (path, "relay", 1, 1, WZP_ERROR, WZP_ERROR_TOO_LARGE, "lines");
}

static gpointer
remember_many (gpointer data)
{
  g_autofree char *path = g_build_filename (data, "known", NULL);
  guint8 sha256[32];

  make_sha (1, sha256);
  for (guint i = 0; i < 40; i++) {
    g_autofree char *host =
        g_strdup_printf ("h%u-%p", i, (void *) g_thread_self ());
    g_autoptr (GError) error = NULL;

    wzp_known_relays_check (path, host, 1, sha256, NULL, &error);
    g_assert_no_error (error);
  }
  return NULL;
}

static void
test_at_once (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "known", NULL);
  g_autofree char *content = NULL;
  g_auto (GStrv) lines = NULL;
  GThread *threads[4];

  g_test_summary ("Several at once lose no line");

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("remember", remember_many, test->dir);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  lines = g_strsplit (content, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4 * 40 + 1);
}

static void
test_default_path (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = wzp_known_relays_default_path ();
  g_autofree char *expected = g_build_filename (
      g_getenv ("XDG_CONFIG_HOME"), "gst-wzp", "known_relays", NULL);

  g_assert_cmpstr (path, ==, expected);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-trust/fingerprint", NULL, test_fingerprint);
  wzp_test_add ("/relay-trust/first-and-again", NULL, test_first_and_again);
  wzp_test_add ("/relay-trust/changed", NULL, test_changed);
  wzp_test_add ("/relay-trust/edited", NULL, test_edited);
  wzp_test_add ("/relay-trust/bad-hosts", NULL, test_bad_hosts);
  wzp_test_add ("/relay-trust/bad-files", NULL, test_bad_files);
  wzp_test_add ("/relay-trust/limit", NULL, test_limit);
  wzp_test_add ("/relay-trust/at-once", NULL, test_at_once);
  wzp_test_add ("/relay-trust/default-path", NULL, test_default_path);
  return wzp_test_run ();
}
