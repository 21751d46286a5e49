#include "wzp-sni.h"

#include <string.h>

#define A   "00112233445566778899aabbccddeeff"
#define B   "ffeeddccbbaa99887766554433221100"
#define N32 "0123456789abcdef0123456789ABCDEF"
#define X10 "xxxxxxxxxx"
#define X63 X10 X10 X10 X10 X10 X10 "xxx"

static WzpFingerprint
fp_of (const char *text)
{
  WzpFingerprint fp = { { 0 } };

  g_assert_true (wzp_fingerprint_parse (text, &fp, NULL));
  return fp;
}

static void
test_classify (void)
{
  static const struct {
    const char *sni;
    WzpSniKind kind;
    const char *name;
  } cases[] = {
    { NULL, WZP_SNI_INVALID, NULL },
    { "", WZP_SNI_INVALID, NULL },
    { "_signal", WZP_SNI_KIND_SIGNAL, NULL },
    { "_federation", WZP_SNI_KIND_FEDERATION, NULL },
    { "_signa", WZP_SNI_INVALID, NULL },
    { "_signal2", WZP_SNI_INVALID, NULL },
    { "_other", WZP_SNI_INVALID, NULL },
    { "_", WZP_SNI_INVALID, NULL },
    { "call-abc", WZP_SNI_KIND_CALL_ROOM, "abc" },
    { "call-_x", WZP_SNI_KIND_CALL_ROOM, "_x" },
    { "call-" X63, WZP_SNI_KIND_CALL_ROOM, X63 },
    { "call-" X63 "x", WZP_SNI_INVALID, NULL },
    { "call-", WZP_SNI_INVALID, NULL },
    { "call-a b", WZP_SNI_INVALID, NULL },
    { "call-call-abc", WZP_SNI_KIND_DIRECT, "abc" },
    { "call-call-" X63, WZP_SNI_KIND_DIRECT, X63 },
    { "call-call-" X63 "x", WZP_SNI_INVALID, NULL },
    { "call-call-", WZP_SNI_INVALID, NULL },
    { "call-call-call-abc", WZP_SNI_INVALID, NULL },
    { "call-7." A "." B, WZP_SNI_KIND_CALL_ROOM, "7." A "." B },
    { "call-call-" N32 "." A "." B, WZP_SNI_KIND_DIRECT, N32 "." A "." B },
    { "call", WZP_SNI_KIND_OPEN_ROOM, "call" },
    { "Call-abc", WZP_SNI_KIND_OPEN_ROOM, "Call-abc" },
    { "lobby", WZP_SNI_KIND_OPEN_ROOM, "lobby" },
    { "a.B-c_9", WZP_SNI_KIND_OPEN_ROOM, "a.B-c_9" },
    { X63, WZP_SNI_KIND_OPEN_ROOM, X63 },
    { X63 "x", WZP_SNI_INVALID, NULL },
    { "a/b", WZP_SNI_INVALID, NULL },
    { "caf\xc3\xa9", WZP_SNI_INVALID, NULL },
    { "a\n", WZP_SNI_INVALID, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const char *name = "before";

    g_test_message ("%s", cases[i].sni);
    g_assert_cmpint (wzp_sni_classify (cases[i].sni, &name), ==, cases[i].kind);
    g_assert_cmpstr (name, ==, cases[i].name);
    g_assert_cmpint (wzp_sni_classify (cases[i].sni, NULL), ==, cases[i].kind);
  }
}

static void
test_names (void)
{
  static const struct {
    const char *text;
    gboolean is_call_id, is_room, is_alias;
  } cases[] = {
    { NULL, FALSE, FALSE, FALSE },
    { "", FALSE, FALSE, FALSE },
    { "a", TRUE, TRUE, TRUE },
    { "abc", TRUE, TRUE, TRUE },
    { X63, TRUE, TRUE, TRUE },
    { X63 "x", FALSE, FALSE, FALSE },
    { "_abc", TRUE, FALSE, FALSE },
    { "call-abc", FALSE, FALSE, TRUE },
    { "call-", FALSE, FALSE, TRUE },
    { "call", TRUE, TRUE, TRUE },
    { "a b", FALSE, FALSE, FALSE },
    { "1." A "." B, TRUE, FALSE, FALSE },
    { "d-e.f_0", TRUE, TRUE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].text);
    g_assert_cmpint (
        wzp_call_id_is_valid (cases[i].text), ==, cases[i].is_call_id);
    g_assert_cmpint (
        wzp_room_name_is_valid (cases[i].text), ==, cases[i].is_room);
    g_assert_cmpint (wzp_alias_is_valid (cases[i].text), ==, cases[i].is_alias);
  }
}

static void
test_make (void)
{
  g_autofree char *room = wzp_sni_for_call_room ("abc");
  g_autofree char *direct = wzp_sni_for_direct ("abc");

  g_assert_cmpstr (room, ==, "call-abc");
  g_assert_cmpstr (direct, ==, "call-call-abc");
}

static void
test_self_naming (void)
{
  const WzpFingerprint a = fp_of (A), b = fp_of (B);
  g_autofree char *one = wzp_call_id_new_self_naming ("7f", &a, &b);
  g_autofree char *other = wzp_call_id_new_self_naming ("7f", &b, &a);
  g_autofree char *longest = wzp_call_id_new_self_naming (N32, &a, &b);
  g_autofree char *alone = wzp_call_id_new_self_naming ("7f", &a, &a);
  g_autofree char *sni = wzp_sni_for_direct (longest);
  WzpFingerprint got_a, got_b;

  g_assert_cmpstr (one, ==, "7f." A "." B);
  g_assert_cmpstr (one, ==, other);
  g_assert_true (wzp_call_id_is_valid (one));
  g_assert_true (wzp_call_id_get_parties (one, &got_a, &got_b));
  g_assert_true (wzp_fingerprint_equal (&got_a, &a));
  g_assert_true (wzp_fingerprint_equal (&got_b, &b));
  g_assert_cmpuint (strlen (longest), <=, WZP_CALL_ID_MAX_LEN);
  g_assert_cmpint (wzp_sni_classify (sni, NULL), ==, WZP_SNI_KIND_DIRECT);
  g_assert_false (wzp_call_id_is_valid (alone));
}

static void
test_not_self_naming (void)
{
  static const char *const ids[] = { "", "abc", "7.", "." A "." B, A "." B,
    "7." A, "7." A ".", "7." B "." A, "7." A "." A, "g." A "." B, "7." A ".ff",
    "7." A ".ffeeddccbbaa9988776655443322110",
    "7.A0112233445566778899aabbccddeeff." B, "7." A "." B ".", "7." A "." B "0",
    "7." A "-" B, "7-" A "." B, N32 "0." A "." B,
    "7.00112233445566778899AABBCCDDEEFF." B,
    "7.0011:2233:4455:6677:8899:aabb:ccdd:eeff." B, "7.0011223344556677." B,
    "7..", "7. " A "." B };
  const WzpFingerprint before = { { 9 } };
  WzpFingerprint a = before, b = before;

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_test_message ("%s", ids[i]);
    g_assert_false (wzp_call_id_get_parties (ids[i], &a, &b));
    g_assert_true (wzp_fingerprint_equal (&a, &before));
    g_assert_true (wzp_fingerprint_equal (&b, &before));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sni/classify", test_classify);
  g_test_add_func ("/sni/names", test_names);
  g_test_add_func ("/sni/make", test_make);
  g_test_add_func ("/sni/self-naming", test_self_naming);
  g_test_add_func ("/sni/not-self-naming", test_not_self_naming);

  return g_test_run ();
}
