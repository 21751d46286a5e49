/* wzp-load: what one wzp-relay bears, over the loopback of this machine: the
 * relay is a process on a core of its own, this program and its clients have
 * another. Exit code 0: everything was measured (whether aims were reached or
 * not), and with --check the counts are right; 1: something went wrong. */
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wzp-bench-net.h"
#include "wzp-bench-pin.h"
#include "wzp-load-parts.h"

/* Of a usual network; the loopback's own would let QUIC use packets that no
 * other network takes. */
#define MTU 1500u
/* The last resort, should all other deadlines fail. */
#define PART_SECONDS 1200u
#define CHURN_MS     50u

typedef struct {
  char *relay, *parts, *json;
  int clients, calls, churn, sockets, rate, ms;
  gboolean is_smoke;
} Arguments;

typedef struct {
  const char *name;
  void (*measure) (const LoadOptions *options, LoadReport *report);
} Part;

static const Part parts[] = {
  { "clients", load_measure_clients },
  { "voice", load_measure_voice },
  { "frames", load_measure_frames },
  { "churn", load_measure_churn },
};

/* Whether @name stands in @list, which is separated by commas; NULL: all. */
static gboolean
is_listed (const char *list, const char *name)
{
  g_auto (GStrv) names = list != NULL ? g_strsplit (list, ",", -1) : NULL;

  return names == NULL || g_strv_contains ((const char *const *) names, name);
}

