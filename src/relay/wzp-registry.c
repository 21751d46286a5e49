#include "wzp-identity.h"
#include "wzp-registry-private.h"

#include <string.h>

typedef struct {
  WzpRegistryClient *client;
  WzpMessage *message; /* owned; NULL: close */
} Output;

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
free_party (gpointer data)
{
  WzpRegistryParty *party = data;

  if (party->calls != NULL)
    g_ptr_array_unref (party->calls);
  g_free (party->alias);
  g_free (party);
}

static void
free_output (gpointer data)
{
  Output *output = data;

  wzp_message_free (output->message);
  g_free (output);
}

WzpRegistry *
wzp_registry_new (const WzpRegistryLimits *limits)
{
  WzpRegistry *self = g_new0 (WzpRegistry, 1);

  if (limits != NULL)
    self->limits = *limits;
  if (self->limits.max_clients == 0)
    self->limits.max_clients = WZP_REGISTRY_MAX_CLIENTS;
  if (self->limits.max_calls == 0)
    self->limits.max_calls = WZP_REGISTRY_MAX_CALLS;
  if (self->limits.max_calls_per_client == 0)
    self->limits.max_calls_per_client = WZP_REGISTRY_MAX_CALLS_PER_CLIENT;
  if (self->limits.call_timeout_us == 0)
    self->limits.call_timeout_us = WZP_REGISTRY_CALL_TIMEOUT_US;

  self->clients = g_hash_table_new_full (NULL, NULL, g_free, NULL);
  self->parties = g_hash_table_new_full (
      hash_fingerprint, equal_fingerprints, NULL, free_party);
  self->aliases = g_hash_table_new (g_str_hash, g_str_equal);
  self->calls = g_hash_table_new_full (
      g_str_hash, g_str_equal, NULL, (GDestroyNotify) wzp_call_record_free);
  g_queue_init (&self->unanswered);
  g_queue_init (&self->outputs);
  return self;
}

void
wzp_registry_free (WzpRegistry *self)
{
  if (self == NULL)
    return;
  g_queue_clear_full (&self->outputs, free_output);
  g_hash_table_unref (self->calls);
  g_hash_table_unref (self->aliases);
  g_hash_table_unref (self->parties);
  g_hash_table_unref (self->clients);
  g_free (self);
}

/* Takes @message. */
void
wzp_registry_push (
    WzpRegistry *self, WzpRegistryClient *client, WzpMessage *message)
{
  Output *output = g_new (Output, 1);

  output->client = client;
  output->message = message;
  g_queue_push_tail (&self->outputs, output);
}

/* Takes @message, which is dropped when @party has no client. */
void
wzp_registry_push_to_party (
    WzpRegistry *self, const WzpRegistryParty *party, WzpMessage *message)
{
  if (party->client != NULL)
    wzp_registry_push (self, party->client, message);
  else
    wzp_message_free (message);
}

void
wzp_registry_free_party_if_gone (WzpRegistry *self, WzpRegistryParty *party)
{
  if (party->client == NULL && (party->calls == NULL || party->calls->len == 0))
    g_hash_table_remove (self->parties, &party->fingerprint);
}

static void
release_alias (WzpRegistry *self, WzpRegistryParty *party)
{
  if (party->alias == NULL)
    return;
  g_hash_table_remove (self->aliases, party->alias);
  g_clear_pointer (&party->alias, g_free);
}

/* The client does not speak for its identity any more. */
static void
detach_client (WzpRegistry *self, WzpRegistryClient *client)
{
  WzpRegistryParty *party = client->party;

  if (party == NULL)
    return;
  release_alias (self, party);
  wzp_registry_end_calls_without_client (self, party);
  /* Not before, for it is what holds the party. */
  client->party = NULL;
  party->client = NULL;
  self->n_registered--;
  wzp_registry_free_party_if_gone (self, party);
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
  client->has_tls_key = tls_key != NULL;
  if (tls_key != NULL)
    memcpy (client->tls_key, tls_key, WZP_PUBLIC_KEY_LEN);
  g_hash_table_add (self->clients, client);
  return client;
}

void
wzp_registry_remove (WzpRegistry *self, WzpRegistryClient *client)
{
  GList *next;

  g_return_if_fail (self != NULL && client != NULL);

  detach_client (self, client);
  for (GList *l = self->outputs.head; l != NULL; l = next) {
    Output *output = l->data;

    next = l->next;
    if (output->client == client) {
      free_output (output);
      g_queue_delete_link (&self->outputs, l);
    }
  }
  g_hash_table_remove (self->clients, client);
}

void
wzp_registry_refuse (
    WzpRegistry *self, const WzpMessage *message, const char *why)
{
  self->n_refused++;
  g_debug ("%s refused: %s", wzp_message_type_to_string (message->type), why);
}

/* Takes @why, NULL: registered. */
static void
push_ack (WzpRegistry *self, WzpRegistryClient *client, char *why)
{
  WzpMessage *ack = wzp_message_new (WZP_MESSAGE_REGISTER_PRESENCE_ACK);

  ack->success = why == NULL;
  ack->error = why;
  wzp_registry_push (self, client, ack);
}

