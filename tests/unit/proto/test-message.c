#include "wzp-message.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "wzp-addr.h"
#include "wzp-error.h"
#include "wzp-json.h"
#include "wzp-stream-frame.h"

#define FP1 "0101:0101:0101:0101:0101:0101:0101:0101"
#define FP2 "0202:0202:0202:0202:0202:0202:0202:0202"
#define PROFILE                                                                \
  "{\"codec\":\"Opus24k\",\"fec_ratio\":0.20000000000000001,"                  \
  "\"frame_duration_ms\":20,\"frames_per_block\":5}"

static char *local_addrs[] = { (char *) "192.168.1.2:7", (char *) "[fd00::2]:7",
  NULL };
static char *features[] = { (char *) "control", (char *) "sealed", NULL };

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
        .generation = G_MAXINT64 },
      "{\"CandidateUpdate\":{\"call_id\":\"c1\",\"local_addrs\":[],"
      "\"generation\":9223372036854775807}}",
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
};

static char *
byte_array (guint n, guint value)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%u", i > 0 ? "," : "", value);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

/* @json with $I, $E and $S in their places. */
static char *
expand (const char *json)
{
  static const struct {
    const char *token;
    guint n, value;
  } tokens[] = { { "$I", 32, 161 }, { "$E", 32, 0 }, { "$S", 64, 255 } };
  GString *text = g_string_new (json);

  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++) {
    g_autofree char *array = byte_array (tokens[i].n, tokens[i].value);

    g_string_replace (text, tokens[i].token, array, 0);
  }
  return g_string_free (text, FALSE);
}

static WzpMessage *
parse (const char *json, GError **error)
{
  /* Of the exact size, for a sanitizer to see a step too far. */
  g_autofree char *copy = g_memdup2 (json, strlen (json));

  return wzp_message_parse (copy != NULL ? copy : "", strlen (json), error);
}

static WzpMessage *
parse_ok (const char *json)
{
  g_autofree char *text = expand (json);
  g_autoptr (GError) error = NULL;
  WzpMessage *message = parse (text, &error);

  g_test_message ("%.300s", json);
  g_assert_no_error (error);
  return message;
}

static void
assert_refused (const char *json, const char *why)
{
  g_autofree char *text = expand (json);
  g_autoptr (GError) error = NULL;

  g_test_message ("%.300s", json);
  g_assert_null (parse (text, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, why));
}

static void
assert_strv (char **a, char **b)
{
  g_assert_cmpuint (a ? g_strv_length (a) : 0, ==, b ? g_strv_length (b) : 0);
  for (guint i = 0; a != NULL && a[i] != NULL; i++)
    g_assert_cmpstr (a[i], ==, b[i]);
}

static void
assert_equal (const WzpMessage *a, const WzpMessage *b)
{
  g_assert_cmpstr (wzp_message_type_to_string (a->type), ==,
      wzp_message_type_to_string (b->type));
  g_assert_cmpstr (a->call_id, ==, b->call_id);
  g_assert_cmpint (a->has_identity_pub, ==, b->has_identity_pub);
  g_assert_cmpmem (a->identity_pub, 32, b->identity_pub, 32);
  g_assert_cmpint (a->has_ephemeral_pub, ==, b->has_ephemeral_pub);
  g_assert_cmpmem (a->ephemeral_pub, 32, b->ephemeral_pub, 32);
  g_assert_cmpint (a->has_signature, ==, b->has_signature);
  g_assert_cmpmem (a->signature, 64, b->signature, 64);
  g_assert_cmpstr (a->alias, ==, b->alias);
  g_assert_cmpstr (a->token, ==, b->token);
  g_assert_cmpint (a->success, ==, b->success);
  g_assert_cmpstr (a->error, ==, b->error);
  g_assert_cmpstr (a->observed_addr, ==, b->observed_addr);
  g_assert_cmpint (a->has_caller_fp, ==, b->has_caller_fp);
  g_assert_true (wzp_fingerprint_equal (&a->caller_fp, &b->caller_fp));
  g_assert_cmpint (a->has_target_fp, ==, b->has_target_fp);
  g_assert_true (wzp_fingerprint_equal (&a->target_fp, &b->target_fp));
  g_assert_cmpstr (a->reflexive_addr, ==, b->reflexive_addr);
  assert_strv (a->local_addrs, b->local_addrs);
  g_assert_cmpint (a->accept_mode, ==, b->accept_mode);
  g_assert_cmpstr (a->room, ==, b->room);
  g_assert_cmpstr (a->relay_addr, ==, b->relay_addr);
  g_assert_cmpint (a->direct_ok, ==, b->direct_ok);
  g_assert_cmpint (a->winner_is_direct, ==, b->winner_is_direct);
  g_assert_cmpstr (a->mapped_addr, ==, b->mapped_addr);
  g_assert_cmpuint (a->generation, ==, b->generation);
  g_assert_cmpint (a->reason, ==, b->reason);
  g_assert_cmpstr (a->detail, ==, b->detail);
  g_assert_cmpuint (a->timestamp_ms, ==, b->timestamp_ms);
  g_assert_cmpint (a->has_wzp, ==, b->has_wzp);
  assert_strv (a->features, b->features);
  g_assert_cmpstr (a->nat, ==, b->nat);
  g_assert_cmpstr (a->name, ==, b->name);
}

