/* Two sides that only have MediaPathReport: the rule case by case, and by the
 * thousand with random times, losses and orders.
 *
 * WZP_SCHEDULES: how many of each kind (default 40000). WZP_SCHEDULE_SEED: only
 * this one. */
#include "wzp-plain-nominate.h"
#include "wzp-test.h"

#include <stdlib.h>

#define T0                ((gint64) 5000000000)
#define MS                ((gint64) 1000)
#define SEC               ((gint64) G_USEC_PER_SEC)
#define DEFAULT_SCHEDULES 40000u
#define RACE_US           (2 * SEC) /* when the direct attempt is over */

/* ---- case by case ---- */

static void
assert_report (WzpPlainNominate *self, gint64 now_us, gboolean direct_ok)
{
  WzpPlainNominateAction action;
  gboolean told;

  g_assert_true (wzp_plain_nominate_step (self, now_us, &action));
  g_assert_cmpint (action.type, ==, WZP_PLAIN_NOMINATE_ACTION_REPORT);
  g_assert_cmpint (action.direct_ok, ==, direct_ok);
  g_assert_true (wzp_plain_nominate_get_report (self, &told));
  g_assert_cmpint (told, ==, direct_ok);
}

static void
assert_change (
    WzpPlainNominate *self, gint64 now_us, WzpPath old_path, WzpPath path)
{
  WzpPlainNominateAction action;

  g_assert_true (wzp_plain_nominate_step (self, now_us, &action));
  g_assert_cmpint (action.type, ==, WZP_PLAIN_NOMINATE_ACTION_CHANGED);
  g_assert_cmpint (action.old_path, ==, old_path);
  g_assert_cmpint (action.path, ==, path);
}

static void
assert_idle (WzpPlainNominate *self, gint64 now_us)
{
  WzpPlainNominateAction action;

  g_assert_false (wzp_plain_nominate_step (self, now_us, &action));
}

static void
test_both_ok (void)
{
  g_autoptr (WzpPlainNominate) self = wzp_plain_nominate_new ();
  gboolean told;

  g_test_summary ("Direct is used when both have said ok, not before");
  assert_idle (self, T0);
  g_assert_false (wzp_plain_nominate_get_report (self, &told));
  wzp_plain_nominate_path_up (self, WZP_PATH_RELAY);
  assert_idle (self, T0); /* direct may come */
  g_assert_cmpint (wzp_plain_nominate_get_deadline (self), ==, -1);
  wzp_plain_nominate_path_up (self, WZP_PATH_DIRECT);
  assert_report (self, T0 + MS, TRUE);
  assert_idle (self, T0 + MS);
  g_assert_cmpint (wzp_plain_nominate_get_deadline (self), ==,
      T0 + MS + WZP_PLAIN_NOMINATE_WAIT_US);
  wzp_plain_nominate_receive (self, TRUE);
  assert_change (self, T0 + 2 * MS, WZP_PATH_NONE, WZP_PATH_DIRECT);
  assert_idle (self, T0 + 2 * MS);
  g_assert_cmpint (wzp_plain_nominate_get_deadline (self), ==, -1);
}

static void
test_peer_first (void)
{
  g_autoptr (WzpPlainNominate) self = wzp_plain_nominate_new ();

  g_test_summary ("The peer's report may come before anything of ours");
  wzp_plain_nominate_receive (self, TRUE);
  assert_idle (self, T0);
  wzp_plain_nominate_path_up (self, WZP_PATH_DIRECT);
  assert_report (self, T0, TRUE);
  assert_change (self, T0, WZP_PATH_NONE, WZP_PATH_DIRECT);
}

static void
test_peer_not_ok (void)
{
  g_autoptr (WzpPlainNominate) self = wzp_plain_nominate_new ();

  g_test_summary ("One side without direct is enough for the relay, at once; "
                  "what it says later does not bring direct back");
  wzp_plain_nominate_receive (self, FALSE);
  assert_idle (self, T0);
  wzp_plain_nominate_path_up (self, WZP_PATH_RELAY);
  assert_report (self, T0, FALSE);
  assert_change (self, T0, WZP_PATH_NONE, WZP_PATH_RELAY);
  wzp_plain_nominate_path_up (self, WZP_PATH_DIRECT);
  wzp_plain_nominate_receive (self, TRUE);
  assert_idle (self, T0 + 10 * SEC);
}

