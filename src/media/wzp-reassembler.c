#include "wzp-partial.h"

#include <string.h>

#define FIRST_RING 64u /* places; a power of two */
#define MAX_SPARE  64u /* frames kept for use again */

/* A flow may hold this many times what it leaves free of the budget, so that
 * one whose frames never become whole does not keep the others out. */
#define MAX_SHARE 4u

/* A head that nothing later follows: given up TAIL_HOLDS times hold after its
 * latest fragment, TAIL_MIN_US at least; and, lest single bytes keep it for
 * ever, so long after its first one with TAIL_US_PER_BYTE for what came
 * (64 kbit/s). */
#define TAIL_HOLDS       4
#define TAIL_MIN_US      (200 * G_TIME_SPAN_MILLISECOND)
#define TAIL_US_PER_BYTE 125

struct _WzpReassembler {
  WzpReassemblyBudget *budget; /* not owned */
  gsize used;                  /* our part of budget->used */
  gint64 hold_us;
  gboolean join_late;

  gboolean has_taken; /* some fragment, the first at taken_us */
  gint64 taken_us;
  gboolean has_left; /* some frame was handed out or given up */
  guint64 next;      /* the first frame not handed out or given up */
  guint64 heard_end; /* one more than the highest frame begun */
  guint64 lost;      /* given up since the one handed out last */

  /* Frame n, when in [next, next + ring_size): ring[n % ring_size]. */
  WzpPartial **ring; /* owned, the frames as well; nullable elements */
  guint ring_size;   /* a power of two */
  guint n_frames;
  WzpPartial *spare; /* owned list */
  guint n_spare;

  /* The first sign of a frame later than `next`, if sign_frame > next: the
   * frame and when it was first heard of. */
  guint64 sign_frame;
  gint64 sign_us;
  /* The lowest frame later than `next` that there was no room for. */
  gboolean has_refused;
  guint64 refused_frame;
  gint64 refused_us;
  gboolean has_end;
  guint64 end;   /* no frame from here on */
  gint64 end_us; /* when pop() first knew of it; -1: not yet */

  WzpReassemblyStats stats;
};

G_STATIC_ASSERT (
    (WZP_REASSEMBLY_MAX_AHEAD & (WZP_REASSEMBLY_MAX_AHEAD - 1)) == 0);

static WzpPartial *
lookup (const WzpReassembler *self, guint64 frame)
{
  if (frame - self->next >= self->ring_size)
    return NULL;
  return self->ring[frame & (self->ring_size - 1)];
}

static void
charge (WzpReassembler *self, gssize bytes)
{
  self->used += bytes;
  self->budget->used += bytes;
}

static gboolean
has_room (const WzpReassembler *self, gssize bytes)
{
  const WzpReassemblyBudget *budget = self->budget;
  gsize left = budget->max - MIN (budget->used, budget->max);

  if (bytes <= 0)
    return TRUE;
  if ((gsize) bytes > left)
    return FALSE;
  return self->used + bytes <= MAX_SHARE * (left - bytes);
}

/* Room is short: holes are no longer waited for. */
static gboolean
is_pressed (const WzpReassembler *self)
{
  return self->n_frames >= WZP_REASSEMBLY_MAX_FRAMES / 4 * 3 ||
      self->budget->used >= self->budget->max / 4 * 3;
}

static void
resize_ring (WzpReassembler *self, guint size)
{
  WzpPartial **ring = g_new0 (WzpPartial *, size);

  for (guint i = 0; i < self->ring_size; i++)
    if (self->ring[i] != NULL)
      ring[self->ring[i]->number & (size - 1)] = self->ring[i];
  g_free (self->ring);
  charge (self,
      ((gssize) size - (gssize) self->ring_size) *
          (gssize) sizeof (WzpPartial *));
  self->ring = ring;
  self->ring_size = size;
}

/* The ring that holds @span frames. */
static guint
ring_size_for (const WzpReassembler *self, guint64 span)
{
  guint size = MAX (self->ring_size, FIRST_RING);

  while (size < span)
    size *= 2;
  return size;
}

