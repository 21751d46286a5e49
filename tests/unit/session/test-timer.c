#include "wzp-test.h"
#include "wzp-timer.h"

typedef struct {
  WzpTimer *timer;
  guint n_fired;
  gint64 again_us; /* set from inside, once; -1: not */
  gboolean free_self;
  gint64 fired_us;
} Rig;

static void
on_timer (gpointer user_data)
{
  Rig *rig = user_data;

  rig->n_fired++;
  rig->fired_us = g_get_monotonic_time ();
  if (rig->free_self)
    g_clear_pointer (&rig->timer, wzp_timer_free);
  else if (rig->again_us >= 0)
    wzp_timer_set (rig->timer, rig->again_us);
  rig->again_us = -1;
}

static void
rig_init (Rig *rig, WzpTest *test)
{
  *rig = (Rig){ .again_us = -1 };
  rig->timer = wzp_timer_new (test->context, on_timer, rig);
}

static gint64
in_ms (gint64 ms)
{
  return g_get_monotonic_time () + ms * 1000;
}

static void
test_fires (WzpTest *test, gconstpointer data)
{
  gint64 deadline_us;
  Rig rig;

  g_test_summary ("Not at first, once at its time, at once when that is past");
  rig_init (&rig, test);
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 0);

  deadline_us = in_ms (5);
  wzp_timer_set (rig.timer, deadline_us);
  wzp_test_assert_until (test, rig.n_fired == 1, 5000);
  g_assert_cmpint (rig.fired_us, >=, deadline_us);
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 1);

  wzp_timer_set (rig.timer, 0);
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 2);
  /* The same deadline again is a new one. */
  wzp_timer_set (rig.timer, 0);
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 3);
  wzp_timer_free (rig.timer);
}

static void
test_moves (WzpTest *test, gconstpointer data)
{
  Rig rig;

  g_test_summary ("Moved later, taken back, moved earlier");
  rig_init (&rig, test);
  wzp_timer_set (rig.timer, 0);
  wzp_timer_set (rig.timer, in_ms (3600 * 1000));
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 0);
  wzp_timer_set (rig.timer, 0);
  wzp_timer_set (rig.timer, -1);
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 0);

  wzp_timer_set_earlier (rig.timer, -1);
  wzp_timer_set_earlier (rig.timer, in_ms (3600 * 1000));
  wzp_timer_set_earlier (rig.timer, in_ms (7200 * 1000));
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 0);
  wzp_timer_set_earlier (rig.timer, 1);
  wzp_timer_set_earlier (rig.timer, in_ms (7200 * 1000));
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 1);
  wzp_timer_free (rig.timer);
}

static guint n_ready;

static gint
count_ready (GPollFD *fds, guint n_fds, gint timeout_ms)
{
  gint n = g_poll (fds, n_fds, timeout_ms);

  n_ready += n > 0;
  return n;
}

static void
test_later_is_free (WzpTest *test, gconstpointer data)
{
  gint64 deadline_us;
  Rig rig, other;

  g_test_summary ("A deadline that only moves on does not wake the main loop, "
                  "and is kept all the same");
  rig_init (&rig, test);
  wzp_timer_set (rig.timer, in_ms (3600 * 1000));
  wzp_test_drain (test->context);
  g_main_context_set_poll_func (test->context, count_ready);
  n_ready = 0;
  for (guint i = 0; i < 100; i++) {
    wzp_timer_set (rig.timer, in_ms (3600 * 1000 + i));
    g_main_context_iteration (test->context, FALSE);
  }
  g_assert_cmpuint (n_ready, ==, 0);
  g_main_context_set_poll_func (test->context, NULL);

  wzp_timer_set (rig.timer, in_ms (5));
  deadline_us = in_ms (30);
  wzp_timer_set (rig.timer, deadline_us);
  wzp_test_assert_until (test, rig.n_fired == 1, 5000);
  g_assert_cmpint (rig.fired_us, >=, deadline_us);
  /* Taken back while the old one still stands. */
  wzp_timer_set (rig.timer, in_ms (5));
  wzp_timer_set (rig.timer, -1);
  wzp_timer_set (rig.timer, in_ms (20));
  wzp_timer_set (rig.timer, -1);
  rig_init (&other, test);
  wzp_timer_set (other.timer, in_ms (40));
  wzp_test_assert_until (test, other.n_fired == 1, 5000);
  g_assert_cmpuint (rig.n_fired, ==, 1);
  wzp_timer_free (other.timer);
  wzp_timer_free (rig.timer);
}

static void
test_from_inside (WzpTest *test, gconstpointer data)
{
  Rig rig;

  g_test_summary ("Set again, or freed, by its own function");
  rig_init (&rig, test);
  rig.again_us = 0;
  wzp_timer_set (rig.timer, 0);
  wzp_test_assert_until (test, rig.n_fired == 2, 5000);
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 2);
  rig.free_self = TRUE;
  wzp_timer_set (rig.timer, 0);
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 3);
  g_assert_null (rig.timer);
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 3);
}

static void
test_free_armed (WzpTest *test, gconstpointer data)
{
  Rig rig;

  g_test_summary ("Freed while due: does not fire");
  rig_init (&rig, test);
  wzp_timer_set (rig.timer, 0);
  wzp_timer_free (rig.timer);
  wzp_test_drain (test->context);
  g_assert_cmpuint (rig.n_fired, ==, 0);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/timer/fires", NULL, test_fires);
  wzp_test_add ("/timer/moves", NULL, test_moves);
  wzp_test_add ("/timer/later-is-free", NULL, test_later_is_free);
  wzp_test_add ("/timer/from-inside", NULL, test_from_inside);
  wzp_test_add ("/timer/free-armed", NULL, test_free_armed);
  return wzp_test_run ();
}
