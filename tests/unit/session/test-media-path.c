/* A sender and a receiver with a network between them that loses, repeats and
 * reorders, and a control channel that is reliable but late. */
#include "receiver-rig.h"
#include "sender-rig.h"
#include "wzp-rx-numbers.h"

#include <string.h>

#define N_FLOWS 3u
#define N_STEPS 1500u /* of 1 ms in which frames are pushed */
#define MAX_IDS 60u   /* flow ids used, restarts included */
/* Between changes of caps: messages come up to 400 ms late, and a receiver
 * remembers WZP_RECEIVER_MAX_DESCRIPTIONS. */
#define CAPS_US     (150 * 1000)
#define N_IDLE      1000u /* steps in which nothing happens */
#define QUEUE_BYTES (1024u * 1024u)

typedef struct {
  const char *path;
  double loss, repeat;
  gint64 delay_us, jitter_us; /* of a datagram */
  gint64 control_us;          /* a message takes up to so much longer */
  guint max_pull;             /* datagrams sent in 1 ms, at most */
  gsize max_size;             /* of a frame */
} Network;

static const Network networks[] = {
  { "/media-path/perfect", 0, 0, 0, 0, 0, 100, 30000 },
  { "/media-path/reordered", 0, 0.1, 10000, 15000, 0, 60, 30000 },
  { "/media-path/late-control", 0, 0, 5000, 0, 400000, 60, 10000 },
  { "/media-path/lossy", 0.02, 0.05, 20000, 15000, 50000, 60, 20000 },
  { "/media-path/very-lossy", 0.3, 0.3, 20000, 40000, 300000, 60, 5000 },
  { "/media-path/slow", 0.001, 0, 100000, 1000, 1000, 12, 200000 },
};

/* A frame that was pushed; its id is its PTS in microseconds. */
typedef struct {
  gsize size;
  guint segment; /* how many ends came before it in its flow */
  guint index;   /* in the segment */
  guint caps;
} Sent;

typedef struct {
  gint64 at_us;
  guint64 order; /* among those of the same time */
  gboolean is_control;
  gsize size;
  guint8 bytes[];
} Flying;

typedef struct {
  WzpRecvFlow *target;
  GArray *sent;               /* of Sent, by id */
  guint segment, index, caps; /* of the next frame to push */
  gint64 caps_us;             /* when they last changed */
  /* received */
  guint n_received, n_descriptions;
  guint rx_segment; /* ends that came */
  gint64 rx_last;   /* id of the last frame; -1: none */
  gint64 rx_index;  /* its index in its segment; -1: none of this segment */
  guint64 lost;
  char *rx_caps;
} Stream;

typedef struct {
  const Network *network;
  GRand *rand;
  SenderRig tx;
  ReceiverRig rx;
  GSequence *flying; /* of Flying */
  guint64 n_flown, n_numbers, n_lost;
  gint64 control_at_us; /* when the last message will have come */
  Stream streams[N_FLOWS];
  guint n_ids;
} Sim;

static int
compare_flying (gconstpointer a, gconstpointer b, gpointer unused)
{
  const Flying *x = a, *y = b;

  if (x->at_us != y->at_us)
    return x->at_us < y->at_us ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

static void
put_on_wire (Sim *sim, gboolean is_control, gint64 at_us, gconstpointer bytes,
    gsize size)
{
  Flying *flying = g_malloc (sizeof *flying + size);

  flying->at_us = at_us;
  flying->order = sim->n_flown++;
  flying->is_control = is_control;
  flying->size = size;
  memcpy (flying->bytes, bytes, size);
  g_sequence_insert_sorted (sim->flying, flying, compare_flying, NULL);
}

static void
send_datagram (Sim *sim, const SenderPacket *packet)
{
  const Network *network = sim->network;
  guint copies = g_rand_double (sim->rand) < network->repeat ? 2 : 1;

  if (g_rand_double (sim->rand) < network->loss) {
    sim->n_lost++;
    return;
  }
  while (copies-- > 0)
    put_on_wire (sim, FALSE,
        sim->tx.now_us + network->delay_us +
            (gint64) (g_rand_double (sim->rand) * network->jitter_us),
        packet->bytes, packet->size);
}

/* In order, each after the one before. */
static void
send_messages (Sim *sim)
{
  GBytes *bytes;

  while ((bytes = g_queue_pop_head (&sim->tx.control)) != NULL) {
    gint64 at_us = sim->tx.now_us + sim->network->delay_us +
        (gint64) (g_rand_double (sim->rand) * sim->network->control_us);
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);

    sim->control_at_us = MAX (sim->control_at_us, at_us);
    put_on_wire (sim, TRUE, sim->control_at_us, data, size);
    g_bytes_unref (bytes);
  }
}

