#include "wzp-relay-config-private.h"

#include "wzp-relay-files.h"
#include "wzp-relay-scan.h"
#include "wzp-uri.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define DRAIN_TIMEOUT_S 30u
#define PEER_NAME_MAX   32u /* bytes: it is in every RoomUpdate */

typedef struct {
  const char *path;
  char *folder;       /* owned */
  GKeyFile *file;     /* owned */
  GPtrArray *entries; /* owned */
  WzpRelaySettings *settings;
} Parser;

static void
parser_clear (Parser *self)
{
  g_free (self->folder);
  g_key_file_unref (self->file);
  g_clear_pointer (&self->entries, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parser, parser_clear)

static gboolean
is_peer_group (const WzpRelayEntry *entry)
{
  return g_str_has_prefix (entry->group, WZP_RELAY_PEER_PREFIX);
}

static gboolean
fail_at (const Parser *parser, const WzpRelayEntry *entry, GError **error,
    const char *what)
{
  g_autofree char *group = wzp_error_excerpt (entry->group);
  g_autofree char *key =
      entry->key != NULL ? wzp_error_excerpt (entry->key) : NULL;

  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID, "%s:%u: [%s]%s%s: %s",
      parser->path, entry->line, group, key != NULL ? " " : "",
      key != NULL ? key : "", what);
  return FALSE;
}

/* The entry of a key, or of a group where @key is NULL; NULL: not there. */
static const WzpRelayEntry *
find_entry (const Parser *parser, const char *group, const char *key)
{
  for (guint i = 0; i < parser->entries->len; i++) {
    const WzpRelayEntry *entry = parser->entries->pdata[i];

    if (strcmp (entry->group, group) == 0 && g_strcmp0 (entry->key, key) == 0)
      return entry;
  }
  return NULL;
}

/* Whether it is one of the table's, and a peer's name is one. */
static gboolean
check_entry (const Parser *parser, const WzpRelayEntry *entry, GError **error)
{
  const char *name = entry->group + strlen (WZP_RELAY_PEER_PREFIX);
  gsize len;

  if (wzp_relay_key_find (entry->group, entry->key) == NULL)
    return fail_at (parser, entry, error,
        entry->key != NULL ? "there is no such key" : "there is no such group");
  if (!is_peer_group (entry))
    return TRUE;
  len = strspn (name,
      "abcdefghijklmnopqrstuvwxyz"
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
  if (len == 0 || name[len] != '\0' || len > PEER_NAME_MAX)
    return fail_at (parser, entry, error,
        "a peer's name is 1 to 32 letters, digits, '.', '-' and '_'");
  return TRUE;
}

static gboolean
add_peer (Parser *parser, const WzpRelayEntry *entry, GError **error)
{
  GArray *peers = parser->settings->peers;
  WzpRelayPeer peer = { NULL };

  if (peers->len == WZP_REGISTRY_MAX_LINKS)
    return fail_at (
        parser, entry, error, "there are as many peers as can be already");
  peer.label = g_strdup (entry->group + strlen (WZP_RELAY_PEER_PREFIX));
  g_array_append_val (peers, peer);
  return TRUE;
}

static gboolean
take_entry (Parser *parser, const WzpRelayEntry *entry, GError **error)
{
  const WzpRelayKey *key = wzp_relay_key_find (entry->group, entry->key);
  g_autoptr (GError) reason = NULL;
  g_autofree char *text = NULL;
  gpointer base = parser->settings;

  if (entry->key == NULL)
    return !is_peer_group (entry) || add_peer (parser, entry, error);

  /* The peer of this group is the last one, as a group is there once. */
  if (is_peer_group (entry))
    base = &g_array_index (parser->settings->peers, WzpRelayPeer,
        parser->settings->peers->len - 1);
  text =
      g_key_file_get_string (parser->file, entry->group, entry->key, &reason);
  /* A bad escape gives both a text and an error. */
  if (reason != NULL ||
      !wzp_relay_key_parse (key, parser->folder, g_strchomp (text),
          G_STRUCT_MEMBER_P (base, key->offset), &reason))
    return fail_at (parser, entry, error, reason->message);
  return TRUE;
}

static gboolean
check_peers (Parser *parser, GError **error)
{
  const GArray *peers = parser->settings->peers;

  for (guint i = 0; i < peers->len; i++) {
    const WzpRelayPeer *peer = &g_array_index (peers, WzpRelayPeer, i);
    g_autofree char *group =
        g_strconcat (WZP_RELAY_PEER_PREFIX, peer->label, NULL);
    const WzpRelayEntry *entry = find_entry (parser, group, NULL);

    if (peer->fingerprint == NULL)
      return fail_at (parser, entry, error, "the key fingerprint is missing");
    for (guint j = 0; j < i; j++) {
      const WzpRelayPeer *other = &g_array_index (peers, WzpRelayPeer, j);
      g_autofree char *what = NULL;

      if (strcmp (other->fingerprint, peer->fingerprint) != 0)
        continue;
      what =
          g_strdup_printf ("[peer %s] has the same fingerprint", other->label);
      return fail_at (parser, entry, error, what);
    }
  }
  return TRUE;
}

static gboolean
check_access (Parser *parser, GError **error)
{
  static const struct {
    const char *key;
    WzpAccessKind mode;
    const char *without;
  } rules[] = {
    { "allow", WZP_ACCESS_ALLOW_LIST, "is for mode=allow-list only" },
    { "allow-file", WZP_ACCESS_ALLOW_LIST, "is for mode=allow-list only" },
    { "token-key-file", WZP_ACCESS_TOKEN, "is for mode=token only" },
  };
  const WzpRelaySettings *settings = parser->settings;
  const WzpRelayEntry *mode = find_entry (parser, "access", "mode");

  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++) {
    const WzpRelayEntry *entry = find_entry (parser, "access", rules[i].key);

    if (entry != NULL && settings->access_mode != rules[i].mode)
      return fail_at (parser, entry, error, rules[i].without);
  }
  if (settings->access_mode == WZP_ACCESS_ALLOW_LIST &&
      settings->allow == NULL && settings->allow_file == NULL)
    return fail_at (
        parser, mode, error, "allow-list needs the key allow or allow-file");
  if (settings->access_mode == WZP_ACCESS_TOKEN &&
      settings->token_key_files == NULL)
    return fail_at (parser, mode, error, "token needs the key token-key-file");
  return TRUE;
}

