/* wzp-reassembler: puts the frames of one received flow together again and
 * hands them out in order, each once.
 *
 * A frame that is missing or not whole is waited for until `hold` after the
 * first sign of a later one (a fragment of it, or set_end()), then it counts as
 * lost. With no sign of a later one, a frame that was begun is given up 4 hold
 * (200 ms at least) after its latest fragment, or 125 us per byte after that of
 * its first (which keeps a peer from holding memory by single bytes). When
 * three quarters of a flow's frames or of the call's bytes are in use, holes
 * are not waited for: a bound costs the hole, not what comes behind it.
 * A fragment that was FULL counts as a sign of its frame: a flow that went more
 * than _MAX_AHEAD ahead is taken up again after `hold`.
 *
 * Memory of a frame is allocated once, at its size, with its START; behind a
 * hole it grows, at most to double of what was heard of, until START or END
 * tells the size. All of it is charged to the budget when it is allocated, and
 * no flow holds more than four times what is left free. Pure; time is passed
 * in, microseconds of any monotonic clock, from 0. */
#pragma once

#include "wzp-frame.h"

G_BEGIN_DECLS

#define WZP_REASSEMBLY_MAX_BYTES     (64u * 1024u * 1024u) /* per call */
#define WZP_REASSEMBLY_MAX_FRAMES    4096u /* begun or waiting, per flow */
#define WZP_REASSEMBLY_MAX_INTERVALS 256u  /* holes in one frame */
#define WZP_REASSEMBLY_MAX_AHEAD     65536u /* frame numbers ahead of the next */
#define WZP_REASSEMBLY_HOLD_US       125000 /* before set_hold() */
#define WZP_REASSEMBLY_MAX_HOLD_US   (60 * G_USEC_PER_SEC)

/* Bytes held by all flows of one call. */
typedef struct {
  gsize used;
  gsize max; /* WZP_REASSEMBLY_MAX_BYTES by default */
} WzpReassemblyBudget;

typedef struct _WzpReassembler WzpReassembler;

typedef enum {
  WZP_REASSEMBLY_TAKEN,
  WZP_REASSEMBLY_DUPLICATE, /* every byte of it was there already */
  WZP_REASSEMBLY_LATE,      /* its frame was handed out or given up */
  WZP_REASSEMBLY_BAD,       /* contradicts an earlier fragment */
  WZP_REASSEMBLY_FULL,      /* over one of the bounds above */
} WzpReassemblyResult;

/* @budget: shared by the flows of one call, in one thread; must outlive. */
WzpReassembler *wzp_reassembler_new (WzpReassemblyBudget *budget);
void wzp_reassembler_free (WzpReassembler *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpReassembler, wzp_reassembler_free)

/* How long a gap is waited for, microseconds (brought into 0 to
 * WZP_REASSEMBLY_MAX_HOLD_US); may change at any time. */
void wzp_reassembler_set_hold (WzpReassembler *self, gint64 hold_us);
/* A late joiner: the first frame expected is the first one heard of (default
 * FALSE: frame 0). With TRUE, frames before the first one heard of are LATE
 * once `hold` has passed, or once a frame was handed out: that one is not held
 * back for them. Set it before the first push(). */
void wzp_reassembler_set_join_late (WzpReassembler *self, gboolean join_late);
/* Copies @len bytes of payload once, to their place in the frame. */
WzpReassemblyResult wzp_reassembler_push (WzpReassembler *self,
    const WzpMediaHead *head, guint8 datagram_flags, const guint8 *payload,
    gsize len, gint64 now_us);
/* No frame numbered @frame or later will come (FLOW_EOS); a fragment of one is
 * BAD. Lower than one already handed out: ignored; lower than one that has been
 * begun: the end is after that. */
void wzp_reassembler_set_end (WzpReassembler *self, guint64 frame);
/* The next frame in order (transfer full; wzp_frame_steal_data() works on it
 * unless its size is 0), or NULL: not there yet.
 * *ret_lost (nullable), set with a frame only: frames given up since the one
 * handed out before (mark DISCONT). */
WzpFrame *wzp_reassembler_pop (
    WzpReassembler *self, gint64 now_us, guint64 *ret_lost);
/* After set_end(): everything was handed out or given up. */
gboolean wzp_reassembler_is_ended (const WzpReassembler *self);
/* When pop() may have news by time alone (0: call it now); -1: not before a
 * push. Meaningful when pop() has returned NULL. */
gint64 wzp_reassembler_get_deadline (const WzpReassembler *self);

typedef struct {
  guint64 frames_out, frames_lost, fragments_duplicate, fragments_late,
      fragments_bad, fragments_full;
} WzpReassemblyStats;
void wzp_reassembler_get_stats (
    const WzpReassembler *self, WzpReassemblyStats *ret_stats);

G_END_DECLS
