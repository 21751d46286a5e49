/* wzp-relay-http: metrics and health over HTTP/1.1, for machines of the
 * operator's, by libmicrohttpd:
 *
 *   GET, HEAD /metrics   the metrics
 *   GET, HEAD /healthz   200 "ok", or 503 "draining"
 *
 * Everything else is 404 or 405. It runs in the GMainContext, never waits, and
 * is bounded: connections, bytes of a request, seconds of silence. No TLS and
 * no password: it is for loopback or a network of the operator's. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_RELAY_HTTP_MAX_CONNECTIONS 16u
#define WZP_RELAY_HTTP_MAX_REQUEST     (16u * 1024u) /* bytes, with what a
                                                      * connection needs else */
#define WZP_RELAY_HTTP_TIMEOUT_S       10u

typedef struct _WzpRelayHttp WzpRelayHttp;

typedef struct {
  /* The text of /metrics (transfer full). */
  char *(*make_metrics) (gpointer user_data);
  gboolean (*is_draining) (gpointer user_data);
} WzpRelayHttpHandler;

/* Whether this build has it. */
gboolean wzp_relay_http_is_there (void);
/* @address: "IP:port", port 0 for a free one; @handler static. G_IO_ERROR when
 * the port is taken, WZP_ERROR_INVALID, WZP_ERROR_FAILED: not in this build. */
WzpRelayHttp *wzp_relay_http_new (GMainContext *context, const char *address,
    const WzpRelayHttpHandler *handler, gpointer user_data, GError **error);
/* Not from inside a callback. */
void wzp_relay_http_free (WzpRelayHttp *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelayHttp, wzp_relay_http_free)

/* "IP:port" as bound. */
const char *wzp_relay_http_get_address (const WzpRelayHttp *self);

G_END_DECLS
