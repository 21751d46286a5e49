#include "gstwzpcaps.h"

#include <string.h>

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

/* The text between the quote at @p and the next, unescaped. *ret_end: at the
 * closing quote, or the end of a text without one. */
static char *
dup_quoted (const char *p, const char **ret_end)
{
  GString *inner = g_string_new (NULL);

  for (p++; *p != '\0' && *p != '"'; p++) {
    if (*p == '\\' && p[1] != '\0')
      p++;
    g_string_append_c (inner, *p);
  }
  *ret_end = p;
  return g_string_free (inner, FALSE);
}

/* What is in quotes may be a structure that is parsed in its turn, so it is
 * looked at alike; and a bracket in quotes closes none outside. */
static gboolean
is_shallow (const char *text, guint depth)
{
  const guint outer = depth;

  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '"') {
      g_autofree char *inner = dup_quoted (p, &p);

      if (depth == GST_WZP_MAX_NESTING || !is_shallow (inner, depth + 1))
        return FALSE;
      if (*p == '\0')
        break;
    } else if (strchr ("{[<(", *p) != NULL) {
      if (depth++ == GST_WZP_MAX_NESTING)
        return FALSE;
    } else if (strchr ("}]>)", *p) != NULL && depth > outer) {
      depth--;
    }
  }
  return TRUE;
}

GstCaps *
gst_wzp_caps_parse (const char *text, GError **error)
{
  g_autoptr (GstCaps) caps = NULL;

  if (is_shallow (text, 0))
    caps = gst_caps_from_string (text);
  if (caps == NULL || !gst_caps_is_fixed (caps) ||
      !gst_wzp_caps_are_plain (caps)) {
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
  g_autoptr (GstTagList) list = NULL;
  g_autoptr (GstTagList) known = gst_tag_list_new_empty ();

  if (is_shallow (text, 0))
    list = gst_tag_list_new_from_string (text);
  if (list == NULL)
    return NULL;
  gst_tag_list_foreach (list, take_known_tag, known);
  return gst_tag_list_is_empty (known) ? NULL : g_steal_pointer (&known);
}
