/* Punches: what is taken is what was written; nothing else has the right
 * MAC. */
#include "fuzz.h"

#include "wzp-punch.h"

#include <string.h>

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const guint8 secret[WZP_PUNCH_SECRET_LEN] = "fuzz";
  guint8 again[WZP_PUNCH_LEN];
  WzpPunchWindow window = { 0 };
  WzpPunchKey key;
  WzpPunch punch;

  wzp_punch_key_init (&key, secret);
  if (wzp_punch_parse (&key, data, size, &punch)) {
    g_assert (wzp_punch_is_of (&key, data, size));
    wzp_punch_write (&key, &punch, again);
    g_assert (memcmp (again, data, size) == 0);
    g_assert (wzp_punch_window_take (&window, punch.number));
    g_assert (!wzp_punch_window_take (&window, punch.number));
  }
  return 0;
}
