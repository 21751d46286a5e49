#include "wzp-punch-budget.h"

#include <string.h>

#define T0  ((gint64) 1000000000)
#define SEC ((gint64) G_USEC_PER_SEC)

/* Another IP address for each @n, or another port. */
static WzpAddr
addr_of (guint n, guint16 port)
{
  WzpAddr addr = { .family = 4, .port = port };

  addr.ip[0] = 10;
  addr.ip[2] = (guint8) (n / 256);
  addr.ip[3] = (guint8) n;
  return addr;
}

static guint
take_packets (WzpPunchBudget *budget, guint n, gboolean same_ip, gint64 now_us)
{
  guint taken = 0;

  for (guint i = 0; i < n; i++) {
    const WzpAddr addr = addr_of (same_ip ? 0 : i, (guint16) (i + 1));

    taken += wzp_punch_budget_take_packet (budget, &addr, now_us);
  }
  return taken;
}

static guint
take_dials (WzpPunchBudget *budget, guint n, gboolean same_ip, gint64 now_us)
{
  guint taken = 0;

  for (guint i = 0; i < n; i++) {
    const WzpAddr addr = addr_of (same_ip ? 0 : i, (guint16) (i + 1));

    taken += wzp_punch_budget_take_dial (budget, &addr, now_us);
  }
  return taken;
}

static void
test_burst (void)
{
  WzpPunchBudget budget;

  wzp_punch_budget_init (&budget, T0);
  g_assert_cmpuint (
      take_packets (&budget, 1000, FALSE, T0), ==, WZP_PUNCH_MAX_BURST);
  /* Then 60 a minute, from whenever they were sent. */
  g_assert_cmpuint (take_packets (&budget, 1000, FALSE, T0 + 5 * SEC), ==,
      WZP_PUNCH_MAX_A_MINUTE);
  g_assert_cmpuint (
      take_packets (&budget, 1000, FALSE, T0 + 65 * SEC - 1), ==, 0);
  g_assert_cmpuint (take_packets (&budget, 1000, FALSE, T0 + 65 * SEC), ==,
      WZP_PUNCH_MAX_A_MINUTE);
}

static void
test_renew (void)
{
  WzpPunchBudget budget;

  wzp_punch_budget_init (&budget, T0);
  take_packets (&budget, 1000, FALSE, T0);
  wzp_punch_budget_renew (&budget, T0 + 30 * SEC - 1);
  g_assert_cmpuint (take_packets (&budget, 1000, FALSE, T0 + 30 * SEC - 1), ==,
      WZP_PUNCH_MAX_A_MINUTE);
  wzp_punch_budget_renew (&budget, T0 + 30 * SEC);
  g_assert_cmpuint (take_packets (&budget, 1000, FALSE, T0 + 30 * SEC), ==,
      WZP_PUNCH_MAX_BURST);
}

static void
test_address (void)
{
  WzpPunchBudget budget;
  const WzpAddr other = addr_of (1, 1);

  g_test_summary ("One IP address gets so many, whatever the port");
  wzp_punch_budget_init (&budget, T0);
  g_assert_cmpuint (
      take_packets (&budget, 1000, TRUE, T0), ==, WZP_PUNCH_MAX_TO_ADDRESS);
  g_assert_true (wzp_punch_budget_take_packet (&budget, &other, T0));
  wzp_punch_budget_renew (&budget, T0 + 40 * SEC);
  g_assert_cmpuint (
      take_packets (&budget, 1000, TRUE, T0 + 60 * SEC - 1), ==, 0);
  g_assert_cmpuint (take_packets (&budget, 1000, TRUE, T0 + 60 * SEC), ==,
      WZP_PUNCH_MAX_TO_ADDRESS);
}

static void
test_dials (void)
{
  WzpPunchBudget budget;

  wzp_punch_budget_init (&budget, T0);
  g_assert_cmpuint (
      take_dials (&budget, 1000, TRUE, T0), ==, WZP_PUNCH_MAX_DIALS_TO_ADDRESS);
  g_assert_cmpuint (take_dials (&budget, 1000, FALSE, T0 + SEC), ==,
      WZP_PUNCH_MAX_DIALS - WZP_PUNCH_MAX_DIALS_TO_ADDRESS);
  /* They are no packets. */
  g_assert_cmpuint (
      take_packets (&budget, 1000, FALSE, T0 + SEC), ==, WZP_PUNCH_MAX_BURST);
  g_assert_cmpuint (take_dials (&budget, 1000, TRUE, T0 + 60 * SEC), ==,
      WZP_PUNCH_MAX_DIALS_TO_ADDRESS);
}

/* The log keeps all that a minute can have: an old entry that was written over
 * too early would let one more through. */
static void
test_full_log (void)
{
  WzpPunchBudget budget;
  guint n = 0;

  wzp_punch_budget_init (&budget, T0);
  for (gint64 at = T0; at < T0 + 59 * SEC; at += SEC / 4) {
    wzp_punch_budget_renew (&budget, at);
    n += take_dials (&budget, 40, FALSE, at);
    n += take_packets (&budget, 200, FALSE, at);
  }
  g_assert_cmpuint (n, <=, WZP_PUNCH_LOG_SIZE);
  g_assert_cmpuint (n, ==,
      2 * WZP_PUNCH_MAX_BURST + WZP_PUNCH_MAX_A_MINUTE + WZP_PUNCH_MAX_DIALS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/punch-budget/burst", test_burst);
  g_test_add_func ("/punch-budget/renew", test_renew);
  g_test_add_func ("/punch-budget/address", test_address);
  g_test_add_func ("/punch-budget/dials", test_dials);
  g_test_add_func ("/punch-budget/full-log", test_full_log);
  return g_test_run ();
}
