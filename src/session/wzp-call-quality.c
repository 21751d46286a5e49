/* How good the paths of a call are, for the choice between them. */
#include "wzp-call-private.h"

/* After a change of path, or while one is silent, what is missing has its
 * reason: it says nothing of how many datagrams a path loses while it works. */
#define QUALITY_SETTLE_US (2 * G_USEC_PER_SEC)

void
wzp_call_forget_quality (WzpCall *self, WzpPath path)
{
  memset (&self->quality[path], 0, sizeof self->quality[path]);
}

double
wzp_call_get_loss (const WzpCall *self, WzpPath path)
{
  const WzpCallQuality *quality = &self->quality[path];

  return MAX (quality->sent.rate, quality->received.rate);
}

/* Whether what the peer's numbers miss was lost by @path. */
static gboolean
is_alone (const WzpCall *self, WzpPath path, gint64 now_us)
{
  return path == self->path && path == self->rx_path &&
      wzp_call_get_duplicate (self) == WZP_PATH_NONE &&
      now_us - self->path_us >= QUALITY_SETTLE_US;
}

/* What came and what did not since the last look, whatever the path. */
static void
count_received (WzpCall *self, gint64 now_us)
{
  WzpReceiverStats rx;

  wzp_receiver_get_stats (self->receiver, &rx);
  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++) {
    WzpCallQuality *quality = &self->quality[path];

    if (!is_alone (self, path, now_us))
      continue;
    quality->n_received += rx.packets - self->rx_counted;
    /* What comes late was not lost. */
    quality->n_missed += (gint64) (rx.lost - self->rx_missed);
    quality->n_missed = MAX (quality->n_missed, 0);
  }
  self->rx_counted = rx.packets;
  self->rx_missed = rx.lost;
}

void
wzp_call_rate_link (
    WzpCall *self, const WzpLink *link, const WzpConnInfo *info, gint64 now_us)
{
  const WzpPath path = wzp_link_get_path (link);
  WzpCallQuality *quality = &self->quality[path];
  const WzpAddr *remote = wzp_conn_get_remote (wzp_link_get_conn (link));
  const gboolean is_suspect =
      wzp_nominate_is_suspect (self->nominate, path, now_us);

  count_received (self, now_us);
  if (is_suspect || quality->was_suspect)
    quality->sent.has_begun = quality->received.has_begun = FALSE;
  quality->was_suspect = is_suspect;
  wzp_loss_meter_update (
      &quality->sent, info->datagrams_sent, info->datagrams_lost, now_us);
  wzp_loss_meter_update (&quality->received,
      quality->n_received + (guint64) quality->n_missed,
      (guint64) quality->n_missed, now_us);
  /* A relay's connection knows its own leg only: the other is likely alike. */
  wzp_nominate_rate (self->nominate, path,
      path == WZP_PATH_RELAY ? 2 * info->rttvar_us : info->rttvar_us,
      wzp_call_get_loss (self, path), remote->family == 6, now_us);
}
