#include "wzp-seal.h"

#include "hex.h"

#include <string.h>

#define MAX_TEXT 1500u

/* The vector is about one nonce; the number that makes it is given apart. */
typedef struct {
  const char *key, *iv, *prefix, *text, *sealed;
  guint64 number;
  gsize prefix_len, text_len;
} Vector;

static const Vector vectors[] = {
  /* RFC 9001, appendix A.3: the server's Initial, number 1. */
  {
      .key = "cf3a5331653c364c88f0f379b6067e37",
      .iv = "0ac1493ca1905853b0bba03e",
      .number = 1,
      .prefix = "c1000000010008f067a5502a4262b50040750001",
      .prefix_len = 20,
      .text =
          "02000000000600405a020000560303ee fce7f7b37ba1d1632e96677825ddf739"
          "88cfc79825df566dc5430b9a045a1200 130100002e00330024001d00209d3c94"
          "0d89690b84d08a60993c144eca684d10 81287c834d5311bcf32bb9da1a002b00"
          "020304",
      .text_len = 99,
      .sealed =
          "5a482cd0991cd25b0aac406a5816b639 4100f37a1c69797554780bb38cc5a99f"
          "5ede4cf73c3ec2493a1839b3dbcba3f6 ea46c5b7684df3548e7ddeb9c3bf9c73"
          "cc3f3bded74b562bfb19fb84022f8ef4 cdd93795d77d06edbb7aaf2f58891850"
          "abbdca3d20398c276456cbc42158407d d074ee",
  },
  /* RFC 9001, appendix A.4: the tag of a Retry; no text at all. */
  {
      .key = "be0c690b9f66575a1d766b54e368c84e",
      .iv = "461599d35d632bf2239825bb",
      .prefix = "088394c8f03e515708ff000000010008f067a5502a4262b5746f6b656e",
      .prefix_len = 29,
      .text = "",
      .sealed = "04a265ba2eff4d829058fb3f0f2496ba",
  },
  /* "The Galois/Counter Mode of Operation", McGrew and Viega, test case 4. */
  {
      .key = "feffe9928665731c6d6a8f9467308308",
      .iv = "cafebabefacedbaddecaf888",
      .prefix = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      .prefix_len = 20,
      .text =
          "d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72"
          "1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b39",
      .text_len = 60,
      .sealed =
          "42831ec2217774244b7221b784d0d49c e3aa212f2c02a4e035c17e2329aca12e"
          "21d514b25466931c7d8f6a5aac84aa05 1ba30b396a0aac973d58e091"
          "5bc94fbc3221a5db94fae95ae7121a47",
  },
};

static WzpSeal *
new_seal (void)
{
  guint8 key[WZP_SEAL_KEY_LEN], iv[WZP_SEAL_IV_LEN];

  memset (key, 7, sizeof key);
  memset (iv, 9, sizeof iv);
  return wzp_seal_new (key, iv);
}

static void
fill_random (guint8 *data, gsize len)
{
  for (gsize i = 0; i < len; i++)
    data[i] = g_test_rand_int ();
}

static gsize
seal_one (WzpSeal *seal, guint64 number, const char *prefix, const void *text,
    gsize len, guint8 *out)
{
  const struct iovec iov = { .iov_base = (void *) text, .iov_len = len };

  return wzp_seal_seal (
      seal, number, (const guint8 *) prefix, strlen (prefix), &iov, 1, out);
}

static void
check_vector (const Vector *v)
{
  guint8 key[WZP_SEAL_KEY_LEN] = { 0 }, iv[WZP_SEAL_IV_LEN] = { 0 };
  guint8 prefix[64] = { 0 }, text[128] = { 0 }, out[256], opened[256];
  const gsize sealed_len = v->text_len + WZP_SEAL_TAG_LEN;
  g_autoptr (WzpSeal) seal = NULL;
  struct iovec iov = { .iov_base = text, .iov_len = v->text_len };

  hex_to_bytes (v->key, key, sizeof key);
  hex_to_bytes (v->iv, iv, sizeof iv);
  hex_to_bytes (v->prefix, prefix, v->prefix_len);
  hex_to_bytes (v->text, text, v->text_len);
  seal = wzp_seal_new (key, iv);

  g_assert_cmpuint (
      wzp_seal_seal (seal, v->number, prefix, v->prefix_len, &iov, 1, out), ==,
      sealed_len);
  assert_hex (out, sealed_len, v->sealed);
  g_assert_true (wzp_seal_open (
      seal, v->number, prefix, v->prefix_len, out, sealed_len, opened));
  g_assert_cmpmem (opened, v->text_len, text, v->text_len);
}

static void
test_vectors (void)
{
  g_test_summary ("The vectors of RFC 9001 and of GCM's authors");

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    check_vector (&vectors[i]);
}

/* Cuts @len bytes at random places, with empty pieces among them. */
static int
cut (guint8 *text, gsize len, struct iovec *iov, int max)
{
  gsize offset = 0;
  int n = 0;

  while (n < max - 1 && offset < len) {
    gsize part = g_test_rand_int_range (0, len - offset + 1);

    iov[n].iov_base = part > 0 ? text + offset : NULL;
    iov[n++].iov_len = part;
    offset += part;
  }
  iov[n].iov_base = text + offset;
  iov[n++].iov_len = len - offset;
  return n;
}

