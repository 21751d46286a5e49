#include "wzp-race-runner.h"

#include "wzp-clock.h"
#include "wzp-sni.h"

/* The race gives up before the handshake does. */
#define HANDSHAKE_EXTRA_MS 1000u

typedef struct {
  WzpRaceRunner *runner;
  int index;     /* of the candidate; -1: the relay, or accepted */
  WzpConn *conn; /* owned; NULL: not begun, held, over, or handed over */
  gboolean is_held;
  guint n_begun;   /* with those of `seconds` */
  gint64 begun_us; /* the last of them */
} Dial;

struct _WzpRaceRunner {
  WzpEndpoint *endpoint;      /* borrowed */
  WzpRaceRunnerConfig config; /* without what it pointed at */
  const WzpRaceRunnerHandler *handler;
  gpointer user_data;
  char *server_name; /* owned */
  guint8 peer_key[WZP_PUBLIC_KEY_LEN];

  WzpRace *race;   /* owned */
  GSource *source; /* owned; due at the race's deadline */
  Dial dials[WZP_RACE_MAX_DIALS];
  Dial seconds[WZP_RACE_MAX_DIALS]; /* the same candidates, dialled again */
  Dial relay;
  Dial accepted;
  gboolean is_running; /* inside run() */
  gboolean has_changed;
  gboolean *ret_freed; /* inside run(): set when a callback frees us */
};

static gboolean
dispatch_deadline (GSource *source, GSourceFunc func, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return func (user_data);
}

static GSourceFuncs deadline_funcs = {
  .dispatch = dispatch_deadline,
};

/* Decides in the main loop's next turn, when all events of this one are in. */
static void
run_soon (WzpRaceRunner *self)
{
  self->has_changed = TRUE;
  g_source_set_ready_time (self->source, 0);
}

static WzpConn *
steal_conn (Dial *dial)
{
  WzpConn *conn = g_steal_pointer (&dial->conn);

  wzp_conn_set_handler (conn, NULL, NULL);
  return conn;
}

static void
abort_dial (Dial *dial, const char *reason)
{
  g_autoptr (WzpConn) conn = NULL;

  if (dial->conn == NULL)
    return;
  conn = steal_conn (dial);
  wzp_conn_close (conn, WZP_CLOSE_ABORTED, reason);
}

static void
hand_over (WzpRaceRunner *self, Dial *dial,
    void (*callback) (WzpRaceRunner *, WzpConn *, gpointer))
{
  WzpConn *conn = steal_conn (dial);

  if (callback != NULL)
    callback (self, conn, self->user_data);
  else
    wzp_conn_unref (conn);
}

static void
win (WzpRaceRunner *self, WzpPath path, Dial *dial)
{
  WzpConn *conn = steal_conn (dial);

  if (self->handler->won != NULL)
    self->handler->won (self, path, conn, self->user_data);
  else
    wzp_conn_unref (conn);
}

static Dial *
get_dial (WzpRaceRunner *self, const WzpRaceAction *action)
{
  if (action->path == WZP_PATH_RELAY)
    return &self->relay;
  return action->index >= 0 ? &self->dials[action->index] : &self->accepted;
}

static void run (WzpRaceRunner *self);

static Dial *
other_of (Dial *dial)
{
  WzpRaceRunner *self = dial->runner;

  if (dial->index < 0)
    return NULL;
  return dial == &self->dials[dial->index] ? &self->seconds[dial->index]
                                           : &self->dials[dial->index];
}

static const WzpConnHandler conn_handler;

static void
move_dial (Dial *from, Dial *to)
{
  abort_dial (to, "Dialled anew");
  to->conn = g_steal_pointer (&from->conn);
  wzp_conn_set_handler (to->conn, &conn_handler, to);
}

