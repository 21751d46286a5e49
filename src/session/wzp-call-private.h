/* wzp-call-private: what the files of a call share. */
#pragma once

#include "wzp-call.h"
#include "wzp-clock.h"
#include "wzp-control-channel.h"
#include "wzp-link.h"
#include "wzp-nominate.h"
#include "wzp-path-score.h"
#include "wzp-plain-nominate.h"
#include "wzp-probe-times.h"
#include "wzp-puncher.h"
#include "wzp-race-runner.h"
#include "wzp-receiver.h"
#include "wzp-redial.h"
#include "wzp-relay-window.h"
#include "wzp-sender.h"
#include "wzp-timeline.h"
#include "wzp-timer.h"

#include <string.h>

G_BEGIN_DECLS

/* The kernel counts a packet's bookkeeping as buffer too; a quarter of what it
 * gave is payload for certain. */
#define WZP_CALL_WINDOW_SHARE 4u

typedef enum {
  CALL_IDLE,
  CALL_RACING,
  CALL_UP,
  CALL_ENDED,
} CallState;

typedef struct _WzpCallSeen WzpCallSeen;

/* What is lost by a path. */
typedef struct {
  WzpLossMeter sent, received; /* as the connection, and our numbers, have it */
  guint64 n_received; /* of the peer's, while there was this path alone */
  gint64 n_missed;    /* the same */
  gboolean was_suspect;
} WzpCallQuality;

struct _WzpCall {
  WzpEndpoint *endpoint;
  GMainContext *context;
  char *call_id;
  WzpFingerprint peer;
  guint8 peer_key[WZP_PUBLIC_KEY_LEN];
  WzpCallFeatures features;
  WzpRaceConfig race_config;
  guint latency_ms;
  const WzpCallHandler *handler;
  gpointer user_data;

  CallState state;
  WzpRole role;
  WzpPath path;
  gint64 path_us; /* since when */
  gint64 started_us;
  WzpTimer *timer;
  gboolean in_step;

  WzpSeal *seal_out, *seal_in;
  WzpRaceRunner *runner;   /* NULL before start */
  WzpRaceRunner *again;    /* owned: direct only, after the race; nullable */
  gboolean direct_allowed;
  WzpCandidateList candidates; /* the peer's, as it told them last */
  WzpCandidateList unproved;   /* by address: had a link and gave no proof */
  WzpConn *early;          /* owned; came before start */
  WzpPuncher *puncher;     /* NULL: before start, or no punching */
  WzpPunchKey punch_key;
  WzpFreshSocket *fresh[WZP_CALL_MAX_FRESH]; /* owned; NULL: none */
  gint64 fresh_us[WZP_CALL_MAX_FRESH]; /* since when; 0: none */
  WzpFreshSocket *tried;    /* of these, what punches leave from; nullable */
  WzpFreshSocket *again_by; /* that `again` dials from; NULL: the node's own */
  guint16 next_port;       /* of our own NAT, where it is sequential; 0: not */
  guint port_step;
  gboolean is_peer_on_relay; /* as signalling says */
  gboolean relay_heard;    /* the peer, by the relay link that there is */
  WzpProbeTimes probes;    /* of PROBEs by the relay path */
  gint64 relay_rtt_us;     /* to the peer by the relay, as measured; 0: not */
  WzpNominate *nominate;   /* NULL before start, and in a plain call */
  WzpPlainNominate *plain; /* instead of it in a plain call; else NULL */
  GBytes *media_offer;     /* owned */
  gint64 plain_key_us;     /* when key frames were last asked for; 0: never */
  WzpLink *relay, *direct; /* owned; NULL: down */
  WzpLink *retired[2];     /* owned, of relay and direct; NULL: none: another
                            * took its place, what is under way still comes */
  gint64 retired_us[2];    /* since when */
  gint64 seek_at_us;       /* when to dial again; -1: not */
  gint64 direct_up_us;     /* since when there is this one */
  gint64 direct_lost_us;   /* its own address went then; 0: no, or it has been
                            * heard since */
  WzpConn *redial;         /* owned; the relay again, under way */
  gint64 redial_at_us;     /* -1: not wanted */
  WzpRedial redial_rule;

  WzpControlChannel *control;
  GQueue pending_control; /* of GBytes, owned: no room in the channel yet */
  WzpSender *sender;
  WzpReceiver *receiver;
  guint peer_window; /* bytes; 0: not told */

  WzpCallQuality quality[WZP_PATH_DIRECT + 1];
  guint64 rx_counted, rx_missed; /* of the peer's datagrams, at the last look */

