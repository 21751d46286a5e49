#include "wzp-path-health.h"

#include <string.h>

#define PROVE_EVERY_US   ((gint64) 500 * 1000)
#define URGENT_EVERY_US  ((gint64) 200 * 1000)
#define IDLE_EVERY_US    ((gint64) G_USEC_PER_SEC)
#define STANDBY_EVERY_US ((gint64) 5 * G_USEC_PER_SEC)

/* After so many in a row a path that had begun to answer is slow again. */
#define BACK_MAX_UNANSWERED 5u

/* Longest time that a peer or a connection can make us believe in. */
#define RTT_MAX_US ((gint64) G_USEC_PER_SEC)

static const gint64 prove_at_us[] = { 0, 20000, 50000, 100000, 200000 };

static void
start_schedule (WzpPathHealth *self, gint64 now_us)
{
  self->schedule_us = now_us;
  self->n_schedule = 0;
}

/* Forgets what belongs to one connection, not the deaths. */
static void
reset_connection (WzpPathHealth *self)
{
  self->heard_us = self->proved_us = self->probe_us = -1;
  self->unanswered_since_us = self->accused_us = -1;
  self->is_big_heard = FALSE;
  self->n_sent = self->n_unanswered = self->n_back = 0;
  self->probe_rtt_us = self->srtt_us = self->pto_us = 0;
  self->has_sample = self->is_sample_suspect = self->is_sample_dead = FALSE;
  self->unacked_us = 0;
}

/* A round trip after which an answer is late: the connection's PTO, or what
 * the probes took end to end with as much to spare. */
static gint64
late_us (const WzpPathHealth *self)
{
  return MAX (self->pto_us, self->probe_rtt_us * 3 / 2);
}

gint64
wzp_path_health_patience (const WzpPathHealth *self)
{
  return CLAMP (
      2 * late_us (self), WZP_PATH_SUSPECT_MIN_US, WZP_PATH_SUSPECT_MAX_US);
}

static gint64
dead_us (const WzpPathHealth *self)
{
  return CLAMP (5 * late_us (self), WZP_PATH_DEAD_MIN_US, WZP_PATH_DEAD_MAX_US);
}

/* Not where the connection itself says that the peer acknowledges what is sent:
 * then probes or their answers were lost as anything may be. */
static gboolean
is_unanswered_for (const WzpPathHealth *self, gint64 limit_us, gint64 now_us)
{
  if (self->is_direct && self->has_sample && !self->is_sample_suspect)
    return FALSE;
  return self->unanswered_since_us >= 0 &&
      now_us - self->unanswered_since_us >= limit_us;
}

void
wzp_path_health_init (WzpPathHealth *self)
{
  memset (self, 0, sizeof *self);
  reset_connection (self);
}

void
wzp_path_health_up (WzpPathHealth *self, gboolean is_direct, gint64 now_us)
{
  reset_connection (self);
  self->is_up = TRUE;
  self->is_direct = is_direct;
  self->up_us = now_us;
  if (is_direct)
    self->heard_us = now_us;
  start_schedule (self, now_us);
}

void
wzp_path_health_down (WzpPathHealth *self)
{
  reset_connection (self);
  self->is_up = FALSE;
  self->pace = WZP_PACE_NONE;
}

void
wzp_path_health_heard (WzpPathHealth *self, gboolean is_big, gint64 now_us)
{
  /* On the relay path the peer has just come: what was sent into the empty
   * room says nothing of it. */
  if (self->heard_us < 0) {
    self->n_unanswered = 0;
    self->unanswered_since_us = -1;
    start_schedule (self, now_us);
  }
  self->heard_us = now_us;
  self->is_big_heard |= is_big;
}

void
wzp_path_health_sample (
    WzpPathHealth *self, gint64 srtt_us, gint64 pto_us, gint64 unacked_us)
{
  self->srtt_us = CLAMP (srtt_us, 0, RTT_MAX_US);
  self->pto_us = CLAMP (pto_us, 0, RTT_MAX_US);
  self->has_sample = TRUE;
  self->unacked_us = unacked_us;
  self->is_sample_suspect = unacked_us >= wzp_path_health_patience (self);
  self->is_sample_dead = unacked_us >= dead_us (self);
}

