/* A URI: what is taken has a relay that can be split, a name that can be
 * called, and bounded, unique keys. */
#include "fuzz.h"

#include <string.h>

#include "wzp-sni.h"
#include "wzp-uri.h"

static void
check_params (const WzpUri *uri)
{
  g_assert (uri->keys->len == uri->values->len);
  g_assert (uri->keys->len <= WZP_URI_MAX_PARAMS);
  for (guint i = 0; i < uri->keys->len; i++) {
    g_assert (g_utf8_validate (uri->values->pdata[i], -1, NULL));
    g_assert (strlen (uri->keys->pdata[i]) > 0);
    for (guint j = 0; j < i; j++)
      g_assert (strcmp (uri->keys->pdata[i], uri->keys->pdata[j]) != 0);
  }
}

static void
check_host (const char *text)
{
  g_autofree char *host = NULL;
  guint16 port;

  if (wzp_uri_split_host (text, WZP_RELAY_PORT, &host, &port, NULL))
    g_assert (port != 0 && host[0] != '\0' && strpbrk (host, "[]%@/") == NULL);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autofree char *host = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (WzpUri) uri = wzp_uri_parse (text, &error);
  WzpFingerprint fp;
  guint16 port;

  check_host (text);
  if (uri == NULL) {
    g_assert (g_utf8_validate (error->message, -1, NULL));
    return 0;
  }
  check_params (uri);
  g_assert (uri->relay == NULL ||
      wzp_uri_split_host (uri->relay, WZP_RELAY_PORT, &host, &port, NULL));
  g_assert (uri->name == NULL || wzp_alias_is_valid (uri->name) ||
      wzp_fingerprint_parse (uri->name, &fp, NULL));
  return 0;
}
