#include <string.h>

#include "wzp-datagram.h"
#include "wzp-load-pacer.h"
#include "wzp-load-parts.h"
#include "wzp-load-wait.h"

#define PART "voice"
/* 64 kbit/s each way. */
#define PACKETS_PER_S 50u
#define VOICE_LEN     160u /* bytes; begins with the time it was sent at */

#define CALL_MS 200u /* to set up one, at most */
#define AT_ONCE 16u  /* calls being set up */
#define WARM_MS 1000u
/* With fewer than that there are no parts of them to measure. */
#define FEW_CALLS    100u
#define DRAIN_MS     500u
#define MAX_ADDED_MS 5.0 /* p99 */
/* From here on the generator is what is measured. */
#define MAX_LAG_US 20000.0

typedef struct {
  LoadScene *scene;
  LoadCalls *calls;   /* owned */
  GPtrArray *parties; /* of LoadParty: those whose calls are up */
  GPtrArray *talking; /* of LoadParty: those of them that send */
  guint n_calls, n_started, n_failed;

  gboolean is_direct;    /* plain UDP from one party's socket to the other's */
  gint64 from_ns, to_ns; /* what is sent between counts */
  guint64 n_sent, n_received;
  LoadHistogram latency, lag;
  LoadPacer *pacer;
} Voice;

static gint64
get_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- calls ---- */

static void
start_more (Voice *self)
{
  while (self->n_started < self->n_calls &&
      load_calls_get_count (self->calls) - self->parties->len / 2 < AT_ONCE) {
    LoadClient *caller, *callee;

    load_scene_get_pair (self->scene, self->n_started++, &caller, &callee);
    load_calls_start (self->calls, caller, callee);
  }
}

static void
on_ready (LoadCall *call, gpointer user_data)
{
  Voice *self = user_data;

  for (guint i = 0; i < G_N_ELEMENTS (call->parties); i++)
    g_ptr_array_add (self->parties, &call->parties[i]);
  start_more (self);
}

static void
on_failed (LoadCall *call, gpointer user_data)
{
  Voice *self = user_data;

  self->n_failed++;
  for (guint i = 0; i < G_N_ELEMENTS (call->parties); i++) {
    g_ptr_array_remove_fast (self->parties, &call->parties[i]);
    g_ptr_array_remove_fast (self->talking, &call->parties[i]);
  }
}

static gboolean
are_up (gpointer user_data)
{
  const Voice *self = user_data;

  return self->parties->len / 2 + self->n_failed >= self->n_calls;
}

static char *
tell (gpointer user_data)
{
  const Voice *self = user_data;

  return g_strdup_printf (
      "%u of %u calls are up", self->parties->len / 2, self->n_calls);
}

/* ---- datagrams ---- */

static void
take_datagram (Voice *self, const guint8 *data, gsize len)
{
  gint64 sent_ns;

  if (len < VOICE_LEN)
    return;
  memcpy (&sent_ns, data + len - VOICE_LEN, sizeof sent_ns);
  if (sent_ns < self->from_ns || sent_ns >= self->to_ns)
    return;
  self->n_received++;
  load_histogram_add (&self->latency, (get_ns () - sent_ns) / 1000);
}

static void
on_datagram (
    LoadParty *party, const guint8 *data, gsize len, gpointer user_data)
{
  take_datagram (user_data, data, len);
}

static void
on_packet (const WzpUdpPacket *packet, gpointer user_data)
{
  take_datagram (user_data, packet->data, packet->len);
}

static const LoadCallsHandler handler = {
  .ready = on_ready,
  .datagram = on_datagram,
  .failed = on_failed,
};

static void
send_direct (LoadParty *party, guint8 *data, gsize len)
{
  LoadCall *call = party->call;
  LoadParty *other = &call->parties[party == &call->parties[0]];
  WzpAddr to = { .ip = { 127, 0, 0, 1 }, .family = 4 };

  to.port = wzp_endpoint_get_port (load_client_get_endpoint (other->client), 4);
  /* No QUIC packet begins so. */
  data[0] = 0;
  wzp_endpoint_send_packet (
      load_client_get_endpoint (party->client), &to, data, len);
}

