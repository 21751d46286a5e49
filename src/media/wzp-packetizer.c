#include "wzp-packetizer.h"

struct _WzpPacketizer {
  guint64 flow;
  guint64 next_frame;
  WzpFrame *frame;      /* owned, nullable: kept after its last datagram */
  gsize offset;         /* bytes of frame cut so far */
  gboolean is_underway; /* frame has datagrams left */
};

WzpPacketizer *
wzp_packetizer_new (guint64 flow)
{
  WzpPacketizer *self;

  g_return_val_if_fail (flow > 0 && flow <= WZP_VARINT_MAX, NULL);

  self = g_new0 (WzpPacketizer, 1);
  self->flow = flow;
  return self;
}

void
wzp_packetizer_free (WzpPacketizer *self)
{
  g_clear_pointer (&self->frame, wzp_frame_unref);
  g_free (self);
}

void
wzp_packetizer_begin (WzpPacketizer *self, WzpFrame *frame)
{
  g_return_if_fail (frame != NULL);
  g_return_if_fail (!self->is_underway);

  g_clear_pointer (&self->frame, wzp_frame_unref);
  self->frame = frame;
  self->offset = 0;
  self->is_underway = TRUE;
  self->next_frame++;
}

gboolean
wzp_packetizer_is_idle (const WzpPacketizer *self)
{
  return !self->is_underway;
}

static guint8
prefix_flags (const WzpPacketizer *self)
{
  guint8 flags = 0;

  if (self->offset == 0)
    flags |= WZP_DATAGRAM_FRAME_START;
  if ((self->frame->meta.flags & WZP_FRAME_DELTA_UNIT) == 0)
    flags |= WZP_DATAGRAM_KEY_FRAME;
  return flags;
}

gboolean
wzp_packetizer_next (
    WzpPacketizer *self, guint64 number, gsize max_size, WzpPacket *ret_packet)
{
  WzpMediaHead head;
  guint8 flags;

  g_return_val_if_fail (max_size > WZP_DATAGRAM_MAX_HEADER, FALSE);

  if (!self->is_underway) {
    g_clear_pointer (&self->frame, wzp_frame_unref);
    return FALSE;
  }

  head.frame = self->next_frame - 1;
  head.is_start = self->offset == 0;
  head.offset = (guint32) self->offset;
  if (head.is_start)
    head.meta = self->frame->meta;

  flags = prefix_flags (self);
  ret_packet->prefix_len =
      wzp_datagram_write_prefix (ret_packet->head, flags, number, self->flow);
  ret_packet->head_len = ret_packet->prefix_len +
      wzp_datagram_write_media (
          ret_packet->head + ret_packet->prefix_len, &head);

  ret_packet->n_payload = wzp_frame_slice (self->frame, self->offset,
      max_size - ret_packet->head_len, ret_packet->payload,
      G_N_ELEMENTS (ret_packet->payload), &ret_packet->payload_len);
  self->offset += ret_packet->payload_len;

  ret_packet->starts_frame = head.is_start;
  ret_packet->ends_frame = self->offset == self->frame->meta.size;
  if (ret_packet->ends_frame) {
    /* Known only now that the length of the head is: same length. */
    wzp_datagram_write_prefix (
        ret_packet->head, flags | WZP_DATAGRAM_FRAME_END, number, self->flow);
    self->is_underway = FALSE;
  }
  return TRUE;
}

WzpFrame *
wzp_packetizer_get_frame (const WzpPacketizer *self)
{
  return self->frame;
}

void
wzp_packetizer_abandon (WzpPacketizer *self)
{
  g_clear_pointer (&self->frame, wzp_frame_unref);
  self->is_underway = FALSE;
}

guint64
wzp_packetizer_get_next_frame (const WzpPacketizer *self)
{
  return self->next_frame;
}

void
wzp_packetizer_set_next_frame (WzpPacketizer *self, guint64 number)
{
  g_return_if_fail (!self->is_underway);

  self->next_frame = number;
}
