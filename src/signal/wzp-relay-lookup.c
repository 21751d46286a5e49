#include "wzp-relay-lookup.h"

#include "wzp-error.h"
#include "wzp-sockaddr.h"

#include <gio/gio.h>

/* Outlives the lookup when the resolver is slow to notice that it was given
 * up. */
typedef struct {
  WzpRelayLookup *lookup; /* NULL: given up */
} Question;

struct _WzpRelayLookup {
  char *host;
  guint16 port;
  WzpRelayLookupFunc func;
  gpointer user_data;
  GSource *start;       /* owned, or NULL */
  GCancellable *cancel; /* owned, or NULL */
  Question *question;   /* owned by the resolver's callback, or NULL */
  WzpAddr addrs[WZP_RELAY_LOOKUP_MAX_ADDRS];
  guint n_addrs;
};

/* The last statement of its callers: the lookup may be gone after. */
static void
finish (WzpRelayLookup *self, const GError *error)
{
  g_autoptr (GError) none = NULL;

  if (error == NULL && self->n_addrs == 0) {
    none = g_error_new (WZP_ERROR, WZP_ERROR_UNREACHABLE,
        "The relay's name %s has no address", self->host);
    error = none;
  }
  self->func (self, error == NULL ? self->addrs : NULL,
      error == NULL ? self->n_addrs : 0, error, self->user_data);
}

static void
add_address (WzpRelayLookup *self, const WzpAddr *addr)
{
  for (guint i = 0; i < self->n_addrs; i++)
    if (wzp_addr_equal (&self->addrs[i], addr))
      return;
  if (self->n_addrs < WZP_RELAY_LOOKUP_MAX_ADDRS)
    self->addrs[self->n_addrs++] = *addr;
}

static void
add_inet_address (WzpRelayLookup *self, GInetAddress *inet)
{
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new (inet, self->port);
  gssize len = g_socket_address_get_native_size (address);
  struct sockaddr_storage storage;
  WzpAddr addr;

  if (g_socket_address_to_native (address, &storage, sizeof storage, NULL) &&
      wzp_sockaddr_to_addr (
          (struct sockaddr *) &storage, (socklen_t) len, &addr))
    add_address (self, &addr);
}

static void
on_answer (GObject *resolver, GAsyncResult *result, gpointer user_data)
{
  g_autofree Question *question = user_data;
  WzpRelayLookup *self = question->lookup;
  g_autoptr (GError) error = NULL;
  GList *found =
      g_resolver_lookup_by_name_finish (G_RESOLVER (resolver), result, &error);

  if (self != NULL) {
    self->question = NULL;
    for (GList *l = found; l != NULL; l = l->next)
      add_inet_address (self, l->data);
  }
  g_resolver_free_addresses (found);
  if (self == NULL)
    return;
  if (error != NULL)
    g_prefix_error (&error, "Cannot look up the relay %s: ", self->host);
  finish (self, error);
}

static void
ask (WzpRelayLookup *self)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();

  self->cancel = g_cancellable_new ();
  self->question = g_new0 (Question, 1);
  self->question->lookup = self;
  g_resolver_lookup_by_name_async (
      resolver, self->host, self->cancel, on_answer, self->question);
}

/* What needs no resolver. */
static gboolean
add_literal (WzpRelayLookup *self)
{
  static const char *const loopback[] = { "127.0.0.1", "::1" };
  WzpAddr addr;

  if (wzp_addr_parse_ip (self->host, self->port, &addr, NULL)) {
    add_address (self, &addr);
    return TRUE;
  }
  if (g_ascii_strcasecmp (self->host, "localhost") != 0)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (loopback); i++)
    if (wzp_addr_parse_ip (loopback[i], self->port, &addr, NULL))
      add_address (self, &addr);
  return TRUE;
}

static gboolean
on_start (gpointer user_data)
{
  WzpRelayLookup *self = user_data;

  g_clear_pointer (&self->start, g_source_unref);
  if (add_literal (self))
    finish (self, NULL);
  else
    ask (self);
  return G_SOURCE_REMOVE;
}

WzpRelayLookup *
wzp_relay_lookup_new (
    const char *host, guint16 port, WzpRelayLookupFunc func, gpointer user_data)
{
  WzpRelayLookup *self;

  g_return_val_if_fail (host != NULL && func != NULL, NULL);

  self = g_new0 (WzpRelayLookup, 1);
  self->host = g_strdup (host);
  self->port = port;
  self->func = func;
  self->user_data = user_data;
  self->start = g_idle_source_new ();
  g_source_set_priority (self->start, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->start, on_start, self, NULL);
  g_source_attach (self->start, g_main_context_get_thread_default ());
  return self;
}

void
wzp_relay_lookup_free (WzpRelayLookup *self)
{
  if (self == NULL)
    return;
  if (self->start != NULL) {
    g_source_destroy (self->start);
    g_source_unref (self->start);
  }
  if (self->question != NULL)
    self->question->lookup = NULL;
  if (self->cancel != NULL)
    g_cancellable_cancel (self->cancel);
  g_clear_object (&self->cancel);
  g_free (self->host);
  g_free (self);
}