static void
send_one (Voice *self, LoadParty *party)
{
  guint8 data[WZP_DATAGRAM_MAX_PREFIX + VOICE_LEN] = { 0 };
  const gint64 now_ns = get_ns ();
  gsize at = wzp_datagram_write_prefix (data,
      WZP_DATAGRAM_FRAME_START | WZP_DATAGRAM_FRAME_END, party->n_sent++, 1);
  struct iovec iov = { data, at + VOICE_LEN };

  memcpy (data + at, &now_ns, sizeof now_ns);
  if (self->is_direct)
    send_direct (party, data, at + VOICE_LEN);
  else
    wzp_conn_send_datagram (party->conn, &iov, 1);
  if (now_ns < self->from_ns || now_ns >= self->to_ns)
    return;
  self->n_sent++;
  load_histogram_add (&self->lag, load_pacer_get_lag_us (self->pacer));
}

/* Those of a socket are neighbours and go out together: what the first of them
 * waits for the last counts as latency. */
static void
send_some (guint64 slot, guint n, gpointer user_data)
{
  Voice *self = user_data;
  WzpEndpoint *endpoint = NULL;

  for (guint i = 0; i < n && self->talking->len > 0; i++) {
    LoadParty *party =
        g_ptr_array_index (self->talking, (slot + i) % self->talking->len);
    WzpEndpoint *own = load_client_get_endpoint (party->client);

    if (endpoint != NULL && own != endpoint)
      wzp_endpoint_flush (endpoint);
    endpoint = own;
    send_one (self, party);
  }
  if (endpoint != NULL)
    wzp_endpoint_flush (endpoint);
}

static int
compare_endpoints (gconstpointer a, gconstpointer b)
{
  const LoadParty *const *x = a, *const *y = b;
  const gpointer of_x = load_client_get_endpoint ((*x)->client);
  const gpointer of_y = load_client_get_endpoint ((*y)->client);

  return of_x < of_y ? -1 : of_x > of_y;
}

/* ---- the measurement ---- */

typedef struct {
  double p50_ms, p99_ms, per_s, loss, relay, relay_us, own, lag_p99_us;
} Heard;

/* As many calls as that talk from now on. */
static void
choose (Voice *self, guint n_calls)
{
  g_ptr_array_set_size (self->talking, 0);
  for (guint i = 0; i < MIN (2 * n_calls, self->parties->len); i++)
    g_ptr_array_add (self->talking, g_ptr_array_index (self->parties, i));
  g_ptr_array_sort (self->talking, compare_endpoints);
}

static void
measure (Voice *self, guint ms, gboolean is_direct, Heard *ret_heard)
{
  const char *what = is_direct ? "voice, without the relay" : "voice";
  const guint warm_ms = MIN (WARM_MS, ms);
  LoadCpu from, to;

  self->is_direct = is_direct;
  self->n_sent = self->n_received = 0;
  self->from_ns = get_ns () + warm_ms * (gint64) 1000000;
  self->to_ns = self->from_ns + ms * (gint64) 1000000;
  self->pacer = load_pacer_new (
      (double) PACKETS_PER_S * self->talking->len, send_some, self);
  load_wait_for (warm_ms, what);
  load_cpu_take (&from, self->scene->relay);
  load_wait_for (ms, what);
  load_cpu_take (&to, self->scene->relay);
  g_clear_pointer (&self->pacer, load_pacer_free);
  load_wait_for (DRAIN_MS, what);

  ret_heard->p50_ms = load_histogram_get_us (&self->latency, 0.5) / 1000.0;
  ret_heard->p99_ms = load_histogram_get_us (&self->latency, 0.99) / 1000.0;
  ret_heard->per_s = (double) self->n_sent * 1000.0 / ms;
  ret_heard->loss = 100.0 *
      (1.0 - (double) self->n_received / (double) MAX (self->n_sent, 1));
  /* For a datagram that came through. */
  ret_heard->relay_us = (double) (to.relay_us - from.relay_us) /
      (double) MAX (self->n_received, 1);
  ret_heard->relay = 100.0 * load_cpu_relay_share (&from, &to);
  ret_heard->own = 100.0 * load_cpu_own_share (&from, &to);
  ret_heard->lag_p99_us = load_histogram_get_us (&self->lag, 0.99);
  load_histogram_clear (&self->latency);
  load_histogram_clear (&self->lag);
}

