#include "wzp-addr.h"

#include <string.h>

#include "wzp-error.h"

/* One byte more than there is room for: a sanitizer sees a step too far. */
#define X16 "1111:1111:1111:1"
#define X64 X16 X16 X16 X16

static WzpAddr
addr_of (const char *text)
{
  g_autoptr (GError) error = NULL;
  WzpAddr addr;

  g_assert_true (wzp_addr_parse (text, &addr, &error));
  g_assert_no_error (error);
  return addr;
}

static void
test_parse (void)
{
  static const struct {
    const char *text;
    const char *printed; /* NULL: the same */
    guint8 family;
    guint16 port;
  } cases[] = {
    { "192.168.1.20:4433", NULL, 4, 4433 },
    { "0.0.0.0:0", NULL, 4, 0 },
    { "255.255.255.255:65535", NULL, 4, 65535 },
    { "[2001:db8::1]:1", NULL, 6, 1 },
    { "[::]:0", NULL, 6, 0 },
    { "[::1]:4433", NULL, 6, 4433 },
    { "[2001:DB8:0:0:0:0:0:1]:9", "[2001:db8::1]:9", 6, 9 },
    { "[2001:0db8::0001:0:0:1]:9", "[2001:db8::1:0:0:1]:9", 6, 9 },
    { "[1111:2222:3333:4444:5555:6666:7777:8888]:65535", NULL, 6, 65535 },
    { "[fe80::1]:5", NULL, 6, 5 },
    { "[::ffff:10.1.2.3]:7", "10.1.2.3:7", 4, 7 },
    { "[::ffff:a01:203]:7", "10.1.2.3:7", 4, 7 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WzpAddr addr = addr_of (cases[i].text);
    char text[WZP_ADDR_MAX_STRLEN];

    g_assert_cmpuint (addr.family, ==, cases[i].family);
    g_assert_cmpuint (addr.port, ==, cases[i].port);
    g_assert_cmpuint (addr.scope_id, ==, 0);
    g_assert_true (wzp_addr_to_string (&addr, text) == text);
    g_assert_cmpstr (
        text, ==, cases[i].printed ? cases[i].printed : cases[i].text);
  }
}

static void
test_bytes (void)
{
  static const guint8 ipv4[16] = { 192, 168, 1, 20 };
  static const guint8 ipv6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x42 };
  WzpAddr addr = addr_of ("192.168.1.20:1");

  g_assert_cmpmem (addr.ip, 16, ipv4, 16);
  addr = addr_of ("[2001:db8::42]:1");
  g_assert_cmpmem (addr.ip, 16, ipv6, 16);
  addr = addr_of ("[::ffff:192.168.1.20]:1");
  g_assert_cmpmem (addr.ip, 16, ipv4, 16);
}

static void
test_malformed (void)
{
  static const char *const cases[] = {
    X64 ":1", "[" X64 "]:1", "", ":", ":1", "1.2.3.4", "1.2.3.4:", "1.2.3.4:-1",
    "1.2.3.4:+1", "1.2.3.4: 1", "1.2.3.4:1 ", " 1.2.3.4:1", "1.2.3.4:65536",
    "1.2.3.4:4294967297", "1.2.3.4:18446744073709551617", "1.2.3.4:01",
    "1.2.3.4:00", "1.2.3.4:0x1", "1.2.3.4:1\n", "1.2.3:1", "1.2.3.4.5:1",
    "1.2.3.256:1", "01.2.3.4:1", "1.2.3.4:1:1", "localhost:1",
    "example.org:443", "2001:db8::1", "2001:db8::1:443", "[2001:db8::1]",
    "[2001:db8::1]443", "[2001:db8::1]:", "[2001:db8::1]:x", "[2001:db8::1:443",
    "[[::1]]:1", "[]:1", "[1.2.3.4]:1", "[fe80::1%eth0]:1", "[fe80::1%3]:1",
    "[::1]:1x", "[:::1]:1", "[1:2:3:4:5:6:7:8:9]:1", "[::12345]:1",
    "[::ffff:1.2.3.4.5]:1", "::1:1", "\xff:1", "1.2.3.4\xc2\xa0:1",
    "[11111111111111111111111111111111111111111111111111111111111111111111]:1"
  };
  WzpAddr before, addr;

  memset (&before, 0xa5, sizeof before);
  addr = before;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", cases[i]);
    g_assert_false (wzp_addr_parse (cases[i], &addr, &error));
    g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    g_assert_cmpmem (&addr, sizeof addr, &before, sizeof before);
  }
}

