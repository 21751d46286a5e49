#include "puncher-sim.h"

#include <string.h>

#define MAX_MAPPINGS 64u
#define INNER_PORT   5000u
#define MS           ((gint64) 1000)

const SimNat sim_open = { .name = "none", .is_open = TRUE };
const SimNat sim_full_cone = { .name = "full cone" };
const SimNat sim_restricted = { .name = "restricted cone",
  .filtering = SIM_BY_ADDRESS };
const SimNat sim_home = { .name = "home", .filtering = SIM_BY_PORT };
const SimNat sim_bad = {
  .name = "poisonable", .filtering = SIM_BY_PORT, .is_poisonable = TRUE
};
const SimNat sim_address = { .name = "address-dependent",
  .mapping = SIM_BY_ADDRESS,
  .filtering = SIM_BY_PORT };
const SimNat sim_symmetric = {
  .name = "symmetric", .mapping = SIM_BY_PORT, .filtering = SIM_BY_PORT
};

typedef enum {
  EVENT_START,
  EVENT_STEP,
  EVENT_RELAY_HEARD,
  EVENT_GO,
  EVENT_PUNCH,
  EVENT_INITIAL,
  EVENT_ANSWER, /* to an Initial */
  EVENT_FINISHED,
} EventType;

typedef struct {
  gint64 at_us;
  guint serial;
  EventType type;
  guint side;       /* at which it happens */
  WzpAddr from, to; /* of packets, as they are between the NATs */
  WzpPunch punch;
  guint64 round;
} Event;

typedef struct {
  WzpAddr to;
  guint16 port;
} Mapping;

typedef struct {
  const SimNat *nat;
  WzpAddr outer; /* its own address; port: what the relay saw */
  Mapping mappings[MAX_MAPPINGS]; /* one for each destination */
  guint n_mappings;
  WzpAddr poisoned[MAX_MAPPINGS];
  guint n_poisoned;
  WzpPuncher *puncher;
  WzpRole role;
} Side;

typedef struct {
  const SimScene *scene;
  Side sides[2];
  GRand *rand;
  GPtrArray *events; /* of Event, owned */
  guint serial;
  gint64 now_us;
  SimResult *result;
} Sim;

static Event *
add_event (Sim *sim, EventType type, guint side, gint64 at_us)
{
  Event *event = g_new0 (Event, 1);

  event->type = type;
  event->side = side;
  event->at_us = at_us;
  event->serial = sim->serial++;
  g_ptr_array_add (sim->events, event);
  return event;
}

static Event *
take_event (Sim *sim)
{
  guint first = 0;

  for (guint i = 1; i < sim->events->len; i++) {
    const Event *a = sim->events->pdata[i], *b = sim->events->pdata[first];

    if (a->at_us < b->at_us || (a->at_us == b->at_us && a->serial < b->serial))
      first = i;
  }
  return g_ptr_array_steal_index_fast (sim->events, first);
}

/* ---- NATs ---- */

static gboolean
same_key (SimRule rule, const WzpAddr *a, const WzpAddr *b)
{
  switch (rule) {
    case SIM_INDEPENDENT:
      return TRUE;
    case SIM_BY_ADDRESS:
      return wzp_addr_equal_ip (a, b);
    case SIM_BY_PORT:
      return wzp_addr_equal (a, b);
  }
  g_return_val_if_reached (FALSE);
}

static gboolean
is_poisoned (const Side *side, const WzpAddr *peer)
{
  for (guint i = 0; i < side->n_poisoned; i++)
    if (wzp_addr_equal (&side->poisoned[i], peer))
      return TRUE;
  return FALSE;
}

static guint16
choose_port (Sim *sim, Side *side, const WzpAddr *to)
{
  for (guint i = 0; i < side->n_mappings; i++)
    if (!is_poisoned (side, to) &&
        same_key (side->nat->mapping, &side->mappings[i].to, to))
      return side->mappings[i].port;
  if (side->nat->mapping == SIM_INDEPENDENT && !is_poisoned (side, to))
    return INNER_PORT;
  return (guint16) g_rand_int_range (sim->rand, 10000, 60000);
}

