/* wzp-extents: which bytes of a message or frame have come: a prefix, and
 * islands behind holes. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint32 start, end; /* [start, end) */
} WzpExtent;

/* All zero: nothing has come. */
typedef struct {
  guint32 have; /* bytes [0, have) are there */
  guint16 n_islands, max_islands;
  WzpExtent *islands; /* owned; sorted, apart from each other and the prefix */
} WzpExtents;

/* Where [start, end) goes; of wzp_extents_find(), valid until the next add. */
typedef struct {
  WzpExtent extent;  /* what is added; start is not below `have` */
  guint first, last; /* islands [first, last) are joined with it */
  gboolean is_known; /* every byte is there already */
  gboolean is_new;   /* a further island */
} WzpExtentsPlace;

/* @start <= @end. An empty extent is always known. */
void wzp_extents_find (const WzpExtents *self, guint32 start, guint32 end,
    WzpExtentsPlace *ret_place);
/* Bytes that adding at @place would allocate. */
gsize wzp_extents_growth (
    const WzpExtents *self, const WzpExtentsPlace *place);
void wzp_extents_add (WzpExtents *self, const WzpExtentsPlace *place);
/* Bytes allocated now. */
gsize wzp_extents_footprint (const WzpExtents *self);
void wzp_extents_clear (WzpExtents *self);

G_END_DECLS
