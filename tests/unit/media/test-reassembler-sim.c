/* Thousands of schedules of a simulated network between the packetizer and the
 * reassembler: loss, reordering, repeats that are cut differently, two ways of
 * different length, datagram sizes that change within a frame, flows that
 * share a budget. What comes out is compared with what was sent and with a
 * slow model of the rules, written after the header of wzp-reassembler. */
#include "wzp-packetizer.h"
#include "wzp-reassembler.h"
#include "wzp-test.h"

#include <string.h>

#define MS G_TIME_SPAN_MILLISECOND

#define MAX_FLOWS  4u
#define MAX_FRAMES 60u
#define POOL_SIZE  (2u * 1024u * 1024u)

typedef struct {
  gint64 due_us;
  guint order; /* of two at the same time */
  guint flow;
  guint8 *data; /* owned */
  gsize len;
} Flight;

typedef struct {
  guint32 from; /* of its bytes, in the pool */
  guint32 size;
  gboolean has_start; /* the meta came */
  guint8 *came;       /* owned: a flag per byte */
  guint32 n_came;
  gint64 whole_us; /* when the last byte or the meta came, -1: never */
  gint64 first_us; /* of its first fragment, -1: never */
} SentFrame;

typedef struct {
  WzpReassembler *reassembler;
  WzpPacketizer *packetizer;
  guint n_frames;
  SentFrame frames[MAX_FRAMES];
  guint64 next; /* what should come out next, or later */
  guint64 n_out, n_lost;
  gboolean is_out[MAX_FRAMES];
  gint64 end_us; /* when set_end() is called */
  gboolean is_end_set;
} SimFlow;

typedef struct {
  double loss, repeat;
  gint64 jitter_us, hold_us;
  guint32 size_max;
  gsize budget;
  gboolean is_checked_by_model;
} Schedule;

typedef struct {
  GRand *rand;
  Schedule schedule;
  WzpReassemblyBudget budget;
  guint n_flows;
  SimFlow flows[MAX_FLOWS];
  GPtrArray *flights; /* of Flight, owned */
  gint64 now;
  gint64 way_us; /* of the way in use */
  guint64 number;
} Sim;

static guint8 pool[POOL_SIZE];

static void
flight_free (gpointer data)
{
  Flight *flight = data;

  g_free (flight->data);
  g_free (flight);
}

static gint
compare_flights (gconstpointer a, gconstpointer b)
{
  const Flight *fa = *(Flight *const *) a;
  const Flight *fb = *(Flight *const *) b;

  if (fa->due_us != fb->due_us)
    return fa->due_us < fb->due_us ? -1 : 1;
  return fa->order < fb->order ? -1 : 1;
}

static gint
random_below (Sim *sim, gint n)
{
  return g_rand_int_range (sim->rand, 0, MAX (n, 1));
}

static gboolean
happens (Sim *sim, double probability)
{
  return g_rand_double (sim->rand) < probability;
}

/* Mostly small, at times as large as the schedule allows. */
static guint32
random_size (Sim *sim)
{
  guint32 max = sim->schedule.size_max;

  switch (random_below (sim, 10)) {
    case 0:
      return (guint32) random_below (sim, 3);
    case 1:
      return (guint32) random_below (sim, (gint) max + 1);
    case 2:
    case 3:
      return (guint32) random_below (sim, (gint) MIN (max, 65536));
    default:
      return (guint32) random_below (sim, (gint) MIN (max, 4000));
  }
}

static void
put_under_way (Sim *sim, guint flow, const guint8 *data, gsize len)
{
  guint n = 1 + happens (sim, sim->schedule.repeat);

  for (guint i = 0; i < n; i++) {
    Flight *flight;

    if (happens (sim, sim->schedule.loss))
      continue;
    flight = g_new0 (Flight, 1);
    flight->due_us = sim->now + sim->way_us +
        random_below (sim, (gint) sim->schedule.jitter_us);
    flight->order = sim->flights->len;
    flight->flow = flow;
    flight->data = g_memdup2 (data, len);
    flight->len = len;
    g_ptr_array_add (sim->flights, flight);
  }
}

static WzpFrameMeta
meta_of (const Sim *sim, guint flow, guint64 index)
{
  return (WzpFrameMeta){
    .flags = (guint32) index & WZP_FRAME_FLAGS_ALL,
    .generation = flow,
    .size = sim->flows[flow].frames[index].size,
    .pts = index * 1000000 + flow,
    .dts = index % 3 == 0 ? WZP_TIME_NONE : index * 1000000,
    .duration = index % 2 == 0 ? WZP_TIME_NONE : 33,
  };
}

