/* Two ends of a control channel over a simulated network: loss, reordering,
 * repeats, several paths, datagrams of any size, outages, kicks. Every message
 * comes, once, in order, soon after the network is good. */
#include "wzp-control-channel.h"
#include "wzp-test.h"

#include <string.h>

#define MS G_TIME_SPAN_MILLISECOND

static guint8 bytes[WZP_CONTROL_MAX_MESSAGE + 1];

static GBytes *
new_message (gsize size, guint mark)
{
  guint8 *data = g_malloc (size + 4);

  memcpy (data, bytes, size);
  if (size >= 4)
    memcpy (data, &mark, 4);
  return g_bytes_new_take (data, size);
}

static gboolean
send_size (WzpControlChannel *channel, gsize size, guint mark)
{
  g_autoptr (GBytes) message = new_message (size, mark);

  return wzp_control_channel_send (channel, message);
}

static void
assert_quiet (WzpControlChannel *channel, gint64 now)
{
  guint8 buf[1200];

  g_assert_cmpint (wzp_control_channel_get_deadline (channel), ==, -1);
  g_assert_cmpuint (
      wzp_control_channel_write (channel, now, buf, sizeof buf), ==, 0);
}

/* Takes what @from has to say now to @to; returns the datagrams. */
static guint
carry (WzpControlChannel *from, WzpControlChannel *to, gint64 now, gsize size)
{
  g_autofree guint8 *buf = g_malloc (size);
  guint n = 0;
  gsize len;

  while ((len = wzp_control_channel_write (from, now, buf, size)) > 0) {
    g_assert_cmpuint (len, <=, size);
    g_assert_true (wzp_control_channel_receive (to, buf, len, now));
    n++;
  }
  return n;
}

typedef struct {
  gint64 due_us;
  guint order;
  guint to;
  guint8 *data; /* owned */
  gsize len;
} Flight;

typedef struct {
  WzpControlChannel *channel;
  guint n_messages, n_sent, n_got;
  gsize sizes[200];
  gint64 next_send_us, next_kick_us;
} End;

typedef struct {
  GRand *rand;
  End ends[2];
  GSequence *flights; /* of Flight, owned */
  double loss, repeat;
  gint64 delay_us, jitter_us;
  gint64 calm_us; /* no loss from here on */
  gint64 now;
  guint n_datagrams;
  gsize size_max;
  guint n_paths;
} Sim;

static void
flight_free (gpointer data)
{
  Flight *flight = data;

  g_free (flight->data);
  g_free (flight);
}

static gint
compare_flights (gconstpointer a, gconstpointer b, gpointer unused)
{
  const Flight *fa = a;
  const Flight *fb = b;

  if (fa->due_us != fb->due_us)
    return fa->due_us < fb->due_us ? -1 : 1;
  return fa->order < fb->order ? -1 : fa->order > fb->order;
}

static void
put_under_way (Sim *sim, guint to, const guint8 *data, gsize len)
{
  guint n = 1 + (g_rand_double (sim->rand) < sim->repeat);

  for (guint i = 0; i < n; i++) {
    Flight *flight;

    if (sim->now < sim->calm_us && g_rand_double (sim->rand) < sim->loss)
      continue;
    flight = g_new0 (Flight, 1);
    flight->due_us = sim->now + sim->delay_us +
        g_rand_int_range (sim->rand, 0, (gint) sim->jitter_us + 1);
    flight->order = sim->n_datagrams;
    flight->to = to;
    flight->data = g_memdup2 (data, len);
    flight->len = len;
    g_sequence_insert_sorted (sim->flights, flight, compare_flights, NULL);
  }
}

static void
send_and_write (Sim *sim, guint i)
{
  End *end = &sim->ends[i];
  guint8 buf[1500];
  gsize len;

  while (end->n_sent < end->n_messages && sim->now >= end->next_send_us &&
      send_size (end->channel, end->sizes[end->n_sent], end->n_sent)) {
    end->n_sent++;
    end->next_send_us += g_rand_int_range (sim->rand, 0, 3) * 20 * MS;
  }
  if (sim->now >= end->next_kick_us) {
    wzp_control_channel_kick (end->channel);
    end->next_kick_us = sim->now + g_rand_int_range (sim->rand, 0, 3000) * MS;
  }
  while ((len = wzp_control_channel_write (end->channel, sim->now, buf,
              (gsize) g_rand_int_range (
                  sim->rand, 256, (gint) sim->size_max + 1))) > 0) {
    for (guint path = 0; path < sim->n_paths; path++)
      put_under_way (sim, !i, buf, len);
    sim->n_datagrams++;
  }
  g_assert_cmpint (wzp_control_channel_get_deadline (end->channel), !=, 0);
}

