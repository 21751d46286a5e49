#include "wzp-relay-options.h"

#include "wzp-identity-file.h"
#include "wzp-relay-http.h"
#include "wzp-uri.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

/* How a relay's key is derived from 32 bytes of seed (docs/protocol.md). */
#define SEED_INFO "wzp-tls-ed25519"

#define NOT_GIVEN   G_MININT
#define MAX_DRAIN_S 86400

#define SUMMARY                                                                \
  "Commands, each with a --help of its own:\n"                                 \
  "  mint-token        Print a token for the access mode \"token\"\n"          \
  "  make-token-key    Make the key that tokens are minted with\n"             \
  "  show-peer         Print the lines that another relay needs to federate "  \
  "with this one"

/* GOption's int is signed and takes any: what was given is checked here. */
typedef struct {
  int port, second_port, drain_timeout;
} Numbers;

static gboolean
check_number (const char *name, int number, int max, GError **error)
{
  if (number == NOT_GIVEN || (number >= 0 && number <= max))
    return TRUE;
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "%s is %d, 0 to %d are possible", name, number, max);
  return FALSE;
}

static gboolean
check_numbers (const Numbers *numbers, GError **error)
{
  return check_number ("--port", numbers->port, G_MAXUINT16, error) &&
      check_number (
          "--second-port", numbers->second_port, G_MAXUINT16, error) &&
      check_number (
          "--drain-timeout", numbers->drain_timeout, MAX_DRAIN_S, error);
}

static gboolean
check_addresses (const WzpRelayOptions *options, GError **error)
{
  WzpAddr addr;

  if (options->listen != NULL &&
      !wzp_addr_parse_ip (options->listen, 0, &addr, error)) {
    g_prefix_error (error, "--listen: ");
    return FALSE;
  }
  if (options->public_address != NULL &&
      !wzp_relay_check_address (options->public_address, FALSE, error)) {
    g_prefix_error (error, "--public-address: ");
    return FALSE;
  }
  if (options->metrics != NULL &&
      !wzp_relay_check_address (options->metrics, TRUE, error)) {
    g_prefix_error (error, "--metrics: ");
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_pairs (const WzpRelayOptions *options, GError **error)
{
  const char *pair = NULL;

  if (options->ephemeral_key && options->key_file != NULL)
    pair = "--ephemeral-key and --key-file";
  else if (options->quiet && options->verbose)
    pair = "--quiet and --verbose";
  else if (options->no_config && options->config != NULL)
    pair = "--config and --no-config";
  if (pair == NULL)
    return TRUE;
  g_set_error (
      error, WZP_ERROR, WZP_ERROR_INVALID, "%s exclude each other", pair);
  return FALSE;
}

static gboolean
check_rest (char **argv, GError **error)
{
  g_autofree char *excerpt = NULL;

  if (argv == NULL || argv[0] == NULL || argv[1] == NULL)
    return TRUE;
  excerpt = wzp_error_excerpt (argv[1]);
  g_set_error (
      error, WZP_ERROR, WZP_ERROR_INVALID, "\"%s\" is not expected", excerpt);
  return FALSE;
}

/* clang-format off */
static gboolean
parse (char ***argv, WzpRelayOptions *options, Numbers *numbers, GError **error)
{
  g_autoptr (GOptionContext) context = NULL;
  const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config,
        "The configuration file (default: " WZP_SYSCONFDIR
        "/wzp-relay.conf, where it is there)", "PATH" },
    { "no-config", 0, 0, G_OPTION_ARG_NONE, &options->no_config,
        "Read no configuration file", NULL },
    { "listen", 'l', 0, G_OPTION_ARG_STRING, &options->listen,
        "Listen on this IP address only (default: on all)", "ADDR" },
    { "port", 'p', 0, G_OPTION_ARG_INT, &numbers->port,
        "UDP port, 0 for a free one (default: 4433)", "PORT" },
    { "second-port", 0, 0, G_OPTION_ARG_INT, &numbers->second_port,
        "Another UDP port, by which wzp-netcheck tells kinds of NAT apart, 0 "
        "for a free one (default: none)", "PORT" },
    { "public-address", 0, 0, G_OPTION_ARG_STRING, &options->public_address,
        "What clients are told this relay's address is (default: what each "
        "of them sees)", "ADDR:PORT" },
    { "key-file", 'k', 0, G_OPTION_ARG_FILENAME, &options->key_file,
        "The relay's key; made when missing (default: relay.key in "
        "$STATE_DIRECTORY, or gst-wzp/relay.key in the user's state folder)",
        "PATH" },
    { "ephemeral-key", 'e', 0, G_OPTION_ARG_NONE, &options->ephemeral_key,
        "Use a new key that is kept nowhere", NULL },
    { "metrics", 'm', 0, G_OPTION_ARG_STRING, &options->metrics,
        "Serve metrics for Prometheus by HTTP on this TCP port, 0 for a free "
        "one (default: not at all)", "ADDR:PORT" },
    { "drain-timeout", 0, 0, G_OPTION_ARG_INT, &numbers->drain_timeout,
        "After SIGTERM wait so long for calls to end (default: 30)",
        "SECONDS" },
    { "print-address", 0, 0, G_OPTION_ARG_NONE, &options->print_address,
        "Print one line for scripts: relay=ADDR:PORT fingerprint=FINGERPRINT",
        NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet,
        "Log warnings only", NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose,
        "Log everything", NULL },
    { "check-config", 0, 0, G_OPTION_ARG_NONE, &options->check_config,
        "Check the configuration and the files that it names, and end", NULL },
    { "list-config-keys", 0, 0, G_OPTION_ARG_NONE, &options->list_config_keys,
        "Print the keys that a configuration file may have, and end", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version,
        "Print the version, and end", NULL },
    { NULL },
  };

  context = g_option_context_new ("- relay for wzpsink and wzpsrc");
  g_option_context_set_summary (context, SUMMARY);
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse_strv (context, argv, error);
}
/* clang-format on */

