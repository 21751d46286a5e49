/* wzp-call-record: what a relay knows of one call, and the messages it makes
 * of it. For wzp-registry.
 *
 *   PENDING -> RINGING -> ACTIVE -> (removed)
 *      \_________________/
 *
 * A party is here (registered with this relay) or remote (with the relay that
 * a link leads to). Of a remote callee it is not known at first which relay
 * that is: the links that were asked and have not said no are in `asked`.
 *
 * This is where the privacy of a call is kept: the relay never passes on an
 * address to a party but in CallSetup, in an answer and in CandidateUpdate, and
 * with AcceptGeneric in none of them, whatever it was sent, and by whom: a
 * client or another relay. The callee's relay gets the caller's addresses (it
 * makes the callee's CallSetup), the caller's relay none before the callee
 * accepts as trusted. With AcceptGeneric the record forgets those it has.
 *
 *   message, state                       addresses of the sender go to
 *   offer                                the callee's relay
 *   CandidateUpdate of the caller before ACTIVE   the callee's relay
 *   CandidateUpdate of the callee before ACTIVE   nobody
 *   answer, CallSetup, CandidateUpdate, trusted   the other party
 *   the same, generic                    nobody
 *
 * Pure. */
#pragma once

#include "wzp-deadlines.h"
#include "wzp-message.h"

G_BEGIN_DECLS

#define WZP_CALL_RECORD_MAX_ADDRS 16u /* local addresses kept of one side */

typedef enum {
  WZP_CALL_NONE, /* there is no such call */
  WZP_CALL_PENDING,
  WZP_CALL_RINGING,
  WZP_CALL_ACTIVE,
} WzpCallState;

typedef enum {
  WZP_CALL_CALLER,
  WZP_CALL_CALLEE,
} WzpCallSide;

typedef struct {
  char *id; /* owned */
  WzpCallState state;
  WzpAcceptMode mode;   /* ACTIVE */
  WzpDeadline timeout;  /* until ACTIVE */
  guint32 asked;        /* a bit for each link asked for the callee */
  /* What the caller hears when all of them have said no. */
  WzpHangupReason no_reason;
  const char *no_detail; /* static, nullable */

  /* by WzpCallSide */
  WzpFingerprint fp[2];
  gpointer party[2];       /* not owned; the registry's; NULL: it is remote */
  gpointer link[2];        /* not owned; the registry's; NULL: it is here, or
                            * not known yet where */
  gboolean is_in_room[2];
  char *reflexive_addr[2]; /* owned, nullable */
  char **local_addrs[2];   /* owned, nullable */
  gboolean has_update[2];  /* a CandidateUpdate was taken */
  guint64 generation[2];   /* of the last one */
} WzpCallRecord;

/* PENDING, with the caller's addresses. */
WzpCallRecord *wzp_call_record_new (const WzpMessage *offer);
void wzp_call_record_free (WzpCallRecord *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpCallRecord, wzp_call_record_free)

/* ACTIVE, with the callee's addresses, unless an update that overtook the
 * answer has brought newer ones. @answer does not reject. */
void wzp_call_record_answer (WzpCallRecord *call, const WzpMessage *answer);
/* Takes newer addresses; FALSE: the update is older than the last one. */
gboolean wzp_call_record_update (
    WzpCallRecord *call, WzpCallSide from, const WzpMessage *update);

/* Messages to send on (transfer full). An offer leaves without any address
 * but to another relay; @caller_alias (nullable) is the name that the relay
 * knows the caller by. */
WzpMessage *wzp_call_record_make_offer (
    const WzpMessage *offer, const char *caller_alias);
WzpMessage *wzp_call_record_make_offer_to_relay (
    const WzpMessage *offer, const char *caller_alias);
WzpMessage *wzp_call_record_make_answer (const WzpMessage *answer);
WzpMessage *wzp_call_record_make_setup (
    const WzpCallRecord *call, WzpCallSide to, const char *relay_addr);
/* NULL: it is not passed on (now). */
WzpMessage *wzp_call_record_make_update (
    const WzpCallRecord *call, WzpCallSide from, const WzpMessage *update);

G_END_DECLS
