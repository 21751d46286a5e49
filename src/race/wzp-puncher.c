#include "wzp-puncher.h"

#define NEVER ((gint64) -1)
/* Rounds after the first, from the last kick; then every minute or so. */
#define N_EARLY_ROUNDS 4u
/* A GO this late restarts punches that went out in vain. */
#define RESTART_US (100 * 1000)

static const gint64 go_ms[WZP_PUNCHER_GO_COPIES] = { 0, 40, 120, 280 };
static const gint64 round_s[N_EARLY_ROUNDS] = { 5, 10, 20, 40 };

struct _WzpPuncher {
  WzpRole role;
  GRand *rand; /* owned */
  gint64 now_us;
  gboolean is_started, is_direct, has_relay;
  gint64 hold_us; /* how long openers are waited for in the first round */
  gint64 rtt_us;

  WzpPunchTargets targets;

  guint32 number; /* of our last packet */
  WzpPunchWindow window;
  gint64 last_sent_us;

  WzpPunchBudget budget;

  gint64 base_us;       /* start or last kick */
  guint n_rounds;       /* after it */
  gint64 next_round_us; /* NEVER: none is to come */
  gint64 round_us;      /* when the last one began */
  guint64 round;        /* its number; Acceptor: of the last GO */
  guint64 go_round;     /* what GO says */
  gint64 go_us;         /* when its first copy was due */
  guint go_copies;      /* still to be sent */
  WzpPuncherStats stats;
};

static void
advance (WzpPuncher *self, gint64 now_us)
{
  self->now_us = MAX (self->now_us, now_us);
}

/* ---- rounds ---- */

static void
stop_targets (WzpPuncher *self)
{
  for (guint i = 0; i < self->targets.n; i++) {
    WzpPunchTarget *target = &self->targets.items[i];

    target->opener_us = target->full_us = NEVER;
    target->openers = target->n_full = target->dials = 0;
    target->wants_dial = FALSE;
  }
}

/* What a direct connection that did not last has interrupted: what would have
 * been sent meanwhile is not. */
static void
resume_targets (WzpPuncher *self)
{
  for (guint i = 0; i < self->targets.n; i++) {
    WzpPunchTarget *target = &self->targets.items[i];

    target->wants_answer = target->wants_dial = FALSE;
    while (wzp_punch_target_next (target) != NEVER &&
        wzp_punch_target_next (target) < self->now_us)
      target->n_full++;
  }
}

/* Openers at @at_us; those that are near have their punches at once. */
static void
begin_round (WzpPuncher *self, gint64 at_us)
{
  const gint64 hold_us =
      self->stats.rounds++ == 0 ? self->hold_us : WZP_PUNCHER_OPENER_US;
  WzpPunchTarget *target;

  stop_targets (self);
  self->round_us = self->now_us;
  while (
      wzp_punch_targets_count_active (&self->targets) < WZP_PUNCHER_MAX_PAIRS &&
      (target = wzp_punch_targets_pick (&self->targets)) != NULL) {
    wzp_punch_target_begin (target, target->is_far ? at_us + hold_us : at_us);
    if (target->is_far)
      target->opener_us = at_us;
  }
}

/* One that was not known when the round began. */
static void
join_round (WzpPuncher *self, WzpPunchTarget *target)
{
  if (self->is_direct ||
      wzp_punch_targets_count_active (&self->targets) >= WZP_PUNCHER_MAX_PAIRS)
    return;
  wzp_punch_target_begin (
      target, self->now_us + (target->is_far ? WZP_PUNCHER_OPENER_US : 0));
  if (target->is_far)
    target->opener_us = self->now_us;
}

static gboolean
has_heard (const WzpPuncher *self, gint64 since_us)
{
  for (guint i = 0; i < self->targets.n; i++)
    if (self->targets.items[i].heard_us >= since_us)
      return TRUE;
  return FALSE;
}

/* The peer has sent its openers: what waits for that begins at @at_us, and what
 * has begun long before, unheard, does so again. */
static void
release (WzpPuncher *self, gint64 at_us)
{
  const gboolean restarts = !has_heard (self, self->round_us);

  for (guint i = 0; i < self->targets.n; i++) {
    WzpPunchTarget *target = &self->targets.items[i];

    if (target->full_us == NEVER)
      continue;
    if (target->is_far && target->full_us > at_us)
      target->full_us = at_us;
    else if (restarts && self->now_us - target->full_us >= RESTART_US)
      wzp_punch_target_begin (target, at_us);
  }
}