void
wzp_path_health_accuse (WzpPathHealth *self, gint64 now_us)
{
  if (self->accused_us < 0)
    self->accused_us = now_us;
}

void
wzp_path_health_died (WzpPathHealth *self, gint64 since_us, gint64 now_us)
{
  if (self->hold_us == 0 || now_us - since_us >= WZP_PATH_HOLD_MAX_US)
    self->hold_us = WZP_PATH_HOLD_MIN_US;
  else
    self->hold_us = MIN (2 * self->hold_us, WZP_PATH_HOLD_MAX_US);
  self->needs_back = TRUE;
  self->n_back = 0;
}

void
wzp_path_health_set_pace (WzpPathHealth *self, WzpPace pace, gint64 now_us)
{
  if (pace == WZP_PACE_PROVE && self->pace == WZP_PACE_HOLD)
    start_schedule (self, now_us);
  self->pace = pace;
}

gint64
wzp_path_health_next_probe (const WzpPathHealth *self)
{
  gint64 every_us = IDLE_EVERY_US;
  gint64 earliest_us = self->up_us;

  switch (self->pace) {
    case WZP_PACE_NONE:
      return -1;
    case WZP_PACE_PROVE:
      if (self->n_schedule < G_N_ELEMENTS (prove_at_us))
        return self->schedule_us + prove_at_us[self->n_schedule];
      every_us = PROVE_EVERY_US;
      break;
    case WZP_PACE_CURRENT:
      earliest_us = MAX (self->up_us, self->heard_us) + WZP_PATH_QUIET_US;
      break;
    case WZP_PACE_URGENT:
      every_us = URGENT_EVERY_US;
      break;
    case WZP_PACE_BACK:
      if (self->n_back > 0 && self->n_unanswered < BACK_MAX_UNANSWERED)
        every_us = URGENT_EVERY_US;
      break;
    case WZP_PACE_HOLD:
      break;
    case WZP_PACE_STANDBY:
      if (self->n_unanswered == 0)
        every_us = STANDBY_EVERY_US;
      break;
  }
  if (self->probe_us < 0)
    return earliest_us;
  return MAX (earliest_us, self->probe_us + every_us);
}

gboolean
wzp_path_health_probe (WzpPathHealth *self, guint64 seq, gint64 now_us)
{
  const gboolean padded =
      self->pace != WZP_PACE_CURRENT && self->pace != WZP_PACE_URGENT;

  if (self->n_sent == WZP_PATH_MAX_OUTSTANDING)
    memmove (self->sent, self->sent + 1, --self->n_sent * sizeof self->sent[0]);
  self->sent[self->n_sent++] =
      (WzpPathProbe){ .seq = seq, .sent_us = now_us, .padded = padded };
  self->probe_us = now_us;
  if (self->n_unanswered++ == 0)
    self->unanswered_since_us = now_us;
  /* What a late main loop has missed is not made up for in a burst. */
  while (self->n_schedule < G_N_ELEMENTS (prove_at_us) &&
      self->schedule_us + prove_at_us[self->n_schedule] <= now_us)
    self->n_schedule++;
  return padded;
}

static void
count_back (WzpPathHealth *self, gint64 now_us)
{
  if (self->n_back == 0 || now_us - self->back_last_us > WZP_PATH_FRESH_US) {
    self->n_back = 0;
    self->back_us = now_us;
  }
  self->back_last_us = now_us;
  if (++self->n_back >= WZP_PATH_BACK_PROBES &&
      now_us - self->back_us >= WZP_PATH_BACK_US) {
    self->needs_back = FALSE;
    self->held_until_us = now_us + self->hold_us;
  }
}

gboolean
wzp_path_health_answer (WzpPathHealth *self, guint64 seq, gint64 now_us)
{
  WzpPathProbe probe;
  gint64 rtt_us;
  guint i = 0;

  while (i < self->n_sent && self->sent[i].seq != seq)
    i++;
  if (i == self->n_sent)
    return FALSE;
  probe = self->sent[i];

  /* Only those sent later are still missing. */
  self->n_sent -= i + 1;
  memmove (self->sent, self->sent + i + 1, self->n_sent * sizeof self->sent[0]);
  self->n_unanswered = self->n_sent;
  self->unanswered_since_us = self->n_sent > 0 ? self->sent[0].sent_us : -1;

  rtt_us = CLAMP (now_us - probe.sent_us, 0, RTT_MAX_US);
  self->probe_rtt_us =
      self->probe_rtt_us == 0 ? rtt_us : (7 * self->probe_rtt_us + rtt_us) / 8;
  if (probe.sent_us >= self->accused_us)
    self->accused_us = -1;
  if (probe.padded)
    self->proved_us = now_us;
  if (self->needs_back)
    count_back (self, now_us);
  return TRUE;
}

