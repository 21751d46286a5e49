#include "wzp-puncher.h"

#include "wzp-test.h"

#include <string.h>

#define T0  ((gint64) 1000000000) /* a start that is not 0 */
#define MS  ((gint64) 1000)
#define SEC ((gint64) G_USEC_PER_SEC)

#define HOST_TEXT "192.168.1.7:4000"
#define FAR_TEXT  "203.0.113.7:4000"

typedef struct {
  gint64 at_us;
  WzpPuncherAction action;
} Done;

typedef struct {
  WzpPuncher *puncher; /* owned */
  GArray *done;        /* of Done, owned */
  gint64 now_us;
} Rig;

static WzpAddr
addr_of (const char *text)
{
  WzpAddr addr;

  g_assert_true (wzp_addr_parse (text, &addr, NULL));
  return addr;
}

static void
add_candidate (WzpCandidateList *list, const char *text)
{
  const WzpAddr addr = addr_of (text);

  list->items[list->n++] = (WzpCandidate){ .addr = addr,
    .type = wzp_addr_scope (&addr) == WZP_ADDR_GLOBAL
        ? WZP_CANDIDATE_SERVER_REFLEXIVE
        : WZP_CANDIDATE_HOST };
}

static Rig
rig_new (WzpRole role, const WzpCandidateList *list)
{
  Rig rig = { .puncher = wzp_puncher_new (role, FALSE, 1), .now_us = T0 };

  rig.done = g_array_new (FALSE, FALSE, sizeof (Done));
  wzp_puncher_start (rig.puncher, list, T0);
  return rig;
}

static Rig
rig_for (WzpRole role, const char *text)
{
  WzpCandidateList list = { 0 };

  add_candidate (&list, text);
  return rig_new (role, &list);
}

static void
rig_clear (Rig *rig)
{
  wzp_puncher_free (rig->puncher);
  g_array_unref (rig->done);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rig, rig_clear)

static void
drain (Rig *rig)
{
  Done done = { .at_us = rig->now_us };

  while (wzp_puncher_step (rig->puncher, rig->now_us, &done.action))
    g_array_append_val (rig->done, done);
}

/* Up to @until_us after T0, awake at deadlines only. */
static void
run (Rig *rig, gint64 until_us)
{
  gint64 deadline;

  drain (rig);
  while ((deadline = wzp_puncher_get_deadline (rig->puncher)) >= 0 &&
      deadline <= T0 + until_us) {
    /* It may never ask to be called in vain for ever. */
    g_assert_cmpint (deadline, >=, rig->now_us);
    rig->now_us = deadline;
    drain (rig);
  }
  rig->now_us = T0 + until_us;
}

/* "3@0 4@5 p@175": TTL or what it is, and when, in milliseconds. */
static char *
describe (const Rig *rig, const char *to)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < rig->done->len; i++) {
    const Done *done = &g_array_index (rig->done, Done, i);
    const WzpPuncherAction *action = &done->action;
    char addr[WZP_ADDR_MAX_STRLEN];

    if (action->type != WZP_PUNCHER_ACTION_GO && to != NULL &&
        strcmp (wzp_addr_to_string (&action->addr, addr), to) != 0)
      continue;
    if (text->len > 0)
      g_string_append_c (text, ' ');
    if (action->type == WZP_PUNCHER_ACTION_GO)
      g_string_append_printf (text, "go%d", (int) action->round);
    else if (action->type == WZP_PUNCHER_ACTION_DIAL)
      g_string_append (text, "dial");
    else if (action->ttl > 0)
      g_string_append_printf (text, "%u", action->ttl);
    else
      g_string_append (
          text, action->punch.kind == WZP_PUNCH_KIND_PUNCH ? "p" : "a");
    g_string_append_printf (text, "@%d", (int) ((done->at_us - T0) / MS));
  }
  return g_string_free (text, FALSE);
}

