/* wzp-registry: who is registered with the relay, and the calls between them:
 * messages in, messages out. It has no connection and no clock.
 *
 * A client is one signalling connection. An identity is registered by at most
 * one client; a newer one takes its place. An identity counts as gone when it
 * has neither a client nor a connection in the call's room.
 *
 *   call        from -> to                on
 *   PENDING     (none) -> PENDING         offer to a registered identity
 *   RINGING     PENDING -> RINGING        the callee's CallRinging
 *   ACTIVE      PENDING, RINGING -> ACTIVE  the callee accepts
 *   removed     any -> (none)             Hangup of either; unanswered: a
 *                                         rejection, call_timeout, one client
 *                                         is gone; ACTIVE: one identity is gone
 *
 * Every end is told to the other side by a Hangup (a call that ran out of time
 * to both), with WZP_HANGUP_DETAIL_*. An offer that cannot be placed is
 * answered by a Hangup with its call_id: reason Error and detail "not-found"
 * (the target is not registered) or "refused" (the offer is not in order),
 * reason Busy and detail "limit".
 *
 * Hostile input changes nothing but the counter `refused`. Pure. */
#pragma once

#include "wzp-addr.h"
#include "wzp-call-record.h"
#include "wzp-error.h"

G_BEGIN_DECLS

#define WZP_REGISTRY_MAX_CLIENTS          65536u
#define WZP_REGISTRY_MAX_CALLS            16384u
#define WZP_REGISTRY_MAX_CALLS_PER_CLIENT 16u /* of one identity */
#define WZP_REGISTRY_CALL_TIMEOUT_US      (30 * G_USEC_PER_SEC) /* unanswered */

typedef struct _WzpRegistry WzpRegistry;
typedef struct _WzpRegistryClient WzpRegistryClient;

/* 0: the default, the constant above. */
typedef struct {
  guint max_clients, max_calls, max_calls_per_client;
  gint64 call_timeout_us;
} WzpRegistryLimits;

/* Something to do for the client that was added with @owner. */
typedef struct {
  gpointer owner;
  WzpMessage *message; /* to send (transfer full); NULL: a newer connection of
                        * the same identity took its place: close it */
} WzpRegistryOutput;

typedef struct {
  guint clients, registered, calls, active_calls;
  guint64 messages;   /* taken in */
  guint64 refused;    /* of these: not allowed, unknown call, out of order */
  guint64 calls_total; /* placed */
} WzpRegistryStats;

/* @limits: nullable. */
WzpRegistry *wzp_registry_new (const WzpRegistryLimits *limits);
/* Frees what is left of clients and calls too; says nothing to anybody. */
void wzp_registry_free (WzpRegistry *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRegistry, wzp_registry_free)

/* A signalling connection. @tls_key: nullable: the key of its certificate, 32
 * bytes. Owned by the registry. WZP_ERROR_BUSY over the limit. */
WzpRegistryClient *wzp_registry_add (WzpRegistry *self, const guint8 *tls_key,
    gpointer owner, GError **error);
/* It is gone; what was still to be popped for it is dropped. */
void wzp_registry_remove (WzpRegistry *self, WzpRegistryClient *client);
/* @observed: the client's address as seen here; @local: the relay's own, as
 * the client sees it. */
void wzp_registry_message (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, const WzpAddr *observed, const WzpAddr *local,
    gint64 now_us);
/* Ends calls whose time is over. Returns: when to call again; -1: no call
 * waits. */
gint64 wzp_registry_advance (WzpRegistry *self, gint64 now_us);
/* The same without doing anything. */
gint64 wzp_registry_get_deadline (const WzpRegistry *self);
/* The next output in order; FALSE: none is left. To be called until then after
 * each of the functions above. */
gboolean wzp_registry_pop (WzpRegistry *self, WzpRegistryOutput *ret_output);

/* Whether @who may enter the room of @call_id: one of the two identities of an
 * ACTIVE call; or, where there is no such call, one that a self-naming id
 * names. */
gboolean wzp_registry_may_join (const WzpRegistry *self, const char *call_id,
    const WzpFingerprint *who);
/* @who has a connection in the room, or has none any more. Calls and
 * identities that are not known are passed over. */
void wzp_registry_set_in_room (WzpRegistry *self, const char *call_id,
    const WzpFingerprint *who, gboolean is_in_room);

WzpCallState wzp_registry_get_call_state (
    const WzpRegistry *self, const char *call_id);
/* NULL: not registered. */
const WzpFingerprint *wzp_registry_client_get_fingerprint (
    const WzpRegistryClient *client);
void wzp_registry_get_stats (
    const WzpRegistry *self, WzpRegistryStats *ret_stats);

G_END_DECLS
