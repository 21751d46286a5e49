#include "wzp-relay-link-private.h"

#include "wzp-clock.h"
#include "wzp-relay-link-conn.h"
#include "wzp-relay-log.h"

#include <string.h>

#define MAX_DOUBLINGS 6u /* of the time between two dials: 64 s is over */

struct _WzpRelayLink {
  WzpRelay *relay;    /* not owned */
  WzpRelayRule *rule; /* owned */
  char *label;        /* owned */
  char *fingerprint;  /* owned; of the peer */
  gboolean own_stays; /* what we dial is what stays */

  WzpRelayLinkConn *active;    /* owned; in use; NULL: down */
  gint64 active_us;            /* since when it is */
  gint64 up_us;                /* since when there has been one */
  WzpRegistryLink *registered; /* owned by the registry; while it is up */
  /* What waits for its hello: that came in, that we dialled. */
  WzpRelayLinkConn *coming[2]; /* owned */
  gint64 coming_us[2];         /* until when */
  WzpRelayLinkConn *retired;   /* owned; lost against the active one */
  gint64 retired_us;           /* until when it is read */

  WzpRelayDial *dial; /* owned; under way */
  gint64 dial_us;     /* when to begin, or to give up; -1: not at all */
  guint failures;
  char *told;     /* owned; what was logged of them */
  GSource *timer; /* owned */

  guint64 datagrams_sent, datagrams_received;
};

gint64
wzp_relay_link_retry_us (guint failures, double chance)
{
  gint64 whole = MIN (WZP_RELAY_LINK_RETRY_US << MIN (failures, MAX_DOUBLINGS),
      WZP_RELAY_LINK_MAX_RETRY_US);

  return whole / 2 + (gint64) (CLAMP (chance, 0, 1) * (double) (whole / 2));
}

char *
wzp_relay_link_format_peer (const char *fingerprint)
{
  GString *text = g_string_new ("[peer relay-");

  /* A name that can stay: the fingerprint's first four bytes. */
  for (guint i = 0; i < 4; i++)
    g_string_append_len (text, fingerprint + 3 * i, 2);
  g_string_append_printf (text, "]\nfingerprint = %s", fingerprint);
  return g_string_free (text, FALSE);
}

/* ---- time ---- */

static void
set_timer (WzpRelayLink *self)
{
  gint64 due = self->dial_us;

  for (guint i = 0; i < G_N_ELEMENTS (self->coming); i++)
    if (self->coming[i] != NULL && (due < 0 || self->coming_us[i] < due))
      due = self->coming_us[i];
  if (self->retired != NULL && (due < 0 || self->retired_us < due))
    due = self->retired_us;
  g_source_set_ready_time (self->timer, due);
}

static void
stop_dial (WzpRelayLink *self)
{
  g_clear_pointer (&self->dial, wzp_relay_dial_free);
  self->dial_us = -1;
}

/* Unless there is nothing to dial, or no need. */
static void
schedule_dial (WzpRelayLink *self)
{
  if (self->rule->host == NULL || self->active != NULL || self->dial != NULL ||
      self->coming[TRUE] != NULL || self->dial_us >= 0)
    return;
  self->dial_us = wzp_clock_now_us () +
      wzp_relay_link_retry_us (self->failures, g_random_double ());
  self->failures = MIN (self->failures + 1, MAX_DOUBLINGS);
}

/* Once for each thing to say until the link is up. */
static void
tell_failure (WzpRelayLink *self, const char *text)
{
  g_autofree char *whole = NULL;

  if (g_strcmp0 (self->told, text) == 0) {
    wzp_log_debug (WZP_ABOUT (.link = self->label), "link to relay %s: %s",
        self->label, text);
    return;
  }
  g_free (self->told);
  self->told = g_strdup (text);
  whole = g_strdup_printf ("link to relay %s: %s", self->label, text);
  wzp_relay_log_lines (WZP_LOG_NOTICE, WZP_ABOUT (.link = self->label), whole);
}

