/* What goes to journald: the fields of a line, seen by a writer of our own. */
#include "wzp-relay-log.h"
#include "wzp-test.h"

#include <string.h>

static GHashTable *fields_seen; /* owned: copies of both */
static GLogLevelFlags level_seen;

static GLogWriterOutput
on_line (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer user_data)
{
  level_seen = level;
  g_hash_table_remove_all (fields_seen);
  for (gsize i = 0; i < n_fields; i++)
    g_hash_table_insert (fields_seen, g_strdup (fields[i].key),
        fields[i].length < 0 ? g_strdup (fields[i].value)
                             : g_strndup (fields[i].value, fields[i].length));
  return G_LOG_WRITER_HANDLED;
}

static void
assert_field (const char *key, const char *value)
{
  g_assert_cmpstr (g_hash_table_lookup (fields_seen, key), ==, value);
}

static void
test_all (WzpTest *test, gconstpointer data)
{
  const WzpFingerprint who = { { 0xab, 0xcd, 1 } };
  WzpAddr addr;

  g_assert_true (wzp_addr_parse ("192.0.2.1:4433", &addr, NULL));
  wzp_log_info (WZP_ABOUT (.call_id = "c1", .who = &who, .addr = &addr,
                    .room = "cam", .link = "berlin"),
      "call %s", "c1");
  assert_field ("MESSAGE", "call c1");
  assert_field ("PRIORITY", "6");
  assert_field ("GLIB_DOMAIN", "wzp-relay");
  assert_field ("WZP_CALL_ID", "c1");
  assert_field ("WZP_PEER", "abcd:0100:0000:0000:0000:0000:0000:0000");
  assert_field ("WZP_ADDRESS", "192.0.2.1:4433");
  assert_field ("WZP_ROOM", "cam");
  assert_field ("WZP_RELAY", "berlin");
  g_assert_cmpint (level_seen, ==, G_LOG_LEVEL_INFO);
}

static void
test_none (WzpTest *test, gconstpointer data)
{
  wzp_log_notice (NULL, "nothing");
  g_assert_cmpuint (g_hash_table_size (fields_seen), ==, 3);
  assert_field ("PRIORITY", "5");
  wzp_log_debug (WZP_ABOUT (.room = "r"), "one");
  g_assert_cmpuint (g_hash_table_size (fields_seen), ==, 4);
  assert_field ("PRIORITY", "7");
  assert_field ("WZP_ROOM", "r");
  g_assert_cmpint (level_seen, ==, G_LOG_LEVEL_DEBUG);
}

static void
test_warning (WzpTest *test, gconstpointer data)
{
  g_test_summary ("A warning is one for the journal, and not fatal here");

  wzp_log_warning (NULL, "look");
  assert_field ("PRIORITY", "4");
  g_assert_cmpint (level_seen & G_LOG_LEVEL_MASK, ==, G_LOG_LEVEL_MESSAGE);
}

int
main (int argc, char **argv)
{
  int status;

  wzp_test_init (&argc, &argv);
  fields_seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_log_set_writer_func (on_line, NULL, NULL);
  wzp_test_add ("/relay-log-fields/all", NULL, test_all);
  wzp_test_add ("/relay-log-fields/none", NULL, test_none);
  wzp_test_add ("/relay-log-fields/warning", NULL, test_warning);
  status = wzp_test_run ();
  g_hash_table_unref (fields_seen);
  return status;
}
