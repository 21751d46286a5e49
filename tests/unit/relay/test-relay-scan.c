#include "wzp-relay-scan.h"
#include "wzp-test.h"

#include <string.h>

static char *
scan (const char *text, GError **error)
{
  g_autoptr (GPtrArray) entries = wzp_relay_scan ("f", text, error);
  GString *all = g_string_new (NULL);

  for (guint i = 0; entries != NULL && i < entries->len; i++) {
    const WzpRelayEntry *entry = entries->pdata[i];

    g_string_append_printf (all, "%u:%s.%s ", entry->line, entry->group,
        entry->key != NULL ? entry->key : "");
  }
  return g_string_free (all, FALSE);
}

static void
test_lines (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *text, *entries;
  } cases[] = {
    { "", "" },
    { "\n \t\n# a [b]\n#c=d\n", "" },
    { "[a]\nb=c", "1:a. 2:a.b " },
    { "[a]\r\nb=c\r\n\r\n[d e]\r\nb = 1 \r\n", "1:a. 2:a.b 4:d e. 5:d e.b " },
    { "  [a]  \n\n  b  =[c]\n  # x\nd==\n", "1:a. 3:a.b 5:a.d " },
    { "[a]\nb=one\\\nc=two\n", "1:a. 2:a.b 3:a.c " }, /* no continuation */
    { "[a]\nb=", "1:a. 2:a.b " },
    { "[a]\nb[de]=x\n", "1:a. 2:a.b[de] " },
    { "[a]\nb=1\n[c]\nb=2\n", "1:a. 2:a.b 3:c. 4:c.b " },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *entries = scan (cases[i].text, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (entries, ==, cases[i].entries);
  }
}

static void
test_bad (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *text, *message;
  } cases[] = {
    { "a=b", "f:1: \"a=b\" stands before any [group]" },
    { "\n\n[a\n", "f:3: \"[a\" is not the beginning of a group" },
    { "[a]\n[]\n", "f:2: \"[]\" is not the beginning of a group" },
    { "[a] b\n", "f:1: \"[a] b\" is not the beginning of a group" },
    { "[a]\n=b\n",
        "f:2: \"=b\" is neither a key=value, a [group] nor a #comment" },
    { "[a]\r\nb\x1b[2J\r\n",
        "f:2: \"b?[2J\" is neither a key=value, a [group] nor a #comment" },
    { "[a]\nb=1\nc=2\nb=3\n", "f:4: \"b\" is in line 2 already" },
    { "[a]\nb=1\n b =3\n", "f:3: \"b\" is in line 2 already" },
    { "[a]\n[b]\n# c\n[a]\n", "f:4: \"a\" is in line 1 already" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *entries = scan (cases[i].text, &error);

    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==, cases[i].message);
    g_assert_cmpstr (entries, ==, "");
  }
}

static void
test_like_key_file (WzpTest *test, gconstpointer data)
{
  static const char *const pieces[] = { "[a]", "[b c]", "x=1", "y = 2", "#z",
    "", " ", "\r", "[", "]", "=", "\\", "w" };
  g_autoptr (GRand) rand = wzp_test_rand_new ();
  guint n_taken = 0;

  g_test_summary ("What is taken here GKeyFile takes too, and finds the same");

  for (guint i = 0; i < 20000; i++) {
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GKeyFile) file = g_key_file_new ();
    g_autoptr (GPtrArray) entries = NULL;
    g_autoptr (GError) error = NULL;

    for (int n = g_rand_int_range (rand, 1, 8); n > 0; n--) {
      g_string_append (
          text, pieces[g_rand_int_range (rand, 0, G_N_ELEMENTS (pieces))]);
      if (g_rand_int_range (rand, 0, 4) > 0)
        g_string_append_c (text, '\n');
    }
    entries = wzp_relay_scan ("f", text->str, NULL);
    if (entries == NULL)
      continue;
    n_taken++;
    g_key_file_load_from_data (
        file, text->str, text->len, G_KEY_FILE_NONE, &error);
    /* It knows rules for names that the parser's table of keys makes moot. */
    if (error != NULL)
      continue;
    for (guint j = 0; j < entries->len; j++) {
      const WzpRelayEntry *entry = entries->pdata[j];

      g_assert_true (g_key_file_has_group (file, entry->group));
      if (entry->key != NULL && strpbrk (entry->key, "[]") == NULL)
        g_assert_true (
            g_key_file_has_key (file, entry->group, entry->key, NULL));
    }
  }
  g_assert_cmpuint (n_taken, >, 1000);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/relay-scan/lines", NULL, test_lines);
  wzp_test_add ("/relay-scan/bad", NULL, test_bad);
  wzp_test_add ("/relay-scan/like-key-file", NULL, test_like_key_file);
  return wzp_test_run ();
}
