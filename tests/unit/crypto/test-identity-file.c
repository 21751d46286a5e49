#include "wzp-identity-file.h"

#include "wzp-error.h"

#include "hex.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define N_RACERS 8

/* RFC 8410, section 10.3. */
static const char pem_v1[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    "-----END PRIVATE KEY-----\n";
static const char pem_public_key[] =
    "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

static const char pem_p256[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkTTvHcGsoyB32xf0\n"
    "DtHbSmWptff/eVKTela5N+yHl5ihRANCAARBSWRPn3m/If1+3K/ZXjyGar5+oG3Q\n"
    "doAz1tHluASFCoB+cJis4YgfX6jmz5vCAhWoiP+tLqLwuqEDyIFyvYhs\n"
    "-----END PRIVATE KEY-----\n";
static const char pem_x25519[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VuBCIEIDCN4bjy4uYIDe9923PFAn6LhG95Tt0otLTcCCT0uD14\n"
    "-----END PRIVATE KEY-----\n";
static const char pem_encrypted[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAimdV9SlSxJWwICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEEN4/04xRtavKD2TFbPi50EQG2t\n"
    "hDSyUKEB6bGmL+gV1c2DfwDVzQBPEh+iazkmvfpEzx+dbkM3RQAusSVrPbCk9jdL\n"
    "4iR7402SrCQi3TKgGQM=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

/* A folder of its own, and a path in it. */
typedef struct {
  char *folder;
  char *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("wzp-identity-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->folder, "key", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  g_remove (fixture->path);
  /* Fails when something else was left there. */
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->path);
  g_free (fixture->folder);
}

static void
write_file (Fixture *fixture, const void *data, gsize len, int mode)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (fixture->path, data, len, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (fixture->path, mode), ==, 0);
}

static void
write_text (Fixture *fixture, const char *text)
{
  write_file (fixture, text, strlen (text), 0600);
}

static void
assert_loads (Fixture *fixture, const char *public_key)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpIdentity) identity =
      wzp_identity_load (fixture->path, FALSE, &error);

  g_assert_no_error (error);
  g_assert_nonnull (identity);
  assert_hex (wzp_identity_get_public_key (identity), 32, public_key);
}

/* Refused alike with and without @create_missing, and left as it is. */
static void
assert_refused (Fixture *fixture, GQuark domain, int code, const char *text)
{
  for (guint create = 0; create < 2; create++) {
    g_autoptr (GError) error = NULL;
    WzpIdentity *identity = wzp_identity_load (fixture->path, create, &error);

    g_assert_null (identity);
    g_assert_error (error, domain, code);
    g_assert_nonnull (strstr (error->message, text));
    g_assert_nonnull (strstr (error->message, fixture->path));
  }
}

static void
test_pem (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *commented =
      g_strconcat ("Any text before the key.\n", pem_v1, NULL);

  g_test_summary ("A key as OpenSSL writes it, also with text before it");

  write_text (fixture, pem_v1);
  assert_loads (fixture, pem_public_key);
  write_text (fixture, commented);
  assert_loads (fixture, pem_public_key);
  write_file (fixture, pem_v1, strlen (pem_v1), 0400);
  assert_loads (fixture, pem_public_key);
}

static void
test_master (Fixture *fixture, gconstpointer user_data)
{
  guint8 master[WZP_SEED_LEN];

  g_test_summary ("32 bytes are a master seed, whatever they are");

  for (guint i = 0; i < sizeof master; i++)
    master[i] = i;
  write_file (fixture, master, sizeof master, 0600);
  assert_loads (fixture,
      "46705b2fa5f2e0d9917cd934f76c4442f8d8908c2dae9259922c0c52c106183d");
}

static void
test_create (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpIdentity) fresh = NULL;
  g_autoptr (WzpIdentity) again = NULL;
  g_autofree char *text = NULL;
  mode_t old_mask = umask (0);
  GStatBuf info;

  g_test_summary ("A missing file is made, for us alone, and read from then "
                  "on");

  fresh = wzp_identity_load (fixture->path, TRUE, &error);
  umask (old_mask);
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (fixture->path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 07777, ==, 0600);
  g_assert_cmpint (info.st_nlink, ==, 1);
  g_assert_true (g_file_get_contents (fixture->path, &text, NULL, NULL));
  g_assert_true (g_str_has_prefix (text, "-----BEGIN PRIVATE KEY-----\n"));

  again = wzp_identity_load (fixture->path, TRUE, &error);
  g_assert_no_error (error);
  g_assert_true (wzp_fingerprint_equal (wzp_identity_get_fingerprint (fresh),
      wzp_identity_get_fingerprint (again)));
}