static void
report_relayed (
    LoadReport *report, const char *part, guint n_calls, const Heard *heard)
{
  load_report_add (report, part, "calls", n_calls, 0, "");
  load_report_add (
      report, part, "datagrams in a second, both ways", heard->per_s, 0, "1/s");
  load_report_add (
      report, part, "one way through the relay, p50", heard->p50_ms, 3, "ms");
  load_report_add (
      report, part, "one way through the relay, p99", heard->p99_ms, 3, "ms");
  load_report_add (report, part, "lost", heard->loss, 4, "%");
  load_report_add (report, part, "relay's CPU", heard->relay, 1, "%");
  load_report_add (
      report, part, "... for one datagram", heard->relay_us, 1, "us");
  load_report_add (report, part, "generator's CPU", heard->own, 1, "%");
  load_report_add (report, part, "generator sent late, p99",
      heard->lag_p99_us / 1000.0, 3, "ms");
  if (heard->lag_p99_us > MAX_LAG_US)
    load_report_warn (
        report, part, "the generator was too slow: its own delay is measured");
}

static void
report_added (LoadReport *report, const char *part, const Heard *relayed,
    const Heard *direct)
{
  load_report_add (
      report, part, "without the relay (UDP), p50", direct->p50_ms, 3, "ms");
  load_report_add (
      report, part, "without the relay (UDP), p99", direct->p99_ms, 3, "ms");
  load_report_add (
      report, part, "lost without the relay", direct->loss, 4, "%");
  load_report_add (report, part, "added by the relay, p50",
      relayed->p50_ms - direct->p50_ms, 3, "ms");
  load_report_add_aim (report, part, "added by the relay, p99",
      relayed->p99_ms - direct->p99_ms, 3, "ms", LOAD_AT_MOST, MAX_ADDED_MS);
}

static void
measure_calls (Voice *self, const LoadOptions *options, LoadReport *report,
    const char *part, guint n_calls)
{
  Heard relayed, direct;

  choose (self, n_calls);
  measure (self, options->ms, FALSE, &relayed);
  report_relayed (report, part, n_calls, &relayed);
  measure (self, options->ms, TRUE, &direct);
  report_added (report, part, &relayed, &direct);
}

/* FALSE: there are none; said in @report. */
static gboolean
set_up (Voice *self, LoadReport *report)
{
  const guint64 before_kib = load_relay_get_rss_kib (self->scene->relay);
  g_autofree char *why = NULL;

  start_more (self);
  if (!load_wait (are_up, tell, self, 10000u + self->n_calls * CALL_MS) ||
      self->n_failed > 0) {
    why = g_strdup_printf (
        "%u of %u calls came up", self->parties->len / 2, self->n_calls);
    load_report_fail (report, PART, why);
  }
  if (self->parties->len == 0)
    return FALSE;
  load_report_add (report, PART, "relay's RSS for each call",
      (double) (load_relay_get_rss_kib (self->scene->relay) - before_kib) /
          (self->parties->len / 2),
      1, "KiB");
  return TRUE;
}

/* Also with a few of them: what the others cost is then nothing but memory. */
static void
run (Voice *self, const LoadOptions *options, LoadReport *report)
{
  const guint n_calls = self->n_calls;

  if (!set_up (self, report))
    return;
  if (n_calls >= FEW_CALLS)
    measure_calls (self, options, report, PART " 1/10", n_calls / 10);
  if (n_calls >= FEW_CALLS)
    measure_calls (self, options, report, PART " 1/4", n_calls / 4);
  measure_calls (self, options, report, PART, n_calls);
}

void
load_measure_voice (const LoadOptions *options, LoadReport *report)
{
  g_autoptr (LoadScene) scene =
      load_scene_new (options, 2 * options->n_calls, report, PART);
  Voice self = { .scene = scene, .n_calls = options->n_calls };

  if (scene == NULL)
    return;
  self.parties = g_ptr_array_new ();
  self.talking = g_ptr_array_new ();
  self.calls = load_calls_new (TRUE, &handler, &self);
  scene->calls = self.calls;
  scene->packet = on_packet;
  scene->packet_data = &self;
  run (&self, options, report);
  scene->calls = NULL;
  scene->packet = NULL;
  load_calls_free (self.calls);
  g_ptr_array_unref (self.parties);
  g_ptr_array_unref (self.talking);
}
