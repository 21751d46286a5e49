#include "wzp-frame-gate.h"
#include "wzp-test.h"

#include <string.h>

#define S     WZP_DATAGRAM_FRAME_START
#define E     WZP_DATAGRAM_FRAME_END
#define K     WZP_DATAGRAM_KEY_FRAME
#define LEN   1000u
#define FULL  (WZP_FRAME_GATE_MAX_QUEUED - LEN + 1)
#define LIMIT WZP_FRAME_GATE_MIN_LIMIT

typedef struct {
  WzpFrameFlows *flows;
  WzpFrameGate *gate;
} Fixture;

static void
fixture_init (Fixture *f)
{
  f->flows = wzp_frame_flows_new (1);
  f->gate = wzp_frame_gate_new ();
}

static void
fixture_clear (Fixture *f)
{
  wzp_frame_flows_free (f->flows);
  wzp_frame_gate_free (f->gate);
}

static WzpFrameMark
mark (WzpFrameFlows *flows, guint8 flags, guint64 number, guint32 flow)
{
  const WzpDatagramPrefix prefix = {
    .flags = flags,
    .number = number,
    .sender = 7,
    .flow = flow,
  };
  WzpFrameMark result;

  wzp_frame_flows_mark (flows, &prefix, &result);
  return result;
}

/* Flow 1, with @queued bytes waiting. */
static gboolean
pass (Fixture *f, guint8 flags, guint64 number, gsize queued)
{
  WzpFrameMark m = mark (f->flows, flags, number, 1);

  return wzp_frame_gate_pass (f->gate, &m, LEN, queued, LIMIT);
}

static void
test_nothing_queued (void)
{
  Fixture f;

  fixture_init (&f);
  for (guint i = 0; i < 1000; i++)
    g_assert_true (pass (&f, i % 4 == 0 ? S : i % 4 == 3 ? E : 0, i, 0));
  g_assert_cmpuint (wzp_frame_gate_get_gaps (f.gate), ==, 0);
  fixture_clear (&f);
}

static void
test_limits (void)
{
  Fixture f;

  g_test_summary ("A frame begins below the limit and goes on above it");

  fixture_init (&f);
  g_assert_true (pass (&f, S, 0, LIMIT - 1));
  g_assert_true (pass (&f, 0, 1, LIMIT));
  g_assert_true (pass (&f, 0, 2, WZP_FRAME_GATE_MAX_QUEUED - LEN));
  g_assert_true (pass (&f, E, 3, WZP_FRAME_GATE_MAX_QUEUED - LEN));
  g_assert_false (pass (&f, S, 4, LIMIT));
  fixture_clear (&f);

  /* All of one datagram, and it decodes alone. */
  fixture_init (&f);
  g_assert_true (pass (&f, S | E | K, 0, LIMIT + WZP_FRAME_GATE_EXTRA - 1));
  g_assert_false (pass (&f, S | E | K, 1, LIMIT + WZP_FRAME_GATE_EXTRA));
  fixture_clear (&f);
  fixture_init (&f);
  g_assert_false (pass (&f, S | E, 0, LIMIT));
  g_assert_false (pass (&f, S | K, 1, LIMIT));
  fixture_clear (&f);
}

static void
test_without_keys (void)
{
  Fixture f;

  g_test_summary ("The rest of a frame goes; the next frame passes");

  fixture_init (&f);
  g_assert_true (pass (&f, S, 0, 0));
  g_assert_false (pass (&f, 0, 1, FULL));
  g_assert_false (pass (&f, 0, 2, 0));
  g_assert_false (pass (&f, E, 3, 0));
  g_assert_true (pass (&f, S, 4, 0));
  g_assert_true (pass (&f, E, 5, 0));
  fixture_clear (&f);
}

static void
test_with_keys (void)
{
  Fixture f;

  g_test_summary ("What leans on a lost frame goes too, up to a key frame");

  fixture_init (&f);
  g_assert_true (pass (&f, S | K, 0, 0));
  g_assert_true (pass (&f, E | K, 1, 0));
  g_assert_false (pass (&f, S | E, 2, LIMIT));
  g_assert_false (pass (&f, S, 3, 0));
  g_assert_false (pass (&f, E, 4, 0));
  g_assert_false (pass (&f, S | K, 5, LIMIT)); /* no room for it yet */
  g_assert_false (pass (&f, E | K, 6, 0));
  g_assert_true (pass (&f, S | K, 7, 0));
  g_assert_true (pass (&f, E | K, 8, 0));
  g_assert_true (pass (&f, S | E, 9, 0));
  fixture_clear (&f);
}

