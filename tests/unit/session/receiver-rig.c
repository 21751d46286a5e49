#include "receiver-rig.h"

#include <string.h>

#define MTU 1200u

static WzpRecvFlow *
on_claim (const char *name, gpointer user_data)
{
  ReceiverRig *rig = user_data;

  for (guint i = 0; i < RECEIVER_RIG_TARGETS; i++) {
    WzpRecvFlow *flow = rig->targets[i].flow;
    const char *own = flow != NULL ? wzp_recv_flow_get_name (flow) : NULL;

    if (flow == NULL || rig->targets[i].is_claimed ||
        (own != NULL && g_strcmp0 (own, name) != 0))
      continue;
    rig->targets[i].is_claimed = TRUE;
    return wzp_recv_flow_ref (flow);
  }
  return NULL;
}

static void
on_unclaimed (WzpRecvFlow *flow, gpointer user_data)
{
  ReceiverRig *rig = user_data;
  guint n = 0;

  for (guint i = 0; i < RECEIVER_RIG_TARGETS; i++) {
    if (rig->targets[i].flow != flow)
      continue;
    g_assert_true (rig->targets[i].is_claimed);
    rig->targets[i].is_claimed = FALSE;
    n++;
  }
  g_assert_cmpuint (n, ==, 1);
}

static void
on_control (const WzpControl *control, gpointer user_data)
{
  ReceiverRig *rig = user_data;

  g_assert_cmpint (control->type, ==, WZP_CONTROL_KEY_REQUEST);
  g_string_append_printf (
      rig->control, "%skey%u", rig->control->len > 0 ? " " : "", control->flow);
  if (rig->end_at_control)
    wzp_receiver_end (rig->receiver);
}

static const WzpReceiverHandler receiver_handler = {
  .claim = on_claim,
  .unclaimed = on_unclaimed,
  .control = on_control,
};

void
receiver_rig_init (ReceiverRig *rig)
{
  memset (rig, 0, sizeof *rig);
  rig->now_us = G_USEC_PER_SEC;
  rig->control = g_string_new (NULL);
  rig->receiver = wzp_receiver_new (&receiver_handler, rig);
}

void
receiver_rig_clear (ReceiverRig *rig)
{
  wzp_receiver_free (rig->receiver);
  for (guint i = 0; i < RECEIVER_RIG_TARGETS; i++)
    g_clear_pointer (&rig->targets[i].flow, wzp_recv_flow_unref);
  for (guint i = 0; i <= WZP_FLOW_ID_MAX; i++)
    g_clear_pointer (&rig->packetizers[i], wzp_packetizer_free);
  g_string_free (rig->control, TRUE);
}

WzpRecvFlow *
receiver_rig_add_target (ReceiverRig *rig, const char *name)
{
  guint i = 0;

  while (rig->targets[i].flow != NULL)
    g_assert_cmpuint (++i, <, RECEIVER_RIG_TARGETS);
  rig->targets[i].flow = wzp_recv_flow_new (name);
  return rig->targets[i].flow;
}

void
receiver_rig_open (
    ReceiverRig *rig, guint32 flow, guint32 generation, const char *name)
{
  g_autofree char *caps = g_strdup_printf ("caps/%u", generation);

  wzp_receiver_control (rig->receiver,
      &(WzpControl){ .type = WZP_CONTROL_FLOW_OPEN,
          .flow = flow,
          .generation = generation,
          .name = (char *) name,
          .caps = caps },
      rig->now_us);
}

void
receiver_rig_eos (ReceiverRig *rig, guint32 flow, guint64 frame)
{
  wzp_receiver_control (rig->receiver,
      &(WzpControl){
          .type = WZP_CONTROL_FLOW_EOS, .flow = flow, .frame = frame },
      rig->now_us);
}

void
receiver_rig_close (ReceiverRig *rig, guint32 flow)
{
  wzp_receiver_control (rig->receiver,
      &(WzpControl){ .type = WZP_CONTROL_FLOW_CLOSE, .flow = flow },
      rig->now_us);
}

void
receiver_rig_feed_bytes (ReceiverRig *rig, const guint8 *bytes, gsize len)
{
  WzpDatagramPrefix prefix;

  g_assert_true (wzp_datagram_parse_prefix (bytes, len, &prefix));
  wzp_receiver_push (rig->receiver, &prefix, bytes + prefix.prefix_len,
      len - prefix.prefix_len, rig->now_us);
}

static void
feed (ReceiverRig *rig, const WzpPacket *packet)
{
  guint8 bytes[MTU];
  gsize len = packet->head_len;

  memcpy (bytes, packet->head, len);
  for (guint i = 0; i < packet->n_payload; i++) {
    memcpy (
        bytes + len, packet->payload[i].iov_base, packet->payload[i].iov_len);
    len += packet->payload[i].iov_len;
  }
  receiver_rig_feed_bytes (rig, bytes, len);
}

void
receiver_rig_send_part (
    ReceiverRig *rig, guint32 flow, guint32 generation, gsize size, guint n)
{
  WzpFrame *frame = flow_test_frame (generation, size);
  WzpPacketizer *packetizer = rig->packetizers[flow];
  WzpPacket packet;

  if (packetizer == NULL)
    packetizer = rig->packetizers[flow] = wzp_packetizer_new (flow);
  frame->meta.generation = generation;
  wzp_packetizer_begin (packetizer, frame);
  for (guint i = 0; wzp_packetizer_next (packetizer, rig->number, MTU, &packet);
       i++) {
    rig->number++;
    if (i < n)
      feed (rig, &packet);
  }
}

void
receiver_rig_send (
    ReceiverRig *rig, guint32 flow, guint32 generation, gsize size)
{
  receiver_rig_send_part (rig, flow, generation, size, G_MAXUINT);
}

void
receiver_rig_lose (ReceiverRig *rig, guint32 flow)
{
  receiver_rig_send_part (rig, flow, 1, 1, 0);
}

void
receiver_rig_pass (ReceiverRig *rig, gint64 us)
{
  rig->now_us += us;
  wzp_receiver_advance (rig->receiver, rig->now_us);
}

void
receiver_rig_assert_control (ReceiverRig *rig, const char *expected)
{
  g_assert_cmpstr (rig->control->str, ==, expected);
  g_string_truncate (rig->control, 0);
}