/* Looks for the first sign of a later frame once `next` has reached the one
 * known. Each frame is passed once in all. */
static void
find_sign (WzpReassembler *self)
{
  if (self->has_refused && self->refused_frame <= self->next)
    self->has_refused = FALSE;
  if (self->sign_frame > self->next)
    return;
  for (guint64 n = self->next + 1; n < self->heard_end; n++) {
    const WzpPartial *partial = lookup (self, n);

    if (partial != NULL && partial->is_record) {
      self->sign_frame = n;
      self->sign_us = partial->first_us;
      return;
    }
  }
}

static WzpPartial *
begin_frame (WzpReassembler *self, guint64 frame, gint64 now_us)
{
  WzpPartial *partial = self->spare;

  if (partial != NULL) {
    self->spare = g_steal_pointer (&partial->next_spare);
    self->n_spare--;
  } else {
    partial = g_new0 (WzpPartial, 1);
  }
  partial->number = frame;
  partial->first_us = now_us;
  partial->is_record = frame >= self->heard_end;
  charge (self, sizeof *partial);
  self->ring[frame & (self->ring_size - 1)] = partial;
  self->n_frames++;

  if (partial->is_record) {
    self->heard_end = frame + 1;
    if (frame > self->next && self->sign_frame <= self->next) {
      self->sign_frame = frame;
      self->sign_us = now_us;
    }
  }
  return partial;
}

/* Takes the frame `next` out of the ring. */
static void
drop_head (WzpReassembler *self, WzpPartial *partial)
{
  charge (self, -(gssize) wzp_partial_footprint (partial));
  wzp_partial_clear (partial);
  if (self->n_spare < MAX_SPARE) {
    partial->next_spare = self->spare;
    self->spare = partial;
    self->n_spare++;
  } else {
    g_free (partial);
  }
  self->ring[self->next & (self->ring_size - 1)] = NULL;
  self->n_frames--;
}

static void
advance_to (WzpReassembler *self, guint64 frame)
{
  self->next = frame;
  self->has_left = TRUE;
  if (self->n_frames == 0 && self->ring_size > FIRST_RING * 16)
    resize_ring (self, FIRST_RING);
  find_sign (self);
}

/* When the head, which is not whole, is given up; -1: not by time alone. */
static gint64
head_deadline (const WzpReassembler *self)
{
  const WzpPartial *head = lookup (self, self->next);
  gint64 sign_us = G_MAXINT64;
  gint64 tail_us;

  if (self->sign_frame > self->next)
    sign_us = self->sign_us;
  if (self->has_refused)
    sign_us = MIN (sign_us, self->refused_us);
  if (self->has_end && self->end > self->next)
    sign_us = MIN (sign_us, self->end_us);
  if (sign_us != G_MAXINT64)
    return is_pressed (self) ? sign_us : sign_us + self->hold_us;

  if (head == NULL)
    return -1;
  tail_us = MAX (TAIL_HOLDS * self->hold_us, TAIL_MIN_US);
  return tail_us +
      MIN (head->last_us,
          head->first_us +
              (gint64) wzp_partial_received (head) * TAIL_US_PER_BYTE);
}

/* Gives up the head; with nothing held, all up to the next frame known of. */
static void
give_up (WzpReassembler *self)
{
  WzpPartial *head = lookup (self, self->next);
  guint64 to = self->next + 1;

  if (head != NULL) {
    drop_head (self, head);
  } else if (self->n_frames == 0) {
    to = G_MAXUINT64;
    if (self->has_refused)
      to = self->refused_frame;
    if (self->has_end)
      to = MIN (to, self->end);
  }

  /* A late joiner that never saw a frame expected none. */
  if (self->has_taken || !self->join_late) {
    self->lost += to - self->next;
    self->stats.frames_lost += to - self->next;
  }
  advance_to (self, to);
}

