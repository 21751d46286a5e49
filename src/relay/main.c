/* wzp-relay: the relay as a program. */
#include "wzp-relay-options.h"
#include "wzp-relay.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* The least important level that is logged. */
static GLogLevelFlags log_limit = G_LOG_LEVEL_INFO;

/* Logs go to standard error: standard output is for what other programs
 * read. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
    gpointer user_data)
{
  g_autofree char *text = NULL;

  /* A smaller value is more important. */
  if ((level & G_LOG_LEVEL_MASK) > log_limit)
    return G_LOG_WRITER_HANDLED;
  text = g_log_writer_format_fields (level, fields, n_fields, FALSE);
  fprintf (stderr, "%s\n", text);
  return G_LOG_WRITER_HANDLED;
}

static void
print_addresses (const WzpRelay *relay, gboolean for_scripts)
{
  const char *fingerprint = wzp_relay_get_fingerprint (relay);
  char text[WZP_ADDR_MAX_STRLEN];
  WzpAddr addrs[2];
  guint n = wzp_relay_get_addresses (relay, addrs);

  for (guint i = 0; i < n; i++)
    printf ("listening on %s\n", wzp_addr_to_string (&addrs[i], text));
  printf ("fingerprint %s\n", fingerprint);
  if (for_scripts) {
    /* Where this machine reaches it when it listens on any address. */
    if (wzp_addr_scope (&addrs[0]) == WZP_ADDR_UNSPECIFIED)
      wzp_addr_parse_ip (addrs[0].family == 4 ? "127.0.0.1" : "::1",
          addrs[0].port, &addrs[0], NULL);
    printf ("relay=%s fingerprint=%s\n", wzp_addr_to_string (&addrs[0], text),
        fingerprint);
  }
  printf ("ready\n");
  fflush (stdout);
}

static gboolean
on_signal (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_CONTINUE;
}

/* Prints where the relay is and serves until a signal comes. */
static void
serve (const WzpRelay *relay, gboolean for_scripts)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  /* Before "ready": whoever reads that may send one at once. */
  guint interrupt = g_unix_signal_add (SIGINT, on_signal, loop);
  guint terminate = g_unix_signal_add (SIGTERM, on_signal, loop);

  print_addresses (relay, for_scripts);
  g_main_loop_run (loop);
  g_info ("the relay ends");
  g_source_remove (interrupt);
  g_source_remove (terminate);
}

static gboolean
start_and_serve (const WzpRelayOptions *options, GError **error)
{
  WzpRelayConfig config = { .listen = options->listen, .port = options->port };
  g_autoptr (WzpIdentity) identity = NULL;
  g_autoptr (WzpRelay) relay = NULL;

  identity = wzp_relay_options_load_identity (options, error);
  if (identity == NULL)
    return FALSE;
  config.identity = identity;
  relay = wzp_relay_new (NULL, &config, error);
  if (relay == NULL)
    return FALSE;
  serve (relay, options->print_address);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_auto (WzpRelayOptions) options = { NULL };
  g_auto (GStrv) args = g_strdupv (argv);
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  g_log_set_writer_func (write_log, NULL, NULL);
  if (!wzp_relay_options_parse (&args, &options, &error)) {
    fprintf (stderr, "wzp-relay: %s\n", error->message);
    return 2;
  }
  if (options.version) {
    printf ("wzp-relay %s\n", WZP_VERSION);
    return EXIT_SUCCESS;
  }
  if (options.quiet)
    log_limit = G_LOG_LEVEL_WARNING;
  else if (options.verbose)
    log_limit = G_LOG_LEVEL_DEBUG;

  if (!start_and_serve (&options, &error)) {
    fprintf (stderr, "wzp-relay: %s\n", error->message);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
