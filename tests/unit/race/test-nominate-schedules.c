/* Two sides of a call under random schedules: paths up and down, blackholes
 * of single legs, loss, duplication and reordering. What is proved:
 *
 *   always: a side sends only on a path that is up at it, and duplicates only
 *     on another such; only the Dialer nominates, n grows by one; the
 *     Acceptor's n never goes back; no busy loop
 *   media: while some path is good (up at both sides, every leg alive) no side
 *     goes on for RECOVERY_US with nothing that it sends arriving, or for
 *     LOSSY_RECOVERY_US where up to 30 % is lost each way: so it, or its
 *     duplicate, goes to a path that the other accepts. (Not where the control
 *     channel refuses some messages.) Without failures nothing is lost at all
 *   end: when nothing happens any more both sides send on the same path,
 *     direct where it is good, else the relay, or the relay first where the
 *     paths are rated (a part of the schedules, at random) and it is better;
 * and stay there proof: direct is nominated with its proof; without only after
 * a relay that is down or dead flapping: nominations are bounded by what
 * happened to the paths hold-down: direct is not nominated again after it died
 * before it sat out what it has to, unless the relay is bad pace: probes are
 * bounded by time and by comings up
 *
 * WZP_SCHEDULES: how many (default 20000). WZP_SCHEDULE_SEED: only this one. */
#include "nominate-sim.h"
#include "wzp-test.h"

#include <stdlib.h>

#define DEFAULT_SCHEDULES 20000u
#define CHAOS_US          (6 * SIM_SEC)
#define RECOVERY_US       (2 * SIM_SEC)
#define LOSSY_RECOVERY_US (4 * SIM_SEC)
#define SETTLE_US         (150 * SIM_SEC)
#define STABLE_US         (2 * SIM_SEC)
#define MAX_DISTURBANCES  10

typedef struct {
  GRand *rand;
  Sim *sim;
  guint ups, disturbances;
  gint64 relay_bad_us; /* when the relay last was not good */
  gint64 dead_us;      /* when the Dialer last left direct */
  guint deaths, nominations;
  gboolean was_on_direct, is_lossless, is_refusing, is_narrow;
  gboolean is_rated;
  double loss[WZP_PATH_DIRECT + 1]; /* as it is rated, not as it is */
  gint64 worst_us;
} Run;

static gboolean
chance (Run *run, double p)
{
  return g_rand_double (run->rand) < p;
}

static gint64
between (Run *run, gint64 low_us, gint64 high_us)
{
  return low_us +
      (gint64) (g_rand_double (run->rand) * (double) (high_us - low_us));
}

/* 2 s of answered probes and the hold-down, after so many deaths. */
static gint64
penance_us (guint deaths)
{
  return 2 * SIM_SEC + MIN ((gint64) 2 << MIN (deaths - 1, 10u), 60) * SIM_SEC;
}

/* The Dialer's returns to direct against the hold-down. */
static void
check_hold (Run *run)
{
  Sim *sim = run->sim;
  const SimStats *stats = sim_get_stats (sim);
  const gint64 now = sim_now (sim);
  gboolean is_on_direct;

  if (sim_good_since (sim, WZP_PATH_RELAY) < 0)
    run->relay_bad_us = now;
  if (stats->deaths > run->deaths) {
    run->deaths = stats->deaths;
    run->dead_us = stats->change_us[SIM_DIALER];
  }
  is_on_direct =
      wzp_nominate_get_path (sim_nominate (sim, SIM_DIALER)) == WZP_PATH_DIRECT;
  /* With loss a good relay may look dead. */
  if (run->is_lossless && is_on_direct && !run->was_on_direct &&
      run->deaths > 0 && run->relay_bad_us < run->dead_us - 2 * SIM_SEC &&
      now - run->relay_bad_us > RECOVERY_US)
    sim_check (sim, now - run->dead_us >= penance_us (run->deaths));
  run->was_on_direct = is_on_direct;
}

