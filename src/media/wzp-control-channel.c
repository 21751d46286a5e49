#include "wzp-control-channel.h"

#include "wzp-extents.h"

#include <string.h>

#define MIN_RTO_US     (20 * G_TIME_SPAN_MILLISECOND)
#define MAX_RTO_US     (1000 * G_TIME_SPAN_MILLISECOND)
#define INITIAL_RTO_US (100 * G_TIME_SPAN_MILLISECOND)
#define MAX_DOUBLINGS  6u

/* Bytes of messages under way at once; one message always may. */
#define MAX_FLIGHT WZP_CONTROL_MAX_MESSAGE
/* No smaller piece of a message is cut off to fill a datagram. */
#define MIN_PIECE 64u
/* Holes in one message; the shortest datagram makes half as many. */
#define MAX_ISLANDS 256u

/* ack, and the count and differences of sack: a difference is below 64, which
 * takes one byte. */
#define MAX_HEAD     (1 + WZP_VARINT_MAX_LEN + 1 + WZP_CONTROL_MAX_SACK)
#define MIN_DATAGRAM 256u
G_STATIC_ASSERT (WZP_CONTROL_MAX_UNACKED <= 64);
G_STATIC_ASSERT (MAX_HEAD + 4 * WZP_VARINT_MAX_LEN + MIN_PIECE <= MIN_DATAGRAM);

/* A message of ours.
 *
 *   waiting --> due --> written --> acknowledged (and gone, in order)
 *                ^         |
 *                +---------+  the timer, a later one overtook it, kick() */
typedef struct {
  GBytes *bytes;      /* owned */
  gboolean is_due;    /* bytes from offset on are to be written */
  gsize offset;       /* with is_due */
  gboolean is_sacked; /* it is whole over there, but an earlier one is not */
  guint n_written;    /* times it was written to its end */
  guint n_doublings;  /* of its timer */
  gint64 written_us;  /* with n_written > 0: the last time */
  guint64 order;      /* with n_written > 0: of all writings, the last time */
} Outgoing;

typedef struct {
  gboolean has_total;
  guint32 total;
  guint8 *data; /* owned; total bytes */
  WzpExtents extents;
} Incoming;

struct _WzpControlChannel {
  gint64 srtt_us; /* 0: unknown */

  /* Ours: [acked, begun) under way, [begun, queued) waiting. */
  guint64 acked, begun, queued;
  gsize out_bytes;
  guint64 n_writings;
  Outgoing out[WZP_CONTROL_MAX_UNACKED]; /* seq % size */

  /* Theirs: [popped, received) to be popped; later ones with holes. */
  guint64 popped, received;
  gsize in_bytes;
  gboolean want_ack;
  Incoming in[WZP_CONTROL_MAX_UNACKED]; /* seq % size, from popped on */
};

typedef struct {
  guint64 seq;
  guint32 offset, total, len;
  const guint8 *data;
} Segment;

typedef struct {
  guint64 ack;
  guint n_sacks;
  guint64 sacks[WZP_CONTROL_MAX_SACK]; /* message numbers */
} Head;

static Outgoing *
outgoing (const WzpControlChannel *self, guint64 seq)
{
  return (Outgoing *) &self->out[seq % WZP_CONTROL_MAX_UNACKED];
}

/* Where message @seq (not popped) is kept; NULL when popping it is so far away
 * that it is not. */
static Incoming *
incoming (const WzpControlChannel *self, guint64 seq)
{
  if (seq - self->popped >= WZP_CONTROL_MAX_UNACKED)
    return NULL;
  return (Incoming *) &self->in[seq % WZP_CONTROL_MAX_UNACKED];
}

static gboolean
is_whole (const Incoming *in)
{
  return in != NULL && in->has_total && in->extents.have == in->total;
}

static void
clear_outgoing (Outgoing *out)
{
  g_clear_pointer (&out->bytes, g_bytes_unref);
  memset (out, 0, sizeof *out);
}

static void
clear_incoming (Incoming *in)
{
  g_free (in->data);
  wzp_extents_clear (&in->extents);
  memset (in, 0, sizeof *in);
}

WzpControlChannel *
wzp_control_channel_new (void)
{
  return g_new0 (WzpControlChannel, 1);
}

