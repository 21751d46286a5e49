/* wzp-sent-frames: the frames that a call has sent by a path and that are not
 * known to have arrived, oldest first, so that another path can take them when
 * that one falls silent. References, no copies. Pure. */
#pragma once

#include "wzp-frame.h"

G_BEGIN_DECLS

/* Above either the oldest is forgotten; a larger frame is not kept at all. */
#define WZP_SENT_FRAMES_MAX   256u
#define WZP_SENT_FRAMES_BYTES (1024u * 1024u)

typedef struct {
  WzpFrame *frame; /* owned */
  guint64 flow, number;
  gint64 sent_us;  /* when its last datagram left; G_MAXINT64: not yet */
} WzpSentFrame;

typedef struct _WzpSentFrames WzpSentFrames;

/* Memory for them is taken when the first comes. */
WzpSentFrames *wzp_sent_frames_new (void);
void wzp_sent_frames_free (WzpSentFrames *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpSentFrames, wzp_sent_frames_free)

/* The first datagram of @frame (a reference is taken) left. */
void wzp_sent_frames_add (
    WzpSentFrames *self, guint64 flow, guint64 number, WzpFrame *frame);
/* The last datagram of the frame of @flow that was added last left. */
void wzp_sent_frames_end (WzpSentFrames *self, guint64 flow, gint64 now_us);
/* Those that were sent whole before @before_us have arrived. */
void wzp_sent_frames_forget (WzpSentFrames *self, gint64 before_us);
/* The frames of @flow are of no use any more. */
void wzp_sent_frames_forget_flow (WzpSentFrames *self, guint64 flow);
/* Takes the oldest out; FALSE: there is none. */
gboolean wzp_sent_frames_take (WzpSentFrames *self, WzpSentFrame *ret_sent);
void wzp_sent_frames_clear (WzpSentFrames *self);
guint wzp_sent_frames_get_count (const WzpSentFrames *self);
gsize wzp_sent_frames_get_bytes (const WzpSentFrames *self);

G_END_DECLS
