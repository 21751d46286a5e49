/* What is read of texts that others write: old, unknown, wrong, too large. */
#include "message-text.h"

#include <string.h>

#include "wzp-addr.h"
#include "wzp-error.h"
#include "wzp-json.h"
#include "wzp-stream-frame.h"

static void
test_old_shapes (void)
{
  g_autoptr (WzpMessage) offer = text_parse_ok (
      "{\"DirectCallOffer\":{\"caller_fingerprint\":\"" FP1
      "\",\"caller_alias\":\"Zo\xc3\xab at home\",\"target_fingerprint\":\"" FP2
      "\",\"call_id\":\"c1\",\"identity_pub\":$I,\"ephemeral_pub\":$E,"
      "\"signature\":$S,\"supported_profiles\":[\"anything\",7]}}");
  g_autoptr (WzpMessage) update = text_parse_ok (
      "{\"CandidateUpdate\":{\"call_id\":\"c1\",\"reflexive_addr\":null,"
      "\"local_addrs\":[],\"mapped_addr\":null,\"generation\":0}}");
  g_autoptr (WzpMessage) setup = text_parse_ok (
      "{\"CallSetup\":{\"call_id\":\"c1\",\"room\":\"lobby\","
      "\"relay_addr\":\"relay.example.org:4433\",\"peer_direct_addr\":\"\","
      "\"peer_local_addrs\":[\"\",\"10.0.0.1:1\",\"\"]}}");
  g_autoptr (WzpMessage) hangup =
      text_parse_ok ("{\"Hangup\":{\"reason\":\"BatteryEmpty\"}}");
  g_autoptr (WzpMessage) answer = text_parse_ok (
      "{\"DirectCallAnswer\":{\"call_id\":\"c1\",\"accept_mode\":\"Reject\","
      "\"identity_pub\":null,\"wzp\":{\"nat\":\"carrier-pigeon\",\"new\":1}}}");

  g_autoptr (WzpMessage) resolved = text_parse_ok (
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
    g_autoptr (WzpMessage) message = text_parse_ok (texts[i]);

    g_assert_cmpint (message->type, ==, WZP_MESSAGE_REFLECT);
  }
  text_assert_refused ("\"Ping\"", "\"timestamp_ms\" is missing");
  text_assert_refused ("{\"Reflect\":[]}", "not an object");
  text_assert_refused ("{\"Ping\":5}", "not an object");
  text_assert_refused ("{\"Ping\":null}", "\"timestamp_ms\" is missing");
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
    { "{\"CallTransfer\":null}", "CallTransfer" },
    { "{\"unknown\":{}}", "unknown" },
    { "{\"ping\":{}}", "ping" },
    { "\"\"", "" },
    { "{\"\":1}", "" },
    { "{\"a\\u001b[2J\\n\":1}", "a?[2J?" },
  };
  g_autofree char *long_name = g_strnfill (500, 'n');
  g_autofree char *json = g_strdup_printf ("{\"%s\":1}", long_name);
  g_autoptr (WzpMessage) cut = text_parse_ok (json);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (WzpMessage) message = text_parse_ok (cases[i].json);

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
    text_assert_refused (texts[i], "neither a string nor an object");
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    text_assert_refused (broken[i], "Malformed JSON");
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
    { "{\"ReflectResponse\":{\"observed_addr\":\"a\",\"second_port\":65536}}",
        "\"second_port\" is out of range" },
    { "{\"ReflectResponse\":{\"observed_addr\":\"a\",\"second_port\":-1}}",
        "\"second_port\" is out of range" },
    { "{\"RoomUpdate\":{\"count\":1,\"participants\":[\"" FP1 "\"]}}",
        "an entry that is not an object" },
    { "{\"PresenceUpdate\":{\"fingerprints\":[{}],\"relay_addr\":\"r\"}}",
        "an entry that is not a string" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    text_assert_refused (cases[i].json, cases[i].why);
}

