#include "wzp-relay-dial.h"

#include "wzp-relay-lookup.h"
#include "wzp-uri.h"

#include <string.h>

/* One address. */
typedef struct {
  WzpRelayDial *dial; /* not owned */
  WzpAddr addr;
  WzpConn *conn;      /* owned; NULL once it has failed */
  WzpRelayRule *rule; /* owned */
  GError *error;      /* owned; why it failed */
} Attempt;

struct _WzpRelayDial {
  WzpEndpoint *endpoint; /* not owned */
  char *server_name;
  WzpRelayRule *rule;
  guint timeout_ms;
  const WzpRelayDialHandler *handler;
  gpointer user_data;
  WzpRelayLookup *lookup; /* owned */
  GSource *next_step;     /* owned, or NULL */
  Attempt attempts[WZP_RELAY_DIAL_MAX_ADDRS];
  guint n_attempts;
};

WzpRelayRule *
wzp_relay_rule_copy (const WzpRelayRule *rule)
{
  WzpRelayRule *copy = g_memdup2 (rule, sizeof *rule);

  copy->host = g_strdup (rule->host);
  copy->known_path = g_strdup (rule->known_path);
  return copy;
}

void
wzp_relay_rule_free (WzpRelayRule *rule)
{
  if (rule == NULL)
    return;
  g_free (rule->host);
  g_free (rule->known_path);
  g_free (rule);
}

gboolean
wzp_relay_rule_read (WzpRelayRule *rule, const char *relay,
    const char *fingerprint, GError **error)
{
  g_clear_pointer (&rule->host, g_free);
  if (relay == NULL) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_INVALID, "No relay is given");
    return FALSE;
  }
  if (!wzp_uri_split_host (
          relay, WZP_RELAY_PORT, &rule->host, &rule->port, error))
    return FALSE;
  if (rule->trust != WZP_RELAY_TRUST_PIN)
    return TRUE;
  if (fingerprint == NULL) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
        "relay-trust=pin needs relay-fingerprint");
    return FALSE;
  }
  return wzp_relay_fingerprint_parse (fingerprint, rule->pin, error);
}

static gboolean
check_pin (
    const WzpRelayRule *rule, const guint8 cert_sha256[32], GError **error)
{
  g_autofree char *got = NULL;
  g_autofree char *wanted = NULL;

  if (memcmp (rule->pin, cert_sha256, sizeof rule->pin) == 0)
    return TRUE;
  got = wzp_relay_fingerprint_to_string (cert_sha256);
  wanted = wzp_relay_fingerprint_to_string (rule->pin);
  g_set_error (error, WZP_ERROR, WZP_ERROR_IDENTITY,
      "The relay's certificate is %s, %s is expected", got, wanted);
  return FALSE;
}

static gboolean
check_known (
    const WzpRelayRule *rule, const guint8 cert_sha256[32], GError **error)
{
  g_autofree char *fingerprint = NULL;
  gboolean is_new = FALSE;

  /* Whoever could stand in between on loopback could read our files too, and
   * a relay for trying things out has a new key each time. */
  if (rule->is_loopback)
    return TRUE;
  if (!wzp_known_relays_check (rule->known_path, rule->host, rule->port,
          cert_sha256, &is_new, error))
    return FALSE;
  if (is_new) {
    fingerprint = wzp_relay_fingerprint_to_string (cert_sha256);
    g_info ("remembering the relay %s:%u, fingerprint %s", rule->host,
        rule->port, fingerprint);
  }
  return TRUE;
}

static gboolean
verify (const guint8 cert_sha256[32], const guint8 *key_or_null,
    gpointer user_data, GError **error)
{
  const WzpRelayRule *rule = user_data;

  switch (rule->trust) {
    case WZP_RELAY_TRUST_TOFU:
      return check_known (rule, cert_sha256, error);
    case WZP_RELAY_TRUST_PIN:
      return check_pin (rule, cert_sha256, error);
    case WZP_RELAY_TRUST_CA: /* not by us: the TLS library does */
    case WZP_RELAY_TRUST_NONE:
      return TRUE;
  }
  g_return_val_if_reached (FALSE);
}

void
wzp_relay_rule_apply (WzpRelayRule *rule, WzpDialOptions *options)
{
  if (rule->trust == WZP_RELAY_TRUST_CA) {
    options->ca_host_name = rule->host;
  } else {
    options->verify = verify;
    options->verify_data = rule;
  }
}

/* Ends @attempt for good; closed() is not called for an own close. */
static void
abort_attempt (Attempt *attempt)
{
  if (attempt->conn == NULL)
    return;
  wzp_conn_set_handler (attempt->conn, NULL, NULL);
  wzp_conn_close (attempt->conn, WZP_CLOSE_ABORTED, NULL);
  g_clear_pointer (&attempt->conn, wzp_conn_unref);
}

static void
finish (WzpRelayDial *self, WzpConn *conn, const GError *error)
{
  self->handler->done (self, conn, error, self->user_data);
}

