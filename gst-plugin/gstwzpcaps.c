#include "gstwzpcaps.h"

#include "gstwzpscan.h"
#include "wzp-error.h"

static gboolean
features_are_plain (const GstCapsFeatures *features)
{
  return features == NULL ||
      gst_caps_features_is_equal (
          features, GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY);
}

gboolean
gst_wzp_caps_are_plain (const GstCaps *caps)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    if (!features_are_plain (gst_caps_get_features (caps, i)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
keep_plain (
    GstCapsFeatures *features, GstStructure *structure, gpointer user_data)
{
  return features_are_plain (features);
}

GstCaps *
gst_wzp_caps_filter_plain (GstCaps *caps)
{
  caps = gst_caps_make_writable (caps);
  gst_caps_filter_and_map_in_place (caps, keep_plain, NULL);
  return caps;
}

GstCaps *
gst_wzp_caps_parse (const char *text, GError **error)
{
  g_autofree char *clean = gst_wzp_scan (text, FALSE);
  g_autoptr (GstCaps) caps = NULL;

  if (clean != NULL)
    caps = gst_caps_from_string (clean);
  if (caps == NULL || !gst_caps_is_fixed (caps)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "The peer's caps are malformed, not fixed or not of plain memory: "
        "%.200s",
        text);
    return NULL;
  }
  return g_steal_pointer (&caps);
}

static void
take_known_tag (const GstTagList *list, const char *tag, gpointer user_data)
{
  GstTagList *known = user_data;

  if (!gst_tag_exists (tag))
    return;
  for (guint i = 0; i < gst_tag_list_get_tag_size (list, tag); i++) {
    const GValue *value = gst_tag_list_get_value_index (list, tag, i);

    if (G_VALUE_HOLDS (value, gst_tag_get_type (tag)))
      gst_tag_list_add_value (known, GST_TAG_MERGE_APPEND, tag, value);
  }
}

GstTagList *
gst_wzp_tags_parse (const char *text)
{
  g_autofree char *clean = gst_wzp_scan (text, TRUE);
  g_autoptr (GstTagList) list = NULL;
  g_autoptr (GstTagList) known = gst_tag_list_new_empty ();

  if (clean != NULL && g_str_has_prefix (clean, "taglist"))
    list = gst_tag_list_new_from_string (clean);
  if (list == NULL)
    return NULL;
  gst_tag_list_foreach (list, take_known_tag, known);
  return gst_tag_list_is_empty (known) ? NULL : g_steal_pointer (&known);
}
