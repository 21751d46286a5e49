#include "wzp-frame-gate.h"

#include <string.h>

/* Beginnings of frames remembered of a flow, for datagrams that come late. */
#define MAX_FIRSTS 8u

typedef struct {
  guint64 flow; /* as in the datagrams: sender's tag and flow */
  guint64 used; /* when, in datagrams of the sender */
  gboolean has_keys;
  guint64 firsts[MAX_FIRSTS]; /* numbers that frames begin with, rising */
  guint n_firsts;
} Flow;

struct _WzpFrameFlows {
  guint32 sender;
  guint64 n_marked;
  GArray *flows; /* of Flow */
  guint recent;  /* index of the one used last */
};

/* Numbers from @first to before @resumed. */
typedef struct {
  guint64 first, resumed;
} Stretch;

/* What a receiver did not get of one flow: @closed, and (@is_open) all from
 * @first on, of which @last is the highest so far. Two closed ones are enough:
 * what is later than that has had its time. */
typedef struct {
  guint64 flow;
  gboolean is_open;
  guint64 first, last;
  Stretch closed[2]; /* the newer first; empty: 0, 0 */
} Gap;

struct _WzpFrameGate {
  GHashTable *gaps; /* Gap by its flow; NULL while there is none */
};

WzpFrameFlows *
wzp_frame_flows_new (guint32 sender)
{
  WzpFrameFlows *self = g_new0 (WzpFrameFlows, 1);

  self->sender = sender;
  self->flows = g_array_new (FALSE, TRUE, sizeof (Flow));
  return self;
}

void
wzp_frame_flows_free (WzpFrameFlows *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->flows);
  g_free (self);
}

static guint
find_oldest (const WzpFrameFlows *self)
{
  guint oldest = 0;

  for (guint i = 1; i < self->flows->len; i++)
    if (g_array_index (self->flows, Flow, i).used <
        g_array_index (self->flows, Flow, oldest).used)
      oldest = i;
  return oldest;
}

/* The place of @flow, where it is made if need be. */
static guint
find_flow (WzpFrameFlows *self, guint64 flow)
{
  Flow *fresh;
  guint index;

  for (guint i = 0; i < self->flows->len; i++)
    if (g_array_index (self->flows, Flow, i).flow == flow)
      return i;

  index = self->flows->len;
  if (index < WZP_FRAME_GATE_MAX_FLOWS)
    g_array_set_size (self->flows, index + 1);
  else
    index = find_oldest (self);
  fresh = &g_array_index (self->flows, Flow, index);
  *fresh = (Flow){ .flow = flow };
  return index;
}

static Flow *
use_flow (WzpFrameFlows *self, guint64 number)
{
  Flow *flow;

  if (self->recent >= self->flows->len ||
      g_array_index (self->flows, Flow, self->recent).flow != number)
    self->recent = find_flow (self, number);
  flow = &g_array_index (self->flows, Flow, self->recent);
  flow->used = ++self->n_marked;
  return flow;
}

/* A frame begins with @number, or (after an end) not before it. */
static void
add_first (Flow *flow, guint64 number)
{
  guint at = flow->n_firsts;

  while (at > 0 && flow->firsts[at - 1] > number)
    at--;
  if (at > 0 && flow->firsts[at - 1] == number)
    return;
  if (flow->n_firsts < MAX_FIRSTS) {
    memmove (flow->firsts + at + 1, flow->firsts + at,
        (flow->n_firsts - at) * sizeof flow->firsts[0]);
    flow->firsts[at] = number;
    flow->n_firsts++;
  } else if (at > 0) { /* the oldest goes */
    memmove (flow->firsts, flow->firsts + 1, (at - 1) * sizeof flow->firsts[0]);
    flow->firsts[at - 1] = number;
  }
}

/* Where none is known and none was forgotten it is the flow's first frame, of
 * which the beginning is still on its way. */
static guint64
find_first (const Flow *flow, guint64 number)
{
  for (guint i = flow->n_firsts; i > 0; i--)
    if (flow->firsts[i - 1] <= number)
      return flow->firsts[i - 1];
  return flow->n_firsts < MAX_FIRSTS ? 0 : number;
}

void
wzp_frame_flows_mark (WzpFrameFlows *self, const WzpDatagramPrefix *prefix,
    WzpFrameMark *ret_mark)
{
  Flow *flow;

  g_return_if_fail (self != NULL && prefix != NULL && ret_mark != NULL);

  flow = use_flow (self, wzp_datagram_room_flow (prefix->sender, prefix->flow));
  ret_mark->flow = (guint64) self->sender << 32 | self->recent;
  ret_mark->number = prefix->number;
  ret_mark->is_start = (prefix->flags & WZP_DATAGRAM_FRAME_START) != 0;
  ret_mark->is_end = (prefix->flags & WZP_DATAGRAM_FRAME_END) != 0;
  ret_mark->is_key = (prefix->flags & WZP_DATAGRAM_KEY_FRAME) != 0;

  if (ret_mark->is_start)
    add_first (flow, prefix->number);
  if (ret_mark->is_end)
    add_first (flow, prefix->number + 1);
  flow->has_keys |= ret_mark->is_key;
  ret_mark->first = find_first (flow, prefix->number);
  ret_mark->has_keys = flow->has_keys;
}