static void
on_established (WzpConn *conn, gpointer user_data)
{
  Dial *dial = user_data;
  WzpRaceRunner *self = dial->runner;

  if (dial->index >= 0 && dial == &self->seconds[dial->index]) {
    move_dial (dial, &self->dials[dial->index]);
    dial = &self->dials[dial->index];
  } else if (dial->index >= 0) {
    abort_dial (other_of (dial), "The other dial was faster");
  }

  if (dial == &self->relay) {
    wzp_race_relay_up (self->race, wzp_clock_now_us ());
    run_soon (self);
    return;
  }
  /* At once, so that no other dial finishes its handshake in the same turn:
   * the Acceptor might take that one, and refuse the one that we took. No tie
   * is lost by it, direct wins them all. */
  wzp_race_dial_up (self->race, dial->index, wzp_clock_now_us ());
  self->has_changed = TRUE;
  run (self);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  Dial *dial = user_data;
  WzpRaceRunner *self = dial->runner;
  const char *reason =
      info->error != NULL ? info->error->message : info->reason;

  if (dial == &self->relay)
    wzp_race_relay_failed (self->race, reason, wzp_clock_now_us ());
  else if (other_of (dial) == NULL || other_of (dial)->conn == NULL)
    wzp_race_dial_failed (self->race, dial->index, reason, wzp_clock_now_us ());
  run_soon (self);
  wzp_conn_unref (steal_conn (dial));
}

static const WzpConnHandler conn_handler = {
  .established = on_established,
  .closed = on_closed,
};

static void
note_begun (Dial *dial)
{
  dial->n_begun++;
  dial->begun_us = wzp_clock_now_us ();
}

static void
dial_relay (WzpRaceRunner *self)
{
  g_autoptr (GError) error = NULL;

  note_begun (&self->relay);
  self->relay.conn = self->config.dial_relay (
      self, &conn_handler, &self->relay, self->user_data, &error);
  if (self->relay.conn == NULL)
    wzp_race_relay_failed (
        self->race, error != NULL ? error->message : NULL, wzp_clock_now_us ());
}

static void
begin_dial (WzpRaceRunner *self, Dial *dial)
{
  const int index = dial->index;
  const WzpCandidate *candidate =
      wzp_race_get_candidate (self->race, (guint) index);
  const WzpDialOptions options = {
    .server_name = self->server_name,
    .expect_key = self->peer_key,
    .timeout_ms = (guint) (CLAMP (self->config.race.direct_timeout_us, 0,
                               WZP_RACE_MAX_TIMEOUT_US) /
                      1000) +
        HANDSHAKE_EXTRA_MS,
  };
  g_autoptr (GError) error = NULL;

  note_begun (&self->dials[index]);
  dial->conn = wzp_endpoint_dial (
      self->endpoint, &candidate->addr, &options, &conn_handler, dial, &error);
  if (dial->conn == NULL && other_of (dial)->conn == NULL)
    wzp_race_dial_failed (
        self->race, index, error->message, wzp_clock_now_us ());
}

static void
dial_candidate (WzpRaceRunner *self, int index)
{
  Dial *dial = &self->dials[index];

  dial->is_held = self->config.holds != NULL &&
      self->config.holds (self,
          wzp_race_get_candidate (self->race, (guint) index), self->user_data);
  if (!dial->is_held)
    begin_dial (self, dial);
}

static void
perform (WzpRaceRunner *self, const WzpRaceAction *action)
{
  const WzpRaceRunnerHandler *handler = self->handler;

  switch (action->type) {
    case WZP_RACE_ACTION_DIAL_RELAY:
      dial_relay (self);
      break;
    case WZP_RACE_ACTION_DIAL:
      dial_candidate (self, action->index);
      break;
    case WZP_RACE_ACTION_LISTEN:
    case WZP_RACE_ACTION_STOP_LISTEN:
      /* The node listens all the time; WzpRace answers for this call. */
      break;
    case WZP_RACE_ACTION_ABORT_DIAL:
      abort_dial (get_dial (self, action), "This dial lost the race");
      abort_dial (
          other_of (get_dial (self, action)), "This dial lost the race");
      break;
    case WZP_RACE_ACTION_ABORT_RELAY:
      abort_dial (&self->relay, "The relay lost the race");
      break;
    case WZP_RACE_ACTION_WON:
      win (self, action->path, get_dial (self, action));
      break;
    case WZP_RACE_ACTION_DIRECT_LATE:
      hand_over (self, get_dial (self, action), handler->direct_late);
      break;
    case WZP_RACE_ACTION_DIRECT_GAVE_UP:
      if (handler->direct_gave_up != NULL)
        handler->direct_gave_up (self, self->user_data);
      break;
    case WZP_RACE_ACTION_FAILED:
      if (handler->failed != NULL)
        handler->failed (
            self, wzp_race_get_error (self->race), self->user_data);
      break;
  }
}