static void
tell_refused (WzpRelayLink *self, const char *text)
{
  g_autofree char *peer = wzp_relay_link_format_peer (self->relay->fingerprint);
  g_autofree char *all =
      g_strdup_printf ("%s. Its configuration file needs:\n%s", text, peer);

  tell_failure (self, all);
}

/* ---- the connections ---- */

static void
drop (WzpRelayLinkConn **conn, WzpCloseCode code, const char *text)
{
  wzp_relay_link_conn_free (g_steal_pointer (conn), code, text);
}

/* The calls over it have the registry's grace. Leaves something to pump. */
static void
drop_active (WzpRelayLink *self, WzpCloseCode code, const char *text)
{
  gint64 now_us = wzp_clock_now_us ();

  drop (&self->active, code, text);
  wzp_registry_remove_link (
      self->relay->registry, g_steal_pointer (&self->registered), now_us);
  if (now_us - self->up_us >= WZP_RELAY_LINK_STABLE_US)
    self->failures = 0;
  schedule_dial (self);
  set_timer (self);
}

static void
retire (WzpRelayLink *self, WzpRelayLinkConn *conn)
{
  drop (
      &self->retired, WZP_CLOSE_REPLACED, "another connection took its place");
  self->retired = conn;
  self->retired_us = wzp_clock_now_us () + WZP_RELAY_LINK_LINGER_US;
}

/* Whether @conn takes the place of the one in use. */
static gboolean
stays (const WzpRelayLink *self, const WzpRelayLinkConn *conn)
{
  gboolean is_own = wzp_relay_link_conn_is_dialled (conn);

  return is_own == wzp_relay_link_conn_is_dialled (self->active) ||
      is_own == self->own_stays ||
      wzp_clock_now_us () - self->active_us > WZP_RELAY_LINK_AT_ONCE_US;
}

static gboolean
register_link (WzpRelayLink *self)
{
  g_autoptr (GError) error = NULL;
  gint64 now_us = wzp_clock_now_us ();

  if (self->registered != NULL)
    return TRUE;
  self->registered = wzp_registry_add_link (
      self->relay->registry, self->fingerprint, self, now_us, &error);
  if (self->registered == NULL) {
    tell_failure (self, error->message);
    return FALSE;
  }
  self->up_us = now_us;
  g_clear_pointer (&self->told, g_free);
  wzp_log_notice (
      WZP_ABOUT (.link = self->label), "link to relay %s is up", self->label);
  return TRUE;
}

static void
use (WzpRelayLink *self, WzpRelayLinkConn *conn)
{
  if (!register_link (self)) {
    wzp_relay_link_conn_free (conn, WZP_CLOSE_BUSY, "no link is free");
    schedule_dial (self);
    return;
  }
  if (self->active != NULL)
    retire (self, self->active);
  self->active = conn;
  self->active_us = wzp_clock_now_us ();
  /* Where what we dial stays, a dial under way goes on. */
  if (self->dial == NULL || !self->own_stays)
    stop_dial (self);
}

static void
on_up (WzpRelayLinkConn *conn, gpointer user_data)
{
  WzpRelayLink *self = user_data;
  WzpRelay *relay = self->relay;

  self->coming[wzp_relay_link_conn_is_dialled (conn)] = NULL;
  if (self->active == NULL || stays (self, conn))
    use (self, conn);
  else
    retire (self, conn);
  set_timer (self);
  wzp_relay_pump (relay);
}

static void
answer_ping (WzpRelayLinkConn *conn, const WzpMessage *ping)
{
  g_autoptr (WzpMessage) pong = wzp_message_new (WZP_MESSAGE_PONG);

  pong->timestamp_ms = ping->timestamp_ms;
  wzp_relay_link_conn_send (conn, pong, NULL);
}

static void
on_message (
    WzpRelayLinkConn *conn, const WzpMessage *message, gpointer user_data)
{
  WzpRelayLink *self = user_data;
  WzpRelay *relay = self->relay;

  if (message->type == WZP_MESSAGE_PING) {
    answer_ping (conn, message);
    return;
  }
  /* A retired connection may outlive the one in use. */
  if (self->registered == NULL)
    return;
  wzp_registry_link_message (
      relay->registry, self->registered, message, wzp_clock_now_us ());
  wzp_relay_pump (relay);
}

