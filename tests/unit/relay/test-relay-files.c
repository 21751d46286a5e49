#include "wzp-relay-files.h"

#include "wzp-relay-access.h"
#include "wzp-test.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* In the test's folder (transfer full). */
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
assert_names (const GError *error, const char *path, const char *what)
{
  g_assert_nonnull (error);
  if (strstr (error->message, path) == NULL ||
      strstr (error->message, what) == NULL)
    g_error (
        "\"%s\" names not %s, or does not say: %s", error->message, path, what);
}

static void
test_read (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = write_file (test, "f", "12345678", 0644);
  g_autofree char *missing = g_build_filename (test->dir, "no", NULL);
  g_autoptr (GBytes) bytes = wzp_relay_file_read (path, 8, FALSE, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpmem (
      g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "12345678", 8);
  g_assert_null (wzp_relay_file_read (path, 7, FALSE, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
  assert_names (error, path, "larger than 7 bytes");
  g_clear_error (&error);
  g_assert_null (wzp_relay_file_read (missing, 8, FALSE, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  assert_names (error, missing, "Cannot open");
  g_clear_error (&error);
  g_assert_null (wzp_relay_file_read (test->dir, 8, FALSE, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  assert_names (error, test->dir, "not a regular file");
}

static void
test_fifo (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "fifo", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Nobody is waited for");

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  g_assert_null (wzp_relay_file_read (path, 8, TRUE, &error));
  assert_names (error, path, "not a regular file");
}

static void
test_secret (WzpTest *test, gconstpointer data)
{
  static const int bad[] = { 0640, 0604, 0620, 0610, 0601, 0644 };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree char *path = write_file (test, "s", "secret", bad[i]);
    g_autofree char *mode = g_strdup_printf ("mode %04o", bad[i]);
    g_autoptr (GBytes) open = wzp_relay_file_read (path, 8, FALSE, NULL);
    g_autoptr (GError) error = NULL;

    g_assert_nonnull (open);
    g_assert_null (wzp_relay_file_read (path, 8, TRUE, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    assert_names (error, path, mode);
  }
}

static void
test_credential (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = write_file (test, "c", "secret", 0440);
  g_autofree char *others = write_file (test, "o", "secret", 0444);
  g_autofree char *writable = write_file (test, "w", "secret", 0460);
  g_autofree char *below = g_build_filename (test->dir, "d", NULL);
  g_autofree char *deeper = g_build_filename (below, "c", NULL);

  g_test_summary ("systemd's own folder may be readable by its group");

  g_assert_cmpint (g_mkdir (below, 0700), ==, 0);
  g_assert_true (g_file_set_contents_full (
      deeper, "secret", -1, G_FILE_SET_CONTENTS_NONE, 0440, NULL));
  g_assert_null (wzp_relay_file_read (path, 8, TRUE, NULL));
  setenv ("CREDENTIALS_DIRECTORY", test->dir, 1);
  g_bytes_unref (wzp_relay_file_read (path, 8, TRUE, NULL));
  g_assert_null (wzp_relay_file_read (others, 8, TRUE, NULL));
  g_assert_null (wzp_relay_file_read (writable, 8, TRUE, NULL));
  g_assert_null (wzp_relay_file_read (deeper, 8, TRUE, NULL));
  unsetenv ("CREDENTIALS_DIRECTORY");
}

static void
test_token_key (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = g_build_filename (test->dir, "key", NULL);
  g_autofree char *other = g_build_filename (test->dir, "other", NULL);
  g_autoptr (GBytes) key = NULL;
  g_autoptr (GBytes) second = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf info;

  g_assert_true (wzp_relay_token_key_create (path, NULL));
  g_assert_true (wzp_relay_token_key_create (other, NULL));
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 07777, ==, 0600);
  g_assert_cmpint (info.st_size, ==, 65);
  key = wzp_relay_token_key_read (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (key), ==, 64);
  second = wzp_relay_token_key_read (other, NULL);
  g_assert_false (g_bytes_equal (key, second));
  /* What is there is never written over. */
  g_assert_false (wzp_relay_token_key_create (path, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_EXIST);
}

static void
test_token_key_bounds (WzpTest *test, gconstpointer data)
{
  static const struct {
    gsize len;
    const char *end;
    gsize result;
  } cases[] = {
    { WZP_TOKEN_MIN_KEY_LEN - 1, "\n", 0 },
    { WZP_TOKEN_MIN_KEY_LEN - 1, " \r\n", 0 },
    { WZP_TOKEN_MIN_KEY_LEN, "", WZP_TOKEN_MIN_KEY_LEN },
    { WZP_TOKEN_MAX_KEY_LEN, " \r\n\n", WZP_TOKEN_MAX_KEY_LEN },
    { WZP_TOKEN_MAX_KEY_LEN + 1, "", 0 },
    { WZP_TOKEN_MAX_KEY_LEN + 5, "", 0 },
    { 0, "", 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *body = g_strnfill (cases[i].len, 'k');
    g_autofree char *text = g_strconcat (body, cases[i].end, NULL);
    g_autofree char *path = write_file (test, "k", text, 0600);
    g_autoptr (GBytes) key = wzp_relay_token_key_read (path, NULL);

    g_assert_cmpuint (
        key != NULL ? g_bytes_get_size (key) : 0, ==, cases[i].result);
  }
}

static void
test_allow_file (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = write_file (test, "allow",
      "# friends\n\n"
      "aaaa:0000:0000:0000:0000:0000:0000:0001 anna\r\n"
      "  AAAA0000000000000000000000000002\tbert\n"
      "aaaa:0000:0000:0000:0000:0000:0000:0003",
      0644);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);

  g_assert_true (wzp_relay_allow_file_read (path, list, NULL));
  g_assert_cmpuint (list->len, ==, 3);
  g_assert_cmpstr (
      list->pdata[0], ==, "aaaa:0000:0000:0000:0000:0000:0000:0001");
  g_assert_cmpstr (list->pdata[1], ==, "AAAA0000000000000000000000000002");
  g_assert_cmpstr (
      list->pdata[2], ==, "aaaa:0000:0000:0000:0000:0000:0000:0003");
}

static void
test_bad_allow_file (WzpTest *test, gconstpointer data)
{
  g_autofree char *path = write_file (test, "allow",
      "# one\naaaa:0000:0000:0000:0000:0000:0000:0001\nanna\n", 0644);
  g_autofree char *third = g_strdup_printf ("%s:3: ", path);
  g_autofree char *nul = g_build_filename (test->dir, "nul", NULL);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  g_assert_false (wzp_relay_allow_file_read (path, list, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  assert_names (error, third, "anna");
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (nul, "# a\0b\n", 6, NULL));
  g_assert_false (wzp_relay_allow_file_read (nul, list, &error));
  assert_names (error, nul, "not a text");
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-files/read", NULL, test_read);
  wzp_test_add ("/relay-files/fifo", NULL, test_fifo);
  wzp_test_add ("/relay-files/secret", NULL, test_secret);
  wzp_test_add ("/relay-files/credential", NULL, test_credential);
  wzp_test_add ("/relay-files/token-key", NULL, test_token_key);
  wzp_test_add ("/relay-files/token-key-bounds", NULL, test_token_key_bounds);
  wzp_test_add ("/relay-files/allow-file", NULL, test_allow_file);
  wzp_test_add ("/relay-files/bad-allow-file", NULL, test_bad_allow_file);
  return wzp_test_run ();
}
