/* Calls with a peer that has no control channel: agreement by MediaPathReport,
 * key frames unasked. */
#include "wzp-call-private.h"

/* A direct path that acknowledges nothing is given up where the relay is there
 * instead: as wzp-nominate has it. */
#define DEAD_MIN_US G_USEC_PER_SEC
#define DEAD_MAX_US (5 * G_USEC_PER_SEC)

static void
request_keys (WzpCall *self, gint64 now_us)
{
  self->plain_key_us = now_us;
  wzp_sender_key_request_all (self->sender, now_us);
}

static void
update_pending (WzpCall *self)
{
  const WzpRace *race = wzp_race_runner_get_race (self->runner);

  wzp_plain_nominate_set_pending (self->plain,
      wzp_race_get_direct (race, NULL, NULL) == WZP_DIAL_PENDING,
      wzp_race_get_relay_dial (race, NULL, NULL) == WZP_DIAL_PENDING);
}

/* In words (transfer full). */
static char *
describe_change (const WzpCall *self, const WzpPlainNominateAction *action)
{
  if (wzp_call_link_of (self, action->old_path) == NULL &&
      action->old_path != WZP_PATH_NONE)
    return wzp_call_describe_loss (self, action->old_path);
  return g_strdup_printf ("both sides' reports name the %s path",
      wzp_path_to_string (action->path));
}

void
wzp_call_run_plain (WzpCall *self, gint64 now_us)
{
  WzpPlainNominateAction action;

  update_pending (self);
  while (self->state != CALL_ENDED &&
      wzp_plain_nominate_step (self->plain, now_us, &action)) {
    switch (action.type) {
      case WZP_PLAIN_NOMINATE_ACTION_REPORT:
        self->handler->report (self, action.direct_ok, self->user_data);
        break;
      case WZP_PLAIN_NOMINATE_ACTION_CHANGED:
        wzp_call_change_path (self, action.old_path, action.path,
            describe_change (self, &action), now_us);
        request_keys (self, now_us);
        break;
    }
  }
}

static gboolean
is_dead (const WzpLink *link, gint64 now_us)
{
  WzpConnInfo info;

  wzp_conn_get_info (wzp_link_get_conn (link), &info);
  if (now_us - info.last_received_us > WZP_CALL_SILENCE_US)
    return TRUE;
  return info.oldest_unacked_us > 0 &&
      now_us - info.oldest_unacked_us >
      CLAMP (5 * info.pto_us, DEAD_MIN_US, DEAD_MAX_US);
}

void
wzp_call_tick_plain (WzpCall *self, gint64 now_us)
{
  if (self->direct != NULL && self->relay != NULL &&
      is_dead (self->direct, now_us)) {
    g_debug ("call %s: direct path is dead", self->call_id);
    wzp_call_note_down (self, WZP_PATH_DIRECT, "nothing was acknowledged");
    wzp_link_close (
        self->direct, WZP_CLOSE_ABORTED, "Nothing was acknowledged");
    wzp_call_drop_link (self, WZP_PATH_DIRECT, now_us);
  }
  if (self->state == CALL_UP &&
      now_us - self->plain_key_us >= WZP_CALL_PLAIN_KEY_US)
    request_keys (self, now_us);
}

/* In a call with a control channel: the peer has come to the relay. */
static void
take_presence (WzpCall *self, gboolean direct_ok)
{
  if (direct_ok || self->is_peer_on_relay)
    return;
  self->is_peer_on_relay = TRUE;
  if (self->nominate == NULL)
    return;
  wzp_nominate_expect_relay (self->nominate, wzp_clock_now_us ());
  wzp_call_step_soon (self);
}

void
wzp_call_take_report (WzpCall *self, gboolean direct_ok)
{
  if (self->state == CALL_ENDED)
    return;
  if (self->plain == NULL) {
    take_presence (self, direct_ok);
    return;
  }
  wzp_plain_nominate_receive (self->plain, direct_ok);
  if (self->state != CALL_IDLE)
    wzp_call_step_soon (self);
}

void
wzp_call_repeat_report (WzpCall *self)
{
  gboolean direct_ok;

  if (self->plain != NULL && self->state != CALL_ENDED &&
      wzp_plain_nominate_get_report (self->plain, &direct_ok))
    self->handler->report (self, direct_ok, self->user_data);
}
