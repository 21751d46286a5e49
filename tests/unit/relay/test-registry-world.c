/* Two and three relays in random schedules (relay-test-world says what must be
 * so in all of them).
 *
 * WZP_SCHEDULES: how many (default 80). WZP_SCHEDULE_SEED: only this one. */
#include "relay-test-world.h"
#include "wzp-test.h"

#include <stdlib.h>

#define DEFAULT_SCHEDULES 80u
#define STEPS             250u

typedef struct {
  TestPeer *peers[WORLD_CLIENTS + 1];
  guint64 n_messages, n_setups, n_far_setups, n_hangups, n_calls;
} Runs;

/* Without the thousands of lines of what the registries say. */
static void
log_quietly (const char *domain, GLogLevelFlags level, const char *message,
    gpointer unused)
{
  if ((level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG)) == 0)
    g_log_default_handler (domain, level, message, NULL);
}

/* Each kind comes with every other. */
static void
run (Runs *runs, guint32 seed)
{
  const WorldConfig config = {
    .seed = seed,
    .is_evil = seed % 4 == 0,
    .n_relays = seed % 4 == 0 || seed % 3 == 0 ? 3 : 2,
    .links_break = seed / 4 % 3 == 0,
    .clients_leave = seed / 12 % 3 != 0,
    .has_rooms = seed / 36 % 2 == 0,
  };
  World *world = world_new (&config, runs->peers);

  for (guint i = 0; i < STEPS; i++)
    world_step (world);
  world_settle (world);
  runs->n_messages += world->n_messages;
  runs->n_setups += world->n_setups;
  runs->n_far_setups += world->n_far_setups;
  runs->n_hangups += world->n_hangups;
  runs->n_calls += world->n_calls;
  world_free (world);
}

static void
test_schedules (void)
{
  const char *count = g_getenv ("WZP_SCHEDULES");
  const char *one = g_getenv ("WZP_SCHEDULE_SEED");
  guint64 n =
      count != NULL ? g_ascii_strtoull (count, NULL, 10) : DEFAULT_SCHEDULES;
  guint32 first = (guint32) g_test_rand_int ();
  Runs runs = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (runs.peers); i++)
    runs.peers[i] = test_peer_new (i);
  if (one != NULL) {
    n = 1;
    first = (guint32) strtoul (one, NULL, 10);
  }
  g_test_message (
      "%" G_GUINT64_FORMAT " schedules, the first is seed %u", n, first);
  if (one == NULL)
    g_log_set_default_handler (log_quietly, NULL);
  for (guint64 i = 0; i < n; i++)
    run (&runs, first + (guint32) i);
  g_test_message ("%" G_GUINT64_FORMAT " calls, %" G_GUINT64_FORMAT
                  " messages out, %" G_GUINT64_FORMAT
                  " setups (%" G_GUINT64_FORMAT
                  " across relays), %" G_GUINT64_FORMAT " hang-ups",
      runs.n_calls, runs.n_messages, runs.n_setups, runs.n_far_setups,
      runs.n_hangups);
  if (one == NULL && n >= DEFAULT_SCHEDULES) {
    g_assert_cmpuint (runs.n_setups, >, n);
    g_assert_cmpuint (runs.n_far_setups, >, n / 4);
  }
  for (guint i = 0; i < G_N_ELEMENTS (runs.peers); i++)
    test_peer_free (runs.peers[i]);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/registry-world/schedules", test_schedules);
  return wzp_test_run ();
}