#define assert_done(rig, to, expected)                                         \
  G_STMT_START                                                                 \
  {                                                                            \
    g_autofree char *_got = describe ((rig), (to));                            \
    g_assert_cmpstr (_got, ==, (expected));                                    \
    g_array_set_size ((rig)->done, 0);                                         \
  }                                                                            \
  G_STMT_END

static gboolean
hear (Rig *rig, WzpPunchKind kind, guint32 number, const char *from)
{
  const WzpPunch punch = {
    .kind = kind, .role = WZP_ROLE_ACCEPTOR, .number = number
  };
  const WzpAddr addr = addr_of (from);

  return wzp_puncher_take_punch (rig->puncher, &punch, &addr, rig->now_us);
}

/* ---- a round ---- */

static void
test_near (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, HOST_TEXT);

  g_test_summary ("On the same network: no opener, no wait");
  run (&rig, 60 * SEC);
  assert_done (&rig, NULL,
      "p@0 dial@0 p@33 p@66 p@133 p@266 p@533 p@1000 p@2000 p@3500");
}

static void
test_far (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  const WzpCandidate candidate = { .addr = addr_of (FAR_TEXT),
    .type = WZP_CANDIDATE_SERVER_REFLEXIVE };

  g_test_summary ("Openers, and the rest when the peer's are out for sure");
  g_assert_true (wzp_puncher_holds (rig.puncher, &candidate));
  run (&rig, 60 * SEC);
  assert_done (&rig, NULL,
      "3@0 4@5 p@175 dial@175 p@208 p@241 p@308 p@441 p@708 p@1175 p@2175 "
      "p@3675");
}

static void
test_open_peer (void)
{
  WzpCandidateList list = { 0 };
  g_autoptr (WzpPuncher) puncher = wzp_puncher_new (WZP_ROLE_DIALER, TRUE, 1);
  WzpPuncherAction action;

  g_test_summary ("No NAT in front of the peer: nothing is held back");
  add_candidate (&list, FAR_TEXT);
  wzp_puncher_start (puncher, &list, T0);
  g_assert_false (wzp_puncher_holds (puncher, &list.items[0]));
  g_assert_true (wzp_puncher_step (puncher, T0, &action));
  g_assert_cmpint (action.type, ==, WZP_PUNCHER_ACTION_SEND);
  g_assert_cmpuint (action.ttl, ==, 0);
}

static void
test_go (void)
{
  g_auto (Rig) dialer = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  g_auto (Rig) acceptor = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);

  g_test_summary ("The Dialer says GO and begins half a round trip later");
  run (&dialer, 60 * MS);
  assert_done (&dialer, NULL, "3@0 4@5");
  wzp_puncher_set_rtt (dialer.puncher, 40 * MS);
  wzp_puncher_relay_heard (dialer.puncher, dialer.now_us);
  run (&dialer, 400 * MS);
  assert_done (&dialer, NULL,
      "go1@60 p@80 dial@80 go1@100 p@113 p@146 go1@180 p@213 go1@340 p@346");

  run (&acceptor, 80 * MS);
  wzp_puncher_take_go (acceptor.puncher, 1, acceptor.now_us);
  wzp_puncher_take_go (acceptor.puncher, 1, acceptor.now_us);
  run (&acceptor, 120 * MS);
  wzp_puncher_take_go (acceptor.puncher, 1, acceptor.now_us);
  run (&acceptor, 150 * MS);
  assert_done (&acceptor, NULL, "3@0 4@5 p@80 p@113 p@146");
}

static void
test_late_go (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);

  g_test_summary ("What went out in vain long before goes out again");
  run (&rig, 400 * MS);
  assert_done (&rig, NULL, "3@0 4@5 p@175 p@208 p@241 p@308");
  wzp_puncher_take_go (rig.puncher, 1, rig.now_us);
  run (&rig, 440 * MS);
  assert_done (&rig, NULL, "p@400 p@433");
}

