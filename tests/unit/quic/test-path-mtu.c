#include "wzp-path-mtu.h"

#include "wzp-test.h"

static void
test_query (void)
{
  WzpAddr addr;

  g_assert_true (wzp_addr_parse ("127.0.0.1:9", &addr, NULL));
  g_assert_cmpuint (wzp_path_mtu_query (&addr), >=, WZP_PATH_MTU_MIN);
  g_assert_cmpuint (wzp_path_mtu_query (&addr), <=, 65507);
  g_assert_true (wzp_addr_parse ("[::1]:9", &addr, NULL));
  g_assert_cmpuint (wzp_path_mtu_query (&addr), <=, 65527);
}

static void
assert_plan (gsize max, const char *expected)
{
  guint16 sizes[WZP_PATH_MTU_PROBES];
  guint n = wzp_path_mtu_plan (max, sizes);
  g_autoptr (GString) text = g_string_new (NULL);

  g_assert_cmpuint (n, <=, WZP_PATH_MTU_PROBES);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%u ", sizes[i]);
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_plan (void)
{
  assert_plan (0, "");
  assert_plan (1200, "");
  assert_plan (1201, "1201 ");
  assert_plan (1252, "1252 ");
  assert_plan (1392, "1392 1342 1232 ");
  assert_plan (1452, "1452 1406 1342 1232 ");
  assert_plan (1472, "1452 1406 1342 1232 ");
  assert_plan (8972, "1452 8972 4312 1406 1342 1232 ");
  assert_plan (65507, "1452 65507 8952 4312 1406 1342 1232 ");
  assert_plan (1000000, "1452 65535 8952 4312 1406 1342 1232 ");
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/path-mtu/query", test_query);
  g_test_add_func ("/path-mtu/plan", test_plan);
  return wzp_test_run ();
}
