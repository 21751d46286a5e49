/* wzp-race-runner: opens the connections of a race and feeds WzpRace.
 *
 * Dials the candidates from the node's own endpoint, has the relay's room
 * dialled by its owner, is offered the connections that the node accepted, and
 * hands over what came up. The losers are closed with WZP_CLOSE_ABORTED.
 *
 *   runner = wzp_race_runner_new (endpoint, &config, &handler, call);
 *   wzp_race_runner_start (runner, &candidates);
 *   ... won() or failed(), once; then maybe direct_late() or direct_gave_up(),
 *       and relay_up()
 *   wzp_race_runner_free (runner);
 *
 * Lives in the endpoint's thread, as everything here. Any of its callbacks may
 * free it, except dial_relay(). */
#pragma once

#include "wzp-endpoint.h"
#include "wzp-race.h"

G_BEGIN_DECLS

typedef struct _WzpRaceRunner WzpRaceRunner;

typedef struct {
  WzpRaceConfig race;
  const char *call_id;    /* copied; names the direct connections */
  const guint8 *peer_key; /* WZP_PUBLIC_KEY_LEN, copied: who the peer must be */
  GMainContext *context;  /* the endpoint's; NULL: the thread's default one */
  /* Dials the call's room on the relay with @handler, as wzp_endpoint_dial()
   * does: a new reference, or NULL and an error; nothing is called from inside
   * it. NULL is right where race.relay_allowed is FALSE. */
  WzpConn *(*dial_relay) (WzpRaceRunner *runner, const WzpConnHandler *handler,
      gpointer handler_data, gpointer user_data, GError **error);
  /* nullable. TRUE: this candidate is not dialled before
   * wzp_race_runner_dial(). */
  gboolean (*holds) (WzpRaceRunner *runner, const WzpCandidate *candidate,
      gpointer user_data);
} WzpRaceRunnerConfig;

/* Each may be NULL. @conn (transfer full) is established and has no handler
 * any more: the callee sets its own at once. */
typedef struct {
  void (*won) (WzpRaceRunner *runner, WzpPath path, WzpConn *conn,
      gpointer user_data);
  /* The relay had won. Maybe of use from now on. */
  void (*direct_late) (
      WzpRaceRunner *runner, WzpConn *conn, gpointer user_data);
  /* The relay had won, and this race brings no direct path. */
  void (*direct_gave_up) (WzpRaceRunner *runner, gpointer user_data);
  /* Direct had won: the standby. */
  void (*relay_up) (
      WzpRaceRunner *runner, WzpConn *conn, gpointer user_data);
  /* Neither path came up; @error is WzpRace's. */
  void (*failed) (
      WzpRaceRunner *runner, const GError *error, gpointer user_data);
  /* For progress: some dial or the relay has another state; see
   * wzp_race_runner_get_race(). After the above where one of them goes with
   * it. */
  void (*dial_changed) (WzpRaceRunner *runner, gpointer user_data);
} WzpRaceRunnerHandler;

/* @handler: static. @config is copied. */
WzpRaceRunner *wzp_race_runner_new (WzpEndpoint *endpoint,
    const WzpRaceRunnerConfig *config, const WzpRaceRunnerHandler *handler,
    gpointer user_data);
/* Closes what was not handed over; nothing is called after. */
void wzp_race_runner_free (WzpRaceRunner *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRaceRunner, wzp_race_runner_free)

/* Nothing is called from inside this call. @candidates: nullable, filtered. */
void wzp_race_runner_start (
    WzpRaceRunner *self, const WzpCandidateList *candidates);
/* One more, filtered: FALSE: known, full, not a Dialer, or over. */
gboolean wzp_race_runner_add_candidate (
    WzpRaceRunner *self, const WzpCandidate *candidate);

/* The way to @candidate is open now: dials it if it was held back or is new;
 * once more if nothing has come back yet, since what was sent may have been lost
 * in front of a NAT (two dials of a candidate at most are under way, the first
 * that is up counts). FALSE: this race dials it no more (over, failed, full, or not
 * a Dialer's). Nothing is called from inside this call. */
gboolean wzp_race_runner_dial (
    WzpRaceRunner *self, const WzpCandidate *candidate);

/* Whether an accepted connection would be taken now. */
gboolean wzp_race_runner_is_listening (const WzpRaceRunner *self);
/* A connection that the node accepted, established, whose server name and peer
 * key are this call's. TRUE: taken, and won() or direct_late() was called with
 * a reference to it; FALSE: refuse it (not listening, one was taken already, or
 * it is closed). */
gboolean wzp_race_runner_offer_conn (WzpRaceRunner *self, WzpConn *conn);

const WzpRace *wzp_race_runner_get_race (const WzpRaceRunner *self);
/* How often a candidate (@index as in WzpRace; -1: the relay) was dialled;
 * @ret_us (nullable): when last, 0: not yet. */
guint wzp_race_runner_get_begun (
    const WzpRaceRunner *self, int index, gint64 *ret_us);

G_END_DECLS
