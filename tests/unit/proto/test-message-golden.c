/* Each message as the first peers send it, as the latest do, and with what
 * none of us knows yet: golden/<Name>-oldest.json, -newest.json and
 * -unknown-fields.json. The folder of them is the test's argument. */
#include "message-text.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "wzp-json.h"

#define ALICE   "0a1b:2c3d:4e5f:6071:8293:a4b5:c6d7:e8f9"
#define BOB     "f9e8:d7c6:b5a4:9382:7160:5f4e:3d2c:1b0a"
#define CALL    "00112233445566778899aabbccddeeff"
#define RELAY   "203.0.113.1:4433"
#define REFLEX  "198.51.100.7:40000"
#define TEXT(s) ((char *) (s))

static const char *golden_dir;

static char *locals[] = { TEXT ("192.168.1.2:40000"), TEXT ("[fd00::2]:40000"),
  NULL };
static char *features[] = { TEXT ("control"), TEXT ("sealed"), TEXT ("flows"),
  NULL };
static char *one_fp[] = { TEXT (ALICE), NULL };
static char *two_fps[] = { TEXT (ALICE), TEXT (BOB), NULL };

#define ALICE_BYTES                                                            \
  {                                                                            \
    {                                                                          \
      0x0a, 0x1b, 0x2c, 0x3d, 0x4e, 0x5f, 0x60, 0x71, 0x82, 0x93, 0xa4, 0xb5,  \
          0xc6, 0xd7, 0xe8, 0xf9                                               \
    }                                                                          \
  }
#define BOB_BYTES                                                              \
  {                                                                            \
    {                                                                          \
      0xf9, 0xe8, 0xd7, 0xc6, 0xb5, 0xa4, 0x93, 0x82, 0x71, 0x60, 0x5f, 0x4e,  \
          0x3d, 0x2c, 0x1b, 0x0a                                               \
    }                                                                          \
  }

static WzpParticipant stranger[] = { { .fingerprint = ALICE_BYTES } };
static WzpParticipant both[] = {
  { .fingerprint = ALICE_BYTES },
  { .fingerprint = BOB_BYTES,
      .alias = TEXT ("cam1"),
      .relay_label = TEXT ("Relay north") },
};

/* What the golden texts of a type say. The keys are filled in by main(). */
typedef struct {
  WzpMessage oldest, newest;
} Golden;

#define IDENTITY .has_identity_pub = TRUE
#define KEYS     IDENTITY, .has_ephemeral_pub = TRUE, .has_signature = TRUE
#define PARTIES                                                                \
  .has_caller_fp = TRUE, .caller_fp = ALICE_BYTES, .has_target_fp = TRUE,      \
  .target_fp = BOB_BYTES

static WzpMessage ringing = { .type = WZP_MESSAGE_CALL_RINGING,
  .call_id = TEXT (CALL) };

