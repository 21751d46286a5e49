/* wzp-endpoint: QUIC client and server at once on one UDP socket per family.
 *
 * Owns the sockets, the connection-id table, the timers; a first byte outside
 * QUIC's (RFC 9443) goes to the packet() callback. Lives in the thread of the
 * GMainContext given. */
#pragma once

#include "wzp-conn.h"
#include "wzp-identity.h"
#include "wzp-udp.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define WZP_ALPN "wzp"
#define WZP_ENDPOINT_MAX_HANDSHAKES 1024u /* unfinished, as server */
#define WZP_ENDPOINT_RETRY_ABOVE    64u   /* unfinished: ask for Retry tokens */
#define WZP_ENDPOINT_MAX_CONNS      65536u
#define WZP_ENDPOINT_NO_KEEP_ALIVE  G_MAXUINT

typedef struct _WzpEndpoint WzpEndpoint;

typedef struct {
  const char *bind_address; /* IP text; NULL: any, both families (a family that
                             * the machine lacks is left out) */
  guint16 bind_port;        /* 0: any (the same for both where it can be) */
  const int *fds;           /* instead of the two above: bound UDP sockets, at
                             * most one of a family (socket activation). Owned
                             * by the endpoint from then on, whatever
                             * wzp_endpoint_new() returns */
  guint n_fds;              /* 0: none */
  WzpUdpOptions udp;
  gboolean always_retry;    /* for tests */
  guint max_udp_payload;    /* largest packet either side may send; 0: PMTUD up
                             * to what the link allows */
  guint idle_timeout_ms;    /* 0: 30000 */
  guint keep_alive_ms;      /* 0: 5000 */
  guint server_keep_alive_ms; /* of connections that came in; 0: as above.
                             * WZP_ENDPOINT_NO_KEEP_ALIVE: none, where the
                             * clients see to it */
  gboolean accept_none;     /* client only: Initials are ignored */
} WzpEndpointConfig;

typedef struct {
  /* A client's ClientHello named @server_name (1-255 printable ASCII bytes; one
   * that names nothing is refused): FALSE refuses at once, before any more
   * work, with TLS alert 112. NULL callback: all are taken. */
  gboolean (*admit) (WzpEndpoint *endpoint, const char *server_name,
      const WzpAddr *remote, gpointer user_data);
  /* The largest packet that this client may send from then on, bytes; 0: as
   * configured. Told to the client, larger ones are dropped. For where many
   * connections carry little: each keeps a buffer for the largest packet it
   * ever got, up to 64 KiB. After admit(). NULL callback: 0. */
  guint (*get_max_receive) (
      WzpEndpoint *endpoint, const char *server_name, gpointer user_data);
  /* A server-side handshake is done, server name and peer key are known. TRUE:
   * kept (set a handler on it, take a reference); FALSE: closed with
   * WZP_CLOSE_REFUSED, unless the callback closed it itself. NULL callback:
   * none is kept. */
  gboolean (*accept) (
      WzpEndpoint *endpoint, WzpConn *conn, gpointer user_data);
  /* Not QUIC: a punch; if not, see wzp_endpoint_count_bad(). */
  void (*packet) (WzpEndpoint *endpoint, const WzpUdpPacket *packet,
      gpointer user_data);
  /* wzp_endpoint_wake() was called from another thread; once per dispatch,
   * before writing, so that what is queued here goes out in this turn. */
  void (*woken) (WzpEndpoint *endpoint, gpointer user_data);
} WzpEndpointHandler;

/* @config, @handler: nullable; @handler static. G_IO_ERROR when the port is
 * taken or a given socket is of no use, WZP_ERROR_INVALID when the address is
 * none or there is more than one given socket of a family. */
WzpEndpoint *wzp_endpoint_new (GMainContext *context, WzpIdentity *identity,
    const WzpEndpointConfig *config, const WzpEndpointHandler *handler,
    gpointer user_data, GError **error);
/* Closes every connection (WZP_CLOSE_SHUTDOWN, packets sent), then frees. Not
 * from inside a callback. */
void wzp_endpoint_free (WzpEndpoint *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpEndpoint, wzp_endpoint_free)

/* The port bound of @family (4 or 6, as in WzpAddr); 0: it is not open. */
guint16 wzp_endpoint_get_port (const WzpEndpoint *self, int family);
/* The address bound, NULL when it is "any", or one of each family. */
const WzpAddr *wzp_endpoint_get_bound (const WzpEndpoint *self);
/* What the kernel gave as receive buffer, bytes (the smaller of both). */
guint wzp_endpoint_get_recv_buffer (const WzpEndpoint *self);

/* Who the server must be, and who we are. */
typedef struct {
  const char *server_name;     /* SNI, required */
  guint timeout_ms;            /* handshake; 0: 10000 */
  guint max_udp_payload;       /* largest packet either side may send on this
                                * connection, where that is less than the
                                * endpoint's; 0: the endpoint's */
  guint keep_alive_ms;         /* 0: the endpoint's */
  WzpIdentity *identity;       /* nullable: the endpoint's; else who we are on
                                * this connection. Not kept: its certificate is
                                * made for this dial and freed with the
                                * handshake */
  /* at least one of, checked during the handshake (a failure is a TLS alert and
   * WZP_ERROR_IDENTITY in closed()): */
  const guint8 *expect_key;              /* nullable: this Ed25519 key */
  const WzpFingerprint *expect_fingerprint; /* nullable: of its key */
  const char *ca_host_name;              /* nullable: system CAs, this name */
  /* nullable: own rule (trust on first use). Called once, before the connection
   * is established; not after it is closed. */
  gboolean (*verify) (const guint8 cert_sha256[32], const guint8 *key_or_null,
      gpointer user_data, GError **error);
  gpointer verify_data;
} WzpDialOptions;

/* Opens a connection; @handler->established or ->closed tells how it went,
 * never from inside this call. Returns a new reference; unref does not close
 * it. NULL: WZP_ERROR_UNREACHABLE (no socket of that family), _TOO_LARGE. */
WzpConn *wzp_endpoint_dial (WzpEndpoint *self, const WzpAddr *remote,
    const WzpDialOptions *options, const WzpConnHandler *handler,
    gpointer user_data, GError **error);

/* A packet of our own (a punch); its first byte must be below 64. FALSE: not
 * sent. The second form dies after @ttl hops; 0: as usual. */
gboolean wzp_endpoint_send_packet (WzpEndpoint *self, const WzpAddr *remote,
    const guint8 *data, gsize len);
gboolean wzp_endpoint_send_packet_ttl (WzpEndpoint *self,
    const WzpAddr *remote, guint8 ttl, const guint8 *data, gsize len);

/* What was handed to packet() is nothing of ours either. */
void wzp_endpoint_count_bad (WzpEndpoint *self);

/* Writes everything that may go now; nothing when called in a callback, where
 * that is about to happen. */
void wzp_endpoint_flush (WzpEndpoint *self);
/* Any thread: woken() will be called in the endpoint's. */
void wzp_endpoint_wake (WzpEndpoint *self);

typedef struct {
  WzpUdpStats udp;
  guint64 bad_packets;     /* neither QUIC of ours nor taken by packet(), or
                            * larger than the connection takes */
  guint64 refused;         /* Initials over a limit, or refused by admit() */
  guint64 retries_sent, version_negotiations_sent, resets_sent;
  guint connections, handshakes;
} WzpEndpointStats;
void wzp_endpoint_get_stats (
    const WzpEndpoint *self, WzpEndpointStats *ret_stats);

G_END_DECLS
