#include "wzp-receiver.h"

#include "wzp-clock-map.h"
#include "wzp-reassembler.h"
#include "wzp-rx-numbers.h"

typedef struct {
  guint32 generation;
  char *caps, *tags;
} Description;

typedef struct {
  guint32 id;
  char *name;          /* NULL: frames came before FLOW_OPEN */
  gboolean is_implied; /* opened by its first frame: no description is due */
  gboolean closed;  /* FLOW_CLOSE came, or its EOS was handed out; nothing else
                     * is kept then */
  gboolean has_end; /* FLOW_EOS came */
  WzpReassembler *reassembler; /* NULL: closed */
  GQueue descriptions;         /* of Description, newest last */
  guint32 told;                /* generation that `target` knows; 0: none */
  WzpRecvFlow *target;         /* owned, nullable */
  gboolean fresh;              /* `target` has had no frame of this flow yet */
  gint64 spoke_us;             /* when the last fragment came */
  gint64 keep_until_us;        /* until when `target` is waited for */
  gint64 skip_until_us;        /* joining late: until when a key frame is */
  WzpFrame *held;              /* in order, but its description has not come */
  guint64 held_lost;
} RxFlow;

struct _WzpReceiver {
  const WzpReceiverHandler *handler;
  gpointer user_data;
  WzpReassemblyBudget budget;
  WzpRxNumbers *numbers;
  WzpClockMap *clock_map;
  RxFlow *flows[WZP_FLOW_ID_MAX + 1]; /* by id; owned */
  guint32 max_id;                     /* of flows; the rest are NULL */
  gint64 hold_us;
  gint64 now_us;          /* the latest that was passed in */
  gboolean is_flow_freed; /* somebody may want what nobody took */
  gboolean is_over;       /* wzp_receiver_end() */
  gboolean joins_late;
  gboolean implies_flows;
  WzpReceiverStats stats;
};

static void
description_free (gpointer data)
{
  Description *description = data;

  g_free (description->caps);
  g_free (description->tags);
  g_free (description);
}

static void
forget_frames (RxFlow *rx)
{
  g_queue_clear_full (&rx->descriptions, description_free);
  g_clear_pointer (&rx->held, wzp_frame_unref);
  g_clear_pointer (&rx->reassembler, wzp_reassembler_free);
}

static void
rx_flow_free (RxFlow *rx)
{
  forget_frames (rx);
  g_clear_pointer (&rx->target, wzp_recv_flow_unref);
  g_free (rx->name);
  g_free (rx);
}

WzpReceiver *
wzp_receiver_new (const WzpReceiverHandler *handler, gpointer user_data)
{
  WzpReceiver *self = g_new0 (WzpReceiver, 1);

  self->handler = handler;
  self->user_data = user_data;
  self->budget.max = WZP_REASSEMBLY_MAX_BYTES;
  self->numbers = wzp_rx_numbers_new ();
  self->clock_map = wzp_clock_map_new ();
  self->hold_us = WZP_RECEIVER_HOLD_US;
  return self;
}

void
wzp_receiver_free (WzpReceiver *self)
{
  for (guint i = 0; i <= self->max_id; i++)
    g_clear_pointer (&self->flows[i], rx_flow_free);
  wzp_rx_numbers_free (self->numbers);
  wzp_clock_map_free (self->clock_map);
  g_free (self);
}

void
wzp_receiver_set_joins_late (WzpReceiver *self)
{
  self->joins_late = TRUE;
}

void
wzp_receiver_set_implied_flows (WzpReceiver *self)
{
  self->implies_flows = TRUE;
}

static RxFlow *
ensure_flow (WzpReceiver *self, guint32 id)
{
  RxFlow *rx = self->flows[id];

  if (rx == NULL) {
    rx = self->flows[id] = g_new0 (RxFlow, 1);
    rx->id = id;
    self->max_id = MAX (self->max_id, id);
    rx->reassembler = wzp_reassembler_new (&self->budget);
    wzp_reassembler_set_hold (rx->reassembler, self->hold_us);
    wzp_reassembler_set_join_late (rx->reassembler, self->joins_late);
    g_queue_init (&rx->descriptions);
  }
  return rx;
}

/* The frame's description. NULL: not come yet. They come in order and before
 * the end of the stream, so that one that is missing after that never will, or
 * was pushed out: the next newer one we have, or the last, is better than
 * none. */
