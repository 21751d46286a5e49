/* A fingerprint, a TLS server name, a call id: what is taken can be built
 * again from its parts. */
#include "fuzz.h"

#include <string.h>

#include "wzp-sni.h"

static void
check_fingerprint (const char *text)
{
  char printed[WZP_FINGERPRINT_STRLEN], hex[WZP_FINGERPRINT_HEX_STRLEN];
  WzpFingerprint fp, back;

  if (!wzp_fingerprint_parse (text, &fp, NULL))
    return;
  wzp_fingerprint_to_string (&fp, printed);
  wzp_fingerprint_to_hex (&fp, hex);
  g_assert (g_ascii_strcasecmp (text, printed) == 0 ||
      g_ascii_strcasecmp (text, hex) == 0);
  g_assert (wzp_fingerprint_parse (printed, &back, NULL));
  g_assert (wzp_fingerprint_equal (&fp, &back));
  g_assert (wzp_fingerprint_parse (hex, &back, NULL));
  g_assert (wzp_fingerprint_compare (&fp, &back) == 0);
}

static void
check_call_id (const char *call_id)
{
  WzpFingerprint a, b;

  if (wzp_call_id_get_parties (call_id, &a, &b)) {
    g_autofree char *nonce = g_strndup (call_id, strcspn (call_id, "."));
    g_autofree char *again = wzp_call_id_new_self_naming (nonce, &b, &a);

    g_assert (strcmp (call_id, again) == 0);
    g_assert (wzp_call_id_is_valid (call_id));
  }
  g_assert (!wzp_call_id_is_valid (call_id) ||
      strlen (call_id) <= WZP_CALL_ID_MAX_LEN);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autofree char *again = NULL;
  const char *name;

  check_fingerprint (text);
  check_call_id (text);
  switch (wzp_sni_classify (text, &name)) {
    case WZP_SNI_KIND_CALL_ROOM:
      again = wzp_sni_for_call_room (name);
      break;
    case WZP_SNI_KIND_DIRECT:
      again = wzp_sni_for_direct (name);
      break;
    case WZP_SNI_KIND_OPEN_ROOM:
      g_assert (wzp_room_name_is_valid (name));
      again = g_strdup (name);
      break;
    case WZP_SNI_KIND_SIGNAL:
      again = g_strdup (WZP_SNI_SIGNAL);
      break;
    case WZP_SNI_KIND_FEDERATION:
      again = g_strdup (WZP_SNI_FEDERATION);
      break;
    case WZP_SNI_INVALID:
      g_assert (name == NULL);
      g_assert (!wzp_room_name_is_valid (text));
      return 0;
  }
  g_assert (strcmp (text, again) == 0);
  return 0;
}