static void
on_malformed (WzpRelayLinkConn *conn, gpointer user_data)
{
  WzpRelayLink *self = user_data;

  self->relay->stats.malformed++;
}

static void
on_datagram (WzpRelayLinkConn *conn, guint64 tag, const guint8 *data, gsize len,
    gpointer user_data)
{
  WzpRelayLink *self = user_data;

  self->datagrams_received++;
  wzp_relay_guest_deliver (self->relay, self, tag, data, len);
}

static void
lose_coming (WzpRelayLink *self, gboolean is_dialled, const char *text,
    gboolean is_refused)
{
  drop (&self->coming[is_dialled], WZP_CLOSE_PROTOCOL, text);
  if (is_refused)
    tell_refused (self, text);
  else
    tell_failure (self, text);
  schedule_dial (self);
  set_timer (self);
}

static void
on_closed (WzpRelayLinkConn *conn, const GError *error, gboolean is_refused,
    gpointer user_data)
{
  WzpRelayLink *self = user_data;
  WzpRelay *relay = self->relay;

  if (conn == self->retired) {
    drop (&self->retired, WZP_CLOSE_NORMAL, NULL);
    set_timer (self);
  } else if (conn == self->active) {
    drop_active (self, WZP_CLOSE_NORMAL, NULL);
    if (is_refused)
      tell_refused (self, error->message);
    else
      tell_failure (self, error->message);
    wzp_relay_pump (relay);
  } else {
    lose_coming (self, wzp_relay_link_conn_is_dialled (conn), error->message,
        is_refused);
  }
}

static const WzpRelayLinkConnHandler conn_handler = {
  .up = on_up,
  .message = on_message,
  .malformed = on_malformed,
  .datagram = on_datagram,
  .closed = on_closed,
};

static void
take (WzpRelayLink *self, WzpConn *conn)
{
  gboolean is_dialled = !wzp_conn_is_server (conn);

  drop (&self->coming[is_dialled], WZP_CLOSE_REPLACED,
      "another connection took its place");
  self->coming[is_dialled] = wzp_relay_link_conn_new (
      conn, self->relay->fingerprint, self->rule->pin, &conn_handler, self);
  self->coming_us[is_dialled] = wzp_clock_now_us () + WZP_RELAY_LINK_HELLO_US;
  set_timer (self);
}

/* ---- dialling ---- */

static void
on_dialled (
    WzpRelayDial *dial, WzpConn *conn, const GError *error, gpointer user_data)
{
  WzpRelayLink *self = user_data;
  g_autofree char *text = error != NULL ? g_strdup (error->message) : NULL;

  stop_dial (self);
  if (conn != NULL) {
    take (self, conn);
    wzp_conn_unref (conn);
    return;
  }
  tell_failure (self, text);
  schedule_dial (self);
  set_timer (self);
}

static const WzpRelayDialHandler dial_handler = { .done = on_dialled };

static void
start_dial (WzpRelayLink *self, gint64 now_us)
{
  self->dial = wzp_relay_dial_new (self->relay->endpoint, WZP_SNI_FEDERATION,
      self->rule, 0, &dial_handler, self);
  self->dial_us = now_us + WZP_RELAY_LINK_DIAL_US;
}

