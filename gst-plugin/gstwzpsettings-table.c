#include "gstwzpenums.h"
#include "gstwzpsettings-private.h"

#define MAX_TIMEOUT_MS 3600000.0 /* an hour */
#define MAX_LATENCY_MS 60000.0
#define MAX_BACKOFF_S  86400.0 /* a day */

static gboolean
check_host (const char *text, GError **error)
{
  g_autofree char *host = NULL;
  guint16 port;

  return wzp_uri_split_host (text, WZP_RELAY_PORT, &host, &port, error);
}

static gboolean
check_ip (const char *text, GError **error)
{
  WzpAddr addr;

  return wzp_addr_parse_ip (text, 0, &addr, error);
}

static gboolean
check_fingerprint (const char *text, GError **error)
{
  WzpFingerprint fingerprint;

  return wzp_fingerprint_parse (text, &fingerprint, error);
}

static gboolean
check_relay_fingerprint (const char *text, GError **error)
{
  guint8 sha256[32];

  return wzp_relay_fingerprint_parse (text, sha256, error);
}

#define TIMEOUT(default_ms) 1, MAX_TIMEOUT_MS, default_ms

const GstWzpSettingSpec gst_wzp_specs[GST_WZP_N_SETTINGS] = {
  [GST_WZP_SETTING_MODE] = { "mode", "Mode",
      "Whether to call, to wait for a call, to leave signalling to the "
      "application, or to join an open room on the relay",
      KIND_ENUM, FOR_BOTH, .get_type = gst_wzp_mode_get_type },
  [GST_WZP_SETTING_RELAY] = { "relay", "Relay",
      "Relay to use, host[:port], port 4433 if not given (default: from uri)",
      KIND_STRING, FOR_BOTH, .check = check_host },
  [GST_WZP_SETTING_RELAY_TRUST] = { "relay-trust", "Relay trust",
      "How the relay proves itself; tofu remembers its key at first sight, "
      "and takes a relay on loopback as it is",
      KIND_ENUM, FOR_BOTH, .value = WZP_RELAY_TRUST_TOFU,
      .get_type = gst_wzp_relay_trust_get_type },
  [GST_WZP_SETTING_RELAY_FINGERPRINT] = { "relay-fingerprint",
      "Relay fingerprint",
      "SHA-256 of the relay's certificate in hex, as wzp-relay prints it; "
      "setting it sets relay-trust to pin",
      KIND_STRING, FOR_BOTH, .check = check_relay_fingerprint },
  [GST_WZP_SETTING_TOKEN] = { "token", "Token",
      "Token that the relay asks for (not a URI key)", KIND_STRING,
      FOR_BOTH | SECRET },
  [GST_WZP_SETTING_ALIAS] = { "alias", "Alias",
      "Name to register at the relay (default: from uri, of a listener)",
      KIND_STRING, FOR_BOTH },
  [GST_WZP_SETTING_PEER] = { "peer", "Peer",
      "Name or fingerprint to call, with mode=room the room's name (default: "
      "from uri, but of a listener)",
      KIND_STRING, FOR_BOTH },
  [GST_WZP_SETTING_PEER_FINGERPRINT] = { "peer-fingerprint", "Peer fingerprint",
      "Refuse any peer whose fingerprint is not this one", KIND_STRING,
      FOR_BOTH, .check = check_fingerprint },
  [GST_WZP_SETTING_ROOM_KEY] = { "room-key", "Room key",
      "With mode=room: passphrase of all in the room, by which the relay and "
      "others cannot read the media (not a URI key; NULL = they can)",
      KIND_STRING, FOR_BOTH | SECRET },
  [GST_WZP_SETTING_IDENTITY_FILE] = { "identity-file", "Identity file",
      "File with the own Ed25519 key, PEM or a 32-byte seed, mode 0600, "
      "created when missing (NULL = a new key each start)",
      KIND_STRING, FOR_BOTH },
  [GST_WZP_SETTING_ACCEPT_MODE] = { "accept-mode", "Accept mode",
      "How a listener takes calls: trusted exchanges addresses, generic "
      "reveals none and stays on the relay",
      KIND_ENUM, FOR_BOTH, .value = WZP_ACCEPT_TRUSTED,
      .get_type = gst_wzp_accept_mode_get_type },
  [GST_WZP_SETTING_TRANSPORT_POLICY] = { "transport-policy", "Transport policy",
      "Which paths may be used", KIND_ENUM, FOR_BOTH, .value = WZP_POLICY_ALL,
      .get_type = gst_wzp_transport_policy_get_type },
  [GST_WZP_SETTING_HOST_CANDIDATES] = { "host-candidates", "Host candidates",
      "Tell the peer the addresses of the own interfaces", KIND_BOOLEAN,
      FOR_BOTH, .value = TRUE },
  [GST_WZP_SETTING_BIND_ADDRESS] = { "bind-address", "Bind address",
      "Local IP address to send from and listen on (NULL = any)", KIND_STRING,
      FOR_BOTH, .check = check_ip },
  [GST_WZP_SETTING_BIND_PORT] = { "bind-port", "Bind port",
      "Local UDP port (0 = any)", KIND_UINT, FOR_BOTH, 0, G_MAXUINT16, 0 },
  [GST_WZP_SETTING_DIRECT_TIMEOUT] = { "direct-timeout", "Direct timeout",
      "Milliseconds after which the direct attempt gives up", KIND_UINT,
      FOR_BOTH, TIMEOUT (2000) },
  [GST_WZP_SETTING_RELAY_TIMEOUT] = { "relay-timeout", "Relay timeout",
      "Milliseconds after which dialling the relay gives up", KIND_UINT,
      FOR_BOTH, TIMEOUT (10000) },
  [GST_WZP_SETTING_RELAY_GRACE] = { "relay-grace", "Relay grace",
      "Milliseconds that the relay gets after the direct attempt has failed",
      KIND_UINT, FOR_BOTH, TIMEOUT (5000) },
  [GST_WZP_SETTING_DIRECT_GRACE] = { "direct-grace", "Direct grace",
      "Milliseconds that the direct attempt gets after the relay has failed",
      KIND_UINT, FOR_BOTH, TIMEOUT (1500) },
  [GST_WZP_SETTING_KEEP_RELAY] = { "keep-relay", "Keep relay",
      "Keep the connection through the relay as warm standby when the direct "
      "one is in use",
      KIND_BOOLEAN, FOR_BOTH, .value = TRUE },
  [GST_WZP_SETTING_LATENCY] = { "latency", "Latency",
      "Milliseconds of budget for loss and jitter; the larger of both peers "
      "holds",
      KIND_UINT, FOR_BOTH, 1, MAX_LATENCY_MS, WZP_DEFAULT_LATENCY_MS },
  [GST_WZP_SETTING_AUTO_RECONNECT] = { "auto-reconnect", "Auto reconnect",
      "Try again when the connection fails or is lost", KIND_BOOLEAN, FOR_BOTH,
      .value = TRUE },
  [GST_WZP_SETTING_RETRIES] = { "retries", "Retries",
      "Attempts after the first before it is a failure (-1 = no limit)",
      KIND_INT, FOR_BOTH, -1, G_MAXINT, -1 },
  [GST_WZP_SETTING_RETRY_BACKOFF_FACTOR] = { "retry-backoff-factor",
      "Retry backoff factor",
      "Seconds before the first retry, doubled for each further one",
      KIND_DOUBLE, FOR_BOTH, 0.01, MAX_BACKOFF_S, 1 },
  [GST_WZP_SETTING_RETRY_BACKOFF_MAX] = { "retry-backoff-max",
      "Retry backoff maximum", "Seconds between retries at most", KIND_DOUBLE,
      FOR_BOTH, 0.01, MAX_BACKOFF_S, 30 },
  [GST_WZP_SETTING_TIMELINE_LOCATION] = { "timeline-location",
      "Timeline location",
      "Folder to write a JSON file about each call into when it ends, created "
      "when missing (NULL = what WZP_TIMELINE_DIR names, or nowhere)",
      KIND_STRING, FOR_BOTH },
  [GST_WZP_SETTING_SESSION] = { "session", "Session",
      "Elements of a process that name the same session share one call "
      "(NULL = a call of its own)",
      KIND_STRING, FOR_BOTH | OF_ELEMENT },
  [GST_WZP_SETTING_FLOW] = { "flow", "Flow",
      "Name of the media stream in the call (NULL = \"default\" of a sink, "
      "the first that nothing else claims of a source)",
      KIND_STRING, FOR_BOTH | OF_ELEMENT },
  [GST_WZP_SETTING_WAIT_FOR_CONNECTION] = { "wait-for-connection",
      "Wait for connection",
      "Block the stream until a peer is connected, instead of dropping",
      KIND_BOOLEAN, FOR_SINK | OF_ELEMENT | ANY_TIME, .value = FALSE },
  [GST_WZP_SETTING_KEEP_LISTENING] = { "keep-listening", "Keep listening",
      "Wait for the next caller when one ends, instead of EOS", KIND_BOOLEAN,
      FOR_SRC | OF_ELEMENT | ANY_TIME, .value = TRUE },
  [GST_WZP_SETTING_CAPS] = { "caps", "Caps",
      "Caps that the stream must have (ANY = those of the sender)", KIND_CAPS,
      FOR_SRC | OF_ELEMENT },
};

