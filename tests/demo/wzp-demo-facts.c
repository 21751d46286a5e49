#include "wzp-demo-facts.h"

double
demo_facts_double (const GstStructure *result, const char *name, double absent)
{
  double value = absent;

  gst_structure_get_double (result, name, &value);
  return value;
}

guint64
demo_facts_count (const GstStructure *result, const char *name)
{
  guint64 value = 0;

  gst_structure_get_uint64 (result, name, &value);
  return value;
}

const char *
demo_facts_string (const GstStructure *result, const char *name)
{
  const char *value = gst_structure_get_string (result, name);

  return value != NULL ? value : "";
}

/* A field of an enum of the plugin's. */
static char *
dup_enum (const GstStructure *s, const char *name)
{
  const GValue *value = gst_structure_get_value (s, name);

  return value != NULL ? gst_value_serialize (value) : g_strdup ("none");
}

static void
append_dial (GString *text, const GstStructure *dial)
{
  const char *reason = gst_structure_get_string (dial, "reason");
  const char *type = demo_facts_string (dial, "type");
  const char *address = demo_facts_string (dial, "address");
  const double took_ms = demo_facts_double (dial, "took-ms", -1.0);

  g_string_append_printf (text, "%s%s", text->len > 0 ? "; " : "", address);
  if (!g_str_equal (type, address))
    g_string_append_printf (text, " (%s)", type);
  g_string_append_printf (text, " %s", demo_facts_string (dial, "state"));
  if (took_ms >= 0.0)
    g_string_append_printf (text, " after %.1f ms", took_ms);
  if (reason != NULL)
    g_string_append_printf (text, ": %s", reason);
}

static void
append_path (GString *text, const GstStructure *path)
{
  g_autofree char *name = dup_enum (path, "path");

  g_string_append_printf (text, "%s%s %s - %s %s, rtt %.2f ms",
      text->len > 0 ? "; " : "", name, demo_facts_string (path, "local"),
      demo_facts_string (path, "remote"), demo_facts_string (path, "state"),
      demo_facts_double (path, "rtt-ms", 0.0));
}

/* Sets the field @name to the text of all structures in the array @array of
 * @from. */
static void
set_list (GstStructure *result, const char *name, const GstStructure *from,
    const char *array, void (*append) (GString *text, const GstStructure *item))
{
  const GValue *items =
      from != NULL ? gst_structure_get_value (from, array) : NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; items != NULL && i < gst_value_array_get_size (items); i++)
    append (
        text, gst_value_get_structure (gst_value_array_get_value (items, i)));
  gst_structure_set (result, name, G_TYPE_STRING, text->str, NULL);
}

static void
add_race (GstStructure *result, const GstStructure *race)
{
  g_autofree char *winner = dup_enum (race, "winner");

  gst_structure_set (result, "winner", G_TYPE_STRING, winner, "connect-ms",
      G_TYPE_DOUBLE, demo_facts_double (race, "time-to-connect-ms", -1.0),
      "media-ms", G_TYPE_DOUBLE,
      demo_facts_double (race, "time-to-first-media-ms", -1.0), "direct-ms",
      G_TYPE_DOUBLE, demo_facts_double (race, "time-to-direct-ms", -1.0), NULL);
  set_list (result, "dials", race, "candidates", append_dial);
}

/* The addresses that the peer was told. */
static void
add_candidates (GstStructure *result, const GstStructure *stats)
{
  const GValue *local = gst_structure_get_value (stats, "local-candidates");
  const char *reflexive = demo_facts_string (stats, "reflexive");
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; local != NULL && i < gst_value_array_get_size (local); i++)
    g_string_append_printf (text, "%s%s (host)", text->len > 0 ? ", " : "",
        g_value_get_string (gst_value_array_get_value (local, i)));
  if (*reflexive != '\0')
    g_string_append_printf (text, "%s%s (as the relay sees it)",
        text->len > 0 ? ", " : "", reflexive);
  gst_structure_set (result, "candidates", G_TYPE_STRING, text->str, NULL);
}

void
demo_facts_add_stats (GstStructure *result, const GstStructure *stats)
{
  const GValue *race = gst_structure_get_value (stats, "race");

  if (race != NULL)
    add_race (result, gst_value_get_structure (race));
  add_candidates (result, stats);
  set_list (result, "paths", stats, "paths", append_path);
  gst_structure_set (result, "rtt-ms", G_TYPE_DOUBLE,
      demo_facts_double (stats, "rtt-ms", -1.0), "sent", G_TYPE_UINT64,
      demo_facts_count (stats, "frames-sent"), "received", G_TYPE_UINT64,
      demo_facts_count (stats, "frames-received"), "lost", G_TYPE_UINT64,
      demo_facts_count (stats, "frames-lost"), "dropped", G_TYPE_UINT64,
      demo_facts_count (stats, "frames-dropped"), NULL);
}
