/* Which of two paths that both work the Dialer nominates. */
#include "wzp-nominate.h"
#include "wzp-path-score.h"
#include "wzp-test.h"

#include <math.h>
#include <string.h>

#define MS       G_GINT64_CONSTANT (1000)
#define SEC      (1000 * MS)
#define TICK_US  (10 * MS)
#define RTT_US   (40 * MS) /* of both paths */
#define BETTER   WZP_PATH_SCORE_BETTER_US
#define SETTLE   WZP_PATH_SCORE_SETTLE_US
#define MAX_WAIT 16

typedef struct {
  WzpPath path;
  guint64 seq;
  gint64 at_us;
} Answer;

typedef struct {
  WzpNominate *nominate;
  gint64 now_us;
  gboolean is_rated;
  guint mute; /* of the relay's probes each so many-th is lost; 0: none */
  double loss[WZP_PATH_DIRECT + 1];
  Answer answers[MAX_WAIT]; /* to PROBEs, under way */
  guint n_answers;
  WzpNominateAction changed; /* the last one */
  gint64 changed_us;
  guint n_changed, n_probes[WZP_PATH_DIRECT + 1];
} Rig;

static void
take (Rig *rig, const WzpNominateAction *action)
{
  if (action->type == WZP_NOMINATE_ACTION_CHANGED) {
    rig->changed = *action;
    rig->changed_us = rig->now_us;
    rig->n_changed++;
  } else if (action->type == WZP_NOMINATE_ACTION_PROBE) {
    rig->n_probes[action->path]++;
    if (action->path == WZP_PATH_RELAY && rig->mute > 0 &&
        rig->n_probes[action->path] % rig->mute == 0)
      return;
    g_assert_cmpuint (rig->n_answers, <, MAX_WAIT);
    rig->answers[rig->n_answers++] =
        (Answer){ action->path, action->seq, rig->now_us + RTT_US };
  } else if (action->control.type == WZP_CONTROL_NOMINATE) {
    const WzpControl ack = { .type = WZP_CONTROL_NOMINATE_ACK,
      .epoch = action->control.epoch,
      .n = action->control.n };

    wzp_nominate_receive (rig->nominate, &ack, WZP_PATH_NONE, 10, rig->now_us);
  }
}

static void
answer (Rig *rig, WzpPath path, guint64 seq)
{
  const WzpControl probe = { .type = WZP_CONTROL_PROBE, .path = path };
  const WzpControl ack = {
    .type = WZP_CONTROL_PROBE_ACK, .path = path, .seq = seq
  };

  wzp_nominate_receive (
      rig->nominate, &probe, path, WZP_NOMINATE_PROOF_TEXT, rig->now_us);
  wzp_nominate_receive (rig->nominate, &ack, path, 10, rig->now_us);
}

static void
tick (Rig *rig)
{
  WzpNominateAction action;

  rig->now_us += TICK_US;
  while (rig->n_answers > 0 && rig->answers[0].at_us <= rig->now_us) {
    answer (rig, rig->answers[0].path, rig->answers[0].seq);
    memmove (rig->answers, rig->answers + 1,
        --rig->n_answers * sizeof rig->answers[0]);
  }
  for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++) {
    wzp_nominate_sample (
        rig->nominate, path, RTT_US / 2, RTT_US, 0, rig->now_us);
    if (rig->is_rated)
      wzp_nominate_rate (
          rig->nominate, path, MS, rig->loss[path], FALSE, rig->now_us);
  }
  while (wzp_nominate_step (rig->nominate, rig->now_us, &action))
    take (rig, &action);
}

static void
run (Rig *rig, gint64 for_us)
{
  const gint64 until_us = rig->now_us + for_us;

  while (rig->now_us < until_us)
    tick (rig);
}

static void
come_up (Rig *rig, WzpPath path)
{
  wzp_nominate_path_up (rig->nominate, path, rig->now_us);
  wzp_nominate_heard (rig->nominate, path, rig->now_us);
}

/* On the relay for some time, and then on direct, as of now. */
static void
rig_init (Rig *rig)
{
  *rig = (Rig){ .nominate = wzp_nominate_new (WZP_ROLE_DIALER),
    .now_us = 1000 * SEC };
  come_up (rig, WZP_PATH_RELAY);
  run (rig, 10 * SEC);
  g_assert_cmpint (rig->changed.path, ==, WZP_PATH_RELAY);
  come_up (rig, WZP_PATH_DIRECT);
  while (rig->changed.path != WZP_PATH_DIRECT)
    tick (rig);
  g_assert_cmpuint (rig->n_changed, ==, 2);
}

