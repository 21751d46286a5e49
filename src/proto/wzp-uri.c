#include "wzp-uri.h"

#include <string.h>

#include "wzp-addr.h"
#include "wzp-error.h"
#include "wzp-sni.h"

#define HOST_MAX_LEN 253u /* bytes, RFC 1035 section 2.3.4 as text */

static gboolean
fail (GError **error, const char *what, const char *text)
{
  g_autofree char *excerpt = wzp_error_excerpt (text);

  g_set_error (
      error, WZP_ERROR, WZP_ERROR_INVALID, "%s: \"%s\"", what, excerpt);
  return FALSE;
}

/* Decoded copy of the @len bytes at @text; NULL for a bad code, a NUL, a
 * character that must be coded, or what is not UTF-8. */
static char *
decode (const char *text, gsize len, GError **error)
{
  g_autofree char *copy = g_strndup (text, len);
  g_autofree char *decoded = NULL;

  for (const char *p = copy; *p != '\0'; p++) {
    if (*p == '%' && !(g_ascii_isxdigit (p[1]) && g_ascii_isxdigit (p[2]))) {
      fail (error, "Bad percent code", p);
      return NULL;
    }
    if (g_ascii_iscntrl (*p) || *p == ' ') {
      fail (error, "Space or control character", copy);
      return NULL;
    }
  }
  /* NULL for %00; ill-formed UTF-8 passes. */
  decoded = g_uri_unescape_string (copy, NULL);
  if (decoded == NULL || !g_utf8_validate (decoded, -1, NULL)) {
    fail (error, "NUL or invalid UTF-8", copy);
    return NULL;
  }
  return g_steal_pointer (&decoded);
}

static gboolean
host_is_valid (const char *host)
{
  gsize len;

  for (len = 0; host[len] != '\0'; len++)
    if (!g_ascii_isalnum (host[len]) && strchr (".-_", host[len]) == NULL)
      return FALSE;
  return len > 0 && len <= HOST_MAX_LEN;
}

static gboolean
is_ipv6 (const char *text)
{
  WzpAddr addr;

  return strchr (text, ':') != NULL && wzp_addr_parse_ip (text, 0, &addr, NULL);
}

static gboolean
parse_relay (WzpUri *uri, const char *text, gsize len, GError **error)
{
  g_autofree char *relay = g_strndup (text, len);
  g_autofree char *host = NULL;
  guint16 port;

  if (len == 0)
    return TRUE;
  if (strchr (relay, '@') != NULL)
    return fail (error, "User information in a wzp URI", relay);
  /* Without brackets the last group of an address would look like a port. */
  if (relay[0] != '[' && is_ipv6 (relay))
    return fail (error, "IPv6 address without brackets", relay);
  if (!wzp_uri_split_host (relay, WZP_RELAY_PORT, &host, &port, error))
    return FALSE;
  uri->relay = g_steal_pointer (&relay);
  return TRUE;
}

static gboolean
parse_name (WzpUri *uri, const char *text, gsize len, GError **error)
{
  g_autofree char *name = NULL;
  WzpFingerprint fp;

  if (len == 0)
    return TRUE;
  name = decode (text, len, error);
  if (name == NULL)
    return FALSE;
  if (!wzp_alias_is_valid (name) && !wzp_fingerprint_parse (name, &fp, NULL))
    return fail (error, "Neither an alias nor a fingerprint", name);
  uri->name = g_steal_pointer (&name);
  return TRUE;
}

static gboolean
parse_param (WzpUri *uri, const char *param, GError **error)
{
  const char *equals = strchr (param, '=');
  g_autofree char *key = NULL, *value = NULL;

  if (equals == NULL || equals == param)
    return fail (error, "Parameter is not key=value", param);
  if (uri->keys->len == WZP_URI_MAX_PARAMS)
    return fail (error, "Too many parameters", param);
  key = decode (param, (gsize) (equals - param), error);
  if (key == NULL)
    return FALSE;
  value = decode (equals + 1, strlen (equals + 1), error);
  if (value == NULL)
    return FALSE;
  if (g_ptr_array_find_with_equal_func (uri->keys, key, g_str_equal, NULL))
    return fail (error, "Parameter given twice", key);
  g_ptr_array_add (uri->keys, g_steal_pointer (&key));
  g_ptr_array_add (uri->values, g_steal_pointer (&value));
  return TRUE;
}

