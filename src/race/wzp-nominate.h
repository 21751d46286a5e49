/* wzp-nominate: on which path each side of a call sends, so that both agree.
 *
 * One writer: the Dialer nominates, NOMINATE(epoch, n, path) over the call's
 * control channel; the Acceptor follows and answers NOMINATE_ACK. The higher
 * (epoch, n) wins; duplicates and old ones are harmless. Receivers accept media
 * from every live path, so a disagreement lasts one one-way delay and loses
 * nothing. Pure.
 *
 * Rules
 *   - A path is *heard* once anything authentic of the peer came by it; a
 *     direct connection from its handshake on. It is *proved* when a padded
 *     PROBE was answered on it within WZP_NOMINATE_FRESH and, since the path is
 *     up, something of that size of the peer's has come by it: so large
 *     packets pass both ways. (Both sides probe padded, so PROBE_ACK is not.)
 *   - The first path that is heard carries media at once, provisionally, until
 *     there is a nomination; both at once: direct, duplicated on the relay.
 *   - The Dialer's first nomination: direct once that is proved, or the relay
 *     once that is heard and no direct path is *on trial*: up for less than
 *     max (2 PTO, 150 ms) and not proved yet. Where that relay is dead by then,
 *     direct all the same.
 *   - The Dialer moves to direct once direct is proved, not suspect and not
 *     held down, unless the relay is better; it moves to the relay when direct
 *     is down, or is dead while the relay is not; and from a relay that is down
 *     or dead to a direct path that is not, proved or held down or not, and
 *     back once the relay lives if direct was not proved within 1 s; and to a
 *     relay that is better for 2 s and not suspect in all that time, 5 s after
 *     the last nomination at the earliest, which counts as a death of direct.
 *     Never otherwise. Better: heard, and its score (wzp-path-score.h) is, by
 *     the margin; a path that was not rated, or whose round trip was not
 *     measured, or that is up for less than 2 s, has none.
 *   - From its NOMINATE (Dialer) or its arrival (Acceptor) a side sends on the
 *     new path; until NOMINATE_ACK + 1 RTT (Dialer), or 1 RTT (Acceptor), it
 *     duplicates on the old path while that is up.
 *   - NOMINATE of a path that is not up at the Acceptor: it is remembered,
 *     followed and acknowledged when the path comes up; the Dialer duplicates
 *     until then. A NOMINATE that stays unacknowledged is sent again, the same,
 *     after 0.3, 0.6, 1.2 ... 30 s: so one that the control channel refused is
 *     not lost.
 *   - SUSPECT: in the path in use a datagram is unacknowledged, or a probe
 *     unanswered, for max (2 PTO, 150 ms), or the peer told SUSPECT of it and
 *     no probe sent since was answered. Such a side duplicates on the other
 *     path at once and probes both; what it sees itself it tells the peer, who
 *     may not see it: SUSPECT, again after 0.2, 0.4, 0.8 ... 16 s. (The
 *     Acceptor also of a nominated path that went down.)
 *     DEAD: a datagram unacknowledged, or a probe unanswered and at least 5 of
 *     them, for max (5 PTO, 1 s), the latter only where nothing was heard for
 *     as long, or the peer told SUSPECT; or a local send error (a sample of
 *     WZP_NOMINATE_SEND_ERROR), or the connection closed (path_down).
 *     A PTO here is at least 1.5 round trips of the probes, at most 1 s. On
 *     direct probes do not count while the samples show acknowledgements: there
 *     they are the peer's own. (On the relay path they are the relay's.)
 *   - After direct died in use it must answer WZP_NOMINATE_BACK_PROBES probes
 *     over 2 s and then sit out a hold-down of 2, 4, 8 ... 60 s before it is
 *     nominated while the relay lives; 60 s in use without dying start that
 *     anew at 2. The relay is never held down: it is what is fallen back to.
 *   - An Acceptor whose current path goes down sends on the other live path
 *     provisionally, until the next NOMINATE or until the path is back.
 *   - Probes: a path that is up and not yet proved (and on the Dialer a direct
 *     path it may move to): at 0, 20, 50, 100, 200 ms after it came up or was
 *     first heard, then every 500 ms. The path in use: every second while
 *     nothing was heard for 500 ms, every 200 ms while suspect. A dead direct
 *     path: every second, every 200 ms once it answers. Standby: every 5 s,
 *     every second while unanswered, every 200 ms while the path in use is
 *     suspect, or (Dialer) the relay seems to be better than that. Direct that
 *     is not moved to as the relay is better: every second. */
