#include "nominate-sim-private.h"

#define RESEND_US      (60 * SIM_MS)
#define JUDGE_US       (600 * SIM_MS) /* a media packet has arrived by then */
#define CLOSE_RETRY_US (300 * SIM_MS)
#define TRACE_MAX      60000u /* bytes */

static void G_GNUC_PRINTF (2, 3) trace (Sim *self, const char *format, ...)
{
  va_list args;

  if (self->trace->len > TRACE_MAX)
    g_string_erase (self->trace, 0, TRACE_MAX / 2);
  g_string_append_printf (
      self->trace, "%9.3f ms ", (double) self->now_us / 1000.0);
  va_start (args, format);
  g_string_append_vprintf (self->trace, format, args);
  va_end (args);
  g_string_append_c (self->trace, '\n');
}

void
sim_fail (const Sim *self, const char *what, int line)
{
  g_printerr ("%s", self->trace->str);
  g_error ("line %d: not so at %" G_GINT64_FORMAT
           " us: %s; WZP_SCHEDULE_SEED=%u",
      line, self->now_us, what, self->config.seed);
}

static void
transmit_message (Sim *self, int side, guint index)
{
  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++) {
    guint copies = sim_chance (self, 0.1) ? 2 : 1;
    gint64 at;

    while (copies-- > 0)
      if (sim_send_datagram (self, side, path, self->config.loss, &at))
        sim_push (self,
            (Event){ .type = EVENT_CONTROL_IN,
                .at_us = at,
                .side = 1 - side,
                .path = path,
                .a = index });
  }
}

static void
schedule_resend (Sim *self, int side)
{
  if (self->sides[side].is_resending)
    return;
  self->sides[side].is_resending = TRUE;
  sim_push (self,
      (Event){ .type = EVENT_RESEND,
          .at_us = self->now_us + RESEND_US,
          .side = side });
}

static void
send_message (Sim *self, int side, const WzpControl *control)
{
  Side *s = &self->sides[side];

  self->stats.sends[side]++;
  if (sim_chance (self, self->config.refuse)) {
    trace (self, "%d message %d refused", side, (int) control->type);
    return;
  }
  sim_check (self, s->n_messages < MAX_MESSAGES);
  s->messages[s->n_messages] = (Message){ .control = *control };
  transmit_message (self, side, s->n_messages++);
  schedule_resend (self, side);
}

/* Direct is nominated with its proof; without only where the relay was and is
 * no more. */
static void
check_proof (Sim *self, guint64 n)
{
  const Side *dialer = &self->sides[SIM_DIALER];

  if (wzp_nominate_is_proved (dialer->nominate, WZP_PATH_DIRECT, self->now_us))
    return;
  if (dialer->is_up[WZP_PATH_RELAY])
    sim_check (self,
        wzp_nominate_is_dead (dialer->nominate, WZP_PATH_RELAY, self->now_us));
  else
    sim_check (self, n > 1);
}

static void
see_send (Sim *self, int side, const WzpControl *control)
{
  Side *s = &self->sides[side];

  trace (self, "%d message %d n %" G_GUINT64_FORMAT " %s", side,
      (int) control->type, control->n, wzp_path_to_string (control->path));
  if (control->type == WZP_CONTROL_SUSPECT) {
    sim_check (self, control->path != WZP_PATH_NONE);
  } else if (side == SIM_DIALER) {
    /* One writer, and its numbers grow. */
    sim_check (self, control->type == WZP_CONTROL_NOMINATE);
    /* Two in one moment, of which the first was never sent, are possible. */
    sim_check (self, control->n >= s->n);
    sim_check (self, control->path != WZP_PATH_NONE);
    if (control->n > s->n && control->path == WZP_PATH_DIRECT)
      check_proof (self, control->n);
    self->stats.nominations += control->n > s->n ? 1 : 0;
    s->n = control->n;
  } else {
    sim_check (self, control->type == WZP_CONTROL_NOMINATE_ACK);
    sim_check (self, control->n >= s->n);
    s->n = control->n;
  }
  send_message (self, side, control);
}