static void
send_go (WzpPuncher *self, guint64 round)
{
  self->go_round = round;
  self->go_us = self->now_us;
  self->go_copies = WZP_PUNCHER_GO_COPIES;
}

static gint64
plan_round (WzpPuncher *self)
{
  const guint n = self->n_rounds++;

  if (self->role != WZP_ROLE_DIALER)
    return NEVER;
  if (n < N_EARLY_ROUNDS)
    return self->base_us + round_s[n] * G_USEC_PER_SEC;
  return self->now_us + g_rand_int_range (self->rand, 48000, 72000) * 1000LL;
}

/* Dialer: the next round, together with the peer. */
static void
lead_round (WzpPuncher *self)
{
  self->next_round_us = plan_round (self);
  send_go (self, ++self->round);
  begin_round (self, self->now_us + self->rtt_us / 2);
}

/* The first round has begun; from now on it goes together with the peer's. */
static void
lead_first (WzpPuncher *self)
{
  send_go (self, ++self->round);
  release (self, self->now_us + self->rtt_us / 2);
}

/* From the beginning of the timetable. */
static void
restart_rounds (WzpPuncher *self)
{
  if (!self->is_started || self->is_direct)
    return;
  if (self->role == WZP_ROLE_ACCEPTOR) {
    if (!self->has_relay ||
        self->now_us - self->go_us < WZP_PUNCHER_MIN_ROUND_US)
      return;
    send_go (self, 0);
    return;
  }
  self->base_us = self->now_us;
  self->n_rounds = 0;
  self->next_round_us =
      MAX (self->now_us, self->round_us + WZP_PUNCHER_MIN_ROUND_US);
}

/* ---- what comes next ---- */

/* Later and later: an answer to the last dial may be under way. */
static gint64
dial_due (const WzpPunchTarget *target)
{
  gint64 wait_us = WZP_PUNCHER_REDIAL_US;

  if (!target->wants_dial)
    return NEVER;
  if (target->dialled_us == NEVER)
    return 0;
  for (guint i = 1; i < target->dials; i++)
    wait_us *= 3;
  return target->dialled_us + wait_us;
}

static gint64
earlier (gint64 a, gint64 b)
{
  if (a == NEVER || b == NEVER)
    return MAX (a, b);
  return MIN (a, b);
}

static gint64
target_due (const WzpPunchTarget *target)
{
  gint64 due = NEVER;

  if (target->opener_us != NEVER && target->openers < WZP_PUNCHER_OPENERS)
    due = target->opener_us;
  else
    due = wzp_punch_target_next (target);
  if (target->wants_answer)
    due = 0;
  return earlier (due, dial_due (target));
}

/* The target whose turn it is first. */
static WzpPunchTarget *
first_due (const WzpPuncher *self, gint64 *ret_due_us)
{
  WzpPunchTarget *first = NULL;

  *ret_due_us = NEVER;
  for (guint i = 0; i < self->targets.n; i++) {
    const gint64 due = target_due (&self->targets.items[i]);

    if (due == NEVER)
      continue;
    /* Of two, rather the one that openers go to: behind a sequential NAT the
     * order is what a prediction is made of. */
    if (first != NULL &&
        (due > *ret_due_us ||
            (due == *ret_due_us &&
                !(self->targets.items[i].is_far && !first->is_far))))
      continue;
    first = (WzpPunchTarget *) &self->targets.items[i];
    *ret_due_us = due;
  }
  return first;
}

static gint64
go_due (const WzpPuncher *self)
{
  if (self->go_copies == 0)
    return NEVER;
  return self->go_us + go_ms[WZP_PUNCHER_GO_COPIES - self->go_copies] * 1000;
}

static gboolean
write_punch (WzpPuncher *self, WzpPunchTarget *target, WzpPunchKind kind,
    guint ttl, WzpPuncherAction *ret_action)
{
  if (!wzp_punch_budget_take_packet (
          &self->budget, &target->candidate.addr, self->now_us)) {
    self->stats.suppressed++;
    return FALSE;
  }
  self->last_sent_us = self->now_us;
  self->stats.sent++;
  target->is_used = TRUE;
  *ret_action = (WzpPuncherAction){ .type = WZP_PUNCHER_ACTION_SEND,
    .addr = target->candidate.addr,
    .candidate = target->candidate.type,
    .ttl = ttl,
    .punch = { .kind = kind,
        .role = self->role,
        .number = ++self->number,
        .echo = self->window.highest } };
  return TRUE;
}

