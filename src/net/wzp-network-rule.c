#include "wzp-network-rule.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#define LINK_FLAGS (IFF_UP | IFF_RUNNING)

/* No packet can be sent from such an address; from a deprecated one it can. */
#define UNUSABLE_ADDR_FLAGS (IFA_F_TENTATIVE | IFA_F_DADFAILED)

/* ---- what the kernel says ---- */

static WzpNetworkNews
news_of_link (const struct nlmsghdr *header)
{
  const struct ifinfomsg *body = NLMSG_DATA (header);

  if (header->nlmsg_len < NLMSG_LENGTH (sizeof *body))
    return WZP_NETWORK_NEWS_CHANGE;
  return (body->ifi_flags & LINK_FLAGS) == LINK_FLAGS ? WZP_NETWORK_NEWS_CHANGE
                                                      : WZP_NETWORK_NEWS_LOSS;
}

/* A copy of a route that the kernel made for one destination says nothing. */
static WzpNetworkNews
news_of_route (const struct nlmsghdr *header)
{
  const struct rtmsg *body = NLMSG_DATA (header);

  if (header->nlmsg_len >= NLMSG_LENGTH (sizeof *body) &&
      (body->rtm_flags & RTM_F_CLONED) != 0)
    return WZP_NETWORK_NEWS_NONE;
  return WZP_NETWORK_NEWS_CHANGE;
}

static WzpNetworkNews
news_of (const struct nlmsghdr *header)
{
  switch (header->nlmsg_type) {
    case RTM_NEWLINK:
      return news_of_link (header);
    case RTM_DELLINK:
    case RTM_DELADDR:
      return WZP_NETWORK_NEWS_LOSS;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return news_of_route (header);
    case RTM_NEWADDR:
    case NLMSG_OVERRUN:
      return WZP_NETWORK_NEWS_CHANGE;
    default:
      return WZP_NETWORK_NEWS_NONE;
  }
}

WzpNetworkNews
wzp_network_news_parse (const guint8 *buf, gsize len)
{
  WzpNetworkNews news = WZP_NETWORK_NEWS_NONE;
  const struct nlmsghdr *header;

  g_return_val_if_fail (buf != NULL || len == 0, WZP_NETWORK_NEWS_NONE);

  for (gsize offset = 0; offset < len;
       offset += NLMSG_ALIGN (header->nlmsg_len)) {
    header = (const struct nlmsghdr *) (buf + offset);
    if (len - offset < sizeof *header || header->nlmsg_len < sizeof *header ||
        header->nlmsg_len > len - offset)
      return MAX (news, WZP_NETWORK_NEWS_CHANGE);
    news = MAX (news, news_of (header));
  }
  return news;
}

/* ---- when to look ---- */

void
wzp_network_rule_init (WzpNetworkRule *self)
{
  g_return_if_fail (self != NULL);

  *self = (WzpNetworkRule){
    .first_us = -1, .last_us = -1, .looked_us = -1, .asleep_us = -1
  };
}

void
wzp_network_rule_news (WzpNetworkRule *self, WzpNetworkNews news, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  if (news == WZP_NETWORK_NEWS_NONE)
    return;
  if (self->first_us < 0)
    self->first_us = now_us;
  self->last_us = now_us;
  self->has_loss |= news == WZP_NETWORK_NEWS_LOSS;
}

gint64
wzp_network_rule_get_deadline (const WzpNetworkRule *self)
{
  gint64 quiet_us;

  g_return_val_if_fail (self != NULL, -1);

  if (self->first_us < 0)
    return -1;
  quiet_us = MIN (self->last_us + WZP_NETWORK_QUIET_US,
      self->first_us + WZP_NETWORK_MAX_WAIT_US);
  if (!self->has_loss)
    return quiet_us;
  if (self->looked_us < 0)
    return self->first_us;
  return MIN (
      quiet_us, MAX (self->first_us, self->looked_us + WZP_NETWORK_QUIET_US));
}

gboolean
wzp_network_rule_take (WzpNetworkRule *self, gint64 now_us)
{
  gint64 deadline_us = wzp_network_rule_get_deadline (self);

  if (deadline_us < 0 || now_us < deadline_us)
    return FALSE;
  self->first_us = self->last_us = -1;
  self->has_loss = FALSE;
  self->looked_us = now_us;
  return TRUE;
}