void
wzp_control_channel_free (WzpControlChannel *self)
{
  for (guint i = 0; i < WZP_CONTROL_MAX_UNACKED; i++) {
    clear_outgoing (&self->out[i]);
    clear_incoming (&self->in[i]);
  }
  g_free (self);
}

gboolean
wzp_control_channel_send (WzpControlChannel *self, GBytes *message)
{
  gsize size = g_bytes_get_size (message);

  g_return_val_if_fail (size <= WZP_CONTROL_MAX_MESSAGE, FALSE);

  if (self->queued - self->acked >= WZP_CONTROL_MAX_UNACKED ||
      self->out_bytes + size > WZP_CONTROL_MAX_BYTES)
    return FALSE;
  outgoing (self, self->queued)->bytes = g_bytes_ref (message);
  self->queued++;
  self->out_bytes += size;
  return TRUE;
}

gboolean
wzp_control_channel_has_room (const WzpControlChannel *self)
{
  return self->queued - self->acked < WZP_CONTROL_MAX_UNACKED &&
      self->out_bytes + WZP_CONTROL_MAX_MESSAGE <= WZP_CONTROL_MAX_BYTES;
}

gboolean
wzp_control_channel_is_idle (const WzpControlChannel *self)
{
  return self->acked == self->queued;
}

void
wzp_control_channel_set_rtt (WzpControlChannel *self, gint64 srtt_us)
{
  self->srtt_us = CLAMP (srtt_us, 0, MAX_RTO_US);
}

static void
make_due (Outgoing *out)
{
  out->is_due = TRUE;
  out->offset = 0;
}

void
wzp_control_channel_kick (WzpControlChannel *self)
{
  for (guint64 seq = self->acked; seq < self->begun; seq++) {
    Outgoing *out = outgoing (self, seq);

    out->n_doublings = 0;
    if (!out->is_sacked)
      make_due (out);
  }
}

static gboolean
read_head (const WzpControlChannel *self, WzpReader *r, Head *ret_head)
{
  guint64 n_sacks, last = 0;

  if (wzp_reader_varint (r) != WZP_CONTROL_KIND_CHANNEL)
    return FALSE;
  ret_head->ack = wzp_reader_varint (r);
  n_sacks = wzp_reader_varint (r);
  if (r->failed || n_sacks > WZP_CONTROL_MAX_SACK ||
      ret_head->ack > self->begun)
    return FALSE;
  if (ret_head->ack > self->acked &&
      outgoing (self, ret_head->ack - 1)->n_written == 0)
    return FALSE;

  ret_head->n_sacks = (guint) n_sacks;
  for (guint i = 0; i < ret_head->n_sacks; i++) {
    guint64 diff = wzp_reader_varint (r);
    guint64 seq = ret_head->ack + diff;

    if (r->failed || diff <= last || diff >= WZP_CONTROL_MAX_UNACKED ||
        seq >= self->begun)
      return FALSE;
    if (seq >= self->acked && outgoing (self, seq)->n_written == 0)
      return FALSE;
    ret_head->sacks[i] = seq;
    last = diff;
  }
  return TRUE;
}

static gboolean
read_segment (WzpReader *r, Segment *ret_segment)
{
  guint64 offset, total, len;

  ret_segment->seq = wzp_reader_varint (r);
  offset = wzp_reader_varint (r);
  total = wzp_reader_varint (r);
  len = wzp_reader_varint (r);
  if (r->failed || total > WZP_CONTROL_MAX_MESSAGE || offset > total ||
      len > total - offset || (len == 0 && total > 0))
    return FALSE;
  ret_segment->data = wzp_reader_bytes (r, (gsize) len);
  ret_segment->offset = (guint32) offset;
  ret_segment->total = (guint32) total;
  ret_segment->len = (guint32) len;
  return !r->failed;
}

/* All segments, by value of the reader: changes nothing. */
static gboolean
check_segments (const WzpControlChannel *self, WzpReader r)
{
  guint32 totals[WZP_CONTROL_MAX_UNACKED]; /* total + 1, from received on */
  Segment segment;

  memset (totals, 0, sizeof totals);
  while (wzp_reader_left (&r) > 0) {
    const Incoming *in;
    guint64 ahead;

    if (!read_segment (&r, &segment))
      return FALSE;
    if (segment.seq < self->received)
      continue;
    ahead = segment.seq - self->received;
    if (ahead >= WZP_CONTROL_MAX_UNACKED)
      return FALSE;
    in = incoming (self, segment.seq);
    if (totals[ahead] == 0)
      totals[ahead] =
          (in != NULL && in->has_total ? in->total : segment.total) + 1;
    if (totals[ahead] != segment.total + 1)
      return FALSE;
  }
  return TRUE;
}

