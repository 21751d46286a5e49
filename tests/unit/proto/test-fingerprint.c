#include "wzp-fingerprint.h"

#include <string.h>

#include "wzp-error.h"

#define TEXT "0123:4567:89ab:cdef:fedc:ba98:7654:3210"
#define HEX  "0123456789abcdeffedcba9876543210"

static const WzpFingerprint sample = { { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
    0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 } };

static void
test_of_key (void)
{
  guint8 key[WZP_PUBLIC_KEY_LEN] = { 0 };
  char text[WZP_FINGERPRINT_STRLEN];
  WzpFingerprint fp;

  /* sha256sum of 32 zero bytes and of 0x00..0x1f */
  wzp_fingerprint_of_key (key, &fp);
  g_assert_cmpstr (wzp_fingerprint_to_string (&fp, text), ==,
      "6668:7aad:f862:bd77:6c8f:c18b:8e9f:8e20");
  for (guint i = 0; i < sizeof key; i++)
    key[i] = (guint8) i;
  wzp_fingerprint_of_key (key, &fp);
  g_assert_cmpstr (wzp_fingerprint_to_string (&fp, text), ==,
      "630d:cd29:66c4:3366:9112:5448:bbb2:5b4f");
}

static void
test_print (void)
{
  struct {
    char text[WZP_FINGERPRINT_STRLEN];
    char behind;
  } buf = { .behind = 'x' };
  struct {
    char text[WZP_FINGERPRINT_HEX_STRLEN];
    char behind;
  } hex = { .behind = 'x' };

  g_assert_true (wzp_fingerprint_to_string (&sample, buf.text) == buf.text);
  g_assert_cmpstr (buf.text, ==, TEXT);
  g_assert_cmpint (buf.behind, ==, 'x');
  g_assert_true (wzp_fingerprint_to_hex (&sample, hex.text) == hex.text);
  g_assert_cmpstr (hex.text, ==, HEX);
  g_assert_cmpint (hex.behind, ==, 'x');
}

static void
test_parse (void)
{
  static const char *const texts[] = { TEXT, HEX,
    "0123:4567:89AB:CDEF:FEDC:BA98:7654:3210",
    "0123456789ABCDEFfedcba9876543210" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;
    WzpFingerprint fp;

    g_assert_true (wzp_fingerprint_parse (texts[i], &fp, &error));
    g_assert_no_error (error);
    g_assert_true (wzp_fingerprint_equal (&fp, &sample));
  }
}

static void
test_malformed (void)
{
  static const char *const texts[] = { "", ":", "0123", HEX "0", HEX ":",
    ":" HEX, TEXT ":", TEXT "0", ":" TEXT, " " HEX, HEX " ", HEX "\n",
    "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba987654321g",
    "0123:4567:89ab:cdef:fedc:ba98:7654:321",
    "0123:4567:89ab:cdef:fedc:ba98:76543210",
    "01234567:89ab:cdef:fedc:ba98:7654:3210",
    "0123:4567:89ab:cdef:fedc:ba98:7654::3210",
    "01:2345:6789:abcd:effe:dcba:9876:5432:10",
    "0123-4567-89ab-cdef-fedc-ba98-7654-3210",
    "0123:4567-89ab:cdef:fedc:ba98:7654:3210", "\xff\xff",
    ":::::::::::::::::::::::::::::::::::::::" };
  WzpFingerprint fp = sample;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", texts[i]);
    g_assert_false (wzp_fingerprint_parse (texts[i], &fp, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    g_assert_true (wzp_fingerprint_equal (&fp, &sample));
  }
}

static void
test_compare (void)
{
  WzpFingerprint low = { { 0 } }, high = { { 0 } };

  g_assert_cmpint (wzp_fingerprint_compare (&low, &high), ==, 0);
  g_assert_true (wzp_fingerprint_equal (&low, &high));
  g_assert_cmpuint (
      wzp_fingerprint_hash (&low), ==, wzp_fingerprint_hash (&high));
  low.bytes[15] = 0x7f;
  high.bytes[15] = 0x80; /* unsigned */
  g_assert_cmpint (wzp_fingerprint_compare (&low, &high), <, 0);
  g_assert_cmpint (wzp_fingerprint_compare (&high, &low), >, 0);
  g_assert_false (wzp_fingerprint_equal (&low, &high));
  low.bytes[0] = 1;
  g_assert_cmpint (wzp_fingerprint_compare (&low, &high), >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/fingerprint/of-key", test_of_key);
  g_test_add_func ("/fingerprint/print", test_print);
  g_test_add_func ("/fingerprint/parse", test_parse);
  g_test_add_func ("/fingerprint/malformed", test_malformed);
  g_test_add_func ("/fingerprint/compare", test_compare);

  return g_test_run ();
}
