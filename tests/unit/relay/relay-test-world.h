/* relay-test-world: two or three registries joined by links that take time,
 * reorder and break, and clients that come, go, move and call each other. It
 * watches every message that leaves a registry:
 *
 *   1. an address of a client reaches a client only as the other party of the
 *      same call, after the callee has accepted as trusted; and a link only as
 *      the caller's, or the callee's after the same;
 *   2. an offer is only ever what the caller has sent to this callee;
 *   3. a client hears of a call first by its offer, in order, gets one
 *      CallSetup at most, and hears nothing of it after its end;
 *   4. what leaves is for somebody who is there;
 *   5. no input makes more messages than it has reason to.
 *
 * With is_evil the last relay is no registry but somebody who has broken into
 * it: it says what it likes of what it has heard. 3 is then not looked at: it
 * may use the id of a call that was. */
#pragma once

#include "relay-test-peer.h"
#include "wzp-registry.h"

#define WORLD_MAX_RELAYS  3u
#define WORLD_CLIENTS     6u
#define WORLD_MAX_CALLS   48u
#define WORLD_MAX_OUTPUTS 64u /* of one input */

typedef struct {
  guint32 seed;
  guint n_relays;
  gboolean is_evil;       /* the last relay */
  gboolean links_break;
  gboolean clients_leave; /* and move */
  gboolean has_rooms;
} WorldConfig;

typedef struct _World World;

/* A signalling connection: the owner of a registry's client. */
typedef struct {
  guint relay, who;
  WzpRegistryClient *client; /* NULL: it is gone */
} WorldConn;

/* What a client knows of a call. */
typedef enum {
  WORLD_NEVER_HEARD,
  WORLD_KNOWN,
  WORLD_ENDED,
  WORLD_UNCERTAIN, /* it was away too long, or moved */
} WorldKnows;

/* By side, as WzpCallSide. */
typedef struct {
  char id[16];
  guint who[2];
  gboolean is_answered;
  WzpAcceptMode mode;
  WorldKnows knows[2];
  gboolean had_answer, had_setup[2], is_in_room[2];
} WorldCall;

typedef struct {
  WorldConn *conn; /* NULL: it is away */
  guint relay;     /* where it is or was last */
  gint64 left_us;
} WorldClient;

/* One end of a link: the owner of a registry's link. */
typedef struct {
  guint at, to;
  WzpRegistryLink *link; /* NULL: it is down */
} WorldEnd;

struct _World {
  WorldConfig config;
  GRand *rand;
  gint64 now_us;
  TestPeer *const *peers; /* WORLD_CLIENTS and one more, of who is evil */
  WzpRegistry *relays[WORLD_MAX_RELAYS]; /* NULL: evil */
  WorldEnd ends[WORLD_MAX_RELAYS][WORLD_MAX_RELAYS];
  gint64 other_end_us[WORLD_MAX_RELAYS][WORLD_MAX_RELAYS]; /* notices; 0: - */
  WorldClient clients[WORLD_CLIENTS];
  GPtrArray *conns; /* of WorldConn, owned, also those that are gone */
  WorldCall calls[WORLD_MAX_CALLS];
  guint n_calls;
  GQueue flights; /* between relays, by time */
  guint64 n_messages, n_setups, n_far_setups, n_hangups;
};

World *world_new (const WorldConfig *config, TestPeer *const *peers);
void world_free (World *self);

guint world_pick (World *self, guint n);
/* Whatever is due by then happens. */
void world_run_until (World *self, gint64 until_us);
/* Something does. */
void world_step (World *self);
/* All links come up and nothing more is begun; calls that go on are asked
 * about (consistent ends), then ended; all leave: nothing may be left. */
void world_settle (World *self);
