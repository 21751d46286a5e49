/* flow-test: what the tests of flows share: frames that can be told apart, and
 * a thread that pushes. */
#pragma once

#include "wzp-recv-flow-private.h"
#include "wzp-send-flow-private.h"
#include "wzp-test.h"

G_BEGIN_DECLS

/* A frame of @size bytes that follow from @seed. */
WzpFrame *flow_test_frame (guint32 seed, gsize size);
WzpFrame *flow_test_delta_frame (guint32 seed, gsize size);
/* Fails the test unless @frame is that one. */
void flow_test_assert_frame (const WzpFrame *frame, guint32 seed, gsize size);

/* A frame of @size whose drop adds one to *@n_freed. */
WzpFrame *flow_test_counted_frame (int *n_freed, gsize size);

/* Counts what a node is called for. */
typedef struct {
  int n_wakes, n_detaches; /* atomic */
} FlowTestNode;
void flow_test_wake (gpointer node);
void flow_test_detach (gpointer node, gpointer flow);

/* Pushes @n frames of @size, seeds from 0, from a thread of its own, until one
 * is not OK. */
typedef struct {
  WzpSendFlow *flow;
  gsize size;
  guint n;
  gboolean wait;
  GThread *thread;
  int n_begun, n_ok; /* atomic */
  WzpPushResult result; /* of the last; after join */
} FlowTestPusher;
FlowTestPusher *flow_test_pusher_new (
    WzpSendFlow *flow, guint n, gsize size, gboolean wait);
WzpPushResult flow_test_pusher_join (FlowTestPusher *self);

/* Takes the next item, which must be a frame; TRUE: it was. */
gboolean flow_test_take_frame (WzpSendFlow *flow, guint32 seed, gsize size);

/* Pops all that can be popped now and says what it was: "f3 d(a/b) eos ended",
 * a frame's size, a lost count behind a +, a ! for a discont. */
char *flow_test_spell (WzpRecvFlow *flow);
void flow_test_assert_spells (WzpRecvFlow *flow, const char *expected);

G_END_DECLS
