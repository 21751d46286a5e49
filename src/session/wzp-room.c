#include "wzp-room.h"

#include "wzp-channel.h"
#include "wzp-clock.h"
#include "wzp-link.h"
#include "wzp-path-stats.h"
#include "wzp-room-inbox.h"
#include "wzp-room-peers.h"
#include "wzp-room-statements.h"
#include "wzp-sender.h"
#include "wzp-timer.h"

#include <string.h>

typedef enum {
  ROOM_IDLE,
  ROOM_DIALLING,
  ROOM_JOINED,
  ROOM_ENDED,
} RoomState;

struct _WzpRoom {
  WzpEndpoint *endpoint;
  WzpIdentity *identity;      /* owned */
  char *name, *alias, *token; /* owned */
  WzpRelayRule *rule;         /* owned */
  guint timeout_ms;
  const WzpRoomHandler *handler;
  gpointer user_data;

  RoomState state;
  WzpTimer *timer;
  WzpRelayDial *dial;  /* owned; DIALLING */
  WzpConn *conn;       /* owned; JOINED */
  WzpChannel *channel; /* owned; with conn */
  guint members;

  guint64 tag;
  WzpSeal *seal; /* NULL: no key */
  WzpSender *sender;
  WzpRoomPeers *peers;
  WzpRoomStatements *statements;
  guint64 next_message;
  gint64 key_at_us; /* when key frames may be asked for again */
  gboolean wants_key;
  WzpPacket
      packet;  /* the one pulled last; its iovecs are with the connection */
  guint8 *out; /* sealed, the one pulled last */

  gint64 started_us, joined_us, first_media_us; /* -1: not yet */

  /* once ENDED */
  GError *error;
  gboolean has_info;
  WzpCloseInfo info; /* reason and error are not kept */
};

/* ---- control messages ---- */

static void
send_fragment (WzpRoom *self, const guint8 *text, gsize len)
{
  WzpPacket packet;
  guint8 sealed[WZP_ROOM_MAX_DATAGRAM + WZP_SEAL_TAG_LEN];
  struct iovec iov[WZP_CONN_MAX_PULL_IOV];
  int n;

  packet.prefix_len = wzp_datagram_write_prefix (packet.head,
      WZP_DATAGRAM_CONTROL, wzp_sender_take_number (self->sender),
      wzp_datagram_room_flow (self->tag, 0));
  packet.head_len = packet.prefix_len;
  packet.payload[0].iov_base = (void *) text;
  packet.payload[0].iov_len = len;
  packet.n_payload = 1;
  packet.payload_len = len;
  n = wzp_link_lay_out (&packet, self->seal, sealed, iov);
  wzp_conn_send_datagram (self->conn, iov, n);
}

static void
send_message (WzpRoom *self, guint64 to, GBytes *message)
{
  guint8
      text[WZP_ROOM_MAX_DATAGRAM - WZP_DATAGRAM_MAX_PREFIX - WZP_SEAL_TAG_LEN];
  guint64 id = self->next_message++;
  gsize offset = 0;

  if (self->state != ROOM_JOINED)
    return;
  while (offset < g_bytes_get_size (message)) {
    gsize len =
        wzp_room_fragment_write (text, sizeof text, to, id, message, &offset);

    send_fragment (self, text, len);
  }
}

static void
send_control (WzpRoom *self, guint64 to, const WzpControl *control)
{
  g_autoptr (GBytes) message = wzp_control_write (control, NULL);

  if (message != NULL)
    send_message (self, to, message);
}

static void
on_say (GBytes *message, gpointer user_data)
{
  send_message (user_data, 0, message);
}

static void
set_timer (WzpRoom *self)
{
  gint64 deadline = wzp_room_statements_get_deadline (self->statements);

  wzp_timer_set (self->timer, wzp_room_peers_get_deadline (self->peers));
  if (deadline >= 0)
    wzp_timer_set_earlier (self->timer, deadline);
}

