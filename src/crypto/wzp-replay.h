/* wzp-replay: which numbers were seen, over a sliding window. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_REPLAY_WINDOW 16384u /* numbers; older ones count as seen */

typedef struct _WzpReplay WzpReplay;

WzpReplay *wzp_replay_new (void);
void wzp_replay_free (WzpReplay *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpReplay, wzp_replay_free)
gboolean wzp_replay_was_seen (const WzpReplay *self, guint64 number);
/* Only for numbers that came with an authentic datagram: a high one moves the
 * window. */
void wzp_replay_mark (WzpReplay *self, guint64 number);
guint64 wzp_replay_highest (const WzpReplay *self); /* 0 when none was */

G_END_DECLS
