#include "wzp-punch.h"

#include "wzp-test.h"

#include <string.h>

static WzpPunchKey
make_key (guint8 fill)
{
  guint8 secret[WZP_PUNCH_SECRET_LEN];
  WzpPunchKey key;

  memset (secret, fill, sizeof secret);
  wzp_punch_key_init (&key, secret);
  return key;
}

static char *
to_hex (const guint8 *bytes, gsize len)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < len; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  return g_string_free (text, FALSE);
}

static void
test_bytes (void)
{
  const WzpPunchKey key = make_key (7);
  const WzpPunch punch = { .kind = WZP_PUNCH_KIND_ANSWER,
    .role = WZP_ROLE_DIALER,
    .number = 0x01020304,
    .echo = 5 };
  guint8 bytes[WZP_PUNCH_LEN];
  g_autofree char *head = NULL, *tag = NULL, *mac = NULL, *whole = NULL;

  g_test_summary ("The layout, against GLib's own HMAC");
  wzp_punch_write (&key, &punch, bytes);
  head = to_hex (bytes, 4);
  g_assert_cmpstr (head, ==, "07010201");
  whole = g_compute_hmac_for_data (G_CHECKSUM_SHA256, key.secret,
      sizeof key.secret, (const guint8 *) "tag", 3);
  tag = to_hex (bytes + 4, 8);
  g_assert_true (g_str_has_prefix (whole, tag));
  g_assert_cmpmem (bytes + 12, 8, "\1\2\3\4\0\0\0\5", 8);
  g_free (whole);
  whole = g_compute_hmac_for_data (
      G_CHECKSUM_SHA256, key.secret, sizeof key.secret, bytes, 20);
  mac = to_hex (bytes + 20, 16);
  g_assert_true (g_str_has_prefix (whole, mac));
  /* Below QUIC's first bytes, and small. */
  g_assert_cmpuint (bytes[0], <, 64);
  g_assert_cmpuint (WZP_PUNCH_LEN, <, 128);
}

static void
test_round_trip (void)
{
  const WzpPunchKey key = make_key (1);
  guint8 bytes[WZP_PUNCH_LEN];
  WzpPunch back;

  for (guint i = 0; i < 4; i++) {
    const WzpPunch punch = { .kind = i & 1 ? WZP_PUNCH_KIND_PUNCH
                                           : WZP_PUNCH_KIND_ANSWER,
      .role = i & 2 ? WZP_ROLE_ACCEPTOR : WZP_ROLE_DIALER,
      .number = G_MAXUINT32 - i,
      .echo = i * 1000000007u };

    wzp_punch_write (&key, &punch, bytes);
    g_assert_true (wzp_punch_is_of (&key, bytes, sizeof bytes));
    g_assert_true (wzp_punch_parse (&key, bytes, sizeof bytes, &back));
    g_assert_cmpint (back.kind, ==, punch.kind);
    g_assert_cmpint (back.role, ==, punch.role);
    g_assert_cmpuint (back.number, ==, punch.number);
    g_assert_cmpuint (back.echo, ==, punch.echo);
  }
}

static void
test_refusals (void)
{
  const WzpPunchKey key = make_key (1), other = make_key (2);
  const WzpPunch punch = {
    .kind = WZP_PUNCH_KIND_PUNCH, .role = WZP_ROLE_DIALER, .number = 1
  };
  const WzpPunch nothing = { .kind = WZP_PUNCH_KIND_PUNCH };
  const WzpPunch odd = { .kind = (WzpPunchKind) 3, .number = 1 };
  guint8 bytes[WZP_PUNCH_LEN + 1] = { 0 };
  WzpPunch back = { .number = 99 };

  g_test_summary ("A bit anywhere, another call's key, another length");
  wzp_punch_write (&key, &punch, bytes);
  for (guint bit = 0; bit < WZP_PUNCH_LEN * 8; bit++) {
    bytes[bit / 8] ^= 1 << bit % 8;
    g_assert_false (wzp_punch_parse (&key, bytes, WZP_PUNCH_LEN, &back));
    bytes[bit / 8] ^= 1 << bit % 8;
  }
  for (gsize len = 0; len <= sizeof bytes; len++)
    g_assert_cmpint (
        wzp_punch_parse (&key, bytes, len, &back), ==, len == WZP_PUNCH_LEN);
  back.number = 99;
  g_assert_false (wzp_punch_is_of (&other, bytes, WZP_PUNCH_LEN));
  g_assert_false (wzp_punch_parse (&other, bytes, WZP_PUNCH_LEN, &back));

  /* Authentic, but nonsense. */
  wzp_punch_write (&key, &nothing, bytes);
  g_assert_false (wzp_punch_parse (&key, bytes, WZP_PUNCH_LEN, &back));
  wzp_punch_write (&key, &odd, bytes);
  g_assert_false (wzp_punch_parse (&key, bytes, WZP_PUNCH_LEN, &back));
  g_assert_cmpuint (back.number, ==, 99);
}

static void
test_wipe (void)
{
  static const guint8 zero[WZP_PUNCH_SECRET_LEN];
  WzpPunchKey key = make_key (9);

  wzp_punch_key_wipe (&key);
  g_assert_cmpmem (key.secret, sizeof key.secret, zero, sizeof zero);
}

static void
test_window (void)
{
  WzpPunchWindow window = { 0 };

  g_assert_false (wzp_punch_window_take (&window, 0));
  g_assert_true (wzp_punch_window_take (&window, 5));
  g_assert_false (wzp_punch_window_take (&window, 5));
  g_assert_true (wzp_punch_window_take (&window, 3));
  g_assert_false (wzp_punch_window_take (&window, 3));
  g_assert_true (wzp_punch_window_take (&window, 4));
  g_assert_true (wzp_punch_window_take (&window, 68));
  g_assert_false (wzp_punch_window_take (&window, 5));
  g_assert_false (wzp_punch_window_take (&window, 4));
  g_assert_true (wzp_punch_window_take (&window, 6));
  g_assert_true (wzp_punch_window_take (&window, G_MAXUINT32));
  g_assert_false (wzp_punch_window_take (&window, G_MAXUINT32));
  g_assert_false (wzp_punch_window_take (&window, 68));
  g_assert_true (wzp_punch_window_take (&window, G_MAXUINT32 - 63));
  g_assert_false (wzp_punch_window_take (&window, G_MAXUINT32 - 64));
}

/* Against a set of all that were taken. */
static void
test_window_random (void)
{
  GRand *rand = wzp_test_rand_new ();
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);
  WzpPunchWindow window = { 0 };
  guint32 highest = 0, base = 1;

  for (guint i = 0; i < 100000; i++) {
    const guint32 number = base + g_rand_int_range (rand, 0, 100);
    const gboolean is_fresh =
        number > highest || highest - number < WZP_PUNCH_WINDOW;

    g_assert_cmpint (wzp_punch_window_take (&window, number), ==,
        is_fresh && g_hash_table_add (taken, GUINT_TO_POINTER (number)));
    highest = MAX (highest, number);
    base += g_rand_int_range (rand, 0, 3);
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/punch/bytes", test_bytes);
  g_test_add_func ("/punch/round-trip", test_round_trip);
  g_test_add_func ("/punch/refusals", test_refusals);
  g_test_add_func ("/punch/wipe", test_wipe);
  g_test_add_func ("/punch/window", test_window);
  g_test_add_func ("/punch/window-random", test_window_random);
  return wzp_test_run ();
}