/* The frame, cut by the packetizer. */
static void
send_frame (Sim *sim, guint flow, guint64 index)
{
  SimFlow *f = &sim->flows[flow];
  const SentFrame *sent = &f->frames[index];
  guint n_pieces = 1 + (guint) random_below (sim, WZP_FRAME_MAX_IOV);
  struct iovec iov[WZP_FRAME_MAX_IOV];
  gsize mtu = 300;
  guint8 flat[2048];
  WzpPacket packet;
  WzpFrame *frame;
  guint32 from = 0;

  for (guint i = 0; i < n_pieces; i++) {
    guint32 to = i + 1 == n_pieces
        ? sent->size
        : from + (guint32) random_below (sim, (gint) (sent->size - from) + 1);

    iov[i] = (struct iovec){ pool + sent->from + from, to - from };
    from = to;
  }
  frame = wzp_frame_new_wrapped (iov, n_pieces, NULL, NULL);
  frame->meta = meta_of (sim, flow, index);
  g_assert_cmpuint (wzp_packetizer_get_next_frame (f->packetizer), ==, index);
  wzp_packetizer_begin (f->packetizer, frame);
  do {
    gsize len;

    if (mtu == 300 || random_below (sim, 20) == 0)
      mtu = (gsize) g_rand_int_range (sim->rand,
          sent->size > 100000 ? 1000 : WZP_DATAGRAM_MAX_HEADER + 1, 1500);
    g_assert_true (
        wzp_packetizer_next (f->packetizer, sim->number++, mtu, &packet));
    memcpy (flat, packet.head, packet.head_len);
    len = packet.head_len;
    for (guint i = 0; i < packet.n_payload; i++) {
      memcpy (
          flat + len, packet.payload[i].iov_base, packet.payload[i].iov_len);
      len += packet.payload[i].iov_len;
    }
    g_assert_cmpuint (len, <=, mtu);
    put_under_way (sim, flow, flat, len);
    sim->now += random_below (sim, 20);
  } while (!packet.ends_frame);
}

/* Bytes [offset, offset + len) of a frame again, as another cutter would. */
static void
send_again (Sim *sim, guint flow, guint64 index, guint32 offset, guint32 len)
{
  const SentFrame *sent = &sim->flows[flow].frames[index];
  WzpMediaHead head = {
    .frame = index,
    .is_start = offset == 0,
    .offset = offset,
    .meta = meta_of (sim, flow, index),
  };
  guint8 flags = (offset == 0 ? WZP_DATAGRAM_FRAME_START : 0) |
      (offset + len == sent->size ? WZP_DATAGRAM_FRAME_END : 0);
  guint8 flat[2048];
  gsize at = wzp_datagram_write_prefix (flat, flags, sim->number++, flow + 1);

  at += wzp_datagram_write_media (flat + at, &head);
  memcpy (flat + at, pool + sent->from + offset, len);
  put_under_way (sim, flow, flat, at + len);
}

static void
send_all (Sim *sim)
{
  guint64 index[MAX_FLOWS] = { 0 };
  guint left = 0;

  for (guint i = 0; i < sim->n_flows; i++)
    left += sim->flows[i].n_frames;
  while (left > 0) {
    guint flow = (guint) random_below (sim, (gint) sim->n_flows);
    SimFlow *f = &sim->flows[flow];

    if (index[flow] == f->n_frames)
      continue;
    send_frame (sim, flow, index[flow]);
    if (happens (sim, sim->schedule.repeat)) {
      guint64 other = (guint64) random_below (sim, (gint) index[flow] + 1);
      const SentFrame *sent = &f->frames[other];

      for (guint32 offset = 0; offset < sent->size;) {
        guint32 len = (guint32) g_rand_int_range (sim->rand, 1, 1400);

        len = MIN (len, sent->size - offset);
        if (sent->size < 50000 || happens (sim, 0.1))
          send_again (sim, flow, other, offset, len);
        offset += len;
      }
    }
    index[flow]++;
    left--;
    sim->now += random_below (sim, 2 * MS);
    if (random_below (sim, 15) == 0)
      sim->way_us = random_below (sim, 50) * MS;
    if (index[flow] == f->n_frames)
      f->end_us = sim->now + random_below (sim, 50 * MS);
  }
}

static void
note_arrival (SimFlow *f, const WzpDatagramPrefix *prefix,
    const WzpMediaHead *head, gsize len, gint64 now)
{
  SentFrame *sent = &f->frames[head->frame];

  if (sent->first_us < 0)
    sent->first_us = now;
  if (sent->whole_us >= 0)
    return;
  sent->has_start |= head->is_start;
  for (gsize i = head->offset; i < head->offset + len; i++) {
    sent->n_came += !sent->came[i];
    sent->came[i] = 1;
  }
  if (sent->has_start && sent->n_came == sent->size)
    sent->whole_us = now;
}