static void
test_heard (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  WzpPuncherStats stats;

  g_test_summary ("A punch from elsewhere: answered, dialled, punched");
  run (&rig, 50 * MS);
  assert_done (&rig, NULL, "3@0 4@5");
  g_assert_true (hear (&rig, WZP_PUNCH_KIND_PUNCH, 7, "203.0.113.7:9999"));
  g_assert_false (hear (&rig, WZP_PUNCH_KIND_PUNCH, 7, "203.0.113.7:8888"));
  run (&rig, 80 * MS);
  g_assert_cmpuint (g_array_index (rig.done, Done, 1).action.punch.echo, ==, 7);
  g_assert_cmpint (g_array_index (rig.done, Done, 0).action.candidate, ==,
      WZP_CANDIDATE_PEER_REFLEXIVE);
  {
    g_autofree char *got = describe (&rig, "203.0.113.7:9999");

    g_assert_cmpstr (got, ==, "dial@50 a@50 p@60");
  }
  assert_done (&rig, FAR_TEXT, "p@55 dial@55");

  /* An answer is not answered; the same place is not dialled again at once. */
  g_assert_true (hear (&rig, WZP_PUNCH_KIND_ANSWER, 8, "203.0.113.7:9999"));
  run (&rig, 149 * MS);
  {
    g_autofree char *got = describe (&rig, "203.0.113.7:9999");

    g_assert_cmpstr (got, ==, "p@88 p@121");
  }
  g_array_set_size (rig.done, 0);
  run (&rig, 150 * MS);
  assert_done (&rig, "203.0.113.7:9999", "dial@150");
  wzp_puncher_get_stats (rig.puncher, &stats);
  g_assert_cmpuint (stats.heard, ==, 2);
  g_assert_cmpuint (stats.repeated, ==, 1);
  g_assert_cmpuint (stats.n_reflexive, ==, 1);
}

static void
test_own_punch (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);

  g_test_summary ("One's own, sent back by a mirror, is nothing");
  run (&rig, 10 * MS);
  g_assert_false (hear (&rig, WZP_PUNCH_KIND_PUNCH, 1, FAR_TEXT));
  g_array_set_size (rig.done, 0);
  run (&rig, 100 * MS);
  assert_done (&rig, NULL, "");
}

static void
test_best_pairs (void)
{
  WzpCandidateList list = { 0 };
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  g_test_summary ("Eight of sixteen, the reflexive one among them");
  for (guint i = 0; i < WZP_CANDIDATES_MAX - 1; i++) {
    g_autofree char *text = g_strdup_printf ("192.168.1.%u:4000", i + 1);

    add_candidate (&list, text);
  }
  add_candidate (&list, "203.0.113.77:4000");
  {
    g_auto (Rig) rig = rig_new (WZP_ROLE_ACCEPTOR, &list);
    gboolean has_far = FALSE;

    run (&rig, 60 * SEC);
    for (guint i = 0; i < rig.done->len; i++) {
      const Done *done = &g_array_index (rig.done, Done, i);
      const WzpAddr *addr = &done->action.addr;

      g_hash_table_add (seen, GUINT_TO_POINTER (addr->ip[3]));
      has_far |= addr->ip[0] == 203;
      if (i > 0)
        g_assert_cmpint (
            done->at_us - g_array_index (rig.done, Done, i - 1).at_us, >=,
            WZP_PUNCHER_SPACING_US);
    }
    g_assert_cmpuint (g_hash_table_size (seen), ==, WZP_PUNCHER_MAX_PAIRS);
    g_assert_true (has_far);
    g_assert_cmpuint (rig.done->len, ==,
        WZP_PUNCHER_MAX_PAIRS * WZP_PUNCHER_TIMES + WZP_PUNCHER_OPENERS);
  }
}

/* ---- rounds ---- */

