/* wzp-demo: four calls over loopback, each between two processes, and what
 * came of them. Exit code 0: all is as it should be; 77: an element is missing.
 *
 * The program runs itself again for each end of a call (--peer). */
#include <gio/gio.h>
#include <glib-unix.h>
#include <gst/gst.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "wzp-demo-child.h"
#include "wzp-demo-peer.h"
#include "wzp-demo-run.h"

/* The last resort, should all the deadlines fail. */
#define MAX_SECONDS 110u
#define EXIT_SKIP   77

static const DemoPlan plans[] = {
  { .title = "1. A wzpsink calls a wzpsrc by its name; relay and direct race",
      .name = "direct",
      .names = { "caller", "listener" },
      .with_relay = TRUE },
  { .title = "2. The same by the relay only (transport-policy=relay)",
      .name = "relay",
      .names = { "caller", "listener" },
      .with_relay = TRUE,
      .relay_only = TRUE },
  { .title = "3. No relay: the application carries the candidates (mode=app)",
      .name = "app",
      .names = { "sender", "receiver" } },
  { .title = "4. Sound and picture in one call, both ways (session, flow)",
      .name = "both",
      .names = { "caller", "listener" },
      .with_relay = TRUE,
      .two_ways = TRUE },
};

static gboolean
on_signal (gpointer user_data)
{
  printf ("   interrupted\n");
  demo_stop_waiting ();
  return G_SOURCE_CONTINUE;
}

/* The plugin and the relay of the build tree that this program is in. */
static void
find_programs (DemoPrograms *ret_programs)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *dir = g_path_get_dirname (self);
  g_autofree char *build = g_canonicalize_filename ("../..", dir);
  g_autofree char *plugin = g_build_filename (build, "gst-plugin", NULL);
  g_autofree char *registry =
      g_build_filename (build, "gst-registry.bin", NULL);

  ret_programs->relay =
      g_build_filename (build, "src", "relay", "wzp-relay", NULL);
  g_setenv ("GST_PLUGIN_PATH", plugin, FALSE);
  g_setenv ("GST_REGISTRY", registry, FALSE);
  ret_programs->dir = g_steal_pointer (&dir);
  ret_programs->self = g_steal_pointer (&self);
}

static void
clear_programs (DemoPrograms *programs)
{
  g_free ((char *) programs->self);
  g_free ((char *) programs->relay);
  g_free ((char *) programs->dir);
}

/* @only: a call's number, 0: all. */
static int
run_all (const DemoPrograms *programs, int only)
{
  const gint64 start_us = g_get_monotonic_time ();
  const guint first = only > 0 ? (guint) only - 1 : 0;
  const guint end = only > 0 ? (guint) only : G_N_ELEMENTS (plans);
  guint interrupt, terminate, n_right = 0;

  interrupt = g_unix_signal_add (SIGINT, on_signal, NULL);
  terminate = g_unix_signal_add (SIGTERM, on_signal, NULL);
  for (guint i = first; i < end && !demo_is_stopped (); i++)
    n_right += demo_run (&plans[i], programs);
  g_source_remove (interrupt);
  g_source_remove (terminate);
  printf ("%u of %u calls as they should be, %.0f s\n", n_right, end - first,
      (double) (g_get_monotonic_time () - start_us) / G_USEC_PER_SEC);
  return n_right == end - first ? EXIT_SUCCESS : EXIT_FAILURE;
}

static gboolean
parse (int *argc, char ***argv, DemoPeerOptions *options, int *ret_only)
{
  const GOptionEntry entries[] = {
    { "call", 'c', 0, G_OPTION_ARG_INT, ret_only, "Only this call, 1 to 4",
        "NUMBER" },
    { "peer", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &options->side, NULL,
        NULL },
    { "settings", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING,
        &options->settings, NULL, NULL },
    { "png", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &options->png,
        NULL, NULL },
    { "sends", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options->sends,
        NULL, NULL },
    { "receives", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE,
        &options->receives, NULL, NULL },
    { "sound", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options->with_sound,
        NULL, NULL },
    { "app", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options->is_app, NULL,
        NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- shows calls over loopback, and checks them");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, argc, argv, &error) && *argc == 1 &&
      options->side >= -1 && options->side <= 1 && *ret_only >= 0 &&
      *ret_only <= (int) G_N_ELEMENTS (plans))
    return TRUE;
  fprintf (stderr, "wzp-demo: %s\n",
      error != NULL ? error->message : "see wzp-demo --help");
  return FALSE;
}

int
main (int argc, char **argv)
{
  DemoPeerOptions options = { .side = -1 };
  DemoPrograms programs = { NULL };
  g_autofree char *missing = NULL;
  int code, only = 0;

  alarm (MAX_SECONDS);
  signal (SIGPIPE, SIG_IGN);
  if (!parse (&argc, &argv, &options, &only))
    return 2;
  find_programs (&programs);
  gst_init (NULL, NULL);
  missing = demo_peer_missing_elements ();
  if (missing != NULL) {
    printf ("skipped: GStreamer does not have %s\n", missing);
    code = EXIT_SKIP;
  } else {
    code = options.side >= 0 ? demo_peer_main (&options)
                             : run_all (&programs, only);
  }
  clear_programs (&programs);
  g_free (options.settings);
  g_free (options.png);
  return code;
}
