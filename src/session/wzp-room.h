/* wzp-room: an open room on a relay, in which many may send and many listen:
 * one connection, through which the relay passes on what each member says to
 * all others. The room's counterpart of wzp-call; the session thread.
 *
 *   IDLE -> DIALLING -> JOINED -> ENDED
 *              |                   ^
 *              +-------------------+
 *
 *   IDLE     -> DIALLING [wzp_room_start]
 *   DIALLING -> JOINED   the relay's certificate is trusted
 *   any      -> ENDED    not trusted, refused, lost
 *
 * Nothing is acknowledged in a room, so whoever sends says what its flows are
 * each time that somebody joins, and every WZP_ROOM_DESCRIBE_US. Whoever
 * listens keeps apart up to WZP_ROOM_MAX_PEERS who send, by their tags; flows
 * are claimed by name as in a call. With a passphrase all of it is sealed, and
 * what cannot be opened is dropped before it has any effect. */
#pragma once

#include "wzp-control.h"
#include "wzp-endpoint.h"
#include "wzp-node.h"
#include "wzp-relay-dial.h"
#include "wzp-room-key.h"
#include "wzp-send-flow-private.h"

G_BEGIN_DECLS

#define WZP_ROOM_MAX_PEERS     8u /* who send, at once; more are not heard */
#define WZP_ROOM_DESCRIBE_US   (2 * G_USEC_PER_SEC)
/* Descriptions come every two seconds: nothing of a peer for so long, and its
 * flows have ended. */
#define WZP_ROOM_SILENCE_US    (7 * G_USEC_PER_SEC)
/* Key frames for those who join or ask, at most one of a flow in this time. */
#define WZP_ROOM_KEY_US        (500 * 1000)
/* An end of stream is said so often, and so far apart, before it counts as
 * told. */
#define WZP_ROOM_EOS_REPEATS   3u
#define WZP_ROOM_EOS_REPEAT_US (40 * 1000)
/* The legs to the others may have a smaller MTU than ours. Bytes. */
#define WZP_ROOM_MAX_DATAGRAM  1120u

typedef struct _WzpRoom WzpRoom;

typedef struct {
  WzpEndpoint *endpoint; /* not owned */
  GMainContext *context;
  WzpIdentity *identity;
  const WzpRelayRule *rule; /* copied */
  const char *name;         /* valid by wzp_room_name_is_valid() */
  const char *alias, *token; /* nullable */
  const WzpRoomKey *key;    /* nullable; not owned */
  guint timeout_ms;
} WzpRoomConfig;

typedef struct {
  /* "name-lookup", "connect". */
  void (*progress) (WzpRoom *room, const char *step, gpointer user_data);
  void (*joined) (WzpRoom *room, gpointer user_data);
  /* Over, for good; the last callback, never from inside a function of this
   * header. May free the room. */
  void (*ended) (WzpRoom *room, const GError *error, const WzpCloseInfo *info,
      gpointer user_data);
  WzpRecvFlow *(*claim) (WzpRoom *room, const char *name, gpointer user_data);
  void (*unclaimed) (WzpRoom *room, WzpRecvFlow *flow, gpointer user_data);
} WzpRoomHandler;

WzpRoom *wzp_room_new (const WzpRoomConfig *config,
    const WzpRoomHandler *handler, gpointer user_data);
/* Says goodbye and leaves; no callback but unclaimed(). */
void wzp_room_free (WzpRoom *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRoom, wzp_room_free)

void wzp_room_start (WzpRoom *self);
gboolean wzp_room_is_joined (const WzpRoom *self);

void wzp_room_add_send_flow (WzpRoom *self, WzpSendFlow *flow);
void wzp_room_remove_send_flow (WzpRoom *self, WzpSendFlow *flow);
void wzp_room_recv_flow_added (WzpRoom *self);
void wzp_room_recv_flow_removed (WzpRoom *self, WzpRecvFlow *flow);
/* Another thread has queued something: frames, key requests. */
void wzp_room_woken (WzpRoom *self);

/* As of a call that has the relay's path only; `peer` is empty. */
void wzp_room_get_stats (const WzpRoom *self, WzpCallStats *ret_stats);
guint wzp_room_get_members (const WzpRoom *self); /* with us; 0: not told */
guint wzp_room_get_peers (const WzpRoom *self);   /* heard now */

G_END_DECLS
