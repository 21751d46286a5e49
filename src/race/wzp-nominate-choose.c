/* The rules of nomination: what each side sends on, and why. */
#include "wzp-nominate-private.h"

gint64
wzp_nominate_switch_rtt (const WzpNominate *self)
{
  gint64 rtt_us = 0;

  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++)
    if (wzp_nominate_sees_up (self, path))
      rtt_us = MAX (rtt_us, wzp_path_health_rtt (&self->paths[path]));
  return rtt_us;
}

/* The only writer of self->path. */
static void
set_path (WzpNominate *self, WzpPath path)
{
  if (path == self->path)
    return;
  g_debug ("nominate %p: %s, %s -> %s", (void *) self,
      wzp_role_to_string (self->role), wzp_path_to_string (self->path),
      wzp_path_to_string (path));
  self->old_path = self->path;
  self->old_until_us = self->role == WZP_ROLE_DIALER
      ? G_MAXINT64
      : self->now_us + wzp_nominate_switch_rtt (self);
  self->path = path;
  self->has_begun |= path != WZP_PATH_NONE;
}

static void
nominate (WzpNominate *self, WzpPath path)
{
  self->n++;
  self->target = path;
  g_debug (
      "nominate %p: nominates %s", (void *) self, wzp_path_to_string (path));
  self->is_acked = FALSE;
  self->nominated_us = self->now_us;
  self->resend_gap_us = WZP_NOMINATE_RESEND_MIN_US;
  self->resend_us = self->now_us + self->resend_gap_us;
  self->want_nominate = TRUE;
  /* In use it is judged anew; its hold-down keeps growing from where it is. */
  self->paths[path].needs_back = FALSE;
}

/* Microseconds; -1: not known. */
static gint64
get_score (const WzpNominate *self, WzpPath path)
{
  const WzpPathHealth *health = &self->paths[path];
  WzpPathQuality quality = self->quality[path];

  if (!health->is_up || !self->is_rated[path] ||
      self->now_us - health->up_us < WZP_PATH_SCORE_YOUNG_US ||
      !wzp_path_health_has_rtt (health))
    return -1;
  quality.rtt_us = wzp_path_health_rtt (health);
  quality.is_relay = path == WZP_PATH_RELAY;
  return wzp_path_score (&quality);
}

/* By how much the relay is better; 0: by less than the margin. */
static gint64
relay_gain (const WzpNominate *self)
{
  const gint64 relay = get_score (self, WZP_PATH_RELAY);
  const gint64 direct = get_score (self, WZP_PATH_DIRECT);

  if (!wzp_nominate_sees_heard (self, WZP_PATH_RELAY) ||
      !wzp_path_score_is_better (relay, direct))
    return 0;
  return direct - relay;
}

/* A relay that nothing is sent by has lost nothing: that it answers every probe
 * in time until then is what speaks for it. */
static void
watch_relay (WzpNominate *self)
{
  const gboolean is_better = self->target == WZP_PATH_DIRECT &&
      relay_gain (self) > 0 &&
      !wzp_nominate_sees_suspect (self, WZP_PATH_RELAY);

  if (!is_better)
    self->better_us = -1;
  else if (self->better_us < 0)
    self->better_us = self->now_us;
}

gint64
wzp_nominate_better_at (const WzpNominate *self)
{
  if (self->better_us < 0)
    return -1;
  return MAX (self->better_us + WZP_PATH_SCORE_BETTER_US,
      self->nominated_us + WZP_PATH_SCORE_SETTLE_US);
}

static gboolean
is_better_for_long (const WzpNominate *self)
{
  return self->better_us >= 0 && self->now_us >= wzp_nominate_better_at (self);
}

static gboolean
may_move_to_direct (const WzpNominate *self)
{
  const WzpPathHealth *direct = &self->paths[WZP_PATH_DIRECT];

  return wzp_path_health_is_proved (direct, self->now_us) &&
      !wzp_nominate_sees_suspect (self, WZP_PATH_DIRECT) &&
      !wzp_path_health_is_held (direct, self->now_us);
}

