#include "wzp-role.h"

static const WzpFingerprint low = { { 1 } }, high = { { 2 } };

static void
test_names (void)
{
  g_assert_cmpstr (wzp_role_to_string (WZP_ROLE_ACCEPTOR), ==, "acceptor");
  g_assert_cmpstr (wzp_role_to_string (WZP_ROLE_DIALER), ==, "dialer");
}

static void
test_reflexive (void)
{
  /* The first of each pair is the Acceptor; compared as text, not as numbers.
   */
  static const char *const pairs[][2] = {
    { "198.51.100.1:4000", "198.51.100.2:4000" },
    { "198.51.100.1:4000", "198.51.100.1:4001" },
    { "198.51.100.10:1", "198.51.100.9:1" },
    { "198.51.100.1:10000", "198.51.100.1:9" },
    { "198.51.100.1:1", "[2001:db8::1]:1" },
    { "198.51.100.1:40", "198.51.100.1:400" },
    { "z", "\xc3\xa9" }, /* bytes are unsigned */
  };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    for (guint swap = 0; swap < 2; swap++) {
      const WzpFingerprint *own = swap ? &high : &low;
      const WzpFingerprint *peer = swap ? &low : &high;

      g_assert_cmpint (wzp_role_decide (pairs[i][0], pairs[i][1], own, peer),
          ==, WZP_ROLE_ACCEPTOR);
      g_assert_cmpint (wzp_role_decide (pairs[i][1], pairs[i][0], peer, own),
          ==, WZP_ROLE_DIALER);
    }
  }
}

static void
test_fingerprints (void)
{
  static const char *const pairs[][2] = { { NULL, NULL },
    { "198.51.100.1:1", NULL }, { NULL, "198.51.100.1:1" },
    { "198.51.100.1:1", "198.51.100.1:1" }, { "", "198.51.100.1:1" },
    { "198.51.100.1:1", "" }, { "", "" } };

  g_test_summary ("Without two different addresses the fingerprints decide");

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    g_assert_cmpint (wzp_role_decide (pairs[i][0], pairs[i][1], &low, &high),
        ==, WZP_ROLE_ACCEPTOR);
    g_assert_cmpint (wzp_role_decide (pairs[i][1], pairs[i][0], &high, &low),
        ==, WZP_ROLE_DIALER);
  }
  g_assert_cmpint (
      wzp_role_decide (NULL, NULL, &low, &low), ==, WZP_ROLE_ACCEPTOR);
}

static void
test_opposite (void)
{
  g_test_summary ("The two sides never take the same role");

  for (guint i = 0; i < 10000; i++) {
    g_autofree char *a = g_strdup_printf ("192.0.2.%d:%d",
        g_test_rand_int_range (0, 4), g_test_rand_int_range (0, 4));
    g_autofree char *b = g_strdup_printf ("192.0.2.%d:%d",
        g_test_rand_int_range (0, 4), g_test_rand_int_range (0, 4));
    const char *own = g_test_rand_bit () ? a : NULL;
    const char *peer = g_test_rand_bit () ? b : NULL;

    g_assert_cmpint (wzp_role_decide (own, peer, &low, &high), !=,
        wzp_role_decide (peer, own, &high, &low));
  }
}

static void
test_nat (void)
{
  /* From the easiest to the hardest. */
  static const char *const nats[] = { "none", "cone", "unknown", "symmetric" };
  static const char *const a = "198.51.100.1:1", *const b = "198.51.100.2:1";

  g_test_summary ("The harder NAT dials, whatever the addresses say");

  for (guint i = 0; i < G_N_ELEMENTS (nats); i++)
    for (guint j = 0; j < G_N_ELEMENTS (nats); j++) {
      const WzpRole role =
          wzp_role_decide_by_nat (nats[i], nats[j], a, b, &low, &high);

      g_assert_cmpint (role, ==, i <= j ? WZP_ROLE_ACCEPTOR : WZP_ROLE_DIALER);
      g_assert_cmpint (
          wzp_role_decide_by_nat (nats[j], nats[i], b, a, &high, &low), !=,
          role);
    }
  g_assert_cmpint (
      wzp_role_decide_by_nat ("symmetric", NULL, a, b, &low, &high), ==,
      WZP_ROLE_ACCEPTOR);
  g_assert_cmpint (wzp_role_decide_by_nat (NULL, "none", a, b, &low, &high), ==,
      WZP_ROLE_ACCEPTOR);
  g_assert_cmpint (
      wzp_role_decide_by_nat ("none", "of tomorrow", b, a, &high, &low), ==,
      WZP_ROLE_ACCEPTOR);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/role/names", test_names);
  g_test_add_func ("/role/reflexive", test_reflexive);
  g_test_add_func ("/role/fingerprints", test_fingerprints);
  g_test_add_func ("/role/opposite", test_opposite);
  g_test_add_func ("/role/nat", test_nat);

  return g_test_run ();
}
