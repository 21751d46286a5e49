#include "wzp-udp-source.h"

#include "udp-pair.h"
#include "wzp-test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TIMEOUT_MS 5000
#define N_WAKES    20000

/* A source, its sockets and what it reported. */
typedef struct {
  WzpUdp *v4, *v6; /* owned; v6 is NULL without IPv6 */
  WzpUdp *sender;  /* owned */
  GSource *source; /* owned, attached */
  guint calls;
  WzpUdpSourceEvents events; /* of all calls since they were cleared */
  gboolean result;           /* what the callback returns */
  gint64 called_us;          /* when it was last called */
} Setup;

static gboolean
on_events (WzpUdpSourceEvents events, gpointer user_data)
{
  Setup *setup = user_data;

  g_assert_cmpint (events, !=, 0);
  setup->calls++;
  setup->events |= events;
  setup->called_us = g_get_monotonic_time ();
  return setup->result;
}

static void
setup_init (Setup *setup, WzpTest *test)
{
  *setup = (Setup){ .result = G_SOURCE_CONTINUE };
  setup->v4 = udp_open ("127.0.0.1:0", NULL);
  setup->v6 = udp_have_ipv6 () ? udp_open ("[::1]:0", NULL) : NULL;
  setup->sender = udp_open ("127.0.0.1:0", NULL);
  setup->source = wzp_udp_source_new (setup->v4, setup->v6);
  g_assert_nonnull (setup->source);
  g_source_set_callback (
      setup->source, (GSourceFunc) (void (*) (void)) on_events, setup, NULL);
  g_source_attach (setup->source, test->context);
}

static void
setup_clear (Setup *setup)
{
  g_source_destroy (setup->source);
  g_source_unref (setup->source);
  wzp_udp_free (setup->sender);
  wzp_udp_free (setup->v4);
  wzp_udp_free (setup->v6);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Setup, setup_clear)

static void
send_to (WzpUdp *from, WzpUdp *to)
{
  g_assert_cmpint (wzp_udp_send (from, NULL, wzp_udp_get_local (to), 0,
                       (const guint8 *) "x", 1, 1, NULL),
      ==, WZP_UDP_SENT);
}

static void
read_all (WzpUdp *udp)
{
  g_autoptr (GArray) datagrams = udp_datagrams_new ();

  udp_receive (udp, datagrams, 1);
}

/* Runs until exactly these events were seen, in one call. */
static void
expect (Setup *setup, WzpTest *test, WzpUdpSourceEvents events)
{
  setup->calls = 0;
  setup->events = 0;
  wzp_test_assert_until (test, setup->calls > 0, TIMEOUT_MS);
  g_assert_cmpint (setup->events, ==, events);
}

/* Nothing is ready now. */
static void
expect_nothing (Setup *setup, WzpTest *test)
{
  setup->calls = 0;
  wzp_test_drain (test->context);
  g_assert_cmpuint (setup->calls, ==, 0);
}

static void
test_readable (WzpTest *test, gconstpointer data)
{
  g_auto (Setup) setup;

  g_test_summary ("READABLE as long as there is something to read");

  setup_init (&setup, test);
  expect_nothing (&setup, test);
  send_to (setup.sender, setup.v4);
  expect (&setup, test, WZP_UDP_SOURCE_READABLE);
  expect (&setup, test, WZP_UDP_SOURCE_READABLE);
  read_all (setup.v4);
  expect_nothing (&setup, test);
}

static void
test_both_families (WzpTest *test, gconstpointer data)
{
  g_auto (Setup) setup;

  g_test_summary ("Both sockets are watched, and reported in one call");

  setup_init (&setup, test);
  if (setup.v6 == NULL) {
    g_test_skip ("No IPv6 here");
    return;
  }
  send_to (setup.v6, setup.v6);
  udp_wait (setup.v6);
  expect (&setup, test, WZP_UDP_SOURCE_READABLE);

  send_to (setup.sender, setup.v4);
  udp_wait (setup.v4);
  setup.calls = 0;
  g_assert_true (g_main_context_iteration (test->context, FALSE));
  g_assert_cmpuint (setup.calls, ==, 1);
  read_all (setup.v4);
  read_all (setup.v6);
  expect_nothing (&setup, test);
}

static void
test_no_sockets (WzpTest *test, gconstpointer data)
{
  g_autoptr (GSource) source = wzp_udp_source_new (NULL, NULL);
  Setup setup = { .result = G_SOURCE_REMOVE };

  g_test_summary ("Without sockets it is a deadline and a wake-up; REMOVE "
                  "ends it");

  g_source_set_callback (
      source, (GSourceFunc) (void (*) (void)) on_events, &setup, NULL);
  g_source_attach (source, test->context);
  wzp_udp_source_wake (source);
  expect (&setup, test, WZP_UDP_SOURCE_WOKEN);
  g_assert_true (g_source_is_destroyed (source));
}

