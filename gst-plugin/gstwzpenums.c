#include "gstwzpenums.h"

#include "wzp-node.h"

#define DEFINE_ENUM(TypeName, type_name, ...)                                  \
  GType type_name##_get_type (void)                                            \
  {                                                                            \
    static const GEnumValue values[] = { __VA_ARGS__, { 0, NULL, NULL } };     \
    static gsize type = 0;                                                     \
                                                                               \
    if (g_once_init_enter (&type))                                             \
      g_once_init_leave (&type, g_enum_register_static (#TypeName, values));   \
    return type;                                                               \
  }

#define VALUE(value, name, nick)                                               \
  {                                                                            \
    value, name, nick                                                          \
  }

DEFINE_ENUM (GstWzpMode, gst_wzp_mode,
    VALUE (WZP_MODE_CALLER, "Calls a name or a fingerprint", "caller"),
    VALUE (WZP_MODE_LISTENER, "Waits under a name for callers", "listener"),
    VALUE (WZP_MODE_APP, "The application carries the candidates", "app"),
    VALUE (WZP_MODE_ROOM,
        "Joins an open room on the relay, where one sends to many", "room"))

DEFINE_ENUM (GstWzpRelayTrust, gst_wzp_relay_trust,
    VALUE (WZP_RELAY_TRUST_TOFU,
        "Remember the relay's key at first sight, refuse a changed one",
        "tofu"),
    VALUE (WZP_RELAY_TRUST_CA, "The system's certificate authorities", "ca"),
    VALUE (WZP_RELAY_TRUST_PIN, "Only relay-fingerprint", "pin"),
    VALUE (WZP_RELAY_TRUST_NONE, "Any key, with a warning each time", "none"))

DEFINE_ENUM (GstWzpAcceptMode, gst_wzp_accept_mode,
    VALUE (WZP_ACCEPT_TRUSTED,
        "Exchange addresses, the direct path is possible", "trusted"),
    VALUE (WZP_ACCEPT_GENERIC, "Reveal no address, relay only", "generic"))

DEFINE_ENUM (GstWzpTransportPolicy, gst_wzp_transport_policy,
    VALUE (WZP_POLICY_ALL, "Direct and by the relay", "all"),
    VALUE (WZP_POLICY_RELAY, "By the relay only", "relay"),
    VALUE (WZP_POLICY_DIRECT, "Direct only", "direct"))

DEFINE_ENUM (GstWzpConnectionState, gst_wzp_connection_state,
    VALUE (WZP_STATE_NEW, "Not started", "new"),
    VALUE (
        WZP_STATE_CONNECTING, "Under way to the relay or peer", "connecting"),
    VALUE (WZP_STATE_CONNECTED, "Media can flow", "connected"),
    VALUE (WZP_STATE_DISCONNECTED,
        "No peer, another attempt or caller may come", "disconnected"),
    VALUE (WZP_STATE_FAILED, "Failed for good", "failed"),
    VALUE (WZP_STATE_CLOSED, "Stopped", "closed"))

DEFINE_ENUM (GstWzpPath, gst_wzp_path, VALUE (WZP_PATH_NONE, "No path", "none"),
    VALUE (WZP_PATH_RELAY, "Through the relay", "relay"),
    VALUE (WZP_PATH_DIRECT, "Directly between the peers", "direct"))

void
gst_wzp_enums_register (void)
{
  gst_type_mark_as_plugin_api (gst_wzp_mode_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_wzp_relay_trust_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_wzp_accept_mode_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_wzp_transport_policy_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_wzp_connection_state_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_wzp_path_get_type (), 0);
}
