#include "wzp-interfaces.h"

#include "netns.h"
#include "wzp-test.h"

#include <linux/if_addr.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#define LINK_UP (IFF_UP | IFF_RUNNING)
#define PORT4   4444
#define PORT6   6666

typedef struct {
  const char *ip;
  guint link_flags, addr_flags;
} Entry;

static WzpAddr
parse_ip (const char *text)
{
  g_autoptr (GError) error = NULL;
  WzpAddr addr = { 0 };

  wzp_addr_parse_ip (text, 0, &addr, &error);
  g_assert_no_error (error);
  return addr;
}

/* The list as text, one after the other, each with a space behind it. */
static char *
to_text (const WzpCandidateList *list)
{
  GString *text = g_string_new (NULL);
  char buf[WZP_ADDR_MAX_STRLEN];

  for (guint i = 0; i < list->n; i++) {
    g_assert_cmpint (list->items[i].type, ==, WZP_CANDIDATE_HOST);
    g_string_append_printf (
        text, "%s ", wzp_addr_to_string (&list->items[i].addr, buf));
  }
  return g_string_free (text, FALSE);
}

static void
assert_chosen (const Entry *entries, gsize n, guint16 port4, guint16 port6,
    const char *bound, const char *wanted)
{
  g_autoptr (GArray) addrs =
      g_array_new (FALSE, TRUE, sizeof (WzpInterfaceAddr));
  g_autofree char *text = NULL;
  WzpAddr bound_addr = { 0 };
  WzpCandidateList list;

  for (gsize i = 0; i < n; i++) {
    WzpInterfaceAddr addr = { .addr = parse_ip (entries[i].ip),
      .ifindex = i + 1,
      .link_flags = entries[i].link_flags,
      .addr_flags = entries[i].addr_flags };

    g_array_append_val (addrs, addr);
  }
  if (bound != NULL)
    bound_addr = parse_ip (bound);

  memset (&list, 0xa5, sizeof list); /* it is to be initialised */
  wzp_interfaces_choose ((WzpInterfaceAddr *) addrs->data, addrs->len, port4,
      port6, bound != NULL ? &bound_addr : NULL, &list);
  text = to_text (&list);
  g_assert_cmpstr (text, ==, wanted);
}

/* A laptop: loopback, cable, wireless, a tunnel. */
static const Entry laptop[] = {
  { "127.0.0.1", LINK_UP | IFF_LOOPBACK, 0 },
  { "192.168.1.7", LINK_UP, 0 },
  { "10.0.0.9", LINK_UP, 0 },
  { "100.64.3.2", LINK_UP, 0 },
  { "::1", LINK_UP | IFF_LOOPBACK, 0 },
  { "2001:db8:1::7", LINK_UP, IFA_F_TEMPORARY },
  { "fd12::7", LINK_UP, IFA_F_PERMANENT },
  { "fe80::7", LINK_UP, IFA_F_PERMANENT },
};

static void
test_usual (WzpTest *test, gconstpointer data)
{
  g_test_summary ("Private and global addresses in the kernel's order, each "
                  "with its family's port");

  assert_chosen (laptop, G_N_ELEMENTS (laptop), PORT4, PORT6, NULL,
      "192.168.1.7:4444 10.0.0.9:4444 100.64.3.2:4444 "
      "[2001:db8:1::7]:6666 [fd12::7]:6666 ");
  assert_chosen (laptop, 0, PORT4, PORT6, NULL, "");
}

static void
test_one_family (WzpTest *test, gconstpointer data)
{
  g_test_summary ("A family without a socket is left out");

  assert_chosen (laptop, G_N_ELEMENTS (laptop), PORT4, 0, NULL,
      "192.168.1.7:4444 10.0.0.9:4444 100.64.3.2:4444 ");
  assert_chosen (laptop, G_N_ELEMENTS (laptop), 0, PORT6, NULL,
      "[2001:db8:1::7]:6666 [fd12::7]:6666 ");
  assert_chosen (laptop, G_N_ELEMENTS (laptop), 0, 0, NULL, "");
}

