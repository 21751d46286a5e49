#include "wzp-registry-private.h"

#include <string.h>

/* For a client or for a link. */
typedef struct {
  WzpRegistryClient *client;
  WzpRegistryLink *link;
  WzpMessage *message; /* owned; NULL: close */
} Output;

static void
push_output (WzpRegistry *self, const Output *output)
{
  g_queue_push_tail (&self->outputs, g_memdup2 (output, sizeof *output));
}

void
wzp_registry_push (
    WzpRegistry *self, WzpRegistryClient *client, WzpMessage *message)
{
  push_output (self, &(Output){ .client = client, .message = message });
}

/* Drops what is held of the call, with @type only of this type (UNKNOWN: all
 * of it). Returns: whether the offer was among it. */
static gboolean
forget_call (GQueue *held, const char *call_id, WzpMessageType type)
{
  gboolean had_offer = FALSE;
  GList *next;

  for (GList *l = held->head; l != NULL; l = next) {
    WzpMessage *message = l->data;

    next = l->next;
    if (strcmp (message->call_id, call_id) != 0 ||
        (type != WZP_MESSAGE_UNKNOWN && message->type != type))
      continue;
    had_offer |= message->type == WZP_MESSAGE_DIRECT_CALL_OFFER;
    wzp_message_free (message);
    g_queue_delete_link (held, l);
  }
  return had_offer;
}

/* Drops the newest that is no Hangup; FALSE: there is none. */
static gboolean
drop_newest (GQueue *held)
{
  for (GList *l = held->tail; l != NULL; l = l->prev) {
    WzpMessage *message = l->data;

    if (message->type != WZP_MESSAGE_HANGUP) {
      wzp_message_free (message);
      g_queue_delete_link (held, l);
      return TRUE;
    }
  }
  return FALSE;
}

/* Takes @message. A Hangup says all that is left to say of its call, and
 * nothing where the offer has not left; an update or report takes the place of
 * an older one. */
static void
hold (WzpRegistry *self, GQueue *held, guint max, WzpMessage *message)
{
  gboolean is_hangup = message->type == WZP_MESSAGE_HANGUP;

  if (is_hangup && forget_call (held, message->call_id, WZP_MESSAGE_UNKNOWN)) {
    wzp_message_free (message);
    return;
  }
  if (message->type == WZP_MESSAGE_CANDIDATE_UPDATE ||
      message->type == WZP_MESSAGE_MEDIA_PATH_REPORT)
    forget_call (held, message->call_id, message->type);
  if (held->length >= max) {
    self->n_held_dropped++;
    if (!is_hangup || !drop_newest (held)) {
      wzp_message_free (message);
      return;
    }
  }
  g_queue_push_tail (held, message);
}

void
wzp_registry_push_to_party (
    WzpRegistry *self, WzpRegistryParty *party, WzpMessage *message)
{
  if (party->client != NULL)
    wzp_registry_push (self, party->client, message);
  else if (party->is_waiting)
    hold (self, &party->held, WZP_REGISTRY_MAX_HELD, message);
  else
    wzp_message_free (message);
}

void
wzp_registry_push_to_link (
    WzpRegistry *self, WzpRegistryLink *link, WzpMessage *message)
{
  if (link->is_up)
    push_output (self, &(Output){ .link = link, .message = message });
  else
    hold (self, &link->held, WZP_REGISTRY_MAX_HELD_LINK, message);
}

void
wzp_registry_push_to_links (
    WzpRegistry *self, guint32 links, WzpMessage *message)
{
  for (guint i = 0; i < WZP_REGISTRY_MAX_LINKS; i++)
    if ((links & (1u << i)) != 0)
      wzp_registry_push_to_link (
          self, self->links[i], wzp_message_copy (message));
  wzp_message_free (message);
}

void
wzp_registry_refuse (
    WzpRegistry *self, const WzpMessage *message, const char *why)
{
  self->n_refused++;
  g_debug ("%s refused: %s", wzp_message_type_to_string (message->type), why);
}

static void
keep_outputs (WzpRegistry *self, const WzpRegistryClient *client,
    const WzpRegistryLink *link, GQueue *held, guint max)
{
  GList *next;

  for (GList *l = self->outputs.head; l != NULL; l = next) {
    Output *output = l->data;

    next = l->next;
    if (output->client != client || output->link != link)
      continue;
    g_queue_delete_link (&self->outputs, l);
    if (held != NULL && output->message != NULL &&
        output->message->call_id != NULL)
      hold (self, held, max, output->message);
    else
      wzp_message_free (output->message);
    g_free (output);
  }
}

void
wzp_registry_keep_client_outputs (
    WzpRegistry *self, WzpRegistryClient *client, GQueue *held)
{
  keep_outputs (self, client, NULL, held, WZP_REGISTRY_MAX_HELD);
}

void
wzp_registry_keep_link_outputs (
    WzpRegistry *self, WzpRegistryLink *link, GQueue *held)
{
  keep_outputs (self, NULL, link, held, WZP_REGISTRY_MAX_HELD_LINK);
}

void
wzp_registry_flush_party (WzpRegistry *self, WzpRegistryParty *party)
{
  char text[WZP_ADDR_MAX_STRLEN];
  WzpMessage *message;

  while ((message = g_queue_pop_head (&party->held)) != NULL) {
    /* It may come from elsewhere now, and see another address of ours. */
    if (message->type == WZP_MESSAGE_CALL_SETUP) {
      g_free (message->relay_addr);
      message->relay_addr = g_strdup (wzp_addr_to_string (&party->local, text));
    }
    wzp_registry_push (self, party->client, message);
  }
}

void
wzp_registry_flush_link (WzpRegistry *self, WzpRegistryLink *link)
{
  WzpMessage *message;

  while ((message = g_queue_pop_head (&link->held)) != NULL)
    wzp_registry_push_to_link (self, link, message);
}

void
wzp_registry_clear_held (GQueue *held)
{
  g_queue_clear_full (held, (GDestroyNotify) wzp_message_free);
}

static void
free_output (gpointer data)
{
  Output *output = data;

  wzp_message_free (output->message);
  g_free (output);
}

void
wzp_registry_clear_outputs (WzpRegistry *self)
{
  g_queue_clear_full (&self->outputs, free_output);
}

/* Takes @inner. */
static WzpMessage *
wrap (const WzpRegistry *self, WzpMessage *inner)
{
  WzpMessage *forward = wzp_message_new (WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD);

  forward->inner = inner;
  forward->origin_relay_fp = g_strdup (self->relay_fp);
  return forward;
}

gboolean
wzp_registry_pop (WzpRegistry *self, WzpRegistryOutput *ret_output)
{
  g_autofree Output *output = NULL;

  g_return_val_if_fail (self != NULL, FALSE);

  output = g_queue_pop_head (&self->outputs);
  if (output == NULL)
    return FALSE;
  ret_output->is_link = output->link != NULL;
  ret_output->owner =
      ret_output->is_link ? output->link->owner : output->client->owner;
  ret_output->message =
      ret_output->is_link ? wrap (self, output->message) : output->message;
  return TRUE;
}

gboolean
wzp_registry_has_output (const WzpRegistry *self)
{
  return self->outputs.head != NULL;
}
