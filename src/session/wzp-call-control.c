/* The control channel of a call: messages both ways, probes. */
#include "wzp-call-private.h"

#define CONTROL_VERSION  1u
#define MAX_CONTROL_TEXT 16384u /* bytes of one control datagram */

static void
flush_pending (WzpCall *self)
{
  GBytes *message;

  while ((message = g_queue_peek_head (&self->pending_control)) != NULL) {
    if (!wzp_control_channel_send (self->control, message))
      return;
    g_bytes_unref (g_queue_pop_head (&self->pending_control));
  }
}

void
wzp_call_send_control (WzpCall *self, const WzpControl *control)
{
  g_autoptr (GError) error = NULL;
  GBytes *message;

  if (!self->features.has_control)
    return;
  message = wzp_control_write (control, &error);
  if (message == NULL) {
    g_debug ("call %s: %s", self->call_id, error->message);
    return;
  }
  if (self->pending_control.length >= WZP_CALL_MAX_PENDING_CONTROL) {
    g_bytes_unref (message);
    wzp_call_end (self,
        g_error_new (WZP_ERROR, WZP_ERROR_TOO_LARGE,
            "The peer has not acknowledged %u control messages",
            WZP_CALL_MAX_PENDING_CONTROL),
        NULL, self->path);
    return;
  }
  g_queue_push_tail (&self->pending_control, message);
  wzp_call_step_soon (self);
}

void
wzp_call_send_hello (WzpCall *self, guint window)
{
  WzpControl hello = { .type = WZP_CONTROL_HELLO,
    .version = CONTROL_VERSION,
    .window = window,
    .latency_ms = self->latency_ms };

  wzp_call_send_control (self, &hello);
}

/* The same text on every live link, under one number. */
void
wzp_call_write_control (WzpCall *self, gint64 now_us)
{
  gsize max = MAX_CONTROL_TEXT;
  guint8 text[MAX_CONTROL_TEXT];
  gsize len;

  if (!self->features.has_control)
    return;
  flush_pending (self);
  if (self->relay != NULL)
    max = MIN (max, wzp_link_get_max_text (self->relay));
  if (self->direct != NULL)
    max = MIN (max, wzp_link_get_max_text (self->direct));
  if ((self->relay == NULL && self->direct == NULL) || max < 256)
    return;

  while ((len = wzp_control_channel_write (self->control, now_us, text, max)) >
      0) {
    guint64 number = wzp_sender_take_number (self->sender);

    if (self->relay != NULL)
      wzp_link_send_control (self->relay, number, text, len);
    if (self->direct != NULL)
      wzp_link_send_control (self->direct, number, text, len);
  }
}

