/* An address as text: whatever is taken is the same after print and parse. */
#include "fuzz.h"

#include "wzp-addr.h"

static void
check (const WzpAddr *addr)
{
  char text[WZP_ADDR_MAX_STRLEN];
  WzpAddr back, canonical = *addr;

  g_assert (addr->family == 4 || addr->family == 6);
  wzp_addr_canonicalise (&canonical);
  g_assert (wzp_addr_equal (&canonical, addr));
  g_assert (wzp_addr_parse (wzp_addr_to_string (addr, text), &back, NULL));
  g_assert (wzp_addr_equal (addr, &back));
  g_assert (wzp_addr_hash (addr) == wzp_addr_hash (&back));
  g_assert (wzp_addr_scope (addr) == wzp_addr_scope (&back));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (GError) error = NULL;
  WzpAddr addr;

  if (wzp_addr_parse (text, &addr, &error))
    check (&addr);
  else
    g_assert (g_utf8_validate (error->message, -1, NULL));
  if (wzp_addr_parse_ip (text, 1, &addr, NULL))
    check (&addr);
  return 0;
}
