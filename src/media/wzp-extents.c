#include "wzp-extents.h"

#include <string.h>

#define FIRST_ISLANDS 8u

void
wzp_extents_find (const WzpExtents *self, guint32 start, guint32 end,
    WzpExtentsPlace *ret_place)
{
  guint first = self->n_islands;
  guint last = self->n_islands;

  ret_place->extent.start = MAX (start, self->have);
  ret_place->extent.end = end;
  ret_place->is_known = end <= self->have || start == end;
  ret_place->is_new = FALSE;
  if (self->n_islands > 0 && !ret_place->is_known) {
    start = ret_place->extent.start;
    /* From the back: what comes in order behind a hole extends the last. */
    while (last > 0 && self->islands[last - 1].start > end)
      last--;
    first = last;
    while (first > 0 && self->islands[first - 1].end >= start)
      first--;
    ret_place->is_known = last - first == 1 &&
        self->islands[first].start <= start && self->islands[first].end >= end;
  }
  ret_place->first = first;
  ret_place->last = last;
  if (!ret_place->is_known)
    ret_place->is_new = first == last && ret_place->extent.start > self->have;
}

gsize
wzp_extents_growth (const WzpExtents *self, const WzpExtentsPlace *place)
{
  if (!place->is_new || self->n_islands < self->max_islands)
    return 0;
  return MAX (FIRST_ISLANDS, self->max_islands) * sizeof (WzpExtent);
}

static void
remove_islands (WzpExtents *self, guint first, guint last)
{
  memmove (self->islands + first, self->islands + last,
      (self->n_islands - last) * sizeof (WzpExtent));
  self->n_islands -= last - first;
}

static void
insert_island (WzpExtents *self, const WzpExtentsPlace *place)
{
  if (self->n_islands == self->max_islands) {
    self->max_islands += MAX (FIRST_ISLANDS, self->max_islands);
    self->islands = g_renew (WzpExtent, self->islands, self->max_islands);
  }
  memmove (self->islands + place->first + 1, self->islands + place->first,
      (self->n_islands - place->first) * sizeof (WzpExtent));
  self->islands[place->first] = place->extent;
  self->n_islands++;
}

void
wzp_extents_add (WzpExtents *self, const WzpExtentsPlace *place)
{
  guint32 end = place->extent.end;
  WzpExtent *island;

  if (place->is_known)
    return;
  if (place->is_new) {
    insert_island (self, place);
    return;
  }

  if (place->last > place->first)
    end = MAX (end, self->islands[place->last - 1].end);
  if (place->extent.start == self->have) {
    self->have = end;
    if (place->last > place->first)
      remove_islands (self, place->first, place->last);
    return;
  }
  island = &self->islands[place->first];
  island->start = MIN (island->start, place->extent.start);
  island->end = end;
  remove_islands (self, place->first + 1, place->last);
}

gsize
wzp_extents_footprint (const WzpExtents *self)
{
  return self->max_islands * sizeof (WzpExtent);
}

void
wzp_extents_clear (WzpExtents *self)
{
  g_free (self->islands);
  memset (self, 0, sizeof *self);
}
