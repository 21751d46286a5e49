#include "wzp-sender.h"

#include "wzp-sent-frames.h"

typedef struct {
  WzpSendFlow *flow; /* owned */
  guint32 id;
  WzpPacketizer *packetizer;
  WzpItemQueue queue;      /* of WzpSendItem */
  WzpSendItem description; /* the last that left the queue; 0: none */
  guint32 first;           /* generation that it joined with; 0: any */
  guint32 newest;          /* generation last put in the queue */
  gboolean is_open;        /* FLOW_OPEN was sent under this id */
  gboolean is_ended;       /* FLOW_EOS was */
  gint64 skip_since_us;    /* waiting for a key frame since; -1: not */
  gboolean want_key;       /* a request came too soon after the one before */
  guint64 eos_unacked;     /* FLOW_EOS sent with this serial; 0: none */
} TxFlow;

struct _WzpSender {
  const WzpSenderHandler *handler;
  gpointer user_data;
  GPtrArray *flows; /* of TxFlow, owned */
  guint next_flow;  /* round robin */
  guint64 tag;      /* in an open room; 0: in a call */
  guint32 next_id;
  guint64 next_number;
  WzpSentFrames *kept;     /* sent by a path that may lose them */
  WzpSentFrames *again;    /* of these, what is to be sent once more */
  WzpPacketizer *repeater; /* of the frame of `again` under way; nullable */
  WzpSenderStats stats;
};

static void
tx_flow_free (gpointer data)
{
  TxFlow *tx = data;
  WzpSendItem item;

  while (wzp_item_queue_pop (&tx->queue, &item)) {
    if (item.kind == WZP_SEND_ITEM_EOS)
      wzp_send_flow_eos_done (tx->flow, item.eos_serial, FALSE);
    wzp_send_item_clear (&item);
  }
  if (tx->eos_unacked != 0)
    wzp_send_flow_eos_done (tx->flow, tx->eos_unacked, FALSE);
  wzp_item_queue_clear (&tx->queue);
  wzp_send_item_clear (&tx->description);
  wzp_packetizer_free (tx->packetizer);
  wzp_send_flow_unref (tx->flow);
  g_free (tx);
}

WzpSender *
wzp_sender_new (const WzpSenderHandler *handler, gpointer user_data)
{
  WzpSender *self = g_new0 (WzpSender, 1);

  self->handler = handler;
  self->user_data = user_data;
  self->flows = g_ptr_array_new_with_free_func (tx_flow_free);
  self->next_id = 1;
  self->kept = wzp_sent_frames_new ();
  self->again = wzp_sent_frames_new ();
  return self;
}

void
wzp_sender_free (WzpSender *self)
{
  g_ptr_array_unref (self->flows);
  g_clear_pointer (&self->repeater, wzp_packetizer_free);
  wzp_sent_frames_free (self->kept);
  wzp_sent_frames_free (self->again);
  g_free (self);
}

void
wzp_sender_set_tag (WzpSender *self, guint64 tag)
{
  self->tag = tag;
}

static gboolean
has_flow_id (const WzpSender *self)
{
  return self->next_id <=
      (self->tag != 0 ? WZP_ROOM_FLOW_ID_MAX : WZP_FLOW_ID_MAX);
}

/* Gives @tx the next id. */
static void
begin_flow (WzpSender *self, TxFlow *tx)
{
  g_clear_pointer (&tx->packetizer, wzp_packetizer_free);
  tx->id = self->next_id++;
  tx->packetizer = wzp_packetizer_new (
      self->tag != 0 ? wzp_datagram_room_flow (self->tag, tx->id) : tx->id);
}

static TxFlow *
find_flow (const WzpSender *self, const WzpSendFlow *flow)
{
  for (guint i = 0; i < self->flows->len; i++) {
    TxFlow *tx = self->flows->pdata[i];

    if (tx->flow == flow)
      return tx;
  }
  return NULL;
}

static void
tell_description (WzpSender *self, TxFlow *tx)
{
  WzpControl control = { .type = WZP_CONTROL_FLOW_OPEN,
    .flow = tx->id,
    .generation = tx->description.generation,
    .name = (char *) wzp_send_flow_get_name (tx->flow),
    .caps = tx->description.caps,
    .tags = tx->description.tags };

  tx->is_open = TRUE;
  self->handler->control (&control, self->user_data);
}

