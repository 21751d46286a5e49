#include "wzp-token.h"

#include <string.h>

#include "wzp-error.h"
#include "wzp-json.h"

#define PREFIX     "wzp1."
#define MAC_LEN    32u /* bytes, HMAC-SHA256 */
#define MAC_STRLEN 43u /* of them as base64url, without the NUL */

struct _WzpTokenKey {
  gsize len;
  guint8 bytes[WZP_TOKEN_MAX_KEY_LEN];
};

/* RFC 4648, section 5, without padding. */
static char *
encode_base64url (const guint8 *data, gsize len)
{
  char *text = g_base64_encode (data, len);

  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  text[strcspn (text, "=")] = '\0';
  return text;
}

/* NULL: has other characters. */
static char *
decode_base64url (const char *text, gsize len, gsize *ret_len)
{
  g_autofree char *padded = g_malloc (len + 4);

  for (gsize i = 0; i < len; i++) {
    if (!g_ascii_isalnum (text[i]) && text[i] != '-' && text[i] != '_')
      return NULL;
    padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
  }
  memcpy (padded + len, "===", 4);
  padded[len + (4 - len % 4) % 4] = '\0';
  return (char *) g_base64_decode (padded, ret_len);
}

/* Of @text as it stands in a token. */
static char *
make_mac (const WzpTokenKey *key, const char *text, gsize len)
{
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key->bytes, key->len);
  guint8 mac[MAC_LEN];
  gsize mac_len = sizeof mac;

  g_hmac_update (hmac, (const guchar *) text, (gssize) len);
  g_hmac_get_digest (hmac, mac, &mac_len);
  return encode_base64url (mac, mac_len);
}

/* In a time that does not depend on where they differ. The texts are compared,
 * not the bytes: two texts may mean the same bytes. */
static gboolean
equal_macs (const char *a, const char *b)
{
  volatile guint8 difference = 0;

  for (guint i = 0; i < MAC_STRLEN; i++)
    difference |= (guint8) (a[i] ^ b[i]);
  return difference == 0;
}

/* json-glib takes the last of members with the same name, another reader may
 * take the first. Of an object without containers in it. */
static gboolean
has_duplicates (JsonObject *object, const char *json, gsize len)
{
  guint n_colons = 0;
  gboolean in_string = FALSE;

  for (gsize i = 0; i < len; i++) {
    if (json[i] == '\\')
      i++;
    else if (json[i] == '"')
      in_string = !in_string;
    else if (json[i] == ':' && !in_string)
      n_colons++;
  }
  return n_colons != json_object_get_size (object);
}

static gboolean
read_member (const char *name, JsonNode *node, WzpTokenClaims *claims)
{
  const GType type =
      JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : 0;

  if (strcmp (name, "exp") == 0) {
    /* Its largest value is what a larger one may have become. */
    if (type != G_TYPE_INT64 || json_node_get_int (node) == G_MAXINT64)
      return FALSE;
    claims->expires_unix_s = json_node_get_int (node);
    return claims->expires_unix_s > 0;
  }
  if (type != G_TYPE_STRING)
    return FALSE;
  if (strcmp (name, "fp") == 0) {
    claims->has_who = TRUE;
    return wzp_fingerprint_parse (
        json_node_get_string (node), &claims->who, NULL);
  }
  return strcmp (name, "room") == 0 &&
      wzp_room_name_is_valid (json_node_get_string (node)) &&
      g_strlcpy (claims->room, json_node_get_string (node),
          sizeof claims->room) < sizeof claims->room;
}

static gboolean
read_payload (const char *json, gsize len, WzpTokenClaims *ret_claims)
{
  g_autoptr (JsonNode) root = wzp_json_parse (json, len, NULL);
  WzpTokenClaims claims = { 0 };
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return FALSE;
  json_object_iter_init (&iter, json_node_get_object (root));
  while (json_object_iter_next (&iter, &name, &node))
    if (!read_member (name, node, &claims))
      return FALSE;
  if (claims.expires_unix_s == 0 ||
      has_duplicates (json_node_get_object (root), json, len))
    return FALSE;
  *ret_claims = claims;
  return TRUE;
}

