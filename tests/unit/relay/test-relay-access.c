#include "wzp-relay-access.h"

#include <string.h>

#include "wzp-error.h"
#include "wzp-test.h"

#define NOW 1700000000

static WzpFingerprint
fp (guint index)
{
  WzpFingerprint result = { { 0 } };

  memcpy (result.bytes, &index, sizeof index);
  return result;
}

static char *
fp_text (guint index)
{
  WzpFingerprint who = fp (index);
  char buf[WZP_FINGERPRINT_STRLEN];

  return g_strdup (wzp_fingerprint_to_string (&who, buf));
}

static GBytes *
secret (char byte, gsize len)
{
  char *data = g_malloc (len + 1);

  memset (data, byte, len);
  return g_bytes_new_take (data, len);
}

static WzpRelayAccess *
new_token_access (const char *bytes)
{
  g_autoptr (GPtrArray) keys =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GError) error = NULL;
  WzpRelayAccess *access;

  for (guint i = 0; bytes[i] != '\0'; i++)
    g_ptr_array_add (keys, secret (bytes[i], WZP_TOKEN_MIN_KEY_LEN));
  access = wzp_relay_access_new_token (
      (GBytes *const *) keys->pdata, keys->len, &error);
  g_assert_no_error (error);
  return access;
}

static char *
mint (char byte, const WzpFingerprint *who, const char *room)
{
  g_autoptr (GBytes) key = secret (byte, WZP_TOKEN_MIN_KEY_LEN);

  return wzp_token_mint (key, NOW, who, room, NULL);
}

