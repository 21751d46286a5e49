/* wzp-bench: goodput, loss, latency and CPU of wzpsink and wzpsrc, beside those
 * of udpsink and srtsink, over the loopback of this machine. Exit code 0: every
 * case ran and delivered; 1: not all did; 77: an element is missing.
 *
 * The program runs itself again for each end (--role). */
#include <gst/gst.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "wzp-bench-elements.h"
#include "wzp-bench-net.h"
#include "wzp-bench-role.h"
#include "wzp-bench-verdict.h"

#define EXIT_SKIP 77
/* The last resorts, should all other deadlines fail: for a process, and what a
 * case may take besides sending. */
#define ROLE_SECONDS 60u
#define CASE_MS      2000u

static const guint mtus[] = { 1500, 65536 };

typedef struct {
  /* of a role */
  char *role, *path, *address;
  int size, port, warm_ms, ms;
  gint64 rate;
  /* of the whole */
  gboolean is_quick;
  int repeats, mtu;
  char *json;
} Options;

static const Options defaults = { .repeats = 3, .ms = 1000, .warm_ms = 200 };

typedef struct {
  BenchElements elements;
  char *machine; /* owned */
  BenchNetwork *networks;
  guint n;        /* networks that were measured */
  guint n_failed; /* runs */
} Outcome;

/* The plugin and the relay of the build tree that this program is in. */
static void
find_programs (BenchSetup *ret_setup)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *dir = g_path_get_dirname (self);
  g_autofree char *build = g_canonicalize_filename ("../..", dir);
  g_autofree char *plugin = g_build_filename (build, "gst-plugin", NULL);
  g_autofree char *registry =
      g_build_filename (build, "gst-registry.bin", NULL);

  ret_setup->relay =
      g_build_filename (build, "src", "relay", "wzp-relay", NULL);
  g_setenv ("GST_PLUGIN_PATH", plugin, FALSE);
  g_setenv ("GST_REGISTRY", registry, FALSE);
  ret_setup->self = g_steal_pointer (&self);
}

static void
run_row (const BenchSetup *setup, BenchRow *row)
{
  g_autoptr (GError) error = NULL;

  if (bench_run (setup, &row->c, &row->runs[row->n], &error)) {
    row->n++;
    return;
  }
  row->n_failed++;
  fprintf (stderr, "%s, %s, %s: %s\n", bench_transport_name (row->c.transport),
      bench_size_name (row->c.size), row->c.rate != 0 ? "paced" : "not paced",
      error->message);
}

static void
find_obstacles (BenchNetwork *network, const BenchElements *elements)
{
  for (guint i = 0; i < BENCH_N_ROWS; i++) {
    BenchRow *row = &network->rows[i];

    if (row->obstacle == NULL)
      row->obstacle = bench_elements_obstacle (elements, row->c.transport);
  }
}

/* Round by round, so that what disturbs the machine for a while disturbs one
 * run of each. Returns the number of runs that failed. */
static guint
run_network (
    const BenchSetup *setup, const Options *options, BenchNetwork *network)
{
  const gboolean is_terminal = isatty (STDERR_FILENO);
  guint n_failed = 0;

  for (int round = 0; round < options->repeats; round++) {
    for (guint i = 0; i < BENCH_N_ROWS; i++) {
      BenchRow *row = &network->rows[i];

      if (row->obstacle != NULL)
        continue;
      if (is_terminal)
        fprintf (stderr, "\r  MTU %u, round %d of %d, case %u of %u ",
            network->mtu, round + 1, options->repeats, i + 1, BENCH_N_ROWS);
      run_row (setup, row);
    }
  }
  if (is_terminal)
    fprintf (stderr, "\r%60s\r", "");
  for (guint i = 0; i < BENCH_N_ROWS; i++)
    n_failed += network->rows[i].n_failed;
  return n_failed;
}