static void
test_all_keys (void)
{
  Fixture f;

  g_test_summary ("Sound: the next frame is a key frame");

  fixture_init (&f);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (
        pass (&f, S | E | K, i, i % 3 == 0 ? FULL : 0), ==, i % 3 != 0);
  fixture_clear (&f);
}

static void
test_flows_apart (void)
{
  g_autoptr (WzpFrameFlows) other = wzp_frame_flows_new (2);
  WzpFrameMark m;
  Fixture f;

  g_test_summary ("A flow's loss is no other flow's, nor another sender's");

  fixture_init (&f);
  g_assert_false (pass (&f, S, 0, FULL));
  m = mark (f.flows, 0, 1, 2);
  g_assert_true (wzp_frame_gate_pass (f.gate, &m, LEN, 0, LIMIT));
  m = mark (other, 0, 1, 1); /* the same number and name */
  g_assert_true (wzp_frame_gate_pass (f.gate, &m, LEN, 0, LIMIT));
  g_assert_false (pass (&f, 0, 2, 0));
  g_assert_cmpuint (wzp_frame_gate_get_gaps (f.gate), ==, 1);
  fixture_clear (&f);
}

static void
test_lost_after_all (void)
{
  WzpFrameMark m;
  Fixture f;

  fixture_init (&f);
  m = mark (f.flows, S, 0, 1);
  g_assert_true (wzp_frame_gate_pass (f.gate, &m, LEN, 0, LIMIT));
  wzp_frame_gate_lose (f.gate, &m);
  g_assert_false (pass (&f, 0, 1, 0));
  g_assert_false (pass (&f, E, 2, 0));
  g_assert_true (pass (&f, S, 3, 0));
  fixture_clear (&f);
}

/* A datagram and what is to become of it. */
typedef struct {
  guint8 flags;
  guint number;
  gboolean is_full;
  gboolean passes;
} Step;

typedef struct {
  const char *what;
  Step steps[12]; /* to one with number 0 */
} Order;

static const Order orders[] = {
  { "within a frame",
      { { S, 10, 0, 1 }, { 0, 12, 0, 1 }, { 0, 11, 0, 1 }, { E, 13, 0, 1 } } },
  { "a loss first, then what was before it",
      { { S, 10, 0, 1 }, { 0, 12, 1, 0 }, { 0, 11, 0, 0 }, { E, 13, 0, 0 },
          { S, 14, 0, 1 } } },
  { "the start comes after the loss: no frame to go on with",
      { { E, 9, 0, 1 }, { 0, 11, 1, 0 }, { S, 10, 0, 0 }, { E, 12, 0, 0 },
          { S | E, 13, 0, 1 } } },
  { "the flow begins with a loss, and its start comes after that",
      { { 0, 11, 1, 0 }, { S, 10, 0, 0 }, { E, 12, 0, 0 },
          { S | E, 13, 0, 1 } } },
  { "the end comes after the next start",
      { { S, 10, 0, 1 }, { 0, 11, 1, 0 }, { S, 13, 0, 1 }, { E, 12, 0, 0 },
          { E, 14, 0, 1 } } },
  { "the frame before is not concerned",
      { { S, 10, 0, 1 }, { E, 12, 0, 1 }, { S, 13, 1, 0 }, { 0, 11, 0, 1 },
          { 0, 14, 0, 0 } } },
  { "the next frame's middle comes before its start",
      { { S, 10, 1, 0 }, { E, 11, 0, 0 }, { 0, 13, 0, 0 }, { S, 12, 0, 0 },
          { E, 14, 0, 0 }, { S, 15, 0, 1 } } },
  { "two losses, and the rest of both late",
      { { S, 10, 1, 0 }, { S, 13, 0, 1 }, { E, 14, 0, 1 }, { S, 15, 1, 0 },
          { S, 18, 0, 1 }, { 0, 16, 0, 0 }, { 0, 11, 0, 0 },
          { E, 19, 0, 1 } } },
  { "a loss of a frame long gone leaves the flow as it is",
      { { S, 10, 1, 0 }, { S, 13, 0, 1 }, { 0, 8, 1, 0 }, { 0, 14, 0, 1 },
          { 0, 9, 0, 0 }, { E, 15, 0, 1 } } },
  { "a key frame from before the loss",
      { { S | K, 5, 0, 1 }, { S, 12, 1, 0 }, { S | E | K, 11, 0, 1 },
          { E, 13, 0, 0 }, { S | E, 14, 0, 0 }, { S | E | K, 15, 0, 1 } } },
};