static void
test_left_out (WzpTest *test, gconstpointer data)
{
  static const Entry entries[] = {
    { "192.168.1.1", IFF_RUNNING, 0 },
    { "192.168.1.2", IFF_UP, 0 }, /* no carrier */
    { "192.168.1.3", 0, 0 },
    { "fd12::1", LINK_UP, IFA_F_DEPRECATED },
    { "fd12::2", LINK_UP, IFA_F_TENTATIVE },
    { "fd12::3", LINK_UP, IFA_F_DADFAILED | IFA_F_PERMANENT },
    { "fd12::4", LINK_UP, IFA_F_OPTIMISTIC },
    { "8.8.8.8", LINK_UP, 0 }, /* public: the reflexive one covers it */
    { "169.254.7.7", LINK_UP, 0 },
    { "224.0.0.5", LINK_UP, 0 },
    { "0.0.0.0", LINK_UP, 0 },
    { "::", LINK_UP, 0 },
    { "ff02::1", LINK_UP, 0 },
    { "192.168.1.4", LINK_UP, 0 },
  };

  g_test_summary ("Interfaces that are down and addresses that are not usable");

  assert_chosen (entries, G_N_ELEMENTS (entries), PORT4, PORT6, NULL,
      "[fd12::4]:6666 192.168.1.4:4444 ");
}

static void
test_duplicates (WzpTest *test, gconstpointer data)
{
  static const Entry entries[] = {
    { "10.0.0.1", LINK_UP, 0 },
    { "10.0.0.2", LINK_UP, 0 },
    { "10.0.0.1", LINK_UP, 0 },
    { "fd12::1", LINK_UP, 0 },
    { "fd12::1", LINK_UP, 0 },
  };

  g_test_summary ("An address on two interfaces is one candidate");

  assert_chosen (entries, G_N_ELEMENTS (entries), PORT4, PORT6, NULL,
      "10.0.0.1:4444 10.0.0.2:4444 [fd12::1]:6666 ");
}

static void
test_bound (WzpTest *test, gconstpointer data)
{
  const gsize n = G_N_ELEMENTS (laptop);

  g_test_summary ("Bound to one address, only that one, also loopback");

  assert_chosen (laptop, n, PORT4, 0, "10.0.0.9", "10.0.0.9:4444 ");
  assert_chosen (laptop, n, PORT4, 0, "127.0.0.1", "127.0.0.1:4444 ");
  assert_chosen (laptop, n, PORT4, 0, "127.0.0.2", "127.0.0.2:4444 ");
  assert_chosen (laptop, n, 0, PORT6, "::1", "[::1]:6666 ");
  assert_chosen (laptop, n, PORT4, 0, "8.8.8.8", "");
  assert_chosen (laptop, n, 0, PORT6, "fe80::7", "");
  assert_chosen (laptop, n, PORT4, 0, "fd12::7", ""); /* no such socket */
  assert_chosen (
      laptop, n, 0, PORT6, "::", "[2001:db8:1::7]:6666 [fd12::7]:6666 ");
  assert_chosen (laptop, n, PORT4, 0, "0.0.0.0",
      "192.168.1.7:4444 10.0.0.9:4444 100.64.3.2:4444 ");
}

static void
test_limit (WzpTest *test, gconstpointer data)
{
  WzpInterfaceAddr addrs[40] = { 0 };
  WzpCandidateList list;

  g_test_summary ("One place is left for the reflexive candidate; what found "
                  "no room is counted");

  for (guint i = 0; i < G_N_ELEMENTS (addrs); i++) {
    addrs[i].addr = parse_ip ("10.0.0.0");
    addrs[i].addr.ip[3] = i;
    addrs[i].link_flags = LINK_UP;
  }
  wzp_interfaces_choose (
      addrs, WZP_CANDIDATES_MAX - 1, PORT4, PORT6, NULL, &list);
  g_assert_cmpuint (list.n, ==, WZP_CANDIDATES_MAX - 1);
  g_assert_cmpuint (list.refused, ==, 0);
  wzp_interfaces_choose (
      addrs, G_N_ELEMENTS (addrs), PORT4, PORT6, NULL, &list);
  g_assert_cmpuint (list.n, ==, WZP_CANDIDATES_MAX - 1);
  g_assert_cmpuint (list.refused, ==, 40 - (WZP_CANDIDATES_MAX - 1));
  g_assert_cmpuint (list.items[list.n - 1].addr.ip[3], ==, list.n - 1);
}

