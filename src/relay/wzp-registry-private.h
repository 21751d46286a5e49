/* wzp-registry-private: what the parts of the registry share.
 *
 *   wzp-registry           the whole of it, clients, the clock, who gets what
 *   wzp-registry-presence  identities: registration, aliases, grace
 *   wzp-registry-calls     calls
 *   wzp-registry-links     other relays
 *   wzp-registry-resolve   aliases that other relays are asked for
 *   wzp-registry-output    what is to be sent, and what is held
 *
 * An identity:
 *
 *   HERE   has a client
 *   GRACE  its client is lost, it had calls: they and its alias wait for it,
 *          and so does what is sent to it
 *   ROOM   its grace is over, a connection in a call's room is left
 *
 *   (none) -> HERE          RegisterPresence
 *   GRACE, ROOM -> HERE     the same: it has its calls, and gets what was held
 *   HERE -> HERE            the same, of another client, which takes its place
 *   HERE -> GRACE           its client is lost, it has calls
 *   HERE -> (none)          its client is lost, it has none
 *   GRACE -> ROOM, (none)   grace_us: calls end but those it is in the room of
 *   ROOM -> (none)          it leaves the last room */
#pragma once

#include "wzp-registry.h"

G_BEGIN_DECLS

typedef struct {
  WzpFingerprint fingerprint; /* key of `parties` */
  guint8 key[WZP_PUBLIC_KEY_LEN];
  gboolean is_proved;        /* by its (last) client's certificate */
  WzpRegistryClient *client; /* not owned; HERE */
  gboolean is_waiting;       /* GRACE */
  WzpDeadline grace;
  GQueue held;     /* of WzpMessage, owned; GRACE */
  WzpAddr local;   /* the relay's address as its last client sees it */
  char *alias;     /* owned, nullable; key of `aliases` */
  GPtrArray *calls; /* of WzpCallRecord, not owned; or NULL */
  guint n_ringing; /* of these: unanswered, as the callee */
} WzpRegistryParty;

struct _WzpRegistryClient {
  gpointer owner;
  WzpRegistryParty *party; /* not owned; NULL until it is registered */
  WzpAddr local;           /* the relay's address as this client sees it */
  gboolean has_tls_key;
  guint8 tls_key[WZP_PUBLIC_KEY_LEN];
  gboolean has_claim; /* without a certificate: it has named an identity */
  guint8 claim[WZP_PUBLIC_KEY_LEN];
  gboolean is_authorized;
  WzpMessage *registration; /* owned, nullable: waits for authorization */
  WzpDeadline auth;
  guint n_resolves;
};

/* Another relay, up or in its grace. */
struct _WzpRegistryLink {
  gpointer owner; /* while it is up */
  char *relay_fp; /* owned */
  guint slot;     /* index in `links`, and bit in a call's `asked` */
  gboolean is_up;
  WzpDeadline grace;
  GQueue held;       /* of WzpMessage, owned: in the grace */
  GHashTable *calls; /* set of WzpCallRecord that have a party there */
  guint n_placed;    /* of these: calls from there */
};

struct _WzpRegistry {
  WzpRegistryLimits limits;
  char *relay_fp; /* owned, nullable */
  gboolean needs_auth;
  GHashTable *clients; /* set, owns them */
  GHashTable *parties; /* fingerprint to WzpRegistryParty, owns them */
  GHashTable *aliases; /* alias to WzpRegistryParty */
  GHashTable *calls;   /* id to WzpCallRecord, owns them */
  WzpRegistryLink *links[WZP_REGISTRY_MAX_LINKS]; /* owned, nullable */
  GQueue outputs;      /* of what wzp_registry_pop() gives */

  /* wzp-deadlines */
  GQueue unanswered;   /* WzpCallRecord */
  GQueue graced;       /* WzpRegistryParty */
  GQueue graced_links; /* WzpRegistryLink */
  GQueue unauthorized; /* WzpRegistryClient with a registration */
  GQueue resolves;     /* WzpRegistryResolve, owned */

  guint n_registered;
  guint n_active;
  guint n_links; /* up */
  guint64 n_messages, n_refused, n_placed, n_loops, n_held_dropped;
};

/* wzp-registry-output: each takes @message. */
void wzp_registry_push (
    WzpRegistry *self, WzpRegistryClient *client, WzpMessage *message);
/* GRACE: held; ROOM: dropped. */
void wzp_registry_push_to_party (
    WzpRegistry *self, WzpRegistryParty *party, WzpMessage *message);
/* In a forward, or held while the link is down. */
void wzp_registry_push_to_link (
    WzpRegistry *self, WzpRegistryLink *link, WzpMessage *message);
/* To all of those whose bits are in @links. */
void wzp_registry_push_to_links (
    WzpRegistry *self, guint32 links, WzpMessage *message);
/* Counts, and logs @why. */
void wzp_registry_refuse (
    WzpRegistry *self, const WzpMessage *message, const char *why);
/* What is still to be popped for it goes to @held (nullable: none of it), as
 * far as it belongs to calls. */