/* clang-format off */
static Golden golden[] = {
  [WZP_MESSAGE_AUTH_TOKEN] = { { .token = TEXT ("opaque") },
    { .token = TEXT ("opaque") } },
  [WZP_MESSAGE_REGISTER_PRESENCE] = {
    { IDENTITY, .has_signature = TRUE },
    { IDENTITY, .has_signature = TRUE, .alias = TEXT ("cam1") } },
  [WZP_MESSAGE_REGISTER_PRESENCE_ACK] = { { .success = TRUE },
    { .error = TEXT ("the name is taken") } },
  [WZP_MESSAGE_REFLECT] = { { 0 }, { 0 } },
  [WZP_MESSAGE_REFLECT_RESPONSE] = { { .observed_addr = TEXT (REFLEX) },
    { .observed_addr = TEXT ("[2001:db8::7]:40000"), .second_port = 4434 } },
  [WZP_MESSAGE_DIRECT_CALL_OFFER] = {
    { PARTIES, KEYS, .call_id = TEXT (CALL) },
    { PARTIES, KEYS, .call_id = TEXT (CALL), .alias = TEXT ("alice"),
      .reflexive_addr = TEXT (REFLEX), .local_addrs = locals,
      .has_wzp = TRUE, .features = features, .nat = TEXT ("cone") } },
  [WZP_MESSAGE_CALL_RINGING] = { { .call_id = TEXT (CALL) },
    { .call_id = TEXT (CALL) } },
  [WZP_MESSAGE_DIRECT_CALL_ANSWER] = {
    { .call_id = TEXT (CALL), .accept_mode = WZP_ACCEPT_REJECT },
    { KEYS, .call_id = TEXT (CALL), .accept_mode = WZP_ACCEPT_TRUSTED,
      .reflexive_addr = TEXT (REFLEX), .local_addrs = locals,
      .has_wzp = TRUE, .features = features, .nat = TEXT ("symmetric") } },
  [WZP_MESSAGE_CALL_SETUP] = {
    { .call_id = TEXT (CALL), .room = TEXT ("call-" CALL),
      .relay_addr = TEXT (RELAY) },
    { .call_id = TEXT (CALL), .room = TEXT ("call-" CALL),
      .relay_addr = TEXT (RELAY), .reflexive_addr = TEXT (REFLEX),
      .local_addrs = locals } },
  [WZP_MESSAGE_MEDIA_PATH_REPORT] = { { .call_id = TEXT (CALL) },
    { .call_id = TEXT (CALL), .direct_ok = TRUE, .winner_is_direct = TRUE } },
  [WZP_MESSAGE_CANDIDATE_UPDATE] = {
    { .call_id = TEXT (CALL), .generation = 1 },
    { .call_id = TEXT (CALL), .generation = 2,
      .reflexive_addr = TEXT (REFLEX), .local_addrs = locals,
      .mapped_addr = TEXT ("198.51.100.7:50000") } },
  [WZP_MESSAGE_HANGUP] = { { .reason = WZP_HANGUP_NORMAL },
    { .reason = WZP_HANGUP_ERROR, .call_id = TEXT (CALL),
      .detail = TEXT ("not-found") } },
  [WZP_MESSAGE_PING] = { { .timestamp_ms = 1700000000000 },
    { .timestamp_ms = 1700000000000 } },
  [WZP_MESSAGE_PONG] = { { .timestamp_ms = 1700000000000 },
    { .timestamp_ms = 1700000000000 } },
  [WZP_MESSAGE_RESOLVE_ALIAS] = { { .alias = TEXT ("cam1") },
    { .alias = TEXT ("cam1") } },
  [WZP_MESSAGE_ALIAS_RESOLVED] = { { .alias = TEXT ("cam1") },
    { .alias = TEXT ("cam1"), .has_target_fp = TRUE, .target_fp = BOB_BYTES } },
  [WZP_MESSAGE_CALL_OFFER] = { { KEYS }, { KEYS, .alias = TEXT ("cam1") } },
  [WZP_MESSAGE_CALL_ANSWER] = { { KEYS }, { KEYS } },
  [WZP_MESSAGE_ROOM_UPDATE] = {
    { .count = 1, .participants = stranger, .n_participants = 1 },
    { .count = 3, .participants = both, .n_participants = 2 } },
  [WZP_MESSAGE_FEDERATION_HELLO] = {
    { .tls_fingerprint = TEXT (
      "00:07:0e:15:1c:23:2a:31:38:3f:46:4d:54:5b:62:69:"
      "70:77:7e:85:8c:93:9a:a1:a8:af:b6:bd:c4:cb:d2:d9") },
    { .tls_fingerprint = TEXT (
      "00:07:0e:15:1c:23:2a:31:38:3f:46:4d:54:5b:62:69:"
      "70:77:7e:85:8c:93:9a:a1:a8:af:b6:bd:c4:cb:d2:d9") } },
  [WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD] = {
    { .inner = &ringing, .origin_relay_fp = TEXT (
      "ff:fe:fd:fc:fb:fa:f9:f8:f7:f6:f5:f4:f3:f2:f1:f0:"
      "ef:ee:ed:ec:eb:ea:e9:e8:e7:e6:e5:e4:e3:e2:e1:e0") },
    { .inner = &golden[WZP_MESSAGE_DIRECT_CALL_OFFER].newest,
      .origin_relay_fp = TEXT (
      "ff:fe:fd:fc:fb:fa:f9:f8:f7:f6:f5:f4:f3:f2:f1:f0:"
      "ef:ee:ed:ec:eb:ea:e9:e8:e7:e6:e5:e4:e3:e2:e1:e0") } },
  [WZP_MESSAGE_PRESENCE_UPDATE] = {
    { .fingerprints = one_fp, .relay_addr = TEXT (RELAY) },
    { .fingerprints = two_fps, .relay_addr = TEXT (RELAY) } },
};
/* clang-format on */

