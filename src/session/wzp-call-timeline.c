/* What a call remembers of itself, for people: its timeline, and why its path
 * changed. */
#include "wzp-call-private.h"

#include <errno.h>
#include <glib/gstdio.h>

#define FILE_MODE   0600
#define FOLDER_MODE 0700
#define N_PATHS     (WZP_PATH_DIRECT + 1)

/* What was seen of a dial last. */
typedef struct {
  guint n_begun;
  gint64 begun_us;
  WzpDialState state;
} DialSeen;

typedef struct {
  DialSeen dials[WZP_RACE_MAX_DIALS];
  DialSeen relay;
} RaceSeen;

struct _WzpCallSeen {
  WzpTimeline *timeline; /* owned */
  char *folder;          /* owned */
  gboolean is_written;
  RaceSeen race, again;
  gboolean is_suspect[N_PATHS], is_dead[N_PATHS], is_proved[N_PATHS];
  gboolean is_media_sent;
  gint64 heard_us; /* when media came last; 0: not yet */
  gint64 rtt_at_us;
};

WzpCallSeen *
wzp_call_seen_new (const WzpCallConfig *config)
{
  WzpCallSeen *self;
  char text[WZP_FINGERPRINT_STRLEN];

  if (config->timeline_folder == NULL)
    return NULL;
  self = g_new0 (WzpCallSeen, 1);
  self->folder = g_strdup (config->timeline_folder);
  self->timeline = wzp_timeline_new (wzp_clock_now_us (), g_get_real_time ());
  wzp_timeline_set (self->timeline, "call", config->call_id);
  wzp_timeline_set (self->timeline, "role", "none");
  wzp_timeline_set (
      self->timeline, "peer", wzp_fingerprint_to_string (&config->peer, text));
  return self;
}

void
wzp_call_seen_free (WzpCallSeen *self)
{
  if (self == NULL)
    return;
  wzp_timeline_free (self->timeline);
  g_free (self->folder);
  g_free (self);
}

void
wzp_call_note (WzpCall *self, const WzpTimelineEvent *event)
{
  WzpTimelineEvent dated;

  if (self->seen == NULL)
    return;
  dated = *event;
  if (dated.at_us == 0)
    dated.at_us = wzp_clock_now_us ();
  wzp_timeline_add (self->seen->timeline, &dated);
}

/* ---- candidates, the race ---- */

void
wzp_call_note_local (
    WzpCall *self, const char *text, WzpCandidateType type, const char *from)
{
  WzpAddr addr;

  if (self->seen == NULL || text == NULL || !wzp_addr_parse (text, &addr, NULL))
    return;
  wzp_call_note (self,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_LOCAL_CANDIDATE,
          .addr = &addr,
          .type = wzp_candidate_type_to_string (type),
          .text = from });
}

void
wzp_call_note_nat (WzpCall *self, const char *own, const char *peer)
{
  if (self->seen == NULL)
    return;
  wzp_timeline_set (self->seen->timeline, "nat", own);
  wzp_timeline_set (self->seen->timeline, "peer_nat", peer);
}

static void
note_remote (WzpCall *self, const WzpCandidate *candidate, const char *from)
{
  if (!wzp_timeline_has (self->seen->timeline, WZP_TIMELINE_REMOTE_CANDIDATE,
          &candidate->addr))
    wzp_call_note (self,
        &(WzpTimelineEvent){ .kind = WZP_TIMELINE_REMOTE_CANDIDATE,
            .addr = &candidate->addr,
            .type = wzp_candidate_type_to_string (candidate->type),
            .text = from });
}

void
wzp_call_note_candidates (WzpCall *self, const WzpCandidateList *candidates)
{
  if (self->seen == NULL || candidates == NULL)
    return;
  for (guint i = 0; i < candidates->n; i++)
    note_remote (self, &candidates->items[i], "the peer told it");
}

void
wzp_call_note_start (WzpCall *self)
{
  if (self->seen == NULL)
    return;
  wzp_timeline_set (
      self->seen->timeline, "role", wzp_role_to_string (self->role));
  wzp_call_note_candidates (self, &self->candidates);
  wzp_call_note (self, &(WzpTimelineEvent){ .kind = WZP_TIMELINE_RACE });
}