static char *
describe_machine (const BenchElements *elements)
{
  g_autofree char *cpus = NULL;
  g_autofree char *kernel = NULL;
  g_autofree char *model = NULL;
  const char *line;

  g_file_get_contents ("/proc/cpuinfo", &cpus, NULL, NULL);
  g_file_get_contents ("/proc/sys/kernel/osrelease", &kernel, NULL, NULL);
  line = cpus != NULL ? strstr (cpus, "model name") : NULL;
  line = line != NULL ? strchr (line, ':') : NULL;
  model = line != NULL ? g_strndup (line + 1, strcspn (line + 1, "\n"))
                       : g_strdup ("unknown CPU");
  return g_strdup_printf ("%s, %u cores, Linux %s, GStreamer %s",
      g_strstrip (model), g_get_num_processors (),
      kernel != NULL ? g_strchomp (kernel) : "unknown", elements->version);
}

static gboolean
write_json (const Options *options, const char *machine,
    const BenchNetwork *networks, guint n)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GError) error = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "machine");
  json_builder_add_string_value (builder, machine);
  json_builder_set_member_name (builder, "run-ms");
  json_builder_add_int_value (builder, options->ms);
  json_builder_set_member_name (builder, "networks");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    bench_network_add_json (&networks[i], builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, TRUE);
  if (json_generator_to_file (generator, options->json, &error))
    return TRUE;
  fprintf (stderr, "wzp-bench: %s\n", error->message);
  return FALSE;
}

/* A network namespace for each MTU; where there can be none, what is there.
 * FALSE: the elements are not known, which was said. */
static gboolean
run_networks (const BenchSetup *setup, const Options *options, Outcome *outcome)
{
  g_autoptr (GError) refusal = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (mtus) && refusal == NULL; i++) {
    BenchNetwork *network = &outcome->networks[outcome->n];

    if (options->mtu != 0 && options->mtu != (int) mtus[i])
      continue;
    if (!bench_net_enter (mtus[i], &refusal))
      printf ("The loopback of this machine as it is: %s\n", refusal->message);
    if (outcome->elements.version == NULL) {
      if (!bench_elements_look_up (setup->self, &outcome->elements, &error)) {
        fprintf (stderr, "wzp-bench: %s\n", error->message);
        return FALSE;
      }
      outcome->machine = describe_machine (&outcome->elements);
      printf ("%s; median (least-most) of %d runs of %d ms\n", outcome->machine,
          options->repeats, options->ms);
    }
    bench_network_init (network, bench_net_get_mtu ());
    find_obstacles (network, &outcome->elements);
    outcome->n_failed += run_network (setup, options, network);
    outcome->n++;
    bench_network_print (network);
    if (!options->is_quick)
      bench_verdict_print (network);
    fflush (stdout);
  }
  return TRUE;
}

static int
judge (const Outcome *outcome)
{
  const char *obstacle =
      bench_elements_obstacle (&outcome->elements, BENCH_DIRECT);

  if (obstacle == NULL)
    return outcome->n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  printf ("skipped: %s\n", obstacle);
  return EXIT_SKIP;
}

static int
run_all (const BenchSetup *setup, const Options *options)
{
  const gint64 start_us = g_get_monotonic_time ();
  g_autofree BenchNetwork *networks =
      g_new0 (BenchNetwork, G_N_ELEMENTS (mtus));
  Outcome outcome = { .networks = networks };
  int code = EXIT_FAILURE;

  if (run_networks (setup, options, &outcome)) {
    printf ("\n%.0f s, %u runs failed\n",
        (double) (g_get_monotonic_time () - start_us) / G_USEC_PER_SEC,
        outcome.n_failed);
    code = judge (&outcome);
    if (options->json != NULL &&
        !write_json (options, outcome.machine, networks, outcome.n))
      code = EXIT_FAILURE;
  }
  bench_elements_clear (&outcome.elements);
  g_free (outcome.machine);
  return code;
}

