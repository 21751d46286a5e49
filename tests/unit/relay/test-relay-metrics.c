#include "wzp-relay-metrics.h"
#include "wzp-test.h"

#include <locale.h>
#include <string.h>

/* A strict reader of the text format, version 0.0.4: every family has HELP and
 * TYPE once and before its samples, which stand together; names, labels and
 * values are in order; no sample is there twice; counters end in _total. */
typedef struct {
  GHashTable *samples;  /* "name{labels}" -> value, owned */
  GHashTable *families; /* names that were finished or begun, owned */
  char *family;         /* owned: the one being read */
  gboolean has_type, is_counter;
} Reader;

static void
reader_clear (Reader *self)
{
  g_clear_pointer (&self->samples, g_hash_table_unref);
  g_clear_pointer (&self->families, g_hash_table_unref);
  g_clear_pointer (&self->family, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reader, reader_clear)

static gsize
name_length (const char *text)
{
  const gsize len = strspn (text,
      "abcdefghijklmnopqrstuvwxyz"
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");

  return g_ascii_isdigit (text[0]) ? 0 : len;
}

static void
read_help (Reader *self, const char *line)
{
  const gsize len = name_length (line);

  g_assert_cmpuint (len, >, 0);
  g_assert_true (line[len] == ' ' && line[len + 1] != '\0');
  g_free (self->family);
  self->family = g_strndup (line, len);
  self->has_type = FALSE;
  if (!g_hash_table_add (self->families, g_strdup (self->family)))
    g_error ("%s is there twice", self->family);
}

static void
read_type (Reader *self, const char *line)
{
  const gsize len = name_length (line);
  g_autofree char *name = g_strndup (line, len);

  g_assert_cmpstr (name, ==, self->family);
  g_assert_false (self->has_type);
  self->has_type = TRUE;
  self->is_counter = strcmp (line + len, " counter") == 0;
  g_assert_true (self->is_counter || strcmp (line + len, " gauge") == 0);
  g_assert_true (self->is_counter == g_str_has_suffix (name, "_total"));
}

/* From behind '{' to behind '}'. */
static const char *
read_labels (const char *pos)
{
  for (;;) {
    const gsize len = name_length (pos);

    g_assert_cmpuint (len, >, 0);
    pos += len;
    g_assert_true (pos[0] == '=' && pos[1] == '"');
    for (pos += 2; *pos != '"'; pos++) {
      g_assert_true (*pos != '\0');
      if (*pos == '\\') {
        pos++;
        g_assert_true (*pos == '\\' || *pos == '"' || *pos == 'n');
      }
    }
    pos++;
    if (*pos == '}')
      return pos + 1;
    g_assert_true (*pos++ == ',');
  }
}

static void
read_sample (Reader *self, const char *line)
{
  const gsize len = name_length (line);
  g_autofree char *name = g_strndup (line, len);
  const char *pos = line + len;
  char *id, *value;

  g_assert_cmpstr (name, ==, self->family);
  g_assert_true (self->has_type);
  if (*pos == '{')
    pos = read_labels (pos + 1);
  id = g_strndup (line, pos - line);
  g_assert_true (*pos++ == ' ');
  g_assert_cmpuint (strspn (pos, "0123456789."), ==, strlen (pos));
  g_assert_true (g_ascii_isdigit (*pos));
  value = g_strdup (pos);
  if (!g_hash_table_insert (self->samples, id, value))
    g_error ("%s is there twice", id);
}

static void
read_all (Reader *self, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  const guint n = g_strv_length (lines);

  self->samples =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->families =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_cmpstr (lines[n - 1], ==, ""); /* it ends with a line's end */
  for (guint i = 0; i < n - 1; i++)
    if (g_str_has_prefix (lines[i], "# HELP "))
      read_help (self, lines[i] + 7);
    else if (g_str_has_prefix (lines[i], "# TYPE "))
      read_type (self, lines[i] + 7);
    else
      read_sample (self, lines[i]);
}

static void
assert_value (const Reader *reader, const char *id, const char *value)
{
  const char *found = g_hash_table_lookup (reader->samples, id);

  if (g_strcmp0 (found, value) != 0)
    g_error ("%s is %s and not %s", id, found, value);
}

static const WzpRelayProcess process = { 1000, 2500001, 3000000, 4, 5 };

static void
test_empty (WzpTest *test, gconstpointer data)
{
  const WzpRelayProcess none = { -1, -1, -1, -1, -1 };
  WzpRelayStats stats = { { 0 } };
  g_autofree char *text = wzp_relay_metrics_format (&stats, &none, FALSE);
  g_auto (Reader) reader = { NULL };

  read_all (&reader, text);
  assert_value (
      &reader, "wzp_relay_build_info{version=\"" WZP_VERSION "\"}", "1");
  assert_value (&reader, "wzp_relay_draining", "0");
  assert_value (&reader, "wzp_relay_clients", "0");
  assert_value (&reader, "process_open_fds", NULL);
  g_assert_null (strstr (text, "process_"));
}

static void
test_values (WzpTest *test, gconstpointer data)
{
  WzpRelayStats stats = {
    .registry = { .clients = 7, .calls_total = G_MAXUINT64 },
    .quota = { .refused_rooms = 8 },
    .endpoint = { .udp = { .bytes_sent = 9 }, .handshakes = G_MAXUINT },
    .dropped_full = 10,
    .forwarded_bytes = G_GUINT64_CONSTANT (1) << 40,
  };
  g_autofree char *text = wzp_relay_metrics_format (&stats, &process, TRUE);
  g_auto (Reader) reader = { NULL };

  read_all (&reader, text);
  assert_value (&reader, "wzp_relay_draining", "1");
  assert_value (&reader, "wzp_relay_clients", "7");
  assert_value (&reader, "wzp_relay_calls_total", "18446744073709551615");
  assert_value (&reader, "wzp_relay_quota_refused_total{what=\"room\"}", "8");
  assert_value (&reader, "wzp_relay_udp_sent_bytes_total", "9");
  assert_value (&reader, "wzp_relay_handshakes", "4294967295");
  assert_value (
      &reader, "wzp_relay_dropped_datagrams_total{reason=\"full\"}", "10");
  assert_value (&reader, "wzp_relay_forwarded_bytes_total", "1099511627776");
  assert_value (&reader, "process_resident_memory_bytes", "1000");
  assert_value (&reader, "process_cpu_seconds_total", "2.500001");
  assert_value (&reader, "process_start_time_seconds", "3.000000");
  assert_value (&reader, "process_open_fds", "4");
  assert_value (&reader, "process_max_fds", "5");
}

static void
test_links (WzpTest *test, gconstpointer data)
{
  WzpRelayStats stats = {
    .links = { { "north", TRUE, 20500, 3, 4 },
        { "a\"b\\c\nd", FALSE, -1, 5, 6 } },
    .n_links = 2,
  };
  g_autofree char *text = wzp_relay_metrics_format (&stats, &process, FALSE);
  static const char odd[] = "a\\\"b\\\\c\\nd";
  g_autofree char *odd_up =
      g_strdup_printf ("wzp_relay_link_up{peer=\"%s\"}", odd);
  g_autofree char *odd_rtt =
      g_strdup_printf ("wzp_relay_link_rtt_seconds{peer=\"%s\"}", odd);
  g_auto (Reader) reader = { NULL };

  read_all (&reader, text);
  assert_value (&reader, "wzp_relay_link_up{peer=\"north\"}", "1");
  assert_value (
      &reader, "wzp_relay_link_rtt_seconds{peer=\"north\"}", "0.020500");
  assert_value (
      &reader, "wzp_relay_link_sent_datagrams_total{peer=\"north\"}", "3");
  assert_value (
      &reader, "wzp_relay_link_received_datagrams_total{peer=\"north\"}", "4");
  assert_value (&reader, odd_up, "0");
  assert_value (&reader, odd_rtt, NULL);
}

/* What the compiler puts between a guint and a guint64: behind quota.accounts,
 * that is 4 bytes. */
#define PADDING_WORDS 1u

static void
test_all_there (WzpTest *test, gconstpointer data)
{
  const gsize n = G_STRUCT_OFFSET (WzpRelayStats, links) / sizeof (guint32);
  const WzpRelayStats zero = { { 0 } };
  g_autofree char *before = wzp_relay_metrics_format (&zero, &process, FALSE);
  guint n_unseen = 0;

  g_test_summary ("Each 4 bytes of the statistics show: a counter that is "
                  "added there is to be added to the metrics");

  for (gsize i = 0; i < n; i++) {
    const guint32 one = 1;
    WzpRelayStats stats = zero;
    g_autofree char *after = NULL;

    memcpy ((guint8 *) &stats + i * sizeof one, &one, sizeof one);
    after = wzp_relay_metrics_format (&stats, &process, FALSE);
    if (strcmp (before, after) != 0)
      continue;
    n_unseen++;
    g_test_message (
        "nothing shows of the 4 bytes from %u", (guint) (i * sizeof one));
  }
  g_assert_cmpuint (n_unseen, ==, PADDING_WORDS);
}

static void
test_locale (WzpTest *test, gconstpointer data)
{
  WzpRelayStats stats = { { 0 } };
  g_auto (Reader) reader = { NULL };
  g_autofree char *text = NULL;

  g_test_summary ("A comma in the locale's numbers is none in these");

  if (setlocale (LC_ALL, "de_DE.UTF-8") == NULL)
    g_test_message ("there is no such locale here");
  text = wzp_relay_metrics_format (&stats, &process, FALSE);
  setlocale (LC_ALL, "C");
  read_all (&reader, text);
  assert_value (&reader, "process_cpu_seconds_total", "2.500001");
}

static void
test_process (WzpTest *test, gconstpointer data)
{
  const gint64 now_us = g_get_real_time ();
  WzpRelayProcess own;

  wzp_relay_process_read (&own);
  g_assert_cmpint (own.resident_bytes, >, 100000);
  g_assert_cmpint (own.cpu_us, >, 0);
  g_assert_cmpint (own.open_fds, >=, 3);
  g_assert_cmpint (own.open_fds, <, 1000);
  /* Between a day ago and a second from now. */
  g_assert_cmpint (own.start_us, <, now_us + (gint64) G_USEC_PER_SEC);
  g_assert_cmpint (own.start_us, >, now_us - 86400 * (gint64) G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-metrics/empty", NULL, test_empty);
  wzp_test_add ("/relay-metrics/values", NULL, test_values);
  wzp_test_add ("/relay-metrics/links", NULL, test_links);
  wzp_test_add ("/relay-metrics/all-there", NULL, test_all_there);
  wzp_test_add ("/relay-metrics/locale", NULL, test_locale);
  wzp_test_add ("/relay-metrics/process", NULL, test_process);
  return wzp_test_run ();
}