/* Of the sender: FLOW_OPEN, FLOW_EOS, FLOW_CLOSE. */
static void
on_sender_control (const WzpControl *control, gpointer user_data)
{
  WzpRoom *self = user_data;

  wzp_room_statements_take (self->statements, control, wzp_clock_now_us ());
  if (self->state == ROOM_JOINED)
    set_timer (self);
}

/* ---- media ---- */

static gboolean
on_sender_refill (WzpSendFlow *flow, gpointer user_data)
{
  WzpRoom *self = user_data;
  WzpSendItem item;

  if (!wzp_send_flow_take (flow, &item))
    return FALSE;
  wzp_sender_give (self->sender, flow, &item, wzp_clock_now_us ());
  wzp_send_item_clear (&item);
  return TRUE;
}

static const WzpSenderHandler sender_handler = {
  .refill = on_sender_refill,
  .control = on_sender_control,
};

static int
on_pull (WzpConn *conn, gsize max_size, struct iovec *iov, gpointer user_data)
{
  WzpRoom *self = user_data;

  max_size = MIN (max_size, WZP_ROOM_MAX_DATAGRAM);
  if (self->seal != NULL)
    max_size -= WZP_SEAL_TAG_LEN;
  if (!wzp_sender_next (self->sender, max_size, &self->packet))
    return 0;
  if (self->first_media_us < 0)
    self->first_media_us = wzp_clock_now_us () - self->started_us;
  return wzp_link_lay_out (&self->packet, self->seal, self->out, iov);
}

static void
request_keys (WzpRoom *self, gint64 now_us)
{
  if (!self->wants_key)
    return;
  if (now_us < self->key_at_us) {
    wzp_timer_set_earlier (self->timer, self->key_at_us);
    return;
  }
  self->wants_key = FALSE;
  self->key_at_us = now_us + WZP_ROOM_KEY_US;
  wzp_sender_key_request_all (self->sender, now_us);
}

static WzpRecvFlow *
on_peers_claim (const char *name, gpointer user_data)
{
  WzpRoom *self = user_data;

  return self->handler->claim (self, name, self->user_data);
}

static void
on_peers_unclaimed (WzpRecvFlow *flow, gpointer user_data)
{
  WzpRoom *self = user_data;

  self->handler->unclaimed (self, flow, self->user_data);
}

static void
on_peers_control (guint64 tag, const WzpControl *control, gpointer user_data)
{
  send_control (user_data, tag, control);
}

static void
on_peers_key_requested (guint32 flow, gpointer user_data)
{
  WzpRoom *self = user_data;

  self->wants_key = TRUE;
  request_keys (self, wzp_clock_now_us ());
}

static const WzpRoomPeersHandler peers_handler = {
  .claim = on_peers_claim,
  .unclaimed = on_peers_unclaimed,
  .control = on_peers_control,
  .key_requested = on_peers_key_requested,
};

/* ---- time ---- */

/* Everything that was sent has reached the relay, ends of streams as often as
 * they are said. */
static void
check_eos (WzpRoom *self)
{
  WzpConnInfo info;

  if (!wzp_sender_awaits_ack (self->sender) ||
      wzp_room_statements_has_eos (self->statements))
    return;
  wzp_conn_get_info (self->conn, &info);
  if (info.oldest_unacked_us == 0 &&
      wzp_conn_get_queued_bytes (self->conn) == 0)
    wzp_sender_all_acked (self->sender);
  else
    wzp_timer_set_earlier (
        self->timer, wzp_clock_now_us () + WZP_ROOM_EOS_REPEAT_US);
}

static void
step (WzpRoom *self)
{
  gint64 now_us = wzp_clock_now_us ();

  if (self->state != ROOM_JOINED)
    return;
  wzp_room_peers_advance (self->peers, now_us);
  wzp_room_statements_advance (self->statements, now_us);
  set_timer (self);
  request_keys (self, now_us);
  check_eos (self);
}

