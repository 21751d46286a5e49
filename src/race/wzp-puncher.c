#include "wzp-puncher.h"

#define NEVER ((gint64) -1)
/* Rounds after the first, from the last kick; then every minute or so. */
#define N_EARLY_ROUNDS 4u
/* A GO this late restarts punches that went out in vain. */
#define RESTART_US (100 * 1000)
/* The Dialer's first round by a fresh socket, of those after the last kick. */
#define FIRST_FRESH 1u
/* The Acceptor's comes so long after so many rounds, then after four times as
 * many: its address begins the Dialer's timetable anew. */
#define ACCEPTOR_FRESH_US    (2500 * 1000)
#define ACCEPTOR_FIRST_FRESH 2u
#define ACCEPTOR_MORE_FRESH  4u

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

  gboolean may_fresh;
  gboolean awaits_fresh; /* the round that is due waits for it */
  gboolean has_fresh;    /* it is there: that round is by it */
  gint64 fresh_us;       /* when the last such round began */
  gint64 told_us;        /* when the peer was told of the last one */
  guint n_go;            /* Acceptor: rounds, since direct was up */
  guint fresh_after;     /* that number of them */
  gint64 fresh_at_us;    /* when to ask for one; NEVER: not now */
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
    target->is_fresh = self->has_fresh;
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
    target->is_brief = self->stats.rounds > 1;
    if (target->is_far)
      target->opener_us = at_us;
  }
  if (self->has_fresh) {
    self->stats.fresh_rounds++;
    self->fresh_us = self->now_us;
  }
  self->has_fresh = FALSE;
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
  const gint64 next_us = plan_round (self);

  self->next_round_us = MAX (next_us, self->now_us + WZP_PUNCHER_MIN_ROUND_US);
  send_go (self, ++self->round);
  begin_round (self, self->now_us + self->rtt_us / 2);
}

/* Whether the round that is due waits for a fresh socket, once. */
static gboolean
ask_fresh (WzpPuncher *self, WzpPuncherAction *ret_action)
{
  const gboolean has_waited = self->awaits_fresh;

  self->awaits_fresh = FALSE;
  if (has_waited || !self->may_fresh || self->n_rounds < FIRST_FRESH ||
      (self->n_rounds - FIRST_FRESH) % 2 != 0)
    return FALSE;
  self->awaits_fresh = TRUE;
  self->next_round_us = self->now_us + WZP_PUNCHER_FRESH_US;
  *ret_action = (WzpPuncherAction){ .type = WZP_PUNCHER_ACTION_FRESH };
  return TRUE;
}

/* Acceptor: a GO that was under way when the peer was told of our fresh socket
 * is not by it: what it will be punched by would come too early there. */
static void
follow_round (WzpPuncher *self)
{
  const gboolean is_early =
      self->has_fresh && self->now_us - self->told_us < self->rtt_us * 3 / 4;

  if (is_early)
    self->has_fresh = FALSE;
  begin_round (self, self->now_us);
  self->has_fresh = is_early;
}

/* Acceptor: the Dialer has begun another round. */
static void
count_round (WzpPuncher *self)
{
  if (!self->may_fresh || ++self->n_go < self->fresh_after)
    return;
  self->fresh_after = self->n_go * ACCEPTOR_MORE_FRESH;
  self->fresh_at_us = self->now_us + ACCEPTOR_FRESH_US;
}

static void
forget_fresh (WzpPuncher *self)
{
  self->awaits_fresh = self->has_fresh = FALSE;
  self->fresh_at_us = NEVER;
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
  forget_fresh (self);
  self->base_us = self->now_us;
  self->n_rounds = 0;
  self->next_round_us =
      MAX (self->now_us, self->round_us + WZP_PUNCHER_MIN_ROUND_US);
}