static void
test_samples (void)
{
  g_test_summary ("Each message is written as its golden text, and read back");

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    g_autofree char *golden = expand (samples[i].json);
    g_autofree char *json = wzp_message_to_json (&samples[i].message);
    g_autoptr (WzpMessage) back = parse_ok (samples[i].json);

    g_assert_cmpstr (json, ==, golden);
    assert_equal (back, &samples[i].message);
  }
}

static void
test_copy (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (samples); i++) {
    WzpMessage *message = parse_ok (samples[i].json);
    g_autoptr (WzpMessage) copy = wzp_message_copy (message);

    wzp_message_free (message);
    assert_equal (copy, &samples[i].message);
  }
}

static void
test_every_type_has_a_sample (void)
{
  for (guint type = WZP_MESSAGE_UNKNOWN + 1; type <= WZP_MESSAGE_ALIAS_RESOLVED;
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
    back = parse_ok (json);
    assert_equal (back, &samples[i].message);
  }
}

/* The sample with @member replaced by @value, or left out where it is NULL. */
static char *
mutate (const Sample *sample, const char *member, const char *value)
{
  g_autofree char *json = expand (sample->json);
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
  g_autofree char *json = expand (sample->json);
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

        assert_refused (missing, why);
        assert_refused (null, why);
      } else {
        g_autoptr (WzpMessage) without = parse_ok (missing);
        g_autoptr (WzpMessage) with_null = parse_ok (null);

        assert_equal (without, with_null);
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
        g_autoptr (WzpMessage) message = parse (json, &error);

        if (message != NULL)
          continue;
        n_refused++;
        g_assert_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL);
        g_assert_nonnull (strstr (error->message, why));
      }
      g_test_message ("%s: %u refused", member, n_refused);
      /* At most its own type, the empty array and other text pass. */
      if (is_ignored (member))
        g_assert_cmpuint (n_refused, ==, 0);
      else
        g_assert_cmpuint (n_refused, >=, G_N_ELEMENTS (values) - 2);
    }
    g_list_free_full (members, g_free);
  }
}

