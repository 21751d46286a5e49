#include "gstwzpcandidates.h"

#include "wzp-message.h"

static void
set_hex (GstStructure *s, const char *field, const guint8 *bytes, gsize len)
{
  g_autoptr (GString) hex = g_string_sized_new (len * 2);

  for (gsize i = 0; i < len; i++)
    g_string_append_printf (hex, "%02x", bytes[i]);
  gst_structure_set (s, field, G_TYPE_STRING, hex->str, NULL);
}

static void
set_local (GstStructure *s, char *const *local)
{
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  for (guint i = 0; local[i] != NULL; i++) {
    GValue text = G_VALUE_INIT;

    g_value_init (&text, G_TYPE_STRING);
    g_value_set_string (&text, local[i]);
    gst_value_array_append_and_take_value (&array, &text);
  }
  gst_structure_take_value (s, "local", &array);
}

GstStructure *
gst_wzp_candidates_new (const WzpDescription *description)
{
  GstStructure *s = gst_structure_new_empty (GST_WZP_CANDIDATES_NAME);
  char text[WZP_FINGERPRINT_STRLEN];
  WzpFingerprint fingerprint;

  wzp_fingerprint_of_key (description->identity, &fingerprint);
  gst_structure_set (s, "fingerprint", G_TYPE_STRING,
      wzp_fingerprint_to_string (&fingerprint, text), NULL);
  set_hex (s, "identity", description->identity, WZP_PUBLIC_KEY_LEN);
  set_hex (s, "ephemeral", description->ephemeral, WZP_PUBLIC_KEY_LEN);
  gst_structure_set (s, "call", G_TYPE_STRING, description->nonce, NULL);
  set_hex (s, "signature", description->signature, WZP_SIGNATURE_LEN);
  if (description->reflexive != NULL)
    gst_structure_set (
        s, "reflexive", G_TYPE_STRING, description->reflexive, NULL);
  if (description->local != NULL && description->local[0] != NULL)
    set_local (s, description->local);
  if (description->relay != NULL)
    gst_structure_set (s, "relay", G_TYPE_STRING, description->relay, NULL);
  return s;
}

static gboolean
fail (GError **error, const char *field, const char *why)
{
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID, "Candidates: field '%s' %s",
      field, why);
  return FALSE;
}

static gboolean
get_hex (const GstStructure *s, const char *field, guint8 *ret_bytes, gsize len,
    GError **error)
{
  const char *hex = gst_structure_get_string (s, field);

  if (hex == NULL)
    return fail (error, field, "is missing or no string");
  if (strlen (hex) != len * 2)
    return fail (error, field, "has the wrong length");
  for (gsize i = 0; i < len; i++) {
    const int high = g_ascii_xdigit_value (hex[2 * i]);
    const int low = g_ascii_xdigit_value (hex[2 * i + 1]);

    if (high < 0 || low < 0)
      return fail (error, field, "is not hex");
    ret_bytes[i] = (guint8) (high << 4 | low);
  }
  return TRUE;
}

/* *ret_text stays NULL when there is no such field. */
static gboolean
get_text (
    const GstStructure *s, const char *field, char **ret_text, GError **error)
{
  const char *text = gst_structure_get_string (s, field);

  if (text == NULL)
    return !gst_structure_has_field (s, field) ||
        fail (error, field, "is no string");
  if (strlen (text) > GST_WZP_CANDIDATES_MAX_TEXT)
    return fail (error, field, "is too long");
  *ret_text = g_strdup (text);
  return TRUE;
}

static gboolean
get_local (const GstStructure *s, char ***ret_local, GError **error)
{
  const GValue *array = gst_structure_get_value (s, "local");
  g_autoptr (GPtrArray) local = g_ptr_array_new_with_free_func (g_free);

  if (array == NULL)
    return TRUE;
  if (!GST_VALUE_HOLDS_ARRAY (array))
    return fail (error, "local", "is no array");
  for (guint i = 0; i < gst_value_array_get_size (array) &&
       local->len < WZP_MESSAGE_MAX_ADDRS;
       i++) {
    const GValue *entry = gst_value_array_get_value (array, i);
    const char *text =
        G_VALUE_HOLDS_STRING (entry) ? g_value_get_string (entry) : NULL;

    if (text != NULL && strlen (text) < WZP_ADDR_MAX_STRLEN)
      g_ptr_array_add (local, g_strdup (text));
  }
  g_ptr_array_add (local, NULL);
  *ret_local = (char **) g_ptr_array_free (g_steal_pointer (&local), FALSE);
  return TRUE;
}

static gboolean
check_fingerprint (
    const GstStructure *s, const WzpDescription *description, GError **error)
{
  const char *text = gst_structure_get_string (s, "fingerprint");
  WzpFingerprint told, computed;

  if (text == NULL)
    return fail (error, "fingerprint", "is missing or no string");
  if (!wzp_fingerprint_parse (text, &told, NULL))
    return fail (error, "fingerprint", "is malformed");
  wzp_fingerprint_of_key (description->identity, &computed);
  return wzp_fingerprint_equal (&told, &computed) ||
      fail (error, "fingerprint", "is not that of the identity");
}

WzpDescription *
gst_wzp_candidates_parse (const GstStructure *s, GError **error)
{
  g_autoptr (WzpDescription) description = wzp_description_new ();

  if (!gst_structure_has_name (s, GST_WZP_CANDIDATES_NAME)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "A structure '%s' is not " GST_WZP_CANDIDATES_NAME,
        gst_structure_get_name (s));
    return NULL;
  }
  if (!get_hex (
          s, "identity", description->identity, WZP_PUBLIC_KEY_LEN, error) ||
      !get_hex (
          s, "ephemeral", description->ephemeral, WZP_PUBLIC_KEY_LEN, error) ||
      !get_hex (
          s, "signature", description->signature, WZP_SIGNATURE_LEN, error) ||
      !get_text (s, "call", &description->nonce, error) ||
      !get_text (s, "reflexive", &description->reflexive, error) ||
      !get_text (s, "relay", &description->relay, error) ||
      !get_local (s, &description->local, error) ||
      !check_fingerprint (s, description, error) ||
      !wzp_description_check (description, error))
    return NULL;
  return g_steal_pointer (&description);
}