static WzpFrame *
hand_out (WzpReassembler *self, WzpPartial *head)
{
  WzpFrame *frame = wzp_partial_steal (head);

  drop_head (self, head);
  self->stats.frames_out++;
  self->lost = 0;
  advance_to (self, self->next + 1);
  return frame;
}

/* The frame that is next once a fragment of @frame is taken: that itself when
 * a late joiner may begin with it. */
static guint64
next_with (const WzpReassembler *self, guint64 frame, gint64 now_us)
{
  if (G_LIKELY (!self->join_late || self->has_left))
    return self->next;
  if (!self->has_taken)
    return frame;
  if (frame < self->next && now_us < self->taken_us + self->hold_us &&
      self->heard_end - frame <= WZP_REASSEMBLY_MAX_AHEAD)
    return frame;
  return self->next;
}

static WzpReassemblyResult
refuse (WzpReassembler *self, guint64 frame, gint64 now_us)
{
  if (frame > self->next) {
    if (!self->has_refused) {
      self->has_refused = TRUE;
      self->refused_frame = frame;
      self->refused_us = now_us;
    }
    self->refused_frame = MIN (self->refused_frame, frame);
  }
  return WZP_REASSEMBLY_FULL;
}

/* A fragment of a frame of which nothing was there. */
static WzpReassemblyResult
push_first (WzpReassembler *self, const WzpFragment *fragment, guint64 next,
    gint64 now_us)
{
  static const WzpPartial nothing = { 0 };
  guint64 end = MAX (self->heard_end, fragment->frame + 1);
  WzpPartialPlan plan;
  WzpReassemblyResult result = wzp_partial_plan (&nothing, fragment, &plan);
  guint ring_size;
  gssize growth;

  if (result != WZP_REASSEMBLY_TAKEN)
    return result;
  if (fragment->frame - next >= WZP_REASSEMBLY_MAX_AHEAD ||
      self->n_frames >= WZP_REASSEMBLY_MAX_FRAMES)
    return refuse (self, fragment->frame, now_us);

  ring_size = ring_size_for (self, MAX (end, next) - next);
  growth =
      (gssize) (ring_size - self->ring_size) * (gssize) sizeof (WzpPartial *);
  if (!has_room (self, growth + plan.growth + (gssize) sizeof nothing))
    return refuse (self, fragment->frame, now_us);

  if (growth > 0)
    resize_ring (self, ring_size);
  if (!self->has_taken) {
    self->has_taken = TRUE;
    self->taken_us = now_us;
  }
  if (next != self->next) {
    self->next = next;
    self->sign_frame = 0;
    find_sign (self);
  }
  charge (self, plan.growth);
  wzp_partial_apply (
      begin_frame (self, fragment->frame, now_us), fragment, &plan, now_us);
  return WZP_REASSEMBLY_TAKEN;
}

static WzpReassemblyResult
push_fragment (WzpReassembler *self, const WzpFragment *fragment, gint64 now_us)
{
  guint64 next = next_with (self, fragment->frame, now_us);
  WzpPartial *partial;
  WzpPartialPlan plan;
  WzpReassemblyResult result;

  if (fragment->frame < next)
    return WZP_REASSEMBLY_LATE;
  if (self->has_end && fragment->frame >= self->end)
    return WZP_REASSEMBLY_BAD;

  partial = lookup (self, fragment->frame);
  if (partial == NULL || next != self->next)
    return push_first (self, fragment, next, now_us);

  result = wzp_partial_plan (partial, fragment, &plan);
  if (result == WZP_REASSEMBLY_FULL ||
      (result == WZP_REASSEMBLY_TAKEN && !has_room (self, plan.growth)))
    return refuse (self, fragment->frame, now_us);
  if (result == WZP_REASSEMBLY_TAKEN) {
    if (plan.growth != 0)
      charge (self, plan.growth);
    wzp_partial_apply (partial, fragment, &plan, now_us);
  }
  return result;
}

