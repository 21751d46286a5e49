/* A sample of each message: written, read, copied, with fields changed. */
#include "message-text.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "wzp-error.h"
#include "wzp-json.h"

#define PROFILE                                                                \
  "{\"codec\":\"Opus24k\",\"fec_ratio\":0.20000000000000001,"                  \
  "\"frame_duration_ms\":20,\"frames_per_block\":5}"

static char *local_addrs[] = { (char *) "192.168.1.2:7", (char *) "[fd00::2]:7",
  NULL };
static char *features[] = { (char *) "control", (char *) "sealed", NULL };

static char *fingerprints[] = { (char *) FP1, (char *) FP2, NULL };

static WzpParticipant participants[] = {
  { .fingerprint = { { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } } },
  { .fingerprint = { { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 } },
      .alias = (char *) "cam1",
      .relay_label = (char *) "Relay \"2\"" },
};

static WzpMessage ringing = { .type = WZP_MESSAGE_CALL_RINGING,
  .call_id = (char *) "c1" };
static WzpMessage reflect = { .type = WZP_MESSAGE_REFLECT };

/* A message, and the JSON that it is written as. In it $I, $E and $S stand
 * for the arrays of the identity, the ephemeral key and the signature.
 * `required` names the fields without which it is refused. */
typedef struct {
  WzpMessage message;
  const char *json;
  const char *required; /* separated by spaces */
} Sample;

#define IDENTITY  .has_identity_pub = TRUE
#define EPHEMERAL .has_ephemeral_pub = TRUE
#define SIGNATURE .has_signature = TRUE
#define TEXT(s)   ((char *) (s))