static void
rate (Run *run)
{
  for (int side = 0; side < 2; side++)
    for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++)
      wzp_nominate_rate (sim_nominate (run->sim, side), path, SIM_MS,
          run->loss[path], FALSE, sim_now (run->sim));
}

static void
advance (Run *run, gint64 by_us)
{
  const gint64 until = sim_now (run->sim) + by_us;

  while (sim_now (run->sim) < until) {
    sim_run (run->sim, MIN (until, sim_now (run->sim) + 50 * SIM_MS));
    check_hold (run);
    if (run->is_rated)
      rate (run);
  }
}

static void
disturb (Run *run)
{
  Sim *sim = run->sim;
  const int side = g_rand_int_range (run->rand, 0, 2);
  const WzpPath path = chance (run, 0.5) ? WZP_PATH_RELAY : WZP_PATH_DIRECT;
  const SimLeg leg =
      path == WZP_PATH_RELAY && chance (run, 0.5) ? SIM_LEG_IN : SIM_LEG_OUT;

  run->disturbances++;
  run->loss[WZP_PATH_RELAY] = chance (run, 0.3) ? g_rand_double (run->rand) : 0;
  run->loss[WZP_PATH_DIRECT] = chance (run, 0.6) ? 1 : 0;
  switch (g_rand_int_range (run->rand, 0, 8)) {
    case 0:
      sim_relay_up (sim, side);
      run->ups++;
      break;
    case 1:
      sim_relay_down (sim, side);
      break;
    case 2:
    case 3:
      sim_direct_up (sim);
      run->ups += 2;
      break;
    case 4:
      sim_direct_down (sim, side);
      break;
    case 5:
    case 6:
      sim_blackhole (sim, path, side, leg, TRUE);
      break;
    default:
      sim_blackhole (sim, path, side, leg, FALSE);
      break;
  }
}

static SimConfig
random_config (GRand *rand, guint32 seed)
{
  SimConfig config = {
    .seed = seed,
    .media_us = 50 * SIM_MS,
    .sample_us = 100 * SIM_MS,
    .sends = { TRUE, TRUE },
  };

  config.delay_us[WZP_PATH_RELAY] = g_rand_int_range (rand, 1000, 60000);
  config.delay_us[WZP_PATH_DIRECT] = g_rand_int_range (rand, 500, 80000);
  config.jitter_us = g_rand_int_range (rand, 0, 20000);
  config.loss = g_rand_double (rand) < 0.5 ? g_rand_double (rand) * 0.3 : 0;
  config.refuse = g_rand_double (rand) < 0.2 ? 0.3 : 0;
  config.is_narrow = g_rand_double (rand) < 0.1;
  if (g_rand_double (rand) < 0.2)
    config.sends[g_rand_int_range (rand, 0, 2)] = FALSE;
  return config;
}

/* What both sides must come to send on, NONE: nothing is good. */
static WzpPath
best_path (const Run *run)
{
  const Sim *sim = run->sim;
  const gboolean is_relay_better =
      run->is_rated && run->loss[WZP_PATH_DIRECT] > 0;

  if (sim_good_since (sim, WZP_PATH_DIRECT) >= 0 &&
      !(is_relay_better && sim_good_since (sim, WZP_PATH_RELAY) >= 0))
    return WZP_PATH_DIRECT;
  if (sim_good_since (sim, WZP_PATH_RELAY) >= 0)
    return WZP_PATH_RELAY;
  return WZP_PATH_NONE;
}

/* And by the same nomination, so that it is no coincidence. */
static gboolean
both_send_on (Sim *sim, WzpPath path)
{
  guint64 epoch[2], n[2];

  for (int side = 0; side < 2; side++)
    if (wzp_nominate_get_path (sim_nominate (sim, side)) != path ||
        wzp_nominate_get_nominated (
            sim_nominate (sim, side), &epoch[side], &n[side], NULL) != path)
      return FALSE;
  return epoch[0] == epoch[1] && n[0] == n[1];
}

