#include "wzp-relay-http.h"

#include "wzp-addr.h"
#include "wzp-error.h"
#include "wzp-relay-metrics.h"

#include <gio/gio.h>
#include <microhttpd.h>
#include <string.h>

struct _WzpRelayHttp {
  const WzpRelayHttpHandler *handler;
  gpointer user_data;
  char *address;             /* owned */
  GSocket *socket;           /* owned: the listening one */
  struct MHD_Daemon *daemon; /* owned */
  GSource *source;           /* owned */
};

/* For the daemon's one descriptor, behind which are all of its sockets. */
typedef struct {
  GSource parent;
  WzpRelayHttp *http;
} HttpSource;

gboolean
wzp_relay_http_is_there (void)
{
  return TRUE;
}

static void
set_deadline (WzpRelayHttp *self)
{
  MHD_UNSIGNED_LONG_LONG ms;

  g_source_set_ready_time (self->source,
      MHD_get_timeout (self->daemon, &ms) == MHD_YES
          ? g_get_monotonic_time () + (gint64) ms * 1000
          : -1);
}

static guint
count_connections (const WzpRelayHttp *self)
{
  return MHD_get_daemon_info (self->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
      ->num_connections;
}

static gboolean
http_source_dispatch (GSource *source, GSourceFunc func, gpointer user_data)
{
  WzpRelayHttp *self = ((HttpSource *) source)->http;

  guint before;

  /* Below its limit again the daemon goes back to its listening socket in the
   * run after the one in which a connection went. */
  do {
    before = count_connections (self);
    MHD_run (self->daemon);
  } while (count_connections (self) < before);
  set_deadline (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs http_source_funcs = { .dispatch = http_source_dispatch };

/* Takes @text. */
static enum MHD_Result
answer (struct MHD_Connection *connection, guint status, const char *type,
    char *text)
{
  struct MHD_Response *response = MHD_create_response_from_buffer (
      strlen (text), text, MHD_RESPMEM_MUST_COPY);
  enum MHD_Result result;

  g_free (text);
  if (response == NULL)
    return MHD_NO;
  MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  MHD_add_response_header (response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
    MHD_add_response_header (response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  result = MHD_queue_response (connection, status, response);
  MHD_destroy_response (response);
  return result;
}

static enum MHD_Result
answer_plain (struct MHD_Connection *connection, guint status, const char *text)
{
  return answer (
      connection, status, "text/plain; charset=utf-8", g_strdup (text));
}

/* A request's headers are here. A body, if any, is not waited for. */
static enum MHD_Result
on_request (void *data, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload_data,
    size_t *upload_len, void **request)
{
  WzpRelayHttp *self = data;
  const gboolean is_metrics = strcmp (url, "/metrics") == 0;

  if (!is_metrics && strcmp (url, "/healthz") != 0)
    return answer_plain (connection, MHD_HTTP_NOT_FOUND, "not found\n");
  if (strcmp (method, MHD_HTTP_METHOD_GET) != 0 &&
      strcmp (method, MHD_HTTP_METHOD_HEAD) != 0)
    return answer_plain (
        connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
  if (is_metrics)
    return answer (connection, MHD_HTTP_OK, WZP_RELAY_METRICS_TYPE,
        self->handler->make_metrics (self->user_data));
  return self->handler->is_draining (self->user_data)
      ? answer_plain (connection, MHD_HTTP_SERVICE_UNAVAILABLE, "draining\n")
      : answer_plain (connection, MHD_HTTP_OK, "ok\n");
}

static GSocket *
open_socket (const char *address, GError **error)
{
  g_autoptr (GSocketAddress) addr = NULL;
  g_autoptr (GInetAddress) ip = NULL;
  g_autoptr (GSocket) socket = NULL;
  WzpAddr parsed;

  if (!wzp_addr_parse (address, &parsed, error))
    return NULL;
  ip = g_inet_address_new_from_bytes (parsed.ip,
      parsed.family == 4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
  addr = g_inet_socket_address_new (ip, parsed.port);
  socket = g_socket_new (g_socket_address_get_family (addr),
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  if (socket == NULL || !g_socket_bind (socket, addr, TRUE, error) ||
      !g_socket_listen (socket, error))
    return NULL;
  g_socket_set_blocking (socket, FALSE);
  return g_steal_pointer (&socket);
}

static char *
get_bound (GSocket *socket, GError **error)
{
  g_autoptr (GSocketAddress) addr = g_socket_get_local_address (socket, error);

  return addr != NULL
      ? g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (addr))
      : NULL;
}

static struct MHD_Daemon *
start_daemon (WzpRelayHttp *self)
{
  return MHD_start_daemon (MHD_USE_EPOLL, 0, NULL, NULL, on_request, self,
      MHD_OPTION_LISTEN_SOCKET, g_socket_get_fd (self->socket),
      MHD_OPTION_CONNECTION_LIMIT, WZP_RELAY_HTTP_MAX_CONNECTIONS,
      MHD_OPTION_CONNECTION_TIMEOUT, WZP_RELAY_HTTP_TIMEOUT_S,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) WZP_RELAY_HTTP_MAX_REQUEST,
      MHD_OPTION_END);
}

static void
attach (WzpRelayHttp *self, GMainContext *context)
{
  const union MHD_DaemonInfo *info =
      MHD_get_daemon_info (self->daemon, MHD_DAEMON_INFO_EPOLL_FD);

  self->source = g_source_new (&http_source_funcs, sizeof (HttpSource));
  ((HttpSource *) self->source)->http = self;
  g_source_add_unix_fd (self->source, info->epoll_fd, G_IO_IN);
  g_source_attach (self->source, context);
  set_deadline (self);
}

WzpRelayHttp *
wzp_relay_http_new (GMainContext *context, const char *address,
    const WzpRelayHttpHandler *handler, gpointer user_data, GError **error)
{
  g_autoptr (WzpRelayHttp) self = g_new0 (WzpRelayHttp, 1);

  self->handler = handler;
  self->user_data = user_data;
  self->socket = open_socket (address, error);
  if (self->socket == NULL)
    return NULL;
  self->address = get_bound (self->socket, error);
  if (self->address == NULL)
    return NULL;
  self->daemon = start_daemon (self);
  if (self->daemon == NULL) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_FAILED,
        "Cannot serve metrics on %s", self->address);
    return NULL;
  }
  attach (self, context);
  return g_steal_pointer (&self);
}

void
wzp_relay_http_free (WzpRelayHttp *self)
{
  if (self == NULL)
    return;
  if (self->source != NULL) {
    g_source_destroy (self->source);
    g_source_unref (self->source);
  }
  if (self->daemon != NULL) {
    /* The listening socket is not its own to close. */
    MHD_quiesce_daemon (self->daemon);
    MHD_stop_daemon (self->daemon);
  }
  g_clear_object (&self->socket);
  g_free (self->address);
  g_free (self);
}

const char *
wzp_relay_http_get_address (const WzpRelayHttp *self)
{
  return self->address;
}
