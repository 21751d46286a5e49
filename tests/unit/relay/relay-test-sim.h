/* relay-test-sim: a registry, a clock that stands still, and clients that are
 * nothing but their messages. */
#pragma once

#include "relay-test-peer.h"
#include "wzp-registry.h"

typedef struct {
  WzpRegistry *registry;
  gint64 now_us;
} TestSim;

/* The owner of what it adds to the registry. */
typedef struct {
  TestPeer *peer;
  WzpRegistryClient *client; /* NULL: it is gone */
} TestClient;

/* The registry's own relay. */
#define TEST_SIM_RELAY_FP "00:11:22"

/* Another relay: the owner of its link. What it says is up to the test. */
typedef struct {
  char *relay_fp;        /* owned */
  WzpRegistryLink *link; /* NULL: it is down */
} TestLink;

void test_sim_init (TestSim *sim, const WzpRegistryLimits *limits);
/* Of the relay @relay_fp, nullable. */
void test_sim_init_relay (
    TestSim *sim, const WzpRegistryLimits *limits, const char *relay_fp);
WzpRegistryStats test_sim_stats (const TestSim *sim);
void test_sim_expect_nothing (TestSim *sim);

TestClient *test_client_new (TestSim *sim, guint index);
TestClient *test_client_new_registered (
    TestSim *sim, guint index, const char *alias);
void test_client_leave (TestSim *sim, TestClient *client);
void test_client_free (TestSim *sim, TestClient *client);

/* Takes @message. Each client sees the relay at an address of its own. */
void test_client_send (TestSim *sim, TestClient *client, WzpMessage *message);
void test_client_offer (TestSim *sim, TestClient *from, const TestClient *to,
    const char *call_id);
void test_client_answer (TestSim *sim, TestClient *from, const TestClient *to,
    const char *call_id, WzpAcceptMode mode);
/* A call that is ACTIVE, with nothing left to pop. */
void test_client_call (
    TestSim *sim, TestClient *a, TestClient *b, const char *call_id);

/* The next output is for @client: its message (transfer full), NULL: close. */
WzpMessage *test_client_pop (TestSim *sim, const TestClient *client);
/* The same, and of @type. */
WzpMessage *test_client_expect (
    TestSim *sim, const TestClient *client, WzpMessageType type);
void test_client_skip (
    TestSim *sim, const TestClient *client, WzpMessageType type);
void test_client_expect_hangup (TestSim *sim, const TestClient *client,
    const char *call_id, WzpHangupReason reason, const char *detail);
/* @error: NULL: registered. */
void test_client_expect_ack (
    TestSim *sim, const TestClient *client, const char *error);
/* A new connection of one that is gone, registered again without an alias; the
 * ack is popped. */
void test_client_return (TestSim *sim, TestClient *client);

/* Up. */
TestLink *test_link_new (TestSim *sim, const char *relay_fp);
void test_link_up (TestSim *sim, TestLink *link);
void test_link_down (TestSim *sim, TestLink *link);
void test_link_free (TestSim *sim, TestLink *link);
/* In a forward of its own; takes @inner. */
void test_link_send (TestSim *sim, TestLink *link, WzpMessage *inner);
void test_link_send_as (TestSim *sim, TestLink *link, WzpMessage *inner,
    const char *origin_relay_fp);
/* The next output is a forward of ours for @link: what is in it (transfer
 * full). */
WzpMessage *test_link_expect (
    TestSim *sim, const TestLink *link, WzpMessageType type);
void test_link_skip (TestSim *sim, const TestLink *link, WzpMessageType type);
void test_link_expect_hangup (TestSim *sim, const TestLink *link,
    const char *call_id, WzpHangupReason reason, const char *detail);