static gboolean
write_opener (
    WzpPuncher *self, WzpPunchTarget *target, WzpPuncherAction *ret_action)
{
  const guint ttl = WZP_PUNCHER_OPENER_TTL + target->openers++;

  target->opener_us += WZP_PUNCHER_SPACING_US;
  if (!write_punch (self, target, WZP_PUNCH_KIND_PUNCH, ttl, ret_action))
    return FALSE;
  self->stats.openers++;
  return TRUE;
}

static gboolean
may_dial (const WzpPuncher *self, const WzpPunchTarget *target)
{
  const gint64 due = dial_due (target);

  return due != NEVER && self->now_us >= due;
}

static gboolean
write_dial (
    WzpPuncher *self, WzpPunchTarget *target, WzpPuncherAction *ret_action)
{
  target->wants_dial = FALSE;
  if (self->role != WZP_ROLE_DIALER || self->is_direct ||
      target->dials >= WZP_PUNCHER_MAX_DIALS ||
      !wzp_punch_budget_take_dial (
          &self->budget, &target->candidate.addr, self->now_us))
    return FALSE;
  target->dials++;
  target->dialled_us = self->now_us;
  *ret_action = (WzpPuncherAction){ .type = WZP_PUNCHER_ACTION_DIAL,
    .addr = target->candidate.addr,
    .candidate = target->candidate.type };
  return TRUE;
}

/* One thing that is due at @target; FALSE: it came to nothing. */
static gboolean
run_target (
    WzpPuncher *self, WzpPunchTarget *target, WzpPuncherAction *ret_action)
{
  if (may_dial (self, target))
    return write_dial (self, target, ret_action);
  if (target->wants_answer) {
    target->wants_answer = FALSE;
    if (!write_punch (self, target, WZP_PUNCH_KIND_ANSWER, 0, ret_action))
      return FALSE;
    self->stats.answers++;
    return TRUE;
  }
  if (target->opener_us != NEVER && target->openers < WZP_PUNCHER_OPENERS)
    return write_opener (self, target, ret_action);
  /* The first round dials what it punches; a packet of the dial opens our NAT
   * as well as the punch does. */
  if (target->n_full++ == 0 && self->stats.rounds == 1 &&
      target->dialled_us == NEVER && !target->is_predicted)
    target->wants_dial = TRUE;
  return write_punch (self, target, WZP_PUNCH_KIND_PUNCH, 0, ret_action);
}

/* ---- entry points ---- */

WzpPuncher *
wzp_puncher_new (WzpRole role, gboolean peer_is_open, guint32 seed)
{
  WzpPuncher *self = g_new0 (WzpPuncher, 1);

  self->role = role;
  self->rand = g_rand_new_with_seed (seed);
  self->next_round_us = NEVER;
  self->hold_us = WZP_PUNCHER_OPENER_US;
  wzp_punch_targets_init (&self->targets, peer_is_open);
  return self;
}

void
wzp_puncher_free (WzpPuncher *self)
{
  if (self == NULL)
    return;
  g_rand_free (self->rand);
  g_free (self);
}

gboolean
wzp_puncher_holds (const WzpPuncher *self, const WzpCandidate *candidate)
{
  g_return_val_if_fail (self != NULL && candidate != NULL, FALSE);

  return !self->targets.peer_is_open &&
      candidate->type == WZP_CANDIDATE_SERVER_REFLEXIVE &&
      wzp_punch_candidate_is_far (candidate);
}

void
wzp_puncher_start (
    WzpPuncher *self, const WzpCandidateList *candidates, gint64 now_us)
{
  g_return_if_fail (self != NULL && !self->is_started);

  self->is_started = TRUE;
  self->now_us = now_us;
  self->base_us = now_us;
  wzp_punch_budget_init (&self->budget, now_us);
  self->last_sent_us = now_us - WZP_PUNCHER_SPACING_US;
  self->go_us = now_us - WZP_PUNCHER_MIN_ROUND_US;
  if (candidates != NULL)
    for (guint i = 0; i < MIN (candidates->n, WZP_CANDIDATES_MAX); i++)
      wzp_punch_targets_add (&self->targets, &candidates->items[i], FALSE);
  self->next_round_us = plan_round (self);
  begin_round (self, now_us);
}

