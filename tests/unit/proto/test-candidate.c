#include "wzp-candidate.h"

#include <string.h>

static const WzpCandidateFilter no_filter = { 0 };

static WzpAddr
addr_of (const char *text)
{
  WzpAddr addr = { 0 };

  g_assert_true (wzp_addr_parse (text, &addr, NULL));
  return addr;
}

/* "host 10.0.0.1:1, srflx 8.8.8.8:2" */
static char *
print_list (const WzpCandidateList *list)
{
  GString *text = g_string_new (NULL);
  char addr[WZP_ADDR_MAX_STRLEN];

  for (guint i = 0; i < list->n; i++)
    g_string_append_printf (text, "%s%s %s", i > 0 ? ", " : "",
        wzp_candidate_type_to_string (list->items[i].type),
        wzp_addr_to_string (&list->items[i].addr, addr));
  return g_string_free (text, FALSE);
}

static void
assert_remote (const char *const *local, const char *reflexive,
    const WzpCandidateFilter *filter, const char *expected, guint refused)
{
  g_autofree char *text = NULL;
  WzpCandidateList list;

  memset (&list, 0xa5, sizeof list);
  wzp_candidate_list_from_remote (&list, local, reflexive, filter);
  text = print_list (&list);
  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpuint (list.refused, ==, refused);
}

static void
test_type_names (void)
{
  g_assert_cmpstr (
      wzp_candidate_type_to_string (WZP_CANDIDATE_HOST), ==, "host");
  g_assert_cmpstr (
      wzp_candidate_type_to_string (WZP_CANDIDATE_SERVER_REFLEXIVE), ==,
      "srflx");
  g_assert_cmpstr (
      wzp_candidate_type_to_string (WZP_CANDIDATE_PEER_REFLEXIVE), ==, "prflx");
}

