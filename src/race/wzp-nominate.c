#include "wzp-nominate.h"

#include "wzp-path-health.h"

#define N_PATHS (WZP_PATH_DIRECT + 1)

G_STATIC_ASSERT (WZP_NOMINATE_FRESH_US == WZP_PATH_FRESH_US);
G_STATIC_ASSERT (WZP_NOMINATE_SUSPECT_MIN_US == WZP_PATH_SUSPECT_MIN_US);
G_STATIC_ASSERT (WZP_NOMINATE_DEAD_MIN_US == WZP_PATH_DEAD_MIN_US);
G_STATIC_ASSERT (WZP_NOMINATE_BACK_PROBES == WZP_PATH_BACK_PROBES);
G_STATIC_ASSERT (WZP_NOMINATE_HOLD_MAX_US == WZP_PATH_HOLD_MAX_US);

typedef struct {
  WzpPath path;
  guint64 seq;
} Answer;

struct _WzpNominate {
  WzpRole role;
  gint64 now_us;
  WzpPathHealth paths[N_PATHS]; /* [WZP_PATH_NONE]: never up */
  guint64 next_seq;
  gboolean expects_relay; /* the peer is there, we were told */

  /* The nomination: made by us (Dialer), followed by us (Acceptor). */
  guint64 epoch, n;
  WzpPath target; /* NONE: none yet */
  gboolean is_acked;
  gint64 nominated_us; /* when it was made or came */
  gint64 resend_us;    /* Dialer: when it is sent again */
  gint64 resend_gap_us;
  gboolean was_target_up; /* Acceptor: since it came */

  WzpPath path;        /* what we send on */
  WzpPath told_path;   /* what the last CHANGED said */
  gboolean has_begun;  /* path was not NONE once */
  WzpPath old_path;    /* duplicated on ... */
  gint64 old_until_us; /* ... until then; G_MAXINT64: until acknowledged */

  /* SUSPECT, told while there is reason to. */
  WzpPath accused;  /* NONE: no reason */
  gint64 accuse_us; /* when to tell it next, -1: not */
  gint64 accuse_gap_us;

  /* What step() is to hand out. */
  gboolean want_nominate, want_ack, want_accuse;
  Answer answers[WZP_NOMINATE_MAX_ANSWERS];
  guint n_answers;
};

static gboolean
path_is_valid (WzpPath path)
{
  return path == WZP_PATH_RELAY || path == WZP_PATH_DIRECT;
}

static WzpPath
other_path (WzpPath path)
{
  switch (path) {
    case WZP_PATH_NONE:
      return WZP_PATH_NONE;
    case WZP_PATH_RELAY:
      return WZP_PATH_DIRECT;
    case WZP_PATH_DIRECT:
      return WZP_PATH_RELAY;
  }
  g_return_val_if_reached (WZP_PATH_NONE);
}

static gboolean
is_up (const WzpNominate *self, WzpPath path)
{
  return self->paths[path].is_up;
}

static gboolean
is_heard (const WzpNominate *self, WzpPath path)
{
  return is_up (self, path) &&
      (self->paths[path].heard_us >= 0 ||
          (path == WZP_PATH_RELAY && self->expects_relay));
}

static gboolean
is_dead (const WzpNominate *self, WzpPath path)
{
  return wzp_path_health_is_dead (&self->paths[path], self->now_us);
}

static gboolean
is_suspect (const WzpNominate *self, WzpPath path)
{
  return wzp_path_health_is_suspect (&self->paths[path], self->now_us);
}

static gint64
switch_rtt (const WzpNominate *self)
{
  gint64 rtt_us = 0;

  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++)
    if (is_up (self, path))
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
      : self->now_us + switch_rtt (self);
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

static gboolean
may_move_to_direct (const WzpNominate *self)
{
  const WzpPathHealth *direct = &self->paths[WZP_PATH_DIRECT];

  return wzp_path_health_is_proved (direct, self->now_us) &&
      !is_suspect (self, WZP_PATH_DIRECT) &&
      !wzp_path_health_is_held (direct, self->now_us);
}

/* Where the peer was heard, or its direct path is gone. */
static gboolean
may_use_relay (const WzpNominate *self)
{
  return is_up (self, WZP_PATH_RELAY) &&
      (self->has_begun || is_heard (self, WZP_PATH_RELAY));
}

