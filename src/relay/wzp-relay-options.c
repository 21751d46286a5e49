#include "wzp-relay-options.h"

#include "wzp-addr.h"
#include "wzp-error.h"
#include "wzp-identity-file.h"
#include "wzp-uri.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

/* How a relay's key is derived from 32 bytes of seed (docs/protocol.md). */
#define SEED_INFO "wzp-tls-ed25519"

static gboolean
check_options (const WzpRelayOptions *options, int port, GError **error)
{
  WzpAddr addr;

  if (port < 0 || port > G_MAXUINT16) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "--port is %d, 0 to %u are possible", port, G_MAXUINT16);
    return FALSE;
  }
  if (options->listen != NULL &&
      !wzp_addr_parse_ip (options->listen, 0, &addr, error)) {
    g_prefix_error (error, "--listen: ");
    return FALSE;
  }
  if (options->ephemeral_key && options->key_file != NULL) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
        "--ephemeral-key and --key-file exclude each other");
    return FALSE;
  }
  if (options->quiet && options->verbose) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
        "--quiet and --verbose exclude each other");
    return FALSE;
  }
  return TRUE;
}

gboolean
wzp_relay_options_parse (
    char ***argv, WzpRelayOptions *ret_options, GError **error)
{
  g_auto (WzpRelayOptions) options = { NULL };
  g_autoptr (GOptionContext) context = NULL;
  int port = WZP_RELAY_PORT;
  const GOptionEntry entries[] = {
    { "listen", 'l', 0, G_OPTION_ARG_STRING, &options.listen,
        "Listen on this IP address only (default: on all)", "ADDR" },
    { "port", 'p', 0, G_OPTION_ARG_INT, &port,
        "UDP port, 0 for a free one (default: 4433)", "PORT" },
    { "key-file", 'k', 0, G_OPTION_ARG_FILENAME, &options.key_file,
        "The relay's key; made when missing (default: gst-wzp/relay.key in "
        "the user's state folder)",
        "PATH" },
    { "ephemeral-key", 'e', 0, G_OPTION_ARG_NONE, &options.ephemeral_key,
        "Use a new key that is kept nowhere", NULL },
    { "print-address", 0, 0, G_OPTION_ARG_NONE, &options.print_address,
        "Print one line for scripts: relay=ADDR:PORT fingerprint=FINGERPRINT",
        NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options.quiet, "Log warnings only",
        NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &options.verbose, "Log everything",
        NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options.version, "Print the version",
        NULL },
    { NULL },
  };

  context = g_option_context_new ("- relay for wzpsink and wzpsrc");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse_strv (context, argv, error))
    return FALSE;
  if (*argv != NULL && (*argv)[0] != NULL && (*argv)[1] != NULL) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID, "\"%s\" is not expected",
        (*argv)[1]);
    return FALSE;
  }
  if (!check_options (&options, port, error))
    return FALSE;
  options.port = (guint16) port;
  *ret_options = options;
  memset (&options, 0, sizeof options);
  return TRUE;
}

void
wzp_relay_options_clear (WzpRelayOptions *options)
{
  g_clear_pointer (&options->listen, g_free);
  g_clear_pointer (&options->key_file, g_free);
}

char *
wzp_relay_default_key_file (void)
{
  return g_build_filename (
      g_get_user_state_dir (), "gst-wzp", "relay.key", NULL);
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

WzpIdentity *
wzp_relay_options_load_identity (const WzpRelayOptions *options, GError **error)
{
  g_autofree char *path = NULL;
  guint8 seed[WZP_SEED_LEN];
  WzpIdentityFileKind kind;
  WzpIdentity *identity;

  if (options->ephemeral_key)
    return wzp_identity_new_ephemeral ();
  path = options->key_file != NULL ? g_strdup (options->key_file)
                                   : wzp_relay_default_key_file ();
  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    if (!make_folder (path, error))
      return NULL;
    return wzp_identity_load (path, TRUE, error);
  }
  if (!wzp_identity_file_read (path, seed, &kind, error))
    return NULL;
  identity = kind == WZP_IDENTITY_FILE_KEY
      ? wzp_identity_new_from_key (seed)
      : wzp_identity_new_from_seed (seed, SEED_INFO);
  explicit_bzero (seed, sizeof seed);
  return identity;
}
