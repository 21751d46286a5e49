/* wzp-puncher: when to send which punch where, so that a direct connection can
 * be made through the NATs and firewalls of both sides; and when to try again.
 *
 * One for each side of a call. It sends punches (proto/wzp-punch) to the peer's
 * candidates, answers those that come, learns of candidates from where they
 * came from, and tells the Dialer when to dial what. Pure: time and events in,
 * actions out.
 *
 * A round
 *   - OPENER: at its start 2 packets with TTL 3 and 4 to each candidate that is
 *     not near: they make our own NAT expect the peer and die on the way. For
 *     there are routers that take a peer's packet which comes before we have
 *     sent any for one to themselves, and give us another port from then on.
 *   - FULL: then, until something direct is up, punches to the 8 best pairs at
 *     0, 33, 66, 133, 266, 533, 1000, 2000 and 3500 ms; in the first round the
 *     Dialer dials each at the first of them. To near candidates at once. To
 *     the others when the peer is known to have sent its openers, that is:
 *       - the Dialer hears the peer over the relay: it sends GO and begins half
 *         a round trip later; the Acceptor begins when GO comes;
 *       - or a punch comes;
 *       - or WZP_PUNCHER_OPENER_US have passed.
 *   - No two packets are less than 5 ms apart. ICMP errors mean nothing.
 *   - A punch that is authentic is answered. Where it came from is a candidate
 *     (peer-reflexive, if it was not listed): the Dialer dials it at once, and
 *     again if it was dialled before and nothing came.
 *
 * A NAT of the peer's that gives each new destination the next port in a row:
 * the peer says which will be next (wzp_puncher_expect_ports()), and the ports
 * from there get punches at 0, 133, 533 and 2000 ms, since one of them will be
 * ours. Behind such a NAT openers go before anything else, so that the
 * prediction holds, and more time is given to the peer to be told of it.
 *
 * Rounds: the first at start(); then, as long as nothing direct is up, 5, 10,
 * 20 and 40 s later and every 60 s +- 20 % from there. Anew from the beginning
 * when kicked: candidates of either side changed, the network did, the machine
 * slept, the direct path was lost; two rounds are never less than 2 s apart.
 * The Dialer begins them (GO over the relay); an Acceptor that wants one asks
 * for it by a GO of round 0. In these the Dialer dials only what it has heard.
 *
 * Fresh sockets, where they are allowed: the same ports again do not heal what
 * a router has got wrong about them.
 *   - The Dialer's: the third round and every second one after it. The round
 *     waits until there is one and the peer was told where it is seen, at most
 *     WZP_PUNCHER_FRESH_US.
 *   - The Acceptor's: some time after the second round, then after four times as
 *     many as before. The Dialer begins a round when it hears of the address.
 *   - In such a round all leaves by the fresh socket; what is sent to a place
 *     that the peer was heard from, by the one that heard it first.
 *
 * Limits: wzp-punch-budget, and the constants below. */
#pragma once

#include "wzp-nat.h"
#include "wzp-punch-budget.h"
#include "wzp-punch-targets.h"
#include "wzp-punch.h"
#include "wzp-role.h"

G_BEGIN_DECLS

#define WZP_PUNCHER_MAX_PAIRS     8u /* in a round */
#define WZP_PUNCHER_OPENER_TTL    3u /* of the first; then one more */
#define WZP_PUNCHER_OPENER_US     (175 * 1000)
#define WZP_PUNCHER_SEQUENTIAL_US (1500 * 1000) /* instead, the first time */
#define WZP_PUNCHER_SPACING_US    (5 * 1000)
/* Dials of one candidate in a round. */
#define WZP_PUNCHER_MAX_DIALS      4u
/* GO is sent so often, at 0, 40, 120 and 280 ms. */
#define WZP_PUNCHER_GO_COPIES      4u
#define WZP_PUNCHER_MIN_ROUND_US   (2 * G_USEC_PER_SEC)
/* A fresh socket is waited for so long. */
#define WZP_PUNCHER_FRESH_US (5 * G_USEC_PER_SEC)
/* A peer that hears of its address may ask for a round: it has just had it. */
#define WZP_PUNCHER_FRESH_ECHO_US (3 * G_USEC_PER_SEC)

typedef enum {
  WZP_PUNCHER_ACTION_SEND, /* punch, to addr, with ttl */
  WZP_PUNCHER_ACTION_DIAL, /* addr, of this type; the Dialer only */
  WZP_PUNCHER_ACTION_GO,   /* round: to the peer, over the relay */
  WZP_PUNCHER_ACTION_FRESH, /* a fresh socket, please; wzp_puncher_set_fresh()
                             * when it is there */
} WzpPuncherActionType;

