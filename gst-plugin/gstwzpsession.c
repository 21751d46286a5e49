#include "gstwzpsession.h"

/* Threads and locks: everything but `name` is used with sessions_lock held.
 * Lock order: sessions_lock > the settings' locks. No node is stopped with it
 * held: that may wait. */
struct _GstWzpSession {
  char *name;         /* owned, nullable: not in the table */
  GPtrArray *members; /* of GstWzpSettings, not owned */
  WzpNode *node;      /* owned; NULL while no member is open */
  gboolean is_started;
  guint n_open;
  GstWzpSettings settings; /* of node: all members' of when it was made */
};

static GMutex sessions_lock;
static GHashTable *sessions; /* name -> GstWzpSession; made on first use */

static GPrivate event_depth; /* how deep in events of a node this thread is */

static GstWzpSession *
session_new (const char *name)
{
  GstWzpSession *self = g_new0 (GstWzpSession, 1);

  self->name = g_strdup (name);
  self->members = g_ptr_array_new ();
  gst_wzp_settings_init (&self->settings, FALSE);
  return self;
}

static void
session_free (GstWzpSession *self)
{
  g_assert (self->node == NULL);
  gst_wzp_settings_clear (&self->settings);
  g_ptr_array_unref (self->members);
  g_free (self->name);
  g_free (self);
}

static GstWzpSession *
find_or_add (const char *name)
{
  GstWzpSession *self;

  if (name == NULL)
    return session_new (NULL);
  if (sessions == NULL)
    sessions = g_hash_table_new (g_str_hash, g_str_equal);
  self = g_hash_table_lookup (sessions, name);
  if (self == NULL) {
    self = session_new (name);
    g_hash_table_insert (sessions, self->name, self);
  }
  return self;
}

GstWzpSession *
gst_wzp_session_join (const char *name, GstWzpSettings *member, GError **error)
{
  GstWzpSession *self;

  g_mutex_lock (&sessions_lock);
  self = find_or_add (name);
  if (self->members->len < GST_WZP_SESSION_MAX_MEMBERS) {
    g_ptr_array_add (self->members, member);
  } else {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "Session '%s' has %u elements already", name,
        GST_WZP_SESSION_MAX_MEMBERS);
    self = NULL;
  }
  g_mutex_unlock (&sessions_lock);
  return self;
}

void
gst_wzp_session_leave (GstWzpSession *self, GstWzpSettings *member)
{
  g_mutex_lock (&sessions_lock);
  g_ptr_array_remove_fast (self->members, member);
  if (self->members->len == 0) {
    if (self->name != NULL)
      g_hash_table_remove (sessions, self->name);
    session_free (self);
  }
  g_mutex_unlock (&sessions_lock);
}

const char *
gst_wzp_session_get_name (GstWzpSession *self)
{
  return self->name;
}

/* Without a `mode` that was set, a sink calls and a source listens. Where a
 * session has both, the one that was told a name decides. */
static gboolean
decide_mode (GstWzpSession *self, GError **error)
{
  gboolean by_name[2] = { FALSE, FALSE }; /* by is_sink */
  gboolean there[2] = { FALSE, FALSE };
  gboolean *votes;

  if (gst_wzp_settings_is_set (&self->settings, GST_WZP_SETTING_MODE))
    return TRUE;
  for (guint i = 0; i < self->members->len; i++) {
    GstWzpSettings *member = g_ptr_array_index (self->members, i);

    there[member->is_sink] = TRUE;
    by_name[member->is_sink] |= gst_wzp_settings_has_name (member);
  }
  votes = by_name[FALSE] || by_name[TRUE] ? by_name : there;
  if (votes[FALSE] && votes[TRUE]) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "Session '%s' has a sink, which would call, and a source, which would "
        "listen: set mode",
        self->name);
    return FALSE;
  }
  gst_wzp_settings_set_mode (
      &self->settings, votes[TRUE] ? WZP_MODE_CALLER : WZP_MODE_LISTENER);
  return TRUE;
}