/* The relay came up, but another path had won. */
static gboolean
is_standby_up (WzpRaceRunner *self)
{
  return self->relay.conn != NULL &&
      wzp_race_get_winner (self->race) == WZP_PATH_DIRECT &&
      wzp_race_get_relay_dial (self->race, NULL, NULL) == WZP_DIAL_UP;
}

/* One thing to do; FALSE: nothing is left. May free @self. */
static gboolean
run_one (WzpRaceRunner *self)
{
  WzpRaceAction action;

  if (wzp_race_step (self->race, wzp_clock_now_us (), &action)) {
    self->has_changed = TRUE;
    perform (self, &action);
    return TRUE;
  }
  if (is_standby_up (self)) {
    hand_over (self, &self->relay, self->handler->relay_up);
    return TRUE;
  }
  if (self->has_changed) {
    self->has_changed = FALSE;
    if (self->handler->dial_changed != NULL)
      self->handler->dial_changed (self, self->user_data);
    return TRUE;
  }
  return FALSE;
}

/* Does all there is to do. May free @self. */
static void
run (WzpRaceRunner *self)
{
  gboolean freed = FALSE;

  if (self->is_running)
    return;
  self->is_running = TRUE;
  self->ret_freed = &freed;
  while (run_one (self))
    if (freed)
      return;
  self->is_running = FALSE;
  self->ret_freed = NULL;
  g_source_set_ready_time (self->source, wzp_race_get_deadline (self->race));
}

static gboolean
on_deadline (gpointer user_data)
{
  run (user_data);
  return G_SOURCE_CONTINUE;
}

WzpRaceRunner *
wzp_race_runner_new (WzpEndpoint *endpoint, const WzpRaceRunnerConfig *config,
    const WzpRaceRunnerHandler *handler, gpointer user_data)
{
  WzpRaceRunner *self;

  g_return_val_if_fail (endpoint != NULL && config != NULL, NULL);
  g_return_val_if_fail (handler != NULL, NULL);
  g_return_val_if_fail (
      config->call_id != NULL && config->peer_key != NULL, NULL);
  g_return_val_if_fail (
      config->dial_relay != NULL || !config->race.relay_allowed, NULL);

  self = g_new0 (WzpRaceRunner, 1);
  self->endpoint = endpoint;
  self->config = *config;
  self->config.call_id = NULL;
  self->config.peer_key = NULL;
  self->config.context = NULL;
  self->handler = handler;
  self->user_data = user_data;
  self->server_name = wzp_sni_for_direct (config->call_id);
  memcpy (self->peer_key, config->peer_key, sizeof self->peer_key);
  self->race = wzp_race_new (&config->race);

  for (guint i = 0; i < WZP_RACE_MAX_DIALS; i++)
    self->dials[i] = self->seconds[i] =
        (Dial){ .runner = self, .index = (int) i };
  self->relay = (Dial){ .runner = self, .index = -1 };
  self->accepted = (Dial){ .runner = self, .index = -1 };

  self->source = g_source_new (&deadline_funcs, sizeof (GSource));
  g_source_set_callback (self->source, on_deadline, self, NULL);
  g_source_set_static_name (self->source, "wzp-race-runner");
  g_source_attach (self->source,
      config->context != NULL ? config->context
                              : g_main_context_get_thread_default ());
  return self;
}