static void
test_old_shapes (void)
{
  g_autoptr (WzpMessage) offer = parse_ok (
      "{\"DirectCallOffer\":{\"caller_fingerprint\":\"" FP1
      "\",\"caller_alias\":\"Zo\xc3\xab at home\",\"target_fingerprint\":\"" FP2
      "\",\"call_id\":\"c1\",\"identity_pub\":$I,\"ephemeral_pub\":$E,"
      "\"signature\":$S,\"supported_profiles\":[\"anything\",7]}}");
  g_autoptr (WzpMessage) update = parse_ok (
      "{\"CandidateUpdate\":{\"call_id\":\"c1\",\"reflexive_addr\":null,"
      "\"local_addrs\":[],\"mapped_addr\":null,\"generation\":0}}");
  g_autoptr (WzpMessage) setup = parse_ok (
      "{\"CallSetup\":{\"call_id\":\"c1\",\"room\":\"lobby\","
      "\"relay_addr\":\"relay.example.org:4433\",\"peer_direct_addr\":\"\","
      "\"peer_local_addrs\":[\"\",\"10.0.0.1:1\",\"\"]}}");
  g_autoptr (WzpMessage) hangup =
      parse_ok ("{\"Hangup\":{\"reason\":\"BatteryEmpty\"}}");
  g_autoptr (WzpMessage) answer = parse_ok (
      "{\"DirectCallAnswer\":{\"call_id\":\"c1\",\"accept_mode\":\"Reject\","
      "\"identity_pub\":null,\"wzp\":{\"nat\":\"carrier-pigeon\",\"new\":1}}}");

  g_autoptr (WzpMessage) resolved = parse_ok (
      "{\"AliasResolved\":{\"alias\":\"cam1\",\"fingerprint\":\"\"}}");

  g_assert_false (resolved->has_target_fp);
  g_assert_null (offer->alias);
  g_assert_null (offer->reflexive_addr);
  g_assert_null (offer->local_addrs);
  g_assert_false (offer->has_wzp);
  g_assert_null (update->local_addrs);
  g_assert_cmpstr (setup->room, ==, "lobby");
  g_assert_null (setup->reflexive_addr);
  g_assert_cmpuint (g_strv_length (setup->local_addrs), ==, 1);
  g_assert_cmpstr (setup->local_addrs[0], ==, "10.0.0.1:1");
  g_assert_cmpint (hangup->reason, ==, WZP_HANGUP_ERROR);
  g_assert_false (answer->has_identity_pub);
  g_assert_true (answer->has_wzp);
  g_assert_null (answer->features);
  g_assert_cmpstr (answer->nat, ==, "unknown");
}

static void
test_without_fields (void)
{
  static const char *const texts[] = { "\"Reflect\"", " \"Reflect\" ",
    "{\"Reflect\":{}}", "{\"Reflect\":null}", "{\"Reflect\":{\"x\":1}}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (WzpMessage) message = parse_ok (texts[i]);

    g_assert_cmpint (message->type, ==, WZP_MESSAGE_REFLECT);
  }
  assert_refused ("\"Ping\"", "\"timestamp_ms\" is missing");
  assert_refused ("{\"Reflect\":[]}", "not an object");
  assert_refused ("{\"Ping\":5}", "not an object");
  assert_refused ("{\"Ping\":null}", "\"timestamp_ms\" is missing");
}

static void
test_unknown_messages (void)
{
  static const struct {
    const char *json;
    const char *name;
  } cases[] = {
    { "\"Fresh\"", "Fresh" },
    { "{\"Fresh\":{\"a\":1}}", "Fresh" },
    { "{\"Fresh\":[1,2]}", "Fresh" },
    { "{\"CallOffer\":null}", "CallOffer" },
    { "{\"unknown\":{}}", "unknown" },
    { "{\"ping\":{}}", "ping" },
    { "\"\"", "" },
    { "{\"\":1}", "" },
    { "{\"a\\u001b[2J\\n\":1}", "a?[2J?" },
  };
  g_autofree char *long_name = g_strnfill (500, 'n');
  g_autofree char *json = g_strdup_printf ("{\"%s\":1}", long_name);
  g_autoptr (WzpMessage) cut = parse_ok (json);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WzpMessage) message = parse_ok (cases[i].json);

    g_assert_cmpint (message->type, ==, WZP_MESSAGE_UNKNOWN);
    g_assert_cmpstr (message->name, ==, cases[i].name);
  }
  g_assert_cmpuint (strlen (cut->name), ==, 64);
}

static void
test_not_a_message (void)
{
  static const char *const texts[] = { "{}", "[]", "7", "null", "true",
    "[\"Reflect\"]", "{\"Reflect\":{},\"Ping\":{}}",
    "{\"Ping\":{\"timestamp_ms\":1},\"Pong\":{\"timestamp_ms\":1}}" };
  static const char *const broken[] = { "", " ", "Reflect", "{\"Ping\":{}",
    "{\"Ping\":{\"timestamp_ms\":1}}x", "{\"Ping\":{\"timestamp_ms\":0x1}}",
    "// c\n\"Reflect\"" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i], "neither a string nor an object");
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    assert_refused (broken[i], "Malformed JSON");
}

