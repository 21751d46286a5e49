#include "wzp-message.h"

#include <string.h>

#include "wzp-addr.h"
#include "wzp-error.h"
#include "wzp-json.h"
#include "wzp-message-fields.h"

static const char *const nat_names[] = { "cone", "symmetric", "unknown", NULL };

/* Steps of the parser return what is wrong as a static string, NULL: nothing.
 */

/* A string within @max_len bytes, without control characters. Points into
 * @node. */
static const char *
read_text (JsonNode *node, gsize max_len, const char **ret_text)
{
  const char *text;

  if (json_node_get_value_type (node) != G_TYPE_STRING)
    return "is not a string";
  text = json_node_get_string (node);
  if (strlen (text) > max_len)
    return "is too long";
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return "has a control character";
  *ret_text = text;
  return NULL;
}

/* Empty strings in the array are left out. */
static const char *
read_text_array (JsonNode *node, guint max_n, gsize max_len, char ***ret_texts)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return "is not an array";
  array = json_node_get_array (node);
  if (json_array_get_length (array) > max_n)
    return "has too many entries";
  for (guint i = 0; i < json_array_get_length (array); i++) {
    const char *text = NULL;
    const char *why =
        read_text (json_array_get_element (array, i), max_len, &text);

    if (why != NULL)
      return why;
    if (text[0] != '\0')
      g_ptr_array_add (texts, g_strdup (text));
  }
  if (texts->len > 0) {
    g_ptr_array_add (texts, NULL);
    *ret_texts = (char **) g_ptr_array_steal (texts, NULL);
  }
  return NULL;
}

static const char *
read_string (const WzpField *field, JsonNode *node, char **ret_string)
{
  const char *text = NULL;
  const char *why = read_text (node,
      field->kind == WZP_FIELD_ADDR ? WZP_ADDR_MAX_STRLEN - 1
                                    : WZP_MESSAGE_MAX_STRING,
      &text);

  if (why != NULL)
    return why;
  if (text[0] == '\0')
    return field->is_optional ? NULL : "is empty";
  if (field->kind == WZP_FIELD_NICKNAME && !wzp_alias_is_valid (text))
    return NULL;
  if (field->kind == WZP_FIELD_ALIAS && !wzp_alias_is_valid (text))
    return "is not an alias";
  if (field->kind == WZP_FIELD_CALL_ID && !wzp_call_id_is_valid (text))
    return "is not a call id";
  if (field->kind == WZP_FIELD_ROOM) {
    const WzpSniKind kind = wzp_sni_classify (text, NULL);

    if (kind != WZP_SNI_KIND_CALL_ROOM && kind != WZP_SNI_KIND_OPEN_ROOM)
      return "is not a room";
  }
  *ret_string = g_strdup (text);
  return NULL;
}

static const char *
read_bytes (const WzpField *field, JsonNode *node, WzpMessage *message)
{
  guint8 *bytes = G_STRUCT_MEMBER_P (message, field->offset);
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return "is not an array";
  array = json_node_get_array (node);
  if (json_array_get_length (array) != field->size)
    return "has the wrong length";
  for (guint i = 0; i < field->size; i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (json_node_get_value_type (element) != G_TYPE_INT64 ||
        json_node_get_int (element) < 0 ||
        json_node_get_int (element) > G_MAXUINT8)
      return "has an entry that is not a byte";
    bytes[i] = (guint8) json_node_get_int (element);
  }
  G_STRUCT_MEMBER (gboolean, message, field->has) = TRUE;
  return NULL;
}

static const char *
read_fingerprint (const WzpField *field, JsonNode *node, WzpMessage *message)
{
  const char *text = NULL;
  const char *why = read_text (node, WZP_FINGERPRINT_STRLEN - 1, &text);

  if (why != NULL)
    return why;
  if (text[0] == '\0' && field->is_optional)
    return NULL;
  if (!wzp_fingerprint_parse (
          text, G_STRUCT_MEMBER_P (message, field->offset), NULL))
    return "is not a fingerprint";
  G_STRUCT_MEMBER (gboolean, message, field->has) = TRUE;
  return NULL;
}

static const char *
read_uint (JsonNode *node, guint64 *ret_value)
{
  if (json_node_get_value_type (node) != G_TYPE_INT64)
    return "is not an integer";
  if (json_node_get_int (node) < 0 ||
      json_node_get_int (node) > WZP_MESSAGE_MAX_NUMBER)
    return "is out of range";
  *ret_value = (guint64) json_node_get_int (node);
  return NULL;
}

static const char *
read_enum (const WzpField *field, JsonNode *node, int *ret_value)
{
  const char *text = NULL;
  const char *why = read_text (node, WZP_MESSAGE_MAX_STRING, &text);
  int i;

  if (why != NULL)
    return why;
  for (i = 0; field->names[i] != NULL; i++)
    if (strcmp (field->names[i], text) == 0)
      break;
  if (field->names[i] == NULL && field->kind == WZP_FIELD_ENUM)
    return "has an unknown value";
  *ret_value = field->names[i] != NULL ? i : i - 1;
  return NULL;
}

