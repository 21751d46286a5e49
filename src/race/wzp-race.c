#include "wzp-race.h"

#include <string.h>

#define ERROR_MAX_DIALS 4u /* dials named in an error's text */

/* Each dial is begun and aborted at most once, and so is the relay; LISTEN and
 * STOP_LISTEN, WON or FAILED, DIRECT_LATE or DIRECT_GAVE_UP come once. */
#define MAX_ACTIONS (2u * WZP_RACE_MAX_DIALS + 6u)

/* One attempt: a dial, the relay's, or direct as a whole. */
typedef struct {
  WzpDialState state;
  gboolean timed_out;
  gint64 end_us; /* when it left PENDING; valid unless NONE or PENDING */
  char *reason;  /* owned, nullable */
} Attempt;

typedef struct {
  WzpCandidate candidate;
  Attempt attempt;
  guint order; /* 1: was up first, 2: second, ...; 0: never up */
} Dial;

struct _WzpRace {
  WzpRaceConfig config;
  WzpRaceState state;
  WzpPath winner; /* NONE unless WON */
  GError *error;  /* owned, NULL unless FAILED */
  gint64 start_us, now_us;

  Dial dials[WZP_RACE_MAX_DIALS];
  guint n_dials;
  guint n_up;         /* dials that ever came up; gives Dial.order */
  gint64 accepted_us; /* Acceptor: when one was taken, -1: none */
  Attempt relay;
  Attempt direct; /* NONE: not allowed, or a Dialer with nothing to dial */
  gboolean direct_told; /* DIRECT_LATE or DIRECT_GAVE_UP was said */
  gboolean is_dirty;    /* events came since the last decision */

  WzpRaceAction actions[MAX_ACTIONS];
  guint n_actions, next_action;
};

const char *
wzp_race_state_to_string (WzpRaceState state)
{
  switch (state) {
    case WZP_RACE_IDLE:
      return "idle";
    case WZP_RACE_RACING:
      return "racing";
    case WZP_RACE_WON:
      return "won";
    case WZP_RACE_FAILED:
      return "failed";
  }
  g_return_val_if_reached ("unknown");
}

const char *
wzp_dial_state_to_string (WzpDialState state)
{
  switch (state) {
    case WZP_DIAL_NONE:
      return "none";
    case WZP_DIAL_PENDING:
      return "pending";
    case WZP_DIAL_UP:
      return "up";
    case WZP_DIAL_FAILED:
      return "failed";
    case WZP_DIAL_ABORTED:
      return "aborted";
  }
  g_return_val_if_reached ("unknown");
}

void
wzp_race_config_init (WzpRaceConfig *ret_config)
{
  *ret_config = (WzpRaceConfig){
    .role = WZP_ROLE_DIALER,
    .direct_allowed = TRUE,
    .relay_allowed = TRUE,
    .keep_relay = TRUE,
    .direct_timeout_us = 2 * G_USEC_PER_SEC,
    .relay_timeout_us = 10 * G_USEC_PER_SEC,
    .relay_grace_us = 5 * G_USEC_PER_SEC,
    .direct_grace_us = 1500 * 1000,
  };
}

static gboolean
transition_is_valid (WzpRaceState from, WzpRaceState to)
{
  switch (from) {
    case WZP_RACE_IDLE:
      return to == WZP_RACE_RACING;
    case WZP_RACE_RACING:
      return to == WZP_RACE_WON || to == WZP_RACE_FAILED;
    case WZP_RACE_WON:
    case WZP_RACE_FAILED:
      return FALSE;
  }
  g_return_val_if_reached (FALSE);
}

/* The only writer of self->state. */
static void
set_state (WzpRace *self, WzpRaceState to)
{
  g_debug ("race %p: %s -> %s", (void *) self,
      wzp_race_state_to_string (self->state), wzp_race_state_to_string (to));
  g_assert (transition_is_valid (self->state, to));
  self->state = to;
}

static void
advance (WzpRace *self, gint64 now_us)
{
  self->now_us = MAX (self->now_us, now_us);
}