static void
test_values (void)
{
  static const struct {
    const char *json;
    const char *why;
  } cases[] = {
    { "{\"Ping\":{\"timestamp_ms\":-1}}", "out of range" },
    { "{\"Ping\":{\"timestamp_ms\":1.0}}", "not an integer" },
    { "{\"Ping\":{\"timestamp_ms\":1e3}}", "not an integer" },
    { "{\"Ping\":{\"timestamp_ms\":1e999}}", "not an integer" },
    { "{\"Ping\":{\"timestamp_ms\":9223372036854775808}}", "out of range" },
    { "{\"Ping\":{\"timestamp_ms\":18446744073709551616}}", "out of range" },
    { "{\"Ping\":{\"timestamp_ms\":-18446744073709551615}}", "out of range" },
    { "{\"Ping\":{\"timestamp_ms\":\"1\"}}", "not an integer" },
    { "{\"AuthToken\":{\"token\":\"\"}}", "is empty" },
    { "{\"AuthToken\":{\"token\":\"a\\u0000b\"}}", "NUL" },
    { "{\"AuthToken\":{\"token\":\"a\\nb\"}}", "control character" },
    { "{\"AuthToken\":{\"token\":\"a\x7f\"}}", "control character" },
    { "{\"AuthToken\":{\"token\":\"a\xc2\x9b\"}}", "control character" },
    { "{\"AuthToken\":{\"token\":\"\xff\"}}", "not UTF-8" },
    { "{\"AuthToken\":{\"token\":\"\\ud800\"}}", "surrogate" },
    { "{\"CallRinging\":{\"call_id\":\"\"}}", "is empty" },
    { "{\"CallRinging\":{\"call_id\":\"a b\"}}", "not a call id" },
    { "{\"CallRinging\":{\"call_id\":\"call-x\"}}", "not a call id" },
    { "{\"CallRinging\":{\"call_id\":\"../x\"}}", "not a call id" },
    { "{\"Hangup\":{\"reason\":\"Normal\",\"call_id\":\"a/b\"}}",
        "not a call id" },
    { "{\"CallSetup\":{\"call_id\":\"c\",\"room\":\"_signal\","
      "\"relay_addr\":\"r\"}}",
        "not a room" },
    { "{\"CallSetup\":{\"call_id\":\"c\",\"room\":\"call-call-c\","
      "\"relay_addr\":\"r\"}}",
        "not a room" },
    { "{\"ResolveAlias\":{\"alias\":\"a b\"}}", "not an alias" },
    { "{\"ResolveAlias\":{\"alias\":\"_a\"}}", "not an alias" },
    { "{\"AliasResolved\":{\"alias\":\"a\",\"fingerprint\":\"01\"}}",
        "not a fingerprint" },
    { "{\"AliasResolved\":{\"alias\":\"a\",\"fingerprint\":\"" FP1 "0\"}}",
        "too long" },
    { "{\"DirectCallAnswer\":{\"call_id\":\"c\",\"accept_mode\":\"accept\"}}",
        "unknown value" },
    { "{\"MediaPathReport\":{\"call_id\":\"c\",\"direct_ok\":true,"
      "\"race_winner\":\"Both\"}}",
        "unknown value" },
    { "{\"MediaPathReport\":{\"call_id\":\"c\",\"direct_ok\":1,"
      "\"race_winner\":\"Relay\"}}",
        "not true or false" },
    { "{\"DirectCallAnswer\":{\"call_id\":\"c\",\"accept_mode\":\"Reject\","
      "\"wzp\":{\"features\":\"control\"}}}",
        "\"wzp\" is not an array" },
    { "{\"DirectCallAnswer\":{\"call_id\":\"c\",\"accept_mode\":\"Reject\","
      "\"wzp\":{\"nat\":1}}}",
        "\"wzp\" is not a string" },
    { "{\"DirectCallAnswer\":{\"call_id\":\"c\",\"accept_mode\":\"Reject\","
      "\"wzp\":{\"features\":[1]}}}",
        "\"wzp\" is not a string" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i].json, cases[i].why);
}

