/* wzp-timeline: what happened in a call and when, as one JSON object. Pure: the
 * time is passed in. No secrets belong in it: addresses, reasons and figures
 * only. A NULL record is one that is switched off: every function takes it and
 * does nothing.
 *
 *   { "version": 1, "call": "…", "role": "dialer", "peer": "fingerprint",
 *     "nat": "…", "peer_nat": "…",
 *     "began": 1767225600000000,   wall clock, µs since 1970
 *     "monotonic": 123456789,      CLOCK_MONOTONIC at the same moment, µs
 *     "events": [ { "t": 0, "e": "race" }, … ],
 *     "left_out": { "rtt": 12, … } }
 *
 * "t" is in µs since then, ascending. What else an event has is what it was
 * given; see WzpTimelineEvent.
 *
 * The record is bounded: when WZP_TIMELINE_MAX_EVENTS are kept, the kind with
 * the most of them gives up its oldest, so that the rare ones stay. */
#pragma once

#include "wzp-addr.h"
#include "wzp-control.h" /* WzpPath */

G_BEGIN_DECLS

#define WZP_TIMELINE_VERSION    1
#define WZP_TIMELINE_MAX_EVENTS 1024u
#define WZP_TIMELINE_MAX_TEXT   160u /* bytes kept of a type or a text */
/* Of one kind, address and type so many are kept one by one; what follows is
 * put together, a second at a time. Punches only. */
#define WZP_TIMELINE_SINGLE     16u
#define WZP_TIMELINE_GROUP_US   G_USEC_PER_SEC
/* Received media that stays away for longer is a gap. */
#define WZP_TIMELINE_GAP_US     (100 * 1000)
#define WZP_TIMELINE_RTT_US     (500 * 1000) /* between samples of a path */

typedef enum {
  WZP_TIMELINE_LOCAL_CANDIDATE,  /* addr, type, text: who told it */
  WZP_TIMELINE_REMOTE_CANDIDATE, /* the same */
  WZP_TIMELINE_RACE,
  WZP_TIMELINE_PUNCH_SENT,   /* addr, type: opener, punch, answer */
  WZP_TIMELINE_PUNCH_HEARD,  /* the same */
  WZP_TIMELINE_GO_SENT,      /* n: the round; 0: asks for one */
  WZP_TIMELINE_GO_HEARD,
  WZP_TIMELINE_DIAL,         /* path; addr (NULL: the relay) */
  WZP_TIMELINE_DIALLED,      /* the same; type: up, failed, aborted; text: why;
                              * took_us */
  WZP_TIMELINE_UP,           /* path, addr: a connection is in use from now */
  WZP_TIMELINE_DOWN,         /* path, text */
  WZP_TIMELINE_PROVED,       /* path: full-size packets pass both ways */
  WZP_TIMELINE_NOMINATE_SENT, /* path, n */
  WZP_TIMELINE_NOMINATE_HEARD,
  WZP_TIMELINE_ACK_SENT,     /* n */
  WZP_TIMELINE_ACK_HEARD,
  WZP_TIMELINE_PATH,         /* path: sent on from now, old_path, text */
  WZP_TIMELINE_SUSPECT,      /* path, text */
  WZP_TIMELINE_TRUSTED,      /* path: no longer suspect */
  WZP_TIMELINE_DEAD,         /* path, text */
  WZP_TIMELINE_SUSPECT_SENT, /* path: the peer was told */
  WZP_TIMELINE_SUSPECT_HEARD,
  WZP_TIMELINE_MEDIA,        /* type: sent, heard; the first of it */
  WZP_TIMELINE_RTT,          /* path, took_us: the round trip to the peer */
  WZP_TIMELINE_GAP,          /* path: by which media came again; took_us */
  WZP_TIMELINE_NETWORK,      /* text */
  WZP_TIMELINE_END,          /* text */
  WZP_TIMELINE_N_KINDS,
} WzpTimelineKind;

const char *wzp_timeline_kind_to_string (WzpTimelineKind kind);

/* All but the kind and the time may be 0 or NULL: left out. Copied. */
typedef struct {
  WzpTimelineKind kind;
  gint64 at_us;        /* on the clock of new() */
  WzpPath path, old_path;
  const WzpAddr *addr;
  const char *type;
  const char *text;    /* for people; may be a stranger's words */
  gint64 took_us;      /* how long it was, up to at_us */
  guint64 n;
} WzpTimelineEvent;

typedef struct _WzpTimeline WzpTimeline;

/* @now_us: monotonic, @wall_us: since 1970; both now. */
WzpTimeline *wzp_timeline_new (gint64 now_us, gint64 wall_us);
void wzp_timeline_free (WzpTimeline *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpTimeline, wzp_timeline_free)

/* What stands at the top; nullable. @name: static. The last one counts. */
void wzp_timeline_set (WzpTimeline *self, const char *name, const char *value);
/* In any order of time; it is put in its place. */
void wzp_timeline_add (WzpTimeline *self, const WzpTimelineEvent *event);
/* Whether one of this kind and address is kept. */
gboolean wzp_timeline_has (
    const WzpTimeline *self, WzpTimelineKind kind, const WzpAddr *addr);
guint wzp_timeline_get_n_events (const WzpTimeline *self);
/* The JSON text (transfer full); NULL: switched off. */
char *wzp_timeline_to_json (const WzpTimeline *self);

/* "CALL-ROLE.json" with what is no letter, digit, '-' or '_' of the first
 * WZP_CALL_ID_MAX_LEN bytes of the id replaced by '_' (transfer full). */
char *wzp_timeline_file_name (const char *call_id, const char *role);

G_END_DECLS