static const Description *
description_for (RxFlow *rx, guint32 generation)
{
  const Description *newest = g_queue_peek_tail (&rx->descriptions);

  for (GList *l = rx->descriptions.head; l != NULL; l = l->next) {
    const Description *description = l->data;

    if (description->generation >= generation)
      return description;
  }
  return rx->has_end ? newest : NULL;
}

/* Frames are in order, so that generations do not go back, except for what a
 * new target was told ahead of its first frame. */
static gboolean
needs_description (const RxFlow *rx, guint32 generation)
{
  return generation > rx->told || (rx->fresh && generation < rx->told);
}

static void
tell_description (RxFlow *rx, const Description *description)
{
  WzpRecvItem item = { .kind = WZP_RECV_DESCRIPTION,
    .caps = g_strdup (description->caps),
    .tags = g_strdup (description->tags) };

  rx->told = description->generation;
  wzp_recv_flow_push (rx->target, &item);
}

/* Nothing can be decoded from @frame: what it builds on went by before we
 * came. */
static gboolean
should_skip (const WzpReceiver *self, const RxFlow *rx, const WzpFrame *frame)
{
  return self->joins_late && rx->fresh &&
      (frame->meta.flags & WZP_FRAME_DELTA_UNIT) != 0 &&
      self->now_us < rx->skip_until_us;
}

/* Takes @frame. FALSE: its description has not come, it is held. */
static gboolean
hand_out (WzpReceiver *self, RxFlow *rx, WzpFrame *frame, guint64 lost)
{
  WzpRecvItem item = { .kind = WZP_RECV_FRAME, .frame = frame, .lost = lost };

  if (rx->target == NULL || should_skip (self, rx, frame)) {
    self->stats.frames_dropped++;
    if (rx->target != NULL)
      wzp_recv_flow_request_key (rx->target);
    wzp_frame_unref (frame);
    return TRUE;
  }
  if (frame->meta.generation != 0 && !rx->is_implied &&
      needs_description (rx, frame->meta.generation)) {
    const Description *description =
        description_for (rx, frame->meta.generation);

    if (description == NULL) {
      rx->held = frame;
      rx->held_lost = lost;
      return FALSE;
    }
    if (description->generation != rx->told)
      tell_description (rx, description);
  }

  self->stats.frames++;
  item.discont = rx->fresh || lost > 0;
  item.offset_ns = wzp_clock_map_get_offset (self->clock_map);
  rx->fresh = FALSE;
  wzp_recv_flow_push (rx->target, &item);
  return TRUE;
}

/* The last word to whoever took the flow: EOS or ENDED. */
static void
finish_flow (WzpReceiver *self, RxFlow *rx, WzpRecvKind kind)
{
  g_autoptr (WzpRecvFlow) target = g_steal_pointer (&rx->target);
  WzpRecvItem item = { .kind = kind };

  rx->closed = TRUE;
  forget_frames (rx);
  if (target == NULL)
    return;
  wzp_recv_flow_push (target, &item);
  self->is_flow_freed = TRUE;
  self->handler->unclaimed (target, self->user_data);
}

static void
drain (WzpReceiver *self, RxFlow *rx)
{
  gint64 now_us = self->now_us;
  WzpFrame *frame;
  guint64 lost;

  /* Nobody knows yet what the flow is, or who wants it: keep it, within the
   * budget. */
  if (rx->name == NULL || rx->closed ||
      (rx->target == NULL && now_us < rx->keep_until_us))
    return;
  if (rx->held != NULL) {
    frame = g_steal_pointer (&rx->held);
    if (!hand_out (self, rx, frame, rx->held_lost))
      return;
  }
  while (
      (frame = wzp_reassembler_pop (rx->reassembler, now_us, &lost)) != NULL) {
    self->stats.frames_lost += lost;
    if (!hand_out (self, rx, frame, lost))
      return;
  }
  if (wzp_reassembler_is_ended (rx->reassembler))
    finish_flow (self, rx, WZP_RECV_EOS);
}

/* No more will come: what is whole goes out, then the last word. */
static void
finish_now (WzpReceiver *self, RxFlow *rx)
{
  if (rx->has_end) {
    wzp_reassembler_set_hold (rx->reassembler, 0);
    drain (self, rx);
  }
  if (!rx->closed)
    finish_flow (self, rx, WZP_RECV_ENDED);
}