static void
note_dial (WzpCall *self, DialSeen *seen, const WzpRaceRunner *runner,
    int index, WzpDialState state, const char *reason)
{
  const WzpCandidate *candidate = index < 0
      ? NULL
      : wzp_race_get_candidate (
            wzp_race_runner_get_race (runner), (guint) index);
  WzpTimelineEvent event = { .kind = WZP_TIMELINE_DIAL,
    .path = index < 0 ? WZP_PATH_RELAY : WZP_PATH_DIRECT,
    .addr = candidate != NULL ? &candidate->addr : NULL };
  const guint n_begun = wzp_race_runner_get_begun (runner, index, &event.at_us);

  if (n_begun > seen->n_begun) {
    seen->n_begun = n_begun;
    seen->begun_us = event.at_us;
    wzp_call_note (self, &event);
  }
  if (state == seen->state)
    return;
  seen->state = state;
  if (state == WZP_DIAL_NONE || state == WZP_DIAL_PENDING)
    return;
  event.kind = WZP_TIMELINE_DIALLED;
  event.at_us = wzp_clock_now_us ();
  event.type = wzp_dial_state_to_string (state);
  event.text = reason;
  event.took_us = seen->begun_us > 0 ? event.at_us - seen->begun_us : 0;
  wzp_call_note (self, &event);
}

static void
note_race (WzpCall *self, RaceSeen *seen, const WzpRaceRunner *runner)
{
  const WzpRace *race = wzp_race_runner_get_race (runner);
  const char *reason;
  WzpDialState state;

  for (guint i = 0; i < wzp_race_get_n_dials (race); i++) {
    state = wzp_race_get_dial (race, i, &reason, NULL);
    note_dial (self, &seen->dials[i], runner, (int) i, state, reason);
  }
  state = wzp_race_get_relay_dial (race, &reason, NULL);
  note_dial (self, &seen->relay, runner, -1, state, reason);
}

void
wzp_call_note_dials (WzpCall *self)
{
  if (self->seen == NULL)
    return;
  if (self->runner != NULL)
    note_race (self, &self->seen->race, self->runner);
  if (self->again != NULL)
    note_race (self, &self->seen->again, self->again);
}

void
wzp_call_note_again_over (WzpCall *self)
{
  if (self->seen == NULL)
    return;
  wzp_call_note_dials (self);
  memset (&self->seen->again, 0, sizeof self->seen->again);
}

/* ---- punches, the control channel ---- */

void
wzp_call_note_punch_sent (WzpCall *self, const WzpPuncherAction *action)
{
  const char *type = action->ttl > 0 ? "opener" : "punch";

  if (action->punch.kind == WZP_PUNCH_KIND_ANSWER)
    type = "answer";
  wzp_call_note (self,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_PUNCH_SENT,
          .addr = &action->addr,
          .type = type });
}

void
wzp_call_note_punch_heard (
    WzpCall *self, const WzpPunch *punch, const WzpAddr *from)
{
  if (self->seen == NULL)
    return;
  note_remote (self,
      &(WzpCandidate){ .addr = *from, .type = WZP_CANDIDATE_PEER_REFLEXIVE },
      "a punch came from there");
  wzp_call_note (self,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_PUNCH_HEARD,
          .addr = from,
          .type = punch->kind == WZP_PUNCH_KIND_ANSWER ? "answer" : "punch" });
}

void
wzp_call_note_control (
    WzpCall *self, const WzpControl *control, gboolean is_sent)
{
  WzpTimelineEvent event = { .path = control->path, .n = control->n };

  switch ((guint) control->type) {
    case WZP_CONTROL_NOMINATE:
      event.kind =
          is_sent ? WZP_TIMELINE_NOMINATE_SENT : WZP_TIMELINE_NOMINATE_HEARD;
      break;
    case WZP_CONTROL_NOMINATE_ACK:
      event.kind = is_sent ? WZP_TIMELINE_ACK_SENT : WZP_TIMELINE_ACK_HEARD;
      event.path = WZP_PATH_NONE;
      break;
    case WZP_CONTROL_SUSPECT:
      event.kind =
          is_sent ? WZP_TIMELINE_SUSPECT_SENT : WZP_TIMELINE_SUSPECT_HEARD;
      event.n = 0;
      break;
    case WZP_CONTROL_GO:
      event.kind = is_sent ? WZP_TIMELINE_GO_SENT : WZP_TIMELINE_GO_HEARD;
      event.path = WZP_PATH_NONE;
      break;
    default:
      return;
  }
  wzp_call_note (self, &event);
}

/* ---- paths ---- */

void
wzp_call_note_up (WzpCall *self, WzpPath path, const WzpConn *conn)
{
  g_clear_pointer (&self->down_reasons[path], g_free);
  if (self->seen == NULL)
    return;
  self->seen->rtt_at_us = 0;
  self->seen->is_proved[path] = FALSE;
  self->seen->is_suspect[path] = self->seen->is_dead[path] = FALSE;
  wzp_call_note (self,
      &(WzpTimelineEvent){ .kind = WZP_TIMELINE_UP,
          .path = path,
          .addr = wzp_conn_get_remote (conn) });
}