/* A packet to @to leaves: what it seems to come from. */
static WzpAddr
leave (Sim *sim, Side *side, const WzpAddr *to)
{
  WzpAddr from = side->outer;
  Mapping *mapping;

  if (side->nat->is_open)
    return from;
  for (guint i = 0; i < side->n_mappings; i++)
    if (wzp_addr_equal (&side->mappings[i].to, to)) {
      from.port = side->mappings[i].port;
      return from;
    }
  g_assert_cmpuint (side->n_mappings, <, MAX_MAPPINGS);
  from.port = choose_port (sim, side, to);
  mapping = &side->mappings[side->n_mappings++];
  mapping->to = *to;
  mapping->port = from.port;
  return from;
}

static gboolean
lets_in (Side *side, const WzpAddr *from, guint16 port)
{
  if (side->nat->is_open)
    return port == side->outer.port;
  for (guint i = 0; i < side->n_mappings; i++)
    if (side->mappings[i].port == port &&
        same_key (side->nat->filtering, &side->mappings[i].to, from))
      return TRUE;
  if (side->nat->is_poisonable && port == INNER_PORT &&
      !is_poisoned (side, from) && side->n_poisoned < MAX_MAPPINGS)
    side->poisoned[side->n_poisoned++] = *from;
  return FALSE;
}

/* ---- packets ---- */

static guint
owner_of (const Sim *sim, const WzpAddr *addr)
{
  return wzp_addr_equal_ip (addr, &sim->sides[0].outer) ? 0 : 1;
}

static void
send_packet (Sim *sim, EventType type, guint from, const WzpAddr *to, guint ttl,
    const WzpPunch *punch)
{
  const WzpAddr source = leave (sim, &sim->sides[from], to);
  Event *event;

  if (ttl != 0 || g_rand_double (sim->rand) < sim->scene->loss)
    return;
  event = add_event (
      sim, type, owner_of (sim, to), sim->now_us + sim->scene->direct_us);
  event->from = source;
  event->to = *to;
  if (punch != NULL)
    event->punch = *punch;
}

static gint64
relay_up_us (const Sim *sim)
{
  const SimScene *scene = sim->scene;

  return MAX (scene->start_us[0] + 2 * scene->leg_us[0],
      scene->start_us[1] + 2 * scene->leg_us[1]);
}

static void
send_go (Sim *sim, guint from, guint64 round)
{
  const SimScene *scene = sim->scene;

  if (sim->now_us < relay_up_us (sim) || !scene->has_relay)
    return;
  add_event (sim, EVENT_GO, 1 - from,
      sim->now_us + scene->leg_us[0] + scene->leg_us[1])
      ->round = round;
}

static void
become_direct (Sim *sim, guint side)
{
  if (sim->result->direct_us[side] < 0)
    sim->result->direct_us[side] = sim->now_us;
  wzp_puncher_set_direct (sim->sides[side].puncher, TRUE, sim->now_us);
}

/* An Initial, and again as QUIC would. */
static void
send_initials (Sim *sim, guint side, const WzpAddr *to)
{
  const gint64 now_us = sim->now_us;

  sim->result->dials++;
  send_packet (sim, EVENT_INITIAL, side, to, 0, NULL);
  sim->now_us = now_us + 1000 * MS;
  send_packet (sim, EVENT_INITIAL, side, to, 0, NULL);
  sim->now_us = now_us;
}

static void
run_side (Sim *sim, guint index)
{
  Side *side = &sim->sides[index];
  WzpPuncherAction action;
  gint64 deadline;

  while (wzp_puncher_step (side->puncher, sim->now_us, &action)) {
    switch (action.type) {
      case WZP_PUNCHER_ACTION_SEND:
        send_packet (
            sim, EVENT_PUNCH, index, &action.addr, action.ttl, &action.punch);
        break;
      case WZP_PUNCHER_ACTION_DIAL:
        send_initials (sim, index, &action.addr);
        break;
      case WZP_PUNCHER_ACTION_GO:
        send_go (sim, index, action.round);
        break;
      case WZP_PUNCHER_ACTION_FRESH:
        g_assert_not_reached (); /* not allowed here */
    }
  }
  deadline = wzp_puncher_get_deadline (side->puncher);
  if (deadline >= 0)
    add_event (sim, EVENT_STEP, index, MAX (deadline, sim->now_us + 1));
}

