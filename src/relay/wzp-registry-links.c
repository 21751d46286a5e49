#include "wzp-registry-private.h"

#include <string.h>

static guint32
bit_of (const WzpRegistryLink *link)
{
  return 1u << link->slot;
}

void
wzp_registry_free_link (WzpRegistryLink *link)
{
  if (link == NULL)
    return;
  wzp_registry_clear_held (&link->held);
  g_hash_table_unref (link->calls);
  g_free (link->relay_fp);
  g_free (link);
}

guint32
wzp_registry_get_links_up (const WzpRegistry *self)
{
  guint32 up = 0;

  for (guint i = 0; i < WZP_REGISTRY_MAX_LINKS; i++)
    if (self->links[i] != NULL && self->links[i]->is_up)
      up |= 1u << i;
  return up;
}

void
wzp_registry_link_call (
    WzpRegistryLink *link, WzpCallRecord *call, WzpCallSide side)
{
  call->link[side] = link;
  g_hash_table_add (link->calls, call);
  if (side == WZP_CALL_CALLER)
    link->n_placed++;
}

void
wzp_registry_unlink_call (WzpCallRecord *call)
{
  for (guint side = 0; side < 2; side++) {
    WzpRegistryLink *link = call->link[side];

    if (link == NULL)
      continue;
    g_hash_table_remove (link->calls, call);
    if (side == WZP_CALL_CALLER)
      link->n_placed--;
  }
}

void
wzp_registry_ask_links (WzpRegistry *self, WzpCallRecord *call,
    const WzpMessage *offer, const char *caller_alias)
{
  call->asked = wzp_registry_get_links_up (self);
  wzp_registry_push_to_links (self, call->asked,
      wzp_call_record_make_offer_to_relay (offer, caller_alias));
}

/* The callee is at @link, and not at the others that were asked. */
static void
choose_link (WzpRegistry *self, WzpCallRecord *call, WzpRegistryLink *link)
{
  guint32 others = call->asked & ~bit_of (link);

  call->asked = 0;
  wzp_registry_link_call (link, call, WZP_CALL_CALLEE);
  wzp_registry_push_to_links (self, others,
      wzp_registry_new_hangup (call->id, WZP_HANGUP_NORMAL, NULL));
}

/* The callee is not at @link. May end @call. */
static void
drop_asked (WzpRegistry *self, WzpCallRecord *call, const WzpRegistryLink *link)
{
  call->asked &= ~bit_of (link);
  if (call->asked == 0)
    wzp_registry_end_call (
        self, call, WZP_CALL_CALLER, call->no_reason, call->no_detail);
}

/* Another's word for the caller that is a name of somebody here is none. */
static const char *
get_alias (const WzpRegistry *self, const WzpMessage *offer)
{
  const WzpRegistryParty *holder;

  if (offer->alias == NULL || !wzp_alias_is_valid (offer->alias))
    return NULL;
  holder = g_hash_table_lookup (self->aliases, offer->alias);
  return holder == NULL ||
          wzp_fingerprint_equal (&holder->fingerprint, &offer->caller_fp)
      ? offer->alias
      : NULL;
}

/* Takes nothing but an answer to it: another relay may ask for anybody. */
static void
answer_offer (WzpRegistry *self, WzpRegistryLink *link, const WzpMessage *offer,
    WzpHangupReason reason, const char *detail)
{
  wzp_registry_push_to_link (
      self, link, wzp_registry_new_hangup (offer->call_id, reason, detail));
}

static const char *
check_link_offer (const WzpRegistry *self, const WzpMessage *offer)
{
  const WzpRegistryParty *caller =
      g_hash_table_lookup (self->parties, &offer->caller_fp);

  if (caller != NULL &&
      memcmp (caller->key, offer->identity_pub, WZP_PUBLIC_KEY_LEN) != 0)
    return "another key has the same fingerprint";
  return wzp_registry_check_offer (self, offer);
}

