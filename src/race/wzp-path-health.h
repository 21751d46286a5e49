/* wzp-path-health: what one side of a call knows of one of its paths: up or
 * not, heard, proved, suspect, dead; when to probe it next; and how long it is
 * held down after it died. For wzp-nominate. Pure.
 *
 * Two things are looked at. Samples of the path's QUIC connection (the age of
 * the oldest unacknowledged datagram) see all of a direct path, but only the
 * own half of a relay path. PROBEs, answered by the peer, see all of both. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_PATH_FRESH_US        ((gint64) G_USEC_PER_SEC)
#define WZP_PATH_SUSPECT_MIN_US  ((gint64) 150 * 1000)
#define WZP_PATH_SUSPECT_MAX_US  ((gint64) G_USEC_PER_SEC)
#define WZP_PATH_DEAD_MIN_US     ((gint64) G_USEC_PER_SEC)
#define WZP_PATH_DEAD_MAX_US     ((gint64) 5 * G_USEC_PER_SEC)
#define WZP_PATH_DEAD_PROBES     5u /* unanswered ones, at least */
#define WZP_PATH_BACK_PROBES     10u
#define WZP_PATH_BACK_US         ((gint64) 2 * G_USEC_PER_SEC)
#define WZP_PATH_HOLD_MIN_US     ((gint64) 2 * G_USEC_PER_SEC)
#define WZP_PATH_HOLD_MAX_US     ((gint64) 60 * G_USEC_PER_SEC)
#define WZP_PATH_QUIET_US        ((gint64) 500 * 1000)
#define WZP_PATH_RTT_DEFAULT_US  ((gint64) 100 * 1000)
#define WZP_PATH_MAX_OUTSTANDING 16u /* probes whose answer is known again */

/* How often a path is probed. */
typedef enum {
  WZP_PACE_NONE,
  WZP_PACE_PROVE,   /* at 0, 20, 50, 100, 200 ms, then every 500 ms; padded */
  WZP_PACE_CURRENT, /* every second while nothing was heard for 500 ms */
  WZP_PACE_URGENT,  /* every 200 ms: it is in doubt, or what it stands by for */
  WZP_PACE_BACK,    /* after its death: every second, every 200 ms once it
                     * answers; padded */
  WZP_PACE_HOLD,    /* every second; padded */
  WZP_PACE_STANDBY, /* every 5 s, every second while unanswered; padded */
} WzpPace;

typedef struct {
  guint64 seq;
  gint64 sent_us;
  gboolean padded;
} WzpPathProbe;

typedef struct {
  gboolean is_up, is_direct;
  gint64 up_us;
  gint64 heard_us;       /* -1: not since it is up; as the next two */
  gint64 proved_us;      /* when the last padded probe was answered */
  gboolean is_big_heard; /* a full-size datagram of the peer's came by it */

  WzpPace pace;
  WzpPathProbe sent[WZP_PATH_MAX_OUTSTANDING]; /* oldest first */
  guint n_sent;
  gint64 probe_us;            /* when the last was sent, -1: none */
  gint64 schedule_us;         /* start of the PROVE schedule */
  guint n_schedule;           /* probes of it sent */
  gint64 probe_rtt_us;        /* smoothed, end to end; 0: unknown */
  guint n_unanswered;         /* sent after the last answered one */
  gint64 unanswered_since_us; /* the first of them, -1: none */

  gint64 srtt_us, pto_us; /* of the connection; 0: unknown */
  gboolean has_sample, is_sample_suspect, is_sample_dead;
  gint64 unacked_us; /* as the last sample had it */
  gint64 accused_us; /* the peer told SUSPECT, -1: no or answered since */

  gboolean needs_back; /* died: must answer WZP_PATH_BACK_PROBES again */
  guint n_back;
  gint64 back_us, back_last_us; /* first and last of these answers */
  gint64 hold_us;               /* the last hold-down; 0: never died */
  gint64 held_until_us;
} WzpPathHealth;

void wzp_path_health_init (WzpPathHealth *self);
/* On a path that is up: another connection took its place. @is_direct: heard
 * from the start, and judged by its samples alone once there are some. */
void wzp_path_health_up (
    WzpPathHealth *self, gboolean is_direct, gint64 now_us);
void wzp_path_health_down (WzpPathHealth *self);
/* @is_big: in a datagram of full size. */
void wzp_path_health_heard (
    WzpPathHealth *self, gboolean is_big, gint64 now_us);
void wzp_path_health_sample (WzpPathHealth *self, gint64 srtt_us,
    gint64 pto_us, gint64 unacked_us);
void wzp_path_health_accuse (WzpPathHealth *self, gint64 now_us);
/* It was in use since @since_us and died, or went down. */
void wzp_path_health_died (
    WzpPathHealth *self, gint64 since_us, gint64 now_us);

/* Entering PROVE after a hold-down starts its schedule. */
void wzp_path_health_set_pace (
    WzpPathHealth *self, WzpPace pace, gint64 now_us);
gint64 wzp_path_health_next_probe (const WzpPathHealth *self); /* -1: never */
/* Notes that a probe is sent now; returns whether it must be padded. */
gboolean wzp_path_health_probe (
    WzpPathHealth *self, guint64 seq, gint64 now_us);
/* FALSE: not the answer to a probe of this path, or a repeated one. */
gboolean wzp_path_health_answer (
    WzpPathHealth *self, guint64 seq, gint64 now_us);

gboolean wzp_path_health_is_proved (const WzpPathHealth *self, gint64 now_us);
/* It was, once since it is up. */
gboolean wzp_path_health_was_proved (const WzpPathHealth *self);
/* Up for less than its patience, and not proved yet. */
gboolean wzp_path_health_is_on_trial (
    const WzpPathHealth *self, gint64 now_us);
/* After what time without an acknowledgement or answer it is suspect. */
gint64 wzp_path_health_patience (const WzpPathHealth *self);
/* By what we see ourselves; suspect: or by what the peer told. */
gboolean wzp_path_health_is_doubted (const WzpPathHealth *self, gint64 now_us);
gboolean wzp_path_health_is_suspect (const WzpPathHealth *self, gint64 now_us);
gboolean wzp_path_health_is_dead (const WzpPathHealth *self, gint64 now_us);
gboolean wzp_path_health_is_held (const WzpPathHealth *self, gint64 now_us);
/* Whether an answer came lately and none is missing. */
gboolean wzp_path_health_is_answering (
    const WzpPathHealth *self, gint64 now_us);
gint64 wzp_path_health_rtt (const WzpPathHealth *self);
/* It is of the whole path, as measured: by the relay that takes a probe, as the
 * connection is its own half only. */
gboolean wzp_path_health_has_rtt (const WzpPathHealth *self);
/* For how long what was sent by it has had no acknowledgement or answer; 0: for
 * none; G_MAXINT64: it cannot be sent. */
gint64 wzp_path_health_silence (const WzpPathHealth *self, gint64 now_us);
/* The next moment after @now_us at which one of the above turns without an
 * event, -1: none. */
gint64 wzp_path_health_next_turn (const WzpPathHealth *self, gint64 now_us);

G_END_DECLS