/* Takes @description: the frames that follow belong to it. */
static void
apply_description (WzpSender *self, TxFlow *tx, const WzpSendItem *description)
{
  wzp_send_item_clear (&tx->description);
  tx->description = *description;
  tx->newest = MAX (tx->newest, description->generation);
  /* An ended flow is opened again when a frame comes, if one does. */
  if (!tx->is_ended)
    tell_description (self, tx);
}

/* What is in force now; older frames are not for this call. */
static void
join_flow (WzpSender *self, TxFlow *tx)
{
  WzpSendItem description;

  if (!wzp_send_flow_dup_description (tx->flow, &description))
    return;
  tx->first = description.generation;
  apply_description (self, tx, &description);
}

static void
request_key (TxFlow *tx, gint64 now_us)
{
  tx->want_key = !wzp_send_flow_key_request (tx->flow, now_us);
}

gboolean
wzp_sender_add_flow (WzpSender *self, WzpSendFlow *flow, gint64 now_us)
{
  TxFlow *tx;

  if (find_flow (self, flow) != NULL)
    return TRUE;
  if (!has_flow_id (self))
    return FALSE;

  tx = g_new0 (TxFlow, 1);
  tx->flow = wzp_send_flow_ref (flow);
  begin_flow (self, tx);
  tx->skip_since_us = now_us;
  wzp_item_queue_init (&tx->queue, sizeof (WzpSendItem));
  g_ptr_array_add (self->flows, tx);
  join_flow (self, tx);
  request_key (tx, now_us);
  return TRUE;
}

void
wzp_sender_remove_flow (WzpSender *self, WzpSendFlow *flow)
{
  TxFlow *tx = find_flow (self, flow);
  WzpControl control = { .type = WZP_CONTROL_FLOW_CLOSE };

  if (tx == NULL)
    return;
  control.flow = tx->id;
  /* After FLOW_EOS it would only cut short the wait for what is late. */
  if (tx->is_open && !tx->is_ended)
    self->handler->control (&control, self->user_data);
  wzp_sent_frames_forget_flow (self->kept, tx->id);
  wzp_sent_frames_forget_flow (self->again, tx->id);
  g_ptr_array_remove (self->flows, tx);
}

static gboolean
is_delta (const WzpFrame *frame)
{
  return (frame->meta.flags & WZP_FRAME_DELTA_UNIT) != 0;
}

/* Whether @frame is passed over because nothing can be decoded from it. */
static gboolean
should_skip (TxFlow *tx, const WzpFrame *frame, gint64 now_us)
{
  if (frame->meta.generation == 0 || frame->meta.generation < tx->first)
    return TRUE;
  if (tx->skip_since_us < 0)
    return FALSE;
  if (is_delta (frame) && now_us - tx->skip_since_us < WZP_SENDER_SKIP_MAX_US) {
    tx->want_key = TRUE;
    return TRUE;
  }
  tx->skip_since_us = -1;
  return FALSE;
}

/* The oldest frame goes, and what depends on it. */
static void
drop_oldest (WzpSender *self, TxFlow *tx, gint64 now_us)
{
  const WzpFrame *next;
  WzpSendItem item;

  do {
    if (!wzp_item_queue_drop_frame (&tx->queue, &item))
      return;
    self->stats.frames_dropped++;
    wzp_send_item_clear (&item);
    next = wzp_item_queue_peek_frame (&tx->queue);
  } while (next != NULL && is_delta (next));
  if (next == NULL)
    tx->skip_since_us = now_us;
}

static void
give_frame (WzpSender *self, TxFlow *tx, const WzpSendItem *item, gint64 now_us)
{
  WzpSendItem copy = *item;

  /* Its description may have gone by while nobody was connected. */
  if (item->frame->meta.generation > tx->newest)
    join_flow (self, tx);
  if (should_skip (tx, item->frame, now_us)) {
    self->stats.frames_dropped++;
  } else {
    wzp_frame_ref (copy.frame);
    wzp_item_queue_push (&tx->queue, &copy);
  }
  if (!is_delta (item->frame))
    tx->want_key = FALSE;
  else if (tx->want_key)
    request_key (tx, now_us);
  while (tx->queue.frames > 1 &&
      (tx->queue.bytes > WZP_SENDER_QUEUE_BYTES ||
          tx->queue.frames > WZP_SENDER_QUEUE_FRAMES))
    drop_oldest (self, tx, now_us);
}