/* Every event that was taken goes by here. */
static void
note_event (WzpRace *self)
{
  self->is_dirty = TRUE;
}

static void
push (WzpRace *self, WzpRaceActionType type, WzpPath path, int index)
{
  if (self->next_action == self->n_actions)
    self->next_action = self->n_actions = 0;
  g_assert (self->n_actions < MAX_ACTIONS);
  self->actions[self->n_actions++] =
      (WzpRaceAction){ .type = type, .path = path, .index = index };
}

/* A reason may be the peer's own words. */
static char *
clean_reason (const char *reason)
{
  g_autofree char *cut = NULL;

  if (reason == NULL || *reason == '\0')
    return g_strdup ("no reason given");
  cut = g_strndup (reason, WZP_RACE_MAX_REASON);
  return g_utf8_make_valid (cut, -1);
}

/* Takes @reason. */
static void
end_attempt (Attempt *attempt, WzpDialState state, gint64 end_us, char *reason)
{
  attempt->state = state;
  attempt->end_us = end_us;
  g_free (attempt->reason);
  attempt->reason = reason;
}

static void
time_out_attempt (Attempt *attempt, gint64 end_us, char *reason)
{
  end_attempt (attempt, WZP_DIAL_ABORTED, end_us, reason);
  attempt->timed_out = TRUE;
}

static gboolean
attempt_is_over (const Attempt *attempt)
{
  return attempt->state == WZP_DIAL_FAILED ||
      attempt->state == WZP_DIAL_ABORTED;
}

static WzpDialState
report_attempt (const WzpRace *self, const Attempt *attempt,
    const char **ret_reason, gint64 *ret_took_us)
{
  const gboolean has_end =
      attempt->state == WZP_DIAL_UP || attempt_is_over (attempt);

  if (ret_reason != NULL)
    *ret_reason = attempt->reason;
  if (ret_took_us != NULL)
    *ret_took_us = has_end ? attempt->end_us - self->start_us : -1;
  return attempt->state;
}

static gboolean
is_listening (const WzpRace *self)
{
  return self->config.role == WZP_ROLE_ACCEPTOR &&
      self->direct.state == WZP_DIAL_PENDING;
}

/* A Dialer that may dial, but was given nothing to: a candidate may come. */
static gboolean
is_waiting_for_candidates (const WzpRace *self)
{
  return self->config.role == WZP_ROLE_DIALER && self->config.direct_allowed &&
      self->direct.state == WZP_DIAL_NONE;
}

static gboolean
direct_was_begun (const WzpRace *self)
{
  return self->n_dials > 0 ||
      (self->config.role == WZP_ROLE_ACCEPTOR && self->config.direct_allowed);
}

static gint64
direct_deadline (const WzpRace *self)
{
  gint64 deadline = self->start_us + self->config.direct_timeout_us;

  if (attempt_is_over (&self->relay))
    deadline =
        MIN (deadline, self->relay.end_us + self->config.direct_grace_us);
  return deadline;
}

static gint64
relay_deadline (const WzpRace *self)
{
  gint64 deadline = self->start_us + self->config.relay_timeout_us;

  /* Where nothing was dialled there is no moment of failure to count from. */
  if (attempt_is_over (&self->direct) && direct_was_begun (self))
    deadline =
        MIN (deadline, self->direct.end_us + self->config.relay_grace_us);
  return deadline;
}

static int
first_up (const WzpRace *self)
{
  int found = -1;

  for (guint i = 0; i < self->n_dials; i++)
    if (self->dials[i].attempt.state == WZP_DIAL_UP &&
        (found < 0 || self->dials[i].order < self->dials[found].order))
      found = (int) i;
  return found;
}

