#include "wzp-identity.h"

#include "hex.h"

#include <string.h>

/* RFC 8032, section 7.1. */
typedef struct {
  const char *key_seed, *public_key, *message, *signature;
  gsize message_len;
} Vector;

static const Vector vectors[] = {
  {
      .key_seed = "9d61b19deffd5a60ba844af492ec2cc4"
                  "4449c5697b326919703bac031cae7f60",
      .public_key = "d75a980182b10ab7d54bfed3c964073a"
                    "0ee172f3daa62325af021a68f707511a",
      .message = "",
      .signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224"
                   "901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141"
                   "438e7a100b",
  },
  {
      .key_seed = "4ccd089b28ff96da9db6c346ec114e0f"
                  "5b8a319f35aba624da8cf6ed4fb8a6fb",
      .public_key = "3d4017c3e843895a92b70aa74d1b7ebc"
                    "9c982ccf2ec4968cc0cd55f12af4660c",
      .message = "72",
      .message_len = 1,
      .signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebd"
                   "b69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d29"
                   "1612bb0c00",
  },
  {
      .key_seed = "c5aa8df43f9f837bedb7442f31dcb7b1"
                  "66d38535076f094b85ce3a2e0b4458f7",
      .public_key = "fc51cd8e6218a1a38da47ed00230f058"
                    "0816ed13ba3303ac5deb911548908025",
      .message = "af82",
      .message_len = 2,
      .signature = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5"
                   "ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027be"
                   "ceea1ec40a",
  },
};

/* What derivation makes of the bytes 0, 1, … 31; computed with Python's hmac
 * and OpenSSL. */
typedef struct {
  const char *info, *key_seed, *public_key, *fingerprint;
} Derived;

static const Derived derived[] = {
  { "warzone-ed25519",
      "eae82d1aa41c08ee52025be2343a8272ea03d399b624a738c5dbabedeadfbac1",
      "46705b2fa5f2e0d9917cd934f76c4442f8d8908c2dae9259922c0c52c106183d",
      "6871:1211:0e91:ecb3:09f6:6f51:d257:ccaa" },
  { "wzp-tls-ed25519",
      "50443ebb1ea8dc307be6a93a36a1c059e431fe04596ffaf1f213e394c5633811",
      "a5bf5c906f42a1f9665857d57530e9bbed1bef016d2864a91f001287bd6c5dda",
      "18b6:1fa8:ae48:40b0:cc11:65ab:5e59:5945" },
};

static WzpIdentity *
identity_from_hex (const char *hex)
{
  guint8 key_seed[WZP_SEED_LEN] = { 0 };

  hex_to_bytes (hex, key_seed, sizeof key_seed);
  return wzp_identity_new_from_key (key_seed);
}

static void
test_vectors (void)
{
  g_test_summary ("The vectors of RFC 8032");

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const Vector *v = &vectors[i];
    g_autoptr (WzpIdentity) identity = identity_from_hex (v->key_seed);
    guint8 message[2] = { 0 }, signature[WZP_SIGNATURE_LEN];
    g_autoptr (GBytes) data = NULL;

    hex_to_bytes (v->message, message, v->message_len);
    data = g_bytes_new (message, v->message_len);
    assert_hex (wzp_identity_get_public_key (identity), 32, v->public_key);
    assert_hex (wzp_identity_get_key_seed (identity), 32, v->key_seed);
    wzp_identity_sign (identity, data, signature);
    assert_hex (signature, sizeof signature, v->signature);
    g_assert_true (wzp_identity_verify (
        wzp_identity_get_public_key (identity), data, signature));
  }
}

static void
test_derived (void)
{
  guint8 master[WZP_SEED_LEN];

  g_test_summary ("Keys derived from a seed are those of other programs");

  for (guint i = 0; i < sizeof master; i++)
    master[i] = i;
  for (guint i = 0; i < G_N_ELEMENTS (derived); i++) {
    g_autoptr (WzpIdentity) identity =
        wzp_identity_new_from_seed (master, derived[i].info);
    char text[WZP_FINGERPRINT_STRLEN];

    assert_hex (wzp_identity_get_key_seed (identity), 32, derived[i].key_seed);
    assert_hex (
        wzp_identity_get_public_key (identity), 32, derived[i].public_key);
    g_assert_cmpstr (wzp_fingerprint_to_string (
                         wzp_identity_get_fingerprint (identity), text),
        ==, derived[i].fingerprint);
  }
}