/* The list in the file, and the one in the text. */
static WzpRelayAccess *
make_allow_list (Parser *parser, GError **error)
{
  const WzpRelaySettings *settings = parser->settings;
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  const WzpRelayEntry *entry = find_entry (parser, "access", "allow-file");
  g_autoptr (GError) reason = NULL;
  WzpRelayAccess *access = NULL;

  for (guint i = 0; settings->allow != NULL && settings->allow[i] != NULL; i++)
    g_ptr_array_add (list, g_strdup (settings->allow[i]));
  if (entry == NULL)
    entry = find_entry (parser, "access", "allow");
  if (settings->allow_file == NULL ||
      wzp_relay_allow_file_read (settings->allow_file, list, &reason)) {
    g_ptr_array_add (list, NULL);
    access = wzp_relay_access_new_allow_list (
        (const char *const *) list->pdata, &reason);
  }
  if (access == NULL)
    fail_at (parser, entry, error, reason->message);
  return access;
}

static WzpRelayAccess *
make_token_access (Parser *parser, GError **error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  char **paths = parser->settings->token_key_files;
  g_autoptr (GError) reason = NULL;
  WzpRelayAccess *access = NULL;

  for (guint i = 0; paths[i] != NULL && reason == NULL; i++) {
    GBytes *key = wzp_relay_token_key_read (paths[i], &reason);

    if (key != NULL)
      g_ptr_array_add (list, key);
  }
  if (reason == NULL)
    access = wzp_relay_access_new_token (
        (GBytes *const *) list->pdata, list->len, &reason);
  if (access == NULL)
    fail_at (parser, find_entry (parser, "access", "token-key-file"), error,
        reason->message);
  return access;
}

static WzpRelayAccess *
make_access (Parser *parser, GError **error)
{
  switch (parser->settings->access_mode) {
    case WZP_ACCESS_OPEN:
      return wzp_relay_access_new_open ();
    case WZP_ACCESS_ALLOW_LIST:
      return make_allow_list (parser, error);
    case WZP_ACCESS_TOKEN:
      return make_token_access (parser, error);
  }
  g_return_val_if_reached (NULL);
}

static gboolean
parse_entries (Parser *parser, const char *text, GError **error)
{
  const GPtrArray *entries = parser->entries;

  /* All the names first: GKeyFile then has nothing to say against them. */
  for (guint i = 0; i < entries->len; i++)
    if (!check_entry (parser, entries->pdata[i], error))
      return FALSE;
  if (!g_key_file_load_from_data (
          parser->file, text, -1, G_KEY_FILE_NONE, error)) {
    g_prefix_error (error, "%s: ", parser->path);
    return FALSE;
  }
  for (guint i = 0; i < entries->len; i++)
    if (!take_entry (parser, entries->pdata[i], error))
      return FALSE;
  if (!check_peers (parser, error) || !check_access (parser, error))
    return FALSE;
  g_clear_pointer (&parser->settings->access, wzp_relay_access_unref);
  parser->settings->access = make_access (parser, error);
  return parser->settings->access != NULL;
}