/* Where the peer was heard, or its direct path is gone. */
static gboolean
may_use_relay (const WzpNominate *self)
{
  return wzp_nominate_sees_up (self, WZP_PATH_RELAY) &&
      (self->has_begun || wzp_nominate_sees_heard (self, WZP_PATH_RELAY));
}

gboolean
wzp_nominate_is_proof_overdue (const WzpNominate *self, WzpPath path)
{
  const WzpPathHealth *health;

  g_return_val_if_fail (self != NULL && wzp_nominate_is_path (path), FALSE);

  health = &self->paths[path];
  return health->is_up && !wzp_path_health_was_proved (health) &&
      self->now_us - health->up_us >= WZP_NOMINATE_PROOF_US;
}

/* What carries media before any nomination. */
static WzpPath
choose_heard (const WzpNominate *self)
{
  if (wzp_nominate_sees_heard (self, WZP_PATH_DIRECT))
    return WZP_PATH_DIRECT;
  if (may_use_relay (self))
    return WZP_PATH_RELAY;
  return WZP_PATH_NONE;
}

/* The Dialer's first nomination. */
static WzpPath
choose_first (const WzpNominate *self)
{
  const WzpPathHealth *direct = &self->paths[WZP_PATH_DIRECT];

  if (wzp_path_health_is_proved (direct, self->now_us))
    return WZP_PATH_DIRECT;
  if (!direct->is_up)
    return may_use_relay (self) ? WZP_PATH_RELAY : WZP_PATH_NONE;
  if (!wzp_nominate_sees_heard (self, WZP_PATH_RELAY) ||
      wzp_path_health_is_on_trial (direct, self->now_us))
    return WZP_PATH_NONE;
  return wzp_nominate_sees_dead (self, WZP_PATH_RELAY) &&
          !wzp_nominate_sees_dead (self, WZP_PATH_DIRECT)
      ? WZP_PATH_DIRECT
      : WZP_PATH_RELAY;
}

/* The Dialer's choice. */
static WzpPath
choose (const WzpNominate *self)
{
  const WzpPath current = self->target,
                other = wzp_nominate_other_path (current);

  if (current == WZP_PATH_NONE)
    return choose_first (self);
  if (!wzp_nominate_sees_up (self, current))
    return wzp_nominate_sees_up (self, other) ? other : current;
  if (wzp_nominate_sees_dead (self, current) &&
      wzp_nominate_sees_up (self, other) &&
      !wzp_nominate_sees_dead (self, other))
    return other;
  if (current == WZP_PATH_RELAY && may_move_to_direct (self) &&
      relay_gain (self) == 0)
    return WZP_PATH_DIRECT;
  if (current == WZP_PATH_DIRECT &&
      wzp_nominate_sees_heard (self, WZP_PATH_RELAY) &&
      !wzp_nominate_sees_dead (self, WZP_PATH_RELAY) &&
      wzp_nominate_is_proof_overdue (self, WZP_PATH_DIRECT))
    return WZP_PATH_RELAY;
  if (is_better_for_long (self))
    return WZP_PATH_RELAY;
  return current;
}

static void
lead (WzpNominate *self)
{
  WzpPath chosen;

  watch_relay (self);
  chosen = choose (self);
  if (chosen != self->target) {
    self->gain_us = is_better_for_long (self) ? relay_gain (self) : 0;
    self->better_us = -1;
    if (self->target == WZP_PATH_DIRECT &&
        wzp_nominate_sees_up (self, WZP_PATH_DIRECT))
      wzp_path_health_died (
          &self->paths[WZP_PATH_DIRECT], self->nominated_us, self->now_us);
    nominate (self, chosen);
  } else if (self->target != WZP_PATH_NONE && !self->is_acked &&
      self->now_us >= self->resend_us) {
    self->want_nominate = TRUE;
    self->resend_gap_us =
        MIN (2 * self->resend_gap_us, WZP_NOMINATE_RESEND_MAX_US);
    self->resend_us = self->now_us + self->resend_gap_us;
  }
  if (self->target == WZP_PATH_NONE)
    set_path (self, choose_heard (self));
  else
    set_path (self,
        wzp_nominate_sees_up (self, self->target) ? self->target
                                                  : WZP_PATH_NONE);
}