static void
test_parse_ip (void)
{
  static const char *const malformed[] = { "", "1.2.3.4:5", "[::1]", "::1%1",
    "1.2.3", "name", "::1 ", "0x7f.1" };
  g_autoptr (GError) error = NULL;
  char text[WZP_ADDR_MAX_STRLEN];
  WzpAddr addr;

  g_assert_true (wzp_addr_parse_ip ("10.0.0.1", 80, &addr, NULL));
  g_assert_cmpstr (wzp_addr_to_string (&addr, text), ==, "10.0.0.1:80");
  g_assert_true (wzp_addr_parse_ip ("fd00::1", 81, &addr, NULL));
  g_assert_cmpstr (wzp_addr_to_string (&addr, text), ==, "[fd00::1]:81");
  g_assert_true (wzp_addr_parse_ip ("::ffff:10.0.0.1", 82, &addr, NULL));
  g_assert_cmpstr (wzp_addr_to_string (&addr, text), ==, "10.0.0.1:82");
  for (guint i = 0; i < G_N_ELEMENTS (malformed); i++)
    g_assert_false (wzp_addr_parse_ip (malformed[i], 1, &addr, NULL));
  g_assert_cmpuint (addr.port, ==, 82);
  wzp_addr_parse_ip ("a\nb", 1, &addr, &error);
  g_assert_error (error, WZP_ERROR, WZP_ERROR_INVALID);
  g_assert_cmpstr (error->message, ==, "\"a?b\" is not an IP address");
}

static void
test_print_others (void)
{
  char text[WZP_ADDR_MAX_STRLEN];
  WzpAddr addr = { 0 };

  g_assert_cmpstr (wzp_addr_to_string (&addr, text), ==, "unset");

  addr = addr_of ("[fe80:1111:2222:3333:4444:5555:6666:7777]:65535");
  addr.scope_id = G_MAXUINT32;
  g_assert_cmpstr (wzp_addr_to_string (&addr, text), ==,
      "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535");

  /* The longest text that there is fits. */
  addr = (WzpAddr){ .family = 6, .port = 65535, .scope_id = G_MAXUINT32 };
  memset (addr.ip, 0xff, sizeof addr.ip);
  g_assert_cmpuint (
      strlen (wzp_addr_to_string (&addr, text)), <, WZP_ADDR_MAX_STRLEN);
  g_assert_true (g_str_has_suffix (text, "%4294967295]:65535"));
}

static void
test_canonicalise (void)
{
  WzpAddr addr = { .family = 6, .port = 5, .scope_id = 3 };
  WzpAddr expected = addr_of ("1.2.3.4:5");

  memcpy (addr.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4", 16);
  g_assert_false (wzp_addr_equal (&addr, &expected));
  wzp_addr_canonicalise (&addr);
  g_assert_true (wzp_addr_equal (&addr, &expected));
  wzp_addr_canonicalise (&addr);
  g_assert_true (wzp_addr_equal (&addr, &expected));

  addr = addr_of ("[fe80::1]:5");
  addr.scope_id = 3;
  wzp_addr_canonicalise (&addr);
  g_assert_cmpuint (addr.scope_id, ==, 3);

  addr = addr_of ("[2001:db8::1]:5");
  addr.scope_id = 3;
  wzp_addr_canonicalise (&addr);
  g_assert_cmpuint (addr.scope_id, ==, 0);
}

static void
test_equal_and_hash (void)
{
  static const char *const texts[] = { "1.2.3.4:5", "1.2.3.4:6", "1.2.3.5:5",
    "[102:304::]:5", "[2001:db8::1]:5", "[2001:db8::2]:5", "[2001:db8::1]:6",
    "[2001:db8:0:1::1]:5" };
  WzpAddr scoped = addr_of ("[fe80::1]:5"), plain = scoped;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    const WzpAddr a = addr_of (texts[i]);

    for (guint j = 0; j < G_N_ELEMENTS (texts); j++) {
      const WzpAddr b = addr_of (texts[j]);

      g_assert_cmpint (wzp_addr_equal (&a, &b), ==, i == j);
      /* Not promised, but true of these. */
      g_assert_cmpint (wzp_addr_hash (&a) == wzp_addr_hash (&b), ==, i == j);
    }
  }
  scoped.scope_id = 2;
  g_assert_false (wzp_addr_equal (&scoped, &plain));
  g_assert_false (wzp_addr_equal_ip (&scoped, &plain));
  plain = addr_of ("1.2.3.4:5");
  scoped = addr_of ("1.2.3.4:6");
  g_assert_true (wzp_addr_equal_ip (&scoped, &plain));
}