static gboolean
is_proof_overdue (const WzpNominate *self, WzpPath path)
{
  const WzpPathHealth *health = &self->paths[path];

  return health->is_up && !wzp_path_health_was_proved (health) &&
      self->now_us - health->up_us >= WZP_NOMINATE_PROOF_US;
}

/* What carries media before any nomination. */
static WzpPath
choose_heard (const WzpNominate *self)
{
  if (is_heard (self, WZP_PATH_DIRECT))
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
  if (!is_heard (self, WZP_PATH_RELAY) ||
      wzp_path_health_is_on_trial (direct, self->now_us))
    return WZP_PATH_NONE;
  return is_dead (self, WZP_PATH_RELAY) && !is_dead (self, WZP_PATH_DIRECT)
      ? WZP_PATH_DIRECT
      : WZP_PATH_RELAY;
}

/* The Dialer's choice. */
static WzpPath
choose (const WzpNominate *self)
{
  const WzpPath current = self->target, other = other_path (current);

  if (current == WZP_PATH_NONE)
    return choose_first (self);
  if (!is_up (self, current))
    return is_up (self, other) ? other : current;
  if (is_dead (self, current) && is_up (self, other) && !is_dead (self, other))
    return other;
  if (current == WZP_PATH_RELAY && may_move_to_direct (self))
    return WZP_PATH_DIRECT;
  if (current == WZP_PATH_DIRECT && is_heard (self, WZP_PATH_RELAY) &&
      !is_dead (self, WZP_PATH_RELAY) &&
      is_proof_overdue (self, WZP_PATH_DIRECT))
    return WZP_PATH_RELAY;
  return current;
}

