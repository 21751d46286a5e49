#include "wzp-bench-run.h"

#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>

#include "wzp-bench-child.h"
#include "wzp-bench-net.h"
#include "wzp-bench-pin.h"
#include "wzp-bench-role.h"

/* For each thing that a process is to do, besides measuring. */
#define STEP_MS 10000u

typedef struct {
  const BenchSetup *setup;
  const BenchCase *c;
  char *address; /* owned, nullable: the relay's */
  guint port;
  BenchChild *relay, *receiver, *sender; /* owned, nullable */
  gint64 relay_cpu_us;
} Run;

static gboolean
start_relay (Run *self, GError **error)
{
  const char *argv[] = { self->setup->relay, "--listen", "127.0.0.1", "--port",
    "0", "--ephemeral-key", "--no-config", "--quiet", NULL };

  if (self->setup->is_pinned)
    bench_pin (BENCH_CORE_RELAY);
  self->relay = bench_child_new ("the relay", argv, error);
  if (self->setup->is_pinned)
    bench_pin (BENCH_CORE_ENDS);
  if (self->relay == NULL)
    return FALSE;
  self->address =
      bench_child_expect (self->relay, "listening on ", STEP_MS, error);
  if (self->address != NULL)
    g_free (bench_child_expect (self->relay, "ready", STEP_MS, error));
  return self->address != NULL;
}

static BenchChild *
start_role (Run *self, gboolean is_sender, GError **error)
{
  const char *name = is_sender ? "the sender" : "the receiver";
  g_autofree char *size = g_strdup_printf ("%u", self->c->size);
  g_autofree char *rate = g_strdup_printf ("%" G_GUINT64_FORMAT, self->c->rate);
  g_autofree char *port = g_strdup_printf ("%u", self->port);
  g_autofree char *warm = g_strdup_printf ("%u", self->setup->warm_ms);
  g_autofree char *ms = g_strdup_printf ("%u", self->setup->ms);
  const char *argv[] = { self->setup->self, "--role",
    is_sender ? "sender" : "receiver", "--path",
    bench_transport_name (self->c->transport), "--size", size, "--rate", rate,
    "--port", port, "--warm-ms", warm, "--ms", ms, "--address",
    self->address != NULL ? self->address : "", NULL };

  return bench_child_new (name, argv, error);
}

/* The sender's candidates to the receiver and the other way round. */
static gboolean
carry_candidates (Run *self, GError **error)
{
  BenchChild *const ends[] = { self->sender, self->receiver };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    g_autofree char *text =
        bench_child_expect (ends[i], "candidates ", STEP_MS, error);
    g_autofree char *line = NULL;

    if (text == NULL)
      return FALSE;
    line = g_strconcat ("candidates ", text, NULL);
    bench_child_send (ends[1 - i], line);
  }
  return TRUE;
}

/* The receiver first: it must be there before it can be called. */
static gboolean
start (Run *self, GError **error)
{
  const BenchTransport transport = self->c->transport;

  if (transport == BENCH_RELAY && !start_relay (self, error))
    return FALSE;
  if (transport == BENCH_UDP || transport == BENCH_SRT)
    self->port = bench_net_free_port ();
  self->receiver = start_role (self, FALSE, error);
  if (self->receiver == NULL)
    return FALSE;
  if (transport != BENCH_DIRECT) {
    g_autofree char *ready =
        bench_child_expect (self->receiver, "ready", STEP_MS, error);

    if (ready == NULL)
      return FALSE;
  }
  self->sender = start_role (self, TRUE, error);
  if (self->sender == NULL)
    return FALSE;
  return transport != BENCH_DIRECT || carry_candidates (self, error);
}

/* Says @line to @child unless it is NULL and gives the answer that begins with
 * @word. */
static gboolean
ask (const Run *self, BenchChild *child, const char *line, const char *word,
    char **ret_answer, GError **error)
{
  const guint timeout_ms = STEP_MS + self->setup->warm_ms + self->setup->ms;

  if (line != NULL)
    bench_child_send (child, line);
  g_free (*ret_answer);
  *ret_answer = bench_child_expect (child, word, timeout_ms, error);
  return *ret_answer != NULL;
}

