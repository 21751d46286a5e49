#include "wzp-nominate-private.h"

G_STATIC_ASSERT (WZP_NOMINATE_FRESH_US == WZP_PATH_FRESH_US);
G_STATIC_ASSERT (WZP_NOMINATE_SUSPECT_MIN_US == WZP_PATH_SUSPECT_MIN_US);
G_STATIC_ASSERT (WZP_NOMINATE_DEAD_MIN_US == WZP_PATH_DEAD_MIN_US);
G_STATIC_ASSERT (WZP_NOMINATE_BACK_PROBES == WZP_PATH_BACK_PROBES);
G_STATIC_ASSERT (WZP_NOMINATE_HOLD_MAX_US == WZP_PATH_HOLD_MAX_US);

static void
advance (WzpNominate *self, gint64 now_us)
{
  self->now_us = MAX (self->now_us, now_us);
}

static void
receive_nominate (WzpNominate *self, const WzpControl *control)
{
  if (self->role != WZP_ROLE_ACCEPTOR || !wzp_nominate_is_path (control->path))
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
    self->old_until_us = self->now_us + wzp_nominate_switch_rtt (self);
}

static void
receive_suspect (WzpNominate *self, const WzpControl *control)
{
  if (wzp_nominate_is_path (control->path) && control->path == self->path)
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
        (WzpNominateAnswer){ .path = path, .seq = control->seq };
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
    const WzpNominateAnswer answer = self->answers[0];

    self->n_answers--;
    memmove (self->answers, self->answers + 1,
        self->n_answers * sizeof self->answers[0]);
    if (wzp_nominate_sees_up (self, answer.path)) {
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
  } else if (action->old_path == WZP_PATH_DIRECT &&
      action->path == self->target && self->gain_us > 0) {
    action->why = WZP_NOMINATE_WHY_BETTER;
    action->why_us = self->gain_us;
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
  self->better_us = -1;
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
  g_return_if_fail (self != NULL && wzp_nominate_is_path (path));

  advance (self, now_us);
  wzp_path_health_up (
      &self->paths[path], path == WZP_PATH_DIRECT, self->now_us);
  self->is_rated[path] = FALSE;
  wzp_nominate_evaluate (self);
}

void
wzp_nominate_path_down (WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_if_fail (self != NULL && wzp_nominate_is_path (path));

  advance (self, now_us);
  if (!wzp_nominate_sees_up (self, path))
    return;
  wzp_path_health_down (&self->paths[path]);
  if (path == WZP_PATH_DIRECT && path == self->target)
    wzp_path_health_died (&self->paths[path], self->nominated_us, self->now_us);
  wzp_nominate_evaluate (self);
}

void
wzp_nominate_heard (WzpNominate *self, WzpPath path, gint64 now_us)
{
  gboolean was_heard;

  g_return_if_fail (self != NULL && wzp_nominate_is_path (path));

  advance (self, now_us);
  if (!wzp_nominate_sees_up (self, path))
    return;
  was_heard = wzp_nominate_sees_heard (self, path);
  wzp_path_health_heard (&self->paths[path], FALSE, self->now_us);
  if (!was_heard)
    wzp_nominate_evaluate (self);
}

void
wzp_nominate_expect_relay (WzpNominate *self, gint64 now_us)
{
  g_return_if_fail (self != NULL);

  advance (self, now_us);
  self->expects_relay = TRUE;
  wzp_nominate_evaluate (self);
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
      if (wzp_nominate_is_path (path))
        receive_probe (self, control, path, len);
      break;
    default:
      return;
  }
  wzp_nominate_evaluate (self);
}

void
wzp_nominate_sample (WzpNominate *self, WzpPath path, gint64 srtt_us,
    gint64 pto_us, gint64 unacked_us, gint64 now_us)
{
  g_return_if_fail (self != NULL && wzp_nominate_is_path (path));

  advance (self, now_us);
  if (!wzp_nominate_sees_up (self, path))
    return;
  wzp_path_health_sample (&self->paths[path], srtt_us, pto_us, unacked_us);
  wzp_nominate_evaluate (self);
}

void
wzp_nominate_rate (WzpNominate *self, WzpPath path, gint64 rttvar_us,
    double loss, gboolean is_ipv6, gint64 now_us)
{
  g_return_if_fail (self != NULL && wzp_nominate_is_path (path));

  advance (self, now_us);
  if (!wzp_nominate_sees_up (self, path))
    return;
  self->quality[path] = (WzpPathQuality){
    .rttvar_us = CLAMP (rttvar_us, 0, G_USEC_PER_SEC),
    .loss = loss > 0 ? MIN (loss, 1.0) : 0, /* no number: none */
    .is_ipv6 = is_ipv6,
  };
  self->is_rated[path] = TRUE;
  wzp_nominate_evaluate (self);
}

gboolean
wzp_nominate_step (
    WzpNominate *self, gint64 now_us, WzpNominateAction *ret_action)
{
  WzpNominateAction action = { 0 };

  g_return_val_if_fail (self != NULL && ret_action != NULL, FALSE);

  advance (self, now_us);
  wzp_nominate_evaluate (self);
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
  next = earlier (next, wzp_nominate_better_at (self));
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

  other = wzp_nominate_other_path (self->path);
  if (!wzp_nominate_sees_up (self, other))
    return WZP_PATH_NONE;
  if (wzp_nominate_sees_suspect (self, self->path) ||
      (self->target == WZP_PATH_NONE && other == WZP_PATH_RELAY &&
          wzp_nominate_sees_heard (self, other)) ||
      (other == self->old_path && self->now_us < self->old_until_us))
    return other;
  return WZP_PATH_NONE;
}

gboolean
wzp_nominate_is_proved (const WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_val_if_fail (self != NULL && wzp_nominate_is_path (path), FALSE);

  return wzp_path_health_is_proved (&self->paths[path], now_us);
}

gboolean
wzp_nominate_is_suspect (const WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_val_if_fail (self != NULL && wzp_nominate_is_path (path), FALSE);

  return wzp_path_health_is_suspect (&self->paths[path], now_us);
}

gboolean
wzp_nominate_is_dead (const WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_val_if_fail (self != NULL && wzp_nominate_is_path (path), FALSE);

  return wzp_path_health_is_dead (&self->paths[path], now_us);
}

gint64
wzp_nominate_get_silence_us (
    const WzpNominate *self, WzpPath path, gint64 now_us)
{
  g_return_val_if_fail (self != NULL && wzp_nominate_is_path (path), 0);

  return wzp_path_health_silence (&self->paths[path], now_us);
}

gint64
wzp_nominate_get_patience_us (const WzpNominate *self, WzpPath path)
{
  g_return_val_if_fail (self != NULL && wzp_nominate_is_path (path), 0);

  return wzp_path_health_patience (&self->paths[path]);
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