static void
pop_all (End *end, const End *peer)
{
  GBytes *message;

  while ((message = wzp_control_channel_pop (end->channel)) != NULL) {
    g_autoptr (GBytes) expected = NULL;

    g_assert_cmpuint (end->n_got, <, peer->n_sent);
    expected = new_message (peer->sizes[end->n_got], end->n_got);
    g_assert_true (g_bytes_equal (message, expected));
    g_bytes_unref (message);
    end->n_got++;
  }
}

/* The earliest of what is under way and of the deadlines. */
static gint64
next_event (Sim *sim)
{
  GSequenceIter *first = g_sequence_get_begin_iter (sim->flights);
  gint64 next = G_MAXINT64;

  if (!g_sequence_iter_is_end (first))
    next = ((Flight *) g_sequence_get (first))->due_us;
  for (guint i = 0; i < 2; i++) {
    End *end = &sim->ends[i];
    gint64 deadline = wzp_control_channel_get_deadline (end->channel);

    if (deadline >= 0)
      next = MIN (next, deadline);
    if (end->n_sent < end->n_messages &&
        wzp_control_channel_has_room (end->channel))
      next = MIN (next, end->next_send_us);
  }
  return next;
}

static void
run_schedule (Sim *sim)
{
  for (;;) {
    gint64 next;

    for (guint i = 0; i < 2; i++)
      send_and_write (sim, i);
    next = next_event (sim);
    if (next == G_MAXINT64)
      break;
    sim->now = MAX (sim->now, next);
    for (;;) {
      GSequenceIter *first = g_sequence_get_begin_iter (sim->flights);
      Flight *flight;

      if (g_sequence_iter_is_end (first))
        break;
      flight = g_sequence_get (first);
      if (flight->due_us > sim->now)
        break;
      g_assert_true (wzp_control_channel_receive (
          sim->ends[flight->to].channel, flight->data, flight->len, sim->now));
      pop_all (&sim->ends[flight->to], &sim->ends[!flight->to]);
      g_sequence_remove (first);
    }
  }
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpuint (sim->ends[i].n_sent, ==, sim->ends[i].n_messages);
    g_assert_cmpuint (sim->ends[i].n_got, ==, sim->ends[!i].n_messages);
    g_assert_true (wzp_control_channel_is_idle (sim->ends[i].channel));
    assert_quiet (sim->ends[i].channel, sim->now + 10000 * MS);
  }
}

static void
sim_set_up (Sim *sim, GRand *rand, guint n_max, gsize size_max)
{
  sim->rand = rand;
  sim->now = g_rand_int_range (rand, 0, 1000000);
  sim->flights = g_sequence_new (flight_free);
  for (guint i = 0; i < 2; i++) {
    End *end = &sim->ends[i];

    end->channel = wzp_control_channel_new ();
    end->next_send_us = end->next_kick_us = sim->now;
    end->n_messages = (guint) g_rand_int_range (rand, 0, (gint) n_max);
    for (guint k = 0; k < end->n_messages; k++)
      end->sizes[k] = (gsize) g_rand_int_range (rand, 0,
          g_rand_int_range (rand, 0, 4) == 0 ? (gint) size_max + 1 : 300);
  }
}

static void
sim_tear_down (Sim *sim)
{
  for (guint i = 0; i < 2; i++)
    wzp_control_channel_free (sim->ends[i].channel);
  g_sequence_free (sim->flights);
}

/* How long it may take once nothing is lost: the longest timer, the time over
 * which messages are queued, and there and back for each 32 KiB (less than 64
 * may be under way when the next is large) and each window of messages. */
static gint64
patience (const Sim *sim, gint64 rtt)
{
  gint64 longest = 0;

  for (guint i = 0; i < 2; i++) {
    const End *end = &sim->ends[i];
    gint64 flights = 4 + end->n_messages / WZP_CONTROL_MAX_UNACKED;
    gsize total = 0;

    for (guint k = 0; k < end->n_messages; k++)
      total += end->sizes[k];
    flights += (gint64) (total / (WZP_CONTROL_MAX_MESSAGE / 2));
    longest =
        MAX (longest, flights * (rtt + 40 * MS) + end->n_messages * 40 * MS);
  }
  return 1000 * MS + longest;
}