WzpReassembler *
wzp_reassembler_new (WzpReassemblyBudget *budget)
{
  WzpReassembler *self;

  g_return_val_if_fail (budget != NULL, NULL);

  self = g_new0 (WzpReassembler, 1);
  self->budget = budget;
  self->hold_us = WZP_REASSEMBLY_HOLD_US;
  self->end_us = -1;
  return self;
}

void
wzp_reassembler_free (WzpReassembler *self)
{
  for (guint i = 0; i < self->ring_size; i++)
    if (self->ring[i] != NULL) {
      wzp_partial_clear (self->ring[i]);
      g_free (self->ring[i]);
    }
  while (self->spare != NULL) {
    WzpPartial *partial = self->spare;

    self->spare = partial->next_spare;
    g_free (partial);
  }
  self->budget->used -= self->used;
  g_free (self->ring);
  g_free (self);
}

void
wzp_reassembler_set_hold (WzpReassembler *self, gint64 hold_us)
{
  self->hold_us = CLAMP (hold_us, 0, WZP_REASSEMBLY_MAX_HOLD_US);
}

void
wzp_reassembler_set_join_late (WzpReassembler *self, gboolean join_late)
{
  self->join_late = join_late;
}

WzpReassemblyResult
wzp_reassembler_push (WzpReassembler *self, const WzpMediaHead *head,
    guint8 datagram_flags, const guint8 *payload, gsize len, gint64 now_us)
{
  WzpFragment fragment = {
    .frame = head->frame,
    .meta = head->is_start ? &head->meta : NULL,
    .offset = head->is_start ? 0 : head->offset,
    .is_end = (datagram_flags & WZP_DATAGRAM_FRAME_END) != 0,
    .payload = payload,
    .len = len,
  };
  WzpReassemblyResult result = push_fragment (self, &fragment, now_us);

  switch (result) {
    case WZP_REASSEMBLY_TAKEN:
      break;
    case WZP_REASSEMBLY_DUPLICATE:
      self->stats.fragments_duplicate++;
      break;
    case WZP_REASSEMBLY_LATE:
      self->stats.fragments_late++;
      break;
    case WZP_REASSEMBLY_BAD:
      self->stats.fragments_bad++;
      break;
    case WZP_REASSEMBLY_FULL:
      self->stats.fragments_full++;
      break;
  }
  return result;
}

void
wzp_reassembler_set_end (WzpReassembler *self, guint64 frame)
{
  if (frame < self->next)
    return;
  frame = MAX (frame, self->heard_end);
  if (self->has_end && self->end == frame)
    return;
  self->has_end = TRUE;
  self->end = frame;
  self->end_us = -1;
  if (self->refused_frame >= frame)
    self->has_refused = FALSE;
}

WzpFrame *
wzp_reassembler_pop (WzpReassembler *self, gint64 now_us, guint64 *ret_lost)
{
  if (self->has_end && self->end_us < 0)
    self->end_us = now_us;

  for (;;) {
    WzpPartial *head = lookup (self, self->next);
    gint64 deadline_us;

    if (head != NULL && wzp_partial_is_complete (head)) {
      if (ret_lost != NULL)
        *ret_lost = self->lost;
      return hand_out (self, head);
    }
    deadline_us = head_deadline (self);
    if (deadline_us < 0 || now_us < deadline_us)
      return NULL;
    give_up (self);
  }
}

gboolean
wzp_reassembler_is_ended (const WzpReassembler *self)
{
  return self->has_end && self->next >= self->end;
}

gint64
wzp_reassembler_get_deadline (const WzpReassembler *self)
{
  const WzpPartial *head = lookup (self, self->next);

  if (head != NULL && wzp_partial_is_complete (head))
    return -1;
  if (self->has_end && self->end_us < 0 && self->end > self->next)
    return 0;
  return head_deadline (self);
}

void
wzp_reassembler_get_stats (
    const WzpReassembler *self, WzpReassemblyStats *ret_stats)
{
  *ret_stats = self->stats;
}