static void
claim_flow (WzpReceiver *self, RxFlow *rx)
{
  WzpControl request = { .type = WZP_CONTROL_KEY_REQUEST, .flow = rx->id };
  WzpReassemblyStats stats;
  gboolean has_begun;

  if (self->is_over || rx->name == NULL || rx->closed || rx->target != NULL)
    return;
  rx->target = self->handler->claim (rx->name, self->user_data);
  if (rx->target == NULL)
    return;
  wzp_reassembler_get_stats (rx->reassembler, &stats);
  has_begun = rx->told != 0 || stats.frames_out > 0;
  rx->told = 0;
  rx->fresh = TRUE;
  rx->skip_until_us = self->now_us + WZP_RECEIVER_SKIP_MAX_US;
  /* So that caps are known before the first frame, as GStreamer has it. */
  tell_description (rx, g_queue_peek_tail (&rx->descriptions));
  drain (self, rx);
  /* What has gone by cannot be had again: begin at a key frame. Last, for a
   * message may be one too many and end the call. */
  if (has_begun && !rx->closed)
    self->handler->control (&request, self->user_data);
}

/* Nobody says when an implied flow ends: one that has gone quiet must not take
 * the place of one that speaks. */
static gboolean
is_quiet (const WzpReceiver *self, const RxFlow *rx)
{
  return rx->is_implied && self->now_us - rx->spoke_us > WZP_RECEIVER_CLAIM_US;
}

/* Offers what nobody took to whoever has become free. */
static void
claim_freed (WzpReceiver *self)
{
  while (self->is_flow_freed) {
    self->is_flow_freed = FALSE;
    for (guint i = 0; i <= self->max_id; i++) {
      if (self->flows[i] != NULL && !is_quiet (self, self->flows[i]))
        claim_flow (self, self->flows[i]);
    }
  }
}

/* @generation is above all that the flow has. */
static void
add_description (
    RxFlow *rx, guint32 generation, const char *caps, const char *tags)
{
  Description *description = g_new0 (Description, 1);

  description->generation = generation;
  description->caps = g_strdup (caps);
  description->tags = g_strdup (tags);
  g_queue_push_tail (&rx->descriptions, description);
  if (rx->descriptions.length > WZP_RECEIVER_MAX_DESCRIPTIONS)
    description_free (g_queue_pop_head (&rx->descriptions));
}

static void
name_flow (WzpReceiver *self, RxFlow *rx, const char *name)
{
  rx->name = g_strdup (name);
  rx->keep_until_us = self->now_us + WZP_RECEIVER_CLAIM_US;
}

/* The first frame of a flow that nobody will describe. */
static void
open_implied (WzpReceiver *self, RxFlow *rx)
{
  rx->is_implied = TRUE;
  name_flow (self, rx, "");
  add_description (rx, 0, "", NULL);
}

void
wzp_receiver_push (WzpReceiver *self, const WzpDatagramPrefix *prefix,
    const guint8 *data, gsize len, gint64 now_us)
{
  WzpMediaHead head;
  gsize head_len;
  RxFlow *rx;

  self->now_us = now_us;
  if (!wzp_datagram_parse_media (prefix, data, len, &head, &head_len)) {
    self->stats.bad++;
    return;
  }
  if (!wzp_rx_numbers_mark (self->numbers, prefix->number))
    return;
  self->stats.packets++;
  self->stats.bytes += len - head_len;

  rx = ensure_flow (self, prefix->flow);
  if (rx->closed)
    return;
  if (self->implies_flows && rx->name == NULL)
    open_implied (self, rx);
  if (head.is_start) {
    guint64 sent =
        head.meta.dts != WZP_TIME_NONE ? head.meta.dts : head.meta.pts;

    if (sent != WZP_TIME_NONE)
      wzp_clock_map_observe (self->clock_map, sent, (guint64) now_us * 1000);
  }
  if (wzp_reassembler_push (rx->reassembler, &head, prefix->flags,
          data + head_len, len - head_len, now_us) == WZP_REASSEMBLY_BAD)
    self->stats.bad++;
  rx->spoke_us = now_us;
  if (rx->is_implied)
    claim_flow (self, rx);
  drain (self, rx);
  claim_freed (self);
}

gboolean
wzp_receiver_mark_number (WzpReceiver *self, guint64 number)
{
  return wzp_rx_numbers_mark (self->numbers, number);
}

