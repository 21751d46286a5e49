/* wzp-relay-proof: who the relay turned out to be on the signalling
 * connection, and how its media rooms are dialled by that. For
 * wzp-signal-client. The endpoint's thread. */
#pragma once

#include "wzp-relay-dial.h"

G_BEGIN_DECLS

typedef struct _WzpRelayProof WzpRelayProof;

/* @max_others: relays other than that of signalling that may be dialled. */
WzpRelayProof *wzp_relay_proof_new (guint max_others);
/* Not before the handshake of every room dialled is over. */
void wzp_relay_proof_free (WzpRelayProof *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelayProof, wzp_relay_proof_free)

/* @conn is an established signalling connection, judged by @rule. */
void wzp_relay_proof_set (
    WzpRelayProof *self, const WzpConn *conn, const WzpRelayRule *rule);
/* NULL before set. */
const WzpAddr *wzp_relay_proof_get_addr (const WzpRelayProof *self);

/* @relay_addr: nullable, the same relay. See wzp_signal_client_dial_room(). */
WzpConn *wzp_relay_proof_dial_room (WzpRelayProof *self, WzpEndpoint *endpoint,
    const char *server_name, const WzpAddr *relay_addr, guint timeout_ms,
    const WzpConnHandler *handler, gpointer user_data, GError **error);
/* Another port of the same relay, which must show the same certificate. */
WzpConn *wzp_relay_proof_dial_port (WzpRelayProof *self, WzpEndpoint *endpoint,
    const char *server_name, guint16 port, guint timeout_ms,
    const WzpConnHandler *handler, gpointer user_data, GError **error);

G_END_DECLS
