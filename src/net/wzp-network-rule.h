/* wzp-network-rule: when to look at this machine's network again, and whether
 * what is seen is another network. Pure: what the kernel said, what it lists and
 * the time are passed in.
 *
 * A change comes as a burst: link, addresses, routes, IPv6 addresses that are
 * tentative at first. News are looked at once nothing more has come for
 * WZP_NETWORK_QUIET_US, at the latest WZP_NETWORK_MAX_WAIT_US after the first.
 * The loss of an address or of a link is certain at once, and media may be on
 * its way there: it is looked at immediately, but not sooner than
 * WZP_NETWORK_QUIET_US after the last look. */
#pragma once

#include "wzp-interfaces.h"

G_BEGIN_DECLS

#define WZP_NETWORK_QUIET_US    (250 * 1000)
#define WZP_NETWORK_MAX_WAIT_US (G_USEC_PER_SEC)
/* A sleep of the machine worth telling: peers and routers go on without us. */
#define WZP_NETWORK_SLEPT_US    (G_USEC_PER_SEC)

typedef enum {
  WZP_NETWORK_NEWS_NONE,
  WZP_NETWORK_NEWS_CHANGE, /* something came, or may have */
  WZP_NETWORK_NEWS_LOSS,   /* an address or link went */
} WzpNetworkNews;

/* Reads rtnetlink messages, the weightiest of them. What is cut short counts as
 * CHANGE. @buf is aligned as struct nlmsghdr is. */
WzpNetworkNews wzp_network_news_parse (const guint8 *buf, gsize len);

/* Times are microseconds of any monotonic clock; -1: none. */
typedef struct {
  gint64 first_us, last_us; /* of the news that were not looked at */
  gint64 looked_us;
  gint64 asleep_us;         /* how long the machine had slept in all */
  gboolean has_loss;
} WzpNetworkRule;

void wzp_network_rule_init (WzpNetworkRule *self);
void wzp_network_rule_news (
    WzpNetworkRule *self, WzpNetworkNews news, gint64 now_us);
gint64 wzp_network_rule_get_deadline (const WzpNetworkRule *self);
/* TRUE, once: look now. */
gboolean wzp_network_rule_take (WzpNetworkRule *self, gint64 now_us);
/* @asleep_us: CLOCK_BOOTTIME less CLOCK_MONOTONIC, which is how long the
 * machine has slept since its boot. Returns how long it slept since the last
 * call, 0: at most WZP_NETWORK_SLEPT_US, or the first call. */
gint64 wzp_network_rule_slept (WzpNetworkRule *self, gint64 asleep_us);

/* What of the network matters. */
typedef struct _WzpNetworkState WzpNetworkState;

/* @addrs: as wzp_interfaces_read(). @source4, @source6 (nullable): from which
 * address packets to the outside leave. The rest is as for
 * wzp_interfaces_choose(); of a node that is bound to an address nothing else
 * matters. */
WzpNetworkState *wzp_network_state_new (const WzpInterfaceAddr *addrs,
    gsize n_addrs, const WzpAddr *source4, const WzpAddr *source6,
    guint16 port4, guint16 port6, const WzpAddr *bound);
void wzp_network_state_free (WzpNetworkState *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpNetworkState, wzp_network_state_free)

/* Whether the same host candidates can be told, and packets leave from the same
 * addresses; their order is not looked at. */
gboolean wzp_network_state_equal (
    const WzpNetworkState *a, const WzpNetworkState *b);
/* The host candidates. */
const WzpCandidateList *wzp_network_state_get_hosts (
    const WzpNetworkState *self);
/* Whether something can be sent from @addr (its port is not looked at): an
 * interface that is up and has a carrier has it. Always of loopback and of an
 * unspecified one. */
gboolean wzp_network_state_has (
    const WzpNetworkState *self, const WzpAddr *addr);

G_END_DECLS
