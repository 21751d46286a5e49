#include "wzp-punch-targets.h"

#define MINUTE_US (60 * (gint64) G_USEC_PER_SEC)
#define NEVER     WZP_PUNCH_NEVER

static const gint64 full_ms[WZP_PUNCHER_TIMES] = { 0, 33, 66, 133, 266, 533,
  1000, 2000, 3500 };
static const gint64 predicted_ms[] = { 0, 133, 533, 2000 };

gboolean
wzp_punch_candidate_is_far (const WzpCandidate *candidate)
{
  return candidate->type != WZP_CANDIDATE_HOST &&
      wzp_addr_scope (&candidate->addr) == WZP_ADDR_GLOBAL;
}

void
wzp_punch_targets_init (WzpPunchTargets *self, gboolean peer_is_open)
{
  *self = (WzpPunchTargets){ .peer_is_open = peer_is_open };
  for (guint i = 0; i < WZP_PUNCHER_MAX_REFLEXIVE; i++)
    self->learnt_us[i] = NEVER;
}

WzpPunchTarget *
wzp_punch_targets_find (WzpPunchTargets *self, const WzpAddr *addr)
{
  for (guint i = 0; i < self->n; i++)
    if (wzp_addr_equal (&self->items[i].candidate.addr, addr))
      return &self->items[i];
  return NULL;
}

static void
init_target (const WzpPunchTargets *self, WzpPunchTarget *target,
    const WzpCandidate *candidate)
{
  *target = (WzpPunchTarget){ .candidate = *candidate,
    .is_far = !self->peer_is_open && wzp_punch_candidate_is_far (candidate),
    .opener_us = NEVER,
    .full_us = NEVER,
    .heard_us = NEVER,
    .dialled_us = NEVER };
}

typedef enum {
  KIND_LISTED,
  KIND_REFLEXIVE,
  KIND_PREDICTED,
} Kind;

static const guint max_of_kind[] = { WZP_CANDIDATES_MAX,
  WZP_PUNCHER_MAX_REFLEXIVE, WZP_PUNCHER_MAX_PREDICTED };

static Kind
kind_of (const WzpPunchTarget *target)
{
  if (target->is_predicted)
    return KIND_PREDICTED;
  return target->candidate.type == WZP_CANDIDATE_PEER_REFLEXIVE ? KIND_REFLEXIVE
                                                                : KIND_LISTED;
}

static gboolean
is_staler (const WzpPunchTarget *a, const WzpPunchTarget *b)
{
  if (a->is_past != b->is_past)
    return a->is_past;
  return a->heard_us < b->heard_us;
}

/* The one of its kind that is past, or was heard longest ago. */
static WzpPunchTarget *
find_stalest (WzpPunchTargets *self, Kind kind)
{
  WzpPunchTarget *found = NULL;

  for (guint i = 0; i < self->n; i++) {
    WzpPunchTarget *target = &self->items[i];

    if (kind_of (target) == kind &&
        (found == NULL || is_staler (target, found)))
      found = target;
  }
  return found;
}

static guint
count_targets (const WzpPunchTargets *self, Kind kind)
{
  guint n = 0;

  for (guint i = 0; i < self->n; i++)
    n += kind_of (&self->items[i]) == kind;
  return n;
}

WzpPunchTarget *
wzp_punch_targets_add (
    WzpPunchTargets *self, const WzpCandidate *candidate, gboolean is_predicted)
{
  WzpPunchTarget made, *target;

  init_target (self, &made, candidate);
  made.is_predicted = is_predicted;
  made.is_far &= !is_predicted;
  target = count_targets (self, kind_of (&made)) < max_of_kind[kind_of (&made)]
      ? &self->items[self->n++]
      : find_stalest (self, kind_of (&made));
  *target = made;
  return target;
}

static gboolean
is_listed (const WzpCandidateList *listed, const WzpAddr *addr)
{
  for (guint i = 0; i < MIN (listed->n, WZP_CANDIDATES_MAX); i++)
    if (wzp_addr_equal (&listed->items[i].addr, addr))
      return TRUE;
  return FALSE;
}

