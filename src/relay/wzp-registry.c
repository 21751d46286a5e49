#include "wzp-registry-private.h"

#include <string.h>

static guint
hash_fingerprint (gconstpointer fp)
{
  return wzp_fingerprint_hash (fp);
}

static gboolean
equal_fingerprints (gconstpointer a, gconstpointer b)
{
  return wzp_fingerprint_equal (a, b);
}

static void
free_client (gpointer data)
{
  WzpRegistryClient *client = data;

  wzp_message_free (client->registration);
  g_free (client);
}

void
wzp_registry_set_limits (WzpRegistry *self, const WzpRegistryLimits *limits)
{
  WzpRegistryLimits *own = &self->limits;

  *own = limits != NULL ? *limits : (WzpRegistryLimits){ 0 };
  if (own->max_clients == 0)
    own->max_clients = WZP_REGISTRY_MAX_CLIENTS;
  if (own->max_calls == 0)
    own->max_calls = WZP_REGISTRY_MAX_CALLS;
  if (own->max_calls_per_client == 0)
    own->max_calls_per_client = WZP_REGISTRY_MAX_CALLS_PER_CLIENT;
  if (own->max_ringing == 0)
    own->max_ringing = WZP_REGISTRY_MAX_RINGING;
  if (own->call_timeout_us == 0)
    own->call_timeout_us = WZP_REGISTRY_CALL_TIMEOUT_US;
  if (own->grace_us == 0)
    own->grace_us = WZP_REGISTRY_GRACE_US;
}

WzpRegistry *
wzp_registry_new (const WzpRegistryLimits *limits, const char *relay_fp)
{
  WzpRegistry *self = g_new0 (WzpRegistry, 1);

  wzp_registry_set_limits (self, limits);
  self->relay_fp = g_strdup (relay_fp);
  self->clients = g_hash_table_new_full (NULL, NULL, free_client, NULL);
  self->parties = g_hash_table_new_full (
      hash_fingerprint, equal_fingerprints, NULL, wzp_registry_free_party);
  self->aliases = g_hash_table_new (g_str_hash, g_str_equal);
  self->calls = g_hash_table_new_full (
      g_str_hash, g_str_equal, NULL, (GDestroyNotify) wzp_call_record_free);
  return self;
}

void
wzp_registry_free (WzpRegistry *self)
{
  if (self == NULL)
    return;
  wzp_registry_clear_outputs (self);
  wzp_registry_clear_resolves (self);
  for (guint i = 0; i < WZP_REGISTRY_MAX_LINKS; i++)
    wzp_registry_free_link (self->links[i]);
  g_hash_table_unref (self->calls);
  g_hash_table_unref (self->aliases);
  g_hash_table_unref (self->parties);
  g_hash_table_unref (self->clients);
  g_free (self->relay_fp);
  g_free (self);
}

WzpRegistryClient *
wzp_registry_add (
    WzpRegistry *self, const guint8 *tls_key, gpointer owner, GError **error)
{
  WzpRegistryClient *client;

  g_return_val_if_fail (self != NULL, NULL);

  if (g_hash_table_size (self->clients) >= self->limits.max_clients) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_BUSY,
        "There are %u clients already", self->limits.max_clients);
    return NULL;
  }
  client = g_new0 (WzpRegistryClient, 1);
  client->owner = owner;
  client->is_authorized = !self->needs_auth;
  wzp_deadline_init (&client->auth, client);
  client->has_tls_key = tls_key != NULL;
  if (tls_key != NULL)
    memcpy (client->tls_key, tls_key, WZP_PUBLIC_KEY_LEN);
  g_hash_table_add (self->clients, client);
  return client;
}

void
wzp_registry_remove (
    WzpRegistry *self, WzpRegistryClient *client, gint64 now_us)
{
  g_return_if_fail (self != NULL && client != NULL);

  wzp_deadlines_remove (&self->unauthorized, &client->auth);
  wzp_registry_lose_resolves_of_client (self, client);
  wzp_registry_lose_client (self, client, now_us);
  g_hash_table_remove (self->clients, client);
}

void
wzp_registry_set_needs_auth (WzpRegistry *self, gboolean needs_auth)
{
  g_return_if_fail (self != NULL);

  self->needs_auth = needs_auth;
}

static void
on_reflect (
    WzpRegistry *self, WzpRegistryClient *client, const WzpAddr *observed)
{
  WzpMessage *reply = wzp_message_new (WZP_MESSAGE_REFLECT_RESPONSE);
  char text[WZP_ADDR_MAX_STRLEN];

  reply->observed_addr = g_strdup (wzp_addr_to_string (observed, text));
  wzp_registry_push (self, client, reply);
}

static void
on_ping (WzpRegistry *self, WzpRegistryClient *client, const WzpMessage *ping)
{
  WzpMessage *reply = wzp_message_new (WZP_MESSAGE_PONG);

  reply->timestamp_ms = ping->timestamp_ms;
  wzp_registry_push (self, client, reply);
}

/* What only a registered client may send. */
static void
on_registered_message (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, gint64 now_us)
{
  if (message->type != WZP_MESSAGE_RESOLVE_ALIAS)
    wzp_registry_take_call_message (self, client, message, now_us);
  else if (client->party != NULL)
    wzp_registry_take_resolve (self, client, message, now_us);
  else
    wzp_registry_refuse (self, message, "not registered");
}