static void
pop_all (Sim *sim, guint flow, gint64 now)
{
  SimFlow *f = &sim->flows[flow];
  guint64 lost = G_MAXUINT64;
  WzpFrame *frame;

  while ((frame = wzp_reassembler_pop (f->reassembler, now, &lost)) != NULL) {
    guint64 index = f->next + lost;
    WzpFrameMeta meta;

    g_assert_cmpuint (index, <, f->n_frames);
    meta = meta_of (sim, flow, index);
    g_assert_cmpuint (frame->meta.pts, ==, meta.pts);
    g_assert_cmpuint (frame->meta.dts, ==, meta.dts);
    g_assert_cmpuint (frame->meta.duration, ==, meta.duration);
    g_assert_cmpuint (frame->meta.flags, ==, meta.flags);
    g_assert_cmpuint (frame->meta.generation, ==, meta.generation);
    g_assert_cmpuint (frame->meta.size, ==, meta.size);
    g_assert_cmpmem (frame->iov[0].iov_base, frame->iov[0].iov_len,
        pool + f->frames[index].from, meta.size);
    f->is_out[index] = TRUE;
    f->n_out++;
    f->n_lost += lost;
    f->next = index + 1;
    wzp_frame_unref (frame);
  }
  g_assert_cmpuint (sim->budget.used, <=, sim->budget.max);
}

/* Lets time pass to @now: what is due by time alone, at its time. */
static void
run_to (Sim *sim, gint64 now)
{
  for (;;) {
    guint first = MAX_FLOWS;
    gint64 first_us = now;

    for (guint i = 0; i < sim->n_flows; i++) {
      SimFlow *f = &sim->flows[i];
      gint64 due_us = wzp_reassembler_get_deadline (f->reassembler);

      if (!f->is_end_set && (due_us < 0 || f->end_us <= due_us))
        due_us = f->end_us;
      if (due_us >= 0 && due_us <= first_us) {
        first = i;
        first_us = due_us;
      }
    }
    if (first == MAX_FLOWS)
      break;
    if (!sim->flows[first].is_end_set && sim->flows[first].end_us <= first_us) {
      sim->flows[first].is_end_set = TRUE;
      wzp_reassembler_set_end (
          sim->flows[first].reassembler, sim->flows[first].n_frames);
    }
    pop_all (sim, first, first_us);
    g_assert_cmpint (
        wzp_reassembler_get_deadline (sim->flows[first].reassembler), !=,
        first_us);
  }
}

static void
deliver_all (Sim *sim)
{
  g_ptr_array_sort (sim->flights, compare_flights);
  for (guint i = 0; i < sim->flights->len; i++) {
    const Flight *flight = g_ptr_array_index (sim->flights, i);
    SimFlow *f = &sim->flows[flight->flow];
    WzpDatagramPrefix prefix;
    WzpMediaHead head;
    gsize at;

    run_to (sim, flight->due_us);
    g_assert_true (
        wzp_datagram_parse_prefix (flight->data, flight->len, &prefix));
    g_assert_cmpuint (prefix.flow, ==, flight->flow + 1);
    g_assert_true (
        wzp_datagram_parse_media (&prefix, flight->data + prefix.prefix_len,
            flight->len - prefix.prefix_len, &head, &at));
    at += prefix.prefix_len;
    note_arrival (f, &prefix, &head, flight->len - at, flight->due_us);
    g_assert_cmpint (wzp_reassembler_push (f->reassembler, &head, prefix.flags,
                         flight->data + at, flight->len - at, flight->due_us),
        !=, WZP_REASSEMBLY_BAD);
    pop_all (sim, flight->flow, flight->due_us);
  }
  run_to (sim, G_MAXINT64 / 2);
}

/* Which frames should have come out: each that was whole before it was given
 * up, which is at `hold` after the first sign of a later one. */
static void
check_by_model (const Sim *sim, const SimFlow *f)
{
  for (guint i = 0; i < f->n_frames; i++) {
    const SentFrame *sent = &f->frames[i];
    gint64 sign_us = f->end_us;

    for (guint k = i + 1; k < f->n_frames; k++)
      if (f->frames[k].first_us >= 0)
        sign_us = MIN (sign_us, f->frames[k].first_us);
    g_assert_cmpint (f->is_out[i], ==,
        sent->whole_us >= 0 &&
            sent->whole_us < sign_us + sim->schedule.hold_us);
  }
}