void
wzp_race_runner_free (WzpRaceRunner *self)
{
  if (self == NULL)
    return;
  if (self->ret_freed != NULL)
    *self->ret_freed = TRUE;
  g_source_destroy (self->source);
  g_source_unref (self->source);
  for (guint i = 0; i < WZP_RACE_MAX_DIALS; i++) {
    abort_dial (&self->dials[i], "The call is over");
    abort_dial (&self->seconds[i], "The call is over");
  }
  abort_dial (&self->relay, "The call is over");
  abort_dial (&self->accepted, "The call is over");
  wzp_race_free (self->race);
  g_free (self->server_name);
  g_free (self);
}

void
wzp_race_runner_start (WzpRaceRunner *self, const WzpCandidateList *candidates)
{
  g_return_if_fail (self != NULL);

  wzp_race_start (self->race, candidates, wzp_clock_now_us ());
  run_soon (self);
}

gboolean
wzp_race_runner_add_candidate (
    WzpRaceRunner *self, const WzpCandidate *candidate)
{
  g_return_val_if_fail (self != NULL && candidate != NULL, FALSE);

  if (wzp_race_add_candidate (self->race, candidate, wzp_clock_now_us ()) < 0)
    return FALSE;
  run_soon (self);
  return TRUE;
}

static int
find_dial (const WzpRaceRunner *self, const WzpAddr *addr)
{
  const guint n = wzp_race_get_n_dials (self->race);

  for (guint i = 0; i < n; i++)
    if (wzp_addr_equal (&wzp_race_get_candidate (self->race, i)->addr, addr))
      return (int) i;
  return -1;
}

static gboolean
has_received (const WzpConn *conn)
{
  WzpConnInfo info;

  wzp_conn_get_info (conn, &info);
  return info.last_received_us > 0;
}

/* Once more, beside the last attempt, for its answer may be under way; in the
 * place of the one before that. */
static void
dial_beside (WzpRaceRunner *self, Dial *dial)
{
  Dial *second = other_of (dial);

  if ((dial->conn != NULL && has_received (dial->conn)) ||
      (second->conn != NULL && has_received (second->conn)))
    return;
  if (second->conn != NULL)
    move_dial (second, dial);
  begin_dial (self, second);
}

gboolean
wzp_race_runner_dial (WzpRaceRunner *self, const WzpCandidate *candidate)
{
  int index;
  Dial *dial;

  g_return_val_if_fail (self != NULL && candidate != NULL, FALSE);

  index = find_dial (self, &candidate->addr);
  if (index < 0)
    return wzp_race_runner_add_candidate (self, candidate);
  if (wzp_race_get_dial (self->race, (guint) index, NULL, NULL) !=
      WZP_DIAL_PENDING)
    return FALSE;
  dial = &self->dials[index];
  if (dial->is_held) {
    dial->is_held = FALSE;
    begin_dial (self, dial);
    run_soon (self);
    return TRUE;
  }
  /* Not begun yet: its action is still to be performed. */
  if (dial->conn == NULL && other_of (dial)->conn == NULL)
    return TRUE;
  dial_beside (self, dial);
  return TRUE;
}

gboolean
wzp_race_runner_is_listening (const WzpRaceRunner *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->config.race.role == WZP_ROLE_ACCEPTOR &&
      wzp_race_get_direct (self->race, NULL, NULL) == WZP_DIAL_PENDING &&
      self->accepted.conn == NULL;
}

gboolean
wzp_race_runner_offer_conn (WzpRaceRunner *self, WzpConn *conn)
{
  g_return_val_if_fail (self != NULL && conn != NULL, FALSE);

  if (wzp_conn_is_closed (conn) ||
      !wzp_race_accept (self->race, wzp_clock_now_us ()))
    return FALSE;
  self->accepted.conn = wzp_conn_ref (conn);
  self->has_changed = TRUE;
  run (self);
  return TRUE;
}

const WzpRace *
wzp_race_runner_get_race (const WzpRaceRunner *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->race;
}

guint
wzp_race_runner_get_begun (const WzpRaceRunner *self, int index, gint64 *ret_us)
{
  const Dial *dial;

  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (index >= -1 && index < (int) WZP_RACE_MAX_DIALS, 0);

  dial = index < 0 ? &self->relay : &self->dials[index];
  if (ret_us != NULL)
    *ret_us = dial->begun_us;
  return dial->n_begun;
}