static Sample samples[] = {
  { { .type = WZP_MESSAGE_AUTH_TOKEN, .token = TEXT ("se\"cret") },
      "{\"AuthToken\":{\"token\":\"se\\\"cret\"}}", "token" },
  { { .type = WZP_MESSAGE_REGISTER_PRESENCE, IDENTITY, SIGNATURE },
      "{\"RegisterPresence\":{\"identity_pub\":$I,\"signature\":$S}}",
      "identity_pub signature" },
  { { .type = WZP_MESSAGE_REGISTER_PRESENCE,
        IDENTITY,
        SIGNATURE,
        .alias = TEXT ("cam1") },
      "{\"RegisterPresence\":{\"identity_pub\":$I,\"signature\":$S,"
      "\"alias\":\"cam1\"}}",
      "identity_pub signature" },
  { { .type = WZP_MESSAGE_REGISTER_PRESENCE_ACK, .success = TRUE },
      "{\"RegisterPresenceAck\":{\"success\":true}}", "success" },
  { { .type = WZP_MESSAGE_REGISTER_PRESENCE_ACK,
        .error = TEXT ("name is taken") },
      "{\"RegisterPresenceAck\":{\"success\":false,"
      "\"error\":\"name is taken\"}}",
      "success" },
  { { .type = WZP_MESSAGE_REFLECT }, "\"Reflect\"", "" },
  { { .type = WZP_MESSAGE_REFLECT_RESPONSE,
        .observed_addr = TEXT ("198.51.100.7:4433") },
      "{\"ReflectResponse\":{\"observed_addr\":\"198.51.100.7:4433\"}}",
      "observed_addr" },
  { { .type = WZP_MESSAGE_REFLECT_RESPONSE,
        .observed_addr = TEXT ("[2001:db8::7]:4433"),
        .second_port = 65535 },
      "{\"ReflectResponse\":{\"observed_addr\":\"[2001:db8::7]:4433\","
      "\"second_port\":65535}}",
      "observed_addr" },
  { { .type = WZP_MESSAGE_DIRECT_CALL_OFFER,
        .has_caller_fp = TRUE,
        .has_target_fp = TRUE,
        .call_id = TEXT ("c1"),
        IDENTITY,
        EPHEMERAL,
        SIGNATURE },
      "{\"DirectCallOffer\":{\"caller_fingerprint\":\"" FP1
      "\",\"target_fingerprint\":\"" FP2
      "\",\"call_id\":\"c1\",\"identity_pub\":$I,\"ephemeral_pub\":$E,"
      "\"signature\":$S,\"supported_profiles\":[" PROFILE "]}}",
      "caller_fingerprint target_fingerprint call_id identity_pub "
      "ephemeral_pub signature" },
  { { .type = WZP_MESSAGE_DIRECT_CALL_OFFER,
        .has_caller_fp = TRUE,
        .has_target_fp = TRUE,
        .call_id = TEXT ("c1"),
        IDENTITY,
        EPHEMERAL,
        SIGNATURE,
        .alias = TEXT ("me"),
        .reflexive_addr = TEXT ("198.51.100.7:4433"),
        .local_addrs = local_addrs,
        .has_wzp = TRUE,
        .features = features,
        .nat = TEXT ("cone") },
      "{\"DirectCallOffer\":{\"caller_fingerprint\":\"" FP1
      "\",\"caller_alias\":\"me\",\"target_fingerprint\":\"" FP2
      "\",\"call_id\":\"c1\",\"identity_pub\":$I,\"ephemeral_pub\":$E,"
      "\"signature\":$S,\"supported_profiles\":[" PROFILE "],"
      "\"caller_reflexive_addr\":\"198.51.100.7:4433\","
      "\"caller_local_addrs\":[\"192.168.1.2:7\",\"[fd00::2]:7\"],"
      "\"wzp\":{\"features\":[\"control\",\"sealed\"],\"nat\":\"cone\"}}}",
      "caller_fingerprint target_fingerprint call_id identity_pub "
      "ephemeral_pub signature" },
  { { .type = WZP_MESSAGE_CALL_RINGING, .call_id = TEXT ("c1") },
      "{\"CallRinging\":{\"call_id\":\"c1\"}}", "call_id" },
  { { .type = WZP_MESSAGE_DIRECT_CALL_ANSWER,
        .call_id = TEXT ("c1"),
        .accept_mode = WZP_ACCEPT_REJECT },
      "{\"DirectCallAnswer\":{\"call_id\":\"c1\",\"accept_mode\":\"Reject\","
      "\"chosen_profile\":" PROFILE "}}",
      "call_id accept_mode" },
  { { .type = WZP_MESSAGE_DIRECT_CALL_ANSWER,
        .call_id = TEXT ("c1"),
        .accept_mode = WZP_ACCEPT_GENERIC,
        IDENTITY,
        EPHEMERAL,
        SIGNATURE,
        .has_wzp = TRUE },
      "{\"DirectCallAnswer\":{\"call_id\":\"c1\","
      "\"accept_mode\":\"AcceptGeneric\",\"identity_pub\":$I,"
      "\"ephemeral_pub\":$E,\"signature\":$S,\"chosen_profile\":" PROFILE
      ",\"wzp\":{\"features\":[]}}}",
      "call_id accept_mode" },
  { { .type = WZP_MESSAGE_DIRECT_CALL_ANSWER,
        .call_id = TEXT ("c1"),
        .accept_mode = WZP_ACCEPT_TRUSTED,
        IDENTITY,
        EPHEMERAL,
        SIGNATURE,
        .reflexive_addr = TEXT ("198.51.100.7:4433"),
        .local_addrs = local_addrs,
        .has_wzp = TRUE,
        .features = features,
        .nat = TEXT ("symmetric") },
      "{\"DirectCallAnswer\":{\"call_id\":\"c1\","
      "\"accept_mode\":\"AcceptTrusted\",\"identity_pub\":$I,"
      "\"ephemeral_pub\":$E,\"signature\":$S,\"chosen_profile\":" PROFILE
      ",\"callee_reflexive_addr\":\"198.51.100.7:4433\","
      "\"callee_local_addrs\":[\"192.168.1.2:7\",\"[fd00::2]:7\"],"
      "\"wzp\":{\"features\":[\"control\",\"sealed\"],"
      "\"nat\":\"symmetric\"}}}",
      "call_id accept_mode" },
  { { .type = WZP_MESSAGE_CALL_SETUP,
        .call_id = TEXT ("c1"),
        .room = TEXT ("call-c1"),
        .relay_addr = TEXT ("203.0.113.1:4433") },
      "{\"CallSetup\":{\"call_id\":\"c1\",\"room\":\"call-c1\","
      "\"relay_addr\":\"203.0.113.1:4433\"}}",
      "call_id room relay_addr" },
  { { .type = WZP_MESSAGE_CALL_SETUP,
        .call_id = TEXT ("c1"),
        .room = TEXT ("call-c1"),
        .relay_addr = TEXT ("203.0.113.1:4433"),
        .reflexive_addr = TEXT ("198.51.100.7:4433"),
        .local_addrs = local_addrs },
      "{\"CallSetup\":{\"call_id\":\"c1\",\"room\":\"call-c1\","
      "\"relay_addr\":\"203.0.113.1:4433\","
      "\"peer_direct_addr\":\"198.51.100.7:4433\","
      "\"peer_local_addrs\":[\"192.168.1.2:7\",\"[fd00::2]:7\"]}}",
      "call_id room relay_addr" },
  { { .type = WZP_MESSAGE_CALL_SETUP,
        .call_id = TEXT ("c1"),
        .room = TEXT ("call-c1"),
        .relay_addr = TEXT ("[2001:db8::1]:4433"),
        .local_addrs = local_addrs + 1 },
      "{\"CallSetup\":{\"call_id\":\"c1\",\"room\":\"call-c1\","
      "\"relay_addr\":\"[2001:db8::1]:4433\","
      "\"peer_local_addrs\":[\"[fd00::2]:7\"]}}",
      "call_id room relay_addr" },
  { { .type = WZP_MESSAGE_MEDIA_PATH_REPORT,
        .call_id = TEXT ("c1"),
        .direct_ok = TRUE,
        .winner_is_direct = TRUE },
      "{\"MediaPathReport\":{\"call_id\":\"c1\",\"direct_ok\":true,"
      "\"race_winner\":\"Direct\"}}",
      "call_id direct_ok race_winner" },
  { { .type = WZP_MESSAGE_MEDIA_PATH_REPORT, .call_id = TEXT ("c1") },
      "{\"MediaPathReport\":{\"call_id\":\"c1\",\"direct_ok\":false,"
      "\"race_winner\":\"Relay\"}}",
      "call_id direct_ok race_winner" },
  { { .type = WZP_MESSAGE_CANDIDATE_UPDATE,
        .call_id = TEXT ("c1"),
        .local_addrs = local_addrs,
        .generation = 3,
        .reflexive_addr = TEXT ("198.51.100.7:4433"),
        .mapped_addr = TEXT ("198.51.100.7:5000") },
      "{\"CandidateUpdate\":{\"call_id\":\"c1\","
      "\"reflexive_addr\":\"198.51.100.7:4433\","
      "\"local_addrs\":[\"192.168.1.2:7\",\"[fd00::2]:7\"],"
      "\"mapped_addr\":\"198.51.100.7:5000\",\"generation\":3}}",
      "call_id local_addrs generation" },
  { { .type = WZP_MESSAGE_CANDIDATE_UPDATE,
        .call_id = TEXT ("c1"),
        .generation = WZP_MESSAGE_MAX_NUMBER },
      "{\"CandidateUpdate\":{\"call_id\":\"c1\",\"local_addrs\":[],"
      "\"generation\":9223372036854775806}}",
      "call_id local_addrs generation" },
  { { .type = WZP_MESSAGE_HANGUP, .reason = WZP_HANGUP_NORMAL },
      "{\"Hangup\":{\"reason\":\"Normal\"}}", "reason" },
  { { .type = WZP_MESSAGE_HANGUP,
        .reason = WZP_HANGUP_TIMEOUT,
        .call_id = TEXT ("c1") },
      "{\"Hangup\":{\"reason\":\"Timeout\",\"call_id\":\"c1\"}}", "reason" },
  { { .type = WZP_MESSAGE_HANGUP,
        .reason = WZP_HANGUP_ERROR,
        .call_id = TEXT ("c1"),
        .detail = TEXT (WZP_HANGUP_DETAIL_NOT_FOUND) },
      "{\"Hangup\":{\"reason\":\"Error\",\"call_id\":\"c1\","
      "\"detail\":\"not-found\"}}",
      "reason" },
  { { .type = WZP_MESSAGE_PING, .timestamp_ms = 1700000000000 },
      "{\"Ping\":{\"timestamp_ms\":1700000000000}}", "timestamp_ms" },
  { { .type = WZP_MESSAGE_PONG, .timestamp_ms = 0 },
      "{\"Pong\":{\"timestamp_ms\":0}}", "timestamp_ms" },
  { { .type = WZP_MESSAGE_RESOLVE_ALIAS, .alias = TEXT ("cam1") },
      "{\"ResolveAlias\":{\"alias\":\"cam1\"}}", "alias" },
  { { .type = WZP_MESSAGE_ALIAS_RESOLVED, .alias = TEXT ("cam1") },
      "{\"AliasResolved\":{\"alias\":\"cam1\"}}", "alias" },
  { { .type = WZP_MESSAGE_ALIAS_RESOLVED,
        .alias = TEXT ("cam1"),
        .has_target_fp = TRUE },
      "{\"AliasResolved\":{\"alias\":\"cam1\",\"fingerprint\":\"" FP2 "\"}}",
      "alias" },
  { { .type = WZP_MESSAGE_CALL_OFFER, IDENTITY, EPHEMERAL, SIGNATURE },
      "{\"CallOffer\":{\"identity_pub\":$I,\"ephemeral_pub\":$E,"
      "\"signature\":$S,\"supported_profiles\":[" PROFILE "]}}",
      "identity_pub ephemeral_pub signature" },
  { { .type = WZP_MESSAGE_CALL_OFFER,
        IDENTITY,
        EPHEMERAL,
        SIGNATURE,
        .alias = TEXT ("cam1") },
      "{\"CallOffer\":{\"identity_pub\":$I,\"ephemeral_pub\":$E,"
      "\"signature\":$S,\"supported_profiles\":[" PROFILE "],"
      "\"alias\":\"cam1\"}}",
      "identity_pub ephemeral_pub signature" },
  { { .type = WZP_MESSAGE_CALL_ANSWER, IDENTITY, EPHEMERAL, SIGNATURE },
      "{\"CallAnswer\":{\"identity_pub\":$I,\"ephemeral_pub\":$E,"
      "\"signature\":$S,\"chosen_profile\":" PROFILE "}}",
      "identity_pub ephemeral_pub signature" },
  { { .type = WZP_MESSAGE_ROOM_UPDATE, .count = 0 },
      "{\"RoomUpdate\":{\"count\":0,\"participants\":[]}}",
      "count participants" },
  { { .type = WZP_MESSAGE_ROOM_UPDATE,
        .count = 300,
        .participants = participants,
        .n_participants = G_N_ELEMENTS (participants) },
      "{\"RoomUpdate\":{\"count\":300,\"participants\":["
      "{\"fingerprint\":\"" FP1 "\"},{\"fingerprint\":\"" FP2
      "\",\"alias\":\"cam1\",\"relay_label\":\"Relay \\\"2\\\"\"}]}}",
      "count participants" },
  { { .type = WZP_MESSAGE_FEDERATION_HELLO, .tls_fingerprint = TEXT ("00:ff") },
      "{\"FederationHello\":{\"tls_fingerprint\":\"00:ff\"}}",
      "tls_fingerprint" },
  { { .type = WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD,
        .inner = &ringing,
        .origin_relay_fp = TEXT ("00:ff") },
      "{\"FederatedSignalForward\":{\"inner\":{\"CallRinging\":"
      "{\"call_id\":\"c1\"}},\"origin_relay_fp\":\"00:ff\"}}",
      "inner origin_relay_fp" },
  { { .type = WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD,
        .inner = &reflect,
        .origin_relay_fp = TEXT ("00:ff") },
      "{\"FederatedSignalForward\":{\"inner\":\"Reflect\","
      "\"origin_relay_fp\":\"00:ff\"}}",
      "inner origin_relay_fp" },
  { { .type = WZP_MESSAGE_PRESENCE_UPDATE,
        .relay_addr = TEXT ("203.0.113.1:4433") },
      "{\"PresenceUpdate\":{\"fingerprints\":[],"
      "\"relay_addr\":\"203.0.113.1:4433\"}}",
      "fingerprints relay_addr" },
  { { .type = WZP_MESSAGE_PRESENCE_UPDATE,
        .fingerprints = fingerprints,
        .relay_addr = TEXT ("203.0.113.1:4433") },
      "{\"PresenceUpdate\":{\"fingerprints\":[\"" FP1 "\",\"" FP2
      "\"],\"relay_addr\":\"203.0.113.1:4433\"}}",
      "fingerprints relay_addr" },
};