static void
compute (BenchFigures *ret_figures, const BenchCase *c, const char *result,
    guint64 n_sent, gint64 sender_cpu_us, gint64 relay_cpu_us)
{
  guint64 n = 0, bytes = 0, span_ns = 0, p50_ns = 0, p99_ns = 0;
  gint64 cpu_us = 0;
  double gbits;
  double *values = ret_figures->values;

  sscanf (result, BENCH_RESULT_FORMAT, &n, &bytes, &span_ns, &p50_ns, &p99_ns,
      &cpu_us);
  if (n == 0)
    return;
  gbits = (double) bytes * 8.0 / 1e9;
  /* From the first to the last come all but the first. */
  values[BENCH_GOODPUT] = span_ns > 0
      ? (double) (bytes - c->size) * 8.0 * 1000.0 / (double) span_ns
      : 0.0;
  values[BENCH_LOSS] =
      n < n_sent ? 100.0 * (double) (n_sent - n) / (double) n_sent : 0.0;
  values[BENCH_P50] = (double) p50_ns / 1000.0;
  values[BENCH_P99] = (double) p99_ns / 1000.0;
  values[BENCH_CPU_SENDER] = (double) sender_cpu_us / 1e6 / gbits;
  values[BENCH_CPU_RECEIVER] = (double) cpu_us / 1e6 / gbits;
  values[BENCH_CPU_RELAY] = (double) relay_cpu_us / 1e6 / gbits;
  values[BENCH_CPU_ENDS] =
      values[BENCH_CPU_SENDER] + values[BENCH_CPU_RECEIVER];
}

static gint64
get_relay_cpu (const Run *self)
{
  return self->relay != NULL ? bench_child_get_cpu_us (self->relay) : 0;
}

static gboolean
measure (Run *self, BenchFigures *ret_figures, GError **error)
{
  g_autofree char *answer = NULL;
  g_autofree char *result = NULL;
  g_autofree char *report = NULL;
  gint64 relay_cpu_us;
  guint64 n_sent;

  if (!ask (self, self->receiver, NULL, "hearing", &answer, error) ||
      !ask (self, self->sender, "go", "measuring", &answer, error))
    return FALSE;
  relay_cpu_us = get_relay_cpu (self);
  if (!ask (self, self->sender, NULL, "sent ", &answer, error))
    return FALSE;
  n_sent = g_ascii_strtoull (answer, NULL, 10);
  report = g_strdup_printf ("report %s", answer);
  if (!ask (self, self->receiver, report, "result ", &result, error))
    return FALSE;
  relay_cpu_us = get_relay_cpu (self) - relay_cpu_us;
  if (!ask (self, self->sender, "cpu", "cpu ", &answer, error))
    return FALSE;
  compute (ret_figures, self->c, result, n_sent,
      g_ascii_strtoll (answer, NULL, 10), relay_cpu_us);
  if (ret_figures->values[BENCH_CPU_ENDS] > 0.0)
    return TRUE;
  g_set_error_literal (
      error, G_IO_ERROR, G_IO_ERROR_FAILED, "nothing came out");
  return FALSE;
}

gboolean
bench_run (const BenchSetup *setup, const BenchCase *c,
    BenchFigures *ret_figures, GError **error)
{
  Run self = { .setup = setup, .c = c };
  gboolean ok;

  *ret_figures = (BenchFigures){ 0 };
  ok = start (&self, error) && measure (&self, ret_figures, error);
  if (self.sender != NULL)
    bench_child_end (self.sender, 0);
  if (self.receiver != NULL)
    bench_child_end (self.receiver, 0);
  g_clear_pointer (&self.sender, bench_child_free);
  g_clear_pointer (&self.receiver, bench_child_free);
  g_clear_pointer (&self.relay, bench_child_free);
  g_free (self.address);
  return ok;
}
