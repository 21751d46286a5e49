#include "gstwzpenums.h"
#include "gstwzpsettings-private.h"

void
gst_wzp_settings_init (GstWzpSettings *self, gboolean is_sink)
{
  memset (self, 0, sizeof *self);
  self->is_sink = is_sink;
  g_mutex_init (&self->lock);
}

static void
unset (GValue *value)
{
  if (G_IS_VALUE (value))
    g_value_unset (value);
}

static void
unset_all (GValue values[GST_WZP_N_SETTINGS])
{
  for (guint id = 0; id < GST_WZP_N_SETTINGS; id++)
    unset (&values[id]);
}

void
gst_wzp_settings_clear (GstWzpSettings *self)
{
  unset_all (self->own);
  unset_all (self->from_uri);
  unset (&self->uri_name);
  g_clear_pointer (&self->uri, g_free);
  g_clear_error (&self->uri_error);
  g_mutex_clear (&self->lock);
}

static void
assign (GValue *target, const GValue *value)
{
  unset (target);
  g_value_init (target, G_VALUE_TYPE (value));
  g_value_copy (value, target);
}

static void
assign_enum (GValue *target, GType type, int value)
{
  unset (target);
  g_value_init (target, type);
  g_value_set_enum (target, value);
}

/* With the lock, as all of the peek family. What was set, by itself or by the
 * URI; NULL: neither. */
static const GValue *
peek_set (const GstWzpSettings *self, GstWzpSetting id)
{
  if (G_IS_VALUE (&self->own[id]))
    return &self->own[id];
  return G_IS_VALUE (&self->from_uri[id]) ? &self->from_uri[id] : NULL;
}

/* What the name in the URI stands for. */
static GstWzpSetting
name_of_mode (int mode)
{
  switch (mode) {
    case WZP_MODE_CALLER:
    case WZP_MODE_ROOM:
      return GST_WZP_SETTING_PEER;
    case WZP_MODE_LISTENER:
      return GST_WZP_SETTING_ALIAS;
    default:
      return GST_WZP_SETTING_NONE;
  }
}

static const GValue *
peek (const GstWzpSettings *self, GstWzpSetting id)
{
  const GValue *value = peek_set (self, id);
  int mode;

  if (value != NULL)
    return value;
  if (G_IS_VALUE (&self->uri_name) &&
      (id == GST_WZP_SETTING_PEER || id == GST_WZP_SETTING_ALIAS)) {
    mode = g_value_get_enum (peek (self, GST_WZP_SETTING_MODE));
    if (id == name_of_mode (mode))
      return &self->uri_name;
  }
  return g_param_spec_get_default_value (
      gst_wzp_setting_pspec (self->is_sink, id));
}

static gboolean
is_empty (const GValue *value)
{
  const char *text;

  if (G_VALUE_HOLDS_BOXED (value))
    return g_value_get_boxed (value) == NULL;
  if (!G_VALUE_HOLDS_STRING (value))
    return FALSE;
  text = g_value_get_string (value);
  return text == NULL || *text == '\0';
}

/* A fingerprint to compare with means that it is to be compared with. */
static void
follow_relay_fingerprint (GValue values[GST_WZP_N_SETTINGS], gboolean is_set)
{
  GValue *trust = &values[GST_WZP_SETTING_RELAY_TRUST];

  if (is_set)
    assign_enum (trust, gst_wzp_relay_trust_get_type (), WZP_RELAY_TRUST_PIN);
  else if (G_IS_VALUE (trust) &&
      g_value_get_enum (trust) == WZP_RELAY_TRUST_PIN)
    unset (trust);
}

void
gst_wzp_settings_set (
    GstWzpSettings *self, GstWzpSetting id, const GValue *value)
{
  const gboolean empty = is_empty (value);

  g_mutex_lock (&self->lock);
  if (empty)
    unset (&self->own[id]);
  else
    assign (&self->own[id], value);
  if (id == GST_WZP_SETTING_RELAY_FINGERPRINT)
    follow_relay_fingerprint (self->own, !empty);
  g_mutex_unlock (&self->lock);
}

