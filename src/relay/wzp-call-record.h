/* wzp-call-record: what a relay knows of one call, and the messages it makes
 * of it. For wzp-registry.
 *
 *   PENDING -> RINGING -> ACTIVE -> (removed)
 *      \_________________/
 *
 * This is where the privacy of a call is kept: the relay never passes on an
 * address but in CallSetup, in an answer and in CandidateUpdate, and with
 * AcceptGeneric in none of them, whatever it was sent. Pure. */
#pragma once

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
  WzpAcceptMode mode; /* ACTIVE */
  gint64 deadline_us; /* until ACTIVE */
  GList link;         /* of the queue of unanswered calls */

  /* by WzpCallSide */
  gpointer party[2];       /* not owned; the registry's */
  gboolean is_in_room[2];
  char *reflexive_addr[2]; /* owned, nullable */
  char **local_addrs[2];   /* owned, nullable */
  guint64 generation[2];   /* of the last CandidateUpdate */
} WzpCallRecord;

/* PENDING, with the caller's addresses. */
WzpCallRecord *wzp_call_record_new (const WzpMessage *offer);
void wzp_call_record_free (WzpCallRecord *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpCallRecord, wzp_call_record_free)

/* ACTIVE, with the callee's addresses. @answer does not reject. */
void wzp_call_record_answer (WzpCallRecord *call, const WzpMessage *answer);
/* Takes newer addresses; FALSE: the update is older than the last one. */
gboolean wzp_call_record_update (
    WzpCallRecord *call, WzpCallSide from, const WzpMessage *update);

/* Messages to send on (transfer full). An offer leaves without any address;
 * @caller_alias (nullable) is the name that the relay knows the caller by. */
WzpMessage *wzp_call_record_make_offer (
    const WzpMessage *offer, const char *caller_alias);
WzpMessage *wzp_call_record_make_answer (const WzpMessage *answer);
WzpMessage *wzp_call_record_make_setup (
    const WzpCallRecord *call, WzpCallSide to, const char *relay_addr);
/* NULL: the call does not exchange addresses. */
WzpMessage *wzp_call_record_make_update (
    const WzpCallRecord *call, const WzpMessage *update);

G_END_DECLS