static void
lead (WzpNominate *self)
{
  const WzpPath chosen = choose (self);

  if (chosen != self->target) {
    if (self->target == WZP_PATH_DIRECT && is_up (self, WZP_PATH_DIRECT))
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
    set_path (self, is_up (self, self->target) ? self->target : WZP_PATH_NONE);
}

/* What the Acceptor sends on. */
static WzpPath
choose_provisional (const WzpNominate *self)
{
  const WzpPath down = self->path != WZP_PATH_NONE ? self->path : self->target;

  if (is_up (self, self->target))
    return self->target;
  if (is_up (self, self->path))
    return self->path;
  if (self->has_begun && is_up (self, other_path (down)))
    return other_path (down);
  return choose_heard (self);
}

/* The path to tell SUSPECT of, NONE: there is no reason to. */
static WzpPath
find_suspect (const WzpNominate *self)
{
  const WzpPath path =
      self->target != WZP_PATH_NONE ? self->target : self->path;

  if (is_up (self, path)
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
  if (is_up (self, self->target)) {
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
    return is_suspect (self, path) ? WZP_PACE_URGENT : WZP_PACE_CURRENT;
  if (self->path != WZP_PATH_NONE && is_suspect (self, self->path) &&
      !wzp_path_health_is_answering (health, self->now_us))
    return WZP_PACE_URGENT;
  if (self->role == WZP_ROLE_ACCEPTOR || path == WZP_PATH_RELAY)
    return WZP_PACE_STANDBY;
  if (health->needs_back)
    return WZP_PACE_BACK;
  return wzp_path_health_is_held (health, self->now_us) ? WZP_PACE_HOLD
                                                        : WZP_PACE_PROVE;
}

/* Brings everything up to self->now_us. */
static void
evaluate (WzpNominate *self)
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

static void
advance (WzpNominate *self, gint64 now_us)
{
  self->now_us = MAX (self->now_us, now_us);
}

static void
receive_nominate (WzpNominate *self, const WzpControl *control)
{
  if (self->role != WZP_ROLE_ACCEPTOR || !path_is_valid (control->path))
    return;
  if (control->epoch < self->epoch ||
      (control->epoch == self->epoch && control->n < self->n))
    return;
  if (control->epoch == self->epoch && control->n == self->n) {
    if (control->path == self->target)
      self->is_acked = FALSE; /* asked again: answer again */
    return;
  }
  self->epoch = control->epoch;
  self->n = control->n;
  self->target = control->path;
  self->is_acked = FALSE;
  self->was_target_up = FALSE;
  self->nominated_us = self->now_us;
}

static void
receive_ack (WzpNominate *self, const WzpControl *control)
{
  if (self->role != WZP_ROLE_DIALER || self->target == WZP_PATH_NONE ||
      self->is_acked || control->epoch != self->epoch || control->n != self->n)
    return;
  self->is_acked = TRUE;
  if (self->old_until_us == G_MAXINT64)
    self->old_until_us = self->now_us + switch_rtt (self);
}

static void
receive_suspect (WzpNominate *self, const WzpControl *control)
{
  if (path_is_valid (control->path) && control->path == self->path)
    wzp_path_health_accuse (&self->paths[control->path], self->now_us);
}

static void
receive_probe (
    WzpNominate *self, const WzpControl *control, WzpPath path, gsize len)
{
  WzpPathHealth *health = &self->paths[path];

  if (!health->is_up || control->path != path)
    return;
  wzp_path_health_heard (health, len >= WZP_NOMINATE_PROOF_TEXT, self->now_us);
  if (control->type == WZP_CONTROL_PROBE_ACK)
    wzp_path_health_answer (health, control->seq, self->now_us);
  else if (self->n_answers < WZP_NOMINATE_MAX_ANSWERS)
    self->answers[self->n_answers++] =
        (Answer){ .path = path, .seq = control->seq };
}

static void
fill_probe (WzpNominateAction *action, WzpNominateActionType type, WzpPath path,
    guint64 seq, gboolean padded)
{
  action->type = type;
  action->path = path;
  action->seq = seq;
  action->padded = padded;
  action->control.type = type == WZP_NOMINATE_ACTION_PROBE
      ? WZP_CONTROL_PROBE
      : WZP_CONTROL_PROBE_ACK;
  action->control.path = path;
  action->control.seq = seq;
  /* Type and path take a byte each. */
  if (padded)
    action->control.padding =
        (guint32) (WZP_NOMINATE_PROOF_TEXT - 2 - wzp_varint_len (seq));
}

static void
fill_send (WzpNominate *self, WzpNominateAction *action, WzpControlType type)
{
  action->type = WZP_NOMINATE_ACTION_SEND;
  action->control.type = type;
  if (type == WZP_CONTROL_SUSPECT) {
    action->control.path = self->accused;
    return;
  }
  action->control.epoch = self->epoch;
  action->control.n = self->n;
  if (type == WZP_CONTROL_NOMINATE)
    action->control.path = self->target;
}

static gboolean
take_send (WzpNominate *self, WzpNominateAction *action)
{
  if (self->want_nominate) {
    self->want_nominate = FALSE;
    fill_send (self, action, WZP_CONTROL_NOMINATE);
  } else if (self->want_ack) {
    self->want_ack = FALSE;
    fill_send (self, action, WZP_CONTROL_NOMINATE_ACK);
  } else if (self->want_accuse) {
    self->want_accuse = FALSE;
    fill_send (self, action, WZP_CONTROL_SUSPECT);
  } else {
    return FALSE;
  }
  return TRUE;
}

static gboolean
take_answer (WzpNominate *self, WzpNominateAction *action)
{
  while (self->n_answers > 0) {
    const Answer answer = self->answers[0];

    self->n_answers--;
    memmove (self->answers, self->answers + 1,
        self->n_answers * sizeof self->answers[0]);
    if (is_up (self, answer.path)) {
      fill_probe (action, WZP_NOMINATE_ACTION_PROBE_ACK, answer.path,
          answer.seq, FALSE);
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
take_probe (WzpNominate *self, WzpNominateAction *action)
{
  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++) {
    const gint64 due = wzp_path_health_next_probe (&self->paths[path]);
    gboolean padded;

    if (due < 0 || due > self->now_us)
      continue;
    padded = wzp_path_health_probe (
        &self->paths[path], self->next_seq, self->now_us);
    fill_probe (
        action, WZP_NOMINATE_ACTION_PROBE, path, self->next_seq, padded);
    self->next_seq++;
    return TRUE;
  }
  return FALSE;
}

/* Why told_path gave way to path. */
static void
fill_why (const WzpNominate *self, WzpNominateAction *action)
{
  const WzpPathHealth *from = &self->paths[action->old_path];
  const WzpPathHealth *to = &self->paths[action->path];
  const gint64 silence_us = wzp_path_health_silence (from, self->now_us);
  const gboolean is_silent = silence_us >= WZP_NOMINATE_SUSPECT_MIN_US;

  if (action->old_path != WZP_PATH_NONE && !from->is_up) {
    action->why = WZP_NOMINATE_WHY_LOST;
  } else if (self->role == WZP_ROLE_ACCEPTOR && action->path == self->target) {
    action->why = WZP_NOMINATE_WHY_PEER;
    action->why_us = is_silent ? silence_us : 0;
  } else if (is_silent) {
    action->why = WZP_NOMINATE_WHY_SILENT;
    action->why_us = silence_us;
  } else if (action->old_path == WZP_PATH_NONE ||
      !wzp_path_health_was_proved (to)) {
    action->why = WZP_NOMINATE_WHY_HEARD;
  } else {
    action->why = WZP_NOMINATE_WHY_PROVED;
    action->why_us = wzp_path_health_rtt (from) - wzp_path_health_rtt (to);
  }
}

static gint64
earlier (gint64 a, gint64 b)
{
  if (a < 0 || b < 0)
    return MAX (a, b);
  return MIN (a, b);
}

WzpNominate *
wzp_nominate_new (WzpRole role)
{
  WzpNominate *self = g_new0 (WzpNominate, 1);

  self->role = role;
  self->epoch = 1;
  self->accuse_us = -1;
  self->old_until_us = -1;
  for (WzpPath path = WZP_PATH_NONE; path <= WZP_PATH_DIRECT; path++)
    wzp_path_health_init (&self->paths[path]);
  return self;
}

void
wzp_nominate_free (WzpNominate *self)
{
  g_free (self);
}

void
wzp_nominate_set_epoch (WzpNominate *self, guint64 epoch)
{
  g_return_if_fail (self != NULL && self->n == 0);
  g_return_if_fail (epoch > 0 && epoch <= WZP_VARINT_MAX);

  self->epoch = epoch;
}

void
wzp_nominate_path_up (WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_if_fail (self != NULL && path_is_valid (path));

  advance (self, now_us);
  wzp_path_health_up (
      &self->paths[path], path == WZP_PATH_DIRECT, self->now_us);
  evaluate (self);
}

void
wzp_nominate_path_down (WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_if_fail (self != NULL && path_is_valid (path));

  advance (self, now_us);
  if (!is_up (self, path))
    return;
  wzp_path_health_down (&self->paths[path]);
  if (path == WZP_PATH_DIRECT && path == self->target)
    wzp_path_health_died (&self->paths[path], self->nominated_us, self->now_us);
  evaluate (self);
}

void
wzp_nominate_heard (WzpNominate *self, WzpPath path, gint64 now_us)
{
  gboolean was_heard;

  g_return_if_fail (self != NULL && path_is_valid (path));

  advance (self, now_us);
  if (!is_up (self, path))
    return;
  was_heard = is_heard (self, path);
  wzp_path_health_heard (&self->paths[path], FALSE, self->now_us);
  if (!was_heard)
    evaluate (self);
}

void
wzp_nominate_expect_relay (WzpNominate *self, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  self->expects_relay = TRUE;
  evaluate (self);
}

void
wzp_nominate_receive (WzpNominate *self, const WzpControl *control,
    WzpPath path, gsize len, gint64 now_us)
{
  g_return_if_fail (self != NULL && control != NULL);

  advance (self, now_us);
  switch ((guint) control->type) {
    case WZP_CONTROL_NOMINATE:
      receive_nominate (self, control);
      break;
    case WZP_CONTROL_NOMINATE_ACK:
      receive_ack (self, control);
      break;
    case WZP_CONTROL_SUSPECT:
      receive_suspect (self, control);
      break;
    case WZP_CONTROL_PROBE:
    case WZP_CONTROL_PROBE_ACK:
      if (path_is_valid (path))
        receive_probe (self, control, path, len);
      break;
    default:
      return;
  }
  evaluate (self);
}

void
wzp_nominate_sample (WzpNominate *self, WzpPath path, gint64 srtt_us,
    gint64 pto_us, gint64 unacked_us, gint64 now_us)
{
  g_return_if_fail (self != NULL && path_is_valid (path));

  advance (self, now_us);
  if (!is_up (self, path))
    return;
  wzp_path_health_sample (&self->paths[path], srtt_us, pto_us, unacked_us);
  evaluate (self);
}

gboolean
wzp_nominate_step (
    WzpNominate *self, gint64 now_us, WzpNominateAction *ret_action)
{
  WzpNominateAction action = { 0 };

  g_return_val_if_fail (self != NULL && ret_action != NULL, FALSE);

  advance (self, now_us);
  evaluate (self);
  if (self->path != self->told_path) {
    action.type = WZP_NOMINATE_ACTION_CHANGED;
    action.old_path = self->told_path;
    action.path = self->told_path = self->path;
    fill_why (self, &action);
  } else if (!take_send (self, &action) && !take_answer (self, &action) &&
      !take_probe (self, &action)) {
    return FALSE;
  }
  *ret_action = action;
  return TRUE;
}

gint64
wzp_nominate_get_deadline (const WzpNominate *self)
{
  gint64 next = -1;

  g_return_val_if_fail (self != NULL, -1);

  if (self->path != self->told_path || self->want_nominate || self->want_ack ||
      self->want_accuse || self->n_answers > 0)
    return self->now_us;
  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++) {
    const WzpPathHealth *health = &self->paths[path];

    next = earlier (next, wzp_path_health_next_probe (health));
    next = earlier (next, wzp_path_health_next_turn (health, self->now_us));
  }
  if (self->role == WZP_ROLE_DIALER && self->target != WZP_PATH_NONE &&
      !self->is_acked)
    next = earlier (next, self->resend_us);
  if (self->old_until_us > self->now_us && self->old_until_us < G_MAXINT64)
    next = earlier (next, self->old_until_us);
  return earlier (next, self->accuse_us);
}

WzpPath
wzp_nominate_get_path (const WzpNominate *self)
{
  g_return_val_if_fail (self != NULL, WZP_PATH_NONE);

  return self->path;
}

WzpPath
wzp_nominate_get_duplicate (const WzpNominate *self)
{
  WzpPath other;

  g_return_val_if_fail (self != NULL, WZP_PATH_NONE);

  other = other_path (self->path);
  if (!is_up (self, other))
    return WZP_PATH_NONE;
  if (is_suspect (self, self->path) ||
      (self->target == WZP_PATH_NONE && other == WZP_PATH_RELAY &&
          is_heard (self, other)) ||
      (other == self->old_path && self->now_us < self->old_until_us))
    return other;
  return WZP_PATH_NONE;
}

gboolean
wzp_nominate_is_proved (const WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_val_if_fail (self != NULL && path_is_valid (path), FALSE);

  return wzp_path_health_is_proved (&self->paths[path], now_us);
}

gboolean
wzp_nominate_is_suspect (const WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_val_if_fail (self != NULL && path_is_valid (path), FALSE);

  return wzp_path_health_is_suspect (&self->paths[path], now_us);
}

gboolean
wzp_nominate_is_dead (const WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_val_if_fail (self != NULL && path_is_valid (path), FALSE);

  return wzp_path_health_is_dead (&self->paths[path], now_us);
}

gint64
wzp_nominate_get_silence_us (
    const WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_val_if_fail (self != NULL && path_is_valid (path), 0);

  return wzp_path_health_silence (&self->paths[path], now_us);
}

gint64
wzp_nominate_get_patience_us (const WzpNominate *self, WzpPath path)
{
  g_return_val_if_fail (self != NULL && path_is_valid (path), 0);

  return wzp_path_health_patience (&self->paths[path]);
}

gboolean
wzp_nominate_is_proof_overdue (const WzpNominate *self, WzpPath path)
{
  g_return_val_if_fail (self != NULL && path_is_valid (path), FALSE);

  return is_proof_overdue (self, path);
}

WzpPath
wzp_nominate_get_nominated (const WzpNominate *self, guint64 *ret_epoch,
    guint64 *ret_n, gboolean *ret_acked)
{
  g_return_val_if_fail (self != NULL, WZP_PATH_NONE);

  if (ret_epoch != NULL)
    *ret_epoch = self->epoch;
  if (ret_n != NULL)
    *ret_n = self->n;
  if (ret_acked != NULL)
    *ret_acked = self->is_acked;
  return self->target;
}