static void
test_samples (void)
{
  g_test_summary ("Each message is written as its golden text, and read back");

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    g_autofree char *golden = text_expand (samples[i].json);
    g_autofree char *json = wzp_message_to_json (&samples[i].message);
    g_autoptr (WzpMessage) back = text_parse_ok (samples[i].json);

    g_assert_cmpstr (json, ==, golden);
    text_assert_equal (back, &samples[i].message);
  }
}

static void
test_copy (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    WzpMessage *message = text_parse_ok (samples[i].json);
    g_autoptr (WzpMessage) copy = wzp_message_copy (message);

    wzp_message_free (message);
    text_assert_equal (copy, &samples[i].message);
  }
}

static void
test_every_type_has_a_sample (void)
{
  for (guint type = WZP_MESSAGE_UNKNOWN + 1; type <= WZP_MESSAGE_TYPE_LAST;
       type++) {
    guint i = 0;

    while (i < G_N_ELEMENTS (samples) && samples[i].message.type != type)
      i++;
    g_test_message ("%s", wzp_message_type_to_string (type));
    g_assert_cmpuint (i, <, G_N_ELEMENTS (samples));
  }
}

static void
test_unknown_fields (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    const char *brace = strchr (samples[i].json + 1, '{');
    g_autofree char *json = NULL;
    g_autoptr (WzpMessage) back = NULL;

    if (brace == NULL)
      continue;
    json = g_strdup_printf ("%.*s{\"x\":{\"a\":[1,null,{}]},\"\":\"\\n\","
                            "\"big\":99999999999999999999999,%s",
        (int) (brace - samples[i].json), samples[i].json, brace + 1);
    back = text_parse_ok (json);
    text_assert_equal (back, &samples[i].message);
  }
}