static void
test_participants (void)
{
  g_autoptr (WzpMessage) update =
      text_parse_ok ("{\"RoomUpdate\":{\"count\":9,\"participants\":["
                     "{},{\"fingerprint\":null},{\"fingerprint\":7},"
                     "{\"fingerprint\":\"\"},{\"fingerprint\":\"anonymous\"},"
                     "{\"fingerprint\":\"" FP1 "\",\"alias\":\"Zo\xc3\xab!\","
                     "\"relay_label\":7,\"new\":{\"a\":[]}},"
                     "{\"alias\":\"cam2\"},"
                     "{\"fingerprint\":\"" FP2 "\",\"alias\":\"cam1\","
                     "\"relay_label\":\"a\\nb\"},"
                     "{\"fingerprint\":\"" FP2 "\",\"alias\":null,"
                     "\"relay_label\":\"\"}]}}");

  g_test_summary ("Whoever has no fingerprint is passed over; what else is "
                  "not to be used of one is left out");

  g_assert_cmpuint (update->count, ==, 9);
  g_assert_cmpuint (update->n_participants, ==, 3);
  g_assert_cmpuint (update->participants[0].fingerprint.bytes[15], ==, 1);
  g_assert_null (update->participants[0].alias);
  g_assert_null (update->participants[0].relay_label);
  g_assert_cmpuint (update->participants[1].fingerprint.bytes[0], ==, 2);
  g_assert_cmpstr (update->participants[1].alias, ==, "cam1");
  g_assert_null (update->participants[1].relay_label);
  g_assert_null (update->participants[2].alias);
  g_assert_null (update->participants[2].relay_label);
}

static void
test_fingerprint_list (void)
{
  g_autoptr (WzpMessage) update =
      text_parse_ok ("{\"PresenceUpdate\":{\"fingerprints\":[\"\",\"somebody\","
                     "\"0a0A0a0a0a0a0a0a0a0a0a0a0a0a0a0a\",\"" FP2
                     "\"],\"relay_addr\":\"r\"}}");

  g_assert_cmpuint (g_strv_length (update->fingerprints), ==, 2);
  g_assert_cmpstr (
      update->fingerprints[0], ==, "0a0a:0a0a:0a0a:0a0a:0a0a:0a0a:0a0a:0a0a");
  g_assert_cmpstr (update->fingerprints[1], ==, FP2);
}

#define FORWARD(inner)                                                         \
  "{\"FederatedSignalForward\":{\"origin_relay_fp\":\"o\",\"inner\":" inner "}}"

static void
test_forward (void)
{
  static const struct {
    const char *json;
    const char *why;
  } cases[] = {
    { FORWARD ("null"), "\"inner\" is missing" },
    { FORWARD ("7"), "\"inner\" is malformed: Message is neither" },
    { FORWARD ("{}"), "\"inner\" is malformed: Message is neither" },
    { FORWARD ("{\"Reflect\":{},\"Ping\":{}}"), "Message is neither" },
    { FORWARD ("\"Ping\""), "malformed: Ping: \"timestamp_ms\" is missing" },
    { FORWARD ("{\"Ping\":[]}"), "malformed: Ping: the fields are not" },
    { FORWARD ("\"FederatedSignalForward\""), "stands in another one" },
    { FORWARD (FORWARD ("\"Reflect\"")), "stands in another one" },
    { FORWARD (FORWARD (FORWARD ("\"Reflect\""))), "stands in another one" },
    { FORWARD (FORWARD (FORWARD (
          FORWARD (FORWARD (FORWARD (FORWARD (FORWARD (FORWARD ("1"))))))))),
        "nested too deep" },
  };
  g_autoptr (WzpMessage) fresh =
      text_parse_ok (FORWARD ("{\"Fresh\":{\"a\":[1,{}]}}"));
  g_autoptr (WzpMessage) copy = wzp_message_copy (fresh);

  g_test_summary ("One of a name not known is UNKNOWN inside too; one in "
                  "another is refused");

  g_assert_cmpint (fresh->inner->type, ==, WZP_MESSAGE_UNKNOWN);
  g_assert_cmpstr (copy->inner->name, ==, "Fresh");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    text_assert_refused (cases[i].json, cases[i].why);
}

static void
test_duplicate_field (void)
{
  g_autoptr (WzpMessage) message =
      text_parse_ok ("{\"Ping\":{\"timestamp_ms\":1,\"timestamp_ms\":2}}");

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
      text_assert_refused (json->str, "out of range");
    else
      text_assert_refused (json->str, "not a byte");
  }
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    g_autofree char *array = text_bytes (lengths[i], 1);
    g_autofree char *json = g_strdup_printf (
        "{\"RegisterPresence\":{\"identity_pub\":%s,\"signature\":$S}}", array);

    text_assert_refused (json, "wrong length");
  }
}

