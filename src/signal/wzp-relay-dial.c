#include "wzp-relay-dial.h"

#include "wzp-sockaddr.h"

#include <string.h>

/* One address. */
typedef struct {
  WzpRelayDial *dial; /* not owned */
  WzpAddr addr;
  WzpConn *conn;      /* owned; NULL once it has failed */
  WzpRelayRule *rule; /* owned */
  GError *error;      /* owned; why it failed */
} Attempt;

/* Outlives the dial when the resolver is slow to notice that it was given
 * up. */
typedef struct {
  WzpRelayDial *dial; /* NULL: given up */
} Lookup;

struct _WzpRelayDial {
  WzpEndpoint *endpoint; /* not owned */
  char *server_name;
  WzpRelayRule *rule;
  guint timeout_ms;
  const WzpRelayDialHandler *handler;
  gpointer user_data;
  GSource *next_step;   /* owned, or NULL */
  GCancellable *cancel; /* owned; of the lookup */
  Lookup *lookup;       /* owned by the resolver's callback, or NULL */
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
  if (self->n_attempts == 0) {
    g_autoptr (GError) error = g_error_new (WZP_ERROR, WZP_ERROR_UNREACHABLE,
        "The relay's name %s has no address", self->rule->host);

    finish (self, NULL, error);
    return G_SOURCE_REMOVE;
  }
  for (guint i = 0; i < self->n_attempts; i++)
    start_attempt (self, &self->attempts[i]);
  finish_if_all_failed (self);
  return G_SOURCE_REMOVE;
}

static void
add_address (WzpRelayDial *self, const WzpAddr *addr)
{
  for (guint i = 0; i < self->n_attempts; i++)
    if (wzp_addr_equal (&self->attempts[i].addr, addr))
      return;
  if (self->n_attempts < WZP_RELAY_DIAL_MAX_ADDRS)
    self->attempts[self->n_attempts++].addr = *addr;
}

static void
add_inet_address (WzpRelayDial *self, GInetAddress *inet)
{
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new (inet, self->rule->port);
  gssize len = g_socket_address_get_native_size (address);
  struct sockaddr_storage storage;
  WzpAddr addr;

  if (g_socket_address_to_native (address, &storage, sizeof storage, NULL) &&
      wzp_sockaddr_to_addr (
          (struct sockaddr *) &storage, (socklen_t) len, &addr))
    add_address (self, &addr);
}

/* Each step begins from the main loop, so that nothing is called from inside
 * new(), and a callback between two steps may free the dial. */
static void
schedule (WzpRelayDial *self, GSourceFunc step)
{
  self->next_step = g_idle_source_new ();
  g_source_set_priority (self->next_step, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->next_step, step, self, NULL);
  g_source_attach (self->next_step, g_main_context_get_thread_default ());
}

/* The last statement of its callers. */
static void
go_on_to_connect (WzpRelayDial *self)
{
  schedule (self, start_attempts);
  if (self->handler->connecting != NULL)
    self->handler->connecting (self, self->user_data);
}

static void
on_looked_up (GObject *resolver, GAsyncResult *result, gpointer user_data)
{
  g_autofree Lookup *lookup = user_data;
  WzpRelayDial *self = lookup->dial;
  g_autoptr (GError) error = NULL;
  GList *found =
      g_resolver_lookup_by_name_finish (G_RESOLVER (resolver), result, &error);

  if (self == NULL) {
    g_resolver_free_addresses (found);
    return;
  }

  self->lookup = NULL;
  for (GList *l = found; l != NULL; l = l->next)
    add_inet_address (self, l->data);
  g_resolver_free_addresses (found);
  if (error != NULL) {
    g_prefix_error (&error, "Cannot look up the relay %s: ", self->rule->host);
    finish (self, NULL, error);
    return;
  }
  go_on_to_connect (self);
}

static void
look_up (WzpRelayDial *self)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();

  self->cancel = g_cancellable_new ();
  self->lookup = g_new0 (Lookup, 1);
  self->lookup->dial = self;
  g_resolver_lookup_by_name_async (
      resolver, self->rule->host, self->cancel, on_looked_up, self->lookup);
}

/* What needs no resolver: an address, and RFC 6761's localhost. */
static gboolean
add_literal (WzpRelayDial *self)
{
  static const char *const loopback[] = { "127.0.0.1", "::1" };
  WzpAddr addr;

  if (wzp_addr_parse_ip (self->rule->host, self->rule->port, &addr, NULL)) {
    add_address (self, &addr);
    return TRUE;
  }
  if (g_ascii_strcasecmp (self->rule->host, "localhost") != 0)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (loopback); i++)
    if (wzp_addr_parse_ip (loopback[i], self->rule->port, &addr, NULL))
      add_address (self, &addr);
  return TRUE;
}

static gboolean
begin (gpointer user_data)
{
  WzpRelayDial *self = user_data;

  g_clear_pointer (&self->next_step, g_source_unref);
  if (add_literal (self))
    go_on_to_connect (self);
  else
    look_up (self);
  return G_SOURCE_REMOVE;
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
  schedule (self, begin);
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
  if (self->lookup != NULL)
    self->lookup->dial = NULL;
  if (self->cancel != NULL)
    g_cancellable_cancel (self->cancel);
  g_clear_object (&self->cancel);
  for (guint i = 0; i < self->n_attempts; i++) {
    abort_attempt (&self->attempts[i]);
    wzp_relay_rule_free (self->attempts[i].rule);
    g_clear_error (&self->attempts[i].error);
  }
  wzp_relay_rule_free (self->rule);
  g_free (self->server_name);
  g_free (self);
}