/* ---- what comes next ---- */

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
    .is_fresh = target->is_fresh,
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
  const gint64 due = wzp_punch_target_dial_due (target);

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
    .candidate = target->candidate.type,
    .is_fresh = target->is_fresh };
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
  self->fresh_us = self->fresh_at_us = NEVER;
  self->fresh_after = ACCEPTOR_FIRST_FRESH;
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
  WzpPunchTarget *target;
  gboolean is_new = FALSE;

  g_return_val_if_fail (self != NULL && candidates != NULL, FALSE);

  if (!self->is_started)
    return FALSE;
  advance (self, now_us);
  wzp_punch_targets_age (&self->targets, candidates);
  for (guint i = 0; i < MIN (candidates->n, WZP_CANDIDATES_MAX); i++) {
    if (wzp_punch_targets_find (&self->targets, &candidates->items[i].addr) !=
        NULL)
      continue;
    target =
        wzp_punch_targets_add (&self->targets, &candidates->items[i], FALSE);
    /* Where the peer's openers are awaited, those of the next round. */
    if (!target->is_far || self->role == WZP_ROLE_ACCEPTOR || !self->has_relay)
      join_round (self, target);
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

void
wzp_puncher_allow_fresh (WzpPuncher *self)
{
  g_return_if_fail (self != NULL && !self->is_started);

  self->may_fresh = TRUE;
}

void
wzp_puncher_set_fresh (WzpPuncher *self, gboolean is_there, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  if (!self->awaits_fresh)
    return;
  self->has_fresh = is_there;
  self->told_us = self->now_us;
  if (self->role == WZP_ROLE_DIALER)
    self->next_round_us = self->now_us;
  else
    self->awaits_fresh = FALSE; /* the Dialer begins a round at the news */
}

/* FALSE: there is nothing to go by. */
static gboolean
join_predicted (WzpPuncher *self, guint port)
{
  WzpCandidate candidate = { .type = WZP_CANDIDATE_PEER_REFLEXIVE };
  const WzpPunchTarget *known =
      wzp_punch_targets_find_reflexive (&self->targets);

  if (known == NULL || port == 0 || port > G_MAXUINT16)
    return FALSE;
  candidate.addr = known->candidate.addr;
  candidate.addr.port = (guint16) port;
  if (wzp_punch_targets_find (&self->targets, &candidate.addr) == NULL)
    join_round (self, wzp_punch_targets_add (&self->targets, &candidate, TRUE));
  return TRUE;
}

void
wzp_puncher_expect_ports (
    WzpPuncher *self, guint16 port, guint step, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  if (port == 0 || step == 0 || step > WZP_NAT_MAX_PORT_STEP)
    return;
  for (guint i = 0; i < WZP_PUNCHER_MAX_PREDICTED; i++)
    if (!join_predicted (self, port + i * step))
      return;
}

void
wzp_puncher_expect_port (WzpPuncher *self, guint16 port, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  join_predicted (self, port);
}

guint
wzp_puncher_count_used (const WzpPuncher *self)
{
  const WzpPunchTarget *known;
  guint n = 0;

  g_return_val_if_fail (self != NULL, 0);

  known = wzp_punch_targets_find_reflexive (&self->targets);
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
    if (round == 0 &&
        (self->fresh_us == NEVER ||
            self->now_us - self->fresh_us >= WZP_PUNCHER_FRESH_ECHO_US))
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
    follow_round (self);
  self->round = round;
  count_round (self);
}

gboolean
wzp_puncher_take_punch (WzpPuncher *self, const WzpPunch *punch,
    const WzpAddr *from, gboolean is_fresh, gint64 now_us)
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
  if (target->heard_us == NEVER || target->heard_us < self->round_us)
    target->is_fresh = is_fresh;
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
  forget_fresh (self);
  self->go_copies = 0;
  self->next_round_us = NEVER;
  self->n_go = 0;
  self->fresh_after = ACCEPTOR_FIRST_FRESH;
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
      self->now_us >= self->next_round_us) {
    if (ask_fresh (self, ret_action))
      return TRUE;
    lead_round (self);
  }
  if (self->fresh_at_us != NEVER && self->now_us >= self->fresh_at_us) {
    self->fresh_at_us = NEVER;
    self->awaits_fresh = TRUE;
    *ret_action = (WzpPuncherAction){ .type = WZP_PUNCHER_ACTION_FRESH };
    return TRUE;
  }
  due = go_due (self);
  if (due != NEVER && self->now_us >= due) {
    self->go_copies--;
    *ret_action = (WzpPuncherAction){ .type = WZP_PUNCHER_ACTION_GO,
      .round = self->go_round };
    return TRUE;
  }
  while (
      (target = wzp_punch_targets_first_due (&self->targets, &due)) != NULL &&
      self->now_us >= due) {
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
  target = wzp_punch_targets_first_due (&self->targets, &next);
  if (target != NULL && next != wzp_punch_target_dial_due (target))
    next = MAX (next, self->last_sent_us + WZP_PUNCHER_SPACING_US);
  next = wzp_punch_earlier (next, go_due (self));
  next = wzp_punch_earlier (next, self->fresh_at_us);
  return wzp_punch_earlier (
      next, self->has_relay ? self->next_round_us : NEVER);
}

void
wzp_puncher_get_stats (const WzpPuncher *self, WzpPuncherStats *ret_stats)
{
  g_return_if_fail (self != NULL && ret_stats != NULL);

  *ret_stats = self->stats;
  ret_stats->n_reflexive = wzp_punch_targets_count_reflexive (&self->targets);
}
