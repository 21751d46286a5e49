/* wzp-direct-proof: direct connections that came in without a client
 * certificate, for plain calls (see wzp-call.h). Each is kept apart until it
 * has proved itself by a CallOffer of the call's peer as its first message,
 * which is answered with CallAnswer; what does not within WZP_DIRECT_PROOF_US,
 * or sends another one first, is closed (WZP_CLOSE_REFUSED). Unknown messages
 * are skipped; datagrams are not looked at before. The session thread; time is
 * passed in. */
#pragma once

#include "wzp-call-keys.h"
#include "wzp-conn.h"
#include "wzp-identity.h"

G_BEGIN_DECLS

#define WZP_DIRECT_PROOF_MAX 8u /* connections unproved at once */
#define WZP_DIRECT_PROOF_US  (5 * G_USEC_PER_SEC)

typedef struct _WzpDirectProof WzpDirectProof;

typedef struct {
  /* @conn is the peer's of the call: TRUE: taken (it has no handler any more);
   * FALSE: refuse it. */
  gboolean (*proved) (WzpConn *conn, const char *call_id, gpointer user_data);
} WzpDirectProofHandler;

/* @identity: our own; outlives it. @handler: static. */
WzpDirectProof *wzp_direct_proof_new (const WzpIdentity *identity,
    const WzpDirectProofHandler *handler, gpointer user_data);
/* Closes what is unproved. Not from inside proved(). */
void wzp_direct_proof_free (WzpDirectProof *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpDirectProof, wzp_direct_proof_free)

/* @conn was accepted for the call; @key is its peer's. FALSE: too many are
 * unproved. */
gboolean wzp_direct_proof_add (WzpDirectProof *self, WzpConn *conn,
    const char *call_id, const guint8 key[WZP_PUBLIC_KEY_LEN], gint64 now_us);
/* Closes those whose time is up. */
void wzp_direct_proof_expire (WzpDirectProof *self, gint64 now_us);
gint64 wzp_direct_proof_get_deadline (const WzpDirectProof *self); /* -1 */

G_END_DECLS