typedef struct {
  guint n_schedules, n_max;
  gsize size_max;
  double loss_max;
} Kind;

static void
test_schedules (WzpTest *test, gconstpointer data)
{
  const Kind *kind = data;
  GRand *rand = wzp_test_rand_new ();

  for (guint i = 0; i < kind->n_schedules; i++) {
    Sim sim = {
      .loss = kind->loss_max * g_rand_double (rand),
      .repeat = g_rand_boolean (rand) ? 0.2 * g_rand_double (rand) : 0,
      .delay_us = g_rand_int_range (rand, 0, 80) * MS,
      .jitter_us =
          g_rand_int_range (rand, 0, 3) * g_rand_int_range (rand, 0, 40) * MS,
      .n_paths = (guint) g_rand_int_range (rand, 1, 3),
      .size_max = (gsize) g_rand_int_range (rand, 256, 1500),
    };
    gint64 rtt;

    sim_set_up (&sim, rand, kind->n_max, kind->size_max);
    /* At times all is lost for some seconds. */
    sim.calm_us = sim.now + g_rand_int_range (rand, 0, 5000) * MS;
    if (g_rand_int_range (rand, 0, 4) == 0)
      sim.loss = 1;
    rtt = 2 * (sim.delay_us + sim.jitter_us);
    if (g_rand_boolean (rand))
      for (guint k = 0; k < 2; k++)
        wzp_control_channel_set_rtt (
            sim.ends[k].channel, g_rand_int_range (rand, 0, (gint) rtt + 1));
    run_schedule (&sim);
    g_assert_cmpint (sim.now, <=, sim.calm_us + patience (&sim, rtt));
    sim_tear_down (&sim);
  }
  g_rand_free (rand);
}

/* On a good path everything is written once. */
static void
test_nothing_needless (WzpTest *test, gconstpointer data)
{
  GRand *rand = wzp_test_rand_new ();

  for (guint i = 0; i < 50; i++) {
    Sim sim = { .delay_us = 30 * MS, .n_paths = 1, .size_max = 1200 };
    guint8 buf[1200];
    gsize sent = 0, total = 0, len;
    GBytes *message;
    End *a = &sim.ends[0];

    sim_set_up (&sim, rand, 60, 20000);
    wzp_control_channel_set_rtt (a->channel, 60 * MS);
    for (guint k = 0; k < a->n_messages; k++)
      if (send_size (a->channel, a->sizes[k], k))
        total += a->sizes[k];
    do {
      while ((len = wzp_control_channel_write (
                  a->channel, sim.now, buf, sizeof buf)) > 0) {
        put_under_way (&sim, 1, buf, len);
        sim.n_datagrams++;
        sent += len;
      }
      sim.now = next_event (&sim);
      while (!g_sequence_is_empty (sim.flights)) {
        GSequenceIter *first = g_sequence_get_begin_iter (sim.flights);
        Flight *flight = g_sequence_get (first);

        g_assert_true (wzp_control_channel_receive (
            sim.ends[1].channel, flight->data, flight->len, sim.now));
        g_sequence_remove (first);
      }
      sim.now += 30 * MS;
      carry (sim.ends[1].channel, a->channel, sim.now, 256);
    } while (!wzp_control_channel_is_idle (a->channel));
    while ((message = wzp_control_channel_pop (sim.ends[1].channel)) != NULL)
      g_bytes_unref (message);
    g_assert_cmpuint (sent, >=, total);
    g_assert_cmpuint (
        sent, <=, total + 20 * a->n_messages + 30 * sim.n_datagrams);
    sim_tear_down (&sim);
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  static const Kind small = { 2000, 100, 2000, 0.6 };
  static const Kind segments = { 300, 20, WZP_CONTROL_MAX_MESSAGE, 0.3 };

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 7 + i / 251);

  wzp_test_init (&argc, &argv);
  wzp_test_add_full ("/control-channel-sim/small", 40, &small, test_schedules);
  wzp_test_add_full (
      "/control-channel-sim/segments", 40, &segments, test_schedules);
  wzp_test_add (
      "/control-channel-sim/nothing-needless", NULL, test_nothing_needless);
  return wzp_test_run ();
}
