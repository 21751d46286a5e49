#include "wzp-relay-config-private.h"

#include "wzp-relay-trust.h"
#include "wzp-rooms.h"
#include "wzp-uri.h"

#include <string.h>

/* Ranges of what no constant of another module bounds. */
#define MAX_PER_CLIENT  1024u
#define MAX_IDLE_MS     600000u
#define MAX_WAIT_S      3600u
#define MAX_PER_MINUTE  1000000u
#define MAX_BYTES_PER_S G_GUINT64_CONSTANT (1000000000000)

#define OF(field)      G_STRUCT_OFFSET (WzpRelaySettings, field)
#define OF_PEER(field) G_STRUCT_OFFSET (WzpRelayPeer, field)

/* clang-format off */
static const WzpRelayKey keys[] = {
  { "relay", "listen", TYPE_IP, OF (listen), 0, 0, TRUE },
  { "relay", "port", TYPE_UINT, OF (port), 0, G_MAXUINT16, TRUE },
  { "relay", "second-port", TYPE_UINT, OF (second_port), 0, G_MAXUINT16, TRUE },
  { "relay", "key-file", TYPE_PATH, OF (key_file), 0, 0, TRUE },
  { "relay", "public-address", TYPE_ADDRESS, OF (public_address) },
  { "relay", "idle-timeout-ms", TYPE_UINT, OF (idle_timeout_ms), 1000,
    MAX_IDLE_MS, TRUE },
  { "relay", "log-level", TYPE_LEVEL, OF (log_level) },
  { "limits", "clients", TYPE_UINT, OF (clients), 1, WZP_REGISTRY_MAX_CLIENTS },
  { "limits", "calls", TYPE_UINT, OF (calls), 1, WZP_REGISTRY_MAX_CALLS },
  { "limits", "calls-per-client", TYPE_UINT, OF (calls_per_client), 1,
    MAX_PER_CLIENT },
  { "limits", "ringing", TYPE_UINT, OF (ringing), 1, MAX_PER_CLIENT },
  { "limits", "call-timeout-s", TYPE_UINT, OF (call_timeout_s), 1, MAX_WAIT_S },
  { "limits", "return-grace-s", TYPE_UINT, OF (return_grace_s), 1, MAX_WAIT_S },
  { "limits", "rooms", TYPE_UINT, OF (rooms), 1, WZP_ROOMS_MAX },
  { "limits", "room-members", TYPE_UINT, OF (room_members), 2,
    WZP_ROOMS_MAX_OPEN_MEMBERS },
  { "limits", "open-rooms", TYPE_BOOL, OF (open_rooms) },
  { "access", "mode", TYPE_MODE, OF (access_mode) },
  { "access", "allow", TYPE_FINGERPRINTS, OF (allow) },
  { "access", "allow-file", TYPE_PATH, OF (allow_file) },
  { "access", "token-key-file", TYPE_PATHS, OF (token_key_files) },
#define QUOTA(name, rule) \
  { name, "connections", TYPE_UINT, OF (quotas.rule.connections), 0, \
    WZP_ENDPOINT_MAX_CONNS }, \
  { name, "connections-per-minute", TYPE_UINT, \
    OF (quotas.rule.connections_per_minute), 0, MAX_PER_MINUTE }, \
  { name, "calls-per-minute", TYPE_UINT, OF (quotas.rule.calls_per_minute), 0, \
    MAX_PER_MINUTE }, \
  { name, "rooms", TYPE_UINT, OF (quotas.rule.rooms), 0, \
    WZP_ENDPOINT_MAX_CONNS }, \
  { name, "bytes-per-second", TYPE_UINT64, OF (quotas.rule.bytes_per_second), \
    0, MAX_BYTES_PER_S }
  QUOTA ("quota identity", identity),
  QUOTA ("quota address", address),
#undef QUOTA
  { "metrics", "listen", TYPE_BIND, OF (metrics_listen), 0, 0, TRUE },
  { "drain", "timeout-s", TYPE_UINT, OF (drain_timeout_s), 0, 24 * MAX_WAIT_S },
  { "peer NAME", "address", TYPE_HOST, OF_PEER (address) },
  { "peer NAME", "fingerprint", TYPE_RELAY, OF_PEER (fingerprint) },
};
/* clang-format on */

const WzpRelayKey *
wzp_relay_key_find (const char *group, const char *key)
{
  const char *name =
      g_str_has_prefix (group, WZP_RELAY_PEER_PREFIX) ? "peer NAME" : group;

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (strcmp (keys[i].group, name) == 0 &&
        (key == NULL || strcmp (keys[i].key, key) == 0))
      return &keys[i];
  return NULL;
}

gboolean
wzp_relay_check_address (const char *text, gboolean any_port, GError **error)
{
  WzpAddr addr;

  if (!wzp_addr_parse (text, &addr, error))
    return FALSE;
  if (addr.port == 0 && !any_port) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_INVALID, "port 0 is no port");
    return FALSE;
  }
  return TRUE;
}

static gboolean
parse_number (
    const WzpRelayKey *key, const char *text, guint64 *ret, GError **error)
{
  g_autofree char *excerpt = NULL;

  if (g_ascii_string_to_unsigned (text, 10, key->min, key->max, ret, NULL))
    return TRUE;
  excerpt = wzp_error_excerpt (text);
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "\"%s\" is no number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
      excerpt, key->min, key->max);
  return FALSE;
}

