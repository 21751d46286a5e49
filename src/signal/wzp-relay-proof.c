#include "wzp-relay-proof.h"

#include "wzp-candidate.h"
#include "wzp-uri.h"

#include <string.h>

struct _WzpRelayProof {
  WzpRelayRule *rule; /* owned; NULL until set */
  WzpAddr addr;
  gboolean has_key; /* an Ed25519 certificate: the key is the proof */
  guint8 key[WZP_PUBLIC_KEY_LEN];
  /* Owned: any other certificate. A new one for each connection, since a
   * room's handshake under way may still use the one before. */
  GPtrArray *cert_rules;
  GPtrArray *other_rules; /* of WzpRelayRule: other relays dialled */
  guint max_others;
};

WzpRelayProof *
wzp_relay_proof_new (guint max_others)
{
  WzpRelayProof *self = g_new0 (WzpRelayProof, 1);
  GDestroyNotify notify = (GDestroyNotify) wzp_relay_rule_free;

  self->cert_rules = g_ptr_array_new_with_free_func (notify);
  self->other_rules = g_ptr_array_new_with_free_func (notify);
  self->max_others = max_others;
  return self;
}

void
wzp_relay_proof_free (WzpRelayProof *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->cert_rules);
  g_ptr_array_unref (self->other_rules);
  wzp_relay_rule_free (self->rule);
  g_free (self);
}

/* The last certificate's rule stays where it is the same again. */
static void
pin_certificate (WzpRelayProof *self, const guint8 *sha256)
{
  WzpRelayRule *rule;

  if (self->cert_rules->len > 0) {
    rule = self->cert_rules->pdata[self->cert_rules->len - 1];
    if (memcmp (rule->pin, sha256, sizeof rule->pin) == 0)
      return;
  }
  rule = wzp_relay_rule_copy (self->rule);
  rule->trust = WZP_RELAY_TRUST_PIN;
  memcpy (rule->pin, sha256, sizeof rule->pin);
  g_ptr_array_add (self->cert_rules, rule);
}

void
wzp_relay_proof_set (
    WzpRelayProof *self, const WzpConn *conn, const WzpRelayRule *rule)
{
  const guint8 *key = wzp_conn_get_peer_key (conn);

  wzp_relay_rule_free (self->rule);
  self->rule = wzp_relay_rule_copy (rule);
  self->addr = *wzp_conn_get_remote (conn);
  self->has_key = key != NULL;
  if (self->has_key)
    memcpy (self->key, key, WZP_PUBLIC_KEY_LEN);
  else
    pin_certificate (self, wzp_conn_get_peer_cert_sha256 (conn));
}

const WzpAddr *
wzp_relay_proof_get_addr (const WzpRelayProof *self)
{
  return self->rule != NULL ? &self->addr : NULL;
}

static WzpRelayRule *
add_other (WzpRelayProof *self, const char *host, guint16 port,
    gboolean is_loopback, GError **error)
{
  WzpRelayRule *rule;

  if (self->other_rules->len >= self->max_others) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "More than %u other relays", self->max_others);
    return NULL;
  }
  rule = wzp_relay_rule_copy (self->rule);
  g_free (rule->host);
  rule->host = g_strdup (host);
  rule->port = port;
  rule->is_loopback = is_loopback;
  g_ptr_array_add (self->other_rules, rule);
  return rule;
}

/* The rule for a relay that is not the one of signalling; kept, because the
 * handshake uses it later. */
static WzpRelayRule *
get_other (WzpRelayProof *self, const WzpAddr *addr, GError **error)
{
  const WzpCandidateFilter filter = {
    .allow_loopback = wzp_addr_scope (&self->addr) == WZP_ADDR_LOOPBACK,
  };
  const char *refusal = wzp_candidate_refusal (addr, &filter);
  char text[WZP_ADDR_MAX_STRLEN];
  g_autofree char *host = NULL;
  guint16 port;

  wzp_addr_to_string (addr, text);
  if (refusal != NULL) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "The address %s of the other relay is refused: %s", text, refusal);
    return NULL;
  }
  if (!wzp_uri_split_host (text, WZP_RELAY_PORT, &host, &port, error))
    return NULL;
  for (guint i = 0; i < self->other_rules->len; i++) {
    WzpRelayRule *rule = self->other_rules->pdata[i];

    if (rule->port == port && strcmp (rule->host, host) == 0)
      return rule;
  }
  return add_other (
      self, host, port, wzp_addr_scope (addr) == WZP_ADDR_LOOPBACK, error);
}

/* The same relay as that of signalling. */
static void
apply_proof (const WzpRelayProof *self, WzpDialOptions *options)
{
  if (self->has_key)
    options->expect_key = self->key;
  else
    wzp_relay_rule_apply (
        self->cert_rules->pdata[self->cert_rules->len - 1], options);
}

WzpConn *
wzp_relay_proof_dial_port (WzpRelayProof *self, WzpEndpoint *endpoint,
    const char *server_name, guint16 port, guint timeout_ms,
    const WzpConnHandler *handler, gpointer user_data, GError **error)
{
  WzpDialOptions options = { .server_name = server_name,
    .timeout_ms = timeout_ms };
  WzpAddr addr;

  if (self->rule == NULL) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_CLOSED, "The relay was never connected");
    return NULL;
  }
  addr = self->addr;
  addr.port = port;
  apply_proof (self, &options);
  return wzp_endpoint_dial (
      endpoint, &addr, &options, handler, user_data, error);
}

WzpConn *
wzp_relay_proof_dial_room (WzpRelayProof *self, WzpEndpoint *endpoint,
    const char *server_name, const WzpAddr *relay_addr, guint timeout_ms,
    const WzpConnHandler *handler, gpointer user_data, GError **error)
{
  WzpDialOptions options = { .server_name = server_name,
    .timeout_ms = timeout_ms };
  gboolean is_same;

  if (self->rule == NULL) {
    g_set_error_literal (
        error, WZP_ERROR, WZP_ERROR_CLOSED, "The relay was never connected");
    return NULL;
  }
  is_same = relay_addr == NULL || wzp_addr_equal (relay_addr, &self->addr);
  if (!is_same) {
    WzpRelayRule *rule = get_other (self, relay_addr, error);

    if (rule == NULL)
      return NULL;
    wzp_relay_rule_apply (rule, &options);
  } else {
    apply_proof (self, &options);
  }
  return wzp_endpoint_dial (endpoint, is_same ? &self->addr : relay_addr,
      &options, handler, user_data, error);
}