/* A PROBE or PROBE_ACK: on one link only, in a datagram of its own. */
void
wzp_call_send_probe (WzpCall *self, WzpLink *link, const WzpControl *probe)
{
  g_autoptr (GBytes) bytes = wzp_control_write (probe, NULL);

  wzp_call_note_probe (self, probe, wzp_clock_now_us ());
  if (bytes != NULL)
    wzp_link_send_control (link, wzp_sender_take_number (self->sender),
        g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

void
wzp_call_send_feedback (WzpCall *self, gint64 now_us)
{
  WzpControl feedback = { .type = WZP_CONTROL_FEEDBACK,
    .seq = self->relay_highest,
    .received = self->relay_bytes };

  if (self->relay == NULL || self->feedback_at_us < 0 ||
      (now_us < self->feedback_at_us &&
          self->relay_unreported < WZP_FEEDBACK_BYTES))
    return;
  self->feedback_at_us = -1;
  self->relay_unreported = 0;
  wzp_call_send_probe (self, self->relay, &feedback);
}

/* The relay's other leg may have got narrower; and what was tried while nothing
 * came through is no answer. */
static void
watch_relay_mtu (WzpCall *self, gint64 now_us)
{
  const gboolean is_failing =
      wzp_relay_window_is_failing (self->relay_window, now_us);

  if (is_failing != self->is_relay_failing && self->relay != NULL)
    wzp_link_doubt_mtu (self->relay);
  self->is_relay_failing = is_failing;
}

void
wzp_call_probe_mtu (WzpCall *self, gint64 now_us)
{
  WzpControl probe = { .type = WZP_CONTROL_PROBE, .path = WZP_PATH_RELAY };
  gsize size;

  watch_relay_mtu (self, now_us);
  size =
      self->relay != NULL ? wzp_link_next_mtu_probe (self->relay, now_us) : 0;
  if (size == 0)
    return;
  probe.seq = WZP_LINK_MTU_SEQ + size;
  {
    g_autoptr (GBytes) bare = wzp_control_write (&probe, NULL);

    probe.padding = (guint32) (size - g_bytes_get_size (bare));
  }
  wzp_call_send_probe (self, self->relay, &probe);
}

static void
receive_hello (WzpCall *self, const WzpControl *control)
{
  self->latency_ms = MAX (self->latency_ms, MIN (control->latency_ms, 10000));
  self->peer_window = control->window;
  if (self->direct != NULL && self->peer_window > 0)
    wzp_conn_set_max_in_flight (wzp_link_get_conn (self->direct),
        self->peer_window / WZP_CALL_WINDOW_SHARE);
}

static void
receive_bye (WzpCall *self, const WzpControl *control)
{
  GError *error = NULL;

  if (control->reason != WZP_HANGUP_NORMAL)
    g_set_error (&error, WZP_ERROR, WZP_ERROR_CLOSED,
        "The peer ended the call: %s",
        control->text != NULL ? control->text : "no reason given");
  wzp_call_end (self, error, NULL, self->path);
}

static void
receive_message (
    WzpCall *self, const WzpControl *control, gsize len, gint64 now_us)
{
  switch (control->type) {
    case WZP_CONTROL_HELLO:
      receive_hello (self, control);
      break;
    case WZP_CONTROL_FLOW_OPEN:
    case WZP_CONTROL_FLOW_EOS:
    case WZP_CONTROL_FLOW_CLOSE:
      wzp_receiver_control (self->receiver, control, now_us);
      break;
    case WZP_CONTROL_KEY_REQUEST:
      wzp_sender_key_request (self->sender, control->flow, now_us);
      break;
    case WZP_CONTROL_NOMINATE:
    case WZP_CONTROL_NOMINATE_ACK:
    case WZP_CONTROL_SUSPECT:
      wzp_call_note_control (self, control, FALSE);
      wzp_nominate_receive (
          self->nominate, control, WZP_PATH_NONE, len, now_us);
      break;
    case WZP_CONTROL_BYE:
      receive_bye (self, control);
      break;
    case WZP_CONTROL_PORTS:
      wzp_call_take_ports (self, control, now_us);
      break;
    case WZP_CONTROL_REPORT:
    case WZP_CONTROL_FLOW_LATENCY:
    case WZP_CONTROL_PROBE:
    case WZP_CONTROL_PROBE_ACK:
    case WZP_CONTROL_FEEDBACK:
    case WZP_CONTROL_GO:
      /* Not of use here, or not valid in the reliable channel: skipped, as
       * an unknown type is. */
      break;
  }
}

void
wzp_call_pop_control (WzpCall *self, gint64 now_us)
{
  GBytes *message;

  while (self->state != CALL_ENDED &&
      (message = wzp_control_channel_pop (self->control)) != NULL) {
    g_auto (WzpControl) control = { 0 };
    gsize len;
    const guint8 *data = g_bytes_get_data (message, &len);

    if (wzp_control_parse (data, len, &control, NULL))
      receive_message (self, &control, len, now_us);
    else
      self->bad_control++;
    g_bytes_unref (message);
  }
}

static void
receive_probe (WzpCall *self, WzpLink *link, const WzpControl *control,
    gsize len, gint64 now_us)
{
  wzp_call_note_probe_ack (self, control, now_us);
  if (control->seq < WZP_LINK_MTU_SEQ)
    wzp_nominate_receive (
        self->nominate, control, wzp_link_get_path (link), len, now_us);
  else if (control->type == WZP_CONTROL_PROBE)
    wzp_call_send_probe (self, link,
        &(WzpControl){ .type = WZP_CONTROL_PROBE_ACK,
            .seq = control->seq,
            .path = control->path });
  else
    wzp_link_confirm_mtu (link, control->seq);
}

void
wzp_call_receive_control (
    WzpCall *self, WzpLink *link, const guint8 *text, gsize len, gint64 now_us)
{
  g_auto (WzpControl) control = { 0 };

  if (!self->features.has_control) {
    self->bad_control++;
    return;
  }
  if (len > 0 && text[0] == WZP_CONTROL_KIND_CHANNEL) {
    if (wzp_control_channel_receive (self->control, text, len, now_us))
      wzp_call_step (self);
    else
      self->bad_control++;
    return;
  }
  if (!wzp_control_parse (text, len, &control, NULL) ||
      (control.type != WZP_CONTROL_PROBE &&
          control.type != WZP_CONTROL_PROBE_ACK &&
          control.type != WZP_CONTROL_FEEDBACK &&
          control.type != WZP_CONTROL_GO)) {
    self->bad_control++;
    return;
  }
  if (control.type == WZP_CONTROL_FEEDBACK) {
    wzp_relay_window_feedback (
        self->relay_window, control.seq, control.received, now_us);
    if (self->relay != NULL)
      wzp_link_want_pull (self->relay);
    return;
  }
  if (control.type == WZP_CONTROL_GO)
    wzp_call_take_go (self, &control, now_us);
  else
    receive_probe (self, link, &control, len, now_us);
  wzp_call_step (self);
}