static void
test_pieces (void)
{
  g_autoptr (WzpSeal) seal = new_seal ();
  guint8 text[MAX_TEXT], out[MAX_TEXT + WZP_SEAL_TAG_LEN];
  guint8 whole[sizeof out], opened[MAX_TEXT];

  g_test_summary ("Text in pieces seals as in one, and opens in place");

  for (guint round = 0; round < 500; round++) {
    gsize len = g_test_rand_int_range (0, MAX_TEXT + 1);
    struct iovec iov[5];
    int n_iov;

    fill_random (text, len);
    n_iov = cut (text, len, iov, G_N_ELEMENTS (iov));
    g_assert_cmpuint (seal_one (seal, round, "prefix", text, len, whole), ==,
        len + WZP_SEAL_TAG_LEN);
    g_assert_cmpuint (wzp_seal_seal (seal, round, (const guint8 *) "prefix", 6,
                          iov, n_iov, out),
        ==, len + WZP_SEAL_TAG_LEN);
    g_assert_cmpmem (
        out, len + WZP_SEAL_TAG_LEN, whole, len + WZP_SEAL_TAG_LEN);

    g_assert_true (wzp_seal_open (seal, round, (const guint8 *) "prefix", 6,
        out, len + WZP_SEAL_TAG_LEN, opened));
    g_assert_cmpmem (opened, len, text, len);
    g_assert_true (wzp_seal_open (seal, round, (const guint8 *) "prefix", 6,
        out, len + WZP_SEAL_TAG_LEN, out));
    g_assert_cmpmem (out, len, text, len);
  }
}

static void
test_no_pieces (void)
{
  g_autoptr (WzpSeal) seal = new_seal ();
  guint8 out[WZP_SEAL_TAG_LEN], opened[1];

  g_test_summary ("No text and no prefix: a tag of the number alone");

  g_assert_cmpuint (
      wzp_seal_seal (seal, 3, NULL, 0, NULL, 0, out), ==, sizeof out);
  g_assert_true (wzp_seal_open (seal, 3, NULL, 0, out, sizeof out, opened));
  g_assert_false (wzp_seal_open (seal, 4, NULL, 0, out, sizeof out, opened));
}

static void
test_tampering (void)
{
  g_autoptr (WzpSeal) seal = new_seal ();
  const guint64 number = G_GUINT64_CONSTANT (0x123456789abcdef0);
  guint8 prefix[] = "clear prefix";
  guint8 sealed[40 + WZP_SEAL_TAG_LEN], opened[40];
  const gsize len = sizeof sealed;

  g_test_summary ("Any bit of text, tag, prefix or number that differs shows");

  memset (opened, 'x', sizeof opened);
  g_assert_cmpuint (
      seal_one (seal, number, (char *) prefix, opened, 40, sealed), ==, len);

  for (guint bit = 0; bit < 8 * len; bit++) {
    sealed[bit / 8] ^= 1 << bit % 8;
    g_assert_false (
        wzp_seal_open (seal, number, prefix, 12, sealed, len, opened));
    sealed[bit / 8] ^= 1 << bit % 8;
  }
  for (guint bit = 0; bit < 8 * 12; bit++) {
    prefix[bit / 8] ^= 1 << bit % 8;
    g_assert_false (
        wzp_seal_open (seal, number, prefix, 12, sealed, len, opened));
    prefix[bit / 8] ^= 1 << bit % 8;
  }
  for (guint bit = 0; bit < 64; bit++)
    g_assert_false (
        wzp_seal_open (seal, number ^ (G_GUINT64_CONSTANT (1) << bit), prefix,
            12, sealed, len, opened));

  g_assert_true (wzp_seal_open (seal, number, prefix, 12, sealed, len, opened));
}

static void
test_truncated (void)
{
  g_autoptr (WzpSeal) seal = new_seal ();
  guint8 sealed[40 + WZP_SEAL_TAG_LEN], opened[40] = { 0 };

  g_test_summary ("Sealed bytes cut anywhere do not open");

  seal_one (seal, 1, "p", opened, sizeof opened, sealed);
  for (gsize len = 0; len < sizeof sealed; len++)
    g_assert_false (
        wzp_seal_open (seal, 1, (const guint8 *) "p", 1, sealed, len, opened));
}

static void
test_numbers_and_keys (void)
{
  const guint8 iv[WZP_SEAL_IV_LEN] = { 1 };
  const guint8 key_a[WZP_SEAL_KEY_LEN] = { 1 };
  const guint8 key_b[WZP_SEAL_KEY_LEN] = { 2 };
  g_autoptr (WzpSeal) a = wzp_seal_new (key_a, iv);
  g_autoptr (WzpSeal) b = wzp_seal_new (key_b, iv);
  guint8 first[20], again[20], other[20], opened[20];

  g_test_summary ("A repeat is byte-identical; another number or key is not");

  seal_one (a, 1, "p", "text", 4, first);
  seal_one (a, 2, "p", "text", 4, other);
  seal_one (a, 1, "p", "text", 4, again);
  g_assert_cmpmem (first, sizeof first, again, sizeof again);
  g_assert_cmpint (memcmp (first, other, sizeof first), !=, 0);
  g_assert_false (wzp_seal_open (
      b, 1, (const guint8 *) "p", 1, first, sizeof first, opened));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/seal/vectors", test_vectors);
  g_test_add_func ("/seal/pieces", test_pieces);
  g_test_add_func ("/seal/no-pieces", test_no_pieces);
  g_test_add_func ("/seal/tampering", test_tampering);
  g_test_add_func ("/seal/truncated", test_truncated);
  g_test_add_func ("/seal/numbers-and-keys", test_numbers_and_keys);

  return g_test_run ();
}