/* The sample with @member replaced by @value, or left out where it is NULL. */
static char *
mutate (const Sample *sample, const char *member, const char *value)
{
  g_autofree char *json = text_expand (sample->json);
  g_autoptr (JsonNode) root = wzp_json_parse (json, strlen (json), NULL);
  JsonObject *outer = json_node_get_object (root);
  JsonObject *inner = json_object_get_object_member (
      outer, wzp_message_type_to_string (sample->message.type));

  if (value == NULL)
    json_object_remove_member (inner, member);
  else
    json_object_set_member (inner, member, json_from_string (value, NULL));
  return json_to_string (root, FALSE);
}

static gboolean
is_ignored (const char *member)
{
  return g_str_equal (member, "supported_profiles") ||
      g_str_equal (member, "chosen_profile");
}

static GList *
list_members (const Sample *sample)
{
  g_autofree char *json = text_expand (sample->json);
  g_autoptr (JsonNode) root = wzp_json_parse (json, strlen (json), NULL);
  GList *members = NULL;

  if (JSON_NODE_HOLDS_OBJECT (root)) {
    JsonObject *inner =
        json_object_get_object_member (json_node_get_object (root),
            wzp_message_type_to_string (sample->message.type));
    g_autoptr (GList) names = json_object_get_members (inner);

    for (GList *l = names; l != NULL; l = l->next)
      members = g_list_append (members, g_strdup (l->data));
  }
  return members;
}

