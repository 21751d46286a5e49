/* Test vectors as RFCs print them: hex digits, with white space anywhere. */
#pragma once

#include <glib.h>

/* @len: bytes that @hex must have. */
static inline void
hex_to_bytes (const char *hex, guint8 *out, gsize len)
{
  gsize n = 0;

  for (const char *c = hex; *c != '\0'; c++) {
    if (g_ascii_isspace (*c))
      continue;
    g_assert_cmpuint (n / 2, <, len);
    out[n / 2] = (guint8) (out[n / 2] << 4 | g_ascii_xdigit_value (*c));
    n++;
  }
  g_assert_cmpuint (n, ==, 2 * len);
}

/* Asserts that @bytes are those of @hex. */
static inline void
assert_hex (const guint8 *bytes, gsize len, const char *hex)
{
  g_autofree guint8 *wanted = g_malloc0 (len + 1);

  hex_to_bytes (hex, wanted, len);
  g_assert_cmpmem (bytes, len, wanted, len);
}