static int
run_role (const Options *options)
{
  BenchRoleOptions role = {
    .is_sender = g_str_equal (options->role, "sender"),
    .c = { .size = (guint) options->size, .rate = (guint64) options->rate },
    .address = options->address,
    .port = (guint) options->port,
    .warm_ms = (guint) options->warm_ms,
    .ms = (guint) options->ms,
  };

  alarm (ROLE_SECONDS);
  gst_init (NULL, NULL);
  if (g_str_equal (options->role, "elements")) {
    bench_elements_say ();
    return EXIT_SUCCESS;
  }
  if (options->path == NULL ||
      !bench_transport_parse (options->path, &role.c.transport))
    return 2;
  return bench_role_main (&role);
}

#define HIDDEN(name, type, field)                                              \
  {                                                                            \
    name, 0, G_OPTION_FLAG_HIDDEN, type, &options->field, NULL, NULL           \
  }

static gboolean
parse (int *argc, char ***argv, Options *options)
{
  const GOptionEntry entries[] = {
    { "quick", 0, 0, G_OPTION_ARG_NONE, &options->is_quick,
        "Only see that every case runs: a few seconds", NULL },
    { "repeats", 0, 0, G_OPTION_ARG_INT, &options->repeats,
        "Measure each case N times, 1 to 9 (3)", "N" },
    { "ms", 0, 0, G_OPTION_ARG_INT, &options->ms,
        "For this long each, 50 to 20000 (1000)", "MILLISECONDS" },
    { "mtu", 0, 0, G_OPTION_ARG_INT, &options->mtu,
        "With this MTU only: 1500 or 65536 (both)", "MTU" },
    { "json", 0, 0, G_OPTION_ARG_FILENAME, &options->json,
        "Write all figures to FILE", "FILE" },
    HIDDEN ("role", G_OPTION_ARG_STRING, role),
    HIDDEN ("path", G_OPTION_ARG_STRING, path),
    HIDDEN ("address", G_OPTION_ARG_STRING, address),
    HIDDEN ("size", G_OPTION_ARG_INT, size),
    HIDDEN ("rate", G_OPTION_ARG_INT64, rate),
    HIDDEN ("port", G_OPTION_ARG_INT, port),
    HIDDEN ("warm-ms", G_OPTION_ARG_INT, warm_ms),
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (
      "- wzpsink and wzpsrc beside udpsink and srtsink, over loopback");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, argc, argv, &error) && *argc == 1 &&
      options->repeats >= 1 && options->repeats <= (int) BENCH_MAX_REPEATS &&
      options->ms >= 50 && options->ms <= 20000 &&
      (options->mtu == 0 || options->mtu == 1500 || options->mtu == 65536))
    return TRUE;
  fprintf (stderr, "wzp-bench: %s\n",
      error != NULL ? error->message : "see wzp-bench --help");
  return FALSE;
}

int
main (int argc, char **argv)
{
  Options options = defaults;
  BenchSetup setup = { NULL };
  int code;

  signal (SIGPIPE, SIG_IGN);
  if (!parse (&argc, &argv, &options))
    return 2;
  find_programs (&setup);
  if (options.role != NULL) {
    code = run_role (&options);
  } else {
    if (options.is_quick) {
      options.repeats = 1;
      options.ms = 50;
      options.warm_ms = 20;
      options.mtu = 1500;
    }
    setup.ms = (guint) options.ms;
    setup.warm_ms = (guint) options.warm_ms;
    alarm (60u +
        (guint) options.repeats * G_N_ELEMENTS (mtus) * BENCH_N_ROWS *
            (setup.ms + setup.warm_ms + CASE_MS) / 1000u);
    code = run_all (&setup, &options);
  }
  g_free ((char *) setup.self);
  g_free ((char *) setup.relay);
  g_free (options.role);
  g_free (options.path);
  g_free (options.address);
  g_free (options.json);
  return code;
}
