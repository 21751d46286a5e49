#include "wzp-load-calls.h"

struct _LoadCalls {
  gboolean want_rooms;
  const LoadCallsHandler *handler;
  gpointer user_data;
  GHashTable *calls; /* id to LoadCall, owned */
  guint n_started;
};

static void
leave_room (LoadParty *party)
{
  if (party->conn == NULL)
    return;
  wzp_conn_set_handler (party->conn, NULL, NULL);
  wzp_conn_close (party->conn, WZP_CLOSE_NORMAL, NULL);
  g_clear_pointer (&party->conn, wzp_conn_unref);
}

static void
free_call (gpointer data)
{
  LoadCall *call = data;

  for (guint i = 0; i < G_N_ELEMENTS (call->parties); i++)
    leave_room (&call->parties[i]);
  g_free (call);
}

LoadCalls *
load_calls_new (
    gboolean want_rooms, const LoadCallsHandler *handler, gpointer user_data)
{
  LoadCalls *self = g_new0 (LoadCalls, 1);

  self->want_rooms = want_rooms;
  self->handler = handler;
  self->user_data = user_data;
  self->calls =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_call);
  return self;
}

void
load_calls_free (LoadCalls *self)
{
  g_hash_table_unref (self->calls);
  g_free (self);
}

static void
fail (LoadCall *call)
{
  LoadCalls *self = call->calls;

  g_hash_table_steal (self->calls, call->id);
  if (self->handler->failed != NULL)
    self->handler->failed (call, self->user_data);
  free_call (call);
}

static void
check_ready (LoadCall *call)
{
  LoadCalls *self = call->calls;

  for (guint i = 0; i < G_N_ELEMENTS (call->parties); i++)
    if (!(self->want_rooms ? call->parties[i].is_joined
                           : call->parties[i].has_setup))
      return;
  call->ready_us = g_get_monotonic_time ();
  self->handler->ready (call, self->user_data);
}

/* ---- the room ---- */

static void
on_established (WzpConn *conn, gpointer user_data)
{
  LoadParty *party = user_data;

  wzp_conn_set_hold_acks (conn, TRUE); /* as a node does */
  party->is_joined = TRUE;
  check_ready (party->call);
}

static void
on_datagram (WzpConn *conn, const guint8 *data, gsize len, gpointer user_data)
{
  LoadParty *party = user_data;
  LoadCalls *self = party->call->calls;

  if (self->handler->datagram != NULL)
    self->handler->datagram (party, data, len, self->user_data);
}

static void
on_closed (WzpConn *conn, const WzpCloseInfo *info, gpointer user_data)
{
  LoadParty *party = user_data;

  g_debug ("%s: %s", party->call->id, info->error->message);
  fail (party->call);
}

static const WzpConnHandler room_handler = {
  .established = on_established,
  .datagram = on_datagram,
  .closed = on_closed,
};

/* Of a room one finds out that it was refused after the handshake: what is
 * sent before is lost. */
static void
enter_room (LoadParty *party)
{
  g_autofree char *name = wzp_sni_for_call_room (party->call->id);

  party->conn = load_client_dial (party->client, name, &room_handler, party);
  if (party->conn == NULL)
    fail (party->call);
}

/* ---- signalling ---- */

static void
on_setup (LoadParty *party)
{
  if (party->has_setup)
    return;
  party->has_setup = TRUE;
  if (party->call->calls->want_rooms)
    enter_room (party);
  else
    check_ready (party->call);
}

static void
on_offer (LoadParty *party)
{
  LoadCall *call = party->call;
  WzpMessage *ringing = wzp_message_new (WZP_MESSAGE_CALL_RINGING);

  ringing->call_id = g_strdup (call->id);
  load_client_send (party->client, ringing);
  load_client_send_call (party->client, WZP_MESSAGE_DIRECT_CALL_ANSWER,
      call->id, load_client_get_fingerprint (call->parties[0].client));
}

void
load_calls_message (
    LoadCalls *self, LoadClient *client, const WzpMessage *message)
{
  LoadCall *call = message->call_id != NULL
      ? g_hash_table_lookup (self->calls, message->call_id)
      : NULL;
  LoadParty *party;

  /* Also what is still said of a call that was ended here. */
  if (call == NULL)
    return;
  party = &call->parties[client == call->parties[1].client];
  if (message->type == WZP_MESSAGE_DIRECT_CALL_OFFER)
    on_offer (party);
  else if (message->type == WZP_MESSAGE_CALL_SETUP)
    on_setup (party);
  else if (message->type == WZP_MESSAGE_HANGUP)
    fail (call);
}

LoadCall *
load_calls_start (LoadCalls *self, LoadClient *caller, LoadClient *callee)
{
  LoadCall *call = g_new0 (LoadCall, 1);

  call->calls = self;
  g_snprintf (call->id, sizeof call->id, "load%u", self->n_started++);
  call->parties[0] = (LoadParty){ .call = call, .client = caller };
  call->parties[1] = (LoadParty){ .call = call, .client = callee };
  g_hash_table_insert (self->calls, call->id, call);
  call->offered_us = g_get_monotonic_time ();
  load_client_send_call (caller, WZP_MESSAGE_DIRECT_CALL_OFFER, call->id,
      load_client_get_fingerprint (callee));
  return call;
}

void
load_call_end (LoadCall *call)
{
  WzpMessage *hangup = wzp_message_new (WZP_MESSAGE_HANGUP);

  hangup->reason = WZP_HANGUP_NORMAL;
  hangup->call_id = g_strdup (call->id);
  load_client_send (call->parties[0].client, hangup);
  g_hash_table_remove (call->calls->calls, call->id);
}

guint
load_calls_get_count (const LoadCalls *self)
{
  return g_hash_table_size (self->calls);
}