static void
test_no_callback (WzpTest *test, gconstpointer data)
{
  g_autoptr (GSource) source = wzp_udp_source_new (NULL, NULL);

  g_test_summary ("Without a callback the source goes at its first event");

  g_source_attach (source, test->context);
  wzp_udp_source_wake (source);
  wzp_test_assert_until (test, g_source_is_destroyed (source), TIMEOUT_MS);
}

static void
test_writable (WzpTest *test, gconstpointer data)
{
  g_auto (Setup) setup;

  g_test_summary ("WRITABLE once for each time it is wanted");

  setup_init (&setup, test);
  wzp_udp_source_want_write (setup.source, setup.v4);
  expect (&setup, test, WZP_UDP_SOURCE_WRITABLE);
  expect_nothing (&setup, test);
  wzp_udp_source_want_write (setup.source, setup.v4);
  wzp_udp_source_want_write (setup.source, setup.v4);
  expect (&setup, test, WZP_UDP_SOURCE_WRITABLE);
  expect_nothing (&setup, test);

  send_to (setup.sender, setup.v4);
  udp_wait (setup.v4);
  expect (&setup, test, WZP_UDP_SOURCE_READABLE);
  read_all (setup.v4);

  /* Not one of its sockets: nothing happens. */
  wzp_udp_source_want_write (setup.source, setup.sender);
  expect_nothing (&setup, test);
}

static void
expect_deadline (Setup *setup, WzpTest *test, gint64 after_us)
{
  const gint64 deadline_us = g_get_monotonic_time () + after_us;

  wzp_udp_source_set_deadline (setup->source, deadline_us);
  expect (setup, test, WZP_UDP_SOURCE_EXPIRED);
  g_assert_cmpint (setup->called_us, >=, deadline_us);
  /* Not set again by itself. */
  expect_nothing (setup, test);
}

static void
test_deadline (WzpTest *test, gconstpointer data)
{
  static const gint64 afters[] = { -1000000, 0, 1, 50, 300, 999, 1000, 1999,
    WZP_UDP_SOURCE_FINE_US, 2001, 3700, 12000 };
  g_auto (Setup) setup;

  g_test_summary ("A deadline comes once and never early, near and far");

  setup_init (&setup, test);
  for (guint i = 0; i < G_N_ELEMENTS (afters); i++)
    expect_deadline (&setup, test, afters[i]);
}

static void
test_deadline_moved (WzpTest *test, gconstpointer data)
{
  g_auto (Setup) setup;

  g_test_summary ("Only the deadline set last counts, and it may be taken "
                  "away");

  setup_init (&setup, test);
  for (guint i = 0; i < 20; i++) {
    gint64 now_us = g_get_monotonic_time ();

    /* The fine timer goes off on the way and must not show. */
    wzp_udp_source_set_deadline (setup.source, now_us + 200);
    expect_deadline (&setup, test, 1500);
    wzp_udp_source_set_deadline (setup.source, now_us + 900000000);
    expect_deadline (&setup, test, 400);
  }

  wzp_udp_source_set_deadline (
      setup.source, g_get_monotonic_time () + 900000000);
  wzp_udp_source_set_deadline (setup.source, -1);
  expect_nothing (&setup, test);
  wzp_udp_source_set_deadline (setup.source, G_MININT64);
  expect_nothing (&setup, test);
  wzp_udp_source_set_deadline (setup.source, G_MAXINT64);
  expect_nothing (&setup, test);
}

/* How often the context was polled, and how often something was ready. */
static guint n_polls, n_ready;

static gint
count_polls (GPollFD *fds, guint n_fds, gint timeout_ms)
{
  gint n = g_poll (fds, n_fds, timeout_ms);

  n_polls++;
  n_ready += n > 0;
  return n;
}

static gboolean
set_far_deadline (WzpUdpSourceEvents events, gpointer user_data)
{
  Setup *setup = user_data;

  setup->calls++;
  if (events & WZP_UDP_SOURCE_READABLE)
    read_all (setup->v4);
  wzp_udp_source_set_deadline (
      setup->source, g_get_monotonic_time () + 900000000);
  return G_SOURCE_CONTINUE;
}

