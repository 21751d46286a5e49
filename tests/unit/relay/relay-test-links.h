/* relay-test-links: a registry with two clients and links to two relays, one of
 * which has somebody who is called and calls. */
#pragma once

#include "relay-test-sim.h"

typedef struct {
  TestSim sim;
  TestClient *a, *b; /* here, "anna" and "bert" */
  TestPeer *far;     /* with another relay */
  TestLink *l, *m;
} TestLinks;

/* @limits: nullable. */
void test_links_set_up (TestLinks *f, const WzpRegistryLimits *limits);
/* All leave: nothing outlives the grace. */
void test_links_tear_down (TestLinks *f);

WzpCallState test_links_state (const TestLinks *f, const char *call_id);
gpointer test_links_room_link (const TestLinks *f, const char *call_id);

/* a calls the one who is far, wherever that is: both links are asked. */
void test_links_ask (TestLinks *f, const char *call_id);
WzpMessage *test_links_answer (
    const TestLinks *f, const char *call_id, WzpAcceptMode mode);
/* A relay that was asked does not have it, or no place for it. */
void test_links_say_no (TestLinks *f, TestLink *link, const char *call_id,
    WzpHangupReason reason, const char *detail);
/* The one who is far, at l, calls a. */
void test_links_call_in (TestLinks *f, const char *call_id);
/* ACTIVE; of a's calls: over l. */
void test_links_call_in_active (TestLinks *f, const char *call_id);
void test_links_call_out_active (TestLinks *f, const char *call_id);
