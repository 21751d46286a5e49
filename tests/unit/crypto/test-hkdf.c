#include "wzp-hkdf.h"

#include "hex.h"

/* RFC 5869, appendix A. */
typedef struct {
  const char *ikm, *salt, *info, *okm;
  gsize ikm_len, salt_len, okm_len;
} Vector;

static const Vector vectors[] = {
  {
      .ikm = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
      .ikm_len = 22,
      .salt = "000102030405060708090a0b0c",
      .salt_len = 13,
      .info = "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9",
      .okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
             "34007208d5b887185865",
      .okm_len = 42,
  },
  {
      .ikm = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
             "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
             "404142434445464748494a4b4c4d4e4f",
      .ikm_len = 80,
      .salt = "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
              "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
              "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
      .salt_len = 80,
      .info = "\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf"
              "\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf"
              "\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf"
              "\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef"
              "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe"
              "\xff",
      .okm = "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
             "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
             "cc30c58179ec3e87c14c01d5c1f3434f1d87",
      .okm_len = 82,
  },
  {
      .ikm = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
      .ikm_len = 22,
      .salt = "",
      .info = "",
      .okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
             "9d201395faa4b61a96c8",
      .okm_len = 42,
  },
};

static void
test_vectors (void)
{
  g_test_summary ("The vectors of RFC 5869 for SHA-256");

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const Vector *v = &vectors[i];
    guint8 ikm[80] = { 0 }, salt[80] = { 0 }, okm[82] = { 0 };

    hex_to_bytes (v->ikm, ikm, v->ikm_len);
    hex_to_bytes (v->salt, salt, v->salt_len);
    wzp_hkdf_sha256 (
        salt, v->salt_len, ikm, v->ikm_len, v->info, okm, v->okm_len);
    assert_hex (okm, v->okm_len, v->okm);
  }
}

static void
test_no_salt (void)
{
  const guint8 ikm[22] = { 1, 2, 3 };
  const guint8 zero[32] = { 0 };
  guint8 a[32], b[32];

  g_test_summary ("No salt is 32 zero bytes of salt");

  wzp_hkdf_sha256 (NULL, 0, ikm, sizeof ikm, "info", a, sizeof a);
  wzp_hkdf_sha256 (zero, sizeof zero, ikm, sizeof ikm, "info", b, sizeof b);
  g_assert_cmpmem (a, sizeof a, b, sizeof b);
}

static void
test_longest (void)
{
  const guint8 ikm[1] = { 7 };
  g_autofree guint8 *out = g_malloc (WZP_HKDF_MAX_LEN + 1);
  guint8 start[100];

  g_test_summary ("The longest output fits, and a shorter one is its start");

  out[WZP_HKDF_MAX_LEN] = 0xa5;
  wzp_hkdf_sha256 (NULL, 0, ikm, sizeof ikm, "info", out, WZP_HKDF_MAX_LEN);
  g_assert_cmpuint (out[WZP_HKDF_MAX_LEN], ==, 0xa5);
  wzp_hkdf_sha256 (NULL, 0, ikm, sizeof ikm, "info", start, sizeof start);
  g_assert_cmpmem (start, sizeof start, out, sizeof start);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/hkdf/vectors", test_vectors);
  g_test_add_func ("/hkdf/no-salt", test_no_salt);
  g_test_add_func ("/hkdf/longest", test_longest);

  return g_test_run ();
}