static void
test_orders (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (orders); i++) {
    Fixture f;

    g_test_message ("%s", orders[i].what);
    fixture_init (&f);
    for (const Step *s = orders[i].steps; s->number != 0; s++) {
      gboolean passed = pass (&f, s->flags, s->number, s->is_full ? FULL : 0);

      if (passed != s->passes)
        g_error ("%s: %u: %d", orders[i].what, s->number, passed);
    }
    fixture_clear (&f);
  }
}

static void
test_remembered (void)
{
  const guint resumed = 10;
  Fixture f;

  g_test_summary ("A gap is forgotten when nothing late can come of it");

  fixture_init (&f);
  g_assert_false (pass (&f, S, 5, FULL));
  g_assert_true (pass (&f, S, resumed, 0));
  g_assert_true (pass (&f, E, resumed + WZP_FRAME_GATE_REORDER, 0));
  g_assert_cmpuint (wzp_frame_gate_get_gaps (f.gate), ==, 1);
  g_assert_false (pass (&f, 0, 7, 0));
  g_assert_true (pass (&f, S, resumed + WZP_FRAME_GATE_REORDER + 1, 0));
  g_assert_cmpuint (wzp_frame_gate_get_gaps (f.gate), ==, 0);
  fixture_clear (&f);
}

static void
test_forget (void)
{
  g_autoptr (WzpFrameFlows) other = wzp_frame_flows_new (2);
  WzpFrameMark m;
  Fixture f;

  fixture_init (&f);
  wzp_frame_gate_forget (f.gate, 1);
  g_assert_false (pass (&f, S, 0, FULL));
  m = mark (other, S, 0, 1);
  wzp_frame_gate_lose (f.gate, &m);
  g_assert_cmpuint (wzp_frame_gate_get_gaps (f.gate), ==, 2);
  wzp_frame_gate_forget (f.gate, 2);
  g_assert_cmpuint (wzp_frame_gate_get_gaps (f.gate), ==, 1);
  g_assert_false (pass (&f, 0, 1, 0));
  wzp_frame_gate_forget (f.gate, 1);
  g_assert_cmpuint (wzp_frame_gate_get_gaps (f.gate), ==, 0);
  g_assert_true (pass (&f, 0, 2, 0));
  fixture_clear (&f);
}

static void
test_max_flows (void)
{
  WzpFrameMark m, first;
  Fixture f;

  g_test_summary ("One flow more takes the place of the one longest unused");

  fixture_init (&f);
  first = mark (f.flows, S | E | K, 0, 1);
  for (guint i = 1; i < WZP_FRAME_GATE_MAX_FLOWS; i++) {
    m = mark (f.flows, S, i, 1 + i % 60);
    /* Flow ids of a room are 6 bits: more flows are more senders' tags. */
    if (i >= 60) {
      const WzpDatagramPrefix prefix = { .flags = S, .sender = i, .flow = 1 };

      wzp_frame_flows_mark (f.flows, &prefix, &m);
      g_assert_cmphex (m.flow, !=, first.flow);
    }
  }
  m = mark (f.flows, 0, 100, 1);
  g_assert_cmphex (m.flow, ==, first.flow);
  g_assert_true (m.has_keys);
  /* Flow 1 was just used: 2 is the oldest, and comes back knowing nothing. */
  for (guint i = 0; i < 1000; i++) {
    const WzpDatagramPrefix prefix = { .sender = 1000 + i, .flow = 1 };

    wzp_frame_flows_mark (f.flows, &prefix, &m);
    g_assert_cmpuint (m.flow & 0xffffffff, <, WZP_FRAME_GATE_MAX_FLOWS);
    g_assert_false (m.has_keys);
  }
  m = mark (f.flows, 0, 101, 1);
  g_assert_false (m.has_keys);
  fixture_clear (&f);
}