static const char *
read_extension (JsonNode *node, WzpMessage *message)
{
  const char *why = NULL, *nat = NULL;
  JsonObject *object;
  JsonNode *member;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return "is not an object";
  object = json_node_get_object (node);
  member = json_object_get_member (object, "features");
  if (member != NULL && !JSON_NODE_HOLDS_NULL (member))
    why = read_text_array (member, WZP_MESSAGE_MAX_NAMES, WZP_MESSAGE_MAX_NAME,
        &message->features);
  member = json_object_get_member (object, "nat");
  if (why == NULL && member != NULL && !JSON_NODE_HOLDS_NULL (member))
    why = read_text (member, WZP_MESSAGE_MAX_NAME, &nat);
  if (why != NULL)
    return why;

  /* A kind of NAT that a later version knows is unknown to us. */
  if (nat != NULL && nat[0] != '\0')
    message->nat =
        g_strdup (g_strv_contains (nat_names, nat) ? nat : "unknown");
  message->has_wzp = TRUE;
  return NULL;
}

static const char *
read_field (const WzpField *field, JsonNode *node, WzpMessage *message)
{
  gpointer member = G_STRUCT_MEMBER_P (message, field->offset);

  switch (field->kind) {
    case WZP_FIELD_STRING:
    case WZP_FIELD_ADDR:
    case WZP_FIELD_CALL_ID:
    case WZP_FIELD_ROOM:
    case WZP_FIELD_ALIAS:
    case WZP_FIELD_NICKNAME:
      return read_string (field, node, member);
    case WZP_FIELD_ADDRS:
      return read_text_array (
          node, WZP_MESSAGE_MAX_ADDRS, WZP_ADDR_MAX_STRLEN - 1, member);
    case WZP_FIELD_BOOL:
      if (json_node_get_value_type (node) != G_TYPE_BOOLEAN)
        return "is not true or false";
      *(gboolean *) member = json_node_get_boolean (node);
      return NULL;
    case WZP_FIELD_UINT:
      return read_uint (node, member);
    case WZP_FIELD_BYTES:
      return read_bytes (field, node, message);
    case WZP_FIELD_FINGERPRINT:
      return read_fingerprint (field, node, message);
    case WZP_FIELD_ENUM:
    case WZP_FIELD_REASON:
      return read_enum (field, node, member);
    case WZP_FIELD_EXTENSION:
      return read_extension (node, message);
    case WZP_FIELD_PROFILE:
    case WZP_FIELD_PROFILES:
      return NULL;
  }
  g_return_val_if_reached ("cannot be read");
}

/* @object: the fields, or NULL for none. */
static gboolean
read_fields (WzpMessage *message, JsonObject *object, GError **error)
{
  for (guint i = 0; i < wzp_message_n_fields; i++) {
    const WzpField *field = &wzp_message_fields[i];
    const char *why = NULL;
    JsonNode *node = NULL;

    if (field->type != message->type || field->kind == WZP_FIELD_PROFILE ||
        field->kind == WZP_FIELD_PROFILES)
      continue;
    if (object != NULL)
      node = json_object_get_member (object, field->name);
    if (node != NULL && !JSON_NODE_HOLDS_NULL (node))
      why = read_field (field, node, message);
    else if (!field->is_optional)
      why = "is missing";
    if (why != NULL) {
      g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL, "%s: \"%s\" %s",
          wzp_message_type_to_string (message->type), field->name, why);
      return FALSE;
    }
  }
  return TRUE;
}

static WzpMessageType
type_from_name (const char *name)
{
  for (guint type = WZP_MESSAGE_UNKNOWN + 1; type <= WZP_MESSAGE_ALIAS_RESOLVED;
       type++)
    if (strcmp (name, wzp_message_type_to_string (type)) == 0)
      return type;
  return WZP_MESSAGE_UNKNOWN;
}

WzpMessage *
wzp_message_parse (const char *json, gsize len, GError **error)
{
  g_autoptr (WzpMessage) message = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GList) names = NULL;
  JsonObject *object = NULL;
  JsonNode *payload = NULL;
  const char *name = NULL;

  root = wzp_json_parse (json, len, error);
  if (root == NULL)
    return NULL;

  if (json_node_get_value_type (root) == G_TYPE_STRING) {
    name = json_node_get_string (root);
  } else if (JSON_NODE_HOLDS_OBJECT (root)) {
    names = json_object_get_members (json_node_get_object (root));
    if (names != NULL && names->next == NULL) {
      name = names->data;
      payload = json_object_get_member (json_node_get_object (root), name);
    }
  }
  if (name == NULL) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "Message is neither a string nor an object with one member");
    return NULL;
  }

  message = wzp_message_new (type_from_name (name));
  if (message->type == WZP_MESSAGE_UNKNOWN) {
    message->name = wzp_error_excerpt (name);
    return g_steal_pointer (&message);
  }
  if (payload != NULL && JSON_NODE_HOLDS_OBJECT (payload)) {
    object = json_node_get_object (payload);
  } else if (payload != NULL && !JSON_NODE_HOLDS_NULL (payload)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "%s: the fields are not an object", name);
    return NULL;
  }
  if (!read_fields (message, object, error))
    return NULL;
  return g_steal_pointer (&message);
}