static void
send_probe (Sim *self, int side, const WzpNominateAction *action)
{
  const gboolean is_probe = action->type == WZP_NOMINATE_ACTION_PROBE;
  gint64 at;

  sim_check (self, self->sides[side].is_up[action->path]);
  if (is_probe)
    self->stats.probes[side][action->path]++;
  if (action->padded && action->path == WZP_PATH_DIRECT &&
      self->config.is_narrow)
    return;
  if (sim_send_datagram (self, side, action->path, self->config.loss, &at))
    sim_push (self,
        (Event){ .type = is_probe ? EVENT_PROBE_IN : EVENT_PROBE_ACK_IN,
            .at_us = at,
            .side = 1 - side,
            .path = action->path,
            .a = action->seq,
            .big = action->padded });
}

static void
see_changed (Sim *self, int side, const WzpNominateAction *action)
{
  Side *s = &self->sides[side];

  trace (self, "%d changed %s -> %s", side,
      wzp_path_to_string (action->old_path), wzp_path_to_string (action->path));
  sim_check (self, action->old_path == s->path);
  sim_check (self, action->path != s->path);
  /* What was in use before any nomination was so provisionally. */
  if (side == SIM_DIALER && action->old_path == WZP_PATH_DIRECT && s->n > 0)
    self->stats.deaths++;
  s->path = action->path;
  self->stats.changes[side]++;
  self->stats.change_us[side] = self->now_us;
}

/* Lets a side do what it has to, and checks what holds at any moment. */
static void
pump (Sim *self, int side)
{
  Side *s = &self->sides[side];
  WzpNominateAction action;
  WzpPath path, duplicate;

  while (wzp_nominate_step (s->nominate, self->now_us, &action)) {
    switch (action.type) {
      case WZP_NOMINATE_ACTION_SEND:
        see_send (self, side, &action.control);
        break;
      case WZP_NOMINATE_ACTION_PROBE:
      case WZP_NOMINATE_ACTION_PROBE_ACK:
        send_probe (self, side, &action);
        break;
      case WZP_NOMINATE_ACTION_CHANGED:
        see_changed (self, side, &action);
        break;
    }
  }
  path = wzp_nominate_get_path (s->nominate);
  duplicate = wzp_nominate_get_duplicate (s->nominate);
  sim_check (self, path == s->path);
  sim_check (self, path == WZP_PATH_NONE || s->is_up[path]);
  sim_check (self,
      duplicate == WZP_PATH_NONE || (duplicate != path && s->is_up[duplicate]));
  /* A deadline that is not in the future would be a busy loop. */
  {
    const gint64 deadline = wzp_nominate_get_deadline (s->nominate);

    sim_check (self, deadline == -1 || deadline > self->now_us);
  }
}

static void
send_media (Sim *self, int side)
{
  Side *s = &self->sides[side];
  const WzpPath paths[2] = { wzp_nominate_get_path (s->nominate),
    wzp_nominate_get_duplicate (s->nominate) };
  gint64 good_us = -1, at;
  const guint64 number = s->media++;

  if (paths[0] == WZP_PATH_NONE)
    return;
  self->stats.media_sent[side]++;
  self->stats.duplicates[side] += paths[1] != WZP_PATH_NONE ? 1 : 0;
  for (guint i = 0; i < 2; i++)
    if (paths[i] != WZP_PATH_NONE &&
        sim_send_datagram (self, side, paths[i], 0, &at))
      sim_push (self,
          (Event){ .type = EVENT_MEDIA_IN,
              .at_us = at,
              .side = 1 - side,
              .path = paths[i],
              .a = number });
  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++)
    if (self->good_us[path] >= 0 &&
        (good_us < 0 || self->good_us[path] < good_us))
      good_us = self->good_us[path];
  sim_push (self,
      (Event){ .type = EVENT_JUDGE,
          .at_us = self->now_us + JUDGE_US,
          .side = side,
          .a = number,
          .good_us = good_us });
}

