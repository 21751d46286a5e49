/* wzp-redial: when to try a lost connection again. Pure: the time and chance
 * are passed in.
 *
 * What stood and was lost is tried again at once: it may be back by then, or
 * have been another's mistake. All clients of a relay that restarts come at the
 * same moment, hence the spread. What comes up and is lost over and over is no
 * reason for haste: at once only so often. After that each wait is twice the
 * last. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "At once" is within so long. */
#define WZP_REDIAL_SPREAD_US      ((gint64) 100 * 1000)
#define WZP_REDIAL_QUICK_EVERY_US ((gint64) 5 * G_USEC_PER_SEC)
/* Losses within so long have one cause: a call, then its signalling. */
#define WZP_REDIAL_SAME_US        ((gint64) 500 * 1000)

/* All zero to begin with. */
typedef struct {
  guint n_waits;      /* since it last stood */
  gint64 quick_us;    /* when the first of the last "at once" was, */
  gboolean was_quick; /* if there was one */
} WzpRedial;

/* It stands: waits begin with the first again. */
void wzp_redial_up (WzpRedial *self);
/* What stood was lost, or a try failed. Return how long to wait, microseconds:
 * at most @max_us and a tenth. @first_us: of the first wait. */
gint64 wzp_redial_lost (WzpRedial *self, gint64 first_us, gint64 max_us,
    gint64 now_us, guint32 random);
gint64 wzp_redial_failed (
    WzpRedial *self, gint64 first_us, gint64 max_us, guint32 random);

G_END_DECLS