static void
test_missing_fields (void)
{
  g_test_summary ("Without a required field it is refused, without any other "
                  "not; null is the same as missing");

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    g_auto (GStrv) required = g_strsplit (samples[i].required, " ", -1);
    GList *members = list_members (&samples[i]);

    for (GList *l = members; l != NULL; l = l->next) {
      const char *member = l->data;
      g_autofree char *missing = mutate (&samples[i], member, NULL);
      g_autofree char *null = mutate (&samples[i], member, "null");

      if (g_strv_contains ((const char *const *) required, member)) {
        g_autofree char *why = g_strdup_printf ("\"%s\" is missing", member);

        text_assert_refused (missing, why);
        text_assert_refused (null, why);
      } else {
        g_autoptr (WzpMessage) without = text_parse_ok (missing);
        g_autoptr (WzpMessage) with_null = text_parse_ok (null);

        text_assert_equal (without, with_null);
      }
    }
    g_list_free_full (members, g_free);
  }
}

static void
test_wrong_types (void)
{
  static const char *const values[] = { "true", "7", "-1.5", "\"text\"",
    "\"\\n\"", "[]", "[7]", "[[]]", "[\"x\",7]", "{}", "{\"a\":1}" };

  g_test_summary ("A field of a type that it has not is refused by name");

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    GList *members = list_members (&samples[i]);

    for (GList *l = members; l != NULL; l = l->next) {
      const char *member = l->data;
      g_autofree char *why = g_strdup_printf (": \"%s\" ", member);
      guint n_refused = 0;

      for (guint j = 0; j < G_N_ELEMENTS (values); j++) {
        g_autofree char *json = mutate (&samples[i], member, values[j]);
        g_autoptr (GError) error = NULL;
        g_autoptr (WzpMessage) message = text_parse (json, &error);

        if (message != NULL)
          continue;
        n_refused++;
        g_assert_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL);
        g_assert_nonnull (strstr (error->message, why));
      }
      g_test_message ("%s: %u refused", member, n_refused);
      /* At most its own type, the empty array and other text pass; what is
       * inside a forward may be any unknown message. */
      if (is_ignored (member))
        g_assert_cmpuint (n_refused, ==, 0);
      else if (g_str_equal (member, "inner"))
        g_assert_cmpuint (n_refused, ==, G_N_ELEMENTS (values) - 3);
      else
        g_assert_cmpuint (n_refused, >=, G_N_ELEMENTS (values) - 2);
    }
    g_list_free_full (members, g_free);
  }
}

