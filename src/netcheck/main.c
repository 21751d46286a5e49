/* wzp-netcheck: how relays see this machine, as a program. */
#include "wzp-netcheck-options.h"
#include "wzp-netcheck-report.h"
#include "wzp-netcheck-run.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_INCOMPLETE 1
#define EXIT_USAGE      2

static void
on_done (WzpNetcheckRun *run, gpointer user_data)
{
  g_main_loop_quit (user_data);
}

static void
print_report (
    const WzpNetcheckOptions *options, const WzpNetcheckResult *result)
{
  g_autofree char *text = options->json ? wzp_netcheck_report_json (result)
                                        : wzp_netcheck_report_text (result);

  fputs (text, stdout);
  fflush (stdout);
}

/* The exit status; with @error nothing could be asked. */
static int
check (const WzpNetcheckOptions *options, GError **error)
{
  const WzpEndpointConfig config = { .bind_address = options->bind_address,
    .bind_port = options->bind_port,
    .accept_none = TRUE };
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (WzpIdentity) identity = wzp_identity_new_ephemeral ();
  g_autoptr (WzpEndpoint) endpoint = NULL;
  g_autoptr (WzpNetcheckRun) run = NULL;
  const WzpNetcheckResult *result;

  endpoint = wzp_endpoint_new (
      g_main_context_default (), identity, &config, NULL, NULL, error);
  if (endpoint == NULL)
    return EXIT_INCOMPLETE;
  run = wzp_netcheck_run_new (endpoint, options->timeout_ms, on_done, loop);
  for (guint i = 0; i < options->relays->len; i++)
    wzp_netcheck_run_add (
        run, options->relays->pdata[i], options->rules->pdata[i]);
  g_main_loop_run (loop);
  result = wzp_netcheck_run_get_result (run);
  print_report (options, result);
  return wzp_netcheck_result_is_complete (result) ? EXIT_SUCCESS
                                                  : EXIT_INCOMPLETE;
}

int
main (int argc, char **argv)
{
  g_auto (WzpNetcheckOptions) options = { NULL };
  g_auto (GStrv) args = g_strdupv (argv);
  g_autoptr (GError) error = NULL;
  int status;

  setlocale (LC_ALL, "");
  if (!wzp_netcheck_options_parse (&args, &options, &error)) {
    fprintf (stderr, "wzp-netcheck: %s\n", error->message);
    return EXIT_USAGE;
  }
  if (options.version) {
    printf ("wzp-netcheck %s\n", WZP_VERSION);
    return EXIT_SUCCESS;
  }
  status = check (&options, &error);
  if (error != NULL)
    fprintf (stderr, "wzp-netcheck: %s\n", error->message);
  return status;
}