static void
collect_rounds (const Rig *rig, GArray *times)
{
  guint64 last = 0;

  for (guint i = 0; i < rig->done->len; i++) {
    const Done *done = &g_array_index (rig->done, Done, i);
    const gint64 at = done->at_us - T0;

    if (done->action.type != WZP_PUNCHER_ACTION_GO ||
        done->action.round == last)
      continue;
    last = done->action.round;
    g_array_append_val (times, at);
  }
}

static void
test_timetable (void)
{
  static const gint64 first[] = { 0, 5, 10, 20, 40 };
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));

  wzp_puncher_relay_heard (rig.puncher, T0);
  run (&rig, 3600 * SEC);
  collect_rounds (&rig, times);
  g_assert_cmpuint (times->len, >, 45);
  g_assert_cmpuint (times->len, <, 80);
  for (guint i = 0; i < times->len; i++) {
    const gint64 at = g_array_index (times, gint64, i);
    const gint64 before = i > 0 ? g_array_index (times, gint64, i - 1) : 0;

    if (i < G_N_ELEMENTS (first)) {
      g_assert_cmpint (at, ==, first[i] * SEC);
    } else {
      g_assert_cmpint (at - before, >=, 48 * SEC);
      g_assert_cmpint (at - before, <=, 72 * SEC);
    }
  }
}

static void
test_later_round (void)
{
  g_auto (Rig) dialer = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  g_auto (Rig) acceptor = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);

  g_test_summary ("Openers anew; dialled is what was heard");
  wzp_puncher_relay_heard (dialer.puncher, T0);
  wzp_puncher_set_rtt (dialer.puncher, 40 * MS);
  run (&dialer, 4900 * MS);
  g_array_set_size (dialer.done, 0);
  run (&dialer, 5400 * MS);
  assert_done (&dialer, NULL,
      "go2@5000 3@5020 4@5025 go2@5040 go2@5120 p@5195 p@5228 p@5261 "
      "go2@5280 p@5328");
  g_assert_true (hear (&dialer, WZP_PUNCH_KIND_PUNCH, 1, FAR_TEXT));
  run (&dialer, 5410 * MS);
  assert_done (&dialer, NULL, "dial@5400 a@5400");

  run (&acceptor, 5020 * MS);
  g_array_set_size (acceptor.done, 0);
  wzp_puncher_take_go (acceptor.puncher, 2, acceptor.now_us);
  run (&acceptor, 5300 * MS);
  assert_done (&acceptor, NULL, "3@5020 4@5025 p@5195 p@5228 p@5261");
}

static void
test_kick (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  g_auto (Rig) acceptor = rig_for (WZP_ROLE_ACCEPTOR, FAR_TEXT);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));

  g_test_summary ("At once, but not twice in two seconds; then as at first");
  wzp_puncher_relay_heard (rig.puncher, T0);
  run (&rig, 100 * SEC);
  g_array_set_size (rig.done, 0);
  wzp_puncher_kick (rig.puncher, rig.now_us);
  run (&rig, 100500 * MS);
  wzp_puncher_kick (rig.puncher, rig.now_us);
  run (&rig, 120 * SEC);
  collect_rounds (&rig, times);
  g_assert_cmpuint (times->len, ==, 4);
  g_assert_cmpint (g_array_index (times, gint64, 0), ==, 100 * SEC);
  g_assert_cmpint (g_array_index (times, gint64, 1), ==, 102 * SEC);
  g_assert_cmpint (g_array_index (times, gint64, 2), ==, 105500 * MS);
  g_assert_cmpint (g_array_index (times, gint64, 3), ==, 110500 * MS);

  /* The Acceptor asks; who is asked follows. */
  run (&acceptor, 10 * SEC);
  g_array_set_size (acceptor.done, 0);
  wzp_puncher_kick (acceptor.puncher, acceptor.now_us);
  run (&acceptor, 11 * SEC);
  assert_done (&acceptor, NULL, "");
  wzp_puncher_relay_heard (acceptor.puncher, acceptor.now_us);
  wzp_puncher_kick (acceptor.puncher, acceptor.now_us);
  run (&acceptor, 12 * SEC);
  assert_done (&acceptor, NULL, "go0@11000 go0@11040 go0@11120 go0@11280");
  g_array_set_size (rig.done, 0);
  wzp_puncher_take_go (rig.puncher, 0, rig.now_us);
  run (&rig, 120010 * MS);
  assert_done (&rig, NULL, "go10@120000 3@120000 4@120005");
}

