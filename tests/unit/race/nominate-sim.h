/* nominate-sim: a Dialer and an Acceptor of a call, the paths between them and
 * a clock, all simulated; with the WzpNominate of both sides in it.
 *
 * A path has two legs each way where it is the relay's (to the relay, from it)
 * and one where it is direct; each leg has a delay with jitter, so datagrams
 * overtake each other, and may swallow everything (blackhole). Connections are
 * up or down at each side by itself. Control messages go through a reliable
 * channel like wzp-control-channel: sent on every live path, sent again until
 * acknowledged, handed out once and in order. Media goes both ways all the
 * time; it is lost to blackholes and downed connections only, so that what is
 * lost is due to the choice of path. */
#pragma once

#include "wzp-nominate.h"

#include <glib.h>

G_BEGIN_DECLS

#define SIM_DIALER   0
#define SIM_ACCEPTOR 1
#define SIM_MS       G_GINT64_CONSTANT (1000)
#define SIM_SEC      G_GINT64_CONSTANT (1000000)
#define SIM_NEVER    (G_MAXINT64 / 4)

typedef struct _Sim Sim;

typedef enum {
  SIM_LEG_OUT, /* from this side: to the relay, or to the peer */
  SIM_LEG_IN,  /* to this side from the relay; not of direct */
} SimLeg;

typedef struct {
  guint32 seed;
  gint64 delay_us[WZP_PATH_DIRECT + 1]; /* of each leg of a path */
  gint64 jitter_us;                     /* added, 0 to this */
  double loss;        /* of probes, control, acknowledgements */
  double refuse;      /* of messages, by a control channel that is full */
  gint64 media_us;    /* between two packets of a side; 0: no media */
  gint64 sample_us;
  gboolean sends[2];  /* media of this side; with media_us */
  gboolean is_narrow; /* direct swallows full-size datagrams: never good */
} SimConfig;

Sim *sim_new (const SimConfig *config);
void sim_free (Sim *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sim, sim_free)

gint64 sim_now (const Sim *self);
WzpNominate *sim_nominate (Sim *self, int side);
/* Runs until @until_us (sim time). */
void sim_run (Sim *self, gint64 until_us);
void sim_set_loss (Sim *self, double loss);
void sim_set_media (Sim *self, gint64 media_us);

/* Relay: the side's own connection. Direct: comes up at the Dialer now, and at
 * the Acceptor one delay later, there maybe in the place of one whose end it
 * has not heard of; nothing where a leg is a blackhole. */
void sim_relay_up (Sim *self, int side);
void sim_relay_down (Sim *self, int side);
void sim_direct_up (Sim *self);
/* The other side hears of it once the legs let it through. */
void sim_direct_down (Sim *self, int side);
void sim_blackhole (
    Sim *self, WzpPath path, int side, SimLeg leg, gboolean is_on);

gboolean sim_is_up (const Sim *self, int side, WzpPath path);
/* Up at both sides and every leg alive, since then; -1: it is not. */
gint64 sim_good_since (const Sim *self, WzpPath path);

typedef struct {
  guint nominations; /* of the Dialer, sent anew not counted */
  guint changes[2];
  guint probes[2][WZP_PATH_DIRECT + 1];
  guint sends[2];    /* control messages taken from the side */
  guint deaths;      /* the Dialer left direct that was nominated */
  gint64 change_us[2];   /* the last */
  guint media_sent[2], media_lost[2], duplicates[2];
  /* Longest time over which all media that this side sent was lost though one
   * path was good all along; -1: none was. */
  gint64 worst_us[2];
  /* Longest time between two arrivals at this side. */
  gint64 gap_us[2];
} SimStats;
const SimStats *sim_get_stats (const Sim *self);
/* Restarts gap_us. */
void sim_reset_gaps (Sim *self);
/* Text of what happened, for a failure. */
const char *sim_get_trace (const Sim *self);

/* Ends the test with the trace and the seed. */
void sim_fail (const Sim *self, const char *what, int line) G_GNUC_NORETURN;
#define sim_check(sim, expression)                                            \
  G_STMT_START                                                                \
  {                                                                           \
    if (!(expression))                                                        \
      sim_fail ((sim), #expression, __LINE__);                                \
  }                                                                           \
  G_STMT_END

G_END_DECLS