#pragma once

#include "wzp-control.h"
#include "wzp-role.h"

G_BEGIN_DECLS

#define WZP_NOMINATE_FRESH_US       (G_USEC_PER_SEC)
#define WZP_NOMINATE_SUSPECT_MIN_US (150 * 1000)
#define WZP_NOMINATE_DEAD_MIN_US    (G_USEC_PER_SEC)
/* Bytes of datagram: what fits any QUIC path (1200 bytes of UDP payload, RFC
 * 9000, section 14) less 80 for packet and frame overhead. */
#define WZP_NOMINATE_PROOF_SIZE     1120u
/* The same without prefix and seal: bytes of the PROBE's text. */
#define WZP_NOMINATE_PROOF_TEXT                                               \
  (WZP_NOMINATE_PROOF_SIZE - WZP_DATAGRAM_MAX_PREFIX - 16u)
#define WZP_NOMINATE_PROOF_US       (G_USEC_PER_SEC)
#define WZP_NOMINATE_BACK_PROBES    10u
#define WZP_NOMINATE_HOLD_MAX_US    (60 * G_USEC_PER_SEC)
#define WZP_NOMINATE_RESEND_MIN_US  (300 * 1000)
#define WZP_NOMINATE_RESEND_MAX_US  (30 * G_USEC_PER_SEC)
#define WZP_NOMINATE_ACCUSE_MIN_US  (200 * 1000)
#define WZP_NOMINATE_ACCUSE_MAX_US  (16 * G_USEC_PER_SEC)
#define WZP_NOMINATE_MAX_ANSWERS    16u /* PROBEs waiting for step(); more are
                                         * dropped */
#define WZP_NOMINATE_SEND_ERROR     G_MAXINT64 /* as @unacked_us */

typedef struct _WzpNominate WzpNominate;

typedef enum {
  WZP_NOMINATE_ACTION_SEND,      /* control: over the reliable channel */
  WZP_NOMINATE_ACTION_PROBE,     /* control, in a datagram of its own on path */
  WZP_NOMINATE_ACTION_PROBE_ACK, /* the same */
  WZP_NOMINATE_ACTION_CHANGED,   /* old_path, path: what we send on changed */
} WzpNominateActionType;

/* Why what we send on changed. */
typedef enum {
  WZP_NOMINATE_WHY_HEARD,  /* the peer was heard by it, or must be there */
  WZP_NOMINATE_WHY_LOST,   /* the old one's connection is gone */
  WZP_NOMINATE_WHY_SILENT, /* the old one did not answer; why_us: for how long,
                            * WZP_NOMINATE_SEND_ERROR: it cannot be sent */
  WZP_NOMINATE_WHY_PEER,   /* Acceptor: it was nominated; why_us: how long the
                            * old one did not answer, 0: it did */
  WZP_NOMINATE_WHY_PROVED, /* full-size packets pass; why_us: by how much its
                            * round trip is shorter, may be negative */
  WZP_NOMINATE_WHY_BETTER, /* Dialer: by its score; why_us: by how much */
} WzpNominateWhy;

typedef struct {
  WzpNominateActionType type;
  WzpControl control; /* all but CHANGED: what to write (no strings); with its
                       * padding a padded PROBE is WZP_NOMINATE_PROOF_TEXT */
  WzpPath path, old_path;
  guint64 seq;
  gboolean padded;    /* PROBE only */
  WzpNominateWhy why; /* CHANGED only, as the next */
  gint64 why_us;
} WzpNominateAction;

/* Epoch 1. */
WzpNominate *wzp_nominate_new (WzpRole role);
void wzp_nominate_free (WzpNominate *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpNominate, wzp_nominate_free)

