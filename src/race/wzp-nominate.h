/* wzp-nominate: on which path each side of a call sends, so that both agree.
 *
 * One writer: the Dialer nominates, NOMINATE(epoch, n, path) over the call's
 * control channel; the Acceptor follows and answers NOMINATE_ACK. The higher
 * (epoch, n) wins; duplicates and old ones are harmless. Receivers accept media
 * from every live path, so a disagreement lasts one one-way delay and loses
 * nothing. Pure.
 *
 * Rules
 *   - A path is *heard* when anything authentic of the peer came by it within
 *     WZP_NOMINATE_FRESH; *proved* when a PROBE padded to 1200 bytes was
 *     answered on it (PROBE_ACK, padded the same) within that time. A direct
 *     connection counts as heard from its handshake on.
 *   - The first path that is heard carries media at once: the Dialer nominates
 *     it, the Acceptor sends on it provisionally until a NOMINATE comes.
 *   - The Dialer moves to direct once direct is proved and it is not held
 *     down; it moves to the relay when direct is down or dead and the relay is
 *     up (heard or not: it is all there is).
 *   - From its NOMINATE (Dialer) or its arrival (Acceptor) a side sends on the
 *     new path; until NOMINATE_ACK + 1 RTT (Dialer), or 1 RTT (Acceptor), it
 *     duplicates on the old path while that is up.
 *   - SUSPECT: media is unacknowledged for max (2 PTO, 150 ms): the side
 *     duplicates on the other path at once; the Acceptor also tells SUSPECT.
 *     DEAD: 5 PTO or 1 s, or a local send error, or the connection closed.
 *   - After a path died it must answer WZP_NOMINATE_BACK_PROBES probes over
 *     2 s and sit out a hold-down of 2, 4, 8 ... 60 s before it is nominated.
 *   - An Acceptor whose current path goes down sends on the other live path
 *     provisionally until the next NOMINATE.
 */
#pragma once

#include "wzp-control.h"
#include "wzp-role.h"

G_BEGIN_DECLS

#define WZP_NOMINATE_FRESH_US       (G_USEC_PER_SEC)
#define WZP_NOMINATE_SUSPECT_MIN_US (150 * 1000)
#define WZP_NOMINATE_DEAD_MIN_US    (G_USEC_PER_SEC)
#define WZP_NOMINATE_PROOF_SIZE     1200u /* bytes of datagram text */
#define WZP_NOMINATE_BACK_PROBES    10u
#define WZP_NOMINATE_HOLD_MAX_US    (60 * G_USEC_PER_SEC)

typedef struct _WzpNominate WzpNominate;

typedef enum {
  WZP_NOMINATE_ACTION_SEND,      /* control: over the reliable channel */
  WZP_NOMINATE_ACTION_PROBE,     /* path, seq, padded: PROBE on that path */
  WZP_NOMINATE_ACTION_PROBE_ACK, /* path, seq, padded */
  WZP_NOMINATE_ACTION_CHANGED,   /* old_path, path: what we send on changed */
} WzpNominateActionType;

typedef struct {
  WzpNominateActionType type;
  WzpControl control; /* SEND: NOMINATE, NOMINATE_ACK or SUSPECT (no strings) */
  WzpPath path, old_path;
  guint64 seq;
  gboolean padded;
} WzpNominateAction;

WzpNominate *wzp_nominate_new (WzpRole role);
void wzp_nominate_free (WzpNominate *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpNominate, wzp_nominate_free)

void wzp_nominate_path_up (WzpNominate *self, WzpPath path, gint64 now_us);
void wzp_nominate_path_down (WzpNominate *self, WzpPath path, gint64 now_us);
/* Anything authentic of the peer came by @path. */
void wzp_nominate_heard (WzpNominate *self, WzpPath path, gint64 now_us);
/* PROBE, PROBE_ACK (from @path), NOMINATE, NOMINATE_ACK, SUSPECT (any path:
 * WZP_PATH_NONE). @len: bytes of the datagram it came in. Others are ignored. */
void wzp_nominate_receive (WzpNominate *self, const WzpControl *control,
    WzpPath path, gsize len, gint64 now_us);
/* Health of a path, from its connection, a few times a second and at each
 * timer: @unacked_us: age of the oldest unacknowledged datagram, 0: none. */
void wzp_nominate_sample (WzpNominate *self, WzpPath path, gint64 srtt_us,
    gint64 pto_us, gint64 unacked_us, gint64 now_us);

gboolean wzp_nominate_step (
    WzpNominate *self, gint64 now_us, WzpNominateAction *ret_action);
gint64 wzp_nominate_get_deadline (const WzpNominate *self);

/* Where to send media now; NONE: hold it. */
WzpPath wzp_nominate_get_path (const WzpNominate *self);
/* Where to send a second copy; NONE: nowhere. */
WzpPath wzp_nominate_get_duplicate (const WzpNominate *self);
gboolean wzp_nominate_is_proved (
    const WzpNominate *self, WzpPath path, gint64 now_us);

G_END_DECLS
