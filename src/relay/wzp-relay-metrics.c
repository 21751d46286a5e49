#include "wzp-relay-metrics.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STAT_MAX_LEN 1024 /* bytes of /proc/self/stat that are looked at */

typedef enum {
  GAUGE,   /* guint */
  COUNTER, /* guint64 */
} Type;

typedef struct {
  const char *name;   /* without wzp_relay_; consecutive ones may share it */
  const char *labels; /* nullable */
  Type type;
  gsize offset; /* in WzpRelayStats */
  const char *help;
} Metric;

#define OF(field) G_STRUCT_OFFSET (WzpRelayStats, field)

/* clang-format off */
static const Metric metrics[] = {
  { "clients", NULL, GAUGE, OF (registry.clients),
    "Signalling connections." },
  { "clients_registered", NULL, GAUGE, OF (registry.registered),
    "Identities that are registered." },
  { "clients_in_grace", NULL, GAUGE, OF (registry.in_grace),
    "Identities that lost their connection and may still return." },
  { "calls", NULL, GAUGE, OF (registry.calls),
    "Calls, ringing ones too." },
  { "calls_active", NULL, GAUGE, OF (registry.active_calls),
    "Calls that were accepted and have not ended." },
  { "calls_total", NULL, COUNTER, OF (registry.calls_total),
    "Calls placed." },
  { "messages_total", NULL, COUNTER, OF (registry.messages),
    "Signalling messages taken in." },
  { "messages_refused_total", NULL, COUNTER, OF (registry.refused),
    "Signalling messages not allowed, out of order or of an unknown call." },
  { "messages_malformed_total", NULL, COUNTER, OF (malformed),
    "Signalling messages that could not be read." },
  { "messages_held_dropped_total", NULL, COUNTER, OF (registry.held_dropped),
    "Messages for an identity in its grace that were over the bound." },
  { "links", NULL, GAUGE, OF (registry.links),
    "Links to federated relays that are up." },
  { "forward_loops_total", NULL, COUNTER, OF (registry.loops),
    "Forwarded messages dropped because they were our own." },
  { "rooms", NULL, GAUGE, OF (rooms),
    "Media rooms, of calls and open ones." },
  { "rooms_open", NULL, GAUGE, OF (open_rooms),
    "Open media rooms." },
  { "room_members", NULL, GAUGE, OF (guests),
    "Connections in media rooms." },
  { "room_members_open", NULL, GAUGE, OF (open_guests),
    "Connections in open media rooms." },
  { "forwarded_datagrams_total", NULL, COUNTER, OF (forwarded),
    "Media datagrams sent on, once for each receiver." },
  { "forwarded_bytes_total", NULL, COUNTER, OF (forwarded_bytes),
    "Bytes of these." },
  { "dropped_datagrams_total", "reason=\"malformed\"", COUNTER,
    OF (dropped_malformed), "Media datagrams not sent on." },
  { "dropped_datagrams_total", "reason=\"alone\"", COUNTER,
    OF (dropped_alone), NULL },
  { "dropped_datagrams_total", "reason=\"too_large\"", COUNTER,
    OF (dropped_too_large), NULL },
  { "dropped_datagrams_total", "reason=\"full\"", COUNTER,
    OF (dropped_full), NULL },
  { "dropped_datagrams_total", "reason=\"quota\"", COUNTER,
    OF (dropped_quota), NULL },
  { "key_requests_merged_total", NULL, COUNTER, OF (key_requests_merged),
    "Requests for a key frame not sent on, since one was just asked for." },
  { "connections", NULL, GAUGE, OF (endpoint.connections),
    "QUIC connections." },
  { "handshakes", NULL, GAUGE, OF (endpoint.handshakes),
    "QUIC handshakes that are not finished." },
  { "connections_refused_total", NULL, COUNTER, OF (refused),
    "Connections refused: wrong name or key, or a limit." },
  { "connections_unauthorized_total", NULL, COUNTER, OF (unauthorized),
    "Of these: by the access rules." },
  { "initials_refused_total", NULL, COUNTER, OF (endpoint.refused),
    "QUIC Initials over a limit or for a name that is not served." },
  { "retries_sent_total", NULL, COUNTER, OF (endpoint.retries_sent),
    "QUIC Retry packets sent." },
  { "version_negotiations_sent_total", NULL, COUNTER,
    OF (endpoint.version_negotiations_sent),
    "QUIC Version Negotiation packets sent." },
  { "resets_sent_total", NULL, COUNTER, OF (endpoint.resets_sent),
    "QUIC stateless resets sent." },
  { "bad_packets_total", NULL, COUNTER, OF (endpoint.bad_packets),
    "UDP packets that belong to nothing." },
  { "quota_accounts", NULL, GAUGE, OF (quota.accounts),
    "Identities and addresses whose use is counted." },
  { "quota_refused_total", "what=\"connection\"", COUNTER,
    OF (quota.refused_connections), "What was refused by a quota." },
  { "quota_refused_total", "what=\"call\"", COUNTER,
    OF (quota.refused_calls), NULL },
  { "quota_refused_total", "what=\"room\"", COUNTER,
    OF (quota.refused_rooms), NULL },
  { "quota_dropped_bytes_total", NULL, COUNTER, OF (quota.dropped_bytes),
    "Bytes of media dropped by a quota." },
  { "udp_sent_bytes_total", NULL, COUNTER, OF (endpoint.udp.bytes_sent),
    "Bytes sent by UDP." },
  { "udp_received_bytes_total", NULL, COUNTER,
    OF (endpoint.udp.bytes_received), "Bytes received by UDP." },
  { "udp_sent_datagrams_total", NULL, COUNTER,
    OF (endpoint.udp.datagrams_sent), "UDP datagrams sent." },
  { "udp_received_datagrams_total", NULL, COUNTER,
    OF (endpoint.udp.datagrams_received), "UDP datagrams received." },
  { "udp_send_calls_total", NULL, COUNTER, OF (endpoint.udp.send_calls),
    "System calls that sent UDP datagrams." },
  { "udp_receive_calls_total", NULL, COUNTER, OF (endpoint.udp.recv_calls),
    "System calls that received UDP datagrams." },
  { "udp_icmp_errors_total", NULL, COUNTER, OF (endpoint.udp.icmp_errors),
    "ICMP errors that came for our UDP datagrams." },
  { "udp_unanswerable_datagrams_total", NULL, COUNTER,
    OF (endpoint.udp.datagrams_dropped),
    "UDP datagrams dropped because no answer can go where they came from." },
  { "udp_send_errors_total", NULL, COUNTER, OF (endpoint.udp.send_errors),
    "UDP datagrams that the system refused to send." },
};
/* clang-format on */

