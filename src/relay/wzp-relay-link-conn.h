/* wzp-relay-link-conn: one QUIC connection to a federated relay whose
 * certificate is known: the hello both ways, then messages and tagged
 * datagrams. For wzp-relay-link.
 *
 *   COMING --(the peer's hello is right)--> UP
 *
 * Messages may overtake each other, so what comes before the hello is held
 * (WZP_RELAY_LINK_CONN_MAX_EARLY messages) and taken after it; datagrams before
 * it are dropped. The endpoint's thread. */
#pragma once

#include "wzp-conn.h"
#include "wzp-message.h"

G_BEGIN_DECLS

#define WZP_RELAY_LINK_CONN_MAX_EARLY 32u
#define WZP_RELAY_LINK_CONN_TAG_LEN   8u /* bytes before a media datagram */

typedef struct _WzpRelayLinkConn WzpRelayLinkConn;

/* Each may free the connection; nothing is called after that. */
typedef struct {
  void (*up) (WzpRelayLinkConn *conn, gpointer user_data);
  /* Not a hello. */
  void (*message) (WzpRelayLinkConn *conn, const WzpMessage *message,
      gpointer user_data);
  void (*malformed) (WzpRelayLinkConn *conn, gpointer user_data);
  void (*datagram) (WzpRelayLinkConn *conn, guint64 tag, const guint8 *data,
      gsize len, gpointer user_data);
  /* It ended, by the peer or because the peer's hello was wrong: to be freed.
   * @is_refused: the peer said that we are none of its. */
  void (*closed) (WzpRelayLinkConn *conn, const GError *error,
      gboolean is_refused, gpointer user_data);
} WzpRelayLinkConnHandler;

/* Takes a reference to @conn, which is established, and sends the hello.
 * @own: our TLS fingerprint. @peer: of the peer's certificate, which has been
 * checked. @handler: all set, static. */
WzpRelayLinkConn *wzp_relay_link_conn_new (WzpConn *conn, const char *own,
    const guint8 peer[32], const WzpRelayLinkConnHandler *handler,
    gpointer user_data);
/* Closes it too. */
void wzp_relay_link_conn_free (
    WzpRelayLinkConn *self, WzpCloseCode code, const char *text);

gboolean wzp_relay_link_conn_is_up (const WzpRelayLinkConn *self);
gboolean wzp_relay_link_conn_is_dialled (const WzpRelayLinkConn *self);
WzpConn *wzp_relay_link_conn_get_conn (const WzpRelayLinkConn *self);
/* As wzp_channel_send(). */
gboolean wzp_relay_link_conn_send (
    WzpRelayLinkConn *self, const WzpMessage *message, GError **error);
/* FALSE: not queued. */
gboolean wzp_relay_link_conn_send_datagram (WzpRelayLinkConn *self,
    guint64 tag, const guint8 *data, gsize len);
/* What fits behind the tag now. */
gsize wzp_relay_link_conn_get_max_datagram (const WzpRelayLinkConn *self);

G_END_DECLS
