#include "wzp-sni.h"

#include <string.h>

#define CALL_PREFIX     "call-"
#define CALL_PREFIX_LEN (sizeof CALL_PREFIX - 1)
#define NONCE_MAX_LEN   32u /* hex digits, in a self-naming call id */
#define HEX_LEN         (WZP_FINGERPRINT_HEX_STRLEN - 1)

/* 1 to WZP_ROOM_MAX_LEN of letters, digits, '.', '-', '_'. */
static gboolean
has_room_characters (const char *name)
{
  gsize len;

  for (len = 0; name[len] != '\0'; len++) {
    if (len == WZP_ROOM_MAX_LEN)
      return FALSE;
    if (!g_ascii_isalnum (name[len]) && strchr (".-_", name[len]) == NULL)
      return FALSE;
  }
  return len > 0;
}

/* Exactly HEX_LEN lower-case digits: one fingerprint has one spelling here,
 * for call ids are compared as text. */
static gboolean
parse_lower_hex (const char *text, WzpFingerprint *ret_fp)
{
  char hex[WZP_FINGERPRINT_HEX_STRLEN];

  if (strnlen (text, HEX_LEN) < HEX_LEN)
    return FALSE;
  memcpy (hex, text, HEX_LEN);
  hex[HEX_LEN] = '\0';
  for (guint i = 0; i < HEX_LEN; i++)
    if (!g_ascii_isxdigit (hex[i]) || g_ascii_isupper (hex[i]))
      return FALSE;
  return wzp_fingerprint_parse (hex, ret_fp, NULL);
}

/* Length of the nonce that @text begins with; 0: none, or too long. */
static gsize
nonce_len (const char *text)
{
  gsize len = 0;

  while (g_ascii_isxdigit (text[len]))
    if (++len > NONCE_MAX_LEN)
      return 0;
  return len;
}

WzpSniKind
wzp_sni_classify (const char *sni, const char **ret_name)
{
  const char *name = NULL;
  WzpSniKind kind = WZP_SNI_INVALID;

  if (sni == NULL) {
    kind = WZP_SNI_INVALID;
  } else if (strcmp (sni, WZP_SNI_SIGNAL) == 0) {
    kind = WZP_SNI_KIND_SIGNAL;
  } else if (strcmp (sni, WZP_SNI_FEDERATION) == 0) {
    kind = WZP_SNI_KIND_FEDERATION;
  } else if (g_str_has_prefix (sni, CALL_PREFIX CALL_PREFIX)) {
    name = sni + 2 * CALL_PREFIX_LEN;
    if (wzp_call_id_is_valid (name))
      kind = WZP_SNI_KIND_DIRECT;
  } else if (g_str_has_prefix (sni, CALL_PREFIX)) {
    name = sni + CALL_PREFIX_LEN;
    if (wzp_call_id_is_valid (name))
      kind = WZP_SNI_KIND_CALL_ROOM;
  } else if (wzp_room_name_is_valid (sni)) {
    name = sni;
    kind = WZP_SNI_KIND_OPEN_ROOM;
  }
  if (ret_name != NULL)
    *ret_name = kind != WZP_SNI_INVALID ? name : NULL;
  return kind;
}

gboolean
wzp_call_id_is_valid (const char *call_id)
{
  WzpFingerprint a, b;

  if (call_id == NULL || g_str_has_prefix (call_id, CALL_PREFIX))
    return FALSE;
  return has_room_characters (call_id) ||
      wzp_call_id_get_parties (call_id, &a, &b);
}

gboolean
wzp_room_name_is_valid (const char *name)
{
  return name != NULL && name[0] != '_' && has_room_characters (name) &&
      !g_str_has_prefix (name, CALL_PREFIX);
}

gboolean
wzp_alias_is_valid (const char *alias)
{
  return alias != NULL && alias[0] != '_' && has_room_characters (alias);
}

char *
wzp_sni_for_call_room (const char *call_id)
{
  g_return_val_if_fail (wzp_call_id_is_valid (call_id), NULL);

  return g_strconcat (CALL_PREFIX, call_id, NULL);
}

char *
wzp_sni_for_direct (const char *call_id)
{
  g_return_val_if_fail (wzp_call_id_is_valid (call_id), NULL);

  return g_strconcat (CALL_PREFIX CALL_PREFIX, call_id, NULL);
}

char *
wzp_call_id_new_self_naming (
    const char *nonce, const WzpFingerprint *a, const WzpFingerprint *b)
{
  const gboolean in_order = wzp_fingerprint_compare (a, b) <= 0;
  char first[WZP_FINGERPRINT_HEX_STRLEN], second[WZP_FINGERPRINT_HEX_STRLEN];

  g_return_val_if_fail (nonce != NULL, NULL);
  g_return_val_if_fail (
      nonce_len (nonce) > 0 && nonce[nonce_len (nonce)] == '\0', NULL);

  wzp_fingerprint_to_hex (in_order ? a : b, first);
  wzp_fingerprint_to_hex (in_order ? b : a, second);
  return g_strconcat (nonce, ".", first, ".", second, NULL);
}

gboolean
wzp_call_id_get_parties (
    const char *call_id, WzpFingerprint *ret_a, WzpFingerprint *ret_b)
{
  WzpFingerprint a, b;
  const char *p;

  g_return_val_if_fail (call_id != NULL, FALSE);

  p = call_id + nonce_len (call_id);
  if (p == call_id || *p++ != '.' || !parse_lower_hex (p, &a))
    return FALSE;
  p += HEX_LEN;
  if (*p++ != '.' || !parse_lower_hex (p, &b) || p[HEX_LEN] != '\0')
    return FALSE;
  /* One spelling of a pair; and nobody calls himself. */
  if (wzp_fingerprint_compare (&a, &b) >= 0)
    return FALSE;
  *ret_a = a;
  *ret_b = b;
  return TRUE;
}