static gboolean
on_timer (gpointer user_data)
{
  WzpRelayLink *self = user_data;
  gint64 now_us = wzp_clock_now_us ();

  for (guint i = 0; i < G_N_ELEMENTS (self->coming); i++)
    if (self->coming[i] != NULL && now_us >= self->coming_us[i])
      lose_coming (self, i, "no hello came", FALSE);
  if (self->retired != NULL && now_us >= self->retired_us)
    drop (&self->retired, WZP_CLOSE_REPLACED,
        "another connection took its place");
  if (self->dial_us >= 0 && now_us >= self->dial_us) {
    if (self->dial == NULL) {
      start_dial (self, now_us);
    } else {
      stop_dial (self);
      tell_failure (self, "it could not be reached in time");
      schedule_dial (self);
    }
  }
  set_timer (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc func, gpointer user_data)
{
  return func (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };

/* ---- from outside ---- */

void
wzp_relay_link_set_rule (
    WzpRelayLink *self, const WzpRelayRule *rule, const char *label)
{
  gboolean is_same = self->rule != NULL &&
      g_strcmp0 (self->rule->host, rule->host) == 0 &&
      self->rule->port == rule->port;

  wzp_relay_rule_free (self->rule);
  self->rule = wzp_relay_rule_copy (rule);
  g_free (self->label);
  self->label =
      label != NULL ? g_strdup (label) : g_strndup (self->fingerprint, 11);
  if (is_same)
    return;
  stop_dial (self);
  self->failures = 0;
  if (rule->host != NULL && self->active == NULL)
    self->dial_us = wzp_clock_now_us ();
  set_timer (self);
}

WzpRelayLink *
wzp_relay_link_new (
    WzpRelay *relay, const WzpRelayRule *rule, const char *label)
{
  WzpRelayLink *self = g_new0 (WzpRelayLink, 1);

  self->relay = relay;
  self->fingerprint = wzp_relay_fingerprint_to_string (rule->pin);
  /* One spelling, so that texts compare as bytes do. */
  self->own_stays = strcmp (relay->fingerprint, self->fingerprint) < 0;
  self->dial_us = -1;
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, relay->context);
  wzp_relay_link_set_rule (self, rule, label);
  return self;
}

void
wzp_relay_link_free (WzpRelayLink *self, WzpCloseCode code, const char *text)
{
  if (self == NULL)
    return;

  if (self->active != NULL)
    drop_active (self, code, text);
  drop (&self->retired, code, text);
  for (guint i = 0; i < G_N_ELEMENTS (self->coming); i++)
    drop (&self->coming[i], code, text);
  stop_dial (self);
  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  wzp_relay_rule_free (self->rule);
  g_free (self->label);
  g_free (self->fingerprint);
  g_free (self->told);
  g_free (self);
}

void
wzp_relay_link_accept (WzpRelayLink *self, WzpConn *conn)
{
  take (self, conn);
}

void
wzp_relay_link_send (WzpRelayLink *self, const WzpMessage *message)
{
  g_autoptr (GError) error = NULL;

  if (self->active == NULL ||
      wzp_relay_link_conn_send (self->active, message, &error))
    return;
  tell_failure (self, error->message);
  drop_active (self, WZP_CLOSE_BUSY, "messages are not taken off");
}

gboolean
wzp_relay_link_send_datagram (
    WzpRelayLink *self, guint64 tag, const guint8 *datagram, gsize len)
{
  if (len > wzp_relay_link_get_max_datagram (self) ||
      !wzp_relay_link_conn_send_datagram (self->active, tag, datagram, len))
    return FALSE;
  self->datagrams_sent++;
  return TRUE;
}

gsize
wzp_relay_link_get_max_datagram (const WzpRelayLink *self)
{
  return self->active != NULL
      ? wzp_relay_link_conn_get_max_datagram (self->active)
      : 0;
}

const char *
wzp_relay_link_get_label (const WzpRelayLink *self)
{
  return self->label;
}

const guint8 *
wzp_relay_link_get_sha256 (const WzpRelayLink *self)
{
  return self->rule->pin;
}

WzpConn *
wzp_relay_link_get_conn (const WzpRelayLink *self)
{
  return self->active != NULL ? wzp_relay_link_conn_get_conn (self->active)
                              : NULL;
}

void
wzp_relay_link_get_stats (
    const WzpRelayLink *self, WzpRelayLinkStats *ret_stats)
{
  WzpConnInfo info;

  *ret_stats = (WzpRelayLinkStats){
    .label = self->label,
    .is_up = self->active != NULL,
    .rtt_us = -1,
    .datagrams_sent = self->datagrams_sent,
    .datagrams_received = self->datagrams_received,
  };
  if (self->active == NULL)
    return;
  wzp_conn_get_info (wzp_relay_link_conn_get_conn (self->active), &info);
  ret_stats->rtt_us = info.srtt_us;
}