static gboolean
collect_settings (GstWzpSession *self, GError **error)
{
  gst_wzp_settings_clear (&self->settings);
  gst_wzp_settings_init (&self->settings,
      ((GstWzpSettings *) g_ptr_array_index (self->members, 0))->is_sink);
  for (guint i = 0; i < self->members->len; i++) {
    if (!gst_wzp_settings_merge (
            &self->settings, g_ptr_array_index (self->members, i), error))
      return FALSE;
  }
  return decide_mode (self, error);
}

/* A fingerprint that is not looked at would only seem to protect. */
static gboolean
check_trust (const WzpNodeConfig *config, GError **error)
{
  if (config->relay_fingerprint == NULL ||
      config->relay_trust == WZP_RELAY_TRUST_PIN)
    return TRUE;
  g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
      "relay-fingerprint is compared with relay-trust=pin only");
  return FALSE;
}

static gboolean
make_node (GstWzpSession *self, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (WzpIdentity) identity = NULL;
  WzpNodeConfig config;

  if (!collect_settings (self, error))
    return FALSE;
  path = gst_wzp_settings_dup_string (
      &self->settings, GST_WZP_SETTING_IDENTITY_FILE);
  if (path != NULL) {
    identity = wzp_identity_load (path, TRUE, error);
    if (identity == NULL) {
      g_prefix_error (error, "identity-file '%s': ", path);
      return FALSE;
    }
  }
  gst_wzp_settings_to_config (&self->settings, &config);
  if (!check_trust (&config, error))
    return FALSE;
  config.identity = identity;
  self->node = wzp_node_new (&config, NULL, error);
  self->is_started = FALSE;
  return self->node != NULL;
}

WzpNode *
gst_wzp_session_open (
    GstWzpSession *self, GstWzpSettings *member, GError **error)
{
  WzpNode *node = NULL;

  g_mutex_lock (&sessions_lock);
  if (self->node != NULL ? gst_wzp_settings_fit (&self->settings, member, error)
                         : make_node (self, error)) {
    self->n_open++;
    node = wzp_node_ref (self->node);
  }
  g_mutex_unlock (&sessions_lock);
  return node;
}

WzpMode
gst_wzp_session_get_mode (GstWzpSession *self)
{
  WzpMode mode;

  g_mutex_lock (&sessions_lock);
  mode = gst_wzp_settings_get_mode (&self->settings);
  g_mutex_unlock (&sessions_lock);
  return mode;
}

gboolean
gst_wzp_session_start (GstWzpSession *self)
{
  gboolean is_first;

  g_mutex_lock (&sessions_lock);
  is_first = !self->is_started;
  if (is_first)
    wzp_node_start (self->node);
  self->is_started = TRUE;
  g_mutex_unlock (&sessions_lock);
  return is_first;
}

static gpointer
stop_node (gpointer data)
{
  g_autoptr (WzpNode) node = data;

  wzp_node_stop (node);
  return NULL;
}

void
gst_wzp_session_close (GstWzpSession *self)
{
  WzpNode *node = NULL;

  g_mutex_lock (&sessions_lock);
  if (--self->n_open == 0)
    node = g_steal_pointer (&self->node);
  g_mutex_unlock (&sessions_lock);

  if (node == NULL)
    return;
  if (g_private_get (&event_depth) == NULL)
    stop_node (node);
  else
    g_thread_unref (g_thread_new ("wzp-stop", stop_node, node));
}

void
gst_wzp_session_begin_event (void)
{
  const guint depth = GPOINTER_TO_UINT (g_private_get (&event_depth));

  g_private_set (&event_depth, GUINT_TO_POINTER (depth + 1));
}

void
gst_wzp_session_end_event (void)
{
  const guint depth = GPOINTER_TO_UINT (g_private_get (&event_depth));

  g_private_set (&event_depth, GUINT_TO_POINTER (depth - 1));
}