static void
rig_clear (Rig *rig)
{
  wzp_nominate_free (rig->nominate);
}

static void
assert_on (const Rig *rig, WzpPath path)
{
  g_assert_cmpint (wzp_nominate_get_path (rig->nominate), ==, path);
  g_assert_cmpint (
      wzp_nominate_get_nominated (rig->nominate, NULL, NULL, NULL), ==, path);
}

/* On direct, rated as good, and left alone for long. */
static void
settle (Rig *rig)
{
  rig_init (rig);
  rig->is_rated = TRUE;
  run (rig, 20 * SEC);
  assert_on (rig, WZP_PATH_DIRECT);
}

static void
test_unrated (void)
{
  Rig rig;

  g_test_summary ("Without ratings a direct path that works is kept");
  rig_init (&rig);
  run (&rig, 60 * SEC);
  g_assert_cmpuint (rig.n_changed, ==, 2);
  assert_on (&rig, WZP_PATH_DIRECT);
  rig_clear (&rig);
}

static void
test_half_rated (void)
{
  Rig rig;

  g_test_summary ("A path that was not rated has no score");
  rig_init (&rig);
  for (guint i = 0; i < 2000; i++) {
    wzp_nominate_rate (rig.nominate, WZP_PATH_DIRECT, 0, 1, FALSE, rig.now_us);
    tick (&rig);
  }
  assert_on (&rig, WZP_PATH_DIRECT);
  rig_clear (&rig);
}

static void
test_moves (void)
{
  Rig rig;
  gint64 begin_us;
  guint probes;

  g_test_summary (
      "To the relay that is better for 2 s, is asked meanwhile, and why");
  settle (&rig);
  probes = rig.n_probes[WZP_PATH_RELAY];
  rig.loss[WZP_PATH_DIRECT] = 0.15;
  begin_us = rig.now_us + TICK_US;
  run (&rig, BETTER);
  assert_on (&rig, WZP_PATH_DIRECT);
  tick (&rig);
  assert_on (&rig, WZP_PATH_RELAY);
  g_assert_cmpint (rig.changed_us - begin_us, ==, BETTER);
  g_assert_cmpuint (rig.n_probes[WZP_PATH_RELAY] - probes, >=, 9);
  g_assert_cmpint (rig.changed.why, ==, WZP_NOMINATE_WHY_BETTER);
  g_assert_cmpint (rig.changed.why_us, ==, 15 * 20 * MS - 50 * MS);
  rig_clear (&rig);
}

static void
test_deadline (void)
{
  Rig rig;
  WzpNominateAction action;
  gint64 due_us;

  g_test_summary ("Time alone brings it about, and is asked for");
  settle (&rig);
  rig.loss[WZP_PATH_DIRECT] = 0.15;
  tick (&rig);
  /* Begun anew, so that no probe is due at the same time. */
  rig.loss[WZP_PATH_DIRECT] = 0;
  tick (&rig);
  rig.loss[WZP_PATH_DIRECT] = 0.15;
  tick (&rig);
  due_us = rig.now_us + BETTER;
  run (&rig, BETTER - 5 * TICK_US);
  while (rig.now_us < due_us) {
    const gint64 deadline = wzp_nominate_get_deadline (rig.nominate);

    g_assert_cmpint (deadline, >, rig.now_us);
    g_assert_cmpint (deadline, <=, due_us);
    rig.now_us = deadline;
    while (wzp_nominate_step (rig.nominate, rig.now_us, &action))
      take (&rig, &action);
  }
  assert_on (&rig, WZP_PATH_RELAY);
  rig_clear (&rig);
}

static void
test_margin (void)
{
  Rig rig;

  g_test_summary ("Better by less than the margin is not better");
  settle (&rig);
  /* 44 + 80 ms against 44 + 50. */
  rig.loss[WZP_PATH_DIRECT] = 0.04;
  run (&rig, SEC);
  assert_on (&rig, WZP_PATH_DIRECT);
  /* 44 + 60 against 44 + 50, and 20 % of that is more than 10 ms. */
  rig.loss[WZP_PATH_DIRECT] = 0.03;
  run (&rig, 60 * SEC);
  assert_on (&rig, WZP_PATH_DIRECT);
  rig_clear (&rig);
}