/* "a, b, c and 2 more" of the dials' reasons. */
static char *
describe_dials (const WzpRace *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char buf[WZP_ADDR_MAX_STRLEN];

  g_string_append_printf (
      text, "%u of %u dials failed: ", self->n_dials, self->n_dials);
  for (guint i = 0; i < MIN (self->n_dials, ERROR_MAX_DIALS); i++)
    g_string_append_printf (text, "%s%s: %s", i > 0 ? ", " : "",
        wzp_addr_to_string (&self->dials[i].candidate.addr, buf),
        self->dials[i].attempt.reason);
  if (self->n_dials > ERROR_MAX_DIALS)
    g_string_append_printf (
        text, " and %u more", self->n_dials - ERROR_MAX_DIALS);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
settle_dials (WzpRace *self)
{
  gint64 end_us = self->start_us;

  for (guint i = 0; i < self->n_dials; i++) {
    if (self->dials[i].attempt.state != WZP_DIAL_FAILED)
      return;
    end_us = MAX (end_us, self->dials[i].attempt.end_us);
  }
  end_attempt (&self->direct, WZP_DIAL_FAILED, end_us, describe_dials (self));
}

/* What the events alone say about direct. */
static void
settle_direct (WzpRace *self)
{
  const int winner = first_up (self);

  if (self->direct.state != WZP_DIAL_PENDING)
    return;
  if (winner >= 0)
    end_attempt (
        &self->direct, WZP_DIAL_UP, self->dials[winner].attempt.end_us, NULL);
  else if (self->accepted_us >= 0)
    end_attempt (&self->direct, WZP_DIAL_UP, self->accepted_us, NULL);
  else if (self->config.role == WZP_ROLE_DIALER)
    settle_dials (self);
}

static char *
describe_silence (const WzpRace *self, gint64 end_us)
{
  return g_strdup_printf ("no answer within %" G_GINT64_FORMAT " ms",
      (end_us - self->start_us) / 1000);
}

/* Ends every dial but @winner, and the listening. */
static void
stop_direct (WzpRace *self, int winner, gint64 end_us, gboolean timed_out)
{
  g_autofree char *reason = timed_out ? describe_silence (self, end_us)
                                      : g_strdup ("another one was faster");

  for (guint i = 0; i < self->n_dials; i++) {
    Attempt *attempt = &self->dials[i].attempt;

    if ((int) i == winner ||
        (attempt->state != WZP_DIAL_PENDING && attempt->state != WZP_DIAL_UP))
      continue;
    end_attempt (attempt, WZP_DIAL_ABORTED, end_us, g_strdup (reason));
    attempt->timed_out = timed_out;
    push (self, WZP_RACE_ACTION_ABORT_DIAL, WZP_PATH_DIRECT, (int) i);
  }
  if (self->config.role == WZP_ROLE_ACCEPTOR)
    push (self, WZP_RACE_ACTION_STOP_LISTEN, WZP_PATH_DIRECT, -1);
}

static void
time_out_direct (WzpRace *self, gint64 end_us)
{
  const gint64 ms = (end_us - self->start_us) / 1000;
  char *reason;

  if (is_waiting_for_candidates (self)) {
    end_attempt (
        &self->direct, WZP_DIAL_ABORTED, end_us, g_strdup ("nothing to dial"));
    return;
  }
  if (is_listening (self))
    reason = g_strdup_printf (
        "the peer did not connect within %" G_GINT64_FORMAT " ms", ms);
  else
    reason =
        g_strdup_printf ("no answer within %" G_GINT64_FORMAT " ms, %u dialled",
            ms, self->n_dials);
  stop_direct (self, -1, end_us, TRUE);
  time_out_attempt (&self->direct, end_us, reason);
}

static void
time_out_relay (WzpRace *self, gint64 end_us)
{
  time_out_attempt (&self->relay, end_us, describe_silence (self, end_us));
  push (self, WZP_RACE_ACTION_ABORT_RELAY, WZP_PATH_RELAY, -1);
}

/* The earliest moment at which something times out, -1: nothing will. */
static gint64
next_timeout (const WzpRace *self, gboolean *ret_is_direct)
{
  gint64 next = -1;

  *ret_is_direct = FALSE;
  if (self->state != WZP_RACE_RACING && self->state != WZP_RACE_WON)
    return -1;
  if (self->relay.state == WZP_DIAL_PENDING)
    next = relay_deadline (self);
  if (self->direct.state == WZP_DIAL_PENDING ||
      is_waiting_for_candidates (self)) {
    const gint64 deadline = direct_deadline (self);

    if (next < 0 || deadline <= next) {
      *ret_is_direct = TRUE;
      next = deadline;
    }
  }
  return next;
}

/* Timeouts happen in their order, each at its own moment, since the first may
 * move the second's. */
static void
settle_timeouts (WzpRace *self)
{
  gboolean is_direct;
  gint64 next;

  while (
      (next = next_timeout (self, &is_direct)) >= 0 && next <= self->now_us) {
    if (is_direct)
      time_out_direct (self, next);
    else
      time_out_relay (self, next);
  }
}

static void
drop_relay (WzpRace *self)
{
  if (self->relay.state != WZP_DIAL_PENDING && self->relay.state != WZP_DIAL_UP)
    return;
  end_attempt (&self->relay, WZP_DIAL_ABORTED, self->now_us,
      g_strdup ("the direct path was faster"));
  push (self, WZP_RACE_ACTION_ABORT_RELAY, WZP_PATH_RELAY, -1);
}

static const char *
attempt_text (const Attempt *attempt, gboolean is_allowed)
{
  if (attempt->reason != NULL)
    return attempt->reason;
  return is_allowed ? "nothing to dial" : "not allowed";
}

static void
fail (WzpRace *self)
{
  const gboolean tried_direct = direct_was_begun (self);
  const gboolean tried_relay = self->relay.state != WZP_DIAL_NONE;
  const gboolean timed_out = (tried_direct || tried_relay) &&
      (!tried_direct || self->direct.timed_out) &&
      (!tried_relay || self->relay.timed_out);

  self->error = g_error_new (WZP_ERROR,
      timed_out ? WZP_ERROR_TIMED_OUT : WZP_ERROR_UNREACHABLE,
      "No path to the peer: direct: %s; relay: %s",
      attempt_text (&self->direct, self->config.direct_allowed),
      attempt_text (&self->relay, self->config.relay_allowed));
  set_state (self, WZP_RACE_FAILED);
  push (self, WZP_RACE_ACTION_FAILED, WZP_PATH_NONE, -1);
}

static void
win_direct (WzpRace *self)
{
  const int winner = first_up (self);
  const gboolean is_late = self->state == WZP_RACE_WON;

  if (!is_late) {
    self->winner = WZP_PATH_DIRECT;
    set_state (self, WZP_RACE_WON);
  }
  push (self, is_late ? WZP_RACE_ACTION_DIRECT_LATE : WZP_RACE_ACTION_WON,
      WZP_PATH_DIRECT, winner);
  self->direct_told = TRUE;
  stop_direct (self, winner, self->now_us, FALSE);
  if (!is_late && !self->config.keep_relay)
    drop_relay (self);
}

static void
decide (WzpRace *self)
{
  if (self->state != WZP_RACE_RACING && self->state != WZP_RACE_WON)
    return;

  settle_direct (self);
  settle_timeouts (self);

  if (self->direct.state == WZP_DIAL_UP) {
    if (!self->direct_told)
      win_direct (self);
    return;
  }
  if (self->state == WZP_RACE_RACING && self->relay.state == WZP_DIAL_UP) {
    self->winner = WZP_PATH_RELAY;
    set_state (self, WZP_RACE_WON);
    push (self, WZP_RACE_ACTION_WON, WZP_PATH_RELAY, -1);
  }
  if (self->state == WZP_RACE_WON && !self->direct_told &&
      attempt_is_over (&self->direct)) {
    self->direct_told = TRUE;
    push (self, WZP_RACE_ACTION_DIRECT_GAVE_UP, WZP_PATH_DIRECT, -1);
  }
  if (self->state == WZP_RACE_RACING &&
      self->direct.state != WZP_DIAL_PENDING &&
      self->relay.state != WZP_DIAL_PENDING)
    fail (self);
}

static int
add_dial (WzpRace *self, const WzpCandidate *candidate)
{
  Dial *dial = &self->dials[self->n_dials];

  for (guint i = 0; i < self->n_dials; i++)
    if (wzp_addr_equal (&self->dials[i].candidate.addr, &candidate->addr))
      return -1;
  if (self->n_dials == WZP_RACE_MAX_DIALS)
    return -1;

  dial->candidate = *candidate;
  dial->attempt.state = WZP_DIAL_PENDING;
  push (self, WZP_RACE_ACTION_DIAL, WZP_PATH_DIRECT, (int) self->n_dials);
  self->direct.state = WZP_DIAL_PENDING;
  g_clear_pointer (&self->direct.reason, g_free);
  return (int) self->n_dials++;
}

static Dial *
get_dial (WzpRace *self, int index)
{
  if (self->state == WZP_RACE_IDLE || index < 0 ||
      (guint) index >= self->n_dials)
    return NULL;
  return &self->dials[index];
}

static gint64
clamp_timeout (gint64 timeout_us)
{
  return CLAMP (timeout_us, 0, WZP_RACE_MAX_TIMEOUT_US);
}

WzpRace *
wzp_race_new (const WzpRaceConfig *config)
{
  WzpRace *self;

  g_return_val_if_fail (config != NULL, NULL);

  self = g_new0 (WzpRace, 1);
  self->config = *config;
  self->accepted_us = -1;
  self->config.direct_timeout_us = clamp_timeout (config->direct_timeout_us);
  self->config.relay_timeout_us = clamp_timeout (config->relay_timeout_us);
  self->config.relay_grace_us = clamp_timeout (config->relay_grace_us);
  self->config.direct_grace_us = clamp_timeout (config->direct_grace_us);
  return self;
}

void
wzp_race_free (WzpRace *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_dials; i++)
    g_free (self->dials[i].attempt.reason);
  g_free (self->relay.reason);
  g_free (self->direct.reason);
  g_clear_error (&self->error);
  g_free (self);
}