/* The error of them all: the code of the most telling one. */
static GError *
join_errors (WzpRelayDial *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const GError *telling = NULL;
  char buf[WZP_ADDR_MAX_STRLEN];

  for (guint i = 0; i < self->n_attempts; i++) {
    const Attempt *attempt = &self->attempts[i];

    g_string_append_printf (text, "%s%s: %s", i > 0 ? "; " : "",
        wzp_addr_to_string (&attempt->addr, buf), attempt->error->message);
    if (telling == NULL ||
        g_error_matches (attempt->error, WZP_ERROR, WZP_ERROR_IDENTITY))
      telling = attempt->error;
  }
  return g_error_new (telling->domain, telling->code,
      "Cannot connect to the relay %s: %s", self->rule->host, text->str);
}

/* The last statement of its callers: the dial may be gone after. */
static void
finish_if_all_failed (WzpRelayDial *self)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < self->n_attempts; i++)
    if (self->attempts[i].error == NULL)
      return;
  error = join_errors (self);
  finish (self, NULL, error);
}

static void
on_established (WzpConn *conn, gpointer user_data)
{
  Attempt *attempt = user_data;
  WzpRelayDial *self = attempt->dial;
  WzpConn *winner = g_steal_pointer (&attempt->conn);

  wzp_conn_set_handler (winner, NULL, NULL);
  for (guint i = 0; i < self->n_attempts; i++)
    abort_attempt (&self->attempts[i]);
  finish (self, winner, NULL);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  Attempt *attempt = user_data;

  attempt->error = g_error_copy (info->error);
  g_clear_pointer (&attempt->conn, wzp_conn_unref);
  finish_if_all_failed (attempt->dial);
}

static const WzpConnHandler attempt_handler = {
  .established = on_established,
  .closed = on_closed,
};

static void
start_attempt (WzpRelayDial *self, Attempt *attempt)
{
  WzpDialOptions options = { .server_name = self->server_name,
    .timeout_ms = self->timeout_ms };

  attempt->dial = self;
  attempt->rule = wzp_relay_rule_copy (self->rule);
  attempt->rule->is_loopback =
      wzp_addr_scope (&attempt->addr) == WZP_ADDR_LOOPBACK;
  wzp_relay_rule_apply (attempt->rule, &options);
  attempt->conn = wzp_endpoint_dial (self->endpoint, &attempt->addr, &options,
      &attempt_handler, attempt, &attempt->error);
}

static gboolean
start_attempts (gpointer user_data)
{
  WzpRelayDial *self = user_data;

  g_clear_pointer (&self->next_step, g_source_unref);
  for (guint i = 0; i < self->n_attempts; i++)
    start_attempt (self, &self->attempts[i]);
  finish_if_all_failed (self);
  return G_SOURCE_REMOVE;
}

/* What follows begins from the main loop: a callback between two steps may free
 * the dial. */
static void
on_looked_up (WzpRelayLookup *lookup, const WzpAddr *addrs, guint n,
    const GError *error, gpointer user_data)
{
  WzpRelayDial *self = user_data;

  if (error != NULL) {
    finish (self, NULL, error);
    return;
  }
  self->n_attempts = MIN (n, WZP_RELAY_DIAL_MAX_ADDRS);
  for (guint i = 0; i < self->n_attempts; i++)
    self->attempts[i].addr = addrs[i];
  self->next_step = g_idle_source_new ();
  g_source_set_priority (self->next_step, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->next_step, start_attempts, self, NULL);
  g_source_attach (self->next_step, g_main_context_get_thread_default ());
  if (self->handler->connecting != NULL)
    self->handler->connecting (self, self->user_data);
}

WzpRelayDial *
wzp_relay_dial_new (WzpEndpoint *endpoint, const char *server_name,
    const WzpRelayRule *rule, guint timeout_ms,
    const WzpRelayDialHandler *handler, gpointer user_data)
{
  WzpRelayDial *self;

  g_return_val_if_fail (endpoint != NULL && rule != NULL, NULL);
  g_return_val_if_fail (handler != NULL && handler->done != NULL, NULL);

  self = g_new0 (WzpRelayDial, 1);
  self->endpoint = endpoint;
  self->server_name = g_strdup (server_name);
  self->rule = wzp_relay_rule_copy (rule);
  self->timeout_ms = timeout_ms;
  self->handler = handler;
  self->user_data = user_data;
  self->lookup =
      wzp_relay_lookup_new (rule->host, rule->port, on_looked_up, self);
  return self;
}

void
wzp_relay_dial_free (WzpRelayDial *self)
{
  if (self == NULL)
    return;

  if (self->next_step != NULL) {
    g_source_destroy (self->next_step);
    g_source_unref (self->next_step);
  }
  wzp_relay_lookup_free (self->lookup);
  for (guint i = 0; i < self->n_attempts; i++) {
    abort_attempt (&self->attempts[i]);
    wzp_relay_rule_free (self->attempts[i].rule);
    g_clear_error (&self->attempts[i].error);
  }
  wzp_relay_rule_free (self->rule);
  g_free (self->server_name);
  g_free (self);
}
