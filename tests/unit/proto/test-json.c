#include "wzp-json.h"

#include <string.h>

#include "wzp-error.h"

static void
assert_refused (const char *text, gsize len, int code, const char *why)
{
  g_autoptr (GError) error = NULL;

  g_test_message ("%.60s", text);
  g_assert_null (wzp_json_parse (text, len, &error));
  g_assert_error (error, WZP_ERROR, code);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  if (why != NULL)
    g_assert_nonnull (strstr (error->message, why));
}

static void
test_values (void)
{
  static const char *const texts[] = { "0", "-0", "1.5", "-1e5", "1E+5",
    "1e-05", "true", "false", "null", "\"\"", "[]", "{}", " [ ] ",
    "\t{\r\n\"a\" : [ 1 , 2 ] , \"b\":{}} ", "[[],[[]],{}]", "\"\\u00e9\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"caf\xc3\xa9\"", "\"\\ud83d\\ude00\"",
    "\"\\ud7ff\\ue000\"", "\"\\ud800\\udc00\"", "\"\\udbff\\udfff\"",
    "-9223372036854775808", "-99999999999999999999.5",
    "-99999999999999999999e1", "18446744073709551615",
    "123456789012345678901234567890", "\"\x7f\"" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) node = NULL;

    g_test_message ("%s", texts[i]);
    node = wzp_json_parse (texts[i], strlen (texts[i]), &error);
    g_assert_no_error (error);
    g_assert_nonnull (node);
  }
}

static void
test_tree (void)
{
  static const char text[] =
      "{\"a\":[1,-2,true,null,\"x\\u0041\\ud83d\\ude00\\n\"]}";
  g_autoptr (JsonNode) node = wzp_json_parse (text, strlen (text), NULL);
  JsonArray *array;

  g_assert_nonnull (node);
  array = json_object_get_array_member (json_node_get_object (node), "a");
  g_assert_cmpuint (json_array_get_length (array), ==, 5);
  g_assert_cmpint (json_array_get_int_element (array, 0), ==, 1);
  g_assert_cmpint (json_array_get_int_element (array, 1), ==, -2);
  g_assert_true (json_array_get_boolean_element (array, 2));
  g_assert_true (json_array_get_null_element (array, 3));
  g_assert_cmpstr (
      json_array_get_string_element (array, 4), ==, "xA\xf0\x9f\x98\x80\n");
}

static void
test_malformed (void)
{
  static const char *const texts[] = { "", " ", "{", "}", "[", "]", "\"",
    "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{1:2}", "{a:1}", "{'a':1}",
    "[1,]", "[,1]", "[1 2]", "[1]]", "{}{}", "{} x", "nul", "nulll", "True",
    "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "0x10", "1_000", "NaN",
    "Infinity", "\"\\q\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\", "\"a\nb\"",
    "\"a\tb\"", "/* c */ 1", "1 // c", "# c\n1", "var a = 1", "a = {}", "[1;2]",
    "{\"a\":1 \"b\":2}", "\"a\" \"b\"", "\xef\xbb\xbf{}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (
        texts[i], strlen (texts[i]), WZP_ERROR_PROTOCOL, "Malformed JSON");
}

static void
test_strings (void)
{
  static const struct {
    const char *text;
    const char *why;
  } cases[] = {
    { "\"a\\u0000b\"", "NUL" },
    { "\"\\ud800\"", "surrogate" },
    { "\"\\ud83dx\"", "surrogate" },
    { "\"\\ud83d\\n\"", "surrogate" },
    { "\"\\ud83d\\u0041\"", "surrogate" },
    { "\"\\ude00\"", "surrogate" },
    { "\"\\udc00\"", "surrogate" },
    { "\"\\udfff\"", "surrogate" },
    { "\"\\udbff\\udbff\"", "surrogate" },
    { "\"\\ud800\\ue000\"", "surrogate" },
    { "\"\\ude00\\ud83d\"", "surrogate" },
    { "\"\xff\"", "not UTF-8" },
    { "\"\xc0\x80\"", "not UTF-8" },
    { "\"\xed\xa0\x80\"", "not UTF-8" },
    { "\"\xf4\x90\x80\x80\"", "not UTF-8" },
    { "\"\xc3", "not UTF-8" },
  };
  static const char with_nul[] = "{\"a\":1}\0";

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i].text, strlen (cases[i].text), WZP_ERROR_PROTOCOL,
        cases[i].why);
  assert_refused (
      with_nul, sizeof with_nul - 1, WZP_ERROR_PROTOCOL, "not UTF-8");
}

