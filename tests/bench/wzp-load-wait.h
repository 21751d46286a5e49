/* wzp-load-wait: runs the main loop until something is so, with a deadline, and
 * says on a terminal how far it is. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef gboolean (*LoadCondition) (gpointer user_data);

/* What to say while waiting (transfer full). */
typedef char *(*LoadTell) (gpointer user_data);

/* FALSE: not within @timeout_ms. @tell nullable. */
gboolean load_wait (LoadCondition condition, LoadTell tell, gpointer user_data,
    guint timeout_ms);
/* For @ms, whatever happens. */
void load_wait_for (guint ms, const char *what);

G_END_DECLS
