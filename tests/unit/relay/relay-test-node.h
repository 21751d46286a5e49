/* relay-test-node: a real relay on loopback and real clients of it, all in the
 * test's own context. */
#pragma once

#include "relay-test-peer.h"
#include "wzp-channel.h"
#include "wzp-relay.h"
#include "wzp-signal-client.h"
#include "wzp-test.h"

typedef struct {
  WzpTest *test;
  TestPeer *peer;          /* owned: whose certificate is shown */
  WzpIdentity *identity;   /* not owned: who registers; the peer's */
  WzpEndpoint *endpoint;   /* owned */
  WzpSignalClient *client; /* owned */
  WzpSignalConfig config;
  char *relay;             /* owned: host:port */
  GPtrArray *messages;     /* of WzpMessage, that were not taken yet */
  guint n_ready, n_failed;
  GError *error;           /* of the last failed() */
} TestNode;

/* @listen: NULL: 127.0.0.1 and any port, an ephemeral key. */
WzpRelay *test_relay_new (WzpTest *test, const WzpRelayConfig *config);
void test_relay_get_addr (const WzpRelay *relay, WzpAddr *ret_addr);

/* @relay NULL: one in another process, which the test sets as node->relay and
 * config.relay. */
TestNode *test_node_new (WzpTest *test, WzpRelay *relay, guint index);
/* One that neither sends nor takes larger UDP payloads; 0: the default. */
TestNode *test_node_new_narrow (
    WzpTest *test, WzpRelay *relay, guint index, guint max_udp_payload);
void test_node_free (TestNode *node);
/* Starts signalling, and the second waits until it is ready. */
void test_node_start (TestNode *node, const char *alias);
void test_node_register (TestNode *node, const char *alias);
/* Takes @message. */
void test_node_send (TestNode *node, WzpMessage *message);
/* Waits for the next message, which has to be of @type (transfer full). */
WzpMessage *test_node_expect (TestNode *node, WzpMessageType type);
void test_node_expect_hangup (TestNode *node, const char *call_id,
    WzpHangupReason reason, const char *detail);
/* A call from @a to @b: both have got their CallSetup. */
void test_node_call (TestNode *a, TestNode *b, const char *call_id);

/* One connection of a node, without signalling's help. */
typedef struct {
  TestNode *node;
  WzpConn *conn; /* owned */
  gboolean is_established, is_closed;
  guint64 close_code;
  gboolean close_is_application;
  char *close_reason;   /* owned */
  GPtrArray *datagrams; /* of GBytes */
  WzpChannel *channel;  /* owned: messages on its streams */
  GPtrArray *messages;  /* of WzpMessage, that were not taken yet */
} TestConn;

/* @relay NULL: to node->relay. */
TestConn *test_conn_new (
    TestNode *node, WzpRelay *relay, const char *server_name);
void test_conn_free (TestConn *conn);
void test_conn_wait (TestConn *conn);
void test_conn_wait_closed (
    TestConn *conn, guint64 code, const char *reason);
/* FALSE: not queued. */
gboolean test_conn_send (TestConn *conn, const void *data, gsize len);
/* Takes @message. */
void test_conn_send_message (TestConn *conn, WzpMessage *message);
/* Waits for the next message, which has to be of @type (transfer full). */
WzpMessage *test_conn_expect (TestConn *conn, WzpMessageType type);
