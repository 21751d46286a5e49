#include "wzp-partial.h"

#include <string.h>

/* First allocation of a frame whose size is not known yet. */
#define MIN_ALLOCATION 4096u

static gboolean
meta_is_equal (const WzpFrameMeta *a, const WzpFrameMeta *b)
{
  return a->flags == b->flags && a->generation == b->generation &&
      a->size == b->size && a->pts == b->pts && a->dts == b->dts &&
      a->duration == b->duration;
}

/* The size that @fragment tells, when it tells one. */
static gboolean
tells_size (const WzpFragment *fragment, guint32 *ret_size)
{
  if (fragment->meta != NULL)
    *ret_size = fragment->meta->size;
  else if (fragment->is_end)
    *ret_size = fragment->offset + (guint32) fragment->len;
  else
    return FALSE;
  return TRUE;
}

/* What can be said without knowing the rest of the frame. */
static gboolean
fragment_is_valid (const WzpFragment *fragment)
{
  guint64 end = (guint64) fragment->offset + fragment->len;

  if (fragment->len > WZP_FRAME_SIZE_MAX || end > WZP_FRAME_SIZE_MAX)
    return FALSE;
  if (fragment->meta == NULL)
    return fragment->len > 0;
  return fragment->offset == 0 && fragment->meta->size <= WZP_FRAME_SIZE_MAX &&
      end <= fragment->meta->size &&
      (!fragment->is_end || end == fragment->meta->size);
}

static gsize
plan_allocation (const WzpPartial *self, const WzpPartialPlan *plan, gsize end)
{
  if (plan->has_size)
    return plan->size;
  if (end <= self->allocated)
    return self->allocated;
  return CLAMP (end * 2, MIN_ALLOCATION, WZP_FRAME_SIZE_MAX);
}

WzpReassemblyResult
wzp_partial_plan (const WzpPartial *self, const WzpFragment *fragment,
    WzpPartialPlan *ret_plan)
{
  guint32 end, told_size;
  gboolean is_news = FALSE;

  if (!fragment_is_valid (fragment))
    return WZP_REASSEMBLY_BAD;
  end = fragment->offset + (guint32) fragment->len;

  ret_plan->has_size = self->has_size;
  ret_plan->size = self->size;
  if (tells_size (fragment, &told_size)) {
    if (self->has_size ? told_size != self->size : told_size < self->reach)
      return WZP_REASSEMBLY_BAD;
    is_news = !self->has_size;
    ret_plan->has_size = TRUE;
    ret_plan->size = told_size;
  }
  if (ret_plan->has_size && end > ret_plan->size)
    return WZP_REASSEMBLY_BAD;
  if (fragment->meta != NULL) {
    if (self->has_meta && !meta_is_equal (fragment->meta, &self->meta))
      return WZP_REASSEMBLY_BAD;
    is_news |= !self->has_meta;
  }

  wzp_extents_find (&self->extents, fragment->offset, end, &ret_plan->place);
  if (ret_plan->place.is_known && !is_news)
    return WZP_REASSEMBLY_DUPLICATE;
  if (ret_plan->place.is_new &&
      self->extents.n_islands >= WZP_REASSEMBLY_MAX_INTERVALS)
    return WZP_REASSEMBLY_FULL;

  ret_plan->allocated = plan_allocation (self, ret_plan, end);
  ret_plan->growth = (gssize) ret_plan->allocated - (gssize) self->allocated +
      (gssize) wzp_extents_growth (&self->extents, &ret_plan->place);
  return WZP_REASSEMBLY_TAKEN;
}

void
wzp_partial_apply (WzpPartial *self, const WzpFragment *fragment,
    const WzpPartialPlan *plan, gint64 now_us)
{
  if (plan->allocated != self->allocated) {
    self->data = g_realloc (self->data, plan->allocated);
    self->allocated = plan->allocated;
  }
  self->has_size = plan->has_size;
  self->size = plan->size;
  if (fragment->meta != NULL && !self->has_meta) {
    self->meta = *fragment->meta;
    self->has_meta = TRUE;
  }

  if (!plan->place.is_known) {
    memcpy (self->data + fragment->offset, fragment->payload, fragment->len);
    wzp_extents_add (&self->extents, &plan->place);
    self->reach = MAX (self->reach, plan->place.extent.end);
  }
  self->last_us = now_us;
}

gboolean
wzp_partial_is_complete (const WzpPartial *self)
{
  return self->has_meta && self->extents.have == self->size;
}

gsize
wzp_partial_received (const WzpPartial *self)
{
  gsize received = self->extents.have;

  for (guint i = 0; i < self->extents.n_islands; i++)
    received += self->extents.islands[i].end - self->extents.islands[i].start;
  return received;
}

gsize
wzp_partial_footprint (const WzpPartial *self)
{
  return sizeof *self + self->allocated +
      wzp_extents_footprint (&self->extents);
}

WzpFrame *
wzp_partial_steal (WzpPartial *self)
{
  WzpFrame *frame =
      wzp_frame_new_take (g_steal_pointer (&self->data), self->size);

  frame->meta = self->meta;
  return frame;
}

void
wzp_partial_clear (WzpPartial *self)
{
  g_free (self->data);
  wzp_extents_clear (&self->extents);
  memset (self, 0, sizeof *self);
}