static void
test_create_exists (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (GError) error = NULL;

  g_test_summary ("Making one never takes the place of another");

  write_text (fixture, pem_v1);
  g_assert_false (wzp_identity_file_create (fixture->path,
      wzp_identity_get_key_seed (identity),
      wzp_identity_get_public_key (identity), &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_EXIST);
  assert_loads (fixture, pem_public_key);
}

static gpointer
load_or_create (gpointer data)
{
  return wzp_identity_load (data, TRUE, NULL);
}

static void
test_create_race (Fixture *fixture, gconstpointer user_data)
{
  GThread *threads[N_RACERS];
  WzpIdentity *identities[N_RACERS];

  g_test_summary ("Of several that make it at once all get the one that stays");

  for (guint i = 0; i < N_RACERS; i++)
    threads[i] = g_thread_new ("load", load_or_create, fixture->path);
  for (guint i = 0; i < N_RACERS; i++) {
    identities[i] = g_thread_join (threads[i]);
    g_assert_nonnull (identities[i]);
    g_assert_true (
        wzp_fingerprint_equal (wzp_identity_get_fingerprint (identities[0]),
            wzp_identity_get_fingerprint (identities[i])));
  }
  for (guint i = 0; i < N_RACERS; i++)
    wzp_identity_unref (identities[i]);
}

static void
test_mode (Fixture *fixture, gconstpointer user_data)
{
  static const int bad[] = { 0640, 0620, 0604, 0602, 0644, 0666, 0610 };

  g_test_summary ("A file that others may use is refused, and the mode named");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree char *mode = g_strdup_printf ("%04o", (guint) bad[i]);

    write_file (fixture, pem_v1, strlen (pem_v1), bad[i]);
    assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, mode);
  }
}

static void
test_sizes (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *huge = g_malloc (WZP_IDENTITY_FILE_MAX + 1);

  g_test_summary ("Empty, not quite a seed, and the largest size");

  write_file (fixture, "", 0, 0600);
  assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, "empty");

  memset (huge, 'x', WZP_IDENTITY_FILE_MAX + 1);
  write_file (fixture, huge, WZP_SEED_LEN - 1, 0600);
  assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, "PEM");
  write_file (fixture, huge, WZP_SEED_LEN + 1, 0600);
  assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, "PEM");

  memset (huge, '\n', WZP_IDENTITY_FILE_MAX + 1);
  memcpy (huge, pem_v1, strlen (pem_v1));
  write_file (fixture, huge, WZP_IDENTITY_FILE_MAX, 0600);
  assert_loads (fixture, pem_public_key);
  write_file (fixture, huge, WZP_IDENTITY_FILE_MAX + 1, 0600);
  assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, "larger");
}

static void
test_other_keys (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Keys of other kinds and encrypted ones are refused");

  write_text (fixture, pem_p256);
  assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, "Ed25519");
  write_text (fixture, pem_x25519);
  assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, "");
  write_text (fixture, pem_encrypted);
  assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, "password");
}

/* Either read or refused as malformed: nothing else may come of any bytes. */
static void
assert_any_outcome (Fixture *fixture, const char *text, gsize len)
{
  g_autoptr (WzpIdentity) identity = NULL;
  g_autoptr (GError) error = NULL;

  write_file (fixture, text, len, 0600);
  identity = wzp_identity_load (fixture->path, TRUE, &error);
  if (identity == NULL)
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  else
    g_assert_no_error (error);
}

static void
test_damaged (Fixture *fixture, gconstpointer user_data)
{
  const gsize len = strlen (pem_v1);
  /* What must be there: all but the last dashes and the newline. */
  const char *tail = strstr (pem_v1, "-----END") + strlen ("-----END");

  g_test_summary ("A key cut anywhere, or with any byte changed");

  for (gsize n = 0; n < (gsize) (tail - pem_v1); n++) {
    if (n == WZP_SEED_LEN)
      continue; /* a master seed, by its size */
    write_file (fixture, pem_v1, n, 0600);
    assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, "");
  }
  for (gsize i = 0; i < len; i++) {
    g_autofree char *changed = g_strdup (pem_v1);

    changed[i] = (char) g_test_rand_int ();
    assert_any_outcome (fixture, changed, len);
  }
}

static void
test_not_a_file (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A folder, and a FIFO that nobody writes to");

  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, "regular");
  g_assert_cmpint (g_rmdir (fixture->path), ==, 0);

  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  assert_refused (fixture, WZP_ERROR, WZP_ERROR_INVALID, "regular");
}

static void
test_missing (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *path =
      g_build_filename (fixture->folder, "none", "key", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("No file, or no folder to make it in");

  g_assert_null (wzp_identity_load (fixture->path, FALSE, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_clear_error (&error);
  g_assert_null (wzp_identity_load (path, TRUE, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
}

#define ADD(name, func)                                                        \
  g_test_add ("/identity-file/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("pem", test_pem);
  ADD ("master", test_master);
  ADD ("create", test_create);
  ADD ("create-exists", test_create_exists);
  ADD ("create-race", test_create_race);
  ADD ("mode", test_mode);
  ADD ("sizes", test_sizes);
  ADD ("other-keys", test_other_keys);
  ADD ("damaged", test_damaged);
  ADD ("not-a-file", test_not_a_file);
  ADD ("missing", test_missing);

  return g_test_run ();
}
