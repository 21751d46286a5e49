/* relay-test-fake: a relay of a federation that says what it likes: by hand. */
#pragma once

#include "relay-test-node.h"
#include "wzp-channel.h"

/* One connection of it. */
typedef struct {
  WzpConn *conn;
  WzpChannel *channel;
  GPtrArray *messages;
  gboolean is_closed;
  guint64 code;
  char *reason;
} FakeConn;

typedef struct {
  WzpTest *test;
  WzpIdentity *identity;
  WzpEndpoint *endpoint;
  char *fingerprint;
  FakeConn *accepted; /* the first that came in */
} Fake;

Fake *fake_new (WzpTest *test);
/* Takes @identity. */
Fake *fake_new_with (WzpTest *test, WzpIdentity *identity);
/* With a larger fingerprint than that of @relay. */
Fake *fake_new_larger (WzpTest *test, const WzpRelay *relay);
void fake_free (Fake *fake);
char *fake_dup_address (const Fake *fake);

/* Opens a connection to @relay, whatever certificate it has. */
FakeConn *fake_dial (Fake *fake, const WzpRelay *relay);
void fake_conn_free (FakeConn *conn);
void fake_hello (FakeConn *conn, const char *fingerprint);
void fake_ping (FakeConn *conn, guint64 number);
/* Waits until the relay closes @conn with these words. */
void fake_expect_closed (
    Fake *fake, FakeConn *conn, guint64 code, const char *reason);