static void
check_flow (const Sim *sim, const SimFlow *f)
{
  WzpReassemblyStats stats;

  g_assert_true (wzp_reassembler_is_ended (f->reassembler));
  g_assert_cmpint (wzp_reassembler_get_deadline (f->reassembler), ==, -1);
  wzp_reassembler_get_stats (f->reassembler, &stats);
  g_assert_cmpuint (stats.frames_out, ==, f->n_out);
  g_assert_cmpuint (stats.frames_out + stats.frames_lost, ==, f->n_frames);
  /* Those after the last that came out are told by the end alone. */
  g_assert_cmpuint (f->n_lost + (f->n_frames - f->next), ==, stats.frames_lost);
  g_assert_cmpuint (stats.fragments_bad, ==, 0);
  if (!sim->schedule.is_checked_by_model)
    return;
  g_assert_cmpuint (stats.fragments_full, ==, 0);
  check_by_model (sim, f);
  if (sim->schedule.loss <= 0 &&
      sim->schedule.jitter_us + 50 * MS < sim->schedule.hold_us)
    g_assert_cmpuint (f->n_out, ==, f->n_frames);
}

static void
run_schedule (GRand *rand, Schedule schedule)
{
  Sim *sim = g_new0 (Sim, 1);

  sim->rand = rand;
  sim->schedule = schedule;
  sim->budget.max = schedule.budget;
  sim->now = 1 + random_below (sim, 1000000);
  sim->n_flows = 1 + (guint) random_below (sim, MAX_FLOWS);
  sim->flights = g_ptr_array_new_with_free_func (flight_free);
  for (guint i = 0; i < sim->n_flows; i++) {
    SimFlow *f = &sim->flows[i];

    f->reassembler = wzp_reassembler_new (&sim->budget);
    wzp_reassembler_set_hold (f->reassembler, schedule.hold_us);
    f->packetizer = wzp_packetizer_new (i + 1);
    f->n_frames = 1 + (guint) random_below (sim, MAX_FRAMES);
    for (guint k = 0; k < f->n_frames; k++) {
      SentFrame *sent = &f->frames[k];

      sent->size = random_size (sim);
      sent->from =
          (guint32) random_below (sim, (gint) (POOL_SIZE - sent->size));
      sent->came = g_malloc0 (sent->size);
      sent->whole_us = sent->first_us = -1;
    }
  }

  send_all (sim);
  deliver_all (sim);
  for (guint i = 0; i < sim->n_flows; i++) {
    SimFlow *f = &sim->flows[i];

    check_flow (sim, f);
    wzp_reassembler_free (f->reassembler);
    wzp_packetizer_free (f->packetizer);
    for (guint k = 0; k < f->n_frames; k++)
      g_free (f->frames[k].came);
  }
  g_assert_cmpuint (sim->budget.used, ==, 0);
  g_ptr_array_unref (sim->flights);
  g_free (sim);
}

typedef struct {
  guint n_schedules;
  guint32 size_max;
  double loss_max;
  gsize budget_max; /* 0: enough, and the model knows what comes */
} Kind;

static void
test_schedules (WzpTest *test, gconstpointer data)
{
  const Kind *kind = data;
  GRand *rand = wzp_test_rand_new ();

  for (guint i = 0; i < kind->n_schedules; i++) {
    Schedule schedule = {
      .hold_us = g_rand_int_range (rand, 100, 300) * MS,
      .size_max = kind->size_max,
      .loss = kind->loss_max * g_rand_double (rand),
      .repeat = g_rand_boolean (rand) ? 0.3 * g_rand_double (rand) : 0,
      .budget = WZP_REASSEMBLY_MAX_BYTES,
      .is_checked_by_model = kind->budget_max == 0,
    };

    /* Large frames make one hole in three datagrams: fewer than 256 of them
     * are under way at once. */
    schedule.jitter_us = kind->size_max > 100000
        ? g_rand_int_range (rand, 1, 3) * MS
        : g_rand_int_range (rand, 1, 120) * MS;
    if (kind->budget_max > 0)
      schedule.budget =
          (gsize) g_rand_int_range (rand, 2000, (gint32) kind->budget_max);
    run_schedule (rand, schedule);
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  static const Kind small = { 1500, 4000, 0.3, 0 };
  static const Kind without_loss = { 500, 60000, 0, 0 };
  static const Kind medium = { 400, 60000, 0.1, 0 };
  static const Kind large = { 30, 1024 * 1024, 0.003, 0 };
  static const Kind large_without_loss = { 20, 1024 * 1024, 0, 0 };
  static const Kind short_of_room = { 500, 60000, 0.1, 300000 };

  for (gsize i = 0; i < sizeof pool; i++)
    pool[i] = (guint8) ((i * 2654435761u) >> 13);

  wzp_test_init (&argc, &argv);
#define ADD(name, kind)                                                        \
  wzp_test_add_full ("/reassembler-sim/" name, 40, &kind, test_schedules)
  ADD ("small", small);
  ADD ("without-loss", without_loss);
  ADD ("medium", medium);
  ADD ("large", large);
  ADD ("large-without-loss", large_without_loss);
  ADD ("short-of-room", short_of_room);
#undef ADD
  return wzp_test_run ();
}
