/* What kind of NAT: from what some servers saw. */
#include "wzp-nat.h"

#include <string.h>

#define L "192.168.1.2:40000"

/* Server, local address, observed address; NULL instead: the answer. */
typedef struct {
  const char *server, *local, *observed;
  WzpNatAnswer answer;
} Row;

static WzpAddr
addr_of (const char *text)
{
  WzpAddr addr = { .family = 0 };
  g_autoptr (GError) error = NULL;

  if (text != NULL) {
    wzp_addr_parse (text, &addr, &error);
    g_assert_no_error (error);
  }
  return addr;
}

static WzpNatVerdict
classify (const Row *rows, int family)
{
  WzpNatObservation observations[16] = { 0 };
  WzpNatVerdict verdict;
  guint n = 0;

  for (; rows[n].server != NULL; n++) {
    observations[n].server = addr_of (rows[n].server);
    observations[n].local = addr_of (rows[n].local);
    observations[n].observed = addr_of (rows[n].observed);
    observations[n].answer = rows[n].answer;
  }
  wzp_nat_classify (observations, n, family, &verdict);
  return verdict;
}

static void
assert_text (const WzpNatVerdict *verdict, const char *part)
{
  g_autofree char *text = wzp_nat_describe (verdict);

  g_test_message ("%s %s", text, wzp_nat_meaning (verdict));
  if (strstr (text, part) == NULL)
    g_error ("\"%s\" does not say: %s", text, part);
}

