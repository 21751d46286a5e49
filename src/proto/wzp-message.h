/* wzp-message: the signalling messages, as values and as JSON.
 *
 * JSON is {"Name": {fields}}, or the bare string "Name" for a message without
 * fields. Byte arrays are arrays of numbers. Unknown fields are ignored,
 * optional ones left out when empty. docs/protocol.md has the whole table.
 * Pure. */
#pragma once

#include "wzp-fingerprint.h"
#include "wzp-sni.h"

G_BEGIN_DECLS

#define WZP_MESSAGE_MAX_STRING     1024u /* bytes of one string field */
#define WZP_MESSAGE_MAX_ADDRS      64u   /* entries of an address list */
#define WZP_MESSAGE_MAX_NAMES      32u   /* entries of features, aliases */
#define WZP_MESSAGE_MAX_NAME       63u   /* bytes of one of them */
/* Of RoomUpdate's participants and PresenceUpdate's fingerprints: read up to
 * here, the rest is passed over; more are never written. */
#define WZP_MESSAGE_MAX_LISTED     256u
/* Bytes of a participant's relay_label, so that a message of MAX_LISTED of
 * them, in a forward, fits a frame still; a longer one is left out. */
#define WZP_MESSAGE_MAX_LABEL      48u

/* Of a number field. The largest of 64 bits is what later versions of json-glib
 * make of anything above it, so that it cannot be told from nonsense. */
#define WZP_MESSAGE_MAX_NUMBER (G_MAXINT64 - 1)

typedef enum {
  WZP_MESSAGE_UNKNOWN, /* well-formed JSON of a name we do not know */
  WZP_MESSAGE_AUTH_TOKEN,
  WZP_MESSAGE_REGISTER_PRESENCE,
  WZP_MESSAGE_REGISTER_PRESENCE_ACK,
  WZP_MESSAGE_REFLECT,
  WZP_MESSAGE_REFLECT_RESPONSE,
  WZP_MESSAGE_DIRECT_CALL_OFFER,
  WZP_MESSAGE_CALL_RINGING,
  WZP_MESSAGE_DIRECT_CALL_ANSWER,
  WZP_MESSAGE_CALL_SETUP,
  WZP_MESSAGE_MEDIA_PATH_REPORT,
  WZP_MESSAGE_CANDIDATE_UPDATE,
  WZP_MESSAGE_HANGUP,
  WZP_MESSAGE_PING,
  WZP_MESSAGE_PONG,
  WZP_MESSAGE_RESOLVE_ALIAS,  /* ours */
  WZP_MESSAGE_ALIAS_RESOLVED, /* ours */
  /* on a media connection to a relay */
  WZP_MESSAGE_CALL_OFFER,
  WZP_MESSAGE_CALL_ANSWER,
  WZP_MESSAGE_ROOM_UPDATE,
  /* relay to relay */
  WZP_MESSAGE_FEDERATION_HELLO,
  WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD,
  WZP_MESSAGE_PRESENCE_UPDATE,
} WzpMessageType;

#define WZP_MESSAGE_TYPE_LAST WZP_MESSAGE_PRESENCE_UPDATE

typedef enum {
  WZP_ACCEPT_REJECT,
  WZP_ACCEPT_TRUSTED, /* addresses are exchanged, direct path allowed */
  WZP_ACCEPT_GENERIC, /* privacy: no address, relay only */
} WzpAcceptMode;

typedef enum {
  WZP_HANGUP_NORMAL,
  WZP_HANGUP_BUSY,
  WZP_HANGUP_DECLINED,
  WZP_HANGUP_TIMEOUT,
  WZP_HANGUP_ERROR,
} WzpHangupReason;

/* HANGUP's `detail`: why a relay ended a call. */
#define WZP_HANGUP_DETAIL_NOT_FOUND    "not-found"    /* nobody has that name */
#define WZP_HANGUP_DETAIL_DISCONNECTED "disconnected" /* the peer is gone */
#define WZP_HANGUP_DETAIL_REFUSED      "refused"      /* bad offer */
#define WZP_HANGUP_DETAIL_LIMIT        "limit"        /* too many calls */

/* One entry of ROOM_UPDATE. */
typedef struct {
  WzpFingerprint fingerprint;
  char *alias;       /* owned, nullable */
  char *relay_label; /* owned, nullable: the relay that it is at */
} WzpParticipant;

/* Which fields a type uses is said beside each; the rest is NULL/0. All
 * pointers are owned. Optional: "?". */
