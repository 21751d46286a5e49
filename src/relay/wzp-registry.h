/* wzp-registry: who is registered with the relay, and the calls between them:
 * messages in, messages out. It has no connection and no clock.
 *
 * A client is one signalling connection. An identity is registered by at most
 * one client; a newer one takes its place, and its calls. An identity counts as
 * gone when it has neither a client, nor a grace, nor a connection in the
 * call's room.
 *
 *   call        from -> to                on
 *   PENDING     (none) -> PENDING         offer to a registered identity, or to
 *                                         one that links are asked for
 *   RINGING     PENDING -> RINGING        the callee's CallRinging
 *   ACTIVE      PENDING, RINGING -> ACTIVE  the callee accepts
 *   removed     any -> (none)             Hangup of either; unanswered: a
 *                                         rejection, call_timeout; one identity
 *                                         is gone, or the link of a remote one
 *
 * A signalling connection that is lost and returns within the grace keeps its
 * identity's calls: they wait for it, answered or not (the time to answer goes
 * on), and so does its alias; it can be called meanwhile. What is sent to it is
 * kept for it and comes after its RegisterPresenceAck, in order: at most
 * WZP_REGISTRY_MAX_HELD messages, the newest are dropped; of updates and
 * reports of a call only the last one; of a call that ends only its Hangup,
 * which takes the place of another message where there is none, and nothing
 * where the offer was not sent yet. Who does not return is gone: its calls end
 * but those in whose room it is. Without calls there is no grace. As many may
 * be in their grace as there may be clients; the oldest gives way.
 *
 * Proof. A connection is of one identity: the first that it names.
 * Of a client with a certificate the TLS key must be the identity's: a
 * signature that was overheard is of no use. One without (reference peers) has
 * the signature of RegisterPresence only, which anybody who has seen it can
 * send again. So it is refused while a client with a certificate has the
 * identity (here, in the grace or in a room), and gives way to one, which does
 * not inherit what it has begun. Its offers and acceptances must be signed by
 * the identity, else they are refused: who replays a registration hears no
 * address of a caller. Of clients with a certificate the relay leaves these
 * signatures to the other party, who looks at them in any case.
 *
 * A link is a connection to another relay that is trusted, though not with
 * everything: it may be broken into. An offer to an identity that is not
 * registered here goes to every link that is up as FederatedSignalForward; the
 * relay that has it places the call, with the link as the caller's place;
 * ringing, answer, update, report and hang-up pass both ways over the link;
 * each relay makes the CallSetup of its own client. Who is registered here is
 * called here, also where it may be elsewhere too. A relay that does not have
 * the target answers with a Hangup (Error, not-found).
 *
 *   a link's part in a call of here   from -> to    on
 *   asked    (none) -> asked           the offer is sent to it
 *   chosen   asked -> chosen           its CallRinging or DirectCallAnswer in
 *                                      order, the first of all: the others
 *                                      that were asked get a Hangup (Normal)
 *   (none)   asked -> (none)           its Hangup, or its grace is over. With
 *                                      the last one the caller hears: what one
 *                                      has said (Busy, Declined, ...), else
 *                                      not-found
 *
 * Of what comes over a link: an offer must be in order, its key that of its
 * caller_fingerprint, its signature right; WZP_REGISTRY_MAX_CALLS_PER_LINK; its
 * alias is left out where somebody here has it. An answer's key, where there is
 * one, must be the callee's. Calls that are not the link's do not exist for it:
 * CallRinging, DirectCallAnswer and MediaPathReport of such are answered with a
 * Hangup (disconnected), since it has missed the end. A forward whose origin is
 * this relay (a loop) is dropped and counted; one whose origin is not the
 * relay at the other end, one inside another, and what has no business in one
 * are refused. Nothing that came over a link goes out over one (one hop).
 *
 * ResolveAlias of a name not known here asks the links too, and is answered
 * when one knows it, all do not, or after WZP_REGISTRY_RESOLVE_US. The word for
 * it is that relay's alone: what can be trusted is the fingerprint.
 *
 * A link that is lost and returns (the same relay) within the grace keeps its
 * calls as a client does (WZP_REGISTRY_MAX_HELD_LINK messages); then they end.
 * A link in its grace gives way to a new relay when all places are taken.
 *
 * Where the relay is not open to all, a client must be authorized before it
 * may register: a RegisterPresence that overtook the AuthToken is held for it
 * for WZP_REGISTRY_AUTH_US. Reflect and Ping are for everybody.
 *
 * Every end is told to the other side by a Hangup (a call that ran out of time
 * to both), with WZP_HANGUP_DETAIL_*. An offer that cannot be placed is
 * answered by a Hangup with its call_id: reason Error and detail "not-found"
 * (the target is not registered) or "refused" (the offer is not in order),
 * reason Busy and detail "limit".
 *
 * A CandidateUpdate before ACTIVE is kept for CallSetup; its mapped_addr is
 * not. One of an older generation is refused, of an equal one passed on.
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
#define WZP_REGISTRY_GRACE_US             (10 * G_USEC_PER_SEC)
#define WZP_REGISTRY_RESOLVE_US           (2 * G_USEC_PER_SEC)
#define WZP_REGISTRY_AUTH_US              (2 * G_USEC_PER_SEC)
#define WZP_REGISTRY_MAX_HELD             32u /* messages of a grace */
#define WZP_REGISTRY_MAX_HELD_LINK        1024u /* the same, for a link */
#define WZP_REGISTRY_MAX_LINKS            16u
#define WZP_REGISTRY_MAX_CALLS_PER_LINK   4096u /* placed here by it */
#define WZP_REGISTRY_MAX_RESOLVES         1024u /* that ask links at once */
#define WZP_REGISTRY_MAX_RESOLVES_PER_CLIENT 8u /* of these */
/* Unanswered calls to one callee, of whatever callers. */
#define WZP_REGISTRY_MAX_RINGING          4u