static void
on_timer (gpointer user_data)
{
  WzpRoom *self = user_data;

  if (self->state == ROOM_ENDED)
    self->handler->ended (self, self->error,
        self->has_info ? &self->info : NULL, self->user_data);
  else
    step (self);
}

/* Takes @error. */
static void
end (WzpRoom *self, GError *error, const WzpCloseInfo *info)
{
  self->state = ROOM_ENDED;
  self->error = error;
  self->has_info = info != NULL;
  if (info != NULL) {
    self->info = *info;
    self->info.reason = NULL;
    self->info.error = NULL;
  }
  wzp_timer_set (self->timer, 0);
}

/* ---- the connection ---- */

static void
on_datagram (WzpConn *conn, const guint8 *data, gsize len, gpointer user_data)
{
  WzpRoom *self = user_data;
  gint64 deadline;

  wzp_room_peers_push (self->peers, data, len, wzp_clock_now_us ());
  deadline = wzp_room_peers_get_deadline (self->peers);
  if (deadline >= 0)
    wzp_timer_set_earlier (self->timer, deadline);
}

static void
on_stream_data (WzpConn *conn, gint64 stream_id, const guint8 *data, gsize len,
    gboolean fin, gpointer user_data)
{
  WzpRoom *self = user_data;

  wzp_channel_stream_data (self->channel, stream_id, data, len, fin);
}

static void
on_stream_closed (WzpConn *conn, gint64 stream_id, gpointer user_data)
{
  WzpRoom *self = user_data;

  wzp_channel_stream_closed (self->channel, stream_id);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  WzpRoom *self = user_data;

  end (self, g_error_copy (info->error), info);
}

static const WzpConnHandler conn_handler = {
  .datagram = on_datagram,
  .stream_data = on_stream_data,
  .stream_closed = on_stream_closed,
  .pull = on_pull,
  .closed = on_closed,
};

/* Somebody came or went: who came needs to know what our flows are, and a key
 * frame. */
static void
on_message (WzpChannel *channel, const WzpMessage *message, gpointer user_data)
{
  WzpRoom *self = user_data;
  gint64 now_us = wzp_clock_now_us ();
  gboolean has_grown;

  if (message->type != WZP_MESSAGE_ROOM_UPDATE)
    return;
  has_grown = message->count > self->members;
  self->members = (guint) MIN (message->count, G_MAXUINT);
  g_debug ("room %s: %u members", self->name, self->members);
  if (wzp_room_statements_is_empty (self->statements))
    return;
  wzp_room_statements_say_all (self->statements, now_us);
  self->wants_key |= has_grown;
  request_keys (self, now_us);
}

static const WzpChannelHandler channel_handler = { .message = on_message };

/* Who we are, for the list of members; a relay of another make waits for it
 * before it lets us in. */
static gboolean
introduce (WzpRoom *self, GError **error)
{
  g_autoptr (WzpMessage) offer = wzp_message_new (WZP_MESSAGE_CALL_OFFER);
  g_autoptr (WzpEphemeral) ephemeral = wzp_ephemeral_new ();
  g_autoptr (GBytes) text = NULL;

  if (self->token != NULL) {
    g_autoptr (WzpMessage) token = wzp_message_new (WZP_MESSAGE_AUTH_TOKEN);

    token->token = g_strdup (self->token);
    if (!wzp_channel_send (self->channel, token, error))
      return FALSE;
  }
  offer->has_identity_pub = TRUE;
  memcpy (offer->identity_pub, wzp_identity_get_public_key (self->identity),
      WZP_PUBLIC_KEY_LEN);
  offer->has_ephemeral_pub = TRUE;
  memcpy (offer->ephemeral_pub, wzp_ephemeral_get_public_key (ephemeral),
      WZP_PUBLIC_KEY_LEN);
  text = wzp_message_signed_media (offer->ephemeral_pub, offer->type);
  wzp_identity_sign (self->identity, text, offer->signature);
  offer->has_signature = TRUE;
  offer->alias = g_strdup (self->alias);
  return wzp_channel_send (self->channel, offer, error);
}

