/* The configuration of a node: defaults, checks, copies. */
#include "wzp-node-private.h"
#include "wzp-uri.h"

#include <string.h>

#define MAX_BACKOFF_S     (24 * 3600.0)
#define TIMELINE_VARIABLE "WZP_TIMELINE_DIR"

void
wzp_node_config_init (WzpNodeConfig *ret_config)
{
  *ret_config = (WzpNodeConfig){ .mode = WZP_MODE_CALLER,
    .policy = WZP_POLICY_ALL,
    .accept_mode = WZP_ACCEPT_TRUSTED,
    .relay_trust = WZP_RELAY_TRUST_TOFU,
    .direct_timeout_ms = 2000,
    .relay_timeout_ms = 10000,
    .relay_grace_ms = 5000,
    .direct_grace_ms = 1500,
    .latency_ms = WZP_DEFAULT_LATENCY_MS,
    .retries = -1,
    .retry_backoff_factor = 1.0,
    .retry_backoff_max = 30.0 };
}

static guint
or_default (guint value, guint default_value)
{
  return value != 0 ? value : default_value;
}

static const char *
or_text (const char *text, const char *other)
{
  return text != NULL && *text != '\0' ? text : other;
}

/* Where 0 stands for the default. */
static void
apply_defaults (WzpNodeConfig *config)
{
  WzpNodeConfig defaults;

  wzp_node_config_init (&defaults);
  config->direct_timeout_ms =
      or_default (config->direct_timeout_ms, defaults.direct_timeout_ms);
  config->relay_timeout_ms =
      or_default (config->relay_timeout_ms, defaults.relay_timeout_ms);
  config->relay_grace_ms =
      or_default (config->relay_grace_ms, defaults.relay_grace_ms);
  config->direct_grace_ms =
      or_default (config->direct_grace_ms, defaults.direct_grace_ms);
  config->latency_ms = or_default (config->latency_ms, defaults.latency_ms);
  if (config->retry_backoff_factor == 0)
    config->retry_backoff_factor = defaults.retry_backoff_factor;
  if (config->retry_backoff_max == 0)
    config->retry_backoff_max = defaults.retry_backoff_max;
}

void
wzp_node_config_copy (WzpNodeConfig *to, const WzpNodeConfig *from)
{
  *to = *from;
  to->relay = g_strdup (from->relay);
  to->relay_fingerprint = g_strdup (from->relay_fingerprint);
  to->known_relays_path = g_strdup (from->known_relays_path);
  to->token = g_strdup (from->token);
  to->alias = g_strdup (from->alias);
  to->peer = g_strdup (from->peer);
  to->room_key = g_strdup (from->room_key);
  to->peer_fingerprint = g_strdup (from->peer_fingerprint);
  to->bind_address = g_strdup (from->bind_address);
  to->timeline_folder = g_strdup (or_text (
      from->timeline_folder, or_text (g_getenv (TIMELINE_VARIABLE), NULL)));
  to->identity = NULL;
  apply_defaults (to);
}

void
wzp_node_config_clear (WzpNodeConfig *config)
{
  g_free ((char *) config->relay);
  g_free ((char *) config->relay_fingerprint);
  g_free ((char *) config->known_relays_path);
  g_free ((char *) config->token);
  g_free ((char *) config->alias);
  g_free ((char *) config->peer);
  if (config->room_key != NULL)
    explicit_bzero ((char *) config->room_key, strlen (config->room_key));
  g_free ((char *) config->room_key);
  g_free ((char *) config->peer_fingerprint);
  g_free ((char *) config->bind_address);
  g_free ((char *) config->timeline_folder);
}

static gboolean
invalid (GError **error, const char *field, const char *why)
{
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID, "%s: %s", field, why);
  return FALSE;
}

