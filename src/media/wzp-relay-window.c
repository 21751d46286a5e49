#include "wzp-relay-window.h"

/* What was sent is remembered in steps of this, so that a window of any size
 * has its place in the ring. */
#define MARK_BYTES 4096u
#define MARKS      1024u

G_STATIC_ASSERT (MARKS *MARK_BYTES > 2 * WZP_RELAY_WINDOW_MAX);

typedef struct {
  guint64 number;
  guint64 sent; /* bytes up to and with this number */
  gint64 time_us;
} Mark;

struct _WzpRelayWindow {
  Mark marks[MARKS]; /* ring, oldest first */
  guint first, n;
  guint64 sent; /* bytes in all */
  guint64 sent_marked;
  guint64 highest_sent;
  guint64 heard; /* bytes that the feedback covers, received or lost */
  guint64 lost;  /* of these: missing at the last feedback */
  gsize window;
  gboolean is_slow_start;
  gboolean was_full;         /* may_send() said no since the last feedback */
  gint64 rtt_us, min_rtt_us; /* 0: none yet */
  guint64 recover;   /* until a later number is heard of, no other cut */
  gint64 last_us;    /* last feedback, or when waiting for one began */
  gint64 unheard_us; /* first datagram since the last feedback; 0: none */
  /* Of the block that is judged by: where it began. */
  guint64 block_heard, block_received;
  gboolean is_block_lost; /* the last whole one */
};

WzpRelayWindow *
wzp_relay_window_new (void)
{
  WzpRelayWindow *self = g_new0 (WzpRelayWindow, 1);

  self->window = WZP_RELAY_WINDOW_INITIAL;
  self->is_slow_start = TRUE;
  return self;
}

void
wzp_relay_window_free (WzpRelayWindow *self)
{
  g_free (self);
}

static Mark *
mark_at (WzpRelayWindow *self, guint i)
{
  return &self->marks[(self->first + i) % MARKS];
}

void
wzp_relay_window_sent (
    WzpRelayWindow *self, guint64 number, gsize bytes, gint64 now_us)
{
  if (self->sent == self->heard)
    self->last_us = now_us;
  if (self->unheard_us == 0)
    self->unheard_us = now_us;
  self->sent += bytes;
  self->highest_sent = MAX (self->highest_sent, number);
  if (self->n > 0 && self->sent - self->sent_marked < MARK_BYTES)
    return;
  if (self->n == MARKS) {
    self->first = (self->first + 1) % MARKS;
    self->n--;
  }
  *mark_at (self, self->n++) =
      (Mark){ .number = number, .sent = self->sent, .time_us = now_us };
  self->sent_marked = self->sent;
}

/* Drops the marks up to @highest; returns the last of them. */
static gboolean
take_marks (WzpRelayWindow *self, guint64 highest, Mark *ret_mark)
{
  gboolean found = FALSE;

  while (self->n > 0 && mark_at (self, 0)->number <= highest) {
    *ret_mark = *mark_at (self, 0);
    self->first = (self->first + 1) % MARKS;
    self->n--;
    found = TRUE;
  }
  return found;
}

/* What was under way at a cut left by the larger window: its losses and delays
 * are the same sign (RFC 9002, section 7.3.2). */
static void
cut (WzpRelayWindow *self, guint64 highest)
{
  if (highest <= self->recover)
    return;
  self->recover = self->highest_sent;
  self->is_slow_start = FALSE;
  self->window = MAX (self->window / 10 * 7, WZP_RELAY_WINDOW_MIN);
}

static void
grow (WzpRelayWindow *self, guint64 newly)
{
  gsize more = newly;

  if (!self->was_full)
    return;
  if (!self->is_slow_start)
    more = (gsize) (newly * WZP_RELAY_WINDOW_STEP / self->window) + 1;
  self->window = MIN (self->window + more, WZP_RELAY_WINDOW_MAX);
}

static void
measure (WzpRelayWindow *self, const Mark *mark, gint64 now_us)
{
  gint64 sample_us = MAX (now_us - mark->time_us, 1);

  self->rtt_us =
      self->rtt_us == 0 ? sample_us : (7 * self->rtt_us + sample_us) / 8;
  if (self->min_rtt_us == 0 || sample_us < self->min_rtt_us)
    self->min_rtt_us = sample_us;
}

static void
judge_block (WzpRelayWindow *self, guint64 heard, guint64 received)
{
  const guint64 n_heard = heard - MIN (self->block_heard, heard);

  if (n_heard < WZP_FEEDBACK_BYTES)
    return;
  self->is_block_lost =
      2 * (received - MIN (self->block_received, received)) < n_heard;
  self->block_heard = heard;
  self->block_received = received;
}

void
wzp_relay_window_feedback (
    WzpRelayWindow *self, guint64 highest, guint64 received, gint64 now_us)
{
  guint64 newly, lost;
  Mark mark;

  /* Older than another, or nothing that we sent. */
  if (highest > self->highest_sent || received > self->sent ||
      !take_marks (self, highest, &mark))
    return;
  measure (self, &mark, now_us);
  judge_block (self, mark.sent, received);
  self->unheard_us = 0;
  newly = mark.sent - MIN (self->heard, mark.sent);
  self->heard = MAX (self->heard, mark.sent);
  lost = mark.sent - MIN (received, mark.sent);
  if (lost > self->lost + WZP_RELAY_WINDOW_SLACK) {
    self->lost = lost;
    cut (self, highest);
  } else if (self->rtt_us > self->min_rtt_us + WZP_RELAY_WINDOW_QUEUE_US) {
    cut (self, highest);
  } else {
    grow (self, newly);
  }
  self->was_full = FALSE;
  self->last_us = now_us;
}

gboolean
wzp_relay_window_may_send (WzpRelayWindow *self, gint64 now_us)
{
  if (self->sent - self->heard < self->window)
    return TRUE;
  if (now_us - self->last_us >= WZP_RELAY_WINDOW_TIMEOUT_US) {
    self->lost += self->sent - self->heard;
    self->heard = self->sent;
    self->n = 0;
    self->window = WZP_RELAY_WINDOW_MIN;
    self->is_slow_start = TRUE;
    self->last_us = now_us;
    return TRUE;
  }
  self->was_full = TRUE;
  return FALSE;
}

gint64
wzp_relay_window_get_deadline (const WzpRelayWindow *self)
{
  if (self->sent - self->heard < self->window)
    return -1;
  return self->last_us + WZP_RELAY_WINDOW_TIMEOUT_US;
}

gboolean
wzp_relay_window_is_failing (const WzpRelayWindow *self, gint64 now_us)
{
  return self->is_block_lost ||
      (self->unheard_us > 0 &&
          now_us - self->unheard_us >= WZP_RELAY_WINDOW_TIMEOUT_US);
}

gsize
wzp_relay_window_get_size (const WzpRelayWindow *self)
{
  return self->window;
}

gsize
wzp_relay_window_get_in_flight (const WzpRelayWindow *self)
{
  return (gsize) (self->sent - self->heard);
}

gint64
wzp_relay_window_get_rtt_us (const WzpRelayWindow *self)
{
  return self->rtt_us;
}
