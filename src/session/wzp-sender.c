#include "wzp-sender.h"

typedef struct {
  WzpSendFlow *flow; /* owned */
  guint32 id;
  WzpPacketizer *packetizer;
  GQueue queue; /* of WzpFrame, owned */
  gsize bytes;
  guint32 opened;       /* generation last told by FLOW_OPEN; 0: none */
  gint64 skip_since_us; /* waiting for a key frame since; -1: not */
  gboolean eos_queued;  /* the stream ends behind the queue */
  guint64 eos_serial;
  guint64 eos_unacked; /* FLOW_EOS sent with this serial; 0: none */
} TxFlow;

struct _WzpSender {
  const WzpSenderHandler *handler;
  gpointer user_data;
  GPtrArray *flows; /* of TxFlow, owned */
  guint next_flow;  /* round robin */
  guint32 next_id;
  guint64 next_number;
  WzpSenderStats stats;
};

static void
tx_flow_free (gpointer data)
{
  TxFlow *tx = data;

  g_queue_clear_full (&tx->queue, (GDestroyNotify) wzp_frame_unref);
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
  return self;
}

void
wzp_sender_free (WzpSender *self)
{
  g_ptr_array_unref (self->flows);
  g_free (self);
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
open_flow (WzpSender *self, TxFlow *tx, const WzpSendItem *description)
{
  WzpControl control = { .type = WZP_CONTROL_FLOW_OPEN,
    .flow = tx->id,
    .generation = description->generation,
    .name = (char *) wzp_send_flow_get_name (tx->flow),
    .caps = description->caps,
    .tags = description->tags };

  if (description->generation <= tx->opened)
    return;
  tx->opened = description->generation;
  self->handler->control (&control, self->user_data);
}

gboolean
wzp_sender_add_flow (WzpSender *self, WzpSendFlow *flow, gint64 now_us)
{
  WzpSendItem description = { 0 };
  TxFlow *tx;

  if (find_flow (self, flow) != NULL)
    return TRUE;
  if (self->next_id > WZP_FLOW_ID_MAX)
    return FALSE;

  tx = g_new0 (TxFlow, 1);
  tx->flow = wzp_send_flow_ref (flow);
  tx->id = self->next_id++;
  tx->packetizer = wzp_packetizer_new (tx->id);
  tx->skip_since_us = now_us;
  g_queue_init (&tx->queue);
  g_ptr_array_add (self->flows, tx);

  if (wzp_send_flow_dup_description (flow, &description)) {
    open_flow (self, tx, &description);
    wzp_send_item_clear (&description);
  }
  wzp_send_flow_key_request (flow, now_us);
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
  if (tx->opened != 0)
    self->handler->control (&control, self->user_data);
  g_ptr_array_remove (self->flows, tx);
  self->next_flow = 0;
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
  if (tx->skip_since_us < 0)
    return FALSE;
  if (is_delta (frame) && now_us - tx->skip_since_us < WZP_SENDER_SKIP_MAX_US) {
    /* Coalesced by the flow; a request may have come too early. */
    wzp_send_flow_key_request (tx->flow, now_us);
    return TRUE;
  }
  tx->skip_since_us = -1;
  return FALSE;
}

/* The queue is over its bound: the oldest frame goes, and what depends on it.
 */
static void
drop_oldest (WzpSender *self, TxFlow *tx, gint64 now_us)
{
  gboolean more = TRUE;

  while (more && tx->queue.length > 0) {
    WzpFrame *frame = g_queue_pop_head (&tx->queue);
    WzpFrame *next = g_queue_peek_head (&tx->queue);

    tx->bytes -= frame->meta.size;
    self->stats.frames_dropped++;
    wzp_frame_unref (frame);
    more = next != NULL && is_delta (next);
  }
  if (tx->queue.length == 0)
    tx->skip_since_us = now_us;
}

static void
give_frame (WzpSender *self, TxFlow *tx, WzpFrame *frame, gint64 now_us)
{
  if (should_skip (tx, frame, now_us)) {
    self->stats.frames_dropped++;
    return;
  }
  g_queue_push_tail (&tx->queue, wzp_frame_ref (frame));
  tx->bytes += frame->meta.size;
  if (tx->queue.length > 1 &&
      (tx->bytes > WZP_SENDER_QUEUE_BYTES ||
          tx->queue.length > WZP_SENDER_QUEUE_FRAMES))
    drop_oldest (self, tx, now_us);
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
      give_frame (self, tx, item->frame, now_us);
      break;
    case WZP_SEND_ITEM_DESCRIPTION:
      open_flow (self, tx, item);
      break;
    case WZP_SEND_ITEM_EOS:
      tx->eos_queued = TRUE;
      tx->eos_serial = item->eos_serial;
      break;
  }
}

/* All frames before the end of the stream are cut: says so to the peer. */
static void
send_eos (WzpSender *self, TxFlow *tx)
{
  WzpControl control = { .type = WZP_CONTROL_FLOW_EOS,
    .flow = tx->id,
    .frame = wzp_packetizer_get_next_frame (tx->packetizer) };

  tx->eos_queued = FALSE;
  tx->eos_unacked = tx->eos_serial;
  self->handler->control (&control, self->user_data);
}

/* Makes the packetizer of @tx busy; FALSE: nothing to send. */
static gboolean
load_frame (WzpSender *self, TxFlow *tx)
{
  while (wzp_packetizer_is_idle (tx->packetizer)) {
    WzpFrame *frame = g_queue_pop_head (&tx->queue);

    if (frame != NULL) {
      tx->bytes -= frame->meta.size;
      self->stats.frames++;
      wzp_packetizer_begin (tx->packetizer, frame);
    } else if (tx->eos_queued) {
      send_eos (self, tx);
    } else if (!self->handler->refill (tx->flow, self->user_data)) {
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
wzp_sender_next (WzpSender *self, gsize max_size, WzpPacket *ret_packet)
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
    if (ret_packet->ends_frame && tx->eos_queued && tx->queue.length == 0)
      send_eos (self, tx);
    return TRUE;
  }
  return FALSE;
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
      wzp_send_flow_eos_acked (tx->flow, tx->eos_unacked);
    tx->eos_unacked = 0;
  }
}

void
wzp_sender_key_request (WzpSender *self, guint32 flow_id, gint64 now_us)
{
  for (guint i = 0; i < self->flows->len; i++) {
    TxFlow *tx = self->flows->pdata[i];

    if (tx->id == flow_id)
      wzp_send_flow_key_request (tx->flow, now_us);
  }
}

void
wzp_sender_key_request_all (WzpSender *self, gint64 now_us)
{
  for (guint i = 0; i < self->flows->len; i++) {
    TxFlow *tx = self->flows->pdata[i];

    wzp_send_flow_key_request (tx->flow, now_us);
  }
}

void
wzp_sender_get_stats (const WzpSender *self, WzpSenderStats *ret_stats)
{
  *ret_stats = self->stats;
}
