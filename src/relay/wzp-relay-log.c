#include "wzp-relay-log.h"

#include "wzp-clock.h"

#include <stdlib.h>
#include <string.h>

#define DOMAIN "wzp-relay"

static WzpLogLevel least_level = WZP_LOG_INFO;
static FILE *text_out;
static gboolean is_installed;

/* Invisible ones that turn the order of a line round, or break it: the zero
 * width, bidi and line separators. */
static gboolean
is_harmful (gunichar c)
{
  switch (g_unichar_type (c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
      return TRUE;
    default:
      return FALSE;
  }
}

char *
wzp_relay_log_escape (const char *text, gssize len)
{
  const gsize all = len < 0 ? strlen (text) : (gsize) len;
  const char *end = text + MIN (all, WZP_LOG_MAX_LEN);
  GString *line = g_string_sized_new (end - text + 16);

  while (text < end) {
    const gunichar c = g_utf8_get_char_validated (text, end - text);

    if (c == (gunichar) -1 || c == (gunichar) -2 || *text == '\0') {
      g_string_append_printf (line, "\\x%02x", (guint) (guint8) *text);
      text++;
      continue;
    }
    if (!is_harmful (c))
      g_string_append_unichar (line, c);
    else if (c < 0x80)
      g_string_append_printf (line, "\\x%02x", c);
    else
      g_string_append_printf (line, "\\u%04x", c);
    text = g_utf8_next_char (text);
  }
  if (all > WZP_LOG_MAX_LEN)
    g_string_append (line, "...");
  return g_string_free (line, FALSE);
}

gboolean
wzp_log_limit_pass (WzpLogLimit *self, gint64 now_us, guint64 *ret_left_out)
{
  if (self->n == 0 || now_us - self->since_us >= WZP_LOG_LIMIT_US) {
    self->since_us = now_us;
    self->n = 0;
  }
  if (self->n >= WZP_LOG_LIMIT_LINES) {
    self->left_out++;
    return FALSE;
  }
  self->n++;
  *ret_left_out = self->left_out;
  self->left_out = 0;
  return TRUE;
}

static const char *
level_to_string (WzpLogLevel level)
{
  switch (level) {
    case WZP_LOG_WARNING:
      return "warning";
    case WZP_LOG_NOTICE:
      return "notice";
    case WZP_LOG_INFO:
      return "info";
    case WZP_LOG_DEBUG:
      return "debug";
  }
  return "error";
}

static const GLogField *
find_field (const GLogField *fields, gsize n, const char *key)
{
  for (gsize i = 0; i < n; i++)
    if (strcmp (fields[i].key, key) == 0)
      return &fields[i];
  return NULL;
}

/* syslog's number of a line; every line that GLib's macros make has one. */
static WzpLogLevel
level_of (const GLogField *fields, gsize n)
{
  const GLogField *priority = find_field (fields, n, "PRIORITY");

  return priority != NULL ? atoi (priority->value) : WZP_LOG_NOTICE;
}

static void
write_text (WzpLogLevel level, const char *message)
{
  FILE *out = text_out != NULL ? text_out : stderr;
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%d %H:%M:%S");

  fprintf (out, "%s %s: %s\n", time, level_to_string (level), message);
  fflush (out);
}

/* Standard output is for what other programs read. */
static GLogWriterOutput
write_log (GLogLevelFlags flags, const GLogField *fields, gsize n_fields,
    gpointer user_data)
{
  const GLogField *message = find_field (fields, n_fields, "MESSAGE");
  const WzpLogLevel level = level_of (fields, n_fields);
  g_autofree GLogField *copy = NULL;
  g_autofree char *line = NULL;

  if (level > least_level || message == NULL)
    return G_LOG_WRITER_HANDLED;
  line = wzp_relay_log_escape (message->value, message->length);
  copy = g_memdup2 (fields, n_fields * sizeof *fields);
  copy[message - fields].value = line;
  copy[message - fields].length = -1;
  if (text_out == NULL && g_log_writer_is_journald (fileno (stderr)) &&
      g_log_writer_journald (flags, copy, n_fields, NULL) ==
          G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;
  write_text (level, line);
  return G_LOG_WRITER_HANDLED;
}

void
wzp_relay_log_install (FILE *out)
{
  g_return_if_fail (!is_installed);

  is_installed = TRUE;
  text_out = out;
  g_log_set_writer_func (write_log, NULL, NULL);
}

void
wzp_relay_log_set_level (WzpLogLevel level)
{
  least_level = level;
}

static void
add_field (GLogField *fields, gsize *n, const char *key, const char *value)
{
  if (value == NULL)
    return;
  fields[(*n)++] = (GLogField){ .key = key, .value = value, .length = -1 };
}

static GLogLevelFlags
level_to_glib (WzpLogLevel level)
{
  switch (level) {
    case WZP_LOG_WARNING:
    case WZP_LOG_NOTICE:
      return G_LOG_LEVEL_MESSAGE;
    case WZP_LOG_INFO:
      return G_LOG_LEVEL_INFO;
    case WZP_LOG_DEBUG:
      return G_LOG_LEVEL_DEBUG;
  }
  g_return_val_if_reached (G_LOG_LEVEL_MESSAGE);
}

static void
log_message (WzpLogLevel level, const WzpLogAbout *about, const char *message)
{
  char who[WZP_FINGERPRINT_STRLEN], addr[WZP_ADDR_MAX_STRLEN];
  const char priority[] = { (char) ('0' + level), '\0' };
  GLogField fields[8];
  gsize n = 0;

  add_field (fields, &n, "MESSAGE", message);
  add_field (fields, &n, "PRIORITY", priority);
  add_field (fields, &n, "GLIB_DOMAIN", DOMAIN);
  if (about != NULL) {
    add_field (fields, &n, "WZP_CALL_ID", about->call_id);
    if (about->who != NULL)
      add_field (
          fields, &n, "WZP_PEER", wzp_fingerprint_to_string (about->who, who));
    if (about->addr != NULL)
      add_field (
          fields, &n, "WZP_ADDRESS", wzp_addr_to_string (about->addr, addr));
    add_field (fields, &n, "WZP_ROOM", about->room);
    add_field (fields, &n, "WZP_RELAY", about->link);
  }
  g_log_structured_array (level_to_glib (level), fields, n);
}

void
wzp_relay_log (
    WzpLogLevel level, const WzpLogAbout *about, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  if (is_installed && level > least_level)
    return;
  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  log_message (level, about, message);
}

void
wzp_relay_log_lines (
    WzpLogLevel level, const WzpLogAbout *about, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++) {
    if (*lines[i] != '\0')
      wzp_relay_log (level, about, "%s", lines[i]);
  }
}

void
wzp_relay_log_limited (WzpLogLimit *limit, WzpLogLevel level,
    const WzpLogAbout *about, const char *format, ...)
{
  g_autofree char *message = NULL;
  guint64 left_out = 0;
  va_list args;

  if (is_installed && level > least_level)
    return;
  if (!wzp_log_limit_pass (limit, wzp_clock_now_us (), &left_out))
    return;
  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  if (left_out > 0) {
    char *more = g_strdup_printf ("%s (and %" G_GUINT64_FORMAT
                                  " lines like this before)",
        message, left_out);

    g_free (message);
    message = more;
  }
  log_message (level, about, message);
}