/* @message NULL: it lets in. */
static void
assert_token (const WzpRelayAccess *access, const char *token,
    const WzpFingerprint *who, const char *room, gint64 now,
    const char *message)
{
  g_autoptr (GError) error = NULL;
  const gboolean ok =
      wzp_relay_access_check_token (access, token, who, room, now, &error);

  g_assert_cmpint (ok, ==, message == NULL);
  if (message == NULL) {
    g_assert_no_error (error);
    return;
  }
  g_assert_error (error, WZP_ERROR, WZP_ERROR_REJECTED);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_open (void)
{
  g_autoptr (WzpRelayAccess) access = wzp_relay_access_new_open ();
  WzpFingerprint who = fp (1);

  g_assert_cmpint (wzp_relay_access_get_kind (access), ==, WZP_ACCESS_OPEN);
  g_assert_true (wzp_relay_access_admits (access, NULL));
  g_assert_true (wzp_relay_access_admits (access, &who));
  assert_token (access, "nonsense", NULL, NULL, NOW, NULL);
}

static void
test_allow_list (void)
{
  g_autofree char *one = fp_text (1), *two = fp_text (2);
  g_autofree char *upper = g_ascii_strup (two, -1);
  const char *const allowed[] = { one, upper, one, NULL };
  g_autoptr (WzpRelayAccess) access =
      wzp_relay_access_new_allow_list (allowed, NULL);
  WzpFingerprint who;

  g_assert_cmpint (
      wzp_relay_access_get_kind (access), ==, WZP_ACCESS_ALLOW_LIST);
  for (guint i = 0; i < 4; i++) {
    who = fp (i);
    g_assert_cmpint (
        wzp_relay_access_admits (access, &who), ==, i == 1 || i == 2);
    assert_token (access, "nonsense", &who, NULL, NOW,
        i == 1 || i == 2 ? NULL : "This identity may not use the relay");
  }
  g_assert_false (wzp_relay_access_admits (access, NULL));
  assert_token (
      access, NULL, NULL, "lobby", NOW, "This identity may not use the relay");
}

static void
test_allow_nobody (void)
{
  const char *const none[] = { NULL };
  g_autoptr (WzpRelayAccess) access =
      wzp_relay_access_new_allow_list (none, NULL);
  WzpFingerprint zero = fp (0);

  g_assert_nonnull (access);
  g_assert_false (wzp_relay_access_admits (access, &zero));
}

static void
test_allow_list_names_the_bad_one (void)
{
  g_autofree char *good = fp_text (1);
  const char *const allowed[] = { good, "0102:03zz", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_null (wzp_relay_access_new_allow_list (allowed, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_assert_cmpstr (error->message, ==, "\"0102:03zz\" is not a fingerprint");
}

static void
test_allow_list_bound (void)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (WzpRelayAccess) access = NULL;
  g_autoptr (GError) error = NULL;
  WzpFingerprint who = fp (WZP_ACCESS_MAX_ALLOWED);

  for (guint i = 1; i <= WZP_ACCESS_MAX_ALLOWED; i++)
    g_ptr_array_add (list, fp_text (i));
  g_ptr_array_add (list, NULL);
  access = wzp_relay_access_new_allow_list (
      (const char *const *) list->pdata, &error);
  g_assert_no_error (error);
  g_assert_true (wzp_relay_access_admits (access, &who));

  g_ptr_array_index (list, list->len - 1) = fp_text (0);
  g_ptr_array_add (list, NULL);
  g_assert_null (wzp_relay_access_new_allow_list (
      (const char *const *) list->pdata, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);
}

static void
test_token (void)
{
  g_autoptr (WzpRelayAccess) access = new_token_access ("k");
  g_autofree char *any = mint ('k', NULL, NULL);
  g_autofree char *wrong = mint ('x', NULL, NULL);
  WzpFingerprint who = fp (1);

  g_assert_cmpint (wzp_relay_access_get_kind (access), ==, WZP_ACCESS_TOKEN);
  g_assert_false (wzp_relay_access_admits (access, &who));
  g_assert_false (wzp_relay_access_admits (access, NULL));

  assert_token (access, any, &who, NULL, NOW - 1, NULL);
  assert_token (access, any, NULL, NULL, NOW - 1, NULL);
  assert_token (access, any, &who, "lobby", 0, NULL);
  assert_token (access, any, &who, NULL, NOW, "The token has expired");
  assert_token (access, any, &who, NULL, G_MAXINT64, "The token has expired");
  assert_token (access, wrong, &who, NULL, 0, "The token is not valid");
  assert_token (access, "", &who, NULL, 0, "The token is not valid");
  assert_token (access, NULL, &who, NULL, 0, "The token is not valid");
}

static void
test_token_of_identity (void)
{
  g_autoptr (WzpRelayAccess) access = new_token_access ("k");
  WzpFingerprint who = fp (1), other = fp (2);
  g_autofree char *token = mint ('k', &who, NULL);

  assert_token (access, token, &who, NULL, 0, NULL);
  assert_token (access, token, &who, "lobby", 0, NULL);
  assert_token (
      access, token, &other, NULL, 0, "The token is for another identity");
  assert_token (
      access, token, NULL, NULL, 0, "The token is for another identity");
  /* Of a wrong one nothing is told but this. */
  assert_token (access, token, &other, NULL, NOW, "The token has expired");
}

static void
test_token_of_room (void)
{
  g_autoptr (WzpRelayAccess) access = new_token_access ("k");
  WzpFingerprint who = fp (1), other = fp (2);
  g_autofree char *token = mint ('k', NULL, "lobby");
  g_autofree char *both = mint ('k', &who, "lobby");

  assert_token (access, token, &who, "lobby", 0, NULL);
  assert_token (access, token, NULL, "lobby", 0, NULL);
  assert_token (
      access, token, &who, "Lobby", 0, "The token is for another room");
  assert_token (
      access, token, &who, "lobb", 0, "The token is for another room");
  assert_token (access, token, &who, NULL, 0,
      "The token is for a room only, not for calls");
  assert_token (access, both, &who, "lobby", 0, NULL);
  assert_token (
      access, both, &other, "lobby", 0, "The token is for another identity");
}

static void
test_token_keys (void)
{
  g_autoptr (WzpRelayAccess) access = new_token_access ("abcd");
  static const char bytes[] = "abcde";

  for (guint i = 0; bytes[i] != '\0'; i++) {
    g_autofree char *token = mint (bytes[i], NULL, NULL);

    assert_token (access, token, NULL, NULL, 0,
        bytes[i] == 'e' ? "The token is not valid" : NULL);
  }
}

static void
test_token_key_bounds (void)
{
  static const struct {
    guint n_keys;
    gsize len;
    const char *message;
  } cases[] = {
    { 0, 32, "0 token keys, from 1 to 4 are allowed" },
    { 5, 32, "5 token keys, from 1 to 4 are allowed" },
    { 1, 31, "Token key of 31 bytes, from 32 to 4096 are allowed" },
    { 2, 4097, "Token key of 4097 bytes, from 32 to 4096 are allowed" },
    { 4, 4096, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) good = secret ('k', WZP_TOKEN_MIN_KEY_LEN);
    g_autoptr (GBytes) last = secret ('k', cases[i].len);
    GBytes *keys[5] = { good, good, good, good, good };
    g_autoptr (WzpRelayAccess) access = NULL;
    g_autoptr (GError) error = NULL;

    keys[cases[i].n_keys > 0 ? cases[i].n_keys - 1 : 0] = last;
    access = wzp_relay_access_new_token (keys, cases[i].n_keys, &error);
    g_assert_cmpint (access != NULL, ==, cases[i].message == NULL);
    if (access == NULL) {
      g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, cases[i].message);
    }
  }
}

static void
test_reference (void)
{
  g_autoptr (WzpRelayAccess) access = new_token_access ("k");
  WzpRelayAccess *again = wzp_relay_access_ref (access);

  g_assert_true (again == access);
  wzp_relay_access_unref (again);
  g_assert_cmpint (wzp_relay_access_get_kind (access), ==, WZP_ACCESS_TOKEN);
  wzp_relay_access_unref (NULL);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/relay-access/open", test_open);
  g_test_add_func ("/relay-access/allow-list", test_allow_list);
  g_test_add_func ("/relay-access/allow-nobody", test_allow_nobody);
  g_test_add_func ("/relay-access/allow-list-names-the-bad-one",
      test_allow_list_names_the_bad_one);
  g_test_add_func ("/relay-access/allow-list-bound", test_allow_list_bound);
  g_test_add_func ("/relay-access/token", test_token);
  g_test_add_func ("/relay-access/token-of-identity", test_token_of_identity);
  g_test_add_func ("/relay-access/token-of-room", test_token_of_room);
  g_test_add_func ("/relay-access/token-keys", test_token_keys);
  g_test_add_func ("/relay-access/token-key-bounds", test_token_key_bounds);
  g_test_add_func ("/relay-access/reference", test_reference);
  return wzp_test_run ();
}
