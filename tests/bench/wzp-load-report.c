#include "wzp-load-report.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  char *part, *name, *unit; /* owned */
  double value, limit;
  LoadAim aim;
} Figure;

struct _LoadReport {
  GPtrArray *figures;  /* of Figure, owned */
  GPtrArray *failures; /* of text, owned */
  GPtrArray *warnings; /* the same */
};

static void
free_figure (gpointer data)
{
  Figure *figure = data;

  g_free (figure->part);
  g_free (figure->name);
  g_free (figure->unit);
  g_free (figure);
}

LoadReport *
load_report_new (void)
{
  LoadReport *self = g_new0 (LoadReport, 1);

  self->figures = g_ptr_array_new_with_free_func (free_figure);
  self->failures = g_ptr_array_new_with_free_func (g_free);
  self->warnings = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
load_report_free (LoadReport *self)
{
  g_ptr_array_unref (self->figures);
  g_ptr_array_unref (self->failures);
  g_ptr_array_unref (self->warnings);
  g_free (self);
}

static gboolean
is_reached (const Figure *figure)
{
  return figure->aim == LOAD_AT_LEAST ? figure->value >= figure->limit
                                      : figure->value <= figure->limit;
}

static void
print_line (const LoadReport *self, const Figure *figure, guint digits)
{
  const Figure *before = self->figures->len > 1
      ? g_ptr_array_index (self->figures, self->figures->len - 2)
      : NULL;
  g_autofree char *aim = NULL;

  if (before == NULL)
    printf ("| %-7s | %-44s | %20s | %-12s | %-7s |\n|%.9s|%.46s|%.21s:|%.14s|"
            "%.9s|\n",
        "part", "figure", "value", "aim", "", "---------",
        "----------------------------------------------",
        "---------------------", "--------------", "---------");
  if (figure->aim != LOAD_NO_AIM)
    aim = g_strdup_printf ("%s %.4g",
        figure->aim == LOAD_AT_LEAST ? "at least" : "at most", figure->limit);
  printf ("| %-7s | %-44s | %12.*f %-7s | %-12s | %-7s |\n",
      before != NULL && strcmp (before->part, figure->part) == 0 ? ""
                                                                 : figure->part,
      figure->name, (int) digits, figure->value, figure->unit,
      aim != NULL ? aim : "",
      figure->aim == LOAD_NO_AIM ? ""
          : is_reached (figure)  ? "reached"
                                 : "MISSED");
  fflush (stdout);
}

void
load_report_add_aim (LoadReport *self, const char *part, const char *name,
    double value, guint digits, const char *unit, LoadAim aim, double limit)
{
  Figure *figure = g_new0 (Figure, 1);

  figure->part = g_strdup (part);
  figure->name = g_strdup (name);
  figure->unit = g_strdup (unit);
  figure->value = value;
  figure->aim = aim;
  figure->limit = limit;
  g_ptr_array_add (self->figures, figure);
  print_line (self, figure, digits);
}

void
load_report_add (LoadReport *self, const char *part, const char *name,
    double value, guint digits, const char *unit)
{
  load_report_add_aim (self, part, name, value, digits, unit, LOAD_NO_AIM, 0.0);
}

static void
note (GPtrArray *notes, const char *part, const char *what)
{
  char *text = g_strdup_printf ("%s: %s", part, what);

  g_ptr_array_add (notes, text);
  fprintf (stderr, "wzp-load: %s\n", text);
}

void
load_report_fail (LoadReport *self, const char *part, const char *why)
{
  note (self->failures, part, why);
}

void
load_report_warn (LoadReport *self, const char *part, const char *what)
{
  note (self->warnings, part, what);
}

guint
load_report_get_failures (const LoadReport *self)
{
  return self->failures->len;
}

const double *
load_report_find (const LoadReport *self, const char *part, const char *name)
{
  for (guint i = 0; i < self->figures->len; i++) {
    const Figure *figure = g_ptr_array_index (self->figures, i);

    if (strcmp (figure->part, part) == 0 && strcmp (figure->name, name) == 0)
      return &figure->value;
  }
  return NULL;
}

static void
add_figure (JsonBuilder *builder, const Figure *figure)
{
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "part");
  json_builder_add_string_value (builder, figure->part);
  json_builder_set_member_name (builder, "figure");
  json_builder_add_string_value (builder, figure->name);
  json_builder_set_member_name (builder, "value");
  json_builder_add_double_value (builder, figure->value);
  json_builder_set_member_name (builder, "unit");
  json_builder_add_string_value (builder, figure->unit);
  if (figure->aim != LOAD_NO_AIM) {
    json_builder_set_member_name (
        builder, figure->aim == LOAD_AT_LEAST ? "at-least" : "at-most");
    json_builder_add_double_value (builder, figure->limit);
    json_builder_set_member_name (builder, "reached");
    json_builder_add_boolean_value (builder, is_reached (figure));
  }
  json_builder_end_object (builder);
}

static void
add_notes (JsonBuilder *builder, const char *name, const GPtrArray *notes)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < notes->len; i++)
    json_builder_add_string_value (builder, g_ptr_array_index (notes, i));
  json_builder_end_array (builder);
}

gboolean
load_report_write_json (const LoadReport *self, const char *machine,
    const char *path, GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "machine");
  json_builder_add_string_value (builder, machine);
  json_builder_set_member_name (builder, "figures");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->figures->len; i++)
    add_figure (builder, g_ptr_array_index (self->figures, i));
  json_builder_end_array (builder);
  add_notes (builder, "failures", self->failures);
  add_notes (builder, "warnings", self->warnings);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, TRUE);
  return json_generator_to_file (generator, path, error);
}