void
wzp_race_start (
    WzpRace *self, const WzpCandidateList *candidates, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  if (self->state != WZP_RACE_IDLE)
    return;

  self->start_us = self->now_us = now_us;
  set_state (self, WZP_RACE_RACING);
  note_event (self);
  if (self->config.relay_allowed) {
    self->relay.state = WZP_DIAL_PENDING;
    push (self, WZP_RACE_ACTION_DIAL_RELAY, WZP_PATH_RELAY, -1);
  }
  if (!self->config.direct_allowed)
    return;
  if (self->config.role == WZP_ROLE_ACCEPTOR) {
    self->direct.state = WZP_DIAL_PENDING;
    push (self, WZP_RACE_ACTION_LISTEN, WZP_PATH_DIRECT, -1);
    return;
  }
  if (candidates != NULL)
    for (guint i = 0; i < MIN (candidates->n, WZP_CANDIDATES_MAX); i++)
      add_dial (self, &candidates->items[i]);
}

int
wzp_race_add_candidate (
    WzpRace *self, const WzpCandidate *candidate, gint64 now_us)
{
  int index;

  g_return_val_if_fail (self != NULL && candidate != NULL, -1);

  advance (self, now_us);
  if ((self->state != WZP_RACE_RACING && self->state != WZP_RACE_WON) ||
      self->config.role != WZP_ROLE_DIALER || !self->config.direct_allowed ||
      self->direct_told || self->direct.state == WZP_DIAL_ABORTED ||
      first_up (self) >= 0 || self->now_us >= direct_deadline (self))
    return -1;
  index = add_dial (self, candidate);
  if (index >= 0)
    note_event (self);
  return index;
}