void
gst_wzp_settings_get (GstWzpSettings *self, GstWzpSetting id, GValue *ret_value)
{
  g_mutex_lock (&self->lock);
  g_value_copy (peek (self, id), ret_value);
  g_mutex_unlock (&self->lock);

  if (id == GST_WZP_SETTING_CAPS && g_value_get_boxed (ret_value) == NULL)
    g_value_take_boxed (ret_value, gst_caps_new_any ());
}

/* With the lock. Takes the contents of @values and leaves them unset. */
static void
replace_uri (GstWzpSettings *self, const char *text, const char *name,
    GValue values[GST_WZP_N_SETTINGS])
{
  unset_all (self->from_uri);
  memcpy (self->from_uri, values, sizeof self->from_uri);
  memset (values, 0, sizeof self->from_uri);
  unset (&self->uri_name);
  if (name != NULL) {
    g_value_init (&self->uri_name, G_TYPE_STRING);
    g_value_set_string (&self->uri_name, name);
  }
  g_free (self->uri);
  self->uri = g_strdup (text);
  g_clear_error (&self->uri_error);
}

gboolean
gst_wzp_settings_set_uri (
    GstWzpSettings *self, const char *text, GError **error)
{
  GValue values[GST_WZP_N_SETTINGS] = { G_VALUE_INIT };
  g_autoptr (WzpUri) uri = NULL;
  g_autoptr (GError) parse_error = NULL;
  g_autoptr (GError) local = NULL;

  if (text != NULL && (uri = wzp_uri_parse (text, &parse_error)) == NULL)
    g_set_error_literal (
        &local, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, parse_error->message);
  if (uri != NULL)
    gst_wzp_settings_parse_uri (self->is_sink, uri, values, &local);
  /* The order of keys means nothing: relay-trust, where given, holds. */
  if (G_IS_VALUE (&values[GST_WZP_SETTING_RELAY_FINGERPRINT]) &&
      !G_IS_VALUE (&values[GST_WZP_SETTING_RELAY_TRUST]))
    follow_relay_fingerprint (values, TRUE);

  g_mutex_lock (&self->lock);
  if (local == NULL) {
    replace_uri (self, text, uri != NULL ? uri->name : NULL, values);
  } else {
    g_clear_error (&self->uri_error);
    self->uri_error = g_error_copy (local);
  }
  g_mutex_unlock (&self->lock);
  unset_all (values);

  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

char *
gst_wzp_settings_dup_uri (GstWzpSettings *self)
{
  char *uri;

  g_mutex_lock (&self->lock);
  uri = g_strdup (self->uri);
  g_mutex_unlock (&self->lock);
  return uri;
}

gboolean
gst_wzp_settings_get_boolean (GstWzpSettings *self, GstWzpSetting id)
{
  gboolean value;

  g_mutex_lock (&self->lock);
  value = g_value_get_boolean (peek (self, id));
  g_mutex_unlock (&self->lock);
  return value;
}

guint
gst_wzp_settings_get_uint (GstWzpSettings *self, GstWzpSetting id)
{
  guint value;

  g_mutex_lock (&self->lock);
  value = g_value_get_uint (peek (self, id));
  g_mutex_unlock (&self->lock);
  return value;
}

char *
gst_wzp_settings_dup_string (GstWzpSettings *self, GstWzpSetting id)
{
  char *value;

  g_mutex_lock (&self->lock);
  value = g_value_dup_string (peek (self, id));
  g_mutex_unlock (&self->lock);
  return value;
}

GstCaps *
gst_wzp_settings_ref_caps (GstWzpSettings *self, GstWzpSetting id)
{
  const GValue *value;
  GstCaps *caps;

  g_mutex_lock (&self->lock);
  value = peek_set (self, id);
  caps = value != NULL ? g_value_dup_boxed (value) : gst_caps_new_any ();
  g_mutex_unlock (&self->lock);
  return caps;
}

gboolean
gst_wzp_settings_is_set (GstWzpSettings *self, GstWzpSetting id)
{
  gboolean is_set;

  g_mutex_lock (&self->lock);
  is_set = peek_set (self, id) != NULL;
  g_mutex_unlock (&self->lock);
  return is_set;
}

gboolean
gst_wzp_settings_has_name (GstWzpSettings *self)
{
  gboolean has_name;

  g_mutex_lock (&self->lock);
  has_name = G_IS_VALUE (&self->uri_name) ||
      peek_set (self, GST_WZP_SETTING_PEER) != NULL ||
      peek_set (self, GST_WZP_SETTING_ALIAS) != NULL;
  g_mutex_unlock (&self->lock);
  return has_name;
}

void
gst_wzp_settings_set_mode (GstWzpSettings *self, WzpMode mode)
{
  g_mutex_lock (&self->lock);
  assign_enum (
      &self->own[GST_WZP_SETTING_MODE], gst_wzp_mode_get_type (), (int) mode);
  g_mutex_unlock (&self->lock);
}

WzpMode
gst_wzp_settings_get_mode (GstWzpSettings *self)
{
  WzpMode mode;

  g_mutex_lock (&self->lock);
  mode = g_value_get_enum (peek (self, GST_WZP_SETTING_MODE));
  g_mutex_unlock (&self->lock);
  return mode;
}

/* A secret is not for messages. */
static char *
describe (GstWzpSetting id, const GValue *value)
{
  return gst_wzp_specs[id].flags & SECRET ? g_strdup ("(secret)")
                                          : gst_value_serialize (value);
}

static gboolean
is_same (GstWzpSetting id, const GValue *a, const GValue *b, GError **error)
{
  g_autofree char *there = NULL;
  g_autofree char *here = NULL;

  if (gst_value_compare (a, b) == GST_VALUE_EQUAL)
    return TRUE;
  there = describe (id, a);
  here = describe (id, b);
  g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
      "%s is %s in the session already and cannot be %s too",
      gst_wzp_specs[id].name, there, here);
  return FALSE;
}

