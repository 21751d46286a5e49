#include "relay-test-peer.h"
#include "wzp-call-record.h"
#include "wzp-test.h"

static void
test_life (void)
{
  g_autoptr (TestPeer) a = test_peer_new (1);
  g_autoptr (TestPeer) b = test_peer_new (2);
  g_autoptr (WzpMessage) offer = test_peer_offer (a, b->fp, "c1");
  g_autoptr (WzpMessage) answer =
      test_peer_answer (b, a->fp, "c1", WZP_ACCEPT_TRUSTED);
  g_autoptr (WzpCallRecord) call = wzp_call_record_new (offer);
  g_autoptr (WzpMessage) setup = NULL;

  g_assert_cmpstr (call->id, ==, "c1");
  g_assert_cmpint (call->state, ==, WZP_CALL_PENDING);
  g_assert_cmpstr (call->reflexive_addr[WZP_CALL_CALLER], ==, a->reflexive);
  g_assert_null (call->reflexive_addr[WZP_CALL_CALLEE]);
  wzp_call_record_answer (call, answer);
  g_assert_cmpint (call->state, ==, WZP_CALL_ACTIVE);
  g_assert_cmpint (call->mode, ==, WZP_ACCEPT_TRUSTED);

  setup = wzp_call_record_make_setup (call, WZP_CALL_CALLEE, "192.0.2.1:1");
  g_assert_cmpint (setup->type, ==, WZP_MESSAGE_CALL_SETUP);
  g_assert_cmpstr (setup->call_id, ==, "c1");
  g_assert_cmpstr (setup->room, ==, "call-c1");
  g_assert_cmpstr (setup->relay_addr, ==, "192.0.2.1:1");
  g_assert_cmpstr (setup->reflexive_addr, ==, a->reflexive);
  g_assert_cmpstr (setup->local_addrs[0], ==, a->local[0]);
}

static void
test_privacy (void)
{
  g_autoptr (TestPeer) a = test_peer_new (1);
  g_autoptr (TestPeer) b = test_peer_new (2);
  static const WzpAcceptMode modes[] = { WZP_ACCEPT_GENERIC,
    WZP_ACCEPT_TRUSTED };

  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++) {
    gboolean is_open = modes[i] == WZP_ACCEPT_TRUSTED;
    g_autoptr (WzpMessage) offer = test_peer_offer (a, b->fp, "c1");
    g_autoptr (WzpMessage) answer = test_peer_answer (b, a->fp, "c1", modes[i]);
    g_autoptr (WzpMessage) update = test_peer_update (a, "c1", 1);
    g_autoptr (WzpCallRecord) call = wzp_call_record_new (offer);
    g_autoptr (WzpMessage) sent_offer =
        wzp_call_record_make_offer (offer, "name");
    g_autoptr (WzpMessage) sent_answer = wzp_call_record_make_answer (answer);
    g_autoptr (WzpMessage) setup = NULL;
    g_autoptr (WzpMessage) sent_update = NULL;

    call->party[WZP_CALL_CALLEE] = b; /* it is here */
    /* Never in the offer. */
    g_assert_false (test_peer_is_exposed (a, sent_offer));
    g_assert_cmpstr (sent_offer->alias, ==, "name");
    g_assert_true (sent_offer->has_signature);
    g_assert_cmpint (test_peer_is_exposed (b, sent_answer), ==, is_open);
    /* Not before the answer. */
    g_assert_null (wzp_call_record_make_update (call, WZP_CALL_CALLER, update));
    wzp_call_record_answer (call, answer);
    setup = wzp_call_record_make_setup (call, WZP_CALL_CALLER, "192.0.2.1:1");
    g_assert_cmpint (test_peer_is_exposed (b, setup), ==, is_open);
    sent_update = wzp_call_record_make_update (call, WZP_CALL_CALLER, update);
    g_assert_cmpint (sent_update != NULL, ==, is_open);
  }
}

