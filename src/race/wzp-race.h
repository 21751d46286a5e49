/* wzp-race: decides which of several connecting paths carries a call first.
 *
 *                 start()              a path is up, at step()
 *      IDLE ---------------> RACING -----------------> WON
 *                              |
 *                              |  both paths failed or timed out, at step()
 *                              +-------------------------> FAILED
 *
 * The result is revisable: after the relay has won, the direct attempt goes on
 * to its own limit, and a direct path that comes up later is told by
 * WZP_RACE_ACTION_DIRECT_LATE. After direct has won, the relay dial goes on as
 * warm standby when keep_relay, else it is aborted (and closed, when it was up
 * already). A relay that has won is never aborted: when direct comes late, the
 * owner says when nothing is sent on the relay any more.
 *
 * Rules (docs/protocol.md, "The race"), all times from start():
 *   - direct gives up after direct_timeout; the relay after relay_timeout
 *   - once direct has failed or timed out, the relay gets relay_grace more
 *     (a deadline of min (relay_timeout, that moment + relay_grace))
 *   - once the relay has failed or timed out, direct gets direct_grace more,
 *     within direct_timeout
 *   - both up in the same step: direct wins
 *   - Dialer: all candidates are dialled at once; the first success wins, the
 *     other dials are aborted; only when all have failed has direct failed
 *   - Acceptor: listens; the first accepted connection wins, further ones are
 *     refused (the answer of wzp_race_accept())
 *   - nothing to dial, or direct not allowed: relay only; an Acceptor still
 *     listens where direct is allowed. A path that was never begun shortens
 *     nobody's deadline, and counts as failed where both must have
 *   - both fail: one error that names both reasons
 *
 * A path that is up when its deadline is looked at is taken. A path that timed
 * out has done so at its deadline, however late the step that notices.
 *
 * Pure: events in, actions out, the time passed in (microseconds of any
 * monotonic clock; one that goes back is taken to stand still). Late or
 * repeated events are ignored. */
#pragma once

#include "wzp-candidate.h"
#include "wzp-control.h" /* WzpPath */
#include "wzp-error.h"
#include "wzp-role.h"

G_BEGIN_DECLS

#define WZP_RACE_MAX_DIALS      WZP_CANDIDATES_MAX
#define WZP_RACE_MAX_REASON     160u /* bytes kept of a dial's reason */
#define WZP_RACE_MAX_TIMEOUT_US (24 * 3600 * (gint64) G_USEC_PER_SEC)

typedef enum {
  WZP_RACE_IDLE,
  WZP_RACE_RACING,
  WZP_RACE_WON,
  WZP_RACE_FAILED,
} WzpRaceState;

typedef enum {
  WZP_DIAL_NONE,    /* never begun */
  WZP_DIAL_PENDING,
  WZP_DIAL_UP,
  WZP_DIAL_FAILED,
  WZP_DIAL_ABORTED, /* another one won, or time was up */
} WzpDialState;

const char *wzp_race_state_to_string (WzpRaceState state);
const char *wzp_dial_state_to_string (WzpDialState state);

typedef struct {
  WzpRole role;
  gboolean direct_allowed, relay_allowed;
  gboolean keep_relay;
  /* each is cut to 0 ... WZP_RACE_MAX_TIMEOUT_US */
  gint64 direct_timeout_us; /* 2 s */
  gint64 relay_timeout_us;  /* 10 s */
  gint64 relay_grace_us;    /* 5 s */
  gint64 direct_grace_us;   /* 1.5 s */
} WzpRaceConfig;

/* The defaults above; Dialer, both paths allowed, the relay kept. */
void wzp_race_config_init (WzpRaceConfig *ret_config);

typedef enum {
  WZP_RACE_ACTION_DIAL_RELAY,
  WZP_RACE_ACTION_DIAL,        /* index: which candidate */
  WZP_RACE_ACTION_LISTEN,
  WZP_RACE_ACTION_ABORT_DIAL,  /* index; it may be up by now */
  WZP_RACE_ACTION_ABORT_RELAY, /* it may be up by now */
  WZP_RACE_ACTION_STOP_LISTEN,
  WZP_RACE_ACTION_WON,         /* path, index (-1: relay or accepted) */
  WZP_RACE_ACTION_DIRECT_LATE, /* the relay had won; index as in WON */
  WZP_RACE_ACTION_DIRECT_GAVE_UP, /* the relay has won and no direct path will
                                   * come of this race; once; never where
                                   * direct is not allowed */
  WZP_RACE_ACTION_FAILED,      /* wzp_race_get_error() */
} WzpRaceActionType;

typedef struct {
  WzpRaceActionType type;
  int index;
  WzpPath path;
} WzpRaceAction;

typedef struct _WzpRace WzpRace;

WzpRace *wzp_race_new (const WzpRaceConfig *config);
void wzp_race_free (WzpRace *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRace, wzp_race_free)

/* @candidates: what the Dialer dials (an Acceptor leaves them); copied,
 * nullable: none. */
void wzp_race_start (
    WzpRace *self, const WzpCandidateList *candidates, gint64 now_us);
/* A candidate learnt during the race, until direct's own end; after all dials
 * had failed it begins the direct attempt anew. Its index, -1: full, known, not
 * a Dialer, or over. */
int wzp_race_add_candidate (
    WzpRace *self, const WzpCandidate *candidate, gint64 now_us);
void wzp_race_dial_up (WzpRace *self, int index, gint64 now_us);
/* @reason: nullable, for people; cut to WZP_RACE_MAX_REASON. An up dial fails
 * too, until the step that takes it. */
void wzp_race_dial_failed (
    WzpRace *self, int index, const char *reason, gint64 now_us);
/* An authenticated connection of the peer came in: TRUE: take it. */
gboolean wzp_race_accept (WzpRace *self, gint64 now_us);
void wzp_race_relay_up (WzpRace *self, gint64 now_us);
void wzp_race_relay_failed (
    WzpRace *self, const char *reason, gint64 now_us);

/* The next thing to do; FALSE: nothing more now. Decides: call it until FALSE
 * once all events of a main loop turn are in, and at the deadline. */
gboolean wzp_race_step (
    WzpRace *self, gint64 now_us, WzpRaceAction *ret_action);
/* When step() has something next: a time that is past already where events or
 * actions wait for it; -1: none. */
gint64 wzp_race_get_deadline (const WzpRace *self);

WzpRaceState wzp_race_get_state (const WzpRace *self);
WzpPath wzp_race_get_winner (const WzpRace *self); /* NONE unless WON */
/* FAILED only, else NULL. WZP_ERROR_TIMED_OUT when time was up for everything
 * that was tried, else WZP_ERROR_UNREACHABLE. */
const GError *wzp_race_get_error (const WzpRace *self);

/* For stats and people: */
guint wzp_race_get_n_dials (const WzpRace *self);
/* NULL: there is none of that index. */
const WzpCandidate *wzp_race_get_candidate (const WzpRace *self, guint index);
/* @ret_reason (nullable): why it failed or was aborted, or NULL; @ret_took_us
 * (nullable): from start to its end, -1 while pending. */
WzpDialState wzp_race_get_dial (const WzpRace *self, guint index,
    const char **ret_reason, gint64 *ret_took_us);
WzpDialState wzp_race_get_relay_dial (
    const WzpRace *self, const char **ret_reason, gint64 *ret_took_us);
/* The direct attempt as a whole: dialling or listening. */
WzpDialState wzp_race_get_direct (
    const WzpRace *self, const char **ret_reason, gint64 *ret_took_us);

G_END_DECLS