static gboolean
check_uri_error (const GstWzpSettings *self, GError **error)
{
  if (self->uri_error == NULL)
    return TRUE;
  g_set_error_literal (
      error, WZP_ERROR, WZP_ERROR_INVALID, self->uri_error->message);
  return FALSE;
}

/* With both locks, as what follows. */
static gboolean
merge_value (
    GstWzpSetting id, GValue *target, const GValue *value, GError **error)
{
  if (value == NULL)
    return TRUE;
  if (G_IS_VALUE (target))
    return is_same (id, target, value, error);
  assign (target, value);
  return TRUE;
}

static gboolean
merge_values (GstWzpSettings *self, const GstWzpSettings *other, GError **error)
{
  if (!check_uri_error (other, error))
    return FALSE;
  for (guint id = 1; id < GST_WZP_N_SETTINGS; id++) {
    if (!(gst_wzp_specs[id].flags & OF_ELEMENT) &&
        !merge_value (id, &self->own[id], peek_set (other, id), error))
      return FALSE;
  }
  return merge_value (GST_WZP_SETTING_PEER, &self->uri_name,
      G_IS_VALUE (&other->uri_name) ? &other->uri_name : NULL, error);
}

gboolean
gst_wzp_settings_merge (
    GstWzpSettings *self, GstWzpSettings *other, GError **error)
{
  gboolean ok;

  g_mutex_lock (&self->lock);
  g_mutex_lock (&other->lock);
  ok = merge_values (self, other, error);
  g_mutex_unlock (&other->lock);
  g_mutex_unlock (&self->lock);
  return ok;
}

static gboolean
fit_name (
    const GstWzpSettings *self, const GstWzpSettings *other, GError **error)
{
  const int mode = g_value_get_enum (peek (self, GST_WZP_SETTING_MODE));
  const GstWzpSetting id = name_of_mode (mode);

  return id == GST_WZP_SETTING_NONE || !G_IS_VALUE (&other->uri_name) ||
      is_same (id, peek (self, id), &other->uri_name, error);
}

static gboolean
fit_values (
    const GstWzpSettings *self, const GstWzpSettings *other, GError **error)
{
  const GValue *value;

  if (!check_uri_error (other, error))
    return FALSE;
  for (guint id = 1; id < GST_WZP_N_SETTINGS; id++) {
    value = gst_wzp_specs[id].flags & OF_ELEMENT ? NULL : peek_set (other, id);
    if (value != NULL && !is_same (id, peek (self, id), value, error))
      return FALSE;
  }
  return fit_name (self, other, error);
}