  /* The relay path, over all links of the call: what we send by it, and what
   * we tell of what came by it. */
  WzpRelayWindow *relay_window;
  gboolean is_relay_failing; /* as it said last */
  guint64 relay_highest, relay_bytes; /* received: number, bytes */
  gsize relay_unreported;             /* bytes since the last FEEDBACK */
  gint64 feedback_at_us;              /* -1: none is due */

  WzpPath rx_path;      /* by which media last came */
  gint64 hold_until_us; /* after a change of path; 0: not holding */
  gint64 next_tick_us;
  gint64 last_heard_us; /* any authentic datagram of the peer */
  gint64 last_media_us; /* sent */
  guint64 bad_control;

  gint64 connect_us, first_media_us, direct_us; /* since start; -1: not yet */

  WzpCallSeen *seen; /* owned; NULL: no timeline is kept */
  char *why;         /* owned; of the last change of path, nullable */
  char *down_reasons[WZP_PATH_DIRECT + 1]; /* owned, nullable: why the last
                                            * connection of a path is gone */

  /* once ENDED */
  gboolean told_ended;
  GError *error;
  gboolean has_info;
  WzpCloseInfo info; /* reason and error are not kept */
  WzpPath end_path;
  WzpPathStats last_paths[2];
  guint n_last_paths;
};

/* wzp-call.c */

/* Enters ENDED. What is open is closed and ended() called from the timer, so
 * that callers up the stack find everything still there. Takes @error. */
void wzp_call_end (
    WzpCall *self, GError *error, const WzpCloseInfo *info, WzpPath path);
/* Everything that follows from what has come in, in one go; at once, or at the
 * next turn of the main loop. */
void wzp_call_step (WzpCall *self);
void wzp_call_step_soon (WzpCall *self);

/* What we send on changed: says so to everybody. Takes @why. */
void wzp_call_change_path (WzpCall *self, WzpPath old_path, WzpPath new_path,
    char *why, gint64 now_us);

/* wzp-call-timeline.c: what is noted; each does nothing where no timeline is
 * kept, but to remember why a path went */

WzpCallSeen *wzp_call_seen_new (const WzpCallConfig *config); /* nullable */
void wzp_call_seen_free (WzpCallSeen *self);
/* With the time that it is now, where it has none. */
void wzp_call_note (WzpCall *self, const WzpTimelineEvent *event);
void wzp_call_note_start (WzpCall *self);
void wzp_call_note_candidates (
    WzpCall *self, const WzpCandidateList *candidates);
/* What is new of the dials. */
void wzp_call_note_dials (WzpCall *self);
/* `again` is about to go. */
void wzp_call_note_again_over (WzpCall *self);
void wzp_call_note_punch_sent (WzpCall *self, const WzpPuncherAction *action);
void wzp_call_note_punch_heard (
    WzpCall *self, const WzpPunch *punch, const WzpAddr *from);
/* NOMINATE, its answer, SUSPECT, GO; others are passed over. */
void wzp_call_note_control (
    WzpCall *self, const WzpControl *control, gboolean is_sent);
void wzp_call_note_up (WzpCall *self, WzpPath path, const WzpConn *conn);
void wzp_call_note_down (WzpCall *self, WzpPath path, const char *reason);
void wzp_call_note_health (WzpCall *self, gint64 now_us);
void wzp_call_note_rtts (WzpCall *self, gint64 now_us);
void wzp_call_note_media_heard (WzpCall *self, WzpPath path, gint64 now_us);
void wzp_call_note_media_sent (WzpCall *self);
void wzp_call_note_end (WzpCall *self, const char *text);
/* Once. A failure is a warning. */
void wzp_call_write_timeline (WzpCall *self);
/* In words (transfer full). */
char *wzp_call_describe_loss (const WzpCall *self, WzpPath path);
char *wzp_call_describe_change (
    const WzpCall *self, const WzpNominateAction *action);

/* wzp-call-punch.c */
void wzp_call_begin_punching (
    WzpCall *self, const WzpCandidateList *candidates, gint64 now_us);
gboolean wzp_call_holds_dial (WzpRaceRunner *runner,
    const WzpCandidate *candidate, gpointer user_data);
/* The round trip to the peer by the relay path is that of a PROBE there. */
void wzp_call_note_probe (
    WzpCall *self, const WzpControl *probe, gint64 now_us);
void wzp_call_note_probe_ack (
    WzpCall *self, const WzpControl *ack, gint64 now_us);
/* Something authentic of the peer's came by the relay path. */
void wzp_call_note_relay_heard (WzpCall *self);
void wzp_call_take_go (WzpCall *self, const WzpControl *go, gint64 now_us);
void wzp_call_take_ports (
    WzpCall *self, const WzpControl *ports, gint64 now_us);