static void
settle (Run *run)
{
  Sim *sim = run->sim;
  const gint64 end = sim_now (sim) + SETTLE_US;
  const gint64 stable = chance (run, 0.05) ? 20 * SIM_SEC : STABLE_US;
  WzpPath best;
  gint64 since = -1;

  /* From here on nothing is lost but by what is broken for good. */
  sim_set_loss (sim, 0);
  /* Which of them is better is not for the round trips to decide. */
  run->loss[WZP_PATH_DIRECT] = chance (run, 0.5) ? 1 : 0;
  run->loss[WZP_PATH_RELAY] = 1 - run->loss[WZP_PATH_DIRECT];
  best = best_path (run);
  while (sim_now (sim) < end && (since < 0 || sim_now (sim) - since < stable)) {
    advance (run, 200 * SIM_MS);
    if (best != WZP_PATH_NONE && !both_send_on (sim, best))
      since = -1;
    else if (since < 0)
      since = sim_now (sim);
    if (since < 0)
      sim_set_media (sim, 200 * SIM_MS);
  }
  sim_check (sim, since >= 0);
}

static void
check_bounds (Run *run, gint64 lasted_us)
{
  Sim *sim = run->sim;
  const SimStats *stats = sim_get_stats (sim);
  const guint seconds = (guint) (lasted_us / SIM_SEC) + 1;

  /* A relay that loses much may look dead, and alive again: beside a direct
   * path that is never proved each second, else hardly ever. */
  sim_check (sim,
      stats->nominations <= 2 + 2 * run->disturbances +
              (run->is_lossless        ? 0
                      : run->is_narrow ? 2 * seconds
                                       : 2 * (seconds / 5 + 1)) +
              (run->is_rated ? 2 * (seconds / 5 + 1) : 0));
  for (int side = 0; side < 2; side++) {
    if (!run->is_refusing) {
      run->worst_us = MAX (run->worst_us, stats->worst_us[side]);
      sim_check (sim,
          stats->worst_us[side] <=
              (run->is_lossless ? RECOVERY_US : LOSSY_RECOVERY_US));
    }
    for (WzpPath path = WZP_PATH_RELAY; path <= WZP_PATH_DIRECT; path++)
      sim_check (
          sim, stats->probes[side][path] <= 12 * (run->ups + 4) + 6 * seconds);
  }
}

/* @worst_us: the longest outage without and with loss. */
static void
run_seed (guint32 seed, gint64 worst_us[2])
{
  Run run = { .relay_bad_us = -SIM_NEVER };
  SimConfig config;
  gint64 begin;
  guint n;

  run.rand = g_rand_new_with_seed (seed);
  config = random_config (run.rand, seed);
  run.is_lossless = config.loss <= 0;
  run.is_refusing = config.refuse > 0;
  run.is_narrow = config.is_narrow;
  run.is_rated = chance (&run, 0.3);
  run.sim = sim_new (&config);
  begin = sim_now (run.sim);
  n = (guint) g_rand_int_range (run.rand, 0, MAX_DISTURBANCES + 1);

  for (int side = 0; side < 2; side++)
    if (chance (&run, 0.8)) {
      sim_relay_up (run.sim, side);
      run.ups++;
      if (chance (&run, 0.3))
        wzp_nominate_expect_relay (
            sim_nominate (run.sim, 1 - side), sim_now (run.sim));
      advance (&run, between (&run, 0, 300 * SIM_MS));
    }
  if (chance (&run, 0.6)) {
    sim_direct_up (run.sim);
    run.ups += 2;
  }
  while (n-- > 0) {
    /* The relay must be better for seconds before it is chosen for it. */
    advance (&run,
        between (
            &run, 0, (run.is_rated ? 8 : 2) * CHAOS_US / MAX_DISTURBANCES));
    disturb (&run);
  }
  /* At least until every closing and coming up has got through. */
  advance (&run, between (&run, SIM_SEC, 3 * SIM_SEC));
  settle (&run);
  check_bounds (&run, sim_now (run.sim) - begin);

  worst_us[!run.is_lossless] = MAX (worst_us[!run.is_lossless], run.worst_us);
  sim_free (run.sim);
  g_rand_free (run.rand);
}