static void
on_connecting (WzpRelayDial *dial, gpointer user_data)
{
  WzpRoom *self = user_data;

  self->handler->progress (self, "connect", self->user_data);
}

static void
on_dialled (
    WzpRelayDial *dial, WzpConn *conn, const GError *error, gpointer user_data)
{
  WzpRoom *self = user_data;
  g_autoptr (GError) failure = error != NULL ? g_error_copy (error) : NULL;

  g_clear_pointer (&self->dial, wzp_relay_dial_free);
  if (conn == NULL) {
    end (self, g_steal_pointer (&failure), NULL);
    return;
  }
  self->conn = conn;
  self->channel = wzp_channel_new (conn, &channel_handler, self);
  wzp_conn_set_handler (conn, &conn_handler, self);
  if (!introduce (self, &failure)) {
    end (self, g_steal_pointer (&failure), NULL);
    return;
  }
  self->state = ROOM_JOINED;
  self->joined_us = wzp_clock_now_us () - self->started_us;
  wzp_room_statements_say_all (self->statements, wzp_clock_now_us ());
  set_timer (self);
  wzp_conn_want_pull (conn);
  self->handler->joined (self, self->user_data);
}

static const WzpRelayDialHandler dial_handler = {
  .connecting = on_connecting,
  .done = on_dialled,
};

void
wzp_room_start (WzpRoom *self)
{
  g_return_if_fail (self->state == ROOM_IDLE);

  self->state = ROOM_DIALLING;
  self->started_us = wzp_clock_now_us ();
  self->dial = wzp_relay_dial_new (self->endpoint, self->name, self->rule,
      self->timeout_ms, &dial_handler, self);
  self->handler->progress (self, "name-lookup", self->user_data);
}

/* ---- life ---- */

/* Random, so that it names one sender and, with a key, no key is used twice. */
static guint64
new_tag (void)
{
  guint64 tag;

  do {
    g_autofree char *uuid = g_uuid_string_random ();
    g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize len = sizeof digest;

    g_checksum_update (sum, (const guint8 *) uuid, -1);
    g_checksum_get_digest (sum, digest, &len);
    memcpy (&tag, digest, sizeof tag);
    tag &= WZP_ROOM_TAG_MAX;
  } while (tag == 0);
  return tag;
}

WzpRoom *
wzp_room_new (const WzpRoomConfig *config, const WzpRoomHandler *handler,
    gpointer user_data)
{
  WzpRoom *self = g_new0 (WzpRoom, 1);

  self->endpoint = config->endpoint;
  self->identity = wzp_identity_ref (config->identity);
  self->name = g_strdup (config->name);
  self->alias = g_strdup (config->alias);
  self->token = g_strdup (config->token);
  self->rule = wzp_relay_rule_copy (config->rule);
  self->timeout_ms = config->timeout_ms;
  self->handler = handler;
  self->user_data = user_data;
  self->timer = wzp_timer_new (config->context, on_timer, self);
  self->tag = new_tag ();
  if (config->key != NULL)
    self->seal = wzp_room_key_new_seal (config->key, self->tag);
  self->out = g_malloc (WZP_ROOM_MAX_DATAGRAM);
  self->sender = wzp_sender_new (&sender_handler, self);
  wzp_sender_set_tag (self->sender, self->tag);
  self->peers =
      wzp_room_peers_new (self->tag, config->key, &peers_handler, self);
  self->statements = wzp_room_statements_new (on_say, self);
  self->joined_us = self->first_media_us = -1;
  return self;
}

static void
say_bye (WzpRoom *self)
{
  const WzpControl bye = { .type = WZP_CONTROL_BYE,
    .reason = WZP_HANGUP_NORMAL };

  /* A listener is heard by nobody. */
  if (wzp_room_statements_is_empty (self->statements))
    return;
  for (guint i = 0; i < WZP_ROOM_EOS_REPEATS; i++)
    send_control (self, 0, &bye);
}

