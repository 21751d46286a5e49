/* gstwzpenums: the session's enums as GTypes with nicks, for properties and
 * signals. Any thread. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

GType gst_wzp_mode_get_type (void);             /* WzpMode */
GType gst_wzp_relay_trust_get_type (void);      /* WzpRelayTrust */
GType gst_wzp_accept_mode_get_type (void);      /* WzpAcceptMode, no REJECT */
GType gst_wzp_transport_policy_get_type (void); /* WzpTransportPolicy */
GType gst_wzp_connection_state_get_type (void); /* WzpConnectionState */
GType gst_wzp_path_get_type (void);             /* WzpPath */

/* Marks them as API of the plugin, for the documentation. */
void gst_wzp_enums_register (void);

G_END_DECLS
