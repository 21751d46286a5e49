#include "gstwzpclient.h"

#include "gstwzpcandidates.h"
#include "gstwzpenums.h"
#include "gstwzpevents.h"
#include "wzp-uri.h"

GST_DEBUG_CATEGORY_EXTERN (gst_wzp_debug);
#define GST_CAT_DEFAULT gst_wzp_debug

static G_DEFINE_QUARK (gst - wzp - client, gst_wzp_client);

#define READ_ONLY (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)

static GstWzpClient *
client_of (gpointer element)
{
  return g_object_get_qdata (element, gst_wzp_client_quark ());
}

void
gst_wzp_client_init (GstWzpClient *self, GstElement *element, gboolean is_sink)
{
  self->element = element;
  gst_wzp_settings_init (&self->settings, is_sink);
  g_object_set_qdata (G_OBJECT (element), gst_wzp_client_quark (), self);
}

void
gst_wzp_client_clear (GstWzpClient *self)
{
  gst_wzp_settings_clear (&self->settings);
  g_clear_pointer (&self->failure, gst_wzp_failure_free);
  g_clear_pointer (&self->pending_remote, wzp_description_free);
  g_clear_pointer (&self->last_stats, gst_structure_free);
}

static WzpNode *
ref_node (GstWzpClient *self)
{
  WzpNode *node;

  GST_OBJECT_LOCK (self->element);
  node = self->node != NULL ? wzp_node_ref (self->node) : NULL;
  GST_OBJECT_UNLOCK (self->element);
  return node;
}

static gboolean
set_uri (GstWzpClient *self, const char *uri, GError **error)
{
  g_autoptr (WzpNode) node = ref_node (self);

  if (node == NULL)
    return gst_wzp_settings_set_uri (&self->settings, uri, error);
  g_set_error_literal (error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
      "The URI can be set in NULL or READY only");
  return FALSE;
}

