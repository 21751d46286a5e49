#include "wzp-token.h"

#include <string.h>

#include "wzp-error.h"
#include "wzp-test.h"

#define NOW 1700000000

static GBytes *
secret (char byte, gsize len)
{
  char *data = g_malloc (len + 1);

  memset (data, byte, len);
  return g_bytes_new_take (data, len);
}

static WzpTokenKey *
new_key (char byte)
{
  g_autoptr (GBytes) bytes = secret (byte, WZP_TOKEN_MIN_KEY_LEN);
  WzpTokenKey *key = wzp_token_key_new (bytes, NULL);

  g_assert_nonnull (key);
  return key;
}

static char *
mint (char byte, gint64 expires, const WzpFingerprint *who, const char *room)
{
  g_autoptr (GBytes) bytes = secret (byte, WZP_TOKEN_MIN_KEY_LEN);
  g_autoptr (GError) error = NULL;
  char *token = wzp_token_mint (bytes, expires, who, room, &error);

  g_assert_no_error (error);
  g_assert_nonnull (token);
  return token;
}

static char *
base64url (const void *data, gsize len)
{
  char *text = g_base64_encode (data, len);

  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  *(strchr (text, '=') != NULL ? strchr (text, '=') : text + strlen (text)) =
      '\0';
  return text;
}

/* "wzp1." and @payload with the MAC that the key of @byte makes of it. */
static char *
sign (char byte, const char *payload)
{
  g_autoptr (GBytes) key = secret (byte, WZP_TOKEN_MIN_KEY_LEN);
  g_autofree char *text = g_strconcat ("wzp1.", payload, NULL), *mac = NULL;
  g_autoptr (GHmac) hmac = g_hmac_new (
      G_CHECKSUM_SHA256, g_bytes_get_data (key, NULL), g_bytes_get_size (key));
  guint8 digest[32];
  gsize len = sizeof digest;

  g_hmac_update (hmac, (const guchar *) text, -1);
  g_hmac_get_digest (hmac, digest, &len);
  mac = base64url (digest, len);
  return g_strconcat (text, ".", mac, NULL);
}

/* A genuine token that says @json. */
static char *
sign_json (char byte, const char *json)
{
  g_autofree char *payload = base64url (json, strlen (json));

  return sign (byte, payload);
}

static gboolean
opens (char byte, const char *token, WzpTokenClaims *ret_claims)
{
  g_autoptr (WzpTokenKey) key = new_key (byte);

  return wzp_token_open (&key, 1, token, ret_claims);
}

/* The key of 32 times 'k', made with another implementation (Python's hmac). */
static void
test_vector (void)
{
  static const char vector[] = "wzp1.eyJleHAiOjE3MDAwMDAwMDB9."
                               "UVAGwaDUKK0iJ-Gm-7LB-Dgv1X-Zvyp1RArrYYBsyI4";
  g_autofree char *token = mint ('k', NOW, NULL, NULL);
  WzpTokenClaims claims;

  g_assert_cmpstr (token, ==, vector);
  g_assert_true (opens ('k', vector, &claims));
  g_assert_cmpint (claims.expires_unix_s, ==, NOW);
  g_assert_false (claims.has_who);
  g_assert_cmpstr (claims.room, ==, "");
}

static void
test_round_trip (void)
{
  GRand *rand = wzp_test_rand_new ();

  for (guint i = 0; i < 300; i++) {
    const gint64 expires = i == 0 ? 1
        : i == 1                  ? G_MAXINT64 - 1
                                  : (gint64) g_rand_int (rand) + 1;
    const guint room_len = (guint) g_rand_int_range (rand, 1, 64);
    g_autofree char *room = g_strnfill (room_len, (char) ('a' + i % 26));
    g_autofree char *token = NULL;
    WzpFingerprint who;
    WzpTokenClaims claims;

    for (guint at = 0; at < sizeof who.bytes; at++)
      who.bytes[at] = (guint8) g_rand_int (rand);
    token =
        mint ('k', expires, i % 2 != 0 ? &who : NULL, i % 4 > 1 ? room : NULL);
    g_assert_cmpuint (strlen (token), <, WZP_TOKEN_MAX_LEN);
    g_assert_true (opens ('k', token, &claims));
    g_assert_cmpint (claims.expires_unix_s, ==, expires);
    g_assert_cmpint (claims.has_who, ==, i % 2 != 0);
    if (claims.has_who)
      g_assert_true (wzp_fingerprint_equal (&claims.who, &who));
    g_assert_cmpstr (claims.room, ==, i % 4 > 1 ? room : "");
  }
  g_rand_free (rand);
}

