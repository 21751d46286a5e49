#include "wzp-registry-private.h"

#include <string.h>

/* A client's question that links were asked. */
struct _WzpRegistryResolve {
  WzpRegistryClient *client; /* not owned */
  char *alias;               /* owned */
  guint32 asked;             /* a bit for each link that has not answered */
  WzpDeadline timeout;
};

/* @fp: nullable. */
static WzpMessage *
new_reply (const char *alias, const WzpFingerprint *fp)
{
  WzpMessage *reply = wzp_message_new (WZP_MESSAGE_ALIAS_RESOLVED);

  reply->alias = g_strdup (alias);
  reply->has_target_fp = fp != NULL;
  if (fp != NULL)
    reply->target_fp = *fp;
  return reply;
}

/* It is not in the queue any more. */
static void
free_resolve (WzpRegistryResolve *resolve)
{
  resolve->client->n_resolves--;
  g_free (resolve->alias);
  g_free (resolve);
}

/* Answers it. @fp: nullable. */
static void
finish (
    WzpRegistry *self, WzpRegistryResolve *resolve, const WzpFingerprint *fp)
{
  wzp_deadlines_remove (&self->resolves, &resolve->timeout);
  wzp_registry_push (self, resolve->client, new_reply (resolve->alias, fp));
  free_resolve (resolve);
}

void
wzp_registry_expire_resolve (WzpRegistry *self, WzpRegistryResolve *resolve)
{
  finish (self, resolve, NULL);
}

/* NULL: nobody here. */
static const WzpFingerprint *
find_here (const WzpRegistry *self, const char *alias)
{
  const WzpRegistryParty *party =
      alias != NULL ? g_hash_table_lookup (self->aliases, alias) : NULL;

  return party != NULL ? &party->fingerprint : NULL;
}

/* The links that are being asked for @alias already. */
static gboolean
find_asked (const WzpRegistry *self, const char *alias, guint32 *ret_asked)
{
  for (const GList *l = self->resolves.head; l != NULL; l = l->next) {
    const WzpRegistryResolve *resolve = l->data;

    if (strcmp (resolve->alias, alias) == 0) {
      *ret_asked = resolve->asked;
      return TRUE;
    }
  }
  return FALSE;
}

static void
ask (WzpRegistry *self, WzpRegistryClient *client, const char *alias,
    guint32 up, gint64 now_us)
{
  WzpRegistryResolve *resolve = g_new0 (WzpRegistryResolve, 1);

  resolve->client = client;
  resolve->alias = g_strdup (alias);
  wzp_deadline_init (&resolve->timeout, resolve);
  client->n_resolves++;
  if (!find_asked (self, alias, &resolve->asked)) {
    WzpMessage *question = wzp_message_new (WZP_MESSAGE_RESOLVE_ALIAS);

    question->alias = g_strdup (alias);
    resolve->asked = up;
    wzp_registry_push_to_links (self, up, question);
  }
  wzp_deadlines_add (
      &self->resolves, &resolve->timeout, now_us + WZP_REGISTRY_RESOLVE_US);
}

void
wzp_registry_take_resolve (WzpRegistry *self, WzpRegistryClient *client,
    const WzpMessage *message, gint64 now_us)
{
  const WzpFingerprint *fp = find_here (self, message->alias);
  guint32 up = wzp_registry_get_links_up (self);

  if (fp == NULL && up != 0 && wzp_alias_is_valid (message->alias) &&
      self->resolves.length < WZP_REGISTRY_MAX_RESOLVES &&
      client->n_resolves < WZP_REGISTRY_MAX_RESOLVES_PER_CLIENT)
    ask (self, client, message->alias, up, now_us);
  else
    wzp_registry_push (self, client, new_reply (message->alias, fp));
}

void
wzp_registry_take_link_resolve (
    WzpRegistry *self, WzpRegistryLink *link, const WzpMessage *message)
{
  wzp_registry_push_to_link (
      self, link, new_reply (message->alias, find_here (self, message->alias)));
}

void
wzp_registry_take_link_resolved (
    WzpRegistry *self, WzpRegistryLink *link, const WzpMessage *message)
{
  guint32 bit = 1u << link->slot;
  gboolean was_asked = FALSE;
  GList *next;

  for (GList *l = self->resolves.head; l != NULL; l = next) {
    WzpRegistryResolve *resolve = l->data;

    next = l->next;
    if ((resolve->asked & bit) == 0 ||
        g_strcmp0 (resolve->alias, message->alias) != 0)
      continue;
    was_asked = TRUE;
    resolve->asked &= ~bit;
    if (message->has_target_fp)
      finish (self, resolve, &message->target_fp);
    else if (resolve->asked == 0)
      finish (self, resolve, NULL);
  }
  if (!was_asked)
    wzp_registry_refuse (self, message, "not asked");
}

void
wzp_registry_lose_resolves_of_link (
    WzpRegistry *self, const WzpRegistryLink *link)
{
  guint32 bit = 1u << link->slot;
  GList *next;

  for (GList *l = self->resolves.head; l != NULL; l = next) {
    WzpRegistryResolve *resolve = l->data;

    next = l->next;
    if ((resolve->asked & bit) == 0)
      continue;
    resolve->asked &= ~bit;
    if (resolve->asked == 0)
      finish (self, resolve, NULL);
  }
}

void
wzp_registry_lose_resolves_of_client (
    WzpRegistry *self, const WzpRegistryClient *client)
{
  GList *next;

  for (GList *l = self->resolves.head; client->n_resolves > 0 && l != NULL;
       l = next) {
    WzpRegistryResolve *resolve = l->data;

    next = l->next;
    if (resolve->client != client)
      continue;
    wzp_deadlines_remove (&self->resolves, &resolve->timeout);
    free_resolve (resolve);
  }
}

void
wzp_registry_clear_resolves (WzpRegistry *self)
{
  WzpRegistryResolve *resolve;

  while ((resolve = wzp_deadlines_take (&self->resolves)) != NULL)
    free_resolve (resolve);
}
