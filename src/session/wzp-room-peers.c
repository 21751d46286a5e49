#include "wzp-room-peers.h"

#include "wzp-room-inbox.h"

typedef struct {
  WzpRoomPeers *peers; /* not owned */
  guint64 tag;
  WzpSeal *seal; /* NULL: the room has no key */
  WzpReceiver *receiver;
  WzpRoomInbox *inbox;
  gint64 heard_us;
} Peer;

struct _WzpRoomPeers {
  guint64 own_tag;
  const WzpRoomKey *key;
  const WzpRoomPeersHandler *handler;
  gpointer user_data;
  GPtrArray *peers;      /* of Peer, owned */
  GByteArray *text;      /* opened */
  WzpReceiverStats gone; /* of those who left */
  guint64 bad;
};

/* ---- one sender ---- */

static WzpRecvFlow *
on_claim (const char *name, gpointer user_data)
{
  Peer *peer = user_data;

  return peer->peers->handler->claim (name, peer->peers->user_data);
}

static void
on_unclaimed (WzpRecvFlow *flow, gpointer user_data)
{
  Peer *peer = user_data;

  peer->peers->handler->unclaimed (flow, peer->peers->user_data);
}

static void
on_control (const WzpControl *control, gpointer user_data)
{
  Peer *peer = user_data;

  peer->peers->handler->control (peer->tag, control, peer->peers->user_data);
}

static const WzpReceiverHandler receiver_handler = {
  .claim = on_claim,
  .unclaimed = on_unclaimed,
  .control = on_control,
};

static void
add_stats (WzpReceiverStats *sum, const WzpReceiver *receiver)
{
  WzpReceiverStats stats;

  wzp_receiver_get_stats (receiver, &stats);
  sum->packets += stats.packets;
  sum->bytes += stats.bytes;
  sum->lost += stats.lost;
  sum->repeated += stats.repeated;
  sum->bad += stats.bad;
  sum->frames += stats.frames;
  sum->frames_lost += stats.frames_lost;
  sum->frames_dropped += stats.frames_dropped;
}

static void
peer_free (gpointer data)
{
  Peer *peer = data;

  wzp_receiver_end (peer->receiver);
  add_stats (&peer->peers->gone, peer->receiver);
  wzp_receiver_free (peer->receiver);
  wzp_room_inbox_free (peer->inbox);
  g_clear_pointer (&peer->seal, wzp_seal_free);
  g_free (peer);
}

static Peer *
peer_new (WzpRoomPeers *self, guint64 tag, WzpSeal *seal)
{
  Peer *peer = g_new0 (Peer, 1);

  peer->peers = self;
  peer->tag = tag;
  peer->seal = seal;
  peer->receiver = wzp_receiver_new (&receiver_handler, peer);
  wzp_receiver_set_joins_late (peer->receiver);
  peer->inbox = wzp_room_inbox_new ();
  return peer;
}

/* ---- all of them ---- */

WzpRoomPeers *
wzp_room_peers_new (guint64 own_tag, const WzpRoomKey *key,
    const WzpRoomPeersHandler *handler, gpointer user_data)
{
  WzpRoomPeers *self = g_new0 (WzpRoomPeers, 1);

  self->own_tag = own_tag;
  self->key = key;
  self->handler = handler;
  self->user_data = user_data;
  self->peers = g_ptr_array_new_with_free_func (peer_free);
  self->text = g_byte_array_new ();
  return self;
}

void
wzp_room_peers_free (WzpRoomPeers *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->peers);
  g_byte_array_unref (self->text);
  g_free (self);
}

static Peer *
find_peer (const WzpRoomPeers *self, guint64 tag)
{
  for (guint i = 0; i < self->peers->len; i++) {
    Peer *peer = self->peers->pdata[i];

    if (peer->tag == tag)
      return peer;
  }
  return NULL;
}

/* Opens the text behind the prefix; FALSE: not authentic. *@text and *@len are
 * what is to be opened, and then what was. */
static gboolean
open_text (WzpRoomPeers *self, WzpSeal *seal, const WzpDatagramPrefix *prefix,
    const guint8 *data, const guint8 **text, gsize *len)
{
  if (seal == NULL)
    return TRUE;
  if (*len < WZP_SEAL_TAG_LEN)
    return FALSE;
  g_byte_array_set_size (self->text, (guint) *len);
  if (!wzp_seal_open (seal, prefix->number, data, prefix->prefix_len, *text,
          *len, self->text->data))
    return FALSE;
  *text = self->text->data;
  *len -= WZP_SEAL_TAG_LEN;
  return TRUE;
}

/* A listener asks for a key frame: it takes no place among those who send, of
 * whom there is a bounded number. */
static gboolean
take_key_request (WzpRoomPeers *self, const guint8 *text, gsize len)
{
  g_autoptr (WzpRoomInbox) inbox = wzp_room_inbox_new ();
  g_autoptr (GBytes) message = NULL;
  g_auto (WzpControl) control = { 0 };
  guint64 to;

  if (wzp_room_inbox_push (inbox, text, len, &message, &to) !=
          WZP_ROOM_INBOX_WHOLE ||
      !wzp_control_parse (g_bytes_get_data (message, NULL),
          g_bytes_get_size (message), &control, NULL) ||
      control.type != WZP_CONTROL_KEY_REQUEST)
    return FALSE;
  if (to == self->own_tag)
    self->handler->key_requested (control.flow, self->user_data);
  return TRUE;
}