static void
test_one_turn (WzpTest *test, gconstpointer data)
{
  g_auto (Setup) setup;

  g_test_summary ("A packet, and a new deadline for each, is one turn of the "
                  "main loop");

  setup_init (&setup, test);
  g_source_set_callback (setup.source,
      (GSourceFunc) (void (*) (void)) set_far_deadline, &setup, NULL);
  wzp_test_drain (test->context);
  g_main_context_set_poll_func (test->context, count_polls);
  for (guint i = 1; i <= 10; i++) {
    send_to (setup.sender, setup.v4);
    udp_wait (setup.v4);
    n_polls = n_ready = 0;
    g_assert_true (g_main_context_iteration (test->context, FALSE));
    g_assert_cmpuint (setup.calls, ==, i);
    g_assert_false (g_main_context_iteration (test->context, FALSE));
    g_assert_cmpuint (n_polls, ==, 2);
    g_assert_cmpuint (n_ready, ==, 1);
  }
  g_main_context_set_poll_func (test->context, NULL);
}

static gboolean
iterate_inside (WzpUdpSourceEvents events, gpointer user_data)
{
  Setup *setup = user_data;

  setup->calls++;
  setup->events = events;
  if (setup->calls == 1)
    wzp_udp_source_wake (setup->source);
  for (guint i = 0; i < 5; i++)
    g_main_context_iteration (g_source_get_context (setup->source), FALSE);
  if (events & WZP_UDP_SOURCE_READABLE)
    read_all (setup->v4);
  return G_SOURCE_CONTINUE;
}

static void
test_not_inside (WzpTest *test, gconstpointer data)
{
  g_auto (Setup) setup;

  g_test_summary ("A callback that runs the main loop is not called inside "
                  "itself, and what came meanwhile is not lost");

  setup_init (&setup, test);
  g_source_set_callback (setup.source,
      (GSourceFunc) (void (*) (void)) iterate_inside, &setup, NULL);
  send_to (setup.sender, setup.v4);
  wzp_udp_source_set_deadline (setup.source, 1);
  udp_wait (setup.v4);
  g_assert_true (g_main_context_iteration (test->context, FALSE));
  g_assert_cmpuint (setup.calls, ==, 1);
  g_assert_cmpint (
      setup.events, ==, WZP_UDP_SOURCE_READABLE | WZP_UDP_SOURCE_EXPIRED);
  g_assert_true (g_main_context_iteration (test->context, FALSE));
  g_assert_cmpuint (setup.calls, ==, 2);
  g_assert_cmpint (setup.events, ==, WZP_UDP_SOURCE_WOKEN);
}

static void
test_all_at_once (WzpTest *test, gconstpointer data)
{
  g_auto (Setup) setup;

  g_test_summary ("Everything that is ready comes in one call");

  setup_init (&setup, test);
  send_to (setup.sender, setup.v4);
  udp_wait (setup.v4);
  wzp_udp_source_want_write (setup.source, setup.v4);
  wzp_udp_source_set_deadline (setup.source, 0);
  wzp_udp_source_wake (setup.source);
  expect (&setup, test,
      WZP_UDP_SOURCE_READABLE | WZP_UDP_SOURCE_WRITABLE |
          WZP_UDP_SOURCE_EXPIRED | WZP_UDP_SOURCE_WOKEN);
  read_all (setup.v4);
  expect_nothing (&setup, test);
}

static void
test_wake_merges (WzpTest *test, gconstpointer data)
{
  g_auto (Setup) setup;

  g_test_summary ("Wake-ups before the loop runs are one, later ones another");

  setup_init (&setup, test);
  for (guint i = 0; i < 10; i++)
    wzp_udp_source_wake (setup.source);
  expect (&setup, test, WZP_UDP_SOURCE_WOKEN);
  expect_nothing (&setup, test);
  wzp_udp_source_wake (setup.source);
  expect (&setup, test, WZP_UDP_SOURCE_WOKEN);
}

/* Threads that hand over numbers and wake the loop after each. */
typedef struct {
  GSource *source;
  int produced; /* atomic */
  guint consumed;
} Handover;

static gpointer
produce (gpointer data)
{
  Handover *handover = data;

  for (guint i = 0; i < N_WAKES; i++) {
    g_atomic_int_inc (&handover->produced);
    wzp_udp_source_wake (handover->source);
  }
  return NULL;
}

static gboolean
consume (WzpUdpSourceEvents events, gpointer user_data)
{
  Handover *handover = user_data;

  g_assert_cmpint (events, ==, WZP_UDP_SOURCE_WOKEN);
  handover->consumed = g_atomic_int_get (&handover->produced);
  return G_SOURCE_CONTINUE;
}

