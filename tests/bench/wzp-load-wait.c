#include "wzp-load-wait.h"

#include <stdio.h>
#include <unistd.h>

#define TELL_MS 200u

typedef struct {
  LoadTell tell;
  gpointer user_data;
} Progress;

static gboolean
on_tell (gpointer user_data)
{
  const Progress *self = user_data;
  g_autofree char *text = NULL;

  if (self->tell == NULL || !isatty (STDERR_FILENO))
    return G_SOURCE_CONTINUE;
  text = self->tell (self->user_data);
  fprintf (stderr, "\r  %-70s", text);
  return G_SOURCE_CONTINUE;
}

gboolean
load_wait (LoadCondition condition, LoadTell tell, gpointer user_data,
    guint timeout_ms)
{
  const gint64 deadline_us =
      g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  Progress progress = { tell, user_data };
  /* Also wakes the loop up for the deadline. */
  const guint source = g_timeout_add (TELL_MS, on_tell, &progress);
  gboolean is_so;

  while (
      !(is_so = condition (user_data)) && g_get_monotonic_time () < deadline_us)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
  if (tell != NULL && isatty (STDERR_FILENO))
    fprintf (stderr, "\r%74s\r", "");
  return is_so;
}

static gboolean
never (gpointer user_data)
{
  return FALSE;
}

static char *
tell_what (gpointer user_data)
{
  return g_strdup (user_data);
}

void
load_wait_for (guint ms, const char *what)
{
  load_wait (never, tell_what, (gpointer) what, ms);
}
