/* wzp-relay-link-private: one federated relay, for wzp-relay-links.
 *
 * Which connection stays: both relays may dial each other at once. Where two
 * connections are up, the one stays that was dialled by the relay with the
 * smaller TLS fingerprint (compared as bytes); of two that one relay dialled,
 * the newer. The other one is read for WZP_RELAY_LINK_LINGER_US longer, so that
 * nothing that was sent on it is lost, and then closed. A connection that comes
 * up more than WZP_RELAY_LINK_AT_ONCE_US after the one in use was not dialled
 * at once with it: the peer has lost that one, and the new one stays whoever
 * dialled it.
 *
 * A relay dials only while it has no connection that is up, at once and then
 * again after wzp_relay_link_retry_us(). */
#pragma once

#include "wzp-relay-dial.h"
#include "wzp-relay-private.h"

G_BEGIN_DECLS

#define WZP_RELAY_LINK_RETRY_US     (1 * G_USEC_PER_SEC)
#define WZP_RELAY_LINK_MAX_RETRY_US (60 * G_USEC_PER_SEC)
/* A link that was up for so long is dialled again as if for the first time. */
#define WZP_RELAY_LINK_STABLE_US    (60 * G_USEC_PER_SEC)
#define WZP_RELAY_LINK_DIAL_US      (20 * G_USEC_PER_SEC) /* look-up, handshake */
#define WZP_RELAY_LINK_HELLO_US     (5 * G_USEC_PER_SEC)  /* after the handshake */
#define WZP_RELAY_LINK_AT_ONCE_US   (10 * G_USEC_PER_SEC)
#define WZP_RELAY_LINK_LINGER_US    (2 * G_USEC_PER_SEC)

/* Of the close that a relay which is no peer gets. */
#define WZP_RELAY_LINK_NOT_A_PEER "this relay is not a peer here"

/* @rule: its pin is the peer's fingerprint; host NULL: it is not dialled, it
 * dials us. Both are copied. */
WzpRelayLink *wzp_relay_link_new (
    WzpRelay *relay, const WzpRelayRule *rule, const char *label);
/* Closes what there is. Leaves something to pump. */
void wzp_relay_link_free (
    WzpRelayLink *self, WzpCloseCode code, const char *text);
/* The same peer under another address or label; what is up stays. */
void wzp_relay_link_set_rule (
    WzpRelayLink *self, const WzpRelayRule *rule, const char *label);
/* The peer's TLS fingerprint, 32 bytes. */
const guint8 *wzp_relay_link_get_sha256 (const WzpRelayLink *self);
/* A connection that came in, of the peer's certificate. Takes a reference. */
void wzp_relay_link_accept (WzpRelayLink *self, WzpConn *conn);
/* The one in use; NULL: down. */
WzpConn *wzp_relay_link_get_conn (const WzpRelayLink *self);
void wzp_relay_link_get_stats (
    const WzpRelayLink *self, WzpRelayLinkStats *ret_stats);

/* wzp-relay-links: the link to the relay of that certificate; NULL: no peer. */
WzpRelayLink *wzp_relay_links_find (
    const WzpRelayLinks *self, const guint8 sha256[32]);

/* What a relay with @fingerprint has to be given for the configuration file of
 * one that shall take it (transfer full). */
char *wzp_relay_link_format_peer (const char *fingerprint);

/* How long to wait after the @failures'th failure in a row (from 0): between
 * half and the whole of a time that doubles. @chance: 0 to 1, random. Pure. */
gint64 wzp_relay_link_retry_us (guint failures, double chance);

G_END_DECLS