static gboolean
check_key_len (gsize len, GError **error)
{
  if (len >= WZP_TOKEN_MIN_KEY_LEN && len <= WZP_TOKEN_MAX_KEY_LEN)
    return TRUE;
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "Token key of %" G_GSIZE_FORMAT " bytes, from %u to %u are allowed", len,
      WZP_TOKEN_MIN_KEY_LEN, WZP_TOKEN_MAX_KEY_LEN);
  return FALSE;
}

WzpTokenKey *
wzp_token_key_new (GBytes *secret, GError **error)
{
  WzpTokenKey *key;

  if (!check_key_len (g_bytes_get_size (secret), error))
    return NULL;
  key = g_new0 (WzpTokenKey, 1);
  key->len = g_bytes_get_size (secret);
  memcpy (key->bytes, g_bytes_get_data (secret, NULL), key->len);
  return key;
}

void
wzp_token_key_free (WzpTokenKey *key)
{
  if (key == NULL)
    return;
  explicit_bzero (key, sizeof *key);
  g_free (key);
}

gboolean
wzp_token_open (WzpTokenKey *const *keys, guint n_keys, const char *token,
    WzpTokenClaims *ret_claims)
{
  const gsize len = token != NULL ? strnlen (token, WZP_TOKEN_MAX_LEN + 1) : 0;
  const gsize prefix_len = strlen (PREFIX);
  g_autofree char *json = NULL;
  gboolean is_genuine = FALSE;
  gsize signed_len, json_len;

  if (len > WZP_TOKEN_MAX_LEN || len <= prefix_len + MAC_STRLEN + 1 ||
      !g_str_has_prefix (token, PREFIX))
    return FALSE;
  signed_len = len - MAC_STRLEN - 1;
  if (token[signed_len] != '.')
    return FALSE;

  for (guint i = 0; i < n_keys; i++) {
    g_autofree char *mac = make_mac (keys[i], token, signed_len);

    is_genuine |= equal_macs (mac, token + signed_len + 1);
  }
  if (!is_genuine)
    return FALSE;
  json =
      decode_base64url (token + prefix_len, signed_len - prefix_len, &json_len);
  return json != NULL && read_payload (json, json_len, ret_claims);
}

char *
wzp_token_mint (GBytes *key, gint64 expires_unix_s, const WzpFingerprint *who,
    const char *room, GError **error)
{
  g_autoptr (WzpTokenKey) own = wzp_token_key_new (key, error);
  g_autoptr (GString) json = g_string_new (NULL);
  g_autofree char *payload = NULL, *text = NULL, *mac = NULL;
  char fp[WZP_FINGERPRINT_STRLEN];

  if (own == NULL)
    return NULL;
  if (expires_unix_s <= 0 || expires_unix_s == G_MAXINT64) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "A token cannot expire at %" G_GINT64_FORMAT, expires_unix_s);
    return NULL;
  }
  if (room != NULL && !wzp_room_name_is_valid (room)) {
    g_autofree char *excerpt = wzp_error_excerpt (room);

    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "\"%s\" is not the name of an open room", excerpt);
    return NULL;
  }

  /* None of it needs escapes. */
  g_string_printf (json, "{\"exp\":%" G_GINT64_FORMAT, expires_unix_s);
  if (who != NULL)
    g_string_append_printf (
        json, ",\"fp\":\"%s\"", wzp_fingerprint_to_string (who, fp));
  if (room != NULL)
    g_string_append_printf (json, ",\"room\":\"%s\"", room);
  g_string_append_c (json, '}');
  payload = encode_base64url ((const guint8 *) json->str, json->len);
  text = g_strconcat (PREFIX, payload, NULL);
  mac = make_mac (own, text, strlen (text));
  return g_strconcat (text, ".", mac, NULL);
}