static void
judge_media (Sim *self, const Event *event)
{
  Side *s = &self->sides[event->side];
  const gint64 sent_us = event->at_us - JUDGE_US;
  gint64 *worst_us = &self->stats.worst_us[event->side];
  gboolean is_still_good = FALSE;

  if (g_hash_table_remove (
          self->sides[1 - event->side].seen, GSIZE_TO_POINTER (event->a + 1))) {
    s->outage_us = -1;
    return;
  }
  self->stats.media_lost[event->side]++;
  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++)
    is_still_good |=
        event->good_us >= 0 && self->good_us[path] == event->good_us;
  if (!is_still_good)
    s->outage_us = -1;
  else if (s->outage_us < event->good_us)
    s->outage_us = sent_us;
  if (s->outage_us == sent_us)
    trace (self, "%d lost what it sent at %.3f ms", event->side,
        (double) sent_us / 1000.0);
  if (s->outage_us >= 0)
    *worst_us = MAX (*worst_us, sent_us - s->outage_us);
}

static void
receive_media (Sim *self, const Event *event)
{
  Side *s = &self->sides[event->side];

  if (!s->is_up[event->path])
    return;
  g_hash_table_add (s->seen, GSIZE_TO_POINTER (event->a + 1));
  if (s->last_arrival_us >= 0)
    self->stats.gap_us[event->side] = MAX (
        self->stats.gap_us[event->side], self->now_us - s->last_arrival_us);
  s->last_arrival_us = self->now_us;
  wzp_nominate_heard (s->nominate, event->path, self->now_us);
}

static void
receive_message (Sim *self, const Event *event)
{
  Side *from = &self->sides[1 - event->side], *s = &self->sides[event->side];
  gint64 at;

  if (!s->is_up[event->path])
    return;
  wzp_nominate_heard (s->nominate, event->path, self->now_us);
  from->messages[event->a].arrived = TRUE;
  if (sim_send_datagram (
          self, event->side, event->path, self->config.loss, &at))
    sim_push (self,
        (Event){ .type = EVENT_CONTROL_ACK,
            .at_us = at,
            .side = 1 - event->side,
            .path = event->path,
            .a = event->a });
  while (from->n_delivered < from->n_messages &&
      from->messages[from->n_delivered].arrived)
    wzp_nominate_receive (s->nominate,
        &from->messages[from->n_delivered++].control, WZP_PATH_NONE, 100,
        self->now_us);
}

static void
resend_messages (Sim *self, int side)
{
  Side *s = &self->sides[side];
  guint n = 0;

  s->is_resending = FALSE;
  for (guint i = 0; i < s->n_messages && n < 8; i++)
    if (!s->messages[i].acked) {
      transmit_message (self, side, i);
      n++;
    }
  if (n > 0)
    schedule_resend (self, side);
}

static void
receive_probe (Sim *self, const Event *event)
{
  Side *s = &self->sides[event->side];
  const WzpControl control = {
    .type = event->type == EVENT_PROBE_IN ? WZP_CONTROL_PROBE
                                          : WZP_CONTROL_PROBE_ACK,
    .path = event->path,
    .seq = event->a,
  };

  if (s->is_up[event->path])
    wzp_nominate_receive (s->nominate, &control, event->path,
        event->big ? WZP_NOMINATE_PROOF_TEXT : 12, self->now_us);
}

static void
set_up (Sim *self, int side, WzpPath path, gboolean is_up)
{
  Side *s = &self->sides[side];

  if (!is_up && !s->is_up[path])
    return;
  trace (
      self, "%d %s %s", side, wzp_path_to_string (path), is_up ? "up" : "down");
  s->conns[path].n_sent = 0;
  s->is_up[path] = is_up;
  sim_update_good (self);
  if (is_up)
    wzp_nominate_path_up (s->nominate, path, self->now_us);
  else
    wzp_nominate_path_down (s->nominate, path, self->now_us);
  pump (self, side);
}

