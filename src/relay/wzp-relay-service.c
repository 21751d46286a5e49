#include "wzp-relay-service.h"

#include "wzp-clock.h"
#include "wzp-relay-http.h"
#include "wzp-relay-metrics.h"
#include "wzp-relay-notify.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>

#define STATUS_S    10u /* how often the service manager is told the numbers */
#define MAX_SOURCES 6u

typedef struct {
  const WzpRelayOptions *options;
  WzpRelaySettings *settings; /* owned */
  WzpRelayNotify *notify;     /* owned */
  WzpIdentity *identity;      /* owned */
  WzpRelay *relay;            /* owned */
  WzpRelayHttp *http;         /* owned, nullable */
  GMainLoop *loop;            /* owned */
  guint sources[MAX_SOURCES]; /* ids */
  guint n_sources;
  gboolean is_draining;
} Service;

static void
service_clear (Service *self)
{
  for (guint i = 0; i < self->n_sources; i++)
    g_source_remove (self->sources[i]);
  g_clear_pointer (&self->http, wzp_relay_http_free);
  g_clear_pointer (&self->relay, wzp_relay_free);
  g_clear_pointer (&self->identity, wzp_identity_unref);
  g_clear_pointer (&self->settings, wzp_relay_settings_free);
  g_clear_pointer (&self->notify, wzp_relay_notify_free);
  g_clear_pointer (&self->loop, g_main_loop_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Service, service_clear)

/* Sources here stay until the end. */
static void
keep_source (Service *self, guint id)
{
  g_assert (self->n_sources < MAX_SOURCES);
  self->sources[self->n_sources++] = id;
}

/* ---- metrics ---- */

static char *
make_metrics (gpointer user_data)
{
  Service *self = user_data;
  WzpRelayProcess process;
  WzpRelayStats stats;

  wzp_relay_get_stats (self->relay, &stats);
  wzp_relay_process_read (&process);
  return wzp_relay_metrics_format (&stats, &process, self->is_draining);
}

static gboolean
is_draining (gpointer user_data)
{
  return ((Service *) user_data)->is_draining;
}

static const WzpRelayHttpHandler http_handler = {
  .make_metrics = make_metrics,
  .is_draining = is_draining,
};

/* ---- the service manager ---- */

static gboolean
on_status (gpointer user_data)
{
  Service *self = user_data;
  WzpRelayStats stats;

  wzp_relay_get_stats (self->relay, &stats);
  wzp_relay_notify_send (self->notify,
      "STATUS=%s%u clients, %u calls, %u connections in rooms",
      self->is_draining ? "Draining: " : "", stats.registry.clients,
      stats.registry.calls, stats.guests);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_watchdog (gpointer user_data)
{
  Service *self = user_data;

  wzp_relay_notify_send (self->notify, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

static void
start_notifying (Service *self)
{
  const gint64 watchdog_ms =
      wzp_relay_notify_get_watchdog_us (self->notify) / 1000;

  if (!wzp_relay_notify_is_on (self->notify))
    return;
  wzp_relay_notify_send (self->notify, "READY=1");
  on_status (self);
  keep_source (self, g_timeout_add_seconds (STATUS_S, on_status, self));
  /* Twice as often as is asked for, as sd_watchdog_enabled(3) has it. */
  if (watchdog_ms > 0)
    keep_source (self,
        g_timeout_add (
            (guint) CLAMP (watchdog_ms / 2, 1, G_MAXINT), on_watchdog, self));
}

/* ---- reload ---- */

static void
warn_of_fixed (Service *self, const WzpRelaySettings *next)
{
  g_auto (GStrv) fixed = wzp_relay_settings_list_fixed (self->settings, next);

  for (char **key = fixed; *key != NULL; key++)
    wzp_log_warning (NULL,
        "%s differs, and takes effect only when the relay is started again",
        *key);
}

/* What the relay was started with, and what could be changed since. */
static void
take_settings (Service *self, WzpRelaySettings *next)
{
  WzpRelaySettings *old = self->settings;

#define KEEP(field)                                                            \
  G_STMT_START                                                                 \
  {                                                                            \
    gpointer _field = next->field;                                             \
    next->field = old->field;                                                  \
    old->field = _field;                                                       \
  }                                                                            \
  G_STMT_END
  KEEP (listen);
  KEEP (key_file);
  KEEP (metrics_listen);
#undef KEEP
  next->port = old->port;
  next->second_port = old->second_port;
  next->idle_timeout_ms = old->idle_timeout_ms;
  wzp_relay_settings_free (old);
  self->settings = next;
}

static gboolean
reload (Service *self, GError **error)
{
  WzpRelaySettings *next =
      wzp_relay_options_load_settings (self->options, error);
  WzpRelayConfig config;

  if (next == NULL)
    return FALSE;
  wzp_relay_settings_fill (next, &config);
  config.identity = self->identity;
  if (!wzp_relay_reconfigure (self->relay, &config, error)) {
    wzp_relay_settings_free (next);
    return FALSE;
  }
  warn_of_fixed (self, next);
  take_settings (self, next);
  wzp_relay_log_set_level (self->settings->log_level);
  return TRUE;
}

static gboolean
on_reload (gpointer user_data)
{
  Service *self = user_data;
  g_autoptr (GError) error = NULL;

  if (self->is_draining) {
    wzp_log_notice (NULL, "not reloaded: the relay is draining");
    return G_SOURCE_CONTINUE;
  }
  wzp_relay_notify_send (self->notify,
      "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, wzp_clock_now_us ());
  if (reload (self, &error))
    wzp_log_notice (NULL, "the configuration was read anew: %s",
        self->settings->path != NULL ? self->settings->path : "no file");
  else
    wzp_log_warning (
        NULL, "the configuration stays as it was: %s", error->message);
  wzp_relay_notify_send (self->notify, "READY=1");
  return G_SOURCE_CONTINUE;
}

/* ---- the end ---- */

static void
on_drained (gpointer user_data)
{
  Service *self = user_data;

  g_main_loop_quit (self->loop);
}

static gboolean
on_drain_timeout (gpointer user_data)
{
  Service *self = user_data;
  WzpRelayStats stats;

  wzp_relay_get_stats (self->relay, &stats);
  wzp_log_warning (NULL,
      "the drain timeout of %u s is over: %u calls and %u connections in rooms "
      "are cut off",
      self->settings->drain_timeout_s, stats.registry.calls, stats.guests);
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_stop (gpointer user_data)
{
  Service *self = user_data;
  WzpRelayStats stats;

  if (self->is_draining) {
    wzp_log_notice (NULL, "told to end a second time: at once");
    g_main_loop_quit (self->loop);
    return G_SOURCE_CONTINUE;
  }
  self->is_draining = TRUE;
  wzp_relay_get_stats (self->relay, &stats);
  wzp_log_info (NULL,
      "the relay drains: %u calls, %u connections in rooms, at most %u s",
      stats.registry.calls, stats.guests, self->settings->drain_timeout_s);
  wzp_relay_notify_send (self->notify, "STOPPING=1");
  on_status (self);
  keep_source (self,
      g_timeout_add_seconds (
          self->settings->drain_timeout_s, on_drain_timeout, self));
  /* The last: it may be over at once. */
  wzp_relay_drain (self->relay, on_drained, self);
  return G_SOURCE_CONTINUE;
}

/* ---- the beginning ---- */

static void
print_addresses (Service *self)
{
  const char *fingerprint = wzp_relay_get_fingerprint (self->relay);
  const guint16 second_port = wzp_relay_get_second_port (self->relay);
  char text[WZP_ADDR_MAX_STRLEN];
  WzpAddr addrs[2];
  const guint n = wzp_relay_get_addresses (self->relay, addrs);

  for (guint i = 0; i < n; i++)
    printf ("listening on %s\n", wzp_addr_to_string (&addrs[i], text));
  if (second_port != 0)
    printf ("second port %u\n", second_port);
  if (self->http != NULL)
    printf ("metrics on http://%s/metrics\n",
        wzp_relay_http_get_address (self->http));
  printf ("fingerprint %s\n", fingerprint);
  if (self->options->print_address) {
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
start_relay (Service *self, const int *fds, guint n_fds, GError **error)
{
  WzpRelayConfig config;

  self->identity = wzp_relay_options_load_identity (
      self->options, self->settings, TRUE, error);
  if (self->identity == NULL)
    return FALSE;
  wzp_relay_settings_fill (self->settings, &config);
  config.identity = self->identity;
  config.fds = fds;
  config.n_fds = n_fds;
  self->relay = wzp_relay_new (NULL, &config, error);
  return self->relay != NULL;
}

static gboolean
start (Service *self, GError **error)
{
  int fds[WZP_RELAY_MAX_SOCKETS];
  guint n_fds = 0;

  /* The environment first: GLib makes a thread for the signals. */
  self->notify = wzp_relay_notify_new ();
  if (!wzp_relay_take_sockets (fds, &n_fds, error))
    return FALSE;
  /* Before anything that says "ready": whoever reads that may send one. */
  keep_source (self, g_unix_signal_add (SIGHUP, on_reload, self));
  keep_source (self, g_unix_signal_add (SIGINT, on_stop, self));
  keep_source (self, g_unix_signal_add (SIGTERM, on_stop, self));
  /* Who reads our output may go; calls stay. */
  signal (SIGPIPE, SIG_IGN);

  self->loop = g_main_loop_new (NULL, FALSE);
  if (!start_relay (self, fds, n_fds, error))
    return FALSE;
  if (self->settings->metrics_listen != NULL) {
    self->http = wzp_relay_http_new (
        NULL, self->settings->metrics_listen, &http_handler, self, error);
    if (self->http == NULL)
      return FALSE;
  }
  return TRUE;
}

gboolean
wzp_relay_service_run (
    const WzpRelayOptions *options, WzpRelaySettings *settings, GError **error)
{
  g_auto (Service) self = { .options = options, .settings = settings };

  wzp_relay_log_set_level (settings->log_level);
  if (!start (&self, error))
    return FALSE;
  print_addresses (&self);
  start_notifying (&self);
  g_main_loop_run (self.loop);
  wzp_log_info (NULL, "the relay ends");
  return TRUE;
}
