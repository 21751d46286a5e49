/* wzp-nominate-private: what the files of a nomination share. */
#pragma once

#include "wzp-nominate.h"
#include "wzp-path-health.h"
#include "wzp-path-score.h"

G_BEGIN_DECLS

#define WZP_NOMINATE_N_PATHS (WZP_PATH_DIRECT + 1)

typedef struct {
  WzpPath path;
  guint64 seq;
} WzpNominateAnswer;

struct _WzpNominate {
  WzpRole role;
  gint64 now_us;
  WzpPathHealth paths[WZP_NOMINATE_N_PATHS]; /* [WZP_PATH_NONE]: never up */
  guint64 next_seq;
  gboolean expects_relay; /* the peer is there, we were told */

  /* How good what works is. */
  WzpPathQuality quality[WZP_NOMINATE_N_PATHS]; /* but the round trip */
  gboolean is_rated[WZP_NOMINATE_N_PATHS];      /* since it is up */
  gint64 better_us; /* Dialer on direct: since when the relay is; -1: it is not */
  gint64 gain_us;   /* by how much it was when it was nominated for it; 0: not */

  /* The nomination: made by us (Dialer), followed by us (Acceptor). */
  guint64 epoch, n;
  WzpPath target; /* NONE: none yet */
  gboolean is_acked;
  gint64 nominated_us; /* when it was made or came */
  gint64 resend_us;    /* Dialer: when it is sent again */
  gint64 resend_gap_us;
  gboolean was_target_up; /* Acceptor: since it came */

  WzpPath path;        /* what we send on */
  WzpPath told_path;   /* what the last CHANGED said */
  gboolean has_begun;  /* path was not NONE once */
  WzpPath old_path;    /* duplicated on ... */
  gint64 old_until_us; /* ... until then; G_MAXINT64: until acknowledged */

  /* SUSPECT, told while there is reason to. */
  WzpPath accused;  /* NONE: no reason */
  gint64 accuse_us; /* when to tell it next, -1: not */
  gint64 accuse_gap_us;

  /* What step() is to hand out. */
  gboolean want_nominate, want_ack, want_accuse;
  WzpNominateAnswer answers[WZP_NOMINATE_MAX_ANSWERS];
  guint n_answers;
};

static inline gboolean
wzp_nominate_is_path (WzpPath path)
{
  return path == WZP_PATH_RELAY || path == WZP_PATH_DIRECT;
}

static inline WzpPath
wzp_nominate_other_path (WzpPath path)
{
  switch (path) {
    case WZP_PATH_NONE:
      return WZP_PATH_NONE;
    case WZP_PATH_RELAY:
      return WZP_PATH_DIRECT;
    case WZP_PATH_DIRECT:
      return WZP_PATH_RELAY;
  }
  g_return_val_if_reached (WZP_PATH_NONE);
}

static inline gboolean
wzp_nominate_sees_up (const WzpNominate *self, WzpPath path)
{
  return self->paths[path].is_up;
}

static inline gboolean
wzp_nominate_sees_heard (const WzpNominate *self, WzpPath path)
{
  return wzp_nominate_sees_up (self, path) &&
      (self->paths[path].heard_us >= 0 ||
          (path == WZP_PATH_RELAY && self->expects_relay));
}

static inline gboolean
wzp_nominate_sees_dead (const WzpNominate *self, WzpPath path)
{
  return wzp_path_health_is_dead (&self->paths[path], self->now_us);
}

static inline gboolean
wzp_nominate_sees_suspect (const WzpNominate *self, WzpPath path)
{
  return wzp_path_health_is_suspect (&self->paths[path], self->now_us);
}

/* wzp-nominate-choose.c */

/* Brings everything up to self->now_us. */
void wzp_nominate_evaluate (WzpNominate *self);
/* How long a switch takes to be seen by the peer and back. */
gint64 wzp_nominate_switch_rtt (const WzpNominate *self);
/* When the relay will have been better for long enough; -1: it is not better. */
gint64 wzp_nominate_better_at (const WzpNominate *self);

G_END_DECLS
