#include "wzp-relay-scan.h"

#include <string.h>

typedef struct {
  const char *name;
  guint line;
  const char *group; /* the last one; owned by its entry */
  GPtrArray *entries;
  GHashTable *seen; /* "group\nkey" or "group" (owned) -> line */
} Scan;

void
wzp_relay_entry_free (WzpRelayEntry *entry)
{
  g_free (entry->group);
  g_free (entry->key);
  g_free (entry);
}

static gboolean
fail (const Scan *scan, GError **error, const char *what, const char *text)
{
  g_autofree char *excerpt = wzp_error_excerpt (text);

  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID, "%s:%u: \"%s\" %s",
      scan->name, scan->line, excerpt, what);
  return FALSE;
}

/* Takes @group and @key. */
static gboolean
add (Scan *scan, char *group, char *key, GError **error)
{
  WzpRelayEntry *entry = g_new (WzpRelayEntry, 1);
  g_autofree char *id = NULL;
  guint before;

  entry->line = scan->line;
  entry->group = group;
  entry->key = key;
  g_ptr_array_add (scan->entries, entry);
  id = key != NULL ? g_strconcat (group, "\n", key, NULL) : g_strdup (group);
  before = GPOINTER_TO_UINT (g_hash_table_lookup (scan->seen, id));
  if (before != 0) {
    g_autofree char *what = g_strdup_printf ("is in line %u already", before);

    return fail (scan, error, what, key != NULL ? key : group);
  }
  g_hash_table_insert (
      scan->seen, g_steal_pointer (&id), GUINT_TO_POINTER (scan->line));
  return TRUE;
}

static gboolean
take_group (Scan *scan, const char *line, GError **error)
{
  const char *end = strchr (line, ']');
  char *group;

  if (end == NULL || end == line + 1 || end[1] != '\0')
    return fail (scan, error, "is not the beginning of a group", line);
  group = g_strndup (line + 1, end - line - 1);
  scan->group = group;
  return add (scan, group, NULL, error);
}

static gboolean
take_key (Scan *scan, const char *line, GError **error)
{
  const char *equals = strchr (line, '=');

  if (equals == NULL || equals == line)
    return fail (
        scan, error, "is neither a key=value, a [group] nor a #comment", line);
  if (scan->group == NULL)
    return fail (scan, error, "stands before any [group]", line);
  return add (scan, g_strdup (scan->group),
      g_strchomp (g_strndup (line, equals - line)), error);
}

static gboolean
take_line (Scan *scan, char *line, GError **error)
{
  g_strstrip (line);
  if (line[0] == '\0' || line[0] == '#')
    return TRUE;
  return line[0] == '[' ? take_group (scan, line, error)
                        : take_key (scan, line, error);
}

GPtrArray *
wzp_relay_scan (const char *name, const char *text, GError **error)
{
  g_autoptr (GPtrArray) entries =
      g_ptr_array_new_with_free_func ((GDestroyNotify) wzp_relay_entry_free);
  g_autoptr (GHashTable) seen =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Scan scan = { .name = name, .entries = entries, .seen = seen };
  const char *end = text + strlen (text);

  while (text < end) {
    const char *eol = memchr (text, '\n', end - text);
    g_autofree char *line = g_strndup (text, (eol != NULL ? eol : end) - text);

    scan.line++;
    if (!take_line (&scan, line, error))
      return NULL;
    text = eol != NULL ? eol + 1 : end;
  }
  return g_steal_pointer (&entries);
}
