/* An open room on a relay: one sends, many listen. */
#include "wzp-party.h"

#include <string.h>

#define FRAME_SIZE  3000
#define INTERVAL_US 5000
#define CAPS        "video/x-test, width=(int)320"
#define N_VIEWERS   4

static WzpParty *
new_member (WzpTestRelay *relay, const char *key)
{
  WzpNodeConfig config;

  wzp_party_config (&config, relay);
  config.mode = WZP_MODE_ROOM;
  config.peer = "stage";
  config.room_key = key;
  config.retry_backoff_factor = 0.1;
  return wzp_party_new (&config);
}

typedef struct {
  WzpParty *party;
  WzpRecvFlow *flow;
  WzpTestSinkhole *sinkhole;
} Viewer;

static void
viewer_start (Viewer *viewer, WzpTest *test, WzpTestRelay *relay,
    const char *key, const char *flow)
{
  viewer->party = new_member (relay, key);
  viewer->flow = wzp_node_add_recv_flow (viewer->party->node, flow, NULL);
  viewer->sinkhole = wzp_test_sinkhole_new (viewer->flow, FRAME_SIZE, 1);
  wzp_party_start (viewer->party);
  wzp_test_assert_until (
      test, wzp_party_state (viewer->party) == WZP_STATE_CONNECTED, 5000);
}

static void
viewer_clear (Viewer *viewer)
{
  wzp_test_sinkhole_free (viewer->sinkhole);
  wzp_recv_flow_unref (viewer->flow);
  wzp_party_free (viewer->party);
}

/* All the viewers that are there when it begins get all of it; the keys of one
 * case say what each must have. */
typedef struct {
  const char *sender, *viewer;
  gboolean hears;
} KeyCase;

static const KeyCase key_cases[] = {
  { NULL, NULL, TRUE },
  { "swordfish", "swordfish", TRUE },
  { "swordfish", "Swordfish", FALSE },
  { "swordfish", NULL, FALSE },
  { NULL, "swordfish", FALSE },
};

static void
test_one_to_many (WzpTest *test, gconstpointer data)
{
  const KeyCase *c = data;
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *sender = new_member (relay, c->sender);
  g_autoptr (WzpSendFlow) send =
      wzp_node_add_send_flow (sender->node, "video", NULL, NULL, NULL, NULL);
  Viewer viewers[N_VIEWERS];
  WzpTestSource *source;
  WzpNodeStats stats;

  for (guint i = 0; i < N_VIEWERS; i++)
    viewer_start (&viewers[i], test, relay, c->viewer, NULL);
  wzp_party_start (sender);
  wzp_test_assert_until (
      test, wzp_party_state (sender) == WZP_STATE_CONNECTED, 5000);
  source =
      wzp_test_source_new (send, CAPS, 200, FRAME_SIZE, INTERVAL_US, 1, TRUE);
  g_assert_true (wzp_test_source_join (source));
  for (guint i = 0; i < N_VIEWERS; i++) {
    WzpTestSinkhole *hole = viewers[i].sinkhole;

    if (!c->hears) {
      wzp_test_assert_until (test,
          (wzp_node_get_stats (viewers[i].party->node, &stats),
              stats.calls[0].packets_bad >= 200),
          5000);
      g_assert_cmpuint (wzp_test_sinkhole_get (hole, &hole->frames), ==, 0);
      g_assert_cmpuint (
          wzp_test_sinkhole_get (hole, &hole->descriptions), ==, 0);
      continue;
    }
    wzp_test_assert_until (
        test, wzp_test_sinkhole_get (hole, &hole->eos) == 1, 5000);
    g_assert_cmpuint (hole->frames, ==, 200);
    g_assert_cmpuint (hole->wrong, ==, 0);
    g_assert_cmpuint (hole->disordered, ==, 0);
    g_assert_cmpuint (hole->lost, ==, 0);
    g_assert_cmpstr (hole->caps, ==, CAPS);
    wzp_node_get_stats (viewers[i].party->node, &stats);
    g_assert_cmpuint (stats.room_members, ==, N_VIEWERS + 1);
    g_assert_cmpint (wzp_party_path (viewers[i].party), ==, WZP_PATH_RELAY);
  }
  for (guint i = 0; i < N_VIEWERS; i++)
    viewer_clear (&viewers[i]);
  wzp_party_free (sender);
  wzp_test_relay_free (relay);
}

/* A sender of delta frames that sends a key frame when it is asked for one, as
 * an encoder does. */
typedef struct {
  WzpSendFlow *flow;
  GThread *thread;
  int wants_key; /* atomic */
  int stop;      /* atomic */
  guint keys;
} Encoder;