static guint64
schedules (guint32 *ret_first)
{
  const char *count = g_getenv ("WZP_SCHEDULES");
  const char *one = g_getenv ("WZP_SCHEDULE_SEED");
  guint64 n = DEFAULT_SCHEDULES;

  *ret_first = (guint32) g_test_rand_int ();
  if (count != NULL)
    n = g_ascii_strtoull (count, NULL, 10);
  if (one != NULL) {
    *ret_first = (guint32) strtoul (one, NULL, 10);
    n = 1;
  }
  g_test_message (
      "%" G_GUINT64_FORMAT " schedules from seed %u", n, *ret_first);
  return n;
}

static void
test_chaos (void)
{
  guint32 first;
  const guint64 n = schedules (&first);
  gint64 worst_us[2] = { 0, 0 };

  for (guint64 i = 0; i < n; i++)
    run_seed (first + (guint32) i, worst_us);
  g_test_message ("the longest outage with a good path: %" G_GINT64_FORMAT
                  " ms, with loss %" G_GINT64_FORMAT " ms",
      worst_us[0] / 1000, worst_us[1] / 1000);
}

/* A call that has come up: relay and then direct, or the relay alone. */
static Sim *
start_call (const SimConfig *config, gboolean is_direct)
{
  Sim *sim = sim_new (config);

  sim_relay_up (sim, SIM_ACCEPTOR);
  sim_run (sim, sim_now (sim) + 70 * SIM_MS);
  sim_relay_up (sim, SIM_DIALER);
  sim_run (sim, sim_now (sim) + 800 * SIM_MS);
  sim_check (sim, both_send_on (sim, WZP_PATH_RELAY));
  if (is_direct) {
    sim_direct_up (sim);
    sim_run (sim, sim_now (sim) + 2 * SIM_SEC);
    sim_check (sim, both_send_on (sim, WZP_PATH_DIRECT));
  }
  return sim;
}

static SimConfig
plain_config (guint32 seed)
{
  SimConfig config = {
    .seed = seed,
    .media_us = 5 * SIM_MS,
    .sample_us = 50 * SIM_MS,
    .jitter_us = 2 * SIM_MS,
    .sends = { TRUE, TRUE },
  };

  config.delay_us[WZP_PATH_RELAY] = 15 * SIM_MS;
  config.delay_us[WZP_PATH_DIRECT] = 20 * SIM_MS;
  return config;
}