static void
on_offer (WzpRegistry *self, WzpRegistryLink *link, const WzpMessage *offer,
    gint64 now_us)
{
  WzpCallRecord *call = g_hash_table_lookup (self->calls, offer->call_id);
  WzpRegistryParty *callee;
  const char *why;

  if (call != NULL && call->link[WZP_CALL_CALLER] == link) {
    wzp_registry_refuse (self, offer, "the same call again");
    return;
  }
  why = check_link_offer (self, offer);
  callee = wzp_registry_find_callee (self, &offer->target_fp);
  if (why == NULL && callee == NULL) {
    answer_offer (
        self, link, offer, WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_NOT_FOUND);
    return;
  }
  if (why == NULL && !wzp_registry_verify_offer (offer))
    why = "the signature is wrong";
  if (why != NULL) {
    wzp_registry_refuse (self, offer, why);
    answer_offer (
        self, link, offer, WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_REFUSED);
    return;
  }
  if (link->n_placed >= WZP_REGISTRY_MAX_CALLS_PER_LINK ||
      !wzp_registry_has_room_for_call (self, callee)) {
    wzp_registry_refuse (self, offer, "too many calls");
    answer_offer (self, link, offer, WZP_HANGUP_BUSY, WZP_HANGUP_DETAIL_LIMIT);
    return;
  }
  call = wzp_registry_add_call (self, offer, NULL, callee, now_us);
  wzp_registry_link_call (link, call, WZP_CALL_CALLER);
  wzp_registry_push_to_party (self, callee,
      wzp_call_record_make_offer (offer, get_alias (self, offer)));
}

/* A relay that was asked has something to say. */
static void
on_asked_message (WzpRegistry *self, WzpRegistryLink *link, WzpCallRecord *call,
    const WzpMessage *message)
{
  const char *why;

  switch (message->type) {
    case WZP_MESSAGE_HANGUP:
      /* Anything says more than that it is not there. */
      if (message->reason != WZP_HANGUP_ERROR) {
        call->no_reason = message->reason;
        call->no_detail = message->reason == WZP_HANGUP_BUSY &&
                g_strcmp0 (message->detail, WZP_HANGUP_DETAIL_LIMIT) == 0
            ? WZP_HANGUP_DETAIL_LIMIT
            : NULL;
      }
      drop_asked (self, call, link);
      return;
    case WZP_MESSAGE_CALL_RINGING:
      why = NULL;
      break;
    case WZP_MESSAGE_DIRECT_CALL_ANSWER:
      why = wzp_registry_check_answer (call, message, WZP_CALL_CALLEE);
      break;
    default:
      why = "out of order";
      break;
  }
  if (why != NULL) {
    wzp_registry_refuse (self, message, why);
    return;
  }
  choose_link (self, call, link);
  wzp_registry_take_call_message_from (self, call, WZP_CALL_CALLEE, message);
}

static void
on_call_message (
    WzpRegistry *self, WzpRegistryLink *link, const WzpMessage *message)
{
  WzpCallRecord *call = message->call_id != NULL
      ? g_hash_table_lookup (self->calls, message->call_id)
      : NULL;

  if (call != NULL && (call->asked & bit_of (link)) != 0) {
    on_asked_message (self, link, call, message);
  } else if (call != NULL && call->link[WZP_CALL_CALLER] == link) {
    wzp_registry_take_call_message_from (self, call, WZP_CALL_CALLER, message);
  } else if (call != NULL && call->link[WZP_CALL_CALLEE] == link) {
    wzp_registry_take_call_message_from (self, call, WZP_CALL_CALLEE, message);
  } else {
    wzp_registry_refuse (self, message, "not a call of the link");
    /* What is sent only of calls that both have had: it missed the end. */
    if (message->call_id != NULL &&
        (message->type == WZP_MESSAGE_CALL_RINGING ||
            message->type == WZP_MESSAGE_DIRECT_CALL_ANSWER ||
            message->type == WZP_MESSAGE_MEDIA_PATH_REPORT))
      wzp_registry_push_to_link (self, link,
          wzp_registry_new_hangup (message->call_id, WZP_HANGUP_ERROR,
              WZP_HANGUP_DETAIL_DISCONNECTED));
  }
}

