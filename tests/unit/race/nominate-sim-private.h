/* What nominate-sim.c (the two sides) and nominate-link.c (the events and the
 * paths between the sides) share. */
#pragma once

#include "nominate-sim.h"

G_BEGIN_DECLS

#define MAX_UNACKED  512u /* datagrams remembered per connection */
#define MAX_MESSAGES 512u /* control messages per direction and schedule */

typedef enum {
  EVENT_MEDIA,        /* side sends */
  EVENT_JUDGE,        /* a = number */
  EVENT_SAMPLE,       /* side */
  EVENT_MEDIA_IN,     /* side receives, path, a = number */
  EVENT_CONTROL_IN,   /* side receives, path, a = message */
  EVENT_CONTROL_ACK,  /* side's message a */
  EVENT_RESEND,       /* side's messages */
  EVENT_PROBE_IN,     /* side receives, path, a = seq, big */
  EVENT_PROBE_ACK_IN, /* side receives, path, a = seq */
  EVENT_QUIC_ACK,     /* side, path, a = when the datagram was sent */
  EVENT_DIRECT_UP,    /* side, a = generation */
  EVENT_CLOSE,        /* side hears that direct is closed, a = generation */
} EventType;

typedef struct {
  gint64 at_us;
  guint64 order;
  EventType type;
  int side;
  WzpPath path;
  guint64 a;
  gint64 good_us; /* JUDGE: since when the best path was good */
  gboolean big;
} Event;

typedef struct {
  WzpControl control;
  gboolean acked, arrived;
} Message;

typedef struct {
  gint64 sent[MAX_UNACKED]; /* when the unacknowledged were sent */
  guint n_sent;
} Connection;

typedef struct {
  WzpNominate *nominate; /* owned */
  gboolean is_up[WZP_PATH_DIRECT + 1];
  guint generation; /* of direct, counted up each time it comes up */
  Connection conns[WZP_PATH_DIRECT + 1];
  Message messages[MAX_MESSAGES]; /* sent by this side */
  guint n_messages, n_delivered;
  gboolean is_resending;
  guint64 media;    /* next number */
  GHashTable *seen; /* numbers of the peer's media that arrived */
  gint64 last_arrival_us;
  gint64 outage_us; /* when the first was sent of those lost in a row */
  WzpPath path;     /* by CHANGED */
  guint64 n;        /* highest seen from this side */
} Side;

struct _Sim {
  SimConfig config;
  GRand *rand;  /* owned */
  GArray *heap; /* of Event, owned */
  guint64 order;
  gint64 now_us;
  Side sides[2];
  gboolean blackhole[WZP_PATH_DIRECT + 1][2][2]; /* path, side, leg */
  gint64 good_us[WZP_PATH_DIRECT + 1];           /* -1: not good */
  SimStats stats;
  GString *trace; /* owned */
};

void sim_push (Sim *self, Event event);
/* The next event, the earlier pushed first; there has to be one. */
Event sim_pop (Sim *self);
gboolean sim_chance (Sim *self, double p);

/* Whether what @from sends now gets to the peer. */
gboolean sim_passes (const Sim *self, WzpPath path, int from);
/* Says anew since when each path is good, after a change of any leg or
 * connection. */
void sim_update_good (Sim *self);
/* A datagram of @side enters @path; returns whether it gets to the peer, and
 * when. */
gboolean sim_send_datagram (
    Sim *self, int side, WzpPath path, double loss, gint64 *ret_at);
/* EVENT_QUIC_ACK */
void sim_acknowledge (Sim *self, const Event *event);
/* EVENT_SAMPLE: tells the side how its connections are. */
void sim_sample (Sim *self, int side);

G_END_DECLS
