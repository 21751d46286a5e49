#include "sender-rig.h"

#include <string.h>

static gboolean
on_refill (WzpSendFlow *flow, gpointer user_data)
{
  SenderRig *rig = user_data;
  WzpSendItem item;

  rig->n_refills++;
  if (rig->is_dry || !wzp_send_flow_take (flow, &item))
    return FALSE;
  wzp_sender_give (rig->sender, flow, &item, rig->now_us);
  wzp_send_item_clear (&item);
  return TRUE;
}

static void
on_control (const WzpControl *control, gpointer user_data)
{
  SenderRig *rig = user_data;
  g_autoptr (GError) error = NULL;
  GBytes *bytes = wzp_control_write (control, &error);

  g_assert_no_error (error);
  g_queue_push_tail (&rig->control, bytes);
}

static const WzpSenderHandler sender_handler = {
  .refill = on_refill,
  .control = on_control,
};

static void
on_key_request (WzpSendFlow *flow, gpointer user_data)
{
  ++*(guint *) user_data;
}

static const WzpSendFlowHandler flow_handler = {
  .key_request = on_key_request,
};

void
sender_rig_init (SenderRig *rig, guint n)
{
  memset (rig, 0, sizeof *rig);
  g_assert_cmpuint (n, <=, SENDER_RIG_FLOWS);
  rig->n_flows = n;
  rig->now_us = G_USEC_PER_SEC;
  g_queue_init (&rig->control);
  rig->sender = wzp_sender_new (&sender_handler, rig);
  for (guint i = 0; i < n; i++) {
    g_autofree char *name = g_strdup_printf ("flow%u", i);

    rig->flows[i] =
        wzp_send_flow_new (name, 60000, &flow_handler, &rig->n_keys[i], NULL);
    wzp_send_flow_set_connected (rig->flows[i], TRUE);
  }
}

void
sender_rig_clear (SenderRig *rig)
{
  wzp_sender_free (rig->sender);
  for (guint i = 0; i < rig->n_flows; i++)
    wzp_send_flow_unref (rig->flows[i]);
  g_queue_clear_full (&rig->control, (GDestroyNotify) g_bytes_unref);
}

void
sender_rig_describe (SenderRig *rig, guint flow, const char *caps)
{
  g_assert_true (wzp_send_flow_describe (rig->flows[flow], caps, NULL, NULL));
}

void
sender_rig_add_all (SenderRig *rig)
{
  for (guint i = 0; i < rig->n_flows; i++) {
    g_autofree char *caps = g_strdup_printf ("caps/%u", i);

    sender_rig_describe (rig, i, caps);
    g_assert_true (
        wzp_sender_add_flow (rig->sender, rig->flows[i], rig->now_us));
  }
}

void
sender_rig_push (SenderRig *rig, guint flow, WzpFrame *frame)
{
  g_assert_cmpint (
      wzp_send_flow_push (rig->flows[flow], frame, FALSE), ==, WZP_PUSH_OK);
}

void
sender_rig_eos (SenderRig *rig, guint flow)
{
  g_assert_false (wzp_send_flow_eos (rig->flows[flow], 0));
}

gboolean
sender_rig_pop_control (SenderRig *rig, WzpControl *ret_control)
{
  g_autoptr (GBytes) bytes = g_queue_pop_head (&rig->control);
  g_autoptr (GError) error = NULL;
  const guint8 *data;
  gsize len;

  if (bytes == NULL)
    return FALSE;
  data = g_bytes_get_data (bytes, &len);
  wzp_control_parse (data, len, ret_control, &error);
  g_assert_no_error (error);
  return TRUE;
}

char *
sender_rig_spell_control (SenderRig *rig)
{
  g_autoptr (GString) text = g_string_new (NULL);
  WzpControl control;

  while (sender_rig_pop_control (rig, &control)) {
    if (text->len > 0)
      g_string_append_c (text, ' ');
    switch (control.type) {
      case WZP_CONTROL_FLOW_OPEN:
        g_string_append_printf (
            text, "open%u/%u", control.flow, control.generation);
        break;
      case WZP_CONTROL_FLOW_EOS:
        g_string_append_printf (
            text, "eos%u@%" G_GUINT64_FORMAT, control.flow, control.frame);
        break;
      case WZP_CONTROL_FLOW_CLOSE:
        g_string_append_printf (text, "close%u", control.flow);
        break;
      default:
        g_assert_not_reached ();
    }
    wzp_control_clear (&control);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
sender_rig_next (SenderRig *rig, gsize max_size, SenderPacket *ret_packet)
{
  guint64 number = wzp_sender_peek_number (rig->sender);
  WzpPacket packet;
  gsize head_len;

  if (!wzp_sender_next (rig->sender, max_size, &packet)) {
    g_assert_cmpuint (wzp_sender_peek_number (rig->sender), ==, number);
    return FALSE;
  }
  memcpy (ret_packet->bytes, packet.head, packet.head_len);
  ret_packet->size = packet.head_len;
  for (guint i = 0; i < packet.n_payload; i++) {
    memcpy (ret_packet->bytes + ret_packet->size, packet.payload[i].iov_base,
        packet.payload[i].iov_len);
    ret_packet->size += packet.payload[i].iov_len;
  }
  g_assert_cmpuint (ret_packet->size, <=, max_size);
  g_assert_cmpuint (ret_packet->size, ==, packet.head_len + packet.payload_len);
  g_assert_true (wzp_datagram_parse_prefix (
      ret_packet->bytes, ret_packet->size, &ret_packet->prefix));
  g_assert_cmpuint (ret_packet->prefix.number, ==, number);
  g_assert_cmpuint (ret_packet->prefix.prefix_len, ==, packet.prefix_len);
  g_assert_true (wzp_datagram_parse_media (&ret_packet->prefix,
      ret_packet->bytes + packet.prefix_len,
      ret_packet->size - packet.prefix_len, &ret_packet->head, &head_len));
  ret_packet->len = packet.payload_len;
  return TRUE;
}

char *
sender_rig_spell_frames (SenderRig *rig)
{
  g_autoptr (GString) text = g_string_new (NULL);
  SenderPacket packet;

  while (sender_rig_next (rig, SENDER_RIG_MTU, &packet)) {
    if (packet.head.is_start)
      g_string_append_printf (text, "%s%u:%" G_GUINT64_FORMAT,
          text->len > 0 ? " " : "", packet.prefix.flow, packet.head.frame);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
