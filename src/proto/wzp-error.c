#include "wzp-error.h"

#include <string.h>

/* clang-format off */
G_DEFINE_QUARK (wzp-error-quark, wzp_error)
/* clang-format on */

char *
wzp_error_excerpt (const char *text)
{
  gsize len = strnlen (text, WZP_EXCERPT_MAX_LEN + 1);
  g_autoptr (GString) excerpt = g_string_new (NULL);
  g_autofree char *valid = NULL;

  /* Cut before a character, not in it. */
  if (len > WZP_EXCERPT_MAX_LEN)
    for (len = WZP_EXCERPT_MAX_LEN; len > 0 && (text[len] & 0xc0) == 0x80;)
      len--;
  valid = g_utf8_make_valid (text, (gssize) len);
  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p)) {
    const gunichar c = g_utf8_get_char (p);

    g_string_append_unichar (excerpt, g_unichar_iscntrl (c) ? '?' : c);
  }
  return g_string_free (g_steal_pointer (&excerpt), FALSE);
}