static void
test_direct (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);

  g_test_summary ("Direct is up: silence. Lost: at once anew");
  wzp_puncher_relay_heard (rig.puncher, T0);
  run (&rig, 100 * MS);
  wzp_puncher_set_direct (rig.puncher, TRUE, rig.now_us);
  g_array_set_size (rig.done, 0);
  g_assert_cmpint (wzp_puncher_get_deadline (rig.puncher), ==, -1);
  g_assert_true (hear (&rig, WZP_PUNCH_KIND_PUNCH, 1, FAR_TEXT));
  run (&rig, 100 * SEC);
  assert_done (&rig, NULL, "");
  wzp_puncher_set_direct (rig.puncher, FALSE, rig.now_us);
  run (&rig, 100010 * MS);
  assert_done (&rig, NULL, "go2@100000 3@100000 4@100005");
}

static void
test_direct_refused (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);

  g_test_summary ("Up for a moment in the first round: the round goes on");
  run (&rig, 40 * MS);
  wzp_puncher_set_direct (rig.puncher, TRUE, rig.now_us);
  wzp_puncher_relay_heard (rig.puncher, rig.now_us);
  run (&rig, 300 * MS);
  assert_done (&rig, NULL, "3@0 4@5");
  wzp_puncher_set_direct (rig.puncher, FALSE, rig.now_us);
  run (&rig, 1200 * MS);
  assert_done (&rig, NULL,
      "go1@300 p@300 dial@300 p@333 go1@340 p@366 go1@420 p@433 p@566 go1@580 "
      "p@833");
  run (&rig, 2010 * MS);
  assert_done (&rig, NULL, "p@1300 go2@2000 3@2000 4@2005");
}

static void
test_new_candidates (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  WzpCandidateList list = { 0 };

  wzp_puncher_relay_heard (rig.puncher, T0);
  run (&rig, 30 * SEC);
  g_array_set_size (rig.done, 0);
  add_candidate (&list, FAR_TEXT);
  g_assert_false (wzp_puncher_add_candidates (rig.puncher, &list, rig.now_us));
  add_candidate (&list, HOST_TEXT);
  g_assert_true (wzp_puncher_add_candidates (rig.puncher, &list, rig.now_us));
  run (&rig, 30010 * MS);
  assert_done (&rig, NULL, "go5@30000 3@30000 p@30005 4@30010");
}

/* ---- limits ---- */

/* The most packets, of those that @matches, in any minute. */
static guint
most_in_a_minute (const Rig *rig, const WzpAddr *ip, gint64 since_us)
{
  guint most = 0;

  for (guint i = 0; i < rig->done->len; i++) {
    const gint64 from = g_array_index (rig->done, Done, i).at_us;
    guint n = 0;

    if (from < T0 + since_us)
      continue;
    for (guint j = i; j < rig->done->len; j++) {
      const Done *done = &g_array_index (rig->done, Done, j);

      if (done->at_us - from >= 60 * SEC)
        break;
      n += done->action.type == WZP_PUNCHER_ACTION_SEND &&
          (ip == NULL || wzp_addr_equal_ip (&done->action.addr, ip));
    }
    most = MAX (most, n);
  }
  return most;
}

static guint
count_actions (const Rig *rig, WzpPuncherActionType type)
{
  guint n = 0;

  for (guint i = 0; i < rig->done->len; i++)
    n += g_array_index (rig->done, Done, i).action.type == type;
  return n;
}

static guint
count_dials (const Rig *rig)
{
  return count_actions (rig, WZP_PUNCHER_ACTION_DIAL);
}

