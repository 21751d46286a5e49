/* wzp-relay-guest-private: what the parts of the relay's media rooms share.
 *
 *   wzp-relay-guest         a media connection: messages, access, its end
 *   wzp-relay-guest-call    in a call's room: to the other party
 *   wzp-relay-guest-open    in an open room: to everybody
 *   wzp-relay-room-update   who is there, told to an open room
 *   wzp-relay-call-offer    CallOffer checked, CallAnswer made (pure)
 *
 *   accept() --> HELD ----> INSIDE --> dropped
 *                  \___________________/
 *
 *   HELD    it is in no room, and its datagrams are dropped: it still has to
 *           say who it is (CallOffer: a call's room, without a certificate), or
 *           to show a token; for WZP_GUEST_HELD_US
 *   INSIDE  `member` is set */
#pragma once

#include "wzp-channel.h"
#include "wzp-frame-gate.h"
#include "wzp-relay-private.h"
#include "wzp-timer-heap.h"
#include "wzp-viewer-gate.h"

G_BEGIN_DECLS

#define WZP_GUEST_HELD_US    (5 * G_USEC_PER_SEC)
#define WZP_GUEST_MAX_OFFERS 8u /* CallOffers answered on one connection */
/* Datagrams kept of who sent no media yet, and the size of one. */
#define WZP_GUEST_MAX_EARLY     8u
#define WZP_GUEST_MAX_EARLY_LEN 1200u /* bytes */
/* One that has sent media in this long is asked for key frames. */
#define WZP_GUEST_PUBLISHES_US (10 * G_USEC_PER_SEC)
/* So often the limit of a receiver's queue is measured anew. */
#define WZP_GUEST_LIMIT_US     (100 * 1000)

/* One timer for all guests and rooms. There as long as there are guests. */
struct _WzpRelayLobby {
  GSource *source;     /* owned */
  WzpTimerHeap timers; /* owners: by `WzpLobbyTimer` */
  guint32 n_guests;    /* that ever were: serials */
};

/* What a timer of the lobby is of. */
typedef struct {
  WzpTimer timer;
  void (*due) (gpointer owner, gint64 now_us); /* may free its owner */
  gpointer owner;
} WzpLobbyTimer;

struct _WzpRelayGuest {
  WzpRelay *relay;       /* not owned */
  WzpConn *conn;         /* owned */
  WzpChannel *channel;   /* owned */
  WzpQuotaUse *use;      /* owned by the quota */
  WzpRoomMember *member; /* owned by the rooms; NULL: HELD, or replaced */
  char *name;            /* owned: the call's id, or the open room's name */
  gboolean is_open;
  GList link;            /* of relay->guests */
  guint32 serial;
  WzpLobbyTimer held;    /* HELD: until then */

  /* who it is: by certificate (proved), or by a CallOffer */
  gboolean has_who, is_proved;
  WzpFingerprint who;
  char *alias;           /* owned, nullable: what the CallOffer says */
  char *token;           /* owned, nullable: an AuthToken not judged yet */
  guint n_offers;

  /* in an open room */
  WzpFrameFlows *flows;  /* owned; NULL: it never sent media */
  WzpFrameGate *gate;    /* owned: what it did not get */
  gsize limit;           /* for the gate, as of limit_us */
  gint64 limit_us;
  gint64 published_us;   /* when it last sent media */
  gboolean is_asked;     /* it is among the room's publishers */
  WzpViewerGate viewer;
  GQueue early;          /* of GBytes: what it said before its first media */
  guint64 told;          /* the version of the room it was told of; 0: none */
};

/* What is kept with an open room. */
typedef struct {
  WzpRelay *relay;       /* not owned */
  WzpRoom *room;         /* not owned */
  GPtrArray *publishers; /* of WzpRelayGuest, not owned: who is_asked */
  WzpViewerGate viewers;
  /* RoomUpdate */
  WzpLobbyTimer update;
  guint64 version;       /* of who is there; 0 is none */
  gint64 told_us;        /* when the last update went out */
  gint64 all_us;         /* when everybody may be told again */
} WzpRelayRoom;

/* What came of an attempt to enter. */
typedef struct {
  gboolean is_refused;   /* else HELD or INSIDE */
  gboolean is_unauthorized;
  WzpCloseCode code;
  char text[128];
} WzpGuestVerdict;

/* wzp-relay-guest */
void wzp_relay_lobby_set (
    WzpRelay *relay, WzpLobbyTimer *timer, gint64 when_us); /* -1: never */
void wzp_relay_guest_set_verdict (WzpGuestVerdict *verdict, WzpCloseCode code,
    const char *text);
/* Whether the relay's access lets it in; FALSE: @verdict says why not, or it
 * is HELD. @room: NULL: for calls. */
gboolean wzp_relay_guest_is_authorized (
    WzpRelayGuest *self, const char *room, WzpGuestVerdict *verdict);
/* Sends a copy; counts what became of it. */
gboolean wzp_relay_guest_send (
    WzpRelayGuest *self, const guint8 *data, gsize len);

/* wzp-relay-guest-call */
void wzp_relay_guest_enter_call (
    WzpRelayGuest *self, WzpGuestVerdict *verdict);
void wzp_relay_guest_leave_call (WzpRelayGuest *self);
void wzp_relay_guest_forward (
    WzpRelayGuest *self, const guint8 *data, gsize len);

/* wzp-relay-guest-open */
void wzp_relay_guest_enter_open (
    WzpRelayGuest *self, WzpGuestVerdict *verdict);
void wzp_relay_guest_leave_open (WzpRelayGuest *self);
void wzp_relay_guest_fan_out (
    WzpRelayGuest *self, const guint8 *data, gsize len, gint64 now_us);

/* wzp-relay-room-update */
void wzp_relay_room_init_update (WzpRelayRoom *self);
/* Who is there has changed. */
void wzp_relay_room_changed (WzpRelayRoom *self);

/* wzp-relay-call-offer. Pure. */
/* @proved_key: nullable: the key of the certificate. WZP_ERROR_IDENTITY. */
gboolean wzp_relay_call_offer_check (const WzpMessage *offer,
    const guint8 *proved_key, WzpFingerprint *ret_who, GError **error);
/* With a fresh ephemeral key. */
WzpMessage *wzp_relay_call_answer_new (const WzpIdentity *relay);

G_END_DECLS
