/* signal-test-relay: a relay that does what a test says, on a real endpoint on
 * loopback, in the test's own context. */
#pragma once

#include "wzp-channel.h"
#include "wzp-endpoint.h"

typedef struct _TestRelay TestRelay;

/* One connection to it. */
typedef struct {
  TestRelay *relay;
  WzpConn *conn;       /* owned */
  WzpChannel *channel; /* owned */
  char *server_name;   /* owned */
  GPtrArray *messages; /* of WzpMessage: all that came */
  gboolean is_closed;
  WzpCloseInfo info;   /* of the close; reason and error are NULL */
} TestRelayPeer;

struct _TestRelay {
  WzpIdentity *identity; /* owned */
  WzpEndpoint *endpoint; /* owned */
  WzpAddr addr;
  char *host_port;       /* owned: "127.0.0.1:port" */
  GPtrArray *peers;      /* of TestRelayPeer, in the order in which they came */

  /* What it does of itself. */
  gboolean is_silent;     /* never answers */
  const char *ack_error;  /* refuses to register with these words */
  gboolean no_reflect;    /* no ReflectResponse */
  const char *observed;   /* instead of the truth */
  guint16 second_port;    /* told with it */
  void (*before_ack) (TestRelayPeer *peer); /* nullable */
};

/* @identity nullable; @port 0: any. */
TestRelay *test_relay_new (
    GMainContext *context, WzpIdentity *identity, guint16 port);
void test_relay_free (TestRelay *relay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestRelay, test_relay_free)

/* The last one to come; NULL: none has. */
TestRelayPeer *test_relay_peer (TestRelay *relay);
void test_relay_send (TestRelayPeer *peer, const WzpMessage *message);
/* The first message of @type; NULL: none came. */
const WzpMessage *test_relay_find (
    const TestRelayPeer *peer, WzpMessageType type);

/* A client's endpoint on loopback. */
WzpEndpoint *test_client_endpoint_new (
    GMainContext *context, WzpIdentity *identity);
