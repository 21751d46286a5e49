#include "wzp-uri.h"

#include <string.h>

#include "wzp-error.h"

#define X10 "xxxxxxxxxx"
#define X63 X10 X10 X10 X10 X10 X10 "xxx"
#define FP  "0123:4567:89ab:cdef:fedc:ba98:7654:3210"

/* "relay|name|key=value,key=value", "-" for NULL */
static char *
print_uri (const WzpUri *uri)
{
  GString *text = g_string_new (NULL);

  g_assert_cmpuint (uri->keys->len, ==, uri->values->len);
  g_string_append_printf (text, "%s|%s|", uri->relay ? uri->relay : "-",
      uri->name ? uri->name : "-");
  for (guint i = 0; i < uri->keys->len; i++)
    g_string_append_printf (text, "%s%s=%s", i > 0 ? "," : "",
        (const char *) uri->keys->pdata[i],
        (const char *) uri->values->pdata[i]);
  return g_string_free (text, FALSE);
}

static void
assert_refused (const char *text, const char *why)
{
  g_autoptr (GError) error = NULL;

  g_test_message ("%.80s", text);
  g_assert_null (wzp_uri_parse (text, &error));
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, why));
}

static void
test_parse (void)
{
  static const char *const cases[][2] = {
    { "wzp://", "-|-|" },
    { "wzp:///", "-|-|" },
    { "wzp:///cam1", "-|cam1|" },
    { "wzp://localhost", "localhost|-|" },
    { "wzp://localhost/", "localhost|-|" },
    { "wzp://localhost/cam1", "localhost|cam1|" },
    { "WZP://localhost/cam1", "localhost|cam1|" },
    { "wzp://relay.example.org:4500/cam1", "relay.example.org:4500|cam1|" },
    { "wzp://192.0.2.1:1/a", "192.0.2.1:1|a|" },
    { "wzp://[2001:db8::1]/a", "[2001:db8::1]|a|" },
    { "wzp://[2001:db8::1]:4500/a", "[2001:db8::1]:4500|a|" },
    { "wzp://r/" X63, "r|" X63 "|" },
    { "wzp://r/" FP, "r|" FP "|" },
    { "wzp://r/0123456789ABCDEFfedcba9876543210",
        "r|0123456789ABCDEFfedcba9876543210|" },
    { "wzp://r/c%61m%2D1", "r|cam-1|" },
    { "wzp://r/a?", "r|a|" },
    { "wzp://r/a?latency=100", "r|a|latency=100" },
    { "wzp://r/a?b=1&c=&d=x%20y%26z%3D%c3%a9&e=1=2+3?/:@",
        "r|a|b=1,c=,d=x y&z=\xc3\xa9,e=1=2+3?/:@" },
    { "wzp://r?b=1", "r|-|b=1" },
    { "wzp://?b=1", "-|-|b=1" },
    { "wzp:///?identity-file=/home/x/key", "-|-|identity-file=/home/x/key" },
    { "wzp://r/a?%62=1&B=2", "r|a|b=1,B=2" },
    { "wzp://r/a?b=%0A", "r|a|b=\n" },
    { "wzp://r/a?b=caf\xc3\xa9", "r|a|b=caf\xc3\xa9" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (WzpUri) uri = wzp_uri_parse (cases[i][0], &error);
    g_autofree char *text = NULL;

    g_test_message ("%s", cases[i][0]);
    g_assert_no_error (error);
    text = print_uri (uri);
    g_assert_cmpstr (text, ==, cases[i][1]);
  }
}

static void
test_malformed (void)
{
  static const struct {
    const char *text;
    const char *why;
  } cases[] = {
    { "", "does not begin with wzp://" },
    { "wzp", "does not begin with wzp://" },
    { "wzp:", "does not begin with wzp://" },
    { "wzp:/a", "does not begin with wzp://" },
    { "wzp:a", "does not begin with wzp://" },
    { "srt://r/a", "does not begin with wzp://" },
    { "wzps://r/a", "does not begin with wzp://" },
    { " wzp://r/a", "does not begin with wzp://" },
    { "wzp://r/a#b", "Fragment" },
    { "wzp://r/a?b=#", "Fragment" },
    { "wzp://user@r/a", "User information" },
    { "wzp://user:pass@r:1/a", "User information" },
    { "wzp://r:0/a", "Port" },
    { "wzp://r:65536/a", "Port" },
    { "wzp://r:/a", "Port" },
    { "wzp://r:x/a", "Port" },
    { "wzp://r:+1/a", "Port" },
    { "wzp://r:1:2/a", "Port" },
    { "wzp://2001:db8::1/a", "without brackets" },
    { "wzp://[2001:db8::1/a", "Unclosed bracket" },
    { "wzp://[2001:db8::1]x/a", "behind the bracket" },
    { "wzp://[192.0.2.1]/a", "Not a host" },
    { "wzp://[]/a", "Not a host" },
    { "wzp://r r/a", "Not a host" },
    { "wzp://r%61/a", "Not a host" },
    { "wzp://:4433/a", "Not a host" },
    { "wzp://r/a/b", "Neither an alias" },
    { "wzp://r//", "Neither an alias" },
    { "wzp://r/a/", "Neither an alias" },
    { "wzp://r/_a", "Neither an alias" },
    { "wzp://r/a%2fb", "Neither an alias" },
    { "wzp://r/" X63 "x", "Neither an alias" },
    { "wzp://r/caf%c3%a9", "Neither an alias" },
    { "wzp://r/0123:4567", "Neither an alias" },
    { "wzp://r/a%", "Bad percent code" },
    { "wzp://r/a%4", "Bad percent code" },
    { "wzp://r/a%4g", "Bad percent code" },
    { "wzp://r/a%g4", "Bad percent code" },
    { "wzp://r/a%00", "NUL or invalid" },
    { "wzp://r/a%ff", "NUL or invalid" },
    { "wzp://r/a b", "Space or control" },
    { "wzp://r/a?b=c d", "Space or control" },
    { "wzp://r/a?b=c\n", "Space or control" },
    { "wzp://r/a?b=%00", "NUL or invalid" },
    { "wzp://r/a?b=%c3", "NUL or invalid" },
    { "wzp://r/a?b=%zz", "Bad percent code" },
    { "wzp://r/a?%00=1", "NUL or invalid" },
    { "wzp://r/a?b", "not key=value" },
    { "wzp://r/a?=1", "not key=value" },
    { "wzp://r/a?b=1&", "not key=value" },
    { "wzp://r/a?&b=1", "not key=value" },
    { "wzp://r/a?b=1&&c=2", "not key=value" },
    { "wzp://r/a?b=1&b=1", "twice" },
    { "wzp://r/a?b=1&c=2&%62=3", "twice" },
    { "wzp://r/a?b=\xff", "not UTF-8" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i].text, cases[i].why);
}

static void
test_limits (void)
{
  g_autoptr (GString) text = g_string_new ("wzp://r/a?k0=v");
  g_autoptr (GString) longest = g_string_new ("wzp://r/a?k=");
  g_autoptr (WzpUri) most = NULL;
  g_autoptr (WzpUri) at_length = NULL;

  for (guint i = 1; i < WZP_URI_MAX_PARAMS; i++)
    g_string_append_printf (text, "&k%u=v", i);
  most = wzp_uri_parse (text->str, NULL);
  g_assert_nonnull (most);
  g_assert_cmpuint (most->keys->len, ==, WZP_URI_MAX_PARAMS);
  g_string_append (text, "&z=v");
  assert_refused (text->str, "Too many parameters");

  while (longest->len < WZP_URI_MAX_LEN)
    g_string_append_c (longest, 'v');
  at_length = wzp_uri_parse (longest->str, NULL);
  g_assert_nonnull (at_length);
  g_string_append_c (longest, 'v');
  assert_refused (longest->str, "too long");
}

static void
test_split_host (void)
{
  static const struct {
    const char *text;
    const char *host; /* NULL: refused */
    guint16 port;
  } cases[] = {
    { "host", "host", 4433 },
    { "host:1", "host", 1 },
    { "host:65535", "host", 65535 },
    { "a-b.c_d.example.org", "a-b.c_d.example.org", 4433 },
    { "192.0.2.1:80", "192.0.2.1", 80 },
    { "[::1]", "::1", 4433 },
    { "[::1]:80", "::1", 80 },
    { "::1", "::1", 4433 },
    { "2001:db8::1", "2001:db8::1", 4433 },
    { "[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1", 80 },
    { "", NULL, 0 },
    { ":", NULL, 0 },
    { ":80", NULL, 0 },
    { "host:", NULL, 0 },
    { "host:0", NULL, 0 },
    { "host:65536", NULL, 0 },
    { "host:-1", NULL, 0 },
    { "host: 1", NULL, 0 },
    { "host:1x", NULL, 0 },
    { "host:99999999999999999999", NULL, 0 },
    { "ho st", NULL, 0 },
    { "ho/st", NULL, 0 },
    { "h\xc3\xb6st", NULL, 0 },
    { "[::1", NULL, 0 },
    { "[::1]80", NULL, 0 },
    { "[::1]:", NULL, 0 },
    { "[host]", NULL, 0 },
    { "[192.0.2.1]:80", NULL, 0 },
    { "[::1%eth0]:80", NULL, 0 },
    { "]", NULL, 0 },
    { "[", NULL, 0 },
    { "[]", NULL, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *host = NULL;
    guint16 port = 7;

    g_test_message ("%s", cases[i].text);
    g_assert_cmpint (
        wzp_uri_split_host (cases[i].text, 4433, &host, &port, &error), ==,
        cases[i].host != NULL);
    g_assert_cmpstr (host, ==, cases[i].host);
    g_assert_cmpuint (port, ==, cases[i].host ? cases[i].port : 7);
    if (cases[i].host == NULL)
      g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  }
}

static void
test_host_limit (void)
{
  g_autofree char *host = g_strnfill (254, 'h');
  g_autofree char *got = NULL;
  guint16 port;

  g_assert_false (wzp_uri_split_host (host, 1, &got, &port, NULL));
  host[253] = '\0';
  g_assert_true (wzp_uri_split_host (host, 1, &got, &port, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/uri/parse", test_parse);
  g_test_add_func ("/uri/malformed", test_malformed);
  g_test_add_func ("/uri/limits", test_limits);
  g_test_add_func ("/uri/split-host", test_split_host);
  g_test_add_func ("/uri/host-limit", test_host_limit);

  return g_test_run ();
}