static void
receive_message (Sim *sim, const Flying *flying)
{
  g_auto (WzpControl) control = { 0 };

  g_assert_true (
      wzp_control_parse (flying->bytes, flying->size, &control, NULL));
  wzp_receiver_control (sim->rx.receiver, &control, sim->rx.now_us);
}

static void
describe (Sim *sim, guint f)
{
  g_autofree char *caps = g_strdup_printf ("%u", ++sim->streams[f].caps);

  sim->streams[f].caps_us = sim->tx.now_us;
  sender_rig_describe (&sim->tx, f, caps);
}

static void
push_frame (Sim *sim, guint f)
{
  Stream *stream = &sim->streams[f];
  guint id = stream->sent->len;
  gsize max = g_rand_boolean (sim->rand) ? 100 : sim->network->max_size;
  Sent sent = { .size = (gsize) g_rand_int_range (sim->rand, 0, (int) max),
    .segment = stream->segment,
    .index = stream->index++,
    .caps = stream->caps };
  WzpFrame *frame = flow_test_frame (id * N_FLOWS + f, sent.size);

  frame->meta.pts = (guint64) id * 1000;
  g_array_append_val (stream->sent, sent);
  sender_rig_push (&sim->tx, f, frame);
}

static void
push_something (Sim *sim, guint f)
{
  Stream *stream = &sim->streams[f];
  WzpSendFlowStats stats;
  double what = g_rand_double (sim->rand);

  wzp_send_flow_get_stats (sim->tx.flows[f], &stats);
  if (what < 0.05 && sim->tx.now_us - stream->caps_us >= CAPS_US) {
    describe (sim, f);
  } else if (what < 0.005 && sim->n_ids < MAX_IDS && stream->index > 0) {
    sim->n_ids++;
    sender_rig_eos (&sim->tx, f);
    stream->segment++;
    stream->index = 0;
  } else if (what < 0.4 && stats.queued_bytes < QUEUE_BYTES) {
    push_frame (sim, f);
  }
}

static gboolean
is_lossless (const Sim *sim)
{
  return sim->network->loss == 0;
}

static void
check_frame (Sim *sim, guint f, const WzpRecvItem *item)
{
  Stream *stream = &sim->streams[f];
  gint64 id = (gint64) item->frame->meta.pts / 1000;
  const Sent *sent;
  g_autofree char *caps = NULL;

  g_assert_cmpint (id, >, stream->rx_last);
  g_assert_cmpint (id, <, stream->sent->len);
  sent = &g_array_index (stream->sent, Sent, id);
  flow_test_assert_frame (
      item->frame, (guint32) (id * N_FLOWS + f), sent->size);
  /* Of a stretch whose frames are all lost the end may be one with that of the
   * stretch before. */
  if (is_lossless (sim) || stream->rx_index >= 0)
    g_assert_cmpuint (sent->segment, ==, stream->rx_segment);
  g_assert_cmpuint (sent->segment, >=, stream->rx_segment);
  stream->rx_segment = sent->segment;
  caps = g_strdup_printf ("%u", sent->caps);
  g_assert_cmpstr (stream->rx_caps, ==, caps);
  g_assert_cmpint (sent->index, ==, stream->rx_index + 1 + item->lost);
  g_assert_cmpint (item->discont, ==, stream->rx_index < 0 || item->lost > 0);
  stream->rx_last = id;
  stream->rx_index = sent->index;
  stream->lost += item->lost;
  stream->n_received++;
}

static void
read_stream (Sim *sim, guint f)
{
  Stream *stream = &sim->streams[f];
  WzpRecvItem item;

  while (wzp_recv_flow_pop (stream->target, 0, &item)) {
    switch (item.kind) {
      case WZP_RECV_FRAME:
        check_frame (sim, f, &item);
        break;
      case WZP_RECV_DESCRIPTION:
        g_free (stream->rx_caps);
        stream->rx_caps = g_steal_pointer (&item.caps);
        stream->n_descriptions++;
        break;
      case WZP_RECV_EOS:
        stream->rx_segment++;
        stream->rx_index = -1;
        break;
      case WZP_RECV_ENDED:
      case WZP_RECV_FLUSHING:
      case WZP_RECV_CLOSED:
        g_assert_not_reached ();
    }
    wzp_recv_item_clear (&item);
  }
}

static void
deliver (Sim *sim)
{
  GSequenceIter *first;

  while (!g_sequence_iter_is_end (
      first = g_sequence_get_begin_iter (sim->flying))) {
    const Flying *flying = g_sequence_get (first);

    if (flying->at_us > sim->rx.now_us)
      break;
    if (flying->is_control)
      receive_message (sim, flying);
    else
      receiver_rig_feed_bytes (&sim->rx, flying->bytes, flying->size);
    g_sequence_remove (first);
  }
}

