#include "wzp-sockaddr.h"

#include <netinet/in.h>
#include <string.h>

static WzpAddr
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  WzpAddr addr = { 0 };

  wzp_addr_parse (text, &addr, &error);
  g_assert_no_error (error);
  return addr;
}

static void
test_ipv4 (void)
{
  const WzpAddr addr = parse ("192.0.2.33:4660");
  struct sockaddr_storage storage;
  const struct sockaddr_in *in = (struct sockaddr_in *) &storage;
  WzpAddr back;

  g_test_summary ("IPv4 there and back");

  g_assert_cmpuint (wzp_sockaddr_from_addr (&addr, &storage), ==, sizeof *in);
  g_assert_cmpint (in->sin_family, ==, AF_INET);
  g_assert_cmpmem (&in->sin_port, 2, "\x12\x34", 2);
  g_assert_cmpmem (&in->sin_addr, 4, "\xc0\x00\x02\x21", 4);
  g_assert_true (
      wzp_sockaddr_to_addr ((struct sockaddr *) &storage, sizeof *in, &back));
  g_assert_true (wzp_addr_equal (&addr, &back));
}

static void
test_ipv6 (void)
{
  WzpAddr addr = parse ("[2001:db8::1:2]:4660");
  struct sockaddr_storage storage;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &storage;
  WzpAddr back;

  g_test_summary ("IPv6 there and back; only link-local keeps its scope");

  g_assert_cmpuint (wzp_sockaddr_from_addr (&addr, &storage), ==, sizeof *in6);
  g_assert_cmpint (in6->sin6_family, ==, AF_INET6);
  g_assert_cmpmem (&in6->sin6_port, 2, "\x12\x34", 2);
  g_assert_cmpuint (in6->sin6_scope_id, ==, 0);
  in6->sin6_scope_id = 3;
  in6->sin6_flowinfo = 0x12345;
  g_assert_true (
      wzp_sockaddr_to_addr ((struct sockaddr *) &storage, sizeof *in6, &back));
  g_assert_true (wzp_addr_equal (&addr, &back));
  g_assert_cmpuint (back.scope_id, ==, 0);

  addr = parse ("[fe80::1]:1");
  addr.scope_id = 7;
  wzp_sockaddr_from_addr (&addr, &storage);
  g_assert_cmpuint (in6->sin6_scope_id, ==, 7);
  g_assert_true (
      wzp_sockaddr_to_addr ((struct sockaddr *) &storage, sizeof *in6, &back));
  g_assert_cmpuint (back.scope_id, ==, 7);
  g_assert_true (wzp_addr_equal (&addr, &back));
}

static void
test_mapped (void)
{
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
    .sin6_port = g_htons (99) };
  const WzpAddr wanted = parse ("1.2.3.4:99");
  WzpAddr addr;

  g_test_summary ("An IPv4-mapped address becomes the IPv4 one");

  memcpy (&in6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4", 16);
  g_assert_true (
      wzp_sockaddr_to_addr ((struct sockaddr *) &in6, sizeof in6, &addr));
  g_assert_true (wzp_addr_equal (&addr, &wanted));
}

static void
test_refused (void)
{
  struct sockaddr_storage storage = { .ss_family = AF_UNIX };
  const struct sockaddr *name = (struct sockaddr *) &storage;
  const WzpAddr unset = { 0 };
  WzpAddr addr = { .port = 77 };

  g_test_summary ("Other families and short ones are refused; nothing is "
                  "written");

  g_assert_false (wzp_sockaddr_to_addr (name, sizeof storage, &addr));
  g_assert_false (wzp_sockaddr_to_addr (name, 0, &addr));
  storage.ss_family = AF_INET;
  for (socklen_t len = 0; len < sizeof (struct sockaddr_in); len++)
    g_assert_false (wzp_sockaddr_to_addr (name, len, &addr));
  storage.ss_family = AF_INET6;
  for (socklen_t len = 0; len < sizeof (struct sockaddr_in6); len++)
    g_assert_false (wzp_sockaddr_to_addr (name, len, &addr));
  g_assert_cmpuint (addr.port, ==, 77);

  g_assert_cmpuint (wzp_sockaddr_from_addr (&unset, &storage), ==, 0);
  g_assert_cmpint (storage.ss_family, ==, AF_UNSPEC);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sockaddr/ipv4", test_ipv4);
  g_test_add_func ("/sockaddr/ipv6", test_ipv6);
  g_test_add_func ("/sockaddr/mapped", test_mapped);
  g_test_add_func ("/sockaddr/refused", test_refused);

  return g_test_run ();
}