static void
test_numbers (void)
{
  static const char *const refused[] = { "-9223372036854775809",
    "-9999999999999999999", "-18446744073709551615",
    "-100000000000000000000000000" };
  static const char *const wrapped[] = { "9223372036854775808",
    "18446744073709551615", "99999999999999999999999" };

  g_test_summary ("No number out of range turns up as a small positive one");

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    assert_refused (
        refused[i], strlen (refused[i]), WZP_ERROR_PROTOCOL, "out of range");
  for (guint i = 0; i < G_N_ELEMENTS (wrapped); i++) {
    g_autoptr (JsonNode) node =
        wzp_json_parse (wrapped[i], strlen (wrapped[i]), NULL);

    g_assert_nonnull (node);
    /* json-glib 1.6 wraps to below 0, later ones stay at the largest. */
    g_assert_true (
        json_node_get_int (node) < 0 || json_node_get_int (node) == G_MAXINT64);
  }
}

/* @depth arrays or objects in each other, around 1. */
static char *
nest (guint depth, gboolean is_object, gboolean is_closed)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < depth; i++)
    g_string_append (text, is_object ? "{\"\":" : "[");
  g_string_append_c (text, '1');
  for (guint i = 0; is_closed && i < depth; i++)
    g_string_append_c (text, is_object ? '}' : ']');
  return g_string_free (text, FALSE);
}

static void
test_depth (void)
{
  for (guint is_object = 0; is_object < 2; is_object++) {
    g_autofree char *deepest = nest (WZP_JSON_MAX_DEPTH, is_object, TRUE);
    g_autofree char *deeper = nest (WZP_JSON_MAX_DEPTH + 1, is_object, TRUE);
    g_autofree char *bottomless =
        nest (WZP_JSON_MAX_LEN / 4 - 1, is_object, FALSE);
    g_autoptr (JsonNode) node =
        wzp_json_parse (deepest, strlen (deepest), NULL);

    g_assert_nonnull (node);
    assert_refused (deeper, strlen (deeper), WZP_ERROR_PROTOCOL, "too deep");
    assert_refused (
        bottomless, strlen (bottomless), WZP_ERROR_PROTOCOL, "too deep");
  }
}

static void
test_depth_is_not_count (void)
{
  static const char text[] =
      "[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],{}]";
  g_autoptr (JsonNode) node = wzp_json_parse (text, strlen (text), NULL);

  g_assert_nonnull (node);
}

static void
test_size (void)
{
  g_autofree char *text = g_malloc (WZP_JSON_MAX_LEN + 1);
  g_autoptr (JsonNode) node = NULL;

  memset (text, ' ', WZP_JSON_MAX_LEN + 1);
  text[0] = '1';
  node = wzp_json_parse (text, WZP_JSON_MAX_LEN, NULL);
  g_assert_nonnull (node);
  assert_refused (text, WZP_JSON_MAX_LEN + 1, WZP_ERROR_TOO_LARGE, "65537");
}

static void
test_cut (void)
{
  static const char text[] =
      "{\"a\":[1,-2.5e3,true,null,\"x\\u0041\\ud83d\\ude00\xc3\xa9\"]}";

  g_test_summary ("Every beginning of a text is refused, and read no further");

  for (gsize len = 0; len < sizeof text - 1; len++) {
    /* Of the exact size, for a sanitizer to see a step too far. */
    g_autofree char *cut = g_memdup2 (text, len);

    g_assert_null (wzp_json_parse (len > 0 ? cut : "", len, NULL));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/json/values", test_values);
  g_test_add_func ("/json/tree", test_tree);
  g_test_add_func ("/json/malformed", test_malformed);
  g_test_add_func ("/json/strings", test_strings);
  g_test_add_func ("/json/numbers", test_numbers);
  g_test_add_func ("/json/depth", test_depth);
  g_test_add_func ("/json/depth-is-not-count", test_depth_is_not_count);
  g_test_add_func ("/json/size", test_size);
  g_test_add_func ("/json/cut", test_cut);

  return g_test_run ();
}