static void
test_host_is_usable (void)
{
  static const struct {
    const char *text;
    gboolean anywhere, on_loopback;
  } cases[] = {
    { "10.1.2.3:1", TRUE, FALSE },
    { "172.20.0.1:1", TRUE, FALSE },
    { "192.168.0.7:1", TRUE, FALSE },
    { "100.64.0.1:1", TRUE, FALSE },
    { "[2001:db8::5]:1", TRUE, FALSE },
    { "[fd12::5]:1", TRUE, FALSE },
    { "127.0.0.1:1", FALSE, TRUE },
    { "[::1]:1", FALSE, TRUE },
    { "8.8.8.8:1", FALSE, FALSE },
    { "0.0.0.0:1", FALSE, FALSE },
    { "169.254.7.7:1", FALSE, FALSE },
    { "224.0.0.1:1", FALSE, FALSE },
    { "255.255.255.255:1", FALSE, FALSE },
    { "[::]:1", FALSE, FALSE },
    { "[fe80::1]:1", FALSE, FALSE },
    { "[ff02::1]:1", FALSE, FALSE },
    { "[fec0::1]:1", FALSE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const WzpAddr addr = addr_of (cases[i].text);

    g_test_message ("%s", cases[i].text);
    g_assert_cmpint (
        wzp_candidate_host_is_usable (&addr, FALSE), ==, cases[i].anywhere);
    g_assert_cmpint (
        wzp_candidate_host_is_usable (&addr, TRUE), ==, cases[i].on_loopback);
  }
}

static void
test_refusal (void)
{
  static const struct {
    const char *text;
    const char *why;
  } cases[] = {
    { "0.0.0.0:1", "unspecified" },
    { "0.1.2.3:1", "unspecified" },
    { "[::]:1", "unspecified" },
    { "224.0.0.251:1", "multicast" },
    { "[ff02::1]:1", "multicast" },
    { "255.255.255.255:1", "broadcast or reserved" },
    { "240.0.0.1:1", "broadcast or reserved" },
    { "169.254.1.1:1", "link-local" },
    { "[fe80::1]:1", "link-local" },
    { "127.0.0.1:1", "loopback" },
    { "[::1]:1", "loopback" },
    { "[::ffff:127.0.0.1]:1", "loopback" },
    { "10.0.0.1:0", "port 0" },
    { "203.0.113.1:4433", "the relay's own address" },
    { "[::ffff:203.0.113.1]:4433", "the relay's own address" },
    { "203.0.113.1:4434", NULL },
    { "203.0.113.2:4433", NULL },
    { "10.0.0.1:1", NULL },
    { "100.64.0.1:1", NULL },
    { "8.8.8.8:53", NULL },
    { "[2001:db8::1]:1", NULL },
    { "[fd00::1]:1", NULL },
  };
  const WzpAddr relay = addr_of ("203.0.113.1:4433");
  const WzpCandidateFilter filter = { .relay = &relay };
  const WzpCandidateFilter on_loopback = { .allow_loopback = TRUE };
  WzpAddr addr = { .family = 6, .port = 1 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    addr = addr_of (cases[i].text);
    g_test_message ("%s", cases[i].text);
    g_assert_cmpstr (wzp_candidate_refusal (&addr, &filter), ==, cases[i].why);
  }

  addr = addr_of ("127.0.0.1:1");
  g_assert_null (wzp_candidate_refusal (&addr, &on_loopback));
  addr = addr_of ("127.0.0.1:0");
  g_assert_cmpstr (wzp_candidate_refusal (&addr, &on_loopback), ==, "port 0");

  /* A mapped one that comes as bytes is no way round the filter. */
  addr = (WzpAddr){ .family = 6, .port = 1 };
  memcpy (addr.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
  g_assert_cmpstr (wzp_candidate_refusal (&addr, &filter), ==, "loopback");
  memset (&addr, 0, sizeof addr);
  g_assert_cmpstr (wzp_candidate_refusal (&addr, &filter), ==, "unspecified");
}

static void
test_add (void)
{
  WzpCandidateList list = { 0 };
  WzpAddr addr = { .family = 6, .port = 9 };
  g_autofree char *text = NULL;

  memcpy (addr.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16);
  g_assert_true (
      wzp_candidate_list_add (&list, WZP_CANDIDATE_HOST, &addr, &no_filter));
  addr = addr_of ("10.0.0.1:9");
  g_assert_true (wzp_candidate_list_add (
      &list, WZP_CANDIDATE_PEER_REFLEXIVE, &addr, &no_filter));
  g_assert_false (wzp_candidate_list_add_text (
      &list, WZP_CANDIDATE_HOST, "example.org:9", &no_filter));
  g_assert_false (wzp_candidate_list_add_text (
      &list, WZP_CANDIDATE_HOST, "127.0.0.1:9", &no_filter));
  g_assert_true (wzp_candidate_list_add_text (
      &list, WZP_CANDIDATE_PEER_REFLEXIVE, "10.0.0.1:10", &no_filter));

  text = print_list (&list);
  g_assert_cmpstr (text, ==, "host 10.0.0.1:9, prflx 10.0.0.1:10");
  g_assert_cmpuint (list.refused, ==, 2);
}

static void
test_remote_order (void)
{
  const char *const local[] = { "192.168.1.2:7", "[fd00::2]:7", "10.0.0.2:7",
    NULL };
  const char *const with_reflexive[] = { "192.168.1.2:7", "198.51.100.9:7",
    "10.0.0.2:7", NULL };

  assert_remote (local, "198.51.100.9:8", &no_filter,
      "host 192.168.1.2:7, host [fd00::2]:7, host 10.0.0.2:7, "
      "srflx 198.51.100.9:8",
      0);
  assert_remote (with_reflexive, "[::ffff:198.51.100.9]:7", &no_filter,
      "host 192.168.1.2:7, host 198.51.100.9:7, host 10.0.0.2:7", 0);
  assert_remote (NULL, "198.51.100.9:8", &no_filter, "srflx 198.51.100.9:8", 0);
  assert_remote (local + 2, NULL, &no_filter, "host 10.0.0.2:7", 0);
  assert_remote (NULL, NULL, &no_filter, "", 0);
  assert_remote (local + 3, NULL, &no_filter, "", 0);
}

static void
test_remote_filtered (void)
{
  const char *const local[] = { "", "localhost:1", "127.0.0.1:7", "10.0.0.2:7",
    "10.0.0.2:7", "0.0.0.0:7", "224.0.0.1:7", "10.0.0.3:0", "169.254.0.1:7",
    "203.0.113.1:4433", "[::ffff:10.0.0.2]:7", "10.0.0.4:99999", "\x1b[2J:1",
    "[fd00::1]:7", NULL };
  const WzpAddr relay = addr_of ("203.0.113.1:4433");
  const WzpCandidateFilter filter = { .relay = &relay };
  const WzpCandidateFilter on_loopback = { .relay = &relay,
    .allow_loopback = TRUE };

  assert_remote (local, "203.0.113.1:4433", &filter,
      "host 10.0.0.2:7, host [fd00::1]:7", 11);
  assert_remote (local, "10.0.0.2:7", &on_loopback,
      "host 127.0.0.1:7, host 10.0.0.2:7, host [fd00::1]:7", 9);
  assert_remote (local, "not an address", &filter,
      "host 10.0.0.2:7, host [fd00::1]:7", 11);
}

static void
test_remote_thousand (void)
{
  g_autoptr (GPtrArray) local = g_ptr_array_new_with_free_func (g_free);
  WzpCandidateList list;
  char text[WZP_ADDR_MAX_STRLEN];

  g_test_summary ("Of 1000 candidates 16 are kept, and the reflexive is one");

  for (guint i = 0; i < 1000; i++)
    g_ptr_array_add (
        local, g_strdup_printf ("10.0.%u.%u:7", i / 250, i % 250 + 1));
  g_ptr_array_add (local, NULL);

  wzp_candidate_list_from_remote (
      &list, (const char *const *) local->pdata, NULL, &no_filter);
  g_assert_cmpuint (list.n, ==, WZP_CANDIDATES_MAX);
  g_assert_cmpuint (list.refused, ==, 1000 - WZP_CANDIDATES_MAX);
  g_assert_cmpstr (
      wzp_addr_to_string (&list.items[15].addr, text), ==, "10.0.0.16:7");

  wzp_candidate_list_from_remote (
      &list, (const char *const *) local->pdata, "198.51.100.9:8", &no_filter);
  g_assert_cmpuint (list.n, ==, WZP_CANDIDATES_MAX);
  g_assert_cmpuint (list.refused, ==, 1001 - WZP_CANDIDATES_MAX);
  g_assert_cmpstr (
      wzp_addr_to_string (&list.items[14].addr, text), ==, "10.0.0.15:7");
  g_assert_cmpint (list.items[15].type, ==, WZP_CANDIDATE_SERVER_REFLEXIVE);

  /* One that is refused or there already takes no place. */
  wzp_candidate_list_from_remote (
      &list, (const char *const *) local->pdata, "127.0.0.1:8", &no_filter);
  g_assert_cmpint (list.items[15].type, ==, WZP_CANDIDATE_HOST);
  wzp_candidate_list_from_remote (
      &list, (const char *const *) local->pdata, "10.0.0.16:7", &no_filter);
  g_assert_cmpint (list.items[15].type, ==, WZP_CANDIDATE_HOST);
  g_assert_cmpuint (list.refused, ==, 1000 - WZP_CANDIDATES_MAX);
}

static void
test_full (void)
{
  WzpCandidateList list = { 0 };
  WzpAddr addr = addr_of ("10.0.0.1:1");

  for (guint i = 0; i < WZP_CANDIDATES_MAX; i++, addr.ip[3]++)
    g_assert_true (
        wzp_candidate_list_add (&list, WZP_CANDIDATE_HOST, &addr, &no_filter));
  g_assert_false (
      wzp_candidate_list_add (&list, WZP_CANDIDATE_HOST, &addr, &no_filter));
  g_assert_cmpuint (list.refused, ==, 1);
  addr.ip[3]--;
  g_assert_true (
      wzp_candidate_list_add (&list, WZP_CANDIDATE_HOST, &addr, &no_filter));
  g_assert_cmpuint (list.n, ==, WZP_CANDIDATES_MAX);
}

static void
test_one_address (void)
{
  const WzpCandidateFilter on_loopback = { .allow_loopback = TRUE };
  WzpCandidateList list = { 0 };
  WzpAddr addr = addr_of ("203.0.113.66:1");

  g_test_summary ("One address sixteen times: four of them count");

  for (guint i = 0; i < 16; i++, addr.port++)
    g_assert_cmpint (
        wzp_candidate_list_add (&list, WZP_CANDIDATE_HOST, &addr, &no_filter),
        ==, i < WZP_CANDIDATES_MAX_OF_ADDRESS);
  g_assert_cmpuint (list.n, ==, WZP_CANDIDATES_MAX_OF_ADDRESS);
  g_assert_cmpuint (list.refused, ==, 16 - WZP_CANDIDATES_MAX_OF_ADDRESS);
  addr.ip[3]++;
  g_assert_true (
      wzp_candidate_list_add (&list, WZP_CANDIDATE_HOST, &addr, &no_filter));

  addr = addr_of ("127.0.0.1:1");
  for (guint i = 0; i < 8; i++, addr.port++)
    g_assert_true (wzp_candidate_list_add (
        &list, WZP_CANDIDATE_HOST, &addr, &on_loopback));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/candidate/type-names", test_type_names);
  g_test_add_func ("/candidate/host-is-usable", test_host_is_usable);
  g_test_add_func ("/candidate/one-address", test_one_address);
  g_test_add_func ("/candidate/refusal", test_refusal);
  g_test_add_func ("/candidate/add", test_add);
  g_test_add_func ("/candidate/remote-order", test_remote_order);
  g_test_add_func ("/candidate/remote-filtered", test_remote_filtered);
  g_test_add_func ("/candidate/remote-thousand", test_remote_thousand);
  g_test_add_func ("/candidate/full", test_full);

  return g_test_run ();
}