static void
release_acked (WzpControlChannel *self)
{
  Outgoing *out = outgoing (self, self->acked);

  self->out_bytes -= g_bytes_get_size (out->bytes);
  clear_outgoing (out);
  self->acked++;
}

/* The order of a message that has come over, where that is certain: of one
 * that was written twice, the first may have come. */
static guint64
certain_order (const Outgoing *out)
{
  return out->is_sacked || out->n_written != 1 ? 0 : out->order;
}

static void
take_acks (WzpControlChannel *self, const Head *head)
{
  guint64 newest = 0;

  while (self->acked < head->ack) {
    newest = MAX (newest, certain_order (outgoing (self, self->acked)));
    release_acked (self);
  }
  for (guint i = 0; i < head->n_sacks; i++) {
    Outgoing *out = outgoing (self, head->sacks[i]);

    if (head->sacks[i] < self->acked)
      continue;
    newest = MAX (newest, certain_order (out));
    out->is_sacked = TRUE;
    out->is_due = FALSE;
  }

  /* What was written before one that has come, and has not come, is lost. */
  for (guint64 seq = self->acked; seq < self->begun; seq++) {
    Outgoing *out = outgoing (self, seq);

    if (!out->is_sacked && !out->is_due && out->order < newest)
      make_due (out);
  }
}

static void
take_segment (WzpControlChannel *self, const Segment *segment)
{
  Incoming *in = incoming (self, segment->seq);
  WzpExtentsPlace place;

  if (segment->seq < self->received || in == NULL)
    return;
  if (!in->has_total) {
    if (self->in_bytes + segment->total > WZP_CONTROL_MAX_BYTES)
      return;
    in->has_total = TRUE;
    in->total = segment->total;
    in->data = g_malloc (segment->total);
    self->in_bytes += segment->total;
  }

  wzp_extents_find (
      &in->extents, segment->offset, segment->offset + segment->len, &place);
  if (place.is_known || (place.is_new && in->extents.n_islands >= MAX_ISLANDS))
    return;
  memcpy (in->data + segment->offset, segment->data, segment->len);
  wzp_extents_add (&in->extents, &place);
}

gboolean
wzp_control_channel_receive (
    WzpControlChannel *self, const guint8 *data, gsize len, gint64 now_us)
{
  WzpReader r;
  Head head;
  Segment segment;

  wzp_reader_init (&r, data, len);
  if (!read_head (self, &r, &head) || !check_segments (self, r))
    return FALSE;

  take_acks (self, &head);
  while (wzp_reader_left (&r) > 0 && read_segment (&r, &segment)) {
    take_segment (self, &segment);
    /* For one that is not kept as well: its acknowledgement may be lost. */
    self->want_ack = TRUE;
  }
  while (is_whole (incoming (self, self->received)))
    self->received++;
  return TRUE;
}

GBytes *
wzp_control_channel_pop (WzpControlChannel *self)
{
  Incoming *in = incoming (self, self->popped);
  GBytes *message;

  if (self->popped == self->received)
    return NULL;
  message = g_bytes_new_take (g_steal_pointer (&in->data), in->total);
  self->in_bytes -= in->total;
  clear_incoming (in);
  self->popped++;
  return message;
}

static gint64
timer_of (const WzpControlChannel *self, const Outgoing *out)
{
  gint64 rto = self->srtt_us > 0 ? 2 * self->srtt_us : INITIAL_RTO_US;

  rto = CLAMP (rto, MIN_RTO_US, MAX_RTO_US) << out->n_doublings;
  return out->written_us + MIN (rto, MAX_RTO_US);
}

static gsize
count_flight (const WzpControlChannel *self)
{
  gsize bytes = 0;

  for (guint64 seq = self->acked; seq < self->begun; seq++) {
    const Outgoing *out = outgoing (self, seq);

    if (!out->is_sacked)
      bytes += g_bytes_get_size (out->bytes);
  }
  return bytes;
}