/* Why it may not register, NULL: it may (transfer full). */
static char *
check_registration (WzpRegistry *self, const WzpRegistryClient *client,
    const WzpMessage *message, const WzpRegistryParty *known)
{
  g_autoptr (GBytes) text = wzp_message_signed_register (message->identity_pub);
  const WzpRegistryParty *holder;
  WzpFingerprint fp;

  if (!wzp_identity_verify (message->identity_pub, text, message->signature))
    return g_strdup ("the signature is wrong");
  if (client->has_tls_key &&
      memcmp (client->tls_key, message->identity_pub, WZP_PUBLIC_KEY_LEN) != 0)
    return g_strdup ("the identity is not that of the client's certificate");
  if (known != NULL &&
      memcmp (known->key, message->identity_pub, WZP_PUBLIC_KEY_LEN) != 0)
    return g_strdup ("another key has the same fingerprint");
  if (client->party != NULL && client->party != known)
    return g_strdup ("the connection belongs to another identity already");
  if (message->alias == NULL)
    return NULL;
  if (!wzp_alias_is_valid (message->alias) ||
      wzp_fingerprint_parse (message->alias, &fp, NULL))
    return g_strdup_printf (
        "\"%.*s\" cannot be an alias", (int) WZP_ALIAS_MAX_LEN, message->alias);
  holder = g_hash_table_lookup (self->aliases, message->alias);
  if (holder != NULL && holder != known)
    return g_strdup_printf ("alias \"%s\" is taken", message->alias);
  return NULL;
}

static WzpRegistryParty *
add_party (
    WzpRegistry *self, const WzpFingerprint *fp, const guint8 *identity_pub)
{
  WzpRegistryParty *party = g_new0 (WzpRegistryParty, 1);

  party->fingerprint = *fp;
  memcpy (party->key, identity_pub, WZP_PUBLIC_KEY_LEN);
  g_hash_table_insert (self->parties, &party->fingerprint, party);
  return party;
}

static void
claim_alias (WzpRegistry *self, WzpRegistryParty *party, const char *alias)
{
  if (g_strcmp0 (party->alias, alias) == 0)
    return;
  release_alias (self, party);
  if (alias == NULL)
    return;
  party->alias = g_strdup (alias);
  g_hash_table_insert (self->aliases, party->alias, party);
}

static void
on_register (
    WzpRegistry *self, WzpRegistryClient *client, const WzpMessage *message)
{
  char buf[WZP_FINGERPRINT_STRLEN];
  WzpFingerprint fp;
  WzpRegistryParty *party;
  char *why;

  wzp_fingerprint_of_key (message->identity_pub, &fp);
  party = g_hash_table_lookup (self->parties, &fp);
  why = check_registration (self, client, message, party);
  if (why != NULL) {
    wzp_registry_refuse (self, message, why);
    push_ack (self, client, why);
    return;
  }

  if (party != NULL && party->client != NULL && party->client != client) {
    WzpRegistryClient *old = party->client;

    detach_client (self, old);
    wzp_registry_push (self, old, NULL);
    party = g_hash_table_lookup (self->parties, &fp);
  }
  if (party == NULL)
    party = add_party (self, &fp, message->identity_pub);
  if (party->client == NULL)
    self->n_registered++;
  party->client = client;
  client->party = party;
  claim_alias (self, party, message->alias);
  g_debug ("registered %s%s%s", wzp_fingerprint_to_string (&fp, buf),
      message->alias != NULL ? " as " : "",
      message->alias != NULL ? message->alias : "");
  push_ack (self, client, NULL);
}

static void
on_resolve (
    WzpRegistry *self, WzpRegistryClient *client, const WzpMessage *message)
{
  WzpMessage *reply = wzp_message_new (WZP_MESSAGE_ALIAS_RESOLVED);
  const WzpRegistryParty *party =
      g_hash_table_lookup (self->aliases, message->alias);

  reply->alias = g_strdup (message->alias);
  reply->has_target_fp = party != NULL;
  if (party != NULL)
    reply->target_fp = party->fingerprint;
  wzp_registry_push (self, client, reply);
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
    on_resolve (self, client, message);
  else
    wzp_registry_refuse (self, message, "not registered");
}

void
wzp_registry_message (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, const WzpAddr *observed, const WzpAddr *local,
    gint64 now_us)
{
  g_return_if_fail (self != NULL && client != NULL && message != NULL);

  self->n_messages++;
  client->local = *local;
  switch (message->type) {
    case WZP_MESSAGE_REGISTER_PRESENCE:
      on_register (self, client, message);
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
    case WZP_MESSAGE_AUTH_TOKEN: /* this relay is open to all */
    case WZP_MESSAGE_PONG:
      break;
    case WZP_MESSAGE_UNKNOWN:
      g_debug ("unknown message %s passed over", message->name);
      break;
    case WZP_MESSAGE_REGISTER_PRESENCE_ACK:
    case WZP_MESSAGE_REFLECT_RESPONSE:
    case WZP_MESSAGE_CALL_SETUP:
    case WZP_MESSAGE_ALIAS_RESOLVED:
      wzp_registry_refuse (self, message, "not for a relay");
      break;
  }
}

gboolean
wzp_registry_pop (WzpRegistry *self, WzpRegistryOutput *ret_output)
{
  g_autofree Output *output = NULL;

  g_return_val_if_fail (self != NULL, FALSE);

  output = g_queue_pop_head (&self->outputs);
  if (output == NULL)
    return FALSE;
  ret_output->owner = output->client->owner;
  ret_output->message = output->message;
  return TRUE;
}

const WzpFingerprint *
wzp_registry_client_get_fingerprint (const WzpRegistryClient *client)
{
  return client->party != NULL ? &client->party->fingerprint : NULL;
}

void
wzp_registry_get_stats (const WzpRegistry *self, WzpRegistryStats *ret_stats)
{
  g_return_if_fail (self != NULL && ret_stats != NULL);

  *ret_stats = (WzpRegistryStats){
    .clients = g_hash_table_size (self->clients),
    .registered = self->n_registered,
    .calls = g_hash_table_size (self->calls),
    .active_calls = self->n_active,
    .messages = self->n_messages,
    .refused = self->n_refused,
    .calls_total = self->n_placed,
  };
}