/* By is_sink; written by the two class_init. */
static GParamSpec *pspecs[2][GST_WZP_N_SETTINGS];

static GParamSpec *
new_pspec (const GstWzpSettingSpec *spec, gboolean is_sink)
{
  const GParamFlags flags = G_PARAM_STATIC_STRINGS | G_PARAM_WRITABLE |
      (spec->flags & SECRET ? 0 : G_PARAM_READABLE) |
      (spec->flags & ANY_TIME ? GST_PARAM_MUTABLE_PLAYING
                              : GST_PARAM_MUTABLE_READY);
  int value = (int) spec->value;

  switch (spec->kind) {
    case KIND_STRING:
      return g_param_spec_string (
          spec->name, spec->nick, spec->blurb, NULL, flags);
    case KIND_BOOLEAN:
      return g_param_spec_boolean (
          spec->name, spec->nick, spec->blurb, value, flags);
    case KIND_UINT:
      return g_param_spec_uint (spec->name, spec->nick, spec->blurb,
          (guint) spec->min, (guint) spec->max, (guint) spec->value, flags);
    case KIND_INT:
      return g_param_spec_int (spec->name, spec->nick, spec->blurb,
          (int) spec->min, (int) spec->max, value, flags);
    case KIND_DOUBLE:
      return g_param_spec_double (spec->name, spec->nick, spec->blurb,
          spec->min, spec->max, spec->value, flags);
    case KIND_ENUM:
      if (spec->get_type == gst_wzp_mode_get_type)
        value = is_sink ? WZP_MODE_CALLER : WZP_MODE_LISTENER;
      return g_param_spec_enum (
          spec->name, spec->nick, spec->blurb, spec->get_type (), value, flags);
    case KIND_CAPS:
      return g_param_spec_boxed (
          spec->name, spec->nick, spec->blurb, GST_TYPE_CAPS, flags);
  }
  g_return_val_if_reached (NULL);
}

void
gst_wzp_settings_install (GObjectClass *klass, gboolean is_sink)
{
  const guint wanted = is_sink ? FOR_SINK : FOR_SRC;

  for (guint id = 1; id < GST_WZP_N_SETTINGS; id++) {
    if (!(gst_wzp_specs[id].flags & wanted))
      continue;
    pspecs[is_sink][id] = new_pspec (&gst_wzp_specs[id], is_sink);
    g_object_class_install_property (klass, id, pspecs[is_sink][id]);
  }
}

GParamSpec *
gst_wzp_setting_pspec (gboolean is_sink, GstWzpSetting id)
{
  return pspecs[is_sink][id];
}