gboolean
gst_wzp_settings_fit (
    GstWzpSettings *self, GstWzpSettings *other, GError **error)
{
  gboolean ok;

  g_mutex_lock (&self->lock);
  g_mutex_lock (&other->lock);
  ok = fit_values (self, other, error);
  g_mutex_unlock (&other->lock);
  g_mutex_unlock (&self->lock);
  return ok;
}

static const char *
peek_string (const GstWzpSettings *self, GstWzpSetting id)
{
  return g_value_get_string (peek (self, id));
}

static guint
peek_uint (const GstWzpSettings *self, GstWzpSetting id)
{
  return g_value_get_uint (peek (self, id));
}

static gboolean
peek_boolean (const GstWzpSettings *self, GstWzpSetting id)
{
  return g_value_get_boolean (peek (self, id));
}

static void
fill_who (const GstWzpSettings *self, WzpNodeConfig *config)
{
  config->mode = g_value_get_enum (peek (self, GST_WZP_SETTING_MODE));
  config->accept_mode =
      g_value_get_enum (peek (self, GST_WZP_SETTING_ACCEPT_MODE));
  config->alias = peek_string (self, GST_WZP_SETTING_ALIAS);
  config->peer = peek_string (self, GST_WZP_SETTING_PEER);
  config->peer_fingerprint =
      peek_string (self, GST_WZP_SETTING_PEER_FINGERPRINT);
  config->relay = peek_string (self, GST_WZP_SETTING_RELAY);
  config->relay_trust =
      g_value_get_enum (peek (self, GST_WZP_SETTING_RELAY_TRUST));
  config->relay_fingerprint =
      peek_string (self, GST_WZP_SETTING_RELAY_FINGERPRINT);
  config->token = peek_string (self, GST_WZP_SETTING_TOKEN);
  config->room_key = peek_string (self, GST_WZP_SETTING_ROOM_KEY);
}

static void
fill_how (const GstWzpSettings *self, WzpNodeConfig *config)
{
  config->policy =
      g_value_get_enum (peek (self, GST_WZP_SETTING_TRANSPORT_POLICY));
  config->no_host_candidates =
      !peek_boolean (self, GST_WZP_SETTING_HOST_CANDIDATES);
  config->bind_address = peek_string (self, GST_WZP_SETTING_BIND_ADDRESS);
  config->bind_port = (guint16) peek_uint (self, GST_WZP_SETTING_BIND_PORT);
  config->direct_timeout_ms = peek_uint (self, GST_WZP_SETTING_DIRECT_TIMEOUT);
  config->relay_timeout_ms = peek_uint (self, GST_WZP_SETTING_RELAY_TIMEOUT);
  config->relay_grace_ms = peek_uint (self, GST_WZP_SETTING_RELAY_GRACE);
  config->direct_grace_ms = peek_uint (self, GST_WZP_SETTING_DIRECT_GRACE);
  config->drop_relay = !peek_boolean (self, GST_WZP_SETTING_KEEP_RELAY);
  config->latency_ms = peek_uint (self, GST_WZP_SETTING_LATENCY);
  config->no_reconnect = !peek_boolean (self, GST_WZP_SETTING_AUTO_RECONNECT);
  config->retries = g_value_get_int (peek (self, GST_WZP_SETTING_RETRIES));
  config->retry_backoff_factor =
      g_value_get_double (peek (self, GST_WZP_SETTING_RETRY_BACKOFF_FACTOR));
  config->retry_backoff_max =
      g_value_get_double (peek (self, GST_WZP_SETTING_RETRY_BACKOFF_MAX));
  config->timeline_folder =
      peek_string (self, GST_WZP_SETTING_TIMELINE_LOCATION);
}

void
gst_wzp_settings_to_config (GstWzpSettings *self, WzpNodeConfig *ret_config)
{
  wzp_node_config_init (ret_config);
  g_mutex_lock (&self->lock);
  fill_who (self, ret_config);
  fill_how (self, ret_config);
  g_mutex_unlock (&self->lock);
}
