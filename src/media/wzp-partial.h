/* wzp-partial: one frame while it is put together; a part of wzp-reassembler,
 * which keeps many of them and the bounds that they share.
 *
 * A fragment is planned first, which checks it and changes nothing, then
 * applied, which cannot fail. Pure. */
#pragma once

#include "wzp-extents.h"
#include "wzp-reassembler.h"

G_BEGIN_DECLS

typedef struct {
  guint64 frame;
  const WzpFrameMeta *meta; /* NULL: not the start */
  guint32 offset;
  gboolean is_end;
  const guint8 *payload;
  gsize len;
} WzpFragment;

typedef struct _WzpPartial WzpPartial;
struct _WzpPartial {
  guint64 number;
  gint64 first_us, last_us; /* when its first and latest new bytes came */
  gboolean is_record;       /* no later frame had been heard of when it began */
  gboolean has_meta, has_size;
  WzpFrameMeta meta;  /* with has_meta */
  guint32 size;       /* with has_size */
  guint32 reach;      /* the farthest end of a fragment */
  WzpExtents extents; /* what has come */
  guint8 *data;       /* owned; of allocated bytes, exactly size with has_size */
  gsize allocated;
  WzpPartial *next_spare;
};

typedef struct {
  WzpExtentsPlace place;
  gboolean has_size;
  guint32 size;
  gsize allocated;
  gssize growth; /* bytes that applying it allocates (below 0: frees) */
} WzpPartialPlan;

/* @self: all zero before the first fragment. Returns what pushing @fragment
 * gives; *ret_plan is set with TAKEN only. */
WzpReassemblyResult wzp_partial_plan (const WzpPartial *self,
    const WzpFragment *fragment, WzpPartialPlan *ret_plan);
void wzp_partial_apply (WzpPartial *self, const WzpFragment *fragment,
    const WzpPartialPlan *plan, gint64 now_us);
gboolean wzp_partial_is_complete (const WzpPartial *self);
/* Bytes of it that have come. */
gsize wzp_partial_received (const WzpPartial *self);
/* Bytes allocated for it, itself included. */
gsize wzp_partial_footprint (const WzpPartial *self);
/* The complete frame (transfer full); leaves no data behind. */
WzpFrame *wzp_partial_steal (WzpPartial *self);
/* Frees what it holds and makes it all zero. */
void wzp_partial_clear (WzpPartial *self);

G_END_DECLS
