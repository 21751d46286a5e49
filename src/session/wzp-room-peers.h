/* wzp-room-peers: whom one hears in an open room: for each tag the keys, the
 * numbers, the flows and the control messages of that sender. No I/O; the
 * session thread; time is passed in. */
#pragma once

#include "wzp-receiver.h"
#include "wzp-room.h"

G_BEGIN_DECLS

typedef struct _WzpRoomPeers WzpRoomPeers;

typedef struct {
  WzpRecvFlow *(*claim) (const char *name, gpointer user_data);
  void (*unclaimed) (WzpRecvFlow *flow, gpointer user_data);
  /* A message of ours for the sender @tag. */
  void (*control) (
      guint64 tag, const WzpControl *control, gpointer user_data);
  /* A sender asks for a key frame of our flow. */
  void (*key_requested) (guint32 flow, gpointer user_data);
} WzpRoomPeersHandler;

/* @own_tag: whom messages are for; what is sent under it by others is
 * dropped. @key: nullable; not owned. */
WzpRoomPeers *wzp_room_peers_new (guint64 own_tag, const WzpRoomKey *key,
    const WzpRoomPeersHandler *handler, gpointer user_data);
/* Ends every flow (ENDED). */
void wzp_room_peers_free (WzpRoomPeers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRoomPeers, wzp_room_peers_free)

/* A datagram from the room. */
void wzp_room_peers_push (
    WzpRoomPeers *self, const guint8 *data, gsize len, gint64 now_us);
/* What time alone brings about: frames, and the end of who is silent. */
void wzp_room_peers_advance (WzpRoomPeers *self, gint64 now_us);
gint64 wzp_room_peers_get_deadline (const WzpRoomPeers *self); /* -1: none */
/* A receive flow has appeared, or leaves. */
void wzp_room_peers_claim (WzpRoomPeers *self, gint64 now_us);
void wzp_room_peers_release (WzpRoomPeers *self, WzpRecvFlow *flow);
void wzp_room_peers_collect_key_requests (WzpRoomPeers *self);

guint wzp_room_peers_get_count (const WzpRoomPeers *self);
/* Sums over everybody, gone ones too. @ret_bad: neither parsed nor
 * authenticated, or of a sender too many. */
void wzp_room_peers_get_stats (const WzpRoomPeers *self,
    WzpReceiverStats *ret_stats, guint64 *ret_bad);

G_END_DECLS