static void
give_description (WzpSender *self, TxFlow *tx, const WzpSendItem *item)
{
  WzpSendItem copy = *item;

  if (item->generation <= tx->newest)
    return;
  tx->newest = item->generation;
  copy.caps = g_strdup (item->caps);
  copy.tags = g_strdup (item->tags);
  /* At once if nothing has to go before it, so that the peer knows early. */
  if (tx->queue.len == 0)
    apply_description (self, tx, &copy);
  else
    wzp_item_queue_push (&tx->queue, &copy);
}

static void
give_eos (TxFlow *tx, const WzpSendItem *item)
{
  wzp_send_flow_eos_given (tx->flow, item->eos_serial);
  wzp_item_queue_push (&tx->queue, item);
}

void
wzp_sender_give (
    WzpSender *self, WzpSendFlow *flow, const WzpSendItem *item, gint64 now_us)
{
  TxFlow *tx = find_flow (self, flow);

  if (tx == NULL)
    return;
  switch (item->kind) {
    case WZP_SEND_ITEM_FRAME:
      give_frame (self, tx, item, now_us);
      break;
    case WZP_SEND_ITEM_DESCRIPTION:
      give_description (self, tx, item);
      break;
    case WZP_SEND_ITEM_EOS:
      give_eos (tx, item);
      break;
  }
}

/* All frames before the end of the stream are cut: says so to the peer. */
static void
send_eos (WzpSender *self, TxFlow *tx, guint64 serial)
{
  WzpControl control = { .type = WZP_CONTROL_FLOW_EOS,
    .flow = tx->id,
    .frame = wzp_packetizer_get_next_frame (tx->packetizer) };

  tx->eos_unacked = serial;
  /* A second end, or one of a flow that the peer never heard of, is old news.
   */
  if (!tx->is_open || tx->is_ended)
    return;
  tx->is_ended = TRUE;
  self->handler->control (&control, self->user_data);
}

/* A frame follows the end of the stream. FALSE: no flow id is left. */
static gboolean
begin_anew (WzpSender *self, TxFlow *tx)
{
  if (!has_flow_id (self))
    return FALSE;
  begin_flow (self, tx);
  tx->is_ended = FALSE;
  tell_description (self, tx);
  return TRUE;
}

static void
send_frame (WzpSender *self, TxFlow *tx, WzpFrame *frame)
{
  if (tx->is_ended && !begin_anew (self, tx)) {
    self->stats.frames_dropped++;
    wzp_frame_unref (frame);
    return;
  }
  self->stats.frames++;
  wzp_packetizer_begin (tx->packetizer, frame);
}

/* Takes the next item out of the queue of @tx, whose packetizer is idle. */
static void
take_item (WzpSender *self, TxFlow *tx)
{
  WzpSendItem item;

  wzp_item_queue_pop (&tx->queue, &item);
  switch (item.kind) {
    case WZP_SEND_ITEM_FRAME:
      send_frame (self, tx, item.frame);
      break;
    case WZP_SEND_ITEM_DESCRIPTION:
      apply_description (self, tx, &item);
      break;
    case WZP_SEND_ITEM_EOS:
      send_eos (self, tx, item.eos_serial);
      break;
  }
}