/* CONNECTION_CLOSE, or later a stateless reset. */
static void
hear_close (Sim *self, const Event *event)
{
  Side *s = &self->sides[event->side];

  if (s->generation != event->a || !s->is_up[WZP_PATH_DIRECT])
    return;
  if (sim_passes (self, WZP_PATH_DIRECT, 0) &&
      sim_passes (self, WZP_PATH_DIRECT, 1)) {
    set_up (self, event->side, WZP_PATH_DIRECT, FALSE);
  } else {
    Event again = *event;

    again.at_us = self->now_us + CLOSE_RETRY_US;
    sim_push (self, again);
  }
}

static void
handle (Sim *self, const Event *event)
{
  const int side = event->side;

  switch (event->type) {
    case EVENT_MEDIA:
      if (self->config.media_us == 0)
        break;
      send_media (self, side);
      sim_push (self,
          (Event){ .type = EVENT_MEDIA,
              .at_us = self->now_us + self->config.media_us,
              .side = side });
      return;
    case EVENT_JUDGE:
      judge_media (self, event);
      return;
    case EVENT_SAMPLE:
      sim_sample (self, side);
      sim_push (self,
          (Event){ .type = EVENT_SAMPLE,
              .at_us = self->now_us + self->config.sample_us,
              .side = side });
      break;
    case EVENT_MEDIA_IN:
      receive_media (self, event);
      break;
    case EVENT_CONTROL_IN:
      receive_message (self, event);
      break;
    case EVENT_CONTROL_ACK:
      if (self->sides[side].is_up[event->path])
        self->sides[side].messages[event->a].acked = TRUE;
      return;
    case EVENT_RESEND:
      resend_messages (self, side);
      return;
    case EVENT_PROBE_IN:
    case EVENT_PROBE_ACK_IN:
      receive_probe (self, event);
      break;
    case EVENT_QUIC_ACK:
      sim_acknowledge (self, event);
      return;
    case EVENT_DIRECT_UP:
      if (self->sides[1 - side].is_up[WZP_PATH_DIRECT] &&
          self->sides[1 - side].generation == event->a) {
        self->sides[side].generation = (guint) event->a;
        set_up (self, side, WZP_PATH_DIRECT, TRUE);
      }
      return;
    case EVENT_CLOSE:
      hear_close (self, event);
      return;
  }
  pump (self, side);
}

Sim *
sim_new (const SimConfig *config)
{
  Sim *self = g_new0 (Sim, 1);

  self->config = *config;
  self->rand = g_rand_new_with_seed (config->seed);
  self->heap = g_array_new (FALSE, FALSE, sizeof (Event));
  self->trace = g_string_new (NULL);
  self->now_us = SIM_SEC;
  self->good_us[WZP_PATH_RELAY] = self->good_us[WZP_PATH_DIRECT] = -1;
  for (int side = 0; side < 2; side++) {
    Side *s = &self->sides[side];

    s->nominate = wzp_nominate_new (
        side == SIM_DIALER ? WZP_ROLE_DIALER : WZP_ROLE_ACCEPTOR);
    s->seen = g_hash_table_new (NULL, NULL);
    s->last_arrival_us = s->outage_us = -1;
    self->stats.worst_us[side] = -1;
    if (config->sends[side])
      sim_push (self,
          (Event){ .type = EVENT_MEDIA,
              .at_us = self->now_us + 7 * side * SIM_MS,
              .side = side });
    sim_push (self,
        (Event){ .type = EVENT_SAMPLE,
            .at_us = self->now_us + 13 * side * SIM_MS,
            .side = side });
  }
  return self;
}

