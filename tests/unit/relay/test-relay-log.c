#include "wzp-relay-log.h"
#include "wzp-test.h"

#include <stdlib.h>
#include <string.h>

static void
test_escape (WzpTest *test, gconstpointer data)
{
  static const struct {
    const char *text;
    gssize len;
    const char *line;
  } cases[] = {
    { "plain, gr\xc3\xbc\xc3\x9f", -1, "plain, gr\xc3\xbc\xc3\x9f" },
    { "", -1, "" }, { "a\nb\r\tc", -1, "a\\x0ab\\x0d\\x09c" },
    { "\x1b[31mred\x07\x7f", -1, "\\x1b[31mred\\x07\\x7f" },
    { "nul\0here", 8, "nul\\x00here" }, { "\xff\xc3", -1, "\\xff\\xc3" },
    { "\xc2\x9b"
      "31m",
        -1, "\\u009b31m" }, /* C1: CSI in one */
    { "\xe2\x80\xae"
      "evil",
        -1, "\\u202eevil" },           /* right to left */
    { "\xe2\x80\xa8", -1, "\\u2028" }, /* line separator */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *line = wzp_relay_log_escape (cases[i].text, cases[i].len);

    g_assert_cmpstr (line, ==, cases[i].line);
  }
}

static void
test_escape_bounds (WzpTest *test, gconstpointer data)
{
  g_autofree char *text = g_strnfill (WZP_LOG_MAX_LEN + 1, 'x');
  g_autofree char *line = wzp_relay_log_escape (text, -1);
  g_autofree char *whole = NULL;
  g_autofree char *half = NULL;

  g_assert_cmpuint (strlen (line), ==, WZP_LOG_MAX_LEN + 3);
  g_assert_true (g_str_has_suffix (line, "x..."));
  text[WZP_LOG_MAX_LEN] = '\0';
  whole = wzp_relay_log_escape (text, -1);
  g_assert_cmpstr (whole, ==, text);

  /* A character that the end cuts through is not read beyond it. */
  text[WZP_LOG_MAX_LEN - 1] = (char) 0xe2;
  half = wzp_relay_log_escape (text, -1);
  g_assert_true (g_str_has_suffix (half, "x\\xe2"));
}

static void
test_escape_random (WzpTest *test, gconstpointer data)
{
  g_autoptr (GRand) rand = wzp_test_rand_new ();

  g_test_summary ("Whatever comes in, one clean line comes out");

  for (guint i = 0; i < 5000; i++) {
    char text[40];
    const gsize len = g_rand_int_range (rand, 0, sizeof text);
    g_autofree char *line = NULL;

    for (gsize j = 0; j < len; j++)
      text[j] = (char) g_rand_int_range (rand, 0, 256);
    line = wzp_relay_log_escape (text, len);
    g_assert_true (g_utf8_validate (line, -1, NULL));
    for (const char *p = line; *p != '\0'; p = g_utf8_next_char (p))
      g_assert_false (g_unichar_iscntrl (g_utf8_get_char (p)));
  }
}

static void
test_limit (WzpTest *test, gconstpointer data)
{
  WzpLogLimit limit = { 0 };
  guint64 left_out = 99;
  gint64 now = 5;

  for (guint i = 0; i < WZP_LOG_LIMIT_LINES; i++) {
    g_assert_true (wzp_log_limit_pass (&limit, now++, &left_out));
    g_assert_cmpuint (left_out, ==, 0);
  }
  for (guint i = 0; i < 1000; i++)
    g_assert_false (wzp_log_limit_pass (&limit, now, &left_out));
  now = 5 + WZP_LOG_LIMIT_US - 1;
  g_assert_false (wzp_log_limit_pass (&limit, now, &left_out));
  now++;
  g_assert_true (wzp_log_limit_pass (&limit, now, &left_out));
  g_assert_cmpuint (left_out, ==, 1001);
  g_assert_true (wzp_log_limit_pass (&limit, now, &left_out));
  g_assert_cmpuint (left_out, ==, 0);
}