static void
test_upgrade (void)
{
  const guint32 first = (guint32) g_test_rand_int ();

  g_test_summary ("Relay to direct: soon, once, nothing lost");
  g_test_message ("500 schedules from seed %u", first);
  for (guint32 i = 0; i < 500; i++) {
    SimConfig config = plain_config (first + i);
    g_autoptr (Sim) sim = NULL;
    const SimStats *stats;
    gint64 up_us;

    config.delay_us[WZP_PATH_DIRECT] = (1 + i % 80) * SIM_MS;
    config.jitter_us = (i % 7) * SIM_MS;
    sim = start_call (&config, FALSE);
    stats = sim_get_stats (sim);
    up_us = sim_now (sim);
    sim_direct_up (sim);
    sim_run (sim, up_us + 5 * SIM_SEC);
    sim_check (sim, both_send_on (sim, WZP_PATH_DIRECT));
    /* The Acceptor comes up a delay later; a probe at that time, its answer;
     * the news. */
    for (int side = 0; side < 2; side++) {
      sim_check (sim,
          stats->change_us[side] - up_us <=
              4 * (config.delay_us[WZP_PATH_DIRECT] + config.jitter_us) +
                  100 * SIM_MS);
      sim_check (sim, stats->changes[side] == 2);
      sim_check (sim, stats->media_sent[side] > 900);
      sim_check (sim, stats->media_lost[side] == 0);
      sim_check (sim, stats->duplicates[side] > 0);
      sim_check (sim, stats->duplicates[side] < 100);
    }
    sim_check (sim, stats->nominations == 2);
  }
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  const gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

static void
test_blackhole (void)
{
  enum {
    RUNS = 400
  };
  const guint32 first = (guint32) g_test_rand_int ();
  gint64 gaps[2 * RUNS];

  g_test_summary ("Direct falls silent at 40 ms RTT: a gap of 300 ms at p95, "
                  "500 ms at most; both on the relay within DEAD");
  g_test_message ("%d schedules from seed %u", RUNS, first);
  for (guint32 i = 0; i < RUNS; i++) {
    SimConfig config = plain_config (first + i);
    g_autoptr (Sim) sim = start_call (&config, TRUE);
    const SimStats *stats = sim_get_stats (sim);
    gint64 dead_us;

    sim_run (sim, sim_now (sim) + (gint64) (i * 977 % 1000) * SIM_MS);
    sim_reset_gaps (sim);
    dead_us = sim_now (sim);
    sim_blackhole (sim, WZP_PATH_DIRECT, SIM_DIALER, SIM_LEG_OUT, i % 3 != 0);
    sim_blackhole (sim, WZP_PATH_DIRECT, SIM_ACCEPTOR, SIM_LEG_OUT, i % 3 != 1);
    sim_run (sim, sim_now (sim) + 3 * SIM_SEC);
    sim_check (sim, both_send_on (sim, WZP_PATH_RELAY));
    for (int side = 0; side < 2; side++) {
      sim_check (sim,
          stats->change_us[side] - dead_us <=
              WZP_NOMINATE_DEAD_MIN_US + 150 * SIM_MS);
      gaps[2 * i + (guint) side] = stats->gap_us[side];
    }
    sim_check (sim, stats->nominations == 3);
  }
  qsort (gaps, G_N_ELEMENTS (gaps), sizeof gaps[0], compare_times);
  g_test_message ("gap p50 %" G_GINT64_FORMAT " ms, p95 %" G_GINT64_FORMAT
                  " ms, most %" G_GINT64_FORMAT " ms",
      gaps[RUNS] / 1000, gaps[2 * RUNS * 95 / 100] / 1000,
      gaps[2 * RUNS - 1] / 1000);
  g_assert_cmpint (gaps[2 * RUNS * 95 / 100], <=, 300 * SIM_MS);
  g_assert_cmpint (gaps[2 * RUNS - 1], <=, 500 * SIM_MS);
}

static void
test_back_and_hold (void)
{
  SimConfig config = plain_config (1);
  g_autoptr (Sim) sim = NULL;
  const gint64 holds[] = { 2, 4, 8, 16, 32, 60, 60 };
  const SimStats *stats;

  g_test_summary ("Back after 10 answers over 2 s and 2, 4, 8 ... 60 s more");
  config.media_us = 50 * SIM_MS;
  sim = start_call (&config, TRUE);
  stats = sim_get_stats (sim);
  for (guint i = 0; i < G_N_ELEMENTS (holds); i++) {
    gint64 back_us;

    sim_blackhole (sim, WZP_PATH_DIRECT, SIM_DIALER, SIM_LEG_OUT, TRUE);
    sim_run (sim, sim_now (sim) + 2 * SIM_SEC);
    sim_check (sim, both_send_on (sim, WZP_PATH_RELAY));
    sim_blackhole (sim, WZP_PATH_DIRECT, SIM_DIALER, SIM_LEG_OUT, FALSE);
    back_us = sim_now (sim);
    sim_run (sim, back_us + (2 + holds[i]) * SIM_SEC - 1);
    sim_check (sim, both_send_on (sim, WZP_PATH_RELAY));
    sim_run (sim, back_us + (2 + holds[i]) * SIM_SEC + 1800 * SIM_MS);
    sim_check (sim, both_send_on (sim, WZP_PATH_DIRECT));
    sim_check (sim, stats->nominations == 4 + 2 * i);
  }

  /* 60 s in use: it starts anew. */
  sim_run (sim, sim_now (sim) + 60 * SIM_SEC);
  sim_blackhole (sim, WZP_PATH_DIRECT, SIM_DIALER, SIM_LEG_OUT, TRUE);
  sim_run (sim, sim_now (sim) + 2 * SIM_SEC);
  sim_blackhole (sim, WZP_PATH_DIRECT, SIM_DIALER, SIM_LEG_OUT, FALSE);
  sim_run (sim, sim_now (sim) + 5800 * SIM_MS);
  sim_check (sim, both_send_on (sim, WZP_PATH_DIRECT));
}

/* The relay path's far half: only the peer can tell. */
static void
test_far_half (void)
{
  const guint32 first = (guint32) g_test_rand_int ();

  g_test_summary ("One direction of the relay's far half dies while direct is "
                  "held down: both go to direct all the same");
  for (guint32 i = 0; i < 100; i++) {
    SimConfig config = plain_config (first + i);
    g_autoptr (Sim) sim = start_call (&config, TRUE);
    const int side = (int) (i % 2);

    config.sends[1 - side] = i % 4 < 2;
    sim_blackhole (sim, WZP_PATH_DIRECT, SIM_DIALER, SIM_LEG_OUT, TRUE);
    sim_run (sim, sim_now (sim) + 2 * SIM_SEC);
    sim_check (sim, both_send_on (sim, WZP_PATH_RELAY));
    sim_blackhole (sim, WZP_PATH_DIRECT, SIM_DIALER, SIM_LEG_OUT, FALSE);
    sim_run (sim, sim_now (sim) + 1200 * SIM_MS);
    sim_check (sim, both_send_on (sim, WZP_PATH_RELAY));
    sim_blackhole (sim, WZP_PATH_RELAY, side, SIM_LEG_IN, TRUE);
    sim_run (sim, sim_now (sim) + 2500 * SIM_MS);
    sim_check (sim, both_send_on (sim, WZP_PATH_DIRECT));
  }
}

static void
test_idle_pace (void)
{
  SimConfig config = plain_config (2);
  g_autoptr (Sim) sim = NULL;
  const SimStats *stats;
  SimStats before;

  g_test_summary ("Idle on direct for a minute: few probes");
  sim = start_call (&config, TRUE);
  stats = sim_get_stats (sim);
  sim_set_media (sim, 0);
  sim_run (sim, sim_now (sim) + 10 * SIM_SEC);
  before = *stats;
  sim_run (sim, sim_now (sim) + 60 * SIM_SEC);
  for (int side = 0; side < 2; side++) {
    /* Whoever probes is heard by the other, which so need not. */
    g_assert_cmpuint (stats->probes[side][WZP_PATH_DIRECT] -
            before.probes[side][WZP_PATH_DIRECT],
        <=, 60);
    g_assert_cmpuint (stats->probes[side][WZP_PATH_RELAY] -
            before.probes[side][WZP_PATH_RELAY],
        <=, 13);
    g_assert_cmpuint (stats->changes[side], ==, before.changes[side]);
    g_assert_cmpuint (stats->sends[side], ==, before.sends[side]);
  }
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/nominate-schedules/upgrade", test_upgrade);
  g_test_add_func ("/nominate-schedules/blackhole", test_blackhole);
  g_test_add_func ("/nominate-schedules/hold", test_back_and_hold);
  g_test_add_func ("/nominate-schedules/far-half", test_far_half);
  g_test_add_func ("/nominate-schedules/idle", test_idle_pace);
  g_test_add_func ("/nominate-schedules/chaos", test_chaos);
  return wzp_test_run ();
}