/* What the Acceptor sends on. */
static WzpPath
choose_provisional (const WzpNominate *self)
{
  const WzpPath down = self->path != WZP_PATH_NONE ? self->path : self->target;

  if (wzp_nominate_sees_up (self, self->target))
    return self->target;
  if (wzp_nominate_sees_up (self, self->path))
    return self->path;
  if (self->has_begun &&
      wzp_nominate_sees_up (self, wzp_nominate_other_path (down)))
    return wzp_nominate_other_path (down);
  return choose_heard (self);
}

/* The path to tell SUSPECT of, NONE: there is no reason to. */
static WzpPath
find_suspect (const WzpNominate *self)
{
  const WzpPath path =
      self->target != WZP_PATH_NONE ? self->target : self->path;

  if (wzp_nominate_sees_up (self, path)
          ? wzp_path_health_is_doubted (&self->paths[path], self->now_us)
          : self->was_target_up)
    return path;
  return WZP_PATH_NONE;
}

static void
accuse (WzpNominate *self)
{
  const WzpPath path = find_suspect (self);

  if (path == WZP_PATH_NONE) {
    self->accused = WZP_PATH_NONE;
    self->accuse_us = -1;
    self->want_accuse = FALSE;
    return;
  }
  if (path != self->accused)
    self->accuse_gap_us = WZP_NOMINATE_ACCUSE_MIN_US;
  else if (self->now_us >= self->accuse_us)
    self->accuse_gap_us =
        MIN (2 * self->accuse_gap_us, WZP_NOMINATE_ACCUSE_MAX_US);
  else
    return;
  self->accused = path;
  self->want_accuse = TRUE;
  self->accuse_us = self->now_us + self->accuse_gap_us;
}

static void
follow (WzpNominate *self)
{
  set_path (self, choose_provisional (self));
  if (wzp_nominate_sees_up (self, self->target)) {
    self->was_target_up = TRUE;
    if (!self->is_acked)
      self->want_ack = self->is_acked = TRUE;
  }
}

static WzpPace
choose_pace (const WzpNominate *self, WzpPath path)
{
  const WzpPathHealth *health = &self->paths[path];

  if (!health->is_up)
    return WZP_PACE_NONE;
  if (health->proved_us < 0 && !health->needs_back)
    return WZP_PACE_PROVE;
  /* The first nomination waits for a proof that is fresh. */
  if (self->role == WZP_ROLE_DIALER && self->target == WZP_PATH_NONE &&
      path == WZP_PATH_DIRECT)
    return WZP_PACE_PROVE;
  if (path == self->path)
    return wzp_nominate_sees_suspect (self, path) ? WZP_PACE_URGENT
                                                  : WZP_PACE_CURRENT;
  if (self->path != WZP_PATH_NONE &&
      wzp_nominate_sees_suspect (self, self->path) &&
      !wzp_path_health_is_answering (health, self->now_us))
    return WZP_PACE_URGENT;
  if (path == WZP_PATH_RELAY && self->better_us >= 0)
    return WZP_PACE_URGENT;
  if (self->role == WZP_ROLE_ACCEPTOR || path == WZP_PATH_RELAY)
    return WZP_PACE_STANDBY;
  if (health->needs_back)
    return WZP_PACE_BACK;
  return wzp_path_health_is_held (health, self->now_us) || relay_gain (self) > 0
      ? WZP_PACE_HOLD
      : WZP_PACE_PROVE;
}

void
wzp_nominate_evaluate (WzpNominate *self)
{
  if (self->role == WZP_ROLE_DIALER)
    lead (self);
  else
    follow (self);
  accuse (self);
  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++)
    wzp_path_health_set_pace (
        &self->paths[path], choose_pace (self, path), self->now_us);
}