static void
fill_message (WzpMessage *message, WzpMessageType type)
{
  message->type = type;
  for (guint i = 0; i < WZP_PUBLIC_KEY_LEN; i++) {
    if (message->has_identity_pub)
      message->identity_pub[i] = (guint8) (1 + i);
    if (message->has_ephemeral_pub)
      message->ephemeral_pub[i] = (guint8) (160 + i);
  }
  for (guint i = 0; message->has_signature && i < WZP_SIGNATURE_LEN; i++)
    message->signature[i] = (guint8) (255 - i);
}

/* The text of golden/<Name>-<shape>.json: that it is there is tested too. */
static char *
load (WzpMessageType type, const char *shape)
{
  g_autofree char *name =
      g_strdup_printf ("%s-%s.json", wzp_message_type_to_string (type), shape);
  g_autofree char *path = g_build_filename (golden_dir, name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_test_message ("%s", name);
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static JsonNode *
tree_of (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *root = wzp_json_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return root;
}

/* The fields of a message as JSON; NULL for a bare name. */
static JsonObject *
fields_of (JsonNode *root)
{
  g_autoptr (GList) values = NULL;

  if (!JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  values = json_object_get_values (json_node_get_object (root));
  g_assert_cmpuint (g_list_length (values), ==, 1);
  return json_node_get_object (values->data);
}

#define FOR_EACH_TYPE(type)                                                    \
  for (guint type = WZP_MESSAGE_UNKNOWN + 1; type <= WZP_MESSAGE_TYPE_LAST;    \
       type++)

static void
test_values (void)
{
  g_test_summary ("Each shape of each message says what is stated here");

  g_assert_cmpuint (G_N_ELEMENTS (golden), ==, WZP_MESSAGE_TYPE_LAST + 1);
  FOR_EACH_TYPE (type)
  {
    g_autofree char *oldest = load (type, "oldest");
    g_autofree char *newest = load (type, "newest");
    g_autofree char *unknown = load (type, "unknown-fields");
    g_autoptr (WzpMessage) old = text_parse_ok (oldest);
    g_autoptr (WzpMessage) new = text_parse_ok (newest);
    g_autoptr (WzpMessage) more = text_parse_ok (unknown);

    text_assert_equal (old, &golden[type].oldest);
    text_assert_equal (new, &golden[type].newest);
    text_assert_equal (more, &golden[type].newest);
  }
}

static void
test_newest_is_written (void)
{
  g_test_summary ("What we write is the golden text, no more and no less");

  FOR_EACH_TYPE (type)
  {
    g_autofree char *text = load (type, "newest");
    g_autofree char *written = wzp_message_to_json (&golden[type].newest);
    g_autoptr (JsonNode) expected = tree_of (text);
    g_autoptr (JsonNode) got = tree_of (written);

    g_test_message ("%s", written);
    g_assert_true (json_node_equal (got, expected));
  }
}

static void
test_oldest_is_written (void)
{
  g_test_summary ("The first peers find all of their fields in what we write");

  FOR_EACH_TYPE (type)
  {
    g_autofree char *text = load (type, "oldest");
    g_autofree char *written = wzp_message_to_json (&golden[type].oldest);
    g_autoptr (JsonNode) expected = tree_of (text);
    g_autoptr (JsonNode) got = tree_of (written);
    g_autoptr (GList) names = NULL;

    g_test_message ("%s", written);
    if (fields_of (expected) == NULL) {
      g_assert_true (json_node_equal (got, expected));
      continue;
    }
    names = json_object_get_members (fields_of (expected));
    for (GList *l = names; l != NULL; l = l->next) {
      JsonNode *field = json_object_get_member (fields_of (got), l->data);

      g_assert_nonnull (field);
      g_assert_true (json_node_equal (
          field, json_object_get_member (fields_of (expected), l->data)));
    }
    /* That is all, but for the profile, which every reader knows. */
    if (!json_object_has_member (fields_of (got), "chosen_profile"))
      g_assert_true (json_node_equal (got, expected));
  }
}

/* A bit for each JSON type that a member of @fields has. */
static guint
list_types (JsonObject *fields)
{
  g_autoptr (GList) values = json_object_get_values (fields);
  guint types = 0;

  for (GList *l = values; l != NULL; l = l->next) {
    JsonNode *node = l->data;

    if (!JSON_NODE_HOLDS_VALUE (node))
      types |= 1u << JSON_NODE_TYPE (node);
    else if (json_node_get_value_type (node) == G_TYPE_STRING)
      types |= 1u << 8;
    else if (json_node_get_value_type (node) == G_TYPE_INT64)
      types |= 1u << 9;
    else if (json_node_get_value_type (node) == G_TYPE_DOUBLE)
      types |= 1u << 10;
    else if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
      types |= 1u << 11;
  }
  return types;
}

static void
test_unknown_fields_are_there (void)
{
  g_test_summary ("The texts with unknown fields have them, of all JSON types");

  FOR_EACH_TYPE (type)
  {
    g_autofree char *text = load (type, "unknown-fields");
    g_autofree char *newest = load (type, "newest");
    g_autoptr (JsonNode) root = tree_of (text);
    g_autoptr (JsonNode) known = tree_of (newest);
    JsonObject *fields = fields_of (root);
    g_autoptr (GList) names = NULL;

    if (fields_of (known) != NULL)
      names = json_object_get_members (fields_of (known));
    for (GList *l = names; l != NULL; l = l->next) {
      g_assert_true (json_object_has_member (fields, l->data));
      json_object_remove_member (fields, l->data);
    }
    g_assert_cmphex (list_types (fields), ==,
        1u << JSON_NODE_OBJECT | 1u << JSON_NODE_ARRAY | 1u << JSON_NODE_NULL |
            0xfu << 8);
  }
}

static void
test_unknown_names (void)
{
  g_test_summary ("Under a name of a later version each is UNKNOWN, and so it "
                  "is inside a forward");

  FOR_EACH_TYPE (type)
  {
    const char *name = wzp_message_type_to_string (type);
    g_autofree char *later = g_strconcat (name, "V2", NULL);
    g_autofree char *text = load (type, "newest");
    g_autofree char *forward = NULL;
    g_autoptr (GString) json = g_string_new (text);
    g_autoptr (WzpMessage) message = NULL, outer = NULL;

    g_assert_cmpuint (g_string_replace (json, name, later, 1), ==, 1);
    message = text_parse_ok (json->str);
    g_assert_cmpint (message->type, ==, WZP_MESSAGE_UNKNOWN);
    g_assert_cmpstr (message->name, ==, later);

    forward = g_strdup_printf ("{\"FederatedSignalForward\":{\"inner\":%s,"
                               "\"origin_relay_fp\":\"aa\"}}",
        json->str);
    outer = text_parse_ok (forward);
    g_assert_cmpint (outer->inner->type, ==, WZP_MESSAGE_UNKNOWN);
    g_assert_cmpstr (outer->inner->name, ==, later);
  }
}

static void
test_no_other_files (void)
{
  g_autoptr (GDir) dir = g_dir_open (golden_dir, 0, NULL);
  const char *file;
  guint n = 0;

  g_test_summary ("Three texts for each type, none of a wrong name");

  g_assert_nonnull (dir);
  while ((file = g_dir_read_name (dir)) != NULL) {
    g_test_message ("%s", file);
    g_assert_true (g_str_has_suffix (file, "-oldest.json") ||
        g_str_has_suffix (file, "-newest.json") ||
        g_str_has_suffix (file, "-unknown-fields.json"));
    n++;
  }
  g_assert_cmpuint (n, ==, 3 * WZP_MESSAGE_TYPE_LAST);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (argc != 2)
    g_error ("usage: %s FOLDER", argv[0]);
  golden_dir = argv[1];
  FOR_EACH_TYPE (type)
  {
    fill_message (&golden[type].oldest, type);
    fill_message (&golden[type].newest, type);
  }

  g_test_add_func ("/message-golden/values", test_values);
  g_test_add_func ("/message-golden/newest-is-written", test_newest_is_written);
  g_test_add_func ("/message-golden/oldest-is-written", test_oldest_is_written);
  g_test_add_func ("/message-golden/unknown-fields-are-there",
      test_unknown_fields_are_there);
  g_test_add_func ("/message-golden/unknown-names", test_unknown_names);
  g_test_add_func ("/message-golden/no-other-files", test_no_other_files);

  return g_test_run ();
}
