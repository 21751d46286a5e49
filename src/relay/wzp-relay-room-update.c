/* RoomUpdate: who is in an open room, told to its members.
 *
 * The first change is told at once, the next ones at most every
 * UPDATE_INTERVAL_US, each as it is then. A newcomer, and whoever publishes
 * (who repeats what newcomers need), is told each time; the others no more
 * often than all of that makes UPDATE_BYTES_PER_S. A member that has not taken
 * off MAX_BACKLOG bytes of what it was sent is passed over until it has, and
 * then told the newest. */
#include "wzp-relay-guest-private.h"

#include "wzp-clock.h"
#include "wzp-stream-frame.h"

#include <string.h>

#define UPDATE_INTERVAL_US (200 * 1000)
#define UPDATE_RETRY_US    G_USEC_PER_SEC /* for who was passed over */
#define UPDATE_BYTES_PER_S (4u * 1024u * 1024u)
#define MAX_BACKLOG        (64u * 1024u) /* bytes */

/* The list has those that have a name, up to its end; the count has all. */
static WzpMessage *
make_message (const WzpRoom *room)
{
  WzpMessage *message = wzp_message_new (WZP_MESSAGE_ROOM_UPDATE);
  const guint size = wzp_room_get_size (room);
  guint n = 0;

  message->count = size;
  message->participants =
      g_new0 (WzpParticipant, MIN (size, WZP_MESSAGE_MAX_LISTED));
  for (guint i = 0; i < size && n < WZP_MESSAGE_MAX_LISTED; i++) {
    const WzpRelayGuest *guest = wzp_room_get_owner (room, i);

    if (!guest->has_who)
      continue;
    message->participants[n].fingerprint = guest->who;
    message->participants[n].alias = g_strdup (guest->alias);
    n++;
  }
  message->n_participants = n;
  return message;
}

/* One for all members: a copy for each would be most of the work. */
static GBytes *
make_frame (const WzpRoom *room)
{
  g_autoptr (WzpMessage) message = make_message (room);
  g_autofree char *json = wzp_message_to_json (message);

  return wzp_stream_frame_new (json, strlen (json));
}

static gboolean
tell (WzpRelayGuest *guest, GBytes *frame, guint64 version)
{
  if (wzp_conn_get_stream_backlog (guest->conn) > MAX_BACKLOG ||
      !wzp_conn_send_stream (guest->conn, frame, NULL))
    return FALSE;
  guest->told = version;
  return TRUE;
}

typedef struct {
  guint n_told;
  guint n_later;  /* it is not their turn */
  guint n_behind; /* they have to take off what they have first */
} Round;

static void
tell_room (WzpRelayRoom *self, gboolean all, GBytes *frame, Round *round)
{
  for (guint i = 0; i < wzp_room_get_size (self->room); i++) {
    WzpRelayGuest *guest = wzp_room_get_owner (self->room, i);

    if (guest->told == self->version)
      continue;
    if (!all && guest->told != 0 && !guest->is_asked)
      round->n_later++;
    else if (tell (guest, frame, self->version))
      round->n_told++;
    else
      round->n_behind++;
  }
}

static void
on_update (gpointer owner, gint64 now_us)
{
  WzpRelayRoom *self = owner;
  g_autoptr (GBytes) frame = make_frame (self->room);
  gboolean all = now_us >= self->all_us;
  Round round = { 0 };

  tell_room (self, all, frame, &round);
  self->told_us = now_us;
  if (all)
    self->all_us = now_us +
        (gint64) round.n_told * (gint64) g_bytes_get_size (frame) *
            G_USEC_PER_SEC / UPDATE_BYTES_PER_S;
  if (round.n_later > 0)
    wzp_relay_lobby_set (self->relay, &self->update,
        MAX (self->all_us, now_us + UPDATE_INTERVAL_US));
  else if (round.n_behind > 0)
    wzp_relay_lobby_set (self->relay, &self->update, now_us + UPDATE_RETRY_US);
}

void
wzp_relay_room_init_update (WzpRelayRoom *self)
{
  self->update.due = on_update;
  self->update.owner = self;
  self->told_us = -UPDATE_INTERVAL_US;
}

void
wzp_relay_room_changed (WzpRelayRoom *self)
{
  self->version++;
  wzp_relay_lobby_set (self->relay, &self->update,
      MAX (wzp_clock_now_us (), self->told_us + UPDATE_INTERVAL_US));
}
