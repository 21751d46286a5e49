/* wzp-plain-nominate: on which path each side of a call sends when the peer has
 * no control channel (a reference peer). No NOMINATE, no probes: each side
 * tells the other by MediaPathReport whether it has a direct connection, and
 * both follow one rule. Pure.
 *
 * Rules
 *   - Our report: direct_ok once a direct connection is up; not ok once the
 *     relay is up and the direct attempt is over, or the peer has said that it
 *     is not ok there. Until then nothing is sent and nothing told.
 *   - Nobody takes back a "not ok": ours or the peer's, it holds for the rest
 *     of the call. So it does not matter in which order reports arrive, and the
 *     two sides decide from the same two words.
 *   - Both ok: direct. Else the relay. The peer's word is waited for in any
 *     case: before it the peer may not be in the relay's room yet.
 *   - No report of the peer within WZP_PLAIN_NOMINATE_WAIT_US after ours: the
 *     relay if there is one, else direct. A report that comes later counts
 *     still.
 *   - Direct is lost later: not ok from then on, which the peer is told, and
 *     both go to the relay. The relay is lost later: direct, if it is up.
 *
 * With every report delivered, and both relay links up, both sides end on one
 * path. They can differ: for one way of the signalling while a report is under
 * way; and for good when a report "ok" never arrives, so that one side has both
 * words and goes direct, while the other waits in vain and stays on the relay;
 * or when one side's relay link is gone while the peer has given up direct, and
 * then there is no path that they could agree on. */
#pragma once

#include "wzp-control.h" /* WzpPath */

G_BEGIN_DECLS

#define WZP_PLAIN_NOMINATE_WAIT_US (3 * G_USEC_PER_SEC)

typedef struct _WzpPlainNominate WzpPlainNominate;

WzpPlainNominate *wzp_plain_nominate_new (void);
void wzp_plain_nominate_free (WzpPlainNominate *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpPlainNominate, wzp_plain_nominate_free)

/* Whether the race may still bring a direct connection, or a relay link that
 * was never up; at first both. */
void wzp_plain_nominate_set_pending (
    WzpPlainNominate *self, gboolean direct, gboolean relay);
/* A link of @path was made, or is gone. Repeated ones are ignored. */
void wzp_plain_nominate_path_up (WzpPlainNominate *self, WzpPath path);
void wzp_plain_nominate_path_down (WzpPlainNominate *self, WzpPath path);
/* The peer's MediaPathReport. */
void wzp_plain_nominate_receive (WzpPlainNominate *self, gboolean direct_ok);

typedef enum {
  WZP_PLAIN_NOMINATE_ACTION_REPORT,  /* direct_ok: tell the peer */
  WZP_PLAIN_NOMINATE_ACTION_CHANGED, /* old_path, path: what we send on */
} WzpPlainNominateActionType;

typedef struct {
  WzpPlainNominateActionType type;
  gboolean direct_ok;
  WzpPath path, old_path;
} WzpPlainNominateAction;

/* The next thing to do; FALSE: nothing more now. Call it until FALSE after any
 * of the above and at the deadline. */
gboolean wzp_plain_nominate_step (WzpPlainNominate *self, gint64 now_us,
    WzpPlainNominateAction *ret_action);
gint64 wzp_plain_nominate_get_deadline (const WzpPlainNominate *self); /* -1 */

/* Our last report, to tell it again where it may have been lost; FALSE: none
 * yet. */
gboolean wzp_plain_nominate_get_report (
    const WzpPlainNominate *self, gboolean *ret_direct_ok);

G_END_DECLS