gboolean
wzp_puncher_add_candidates (
    WzpPuncher *self, const WzpCandidateList *candidates, gint64 now_us)
{
  gboolean is_new = FALSE;

  g_return_val_if_fail (self != NULL && candidates != NULL, FALSE);

  if (!self->is_started)
    return FALSE;
  advance (self, now_us);
  for (guint i = 0; i < MIN (candidates->n, WZP_CANDIDATES_MAX); i++) {
    if (wzp_punch_targets_find (&self->targets, &candidates->items[i].addr) !=
        NULL)
      continue;
    join_round (self,
        wzp_punch_targets_add (&self->targets, &candidates->items[i], FALSE));
    is_new = TRUE;
  }
  if (is_new)
    restart_rounds (self);
  return is_new;
}

void
wzp_puncher_set_sequential (WzpPuncher *self)
{
  g_return_if_fail (self != NULL && !self->is_started);

  self->hold_us = WZP_PUNCHER_SEQUENTIAL_US;
}

static const WzpPunchTarget *
find_server_reflexive (const WzpPuncher *self)
{
  for (guint i = 0; i < self->targets.n; i++)
    if (self->targets.items[i].candidate.type == WZP_CANDIDATE_SERVER_REFLEXIVE)
      return &self->targets.items[i];
  return NULL;
}

void
wzp_puncher_expect_ports (
    WzpPuncher *self, guint16 port, guint step, gint64 now_us)
{
  WzpCandidate candidate = { .type = WZP_CANDIDATE_PEER_REFLEXIVE };
  const WzpPunchTarget *known;

  g_return_if_fail (self != NULL);

  advance (self, now_us);
  known = find_server_reflexive (self);
  if (known == NULL || port == 0 || step == 0 || step > WZP_NAT_MAX_PORT_STEP)
    return;
  candidate.addr = known->candidate.addr;
  for (guint i = 0; i < WZP_PUNCHER_MAX_PREDICTED; i++) {
    if (port + i * step > G_MAXUINT16)
      return;
    candidate.addr.port = (guint16) (port + i * step);
    if (wzp_punch_targets_find (&self->targets, &candidate.addr) == NULL)
      join_round (
          self, wzp_punch_targets_add (&self->targets, &candidate, TRUE));
  }
}

void
wzp_puncher_expect_port (WzpPuncher *self, guint16 port, gint64 now_us)
{
  WzpCandidate candidate = { .type = WZP_CANDIDATE_PEER_REFLEXIVE };
  const WzpPunchTarget *known;

  g_return_if_fail (self != NULL);

  advance (self, now_us);
  known = find_server_reflexive (self);
  if (known == NULL || port == 0)
    return;
  candidate.addr = known->candidate.addr;
  candidate.addr.port = port;
  if (wzp_punch_targets_find (&self->targets, &candidate.addr) == NULL)
    join_round (self, wzp_punch_targets_add (&self->targets, &candidate, TRUE));
}

guint
wzp_puncher_count_used (const WzpPuncher *self)
{
  const WzpPunchTarget *known;
  guint n = 0;

  g_return_val_if_fail (self != NULL, 0);

  known = find_server_reflexive (self);
  for (guint i = 0; known != NULL && i < self->targets.n; i++) {
    const WzpPunchTarget *target = &self->targets.items[i];

    /* The Dialer has dialled what it has not punched, too. */
    n += target->candidate.addr.family == known->candidate.addr.family &&
        (target->is_used || self->role == WZP_ROLE_DIALER);
  }
  return n;
}

void
wzp_puncher_relay_heard (WzpPuncher *self, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  if (self->has_relay)
    return;
  self->has_relay = TRUE;
  if (self->is_started && self->role == WZP_ROLE_DIALER && !self->is_direct &&
      self->round == 0)
    lead_first (self);
}

void
wzp_puncher_relay_lost (WzpPuncher *self)
{
  g_return_if_fail (self != NULL);

  self->has_relay = FALSE;
  self->go_copies = 0;
}

void
wzp_puncher_set_rtt (WzpPuncher *self, gint64 rtt_us)
{
  g_return_if_fail (self != NULL);

  self->rtt_us = CLAMP (rtt_us, 0, 2 * G_USEC_PER_SEC);
}