void wzp_registry_keep_client_outputs (
    WzpRegistry *self, WzpRegistryClient *client, GQueue *held);
void wzp_registry_keep_link_outputs (
    WzpRegistry *self, WzpRegistryLink *link, GQueue *held);
/* It is back: sends what was held. */
void wzp_registry_flush_party (WzpRegistry *self, WzpRegistryParty *party);
void wzp_registry_flush_link (WzpRegistry *self, WzpRegistryLink *link);
void wzp_registry_clear_held (GQueue *held);
void wzp_registry_clear_outputs (WzpRegistry *self);

/* wzp-registry-presence */
void wzp_registry_take_registration (WzpRegistry *self,
    WzpRegistryClient *client, const WzpMessage *message, gint64 now_us);
/* Is told that it was refused. */
void wzp_registry_expire_auth (WzpRegistry *self, WzpRegistryClient *client);
void wzp_registry_lose_client (
    WzpRegistry *self, WzpRegistryClient *client, gint64 now_us);
void wzp_registry_expire_party (WzpRegistry *self, WzpRegistryParty *party);
/* NULL: nobody who can be called has this identity here. */
WzpRegistryParty *wzp_registry_find_callee (
    const WzpRegistry *self, const WzpFingerprint *fp);
void wzp_registry_free_party_if_gone (
    WzpRegistry *self, WzpRegistryParty *party);
/* GDestroyNotify */
void wzp_registry_free_party (gpointer party);

/* wzp-registry-calls */
/* Offer, ringing, answer, update, report, hang-up. */
void wzp_registry_take_call_message (WzpRegistry *self,
    WzpRegistryClient *client, const WzpMessage *message, gint64 now_us);
/* The same, not an offer, of a call whose side @from is over a link. */
void wzp_registry_take_call_message_from (WzpRegistry *self,
    WzpCallRecord *call, WzpCallSide from, const WzpMessage *message);
/* Why the answer cannot be taken, as a static string; NULL: it can. */
const char *wzp_registry_check_answer (
    const WzpCallRecord *call, const WzpMessage *answer, WzpCallSide from);
/* Whether key and signature of an offer belong to its caller_fp. */
gboolean wzp_registry_verify_offer (const WzpMessage *offer);
/* Why an offer cannot be in order, whoever sends it; NULL: nothing known. */
const char *wzp_registry_check_offer (
    const WzpRegistry *self, const WzpMessage *offer);
/* @callee: here. */
gboolean wzp_registry_has_room_for_call (
    const WzpRegistry *self, const WzpRegistryParty *callee);
/* A call that is placed: in every table. A party that is not here is NULL. */
WzpCallRecord *wzp_registry_add_call (WzpRegistry *self,
    const WzpMessage *offer, WzpRegistryParty *caller,
    WzpRegistryParty *callee, gint64 now_us);
/* Ends @call and tells @to of it. */
void wzp_registry_end_call (WzpRegistry *self, WzpCallRecord *call,
    WzpCallSide to, WzpHangupReason reason, const char *detail);
void wzp_registry_expire_call (WzpRegistry *self, WzpCallRecord *call);
/* Tells the others; but, with @but_in_room, not those that go on there. */
void wzp_registry_end_calls_of (
    WzpRegistry *self, WzpRegistryParty *party, gboolean but_in_room);
WzpMessage *wzp_registry_new_hangup (
    const char *call_id, WzpHangupReason reason, const char *detail);

/* wzp-registry-links */
/* Asks all for the callee of @call, with @offer. */
void wzp_registry_ask_links (WzpRegistry *self, WzpCallRecord *call,
    const WzpMessage *offer, const char *caller_alias);
/* The bits of those that are up. */
guint32 wzp_registry_get_links_up (const WzpRegistry *self);
void wzp_registry_expire_link (WzpRegistry *self, WzpRegistryLink *link);
/* The party is there; the call is over. */
void wzp_registry_link_call (
    WzpRegistryLink *link, WzpCallRecord *call, WzpCallSide side);
void wzp_registry_unlink_call (WzpCallRecord *call);
void wzp_registry_free_link (WzpRegistryLink *link);

/* wzp-registry-resolve */
typedef struct _WzpRegistryResolve WzpRegistryResolve;
void wzp_registry_take_resolve (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, gint64 now_us);
void wzp_registry_take_link_resolve (
    WzpRegistry *self, WzpRegistryLink *link, const WzpMessage *message);
void wzp_registry_take_link_resolved (
    WzpRegistry *self, WzpRegistryLink *link, const WzpMessage *message);
void wzp_registry_expire_resolve (
    WzpRegistry *self, WzpRegistryResolve *resolve);
/* It will not answer any more. */
void wzp_registry_lose_resolves_of_link (
    WzpRegistry *self, const WzpRegistryLink *link);
void wzp_registry_lose_resolves_of_client (
    WzpRegistry *self, const WzpRegistryClient *client);
void wzp_registry_clear_resolves (WzpRegistry *self);

G_END_DECLS