static void
on_key_request (WzpSendFlow *flow, gpointer user_data)
{
  Encoder *encoder = user_data;

  g_atomic_int_set (&encoder->wants_key, TRUE);
}

static const WzpSendFlowHandler encoder_handler = { on_key_request };

static gpointer
run_encoder (gpointer data)
{
  Encoder *encoder = data;

  for (guint32 i = 0; !g_atomic_int_get (&encoder->stop); i++) {
    WzpFrame *frame = wzp_party_frame_new (1 + i, FRAME_SIZE);

    if (g_atomic_int_compare_and_exchange (&encoder->wants_key, TRUE, FALSE))
      encoder->keys++;
    else
      frame->meta.flags |= WZP_FRAME_DELTA_UNIT;
    frame->meta.pts = (guint64) i * INTERVAL_US * 1000;
    wzp_send_flow_push (encoder->flow, frame, FALSE);
    g_usleep (INTERVAL_US);
  }
  return NULL;
}

/* Whoever comes late is told what it is, however long, and begins at a key
 * frame that was made for it. */
static void
test_late_joiner (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *sender = new_member (relay, "key");
  Encoder encoder = { .wants_key = FALSE };
  g_autofree char *header = g_strnfill (40000, 'a');
  g_autofree char *caps =
      g_strdup_printf ("video/x-test, header=(string)%s", header);
  Viewer first, second;
  gint64 first_seed;

  encoder.flow = wzp_node_add_send_flow (
      sender->node, "video", &encoder_handler, &encoder, NULL, NULL);
  g_assert_true (wzp_send_flow_describe (encoder.flow, caps, NULL, NULL));
  wzp_party_start (sender);
  wzp_test_assert_until (
      test, wzp_party_state (sender) == WZP_STATE_CONNECTED, 5000);
  encoder.thread = g_thread_new ("encoder", run_encoder, &encoder);
  viewer_start (&first, test, relay, "key", NULL);
  wzp_test_assert_until (test,
      wzp_test_sinkhole_get (first.sinkhole, &first.sinkhole->frames) > 50,
      10000);
  viewer_start (&second, test, relay, "key", NULL);
  wzp_test_assert_until (test,
      wzp_test_sinkhole_get (second.sinkhole, &second.sinkhole->frames) > 20,
      10000);
  g_atomic_int_set (&encoder.stop, TRUE);
  g_thread_join (encoder.thread);
  g_assert_cmpuint (encoder.keys, >=, 2);
  g_mutex_lock (&first.sinkhole->lock);
  g_mutex_lock (&second.sinkhole->lock);
  g_assert_cmpstr (second.sinkhole->caps, ==, caps);
  g_assert_cmpuint (second.sinkhole->wrong, ==, 0);
  g_assert_cmpuint (second.sinkhole->disordered, ==, 0);
  first_seed = second.sinkhole->last_seed - second.sinkhole->frames + 1;
  g_assert_cmpint (first_seed, >, 1);
  /* The first viewer lost nothing meanwhile. */
  g_assert_cmpuint (first.sinkhole->lost, ==, 0);
  g_mutex_unlock (&second.sinkhole->lock);
  g_mutex_unlock (&first.sinkhole->lock);
  viewer_clear (&first);
  viewer_clear (&second);
  wzp_send_flow_unref (encoder.flow);
  wzp_party_free (sender);
  wzp_test_relay_free (relay);
}

/* The sender leaves, and another comes: the same viewer goes on with it. */
static void
test_next_sender (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  Viewer viewer;

  viewer_start (&viewer, test, relay, NULL, NULL);
  for (guint round = 1; round <= 3; round++) {
    WzpParty *sender = new_member (relay, NULL);
    g_autoptr (WzpSendFlow) send =
        wzp_node_add_send_flow (sender->node, "video", NULL, NULL, NULL, NULL);
    WzpTestSource *source;

    wzp_party_start (sender);
    wzp_test_assert_until (
        test, wzp_party_state (sender) == WZP_STATE_CONNECTED, 5000);
    source = wzp_test_source_new (
        send, CAPS, 20, FRAME_SIZE, INTERVAL_US, round * 100, FALSE);
    wzp_test_source_join (source);
    wzp_test_assert_until (test,
        wzp_test_sinkhole_get (viewer.sinkhole, &viewer.sinkhole->frames) ==
            20 * round,
        5000);
    wzp_party_free (sender);
    wzp_test_assert_until (test,
        wzp_test_sinkhole_get (viewer.sinkhole, &viewer.sinkhole->ended) ==
            round,
        5000);
  }
  g_assert_cmpuint (viewer.sinkhole->wrong, ==, 0);
  viewer_clear (&viewer);
  wzp_test_relay_free (relay);
}