static void
test_settles (void)
{
  Rig rig;

  g_test_summary ("Not within 5 s of the last nomination");
  rig_init (&rig);
  rig.is_rated = TRUE;
  rig.loss[WZP_PATH_DIRECT] = 0.15;
  run (&rig, SETTLE - TICK_US);
  assert_on (&rig, WZP_PATH_DIRECT);
  tick (&rig);
  assert_on (&rig, WZP_PATH_RELAY);
  rig_clear (&rig);
}

static void
test_short (void)
{
  Rig rig;

  g_test_summary ("What is interrupted does not count");
  settle (&rig);
  for (guint i = 0; i < 10; i++) {
    rig.loss[WZP_PATH_DIRECT] = 0.15;
    run (&rig, BETTER);
    rig.loss[WZP_PATH_DIRECT] = 0;
    tick (&rig);
  }
  assert_on (&rig, WZP_PATH_DIRECT);
  rig_clear (&rig);
}

static void
test_mute_relay (void)
{
  Rig rig;

  g_test_summary ("Not to a relay that does not answer");
  settle (&rig);
  rig.loss[WZP_PATH_DIRECT] = 0.15;
  rig.mute = 1;
  run (&rig, 30 * SEC);
  assert_on (&rig, WZP_PATH_DIRECT);
  rig.mute = 0;
  run (&rig, BETTER + SEC + 2 * RTT_US);
  assert_on (&rig, WZP_PATH_RELAY);
  rig_clear (&rig);
}

static void
test_lossy_relay (void)
{
  Rig rig;

  g_test_summary ("Nor to one that loses more, which shows when it is asked");
  settle (&rig);
  rig.loss[WZP_PATH_DIRECT] = 0.15;
  rig.mute = 3;
  run (&rig, 60 * SEC);
  assert_on (&rig, WZP_PATH_DIRECT);
  rig_clear (&rig);
}

static void
test_back (void)
{
  Rig rig;
  guint probes;

  g_test_summary ("Back when direct is good again and the hold-down is over");
  settle (&rig);
  rig.loss[WZP_PATH_DIRECT] = 0.15;
  run (&rig, BETTER + TICK_US);
  assert_on (&rig, WZP_PATH_RELAY);
  run (&rig, 20 * SEC); /* the hold-down is long over */
  probes = rig.n_probes[WZP_PATH_DIRECT];
  run (&rig, 10 * SEC);
  g_assert_cmpuint (rig.n_probes[WZP_PATH_DIRECT] - probes, <=, 10);
  assert_on (&rig, WZP_PATH_RELAY);
  rig.loss[WZP_PATH_DIRECT] = 0;
  run (&rig, SEC + 2 * RTT_US);
  assert_on (&rig, WZP_PATH_DIRECT);
  g_assert_cmpint (rig.changed.why, ==, WZP_NOMINATE_WHY_PROVED);
  rig_clear (&rig);
}

static void
test_flapping (void)
{
  Rig rig;
  guint n;

  g_test_summary ("Direct that is bad only in use is tried less and less");
  settle (&rig);
  n = rig.n_changed;
  for (guint i = 0; i < 300; i++) {
    rig.loss[WZP_PATH_DIRECT] =
        wzp_nominate_get_path (rig.nominate) == WZP_PATH_DIRECT ? 0.15 : 0;
    run (&rig, SEC);
  }
  g_assert_cmpuint (rig.n_changed - n, >=, 4);
  g_assert_cmpuint (rig.n_changed - n, <=, 16);
  rig_clear (&rig);
}

static void
test_dead_relay (void)
{
  Rig rig;

  g_test_summary ("A better relay that dies is left all the same");
  settle (&rig);
  rig.loss[WZP_PATH_DIRECT] = 0.15;
  run (&rig, BETTER + TICK_US);
  assert_on (&rig, WZP_PATH_RELAY);
  rig.mute = 1;
  run (&rig, 4 * SEC);
  assert_on (&rig, WZP_PATH_DIRECT);
  rig_clear (&rig);
}

static void
test_new_direct (void)
{
  Rig rig;

  g_test_summary ("A new direct connection has no score of the old one");
  settle (&rig);
  wzp_nominate_path_down (rig.nominate, WZP_PATH_DIRECT, rig.now_us);
  rig.is_rated = FALSE;
  tick (&rig);
  assert_on (&rig, WZP_PATH_RELAY);
  wzp_nominate_rate (rig.nominate, WZP_PATH_DIRECT, 0, 1, FALSE, rig.now_us);
  come_up (&rig, WZP_PATH_DIRECT);
  rig.is_rated = TRUE;
  rig.loss[WZP_PATH_RELAY] = 0.01;
  run (&rig, 8 * SEC);
  assert_on (&rig, WZP_PATH_DIRECT);
  rig_clear (&rig);
}

