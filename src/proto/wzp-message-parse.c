#include "wzp-message.h"

#include <string.h>

#include "wzp-addr.h"
#include "wzp-error.h"
#include "wzp-json.h"
#include "wzp-message-fields.h"

static WzpMessage *
parse_node (JsonNode *root, gboolean is_inner, GError **error);

static const char *const nat_names[] = { "none", "cone", "symmetric", "unknown",
  NULL };

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

/* As printed; texts that are no fingerprints are left out. */
static const char *
read_fingerprints (JsonNode *node, char ***ret_texts)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  char buf[WZP_FINGERPRINT_STRLEN];
  WzpFingerprint fp;
  JsonArray *array;
  guint n;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return "is not an array";
  array = json_node_get_array (node);
  n = MIN (json_array_get_length (array), WZP_MESSAGE_MAX_LISTED);
  for (guint i = 0; i < n; i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (json_node_get_value_type (element) != G_TYPE_STRING)
      return "has an entry that is not a string";
    if (wzp_fingerprint_parse (json_node_get_string (element), &fp, NULL))
      g_ptr_array_add (texts, g_strdup (wzp_fingerprint_to_string (&fp, buf)));
  }
  if (texts->len > 0) {
    g_ptr_array_add (texts, NULL);
    *ret_texts = (char **) g_ptr_array_steal (texts, NULL);
  }
  return NULL;
}

/* A text of @entry within @max_len; NULL where there is none that fits. */
static const char *
find_text (JsonObject *entry, const char *name, gsize max_len)
{
  JsonNode *node = json_object_get_member (entry, name);
  const char *text = NULL;

  if (node == NULL || read_text (node, max_len, &text) != NULL ||
      text[0] == '\0')
    return NULL;
  return text;
}

/* FALSE: it has no fingerprint; @ret_participant is then untouched. */
static gboolean
read_participant (JsonObject *entry, WzpParticipant *ret_participant)
{
  const char *fp = find_text (entry, "fingerprint", WZP_FINGERPRINT_STRLEN - 1);
  const char *alias = find_text (entry, "alias", WZP_ALIAS_MAX_LEN);

  if (fp == NULL ||
      !wzp_fingerprint_parse (fp, &ret_participant->fingerprint, NULL))
    return FALSE;
  if (wzp_alias_is_valid (alias))
    ret_participant->alias = g_strdup (alias);
  ret_participant->relay_label =
      g_strdup (find_text (entry, "relay_label", WZP_MESSAGE_MAX_LABEL));
  return TRUE;
}

static const char *
read_participants (JsonNode *node, WzpMessage *message)
{
  JsonArray *array;
  guint n;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return "is not an array";
  array = json_node_get_array (node);
  n = MIN (json_array_get_length (array), WZP_MESSAGE_MAX_LISTED);
  message->participants = g_new0 (WzpParticipant, n);
  for (guint i = 0; i < n; i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_OBJECT (element))
      return "has an entry that is not an object";
    if (read_participant (json_node_get_object (element),
            &message->participants[message->n_participants]))
      message->n_participants++;
  }
  return NULL;
}

static const char *
read_uint (JsonNode *node, gint64 max, guint64 *ret_value)
{
  if (json_node_get_value_type (node) != G_TYPE_INT64)
    return "is not an integer";
  if (json_node_get_int (node) < 0 || json_node_get_int (node) > max)
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
    case WZP_FIELD_FINGERPRINTS:
      return read_fingerprints (node, member);
    case WZP_FIELD_PARTICIPANTS:
      return read_participants (node, message);
    case WZP_FIELD_BOOL:
      if (json_node_get_value_type (node) != G_TYPE_BOOLEAN)
        return "is not true or false";
      *(gboolean *) member = json_node_get_boolean (node);
      return NULL;
    case WZP_FIELD_UINT:
      return read_uint (node, WZP_MESSAGE_MAX_NUMBER, member);
    case WZP_FIELD_PORT:
      return read_uint (node, G_MAXUINT16, member);
    case WZP_FIELD_BYTES:
      return read_bytes (field, node, message);
    case WZP_FIELD_FINGERPRINT:
      return read_fingerprint (field, node, message);
    case WZP_FIELD_ENUM:
    case WZP_FIELD_REASON:
      return read_enum (field, node, member);
    case WZP_FIELD_EXTENSION:
      return read_extension (node, message);
    case WZP_FIELD_INNER: /* by read_inner(), which has an error to tell */
    case WZP_FIELD_PROFILE:
    case WZP_FIELD_PROFILES:
      return NULL;
  }
  g_return_val_if_reached ("cannot be read");
}

static gboolean
read_inner (
    const WzpField *field, JsonNode *node, WzpMessage *message, GError **error)
{
  WzpMessage **member = G_STRUCT_MEMBER_P (message, field->offset);

  *member = parse_node (node, TRUE, error);
  if (*member == NULL)
    g_prefix_error (error,
        "%s: \"%s\" is malformed: ", wzp_message_type_to_string (message->type),
        field->name);
  return *member != NULL;
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
    if (node != NULL && !JSON_NODE_HOLDS_NULL (node)) {
      if (field->kind == WZP_FIELD_INNER &&
          !read_inner (field, node, message, error))
        return FALSE;
      why = read_field (field, node, message);
    } else if (!field->is_optional) {
      why = "is missing";
    }
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
  for (guint type = WZP_MESSAGE_UNKNOWN + 1; type <= WZP_MESSAGE_TYPE_LAST;
       type++)
    if (strcmp (name, wzp_message_type_to_string (type)) == 0)
      return type;
  return WZP_MESSAGE_UNKNOWN;
}

/* @is_inner: it stands in a forward, and so is none itself: that bounds the
 * recursion. */
static WzpMessage *
parse_node (JsonNode *root, gboolean is_inner, GError **error)
{
  g_autoptr (WzpMessage) message = NULL;
  g_autoptr (GList) names = NULL;
  JsonObject *object = NULL;
  JsonNode *payload = NULL;
  const char *name = NULL;

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
  if (is_inner && message->type == WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "%s: stands in another one", name);
    return NULL;
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

WzpMessage *
wzp_message_parse (const char *json, gsize len, GError **error)
{
  g_autoptr (JsonNode) root = wzp_json_parse (json, len, error);

  return root != NULL ? parse_node (root, FALSE, error) : NULL;
}
