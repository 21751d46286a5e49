#include "wzp-room-key.h"

#include "hex.h"
#include "wzp-error.h"

#include <string.h>

#define TAG G_GUINT64_CONSTANT (0x0123456789abcd)

static gsize
seal (WzpSeal *seal, guint64 number, const char *text, guint8 *out)
{
  struct iovec iov = { .iov_base = (char *) text, .iov_len = strlen (text) };

  return wzp_seal_seal (
      seal, number, (const guint8 *) "prefix", 6, &iov, 1, out);
}

/* Key and iv were computed by Python's hashlib and hmac from the passphrase
 * "open sesame" and the room "stage". */
static void
test_known_answer (void)
{
  static const char key_hex[] = "b14d61d5d499c04c22906cebadf63386";
  static const char iv_hex[] = "c6c1a9bf1b071d91a13dc6ff";
  g_autoptr (WzpRoomKey) key = wzp_room_key_new ("open sesame", "stage", NULL);
  g_autoptr (WzpSeal) made = wzp_room_key_new_seal (key, TAG);
  g_autoptr (WzpSeal) known = NULL;
  guint8 raw_key[WZP_SEAL_KEY_LEN], raw_iv[WZP_SEAL_IV_LEN];
  guint8 a[64], b[64];
  gsize len;

  hex_to_bytes (key_hex, raw_key, sizeof raw_key);
  hex_to_bytes (iv_hex, raw_iv, sizeof raw_iv);
  known = wzp_seal_new (raw_key, raw_iv);
  len = seal (made, 7, "some text", a);
  g_assert_cmpuint (len, ==, seal (known, 7, "some text", b));
  g_assert_cmpmem (a, len, b, len);
}

/* Another passphrase, room or sender cannot open it. */
static void
test_others (void)
{
  static const struct {
    const char *passphrase, *room;
    guint64 tag;
    gboolean opens;
  } others[] = {
    { "open sesame", "stage", TAG, TRUE },
    { "open sesamE", "stage", TAG, FALSE },
    { "open sesame", "stagE", TAG, FALSE },
    { "open sesame", "stage", TAG + 1, FALSE },
  };
  g_autoptr (WzpRoomKey) key = wzp_room_key_new ("open sesame", "stage", NULL);
  g_autoptr (WzpSeal) out = wzp_room_key_new_seal (key, TAG);
  guint8 sealed[64], text[64];
  gsize len = seal (out, 3, "text", sealed);

  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    g_autoptr (WzpRoomKey) other =
        wzp_room_key_new (others[i].passphrase, others[i].room, NULL);
    g_autoptr (WzpSeal) in = wzp_room_key_new_seal (other, others[i].tag);

    g_assert_cmpint (
        wzp_seal_open (in, 3, (const guint8 *) "prefix", 6, sealed, len, text),
        ==, others[i].opens);
  }
}

static void
test_bounds (void)
{
  g_autofree char *longest = g_strnfill (WZP_ROOM_KEY_MAX_LEN, 'x');
  g_autofree char *too_long = g_strnfill (WZP_ROOM_KEY_MAX_LEN + 1, 'x');
  g_autoptr (WzpRoomKey) key = wzp_room_key_new (longest, "a", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (key);
  g_assert_null (wzp_room_key_new (too_long, "a", &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_null (wzp_room_key_new ("", "a", &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/room-key/known-answer", test_known_answer);
  g_test_add_func ("/room-key/others", test_others);
  g_test_add_func ("/room-key/bounds", test_bounds);
  return g_test_run ();
}
