/* wzp-load-calls: calls between the clients of a fleet: set up through the
 * relay, and where that is wanted both parties enter the call's room. */
#pragma once

#include "wzp-load-fleet.h"

G_BEGIN_DECLS

typedef struct _LoadCalls LoadCalls;
typedef struct _LoadCall LoadCall;

/* One party of a call. */
typedef struct {
  LoadCall *call;
  LoadClient *client;
  gboolean has_setup;
  WzpConn *conn;       /* owned; into the room */
  gboolean is_joined;
  guint64 n_sent, n_received; /* datagrams; for the user */
} LoadParty;

struct _LoadCall {
  LoadCalls *calls;
  char id[24];
  LoadParty parties[2]; /* the caller first */
  gint64 offered_us, ready_us;
};

/* Each but ready() may be NULL. ready() and datagram() may end the call. */
typedef struct {
  /* Both have their CallSetup, and are in the room if that is wanted. */
  void (*ready) (LoadCall *call, gpointer user_data);
  void (*datagram) (LoadParty *party, const guint8 *data, gsize len,
      gpointer user_data);
  /* It was refused or lost, and is gone after this. */
  void (*failed) (LoadCall *call, gpointer user_data);
} LoadCallsHandler;

/* @handler static. */
LoadCalls *load_calls_new (gboolean want_rooms,
    const LoadCallsHandler *handler, gpointer user_data);
/* Ends what is left. */
void load_calls_free (LoadCalls *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadCalls, load_calls_free)
/* From the fleet's handler. */
void load_calls_message (
    LoadCalls *self, LoadClient *client, const WzpMessage *message);

/* Owned by @self. */
LoadCall *load_calls_start (
    LoadCalls *self, LoadClient *caller, LoadClient *callee);
/* Leaves the room, hangs up, forgets it. */
void load_call_end (LoadCall *call);
guint load_calls_get_count (const LoadCalls *self);

G_END_DECLS
