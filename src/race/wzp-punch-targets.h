/* wzp-punch-targets: where punches go: what the peer listed, what was learnt
 * from where its punches came, what its NAT should give next. Bounded. Pure; a
 * part of wzp-puncher. */
#pragma once

#include "wzp-candidate.h"

G_BEGIN_DECLS

#define WZP_PUNCH_NEVER ((gint64) -1)
/* The earlier of two times, either of which may be NEVER. */
gint64 wzp_punch_earlier (gint64 a, gint64 b);

#define WZP_PUNCHER_TIMES         9u /* of FULL */
#define WZP_PUNCHER_BRIEF_TIMES   6u /* in rounds after the first */
#define WZP_PUNCHER_OPENERS       2u /* to a candidate, a round */
/* The second dial of a candidate in a round comes no sooner than this, each
 * other one after three times as long. */
#define WZP_PUNCHER_REDIAL_US     (100 * 1000)
#define WZP_PUNCHER_MAX_REFLEXIVE 8u /* peer-reflexive candidates kept, and
                                      * learnt in a minute */
#define WZP_PUNCHER_MAX_PREDICTED 6u /* ports */
#define WZP_PUNCHER_MAX_TARGETS                                               \
  (WZP_CANDIDATES_MAX + WZP_PUNCHER_MAX_REFLEXIVE + WZP_PUNCHER_MAX_PREDICTED)

/* All times may be WZP_PUNCH_NEVER. */
typedef struct {
  WzpCandidate candidate;
  gboolean is_far;  /* openers, and waiting for the peer's */
  gboolean is_predicted;
  gboolean is_used; /* something was sent there */
  gboolean is_past; /* listed, and not in the peer's last list any more */
  gboolean is_brief; /* a round that goes together with the peer's */
  gboolean is_fresh; /* by the fresh socket */
  gint64 opener_us; /* when the next opener is due */
  guint openers;    /* sent in this round */
  gint64 full_us;   /* when FULL begins or began: it has a place in the round */
  guint n_full;     /* of its times are past */
  gint64 heard_us;  /* last */
  gboolean wants_answer, wants_dial;
  guint dials;       /* in this round */
  gint64 dialled_us; /* last */
} WzpPunchTarget;

typedef struct {
  WzpPunchTarget items[WZP_PUNCHER_MAX_TARGETS];
  guint n;
  gboolean peer_is_open; /* then none is far */
  gint64 learnt_us[WZP_PUNCHER_MAX_REFLEXIVE]; /* a ring */
  guint next_learnt;
} WzpPunchTargets;

/* Out in the Internet, and not known to be of the peer's own interface. */
gboolean wzp_punch_candidate_is_far (const WzpCandidate *candidate);

void wzp_punch_targets_init (WzpPunchTargets *self, gboolean peer_is_open);
WzpPunchTarget *wzp_punch_targets_find (
    WzpPunchTargets *self, const WzpAddr *addr);
/* One that is not there yet; in the place of the one of its kind (listed,
 * learnt, predicted) that is past or was heard longest ago when there are too
 * many. */
WzpPunchTarget *wzp_punch_targets_add (WzpPunchTargets *self,
    const WzpCandidate *candidate, gboolean is_predicted);
/* What the peer lists now is all that it lists: others stand back. */
void wzp_punch_targets_age (
    WzpPunchTargets *self, const WzpCandidateList *listed);
/* A source that nobody listed: at most so many a minute, since an address that
 * a packet bears may be anybody's. NULL: one too many. */
WzpPunchTarget *wzp_punch_targets_learn (
    WzpPunchTargets *self, const WzpAddr *from, gint64 now_us);
guint wzp_punch_targets_count_reflexive (const WzpPunchTargets *self);
/* Those with a place in the round; and the best of the others, or NULL. Past
 * ones that were never heard have none. */
guint wzp_punch_targets_count_active (const WzpPunchTargets *self);
WzpPunchTarget *wzp_punch_targets_pick (WzpPunchTargets *self);

void wzp_punch_target_begin (WzpPunchTarget *target, gint64 at_us);
/* When its next punch of FULL is due; NEVER: it has had all. */
gint64 wzp_punch_target_next (const WzpPunchTarget *target);
/* When it is to be dialled, NEVER: not. Later and later: an answer to the last
 * dial may be under way. */
gint64 wzp_punch_target_dial_due (const WzpPunchTarget *target);
/* The target whose turn it is first, with whatever is due there; NULL: none. */
WzpPunchTarget *wzp_punch_targets_first_due (
    const WzpPunchTargets *self, gint64 *ret_due_us);
/* The server-reflexive candidate; NULL: none is listed. */
const WzpPunchTarget *wzp_punch_targets_find_reflexive (
    const WzpPunchTargets *self);

G_END_DECLS