/* Where a text stops being one. */
static gboolean
check_text (const char *path, const char *text, gsize len, GError **error)
{
  const char *end;
  guint line = 1;

  if (len > WZP_RELAY_CONFIG_MAX_LEN) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "%s is larger than %u bytes", path, WZP_RELAY_CONFIG_MAX_LEN);
    return FALSE;
  }
  if (g_utf8_validate_len (text, len, &end))
    return TRUE;
  for (const char *p = text; p < end; p++)
    if (*p == '\n')
      line++;
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "%s:%u: a byte of value 0x%02x is no text in UTF-8", path, line,
      (guint) (guint8) *end);
  return FALSE;
}

/* GKeyFile minds some kinds of white space in some places. */
static char *
strip_lines (const char *bytes, gsize len)
{
  GString *text = g_string_sized_new (len + 1);
  const char *end = bytes + len;

  while (bytes < end) {
    const char *eol = memchr (bytes, '\n', end - bytes);
    g_autofree char *line =
        g_strndup (bytes, (eol != NULL ? eol : end) - bytes);

    g_string_append (text, g_strstrip (line));
    g_string_append_c (text, '\n');
    bytes = eol != NULL ? eol + 1 : end;
  }
  return g_string_free (text, FALSE);
}

WzpRelaySettings *
wzp_relay_settings_parse (
    const char *path, const char *bytes, gsize len, GError **error)
{
  g_autoptr (WzpRelaySettings) settings = wzp_relay_settings_new ();
  g_auto (Parser) parser = { .path = path, .settings = settings };
  g_autofree char *text = NULL;

  if (len >= 3 && memcmp (bytes, BYTE_ORDER_MARK, 3) == 0) {
    bytes += 3;
    len -= 3;
  }
  parser.folder = g_path_get_dirname (path);
  parser.file = g_key_file_new ();
  if (!check_text (path, bytes, len, error))
    return NULL;
  text = strip_lines (bytes, len);
  parser.entries = wzp_relay_scan (path, text, error);
  if (parser.entries == NULL || !parse_entries (&parser, text, error))
    return NULL;
  settings->path = g_strdup (path);
  return g_steal_pointer (&settings);
}

WzpRelaySettings *
wzp_relay_settings_read (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes =
      wzp_relay_file_read (path, WZP_RELAY_CONFIG_MAX_LEN, FALSE, error);
  const char *text;
  gsize len;

  if (bytes == NULL)
    return NULL;
  text = g_bytes_get_data (bytes, &len);
  return wzp_relay_settings_parse (path, text, len, error);
}

static void
clear_peer (gpointer data)
{
  WzpRelayPeer *peer = data;

  g_free ((char *) peer->address);
  g_free ((char *) peer->fingerprint);
  g_free ((char *) peer->label);
}

WzpRelaySettings *
wzp_relay_settings_new (void)
{
  WzpRelaySettings *self = g_new0 (WzpRelaySettings, 1);

  self->port = WZP_RELAY_PORT;
  self->second_port = WZP_RELAY_NO_PORT;
  self->log_level = WZP_LOG_INFO;
  self->open_rooms = TRUE;
  self->access = wzp_relay_access_new_open ();
  self->drain_timeout_s = DRAIN_TIMEOUT_S;
  self->peers = g_array_new (FALSE, TRUE, sizeof (WzpRelayPeer));
  g_array_set_clear_func (self->peers, clear_peer);
  return self;
}

void
wzp_relay_settings_free (WzpRelaySettings *self)
{
  g_free (self->path);
  g_free (self->listen);
  g_free (self->key_file);
  g_free (self->public_address);
  g_strfreev (self->allow);
  g_free (self->allow_file);
  g_strfreev (self->token_key_files);
  g_clear_pointer (&self->access, wzp_relay_access_unref);
  g_free (self->metrics_listen);
  g_array_unref (self->peers);
  g_free (self);
}

void
wzp_relay_settings_fill (
    const WzpRelaySettings *self, WzpRelayConfig *ret_config)
{
  *ret_config = (WzpRelayConfig) {
    .listen = self->listen,
    .port = (guint16) self->port,
    .any_second_port = self->second_port == 0,
    .public_address = self->public_address,
    .limits = {
      .max_clients = self->clients,
      .max_calls = self->calls,
      .max_calls_per_client = self->calls_per_client,
      .max_ringing = self->ringing,
      .call_timeout_us = self->call_timeout_s * G_USEC_PER_SEC,
      .grace_us = self->return_grace_s * G_USEC_PER_SEC,
    },
    .max_rooms = self->rooms,
    .max_room_members = self->room_members,
    .no_open_rooms = !self->open_rooms,
    .idle_timeout_ms = self->idle_timeout_ms,
    .access = self->access,
    .quotas = self->quotas,
    .peers = (const WzpRelayPeer *) (gpointer) self->peers->data,
    .n_peers = self->peers->len,
  };
  if (self->second_port != WZP_RELAY_NO_PORT)
    ret_config->second_port = (guint16) self->second_port;
}