static WzpCandidateList
many_candidates (guint first_port, gboolean same_ip)
{
  WzpCandidateList list = { 0 };

  for (guint i = 0; i < WZP_CANDIDATES_MAX; i++) {
    g_autofree char *text = g_strdup_printf ("203.0.113.%u:%u",
        same_ip ? 66 : (first_port + i) % 250 + 1, first_port + i);

    add_candidate (&list, text);
  }
  return list;
}

static void
test_idle_limit (void)
{
  const WzpCandidateList list = many_candidates (4000, FALSE);
  g_auto (Rig) rig = rig_new (WZP_ROLE_DIALER, &list);
  WzpPuncherStats stats;

  g_test_summary ("Sixteen candidates: 60 packets in any minute when idle");
  wzp_puncher_relay_heard (rig.puncher, T0);
  run (&rig, 1800 * SEC);
  g_assert_cmpuint (most_in_a_minute (&rig, NULL, WZP_PUNCH_BURST_US), ==,
      WZP_PUNCH_MAX_A_MINUTE);
  wzp_puncher_get_stats (rig.puncher, &stats);
  g_assert_cmpuint (stats.suppressed, >, 0);
  g_assert_cmpuint (count_dials (&rig), ==, WZP_PUNCHER_MAX_PAIRS);
}

static void
test_kick_limit (void)
{
  const WzpCandidateList list = many_candidates (4000, FALSE);
  g_auto (Rig) rig = rig_new (WZP_ROLE_DIALER, &list);

  g_test_summary ("A network that changes all the time");
  wzp_puncher_relay_heard (rig.puncher, T0);
  for (guint i = 1; i < 600; i++) {
    run (&rig, i * SEC);
    wzp_puncher_kick (rig.puncher, rig.now_us);
  }
  g_assert_cmpuint (most_in_a_minute (&rig, NULL, 0), <=,
      2 * WZP_PUNCH_MAX_BURST + WZP_PUNCH_MAX_A_MINUTE);
}

static void
test_victim (void)
{
  static const WzpRole roles[] = { WZP_ROLE_DIALER, WZP_ROLE_ACCEPTOR };
  const WzpAddr victim = addr_of ("203.0.113.66:1");

  g_test_summary (
      "A peer that has somebody else in mind: lists him sixteen "
      "times, again with other ports, in punches, asking for rounds");
  for (guint r = 0; r < G_N_ELEMENTS (roles); r++) {
    const WzpCandidateList list = many_candidates (4000, TRUE);
    g_auto (Rig) rig = rig_new (roles[r], &list);
    guint32 number = 0;

    wzp_puncher_relay_heard (rig.puncher, T0);
    for (guint i = 1; i < 3000; i++) {
      const WzpCandidateList more = many_candidates (4000 + 16 * i, TRUE);
      const WzpPunch punch = {
        .kind = WZP_PUNCH_KIND_PUNCH, .role = roles[1 - r], .number = ++number
      };
      WzpAddr from = victim;

      run (&rig, i * 100 * MS);
      wzp_puncher_add_candidates (rig.puncher, &more, rig.now_us);
      wzp_puncher_take_go (
          rig.puncher, roles[r] == WZP_ROLE_DIALER ? 0 : i, rig.now_us);
      from.port = (guint16) (1 + g_test_rand_int_range (0, 60000));
      wzp_puncher_take_punch (rig.puncher, &punch, &from, rig.now_us);
    }
    g_assert_cmpuint (
        most_in_a_minute (&rig, &victim, 0), <=, WZP_PUNCH_MAX_TO_ADDRESS);
    g_assert_cmpuint (most_in_a_minute (&rig, NULL, WZP_PUNCH_BURST_US), <=,
        WZP_PUNCH_MAX_A_MINUTE);
    g_assert_cmpuint (
        count_dials (&rig), <=, 5 * WZP_PUNCH_MAX_DIALS_TO_ADDRESS);
    g_assert_cmpuint (count_actions (&rig, WZP_PUNCHER_ACTION_GO), <=,
        150 * WZP_PUNCHER_GO_COPIES);
    g_test_message ("%s: %u packets and %u dials in 300 s",
        wzp_role_to_string (roles[r]), rig.done->len, count_dials (&rig));
  }
}