void
wzp_race_dial_up (WzpRace *self, int index, gint64 now_us)
{
  Dial *dial;

  g_return_if_fail (self != NULL);

  advance (self, now_us);
  dial = get_dial (self, index);
  if (dial == NULL || dial->attempt.state != WZP_DIAL_PENDING)
    return;
  dial->order = ++self->n_up;
  end_attempt (&dial->attempt, WZP_DIAL_UP, self->now_us, NULL);
  note_event (self);
}

void
wzp_race_dial_failed (
    WzpRace *self, int index, const char *reason, gint64 now_us)
{
  Dial *dial;

  g_return_if_fail (self != NULL);

  advance (self, now_us);
  dial = get_dial (self, index);
  if (dial == NULL || self->direct.state != WZP_DIAL_PENDING ||
      (dial->attempt.state != WZP_DIAL_PENDING &&
          dial->attempt.state != WZP_DIAL_UP))
    return;
  end_attempt (
      &dial->attempt, WZP_DIAL_FAILED, self->now_us, clean_reason (reason));
  note_event (self);
}

gboolean
wzp_race_accept (WzpRace *self, gint64 now_us)
{
  g_return_val_if_fail (self != NULL, FALSE);

  advance (self, now_us);
  if (!is_listening (self) || self->accepted_us >= 0)
    return FALSE;
  self->accepted_us = self->now_us;
  note_event (self);
  return TRUE;
}