static void
test_across (void)
{
  g_autoptr (TestPeer) a = test_peer_new (1);
  g_autoptr (TestPeer) b = test_peer_new (2);
  g_autoptr (WzpMessage) offer = test_peer_offer (a, b->fp, "c1");
  g_autoptr (WzpMessage) answer =
      test_peer_answer (b, a->fp, "c1", WZP_ACCEPT_GENERIC);
  g_autoptr (WzpMessage) of_a = test_peer_update (a, "c1", 1);
  g_autoptr (WzpMessage) of_b = test_peer_update (b, "c1", 1);
  g_autoptr (WzpCallRecord) call = wzp_call_record_new (offer);
  g_autoptr (WzpMessage) sent_offer =
      wzp_call_record_make_offer_to_relay (offer, "name");
  g_autoptr (WzpMessage) sent_update = NULL;

  g_test_summary ("The callee's relay gets what its CallSetup needs");

  g_assert_cmpstr (sent_offer->alias, ==, "name");
  g_assert_true (test_peer_is_exposed (a, sent_offer));
  g_assert_true (wzp_fingerprint_equal (&call->fp[WZP_CALL_CALLEE], b->fp));
  sent_update = wzp_call_record_make_update (call, WZP_CALL_CALLER, of_a);
  g_assert_true (test_peer_is_exposed (a, sent_update));
  /* Not the reverse. */
  g_assert_null (wzp_call_record_make_update (call, WZP_CALL_CALLEE, of_b));

  /* What was known is forgotten, and nothing is taken any more. */
  g_assert_true (wzp_call_record_update (call, WZP_CALL_CALLEE, of_b));
  g_assert_nonnull (call->reflexive_addr[WZP_CALL_CALLEE]);
  wzp_call_record_answer (call, answer);
  g_assert_true (wzp_call_record_update (call, WZP_CALL_CALLER, of_a));
  for (guint side = 0; side < 2; side++) {
    g_assert_null (call->reflexive_addr[side]);
    g_assert_null (call->local_addrs[side]);
  }
  g_assert_null (wzp_call_record_make_update (call, WZP_CALL_CALLER, of_a));
}

static void
test_overtaken (void)
{
  g_autoptr (TestPeer) a = test_peer_new (1);
  g_autoptr (TestPeer) b = test_peer_new (2);
  g_autoptr (TestPeer) newer = test_peer_new (3);
  g_autoptr (WzpMessage) offer = test_peer_offer (a, b->fp, "c1");
  g_autoptr (WzpMessage) answer =
      test_peer_answer (b, a->fp, "c1", WZP_ACCEPT_TRUSTED);
  g_autoptr (WzpMessage) update = test_peer_update (newer, "c1", 1);
  g_autoptr (WzpCallRecord) call = wzp_call_record_new (offer);

  g_assert_true (wzp_call_record_update (call, WZP_CALL_CALLEE, update));
  wzp_call_record_answer (call, answer);
  g_assert_cmpstr (call->reflexive_addr[WZP_CALL_CALLEE], ==, newer->reflexive);
}

static void
test_generations (void)
{
  g_autoptr (TestPeer) a = test_peer_new (1);
  g_autoptr (TestPeer) b = test_peer_new (2);
  g_autoptr (WzpMessage) offer = test_peer_offer (a, b->fp, "c1");
  g_autoptr (WzpMessage) newer = test_peer_update (b, "c1", 7);
  g_autoptr (WzpMessage) older = test_peer_update (a, "c1", 6);
  g_autoptr (WzpCallRecord) call = wzp_call_record_new (offer);

  g_assert_true (wzp_call_record_update (call, WZP_CALL_CALLER, newer));
  g_assert_cmpstr (call->reflexive_addr[WZP_CALL_CALLER], ==, b->reflexive);
  g_assert_false (wzp_call_record_update (call, WZP_CALL_CALLER, older));
  g_assert_cmpstr (call->reflexive_addr[WZP_CALL_CALLER], ==, b->reflexive);
  g_assert_true (wzp_call_record_update (call, WZP_CALL_CALLEE, older));
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/call-record/life", test_life);
  g_test_add_func ("/call-record/privacy", test_privacy);
  g_test_add_func ("/call-record/across", test_across);
  g_test_add_func ("/call-record/overtaken", test_overtaken);
  g_test_add_func ("/call-record/generations", test_generations);
  return wzp_test_run ();
}