static void
test_many_reflexive (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);
  WzpPuncherStats stats;

  g_test_summary ("Punches from everywhere: eight places a minute are learnt");
  for (guint i = 0; i < 1000; i++) {
    g_autofree char *from =
        g_strdup_printf ("198.51.100.%u:%u", i % 250 + 1, i + 1);

    run (&rig, i * 50 * MS);
    g_assert_true (hear (&rig, WZP_PUNCH_KIND_PUNCH, i + 1, from));
  }
  wzp_puncher_get_stats (rig.puncher, &stats);
  g_assert_cmpuint (stats.n_reflexive, ==, WZP_PUNCHER_MAX_REFLEXIVE);
  g_assert_cmpuint (count_dials (&rig), <=, 1 + WZP_PUNCHER_MAX_REFLEXIVE);
  /* A minute later there is room for others, in the place of the oldest. */
  run (&rig, 200 * SEC);
  g_array_set_size (rig.done, 0);
  g_assert_true (hear (&rig, WZP_PUNCH_KIND_PUNCH, 2000, "198.51.100.251:1"));
  run (&rig, 201 * SEC);
  g_assert_cmpuint (count_dials (&rig), ==, 1);
  wzp_puncher_get_stats (rig.puncher, &stats);
  g_assert_cmpuint (stats.n_reflexive, ==, WZP_PUNCHER_MAX_REFLEXIVE);
}

/* ---- NATs that give ports in a row ---- */

static void
test_expected_ports (void)
{
  g_auto (Rig) rig = rig_for (WZP_ROLE_DIALER, FAR_TEXT);

  g_test_summary ("Six ports from what the peer said, dialled when heard");
  run (&rig, 50 * MS);
  wzp_puncher_expect_ports (rig.puncher, 0, 1, rig.now_us);
  wzp_puncher_expect_ports (rig.puncher, 40001, 0, rig.now_us);
  wzp_puncher_expect_ports (
      rig.puncher, 40001, WZP_NAT_MAX_PORT_STEP + 1, rig.now_us);
  run (&rig, 60 * MS);
  assert_done (&rig, NULL, "3@0 4@5");
  wzp_puncher_expect_ports (rig.puncher, 40001, 2, rig.now_us);
  run (&rig, 170 * MS);
  assert_done (&rig, NULL, "p@60 p@65 p@70 p@75 p@80 p@85");
  run (&rig, 4 * SEC);
  assert_done (&rig, "203.0.113.7:40011", "p@218 p@618 p@2085");
  g_assert_true (hear (&rig, WZP_PUNCH_KIND_PUNCH, 1, "203.0.113.7:40005"));
  run (&rig, 4100 * MS);
  assert_done (&rig, "203.0.113.7:40005", "dial@4000 a@4000");

  /* Others take their place, and none is beyond the last port. */
  wzp_puncher_expect_ports (rig.puncher, 65535, 1, rig.now_us);
  wzp_puncher_expect_ports (rig.puncher, 50000, 16, rig.now_us);
  run (&rig, 4200 * MS);
  for (guint i = 0; i < rig.done->len; i++)
    g_assert_cmpuint (
        g_array_index (rig.done, Done, i).action.addr.port, >=, 50000);
}