static void
assert_gathered (const char *bound, const char *wanted)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  WzpAddr addr = { 0 };
  WzpCandidateList list;

  if (bound != NULL)
    addr = parse_ip (bound);
  wzp_interfaces_gather (
      PORT4, PORT6, bound != NULL ? &addr : NULL, &list, &error);
  g_assert_no_error (error);
  text = to_text (&list);
  g_assert_cmpstr (text, ==, wanted);
}

static void
gather_in_namespace (void)
{
  assert_gathered (NULL, "");
  netns_add_address ("10.1.2.3", FALSE);
  netns_add_address ("8.8.8.8", FALSE);
  netns_add_address ("172.16.0.1", FALSE);
  assert_gathered (NULL, "10.1.2.3:4444 172.16.0.1:4444 ");
  netns_set_up (FALSE);
  assert_gathered (NULL, "");
}

static void
test_namespace (WzpTest *test, gconstpointer data)
{
  g_test_summary ("Addresses that come and go with the interface");

  netns_run (gather_in_namespace);
}

static void
gather_ipv6_in_namespace (void)
{
  netns_add_address ("fd12::1", FALSE);
  netns_add_address ("fd12::2", TRUE);
  assert_gathered (NULL, "[fd12::1]:6666 ");

  /* More than one netlink message's worth. */
  for (guint i = 0; i < 400; i++) {
    g_autofree char *text = g_strdup_printf ("fd13::%x", i + 1);

    netns_add_address (text, TRUE);
  }
  assert_gathered (NULL, "[fd12::1]:6666 ");
}

static void
test_namespace_ipv6 (WzpTest *test, gconstpointer data)
{
  g_test_summary ("What the kernel calls deprecated is not offered");
  if (access ("/proc/sys/net/ipv6", F_OK) != 0) {
    g_test_skip ("No IPv6 here");
    return;
  }

  netns_run (gather_ipv6_in_namespace);
}

static void
test_this_machine (WzpTest *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  WzpCandidateList list;

  g_test_summary ("Whatever this machine has, what is offered is usable; and "
                  "bound to loopback nothing else is");

  wzp_interfaces_gather (PORT4, PORT6, NULL, &list, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (list.n, <, WZP_CANDIDATES_MAX);
  for (guint i = 0; i < list.n; i++) {
    const WzpAddr *addr = &list.items[i].addr;

    g_assert_true (wzp_candidate_host_is_usable (addr, FALSE));
    g_assert_cmpuint (addr->port, ==, addr->family == 4 ? PORT4 : PORT6);
    for (guint j = 0; j < i; j++)
      g_assert_false (wzp_addr_equal (addr, &list.items[j].addr));
  }
  assert_gathered ("127.0.0.1", "127.0.0.1:4444 ");
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);

  wzp_test_add ("/interfaces/usual", NULL, test_usual);
  wzp_test_add ("/interfaces/one-family", NULL, test_one_family);
  wzp_test_add ("/interfaces/left-out", NULL, test_left_out);
  wzp_test_add ("/interfaces/duplicates", NULL, test_duplicates);
  wzp_test_add ("/interfaces/bound", NULL, test_bound);
  wzp_test_add ("/interfaces/limit", NULL, test_limit);
  wzp_test_add ("/interfaces/namespace", NULL, test_namespace);
  wzp_test_add ("/interfaces/namespace-ipv6", NULL, test_namespace_ipv6);
  wzp_test_add ("/interfaces/this-machine", NULL, test_this_machine);

  return wzp_test_run ();
}
