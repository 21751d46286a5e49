/* WzpRace under random orders of events: the rules of wzp-race.h as
 * properties, and its results against a model that works them out from the
 * whole schedule at once instead of event by event.
 *
 * WZP_SCHEDULES: how many (default 40000). WZP_SCHEDULE_SEED: only this one. */
#include "wzp-race.h"
#include "wzp-test.h"

#include <stdlib.h>

#define DEFAULT_SCHEDULES 40000u
#define T0                ((gint64) 77000000)
#define NEVER             (G_MAXINT64 / 4)
#define MAX_EVENTS        (3u * WZP_RACE_MAX_DIALS + 8u)

typedef enum {
  EVENT_DIAL_UP,
  EVENT_DIAL_FAILED,
  EVENT_RELAY_UP,
  EVENT_RELAY_FAILED,
  EVENT_ACCEPT,
  EVENT_ADD,
  EVENT_NOISE, /* something late, repeated or senseless */
} EventType;

typedef struct {
  EventType type;
  gint64 at_us;
  int index;
} Event;

typedef struct {
  guint32 seed;
  GRand *rand; /* owned */
  WzpRaceConfig config;
  WzpRace *race; /* owned */
  guint n_candidates;
  Event events[MAX_EVENTS];
  guint n_events;
  gboolean has_adds;
  GString *trace; /* owned */

  /* what was seen */
  gboolean dialled[WZP_RACE_MAX_DIALS], aborted[WZP_RACE_MAX_DIALS];
  gboolean failed[WZP_RACE_MAX_DIALS];
  guint n_dial_relay, n_abort_relay, n_listen, n_stop_listen;
  guint n_won, n_failed, n_late, n_gave_up, n_accepted;
  gint64 won_us, failed_us, late_us, gave_up_us;
  WzpPath winner;
  int direct_index; /* of WON or LATE */
  gboolean direct_over;
} Schedule;

static void G_GNUC_NORETURN
report (const Schedule *s, const char *what, int line)
{
  g_printerr ("%s", s->trace->str);
  g_error ("line %d: not so: %s; WZP_SCHEDULE_SEED=%u", line, what, s->seed);
}