static void
test_max_gaps (void)
{
  g_autoptr (WzpFrameGate) gate = wzp_frame_gate_new ();
  g_autoptr (WzpFrameFlows) one_more = NULL;
  WzpFrameMark m;
  guint sender = 1;

  g_test_summary ("One more is dropped, but not remembered");

  while (wzp_frame_gate_get_gaps (gate) < WZP_FRAME_GATE_MAX_GAPS) {
    g_autoptr (WzpFrameFlows) flows = wzp_frame_flows_new (sender++);

    for (guint flow = 1; flow <= WZP_ROOM_FLOW_ID_MAX; flow++) {
      m = mark (flows, S, 1, flow);
      g_assert_false (wzp_frame_gate_pass (gate, &m, LEN, FULL, LIMIT));
    }
  }
  one_more = wzp_frame_flows_new (sender);
  m = mark (one_more, S, 1, 1);
  g_assert_false (wzp_frame_gate_pass (gate, &m, LEN, FULL, LIMIT));
  m = mark (one_more, E, 2, 1);
  g_assert_true (wzp_frame_gate_pass (gate, &m, LEN, 0, LIMIT));
  g_assert_cmpuint (
      wzp_frame_gate_get_gaps (gate), ==, WZP_FRAME_GATE_MAX_GAPS);
  wzp_frame_gate_forget (gate, 1);
  m = mark (one_more, S, 3, 1);
  g_assert_false (wzp_frame_gate_pass (gate, &m, LEN, FULL, LIMIT));
  m = mark (one_more, E, 4, 1);
  g_assert_false (wzp_frame_gate_pass (gate, &m, LEN, 0, LIMIT));
}

static void
test_compute_limit (void)
{
  g_assert_cmpuint (
      wzp_frame_gate_compute_limit (0, 0), ==, WZP_FRAME_GATE_MIN_LIMIT);
  g_assert_cmpuint (wzp_frame_gate_compute_limit (14720, 100000), ==,
      WZP_FRAME_GATE_MIN_LIMIT);
  /* 20 Mbit/s for a quarter of a second. */
  g_assert_cmpuint (wzp_frame_gate_compute_limit (125000, 50000), ==, 625000);
  g_assert_cmpuint (wzp_frame_gate_compute_limit (G_MAXUINT64, 0), ==,
      WZP_FRAME_GATE_MAX_LIMIT);
  g_assert_cmpuint (wzp_frame_gate_compute_limit (1 << 20, G_MAXINT64), ==,
      WZP_FRAME_GATE_MIN_LIMIT);
}

/* ---- random schedules ---- */

typedef struct {
  guint32 flow;
  guint64 frame; /* of the flow */
  guint8 flags;
  guint64 number;
} Datagram;

/* Frames of 1 to 8 datagrams of three flows, their fragments interleaved: 1 has
 * key frames, 2 none, 3 only such. */
static GArray *
make_schedule (GRand *rand, guint n)
{
  GArray *schedule = g_array_new (FALSE, FALSE, sizeof (Datagram));
  guint64 frames[4] = { 0 };
  guint left[4] = { 0 }, size[4] = { 0 };
  gboolean is_key[4] = { FALSE };

  for (guint i = 0; i < n; i++) {
    guint32 flow = (guint32) g_rand_int_range (rand, 1, 4);
    Datagram d = { .flow = flow, .number = i };

    if (left[flow] == 0) {
      size[flow] = left[flow] = (guint) g_rand_int_range (rand, 1, 9);
      is_key[flow] = flow == 3 || (flow == 1 && frames[flow] % 10 == 0);
      frames[flow]++;
    }
    d.frame = frames[flow];
    d.flags = (left[flow] == size[flow] ? S : 0) | (left[flow] == 1 ? E : 0) |
        (is_key[flow] ? K : 0);
    left[flow]--;
    g_array_append_val (schedule, d);
  }
  return schedule;
}

/* Each is moved forward by at most @far places. */
static void
shuffle (GRand *rand, GArray *schedule, guint far)
{
  for (guint i = 0; i + far < schedule->len; i++) {
    guint j = i + (guint) g_rand_int_range (rand, 0, (gint32) far + 1);
    Datagram *a = &g_array_index (schedule, Datagram, i);
    Datagram *b = &g_array_index (schedule, Datagram, j);
    Datagram kept = *a;

    if (g_rand_int_range (rand, 0, 10) == 0) {
      *a = *b;
      *b = kept;
    }
  }
}

/* What must hold of a flow, whatever came in which order. */
typedef struct {
  guint64 broken; /* the last frame of which something was dropped */
  guint64 key;    /* the last key frame whose start passed */
  guint n_passed, n_dropped;
} Seen;

