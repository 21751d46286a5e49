#include "wzp-network-rule.h"

#include "wzp-test.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#define LINK_UP (IFF_UP | IFF_RUNNING)
#define PORT4   4444
#define PORT6   6666

/* ---- what the kernel says ---- */

typedef struct {
  struct nlmsghdr header;
  union {
    struct ifinfomsg link;
    struct rtmsg route;
  } body;
} Message;

static Message
make_message (guint16 type, guint flags)
{
  Message message = { .header = {
                          .nlmsg_len = sizeof message, .nlmsg_type = type } };

  if (type == RTM_NEWLINK)
    message.body.link.ifi_flags = flags;
  else if (type == RTM_NEWROUTE || type == RTM_DELROUTE)
    message.body.route.rtm_flags = flags;
  return message;
}

static WzpNetworkNews
parse (const Message *messages, gsize n)
{
  return wzp_network_news_parse (
      (const guint8 *) messages, n * sizeof *messages);
}

static void
test_news (void)
{
  static const struct {
    guint16 type;
    guint flags;
    WzpNetworkNews wanted;
  } cases[] = {
    { RTM_NEWADDR, 0, WZP_NETWORK_NEWS_CHANGE },
    { RTM_DELADDR, 0, WZP_NETWORK_NEWS_LOSS },
    { RTM_NEWLINK, LINK_UP, WZP_NETWORK_NEWS_CHANGE },
    { RTM_NEWLINK, IFF_UP, WZP_NETWORK_NEWS_LOSS }, /* the cable */
    { RTM_NEWLINK, 0, WZP_NETWORK_NEWS_LOSS },
    { RTM_DELLINK, LINK_UP, WZP_NETWORK_NEWS_LOSS },
    { RTM_NEWROUTE, 0, WZP_NETWORK_NEWS_CHANGE },
    { RTM_DELROUTE, 0, WZP_NETWORK_NEWS_CHANGE },
    { RTM_NEWROUTE, RTM_F_CLONED, WZP_NETWORK_NEWS_NONE },
    { RTM_NEWNEIGH, 0, WZP_NETWORK_NEWS_NONE },
    { NLMSG_DONE, 0, WZP_NETWORK_NEWS_NONE },
    { NLMSG_OVERRUN, 0, WZP_NETWORK_NEWS_CHANGE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    Message message = make_message (cases[i].type, cases[i].flags);

    g_assert_cmpint (parse (&message, 1), ==, cases[i].wanted);
  }
}

static void
test_news_weightiest (void)
{
  const Message messages[] = { make_message (RTM_NEWADDR, 0),
    make_message (RTM_DELADDR, 0), make_message (RTM_NEWNEIGH, 0) };

  g_assert_cmpint (parse (messages, 3), ==, WZP_NETWORK_NEWS_LOSS);
  g_assert_cmpint (parse (messages, 1), ==, WZP_NETWORK_NEWS_CHANGE);
  g_assert_cmpint (parse (messages + 2, 1), ==, WZP_NETWORK_NEWS_NONE);
  g_assert_cmpint (parse (messages, 0), ==, WZP_NETWORK_NEWS_NONE);
}

/* Whatever is cut or lies about its length counts as a change; nothing is read
 * behind the end (the address sanitizer looks). */
static void
test_news_broken (void)
{
  Message whole = make_message (RTM_NEWNEIGH, 0);

  for (gsize len = 1; len < sizeof whole; len++) {
    g_autofree guint8 *cut = g_memdup2 (&whole, len);

    g_assert_cmpint (
        wzp_network_news_parse (cut, len), ==, WZP_NETWORK_NEWS_CHANGE);
  }
  for (guint32 len = 0; len < sizeof whole.header; len++) {
    whole.header.nlmsg_len = len;
    g_assert_cmpint (parse (&whole, 1), ==, WZP_NETWORK_NEWS_CHANGE);
  }
  whole.header.nlmsg_len = G_MAXUINT32;
  g_assert_cmpint (parse (&whole, 1), ==, WZP_NETWORK_NEWS_CHANGE);

  /* A body that is missing. */
  for (guint16 type = RTM_NEWLINK; type <= RTM_DELROUTE; type++) {
    struct nlmsghdr bare = { .nlmsg_len = sizeof bare, .nlmsg_type = type };

    wzp_network_news_parse ((const guint8 *) &bare, sizeof bare);
  }
}

static void
test_news_random (WzpTest *test, gconstpointer data)
{
  GRand *rand = wzp_test_rand_new ();

  for (guint round = 0; round < 20000; round++) {
    gsize len = (gsize) g_rand_int_range (rand, 0, 120);
    g_autofree guint8 *buf = g_malloc (MAX (len, 1));
    WzpNetworkNews news;

    for (gsize i = 0; i < len; i++)
      buf[i] = (guint8) g_rand_int_range (rand, 0, i % 16 < 4 ? 40 : 256);
    if (len >= 4) /* a length that often is one */
      memset (buf + 1, 0, 3);
    news = wzp_network_news_parse (buf, len);
    g_assert_cmpint (news, <=, WZP_NETWORK_NEWS_LOSS);
  }
  g_rand_free (rand);
}

/* ---- when to look ---- */

#define MS(x) ((gint64) (x) *1000)

static void
test_quiet (void)
{
  WzpNetworkRule rule;

  wzp_network_rule_init (&rule);
  g_assert_cmpint (wzp_network_rule_get_deadline (&rule), ==, -1);
  g_assert_false (wzp_network_rule_take (&rule, MS (5)));

  wzp_network_rule_news (&rule, WZP_NETWORK_NEWS_NONE, MS (6));
  g_assert_cmpint (wzp_network_rule_get_deadline (&rule), ==, -1);

  wzp_network_rule_news (&rule, WZP_NETWORK_NEWS_CHANGE, MS (10));
  g_assert_cmpint (wzp_network_rule_get_deadline (&rule), ==, MS (260));
  wzp_network_rule_news (&rule, WZP_NETWORK_NEWS_CHANGE, MS (200));
  g_assert_cmpint (wzp_network_rule_get_deadline (&rule), ==, MS (450));
  g_assert_false (wzp_network_rule_take (&rule, MS (450) - 1));
  g_assert_true (wzp_network_rule_take (&rule, MS (450)));
  g_assert_false (wzp_network_rule_take (&rule, MS (450)));
  g_assert_cmpint (wzp_network_rule_get_deadline (&rule), ==, -1);
}

static void
test_max_wait (void)
{
  WzpNetworkRule rule;
  gint64 now_us = 0;

  wzp_network_rule_init (&rule);
  for (; now_us < MS (1000); now_us += MS (100)) {
    wzp_network_rule_news (&rule, WZP_NETWORK_NEWS_CHANGE, now_us);
    g_assert_false (wzp_network_rule_take (&rule, now_us));
  }
  g_assert_cmpint (wzp_network_rule_get_deadline (&rule), ==, MS (1000));
  g_assert_true (wzp_network_rule_take (&rule, now_us));
}

static void
test_loss (void)
{
  WzpNetworkRule rule;

  wzp_network_rule_init (&rule);
  wzp_network_rule_news (&rule, WZP_NETWORK_NEWS_LOSS, MS (1000));
  g_assert_true (wzp_network_rule_take (&rule, MS (1000)));

  /* What follows in the same burst waits, but not for quiet. */
  for (guint ms = 1010; ms < 1250; ms += 10) {
    wzp_network_rule_news (&rule, WZP_NETWORK_NEWS_LOSS, MS (ms));
    g_assert_cmpint (wzp_network_rule_get_deadline (&rule), ==, MS (1250));
    g_assert_false (wzp_network_rule_take (&rule, MS (ms)));
  }
  g_assert_true (wzp_network_rule_take (&rule, MS (1250)));

  /* A change that waits is looked at with a loss. */
  wzp_network_rule_news (&rule, WZP_NETWORK_NEWS_CHANGE, MS (9000));
  wzp_network_rule_news (&rule, WZP_NETWORK_NEWS_LOSS, MS (9001));
  g_assert_true (wzp_network_rule_take (&rule, MS (9001)));
  g_assert_cmpint (wzp_network_rule_get_deadline (&rule), ==, -1);
}

/* Whatever comes when: everything is looked at within the limit, losses within
 * the shorter one, and there are never two looks in less than the quiet time
 * (but for a loss right after a look that was for something else: after it,
 * too). */
static void
test_schedules (WzpTest *test, gconstpointer data)
{
  GRand *rand = wzp_test_rand_new ();
  guint n_looks = 0, n_news = 0;

  for (guint round = 0; round < 2000; round++) {
    gint64 now_us = MS (g_rand_int_range (rand, 0, 100000));
    gint64 news_us = -1, loss_us = -1, looked_us = -1;
    int gap_ms = g_rand_int_range (rand, 1, 400);
    WzpNetworkRule rule;

    wzp_network_rule_init (&rule);
    for (guint i = 0; i < 60; i++) {
      gint64 next_us = now_us + g_rand_int_range (rand, 0, gap_ms * 1000);
      gint64 deadline_us;
      WzpNetworkNews news = (WzpNetworkNews) g_rand_int_range (
          rand, 0, WZP_NETWORK_NEWS_LOSS + 1);

      while ((deadline_us = wzp_network_rule_get_deadline (&rule)) >= 0 &&
          deadline_us <= next_us) {
        now_us = MAX (now_us, deadline_us);
        g_assert_true (wzp_network_rule_take (&rule, now_us));
        g_assert_cmpint (now_us - news_us, <=, WZP_NETWORK_MAX_WAIT_US);
        if (loss_us >= 0)
          g_assert_cmpint (now_us - loss_us, <=, WZP_NETWORK_QUIET_US);
        if (looked_us >= 0)
          g_assert_cmpint (now_us - looked_us, >=, WZP_NETWORK_QUIET_US);
        looked_us = now_us;
        news_us = loss_us = -1;
        n_looks++;
      }
      now_us = next_us;
      wzp_network_rule_news (&rule, news, now_us);
      if (news != WZP_NETWORK_NEWS_NONE && news_us < 0)
        news_us = now_us;
      if (news == WZP_NETWORK_NEWS_LOSS && loss_us < 0)
        loss_us = now_us;
      n_news += news != WZP_NETWORK_NEWS_NONE;
      g_assert_cmpint (
          wzp_network_rule_get_deadline (&rule) >= 0, ==, news_us >= 0);
    }
  }
  g_test_message ("%u news, %u looks", n_news, n_looks);
  g_assert_cmpuint (n_looks, >, 2000);
  g_rand_free (rand);
}

static void
test_slept (void)
{
  WzpNetworkRule rule;

  wzp_network_rule_init (&rule);
  /* It had slept before we began. */
  g_assert_cmpint (wzp_network_rule_slept (&rule, MS (7200000)), ==, 0);
  g_assert_cmpint (wzp_network_rule_slept (&rule, MS (7200000) + 3), ==, 0);
  g_assert_cmpint (wzp_network_rule_slept (&rule, MS (7200000) - 3), ==, 0);
  /* Exactly the limit is not above it. */
  g_assert_cmpint (wzp_network_rule_slept (&rule, MS (7201000) - 3), ==, 0);
  g_assert_cmpint (
      wzp_network_rule_slept (&rule, MS (7202000) - 2), ==, MS (1000) + 1);
  g_assert_cmpint (wzp_network_rule_slept (&rule, MS (7202000) - 2), ==, 0);
}

/* ---- what is there ---- */

typedef struct {
  const char *ip;
  guint link_flags, addr_flags;
} Entry;

static WzpAddr
parse_ip (const char *text)
{
  WzpAddr addr = { 0 };

  g_assert_true (wzp_addr_parse_ip (text, 0, &addr, NULL));
  return addr;
}

static WzpNetworkState *
make_state (const Entry *entries, gsize n, const char *source4,
    const char *source6, const char *bound)
{
  g_autoptr (GArray) addrs =
      g_array_new (FALSE, TRUE, sizeof (WzpInterfaceAddr));
  WzpAddr s4 = { 0 }, s6 = { 0 }, b = { 0 };

  for (gsize i = 0; i < n; i++) {
    WzpInterfaceAddr addr = { .addr = parse_ip (entries[i].ip),
      .ifindex = i + 1,
      .link_flags = entries[i].link_flags,
      .addr_flags = entries[i].addr_flags };

    g_array_append_val (addrs, addr);
  }
  if (source4 != NULL)
    s4 = parse_ip (source4);
  if (source6 != NULL)
    s6 = parse_ip (source6);
  if (bound != NULL)
    b = parse_ip (bound);
  return wzp_network_state_new ((WzpInterfaceAddr *) addrs->data, addrs->len,
      &s4, &s6, PORT4, PORT6, bound != NULL ? &b : NULL);
}

static gboolean
has (const WzpNetworkState *state, const char *ip)
{
  WzpAddr addr = parse_ip (ip);

  addr.port = 9;
  return wzp_network_state_has (state, &addr);
}

static const Entry laptop[] = {
  { "127.0.0.1", LINK_UP | IFF_LOOPBACK, 0 }, { "192.168.1.7", LINK_UP, 0 },
  { "203.0.113.9", LINK_UP, 0 }, { "2001:db8:1::7", LINK_UP, IFA_F_TEMPORARY },
  { "2001:db8:1::8", LINK_UP, IFA_F_DEPRECATED },
  { "2001:db8:1::9", LINK_UP, IFA_F_TENTATIVE },
  { "fe80::7", LINK_UP, IFA_F_PERMANENT },
  { "10.9.9.9", IFF_UP, 0 }, /* no carrier */
};

static void
test_has (void)
{
  g_autoptr (WzpNetworkState) state = make_state (
      laptop, G_N_ELEMENTS (laptop), "192.168.1.7", "2001:db8:1::7", NULL);
  const WzpCandidateList *hosts = wzp_network_state_get_hosts (state);
  const WzpAddr unset = { 0 };

  g_assert_true (has (state, "192.168.1.7"));
  g_assert_true (has (state, "203.0.113.9")); /* though it is no candidate */
  g_assert_true (has (state, "2001:db8:1::7"));
  g_assert_true (has (state, "2001:db8:1::8")); /* may still be sent from */
  g_assert_false (has (state, "2001:db8:1::9"));
  g_assert_false (has (state, "10.9.9.9"));
  g_assert_false (has (state, "192.168.1.8"));
  g_assert_true (has (state, "fe80::7"));
  g_assert_true (has (state, "127.0.0.2")); /* not listed, but there */
  g_assert_true (has (state, "::1"));
  g_assert_true (has (state, "0.0.0.0"));
  g_assert_true (wzp_network_state_has (state, &unset));
  g_assert_cmpuint (hosts->n, ==, 2);
  g_assert_cmpuint (hosts->items[0].addr.port, ==, PORT4);
  g_assert_cmpuint (hosts->items[1].addr.port, ==, PORT6);
}

/* A copy of the laptop with one entry replaced: is it the same network? */
static void
assert_change (
    guint index, Entry entry, const char *source4, gboolean wanted_equal)
{
  Entry copy[G_N_ELEMENTS (laptop)];
  g_autoptr (WzpNetworkState) before =
      make_state (laptop, G_N_ELEMENTS (laptop), "192.168.1.7", NULL, NULL);
  g_autoptr (WzpNetworkState) after = NULL;

  memcpy (copy, laptop, sizeof copy);
  copy[index] = entry;
  after = make_state (copy, G_N_ELEMENTS (copy), source4, NULL, NULL);
  g_assert_cmpint (wzp_network_state_equal (before, after), ==, wanted_equal);
  g_assert_cmpint (wzp_network_state_equal (after, before), ==, wanted_equal);
}

static void
test_equal (void)
{
  const char *source = "192.168.1.7";

  assert_change (0, laptop[0], source, TRUE);
  assert_change (1, (Entry){ "192.168.1.8", LINK_UP, 0 }, source, FALSE);
  assert_change (1, (Entry){ "192.168.1.7", IFF_UP, 0 }, source, FALSE);
  /* A public address is no candidate, and yet what packets leave from. */
  assert_change (2, (Entry){ "203.0.113.10", LINK_UP, 0 }, source, FALSE);
  /* No candidate any more. */
  assert_change (
      3, (Entry){ "2001:db8:1::7", LINK_UP, IFA_F_DEPRECATED }, source, FALSE);
  assert_change (5, (Entry){ "2001:db8:1::9", LINK_UP, 0 }, source, FALSE);
  assert_change (
      5, (Entry){ "2001:db8:1::a", LINK_UP, IFA_F_TENTATIVE }, source, TRUE);
  assert_change (7, (Entry){ "10.9.9.8", IFF_UP, 0 }, source, TRUE);
  assert_change (7, (Entry){ "10.9.9.9", LINK_UP, 0 }, source, FALSE);
  assert_change (6, (Entry){ "fe80::8", LINK_UP, 0 }, source, TRUE);
  assert_change (0, (Entry){ "127.0.0.7", LINK_UP, 0 }, source, TRUE);
  /* Another default route, the addresses as they were. */
  assert_change (0, laptop[0], "203.0.113.9", FALSE);
  assert_change (0, laptop[0], NULL, FALSE);
}

static void
test_order (void)
{
  Entry turned[G_N_ELEMENTS (laptop)];
  g_autoptr (WzpNetworkState) a =
      make_state (laptop, G_N_ELEMENTS (laptop), NULL, NULL, NULL);
  g_autoptr (WzpNetworkState) b = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (laptop); i++)
    turned[i] = laptop[G_N_ELEMENTS (laptop) - 1 - i];
  b = make_state (turned, G_N_ELEMENTS (turned), NULL, NULL, NULL);
  g_assert_true (wzp_network_state_equal (a, b));
}