static void
on_inner (WzpRegistry *self, WzpRegistryLink *link, const WzpMessage *message,
    gint64 now_us)
{
  switch (message->type) {
    case WZP_MESSAGE_DIRECT_CALL_OFFER:
      on_offer (self, link, message, now_us);
      break;
    case WZP_MESSAGE_CALL_RINGING:
    case WZP_MESSAGE_DIRECT_CALL_ANSWER:
    case WZP_MESSAGE_CANDIDATE_UPDATE:
    case WZP_MESSAGE_MEDIA_PATH_REPORT:
    case WZP_MESSAGE_HANGUP:
      on_call_message (self, link, message);
      break;
    case WZP_MESSAGE_RESOLVE_ALIAS:
      wzp_registry_take_link_resolve (self, link, message);
      break;
    case WZP_MESSAGE_ALIAS_RESOLVED:
      wzp_registry_take_link_resolved (self, link, message);
      break;
    case WZP_MESSAGE_UNKNOWN:
      g_debug ("unknown message passed over in a forward");
      break;
    case WZP_MESSAGE_AUTH_TOKEN:
    case WZP_MESSAGE_REGISTER_PRESENCE:
    case WZP_MESSAGE_REGISTER_PRESENCE_ACK:
    case WZP_MESSAGE_REFLECT:
    case WZP_MESSAGE_REFLECT_RESPONSE:
    case WZP_MESSAGE_CALL_SETUP:
    case WZP_MESSAGE_PING:
    case WZP_MESSAGE_PONG:
    case WZP_MESSAGE_CALL_OFFER:
    case WZP_MESSAGE_CALL_ANSWER:
    case WZP_MESSAGE_ROOM_UPDATE:
    case WZP_MESSAGE_FEDERATION_HELLO:
    case WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD:
    case WZP_MESSAGE_PRESENCE_UPDATE:
      wzp_registry_refuse (self, message, "not to be forwarded");
      break;
  }
}

void
wzp_registry_link_message (WzpRegistry *self, WzpRegistryLink *link,
    const WzpMessage *message, gint64 now_us)
{
  g_return_if_fail (self != NULL && link != NULL && message != NULL);

  self->n_messages++;
  /* Who is where is asked with each offer, so that it need not be known. */
  if (message->type == WZP_MESSAGE_PRESENCE_UPDATE ||
      message->type == WZP_MESSAGE_UNKNOWN)
    return;
  if (message->type != WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD)
    wzp_registry_refuse (self, message, "not for a link");
  else if (message->inner == NULL || message->origin_relay_fp == NULL)
    wzp_registry_refuse (self, message, "nothing in it");
  else if (g_ascii_strcasecmp (message->origin_relay_fp, self->relay_fp) == 0)
    self->n_loops++;
  else if (g_ascii_strcasecmp (message->origin_relay_fp, link->relay_fp) != 0)
    wzp_registry_refuse (self, message, "forwarded for another relay");
  else
    on_inner (self, link, message->inner, now_us);
}

void
wzp_registry_expire_link (WzpRegistry *self, WzpRegistryLink *link)
{
  g_autofree gpointer *calls =
      g_hash_table_get_keys_as_array (link->calls, NULL);
  GList *next;

  for (guint i = 0; calls[i] != NULL; i++) {
    WzpCallRecord *call = calls[i];
    WzpCallSide here =
        call->link[WZP_CALL_CALLER] == link ? WZP_CALL_CALLEE : WZP_CALL_CALLER;

    wzp_registry_end_call (
        self, call, here, WZP_HANGUP_ERROR, WZP_HANGUP_DETAIL_DISCONNECTED);
  }
  for (GList *l = self->unanswered.head; l != NULL; l = next) {
    WzpCallRecord *call = l->data;

    next = l->next;
    if ((call->asked & bit_of (link)) != 0)
      drop_asked (self, call, link);
  }
  self->links[link->slot] = NULL;
  wzp_registry_free_link (link);
}

