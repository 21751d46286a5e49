/* What stands in for wzp-relay-http.c in a build without libmicrohttpd. */
#include "wzp-relay-http.h"

#include "wzp-error.h"

gboolean
wzp_relay_http_is_there (void)
{
  return FALSE;
}

WzpRelayHttp *
wzp_relay_http_new (GMainContext *context, const char *address,
    const WzpRelayHttpHandler *handler, gpointer user_data, GError **error)
{
  g_set_error (error, WZP_ERROR, WZP_ERROR_FAILED,
      "Metrics on %s: this wzp-relay was built without them", address);
  return NULL;
}

void
wzp_relay_http_free (WzpRelayHttp *self)
{
  g_assert (self == NULL);
}

const char *
wzp_relay_http_get_address (const WzpRelayHttp *self)
{
  g_return_val_if_reached (NULL);
}