static void
check_passed (const Datagram *d, Seen *seen, gboolean in_order)
{
  if ((d->flags & S) != 0 && (d->flags & K) != 0)
    seen->key = MAX (seen->key, d->frame);
  seen->n_passed++;
  if (!in_order)
    return;
  /* Nothing more of a broken frame; and of a flow with key frames nothing
   * before the next. */
  g_assert_cmpuint (d->frame, >, seen->broken);
  if (d->flow == 1 && seen->broken > 0)
    g_assert_cmpuint (seen->key, >, seen->broken);
}

static void
check_dropped (const Datagram *d, Seen *seen)
{
  seen->broken = MAX (seen->broken, d->frame);
  seen->n_dropped++;
}

/* A few are lost although they might have passed. */
static gboolean
try (Fixture *f, GRand *rand, const WzpFrameMark *m, gsize queued)
{
  if (!wzp_frame_gate_pass (f->gate, m, LEN, queued, 20000))
    return FALSE;
  if (g_rand_int_range (rand, 0, 50) != 0)
    return TRUE;
  wzp_frame_gate_lose (f->gate, m);
  return FALSE;
}

static void
run_schedule (GArray *schedule, GRand *rand, gboolean in_order)
{
  g_autoptr (GHashTable) broken = g_hash_table_new (NULL, NULL);
  Seen seen[4] = { { 0 } };
  gsize queued = 0;
  Fixture f;

  fixture_init (&f);
  for (guint i = 0; i < schedule->len; i++) {
    const Datagram *d = &g_array_index (schedule, Datagram, i);
    WzpFrameMark m = mark (f.flows, d->flags, d->number, d->flow);
    gpointer frame = GSIZE_TO_POINTER (d->frame << 2 | d->flow);
    gsize drained = (gsize) g_rand_int_range (rand, 0, 1900);

    queued = queued > drained ? queued - drained : 0;
    if (!try (&f, rand, &m, queued)) {
      check_dropped (d, &seen[d->flow]);
      g_hash_table_add (broken, frame);
      continue;
    }
    g_assert_false (g_hash_table_contains (broken, frame));
    check_passed (d, &seen[d->flow], in_order);
    queued += LEN;
    g_assert_cmpuint (queued, <=, WZP_FRAME_GATE_MAX_QUEUED);
  }
  for (guint flow = 1; flow < 4; flow++) {
    g_test_message ("flow %u: %u passed, %u dropped", flow, seen[flow].n_passed,
        seen[flow].n_dropped);
    g_assert_cmpuint (seen[flow].n_passed, >, 100);
    g_assert_cmpuint (seen[flow].n_dropped, >, 100);
  }
  fixture_clear (&f);
}

static void
test_random (void)
{
  GRand *rand = wzp_test_rand_new ();

  for (guint round = 0; round < 10; round++) {
    g_autoptr (GArray) schedule = make_schedule (rand, 20000);

    run_schedule (schedule, rand, TRUE);
  }
  g_rand_free (rand);
}

static void
test_random_order (void)
{
  GRand *rand = wzp_test_rand_new ();

  g_test_summary ("Of a frame that lost something nothing more passes");

  for (guint round = 0; round < 10; round++) {
    g_autoptr (GArray) schedule = make_schedule (rand, 20000);

    shuffle (rand, schedule, 3);
    run_schedule (schedule, rand, FALSE);
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/frame-gate/nothing-queued", test_nothing_queued);
  g_test_add_func ("/frame-gate/limits", test_limits);
  g_test_add_func ("/frame-gate/without-keys", test_without_keys);
  g_test_add_func ("/frame-gate/with-keys", test_with_keys);
  g_test_add_func ("/frame-gate/all-keys", test_all_keys);
  g_test_add_func ("/frame-gate/flows-apart", test_flows_apart);
  g_test_add_func ("/frame-gate/lost-after-all", test_lost_after_all);
  g_test_add_func ("/frame-gate/orders", test_orders);
  g_test_add_func ("/frame-gate/remembered", test_remembered);
  g_test_add_func ("/frame-gate/forget", test_forget);
  g_test_add_func ("/frame-gate/max-flows", test_max_flows);
  g_test_add_func ("/frame-gate/max-gaps", test_max_gaps);
  g_test_add_func ("/frame-gate/compute-limit", test_compute_limit);
  g_test_add_func ("/frame-gate/random", test_random);
  g_test_add_func ("/frame-gate/random-order", test_random_order);
  return wzp_test_run ();
}