/* ["x","x",...] with @n entries of @len bytes. */
static char *
repeat_entry (guint n, guint len)
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
    g_autofree char *array = repeat_entry (addrs[i].n, addrs[i].len);
    g_autofree char *json = g_strdup_printf (
        "{\"CandidateUpdate\":{\"call_id\":\"c\",\"local_addrs\":%s,"
        "\"generation\":1}}",
        array);

    if (addrs[i].why == NULL)
      wzp_message_free (text_parse_ok (json));
    else
      text_assert_refused (json, addrs[i].why);
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *array = repeat_entry (names[i].n, names[i].len);
    g_autofree char *json = g_strdup_printf (
        "{\"DirectCallAnswer\":{\"call_id\":\"c\",\"accept_mode\":\"Reject\","
        "\"wzp\":{\"features\":%s}}}",
        array);

    if (names[i].why == NULL)
      wzp_message_free (text_parse_ok (json));
    else
      text_assert_refused (json, names[i].why);
  }
}

/* {"RoomUpdate":...} of @n, the longest that is taken of each. */
static char *
longest_room_update (guint n, guint label_len)
{
  g_autofree char *alias = g_strnfill (WZP_ALIAS_MAX_LEN, 'a');
  g_autofree char *label = g_strnfill (label_len, '"');
  g_autofree char *escaped = g_strescape (label, NULL);
  GString *text = g_string_new (NULL);

  g_string_printf (text,
      "{\"RoomUpdate\":{\"count\":%" G_GINT64_FORMAT ",\"participants\":[",
      WZP_MESSAGE_MAX_NUMBER);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text,
        "%s{\"fingerprint\":\"" FP1
        "\",\"alias\":\"%s\",\"relay_label\":\"%s\"}",
        i > 0 ? "," : "", alias, escaped);
  g_string_append (text, "]}}");
  return g_string_free (text, FALSE);
}

static void
test_listed_limits (void)
{
  g_autofree char *most =
      longest_room_update (WZP_MESSAGE_MAX_LISTED, WZP_MESSAGE_MAX_LABEL);
  g_autofree char *more =
      longest_room_update (WZP_MESSAGE_MAX_LISTED + 1, WZP_MESSAGE_MAX_LABEL);
  g_autofree char *longer = longest_room_update (1, WZP_MESSAGE_MAX_LABEL + 1);
  g_autoptr (WzpMessage) full = text_parse_ok (most);
  g_autoptr (WzpMessage) cut = text_parse_ok (more);
  g_autoptr (WzpMessage) without = text_parse_ok (longer);
  g_autoptr (GString) presence =
      g_string_new ("{\"PresenceUpdate\":{\"fingerprints\":[\"" FP2 "\"");
  g_autoptr (WzpMessage) update = NULL;

  g_test_summary ("Up to MAX_LISTED are read, the rest is passed over");

  g_assert_cmpuint (full->n_participants, ==, WZP_MESSAGE_MAX_LISTED);
  g_assert_cmpuint (
      strlen (full->participants[WZP_MESSAGE_MAX_LISTED - 1].relay_label), ==,
      WZP_MESSAGE_MAX_LABEL);
  g_assert_cmpuint (cut->n_participants, ==, WZP_MESSAGE_MAX_LISTED);
  g_assert_cmpuint (without->n_participants, ==, 1);
  g_assert_nonnull (without->participants[0].alias);
  g_assert_null (without->participants[0].relay_label);

  for (guint i = 0; i < WZP_MESSAGE_MAX_LISTED; i++)
    g_string_append (presence, ",\"" FP1 "\"");
  g_string_append (presence, "],\"relay_addr\":\"r\"}}");
  update = text_parse_ok (presence->str);
  g_assert_cmpuint (
      g_strv_length (update->fingerprints), ==, WZP_MESSAGE_MAX_LISTED);
  g_assert_cmpstr (update->fingerprints[0], ==, FP2);
}