static void
open_flow (WzpReceiver *self, const WzpControl *control)
{
  RxFlow *rx = ensure_flow (self, control->flow);
  const Description *newest = g_queue_peek_tail (&rx->descriptions);

  if (rx->closed)
    return;
  /* In order by the channel; one that is not newer is not ours to trust. */
  if (newest != NULL && control->generation <= newest->generation)
    return;
  if (rx->name == NULL)
    name_flow (self, rx, control->name);
  rx->is_implied = FALSE;
  add_description (rx, control->generation, control->caps, control->tags);
  if (rx->target == NULL)
    claim_flow (self, rx);
  else
    drain (self, rx);
}

void
wzp_receiver_control (
    WzpReceiver *self, const WzpControl *control, gint64 now_us)
{
  RxFlow *rx;

  self->now_us = now_us;
  if (control->flow == 0 || control->flow > WZP_FLOW_ID_MAX)
    return;
  rx = self->flows[control->flow];
  if (control->type == WZP_CONTROL_FLOW_OPEN) {
    open_flow (self, control);
  } else if (rx == NULL || rx->closed) {
    return;
  } else if (control->type == WZP_CONTROL_FLOW_EOS) {
    rx->has_end = TRUE;
    wzp_reassembler_set_end (rx->reassembler, control->frame);
    drain (self, rx);
  } else if (control->type == WZP_CONTROL_FLOW_CLOSE) {
    finish_now (self, rx);
  }
  claim_freed (self);
}

void
wzp_receiver_set_hold (WzpReceiver *self, gint64 hold_us)
{
  self->hold_us = hold_us;
  for (guint i = 0; i <= self->max_id; i++) {
    if (self->flows[i] != NULL && !self->flows[i]->closed)
      wzp_reassembler_set_hold (self->flows[i]->reassembler, hold_us);
  }
}

void
wzp_receiver_advance (WzpReceiver *self, gint64 now_us)
{
  self->now_us = now_us;
  for (guint i = 0; i <= self->max_id; i++) {
    if (self->flows[i] != NULL)
      drain (self, self->flows[i]);
  }
  claim_freed (self);
}

gint64
wzp_receiver_get_deadline (const WzpReceiver *self)
{
  gint64 deadline = -1;

  for (guint i = 0; i <= self->max_id; i++) {
    const RxFlow *rx = self->flows[i];
    gint64 t;

    if (rx == NULL || rx->closed || rx->name == NULL || rx->held != NULL)
      continue;
    t = wzp_reassembler_get_deadline (rx->reassembler);
    if (rx->target == NULL && t >= 0)
      t = MAX (t, rx->keep_until_us);
    if (t >= 0 && (deadline < 0 || t < deadline))
      deadline = t;
  }
  return deadline;
}

void
wzp_receiver_claim (WzpReceiver *self, gint64 now_us)
{
  self->now_us = now_us;
  self->is_flow_freed = TRUE;
  claim_freed (self);
}

void
wzp_receiver_release (WzpReceiver *self, WzpRecvFlow *flow)
{
  for (guint i = 0; i <= self->max_id; i++) {
    RxFlow *rx = self->flows[i];

    if (rx != NULL && rx->target == flow)
      g_clear_pointer (&rx->target, wzp_recv_flow_unref);
  }
}

void
wzp_receiver_collect_key_requests (WzpReceiver *self)
{
  for (guint i = 0; i <= self->max_id; i++) {
    RxFlow *rx = self->flows[i];
    WzpControl request = { .type = WZP_CONTROL_KEY_REQUEST, .flow = i };

    if (rx != NULL && rx->target != NULL &&
        wzp_recv_flow_take_key_request (rx->target))
      self->handler->control (&request, self->user_data);
  }
}

void
wzp_receiver_end (WzpReceiver *self)
{
  self->is_over = TRUE;
  for (guint i = 0; i <= self->max_id; i++) {
    if (self->flows[i] != NULL && self->flows[i]->target != NULL)
      finish_now (self, self->flows[i]);
  }
}

void
wzp_receiver_get_stats (const WzpReceiver *self, WzpReceiverStats *ret_stats)
{
  *ret_stats = self->stats;
  ret_stats->lost = wzp_rx_numbers_lost (self->numbers);
  ret_stats->repeated = wzp_rx_numbers_repeated (self->numbers);
}