void
wzp_call_note_down (WzpCall *self, WzpPath path, const char *reason)
{
  g_free (self->down_reasons[path]);
  self->down_reasons[path] = g_strdup (reason);
  wzp_call_note (self,
      &(WzpTimelineEvent){
          .kind = WZP_TIMELINE_DOWN, .path = path, .text = reason });
}

static char *
describe_silence (WzpPath path, gint64 silence_us)
{
  if (silence_us >= WZP_NOMINATE_SEND_ERROR)
    return g_strdup_printf (
        "the %s path has lost its address", wzp_path_to_string (path));
  return g_strdup_printf ("the %s path was silent for %" G_GINT64_FORMAT " ms",
      wzp_path_to_string (path), silence_us / 1000);
}

char *
wzp_call_describe_loss (const WzpCall *self, WzpPath path)
{
  const char *reason = self->down_reasons[path];

  return g_strdup_printf ("the %s connection was lost%s%s",
      wzp_path_to_string (path), reason != NULL ? ": " : "",
      reason != NULL ? reason : "");
}

/* What speaks against the old one most plainly. */
static char *
describe_better (const WzpCall *self, const WzpNominateAction *action)
{
  const int percent =
      (int) (100 * wzp_call_get_loss (self, action->old_path) + 0.5);

  if (percent > 0)
    return g_strdup_printf (
        "the %s path is better: %d %% of packets were lost by the %s one",
        wzp_path_to_string (action->path), percent,
        wzp_path_to_string (action->old_path));
  return g_strdup_printf ("the %s path is better by %" G_GINT64_FORMAT
                          " ms of round trip and its variation",
      wzp_path_to_string (action->path), action->why_us / 1000);
}

char *
wzp_call_describe_change (const WzpCall *self, const WzpNominateAction *action)
{
  const char *name = wzp_path_to_string (action->path);
  g_autofree char *silence =
      describe_silence (action->old_path, action->why_us);

  switch (action->why) {
    case WZP_NOMINATE_WHY_HEARD:
      return g_strdup_printf ("the peer is there by the %s path", name);
    case WZP_NOMINATE_WHY_LOST:
      return wzp_call_describe_loss (self, action->old_path);
    case WZP_NOMINATE_WHY_SILENT:
      return g_steal_pointer (&silence);
    case WZP_NOMINATE_WHY_PEER:
      return g_strdup_printf ("the peer chose the %s path%s%s", name,
          action->why_us > 0 ? "; here " : "",
          action->why_us > 0 ? silence : "");
    case WZP_NOMINATE_WHY_PROVED:
      if (action->why_us < 1000)
        return g_strdup_printf ("the %s path was proved", name);
      return g_strdup_printf (
          "the %s path was proved, and is better by %" G_GINT64_FORMAT " ms",
          name, action->why_us / 1000);
    case WZP_NOMINATE_WHY_BETTER:
      return describe_better (self, action);
  }
  g_return_val_if_reached (NULL);
}

/* What turned since the last time. */
static void
note_turn (WzpCall *self, gboolean *seen, gboolean now, WzpTimelineKind on,
    WzpTimelineKind off, WzpPath path, const char *text)
{
  if (now == *seen)
    return;
  *seen = now;
  if (now || off != WZP_TIMELINE_N_KINDS)
    wzp_call_note (self,
        &(WzpTimelineEvent){
            .kind = now ? on : off, .path = path, .text = now ? text : NULL });
}

static void
note_path_health (WzpCall *self, WzpPath path, gint64 now_us)
{
  WzpCallSeen *seen = self->seen;
  const WzpNominate *nominate = self->nominate;
  const gint64 silence_us =
      wzp_nominate_get_silence_us (nominate, path, now_us);
  g_autofree char *text =
      silence_us > 0 ? describe_silence (path, silence_us) : NULL;

  note_turn (self, &seen->is_proved[path],
      wzp_nominate_is_proved (nominate, path, now_us) ||
          (seen->is_proved[path] && wzp_call_link_of (self, path) != NULL),
      WZP_TIMELINE_PROVED, WZP_TIMELINE_N_KINDS, path, NULL);
  note_turn (self, &seen->is_suspect[path],
      wzp_nominate_is_suspect (nominate, path, now_us), WZP_TIMELINE_SUSPECT,
      WZP_TIMELINE_TRUSTED, path,
      text != NULL ? text : "the peer does not hear us");
  note_turn (self, &seen->is_dead[path],
      wzp_nominate_is_dead (nominate, path, now_us), WZP_TIMELINE_DEAD,
      WZP_TIMELINE_N_KINDS, path, text);
}

