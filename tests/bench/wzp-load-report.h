/* wzp-load-report: the figures, for people (a table that is Markdown too) and
 * for programs (JSON). */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum {
  LOAD_NO_AIM,
  LOAD_AT_LEAST,
  LOAD_AT_MOST, /* or equal */
} LoadAim;

typedef struct _LoadReport LoadReport;

LoadReport *load_report_new (void);
void load_report_free (LoadReport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadReport, load_report_free)

/* Each prints its line at once. @digits: behind the point. */
void load_report_add (LoadReport *self, const char *part, const char *name,
    double value, guint digits, const char *unit);
void load_report_add_aim (LoadReport *self, const char *part, const char *name,
    double value, guint digits, const char *unit, LoadAim aim, double limit);
/* A part that could not be measured, or went wrong. */
void load_report_fail (LoadReport *self, const char *part, const char *why);
/* What makes the figures doubtful. */
void load_report_warn (LoadReport *self, const char *part, const char *what);
/* Of load_report_fail(). */
guint load_report_get_failures (const LoadReport *self);
/* NULL: not measured. For checks of counts. */
const double *load_report_find (
    const LoadReport *self, const char *part, const char *name);
gboolean load_report_write_json (const LoadReport *self, const char *machine,
    const char *path, GError **error);

G_END_DECLS
