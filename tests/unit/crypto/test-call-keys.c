#include "wzp-call-keys.h"

#include "wzp-error.h"

#include "hex.h"

#include <string.h>

/* RFC 7748, section 6.1. */
#define ALICE_PRIVATE                                                          \
  "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
#define ALICE_PUBLIC                                                           \
  "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
#define BOB_PRIVATE                                                            \
  "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
#define BOB_PUBLIC                                                             \
  "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"

/* Points of small order and their other spellings: 0, 1, both of order 8,
 * p - 1, p, p + 1, and the same with the ignored bit set. */
static const char *const small_order[] = {
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

static WzpEphemeral *
ephemeral_from_hex (const char *hex)
{
  guint8 key[WZP_PUBLIC_KEY_LEN] = { 0 };

  hex_to_bytes (hex, key, sizeof key);
  return wzp_ephemeral_new_from_key (key);
}

static void
derive (const WzpEphemeral *own, const WzpEphemeral *peer, const char *call_id,
    WzpCallKeys *keys)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = wzp_call_keys_derive (
      own, wzp_ephemeral_get_public_key (peer), call_id, keys, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static void
assert_mirrored (const WzpCallKeys *a, const WzpCallKeys *b)
{
  g_assert_cmpmem (
      a->send_key, sizeof a->send_key, b->recv_key, sizeof b->recv_key);
  g_assert_cmpmem (
      a->send_iv, sizeof a->send_iv, b->recv_iv, sizeof b->recv_iv);
  g_assert_cmpmem (
      a->recv_key, sizeof a->recv_key, b->send_key, sizeof b->send_key);
  g_assert_cmpmem (
      a->recv_iv, sizeof a->recv_iv, b->send_iv, sizeof b->send_iv);
  g_assert_cmpmem (
      a->punch_key, sizeof a->punch_key, b->punch_key, sizeof b->punch_key);
}

/* Asserts that @peer is refused and leaves the keys alone. */
static void
assert_refused (const WzpEphemeral *own, const guint8 peer[WZP_PUBLIC_KEY_LEN])
{
  g_autoptr (GError) error = NULL;
  WzpCallKeys keys, before;

  memset (&keys, 0x5a, sizeof keys);
  before = keys;
  g_assert_false (wzp_call_keys_derive (own, peer, "call-1", &keys, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL);
  g_assert_cmpmem (&keys, sizeof keys, &before, sizeof before);
}

static void
test_vector (void)
{
  g_autoptr (WzpEphemeral) alice = ephemeral_from_hex (ALICE_PRIVATE);
  g_autoptr (WzpEphemeral) bob = ephemeral_from_hex (BOB_PRIVATE);
  WzpCallKeys keys, mirror;

  g_test_summary ("The keys of RFC 7748, and what Python's hmac makes of their "
                  "secret; Alice is \"a\"");

  assert_hex (wzp_ephemeral_get_public_key (alice), 32, ALICE_PUBLIC);
  assert_hex (wzp_ephemeral_get_public_key (bob), 32, BOB_PUBLIC);

  derive (alice, bob, "call-1", &keys);
  assert_hex (keys.punch_key, sizeof keys.punch_key,
      "65bbf0c15d2cdf31094af65b89bce6a449ec21c59844be96f1d9cb2535b31e33");
  assert_hex (
      keys.send_key, sizeof keys.send_key, "bec6d56e6a4083902c0e95386ff0b27d");
  assert_hex (keys.send_iv, sizeof keys.send_iv, "900ad7a7104812779270d196");
  assert_hex (
      keys.recv_key, sizeof keys.recv_key, "7c88a28bd21e84b73c2c6feee63ed546");
  assert_hex (keys.recv_iv, sizeof keys.recv_iv, "173cf14f65f010acb5fc09ab");

  derive (bob, alice, "call-1", &mirror);
  assert_mirrored (&keys, &mirror);
}

static void
test_mirrored (void)
{
  g_test_summary ("Fresh keys mirror each other, whichever is smaller");

  for (guint i = 0; i < 20; i++) {
    g_autoptr (WzpEphemeral) a = wzp_ephemeral_new ();
    g_autoptr (WzpEphemeral) b = wzp_ephemeral_new ();
    WzpCallKeys keys, mirror;

    derive (a, b, "call", &keys);
    derive (b, a, "call", &mirror);
    assert_mirrored (&keys, &mirror);
    g_assert_cmpint (
        memcmp (keys.send_key, keys.recv_key, sizeof keys.send_key), !=, 0);
    g_assert_cmpint (
        memcmp (keys.send_iv, keys.recv_iv, sizeof keys.send_iv), !=, 0);
  }
}

static void
test_call_id (void)
{
  g_autoptr (WzpEphemeral) a = wzp_ephemeral_new ();
  g_autoptr (WzpEphemeral) b = wzp_ephemeral_new ();
  WzpCallKeys one, two, none;

  g_test_summary ("Another call id gives other keys; an empty one is one too");

  derive (a, b, "call-1", &one);
  derive (a, b, "call-2", &two);
  derive (a, b, "", &none);
  g_assert_cmpint (
      memcmp (one.send_key, two.send_key, sizeof one.send_key), !=, 0);
  g_assert_cmpint (
      memcmp (one.punch_key, two.punch_key, sizeof one.punch_key), !=, 0);
  g_assert_cmpint (
      memcmp (one.send_key, none.send_key, sizeof one.send_key), !=, 0);
}

static void
test_small_order (void)
{
  g_autoptr (WzpEphemeral) own = ephemeral_from_hex (ALICE_PRIVATE);

  g_test_summary ("A peer's key that gives a secret of zeros is refused");

  for (guint i = 0; i < G_N_ELEMENTS (small_order); i++) {
    guint8 peer[WZP_PUBLIC_KEY_LEN] = { 0 };

    hex_to_bytes (small_order[i], peer, sizeof peer);
    assert_refused (own, peer);
  }
}

static void
test_own_key (void)
{
  g_autoptr (WzpEphemeral) own = wzp_ephemeral_new ();
  guint8 peer[WZP_PUBLIC_KEY_LEN];

  g_test_summary ("Our own key sent back is refused in both its spellings");

  memcpy (peer, wzp_ephemeral_get_public_key (own), sizeof peer);
  assert_refused (own, peer);
  peer[31] ^= 0x80;
  assert_refused (own, peer);
}

static void
test_wipe (void)
{
  g_autoptr (WzpEphemeral) a = wzp_ephemeral_new ();
  g_autoptr (WzpEphemeral) b = wzp_ephemeral_new ();
  const WzpCallKeys zero = { 0 };
  WzpCallKeys keys;

  g_test_summary ("Wiping leaves zeros");

  derive (a, b, "call", &keys);
  wzp_call_keys_wipe (&keys);
  g_assert_cmpmem (&keys, sizeof keys, &zero, sizeof zero);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/call-keys/vector", test_vector);
  g_test_add_func ("/call-keys/mirrored", test_mirrored);
  g_test_add_func ("/call-keys/call-id", test_call_id);
  g_test_add_func ("/call-keys/small-order", test_small_order);
  g_test_add_func ("/call-keys/own-key", test_own_key);
  g_test_add_func ("/call-keys/wipe", test_wipe);

  return g_test_run ();
}