static void
step (Sim *sim, guint max_pull)
{
  guint n = (guint) g_rand_int_range (sim->rand, 0, (int) max_pull + 1);
  SenderPacket packet;

  while (n-- > 0 && sender_rig_next (&sim->tx, SENDER_RIG_MTU, &packet)) {
    sim->n_numbers++;
    send_datagram (sim, &packet);
  }
  send_messages (sim);
  deliver (sim);
  sim->tx.now_us += 1000;
  sim->rx.now_us += 1000;
  /* The call asks when it must look again; a look too many is no harm. */
  g_assert_cmpint (wzp_receiver_get_deadline (sim->rx.receiver), <, G_MAXINT64);
  wzp_receiver_advance (sim->rx.receiver, sim->rx.now_us);
  for (guint f = 0; f < N_FLOWS; f++)
    read_stream (sim, f);
}

static void
sim_init (Sim *sim, const Network *network, guint32 seed)
{
  memset (sim, 0, sizeof *sim);
  sim->network = network;
  sim->rand = g_rand_new_with_seed (seed);
  sim->flying = g_sequence_new (g_free);
  sender_rig_init (&sim->tx, N_FLOWS);
  receiver_rig_init (&sim->rx);
  for (guint f = 0; f < N_FLOWS; f++) {
    Stream *stream = &sim->streams[f];

    stream->sent = g_array_new (FALSE, FALSE, sizeof (Sent));
    stream->rx_last = stream->rx_index = -1;
    stream->target = receiver_rig_add_target (
        &sim->rx, wzp_send_flow_get_name (sim->tx.flows[f]));
    g_assert_true (wzp_sender_add_flow (sim->tx.sender, sim->tx.flows[f], 0));
    describe (sim, f);
  }
  sim->n_ids = N_FLOWS;
}

static void
sim_clear (Sim *sim)
{
  for (guint f = 0; f < N_FLOWS; f++) {
    g_array_unref (sim->streams[f].sent);
    g_free (sim->streams[f].rx_caps);
  }
  g_sequence_free (sim->flying);
  sender_rig_clear (&sim->tx);
  receiver_rig_clear (&sim->rx);
  g_rand_free (sim->rand);
}

static void
check_totals (Sim *sim)
{
  WzpReceiverStats rx;
  guint64 n_received = 0;

  wzp_receiver_get_stats (sim->rx.receiver, &rx);
  for (guint f = 0; f < N_FLOWS; f++) {
    const Stream *stream = &sim->streams[f];

    g_assert_cmpuint (stream->sent->len, >, 20);
    /* The last word was an end. */
    g_assert_cmpint (stream->rx_index, ==, -1);
    g_assert_cmpuint (stream->n_received, >, 10);
    if (is_lossless (sim)) {
      g_assert_cmpuint (stream->rx_segment, ==, stream->segment);
      g_assert_cmpuint (stream->n_received, ==, stream->sent->len);
      g_assert_cmpuint (stream->lost, ==, 0);
    }
    n_received += stream->n_received;
  }
  g_assert_cmpuint (rx.frames, ==, n_received);
  g_assert_cmpuint (rx.frames_dropped, ==, 0);
  g_assert_cmpuint (rx.bad, ==, 0);
  g_assert_cmpuint (rx.packets, ==, sim->n_numbers - sim->n_lost);
  g_assert_cmpuint (rx.lost, <=, sim->n_lost);
  g_assert_cmpuint (rx.lost + WZP_RX_NUMBERS_REORDER, >=, sim->n_lost);
}

static void
run_once (const Network *network, guint32 seed)
{
  Sim sim;
  guint n_idle = 0;

  sim_init (&sim, network, seed);
  for (guint i = 0; i < N_STEPS; i++) {
    for (guint f = 0; f < N_FLOWS; f++)
      push_something (&sim, f);
    step (&sim, network->max_pull);
  }
  for (guint f = 0; f < N_FLOWS; f++) {
    sender_rig_eos (&sim.tx, f);
    sim.streams[f].segment += sim.streams[f].index > 0;
  }
  /* Until nothing has moved for longer than anything is waited for. */
  while (n_idle++ < N_IDLE) {
    guint64 n_flown = sim.n_flown, n_numbers = sim.n_numbers;

    step (&sim, network->max_pull);
    if (n_flown != sim.n_flown || n_numbers != sim.n_numbers ||
        !g_sequence_is_empty (sim.flying))
      n_idle = 0;
  }
  check_totals (&sim);
  sim_clear (&sim);
}

static void
test_network (WzpTest *test, gconstpointer data)
{
  GRand *rand = wzp_test_rand_new ();

  g_test_summary ("What comes is whole, in order, once, under its own caps; "
                  "what does not is counted; every end comes");
  for (guint i = 0; i < 8; i++) {
    guint32 seed = g_rand_int (rand);

    g_test_message ("run %u: seed %u", i, seed);
    run_once (data, seed);
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (networks); i++)
    wzp_test_add_full (networks[i].path, 40, &networks[i], test_network);
  return wzp_test_run ();
}
