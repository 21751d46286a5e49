#include "wzp-load-driver.h"
#include "wzp-load-parts.h"
#include "wzp-load-wait.h"

#define PART    "churn"
#define CLIENTS 100u
#define AT_ONCE 16u
/* No machine is so slow that it takes longer for a call. */
#define CALL_MS 100u
/* Until what is freed some time after a connection is freed. */
#define SETTLE_MS 3000u
/* Between the first tenth and the end, percent: less than a page for each of
 * ten calls, where each leaves nothing. */
#define MAX_GROWTH 2.0

static const guint percents[] = { 10, 50, 100 };

typedef struct {
  LoadScene *scene;
  guint n_calls;
  double rss_mib[G_N_ELEMENTS (percents)];
} Churn;

static double
get_rss_mib (const LoadScene *scene)
{
  return (double) load_relay_get_rss_kib (scene->relay) / 1024.0;
}

static void
on_done (guint n_done, gpointer user_data)
{
  Churn *self = user_data;

  for (guint i = 0; i < G_N_ELEMENTS (percents); i++)
    if (n_done == (guint) ((guint64) self->n_calls * percents[i] / 100))
      self->rss_mib[i] = get_rss_mib (self->scene);
}

static void
report_churn (const Churn *self, LoadReport *report, const LoadDriven *driven)
{
  const guint last = G_N_ELEMENTS (percents) - 1;

  load_report_add (report, PART, "calls", driven->n_done, 0, "");
  load_report_add (report, PART, "in a second",
      driven->n_done * (double) G_USEC_PER_SEC / (double) driven->us, 0, "1/s");
  for (guint i = 0; i < G_N_ELEMENTS (percents); i++) {
    g_autofree char *name =
        g_strdup_printf ("relay's RSS after %u %% of them", percents[i]);

    load_report_add (report, PART, name, self->rss_mib[i], 2, "MiB");
  }
  load_report_add_aim (report, PART, "growth from 10 % to the end",
      100.0 * (self->rss_mib[last] / self->rss_mib[0] - 1.0), 2, "%",
      LOAD_AT_MOST, MAX_GROWTH);
  load_wait_for (SETTLE_MS, "waiting for quiet");
  load_report_add (report, PART, "relay's RSS when it is quiet",
      get_rss_mib (self->scene), 2, "MiB");
}

void
load_measure_churn (const LoadOptions *options, LoadReport *report)
{
  g_autoptr (LoadScene) scene =
      load_scene_new (options, MIN (options->n_clients, CLIENTS), report, PART);
  Churn self = { .scene = scene, .n_calls = options->n_churn };
  LoadDrive drive = { .want_rooms = TRUE,
    .at_once = AT_ONCE,
    .n_calls = options->n_churn,
    .ms = 10000u + options->n_churn * CALL_MS,
    .done = on_done,
    .user_data = &self };
  g_autofree char *why = NULL;
  LoadDriven driven;

  if (scene == NULL)
    return;
  load_drive (scene, &drive, &driven);
  load_histogram_clear (&driven.latency);
  if (driven.n_done < options->n_churn) {
    why = g_strdup_printf ("%u of %u calls, %u failed", driven.n_done,
        options->n_churn, driven.n_failed);
    load_report_fail (report, PART, why);
    return;
  }
  report_churn (&self, report, &driven);
}