/* Two who send, and a viewer of each flow. */
static void
test_two_senders (WzpTest *test, gconstpointer data)
{
  static const char *const names[2] = { "left", "right" };
  WzpTestRelay *relay = wzp_test_relay_new (0);
  WzpParty *senders[2];
  WzpSendFlow *flows[2];
  WzpTestSource *sources[2];
  Viewer viewers[2];

  for (guint i = 0; i < 2; i++) {
    viewer_start (&viewers[i], test, relay, NULL, names[i]);
    senders[i] = new_member (relay, NULL);
    flows[i] = wzp_node_add_send_flow (
        senders[i]->node, names[i], NULL, NULL, NULL, NULL);
    wzp_party_start (senders[i]);
    wzp_test_assert_until (
        test, wzp_party_state (senders[i]) == WZP_STATE_CONNECTED, 5000);
  }
  for (guint i = 0; i < 2; i++)
    sources[i] = wzp_test_source_new (
        flows[i], CAPS, 50, FRAME_SIZE, INTERVAL_US, 1 + 1000 * i, TRUE);
  for (guint i = 0; i < 2; i++) {
    WzpTestSinkhole *hole = viewers[i].sinkhole;

    g_assert_true (wzp_test_source_join (sources[i]));
    wzp_test_assert_until (
        test, wzp_test_sinkhole_get (hole, &hole->eos) == 1, 5000);
    g_assert_cmpuint (hole->frames, ==, 50);
    g_assert_cmpuint (hole->wrong, ==, 0);
    g_assert_cmpint (hole->last_seed, ==, 50 + 1000 * i);
  }
  for (guint i = 0; i < 2; i++) {
    viewer_clear (&viewers[i]);
    wzp_send_flow_unref (flows[i]);
    wzp_party_free (senders[i]);
  }
  wzp_test_relay_free (relay);
}

/* The relay dies and comes back: everybody does too, by himself. */
static void
test_relay_restart (WzpTest *test, gconstpointer data)
{
  WzpTestRelay *relay = wzp_test_relay_new (0);
  guint16 port = wzp_test_relay_get_port (relay);
  WzpParty *sender = new_member (relay, NULL);
  g_autoptr (WzpSendFlow) send =
      wzp_node_add_send_flow (sender->node, "video", NULL, NULL, NULL, NULL);
  WzpTestSource *source;
  Viewer viewer;

  viewer_start (&viewer, test, relay, NULL, NULL);
  wzp_party_start (sender);
  wzp_test_assert_until (
      test, wzp_party_state (sender) == WZP_STATE_CONNECTED, 5000);
  wzp_test_relay_free (relay);
  wzp_test_assert_until (test,
      wzp_party_state (sender) != WZP_STATE_CONNECTED &&
          wzp_party_state (viewer.party) != WZP_STATE_CONNECTED,
      5000);
  relay = wzp_test_relay_new (port);
  wzp_test_assert_until (test,
      wzp_party_state (sender) == WZP_STATE_CONNECTED &&
          wzp_party_state (viewer.party) == WZP_STATE_CONNECTED,
      15000);
  source =
      wzp_test_source_new (send, CAPS, 50, FRAME_SIZE, INTERVAL_US, 1, TRUE);
  g_assert_true (wzp_test_source_join (source));
  wzp_test_assert_until (test,
      wzp_test_sinkhole_get (viewer.sinkhole, &viewer.sinkhole->eos) == 1,
      5000);
  g_assert_cmpuint (viewer.sinkhole->frames, ==, 50);
  viewer_clear (&viewer);
  wzp_party_free (sender);
  wzp_test_relay_free (relay);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  wzp_test_add ("/room/no-key", &key_cases[0], test_one_to_many);
  wzp_test_add ("/room/key", &key_cases[1], test_one_to_many);
  wzp_test_add ("/room/wrong-key", &key_cases[2], test_one_to_many);
  wzp_test_add ("/room/viewer-without-key", &key_cases[3], test_one_to_many);
  wzp_test_add ("/room/sender-without-key", &key_cases[4], test_one_to_many);
  wzp_test_add ("/room/late-joiner", NULL, test_late_joiner);
  wzp_test_add ("/room/next-sender", NULL, test_next_sender);
  wzp_test_add ("/room/two-senders", NULL, test_two_senders);
  wzp_test_add_full ("/room/relay-restart", 40, NULL, test_relay_restart);
  return wzp_test_run ();
}
