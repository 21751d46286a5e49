/* Thousands of pairs of NATs, delays, skews and losses: which of them come
 * together, and what it took. */
#include "puncher-sim.h"

#include "wzp-test.h"

#define MS     ((gint64) 1000)
#define SEC    ((gint64) G_USEC_PER_SEC)
#define SCENES 400u /* of each pair of kinds */

static const SimNat *const kinds[] = { &sim_open, &sim_full_cone,
  &sim_restricted, &sim_home, &sim_bad, &sim_address, &sim_symmetric };

static gboolean
is_hard (const SimNat *nat)
{
  return !nat->is_open && nat->mapping != SIM_INDEPENDENT;
}

/* docs/connectivity.md, the matrix. */
static gboolean
must_connect (const SimNat *a, const SimNat *b)
{
  if (a->is_open || b->is_open)
    return TRUE;
  if (is_hard (a) && is_hard (b))
    return FALSE;
  if (is_hard (a))
    return b->filtering != SIM_BY_PORT;
  if (is_hard (b))
    return a->filtering != SIM_BY_PORT;
  return TRUE;
}

static SimScene
random_scene (GRand *rand, const SimNat *a, const SimNat *b, double loss)
{
  SimScene scene = { .nats = { *a, *b }, .loss = loss, .has_relay = TRUE };
  const gint64 skew = g_rand_int_range (rand, -150, 151) * MS;

  scene.start_us[0] = 1 * SEC + MAX (skew, 0);
  scene.start_us[1] = 1 * SEC + MAX (-skew, 0);
  scene.leg_us[0] = g_rand_int_range (rand, 2, 100) * MS;
  scene.leg_us[1] = g_rand_int_range (rand, 2, 100) * MS;
  scene.direct_us = g_rand_int_range (rand, 2, 80) * MS;
  scene.first_role = g_rand_boolean (rand);
  scene.until_us = 3 * SEC;
  scene.seed = g_rand_int (rand);
  return scene;
}

static char *
describe (const SimScene *scene)
{
  return g_strdup_printf (
      "%s (%s) and %s: starts %d and %d ms, legs %d and %d ms, direct %d ms, "
      "loss %g, seed %u",
      scene->nats[0].name, wzp_role_to_string (scene->first_role),
      scene->nats[1].name, (int) (scene->start_us[0] / MS),
      (int) (scene->start_us[1] / MS), (int) (scene->leg_us[0] / MS),
      (int) (scene->leg_us[1] / MS), (int) (scene->direct_us / MS), scene->loss,
      scene->seed);
}

static void
check_limits (const SimResult *result, const char *what)
{
  for (guint i = 0; i < 2; i++)
    if (result->stats[i].sent > WZP_PUNCH_MAX_TO_ADDRESS * 2)
      g_error (
          "%" G_GUINT64_FORMAT " packets: %s", result->stats[i].sent, what);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  const gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

static void
run_pair (GRand *rand, const SimNat *a, const SimNat *b)
{
  g_autoptr (GArray) took = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < SCENES; i++) {
    const SimScene scene = random_scene (rand, a, b, 0);
    g_autofree char *what = describe (&scene);
    gint64 both;
    SimResult result;

    sim_run (&scene, &result);
    check_limits (&result, what);
    both = MAX (result.direct_us[0], result.direct_us[1]);
    if (must_connect (a, b) &&
        (result.direct_us[0] < 0 || result.direct_us[1] < 0))
      g_error ("Not direct: %s", what);
    if (is_hard (a) && is_hard (b) && both >= 0)
      g_error ("The simulation is too kind: %s", what);
    both -= MAX (scene.start_us[0], scene.start_us[1]);
    if (must_connect (a, b))
      g_array_append_val (took, both);
  }
  if (took->len == 0) {
    g_test_message ("%s - %s: the relay", a->name, b->name);
    return;
  }
  g_array_sort (took, compare_times);
  g_test_message ("%s - %s: direct, median %d ms, 95 %% %d ms, max %d ms",
      a->name, b->name,
      (int) (g_array_index (took, gint64, took->len / 2) / MS),
      (int) (g_array_index (took, gint64, took->len * 95 / 100) / MS),
      (int) (g_array_index (took, gint64, took->len - 1) / MS));
}

static void
test_matrix (void)
{
  GRand *rand = wzp_test_rand_new ();

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    for (guint j = i; j < G_N_ELEMENTS (kinds); j++)
      run_pair (rand, kinds[i], kinds[j]);
  g_rand_free (rand);
}

/* A tenth of the packets lost: the rounds that follow make up for it. */
static void
test_loss (void)
{
  GRand *rand = wzp_test_rand_new ();

  for (guint i = 0; i < 3000; i++) {
    const SimNat *a = kinds[g_rand_int_range (rand, 0, G_N_ELEMENTS (kinds))];
    const SimNat *b = kinds[g_rand_int_range (rand, 0, G_N_ELEMENTS (kinds))];
    SimScene scene = random_scene (rand, a, b, 0.1);
    g_autofree char *what = NULL;
    SimResult result;

    scene.until_us = 61 * SEC;
    what = describe (&scene);
    sim_run (&scene, &result);
    /* The Finished of the handshake is not repeated here. */
    if (must_connect (a, b) &&
        MAX (result.direct_us[0], result.direct_us[1]) < 0)
      g_error ("Not direct: %s", what);
  }
  g_rand_free (rand);
}

/* Without a relay the openers alone must do. */
static void
test_no_relay (void)
{
  GRand *rand = wzp_test_rand_new ();

  for (guint i = 0; i < 2000; i++) {
    const SimNat *a = kinds[g_rand_int_range (rand, 0, G_N_ELEMENTS (kinds))];
    const SimNat *b = kinds[g_rand_int_range (rand, 0, G_N_ELEMENTS (kinds))];
    SimScene scene = random_scene (rand, a, b, 0);
    g_autofree char *what = describe (&scene);
    SimResult result;

    scene.has_relay = FALSE;
    sim_run (&scene, &result);
    if (must_connect (a, b) &&
        (result.direct_us[0] < 0 || result.direct_us[1] < 0))
      g_error ("Not direct: %s", what);
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/puncher-nats/matrix", test_matrix);
  g_test_add_func ("/puncher-nats/loss", test_loss);
  g_test_add_func ("/puncher-nats/no-relay", test_no_relay);
  return wzp_test_run ();
}
