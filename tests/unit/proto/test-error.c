#include "wzp-error.h"

#include <string.h>

static void
test_quark (void)
{
  g_assert_cmpstr (g_quark_to_string (WZP_ERROR), ==, "wzp-error-quark");
}

static void
test_excerpt (void)
{
  static const struct {
    const char *text;
    const char *excerpt;
  } cases[] = {
    { "", "" },
    { "plain", "plain" },
    { "a\nb\x1b[2Jc\x7f", "a?b?[2Jc?" },
    { "caf\xc3\xa9", "caf\xc3\xa9" },
    { "c1 \xc2\x9b end", "c1 ? end" },
    { "bad \xff\xc3 utf", "bad \xef\xbf\xbd\xef\xbf\xbd utf" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *excerpt = wzp_error_excerpt (cases[i].text);

    g_assert_cmpstr (excerpt, ==, cases[i].excerpt);
  }
}

static void
test_excerpt_is_cut (void)
{
  g_test_summary ("At most 64 bytes are taken, and no character is cut");

  for (guint n = 60; n < 70; n++) {
    g_autoptr (GString) text = g_string_new (NULL);
    g_autofree char *excerpt = NULL;

    for (guint i = 0; i < n; i++)
      g_string_append_c (text, 'x');
    g_string_append (text, "\xe2\x82\xac"); /* 3 bytes */
    excerpt = wzp_error_excerpt (text->str);

    g_assert_true (g_utf8_validate (excerpt, -1, NULL));
    g_assert_true (g_str_has_prefix (text->str, excerpt));
    g_assert_cmpuint (strlen (excerpt), ==,
        n + 3 <= WZP_EXCERPT_MAX_LEN ? n + 3 : MIN (n, WZP_EXCERPT_MAX_LEN));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/error/quark", test_quark);
  g_test_add_func ("/error/excerpt", test_excerpt);
  g_test_add_func ("/error/excerpt-is-cut", test_excerpt_is_cut);

  return g_test_run ();
}
