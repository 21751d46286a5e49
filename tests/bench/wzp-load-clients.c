#include "wzp-load-driver.h"
#include "wzp-load-parts.h"
#include "wzp-load-wait.h"

#define CLIENTS "clients"
#define SETUP   "set-up"
/* Until the handshakes' last packets are acknowledged and what they needed is
 * freed. */
#define SETTLE_MS 2000u
/* Unfinished set-ups, when as many go as go. */
#define AT_ONCE 64u

#define MAX_RSS_KIB  390625.0 /* 400 MB, for MANY_CLIENTS */
#define MANY_CLIENTS 10000.0
#define MIN_RATE     500.0 /* calls a second */

static void
report_clients (LoadScene *scene, const LoadOptions *options,
    LoadReport *report, guint64 empty_kib, const LoadCpu *before)
{
  const double n = load_fleet_get_registered (scene->fleet);
  double rss_kib;
  LoadCpu after;

  load_cpu_take (&after, scene->relay);
  load_report_add (report, CLIENTS, "registered", n, 0, "");
  load_report_add (report, CLIENTS, "registered in a second",
      n * G_USEC_PER_SEC / (double) scene->register_us, 0, "1/s");
  load_report_add (report, CLIENTS, "relay's CPU for one registration",
      (double) (after.relay_us - before->relay_us) / n, 0, "us");
  load_wait_for (SETTLE_MS, "waiting for quiet");
  rss_kib = (double) load_relay_get_rss_kib (scene->relay);
  load_report_add (report, CLIENTS, "relay's RSS without clients",
      (double) empty_kib / 1024.0, 1, "MiB");
  if (n >= MANY_CLIENTS)
    load_report_add_aim (report, CLIENTS, "relay's RSS with them",
        rss_kib / 1024.0, 1, "MiB", LOAD_AT_MOST,
        n / MANY_CLIENTS * MAX_RSS_KIB / 1024.0);
  else
    load_report_add (
        report, CLIENTS, "relay's RSS with them", rss_kib / 1024.0, 1, "MiB");
  load_report_add (report, CLIENTS, "... for each",
      (rss_kib - (double) empty_kib) / n, 1, "KiB");
}

/* What it costs to keep them: packets that keep the connections alive. */
static void
measure_quiet (LoadScene *scene, const LoadOptions *options, LoadReport *report)
{
  LoadCpu from, to;

  load_cpu_take (&from, scene->relay);
  load_wait_for (options->ms, "all are quiet");
  load_cpu_take (&to, scene->relay);
  load_report_add (report, CLIENTS, "relay's CPU while all are quiet",
      100.0 * load_cpu_relay_share (&from, &to), 1, "%");
  load_report_add (report, CLIENTS, "clients lost",
      load_fleet_get_lost (scene->fleet), 0, "");
}

static void
check_driven (LoadReport *report, const char *part, const LoadDriven *driven)
{
  g_autofree char *why = NULL;

  load_report_add (report, part, "calls", driven->n_done, 0, "");
  if (driven->n_failed == 0 && driven->n_left == 0)
    return;
  why = g_strdup_printf (
      "%u calls failed, %u unfinished", driven->n_failed, driven->n_left);
  load_report_fail (report, part, why);
}

static void
report_setup (LoadReport *report, const char *part, gboolean is_paced,
    const LoadDriven *driven, const LoadCpu *from, const LoadCpu *to)
{
  const double per_s =
      driven->n_done * (double) G_USEC_PER_SEC / (double) driven->us;

  if (is_paced)
    load_report_add (
        report, part, "set up in a second, paced", per_s, 0, "1/s");
  else
    load_report_add_aim (report, part, "set up in a second, 64 at once", per_s,
        0, "1/s", LOAD_AT_LEAST, MIN_RATE);
  load_report_add (report, part, "offer to both CallSetup, p50",
      load_histogram_get_us (&driven->latency, 0.5) / 1000.0, 2, "ms");
  load_report_add (report, part, "offer to both CallSetup, p99",
      load_histogram_get_us (&driven->latency, 0.99) / 1000.0, 2, "ms");
  load_report_add (report, part, "relay's CPU",
      100.0 * load_cpu_relay_share (from, to), 1, "%");
  load_report_add (report, part, "... for one call",
      (double) (to->relay_us - from->relay_us) / MAX (driven->n_done, 1), 0,
      "us");
  load_report_add (report, part, "generator's CPU",
      100.0 * load_cpu_own_share (from, to), 1, "%");
}

/* @rate 0: as many as go. */
static void
measure_setup (LoadScene *scene, const LoadOptions *options, LoadReport *report,
    guint rate)
{
  const char *part = rate == 0 ? SETUP " max" : SETUP;
  const LoadDrive drive = {
    .at_once = rate == 0 ? AT_ONCE : G_MAXUINT, .rate = rate, .ms = options->ms
  };
  LoadDriven driven;
  LoadCpu from, to;

  load_cpu_take (&from, scene->relay);
  load_drive (scene, &drive, &driven);
  load_cpu_take (&to, scene->relay);
  check_driven (report, part, &driven);
  report_setup (report, part, rate != 0, &driven, &from, &to);
  load_histogram_clear (&driven.latency);
}

void
load_measure_clients (const LoadOptions *options, LoadReport *report)
{
  g_autoptr (LoadScene) scene = NULL;
  LoadScene *empty = load_scene_new (options, 0, report, CLIENTS);
  guint64 empty_kib;
  LoadCpu before;

  if (empty == NULL)
    return;
  empty_kib = load_relay_get_rss_kib (empty->relay);
  load_cpu_take (&before, empty->relay);
  load_scene_free (empty);
  scene = load_scene_new (options, options->n_clients, report, CLIENTS);
  if (scene == NULL)
    return;
  report_clients (scene, options, report, empty_kib, &before);
  measure_quiet (scene, options, report);
  measure_setup (scene, options, report, options->rate);
  measure_setup (scene, options, report, 0);
}