static void
test_duplicate_field (void)
{
  g_autoptr (WzpMessage) message =
      parse_ok ("{\"Ping\":{\"timestamp_ms\":1,\"timestamp_ms\":2}}");

  g_assert_cmpuint (message->timestamp_ms, ==, 2);
}

static void
test_byte_arrays (void)
{
  static const char *const bytes[] = { "256", "-1", "1.0", "1e1", "\"1\"",
    "null", "true", "[1]", "4294967297", "18446744073709551615",
    "-18446744073709551615", "99999999999999999999999999" };
  static const guint lengths[] = { 0, 1, 31, 33, 64, 4096 };

  for (guint i = 0; i < G_N_ELEMENTS (bytes); i++) {
    g_autoptr (GString) json =
        g_string_new ("{\"RegisterPresence\":{\"identity_pub\":[");

    for (guint j = 0; j < 31; j++)
      g_string_append (json, "0,");
    g_string_append_printf (json, "%s],\"signature\":$S}}", bytes[i]);
    if (bytes[i][0] == '-' && strlen (bytes[i]) > 19)
      assert_refused (json->str, "out of range");
    else
      assert_refused (json->str, "not a byte");
  }
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    g_autofree char *array = byte_array (lengths[i], 1);
    g_autofree char *json = g_strdup_printf (
        "{\"RegisterPresence\":{\"identity_pub\":%s,\"signature\":$S}}", array);

    assert_refused (json, "wrong length");
  }
}

/* ["x","x",...] with @n entries of @len bytes. */
static char *
text_array (guint n, guint len)
{
  g_autofree char *entry = g_strnfill (len, '"' /* takes two in JSON */);
  g_autofree char *escaped = g_strescape (entry, NULL);
  GString *text = g_string_new ("[");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s\"%s\"", i > 0 ? "," : "", escaped);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

