#include "wzp-datagram.h"

/* A time on the wire is the time + 1, for 0 says that there is none. */
static guint64
time_to_wire (guint64 time)
{
  return time <= WZP_TIME_MAX ? time + 1 : 0;
}

static guint64
time_from_wire (guint64 wire, gboolean *is_bad)
{
  if (wire == 0)
    return WZP_TIME_NONE;
  *is_bad |= wire - 1 > WZP_TIME_MAX;
  return wire - 1;
}

/* PTS - DTS is small and of either sign: zigzag, as in protocol buffers. */
static guint64
dts_to_wire (guint64 pts, guint64 dts)
{
  guint64 zigzag;
  gint64 ahead;

  if (pts > WZP_TIME_MAX || dts > WZP_TIME_MAX)
    return time_to_wire (dts);
  ahead = (gint64) (pts - dts);
  zigzag = (guint64) ahead << 1 ^ (guint64) (ahead >> 63);
  return zigzag < WZP_VARINT_MAX ? zigzag + 1 : 0;
}

static guint64
dts_from_wire (guint64 wire, guint64 pts, gboolean *is_bad)
{
  guint64 zigzag, ahead, dts;

  if (wire == 0 || pts == WZP_TIME_NONE)
    return time_from_wire (wire, is_bad);
  zigzag = wire - 1;
  ahead = zigzag >> 1 ^ (0 - (zigzag & 1));
  dts = pts - ahead; /* wraps below 0, and is then over the maximum */
  *is_bad |= dts > WZP_TIME_MAX;
  return dts;
}

gsize
wzp_datagram_write_prefix (
    guint8 *buf, guint8 flags, guint64 number, guint64 flow)
{
  WzpWriter w;

  wzp_writer_init (&w, buf, WZP_DATAGRAM_MAX_PREFIX);
  wzp_writer_u8 (&w, WZP_DATAGRAM_BYTE0);
  wzp_writer_u8 (&w, flags & (guint8) ~WZP_DATAGRAM_RESERVED);
  wzp_writer_varint (&w, number);
  wzp_writer_varint (&w, flow);
  return w.failed ? 0 : (gsize) (w.pos - buf);
}

guint64
wzp_datagram_room_flow (guint64 sender, guint32 flow)
{
  return sender * (WZP_ROOM_FLOW_ID_MAX + 1) + flow;
}

gsize
wzp_datagram_write_media (guint8 *buf, const WzpMediaHead *head)
{
  const WzpFrameMeta *meta = &head->meta;
  WzpWriter w;

  wzp_writer_init (&w, buf, WZP_DATAGRAM_MAX_HEADER);
  wzp_writer_varint (&w, head->frame);
  if (head->is_start) {
    wzp_writer_varint (&w, meta->flags & WZP_FRAME_FLAGS_ALL);
    wzp_writer_varint (&w, meta->generation);
    wzp_writer_varint (&w, meta->size);
    wzp_writer_varint (&w, time_to_wire (meta->pts));
    wzp_writer_varint (&w, dts_to_wire (meta->pts, meta->dts));
    wzp_writer_varint (&w, time_to_wire (meta->duration));
  } else {
    wzp_writer_varint (&w, head->offset);
  }
  return w.failed ? 0 : (gsize) (w.pos - buf);
}

/* Leaves `flow` as it is on the wire in *@ret_flow. */
static gboolean
parse_prefix (const guint8 *data, gsize len, WzpDatagramPrefix *ret_prefix,
    guint64 *ret_flow)
{
  guint8 byte0, flags;
  guint64 number, flow;
  WzpReader r;

  wzp_reader_init (&r, data, len);
  byte0 = wzp_reader_u8 (&r);
  flags = wzp_reader_u8 (&r);
  number = wzp_reader_varint (&r);
  flow = wzp_reader_varint (&r);
  if (r.failed || byte0 != WZP_DATAGRAM_BYTE0 || (flags & 0x03) != 0)
    return FALSE;

  ret_prefix->flags = flags;
  ret_prefix->number = number;
  ret_prefix->prefix_len = (gsize) (r.pos - data);
  *ret_flow = flow;
  return TRUE;
}

static gboolean
has_right_flow (const WzpDatagramPrefix *prefix)
{
  return ((prefix->flags & WZP_DATAGRAM_CONTROL) != 0) == (prefix->flow == 0);
}

gboolean
wzp_datagram_parse_prefix (
    const guint8 *data, gsize len, WzpDatagramPrefix *ret_prefix)
{
  WzpDatagramPrefix prefix;
  guint64 flow;

  if (!parse_prefix (data, len, &prefix, &flow) || flow > WZP_FLOW_ID_MAX)
    return FALSE;
  prefix.flow = (guint32) flow;
  prefix.sender = 0;
  if (!has_right_flow (&prefix))
    return FALSE;
  *ret_prefix = prefix;
  return TRUE;
}

gboolean
wzp_datagram_parse_room_prefix (
    const guint8 *data, gsize len, WzpDatagramPrefix *ret_prefix)
{
  WzpDatagramPrefix prefix;
  guint64 flow;

  if (!parse_prefix (data, len, &prefix, &flow))
    return FALSE;
  prefix.flow = (guint32) (flow % (WZP_ROOM_FLOW_ID_MAX + 1));
  prefix.sender = flow / (WZP_ROOM_FLOW_ID_MAX + 1);
  if (prefix.sender == 0 || !has_right_flow (&prefix))
    return FALSE;
  *ret_prefix = prefix;
  return TRUE;
}

gboolean
wzp_datagram_parse_media (const WzpDatagramPrefix *prefix, const guint8 *data,
    gsize len, WzpMediaHead *ret_head, gsize *ret_len)
{
  guint64 flags, generation, size, pts, dts, duration;
  WzpMediaHead head = { 0 };
  gboolean is_bad = FALSE;
  WzpReader r;

  wzp_reader_init (&r, data, len);
  head.frame = wzp_reader_varint (&r);
  head.is_start = (prefix->flags & WZP_DATAGRAM_FRAME_START) != 0;
  if (head.is_start) {
    flags = wzp_reader_varint (&r);
    generation = wzp_reader_varint (&r);
    size = wzp_reader_varint (&r);
    pts = time_from_wire (wzp_reader_varint (&r), &is_bad);
    dts = dts_from_wire (wzp_reader_varint (&r), pts, &is_bad);
    duration = time_from_wire (wzp_reader_varint (&r), &is_bad);
    is_bad |= generation > G_MAXUINT32 || size > WZP_FRAME_SIZE_MAX;
    head.meta = (WzpFrameMeta){
      .flags = (guint32) (flags & WZP_FRAME_FLAGS_ALL),
      .generation = (guint32) generation,
      .size = (guint32) size,
      .pts = pts,
      .dts = dts,
      .duration = duration,
    };
  } else {
    size = wzp_reader_varint (&r);
    is_bad |= size > WZP_FRAME_SIZE_MAX ||
        wzp_reader_left (&r) > WZP_FRAME_SIZE_MAX - size;
    head.offset = (guint32) size;
  }
  if (r.failed || is_bad)
    return FALSE;

  *ret_head = head;
  *ret_len = (gsize) (r.pos - data);
  return TRUE;
}