static void
on_message (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, const WzpAddr *observed, gint64 now_us)
{
  switch (message->type) {
    case WZP_MESSAGE_REGISTER_PRESENCE:
      wzp_registry_take_registration (self, client, message, now_us);
      break;
    case WZP_MESSAGE_REFLECT:
      on_reflect (self, client, observed);
      break;
    case WZP_MESSAGE_PING:
      on_ping (self, client, message);
      break;
    case WZP_MESSAGE_DIRECT_CALL_OFFER:
    case WZP_MESSAGE_CALL_RINGING:
    case WZP_MESSAGE_DIRECT_CALL_ANSWER:
    case WZP_MESSAGE_MEDIA_PATH_REPORT:
    case WZP_MESSAGE_CANDIDATE_UPDATE:
    case WZP_MESSAGE_HANGUP:
    case WZP_MESSAGE_RESOLVE_ALIAS:
      on_registered_message (self, client, message, now_us);
      break;
    case WZP_MESSAGE_AUTH_TOKEN: /* wzp-relay-access has looked at it */
    case WZP_MESSAGE_PONG:
      break;
    case WZP_MESSAGE_UNKNOWN:
      g_debug ("unknown message %s passed over", message->name);
      break;
    case WZP_MESSAGE_REGISTER_PRESENCE_ACK:
    case WZP_MESSAGE_REFLECT_RESPONSE:
    case WZP_MESSAGE_CALL_SETUP:
    case WZP_MESSAGE_ALIAS_RESOLVED:
    case WZP_MESSAGE_CALL_OFFER:
    case WZP_MESSAGE_CALL_ANSWER:
    case WZP_MESSAGE_ROOM_UPDATE:
    case WZP_MESSAGE_FEDERATION_HELLO:
    case WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD:
    case WZP_MESSAGE_PRESENCE_UPDATE:
      wzp_registry_refuse (self, message, "not for a relay's signalling");
      break;
  }
}

void
wzp_registry_message (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, const WzpAddr *observed, const WzpAddr *local,
    gint64 now_us)
{
  g_return_if_fail (self != NULL && client != NULL && message != NULL);

  self->n_messages++;
  client->local = *local;
  if (client->party != NULL)
    client->party->local = *local;
  on_message (self, client, message, observed, now_us);
}

/* What waits, by kind. */
typedef struct {
  gsize queue; /* offset */
  void (*expire) (WzpRegistry *self, gpointer waiting);
} Kind;

static void
expire_call (WzpRegistry *self, gpointer call)
{
  wzp_registry_expire_call (self, call);
}

static void
expire_party (WzpRegistry *self, gpointer party)
{
  wzp_registry_expire_party (self, party);
}

static void
expire_link (WzpRegistry *self, gpointer link)
{
  wzp_registry_expire_link (self, link);
}

static void
expire_auth (WzpRegistry *self, gpointer client)
{
  wzp_registry_expire_auth (self, client);
}

static void
expire_resolve (WzpRegistry *self, gpointer resolve)
{
  wzp_registry_expire_resolve (self, resolve);
}

static const Kind kinds[] = {
  { G_STRUCT_OFFSET (WzpRegistry, unanswered), expire_call },
  { G_STRUCT_OFFSET (WzpRegistry, graced), expire_party },
  { G_STRUCT_OFFSET (WzpRegistry, graced_links), expire_link },
  { G_STRUCT_OFFSET (WzpRegistry, unauthorized), expire_auth },
  { G_STRUCT_OFFSET (WzpRegistry, resolves), expire_resolve },
};

/* The kind that is due first, and when; -1: nothing waits. */
static gint64
find_first (const WzpRegistry *self, const Kind **ret_kind)
{
  gint64 first_us = -1;

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    gint64 at_us =
        wzp_deadlines_get (&G_STRUCT_MEMBER (GQueue, self, kinds[i].queue));

    if (at_us >= 0 && (first_us < 0 || at_us < first_us)) {
      first_us = at_us;
      *ret_kind = &kinds[i];
    }
  }
  return first_us;
}

gint64
wzp_registry_get_deadline (const WzpRegistry *self)
{
  const Kind *kind;

  g_return_val_if_fail (self != NULL, -1);

  return find_first (self, &kind);
}

gint64
wzp_registry_advance (WzpRegistry *self, gint64 now_us)
{
  const Kind *kind;
  gint64 at_us;

  g_return_val_if_fail (self != NULL, -1);

  while ((at_us = find_first (self, &kind)) >= 0 && at_us <= now_us)
    kind->expire (self,
        wzp_deadlines_take (&G_STRUCT_MEMBER (GQueue, self, kind->queue)));
  return at_us;
}

void
wzp_registry_get_stats (const WzpRegistry *self, WzpRegistryStats *ret_stats)
{
  g_return_if_fail (self != NULL && ret_stats != NULL);

  *ret_stats = (WzpRegistryStats){
    .clients = g_hash_table_size (self->clients),
    .registered = self->n_registered,
    .in_grace = self->graced.length,
    .calls = g_hash_table_size (self->calls),
    .active_calls = self->n_active,
    .links = self->n_links,
    .loops = self->n_loops,
    .messages = self->n_messages,
    .refused = self->n_refused,
    .calls_total = self->n_placed,
    .held_dropped = self->n_held_dropped,
  };
}