gboolean
wzp_path_health_is_proved (const WzpPathHealth *self, gint64 now_us)
{
  return self->is_up && self->is_big_heard && self->proved_us >= 0 &&
      now_us - self->proved_us <= WZP_PATH_FRESH_US;
}

gboolean
wzp_path_health_was_proved (const WzpPathHealth *self)
{
  return self->is_up && self->is_big_heard && self->proved_us >= 0;
}

gboolean
wzp_path_health_is_on_trial (const WzpPathHealth *self, gint64 now_us)
{
  return self->is_up && !wzp_path_health_was_proved (self) &&
      now_us - self->up_us < wzp_path_health_patience (self);
}

gboolean
wzp_path_health_is_doubted (const WzpPathHealth *self, gint64 now_us)
{
  return self->is_up &&
      (self->is_sample_suspect ||
          is_unanswered_for (self, wzp_path_health_patience (self), now_us));
}

gboolean
wzp_path_health_is_suspect (const WzpPathHealth *self, gint64 now_us)
{
  return wzp_path_health_is_doubted (self, now_us) ||
      (self->is_up && self->accused_us >= 0);
}

gboolean
wzp_path_health_is_dead (const WzpPathHealth *self, gint64 now_us)
{
  if (!self->is_up || self->is_sample_dead)
    return self->is_up;
  /* A peer that is heard here would tell if it did not hear us: then it is
   * only probes that were lost. */
  return self->n_unanswered >= WZP_PATH_DEAD_PROBES &&
      is_unanswered_for (self, dead_us (self), now_us) &&
      (self->accused_us >= 0 || now_us - self->heard_us >= dead_us (self));
}

gboolean
wzp_path_health_is_held (const WzpPathHealth *self, gint64 now_us)
{
  return self->needs_back || now_us < self->held_until_us;
}

gboolean
wzp_path_health_is_answering (const WzpPathHealth *self, gint64 now_us)
{
  return self->is_up && self->n_unanswered == 0 && self->probe_us >= 0 &&
      now_us - self->probe_us <= WZP_PATH_FRESH_US;
}

gint64
wzp_path_health_rtt (const WzpPathHealth *self)
{
  const gint64 rtt_us = MAX (self->srtt_us, self->probe_rtt_us);

  return rtt_us > 0 ? rtt_us : WZP_PATH_RTT_DEFAULT_US;
}

gboolean
wzp_path_health_has_rtt (const WzpPathHealth *self)
{
  return self->probe_rtt_us > 0 || (self->is_direct && self->srtt_us > 0);
}

gint64
wzp_path_health_silence (const WzpPathHealth *self, gint64 now_us)
{
  gint64 silence_us = MAX (self->unacked_us, 0);

  if (is_unanswered_for (self, 0, now_us))
    silence_us = MAX (silence_us, now_us - self->unanswered_since_us);
  return self->is_up ? silence_us : 0;
}

gint64
wzp_path_health_next_turn (const WzpPathHealth *self, gint64 now_us)
{
  gint64 turns[5] = { -1, -1, -1, -1, -1 };
  gint64 next = -1;

  if (!self->is_up)
    return -1;
  if (self->unanswered_since_us >= 0) {
    turns[0] = self->unanswered_since_us + wzp_path_health_patience (self);
    turns[1] = self->unanswered_since_us + dead_us (self);
    turns[3] = self->heard_us + dead_us (self);
  }
  if (!self->needs_back)
    turns[2] = self->held_until_us;
  if (!wzp_path_health_was_proved (self))
    turns[4] = self->up_us + wzp_path_health_patience (self);
  for (guint i = 0; i < G_N_ELEMENTS (turns); i++)
    if (turns[i] > now_us && (next < 0 || turns[i] < next))
      next = turns[i];
  return next;
}