static gboolean
check_relay (const WzpNodeConfig *config, GError **error)
{
  g_autofree char *host = NULL;
  g_autoptr (GError) why = NULL;
  guint8 sha256[32];
  guint16 port;

  if (config->relay == NULL) {
    if (config->mode != WZP_MODE_APP)
      return invalid (error, "relay", "only mode=app does without one");
    if (config->policy == WZP_POLICY_RELAY)
      return invalid (error, "relay", "transport-policy=relay needs one");
    return TRUE;
  }
  if (!wzp_uri_split_host (config->relay, WZP_RELAY_PORT, &host, &port, &why))
    return invalid (error, "relay", why->message);
  if (config->relay_trust == WZP_RELAY_TRUST_PIN &&
      config->relay_fingerprint == NULL)
    return invalid (error, "relay-fingerprint", "relay-trust=pin needs it");
  if (config->relay_fingerprint != NULL &&
      !wzp_relay_fingerprint_parse (config->relay_fingerprint, sha256, &why))
    return invalid (error, "relay-fingerprint", why->message);
  return TRUE;
}

static gboolean
check_bind (const WzpNodeConfig *config, GError **error)
{
  g_autoptr (GError) why = NULL;
  WzpAddr addr;

  return config->bind_address == NULL ||
      wzp_addr_parse_ip (config->bind_address, 0, &addr, &why) ||
      invalid (error, "bind-address", why->message);
}

static gboolean
check_room (const WzpNodeConfig *config, GError **error)
{
  gsize len = config->room_key != NULL ? strlen (config->room_key) : 0;

  if (!wzp_room_name_is_valid (config->peer))
    return invalid (error, "peer",
        "a room's name is 1 to 63 letters, digits, '.', '-', '_', and does "
        "not begin with \"call-\"");
  if (config->room_key != NULL && (len == 0 || len > WZP_ROOM_KEY_MAX_LEN))
    return invalid (error, "room-key", "1 to 256 bytes are allowed");
  if (config->policy == WZP_POLICY_DIRECT)
    return invalid (
        error, "transport-policy", "a room is on the relay, never direct");
  return check_bind (config, error);
}

static gboolean
check_names (const WzpNodeConfig *config, GError **error)
{
  g_autoptr (GError) why = NULL;
  WzpFingerprint fingerprint;

  if (config->alias != NULL && !wzp_room_name_is_valid (config->alias))
    return invalid (
        error, "alias", "1 to 63 letters, digits, '.', '-', '_' are allowed");
  if (config->mode == WZP_MODE_CALLER && config->peer == NULL)
    return invalid (error, "peer", "a caller needs one");
  if (config->mode == WZP_MODE_ROOM)
    return check_room (config, error);
  if (config->peer != NULL &&
      !wzp_fingerprint_parse (config->peer, &fingerprint, NULL) &&
      !wzp_room_name_is_valid (config->peer))
    return invalid (error, "peer", "neither a name nor a fingerprint");
  if (config->peer_fingerprint != NULL &&
      !wzp_fingerprint_parse (config->peer_fingerprint, &fingerprint, &why))
    return invalid (error, "peer-fingerprint", why->message);
  if (!check_bind (config, error))
    return FALSE;
  if (config->accept_mode == WZP_ACCEPT_REJECT)
    return invalid (error, "accept-mode", "trusted or generic");
  if (config->accept_mode == WZP_ACCEPT_GENERIC &&
      config->policy == WZP_POLICY_DIRECT)
    return invalid (
        error, "transport-policy", "direct cannot go with accept-mode=generic");
  return TRUE;
}

static gboolean
check_numbers (const WzpNodeConfig *config, GError **error)
{
  if (config->retries < -1)
    return invalid (error, "retries", "-1 (no limit) or more");
  /* Written so that NaN is refused. */
  if (!(config->retry_backoff_factor >= 0 &&
          config->retry_backoff_factor <= MAX_BACKOFF_S))
    return invalid (
        error, "retry-backoff-factor", "0 seconds to a day are allowed");
  if (!(config->retry_backoff_max >= 0 &&
          config->retry_backoff_max <= MAX_BACKOFF_S))
    return invalid (
        error, "retry-backoff-max", "0 seconds to a day are allowed");
  return TRUE;
}

gboolean
wzp_node_config_check (const WzpNodeConfig *config, GError **error)
{
  return check_relay (config, error) && check_names (config, error) &&
      check_numbers (config, error);
}
