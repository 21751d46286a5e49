/* Mode APP: calls by descriptions that the application carries. */
#include "wzp-node-private.h"

#include <string.h>

/* What is told of us, with the keys that there are. Takes all three. */
static WzpDescription *
describe (WzpNode *self, char *nonce, char *reflexive, char **hosts)
{
  WzpDescription *local = wzp_description_new ();
  g_autoptr (GBytes) data = NULL;

  memcpy (local->identity, wzp_identity_get_public_key (self->identity),
      WZP_PUBLIC_KEY_LEN);
  memcpy (local->ephemeral, wzp_ephemeral_get_public_key (self->app_ephemeral),
      WZP_PUBLIC_KEY_LEN);
  local->nonce = nonce;
  local->reflexive = reflexive;
  local->local = hosts;
  local->relay = g_strdup (self->config.relay);
  data = wzp_description_signed (local);
  wzp_identity_sign (self->identity, data, local->signature);
  return local;
}

static void
publish (WzpNode *self, const WzpDescription *local)
{
  g_autoptr (GPtrArray) listeners = NULL;

  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->local, wzp_description_free);
  self->local = wzp_description_copy (local);
  g_mutex_unlock (&self->lock);

  /* After it was set: who listens from now on can ask for it. */
  listeners = wzp_node_dup_listeners (self);
  for (guint i = 0; i < listeners->len; i++) {
    const WzpNodeListener *l = listeners->pdata[i];

    if (!g_atomic_int_get (&l->removed) && l->events->local_candidates != NULL)
      l->events->local_candidates (self, local, l->user_data);
  }
}

void
wzp_node_publish_local (WzpNode *self)
{
  g_autoptr (WzpDescription) local = NULL;
  g_autoptr (WzpDescription) waiting = NULL;

  /* New keys for each call; the same ones while more candidates come. */
  g_clear_pointer (&self->app_ephemeral, wzp_ephemeral_free);
  self->app_ephemeral = wzp_ephemeral_new ();
  g_hash_table_remove_all (self->app_used);
  local = describe (self, wzp_node_new_nonce (),
      wzp_node_dup_own_reflexive (self), wzp_node_dup_host_candidates (self));
  publish (self, local);
  waiting = g_steal_pointer (&self->early_remote);
  if (waiting != NULL)
    wzp_node_take_remote (self, waiting);
}

static gboolean
is_same_list (char **a, char **b)
{
  if (a == NULL || b == NULL)
    return a == b;
  return g_strv_equal ((const char *const *) a, (const char *const *) b);
}

/* The roles follow from what was first told as reflexive, and the peer may have
 * only that, or only the newest: so that one stays, and another address is one
 * more among the hosts. */
static char **
dup_hosts_and_reflexive (WzpNode *self)
{
  g_auto (GStrv) hosts = wzp_node_dup_host_candidates (self);
  g_autofree char *reflexive = wzp_node_dup_own_reflexive (self);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  guint n = hosts != NULL ? g_strv_length (hosts) : 0;

  if (reflexive == NULL || g_strcmp0 (reflexive, self->local->reflexive) == 0 ||
      (hosts != NULL &&
          g_strv_contains ((const char *const *) hosts, reflexive)))
    return g_steal_pointer (&hosts);
  /* The first told one has a place too. */
  for (guint i = 0; i < MIN (n, WZP_CANDIDATES_MAX - 2); i++)
    g_strv_builder_add (builder, hosts[i]);
  g_strv_builder_add (builder, reflexive);
  return g_strv_builder_end (builder);
}

void
wzp_node_republish_local (WzpNode *self)
{
  g_autoptr (WzpDescription) local = NULL;

  if (self->local == NULL)
    return; /* the first one is to come */
  local = describe (self, g_strdup (self->local->nonce),
      g_strdup (self->local->reflexive), dup_hosts_and_reflexive (self));
  if (!is_same_list (local->local, self->local->local))
    publish (self, local);
}

static WzpCallEntry *
add_app_call (WzpNode *self, const WzpDescription *remote, const char *call_id,
    GError **error)
{
  /* Only nodes of ours write descriptions. */
  static const WzpCallFeatures features = {
    .has_control = TRUE, .is_sealed = TRUE, .has_flows = TRUE, .has_punch = TRUE
  };
  WzpFingerprint peer;
  WzpCallEntry *entry;

  wzp_fingerprint_of_key (remote->identity, &peer);
  if (!wzp_node_check_peer_pin (self, &peer, error))
    return NULL;
  while (self->calls->len > 0)
    wzp_node_drop_call (
        self, self->calls->pdata[0], WZP_HANGUP_NORMAL, "Another call begins");
  entry = wzp_node_add_call (self, call_id, remote->identity, &features,
      self->app_ephemeral, remote->ephemeral, error);
  if (entry != NULL)
    entry->own_reflexive = g_strdup (self->local->reflexive);
  return entry;
}

/* Both sides' nonces in one, so that either side's new description means a new
 * call: what SHA-256 makes of them, the smaller first. */
static char *
app_call_nonce (const char *a, const char *b)
{
  gboolean is_a_first = strcmp (a, b) < 0;
  g_autofree char *both =
      g_strconcat (is_a_first ? a : b, is_a_first ? b : a, NULL);
  char *nonce = g_compute_checksum_for_string (G_CHECKSUM_SHA256, both, -1);

  nonce[WZP_DESCRIPTION_NONCE_LEN] = '\0';
  return nonce;
}

/* The same two descriptions give the same keys, and a number must never seal
 * two texts: a pair is used once. */
static gboolean
use_once (WzpNode *self, const char *call_id)
{
  if (!g_hash_table_add (self->app_used, g_strdup (call_id))) {
    wzp_node_emit_warning (
        self, "These candidates have made a call before; new ones are needed");
    return FALSE;
  }
  return TRUE;
}

void
wzp_node_take_remote (WzpNode *self, const WzpDescription *remote)
{
  g_autofree char *call_id = NULL;
  g_autoptr (GError) error = NULL;
  WzpFingerprint peer;
  WzpCallEntry *entry;
  g_autofree char *nonce = NULL;

  if (self->has_failed)
    return;
  if (self->local == NULL) {
    /* The relay has not told our address yet; the newest is kept. */
    g_clear_pointer (&self->early_remote, wzp_description_free);
    self->early_remote = wzp_description_copy (remote);
    return;
  }
  wzp_fingerprint_of_key (remote->identity, &peer);
  nonce = app_call_nonce (remote->nonce, self->local->nonce);
  call_id = wzp_call_id_new_self_naming (
      nonce, wzp_identity_get_fingerprint (self->identity), &peer);
  entry = wzp_node_find_call (self, call_id);
  if (entry != NULL) {
    WzpCandidateList list;
    WzpCandidateFilter filter;

    wzp_node_fill_candidate_filter (self, &filter);
    wzp_candidate_list_from_remote (
        &list, (const char *const *) remote->local, remote->reflexive, &filter);
    wzp_call_add_candidates (entry->call, &list);
    return;
  }

  if (!use_once (self, call_id))
    return;
  wzp_node_set_state (self, WZP_STATE_CONNECTING, NULL);
  entry = add_app_call (self, remote, call_id, &error);
  if (entry == NULL) {
    wzp_node_fail_attempt (self, error, "call", WZP_PATH_NONE, NULL);
    return;
  }
  wzp_node_start_call (
      self, entry, (const char *const *) remote->local, remote->reflexive);
}