static void
test_expected_port (void)
{
  WzpCandidateList list = { 0 };

  g_test_summary ("Both NATs in a row: one port, and how many are gone");
  add_candidate (&list, HOST_TEXT);
  add_candidate (&list, FAR_TEXT);
  add_candidate (&list, "[fd00::1]:4000");
  {
    g_auto (Rig) rig = rig_new (WZP_ROLE_ACCEPTOR, &list);

    g_assert_cmpuint (wzp_puncher_count_used (rig.puncher), ==, 0);
    run (&rig, 50 * MS);
    g_assert_cmpuint (wzp_puncher_count_used (rig.puncher), ==, 2);
    g_array_set_size (rig.done, 0);
    wzp_puncher_expect_port (rig.puncher, 0, rig.now_us);
    wzp_puncher_expect_port (rig.puncher, 40002, rig.now_us);
    run (&rig, 60 * MS);
    assert_done (&rig, "203.0.113.7:40002", "p@50");
  }
}

static void
test_sequential (void)
{
  WzpCandidateList list = { 0 };
  Rig rig = { .puncher = wzp_puncher_new (WZP_ROLE_DIALER, FALSE, 1),
    .done = g_array_new (FALSE, FALSE, sizeof (Done)),
    .now_us = T0 };

  g_test_summary ("Behind one: the opener first of all, and more patience");
  add_candidate (&list, HOST_TEXT);
  add_candidate (&list, FAR_TEXT);
  wzp_puncher_set_sequential (rig.puncher);
  wzp_puncher_start (rig.puncher, &list, T0);
  run (&rig, 10 * MS);
  assert_done (&rig, NULL, "3@0 p@5 dial@5 4@10");
  run (&rig, 1600 * MS);
  assert_done (&rig, FAR_TEXT, "p@1500 dial@1500 p@1533 p@1566");
  rig_clear (&rig);
}

static void
test_nothing (void)
{
  g_autoptr (WzpPuncher) puncher = wzp_puncher_new (WZP_ROLE_DIALER, FALSE, 1);
  const WzpPunch punch = { .kind = WZP_PUNCH_KIND_PUNCH, .number = 1 };
  const WzpAddr from = addr_of (FAR_TEXT);
  WzpPuncherAction action;

  g_test_summary ("Before the start, and with nothing to punch");
  wzp_puncher_kick (puncher, T0);
  wzp_puncher_take_go (puncher, 1, T0);
  g_assert_false (wzp_puncher_take_punch (puncher, &punch, &from, T0));
  g_assert_false (wzp_puncher_step (puncher, T0, &action));
  g_assert_cmpint (wzp_puncher_get_deadline (puncher), ==, -1);
  wzp_puncher_start (puncher, NULL, T0);
  g_assert_false (wzp_puncher_step (puncher, T0, &action));
  g_assert_cmpint (wzp_puncher_get_deadline (puncher), ==, -1);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/puncher/near", test_near);
  g_test_add_func ("/puncher/far", test_far);
  g_test_add_func ("/puncher/open-peer", test_open_peer);
  g_test_add_func ("/puncher/go", test_go);
  g_test_add_func ("/puncher/late-go", test_late_go);
  g_test_add_func ("/puncher/heard", test_heard);
  g_test_add_func ("/puncher/own-punch", test_own_punch);
  g_test_add_func ("/puncher/best-pairs", test_best_pairs);
  g_test_add_func ("/puncher/timetable", test_timetable);
  g_test_add_func ("/puncher/later-round", test_later_round);
  g_test_add_func ("/puncher/kick", test_kick);
  g_test_add_func ("/puncher/direct", test_direct);
  g_test_add_func ("/puncher/direct-refused", test_direct_refused);
  g_test_add_func ("/puncher/new-candidates", test_new_candidates);
  g_test_add_func ("/puncher/idle-limit", test_idle_limit);
  g_test_add_func ("/puncher/kick-limit", test_kick_limit);
  g_test_add_func ("/puncher/victim", test_victim);
  g_test_add_func ("/puncher/many-reflexive", test_many_reflexive);
  g_test_add_func ("/puncher/expected-ports", test_expected_ports);
  g_test_add_func ("/puncher/expected-port", test_expected_port);
  g_test_add_func ("/puncher/sequential", test_sequential);
  g_test_add_func ("/puncher/nothing", test_nothing);
  return wzp_test_run ();
}