typedef struct {
  WzpPuncherActionType type;
  WzpAddr addr;
  WzpCandidateType candidate;
  gboolean is_fresh; /* SEND, DIAL: by the last fresh socket */
  guint ttl; /* 0: as usual */
  WzpPunch punch;
  guint64 round; /* 0: a round, please */
} WzpPuncherAction;

typedef struct _WzpPuncher WzpPuncher;

/* @peer_is_open: the peer said that no NAT is in front of it: nothing is held
 * back for openers. @seed: of the +- 20 %. */
WzpPuncher *wzp_puncher_new (
    WzpRole role, gboolean peer_is_open, guint32 seed);
void wzp_puncher_free (WzpPuncher *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpPuncher, wzp_puncher_free)

/* Our own NAT gives ports in a row. Before the start. */
void wzp_puncher_set_sequential (WzpPuncher *self);
/* The peer's does, and @port is the next; then by @step (1 to
 * WZP_NAT_MAX_PORT_STEP, else it is ignored). */
void wzp_puncher_expect_ports (
    WzpPuncher *self, guint16 port, guint step, gint64 now_us);

/* The same, where ours gives ports in a row too: @port is where its next packet
 * will come from, and it will send it to the port of ours that it was told. */
void wzp_puncher_expect_port (
    WzpPuncher *self, guint16 port, gint64 now_us);
/* A fresh socket can be had. Before the start. */
void wzp_puncher_allow_fresh (WzpPuncher *self);
/* What ACTION_FRESH asked for is there, and the peer knows of it; or not to be
 * had: the next round is an ordinary one. */
void wzp_puncher_set_fresh (
    WzpPuncher *self, gboolean is_there, gint64 now_us);
/* How many places of the server-reflexive candidate's family something was sent
 * to: so many ports of ours are gone. */
guint wzp_puncher_count_used (const WzpPuncher *self);

/* Whether a dial of it is to wait for ACTION_DIAL. */
gboolean wzp_puncher_holds (
    const WzpPuncher *self, const WzpCandidate *candidate);

/* @candidates: nullable. */
void wzp_puncher_start (
    WzpPuncher *self, const WzpCandidateList *candidates, gint64 now_us);
/* The peer told of others: known ones stay, behind those that it tells of now.
 * TRUE: there were new ones (and a
 * round begins or is asked for). */
gboolean wzp_puncher_add_candidates (
    WzpPuncher *self, const WzpCandidateList *candidates, gint64 now_us);
/* Something of the peer's came over the relay: it has started, and GO can be
 * sent. Again and again. */
void wzp_puncher_relay_heard (WzpPuncher *self, gint64 now_us);
void wzp_puncher_relay_lost (WzpPuncher *self);
/* The round trip to the peer over the relay, as measured; 0: not known. */
void wzp_puncher_set_rtt (WzpPuncher *self, gint64 rtt_us);
/* A GO of the peer's. */
void wzp_puncher_take_go (WzpPuncher *self, guint64 round, gint64 now_us);
/* An authentic punch of the peer's from @from; @is_fresh: by the last fresh
 * socket. FALSE: it came before, or is our own: ignored. */
gboolean wzp_puncher_take_punch (WzpPuncher *self, const WzpPunch *punch,
    const WzpAddr *from, gboolean is_fresh, gint64 now_us);
/* A direct connection is up and in use (nothing is sent any more), or not. */
void wzp_puncher_set_direct (
    WzpPuncher *self, gboolean is_up, gint64 now_us);
/* Our own network changed, or the machine slept. */
void wzp_puncher_kick (WzpPuncher *self, gint64 now_us);

/* The next thing to do; FALSE: nothing more now. Call it until FALSE after any
 * of the above and at the deadline. */
gboolean wzp_puncher_step (
    WzpPuncher *self, gint64 now_us, WzpPuncherAction *ret_action);
gint64 wzp_puncher_get_deadline (const WzpPuncher *self); /* -1: none */

/* For stats and tests. */
typedef struct {
  guint64 sent, openers, answers; /* packets; sent: all of them */
  guint64 suppressed;             /* not sent: over a limit */
  guint64 heard, repeated;        /* authentic ones */
  guint64 rounds;                 /* begun here, or by GO */
  guint64 fresh_rounds;           /* of these by a fresh socket */
  guint n_reflexive;              /* peer-reflexive candidates known */
} WzpPuncherStats;
void wzp_puncher_get_stats (
    const WzpPuncher *self, WzpPuncherStats *ret_stats);

G_END_DECLS
