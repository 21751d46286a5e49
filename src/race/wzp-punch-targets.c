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

/* The one of its kind that was heard longest ago. */
static WzpPunchTarget *
find_stalest (WzpPunchTargets *self, Kind kind)
{
  WzpPunchTarget *found = NULL;

  for (guint i = 0; i < self->n; i++) {
    WzpPunchTarget *target = &self->items[i];

    if (kind_of (target) == kind &&
        (found == NULL || target->heard_us < found->heard_us))
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

    if (target->full_us == NEVER &&
        (best == NULL || rank_target (target) > rank_target (best)))
      best = target;
  }
  return best;
}

gint64
wzp_punch_target_next (const WzpPunchTarget *target)
{
  const gint64 *times = target->is_predicted ? predicted_ms : full_ms;
  const guint n =
      target->is_predicted ? G_N_ELEMENTS (predicted_ms) : WZP_PUNCHER_TIMES;

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