void wzp_call_run_punching (WzpCall *self, gint64 now_us);

/* wzp-call-fresh.c */
/* For ACTION_FRESH. */
void wzp_call_open_fresh (WzpCall *self, gint64 now_us);
/* Where what is to leave from there leaves from. */
WzpEndpoint *wzp_call_get_socket (const WzpCall *self, WzpFreshSocket *fresh);
/* Closes those that are of no use any more. Not from a callback of an
 * endpoint. */
void wzp_call_expire_fresh (WzpCall *self, gint64 now_us);
/* All of them, when there are no links any more. */
void wzp_call_close_fresh (WzpCall *self);
gboolean wzp_call_take_packet_by (WzpCall *self, const WzpUdpPacket *packet,
    WzpFreshSocket *fresh);

/* wzp-call-plain.c: what a plain call does otherwise */
void wzp_call_run_plain (WzpCall *self, gint64 now_us);
/* From time to time: key frames, a direct path that has died. */
void wzp_call_tick_plain (WzpCall *self, gint64 now_us);

/* wzp-call-control.c: the control channel and probes */
void wzp_call_send_control (WzpCall *self, const WzpControl *control);
void wzp_call_send_hello (WzpCall *self, guint window);
/* A PROBE or PROBE_ACK: on one link only, in a datagram of its own. */
void wzp_call_send_probe (
    WzpCall *self, WzpLink *link, const WzpControl *probe);
/* FEEDBACK of what has come by the relay path, if it is due. */
void wzp_call_send_feedback (WzpCall *self, gint64 now_us);
void wzp_call_probe_mtu (WzpCall *self, gint64 now_us);
void wzp_call_receive_control (WzpCall *self, WzpLink *link,
    const guint8 *text, gsize len, gint64 now_us);
/* Handles the messages that are in order. */
void wzp_call_pop_control (WzpCall *self, gint64 now_us);
/* Writes what is due on every live link. */
void wzp_call_write_control (WzpCall *self, gint64 now_us);

/* wzp-call-links.c */
WzpLink *wzp_call_link_of (const WzpCall *self, WzpPath path);
/* Where to send a second copy of media; NONE: nowhere. */
WzpPath wzp_call_get_duplicate (const WzpCall *self);
/* While the direct path is suspect, or was left: what was sent by it and not
 * acknowledged goes by the relay path too. */
void wzp_call_repeat_unacked (WzpCall *self, gint64 now_us);
/* The link of @path is gone: frees it. */
void wzp_call_drop_link (WzpCall *self, WzpPath path, gint64 now_us);
/* Takes @conn. A newer connection takes the place of an older one. */
void wzp_call_attach_link (WzpCall *self, WzpPath path, WzpConn *conn);
void wzp_call_close_links (WzpCall *self);
/* Closes what was replaced long enough ago. */
void wzp_call_expire_retired (WzpCall *self, gint64 now_us);
/* Dials the lost relay again if it is time to. */
void wzp_call_redial_relay (WzpCall *self, gint64 now_us);
/* At once, beside a link that may still be there. */
void wzp_call_redial_now (WzpCall *self, gint64 now_us);

/* wzp-call-network.c */
/* For wzp_nominate_sample(). */
gint64 wzp_call_get_unacked_us (
    WzpCall *self, WzpPath path, const WzpConnInfo *info, gint64 now_us);
/* The Dialer dials the peer's candidates again, if a direct path is wanted. */
void wzp_call_seek_direct (WzpCall *self);
/* The Dialer dials the other candidates where the proof of the direct link is
 * overdue, or it is dead: a path may take a handshake and swallow the rest. */
void wzp_call_seek_proved (WzpCall *self, gint64 now_us);
/* The way to @candidate is open: dialled in the race or, when that is over,
 * after it. @fresh: nullable: from there, after the race. */
void wzp_call_dial_punched (
    WzpCall *self, const WzpCandidate *candidate, WzpFreshSocket *fresh);
/* A connection came in when the race was over. TRUE: taken, in place of the
 * direct link. */
gboolean wzp_call_take_again (WzpCall *self, WzpConn *conn);

/* wzp-call-quality.c; not in a plain call */
/* Another connection. */
void wzp_call_forget_quality (WzpCall *self, WzpPath path);
/* Share of datagrams lost lately, 0 to 1. */
double wzp_call_get_loss (const WzpCall *self, WzpPath path);
/* Rates the path of @link, in a tick. */
void wzp_call_rate_link (WzpCall *self, const WzpLink *link,
    const WzpConnInfo *info, gint64 now_us);

/* wzp-call-stats.c */
guint wzp_call_collect_paths (const WzpCall *self, WzpPathStats ret[2]);

G_END_DECLS