static void
test_bound (void)
{
  static const Entry moved[] = {
    { "192.168.1.7", LINK_UP, 0 },
    { "172.16.0.1", LINK_UP, 0 },
  };
  g_autoptr (WzpNetworkState) a = make_state (
      laptop, G_N_ELEMENTS (laptop), "203.0.113.9", NULL, "192.168.1.7");
  g_autoptr (WzpNetworkState) b = make_state (
      moved, G_N_ELEMENTS (moved), "172.16.0.1", NULL, "192.168.1.7");
  g_autoptr (WzpNetworkState) gone =
      make_state (moved + 1, 1, "172.16.0.1", NULL, "192.168.1.7");

  g_assert_true (wzp_network_state_equal (a, b));
  g_assert_false (wzp_network_state_equal (a, gone));
  g_assert_true (has (a, "192.168.1.7"));
  g_assert_false (has (a, "203.0.113.9"));
  g_assert_false (has (gone, "192.168.1.7"));
}

/* More than there is room for as candidates: a change of any still shows. */
static void
test_many (void)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) entries = g_array_new (FALSE, TRUE, sizeof (Entry));
  g_autoptr (WzpNetworkState) a = NULL;
  g_autoptr (WzpNetworkState) b = NULL;

  for (guint i = 0; i < 200; i++) {
    Entry entry = { .link_flags = LINK_UP };

    g_ptr_array_add (texts, g_strdup_printf ("10.0.%u.1", i));
    entry.ip = texts->pdata[i];
    g_array_append_val (entries, entry);
  }
  a = make_state ((Entry *) entries->data, 200, NULL, NULL, NULL);
  b = make_state ((Entry *) entries->data, 199, NULL, NULL, NULL);
  g_assert_cmpuint (
      wzp_network_state_get_hosts (a)->n, ==, WZP_CANDIDATES_MAX - 1);
  g_assert_true (has (a, "10.0.199.1"));
  g_assert_false (wzp_network_state_equal (a, b));
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/network-rule/news", test_news);
  g_test_add_func ("/network-rule/news-weightiest", test_news_weightiest);
  g_test_add_func ("/network-rule/news-broken", test_news_broken);
  wzp_test_add ("/network-rule/news-random", NULL, test_news_random);
  g_test_add_func ("/network-rule/quiet", test_quiet);
  g_test_add_func ("/network-rule/max-wait", test_max_wait);
  g_test_add_func ("/network-rule/loss", test_loss);
  wzp_test_add ("/network-rule/schedules", NULL, test_schedules);
  g_test_add_func ("/network-rule/slept", test_slept);
  g_test_add_func ("/network-rule/has", test_has);
  g_test_add_func ("/network-rule/equal", test_equal);
  g_test_add_func ("/network-rule/order", test_order);
  g_test_add_func ("/network-rule/bound", test_bound);
  g_test_add_func ("/network-rule/many", test_many);
  return wzp_test_run ();
}