static void
start_side (Sim *sim, guint index)
{
  WzpCandidateList list = { .n = 1 };

  list.items[0] = (WzpCandidate){ .addr = sim->sides[1 - index].outer,
    .type = WZP_CANDIDATE_SERVER_REFLEXIVE };
  wzp_puncher_start (sim->sides[index].puncher, &list, sim->now_us);
}

static void
run_event (Sim *sim, const Event *event)
{
  const SimScene *scene = sim->scene;
  Side *side = &sim->sides[event->side];

  if (event->type >= EVENT_PUNCH &&
      !lets_in (side, &event->from, event->to.port))
    return;
  switch (event->type) {
    case EVENT_START:
      start_side (sim, event->side);
      break;
    case EVENT_STEP:
      break;
    case EVENT_RELAY_HEARD:
      wzp_puncher_set_rtt (
          side->puncher, 2 * (scene->leg_us[0] + scene->leg_us[1]));
      wzp_puncher_relay_heard (side->puncher, sim->now_us);
      break;
    case EVENT_GO:
      wzp_puncher_take_go (side->puncher, event->round, sim->now_us);
      break;
    case EVENT_PUNCH:
      wzp_puncher_take_punch (
          side->puncher, &event->punch, &event->from, FALSE, sim->now_us);
      break;
    case EVENT_INITIAL:
      if (side->role == WZP_ROLE_ACCEPTOR)
        send_packet (sim, EVENT_ANSWER, event->side, &event->from, 0, NULL);
      return;
    case EVENT_ANSWER:
      become_direct (sim, event->side);
      send_packet (sim, EVENT_FINISHED, event->side, &event->from, 0, NULL);
      return;
    case EVENT_FINISHED:
      become_direct (sim, event->side);
      return;
  }
  run_side (sim, event->side);
}

static void
init_side (Sim *sim, guint index)
{
  const SimScene *scene = sim->scene;
  Side *side = &sim->sides[index];
  WzpAddr relay;

  side->nat = &scene->nats[index];
  side->role = index == 0 ? scene->first_role : !scene->first_role;
  wzp_addr_parse (index == 0 ? "198.51.100.1:5000" : "203.0.113.1:5000",
      &side->outer, NULL);
  wzp_addr_parse ("192.0.2.1:4433", &relay, NULL);
  side->outer.port = leave (sim, side, &relay).port;
  side->puncher = wzp_puncher_new (side->role, FALSE, scene->seed + index);
  add_event (sim, EVENT_START, index, scene->start_us[index]);
  if (scene->has_relay)
    add_event (sim, EVENT_RELAY_HEARD, index,
        relay_up_us (sim) + scene->leg_us[0] + scene->leg_us[1]);
}

void
sim_run (const SimScene *scene, SimResult *ret_result)
{
  Sim sim = { .scene = scene, .result = ret_result };

  *ret_result = (SimResult){ .direct_us = { -1, -1 } };
  sim.rand = g_rand_new_with_seed (scene->seed);
  sim.events = g_ptr_array_new_with_free_func (g_free);
  init_side (&sim, 0);
  init_side (&sim, 1);
  while (sim.events->len > 0) {
    g_autofree Event *event = take_event (&sim);

    if (event->at_us > scene->until_us)
      break;
    sim.now_us = event->at_us;
    run_event (&sim, event);
  }
  for (guint i = 0; i < 2; i++) {
    wzp_puncher_get_stats (sim.sides[i].puncher, &ret_result->stats[i]);
    wzp_puncher_free (sim.sides[i].puncher);
  }
  g_ptr_array_unref (sim.events);
  g_rand_free (sim.rand);
}