static void
test_tampering (void)
{
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (WzpIdentity) other = wzp_identity_new_ephemeral ();
  g_autoptr (GBytes) data = g_bytes_new_static ("hello", 5);
  g_autoptr (GBytes) changed = g_bytes_new_static ("hellp", 5);
  guint8 key[WZP_PUBLIC_KEY_LEN], signature[WZP_SIGNATURE_LEN];

  g_test_summary ("Any bit of key, text or signature that differs shows");

  memcpy (key, wzp_identity_get_public_key (identity), sizeof key);
  wzp_identity_sign (identity, data, signature);
  g_assert_true (wzp_identity_verify (key, data, signature));
  g_assert_false (wzp_identity_verify (key, changed, signature));
  g_assert_false (wzp_identity_verify (
      wzp_identity_get_public_key (other), data, signature));

  for (guint bit = 0; bit < 8 * sizeof signature; bit += 7) {
    signature[bit / 8] ^= 1 << bit % 8;
    g_assert_false (wzp_identity_verify (key, data, signature));
    signature[bit / 8] ^= 1 << bit % 8;
  }
  for (guint bit = 0; bit < 8 * sizeof key; bit += 7) {
    key[bit / 8] ^= 1 << bit % 8;
    g_assert_false (wzp_identity_verify (key, data, signature));
    key[bit / 8] ^= 1 << bit % 8;
  }
}

static void
test_malleability (void)
{
  static const char order[] = "edd3f55c1a631258d69cf7a2def9de14"
                              "00000000000000000000000000000010";
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (GBytes) data = g_bytes_new_static ("hello", 5);
  guint8 signature[WZP_SIGNATURE_LEN], l[32] = { 0 };
  guint carry = 0;

  g_test_summary ("S + L is not a second signature (RFC 8032, section 5.1.7)");

  wzp_identity_sign (identity, data, signature);
  hex_to_bytes (order, l, sizeof l);
  for (guint i = 0; i < sizeof l; i++) {
    carry += (guint) signature[32 + i] + l[i];
    signature[32 + i] = (guint8) carry;
    carry >>= 8;
  }
  g_assert_cmpuint (carry, ==, 0);
  g_assert_false (wzp_identity_verify (
      wzp_identity_get_public_key (identity), data, signature));
}

static void
test_ephemeral (void)
{
  g_autoptr (WzpIdentity) a = wzp_identity_new_ephemeral ();
  g_autoptr (WzpIdentity) b = wzp_identity_new_ephemeral ();
  WzpFingerprint fingerprint;

  g_test_summary ("Two ephemeral identities differ; the fingerprint is that of "
                  "the key");

  g_assert_false (wzp_fingerprint_equal (
      wzp_identity_get_fingerprint (a), wzp_identity_get_fingerprint (b)));
  wzp_fingerprint_of_key (wzp_identity_get_public_key (a), &fingerprint);
  g_assert_true (
      wzp_fingerprint_equal (wzp_identity_get_fingerprint (a), &fingerprint));
}

static gpointer
sign_often (gpointer data)
{
  g_autoptr (WzpIdentity) identity = data;
  g_autoptr (GBytes) text = g_bytes_new_static ("text", 4);
  guint8 signature[WZP_SIGNATURE_LEN];
  guint good = 0;

  for (guint i = 0; i < 20; i++) {
    wzp_identity_sign (identity, text, signature);
    good += wzp_identity_verify (
        wzp_identity_get_public_key (identity), text, signature);
  }
  return GUINT_TO_POINTER (good);
}

static void
test_threads (void)
{
  WzpIdentity *identity = wzp_identity_new_ephemeral ();
  GThread *threads[4];

  g_test_summary ("Several threads sign with one identity and drop it");

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("sign", sign_often, wzp_identity_ref (identity));
  wzp_identity_unref (identity);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpuint (GPOINTER_TO_UINT (g_thread_join (threads[i])), ==, 20);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/identity/vectors", test_vectors);
  g_test_add_func ("/identity/derived", test_derived);
  g_test_add_func ("/identity/tampering", test_tampering);
  g_test_add_func ("/identity/malleability", test_malleability);
  g_test_add_func ("/identity/ephemeral", test_ephemeral);
  g_test_add_func ("/identity/threads", test_threads);

  return g_test_run ();
}