void
wzp_punch_targets_age (WzpPunchTargets *self, const WzpCandidateList *listed)
{
  for (guint i = 0; i < self->n; i++) {
    WzpPunchTarget *target = &self->items[i];

    if (kind_of (target) == KIND_LISTED)
      target->is_past = !is_listed (listed, &target->candidate.addr);
  }
}

WzpPunchTarget *
wzp_punch_targets_learn (
    WzpPunchTargets *self, const WzpAddr *from, gint64 now_us)
{
  const WzpCandidate candidate = { .addr = *from,
    .type = WZP_CANDIDATE_PEER_REFLEXIVE };
  gint64 *slot = &self->learnt_us[self->next_learnt];

  if (*slot != NEVER && now_us - *slot < MINUTE_US)
    return NULL;
  *slot = now_us;
  self->next_learnt = (self->next_learnt + 1) % WZP_PUNCHER_MAX_REFLEXIVE;
  return wzp_punch_targets_add (self, &candidate, FALSE);
}

/* Larger: rather. */
static guint
rank_target (const WzpPunchTarget *target)
{
  if (target->heard_us != NEVER)
    return 4;
  if (target->is_past)
    return 0;
  switch (target->candidate.type) {
    case WZP_CANDIDATE_PEER_REFLEXIVE:
      return 3;
    case WZP_CANDIDATE_SERVER_REFLEXIVE:
      return 2;
    case WZP_CANDIDATE_HOST:
      return 1;
  }
  g_return_val_if_reached (0);
}

guint
wzp_punch_targets_count_reflexive (const WzpPunchTargets *self)
{
  return count_targets (self, KIND_REFLEXIVE);
}

guint
wzp_punch_targets_count_active (const WzpPunchTargets *self)
{
  guint n = 0;

  for (guint i = 0; i < self->n; i++)
    n += self->items[i].full_us != NEVER;
  return n;
}

WzpPunchTarget *
wzp_punch_targets_pick (WzpPunchTargets *self)
{
  WzpPunchTarget *best = NULL;

  for (guint i = 0; i < self->n; i++) {
    WzpPunchTarget *target = &self->items[i];

    if (target->full_us == NEVER && rank_target (target) > 0 &&
        (best == NULL || rank_target (target) > rank_target (best)))
      best = target;
  }
  return best;
}

gint64
wzp_punch_target_next (const WzpPunchTarget *target)
{
  const gint64 *times = target->is_predicted ? predicted_ms : full_ms;
  guint n = target->is_brief ? WZP_PUNCHER_BRIEF_TIMES : WZP_PUNCHER_TIMES;

  if (target->is_predicted)
    n = G_N_ELEMENTS (predicted_ms);

  if (target->full_us == NEVER || target->n_full >= n)
    return NEVER;
  return target->full_us + times[target->n_full] * 1000;
}

void
wzp_punch_target_begin (WzpPunchTarget *target, gint64 at_us)
{
  target->full_us = at_us;
  target->n_full = 0;
}

const WzpPunchTarget *
wzp_punch_targets_find_reflexive (const WzpPunchTargets *self)
{
  for (guint i = 0; i < self->n; i++)
    if (self->items[i].candidate.type == WZP_CANDIDATE_SERVER_REFLEXIVE)
      return &self->items[i];
  return NULL;
}

/* ---- what is due ---- */

gint64
wzp_punch_target_dial_due (const WzpPunchTarget *target)
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

gint64
wzp_punch_earlier (gint64 a, gint64 b)
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
  return wzp_punch_earlier (due, wzp_punch_target_dial_due (target));
}

WzpPunchTarget *
wzp_punch_targets_first_due (const WzpPunchTargets *self, gint64 *ret_due_us)
{
  WzpPunchTarget *first = NULL;

  *ret_due_us = NEVER;
  for (guint i = 0; i < self->n; i++) {
    const gint64 due = target_due (&self->items[i]);

    if (due == NEVER)
      continue;
    /* Of two, rather the one that openers go to: behind a sequential NAT the
     * order is what a prediction is made of. */
    if (first != NULL &&
        (due > *ret_due_us ||
            (due == *ret_due_us && !(self->items[i].is_far && !first->is_far))))
      continue;
    first = (WzpPunchTarget *) &self->items[i];
    *ret_due_us = due;
  }
  return first;
}
