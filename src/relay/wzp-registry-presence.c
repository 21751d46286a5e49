#include "wzp-identity.h"
#include "wzp-registry-private.h"

#include <string.h>

void
wzp_registry_free_party (gpointer data)
{
  WzpRegistryParty *party = data;

  wzp_registry_clear_held (&party->held);
  if (party->calls != NULL)
    g_ptr_array_unref (party->calls);
  g_free (party->alias);
  g_free (party);
}

void
wzp_registry_free_party_if_gone (WzpRegistry *self, WzpRegistryParty *party)
{
  if (party->client == NULL && !party->is_waiting &&
      (party->calls == NULL || party->calls->len == 0))
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

void
wzp_registry_expire_party (WzpRegistry *self, WzpRegistryParty *party)
{
  release_alias (self, party);
  wzp_registry_clear_held (&party->held);
  wzp_registry_end_calls_of (self, party, TRUE);
  /* Not before, for it is what holds the party. */
  party->is_waiting = FALSE;
  wzp_registry_free_party_if_gone (self, party);
}

static void
begin_grace (WzpRegistry *self, WzpRegistryParty *party, gint64 now_us)
{
  party->is_waiting = TRUE;
  wzp_deadlines_add (
      &self->graced, &party->grace, now_us + self->limits.grace_us);
  /* Who waits is bounded as who is here. */
  if (self->graced.length > self->limits.max_clients)
    wzp_registry_expire_party (self, wzp_deadlines_take (&self->graced));
}

void
wzp_registry_lose_client (
    WzpRegistry *self, WzpRegistryClient *client, gint64 now_us)
{
  WzpRegistryParty *party = client->party;
  gboolean has_calls =
      party != NULL && party->calls != NULL && party->calls->len > 0;

  wzp_registry_keep_client_outputs (
      self, client, has_calls ? &party->held : NULL);
  if (party == NULL)
    return;
  client->party = NULL;
  party->client = NULL;
  self->n_registered--;
  if (has_calls) {
    begin_grace (self, party, now_us);
  } else {
    release_alias (self, party);
    wzp_registry_free_party_if_gone (self, party);
  }
}

WzpRegistryParty *
wzp_registry_find_callee (const WzpRegistry *self, const WzpFingerprint *fp)
{
  WzpRegistryParty *party = g_hash_table_lookup (self->parties, fp);

  return party != NULL && (party->client != NULL || party->is_waiting) ? party
                                                                       : NULL;
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

/* Why it may not have the alias, NULL: it may (transfer full). */
static char *
check_alias (
    const WzpRegistry *self, const char *alias, const WzpRegistryParty *known)
{
  const WzpRegistryParty *holder;
  WzpFingerprint fp;

  if (!wzp_alias_is_valid (alias) || wzp_fingerprint_parse (alias, &fp, NULL))
    return g_strdup_printf (
        "\"%.*s\" cannot be an alias", (int) WZP_ALIAS_MAX_LEN, alias);
  holder = g_hash_table_lookup (self->aliases, alias);
  if (holder != NULL && holder != known)
    return g_strdup_printf ("alias \"%s\" is taken", alias);
  return NULL;
}

/* Why it may not register, NULL: it may (transfer full). */
static char *
check_registration (const WzpRegistry *self, const WzpRegistryClient *client,
    const WzpMessage *message, const WzpRegistryParty *known)
{
  g_autoptr (GBytes) text = NULL;

  if (client->has_tls_key &&
      memcmp (client->tls_key, message->identity_pub, WZP_PUBLIC_KEY_LEN) != 0)
    return g_strdup ("the identity is not that of the client's certificate");
  /* Before all that tells who is here. */
  text = wzp_message_signed_register (message->identity_pub);
  if (!wzp_identity_verify (message->identity_pub, text, message->signature))
    return g_strdup ("the signature is wrong");
  if (known != NULL &&
      memcmp (known->key, message->identity_pub, WZP_PUBLIC_KEY_LEN) != 0)
    return g_strdup ("another key has the same fingerprint");
  if (known != NULL && known->is_proved && !client->has_tls_key)
    return g_strdup ("the identity is held with a certificate");
  return message->alias != NULL ? check_alias (self, message->alias, known)
                                : NULL;
}

static WzpRegistryParty *
add_party (
    WzpRegistry *self, const WzpFingerprint *fp, const guint8 *identity_pub)
{
  WzpRegistryParty *party = g_new0 (WzpRegistryParty, 1);

  party->fingerprint = *fp;
  memcpy (party->key, identity_pub, WZP_PUBLIC_KEY_LEN);
  wzp_deadline_init (&party->grace, party);
  g_hash_table_insert (self->parties, &party->fingerprint, party);
  return party;
}

/* @client is that of @party from now on; the one before is to be closed. */
static void
set_client (
    WzpRegistry *self, WzpRegistryParty *party, WzpRegistryClient *client)
{
  WzpRegistryClient *old = party->client;
  gboolean was_proved = party->is_proved;

  if (old != NULL) {
    wzp_registry_keep_client_outputs (self, old, &party->held);
    old->party = NULL;
    wzp_registry_push (self, old, NULL);
  } else {
    self->n_registered++;
  }
  wzp_deadlines_remove (&self->graced, &party->grace);
  party->is_waiting = FALSE;
  party->client = client;
  party->is_proved = client->has_tls_key;
  client->party = party;
  if (party->is_proved && !was_proved) {
    /* What somebody without proof has begun is not its own. */
    wzp_registry_clear_held (&party->held);
    wzp_registry_end_calls_of (self, party, FALSE);
  }
}

static void
register_client (
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

  if (party == NULL)
    party = add_party (self, &fp, message->identity_pub);
  if (party->client != client)
    set_client (self, party, client);
  party->local = client->local;
  claim_alias (self, party, message->alias);
  g_debug ("registered %s%s%s", wzp_fingerprint_to_string (&fp, buf),
      message->alias != NULL ? " as " : "",
      message->alias != NULL ? message->alias : "");
  push_ack (self, client, NULL);
  wzp_registry_flush_party (self, party);
}

/* Whether it names the identity that it has named before: whoever was
 * authorized for one, by its name only, does not become another. */
static gboolean
claim_identity (WzpRegistryClient *client, const WzpMessage *message)
{
  if (client->has_tls_key)
    return TRUE; /* see check_registration() */
  if (client->has_claim)
    return memcmp (client->claim, message->identity_pub, WZP_PUBLIC_KEY_LEN) ==
        0;
  client->has_claim = TRUE;
  memcpy (client->claim, message->identity_pub, WZP_PUBLIC_KEY_LEN);
  return TRUE;
}

void
wzp_registry_take_registration (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, gint64 now_us)
{
  if (!claim_identity (client, message)) {
    wzp_registry_refuse (self, message, "another identity");
    push_ack (self, client,
        g_strdup ("the connection belongs to another identity already"));
  } else if (client->is_authorized) {
    register_client (self, client, message);
  } else if (client->registration != NULL) {
    wzp_registry_refuse (self, message, "one waits already");
    push_ack (self, client, g_strdup ("not authorized"));
  } else {
    client->registration = wzp_message_copy (message);
    wzp_deadlines_add (
        &self->unauthorized, &client->auth, now_us + WZP_REGISTRY_AUTH_US);
  }
}

void
wzp_registry_expire_auth (WzpRegistry *self, WzpRegistryClient *client)
{
  g_autoptr (WzpMessage) message = g_steal_pointer (&client->registration);

  wzp_registry_refuse (self, message, "not authorized");
  push_ack (self, client, g_strdup ("not authorized"));
}

void
wzp_registry_authorize (
    WzpRegistry *self, WzpRegistryClient *client, gint64 now_us)
{
  g_autoptr (WzpMessage) message = NULL;

  g_return_if_fail (self != NULL && client != NULL);

  client->is_authorized = TRUE;
  wzp_deadlines_remove (&self->unauthorized, &client->auth);
  message = g_steal_pointer (&client->registration);
  if (message != NULL)
    register_client (self, client, message);
}

const WzpFingerprint *
wzp_registry_client_get_fingerprint (const WzpRegistryClient *client)
{
  return client->party != NULL ? &client->party->fingerprint : NULL;
}

gboolean
wzp_registry_client_has_calls (const WzpRegistryClient *client)
{
  return client->party != NULL && client->party->calls != NULL &&
      client->party->calls->len > 0;
}