void
wzp_puncher_take_go (WzpPuncher *self, guint64 round, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  if (!self->is_started || self->is_direct)
    return;
  if (self->role == WZP_ROLE_DIALER) {
    if (round == 0)
      restart_rounds (self);
    return;
  }
  if (round <= self->round)
    return;
  /* Those that ask for it too often are not followed: nobody of ours does. */
  if (self->round > 0 &&
      self->now_us - self->round_us < WZP_PUNCHER_MIN_ROUND_US / 2)
    return;
  if (self->round == 0 && round == 1)
    release (self, self->now_us);
  else
    begin_round (self, self->now_us);
  self->round = round;
}

gboolean
wzp_puncher_take_punch (
    WzpPuncher *self, const WzpPunch *punch, const WzpAddr *from, gint64 now_us)
{
  WzpPunchTarget *target;

  g_return_val_if_fail (self != NULL && punch != NULL && from != NULL, FALSE);

  advance (self, now_us);
  if (!self->is_started || punch->role == self->role)
    return FALSE;
  if (!wzp_punch_window_take (&self->window, punch->number)) {
    self->stats.repeated++;
    return FALSE;
  }
  self->stats.heard++;
  if (self->is_direct)
    return TRUE;
  target = wzp_punch_targets_find (&self->targets, from);
  if (target == NULL)
    target = wzp_punch_targets_learn (&self->targets, from, self->now_us);
  if (target == NULL)
    return TRUE;
  if (target->full_us == NEVER &&
      wzp_punch_targets_count_active (&self->targets) < WZP_PUNCHER_MAX_PAIRS)
    wzp_punch_target_begin (target, self->now_us);
  target->heard_us = self->now_us;
  target->wants_answer |= punch->kind == WZP_PUNCH_KIND_PUNCH;
  target->wants_dial = self->role == WZP_ROLE_DIALER;
  self->go_copies = 0;
  release (self, self->now_us);
  return TRUE;
}

void
wzp_puncher_set_direct (WzpPuncher *self, gboolean is_up, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  if (is_up == self->is_direct)
    return;
  self->is_direct = is_up;
  self->go_copies = 0;
  self->next_round_us = NEVER;
  if (is_up)
    return;
  resume_targets (self);
  if (self->role == WZP_ROLE_DIALER && self->has_relay && self->round == 0)
    lead_first (self);
  restart_rounds (self);
}

void
wzp_puncher_kick (WzpPuncher *self, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  if (self->is_started && !self->is_direct)
    wzp_punch_budget_renew (&self->budget, self->now_us);
  restart_rounds (self);
}

gboolean
wzp_puncher_step (WzpPuncher *self, gint64 now_us, WzpPuncherAction *ret_action)
{
  WzpPunchTarget *target;
  gint64 due;

  g_return_val_if_fail (self != NULL && ret_action != NULL, FALSE);

  advance (self, now_us);
  if (!self->is_started || self->is_direct)
    return FALSE;
  if (self->has_relay && self->next_round_us != NEVER &&
      self->now_us >= self->next_round_us)
    lead_round (self);
  due = go_due (self);
  if (due != NEVER && self->now_us >= due) {
    self->go_copies--;
    *ret_action = (WzpPuncherAction){ .type = WZP_PUNCHER_ACTION_GO,
      .round = self->go_round };
    return TRUE;
  }
  while ((target = first_due (self, &due)) != NULL && self->now_us >= due) {
    if (!may_dial (self, target) &&
        self->now_us - self->last_sent_us < WZP_PUNCHER_SPACING_US)
      return FALSE;
    if (run_target (self, target, ret_action))
      return TRUE;
  }
  return FALSE;
}

gint64
wzp_puncher_get_deadline (const WzpPuncher *self)
{
  const WzpPunchTarget *target;
  gint64 next;

  g_return_val_if_fail (self != NULL, NEVER);

  if (!self->is_started || self->is_direct)
    return NEVER;
  target = first_due (self, &next);
  if (target != NULL && next != dial_due (target))
    next = MAX (next, self->last_sent_us + WZP_PUNCHER_SPACING_US);
  next = earlier (next, go_due (self));
  return earlier (next, self->has_relay ? self->next_round_us : NEVER);
}

void
wzp_puncher_get_stats (const WzpPuncher *self, WzpPuncherStats *ret_stats)
{
  g_return_if_fail (self != NULL && ret_stats != NULL);

  *ret_stats = self->stats;
  ret_stats->n_reflexive = wzp_punch_targets_count_reflexive (&self->targets);
}