static void
test_own_not_ok (void)
{
  g_autoptr (WzpPlainNominate) self = wzp_plain_nominate_new ();

  g_test_summary ("Without direct here it is the relay, but the peer is waited "
                  "for: it may not be in the room yet");
  wzp_plain_nominate_path_up (self, WZP_PATH_RELAY);
  assert_idle (self, T0);
  wzp_plain_nominate_set_pending (self, FALSE, FALSE);
  assert_report (self, T0, FALSE);
  assert_idle (self, T0 + WZP_PLAIN_NOMINATE_WAIT_US - 1);
  wzp_plain_nominate_receive (self, TRUE);
  assert_change (self, T0 + SEC, WZP_PATH_NONE, WZP_PATH_RELAY);
  assert_idle (self, T0 + 2 * SEC);
}

static void
test_no_report (void)
{
  static const struct {
    gboolean relay_up, relay_pending;
    WzpPath expected;
  } cases[] = {
    { TRUE, FALSE, WZP_PATH_RELAY }, { FALSE, FALSE, WZP_PATH_DIRECT },
    { FALSE, TRUE, WZP_PATH_NONE }, /* it may be there in a moment */
  };

  g_test_summary ("A peer that reports nothing within 3 s");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WzpPlainNominate) self = wzp_plain_nominate_new ();

    if (cases[i].relay_up)
      wzp_plain_nominate_path_up (self, WZP_PATH_RELAY);
    wzp_plain_nominate_path_up (self, WZP_PATH_DIRECT);
    wzp_plain_nominate_set_pending (self, FALSE, cases[i].relay_pending);
    assert_report (self, T0, TRUE);
    assert_idle (self, T0 + WZP_PLAIN_NOMINATE_WAIT_US - 1);
    if (cases[i].expected != WZP_PATH_NONE)
      assert_change (self, T0 + WZP_PLAIN_NOMINATE_WAIT_US, WZP_PATH_NONE,
          cases[i].expected);
    assert_idle (self, T0 + WZP_PLAIN_NOMINATE_WAIT_US);
    /* It counts still. */
    wzp_plain_nominate_receive (self, TRUE);
    if (cases[i].expected != WZP_PATH_DIRECT)
      assert_change (self, T0 + 5 * SEC, cases[i].expected, WZP_PATH_DIRECT);
    assert_idle (self, T0 + 5 * SEC);
  }
}

static void
test_loss (void)
{
  g_autoptr (WzpPlainNominate) self = wzp_plain_nominate_new ();

  g_test_summary ("A path that is lost later: the other, and the peer is told");
  wzp_plain_nominate_path_up (self, WZP_PATH_RELAY);
  wzp_plain_nominate_path_up (self, WZP_PATH_DIRECT);
  wzp_plain_nominate_receive (self, TRUE);
  assert_report (self, T0, TRUE);
  assert_change (self, T0, WZP_PATH_NONE, WZP_PATH_DIRECT);
  wzp_plain_nominate_path_down (self, WZP_PATH_DIRECT);
  assert_report (self, T0, FALSE);
  assert_change (self, T0, WZP_PATH_DIRECT, WZP_PATH_RELAY);
  wzp_plain_nominate_path_up (self, WZP_PATH_DIRECT);
  assert_idle (self, T0);
  wzp_plain_nominate_set_pending (self, FALSE, FALSE);
  wzp_plain_nominate_path_down (self, WZP_PATH_RELAY);
  assert_change (self, T0, WZP_PATH_RELAY, WZP_PATH_DIRECT);
  wzp_plain_nominate_path_up (self, WZP_PATH_RELAY);
  assert_change (self, T0, WZP_PATH_DIRECT, WZP_PATH_RELAY);
  wzp_plain_nominate_path_down (self, WZP_PATH_RELAY);
  wzp_plain_nominate_path_down (self, WZP_PATH_DIRECT);
  assert_change (self, T0, WZP_PATH_RELAY, WZP_PATH_NONE);
}