/* ---- the writer: what it made of a line ---- */

static FILE *out;
static char *text;
static size_t len;

static const char *
take_text (void)
{
  static char copy[65536];

  fflush (out);
  g_assert_cmpuint (len, <, sizeof copy);
  memcpy (copy, text, len);
  copy[len] = '\0';
  rewind (out);
  return copy;
}

/* Whether it is one line, "DATE TIME REST\n". */
static void
assert_line (const char *line, const char *rest)
{
  const gsize stamp = strlen ("2026-01-01 00:00:00 ");
  g_autofree char *end = g_strconcat (rest, "\n", NULL);

  g_assert_cmpuint (strlen (line), >, stamp);
  g_assert_true (g_ascii_isdigit (line[0]) && line[4] == '-' &&
      line[10] == ' ' && line[13] == ':' && line[19] == ' ');
  g_assert_cmpstr (line + stamp, ==, end);
}

static void
test_text (WzpTest *test, gconstpointer data)
{
  wzp_relay_log_set_level (WZP_LOG_INFO);
  wzp_log_info (NULL, "call %s: ended", "c1");
  assert_line (take_text (), "info: call c1: ended");
  wzp_log_warning (WZP_ABOUT (.call_id = "c2", .room = "r"), "a\n%d\x1b", 7);
  assert_line (take_text (), "warning: a\\x0a7\\x1b");
  wzp_log_notice (NULL, "%s", "");
  assert_line (take_text (), "notice: ");
  g_info ("by GLib's %s", "\033name");
  assert_line (take_text (), "info: by GLib's \\x1bname");
}

static void
test_level (WzpTest *test, gconstpointer data)
{
  wzp_relay_log_set_level (WZP_LOG_NOTICE);
  wzp_log_info (NULL, "no");
  wzp_log_debug (NULL, "no");
  g_info ("no");
  g_debug ("no");
  wzp_log_notice (NULL, "yes");
  assert_line (take_text (), "notice: yes");
  wzp_relay_log_set_level (WZP_LOG_DEBUG);
  g_debug ("yes");
  assert_line (take_text (), "debug: yes");
}

static void
test_limited (WzpTest *test, gconstpointer data)
{
  guint n_lines = 0;

  g_test_summary ("One place writes so many lines, another one is not held up");

  wzp_relay_log_set_level (WZP_LOG_INFO);
  for (guint i = 0; i < 50; i++)
    wzp_log_info_limited (NULL, "stranger");
  for (const char *p = take_text (); *p != '\0'; p++)
    if (*p == '\n')
      n_lines++;
  g_assert_cmpuint (n_lines, ==, WZP_LOG_LIMIT_LINES);
  wzp_log_notice_limited (NULL, "other");
  assert_line (take_text (), "notice: other");
}

static void
test_left_out (WzpTest *test, gconstpointer data)
{
  WzpLogLimit limit = { .left_out = 3 };

  wzp_relay_log_limited (&limit, WZP_LOG_INFO, NULL, "again");
  assert_line (take_text (), "info: again (and 3 lines like this before)");
}

int
main (int argc, char **argv)
{
  int status;

  wzp_test_init (&argc, &argv);
  out = open_memstream (&text, &len);
  wzp_relay_log_install (out);
  wzp_test_add ("/relay-log/escape", NULL, test_escape);
  wzp_test_add ("/relay-log/escape-bounds", NULL, test_escape_bounds);
  wzp_test_add ("/relay-log/escape-random", NULL, test_escape_random);
  wzp_test_add ("/relay-log/limit", NULL, test_limit);
  wzp_test_add ("/relay-log/text", NULL, test_text);
  wzp_test_add ("/relay-log/level", NULL, test_level);
  wzp_test_add ("/relay-log/limited", NULL, test_limited);
  wzp_test_add ("/relay-log/left-out", NULL, test_left_out);
  status = wzp_test_run ();
  fclose (out);
  free (text);
  return status;
}