static void
test_types (void)
{
  static const struct {
    const char *name;
    WzpNatType type;
    const char *says;
    Row rows[6];
  } cases[] = {
    { "nothing was asked", WZP_NAT_UNAVAILABLE, "no way", { { NULL } } },
    { "no IPv4 here", WZP_NAT_UNAVAILABLE, "no way",
        { { "203.0.113.1:1", NULL, NULL, WZP_NAT_NOT_SENT } } },
    { "silence", WZP_NAT_BLOCKED, "No relay answered",
        { { "203.0.113.1:1", NULL, NULL, WZP_NAT_NO_ANSWER },
            { "203.0.113.2:1", NULL, NULL, WZP_NAT_NOT_SENT } } },
    { "a no is an answer", WZP_NAT_UNKNOWN, "No relay told",
        { { "203.0.113.1:1", NULL, NULL, WZP_NAT_NO_ANSWER },
            { "203.0.113.2:1", NULL, NULL, WZP_NAT_REFUSED } } },
    { "one answer", WZP_NAT_UNKNOWN, "one answer",
        { { "203.0.113.1:1", L, "198.51.100.7:40000" },
            { "203.0.113.2:1", NULL, NULL, WZP_NAT_NO_ANSWER } } },
    { "one server twice", WZP_NAT_UNKNOWN, "one answer",
        { { "203.0.113.1:1", L, "198.51.100.7:40000" },
            { "203.0.113.1:1", L, "198.51.100.7:40000" } } },
    { "none", WZP_NAT_NONE, "No NAT:",
        { { "203.0.113.1:1", "198.51.100.7:1", "198.51.100.7:1" } } },
    { "none to a relay at hand", WZP_NAT_NONE, "tells nothing",
        { { "192.168.1.1:1", L, L },
            { "127.0.0.1:1", "127.0.0.1:40000", "127.0.0.1:40000" } } },
    { "own address, other port", WZP_NAT_UNKNOWN, "changes port",
        { { "203.0.113.1:1", "198.51.100.7:1", "198.51.100.7:2" } } },
    { "cone by two servers", WZP_NAT_INDEPENDENT, "whoever is sent to",
        { { "203.0.113.1:1", L, "198.51.100.7:40000" },
            { "203.0.113.2:1", L, "198.51.100.7:40000" } } },
    { "cone by two ports of one", WZP_NAT_INDEPENDENT, "two of its ports",
        { { "203.0.113.1:1", L, "198.51.100.7:5" },
            { "203.0.113.1:2", L, "198.51.100.7:5" } } },
    { "cone, the relay at hand does not count", WZP_NAT_INDEPENDENT, "cone",
        { { "192.168.1.1:1", L, L }, { "203.0.113.1:1", L, "198.51.100.7:5" },
            { "203.0.113.2:1", L, "198.51.100.7:5" } } },
    { "cone, seen from behind it does not count", WZP_NAT_INDEPENDENT, "cone",
        { { "10.0.0.1:1", L, "10.0.0.9:77" },
            { "203.0.113.1:1", L, "198.51.100.7:5" },
            { "203.0.113.2:1", L, "198.51.100.7:5" } } },
    { "two ways out do not make it symmetric", WZP_NAT_INDEPENDENT, "cone",
        { { "203.0.113.1:1", L, "198.51.100.7:5" },
            { "203.0.113.1:2", L, "198.51.100.7:5" },
            { "203.0.113.2:1", "10.8.0.2:40000", "192.0.2.1:6" } } },
    { "address-dependent", WZP_NAT_BY_ADDRESS, "for each address that",
        { { "203.0.113.1:1", L, "198.51.100.7:5000" },
            { "203.0.113.1:2", L, "198.51.100.7:5000" },
            { "203.0.113.2:1", L, "198.51.100.7:9000" },
            { "203.0.113.2:2", L, "198.51.100.7:9000" } } },
    { "address-dependent or worse", WZP_NAT_BY_ADDRESS, "perhaps port",
        { { "203.0.113.1:1", L, "198.51.100.7:5000" },
            { "203.0.113.2:1", L, "198.51.100.7:9000" } } },
    { "symmetric by two ports of one", WZP_NAT_BY_PORT, "address and port",
        { { "203.0.113.1:1", L, "198.51.100.7:5000" },
            { "203.0.113.1:2", L, "198.51.100.7:9000" } } },
    { "symmetric", WZP_NAT_BY_PORT, "address and port",
        { { "203.0.113.1:1", L, "198.51.100.7:5000" },
            { "203.0.113.2:1", L, "198.51.100.7:9000" },
            { "203.0.113.2:2", L, "198.51.100.7:20000" },
            { "203.0.113.3:1", NULL, NULL, WZP_NAT_NO_ANSWER } } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    WzpNatVerdict verdict = classify (cases[i].rows, 4);
    WzpNatVerdict other = classify (cases[i].rows, 6);

    g_test_message ("%s", cases[i].name);
    g_assert_cmpstr (wzp_nat_type_to_string (verdict.type), ==,
        wzp_nat_type_to_string (cases[i].type));
    assert_text (&verdict, cases[i].says);
    g_assert_cmpint (other.type, ==, WZP_NAT_UNAVAILABLE);
    g_assert_cmpuint (other.n_asked, ==, 0);
  }
}

static void
test_counts (void)
{
  static const Row rows[] = { { "203.0.113.1:1", L, "198.51.100.7:40000" },
    { "203.0.113.1:2", L, "198.51.100.7:40000" },
    { "[2001:db8::1]:1", "[2001:db8:1::2]:40000", "[2001:db8:1::2]:40000" },
    { "203.0.113.2:1", NULL, NULL, WZP_NAT_NO_ANSWER }, { NULL } };
  WzpNatVerdict v4 = classify (rows, 4), v6 = classify (rows, 6);
  WzpAddr observed = addr_of ("198.51.100.7:40000");

  g_test_summary ("Each family is judged by itself");

  g_assert_cmpuint (v4.n_asked, ==, 3);
  g_assert_cmpuint (v4.n_answered, ==, 2);
  g_assert_true (wzp_addr_equal (&v4.observed, &observed));
  g_assert_true (v4.several_ports);
  g_assert_false (v4.several_servers);
  g_assert_cmpuint (v4.n_public, ==, 1);
  g_assert_cmpuint (v6.n_asked, ==, 1);
  g_assert_cmpint (v6.type, ==, WZP_NAT_NONE);
  g_assert_false (v6.is_local_only);
}

static void
test_ports (void)
{
  static const Row kept[] = { { "203.0.113.1:1", L, "198.51.100.7:40000" },
    { "203.0.113.2:1", L, "198.51.100.7:40000" }, { NULL } };
  static const Row changed[] = { { "203.0.113.1:1", L, "198.51.100.7:40000" },
    { "203.0.113.2:1", L, "198.51.100.7:40001" }, { NULL } };
  WzpNatVerdict keeps = classify (kept, 4), changes = classify (changed, 4);

  g_assert_true (keeps.preserves_port);
  g_assert_false (keeps.is_sequential);
  assert_text (&keeps, "keeps port numbers");
  g_assert_false (changes.preserves_port);
  assert_text (&changes, "changes port numbers");
}

static void
test_steps (void)
{
  static const struct {
    guint16 ports[4];
    guint16 min, max; /* 0: not in a row */
  } cases[] = {
    { { 5000, 5001 }, 1, 1 },
    { { 5006, 5002, 5000, 5004 }, 2, 2 },
    { { 5000, 5001, 5004, 5005 }, 1, 3 },
    { { 5000, 5000 + WZP_NAT_MAX_PORT_STEP }, WZP_NAT_MAX_PORT_STEP,
        WZP_NAT_MAX_PORT_STEP },
    { { 5000, 5001 + WZP_NAT_MAX_PORT_STEP }, 0, 0 },
    { { 5000, 5001, 60000 }, 0, 0 },
    { { 1, 65535 }, 0, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    WzpNatObservation observations[4] = { 0 };
    WzpNatVerdict verdict;
    guint n = 0;

    for (; n < 4 && cases[i].ports[n] != 0; n++) {
      observations[n].server = addr_of ("203.0.113.1:1");
      observations[n].server.ip[3] += n;
      observations[n].local = addr_of (L);
      observations[n].observed = addr_of ("198.51.100.7:1");
      observations[n].observed.port = cases[i].ports[n];
    }
    wzp_nat_classify (observations, n, 4, &verdict);
    g_test_message ("case %u", (guint) i);
    g_assert_cmpint (verdict.is_sequential, ==, cases[i].max != 0);
    g_assert_cmpuint (verdict.min_step, ==, cases[i].min);
    g_assert_cmpuint (verdict.max_step, ==, cases[i].max);
    if (verdict.is_sequential)
      assert_text (&verdict, "follow each other by");
  }
}

static void
test_pool (void)
{
  static const Row rows[] = { { "203.0.113.1:1", L, "198.51.100.7:5000" },
    { "203.0.113.2:1", L, "198.51.100.8:5001" },
    { "203.0.113.3:1", L, "198.51.100.7:5000" }, { NULL } };
  WzpNatVerdict verdict = classify (rows, 4);

  g_assert_cmpint (verdict.type, ==, WZP_NAT_BY_ADDRESS);
  g_assert_cmpuint (verdict.n_public, ==, 2);
  g_assert_false (verdict.is_sequential); /* of different addresses */
  assert_text (&verdict, "several public addresses, 2 were seen");
}

static void
test_hints (void)
{
  static const Row carrier[] = {
    { "203.0.113.1:1", "100.64.0.9:4", "198.51.100.7:5" }, { NULL }
  };
  static const Row inside_carrier[] = { { "100.64.0.1:1", L, "100.127.0.9:4" },
    { "203.0.113.1:1", L, "198.51.100.7:5" }, { NULL } };
  static const Row twice[] = { { "10.0.0.1:1", L, "10.0.0.9:77" }, { NULL } };
  static const Row plain[] = { { "203.0.113.1:1", L, "198.51.100.7:5" },
    { NULL } };
  WzpNatVerdict verdict = classify (carrier, 4);

  g_assert_true (verdict.is_cgnat);
  g_assert_false (verdict.is_double);
  assert_text (&verdict, "CGNAT");
  verdict = classify (inside_carrier, 4);
  g_assert_true (verdict.is_cgnat);
  verdict = classify (twice, 4);
  g_assert_true (verdict.is_double);
  g_assert_false (verdict.is_cgnat);
  assert_text (&verdict, "second NAT");
  verdict = classify (plain, 4);
  g_assert_false (verdict.is_cgnat || verdict.is_double);
}

static void
test_words (void)
{
  static const struct {
    const char *name, *extension;
  } words[] = {
    [WZP_NAT_UNAVAILABLE] = { "unavailable", "unknown" },
    [WZP_NAT_BLOCKED] = { "blocked", "unknown" },
    [WZP_NAT_UNKNOWN] = { "unknown", "unknown" },
    [WZP_NAT_NONE] = { "none", "none" },
    [WZP_NAT_INDEPENDENT] = { "endpoint-independent", "cone" },
    [WZP_NAT_BY_ADDRESS] = { "address-dependent", "symmetric" },
    [WZP_NAT_BY_PORT] = { "address-and-port-dependent", "symmetric" },
  };
  const WzpNatVerdict at_hand = { .type = WZP_NAT_NONE, .is_local_only = TRUE };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    const WzpNatVerdict verdict = { .type = i };

    g_assert_cmpstr (wzp_nat_type_to_string (i), ==, words[i].name);
    g_assert_cmpstr (wzp_nat_to_extension (&verdict), ==, words[i].extension);
    g_assert_true (g_str_has_suffix (wzp_nat_meaning (&verdict), "."));
  }
  g_assert_cmpstr (wzp_nat_to_extension (&at_hand), ==, "unknown");
  g_assert_nonnull (strstr (wzp_nat_meaning (&at_hand), "this network"));
}

static void
test_limit (void)
{
  const guint n = WZP_NAT_MAX_OBSERVATIONS + 1;
  g_autofree WzpNatObservation *observations = g_new0 (WzpNatObservation, n);
  WzpNatVerdict verdict;

  g_test_summary ("What is over the limit is passed over");

  for (guint i = 0; i < n; i++) {
    observations[i].server = addr_of ("203.0.113.1:1");
    observations[i].server.port = (guint16) (1 + i);
    observations[i].local = addr_of (L);
    observations[i].observed = addr_of ("198.51.100.7:40000");
  }
  /* Only this one would make it symmetric. */
  observations[n - 1].observed.port = 1;
  wzp_nat_classify (observations, n, 4, &verdict);
  g_assert_cmpuint (verdict.n_asked, ==, WZP_NAT_MAX_OBSERVATIONS);
  g_assert_cmpint (verdict.type, ==, WZP_NAT_INDEPENDENT);
  wzp_nat_classify (observations + 1, n - 1, 4, &verdict);
  g_assert_cmpint (verdict.type, ==, WZP_NAT_BY_PORT);
}

static void
test_order_does_not_matter (void)
{
  static const Row rows[] = { { "192.168.1.1:1", L, L },
    { "203.0.113.1:1", L, "198.51.100.7:5000" },
    { "203.0.113.1:2", L, "198.51.100.7:5002" },
    { "203.0.113.2:1", L, "198.51.100.7:5004" },
    { "203.0.113.3:1", NULL, NULL, WZP_NAT_NO_ANSWER } };
  Row shuffled[G_N_ELEMENTS (rows) + 1] = { { NULL } };

  memcpy (shuffled, rows, sizeof rows);
  for (guint round = 0; round < 200; round++) {
    WzpNatVerdict verdict;

    for (guint i = G_N_ELEMENTS (rows) - 1; i > 0; i--) {
      guint j = (guint) g_test_rand_int_range (0, (gint32) i + 1);
      Row row = shuffled[i];

      shuffled[i] = shuffled[j];
      shuffled[j] = row;
    }
    verdict = classify (shuffled, 4);
    g_assert_cmpint (verdict.type, ==, WZP_NAT_BY_PORT);
    g_assert_true (verdict.is_sequential);
    g_assert_cmpuint (verdict.min_step, ==, 2);
    g_assert_cmpuint (verdict.max_step, ==, 2);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/nat/types", test_types);
  g_test_add_func ("/nat/counts", test_counts);
  g_test_add_func ("/nat/ports", test_ports);
  g_test_add_func ("/nat/steps", test_steps);
  g_test_add_func ("/nat/pool", test_pool);
  g_test_add_func ("/nat/hints", test_hints);
  g_test_add_func ("/nat/words", test_words);
  g_test_add_func ("/nat/limit", test_limit);
  g_test_add_func ("/nat/order-does-not-matter", test_order_does_not_matter);

  return g_test_run ();
}