static void
test_loss_heard (void)
{
  g_autoptr (WzpPlainNominate) self = wzp_plain_nominate_new ();

  g_test_summary ("The peer lost direct and says so: we follow; reports that "
                  "overtake each other mean the same");
  wzp_plain_nominate_path_up (self, WZP_PATH_RELAY);
  wzp_plain_nominate_path_up (self, WZP_PATH_DIRECT);
  assert_report (self, T0, TRUE);
  wzp_plain_nominate_receive (self, FALSE);
  wzp_plain_nominate_receive (self, TRUE);
  assert_change (self, T0, WZP_PATH_NONE, WZP_PATH_RELAY);
  assert_idle (self, T0);
}

/* ---- by the thousand ---- */

typedef enum {
  EVENT_RELAY_UP,
  EVENT_RELAY_DOWN,
  EVENT_RELAY_OVER, /* the relay dial has failed */
  EVENT_DIRECT_UP,
  EVENT_DIRECT_DOWN,
  EVENT_DIRECT_OVER,
  EVENT_REPORT_OK, /* arrives */
  EVENT_REPORT_NOT_OK,
} EventType;

typedef struct {
  gint64 at_us;
  guint side;
  EventType type;
} Event;

typedef struct {
  WzpPlainNominate *rule; /* owned */
  gboolean direct_pending, relay_pending, direct_up, relay_up;
  WzpPath path;
} Side;

typedef struct {
  guint32 seed;
  GRand *rand;    /* owned */
  GArray *events; /* of Event, sorted by time; owned */
  GString *trace; /* owned */
  gboolean lossy; /* reports may vanish */
  guint lost_ok;  /* reports "ok" that did */
  gint64 now_us;
  Side sides[2];
} Schedule;

static gboolean
chance (Schedule *s, double p)
{
  return g_rand_double (s->rand) < p;
}

static gint64
some_time (Schedule *s, gint64 from_us, gint64 to_us)
{
  return T0 + from_us +
      (gint64) (g_rand_double (s->rand) * (double) (to_us - from_us));
}

static void
add_event (Schedule *s, guint side, EventType type, gint64 at_us)
{
  Event event = { .at_us = at_us, .side = side, .type = type };
  guint i = s->events->len;

  while (i > 0 && g_array_index (s->events, Event, i - 1).at_us > at_us)
    i--;
  g_array_insert_val (s->events, i, event);
}

/* A relay link that comes soon, late or never, and may go and return. */
static void
plan_relay (Schedule *s, guint side)
{
  gint64 up_us;

  if (chance (s, 0.1)) {
    add_event (s, side, EVENT_RELAY_OVER, some_time (s, 0, 10 * SEC));
    return;
  }
  up_us = some_time (s, 0, chance (s, 0.2) ? 8 * SEC : SEC);
  add_event (s, side, EVENT_RELAY_UP, up_us);
  add_event (s, side, EVENT_RELAY_OVER, up_us);
  if (chance (s, 0.2)) {
    gint64 down_us = some_time (s, up_us + 1 - T0, 20 * SEC);

    add_event (s, side, EVENT_RELAY_DOWN, down_us);
    if (chance (s, 0.7))
      add_event (s, side, EVENT_RELAY_UP, down_us + 2 * SEC);
  }
}

/* One connection that both have, or only the one that dialled it (who learns
 * that later), or nobody. */
static void
plan_direct (Schedule *s)
{
  guint dialer = chance (s, 0.5);
  gint64 up_us = some_time (s, 0, RACE_US - 400 * MS);
  gboolean is_half = chance (s, 0.1), is_up = chance (s, 0.7);

  for (guint i = 0; i < 2; i++)
    add_event (s, i, EVENT_DIRECT_OVER, T0 + RACE_US);
  if (!is_up)
    return;
  add_event (s, dialer, EVENT_DIRECT_UP, up_us);
  if (!is_half)
    add_event (s, !dialer, EVENT_DIRECT_UP,
        up_us + g_rand_int_range (s->rand, 0, 300000));
  if (is_half || chance (s, 0.3)) {
    gint64 down_us = some_time (s, up_us + SEC - T0, 20 * SEC);

    add_event (s, dialer, EVENT_DIRECT_DOWN, down_us);
    if (!is_half)
      add_event (s, !dialer, EVENT_DIRECT_DOWN,
          down_us + g_rand_int_range (s->rand, 0, 5000000));
  }
}