#define check(s, expression)                                                   \
  G_STMT_START                                                                 \
  {                                                                            \
    if (!(expression))                                                         \
      report ((s), #expression, __LINE__);                                     \
  }                                                                            \
  G_STMT_END

static void G_GNUC_PRINTF (2, 3) trace (Schedule *s, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_string_append_vprintf (s->trace, format, args);
  va_end (args);
}

static gboolean
chance (Schedule *s, double p)
{
  return g_rand_double (s->rand) < p;
}

/* Few distinct moments, so that ties and events at a deadline are common. */
static gint64
random_moment (Schedule *s, gint64 max_ms)
{
  return g_rand_int_range (s->rand, 0, (gint32) max_ms / 100 + 1) *
      G_GINT64_CONSTANT (100000) +
      g_rand_int_range (s->rand, -1, 2) * (chance (s, 0.3) ? 1 : 0);
}

static gint64
random_limit (Schedule *s, gint64 usual)
{
  const gint64 moment = random_moment (s, 6000);

  return chance (s, 0.5) ? usual : MAX (1000, moment);
}

static void
add_event (Schedule *s, EventType type, int index, gint64 at_us)
{
  g_assert_cmpuint (s->n_events, <, MAX_EVENTS);
  s->events[s->n_events++] =
      (Event){ .type = type, .index = index, .at_us = MAX (0, at_us) };
}

static WzpCandidate
candidate (guint n)
{
  WzpCandidate c = { .type = WZP_CANDIDATE_HOST };

  c.addr.family = 4;
  c.addr.ip[0] = 10;
  c.addr.ip[3] = (guint8) (n + 1);
  c.addr.port = 5000;
  return c;
}

static int
compare_events (gconstpointer a, gconstpointer b)
{
  const Event *x = a, *y = b;

  return (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

/* Ordered by time, at random within a moment. */
static void
order_events (Schedule *s)
{
  for (guint i = s->n_events; i > 1; i--) {
    const guint j = (guint) g_rand_int_range (s->rand, 0, (gint32) i);
    const Event swap = s->events[i - 1];

    s->events[i - 1] = s->events[j];
    s->events[j] = swap;
  }
  qsort (s->events, s->n_events, sizeof s->events[0], compare_events);
}

static void
make_config (Schedule *s)
{
  wzp_race_config_init (&s->config);
  s->config.role = chance (s, 0.6) ? WZP_ROLE_DIALER : WZP_ROLE_ACCEPTOR;
  s->config.direct_allowed = !chance (s, 0.1);
  s->config.relay_allowed = !chance (s, 0.15);
  s->config.keep_relay = !chance (s, 0.3);
  s->config.direct_timeout_us = random_limit (s, s->config.direct_timeout_us);
  s->config.relay_timeout_us = random_limit (s, s->config.relay_timeout_us);
  s->config.relay_grace_us = random_limit (s, s->config.relay_grace_us);
  s->config.direct_grace_us = random_limit (s, s->config.direct_grace_us);
}

static void
make_schedule (Schedule *s)
{
  guint n_added;

  make_config (s);
  s->n_candidates = (guint) g_rand_int_range (s->rand, 0, 5);
  if (chance (s, 0.05))
    s->n_candidates = WZP_RACE_MAX_DIALS;
  n_added = chance (s, 0.2) ? (guint) g_rand_int_range (s->rand, 1, 4) : 0;
  s->has_adds = n_added > 0;

  for (guint i = 0; i < s->n_candidates + n_added; i++) {
    const gint64 at = random_moment (s, chance (s, 0.5) ? 800 : 4000);

    if (i >= WZP_RACE_MAX_DIALS)
      break;
    if (i >= s->n_candidates)
      add_event (s, EVENT_ADD, (int) i, random_moment (s, 2500));
    if (chance (s, 0.35))
      add_event (s, EVENT_DIAL_UP, (int) i, at);
    else if (chance (s, 0.6))
      add_event (s, EVENT_DIAL_FAILED, (int) i, at);
  }
  if (chance (s, 0.5))
    add_event (s, EVENT_RELAY_UP, -1, random_moment (s, 9000));
  else if (chance (s, 0.5))
    add_event (s, EVENT_RELAY_FAILED, -1, random_moment (s, 9000));
  for (guint i = (guint) g_rand_int_range (s->rand, 0, 3); i > 0; i--)
    add_event (s, EVENT_ACCEPT, -1, random_moment (s, 3000));
  for (guint i = (guint) g_rand_int_range (s->rand, 0, 4); i > 0; i--)
    add_event (s, EVENT_NOISE, g_rand_int_range (s->rand, 0, 6),
        random_moment (s, 12000));
  order_events (s);
  trace (s,
      "%s direct %d within %" G_GINT64_FORMAT " grace %" G_GINT64_FORMAT
      ", relay %d within %" G_GINT64_FORMAT " grace %" G_GINT64_FORMAT
      ", keep %d\n",
      wzp_role_to_string (s->config.role), s->config.direct_allowed,
      s->config.direct_timeout_us, s->config.direct_grace_us,
      s->config.relay_allowed, s->config.relay_timeout_us,
      s->config.relay_grace_us, s->config.keep_relay);
}

/* Out of place whenever it comes. */
static void
make_noise (Schedule *s, const Event *event)
{
  const gint64 now = T0 + event->at_us;

  switch (event->index) {
    case 0:
      wzp_race_dial_up (s->race, (int) s->n_candidates + 20, now);
      break;
    case 1:
      wzp_race_dial_failed (s->race, -1, "noise", now);
      break;
    case 2:
      wzp_race_start (s->race, NULL, now);
      break;
    case 3: {
      const WzpCandidate known = candidate (0);

      if (s->n_candidates > 0)
        check (s, wzp_race_add_candidate (s->race, &known, now) == -1);
      break;
    }
    case 4:
      if (s->config.role == WZP_ROLE_DIALER)
        check (s, !wzp_race_accept (s->race, now));
      break;
    default:
      for (guint i = 0; i < WZP_RACE_MAX_DIALS; i++)
        if (s->aborted[i]) {
          wzp_race_dial_up (s->race, (int) i, now);
          wzp_race_dial_failed (s->race, (int) i, "late", now);
        }
      break;
  }
}

static void
apply (Schedule *s, const Event *event)
{
  const gint64 now = T0 + event->at_us;

  trace (s, "%10" G_GINT64_FORMAT " event %d %d\n", event->at_us,
      (int) event->type, event->index);
  switch (event->type) {
    case EVENT_DIAL_UP:
      if (s->dialled[event->index])
        wzp_race_dial_up (s->race, event->index, now);
      break;
    case EVENT_DIAL_FAILED:
      if (!s->dialled[event->index])
        break;
      wzp_race_dial_failed (s->race, event->index, "said so", now);
      s->failed[event->index] =
          wzp_race_get_dial (s->race, (guint) event->index, NULL, NULL) ==
          WZP_DIAL_FAILED;
      break;
    case EVENT_RELAY_UP:
      wzp_race_relay_up (s->race, now);
      break;
    case EVENT_RELAY_FAILED:
      wzp_race_relay_failed (s->race, "said so", now);
      break;
    case EVENT_ACCEPT:
      if (wzp_race_accept (s->race, now)) {
        s->n_accepted++;
        check (s, s->n_stop_listen == 0);
      }
      break;
    case EVENT_ADD: {
      const WzpCandidate c = candidate ((guint) event->index);
      const int index = wzp_race_add_candidate (s->race, &c, now);

      if (s->direct_over)
        check (s, index == -1);
      break;
    }
    case EVENT_NOISE:
      make_noise (s, event);
      break;
  }
}

static void
check_direct_taken (Schedule *s, const WzpRaceAction *action)
{
  s->direct_over = TRUE;
  s->direct_index = action->index;
  if (s->config.role == WZP_ROLE_DIALER) {
    check (s, action->index >= 0 && s->dialled[action->index]);
    check (s, !s->aborted[action->index]);
  } else {
    check (s, action->index == -1 && s->n_accepted == 1);
  }
}

static void
see (Schedule *s, const WzpRaceAction *action, gint64 now_us)
{
  const int i = action->index;

  trace (s, "%10" G_GINT64_FORMAT "   action %d %d %s\n", now_us,
      (int) action->type, i, wzp_path_to_string (action->path));
  check (s, s->n_failed == 0);
  switch (action->type) {
    case WZP_RACE_ACTION_DIAL_RELAY:
      check (s, s->config.relay_allowed && s->n_dial_relay++ == 0);
      break;
    case WZP_RACE_ACTION_ABORT_RELAY:
      check (s, s->n_dial_relay == 1 && s->n_abort_relay++ == 0);
      check (s, s->winner != WZP_PATH_RELAY);
      break;
    case WZP_RACE_ACTION_LISTEN:
      check (s, s->config.role == WZP_ROLE_ACCEPTOR);
      check (s, s->config.direct_allowed && s->n_listen++ == 0);
      break;
    case WZP_RACE_ACTION_STOP_LISTEN:
      check (s, s->n_listen == 1 && s->n_stop_listen++ == 0);
      break;
    case WZP_RACE_ACTION_DIAL:
      check (s, s->config.role == WZP_ROLE_DIALER);
      check (s, s->config.direct_allowed && !s->direct_over);
      check (s, !s->dialled[i] && !s->aborted[i]);
      s->dialled[i] = TRUE;
      break;
    case WZP_RACE_ACTION_ABORT_DIAL:
      check (s, s->dialled[i] && !s->aborted[i] && !s->failed[i]);
      check (s, !s->direct_over || i != s->direct_index);
      s->aborted[i] = TRUE;
      break;
    case WZP_RACE_ACTION_WON:
      check (s, s->n_won++ == 0);
      s->won_us = now_us;
      s->winner = action->path;
      if (action->path == WZP_PATH_DIRECT)
        check_direct_taken (s, action);
      else
        check (s, i == -1 && s->n_dial_relay == 1 && s->n_abort_relay == 0);
      break;
    case WZP_RACE_ACTION_DIRECT_LATE:
      check (s, s->winner == WZP_PATH_RELAY);
      check (s, s->n_late++ == 0 && s->n_gave_up == 0);
      s->late_us = now_us;
      check_direct_taken (s, action);
      break;
    case WZP_RACE_ACTION_DIRECT_GAVE_UP:
      check (s, s->winner == WZP_PATH_RELAY);
      check (s, s->n_gave_up++ == 0 && s->n_late == 0);
      s->gave_up_us = now_us;
      s->direct_over = TRUE;
      break;
    case WZP_RACE_ACTION_FAILED:
      check (s, s->n_won == 0);
      s->n_failed++;
      s->failed_us = now_us;
      s->direct_over = TRUE;
      break;
  }
}

/* @budget: how many actions at most; the rest waits for the next turn. */
static void
step (Schedule *s, gint64 now_us, guint budget)
{
  WzpRaceAction action;

  while (budget-- > 0 && wzp_race_step (s->race, T0 + now_us, &action))
    see (s, &action, now_us);
}

/* Runs the schedule. With @is_exact every deadline is met to the microsecond
 * and every event is followed by a step before the next moment. */
static void
run_schedule (Schedule *s, gboolean is_exact)
{
  WzpCandidateList list = { .n = s->n_candidates };
  gint64 now = 0, last = -1;
  guint next = 0, idle = 0;

  for (guint i = 0; i < s->n_candidates; i++)
    list.items[i] = candidate (i);
  s->race = wzp_race_new (&s->config);
  wzp_race_start (s->race, &list, T0);
  /* Dials are begun in start()'s turn, before their events. */
  if (s->config.role == WZP_ROLE_DIALER || is_exact)
    step (s, 0, G_MAXUINT);

  for (;;) {
    const gint64 deadline = wzp_race_get_deadline (s->race);
    const gint64 event = next < s->n_events ? s->events[next].at_us : NEVER;
    const gint64 due = deadline < 0 ? NEVER : MAX (deadline - T0, now);

    if (MIN (event, due) == NEVER)
      break;
    now = MIN (event, due);
    if (!is_exact && chance (s, 0.2))
      now += g_rand_int_range (s->rand, 0, 300000);
    while (next < s->n_events && s->events[next].at_us <= now)
      apply (s, &s->events[next++]);
    step (s, now,
        is_exact || chance (s, 0.9) ? G_MAXUINT
                                    : (guint) g_rand_int_range (s->rand, 1, 4));
    /* Whoever waits for deadlines gets on. */
    idle = now == last ? idle + 1 : 0;
    check (s, idle < 3 * MAX_EVENTS);
    last = now;
  }
}

static void
check_end (Schedule *s)
{
  WzpRaceAction action;
  const GError *error = wzp_race_get_error (s->race);
  const WzpRaceState state = wzp_race_get_state (s->race);

  check (s, s->n_won + s->n_failed == 1);
  check (s, state == (s->n_won ? WZP_RACE_WON : WZP_RACE_FAILED));
  check (s, wzp_race_get_winner (s->race) == s->winner);
  check (s, (error != NULL) == (s->n_failed == 1));
  if (error != NULL) {
    check (s, strstr (error->message, "direct: ") != NULL);
    check (s, strstr (error->message, "; relay: ") != NULL);
    check (s, !g_str_has_suffix (error->message, ": "));
  }
  check (s, s->n_listen == s->n_stop_listen);
  if (s->winner == WZP_PATH_RELAY && s->config.direct_allowed)
    check (s, s->n_late + s->n_gave_up == 1);
  if (!s->config.direct_allowed)
    check (s, s->n_late + s->n_gave_up == 0);
  if (s->winner == WZP_PATH_DIRECT && !s->config.keep_relay)
    check (s, wzp_race_get_relay_dial (s->race, NULL, NULL) != WZP_DIAL_UP);

  for (guint i = 0; i < wzp_race_get_n_dials (s->race); i++) {
    const char *reason;
    gint64 took;
    const WzpDialState dial = wzp_race_get_dial (s->race, i, &reason, &took);
    const gboolean is_winner = s->direct_index == (int) i &&
        (s->winner == WZP_PATH_DIRECT || s->n_late > 0);

    check (s, s->dialled[i] && took >= 0);
    check (s, (dial == WZP_DIAL_UP) == is_winner);
    check (s, (dial == WZP_DIAL_ABORTED) == s->aborted[i]);
    check (s, (dial == WZP_DIAL_FAILED) == (s->failed[i] && !is_winner));
    check (s, is_winner || reason != NULL);
  }
  check (s, !wzp_race_step (s->race, T0 + NEVER / 2, &action));
  check (s, wzp_race_get_deadline (s->race) == -1);
}

typedef struct {
  gboolean is_up;
  gint64 at_us;
} Outcome;

static Outcome
outcome (gint64 up, gint64 failed, gint64 limit)
{
  /* What comes up at the limit itself is in time; failing there changes
   * nothing. */
  if (up <= limit && up <= failed)
    return (Outcome){ .is_up = TRUE, .at_us = up };
  return (Outcome){ .is_up = FALSE, .at_us = MIN (failed, limit) };
}

static void
find_moments (const Schedule *s, gint64 *ret_direct_up, gint64 *ret_direct_bad,
    gint64 *ret_relay_up, gint64 *ret_relay_bad)
{
  const gboolean is_dialer = s->config.role == WZP_ROLE_DIALER;
  guint n_bad = 0;

  *ret_direct_up = *ret_direct_bad = *ret_relay_up = *ret_relay_bad = NEVER;
  for (guint i = 0; i < s->n_events; i++) {
    const Event *e = &s->events[i];
    const gboolean is_direct = e->type == EVENT_DIAL_UP && is_dialer;

    if (is_direct || (e->type == EVENT_ACCEPT && !is_dialer))
      *ret_direct_up = MIN (*ret_direct_up, e->at_us);
    if (e->type == EVENT_DIAL_FAILED && is_dialer && ++n_bad == s->n_candidates)
      *ret_direct_bad = e->at_us;
    if (e->type == EVENT_RELAY_UP)
      *ret_relay_up = e->at_us;
    if (e->type == EVENT_RELAY_FAILED)
      *ret_relay_bad = e->at_us;
  }
}

/* The rules, worked out for the whole schedule (no candidates added). */
static void
check_model (Schedule *s)
{
  const WzpRaceConfig *c = &s->config;
  const gboolean has_direct = c->direct_allowed &&
      (c->role == WZP_ROLE_ACCEPTOR || s->n_candidates > 0);
  gint64 direct_up, direct_bad, relay_up, relay_bad;
  Outcome direct = { FALSE, 0 }, relay = { FALSE, 0 };

  find_moments (s, &direct_up, &direct_bad, &relay_up, &relay_bad);
  if (has_direct)
    direct = outcome (direct_up, direct_bad, c->direct_timeout_us);
  if (c->relay_allowed)
    relay = outcome (relay_up, relay_bad, c->relay_timeout_us);
  if (has_direct && c->relay_allowed) {
    if (!direct.is_up && direct.at_us < relay.at_us)
      relay = outcome (relay_up, relay_bad,
          MIN (c->relay_timeout_us, direct.at_us + c->relay_grace_us));
    else if (!relay.is_up && relay.at_us < direct.at_us)
      direct = outcome (direct_up, direct_bad,
          MIN (c->direct_timeout_us, relay.at_us + c->direct_grace_us));
  }

  if (!direct.is_up && !relay.is_up) {
    check (s, s->n_failed == 1);
    check (s, s->failed_us == MAX (direct.at_us, relay.at_us));
    return;
  }
  check (s, s->n_won == 1);
  if (direct.is_up && (!relay.is_up || direct.at_us <= relay.at_us)) {
    check (s, s->winner == WZP_PATH_DIRECT && s->won_us == direct.at_us);
    return;
  }
  check (s, s->winner == WZP_PATH_RELAY && s->won_us == relay.at_us);
  if (direct.is_up)
    check (s, s->n_late == 1 && s->late_us == direct.at_us);
  else if (has_direct)
    check (s, s->gave_up_us == MAX (direct.at_us, relay.at_us));
  else if (c->direct_allowed)
    check (s, s->gave_up_us == MAX (c->direct_timeout_us, relay.at_us));
}

static void
run_seed (guint32 seed, gboolean is_exact)
{
  Schedule s = { .seed = seed, .direct_index = -2 };

  s.rand = g_rand_new_with_seed (seed);
  s.trace = g_string_new (NULL);
  make_schedule (&s);
  run_schedule (&s, is_exact);
  check_end (&s);
  if (is_exact && !s.has_adds)
    check_model (&s);
  wzp_race_free (s.race);
  g_string_free (s.trace, TRUE);
  g_rand_free (s.rand);
}

static void
run_seeds (gboolean is_exact)
{
  const char *count = g_getenv ("WZP_SCHEDULES");
  const char *one = g_getenv ("WZP_SCHEDULE_SEED");
  const guint32 first = one != NULL ? (guint32) strtoul (one, NULL, 10)
                                    : (guint32) g_test_rand_int ();
  guint64 n =
      count != NULL ? g_ascii_strtoull (count, NULL, 10) : DEFAULT_SCHEDULES;

  if (one != NULL)
    n = 1;
  g_test_message ("%" G_GUINT64_FORMAT " schedules from seed %u", n, first);
  for (guint64 i = 0; i < n; i++)
    run_seed (first + (guint32) i, is_exact);
}

static void
test_exact (void)
{
  g_test_summary ("Deadlines met to the microsecond: rules and model");
  run_seeds (TRUE);
}

static void
test_sloppy (void)
{
  g_test_summary ("Late and partial steps: the rules hold");
  run_seeds (FALSE);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/race-schedules/exact", test_exact);
  g_test_add_func ("/race-schedules/sloppy", test_sloppy);
  return wzp_test_run ();
}