static void
test_scope (void)
{
  /* First and last address of each block, and their neighbours. */
  static const struct {
    const char *ip;
    WzpAddrScope scope;
  } cases[] = {
    { "0.0.0.0", WZP_ADDR_UNSPECIFIED },
    { "0.255.255.255", WZP_ADDR_UNSPECIFIED },
    { "1.0.0.0", WZP_ADDR_GLOBAL },
    { "9.255.255.255", WZP_ADDR_GLOBAL },
    { "10.0.0.0", WZP_ADDR_PRIVATE },
    { "10.255.255.255", WZP_ADDR_PRIVATE },
    { "11.0.0.0", WZP_ADDR_GLOBAL },
    { "100.63.255.255", WZP_ADDR_GLOBAL },
    { "100.64.0.0", WZP_ADDR_CGNAT },
    { "100.127.255.255", WZP_ADDR_CGNAT },
    { "100.128.0.0", WZP_ADDR_GLOBAL },
    { "126.255.255.255", WZP_ADDR_GLOBAL },
    { "127.0.0.0", WZP_ADDR_LOOPBACK },
    { "127.255.255.255", WZP_ADDR_LOOPBACK },
    { "128.0.0.0", WZP_ADDR_GLOBAL },
    { "169.253.255.255", WZP_ADDR_GLOBAL },
    { "169.254.0.0", WZP_ADDR_LINK_LOCAL },
    { "169.254.255.255", WZP_ADDR_LINK_LOCAL },
    { "169.255.0.0", WZP_ADDR_GLOBAL },
    { "172.15.255.255", WZP_ADDR_GLOBAL },
    { "172.16.0.0", WZP_ADDR_PRIVATE },
    { "172.31.255.255", WZP_ADDR_PRIVATE },
    { "172.32.0.0", WZP_ADDR_GLOBAL },
    { "192.167.255.255", WZP_ADDR_GLOBAL },
    { "192.168.0.0", WZP_ADDR_PRIVATE },
    { "192.168.255.255", WZP_ADDR_PRIVATE },
    { "192.169.0.0", WZP_ADDR_GLOBAL },
    { "223.255.255.255", WZP_ADDR_GLOBAL },
    { "224.0.0.0", WZP_ADDR_MULTICAST },
    { "239.255.255.255", WZP_ADDR_MULTICAST },
    { "240.0.0.0", WZP_ADDR_BROADCAST },
    { "255.255.255.255", WZP_ADDR_BROADCAST },
    { "::", WZP_ADDR_UNSPECIFIED },
    { "::1", WZP_ADDR_LOOPBACK },
    { "::2", WZP_ADDR_OTHER },
    { "64:ff9b::1", WZP_ADDR_OTHER },
    { "1fff:ffff::", WZP_ADDR_OTHER },
    { "2000::", WZP_ADDR_GLOBAL },
    { "3fff:ffff::", WZP_ADDR_GLOBAL },
    { "4000::", WZP_ADDR_OTHER },
    { "fbff::1", WZP_ADDR_OTHER },
    { "fc00::", WZP_ADDR_ULA },
    { "fdff:ffff::1", WZP_ADDR_ULA },
    { "fe00::1", WZP_ADDR_OTHER },
    { "fe7f::1", WZP_ADDR_OTHER },
    { "fe80::", WZP_ADDR_LINK_LOCAL },
    { "febf:ffff::1", WZP_ADDR_LINK_LOCAL },
    { "fec0::1", WZP_ADDR_OTHER },
    { "feff::1", WZP_ADDR_OTHER },
    { "ff00::", WZP_ADDR_MULTICAST },
    { "ffff::1", WZP_ADDR_MULTICAST },
    { "::ffff:127.0.0.1", WZP_ADDR_LOOPBACK },
  };
  WzpAddr addr = { 0 };

  g_assert_cmpint (wzp_addr_scope (&addr), ==, WZP_ADDR_UNSPECIFIED);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].ip);
    g_assert_true (wzp_addr_parse_ip (cases[i].ip, 1, &addr, NULL));
    g_assert_cmpint (wzp_addr_scope (&addr), ==, cases[i].scope);
  }

  /* A mapped one that nobody canonicalised hides nothing. */
  addr = (WzpAddr){ .family = 6 };
  memcpy (addr.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
  g_assert_cmpint (wzp_addr_scope (&addr), ==, WZP_ADDR_LOOPBACK);
}

static void
test_round_trip (void)
{
  g_test_summary ("Any address is the same after print and parse");

  for (guint i = 0; i < 20000; i++) {
    WzpAddr addr = { .port = (guint16) g_test_rand_int (),
      .family = g_test_rand_bit () ? 4 : 6 };
    char text[WZP_ADDR_MAX_STRLEN];
    WzpAddr back;

    for (guint j = 0; j < (addr.family == 4 ? 4u : 16u); j++)
      if (g_test_rand_int () % 3 != 0)
        addr.ip[j] = (guint8) g_test_rand_int ();
    wzp_addr_canonicalise (&addr);
    back = addr_of (wzp_addr_to_string (&addr, text));
    g_assert_true (wzp_addr_equal (&addr, &back));
    g_assert_cmpuint (wzp_addr_hash (&addr), ==, wzp_addr_hash (&back));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/addr/parse", test_parse);
  g_test_add_func ("/addr/bytes", test_bytes);
  g_test_add_func ("/addr/malformed", test_malformed);
  g_test_add_func ("/addr/parse-ip", test_parse_ip);
  g_test_add_func ("/addr/print-others", test_print_others);
  g_test_add_func ("/addr/canonicalise", test_canonicalise);
  g_test_add_func ("/addr/equal-and-hash", test_equal_and_hash);
  g_test_add_func ("/addr/scope", test_scope);
  g_test_add_func ("/addr/round-trip", test_round_trip);

  return g_test_run ();
}