static void
send_report (Schedule *s, guint from, gboolean direct_ok)
{
  gint64 delay_us =
      g_rand_int_range (s->rand, 0, chance (s, 0.1) ? 6000000 : 300000);

  if (s->lossy && chance (s, 0.3)) {
    s->lost_ok += direct_ok;
    g_string_append_printf (
        s->trace, "  report %d of %u lost\n", direct_ok, from);
    return;
  }
  add_event (s, !from, direct_ok ? EVENT_REPORT_OK : EVENT_REPORT_NOT_OK,
      s->now_us + delay_us);
}

static void
run_side (Schedule *s, guint i)
{
  Side *side = &s->sides[i];
  WzpPlainNominateAction action;

  wzp_plain_nominate_set_pending (
      side->rule, side->direct_pending, side->relay_pending);
  while (wzp_plain_nominate_step (side->rule, s->now_us, &action)) {
    if (action.type == WZP_PLAIN_NOMINATE_ACTION_REPORT) {
      send_report (s, i, action.direct_ok);
      continue;
    }
    g_assert_cmpint (action.old_path, ==, side->path);
    side->path = action.path;
    g_string_append_printf (s->trace, "%8.3f s: side %u on %s\n",
        (double) (s->now_us - T0) / (double) SEC, i,
        wzp_path_to_string (action.path));
  }
}

static void
apply (Schedule *s, const Event *event)
{
  Side *side = &s->sides[event->side];

  g_string_append_printf (s->trace, "%8.3f s: side %u event %d\n",
      (double) (event->at_us - T0) / (double) SEC, event->side, event->type);
  switch (event->type) {
    case EVENT_RELAY_UP:
    case EVENT_RELAY_DOWN:
      side->relay_up = event->type == EVENT_RELAY_UP;
      (side->relay_up
              ? wzp_plain_nominate_path_up
              : wzp_plain_nominate_path_down) (side->rule, WZP_PATH_RELAY);
      break;
    case EVENT_DIRECT_UP:
    case EVENT_DIRECT_DOWN:
      side->direct_up = event->type == EVENT_DIRECT_UP;
      (side->direct_up
              ? wzp_plain_nominate_path_up
              : wzp_plain_nominate_path_down) (side->rule, WZP_PATH_DIRECT);
      break;
    case EVENT_RELAY_OVER:
      side->relay_pending = FALSE;
      break;
    case EVENT_DIRECT_OVER:
      side->direct_pending = FALSE;
      break;
    case EVENT_REPORT_OK:
    case EVENT_REPORT_NOT_OK:
      wzp_plain_nominate_receive (side->rule, event->type == EVENT_REPORT_OK);
      break;
  }
}

/* Never on a path that is not there, at any moment. */
static void
check_moment (const Schedule *s, const Side *side)
{
  if ((side->path == WZP_PATH_DIRECT && !side->direct_up) ||
      (side->path == WZP_PATH_RELAY && !side->relay_up))
    g_error ("%son a path that is down; WZP_SCHEDULE_SEED=%u", s->trace->str,
        s->seed);
}

static void
check_end (const Schedule *s)
{
  const Side *a = &s->sides[0], *b = &s->sides[1];
  gboolean may_differ = !a->relay_up || !b->relay_up ||
      (s->lost_ok > 0 && a->direct_up && b->direct_up);

  if (!may_differ && a->path != b->path)
    g_error ("%sthey differ; WZP_SCHEDULE_SEED=%u", s->trace->str, s->seed);
  /* What there is is used. */
  for (guint i = 0; i < 2; i++) {
    const Side *side = &s->sides[i];

    if (side->path == WZP_PATH_NONE && (side->relay_up || side->direct_up))
      g_error ("%sheld for ever; WZP_SCHEDULE_SEED=%u", s->trace->str, s->seed);
  }
}