static void
test_list_limits (void)
{
  static const struct {
    guint n, len;
    const char *why;
  } addrs[] = {
    { WZP_MESSAGE_MAX_ADDRS, WZP_ADDR_MAX_STRLEN - 1, NULL },
    { WZP_MESSAGE_MAX_ADDRS + 1, 1, "too many" },
    { 1000, 10, "too many" },
    { 1, WZP_ADDR_MAX_STRLEN, "too long" },
  }, names[] = {
    { WZP_MESSAGE_MAX_NAMES, WZP_MESSAGE_MAX_NAME, NULL },
    { WZP_MESSAGE_MAX_NAMES + 1, 1, "too many" },
    { 1, WZP_MESSAGE_MAX_NAME + 1, "too long" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (addrs); i++) {
    g_autofree char *array = text_array (addrs[i].n, addrs[i].len);
    g_autofree char *json = g_strdup_printf (
        "{\"CandidateUpdate\":{\"call_id\":\"c\",\"local_addrs\":%s,"
        "\"generation\":1}}",
        array);

    if (addrs[i].why == NULL)
      wzp_message_free (parse_ok (json));
    else
      assert_refused (json, addrs[i].why);
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *array = text_array (names[i].n, names[i].len);
    g_autofree char *json = g_strdup_printf (
        "{\"DirectCallAnswer\":{\"call_id\":\"c\",\"accept_mode\":\"Reject\","
        "\"wzp\":{\"features\":%s}}}",
        array);

    if (names[i].why == NULL)
      wzp_message_free (parse_ok (json));
    else
      assert_refused (json, names[i].why);
  }
}

static void
test_addr_limit (void)
{
  g_autofree char *addr = g_strnfill (WZP_ADDR_MAX_STRLEN, '1');
  g_autofree char *longer = g_strdup_printf (
      "{\"ReflectResponse\":{\"observed_addr\":\"%s\"}}", addr);
  g_autoptr (WzpMessage) message = NULL;

  assert_refused (longer, "too long");
  message =
      parse_ok ("{\"ReflectResponse\":{\"observed_addr\":\"1111111111111111"
                "11111111111111111111111111111111111111111111111\"}}");
  g_assert_cmpuint (
      strlen (message->observed_addr), ==, WZP_ADDR_MAX_STRLEN - 1);
}

static void
test_string_limit (void)
{
  g_autofree char *token = g_strnfill (WZP_MESSAGE_MAX_STRING + 1, 't');
  g_autofree char *longer =
      g_strdup_printf ("{\"AuthToken\":{\"token\":\"%s\"}}", token);
  g_autofree char *longest = NULL;
  g_autoptr (WzpMessage) message = NULL;

  assert_refused (longer, "too long");
  token[WZP_MESSAGE_MAX_STRING] = '\0';
  longest = g_strdup_printf ("{\"AuthToken\":{\"token\":\"%s\"}}", token);
  message = parse_ok (longest);
  g_assert_cmpstr (message->token, ==, token);
}

static void
test_largest_fits_a_frame (void)
{
  g_autofree char *addrs =
      text_array (WZP_MESSAGE_MAX_ADDRS, WZP_ADDR_MAX_STRLEN - 1);
  g_autofree char *names =
      text_array (WZP_MESSAGE_MAX_NAMES, WZP_MESSAGE_MAX_NAME);
  g_autofree char *json = g_strdup_printf (
      "{\"DirectCallOffer\":{\"caller_fingerprint\":\"" FP1
      "\",\"target_fingerprint\":\"" FP2
      "\",\"call_id\":\"c1\",\"identity_pub\":$I,\"ephemeral_pub\":$E,"
      "\"signature\":$S,\"caller_local_addrs\":%s,"
      "\"wzp\":{\"features\":%s}}}",
      addrs, names);
  g_autoptr (WzpMessage) offer = parse_ok (json);
  g_autofree char *written = wzp_message_to_json (offer);
  g_autoptr (GBytes) frame = NULL;

  g_test_summary ("What is parsed can always be sent on: a relay does");

  g_assert_cmpuint (strlen (written), >, 12000);
  frame = wzp_stream_frame_new (written, strlen (written));
  g_assert_nonnull (frame);
}

static void
test_attacks (void)
{
  g_autofree char *open = g_strnfill (WZP_JSON_MAX_LEN - 20, '[');
  g_autofree char *deep = g_strconcat ("{\"Ping\":", open, NULL);
  g_autofree char *big = g_strnfill (WZP_JSON_MAX_LEN + 1, ' ');
  g_autofree char *digits = g_strnfill (60000, '9');
  g_autofree char *huge =
      g_strdup_printf ("{\"Ping\":{\"timestamp_ms\":%s}}", digits);
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) many = g_string_new ("{\"Fresh\":[");

  assert_refused (deep, "too deep");
  assert_refused (open, "too deep");
  assert_refused (huge, "out of range");
  g_assert_null (parse (big, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);

  while (many->len < WZP_JSON_MAX_LEN - 10)
    g_string_append (many, "{},");
  g_string_append (many, "0]}");
  wzp_message_free (parse_ok (many->str));
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
test_names (void)
{
  static const char *const reasons[] = { "Normal", "Busy", "Declined",
    "Timeout", "Error" };

  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++) {
    g_autofree char *json =
        g_strdup_printf ("{\"Hangup\":{\"reason\":\"%s\"}}", reasons[i]);
    g_autoptr (WzpMessage) message = parse_ok (json);
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
  g_test_add_func ("/message/old-shapes", test_old_shapes);
  g_test_add_func ("/message/without-fields", test_without_fields);
  g_test_add_func ("/message/unknown-messages", test_unknown_messages);
  g_test_add_func ("/message/not-a-message", test_not_a_message);
  g_test_add_func ("/message/values", test_values);
  g_test_add_func ("/message/duplicate-field", test_duplicate_field);
  g_test_add_func ("/message/byte-arrays", test_byte_arrays);
  g_test_add_func ("/message/list-limits", test_list_limits);
  g_test_add_func ("/message/addr-limit", test_addr_limit);
  g_test_add_func ("/message/string-limit", test_string_limit);
  g_test_add_func ("/message/largest-fits-a-frame", test_largest_fits_a_frame);
  g_test_add_func ("/message/attacks", test_attacks);
  g_test_add_func ("/message/enums-out-of-range", test_enums_out_of_range);
  g_test_add_func ("/message/names", test_names);
  g_test_add_func ("/message/has-feature", test_has_feature);
  g_test_add_func ("/message/signed-texts", test_signed_texts);

  return g_test_run ();
}