typedef struct _WzpMessage {
  WzpMessageType type;

  char *call_id; /* OFFER, RINGING, ANSWER, SETUP, REPORT, UPDATE, HANGUP? */

  /* OFFER; ANSWER? each; REGISTER: identity_pub and signature; CALL_OFFER,
   * CALL_ANSWER */
  gboolean has_identity_pub, has_ephemeral_pub, has_signature;
  guint8 identity_pub[WZP_PUBLIC_KEY_LEN];
  guint8 ephemeral_pub[WZP_PUBLIC_KEY_LEN];
  guint8 signature[WZP_SIGNATURE_LEN];

  char *alias;          /* REGISTER?, OFFER caller_alias?, RESOLVE_ALIAS,
                         * ALIAS_RESOLVED, CALL_OFFER? */
  char *token;          /* AUTH_TOKEN */
  gboolean success;     /* REGISTER_ACK */
  char *error;          /* REGISTER_ACK? */
  char *observed_addr;  /* REFLECT_RESPONSE */
  guint64 second_port;  /* REFLECT_RESPONSE?, ours: another UDP port of the
                         * relay that answers Reflect; 0: none */
  gboolean has_caller_fp, has_target_fp;
  WzpFingerprint caller_fp; /* OFFER caller_fingerprint */
  WzpFingerprint target_fp; /* OFFER target_fingerprint; ALIAS_RESOLVED
                             * fingerprint? */
  char *reflexive_addr; /* OFFER caller_reflexive_addr?, ANSWER
                         * callee_reflexive_addr?, SETUP peer_direct_addr?,
                         * UPDATE reflexive_addr? */
  char **local_addrs;   /* OFFER caller_local_addrs?, ANSWER
                         * callee_local_addrs?, SETUP peer_local_addrs?,
                         * UPDATE local_addrs; NULL-terminated or NULL */
  WzpAcceptMode accept_mode; /* ANSWER */
  char *room;           /* SETUP */
  char *relay_addr;     /* SETUP, PRESENCE_UPDATE */
  gboolean direct_ok;   /* REPORT */
  gboolean winner_is_direct; /* REPORT race_winner */
  char *mapped_addr;    /* UPDATE? */
  guint64 generation;   /* UPDATE */
  WzpHangupReason reason; /* HANGUP */
  char *detail;         /* HANGUP?, ours: what a relay has to say beyond the
                         * reason, WZP_HANGUP_DETAIL_*; never a peer's word */
  guint64 timestamp_ms; /* PING, PONG */

  /* our extension object `wzp` in OFFER and ANSWER; absent: a reference peer */
  gboolean has_wzp;
  char **features; /* NULL-terminated or NULL: "control", "sealed", ... */
  char *nat;       /* "none", "cone", "symmetric", "unknown"; NULL: not
                    * said */

  guint64 count; /* ROOM_UPDATE: members, listed or not */
  WzpParticipant *participants; /* ROOM_UPDATE: an array of n_participants */
  guint n_participants;

  char *tls_fingerprint; /* FEDERATION_HELLO */
  char *origin_relay_fp; /* FEDERATED_SIGNAL_FORWARD */
  struct _WzpMessage *inner; /* FEDERATED_SIGNAL_FORWARD: never one itself */
  char **fingerprints;   /* PRESENCE_UPDATE: of identities, as printed;
                          * NULL-terminated or NULL */

  char *name; /* UNKNOWN: an excerpt of what it called itself */
} WzpMessage;

WzpMessage *wzp_message_new (WzpMessageType type);
/* Deep. */
WzpMessage *wzp_message_copy (const WzpMessage *message);
void wzp_message_free (WzpMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpMessage, wzp_message_free)

const char *wzp_message_type_to_string (WzpMessageType type); /* wire name */
const char *wzp_hangup_reason_to_string (WzpHangupReason reason);

/* WZP_ERROR_PROTOCOL with the field's name when JSON is malformed, a required
 * field is missing, or one has a wrong type, length or value;
 * WZP_ERROR_TOO_LARGE over WZP_JSON_MAX_LEN. Lenient where other makes differ:
 * null is absent; an alias in REGISTER or OFFER that is no alias of ours is
 * left out, also in CALL_OFFER and of a participant; an unknown hangup reason is
 * ERROR; an unknown nat is "unknown"; a participant, or an entry of
 * `fingerprints`, whose fingerprint is none is passed over. What is inside a
 * forward is read by the same rules; one of a name not known is UNKNOWN there
 * too, and a forward inside another is refused.
 * Strings have no control characters, address texts at most
 * WZP_ADDR_MAX_STRLEN - 1 bytes. */
WzpMessage *wzp_message_parse (const char *json, gsize len, GError **error);
/* NUL-terminated JSON text (transfer full). Required fields must be set. A
 * message within the bounds above, as every parsed one is, takes less than
 * WZP_STREAM_FRAME_MAX_PAYLOAD bytes. Not for UNKNOWN, nor a forward of it. */
char *wzp_message_to_json (const WzpMessage *message);
gboolean wzp_message_has_feature (
    const WzpMessage *message, const char *feature);

/* What a signature covers (transfer full):
 * register: "register-presence" || identity_pub
 * offer:    ephemeral_pub || target fingerprint || call_id
 * answer:   ephemeral_pub || caller fingerprint || call_id
 * media:    ephemeral_pub || "call-offer" or "call-answer" (CALL_OFFER,
 *           CALL_ANSWER)
 * (fingerprint as its printed text with colons) */
GBytes *wzp_message_signed_register (
    const guint8 identity_pub[WZP_PUBLIC_KEY_LEN]);
GBytes *wzp_message_signed_call (
    const guint8 ephemeral_pub[WZP_PUBLIC_KEY_LEN], const WzpFingerprint *to,
    const char *call_id);
GBytes *wzp_message_signed_media (
    const guint8 ephemeral_pub[WZP_PUBLIC_KEY_LEN], WzpMessageType type);

G_END_DECLS