WzpFrameGate *
wzp_frame_gate_new (void)
{
  return g_new0 (WzpFrameGate, 1);
}

void
wzp_frame_gate_free (WzpFrameGate *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->gaps, g_hash_table_unref);
  g_free (self);
}

/* Frees the table with the last one in it, so that a receiver without a loss
 * costs one comparison. */
static void
trim (WzpFrameGate *self)
{
  if (g_hash_table_size (self->gaps) == 0)
    g_clear_pointer (&self->gaps, g_hash_table_unref);
}

static gboolean
is_within (const Stretch *stretch, guint64 number)
{
  return number >= stretch->first && number < stretch->resumed;
}

static void
close_gap (Gap *gap, guint64 resumed)
{
  gap->is_open = FALSE;
  gap->closed[1] = gap->closed[0];
  gap->closed[0] = (Stretch){ gap->first, resumed };
}

/* Of a frame older than where the flow went on: the rest of it is lost too, and
 * the flow goes on. */
static void
lose_late (Gap *gap, const WzpFrameMark *mark)
{
  Stretch *next = &gap->closed[mark->number < gap->closed[1].resumed];

  next->first = MIN (next->first, mark->first);
}

static Gap *
add_gap (WzpFrameGate *self, guint64 flow)
{
  Gap *gap;

  if (self->gaps == NULL)
    self->gaps =
        g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  if (g_hash_table_size (self->gaps) >= WZP_FRAME_GATE_MAX_GAPS)
    return NULL;
  gap = g_new0 (Gap, 1);
  gap->flow = flow;
  g_hash_table_insert (self->gaps, &gap->flow, gap);
  return gap;
}

void
wzp_frame_gate_lose (WzpFrameGate *self, const WzpFrameMark *mark)
{
  Gap *gap = NULL;

  g_return_if_fail (self != NULL && mark != NULL);

  if (self->gaps != NULL)
    gap = g_hash_table_lookup (self->gaps, &mark->flow);
  if (gap == NULL)
    gap = add_gap (self, mark->flow);
  if (gap == NULL)
    return;
  if (gap->is_open) {
    gap->first = MIN (gap->first, mark->first);
    gap->last = MAX (gap->last, mark->number);
  } else if (mark->number < gap->closed[0].resumed) {
    lose_late (gap, mark);
  } else {
    gap->is_open = TRUE;
    gap->first = mark->first;
    gap->last = mark->number;
  }
}

static gboolean
has_room (const WzpFrameMark *mark, gsize len, gsize queued, gsize limit)
{
  gsize bound = WZP_FRAME_GATE_MAX_QUEUED;

  if (mark->is_start)
    bound = limit;
  if (mark->is_start && mark->is_end && mark->is_key)
    bound += WZP_FRAME_GATE_EXTRA;
  return mark->is_start ? queued < bound : queued + len <= bound;
}

/* Whether @gap speaks against @mark. Ends the gap where a frame begins that may
 * pass again. */
static gboolean
is_in_gap (Gap *gap, const WzpFrameMark *mark, gboolean room)
{
  if (is_within (&gap->closed[0], mark->number) ||
      is_within (&gap->closed[1], mark->number))
    return TRUE;
  if (!gap->is_open || mark->number < gap->first)
    return FALSE;
  if (room && mark->is_start && mark->number > gap->last &&
      (mark->is_key || !mark->has_keys)) {
    close_gap (gap, mark->number);
    return FALSE;
  }
  gap->last = MAX (gap->last, mark->number);
  return TRUE;
}

gboolean
wzp_frame_gate_pass (WzpFrameGate *self, const WzpFrameMark *mark, gsize len,
    gsize queued, gsize limit)
{
  gboolean room = has_room (mark, len, queued, limit);
  Gap *gap = NULL;

  if (self->gaps != NULL)
    gap = g_hash_table_lookup (self->gaps, &mark->flow);
  if (gap != NULL && is_in_gap (gap, mark, room))
    return FALSE;
  if (!room) {
    wzp_frame_gate_lose (self, mark);
    return FALSE;
  }
  if (gap != NULL && !gap->is_open &&
      mark->number > gap->closed[0].resumed + WZP_FRAME_GATE_REORDER) {
    g_hash_table_remove (self->gaps, &mark->flow);
    trim (self);
  }
  return TRUE;
}

static gboolean
is_of_sender (gpointer key, gpointer value, gpointer user_data)
{
  const Gap *gap = value;

  return gap->flow >> 32 == GPOINTER_TO_UINT (user_data);
}

void
wzp_frame_gate_forget (WzpFrameGate *self, guint32 sender)
{
  g_return_if_fail (self != NULL);

  if (self->gaps == NULL)
    return;
  g_hash_table_foreach_remove (
      self->gaps, is_of_sender, GUINT_TO_POINTER (sender));
  trim (self);
}

guint
wzp_frame_gate_get_gaps (const WzpFrameGate *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->gaps != NULL ? g_hash_table_size (self->gaps) : 0;
}

gsize
wzp_frame_gate_compute_limit (guint64 cwnd, gint64 srtt_us)
{
  double bytes =
      (double) cwnd * WZP_FRAME_GATE_LIMIT_US / (double) MAX (srtt_us, 1);

  return (gsize) CLAMP (
      bytes, WZP_FRAME_GATE_MIN_LIMIT, WZP_FRAME_GATE_MAX_LIMIT);
}
