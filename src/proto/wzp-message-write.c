#include "wzp-message.h"

#include <json-glib/json-glib.h>

#include "wzp-message-fields.h"

static JsonNode *new_node (const WzpMessage *message);

static void
write_text_array (JsonObject *object, const char *name, char **texts)
{
  JsonArray *array = json_array_new ();
  guint n = texts != NULL ? g_strv_length (texts) : 0;

  for (guint i = 0; i < MIN (n, WZP_MESSAGE_MAX_LISTED); i++)
    json_array_add_string_element (array, texts[i]);
  json_object_set_array_member (object, name, array);
}

static void
write_bytes (
    const WzpField *field, const WzpMessage *message, JsonObject *object)
{
  const guint8 *bytes = G_STRUCT_MEMBER_P (message, field->offset);
  JsonArray *array = json_array_sized_new ((guint) field->size);

  for (gsize i = 0; i < field->size; i++)
    json_array_add_int_element (array, bytes[i]);
  json_object_set_array_member (object, field->name, array);
}

static JsonObject *
new_profile (void)
{
  JsonObject *profile = json_object_new ();

  json_object_set_string_member (profile, "codec", "Opus24k");
  json_object_set_double_member (profile, "fec_ratio", 0.2);
  json_object_set_int_member (profile, "frame_duration_ms", 20);
  json_object_set_int_member (profile, "frames_per_block", 5);
  return profile;
}

static void
write_profiles (const WzpField *field, JsonObject *object)
{
  JsonArray *profiles = json_array_new ();

  json_array_add_object_element (profiles, new_profile ());
  json_object_set_array_member (object, field->name, profiles);
}

static void
write_extension (
    const WzpField *field, const WzpMessage *message, JsonObject *object)
{
  JsonObject *extension;

  if (!message->has_wzp)
    return;
  extension = json_object_new ();
  write_text_array (extension, "features", message->features);
  if (message->nat != NULL)
    json_object_set_string_member (extension, "nat", message->nat);
  json_object_set_object_member (object, field->name, extension);
}

static void
write_participants (
    const WzpField *field, const WzpMessage *message, JsonObject *object)
{
  const guint n = MIN (message->n_participants, WZP_MESSAGE_MAX_LISTED);
  JsonArray *array = json_array_sized_new (n);
  char fp[WZP_FINGERPRINT_STRLEN];

  for (guint i = 0; i < n; i++) {
    const WzpParticipant *participant = &message->participants[i];
    JsonObject *entry = json_object_new ();

    json_object_set_string_member (entry, "fingerprint",
        wzp_fingerprint_to_string (&participant->fingerprint, fp));
    if (participant->alias != NULL)
      json_object_set_string_member (entry, "alias", participant->alias);
    if (participant->relay_label != NULL)
      json_object_set_string_member (
          entry, "relay_label", participant->relay_label);
    json_array_add_object_element (array, entry);
  }
  json_object_set_array_member (object, field->name, array);
}

/* A value out of range is the last one; so any other than FALSE is TRUE. */
static const char *
enum_name (const WzpField *field, guint value)
{
  guint i = 0;

  while (i < value && field->names[i + 1] != NULL)
    i++;
  return field->names[i];
}

static gboolean
is_left_out (const WzpField *field, const WzpMessage *message)
{
  if (!field->is_optional)
    return FALSE;
  if (field->has != 0)
    return !G_STRUCT_MEMBER (gboolean, message, field->has);
  if (field->kind == WZP_FIELD_ADDRS) {
    char **texts = G_STRUCT_MEMBER (char **, message, field->offset);

    return texts == NULL || texts[0] == NULL;
  }
  if (field->kind == WZP_FIELD_EXTENSION)
    return !message->has_wzp;
  if (field->kind == WZP_FIELD_PORT)
    return G_STRUCT_MEMBER (guint64, message, field->offset) == 0;
  return G_STRUCT_MEMBER (char *, message, field->offset) == NULL;
}

static void
write_field (
    const WzpField *field, const WzpMessage *message, JsonObject *object)
{
  gconstpointer member = G_STRUCT_MEMBER_P (message, field->offset);
  char fp[WZP_FINGERPRINT_STRLEN];

  switch (field->kind) {
    case WZP_FIELD_STRING:
    case WZP_FIELD_ADDR:
    case WZP_FIELD_CALL_ID:
    case WZP_FIELD_ROOM:
    case WZP_FIELD_ALIAS:
    case WZP_FIELD_NICKNAME:
      json_object_set_string_member (
          object, field->name, *(char *const *) member);
      break;
    case WZP_FIELD_ADDRS:
    case WZP_FIELD_FINGERPRINTS:
      write_text_array (object, field->name, *(char **const *) member);
      break;
    case WZP_FIELD_BOOL:
      json_object_set_boolean_member (
          object, field->name, *(const gboolean *) member);
      break;
    case WZP_FIELD_UINT:
    case WZP_FIELD_PORT:
      json_object_set_int_member (object, field->name,
          (gint64) MIN (*(const guint64 *) member, WZP_MESSAGE_MAX_NUMBER));
      break;
    case WZP_FIELD_BYTES:
      write_bytes (field, message, object);
      break;
    case WZP_FIELD_FINGERPRINT:
      json_object_set_string_member (
          object, field->name, wzp_fingerprint_to_string (member, fp));
      break;
    case WZP_FIELD_ENUM:
    case WZP_FIELD_REASON:
      json_object_set_string_member (
          object, field->name, enum_name (field, *(const guint *) member));
      break;
    case WZP_FIELD_EXTENSION:
      write_extension (field, message, object);
      break;
    case WZP_FIELD_PROFILE:
      json_object_set_object_member (object, field->name, new_profile ());
      break;
    case WZP_FIELD_PROFILES:
      write_profiles (field, object);
      break;
    case WZP_FIELD_PARTICIPANTS:
      write_participants (field, message, object);
      break;
    case WZP_FIELD_INNER:
      json_object_set_member (
          object, field->name, new_node (*(WzpMessage *const *) member));
      break;
  }
}

/* {"Name": {fields}}, or "Name" where the type has none. */
static JsonNode *
new_node (const WzpMessage *message)
{
  const char *name = wzp_message_type_to_string (message->type);
  JsonObject *object = json_object_new ();
  JsonObject *outer;
  JsonNode *node;
  guint n = 0;

  for (guint i = 0; i < wzp_message_n_fields; i++) {
    if (wzp_message_fields[i].type != message->type)
      continue;
    n++;
    if (!is_left_out (&wzp_message_fields[i], message))
      write_field (&wzp_message_fields[i], message, object);
  }
  if (n == 0) {
    json_object_unref (object);
    node = json_node_new (JSON_NODE_VALUE);
    json_node_set_string (node, name);
  } else {
    outer = json_object_new ();
    json_object_set_object_member (outer, name, object);
    node = json_node_new (JSON_NODE_OBJECT);
    json_node_take_object (node, outer);
  }
  return node;
}

char *
wzp_message_to_json (const WzpMessage *message)
{
  g_autoptr (JsonNode) root = NULL;

  g_return_val_if_fail (message->type != WZP_MESSAGE_UNKNOWN, NULL);
  if (message->type == WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD) {
    g_return_val_if_fail (message->inner != NULL, NULL);
    g_return_val_if_fail (message->inner->type != WZP_MESSAGE_UNKNOWN, NULL);
    g_return_val_if_fail (message->inner->type != message->type, NULL);
  }

  root = new_node (message);
  return json_to_string (root, FALSE);
}