static void
test_largest_forward_fits_a_frame (void)
{
  g_autofree char *most =
      longest_room_update (WZP_MESSAGE_MAX_LISTED, WZP_MESSAGE_MAX_LABEL);
  g_autofree char *origin = g_strnfill (WZP_MESSAGE_MAX_STRING, '"');
  g_autofree char *escaped = g_strescape (origin, NULL);
  g_autofree char *json =
      g_strdup_printf ("{\"FederatedSignalForward\":{\"inner\":%s,"
                       "\"origin_relay_fp\":\"%s\"}}",
          most, escaped);
  g_autoptr (WzpMessage) forward = text_parse_ok (json);
  g_autofree char *written = wzp_message_to_json (forward);

  g_assert_cmpstr (written, ==, json);
  g_assert_cmpuint (strlen (written), >, 60000);
  g_assert_cmpuint (strlen (written), <, WZP_STREAM_FRAME_MAX_PAYLOAD);
}

static void
test_addr_limit (void)
{
  g_autofree char *addr = g_strnfill (WZP_ADDR_MAX_STRLEN, '1');
  g_autofree char *longer = g_strdup_printf (
      "{\"ReflectResponse\":{\"observed_addr\":\"%s\"}}", addr);
  g_autoptr (WzpMessage) message = NULL;

  text_assert_refused (longer, "too long");
  message = text_parse_ok (
      "{\"ReflectResponse\":{\"observed_addr\":\"1111111111111111"
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

  text_assert_refused (longer, "too long");
  token[WZP_MESSAGE_MAX_STRING] = '\0';
  longest = g_strdup_printf ("{\"AuthToken\":{\"token\":\"%s\"}}", token);
  message = text_parse_ok (longest);
  g_assert_cmpstr (message->token, ==, token);
}

static void
test_largest_fits_a_frame (void)
{
  g_autofree char *addrs =
      repeat_entry (WZP_MESSAGE_MAX_ADDRS, WZP_ADDR_MAX_STRLEN - 1);
  g_autofree char *names =
      repeat_entry (WZP_MESSAGE_MAX_NAMES, WZP_MESSAGE_MAX_NAME);
  g_autofree char *json = g_strdup_printf (
      "{\"DirectCallOffer\":{\"caller_fingerprint\":\"" FP1
      "\",\"target_fingerprint\":\"" FP2
      "\",\"call_id\":\"c1\",\"identity_pub\":$I,\"ephemeral_pub\":$E,"
      "\"signature\":$S,\"caller_local_addrs\":%s,"
      "\"wzp\":{\"features\":%s}}}",
      addrs, names);
  g_autoptr (WzpMessage) offer = text_parse_ok (json);
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

  text_assert_refused (deep, "too deep");
  text_assert_refused (open, "too deep");
  text_assert_refused (huge, "out of range");
  g_assert_null (text_parse (big, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE);

  while (many->len < WZP_JSON_MAX_LEN - 10)
    g_string_append (many, "{},");
  g_string_append (many, "0]}");
  wzp_message_free (text_parse_ok (many->str));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/message/old-shapes", test_old_shapes);
  g_test_add_func ("/message/without-fields", test_without_fields);
  g_test_add_func ("/message/unknown-messages", test_unknown_messages);
  g_test_add_func ("/message/not-a-message", test_not_a_message);
  g_test_add_func ("/message/values", test_values);
  g_test_add_func ("/message/participants", test_participants);
  g_test_add_func ("/message/fingerprint-list", test_fingerprint_list);
  g_test_add_func ("/message/forward", test_forward);
  g_test_add_func ("/message/duplicate-field", test_duplicate_field);
  g_test_add_func ("/message/byte-arrays", test_byte_arrays);
  g_test_add_func ("/message/list-limits", test_list_limits);
  g_test_add_func ("/message/listed-limits", test_listed_limits);
  g_test_add_func ("/message/largest-forward-fits-a-frame",
      test_largest_forward_fits_a_frame);
  g_test_add_func ("/message/addr-limit", test_addr_limit);
  g_test_add_func ("/message/string-limit", test_string_limit);
  g_test_add_func ("/message/largest-fits-a-frame", test_largest_fits_a_frame);
  g_test_add_func ("/message/attacks", test_attacks);

  return g_test_run ();
}