static void
test_wake_from_threads (WzpTest *test, gconstpointer data)
{
  g_autoptr (GSource) source = wzp_udp_source_new (NULL, NULL);
  Handover handover = { .source = source };
  GThread *threads[2];

  g_test_summary ("No wake-up from other threads is lost: what was handed over "
                  "before the last one is seen");

  g_source_set_callback (
      source, (GSourceFunc) (void (*) (void)) consume, &handover, NULL);
  g_source_attach (source, test->context);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("produce", produce, &handover);

  /* Blocking: a lost wake-up would leave it here until the watchdog comes. */
  while (handover.consumed < G_N_ELEMENTS (threads) * N_WAKES)
    g_main_context_iteration (test->context, TRUE);

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_source_destroy (source);
}

static gboolean
destroy_source (WzpUdpSourceEvents events, gpointer user_data)
{
  GSource **source = user_data;

  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
  return G_SOURCE_CONTINUE;
}

static void
test_destroy_inside (WzpTest *test, gconstpointer data)
{
  GSource *source = wzp_udp_source_new (NULL, NULL);

  g_test_summary ("The callback may destroy the source and drop it");

  g_source_set_callback (
      source, (GSourceFunc) (void (*) (void)) destroy_source, &source, NULL);
  g_source_attach (source, test->context);
  wzp_udp_source_wake (source);
  wzp_test_assert_until (test, source == NULL, TIMEOUT_MS);
}

static guint
count_fds (void)
{
  guint n = 0;

  for (int fd = 0; fd < 1024; fd++)
    n += fcntl (fd, F_GETFD) >= 0;
  return n;
}

static void
test_no_fds (WzpTest *test, gconstpointer data)
{
  const guint before = count_fds ();
  struct rlimit old, none;
  GSource *source;

  g_test_summary ("Without a free file descriptor there is no source; with "
                  "one only the fine timer is missing; none leaks");

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &old), ==, 0);
  none = old;
  none.rlim_cur = 0;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  source = wzp_udp_source_new (NULL, NULL);
  g_assert_cmpint (errno, ==, EMFILE);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &old), ==, 0);
  g_assert_null (source);

  source = wzp_udp_source_new (NULL, NULL);
  g_assert_cmpuint (count_fds (), ==, before + 2);
  g_source_unref (source);
  g_assert_cmpuint (count_fds (), ==, before);
}

static void
test_coarse (WzpTest *test, gconstpointer data)
{
  g_auto (Setup) setup = { 0 };
  struct rlimit old, limit;
  int next;

  g_test_summary ("With one file descriptor left deadlines still come");

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &old), ==, 0);
  /* The lowest free one is taken, so that just one more is allowed. */
  next = dup (0);
  g_assert_cmpint (next, >=, 0);
  close (next);
  limit = old;
  limit.rlim_cur = next + 1;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  setup.source = wzp_udp_source_new (NULL, NULL);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &old), ==, 0);
  g_assert_nonnull (setup.source);

  setup.result = G_SOURCE_CONTINUE;
  g_source_set_callback (
      setup.source, (GSourceFunc) (void (*) (void)) on_events, &setup, NULL);
  g_source_attach (setup.source, test->context);
  expect_deadline (&setup, test, 500);
  expect_deadline (&setup, test, 2500);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);

  wzp_test_add ("/udp-source/readable", NULL, test_readable);
  wzp_test_add ("/udp-source/both-families", NULL, test_both_families);
  wzp_test_add ("/udp-source/no-sockets", NULL, test_no_sockets);
  wzp_test_add ("/udp-source/no-callback", NULL, test_no_callback);
  wzp_test_add ("/udp-source/writable", NULL, test_writable);
  wzp_test_add ("/udp-source/deadline", NULL, test_deadline);
  wzp_test_add ("/udp-source/deadline-moved", NULL, test_deadline_moved);
  wzp_test_add ("/udp-source/one-turn", NULL, test_one_turn);
  wzp_test_add ("/udp-source/not-inside", NULL, test_not_inside);
  wzp_test_add ("/udp-source/all-at-once", NULL, test_all_at_once);
  wzp_test_add ("/udp-source/wake-merges", NULL, test_wake_merges);
  wzp_test_add ("/udp-source/wake-from-threads", NULL, test_wake_from_threads);
  wzp_test_add ("/udp-source/destroy-inside", NULL, test_destroy_inside);
  wzp_test_add ("/udp-source/no-fds", NULL, test_no_fds);
  wzp_test_add ("/udp-source/coarse", NULL, test_coarse);

  return wzp_test_run ();
}