static void
test_replaced (void)
{
  Rig rig;

  g_test_summary ("Nor has one that takes the place of another");
  settle (&rig);
  rig.is_rated = FALSE;
  wzp_nominate_rate (rig.nominate, WZP_PATH_DIRECT, 0, 1, FALSE, rig.now_us);
  come_up (&rig, WZP_PATH_DIRECT);
  run (&rig, 30 * SEC);
  assert_on (&rig, WZP_PATH_DIRECT);
  rig_clear (&rig);
}

static void
test_young (void)
{
  Rig rig = { .nominate = wzp_nominate_new (WZP_ROLE_DIALER),
    .now_us = 1000 * SEC,
    .is_rated = TRUE };

  g_test_summary ("A young connection is taken at once, and judged later");
  come_up (&rig, WZP_PATH_RELAY);
  run (&rig, 10 * SEC);
  rig.loss[WZP_PATH_DIRECT] = 0.15;
  come_up (&rig, WZP_PATH_DIRECT);
  run (&rig, 3 * RTT_US);
  assert_on (&rig, WZP_PATH_DIRECT);
  run (&rig, SETTLE);
  assert_on (&rig, WZP_PATH_RELAY);
  rig_clear (&rig);
}

static void
test_acceptor (void)
{
  g_autoptr (WzpNominate) acceptor = wzp_nominate_new (WZP_ROLE_ACCEPTOR);
  Rig rig = { .nominate = acceptor, .now_us = 1000 * SEC, .is_rated = TRUE };
  const WzpControl control = {
    .type = WZP_CONTROL_NOMINATE, .epoch = 1, .n = 1, .path = WZP_PATH_DIRECT
  };

  g_test_summary ("The Acceptor follows, whatever it thinks of it");
  come_up (&rig, WZP_PATH_RELAY);
  come_up (&rig, WZP_PATH_DIRECT);
  wzp_nominate_receive (acceptor, &control, WZP_PATH_NONE, 10, rig.now_us);
  rig.loss[WZP_PATH_DIRECT] = 1;
  run (&rig, 60 * SEC);
  assert_on (&rig, WZP_PATH_DIRECT);
}

static void
test_hostile (void)
{
  const double losses[] = { NAN, -1, -INFINITY };
  Rig rig;

  g_test_summary ("Numbers that are none change nothing");
  settle (&rig);
  rig.is_rated = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (losses); i++) {
    wzp_nominate_rate (
        rig.nominate, WZP_PATH_DIRECT, G_MININT64, losses[i], TRUE, rig.now_us);
    run (&rig, 5 * SEC);
    assert_on (&rig, WZP_PATH_DIRECT);
  }
  wzp_nominate_rate (
      rig.nominate, WZP_PATH_DIRECT, G_MAXINT64, INFINITY, TRUE, rig.now_us);
  run (&rig, 5 * SEC);
  assert_on (&rig, WZP_PATH_RELAY);
  g_assert_cmpint (rig.changed.why_us, <, 10 * SEC);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/nominate-score/unrated", test_unrated);
  g_test_add_func ("/nominate-score/half-rated", test_half_rated);
  g_test_add_func ("/nominate-score/moves", test_moves);
  g_test_add_func ("/nominate-score/deadline", test_deadline);
  g_test_add_func ("/nominate-score/margin", test_margin);
  g_test_add_func ("/nominate-score/settles", test_settles);
  g_test_add_func ("/nominate-score/short", test_short);
  g_test_add_func ("/nominate-score/mute-relay", test_mute_relay);
  g_test_add_func ("/nominate-score/lossy-relay", test_lossy_relay);
  g_test_add_func ("/nominate-score/back", test_back);
  g_test_add_func ("/nominate-score/flapping", test_flapping);
  g_test_add_func ("/nominate-score/dead-relay", test_dead_relay);
  g_test_add_func ("/nominate-score/new-direct", test_new_direct);
  g_test_add_func ("/nominate-score/replaced", test_replaced);
  g_test_add_func ("/nominate-score/young", test_young);
  g_test_add_func ("/nominate-score/acceptor", test_acceptor);
  g_test_add_func ("/nominate-score/hostile", test_hostile);
  return wzp_test_run ();
}