void
wzp_call_note_health (WzpCall *self, gint64 now_us)
{
  if (self->seen == NULL || self->nominate == NULL)
    return;
  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++)
    note_path_health (self, path, now_us);
}

static gboolean
note_rtt (WzpCall *self, WzpPath path, gint64 now_us)
{
  const WzpLink *link = wzp_call_link_of (self, path);
  gint64 rtt_us;
  WzpConnInfo info;

  if (link == NULL)
    return FALSE;
  wzp_conn_get_info (wzp_link_get_conn (link), &info);
  if (now_us - info.last_received_us > 2 * WZP_TIMELINE_RTT_US)
    return FALSE; /* it is of long ago */
  rtt_us = info.srtt_us;
  /* The connection knows its own leg only; the other is likely as long. */
  if (path == WZP_PATH_RELAY)
    rtt_us = self->relay_rtt_us > 0 ? self->relay_rtt_us : 2 * info.srtt_us;
  if (rtt_us <= 0)
    return FALSE;
  wzp_call_note (self,
      &(WzpTimelineEvent){
          .kind = WZP_TIMELINE_RTT, .path = path, .took_us = rtt_us });
  return TRUE;
}

void
wzp_call_note_rtts (WzpCall *self, gint64 now_us)
{
  gboolean is_noted;

  if (self->seen == NULL || now_us < self->seen->rtt_at_us)
    return;
  is_noted = note_rtt (self, WZP_PATH_RELAY, now_us);
  is_noted |= note_rtt (self, WZP_PATH_DIRECT, now_us);
  if (is_noted)
    self->seen->rtt_at_us = now_us + WZP_TIMELINE_RTT_US;
}

/* ---- media ---- */

void
wzp_call_note_media_heard (WzpCall *self, WzpPath path, gint64 now_us)
{
  WzpCallSeen *seen = self->seen;

  if (seen == NULL)
    return;
  if (seen->heard_us == 0)
    wzp_call_note (self,
        &(WzpTimelineEvent){
            .kind = WZP_TIMELINE_MEDIA, .path = path, .type = "heard" });
  else if (now_us - seen->heard_us > WZP_TIMELINE_GAP_US)
    wzp_call_note (self,
        &(WzpTimelineEvent){ .kind = WZP_TIMELINE_GAP,
            .at_us = now_us,
            .path = path,
            .took_us = now_us - seen->heard_us });
  seen->heard_us = now_us;
}

void
wzp_call_note_media_sent (WzpCall *self)
{
  if (self->seen == NULL || self->seen->is_media_sent)
    return;
  self->seen->is_media_sent = TRUE;
  wzp_call_note (self,
      &(WzpTimelineEvent){
          .kind = WZP_TIMELINE_MEDIA, .path = self->path, .type = "sent" });
}

/* ---- the end ---- */

void
wzp_call_note_end (WzpCall *self, const char *text)
{
  if (self->seen == NULL ||
      wzp_timeline_has (self->seen->timeline, WZP_TIMELINE_END, NULL))
    return;
  wzp_call_note_dials (self);
  wzp_call_note (
      self, &(WzpTimelineEvent){ .kind = WZP_TIMELINE_END, .text = text });
}

static gboolean
write_file (const WzpCall *self, GError **error)
{
  const WzpCallSeen *seen = self->seen;
  g_autofree char *json = wzp_timeline_to_json (seen->timeline);
  g_autofree char *name = wzp_timeline_file_name (self->call_id,
      self->state == CALL_IDLE ? "none" : wzp_role_to_string (self->role));
  g_autofree char *path = g_build_filename (seen->folder, name, NULL);

  if (g_mkdir_with_parents (seen->folder, FOLDER_MODE) != 0) {
    const int code = errno;

    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code), "%s: %s",
        seen->folder, g_strerror (code));
    return FALSE;
  }
  /* A name of its own, then renamed. */
  return g_file_set_contents_full (
      path, json, -1, G_FILE_SET_CONTENTS_CONSISTENT, FILE_MODE, error);
}

void
wzp_call_write_timeline (WzpCall *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (self->seen == NULL || self->seen->is_written)
    return;
  self->seen->is_written = TRUE;
  if (write_file (self, &error))
    return;
  text = g_strdup_printf ("The call's timeline is lost: %s", error->message);
  self->handler->warning (self, text, self->user_data);
}
