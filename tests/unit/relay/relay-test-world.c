#include "relay-test-world.h"

#include "wzp-fingerprint.h"

#include <string.h>

/* Microseconds that a message between relays takes at most. */
#define FLIGHT_US ((gint64) 300 * G_TIME_SPAN_MILLISECOND)
#define SECOND    ((gint64) G_USEC_PER_SEC)

#define EVIL WORLD_CLIENTS /* index of its peer */

typedef struct {
  gint64 at_us;
  guint from, to;
  WzpMessage *message; /* owned */
} Flight;

#define check(self, condition)                                                 \
  G_STMT_START                                                                 \
  {                                                                            \
    if (!(condition))                                                          \
      g_error ("line %d: not so: %s; WZP_SCHEDULE_SEED=%u", __LINE__,          \
          #condition, (self)->config.seed);                                    \
  }                                                                            \
  G_STMT_END

guint
world_pick (World *self, guint n)
{
  return (guint) g_rand_int_range (self->rand, 0, (gint32) n);
}

static gboolean
is_evil (const World *self, guint relay)
{
  return self->relays[relay] == NULL;
}

static void
free_flight (gpointer data)
{
  Flight *flight = data;

  wzp_message_free (flight->message);
  g_free (flight);
}

static int
compare_flights (gconstpointer a, gconstpointer b, gpointer unused)
{
  const Flight *x = a, *y = b;

  return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

/* Takes @message. */
static void
fly (World *self, guint from, guint to, WzpMessage *message)
{
  Flight *flight = g_new (Flight, 1);

  flight->at_us = self->now_us + world_pick (self, FLIGHT_US);
  flight->from = from;
  flight->to = to;
  flight->message = message;
  g_queue_insert_sorted (&self->flights, flight, compare_flights, NULL);
}

static WorldCall *
find_call (World *self, const char *call_id)
{
  for (guint i = 0; i < self->n_calls; i++)
    if (g_strcmp0 (self->calls[i].id, call_id) == 0)
      return &self->calls[i];
  return NULL;
}

static gboolean
is_trusted (const WorldCall *call)
{
  return call->is_answered && call->mode == WZP_ACCEPT_TRUSTED;
}

static void
check_client_privacy (
    World *self, guint to, const WorldCall *call, const WzpMessage *message)
{
  for (guint i = 0; i < WORLD_CLIENTS; i++) {
    if (!test_peer_is_exposed (self->peers[i], message))
      continue;
    check (self, call != NULL && i != to);
    check (self,
        (call->who[0] == i && call->who[1] == to) ||
            (call->who[1] == i && call->who[0] == to));
    check (self, is_trusted (call));
    check (self, message->type != WZP_MESSAGE_DIRECT_CALL_OFFER);
  }
}

static void
check_link_privacy (World *self, guint from, const WzpMessage *inner)
{
  const WorldCall *call = find_call (self, inner->call_id);

  for (guint i = 0; i < WORLD_CLIENTS; i++) {
    if (!test_peer_is_exposed (self->peers[i], inner))
      continue;
    check (self, call != NULL);
    /* An evil relay that was asked may have accepted for the callee, as
     * trusted: it has had the caller's addresses with the offer already. */
    if (call->who[WZP_CALL_CALLER] == i)
      check (self,
          self->config.is_evil ||
              !(call->is_answered && call->mode == WZP_ACCEPT_GENERIC &&
                  wzp_registry_get_call_state (self->relays[from], call->id) ==
                      WZP_CALL_ACTIVE));
    else
      check (self, call->who[WZP_CALL_CALLEE] == i && is_trusted (call));
  }
}

static void
take_setup (
    World *self, WorldCall *call, WzpCallSide side, const WzpMessage *setup)
{
  const WorldClient *other = &self->clients[call->who[1 - side]];

  check (self, setup->relay_addr != NULL);
  self->n_setups++;
  self->n_far_setups += other->relay != self->clients[call->who[side]].relay;
  if (self->config.is_evil)
    return;
  check (self, !call->had_setup[side]);
  check (self, side == WZP_CALL_CALLEE || call->had_answer);
  call->had_setup[side] = TRUE;
  check (self, call->is_answered);
  check (self,
      test_peer_is_exposed (self->peers[call->who[1 - side]], setup) ==
          is_trusted (call));
}

static void
take_call_message (
    World *self, guint who, WorldCall *call, const WzpMessage *message)
{
  WzpCallSide side =
      call->who[WZP_CALL_CALLER] == who ? WZP_CALL_CALLER : WZP_CALL_CALLEE;

  check (self, call->who[side] == who);
  if (message->type == WZP_MESSAGE_DIRECT_CALL_OFFER) {
    check (self, side == WZP_CALL_CALLEE);
    check (self,
        wzp_fingerprint_equal (
            &message->caller_fp, self->peers[call->who[WZP_CALL_CALLER]]->fp));
  }
  if (message->type == WZP_MESSAGE_CALL_SETUP)
    take_setup (self, call, side, message);
  if (message->type == WZP_MESSAGE_HANGUP)
    self->n_hangups++;
  if (self->config.is_evil) {
    call->knows[side] = WORLD_UNCERTAIN;
    return;
  }

  if (message->type == WZP_MESSAGE_DIRECT_CALL_OFFER) {
    /* Again where it has moved to: a forward was still under way there. */
    check (self,
        call->knows[side] == WORLD_NEVER_HEARD ||
            call->knows[side] == WORLD_UNCERTAIN);
    call->knows[side] = WORLD_KNOWN;
  }
  check (self,
      call->knows[side] == WORLD_KNOWN || call->knows[side] == WORLD_UNCERTAIN);
  if (message->type == WZP_MESSAGE_DIRECT_CALL_ANSWER) {
    check (self, side == WZP_CALL_CALLER && !call->had_answer);
    call->had_answer = TRUE;
  }
  if (message->type == WZP_MESSAGE_HANGUP && call->knows[side] == WORLD_KNOWN)
    call->knows[side] = WORLD_ENDED;
}

static void
take_output (World *self, guint relay, const WzpRegistryOutput *output)
{
  WorldConn *conn = output->owner;
  WorldCall *call;

  check (self, conn->relay == relay && conn->client != NULL);
  if (output->message == NULL) {
    wzp_registry_remove (self->relays[relay], conn->client, self->now_us);
    conn->client = NULL;
    return;
  }
  check (self, self->clients[conn->who].conn == conn);
  call = find_call (self, output->message->call_id);
  check_client_privacy (self, conn->who, call, output->message);
  if (call != NULL)
    take_call_message (self, conn->who, call, output->message);
  else if (output->message->type == WZP_MESSAGE_DIRECT_CALL_OFFER)
    /* Only the evil one makes up calls: its own. */
    check (self,
        self->config.is_evil &&
            wzp_fingerprint_equal (
                &output->message->caller_fp, self->peers[EVIL]->fp));
}

static void
pump (World *self, guint relay)
{
  WzpRegistryOutput output;
  guint n = 0;

  while (wzp_registry_pop (self->relays[relay], &output)) {
    self->n_messages++;
    n++;
    if (output.is_link) {
      WorldEnd *end = output.owner;

      check (self, end->at == relay && end->link != NULL);
      check_link_privacy (self, relay, output.message->inner);
      fly (self, relay, end->to, output.message);
      continue;
    }
    take_output (self, relay, &output);
    wzp_message_free (output.message);
  }
  check (self, n <= WORLD_MAX_OUTPUTS);
}

/* Takes @message. */
static void
send_message (World *self, guint who, WzpMessage *message)
{
  WorldConn *conn = self->clients[who].conn;
  WzpAddr observed, local;

  check (self, wzp_addr_parse (self->peers[who]->reflexive, &observed, NULL));
  check (self, wzp_addr_parse ("192.0.2.1:4433", &local, NULL));
  wzp_registry_message (self->relays[conn->relay], conn->client, message,
      &observed, &local, self->now_us);
  wzp_message_free (message);
  pump (self, conn->relay);
}

static void
connect_client (World *self, guint who, guint relay)
{
  WorldConn *conn = g_new0 (WorldConn, 1);

  conn->relay = relay;
  conn->who = who;
  conn->client = wzp_registry_add (self->relays[relay],
      wzp_identity_get_public_key (self->peers[who]->identity), conn, NULL);
  check (self, conn->client != NULL);
  g_ptr_array_add (self->conns, conn);
  self->clients[who].conn = conn;
  self->clients[who].relay = relay;
  send_message (self, who, test_peer_register (self->peers[who], NULL));
}

/* It does not count on its calls any more. */
static void
forget_calls (World *self, guint who, WorldKnows knows)
{
  for (guint i = 0; i < self->n_calls; i++)
    for (guint side = 0; side < 2; side++) {
      WorldCall *call = &self->calls[i];

      if (call->who[side] == who && call->knows[side] == WORLD_KNOWN)
        call->knows[side] = call->is_in_room[side] ? WORLD_UNCERTAIN : knows;
    }
}

static void
return_client (World *self, guint who)
{
  WorldClient *client = &self->clients[who];
  guint n = self->config.n_relays - (self->config.is_evil ? 1 : 0);
  guint relay =
      world_pick (self, 5) == 0 ? world_pick (self, n) : client->relay;

  if (relay != client->relay)
    forget_calls (self, who, WORLD_UNCERTAIN);
  else if (self->now_us - client->left_us >= WZP_REGISTRY_GRACE_US)
    forget_calls (self, who, WORLD_ENDED);
  connect_client (self, who, relay);
}

static void
leave_client (World *self, guint who)
{
  WorldConn *conn = self->clients[who].conn;

  wzp_registry_remove (self->relays[conn->relay], conn->client, self->now_us);
  conn->client = NULL;
  self->clients[who].conn = NULL;
  self->clients[who].left_us = self->now_us;
  pump (self, conn->relay);
}

static void
end_up (World *self, guint at, guint to)
{
  WorldEnd *end = &self->ends[at][to];
  g_autofree char *fp = g_strdup_printf ("r%u", to);

  if (is_evil (self, at) || end->link != NULL)
    return;
  end->link =
      wzp_registry_add_link (self->relays[at], fp, end, self->now_us, NULL);
  check (self, end->link != NULL);
  pump (self, at);
}

static void
end_down (World *self, guint at, guint to)
{
  WorldEnd *end = &self->ends[at][to];

  if (end->link == NULL)
    return;
  wzp_registry_remove_link (self->relays[at], end->link, self->now_us);
  end->link = NULL;
  pump (self, at);
}

static gboolean
is_link_up (const World *self, guint a, guint b)
{
  return (is_evil (self, a) || self->ends[a][b].link != NULL) &&
      (is_evil (self, b) || self->ends[b][a].link != NULL);
}

/* What is under way is lost; the other end notices later. */
static void
break_link (World *self, guint a, guint b)
{
  GList *next;

  for (GList *l = self->flights.head; l != NULL; l = next) {
    Flight *flight = l->data;

    next = l->next;
    if ((flight->from == a && flight->to == b) ||
        (flight->from == b && flight->to == a)) {
      free_flight (flight);
      g_queue_delete_link (&self->flights, l);
    }
  }
  end_down (self, a, b);
  self->other_end_us[b][a] = self->now_us + 1 + world_pick (self, 2 * SECOND);
}

static void
toggle_link (World *self)
{
  guint a = world_pick (self, self->config.n_relays);
  guint b = (a + 1 + world_pick (self, self->config.n_relays - 1)) %
      self->config.n_relays;

  if (is_link_up (self, a, b)) {
    if (world_pick (self, 4) == 0)
      break_link (self, a, b);
  } else if (self->other_end_us[a][b] == 0 && self->other_end_us[b][a] == 0) {
    end_up (self, a, b);
    end_up (self, b, a);
  }
}

/* The evil one's word for anything. @heard: nullable: what it was just told. */
static void
be_evil (World *self, guint to, const WzpMessage *heard)
{
  static const WzpMessageType types[] = { WZP_MESSAGE_CALL_RINGING,
    WZP_MESSAGE_DIRECT_CALL_ANSWER, WZP_MESSAGE_CANDIDATE_UPDATE,
    WZP_MESSAGE_MEDIA_PATH_REPORT, WZP_MESSAGE_HANGUP,
    WZP_MESSAGE_DIRECT_CALL_OFFER, WZP_MESSAGE_REFLECT,
    WZP_MESSAGE_CALL_SETUP };
  WzpMessageType type = types[world_pick (self, G_N_ELEMENTS (types))];
  const TestPeer *me = self->peers[EVIL];
  const TestPeer *victim = self->peers[world_pick (self, WORLD_CLIENTS)];
  const char *id = heard != NULL && heard->call_id != NULL ? heard->call_id
      : self->n_calls > 0 && world_pick (self, 4) != 0
      ? self->calls[world_pick (self, self->n_calls)].id
      : "evil";
  WzpMessage *inner, *forward;

  if (type == WZP_MESSAGE_DIRECT_CALL_ANSWER) {
    inner = test_peer_answer (
        me, victim->fp, id, (WzpAcceptMode) world_pick (self, 3));
    inner->has_identity_pub = world_pick (self, 2) == 0;
  } else if (type == WZP_MESSAGE_DIRECT_CALL_OFFER) {
    inner = test_peer_offer (me, victim->fp, id);
    if (world_pick (self, 2) == 0) { /* in another's name */
      const TestPeer *other = self->peers[world_pick (self, WORLD_CLIENTS)];

      inner->caller_fp = *other->fp;
      memcpy (inner->identity_pub,
          wzp_identity_get_public_key (other->identity), WZP_PUBLIC_KEY_LEN);
    } else if (find_call (self, id) != NULL) {
      inner->target_fp = *me->fp; /* its own calls have an id of their own */
    }
  } else if (type == WZP_MESSAGE_CANDIDATE_UPDATE) {
    inner = test_peer_update (me, id, world_pick (self, 9));
  } else if (type == WZP_MESSAGE_HANGUP) {
    inner = test_hangup (world_pick (self, 8) == 0 ? NULL : id,
        (WzpHangupReason) world_pick (self, 5));
  } else {
    inner = test_message (type, id);
  }
  forward = wzp_message_new (WZP_MESSAGE_FEDERATED_SIGNAL_FORWARD);
  forward->inner = inner;
  forward->origin_relay_fp = g_strdup_printf (
      "r%u", world_pick (self, 8) == 0 ? to : self->config.n_relays - 1);
  fly (self, self->config.n_relays - 1, to, forward);
}

/* Takes @flight. */
static void
land (World *self, Flight *flight)
{
  WorldEnd *end = &self->ends[flight->to][flight->from];

  if (is_evil (self, flight->to)) {
    if (world_pick (self, 3) != 0)
      be_evil (self, flight->from, flight->message->inner);
  } else if (end->link != NULL) {
    wzp_registry_link_message (
        self->relays[flight->to], end->link, flight->message, self->now_us);
    pump (self, flight->to);
  }
  free_flight (flight);
}

/* When something is due first: one of the registries, a flight, the end of a
 * link that is to notice. */
static gint64
get_deadline (World *self)
{
  gint64 first_us = G_MAXINT64;
  const Flight *flight = g_queue_peek_head (&self->flights);

  if (flight != NULL)
    first_us = flight->at_us;
  for (guint i = 0; i < self->config.n_relays; i++) {
    gint64 at_us =
        is_evil (self, i) ? -1 : wzp_registry_get_deadline (self->relays[i]);

    if (at_us >= 0)
      first_us = MIN (first_us, at_us);
    for (guint j = 0; j < self->config.n_relays; j++)
      if (self->other_end_us[i][j] != 0)
        first_us = MIN (first_us, self->other_end_us[i][j]);
  }
  return first_us;
}

static void
do_due (World *self)
{
  Flight *flight = g_queue_peek_head (&self->flights);

  for (guint i = 0; i < self->config.n_relays; i++) {
    for (guint j = 0; j < self->config.n_relays; j++)
      if (self->other_end_us[i][j] != 0 &&
          self->other_end_us[i][j] <= self->now_us) {
        self->other_end_us[i][j] = 0;
        end_down (self, i, j);
      }
    if (!is_evil (self, i)) {
      gint64 next_us = wzp_registry_advance (self->relays[i], self->now_us);

      check (self, next_us < 0 || next_us > self->now_us);
      pump (self, i);
    }
  }
  if (flight != NULL && flight->at_us <= self->now_us &&
      flight == g_queue_peek_head (&self->flights))
    land (self, g_queue_pop_head (&self->flights));
}

void
world_run_until (World *self, gint64 until_us)
{
  gint64 next_us;

  while ((next_us = get_deadline (self)) <= until_us) {
    self->now_us = MAX (self->now_us, next_us);
    do_due (self);
  }
  self->now_us = until_us;
}

static void
place_call (World *self, guint who)
{
  WorldCall *call;
  guint callee = world_pick (self, WORLD_CLIENTS);

  if (self->n_calls == WORLD_MAX_CALLS || callee == who)
    return;
  call = &self->calls[self->n_calls];
  g_snprintf (call->id, sizeof call->id, "c%u", self->n_calls++);
  call->who[WZP_CALL_CALLER] = who;
  call->who[WZP_CALL_CALLEE] = callee;
  call->knows[WZP_CALL_CALLER] = WORLD_KNOWN;
  send_message (self, who,
      test_peer_offer (self->peers[who], self->peers[callee]->fp, call->id));
}

static void
answer (World *self, guint who, WorldCall *call)
{
  WzpAcceptMode mode = (WzpAcceptMode) world_pick (self, 3);
  WzpCallState state = wzp_registry_get_call_state (
      self->relays[self->clients[who].relay], call->id);
  gboolean is_callee = call->who[WZP_CALL_CALLEE] == who;

  if (is_callee && call->knows[WZP_CALL_CALLEE] != WORLD_NEVER_HEARD &&
      (state == WZP_CALL_PENDING || state == WZP_CALL_RINGING)) {
    call->is_answered = TRUE;
    call->mode = mode;
    if (mode == WZP_ACCEPT_REJECT &&
        call->knows[WZP_CALL_CALLEE] == WORLD_KNOWN)
      call->knows[WZP_CALL_CALLEE] = WORLD_ENDED;
  }
  send_message (self, who,
      test_peer_answer (self->peers[who],
          self->peers[call->who[WZP_CALL_CALLER]]->fp, call->id, mode));
}

static void
hang_up (World *self, guint who, WorldCall *call)
{
  send_message (self, who, test_hangup (call->id, WZP_HANGUP_NORMAL));
  for (guint side = 0; side < 2; side++)
    if (call->who[side] == who && call->knows[side] == WORLD_KNOWN)
      call->knows[side] = WORLD_ENDED;
}

static void
hang_up_all (World *self, guint who)
{
  send_message (self, who, test_hangup (NULL, WZP_HANGUP_NORMAL));
  forget_calls (self, who, WORLD_ENDED);
}

static void
set_in_room (World *self, guint who, WorldCall *call, gboolean is_in_room)
{
  guint relay = self->clients[who].relay;

  for (guint side = 0; side < 2; side++)
    if (call->who[side] == who)
      call->is_in_room[side] = is_in_room;
  wzp_registry_set_in_room (
      self->relays[relay], call->id, self->peers[who]->fp, is_in_room);
  pump (self, relay);
}

/* Of any call, the own or not, in order or not: what a client may try. */
static void
say_something (World *self, guint who, WorldCall *call)
{
  switch (world_pick (self, 9)) {
    case 0:
    case 1:
      send_message (
          self, who, test_message (WZP_MESSAGE_CALL_RINGING, call->id));
      break;
    case 2:
    case 3:
      answer (self, who, call);
      break;
    case 4:
    case 5:
      send_message (self, who,
          test_peer_update (self->peers[who], call->id, world_pick (self, 9)));
      break;
    case 6:
      send_message (
          self, who, test_message (WZP_MESSAGE_MEDIA_PATH_REPORT, call->id));
      break;
    case 7:
      if (self->config.has_rooms)
        set_in_room (self, who, call, world_pick (self, 2) == 0);
      break;
    default:
      hang_up (self, who, call);
      break;
  }
}

static void
act (World *self, guint who)
{
  WorldCall *call;

  if (self->clients[who].conn == NULL) {
    if (world_pick (self, 3) == 0)
      return_client (self, who);
    return;
  }
  if (self->config.clients_leave && world_pick (self, 16) == 0) {
    leave_client (self, who);
    return;
  }
  if (self->config.clients_leave && world_pick (self, 24) == 0) {
    connect_client (self, who, self->clients[who].relay);
    return;
  }
  if (self->n_calls == 0 || world_pick (self, 6) == 0) {
    place_call (self, who);
    return;
  }
  if (world_pick (self, 40) == 0) {
    hang_up_all (self, who);
    return;
  }
  /* Mostly a late one, and of its own. */
  call = &self->calls[world_pick (self, 8) == 0
          ? world_pick (self, self->n_calls)
          : self->n_calls - 1 - world_pick (self, MIN (self->n_calls, 6))];
  if (call->who[0] != who && call->who[1] != who && world_pick (self, 8) != 0)
    who = call->who[world_pick (self, 2)];
  if (self->clients[who].conn != NULL)
    say_something (self, who, call);
}

static void
check_stats (World *self, guint relay)
{
  WzpRegistryStats stats;
  guint up = 0;

  for (guint i = 0; i < self->config.n_relays; i++)
    up += self->ends[relay][i].link != NULL;
  wzp_registry_get_stats (self->relays[relay], &stats);
  check (self, stats.links == up);
  check (self, stats.registered <= stats.clients);
  check (self, stats.clients <= WORLD_CLIENTS);
  check (self, stats.active_calls <= stats.calls);
  check (self, stats.calls <= stats.calls_total);
  check (self, stats.refused <= stats.messages);
  check (self, stats.loops == 0 || self->config.is_evil);
}

void
world_step (World *self)
{
  world_run_until (self,
      self->now_us +
          world_pick (
              self, world_pick (self, 8) == 0 ? 5 * SECOND : SECOND / 4));
  if (self->config.links_break && world_pick (self, 10) == 0)
    toggle_link (self);
  if (self->config.is_evil && world_pick (self, 3) == 0)
    be_evil (self, world_pick (self, self->config.n_relays - 1), NULL);
  act (self, world_pick (self, WORLD_CLIENTS));
  for (guint i = 0; i < self->config.n_relays; i++)
    if (!is_evil (self, i))
      check_stats (self, i);
}

World *
world_new (const WorldConfig *config, TestPeer *const *peers)
{
  const WzpRegistryLimits limits = { .max_ringing = 3 };
  World *self = g_new0 (World, 1);

  self->config = *config;
  self->rand = g_rand_new_with_seed (config->seed);
  self->peers = peers;
  self->now_us = SECOND;
  self->conns = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < config->n_relays; i++) {
    g_autofree char *fp = g_strdup_printf ("r%u", i);

    if (!config->is_evil || i < config->n_relays - 1)
      self->relays[i] = wzp_registry_new (&limits, fp);
  }
  for (guint i = 0; i < config->n_relays; i++)
    for (guint j = 0; j < config->n_relays; j++) {
      self->ends[i][j].at = i;
      self->ends[i][j].to = j;
      if (i != j)
        end_up (self, i, j);
    }
  for (guint i = 0; i < WORLD_CLIENTS; i++)
    connect_client (
        self, i, i % (config->n_relays - (config->is_evil ? 1 : 0)));
  return self;
}

void
world_free (World *self)
{
  g_queue_clear_full (&self->flights, free_flight);
  for (guint i = 0; i < self->config.n_relays; i++)
    wzp_registry_free (self->relays[i]);
  g_ptr_array_unref (self->conns);
  g_rand_free (self->rand);
  g_free (self);
}

/* Whose end one party knows, the other knows too, or soon will. */
static void
check_ends (World *self)
{
  for (guint i = 0; i < self->n_calls; i++)
    for (guint side = 0; side < 2; side++) {
      const WorldCall *call = &self->calls[i];

      if (call->knows[side] == WORLD_ENDED)
        check (self,
            call->knows[1 - side] != WORLD_KNOWN ||
                self->clients[call->who[1 - side]].conn == NULL);
    }
}

static void
check_empty (World *self)
{
  for (guint i = 0; i < self->config.n_relays; i++) {
    WzpRegistryStats stats;

    if (is_evil (self, i))
      continue;
    wzp_registry_get_stats (self->relays[i], &stats);
    check (self, stats.clients == 0 && stats.registered == 0);
    check (self, stats.calls == 0 && stats.active_calls == 0);
    check (self, stats.in_grace == 0 && stats.links == 0);
    check (self, stats.messages > 0);
    check (self, wzp_registry_get_deadline (self->relays[i]) == -1);
  }
}

void
world_settle (World *self)
{
  for (guint i = 0; i < self->config.n_relays; i++)
    for (guint j = 0; j < self->config.n_relays; j++)
      self->other_end_us[i][j] =
          self->other_end_us[i][j] != 0 ? self->now_us : 0;
  world_run_until (self, self->now_us + 1);
  for (guint i = 0; i < self->config.n_relays; i++)
    for (guint j = 0; j < self->config.n_relays; j++)
      if (i != j)
        end_up (self, i, j);
  world_run_until (self, self->now_us + 2 * WZP_REGISTRY_CALL_TIMEOUT_US);
  /* Words that are lost with a link, or while there is only the room, may
   * leave one party with a call that is over. */
  if (!self->config.is_evil && !self->config.links_break &&
      !self->config.has_rooms)
    check_ends (self);

  for (guint who = 0; who < WORLD_CLIENTS; who++) {
    for (guint i = 0; i < self->n_calls; i++)
      for (guint relay = 0; relay < self->config.n_relays; relay++)
        if (!is_evil (self, relay)) {
          wzp_registry_set_in_room (self->relays[relay], self->calls[i].id,
              self->peers[who]->fp, FALSE);
          pump (self, relay);
        }
    if (self->clients[who].conn != NULL) {
      hang_up_all (self, who);
      leave_client (self, who);
    }
  }
  world_run_until (self, self->now_us + 2 * WZP_REGISTRY_CALL_TIMEOUT_US);
  for (guint i = 0; i < self->config.n_relays; i++)
    for (guint j = 0; j < self->config.n_relays; j++)
      end_down (self, i, j);
  world_run_until (self, self->now_us + 2 * WZP_REGISTRY_GRACE_US);
  check_empty (self);
}
