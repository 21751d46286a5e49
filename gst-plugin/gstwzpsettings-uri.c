#include "gstwzpsettings-private.h"

static gboolean
parse_boolean (const char *text, GValue *ret_value)
{
  static const char *const words[] = { "false", "true", "no", "yes", "0", "1" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    if (g_ascii_strcasecmp (text, words[i]) == 0) {
      g_value_set_boolean (ret_value, i % 2);
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
parse_double (
    const GstWzpSettingSpec *spec, const char *text, GValue *ret_value)
{
  char *end;
  const double number = g_ascii_strtod (text, &end);

  /* Written so that NaN is refused. */
  if (*text == '\0' || *end != '\0' || !(number >= spec->min) ||
      !(number <= spec->max))
    return FALSE;
  g_value_set_double (ret_value, number);
  return TRUE;
}

static gboolean
parse_integer (
    const GstWzpSettingSpec *spec, const char *text, GValue *ret_value)
{
  gint64 number;

  if (!g_ascii_string_to_signed (
          text, 10, (gint64) spec->min, (gint64) spec->max, &number, NULL))
    return FALSE;
  if (spec->kind == KIND_INT)
    g_value_set_int (ret_value, (int) number);
  else
    g_value_set_uint (ret_value, (guint) number);
  return TRUE;
}

static gboolean
parse_enum (const char *text, GValue *ret_value)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (G_VALUE_TYPE (ret_value));
  const GEnumValue *found =
      g_enum_get_value_by_nick (G_ENUM_CLASS (klass), text);

  if (found == NULL)
    return FALSE;
  g_value_set_enum (ret_value, found->value);
  return TRUE;
}

static gboolean
parse_caps (const char *text, GValue *ret_value)
{
  GstCaps *caps = gst_caps_from_string (text);

  if (caps == NULL)
    return FALSE;
  g_value_take_boxed (ret_value, caps);
  return TRUE;
}

/* Stricter than gst_value_deserialize(), which takes "1e3" and enum numbers. */
static gboolean
parse_value (const GstWzpSettingSpec *spec, const char *text, GValue *ret_value)
{
  switch (spec->kind) {
    case KIND_STRING:
      if (*text == '\0' || (spec->check != NULL && !spec->check (text, NULL)))
        return FALSE;
      g_value_set_string (ret_value, text);
      return TRUE;
    case KIND_BOOLEAN:
      return parse_boolean (text, ret_value);
    case KIND_UINT:
    case KIND_INT:
      return parse_integer (spec, text, ret_value);
    case KIND_DOUBLE:
      return parse_double (spec, text, ret_value);
    case KIND_ENUM:
      return parse_enum (text, ret_value);
    case KIND_CAPS:
      return parse_caps (text, ret_value);
  }
  g_return_val_if_reached (FALSE);
}

static GstWzpSetting
find_uri_key (gboolean is_sink, const char *key)
{
  const guint wanted = is_sink ? FOR_SINK : FOR_SRC;

  for (guint id = 1; id < GST_WZP_N_SETTINGS; id++) {
    if ((gst_wzp_specs[id].flags & wanted) &&
        !(gst_wzp_specs[id].flags & SECRET) &&
        g_str_equal (gst_wzp_specs[id].name, key))
      return id;
  }
  return GST_WZP_SETTING_NONE;
}

static gboolean
parse_uri_key (gboolean is_sink, const char *key, const char *text,
    GValue values[GST_WZP_N_SETTINGS], GError **error)
{
  const GstWzpSetting id = find_uri_key (is_sink, key);

  if (id == GST_WZP_SETTING_NONE) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
        "Unknown URI key '%s'", key);
    return FALSE;
  }
  if (G_IS_VALUE (&values[id])) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
        "The URI gives %s twice, as host and as key", key);
    return FALSE;
  }
  g_value_init (&values[id],
      G_PARAM_SPEC_VALUE_TYPE (gst_wzp_setting_pspec (is_sink, id)));
  if (!parse_value (&gst_wzp_specs[id], text, &values[id])) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
        "Bad value '%s' of URI key '%s'", text, key);
    return FALSE;
  }
  return TRUE;
}

gboolean
gst_wzp_settings_parse_uri (gboolean is_sink, const WzpUri *uri,
    GValue values[GST_WZP_N_SETTINGS], GError **error)
{
  if (uri->relay != NULL &&
      !parse_uri_key (is_sink, "relay", uri->relay, values, error))
    return FALSE;
  for (guint i = 0; i < uri->keys->len; i++) {
    if (!parse_uri_key (is_sink, g_ptr_array_index (uri->keys, i),
            g_ptr_array_index (uri->values, i), values, error))
      return FALSE;
  }
  return TRUE;
}
