/* In a namespace of its own, whose loopback interface and pair of virtual
 * cards the tests change. This program puts its own timerfd_create() in the
 * place of the C library's: the clock of the machine is not to be set. */
#include "wzp-network-monitor.h"

#include "netns.h"
#include "wzp-clock.h"
#include "wzp-test.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define WAIT_MS 5000u

static int clock_fd = -1; /* written to: "the clock was set" */
static guint n_armed;
static gint64 asleep_us = 1000 * G_USEC_PER_SEC;

int
timerfd_create (clockid_t clock, int flags)
{
  g_assert_cmpint (clock, ==, CLOCK_REALTIME);
  clock_fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  return clock_fd;
}

int
timerfd_settime (int fd, int flags, const struct itimerspec *new_value,
    struct itimerspec *old_value)
{
  g_assert_cmpint (fd, ==, clock_fd);
  g_assert_cmpint (flags, ==, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
  n_armed++;
  return 0;
}

gint64 __wrap_wzp_clock_asleep_us (void);

gint64
__wrap_wzp_clock_asleep_us (void)
{
  return asleep_us;
}

/* ---- rig ---- */

typedef struct {
  WzpNetworkMonitor *monitor;
  guint n_changes;
  guint n_before, n_hosts; /* of the last change */
  gint64 slept_us;
  gboolean frees; /* in the next change */
} Rig;

static void
on_changed (WzpNetworkMonitor *monitor, const WzpNetworkChange *change,
    gpointer user_data)
{
  Rig *rig = user_data;

  rig->n_changes++;
  rig->n_before = wzp_network_state_get_hosts (change->before)->n;
  rig->n_hosts = wzp_network_state_get_hosts (change->now)->n;
  rig->slept_us = change->slept_us;
  g_assert_true (change->now == wzp_network_monitor_get_state (monitor));
  if (rig->frees)
    g_clear_pointer (&rig->monitor, wzp_network_monitor_free);
}

static void
begin (Rig *rig)
{
  g_autoptr (GError) error = NULL;

  *rig = (Rig){ 0 };
  rig->monitor =
      wzp_network_monitor_new (NULL, 4444, 6666, NULL, on_changed, rig, &error);
  g_assert_no_error (error);
}

/* Until it was told @n times. */
static void
wait_for (Rig *rig, guint n)
{
  WzpTestWait *wait = wzp_test_wait_new (NULL, WAIT_MS);

  while (rig->n_changes < n && wzp_test_wait_step (wait))
    ;
  wzp_test_wait_free (wait);
  g_assert_cmpuint (rig->n_changes, ==, n);
}

/* All news so far have been looked at: longer than anything waits. */
static void
settle (void)
{
  const gint64 end_us =
      wzp_clock_now_us () + WZP_NETWORK_MAX_WAIT_US + WZP_NETWORK_QUIET_US;
  WzpTestWait *wait = wzp_test_wait_new (NULL, 2 * WAIT_MS);

  while (wzp_clock_now_us () < end_us && wzp_test_wait_step (wait))
    ;
  wzp_test_wait_free (wait);
}

static void
ip (const char *arguments)
{
  g_autofree char *command = g_strconcat ("ip ", arguments, NULL);

  g_assert_cmpint (system (command), ==, 0);
}

/* Two cards with a cable between them, "va" and "vb". */
static void
add_cards (void)
{
  if (system ("ip link add name va type veth peer name vb") != 0)
    netns_skip ();
}

/* ---- tests ---- */

static void
see_addresses (void)
{
  Rig rig;

  begin (&rig);
  netns_add_address ("10.1.2.3", FALSE);
  netns_add_address ("fd00::5", FALSE);
  wait_for (&rig, 1); /* both in one */
  g_assert_cmpuint (rig.n_before, ==, 0);
  g_assert_cmpuint (rig.n_hosts, ==, 2);
  g_assert_cmpint (rig.slept_us, ==, 0);

  netns_set_up (FALSE);
  wait_for (&rig, 2);
  g_assert_cmpuint (rig.n_before, ==, 2);
  g_assert_cmpuint (rig.n_hosts, ==, 0);
  netns_set_up (TRUE);
  wait_for (&rig, 3);
  wzp_network_monitor_free (rig.monitor);
}

static void
test_addresses (WzpTest *test, gconstpointer data)
{
  netns_run (see_addresses);
}

/* What is of no use to us is not told. */
static void
see_nothing (void)
{
  Rig rig;

  begin (&rig);
  netns_add_address ("127.0.0.5", FALSE);
  netns_add_address ("169.254.3.4", FALSE);
  netns_set_mtu (9000);
  netns_add_address ("fe80::9", FALSE);
  settle ();
  g_assert_cmpuint (rig.n_changes, ==, 0);
  wzp_network_monitor_free (rig.monitor);
}

static void
test_nothing (WzpTest *test, gconstpointer data)
{
  netns_run (see_nothing);
}

/* Cables: the other end of a pair of cards goes down and up. */
static void
see_cable (void)
{
  WzpAddr addr;
  gint64 begin_us;
  Rig rig;

  add_cards ();
  ip ("address add 192.168.7.1/24 dev va");
  ip ("link set va up");
  ip ("link set vb up");
  g_assert_true (wzp_addr_parse_ip ("192.168.7.1", 0, &addr, NULL));
  begin (&rig);
  g_assert_true (wzp_network_state_has (
      wzp_network_monitor_get_state (rig.monitor), &addr));
  settle (); /* its IPv6 address may still be tentative at first */
  rig.n_changes = 0;

  begin_us = wzp_clock_now_us ();
  ip ("link set vb down");
  wait_for (&rig, 1);
  g_test_message ("cable out, told after %d ms",
      (int) ((wzp_clock_now_us () - begin_us) / 1000));
  g_assert_false (wzp_network_state_has (
      wzp_network_monitor_get_state (rig.monitor), &addr));
  settle ();
  rig.n_changes = 0;
  ip ("link set vb up");
  wait_for (&rig, 1);
  g_assert_true (wzp_network_state_has (
      wzp_network_monitor_get_state (rig.monitor), &addr));
  wzp_network_monitor_free (rig.monitor);
}

static void
test_cable (WzpTest *test, gconstpointer data)
{
  netns_run (see_cable);
}

/* Another default route, the addresses as they were. */
static void
see_route (void)
{
  Rig rig;

  add_cards ();
  ip ("address add 192.168.7.1/24 dev va");
  ip ("address add 192.168.8.1/24 dev vb");
  ip ("link set va up");
  ip ("link set vb up");
  ip ("route add default via 192.168.7.2");
  begin (&rig);
  settle ();
  rig.n_changes = 0;
  ip ("route replace default via 192.168.8.2");
  wait_for (&rig, 1);
  g_assert_cmpuint (rig.n_before, ==, rig.n_hosts);
  /* One to somewhere is none of ours. */
  ip ("route add 198.51.100.0/24 via 192.168.7.2");
  settle ();
  g_assert_cmpuint (rig.n_changes, ==, 1);
  wzp_network_monitor_free (rig.monitor);
}

static void
test_route (WzpTest *test, gconstpointer data)
{
  netns_run (see_route);
}

/* More news than the socket holds while nobody reads: some are lost, and what
 * came of them is seen nevertheless. */
static void
see_flood (void)
{
  WzpAddr addr;
  Rig rig;

  begin (&rig);
  for (guint i = 0; i < 1500; i++) {
    g_autofree char *text =
        g_strdup_printf ("10.%u.%u.1", 1 + i / 250, i % 250);

    netns_add_address (text, FALSE);
  }
  wait_for (&rig, 1);
  settle ();
  g_assert_true (wzp_addr_parse_ip ("10.6.249.1", 0, &addr, NULL));
  g_assert_true (wzp_network_state_has (
      wzp_network_monitor_get_state (rig.monitor), &addr));
  g_assert_cmpuint (rig.n_changes, <=, 3);
  wzp_network_monitor_free (rig.monitor);
}

static void
test_flood (WzpTest *test, gconstpointer data)
{
  netns_run (see_flood);
}

static void
set_clock (void)
{
  const guint64 one = 1;

  g_assert_cmpint (write (clock_fd, &one, sizeof one), ==, sizeof one);
}

static void
see_sleep (void)
{
  guint armed;
  Rig rig;

  begin (&rig);
  armed = n_armed;
  g_assert_cmpuint (armed, >, 0);

  /* Somebody sets the clock: it is no sleep. */
  set_clock ();
  settle ();
  g_assert_cmpuint (rig.n_changes, ==, 0);
  g_assert_cmpuint (n_armed, ==, armed + 1);

  asleep_us += 90 * G_USEC_PER_SEC;
  set_clock ();
  wait_for (&rig, 1);
  g_assert_cmpint (rig.slept_us, ==, 90 * G_USEC_PER_SEC);

  /* Where the kernel does not say it, the next news do. */
  asleep_us += 5 * G_USEC_PER_SEC;
  netns_add_address ("127.0.0.5", FALSE);
  wait_for (&rig, 2);
  g_assert_cmpint (rig.slept_us, ==, 5 * G_USEC_PER_SEC);
  wzp_network_monitor_free (rig.monitor);
}

static void
test_sleep (WzpTest *test, gconstpointer data)
{
  netns_run (see_sleep);
}

static void
free_inside (void)
{
  Rig rig;

  begin (&rig);
  rig.frees = TRUE;
  netns_add_address ("10.1.2.3", FALSE);
  wait_for (&rig, 1);
  g_assert_null (rig.monitor);
  netns_add_address ("10.1.2.4", FALSE);
  settle ();
  g_assert_cmpuint (rig.n_changes, ==, 1);
}

static void
test_free_inside (WzpTest *test, gconstpointer data)
{
  netns_run (free_inside);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/network-monitor/addresses", NULL, test_addresses);
  wzp_test_add ("/network-monitor/nothing", NULL, test_nothing);
  wzp_test_add ("/network-monitor/cable", NULL, test_cable);
  wzp_test_add ("/network-monitor/route", NULL, test_route);
  wzp_test_add ("/network-monitor/flood", NULL, test_flood);
  wzp_test_add ("/network-monitor/sleep", NULL, test_sleep);
  wzp_test_add ("/network-monitor/free-inside", NULL, test_free_inside);
  return wzp_test_run ();
}