void
wzp_race_relay_up (WzpRace *self, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  if (self->relay.state != WZP_DIAL_PENDING)
    return;
  end_attempt (&self->relay, WZP_DIAL_UP, self->now_us, NULL);
  note_event (self);
}

void
wzp_race_relay_failed (WzpRace *self, const char *reason, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  /* Once it carries the call its end is no longer the race's affair. */
  if (self->relay.state != WZP_DIAL_PENDING &&
      (self->relay.state != WZP_DIAL_UP || self->state != WZP_RACE_RACING))
    return;
  end_attempt (
      &self->relay, WZP_DIAL_FAILED, self->now_us, clean_reason (reason));
  note_event (self);
}

gboolean
wzp_race_step (WzpRace *self, gint64 now_us, WzpRaceAction *ret_action)
{
  g_return_val_if_fail (self != NULL && ret_action != NULL, FALSE);

  advance (self, now_us);
  /* One decision at a time: what the actions of the last one have brought
   * about, a dial that fails at once, counts for the next. */
  if (self->next_action == self->n_actions) {
    self->is_dirty = FALSE;
    decide (self);
  }
  if (self->next_action == self->n_actions)
    return FALSE;
  *ret_action = self->actions[self->next_action++];
  return TRUE;
}

gint64
wzp_race_get_deadline (const WzpRace *self)
{
  gboolean is_direct;

  g_return_val_if_fail (self != NULL, -1);

  if (self->next_action < self->n_actions || self->is_dirty)
    return self->now_us;
  return next_timeout (self, &is_direct);
}

WzpRaceState
wzp_race_get_state (const WzpRace *self)
{
  g_return_val_if_fail (self != NULL, WZP_RACE_IDLE);

  return self->state;
}

WzpPath
wzp_race_get_winner (const WzpRace *self)
{
  g_return_val_if_fail (self != NULL, WZP_PATH_NONE);

  return self->winner;
}

const GError *
wzp_race_get_error (const WzpRace *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->error;
}

guint
wzp_race_get_n_dials (const WzpRace *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_dials;
}

const WzpCandidate *
wzp_race_get_candidate (const WzpRace *self, guint index)
{
  g_return_val_if_fail (self != NULL, NULL);

  return index < self->n_dials ? &self->dials[index].candidate : NULL;
}

WzpDialState
wzp_race_get_dial (const WzpRace *self, guint index, const char **ret_reason,
    gint64 *ret_took_us)
{
  static const Attempt none = { .state = WZP_DIAL_NONE };

  g_return_val_if_fail (self != NULL, WZP_DIAL_NONE);

  return report_attempt (self,
      index < self->n_dials ? &self->dials[index].attempt : &none, ret_reason,
      ret_took_us);
}

WzpDialState
wzp_race_get_relay_dial (
    const WzpRace *self, const char **ret_reason, gint64 *ret_took_us)
{
  g_return_val_if_fail (self != NULL, WZP_DIAL_NONE);

  return report_attempt (self, &self->relay, ret_reason, ret_took_us);
}

WzpDialState
wzp_race_get_direct (
    const WzpRace *self, const char **ret_reason, gint64 *ret_took_us)
{
  g_return_val_if_fail (self != NULL, WZP_DIAL_NONE);

  return report_attempt (self, &self->direct, ret_reason, ret_took_us);
}