typedef struct _WzpRegistry WzpRegistry;
typedef struct _WzpRegistryClient WzpRegistryClient;
typedef struct _WzpRegistryLink WzpRegistryLink;

/* 0: the default, the constant above. */
typedef struct {
  guint max_clients, max_calls, max_calls_per_client, max_ringing;
  gint64 call_timeout_us, grace_us;
} WzpRegistryLimits;

/* Something to do for the client, or the link, that was added with @owner. */
typedef struct {
  gpointer owner;
  gboolean is_link;
  WzpMessage *message; /* to send (transfer full); NULL: a newer connection of
                        * the same identity took its place: close it */
} WzpRegistryOutput;

typedef struct {
  guint clients, registered, calls, active_calls, links;
  guint in_grace;       /* identities */
  guint64 loops;        /* forwards dropped because they were our own */
  guint64 messages;     /* taken in */
  guint64 refused;      /* of these: not allowed, unknown call, out of order */
  guint64 calls_total;  /* placed */
  guint64 held_dropped; /* messages for one in its grace: over the bound */
} WzpRegistryStats;

/* @limits: nullable. @relay_fp: this relay's TLS fingerprint, for forwards;
 * NULL: it has no links. */
WzpRegistry *wzp_registry_new (
    const WzpRegistryLimits *limits, const char *relay_fp);
/* Of calls, clients and graces from now on: who is here stays. */
void wzp_registry_set_limits (
    WzpRegistry *self, const WzpRegistryLimits *limits);
/* Frees what is left of clients and calls too; says nothing to anybody. */
void wzp_registry_free (WzpRegistry *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRegistry, wzp_registry_free)

/* A signalling connection. @tls_key: nullable: the key of its certificate, 32
 * bytes. Owned by the registry. WZP_ERROR_BUSY over the limit. */
WzpRegistryClient *wzp_registry_add (WzpRegistry *self, const guint8 *tls_key,
    gpointer owner, GError **error);
/* It is gone: its grace begins. What was still to be popped for it is kept for
 * its return, or dropped where it has no calls. */
void wzp_registry_remove (
    WzpRegistry *self, WzpRegistryClient *client, gint64 now_us);
/* Clients from now on must be authorized to register; FALSE, the beginning:
 * they need not. */
void wzp_registry_set_needs_auth (WzpRegistry *self, gboolean needs_auth);
/* @client may register; a held RegisterPresence is taken now. */
void wzp_registry_authorize (
    WzpRegistry *self, WzpRegistryClient *client, gint64 now_us);

/* A link to the relay @relay_fp, its hello done. WZP_ERROR_BUSY over the limit
 * or when there is one to that relay already; WZP_ERROR_INVALID to this relay
 * itself, or without a @relay_fp of its own. Owned by the registry, and the
 * caller's to use until it is removed. */
WzpRegistryLink *wzp_registry_add_link (WzpRegistry *self, const char *relay_fp,
    gpointer owner, gint64 now_us, GError **error);
void wzp_registry_remove_link (
    WzpRegistry *self, WzpRegistryLink *link, gint64 now_us);
/* Anything but a forward or PresenceUpdate is refused. */
void wzp_registry_link_message (WzpRegistry *self, WzpRegistryLink *link,
    const WzpMessage *message, gint64 now_us);
/* @observed: the client's address as seen here; @local: the relay's own, as
 * the client sees it. */
void wzp_registry_message (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, const WzpAddr *observed, const WzpAddr *local,
    gint64 now_us);
/* Ends what has no time left: calls, graces, questions. Returns: when to call
 * again; -1: nothing waits. */
gint64 wzp_registry_advance (WzpRegistry *self, gint64 now_us);
/* The same without doing anything. */
gint64 wzp_registry_get_deadline (const WzpRegistry *self);
/* The next output in order; FALSE: none is left. To be called until then after
 * each of the functions above. */
gboolean wzp_registry_pop (WzpRegistry *self, WzpRegistryOutput *ret_output);
gboolean wzp_registry_has_output (const WzpRegistry *self);

/* Whether @who may enter the room of @call_id: one of the two identities of an
 * ACTIVE call; or, where there is no such call, one that a self-naming id
 * names. */
gboolean wzp_registry_may_join (const WzpRegistry *self, const char *call_id,
    const WzpFingerprint *who);
/* The owner of the link over which the room's other party is, for media; NULL:
 * that is here, or the link is down, or there is no such ACTIVE call. */
gpointer wzp_registry_get_room_link (
    const WzpRegistry *self, const char *call_id);
/* @who has a connection in the room, or has none any more. Calls and
 * identities that are not known are passed over. */
void wzp_registry_set_in_room (WzpRegistry *self, const char *call_id,
    const WzpFingerprint *who, gboolean is_in_room);

WzpCallState wzp_registry_get_call_state (
    const WzpRegistry *self, const char *call_id);
/* NULL: not registered. */
const WzpFingerprint *wzp_registry_client_get_fingerprint (
    const WzpRegistryClient *client);
gboolean wzp_registry_client_has_calls (const WzpRegistryClient *client);
void wzp_registry_get_stats (
    const WzpRegistry *self, WzpRegistryStats *ret_stats);

G_END_DECLS