static void
test_enums_out_of_range (void)
{
  const WzpMessage report = { .type = WZP_MESSAGE_MEDIA_PATH_REPORT,
    .call_id = TEXT ("c"),
    .winner_is_direct = 0x20 };
  g_autofree char *json = wzp_message_to_json (&report);

  g_test_summary ("Any gboolean but FALSE is true");

  g_assert_cmpstr (json, ==,
      "{\"MediaPathReport\":{\"call_id\":\"c\",\"direct_ok\":false,"
      "\"race_winner\":\"Direct\"}}");
}

static void
test_lists_are_cut (void)
{
  g_autofree WzpParticipant *many =
      g_new0 (WzpParticipant, WZP_MESSAGE_MAX_LISTED + 1);
  g_autoptr (GPtrArray) texts = g_ptr_array_new ();
  WzpMessage update = { .type = WZP_MESSAGE_ROOM_UPDATE,
    .count = WZP_MESSAGE_MAX_LISTED + 1,
    .participants = many,
    .n_participants = WZP_MESSAGE_MAX_LISTED + 1 };
  WzpMessage presence = { .type = WZP_MESSAGE_PRESENCE_UPDATE,
    .relay_addr = TEXT ("r") };
  g_autofree char *update_json = wzp_message_to_json (&update);
  g_autoptr (WzpMessage) back = text_parse_ok (update_json);
  g_autofree char *presence_json = NULL;
  g_autoptr (JsonNode) root = NULL;
  JsonObject *object;

  g_test_summary ("More than MAX_LISTED entries are never written");

  g_assert_cmpuint (back->count, ==, WZP_MESSAGE_MAX_LISTED + 1);
  g_assert_cmpuint (back->n_participants, ==, WZP_MESSAGE_MAX_LISTED);

  for (guint i = 0; i <= WZP_MESSAGE_MAX_LISTED; i++)
    g_ptr_array_add (texts, TEXT (FP1));
  g_ptr_array_add (texts, NULL);
  presence.fingerprints = (char **) texts->pdata;
  presence_json = wzp_message_to_json (&presence);
  root = wzp_json_parse (presence_json, strlen (presence_json), NULL);
  object = json_object_get_object_member (
      json_node_get_object (root), "PresenceUpdate");
  g_assert_cmpuint (json_array_get_length (
                        json_object_get_array_member (object, "fingerprints")),
      ==, WZP_MESSAGE_MAX_LISTED);
}

