#include "wzp-message-fields.h"

static const char *const accept_names[] = { "Reject", "AcceptTrusted",
  "AcceptGeneric", NULL };
static const char *const winner_names[] = { "Relay", "Direct", NULL };
static const char *const reason_names[] = { "Normal", "Busy", "Declined",
  "Timeout", "Error", NULL };

#define AT(member) .offset = G_STRUCT_OFFSET (WzpMessage, member)
#define OPTIONAL   .is_optional = TRUE
#define HAS(member, n)                                                         \
  AT (member), .has = G_STRUCT_OFFSET (WzpMessage, has_##member), .size = n
#define NAMES(array) .names = array

/* clang-format off */
const WzpField wzp_message_fields[] = {
  { WZP_MESSAGE_AUTH_TOKEN, "token", WZP_FIELD_STRING, AT (token) },

  { WZP_MESSAGE_REGISTER_PRESENCE, "identity_pub", WZP_FIELD_BYTES,
    HAS (identity_pub, WZP_PUBLIC_KEY_LEN) },
  { WZP_MESSAGE_REGISTER_PRESENCE, "signature", WZP_FIELD_BYTES,
    HAS (signature, WZP_SIGNATURE_LEN) },
  { WZP_MESSAGE_REGISTER_PRESENCE, "alias", WZP_FIELD_NICKNAME, OPTIONAL,
    AT (alias) },

  { WZP_MESSAGE_REGISTER_PRESENCE_ACK, "success", WZP_FIELD_BOOL,
    AT (success) },
  { WZP_MESSAGE_REGISTER_PRESENCE_ACK, "error", WZP_FIELD_STRING, OPTIONAL,
    AT (error) },

  { WZP_MESSAGE_REFLECT_RESPONSE, "observed_addr", WZP_FIELD_ADDR,
    AT (observed_addr) },
  { WZP_MESSAGE_REFLECT_RESPONSE, "second_port", WZP_FIELD_PORT, OPTIONAL,
    AT (second_port) },

  { WZP_MESSAGE_DIRECT_CALL_OFFER, "caller_fingerprint", WZP_FIELD_FINGERPRINT,
    HAS (caller_fp, 0) },
  { WZP_MESSAGE_DIRECT_CALL_OFFER, "caller_alias", WZP_FIELD_NICKNAME, OPTIONAL,
    AT (alias) },
  { WZP_MESSAGE_DIRECT_CALL_OFFER, "target_fingerprint", WZP_FIELD_FINGERPRINT,
    HAS (target_fp, 0) },
  { WZP_MESSAGE_DIRECT_CALL_OFFER, "call_id", WZP_FIELD_CALL_ID, AT (call_id) },
  { WZP_MESSAGE_DIRECT_CALL_OFFER, "identity_pub", WZP_FIELD_BYTES,
    HAS (identity_pub, WZP_PUBLIC_KEY_LEN) },
  { WZP_MESSAGE_DIRECT_CALL_OFFER, "ephemeral_pub", WZP_FIELD_BYTES,
    HAS (ephemeral_pub, WZP_PUBLIC_KEY_LEN) },
  { WZP_MESSAGE_DIRECT_CALL_OFFER, "signature", WZP_FIELD_BYTES,
    HAS (signature, WZP_SIGNATURE_LEN) },
  { WZP_MESSAGE_DIRECT_CALL_OFFER, "supported_profiles", WZP_FIELD_PROFILES },
  { WZP_MESSAGE_DIRECT_CALL_OFFER, "caller_reflexive_addr", WZP_FIELD_ADDR,
    OPTIONAL, AT (reflexive_addr) },
  { WZP_MESSAGE_DIRECT_CALL_OFFER, "caller_local_addrs", WZP_FIELD_ADDRS,
    OPTIONAL, AT (local_addrs) },
  { WZP_MESSAGE_DIRECT_CALL_OFFER, "wzp", WZP_FIELD_EXTENSION, OPTIONAL },

  { WZP_MESSAGE_CALL_RINGING, "call_id", WZP_FIELD_CALL_ID, AT (call_id) },

  { WZP_MESSAGE_DIRECT_CALL_ANSWER, "call_id", WZP_FIELD_CALL_ID,
    AT (call_id) },
  { WZP_MESSAGE_DIRECT_CALL_ANSWER, "accept_mode", WZP_FIELD_ENUM,
    AT (accept_mode), NAMES (accept_names) },
  { WZP_MESSAGE_DIRECT_CALL_ANSWER, "identity_pub", WZP_FIELD_BYTES, OPTIONAL,
    HAS (identity_pub, WZP_PUBLIC_KEY_LEN) },
  { WZP_MESSAGE_DIRECT_CALL_ANSWER, "ephemeral_pub", WZP_FIELD_BYTES, OPTIONAL,
    HAS (ephemeral_pub, WZP_PUBLIC_KEY_LEN) },
  { WZP_MESSAGE_DIRECT_CALL_ANSWER, "signature", WZP_FIELD_BYTES, OPTIONAL,
    HAS (signature, WZP_SIGNATURE_LEN) },
  { WZP_MESSAGE_DIRECT_CALL_ANSWER, "chosen_profile", WZP_FIELD_PROFILE },
  { WZP_MESSAGE_DIRECT_CALL_ANSWER, "callee_reflexive_addr", WZP_FIELD_ADDR,
    OPTIONAL, AT (reflexive_addr) },
  { WZP_MESSAGE_DIRECT_CALL_ANSWER, "callee_local_addrs", WZP_FIELD_ADDRS,
    OPTIONAL, AT (local_addrs) },
  { WZP_MESSAGE_DIRECT_CALL_ANSWER, "wzp", WZP_FIELD_EXTENSION, OPTIONAL },

  { WZP_MESSAGE_CALL_SETUP, "call_id", WZP_FIELD_CALL_ID, AT (call_id) },
  { WZP_MESSAGE_CALL_SETUP, "room", WZP_FIELD_ROOM, AT (room) },
  { WZP_MESSAGE_CALL_SETUP, "relay_addr", WZP_FIELD_STRING, AT (relay_addr) },
  { WZP_MESSAGE_CALL_SETUP, "peer_direct_addr", WZP_FIELD_ADDR, OPTIONAL,
    AT (reflexive_addr) },
  { WZP_MESSAGE_CALL_SETUP, "peer_local_addrs", WZP_FIELD_ADDRS, OPTIONAL,
    AT (local_addrs) },

  { WZP_MESSAGE_MEDIA_PATH_REPORT, "call_id", WZP_FIELD_CALL_ID, AT (call_id) },
  { WZP_MESSAGE_MEDIA_PATH_REPORT, "direct_ok", WZP_FIELD_BOOL,
    AT (direct_ok) },
  { WZP_MESSAGE_MEDIA_PATH_REPORT, "race_winner", WZP_FIELD_ENUM,
    AT (winner_is_direct), NAMES (winner_names) },

  { WZP_MESSAGE_CANDIDATE_UPDATE, "call_id", WZP_FIELD_CALL_ID, AT (call_id) },
  { WZP_MESSAGE_CANDIDATE_UPDATE, "reflexive_addr", WZP_FIELD_ADDR, OPTIONAL,
    AT (reflexive_addr) },
  { WZP_MESSAGE_CANDIDATE_UPDATE, "local_addrs", WZP_FIELD_ADDRS,
    AT (local_addrs) },
  { WZP_MESSAGE_CANDIDATE_UPDATE, "mapped_addr", WZP_FIELD_ADDR, OPTIONAL,
    AT (mapped_addr) },
  { WZP_MESSAGE_CANDIDATE_UPDATE, "generation", WZP_FIELD_UINT,
    AT (generation) },

  { WZP_MESSAGE_HANGUP, "reason", WZP_FIELD_REASON, AT (reason),
    NAMES (reason_names) },
  { WZP_MESSAGE_HANGUP, "call_id", WZP_FIELD_CALL_ID, OPTIONAL, AT (call_id) },
  { WZP_MESSAGE_HANGUP, "detail", WZP_FIELD_STRING, OPTIONAL, AT (detail) },

  { WZP_MESSAGE_PING, "timestamp_ms", WZP_FIELD_UINT, AT (timestamp_ms) },
  { WZP_MESSAGE_PONG, "timestamp_ms", WZP_FIELD_UINT, AT (timestamp_ms) },

  { WZP_MESSAGE_RESOLVE_ALIAS, "alias", WZP_FIELD_ALIAS, AT (alias) },
  { WZP_MESSAGE_ALIAS_RESOLVED, "alias", WZP_FIELD_ALIAS, AT (alias) },
  { WZP_MESSAGE_ALIAS_RESOLVED, "fingerprint", WZP_FIELD_FINGERPRINT, OPTIONAL,
    HAS (target_fp, 0) },

  { WZP_MESSAGE_CALL_OFFER, "identity_pub", WZP_FIELD_BYTES,
    HAS (identity_pub, WZP_PUBLIC_KEY_LEN) },
  { WZP_MESSAGE_CALL_OFFER, "ephemeral_pub", WZP_FIELD_BYTES,
    HAS (ephemeral_pub, WZP_PUBLIC_KEY_LEN) },
  { WZP_MESSAGE_CALL_OFFER, "signature", WZP_FIELD_BYTES,
    HAS (signature, WZP_SIGNATURE_LEN) },
  { WZP_MESSAGE_CALL_OFFER, "supported_profiles", WZP_FIELD_PROFILES },
  { WZP_MESSAGE_CALL_OFFER, "alias", WZP_FIELD_NICKNAME, OPTIONAL,
    AT (alias) },

  { WZP_MESSAGE_CALL_ANSWER, "identity_pub", WZP_FIELD_BYTES,
    HAS (identity_pub, WZP_PUBLIC_KEY_LEN) },
  { WZP_MESSAGE_CALL_ANSWER, "ephemeral_pub", WZP_FIELD_BYTES,
    HAS (ephemeral_pub, WZP_PUBLIC_KEY_LEN) },
  { WZP_MESSAGE_CALL_ANSWER, "signature", WZP_FIELD_BYTES,
    HAS (signature, WZP_SIGNATURE_LEN) },
  { WZP_MESSAGE_CALL_ANSWER, "chosen_profile", WZP_FIELD_PROFILE },

  { WZP_MESSAGE_ROOM_UPDATE, "count", WZP_FIELD_UINT, AT (count) },
  { WZP_MESSAGE_ROOM_UPDATE, "participants", WZP_FIELD_PARTICIPANTS },

  { WZP_MESSAGE_FEDERATION_HELLO, "tls_fingerprint", WZP_FIELD_STRING,
    AT (tls_fingerprint) },

  { WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD, "inner", WZP_FIELD_INNER,
    AT (inner) },
  { WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD, "origin_relay_fp", WZP_FIELD_STRING,
    AT (origin_relay_fp) },

  { WZP_MESSAGE_PRESENCE_UPDATE, "fingerprints", WZP_FIELD_FINGERPRINTS,
    AT (fingerprints) },
  { WZP_MESSAGE_PRESENCE_UPDATE, "relay_addr", WZP_FIELD_STRING,
    AT (relay_addr) },
};
/* clang-format on */

const guint wzp_message_n_fields = G_N_ELEMENTS (wzp_message_fields);