/* For a call that was established anew while the peer may still hold what an
 * earlier object nominated: a number above the earlier one's, 1 to
 * WZP_VARINT_MAX, before any other call. An Acceptor takes it as the lowest
 * epoch that it still follows. */
void wzp_nominate_set_epoch (WzpNominate *self, guint64 epoch);

/* On a path that is up: another connection took its place (no death, but its
 * proof begins anew). */
void wzp_nominate_path_up (WzpNominate *self, WzpPath path, gint64 now_us);
void wzp_nominate_path_down (WzpNominate *self, WzpPath path, gint64 now_us);
/* Anything authentic of the peer (not of the relay) came by @path. */
void wzp_nominate_heard (WzpNominate *self, WzpPath path, gint64 now_us);
/* The peer is there by the relay path, as the relay's signalling says: where
 * that is up it counts as heard. */
void wzp_nominate_expect_relay (WzpNominate *self, gint64 now_us);
/* PROBE, PROBE_ACK (from @path, which must be the one named in it), NOMINATE,
 * NOMINATE_ACK, SUSPECT (any path: WZP_PATH_NONE). @len: bytes of the datagram
 * or of the text it came in. Others, and what does not fit the role, are
 * ignored. */
void wzp_nominate_receive (WzpNominate *self, const WzpControl *control,
    WzpPath path, gsize len, gint64 now_us);
/* Health of a path, from its connection, a few times a second and at each
 * timer: @unacked_us: age of the oldest unacknowledged datagram, 0: none. */
void wzp_nominate_sample (WzpNominate *self, WzpPath path, gint64 srtt_us,
    gint64 pto_us, gint64 unacked_us, gint64 now_us);

/* How good @path is beyond its round trip, from time to time, e.g. with each
 * sample; until then, and again after path_up, it has no score. @rttvar_us, of
 * the whole path: at most 1 s counts. @loss: 0 to 1, of datagrams. */
void wzp_nominate_rate (WzpNominate *self, WzpPath path, gint64 rttvar_us,
    double loss, gboolean is_ipv6, gint64 now_us);

/* The next thing to do; FALSE: nothing more now. Call it until FALSE after any
 * of the above and at the deadline. */
gboolean wzp_nominate_step (
    WzpNominate *self, gint64 now_us, WzpNominateAction *ret_action);
/* When step() has something next: a time that is past already where something
 * waits for it; -1: none. */
gint64 wzp_nominate_get_deadline (const WzpNominate *self);

/* Where to send media now; NONE: hold it. */
WzpPath wzp_nominate_get_path (const WzpNominate *self);
/* Where to send a second copy; NONE: nowhere. */
WzpPath wzp_nominate_get_duplicate (const WzpNominate *self);
gboolean wzp_nominate_is_proved (
    const WzpNominate *self, WzpPath path, gint64 now_us);
/* For stats, as what follows: wzp_path_health_is_suspect(), _is_dead() and
 * _silence() of a path. */
gboolean wzp_nominate_is_suspect (
    const WzpNominate *self, WzpPath path, gint64 now_us);
gboolean wzp_nominate_is_dead (
    const WzpNominate *self, WzpPath path, gint64 now_us);
gint64 wzp_nominate_get_silence_us (
    const WzpNominate *self, WzpPath path, gint64 now_us);
/* How long @path may leave something unacknowledged before it is suspect. */
gint64 wzp_nominate_get_patience_us (const WzpNominate *self, WzpPath path);
/* Up for WZP_NOMINATE_PROOF_US, and never proved, by the latest time that was
 * passed in. */
gboolean wzp_nominate_is_proof_overdue (
    const WzpNominate *self, WzpPath path);

/* What was nominated last (NONE: nothing yet). @ret_epoch, @ret_n:
 * nullable. @ret_acked (nullable): the Acceptor follows (Dialer), or was told
 * that we do (Acceptor). */
WzpPath wzp_nominate_get_nominated (const WzpNominate *self,
    guint64 *ret_epoch, guint64 *ret_n, gboolean *ret_acked);

G_END_DECLS