static void
test_wrong_key (void)
{
  g_autofree char *token = mint ('k', NOW, NULL, NULL);
  g_autoptr (GBytes) longer = secret ('k', WZP_TOKEN_MIN_KEY_LEN + 1);
  g_autoptr (WzpTokenKey) key = wzp_token_key_new (longer, NULL);
  WzpTokenClaims claims;

  g_assert_false (opens ('l', token, &claims));
  g_assert_false (wzp_token_open (&key, 1, token, &claims));
  g_assert_false (wzp_token_open (NULL, 0, token, &claims));
}

/* Not one other text is taken for it: also not one that decodes to the same
 * bytes. */
static void
test_altered (void)
{
  WzpFingerprint who = { { 1, 2, 3 } };
  g_autofree char *token = mint ('k', NOW, &who, "lobby");
  WzpTokenClaims claims;

  for (gsize at = 0; token[at] != '\0'; at++) {
    const char original = token[at];

    for (guint byte = 0; byte < 256; byte++) {
      token[at] = (char) byte;
      g_assert_cmpint (
          opens ('k', token, &claims), ==, (char) byte == original);
    }
    token[at] = original;
  }
  g_assert_true (opens ('k', token, &claims));
}

static void
test_truncated (void)
{
  g_autofree char *token = mint ('k', NOW, NULL, "lobby");
  g_autofree char *longer = g_strconcat (token, "A", NULL);
  g_autofree char *padded = g_strconcat (token, "=", NULL);
  WzpTokenClaims claims;

  for (gsize len = 0; len < strlen (token); len++) {
    g_autofree char *part = g_strndup (token, len);

    g_assert_false (opens ('k', part, &claims));
    g_assert_false (opens ('k', token + len + 1, &claims));
  }
  g_assert_false (opens ('k', longer, &claims));
  g_assert_false (opens ('k', padded, &claims));
  g_assert_false (opens ('k', NULL, &claims));
}

/* Genuine ones as long as may be, and a byte longer. */
static void
test_length (void)
{
  const gsize overhead = strlen ("wzp1.") + 1 + 43;
  WzpTokenClaims claims;

  for (guint extra = 0; extra < 2; extra++) {
    const gsize len = WZP_TOKEN_MAX_LEN - overhead + extra;
    g_autofree char *json = g_strnfill ((len * 3) / 4, ' ');
    g_autofree char *payload = NULL, *token = NULL;

    memcpy (json, "{\"exp\":5}", 9);
    payload = base64url (json, strlen (json));
    g_assert_cmpuint (strlen (payload), ==, len);
    token = sign ('k', payload);
    g_assert_cmpuint (strlen (token), ==, WZP_TOKEN_MAX_LEN + extra);
    g_assert_cmpint (opens ('k', token, &claims), ==, extra == 0);
  }
}