/* The index of @text in @words, which ends with NULL. */
static gboolean
parse_word (
    const char *const *words, const char *text, guint *ret, GError **error)
{
  g_autofree char *excerpt = NULL;
  g_autofree char *all = NULL;

  for (guint i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], text) == 0) {
      *ret = i;
      return TRUE;
    }
  excerpt = wzp_error_excerpt (text);
  all = g_strjoinv (", ", (char **) words);
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID, "\"%s\" is none of: %s",
      excerpt, all);
  return FALSE;
}

static gboolean
check_clean (const char *text, GError **error)
{
  for (const char *p = text; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p)) {
      g_set_error_literal (
          error, WZP_ERROR, WZP_ERROR_INVALID, "a control character is in it");
      return FALSE;
    }
  if (text[0] != '\0')
    return TRUE;
  g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID, "it is empty");
  return FALSE;
}

static char *
make_path (const char *folder, const char *text)
{
  return g_path_is_absolute (text) ? g_strdup (text)
                                   : g_build_filename (folder, text, NULL);
}

/* What stands between the ';', without white space; NULL: nothing at all. */
static char **
split_list (const char *folder, const WzpRelayKey *key, const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ";", -1);
  g_autoptr (GPtrArray) list = g_ptr_array_new ();

  for (char **part = parts; *part != NULL; part++)
    if (*g_strstrip (*part) != '\0')
      g_ptr_array_add (list,
          key->type == TYPE_PATHS ? make_path (folder, *part)
                                  : g_strdup (*part));
  if (list->len == 0)
    return NULL;
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&list), FALSE);
}

static gboolean
parse_list (const char *folder, const WzpRelayKey *key, const char *text,
    char ***field, GError **error)
{
  g_auto (GStrv) list = split_list (folder, key, text);
  WzpFingerprint fp;

  if (list == NULL) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_INVALID, "the list is empty");
    return FALSE;
  }
  for (char **item = list; key->type == TYPE_FINGERPRINTS && *item != NULL;
       item++)
    if (!wzp_fingerprint_parse (*item, &fp, error))
      return FALSE;
  *field = g_steal_pointer (&list);
  return TRUE;
}

/* Whether it is one of its type. */
static gboolean
check_text (const WzpRelayKey *key, const char *text, GError **error)
{
  g_autofree char *host = NULL;
  guint8 sha256[32];
  guint16 port;
  WzpAddr addr;

  switch (key->type) {
    case TYPE_IP:
      return wzp_addr_parse_ip (text, 0, &addr, error);
    case TYPE_ADDRESS:
    case TYPE_BIND:
      return wzp_relay_check_address (text, key->type == TYPE_BIND, error);
    case TYPE_HOST:
      return wzp_uri_split_host (text, WZP_RELAY_PORT, &host, &port, error);
    case TYPE_RELAY:
      return wzp_relay_fingerprint_parse (text, sha256, error);
    default:
      return TRUE;
  }
}

/* In one way of writing, so that it can be compared. */
static char *
make_text (const WzpRelayKey *key, const char *folder, const char *text)
{
  guint8 sha256[32];

  if (key->type == TYPE_PATH)
    return make_path (folder, text);
  if (key->type == TYPE_RELAY &&
      wzp_relay_fingerprint_parse (text, sha256, NULL))
    return wzp_relay_fingerprint_to_string (sha256);
  return g_strdup (text);
}

gboolean
wzp_relay_key_parse (const WzpRelayKey *key, const char *folder,
    const char *text, gpointer field, GError **error)
{
  static const char *const levels[] = { "warning", "notice", "info", "debug",
    NULL };
  static const char *const modes[] = { "open", "allow-list", "token", NULL };
  static const char *const booleans[] = { "false", "true", NULL };
  guint64 number = 0;
  guint word = 0;

  switch (key->type) {
    case TYPE_UINT:
      if (!parse_number (key, text, &number, error))
        return FALSE;
      *(guint *) field = (guint) number;
      return TRUE;
    case TYPE_UINT64:
      return parse_number (key, text, field, error);
    case TYPE_BOOL:
      return parse_word (booleans, text, field, error);
    case TYPE_LEVEL:
      if (!parse_word (levels, text, &word, error))
        return FALSE;
      *(WzpLogLevel *) field = WZP_LOG_WARNING + word;
      return TRUE;
    case TYPE_MODE:
      if (!parse_word (modes, text, &word, error))
        return FALSE;
      *(WzpAccessKind *) field = WZP_ACCESS_OPEN + word;
      return TRUE;
    case TYPE_PATHS:
    case TYPE_FINGERPRINTS:
      return check_clean (text, error) &&
          parse_list (folder, key, text, field, error);
    default:
      if (!check_clean (text, error) || !check_text (key, text, error))
        return FALSE;
      *(char **) field = make_text (key, folder, text);
      return TRUE;
  }
}

char *
wzp_relay_settings_list_keys (void)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    g_string_append_printf (text, "[%s] %s\n", keys[i].group, keys[i].key);
  return g_string_free (text, FALSE);
}

static gboolean
is_equal (const WzpRelayKey *key, const WzpRelaySettings *a,
    const WzpRelaySettings *b)
{
  gconstpointer x = G_STRUCT_MEMBER_P (a, key->offset);
  gconstpointer y = G_STRUCT_MEMBER_P (b, key->offset);

  return key->type == TYPE_UINT
      ? *(const guint *) x == *(const guint *) y
      : g_strcmp0 (*(const char *const *) x, *(const char *const *) y) == 0;
}

char **
wzp_relay_settings_list_fixed (
    const WzpRelaySettings *self, const WzpRelaySettings *next)
{
  GPtrArray *list = g_ptr_array_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (keys[i].is_fixed && !is_equal (&keys[i], self, next))
      g_ptr_array_add (
          list, g_strdup_printf ("[%s] %s", keys[i].group, keys[i].key));
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}