static gint64
next_deadline (const Schedule *s)
{
  gint64 best = G_MAXINT64;

  for (guint i = 0; i < 2; i++) {
    gint64 t = wzp_plain_nominate_get_deadline (s->sides[i].rule);

    if (t >= 0)
      best = MIN (best, t);
  }
  return best;
}

static void
run_schedule (Schedule *s)
{
  for (guint next = 0;;) {
    gint64 event_us = next < s->events->len
        ? g_array_index (s->events, Event, next).at_us
        : G_MAXINT64;
    gint64 deadline_us = next_deadline (s);

    if (event_us == G_MAXINT64 && deadline_us == G_MAXINT64)
      break;
    s->now_us = MAX (s->now_us, MIN (event_us, deadline_us));
    if (event_us <= deadline_us) {
      Event event = g_array_index (s->events, Event, next++);

      apply (s, &event);
    }
    for (guint i = 0; i < 2; i++) {
      run_side (s, i);
      check_moment (s, &s->sides[i]);
    }
  }
  check_end (s);
}

/* Returns whether both ended on the same path, and which. */
static WzpPath
run_seed (guint32 seed, gboolean lossy, gboolean *ret_differ)
{
  Schedule s = { .seed = seed,
    .rand = g_rand_new_with_seed (seed),
    .events = g_array_new (FALSE, FALSE, sizeof (Event)),
    .trace = g_string_new (NULL),
    .lossy = lossy,
    .now_us = T0 };
  WzpPath path;

  for (guint i = 0; i < 2; i++) {
    s.sides[i].rule = wzp_plain_nominate_new ();
    s.sides[i].direct_pending = s.sides[i].relay_pending = TRUE;
    plan_relay (&s, i);
  }
  plan_direct (&s);
  run_schedule (&s);
  path = s.sides[0].path;
  *ret_differ = path != s.sides[1].path;
  for (guint i = 0; i < 2; i++)
    wzp_plain_nominate_free (s.sides[i].rule);
  g_rand_free (s.rand);
  g_array_unref (s.events);
  g_string_free (s.trace, TRUE);
  return path;
}

static void
test_schedules (gconstpointer data)
{
  gboolean lossy = GPOINTER_TO_INT (data), differ;
  const char *only = g_getenv ("WZP_SCHEDULE_SEED");
  const char *count = g_getenv ("WZP_SCHEDULES");
  guint n = count != NULL ? (guint) atoi (count) : DEFAULT_SCHEDULES;
  guint ended[3] = { 0 }, differing = 0;
  guint32 first = g_test_rand_int ();

  g_test_summary ("Both sides end on the same path, but where it cannot be");
  if (only != NULL) {
    run_seed ((guint32) strtoul (only, NULL, 10), lossy, &differ);
    return;
  }
  g_test_message ("seeds from %u", first);
  for (guint i = 0; i < n; i++) {
    ended[run_seed (first + i, lossy, &differ)]++;
    differing += differ;
  }
  g_test_message ("%u schedules: %u end direct, %u on the relay, %u nowhere; "
                  "in %u the sides differ",
      n, ended[WZP_PATH_DIRECT], ended[WZP_PATH_RELAY], ended[WZP_PATH_NONE],
      differing);
  /* All of it was tried. */
  if (n >= 1000) {
    g_assert_cmpuint (ended[WZP_PATH_DIRECT], >, n / 10);
    g_assert_cmpuint (ended[WZP_PATH_RELAY], >, n / 10);
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/plain-nominate/both-ok", test_both_ok);
  g_test_add_func ("/plain-nominate/peer-first", test_peer_first);
  g_test_add_func ("/plain-nominate/peer-not-ok", test_peer_not_ok);
  g_test_add_func ("/plain-nominate/own-not-ok", test_own_not_ok);
  g_test_add_func ("/plain-nominate/no-report", test_no_report);
  g_test_add_func ("/plain-nominate/loss", test_loss);
  g_test_add_func ("/plain-nominate/loss-heard", test_loss_heard);
  g_test_add_data_func (
      "/plain-nominate/schedules", GINT_TO_POINTER (FALSE), test_schedules);
  g_test_add_data_func ("/plain-nominate/schedules-lossy",
      GINT_TO_POINTER (TRUE), test_schedules);
  return wzp_test_run ();
}
