/* wzp-relay-window: how much may be under way by the relay path.
 *
 * QUIC's congestion control ends at the relay: its acknowledgements say nothing
 * of the leg behind it, and a fast sender only fills the relay's queue. So the
 * receiver tells, every WZP_FEEDBACK_BYTES or WZP_FEEDBACK_US, the highest
 * number and the bytes that it had by this path (FEEDBACK), and the sender keeps
 * what is not heard of within a window: doubled each round trip until the first
 * sign of congestion (bytes missing, or WZP_RELAY_WINDOW_QUEUE_US more than the
 * shortest round trip), then cut to 7/10 at each sign (at most once a round
 * trip) and grown by WZP_RELAY_WINDOW_STEP a round trip (AIMD; RFC 9002,
 * section 7, with CUBIC's factor of RFC 9438, section 4.6).
 *
 * Pure; time is passed in, microseconds of any monotonic clock. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define WZP_RELAY_WINDOW_MIN     (16u * 1024u)   /* bytes */
#define WZP_RELAY_WINDOW_INITIAL (64u * 1024u)
/* Below what a relay queues for one receiver (WZP_DATAGRAM_QUEUE_BYTES). */
#define WZP_RELAY_WINDOW_MAX      (1280u * 1024u)
#define WZP_RELAY_WINDOW_STEP     (16u * 1024u)
#define WZP_RELAY_WINDOW_QUEUE_US (30 * 1000)
/* Bytes that may be missing by reordering alone. */
#define WZP_RELAY_WINDOW_SLACK (24u * 1024u)
/* Nothing heard for so long while waiting: what is under way is taken for
 * lost, and the smallest window tried. */
#define WZP_RELAY_WINDOW_TIMEOUT_US (500 * 1000)

#define WZP_FEEDBACK_BYTES (32u * 1024u)
#define WZP_FEEDBACK_US    (5 * 1000)

typedef struct _WzpRelayWindow WzpRelayWindow;

WzpRelayWindow *wzp_relay_window_new (void);
void wzp_relay_window_free (WzpRelayWindow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WzpRelayWindow, wzp_relay_window_free)

/* A datagram left by the relay path. */
void wzp_relay_window_sent (
    WzpRelayWindow *self, guint64 number, gsize bytes, gint64 now_us);
/* The peer says: @highest came, and @received bytes in all. Numbers that were
 * not sent are ignored. */
void wzp_relay_window_feedback (WzpRelayWindow *self, guint64 highest,
    guint64 received, gint64 now_us);
gboolean wzp_relay_window_may_send (WzpRelayWindow *self, gint64 now_us);
/* When may_send() turns TRUE by time alone; -1: it is, or nothing is under way. */
gint64 wzp_relay_window_get_deadline (const WzpRelayWindow *self);
/* Nothing was heard for the timeout since something was sent, or of the last
 * WZP_FEEDBACK_BYTES that were heard of less than half has come. */
gboolean wzp_relay_window_is_failing (
    const WzpRelayWindow *self, gint64 now_us);
gsize wzp_relay_window_get_size (const WzpRelayWindow *self);
gsize wzp_relay_window_get_in_flight (const WzpRelayWindow *self);
gint64 wzp_relay_window_get_rtt_us (const WzpRelayWindow *self); /* 0: none */

G_END_DECLS
