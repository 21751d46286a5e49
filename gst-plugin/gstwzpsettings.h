/* gstwzpsettings: what an element was told to do: the writable properties that
 * wzpsink and wzpsrc share, as one table, with the values and where each came
 * from.
 *
 * A value set by itself wins over the one that the URI gives, whatever the
 * order; without either the default holds. Any thread; a lock inside, a leaf
 * (but that merging takes those of two settings, target first). */
#pragma once

#include <gst/gst.h>

#include "wzp-node.h"

G_BEGIN_DECLS

/* Property ids, and indexes of the values. */
typedef enum {
  GST_WZP_SETTING_NONE, /* property id 0 is not allowed */
  GST_WZP_SETTING_MODE,
  GST_WZP_SETTING_RELAY,
  GST_WZP_SETTING_RELAY_TRUST,
  GST_WZP_SETTING_RELAY_FINGERPRINT,
  GST_WZP_SETTING_TOKEN,
  GST_WZP_SETTING_ALIAS,
  GST_WZP_SETTING_PEER,
  GST_WZP_SETTING_PEER_FINGERPRINT,
  GST_WZP_SETTING_ROOM_KEY,
  GST_WZP_SETTING_IDENTITY_FILE,
  GST_WZP_SETTING_ACCEPT_MODE,
  GST_WZP_SETTING_TRANSPORT_POLICY,
  GST_WZP_SETTING_HOST_CANDIDATES,
  GST_WZP_SETTING_BIND_ADDRESS,
  GST_WZP_SETTING_BIND_PORT,
  GST_WZP_SETTING_DIRECT_TIMEOUT,
  GST_WZP_SETTING_RELAY_TIMEOUT,
  GST_WZP_SETTING_RELAY_GRACE,
  GST_WZP_SETTING_DIRECT_GRACE,
  GST_WZP_SETTING_KEEP_RELAY,
  GST_WZP_SETTING_LATENCY,
  GST_WZP_SETTING_AUTO_RECONNECT,
  GST_WZP_SETTING_RETRIES,
  GST_WZP_SETTING_RETRY_BACKOFF_FACTOR,
  GST_WZP_SETTING_RETRY_BACKOFF_MAX,
  GST_WZP_SETTING_TIMELINE_LOCATION,
  /* of the element alone, not of the session */
  GST_WZP_SETTING_SESSION,
  GST_WZP_SETTING_FLOW,
  GST_WZP_SETTING_WAIT_FOR_CONNECTION, /* sink */
  GST_WZP_SETTING_KEEP_LISTENING,      /* src */
  GST_WZP_SETTING_CAPS,                /* src */
  GST_WZP_N_SETTINGS,
} GstWzpSetting;

typedef struct {
  gboolean is_sink;

  GMutex lock;
  GValue own[GST_WZP_N_SETTINGS];      /* unset: not set by itself */
  GValue from_uri[GST_WZP_N_SETTINGS]; /* unset: not in the URI */
  GValue uri_name;  /* string: the name in the URI, unset: none */
  char *uri;        /* as it was set, nullable */
  GError *uri_error; /* why the last URI of the property was refused */
} GstWzpSettings;

/* Once per class, before any settings of it. */
void gst_wzp_settings_install (GObjectClass *klass, gboolean is_sink);

void gst_wzp_settings_init (GstWzpSettings *self, gboolean is_sink);
void gst_wzp_settings_clear (GstWzpSettings *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstWzpSettings, gst_wzp_settings_clear)

/* As a property. A NULL or empty string counts as not set. */
void gst_wzp_settings_set (
    GstWzpSettings *self, GstWzpSetting id, const GValue *value);
void gst_wzp_settings_get (
    GstWzpSettings *self, GstWzpSetting id, GValue *ret_value);

/* GST_URI_ERROR_BAD_URI that names the key or the value, and nothing is
 * changed. @uri NULL: none any more. */
gboolean gst_wzp_settings_set_uri (
    GstWzpSettings *self, const char *uri, GError **error);
char *gst_wzp_settings_dup_uri (GstWzpSettings *self); /* nullable */

gboolean gst_wzp_settings_get_boolean (GstWzpSettings *self, GstWzpSetting id);
guint gst_wzp_settings_get_uint (GstWzpSettings *self, GstWzpSetting id);
char *gst_wzp_settings_dup_string (GstWzpSettings *self, GstWzpSetting id);
GstCaps *gst_wzp_settings_ref_caps (GstWzpSettings *self, GstWzpSetting id);

/* Adds to @self what is set in @other for the session. WZP_ERROR_INVALID that
 * names the first setting in which both differ. */
gboolean gst_wzp_settings_merge (
    GstWzpSettings *self, GstWzpSettings *other, GError **error);
/* Whether @other sets nothing for the session that differs from what holds in
 * @self. Error as above. */
gboolean gst_wzp_settings_fit (
    GstWzpSettings *self, GstWzpSettings *other, GError **error);
gboolean gst_wzp_settings_is_set (GstWzpSettings *self, GstWzpSetting id);
gboolean gst_wzp_settings_has_name (GstWzpSettings *self);
void gst_wzp_settings_set_mode (GstWzpSettings *self, WzpMode mode);
WzpMode gst_wzp_settings_get_mode (GstWzpSettings *self);

/* Fills in a configuration; its strings are those of @self and live until it
 * is changed. Not the identity. */
void gst_wzp_settings_to_config (
    GstWzpSettings *self, WzpNodeConfig *ret_config);

G_END_DECLS
