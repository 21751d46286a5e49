/* A control message: the same bytes after write, parse and write. */
#include "fuzz.h"

#include "wzp-control.h"

static void
assert_text (const char *text)
{
  g_assert (text == NULL || g_utf8_validate (text, -1, NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_auto (WzpControl) control = { 0 };
  g_auto (WzpControl) back = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) again = NULL;

  if (!wzp_control_parse (data, size, &control, NULL))
    return 0;
  assert_text (control.name);
  assert_text (control.caps);
  assert_text (control.tags);
  assert_text (control.text);

  bytes = wzp_control_write (&control, &error);
  g_assert_no_error (error);
  g_assert (g_bytes_get_size (bytes) <= WZP_CONTROL_MAX_MESSAGE);
  wzp_control_parse (
      g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), &back, &error);
  g_assert_no_error (error);
  again = wzp_control_write (&back, NULL);
  g_assert (g_bytes_equal (bytes, again));
  return 0;
}