static WzpRegistryLink *
find_link (const WzpRegistry *self, const char *relay_fp)
{
  for (guint i = 0; i < WZP_REGISTRY_MAX_LINKS; i++)
    if (self->links[i] != NULL &&
        g_ascii_strcasecmp (self->links[i]->relay_fp, relay_fp) == 0)
      return self->links[i];
  return NULL;
}

/* NULL: all places are taken by links that are up. */
static WzpRegistryLink *
new_link (WzpRegistry *self, const char *relay_fp)
{
  WzpRegistryLink *link;
  guint slot = 0;

  if (self->n_links + self->graced_links.length >= WZP_REGISTRY_MAX_LINKS) {
    if (self->graced_links.length == 0)
      return NULL;
    wzp_registry_expire_link (self, wzp_deadlines_take (&self->graced_links));
  }
  while (self->links[slot] != NULL)
    slot++;
  link = g_new0 (WzpRegistryLink, 1);
  link->relay_fp = g_strdup (relay_fp);
  link->slot = slot;
  link->calls = g_hash_table_new (NULL, NULL);
  wzp_deadline_init (&link->grace, link);
  self->links[slot] = link;
  return link;
}

WzpRegistryLink *
wzp_registry_add_link (WzpRegistry *self, const char *relay_fp, gpointer owner,
    gint64 now_us, GError **error)
{
  WzpRegistryLink *link;

  g_return_val_if_fail (self != NULL && relay_fp != NULL, NULL);

  if (self->relay_fp == NULL ||
      g_ascii_strcasecmp (self->relay_fp, relay_fp) == 0) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_INVALID,
        self->relay_fp == NULL ? "This relay has no links"
                               : "A link to this relay itself");
    return NULL;
  }
  link = find_link (self, relay_fp);
  if (link != NULL && link->is_up) {
    g_set_error_literal (error, WZP_ERROR, WZP_ERROR_BUSY,
        "There is a link to that relay already");
    return NULL;
  }
  if (link == NULL)
    link = new_link (self, relay_fp);
  if (link == NULL) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_BUSY, "There are %u links already",
        WZP_REGISTRY_MAX_LINKS);
    return NULL;
  }
  wzp_deadlines_remove (&self->graced_links, &link->grace);
  link->owner = owner;
  link->is_up = TRUE;
  self->n_links++;
  wzp_registry_flush_link (self, link);
  return link;
}

void
wzp_registry_remove_link (
    WzpRegistry *self, WzpRegistryLink *link, gint64 now_us)
{
  g_return_if_fail (self != NULL && link != NULL && link->is_up);

  link->is_up = FALSE;
  link->owner = NULL;
  self->n_links--;
  wzp_registry_keep_link_outputs (self, link, &link->held);
  wzp_registry_lose_resolves_of_link (self, link);
  wzp_deadlines_add (
      &self->graced_links, &link->grace, now_us + self->limits.grace_us);
}

gpointer
wzp_registry_get_room_link (const WzpRegistry *self, const char *call_id)
{
  const WzpCallRecord *call = g_hash_table_lookup (self->calls, call_id);
  const WzpRegistryLink *link;

  if (call == NULL || call->state != WZP_CALL_ACTIVE)
    return NULL;
  link = call->link[WZP_CALL_CALLER] != NULL ? call->link[WZP_CALL_CALLER]
                                             : call->link[WZP_CALL_CALLEE];
  return link != NULL ? link->owner : NULL; /* NULL too while it is down */
}
