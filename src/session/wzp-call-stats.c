/* The figures of a call. */
#include "wzp-call-private.h"
#include "wzp-path-stats.h"

static void
fill_path_stats (const WzpCall *self, WzpLink *link, WzpPathStats *ret)
{
  WzpPath path = wzp_link_get_path (link);

  wzp_path_stats_fill (ret, wzp_link_get_conn (link), path, path == self->path);
}

guint
wzp_call_collect_paths (const WzpCall *self, WzpPathStats ret[2])
{
  guint n = 0;

  if (self->relay != NULL)
    fill_path_stats (self, self->relay, &ret[n++]);
  if (self->direct != NULL)
    fill_path_stats (self, self->direct, &ret[n++]);
  return n;
}

static void
fill_dial (WzpDialStats *ret, const char *address, const char *type,
    WzpDialState state, const char *reason, gint64 took_us)
{
  g_strlcpy (ret->address, address, sizeof ret->address);
  ret->type = type;
  ret->state = wzp_dial_state_to_string (state);
  g_strlcpy (ret->reason, reason != NULL ? reason : "", sizeof ret->reason);
  ret->took_us = took_us;
}

static void
fill_race_stats (const WzpCall *self, WzpCallStats *ret_stats)
{
  const WzpRace *race = wzp_race_runner_get_race (self->runner);
  const char *reason;
  gint64 took_us;
  WzpDialState state;

  ret_stats->winner = wzp_race_get_winner (race);
  for (guint i = 0; i < wzp_race_get_n_dials (race); i++) {
    const WzpCandidate *candidate = wzp_race_get_candidate (race, i);
    char address[WZP_ADDR_MAX_STRLEN];

    state = wzp_race_get_dial (race, i, &reason, &took_us);
    fill_dial (&ret_stats->dials[ret_stats->n_dials++],
        wzp_addr_to_string (&candidate->addr, address),
        wzp_candidate_type_to_string (candidate->type), state, reason, took_us);
  }
  state = wzp_race_get_relay_dial (race, &reason, &took_us);
  if (state != WZP_DIAL_NONE)
    fill_dial (&ret_stats->dials[ret_stats->n_dials++], "relay", "relay", state,
        reason, took_us);
}

void
wzp_call_get_stats (const WzpCall *self, WzpCallStats *ret_stats)
{
  WzpSenderStats tx;
  WzpReceiverStats rx;

  memset (ret_stats, 0, sizeof *ret_stats);
  wzp_sender_get_stats (self->sender, &tx);
  wzp_receiver_get_stats (self->receiver, &rx);
  ret_stats->peer = self->peer;
  ret_stats->role =
      self->state == CALL_IDLE ? "none" : wzp_role_to_string (self->role);
  ret_stats->path = self->path;
  if (self->state == CALL_ENDED) {
    memcpy (ret_stats->paths, self->last_paths, sizeof self->last_paths);
    ret_stats->n_paths = self->n_last_paths;
  } else {
    ret_stats->n_paths = wzp_call_collect_paths (self, ret_stats->paths);
  }
  if (self->runner != NULL)
    fill_race_stats (self, ret_stats);
  ret_stats->time_to_connect_us = self->connect_us;
  ret_stats->time_to_first_media_us = self->first_media_us;
  ret_stats->time_to_direct_us = self->direct_us;
  ret_stats->packets_sent = tx.packets;
  ret_stats->bytes_sent = tx.bytes;
  ret_stats->frames_sent = tx.frames;
  ret_stats->packets_received = rx.packets;
  ret_stats->bytes_received = rx.bytes;
  ret_stats->packets_received_lost = rx.lost;
  ret_stats->packets_received_repeated = rx.repeated;
  ret_stats->packets_bad = rx.bad + self->bad_control +
      (self->relay != NULL ? wzp_link_get_bad (self->relay) : 0) +
      (self->direct != NULL ? wzp_link_get_bad (self->direct) : 0);
  ret_stats->frames_received = rx.frames;
  ret_stats->frames_lost = rx.frames_lost;
  ret_stats->frames_dropped = tx.frames_dropped + rx.frames_dropped;
}