/* Whether the first waiting message may go under way. */
static gboolean
may_begin (const WzpControlChannel *self)
{
  gsize flight;

  if (self->begun == self->queued)
    return FALSE;
  flight = count_flight (self);
  return flight == 0 ||
      flight + g_bytes_get_size (outgoing (self, self->begun)->bytes) <=
      MAX_FLIGHT;
}

static gboolean
has_due (const WzpControlChannel *self)
{
  for (guint64 seq = self->acked; seq < self->begun; seq++)
    if (outgoing (self, seq)->is_due)
      return TRUE;
  return may_begin (self);
}

static void
expire_timers (WzpControlChannel *self, gint64 now_us)
{
  for (guint64 seq = self->acked; seq < self->begun; seq++) {
    Outgoing *out = outgoing (self, seq);

    if (out->is_due || out->is_sacked || now_us < timer_of (self, out))
      continue;
    out->n_doublings = MIN (out->n_doublings + 1, MAX_DOUBLINGS);
    make_due (out);
  }
}

static void
write_head (WzpControlChannel *self, WzpWriter *w)
{
  guint8 diffs[WZP_CONTROL_MAX_SACK];
  guint n = 0;

  for (guint diff = 1;
       diff < WZP_CONTROL_MAX_UNACKED && n < WZP_CONTROL_MAX_SACK; diff++)
    if (is_whole (incoming (self, self->received + diff)))
      diffs[n++] = (guint8) diff;

  wzp_writer_varint (w, WZP_CONTROL_KIND_CHANNEL);
  wzp_writer_varint (w, self->received);
  wzp_writer_varint (w, n);
  for (guint i = 0; i < n; i++)
    wzp_writer_varint (w, diffs[i]);
  self->want_ack = FALSE;
}

/* FALSE: the datagram is full. */
static gboolean
write_segment (
    WzpControlChannel *self, guint64 seq, WzpWriter *w, gint64 now_us)
{
  Outgoing *out = outgoing (self, seq);
  gsize total;
  const guint8 *data = g_bytes_get_data (out->bytes, &total);
  gsize rest = total - out->offset;
  gsize room = (gsize) (w->end - w->pos);
  gsize head = wzp_varint_len (seq) + wzp_varint_len (out->offset) +
      wzp_varint_len (total) + wzp_varint_len (rest);

  if (room < head + MIN (rest, MIN_PIECE))
    return FALSE;
  rest = MIN (rest, room - head);

  wzp_writer_varint (w, seq);
  wzp_writer_varint (w, out->offset);
  wzp_writer_varint (w, total);
  wzp_writer_varint (w, rest);
  wzp_writer_bytes (w, data + out->offset, rest);
  out->offset += rest;
  if (out->offset < total)
    return FALSE;

  out->is_due = FALSE;
  out->n_written++;
  out->written_us = now_us;
  out->order = ++self->n_writings;
  return TRUE;
}

gsize
wzp_control_channel_write (
    WzpControlChannel *self, gint64 now_us, guint8 *buf, gsize size)
{
  WzpWriter w;

  g_return_val_if_fail (size >= MIN_DATAGRAM, 0);

  expire_timers (self, now_us);
  if (!self->want_ack && !has_due (self))
    return 0;

  wzp_writer_init (&w, buf, size);
  write_head (self, &w);
  for (guint64 seq = self->acked; seq < self->queued; seq++) {
    if (seq == self->begun) {
      if (!may_begin (self))
        break;
      make_due (outgoing (self, seq));
      self->begun++;
    }
    if (outgoing (self, seq)->is_due && !write_segment (self, seq, &w, now_us))
      break;
  }
  return (gsize) (w.pos - buf);
}

gint64
wzp_control_channel_get_deadline (const WzpControlChannel *self)
{
  gint64 deadline = -1;

  if (self->want_ack || has_due (self))
    return 0;
  for (guint64 seq = self->acked; seq < self->begun; seq++) {
    const Outgoing *out = outgoing (self, seq);
    gint64 timer_us;

    if (out->is_sacked)
      continue;
    timer_us = timer_of (self, out);
    if (deadline < 0 || timer_us < deadline)
      deadline = timer_us;
  }
  return deadline;
}
