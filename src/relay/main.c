/* wzp-relay: the relay as a program. */
#include "wzp-relay-commands.h"
#include "wzp-relay-service.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The command line or the configuration is not in order: trying again will not
 * help. */
#define EXIT_NOT_IN_ORDER 2

static int
complain (const GError *error, int status)
{
  g_autofree char *line = wzp_relay_log_escape (error->message, -1);

  fprintf (stderr, "wzp-relay: %s\n", line);
  return status;
}

static int
run_command (char ***args)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  text = wzp_relay_command_run (args, &error);
  if (text == NULL)
    return complain (error,
        error->domain == G_OPTION_ERROR ||
                g_error_matches (error, WZP_ERROR, WZP_ERROR_INVALID)
            ? EXIT_NOT_IN_ORDER
            : EXIT_FAILURE);
  fputs (text, stdout);
  return EXIT_SUCCESS;
}

/* The key file too, where it is there: its permissions may be wrong. */
static gboolean
check_key (const WzpRelayOptions *options, const WzpRelaySettings *settings,
    GError **error)
{
  g_autoptr (WzpIdentity) identity = NULL;
  g_autoptr (GError) reason = NULL;

  identity =
      wzp_relay_options_load_identity (options, settings, FALSE, &reason);
  if (identity != NULL ||
      g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

static int
check_config (const WzpRelayOptions *options, const WzpRelaySettings *settings)
{
  g_autoptr (GError) error = NULL;

  if (!check_key (options, settings, &error))
    return complain (error, EXIT_NOT_IN_ORDER);
  printf ("%s is in order\n",
      settings->path != NULL ? settings->path : "no configuration file");
  return EXIT_SUCCESS;
}

static int
run (const WzpRelayOptions *options)
{
  g_autoptr (GError) error = NULL;
  WzpRelaySettings *settings;

  settings = wzp_relay_options_load_settings (options, &error);
  if (settings == NULL)
    return complain (error, EXIT_NOT_IN_ORDER);
  if (options->check_config) {
    const int status = check_config (options, settings);

    wzp_relay_settings_free (settings);
    return status;
  }
  if (!wzp_relay_service_run (options, settings, &error))
    return complain (error, EXIT_FAILURE);
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  g_auto (WzpRelayOptions) options = { NULL };
  g_auto (GStrv) args = g_strdupv (argv);
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  wzp_relay_log_install (NULL);
  if (argc > 1 && wzp_relay_is_command (argv[1])) {
    g_free (args[0]);
    memmove (args, args + 1, (gsize) argc * sizeof *args);
    return run_command (&args);
  }
  if (!wzp_relay_options_parse (&args, &options, &error))
    return complain (error, EXIT_NOT_IN_ORDER);
  if (options.version) {
    printf ("wzp-relay %s\n", WZP_VERSION);
    return EXIT_SUCCESS;
  }
  if (options.list_config_keys) {
    g_autofree char *list = wzp_relay_settings_list_keys ();

    fputs (list, stdout);
    return EXIT_SUCCESS;
  }
  return run (&options);
}