void
sim_free (Sim *self)
{
  for (int side = 0; side < 2; side++) {
    wzp_nominate_free (self->sides[side].nominate);
    g_hash_table_unref (self->sides[side].seen);
  }
  g_array_unref (self->heap);
  g_rand_free (self->rand);
  g_string_free (self->trace, TRUE);
  g_free (self);
}

gint64
sim_now (const Sim *self)
{
  return self->now_us;
}

WzpNominate *
sim_nominate (Sim *self, int side)
{
  return self->sides[side].nominate;
}

void
sim_run (Sim *self, gint64 until_us)
{
  for (;;) {
    const Event *top = (Event *) (void *) self->heap->data;
    gint64 next_us = self->heap->len > 0 ? top->at_us : SIM_NEVER;
    int woken = -1;

    for (int side = 0; side < 2; side++) {
      const gint64 deadline =
          wzp_nominate_get_deadline (self->sides[side].nominate);

      if (deadline >= 0 && deadline < next_us) {
        next_us = deadline;
        woken = side;
      }
    }
    if (next_us > until_us)
      break;
    self->now_us = MAX (self->now_us, next_us);
    if (woken >= 0) {
      pump (self, woken);
    } else {
      const Event event = sim_pop (self);

      handle (self, &event);
    }
  }
  self->now_us = MAX (self->now_us, until_us);
}

void
sim_set_loss (Sim *self, double loss)
{
  self->config.loss = loss;
}

void
sim_set_media (Sim *self, gint64 media_us)
{
  self->config.media_us = media_us;
}

void
sim_relay_up (Sim *self, int side)
{
  set_up (self, side, WZP_PATH_RELAY, TRUE);
}

void
sim_relay_down (Sim *self, int side)
{
  set_up (self, side, WZP_PATH_RELAY, FALSE);
}

void
sim_direct_up (Sim *self)
{
  Side *dialer = &self->sides[SIM_DIALER];

  if (!sim_passes (self, WZP_PATH_DIRECT, 0) ||
      !sim_passes (self, WZP_PATH_DIRECT, 1) || dialer->is_up[WZP_PATH_DIRECT])
    return;
  dialer->generation++;
  sim_push (self,
      (Event){ .type = EVENT_DIRECT_UP,
          .at_us = self->now_us + self->config.delay_us[WZP_PATH_DIRECT],
          .side = SIM_ACCEPTOR,
          .a = dialer->generation });
  set_up (self, SIM_DIALER, WZP_PATH_DIRECT, TRUE);
}

void
sim_direct_down (Sim *self, int side)
{
  if (!self->sides[side].is_up[WZP_PATH_DIRECT])
    return;
  set_up (self, side, WZP_PATH_DIRECT, FALSE);
  sim_push (self,
      (Event){ .type = EVENT_CLOSE,
          .at_us = self->now_us + self->config.delay_us[WZP_PATH_DIRECT],
          .side = 1 - side,
          .a = self->sides[side].generation });
}

void
sim_blackhole (Sim *self, WzpPath path, int side, SimLeg leg, gboolean is_on)
{
  trace (self, "%s leg %s of %d: %s", wzp_path_to_string (path),
      leg == SIM_LEG_OUT ? "out" : "in", side, is_on ? "blackhole" : "alive");
  self->blackhole[path][side][leg] = is_on;
  sim_update_good (self);
}

gboolean
sim_is_up (const Sim *self, int side, WzpPath path)
{
  return self->sides[side].is_up[path];
}

gint64
sim_good_since (const Sim *self, WzpPath path)
{
  return self->good_us[path];
}

const SimStats *
sim_get_stats (const Sim *self)
{
  return &self->stats;
}

void
sim_reset_gaps (Sim *self)
{
  self->stats.gap_us[0] = self->stats.gap_us[1] = 0;
}

const char *
sim_get_trace (const Sim *self)
{
  return self->trace->str;
}