void
wzp_room_free (WzpRoom *self)
{
  if (self == NULL)
    return;
  say_bye (self);
  g_clear_pointer (&self->dial, wzp_relay_dial_free);
  g_clear_pointer (&self->channel, wzp_channel_free);
  if (self->conn != NULL) {
    wzp_conn_set_handler (self->conn, NULL, NULL);
    wzp_conn_close (self->conn, WZP_CLOSE_NORMAL, "leaves the room");
    wzp_conn_unref (self->conn);
  }
  wzp_room_peers_free (self->peers);
  wzp_sender_free (self->sender);
  wzp_room_statements_free (self->statements);
  wzp_timer_free (self->timer);
  g_clear_pointer (&self->seal, wzp_seal_free);
  g_clear_error (&self->error);
  wzp_relay_rule_free (self->rule);
  wzp_identity_unref (self->identity);
  g_free (self->name);
  g_free (self->alias);
  g_free (self->token);
  g_free (self->out);
  g_free (self);
}

gboolean
wzp_room_is_joined (const WzpRoom *self)
{
  return self->state == ROOM_JOINED;
}

/* ---- flows ---- */

static void
want_pull (WzpRoom *self)
{
  if (self->state == ROOM_JOINED)
    wzp_conn_want_pull (self->conn);
}

void
wzp_room_add_send_flow (WzpRoom *self, WzpSendFlow *flow)
{
  wzp_sender_add_flow (self->sender, flow, wzp_clock_now_us ());
  want_pull (self);
}

void
wzp_room_remove_send_flow (WzpRoom *self, WzpSendFlow *flow)
{
  wzp_sender_remove_flow (self->sender, flow);
}

void
wzp_room_recv_flow_added (WzpRoom *self)
{
  wzp_room_peers_claim (self->peers, wzp_clock_now_us ());
}

void
wzp_room_recv_flow_removed (WzpRoom *self, WzpRecvFlow *flow)
{
  wzp_room_peers_release (self->peers, flow);
}

void
wzp_room_woken (WzpRoom *self)
{
  wzp_room_peers_collect_key_requests (self->peers);
  want_pull (self);
  if (wzp_sender_awaits_ack (self->sender))
    wzp_timer_set_earlier (self->timer, 0);
}

/* ---- figures ---- */

void
wzp_room_get_stats (const WzpRoom *self, WzpCallStats *ret_stats)
{
  WzpSenderStats tx;
  WzpReceiverStats rx;
  guint64 bad;

  memset (ret_stats, 0, sizeof *ret_stats);
  wzp_sender_get_stats (self->sender, &tx);
  wzp_room_peers_get_stats (self->peers, &rx, &bad);
  ret_stats->role = "none";
  ret_stats->path = wzp_room_is_joined (self) ? WZP_PATH_RELAY : WZP_PATH_NONE;
  ret_stats->winner = ret_stats->path;
  if (self->conn != NULL)
    wzp_path_stats_fill (&ret_stats->paths[ret_stats->n_paths++], self->conn,
        WZP_PATH_RELAY, TRUE);
  ret_stats->time_to_connect_us = self->joined_us;
  ret_stats->time_to_first_media_us = self->first_media_us;
  ret_stats->time_to_direct_us = -1;
  ret_stats->packets_sent = tx.packets;
  ret_stats->bytes_sent = tx.bytes;
  ret_stats->frames_sent = tx.frames;
  ret_stats->packets_received = rx.packets;
  ret_stats->bytes_received = rx.bytes;
  ret_stats->packets_received_lost = rx.lost;
  ret_stats->packets_received_repeated = rx.repeated;
  ret_stats->packets_bad = rx.bad + bad;
  ret_stats->frames_received = rx.frames;
  ret_stats->frames_lost = rx.frames_lost;
  ret_stats->frames_dropped = tx.frames_dropped + rx.frames_dropped;
}

guint
wzp_room_get_members (const WzpRoom *self)
{
  return self->members;
}

guint
wzp_room_get_peers (const WzpRoom *self)
{
  return wzp_room_peers_get_count (self->peers);
}