static void
set_uri_property (GstWzpClient *self, const char *uri)
{
  g_autoptr (GError) error = NULL;

  /* A property has no way to refuse; the start does it then. */
  if (!set_uri (self, uri, &error))
    GST_ERROR_OBJECT (self->element, "uri: %s", error->message);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstWzpClient *self = client_of (object);

  if (id == GST_WZP_PROP_URI)
    set_uri_property (self, g_value_get_string (value));
  else if (id < GST_WZP_N_SETTINGS)
    gst_wzp_settings_set (&self->settings, id, value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static char *
dup_fingerprint (GstWzpClient *self)
{
  char text[WZP_FINGERPRINT_STRLEN];
  g_autoptr (WzpNode) node = ref_node (self);
  g_autofree char *path = gst_wzp_settings_dup_string (
      &self->settings, GST_WZP_SETTING_IDENTITY_FILE);
  g_autoptr (WzpIdentity) loaded = NULL;
  const WzpIdentity *identity = NULL;

  if (node != NULL)
    identity = wzp_node_get_identity (node);
  else if (path != NULL)
    identity = loaded = wzp_identity_load (path, FALSE, NULL);
  if (identity == NULL)
    return NULL;
  return g_strdup (wzp_fingerprint_to_string (
      wzp_identity_get_fingerprint (identity), text));
}

static GstStructure *
new_stats (GstWzpClient *self, WzpNode *node)
{
  g_autofree WzpNodeStats *stats = g_new (WzpNodeStats, 1);
  GstWzpRates rates;

  wzp_node_get_stats (node, stats);
  GST_OBJECT_LOCK (self->element);
  gst_wzp_rates_update (&self->rates, stats, g_get_monotonic_time ());
  rates = self->rates;
  GST_OBJECT_UNLOCK (self->element);
  return gst_wzp_stats_new (stats, &rates, wzp_node_get_latency_ms (node),
      (guint) g_atomic_int_get (&self->dropped));
}

static GstStructure *
dup_stats (GstWzpClient *self)
{
  g_autoptr (WzpNode) node = ref_node (self);
  const GstWzpRates no_rates = { 0 };
  GstStructure *stats = NULL;

  if (node != NULL)
    return new_stats (self, node);
  GST_OBJECT_LOCK (self->element);
  if (self->last_stats != NULL)
    stats = gst_structure_copy (self->last_stats);
  GST_OBJECT_UNLOCK (self->element);
  return stats != NULL ? stats : gst_wzp_stats_new (NULL, &no_rates, 0, 0);
}

static int
get_enum (GstWzpClient *self, guint id)
{
  int value;

  GST_OBJECT_LOCK (self->element);
  value = id == GST_WZP_PROP_PATH ? (int) self->path : (int) self->state;
  GST_OBJECT_UNLOCK (self->element);
  return value;
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstWzpClient *self = client_of (object);

  switch (id) {
    case GST_WZP_PROP_URI:
      g_value_take_string (value, gst_wzp_settings_dup_uri (&self->settings));
      break;
    case GST_WZP_PROP_FINGERPRINT:
      g_value_take_string (value, dup_fingerprint (self));
      break;
    case GST_WZP_PROP_CONNECTION_STATE:
    case GST_WZP_PROP_PATH:
      g_value_set_enum (value, get_enum (self, id));
      break;
    case GST_WZP_PROP_STATS:
      g_value_take_boxed (value, dup_stats (self));
      break;
    default:
      if (id < GST_WZP_N_SETTINGS)
        gst_wzp_settings_get (&self->settings, id, value);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

void
gst_wzp_client_refuse (GstWzpClient *self, GError *error)
{
  const WzpFailure failure = { .error = error, .phase = "settings" };
  g_autoptr (GstWzpFailure) kept = gst_wzp_failure_new (&failure);

  gst_wzp_failure_post (
      kept, self->element, self->settings.is_sink, FALSE, NULL);
  g_error_free (error);
}

static gboolean
join_session (GstWzpClient *self)
{
  g_autofree char *name =
      gst_wzp_settings_dup_string (&self->settings, GST_WZP_SETTING_SESSION);
  GError *error = NULL;

  self->session = gst_wzp_session_join (name, &self->settings, &error);
  if (self->session == NULL)
    gst_wzp_client_refuse (self, error);
  return self->session != NULL;
}

static void
leave_session (GstWzpClient *self)
{
  if (self->session != NULL)
    gst_wzp_session_leave (self->session, &self->settings);
  self->session = NULL;
}

/* The property may have been changed in READY. */
static gboolean
join_again (GstWzpClient *self)
{
  g_autofree char *name =
      gst_wzp_settings_dup_string (&self->settings, GST_WZP_SETTING_SESSION);

  if (self->session != NULL &&
      g_strcmp0 (name, gst_wzp_session_get_name (self->session)) == 0)
    return TRUE;
  leave_session (self);
  return join_session (self);
}

static void
adopt_node (GstWzpClient *self, WzpNode *node)
{
  const WzpMode mode = gst_wzp_session_get_mode (self->session);

  GST_OBJECT_LOCK (self->element);
  self->node = node;
  self->mode = mode;
  self->latency_ms = wzp_node_get_latency_ms (node);
  self->was_connected = FALSE;
  self->is_reported = FALSE;
  self->n_warnings = 0;
  self->warnings_since_us = 0;
  self->rates = (GstWzpRates){ 0 };
  g_clear_pointer (&self->failure, gst_wzp_failure_free);
  GST_OBJECT_UNLOCK (self->element);
  g_atomic_int_set (&self->dropped, 0);
  gst_wzp_events_set_state (self, WZP_STATE_NEW);
}

static WzpNode *
open_session (GstWzpClient *self)
{
  GError *error = NULL;
  WzpNode *node;

  if (!join_again (self))
    return NULL;
  node = gst_wzp_session_open (self->session, &self->settings, &error);
  if (node == NULL) {
    gst_wzp_client_refuse (self, error);
    return NULL;
  }
  adopt_node (self, node);
  self->listener_id = gst_wzp_events_listen (node, self);
  return node;
}

/* From here on candidates go to the node; those that came before, now. */
static WzpDescription *
take_pending_remote (GstWzpClient *self)
{
  WzpDescription *remote;

  GST_OBJECT_LOCK (self->element);
  self->is_started = TRUE;
  remote = g_steal_pointer (&self->pending_remote);
  GST_OBJECT_UNLOCK (self->element);
  return remote;
}

static void
start_session (GstWzpClient *self)
{
  g_autoptr (WzpNode) node = ref_node (self);
  g_autoptr (WzpDescription) remote = NULL;
  g_autoptr (GError) error = NULL;

  if (!gst_wzp_session_start (self->session))
    gst_wzp_events_catch_up (node, self);
  remote = take_pending_remote (self);
  if (remote != NULL && !wzp_node_set_remote (node, remote, &error))
    GST_ELEMENT_WARNING (self->element, RESOURCE, SETTINGS,
        ("The peer's candidates cannot be used: %s", error->message), (NULL));
}

static void
close_session (GstWzpClient *self)
{
  g_autoptr (WzpNode) node = NULL;
  GstStructure *stats;

  GST_OBJECT_LOCK (self->element);
  node = g_steal_pointer (&self->node);
  self->is_started = FALSE;
  GST_OBJECT_UNLOCK (self->element);
  if (node == NULL)
    return;

  wzp_node_remove_listener (node, self->listener_id);
  gst_wzp_session_close (self->session);
  stats = new_stats (self, node);
  GST_OBJECT_LOCK (self->element);
  g_clear_pointer (&self->last_stats, gst_structure_free);
  self->last_stats = stats;
  GST_OBJECT_UNLOCK (self->element);

  gst_wzp_events_end_progress (self, GST_PROGRESS_TYPE_CANCELED, "Stopped");
  gst_wzp_events_set_path (self, WZP_PATH_NONE);
  gst_wzp_events_set_state (self, WZP_STATE_CLOSED);
}

static gboolean
begin (GstWzpClient *self, GstWzpClientOpenFunc open_func)
{
  WzpNode *node = open_session (self);

  if (node == NULL)
    return FALSE;
  if (!open_func (self->element, node)) {
    close_session (self);
    return FALSE;
  }
  start_session (self);
  return TRUE;
}

GstStateChangeReturn
gst_wzp_client_change_state (GstElement *element, GstStateChange transition,
    GstElementClass *parent_class, GstWzpClientOpenFunc open_func,
    void (*close_func) (GstElement *element))
{
  GstWzpClient *self = client_of (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !join_session (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
      !begin (self, open_func))
    return GST_STATE_CHANGE_FAILURE;

  ret = parent_class->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE)) {
    close_func (element);
    close_session (self);
  }
  if (transition == GST_STATE_CHANGE_READY_TO_NULL ||
      (transition == GST_STATE_CHANGE_NULL_TO_READY &&
          ret == GST_STATE_CHANGE_FAILURE))
    leave_session (self);
  return ret;
}

/* The node that takes candidates now; NULL: @remote (taken then) is kept for
 * the start. One step, as the start may come in between from another thread. */
static WzpNode *
ref_node_or_keep (GstWzpClient *self, WzpDescription *remote)
{
  g_autoptr (WzpDescription) old = NULL;
  WzpNode *node = NULL;

  GST_OBJECT_LOCK (self->element);
  if (self->is_started) {
    node = wzp_node_ref (self->node);
  } else {
    old = g_steal_pointer (&self->pending_remote);
    self->pending_remote = remote;
  }
  GST_OBJECT_UNLOCK (self->element);
  return node;
}

static gboolean
apply_remote (GstWzpClient *self, WzpDescription *remote, GError **error)
{
  g_autoptr (WzpNode) node = ref_node_or_keep (self, remote);
  gboolean ok = TRUE;

  if (node != NULL) {
    ok = wzp_node_set_remote (node, remote, error);
    wzp_description_free (remote);
  }
  return ok;
}

gboolean
gst_wzp_client_set_remote (GstElement *element, const GstStructure *candidates)
{
  GstWzpClient *self = client_of (element);
  g_autoptr (GError) error = NULL;
  WzpDescription *remote = NULL;

  if (candidates == NULL)
    g_set_error_literal (
        &error, WZP_ERROR, WZP_ERROR_INVALID, "No candidates given");
  else
    remote = gst_wzp_candidates_parse (candidates, &error);
  if (remote != NULL && apply_remote (self, remote, &error))
    return TRUE;
  GST_WARNING_OBJECT (element, "set-remote-candidates: %s", error->message);
  return FALSE;
}

gboolean
gst_wzp_client_report (GstWzpClient *self)
{
  g_autoptr (GstWzpFailure) failure = NULL;
  gboolean is_reported, was_connected;

  GST_OBJECT_LOCK (self->element);
  is_reported = self->is_reported;
  was_connected = self->was_connected;
  if (!is_reported)
    failure = g_steal_pointer (&self->failure);
  self->is_reported |= failure != NULL;
  GST_OBJECT_UNLOCK (self->element);

  if (failure != NULL)
    gst_wzp_failure_post (
        failure, self->element, self->settings.is_sink, was_connected, NULL);
  return is_reported || failure != NULL;
}

gboolean
gst_wzp_client_is_connected (GstWzpClient *self)
{
  return get_enum (self, GST_WZP_PROP_CONNECTION_STATE) == WZP_STATE_CONNECTED;
}

WzpMode
gst_wzp_client_get_mode (GstWzpClient *self)
{
  WzpMode mode;

  GST_OBJECT_LOCK (self->element);
  mode = self->mode;
  GST_OBJECT_UNLOCK (self->element);
  return mode;
}

guint
gst_wzp_client_get_latency_ms (GstWzpClient *self)
{
  g_autoptr (WzpNode) node = ref_node (self);

  return node != NULL
      ? wzp_node_get_latency_ms (node)
      : gst_wzp_settings_get_uint (&self->settings, GST_WZP_SETTING_LATENCY);
}

void
gst_wzp_client_install (GObjectClass *klass, gboolean is_sink)
{
  klass->set_property = set_property;
  klass->get_property = get_property;
  gst_wzp_settings_install (klass, is_sink);
  g_object_class_install_property (klass, GST_WZP_PROP_URI,
      g_param_spec_string ("uri", "URI",
          "wzp://[relay[:port]]/name?key=value; each writable property is a "
          "key, and wins over it when set by itself",
          NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
              GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (klass, GST_WZP_PROP_FINGERPRINT,
      g_param_spec_string ("fingerprint", "Fingerprint",
          "Fingerprint of the own key; known once started, and before when "
          "identity-file is there",
          NULL, READ_ONLY));
  g_object_class_install_property (klass, GST_WZP_PROP_CONNECTION_STATE,
      g_param_spec_enum ("connection-state", "Connection state",
          "Where the connection to the peer stands",
          gst_wzp_connection_state_get_type (), WZP_STATE_NEW, READ_ONLY));
  g_object_class_install_property (klass, GST_WZP_PROP_PATH,
      g_param_spec_enum ("path", "Path", "The path that media is sent over",
          gst_wzp_path_get_type (), WZP_PATH_NONE, READ_ONLY));
  g_object_class_install_property (klass, GST_WZP_PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "application/x-wzp-stats; zeros before the start, the last values "
          "after the stop",
          GST_TYPE_STRUCTURE, READ_ONLY));
  gst_wzp_events_install (klass, is_sink);
}

static const char *const *
get_protocols (GType type)
{
  static const char *const protocols[] = { WZP_URI_SCHEME, NULL };

  return protocols;
}

static char *
uri_handler_get (GstURIHandler *handler)
{
  return gst_wzp_settings_dup_uri (&client_of (handler)->settings);
}

static gboolean
uri_handler_set (GstURIHandler *handler, const char *uri, GError **error)
{
  return set_uri (client_of (handler), uri, error);
}

void
gst_wzp_client_install_uri (
    GstURIHandlerInterface *iface, GstURIType (*get_uri_type) (GType type))
{
  iface->get_type = get_uri_type;
  iface->get_protocols = get_protocols;
  iface->get_uri = uri_handler_get;
  iface->set_uri = uri_handler_set;
}
