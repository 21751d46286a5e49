/* wzp-uri: wzp://[relay[:port]]/name?key=value. Pure.
 *
 * The host part is text (a name or an address, IPv6 in brackets); it is
 * resolved elsewhere. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_URI_SCHEME       "wzp"
#define WZP_RELAY_PORT       4433u /* default */
#define WZP_URI_MAX_LEN      4096u /* bytes */
#define WZP_URI_MAX_PARAMS   64u

typedef struct {
  char *relay; /* "host" or "host:port" or "[v6]:port"; NULL: none */
  char *name;  /* percent-decoded, without the slash; NULL: none */
  GPtrArray *keys;   /* of char *, in order, unique */
  GPtrArray *values; /* of char *, percent-decoded, parallel to keys */
} WzpUri;

/* WZP_ERROR_INVALID that says what is wrong: other scheme, bad percent code,
 * NUL, user info, fragment, a key twice, a name that is neither an alias nor
 * a fingerprint. */
WzpUri *wzp_uri_parse (const char *text, GError **error);
void wzp_uri_free (WzpUri *uri);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpUri, wzp_uri_free)

/* Splits "host[:port]" or "[v6][:port]" (or a bare v6). @ret_host is without
 * brackets. WZP_ERROR_INVALID. */
gboolean wzp_uri_split_host (const char *text, guint16 default_port,
    char **ret_host, guint16 *ret_port, GError **error);

G_END_DECLS
