/* A signalling message: what is taken fits a frame when written, and is the
 * same after parse and write. */
#include "fuzz.h"

#include <string.h>

#include "wzp-message.h"
#include "wzp-stream-frame.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpMessage) message =
      wzp_message_parse ((const char *) data, size, &error);
  g_autoptr (WzpMessage) back = NULL;
  g_autofree char *json = NULL, *again = NULL;

  if (message == NULL) {
    g_assert (g_utf8_validate (error->message, -1, NULL));
    return 0;
  }
  if (message->type == WZP_MESSAGE_UNKNOWN) {
    g_assert (message->name != NULL);
    g_assert (g_utf8_validate (message->name, -1, NULL));
    return 0;
  }
  /* One that a relay passes over; there is nothing to write of it. */
  if (message->inner != NULL && message->inner->type == WZP_MESSAGE_UNKNOWN) {
    g_assert (message->inner->name != NULL);
    return 0;
  }
  json = wzp_message_to_json (message);
  g_assert (strlen (json) <= WZP_STREAM_FRAME_MAX_PAYLOAD);
  back = wzp_message_parse (json, strlen (json), &error);
  g_assert_no_error (error);
  again = wzp_message_to_json (back);
  g_assert (strcmp (json, again) == 0);
  return 0;
}