static void
add_header (GString *text, const char *name, const char *type, const char *help)
{
  g_string_append_printf (
      text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
add_metric (GString *text, const Metric *metric, const WzpRelayStats *stats)
{
  gconstpointer field = G_STRUCT_MEMBER_P (stats, metric->offset);
  g_autofree char *name = g_strconcat ("wzp_relay_", metric->name, NULL);
  const guint64 value =
      metric->type == GAUGE ? *(const guint *) field : *(const guint64 *) field;

  if (metric->help != NULL)
    add_header (
        text, name, metric->type == GAUGE ? "gauge" : "counter", metric->help);
  g_string_append (text, name);
  if (metric->labels != NULL)
    g_string_append_printf (text, "{%s}", metric->labels);
  g_string_append_printf (text, " %" G_GUINT64_FORMAT "\n", value);
}

static void
add_escaped (GString *text, const char *value)
{
  for (const char *p = value; *p != '\0'; p++)
    switch (*p) {
      case '\\':
        g_string_append (text, "\\\\");
        break;
      case '"':
        g_string_append (text, "\\\"");
        break;
      case '\n':
        g_string_append (text, "\\n");
        break;
      default:
        g_string_append_c (text, *p);
    }
}

/* Microseconds as seconds, in digits that no locale changes. */
static void
add_seconds (GString *text, gint64 us)
{
  g_string_append_printf (text, "%" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT,
      us / G_USEC_PER_SEC, us % G_USEC_PER_SEC);
}

typedef enum {
  LINK_UP,
  LINK_RTT,
  LINK_SENT,
  LINK_RECEIVED,
} LinkMetric;

static void
add_link_value (GString *text, LinkMetric metric, const WzpRelayLinkStats *link)
{
  switch (metric) {
    case LINK_UP:
      g_string_append (text, link->is_up ? "1" : "0");
      return;
    case LINK_RTT:
      add_seconds (text, link->rtt_us);
      return;
    case LINK_SENT:
      g_string_append_printf (text, "%" G_GUINT64_FORMAT, link->datagrams_sent);
      return;
    case LINK_RECEIVED:
      g_string_append_printf (
          text, "%" G_GUINT64_FORMAT, link->datagrams_received);
      return;
  }
}

static void
add_links (GString *text, const WzpRelayStats *stats)
{
  static const struct {
    const char *name, *type, *help;
    LinkMetric metric;
  } columns[] = {
    { "wzp_relay_link_up", "gauge",
        "Whether the link to a federated relay is up.", LINK_UP },
    { "wzp_relay_link_rtt_seconds", "gauge",
        "Round trip time to a federated relay whose link is up.", LINK_RTT },
    { "wzp_relay_link_sent_datagrams_total", "counter",
        "Media datagrams sent to a federated relay.", LINK_SENT },
    { "wzp_relay_link_received_datagrams_total", "counter",
        "Media datagrams from a federated relay.", LINK_RECEIVED },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (columns); i++) {
    add_header (text, columns[i].name, columns[i].type, columns[i].help);
    for (guint j = 0; j < stats->n_links; j++) {
      const WzpRelayLinkStats *link = &stats->links[j];

      if (columns[i].metric == LINK_RTT && link->rtt_us < 0)
        continue;
      g_string_append_printf (text, "%s{peer=\"", columns[i].name);
      add_escaped (text, link->label);
      g_string_append (text, "\"} ");
      add_link_value (text, columns[i].metric, link);
      g_string_append_c (text, '\n');
    }
  }
}

static void
add_number (GString *text, const char *name, const char *help, gint64 value)
{
  if (value < 0)
    return;
  add_header (text, name, "gauge", help);
  g_string_append_printf (text, "%s %" G_GINT64_FORMAT "\n", name, value);
}

static void
add_time (GString *text, const char *name, const char *type, const char *help,
    gint64 us)
{
  if (us < 0)
    return;
  add_header (text, name, type, help);
  g_string_append_printf (text, "%s ", name);
  add_seconds (text, us);
  g_string_append_c (text, '\n');
}

/* By the names that Prometheus' own libraries use. */
static void
add_process (GString *text, const WzpRelayProcess *process)
{
  add_number (text, "process_resident_memory_bytes",
      "Resident memory size in bytes.", process->resident_bytes);
  add_time (text, "process_cpu_seconds_total", "counter",
      "Total user and system CPU time spent in seconds.", process->cpu_us);
  add_time (text, "process_start_time_seconds", "gauge",
      "Start time of the process since unix epoch in seconds.",
      process->start_us);
  add_number (text, "process_open_fds", "Number of open file descriptors.",
      process->open_fds);
  add_number (text, "process_max_fds",
      "Maximum number of open file descriptors.", process->max_fds);
}

char *
wzp_relay_metrics_format (const WzpRelayStats *stats,
    const WzpRelayProcess *process, gboolean is_draining)
{
  GString *text = g_string_sized_new (16384);

  add_header (text, "wzp_relay_build_info", "gauge", "Which relay this is.");
  g_string_append (
      text, "wzp_relay_build_info{version=\"" WZP_VERSION "\"} 1\n");
  add_number (text, "wzp_relay_draining",
      "Whether it takes no new connection and waits for calls to end.",
      is_draining ? 1 : 0);
  for (gsize i = 0; i < G_N_ELEMENTS (metrics); i++)
    add_metric (text, &metrics[i], stats);
  add_links (text, stats);
  add_process (text, process);
  return g_string_free (text, FALSE);
}

static gint64
read_resident (void)
{
  FILE *file = fopen ("/proc/self/statm", "re");
  gint64 pages = -1;

  if (file == NULL)
    return -1;
  if (fscanf (file, "%*s %" G_GINT64_FORMAT, &pages) != 1)
    pages = -1;
  fclose (file);
  return pages < 0 ? -1 : pages * sysconf (_SC_PAGESIZE);
}

/* The start in clock ticks since boot: proc(5), /proc/pid/stat, field 22. The
 * program's name, field 2, may have spaces in it; it ends at the last ')'. */
static gint64
read_start_ticks (void)
{
  FILE *file = fopen ("/proc/self/stat", "re");
  char line[STAT_MAX_LEN];
  const char *pos;
  gsize n;

  if (file == NULL)
    return -1;
  n = fread (line, 1, sizeof line - 1, file);
  fclose (file);
  line[n] = '\0';
  pos = strrchr (line, ')');
  /* The blank before field 3, then before the next ones. */
  for (guint field = 2; pos != NULL && field < 22; field++)
    pos = strchr (pos + 1, ' ');
  return pos != NULL ? g_ascii_strtoll (pos + 1, NULL, 10) : -1;
}

static gint64
read_start (void)
{
  const gint64 ticks = read_start_ticks ();
  struct timespec boot;
  gint64 since_boot_us;

  if (ticks < 0 || clock_gettime (CLOCK_BOOTTIME, &boot) < 0)
    return -1;
  since_boot_us = boot.tv_sec * (gint64) G_USEC_PER_SEC + boot.tv_nsec / 1000;
  return g_get_real_time () - since_boot_us +
      ticks * G_USEC_PER_SEC / sysconf (_SC_CLK_TCK);
}

static gint64
count_fds (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  gint64 n = 0;

  if (folder == NULL)
    return -1;
  while (g_dir_read_name (folder) != NULL)
    n++;
  return n - 1; /* one is the folder's own */
}

void
wzp_relay_process_read (WzpRelayProcess *ret_process)
{
  struct timespec cpu;
  struct rlimit limit;

  *ret_process = (WzpRelayProcess){
    .resident_bytes = read_resident (),
    .cpu_us = clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &cpu) < 0
        ? -1
        : cpu.tv_sec * (gint64) G_USEC_PER_SEC + cpu.tv_nsec / 1000,
    .start_us = read_start (),
    .open_fds = count_fds (),
    .max_fds =
        getrlimit (RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY
        ? -1
        : (gint64) limit.rlim_cur,
  };
}