/* With the right key too. */
static void
test_payloads (void)
{
  static const struct {
    const char *json;
    gboolean is_good;
  } cases[] = {
    { "{\"exp\":5}", TRUE },
    { " { \"exp\" : 5 } ", TRUE },
    { "{\"room\":\"a\",\"exp\":5}", TRUE },
    { "{\"exp\":5,\"fp\":\"0102:0304:0506:0708:090a:0b0c:0d0e:0f10\"}", TRUE },
    { "{\"exp\":9223372036854775806}", TRUE },
    { "{\"exp\":9223372036854775807}", FALSE },
    { "{\"exp\":9223372036854775808}", FALSE },
    { "{\"exp\":18446744073709551616}", FALSE },
    { "{\"exp\":99999999999999999999999999999999999999999}", FALSE },
    { "{\"exp\":1e300}", FALSE },
    { "{\"exp\":1e3}", FALSE },
    { "{\"exp\":5.0}", FALSE },
    { "{\"exp\":0}", FALSE },
    { "{\"exp\":-1}", FALSE },
    { "{\"exp\":-9223372036854775808}", FALSE },
    { "{\"exp\":-9223372036854775809}", FALSE },
    { "{\"exp\":\"5\"}", FALSE },
    { "{\"exp\":true}", FALSE },
    { "{\"exp\":null}", FALSE },
    { "{\"exp\":[5]}", FALSE },
    { "{\"exp\":{\"exp\":5}}", FALSE },
    { "{}", FALSE },
    { "{\"room\":\"a\"}", FALSE },
    { "[]", FALSE },
    { "5", FALSE },
    { "", FALSE },
    { "{\"exp\":5", FALSE },
    { "{\"exp\":5}}", FALSE },
    { "{\"exp\":5} x", FALSE },
    /* Twice the same name: whichever is meant. */
    { "{\"exp\":5,\"exp\":6}", FALSE },
    { "{\"exp\":5,\"e\\u0078p\":6}", FALSE },
    { "{\"exp\":5,\"room\":\"a\",\"room\":\"b\"}", FALSE },
    { "{\"exp\":5,\"room\":\"a\",\"room\":\"a\"}", FALSE },
    { "{\"exp\":5,\"fp\":\"01020304050607080910111213141516\","
      "\"fp\":\"01020304050607080910111213141516\"}",
        FALSE },
    /* What we do not know may be a restriction. */
    { "{\"exp\":5,\"nbf\":1}", FALSE },
    { "{\"exp\":5,\"Exp\":6}", FALSE },
    { "{\"exp\":5,\"\":\"\"}", FALSE },
    { "{\"exp\":5,\"fp\":\"\"}", FALSE },
    { "{\"exp\":5,\"fp\":\"0102:0304\"}", FALSE },
    { "{\"exp\":5,\"fp\":null}", FALSE },
    { "{\"exp\":5,\"room\":\"\"}", FALSE },
    { "{\"exp\":5,\"room\":\"a:b\"}", FALSE },
    { "{\"exp\":5,\"room\":\"call-1\"}", FALSE },
    { "{\"exp\":5,\"room\":\"_signal\"}", FALSE },
    { "{\"exp\":5,\"room\":7}", FALSE },
    { "{\"exp\":5,\"room\":\"a\\u0000b\"}", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *token = sign_json ('k', cases[i].json);
    WzpTokenClaims claims;

    g_test_message ("%s", cases[i].json);
    g_assert_cmpint (opens ('k', token, &claims), ==, cases[i].is_good);
  }
}

/* Genuine, and the payload is not base64url. */
static void
test_not_base64 (void)
{
  static const char *const payloads[] = { "eyJleHAiOjV9",
    "eyJleHAiOjV9=", "eyJleHAi Ojv9", "eyJleHAiOjV9\n", "eyJle+/iOjV9",
    "eyJleHAi.OjV9", "\xc3\xbc", "e", "====", "%%%%" };

  for (guint i = 0; i < G_N_ELEMENTS (payloads); i++) {
    g_autofree char *token = sign ('k', payloads[i]);
    WzpTokenClaims claims;

    g_assert_cmpint (opens ('k', token, &claims), ==, i == 0);
  }
}

static void
test_two_keys (void)
{
  WzpTokenKey *keys[] = { new_key ('o'), new_key ('n') };
  g_autofree char *old = mint ('o', NOW, NULL, NULL);
  g_autofree char *new = mint ('n', NOW + 1, NULL, NULL);
  g_autofree char *other = mint ('x', NOW, NULL, NULL);
  WzpTokenClaims claims;

  g_assert_true (wzp_token_open (keys, 2, old, &claims));
  g_assert_cmpint (claims.expires_unix_s, ==, NOW);
  g_assert_true (wzp_token_open (keys, 2, new, &claims));
  g_assert_cmpint (claims.expires_unix_s, ==, NOW + 1);
  g_assert_false (wzp_token_open (keys, 2, other, &claims));
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    wzp_token_key_free (keys[i]);
}

static void
test_mint_refuses (void)
{
  static const struct {
    gsize key_len;
    gint64 expires;
    const char *room, *message;
  } cases[] = {
    { WZP_TOKEN_MIN_KEY_LEN - 1, 5, NULL,
        "Token key of 31 bytes, from 32 to 4096 are allowed" },
    { 0, 5, NULL, "Token key of 0 bytes, from 32 to 4096 are allowed" },
    { WZP_TOKEN_MAX_KEY_LEN + 1, 5, NULL,
        "Token key of 4097 bytes, from 32 to 4096 are allowed" },
    { WZP_TOKEN_MAX_KEY_LEN, 0, NULL, "A token cannot expire at 0" },
    { WZP_TOKEN_MIN_KEY_LEN, G_MININT64, NULL,
        "A token cannot expire at -9223372036854775808" },
    { WZP_TOKEN_MIN_KEY_LEN, G_MAXINT64, NULL,
        "A token cannot expire at 9223372036854775807" },
    { WZP_TOKEN_MIN_KEY_LEN, 5, "", "\"\" is not the name of an open room" },
    { WZP_TOKEN_MIN_KEY_LEN, 5, "call-1",
        "\"call-1\" is not the name of an open room" },
    { WZP_TOKEN_MIN_KEY_LEN, 5, "a\"",
        "\"a\"\" is not the name of an open room" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) key = secret ('k', cases[i].key_len);
    g_autoptr (GError) error = NULL;

    g_assert_null (
        wzp_token_mint (key, cases[i].expires, NULL, cases[i].room, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==, cases[i].message);
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/token/vector", test_vector);
  g_test_add_func ("/token/round-trip", test_round_trip);
  g_test_add_func ("/token/wrong-key", test_wrong_key);
  g_test_add_func ("/token/altered", test_altered);
  g_test_add_func ("/token/truncated", test_truncated);
  g_test_add_func ("/token/length", test_length);
  g_test_add_func ("/token/payloads", test_payloads);
  g_test_add_func ("/token/not-base64", test_not_base64);
  g_test_add_func ("/token/two-keys", test_two_keys);
  g_test_add_func ("/token/mint-refuses", test_mint_refuses);
  return wzp_test_run ();
}
