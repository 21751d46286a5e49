#include "wzp-relay-commands.h"

#include "wzp-relay-files.h"
#include "wzp-relay-options.h"

#include <string.h>

static gboolean
fail (GError **error, const char *what)
{
  g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID, what);
  return FALSE;
}

/* What is left must be @n words. */
static gboolean
parse_line (char ***argv, const GOptionEntry *entries, const char *about,
    guint n, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (about);
  g_autofree char *program = NULL;

  program = g_strconcat ("wzp-relay ", (*argv)[0], NULL);
  g_set_prgname (program);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse_strv (context, argv, error))
    return FALSE;
  if (g_strv_length (*argv) != n + 1)
    return fail (error,
        n == 0 ? "nothing but options is expected" : "one file is expected");
  return TRUE;
}

gboolean
wzp_relay_parse_duration (const char *text, guint *ret_seconds, GError **error)
{
  static const struct {
    char letter;
    guint seconds;
  } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
  g_autofree char *digits = g_strdup (text);
  g_autofree char *excerpt = NULL;
  const gsize len = strlen (text);
  guint unit = 1;
  guint64 number;

  for (gsize i = 0; len > 0 && i < G_N_ELEMENTS (units); i++)
    if (digits[len - 1] == units[i].letter) {
      unit = units[i].seconds;
      digits[len - 1] = '\0';
      break;
    }
  if (g_ascii_string_to_unsigned (
          digits, 10, 1, WZP_TOKEN_MAX_VALID_S / unit, &number, NULL)) {
    *ret_seconds = (guint) number * unit;
    return TRUE;
  }
  excerpt = wzp_error_excerpt (text);
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "\"%s\" is no time: 90s, 15m, 12h and 7d are some, at most 366d",
      excerpt);
  return FALSE;
}

typedef struct {
  char *key_file, *who, *room, *valid;
} TokenLine;

static void
token_line_clear (TokenLine *self)
{
  g_free (self->key_file);
  g_free (self->who);
  g_free (self->room);
  g_free (self->valid);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TokenLine, token_line_clear)

static char *
mint (const TokenLine *line, GError **error)
{
  const gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  guint valid_s = WZP_TOKEN_DEFAULT_VALID_S;
  g_autoptr (GBytes) key = NULL;
  g_autofree char *token = NULL;
  WzpFingerprint who;

  if (line->key_file == NULL) {
    fail (error, "--key-file is missing");
    return NULL;
  }
  if (line->valid != NULL &&
      !wzp_relay_parse_duration (line->valid, &valid_s, error)) {
    g_prefix_error (error, "--valid: ");
    return NULL;
  }
  if (line->who != NULL && !wzp_fingerprint_parse (line->who, &who, error)) {
    g_prefix_error (error, "--for: ");
    return NULL;
  }
  key = wzp_relay_token_key_read (line->key_file, error);
  if (key == NULL)
    return NULL;
  token = wzp_token_mint (
      key, now_s + valid_s, line->who != NULL ? &who : NULL, line->room, error);
  return token != NULL ? g_strconcat (token, "\n", NULL) : NULL;
}

static char *
mint_token (char ***argv, GError **error)
{
  g_auto (TokenLine) line = { NULL };
  const GOptionEntry entries[] = {
    { "key-file", 'k', 0, G_OPTION_ARG_FILENAME, &line.key_file,
        "The key that the relay's token-key-file names too", "PATH" },
    { "for", 'f', 0, G_OPTION_ARG_STRING, &line.who,
        "Only for this identity (default: for whoever has it)", "FINGERPRINT" },
    { "room", 'r', 0, G_OPTION_ARG_STRING, &line.room,
        "Only for this open room (default: for calls)", "NAME" },
    { "valid", 0, 0, G_OPTION_ARG_STRING, &line.valid,
        "How long: 90s, 15m, 12h, 7d (default: 1h)", "TIME" },
    { NULL },
  };

  if (!parse_line (argv, entries, "- print a token", 0, error))
    return NULL;
  return mint (&line, error);
}

static char *
make_token_key (char ***argv, GError **error)
{
  const GOptionEntry entries[] = { { NULL } };

  if (!parse_line (
          argv, entries, "FILE - make a key to mint tokens with", 1, error) ||
      !wzp_relay_token_key_create ((*argv)[1], error))
    return NULL;
  return g_strdup ("");
}

typedef struct {
  WzpRelayOptions options; /* config, no_config and key_file only */
  char *name, *address;
} PeerLine;

static void
peer_line_clear (PeerLine *self)
{
  wzp_relay_options_clear (&self->options);
  g_free (self->name);
  g_free (self->address);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PeerLine, peer_line_clear)

static char *
make_peer (const PeerLine *line, GError **error)
{
  g_autoptr (WzpRelaySettings) settings =
      wzp_relay_options_load_settings (&line->options, error);
  g_autoptr (WzpRelaySettings) checked = NULL;
  g_autoptr (WzpIdentity) identity = NULL;
  g_autofree char *fingerprint = NULL;
  g_autofree char *text = NULL;
  const char *address = line->address;

  if (settings == NULL)
    return NULL;
  identity =
      wzp_relay_options_load_identity (&line->options, settings, FALSE, error);
  if (identity == NULL)
    return NULL;
  fingerprint = wzp_relay_identity_fingerprint (identity, error);
  if (fingerprint == NULL)
    return NULL;
  if (address == NULL)
    address = settings->public_address;
  text = g_strdup_printf ("[peer %s]\n%saddress=%s\nfingerprint=%s\n",
      line->name != NULL ? line->name : "NAME", address == NULL ? "# " : "",
      address != NULL ? address : "HOST:PORT", fingerprint);
  /* What the other relay would say to it. */
  checked = wzp_relay_settings_parse ("peer", text, strlen (text), error);
  return checked != NULL ? g_steal_pointer (&text) : NULL;
}

static char *
show_peer (char ***argv, GError **error)
{
  g_auto (PeerLine) line = { .options = { .port = WZP_RELAY_NO_PORT,
                                 .second_port = WZP_RELAY_NO_PORT,
                                 .drain_timeout_s = -1 } };
  const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &line.options.config,
        "The relay's configuration file", "PATH" },
    { "no-config", 0, 0, G_OPTION_ARG_NONE, &line.options.no_config,
        "Read no configuration file", NULL },
    { "key-file", 'k', 0, G_OPTION_ARG_FILENAME, &line.options.key_file,
        "The relay's key (default: as the configuration says)", "PATH" },
    { "name", 'n', 0, G_OPTION_ARG_STRING, &line.name,
        "What the other relay calls this one", "NAME" },
    { "address", 'a', 0, G_OPTION_ARG_STRING, &line.address,
        "Where the other relay reaches this one (default: its public "
        "address)",
        "HOST[:PORT]" },
    { NULL },
  };

  if (!parse_line (argv, entries,
          "- print what another relay needs to federate with this one", 0,
          error))
    return NULL;
  return make_peer (&line, error);
}

static const struct {
  const char *name;
  char *(*run) (char ***argv, GError **error);
} commands[] = {
  { "mint-token", mint_token },
  { "make-token-key", make_token_key },
  { "show-peer", show_peer },
};

gboolean
wzp_relay_is_command (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].name, name) == 0)
      return TRUE;
  return FALSE;
}

char *
wzp_relay_command_run (char ***argv, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].name, (*argv)[0]) == 0)
      return commands[i].run (argv, error);
  g_return_val_if_reached (NULL);
}
