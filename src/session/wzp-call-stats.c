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

/* Where the direct connection goes, or went when the call ended; NULL: there is
 * none. */
static const char *
get_direct_remote (const WzpCall *self, char buf[WZP_ADDR_MAX_STRLEN])
{
  if (self->direct != NULL)
    return wzp_addr_to_string (
        wzp_conn_get_remote (wzp_link_get_conn (self->direct)), buf);
  for (guint i = 0; i < self->n_last_paths; i++)
    if (self->last_paths[i].path == WZP_PATH_DIRECT)
      return self->last_paths[i].remote;
  return NULL;
}

/* The Acceptor dials nobody: what became of the peer's candidates is where its
 * connection came from. */
static void
fill_accepted (const WzpCall *self, WzpCallStats *ret_stats)
{
  const char *reason = self->direct_allowed
      ? "not dialled: the peer dials us"
      : "not dialled: only the relay is allowed";
  char buf[WZP_ADDR_MAX_STRLEN], address[WZP_ADDR_MAX_STRLEN];
  const char *remote = get_direct_remote (self, buf);
  gboolean was_listed = FALSE;

  for (guint i = 0; i < MIN (self->candidates.n, WZP_CANDIDATES_MAX); i++) {
    const WzpCandidate *candidate = &self->candidates.items[i];
    gboolean is_up;

    wzp_addr_to_string (&candidate->addr, address);
    is_up = g_strcmp0 (address, remote) == 0;
    fill_dial (&ret_stats->dials[ret_stats->n_dials++], address,
        wzp_candidate_type_to_string (candidate->type),
        is_up ? WZP_DIAL_UP : WZP_DIAL_NONE, is_up ? NULL : reason,
        is_up ? self->direct_us : -1);
    was_listed |= is_up;
  }
  if (remote != NULL && !was_listed && ret_stats->n_dials < WZP_CANDIDATES_MAX)
    fill_dial (&ret_stats->dials[ret_stats->n_dials++], remote,
        wzp_candidate_type_to_string (WZP_CANDIDATE_PEER_REFLEXIVE),
        WZP_DIAL_UP, NULL, self->direct_us);
}

static void
fill_race_stats (const WzpCall *self, WzpCallStats *ret_stats)
{
  const WzpRace *race = wzp_race_runner_get_race (self->runner);
  const char *reason;
  gint64 took_us;
  WzpDialState state;

  ret_stats->winner = wzp_race_get_winner (race);
  if (self->role == WZP_ROLE_ACCEPTOR)
    fill_accepted (self, ret_stats);
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
  g_strlcpy (ret_stats->path_reason, self->why != NULL ? self->why : "",
      sizeof ret_stats->path_reason);
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