static gboolean
check_parts (const char *list)
{
  g_auto (GStrv) names = g_strsplit (list != NULL ? list : "", ",", -1);

  for (guint i = 0; names[i] != NULL; i++) {
    gboolean is_known = FALSE;

    for (guint k = 0; k < G_N_ELEMENTS (parts); k++)
      is_known |= strcmp (parts[k].name, names[i]) == 0;
    if (!is_known) {
      fprintf (stderr, "wzp-load: there is no part \"%s\"\n", names[i]);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
is_between (int value, int least, int most)
{
  return value >= least && value <= most;
}

static gboolean
parse (int *argc, char ***argv, Arguments *args)
{
  const GOptionEntry entries[] = {
    { "relay", 0, 0, G_OPTION_ARG_FILENAME, &args->relay,
        "The wzp-relay to load (that of this build)", "PROGRAM" },
    { "parts", 0, 0, G_OPTION_ARG_STRING, &args->parts,
        "Of clients,voice,frames,churn (all)", "LIST" },
    { "clients", 0, 0, G_OPTION_ARG_INT, &args->clients,
        "Registered clients, 2 to 30000 (10000)", "N" },
    { "calls", 0, 0, G_OPTION_ARG_INT, &args->calls,
        "Calls at once, 1 to 8000 (1000)", "N" },
    { "churn", 0, 0, G_OPTION_ARG_INT, &args->churn,
        "Calls that come and go, 10 to 10000000 (2000)", "N" },
    { "rate", 0, 0, G_OPTION_ARG_INT, &args->rate,
        "Calls set up in a second where they are paced, 1 to 10000 (500)",
        "N" },
    { "sockets", 0, 0, G_OPTION_ARG_INT, &args->sockets,
        "UDP sockets that the clients share, 2 to 1000 (8)", "N" },
    { "ms", 0, 0, G_OPTION_ARG_INT, &args->ms,
        "Measure each thing for so long, 100 to 3600000 (10000)",
        "MILLISECONDS" },
    { "json", 0, 0, G_OPTION_ARG_FILENAME, &args->json,
        "Write all figures to FILE", "FILE" },
    { "smoke", 0, 0, G_OPTION_ARG_NONE, &args->is_smoke,
        "Only see that it works and every call is counted: a few seconds",
        NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- what one wzp-relay bears");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, argc, argv, &error) && *argc == 1 &&
      is_between (args->clients, 2, 30000) &&
      is_between (args->calls, 1, 8000) &&
      is_between (args->churn, 10, 10000000) &&
      is_between (args->rate, 1, 10000) &&
      is_between (args->sockets, 2, 1000) &&
      is_between (args->ms, 100, 3600000) && check_parts (args->parts))
    return TRUE;
  fprintf (stderr, "wzp-load: %s\n",
      error != NULL ? error->message : "see wzp-load --help");
  return FALSE;
}

/* That of a small run, by which nothing is judged but its counts. */
static void
make_small (Arguments *args)
{
  args->clients = 100;
  args->calls = 10;
  args->churn = 50;
  args->rate = 50;
  args->sockets = 4;
  args->ms = 500;
  if (args->parts == NULL)
    args->parts = g_strdup ("clients,voice,churn");
}

static gboolean
check_count (const LoadReport *report, const char *part, const char *name,
    double least, double most)
{
  const double *value = load_report_find (report, part, name);

  if (value != NULL && *value >= least && *value <= most)
    return TRUE;
  fprintf (stderr, "wzp-load: %s, %s: %g, expected %g to %g\n", part, name,
      value != NULL ? *value : -1.0, least, most);
  return FALSE;
}

static gboolean
check_counts (const LoadReport *report, const Arguments *args)
{
  gboolean ok = TRUE;

  if (is_listed (args->parts, "clients"))
    ok = check_count (
             report, "clients", "registered", args->clients, args->clients) &&
        check_count (report, "clients", "clients lost", 0.0, 0.0) &&
        check_count (report, "set-up", "calls", 1.0, args->rate) &&
        check_count (report, "set-up max", "calls", 1.0, G_MAXINT);
  if (is_listed (args->parts, "voice"))
    ok &= check_count (report, "voice", "calls", args->calls, args->calls) &&
        check_count (report, "voice", "lost", 0.0, 50.0);
  if (is_listed (args->parts, "churn"))
    ok &= check_count (report, "churn", "calls", args->churn, args->churn);
  return ok;
}

static char *
describe_machine (gboolean is_pinned)
{
  g_autofree char *cpus = NULL, *kernel = NULL, *model = NULL;
  const char *line;

  g_file_get_contents ("/proc/cpuinfo", &cpus, NULL, NULL);
  g_file_get_contents ("/proc/sys/kernel/osrelease", &kernel, NULL, NULL);
  line = cpus != NULL ? strstr (cpus, "model name") : NULL;
  line = line != NULL ? strchr (line, ':') : NULL;
  model = line != NULL ? g_strndup (line + 1, strcspn (line + 1, "\n"))
                       : g_strdup ("unknown CPU");
  return g_strdup_printf ("%s, %u cores%s, Linux %s, MTU %u",
      g_strstrip (model), g_get_num_processors (),
      is_pinned ? ", the relay on one of them" : "; NOT pinned",
      kernel != NULL ? g_strchomp (kernel) : "unknown", bench_net_get_mtu ());
}

/* Sockets, and the pipes of the children. */
static void
raise_file_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

static int
run (const LoadOptions *options, const Arguments *args)
{
  g_autoptr (LoadReport) report = load_report_new ();
  g_autofree char *machine = describe_machine (bench_pin (BENCH_CORE_ENDS));
  g_autoptr (GError) error = NULL;

  printf ("%s\n\n", machine);
  fflush (stdout);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    if (!is_listed (args->parts, parts[i].name))
      continue;
    alarm (PART_SECONDS + 10 * options->ms / 1000u +
        options->n_churn / 1000u * CHURN_MS);
    parts[i].measure (options, report);
  }
  if (args->json != NULL &&
      !load_report_write_json (report, machine, args->json, &error))
    load_report_fail (report, "json", error->message);
  if (args->is_smoke && !check_counts (report, args))
    return EXIT_FAILURE;
  return load_report_get_failures (report) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static char *
beside (const char *dir, const char *path)
{
  return g_canonicalize_filename (path, dir);
}

int
main (int argc, char **argv)
{
  Arguments args = { .clients = 10000,
    .calls = 1000,
    .churn = 2000,
    .sockets = 8,
    .rate = 500,
    .ms = 10000 };
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *dir = g_path_get_dirname (self);
  g_autofree char *relay = beside (dir, "../../src/relay/wzp-relay");
  g_autofree char *bench = beside (dir, "wzp-bench");
  g_autofree char *plugin = beside (dir, "../../gst-plugin");
  g_autofree char *registry = beside (dir, "../../gst-registry.bin");
  g_autoptr (GError) error = NULL;
  LoadOptions options;
  int code;

  signal (SIGPIPE, SIG_IGN);
  if (!parse (&argc, &argv, &args))
    return 2;
  if (args.is_smoke)
    make_small (&args);
  g_setenv ("GST_PLUGIN_PATH", plugin, FALSE);
  g_setenv ("GST_REGISTRY", registry, FALSE);
  raise_file_limit ();
  if (!bench_net_enter (MTU, &error))
    printf ("The loopback of this machine as it is: %s\n", error->message);
  options = (LoadOptions){ .relay = args.relay != NULL ? args.relay : relay,
    .bench = bench,
    .n_clients = (guint) args.clients,
    .n_calls = (guint) args.calls,
    .n_churn = (guint) args.churn,
    .n_sockets = (guint) args.sockets,
    .at_once = 32,
    .rate = (guint) args.rate,
    .ms = (guint) args.ms };
  code = run (&options, &args);
  g_free (args.relay);
  g_free (args.parts);
  g_free (args.json);
  return code;
}