static void
take_message (
    WzpRoomPeers *self, Peer *peer, GBytes *bytes, guint64 to, gint64 now_us)
{
  g_auto (WzpControl) control = { 0 };
  gsize len;
  const guint8 *data = g_bytes_get_data (bytes, &len);

  if (to != 0 && to != self->own_tag)
    return;
  if (!wzp_control_parse (data, len, &control, NULL)) {
    self->bad++;
    return;
  }
  switch (control.type) {
    case WZP_CONTROL_FLOW_OPEN:
    case WZP_CONTROL_FLOW_EOS:
    case WZP_CONTROL_FLOW_CLOSE:
      wzp_receiver_control (peer->receiver, &control, now_us);
      break;
    case WZP_CONTROL_KEY_REQUEST:
      if (to == self->own_tag)
        self->handler->key_requested (control.flow, self->user_data);
      break;
    case WZP_CONTROL_BYE:
      g_ptr_array_remove (self->peers, peer);
      break;
    default: /* of a later version */
      break;
  }
}

static void
take_control (WzpRoomPeers *self, Peer *peer, const WzpDatagramPrefix *prefix,
    const guint8 *text, gsize len, gint64 now_us)
{
  g_autoptr (GBytes) message = NULL;
  guint64 to;

  if (!wzp_receiver_mark_number (peer->receiver, prefix->number))
    return;
  switch (wzp_room_inbox_push (peer->inbox, text, len, &message, &to)) {
    case WZP_ROOM_INBOX_WHOLE:
      take_message (self, peer, message, to, now_us);
      break;
    case WZP_ROOM_INBOX_BAD:
      self->bad++;
      break;
    case WZP_ROOM_INBOX_TAKEN:
    case WZP_ROOM_INBOX_LATE:
      break;
  }
}

/* One not heard before. NULL: not authentic, one too many (counted), or all
 * that it had to say is dealt with. */
static Peer *
add_peer (WzpRoomPeers *self, const WzpDatagramPrefix *prefix,
    const guint8 *data, const guint8 **text, gsize *len)
{
  g_autoptr (WzpSeal) seal = self->key != NULL
      ? wzp_room_key_new_seal (self->key, prefix->sender)
      : NULL;
  Peer *peer;

  if (!open_text (self, seal, prefix, data, text, len)) {
    self->bad++;
    return NULL;
  }
  if (prefix->flow == 0 && take_key_request (self, *text, *len))
    return NULL;
  if (self->peers->len >= WZP_ROOM_MAX_PEERS) {
    self->bad++;
    return NULL;
  }
  peer = peer_new (self, prefix->sender, g_steal_pointer (&seal));
  g_ptr_array_add (self->peers, peer);
  return peer;
}

void
wzp_room_peers_push (
    WzpRoomPeers *self, const guint8 *data, gsize len, gint64 now_us)
{
  WzpDatagramPrefix prefix;
  const guint8 *text;
  Peer *peer;

  if (!wzp_datagram_parse_room_prefix (data, len, &prefix) ||
      prefix.sender == self->own_tag) {
    self->bad++;
    return;
  }
  text = data + prefix.prefix_len;
  len -= prefix.prefix_len;
  peer = find_peer (self, prefix.sender);
  if (peer == NULL) {
    peer = add_peer (self, &prefix, data, &text, &len);
    if (peer == NULL)
      return;
  } else if (!open_text (self, peer->seal, &prefix, data, &text, &len)) {
    self->bad++;
    return;
  }
  peer->heard_us = now_us;
  if (prefix.flow == 0)
    take_control (self, peer, &prefix, text, len, now_us);
  else
    wzp_receiver_push (peer->receiver, &prefix, text, len, now_us);
}

void
wzp_room_peers_advance (WzpRoomPeers *self, gint64 now_us)
{
  /* Backwards, since those that are silent leave. */
  for (guint i = self->peers->len; i > 0; i--) {
    Peer *peer = self->peers->pdata[i - 1];

    wzp_receiver_advance (peer->receiver, now_us);
    if (now_us - peer->heard_us >= WZP_ROOM_SILENCE_US)
      g_ptr_array_remove_index (self->peers, i - 1);
  }
}

gint64
wzp_room_peers_get_deadline (const WzpRoomPeers *self)
{
  gint64 deadline = G_MAXINT64;

  for (guint i = 0; i < self->peers->len; i++) {
    const Peer *peer = self->peers->pdata[i];
    gint64 t = wzp_receiver_get_deadline (peer->receiver);

    if (t >= 0)
      deadline = MIN (deadline, t);
    deadline = MIN (deadline, peer->heard_us + WZP_ROOM_SILENCE_US);
  }
  return deadline < G_MAXINT64 ? deadline : -1;
}

void
wzp_room_peers_claim (WzpRoomPeers *self, gint64 now_us)
{
  for (guint i = 0; i < self->peers->len; i++) {
    Peer *peer = self->peers->pdata[i];

    wzp_receiver_claim (peer->receiver, now_us);
  }
}

void
wzp_room_peers_release (WzpRoomPeers *self, WzpRecvFlow *flow)
{
  for (guint i = 0; i < self->peers->len; i++) {
    Peer *peer = self->peers->pdata[i];

    wzp_receiver_release (peer->receiver, flow);
  }
}

void
wzp_room_peers_collect_key_requests (WzpRoomPeers *self)
{
  for (guint i = 0; i < self->peers->len; i++) {
    Peer *peer = self->peers->pdata[i];

    wzp_receiver_collect_key_requests (peer->receiver);
  }
}

guint
wzp_room_peers_get_count (const WzpRoomPeers *self)
{
  return self->peers->len;
}

void
wzp_room_peers_get_stats (
    const WzpRoomPeers *self, WzpReceiverStats *ret_stats, guint64 *ret_bad)
{
  *ret_stats = self->gone;
  *ret_bad = self->bad;
  for (guint i = 0; i < self->peers->len; i++) {
    const Peer *peer = self->peers->pdata[i];

    add_stats (ret_stats, peer->receiver);
  }
}