gint64
wzp_network_rule_slept (WzpNetworkRule *self, gint64 asleep_us)
{
  gint64 slept_us;

  g_return_val_if_fail (self != NULL, 0);

  slept_us = self->asleep_us >= 0 ? asleep_us - self->asleep_us : 0;
  self->asleep_us = asleep_us;
  return slept_us > WZP_NETWORK_SLEPT_US ? slept_us : 0;
}

/* ---- what is there ---- */

struct _WzpNetworkState {
  WzpCandidateList hosts;
  GArray *addrs;            /* of WzpAddr, port 0, each once: to send from */
  WzpAddr source4, source6; /* family 0: none */
};

static gboolean
has_ip (const GArray *addrs, const WzpAddr *addr)
{
  for (guint i = 0; i < addrs->len; i++)
    if (wzp_addr_equal_ip (&g_array_index (addrs, WzpAddr, i), addr))
      return TRUE;
  return FALSE;
}

static gboolean
is_anywhere (const WzpAddr *addr)
{
  WzpAddrScope scope = wzp_addr_scope (addr);

  return scope == WZP_ADDR_UNSPECIFIED || scope == WZP_ADDR_LOOPBACK;
}

static void
add_addr (WzpNetworkState *self, const WzpInterfaceAddr *entry)
{
  if ((entry->link_flags & LINK_FLAGS) == LINK_FLAGS &&
      (entry->addr_flags & UNUSABLE_ADDR_FLAGS) == 0 &&
      !is_anywhere (&entry->addr) && !has_ip (self->addrs, &entry->addr))
    g_array_append_val (self->addrs, entry->addr);
}

WzpNetworkState *
wzp_network_state_new (const WzpInterfaceAddr *addrs, gsize n_addrs,
    const WzpAddr *source4, const WzpAddr *source6, guint16 port4,
    guint16 port6, const WzpAddr *bound)
{
  WzpNetworkState *self;
  gboolean is_bound;

  g_return_val_if_fail (addrs != NULL || n_addrs == 0, NULL);

  self = g_new0 (WzpNetworkState, 1);
  self->addrs = g_array_new (FALSE, FALSE, sizeof (WzpAddr));
  is_bound = bound != NULL && wzp_addr_scope (bound) != WZP_ADDR_UNSPECIFIED;
  wzp_interfaces_choose (addrs, n_addrs, port4, port6, bound, &self->hosts);
  for (gsize i = 0; i < n_addrs; i++)
    if (!is_bound || wzp_addr_equal_ip (&addrs[i].addr, bound))
      add_addr (self, &addrs[i]);
  if (source4 != NULL && !is_bound)
    self->source4 = *source4;
  if (source6 != NULL && !is_bound)
    self->source6 = *source6;
  return self;
}

void
wzp_network_state_free (WzpNetworkState *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->addrs);
  g_free (self);
}

static gboolean
is_same_source (const WzpAddr *a, const WzpAddr *b)
{
  return a->family == b->family && (a->family == 0 || wzp_addr_equal_ip (a, b));
}

static gboolean
has_host (const WzpCandidateList *hosts, const WzpAddr *addr)
{
  for (guint i = 0; i < hosts->n; i++)
    if (wzp_addr_equal (&hosts->items[i].addr, addr))
      return TRUE;
  return FALSE;
}

/* Link-local addresses come and go with every card, and are never offered. */
static gboolean
has_all (const WzpNetworkState *self, const WzpNetworkState *other)
{
  for (guint i = 0; i < other->hosts.n; i++)
    if (!has_host (&self->hosts, &other->hosts.items[i].addr))
      return FALSE;
  for (guint i = 0; i < other->addrs->len; i++) {
    const WzpAddr *addr = &g_array_index (other->addrs, WzpAddr, i);

    if (wzp_addr_scope (addr) != WZP_ADDR_LINK_LOCAL &&
        !has_ip (self->addrs, addr))
      return FALSE;
  }
  return TRUE;
}

gboolean
wzp_network_state_equal (const WzpNetworkState *a, const WzpNetworkState *b)
{
  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  return is_same_source (&a->source4, &b->source4) &&
      is_same_source (&a->source6, &b->source6) && has_all (a, b) &&
      has_all (b, a);
}

const WzpCandidateList *
wzp_network_state_get_hosts (const WzpNetworkState *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return &self->hosts;
}

gboolean
wzp_network_state_has (const WzpNetworkState *self, const WzpAddr *addr)
{
  g_return_val_if_fail (self != NULL && addr != NULL, FALSE);

  return is_anywhere (addr) || has_ip (self->addrs, addr);
}