gboolean
wzp_relay_options_parse (
    char ***argv, WzpRelayOptions *ret_options, GError **error)
{
  g_auto (WzpRelayOptions) options = { NULL };
  Numbers numbers = { NOT_GIVEN, NOT_GIVEN, NOT_GIVEN };

  if (!parse (argv, &options, &numbers, error) || !check_rest (*argv, error) ||
      !check_numbers (&numbers, error) || !check_addresses (&options, error) ||
      !check_pairs (&options, error))
    return FALSE;
  options.port =
      numbers.port == NOT_GIVEN ? WZP_RELAY_NO_PORT : (guint) numbers.port;
  options.second_port = numbers.second_port == NOT_GIVEN
      ? WZP_RELAY_NO_PORT
      : (guint) numbers.second_port;
  options.drain_timeout_s =
      numbers.drain_timeout == NOT_GIVEN ? -1 : numbers.drain_timeout;
  *ret_options = options;
  memset (&options, 0, sizeof options);
  return TRUE;
}

void
wzp_relay_options_clear (WzpRelayOptions *options)
{
  g_clear_pointer (&options->config, g_free);
  g_clear_pointer (&options->listen, g_free);
  g_clear_pointer (&options->key_file, g_free);
  g_clear_pointer (&options->public_address, g_free);
  g_clear_pointer (&options->metrics, g_free);
}

const char *
wzp_relay_default_config (void)
{
  return WZP_SYSCONFDIR "/wzp-relay.conf";
}

static WzpRelaySettings *
read_settings (const WzpRelayOptions *options, GError **error)
{
  g_autoptr (GError) reason = NULL;
  WzpRelaySettings *settings;

  if (options->no_config)
    return wzp_relay_settings_new ();
  if (options->config != NULL)
    return wzp_relay_settings_read (options->config, error);
  settings = wzp_relay_settings_read (wzp_relay_default_config (), &reason);
  if (settings != NULL)
    return settings;
  if (g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return wzp_relay_settings_new ();
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

static void
replace (char **field, const char *text)
{
  if (text == NULL)
    return;
  g_free (*field);
  *field = g_strdup (text);
}

WzpRelaySettings *
wzp_relay_options_load_settings (const WzpRelayOptions *options, GError **error)
{
  WzpRelaySettings *settings = read_settings (options, error);

  if (settings == NULL)
    return NULL;
  replace (&settings->listen, options->listen);
  replace (&settings->key_file, options->key_file);
  replace (&settings->public_address, options->public_address);
  replace (&settings->metrics_listen, options->metrics);
  if (options->port != WZP_RELAY_NO_PORT)
    settings->port = options->port;
  if (options->second_port != WZP_RELAY_NO_PORT)
    settings->second_port = options->second_port;
  if (options->drain_timeout_s >= 0)
    settings->drain_timeout_s = options->drain_timeout_s;
  if (options->quiet)
    settings->log_level = WZP_LOG_WARNING;
  if (options->verbose)
    settings->log_level = WZP_LOG_DEBUG;
  if (settings->metrics_listen != NULL && !wzp_relay_http_is_there ()) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
        "Metrics are asked for, and this wzp-relay was built without them");
    g_clear_pointer (&settings, wzp_relay_settings_free);
  }
  return settings;
}

char *
wzp_relay_default_key_file (void)
{
  const char *state = g_getenv ("STATE_DIRECTORY");
  g_autofree char *first = NULL;

  if (state == NULL || state[0] != '/')
    return g_build_filename (
        g_get_user_state_dir (), "gst-wzp", "relay.key", NULL);
  /* It may name several. */
  first = g_strndup (state, strcspn (state, ":"));
  return g_build_filename (first, "relay.key", NULL);
}

static gboolean
make_folder (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int saved;

  if (g_mkdir_with_parents (folder, 0700) == 0)
    return TRUE;
  saved = errno;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (saved),
      "Cannot create %s: %s", folder, g_strerror (saved));
  return FALSE;
}

static WzpIdentity *
read_identity (const char *path, GError **error)
{
  guint8 seed[WZP_SEED_LEN];
  WzpIdentityFileKind kind;
  WzpIdentity *identity;

  if (!wzp_identity_file_read (path, seed, &kind, error))
    return NULL;
  identity = kind == WZP_IDENTITY_FILE_KEY
      ? wzp_identity_new_from_key (seed)
      : wzp_identity_new_from_seed (seed, SEED_INFO);
  explicit_bzero (seed, sizeof seed);
  return identity;
}

WzpIdentity *
wzp_relay_options_load_identity (const WzpRelayOptions *options,
    const WzpRelaySettings *settings, gboolean create, GError **error)
{
  g_autofree char *path = NULL;

  if (options->ephemeral_key)
    return wzp_identity_new_ephemeral ();
  path = settings->key_file != NULL ? g_strdup (settings->key_file)
                                    : wzp_relay_default_key_file ();
  if (!create || g_file_test (path, G_FILE_TEST_EXISTS))
    return read_identity (path, error);
  if (!make_folder (path, error))
    return NULL;
  return wzp_identity_load (path, TRUE, error);
}