static void
test_names (void)
{
  static const char *const reasons[] = { "Normal", "Busy", "Declined",
    "Timeout", "Error" };

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++) {
    g_autofree char *json =
        g_strdup_printf ("{\"Hangup\":{\"reason\":\"%s\"}}", reasons[i]);
    g_autoptr (WzpMessage) message = text_parse_ok (json);
    g_autofree char *back = wzp_message_to_json (message);

    g_assert_cmpstr (wzp_hangup_reason_to_string (i), ==, reasons[i]);
    g_assert_cmpint (message->reason, ==, i);
    g_assert_cmpstr (back, ==, json);
  }
  g_assert_cmpstr (
      wzp_message_type_to_string (WZP_MESSAGE_UNKNOWN), ==, "unknown");
}

static void
test_has_feature (void)
{
  WzpMessage message = { .type = WZP_MESSAGE_DIRECT_CALL_OFFER };

  g_assert_false (wzp_message_has_feature (&message, "control"));
  message.features = features;
  g_assert_true (wzp_message_has_feature (&message, "control"));
  g_assert_true (wzp_message_has_feature (&message, "sealed"));
  g_assert_false (wzp_message_has_feature (&message, "seal"));
}

static void
test_signed_texts (void)
{
  static const guint8 key[WZP_PUBLIC_KEY_LEN] = { [0] = 1, [31] = 0xff };
  const WzpFingerprint to = { { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
      2 } };
  g_autoptr (GBytes) registered = wzp_message_signed_register (key);
  g_autoptr (GBytes) call = wzp_message_signed_call (key, &to, "c1");
  g_autoptr (GBytes) offer =
      wzp_message_signed_media (key, WZP_MESSAGE_CALL_OFFER);
  g_autoptr (GBytes) answer =
      wzp_message_signed_media (key, WZP_MESSAGE_CALL_ANSWER);
  g_autoptr (GByteArray) expected = g_byte_array_new ();

  g_byte_array_append (expected, (const guint8 *) "register-presence", 17);
  g_byte_array_append (expected, key, 32);
  g_assert_cmpmem (g_bytes_get_data (registered, NULL),
      g_bytes_get_size (registered), expected->data, expected->len);

  g_byte_array_set_size (expected, 0);
  g_byte_array_append (expected, key, 32);
  g_byte_array_append (expected, (const guint8 *) FP2 "c1", 39 + 2);
  g_assert_cmpmem (g_bytes_get_data (call, NULL), g_bytes_get_size (call),
      expected->data, expected->len);

  g_byte_array_set_size (expected, 32);
  g_byte_array_append (expected, (const guint8 *) "call-offer", 10);
  g_assert_cmpmem (g_bytes_get_data (offer, NULL), g_bytes_get_size (offer),
      expected->data, expected->len);
  g_byte_array_set_size (expected, 32);
  g_byte_array_append (expected, (const guint8 *) "call-answer", 11);
  g_assert_cmpmem (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer),
      expected->data, expected->len);
}

/* The keys and fingerprints of all samples. */
static void
fill_samples (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    WzpMessage *message = &samples[i].message;

    if (message->has_identity_pub)
      memset (message->identity_pub, 161, sizeof message->identity_pub);
    if (message->has_signature)
      memset (message->signature, 255, sizeof message->signature);
    if (message->has_caller_fp)
      memset (&message->caller_fp, 1, sizeof message->caller_fp);
    if (message->has_target_fp)
      memset (&message->target_fp, 2, sizeof message->target_fp);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  fill_samples ();

  g_test_add_func ("/message/samples", test_samples);
  g_test_add_func ("/message/copy", test_copy);
  g_test_add_func (
      "/message/every-type-has-a-sample", test_every_type_has_a_sample);
  g_test_add_func ("/message/unknown-fields", test_unknown_fields);
  g_test_add_func ("/message/missing-fields", test_missing_fields);
  g_test_add_func ("/message/wrong-types", test_wrong_types);
  g_test_add_func ("/message/enums-out-of-range", test_enums_out_of_range);
  g_test_add_func ("/message/lists-are-cut", test_lists_are_cut);
  g_test_add_func ("/message/names", test_names);
  g_test_add_func ("/message/has-feature", test_has_feature);
  g_test_add_func ("/message/signed-texts", test_signed_texts);

  return g_test_run ();
}
