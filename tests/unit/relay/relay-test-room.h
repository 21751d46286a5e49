/* relay-test-room: what tests of media rooms share: datagrams as an open room
 * takes them, the first two messages on a media connection, and clients that
 * show no certificate.
 *
 * A test that uses test_node_hide() is linked with --wrap of
 * wzp_conn_get_peer_key and wzp_conn_get_peer_fingerprint. */
#pragma once

#include "relay-test-node.h"
#include "wzp-datagram.h"

/* For the relay, this node shows no certificate from now on. */
void test_node_hide (TestNode *node);

/* A connection to the open room, entered. */
TestConn *test_room_enter (TestNode *node, WzpRelay *relay, const char *room);
WzpRelayStats test_relay_stats (const WzpRelay *relay);

/* A datagram of @len bytes (16 at least) of an open room. @flags:
 * WZP_DATAGRAM_*; @sender: the tag; with CONTROL @flow is 0. */
GBytes *test_room_datagram (
    guint8 flags, guint64 number, guint64 sender, guint32 flow, gsize len);
gboolean test_conn_send_bytes (TestConn *conn, GBytes *bytes);
/* Sends one and waits until it has come to each of @to, as it was. */
void test_room_check_passes (
    TestConn *from, GBytes *bytes, TestConn *const *to, guint n_to);

/* Signed by @identity; @alias: nullable. */
WzpMessage *test_call_offer (const WzpIdentity *identity, const char *alias);
/* Waits for it, and checks that it is the relay's. */
void test_conn_expect_answer (TestConn *conn, const WzpIdentity *relay);
WzpMessage *test_auth_token (const char *token);