static gboolean
parse_query (WzpUri *uri, const char *query, GError **error)
{
  g_auto (GStrv) params = g_strsplit (query, "&", -1);

  if (query[0] == '\0')
    return TRUE;
  for (char **param = params; *param != NULL; param++)
    if (!parse_param (uri, *param, error))
      return FALSE;
  return TRUE;
}

WzpUri *
wzp_uri_parse (const char *text, GError **error)
{
  const gsize scheme_len = strlen (WZP_URI_SCHEME "://");
  g_autoptr (WzpUri) uri = NULL;
  const char *begin, *end;

  g_return_val_if_fail (text != NULL, NULL);

  if (strnlen (text, WZP_URI_MAX_LEN + 1) > WZP_URI_MAX_LEN) {
    fail (error, "URI is too long", text);
    return NULL;
  }
  if (!g_utf8_validate (text, -1, NULL)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID, "URI is not UTF-8");
    return NULL;
  }
  if (g_ascii_strncasecmp (text, WZP_URI_SCHEME "://", scheme_len) != 0) {
    fail (error, "URI does not begin with " WZP_URI_SCHEME "://", text);
    return NULL;
  }
  if (strchr (text, '#') != NULL) {
    fail (error, "Fragment in a wzp URI", strchr (text, '#'));
    return NULL;
  }

  uri = g_new0 (WzpUri, 1);
  uri->keys = g_ptr_array_new_with_free_func (g_free);
  uri->values = g_ptr_array_new_with_free_func (g_free);
  begin = text + scheme_len;
  end = begin + strcspn (begin, "/?");
  if (!parse_relay (uri, begin, (gsize) (end - begin), error))
    return NULL;
  if (*end == '/') {
    begin = end + 1;
    end = begin + strcspn (begin, "?");
    if (!parse_name (uri, begin, (gsize) (end - begin), error))
      return NULL;
  }
  if (*end == '?' && !parse_query (uri, end + 1, error))
    return NULL;
  return g_steal_pointer (&uri);
}

void
wzp_uri_free (WzpUri *uri)
{
  if (uri == NULL)
    return;
  g_free (uri->relay);
  g_free (uri->name);
  g_ptr_array_unref (uri->keys);
  g_ptr_array_unref (uri->values);
  g_free (uri);
}

gboolean
wzp_uri_split_host (const char *text, guint16 default_port, char **ret_host,
    guint16 *ret_port, GError **error)
{
  const gboolean has_brackets = text[0] == '[';
  g_autofree char *host = NULL;
  const char *colon = NULL, *end;
  guint64 port = default_port;

  if (!has_brackets && is_ipv6 (text)) {
    *ret_host = g_strdup (text);
    *ret_port = default_port;
    return TRUE;
  }

  end = has_brackets ? strchr (text, ']') : text + strcspn (text, ":");
  if (end == NULL)
    return fail (error, "Unclosed bracket", text);
  host = has_brackets ? g_strndup (text + 1, (gsize) (end - text - 1))
                      : g_strndup (text, (gsize) (end - text));
  if (!(has_brackets ? is_ipv6 (host) : host_is_valid (host)))
    return fail (error, "Not a host name or address", text);

  colon = has_brackets ? end + 1 : end;
  if (*colon == ':') {
    if (!g_ascii_string_to_unsigned (
            colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
      return fail (error, "Port is not 1 to 65535", text);
  } else if (*colon != '\0') {
    return fail (error, "Text behind the bracket", text);
  }
  *ret_host = g_steal_pointer (&host);
  *ret_port = (guint16) port;
  return TRUE;
}