/* Makes the packetizer of @tx busy; FALSE: nothing to send. */
static gboolean
load_frame (WzpSender *self, TxFlow *tx)
{
  while (wzp_packetizer_is_idle (tx->packetizer)) {
    if (tx->queue.len > 0)
      take_item (self, tx);
    else if (!self->handler->refill (tx->flow, self->user_data))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_end (const WzpItem *item)
{
  return item != NULL && item->kind == WZP_ITEM_END;
}

/* NULL: nothing to send. */
static TxFlow *
next_of (WzpSender *self, gsize max_size, WzpPacket *ret_packet)
{
  for (guint tried = 0; tried < self->flows->len; tried++) {
    TxFlow *tx;

    if (self->next_flow >= self->flows->len)
      self->next_flow = 0;
    tx = self->flows->pdata[self->next_flow++];
    if (!load_frame (self, tx))
      continue;
    if (!wzp_packetizer_next (
            tx->packetizer, self->next_number, max_size, ret_packet))
      continue;
    self->next_number++;
    self->stats.packets++;
    self->stats.bytes += ret_packet->payload_len;
    /* So that an end of stream that waits behind it does not wait for the
     * next pull. */
    if (ret_packet->ends_frame && is_end (wzp_item_queue_peek (&tx->queue)))
      take_item (self, tx);
    return tx;
  }
  return NULL;
}

gboolean
wzp_sender_next (WzpSender *self, gsize max_size, WzpPacket *ret_packet)
{
  return next_of (self, max_size, ret_packet) != NULL;
}

gboolean
wzp_sender_next_kept (
    WzpSender *self, gsize max_size, gint64 now_us, WzpPacket *ret_packet)
{
  TxFlow *tx = next_of (self, max_size, ret_packet);

  if (tx == NULL)
    return FALSE;
  if (ret_packet->starts_frame)
    wzp_sent_frames_add (self->kept, tx->id,
        wzp_packetizer_get_next_frame (tx->packetizer) - 1,
        wzp_packetizer_get_frame (tx->packetizer));
  if (ret_packet->ends_frame)
    wzp_sent_frames_end (self->kept, tx->id, now_us);
  return TRUE;
}

void
wzp_sender_forget (WzpSender *self, gint64 before_us)
{
  wzp_sent_frames_forget (self->kept, before_us);
}

gboolean
wzp_sender_repeat (WzpSender *self)
{
  WzpSentFrame sent;
  gboolean any = FALSE;

  while (wzp_sent_frames_take (self->kept, &sent)) {
    g_autoptr (WzpFrame) frame = sent.frame;

    wzp_sent_frames_add (self->again, sent.flow, sent.number, frame);
    any = TRUE;
  }
  return any;
}

/* FALSE: nothing is left. */
static gboolean
load_repeater (WzpSender *self)
{
  WzpSentFrame sent;

  if (self->repeater != NULL && !wzp_packetizer_is_idle (self->repeater))
    return TRUE;
  g_clear_pointer (&self->repeater, wzp_packetizer_free);
  if (!wzp_sent_frames_take (self->again, &sent))
    return FALSE;
  self->repeater = wzp_packetizer_new (sent.flow);
  wzp_packetizer_set_next_frame (self->repeater, sent.number);
  wzp_packetizer_begin (self->repeater, sent.frame);
  return TRUE;
}

gboolean
wzp_sender_next_again (WzpSender *self, gsize max_size, WzpPacket *ret_packet)
{
  if (!load_repeater (self) ||
      !wzp_packetizer_next (
          self->repeater, self->next_number, max_size, ret_packet))
    return FALSE;
  self->next_number++;
  self->stats.packets++;
  self->stats.bytes += ret_packet->payload_len;
  return TRUE;
}

void
wzp_sender_cancel_repeat (WzpSender *self)
{
  g_clear_pointer (&self->repeater, wzp_packetizer_free);
  wzp_sent_frames_clear (self->again);
}

guint64
wzp_sender_peek_number (const WzpSender *self)
{
  return self->next_number;
}

guint64
wzp_sender_take_number (WzpSender *self)
{
  return self->next_number++;
}

gboolean
wzp_sender_awaits_ack (const WzpSender *self)
{
  for (guint i = 0; i < self->flows->len; i++) {
    const TxFlow *tx = self->flows->pdata[i];

    if (tx->eos_unacked != 0)
      return TRUE;
  }
  return FALSE;
}

void
wzp_sender_all_acked (WzpSender *self)
{
  for (guint i = 0; i < self->flows->len; i++) {
    TxFlow *tx = self->flows->pdata[i];

    if (tx->eos_unacked != 0)
      wzp_send_flow_eos_done (tx->flow, tx->eos_unacked, TRUE);
    tx->eos_unacked = 0;
  }
}

void
wzp_sender_key_request (WzpSender *self, guint32 flow_id, gint64 now_us)
{
  for (guint i = 0; i < self->flows->len; i++) {
    TxFlow *tx = self->flows->pdata[i];

    if (tx->id == flow_id)
      request_key (tx, now_us);
  }
}

void
wzp_sender_key_request_all (WzpSender *self, gint64 now_us)
{
  for (guint i = 0; i < self->flows->len; i++) {
    request_key (self->flows->pdata[i], now_us);
  }
}

void
wzp_sender_get_stats (const WzpSender *self, WzpSenderStats *ret_stats)
{
  *ret_stats = self->stats;
}
