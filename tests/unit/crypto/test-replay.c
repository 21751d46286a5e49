#include "wzp-replay.h"

/* What the window promises, said in the simplest way: a set, and a rule. */
typedef struct {
  GHashTable *seen; /* of guint64 */
  gboolean has_any;
  guint64 highest;
} Model;

static void
model_clear (Model *model)
{
  g_hash_table_unref (model->seen);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Model, model_clear)

static void
model_init (Model *model)
{
  *model = (Model){
    .seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL),
  };
}

static gboolean
model_was_seen (Model *model, guint64 number)
{
  if (!model->has_any || number > model->highest)
    return FALSE;
  return model->highest - number >= WZP_REPLAY_WINDOW ||
      g_hash_table_contains (model->seen, &number);
}

static void
model_mark (Model *model, guint64 number)
{
  g_hash_table_add (model->seen, g_memdup2 (&number, sizeof number));
  if (!model->has_any || number > model->highest)
    model->highest = number;
  model->has_any = TRUE;
}

/* A number that is likely to hit an edge. */
static guint64
pick (guint64 highest)
{
  switch (g_test_rand_int_range (0, 8)) {
    case 0: /* the next */
    case 1:
      return highest + 1;
    case 2: /* a little on */
      return highest + g_test_rand_int_range (1, 200);
    case 3: /* about a window on */
      return highest + WZP_REPLAY_WINDOW + g_test_rand_int_range (-70, 70);
    case 4: /* recent */
      return highest - MIN (highest, (guint64) g_test_rand_int_range (0, 300));
    case 5: /* the window's old edge */
      return highest -
          MIN (highest,
              (guint64) WZP_REPLAY_WINDOW + g_test_rand_int_range (-70, 70));
    case 6: /* anywhere in it */
      return highest -
          MIN (highest,
              (guint64) g_test_rand_int_range (0, WZP_REPLAY_WINDOW + 1000));
    default: /* rarely: far away */
      if (g_test_rand_int_range (0, 50) == 0)
        return highest + (guint64) g_test_rand_int () * 5;
      return highest + g_test_rand_int_range (0, 3);
  }
}

static void
run_against_model (guint64 start, guint n)
{
  g_autoptr (WzpReplay) replay = wzp_replay_new ();
  g_auto (Model) model;

  model_init (&model);
  for (guint i = 0; i < n; i++) {
    guint64 number = i == 0 ? start : pick (model.highest);

    g_assert_cmpint (wzp_replay_was_seen (replay, number), ==,
        model_was_seen (&model, number));
    /* Some come twice without a mark between: not authentic. */
    if (g_test_rand_int_range (0, 10) > 0) {
      wzp_replay_mark (replay, number);
      model_mark (&model, number);
      g_assert_true (wzp_replay_was_seen (replay, number));
    }
    g_assert_cmpuint (wzp_replay_highest (replay), ==, model.highest);
  }
}

static void
test_model (void)
{
  g_test_summary ("30 walks of 3000 numbers agree with a set");

  for (guint i = 0; i < 30; i++)
    run_against_model (g_test_rand_int_range (0, 40000), 3000);
}

static void
test_whole_window (void)
{
  g_autoptr (WzpReplay) replay = wzp_replay_new ();
  g_auto (Model) model;

  g_test_summary ("After each jump every number of the window is right");

  model_init (&model);
  for (guint round = 0; round < 40; round++) {
    guint64 first;

    for (guint i = 0; i < 500; i++) {
      guint64 number = pick (model.highest);

      wzp_replay_mark (replay, number);
      model_mark (&model, number);
    }
    first = model.highest - MIN (model.highest, 2 * WZP_REPLAY_WINDOW);
    for (guint64 n = first; n < model.highest + 100; n++)
      if (wzp_replay_was_seen (replay, n) != model_was_seen (&model, n))
        g_error (
            "%" G_GUINT64_FORMAT " below %" G_GUINT64_FORMAT, n, model.highest);
  }
}

static void
test_fresh (void)
{
  g_autoptr (WzpReplay) replay = wzp_replay_new ();

  g_test_summary ("Nothing was seen at first, zero neither");

  g_assert_false (wzp_replay_was_seen (replay, 0));
  g_assert_false (wzp_replay_was_seen (replay, G_MAXUINT64));
  g_assert_cmpuint (wzp_replay_highest (replay), ==, 0);
  wzp_replay_mark (replay, 0);
  g_assert_true (wzp_replay_was_seen (replay, 0));
  g_assert_false (wzp_replay_was_seen (replay, 1));
}

static void
test_edges (void)
{
  g_autoptr (WzpReplay) replay = wzp_replay_new ();

  g_test_summary ("The oldest number kept, and the one before it");

  wzp_replay_mark (replay, 100000);
  g_assert_false (wzp_replay_was_seen (replay, 100000 - WZP_REPLAY_WINDOW + 1));
  g_assert_true (wzp_replay_was_seen (replay, 100000 - WZP_REPLAY_WINDOW));

  /* Too old to be kept: marking must not mark the number that shares its bit,
   * nor move the window back. */
  wzp_replay_mark (replay, 100001 - WZP_REPLAY_WINDOW * 2);
  g_assert_false (wzp_replay_was_seen (replay, 100001 - WZP_REPLAY_WINDOW));
  g_assert_cmpuint (wzp_replay_highest (replay), ==, 100000);
}

static void
test_end_of_range (void)
{
  g_autoptr (WzpReplay) replay = wzp_replay_new ();

  g_test_summary ("The highest possible number");

  wzp_replay_mark (replay, 5);
  wzp_replay_mark (replay, G_MAXUINT64 - 1);
  wzp_replay_mark (replay, G_MAXUINT64);
  g_assert_true (wzp_replay_was_seen (replay, G_MAXUINT64));
  g_assert_true (wzp_replay_was_seen (replay, G_MAXUINT64 - 1));
  g_assert_false (wzp_replay_was_seen (replay, G_MAXUINT64 - 2));
  g_assert_true (wzp_replay_was_seen (replay, 5));
  g_assert_true (wzp_replay_was_seen (replay, 6));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/replay/fresh", test_fresh);
  g_test_add_func ("/replay/edges", test_edges);
  g_test_add_func ("/replay/end-of-range", test_end_of_range);
  g_test_add_func ("/replay/model", test_model);
  g_test_add_func ("/replay/whole-window", test_whole_window);

  return g_test_run ();
}
